"""Workers and the database are killed in the middle of their work. What was accepted is done, and done once."""

import asyncio
import os
import shutil
import signal
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy import Row, text

from kontor.core import schema
from kontor.core.database import Database
from kontor.core.events.listener import Listener
from kontor.core.events.publishing import person_topic
from kontor.core.events.stream import Event, EventStream
from kontor.core.ids import JobId, UserId
from kontor.core.jobs.enqueueing import enqueue
from kontor.core.outage import is_outage
from kontor.core.postgres import EmbeddedPostgres, PostgresServer
from kontor.core.tenancy import Identity, Scope
from tests.chaos.worker_process import CHORE, EFFECTS, Chore
from tests.conftest import APP_ROLE, MASTER_KEY, Server, apart, scratch
from tests.factories.workshop import eventually, make_person

pytestmark = pytest.mark.chaos

ROOT = Path(__file__).parents[2]


class Worker:
    """A worker process."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    @property
    def pid(self) -> int:
        return self.process.pid

    def kill(self) -> None:
        self.process.kill()

    async def stop(self) -> tuple[int, float]:
        """Its status, and how long it took to end."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        status = await asyncio.wait_for(self.process.wait(), 30)
        return status, time.monotonic() - began


class Site:
    """A database on which worker processes work, and a view of what they did."""

    def __init__(self, owner_url: str, app_url: str, folder: Path) -> None:
        self.owner_url = owner_url
        self.app_url = app_url
        self.folder = folder
        self.database = Database.connect(app_url)

    async def prepare(self) -> None:
        connection = await asyncpg.connect(self.owner_url)
        try:
            await connection.execute(EFFECTS)
        finally:
            await connection.close()

    @asynccontextmanager
    async def worker(self, **more: str) -> AsyncIterator[Worker]:
        environment = {
            **os.environ,
            "KONTOR_DATA": str(self.folder / "data"),
            "KONTOR_MASTER_KEY": MASTER_KEY,
            "DATABASE_URL": self.owner_url,
            "DATABASE_APP_URL": self.app_url,
            **more,
        }
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.chaos.worker_process", cwd=ROOT, env=environment
        )
        try:
            yield Worker(process)
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()

    async def put(self, owner: UserId, number: int = 0, *, seconds: float = 0.0) -> JobId:
        async with self.database.unit(Identity(Scope.PERSON, owner)) as unit:
            return await enqueue(unit, CHORE, Chore(number=number, seconds=seconds), owner_id=owner)

    async def rows(self, statement: str) -> list[Row[Any]]:
        async with self.database.system("test") as unit:
            return list((await unit.execute(text(statement))).all())

    async def starts(self, job_id: UUID) -> list[Row[Any]]:
        return [row for row in await self.rows("SELECT * FROM chaos_start ORDER BY at") if row.job_id == job_id]

    async def until_started(self, job_id: UUID, *, times: int = 1, seconds: float = 60) -> list[Row[Any]]:
        async with asyncio.timeout(seconds):
            while True:
                found = await self.starts(job_id)
                if len(found) >= times:
                    return found
                await asyncio.sleep(0.05)

    async def until_done(self, count: int, *, seconds: float = 90) -> None:
        states: dict[str, int] = {}
        deadline = time.monotonic() + seconds
        while states != {"done": count}:
            assert time.monotonic() < deadline, f"Still not done: {states}"
            await asyncio.sleep(0.1)
            try:
                states = {row.state: row.n for row in await self.rows(STATES)}
            except Exception as reason:
                if not is_outage(reason):
                    raise


STATES = "SELECT state, count(*) AS n FROM job GROUP BY state"


@pytest.fixture
async def site(server: Server, copy: str, tmp_path: Path) -> AsyncIterator[Site]:
    made = Site(server.owner_url(copy), server.app_url(copy), tmp_path)
    await made.prepare()
    yield made
    await made.database.close()


async def test_the_job_of_a_killed_worker_runs_again_within_a_minute(site: Site) -> None:
    async with site.worker() as first:
        job_id = await site.put(make_person(), 7, seconds=2)
        await site.until_started(job_id)
        async with site.worker() as second:
            await asyncio.sleep(1)  # so that it is up, or the time measured would be that of a start
            first.kill()
            killed = time.monotonic()
            starts = await site.until_started(job_id, times=2)
            took = time.monotonic() - killed
            await site.until_done(1)
            assert (await second.stop())[0] == 0
    print(f"A killed worker's job ran again after {took:.1f} s.")  # noqa: T201 - a figure for the report
    assert took < 60
    assert [(start.attempt, start.worker) for start in starts] == [(1, first.pid), (2, second.pid)]
    effects = await site.rows("SELECT number, attempt FROM chaos_effect")
    assert [tuple(row) for row in effects] == [(7, 2)]


