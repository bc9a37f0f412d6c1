from random import Random
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kontor.retrieval.evidence import Exactness, find
from kontor.retrieval.exact import Matter, values
from kontor.retrieval.reading import Reading
from kontor.retrieval.sentences import ends_of_sentences, sentences

CONTRACT = """§ 1 Mietzeit
Das Mietverhältnis beginnt am 1. März 2026 und läuft auf unbestimmte Zeit. Die Kündi-
gungsfrist beträgt drei Monate zum Ende eines Kalendervierteljahres, mindestens jedoch 90 Tage.

§ 2 Miete
Die Miete beträgt 1.234,56 € im Monat. Sie ist bis zum 3. Werktag zu zahlen und darf in den ersten
zwei Jahren nicht erhöht werden. Der Mieter darf   „Kleintiere“ halten – Hunde nur mit Zustimmung.
Eine Untervermietung ist unzulässig. Die Nebenkosten betragen 15 % der Miete. Die Temperatur fällt auf -5 °C.

§ 3 English summary
The tenant may not sublet the flat without the landlord's written consent. The eﬃcient heating system
delivers 12 kW at 21.5 °C, and it is serviced every two years. Repairs above 500 euros are paid by the
landlord. The deposit is three monthly rents; it doesn't bear interest.
"""
DOCUMENT = Reading(CONTRACT)


def kind(quotation: str) -> Exactness:
    return find(quotation, DOCUMENT).kind


def quoted(quotation: str) -> list[str]:
    return [CONTRACT[span.start : span.end] for span in find(quotation, DOCUMENT).spans]


@pytest.mark.parametrize(
    ("quotation", "expected", "found"),
    [
        ("Die Miete beträgt 1.234,56 € im Monat.", Exactness.VERBATIM, None),
        ("„Die Miete beträgt 1.234,56 € im Monat.“", Exactness.VERBATIM, "Die Miete beträgt 1.234,56 € im Monat."),
        ("Eine Untervermietung ist unzulässig", Exactness.VERBATIM, None),
        (
            "Die Kündigungsfrist beträgt drei Monate",
            Exactness.NORMALISED,
            "Die Kündi-\ngungsfrist beträgt drei Monate",
        ),
        ('der mieter darf "kleintiere" halten', Exactness.NORMALISED, "Der Mieter darf   „Kleintiere“ halten"),
        ("Der Mieter darf Kleintiere halten", Exactness.NORMALISED, "Der Mieter darf   „Kleintiere“ halten"),
        ("The efficient heating system delivers", Exactness.NORMALISED, "The eﬃcient heating system\ndelivers"),
        ("it doesn’t bear interest", Exactness.NORMALISED, "it doesn't bear interest"),
        ("Mietverha\u0308ltnis beginnt", Exactness.NORMALISED, "Mietverhältnis beginnt"),
    ],
)  # fmt: skip
def test_a_quotation_is_found_where_it_stands(quotation: str, expected: Exactness, found: str | None) -> None:
    assert kind(quotation) is expected
    assert quoted(quotation) == [found or quotation]


def test_pieces_are_found_in_their_order() -> None:
    assert kind("The efficient heating system … serviced every two years") is Exactness.ELIDED
    assert quoted("Das Mietverhältnis [...] auf unbestimmte Zeit.") == ["Das Mietverhältnis", "auf unbestimmte Zeit."]
    assert kind("auf unbestimmte Zeit … Das Mietverhältnis") is Exactness.NONE
    assert kind("Das Mietverhältnis … auf dem Mond") is Exactness.NONE
    assert quoted("... delivers 12 kW at 21.5 °C ...") == ["delivers 12 kW at 21.5 °C"]


def test_what_is_left_out_must_not_turn_the_sentence_round() -> None:
    for turned in ("darf in den ersten … erhöht werden", "The tenant may not sublet the flat [...] written consent."):
        evidence = find(turned, DOCUMENT)
        assert (evidence.kind, evidence.reason) == (Exactness.NONE, Matter.NEGATION)
    assert kind("Die Miete beträgt 1.234,56 € im Monat. … Der Mieter darf") is Exactness.ELIDED  # in a sentence between


