"""Full access: for a time, with a reason, proved, recorded, and seen by those whose content was read."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from kontor.accounts.audit import person
from kontor.accounts.callers import Caller
from kontor.accounts.full_access import FullAccessRequired, reading
from kontor.core.clock import clock
from kontor.core.ids import UserId, new_id
from kontor.core.tenancy import Actor, Role
from tests.factories.accounts import make_account, signed_in_browser
from tests.factories.house import House, Visitor

PATH = "/admin/full-access"
WISH = {"reason": "Looking for a lost contract", "minutes": 30}


async def give_file(house: House, owner: UserId, name: str = "Vertrag.pdf") -> None:
    async with house.database.system("test") as unit:
        values = {"owner": owner, "sha": b"\1" * 32, "name": name, "id": new_id(), "generation": new_id()}
        await unit.execute(text("INSERT INTO blob_usage (owner_id, used_bytes) VALUES (:owner, 5)"), values)
        await unit.execute(
            text("INSERT INTO blob_object (owner_id, sha256, size, generation) VALUES (:owner, :sha, 5, :generation)"),
            values,
        )
        await unit.execute(
            text("INSERT INTO blob (id, owner_id, sha256, name, media_type) VALUES (:id, :owner, :sha, :name, 'a/b')"),
            values,
        )


async def actions(visitor: Visitor, path: str) -> list[str]:
    return [each["action"] for each in (await visitor.get(path)).json()["items"]]


async def test_content_is_refused_without_a_stated_reason(house: House) -> None:
    admin, anna = await house.visitor(Role.ADMIN), await house.visitor()
    await give_file(house, anna.id)
    answer = await admin.get(f"/admin/users/{anna.id}/files")
    assert (answer.status_code, answer.json()["code"]) == (403, "full_access.required")
    assert await actions(anna, "/audit/mine") == []


async def test_with_it_content_is_read_and_its_owner_knows(house: House) -> None:
    admin, anna = await house.visitor(Role.ADMIN), await house.visitor()
    await give_file(house, anna.id)
    granted = await admin.post(PATH, json=WISH)
    assert granted.status_code == 201
    assert granted.json()["reason"] == WISH["reason"]
    for _ in range(2):
        files = await admin.get(f"/admin/users/{anna.id}/files")
        assert [each["name"] for each in files.json()["items"]] == ["Vertrag.pdf"]
    assert await actions(anna, "/audit/mine") == ["full_access.content_read"] * 2
    # A line for every reading, one notice for all of them.
    notices = (await anna.get("/notifications")).json()["items"]
    assert [(each["kind"], each["data"]) for each in notices] == [("full_access.used", {"subject_kind": "person"})]


async def test_where_owners_are_not_to_see_it_the_record_sees_it_all_the_same(house: House) -> None:
    admin, anna = await house.visitor(Role.ADMIN), await house.visitor()
    await admin.patch("/admin/configuration", json={"owners_see_full_access": False})
    await admin.post(PATH, json=WISH)
    assert (await admin.get(f"/admin/users/{anna.id}/files")).status_code == 200
    assert await actions(anna, "/audit/mine") == []
    assert (await anna.get("/notifications")).json()["items"] == []
    assert (await actions(admin, "/admin/audit"))[0] == "full_access.content_read"


async def test_it_is_shown_while_it_lasts_and_ends_by_itself(house: House) -> None:
    admin, anna = await house.visitor(Role.ADMIN), await house.visitor()
    assert (await admin.get(PATH)).json() is None
    granted = (await admin.post(PATH, json={**WISH, "minutes": 5})).json()
    assert (await admin.get(PATH)).json() == granted
    assert (await admin.get("/auth/me")).json()["full_access"] == granted
    # Short of the life of an access token, so that it is the grant that ends.
    clock.advance(timedelta(minutes=5, seconds=1))
    assert (await admin.get(PATH)).json() is None
    assert (await admin.get("/auth/me")).json()["full_access"] is None
    assert (await admin.get(f"/admin/users/{anna.id}/files")).status_code == 403


async def test_switching_it_off_is_recorded_once_and_told(house: House) -> None:
    admin, anna = await house.visitor(Role.ADMIN), await house.visitor()
    await admin.post(PATH, json=WISH)
    assert [(await admin.delete(PATH)).status_code for _ in range(2)] == [204, 204]
    assert (await admin.get(f"/admin/users/{anna.id}/files")).status_code == 403
    assert await actions(admin, "/admin/audit") == ["full_access.ended", "full_access.started"]
    told = await house.events_of(admin.id, "full_access.changed")
    assert [each["until"] is None for each in told] == [False, True]


async def test_the_reason_and_the_time_stand_in_the_record(house: House) -> None:
    admin = await house.visitor(Role.ADMIN)
    await admin.post(PATH, json=WISH)
    line = (await admin.get("/admin/audit")).json()["items"][0]
    assert line["details"] == WISH


async def test_it_hangs_on_the_session_that_switched_it_on(house: House) -> None:
    admin, anna = await house.visitor(Role.ADMIN), await house.visitor()
    await admin.post(PATH, json=WISH)
    other = await house.sign_in(admin.id)
    assert (await other.get(PATH)).json() is None
    assert (await other.get(f"/admin/users/{anna.id}/files")).status_code == 403


@pytest.mark.parametrize(
    "wish",
    [
        {"reason": "because", "minutes": 30},
        {"reason": " " * 20, "minutes": 30},
        {"reason": "x" * 501, "minutes": 30},
        {**WISH, "minutes": 0},
        {**WISH, "minutes": 481},
        {"reason": "Looking for a lost contract"},
        {**WISH, "until": "2099-01-01T00:00:00Z"},
    ],
)
async def test_without_a_reason_or_an_end_there_is_none(house: House, wish: dict[str, Any]) -> None:
    admin = await house.visitor(Role.ADMIN)
    assert (await admin.post(PATH, json=wish)).status_code == 422
    assert (await admin.get(PATH)).json() is None


@pytest.mark.parametrize("role", [Role.USER, Role.MANAGER])
async def test_it_is_the_administrators_alone(house: House, role: Role) -> None:
    visitor = await house.visitor(role)
    for answer in (await visitor.post(PATH, json=WISH), await visitor.get(PATH), await visitor.delete(PATH)):
        assert answer.status_code == 403


async def test_a_token_never_carries_it(house: House) -> None:
    account = await make_account(house, role=Role.ADMIN)
    browser = await signed_in_browser(house, account)
    made = await browser.post(
        "/auth/tokens", json={"name": "t", "scopes": ["admin:read", "admin:write"], "expires_in_days": 1}
    )
    client = house.client(headers={"Authorization": f"Bearer {made.json()['token']}"})
    answer = await client.post(PATH, json=WISH)
    assert (answer.status_code, answer.json()["code"]) == (403, "auth.session_required")


async def test_no_unit_reads_content_without_the_grant(house: House) -> None:
    admin, anna = await house.visitor(Role.ADMIN), await house.visitor()
    for actor in (admin.actor, Actor(anna.id, Role.USER, full_access_until=clock.now() + timedelta(hours=1))):
        with pytest.raises(FullAccessRequired):
            async with reading(house.kernel, actor, anna.id, person(anna.id), Caller()):
                raise AssertionError("never gets here")


async def test_full_access_reads_and_does_not_write(house: House) -> None:
    admin, anna = await house.visitor(Role.ADMIN), await house.visitor()
    await give_file(house, anna.id)
    await anna.put("/desk", json={"tabs": []})
    async with house.database.unit(admin.actor.with_full_access()) as unit:
        assert await unit.scalar(text("SELECT count(*) FROM blob")) == 1
        assert await unit.scalar(text("SELECT count(*) FROM desk")) == 0
        changed = await unit.execute(text("UPDATE blob SET name = 'other' RETURNING id"))
        assert changed.all() == []


async def test_it_keeps_nobody_from_signing_out(house: House) -> None:
    for way in ("one", "others", "out"):
        admin = await house.visitor(Role.ADMIN)
        assert (await admin.post(PATH, json=WISH)).status_code == 201
        match way:
            case "one":
                answer = await admin.delete(f"/auth/sessions/{admin.session_id}")
            case "others":
                answer = await (await house.sign_in(admin.id)).delete("/auth/sessions")
            case _:
                answer = await admin.post("/auth/logout")
        assert answer.status_code in {200, 204}, (way, answer.text)
        assert (await admin.get("/auth/me")).status_code == 401
