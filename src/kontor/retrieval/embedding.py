"""Which model reads a project's passages, and changing it: all of them are read by the new one before it answers.

Until then the old one answers, and whatever comes in is read by both. What other models read goes through the gateway,
as runs of whoever chose the model: they pay for passages, and whoever asks pays for the question.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from kontor.core.bulk import fetch
from kontor.core.clock import now
from kontor.core.database import Database, elevated
from kontor.core.ids import UserId
from kontor.core.jobs.enqueueing import enqueue
from kontor.core.jobs.kinds import Kind
from kontor.core.tenancy import Actor, Role
from kontor.projects import service as projects
from kontor.projects.values import Access
from kontor.retrieval import repository
from kontor.retrieval.errors import EmbeddingFailed, ModelTooWide
from kontor.retrieval.indexing import Embedder, Way, index_vectors
from kontor.retrieval.models import LOCAL, Model, ModelId
from kontor.retrieval.pgvector import plain
from kontor.retrieval.ports import VectorStore
from kontor.retrieval.schemas import EmbeddingChange, EmbeddingModelRead, EmbeddingRead

if TYPE_CHECKING:
    from kontor.retrieval.minilm import Vectors

WIDEST = 4000  # what an entry of PostgreSQL's graph takes, and a row of a page
FORGOTTEN_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Said:
    """What a model made of texts, and who it was."""

    provider: str
    name: str
    vectors: Sequence[Sequence[float]]


class Asks(Protocol):
    """The gateway, for vectors."""

    async def vectors(
        self, actor: Actor, texts: Sequence[str], *, model: str, provider: str | None, project_id: UUID | None
    ) -> Said:
        """Raises errors of the gateway's, or `EmbeddingFailed`."""


def of_length_one(rows: Sequence[Sequence[float]], model: Model) -> "Vectors":
    import numpy as np

    made = np.asarray(rows, np.float32)
    if made.ndim != 2 or made.shape[1] != model.dimensions:
        raise EmbeddingFailed(model.name, f"its vectors are not {model.dimensions} numbers long any more")
    lengths = np.linalg.norm(made, axis=1, keepdims=True)
    if not np.isfinite(lengths).all() or not lengths.all():
        raise EmbeddingFailed(model.name, "one of its vectors has no direction")
    normed: Vectors = made / lengths
    return normed


@dataclass(frozen=True, slots=True)
class AskedEmbedder:
    """Another model for the passages of one project, paid by whoever chose it, who may change it still: it is their
    provider that reads the passages."""

    database: Database
    asks: Asks
    model: Model
    project_id: UUID

    async def embed(self, texts: Sequence[str]) -> "Vectors":
        actor = await payer_of(self.database, self.model, self.project_id)  # each time: a share may end in between
        said = await self.asks.vectors(
            actor, texts, model=self.model.name, provider=self.model.provider, project_id=self.project_id
        )
        return of_length_one(said.vectors, self.model)

    async def count(self, texts: Sequence[str]) -> Sequence[int]:
        return [0] * len(texts)  # how well it reads a language is not known


# Choosing


class ReembedArgs(BaseModel):
    project_id: UUID


REEMBED = Kind(
    "retrieval.reembed", ReembedArgs, "Read a project's documents with another model", timeout_seconds=86_400
)

_OF_PROJECT = text("""
    SELECT e.model_id, e.next_model_id, e.asked_by FROM project_embedding e WHERE e.project_id = :project
""")
_REGISTER = text("""
    INSERT INTO embedding_model (provider, name, dimensions) VALUES (:provider, :name, :dimensions)
    ON CONFLICT (provider, name, dimensions) DO NOTHING
""")
_FIND = text("""
    SELECT id FROM embedding_model WHERE provider = :provider AND name = :name AND dimensions = :dimensions
""")
_CHOOSE = text("""
    INSERT INTO project_embedding (project_id, model_id, next_model_id, asked_by, changed_at)
    VALUES (:project, 1, nullif(CAST(:model AS smallint), 1), :by, :at)
    ON CONFLICT (project_id) DO UPDATE SET asked_by = excluded.asked_by, changed_at = excluded.changed_at,
        next_model_id = nullif(CAST(:model AS smallint), project_embedding.model_id)
    RETURNING next_model_id
""")
_PROGRESS = """
    SELECT count(v.passage_id) AS done, count(*) AS total FROM passage p LEFT JOIN passage_vectors v
        ON v.project_id = p.project_id AND v.passage_id = p.id AND v.model_id = $2
    WHERE p.project_id = $1
"""
_TEXTS = """
    SELECT text_id FROM passage WHERE project_id = $1 GROUP BY text_id ORDER BY text_id
"""
# Nobody's passages come in between: who adds some holds the same lock when they are counted.
_ANSWER = text("""
    UPDATE project_embedding e SET model_id = e.next_model_id, next_model_id = NULL
    WHERE e.project_id = :project AND e.next_model_id = :model AND NOT EXISTS (
        SELECT FROM passage p WHERE p.project_id = :project AND NOT EXISTS (
            SELECT FROM passage_vectors v
            WHERE v.project_id = p.project_id AND v.passage_id = p.id AND v.model_id = :model
        )
    )
    RETURNING 1
""")
_UNUSED = """
    DELETE FROM passage_vectors WHERE (project_id, passage_id, model_id) IN (
        SELECT v.project_id, v.passage_id, v.model_id FROM passage_vectors v JOIN project_embedding e USING (project_id)
        WHERE v.project_id = $1 AND v.model_id <> e.model_id AND v.model_id IS DISTINCT FROM e.next_model_id LIMIT $2
    )
    RETURNING 1
"""
_UNUSED_TOTALS = text("""
    DELETE FROM vector_totals t USING project_embedding e
    WHERE t.project_id = :project AND e.project_id = t.project_id
        AND t.model_id <> e.model_id AND t.model_id IS DISTINCT FROM e.next_model_id
""")


