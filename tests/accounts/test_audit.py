"""The record: written with the deed, never changed, read by those it concerns."""

import csv
import io
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from kontor.accounts import audit
from kontor.accounts.audit import Action, Filter, csv_lines, harmless
from kontor.accounts.personal_tables import AuditLine
from kontor.core.clock import clock, now
from kontor.core.ids import JobId, new_id
from kontor.core.jobs.running import Progress, Running
from kontor.core.paging import Cursor
from kontor.core.tenancy import Identity, Role, Scope
from kontor.core.trail import Subject
from kontor.worker import parts
from tests.factories.house import House, Visitor


async def write(house: House, **line: Any) -> None:
    async with house.database.system("test") as unit:
        await audit.write(unit, **line)


async def lines(house: House) -> list[dict[str, Any]]:
    async with house.database.system("test") as unit:
        return [dict(row._mapping) for row in await unit.execute(text("SELECT * FROM audit_line ORDER BY id"))]


async def sweep(house: House) -> None:
    """By the job, as the clock brings it."""
    parts.add_accounts(house.kernel)
    entry = house.kernel.jobs.entries[parts.SWEEP_ACCOUNTS.name]
    job = Running(
        job_id=JobId(new_id()),
        kind=entry.kind.name,
        owner_id=None,
        attempt=1,
        key=None,
        database=house.database,
        report=_unheard,
    )
    await entry.handler(job, entry.kind.args())


async def _unheard(progress: Progress) -> None: ...


async def actions(visitor: Visitor, path: str = "/admin/audit", **params: Any) -> list[str]:
    answer = await visitor.get(path, params=params)
    assert answer.status_code == 200, answer.text
    return [each["action"] for each in answer.json()["items"]]


@pytest.mark.parametrize("scope", list(Scope))
@pytest.mark.parametrize(
    "statement",
    ["UPDATE audit_line SET action = 'a.b', address = NULL", "DELETE FROM audit_line", "TRUNCATE audit_line"],
)
async def test_a_line_is_never_changed_and_never_taken_back(house: House, scope: Scope, statement: str) -> None:
    admin = await house.visitor(Role.ADMIN)
    await write(house, action=Action.SIGNED_IN, actor=admin.actor)
    with pytest.raises(DBAPIError, match="permission denied"):
        async with house.database.unit(Identity(scope, admin.id)) as unit:
            await unit.execute(text(statement))
    assert await actions(admin) == ["sign_in.succeeded"]


async def test_the_owner_of_the_table_cannot_either(owner_connection: AsyncConnection) -> None:
    """Not even with the policies lifted: then the trigger is what is left."""
    await owner_connection.execute(text("ALTER TABLE audit_line NO FORCE ROW LEVEL SECURITY"))
    old = "now() - interval '8 days'"
    await owner_connection.execute(text(f"INSERT INTO audit_line (action, address, at) VALUES ('a.b', '::1', {old})"))
    for statement in (
        "UPDATE audit_line SET action = 'c.d'",
        "UPDATE audit_line SET action = 'c.d', address = NULL",
        "UPDATE audit_line SET address = NULL, at = now()",
        "UPDATE audit_line SET address = '::2'",
        "DELETE FROM audit_line",
        "TRUNCATE audit_line",
    ):
        with pytest.raises(DBAPIError, match="only ever added to"):
            async with owner_connection.begin_nested():
                await owner_connection.execute(text(statement))


async def test_addresses_are_forgotten_when_they_are_old_and_nothing_else_is(house: House) -> None:
    admin = await house.visitor(Role.ADMIN)
    for days in (100, 91, 89):
        clock.reset()
        clock.advance(timedelta(days=-days))
        await write(house, action=Action.SIGNED_IN, actor=admin.actor, address="192.0.2.1", details={"days": days})
    clock.reset()
    before = await lines(house)
    await sweep(house)
    after = await lines(house)
    assert [each["address"] for each in after] == [None, None, "192.0.2.1"]
    assert [{**each, "address": "192.0.2.1"} for each in after] == before