@pytest.mark.parametrize(
    ("quotation", "reason"),
    [
        ("Der Mieter darf", None),
        ("The tenant may", Matter.NEGATION),
        ("sublet the flat", Matter.NEGATION),
        ("erhöht werden", Matter.NEGATION),
    ],
)
def test_a_negation_that_is_cut_off_is_left_to_a_person(quotation: str, reason: Matter | None) -> None:
    evidence = find(quotation, DOCUMENT)
    assert evidence.reason is reason
    assert evidence.is_proof is (reason is None)


@pytest.mark.parametrize(
    "quotation",
    [
        "5 % der Miete",
        "234,56 € im Monat",
        "5 °C",
        "1.234",
        "Die Nebenkosten betragen 1",
        "miet",
        "Werk",
        "eträgt drei",
    ],
)
def test_no_number_and_no_word_is_cut(quotation: str) -> None:
    assert not find(quotation, DOCUMENT).is_proof


@pytest.mark.parametrize(
    "quotation",
    [
        "Das Mietverhältniss beginnt am 1. März 2026 und lauft auf unbestimmte Zeit",
        "The tenant may not sublet the apartment without the landlord's written consent",
        "Die Kündigungsfrist beträgt drei Monate zum Ende des Kalendervierteljahres",
        "Repairs above 500 euros must be paid by the landlord. The deposit is three monthly rents",
    ],
)
def test_slips_are_left_to_a_person(quotation: str) -> None:
    evidence = find(quotation, DOCUMENT)
    assert evidence.kind is Exactness.FUZZY
    assert not evidence.is_proof
    assert evidence.likeness >= 0.85
    assert evidence.differences


@pytest.mark.parametrize(
    ("quotation", "reason"),
    [
        ("Die Miete beträgt 1.243,56 € im Monat.", Matter.NUMBER),
        ("Die Kündigungsfrist beträgt vier Monate zum Ende eines Kalendervierteljahres", Matter.NUMBER),
        ("Die Kündigungsfrist beträgt drei Wochen zum Ende eines Kalendervierteljahres", Matter.UNIT),
        ("Das Mietverhältnis beginnt am 1. Mai 2026 und läuft auf unbestimmte Zeit", Matter.DATE),
        ("und darf in den ersten zwei Jahren erhöht werden.", Matter.NEGATION),
        ("The tenant may sublet the flat without the landlord's written consent", Matter.NEGATION),
        ("The tenant may not sublet the flat with the landlord's written consent", Matter.NEGATION),
        ("The deposit is three monthly rents; it does bear interest", Matter.NEGATION),
        ("halten – Hunde nur mit Zustimmung. Eine Untervermietung ist zulässig.", Matter.NEGATION),
        ("delivers 12 MW at 21.5 °C, and it is serviced every two years", Matter.UNIT),
        ("zum Ende eines Kalendervierteljahres, höchstens jedoch 90 Tage.", Matter.BOUND),
        ("The efficient heating system delivers 12 kW at 21 °C, and it is serviced", Matter.NUMBER),
        ("The efficient heating system delivers kW at 21.5 °C, and it is serviced", Matter.NUMBER),
        ("Die Nebenkosten betragen 15 ‰ der Miete. Die Temperatur fällt", Matter.UNIT),
        ("The tenant may never not sublet the flat without consent", None),
    ],
)
def test_what_changes_the_meaning_is_no_evidence(quotation: str, reason: Matter | None) -> None:
    evidence = find(quotation, DOCUMENT)
    assert evidence.kind is Exactness.NONE
    assert reason is None or evidence.reason is reason


