"""Reading a run while it goes on, here or in another process: first what is written, then what comes.

A reader keeps a place and nothing else, so a slow one costs nothing. Where the run is produced in this process its
words come from memory, a moment before they are rows; otherwise NOTIFY says that there are more rows.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field

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
    news: asyncio.Event = field(default_factory=asyncio.Event)
    is_shut_out: bool = False


class Readers:
    """All readers of this process."""

    def __init__(self, database: Database, live_of: Callable[[RunId], Live | None]) -> None:
        self._database = database
        self._live_of = live_of
        self._readers: dict[RunId, set[Reader]] = defaultdict(set)
        self._closed = False

    @property
    def count(self) -> int:
        return sum(map(len, self._readers.values()))

    def wake(self, run_id: RunId) -> None:
        for reader in self._readers.get(run_id, ()):
            reader.news.set()

    def wake_all(self) -> None:
        for readers in self._readers.values():
            for reader in readers:
                reader.news.set()

    def close(self) -> None:
        """Every reader ends at once; what they have not seen is in the rows."""
        self._closed = True
        self.wake_all()

    async def follow(
        self, who: Identity, run_id: RunId, place: int, *, is_allowed: bool = False
    ) -> AsyncGenerator[RunEvent, None]:
        """Everything after the place, to the end of the run. Use it in `contextlib.aclosing`.

        `is_allowed`: whoever asks has just begun the run, so the first words need no look at the rows.
        """
        with self._listed(Reader(run_id, who)) as reader:
            while not self._closed:
                reader.news.clear()
                if reader.is_shut_out:
                    raise RunNotFound
                live = self._live_of(run_id)
                events: Sequence[RunEvent] | None = None
                is_over = False
                if live is not None and is_allowed:
                    events = live.after(place)
                if events is None:
                    try:
                        events, is_over = await self._read(reader, place)
                    except Exception as reason:
                        if not is_outage(reason) or not is_allowed:
                            raise
                        await _pause(reader, AWAY_PAUSE_SECONDS)
                        continue
                    is_allowed = True
                    if live is not None and not events:
                        # Nothing is written yet; what is said already stands in memory.
                        events = live.after(place) or ()
                for event in events:
                    yield event
                    place = event.seq
                    if event.kind == Kind.DONE:
                        return
                if is_over and not events:
                    return
                if not events:
                    await _pause(reader, LOOK_SECONDS)

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
        self._readers[reader.run_id].add(reader)
        try:
            yield reader
        finally:
            mine = self._readers[reader.run_id]
            mine.discard(reader)
            if not mine:
                del self._readers[reader.run_id]

    @asynccontextmanager
    async def watched(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self._watch(), name="runs-readers")
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait({task})

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
                        reader.news.set()


async def _pause(reader: Reader, seconds: float) -> None:
    # Without a task of its own: there may be a thousand readers.
    loop = asyncio.get_running_loop()
    timer = loop.call_later(seconds, reader.news.set)
    try:
        await reader.news.wait()
    finally:
        timer.cancel()
