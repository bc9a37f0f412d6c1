"""Jobs: as necessary as the transaction that put them down, in turn, repeated with patience, ended on demand."""

import asyncio
from collections import Counter
from contextlib import aclosing
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pgqueuer.adapters.drivers.asyncpg import AsyncpgDriver
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from structlog.testing import capture_logs

from kontor.core import clock as clocks
from kontor.core.clock import now
from kontor.core.database import Database
from kontor.core.errors import Kind as ErrorKind
from kontor.core.errors import KontorError
from kontor.core.events import retention
from kontor.core.events.publishing import person_topic
from kontor.core.events.stream import Event
from kontor.core.ids import UserId
from kontor.core.jobs import erasure, upkeep
from kontor.core.jobs.engine import Ticket, engine_in, queries_over
from kontor.core.jobs.enqueueing import enqueue
from kontor.core.jobs.kinds import ONCE, Every, Kind, NoArgs, Registry, Retry
from kontor.core.jobs.news import TELL_SECONDS, AdminNews
from kontor.core.jobs.running import Running
from kontor.core.kernel import Kernel
from kontor.core.secrets import Secrets
from kontor.core.settings import Settings
from kontor.core.tenancy import Identity, Scope
from tests.conftest import Server
from tests.factories.workshop import Note, Workshop, eventually, make_kind, make_person

WORK = make_kind()


class Refused(KontorError):
    kind, code = ErrorKind.CONFLICT, "test.refused"


class Away(KontorError):
    kind, code = ErrorKind.UNAVAILABLE, "test.away"


@pytest.fixture
def workshop(server: Server, copy: str, committed_database: Database) -> Workshop:
    return Workshop(committed_database, server.app_url(copy))


class Hands:
    """A handler that remembers what passed through it."""

    def __init__(self, *, seconds: float = 0.0) -> None:
        self.seconds = seconds
        self.began: list[tuple[UserId | None, int]] = []
        self.ended: list[tuple[UserId | None, int]] = []
        self.at_once: Counter[UserId | None] = Counter()
        self.most: Counter[UserId | None] = Counter()

    async def __call__(self, job: Running, args: Note) -> None:
        self.began.append((job.owner_id, args.number))
        self.at_once[job.owner_id] += 1
        self.most[job.owner_id] = max(self.most[job.owner_id], self.at_once[job.owner_id])
        try:
            await asyncio.sleep(self.seconds)
        finally:
            self.at_once[job.owner_id] -= 1
        self.ended.append((job.owner_id, args.number))


async def test_a_job_exists_when_its_transaction_does(workshop: Workshop) -> None:
    hands, owner = Hands(), make_person()
    async with workshop.worker((WORK, hands)):
        with pytest.raises(RuntimeError):
            async with workshop.database.unit(Identity(Scope.PERSON, owner)) as unit:
                await enqueue(unit, WORK, Note(number=1), owner_id=owner)
                raise RuntimeError
        job_id = await workshop.put(WORK, 2, owner=owner)
        row = await workshop.until(job_id, "done")
    assert hands.ended == [(owner, 2)]
    assert (row.attempts, row.error_code, row.lease) == (1, None, None)
    assert await workshop.in_engine() == 0


async def test_the_engine_writes_inside_the_units_transaction(committed_database: Database) -> None:
    """The trap of the raw connection: before SQLAlchemy's first statement nothing has begun. A unit always has."""

    async def count() -> int:
        async with committed_database.system("test") as unit:
            return int(await unit.scalar(text("SELECT count(*) FROM pgqueuer")) or 0)

    with pytest.raises(RuntimeError):
        async with committed_database.system("jobs") as unit:
            engine = await engine_in(unit)
            await engine.enqueue("test.work", b"x")
            assert await unit.scalar(text("SELECT count(*) FROM pgqueuer")) == 1
            assert await count() == 0
            raise RuntimeError
    assert await count() == 0
    async with committed_database.system("jobs") as unit:
        await (await engine_in(unit)).enqueue("test.work", b"x")
    assert await count() == 1