@pytest.mark.parametrize(("scope", "days"), [(Scope.PERSON, 8), (Scope.ADMIN, 8), (Scope.FULL, 8), (Scope.SYSTEM, 6)])
async def test_an_address_is_forgotten_by_nobody_else_and_not_within_a_week(
    house: House, scope: Scope, days: int
) -> None:
    admin = await house.visitor(Role.ADMIN)
    clock.advance(timedelta(days=-days))
    await write(house, action=Action.SIGNED_IN, actor=admin.actor, address="192.0.2.1")
    clock.reset()
    async with house.database.unit(Identity(scope, admin.id)) as unit:
        await unit.execute(text("UPDATE audit_line SET address = NULL"))
    assert [each["address"] for each in await lines(house)] == ["192.0.2.1"]


async def test_an_address_is_not_made_up_later(house: House) -> None:
    admin = await house.visitor(Role.ADMIN)
    clock.advance(timedelta(days=-8))
    await write(house, action=Action.SIGNED_IN, actor=admin.actor, address="192.0.2.1")
    clock.reset()
    with pytest.raises(DBAPIError, match=r"row-level security|only ever added to"):
        async with house.database.system("test") as unit:
            await unit.execute(text("UPDATE audit_line SET address = '192.0.2.2'"))


async def test_nobody_writes_in_somebody_elses_name(house: House) -> None:
    anna, ben = await house.visitor(), await house.visitor()
    with pytest.raises(DBAPIError, match="row-level security"):
        async with house.database.unit(ben.actor) as unit:
            await audit.write(unit, action=Action.PASSWORD_CHANGED, actor=anna.actor)


async def test_a_deed_that_fails_leaves_no_line(house: House) -> None:
    admin = await house.visitor(Role.ADMIN)

    async def fail() -> None:
        async with house.database.unit(admin.actor.as_admin()) as unit:
            await audit.write(unit, action=Action.PERSON_DELETED, actor=admin.actor)
            raise LookupError

    with pytest.raises(LookupError):
        await fail()
    assert await actions(admin) == []


async def test_only_known_deeds_are_recorded(house: House) -> None:
    with pytest.raises(ValueError, match="is not a valid Action"):
        await write(house, action="something.else")


def test_every_deed_has_a_name_that_the_table_takes() -> None:
    assert len({action.value for action in Action}) == len(Action)
    assert all(set(action.value) <= set("abcdefghijklmnopqrstuvwxyz_.") and "." in action.value for action in Action)


async def test_a_line_says_which_request_and_from_where(house: House) -> None:
    admin, anna = await house.visitor(Role.ADMIN), await house.person()
    request_id = uuid4().hex
    await admin.patch(f"/admin/users/{anna}", json={"name": "Anne"}, headers={"X-Request-ID": request_id})
    line = (await admin.get("/admin/audit")).json()["items"][0]
    assert (line["request_id"], line["address"]) == (request_id, "192.0.2.7")


async def test_what_the_core_records_says_so_too(house: House) -> None:
    admin = await house.visitor(Role.ADMIN)
    answer = await admin.post("/admin/jobs/pause", json={"kind": "test.work"})
    assert answer.status_code == 204
    line = (await admin.get("/admin/audit")).json()["items"][0]
    assert (line["action"], line["address"], line["actor"]["id"]) == ("jobs.paused", "192.0.2.7", str(admin.id))
    assert line["subject"] == {"kind": "job_kind", "id": "test.work", "name": None}


async def test_lines_name_people_as_they_are_called_now(house: House) -> None:
    admin, anna = await house.visitor(Role.ADMIN, name="Root"), await house.person(name="Anna")
    await admin.patch(f"/admin/users/{anna}", json={"name": "Anne"})
    line = (await admin.get("/admin/audit")).json()["items"][0]
    assert line["actor"] == {"id": str(admin.id), "name": "Root", "role": "admin"}
    assert line["subject"] == {"kind": "person", "id": str(anna), "name": "Anne"}
    assert line["details"] == {"name": True}


async def test_whoever_is_deleted_is_a_pseudonym_from_then_on(house: House) -> None:
    admin, anna = await house.visitor(Role.ADMIN), await house.visitor(name="Anna Unverwechselbar")
    await write(house, action=Action.SIGNED_IN, actor=anna.actor, subject=audit.person(anna.id))
    await admin.delete(f"/admin/users/{anna.id}")
    lines = (await admin.get("/admin/audit")).json()["items"]
    assert [line["action"] for line in lines] == ["person.deleted", "sign_in.succeeded"]
    assert lines[1]["actor"] == {"id": str(anna.id), "name": None, "role": "user"}
    async with house.database.system("test") as unit:
        whole = await unit.scalar(text("SELECT string_agg(audit_line::text, ' ') FROM audit_line"))
    assert "Unverwechselbar" not in str(whole)


