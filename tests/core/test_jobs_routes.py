"""Jobs over HTTP: one's own to see and to cancel, all of them for administrators, every deed of theirs on record."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from kontor.accounts import audit
from kontor.core.database import Database
from kontor.core.ids import JobId, UserId
from kontor.core.jobs import schedules, service
from kontor.core.jobs.enqueueing import enqueue
from kontor.core.jobs.kinds import Every
from kontor.core.jobs.running import Running
from kontor.core.jobs.schemas import PauseSubject
from kontor.core.settings import Settings
from kontor.core.tenancy import Actor, Identity, Role, Scope
from tests.conftest import Server
from tests.factories.house import House, opened
from tests.factories.workshop import Note, Workshop, make_kind, make_person

WORK = make_kind()


@pytest.fixture
async def house(database: Database, settings: Settings) -> AsyncIterator[House]:
    async with opened(settings, database) as made:
        yield made


async def put(house: House, owner: UserId | None, number: int = 0, **more: Any) -> JobId:
    who = Identity(Scope.SYSTEM) if owner is None else Identity(Scope.PERSON, owner)
    async with house.database.unit(who) as unit:
        return await enqueue(unit, WORK, Note(number=number), owner_id=owner, **more)


async def set_state(house: House, job_id: UUID, state: str) -> None:
    """As a worker would have left it."""
    async with house.database.system("test") as unit:
        await unit.execute(
            text("""
                UPDATE job SET state = :state,
                    lease = CASE WHEN :state = 'running' THEN gen_random_uuid() END,
                    finished_at = CASE WHEN :state IN ('done', 'failed', 'dead', 'cancelled') THEN now() END,
                    error_code = CASE WHEN :state IN ('failed', 'dead') THEN 'test.refused' END,
                    error = CASE WHEN :state IN ('failed', 'dead') THEN 'holiday.pdf cannot be read' END
                WHERE id = :id
            """),
            {"state": state, "id": job_id},
        )


async def recorded(house: House) -> list[tuple[str, str, str | None]]:
    async with house.database.unit(Identity(Scope.ADMIN, UserId(uuid4()))) as unit:
        rows = await unit.execute(text("SELECT action, subject_kind, subject_id FROM audit_line ORDER BY id"))
        return [tuple(row) for row in rows]


async def test_people_see_their_own_jobs_page_by_page_newest_first(house: House) -> None:
    anna, bert = await house.visitor(), await house.visitor()
    mine = [str(await put(house, anna.id, number)) for number in range(5)]
    await put(house, bert.id)
    await put(house, None)
    seen: list[str] = []
    cursor = None
    while True:
        answer = (await anna.get("/jobs", params={"limit": 2} | ({"cursor": cursor} if cursor else {}))).json()
        seen += [item["id"] for item in answer["items"]]
        cursor = answer["next_cursor"]
        if cursor is None:
            break
    assert seen == mine[::-1]
    assert len((await bert.get("/jobs")).json()["items"]) == 1


async def test_a_job_looks_as_promised(house: House) -> None:
    anna = await house.visitor()
    job_id = await put(house, anna.id, title="Reading three files")
    item = (await anna.get("/jobs")).json()["items"][0]
    assert set(item) == {
        "id", "kind", "title", "state", "done", "total", "note", "error_code", "error", "attempts",
        "created_at", "started_at", "finished_at", "can_cancel",
    }  # fmt: skip
    assert (item["id"], item["title"], item["state"]) == (str(job_id), "Reading three files", "waiting")
    assert item["can_cancel"] is True


@pytest.mark.parametrize("state", ["failed", "dead"])
async def test_to_its_owner_a_job_that_was_given_up_has_failed(house: House, state: str) -> None:
    anna = await house.visitor()
    job_id = await put(house, anna.id)
    await set_state(house, job_id, state)
    items = (await anna.get("/jobs", params={"state": "failed"})).json()["items"]
    assert [(item["state"], item["error"]) for item in items] == [("failed", "holiday.pdf cannot be read")]
    assert (await anna.get("/jobs", params={"state": "done"})).json()["items"] == []


async def test_cancelling_before_it_runs_ends_it_at_once(house: House) -> None:
    anna = await house.visitor()
    for state in ("waiting", "queued"):
        job_id = await put(house, anna.id)
        await set_state(house, job_id, state)
        answer = await anna.post(f"/jobs/{job_id}/cancel")
        assert (answer.status_code, answer.json()["state"], answer.json()["can_cancel"]) == (200, "cancelled", False)
    told = [event["state"] for event in await house.events_of(anna.id, "job.changed")]
    assert told == ["waiting", "cancelled"] * 2


async def test_cancelling_what_runs_asks_its_handler(house: House) -> None:
    anna = await house.visitor()
    job_id = await put(house, anna.id)
    await set_state(house, job_id, "running")
    answer = await anna.post(f"/jobs/{job_id}/cancel")
    assert (answer.json()["state"], answer.json()["can_cancel"]) == ("running", False)


async def test_what_is_over_cannot_be_cancelled(house: House) -> None:
    anna = await house.visitor()
    job_id = await put(house, anna.id)
    for state, told in (("done", "done"), ("dead", "failed"), ("cancelled", "cancelled")):
        await set_state(house, job_id, state)
        answer = await anna.post(f"/jobs/{job_id}/cancel")
        assert (answer.status_code, answer.json()["code"]) == (409, "jobs.already_finished")
        assert answer.json()["state"] == told


async def test_a_strangers_job_and_no_job_get_the_same_answer(house: House) -> None:
    anna, bert = await house.visitor(), await house.visitor()
    job_id = await put(house, anna.id)
    hidden, missing = await bert.post(f"/jobs/{job_id}/cancel"), await bert.post(f"/jobs/{uuid4()}/cancel")
    assert (hidden.status_code, hidden.json()["code"]) == (404, "jobs.not_found")
    assert hidden.json() | {"request_id": None} == missing.json() | {"request_id": None}
    assert (await anna.get("/jobs")).json()["items"][0]["state"] == "waiting"


# The same in every process, because its name stands in the test's.
NOBODYS = UUID(int=7)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/admin/jobs"),
        ("GET", "/admin/jobs/periodic"),
        ("GET", "/admin/jobs/paused"),
        ("POST", "/admin/jobs/pause"),
        ("POST", "/admin/jobs/resume"),
        ("POST", f"/admin/jobs/{NOBODYS}/retry"),
        ("POST", f"/admin/jobs/{NOBODYS}/cancel"),
    ],
)
async def test_the_list_of_all_is_for_administrators(house: House, method: str, path: str) -> None:
    json = {"kind": "x"} if method == "POST" else None
    manager = await house.visitor(Role.MANAGER)
    answer = await manager.http.request(method, path, json=json)
    assert (answer.status_code, answer.json()["code"]) == (403, "auth.role_required")
    assert (await house.client().request(method, path, json=json)).status_code == 401


async def test_administrators_find_jobs_and_read_nothing_of_what_they_do(house: House) -> None:
    anna, admin = await house.visitor(), await house.visitor(Role.ADMIN)
    job_id = await put(house, anna.id, title="My secret plan")
    await set_state(house, job_id, "dead")
    await put(house, None)
    items = (await admin.get("/admin/jobs", params={"state": "dead"})).json()["items"]
    assert [(item["id"], item["owner_id"], item["error_code"]) for item in items] == [
        (str(job_id), str(anna.id), "test.refused")
    ]
    everything = (await admin.get("/admin/jobs")).text
    assert "secret plan" not in everything
    assert "holiday" not in everything
    assert len((await admin.get("/admin/jobs", params={"owner": str(anna.id)})).json()["items"]) == 1
    assert (await admin.get("/admin/jobs", params={"kind": "test.other"})).json()["items"] == []


async def test_a_dead_job_gets_all_its_tries_again(house: House) -> None:
    anna, admin = await house.visitor(), await house.visitor(Role.ADMIN)
    job_id = await put(house, anna.id)
    assert (await admin.post(f"/admin/jobs/{job_id}/retry")).json()["code"] == "jobs.not_repeatable"
    await set_state(house, job_id, "dead")
    answer = await admin.post(f"/admin/jobs/{job_id}/retry")
    assert answer.status_code == 200
    assert {key: answer.json()[key] for key in ("state", "attempts", "error_code", "can_retry", "finished_at")} == {
        "state": "waiting", "attempts": 0, "error_code": None, "can_retry": False, "finished_at": None,
    }  # fmt: skip
    assert await recorded(house) == [("job.retried", "job", str(job_id))]


async def test_a_job_whose_key_is_taken_again_is_not_repeated(house: House) -> None:
    anna, admin = await house.visitor(), await house.visitor(Role.ADMIN)
    job_id = await put(house, anna.id, key="one")
    await set_state(house, job_id, "failed")
    await put(house, anna.id, key="one")
    answer = await admin.post(f"/admin/jobs/{job_id}/retry")
    assert (answer.status_code, answer.json()["code"]) == (409, "jobs.already_open")


async def test_an_administrators_cancelling_is_recorded(house: House) -> None:
    anna, admin = await house.visitor(), await house.visitor(Role.ADMIN)
    job_id = await put(house, anna.id)
    assert (await admin.post(f"/admin/jobs/{job_id}/cancel")).json()["state"] == "cancelled"
    assert (await admin.post(f"/admin/jobs/{uuid4()}/cancel")).json()["code"] == "jobs.not_found"
    assert await recorded(house) == [("job.cancelled", "job", str(job_id))]


async def test_pausing_is_listed_recorded_and_lifted(house: House) -> None:
    anna, admin = await house.visitor(), await house.visitor(Role.ADMIN)
    for subject in ({"owner_id": str(anna.id)}, {"kind": "mail.send"}, {"kind": "mail.send"}):
        assert (await admin.post("/admin/jobs/pause", json=subject)).status_code == 204
    items = (await admin.get("/admin/jobs/paused")).json()["items"]
    assert [(item["owner_id"], item["kind"]) for item in items] == [(str(anna.id), None), (None, "mail.send")]
    assert (await admin.post("/admin/jobs/resume", json={"kind": "mail.send"})).status_code == 204
    assert len((await admin.get("/admin/jobs/paused")).json()["items"]) == 1
    assert [line[:2] for line in await recorded(house)] == [
        ("jobs.paused", "person"), ("jobs.paused", "job_kind"), ("jobs.paused", "job_kind"),
        ("jobs.resumed", "job_kind"),
    ]  # fmt: skip


@pytest.mark.parametrize("subject", [{}, {"kind": ""}, {"kind": "x", "owner_id": str(uuid4())}])
async def test_a_pause_names_one_thing(house: House, subject: dict[str, str]) -> None:
    admin = await house.visitor(Role.ADMIN)
    assert (await admin.post("/admin/jobs/pause", json=subject)).status_code == 422


async def test_schedules_and_their_last_job_are_listed(house: House) -> None:
    admin = await house.visitor(Role.ADMIN)
    async with house.database.system("test") as unit:
        await schedules.declare(unit, {"mail.sweep": Every.day_at(3), "events.sweep": Every(3600)})
    job_id = await put(house, None)
    async with house.database.system("test") as unit:
        await unit.execute(
            text("UPDATE job_schedule SET last_job_id = :id, last_run_at = now() WHERE kind = 'events.sweep'"),
            {"id": job_id},
        )
    items = (await admin.get("/admin/jobs/periodic")).json()["items"]
    assert [(item["kind"], item["every_seconds"], item["last_state"]) for item in items] == [
        ("events.sweep", 3600, "waiting"), ("mail.sweep", 86_400, None),
    ]  # fmt: skip


async def test_figures_count_what_is_there(house: House) -> None:
    anna = await house.visitor()
    for state in ("waiting", "queued", "running", "failed", "dead", "dead", "done"):
        await set_state(house, await put(house, anna.id), state)
    async with house.database.system("test") as unit:
        found = await service.stats(unit)
        counts = await service.counts(unit)
    assert (found.running, found.waiting, found.failed_24h, found.dead) == (1, 2, 3, 2)
    assert 0 <= found.oldest_seconds < 60
    assert dict(counts) == {"waiting": 1, "queued": 1, "running": 1, "failed": 1, "dead": 2}


@pytest.fixture
def workshop(server: Server, copy: str, committed_database: Database) -> Workshop:
    return Workshop(committed_database, server.app_url(copy))


async def test_a_running_job_ends_soon_after_it_was_cancelled(workshop: Workshop) -> None:
    owner, started, seen = make_person(), asyncio.Event(), []

    async def sleep(job: Running, args: Note) -> None:
        await job.progress(3, 10)
        started.set()
        try:
            await asyncio.sleep(60)
        finally:
            seen.append(job.cancelled)

    async with workshop.worker((WORK, sleep), beat_seconds=30):
        job_id = await workshop.put(WORK, owner=owner)
        await started.wait()
        began = asyncio.get_running_loop().time()
        actor = Actor(owner, Role.USER)
        async with workshop.database.unit(actor) as unit:
            await service.cancel_mine(unit, actor, job_id)
        row = await workshop.until(job_id, "cancelled")
        took = asyncio.get_running_loop().time() - began
    assert took < 2
    assert seen == [True]
    assert (row.done, row.total, row.lease) == (3, 10, None)


async def test_a_cancelled_job_gives_its_seat_to_the_next(workshop: Workshop) -> None:
    owner, gate = make_person(), asyncio.Event()

    async def wait(job: Running, args: Note) -> None:
        await gate.wait()

    actor = Actor(owner, Role.USER)
    async with workshop.worker((WORK, wait), per_person=1):
        first, second = [await workshop.put(WORK, number, owner=owner) for number in range(2)]
        await workshop.until(first, "running")
        async with workshop.database.unit(actor) as unit:
            await service.cancel_mine(unit, actor, first)
        await workshop.until(second, "running")
        gate.set()
        await workshop.until(second, "done")


async def test_nothing_of_a_paused_person_or_kind_starts_until_it_is_resumed(workshop: Workshop) -> None:
    paused, other, kind = make_person(), make_person(), make_kind("test.other")
    admin = Actor(make_person(), Role.ADMIN)
    by_person, by_kind = PauseSubject(owner_id=paused), PauseSubject(kind=kind.name)

    async def work(job: Running, args: Note) -> None:
        return

    async with workshop.worker((WORK, work), (kind, work)):
        async with workshop.database.unit(admin.as_admin()) as unit:
            await service.pause(unit, admin, audit.Trail(), by_person)
            await service.pause(unit, admin, audit.Trail(), by_kind)
        held = [await workshop.put(WORK, owner=paused), await workshop.put(kind, owner=other)]
        await workshop.until(await workshop.put(WORK, owner=other), "done")
        assert [(await workshop.row(job_id)).state for job_id in held] == ["waiting", "waiting"]
        async with workshop.database.unit(admin.as_admin()) as unit:
            await service.resume(unit, admin, audit.Trail(), by_person)
            await service.resume(unit, admin, audit.Trail(), by_kind)
        for job_id in held:
            await workshop.until(job_id, "done")
