"""The engine underneath, pgqueuer: its tables as the migration made them, and a connection for it that comes back."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple, Self, TypeVar
from uuid import UUID

import asyncpg
import structlog
from pgqueuer.adapters.drivers.asyncpg import AsyncpgDriver
from pgqueuer.adapters.persistence.qb import QueryBuilderEnvironment, QueryQueueBuilder, QuerySchedulerBuilder
from pgqueuer.adapters.persistence.queries import Queries
from pgqueuer.core.tm import TaskManager
from pgqueuer.domain.settings import DBSettings, Durability
from pgqueuer.domain.types import Channel
from pgqueuer.ports.driver import Driver, NotifyCallback
from sqlalchemy.ext.asyncio import AsyncSession

from kontor.core.database import plain_url
from kontor.core.ids import JobId
from kontor.core.outage import is_outage

log = structlog.get_logger(__name__)

T = TypeVar("T")

# Every name is said here: left out, the library would look for it in the environment.
TABLES = DBSettings(
    prefix="",
    db_schema=None,
    channel=Channel("ch_pgqueuer"),
    function="fn_pgqueuer_changed",
    statistics_table="pgqueuer_statistics",
    queue_status_type="pgqueuer_status",
    queue_table="pgqueuer",
    queue_table_log="pgqueuer_log",
    trigger="tg_pgqueuer_changed",
    schedules_table="pgqueuer_schedules",
    durability=Durability.balanced,
    widen_id=True,
)

FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 2.0
ANSWER_SECONDS = 20.0


class Ticket(NamedTuple):
    """What the engine carries: which job, and the how-manieth admission of it. An older ticket is worth nothing."""

    job_id: JobId
    number: int

    def __str__(self) -> str:
        return f"{self.job_id}:{self.number}"

    @classmethod
    def parse(cls, raw: bytes) -> "Ticket":
        job_id, _, number = raw.decode().partition(":")
        return cls(JobId(UUID(job_id)), int(number))


def queries_over(driver: Driver) -> Queries:
    return Queries(
        driver,
        qbe=QueryBuilderEnvironment(TABLES),
        qbq=QueryQueueBuilder(TABLES),
        qbs=QuerySchedulerBuilder(TABLES),
    )


async def engine_in(unit: AsyncSession) -> Queries:
    """The engine on this unit's own connection, inside its transaction.

    The transaction has begun: the first statement of every unit says who is asking. Without one, SQLAlchemy would not
    have begun anything yet, and what the engine writes would be committed at once.
    """
    connection = await unit.connection()
    raw = await connection.get_raw_connection()
    driver = raw.driver_connection
    if not isinstance(driver, asyncpg.Connection) or not driver.is_in_transaction():
        raise RuntimeError("The engine must be used inside the transaction of a unit.")
    return queries_over(AsyncpgDriver(driver))


class EngineClosed(Exception):
    """The worker is stopping and does not wait for a database that is away."""


class SteadyDriver(Driver):
    """One connection for the engine's loop. While the database is away its calls wait, and then go through.

    All that the loop asks may be asked twice: a job that was picked by a lost answer is picked again when its
    heartbeat is missed.
    """

    def __init__(self, url: str) -> None:
        self._url = plain_url(url)
        self._connection: asyncpg.Connection[Any] | None = None
        self._listeners: list[tuple[str, NotifyCallback]] = []
        self._lock = asyncio.Lock()
        self._shutdown = asyncio.Event()
        self._tasks = TaskManager()

    async def fetch(self, query: str, *args: object) -> list[dict[str, object]]:
        async def call(connection: "asyncpg.Connection[Any]") -> list[dict[str, object]]:
            return [dict(row) for row in await connection.fetch(query, *args)]

        return await self._through(call)

    async def execute(self, query: str, *args: object) -> str:
        async def call(connection: "asyncpg.Connection[Any]") -> str:
            return str(await connection.execute(query, *args))

        return await self._through(call)

    async def notify(self, channel: str, payload: str) -> None:
        await self.execute("SELECT pg_notify($1, $2)", channel, payload)

    async def add_listener(self, channel: str, callback: NotifyCallback) -> None:
        self._listeners.append((channel, callback))

        async def call(connection: "asyncpg.Connection[Any]") -> None:
            await self._listen(connection, channel, callback)

        await self._through(call)

    @property
    def shutdown(self) -> asyncio.Event:
        return self._shutdown

    @property
    def tm(self) -> TaskManager:
        return self._tasks

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        """The connection outlives the engine's loop: what it has buffered is written after this."""

    async def close(self) -> None:
        self._shutdown.set()
        if self._connection is not None:
            self._connection.terminate()

    async def _through(self, call: "Callable[[asyncpg.Connection[Any]], Awaitable[T]]") -> T:
        async with self._lock:
            pause = FIRST_PAUSE_SECONDS
            while True:
                connection = await self._connected()
                try:
                    return await call(connection)
                except Exception as reason:
                    if not (is_outage(reason) or connection.is_closed()):
                        raise
                    log.warning("jobs.engine_lost_database", reason=type(reason).__name__)
                    connection.terminate()
                    self._connection = None
                await asyncio.sleep(pause * random.uniform(0.8, 1.2))  # noqa: S311 - not a secret
                pause = min(pause * 2, LONGEST_PAUSE_SECONDS)

    async def _connected(self) -> "asyncpg.Connection[Any]":
        pause = FIRST_PAUSE_SECONDS
        while self._connection is None or self._connection.is_closed():
            if self._shutdown.is_set():
                raise EngineClosed
            try:
                made = await asyncpg.connect(
                    self._url,
                    timeout=ANSWER_SECONDS,
                    command_timeout=ANSWER_SECONDS,
                    # What is lost with the last moment before a crash (a pick, a heartbeat) is simply done again.
                    server_settings={"application_name": "kontor-engine", "synchronous_commit": "off"},
                )
                for channel, callback in self._listeners:
                    await self._listen(made, channel, callback)
                self._connection = made
            except Exception as reason:
                if not is_outage(reason):
                    raise
                await asyncio.sleep(pause * random.uniform(0.8, 1.2))  # noqa: S311 - not a secret
                pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
        return self._connection

    @staticmethod
    async def _listen(connection: "asyncpg.Connection[Any]", channel: str, callback: NotifyCallback) -> None:
        await connection.add_listener(channel, lambda _connection, _pid, _channel, payload: callback(str(payload)))
