"""Starting, ending, and living through a database that is gone: real processes, real signals."""

import asyncio
import os
import shutil
import signal
import subprocess
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from kontor.accounts.cookies import session_cookie_name
from kontor.core.postgres import EmbeddedPostgres
from kontor.core.settings import Settings
from tests.conftest import scratch
from tests.web.conftest import NO_CERTIFICATES, Live, Process, serving, wait_until
from tests.web.test_streams import Reader


async def stop_under_load(process: Process, number: signal.Signals) -> tuple[Counter[str], int, float]:
    """Clients ask without a pause, on kept connections and on new ones, while the signal arrives."""
    outcomes: Counter[str] = Counter()
    over = asyncio.Event()

    async def ask(*, keeps_connection: bool) -> None:
        limits = httpx.Limits(max_keepalive_connections=1 if keeps_connection else 0)
        async with httpx.AsyncClient(base_url=process.url, timeout=10, limits=limits, verify=NO_CERTIFICATES) as client:
            while not over.is_set():
                try:
                    answer = await client.get("/api/v1/installation")
                    outcomes[str(answer.status_code)] += 1
                except httpx.ConnectError:
                    outcomes["refused"] += 1
                    await asyncio.sleep(0.02)
                except httpx.TransportError as error:
                    outcomes[f"{type(error).__name__}, {'kept' if keeps_connection else 'new'}"] += 1

    async with asyncio.TaskGroup() as tasks:
        for index in range(8):
            tasks.create_task(ask(keeps_connection=index % 2 == 0))
        await asyncio.sleep(1)
        began = time.monotonic()
        process.process.send_signal(number)
        status = await asyncio.to_thread(process.process.wait, 30)
        lasted = time.monotonic() - began
        over.set()
    return outcomes, status, lasted


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_process_that_is_told_to_end_answers_what_it_has_accepted(
    process: Process, number: signal.Signals
) -> None:
    await asyncio.to_thread(process.wait_until_ready)
    outcomes, status, lasted = await stop_under_load(process, number)
    assert status == 0
    assert lasted < 10
    # Whoever goes on using a kept connection may meet its end with a request on the way, by the protocol's nature
    # (RFC 9112, 9.3.1): each of the four at most once, and then they ask again.
    met = sum(outcomes.pop(name) for name in list(outcomes) if name.endswith(", kept"))
    assert met <= 4, outcomes
    assert set(outcomes) <= {"200", "refused"}, outcomes
    assert outcomes["200"] > 20


async def test_behind_a_proxy_it_is_not_ready_before_it_closes_its_door(settings: Settings, process: Process) -> None:
    process.stop()
    behind = Process.again(process, KONTOR_TRUSTED_PROXIES="127.0.0.1/32")
    try:
        await asyncio.to_thread(behind.wait_until_ready)
        async with httpx.AsyncClient(base_url=behind.url, timeout=5) as client:
            behind.process.send_signal(signal.SIGTERM)
            await asyncio.sleep(0.5)
            answer = await client.get("/health/ready")
            assert answer.status_code == 503
            assert "shutting down" in answer.json()["detail"]
            assert answer.headers["connection"] == "close"
            assert (await client.get("/health/live")).status_code == 200
            assert (await client.get("/api/v1/installation")).status_code == 200
        assert await asyncio.to_thread(behind.process.wait, 15) == 0
    finally:
        behind.stop()


async def test_readers_are_told_to_come_back_and_a_long_request_is_finished(live: Live) -> None:
    ada = await live.sign_in()
    async with (
        live.client() as client,
        live.client() as other,
        client.stream("GET", "/api/v1/events", headers=ada.headers) as response,
    ):
        reader = Reader(response)
        chunks = asyncio.create_task(other.get("/health/stream"))
        await asyncio.sleep(0.3)
        live.server.handle_exit(signal.SIGTERM, None)
        assert await reader.until("stream.end") == {"reason": "restart"}
        assert (await chunks).text.count("event: tick") == 5
    await asyncio.to_thread(wait_until, lambda: live.server.should_exit)


def test_a_start_without_a_database_answers_and_then_ends_with_a_plain_word(tmp_path: Path, settings: Settings) -> None:
    gone = settings.model_copy(
        update={
            "database_url": SecretStr("postgresql://nobody:x@127.0.0.1:9/none"),
            "database_app_url": SecretStr("postgresql://nobody:x@127.0.0.1:9/none"),
        }
    )
    process = Process(gone, tmp_path / "log")
    try:
        wait_until(lambda: answers(f"{process.url}/health/live") == 200)
        ready = httpx.get(f"{process.url}/health/ready")
        assert ready.status_code == 503
        assert "starting" in ready.json()["detail"]
        early = httpx.get(f"{process.url}/api/v1/auth/me")
        assert (early.status_code, early.json()["code"], early.headers["retry-after"]) == (503, "http.starting", "1")
        page = httpx.get(f"{process.url}/", headers={"Accept-Language": "de"})
        assert "Kontor startet" in page.text and page.headers["refresh"] == "1"
        process.process.send_signal(signal.SIGTERM)
        assert process.process.wait(10) == 0
        assert "database.waiting" in process.log.read_text()
    finally:
        process.stop()


def answers(url: str) -> int | None:
    with suppress(httpx.TransportError):
        return httpx.get(url, timeout=10, verify=NO_CERTIFICATES).status_code
    return None


