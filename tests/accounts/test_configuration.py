"""The configuration of the installation: checked, versioned, recorded, and known without asking."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import DBAPIError

from kontor.accounts import configuration
from kontor.accounts.configuration import Configuration, ConfigurationChange, Known, parsed
from kontor.core.database import Database
from kontor.core.events.listener import Listener
from kontor.core.events.publishing import CHANNEL
from kontor.core.ids import UserId, new_id
from kontor.core.tenancy import Actor, Identity, Role, Scope
from tests.conftest import Server
from tests.factories.house import House

PATH = "/admin/configuration"


async def test_a_new_installation_is_closed_and_open_about_full_access(house: House) -> None:
    admin = await house.visitor(Role.ADMIN)
    answer = await admin.get(PATH)
    assert answer.headers["etag"] == '"1"'
    assert answer.json() == {
        "version": 1,
        "name": "Kontor",
        "registration": "closed",
        "allowed_domains": [],
        "owners_see_full_access": True,
        "default_language": "en",
        "default_quota_bytes": 10 << 30,
        "session_days": 30,
        "mail": {"configured": False, "from": "Kontor <kontor@localhost>", "source": "none"},
    }


async def test_a_change_is_kept_counted_and_recorded(house: House) -> None:
    admin = await house.visitor(Role.ADMIN)
    body = {"registration": "approval", "allowed_domains": ["@Example.ORG", "bücher.example", "example.org"]}
    answer = await admin.patch(PATH, json=body, headers={"If-Match": '"1"'})
    assert (answer.status_code, answer.headers["etag"]) == (200, '"2"')
    assert answer.json()["allowed_domains"] == ["example.org", "xn--bcher-kva.example"]
    assert (await admin.get(PATH)).json() == answer.json()
    line = (await admin.get("/admin/audit")).json()["items"][0]
    assert line["action"] == "installation.configuration_changed"
    assert line["details"]["registration"] == {"before": "closed", "after": "approval"}
    stale = await admin.patch(PATH, json={"name": "Other"}, headers={"If-Match": '"1"'})
    assert (stale.status_code, stale.json()["current"]) == (412, 2)


async def test_a_change_that_changes_nothing_leaves_no_trace(house: House) -> None:
    admin = await house.visitor(Role.ADMIN)
    answer = await admin.patch(PATH, json={"name": "Kontor", "session_days": None})
    assert answer.json()["version"] == 1
    assert (await admin.get("/admin/audit")).json()["items"] == []


async def test_null_quota_means_as_much_as_there_is(house: House) -> None:
    admin = await house.visitor(Role.ADMIN)
    answer = await admin.patch(PATH, json={"default_quota_bytes": None})
    assert (answer.json()["default_quota_bytes"], answer.json()["version"]) == (None, 2)


@pytest.mark.parametrize(
    "change",
    [
        {"registration": "everybody"},
        {"name": ""},
        {"name": "x" * 81},
        {"name": "a\nb"},
        {"allowed_domains": ["not a domain"]},
        {"allowed_domains": ["localhost"]},
        {"allowed_domains": [f"d{number}.example" for number in range(101)]},
        {"default_language": "fr"},
        {"default_quota_bytes": -1},
        {"default_quota_bytes": 1 << 62},
        {"session_days": 0},
        {"session_days": 366},
        {"set_up_at": "2026-01-01T00:00:00Z"},
        {"version": 7},
        {"smtp_url": "smtp://evil"},
    ],
)
async def test_what_cannot_be_configured_is_refused(house: House, change: dict[str, Any]) -> None:
    admin = await house.visitor(Role.ADMIN)
    assert (await admin.patch(PATH, json=change)).status_code == 422
    assert (await admin.get(PATH)).json()["version"] == 1


@pytest.mark.parametrize("role", [Role.USER, Role.MANAGER])
async def test_only_administrators_configure(house: House, role: Role) -> None:
    visitor = await house.visitor(role)
    for answer in (await visitor.get(PATH), await visitor.patch(PATH, json={"name": "Mine"})):
        assert (answer.status_code, answer.json()["code"]) == (403, "auth.role_required")


def test_what_the_row_holds_and_nobody_understands_falls_back_and_stays() -> None:
    stored = {"registration": "sometimes", "name": "Ours", "from_a_newer_program": 1}
    found = parsed(stored, 4)
    assert (found.registration, found.name, found.version) == ("closed", "Ours", 4)


async def test_what_another_version_keeps_in_the_row_survives_a_change(house: House) -> None:
    admin = await house.visitor(Role.ADMIN)
    async with house.database.system("test") as unit:
        await unit.execute(text("UPDATE installation SET configuration = '{\"later\": 1}'"))
    await admin.patch(PATH, json={"name": "Ours"})
    async with house.database.system("test") as unit:
        stored = await unit.scalar(text("SELECT configuration FROM installation"))
    assert stored == {"later": 1, "name": "Ours"}


@pytest.mark.parametrize("scope", [Scope.PERSON, Scope.FULL])
async def test_the_database_itself_refuses_a_persons_unit(house: House, scope: Scope) -> None:
    admin = await house.visitor(Role.ADMIN)
    with pytest.raises(DBAPIError, match="only administrators"):
        async with house.database.unit(Identity(scope, admin.id)) as unit:
            await configuration.write(unit, {"registration": "open"})
    for statement in ("DELETE FROM installation", "INSERT INTO installation DEFAULT VALUES"):
        with pytest.raises(DBAPIError, match="permission denied"):
            async with house.database.system("test") as unit:
                await unit.execute(text(statement))


async def set_name(database: Database, name: str) -> None:
    async with database.system("configuration") as unit:
        await configuration.write(unit, {"name": name})


async def test_it_is_read_once_however_many_ask(committed_database: Database) -> None:
    known = Known(committed_database)
    engine = committed_database.engine
    assert engine is not None
    asked: list[str] = []

    @event.listens_for(engine.sync_engine, "before_cursor_execute")
    def count(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if "FROM installation" in statement:
            asked.append(statement)

    found = await asyncio.gather(*(known.current() for _ in range(20)))
    assert {each.name for each in found} == {"Kontor"}
    await known.current()
    assert len(asked) == 1


async def test_a_change_elsewhere_is_heard_of(committed_database: Database, server: Server, copy: str) -> None:
    listener = Listener(server.app_url(copy))
    known = Known(committed_database, listener)
    async with listener.running():
        async with asyncio.timeout(10):
            await listener.connected.wait()
        assert (await known.current()).name == "Kontor"
        told = asyncio.Event()
        listener.on(CHANNEL, lambda payload: told.set() if payload else None)
        await set_name(committed_database, "Changed")
        async with asyncio.timeout(10):
            await told.wait()
        assert (await known.current()).name == "Changed"


async def test_whoever_is_deaf_asks_each_time(committed_database: Database, server: Server, copy: str) -> None:
    known = Known(committed_database, Listener(server.app_url(copy)))
    assert (await known.current()).name == "Kontor"
    await set_name(committed_database, "Changed")
    assert (await known.current()).name == "Changed"


async def test_everybody_is_told_the_name_that_was_given(house: House) -> None:
    admin, anybody = await house.visitor(Role.ADMIN), house.client()
    assert (await anybody.get("/installation")).json()["name"] == "Kontor"
    await admin.patch(PATH, json={"name": "Unser Kontor"})
    assert (await anybody.get("/installation")).json()["name"] == "Unser Kontor"


async def test_without_news_it_is_asked_again_after_a_while(committed_database: Database) -> None:
    known = Known(committed_database, fresh_seconds=0.0)
    assert (await known.current()).name == "Kontor"
    await set_name(committed_database, "Changed")
    assert (await known.current()).name == "Changed"


async def test_a_new_connection_forgets_what_was_known(committed_database: Database) -> None:
    known = Known(committed_database)
    await known.current()
    await set_name(committed_database, "Changed")
    known.heard("17 person:somebody")
    assert (await known.current()).name == "Kontor"
    known.heard(None)
    assert (await known.current()).name == "Changed"


async def test_of_two_who_change_at_once_both_are_kept(committed_database: Database) -> None:
    admin = Actor(UserId(new_id()), Role.ADMIN)

    async def change(wanted: ConfigurationChange) -> Configuration:
        async with committed_database.unit(admin.as_admin()) as unit:
            return await configuration.change(unit, admin, wanted, seen=None)

    await asyncio.gather(change(ConfigurationChange(name="Both")), change(ConfigurationChange(session_days=7)))
    found = await Known(committed_database).current()
    assert (found.name, found.session_days, found.version) == ("Both", 7, 3)
