"""How fast jobs go, and what a worker costs when there is nothing to do.

    .venv/bin/python bench/jobs.py [--jobs 1000] [--people 20] [--concurrency 4] [--idle 20]

It uses an embedded PostgreSQL of its own, durable and on disk. Figures are in docs/decisions/0002-job-engine.md.
"""

import argparse
import asyncio
import logging
import resource
import statistics
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import structlog
from sqlalchemy import text

from kontor.core import schema
from kontor.core.database import Database
from kontor.core.events.listener import Listener
from kontor.core.ids import UserId, new_id
from kontor.core.jobs.enqueueing import enqueue
from kontor.core.jobs.kinds import Kind, NoArgs, Registry
from kontor.core.jobs.runner import Runner
from kontor.core.jobs.running import Running
from kontor.core.postgres import EmbeddedPostgres
from kontor.core.tenancy import Identity, Scope

NOTHING = Kind("bench.nothing", NoArgs, "Nothing")
APP_ROLE = "kontor_app"


class Counter:
    def __init__(self) -> None:
        self.count = 0
        self.wanted = 0
        self.reached = asyncio.Event()

    def expect(self, number: int) -> None:
        self.count, self.wanted = 0, number
        self.reached.clear()

    async def __call__(self, _job: Running, _args: NoArgs) -> None:
        self.count += 1
        if self.count == self.wanted:
            self.reached.set()


@asynccontextmanager
async def worker(database: Database, url: str, counter: Counter, concurrency: int) -> AsyncIterator[None]:
    registry = Registry()
    registry.add(NOTHING, counter)
    listener = Listener(url)
    runner = Runner(database, registry, listener, url=url, concurrency=concurrency)
    stop = asyncio.Event()
    async with listener.running():
        running = asyncio.create_task(runner.run(stop))
        await runner.ready.wait()
        yield
        stop.set()
        await running


async def put(database: Database, owner: UserId) -> None:
    async with database.unit(Identity(Scope.PERSON, owner)) as unit:
        await enqueue(unit, NOTHING, NoArgs(), owner_id=owner)


async def transactions(database: Database) -> int:
    async with database.system("test") as unit:
        found = await unit.scalar(
            text("SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = current_database()")
        )
        return int(found or 0)


async def measure(url: str, options: argparse.Namespace) -> None:
    database = Database.connect(url)
    people = [UserId(new_id()) for _ in range(options.people)]
    began = time.perf_counter()
    for number in range(options.jobs):
        await put(database, people[number % len(people)])
    print(f"enqueued, one transaction each: {options.jobs / (time.perf_counter() - began):.0f}/s")

    counter = Counter()
    counter.expect(options.jobs)
    began, cpu = time.perf_counter(), time.process_time()
    async with worker(database, url, counter, options.concurrency):
        await counter.reached.wait()
        rate = options.jobs / (time.perf_counter() - began)
        each = (time.process_time() - cpu) / options.jobs * 1000
        print(f"done, {options.people} people, {options.concurrency} at once: {rate:.0f}/s, {each:.1f} ms of CPU each")
        await asyncio.sleep(1)
        waits = []
        for _ in range(30):
            counter.expect(1)
            await put(database, people[0])
            committed = time.perf_counter()
            await counter.reached.wait()
            waits.append((time.perf_counter() - committed) * 1000)
            await asyncio.sleep(0.02)
        print(f"from commit to handler, idle worker: {statistics.median(waits):.1f} ms (median of {len(waits)})")
        if options.idle:
            await asyncio.sleep(15)  # the server's own figures come late
            before, cpu = await transactions(database), time.process_time()
            await asyncio.sleep(options.idle)
            spent = (time.process_time() - cpu) / options.idle
            asked = (await transactions(database) - before) / options.idle
            print(f"idle: {asked:.1f} transactions/s, {spent * 100:.2f} % of a core")
    print(f"most memory of this process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")
    await database.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=1000)
    parser.add_argument("--people", type=int, default=20)
    parser.add_argument("--concurrency", type=int, default=4)
    parser.add_argument("--idle", type=float, default=20)
    options = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    with (
        tempfile.TemporaryDirectory(prefix="kontor-bench-") as folder,
        EmbeddedPostgres(Path(folder)).running() as server,
    ):
        password = server.password(APP_ROLE)
        asyncio.run(schema.migrate(server.url(), app_role=APP_ROLE, app_password=password))
        asyncio.run(measure(server.url(user=APP_ROLE), options))


if __name__ == "__main__":
    main()
