"""A database that is away is waited for; one that says no is not asked again."""

import asyncio

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from kontor.core.database import Database
from kontor.core.outage import is_outage
from tests.conftest import Server


class Original(Exception):
    def __init__(self, sqlstate: str | None = None) -> None:
        super().__init__()
        self.sqlstate = sqlstate


def wrapped(original: Exception, *, gone: bool = False, kind: type[DBAPIError] = DBAPIError) -> DBAPIError:
    return kind("SELECT 1", {}, original, connection_invalidated=gone)


def caused(by: Exception) -> Exception:
    made = Original()
    made.__cause__ = by
    return made


@pytest.mark.parametrize(
    "error",
    [
        ConnectionRefusedError(),
        FileNotFoundError("the socket"),
        TimeoutError(),
        PoolTimeout(),
        asyncpg.CannotConnectNowError("starting up"),
        asyncpg.AdminShutdownError("going down"),
        asyncpg.CrashShutdownError("another process crashed"),
        asyncpg.ConnectionDoesNotExistError("closed in the middle of operation"),
        asyncpg.InternalClientError("cannot switch to state 12"),
        asyncpg.InterfaceError("connection is closed"),
        wrapped(Original(), gone=True),
        wrapped(Original("57P01")),
        wrapped(Original("53300")),
        wrapped(Original(), kind=OperationalError),
        wrapped(caused(asyncpg.InternalClientError("cannot switch to state 12"))),
    ],
)
def test_an_absence_is_an_outage(error: Exception) -> None:
    assert is_outage(error)


@pytest.mark.parametrize(
    "error",
    [
        ValueError(),
        asyncpg.UniqueViolationError("taken"),
        asyncpg.DataError("expected a number"),
        asyncpg.InterfaceError("the server expects 2 arguments"),
        wrapped(Original("23505")),
        wrapped(Original("42P01")),
        wrapped(caused(asyncpg.DataError("expected a number"))),
    ],
)
def test_a_refusal_is_none(error: Exception) -> None:
    assert not is_outage(error)


async def test_a_wrong_statement_is_no_outage(database: Database) -> None:
    with pytest.raises(DBAPIError) as caught:
        async with database.system("test") as unit:
            await unit.execute(text("SELECT CAST(:word AS integer)"), {"word": "seven"})
    assert not is_outage(caught.value)


async def test_a_connection_that_was_cut_is_an_outage(committed_database: Database) -> None:
    with pytest.raises(DBAPIError) as caught:
        async with committed_database.system("test") as unit:
            await unit.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
    assert is_outage(caught.value)


async def test_connections_that_broke_unused_are_noticed_by_nobody(server: Server, copy: str) -> None:
    """As after a new start of the database: every connection in the pool is broken, and the next units just work."""
    database = Database.connect(server.app_url(copy), pool_size=5)

    async def backend(held: asyncio.Barrier | None = None) -> int:
        async with database.system("test") as unit:
            if held is not None:
                await held.wait()
            return int(await unit.scalar(text("SELECT pg_backend_pid()")) or 0)

    async def backends() -> set[int]:
        """Of as many units at once as there are connections."""
        held = asyncio.Barrier(5)
        return set(await asyncio.gather(*(backend(held) for _ in range(5))))

    before = await backends()
    server.execute(
        f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{copy}'", as_superuser=True
    )
    after = await backends()
    assert len(before) == len(after) == 5
    assert before.isdisjoint(after)
    assert await backend() in after
    await database.close()