async def test_the_record_is_filtered(house: House) -> None:
    admin, anna = await house.visitor(Role.ADMIN), await house.visitor(name="Anna Wiese", email="wiese@example.org")
    begin = now()
    await write(house, action=Action.SIGNED_IN, actor=anna.actor, address="203.0.113.9")
    clock.advance(timedelta(hours=1))
    await write(house, action=Action.PERSON_CHANGED, actor=admin.actor, subject=audit.person(anna.id))
    await write(house, action=Action.JOB_RETRIED, actor=admin.actor, subject=Subject("job", "7", "documents.parse"))
    hour = begin + timedelta(minutes=30)
    admin = await house.sign_in(admin.id)
    assert await actions(admin, actor=str(anna.id)) == ["sign_in.succeeded"]
    assert await actions(admin, about=str(anna.id)) == ["person.changed", "sign_in.succeeded"]
    assert await actions(admin, about="7") == ["job.retried"]
    assert await actions(admin, action="person") == ["person.changed"]
    assert await actions(admin, action="person.changed") == ["person.changed"]
    assert await actions(admin, action="perso") == []
    assert await actions(admin, since=hour.isoformat()) == ["job.retried", "person.changed"]
    assert await actions(admin, until=hour.isoformat()) == ["sign_in.succeeded"]
    assert await actions(admin, search="WIESE") == ["person.changed", "sign_in.succeeded"]
    assert await actions(admin, search="wiese@") == ["person.changed", "sign_in.succeeded"]
    assert await actions(admin, search="parse") == ["job.retried"]
    assert await actions(admin, search="203.0.113.9") == ["sign_in.succeeded"]
    assert await actions(admin, search="%") == []


@pytest.mark.parametrize("about", ["7", "0197c8a0-0000-7000-8000-000000000007"])
async def test_what_a_line_is_about_is_looked_up_and_not_looked_for(house: House, about: str) -> None:
    """At 200,000 lines the whole record was read for it. The policy of the table stands in the way of no index here."""
    admin = await house.visitor(Role.ADMIN)
    query = audit.selected(Filter(about=about)).order_by(AuditLine.id.desc()).limit(51)
    async with house.database.unit(admin.actor.as_admin()) as unit:
        dialect = (await unit.connection()).dialect
        written = query.compile(dialect=dialect, compile_kwargs={"literal_binds": True})
        await unit.execute(text("SET LOCAL enable_seqscan = off"))
        plan = "\n".join((await unit.execute(text(f"EXPLAIN {written}".replace(":", "\\:")))).scalars())
    assert "audit_line_subject_id_id_idx" in plan and "Seq Scan" not in plan, plan


@pytest.mark.parametrize(
    "params",
    [
        {"actor": "x"},
        {"about": "\0"},
        {"action": "a'b"},
        {"since": "yesterday"},
        {"since": "2026-01-01T00:00:00"},
        {"search": "\0"},
    ],
)
async def test_filters_that_are_none_are_refused(house: House, params: dict[str, str]) -> None:
    admin = await house.visitor(Role.ADMIN)
    assert (await admin.get("/admin/audit", params=params)).status_code == 422


