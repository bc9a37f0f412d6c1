"""Running jobs: the engine hands them out, this admits them, keeps their leases alive and brings them to an end."""

import asyncio
import random
import time
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TypeVar

import structlog
from pgqueuer.core.qm import QueueManager
from pgqueuer.domain.models import Job as EngineJob
from pydantic import ValidationError
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from kontor.core.clock import now
from kontor.core.database import Database
from kontor.core.errors import Kind as ErrorKind
from kontor.core.errors import KontorError
from kontor.core.events.listener import Listener
from kontor.core.ids import JobId
from kontor.core.jobs import lifecycle, schedules, upkeep
from kontor.core.jobs.admission import Caps, admit, lanes_with_room, try_lock
from kontor.core.jobs.engine import TABLES, EngineClosed, SteadyDriver, queries_over
from kontor.core.jobs.enqueueing import CHANNEL
from kontor.core.jobs.kinds import Entry, Registry, is_passing
from kontor.core.jobs.lifecycle import HandlerFailed, Taken
from kontor.core.jobs.news import AdminNews
from kontor.core.jobs.running import Progress, Running
from kontor.core.outage import is_outage

log = structlog.get_logger(__name__)

T = TypeVar("T")

# A worker that is gone is noticed after LEASE at the latest when another one looks, which it does every LOOK.
LEASE = timedelta(seconds=12)
LOOK = timedelta(seconds=6)
BEAT_SECONDS = 4.0
ROUND_SECONDS = 15.0
UPKEEP_SECONDS = 15.0
BUSY_PAUSE_SECONDS = 0.05
CANCEL_GRACE_SECONDS = 3.0
AWAY_SECONDS = 15.0

# Steps that may be lost with a crash of the database: they are then taken again. Ends are waited for on disk.
_IN_MEMORY = text("SET LOCAL synchronous_commit = off")
_NEXT_DUE = text("SELECT min(run_at) FROM job WHERE state = 'waiting' AND run_at > :now")


class BadArguments(KontorError):
    """The job was put down by another version of the program, which the present one does not understand."""

    kind, code = ErrorKind.UNPROCESSABLE, "jobs.bad_arguments"

    def __init__(self) -> None:
        super().__init__("This version of Kontor does not understand the job's arguments.")


class TookTooLong(KontorError):
    kind, code = ErrorKind.UNAVAILABLE, "jobs.took_too_long"

    def __init__(self, seconds: float) -> None:
        super().__init__(f"It did not end within {seconds:.0f} seconds.")


class Reason(StrEnum):
    """Why we cancelled a handler."""

    WANTED = "wanted"
    LOST = "lost"
    STOPPING = "stopping"


@dataclass(eq=False)
class Held:
    taken: Taken
    running: Running
    task: asyncio.Task[None]
    reason: Reason | None = None

    def cancel(self, reason: Reason) -> None:
        if self.reason is None:
            self.reason = reason
            self.running.cancelled = True
            self.task.cancel()


