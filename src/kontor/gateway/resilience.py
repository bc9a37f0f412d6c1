"""How a provider's bad minutes are borne: repetition, a circuit breaker, and places that people share fairly.

All of it decides and counts; nothing here speaks to the network.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from math import isnan
from random import Random
from uuid import UUID

from kontor.core import clock

LONGEST_RETRY_AFTER = 86_400.0


@dataclass(frozen=True, slots=True)
class Retry:
    """How often one provider is asked before somebody else is. `attempts` counts the first one."""

    attempts: int = 3
    first_wait_seconds: float = 0.5
    longest_wait_seconds: float = 20

    def wait(self, attempt: int, *, retry_after: float | None, left_seconds: float, chance: Random) -> float | None:
        """Seconds until the next attempt, or None: enough was tried, or it would take longer than anybody waits.

        What the provider asked for is never undercut. Otherwise half of the wait is left to chance, so that those who
        failed together do not come back together.
        """
        if attempt >= self.attempts:
            return None
        if retry_after is None:
            wait = min(self.first_wait_seconds * 2 ** (attempt - 1), self.longest_wait_seconds)
            wait *= chance.uniform(0.5, 1)
        elif retry_after > self.longest_wait_seconds:
            return None
        else:
            wait = retry_after * chance.uniform(1, 1.1)
        return wait if wait < left_seconds else None


def read_retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds, from either form of Retry-After or from the finer one that some providers add."""
    fine = headers.get("retry-after-ms")
    seconds = number(fine)
    if seconds is not None:
        return bounded(seconds / 1000)
    text = headers.get("Retry-After")
    if text is None:
        return None
    seconds = number(text)
    if seconds is None:
        try:
            seconds = (parsedate_to_datetime(text) - now).total_seconds()
        except (ValueError, TypeError):  # TypeError: a date without a zone
            return None
    return bounded(seconds)


def number(text: str | None) -> float | None:
    try:
        found = float(text or "")
    except ValueError:
        return None
    return None if isnan(found) else found


def bounded(seconds: float) -> float:
    return min(max(seconds, 0.0), LONGEST_RETRY_AFTER)


@dataclass(frozen=True, slots=True)
class CircuitKey:
    """What fails together: one model, at one address, by one key."""

    provider: UUID
    base_url: str
    key: UUID | None
    model: str


@dataclass(frozen=True, slots=True)
class BreakerRules:
    window_seconds: float = 30
    fewest_calls: int = 6
    failure_rate: float = 0.5
    open_seconds: float = 15
    longest_open_seconds: float = 120


class CircuitState(StrEnum):
    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


@dataclass(slots=True)
class Slice:
    """A tenth of the window."""

    number: int
    good: int = 0
    bad: int = 0


class Breaker:
    """Closed while enough goes well; open for a while when too much fails; then one call tries whether it goes again.

    Who asked wrongly, or left, says nothing about the provider and is not counted.
    """

    def __init__(self, rules: BreakerRules) -> None:
        self._rules = rules
        self._slices: deque[Slice] = deque()
        self._opened_times = 0
        self._open_until: float | None = None
        self._trial: Ticket | None = None
        self._generation = 0  # calls from before the circuit opened decide nothing afterwards

    @property
    def state(self) -> CircuitState:
        if self._open_until is None:
            return CircuitState.CLOSED
        return CircuitState.OPEN if moment() < self._open_until else CircuitState.HALF_OPEN

    def enter(self) -> "Ticket | float":
        """A ticket to call with, or the seconds until it is worth asking again."""
        if self._open_until is None:
            return Ticket(self, self._generation)
        left = self._open_until - moment()
        if left > 0:
            return left
        if self._trial is not None:
            return 1.0
        self._trial = Ticket(self, self._generation)
        return self._trial

    def answered(self, ticket: "Ticket") -> None:
        if ticket is self._trial:
            self._close()
            ticket.generation = self._generation

    def judge(self, ticket: "Ticket", *, is_good: bool, retry_after: float | None) -> None:
        if ticket is self._trial:
            self._trial = None
            if is_good:
                self._close()
            else:
                self._open(retry_after)
            return
        if ticket.generation != self._generation or self._open_until is not None:
            return
        newest = self._newest()
        if is_good:
            newest.good += 1
            return
        newest.bad += 1
        good, bad = sum(each.good for each in self._slices), sum(each.bad for each in self._slices)
        if good + bad >= self._rules.fewest_calls and bad >= self._rules.failure_rate * (good + bad):
            self._open(retry_after)

    def leave(self, ticket: "Ticket", *, has_answered: bool) -> None:
        """Neither good nor bad. A refusal of what was asked shows at least that somebody is there."""
        if ticket is self._trial:
            self._trial = None
            if has_answered:
                self._close()

    def _open(self, retry_after: float | None) -> None:
        self._opened_times += 1
        seconds = min(self._rules.open_seconds * 2 ** min(self._opened_times - 1, 16), self._rules.longest_open_seconds)
        self._open_until = moment() + max(seconds, retry_after or 0)
        self._slices.clear()
        self._generation += 1

    def _close(self) -> None:
        self._trial = None
        self._open_until = None
        self._opened_times = 0
        self._slices.clear()
        self._generation += 1

    def _newest(self) -> Slice:
        number = int(moment() / (self._rules.window_seconds / 10))
        while self._slices and self._slices[0].number <= number - 10:
            self._slices.popleft()
        if not self._slices or self._slices[-1].number != number:
            self._slices.append(Slice(number))
        return self._slices[-1]


