"""Many runs held or booked together: what comes of it is what would have come of one after the other."""

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event, text

from kontor.billing import budgets
from kontor.billing.budgets import Whose, Wish
from kontor.billing.errors import BudgetReached, InsufficientBalance, WrongCurrency
from kontor.billing.holds import Due, Reserved, Settled, Wanted, reserve_all, settle_all
from kontor.core.clock import clock, moved, now
from kontor.core.database import Database
from kontor.core.errors import KontorError
from kontor.core.ids import UserId, new_id
from tests.conftest import Server
from tests.factories.billing import NANO_A_TOKEN, costs, hold, make_wallet, of_tokens, purse_of, wrong_in

FREE = replace(NANO_A_TOKEN, is_billed=False)


def wanted(payer: UserId, tokens: int, **more: Any) -> Wanted:
    quote = more.pop("quote", NANO_A_TOKEN)
    return Wanted(more.pop("run_id", new_id()), payer, quote, of_tokens(tokens), timedelta(hours=1), **more)


async def reserved(database: Database, *runs: Wanted) -> list[Reserved | KontorError]:
    async with database.system("billing") as unit:
        return await reserve_all(unit, runs)


async def settled(database: Database, *dues: Due) -> list[Settled]:
    async with database.system("billing") as unit:
        return await settle_all(unit, dues)


async def limit(database: Database, whose: Whose, *wishes: Wish) -> None:
    async with database.system("billing") as unit:
        await budgets.replace_all(unit, whose, wishes, currency="EUR", timezone="UTC")


async def budgets_of(database: Database, owner: UserId) -> list[tuple[str, str, int, int, bool]]:
    async with database.system("billing") as unit:
        found = await budgets.list_of(unit, owner)
    return [(each.subject, each.period, each.spent, each.held, each.warned_at is not None) for each in found]


async def test_of_those_on_one_wallet_the_first_that_fit_are_let_in(database: Database) -> None:
    payer, other = await make_wallet(database, purchased=60, granted=40), await make_wallet(database, purchased=50)
    runs = [wanted(payer, 60), wanted(payer, 50), wanted(other, 50), wanted(payer, 40), wanted(payer, 1)]
    answers = await reserved(database, *runs)
    assert [getattr(each, "amount_nano", None) for each in answers] == [60, None, 50, 40, None]
    refused = [(each.needed, each.available) for each in answers if isinstance(each, InsufficientBalance)]
    assert refused == [(50, 40), (1, 0)]
    assert (await purse_of(database, payer)).held == 100
    assert (await purse_of(database, other)).available == 0
    assert await wrong_in(database) == []


async def test_a_budget_that_several_of_a_batch_touch_is_not_overrun(database: Database) -> None:
    payer, poor, project = await make_wallet(database, purchased=1_000), await make_wallet(database), new_id()
    await limit(database, Whose(payer, "person", payer), Wish("day", 100, 50, True))
    await limit(database, Whose(payer, "project", project), Wish("total", 50, 80, True))
    runs = [
        wanted(payer, 40, project_id=project),
        wanted(payer, 20, project_id=project),  # the project's
        wanted(poor, 10, project_id=project),  # no balance, so it takes nothing of the project's either
        wanted(poor, 10, project_id=project, quote=FREE),
        wanted(payer, 50),
        wanted(payer, 20),  # the person's
    ]
    answers = await reserved(database, *runs)
    assert [type(each) for each in answers] == [
        Reserved, BudgetReached, InsufficientBalance, Reserved, Reserved, BudgetReached
    ]  # fmt: skip
    left = [each.details["left"] for each in answers if isinstance(each, BudgetReached)]
    assert left == ["0.00000001", "0.00000001"]
    assert await budgets_of(database, payer) == [("person", "day", 0, 90, False), ("project", "total", 0, 50, False)]
    dues = [Due(runs[0].run_id, costs(30)), Due(runs[3].run_id), Due(runs[4].run_id, costs(25))]
    await settled(database, *dues)
    assert await budgets_of(database, payer) == [("person", "day", 55, 0, True), ("project", "total", 30, 0, False)]
    await settled(database, *dues)
    assert (await budgets_of(database, payer))[0] == ("person", "day", 55, 0, True), "the second time changes nothing"
    assert await wrong_in(database) == []


