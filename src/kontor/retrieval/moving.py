"""All vectors from one store to the other, while search goes on with the first.

What has been carried over stands in `passage_vectors`, row by row, so it may end anywhere and be begun again. What
comes in meanwhile is carried over at the end; what came in after that, and before the last process was started with the
new address, workers carry over themselves.
"""

from collections.abc import Awaitable, Callable, Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from kontor.core.bulk import fetch
from kontor.core.database import Database
from kontor.retrieval import repository
from kontor.retrieval.indexing import Embedder, Way, index_vectors
from kontor.retrieval.models import LOCAL, Model
from kontor.retrieval.pgvector import PostgresVectors, plain
from kontor.retrieval.ports import Place, VectorStore

AT_ONCE = 500

Tell = Callable[[int, int], Awaitable[None]]

_LACKING = {True: "NOT v.is_elsewhere", False: "v.vector IS NULL"}  # by whether the new store is another
_COUNT = "SELECT count(*) AS number FROM passage_vectors v WHERE {lacking}"
_NEXT = """
    SELECT v.project_id, v.document_id, v.passage_id, p.page_first, p.page_last
    FROM passage_vectors v JOIN passage p ON p.project_id = v.project_id AND p.id = v.passage_id
    WHERE v.model_id = $1 AND {lacking} LIMIT $2
"""
_LOST = "DELETE FROM passage_vectors WHERE model_id = $1 AND passage_id = ANY($2::uuid[])"
_ARE_AWAY = "SELECT EXISTS (SELECT FROM passage_vectors WHERE model_id = $1 AND vector IS NULL) AS are_away"
_WITHOUT = """
    SELECT DISTINCT d.text_id FROM document d JOIN passage p ON p.text_id = d.text_id
    LEFT JOIN project_embedding e ON e.project_id = d.project_id
    WHERE coalesce(e.model_id, $1) = $1 AND NOT EXISTS (
        SELECT FROM passage_vectors v
        WHERE v.project_id = p.project_id AND v.passage_id = p.id AND v.model_id = $1 AND {kept}
    )
"""


async def move(database: Database, source: VectorStore, target: VectorStore, tell: Tell) -> int:
    """Answers how many vectors were not where they should have been; they have to be made anew."""
    total, done, lost = await to_move(database, target), 0, 0
    async with database.system("retrieval") as unit:
        models = await repository.models(unit)
    for model in models:
        while places := await next_places(database, target, model):
            found = await source.take(model, [place.passage_id for place in places])
            there = [place for place in places if place.passage_id in found]
            if there:
                import numpy as np

                await target.put(model, there, np.stack([found[place.passage_id] for place in there]))
            missing = [place.passage_id for place in places if place.passage_id not in found]
            async with database.system("retrieval") as unit:
                if target.is_elsewhere:
                    await repository.record_elsewhere(unit, model, there)
                await forget_lost(unit, model, missing)
            done, lost = done + len(places), lost + len(missing)
            await tell(done, max(total, done))
    return lost


async def to_move(database: Database, target: VectorStore) -> int:
    async with database.system("retrieval") as unit:
        [row] = await fetch(unit, _COUNT.format(lacking=_LACKING[target.is_elsewhere]))
    return int(row["number"])


async def next_places(database: Database, target: VectorStore, model: Model) -> list[Place]:
    async with database.system("retrieval") as unit:
        rows = await fetch(unit, _NEXT.format(lacking=_LACKING[target.is_elsewhere]), model.id, AT_ONCE)
    return [
        Place(
            plain(row["project_id"]),
            plain(row["document_id"]),
            plain(row["passage_id"]),
            row["page_first"],
            row["page_last"],
        )
        for row in rows
    ]


async def forget_lost(unit: AsyncSession, model: Model, passages: Sequence[UUID]) -> None:
    if passages:
        await fetch(unit, _LOST, model.id, list(passages))


async def settle(database: Database, store: VectorStore, embedder: Embedder) -> None:
    """For workers: what went to the other store while processes were being started with this one's address. From
    PostgreSQL it is carried over. Another store's address is known no more: the local model makes its own anew. The
    books stay as they are: a worker that was once started without `VECTOR_URL` must not cost what somebody paid for."""

    async def quietly(_done: int, _total: int) -> None:
        pass

    if store.is_elsewhere:
        if await to_move(database, store):
            await move(database, PostgresVectors(database), store, quietly)
        return
    async with database.system("retrieval") as unit:
        [row] = await fetch(unit, _ARE_AWAY, LOCAL.id)
    if row["are_away"]:
        await make_missing(database, store, embedder)


async def make_missing(database: Database, store: VectorStore, embedder: Embedder) -> int:
    """Vectors of the local model that this store does not have. Answers of how many texts."""

    async def quietly(_done: int, _total: int | None) -> None:
        pass

    async with database.system("retrieval") as unit:
        statement = _WITHOUT.format(kept=repository.KEPT[store.is_elsewhere])
        texts = [plain(row["text_id"]) for row in await fetch(unit, statement, LOCAL.id)]
    for text_id in texts:
        await index_vectors(Way(database, store, embedder, LOCAL), text_id, quietly)
    return len(texts)


_FORGET_HERE = """
    UPDATE passage_vectors SET vector = NULL WHERE (project_id, passage_id, model_id) IN (
        SELECT project_id, passage_id, model_id FROM passage_vectors
        WHERE vector IS NOT NULL AND is_elsewhere LIMIT $1
    )
    RETURNING 1
"""


async def forget_here(database: Database) -> int:
    """What another store has as well. Answers how many."""
    gone = 0
    while True:
        async with database.system("retrieval") as unit:
            some = len(await fetch(unit, _FORGET_HERE, AT_ONCE))
        gone += some
        if some < AT_ONCE:
            return gone
