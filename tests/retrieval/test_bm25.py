"""BM25 in SQL against BM25 in Python, over the same passages in a real PostgreSQL."""

import math
from collections import Counter
from collections.abc import Mapping
from random import Random
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from kontor.core.units import Connection
from kontor.retrieval import bm25
from kontor.retrieval.bm25 import K1, TABLES, B, Statistics, WordHit, plan, refresh, score, statistics_for
from kontor.retrieval.query import Query, Term, parse
from kontor.retrieval.words import Language, indexed, lexemes, tokens

from .test_words import driver_of

PROJECT = UUID(int=7)
GERMAN, ENGLISH = Language.GERMAN, Language.ENGLISH

PASSAGES = {
    1: ("Die Kündigungsfrist beträgt drei Monate zum Ende eines Quartals.", GERMAN),
    2: ("Der Vertrag kann mit einer Frist von vier Wochen gekündigt werden.", GERMAN),
    3: ("Die Verwaltung des Krankenhauses liegt in Köln.", GERMAN),
    4: ("Die Krankenhausverwaltung antwortet nicht.", GERMAN),
    5: ("Krankenhausverwaltung und Stadtverwaltung in einem Haus, der Verwaltung der Stadt.", GERMAN),
    6: ("The notice period is three months; notice must be given in writing.", ENGLISH),
    7: ("A period of rain, and then a notice on the door about rain and rain.", ENGLISH),
    8: ("Herr Müller wohnt in der Hauptstraße 12, Frau Mueller im Haus daneben.", GERMAN),
    9: ("Der Mietvertrag und die Mietverträge; ein Krankenhaus, zwei Krankenhäuser.", GERMAN),
    10: ("Nothing here but the weather report.", ENGLISH),
}


@pytest.fixture
async def driver(connection: AsyncConnection) -> Connection:
    made = await driver_of(connection)
    await made.execute(TABLES.format("TEMPORARY"))
    return made


async def add(driver: Connection, passages: Mapping[int, tuple[str, Language]], project: UUID = PROJECT) -> None:
    for number, (text, language) in passages.items():
        made = indexed(text, language)
        await driver.execute(
            "INSERT INTO passage_words VALUES ($1, $2, $3, $4::text::tsvector)",
            *(project, UUID(int=number), made.words, made.vector),
        )
    await refresh(driver, project)


async def search(driver: Connection, text: str, project: UUID = PROJECT) -> list[WordHit]:
    query = parse(text)
    statistics = await statistics_for(driver, project, query)
    return await score(driver, project, plan(query, statistics), statistics)


async def found(driver: Connection, text: str) -> list[int]:
    return [hit.passage_id.int for hit in await search(driver, text)]


async def test_scores_are_those_of_the_formula(driver: Connection) -> None:
    random = Random(3)
    vocabulary = [f"word{letter * 3}" for letter in "abcdefghijklmnopqrstuvwxyz"]
    weights = [1 / (rank + 1) for rank in range(len(vocabulary))]
    passages = {
        number: (" ".join(random.choices(vocabulary, weights, k=random.randint(1, 300))), Language.OTHER)
        for number in range(1, 61)
    }
    await add(driver, passages)
    counted = {number: Counter(text.split()) for number, (text, _) in passages.items()}
    mean = sum(map(Counter.total, counted.values())) / len(counted)

    def expected(number: int, asked: str) -> float:
        total = 0.0
        for word in asked.split():
            holding = sum(word in words for words in counted.values())
            rarity = math.log(1 + (len(counted) - holding + 0.5) / (holding + 0.5))
            times = counted[number][word]
            total += rarity * times * (K1 + 1) / (times + K1 * (1 - B + B * counted[number].total() / mean))
        return total

    for asked in ("wordaaa", "wordaaa wordbbb wordzzz", "wordmmm wordyyy wordccc wordkkk"):
        query = Query(tuple(Term(word, {word: 1.0}) for word in asked.split()), (), ())
        statistics = await statistics_for(driver, PROJECT, query)
        hits = await score(driver, PROJECT, plan(query, statistics), statistics)
        assert len(hits) == sum(any(word in words for word in asked.split()) for words in counted.values())
        for hit in hits:
            assert hit.score == pytest.approx(expected(hit.passage_id.int, asked), abs=1e-9)
            assert sum(hit.terms.values()) == pytest.approx(hit.score)
        assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)


async def test_occurrences_are_counted_exactly_as_far_as_a_vector_keeps_them(driver: Connection) -> None:
    counts = [1, 2, 3, 7, 31, 100, 254, 255]
    await add(driver, {count: ("again " * count, Language.OTHER) for count in counts})
    query = Query((Term("again", {"again": 1.0}),), (), ())
    statistics = await statistics_for(driver, PROJECT, query)
    rarity, mean = statistics.rarity(len(counts)), statistics.mean_words
    for hit in await score(driver, PROJECT, plan(query, statistics), statistics):
        times = hit.passage_id.int
        wanted = rarity * times * (K1 + 1) / (times + K1 * (1 - B + B * times / mean))
        assert hit.score == pytest.approx(wanted, rel=1e-9), times