async def test_a_key_makes_the_second_arrival_change_nothing(workshop: Workshop) -> None:
    owner, other = make_person(), make_person()
    first = await workshop.put(WORK, 1, owner=owner, key="mail 7")
    assert await workshop.put(WORK, 2, owner=owner, key="mail 7") == first
    # Another person's key is another key, and so is the same key once the job is over.
    assert await workshop.put(WORK, 3, owner=other, key="mail 7") != first
    hands = Hands()
    async with workshop.worker((WORK, hands)):
        assert await workshop.until_quiet() == {"done": 2}
        second = await workshop.put(WORK, 4, owner=owner, key="mail 7")
        await workshop.until(second, "done")
    assert sorted(number for _, number in hands.ended) == [1, 3, 4]


async def test_many_that_bring_the_same_key_at_once_get_one_job(workshop: Workshop) -> None:
    owner = make_person()
    ids = await asyncio.gather(*(workshop.put(WORK, n, owner=owner, key="one") for n in range(8)))
    assert len(set(ids)) == 1


async def test_a_person_cannot_write_jobs_behind_our_back(database: Database) -> None:
    owner = make_person()
    async with database.unit(Identity(Scope.PERSON, owner)) as unit:
        job_id = await enqueue(unit, WORK, Note(), owner_id=owner)
        # Afterwards the unit is the person's again.
        assert await unit.scalar(text("SELECT kontor_scope()")) == "person"
        assert (await unit.execute(text("UPDATE job SET priority = 100"))).rowcount == 0  # type: ignore[attr-defined]
    async with database.unit(Identity(Scope.PERSON, make_person())) as unit:
        assert (await unit.execute(text("SELECT * FROM job WHERE id = :id"), {"id": job_id})).all() == []
    with pytest.raises(DBAPIError, match="row-level security"):
        async with database.unit(Identity(Scope.PERSON, owner)) as unit:
            await unit.execute(
                text(
                    "INSERT INTO job (id, owner_id, kind, title, args, max_attempts) "
                    "VALUES (gen_random_uuid(), :owner, 'x', 'x', '{}', 1)"
                ),
                {"owner": owner},
            )


async def test_after_an_error_inside_a_savepoint_the_unit_is_still_the_persons(database: Database) -> None:
    owner = make_person()
    async with database.unit(Identity(Scope.PERSON, owner)) as unit:
        with pytest.raises(DBAPIError):
            async with unit.begin_nested():
                await enqueue(unit, WORK, Note(), owner_id=owner, priority=1000)
        assert await unit.scalar(text("SELECT kontor_scope()")) == "person"


async def test_the_tables_are_those_that_the_installed_engine_wants(server: Server, copy: str) -> None:
    import asyncpg

    connection = await asyncpg.connect(server.owner_url(copy))
    try:
        plan = await queries_over(AsyncpgDriver(connection)).plan_upgrade()
    finally:
        await connection.close()
    assert list(plan.statements) == []


async def test_people_take_turns_however_many_jobs_one_of_them_has(workshop: Workshop) -> None:
    many, few = make_person(), make_person()
    for number in range(200):
        await workshop.put(WORK, number, owner=many)
    for number in range(5):
        await workshop.put(WORK, number, owner=few)
    hands = Hands()
    async with workshop.worker((WORK, hands), concurrency=4, per_person=2):
        assert await workshop.until_quiet() == {"done": 205}
    last_of_few = max(place for place, (owner, _) in enumerate(hands.ended) if owner == few)
    assert last_of_few < 25
    numbers = [number for owner, number in hands.ended if owner == few]
    assert sorted(numbers) == [0, 1, 2, 3, 4]
    # Two at a time, in their order: when one ends, at most one that was put before it is still under way.
    assert all(sum(other < number for other in numbers[place:]) <= 1 for place, number in enumerate(numbers))


