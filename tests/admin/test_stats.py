"""Numbers and checks for administrators."""

from datetime import timedelta

from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncConnection

from kontor.accounts import audit
from kontor.accounts.audit import Action
from kontor.core.clock import clock
from kontor.core.ids import new_id
from kontor.core.tenancy import Role
from tests.factories.house import House


async def test_people_are_counted_by_their_standing(house: House) -> None:
    admin = await house.visitor(Role.ADMIN)
    for state in ("waiting", "waiting", "suspended", "unverified", "invited"):
        await house.person(state=state)
    found = (await admin.get("/admin/stats")).json()
    assert found["people"] == {"total": 6, "active": 1, "waiting": 2, "suspended": 1, "signed_in": 1}


async def test_the_numbers_are_there_and_make_sense(house: House) -> None:
    admin = await house.visitor(Role.ADMIN)
    found = (await admin.get("/admin/stats")).json()
    assert found["database"]["bytes"] > 0
    assert 0 < found["database"]["connections"] <= found["database"]["max_connections"]
    assert int(found["database"]["version"].split(".")[0]) >= 16
    assert 0 < found["storage"]["free_bytes"] <= found["storage"]["total_bytes"]
    assert found["mail"] == {"configured": False, "queued": 0, "failed": 0}
    assert found["jobs"]["running"] == 0
    assert found["uptime_seconds"] > 0
    assert found["version"]


async def test_files_are_counted_without_looking_into_them(house: House) -> None:
    admin, anna = await house.visitor(Role.ADMIN), await house.person()
    async with house.database.system("test") as unit:
        values = {"owner": anna, "generation": new_id()}
        await unit.execute(text("INSERT INTO blob_usage (owner_id, used_bytes) VALUES (:owner, 700)"), values)
        await unit.execute(
            text(
                "INSERT INTO blob_object (owner_id, sha256, size, generation)"
                " VALUES (:owner, decode(repeat('01', 32), 'hex'), 700, :generation)"
            ),
            values,
        )
    storage = (await admin.get("/admin/stats")).json()["storage"]
    assert (storage["used_bytes"], storage["objects"]) == (700, 1)


async def test_sign_ins_are_counted_by_the_readers_own_days(house: House) -> None:
    admin = await house.visitor(Role.ADMIN)
    noon = clock.now().replace(hour=23, minute=30)
    clock.set(noon)
    async with house.database.system("test") as unit:
        await audit.write(unit, action=Action.SIGNED_IN, actor=admin.actor)
        await audit.write(unit, action=Action.SIGN_IN_FAILED)
    admin = await house.sign_in(admin.id)
    series = (await admin.get("/admin/stats")).json()["sign_ins"]
    assert len(series) == 30
    assert series[-1] == {"day": noon.date().isoformat(), "count": 1}
    assert sum(each["count"] for each in series) == 1
    await admin.patch("/settings", json={"timezone": "Asia/Tokyo"})
    tomorrow = (noon + timedelta(days=1)).date().isoformat()
    assert (await admin.get("/admin/stats")).json()["sign_ins"][-1] == {"day": tomorrow, "count": 1}


async def test_the_statistics_take_few_queries(house: House, connection: AsyncConnection) -> None:
    admin = await house.visitor(Role.ADMIN)
    for _ in range(3):
        await house.person()
    asked: list[str] = []

    def count(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if statement.lstrip().upper().startswith(("SELECT", "WITH")) and "set_config" not in statement:
            asked.append(statement)

    event.listen(connection.sync_connection, "before_cursor_execute", count)
    await admin.get("/admin/stats")
    # One to recognise the administrator, five for the numbers.
    assert len(asked) <= 6, asked


async def test_a_list_takes_as_many_queries_for_many_as_for_few(house: House, connection: AsyncConnection) -> None:
    admin = await house.visitor(Role.ADMIN)
    asked: list[str] = []

    def count(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        asked.append(statement)

    event.listen(connection.sync_connection, "before_cursor_execute", count)
    await admin.get("/admin/users")
    few = len(asked)
    for _ in range(20):
        await house.person()
    asked.clear()
    await admin.get("/admin/users")
    assert len(asked) == few


async def test_the_checks_are_the_doctors_in_the_readers_language(house: House) -> None:
    admin = await house.visitor(Role.ADMIN)
    for path in ("/admin/checks", "/setup/checks"):
        found = (await admin.get(path)).json()
        assert {each["state"] for each in found["items"]} <= {"ok", "warn", "fail", "skip"}
        assert "disk" in {each["id"] for each in found["items"]}
    english = {each["id"]: each["title"] for each in found["items"]}
    german = (await admin.get("/admin/checks", headers={"Accept-Language": "de-AT,en;q=0.5"})).json()
    assert {each["id"]: each["title"] for each in german["items"]} != english
    await admin.patch("/settings", json={"language": "en"})
    again = (await admin.get("/admin/checks", headers={"Accept-Language": "de"})).json()
    assert {each["id"]: each["title"] for each in again["items"]} == english


async def test_checks_are_an_administrators(house: House) -> None:
    for role in (Role.USER, Role.MANAGER):
        visitor = await house.visitor(role)
        for path in ("/admin/checks", "/setup/checks", "/admin/stats"):
            assert (await visitor.get(path)).status_code == 403
