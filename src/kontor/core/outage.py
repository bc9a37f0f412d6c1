"""Telling a database that is away from one that says no."""

import asyncpg
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from kontor.core.errors import Kind, KontorError

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