async def read(unit: AsyncSession, actor: Actor, project_id: UUID) -> EmbeddingRead:
    await projects.require(unit, actor, project_id)
    known = {model.id: model for model in await repository.models(unit)}
    row = (await unit.execute(_OF_PROJECT, {"project": project_id})).one_or_none()
    if row is None:
        return EmbeddingRead(model=shown(LOCAL), next=None, done=0, total=0)
    following = None if row.next_model_id is None else known[ModelId(row.next_model_id)]
    async with elevated(unit, "retrieval"):  # counts of what the person may read, and cannot reach by itself
        [progress] = await fetch(unit, _PROGRESS, project_id, row.next_model_id or row.model_id)
    return EmbeddingRead(
        model=shown(known[ModelId(row.model_id)]),
        next=None if following is None else shown(following),
        done=progress["done"],
        total=progress["total"],
    )


def shown(model: Model) -> EmbeddingModelRead:
    return EmbeddingModelRead(provider=model.provider, name=model.name, dimensions=model.dimensions)


async def choose(
    database: Database, asks: Asks, actor: Actor, project_id: UUID, wanted: EmbeddingChange
) -> EmbeddingRead:
    """The model is asked once before anything is changed: whether it answers, and how wide it is."""
    async with database.unit(actor) as unit:
        await projects.require(unit, actor, project_id, least=Access.EDITOR, is_alive=True)
    found: Said | None = None
    if wanted.model is not None:
        found = await asks.vectors(
            actor, ["Kontor"], model=wanted.model, provider=wanted.provider, project_id=project_id
        )
        if len(found.vectors[0]) > WIDEST:
            raise ModelTooWide(found.name, WIDEST)
    async with database.unit(actor) as unit:
        await projects.require(unit, actor, project_id, least=Access.EDITOR, is_alive=True)
        async with elevated(unit, "retrieval"):
            await repository.lock_words(unit, project_id)
            model_id = LOCAL.id if found is None else await register(unit, found)
            following = await unit.scalar(
                _CHOOSE, {"project": project_id, "model": model_id, "by": actor.user_id, "at": now()}
            )
        if following is not None:
            await enqueue(
                unit, REEMBED, ReembedArgs(project_id=project_id), owner_id=actor.user_id, key=str(project_id)
            )
        return await read(unit, actor, project_id)


async def register(unit: AsyncSession, found: Said) -> int:
    values = {"provider": found.provider, "name": found.name, "dimensions": len(found.vectors[0])}
    await unit.execute(_REGISTER, values)
    return int((await unit.execute(_FIND, values)).scalar_one())


# Reading everything anew

Embedders = Callable[[Model, UUID], Awaitable[Embedder]]
Report = Callable[[int, int], Awaitable[None]]


_PAYER = text("""
    SELECT p.id, p.role FROM project_embedding e JOIN person p ON p.id = e.asked_by
    JOIN project_access a ON a.project_id = e.project_id AND a.user_id = p.id
    WHERE e.project_id = :project AND p.state = 'active' AND a.role <> 'viewer'
""")


async def payer_of(database: Database, model: Model, project_id: UUID) -> Actor:
    async with database.system("people") as unit:
        row = (await unit.execute(_PAYER, {"project": project_id})).one_or_none()
    if row is None:
        raise EmbeddingFailed(model.name, "nobody is left who chose it and pays for it")
    return Actor(UserId(plain(row.id)), Role(row.role))


async def reembed(
    database: Database, store: VectorStore, embedders: Embedders, project_id: UUID, report: Report
) -> None:
    """Goes on where it ended. What has come in meanwhile is read before the new model answers."""
    while True:
        async with database.system("retrieval") as unit:
            row = (await unit.execute(_OF_PROJECT, {"project": project_id})).one_or_none()
            known = {model.id: model for model in await repository.models(unit)}
            texts = [plain(each["text_id"]) for each in await fetch(unit, _TEXTS, project_id)]
        if row is None or row.next_model_id is None:
            break
        model = known[ModelId(row.next_model_id)]
        way = Way(database, store, await embedders(model, project_id), model)
        for number, text_id in enumerate(texts):
            await index_vectors(way, text_id, quietly)
            await report(number + 1, len(texts))
        async with database.system("retrieval") as unit:
            await repository.lock_words(unit, project_id)
            if await unit.scalar(_ANSWER, {"project": project_id, "model": model.id}) is not None:
                break
    await forget_unused(database, project_id)


async def quietly(_done: int, _total: int | None) -> None:
    """The whole is counted by texts."""


async def forget_unused(database: Database, project_id: UUID) -> None:
    """Vectors of models that no longer answer here."""
    while True:
        async with database.system("retrieval") as unit:
            gone = len(await fetch(unit, _UNUSED, project_id, FORGOTTEN_AT_ONCE))
            if gone < FORGOTTEN_AT_ONCE:
                await unit.execute(_UNUSED_TOTALS, {"project": project_id})
                return
