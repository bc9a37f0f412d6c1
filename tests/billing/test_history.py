"""Whatever happens to a wallet, in whatever order and however often: what is available stays above the debt that
estimates made, and the books are whole."""

import contextlib
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid5

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kontor.billing import holds, repository, wallets
from kontor.billing.errors import EntryNotReversible, GrantNotFound, InsufficientBalance
from kontor.billing.holds import reserve, void
from kontor.core.clock import clock, now
from kontor.core.database import Database
from kontor.core.ids import UserId
from tests.factories.billing import (
    NANO_A_TOKEN,
    charge,
    costs,
    hold,
    make_person,
    of_tokens,
    purse_of,
    wrong_in,
)

NAMESPACE = UUID(int=7)
RUNS = st.integers(0, 5)
AMOUNTS = st.integers(1, 1000)

steps = st.one_of(
    st.tuples(st.just("reserve"), RUNS, AMOUNTS),
    st.tuples(st.just("settle"), RUNS, st.integers(0, 1500)),
    st.tuples(st.just("settle"), RUNS, st.integers(0, 1500)),
    st.tuples(st.just("void"), RUNS),
    st.tuples(st.just("crash"), RUNS, AMOUNTS, st.integers(0, 1500)),
    st.tuples(st.just("forget")),
    st.tuples(st.just("grant"), st.integers(0, 3), AMOUNTS, st.one_of(st.none(), st.integers(1, 30))),
    st.tuples(st.just("withdraw"), st.integers(0, 3)),
    st.tuples(st.just("top_up"), st.integers(0, 2), AMOUNTS),
    st.tuples(st.just("refund"), st.integers(0, 2), st.integers(0, 1500)),
    st.tuples(st.just("reverse"), RUNS),
    st.tuples(st.just("days"), st.integers(1, 12)),
    st.tuples(st.just("sweep")),
)


class Crash(Exception):
    pass


@dataclass(slots=True)
class Story:
    """One wallet, and how far the estimates of its runs were off, together."""

    database: Database
    owner: UserId
    off: int = 0
    refunded: int = 0
    held: dict[int, int] = field(default_factory=dict)
    ended: set[int] = field(default_factory=set)

    def id(self, what: str, number: int) -> UUID:
        return uuid5(NAMESPACE, f"{self.owner} {what} {number}")

    async def go(self, step: tuple[Any, ...]) -> None:
        await getattr(self, step[0])(*step[1:])

    async def reserve(self, run: int, amount: int) -> None:
        before = await purse_of(self.database, self.owner)
        try:
            reserved = await hold(self.database, self.owner, amount, run_id=self.id("run", run))
        except InsufficientBalance as refused:
            assert run not in self.held
            assert refused.available < amount
            assert refused.max_output is None or refused.max_output <= refused.available
            return
        if run in self.held:
            assert reserved.amount_nano == self.held[run], "the second time changes nothing"
        else:
            assert amount <= before.available
            self.held[run] = amount

    async def settle(self, run: int, nano: int) -> None:
        settled = await charge(self.database, self.id("run", run), nano)
        if run not in self.held:
            assert settled.charged_nano == 0
        elif run not in self.ended:
            assert settled.charged_nano == nano
            self.off += max(nano - self.held[run], 0)
            self.ended.add(run)

    async def void(self, run: int) -> None:
        async with self.database.system("billing") as unit:
            await void(unit, run_id=self.id("run", run))
        if run in self.held:
            self.ended.add(run)

    async def crash(self, run: int, amount: int, nano: int) -> None:
        """Reserved and settled in a unit that never commits."""
        try:
            async with self.database.system("billing") as unit:
                run_id = self.id("run", run)
                await reserve(
                    unit,
                    payer=self.owner,
                    quote=NANO_A_TOKEN,
                    upper=of_tokens(amount),
                    run_id=run_id,
                    ttl=timedelta(hours=1),
                )
                await holds.settle(unit, run_id=run_id, cost=costs(nano), is_estimated=True)
                raise Crash
        except (Crash, InsufficientBalance):
            pass

    async def forget(self) -> None:
        """Nobody settles what is open; much later it is released, and may still be settled."""
        clock.advance(timedelta(hours=3))
        await holds.release_forgotten(self.database)
        for run, amount in self.held.items():
            if run not in self.ended:
                # Settled late, nothing is held for it any more: all of it may become debt.
                self.off += amount

    async def grant(self, number: int, amount: int, days: int | None) -> None:
        expires_at = None if days is None else now() + timedelta(days=days)
        async with self.database.system("billing") as unit:
            await wallets.grant(unit, self.owner, amount, expires_at=expires_at, grant_id=self.id("grant", number))

    async def withdraw(self, number: int) -> None:
        async with self.database.system("billing") as unit:
            with contextlib.suppress(GrantNotFound):
                await wallets.withdraw(unit, self.id("grant", number))

    async def top_up(self, number: int, amount: int) -> None:
        async with self.database.system("billing") as unit:
            await wallets.top_up(unit, self.owner, amount, source="test", source_id=str(self.id("pay", number)))

    async def refund(self, number: int, in_all: int) -> None:
        async with self.database.system("billing") as unit:
            with contextlib.suppress(LookupError):
                self.refunded += await wallets.refund(
                    unit, source="test", source_id=str(self.id("pay", number)), refunded_in_all=in_all
                )

    async def reverse(self, run: int) -> None:
        async with self.database.system("billing") as unit:
            entry = await repository.is_booked(unit, source="run", source_id=str(self.id("run", run)), kind="settle")
            if entry is not None:
                with contextlib.suppress(EntryNotReversible):
                    await wallets.reverse(unit, entry)

    async def days(self, number: int) -> None:
        clock.advance(timedelta(days=number))

    async def sweep(self) -> None:
        await wallets.sweep(self.database)

    async def check(self) -> None:
        purse = await purse_of(self.database, self.owner)
        # A refund of what is spent already is owed as well.
        assert purse.available >= -(self.off + self.refunded)
        assert purse.held <= purse.credit
        assert purse.debt == 0 or purse.free == 0
        assert await wrong_in(self.database) == []


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(st.lists(steps, min_size=3, max_size=25))
async def test_no_history_breaks_the_books(database: Database, history: list[tuple[Any, ...]]) -> None:
    story = Story(database, await make_person(database))
    await story.top_up(9, 600)
    for step in history:
        await story.go(step)
    await story.check()
    clock.reset()