def test_a_database_newer_than_the_program_is_refused_in_words(
    tmp_path: Path, settings: Settings, process: Process
) -> None:
    import asyncpg

    process.wait_until_ready()
    process.stop()

    async def age() -> None:
        url = process.settings.database_url
        assert url is not None
        connection = await asyncpg.connect(url.get_secret_value())
        await connection.execute("UPDATE alembic_version SET version_num = '9999'")
        await connection.close()

    asyncio.run(age())
    newer = Process.again(process)
    try:
        assert newer.process.wait(30) == 1
        assert "newer Kontor (schema 9999)" in newer.log.read_text()
    finally:
        newer.stop()


@pytest.fixture
def own_postgres() -> Iterator[EmbeddedPostgres]:
    """A database server of the test's own, to be killed, frozen and brought back."""
    folder = scratch("kontor-outage-")
    made = EmbeddedPostgres(folder, durable=False)
    made.start()
    try:
        yield made
    finally:
        made.stop()
        shutil.rmtree(folder)


@pytest.fixture
async def housed(own_postgres: EmbeddedPostgres, settings: Settings) -> AsyncIterator[str]:
    assert own_postgres.server is not None
    with serving(
        settings.model_copy(
            update={
                "database_url": SecretStr(own_postgres.server.url()),
                "kontor_min_free_bytes": 0,
                "kontor_rate_factor": 0.0,
            }
        )
    ) as (_, port):
        yield f"http://127.0.0.1:{port}"


SESSION_COOKIE = session_cookie_name(Settings(), "http")


class Watch:
    """What clients see, all the time: statuses, and how long the slowest answer took."""

    def __init__(self, url: str) -> None:
        # Nobody's cookie: to know that, the database must be asked.
        self.stranger = {"Cookie": f"{SESSION_COOKIE}=nobody"}
        self.client = httpx.AsyncClient(base_url=url, timeout=30)
        self.seen: list[tuple[float, int, float]] = []
        self._over = asyncio.Event()

    async def ask(self) -> None:
        while not self._over.is_set():
            began = time.monotonic()
            answer = await self.client.get("/api/v1/auth/me", headers=self.stranger)
            self.seen.append((began, answer.status_code, time.monotonic() - began))
            await asyncio.sleep(0.05)

    async def __aenter__(self) -> "Watch":
        self._tasks = [asyncio.create_task(self.ask()) for _ in range(4)]
        await asyncio.sleep(0.3)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._over.set()
        await asyncio.gather(*self._tasks)
        await self.client.aclose()

    async def ready_is(self, status: int, *, within: float) -> None:
        deadline = time.monotonic() + within
        while True:
            answer = await self.client.get("/health/ready", timeout=within)
            if answer.status_code == status:
                return
            assert time.monotonic() < deadline, answer.text
            await asyncio.sleep(0.1)

    async def recovered(self, *, within: float) -> None:
        await self.ready_is(200, within=within)
        deadline = time.monotonic() + within
        while (await self.client.get("/api/v1/auth/me", headers=self.stranger)).status_code != 401:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.1)


def everyone(postgres: EmbeddedPostgres) -> list[int]:
    """The server and its children."""
    assert postgres.process is not None
    parent = postgres.process.pid
    shown = subprocess.run(
        ["/bin/ps", "-o", "pid=", "--ppid", str(parent)], capture_output=True, text=True, check=False
    )
    return [parent, *map(int, shown.stdout.split())]


async def test_a_killed_database_is_told_and_got_over(housed: str, own_postgres: EmbeddedPostgres) -> None:
    async with Watch(housed) as watch:
        assert own_postgres.process is not None
        os.kill(own_postgres.process.pid, signal.SIGKILL)
        await watch.ready_is(503, within=5)
        assert (await watch.client.get("/health/live")).status_code == 200
        await asyncio.sleep(2)
        await asyncio.to_thread(own_postgres.restart)
        await watch.recovered(within=10)
    assert {status for _, status, _ in watch.seen} <= {401, 503}
    assert max(took for _, _, took in watch.seen) < 10


async def test_a_silent_database_is_told_and_got_over(housed: str, own_postgres: EmbeddedPostgres) -> None:
    """Frozen, as behind a network that swallows everything: no error ever comes."""
    async with Watch(housed) as watch:
        frozen = everyone(own_postgres)
        for pid in frozen:
            os.kill(pid, signal.SIGSTOP)
        try:
            await watch.ready_is(503, within=5)
            assert (await watch.client.get("/health/live", timeout=1)).status_code == 200
            answer = await watch.client.get("/api/v1/auth/me", headers=watch.stranger, timeout=15)
            assert (answer.status_code, answer.json()["code"]) == (503, "database.away")
            await asyncio.sleep(3)
        finally:
            for pid in frozen:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)
        await watch.recovered(within=10)
    assert {status for _, status, _ in watch.seen} <= {401, 503}
    assert max(took for _, _, took in watch.seen) < 12


async def test_a_process_ends_in_time_though_its_database_is_silent(
    own_postgres: EmbeddedPostgres, settings: Settings, tmp_path: Path
) -> None:
    assert own_postgres.server is not None
    wanted = settings.model_copy(update={"database_url": SecretStr(own_postgres.server.url())})
    process = Process(wanted, tmp_path / "log")
    frozen: list[int] = []
    try:
        await asyncio.to_thread(process.wait_until_ready)
        async with Watch(process.url):
            frozen = everyone(own_postgres)  # the watch has filled the pool
        for pid in frozen:
            os.kill(pid, signal.SIGSTOP)
        process.process.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(process.process.wait, 30) == 0
    finally:
        for pid in frozen:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
        process.stop()