async def test_pages_of_the_record_neither_repeat_nor_leave_out(house: House) -> None:
    admin = await house.visitor(Role.ADMIN)
    for _ in range(5):
        await write(house, action=Action.SIGNED_IN, actor=admin.actor)
    expected = [each["id"] for each in (await admin.get("/admin/audit")).json()["items"]]
    seen: list[int] = []
    cursor: str | None = None
    while True:
        page = (await admin.get("/admin/audit", params={"limit": 2, **({"cursor": cursor} if cursor else {})})).json()
        seen += [each["id"] for each in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
        await write(house, action=Action.SIGNED_OUT, actor=admin.actor)
    assert seen == expected


@pytest.mark.parametrize("value", [10**30, -(10**30), "x", None, "1e3", 1.5])
async def test_a_cursor_that_no_column_holds_is_refused(house: House, value: object) -> None:
    admin = await house.visitor(Role.ADMIN)
    answer = await admin.get("/admin/audit", params={"cursor": Cursor.encode([value])})
    assert (answer.status_code, answer.json()["code"]) == (422, "http.bad_cursor")


@pytest.mark.parametrize(
    ("at", "status"),
    [
        ("0001-01-01T00:00:00+14:00", 422),
        ("9999-12-31T23:59:59-14:00", 422),
        ("0001-01-01T00:00:00Z", 200),
        ("9999-12-31T23:59:59Z", 200),
    ],
)
@pytest.mark.parametrize("path", ["/admin/audit", "/admin/audit.csv"])
async def test_what_lies_beyond_the_calendar_is_refused(house: House, path: str, at: str, status: int) -> None:
    admin = await house.visitor(Role.ADMIN)
    for name in ("since", "until"):
        assert (await admin.get(path, params={name: at})).status_code == status


async def test_people_find_what_they_did_and_what_concerns_them(house: House) -> None:
    anna, ben, admin = await house.visitor(), await house.visitor(), await house.visitor(Role.ADMIN, name="Root")
    await write(house, action=Action.PASSWORD_CHANGED, actor=anna.actor, owner_id=anna.id, address="203.0.113.9")
    await write(house, action=Action.CONTENT_READ, actor=admin.actor, owner_id=anna.id, address="198.51.100.1")
    await write(house, action=Action.PERSON_CHANGED, actor=admin.actor, owner_id=anna.id, is_owner_visible=False)
    await write(house, action=Action.SIGN_IN_FAILED, owner_id=anna.id)
    await write(house, action=Action.SIGNED_IN, actor=ben.actor, owner_id=ben.id)
    lines = (await anna.get("/audit/mine")).json()["items"]
    assert [line["action"] for line in lines] == ["sign_in.failed", "full_access.content_read", "password.changed"]
    assert lines[2]["address"] == "203.0.113.9"
    # Who manages the installation stays unnamed, and so does where they sat.
    assert (lines[1]["actor"], lines[1]["address"]) == ({"id": None, "name": None, "role": "admin"}, None)
    assert await actions(ben, "/audit/mine") == ["sign_in.succeeded"]


async def test_the_record_is_exported_whole_and_the_export_is_recorded(house: House) -> None:
    admin = await house.visitor(Role.ADMIN, name="=HYPERLINK(evil)")
    await write(house, action=Action.SIGNED_IN, actor=admin.actor, address="203.0.113.9")
    await write(house, action=Action.JOBS_PAUSED, actor=admin.actor, subject=Subject("job_kind", "1", "+cmd|calc"))
    answer = await admin.get("/admin/audit.csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"].startswith('attachment; filename="kontor-audit-')
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert [row["action"] for row in rows] == ["record.exported", "jobs.paused", "sign_in.succeeded"]
    assert rows[1]["actor"] == "'=HYPERLINK(evil)"
    assert rows[1]["subject"] == "'+cmd|calc"
    filtered = await admin.get("/admin/audit.csv", params={"action": "sign_in"})
    assert len(filtered.text.splitlines()) == 2


async def test_an_export_of_several_pages_is_complete(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "EXPORT_PAGE", 3)
    admin = await house.visitor(Role.ADMIN)
    for _ in range(7):
        await write(house, action=Action.SIGNED_IN, actor=admin.actor)
    answer = await admin.get("/admin/audit.csv")
    assert len(answer.text.splitlines()) == 1 + 7 + 1


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "＝1", "\n=1"])
def test_no_cell_is_a_formula(cell: str) -> None:
    assert harmless(cell) == f"'{cell}"
    assert next(csv.reader(io.StringIO(csv_lines([[cell]])))) == [f"'{cell}"]


def test_no_cell_becomes_one_where_semicolons_separate() -> None:
    assert harmless("Otto;=1+1") == "Otto;'=1+1"
    assert harmless('a; "@SUM(A1);b') == "a;' \"@SUM(A1);b"


def test_other_cells_stay_as_they_are() -> None:
    for cell, shown in [(None, ""), (7, "7"), ("a=b", "a=b"), ("", ""), ("a;b", "a;b"), ('{"a":-1}', '{"a":-1}')]:
        assert harmless(cell) == shown


@pytest.mark.parametrize(("file", "prefix"), [("settings/history-texts.ts", ""), ("admin/audit/texts.ts", "deed.")])
def test_the_interface_has_a_text_for_every_deed_in_both_languages(file: str, prefix: str) -> None:
    texts = Path(__file__).parents[2].joinpath("frontend/src/features", file).read_text("utf-8")
    assert [action.value for action in Action if texts.count(f'"{prefix}{action.value}":') != 2] == []
