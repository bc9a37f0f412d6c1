"""A house that has grown under an earlier program, and the one that comes after it: nothing that was booked moves.

What the earlier program wrote is said in SQL here, as it wrote it. No code of today has a part in it.
"""

from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy import text

from kontor.billing import prices, proofs, refreshing
from kontor.billing import service as billing
from kontor.billing.prices import PriceKey
from kontor.billing.usage import Usage
from kontor.core import schema
from kontor.core.clock import moved, now
from kontor.core.database import Database
from kontor.core.ids import UserId, new_id
from kontor.core.money import NANO
from kontor.core.tenancy import Role
from kontor.gateway import usage
from kontor.gateway.runs.events import RunId
from kontor.gateway.runs.judging import CallFacts, CutPolicy, End
from kontor.gateway.runs.settling import Account, Answered, Ended, Outcome, State, book_all
from tests.conftest import APP_ROLE, Server
from tests.factories.billing import purse_of, wrong_in
from tests.factories.runs import make_run

EARLIER = "0013"  # the first schema with runs, a ledger and ratios
RUNS = 500
CHARGED = 3_600_000  # nano-dollars for each
HELD = 50_000_000
PAID_IN = 20 * NANO

ANNA = UserId(UUID("00000000-0000-4000-8000-0000000000a1"))
UNDER_WAY = RunId(UUID("00000000-0000-4000-8000-0000000000b1"))
OLD_PRICE = UUID("00000000-0000-4000-8000-0000000000c1")
GPT = PriceKey("openai", "gpt-4o")  # a little cheaper then
JUMPED = PriceKey("openai", "gpt-4.1")  # a tenth of what it is now
THEN = Usage(input=1000, cache_write=60, output=200)

# Large once a house has grown, so none of them is written anew by an upgrade.
GROWING = ("run", "run_event", "usage_line", "credit_hold", "ledger_entry", "ledger_posting", "event")

