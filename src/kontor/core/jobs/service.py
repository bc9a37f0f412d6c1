"""What people and administrators can do with jobs. Workers hear of it when the unit is committed."""

from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from kontor.core.clock import now
from kontor.core.database import elevated
from kontor.core.jobs.enqueueing import wake
from kontor.core.jobs.errors import JobAlreadyOpen, JobFinished, JobNotFound, JobNotRepeatable
from kontor.core.jobs.news import seen_state, tell_admins, tell_changed
from kontor.core.jobs.schemas import (
    OPEN,
    REPEATABLE,
    AdminJobRead,
    JobRead,
    JobStats,
    PauseRead,
    PauseSubject,
    PeriodicRead,
    SeenState,
    State,
)
from kontor.core.paging import Cursor, Page
from kontor.core.tenancy import Actor
from kontor.core.trail import AuditTrail, Deed, Subject

# The first wall; the second is the policy of the table.
_MINE = text("""
    SELECT * FROM job
    WHERE owner_id = :owner AND (CAST(:before AS bigint) IS NULL OR number < :before)
      AND (CAST(:states AS text[]) IS NULL OR state = ANY(:states))
    ORDER BY number DESC LIMIT :limit
""")
_ALL = text("""
    SELECT * FROM job
    WHERE (CAST(:before AS bigint) IS NULL OR number < :before)
      AND (CAST(:state AS text) IS NULL OR state = :state)
      AND (CAST(:kind AS text) IS NULL OR kind = :kind)
      AND (CAST(:owner AS uuid) IS NULL OR owner_id = :owner)
    ORDER BY number DESC LIMIT :limit
""")
_LOCK = text("SELECT * FROM job WHERE id = :id FOR UPDATE")
_CANCEL = text("""
    UPDATE job SET state = 'cancelled', finished_at = :now, cancel_requested = true, version = version + 1
    WHERE id = :id RETURNING *
""")
_ASK_TO_END = text("UPDATE job SET cancel_requested = true, version = version + 1 WHERE id = :id RETURNING *")
_RETRY = text("""
    UPDATE job SET state = 'waiting', attempts = 0, run_at = :now, finished_at = NULL, error_code = NULL, error = NULL,
        cancel_requested = false, done = 0, total = NULL, note = NULL, version = version + 1
    WHERE id = :id RETURNING *
""")
_PAUSE = text("""
    INSERT INTO job_pause (owner_id, kind, paused_by, created_at) VALUES (:owner_id, :kind, :by, :now)
    ON CONFLICT DO NOTHING
""")
_RESUME = text("DELETE FROM job_pause WHERE owner_id = :owner_id OR kind = :kind")
_PAUSES = text("SELECT owner_id, kind, created_at FROM job_pause ORDER BY created_at, id LIMIT 1000")
_PERIODIC = text("""
    SELECT s.kind, s.every_seconds, s.next_run_at, s.last_run_at, s.last_job_id, job.state AS last_state
    FROM job_schedule s LEFT JOIN job ON job.id = s.last_job_id ORDER BY s.kind
""")
_STATS = text("""
    SELECT (SELECT count(*) FROM job WHERE state = 'running') AS running,
           (SELECT count(*) FROM job WHERE state IN ('waiting', 'queued')) AS waiting,
           (SELECT min(run_at) FROM job WHERE state IN ('waiting', 'queued') AND run_at <= :now) AS oldest,
           (SELECT count(*) FROM job WHERE state IN ('failed', 'dead')
                AND finished_at > CAST(:now AS timestamptz) - interval '24 hours') AS failed_24h,
           (SELECT count(*) FROM job WHERE state = 'dead') AS dead
""")
_COUNTS = text("""
    SELECT state, (SELECT count(*) FROM job WHERE job.state = known.state) AS number
    FROM unnest(ARRAY['waiting', 'queued', 'running', 'failed', 'dead']) AS known (state)
""")


async def list_mine(
    unit: AsyncSession, actor: Actor, *, state: SeenState | None = None, limit: int, cursor: str | None = None
) -> Page[JobRead]:
    """The newest first."""
    at = Cursor.decode(cursor, "int")
    states = {None: None, "failed": ["failed", "dead"]}.get(state, [state])
    parameters = {"owner": actor.user_id, "before": at[0] if at else None, "states": states, "limit": limit + 1}
    rows = (await unit.execute(_MINE, parameters)).all()
    return Page(items=[for_owner(row) for row in rows[:limit]], next_cursor=following(rows, limit))


async def list_all(
    unit: AsyncSession,
    *,
    state: State | None = None,
    kind: str | None = None,
    owner: UUID | None = None,
    limit: int,
    cursor: str | None = None,
) -> Page[AdminJobRead]:
    """The newest first, in an administrator's unit. Dead ones are the dead-letter list."""
    at = Cursor.decode(cursor, "int")
    parameters = {
        "before": at[0] if at else None, "state": state, "kind": kind, "owner": owner, "limit": limit + 1,
    }  # fmt: skip
    rows = (await unit.execute(_ALL, parameters)).all()
    return Page(items=[for_admin(row) for row in rows[:limit]], next_cursor=following(rows, limit))


