"""Telling a database that is away from one that says no, and not waiting for it longer than anybody would."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import asyncpg
import structlog
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from kontor.core.errors import Kind, KontorError

log = structlog.get_logger(__name__)

T = TypeVar("T")

# A place in the pool, a living connection and an answer on it: whoever waits longer is told to come back.
ANSWER_SECONDS = 5.0

# 08: connection; 57P: shutting down or starting; 53: out of resources; 25006: read-only standby
STATES = ("08", "57P", "53", "25006")


class DatabaseAway(KontorError):
    kind, code = Kind.UNAVAILABLE, "database.away"

    def __init__(self) -> None:
        super().__init__("The database does not answer right now. Nothing was changed; try again.", retry_after=2)


def is_outage(error: BaseException) -> bool:
    """Whether trying again later, with another connection, can help."""
    if isinstance(error, PoolTimeout | OSError | DatabaseAway):
        return True
    if isinstance(error, DBAPIError):
        if error.connection_invalidated:
            return True
        state = str(getattr(error.orig, "sqlstate", "") or "")
        return (
            state.startswith(STATES)
            or is_broken_connection(error.orig.__cause__ if error.orig else None)
            or (isinstance(error, OperationalError) and not state)
        )
    if isinstance(error, asyncpg.PostgresError):
        return str(error.sqlstate or "").startswith(STATES)
    return is_broken_connection(error)


def is_broken_connection(error: BaseException | None) -> bool:
    """What asyncpg says when a connection broke in the middle of something.

    Its InterfaceError alone says nothing: a wrong argument is one as well.
    """
    if isinstance(error, asyncpg.InternalClientError):
        return True
    return isinstance(error, asyncpg.InterfaceError) and "closed" in str(error)


async def begun_in_time(begin: Callable[[], Awaitable[T]], renew: Callable[[], Awaitable[None]]) -> T:
    """The first message also finds out whether there is a database: one that is silent is not waited for.

    And it finds connections that broke while nobody used them, as all do when the database is started anew. Nothing has
    been done on them yet, so the same is said once more on a new one. That is all that asking each connection whether
    it still lives would find, and that costs three round trips before every transaction.
    """
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            try:
                return await begin()
            except Exception as reason:
                if not is_outage(reason):
                    raise
                await renew()
                return await begin()
    except Exception as reason:
        if not is_outage(reason):
            raise
        log.warning("database.away", reason=type(reason).__name__)
        raise DatabaseAway from reason
