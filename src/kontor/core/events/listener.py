"""The one connection of a process that listens. It comes back by itself, and says when it may have missed something."""

import asyncio
import random
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import asyncpg
import structlog

from kontor.core.database import plain_url
from kontor.core.outage import is_outage

log = structlog.get_logger(__name__)

PING_SECONDS = 15.0
ANSWER_SECONDS = 10.0
FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 5.0

Heard = Callable[[str | None], None]
"""Called with the payload, or with None when the connection is new: then anything may have been missed."""


class Listener:
    def __init__(self, url: str | None) -> None:
        """Without an address it can be built into things and not run: tests that never commit have nothing to hear."""
        self._url = url
        self._heard: dict[str, list[Heard]] = defaultdict(list)
        self._lost_at = time.monotonic()
        self._has_lost = False
        self.connected = asyncio.Event()
        self._poked = asyncio.Event()

    @property
    def seconds_without_connection(self) -> float:
        return 0.0 if self.connected.is_set() else time.monotonic() - self._lost_at

    def lost_within(self, seconds: float) -> bool:
        """Whether the database was away lately, as seen by somebody who does nothing but listen to it."""
        return not self.connected.is_set() or (self._has_lost and time.monotonic() - self._lost_at < seconds)

    def on(self, channel: str, heard: Heard) -> None:
        self._heard[channel].append(heard)
        self._poked.set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.run(), name="listener")
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait({task})

    async def run(self) -> None:
        if self._url is None:
            raise RuntimeError("This listener was built without an address.")
        pause = FIRST_PAUSE_SECONDS
        while True:
            began = time.monotonic()
            try:
                await self._listen(self._url)
            except Exception as reason:
                if not is_outage(reason):
                    # Not a reason to stay deaf: a wrong password may be put right, and the log says what it is.
                    log.exception("listener.failed")
                log.warning("listener.lost", reason=type(reason).__name__)
            if self.connected.is_set():
                self.connected.clear()
                self._lost_at = time.monotonic()
                self._has_lost = True
            if time.monotonic() - began > LONGEST_PAUSE_SECONDS:
                pause = FIRST_PAUSE_SECONDS
            await asyncio.sleep(pause * random.uniform(0.8, 1.2))  # noqa: S311 - not a secret
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)

    async def _listen(self, url: str) -> None:
        """Until the connection breaks."""
        connection = await asyncpg.connect(
            plain_url(url),
            timeout=ANSWER_SECONDS,
            command_timeout=ANSWER_SECONDS,
            server_settings={"application_name": "kontor-listener"},
        )
        try:
            connection.add_termination_listener(lambda _: self._poked.set())
            known: dict[str, int] = {}
            while not connection.is_closed():
                self._poked.clear()
                await self._take_up(connection, known)
                with suppress(TimeoutError):
                    async with asyncio.timeout(PING_SECONDS):
                        await self._poked.wait()
                        continue
                # A cable that was cut says nothing; only asking finds out.
                await connection.execute("SELECT 1")
        finally:
            connection.terminate()

    async def _take_up(self, connection: "asyncpg.Connection[asyncpg.Record]", known: dict[str, int]) -> None:
        """Listen for those who came since, and let them look at what was said before."""
        for channel, heard in self._heard.items():
            if channel not in known:
                await connection.add_listener(channel, self._on_notify)
            self._call(heard[known.get(channel, 0) :], None)
            known[channel] = len(heard)
        self.connected.set()

    def _on_notify(self, _connection: object, _pid: int, channel: str, payload: object) -> None:
        self._call(self._heard.get(channel, []), str(payload))

    @staticmethod
    def _call(heard: list[Heard], payload: str | None) -> None:
        for each in heard:
            try:
                each(payload)
            except Exception:
                log.exception("listener.handler_failed")
