"""When a person is deleted, nothing of theirs is left but the record's pseudonyms."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from kontor.accounts.notifications import Notice, notify
from kontor.admin.erasure import ELSEWHERE, FILES, KEPT, OWNED
from kontor.core.ids import UserId, new_id
from kontor.core.tenancy import Role
from tests.factories.accounts import make_account, signed_in_browser
from tests.factories.house import House

OWNED_TABLES = text("""
    SELECT c.relname AS name,
           EXISTS (
               WITH RECURSIVE above AS (
                   SELECT f.confrelid, f.confdeltype FROM pg_constraint f
                   WHERE f.conrelid = c.oid AND f.contype = 'f' AND f.confdeltype = 'c'
                   UNION
                   SELECT f.confrelid, f.confdeltype FROM pg_constraint f JOIN above ON f.conrelid = above.confrelid
                   WHERE f.contype = 'f' AND f.confdeltype = 'c'
               )
               SELECT 1 FROM above WHERE confrelid = 'person'::regclass
           ) AS goes_along
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'owner_id' AND NOT a.attisdropped
    WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace
""")


async def test_every_table_with_an_owner_is_erased_or_kept_on_purpose(owner_connection: AsyncConnection) -> None:
    rows = (await owner_connection.execute(OWNED_TABLES)).all()
    by_hand = {row.name for row in rows if not row.goes_along}
    assert by_hand == {*OWNED, *FILES, *ELSEWHERE, *KEPT}


async def test_nothing_of_a_deleted_person_is_left(house: House) -> None:
    admin = await house.visitor(Role.ADMIN)
    account = await make_account(house, email="anna@example.org", name="Anna Unverwechselbar")
    browser = await signed_in_browser(house, account)
    await browser.request("PUT", "/desk", json={"tabs": [{"id": "a", "path": "/c/1", "title": "Unverwechselbar"}]})
    await browser.patch("/settings", json={"theme": "dark"})
    await browser.post("/auth/tokens", json={"name": "t", "scopes": ["account:read"], "expires_in_days": 1})
    await browser.post("/auth/totp", headers={"Idempotency-Key": "k"})
    await house.client().post("/auth/forgot-password", json={"email": "anna@example.org"})
    await admin.patch(f"/admin/users/{account.id}", json={"quota_bytes": 7})
    async with house.database.system("test") as unit:
        await notify(unit, account.id, Notice.JOB_FAILED, {})
        await unit.execute(
            text("INSERT INTO job (id, owner_id, kind, title, args, max_attempts) VALUES (:id, :o, 'k', 't', '{}', 1)"),
            {"id": new_id(), "o": account.id},
        )
        owned = (await unit.execute(OWNED_TABLES)).all()
        before = {row.name for row in owned if await count_of(unit, row.name, account.id)}
    assert {"person_settings", "session", "password", "personal_token", "notification", "job"} <= before
    assert (await admin.delete(f"/admin/users/{account.id}")).status_code == 204
    async with house.database.system("test") as unit:
        # What is told at the end of the unit itself: that the sessions are over.
        left = {row.name for row in owned if await count_of(unit, row.name, account.id)}
        events = await unit.execute(text("SELECT kind FROM event WHERE owner_id = :o"), {"o": account.id})
        told = {row.kind for row in events}
    assert left <= {"audit_line", "event"}
    assert told <= {"session.ended"}
    assert (await browser.get("/desk")).status_code == 401
    assert (await admin.get(f"/admin/users/{account.id}")).status_code == 404


async def count_of(unit: AsyncSession, table: str, owner_id: UserId) -> int:
    return int(await unit.scalar(text(f"SELECT count(*) FROM {table} WHERE owner_id = :o"), {"o": owner_id}) or 0)


async def test_only_the_version_that_was_seen_is_deleted(house: House) -> None:
    admin, anna = await house.visitor(Role.ADMIN), await house.person()
    await admin.patch(f"/admin/users/{anna}", json={"name": "Anne"})
    stale = await admin.delete(f"/admin/users/{anna}", headers={"If-Match": '"1"'})
    assert stale.status_code == 412
    assert (await admin.delete(f"/admin/users/{anna}", headers={"If-Match": '"2"'})).status_code == 204
    assert (await admin.delete(f"/admin/users/{anna}")).status_code == 404
