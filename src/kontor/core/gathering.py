"""What waits to be written together, and how long the first of it waits for the others.

Whatever comes while something is being written is the next batch. Under load that alone ends in an imbalance: one that
came a moment too late is written alone, all others wait for it meanwhile, and so on for good, with twice as many
transactions as are needed. So after a large batch the next one waits a moment until most of as many are there again;
and now and then it waits to see whether more come, for two halves of a crowd take turns as stubbornly. Where few come
at a time nobody ever waits.
"""

import asyncio
import time
from collections.abc import Sequence
from typing import Generic, TypeVar

T = TypeVar("T")

LARGE = 4
PATIENCE_SECONDS = 0.025
LOOK_EVERY = 16  # large batches


class Gathering(Generic[T]):
    def __init__(self, most: int) -> None:
        self.most = most  # at once
        self._waiting: list[T] = []
        self._since = 0.0  # how long the first of them waits
        self._is_ripe = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._enough = 1
        self._taken = self._larges = 0

    def add(self, item: T) -> None:
        if not self._waiting:
            self._since = time.monotonic()
        self._waiting.append(item)
        self._look()

    def put_back(self, items: Sequence[T]) -> None:
        """Before all others."""
        self._waiting[:0] = items
        self._look()

    def take_all(self) -> list[T]:
        """Without waiting."""
        taken, self._waiting = self._waiting, []
        return taken

    async def take(self) -> list[T]:
        """The next batch. Asked for again when this one is written."""
        self._enough = self._expected()
        self._is_ripe.clear()
        self._look()
        await self._is_ripe.wait()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        batch, self._waiting = self._waiting[: self.most], self._waiting[self.most :]
        self._taken = len(batch)
        self._since = time.monotonic()
        return batch

    def _expected(self) -> int:
        if self._taken < LARGE:
            return 1
        self._larges += 1
        return min(2 * self._taken if self._larges % LOOK_EVERY == 0 else self._taken * 3 // 4, self.most)

    def _look(self) -> None:
        if not self._waiting:
            return
        left = self._since + PATIENCE_SECONDS - time.monotonic()
        if len(self._waiting) >= self._enough or left <= 0:
            self._is_ripe.set()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(left, self._ring)

    def _ring(self) -> None:
        self._timer = None
        self._is_ripe.set()
