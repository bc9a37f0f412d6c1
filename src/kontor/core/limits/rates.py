"""How much of what: groups of routes, their rates per person and per address, in one table."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from kontor.core.errors import Kind, KontorError
from kontor.core.ids import UserId
from kontor.core.limits.addresses import address_key
from kontor.core.limits.buckets import Buckets, MemoryBuckets, Rate, RedisBuckets, Verdict
from kontor.core.limits.redis_door import RedisDoor
from kontor.core.settings import Settings


class RouteGroup(StrEnum):
    AUTH = "auth"  # says who somebody is: sign-in, reset, registration
    READ = "read"
    WRITE = "write"
    UPLOAD = "upload"  # many at once, where somebody brings a folder of files; quotas hold them as well
    MODEL = "model"  # asks a language model: programs do so often, and balance and queues hold them as well
    PUBLIC = "public"  # open to people without an account
    STREAM = "stream"  # stays open: events, sockets


@dataclass(frozen=True, slots=True)
class GroupRates:
    """An address may be a whole office behind one router, hence more than one person's share."""

    person: Rate
    address: Rate


DEFAULT_RATES: Mapping[RouteGroup, GroupRates] = {
    RouteGroup.AUTH: GroupRates(person=Rate(30, 30), address=Rate(60, 60)),
    RouteGroup.READ: GroupRates(person=Rate(300, 1200), address=Rate(900, 3600)),
    RouteGroup.WRITE: GroupRates(person=Rate(150, 300), address=Rate(450, 900)),
    RouteGroup.UPLOAD: GroupRates(person=Rate(300, 600), address=Rate(900, 1800)),
    RouteGroup.MODEL: GroupRates(person=Rate(300, 1200), address=Rate(900, 3600)),
    RouteGroup.PUBLIC: GroupRates(person=Rate(60, 120), address=Rate(60, 120)),
    RouteGroup.STREAM: GroupRates(person=Rate(40, 60), address=Rate(120, 180)),
}

READING = frozenset({"GET", "HEAD", "OPTIONS"})
BY_PATH = (
    (("/ws/", "/api/v1/events"), RouteGroup.STREAM),
    (("/api/v1/installation", "/api/v1/public/", "/api/v1/blobs/"), RouteGroup.PUBLIC),
)
API = ("/api/", "/v1/")
ASKING = ("/v1/", "/api/v1/llm/generate", "/api/v1/llm/embed", "/api/v1/llm/count")


def route_group(method: str, path: str) -> RouteGroup | None:
    """None for what is not limited: health, metrics and the files of the web app."""
    for prefixes, group in BY_PATH:
        if path.startswith(prefixes):
            return group
    if not path.startswith(API):
        return None
    if method in READING:
        return RouteGroup.READ
    if path.startswith(ASKING):
        return RouteGroup.MODEL
    if path.endswith(("/upload", "/documents")) or path.startswith("/api/v1/documents/uploads/"):
        return RouteGroup.UPLOAD
    return RouteGroup.AUTH if path.startswith("/api/v1/auth/") else RouteGroup.WRITE


class RateLimited(KontorError):
    kind, code = Kind.RATE_LIMITED, "http.rate_limited"

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(
            "Too many requests in a short time. Wait a moment and try again.",
            details={"limit": verdict.limit, "remaining": verdict.remaining},
            retry_after=verdict.retry_after,
        )


class Limiter:
    """Made once per process. `factor` makes all rates wider; 0 switches them off."""

    def __init__(
        self,
        buckets: Buckets,
        *,
        rates: Mapping[RouteGroup, GroupRates] = DEFAULT_RATES,
        factor: float = 1,
        door: RedisDoor | None = None,
    ) -> None:
        self._buckets = buckets
        self._door = door
        self._rates = {
            group: GroupRates(of.person.scaled(factor), of.address.scaled(factor)) if factor else None
            for group, of in rates.items()
        }

    @classmethod
    def of(cls, settings: Settings) -> "Limiter":
        factor = settings.kontor_rate_factor
        if settings.redis_url is None:
            return cls(MemoryBuckets(), factor=factor)
        door = RedisDoor.connect(settings.redis_url.get_secret_value())
        return cls(RedisBuckets(door), factor=factor, door=door)

    async def take_for_address(self, group: RouteGroup, address: str | None, *, cost: int = 1) -> Verdict | None:
        rates = self._rates[group]
        if rates is None:
            return None
        return await self._buckets.take(f"{group}:address:{address_key(address)}", rates.address, cost=cost)

    async def take_for_person(self, group: RouteGroup, user_id: UserId, *, cost: int = 1) -> Verdict | None:
        rates = self._rates[group]
        if rates is None:
            return None
        return await self._buckets.take(f"{group}:person:{user_id}", rates.person, cost=cost)

    async def close(self) -> None:
        if self._door is not None:
            await self._door.close()


def require(verdict: Verdict | None) -> None:
    if verdict is not None and not verdict.is_allowed:
        raise RateLimited(verdict)


def scope_group(scope: Mapping[str, Any]) -> RouteGroup | None:
    return route_group(scope.get("method", "GET"), scope["path"])