async def test_grants_that_are_over_let_nobody_of_a_batch_in(database: Database) -> None:
    payer = await make_wallet(database, granted=100, purchased=30, expires_at=now() + timedelta(hours=1))
    await hold(database, payer, 10)
    clock.advance(timedelta(hours=2))
    answers = await reserved(database, wanted(payer, 25), wanted(payer, 10), wanted(payer, 5))
    # Ten of the grant stay for the run that was let in on them.
    assert [getattr(each, "amount_nano", None) for each in answers] == [25, None, 5]
    assert (await purse_of(database, payer)).available == 0
    assert await wrong_in(database) == []


async def test_a_run_that_holds_already_needs_nothing_more(database: Database) -> None:
    payer = await make_wallet(database, purchased=100)
    await limit(database, Whose(payer, "person", payer), Wish("total", 100, 80, True))
    first, second = wanted(payer, 80), wanted(payer, 20)
    await reserved(database, first)
    answers = await reserved(database, first, second, second)
    assert [getattr(each, "amount_nano", None) for each in answers] == [80, 20, 20]
    assert (await purse_of(database, payer)).held == 100
    assert await budgets_of(database, payer) == [("person", "total", 0, 100, False)]


async def test_one_that_cannot_be_booked_books_none_of_its_batch(database: Database) -> None:
    """Whoever asked tries them one by one."""
    payer, right, wrong = await make_wallet(database, purchased=100), new_id(), new_id()
    await reserved(database, wanted(payer, 50, run_id=right), wanted(payer, 50, run_id=wrong))
    with pytest.raises(WrongCurrency):
        await settled(database, Due(right, costs(10)), Due(wrong, costs(10, currency="USD")))
    assert (await purse_of(database, payer)).held == 100
    assert (await settled(database, Due(right, costs(10)))) == [Settled(10, 40, 40)]


async def test_a_batch_of_any_size_is_as_many_statements(committed_database: Database) -> None:
    engine = committed_database.engine
    assert engine is not None

    async def calls(size: int) -> int:
        people = [await make_wallet(committed_database, granted=100, purchased=100) for _ in range(size)]
        runs = [wanted(people[number % size], 10) for number in range(2 * size)]
        counted = 0

        def count(*_: object) -> None:
            nonlocal counted
            counted += 1

        async with committed_database.system("billing") as unit:
            driver: Any = unit.sync_session.connection().connection.driver_connection
            event.listen(engine.sync_engine, "before_cursor_execute", count)
            driver.add_query_logger(count)
            await reserve_all(unit, runs)
            await settle_all(unit, [Due(each.run_id, costs(5)) for each in runs])
            driver.remove_query_logger(count)
            event.remove(engine.sync_engine, "before_cursor_execute", count)
        return counted

    await calls(1)  # the driver asks about types that it meets for the first time
    assert await calls(1) == await calls(20) <= 7
    assert await wrong_in(committed_database) == []


@pytest.fixture
async def replicas(server: Server, copy: str) -> AsyncIterator[Sequence[Database]]:
    """As many processes on one database."""
    made = [Database.connect(server.app_url(copy), pool_size=2) for _ in range(3)]
    yield made
    for each in made:
        await each.close()


async def test_batches_of_several_processes_on_the_same_wallets_never_wait_in_a_ring(
    replicas: Sequence[Database],
) -> None:
    """Each takes the same people and budgets in another order."""
    people = [await make_wallet(replicas[0], granted=500, purchased=500) for _ in range(6)]
    for each in people:
        await limit(replicas[0], Whose(each, "person", each), Wish("day", 10_000, 80, True))

    async def work(database: Database, seed: int) -> int:
        drawn, charged = random.Random(seed), 0
        for _ in range(12):
            runs = [wanted(payer, 5) for payer in drawn.sample(people, 6) + drawn.sample(people, 6)]
            answers = await reserved(database, *runs)
            assert all(isinstance(each, Reserved) for each in answers)
            drawn.shuffle(runs)
            dues = [Due(each.run_id, costs(3) if drawn.random() < 0.8 else None) for each in runs]
            charged += sum(each.charged_nano for each in await settled(database, *dues))
        return charged

    async with asyncio.timeout(60):
        charged = sum(await asyncio.gather(*(work(each, seed) for each in replicas for seed in (1, 2))))
    assert sum([(await purse_of(replicas[0], each)).credit for each in people]) == 6 * 1_000 - charged
    assert await wrong_in(replicas[0]) == []


# A batch is the same as one after the other

