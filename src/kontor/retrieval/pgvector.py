"""Vectors in PostgreSQL, beside everything else: exact for projects of the usual size, a graph for large ones."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from kontor.core.bulk import fetch
from kontor.core.database import Database
from kontor.core.units import driver_of
from kontor.retrieval.models import Model
from kontor.retrieval.ports import Place, Searched, VectorHit

if TYPE_CHECKING:
    from kontor.retrieval.minilm import Vectors

_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended('kontor.graph ' || :project, 0))")
_LOCK_SHARED = text("SELECT pg_advisory_xact_lock_shared(hashtextextended('kontor.graph ' || :project, 0))")
_PUT = """
    INSERT INTO passage_vectors (project_id, passage_id, model_id, document_id, vector, is_large)
    SELECT p.project_id, p.id, $3::smallint, p.document_id, $4::float4[]::halfvec, coalesce(t.is_large, false)
    FROM passage p LEFT JOIN vector_totals t ON t.project_id = p.project_id AND t.model_id = $3
    WHERE p.project_id = $1 AND p.id = $2
    ON CONFLICT (project_id, passage_id, model_id) DO UPDATE SET vector = excluded.vector
    WHERE passage_vectors.vector IS NULL
"""
_SEARCH = "SELECT * FROM search_vectors($1, $2, $3::float4[]::halfvec, $4, $5, $6, $7)"
_TAKE = """
    SELECT passage_id, vector::float4[] AS vector FROM passage_vectors
    WHERE model_id = $1 AND passage_id = ANY($2::uuid[]) AND vector IS NOT NULL
"""
# What another store has as well is still kept, and only that.
_FORGET = """
    UPDATE passage_vectors SET vector = NULL WHERE model_id = $1 AND passage_id = ANY($2::uuid[]) AND is_elsewhere
"""
_END = "DELETE FROM passage_vectors WHERE model_id = $1 AND passage_id = ANY($2::uuid[]) AND NOT is_elsewhere"


async def lock_graph(unit: AsyncSession, project_id: UUID, *, is_shared: bool = False) -> None:
    """Until the end of the unit it stays as it is whether this project's vectors belong into the graph. Whoever adds
    some shares the lock with others who do."""
    await unit.execute(_LOCK_SHARED if is_shared else _LOCK, {"project": str(project_id)})


class PostgresVectors:
    name = "PostgreSQL"
    is_elsewhere = False

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(self, model: Model, places: Sequence[Place], vectors: "Vectors") -> None:
        """A passage that has gone meanwhile is left out."""
        rows = [
            (place.project_id, place.passage_id, model.id, vector.tolist())
            for place, vector in zip(places, vectors, strict=True)
        ]
        async with self._database.system("retrieval") as unit:
            for project_id in sorted({place.project_id for place in places}):
                await lock_graph(unit, project_id, is_shared=True)
            await driver_of(unit).executemany(_PUT, rows)

    async def search(
        self, unit: AsyncSession | None, model: Model, question: "Vectors", searched: Searched, *, limit: int
    ) -> list[VectorHit]:
        assert unit is not None  # noqa: S101 - the rights of whoever asks are its unit's
        narrowed = searched.narrowed
        rows = await fetch(
            unit, _SEARCH, list(searched.projects), model.id, question.tolist(), limit,
            narrowed.documents, narrowed.page_from, narrowed.page_to,
        )  # fmt: skip
        found = [VectorHit(plain(row["project_id"]), plain(row["passage_id"]), row["likeness"]) for row in rows]
        return sorted(found, key=lambda hit: (-hit.likeness, hit.passage_id))[:limit]

    async def take(self, model: Model, passages: Sequence[UUID]) -> "Mapping[UUID, Vectors]":
        import numpy as np

        async with self._database.system("retrieval") as unit:
            rows = await fetch(unit, _TAKE, model.id, list(passages))
        return {plain(row["passage_id"]): np.asarray(row["vector"], np.float32) for row in rows}

    async def forget(self, model: Model, passages: Sequence[UUID]) -> None:
        async with self._database.system("retrieval") as unit:
            await fetch(unit, _FORGET, model.id, list(passages))
            await fetch(unit, _END, model.id, list(passages))

    async def close(self) -> None:
        pass


def plain(found: UUID) -> UUID:
    """The driver has a class of its own, which neither JSON nor pickling knows."""
    return UUID(int=found.int)
