"""What the owner of a job hears while it goes on, and what other domains hear when it has failed."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from kontor.core.events.bus import bus
from kontor.core.events.publishing import person_topic, publish
from kontor.core.ids import JobId, UserId

CHANGED = "job.changed"


@dataclass(frozen=True, slots=True)
class JobFailed:
    """Told in the unit in which it failed for good."""

    job_id: JobId
    owner_id: UserId
    kind: str
    title: str
    version: int


def seen_state(state: str) -> str:
    """To its owner a job that was given up is one that failed; the difference is the operator's."""
    return "failed" if state == "dead" else state


async def tell_changed(unit: AsyncSession, row: Any) -> None:
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
