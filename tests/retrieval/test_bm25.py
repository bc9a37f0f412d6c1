"""BM25 in SQL against BM25 in Python, over the same passages in a real PostgreSQL."""

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from random import Random
from uuid import UUID

import pytest

from kontor.core.database import Database
from kontor.core.units import driver_of
from kontor.retrieval import bm25
from kontor.retrieval.bm25 import K1, B, Statistics, WordHit, plan, score, statistics_for
from kontor.retrieval.indexing import index_words, recount
from kontor.retrieval.query import Query, Term, parse
from kontor.retrieval.words import Language, lexemes, mark_of, tokens
from tests.factories.passages import Owner, make_document, make_owner, make_project_of

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
async def owner(database: Database) -> Owner:
    return await make_owner(database)


async def add(database: Database, passages: Mapping[int, tuple[str, Language]], owner: Owner) -> None:
    texts = [(text, "other" if language is Language.OTHER else language.value) for text, language in passages.values()]
    made = await make_document(database, owner.project_id, texts, ids=[UUID(int=number) for number in passages])
    await index_words(database, made.text_id)
    await recount(database, owner.project_id)


async def search(database: Database, text: str | Query, owner: Owner) -> list[WordHit]:
    query = parse(text) if isinstance(text, str) else text
    async with database.unit(owner.actor) as unit:
        statistics = await statistics_for(driver_of(unit), [owner.project_id], query)
        return await score(driver_of(unit), [owner.project_id], plan(query, statistics), statistics)


async def found(database: Database, text: str, owner: Owner) -> list[int]:
    return [hit.passage_id.int for hit in await search(database, text, owner)]


async def test_scores_are_those_of_the_formula(database: Database, owner: Owner) -> None:
    random = Random(3)
    vocabulary = [f"word{letter * 3}" for letter in "abcdefghijklmnopqrstuvwxyz"]
    weights = [1 / (rank + 1) for rank in range(len(vocabulary))]
    passages = {
        number: (" ".join(random.choices(vocabulary, weights, k=random.randint(1, 300))), Language.OTHER)
        for number in range(1, 61)
    }
    await add(database, passages, owner)
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
        hits = await search(database, query, owner)
        assert len(hits) == sum(any(word in words for word in asked.split()) for words in counted.values())
        for hit in hits:
            assert hit.score == pytest.approx(expected(hit.passage_id.int, asked), abs=1e-9)
            assert sum(hit.terms.values()) == pytest.approx(hit.score)
        assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)


async def test_occurrences_are_counted_exactly_as_far_as_a_vector_keeps_them(database: Database, owner: Owner) -> None:
    counts = [1, 2, 3, 7, 31, 100, 254, 255]
    await add(database, {count: ("again " * count, Language.OTHER) for count in counts}, owner)
    query = Query((Term("again", {"again": 1.0}),), (), ())
    statistics = Statistics(len(counts), sum(counts), {})
    rarity, mean = statistics.rarity(len(counts)), statistics.mean_words
    for hit in await search(database, query, owner):
        times = hit.passage_id.int
        wanted = rarity * times * (K1 + 1) / (times + K1 * (1 - B + B * times / mean))
        assert hit.score == pytest.approx(wanted, rel=1e-9), times


async def test_any_word_finds_and_more_of_them_find_better(database: Database, owner: Owner) -> None:
    await add(database, PASSAGES, owner)
    assert await found(database, "notice period in writing", owner) == [6, 7]
    assert await found(database, "weather in Atlantis", owner) == [10]
    assert await found(database, "Atlantis", owner) == []
    assert await found(database, "", owner) == []


async def test_inflected_words_and_other_spellings_find(database: Database, owner: Owner) -> None:
    await add(database, PASSAGES, owner)
    assert set(await found(database, "Mueller", owner)) == set(await found(database, "Müllers", owner)) == {8}
    assert (await found(database, "Vertrages", owner))[0] == 2
    assert set(await found(database, "month", owner)) == {6}
    assert 8 in await found(database, "Hauptstrasse", owner)


async def test_compounds_are_found_by_their_parts_and_parts_by_compounds(database: Database, owner: Owner) -> None:
    await add(database, PASSAGES, owner)
    by_part = await found(database, "Verwaltung", owner)
    assert set(by_part) == {3, 4, 5}
    assert by_part[-1] == 4  # only inside another word
    by_whole = await found(database, "Krankenhausverwaltung", owner)
    assert set(by_whole[:2]) == {4, 5}
    assert 3 in by_whole


