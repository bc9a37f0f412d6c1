"""Where vectors are kept: one contract for PostgreSQL and for Qdrant, and the way from one to the other."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from random import Random
from uuid import UUID

import numpy as np
import pytest
from numpy.typing import NDArray
from pydantic import SecretStr
from sqlalchemy import text

from kontor.core.database import Database
from kontor.retrieval import indexing, moving, repository
from kontor.retrieval.bm25 import EVERYTHING, Narrowed
from kontor.retrieval.embedder import LocalEmbedder
from kontor.retrieval.embedding import Said, register
from kontor.retrieval.errors import VectorsAway, VectorsRefused
from kontor.retrieval.indexing import Way, index_vectors
from kontor.retrieval.models import LOCAL, Model, ModelId
from kontor.retrieval.pgvector import PostgresVectors
from kontor.retrieval.ports import Place, Searched, VectorStore
from kontor.retrieval.qdrant import QdrantVectors
from kontor.retrieval.search import Search, Wanted
from kontor.retrieval.service import Retrieval
from tests.factories.embedders import NoModels
from tests.factories.passages import Made, Owner, make_document, make_owner, make_project_of
from tests.wire import qdrant

Vectors = NDArray[np.float32]
KEY = "a key of its own"
TEXTS = [f"Passage {number}" for number in range(12)]


@dataclass
class Kept:
    """A store with two people's passages in it, three documents of one of them in two projects."""

    store: VectorStore
    database: Database
    owner: Owner
    other: Owner
    made: list[Made]
    vectors: dict[UUID, Vectors]

    async def found(
        self, question: Vectors, who: Owner, projects: list[UUID], narrowed: Narrowed = EVERYTHING, *, limit: int = 50
    ) -> list[UUID]:
        async with self.database.unit(who.actor) as unit:
            rows = await unit.execute(
                text("SELECT searchable_projects(:p), trashed_documents(searchable_projects(:p))"), {"p": projects}
            )
            allowed, trashed = rows.one()
            searched = Searched(projects if not self.store.is_elsewhere else allowed, trashed, narrowed)
            hits = await self.store.search(unit, LOCAL, question, searched, limit=limit)
        for hit in hits:
            assert hit.likeness == pytest.approx(float(self.vectors[hit.passage_id] @ question), abs=2e-3)
        return [hit.passage_id for hit in hits]

    def best(self, question: Vectors, *made: Made) -> list[UUID]:
        ids = [passage for each in made for passage in each.passages]
        return sorted(ids, key=lambda passage: -float(self.vectors[passage].astype(np.float16) @ question))


def unit_vectors(count: int, seed: int) -> Vectors:
    made = np.random.default_rng(seed).standard_normal((count, LOCAL.dimensions)).astype(np.float32)
    normed: Vectors = made / np.linalg.norm(made, axis=1, keepdims=True)
    return normed


def places_of(made: Made) -> list[Place]:
    return [
        Place(made.project_id, made.document_id, passage, page, page) for page, passage in enumerate(made.passages, 1)
    ]


@pytest.fixture(params=["postgresql", "qdrant"])
async def store(request: pytest.FixtureRequest, database: Database) -> AsyncIterator[VectorStore]:
    if request.param == "postgresql":
        yield PostgresVectors(database)
        return
    async with qdrant.running(KEY) as server:
        made = QdrantVectors(server.url, SecretStr(KEY))
        yield made
        await made.close()


@pytest.fixture
async def kept(store: VectorStore, database: Database) -> Kept:
    owner, other = await make_owner(database), await make_owner(database)
    second = await make_project_of(database, owner.actor.user_id)
    projects = [owner.project_id, owner.project_id, second, other.project_id]
    made = [await make_document(database, project, TEXTS) for project in projects]
    vectors: dict[UUID, Vectors] = {}
    for number, each in enumerate(made):
        some = unit_vectors(len(TEXTS), number)
        for _ in range(2):  # putting them again changes nothing
            await store.put(LOCAL, places_of(each), some)
        vectors |= dict(zip(each.passages, some, strict=True))
        if store.is_elsewhere:
            async with database.system("retrieval") as unit:
                await repository.record_elsewhere(unit, LOCAL, places_of(each))
    return Kept(store, database, owner, other, made, vectors)