async def test_a_persons_cap_holds_across_workers(workshop: Workshop) -> None:
    people = [make_person() for _ in range(3)]
    hands = Hands(seconds=0.01)
    async with (
        workshop.worker((WORK, hands), concurrency=6, per_person=2),
        workshop.worker((WORK, hands), concurrency=6, per_person=2),
    ):

        async def put_many(owner: UserId) -> None:
            for number in range(25):
                await workshop.put(WORK, number, owner=owner)
                async with workshop.database.system("test") as unit:
                    inside = await unit.scalar(
                        text("SELECT count(*) FROM job WHERE owner_id = :o AND state IN ('queued', 'running')"),
                        {"o": owner},
                    )
                assert (inside or 0) <= 2

        await asyncio.gather(*map(put_many, people))
        assert await workshop.until_quiet() == {"done": 75}
    assert all(most <= 2 for most in hands.most.values())
    assert Counter(owner for owner, _ in hands.ended) == dict.fromkeys(people, 25)


async def test_jobs_of_nobody_have_a_lane_for_each_kind(workshop: Workshop) -> None:
    kind, gate, began = make_kind("test.mail", at_once=3), asyncio.Event(), []

    async def wait(job: Running, args: Note) -> None:
        began.append(args.number)
        await gate.wait()

    for number in range(6):
        await workshop.put(kind, number)
    async with workshop.worker((kind, wait), (WORK, Hands()), concurrency=8):
        await eventually(lambda: len(began) == 3)
        # Jobs of another kind, and people's, are not held up by it.
        for owner in (None, make_person()):
            await workshop.until(await workshop.put(WORK, owner=owner), "done")
        assert len(began) == 3
        gate.set()
        assert await workshop.until_quiet() == {"done": 8}


async def test_what_is_more_urgent_goes_first(workshop: Workshop) -> None:
    owner, hands = make_person(), Hands()
    for number, priority in enumerate((0, -5, 10, 0)):
        await workshop.put(WORK, number, owner=owner, priority=priority)
    async with workshop.worker((WORK, hands), concurrency=1, per_person=1):
        await workshop.until_quiet()
    assert [number for _, number in hands.ended] == [2, 0, 3, 1]


async def test_a_worker_leaves_alone_what_it_cannot_do(workshop: Workshop) -> None:
    other, hands, owner = make_kind("test.other"), Hands(), make_person()
    for number in range(3):
        await workshop.put(other, number, owner=owner)
    job_id = await workshop.put(WORK, 9, owner=owner)
    async with workshop.worker((WORK, hands)):
        await workshop.until(job_id, "done")
        async with workshop.database.system("test") as unit:
            states = (await unit.execute(text("SELECT DISTINCT state FROM job WHERE kind = 'test.other'"))).scalars()
            assert list(states) == ["waiting"]


async def test_a_failed_job_comes_back_after_a_pause_that_grows(workshop: Workshop) -> None:
    async def fail(job: Running, args: Note) -> None:
        if job.attempt < 3:
            raise RuntimeError("what a person wrote")

    with capture_logs() as logs:
        async with workshop.worker((WORK, fail)) as runner:
            job_id = await workshop.put(WORK, owner=make_person())
            pauses = []
            for attempt in (1, 2):
                await eventually(lambda: runner.finished == attempt)  # noqa: B023 - called in this turn only
                row = await workshop.row(job_id)
                assert row.error_code == "jobs.handler_failed"
                pauses.append((row.run_at - now()).total_seconds())
                workshop.move_clock(row.run_at - now() + timedelta(seconds=0.1))
            row = await workshop.until(job_id, "done")
    assert 25 < pauses[0] <= 60
    assert 55 < pauses[1] <= 120
    assert row.attempts == 3
    failures = [line for line in logs if line["event"] == "job.failed"]
    assert [line["error"] for line in failures] == ["RuntimeError"] * 2
    assert "what a person wrote" not in repr(logs)


async def test_a_job_without_tries_left_is_dead_and_stays_visible(workshop: Workshop) -> None:
    kind = make_kind(retry=Retry(attempts=2, first=timedelta()))

    async def fail(job: Running, args: Note) -> None:
        raise Away("The server is away.")

    async with workshop.worker((kind, fail)):
        job_id = await workshop.put(kind, owner=make_person())
        row = await workshop.until(job_id, "dead")
    assert (row.attempts, row.error_code, row.error) == (2, "test.away", "The server is away.")
    assert row.finished_at is not None


