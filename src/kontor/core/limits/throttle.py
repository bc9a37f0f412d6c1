"""Slower and slower for those who guess passwords, and never a locked door for those whose password it is.

Each pair of account and address has a moment at which it is listened to next. Wrong passwords push it away, further
each time; what other addresses do to the same account, or neighbours in the subnet do to others, makes the pushes
longer but never moves a moment that was told. So whoever waits as told is listened to, however many others are
guessing. An address that has signed in to the account before is not bothered with what others do at all.

The policy is plain functions over values; the counters are kept in memory or, for several processes, in Redis.
"""

import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from kontor.core.clock import now
from kontor.core.errors import Kind, KontorError
from kontor.core.limits.addresses import address_key, subnet_key
from kontor.core.limits.redis_door import RedisDoor
from kontor.core.settings import Settings

if TYPE_CHECKING:
    from redis.asyncio import Redis

# Attempts that cost no waiting: people mistype, and offices share an address.
FREE_BY_PAIR = 3
FREE_BY_KNOWN_PAIR = 10
FREE_BY_ACCOUNT = 10
FREE_BY_SUBNET = 30

LONGEST_WAIT_SECONDS = 300.0
LONGEST_KNOWN_WAIT_SECONDS = 30.0
HALF_LIFE_SECONDS = 600.0
FORGET_AFTER_SECONDS = 3600.0


class TooManyAttempts(KontorError):
    kind, code = Kind.RATE_LIMITED, "auth.too_many_attempts"

    def __init__(self, wait_seconds: float) -> None:
        super().__init__("Too many attempts. Wait a moment, then try again.", retry_after=wait_seconds)


@dataclass(frozen=True, slots=True)
class Pair:
    """An account as tried from one address: failures so far, and when it is listened to next."""

    failures: int
    opens_at: float


@dataclass(frozen=True, slots=True)
class Tally:
    """Failures of an account or a subnet, fading with time."""

    failures: float
    at: float

    def faded(self, at: float) -> float:
        return self.failures * math.pow(0.5, max(0.0, at - self.at) / HALF_LIFE_SECONDS)


@dataclass(frozen=True, slots=True)
class Decision:
    wait_seconds: float  # 0: listen now
    pair: Pair


def growing(failures: float, *, free: int, double_every: float, longest: float) -> float:
    """Nothing at first, then one second, then twice as long each so many failures, up to the longest."""
    if failures < free:
        return 0.0
    return min(longest, math.pow(2, min(60.0, (failures - free) / double_every)))


def shared_wait(account: float, subnet: float) -> float:
    """What failures elsewhere add: the account's from all addresses, the subnet's on all accounts."""
    by_account = growing(account, free=FREE_BY_ACCOUNT, double_every=5, longest=LONGEST_WAIT_SECONDS)
    by_subnet = growing(subnet, free=FREE_BY_SUBNET, double_every=10, longest=LONGEST_WAIT_SECONDS)
    return max(by_account, by_subnet)


def decide(pair: Pair | None, *, account: float, subnet: float, is_known: bool, at: float) -> Decision:
    """Listen to this attempt or not. One that is listened to counts as failed until it turns out right."""
    shared = 0.0 if is_known else shared_wait(account, subnet)
    if pair is None and shared > 0:
        # A stranger at an account under attack: comes back when told, and then is listened to for sure.
        return Decision(shared, Pair(0, at + shared))
    if pair is not None and at < pair.opens_at:
        # Asking early costs nothing and gains nothing, else somebody behind the same router could hold the door shut.
        return Decision(pair.opens_at - at, pair)
    failures = (0 if pair is None else pair.failures) + 1
    if is_known:
        own = growing(failures, free=FREE_BY_KNOWN_PAIR, double_every=1, longest=LONGEST_KNOWN_WAIT_SECONDS)
    else:
        own = growing(failures, free=FREE_BY_PAIR, double_every=1, longest=LONGEST_WAIT_SECONDS)
    return Decision(0.0, Pair(failures, at + max(own, shared)))


class Counters(Protocol):
    async def read(self, key: str, *, at: float) -> float: ...

    async def add(self, key: str, failures: int, *, at: float) -> None: ...

    async def change(self, key: str, decision: Callable[[Pair | None], Decision], *, at: float) -> Decision: ...

    async def forget(self, key: str) -> None: ...


