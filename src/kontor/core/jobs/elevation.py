"""A few statements of a person's unit as the system: writing what no person's own statement may write.

Enqueueing belongs to the transaction that makes the job necessary, and that transaction is a person's.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from kontor.core.tenancy import Scope

_RAISE = text("SELECT current_setting('kontor.scope', true) AS before, set_config('kontor.scope', :scope, true)")
_RESTORE = text("SELECT set_config('kontor.scope', :scope, true)")


@asynccontextmanager
async def elevated(unit: AsyncSession) -> AsyncIterator[None]:
    """Inside stand statements whose every value was checked before, and nothing that a caller passed in to be run."""
    before = (await unit.execute(_RAISE, {"scope": Scope.SYSTEM.value})).one().before or ""
    try:
        yield
    except BaseException:
        # After an error of the database, or without one, the transaction is over and the setting with it.
        with suppress(SQLAlchemyError):
            await unit.execute(_RESTORE, {"scope": before})
        raise
    await unit.execute(_RESTORE, {"scope": before})
