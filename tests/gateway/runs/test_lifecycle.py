"""Limits, second tries, crashes, continuing, and a process that goes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import orjson
import pytest
from sqlalchemy import text

from kontor.core.tenancy import Actor
from kontor.gateway.runs.answers import gathered
from kontor.gateway.runs.continuing import GO_ON
from kontor.gateway.runs.errors import (
    BadSchema,
    Closing,
    CostLimitTooLow,
    KeyReused,
    NothingToContinue,
    RunNotOver,
)
from kontor.gateway.runs.events import Kind, RunId
from kontor.gateway.runs.service import Runs
from kontor.gateway.wire.port import AnswerSchema, Quirks
from tests.factories.workshop import eventually
from tests.gateway.runs.conftest import Another
from tests.gateway.runs.replica import (
    QUESTION,
    Chain,
    Replica,
    Scripted,
    asking,
    person,
    price,
    row,
    rows,
    singly,
    switch_billing_on,
    top_up,
)
from tests.wire.llm_server import LlmServer

SCHEMA = AnswerSchema("size", {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]})


async def until_said(runs: Runs, actor: Actor, run_id: RunId, letters: int = 1) -> None:
    heard = 0
    async with asyncio.timeout(20), aclosing(runs.follow(actor, run_id)) as events:
        async for event in singly(events):
            heard += len(event.data.get("text", ""))
            if heard >= letters:
                return


async def ended(runs: Runs, actor: Actor, run_id: RunId) -> dict[str, Any]:
    async with asyncio.timeout(30), aclosing(runs.follow(actor, run_id)) as events:
        answer = await gathered(events)
    assert answer.done is not None
    return dict(answer.done)


# Limits


async def test_a_cost_limit_bounds_the_answer(here: Replica, anna: Actor, provider: LlmServer) -> None:
    await price(here.database, "fake-n500", by=anna.user_id)
    question = here.estimates.input_tokens("", QUESTION, ()) * 1250
    _, answer = await here.runs.ask(anna, asking("fake-n500", max_cost_nano=question + 50 * 10_000))
    assert answer.done is not None
    assert answer.done["finish_reason"] == "length"
    assert provider.invoice[0].usage.output <= 50
    assert provider.requests[-1].json["max_tokens"] == 50


async def test_a_limit_below_the_question_is_refused(here: Replica, anna: Actor) -> None:
    await price(here.database, "fake-n500", by=anna.user_id)
    with pytest.raises(CostLimitTooLow):
        await here.runs.start(anna, asking("fake-n500", max_cost_nano=10))
    assert await rows(here.database, "SELECT id FROM run") == []


async def test_a_time_limit_ends_a_run_with_what_it_has(here: Replica, anna: Actor) -> None:
    _, answer = await here.runs.ask(anna, asking("fake-n5000-t20", max_seconds=0.5))
    assert answer.done is not None
    assert (answer.done["state"], answer.done["finish_reason"]) == ("stopped", "time_limit")
    assert answer.text


async def test_the_same_key_is_the_same_run(here: Replica, anna: Actor, provider: LlmServer) -> None:
    wish = asking("fake-n20", idempotency_key="once")
    first, second = await asyncio.gather(here.runs.begin(anna, wish), here.runs.begin(anna, wish))
    assert first.run_id == second.run_id
    assert sorted((first.is_new, second.is_new)) == [False, True]
    await ended(here.runs, anna, first.run_id)
    assert len(provider.invoice) == 1
    with pytest.raises(KeyReused):
        await here.runs.begin(anna, asking("fake-n21", idempotency_key="once"))
    # Somebody else's key is somebody else's.
    other = await person(here.database)
    assert (await here.runs.begin(other, wish)).is_new


# Schemas


async def test_an_answer_that_fits_comes_as_it_is(here: Replica, anna: Actor) -> None:
    _, answer = await here.runs.ask(anna, asking("fake-n20", schema=SCHEMA))
    assert answer.done is not None
    assert answer.done["state"] == "done"
    assert '"n"' in answer.text


@pytest.fixture
def in_words(chain: Chain) -> None:
    """A provider that knows no schemas: it is told in words, and its text is a draft until it fits."""
    chain.quirks = Quirks(schema_mode="json_object")


@pytest.mark.usefixtures("in_words")
async def test_a_misfit_is_tried_once_more_with_what_is_wrong(another: Another) -> None:
    script = Scripted('{"n": "seven"}', '{"n": 7}')
    async with another(asks=script) as here:
        anna = await person(here.database)
        run_id, answer = await here.runs.ask(anna, asking("fake", schema=SCHEMA))
        assert answer.done is not None
        assert (answer.done["state"], answer.error, answer.text) == ("done", None, '{"n": 7}')
        assert answer.done["usage"]["output"] == 4  # both are paid: the provider wrote both
        again = script.asked[1].messages
        assert again[-2] == {"role": "assistant", "content": '{"n": "seven"} '}
        assert '"seven" is not of type "integer"' in again[-1]["content"]
        events = await rows(here.database, "SELECT kind FROM run_event WHERE run_id = :id ORDER BY seq", id=run_id)
        kinds = [event.kind for event in events]
        assert kinds.index("draft") < kinds.index("text")


@pytest.mark.usefixtures("in_words")
@pytest.mark.parametrize(
    "said", ['```json\n{"n": 7}\n```', 'Here you are: {"n": 7} Anything else?', '{"n": 7,}', '[1,]\n{"n": 7}']
)
async def test_what_can_be_repaired_needs_no_second_call(another: Another, said: str) -> None:
    script = Scripted(said, '{"n": 8}')
    async with another(asks=script) as here:
        anna = await person(here.database)
        _, answer = await here.runs.ask(anna, asking("fake", schema=SCHEMA))
    assert orjson.loads(answer.text) == {"n": 7 if len(script.asked) == 1 else 8}
    assert len(script.asked) == (2 if said.startswith("[") else 1)


@pytest.mark.usefixtures("in_words")
async def test_a_second_misfit_fails_with_its_drafts_kept(another: Another) -> None:
    script = Scripted("No.", "Certainly not.")
    async with another(asks=script) as here:
        anna = await person(here.database)
        run_id, answer = await here.runs.ask(anna, asking("fake", schema=SCHEMA))
        assert answer.done is not None
        assert answer.error is not None
        assert (answer.done["state"], answer.error["code"]) == ("failed", "run.schema_not_met")
        assert (answer.text, answer.draft) == ("", "Certainly not. ")
        assert len(script.asked) == 2
        drafts = await rows(
            here.database, "SELECT data FROM run_event WHERE run_id = :id AND kind = 'draft' ORDER BY seq", id=run_id
        )
        assert [each.data["text"] for each in drafts] == ["No. ", "Certainly not. "]


@pytest.mark.parametrize("schema", [{"type": 7}, {"$ref": "http://127.0.0.1:1/schema"}])
async def test_a_schema_that_is_none_is_refused_before_anything_is_sent(
    here: Replica, anna: Actor, provider: LlmServer, schema: dict[str, Any]
) -> None:
    with pytest.raises(BadSchema):
        await here.runs.start(anna, asking("fake-n20", schema=AnswerSchema("bad", schema)))
    assert not provider.requests


# Crashes


@pytest.fixture
async def payer(here: Replica) -> Actor:
    made = await person(here.database)
    await switch_billing_on(here.database)
    await top_up(here.database, made.user_id, 1_000_000_000)
    await price(here.database, "fake-n400-t10", "fake-n5", by=made.user_id)
    return made


class Abandoned:
    """A process whose tasks are gone in the middle of it, without a word: as after kill -9, for one event loop."""

    def __init__(self, made: Replica) -> None:
        self.runs = made.runs

    async def abandon(self) -> None:
        for live in list(self.runs._lives.values()):
            assert live.task is not None
            live.task.cancel()
            await asyncio.wait({live.task})
        self.runs._is_closing = True


@pytest.fixture
async def dying(another: Another) -> AsyncIterator[Replica]:
    async with another(lease_seconds=0.8, renew_seconds=60) as made:
        yield made


async def test_a_run_that_nobody_produces_is_closed_with_its_text_and_paid_once(
    here: Replica, payer: Actor, dying: Replica
) -> None:
    run_id = await dying.runs.start(payer, asking("fake-n400-t10"))
    await until_said(dying.runs, payer, run_id, 100)
    await asyncio.sleep(0.6)
    await Abandoned(dying).abandon()
    done = await ended(here.runs, payer, run_id)
    written = await here.runs.answer(payer, run_id)
    assert (done["state"], done["settled_as"]) == ("interrupted", "delivered")
    assert len(written.text) >= 100
    assert done["usage"]["output"] == -(-len(written.text) // 4)
    found = await row(
        here.database,
        """SELECT credit_hold.state, charged_nano, held_nano,
                  (SELECT count(*) FROM usage_line) AS lines, (SELECT count(*) FROM ledger_entry WHERE source = 'run')
                  AS entries FROM credit_hold, wallet""",
    )
    assert (found.state, found.lines, found.entries, found.held_nano) == ("settled", 1, 1, 0)
    assert found.charged_nano == done["cost"]["nano"] > 0
    # Whoever had read a little more than was written still learns how it ended.
    late = written.seq + 400 if written.done is None else done_place(written.seq)
    async with asyncio.timeout(5), aclosing(here.runs.follow(payer, run_id, late)) as events:
        assert [event.kind async for event in singly(events)][-1] == Kind.DONE


def done_place(seq: int) -> int:
    return seq - 1000


async def test_the_one_who_was_only_slow_writes_nothing_more(here: Replica, payer: Actor, dying: Replica) -> None:
    """Its lease has lapsed and somebody else has closed the run: what it says from then on is nobody's."""
    run_id = await dying.runs.start(payer, asking("fake-n400-t10"))
    done = await ended(here.runs, payer, run_id)
    assert done["state"] == "interrupted"
    await eventually(lambda: dying.runs.count == 0)
    again = await here.runs.answer(payer, run_id)
    assert again.done == done
    assert (await row(here.database, "SELECT count(*) AS n FROM run_event WHERE kind = 'done'")).n == 1


