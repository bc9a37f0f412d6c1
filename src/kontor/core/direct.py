"""A unit of the system's on a connection of its own, by the driver alone.

For the few writers that write all the time: what a session and a pool do for a unit costs five times as much of our
time as to begin, say who we are and commit. The rules are the same: one unit is one transaction, its first message
says who is asking, and what it publishes is written when it commits.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import asyncpg

from kontor.core.database import BY_KEY, CLOSE_SECONDS, COMMAND_SECONDS, CONNECT_SECONDS, Database
from kontor.core.events.publishing import write_pending
from kontor.core.outage import ANSWER_SECONDS, begun_in_time
from kontor.core.tenancy import Scope, SystemPurpose
from kontor.core.units import Connection, DirectUnit

# One message.
BEGIN = f"""
    BEGIN;
    SELECT set_config('kontor.user_id', '', true), set_config('kontor.scope', '{Scope.SYSTEM.value}', true), {BY_KEY}
"""


class OwnConnection:
    """Opened when it is first needed and anew after it broke. One unit at a time: its writer sees to that."""

    def __init__(self, database: Database, purpose: SystemPurpose) -> None:
        self._database = database
        self._purpose = purpose
        self._connection: Connection | None = None

    @asynccontextmanager
    async def unit(self) -> AsyncIterator[DirectUnit]:
        """One transaction; committed when the block ends, rolled back when it raises."""
        connection = await self._begun()
        try:
            unit = DirectUnit(connection)
            yield unit
            await write_pending(unit)
            if await connection.execute("COMMIT") != "COMMIT":
                raise RuntimeError("A statement of this unit failed, and nobody said so.")
        except BaseException:
            await self._roll_back(connection)
            raise

    async def _begun(self) -> Connection:
        try:
            return await begun_in_time(self._begin, self._renew)
        except BaseException:
            # It may have begun all the same.
            self._drop()
            raise

    async def _renew(self) -> None:
        self._drop()

    async def _begin(self) -> Connection:
        connection = self._connection
        if connection is None or connection.is_closed():
            connection = self._connection = await asyncpg.connect(
                self._database.url,
                timeout=CONNECT_SECONDS,
                command_timeout=COMMAND_SECONDS,
                server_settings={"application_name": f"kontor-{self._purpose}"},
            )
        await connection.execute(BEGIN)
        return connection

    async def _roll_back(self, connection: Connection) -> None:
        try:
            with suppress(Exception):
                async with asyncio.timeout(ANSWER_SECONDS):
                    await connection.execute("ROLLBACK")
        finally:
            if connection.is_closed() or connection.is_in_transaction():
                self._drop()

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None

    async def close(self) -> None:
        if self._connection is not None:
            with suppress(Exception):
                await self._connection.close(timeout=CLOSE_SECONDS)
            self._drop()