async def test_an_answer_is_not_asked_for_twice(workshop: Workshop) -> None:
    async def refuse(job: Running, args: Note) -> None:
        raise Refused("No.")

    async with workshop.worker((WORK, refuse)):
        row = await workshop.until(await workshop.put(WORK, owner=make_person()), "failed")
    assert (row.attempts, row.error_code) == (1, "test.refused")


async def test_an_error_can_ask_for_more_patience(workshop: Workshop) -> None:
    async def fail(job: Running, args: Note) -> None:
        raise Away("Later.", retry_after=5000)

    async with workshop.worker((WORK, fail)) as runner:
        job_id = await workshop.put(WORK, owner=make_person())
        await eventually(lambda: runner.finished == 1)
        row = await workshop.row(job_id)
    assert row.run_at - now() > timedelta(seconds=4900)


async def test_a_job_for_later_waits_and_takes_no_seat(workshop: Workshop) -> None:
    owner, hands = make_person(), Hands()
    async with workshop.worker((WORK, hands), per_person=1) as runner:
        later = await workshop.put(WORK, 1, owner=owner, run_at=now() + timedelta(hours=1))
        soon = await workshop.put(WORK, 2, owner=owner)
        await workshop.until(soon, "done")
        assert (await workshop.row(later)).state == "waiting"
        # A moment that is near is met without anybody calling.
        near = await workshop.put(WORK, 3, owner=owner, run_at=now() + timedelta(seconds=0.3))
        await workshop.until(near, "done", seconds=3)
        workshop.move_clock(timedelta(hours=1))
        await workshop.until(later, "done")
        assert runner.finished == 3


async def test_arguments_of_another_version_fail_without_another_try(workshop: Workshop) -> None:
    class Older(NoArgs):
        colour: str = "blue"

    hands = Hands()
    older = Kind("test.work", Older, "Work")
    async with workshop.database.system("test") as unit:
        job_id = await enqueue(unit, older, Older())
        await unit.execute(text('UPDATE job SET args = \'{"number": "many"}\''))
    async with workshop.worker((WORK, hands)):
        row = await workshop.until(job_id, "failed")
    assert (row.error_code, hands.began) == ("jobs.bad_arguments", [])


async def test_a_handler_that_takes_too_long_is_ended(workshop: Workshop) -> None:
    kind = make_kind(timeout_seconds=0.05, retry=ONCE)
    async with workshop.worker((kind, Hands(seconds=30))):
        row = await workshop.until(await workshop.put(kind, owner=make_person()), "dead")
    assert row.error_code == "jobs.took_too_long"


@given(failed=st.integers(1, 60), asked=st.none() | st.floats(0, 10_000))
def test_pauses_grow_within_their_bounds(failed: int, asked: float | None) -> None:
    retry = Retry(first=timedelta(seconds=5), longest=timedelta(hours=1))
    pause = retry.pause(failed, asked=asked).total_seconds()
    doubled = min(5 * 2.0 ** min(failed - 1, 30), 3600)
    assert max(doubled / 2, asked or 0) - 0.001 <= pause <= max(doubled, asked or 0) + 0.001


async def test_progress_is_told_to_the_owner_at_most_twice_a_second(
    workshop: Workshop, server: Server, copy: str, settings: Settings
) -> None:
    owner = make_person()
    kernel = Kernel(settings, workshop.database, Secrets.load(settings))
    gate = asyncio.Event()

    async def count(job: Running, args: Note) -> None:
        for number in range(200):
            await job.progress(number, 200, "counting")
        await gate.wait()
        await job.progress(200, 200, "counted")

    seen: list[Event] = []
    async with kernel.listener.running(), workshop.worker((WORK, count)):
        await kernel.listener.connected.wait()
        who = Identity(Scope.PERSON, owner)
        async with aclosing(kernel.events.subscribe(who, [person_topic(owner)])) as items, asyncio.timeout(10):
            await anext(items)
            job_id = await workshop.put(WORK, owner=owner)
            async for item in items:
                if not isinstance(item, Event):
                    continue
                seen.append(item)
                if item.data["done"] == 199:
                    gate.set()
                if item.data["state"] == "done":
                    break
        row = await workshop.row(job_id)
    kernel.events.close()
    assert (row.done, row.total, row.note) == (200, 200, "counted")
    assert {event.kind for event in seen} == {"job.changed"}
    assert [event.data["state"] for event in seen] == ["waiting", *["running"] * (len(seen) - 2), "done"]
    steps = [event.data["done"] for event in seen]
    assert steps == sorted(steps)
    assert (steps[-2], steps[-1]) == (199, 200)
    assert len(steps) <= 7  # of two hundred that were reported


