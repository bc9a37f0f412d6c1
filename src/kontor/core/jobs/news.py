"""What the owner of a job hears while it goes on."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from kontor.core.events.publishing import person_topic, publish

CHANGED = "job.changed"


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
