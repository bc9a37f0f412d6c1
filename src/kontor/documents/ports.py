"""What stands above documents and makes them findable. It registers itself at start, in every worker."""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from kontor.core.database import Database

Tell = Callable[[int, int | None], Awaitable[None]]  # so many passages, of so many


@dataclass(frozen=True, slots=True)
class Readable:
    """A text whose passages are in the tables, committed."""

    owner_id: UUID
    project_id: UUID
    document_id: UUID
    text_id: UUID
    is_whole: bool  # False: the first pages, which the rest will follow in a moment; what is quick is enough


class Indexer(Protocol):
    async def index(self, database: Database, text: Readable, tell: Tell) -> None:
        """In short units of its own. It may be called again for the same text, and then changes nothing; whatever it
        raises is told as the document's failure once it has been tried often enough. What it kept about passages goes
        with their rows."""


class Indexers:
    def __init__(self) -> None:
        self._all: dict[str, Indexer] = {}

    def register(self, name: str, indexer: Indexer) -> None:
        """The last one of a name counts, so a process may build its parts twice."""
        self._all[name] = indexer

    def __iter__(self) -> Iterator[Indexer]:
        return iter(list(self._all.values()))


indexers = Indexers()