async def test_administrators_hear_where_jobs_stand_in_few_events_and_nothing_of_what_they_are_about(
    workshop: Workshop,
) -> None:
    async def count(job: Running, args: Note) -> None:
        for number in range(20):
            await job.progress(number, 20, "holiday.pdf")

    began = asyncio.get_running_loop().time()
    async with workshop.worker((WORK, count)):
        put = [await workshop.put(WORK, number, owner=make_person(), title="Holiday") for number in range(20)]
        put.append(await workshop.put(WORK, 20))
        await workshop.until_quiet()
    seconds = asyncio.get_running_loop().time() - began
    async with workshop.database.system("test") as unit:
        rows = await unit.execute(text("SELECT kind, data FROM event WHERE topic = 'admin' ORDER BY id"))
        told = [(row.kind, row.data) for row in rows]
    assert {kind for kind, _ in told} == {"jobs.changed"}
    assert len(told) <= 2 + seconds / TELL_SECONDS
    latest = {job["id"]: job for _, data in told for job in data["jobs"]}
    assert set(latest) == {str(each) for each in put}
    assert {tuple(job) for job in latest.values()} == {("id", "done", "kind", "state", "total")}
    assert {(job["kind"], job["state"], job["done"]) for job in latest.values()} == {(WORK.name, "done", 19)}


async def test_what_is_rolled_back_moves_nothing_for_administrators(committed_database: Database) -> None:
    async with AdminNews(committed_database).running():
        with pytest.raises(RuntimeError):
            async with committed_database.system("jobs") as unit:
                await enqueue(unit, WORK, Note(number=1))
                raise RuntimeError
    async with committed_database.system("test") as unit:
        assert await unit.scalar(text("SELECT count(*) FROM event WHERE topic = 'admin'")) == 0


async def test_a_handlers_unit_is_its_owners(workshop: Workshop) -> None:
    owner, found = make_person(), []

    async def look(job: Running, args: Note) -> None:
        async with job.unit() as unit:
            found.append((await unit.execute(text("SELECT kontor_scope() AS scope, kontor_user() AS who"))).one())

    async with workshop.worker((WORK, look)):
        await workshop.until(await workshop.put(WORK, owner=owner), "done")
        await workshop.until(await workshop.put(WORK), "done")
    assert [tuple(row) for row in found] == [("person", owner), ("system", None)]


async def test_with_a_worker_that_stops_what_runs_may_finish(workshop: Workshop) -> None:
    hands = Hands(seconds=0.4)
    async with workshop.worker((WORK, hands), drain_seconds=5):
        running = await workshop.put(WORK, 1, owner=make_person())
        await workshop.until(running, "running")
    assert (await workshop.row(running)).state == "done"


async def test_what_does_not_finish_is_handed_back_at_once_and_costs_no_try(workshop: Workshop) -> None:
    owner, started = make_person(), asyncio.Event()

    async def sleep(job: Running, args: Note) -> None:
        started.set()
        await asyncio.sleep(60)

    async with workshop.worker((WORK, sleep), drain_seconds=0.05):
        job_id = await workshop.put(WORK, owner=owner)
        await started.wait()
    row = await workshop.row(job_id)
    assert (row.state, row.attempts, row.lease) == ("queued", 0, None)
    hands = Hands()
    async with workshop.worker((WORK, hands)):
        began = asyncio.get_running_loop().time()
        row = await workshop.until(job_id, "done")
        assert asyncio.get_running_loop().time() - began < 3
    assert row.attempts == 1


