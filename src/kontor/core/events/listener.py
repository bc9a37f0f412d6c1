"""The one connection of a process that listens. It comes back by itself, and says when it may have missed something."""

import asyncio
import random
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import asyncpg
import structlog

from kontor.core.database import async_url
from kontor.core.outage import is_outage

log = structlog.get_logger(__name__)

PING_SECONDS = 15.0
ANSWER_SECONDS = 10.0
FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 5.0

Heard = Callable[[str | None], None]
"""Called with the payload, or with None when the connection is new: then anything may have been missed."""


def plain_url(url: str) -> str:
    """As the driver itself wants it, without SQLAlchemy's name of the driver."""
    return "postgresql://" + async_url(url).split("://", 1)[1]


class Listener:
    def __init__(self, url: str | None) -> None:
        """Without an address it can be built into things and not run: tests that never commit have nothing to hear."""
        self._url = url
        self._heard: dict[str, list[Heard]] = defaultdict(list)
        self._lost_at = time.monotonic()
        self.connected = asyncio.Event()

    @property
    def seconds_without_connection(self) -> float:
        return 0.0 if self.connected.is_set() else time.monotonic() - self._lost_at

    def on(self, channel: str, heard: Heard) -> None:
        """To be called before the listener runs."""
        self._heard[channel].append(heard)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.run(), name="listener")
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait({task})

    async def run(self) -> None:
        pause = FIRST_PAUSE_SECONDS
        while True:
            began = time.monotonic()
            try:
                await self._listen()
            except Exception as reason:
                if not is_outage(reason):
                    # Not a reason to stay deaf: a wrong password may be put right, and the log says what it is.
                    log.exception("listener.failed")
                log.warning("listener.lost", reason=type(reason).__name__)
            if self.connected.is_set():
                self.connected.clear()
                self._lost_at = time.monotonic()
            if time.monotonic() - began > LONGEST_PAUSE_SECONDS:
                pause = FIRST_PAUSE_SECONDS
            await asyncio.sleep(pause * random.uniform(0.8, 1.2))  # noqa: S311 - not a secret
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)

    async def _listen(self) -> None:
        """Until the connection breaks."""
        if self._url is None:
            raise RuntimeError("This listener was built without an address.")
        connection = await asyncpg.connect(
            plain_url(self._url),
            timeout=ANSWER_SECONDS,
            command_timeout=ANSWER_SECONDS,
            server_settings={"application_name": "kontor-listener"},
        )
        try:
            broken = asyncio.Event()
            connection.add_termination_listener(lambda _: broken.set())
            for channel in self._heard:
                await connection.add_listener(channel, self._on_notify)
            self.connected.set()
            for each in self._heard.values():
                self._call(each, None)
            while not broken.is_set():
                with suppress(TimeoutError):
                    async with asyncio.timeout(PING_SECONDS):
                        await broken.wait()
                if not broken.is_set():
                    # A cable that was cut says nothing; only asking finds out.
                    await connection.execute("SELECT 1")
        finally:
            connection.terminate()

    def _on_notify(self, _connection: object, _pid: int, channel: str, payload: object) -> None:
        self._call(self._heard.get(channel, []), str(payload))

    @staticmethod
    def _call(heard: list[Heard], payload: str | None) -> None:
        for each in heard:
            try:
                each(payload)
            except Exception:
                log.exception("listener.handler_failed")
