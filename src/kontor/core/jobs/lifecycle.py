"""The steps of a job that a worker takes, each one transaction with what belongs to it in the engine."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Literal
from uuid import UUID, uuid4

from pgqueuer.domain.models import Job as EngineJob
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from kontor.core.clock import now
from kontor.core.errors import Kind as ErrorKind
from kontor.core.errors import KontorError
from kontor.core.ids import JobId, UserId
from kontor.core.jobs.admission import Caps, admit, lock_lane
from kontor.core.jobs.engine import Ticket, engine_in
from kontor.core.jobs.news import tell_changed
from kontor.core.jobs.running import Progress

Ending = Literal["done", "failed", "dead", "cancelled"]

MESSAGE_LIMIT = 500


class WorkerLost(KontorError):
    """Stored with a job that took its worker with it too often."""

    kind, code = ErrorKind.INTERNAL, "jobs.worker_lost"

    def __init__(self) -> None:
        super().__init__("The process that ran this job ended each time before the job did.")


class HandlerFailed(KontorError):
    """Stored in place of an error that is not one of ours, whose own words might repeat what somebody wrote."""

    kind, code = ErrorKind.INTERNAL, "jobs.handler_failed"

    def __init__(self) -> None:
        super().__init__("Kontor made a mistake while it did this. The log has the details under the job's id.")


@dataclass(frozen=True, slots=True)
class Taken:
    """A job that this worker runs, as long as the row says the same lease."""

    id: JobId
    lease: UUID
    lane: str
    kind: str
    owner_id: UserId | None
    args: dict[str, Any]
    key: str | None
    attempt: int
    max_attempts: int
    engine_job: EngineJob = field(repr=False)


_LANE = text("SELECT lane FROM job WHERE id = :id AND ticket = :ticket AND state IN ('queued', 'running')")
_TAKE = text("""
    UPDATE job SET state = 'running', lease = :lease, attempts = attempts + 1, started_at = :now,
        heartbeat_at = clock_timestamp(), done = 0, total = NULL, note = NULL, version = version + 1
    WHERE id = :id AND ticket = :ticket AND state IN ('queued', 'running')
      AND attempts < max_attempts AND NOT cancel_requested
      AND NOT EXISTS (SELECT 1 FROM job_pause p WHERE p.kind = job.kind OR p.owner_id = job.owner_id)
    RETURNING *
""")
_REFUSE = text("""
    UPDATE job SET
        state = CASE WHEN cancel_requested THEN 'cancelled'
                     WHEN attempts >= max_attempts THEN 'dead'
                     ELSE 'waiting' END,
        finished_at = CASE WHEN cancel_requested OR attempts >= max_attempts THEN CAST(:now AS timestamptz) END,
        error_code = CASE WHEN NOT cancel_requested AND attempts >= max_attempts THEN :code ELSE error_code END,
        error = CASE WHEN NOT cancel_requested AND attempts >= max_attempts THEN :error ELSE error END,
        lease = NULL, version = version + 1
    WHERE id = :id AND ticket = :ticket AND state IN ('queued', 'running')
    RETURNING *
""")
_END = text("""
    UPDATE job SET state = :state, lease = NULL, finished_at = :now, error_code = :code, error = :error,
        done = coalesce(:done, done), total = coalesce(:total, total), note = coalesce(:note, note),
        version = version + 1
    WHERE id = :id AND lease = :lease
    RETURNING *
""")
_AGAIN = text("""
    UPDATE job SET state = 'waiting', lease = NULL, run_at = :run_at, attempts = attempts - :uncounted,
        error_code = coalesce(:code, error_code), error = coalesce(:error, error), version = version + 1
    WHERE id = :id AND lease = :lease
    RETURNING *
""")
_PROGRESS = text("""
    UPDATE job SET done = :done, total = coalesce(:total, total), note = coalesce(:note, note), version = version + 1
    WHERE id = :id AND lease = :lease
    RETURNING *
""")
_BEAT = text("""
    UPDATE job SET heartbeat_at = clock_timestamp()
    FROM unnest(CAST(:ids AS uuid[]), CAST(:leases AS uuid[])) AS held (id, lease)
    WHERE job.id = held.id AND job.lease = held.lease
    RETURNING job.id, job.cancel_requested
