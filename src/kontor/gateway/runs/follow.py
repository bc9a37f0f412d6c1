"""Reading a run while it goes on, here or in another process: first what is written, then what comes.

A reader keeps a place and nothing else, so a slow one costs nothing. Where the run is produced in this process its
words come from memory, a moment before they are rows; otherwise NOTIFY says that there are more rows.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

import structlog

from kontor.core.database import Database
from kontor.core.outage import is_outage
from kontor.core.tenancy import Identity
from kontor.gateway.runs import repository
from kontor.gateway.runs.errors import RunNotFound
from kontor.gateway.runs.events import Kind, RunEvent, RunId, after
from kontor.gateway.runs.live import Live

log = structlog.get_logger(__name__)

# Whoever may not see a run any more is shown no more of it within 5 s.
RECHECK_SECONDS = 3.0
# A lost notification is made good by the next look at the rows.
LOOK_SECONDS = 5.0
AWAY_PAUSE_SECONDS = 0.5


@dataclass(eq=False, slots=True)
class Reader:
    run_id: RunId
    who: Identity
    is_shut_out: bool = False
    has_news: bool = False
    _waiter: "asyncio.Future[None] | None" = None

    def wake(self) -> None:
        self.has_news = True
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    async def news(self) -> None:
        """Since `has_news` was last put out. One waits at a time, so an event for many would be more than is needed."""
        if not self.has_news:
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter


class Readers:
    """All readers of this process."""

    def __init__(self, database: Database, live_of: Callable[[RunId], Live | None]) -> None:
        self._database = database
        self._live_of = live_of
        # By the number of the run's id: an id itself is hashed by a function of Python's, at each piece of an answer.
        self._readers: dict[int, set[Reader]] = defaultdict(set)
        self._closed = False

    @property
    def count(self) -> int:
        return sum(map(len, self._readers.values()))

    def wake(self, run_id: RunId) -> None:
        for reader in self._readers.get(run_id.int, ()):
            reader.wake()

    def wake_all(self) -> None:
        for readers in self._readers.values():
            for reader in readers:
                reader.wake()

    def close(self) -> None:
        """Every reader ends at once; what they have not seen is in the rows."""
        self._closed = True
        self.wake_all()

    async def follow(
        self, who: Identity, run_id: RunId, place: int, *, is_allowed: bool = False
    ) -> AsyncGenerator[Sequence[RunEvent], None]:
        """Everything after the place, to the end of the run: each time, all that is there. Use it in
        `contextlib.aclosing`.

        `is_allowed`: whoever asks has just begun the run, so the first words need no look at the rows.
        """
        with self._listed(Reader(run_id, who)) as reader:
            while not self._closed:
                reader.has_news = False
                if reader.is_shut_out:
                    raise RunNotFound
                live = self._live_of(run_id)
                events: Sequence[RunEvent] | None = None
                is_over = False
                if live is not None and is_allowed:
                    events = live.after(place)
                is_whole = events is not None  # of rows there may be more than were read at once
                if events is None:
                    try:
                        events, is_over = await self._read(reader, place)
                    except Exception as reason:
                        if not is_outage(reason) or not is_allowed:
                            raise
                        asyncio.get_running_loop().call_later(AWAY_PAUSE_SECONDS, reader.wake)
                        await reader.news()
                        continue
                    is_allowed = True
                    if live is not None and not events:
                        # Nothing is written yet; what is said already stands in memory.
                        events = live.after(place) or ()
                if events:
                    yield events
                    place = events[-1].seq
                    if events[-1].kind == Kind.DONE:
                        return
                elif is_over:
                    return
                if is_whole or not events:
                    await reader.news()

    async def _read(self, reader: Reader, place: int) -> tuple[Sequence[RunEvent], bool]:
        async with self._database.unit(reader.who) as unit:
            # Asked before the events are: a run that is finished by then has all of them.
            is_finished = await repository.is_finished(unit, reader.run_id)
            if is_finished is None:
                raise RunNotFound
            rows = await repository.events(unit, reader.run_id, after=place)
        return after(place, rows), is_finished

    @contextmanager
    def _listed(self, reader: Reader) -> Iterator[Reader]:
        number = reader.run_id.int
        self._readers[number].add(reader)
        try:
            yield reader
        finally:
            mine = self._readers[number]
            mine.discard(reader)
            if not mine:
                del self._readers[number]

    @asynccontextmanager
    async def watched(self) -> AsyncIterator[None]:
        tasks = (
            asyncio.create_task(self._watch(), name="runs-readers"),
            asyncio.create_task(self._look(), name="runs-readers-look"),
        )
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)

    async def _look(self) -> None:
        """For all readers at once: a timer for each wait of each of them cost more than what they waited for."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            self.wake_all()

    async def _watch(self) -> None:
        """One question for all readers of one person."""
        while True:
            await asyncio.sleep(RECHECK_SECONDS)
            by_person: dict[Identity, list[Reader]] = defaultdict(list)
            for readers in self._readers.values():
                for reader in readers:
                    by_person[reader.who].append(reader)
            for who, readers_of_one in by_person.items():
                try:
                    async with self._database.unit(who) as unit:
                        seen = await repository.visible(unit, [reader.run_id for reader in readers_of_one])
                except Exception as reason:
                    if not is_outage(reason):
                        log.exception("runs.check_failed")
                    break
                for reader in readers_of_one:
                    if reader.run_id not in seen:
                        reader.is_shut_out = True
                        reader.wake()
