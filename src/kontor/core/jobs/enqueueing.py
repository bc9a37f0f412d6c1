"""Putting a job down, in the transaction that makes it necessary."""

from datetime import datetime
from typing import Literal

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from kontor.core.clock import now
from kontor.core.database import elevated
from kontor.core.ids import JobId, UserId, new_id
from kontor.core.jobs.kinds import A, Kind
from kontor.core.jobs.news import tell_changed

CHANNEL = "kontor_jobs"

_INSERT = text("""
    INSERT INTO job (id, owner_id, kind, title, args, priority, key, max_attempts, run_at, created_at)
    VALUES (:id, :owner_id, :kind, :title, CAST(:args AS jsonb), :priority, :key, :max_attempts, :run_at, :at)
    ON CONFLICT (lane, kind, key) WHERE key IS NOT NULL AND state IN ('waiting', 'queued', 'running') DO NOTHING
    RETURNING *
""")
_OPEN = text("""
    SELECT id FROM job WHERE kind = :kind AND key = :key AND owner_id IS NOT DISTINCT FROM :owner_id
    AND state IN ('waiting', 'queued', 'running')
""")
_WAKE = text("SELECT pg_notify(:channel, :word)")


async def enqueue(
    unit: AsyncSession,
    kind: Kind[A],
    args: A,
    *,
    owner_id: UserId | None = None,
    priority: int = 0,
    run_at: datetime | None = None,
    key: str | None = None,
    title: str | None = None,
) -> JobId:
    """Exists when the unit commits and never otherwise; a worker hears of it at that moment.

    While a job of the same owner, kind and key is open, its id is answered and nothing is added.
    """
    at = now()
    row = {
        "id": new_id(),
        "owner_id": owner_id,
        "kind": kind.name,
        "title": title or kind.title,
        "args": orjson.dumps(args.model_dump(mode="json")).decode(),
        "priority": priority,
        "key": key,
        "max_attempts": kind.retry.attempts,
        "run_at": run_at or at,
        "at": at,
    }
    async with elevated(unit, "jobs"):
        while True:
            made = (await unit.execute(_INSERT, row)).one_or_none()
            if made is not None:
                break
            # The open job may end between the two statements; then the place is free.
            found = await unit.scalar(_OPEN, row)
            if found is not None:
                return JobId(found)
        await wake(unit)
    await tell_changed(unit, made)
    return JobId(made.id)


async def wake(unit: AsyncSession, word: Literal["look", "cancel"] = "look") -> None:
    """Tell the workers, once this unit is committed, that something may be admitted, or that a job shall end."""
    await unit.execute(_WAKE, {"channel": CHANNEL, "word": word})
