"""Whatever happens to a tree, the rows that say who may do what are those that one reckons from scratch."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from kontor.accounts.tables import Person
from kontor.core.database import Database
from kontor.core.errors import KontorError
from kontor.core.ids import UserId, new_id
from kontor.core.tenancy import Actor, Role
from kontor.projects import repository, service, shares, trash, tree
from kontor.projects.schemas import FolderCreate, ProjectCreate, ShareCreate
from kontor.projects.tree import Goal
from kontor.projects.values import Sort
from tests.conftest import database_on

PEOPLE = 3  # the first owns the tree, and so does the second one of their own
KINDS = ("folder", "folder", "project", "share", "share", "share", "role", "end", "move", "move", "move", "trash",
         "restore", "restore", "erase")  # fmt: skip
NUMBERS = st.integers(0, 99)
STEPS = st.lists(st.tuples(st.sampled_from(KINDS), NUMBERS, NUMBERS, NUMBERS), min_size=10, max_size=25)


class World:
    """One database, and what people did in it so far. What they may not do is refused, and changes nothing."""

    def __init__(self, database: Database, people: list[Actor]) -> None:
        self.database = database
        self.people = people
        self.things: list[tuple[Sort, UUID]] = []
        self.owners: dict[UUID, Actor] = {}
        self.shares: list[UUID] = []

    async def step(self, kind: str, one: int, two: int, three: int) -> None:
        """By whom it belongs to, as a rule, or else it would be refused most of the time."""
        thing = self.things[three % len(self.things)] if self.things else None
        actor = self.people[one % PEOPLE]
        if thing is not None and one % 4:
            actor = self.owners[thing[1]]
        async with self.database.unit(actor) as unit:
            try:
                async with unit.begin_nested():
                    await self.deed(unit, actor, kind, thing, two)
            except KontorError:
                return
        if kind == "share":
            await self.answer(self.shares[-1], self.people[two % PEOPLE], is_accepted=one % 7 > 0)

    async def answer(self, share: UUID, guest: Actor, *, is_accepted: bool) -> None:
        async with self.database.unit(guest) as unit:
            await shares.answer(unit, guest, share, is_accepted=is_accepted, address=None)

    async def deed(
        self, unit: AsyncSession, actor: Actor, kind: str, thing: tuple[Sort, UUID] | None, number: int
    ) -> None:
        folders = [each for sort, each in self.things if sort == "folder"]
        parent = folders[number % len(folders)] if folders and number % 5 else None
        share = self.shares[number % len(self.shares)] if self.shares else None
        role: Any = "editor" if number % 2 else "viewer"
        match kind:
            case "folder":
                made = await service.create_folder(unit, actor, FolderCreate(name="F", parent_id=parent))
                self.add("folder", made.id, actor, parent)
            case "project":
                put = await service.create(unit, actor, ProjectCreate(name="P", folder_id=parent))
                self.add("project", put.id, actor, parent)
            case "share" if thing is not None:
                guest = self.people[number % PEOPLE]
                wanted = ShareCreate(**{f"{thing[0]}_id": thing[1]}, email=address(guest.user_id), role=role)
                self.shares.append((await shares.invite(unit, actor, wanted, address=None)).id)
            case "role" if share is not None:
                await shares.change_role(unit, actor, share, role, seen=None, address=None)
            case "end" if share is not None:
                await shares.end(unit, actor, share, address=None)
            case "move" if thing is not None:
                goal = Goal(is_elsewhere=True, folder_id=parent, is_ordered=False, after=None)
                await tree.move(unit, actor, thing[0], thing[1], goal, seen=None)
            case "trash" if thing is not None:
                await tree.throw_away(unit, actor, thing[0], thing[1], seen=None)
            case "restore" if thing is not None:
                await tree.restore(unit, actor, thing[0], thing[1])
            case "erase" if thing is not None:
                await trash.erase_one(unit, actor, thing[1], address=None)
            case _:
                pass

    def add(self, sort: Sort, thing_id: UUID, actor: Actor, parent: UUID | None) -> None:
        self.things.append((sort, thing_id))
        self.owners[thing_id] = actor if parent is None else self.owners[parent]

    async def rows(self, statement: str) -> list[Any]:
        async with self.database.system("test") as unit:
            return list((await unit.execute(text(statement))).all())

    async def kept(self) -> Mapping[tuple[UUID, UUID], str]:
        rows = await self.rows("SELECT folder_id AS id, user_id, role FROM folder_access")
        rows += await self.rows("SELECT project_id AS id, user_id, role FROM project_access")
        return {(row.id, row.user_id): row.role for row in rows}

    async def reckoned(self) -> Mapping[tuple[UUID, UUID], str]:
        """From the trees and the shares alone, one thing after another."""
        folders = {row.id: row for row in await self.rows("SELECT id, owner_id, parent_id, trashed_at FROM folder")}
        projects = await self.rows("SELECT id, owner_id, folder_id AS parent_id, trashed_at FROM project")
        given = await self.rows("SELECT folder_id, project_id, user_id, role FROM share WHERE state = 'accepted'")
        found: dict[tuple[UUID, UUID], str] = {}
        for thing in [*folders.values(), *projects]:
            found[thing.id, thing.owner_id] = "owner"
            above, at = {thing.id}, thing.parent_id
            while at is not None:
                above.add(at)
                at = folders[at].parent_id
            for share in given:
                if thing.trashed_at is None and (share.folder_id in above or share.project_id in above):
                    key = (thing.id, share.user_id)
                    found[key] = min(found.get(key, "viewer"), share.role)
        return found


def address(user_id: UUID) -> str:
    return f"{user_id.hex}@example.org"


# Two trees. The first one's folders stand in each other, with a project in the last, and are shared with the third.
BEGINNING = (
    ("folder", 0, 0, 0), ("folder", 4, 6, 0), ("folder", 4, 7, 1), ("project", 4, 8, 0), ("folder", 4, 0, 0),
    ("share", 1, 2, 0), ("folder", 4, 5, 0),
)  # fmt: skip


async def new_world(connection: AsyncConnection, beginning: Sequence[tuple[str, int, int, int]] = BEGINNING) -> World:
    database = database_on(connection)
    people = [Actor(UserId(new_id()), Role.USER) for _ in range(PEOPLE)]
    async with database.system("test") as unit:
        for each in people:
            mail = address(each.user_id)
            unit.add(Person(id=each.user_id, name="N", role="user", state="active", email=mail, email_key=mail))
        await unit.flush()
        await unit.execute(text("UPDATE person SET email_verified_at = now() WHERE email IS NOT NULL"))
    world = World(database, people)
    for step in beginning:
        await world.step(*step)
    return world


# Without making failures smaller: each try is a whole story in the database.
@settings(
    max_examples=8, deadline=None, phases=[Phase.generate], derandomize=True, suppress_health_check=list(HealthCheck)
)
@given(steps=STEPS)
async def test_the_rows_are_those_that_one_reckons_from_scratch(
    connection: AsyncConnection, steps: list[tuple[str, int, int, int]]
) -> None:
    async with connection.begin_nested() as before:
        world = await new_world(connection)
        for step in steps:
            await world.step(*step)
        reckoned = await world.reckoned()
        assert await world.kept() == reckoned
        for actor in world.people:
            mine = {thing for thing, user in reckoned if user == actor.user_id}
            await seen_is_what_may_be_seen(world, actor, mine)
        await before.rollback()


async def seen_is_what_may_be_seen(world: World, actor: Actor, mine: set[UUID]) -> None:
    """Through both walls: nothing more, and nothing less."""
    async with world.database.unit(actor) as unit:
        rows = await unit.execute(text("SELECT id FROM folder UNION ALL SELECT id FROM project"))
        assert {row.id for row in rows} == mine
        wanted = repository.Filter(archived=None)
        listed = [
            thing.id
            for sort in repository.PARENT
            for thing, _ in await repository.page(unit, actor.user_id, sort, wanted, after=None, limit=100)
        ]
        lying = await unit.execute(
            text("SELECT id FROM folder WHERE trashed_at IS NOT NULL "
                 "UNION ALL SELECT id FROM project WHERE trashed_at IS NOT NULL")
        )  # fmt: skip
        assert sorted(listed) == sorted(mine - {row.id for row in lying})


async def test_each_thing_that_can_happen_to_a_share_or_a_folder_is_reckoned(connection: AsyncConnection) -> None:
    """One of each, looked at after every step."""
    world = await new_world(connection, beginning=())
    ada, ben, cy = world.people

    async def folder(parent: UUID | None = None) -> UUID:
        async with world.database.unit(ada) as unit:
            return (await service.create_folder(unit, ada, FolderCreate(name="F", parent_id=parent))).id

    async def share(guest: Actor, role: Any, **thing: UUID) -> UUID:
        async with world.database.unit(ada) as unit:
            wanted = ShareCreate(email=address(guest.user_id), role=role, **thing)
            made = (await shares.invite(unit, ada, wanted, address=None)).id
        await world.answer(made, guest, is_accepted=True)
        return made

    async def move(thing: UUID, into: UUID | None) -> None:
        async with world.database.unit(ada) as unit:
            goal = Goal(is_elsewhere=True, folder_id=into, is_ordered=False, after=None)
            await tree.move(unit, ada, "folder", thing, goal, seen=None)

    async def role_is(role: str) -> None:
        async with world.database.unit(ada) as unit:
            await shares.change_role(unit, ada, outer, role, seen=None, address=None)

    async def look(*expected: tuple[Actor, UUID, str | None]) -> None:
        kept = await world.kept()
        assert kept == await world.reckoned()
        for actor, thing, role in expected:
            assert kept.get((thing, actor.user_id)) == role

    one, two = await folder(), await folder()
    inner = await folder(one)
    async with world.database.unit(ada) as unit:
        project = (await service.create(unit, ada, ProjectCreate(name="P", folder_id=inner))).id
    outer = await share(ben, "viewer", folder_id=one)
    await look((ben, one, "viewer"), (ben, project, "viewer"), (ben, two, None))
    await role_is("editor")
    await look((ben, inner, "editor"), (ben, project, "editor"))
    await share(ben, "viewer", project_id=project)
    await share(cy, "editor", folder_id=two)
    await look((ben, project, "editor"), (cy, project, None))
    await move(inner, two)
    await look((ben, inner, None), (ben, project, "viewer"), (cy, project, "editor"))
    await move(inner, one)
    await look((ben, project, "editor"), (cy, project, None))
    await role_is("viewer")
    await look((ben, project, "viewer"))
    async with world.database.unit(ada) as unit:
        await tree.throw_away(unit, ada, "folder", one, seen=None)
    await look((ben, one, None), (ben, project, None), (ada, project, "owner"))
    async with world.database.unit(ada) as unit:
        await tree.restore(unit, ada, "folder", one)
    await look((ben, one, "viewer"), (ben, project, "viewer"))
    async with world.database.unit(ada) as unit:
        await shares.end(unit, ada, outer, address=None)
    await look((ben, one, None), (ben, inner, None), (ben, project, "viewer"))