async def test_the_nearest_are_found_in_order_and_nobody_elses(kept: Kept) -> None:
    first, again, second, foreign = kept.made
    question = unit_vectors(1, 99)[0]
    mine = [kept.owner.project_id, second.project_id]
    assert await kept.found(question, kept.owner, mine) == kept.best(question, first, again, second)
    assert await kept.found(question, kept.owner, mine, limit=5) == kept.best(question, first, again, second)[:5]
    assert await kept.found(question, kept.owner, mine[1:]) == kept.best(question, second)
    assert await kept.found(question, kept.owner, [*mine, kept.other.project_id]) == await kept.found(
        question, kept.owner, mine
    )
    assert await kept.found(question, kept.other, mine) == []
    assert await kept.found(question, kept.other, [kept.other.project_id]) == kept.best(question, foreign)


async def test_it_is_narrowed_before_it_is_cut_off(kept: Kept) -> None:
    first, again, _, _ = kept.made
    question, project = unit_vectors(1, 7)[0], [kept.owner.project_id]
    only = Narrowed(documents=[again.document_id])
    assert await kept.found(question, kept.owner, project, only, limit=3) == kept.best(question, again)[:3]
    pages = Narrowed(page_from=2, page_to=3)
    wanted = {*first.passages[1:3], *again.passages[1:3]}
    assert set(await kept.found(question, kept.owner, project, pages, limit=4)) == wanted
    both = Narrowed([first.document_id], 12, 40)
    assert await kept.found(question, kept.owner, project, both) == [first.passages[11]]
    assert await kept.found(question, kept.owner, project, Narrowed(documents=[])) == []
    async with kept.database.system("test") as unit:
        await unit.execute(text("UPDATE document SET trashed_at = now() WHERE id = :id"), {"id": first.document_id})
    assert await kept.found(question, kept.owner, project, limit=12) == kept.best(question, again)


async def test_vectors_can_be_taken_out_and_forgotten(kept: Kept) -> None:
    first = kept.made[0]
    gone = first.passages[:5]
    taken = await kept.store.take(LOCAL, [*first.passages, UUID(int=1)])
    assert set(taken) == set(first.passages)
    for passage, vector in taken.items():
        assert vector == pytest.approx(kept.vectors[passage], abs=1e-3)
    await kept.store.forget(LOCAL, [*gone, UUID(int=1)])
    await kept.store.forget(LOCAL, gone)
    assert set(await kept.store.take(LOCAL, first.passages)) == set(first.passages[5:])
    question = kept.vectors[gone[0]]
    assert not set(gone) & set(await kept.found(question, kept.owner, [kept.owner.project_id]))


async def test_a_large_project_is_searched_by_its_graph_and_hardly_worse(database: Database) -> None:
    """What is looked for in the graph is what is looked at one by one; 8 % of the passages in it are the owner's."""
    store, random = PostgresVectors(database), Random(5)
    owner, other = await make_owner(database), await make_owner(database)
    vectors: dict[UUID, Vectors] = {}
    for who, count in ((owner, 60), (other, 640)):
        made = await make_document(database, who.project_id, [f"Passage {number}" for number in range(count)])
        some = unit_vectors(count, count)
        await store.put(LOCAL, places_of(made), some)
        async with database.system("retrieval") as unit:
            await repository.add_totals(unit, who.project_id, LOCAL, passages=count, pieces=0, words=0)
        if who is owner:
            vectors = dict(zip(made.passages, some, strict=True))
    assert await indexing.enlarge(database, above=50) == 2
    assert await indexing.enlarge(database, above=50) == 0
    kept = Kept(store, database, owner, other, [], vectors)
    plans = "SELECT count(*) FROM vector_totals WHERE is_large AND project_id = :project"
    async with database.system("test") as unit:
        assert await unit.scalar(text(plans), {"project": owner.project_id}) == 1
    agreed = 0
    for _ in range(5):
        question = vectors[random.choice(list(vectors))]
        exact = sorted(vectors, key=lambda passage: -float(vectors[passage] @ question))[:10]
        agreed += len(set(exact) & set(await kept.found(question, owner, [owner.project_id], limit=10)))
    assert agreed >= 48