async def cancel_mine(unit: AsyncSession, actor: Actor, job_id: UUID) -> JobRead:
    """At once when it does not run yet; otherwise its handler is told and ends as soon as it can."""
    async with elevated(unit, "jobs"):
        row = await lock(unit, job_id, owner=actor.user_id)
        row = await cancel(unit, row)
    await tell_changed(unit, row)
    return for_owner(row)


async def cancel_any(unit: AsyncSession, actor: Actor, trail: AuditTrail, job_id: UUID) -> AdminJobRead:
    async with elevated(unit, "jobs"):
        row = await lock(unit, job_id)
        row = await cancel(unit, row)
    await tell_changed(unit, row)
    await trail.write(unit, actor, Deed("job.cancelled", Subject("job", str(job_id), row.kind)))
    return for_admin(row)


async def retry(unit: AsyncSession, actor: Actor, trail: AuditTrail, job_id: UUID) -> AdminJobRead:
    """Once more from the start, with all its tries."""
    async with elevated(unit, "jobs"):
        row = await lock(unit, job_id)
        if row.state not in REPEATABLE:
            raise JobNotRepeatable(row.state)
        try:
            async with unit.begin_nested():
                row = (await unit.execute(_RETRY, {"id": job_id, "now": now()})).one()
        except IntegrityError as reason:
            raise JobAlreadyOpen from reason
        await wake(unit)
    await tell_changed(unit, row)
    await trail.write(unit, actor, Deed("job.retried", Subject("job", str(job_id), row.kind)))
    return for_admin(row)


async def pause(unit: AsyncSession, actor: Actor, trail: AuditTrail, subject: PauseSubject) -> None:
    """Nothing of it starts from now on. What runs goes on to its end."""
    async with elevated(unit, "jobs"):
        await unit.execute(_PAUSE, {**subject.model_dump(), "by": actor.user_id, "now": now()})
    await tell_admins(unit)
    await trail.write(unit, actor, Deed("jobs.paused", recorded(subject)))


async def resume(unit: AsyncSession, actor: Actor, trail: AuditTrail, subject: PauseSubject) -> None:
    async with elevated(unit, "jobs"):
        await unit.execute(_RESUME, subject.model_dump())
        await wake(unit)
    await tell_admins(unit)
    await trail.write(unit, actor, Deed("jobs.resumed", recorded(subject)))


async def pauses(unit: AsyncSession) -> list[PauseRead]:
    return [PauseRead.model_validate(row) for row in await unit.execute(_PAUSES)]


async def periodic(unit: AsyncSession) -> list[PeriodicRead]:
    return [PeriodicRead.model_validate(row) for row in await unit.execute(_PERIODIC)]


async def stats(unit: AsyncSession) -> JobStats:
    """In an administrator's or the system's unit."""
    at = now()
    row = (await unit.execute(_STATS, {"now": at})).one()
    oldest = 0.0 if row.oldest is None else max(0.0, (at - row.oldest).total_seconds())
    return JobStats(
        running=row.running, waiting=row.waiting, oldest_seconds=oldest, failed_24h=row.failed_24h, dead=row.dead
    )


async def counts(unit: AsyncSession) -> list[tuple[str, int]]:
    """Jobs by state, of those states that say something about the present; for `/metrics`."""
    return [(row.state, row.number) for row in await unit.execute(_COUNTS)]


async def lock(unit: AsyncSession, job_id: UUID, *, owner: UUID | None = None) -> Any:
    """The same answer for a job that is somebody else's and for none."""
    row = (await unit.execute(_LOCK, {"id": job_id})).one_or_none()
    if row is None or (owner is not None and row.owner_id != owner):
        raise JobNotFound
    return row


async def cancel(unit: AsyncSession, row: Any) -> Any:
    if row.state not in OPEN:
        raise JobFinished(seen_state(row.state))
    if row.state == "running":
        row = (await unit.execute(_ASK_TO_END, {"id": row.id})).one()
        await wake(unit, "cancel")
    else:
        # The engine may still hold its ticket, which is worth nothing from now on.
        row = (await unit.execute(_CANCEL, {"id": row.id, "now": now()})).one()
        await wake(unit)
    return row


def recorded(subject: PauseSubject) -> Subject:
    if subject.owner_id is not None:
        return Subject("person", str(subject.owner_id))
    return Subject("job_kind", str(subject.kind))


def for_owner(row: Any) -> JobRead:
    return JobRead.model_validate({**row._mapping, "state": seen_state(row.state), "can_cancel": can_cancel(row)})


def for_admin(row: Any) -> AdminJobRead:
    # An error's words may name somebody's document; the code says to the operator what they need.
    error = row.error if row.owner_id is None else None
    return AdminJobRead.model_validate(
        {**row._mapping, "error": error, "can_cancel": can_cancel(row), "can_retry": row.state in REPEATABLE}
    )


def can_cancel(row: Any) -> bool:
    return row.state in OPEN and not row.cancel_requested


def following(rows: Any, limit: int) -> str | None:
    return Cursor.encode([rows[limit - 1].number]) if len(rows) > limit else None
