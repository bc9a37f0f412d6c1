"""Search as people ask for it: over HTTP, in PostgreSQL, with the real model."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from kontor.core.database import Database
from kontor.documents.ports import Readable
from kontor.retrieval import indexing
from kontor.retrieval.embedder import LocalEmbedder
from kontor.retrieval.indexing import Way, index_vectors, index_words, recount
from kontor.retrieval.models import LOCAL
from kontor.retrieval.pgvector import PostgresVectors
from kontor.retrieval.service import Indexer
from kontor.retrieval.snippets import snippet
from kontor.retrieval.words import Language
from tests.factories.house import House, Visitor
from tests.factories.passages import Made, Text, make_document, make_owner
from tests.factories.projects import make_project, person, share

LEASE = "Die Kündigungsfrist für die Wohnung beträgt drei Monate zum Ende eines Quartals."
RENT = "Die Miete ist bis zum dritten Werktag jedes Monats im Voraus zu zahlen."
HEATING = "Die Heizungsanlage wird alle zwei Jahre gewartet; die Wartung zahlt der Vermieter."
DOG = ("The dog sleeps in the garden and barks at strangers.", "en")


async def index(house: House, made: Made) -> None:
    told: list[tuple[int, int | None]] = []

    async def tell(done: int, total: int | None) -> None:
        told.append((done, total))

    indexer = Indexer(house.app.state.retrieval)
    readable = Readable(made.document_id, made.project_id, made.document_id, made.text_id, is_whole=True)
    await indexer.index(house.database, readable, tell)
    assert told[-1] == (len(made.passages), len(made.passages))


async def library(house: House, owner: Visitor, *documents: Sequence[Text], **columns: Any) -> list[Made]:
    project = UUID((await make_project(owner))["id"])
    made = [await make_document(house.database, project, texts, **columns) for texts in documents]
    for each in made:
        await index(house, each)
    return made


async def search(visitor: Visitor, query: str, **wanted: Any) -> dict[str, Any]:
    answer = await visitor.post("/search", json={"query": query, **wanted})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def documents(visitor: Visitor, query: str, **wanted: Any) -> list[str]:
    return [result["id"] for result in (await search(visitor, query, **wanted))["results"]]


async def test_words_and_meaning_find_and_say_where(house: House) -> None:
    owner = await house.visitor()
    lease, pet = await library(house, owner, [RENT, LEASE, HEATING], [DOG])
    found = await search(owner, "Frist für Kündigungen", explain=True)
    best = found["results"][0]
    assert best["id"] == str(lease.document_id)
    hit = best["passages"][0]
    assert (hit["text"], hit["page_first"], hit["found_by"]) == (LEASE, 2, ["words", "vectors"])
    marked = [hit["snippet"][mark["start"] : mark["end"]] for mark in hit["marks"]]
    assert marked == ["Kündigungsfrist"]
    assert hit["snippet_at"] == hit["start_at"] == len(RENT) + 1
    assert found["explained"]["known"] > 0
    assert hit["words"]["rank"] == 1
    assert not found["is_weak"]
    # By meaning alone: none of these words is in it.
    by_meaning = (await search(owner, "puppy asleep outside"))["results"][0]
    assert by_meaning["id"] == str(pet.document_id)
    assert by_meaning["passages"][0]["found_by"] == ["vectors"]
    by_get = await owner.get("/documents/search", params={"query": "Frist für Kündigungen", "limit": 1})
    assert [result["id"] for result in by_get.json()["results"]] == [str(lease.document_id)]


async def test_what_is_demanded_or_excluded_is_so_for_both_sides(house: House) -> None:
    owner = await house.visitor()
    lease, pet = await library(house, owner, [LEASE, RENT], [DOG])
    assert await documents(owner, '"bis zum dritten Werktag"') == [str(lease.document_id)]
    assert await documents(owner, "dog -garden") == []
    assert await documents(owner, "+garden Kündigungsfrist") == [str(pet.document_id)]
    assert await documents(owner, "?!") == []


async def test_filters_narrow_and_lose_nothing(house: House) -> None:
    owner = await house.visitor()
    [old] = await library(house, owner, [LEASE, RENT], kind="pdf", dated="2024-05-01", tags=["vertrag"])
    new = await make_document(house.database, old.project_id, [LEASE], kind="docx", dated="2026-01-31")
    await index(house, new)
    both, first, second = {str(old.document_id), str(new.document_id)}, [str(old.document_id)], [str(new.document_id)]
    asked = "Kündigungsfrist"
    assert set(await documents(owner, asked)) == both
    assert await documents(owner, asked, types=["pdf"]) == first
    assert await documents(owner, asked, tags=["vertrag"]) == first
    assert await documents(owner, asked, since="2025-01-01") == second
    assert await documents(owner, asked, until="2025-01-01") == first
    assert await documents(owner, asked, document_ids=[str(new.document_id)]) == second
    assert await documents(owner, asked, page_from=2, page_to=2) == first  # by the meaning of its second page
    assert await documents(owner, asked, page_from=3) == []
    assert set(await documents(owner, asked, project_ids=[str(old.project_id)])) == both


async def test_nobody_finds_counts_or_is_told_of_what_is_not_theirs(house: House) -> None:
    owner, guest = await person(house), await person(house, "Gast")
    [theirs] = await library(house, owner[0], [LEASE, RENT, HEATING])
    project = UUID((await make_project(guest[0]))["id"])
    await index(house, await make_document(house.database, project, [DOG]))
    alone = await search(guest[0], "Kündigungsfrist der Wohnung", explain=True)
    assert str(theirs.document_id) not in str(alone)
    assert alone["explained"]["passages"] == alone["explained"]["projects"] == 1
    assert alone["explained"]["known"] == 0
    refused = await guest[0].post("/search", json={"query": "Miete", "project_ids": [str(theirs.project_id)]})
    assert refused.json()["code"] == "project.not_found"
    # Shared, revoked, thrown away: each counts at the next question.
    shared = await share(owner[0], guest[0], guest[1], project_id=str(theirs.project_id))
    assert await documents(guest[0], "Kündigungsfrist") == [str(theirs.document_id)]
    assert (await owner[0].delete(f"/shares/{shared['id']}")).status_code == 204
    assert str(theirs.document_id) not in await documents(guest[0], "Kündigungsfrist")
    assert await documents(owner[0], "Kündigungsfrist") == [str(theirs.document_id)]
    assert (await owner[0].delete(f"/projects/{theirs.project_id}")).status_code == 204
    assert await documents(owner[0], "Kündigungsfrist") == []


async def test_what_is_in_the_trash_is_not_found_and_comes_back(house: House) -> None:
    owner = await house.visitor()
    [lease] = await library(house, owner, [LEASE])
    for moment, expected in (("now()", []), ("NULL", [str(lease.document_id)])):
        async with house.database.system("test") as unit:
            await unit.execute(text(f"UPDATE document SET trashed_at = {moment}"))
        assert await documents(owner, "Kündigungsfrist drei Monate") == expected


async def test_whoever_may_not_look_into_the_trash_is_told_none_of_its_words(house: House) -> None:
    owner, viewer = await person(house), await person(house, "Gast")
    kept, thrown = await library(house, owner[0], [RENT], [LEASE, HEATING])
    await recount(house.database, kept.project_id)
    await share(owner[0], viewer[0], viewer[1], project_id=str(kept.project_id))
    asked = "kündigungs* heizungsanlage miete monat"
    alone = await search(owner[0], asked, explain=True, document_ids=[str(kept.document_id)])
    assert (await owner[0].delete(f"/documents/{thrown.document_id}")).status_code == 204
    for visitor, passages, known, months in ((owner[0], 3, True, 2), (viewer[0], 1, False, 1)):
        found = await search(visitor, asked, explain=True, project_ids=[str(kept.project_id)])
        assert [result["id"] for result in found["results"]] == [str(kept.document_id)]
        lexemes = {each["lexeme"]: each["passages"] for each in found["explained"]["lexemes"]}
        assert found["explained"]["passages"] == passages
        assert ({"kundigungsfrist", "heizungsanlag"} <= set(lexemes)) is known
        assert (lexemes["miet"], lexemes["monat"]) == (1, months)
    assert alone["explained"]["passages"] == 3
    weak = await search(viewer[0], "Quartals", by="words", explain=True)
    assert (weak["is_weak"], weak["explained"]["known"], weak["explained"]["lexemes"]) == (True, 0, [])


async def test_what_is_erased_leaves_nothing_behind(house: House) -> None:
    owner = await house.visitor()
    lease, rent = await library(house, owner, [LEASE], [RENT])
    async with house.database.system("test") as unit:
        await unit.execute(text("DELETE FROM document WHERE id = :id"), {"id": lease.document_id})
    assert await indexing.recount_stale(house.database, quiet=timedelta(hours=1)) == 0
    assert await indexing.recount_stale(house.database, quiet=timedelta()) == 1
    assert await indexing.recount_stale(house.database, quiet=timedelta()) == 0
    async with house.database.system("test") as unit:
        words = set((await unit.execute(text("SELECT lexeme FROM word_statistics"))).scalars())
        kept = list((await unit.execute(text("SELECT passage_id FROM passage_vectors"))).scalars())
        totals = (await unit.execute(text("SELECT passages FROM vector_totals"))).scalar_one()
    assert "quartal" not in words
    assert "werktag" in words
    assert (kept, totals) == (list(rent.passages), 1)


async def test_indexing_can_end_anywhere_and_be_begun_again(database: Database, embedder: LocalEmbedder) -> None:
    """Each step that was committed stays, and none is done twice."""
    owner = await make_owner(database)
    made = await make_document(database, owner.project_id, [LEASE, RENT, HEATING, DOG, "Ende."])
    way = Way(database, PostgresVectors(database), embedder, LOCAL, at_once=2)
    steps: list[int] = []

    async def die(done: int, _total: int | None) -> None:
        steps.append(done)
        if len(steps) in {1, 2}:
            raise RuntimeError("killed")

    for _ in range(2):
        await index_words(database, made.text_id, at_once=2)
        with pytest.raises(RuntimeError):
            await index_vectors(way, made.text_id, die)
    await index_vectors(way, made.text_id, die)
    await index_words(database, made.text_id, at_once=2)
    assert steps == [2, 4, 5]
    counted = """
        SELECT lexeme, passages FROM word_statistics WHERE project_id = :project
        UNION ALL SELECT 'words', words FROM word_totals WHERE project_id = :project
        UNION ALL SELECT 'totals', passages FROM vector_totals WHERE project_id = :project
    """
    async with database.system("test") as unit:
        added = set(await unit.execute(text(counted), {"project": owner.project_id}))
    await recount(database, owner.project_id)
    async with database.system("test") as unit:
        assert set(await unit.execute(text(counted), {"project": owner.project_id})) == added


async def test_unknown_kinds_are_named(house: House) -> None:
    owner = await house.visitor()
    answer = await owner.post("/search", json={"query": "x", "kinds": ["dream"]})
    assert (answer.status_code, answer.json()["code"]) == (422, "search.unknown_kind")
    assert answer.json()["known"] == ["document"]


@given(st.text("ab c.ü\n", max_size=700), st.lists(st.sampled_from(["a", "ab", "abc", "cab"]), max_size=3))
def test_a_snippet_is_a_part_of_its_passage_and_marks_lie_in_it(passage: str, words: list[str]) -> None:
    made = snippet(passage, dict.fromkeys(words, 1.0), Language.OTHER)
    assert passage[made.span.start : made.span.end] == made.text
    for mark in made.marks:
        assert made.text[mark.start : mark.end].casefold() in words


def test_a_snippet_shows_most_of_what_was_asked_for() -> None:
    filling = "Hier steht etwas anderes, das niemand sucht. " * 12
    passage = f"{filling}Die Miete steigt. {filling}Die Miete und die Kaution zahlt der Mieter.{filling}"
    made = snippet(passage, {"miet": 1.0, "kaution": 1.0}, Language.GERMAN)
    assert "Die Miete und die Kaution zahlt" in made.text
    assert [made.text[mark.start : mark.end] for mark in made.marks] == ["Miete", "Kaution", "Mieter"]
    assert snippet(filling, {"miet": 1.0}, Language.GERMAN).span.start == 0
