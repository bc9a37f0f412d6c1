"""Tidying up, as plain functions. Each may run at any time, in several processes at once, or be cut off.

`tidying` is for every process that takes uploads in; `sweep_orphans` is a daily job.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import structlog
from sqlalchemy.exc import SQLAlchemyError

from kontor.core.blobs import incoming, repository
from kontor.core.blobs.service import ABANDONED_AFTER, give_up
from kontor.core.blobs.store import Key, Store, Stored
from kontor.core.clock import now
from kontor.core.database import Database
from kontor.core.errors import KontorError

log = structlog.get_logger(__name__)

EVERY_SECONDS = 20.0
PAGE = 500
QUESTIONS_AT_ONCE = 16
MOST_NAMED = 100


@dataclass(frozen=True, slots=True)
class SweepReport:
    objects_seen: int = 0
    orphans_deleted: int = 0
    orphan_bytes: int = 0
    rows_seen: int = 0
    # Content that the database knows and the store does not, or not whole. Nothing is deleted for it: it is a loss, and
    # somebody has to look. At most the first hundred are named.
    missing: tuple[str, ...] = ()
    missing_count: int = 0


async def tidy(database: Database, store: Store) -> None:
    """One round of what should not wait: together with `ABANDONED_AFTER`, all is given back within a minute."""
    await sweep_incoming(store)
    await release_abandoned_uploads(database)
    await collect_garbage(database, store)


@asynccontextmanager
async def tidying(database: Database, store: Store, *, every_seconds: float = EVERY_SECONDS) -> AsyncIterator[None]:
    """Tidy at once and then again and again, beside whatever the process does."""

    async def again_and_again() -> None:
        while True:
            try:
                await tidy(database, store)
            except (KontorError, SQLAlchemyError, OSError) as reason:
                # Database or store are away for a while; the next round does it.
                log.warning("blobs.tidying_failed", reason=type(reason).__name__)
            await asyncio.sleep(every_seconds)

    task = asyncio.create_task(again_and_again())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


async def sweep_incoming(store: Store) -> int:
    """Bytes of uploads whose process was killed, on this machine."""
    return await asyncio.to_thread(incoming.sweep_incoming, store.incoming)


async def release_abandoned_uploads(database: Database, *, older_than: timedelta = ABANDONED_AFTER) -> int:
    """Give back the room of uploads that nobody has heard of."""
    released = 0
    async with database.system("sweep") as unit:
        found = await repository.abandoned_uploads(unit, before=now() - older_than, limit=PAGE)
    for upload_id in found:
        async with database.system("sweep") as unit:
            released += await give_up(unit, upload_id)
    if released:
        log.info("blobs.uploads_released", count=released)
    return released


async def collect_garbage(database: Database, store: Store) -> int:
    """Delete from the store what the rows have let go of."""
    deleted = 0
    after = ""
    while True:
        async with database.system("sweep") as unit:
            keys = await repository.garbage(unit, after=after, limit=PAGE)
        if not keys:
            return deleted
        # The store first and the list second: cut off between the two, we delete once more what is gone already.
        await store.delete(keys)
        async with database.system("sweep") as unit:
            await repository.forget_garbage(unit, keys)
        deleted += len(keys)
        after = keys[-1]


async def sweep_orphans(
    database: Database, store: Store, *, older_than: timedelta = timedelta(hours=24), check_rows: bool = True
) -> SweepReport:
    """Compare store and rows, both ways. Once a day."""
    seen = deleted = freed = 0
    async for page in store.pages():
        seen += len(page)
        orphans = await orphans_of(database, page, older_than=older_than)
        if orphans:
            await store.delete([one.key for one in orphans])
            deleted += len(orphans)
            freed += sum(one.size for one in orphans)
    rows, missing = await missing_content(database, store) if check_rows else (0, [])
    if deleted or missing:
        log.warning("blobs.swept", orphans=deleted, orphan_bytes=freed, rows_without_content=len(missing))
    return SweepReport(seen, deleted, freed, rows, tuple(missing[:MOST_NAMED]), len(missing))


async def orphans_of(database: Database, page: list[Stored], *, older_than: timedelta) -> list[Stored]:
    """Old enough that no upload can still be on its way to a row, and without one. Strange names are left alone."""
    newest = now() - older_than
    old = {one.key: one for one in page if one.modified_at < newest}
    keys = [key for key in map(Key.parse, old) if key is not None]
    if not keys:
        return []
    async with database.system("sweep") as unit:
        known = await repository.known_keys(unit, keys)
    return [old[str(key)] for key in keys if str(key) not in known]


async def missing_content(database: Database, store: Store) -> tuple[int, list[str]]:
    gate = asyncio.Semaphore(QUESTIONS_AT_ONCE)

    async def is_whole(key: str, size: int) -> bool:
        async with gate:
            return await store.size(key) == size

    seen = 0
    missing: list[str] = []
    after: tuple[UUID, bytes] | None = None
    while True:
        async with database.system("sweep") as unit:
            rows = await repository.objects_after(unit, after, limit=PAGE)
        if not rows:
            return seen, missing
        keys = [str(Key(row.owner_id, row.sha256, row.generation)) for row in rows]
        found = await asyncio.gather(*(is_whole(key, row.size) for key, row in zip(keys, rows, strict=True)))
        absent = [key for key, whole in zip(keys, found, strict=True) if not whole]
        missing += await still_wanted(database, absent)
        seen += len(rows)
        after = (rows[-1].owner_id, rows[-1].sha256)


async def still_wanted(database: Database, absent: list[str]) -> list[str]:
    """Without those whose row went while we were asking the store."""
    keys = [key for key in map(Key.parse, absent) if key is not None]
    if not keys:
        return []
    async with database.system("sweep") as unit:
        known = await repository.known_keys(unit, keys)
    return [key for key in absent if key in known]
