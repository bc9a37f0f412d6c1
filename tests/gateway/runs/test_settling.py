"""The table of `runs.judging`, row by row: as values, then over a provider that misbehaves, down to the ledger."""

import asyncio
from contextlib import aclosing, suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kontor.billing import prices
from kontor.billing.configuration import Markup
from kontor.billing.errors import InsufficientBalance
from kontor.billing.rates import PriceSheet, Service
from kontor.billing.service import PriceKey
from kontor.billing.usage import Usage
from kontor.core.clock import now
from kontor.core.outage import is_outage
from kontor.core.tenancy import Actor, Role
from kontor.gateway.runs.accepting import held_on
from kontor.gateway.runs.answers import Answer, gathered
from kontor.gateway.runs.events import RunId
from kontor.gateway.runs.judging import CallFacts, CutPolicy, End, How, Verdict, judge, judge_all
from tests.factories.billing import NANO_A_TOKEN
from tests.gateway.runs.replica import (
    QUESTION,
    Replica,
    asking,
    person,
    price,
    row,
    rows,
    singly,
    switch_billing_on,
    top_up,
)
from tests.wire.llm_server import USD_NANO_PER_MILLION, LlmServer

BREAK = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND usename = current_user
    ORDER BY random() LIMIT 2
"""

TOLD = Usage(input=100, cached=20, output=50, reasoning=5)
HALF = Usage(input=100, cached=20, output=1)

ROWS = [
    ("whole, with usage", CallFacts(End.WHOLE, 90, 48, seen=TOLD, is_seen_whole=True), TOLD, How.REPORTED),
    ("whole, its usage before the last words", CallFacts(End.WHOLE, 90, 48, seen=TOLD), TOLD, How.REPORTED),
    ("whole, without usage", CallFacts(End.WHOLE, 90, 48, 7), Usage(input=90, output=48, reasoning=7), How.ESTIMATED),
    (
        "whole, a usage of nothing but zeros",
        CallFacts(End.WHOLE, 90, 48, seen=Usage(), is_seen_whole=True),
        Usage(input=90, output=48),
        How.ESTIMATED,
    ),
    (
        "stopped, usage told after the text",
        CallFacts(End.CUT, 90, 48, seen=TOLD, is_seen_whole=True),
        TOLD,
        How.REPORTED,
    ),
    ("stopped in the text", CallFacts(End.CUT, 90, 30), Usage(input=90, output=30), How.DELIVERED),
    (
        "stopped in the text, the input is known",
        CallFacts(End.CUT, 90, 30, seen=HALF),
        Usage(input=100, cached=20, output=30),
        How.DELIVERED,
    ),
    (
        "stopped in the text, more was told than we estimate",
        CallFacts(End.CUT, 90, 30, seen=Usage(input=100, output=40)),
        Usage(input=100, output=40),
        How.DELIVERED,
    ),
    ("accepted, nothing delivered", CallFacts(End.CUT, 90), Usage(input=90), How.INPUT),
    ("not known to be accepted, nothing delivered", CallFacts(End.CUT, 90, is_accepted=False), Usage(), How.NOTHING),
    ("refused before any text", CallFacts(End.REFUSED, 90), Usage(), How.NOTHING),
    ("refused, whatever was told", CallFacts(End.REFUSED, 90, seen=HALF), Usage(), How.NOTHING),
    ("never sent", CallFacts(End.UNSENT, 90), Usage(), How.NOTHING),
]


@pytest.mark.parametrize(("call", "usage", "how"), [case[1:] for case in ROWS], ids=[case[0] for case in ROWS])
def test_each_row_of_the_table(call: CallFacts, usage: Usage, how: How) -> None:
    assert judge(call, CutPolicy.INPUT) == Verdict(usage, how)


def test_an_installation_may_ask_nothing_for_what_was_never_answered() -> None:
    assert judge(CallFacts(End.CUT, 90), CutPolicy.NOTHING) == Verdict(Usage(), How.WAIVED)
    # That is for answers without a word: what was delivered is owed all the same.
    assert judge(CallFacts(End.CUT, 90, 30), CutPolicy.NOTHING).how is How.DELIVERED


def test_calls_of_one_run_add_up_and_are_as_certain_as_the_least_certain() -> None:
    told = CallFacts(End.WHOLE, 90, 48, seen=TOLD, is_seen_whole=True, said_usd_nano=7)
    refused, cut = CallFacts(End.REFUSED, 90), CallFacts(End.CUT, 10, 5)
    assert judge_all([refused, told], CutPolicy.INPUT) == Verdict(TOLD, How.REPORTED, 7)
    both = judge_all([told, cut], CutPolicy.INPUT)
    assert both == Verdict(Usage(input=110, cached=20, output=55, reasoning=5), How.DELIVERED)
    assert judge_all([refused], CutPolicy.INPUT).how is How.NOTHING
    assert judge_all([], CutPolicy.INPUT).how is How.NOTHING


tokens = st.integers(0, 10_000)
usages = st.builds(Usage, input=tokens, cached=tokens, output=tokens, reasoning=tokens)
facts = st.builds(
    CallFacts,
    end=st.sampled_from(End),
    estimated_input=tokens,
    estimated_output=tokens,
    estimated_reasoning=tokens,
    seen=st.none() | usages,
    is_seen_whole=st.booleans(),
    is_accepted=st.booleans(),
)


@given(facts, st.sampled_from(CutPolicy))
def test_nobody_pays_for_more_than_was_told_or_delivered(call: CallFacts, policy: CutPolicy) -> None:
    verdict = judge(call, policy)
    seen = call.seen or Usage()
    assert verdict.usage.output <= max(seen.output, call.estimated_output)
    assert verdict.usage.reasoning <= max(seen.reasoning, call.estimated_reasoning)
    assert verdict.usage.read <= max(seen.read, call.estimated_input)
    if verdict.how in {How.NOTHING, How.WAIVED}:
        assert verdict.usage == Usage()


# Over the wire


@pytest.fixture
async def payer(here: Replica) -> Actor:
    """Somebody with a dollar, in a house that charges."""
    made = await person(here.database)
    await switch_billing_on(here.database)
    await top_up(here.database, made.user_id, 1_000_000_000)
    return made


async def ask(here: Replica, payer: Actor, model: str, **more: Any) -> tuple[RunId, Answer]:
    await price(here.database, *model.split(","), by=payer.user_id)
    return await here.runs.ask(payer, asking(model, **more))


async def ask_and_stop(here: Replica, payer: Actor, model: str, *, after: str | None = "text") -> tuple[RunId, Answer]:
    """`after`: stopped when such an event has come; None: as soon as the provider has the question."""
    await price(here.database, model, by=payer.user_id)
    answer = Answer()
    async with here.runs.start_and_follow(payer, asking(model)) as (run_id, events):
        if after is None:
            await here.chain.server.until(lambda: here.chain.server.busy > 0)
            await here.runs.stop(payer, run_id)
        async for event in singly(events):
            answer.take(event)
            if event.kind == after:
                await here.runs.stop(payer, run_id)
    return run_id, answer


async def books_of(here: Replica, run_id: RunId) -> dict[str, Any]:
    found = await row(
        here.database,
        """SELECT run.state, run.settled_as, run.is_estimated, run.cost, credit_hold.state AS hold,
               credit_hold.charged_nano, credit_hold.released_nano, credit_hold.amount_nano,
               (SELECT count(*) FROM usage_line WHERE run_id = run.id) AS lines,
               (SELECT count(*) FROM ledger_entry WHERE source = 'run' AND source_id = CAST(run.id AS text)) AS entries,
               wallet.purchased_nano, wallet.held_nano, wallet.debt_nano
        FROM run JOIN credit_hold ON credit_hold.run_id = run.id JOIN wallet ON wallet.owner_id = run.payer_id
        WHERE run.id = :id""",
        id=run_id,
    )
    return dict(found._mapping)


async def test_a_whole_answer_costs_what_the_provider_asks(here: Replica, payer: Actor, provider: LlmServer) -> None:
    run_id, answer = await ask(here, payer, "fake-n30")
    books = await books_of(here, run_id)
    (billed,) = provider.invoice
    assert books["charged_nano"] == billed.usd_nano > 0
    assert (books["state"], books["settled_as"], books["is_estimated"]) == ("done", "reported", False)
    assert (books["hold"], books["lines"], books["entries"], books["held_nano"]) == ("settled", 1, 1, 0)
    assert books["purchased_nano"] == 1_000_000_000 - billed.usd_nano
    assert answer.done is not None
    assert answer.done["balance_after_nano"] == books["purchased_nano"]


async def test_the_markup_is_that_of_the_role_of_whoever_pays(here: Replica) -> None:
    asker, payer = await person(here.database), await person(here.database, Role.MANAGER)
    markups = [Markup(role=Role.USER, basis_points=9_000), Markup(role=Role.MANAGER, basis_points=1_000)]
    await switch_billing_on(here.database, markups=markups)
    await top_up(here.database, payer.user_id, 1_000_000_000)
    await price(here.database, "fake-n30", by=payer.user_id)
    run_id, answer = await here.runs.ask(asker, asking("fake-n30", payer_id=payer.user_id))
    assert answer.error is None
    found = await row(here.database, "SELECT quote FROM run WHERE id = :id", id=run_id)
    assert found.quote["markup_bp"] == 1_000
    assert (await books_of(here, run_id))["hold"] == "settled"


@pytest.mark.parametrize("service", ["flex", "gold"])
async def test_another_way_of_being_served_costs_what_the_list_says_or_is_an_estimate(
    here: Replica, payer: Actor, provider: LlmServer, service: str
) -> None:
    model, is_listed = "fake-n30-cached50", service == "flex"
    half = Service({name: nano // 2 for name, nano in USD_NANO_PER_MILLION.items()})
    async with here.database.system("test") as unit:
        sheet = PriceSheet(USD_NANO_PER_MILLION, services={"flex": half})
        key = PriceKey("openai", model)
        await prices.add(unit, key, sheet, source="admin", valid_from=now() - timedelta(days=1), by=payer.user_id)
    parameters = {"extra": {"service_tier": service}}
    run_id, answer = await here.runs.ask(payer, asking(model, parameters=parameters))
    books = await books_of(here, run_id)
    assert provider.requests[-1].json["service_tier"] == service
    assert books["charged_nano"] == -(-provider.invoice[-1].usd_nano // (2 if is_listed else 1))
    assert books["is_estimated"] == (answer.done or {})["cost"]["is_estimated"] == (not is_listed)
    assert (books["cost"]["service"], books["settled_as"]) == (service, "reported")
    assert ("no price is known" in (await here.runs.receipt(payer, run_id)).note) == (not is_listed)


async def test_reasoning_and_cached_tokens_are_priced_apart(here: Replica, payer: Actor, provider: LlmServer) -> None:
    run_id, _ = await ask(here, payer, "fake-n10-think8-cached50")
    (billed,) = provider.invoice
    assert billed.usage.reasoning == 8
    assert billed.usage.cached > 0
    assert (await books_of(here, run_id))["charged_nano"] == billed.usd_nano


async def test_without_a_usage_the_answer_is_estimated(here: Replica, payer: Actor) -> None:
    run_id, answer = await ask(here, payer, "fake-n30-nousage")
    books = await books_of(here, run_id)
    assert (books["state"], books["settled_as"], books["is_estimated"]) == ("done", "estimated", True)
    assert answer.done is not None
    assert answer.done["usage"]["output"] == -(-len(answer.text) // 4)
    assert books["charged_nano"] > 0


async def test_a_stop_in_the_text_costs_the_question_and_what_was_delivered(here: Replica, payer: Actor) -> None:
    run_id, answer = await ask_and_stop(here, payer, "fake-n500-t20")
    books = await books_of(here, run_id)
    assert (books["state"], books["settled_as"], books["is_estimated"]) == ("stopped", "delivered", True)
    assert answer.done is not None
    assert answer.done["usage"]["output"] == -(-len(answer.text) // 4) < 100
    assert books["released_nano"] == books["amount_nano"] - books["charged_nano"] > 0


async def test_a_stop_before_the_first_word_costs_the_question(here: Replica, payer: Actor) -> None:
    run_id, answer = await ask_and_stop(here, payer, "fake-w60000", after=None)
    books = await books_of(here, run_id)
    assert (books["state"], books["settled_as"], books["is_estimated"]) == ("stopped", "input", True)
    assert answer.done is not None
    assert answer.done["usage"]["output"] == 0
    assert answer.done["usage"]["input"] == here.estimates.input_tokens("", QUESTION, ())


async def test_a_stop_before_the_first_word_may_cost_nothing(here: Replica, payer: Actor) -> None:
    here.chain.unanswered = CutPolicy.NOTHING
    run_id, _ = await ask_and_stop(here, payer, "fake-w60000", after=None)
    books = await books_of(here, run_id)
    assert (books["settled_as"], books["charged_nano"], books["hold"], books["lines"]) == ("waived", 0, "voided", 0)


async def test_a_stop_while_it_waits_for_its_turn_costs_nothing(
    here: Replica, payer: Actor, provider: LlmServer
) -> None:
    here.chain.concurrency = 1
    await price(here.database, "fake-w60000", by=payer.user_id)
    first = await here.runs.start(payer, asking("fake-w60000"))
    await provider.until(lambda: provider.busy == 1)
    second = await here.runs.start(payer, asking("fake-w60000"))
    for run_id in (second, first):
        await here.runs.stop(payer, run_id)
        async with aclosing(here.runs.follow(payer, run_id)) as events:
            await gathered(events)
    assert (await books_of(here, second))["settled_as"] == "nothing"
    assert (await books_of(here, first))["settled_as"] == "input"
    assert len(provider.requests) == 1


async def test_after_a_stop_the_count_may_be_waited_for(here: Replica, payer: Actor, provider: LlmServer) -> None:
    here.chain.after_stop = "drain"
    run_id, answer = await ask_and_stop(here, payer, "fake-n60-t5")
    books = await books_of(here, run_id)
    (billed,) = provider.invoice
    assert (books["state"], books["settled_as"]) == ("stopped", "reported")
    assert books["charged_nano"] == billed.usd_nano
    assert len(answer.text) < 200  # what came after the stop is nobody's


@pytest.mark.parametrize("model", ["fake-e503", "fake-e400", "fake-e401", "fake-reset", "fake-broke", "fake-empty"])
async def test_a_failure_before_the_first_word_costs_nothing(here: Replica, payer: Actor, model: str) -> None:
    run_id, answer = await ask(here, payer, model)
    books = await books_of(here, run_id)
    assert (books["state"], books["settled_as"], books["charged_nano"]) == ("failed", "nothing", 0)
    assert (books["hold"], books["lines"], books["held_nano"]) == ("voided", 0, 0)
    assert books["purchased_nano"] == 1_000_000_000
    assert answer.error is not None
    assert answer.error["code"].startswith("gateway.")
    assert "Nothing was charged." in answer.error["message"]


@pytest.mark.parametrize("model", ["fake-n50-break9", "fake-n50-error9", "fake-n50-reset9"])
async def test_a_stream_that_breaks_costs_what_came_of_it(here: Replica, payer: Actor, model: str) -> None:
    run_id, answer = await ask(here, payer, model)
    books = await books_of(here, run_id)
    assert (books["state"], books["settled_as"], books["is_estimated"]) == ("failed", "delivered", True)
    assert answer.text
    assert answer.done is not None
    assert answer.done["usage"]["output"] == -(-len(answer.text) // 4)
    assert answer.error is not None
    assert "Nothing was charged" not in answer.error["message"]


async def test_a_stand_in_is_paid_and_who_failed_is_not(here: Replica, payer: Actor, provider: LlmServer) -> None:
    run_id, answer = await ask(here, payer, "fake-e503,fake-n7")
    books = await books_of(here, run_id)
    (billed,) = provider.invoice
    assert (books["state"], books["charged_nano"]) == ("done", billed.usd_nano)
    kept = await row(here.database, "SELECT model_name, tried FROM run WHERE id = :id", id=run_id)
    assert kept.model_name == "fake-n7"
    assert [each["model"] for each in kept.tried] == ["fake-e503"]
    assert answer.done is not None
    assert answer.done["model"] == "fake-n7"


async def test_after_the_first_word_there_is_no_stand_in(here: Replica, payer: Actor, provider: LlmServer) -> None:
    _, answer = await ask(here, payer, "fake-n50-break9,fake-n7")
    assert answer.done is not None
    assert (answer.done["state"], answer.done["model"]) == ("failed", "fake-n50-break9")
    assert set(provider.calls) == {"fake-n50-break9"}


async def test_without_balance_nothing_begins(here: Replica) -> None:
    poor = await person(here.database)
    await switch_billing_on(here.database)
    await price(here.database, "fake-n20", by=poor.user_id)
    with pytest.raises(InsufficientBalance):
        await here.runs.ask(poor, asking("fake-n20"))
    assert await rows(here.database, "SELECT id FROM run") == []


async def test_a_small_purse_buys_a_shorter_answer(here: Replica, provider: LlmServer) -> None:
    """The hold for the longest answer does not fit; who named no length is asked for less instead of being refused."""
    thrifty = await person(here.database)
    await switch_billing_on(here.database)
    await price(here.database, "fake-n900", by=thrifty.user_id)
    await top_up(here.database, thrifty.user_id, 5_000_000)  # five hundred tokens of the thousand
    _, answer = await here.runs.ask(thrifty, asking("fake-n900"))
    assert answer.done is not None
    assert (answer.done["state"], answer.done["finish_reason"]) == ("done", "length")
    assert 400 < provider.requests[-1].json["max_tokens"] < 500
    found = await row(here.database, "SELECT purchased_nano, held_nano, debt_nano FROM wallet")
    assert (found.held_nano, found.debt_nano) == (0, 0)
    with pytest.raises(InsufficientBalance):
        await here.runs.ask(thrifty, asking("fake-n900", parameters={"max_output": 900}))


async def test_ones_own_key_costs_nothing_here(here: Replica) -> None:
    poor = await person(here.database)
    await switch_billing_on(here.database)
    await price(here.database, "fake-n20", by=poor.user_id)
    here.chain.is_own_key = True
    run_id, answer = await here.runs.ask(poor, asking("fake-n20"))
    assert answer.done is not None
    assert answer.done["cost"]["nano"] == 0
    (line,) = await rows(here.database, "SELECT * FROM usage_line WHERE run_id = :id", id=run_id)
    assert line.provider_usd_nano > 0


async def test_a_run_is_booked_once_however_often_its_transaction_is_tried(
    here: Replica, payer: Actor, provider: LlmServer
) -> None:
    """The connection breaks again and again under many closings: the ledger has each run once."""
    await price(here.database, "fake-n5", by=payer.user_id)
    await top_up(here.database, payer.user_id, 100_000_000_000)

    async def break_connections() -> None:  # its own connection, too
        while True:
            await asyncio.sleep(0.2)
            with suppress(Exception):
                await rows(here.database, BREAK)

    breaking = asyncio.create_task(break_connections())
    try:
        answers = await asyncio.gather(*(_patiently(here, payer) for _ in range(40)))
    finally:
        breaking.cancel()
        await asyncio.wait({breaking})
    charged = await row(here.database, "SELECT sum(charged_nano) AS nano, count(*) AS runs FROM usage_line")
    booked = await row(here.database, "SELECT sum(charged_nano) AS nano FROM credit_hold")
    assert charged.nano == booked.nano == sum(billed.usd_nano for billed in provider.invoice)
    assert charged.runs == len(provider.invoice) >= len(answers)
    assert (await row(here.database, "SELECT held_nano FROM wallet")).held_nano == 0


async def _patiently(here: Replica, payer: Actor) -> Answer:
    while True:
        try:
            run_id = await here.runs.start(payer, asking("fake-n5"))
            break
        except Exception as reason:
            if not is_outage(reason):
                raise
            await asyncio.sleep(0.05)
    while True:
        try:
            async with aclosing(here.runs.follow(payer, run_id)) as events:
                return await gathered(events)
        except Exception as reason:
            if not is_outage(reason):
                raise
            await asyncio.sleep(0.05)


def test_a_hold_covers_the_house_key_behind_a_dearer_own_one() -> None:
    rate = NANO_A_TOKEN.rate
    assert rate is not None
    dear = replace(rate, usd_nano_per_million={name: 9 * nano for name, nano in rate.usd_nano_per_million.items()})
    own = replace(NANO_A_TOKEN, is_own_key=True, rate=dear)
    upper = Usage(input=100, output=100)
    assert held_on([own, NANO_A_TOKEN], upper) == NANO_A_TOKEN
    assert held_on([own, replace(own, rate=rate)], upper) == own