async def test_a_lost_lease_ends_the_handler_and_its_word_counts_no_more(workshop: Workshop) -> None:
    started, cancelled = asyncio.Event(), asyncio.Event()

    async def sleep(job: Running, args: Note) -> None:
        started.set()
        try:
            await asyncio.sleep(60)
        finally:
            cancelled.set()

    async with workshop.worker((WORK, sleep), beat_seconds=0.05):
        job_id = await workshop.put(WORK, owner=make_person())
        await started.wait()
        async with workshop.database.system("test") as unit:
            await unit.execute(text("UPDATE job SET lease = gen_random_uuid() WHERE id = :id"), {"id": job_id})
        await asyncio.wait_for(cancelled.wait(), 5)
    row = await workshop.row(job_id)
    assert (row.state, row.error_code) == ("running", None)


async def test_a_job_that_takes_its_worker_with_it_is_given_up(workshop: Workshop) -> None:
    """As after kill -9: the row says running, the engine's heartbeat is old, and the tries are used up."""
    kind, hands = make_kind(retry=Retry(attempts=2)), Hands()
    job_id = await workshop.put(kind, owner=make_person())
    async with workshop.database.system("test") as unit:
        await unit.execute(
            text("UPDATE job SET state = 'running', lease = gen_random_uuid(), attempts = 2, ticket = 1")
        )
        await (await engine_in(unit)).enqueue(kind.name, str(Ticket(job_id, 1)).encode())
        await unit.execute(text("UPDATE pgqueuer SET status = 'picked', heartbeat = now() - interval '1 hour'"))
    async with workshop.worker((kind, hands)):
        row = await workshop.until(job_id, "dead")
    assert (row.error_code, hands.began) == ("jobs.worker_lost", [])
    assert await workshop.in_engine() == 0


async def test_an_old_ticket_does_nothing(workshop: Workshop) -> None:
    hands, owner = Hands(), make_person()
    job_id = await workshop.put(WORK, owner=owner, run_at=now() + timedelta(hours=1))
    async with workshop.database.system("test") as unit:
        await unit.execute(text("UPDATE job SET ticket = 5, state = 'queued'"))
        engine = await engine_in(unit)
        for number in (3, 4, 5):
            await engine.enqueue(WORK.name, str(Ticket(job_id, number)).encode())
    async with workshop.worker((WORK, hands), concurrency=4):
        await workshop.until(job_id, "done")
        await workshop.until_engine_is_empty()
    assert len(hands.began) == 1


async def test_jobs_of_which_the_engine_knows_nothing_are_rescued(workshop: Workshop) -> None:
    hands = Hands()
    job_id = await workshop.put(WORK, owner=make_person())
    async with workshop.database.system("test") as unit:
        await unit.execute(
            text("UPDATE job SET state = 'queued', ticket = 1, heartbeat_at = now() - interval '1 hour'")
        )
    assert await upkeep.rescue_stranded(workshop.database) == 1
    assert await upkeep.rescue_stranded(workshop.database) == 0
    async with workshop.worker((WORK, hands)):
        await workshop.until(job_id, "done")


async def test_old_jobs_are_removed_and_failures_kept_longer(workshop: Workshop) -> None:
    kind = make_kind(retry=ONCE)

    async def work(job: Running, args: Note) -> None:
        if args.number:
            raise Refused("No.")

    async with workshop.worker((kind, work)):
        for number in (0, 1):
            await workshop.put(kind, number, owner=make_person())
        await workshop.until_quiet()
    waiting = await workshop.put(kind, 2, owner=make_person())
    with clocks.moved(timedelta(days=20)):
        assert await upkeep.sweep(workshop.database) == 1
    with clocks.moved(timedelta(days=100)):
        assert await upkeep.sweep(workshop.database) == 1
    assert (await workshop.row(waiting)).state == "waiting"


