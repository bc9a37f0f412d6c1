"""Token buckets, in memory or in Redis.

A bucket is kept as one number: the moment at which it will be full again. A bucket that is full needs no entry at all,
so idle ones vanish by themselves. All arithmetic is in whole microseconds, the same in Python and in Redis.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from kontor.core.limits.redis_door import RedisDoor

if TYPE_CHECKING:
    from redis.asyncio import Redis

SECOND = 1_000_000


@dataclass(frozen=True)
class Rate:
    """So many at once, and so many more each minute."""

    burst: int
    per_minute: float

    def __post_init__(self) -> None:
        if self.burst < 1 or self.per_minute <= 0:
            raise ValueError("A rate lets at least one through, and more with time.")

    @cached_property
    def token(self) -> int:
        """Microseconds until one more is let through."""
        return max(1, round(60 * SECOND / self.per_minute))

    @cached_property
    def depth(self) -> int:
        """Microseconds from empty to full."""
        return self.burst * self.token

    def scaled(self, factor: float) -> "Rate":
        return Rate(max(1, round(self.burst * factor)), self.per_minute * factor)


@dataclass(frozen=True, slots=True)
class Verdict:
    is_allowed: bool
    limit: int
    remaining: int
    retry_after: float  # seconds until the same request would be let through; 0 when it was


class Buckets(Protocol):
    async def take(self, key: str, rate: Rate, *, cost: int = 1) -> Verdict: ...


def spend(full_at: int, now: int, rate: Rate, cost: int) -> tuple[int, Verdict]:
    """The whole rule. Returns when the bucket will be full, and whether `cost` tokens were in it."""
    # Never fuller than full, and never emptier than empty: a rate may have changed since the number was written.
    begin = min(max(full_at, now), now + rate.depth)
    after = begin + cost * rate.token
    missing = after - now - rate.depth
    if missing > 0:
        return begin, Verdict(False, rate.burst, (now + rate.depth - begin) // rate.token, missing / SECOND)
    return after, Verdict(True, rate.burst, -missing // rate.token, 0.0)


def monotonic_microseconds() -> int:
    return time.monotonic_ns() // 1000


class MemoryBuckets:
    """For one process. Holds no more than `most_keys` buckets, whoever comes."""

    def __init__(self, *, most_keys: int = 50_000, now: Callable[[], int] = monotonic_microseconds) -> None:
        self._full_at: dict[str, int] = {}
        self._most_keys = most_keys
        self._now = now

    def __len__(self) -> int:
        return len(self._full_at)

    async def take(self, key: str, rate: Rate, *, cost: int = 1) -> Verdict:
        now = self._now()
        self._full_at[key], verdict = spend(self._full_at.get(key, 0), now, rate, cost)
        if len(self._full_at) > self._most_keys:
            self._make_room(now)
        return verdict

    def _make_room(self, now: int) -> None:
        """Forget the full buckets, and if they were too few, those that are nearest to full."""
        kept = sorted((full_at, key) for key, full_at in self._full_at.items() if full_at > now)
        self._full_at = {key: full_at for full_at, key in kept[-(self._most_keys * 3 // 4) :]}


# The same rule as `spend`, where it can be done in one step for all processes, by the clock of Redis.
TAKE = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local burst, token, cost = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local depth = burst * token
local begin = math.min(math.max(tonumber(redis.call('GET', KEYS[1]) or '0'), now), now + depth)
local after = begin + cost * token
local missing = after - now - depth
if missing > 0 then
    return {0, math.floor((now + depth - begin) / token), missing}
end
redis.call('SET', KEYS[1], string.format('%.0f', after), 'PX', math.ceil((after - now) / 1000) + 1)
return {1, math.floor(-missing / token), 0}
"""


class RedisBuckets:
    """Shared by all processes of an installation; each goes on alone while Redis is away."""

    def __init__(self, door: RedisDoor, *, alone: Buckets | None = None, prefix: str = "kontor:limit:") -> None:
        self._door = door
        self._alone = alone or MemoryBuckets()
        self._prefix = prefix
        self._take = door.client.register_script(TAKE)

    async def take(self, key: str, rate: Rate, *, cost: int = 1) -> Verdict:
        async def together(_client: "Redis") -> Verdict:
            allowed, remaining, missing = await self._take([self._prefix + key], [rate.burst, rate.token, cost])
            return Verdict(bool(allowed), rate.burst, int(remaining), int(missing) / SECOND)

        async def alone() -> Verdict:
            return await self._alone.take(key, rate, cost=cost)

        return await self._door.ask(together, otherwise=alone)
