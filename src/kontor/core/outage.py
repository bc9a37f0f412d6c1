"""Telling a database that is away from one that says no."""

import asyncpg
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

# 08: connection; 57P: shutting down or starting; 53: out of resources; 25006: read-only standby
STATES = ("08", "57P", "53", "25006")


def is_outage(error: BaseException) -> bool:
    """Whether trying again later, with another connection, can help."""
    if isinstance(error, PoolTimeout | OSError | asyncpg.InterfaceError):
        return True
    if isinstance(error, asyncpg.PostgresError):
        return str(error.sqlstate or "").startswith(STATES)
    if isinstance(error, DBAPIError):
        state = str(getattr(error.orig, "sqlstate", "") or "")
        return (
            error.connection_invalidated
            or isinstance(error, InterfaceError)
            or state.startswith(STATES)
            or (isinstance(error, OperationalError) and not state)
        )
    return False
