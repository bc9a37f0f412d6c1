"""The books themselves: nothing in them changes, every entry is balanced, nobody reads another's, and the proof finds
whatever was done to them behind its back."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from kontor.billing import proofs, wallets
from kontor.billing.budgets import Whose, Wish, replace_all
from kontor.billing.errors import EntryNotReversible
from kontor.core.clock import moved, now
from kontor.core.database import Database
from kontor.core.ids import UserId, new_id
from kontor.core.tenancy import Identity, Scope
from tests.conftest import Server
from tests.factories.billing import charge, hold, make_wallet, purse_of, wrong_in

TABLES = ("wallet", "credit_grant", "top_up", "ledger_entry", "ledger_posting", "credit_hold", "budget", "budget_hold")


@pytest.fixture
async def payer(database: Database) -> UserId:
    """Somebody with something in every table."""
    owner, run = await make_wallet(database, granted=500, purchased=500), new_id()
    async with database.system("billing") as unit:
        await replace_all(
            unit, Whose(owner, "person", owner), [Wish("day", 9_999, 80, True)], currency="EUR", timezone="UTC"
        )
    await hold(database, owner, 300, run_id=run)
    await charge(database, run, 200)
    await hold(database, owner, 100)
    return owner


@pytest.mark.parametrize("table", ["ledger_entry", "ledger_posting"])
@pytest.mark.parametrize("deed", ["UPDATE {} SET owner_id = owner_id", "DELETE FROM {}", "TRUNCATE {} CASCADE"])
async def test_the_ledger_is_only_ever_added_to(database: Database, payer: UserId, table: str, deed: str) -> None:
    with pytest.raises(DBAPIError):
        async with database.system("billing") as unit:
            await unit.execute(text(deed.format(table)))
    assert await wrong_in(database) == []


@pytest.mark.parametrize("table", ["ledger_entry", "ledger_posting"])
async def test_not_even_the_owner_of_the_tables_changes_it(owner_connection: AsyncConnection, table: str) -> None:
    await owner_connection.execute(text("SELECT set_config('kontor.scope', 'system', false)"))
    await owner_connection.execute(
        text("""
            WITH entry AS (
                INSERT INTO ledger_entry (id, owner_id, kind, source, source_id, currency)
                VALUES (gen_random_uuid(), gen_random_uuid(), 'grant', 'test', '1', 'EUR') RETURNING id, owner_id
            )
            INSERT INTO ledger_posting (entry_id, number, owner_id, account, amount_nano)
            SELECT id, number, owner_id, account, amount
            FROM entry, (VALUES (1, 'purchased', 5), (2, 'clearing', -5)) AS line (number, account, amount)
        """)
    )
    await owner_connection.commit()
    for deed in (f"UPDATE {table} SET owner_id = owner_id", f"DELETE FROM {table}", f"TRUNCATE {table} CASCADE"):
        with pytest.raises(DBAPIError, match="only ever added"):
            async with owner_connection.begin_nested():
                await owner_connection.execute(text(deed))


@pytest.fixture
async def apart(server: Server, copy: str) -> AsyncIterator[Database]:
    """Real commits: what is deferred is asked at their end."""
    made = Database.connect(server.app_url(copy), pool_size=2)
    yield made
    await made.close()


ENTRY = text("""
    INSERT INTO ledger_entry (id, owner_id, kind, source, source_id, currency)
    VALUES (:id, :owner, 'grant', 'test', gen_random_uuid()::text, 'EUR')
""")
POSTING = text("""
    INSERT INTO ledger_posting (entry_id, number, owner_id, account, amount_nano)
    VALUES (:id, :number, :owner, :account, :amount)
""")


@pytest.mark.parametrize(
    "postings",
    [[], [("purchased", 5)], [("purchased", 5), ("revenue", -4)], [("purchased", 5), ("revenue", 5), ("debt", -9)]],
)
async def test_an_entry_that_is_not_balanced_is_never_committed(
    apart: Database, postings: list[tuple[str, int]]
) -> None:
    owner, entry = await make_wallet(apart), new_id()
    with pytest.raises(DBAPIError, match="with a sum of"):
        async with apart.system("billing") as unit:
            await unit.execute(ENTRY, {"id": entry, "owner": owner})
            for number, (account, amount) in enumerate(postings):
                values = {"id": entry, "number": number, "owner": owner, "account": account, "amount": amount}
                await unit.execute(POSTING, values)


async def test_nothing_is_added_to_an_entry_later(apart: Database) -> None:
    owner = await make_wallet(apart, granted=100)
    with pytest.raises(DBAPIError, match="with a sum of"):
        async with apart.system("billing") as unit:
            entry = await unit.scalar(text("SELECT id FROM ledger_entry"))
            values = {"id": entry, "number": 9, "owner": owner, "account": "purchased", "amount": 5}
            await unit.execute(POSTING, values)


async def test_an_entry_is_balanced_whoever_commits_it(apart: Database) -> None:
    """In a person's unit the scope is theirs again by the time of the commit; the postings are counted all the same."""
    owner = await make_wallet(apart, purchased=100)
    stranger = await make_wallet(apart)
    async with apart.unit(Identity(Scope.PERSON, stranger)) as unit:
        await wallets.top_up(unit, owner, 50, source="test", source_id="by a stranger's deed")
        assert await unit.scalar(text("SELECT count(*) FROM ledger_posting")) == 0
    assert (await purse_of(apart, owner)).purchased == 150


