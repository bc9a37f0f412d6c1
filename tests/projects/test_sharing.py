"""Who sees and may do what, and what hostile people try."""

import asyncio
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from kontor.core.database import Database
from kontor.core.ids import new_id
from kontor.core.settings import Settings
from kontor.core.tenancy import Actor, Identity, Role
from kontor.projects import repository, service, tree
from kontor.projects.errors import FolderInItself, ProjectNotFound, ReadOnly
from kontor.projects.schemas import FolderCreate, ProjectCreate
from kontor.projects.tree import Goal
from kontor.projects.values import Access
from tests.factories.accounts import audit_lines
from tests.factories.house import House, Visitor, opened
from tests.factories.projects import made, make_folder, make_project, names, person, role_of, share, statements_of


def code_of(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


async def test_everything_below_a_shared_folder_is_shared_and_the_greater_right_counts(house: House) -> None:
    ada, _ = await person(house, "Ada")
    ben, address = await person(house, "Ben")
    outer = await make_folder(ada, "Outer")
    inner = await make_folder(ada, "Inner", parent_id=outer["id"])
    project = await make_project(ada, "Deep", folder_id=inner["id"])
    await make_project(ada, "Private")
    viewing = await share(ada, ben, address, folder_id=outer["id"])
    assert (viewing["direction"], viewing["person"], viewing["state"]) == ("received", "Ada", "accepted")
    found = made(await ben.get(f"/projects/{project['id']}"))
    assert (found["role"], found["owner"], found["is_shared"]) == ("viewer", {"name": "Ada"}, True)
    editing = await share(ada, ben, address, "editor", folder_id=inner["id"])
    assert made(await ben.get(f"/projects/{project['id']}"))["role"] == "editor"
    assert await names(ben) == ["Deep"]
    added = made(await ben.post("/projects", json={"name": "New", "folder_id": inner["id"]}))
    assert (added["role"], added["owner"]) == ("editor", {"name": "Ada"})
    assert sorted(await names(ada)) == ["Deep", "New", "Private"]
    assert (await ada.delete(f"/shares/{editing['id']}")).status_code == 204
    assert made(await ben.get(f"/projects/{project['id']}"))["role"] == "viewer"
    assert code_of(await ben.post("/projects", json={"name": "x", "folder_id": inner["id"]})) == (
        403,
        "project.read_only",
    )
    assert (await ada.delete(f"/shares/{viewing['id']}")).status_code == 204
    assert (await names(ben), await names(ben, "/folders")) == ([], [])
    assert code_of(await ben.get(f"/projects/{project['id']}")) == (404, "project.not_found")
    assert {line.action for line in await audit_lines(house, owner=ada.id)} >= {
        "share.offered", "share.accepted", "share.revoked",
    }  # fmt: skip


async def test_the_folder_above_what_is_shared_is_not_shown(house: House) -> None:
    ada, _ = await person(house)
    ben, address = await person(house)
    secret = await make_folder(ada, "Secret")
    folder = await make_folder(ada, "Open", parent_id=secret["id"])
    project = await make_project(ada, "Given", folder_id=secret["id"])
    await share(ada, ben, address, "editor", folder_id=folder["id"])
    await share(ada, ben, address, "editor", project_id=project["id"])
    answers = [
        await ben.get(f"/folders/{folder['id']}"),
        await ben.get(f"/projects/{project['id']}"),
        await ben.get("/folders", params={"parent_id": "none"}),
        await ben.patch(f"/projects/{project['id']}", json={"name": "Renamed"}),
        await ben.get("/shares"),
    ]
    assert all(answer.status_code == 200 and secret["id"] not in answer.text for answer in answers)
    assert made(answers[0])["parent_id"] is None
    assert (await ben.get("/projects", params={"folder_id": secret["id"]})).status_code == 404


async def test_an_invitation_tells_nobody_who_is_here(house: House) -> None:
    ada, _ = await person(house)
    boss, of_boss = await person(house, "Boss", role=Role.ADMIN)
    ben, of_ben = await person(house, "Ben")
    eve = await house.visitor(name="Eve", email="claimed@example.org")  # nobody has proved this address
    project = await make_project(ada)
    seen = []
    for address in (of_ben, of_boss, "nobody@example.org", "claimed@example.org"):
        answer = await ada.post("/shares", json={"project_id": project["id"], "email": address, "role": "viewer"})
        found = made(answer)
        seen.append({name: found[name] for name in ("state", "person", "role", "name")})
    assert seen == [{"state": "pending", "person": None, "role": "viewer", "name": "Project"}] * 4
    assert await names(eve, "/shares") == []
    assert await names(ben, "/shares") == await names(boss, "/shares") == ["Project"]
    assert await names(ben) == []
    assert await house.events_of(ben.id, "shares.changed") == [{}]


async def test_an_invitation_is_told_in_the_box_and_by_mail_once_a_day_unless_silenced(house: House) -> None:
    ada, _ = await person(house, "Ada")
    ben, address = await person(house, "Ben")
    project, other = await make_project(ada, "Harbour"), await make_project(ada, "Other")

    async def offer(project: dict[str, Any]) -> str:
        body = {"project_id": project["id"], "email": address, "role": "viewer"}
        return str(made(await ada.post("/shares", json=body))["id"])

    async def told() -> tuple[list[dict[str, Any]], list[str]]:
        box = made(await ben.get("/notifications"))["items"]
        async with house.database.system("test") as unit:
            mails = await unit.scalars(text("SELECT subject FROM mail WHERE to_address = :to"), {"to": address})
            return [notice["data"] for notice in box if notice["kind"] == "share.offered"], list(mails)

    offered = await offer(project)
    await ada.delete(f"/shares/{offered}")
    await offer(project)
    data = {"share_id": offered, "sort": "project", "name": "Harbour", "person": "Ada"}
    assert await told() == ([data], ["You are invited to a project at Kontor"])
    made(await ben.patch("/settings", json={"notifications": {"shares": False}}))
    await offer(other)
    assert await told() == ([data], ["You are invited to a project at Kontor"])


async def test_an_administrator_who_shares_is_not_named(house: House) -> None:
    boss, _ = await person(house, "Boss", role=Role.ADMIN)
    ben, address = await person(house)
    project = await make_project(boss)
    taken = await share(boss, ben, address, project_id=project["id"])
    found = made(await ben.get(f"/projects/{project['id']}"))
    assert (found["owner"], taken["person"]) == ({"name": None}, None)
    assert made(await ben.get("/notifications"))["items"][0]["data"]["person"] is None


async def test_nobody_answers_or_ends_what_is_not_for_them(house: House) -> None:
    ada, of_ada = await person(house)
    ben, address = await person(house)
    eve, _ = await person(house)
    project = await make_project(ada)
    body = {"project_id": project["id"], "email": address, "role": "viewer"}
    offered = made(await ada.post("/shares", json=body))
    path = f"/shares/{offered['id']}"
    for who, deed in ((eve, "accept"), (ada, "accept"), (eve, "decline"), (ada, "decline")):
        assert code_of(await who.post(f"{path}/{deed}")) == (404, "share.not_found")
    assert (await eve.delete(path)).status_code == 404
    assert code_of(await ben.patch(path, json={"role": "editor"})) == (403, "project.owner_only")
    assert code_of(await ada.post("/shares", json={**body, "email": of_ada.upper()})) == (409, "share.with_oneself")
    made(await ben.post(f"{path}/decline"))
    assert (await ben.post(f"{path}/accept")).status_code == 404
    assert made(await ada.get("/shares"))["items"][0]["state"] == "declined"
    again = made(await ada.post("/shares", json={**body, "role": "editor"}))
    assert (again["id"], again["state"]) == (offered["id"], "pending")
    made(await ben.post(f"{path}/accept"))
    assert code_of(await ada.post("/shares", json=body)) == (409, "share.exists")
    assert code_of(await ben.post("/shares", json={**body, "email": "x@example.org"})) == (403, "project.owner_only")
    made(await ada.patch(path, json={"role": "viewer"}))
    assert await role_of(house, ben, project["id"]) == "viewer"
    assert (await ben.delete(path)).status_code == 204
    assert await role_of(house, ben, project["id"]) is None


async def test_an_invitation_is_over_after_its_time(house: House) -> None:
    ada, _ = await person(house)
    ben, address = await person(house)
    project = await make_project(ada)
    offered = made(await ada.post("/shares", json={"project_id": project["id"], "email": address, "role": "viewer"}))
    async with house.database.system("test") as unit:
        await unit.execute(text("UPDATE share SET expires_at = now() - interval '1 second'"))
    assert await names(ben, "/shares") == []
    assert (await ben.post(f"/shares/{offered['id']}/accept")).status_code == 404


async def test_nothing_is_moved_into_or_out_of_what_is_somebody_elses(house: House) -> None:
    ada, _ = await person(house)
    ben, address = await person(house)
    cy, of_cy = await person(house)
    shared, other, private = [await make_folder(ada, name) for name in ("Shared", "Other", "Private")]
    inside = await make_folder(ada, "Inside", parent_id=shared["id"])
    project = await make_project(ada, folder_id=shared["id"])
    mine = await make_folder(ben, "Mine")
    of_ben = await make_project(ben, "Of Ben")
    for folder in (shared, other):
        await share(ada, ben, address, "editor", folder_id=folder["id"])
    await share(ada, cy, of_cy, "viewer", folder_id=other["id"])

    async def move(thing: dict[str, Any], target: dict[str, Any] | None) -> tuple[int, str]:
        answer = await ben.post(f"/projects/{thing['id']}/move", json={"folder_id": target and target["id"]})
        return code_of(answer) if answer.status_code != 200 else (200, "")

    assert await move(project, mine) == (409, "folder.of_somebody_else")
    assert await move(of_ben, shared) == (409, "folder.of_somebody_else")
    assert await move(of_ben, private) == (404, "folder.not_found")
    assert await move(project, private) == (404, "folder.not_found")
    assert await move(project, None) == (403, "project.owner_only")
    assert await move(project, other) == (403, "project.move_would_share")
    assert await move(project, inside) == (200, "")
    for path, body in (("/projects", {"folder_id": private["id"]}), ("/folders", {"parent_id": private["id"]})):
        assert (await ben.post(path, json={"name": "x", **body})).status_code == 404
    refused = await ben.post(f"/projects/{of_ben['id']}/duplicate", json={"folder_id": private["id"]})
    assert refused.status_code == 404
    for path in (f"/projects/{project['id']}", f"/folders/{inside['id']}"):
        assert code_of(await ben.delete(path)) == (403, "project.owner_only")
        assert code_of(await ben.patch(path, json={"archived": True})) == (403, "project.owner_only")


async def test_questions_are_asked_in_projects_by_those_who_may_edit_them(house: House) -> None:
    ada, _ = await person(house)
    ben, address = await person(house)
    project = await make_project(ada, default_model="claude")
    project_id = UUID(project["id"])

    async def ask(who: Visitor) -> Any:
        async with house.database.unit(who.actor) as unit:
            return await service.terms(unit, who.actor, project_id)

    assert (await ask(ada)).default_model == "claude"
    with pytest.raises(ProjectNotFound):
        await ask(ben)
    taken = await share(ada, ben, address, project_id=project["id"])
    with pytest.raises(ReadOnly):
        await ask(ben)
    made(await ada.patch(f"/shares/{taken['id']}", json={"role": "editor"}))
    assert (await ask(ben)).project_id == project_id
    for found in ("/llm/generate",):
        stranger, _ = await person(house)
        answer = await stranger.post(found, json={"prompt": "Hello", "project_id": project["id"]})
        missing = await stranger.post(found, json={"prompt": "Hello", "project_id": str(new_id())})
        assert code_of(answer) == code_of(missing) == (404, "project.not_found")


async def test_the_database_holds_the_wall_by_itself(house: House) -> None:
    """Statements that no service of ours would make."""
    ada, _ = await person(house)
    ben, address = await person(house)
    cy, of_cy = await person(house)
    boss = await house.visitor(Role.ADMIN)
    folder, private = await make_folder(ada, "Shared"), await make_folder(ada, "Private")
    project = await make_project(ada, folder_id=folder["id"])
    await share(ada, ben, address, folder_id=folder["id"])
    await share(ada, cy, of_cy, "editor", folder_id=folder["id"])
    mine = await make_folder(ben, "Mine")
    ids = {"folder": UUID(folder["id"]), "project": UUID(project["id"]), "private": UUID(private["id"]),
           "mine": UUID(mine["id"]), "ada": ada.id, "ben": ben.id, "cy": cy.id, "new": new_id()}  # fmt: skip

    async def tried(who: Actor | Identity, statement: str) -> int | str:
        try:
            async with house.database.unit(who) as unit:
                used = {name: value for name, value in ids.items() if f":{name}" in statement}
                return int((await unit.execute(text(statement), used)).rowcount)  # type: ignore[attr-defined]
        except DBAPIError as reason:
            return str(getattr(reason.orig, "sqlstate", ""))

    insert = """
        INSERT INTO project (id, owner_id, folder_id, kind, config, name, position, created_at, updated_at)
        VALUES (:new, {owner}, {folder}, 'chat', '{{"kind": "chat"}}', 'x', 1, now(), now())
    """
    renaming = "UPDATE project SET name = 'x' WHERE id = :project"
    assert await tried(ben.actor, renaming) == 0
    assert await tried(ben.actor, "DELETE FROM project WHERE id = :project") == 0
    assert await tried(ben.actor, insert.format(owner=":ben", folder=":folder")) == "42501"
    assert await tried(ben.actor, insert.format(owner=":ada", folder=":folder")) == "42501"
    assert await tried(ben.actor, insert.format(owner=":ada", folder="NULL")) == "42501"
    assert await tried(ben.actor, "UPDATE project_access SET role = 'owner' WHERE project_id = :project") == 0
    assert await tried(ben.actor, "UPDATE share SET role = 'editor'") == 0
    assert await tried(cy.actor, renaming) == 1
    assert await tried(cy.actor, insert.format(owner=":cy", folder=":folder")) == "23503"
    assert (
        await tried(cy.actor, "UPDATE project SET trashed_at = now(), trashed_with = id WHERE id = :project") == "42501"
    )
    assert await tried(cy.actor, "UPDATE project SET folder_id = :private WHERE id = :project") == "42501"
    assert await tried(cy.actor, "UPDATE project SET folder_id = NULL WHERE id = :project") == "42501"
    assert await tried(cy.actor, "UPDATE project SET owner_id = :cy WHERE id = :project") == "42501"
    assert await tried(ada.actor, "UPDATE project SET owner_id = :cy WHERE id = :project") == "42501"
    assert await tried(ada.actor, "UPDATE project SET folder_id = :mine WHERE id = :project") == "23503"
    assert await tried(ada.actor, "UPDATE share SET state = 'accepted', user_id = :cy WHERE user_id = :ben") == "42501"
    assert await tried(ada.actor, "UPDATE folder SET parent_id = :folder WHERE id = :folder") == "23514"
    for who in (boss.actor, boss.actor.as_admin()):
        for table in ("project", "folder", "share", "project_access", "folder_access"):
            assert await tried(who, f"SELECT FROM {table}") == 0
        assert await tried(who, renaming) == 0


async def test_a_stranger_pays_the_same_for_what_is_hidden_and_what_is_missing(house: House) -> None:
    """The same statements: what is not seen is looked for once and not asked about further."""
    ada, _ = await person(house)
    eve, _ = await person(house)
    project = await make_project(ada)
    asked: list[list[str]] = []
    for thing in (UUID(project["id"]), new_id()):
        async with house.database.unit(eve.actor) as unit:
            asked.append(await statements_of(unit, tree.lock(unit, eve.actor, "project", thing, least=Access.OWNER)))
    assert asked[0] == asked[1]
    assert len(asked[0]) == 1


# With real commits


async def two_people(database: Database, settings: Settings) -> tuple[Actor, Actor]:
    async with opened(settings, database) as house:
        return (await house.visitor()).actor, (await house.visitor()).actor


async def test_two_moves_at_once_make_no_ring(committed_database: Database, settings: Settings) -> None:
    ada, _ = await two_people(committed_database, settings)
    async with committed_database.unit(ada) as unit:
        one, two = [(await service.create_folder(unit, ada, FolderCreate(name=name))).id for name in ("one", "two")]

    async def move(what: UUID, into: UUID) -> None:
        async with committed_database.unit(ada) as unit:
            goal = Goal(is_elsewhere=True, folder_id=into, is_ordered=False, after=None)
            await tree.move(unit, ada, "folder", what, goal, seen=None)

    done = await asyncio.gather(move(one, two), move(two, one), return_exceptions=True)
    assert [type(each) for each in done if each is not None] == [FolderInItself]

    # Also past the service: the second waits for the first, and is refused.
    async def by_hand(what: UUID, into: UUID | None) -> None:
        async with committed_database.unit(ada) as unit:
            await unit.execute(text("UPDATE folder SET parent_id = :into WHERE id = :id"), {"into": into, "id": what})

    await by_hand(one, None)
    await by_hand(two, None)
    done = await asyncio.gather(by_hand(one, two), by_hand(two, one), return_exceptions=True)
    assert len([each for each in done if isinstance(each, DBAPIError)]) == 1


async def test_what_is_added_while_a_share_is_accepted_is_shared_too(
    committed_database: Database, settings: Settings
) -> None:
    ada, ben = await two_people(committed_database, settings)
    async with committed_database.unit(ada) as unit:
        folder = (await service.create_folder(unit, ada, FolderCreate(name="Shared"))).id

    async def add(number: int) -> None:
        async with committed_database.unit(ada) as unit:
            await service.create(unit, ada, ProjectCreate(name=str(number), folder_id=folder))

    async def accept() -> None:
        async with committed_database.system("test") as unit:
            await unit.execute(
                text("""
                    INSERT INTO share (id, owner_id, folder_id, email, email_key, user_id, role, state, created_at,
                        expires_at)
                    VALUES (:id, :owner, :folder, 'a@b.c', 'a@b.c', :user, 'viewer', 'accepted', now(), now())
                """),
                {"id": new_id(), "owner": ada.user_id, "folder": folder, "user": ben.user_id},
            )

    await asyncio.gather(add(1), add(2), accept(), add(3), add(4))
    async with committed_database.unit(ben) as unit:
        found = await repository.page(unit, ben.user_id, "project", repository.Filter(), after=None, limit=9)
    assert sorted(thing.name for thing, _ in found) == ["1", "2", "3", "4"]
