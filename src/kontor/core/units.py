"""What a unit of work is to those who write in it: a session, or a connection of the driver's own."""

from typing import Any, TypeAlias, cast

import asyncpg
from sqlalchemy.ext.asyncio import AsyncSession

Record = asyncpg.Record
Connection: TypeAlias = "asyncpg.Connection[Record]"


class DirectUnit:
    """One transaction of the system's, by the driver alone (`core.direct`)."""

    __slots__ = ("connection", "info")

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.info: dict[Any, Any] = {}


Unit = AsyncSession | DirectUnit


def driver_of(unit: Unit) -> Connection:
    if isinstance(unit, DirectUnit):
        return unit.connection
    # The unit has said who it is by now, so its connection is at hand.
    pooled = unit.sync_session.connection().connection
    return cast("asyncpg.Connection[Record]", pooled.driver_connection)