async def test_what_was_never_said_costs_nothing_after_a_crash(here: Replica, payer: Actor, dying: Replica) -> None:
    await price(here.database, "fake-w60000", by=payer.user_id)
    run_id = await dying.runs.start(payer, asking("fake-w60000"))
    await asyncio.sleep(0.3)
    await Abandoned(dying).abandon()
    done = await ended(here.runs, payer, run_id)
    assert (done["state"], done["settled_as"], done["cost"]["nano"]) == ("interrupted", "nothing", 0)


async def test_two_who_recover_close_it_once(here: Replica, payer: Actor, dying: Replica, another: Another) -> None:
    async with another(renew_seconds=0.05) as there:
        ids = [await dying.runs.start(payer, asking("fake-n400-t10")) for _ in range(5)]
        await until_said(dying.runs, payer, ids[-1])
        await asyncio.sleep(0.5)
        await Abandoned(dying).abandon()
        for run_id in ids:
            await ended(here.runs, payer, run_id)
            await ended(there.runs, payer, run_id)
    assert (await row(here.database, "SELECT count(*) AS n FROM run_event WHERE kind = 'done'")).n == 5
    assert (await row(here.database, "SELECT count(*) AS n FROM usage_line")).n == 5


# Continuing


async def test_an_interrupted_answer_is_gone_on_with(here: Replica, payer: Actor, provider: LlmServer) -> None:
    async with here.runs.start_and_follow(payer, asking("fake-n400-t10")) as (run_id, events):
        async for event in singly(events):
            if event.kind == Kind.TEXT:
                break
        with pytest.raises(RunNotOver):
            await here.runs.continue_(payer, run_id)
        await here.runs.stop(payer, run_id)
        await gathered(events)
    said = (await here.runs.answer(payer, run_id)).text
    following = await here.runs.continue_(payer, run_id)
    assert following != run_id
    await until_said(here.runs, payer, following)
    messages = provider.requests[-1].json["messages"]
    assert messages[: len(QUESTION)] == QUESTION
    assert messages[-2] == {"role": "assistant", "content": said}
    assert messages[-1] == {"role": "user", "content": GO_ON}
    assert (await here.runs.read(payer, following)).continues_id == run_id
    await here.runs.stop(payer, following)
    await ended(here.runs, payer, following)
    # And on: the whole of what was said goes along, not the last piece.
    more = (await here.runs.answer(payer, following)).text
    third = await here.runs.continue_(payer, following)
    await until_said(here.runs, payer, third)
    assert provider.requests[-1].json["messages"][-2] == {"role": "assistant", "content": said + more}


