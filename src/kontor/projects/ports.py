"""What lives in projects and belongs to other domains: documents, chats, budgets. Each registers itself at start."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from kontor.core.ids import UserId


@dataclass(frozen=True, slots=True)
class Copy:
    """One project that was made from another. `owner_id` is the new one's, `by` who asked for it."""

    source_id: UUID
    target_id: UUID
    owner_id: UserId
    by: UserId


@dataclass(frozen=True, slots=True)
class Count:
    """How much of a part there is in a project."""

    by_state: Mapping[str, int] = field(default_factory=dict)
    bytes: int = 0


class Belonging(Protocol):
    """One part of what projects hold. Everything happens in the caller's transaction."""

    @property
    def name(self) -> str:
        """As people ask for it in `include`, such as `documents`."""

    @property
    def is_copied(self) -> bool:
        """Whether it can be taken along when a project is duplicated."""

    async def copy(self, unit: AsyncSession, copies: Sequence[Copy]) -> None:
        """In the unit of whoever duplicates, who may read the source and owns or edits the target."""

    async def count(self, unit: AsyncSession, project_id: UUID) -> Count | None:
        """What the unit's person may see of it; None for what no dashboard shows."""

    async def erase(self, unit: AsyncSession, project_ids: Sequence[UUID]) -> None:
        """For good, in a unit of the system, before the projects themselves go."""


@dataclass(frozen=True, slots=True)
class Thrown:
    """One thing that lies in a project and was thrown away by itself."""

    id: UUID
    sort: Literal["document"]
    name: str
    project_id: UUID
    project: str
    trashed_at: datetime


class Bin(Protocol):
    """What can be thrown away by itself, in the trash of whose project it lay in. Its own sweep erases it in time."""

    async def thrown(
        self, unit: AsyncSession, me: UserId, *, after: tuple[Any, ...] | None = None, limit: int | None = None
    ) -> Sequence[Thrown]:
        """Newest first, from behind a moment and an id."""

    async def erase_thrown(self, unit: AsyncSession, ids: Sequence[UUID]) -> None:
        """For good, in the system's scope: those of them that still lie in the trash."""


class Belongings:
    def __init__(self) -> None:
        self._all: dict[str, Belonging] = {}
        self._bins: dict[str, Bin] = {}

    def register(self, part: Belonging) -> None:
        """Registering it again changes nothing, so a process may build its application twice."""
        self._all.setdefault(part.name, part)

    def register_bin(self, name: str, part: Bin) -> None:
        self._bins.setdefault(name, part)

    @property
    def bins(self) -> Sequence[Bin]:
        return list(self._bins.values())

    def __iter__(self) -> Iterator[Belonging]:
        return iter(self._all.values())

    def copied(self) -> Mapping[str, Belonging]:
        return {name: part for name, part in self._all.items() if part.is_copied}


belongings = Belongings()
