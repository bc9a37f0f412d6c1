"""The one place where a person's unit writes as the system: rows of jobs, which no person's statement may write.

Enqueueing belongs to the transaction that makes the job necessary, and that transaction is a person's.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from kontor.core.tenancy import Scope

_RAISE = text("SELECT current_setting('kontor.scope', true) AS before, set_config('kontor.scope', :scope, true)")
_RESTORE = text("SELECT set_config('kontor.scope', :scope, true)")


@asynccontextmanager
async def elevated(unit: AsyncSession) -> AsyncIterator[None]:
    """Only statements of this package stand inside, never a caller's code."""
    before = (await unit.execute(_RAISE, {"scope": Scope.SYSTEM.value})).one().before or ""
    try:
        yield
    except BaseException:
        # After an error of the database the transaction is over and the setting with it.
        with suppress(DBAPIError):
            await unit.execute(_RESTORE, {"scope": before})
        raise
    await unit.execute(_RESTORE, {"scope": before})
