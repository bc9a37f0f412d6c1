"""A database that is away is waited for; one that says no is not asked again."""

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from kontor.core.database import Database
from kontor.core.outage import is_outage


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