@pytest.mark.parametrize(
    "quotation", ["", "  ", "…", '"""', "...", "x" * 30_000, "¿?", "\0", "The cow jumped over the moon"]
)
def test_what_is_nowhere_or_nothing_is_none(quotation: str) -> None:
    assert find(quotation, DOCUMENT).kind is Exactness.NONE
    assert find(quotation, Reading("")).kind is Exactness.NONE


# Property tests: a document of invented words, so that no changed quotation can be right by accident.
SYLLABLES = [a + b for a in "bdfgklmnprstvz" for b in ("a", "e", "i", "o", "u", "au", "ei", "ü")]


def invented(random: Random, words: int) -> list[str]:
    """Sentences with numbers, units and negations in them."""
    made: list[str] = []
    while len(made) < words:
        sentence = ["".join(random.choices(SYLLABLES, k=random.randint(1, 4))) for _ in range(random.randint(8, 20))]
        sentence[0] = sentence[0].capitalize()
        sentence.insert(random.randint(2, 5), random.choice(["nicht", "not", "kein", "never", "ohne"]))
        sentence.insert(random.randint(5, 7), f"{random.randint(1, 9999)} {random.choice(['€', '%', 'kg', 'Tage'])}")
        sentence[-1] += "."
        made += sentence
    return made


BOOK = invented(Random(11), 4000)
BOOK_TEXT = " ".join(BOOK)
BOOK_READING = Reading(BOOK_TEXT)


@st.composite
def quotations(draw: st.DrawFn, least: int = 8) -> list[str]:
    start = draw(st.integers(0, len(BOOK) - 40))
    return BOOK[start : start + draw(st.integers(least, 40))]


@given(quotations(least=4))
def test_what_is_there_is_found(words: list[str]) -> None:
    evidence = find(" ".join(words), BOOK_READING)
    assert evidence.kind is Exactness.VERBATIM or (evidence.kind, evidence.reason) == (Exactness.FUZZY, Matter.NEGATION)
    [span] = evidence.spans
    assert BOOK_TEXT[span.start : span.end] == " ".join(words)


@given(quotations(), st.randoms(use_true_random=False))
def test_a_changed_figure_is_never_evidence(words: list[str], random: Random) -> None:
    text = " ".join(words)
    figures = [at for at, letter in enumerate(text) if letter.isdigit()]
    if not figures:
        return
    at = random.choice(figures)
    changed = text[:at] + random.choice([digit for digit in "0123456789" if digit != text[at]]) + text[at + 1 :]
    if changed not in BOOK_TEXT:
        assert find(changed, BOOK_READING).kind is Exactness.NONE
        assert not find(changed.upper(), BOOK_READING).is_proof


@given(quotations(), st.data())
def test_a_dropped_or_added_negation_is_never_evidence(words: list[str], data: st.DataObject) -> None:
    denying = [at for at, word in enumerate(words) if word in {"nicht", "not", "kein", "never", "ohne"}]
    if denying:
        at = data.draw(st.sampled_from(denying))
        assert not find(" ".join(words[:at] + words[at + 1 :]), BOOK_READING).is_proof
        if 0 < at < len(words) - 1:
            assert find(" ".join(words[:at] + words[at + 1 :]), BOOK_READING).kind is Exactness.NONE
    at = data.draw(st.integers(0, len(words)))
    added = " ".join([*words[:at], "nicht", *words[at:]])
    assert added in BOOK_TEXT or not find(added, BOOK_READING).is_proof


@given(quotations(), st.data())
def test_a_left_out_piece_with_a_negation_is_never_evidence(words: list[str], data: st.DataObject) -> None:
    denying = [at for at, word in enumerate(words) if word in {"nicht", "not", "kein", "never", "ohne"} and at > 1]
    if denying:
        at = data.draw(st.sampled_from(denying))
        assert not find(" ".join([*words[:at], "…", *words[at + 1 :]]), BOOK_READING).is_proof


