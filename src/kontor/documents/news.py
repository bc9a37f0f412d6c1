"""Telling the windows of everybody concerned how documents are."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from kontor.core.events.publishing import person_topic, publish
from kontor.core.ids import UserId
from kontor.documents.values import DocumentState
from kontor.projects.news import project_topic


async def tell(
    unit: AsyncSession,
    *,
    owner_id: UUID,
    project_id: UUID,
    document_id: UUID,
    state: DocumentState | None,
    done: int = 0,
    total: int | None = None,
) -> None:
    """`state` of None: it is gone. Whoever needs more asks for the document."""
    owner = UserId(UUID(str(owner_id)))
    data = {
        "project_id": str(project_id),
        "document_id": str(document_id),
        "state": state and state.value,
        "done": done,
        "total": total,
    }
    await publish(unit, topic=project_topic(project_id), kind="document.changed", data=data, owner_id=owner)
    await publish(unit, topic=person_topic(owner), kind="document.changed", data=data)