""")


async def take(unit: AsyncSession, engine_job: EngineJob, caps: Caps) -> Taken | None:
    """Make it ours, also from a worker that is gone. None: there is nothing to do under this ticket (any more)."""
    ticket = Ticket.parse(engine_job.payload or b"")
    named = {"id": ticket.job_id, "ticket": ticket.number}
    row = (await unit.execute(_TAKE, {**named, "lease": uuid4(), "now": now()})).one_or_none()
    if row is None:
        await _leave(unit, engine_job, named, caps)
        return None
    await tell_changed(unit, row)
    return Taken(
        JobId(row.id), row.lease, row.lane, row.kind, row.owner_id, row.args, row.key, row.attempts, row.max_attempts,
        engine_job,
    )  # fmt: skip


async def _leave(unit: AsyncSession, engine_job: EngineJob, named: dict[str, Any], caps: Caps) -> None:
    """Cancelled while it queued, paused, out of tries, or an old ticket: the engine forgets it."""
    lane = await unit.scalar(_LANE, named)
    if lane is not None:
        await lock_lane(unit, lane)
        lost = WorkerLost()
        row = (
            await unit.execute(_REFUSE, {**named, "now": now(), "code": lost.code, "error": lost.message})
        ).one_or_none()
        if row is not None:
            await tell_changed(unit, row)
            await admit(unit, [lane], caps)
    await forget(unit, engine_job)


async def end(
    unit: AsyncSession,
    taken: Taken,
    caps: Caps,
    *,
    state: Ending,
    progress: Progress | None = None,
    error: KontorError | None = None,
) -> bool:
    """The last word about a job, and the next one of its lane. False: it is no longer ours to speak about."""
    await lock_lane(unit, taken.lane)
    row = (
        await unit.execute(
            _END,
            {
                "id": taken.id,
                "lease": taken.lease,
                "state": state,
                "now": now(),
                "code": error.code if error else None,
                "error": error.message[:MESSAGE_LIMIT] if error else None,
                "done": progress.done if progress else None,
                "total": progress.total if progress else None,
                "note": progress.note if progress else None,
            },
        )
    ).one_or_none()
    return await _settle(unit, taken, row, caps)


async def again(
    unit: AsyncSession,
    taken: Taken,
    caps: Caps,
    *,
    pause: timedelta = timedelta(),
    counted: bool = True,
    error: KontorError | None = None,
) -> bool:
    """Back among those that wait: after an error, or handed back by a worker that stops (which is nobody's fault)."""
    await lock_lane(unit, taken.lane)
    row = (
        await unit.execute(
            _AGAIN,
            {
                "id": taken.id,
                "lease": taken.lease,
                "run_at": now() + pause,
                "uncounted": 0 if counted else 1,
                "code": error.code if error else None,
                "error": error.message[:MESSAGE_LIMIT] if error else None,
            },
        )
    ).one_or_none()
    return await _settle(unit, taken, row, caps)


async def _settle(unit: AsyncSession, taken: Taken, row: Any, caps: Caps) -> bool:
    if row is None:
        return False
    await forget(unit, taken.engine_job)
    await admit(unit, [taken.lane], caps)
    await tell_changed(unit, row)
    return True


async def forget(unit: AsyncSession, engine_job: EngineJob) -> None:
    engine = await engine_in(unit)
    await engine.log_jobs([(engine_job, "successful", None)])


async def report(unit: AsyncSession, taken: Taken, progress: Progress) -> None:
    row = (
        await unit.execute(
            _PROGRESS,
            {
                "id": taken.id,
                "lease": taken.lease,
                "done": progress.done,
                "total": progress.total,
                "note": progress.note,
            },
        )
    ).one_or_none()
    if row is not None:
        await tell_changed(unit, row)


async def beat(unit: AsyncSession, held: list[Taken]) -> dict[JobId, bool]:
    """Still alive. Answers which of them are still ours, and whether somebody wants them cancelled."""
    rows = await unit.execute(_BEAT, {"ids": [each.id for each in held], "leases": [each.lease for each in held]})
    return {JobId(row.id): row.cancel_requested for row in rows}