async def test_people_read_their_own_and_write_nothing(database: Database, payer: UserId) -> None:
    stranger = await make_wallet(database)
    for table in TABLES:
        async with database.unit(Identity(Scope.PERSON, payer)) as unit:
            mine = await unit.scalar(text(f"SELECT count(*) FROM {table}"))
            assert (mine == 0) == (table == "budget_hold"), table
        async with database.unit(Identity(Scope.PERSON, stranger)) as unit:
            assert await unit.scalar(text(f"SELECT count(*) FROM {table}")) == 0, table
        async with database.unit(Identity(Scope.ADMIN, stranger)) as unit:
            seen = await unit.scalar(text(f"SELECT count(*) FROM {table}"))
            assert (seen == 0) == (table == "budget_hold"), table
    for identity in (Identity(Scope.PERSON, payer), Identity(Scope.ADMIN, payer)):
        async with database.unit(identity) as unit:
            raised = await unit.execute(text("UPDATE wallet SET purchased_nano = 1000000"))
            assert raised.rowcount == 0  # type: ignore[attr-defined]  # of an UPDATE
        with pytest.raises(DBAPIError, match="row-level security"):
            async with database.unit(identity) as unit:
                await unit.execute(ENTRY, {"id": new_id(), "owner": payer})


async def test_a_wallet_never_holds_more_than_it_has_whoever_writes_it(database: Database, payer: UserId) -> None:
    for change in (
        "held_nano = purchased_nano + granted_nano + 1",
        "purchased_nano = -1",
        "debt_nano = 1",
        "debt_nano = -1",
    ):
        with pytest.raises(DBAPIError, match="violates check constraint"):
            async with database.system("billing") as unit:
                await unit.execute(text(f"UPDATE wallet SET {change}"))


@pytest.mark.parametrize(
    ("harm", "found"),
    [
        ("UPDATE wallet SET purchased_nano = purchased_nano + 1", {"postings_make_wallets"}),
        ("UPDATE wallet SET held_nano = held_nano - 1", {"holds_make_held"}),
        ("UPDATE credit_grant SET remaining_nano = 0", {"grants_make_granted", "postings_make_grants"}),
        ("UPDATE credit_hold SET charged_nano = 7 WHERE state = 'settled'", {"runs_make_revenue"}),
        ("UPDATE credit_hold SET provider_usd_nano = 7 WHERE state = 'settled'", {"runs_make_provider_cost"}),
        ("UPDATE budget SET held_nano = 1", {"holds_make_budgets"}),
        ("UPDATE top_up SET refunded_nano = 3", {"refunds_are_booked"}),
    ],
)
async def test_the_proof_finds_what_was_changed(database: Database, payer: UserId, harm: str, found: set[str]) -> None:
    sound = await proofs.prove(database)
    assert sound.is_sound
    assert sound.checked["open_holds"] == 1
    async with database.system("test") as unit:
        await unit.execute(text(harm))
    proof = await proofs.prove(database)
    assert not proof.is_sound
    assert {finding["check"] for finding in proof.findings} == found
    async with database.unit(Identity(Scope.ADMIN, payer)) as unit:
        latest = await proofs.latest(unit, limit=2)
    assert {each.is_sound for each in latest} == {True, False}


async def test_what_a_person_had_is_written_off_when_they_go(database: Database, payer: UserId) -> None:
    async with database.system("people") as unit:
        await wallets.close(unit, payer)
        await unit.execute(text("DELETE FROM person WHERE id = :id"), {"id": payer})
    assert await wrong_in(database) == []
    async with database.system("billing") as unit:
        assert await unit.scalar(text("SELECT count(*) FROM wallet")) == 0
        assert await unit.scalar(text("SELECT sum(amount_nano) FROM ledger_posting WHERE account = 'write_off'")) == 800
        assert await unit.scalar(text("SELECT count(*) FROM credit_hold WHERE state = 'open'")) == 0


async def test_a_correction_gives_back_what_was_taken_to_where_it_was_taken_from(database: Database) -> None:
    owner, run = await make_wallet(database, granted=150, purchased=100), new_id()
    await hold(database, owner, 200, run_id=run)
    await charge(database, run, 200)
    async with database.system("billing") as unit:
        entry = await unit.scalar(text("SELECT id FROM ledger_entry WHERE kind = 'settle'"))
        assert entry is not None
        await wallets.reverse(unit, entry)
        with pytest.raises(EntryNotReversible):
            await wallets.reverse(unit, entry)
    purse = await purse_of(database, owner)
    assert (purse.granted, purse.purchased) == (150, 100)
    assert await wrong_in(database) == []


async def test_what_expired_meanwhile_comes_back_as_a_new_grant(database: Database) -> None:
    owner, run = await make_wallet(database, granted=150, expires_at=now() + timedelta(days=1)), new_id()
    await hold(database, owner, 100, run_id=run)
    await charge(database, run, 100)
    with moved(timedelta(days=2)):
        await wallets.sweep(database)
        async with database.system("billing") as unit:
            entry = await unit.scalar(text("SELECT id FROM ledger_entry WHERE kind = 'settle'"))
            assert entry is not None
            await wallets.reverse(unit, entry)
        assert (await purse_of(database, owner)).granted == 100
    assert await wrong_in(database) == []
