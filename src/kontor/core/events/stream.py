"""Following topics: what was missed is replayed from the table, what happens next is read when NOTIFY says so.

The rows are the data. Nothing is kept in memory for a reader but a place per topic, so a slow one costs nothing and a
lost notification is made good by the next look at the table.
"""

import asyncio
import time
from collections import defaultdict, deque
from collections.abc import AsyncGenerator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from kontor.core.database import Database
from kontor.core.events.listener import Listener
from kontor.core.events.publishing import CHANNEL
from kontor.core.outage import is_outage
from kontor.core.tenancy import Actor, Identity

log = structlog.get_logger(__name__)

BATCH = 200
TICK_SECONDS = 15.0
OUTAGE_PAUSE_SECONDS = 1.0
LAG_WINDOW_SECONDS = 60.0

RESET = "reset"

_READ = text("""
    SELECT e.id, e.topic, e.kind, e.data, e.created_at
    FROM unnest(CAST(:topics AS text[]), CAST(:places AS bigint[])) AS place (topic, id)
    JOIN event e ON e.topic = place.topic AND e.id > place.id
    ORDER BY e.id LIMIT :batch
""")
_WAIT_FOR_WRITERS = text("SELECT pg_advisory_xact_lock_shared(hashtextextended('kontor.event ' || :topic, 0))")
_BOUNDS = text("""
    SELECT asked.topic,
           coalesce((SELECT h.id FROM event_horizon h WHERE h.topic = asked.topic), 0) AS swept,
           coalesce((SELECT max(e.id) FROM event e WHERE e.topic = asked.topic), 0) AS latest
    FROM unnest(CAST(:topics AS text[])) AS asked (topic)
""")


@dataclass(frozen=True, slots=True)
class Event:
    """`position` is what a reader hands back to go on after this event; it is the SSE id."""

    id: int
    topic: str
    kind: str
    data: Mapping[str, Any]
    created_at: datetime | None
    position: str


@dataclass(frozen=True, slots=True)
class Tick:
    """Nothing happened. Keeps connections open, and is the moment to ask whether the reader may still listen."""

    position: str


class Position:
    """A place per topic. Numbers of different topics may become visible out of order, so one number is not enough."""

    def __init__(self, topics: Iterable[str]) -> None:
        self.places: dict[str, int] = dict.fromkeys(sorted(topics), 0)

    def move(self, places: Mapping[str, int]) -> None:
        self.places.update(places)

    def parse(self, written: str) -> bool:
        """Take over what `str` wrote for the same topics, or one number for all; False when it is neither."""
        parts = written.strip().split(".")
        if len(parts) == 1:
            parts *= len(self.places)
        # 18 digits are the most that surely fit into the column.
        if len(parts) != len(self.places) or not all(p.isascii() and p.isdigit() and len(p) <= 18 for p in parts):
            return False
        self.places = dict(zip(self.places, map(int, parts), strict=True))
        return True

    def __str__(self) -> str:
        return ".".join(map(str, self.places.values()))


@dataclass(eq=False, slots=True)
class _Reader:
    news: asyncio.Event = field(default_factory=asyncio.Event)


