"""Folders, projects and shares, made as people make them."""

from collections.abc import Awaitable
from typing import Any
from uuid import UUID

from httpx import Response
from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncSession

from kontor.core.errors import KontorError
from kontor.core.tenancy import Role
from tests.factories.house import House, Visitor


async def person(house: House, name: str = "Anna Muster", *, role: Role = Role.USER) -> tuple[Visitor, str]:
    """With an address that is proved."""
    visitor = await house.visitor(role, name=name)
    return visitor, await verified(house, visitor)


async def verified(house: House, visitor: Visitor) -> str:
    async with house.database.system("test") as unit:
        email: str | None = await unit.scalar(
            text("UPDATE person SET email_verified_at = now() WHERE id = :id RETURNING email"), {"id": visitor.id}
        )
    assert email is not None
    return email


def made(answer: Response) -> dict[str, Any]:
    assert answer.status_code in {200, 201}, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def make_project(visitor: Visitor, name: str = "Project", **more: Any) -> dict[str, Any]:
    return made(await visitor.post("/projects", json={"name": name, **more}))


async def make_folder(visitor: Visitor, name: str = "Folder", **more: Any) -> dict[str, Any]:
    return made(await visitor.post("/folders", json={"name": name, **more}))


async def share(owner: Visitor, guest: Visitor, email: str, role: str = "viewer", **thing: Any) -> dict[str, Any]:
    """Offered and accepted."""
    offered = made(await owner.post("/shares", json={"email": email, "role": role, **thing}))
    return made(await guest.post(f"/shares/{offered['id']}/accept"))


async def names(visitor: Visitor, path: str = "/projects", **wanted: Any) -> list[str]:
    """Of everything in a list, over all its pages."""
    found: list[str] = []
    cursor: str | None = None
    while True:
        more = {} if cursor is None else {"cursor": cursor}
        page = made(await visitor.get(path, params={**wanted, **more}))
        found += [item["name"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            return found


async def role_of(house: House, visitor: Visitor, project_id: str | UUID) -> str | None:
    async with house.database.system("test") as unit:
        found: str | None = await unit.scalar(
            text("SELECT role FROM project_access WHERE user_id = :me AND project_id = :id"),
            {"me": visitor.id, "id": UUID(str(project_id))},
        )
    return found


async def statements_of(unit: AsyncSession, work: Awaitable[object]) -> list[str]:
    """What the database is asked while it is done, however it ends."""
    connection, seen = (await unit.connection()).sync_connection, list[str]()

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        seen.append(statement)

    event.listen(connection, "before_cursor_execute", note)
    try:
        await work
    except KontorError:
        pass
    finally:
        event.remove(connection, "before_cursor_execute", note)
    return seen
