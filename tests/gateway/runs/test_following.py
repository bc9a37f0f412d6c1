"""Readers: whoever comes when and from where, on whichever replica, sees the same and all of it."""

import asyncio
import random
from contextlib import aclosing

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from kontor.core.tenancy import Actor, Role
from kontor.gateway.runs.answers import fold, gathered
from kontor.gateway.runs.errors import RunNotFound
from kontor.gateway.runs.events import Kind, RunEvent, RunId, after, joined, weight
from kontor.gateway.runs.service import Runs
from tests.factories.workshop import eventually
from tests.gateway.runs.conftest import Another
from tests.gateway.runs.replica import Replica, asking, person, rows, singly
from tests.wire.llm_server import LlmServer

SOON = 20


async def whole(runs: Runs, actor: Actor, run_id: RunId, place: int = 0) -> list[RunEvent]:
    async with asyncio.timeout(SOON), aclosing(runs.follow(actor, run_id, place)) as events:
        return [event async for event in singly(events)]


# Places, as values

words = st.text(min_size=1, max_size=8)
said = st.one_of(
    words.map(lambda text: (Kind.TEXT, {"text": text})),
    words.map(lambda text: (Kind.REASONING, {"text": text})),
    st.tuples(st.integers(0, 1), words).map(lambda call: (Kind.TOOL_CALL, {"index": call[0], "arguments": call[1]})),
    st.just((Kind.TOOL_CALL, {"index": 0, "id": "a", "name": "b"})),
    st.lists(st.just({"token": "a"}), min_size=1, max_size=3).map(lambda items: (Kind.LOGPROBS, {"items": items})),
    st.just((Kind.STATE, {"state": "running", "candidate": 0})),
)


def numbered(things: list[tuple[Kind, dict[str, object]]]) -> list[RunEvent]:
    events, place = [], 0
    for kind, data in things:
        place += weight(kind, data)
        events.append(RunEvent(place, kind, data))
    return events


def told(events: list[RunEvent]) -> list[tuple[str, object]]:
    """Letter by letter, so that it does not matter where it was cut."""
    found: list[tuple[str, object]] = []
    for event in events:
        name = {"text": "text", "reasoning": "text", "tool_call": "arguments", "logprobs": "items"}.get(event.kind, "")
        rest = {key: value for key, value in event.data.items() if key != name}
        grown = event.data.get(name)
        if not grown:
            found.append((event.kind, rest))
        else:
            found += [(event.kind, (str(rest), str(piece))) for piece in grown]
    return found


@given(st.lists(said, min_size=1, max_size=30), st.data())
def test_joined_events_can_be_entered_at_any_place(
    things: list[tuple[Kind, dict[str, object]]], data: st.DataObject
) -> None:
    events = numbered(things)
    rows_ = joined(events)
    assert told(rows_) == told(events)
    assert rows_[-1].seq == events[-1].seq
    place = data.draw(st.integers(0, events[-1].seq))
    assert told(after(place, rows_)) == told(events)[place:]


# One process


async def test_readers_from_any_place_get_the_rest(here: Replica, anna: Actor) -> None:
    run_id, _ = await here.runs.ask(anna, asking("fake-n30-think10"))
    events = await whole(here.runs, anna, run_id)
    assert events[-1].kind == Kind.DONE
    for place in range(events[-1].seq):
        assert told(await whole(here.runs, anna, run_id, place)) == told(events)[place:]
    assert await whole(here.runs, anna, run_id, events[-1].seq) == []


async def test_reading_while_it_goes_on_and_coming_back_at_random(
    here: Replica, anna: Actor, provider: LlmServer
) -> None:
    """Twelve readers leave and come back at random; each has every letter once, and the provider notices nothing."""
    run_id = await here.runs.start(anna, asking("fake-n120-t8"))

    async def restless(number: int) -> list[RunEvent]:
        chance = random.Random(number)
        seen: list[RunEvent] = []
        while not seen or seen[-1].kind != Kind.DONE:
            leave_after = chance.randrange(1, 20)
            async with aclosing(here.runs.follow(anna, run_id, seen[-1].seq if seen else 0)) as events:
                async for event in singly(events):
                    seen.append(event)
                    leave_after -= 1
                    if leave_after == 0:
                        break
                    if chance.random() < 0.05:
                        await asyncio.sleep(chance.random() / 2)
        return seen

    async with asyncio.timeout(SOON):
        found = await asyncio.gather(*(restless(number) for number in range(12)))
    kept = await whole(here.runs, anna, run_id)
    assert fold(kept).text
    for seen in found:
        assert told(seen) == told(kept)
        assert [event.seq for event in seen] == sorted({event.seq for event in seen})
    assert provider.hung_up == 0


async def test_memory_is_ahead_of_the_rows_by_half_a_second_at_most(here: Replica, anna: Actor) -> None:
    async with here.runs.start_and_follow(anna, asking("fake-n150-t10")) as (run_id, events):
        shown: list[tuple[float, int]] = []
        clock = asyncio.get_running_loop()
        async for event in singly(events):
            if event.kind == Kind.TEXT:
                shown.append((clock.time(), event.seq))
                (kept,) = await rows(
                    here.database, "SELECT coalesce(max(seq), 0) AS seq FROM run_event WHERE run_id = :id", id=run_id
                )
                late = [place for at, place in shown if at < clock.time() - 1.0]
                assert kept.seq >= max(late, default=0)