class EventStream:
    """One per process. Readers come and go; all of them share the process's one listening connection."""

    def __init__(self, database: Database, listener: Listener) -> None:
        self._database = database
        self._listener = listener
        self._readers: dict[str, set[_Reader]] = defaultdict(set)
        self._closed = False
        self._lags: deque[tuple[float, float]] = deque(maxlen=1000)
        listener.on(CHANNEL, self._heard)

    def close(self) -> None:
        """Every subscription ends at once; for the beginning of a shutdown."""
        self._closed = True
        self._wake_all()

    @property
    def readers(self) -> int:
        return len({reader for readers in self._readers.values() for reader in readers})

    @property
    def lag_seconds(self) -> float:
        """How long news took to arrive here lately; while nothing can arrive, how long that has been so."""
        horizon = time.monotonic() - LAG_WINDOW_SECONDS
        lately = max((lag for at, lag in self._lags if at >= horizon), default=0.0)
        return max(lately, self._listener.seconds_without_connection)

    async def subscribe(
        self,
        who: Actor | Identity,
        topics: Sequence[str],
        after: str | int | None = None,
        *,
        tick_seconds: float = TICK_SECONDS,
    ) -> AsyncGenerator[Event | Tick, None]:
        """Events of the topics after a position (or event id), each once and each topic in order, then what follows.

        Without `after` it begins now. The first thing that comes is a tick with the position. A position that is
        older than what is kept, or that this database never gave, yields a `reset`: load everything anew, what follows
        is complete again. Use it in `contextlib.aclosing`.
        """
        position = Position(topics)
        reader = _Reader()
        with self._listed(reader, position.places):
            async for start in self._begin(who, position, after):
                yield start
            while not self._closed:
                reader.news.clear()
                events = await self._read(who, position)
                for event in events or ():
                    yield event
                if events is None:
                    await self._pause(reader, OUTAGE_PAUSE_SECONDS)
                elif not events and not await self._pause(reader, tick_seconds):
                    yield Tick(str(position))

    @contextmanager
    def _listed(self, reader: _Reader, topics: Iterable[str]) -> Iterator[None]:
        names = tuple(topics)
        for topic in names:
            self._readers[topic].add(reader)
        try:
            yield
        finally:
            for topic in names:
                self._readers[topic].discard(reader)
                if not self._readers[topic]:
                    del self._readers[topic]

    async def _begin(
        self, who: Actor | Identity, position: Position, after: str | int | None
    ) -> AsyncGenerator[Event | Tick, None]:
        known = after is not None and position.parse(str(after))
        while not self._closed:
            try:
                async with self._database.unit(who) as unit:
                    fits = known and await fits_what_is_kept(unit, position)
                    if not fits:
                        position.move(await present(unit, position.places))
            except Exception as reason:
                if not is_outage(reason):
                    raise
                await asyncio.sleep(OUTAGE_PAUSE_SECONDS)
                continue
            if after is not None and not fits:
                topic, place = next(iter(position.places.items()))
                yield Event(place, topic, RESET, {}, None, str(position))
            else:
                yield Tick(str(position))
            return

    async def _read(self, who: Actor | Identity, position: Position) -> list[Event] | None:
        """What is new, or None while the database is away: a stream survives that."""
        try:
            async with self._database.unit(who) as unit:
                rows = (
                    await unit.execute(
                        _READ,
                        {
                            "topics": list(position.places),
                            "places": list(position.places.values()),
                            "batch": BATCH,
                        },
                    )
                ).all()
        except Exception as reason:
            if not is_outage(reason):
                raise
            log.warning("events.database_away", reason=type(reason).__name__)
            return None
        events = []
        for row in rows:
            position.move({row.topic: row.id})
            events.append(Event(row.id, row.topic, row.kind, row.data, row.created_at, str(position)))
        return events

    async def _pause(self, reader: _Reader, seconds: float) -> bool:
        """True when there are news (or the end), False when the time is over."""
        try:
            async with asyncio.timeout(seconds):
                await reader.news.wait()
        except TimeoutError:
            return False
        return True

    def _heard(self, payload: str | None) -> None:
        if payload is None:
            self._wake_all()
            return
        said, _, topic = payload.partition(" ")
        self._lags.append((time.monotonic(), max(0.0, time.time() - int(said) / 1000)))
        for reader in self._readers.get(topic, ()):
            reader.news.set()

    def _wake_all(self) -> None:
        for readers in self._readers.values():
            for reader in readers:
                reader.news.set()


async def present(unit: AsyncSession, topics: Iterable[str]) -> dict[str, int]:
    """The place after everything that was published so far."""
    names = sorted(topics)
    for topic in names:
        # Whoever is about to commit into the topic is waited for: so nothing below this place can appear later.
        await unit.execute(_WAIT_FOR_WRITERS, {"topic": topic})
    rows = (await unit.execute(_BOUNDS, {"topics": names})).all()
    return {row.topic: max(row.swept, row.latest) for row in rows}


async def fits_what_is_kept(unit: AsyncSession, position: Position) -> bool:
    """Nothing after it was swept away, and it is not from the future, as after a restored backup."""
    rows = (await unit.execute(_BOUNDS, {"topics": list(position.places)})).all()
    return all(row.swept <= position.places[row.topic] <= max(row.swept, row.latest) for row in rows)