# What only a store of its own can do wrong


async def test_a_store_that_is_away_is_asked_again_and_then_named() -> None:
    async with qdrant.running(KEY) as server:
        store = QdrantVectors(server.url, SecretStr(KEY), pause_seconds=0.001)
        server.failing = [503, 502]
        await store.put(LOCAL, [Place(UUID(int=1), UUID(int=2), UUID(int=3), 1, 1)], unit_vectors(1, 1))
        assert len(server.collections["kontor_1"].vectors) == 1
        server.failing = [500]
        with pytest.raises(VectorsRefused, match="500"):
            await store.forget(LOCAL, [UUID(int=3)])
        await store.close()
        stranger = QdrantVectors(server.url, SecretStr("another key"))
        with pytest.raises(VectorsRefused, match="401"):
            await stranger.take(LOCAL, [UUID(int=3)])
        await stranger.close()
    with pytest.raises(VectorsAway, match="Qdrant"):
        await store.take(LOCAL, [UUID(int=3)])
    await store.close()


async def test_while_a_store_is_away_the_words_answer(database: Database, embedder: LocalEmbedder) -> None:
    owner = await make_owner(database)
    made = await make_document(database, owner.project_id, ["Die Kündigungsfrist beträgt drei Monate."])
    await indexing.index_words(database, made.text_id)
    store = QdrantVectors("http://127.0.0.1:1", pause_seconds=0.001)
    retrieval = Retrieval(database, embedder, store, NoModels())
    found = await Search(database, store, retrieval, owner.actor).run(Wanted(query="Kündigungsfrist"))
    assert [document.id for document in found.documents] == [made.document_id]
    assert found.lacks_vectors
    # Who asks for words alone waits for nothing else.
    at_once = await Search(database, store, retrieval, owner.actor).run(Wanted(query="Kündigungsfrist", by="words"))
    assert [document.id for document in at_once.documents] == [made.document_id]
    assert "question" not in at_once.explained.milliseconds
    await store.close()


# From one to the other


async def test_vectors_move_while_search_goes_on_and_come_back(database: Database, embedder: LocalEmbedder) -> None:
    owner = await make_owner(database)
    made = await make_document(database, owner.project_id, ["Die Kündigungsfrist beträgt drei Monate.", "Ein Hund."])
    here = PostgresVectors(database)

    async def tell(_done: int, _total: int | None) -> None:
        pass

    await indexing.index_words(database, made.text_id)
    await index_vectors(Way(database, here, embedder, LOCAL), made.text_id, tell)

    async def finds(store: VectorStore) -> bool:
        retrieval = Retrieval(database, embedder, store, NoModels())
        wanted = Wanted(query="Ein Hund.", by="vectors")
        found = await Search(database, store, retrieval, owner.actor).run(wanted)
        return [hit.passage_id for each in found.documents for hit in each.passages][:1] == [made.passages[1]]

    async with qdrant.running() as server:
        there = QdrantVectors(server.url)
        steps: list[tuple[int, int]] = []

        async def during(done: int, total: int) -> None:
            steps.append((done, total))
            assert await finds(here)
            if len(steps) == 1:  # somebody brings a document meanwhile
                more = await make_document(database, owner.project_id, ["Ein Vogel."])
                await index_vectors(Way(database, here, embedder, LOCAL), more.text_id, tell)

        assert await moving.move(database, here, there, during) == 0
        assert steps == [(2, 2), (3, 3)]
        assert await finds(there)
        assert await moving.forget_here(database) == 3
        assert await finds(there)
        # New ones go there alone; what is erased here is forgotten there.
        new = await make_document(database, owner.project_id, ["Ein Fisch."])
        await index_vectors(Way(database, there, embedder, LOCAL), new.text_id, tell)
        assert str(new.passages[0]) in server.collections["kontor_1"].vectors
        async with database.system("test") as unit:
            await unit.execute(text("DELETE FROM document WHERE id = :id"), {"id": new.document_id})
        assert await indexing.forget_orphans(database, there) == 1
        assert str(new.passages[0]) not in server.collections["kontor_1"].vectors
        # And back, one of them lost on the way.
        del server.collections["kontor_1"].vectors[str(made.passages[0])]
        assert await moving.move(database, there, here, quietly) == 1
        assert await moving.make_missing(database, here, embedder) == 1
        await there.close()
    assert await finds(here)
    assert await moving.to_move(database, here) == 0