async def test_while_the_rows_cannot_be_written_nobody_reads_ahead(here: Replica, anna: Actor, owner_url: str) -> None:
    """The table is locked: the model is kept waiting, and what readers know stays within what a crash may take."""
    async with here.runs.start_and_follow(anna, asking("fake-n5000-t1")) as (_, events):
        connection = await asyncpg.connect(owner_url)
        letters = 0
        try:
            async for event in singly(events):
                if event.kind == Kind.TEXT:
                    break
            async with connection.transaction():
                await connection.execute("LOCK TABLE run_event IN EXCLUSIVE MODE")
                async with asyncio.timeout(2.5):
                    async for event in singly(events):
                        letters += len(event.data.get("text", ""))
        except TimeoutError:
            pass
        finally:
            await connection.close()
        assert 0 < letters < 2 * 2048 + 600
        # The generator was cancelled with its reader; the run goes on.
    assert here.runs.count == 1


async def test_a_slow_reader_gets_it_in_larger_pieces(here: Replica, anna: Actor) -> None:
    async with here.runs.start_and_follow(anna, asking("fake-n900")) as (run_id, events):
        seen = []
        async for event in singly(events):
            seen.append(event)
            if len(seen) == 2:
                await asyncio.sleep(1.0)
    assert told(seen) == told(await whole(here.runs, anna, run_id))
    assert fold(seen).done is not None


async def test_strangers_find_nothing(here: Replica, anna: Actor) -> None:
    run_id, _ = await here.runs.ask(anna, asking())
    stranger = await person(here.database, Role.ADMIN)
    for deed in (here.runs.read, here.runs.answer, here.runs.receipt, here.runs.stop, here.runs.continue_):
        with pytest.raises(RunNotFound):
            await deed(stranger, run_id)
    with pytest.raises(RunNotFound):
        await whole(here.runs, stranger, run_id)
    assert (await here.runs.list(stranger)).items == []


async def test_who_may_not_see_it_any_more_is_shown_no_more_of_it(here: Replica, anna: Actor) -> None:
    """Also when the words come from memory: the run is deleted with its owner while somebody reads."""
    began = asyncio.get_running_loop().time()
    with pytest.raises(RunNotFound):
        async with here.runs.start_and_follow(anna, asking("fake-n5000-t20")) as (run_id, events):
            async for event in singly(events):
                if event.kind == Kind.TEXT and began > 0:
                    began = 0
                    gone_at = asyncio.get_running_loop().time()
                    async with here.database.system("test") as unit:
                        await unit.execute(text("DELETE FROM run WHERE id = :id"), {"id": run_id})
    assert asyncio.get_running_loop().time() - gone_at < 5
    await eventually(lambda: here.runs.count == 0)


# Two replicas


async def test_begun_here_and_followed_there(here: Replica, anna: Actor, another: Another) -> None:
    async with another() as there:
        run_id = await here.runs.start(anna, asking("fake-n100-t10"))
        first_at = []

        async def follow_there() -> list[RunEvent]:
            seen = []
            async with aclosing(there.runs.follow(anna, run_id)) as events:
                async for event in singly(events):
                    first_at.append(here.runs.count)
                    seen.append(event)
            return seen

        async with asyncio.timeout(SOON):
            seen, mine = await asyncio.gather(follow_there(), whole(here.runs, anna, run_id))
        assert told(seen) == told(mine)
        assert fold(seen).done is not None
        # It came while it was said, not afterwards.
        assert sum(first_at) > 3


async def test_stopped_there(here: Replica, anna: Actor, another: Another) -> None:
    async with another() as there:
        async with here.runs.start_and_follow(anna, asking("fake-n5000-t20")) as (run_id, events):
            async for event in singly(events):
                if event.kind == Kind.TEXT:
                    await there.runs.stop(anna, run_id)
                    break
            async with asyncio.timeout(3):
                answer = await gathered(events)
        assert answer.done is not None
        assert answer.done["state"] == "stopped"
        assert (await there.runs.read(anna, run_id)).state == "stopped"
        await here.chain.server.until(lambda: here.chain.server.busy == 0)


async def test_random_places_on_either_replica(here: Replica, anna: Actor, another: Another) -> None:
    async with another() as there:
        run_id = await here.runs.start(anna, asking("fake-n80-t8"))

        async def wander(number: int) -> list[RunEvent]:
            chance = random.Random(number)
            seen: list[RunEvent] = []
            while not seen or seen[-1].kind != Kind.DONE:
                left = chance.randrange(1, 15)
                at = chance.choice((here, there))
                async with aclosing(at.runs.follow(anna, run_id, seen[-1].seq if seen else 0)) as events:
                    async for event in singly(events):
                        seen.append(event)
                        left -= 1
                        if not left:
                            break
            return seen

        async with asyncio.timeout(SOON):
            found = await asyncio.gather(*(wander(number) for number in range(10)))
        kept = await whole(here.runs, anna, run_id)
        for seen in found:
            assert told(seen) == told(kept)