WRITTEN_THEN = f"""
    INSERT INTO person (id, email, email_key, name, role, state)
    VALUES ('{ANNA}', 'anna@example.org', 'anna@example.org', 'Anna', 'user', 'active');
    UPDATE billing_configuration SET configuration = '{{"is_on": true, "currency": "USD"}}', version = 2;

    INSERT INTO model_price (id, provider, model, source, state, valid_from, prices, created_at) VALUES
        ('{OLD_PRICE}', 'openai', 'gpt-4o', 'bundled', 'valid', '2000-01-01Z',
            '{{"prices": {{"input": 2000000000, "output": 8000000000}}}}', now() - interval '90 days'),
        (gen_random_uuid(), 'openai', 'gpt-4.1', 'bundled', 'valid', '2000-01-01Z',
            '{{"prices": {{"input": 200000000, "output": 800000000}}}}', now() - interval '90 days');
    INSERT INTO price_feed (id, source, fetched_at, digest, seen, added)
    VALUES (gen_random_uuid(), 'bundled', now() - interval '90 days', 'an earlier bundle', 2, 2);

    INSERT INTO wallet (owner_id, currency, purchased_nano, held_nano)
    VALUES ('{ANNA}', 'USD', {PAID_IN - RUNS * CHARGED}, {HELD});
    INSERT INTO top_up (id, owner_id, amount_nano, source, source_id)
    VALUES (gen_random_uuid(), '{ANNA}', {PAID_IN}, 'test', '1');
    WITH entry AS (
        INSERT INTO ledger_entry (id, owner_id, kind, source, source_id, currency)
        VALUES (gen_random_uuid(), '{ANNA}', 'topup', 'test', '1', 'USD') RETURNING id
    )
    INSERT INTO ledger_posting (entry_id, number, owner_id, account, amount_nano)
    SELECT id, number, '{ANNA}', account, amount
    FROM entry, (VALUES (1, 'purchased', {PAID_IN}), (2, 'clearing', -{PAID_IN})) AS p (number, account, amount);

    CREATE TEMP TABLE old ON COMMIT DROP AS
    SELECT gen_random_uuid() AS run, gen_random_uuid() AS entry, now() - n * interval '20 minutes' AS at
    FROM generate_series(1, {RUNS}) AS n;
    INSERT INTO run (id, owner_id, payer_id, kind, state, provider_kind, model_name, request, hold_nano, usage, cost,
        settled_as, last_seq, accepted_at, finished_at)
    SELECT run, '{ANNA}', '{ANNA}', 'api', 'done', 'openai', 'gpt-4o', '{{}}', {HELD},
        '{{"input": 1000, "cache_write": 60, "output": 200}}', '{{"nano": {CHARGED}, "currency": "USD"}}',
        'reported', 1, at, at FROM old;
    INSERT INTO run_event (run_id, seq, owner_id, kind, data) SELECT run, 1, '{ANNA}', 'done', '{{}}' FROM old;
    INSERT INTO usage_line (run_id, owner_id, payer_id, kind, provider_kind, model_name, day, input_tokens,
        cached_tokens, cache_write_tokens, output_tokens, reasoning_tokens, image_tokens, audio_in_tokens,
        audio_out_tokens, provider_usd_nano, charged_nano, currency, price_version_id, markup_bp, is_estimated,
        is_free, finished_at)
    SELECT run, '{ANNA}', '{ANNA}', 'api', 'openai', 'gpt-4o', at::date, 1000, 0, 60, 200, 0, 0, 0, 0, {CHARGED},
        {CHARGED}, 'USD', '{OLD_PRICE}', 0, false, false, at FROM old;
    INSERT INTO credit_hold (run_id, owner_id, currency, amount_nano, state, charged_nano, released_nano,
        provider_usd_nano, expires_at, ended_at)
    SELECT run, '{ANNA}', 'USD', {HELD}, 'settled', {CHARGED}, {HELD - CHARGED}, {CHARGED}, at, at FROM old;
    INSERT INTO ledger_entry (id, owner_id, kind, source, source_id, currency, provider_usd_nano, at)
    SELECT entry, '{ANNA}', 'settle', 'run', run::text, 'USD', {CHARGED}, at FROM old;
    INSERT INTO ledger_posting (entry_id, number, owner_id, account, amount_nano)
    SELECT entry, number, '{ANNA}', account, amount
    FROM old, (VALUES (1, 'purchased', -{CHARGED}), (2, 'revenue', {CHARGED})) AS p (number, account, amount);

    INSERT INTO run (id, owner_id, payer_id, kind, state, provider_kind, model_name, request, hold_nano, lease_holder)
    VALUES ('{UNDER_WAY}', '{ANNA}', '{ANNA}', 'api', 'running', 'openai', 'gpt-4o', '{{}}', {HELD}, gen_random_uuid());
    INSERT INTO credit_hold (run_id, owner_id, currency, amount_nano, expires_at)
    VALUES ('{UNDER_WAY}', '{ANNA}', 'USD', {HELD}, now() + interval '1 hour');
"""


@pytest.fixture
async def grown(server: Server) -> AsyncIterator[tuple[Database, Sequence[object], Sequence[object]]]:
    """The upgraded house, and where its large tables lay before and after."""
    name = f"grown_{new_id().hex}"
    server.execute(f"CREATE DATABASE {name}")
    url, password = server.owner_url(name), server.app_password
    try:
        await schema.migrate(url, app_role=APP_ROLE, app_password=password, to=EARLIER)
        owner, writer = await asyncpg.connect(url), await asyncpg.connect(server.app_url(name))
        async with writer.transaction():
            await writer.execute("SELECT set_config('kontor.scope', 'system', true)")
            await writer.execute(WRITTEN_THEN)
        await writer.close()
        before = await files_of(owner)
        state = await schema.migrate(url, app_role=APP_ROLE, app_password=password)
        assert state.is_current
        after = await files_of(owner)
        await owner.close()
        made = Database.connect(server.app_url(name), pool_size=4)
        yield made, before, after
        await made.close()
    finally:
        server.drop(name)


async def files_of(connection: "asyncpg.Connection[asyncpg.Record]") -> Sequence[object]:
    """A table that is written anew gets another file."""
    return [await connection.fetchval("SELECT pg_relation_filenode($1::text::regclass)", name) for name in GROWING]