async def test_a_model_that_takes_a_beginning_is_given_it(here: Replica, payer: Actor, provider: LlmServer) -> None:
    here.chain.quirks = Quirks(takes_prefill=True)
    async with here.runs.start_and_follow(payer, asking("fake-n400-t10")) as (run_id, events):
        async for event in singly(events):
            if event.kind == Kind.TEXT:
                await here.runs.stop(payer, run_id)
    said = (await here.runs.answer(payer, run_id)).text
    following = await here.runs.continue_(payer, run_id)
    await until_said(here.runs, payer, following)
    assert provider.requests[-1].json["messages"][-1] == {"role": "assistant", "content": said.rstrip()}


async def test_what_came_to_its_own_end_is_not_continued(here: Replica, payer: Actor) -> None:
    run_id, _ = await here.runs.ask(payer, asking("fake-n5"))
    with pytest.raises(NothingToContinue):
        await here.runs.continue_(payer, run_id)
    run_id, _ = await here.runs.ask(payer, asking("fake-n5", parameters={"max_output": 2}))
    await here.runs.continue_(payer, run_id)


# Going


async def test_a_process_that_goes_lets_runs_finish_and_closes_the_rest(
    payer: Actor, here: Replica, another: Another, provider: LlmServer
) -> None:
    async with another() as going:
        short = await going.runs.start(payer, asking("fake-n5"))
        long = await going.runs.start(payer, asking("fake-n400-t10"))
        await until_said(going.runs, payer, long)
        await going.runs.drain(0.5)
        with pytest.raises(Closing):
            await going.runs.start(payer, asking("fake-n5"))
        assert going.runs.count == 0
        assert (await here.runs.read(payer, short)).state == "done"
        found = await here.runs.read(payer, long)
        assert found.state == "interrupted"
        assert found.cost is not None
        assert found.cost["nano"] > 0
        assert (await here.runs.answer(payer, long)).text
        await provider.until(lambda: provider.busy == 0)
    assert (await row(here.database, "SELECT held_nano FROM wallet")).held_nano == 0