@dataclass(slots=True, eq=False)
class Ticket:
    """One call's leave to go through the circuit. It is given back exactly once; what comes later is not heard."""

    _breaker: Breaker
    generation: int
    _is_back: bool = False

    def answered(self) -> None:
        """The model speaks. A trial that takes minutes to finish need not keep all the others waiting."""
        self._breaker.answered(self)

    def good(self) -> None:
        if not self._is_back:
            self._is_back = True
            self._breaker.judge(self, is_good=True, retry_after=None)

    def bad(self, retry_after: float | None = None) -> None:
        if not self._is_back:
            self._is_back = True
            self._breaker.judge(self, is_good=False, retry_after=retry_after)

    def left(self, *, has_answered: bool = False) -> None:
        if not self._is_back:
            self._is_back = True
            self._breaker.leave(self, has_answered=has_answered)


class Circuits:
    """A breaker for each key, in bounds: people may enter as many addresses as they like."""

    def __init__(self, rules: BreakerRules | None = None, *, most: int = 2000) -> None:
        self._rules = rules or BreakerRules()
        self._most = most
        self._breakers: OrderedDict[CircuitKey, Breaker] = OrderedDict()

    def of(self, key: CircuitKey) -> Breaker:
        found = self._breakers.get(key)
        if found is None:
            found = self._breakers[key] = Breaker(self._rules)
            if len(self._breakers) > self._most:
                self._breakers.popitem(last=False)
        else:
            self._breakers.move_to_end(key)
        return found

    def state_of(self, key: CircuitKey) -> CircuitState:
        found = self._breakers.get(key)
        return CircuitState.CLOSED if found is None else found.state

    def states(self) -> Mapping[CircuitKey, CircuitState]:
        return {key: breaker.state for key, breaker in self._breakers.items()}


class QueueFull(Exception):
    pass


@dataclass(slots=True)
class Gate:
    """At most so many calls at once. Whoever waits is served in turn by person, so that nobody's hundred come first."""

    most_waiting: int = 1000
    limit: int = 0
    in_use: int = 0
    waiting: int = 0
    _queues: "OrderedDict[Hashable, deque[asyncio.Future[None]]]" = field(default_factory=OrderedDict)

    async def enter(self, person: Hashable, *, limit: int, seconds: float) -> None:
        """Raises `QueueFull`, or `TimeoutError` after so many seconds. Each entry needs its `leave`."""
        self.limit = limit
        if not self.waiting and self.in_use < limit:
            self.in_use += 1
            return
        if self.waiting >= self.most_waiting:
            raise QueueFull
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queues.setdefault(person, deque()).append(place)
        self.waiting += 1
        self._serve()  # the limit may have grown since the last one left
        try:
            async with asyncio.timeout(seconds):
                await place
        except BaseException:
            if place.done() and not place.cancelled():
                # Given and given up in the same moment: the next in turn has it.
                self.leave()
            else:
                self._forget(person, place)
            raise

    def leave(self) -> None:
        self.in_use -= 1
        self._serve()

    def _serve(self) -> None:
        while self.waiting and self.in_use < self.limit:
            person, queue = next(iter(self._queues.items()))
            place = queue.popleft()
            self.waiting -= 1
            if queue:
                self._queues.move_to_end(person)
            else:
                del self._queues[person]
            # One that was cancelled a moment ago gives up its own place; it is counted as never given.
            if not place.done():
                place.set_result(None)
                self.in_use += 1

    def _forget(self, person: Hashable, place: asyncio.Future[None]) -> None:
        queue = self._queues.get(person)
        if queue is None or place not in queue:
            return
        queue.remove(place)
        self.waiting -= 1
        if not queue:
            del self._queues[person]


class Gates:
    """One gate for each provider."""

    def __init__(self) -> None:
        self._gates: dict[UUID, Gate] = {}

    def of(self, provider: UUID) -> Gate:
        found = self._gates.get(provider)
        if found is None:
            found = self._gates[provider] = Gate()
        return found


def moment() -> float:
    """The house's clock, so that tests can move it."""
    return clock.now().timestamp()
