"""Setting right what should not happen, and removing what is long over. Runs beside the jobs and is none itself."""

from datetime import timedelta

import structlog
from sqlalchemy import text

from kontor.core.clock import now
from kontor.core.database import Database
from kontor.core.jobs.news import note_moved

log = structlog.get_logger(__name__)

LOST_SECONDS = 30
BATCH = 2000
FINISHED_KEPT = timedelta(days=14)
FAILED_KEPT = timedelta(days=90)
ENGINE_LOG_KEPT = timedelta(days=1)

# The engine picks up by itself whatever a dead worker held. Here: jobs inside of which the engine knows nothing, as
# after somebody emptied its tables. Their row is locked by whoever works on it at this moment, and then skipped.
_STRANDED = text("""
    UPDATE job SET state = 'waiting', lease = NULL, version = version + 1
    WHERE id IN (
        SELECT id FROM job
        WHERE state IN ('queued', 'running')
          AND heartbeat_at < clock_timestamp() - make_interval(secs => :seconds)
          AND NOT EXISTS (
            SELECT 1 FROM pgqueuer WHERE dedupe_key = job.id || ':' || job.ticket AND status IN ('queued', 'picked')
          )
        LIMIT :batch FOR UPDATE SKIP LOCKED
    )
    RETURNING id, kind, state, done, total
""")
_OLD = text("""
    DELETE FROM job WHERE id IN (
        SELECT id FROM job
        WHERE finished_at < :finished_before
          AND (state IN ('done', 'cancelled') OR finished_at < :failed_before)
        ORDER BY finished_at LIMIT :batch
    )
""")
_ENGINE_LOG = text("DELETE FROM pgqueuer_log WHERE created < :before")


async def rescue_stranded(database: Database, *, seconds: float = LOST_SECONDS) -> int:
    async with database.system("jobs") as unit:
        rows = (await unit.execute(_STRANDED, {"seconds": seconds, "batch": BATCH})).all()
        for row in rows:
            note_moved(unit, row)
    if rows:
        log.warning("jobs.rescued", count=len(rows), ids=[str(row.id) for row in rows[:20]])
    return len(rows)


async def sweep(database: Database) -> int:
    """Old jobs in short transactions, and the engine's log, which nobody reads but its maintainers."""
    swept, at = 0, now()
    bounds = {"finished_before": at - FINISHED_KEPT, "failed_before": at - FAILED_KEPT, "batch": BATCH}
    while True:
        async with database.system("sweep") as unit:
            number: int = (await unit.execute(_OLD, bounds)).rowcount  # type: ignore[attr-defined]  # of a DELETE
        swept += number
        if number < BATCH:
            break
    async with database.system("sweep") as unit:
        await unit.execute(_ENGINE_LOG, {"before": at - ENGINE_LOG_KEPT})
    return swept