async def test_a_grown_house_is_upgraded_and_goes_on_booking(
    grown: tuple[Database, Sequence[object], Sequence[object]],
) -> None:
    database, before, after = grown
    assert after == before, "a large table was written anew, and locked for as long"
    assert await wrong_in(database) == []
    assert (await purse_of(database, ANNA)).available == PAID_IN - RUNS * CHARGED - HELD
    assert await used_in(database) == (
        RUNS,
        RUNS * CHARGED,
        Usage(RUNS * 1000, cache_write=RUNS * 60, output=RUNS * 200),
    )

    await refreshing.plant(database)
    # What was under way when the program was replaced is settled by the new one, at the price it was begun at.
    async with database.system("test") as unit:
        begun = await billing.quote(unit, payer=ANNA, key=GPT, is_own_key=False, is_local=False, role=Role.USER,
                                    at=now() - timedelta(days=1))  # fmt: skip
        call = CallFacts(End.WHOLE, THEN.read, seen=THEN, is_seen_whole=True)
        outcome = Outcome(State.DONE, [call], CutPolicy.INPUT, Answered(None, None, None, "openai", "gpt-4o", begun))
        account = Account(UNDER_WAY, ANNA, ANNA, None, "api", HELD)
        (booked,) = await book_all(unit, billing, [Ended(account, outcome, 0)])
    assert begun.rate is not None and begun.rate.version_id == OLD_PRICE
    async with database.system("test") as unit:
        terms = await billing.quote(
            unit, payer=ANNA, key=GPT, is_own_key=False, is_local=False, role=Role.USER, at=now()
        )
    drawn = Usage(input=1000, cache_write_1h=500, output=200, image_out=300)
    run_id = await make_run(database, ANNA, terms, usage=drawn, provider="openai", model="gpt-4o")
    async with database.system("test") as unit:
        line = (await unit.execute(text("SELECT * FROM usage_line WHERE run_id = :id"), {"id": run_id})).one()
    assert (line.cache_write_1h_tokens, line.image_out_tokens) == (500, 300)
    proof = await proofs.prove(database)
    assert proof.is_sound, proof.findings
    runs, nano, tokens = await used_in(database)
    assert (runs, nano) == (RUNS + 2, RUNS * CHARGED + booked.bill.cost.charged_nano + line.charged_nano)
    assert (tokens.cache_write, tokens.cache_write_1h) == ((RUNS + 1) * 60, 500)
    assert (await purse_of(database, ANNA)).available == PAID_IN - nano


async def used_in(database: Database) -> tuple[int, int, Usage]:
    async with database.system("test") as unit:
        period = usage.Period(now() - timedelta(days=100), now() + timedelta(days=1), "UTC")
        total = usage.total_of(await usage.sums(unit, period, "model", ANNA))
    return total.runs, total.costs["USD"], total.tokens


async def test_prices_that_come_with_a_program_pass_the_gate_and_hold_from_then_on(
    grown: tuple[Database, Sequence[object], Sequence[object]],
) -> None:
    database, *_ = grown
    earlier = now()
    with moved(timedelta(minutes=5)):
        assert await refreshing.plant(database) is True
        assert await refreshing.plant(database) is False, "once for each bundle"
        planted_at = now()
    async with database.system("test") as unit:
        then, later = [await prices.find(unit, GPT, at) for at in (earlier, planted_at)]
        assert then is not None and then.id == OLD_PRICE
        assert later is not None and later.source == "bundled"
        assert (then.sheet.prices["input"], later.sheet.prices["input"]) == (2 * NANO, 5 * NANO // 2)
        assert earlier < later.valid_from <= planted_at
        # Ten times what it was: the old one holds until somebody has looked at it.
        present = await prices.find(unit, JUMPED, planted_at)
        (held,) = [new for new, _ in await prices.review(unit, limit=100) if new.model == JUMPED.model]
        assert present is not None and held.sheet.prices["input"] == 10 * present.sheet.prices["input"]
        assert {finding["reason"] for finding in held.findings} == {"jump"}
        lines = text("SELECT DISTINCT price_version_id, charged_nano FROM usage_line")
        assert [tuple(row) for row in await unit.execute(lines)] == [(OLD_PRICE, CHARGED)]
    with moved(timedelta(minutes=10)):
        async with database.system("test") as unit:
            await prices.decide(unit, held.id, is_accepted=True, by=ANNA)
            accepted = await prices.find(unit, JUMPED, now())
            still = await prices.find(unit, JUMPED, planted_at)
    assert accepted is not None and accepted.id == held.id
    assert still is not None and still.id == present.id
    assert await wrong_in(database) == []