AMOUNTS = st.integers(1, 200)
RUNS = st.integers(0, 7)


@dataclass(frozen=True)
class House:
    """Two people, a project with a budget, and credit of which some may be over by now."""

    purchased: int
    granted: int
    expires: bool
    person_limit: int | None
    project_limit: int | None


houses = st.builds(
    House,
    purchased=st.integers(0, 400),
    granted=st.integers(0, 200),
    expires=st.booleans(),
    person_limit=st.none() | st.integers(0, 300),
    project_limit=st.none() | st.integers(0, 300),
)
asked = st.tuples(RUNS, AMOUNTS, st.booleans(), st.booleans())
ends = st.tuples(RUNS, st.none() | st.integers(0, 300))


@dataclass(slots=True)
class World:
    """The same house, built twice; `number` names its runs in both."""

    database: Database
    people: list[UserId]
    project: UUID
    runs: list[UUID]

    @classmethod
    async def built(cls, database: Database, house: House) -> "World":
        expires_at = now() + timedelta(minutes=5) if house.expires else None
        first = await make_wallet(database, purchased=house.purchased, granted=house.granted, expires_at=expires_at)
        second = await make_wallet(database, purchased=150)
        made = cls(database, [first, second], new_id(), [new_id() for _ in range(8)])
        if house.person_limit is not None:
            await limit(database, Whose(first, "person", first), Wish("day", house.person_limit, 50, True))
        if house.project_limit is not None:
            whose = Whose(first, "project", made.project)
            await limit(database, whose, Wish("total", house.project_limit, 80, True))
        return made

    def wanted(self, run: int, tokens: int, is_charged: bool, in_project: bool) -> Wanted:
        return wanted(
            self.people[run % 2],
            tokens,
            run_id=self.runs[run],
            quote=NANO_A_TOKEN if is_charged else FREE,
            project_id=self.project if in_project else None,
        )

    def due(self, run: int, nano: int | None) -> Due:
        return Due(self.runs[run], None if nano is None else costs(nano))

    async def state(self) -> list[Any]:
        """Everything that is written, without names."""
        number = {run_id: place for place, run_id in enumerate(self.runs)}
        found: list[Any] = []
        for person in self.people:
            purse = await purse_of(self.database, person)
            grants = [each.remaining for each in purse.grants]
            found += [(purse.purchased, purse.held, purse.debt, grants), await budgets_of(self.database, person)]
        async with self.database.system("test") as unit:
            holds = await unit.execute(
                text("""SELECT run_id, state, amount_nano, charged_nano, released_nano, provider_usd_nano
                        FROM credit_hold WHERE run_id = ANY(:runs)"""),
                {"runs": self.runs},
            )
            found.append(sorted((number[row.run_id], *row[1:]) for row in holds))
            entries = await unit.execute(
                text("""SELECT e.source_id, e.kind, p.account, p.amount_nano
                        FROM ledger_entry e JOIN ledger_posting p ON p.entry_id = e.id
                        WHERE e.source_id = ANY(:runs)"""),
                {"runs": list(map(str, self.runs))},
            )
            found.append(sorted((number[UUID(row.source_id)], *row[1:]) for row in entries))
        return found


def told(answer: Reserved | Settled | KontorError) -> object:
    """Without the names that differ between the two."""
    match answer:
        case Reserved():
            return answer.amount_nano, answer.currency
        case Settled():
            return answer
        case _:
            return type(answer), {name: said for name, said in answer.details.items() if name != "budget_id"}


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(houses, st.lists(asked, min_size=1, max_size=10), st.lists(ends, max_size=10))
async def test_a_batch_is_the_same_as_one_after_the_other(
    database: Database, house: House, beginnings: list[tuple[int, int, bool, bool]], endings: list[tuple[int, Any]]
) -> None:
    together, apart = await World.built(database, house), await World.built(database, house)
    with moved(timedelta(minutes=10)):
        answers = await reserved(database, *(together.wanted(*each) for each in beginnings))
        singly = [(await reserved(database, apart.wanted(*each)))[0] for each in beginnings]
        assert [told(each) for each in answers] == [told(each) for each in singly]
        assert await together.state() == await apart.state()
        if endings:
            booked = await settled(database, *(together.due(*each) for each in endings))
            assert booked == [(await settled(database, apart.due(*each)))[0] for each in endings]
            assert await together.state() == await apart.state()
        assert await wrong_in(database) == []
