"""Who may run next.

Everybody has a lane: a person's is their own, a kind of job that belongs to nobody has one too. Only so many jobs of a
lane are in the engine at a time; the next is admitted in the transaction that ends one, to the back of the engine's
queue. So people take turns, however many jobs one of them has waiting.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from kontor.core.clock import now
from kontor.core.ids import JobId
from kontor.core.jobs.engine import Ticket, engine_in
from kontor.core.jobs.news import note_moved


@dataclass(frozen=True, slots=True)
class Caps:
    """`kinds` are those that this process can do, with how many of nobody's it may do at once."""

    per_person: int
    kinds: Mapping[str, int]

    def of(self, lane: str) -> int:
        # A lane is named by a person's id or by a kind.
        return self.kinds.get(lane, self.per_person)


# Hops from lane to lane along the index instead of reading all that waits: a lane may hold a hundred thousand jobs.
_LANES = text("""
    WITH RECURSIVE lane AS (
        (SELECT job.lane AS name FROM job WHERE state = 'waiting' ORDER BY job.lane LIMIT 1)
        UNION ALL
        SELECT (SELECT job.lane FROM job WHERE state = 'waiting' AND job.lane > lane.name ORDER BY job.lane LIMIT 1)
        FROM lane WHERE lane.name IS NOT NULL
    ), able AS (
        SELECT array_agg(name) AS kinds FROM unnest(CAST(:kinds AS text[])) AS name
        WHERE NOT EXISTS (SELECT 1 FROM job_pause WHERE job_pause.kind = name)
    )
    SELECT lane.name, (SELECT count(*) FROM job WHERE job.lane = lane.name AND state IN ('queued', 'running')) AS inside
    FROM lane
    WHERE lane.name IS NOT NULL
      AND NOT EXISTS (SELECT 1 FROM job_pause WHERE job_pause.owner_id::text = lane.name)
      AND EXISTS (
        SELECT 1 FROM job
        WHERE job.lane = lane.name AND state = 'waiting' AND run_at <= :now
          AND kind = ANY((SELECT kinds FROM able)::text[])
      )
""")
_TRY_LOCK = text("""
    SELECT name FROM unnest(CAST(:lanes AS text[])) AS name
    WHERE pg_try_advisory_xact_lock(hashtextextended('kontor.lane ' || name, 0))
""")
_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended('kontor.lane ' || :lane, 0))")
_ADMIT = text("""
    WITH able AS (
        SELECT array_agg(name) AS kinds FROM unnest(CAST(:kinds AS text[])) AS name
        WHERE NOT EXISTS (SELECT 1 FROM job_pause WHERE job_pause.kind = name)
    ), room AS (
        SELECT asked.lane, asked.cap - (
            SELECT count(*) FROM job WHERE job.lane = asked.lane AND state IN ('queued', 'running')
        ) AS seats
        FROM unnest(CAST(:lanes AS text[]), CAST(:caps AS integer[])) AS asked (lane, cap)
        WHERE NOT EXISTS (SELECT 1 FROM job_pause WHERE job_pause.owner_id::text = asked.lane)
    ), picked AS (
        SELECT next.id, row_number() OVER (PARTITION BY room.lane ORDER BY next.priority DESC, next.number) AS place
        FROM room CROSS JOIN LATERAL (
            SELECT job.id, job.priority, job.number FROM job
            WHERE job.lane = room.lane AND state = 'waiting' AND run_at <= :now
              AND kind = ANY((SELECT kinds FROM able)::text[])
            ORDER BY job.priority DESC, job.number LIMIT greatest(room.seats, 0)
        ) AS next
    )
    UPDATE job SET state = 'queued', ticket = ticket + 1, heartbeat_at = clock_timestamp(), version = version + 1
    FROM picked WHERE job.id = picked.id AND job.state = 'waiting'
    RETURNING job.id, job.kind, job.priority, job.ticket, job.number, job.state, job.done, job.total, picked.place
""")


async def lock_lane(unit: AsyncSession, lane: str) -> None:
    """The first thing in a transaction of a worker's own, so that nobody who holds a row waits for a lane."""
    await unit.execute(_LOCK, {"lane": lane})


async def lanes_with_room(unit: AsyncSession, caps: Caps) -> list[str]:
    rows = await unit.execute(_LANES, {"now": now(), "kinds": list(caps.kinds)})
    return [row.name for row in rows if row.inside < caps.of(row.name)]


async def try_lock(unit: AsyncSession, lanes: Sequence[str]) -> list[str]:
    """Those that nobody else is busy with."""
    return list((await unit.execute(_TRY_LOCK, {"lanes": list(lanes)})).scalars())


async def admit(unit: AsyncSession, lanes: Sequence[str], caps: Caps) -> int:
    """Fill the free seats of locked lanes. The lock came in a statement before, so the count here is the last word."""
    rows = (
        await unit.execute(
            _ADMIT,
            {
                "lanes": list(lanes),
                "caps": [caps.of(lane) for lane in lanes],
                "now": now(),
                "kinds": list(caps.kinds),
            },
        )
    ).all()
    if not rows:
        return 0
    # First everybody's first, then everybody's second.
    rows = sorted(rows, key=lambda row: (row.place, row.number))
    tickets = [str(Ticket(JobId(row.id), row.ticket)) for row in rows]
    for row in rows:
        note_moved(unit, row)
    engine = await engine_in(unit)
    await engine.enqueue(
        [row.kind for row in rows],
        [ticket.encode() for ticket in tickets],
        [row.priority for row in rows],
        dedupe_key=list(tickets),
    )
    return len(rows)