async def quietly(_done: int, _total: int) -> None:
    pass


async def test_what_went_to_the_other_store_while_processes_were_started_is_fetched(
    database: Database, embedder: LocalEmbedder
) -> None:
    owner = await make_owner(database)
    made = await make_document(database, owner.project_id, ["Eins.", "Zwei."])

    async def tell(_done: int, _total: int | None) -> None:
        pass

    async with qdrant.running() as server:
        there = QdrantVectors(server.url)
        await index_vectors(Way(database, PostgresVectors(database), embedder, LOCAL), made.text_id, tell)
        await moving.settle(database, there, embedder)
        assert len(server.collections["kontor_1"].vectors) == 2
        await moving.forget_here(database)
        await there.close()
    # Back again, and that Qdrant is no more.
    here = PostgresVectors(database)
    await moving.settle(database, here, embedder)
    assert set(await here.take(LOCAL, made.passages)) == set(made.passages)


async def test_what_somebody_paid_for_outlasts_a_wrong_address(database: Database, embedder: LocalEmbedder) -> None:
    """Whoever starts a worker without the store's address, or moves out of another store than the one that was meant,
    loses nothing by it; neither does who is stopped in the middle of making local vectors anew."""
    owner = await make_owner(database)
    made = await make_document(database, owner.project_id, ["Eins.", "Zwei."])
    async with database.system("retrieval") as unit:
        said = Said("ollama", "paid", [[1.0] * LOCAL.dimensions])
        paid = Model(ModelId(await register(unit, said)), said.provider, said.name, LOCAL.dimensions)
    here = PostgresVectors(database)

    class Stopped(LocalEmbedder):
        async def embed(self, *_: object, **__: object) -> Vectors:
            raise RuntimeError("killed")

    async with qdrant.running() as server, qdrant.running() as other:
        there, elsewhere = QdrantVectors(server.url), QdrantVectors(other.url)
        for model in (LOCAL, paid):
            await there.put(model, places_of(made), unit_vectors(2, 1))
            async with database.system("retrieval") as unit:
                await repository.record_elsewhere(unit, model, places_of(made))
        with pytest.raises(VectorsRefused):
            await moving.move(database, elsewhere, here, quietly)
        with pytest.raises(RuntimeError):
            await moving.settle(database, here, Stopped())
        await moving.settle(database, here, embedder)
        assert set(await here.take(LOCAL, made.passages)) == set(made.passages)
        assert await indexing.forget_orphans(database, there) == 0
        assert await moving.move(database, there, here, quietly) == 0
        assert set(await here.take(paid, made.passages)) == set(made.passages)
        await there.close()
        await elsewhere.close()


async def test_another_store_keeps_what_is_there_and_nothing_else(database: Database) -> None:
    owner = await make_owner(database)
    made = await make_document(database, owner.project_id, ["Eins.", "Zwei."])
    erased = await make_document(database, owner.project_id, ["Drei."])
    async with qdrant.running() as server:
        store = QdrantVectors(server.url)

        async def put(each: Made) -> None:
            await store.put(LOCAL, places_of(each), unit_vectors(len(each.passages), 1))
            if each is erased:  # in the moment between
                async with database.system("test") as unit:
                    await unit.execute(text("DELETE FROM document WHERE id = :id"), {"id": each.document_id})
            async with database.system("retrieval") as unit:
                await repository.record_elsewhere(unit, LOCAL, places_of(each))

        await put(made)
        # Another model is chosen, and then this one again, before anybody has tidied up.
        async with database.system("test") as unit:
            await unit.execute(text("DELETE FROM passage_vectors"))
        await put(made)
        await put(erased)
        assert await indexing.forget_orphans(database, store) == 1
        assert set(server.collections["kontor_1"].vectors) == {str(each) for each in made.passages}
        await store.close()