async def test_of_a_person_who_is_erased_no_job_and_no_event_is_left(workshop: Workshop) -> None:
    gone, other, started, ended = make_person(), make_person(), asyncio.Event(), asyncio.Event()

    async def sleep(job: Running, args: Note) -> None:
        started.set()
        try:
            await asyncio.sleep(60)
        finally:
            ended.set()

    async with workshop.worker((WORK, sleep), beat_seconds=30, per_person=1, drain_seconds=0):
        for number in range(3):
            await workshop.put(WORK, number, owner=gone)
        await started.wait()
        kept = await workshop.put(WORK, owner=other, run_at=now() + timedelta(hours=1))
        async with workshop.database.system("people") as unit:
            await erasure.forget(unit, gone)
            await retention.forget(unit, gone)
        await asyncio.wait_for(ended.wait(), 5)
        async with workshop.database.system("test") as unit:
            assert (await unit.execute(text("SELECT id FROM job"))).scalars().all() == [kept]
            owned = text("SELECT DISTINCT owner_id FROM event WHERE owner_id IS NOT NULL")
            owners = (await unit.execute(owned)).scalars().all()
            assert owners == [other]


@given(
    seconds=st.integers(1, 10**6),
    offset=st.integers(-(10**6), 10**6),
    moment=st.integers(1_577_836_800, 4_102_444_800).map(lambda at: datetime.fromtimestamp(at, UTC)),
)
def test_the_next_time_is_the_first_multiple_after_now(seconds: int, offset: int, moment: datetime) -> None:
    following = Every(seconds, offset).next_after(moment)
    assert timedelta() < following - moment <= timedelta(seconds=seconds)
    assert (following.timestamp() - offset) % seconds == 0


def test_a_time_of_the_day_is_that_time() -> None:
    moment = datetime(2026, 11, 21, 3, 15, tzinfo=UTC)
    assert Every.day_at(3, 15).next_after(moment) == datetime(2026, 11, 22, 3, 15, tzinfo=UTC)


async def test_among_many_workers_one_runs_what_the_clock_wants(workshop: Workshop) -> None:
    hands, every = Hands(), Every(3600)
    async with (
        workshop.worker((WORK, hands), every=every),
        workshop.worker((WORK, hands), every=every),
        workshop.worker((WORK, hands), every=every),
    ):
        for hours in range(1, 4):
            workshop.set_clock(every.next_after(now()) + timedelta(seconds=1))
            await eventually(lambda: len(hands.ended) >= hours)  # noqa: B023 - called in this turn only
            await asyncio.sleep(0.1)
            assert len(hands.ended) == hours
            await workshop.until_quiet()


async def test_missed_times_become_one(workshop: Workshop) -> None:
    hands, every = Hands(), Every(60)
    async with workshop.worker((WORK, hands), every=every):
        pass
    clocks.clock.advance(timedelta(days=2))
    async with workshop.worker((WORK, hands), every=every):
        await eventually(lambda: bool(hands.ended))
        await asyncio.sleep(0.1)
        async with workshop.database.system("test") as unit:
            row = (await unit.execute(text("SELECT * FROM job_schedule"))).one()
    assert len(hands.ended) == 1
    assert row.next_run_at == every.next_after(row.last_run_at)


async def test_a_changed_interval_counts_from_the_next_start(workshop: Workshop) -> None:
    for seconds in (86_400, 86_400, 3600):
        async with workshop.worker((WORK, Hands()), every=Every(seconds)), workshop.database.system("test") as unit:
            row = (await unit.execute(text("SELECT * FROM job_schedule"))).one()
        assert row.every_seconds == seconds
        assert row.next_run_at - now() <= timedelta(seconds=seconds)


def test_a_kind_has_one_handler_and_a_schedule_needs_no_arguments() -> None:
    class Needs(Note):
        must: int

    registry = Registry()
    registry.add(WORK, Hands())
    with pytest.raises(ValueError, match="handler already"):
        registry.add(WORK, Hands())
    with pytest.raises(ValueError, match="must"):
        registry.add(Kind("test.needs", Needs, "Needs"), Hands(), every=Every(60))
