"""What the estimator has learned outlives its process, and all processes share it."""

import asyncio

import pytest

from kontor.billing.usage import Usage
from kontor.core.database import Database
from kontor.gateway.estimates import Estimates
from kontor.gateway.wire.port import AnswerSchema, Call

TEXT = "The committee met on Tuesday to consider the three remaining bids, and sent two of them back. " * 6


def asked(text: str = TEXT, **more: object) -> Call:
    return Call(model="m", messages=[{"role": "user", "content": text}], **more)  # type: ignore[arg-type]  # of a Call


def teach(estimates: Estimates, model: str, *, times: int, factor: float, call: Call | None = None) -> int:
    """As if the provider counted so much more than is thought at first. Returns what it counted."""
    call = call or asked()
    counted = round(Estimates.question(estimates, "nobody knows it", call.messages).likely * factor)
    for _ in range(times):
        estimated = Usage(input=counted, output=estimates.output_tokens(model, 2000))
        estimates.learn(model, call, estimated=estimated, told=Usage(input=counted, output=round(520 * factor)))
    return counted


async def test_what_is_learned_counts_at_once_and_for_this_model_alone(database: Database) -> None:
    estimates = Estimates(database)
    before = estimates.input_tokens("other", asked().messages, ())
    counted = teach(estimates, "mine", times=30, factor=1.4)
    assert estimates.input_tokens("mine", asked().messages, ()) == pytest.approx(counted, rel=0.03)
    assert estimates.output_tokens("mine", 2000) == pytest.approx(520 * 1.4, rel=0.03)
    assert estimates.input_tokens("other", asked().messages, ()) == before
    band, first = estimates.question("mine", asked().messages), estimates.question("other", asked().messages)
    assert band.high / band.low < first.high / first.low


async def test_another_process_reads_what_this_one_has_kept(database: Database) -> None:
    estimates, another = Estimates(database), Estimates(database)
    teach(estimates, "shared", times=10, factor=1.3)
    await estimates.keep()
    assert another.question("shared", asked().messages) != estimates.question("shared", asked().messages)
    await another.keep()
    assert another.question("shared", asked().messages) == estimates.question("shared", asked().messages)


async def test_two_processes_lose_nothing_of_each_other(committed_database: Database) -> None:
    ours, theirs = Estimates(committed_database), Estimates(committed_database)
    for _ in range(5):
        teach(ours, "shared", times=4, factor=1.2)
        teach(theirs, "shared", times=4, factor=1.2)
        await asyncio.gather(ours.keep(), theirs.keep())
    await ours.keep()
    assert {ratio.seen for (model, _), ratio in ours._ratios.items() if model == "shared"} == {40}


async def test_lessons_wait_while_the_database_is_away(database: Database) -> None:
    class Away:
        def system(self, purpose: str) -> object:
            raise ConnectionError(purpose)

    estimates = Estimates(Away())  # type: ignore[arg-type]  # a border: it behaves as the database does when it is away
    teach(estimates, "waiting", times=3, factor=1.2)
    with pytest.raises(ConnectionError):
        await estimates.keep()
    assert len(estimates._lessons) == 6


async def test_a_schema_teaches_nothing_about_questions(database: Database) -> None:
    estimates = Estimates(database)
    before = estimates.question("strict", asked().messages)
    teach(estimates, "strict", times=5, factor=1.4, call=asked(schema=AnswerSchema("a", {"type": "object"})))
    assert estimates.question("strict", asked().messages) == before
