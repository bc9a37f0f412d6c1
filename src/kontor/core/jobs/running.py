"""A job in the hands of its handler."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncSession

from kontor.core.database import Database
from kontor.core.ids import JobId, UserId
from kontor.core.tenancy import Identity, Scope

PROGRESS_SECONDS = 0.5  # people's screens need no more than two steps a second


@dataclass(frozen=True, slots=True)
class Progress:
    done: int
    total: int | None = None
    note: str | None = None


class Reports(Protocol):
    """Where progress is written; the runner does it in a short transaction of its own."""

    async def __call__(self, progress: Progress) -> None: ...


class Running:
    """What a handler may know and do. After a crash it runs again, so its effects carry keys of their own."""

    def __init__(
        self,
        *,
        job_id: JobId,
        kind: str,
        owner_id: UserId | None,
        attempt: int,
        key: str | None,
        database: Database,
        report: Reports,
    ) -> None:
        self.id = job_id
        self.kind = kind
        self.owner_id = owner_id
        self.attempt = attempt
        self.key = key
        self.cancelled = False
        """Set before the handler's task is cancelled: long loops over plain code ask for it."""
        self._database = database
        self._report = report
        self._latest: Progress | None = None
        self._reported_at = float("-inf")
        self._reporter: asyncio.Task[None] | None = None
        self._over = asyncio.Event()

    @asynccontextmanager
    async def unit(self) -> AsyncIterator[AsyncSession]:
        """One transaction on the owner's behalf; for a job of nobody's, on the system's."""
        if self.owner_id is None:
            async with self._database.system("jobs") as unit:
                yield unit
        else:
            async with self._database.unit(Identity(Scope.PERSON, self.owner_id)) as unit:
                yield unit

    async def progress(self, done: int, total: int | None = None, note: str | None = None) -> None:
        """How far it is. Cheap to call often: at most two a second are written, the last one always."""
        self._latest = Progress(done, total, note)
        wait = self._reported_at + PROGRESS_SECONDS - time.monotonic()
        if wait <= 0:
            await self._write()
        elif self._reporter is None or self._reporter.done():
            self._reporter = asyncio.create_task(self._write_later(wait))

    async def _write_later(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._over.wait()
            return
        await self._write()

    async def _write(self) -> None:
        latest, self._latest = self._latest, None
        if latest is not None:
            self._reported_at = time.monotonic()
            await self._report(latest)
            self._reported_at = time.monotonic()  # a slow database gets its pause too

    async def settle(self) -> Progress | None:
        """Called by the runner when the handler is over: what has not been written yet goes into the last write."""
        self._over.set()
        if self._reporter is not None:
            await asyncio.wait({self._reporter})
        return self._latest
