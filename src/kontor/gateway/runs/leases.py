"""Who produces a run: a process says so for all of its runs at once, and again and again while it lives."""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from kontor.gateway.runs.events import RunId

LEASE_SECONDS = 12.0
RENEW_SECONDS = 4.0

_RENEW = text("""
    INSERT INTO run_producer (id, lease_until) VALUES (:holder, clock_timestamp() + make_interval(secs => :seconds))
    ON CONFLICT (id) DO UPDATE SET lease_until = excluded.lease_until
""")
_MINE = text("""
    SELECT id, stop_requested_at IS NOT NULL AS is_to_stop FROM run
    WHERE lease_holder = :holder AND finished_at IS NULL
""")
_LEAVE = text("""
    DELETE FROM run_producer
    WHERE id = :holder OR lease_until < clock_timestamp() - interval '1 day'
""")


@dataclass(frozen=True, slots=True)
class Held:
    """What the rows say of this process's runs."""

    to_go_on: frozenset[RunId]
    to_stop: frozenset[RunId]


async def renew(unit: AsyncSession, holder: UUID, *, seconds: float = LEASE_SECONDS) -> None:
    await unit.execute(_RENEW, {"holder": holder, "seconds": seconds})


async def held(unit: AsyncSession, holder: UUID) -> Held:
    rows = (await unit.execute(_MINE, {"holder": holder})).all()
    return Held(
        frozenset(RunId(row.id) for row in rows if not row.is_to_stop),
        frozenset(RunId(row.id) for row in rows if row.is_to_stop),
    )


async def leave(unit: AsyncSession, holder: UUID) -> None:
    await unit.execute(_LEAVE, {"holder": holder})


def lost(live: Collection[RunId], found: Held) -> set[RunId]:
    return set(live) - found.to_go_on - found.to_stop
