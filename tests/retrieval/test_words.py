import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from kontor.core.units import Connection
from kontor.retrieval.compounds import compounds, pieces_of, split
from kontor.retrieval.words import Language, fertility, folded, indexed, language_of, lexemes, stem, tokens

GERMAN, ENGLISH, OTHER = Language.GERMAN, Language.ENGLISH, Language.OTHER


def words_of(text: str, language: Language = OTHER) -> list[str]:
    return [lexeme for token in tokens(text) for _, lexeme in lexemes(token, language) if not lexeme.startswith("~")]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Notice period: 3 months.", ["notice", "period", "3", "months"]),
        ("Grüße aus Köln", ["grusse", "aus", "koln"]),
        ("Gru\u0308\u00dfe", ["grusse"]),
        ("Kündi\u00adgungs\u00adfrist", ["kundigungsfrist"]),
        ("oﬃce eﬃcient ﬂow", ["office", "efficient", "flow"]),
        ("1.234,56 Euro am 31.12.2026", ["1", "234", "56", "1.234,56", "euro", "am", "31", "12", "2026", "31.12.2026"]),
        ("COVID-19 und E-Mail", ["covid", "19", "covid19", "und", "e", "mail", "email"]),
        ("don't", ["don", "t", "dont"]),
        ("snake_case", ["snake", "case"]),
        ("… — 🙂", []),
    ],
)
def test_words_are_found_in_one_spelling(text: str, found: list[str]) -> None:
    assert words_of(text) == found


@pytest.mark.parametrize(
    "family",
    [
        ("Häuser", "Haus", "Hauses", "Häusern"),
        ("Müller", "Mueller", "Muller", "Müllers"),
        ("Straße", "Strasse", "STRASSE", "Straßen"),
        ("Verträge", "Vertrag", "Vertrages"),
        ("Städte", "Stadt", "Städten"),
    ],
)
def test_german_words_of_one_kind_have_one_stem(family: tuple[str, ...]) -> None:
    assert len({tuple(words_of(word, GERMAN)) for word in family}) == 1


def test_english_words_of_one_kind_have_one_stem() -> None:
    assert len({tuple(words_of(word, ENGLISH)) for word in ("connect", "connected", "connecting", "Connections")}) == 1


@given(st.text())
def test_tokens_lie_where_they_say(text: str) -> None:
    last = 0
    for token in tokens(text):
        assert last <= token.start < token.end <= len(text)
        last = token.end


@given(st.text(), st.sampled_from(list(Language)))
def test_a_long_or_strange_text_makes_a_vector(text: str, language: Language) -> None:
    made = indexed(text, language)
    assert made.words == sum(len(token.parts) for token in tokens(text))


async def test_postgres_reads_every_vector(connection: AsyncConnection) -> None:
    driver = await driver_of(connection)
    strange = [
        "",
        "O'Neill\\ \\' :1",
        "word " * 20_000,
        "x" * 5000,
        "日本語 テスト",
        "ﬃ ß İ ı 𝐛𝐨𝐥𝐝",
        "a" * 70 + "-b" * 300,
    ]
    for sample in strange:
        for language in Language:
            made = indexed(sample, language)
            assert await driver.fetchval("SELECT length($1::text::tsvector)", made.vector) is not None
    ranks = "SELECT $1::text::tsvector @@ $2::text::tsquery"
    vector = indexed("Die E-Mail an Herrn Müller ging am Montag ab.", GERMAN).vector
    assert await driver.fetchval(ranks, vector, "'email'")
    assert await driver.fetchval(ranks, vector, "'mail' <-> 'an' <-> 'herrn'")
    assert not await driver.fetchval(ranks, vector, "'mail' <-> 'herrn'")


async def driver_of(connection: AsyncConnection) -> Connection:
    await connection.execute(text("SELECT 1"))  # the transaction begins with the first statement that is sent this way
    found = (await connection.get_raw_connection()).driver_connection
    assert found is not None
    made: Connection = found
    return made


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Der Vertrag wird mit einer Frist von drei Monaten gekündigt.", GERMAN),
        ("The contract may be terminated with a notice period of three months.", ENGLISH),
        ("Le contrat est résilié avec un préavis de trois mois.", OTHER),
        ("Invoice 2026-113", OTHER),
        ("", OTHER),
    ],
)
def test_the_language_is_told_by_small_words(text: str, language: Language) -> None:
    assert language_of(text) is language


def test_too_little_text_is_in_the_language_of_the_rest() -> None:
    assert language_of("Invoice 2026-113", otherwise=GERMAN) is GERMAN


def test_fertility_is_pieces_for_a_word() -> None:
    assert fertility([12, 10], [10, 10]) == pytest.approx(1.1)
    assert fertility([], []) == 1.0


VOCABULARY = {
    stem(folded(word.lower()), GERMAN): passages
    for word, passages in {
        "Krankenhaus": 9, "krank": 7, "Haus": 30, "Verwaltung": 20, "Krankenhausverwaltung": 2, "Stadt": 12, "Bau": 11,
        "Städtebau": 3, "Kündigung": 8, "Frist": 15, "Kündigungsfristen": 4, "Donau": 4, "Dampf": 5, "Schiff": 6,
        "Fahrt": 7, "Donaudampfschifffahrt": 1, "Ingenieur": 3, "Bauingenieur": 2, "Verw": 1,
    }.items()
}  # fmt: skip


@pytest.mark.parametrize(
    ("word", "parts"),
    [
        ("Krankenhausverwaltung", ("krankenhaus", "verwalt")),
        ("Städtebau", ("stadt", "bau")),
        ("Kündigungsfristen", ("kundig", "frist")),
        ("Donaudampfschifffahrt", ("donau", "dampf", "schiff", "fahrt")),
        ("Verwaltung", ()),
        ("Regenbogen", ()),
    ],
)
def test_compounds_fall_into_words_of_the_documents(word: str, parts: tuple[str, ...]) -> None:
    made = stem(word.lower(), GERMAN)
    assert split(made, VOCABULARY) == parts


def test_a_part_leads_to_the_compounds_that_contain_it() -> None:
    assert ("verwalt", "krankenhausverwalt") in compounds(VOCABULARY)
    assert ("frist", "kundigungsfrist") in compounds(VOCABULARY)


@given(st.lists(st.sampled_from(["haus", "frist", "verwalt", "schiff"]), min_size=2, max_size=4))
def test_what_was_put_together_comes_apart(parts: list[str]) -> None:
    word = "s".join(parts)
    vocabulary = dict.fromkeys(parts, 2)
    found = split(word, vocabulary)
    assert found == tuple(parts)
    assert set(found) <= pieces_of(word)
