"""What is heard of a job while it goes on: by its owner, by administrators, by other domains when it has failed."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from kontor.core.database import Database, tell_after_commit
from kontor.core.events.bus import bus
from kontor.core.events.publishing import ADMIN_TOPIC, JSON, person_topic, publish
from kontor.core.ids import JobId, UserId
from kontor.core.outage import is_outage

log = structlog.get_logger(__name__)

CHANGED = "job.changed"
JOBS_CHANGED = "jobs.changed"

TELL_SECONDS = 2.0
MOST_NAMED = 100


@dataclass(frozen=True, slots=True)
class JobFailed:
    """Told in the unit in which it failed for good."""

    job_id: JobId
    owner_id: UserId
    kind: str
    title: str
    version: int


@dataclass(frozen=True, slots=True)
class JobMoved:
    """Where a job stands, without anything that its owner wrote."""

    id: UUID
    kind: str
    state: str
    done: int
    total: int | None


def seen_state(state: str) -> str:
    """To its owner a job that was given up is one that failed; the difference is the operator's."""
    return "failed" if state == "dead" else state


def note_moved(unit: AsyncSession, row: Any) -> None:
    """For administrators, once the unit is committed."""
    tell_after_commit(unit, JobMoved(row.id, row.kind, row.state, row.done, row.total))


async def tell_changed(unit: AsyncSession, row: Any) -> None:
    note_moved(unit, row)
    if row.owner_id is None:
        return
    data = {
        "id": str(row.id),
        "kind": row.kind,
        "title": row.title,
        "state": seen_state(row.state),
        "done": row.done,
        "total": row.total,
        "note": row.note,
    }
    await publish(unit, topic=person_topic(row.owner_id), kind=CHANGED, data=data)
    if data["state"] == "failed":
        await bus.tell(unit, JobFailed(JobId(row.id), UserId(row.owner_id), row.kind, row.title, row.version))


async def tell_admins(unit: AsyncSession, moved: Sequence[JobMoved] = ()) -> None:
    """Without a job it says that something about all of them is otherwise, such as a pause."""
    jobs: list[JSON] = [{**asdict(each), "id": str(each.id)} for each in moved[:MOST_NAMED]]
    await publish(unit, topic=ADMIN_TOPIC, kind=JOBS_CHANGED, data={"jobs": jobs, "count": len(moved)})


class AdminNews:
    """Gathers what moved in this process and tells administrators at once, but not more often than they can look.

    In the transactions of the jobs themselves it would have all of them wait for each other: one topic has one writer
    at a time. What a killed process has not told yet is made good by whoever takes over its jobs.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._moved: dict[UUID, JobMoved] = {}
        self._news = asyncio.Event()
        database.on_commit(JobMoved, self._note)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self._run(), name="jobs.admin_news")
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait({task})
            await self._tell()

    def _note(self, moved: JobMoved) -> None:
        self._moved[moved.id] = moved
        self._news.set()

    async def _run(self) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            await self._tell()
            await asyncio.sleep(TELL_SECONDS)

    async def _tell(self) -> None:
        moved, self._moved = self._moved, {}
        if not moved:
            return
        try:
            async with self._database.system("events") as unit:
                await tell_admins(unit, list(moved.values()))
        except Exception as reason:
            self._moved = moved | self._moved
            self._news.set()
            if not is_outage(reason):
                # Jobs do not stop because their news cannot be told.
                log.exception("jobs.admins_not_told")