class MemoryCounters:
    """For one process; bounded, whoever comes."""

    def __init__(self, *, most_keys: int = 50_000) -> None:
        self._pairs: dict[str, tuple[float, Pair]] = {}
        self._tallies: dict[str, Tally] = {}
        self._most_keys = most_keys

    def __len__(self) -> int:
        return len(self._pairs) + len(self._tallies)

    async def read(self, key: str, *, at: float) -> float:
        found = self._tallies.get(key)
        return found.faded(at) if found else 0.0

    async def add(self, key: str, failures: int, *, at: float) -> None:
        found = self._tallies.pop(key, None)
        self._tallies[key] = Tally(max(0.0, (found.faded(at) if found else 0.0) + failures), at)
        if len(self._tallies) > self._most_keys:
            # Those that weigh least go first, so that a flood of new keys cannot wash out the count of an attack.
            kept = sorted(self._tallies.items(), key=lambda item: item[1].faded(at))[self._most_keys // 4 :]
            self._tallies = dict(kept)

    async def change(self, key: str, decision: Callable[[Pair | None], Decision], *, at: float) -> Decision:
        expires_at, found = self._pairs.pop(key, (0.0, None))
        made = decision(found if expires_at > at else None)
        self._pairs[key] = (max(at, made.pair.opens_at) + FORGET_AFTER_SECONDS, made.pair)
        if len(self._pairs) > self._most_keys:
            kept = sorted(self._pairs.items(), key=lambda item: item[1][1].failures)[self._most_keys // 4 :]
            self._pairs = dict(kept)
        return made

    async def forget(self, key: str) -> None:
        self._pairs.pop(key, None)


ADD = """
local at, failures, half_life = tonumber(ARGV[2]), 0, tonumber(ARGV[3])
local found = redis.call('HMGET', KEYS[1], 'failures', 'at')
if found[1] then
    failures = tonumber(found[1]) * 0.5 ^ (math.max(0, at - tonumber(found[2])) / half_life)
end
failures = math.max(0, failures + tonumber(ARGV[1]))
redis.call('HSET', KEYS[1], 'failures', string.format('%.6f', failures), 'at', ARGV[2])
redis.call('EXPIRE', KEYS[1], math.ceil(half_life * 12))
return 1
"""

# Who tries one account from one address many times at once is not served faster for it.
MOST_COLLISIONS = 8


class RedisCounters:
    """Shared by all processes; each goes on alone while Redis is away."""

    def __init__(
        self, door: RedisDoor, *, alone: MemoryCounters | None = None, prefix: str = "kontor:throttle:"
    ) -> None:
        self._door = door
        self._alone = alone or MemoryCounters()
        self._prefix = prefix
        self._add = door.client.register_script(ADD)

    async def read(self, key: str, *, at: float) -> float:
        async def together(client: "Redis") -> float:
            failures, since = await client.hmget(self._prefix + key, ["failures", "at"])
            return 0.0 if failures is None or since is None else Tally(float(failures), float(since)).faded(at)

        return await self._door.ask(together, otherwise=lambda: self._alone.read(key, at=at))

    async def add(self, key: str, failures: int, *, at: float) -> None:
        async def together(_client: "Redis") -> None:
            await self._add([self._prefix + key], [failures, repr(at), HALF_LIFE_SECONDS])

        await self._door.ask(together, otherwise=lambda: self._alone.add(key, failures, at=at))

    async def change(self, key: str, decision: Callable[[Pair | None], Decision], *, at: float) -> Decision:
        name = self._prefix + key

        from redis.exceptions import WatchError

        async def together(client: "Redis") -> Decision:
            for _ in range(MOST_COLLISIONS):
                async with client.pipeline(transaction=True) as pipe:
                    await pipe.watch(name)
                    failures, opens_at = await pipe.hmget(name, ["failures", "opens_at"])
                    found = None if failures is None or opens_at is None else Pair(int(failures), float(opens_at))
                    made = decision(found)
                    if made.pair == found:
                        return made
                    pipe.multi()  # type: ignore[no-untyped-call]  # redis-py has not typed it
                    pipe.hset(name, mapping={"failures": made.pair.failures, "opens_at": repr(made.pair.opens_at)})
                    pipe.expire(name, int(max(0.0, made.pair.opens_at - at) + FORGET_AFTER_SECONDS))
                    try:
                        await pipe.execute()
                    except WatchError:
                        continue
                    return made
            return Decision(1.0, Pair(0, at + 1))

        return await self._door.ask(together, otherwise=lambda: self._alone.change(key, decision, at=at))

    async def forget(self, key: str) -> None:
        async def together(client: "Redis") -> None:
            await client.delete(self._prefix + key)

        await self._door.ask(together, otherwise=lambda: self._alone.forget(key))


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt that is being listened to."""

    pair: str
    account: str
    subnet: str


class SignInThrottle:
    """For all that can be guessed: passwords, codes, reset tokens. Whether the account exists makes no difference.

    attempt = await throttle.begin(account, address, is_known=...)   # raises TooManyAttempts
    ... check the password ...
    await throttle.succeeded(attempt)
    """

    def __init__(self, counters: Counters, *, door: RedisDoor | None = None) -> None:
        self._counters = counters
        self._door = door

    @classmethod
    def of(cls, settings: Settings) -> "SignInThrottle":
        if settings.redis_url is None:
            return cls(MemoryCounters())
        door = RedisDoor.connect(settings.redis_url.get_secret_value())
        return cls(RedisCounters(door), door=door)

    async def begin(self, account: str, address: str | None, *, is_known: bool) -> Attempt:
        """`account` is what was typed, compared as the accounts compare it; `is_known`: a sign-in from this address
        has succeeded before."""
        at = now().timestamp()
        attempt = attempt_of(account, address)
        by_account = await self._counters.read(attempt.account, at=at)
        by_subnet = await self._counters.read(attempt.subnet, at=at)

        def decision(pair: Pair | None) -> Decision:
            return decide(pair, account=by_account, subnet=by_subnet, is_known=is_known, at=at)

        made = await self._counters.change(attempt.pair, decision, at=at)
        if made.wait_seconds > 0:
            raise TooManyAttempts(made.wait_seconds)
        # Counted before the password is looked at: a hundred guesses at once are a hundred.
        await self._counters.add(attempt.account, 1, at=at)
        await self._counters.add(attempt.subnet, 1, at=at)
        return attempt

    async def succeeded(self, attempt: Attempt) -> None:
        """Takes back this attempt alone: what others did to the account or from the subnet stays counted."""
        at = now().timestamp()
        await self._counters.forget(attempt.pair)
        await self._counters.add(attempt.account, -1, at=at)
        await self._counters.add(attempt.subnet, -1, at=at)

    async def close(self) -> None:
        if self._door is not None:
            await self._door.close()


def attempt_of(account: str, address: str | None) -> Attempt:
    # Counters may be looked at by operators; who tried to sign in where is not for them.
    name = hashlib.sha256(account.encode()).hexdigest()[:32]
    return Attempt(
        pair=f"pair:{name}:{address_key(address)}", account=f"account:{name}", subnet=f"subnet:{subnet_key(address)}"
    )
