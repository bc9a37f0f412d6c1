"""What one domain tells others inside this process, in the same transaction.

A fact is a frozen dataclass of the domain that tells it. Whoever wants to hear it is registered at start by `web`,
`worker` or `cli`. A handler that fails fails the deed, so a fact is never half heard.
"""

from collections import defaultdict
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from sqlalchemy.ext.asyncio import AsyncSession

F = TypeVar("F")

Handler = Callable[[AsyncSession, F], Awaitable[None]]


class Bus:
    def __init__(self) -> None:
        self._handlers: dict[type[Any], list[Handler[Any]]] = defaultdict(list)

    def on(self, fact: type[F], handler: Handler[F]) -> None:
        """Registering the same handler again changes nothing, so a process may build its application twice."""
        if handler not in self._handlers[fact]:
            self._handlers[fact].append(handler)

    async def tell(self, unit: AsyncSession, fact: object) -> None:
        for handler in self._handlers[type(fact)]:
            await handler(unit, fact)

    def clear(self) -> None:
        self._handlers.clear()


bus = Bus()
