"""How long events can be replayed, and removing those of one person."""

from datetime import timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from kontor.core.clock import now
from kontor.core.database import Database
from kontor.core.ids import UserId

KEPT = timedelta(days=7)
BATCH = 5000

# The horizon moves in the same statement, so no reader finds a gap that it does not explain.
_SWEEP = text("""
    WITH swept AS (
        DELETE FROM event WHERE id IN (
            SELECT id FROM event WHERE created_at < :before ORDER BY created_at LIMIT :batch
        ) RETURNING id, topic, owner_id
    ), moved AS (
        INSERT INTO event_horizon (topic, owner_id, id)
        SELECT topic, (array_agg(owner_id))[1], max(id) FROM swept GROUP BY topic
        ON CONFLICT (topic) DO UPDATE SET id = greatest(event_horizon.id, excluded.id)
    )
    SELECT count(*) FROM swept
""")
_FORGET = (
    text("DELETE FROM event WHERE owner_id = :owner"),
    text("DELETE FROM event_horizon WHERE owner_id = :owner"),
)


async def sweep(database: Database, *, kept: timedelta = KEPT) -> int:
    """In short transactions, oldest first; answers how many went."""
    swept = 0
    while True:
        async with database.system("events") as unit:
            number: int = await unit.scalar(_SWEEP, {"before": now() - kept, "batch": BATCH}) or 0
        swept += number
        if number < BATCH:
            return swept


async def forget(unit: AsyncSession, owner_id: UserId) -> None:
    """In a unit of the system. What this unit itself still tells the person comes after it and is swept in time."""
    for statement in _FORGET:
        await unit.execute(statement, {"owner": owner_id})
