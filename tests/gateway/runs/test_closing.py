"""Runs that end together are booked together, and one that cannot be keeps none of the others from their end."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from kontor.billing import service as billing
from kontor.billing.errors import WrongCurrency
from kontor.billing.rates import Quote
from kontor.billing.usage import Usage
from kontor.core.database import Database
from kontor.core.ids import new_id
from kontor.gateway.runs import repository
from kontor.gateway.runs.events import Kind, RunId
from kontor.gateway.runs.journal import Closing, Journal
from kontor.gateway.runs.judging import CallFacts, CutPolicy, End
from kontor.gateway.runs.live import Live
from kontor.gateway.runs.settling import Account, Answered, Ended, Outcome, State, book_all
from tests.factories.billing import NANO_A_TOKEN, make_wallet, purse_of, wrong_in
from tests.gateway.runs.replica import Chain, rows
from tests.gateway.runs.test_accepting import Entrance


@dataclass
class Ending:
    """Runs of a process that produces nothing: what they said is put into them here."""

    database: Database
    journal: Journal
    entrance: Entrance

    async def runs(self, number: int) -> list[Account]:
        payer = await make_wallet(self.database, purchased=1_000)
        async with self.entrance.accepting.running():
            await self.entrance.let_in(*[await self.entrance.entrant(payer) for _ in range(number)])
        return [plan.account for plan in self.entrance.begun]

    def closing(self, account: Account, *, tokens: int = 7, quote: Quote = NANO_A_TOKEN) -> Closing:
        live = Live(account.run_id, account.owner_id, dirty=lambda _: None, told=lambda _: None)
        live.say(Kind.TEXT, {"text": "Straight on."})
        call = CallFacts(End.WHOLE, 1, 1, seen=Usage(output=tokens), is_seen_whole=True)
        outcome = Outcome(
            State.DONE,
            [call] if tokens else [],
            CutPolicy.INPUT,
            Answered(None, None, None, "openai", "fake", quote),
        )
        return Closing(live, account, outcome)

    async def close(self, closings: Sequence[Closing]) -> list[object]:
        """At one stroke: they are there when the journal looks for the first time."""
        waiting = [asyncio.create_task(self.journal.close(each)) for each in closings]
        await asyncio.sleep(0)
        async with self.journal.running():
            return await asyncio.gather(*waiting, return_exceptions=True)


@pytest.fixture
async def ending(committed_database: Database, chain: Chain) -> AsyncIterator[Ending]:
    holder = new_id()
    journal = Journal(committed_database, holder, billing)
    yield Ending(committed_database, journal, Entrance(committed_database, chain, holder))


async def states(database: Database) -> dict[UUID, tuple[object, ...]]:
    found = await rows(
        database,
        """SELECT run.id, run.state, settled_as, h.state AS hold, h.charged_nano,
               (SELECT count(*) FROM usage_line u WHERE u.run_id = run.id) AS lines,
               (SELECT string_agg(kind, ' ' ORDER BY seq) FROM run_event e WHERE e.run_id = run.id) AS said
           FROM run JOIN credit_hold h ON h.run_id = run.id""",
    )
    return {row.id: tuple(row)[1:] for row in found}


async def test_many_are_closed_in_one_transaction(ending: Ending) -> None:
    accounts = await ending.runs(20)
    closings = [ending.closing(each, tokens=number) for number, each in enumerate(accounts)]
    assert await ending.close(closings) == [True] * 20
    assert ending.journal.written == 1
    found = await states(ending.database)
    for number, account in enumerate(accounts):
        paid = ("done", "reported", "settled", number, 1) if number else ("done", "nothing", "voided", 0, 0)
        assert found[account.run_id] == (*paid, "text usage done")
    assert all(closing.live.is_over for closing in closings)
    purse = await purse_of(ending.database, accounts[0].payer_id)
    assert (purse.held, purse.purchased) == (0, 1_000 - sum(range(20)))
    # What each was told of the balance is what was left after those before it.
    told = sorted(closing.live.tail[-1].data["balance_after_nano"] for closing in closings if closing.outcome.calls)
    assert len(set(told)) == 19
    assert told[-1] <= purse.available
    assert await wrong_in(ending.database) == []


async def test_one_that_cannot_be_booked_keeps_none_from_its_end(ending: Ending) -> None:
    accounts = await ending.runs(5)
    closings = [ending.closing(each) for each in accounts]
    closings[2] = ending.closing(accounts[2], quote=replace(NANO_A_TOKEN, currency="USD"))
    answers = await ending.close(closings)
    assert [each is True for each in answers] == [True, True, False, True, True]
    assert isinstance(answers[2], WrongCurrency)
    found = await states(ending.database)
    assert found.pop(accounts[2].run_id) == ("running", None, "open", 0, 0, None)
    assert set(found.values()) == {("done", "reported", "settled", 7, 1, "text usage done")}
    assert await wrong_in(ending.database) == []


async def test_what_somebody_else_has_closed_is_not_closed_again(ending: Ending) -> None:
    accounts = await ending.runs(3)
    assert await ending.close([ending.closing(accounts[1], tokens=3)]) == [True]
    stranger = replace(accounts[0], run_id=RunId(new_id()))
    again = [ending.closing(each) for each in (*accounts, stranger)]
    assert await ending.close(again) == [True, False, True, False]
    found = await states(ending.database)
    assert [found[each.run_id][3] for each in accounts] == [7, 3, 7]
    assert await wrong_in(ending.database) == []


async def test_no_table_is_read_whole_however_small_it_was_when_it_was_first_asked(ending: Ending) -> None:
    """A plan is kept for as long as its connection, and tables grow from nothing to millions meanwhile."""
    payer = await make_wallet(ending.database, granted=10_000)
    for _ in range(8):  # the first few times a statement is planned anew
        entrants = [await ending.entrance.entrant(payer) for _ in range(3)]
        async with ending.database.system("test", is_by_key=True) as unit:
            before = await read_whole(unit)
            await billing.reserve_all(unit, [each.wanted for each in entrants])
            await repository.insert(unit, [{**each.row, "hold_nano": 1} for each in entrants])
            closings = [ending.closing(each.plan(1).account) for each in entrants]
            ended = [Ended(each.account, each.outcome, each.live.seq, each.live.take_all()) for each in closings]
            await book_all(unit, billing, ended)
            assert await read_whole(unit) == before


async def read_whole(unit: AsyncSession) -> dict[str, int]:
    """How often, by the tables that were, as far as this connection has not told others."""
    found = await unit.execute(text("SELECT relname, seq_scan FROM pg_stat_xact_user_tables WHERE seq_scan > 0"))
    return {row.relname: row.seq_scan for row in found}
