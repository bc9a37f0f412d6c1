"""What is brought to a person's notice: put in by anybody who must, read by its owner alone."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import text

from kontor.accounts import notifications
from kontor.accounts.notifications import Notice, notify, notify_managers
from kontor.core.clock import clock
from kontor.core.database import Database
from kontor.core.ids import UserId
from kontor.core.jobs.errors import JobNotFound
from kontor.core.jobs.kinds import ONCE
from kontor.core.jobs.running import Running
from kontor.core.settings import Settings
from kontor.core.tenancy import Role
from kontor.worker.parts import add_accounts
from tests.conftest import Server
from tests.factories.house import House, Visitor, opened
from tests.factories.workshop import Note, Workshop, make_kind, make_person


async def put(house: House, owner_id: UserId, kind: Notice = Notice.JOB_FAILED, **more: Any) -> bool:
    async with house.database.system("test") as unit:
        return await notify(unit, owner_id, kind, {"n": 1}, **more)


async def kinds_of(visitor: Visitor) -> list[str]:
    return [each["kind"] for each in (await visitor.get("/notifications")).json()["items"]]


async def test_a_notice_is_found_by_its_owner_and_by_nobody_else(house: House) -> None:
    anna, ben = await house.visitor(), await house.visitor(Role.ADMIN)
    assert await put(house, anna.id, Notice.NEW_DEVICE)
    found = (await anna.get("/notifications")).json()
    assert (found["total"], found["items"][0]["kind"], found["items"][0]["data"]) == (1, "sign_in.new_device", {"n": 1})
    assert await kinds_of(ben) == []
    async with house.database.unit(ben.actor.as_admin()) as unit:
        assert await unit.scalar(text("SELECT count(*) FROM notification")) == 0
    assert await house.events_of(anna.id, "notification.created") == [
        {"id": found["items"][0]["id"], "kind": "sign_in.new_device"}
    ]


async def test_the_second_arrival_of_the_same_changes_nothing(house: House) -> None:
    anna, ben = await house.visitor(), await house.visitor()
    assert [await put(house, each, key="job-1") for each in (anna.id, anna.id, ben.id)] == [True, False, True]
    assert len(await house.events_of(anna.id, "notification.created")) == 1


async def test_a_silenced_kind_is_not_put_in(house: House) -> None:
    anna = await house.visitor()
    await anna.patch("/settings", json={"notifications": {"jobs": False}})
    assert not await put(house, anna.id, Notice.JOB_FAILED)
    assert await put(house, anna.id, Notice.NEW_DEVICE)
    assert await put(house, anna.id, Notice.FULL_ACCESS)
    assert await kinds_of(anna) == ["full_access.used", "sign_in.new_device"]


async def test_an_administrators_unit_may_put_in_but_not_look(house: House) -> None:
    anna, admin = await house.visitor(), await house.visitor(Role.ADMIN)
    for identity in (admin.actor.as_admin(), admin.actor.with_full_access()):
        async with house.database.unit(identity) as unit:
            assert await notify(unit, anna.id, Notice.FULL_ACCESS, {}, key=identity.scope)
            assert not await notify(unit, anna.id, Notice.FULL_ACCESS, {}, key=identity.scope)
    assert len(await kinds_of(anna)) == 2


async def test_those_who_may_approve_are_told(house: House) -> None:
    admin, manager = await house.visitor(Role.ADMIN), await house.visitor(Role.MANAGER)
    user, asleep = await house.visitor(), await house.person(Role.ADMIN, state="suspended")
    async with house.database.system("people") as unit:
        await notify_managers(unit, Notice.APPROVAL_WAITING, {"person_id": str(uuid4())})
    assert [await kinds_of(each) for each in (admin, manager, user)] == [["approval.waiting"]] * 2 + [[]]
    async with house.database.system("test") as unit:
        waiting = await unit.scalar(text("SELECT count(*) FROM notification WHERE owner_id = :id"), {"id": asleep})
    assert waiting == 0


async def test_reading_marks_what_was_named_and_only_ones_own(house: House) -> None:
    anna, ben = await house.visitor(), await house.visitor()
    for _ in range(3):
        await put(house, anna.id)
    ids = [each["id"] for each in (await anna.get("/notifications")).json()["items"]]
    assert (await ben.post("/notifications/read", json={"ids": ids})).status_code == 204
    assert (await anna.get("/notifications")).json()["total"] == 3
    assert (await anna.post("/notifications/read", json={"ids": ids[:1]})).status_code == 204
    unread = (await anna.get("/notifications", params={"unread": True})).json()
    assert ([each["id"] for each in unread["items"]], unread["total"]) == (ids[1:], 2)
    await anna.post("/notifications/read", json={"all": True})
    assert (await anna.get("/notifications")).json()["total"] == 0


async def test_it_must_be_said_which_were_read(house: House) -> None:
    anna = await house.visitor()
    bodies: list[dict[str, Any]] = [{}, {"all": True, "ids": [str(uuid4())]}, {"ids": []}]
    for body in bodies:
        assert (await anna.post("/notifications/read", json=body)).status_code == 422


async def test_pages_neither_repeat_nor_leave_out_when_new_ones_arrive(house: House) -> None:
    anna = await house.visitor()
    for _ in range(7):
        await put(house, anna.id)
    everything = [each["id"] for each in (await anna.get("/notifications")).json()["items"]]
    seen: list[str] = []
    cursor = None
    while True:
        params = {"limit": 2, **({"cursor": cursor} if cursor else {})}
        page = (await anna.get("/notifications", params=params)).json()
        seen += [each["id"] for each in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
        await put(house, anna.id)
    assert seen == everything


async def test_a_cursor_that_is_not_ours_is_refused(house: House) -> None:
    anna = await house.visitor()
    answer = await anna.get("/notifications", params={"cursor": "bm90IG91cnM"})
    assert (answer.status_code, answer.json()["code"]) == (422, "http.bad_cursor")


async def test_old_notices_are_swept(house: House) -> None:
    anna = await house.visitor()
    await put(house, anna.id)
    clock.advance(notifications.KEPT + timedelta(days=1))
    async with house.database.system("sweep") as unit:
        assert await notifications.sweep(unit) == 1


async def test_a_person_hears_that_a_job_of_theirs_has_failed(
    committed_database: Database, server: Server, copy: str, settings: Settings
) -> None:
    workshop, kind = Workshop(committed_database, server.app_url(copy)), make_kind(retry=ONCE)

    async def fail(_job: Running, _note: Note) -> None:
        raise JobNotFound

    async with opened(settings, committed_database) as house:
        anna = await house.visitor()
        add_accounts(house.kernel)
        async with workshop.worker((kind, fail)):
            failed, orphan = await workshop.put(kind, owner=anna.id), await workshop.put(kind, owner=make_person())
            await workshop.until(failed, "failed", "dead")
            await workshop.until(orphan, "failed", "dead")
        notices = (await anna.get("/notifications")).json()["items"]
    assert [(each["kind"], each["data"]["job_id"]) for each in notices] == [("job.failed", str(failed))]


async def test_nobody_is_told_who_is_not_there_any_more(house: House) -> None:
    assert not await put(house, make_person())
