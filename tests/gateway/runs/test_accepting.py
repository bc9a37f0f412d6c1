"""Runs that are let in together: in a handful of transactions, and each by itself all the same."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy import text

from kontor.billing.errors import InsufficientBalance
from kontor.billing.known import KnownBilling
from kontor.billing.rates import Quote
from kontor.core.database import Database
from kontor.core.direct import OwnConnection
from kontor.core.events.listener import Listener
from kontor.core.ids import UserId, new_id
from kontor.core.outage import is_outage
from kontor.core.tenancy import Actor, Role
from kontor.core.units import DirectUnit
from kontor.gateway.runs import leases
from kontor.gateway.runs.accepting import Accepting, Entrant, entrant_of
from kontor.gateway.runs.errors import Closing
from kontor.gateway.runs.producer import Plan
from tests.conftest import Server
from tests.factories.billing import NANO_A_TOKEN, charge, make_wallet, purse_of, wrong_in
from tests.factories.workshop import eventually
from tests.gateway.runs.conftest import Another
from tests.gateway.runs.replica import Chain, Rough, Scripted, asking, person, rows, switch_billing_on, top_up
from tests.gateway.runs.replica import price as with_price


@dataclass
class Entrance:
    """What lets in, without anybody who answers."""

    database: Database
    chain: Chain
    holder: UUID = field(default_factory=new_id)
    connection: OwnConnection | None = None
    begun: list[Plan] = field(default_factory=list)

    def __post_init__(self) -> None:
        books, connection = (
            KnownBilling(self.database, Listener(None)),
            self.connection or OwnConnection(self.database, "test"),
        )
        self.accepting = Accepting(self.database, connection, books, self.begun.append)

    async def entrant(self, owner: UserId, *, tokens: int = 10, quote: Quote = NANO_A_TOKEN, **more: Any) -> Entrant:
        """Holds a nano for each token of its question and of its answer."""
        actor, wish = Actor(owner, Role.USER), asking(parameters={"max_output": tokens}, **more)
        route = await self.chain.route(actor, wish)
        return entrant_of(actor, wish, route, [quote], estimates=Rough(), holder=self.holder, fingerprint=None)

    async def let_in(self, *entrants: Entrant) -> list[Any]:
        """All of them at one stroke, with what came of each."""
        return await asyncio.gather(*map(self.accepting.accept, entrants), return_exceptions=True)

    @property
    def begun_runs(self) -> list[UUID]:
        return [plan.account.run_id for plan in self.begun]


@pytest.fixture
async def entrance(committed_database: Database, chain: Chain) -> AsyncIterator[Entrance]:
    made = Entrance(committed_database, chain)
    async with made.accepting.running():
        yield made


@asynccontextmanager
async def held_up(database: Database, owner: UserId) -> AsyncIterator[Callable[[], Any]]:
    """Somebody else has the wallet: whoever needs it waits until the block ends."""
    async with database.system("test") as unit:
        await unit.execute(text("SELECT 1 FROM wallet WHERE owner_id = :owner FOR UPDATE"), {"owner": owner})

        async def is_waited_for() -> bool:
            found = await rows(database, "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
            return bool(found)

        async def until_waited_for() -> None:
            async with asyncio.timeout(20):
                while not await is_waited_for():  # noqa: ASYNC110
                    await asyncio.sleep(0.01)

        yield until_waited_for


async def test_two_hundred_at_one_stroke_are_a_handful_of_transactions(entrance: Entrance) -> None:
    people = [await make_wallet(entrance.database, purchased=10_000) for _ in range(10)]
    entrants = [await entrance.entrant(people[number % 10]) for number in range(200)]
    assert await entrance.let_in(*entrants) == [True] * 200
    assert entrance.accepting.written == 4  # of at most sixty-four
    assert set(entrance.begun_runs) == {each.run_id for each in entrants}
    for each in people:
        assert (await purse_of(entrance.database, each)).held == 20 * (10 + entrants[0].estimated_input)
    written = await rows(entrance.database, "SELECT owner_id, hold_nano, lease_holder FROM run WHERE state = 'running'")
    assert len(written) == 200
    assert {row.lease_holder for row in written} == {entrance.holder}


async def test_what_comes_while_others_are_written_is_the_next_batch(entrance: Entrance) -> None:
    payer = await make_wallet(entrance.database, purchased=10_000)
    entrants = [await entrance.entrant(payer) for _ in range(9)]
    async with held_up(entrance.database, payer) as until_waited_for:
        first = asyncio.create_task(entrance.accepting.accept(entrants[0]))
        await until_waited_for()
        others = asyncio.gather(*map(entrance.accepting.accept, entrants[1:]))
        await asyncio.sleep(0)
    assert await first
    assert await others == [True] * 8
    assert entrance.accepting.written == 2


async def test_each_is_refused_for_itself(entrance: Entrance) -> None:
    rich, poor = [await make_wallet(entrance.database, purchased=nano) for nano in (10_000, 60)]
    question = (await entrance.entrant(poor)).estimated_input
    entrants = [await entrance.entrant(each, tokens=40 - question) for each in (poor, rich, poor, poor)]
    entrants.append(await entrance.entrant(poor, tokens=20 - question))
    found = await entrance.let_in(*entrants)
    assert [each if each is True else type(each) for each in found] == [
        True, True, InsufficientBalance, InsufficientBalance, True
    ]  # fmt: skip
    assert {each.available for each in found if isinstance(each, InsufficientBalance)} == {20}
    assert entrance.accepting.written == 1
    assert len(await rows(entrance.database, "SELECT id FROM run")) == len(entrance.begun) == 3
    assert await wrong_in(entrance.database) == []


async def test_one_that_cannot_be_written_keeps_nobody_else_out(entrance: Entrance) -> None:
    """Deleted meanwhile, or whatever else the database finds wrong with it."""
    payer = await make_wallet(entrance.database, purchased=10_000)
    entrants = [await entrance.entrant(payer, tokens=5) for _ in range(4)]
    entrants.insert(2, await entrance.entrant(UserId(new_id()), payer_id=payer))
    found = await entrance.let_in(*entrants)
    assert [each is True for each in found] == [True, True, False, True, True]
    assert isinstance(found[2], asyncpg.ForeignKeyViolationError)
    assert len(await rows(entrance.database, "SELECT id FROM run")) == len(entrance.begun) == 4
    assert (await purse_of(entrance.database, payer)).held == 4 * (5 + entrants[0].estimated_input)


async def test_of_those_with_one_key_the_first_is_let_in_and_the_others_hold_nothing(entrance: Entrance) -> None:
    payer = await make_wallet(entrance.database, purchased=10_000)
    entrants = [await entrance.entrant(payer, tokens=tokens, idempotency_key="once") for tokens in (5, 6, 7)]
    entrants.append(await entrance.entrant(payer, tokens=8, idempotency_key="other"))
    assert await entrance.let_in(*entrants) == [True, False, False, True]
    assert await entrance.let_in(await entrance.entrant(payer, idempotency_key="once")) == [False]
    assert entrance.begun_runs == [entrants[0].run_id, entrants[3].run_id]
    assert (await purse_of(entrance.database, payer)).held == 5 + 8 + 2 * entrants[0].estimated_input
    states = await rows(entrance.database, "SELECT state FROM credit_hold ORDER BY state")
    assert [row.state for row in states] == ["open", "open", "voided", "voided", "voided"]


async def test_whoever_leaves_before_their_turn_begins_nothing(entrance: Entrance) -> None:
    payer = await make_wallet(entrance.database, purchased=10_000)
    entrants = [await entrance.entrant(payer) for _ in range(3)]
    async with held_up(entrance.database, payer) as until_waited_for:
        written = asyncio.create_task(entrance.accepting.accept(entrants[0]))
        await until_waited_for()
        waiting, staying = [asyncio.create_task(entrance.accepting.accept(each)) for each in entrants[1:]]
        await asyncio.sleep(0)
        written.cancel()
        waiting.cancel()
        await asyncio.wait({written, waiting})
    assert await staying
    # The first was being written when its asker left: as if they had left a moment later.
    assert entrance.begun_runs == [entrants[0].run_id, entrants[2].run_id]
    assert len(await rows(entrance.database, "SELECT id FROM run")) == 2


class Breaking(OwnConnection):
    """It breaks in the next transaction: before the commit, or when all is written and not yet said."""

    breaks: str | None = None

    @asynccontextmanager
    async def unit(self) -> AsyncIterator[DirectUnit]:
        breaks, self.breaks = self.breaks, None
        async with super().unit() as unit:
            yield unit
            if breaks == "before":
                raise ConnectionResetError
        if breaks == "after":
            raise ConnectionResetError


@pytest.fixture
async def shaky(committed_database: Database, chain: Chain) -> AsyncIterator[Entrance]:
    made = Entrance(committed_database, chain, connection=Breaking(committed_database, "test"))
    async with made.accepting.running():
        yield made


async def test_what_was_written_when_the_connection_broke_has_begun(shaky: Entrance) -> None:
    assert isinstance(shaky.connection, Breaking)
    payer = await make_wallet(shaky.database, purchased=45)
    entrants = [await shaky.entrant(payer) for _ in range(3)]
    shaky.connection.breaks = "after"
    found = await shaky.let_in(*entrants)
    written = {row.id for row in await rows(shaky.database, "SELECT id FROM run")}
    assert {each.run_id for each, came in zip(entrants, found, strict=True) if came is True} == written
    assert sorted(shaky.begun_runs) == sorted(written)
    assert 0 < len(written) < 3  # those whose balance did not reach are not told that they were let in


async def test_what_was_not_written_has_not_begun(shaky: Entrance) -> None:
    assert isinstance(shaky.connection, Breaking)
    payer = await make_wallet(shaky.database, purchased=10_000)
    shaky.connection.breaks = "before"
    found = await shaky.let_in(*[await shaky.entrant(payer) for _ in range(3)])
    assert all(is_outage(each) for each in found)
    assert shaky.begun == []
    assert (await purse_of(shaky.database, payer)).held == 0
    assert await shaky.let_in(await shaky.entrant(payer)) == [True]


async def test_who_still_waits_when_the_process_goes_is_told(committed_database: Database, chain: Chain) -> None:
    entrance = Entrance(committed_database, chain)
    payer = await make_wallet(committed_database, purchased=10_000)
    entrants = [await entrance.entrant(payer) for _ in range(2)]
    async with held_up(committed_database, payer) as until_waited_for:
        async with entrance.accepting.running():
            first = asyncio.create_task(entrance.accepting.accept(entrants[0]))
            await until_waited_for()
            second = asyncio.create_task(entrance.accepting.accept(entrants[1]))
            await asyncio.sleep(0)
        with pytest.raises(Closing):
            await first
        with pytest.raises(Closing):
            await second
    assert await rows(committed_database, "SELECT id FROM run") == []


async def test_what_was_let_in_by_a_process_that_then_died_is_closed_and_costs_nothing(
    another: Another, committed_database: Database, chain: Chain
) -> None:
    """Between the commit and the first word to the provider."""
    entrance = Entrance(committed_database, chain)
    payer = await make_wallet(committed_database, purchased=10_000)
    async with committed_database.system("runs") as unit:
        await leases.renew(unit, entrance.holder, seconds=0.1)
    async with entrance.accepting.running():
        assert await entrance.let_in(*[await entrance.entrant(payer) for _ in range(3)]) == [True] * 3
    async with another(renew_seconds=0.05):

        async def closed() -> list[Any]:
            return await rows(committed_database, "SELECT state, settled_as FROM run WHERE finished_at IS NOT NULL")

        async with asyncio.timeout(20):
            while len(await closed()) < 3:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
    assert {(row.state, row.settled_as) for row in await closed()} == {("interrupted", "nothing")}
    purse = await purse_of(committed_database, payer)
    assert (purse.held, purse.available) == (0, 10_000)
    assert await wrong_in(committed_database) == []


async def test_two_processes_let_in_on_one_balance_what_it_reaches_for(server: Server, copy: str, chain: Chain) -> None:
    databases = [Database.connect(server.app_url(copy), pool_size=3) for _ in range(2)]
    entrances = [Entrance(database, chain) for database in databases]
    people = [await make_wallet(databases[0], purchased=500) for _ in range(3)]
    question = (await entrances[0].entrant(people[0])).estimated_input

    async def one(entrance: Entrance, seed: int) -> list[Any]:
        async with entrance.accepting.running():
            entrants = [
                await entrance.entrant(people[(number * seed) % 3], tokens=25 - question) for number in range(80)
            ]
            return await entrance.let_in(*entrants)

    found = [each for some in await asyncio.gather(one(entrances[0], 1), one(entrances[1], 2)) for each in some]
    assert sum(each is True for each in found) == 60
    assert all(isinstance(each, InsufficientBalance) for each in found if each is not True)
    for each in people:
        assert (await purse_of(databases[0], each)).available == 0
    for entrance in entrances:
        for plan in entrance.begun:
            await charge(databases[0], plan.account.run_id, 20)
    assert await wrong_in(databases[0]) == []
    for database in databases:
        await database.close()


async def test_many_begin_and_are_answered_at_one_stroke(another: Another) -> None:
    """The whole way, with a shorter answer for one whose balance does not reach."""
    async with another(asks=Scripted(*["Yes."] * 61)) as here:
        payer, thrifty = await person(here.database), await person(here.database)
        await switch_billing_on(here.database)
        await with_price(here.database, "fake-n900", by=payer.user_id)
        await top_up(here.database, payer.user_id, 10_000_000_000)
        await top_up(here.database, thrifty.user_id, 5_000_000)
        async with asyncio.timeout(60):
            found = await asyncio.gather(
                here.runs.ask(thrifty, asking("fake-n900")),
                *(here.runs.ask(payer, asking("fake-n900")) for _ in range(60)),
            )
        assert {answer.done["state"] for _, answer in found if answer.done is not None} == {"done"}
        await eventually(lambda: here.runs.count == 0)
        booked = await rows(
            here.database,
            """SELECT count(*) AS runs, sum(u.charged_nano) AS used, sum(h.charged_nano) AS held
               FROM usage_line u JOIN credit_hold h USING (run_id) WHERE h.state = 'settled'""",
        )
        assert (booked[0].runs, booked[0].used) == (61, booked[0].held)
        assert await wrong_in(here.database) == []
