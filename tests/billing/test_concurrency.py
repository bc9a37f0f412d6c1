"""Many at once on one balance, on connections of their own: what is promised to one is not promised to another."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import replace
from datetime import timedelta
from typing import Any, TypeVar
from uuid import UUID

import pytest
from sqlalchemy import text

from kontor.billing import budgets, wallets
from kontor.billing.budgets import Whose, Wish
from kontor.billing.errors import BudgetReached, InsufficientBalance
from kontor.billing.holds import release_forgotten, reserve, void
from kontor.core.clock import moved, now
from kontor.core.database import Database
from kontor.core.ids import UserId, new_id
from tests.conftest import Server
from tests.factories.billing import NANO_A_TOKEN, charge, hold, make_wallet, of_tokens, purse_of, wrong_in

TASKS = 64
CONNECTIONS = 16

T = TypeVar("T")


@pytest.fixture
async def database(server: Server, copy: str) -> AsyncIterator[Database]:
    made = Database.connect(server.app_url(copy), pool_size=CONNECTIONS)
    yield made
    await made.close()


async def at_once(*works: Coroutine[Any, Any, Any]) -> list[Any]:
    """All of them, with what they answered or raised."""
    return await asyncio.gather(*works, return_exceptions=True)


class Doors:
    """As many at once as there are connections: whoever waits for one too long is told that the database is away."""

    def __init__(self, number: int) -> None:
        self._free = asyncio.Semaphore(number)

    async def through(self, work: Coroutine[Any, Any, T]) -> T:
        async with self._free:
            return await work


def only(results: list[Any], *expected: type[BaseException]) -> list[Any]:
    """Those that went well; anything else than what was expected is raised."""
    for result in results:
        if isinstance(result, BaseException) and not isinstance(result, expected):
            raise result
    return [result for result in results if not isinstance(result, BaseException)]


async def test_sixty_four_at_once_never_hold_more_than_there_is(database: Database) -> None:
    owner, doors = await make_wallet(database, granted=100, purchased=200), Doors(CONNECTIONS)
    results = await at_once(*(doors.through(hold(database, owner, 10)) for _ in range(TASKS)))
    assert len(only(results, InsufficientBalance)) == 30
    purse = await purse_of(database, owner)
    assert (purse.held, purse.available, purse.debt) == (300, 0, 0)
    assert await wrong_in(database) == []


async def test_runs_that_come_and_go_at_once_are_each_charged_once(database: Database) -> None:
    """Each settles its run from three sides, and some of these runs are voided or forgotten at the same time."""
    owner, doors = await make_wallet(database, granted=5_000, purchased=5_000), Doors(CONNECTIONS)

    async def run(number: int) -> int:
        run_id = new_id()
        reserved = await doors.through(hold(database, owner, 100, run_id=run_id))
        assert reserved.amount_nano == 100
        ends: list[Coroutine[Any, Any, Any]] = [charge(database, run_id, 60 + number % 80) for _ in range(3)]
        if number % 4 == 0:
            ends.append(end_void(database, run_id))
        if number % 5 == 0:
            ends.append(release_late(database))
        results = only(await at_once(*map(doors.through, ends)))
        charged = {result.charged_nano for result in results if result is not None}
        assert len(charged) == 1, "every side is told the same"
        return int(charged.pop())

    charged = sum(only(await at_once(*(run(number) for number in range(TASKS)))))
    purse = await purse_of(database, owner)
    assert (purse.held, purse.credit - purse.debt) == (0, 10_000 - charged)
    async with database.system("test") as unit:
        settled = await unit.scalar(text("SELECT count(*) FROM ledger_entry WHERE kind = 'settle'"))
        paid = await unit.scalar(text("SELECT count(*) FROM credit_hold WHERE charged_nano > 0"))
    assert settled == paid
    assert await wrong_in(database) == []


async def end_void(database: Database, run_id: UUID) -> Any:
    async with database.system("billing") as unit:
        return await void(unit, run_id=run_id)


async def release_late(database: Database) -> None:
    """Nothing is old enough; it only looks while the others work."""
    await release_forgotten(database)


async def test_credit_comes_and_goes_while_runs_are_paid(database: Database) -> None:
    owner, doors = await make_wallet(database, purchased=3_000), Doors(CONNECTIONS)

    async def grant() -> None:
        async with database.system("billing") as unit:
            await wallets.grant(unit, owner, 100)

    async def refund(in_all: int) -> None:
        async with database.system("billing") as unit:
            await wallets.refund(unit, source="test", source_id="pay", refunded_in_all=in_all)

    async def pay() -> None:
        async with database.system("billing") as unit:
            await wallets.top_up(unit, owner, 1_000, source="test", source_id="pay")

    async def run() -> None:
        run_id = new_id()
        await hold(database, owner, 50, run_id=run_id)
        await charge(database, run_id, 70)

    await pay()
    works = [run() for _ in range(TASKS)] + [grant() for _ in range(8)] + [pay() for _ in range(4)]
    works += [refund(in_all) for in_all in (100, 300, 200, 300, 1_000, 900)]
    only(await at_once(*map(doors.through, works)), InsufficientBalance)
    async with database.system("test") as unit:
        refunded = await unit.scalar(text("SELECT refunded_nano FROM top_up WHERE source_id = 'pay'"))
    assert refunded == 1_000
    assert (await purse_of(database, owner)).held == 0
    assert await wrong_in(database) == []


async def test_budgets_are_exact_also_where_nobody_pays(database: Database) -> None:
    """Three budgets at once, locked in one order: nobody waits in a ring, and none is overrun."""
    owner, doors = await make_wallet(database), Doors(CONNECTIONS)
    project, key = new_id(), new_id()
    async with database.system("billing") as unit:
        for whose, limit in (
            (Whose(owner, "person", owner), 300),
            (Whose(owner, "project", project), 400),
            (Whose(owner, "key", key), 350),
        ):
            wishes = [Wish("day", limit, 80, True), Wish("total", limit * 2, 80, True)]
            await budgets.replace_all(unit, whose, wishes, currency="EUR", timezone="UTC")

    async def run(number: int) -> None:
        run_id = new_id()
        await free_hold(
            database,
            owner,
            run_id,
            project_id=project if number % 2 else None,
            key_id=key if number % 3 else None,
        )
        await charge(database, run_id, 10)

    results = await at_once(*(doors.through(run(number)) for number in range(TASKS)))
    assert len(only(results, BudgetReached)) == 30
    async with database.system("billing") as unit:
        found = {(each.subject, each.period): (each.spent, each.held) for each in await budgets.list_of(unit, owner)}
    assert found["person", "day"] == (300, 0)
    assert found["person", "total"] == (300, 0)
    assert await wrong_in(database) == []


async def free_hold(
    database: Database, payer: UserId, run_id: UUID, *, project_id: UUID | None, key_id: UUID | None
) -> None:
    """Ten nano, of a run that nobody pays for."""
    async with database.system("billing") as unit:
        await reserve(
            unit,
            payer=payer,
            quote=replace(NANO_A_TOKEN, is_billed=False),
            upper=of_tokens(10),
            run_id=run_id,
            project_id=project_id,
            key_id=key_id,
            ttl=timedelta(hours=1),
        )


async def test_a_grant_that_expires_meanwhile_is_held_by_nobody_new(database: Database) -> None:
    """Whoever comes first after its end finds it gone, whether or not a sweep was there."""
    owner = await make_wallet(database, granted=500, purchased=100, expires_at=now() + timedelta(hours=1))
    only(await at_once(*(hold(database, owner, 10) for _ in range(5))))
    with moved(timedelta(hours=2)):
        results = await at_once(*(hold(database, owner, 10) for _ in range(32)), wallets.sweep(database))
        assert len([r for r in only(results, InsufficientBalance) if not isinstance(r, int)]) == 10
    assert await wrong_in(database) == []


THREADS = 16


def test_threads_with_loops_of_their_own_on_one_balance(server: Server, copy: str) -> None:
    """As several processes would: each thread with connections of its own, sixty-four runs at a time."""
    held: list[int] = []
    wrong: list[BaseException] = []
    owner = run_apart(server, copy, lambda database: make_wallet(database, purchased=1_000))
    ready = threading.Barrier(THREADS)

    async def one(database: Database) -> None:
        async with database.system("test") as unit:
            await unit.execute(text("SELECT 1"))
        await asyncio.to_thread(ready.wait, 60)
        results = await at_once(*(hold(database, owner, 10) for _ in range(2 * TASKS // THREADS)))
        held.extend(reserved.amount_nano for reserved in only(results, InsufficientBalance))

    def work() -> None:
        try:
            run_apart(server, copy, one)
        except BaseException as reason:
            wrong.append(reason)

    threads = [threading.Thread(target=work) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert sum(held) == 1_000
    purse = run_apart(server, copy, lambda database: purse_of(database, owner))
    assert (purse.held, purse.available) == (1_000, 0)


def run_apart(server: Server, copy: str, work: Callable[[Database], Coroutine[Any, Any, Any]]) -> Any:
    async def run() -> Any:
        database = Database.connect(server.app_url(copy), pool_size=2)
        try:
            return await work(database)
        finally:
            await database.close()

    return asyncio.run(run())
