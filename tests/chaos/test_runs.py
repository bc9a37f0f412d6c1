"""The web process is killed in the middle of two hundred answers. What was said is there, closed, paid once, and can
be gone on with."""

import asyncio
import math
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import aiohttp
import orjson
import pytest
from sqlalchemy import text

from kontor.accounts import access_tokens, sessions
from kontor.accounts.callers import Caller
from kontor.accounts.sessions import SessionKind
from kontor.accounts.tables import Person
from kontor.billing import configuration, wallets
from kontor.billing.configuration import BillingChange
from kontor.core.database import Database
from kontor.core.ids import UserId, new_id
from kontor.core.kernel import Kernel
from kontor.core.secrets import Secrets
from kontor.core.settings import Settings
from kontor.core.tenancy import Actor, Role
from kontor.gateway.estimates import ANSWERS, TOKENS_PER_CHARACTER, Estimates, Lesson, add
from kontor.gateway.runs.events import RunId
from kontor.gateway.runs.service import Runs
from kontor.gateway.runs.wiring import runs_of
from kontor.gateway.service import Gateway
from tests.cli.program import free_port
from tests.conftest import MASTER_KEY, Server
from tests.gateway.runs.replica import price, singly
from tests.wire.llm_server import LlmServer, prose, serving
from tests.wire.openai import OpenAi

pytestmark = pytest.mark.chaos

ROOT = Path(__file__).parents[2]
PEOPLE = 10
STREAMS_EACH = 20
MODEL = "fake-n1500-t100"  # more than two minutes, unless somebody is killed
PURSE = 100_000_000_000

# What a crash may take of what was said, and by how much the answer's way to us may stretch that on a busy machine.
LOST_SECONDS = 0.5
ON_THE_WAY_SECONDS = 0.25


@dataclass
class Reading:
    """One client, and when it had read how much."""

    run_id: UUID | None = None
    pieces: list[tuple[float, str]] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(piece for _, piece in self.pieces)

    def text_before(self, moment: float) -> str:
        return "".join(piece for at, piece in self.pieces if at <= moment)


@dataclass
class Installation:
    owner_url: str
    app_url: str
    folder: Path
    port: int = field(default_factory=free_port)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @asynccontextmanager
    async def web(self) -> AsyncIterator[asyncio.subprocess.Process]:
        environment = {
            **os.environ,
            "KONTOR_DATA": str(self.folder / "data"),
            "KONTOR_KIND": "multi",
            "KONTOR_MASTER_KEY": MASTER_KEY,
            "KONTOR_PORT": str(self.port),
            "KONTOR_RATE_FACTOR": "0",
            "KONTOR_LOG_LEVEL": "error",
            "DATABASE_URL": self.owner_url,
            "DATABASE_APP_URL": self.app_url,
        }
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "kontor.cli.main", "web", cwd=ROOT, env=environment
        )
        try:
            await self.until_ready(process)
            yield process
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()

    async def until_ready(self, process: asyncio.subprocess.Process) -> None:
        async with aiohttp.ClientSession() as client, asyncio.timeout(60):
            while True:
                assert process.returncode is None, "The web process did not start."
                try:
                    async with client.get(f"{self.address}/health/ready") as answer:
                        if answer.status == 200:
                            return
                except aiohttp.ClientError:
                    pass
                await asyncio.sleep(0.1)


@pytest.fixture
async def provider() -> AsyncIterator[LlmServer]:
    async with serving(OpenAi()) as made:
        yield made


@pytest.fixture
def installation(server: Server, copy: str, tmp_path: Path) -> Installation:
    return Installation(server.owner_url(copy), server.app_url(copy), tmp_path)


@pytest.fixture
async def database(installation: Installation) -> AsyncIterator[Database]:
    made = Database.connect(installation.app_url)
    yield made
    await made.close()


async def signed_in(database: Database, secrets: Secrets, role: Role = Role.USER) -> tuple[UserId, str]:
    async with database.system("test") as unit:
        made = Person(id=new_id(), name="Anna Muster", role=role.value, state="active")
        unit.add(made)
        await unit.flush()
        opened = await sessions.open_session(unit, made, Caller("127.0.0.1", "test"), kind=SessionKind.API, days=1)
    user_id = UserId(made.id)
    return user_id, access_tokens.issue(secrets, user_id=user_id, session_id=opened.session_id)


