"""Applications over a test's own database: in this process for plain requests, on a real socket for the rest."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from kontor.accounts import access_tokens, sessions
from kontor.accounts.callers import Caller
from kontor.accounts.emails import parse_email
from kontor.accounts.sessions import SessionKind
from kontor.accounts.tables import Person
from kontor.core.database import Database
from kontor.core.ids import SessionId, UserId, new_id
from kontor.core.secrets import Secrets
from kontor.core.settings import Settings
from kontor.core.tenancy import Role
from kontor.web.main import Server, make_server
from tests.conftest import Server as PostgresServer
from tests.factories.house import House, opened

# Plain HTTP on this machine. To read everybody's authorities takes longer than most requests, and whoever asks again
# and again whether a process is up would take the core that it starts on.
NO_CERTIFICATES = False


@pytest.fixture
async def house(database: Database, settings: Settings) -> AsyncIterator[House]:
    """Everything that happens in it is undone after the test."""
    async with opened(settings, database) as made:
        yield made


@dataclass(frozen=True, slots=True)
class SignedInPerson:
    id: UserId
    session_id: SessionId
    token: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


class Live:
    """A server on a real socket, in a thread of its own, over a database with real commits."""

    def __init__(self, server: Server, port: int, copy: str, database: Database, secrets: Secrets) -> None:
        self.server = server
        self.port = port
        self.copy = copy  # the name of its database
        self.database = database
        self.secrets = secrets

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def state(self) -> Any:
        return self.server.config.app.state  # type: ignore[union-attr]  # an application, not its name

    def client(self, **options: Any) -> httpx.AsyncClient:
        return httpx.AsyncClient(base_url=self.url, timeout=10, verify=NO_CERTIFICATES, **options)

    async def sign_in(self, role: Role = Role.USER, *, state: str = "active") -> SignedInPerson:
        parsed = parse_email(f"{new_id().hex}@example.org")
        async with self.database.system("people") as unit:
            person = Person(
                id=new_id(), name="Ada", role=role.value, state=state, email=parsed.written, email_key=parsed.key
            )
            unit.add(person)
        async with self.database.system("sign-in") as unit:
            found = await unit.get_one(Person, person.id)
            session = await sessions.open_session(
                unit, found, Caller("127.0.0.1", "test"), kind=SessionKind.API, days=30
            )
        user_id = UserId(person.id)
        token = access_tokens.issue(self.secrets, user_id=user_id, session_id=session.session_id)
        return SignedInPerson(user_id, session.session_id, token)


def live_settings(settings: Settings, server: PostgresServer, copy: str) -> Settings:
    return settings.model_copy(
        update={
            "database_url": SecretStr(server.owner_url(copy)),
            "database_app_url": SecretStr(server.app_url(copy)),
            "kontor_dump": "off",
            "kontor_min_free_bytes": 0,
        }
    )


@contextmanager
def serving(settings: Settings) -> Iterator[tuple[Server, int]]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        server = make_server(settings.model_copy(update={"kontor_port": port}))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        try:
            wait_until(lambda: server.lifecycle.is_serving or server.lifecycle.failure is not None)
            assert server.lifecycle.failure is None, server.lifecycle.failure
            yield server, port
        finally:
            server.should_exit = True
            thread.join(15)


def wait_until(is_true: Callable[[], bool], *, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < deadline, "It did not happen in time."
        time.sleep(0.02)


async def eventually(is_true: Callable[[], bool], *, seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < deadline, "It did not happen in time."
        await asyncio.sleep(0.02)


@asynccontextmanager
async def opened_live(settings: Settings, server: PostgresServer) -> AsyncIterator[Live]:
    copy = server.copy()
    database = Database.connect(server.app_url(copy), pool_size=5)
    wanted = live_settings(settings, server, copy)
    try:
        with serving(wanted) as (web, port):
            yield Live(web, port, copy, database, Secrets.load(wanted))
    finally:
        await database.close()
        server.drop(copy)


@pytest.fixture
async def live(settings: Settings, server: PostgresServer) -> AsyncIterator[Live]:
    async with opened_live(settings, server) as made:
        yield made


class Process:
    """`kontor`'s web process as it is started in earnest, without the supervisor."""

    def __init__(self, settings: Settings, log: Path, **environment: str) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self.log = log
        self.settings = settings
        assert settings.database_url is not None and settings.kontor_master_key is not None
        known = {
            "KONTOR_DATA": str(settings.kontor_data),
            "KONTOR_PORT": str(self.port),
            "KONTOR_KIND": settings.kontor_kind,
            "KONTOR_MASTER_KEY": settings.kontor_master_key.get_secret_value(),
            "KONTOR_MIN_FREE_BYTES": "0",
            "KONTOR_RATE_FACTOR": "0",
            "KONTOR_DUMP": "off",
            "DATABASE_URL": settings.database_url.get_secret_value(),
        }
        if settings.database_app_url is not None:
            known["DATABASE_APP_URL"] = settings.database_app_url.get_secret_value()
        program = (
            "from kontor.core.settings import load_settings; from kontor.web.main import main; main(load_settings())"
        )
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-c", program],
                env={"PATH": os.environ["PATH"], **known, **environment},
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    @classmethod
    def again(cls, former: "Process", **environment: str) -> "Process":
        """Another one over the same data."""
        return cls(former.settings, former.log.with_suffix(".again"), **environment)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def wait_until_ready(self) -> None:
        def is_ready() -> bool:
            assert self.process.poll() is None, self.log.read_text()
            with suppress(httpx.TransportError):
                return httpx.get(f"{self.url}/health/ready", timeout=5, verify=NO_CERTIFICATES).status_code == 200
            return False

        wait_until(is_ready, seconds=40)

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)


@pytest.fixture
def process(settings: Settings, server: PostgresServer, copy: str, tmp_path: Path) -> Iterator[Process]:
    made = Process(live_settings(settings, server, copy), tmp_path / "web.log")
    try:
        yield made
    finally:
        made.stop()
