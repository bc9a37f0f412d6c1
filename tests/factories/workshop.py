"""A place where jobs really run: workers in this process, on a database of the test's own."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from pydantic import BaseModel
from sqlalchemy import Row, text

from kontor.core.clock import clock
from kontor.core.database import Database
from kontor.core.events.listener import Listener
from kontor.core.ids import JobId, UserId
from kontor.core.jobs.enqueueing import enqueue
from kontor.core.jobs.kinds import Every, Kind, Registry, Retry
from kontor.core.jobs.runner import Runner
from kontor.core.jobs.running import Running
from kontor.core.tenancy import Identity, Scope


class Note(BaseModel):
    """Arguments that say which job it is."""

    number: int = 0
    word: str = ""


Deed = Callable[[Running, Note], Awaitable[None]]


def make_kind(name: str = "test.work", **more: Any) -> Kind[Note]:
    more.setdefault("retry", Retry(attempts=3, first=timedelta(seconds=60)))
    return Kind(name, Note, "Work", **more)


def make_person() -> UserId:
    return UserId(uuid4())


async def eventually(happened: Callable[[], bool], *, seconds: float = 15) -> None:
    async with asyncio.timeout(seconds):
        while True:
            if happened():
                return
            await asyncio.sleep(0.01)


class Workshop:
    def __init__(self, database: Database, url: str) -> None:
        self.database = database
        self.url = url
        self.runners: list[Runner] = []

    @asynccontextmanager
    async def worker(
        self, *kinds: tuple[Kind[Any], Deed], every: Every | None = None, **more: Any
    ) -> AsyncIterator[Runner]:
        """One more worker; it is stopped and has drained when the block ends."""
        registry = Registry()
        for kind, deed in kinds:
            registry.add(kind, deed, every=every)
        listener = Listener(self.url)
        more.setdefault("per_person", 2)
        drain = more.pop("drain_seconds", 5.0)
        runner = Runner(self.database, registry, listener, url=self.url, **more)
        stop = asyncio.Event()
        self.runners.append(runner)
        async with listener.running(), asyncio.timeout(60):
            await listener.connected.wait()
            running = asyncio.create_task(runner.run(stop, drain_seconds=drain))
            ready = asyncio.create_task(runner.ready.wait())
            await asyncio.wait({running, ready}, return_when=asyncio.FIRST_COMPLETED)
            try:
                yield runner
            finally:
                stop.set()
                await running

    async def put(
        self, kind: Kind[Note], number: int = 0, *, owner: UserId | None = None, word: str = "", **more: Any
    ) -> JobId:
        who = Identity(Scope.SYSTEM) if owner is None else Identity(Scope.PERSON, owner)
        async with self.database.unit(who) as unit:
            return await enqueue(unit, kind, Note(number=number, word=word), owner_id=owner, **more)

    async def row(self, job_id: UUID) -> Row[Any]:
        async with self.database.system("test") as unit:
            return (await unit.execute(text("SELECT * FROM job WHERE id = :id"), {"id": job_id})).one()

    async def until(self, job_id: UUID, *states: str, seconds: float = 60) -> Row[Any]:
        """The job, once it is in one of these states."""
        deadline = asyncio.get_running_loop().time() + seconds
        while (row := await self.row(job_id)).state not in states:
            if asyncio.get_running_loop().time() > deadline:
                raise AssertionError(f"The job is {row.state} ({row.error}) and not {' or '.join(states)}.")
            await asyncio.sleep(0.01)
        return row

    async def until_quiet(self, *, seconds: float = 120) -> Counter[str]:
        """How many jobs ended how, once none is open."""
        deadline = asyncio.get_running_loop().time() + seconds
        while True:
            async with self.database.system("test") as unit:
                rows = await unit.execute(text("SELECT state, count(*) AS number FROM job GROUP BY state"))
                states = Counter({row.state: row.number for row in rows})
            if not states.keys() & {"waiting", "queued", "running"}:
                return states
            if asyncio.get_running_loop().time() > deadline:
                raise AssertionError(f"Still open: {states}")
            await asyncio.sleep(0.02)

    async def in_engine(self) -> int:
        async with self.database.system("test") as unit:
            return int(await unit.scalar(text("SELECT count(*) FROM pgqueuer")) or 0)

    async def until_engine_is_empty(self) -> None:
        async with asyncio.timeout(15):
            while True:
                if await self.in_engine() == 0:
                    return
                await asyncio.sleep(0.01)

    def move_clock(self, by: timedelta) -> None:
        clock.advance(by)
        for runner in self.runners:
            runner.wake()

    def set_clock(self, at: datetime) -> None:
        clock.set(at)
        for runner in self.runners:
            runner.wake()