async def test_a_worker_that_is_told_to_stop_hands_back_and_the_next_goes_on(site: Site) -> None:
    people = [make_person() for _ in range(4)]
    async with site.worker(KONTOR_DRAIN_SECONDS="1") as first:
        jobs = [await site.put(people[n % 4], n, seconds=0.3) for n in range(12)]
        slow = await site.put(make_person(), 99, seconds=4)
        await site.until_started(slow)
        assert (await first.stop())[0] == 0
        states = {row.state for row in await site.rows(STATES)}
        assert "running" not in states
        async with site.worker() as second:
            await site.until_started(slow, times=2)
            await site.until_done(len(jobs) + 1)
            await second.stop()
    starts = await site.starts(slow)
    assert [start.attempt for start in starts] == [1, 1]  # handing back costs no try
    assert len(await site.rows("SELECT 1 FROM chaos_effect")) == len(jobs) + 1


async def test_news_from_a_worker_reach_another_process(site: Site) -> None:
    owner = make_person()
    listener = Listener(site.app_url)
    stream = EventStream(site.database, listener)
    states: list[str] = []
    async with listener.running(), site.worker() as worker, asyncio.timeout(120):
        await listener.connected.wait()
        who = Identity(Scope.PERSON, owner)
        async with aclosing(stream.subscribe(who, [person_topic(owner)])) as items:
            await anext(items)
            await site.put(owner)
            async for item in items:
                if isinstance(item, Event):
                    states.append(item.data["state"])
                if "done" in states:
                    break
        assert (await worker.stop())[0] == 0
    assert states == ["waiting", "running", "done"]


@pytest.fixture
def own_server() -> Iterator[EmbeddedPostgres]:
    """Durable: what is committed must survive the kill of the server."""
    folder = scratch("kontor-chaos-")
    made = EmbeddedPostgres(folder)
    try:
        made.start()
        yield made
    finally:
        made.stop()
        shutil.rmtree(folder, ignore_errors=True)


def running(embedded: EmbeddedPostgres) -> PostgresServer:
    assert embedded.server is not None
    return embedded.server


async def test_killing_the_database_loses_no_accepted_job(own_server: EmbeddedPostgres, tmp_path: Path) -> None:
    server = running(own_server)
    password = server.password(APP_ROLE)
    apart(schema.migrate(server.url(), app_role=APP_ROLE, app_password=password))
    site = Site(server.url(), server.url(user=APP_ROLE), tmp_path)
    await site.prepare()
    accepted: set[JobId] = set()
    people = [make_person() for _ in range(6)]
    enough = asyncio.Event()

    async def accept(owner: UserId) -> None:
        number = 0
        while not enough.is_set():
            try:
                accepted.add(await site.put(owner, number, seconds=0.01))
                number += 1
                await asyncio.sleep(0.01)
            except Exception as reason:
                if not is_outage(reason):
                    raise
                await asyncio.sleep(0.1)

    outages = []
    async with site.worker() as worker:
        await site.until_started(await site.put(people[0]))
        accepting = [asyncio.create_task(accept(owner)) for owner in people]
        for _ in range(3):
            await asyncio.sleep(1.5)
            os.kill(running(own_server).pid, signal.SIGKILL)
            killed, before = time.monotonic(), len(accepted)
            await eventually(lambda: own_server.poll() is not None)
            await asyncio.to_thread(own_server.restart)
            await eventually(lambda: len(accepted) > before)  # noqa: B023 - called in this turn only
            outages.append(time.monotonic() - killed)
        enough.set()
        await asyncio.gather(*accepting)
        open_jobs = await site.rows("SELECT id FROM job")
        assert accepted <= {row.id for row in open_jobs}
        await site.until_done(len(open_jobs))
        assert (await worker.stop())[0] == 0
    effects = {row.job_id for row in await site.rows("SELECT job_id FROM chaos_effect")}
    assert accepted <= effects
    print(f"{len(accepted)} accepted, 0 lost; accepting again after {max(outages):.1f} s.")  # noqa: T201
    await site.database.close()
