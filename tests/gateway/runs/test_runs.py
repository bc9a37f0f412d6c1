"""Runs from beginning to end: what is written, what readers see, and that nobody's leaving changes anything."""

from contextlib import aclosing

from kontor.core.tenancy import Actor
from kontor.gateway.runs.answers import gathered
from tests.gateway.runs.replica import Replica, asking, row, rows, singly
from tests.wire.llm_server import LlmServer


async def test_a_run_is_asked_answered_written_and_settled(here: Replica, anna: Actor, provider: LlmServer) -> None:
    run_id, answer = await here.runs.ask(anna, asking("fake-n20"))
    assert answer.done is not None
    assert answer.done["state"] == "done"
    assert answer.done["finish_reason"] == "stop"
    (billed,) = provider.invoice
    assert answer.done["usage"]["input"] == billed.usage.input
    assert answer.done["usage"]["output"] == 20
    kept = await row(here.database, "SELECT * FROM run WHERE id = :id", id=run_id)
    assert (kept.state, kept.settled_as, kept.is_estimated) == ("done", "reported", False)
    written = await here.runs.answer(anna, run_id)
    assert written.text == answer.text != ""
    assert kept.last_seq == answer.seq == written.seq
    (line,) = await rows(here.database, "SELECT * FROM usage_line")
    assert (line.run_id, line.owner_id, line.output_tokens) == (run_id, anna.user_id, 20)
    assert here.runs.count == 0


async def test_leaving_does_not_end_a_run(here: Replica, anna: Actor, provider: LlmServer) -> None:
    async with here.runs.start_and_follow(anna, asking("fake-n40-t10")) as (run_id, events):
        async for event in singly(events):
            if event.kind == "text":
                break
    async with aclosing(here.runs.follow(anna, run_id)) as events:
        answer = await gathered(events)
    assert answer.done is not None
    assert answer.done["usage"]["output"] == 40
    assert provider.hung_up == 0