@given(quotations(least=12), st.integers(0, 10), st.randoms(use_true_random=False))
def test_slips_of_letters_are_found_and_left_to_a_person(words: list[str], at: int, random: Random) -> None:
    long = [place for place, word in enumerate(words) if len(word) > 6 and word.isalpha()]
    if not long:
        return
    place = random.choice(long)
    word, letter = words[place], random.randrange(1, len(words[place]) - 2)
    slipped = word[:letter] + word[letter + 1] + word[letter] + word[letter + 2 :]
    changed = " ".join([*words[:place], slipped, *words[place + 1 :]])
    if slipped != word and changed not in BOOK_TEXT:
        evidence = find(changed, BOOK_READING)
        assert evidence.kind is Exactness.FUZZY or evidence.reason is Matter.NEGATION
        assert not evidence.is_proof


@given(st.text(alphabet=st.sampled_from("aB ß\u00ad\n-\t.ﬁé\u0301\u200b\u00a0“”…1½İ\ufffe")), st.data())
def test_places_lead_back_to_the_original(text: str, data: st.DataObject) -> None:
    reading = Reading(text)
    if not reading.plain:
        return
    start = data.draw(st.integers(0, len(reading.plain) - 1))
    end = data.draw(st.integers(start + 1, len(reading.plain)))
    span = reading.original(start, end)
    assert 0 <= span.start < span.end <= len(text)
    assert reading.plain[start:end].strip() in Reading(text[span.start : span.end]).plain


@given(st.text(), st.text())
def test_nothing_fails(quotation: str, text: str) -> None:
    for span in find(quotation, Reading(text)).spans:
        assert 0 <= span.start < span.end <= len(text)


@pytest.mark.parametrize(
    "text",
    [
        "a " * 200_000,
        "not " * 100_000,
        "1" * 400_000,
        "-\n" * 200_000,
        ". " * 200_000,
        " " * 400_000,
        "u\u0308" * 200_000,
        "a\u0300" + "\u0301" * 300_000,
    ],
)
def test_no_text_takes_long(text: str) -> None:
    began = process_time()
    document = Reading(text)
    for quotation in ("a a a b", "1 1", "a not a not a … a", "11", "ü ü ü ü ü ü é", text[:19_000] + "x"):
        find(quotation, document)
    assert process_time() - began < 10


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("1.234,50", "1,234.50", True),
        ("1.234,50", "1234.5", True),
        ("1.234", "1,234", True),
        ("12", "zwölf", True),
        ("1.234", "1.235", False),
        ("12,5", "125", False),
        ("0,5", "5", False),
    ],
)
def test_numbers_are_compared_by_what_they_may_mean(one: str, other: str, same: bool) -> None:
    assert bool(values(one) & values(other)) is same


@pytest.mark.parametrize(
    "text",
    [
        "Das kostet z. B. 3,50 € pro Stück.| Der Rest ist frei.",
        "Am 3. Mai 2026 kam Dr. Meier.| Er blieb bis zum 5. Juni.",
        "See e.g. Fig. 3 of Smith et al. 2020.| It is clear.",
        "Wirklich?| Ja!| Gut …| Weiter.",
        'Er sagte: „Nein.“| Dann ging er.',
        "Es dauert 3.| Die Frist läuft.",
        "# Titel\n\n| Erster Satz.| Zweiter.\n|- Punkt eins\n|- Punkt zwei",
        "The U.S. economy grew.| Prices fell.",
        "Nach § 5 Abs. 2 Nr. 1 gilt das.| Ende",
    ],
)  # fmt: skip
def test_sentences_end_where_they_end(text: str) -> None:
    pieces = text.split("|")
    joined = "".join(pieces)
    assert [joined[start:end] for start, end in sentences(joined)] == [piece.strip() for piece in pieces]


@given(st.text(alphabet=st.sampled_from("aB .!?\n-1„“…")))
def test_no_letter_is_lost_between_sentences(text: str) -> None:
    kept = "".join(text[start:end] for start, end in sentences(text))
    assert "".join(kept.split()) == "".join(text.split())
    assert ends_of_sentences(text) == sorted(set(ends_of_sentences(text)))
