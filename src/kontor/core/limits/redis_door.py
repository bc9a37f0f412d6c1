"""The way to Redis, which may be away: then each process counts for itself, and says so once."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

import structlog

if TYPE_CHECKING:
    # Eight megabytes in every process, for what few installations use: loaded when there is a Redis.
    from redis.asyncio import Redis

log = structlog.get_logger(__name__)

Answer = TypeVar("Answer")

PATIENCE_SECONDS = 0.5
PAUSE_SECONDS = 5.0


class RedisDoor:
    """Asks Redis with little patience; after a failure it is left alone for a while."""

    def __init__(self, client: "Redis", *, pause_seconds: float = PAUSE_SECONDS) -> None:
        self.client = client
        self._pause_seconds = pause_seconds
        self._closed_until = 0.0
        self._is_away = False

    @classmethod
    def connect(cls, url: str) -> "RedisDoor":
        from redis.asyncio import Redis

        # No retries by the client: our own fallback is faster than its patience.
        client = Redis.from_url(
            url, socket_timeout=PATIENCE_SECONDS, socket_connect_timeout=PATIENCE_SECONDS, decode_responses=True
        )
        return cls(client)

    async def ask(
        self, question: Callable[["Redis"], Awaitable[Answer]], *, otherwise: Callable[[], Awaitable[Answer]]
    ) -> Answer:
        from redis.exceptions import RedisError

        if time.monotonic() < self._closed_until:
            return await otherwise()
        try:
            async with asyncio.timeout(2 * PATIENCE_SECONDS):
                answer = await question(self.client)
        except (RedisError, OSError, TimeoutError) as reason:
            self._closed_until = time.monotonic() + self._pause_seconds
            if not self._is_away:
                self._is_away = True
                log.warning("limits.redis_away", reason=type(reason).__name__)
            return await otherwise()
        if self._is_away:
            self._is_away = False
            log.info("limits.redis_back")
        return answer

    async def close(self) -> None:
        await self.client.aclose()
