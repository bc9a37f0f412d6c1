"""Real PostgreSQL, built by the migrations. A test is rolled back, or has a copy where real commits matter."""

import asyncio
import base64
import gc
import hashlib
import ipaddress
import itertools
import os
import shutil
import socket
import tempfile
from collections.abc import AsyncIterator, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from hypothesis import settings as property_settings
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, async_sessionmaker, create_async_engine
from sqlalchemy.pool import NullPool

from kontor.core import schema
from kontor.core.clock import clock
from kontor.core.database import Database, async_url, make_engine
from kontor.core.observability import configure_logging
from kontor.core.postgres import SUPERUSER, EmbeddedPostgres, PostgresServer
from kontor.core.settings import Settings

APP_ROLE = "kontor_app"
MASTER_KEY = base64.b64encode(hashlib.sha256(b"the key of every test").digest()).decode()

_copies = itertools.count()

# How long an example takes says something of the machine, nothing of us.
property_settings.register_profile("patient", deadline=None)
property_settings.load_profile("patient")


def pytest_collection() -> None:
    gc.disable()


def pytest_collection_finish() -> None:
    """Looking for garbage among what has been loaded, as often as Python does by itself, is a seventh of all time."""
    gc.enable()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def scratch(prefix: str) -> Path:
    """A folder in memory where there is enough of it, otherwise on disk."""
    memory = Path("/dev/shm")
    roomy = memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > 1 << 30
    return Path(tempfile.mkdtemp(prefix=prefix, dir=memory if roomy else None))


class Server:
    """The test server, and how its databases are reached as owner and as the application."""

    def __init__(self, postgres: PostgresServer) -> None:
        self._postgres = postgres

    def owner_url(self, database: str) -> str:
        return self._postgres.url(database)

    def app_url(self, database: str) -> str:
        return self._postgres.url(database, user=APP_ROLE)

    def superuser_url(self, database: str) -> str:
        return self._postgres.url(database, user=SUPERUSER)

    @property
    def app_password(self) -> str:
        return self._postgres.password(APP_ROLE)

    def execute(self, statement: str, *, as_superuser: bool = False) -> None:
        async def run() -> None:
            url = self.superuser_url("postgres") if as_superuser else self.owner_url("postgres")
            connection = await asyncpg.connect(url)
            try:
                await connection.execute(statement)
            finally:
                await connection.close()

        apart(run())

    def copy(self) -> str:
        name = f"copy_{next(_copies)}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE kontor_template STRATEGY file_copy")
        return name

    def drop(self, name: str) -> None:
        # The server itself may be tidying up in there, and only its superuser sends that away.
        self.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)", as_superuser=True)


def apart(work: Coroutine[object, object, object]) -> None:
    """Run in a loop and thread of its own: session fixtures need this while the tests' loop is running."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, work).result()


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    folder = scratch("kontor-pg-")
    try:
        with EmbeddedPostgres(folder, durable=False).running() as postgres:
            made = Server(postgres)
            made.execute("CREATE DATABASE kontor_template")
            apart(schema.migrate(made.owner_url("kontor_template"), app_role=APP_ROLE, app_password=made.app_password))
            yield made
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
async def engine(server: Server) -> AsyncIterator[AsyncEngine]:
    made = make_engine(server.app_url(server.copy()), pool_size=4)
    yield made
    await made.dispose()


@pytest.fixture
async def connection(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    async with engine.connect() as made:
        outer = await made.begin()
        yield made
        await outer.rollback()


@pytest.fixture
def database(connection: AsyncConnection) -> Database:
    """As the application's role. What a test commits here is undone after it; units of one test share a connection."""
    return database_on(connection)


def database_on(connection: AsyncConnection) -> Database:
    return Database(
        async_sessionmaker(connection, join_transaction_mode="create_savepoint", expire_on_commit=False),
    )


@pytest.fixture
def copy(server: Server) -> Iterator[str]:
    """The name of a database of the test's own, for real commits, locks and listeners."""
    name = server.copy()
    yield name
    server.drop(name)


@pytest.fixture
async def committed_database(server: Server, copy: str) -> AsyncIterator[Database]:
    made = Database.connect(server.app_url(copy), pool_size=10)
    yield made
    await made.close()


@pytest.fixture
async def owner_connection(server: Server, copy: str) -> AsyncIterator[AsyncConnection]:
    """The owner's view of the test's own copy, for questions to the catalogue."""
    owner = create_async_engine(async_url(server.owner_url(copy)), poolclass=NullPool)
    async with owner.connect() as made:
        yield made
    await owner.dispose()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return make_settings(tmp_path / "data")


def make_settings(data: Path) -> Settings:
    return house_settings().model_copy(update={"kontor_data": data})


@cache
def house_settings() -> Settings:
    """Read once: looking through the environment for each field takes longer than many a test."""
    return Settings(kontor_kind="multi", kontor_master_key=MASTER_KEY)


@pytest.fixture(scope="session", autouse=True)
def our_logs(tmp_path_factory: pytest.TempPathFactory) -> None:
    """As in earnest. What structlog does by itself draws pictures of every local variable, for seconds."""
    configure_logging(Settings(kontor_data=tmp_path_factory.mktemp("logs"), kontor_log_level="error"))


@pytest.fixture(scope="session", autouse=True)
def closed_network() -> Iterator[None]:
    """Nothing that a test starts in this process reaches beyond this machine; a try fails at once and says where to."""
    connect = socket.socket.connect

    def guarded(made: socket.socket, address: Any) -> None:
        if made.family in {socket.AF_INET, socket.AF_INET6} and not is_here(address[0]):
            raise PermissionError(f"A test tried to reach {address!r}.")
        connect(made, address)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", guarded)
        yield


def is_here(host: str) -> bool:
    return host == "localhost" or ipaddress.ip_address(host.partition("%")[0]).is_loopback


@pytest.fixture(autouse=True)
def real_time() -> Iterator[None]:
    yield
    clock.reset()
