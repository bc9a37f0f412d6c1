"""The worker's life: it waits for its database, does what the clock wants, and ends when it is told."""

import asyncio
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import text

from kontor.core.clock import clock, now
from kontor.core.database import Database
from kontor.core.jobs.enqueueing import enqueue
from kontor.core.jobs.kinds import NoArgs
from kontor.core.kernel import Kernel
from kontor.core.schema import DatabaseUnreachable
from kontor.core.secrets import Secrets
from kontor.core.settings import Settings
from kontor.core.tenancy import Identity, Scope
from kontor.worker.main import work
from kontor.worker.parts import SWEEP_ANSWERS, add_all
from tests.conftest import MASTER_KEY, Server
from tests.factories.workshop import make_person


@pytest.fixture
def worker_settings(server: Server, copy: str, tmp_path: Path) -> Settings:
    return Settings(
        kontor_data=tmp_path / "data",
        kontor_master_key=SecretStr(MASTER_KEY),
        database_url=SecretStr(server.owner_url(copy)),
        database_app_url=SecretStr(server.app_url(copy)),
        kontor_drain_seconds=1,
    )


FOR_THE_WORKER = {"lxml", "numpy", "onnxruntime", "pypdfium2", "rapidfuzz"}


@pytest.mark.parametrize(
    ("program", "heavy"),
    [
        ("kontor.worker.main", {"fastapi", "starlette"}),
        ("kontor.web.main, kontor.web.app", {"alembic", "segno", "webauthn", *FOR_THE_WORKER}),
    ],
)
def test_a_process_carries_nothing_that_it_seldom_needs(program: str, heavy: set[str]) -> None:
    """Its start and memory are paid for on every machine."""
    code = f"import sys, {program}; print({heavy} & sys.modules.keys())"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "set()"


def test_every_sweep_has_a_time(settings: Settings, database: Database) -> None:
    kernel = Kernel(settings, database, Secrets.load(settings))
    add_all(kernel)
    assert {"events.sweep", "jobs.sweep", "http.sweep_answers", "mail.sweep"} <= kernel.jobs.schedules.keys()
    assert "mail.send" in kernel.jobs.entries


async def test_a_worker_does_what_the_clock_wants_and_ends_when_it_is_told(
    worker_settings: Settings, committed_database: Database
) -> None:
    owner = make_person()
    async with committed_database.unit(Identity(Scope.PERSON, owner)) as unit:
        for age in (1, 72):
            await unit.execute(
                text("""
                    INSERT INTO idempotency_key (owner_id, key, fingerprint, created_at)
                    VALUES (:owner, :age, '', :at)
                """),
                {"owner": owner, "age": str(age), "at": now() - timedelta(hours=age)},
            )
    async with committed_database.system("test") as unit:
        await enqueue(unit, SWEEP_ANSWERS, NoArgs())
    stop = asyncio.Event()
    working = asyncio.create_task(work(worker_settings, stop=stop))

    async def ended() -> dict[str, int]:
        async with committed_database.system("test") as unit:
            rows = await unit.execute(text("SELECT kind, count(*) AS n FROM job WHERE state = 'done' GROUP BY kind"))
            return {row.kind: row.n for row in rows}

    async def until(kinds: set[str]) -> None:
        async with asyncio.timeout(30):
            while True:
                if kinds <= (await ended()).keys() or working.done():
                    return
                await asyncio.sleep(0.02)

    await until({"http.sweep_answers"})
    async with committed_database.unit(Identity(Scope.PERSON, owner)) as unit:
        assert (await unit.execute(text("SELECT key FROM idempotency_key"))).scalars().all() == ["1"]
    clock.advance(timedelta(days=1, hours=2))
    async with committed_database.system("test") as unit:
        await enqueue(unit, SWEEP_ANSWERS, NoArgs())  # so that the worker looks at the clock
    await until({"events.sweep", "jobs.sweep", "mail.sweep"})
    stop.set()
    began = time.monotonic()
    await asyncio.wait_for(working, 10)
    assert time.monotonic() - began < 5


async def test_a_worker_that_waits_for_its_database_can_be_stopped(worker_settings: Settings) -> None:
    away = worker_settings.model_copy(update={"database_url": SecretStr("postgresql://nobody@127.0.0.1:1/none")})
    stop = asyncio.Event()
    working = asyncio.create_task(work(away, stop=stop))
    await asyncio.sleep(0.2)
    assert not working.done()
    stop.set()
    await asyncio.wait_for(working, 2)


async def test_a_database_that_refuses_ends_the_start_with_a_word(worker_settings: Settings, server: Server) -> None:
    wrong = worker_settings.model_copy(update={"database_url": SecretStr(server.owner_url("no_such_database"))})
    with pytest.raises(DatabaseUnreachable):
        await asyncio.wait_for(work(wrong), 20)