async def test_phrases_exclusions_and_prefixes_hold(database: Database, owner: Owner) -> None:
    await add(database, PASSAGES, owner)
    assert await found(database, '"notice period"', owner) == [6]
    assert await found(database, '"period notice"', owner) == []
    assert await found(database, "„drei Monate“", owner) == [1]
    assert await found(database, "notice -rain", owner) == [6]
    assert await found(database, "rain +period -writing", owner) == [7]
    assert set(await found(database, "Krank*", owner)) == {3, 4, 5, 9}
    assert set(await found(database, "+Krankenhausv* Köln", owner)) == {4, 5}
    assert await found(database, "-rain", owner) == []  # nothing is asked for


async def test_a_project_never_sees_or_counts_anothers_passages(database: Database, owner: Owner) -> None:
    await add(database, PASSAGES, owner)
    before = await search(database, "notice period", owner)
    # One of them has the same mark before its lexemes, which happens to one pair in a million.
    other = await make_owner(database, project_id=UUID(int=owner.project_id.int ^ (1 << 100)))
    another = await make_owner(database)
    await add(database, {number + 100: passage for number, passage in PASSAGES.items()}, other)
    await add(database, {500: ("notice notice notice period period", ENGLISH)}, another)
    assert mark_of(other.project_id) == mark_of(owner.project_id)
    assert await search(database, "notice period", owner) == before
    assert {hit.passage_id.int for hit in await search(database, "notice period", other)} == {106, 107}
    # Who asks for a project that is not theirs finds nothing, whatever the program forgot to look at.
    assert await search(database, "notice period", Owner(another.actor, owner.project_id)) == []


async def test_several_projects_are_searched_like_one(database: Database, owner: Owner) -> None:
    await add(database, PASSAGES, owner)
    other = await make_owner(database)
    second = Owner(other.actor, await make_project_of(database, other.actor.user_id))
    empty = await make_project_of(database, other.actor.user_id)
    for number, passage in PASSAGES.items():
        await add(database, {number: passage}, second if number % 2 else other)
    projects = [other.project_id, second.project_id, empty]
    for asked in ("notice period in writing", '"notice period"', "Haus* -Köln", "weather in Atlantis"):
        query = parse(asked)
        async with database.unit(other.actor) as unit:
            statistics = await statistics_for(driver_of(unit), projects, query)
            split = await score(driver_of(unit), projects, plan(query, statistics), statistics)
        whole = await search(database, query, owner)
        assert [hit.passage_id for hit in split] == [hit.passage_id for hit in whole]
        assert [hit.score for hit in split] == pytest.approx([hit.score for hit in whole])


def test_only_the_rarest_words_look_for_candidates() -> None:
    query = parse("common rare rarer")
    statistics = Statistics(10_000, 1_000_000, {"common": 5000, "rare": 60, "rarer": 30})
    made = plan(query, statistics, most=100)
    assert made.finding == ("rarer", "rare")
    assert {lexeme.lexeme for lexeme in made.lexemes} == {"common", "rare", "rarer"}  # all score
    assert plan(parse("common"), statistics, most=100).finding == ("common",)  # better many than none


def test_what_occurs_nowhere_is_told() -> None:
    statistics = Statistics(100, 1000, {"rain": 3})
    assert plan(parse("rain"), statistics).known == pytest.approx(1)
    assert plan(parse("zzyzx"), statistics).known == 0
    assert 0.3 < plan(parse("rain zzyzx"), statistics).known < 0.7
    assert plan(parse("zzyzx"), statistics).finding == ()


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


async def test_whatever_is_typed_is_searched(database: Database, owner: Owner) -> None:
    await add(database, PASSAGES, owner)
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
        await search(database, text, owner)
    assert bm25.MOST_LEXEMES < 100
    assert list(lexemes(next(tokens("Haus")), GERMAN)) == [(0, "haus")]


async def test_a_long_question_over_many_projects_is_answered(database: Database, owner: Owner) -> None:
    """Longer than a tsquery can be, if all of them had all of its words."""
    words = [letter * 60 for letter in "abcdefghijklmnopqrstuvwxyz"]
    await add(database, {1: (" ".join(words), Language.OTHER)}, owner)
    projects = [*(UUID(int=number << 64) for number in range(1, 700)), owner.project_id]
    query = parse('"' + " ".join(words) + '"')
    async with database.unit(owner.actor) as unit:
        known = await statistics_for(driver_of(unit), projects, query)
        everywhere = replace(known, where=dict.fromkeys(known.where, frozenset(projects)))
        [hit] = await score(driver_of(unit), projects, plan(query, known), everywhere)
    assert hit.passage_id == UUID(int=1)
    assert [bm25.matching(plan(query, known), known, each) is None for each in projects[-2:]] == [True, False]
