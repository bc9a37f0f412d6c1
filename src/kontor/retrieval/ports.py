"""Where vectors are kept: in PostgreSQL, or in a store of its own for installations that outgrow one PostgreSQL."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from kontor.retrieval.bm25 import EVERYTHING, Narrowed
from kontor.retrieval.models import Model

if TYPE_CHECKING:
    from kontor.retrieval.minilm import Vectors


@dataclass(frozen=True, slots=True)
class Place:
    """Which passage a vector is of."""

    project_id: UUID
    document_id: UUID
    passage_id: UUID
    page_first: int
    page_last: int


@dataclass(frozen=True, slots=True)
class VectorHit:
    project_id: UUID
    passage_id: UUID
    likeness: float  # the cosine


@dataclass(frozen=True, slots=True)
class Searched:
    """What a person may search in, as their unit has found it: asked before the store is."""

    projects: Sequence[UUID]
    trashed: Sequence[UUID]  # documents in them
    narrowed: Narrowed = EVERYTHING
    is_large: bool = False  # more than is looked through one by one


class VectorStore(Protocol):
    """Vectors come of length 1. That a vector is kept, and of which model, always stands in `passage_vectors`."""

    @property
    def name(self) -> str:
        """For people and for logs."""

    @property
    def is_elsewhere(self) -> bool:
        """Whether vectors leave PostgreSQL: then no transaction stays open while the store is asked."""

    async def put(self, model: Model, places: Sequence[Place], vectors: "Vectors") -> None:
        """Kept once this returns; putting them again changes nothing."""

    async def search(
        self, unit: AsyncSession | None, model: Model, question: "Vectors", searched: Searched, *, limit: int
    ) -> list[VectorHit]:
        """Best first. `unit` is the person's, and None where `is_elsewhere`."""

    async def take(self, model: Model, passages: Sequence[UUID]) -> "Mapping[UUID, Vectors]":
        """The vectors themselves, of those that are there, to carry them to another store."""

    async def forget(self, model: Model, passages: Sequence[UUID]) -> None:
        """What is not there is no error."""

    async def close(self) -> None: ...