async def test_a_receipt_has_every_number(here: Replica, payer: Actor, provider: LlmServer) -> None:
    run_id, _ = await here.runs.ask(payer, asking("fake-n5"))
    found = await here.runs.receipt(payer, run_id)
    (billed,) = provider.invoice
    assert {line.name: line.tokens for line in found.lines} == {"input": billed.usage.input, "output": 5}
    assert {line.name: line.rate_per_million for line in found.lines} == {"input": "1.25", "output": "10"}
    assert sum(int(line.amount.replace("0.", "").ljust(9, "0")) for line in found.lines) == billed.usd_nano
    assert found.currency == "USD"
    assert found.balance_after is not None
    assert not found.is_estimated


async def test_runs_are_listed_page_by_page(here: Replica, payer: Actor) -> None:
    ids = [(await here.runs.ask(payer, asking("fake-n5")))[0] for _ in range(5)]
    seen, cursor = [], None
    while True:
        page = await here.runs.list(payer, cursor=cursor, limit=2)
        seen += [item.id for item in page.items]
        if (cursor := page.next_cursor) is None:
            break
    assert seen == ids[::-1]
    assert (await here.runs.list(payer, state="failed")).items == []


async def test_a_person_cannot_write_what_the_journal_writes(here: Replica, payer: Actor) -> None:
    run_id, _ = await here.runs.ask(payer, asking("fake-n5"))
    async with here.database.unit(payer) as unit:
        changed = await unit.execute(text("UPDATE run SET state = 'failed' WHERE id = :id"), {"id": run_id})
        assert changed.rowcount == 0  # type: ignore[attr-defined]
    for statement in (
        "INSERT INTO run_event (run_id, seq, owner_id, kind, data) VALUES (:id, 999999, :owner, 'text', '{}')",
        "UPDATE run_event SET data = '{}' WHERE run_id = :id AND owner_id = :owner",
    ):
        with pytest.raises(Exception, match=r"row-level security|permission denied"):
            async with here.database.unit(payer) as unit:
                await unit.execute(text(statement), {"id": run_id, "owner": payer.user_id})
