"""Removing what is kept about one person's jobs."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from kontor.core.database import elevated
from kontor.core.ids import UserId
from kontor.core.jobs.enqueueing import wake

_STATEMENTS = (
    text("DELETE FROM job WHERE owner_id = :owner"),
    text("DELETE FROM job_pause WHERE owner_id = :owner"),
)


async def forget(unit: AsyncSession, owner_id: UserId) -> None:
    """A job that runs loses its lease with its row, and its worker ends it."""
    async with elevated(unit, "jobs"):
        for statement in _STATEMENTS:
            await unit.execute(statement, {"owner": owner_id})
        await wake(unit, "cancel")