async def read(client: aiohttp.ClientSession, address: str, token: str, reading: Reading) -> None:
    body = {"model": MODEL, "stream": True, "messages": [{"role": "user", "content": f"Number {new_id()}?"}]}
    headers = {"Authorization": f"Bearer {token}"}
    try:
        async with client.post(f"{address}/v1/chat/completions", json=body, headers=headers) as answer:
            assert answer.status == 200, await answer.text()
            reading.run_id = UUID(answer.headers["x-kontor-run-id"])
            async for line in answer.content:
                if line.startswith(b"data: {"):
                    for choice in orjson.loads(line[6:]).get("choices", ()):
                        if piece := choice["delta"].get("content"):
                            reading.pieces.append((time.monotonic(), piece))
    except aiohttp.ClientError:
        pass  # that is what being killed looks like from here


async def teach(database: Database) -> None:
    """What the house would have learned of this model in its days before: how many tokens its answers are."""
    answer = "".join(prose("Number 00000000-0000-0000-0000-000000000000?", 400))
    value = math.log(400 / (len(answer) * TOKENS_PER_CHARACTER))
    async with database.system("test") as unit:
        await add(unit, [Lesson(MODEL, ANSWERS, value)] * 50)


async def rows(database: Database, statement: str) -> list[Any]:
    async with database.system("test") as unit:
        return list((await unit.execute(text(statement))).all())


RUNS = """
    SELECT run.id, run.state, run.settled_as, credit_hold.state AS hold, credit_hold.charged_nano,
           (SELECT count(*) FROM usage_line WHERE run_id = run.id) AS lines,
           (SELECT count(*) FROM ledger_entry WHERE source = 'run' AND source_id = CAST(run.id AS text)) AS entries,
           (SELECT count(*) FROM run_event WHERE run_id = run.id AND kind = 'done') AS dones,
           (SELECT coalesce(string_agg(data->>'text', '' ORDER BY seq), '') FROM run_event
            WHERE run_id = run.id AND kind = 'text') AS text
    FROM run JOIN credit_hold ON credit_hold.run_id = run.id
"""


