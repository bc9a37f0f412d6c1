"""Kinds of jobs: what they are called, what they take, how often they are tried, and who does them."""

import math
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, TypeVar

from pydantic import BaseModel

from kontor.core.errors import Kind as ErrorKind
from kontor.core.errors import KontorError
from kontor.core.jobs.running import Running

A = TypeVar("A", bound=BaseModel)

Handler = Callable[[Running, A], Awaitable[None]]

# Errors that may be gone at the next try. Every other error of ours is an answer, and asking again would not change it.
PASSING = frozenset({ErrorKind.UNAVAILABLE, ErrorKind.RATE_LIMITED, ErrorKind.INTERNAL, ErrorKind.OUT_OF_SPACE})


class NoArgs(BaseModel):
    """For jobs that need to be told nothing."""


@dataclass(frozen=True, slots=True)
class Retry:
    """Pauses between tries: doubling from `first` up to `longest`, each shortened by chance so that many that failed
    together do not come back together."""

    attempts: int = 5
    first: timedelta = timedelta(seconds=5)
    longest: timedelta = timedelta(hours=1)

    def pause(self, failed_attempts: int, *, asked: float | None = None) -> timedelta:
        """`asked` is what the error itself wants (Retry-After); we never come sooner."""
        doubled = self.first.total_seconds() * 2.0 ** min(failed_attempts - 1, 30)
        seconds = min(doubled, self.longest.total_seconds()) * random.uniform(0.5, 1.0)  # noqa: S311 - not a secret
        return timedelta(seconds=max(seconds, asked or 0.0))


ONCE = Retry(attempts=1)


@dataclass(frozen=True, slots=True)
class Kind(Generic[A]):
    """One kind of job, a constant of the domain that it belongs to.

    Its arguments are ids and plain values: administrators see the list of jobs, so what people wrote stays out of it.
    """

    name: str
    args: type[A]
    title: str
    retry: Retry = field(default_factory=Retry)
    timeout_seconds: float = 3600.0
    at_once: int = 4  # jobs of this kind that belong to nobody and may run or queue at the same time


@dataclass(frozen=True, slots=True)
class Every:
    """A schedule that needs no memory: every whole multiple of the interval since 1970 (UTC), plus an offset."""

    seconds: int
    offset_seconds: int = 0

    @classmethod
    def day_at(cls, hour: int, minute: int = 0) -> "Every":
        return cls(86_400, hour * 3600 + minute * 60)

    def next_after(self, moment: datetime) -> datetime:
        """Strictly later than the moment, however many times were missed in between."""
        passed = math.floor((moment.timestamp() - self.offset_seconds) / self.seconds)
        return datetime.fromtimestamp((passed + 1) * self.seconds + self.offset_seconds, UTC)


@dataclass(frozen=True, slots=True)
class Entry:
    kind: Kind[Any]
    handler: Handler[Any]
    every: Every | None = None


class Registry:
    """What this process can do. `web` needs none of it: a job is enqueued by its kind alone."""

    def __init__(self) -> None:
        self._entries: dict[str, Entry] = {}

    def handler(self, kind: Kind[A], *, every: Every | None = None) -> Callable[[Handler[A]], Handler[A]]:
        """`@jobs.handler(SEND_MAIL)` above an `async def send(job: Running, args: SendMail) -> None`.

        With `every` the job also comes by the clock; its arguments then need defaults.
        """

        def register(handler: Handler[A]) -> Handler[A]:
            self.add(kind, handler, every=every)
            return handler

        return register

    def add(self, kind: Kind[A], handler: Handler[A], *, every: Every | None = None) -> None:
        if kind.name in self._entries:
            raise ValueError(f"The kind of job {kind.name} has a handler already.")
        if every is not None:
            kind.args()  # by the clock there is nobody to give arguments
        self._entries[kind.name] = Entry(kind, handler, every)

    @property
    def entries(self) -> Mapping[str, Entry]:
        return self._entries

    @property
    def schedules(self) -> Mapping[str, Every]:
        return {name: entry.every for name, entry in self._entries.items() if entry.every is not None}


def is_passing(error: BaseException) -> bool:
    """Whether another try could end better."""
    return not isinstance(error, KontorError) or error.kind in PASSING
