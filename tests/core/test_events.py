"""Events: told with the transaction, replayed in order, followed without a gap, seen by nobody else."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid4

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from kontor.core import clock
from kontor.core.database import Database, plain_url
from kontor.core.events.bus import Bus
from kontor.core.events.listener import Listener
from kontor.core.events.publishing import ADMIN_TOPIC, EVERYONE_TOPIC, person_topic, publish
from kontor.core.events.retention import sweep
from kontor.core.events.stream import RESET, Event, EventStream, Position, Tick
from kontor.core.ids import UserId
from kontor.core.tenancy import Identity, Scope
from tests.conftest import Server


def person() -> Identity:
    return Identity(Scope.PERSON, UserId(uuid4()))


def topic_of(who: Identity) -> str:
    assert who.user_id is not None
    return person_topic(who.user_id)


@pytest.fixture
async def stream(server: Server, copy: str, committed_database: Database) -> AsyncIterator[EventStream]:
    listener = Listener(server.app_url(copy))
    made = EventStream(committed_database, listener)
    async with listener.running():
        await listener.connected.wait()
        yield made
        made.close()


async def tell(database: Database, who: Identity, number: int, *, topic: str | None = None) -> None:
    async with database.unit(who) as unit:
        await publish(unit, topic=topic or topic_of(who), kind="test.told", data={"number": number})


async def read(
    stream: EventStream, who: Identity, count: int, *, after: str | int | None = None, topics: tuple[str, ...] = ()
) -> list[Event]:
    events: list[Event] = []
    async with asyncio.timeout(10):
        async with aclosing(stream.subscribe(who, topics or (topic_of(who),), after)) as items:
            async for item in items:
                if isinstance(item, Event):
                    events.append(item)
                if len(events) >= count:
                    break
    return events


def numbers(events: list[Event]) -> list[int]:
    return [event.data["number"] for event in events]


async def test_what_was_published_is_replayed_in_order(committed_database: Database, stream: EventStream) -> None:
    who = person()
    for number in range(5):
        await tell(committed_database, who, number)
    everything = await read(stream, who, 5, after=0)
    assert numbers(everything) == [0, 1, 2, 3, 4]
    assert numbers(await read(stream, who, 2, after=everything[2].position)) == [3, 4]
    assert numbers(await read(stream, who, 2, after=everything[2].id)) == [3, 4]


async def test_without_a_position_it_begins_now_and_says_where_that_is(
    committed_database: Database, stream: EventStream
) -> None:
    who = person()
    await tell(committed_database, who, 1)
    async with aclosing(stream.subscribe(who, [topic_of(who)])) as items:
        first = await anext(items)
        assert isinstance(first, Tick)
        await tell(committed_database, who, 2)
        second = await anext(items)
        assert isinstance(second, Event)
        assert second.data == {"number": 2}
    assert numbers(await read(stream, who, 1, after=first.position)) == [2]


async def test_a_unit_that_fails_tells_nothing(committed_database: Database, stream: EventStream) -> None:
    who = person()
    with pytest.raises(RuntimeError):
        async with committed_database.unit(who) as unit:
            await publish(unit, topic=topic_of(who), kind="test.told", data={"number": 1})
            raise RuntimeError
    await tell(committed_database, who, 2)
    assert numbers(await read(stream, who, 1, after=0)) == [2]


async def test_a_savepoint_that_fails_takes_its_events_with_it(database: Database) -> None:
    who = person()
    async with database.unit(who) as unit:
        await publish(unit, topic=topic_of(who), kind="test.told", data={"number": 1})
        async with unit.begin_nested():
            await publish(unit, topic=topic_of(who), kind="test.told", data={"number": 2})
            with pytest.raises(RuntimeError):
                async with unit.begin_nested():
                    await publish(unit, topic=topic_of(who), kind="test.told", data={"number": 3})
                    raise RuntimeError
        await publish(unit, topic=topic_of(who), kind="test.told", data={"number": 4})
    async with database.unit(who) as unit:
        rows = (await unit.execute(text("SELECT data->>'number' FROM event ORDER BY id"))).scalars()
        assert list(rows) == ["1", "2", "4"]


async def test_numbers_of_a_topic_become_visible_in_their_order(server: Server, copy: str) -> None:
    """Two transactions overlap. The one that took the lower number commits first, or the reader would lose it."""
    topic, owner = "person:x", str(uuid4())
    batch = f'[{{"topic": "{topic}", "owner_id": "{owner}", "kind": "k", "data": {{}}}}]'
    url = plain_url(server.app_url(copy))
    first, second, reader = await asyncpg.connect(url), await asyncpg.connect(url), await asyncpg.connect(url)
    try:
        for connection in (first, second, reader):
            await connection.execute("SELECT set_config('kontor.scope', 'system', false)")
        early, late = first.transaction(), second.transaction()
        await early.start()
        await late.start()
        await first.execute("SELECT kontor_publish($1::text::jsonb)", batch)
        waiting = asyncio.create_task(second.execute("SELECT kontor_publish($1::text::jsonb)", batch))
        await asyncio.sleep(0.1)
        assert not waiting.done(), "the second writer must not get a number while the first can still commit"
        other = asyncio.create_task(
            reader.execute("SELECT kontor_publish($1::text::jsonb)", batch.replace(topic, "person:y"))
        )
        await asyncio.wait_for(other, 5)  # another topic does not wait
        await early.commit()
        await asyncio.wait_for(waiting, 5)
        assert await reader.fetchval("SELECT count(*) FROM event WHERE topic = $1", topic) == 1
        await late.commit()
        ids = [row["id"] for row in await reader.fetch("SELECT id FROM event WHERE topic = $1 ORDER BY id", topic)]
        assert len(ids) == 2
    finally:
        for connection in (first, second, reader):
            await connection.close()


async def test_units_that_tell_two_topics_in_opposite_order_do_not_block_each_other(
    committed_database: Database, stream: EventStream
) -> None:
    one, other = person(), person()

    async def both(first: Identity, then: Identity, number: int) -> None:
        async with committed_database.unit(first) as unit:
            for who in (first, then):
                await publish(unit, topic=topic_of(who), kind="test.told", data={"number": number})

    async with asyncio.timeout(20):
        await asyncio.gather(*(both(*pair, n) for n in range(20) for pair in ((one, other), (other, one))))
    assert sorted(numbers(await read(stream, one, 40, after=0))) == sorted(list(range(20)) * 2)


async def test_a_stranger_reads_nothing_and_admins_read_their_topic_only(
    committed_database: Database, stream: EventStream
) -> None:
    who, stranger = person(), person()
    admin = Identity(Scope.ADMIN, UserId(uuid4()))
    await tell(committed_database, who, 1)
    await tell(committed_database, who, 2, topic=ADMIN_TOPIC)
    topics = (topic_of(who), ADMIN_TOPIC)
    cases: tuple[tuple[Identity, list[int]], ...] = ((stranger, []), (who, [1]), (admin, [2]))
    async with asyncio.timeout(5):
        for reader, expected in cases:
            seen: list[int] = []
            async with aclosing(stream.subscribe(reader, topics, 0, tick_seconds=0.05)) as items:
                async for item in items:
                    if isinstance(item, Event) and item.kind != RESET:
                        seen.append(item.data["number"])
                    elif len(seen) == len(expected):
                        break
            assert seen == expected


async def test_nobody_without_an_identity_can_publish(committed_database: Database) -> None:
    engine = committed_database.engine
    assert engine is not None
    with pytest.raises(DBAPIError, match="row-level security"):
        async with engine.begin() as connection:
            batch = '[{"topic": "admin", "kind": "k", "data": {}}]'
            await connection.execute(text("SELECT kontor_publish(CAST(:batch AS jsonb))"), {"batch": batch})


async def test_swept_events_mean_a_fresh_start_and_nothing_else_does(
    committed_database: Database, stream: EventStream
) -> None:
    who, quiet = person(), person()
    for number in range(3):
        await tell(committed_database, who, number)
    await tell(committed_database, quiet, 0)
    start = (await read(stream, quiet, 1, after=0))[0].position
    old = (await read(stream, who, 1, after=0))[0].position
    with clock.moved(timedelta(days=8)):
        assert await sweep(committed_database) == 4
    again = await read(stream, who, 1, after=old)
    assert [event.kind for event in again] == [RESET]
    await tell(committed_database, who, 9)
    assert numbers(await read(stream, who, 1, after=again[0].position)) == [9]
    # Somebody of whose topic nothing was lost does not load everything anew.
    await tell(committed_database, quiet, 7)
    assert numbers(await read(stream, quiet, 1, after=start)) == [7]


async def test_what_everybody_hears_carries_nothing(committed_database: Database, stream: EventStream) -> None:
    who, other = person(), person()
    with pytest.raises(DBAPIError, match="event_everyone_check"):
        await tell(committed_database, who, 1, topic=EVERYONE_TOPIC)
    async with committed_database.unit(who) as unit:
        await publish(unit, topic=EVERYONE_TOPIC, kind="test.told", data={})
    (event,) = await read(stream, other, 1, after=0, topics=(EVERYONE_TOPIC,))
    assert (event.kind, event.data) == ("test.told", {})
    assert committed_database.engine is not None
    async with committed_database.engine.connect() as nobody:
        assert await nobody.scalar(text("SELECT count(*) FROM event")) == 0


async def test_a_position_from_another_life_means_a_fresh_start(stream: EventStream) -> None:
    who = person()
    for position in ("999999", "1.2", "-1", "nonsense", "9" * 30, "٣"):
        assert [event.kind for event in await read(stream, who, 1, after=position)] == [RESET]


def test_a_position_survives_being_written_and_read() -> None:
    position = Position(["b", "a"])
    position.move({"b": 7, "a": 12})
    again = Position(["a", "b"])
    assert again.parse(str(position))
    assert again.places == {"a": 12, "b": 7}


async def test_a_stream_ticks_and_closes_promptly(stream: EventStream) -> None:
    who = person()
    async with asyncio.timeout(5):
        async with aclosing(stream.subscribe(who, [topic_of(who)], tick_seconds=0.02)) as items:
            assert all([isinstance(await anext(items), Tick) for _ in range(3)])
        assert stream.readers == 0

        async with aclosing(stream.subscribe(who, [topic_of(who)])) as items:
            assert isinstance(await anext(items), Tick)
            waiting = asyncio.ensure_future(anext(items, None))
            await asyncio.sleep(0.05)
            stream.close()
            assert await waiting is None


async def test_the_lag_is_small_while_connected(committed_database: Database, stream: EventStream) -> None:
    who = person()
    await tell(committed_database, who, 1)
    await read(stream, who, 1, after=0)
    assert stream.lag_seconds < 2


async def cut_listeners(database: Database) -> None:
    async with database.system("test") as unit:
        await unit.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND application_name = 'kontor-listener'"
            )
        )


async def test_following_under_load_sees_each_event_once_and_in_order(
    committed_database: Database, stream: EventStream
) -> None:
    """Two writers, a reader that reconnects at random, and a listening connection that is cut meanwhile."""
    who, total, chance = person(), 300, random.Random(20261121)
    admin = Identity(Scope.ADMIN, who.user_id)
    topics = (topic_of(who), ADMIN_TOPIC)

    async def write(topic: str, offset: int) -> None:
        for number in range(offset, total, 2):
            await tell(committed_database, who, number, topic=topic)
            if number % 50 == offset:
                await cut_listeners(committed_database)

    async def follow() -> list[Event]:
        seen: list[Event] = []
        position: str = "0"
        while len(seen) < total:
            stop_after = chance.randint(1, 40)
            async with aclosing(stream.subscribe(admin, topics, position, tick_seconds=0.5)) as items:
                async for item in items:
                    position = item.position
                    if isinstance(item, Event):
                        assert item.kind != RESET
                        seen.append(item)
                        stop_after -= 1
                    if stop_after <= 0 or len(seen) == total:
                        break
        return seen

    async with asyncio.timeout(60):
        following = asyncio.create_task(follow())
        await asyncio.gather(write(topics[0], 0), write(topics[1], 1))
        seen = await following
    for topic, offset in zip(topics, (0, 1), strict=True):
        assert numbers([event for event in seen if event.topic == topic]) == list(range(offset, total, 2))


async def test_a_fact_is_heard_in_the_transaction_in_which_it_is_told(database: Database) -> None:
    @dataclass(frozen=True)
    class PersonGone:
        person_id: UUID

    heard: list[UUID] = []
    bus = Bus()

    async def remember(unit: object, fact: PersonGone) -> None:
        heard.append(fact.person_id)

    async def refuse(unit: object, fact: PersonGone) -> None:
        raise RuntimeError

    bus.on(PersonGone, remember)
    bus.on(PersonGone, remember)
    who = person()
    async with database.unit(who) as unit:
        await bus.tell(unit, PersonGone(UUID(int=1)))
    assert heard == [UUID(int=1)]
    bus.on(PersonGone, refuse)
    with pytest.raises(RuntimeError):
        async with database.unit(who) as unit:
            await bus.tell(unit, PersonGone(UUID(int=2)))