class Runner:
    """One per worker process."""

    def __init__(
        self,
        database: Database,
        registry: Registry,
        listener: Listener,
        *,
        url: str,
        concurrency: int = 4,
        per_person: int = 2,
        lease: timedelta = LEASE,
        look: timedelta = LOOK,
        beat_seconds: float = BEAT_SECONDS,
    ) -> None:
        self._database = database
        self._listener = listener
        self._registry = registry
        self._caps = Caps(per_person, {name: entry.kind.at_once for name, entry in registry.entries.items()})
        self._url = url
        self._concurrency = concurrency
        self._lease = lease
        self._look = look
        self._beat_seconds = beat_seconds
        self._seats = asyncio.Semaphore(concurrency)
        self._held: dict[JobId, Held] = {}
        self._news = asyncio.Event()
        self._beat_now = asyncio.Event()
        self._hurry = False
        self.ready = asyncio.Event()
        self.finished = 0
        listener.on(CHANNEL, self._heard)

    @property
    def held(self) -> int:
        return len(self._held)

    def wake(self) -> None:
        """Look at once for what may be admitted, by the clock of this process."""
        self._news.set()

    def _heard(self, payload: str | None) -> None:
        self._news.set()
        if payload != "look":
            self._beat_now.set()

    async def run(self, stop: asyncio.Event, *, drain_seconds: float = 20.0) -> None:
        """Until `stop`; then what runs may finish for a while, and the rest is handed back."""
        async with self._database.system("jobs") as unit:
            await schedules.declare(unit, self._registry.schedules)
        async with AdminNews(self._database).running():
            await self._run(stop, drain_seconds)

    async def _run(self, stop: asyncio.Event, drain_seconds: float) -> None:
        driver = SteadyDriver(self._url)
        engine = self._make_engine(driver)
        helpers = [
            asyncio.create_task(self._repeat(self._round), name="jobs.rounds"),
            asyncio.create_task(self._repeat(self._beat), name="jobs.beats"),
            asyncio.create_task(self._repeat(self._keep_up), name="jobs.upkeep"),
        ]
        loop = asyncio.create_task(self._run_engine(engine), name="jobs.engine")
        stopping = asyncio.create_task(stop.wait())
        self.ready.set()
        try:
            await asyncio.wait({loop, stopping, *helpers}, return_when=asyncio.FIRST_COMPLETED)
            engine.shutdown.set()
            await self._drain(drain_seconds)
        finally:
            for task in (stopping, *helpers):
                task.cancel()
            await self._end_engine(loop, driver)
            await asyncio.wait({stopping, *helpers})
        for task in (loop, *helpers):
            if not task.cancelled() and (error := task.exception()) and not isinstance(error, EngineClosed):
                raise error

    def _make_engine(self, driver: SteadyDriver) -> QueueManager:
        engine = QueueManager(queries_over(driver), channel=TABLES.channel)
        # When all seats are taken, a seat that becomes free says so by NOTIFY; looking ten times a second is needless.
        engine.min_dequeue_poll_interval = timedelta(seconds=0.5)
        for name in self._registry.entries:
            engine.entrypoint(name, accepts_context=False)(self._work)
        return engine

    async def _run_engine(self, engine: QueueManager) -> None:
        batch = max(1, self._concurrency // 2)
        await engine.run(
            dequeue_timeout=self._look,
            batch_size=batch,
            max_concurrent_tasks=max(2 * batch, self._concurrency),
            heartbeat_timeout=self._lease,
            log_aggregation_interval=timedelta(),
        )

    async def _drain(self, seconds: float) -> None:
        if self._held:
            log.info("jobs.draining", running=len(self._held), seconds=seconds)
        deadline = time.monotonic() + seconds
        while self._held and time.monotonic() < deadline:
            await asyncio.wait({held.task for held in self._held.values()}, timeout=deadline - time.monotonic())
            await asyncio.sleep(0.01)  # let the ends be written
        self._hurry = True
        for held in self._held.values():
            held.cancel(Reason.STOPPING)

    async def _end_engine(self, loop: asyncio.Task[None], driver: SteadyDriver) -> None:
        """Its loop waits for the jobs that it handed out; with the database away it is not waited for for ever."""
        self._hurry = True
        done, _ = await asyncio.wait({loop}, timeout=CANCEL_GRACE_SECONDS)
        await driver.close()
        if not done:
            log.warning("jobs.not_handed_back", running=len(self._held))
            loop.cancel()
            await asyncio.wait({loop}, timeout=1)

    async def _repeat(self, step: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await step()
            except Exception as reason:
                if not is_outage(reason):
                    raise
                log.warning("jobs.database_away", step=step.__name__, reason=type(reason).__name__)
                await asyncio.sleep(1)

    async def _round(self) -> None:
        """Put down what the clock wants, admit what may run, and sleep until there is a reason to look again."""
        self._news.clear()
        async with self._passing_unit() as unit:
            await schedules.tick(unit, self._registry)
            lanes = await lanes_with_room(unit, self._caps)
            locked = await try_lock(unit, lanes) if lanes else []
            if locked:
                await admit(unit, locked, self._caps)
            due = [await unit.scalar(_NEXT_DUE, {"now": now()}), await schedules.next_tick(unit, self._registry)]
        pause = ROUND_SECONDS
        if len(locked) < len(lanes):
            pause = BUSY_PAUSE_SECONDS  # somebody is busy with that lane and may not have seen all of it
        for moment in due:
            if moment is not None:
                pause = min(pause, max(BUSY_PAUSE_SECONDS, (moment - now()).total_seconds()))
        # Apart by chance: of many workers that sleep to the same moment one does the work and the others find it done.
        await wait_for(self._news, pause + random.uniform(0, 0.02))  # noqa: S311 - not a secret
        await asyncio.sleep(0.005)  # a burst of news becomes one round

    async def _beat(self) -> None:
        """Keep the leases, and notice those that are no longer ours or that somebody wants to end."""
        await wait_for(self._beat_now, self._beat_seconds)
        self._beat_now.clear()
        held = list(self._held.values())
        if not held:
            return
        async with self._passing_unit() as unit:
            wanted = await lifecycle.beat(unit, [each.taken for each in held])
        for each in held:
            if each.taken.id not in wanted:
                each.cancel(Reason.LOST)
            elif wanted[each.taken.id]:
                each.cancel(Reason.WANTED)

    async def _keep_up(self) -> None:
        await asyncio.sleep(UPKEEP_SECONDS * random.uniform(0.8, 1.2))  # noqa: S311 - not a secret
        await upkeep.rescue_stranded(self._database)

    async def _work(self, engine_job: EngineJob) -> None:
        """What the engine calls. It never raises: how a job ended is written by us, in our words."""
        try:
            async with self._seats:
                taken = await self._write(lambda unit: self._take(unit, engine_job))
                if taken is not None:
                    await self._run_job(taken)
        except EngineClosed:
            log.warning("jobs.left_to_the_lease", engine_job=engine_job.id)
        except Exception:
            log.exception("jobs.step_failed", engine_job=engine_job.id, kind=engine_job.entrypoint)

    async def _run_job(self, taken: Taken) -> None:
        entry = self._registry.entries[taken.kind]
        running = Running(
            job_id=taken.id,
            kind=taken.kind,
            owner_id=taken.owner_id,
            attempt=taken.attempt,
            key=taken.key,
            database=self._database,
            report=lambda progress: self._report(taken, progress),
        )
        began = time.monotonic()
        task = asyncio.create_task(self._call(entry, running, taken), name=f"job {taken.kind} {taken.id}")
        held = Held(taken, running, task)
        # A lost lease can come back to this very worker; the newer holder counts.
        self._held[taken.id] = held
        try:
            if self._hurry:
                held.cancel(Reason.STOPPING)
            await asyncio.wait({task})
            progress = await running.settle()
            ended = await self._conclude(entry, held, progress)
        finally:
            if self._held.get(taken.id) is held:
                del self._held[taken.id]
        self.finished += 1
        log.info(
            "job.ended", job=str(taken.id), kind=taken.kind, state=ended, attempt=taken.attempt,
            seconds=round(time.monotonic() - began, 3),
        )  # fmt: skip

    async def _call(self, entry: Entry, running: Running, taken: Taken) -> None:
        try:
            args = entry.kind.args.model_validate(taken.args)
        except ValidationError as reason:
            raise BadArguments from reason
        try:
            async with asyncio.timeout(entry.kind.timeout_seconds) as limit:
                await entry.handler(running, args)
        except TimeoutError as reason:
            if limit.expired():
                raise TookTooLong(entry.kind.timeout_seconds) from reason
            raise

    async def _conclude(self, entry: Entry, held: Held, progress: Progress | None) -> str:
        taken, error = held.taken, self._error_of(held.task)
        if error is None:
            return await self._end(taken, "done", progress=progress)
        if isinstance(error, asyncio.CancelledError):
            return await self._conclude_cancelled(held, progress)
        if await self._was_away(error):
            # Not the job's fault and not its handler's, so it costs none of its tries.
            log.warning("job.database_away", job=str(taken.id), kind=taken.kind)
            return await self._again(taken, pause=timedelta(seconds=1), counted=False)
        known = error if isinstance(error, KontorError) else HandlerFailed()
        if known is not error:
            log.error(
                "job.failed", job=str(taken.id), kind=taken.kind, attempt=taken.attempt,
                error=type(error).__qualname__, trace=trace_without_values(error),
            )  # fmt: skip
        if not is_passing(error):
            return await self._end(taken, "failed", progress=progress, error=known)
        if taken.attempt >= taken.max_attempts:
            return await self._end(taken, "dead", progress=progress, error=known)
        asked = error.retry_after if isinstance(error, KontorError) else None
        return await self._again(taken, pause=entry.kind.retry.pause(taken.attempt, asked=asked), error=known)

    async def _conclude_cancelled(self, held: Held, progress: Progress | None) -> str:
        match held.reason:
            case Reason.WANTED:
                return await self._end(held.taken, "cancelled", progress=progress)
            case Reason.LOST:
                return "lost"
            case Reason.STOPPING:
                return await self._again(held.taken, counted=False)
            case None:
                # The handler cancelled itself, which nobody asked for: as good as an error.
                return await self._end(held.taken, "failed", progress=progress, error=HandlerFailed())

    async def _was_away(self, error: BaseException) -> bool:
        """Whether the database failed the handler. Somebody else must have missed it too: a handler that uses its
        connection wrongly, or whose own server refuses connections, would otherwise be tried for ever."""
        if not is_outage(error):
            return False
        await asyncio.sleep(0.1)
        return self._listener.lost_within(AWAY_SECONDS)

    @staticmethod
    def _error_of(task: asyncio.Task[None]) -> BaseException | None:
        return asyncio.CancelledError() if task.cancelled() else task.exception()

    async def _end(
        self,
        taken: Taken,
        state: lifecycle.Ending,
        *,
        progress: Progress | None = None,
        error: KontorError | None = None,
    ) -> str:
        ours = await self._write(
            lambda unit: lifecycle.end(unit, taken, self._caps, state=state, progress=progress, error=error)
        )
        return state if ours else "lost"

    async def _again(
        self,
        taken: Taken,
        *,
        pause: timedelta = timedelta(),
        counted: bool = True,
        error: KontorError | None = None,
    ) -> str:
        ours = await self._write(
            lambda unit: lifecycle.again(unit, taken, self._caps, pause=pause, counted=counted, error=error)
        )
        if ours:
            self._news.set()  # so that the round knows of the new moment to wake at
        return "waiting" if ours else "lost"

    async def _report(self, taken: Taken, progress: Progress) -> None:
        try:
            async with self._passing_unit() as unit:
                await lifecycle.report(unit, taken, progress)
        except Exception as reason:
            if not is_outage(reason):
                raise
            log.warning("jobs.progress_not_written", job=str(taken.id))

    async def _take(self, unit: AsyncSession, engine_job: EngineJob) -> Taken | None:
        await unit.execute(_IN_MEMORY)
        return await lifecycle.take(unit, engine_job, self._caps)

    @asynccontextmanager
    async def _passing_unit(self) -> AsyncIterator[AsyncSession]:
        async with self._database.system("jobs") as unit:
            await unit.execute(_IN_MEMORY)
            yield unit

    async def _write(self, step: Callable[[AsyncSession], Awaitable[T]]) -> T:
        """One step in one transaction; while the database is away it is tried again. Each may safely come twice."""
        while True:
            try:
                async with self._database.system("jobs") as unit:
                    return await step(unit)
            except Exception as reason:
                if not is_outage(reason):
                    raise
                if self._hurry:
                    raise EngineClosed from reason
                await asyncio.sleep(random.uniform(0.3, 0.8))  # noqa: S311 - not a secret


def trace_without_values(error: BaseException) -> list[str]:
    """Where it happened, without the error's words: they may repeat what somebody wrote."""
    frames = traceback.extract_tb(error.__traceback__)
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames[-12:]]


async def wait_for(event: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
