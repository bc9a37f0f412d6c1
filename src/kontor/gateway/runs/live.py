"""A run while this process produces it: what was said lately, what of it is written, and who waits for more."""

import asyncio
import time
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from kontor.core.ids import UserId
from kontor.gateway.runs.events import Kind, RunEvent, RunId, after, joined, weight

# A row is written when this much waits or the first of it is this old, whatever comes first.
ROW_BYTES = 2048
ROW_SECONDS = 0.25
# While the database is slow, nothing older than this is left unwritten: the model is waited with instead.
OVERDUE_SECONDS = 0.45
# Written events that stay in memory for readers who are a little behind.
TAIL_EVENTS = 256


class Ending(StrEnum):
    """Why a run is to end before the model has ended it."""

    STOPPED = "stopped"
    COST_LIMIT = "cost_limit"
    TIME_LIMIT = "time_limit"
    DRAINED = "drained"  # this process goes
    LOST = "lost"  # another process has taken it over; nothing may be written any more


@dataclass(eq=False, slots=True)
class Live:
    run_id: RunId
    owner_id: UserId
    dirty: Callable[["Live"], None]  # tells the journal that there is something to write
    told: Callable[[RunId], None]  # wakes the readers
    seq: int = 0
    written: int = 0
    tail: list[RunEvent] = field(default_factory=list)
    floor: int = 0  # the place that the tail begins at
    in_flight: list[RunEvent] = field(default_factory=list)
    waiting_bytes: int = 0
    waiting_since: float = 0.0
    flying_bytes: int = 0
    flying_since: float = 0.0
    first_at: float | None = None
    ending: Ending | None = None
    task: "asyncio.Task[None] | None" = None
    may_be_cancelled: bool = False
    drain_seconds: float = 0.0  # after a stop the provider is listened to that long, for its count
    is_over: bool = False  # its last event is in the tail and in the table
    _room: "asyncio.Future[None] | None" = None

    def say(self, kind: Kind, data: Mapping[str, Any]) -> None:
        """Numbered and shown to readers here at once; a row within `ROW_SECONDS`."""
        self._add(RunEvent(self.seq + weight(kind, data), kind, data), _bytes_of(kind, data))

    def say_text(self, kind: Kind, piece: str) -> None:
        """The same for what most of an answer consists of."""
        length = len(piece)
        self._add(RunEvent(self.seq + length, kind, {"text": piece}), length)

    def _add(self, event: RunEvent, size: int) -> None:
        self.seq = event.seq
        self.tail.append(event)
        if not self.waiting_bytes:
            self.waiting_since = time.monotonic()
        self.waiting_bytes += size
        self.dirty(self)
        self.told(self.run_id)

    @property
    def is_due(self) -> bool:
        return self.waiting_bytes >= ROW_BYTES

    @property
    def is_behind(self) -> bool:
        """Whether the rows are so far behind that a crash would take more than it may."""
        if self.flying_bytes + self.waiting_bytes >= 2 * ROW_BYTES:
            return True
        since = self.flying_since if self.flying_bytes else self.waiting_since if self.waiting_bytes else None
        return since is not None and time.monotonic() - since > OVERDUE_SECONDS

    async def room(self) -> None:
        """Until what was said is written far enough. The model is kept waiting meanwhile."""
        while self.is_behind:
            if self._room is None:
                self._room = asyncio.get_running_loop().create_future()
            await asyncio.shield(self._room)

    def take(self) -> list[RunEvent]:
        """What goes into the next rows. It stays the same until it is known to be written."""
        if not self.in_flight:
            self._lift()
        return self.in_flight

    def take_all(self) -> list[RunEvent]:
        """Also what came after that; for a run that says nothing more."""
        self._lift()
        return self.in_flight

    def _lift(self) -> None:
        start = self.in_flight[-1].seq if self.in_flight else self.written
        rest = self.tail[bisect_right(self.tail, start, key=_place) :]
        if rest:
            self.flying_since = self.flying_since if self.in_flight else self.waiting_since
            self.in_flight = [*self.in_flight, *joined(rest)]
            self.flying_bytes += self.waiting_bytes
        self.waiting_bytes = 0

    def wrote(self) -> None:
        if self.in_flight:
            self.written = self.in_flight[-1].seq
            self.in_flight = []
            self.flying_bytes = 0
        if len(self.tail) > 2 * TAIL_EVENTS:
            kept_from = min(bisect_right(self.tail, self.written, key=_place), len(self.tail) - TAIL_EVENTS)
            if kept_from > 0:
                self.floor = self.tail[kept_from - 1].seq
                del self.tail[:kept_from]
        self.release()

    def release(self) -> None:
        room, self._room = self._room, None
        if room is not None and not room.done():
            room.set_result(None)

    def after(self, place: int) -> Sequence[RunEvent] | None:
        """From memory; None when the reader is too far behind for that."""
        if place < self.floor:
            return None
        # From the end, where readers nearly always are.
        tail, start = self.tail, len(self.tail)
        while start and tail[start - 1].seq > place:
            start -= 1
        if start == len(tail):
            return ()
        begins = tail[start - 1].seq if start else self.floor
        return tail[start:] if place == begins else after(place, tail[start:])

    def finish(self, last: Sequence[RunEvent]) -> None:
        """These are in the table already."""
        self.tail.extend(last)
        self.seq = self.written = last[-1].seq
        self.is_over = True
        self.told(self.run_id)

    def end(self, why: Ending) -> None:
        """The first reason counts, but that the run is lost counts more. Harmless when it is just ending by itself."""
        if self.is_over or (self.ending is not None and why is not Ending.LOST):
            return
        self.ending = why
        self.release()
        if why is Ending.LOST:
            self.told(self.run_id)
        if self.task is None or not (self.may_be_cancelled or why is Ending.LOST):
            return
        if why is Ending.STOPPED and self.drain_seconds:
            asyncio.get_running_loop().call_later(self.drain_seconds, self._cancel)
        else:
            self.task.cancel()

    def _cancel(self) -> None:
        if self.task is not None and self.may_be_cancelled:
            self.task.cancel()


def _place(event: RunEvent) -> int:
    return event.seq


def _bytes_of(kind: str, data: Mapping[str, Any]) -> int:
    match kind:
        case Kind.TEXT | Kind.DRAFT:
            return len(data["text"])
        case Kind.REASONING:
            return len(data.get("text", "")) + len(data.get("signature") or "")
        case Kind.TOOL_CALL:
            return 20 + len(data.get("arguments", ""))
        case _:
            return 64
