import pytest
from hypothesis import given
from hypothesis import strategies as st

from kontor.retrieval.claims import Support, claims, judge
from kontor.retrieval.exact import Matter

PASSAGES = {
    1: "Die Kündigungsfrist beträgt drei Monate zum Ende eines Quartals. Sie darf nicht verkürzt werden.",
    2: "Die Miete beträgt 1.234,56 € im Monat und ist bis zum dritten Werktag zu zahlen.",
    3: "The tenant may not sublet the flat without written consent. Repairs above 500 euros are paid by the landlord.",
    4: "The heating system delivers 12 kW. It was installed in 2019 by Miller & Sons.",
}


def judged(sentence: str) -> tuple[Support, Matter | None]:
    [made] = judge(sentence, PASSAGES)
    return made.support, made.reason


def test_an_answer_is_split_into_what_it_states() -> None:
    answer = """## Kündigung

Hier ist die Antwort:

Die Frist beträgt **drei Monate** [1]. Sie gilt z. B. ab dem 3. Mai 2026. [2, 3] Reicht das?

- Die Miete ist hoch [4-6].
- Der Rest【7†source】 folgt.

```python
print("This is no claim. [9]")
```
Ende gut."""
    made = claims(answer)
    assert [(claim.text, claim.cited) for claim in made] == [
        ("Die Frist beträgt drei Monate.", (1,)),
        ("Sie gilt z. B. ab dem 3. Mai 2026.", (2, 3)),
        ("Die Miete ist hoch.", (4, 5, 6)),
        ("Der Rest folgt.", (7,)),
        ("Ende gut.", ()),
    ]
    assert answer[made[0].span.start : made[0].span.end] == "Die Frist beträgt **drei Monate** [1]."


@pytest.mark.parametrize(
    "sentence",
    [
        "Die Kündigungsfrist beträgt drei Monate zum Ende eines Quartals [1].",
        "The tenant may not sublet the flat without written consent. [3]",
        "The heating system delivers 12 kW.",
    ],
)
def test_a_sentence_of_a_passage_is_supported(sentence: str) -> None:
    assert judged(sentence) == (Support.VERBATIM, None)


def test_case_and_emphasis_are_no_difference() -> None:
    assert judged("the heating system delivers **12 kW** [4].") == (Support.NORMALISED, None)


@pytest.mark.parametrize(
    "sentence",
    [
        "Zum Ende eines Quartals gilt eine Kündigungsfrist von 3 Monaten [1].",
        "Bis zum dritten Werktag ist die Miete von 1234,56 Euro zu zahlen [2].",
        "The landlord pays repairs above 500 €. [3]",
        "Without written consent, the flat may not be sublet by the tenant [3].",
        "Die Frist „darf nicht verkürzt werden“, so der Vertrag [1].",
    ],
)
def test_other_words_for_the_same_are_partly_supported(sentence: str) -> None:
    assert judged(sentence) == (Support.PARTLY, None)


@pytest.mark.parametrize(
    ("sentence", "reason"),
    [
        ("Die Kündigungsfrist beträgt vier Monate zum Ende eines Quartals [1].", Matter.NUMBER),
        ("Die Kündigungsfrist beträgt drei Wochen zum Ende eines Quartals [1].", Matter.NUMBER),
        ("Sie darf verkürzt werden [1].", Matter.NEGATION),
        ("The landlord pays repairs above 5000 euros [3].", Matter.NUMBER),
        ("The landlord does not pay repairs above 500 euros [3].", Matter.NEGATION),
        ("The heating system delivers 12 MW [4].", Matter.NUMBER),
        ("The heating system was installed in 2020 by Miller [4].", Matter.NUMBER),
        ("Berlin is the capital of Germany.", None),
        ("Die Frist „darf jederzeit verkürzt werden“, so der Vertrag [1].", Matter.NEGATION),
        ("The landlord pays repairs above 500 euros [4].", None),  # it cites another passage
    ],
)
def test_what_the_passages_do_not_say_is_not_found(sentence: str, reason: Matter | None) -> None:
    assert judged(sentence) == (Support.NOT_FOUND, reason)


def test_a_claim_says_where_and_what_is_missing() -> None:
    [made] = judge("Repairs above 5000 euros are paid by the landlord or the gardener.", PASSAGES)
    assert made.passage == 3
    assert PASSAGES[3][made.spans[0].start : made.spans[0].end].startswith("Repairs above")
    assert "5000 €" in made.missing
    assert "gardener" in made.missing


def test_marks_that_cite_nothing_are_no_hindrance() -> None:
    [made] = judge("The heating system delivers 12 kW [99].", PASSAGES)
    assert (made.support, made.passage) == (Support.VERBATIM, 4)
    assert judge("The heating system delivers 12 kW [99].", {})[0].support is Support.NOT_FOUND


@given(st.text(alphabet=st.sampled_from('aB. \n[1]【】-–,*#`"„“?5€')))
def test_no_answer_is_an_error(answer: str) -> None:
    for made in judge(answer, PASSAGES):
        assert 0 <= made.claim.span.start < made.claim.span.end <= len(answer)
        assert made.claim.text
