"""What runs by the clock. The row of a schedule is locked while its job is put down, so one worker does it."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from kontor.core.clock import now
from kontor.core.jobs.enqueueing import enqueue
from kontor.core.jobs.kinds import Every, Registry

# While the job of the last time is still open, nothing is added: runs that were missed become one.
KEY = "schedule"

_DECLARE = text("""
    INSERT INTO job_schedule (kind, every_seconds, offset_seconds, next_run_at)
    VALUES (:kind, :every, :offset, :next)
    ON CONFLICT (kind) DO UPDATE SET
        every_seconds = excluded.every_seconds, offset_seconds = excluded.offset_seconds,
        next_run_at = excluded.next_run_at
    WHERE (job_schedule.every_seconds, job_schedule.offset_seconds)
        IS DISTINCT FROM (excluded.every_seconds, excluded.offset_seconds)
""")
_DUE = text("""
    SELECT kind FROM job_schedule WHERE kind = ANY(:kinds) AND next_run_at <= :now
    ORDER BY kind FOR UPDATE SKIP LOCKED
""")
_TICKED = text("UPDATE job_schedule SET last_run_at = :now, next_run_at = :next, last_job_id = :job WHERE kind = :kind")
_NEXT = text("SELECT min(next_run_at) FROM job_schedule WHERE kind = ANY(:kinds)")


async def declare(unit: AsyncSession, schedules: Mapping[str, Every]) -> None:
    """A new or changed schedule starts at its next time; what an operator saw as next otherwise stays."""
    for kind in sorted(schedules):
        every = schedules[kind]
        await unit.execute(
            _DECLARE,
            {
                "kind": kind,
                "every": every.seconds,
                "offset": every.offset_seconds,
                "next": every.next_after(now()),
            },
        )


async def tick(unit: AsyncSession, registry: Registry) -> int:
    """Put down the jobs whose time has come; answers how many."""
    at = now()
    due = (await unit.execute(_DUE, {"kinds": list(registry.schedules), "now": at})).scalars().all()
    for name in due:
        kind = registry.entries[name].kind
        job_id = await enqueue(unit, kind, kind.args(), key=KEY)
        following = registry.schedules[name].next_after(at)
        await unit.execute(_TICKED, {"kind": name, "now": at, "next": following, "job": job_id})
    return len(due)


async def next_tick(unit: AsyncSession, registry: Registry) -> datetime | None:
    found: datetime | None = await unit.scalar(_NEXT, {"kinds": list(registry.schedules)})
    return found