async def test_any_word_finds_and_more_of_them_find_better(driver: Connection) -> None:
    await add(driver, PASSAGES)
    assert await found(driver, "notice period in writing") == [6, 7]
    assert await found(driver, "weather in Atlantis") == [10]
    assert await found(driver, "Atlantis") == []
    assert await found(driver, "") == []


async def test_inflected_words_and_other_spellings_find(driver: Connection) -> None:
    await add(driver, PASSAGES)
    assert set(await found(driver, "Mueller")) == set(await found(driver, "Müllers")) == {8}
    assert (await found(driver, "Vertrages"))[0] == 2
    assert set(await found(driver, "month")) == {6}
    assert 8 in await found(driver, "Hauptstrasse")


async def test_compounds_are_found_by_their_parts_and_parts_by_compounds(driver: Connection) -> None:
    await add(driver, PASSAGES)
    by_part = await found(driver, "Verwaltung")
    assert set(by_part) == {3, 4, 5}
    assert by_part[-1] == 4  # only inside another word
    by_whole = await found(driver, "Krankenhausverwaltung")
    assert set(by_whole[:2]) == {4, 5}
    assert 3 in by_whole


async def test_phrases_exclusions_and_prefixes_hold(driver: Connection) -> None:
    await add(driver, PASSAGES)
    assert await found(driver, '"notice period"') == [6]
    assert await found(driver, '"period notice"') == []
    assert await found(driver, "„drei Monate“") == [1]
    assert await found(driver, "notice -rain") == [6]
    assert await found(driver, "rain +period -writing") == [7]
    assert set(await found(driver, "Krank*")) == {3, 4, 5, 9}
    assert set(await found(driver, "+Krankenhausv* Köln")) == {4, 5}
    assert await found(driver, "-rain") == []  # nothing is asked for


async def test_a_project_never_sees_or_counts_anothers_passages(driver: Connection) -> None:
    other = UUID(int=8)
    await add(driver, PASSAGES)
    before = await search(driver, "notice period")
    await add(driver, {number + 100: passage for number, passage in PASSAGES.items()}, other)
    await add(driver, {500: ("notice notice notice period period", ENGLISH)}, UUID(int=9))
    assert await search(driver, "notice period") == before
    assert {hit.passage_id.int for hit in await search(driver, "notice period", other)} == {106, 107}


def test_only_the_rarest_words_look_for_candidates() -> None:
    query = parse("common rare rarer")
    statistics = Statistics(10_000, 1_000_000, {"common": 5000, "rare": 60, "rarer": 30})
    made = plan(query, statistics, most=100)
    assert made.matching == "('rarer' | 'rare')"
    assert {lexeme.lexeme for lexeme in made.lexemes} == {"common", "rare", "rarer"}  # all score
    assert plan(parse("common"), statistics, most=100).matching == "('common')"  # better many than none


def test_what_occurs_nowhere_is_told() -> None:
    statistics = Statistics(100, 1000, {"rain": 3})
    assert plan(parse("rain"), statistics).known == pytest.approx(1)
    assert plan(parse("zzyzx"), statistics).known == 0
    assert 0.3 < plan(parse("rain zzyzx"), statistics).known < 0.7
    assert plan(parse("zzyzx"), statistics).matching is None


@pytest.mark.parametrize(
    ("typed", "terms", "required", "excluded"),
    [
        ("Notice period", ["notice", "period"], 0, 0),
        ("the and of", ["the", "and", "of"], 0, 0),  # better than nothing
        ("what is the notice", ["notice"], 0, 0),
        ('"notice period" rent', ["notice", "period", "rent"], 1, 0),
        ("rent -draft", ["rent"], 0, 1),
        ("rent -", ["rent"], 0, 0),
        ("low-rent flat", ["low", "rent", "lowrent", "flat"], 0, 0),
        ("contract*", ["contract*"], 0, 0),
        ('"unfinished', ["unfinished"], 0, 0),
        ('* ** " "" + - +- \'x', ["x"], 0, 0),
        (") | ! & ( <-> :*", [], 0, 0),
    ],
)
def test_what_is_typed_is_read(typed: str, terms: list[str], required: int, excluded: int) -> None:
    query = parse(typed)
    assert [term.text for term in query.terms if not term.text.startswith("~")] == terms
    assert (len(query.required), len(query.excluded)) == (required, excluded)


async def test_whatever_is_typed_is_searched(driver: Connection) -> None:
    await add(driver, PASSAGES)
    hostile = [
        "'",
        "\\",
        "a' | 'b",
        '"a\\" -b',
        "%_*",
        "x" * 5000,
        "a* " * 300,
        "+" * 99,
        "'); DROP TABLE x; --",
        "\0a",
    ]
    for text in hostile:
        await search(driver, text)
    assert bm25.MOST_LEXEMES < 100
    assert list(lexemes(next(tokens("Haus")), GERMAN)) == [(0, "haus")]
