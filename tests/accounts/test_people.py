"""People's standing, the last administrator, and the walls of the database around both."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from kontor.accounts import challenges, links, people, repository, sessions
from kontor.accounts.errors import EmailTaken, LastAdmin, PersonNotFound
from kontor.accounts.links import Purpose
from kontor.accounts.people import State
from kontor.core.clock import moved
from kontor.core.database import Database
from kontor.core.errors import FieldProblem
from kontor.core.ids import UserId
from kontor.core.settings import Settings
from kontor.core.tenancy import Actor, Identity, Role, Scope
from kontor.core.vault.service import Vault
from tests.factories.accounts import Account, audit_lines, link_for, make_account, signed_in_browser, tokens_for
from tests.factories.house import House, opened

PRIVATE = ("password", "refresh_token", "one_time_token", "challenge", "totp", "recovery_code", "oidc_identity")


async def test_the_operator_makes_people_and_hands_out_a_link(house: House) -> None:
    made = await people.create_person(house.database, email="Anna@Example.org", name=" Anna ", role=Role.MANAGER)
    summary = (await people.list_people(house.database))[0]
    assert (summary.id, summary.email, summary.name, summary.role, summary.state) == (
        made, "Anna@Example.org", "Anna", Role.MANAGER, State.ACTIVE,
    )  # fmt: skip
    link = await people.reset_link_for(house.database, house.kernel.settings, "anna@example.org")
    token = link.rpartition("/")[2]
    answer = await house.client().post("/auth/reset-password", json={"token": token, "password": "eight red cats"})
    assert answer.status_code == 204
    await tokens_for(house, Account(made, "anna@example.org", "eight red cats"))
    with pytest.raises(EmailTaken):
        await people.create_person(house.database, email="ANNA@example.org", name="Other")
    for email, name, password in (("x", "B", None), ("b@example.org", "", None), ("b@example.org", "B", "short")):
        with pytest.raises(FieldProblem):
            await people.create_person(house.database, email=email, name=name, password=password)
    with pytest.raises(PersonNotFound):
        await people.suspend_person(house.database, "nobody@example.org")


async def test_the_last_administrator_stays(house: House) -> None:
    only = await make_account(house, role=Role.ADMIN)
    await make_account(house, role=Role.ADMIN, state=State.SUSPENDED)
    await make_account(house, role=Role.MANAGER)
    vault = Vault(house.kernel.secrets)
    with pytest.raises(LastAdmin):
        await people.change_role_of(house.database, only.email, Role.MANAGER)
    with pytest.raises(LastAdmin):
        await people.suspend_person(house.database, only.email)
    with pytest.raises(LastAdmin):
        async with house.database.system("people") as unit:
            await people.delete(unit, vault, only.id)
    second = await make_account(house, role=Role.ADMIN)
    await people.change_role_of(house.database, only.email, Role.USER)
    with pytest.raises(LastAdmin):
        await people.suspend_person(house.database, str(second.id))


async def test_whoever_is_deleted_is_gone_with_all_their_ways_in(house: House) -> None:
    account = await make_account(house)
    anna = await signed_in_browser(house, account)
    tokens = await tokens_for(house, account)
    await link_for(house, account, Purpose.RESET)
    await anna.post("/auth/totp")
    async with house.database.system("people") as unit:
        await people.delete(unit, Vault(house.kernel.secrets), account.id)
    assert (await anna.get("/auth/me")).status_code == 401
    refresh = await house.client().post("/auth/refresh", json={"refresh_token": tokens["refresh_token"]})
    assert refresh.status_code == 401
    async with house.database.system("test") as unit:
        for table in (*PRIVATE, "session", "personal_token", "passkey", "person_settings", "vault_key"):
            left = await unit.scalar(text(f"SELECT count(*) FROM {table} WHERE owner_id = :id"), {"id": account.id})
            assert (table, left) == (table, 0)
    assert (await audit_lines(house, owner=account.id))[-1].action == "person.deleted"
    assert (await house.events_of(account.id, "session.ended"))[-1]["reason"] == "deleted"


async def test_ways_to_sign_in_are_told_without_their_secrets(house: House) -> None:
    with_password = await make_account(house)
    without = await make_account(house, password=None)
    async with house.database.system("people") as unit:
        ways = await repository.sign_in_ways(unit, [with_password.id, without.id])
    assert ways == {with_password.id: ["password"], without.id: []}


async def counts(database: Database, identity: Identity, *tables: str) -> list[int]:
    async with database.unit(identity) as unit:
        return [await unit.scalar(text(f"SELECT count(*) FROM {table}")) or 0 for table in tables]


async def test_a_person_sees_themselves_and_no_secret_even_of_their_own(house: House) -> None:
    anna, otto = await make_account(house), await make_account(house, role=Role.ADMIN)
    for account in (anna, otto):
        someone = await signed_in_browser(house, account)
        await someone.post("/auth/totp")
        await tokens_for(house, account)
        await someone.post("/auth/tokens", json={"name": "x", "scopes": ["account:read"]})
    mine = Identity(Scope.PERSON, anna.id)
    assert await counts(house.database, mine, "person", "session", "personal_token") == [1, 2, 1]
    assert await counts(house.database, mine, *PRIVATE) == [0] * len(PRIVATE)
    nobody = Identity(Scope.PERSON)
    stranger = Identity(Scope.PERSON, UserId(uuid4()))
    for identity in (nobody, stranger):
        assert set(await counts(house.database, identity, "person", "session", "audit_line", *PRIVATE)) == {0}


async def test_managing_people_reads_standing_and_no_secret(house: House) -> None:
    admin = await make_account(house, role=Role.ADMIN)
    await tokens_for(house, await make_account(house))
    as_admin = Identity(Scope.ADMIN, admin.id)
    assert await counts(house.database, as_admin, "person", "session") == [2, 1]
    assert set(await counts(house.database, as_admin, "personal_token", "passkey", *PRIVATE)) == {0}
    assert await counts(house.database, Identity(Scope.FULL, admin.id), "person") == [2]


@pytest.mark.parametrize(
    "change",
    [
        "role = 'admin'",
        "state = 'active'",
        "email_verified_at = now()",
        "email_key = 'boss@example.org', email = 'boss@example.org'",
        "email = 'boss@example.org'",
        "must_set_up = true",
        "created_at = '2000-01-01'",
        "id = gen_random_uuid()",
    ],
)
async def test_no_statement_of_a_person_changes_their_own_standing(house: House, change: str) -> None:
    account = await make_account(house, state=State.WAITING, is_verified=False)
    with pytest.raises(DBAPIError, match=r"standing|row-level"):
        async with house.database.unit(Identity(Scope.PERSON, account.id)) as unit:
            await unit.execute(text(f"UPDATE person SET {change}"))


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE session SET full_access_until = now() + interval '1 day', full_access_reason = 'x'",
        "UPDATE session SET expires_at_latest = now() + interval '9 years'",
        "UPDATE session SET cookie_hash = decode(repeat('00', 32), 'hex')",
        "INSERT INTO session (id, owner_id, kind, idle_seconds, expires_at, expires_at_latest) "
        "VALUES (gen_random_uuid(), kontor_user(), 'api', 1, now(), now())",
        "UPDATE audit_line SET action = 'nothing.happened'",
        "DELETE FROM audit_line",
        "TRUNCATE audit_line",
        "INSERT INTO audit_line (action, actor_id) VALUES ('some.thing', gen_random_uuid())",
    ],
)
async def test_a_person_neither_lengthens_a_session_nor_rewrites_the_record(house: House, statement: str) -> None:
    account = await make_account(house)
    await tokens_for(house, account)
    with pytest.raises(DBAPIError):
        async with house.database.unit(Identity(Scope.PERSON, account.id)) as unit:
            await unit.execute(text(statement))


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE person SET role = 'admin' WHERE id = :victim",
        "UPDATE person SET role = 'admin' WHERE id = kontor_user()",
        "UPDATE person SET state = 'suspended' WHERE id = :boss",
        "UPDATE session SET cookie_hash = decode(repeat('00', 32), 'hex') WHERE owner_id = :victim",
        "UPDATE session SET owner_id = kontor_user() WHERE owner_id = :victim",
        "UPDATE session SET full_access_until = now() + interval '1 day', full_access_reason = 'x' "
        "WHERE owner_id = kontor_user()",
    ],
)
async def test_managing_people_is_no_way_to_their_rights(house: House, statement: str) -> None:
    """Managers and administrators share a scope; the second wall tells them apart."""
    boss, manager, victim = [await house.visitor(role) for role in (Role.ADMIN, Role.MANAGER, Role.USER)]
    with pytest.raises(DBAPIError):
        async with house.database.unit(manager.actor.as_admin()) as unit:
            await unit.execute(text(statement), {"victim": victim.id, "boss": boss.id})


async def test_an_administrator_gives_full_access_to_no_session_but_their_own(house: House) -> None:
    boss, victim = await house.visitor(Role.ADMIN), await house.visitor()
    grant = "UPDATE session SET full_access_until = now() + interval '1 day', full_access_reason = 'x' WHERE id = :id"
    with pytest.raises(DBAPIError, match="own"):
        async with house.database.unit(boss.actor.as_admin()) as unit:
            await unit.execute(text(grant), {"id": victim.session_id})


async def test_an_ended_session_does_not_come_back(house: House) -> None:
    visitor = await house.visitor()
    await visitor.post("/auth/logout")
    with pytest.raises(DBAPIError, match="does not come back"):
        async with house.database.system("test") as unit:
            await unit.execute(text("UPDATE session SET ended_at = NULL, ended_reason = NULL"))


async def test_a_refresh_token_cannot_hang_on_a_strangers_session(house: House) -> None:
    anna, otto = await house.visitor(), await house.visitor()
    with pytest.raises(DBAPIError, match="refresh_token_owner_id_session_id_fkey"):
        async with house.database.system("test") as unit:
            await unit.execute(
                text("INSERT INTO refresh_token (hash, owner_id, session_id) VALUES (:hash, :owner, :session)"),
                {"hash": bytes(32), "owner": otto.id, "session": anna.session_id},
            )


async def sweep(house: House) -> list[int]:
    async with house.database.system("sweep") as unit:
        return [await part.sweep(unit) for part in (sessions, links, challenges)]


async def test_what_is_long_over_is_swept(house: House) -> None:
    account = await make_account(house)
    visitor = await house.sign_in(account.id)
    await link_for(house, account, Purpose.RESET)
    await house.client().post("/auth/passkeys/sign-in/options")
    with moved(timedelta(minutes=5)):
        assert await sweep(house) == [0, 0, 0]
        assert (await visitor.get("/auth/me")).status_code == 200
    with moved(timedelta(days=70)):
        assert await sweep(house) == [1, 1, 1]


@pytest.fixture
async def real_house(committed_database: Database, settings: Settings) -> AsyncIterator[House]:
    async with opened(settings.model_copy(update={"kontor_rate_factor": 0}), committed_database) as made:
        yield made


async def test_two_administrators_who_remove_each_other_at_once_do_not_both_succeed(real_house: House) -> None:
    for _ in range(5):
        pair = [await make_account(real_house, role=Role.ADMIN) for _ in range(2)]
        results = await asyncio.gather(
            *(people.change_role_of(real_house.database, account.email, Role.USER) for account in pair),
            return_exceptions=True,
        )
        assert sum(isinstance(result, LastAdmin) for result in results) == 1
        assert sum(result is None for result in results) == 1
        async with real_house.database.system("people") as unit:
            await unit.execute(text("UPDATE person SET role = 'user'"))


async def test_somebody_who_signs_in_while_they_are_suspended_stays_out(real_house: House) -> None:
    account = await make_account(real_house)
    for _ in range(5):
        visitors = await asyncio.gather(
            real_house.client().post("/auth/login", json={"email": account.email, "password": account.password}),
            people.suspend_person(real_house.database, account.email),
        )
        answer = visitors[0]
        if answer.status_code == 200:
            token = answer.json()["access_token"]
            client = real_house.client(headers={"Authorization": f"Bearer {token}"})
            assert (await client.get("/auth/me")).status_code == 401
        await people.restore_person(real_house.database, account.email)


def test_the_actor_of_a_token_is_no_wider_than_its_scopes() -> None:
    actor = Actor(UserId(uuid4()), Role.ADMIN, token_scopes=frozenset())
    assert actor.is_admin
    assert not actor.has_full_access
