"""The local embedder as the rest of Kontor sees it: awaited, never in the loop's way, gone when nobody needs it.

A process has one. Its model lives in one thread of its own; what many ask for at the same time is done batch by batch,
and a question that somebody waits for goes before the next batch of a document.
"""

import asyncio
import heapq
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from enum import IntEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Self, TypeVar

from kontor.retrieval.minilm import LONGEST, NAME, WIDTH, MiniLm, batches

if TYPE_CHECKING:
    from kontor.retrieval.minilm import Vectors

Made = TypeVar("Made")

IDLE_SECONDS = 300.0


class Urgency(IntEnum):
    QUESTION = 0
    DOCUMENT = 1


@dataclass(order=True, slots=True)
class _Waiting:
    urgency: Urgency
    arrived: int
    pieces: Sequence[Sequence[int]] = field(compare=False)
    done: "asyncio.Future[Vectors]" = field(compare=False)


class LocalEmbedder:
    """Loads the model at the first text, forgets it after `idle_seconds` without one.

    In 8 bits it is twice as fast and nearly as good (cosine to the exact vectors about 0.99); vectors of both kinds may
    stand side by side.
    """

    model = NAME
    dimensions = WIDTH
    longest = LONGEST

    def __init__(
        self,
        folder: Path | None = None,
        *,
        threads: int = 0,
        eight_bits: bool = False,
        idle_seconds: float = IDLE_SECONDS,
    ) -> None:
        self._make = partial(MiniLm, folder, threads=threads, eight_bits=eight_bits)
        self._idle_seconds = idle_seconds
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="embedder")
        self._loaded: MiniLm | None = None
        self._queue: list[_Waiting] = []
        self._arrived = 0
        self._working: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    @property
    def is_loaded(self) -> bool:
        return self._loaded is not None

    async def embed(self, texts: Sequence[str], *, urgency: Urgency = Urgency.DOCUMENT) -> "Vectors":
        """One row of length 1 for each text, in their order. What is longer than the model reads is cut off."""
        import numpy as np

        if not texts:
            return np.zeros((0, WIDTH), np.float32)
        pieces = await self._in_thread(lambda: self._ready().pieces(texts))
        parts = list(batches([len(text) for text in pieces]))
        vectors = np.empty((len(texts), WIDTH), np.float32)
        waiting = [self._queued([pieces[at] for at in part], urgency) for part in parts]
        try:
            for part, done in zip(parts, waiting, strict=True):
                vectors[part] = await done
        finally:
            for done in waiting:  # nobody wants the rest of what has failed, or was given up
                done.cancel()
        return vectors

    async def count(self, texts: Sequence[str]) -> list[int]:
        """How many word pieces the model reads of each, its two marks included; `longest` means that it may cut."""
        found = await self._in_thread(lambda: self._ready().pieces(texts))
        return [len(text) for text in found]

    async def close(self) -> None:
        self._stop_timer()
        if self._working is not None:
            self._working.cancel()
            await asyncio.gather(self._working, return_exceptions=True)
        for waiting in self._queue:
            waiting.done.cancel()
        self._queue.clear()
        await asyncio.to_thread(self._thread.shutdown)
        self._loaded = None

    def _queued(self, pieces: Sequence[Sequence[int]], urgency: Urgency) -> "asyncio.Future[Vectors]":
        done: asyncio.Future[Vectors] = asyncio.get_running_loop().create_future()
        self._arrived += 1
        heapq.heappush(self._queue, _Waiting(urgency, self._arrived, pieces, done))
        if self._working is None or self._working.done():
            self._working = asyncio.create_task(self._work())
        return done

    async def _work(self) -> None:
        while self._queue:
            waiting = heapq.heappop(self._queue)
            if waiting.done.cancelled():
                continue
            try:
                vectors = await self._in_thread(partial(self._run, waiting.pieces))
            except asyncio.CancelledError:
                waiting.done.cancel()
                raise
            except Exception as error:  # whoever asked hears it; the others' batches go on
                if not waiting.done.done():
                    waiting.done.set_exception(error)
                    waiting.done.exception()  # an earlier one of the same texts may have been heard already
            else:
                if not waiting.done.done():
                    waiting.done.set_result(vectors)

    async def _in_thread(self, work: Callable[[], Made]) -> Made:
        self._stop_timer()
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        finally:
            self._stop_timer()
            self._timer = asyncio.get_running_loop().call_later(self._idle_seconds, self._forget)

    def _ready(self) -> MiniLm:
        """In the thread, so that two who come first load it once."""
        if self._loaded is None:
            self._loaded = self._make()
        return self._loaded

    def _run(self, pieces: Sequence[Sequence[int]]) -> "Vectors":
        return self._ready().run(pieces)

    def _forget(self) -> None:
        def drop() -> None:
            self._loaded = None

        if self._timer is not None:
            self._thread.submit(drop)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
