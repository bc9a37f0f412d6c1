"""What can be searched, in one list. Documents are; whatever lies above (chats, notes, stories) registers itself."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from kontor.core.tenancy import Actor
from kontor.retrieval.errors import UnknownKind
from kontor.retrieval.schemas import ExplainedRead, ResultRead, SearchWanted


class Answered(Protocol):
    """Best first, with scores from 0 to about 1 that can stand beside those of other kinds."""

    @property
    def results(self) -> Sequence[ResultRead]: ...

    @property
    def is_weak(self) -> bool: ...

    @property
    def lacks_vectors(self) -> bool: ...

    @property
    def explained(self) -> ExplainedRead | None: ...


class Searchable(Protocol):
    @property
    def kind(self) -> str:
        """As people ask for it, such as `document`."""

    async def search(self, actor: Actor, wanted: SearchWanted) -> Answered:
        """In units of the person's own: what they may not read is neither found nor counted."""


class Searchables:
    def __init__(self) -> None:
        self._all: dict[str, Searchable] = {}

    def register(self, searchable: Searchable) -> None:
        self._all[searchable.kind] = searchable

    @property
    def kinds(self) -> Mapping[str, Searchable]:
        return self._all

    def named(self, names: Sequence[str] | None) -> list[Searchable]:
        """All of them, or these."""
        for name in names or ():
            if name not in self._all:
                raise UnknownKind(name, sorted(self._all))
        return [self._all[name] for name in dict.fromkeys(self._all if names is None else names)]
