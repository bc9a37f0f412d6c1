"""Telling the windows of everybody concerned that folders, projects or invitations have changed."""

from collections.abc import Iterable
from uuid import UUID

from kontor.core.events.publishing import person_topic, publish
from kontor.core.ids import UserId
from kontor.core.units import Unit

PROJECT_PREFIX = "project:"


def project_topic(project_id: UUID) -> str:
    """Heard by whoever may read the project, for as long as they may."""
    return f"{PROJECT_PREFIX}{project_id}"


async def tell(
    unit: Unit, people: Iterable[UUID], *, projects: Iterable[UUID] = (), folders: Iterable[UUID] = ()
) -> None:
    """Of a folder that took others along only itself is named: what is below it changed as well."""
    data = {"projects": [str(each) for each in projects], "folders": [str(each) for each in folders]}
    for person in sorted(set(people)):
        await publish(unit, topic=person_topic(person), kind="projects.changed", data=data)


async def tell_project(unit: Unit, project_id: UUID, owner_id: UUID, version: int) -> None:
    await publish(
        unit,
        topic=project_topic(project_id),
        kind="project.changed",
        data={"version": version},
        owner_id=UserId(UUID(str(owner_id))),  # the driver has a class of its own, which no JSON knows
    )


async def tell_shares(unit: Unit, people: Iterable[UUID]) -> None:
    for person in sorted(set(people)):
        await publish(unit, topic=person_topic(person), kind="shares.changed", data={})