async def test_two_hundred_answers_survive_the_death_of_the_process(
    installation: Installation, database: Database, provider: LlmServer, tmp_path: Path
) -> None:
    settings = Settings(kontor_data=tmp_path / "data", kontor_kind="multi", kontor_master_key=MASTER_KEY)
    provider.known[MODEL] = MODEL
    readings = [Reading() for _ in range(PEOPLE * STREAMS_EACH)]
    connector = aiohttp.TCPConnector(limit=0, force_close=True)
    async with aiohttp.ClientSession(connector=connector) as client:
        async with installation.web() as web:
            secrets = Secrets.load(settings)
            admin_id, admin = await signed_in(database, secrets, Role.ADMIN)
            people = [await signed_in(database, secrets) for _ in range(PEOPLE)]
            async with database.system("test") as unit:
                await configuration.change(unit, BillingChange(is_on=True, currency="USD"), seen=None)
                for user_id, _ in people:
                    await wallets.top_up(unit, user_id, PURSE, source="test", source_id=str(user_id))
            await price(database, MODEL, by=admin_id)
            await teach(database)
            headers = {"Authorization": f"Bearer {admin}"}
            made = {"kind": "openai", "base_url": provider.url, "key": provider.key, "concurrency": 1000}
            async with client.post(
                f"{installation.address}/api/v1/admin/providers", json=made, headers=headers
            ) as answer:
                assert answer.status == 201, await answer.text()
                provider_id = (await answer.json())["id"]
            model = {"provider_id": provider_id, "name": MODEL}
            async with client.post(
                f"{installation.address}/api/v1/admin/models", json=model, headers=headers
            ) as answer:
                assert answer.status == 201, await answer.text()

            # All at one stroke, and all of them are let in.
            clients = [
                asyncio.create_task(read(client, installation.address, people[number % PEOPLE][1], reading))
                for number, reading in enumerate(readings)
            ]
            async with asyncio.timeout(90):
                while not all(len(reading.pieces) > 20 for reading in readings):
                    for task in clients:
                        if task.done():
                            task.result()
                    await asyncio.sleep(0.05)
            web.kill()
            await web.wait()
            await asyncio.gather(*clients)
        await provider.until(lambda: provider.busy == 0)
        billed_to_the_house = sum(billed.usd_nano for billed in provider.invoice)

        provider.known[MODEL] = "fake-n5"
        async with installation.web():
            restarted = time.monotonic()
            async with asyncio.timeout(60):
                while await rows(database, "SELECT 1 FROM run WHERE finished_at IS NULL LIMIT 1"):  # noqa: ASYNC110
                    await asyncio.sleep(0.2)
            took = time.monotonic() - restarted
            found = {row.id: row for row in await rows(database, RUNS)}
            assert len(found) == PEOPLE * STREAMS_EACH
            lost = []
            for reading in readings:
                assert reading.run_id is not None
                row = found[reading.run_id]
                assert (row.state, row.settled_as, row.hold) == ("interrupted", "delivered", "settled")
                assert (row.lines, row.entries, row.dones) == (1, 1, 1)
                # What the client had read and what is written are beginnings of one and the same answer.
                assert row.text.startswith(reading.text) or reading.text.startswith(row.text)
                last = reading.pieces[-1][0]
                assert row.text.startswith(reading.text_before(last - LOST_SECONDS - ON_THE_WAY_SECONDS))
                lost.append(max((last - at for at, _ in beyond(reading, len(row.text))), default=0.0))
            (held,) = await rows(database, "SELECT sum(held_nano) AS nano, sum(debt_nano) AS debt FROM wallet")
            assert (held.nano, held.debt) == (0, 0)

            # The provider bills what it sent; we charge what was written of it, as well as it can be estimated.
            charged = sum(row.charged_nano for row in found.values())
            assert 0.8 * billed_to_the_house < charged < 1.2 * billed_to_the_house
            (booked,) = await rows(
                database, "SELECT sum(amount_nano) AS nano FROM ledger_posting WHERE account = 'revenue'"
            )
            assert abs(booked.nano) == charged

            # Each of them can be gone on with, and what goes right is paid to the nano.
            provider.invoice.clear()
            owners = {reading.run_id: people[number % PEOPLE][0] for number, reading in enumerate(readings)}
            async with replica(settings, installation.app_url, secrets) as runs:
                door = asyncio.Semaphore(8)

                async def go_on(run_id: RunId, owner: UserId) -> None:
                    async with door, asyncio.timeout(60):
                        following = await runs.continue_(Actor(owner, Role.USER), run_id)
                        async with aclosing(runs.follow(Actor(owner, Role.USER), following)) as events:
                            assert [event.kind async for event in singly(events)][-1] == "done"

                await asyncio.gather(*(go_on(RunId(id_), owner) for id_, owner in owners.items() if id_ is not None))
            continued = [row for row in await rows(database, RUNS) if row.id not in found]
            assert len(continued) == len(found)
            assert {row.state for row in continued} == {"done"}
            assert sum(row.charged_nano for row in continued) == sum(billed.usd_nano for billed in provider.invoice)
    figure = f"{max(lost):.2f} s of text at most were lost, {sum(lost) / len(lost):.2f} s on average"
    print(f"{figure}; all were closed {took:.1f} s after the restart.")  # noqa: T201 - figures for the report


def beyond(reading: Reading, written: int) -> list[tuple[float, str]]:
    """The pieces that the client had read and that nobody wrote down."""
    found, place = [], 0
    for at, piece in reading.pieces:
        place += len(piece)
        if place > written:
            found.append((at, piece))
    return found


@asynccontextmanager
async def replica(settings: Settings, url: str, secrets: Secrets) -> AsyncIterator[Runs]:
    """The runs of one more process, beside the web process."""
    database = Database.connect(url)
    kernel = Kernel(settings, database, secrets)
    runs = runs_of(kernel, Gateway.of(kernel), Estimates(database))
    try:
        async with kernel.listener.running(), runs.running():
            yield runs
    finally:
        await kernel.close()
        await database.close()
