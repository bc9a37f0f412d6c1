"""The web process: uvicorn with our order of ending, and with bounds on what may come before a request is one."""

import asyncio
import select
import signal
import sys
import time
from types import FrameType
from typing import Any
from weakref import WeakKeyDictionary

import orjson
import structlog
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from kontor.core.http.problems import PROBLEM_TYPE, problem_body
from kontor.core.observability import configure_logging
from kontor.core.settings import Settings
from kontor.web.app import create_app
from kontor.web.door import lock
from kontor.web.lifecycle import Lifecycle

log = structlog.get_logger(__name__)

# Whoever asks for readiness must have had a chance to hear "no" before the door closes.
NOTICE_SECONDS = 3.0
BRIEF_NOTICE_SECONDS = 0.3

HEAD_LIMIT_BYTES = 65_536
HEAD_LIMIT_LINES = 150
HEAD_SECONDS = 15.0
FIRST_WORD_SECONDS = 2.0
LAST_WORD_SECONDS = 0.5
DOOR_SECONDS = 0.05
LOOK_EVERY_TICKS = 20  # of a tenth of a second


class Bounded(HttpToolsProtocol):
    """The parser reads heads of any size and waits for them for ever. Nobody honest needs either."""

    head_bytes = 0
    is_in_head = True
    has_begun = False

    def data_received(self, data: bytes) -> None:
        if self.is_in_head:
            self.head_bytes += len(data)
        super().data_received(data)
        # Asked after parsing: what came may have held the end of the head and much of a body.
        if self.is_in_head and self.head_bytes > HEAD_LIMIT_BYTES:
            self.send_400_response("The head of the request is too large.")

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.is_in_head = self.has_begun = True

    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value)
        if len(self.headers) > HEAD_LIMIT_LINES:
            raise ValueError("too many headers")  # the parser stops, and the answer is 400

    def on_headers_complete(self) -> None:
        self.is_in_head = self.has_begun = False
        self.head_bytes = 0
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        if self.transport.is_closing():
            return
        body = orjson.dumps(problem_body(400, "http.unreadable", "This is not a request that can be read."))
        lines = [
            b"HTTP/1.1 400 Bad Request",
            b"content-type: " + PROBLEM_TYPE.encode(),
            b"content-length: " + str(len(body)).encode(),
            b"cache-control: no-store",
            b"connection: close",
        ]
        self.transport.write(b"\r\n".join(lines) + b"\r\n\r\n" + body)
        self.transport.close()

    def shutdown(self) -> None:
        """What was sent before the peer could know is still read and answered, so idle connections get a moment; and a
        longer one if they have just been made, for that is done to ask something."""
        if self.cycle is None:
            self.loop.call_later(FIRST_WORD_SECONDS, self.close_if_idle)
        elif self.cycle.response_complete:
            self.loop.call_later(LAST_WORD_SECONDS, self.close_if_idle)
        else:
            self.cycle.keep_alive = False

    def close_if_idle(self) -> None:
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.keep_alive = False
        elif self.has_unread():
            self.loop.call_later(LAST_WORD_SECONDS, self.close_if_idle)
        else:
            self.transport.close()

    def has_unread(self) -> bool:
        """A loop that is late comes to its timers before it reads what has been sent long since."""
        if self.transport.is_closing():
            return False
        waiting = select.poll()
        waiting.register(self.transport.get_extra_info("socket").fileno(), select.POLLIN)
        return bool(waiting.poll(0))

    @property
    def is_waiting_for_head(self) -> bool:
        """Connected, or kept open and begun to be used again, and no request yet."""
        return self.cycle is None or (self.has_begun and self.cycle.response_complete)


class Server(uvicorn.Server):
    """On SIGTERM: not ready, streams told to come back, then no new connections, then the rest is waited for."""

    def __init__(self, config: uvicorn.Config, lifecycle: Lifecycle, *, notice_seconds: float) -> None:
        super().__init__(config)
        self.lifecycle = lifecycle
        self.notice_seconds = notice_seconds
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiting_since: WeakKeyDictionary[Bounded, float] = WeakKeyDictionary()
        lifecycle.on_failure = self.stop

    def stop(self) -> None:
        self.should_exit = True

    async def startup(self, sockets: Any = None) -> None:
        self._loop = asyncio.get_running_loop()
        await super().startup(sockets)

    async def shutdown(self, sockets: Any = None) -> None:
        for server in self.servers:
            for listener in server.sockets:
                lock(listener.fileno())
        # One look of the loop at its sockets accepts all who wait.
        await asyncio.sleep(DOOR_SECONDS)
        await super().shutdown(sockets)

    async def on_tick(self, counter: int) -> bool:
        if counter % LOOK_EVERY_TICKS == 0:
            self.close_the_hesitant()
        return await super().on_tick(counter)

    def close_the_hesitant(self) -> None:
        """Connections that send no whole head hold a place that others need."""
        at = time.monotonic()
        for connection in list(self.server_state.connections):
            if not isinstance(connection, Bounded):
                continue
            if not connection.is_waiting_for_head:
                self._waiting_since.pop(connection, None)
            elif at - self._waiting_since.setdefault(connection, at) > HEAD_SECONDS:
                connection.transport.close()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        # The signal is not raised again at the end, as the base would: a clean end is status 0.
        if self.lifecycle.draining.is_set() or self._loop is None or not self.started:
            self.force_exit = self.should_exit and sig == signal.SIGINT
            self.should_exit = True
            return
        pause = BRIEF_NOTICE_SECONDS if sig == signal.SIGINT else self.notice_seconds
        # The handler interrupts whatever runs, so all it does is to leave word with the loop.
        self._loop.call_soon_threadsafe(self.drain, sig, pause)

    def drain(self, sig: int, pause: float) -> None:
        log.info("web.draining", signal=signal.Signals(sig).name)
        self.lifecycle.drain()
        # Even when nobody asks for readiness, streams need a turn of the loop to say goodbye.
        asyncio.get_running_loop().call_later(pause, self.stop)


def make_server(settings: Settings) -> Server:
    app = create_app(settings)
    config = uvicorn.Config(
        app,
        host=settings.kontor_host,
        port=settings.kontor_port,
        loop="uvloop",
        http=Bounded,
        ws="websockets-sansio",
        ws_max_size=1 << 20,
        ws_per_message_deflate=False,
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=65,
        timeout_graceful_shutdown=max(1, round(settings.kontor_drain_seconds)),
        backlog=2048,
    )
    is_behind_something = bool(settings.kontor_trusted_proxies)
    notice = NOTICE_SECONDS if is_behind_something else BRIEF_NOTICE_SECONDS
    return Server(config, app.state.lifecycle, notice_seconds=min(notice, settings.kontor_drain_seconds))


def main(settings: Settings) -> None:
    configure_logging(settings)
    server = make_server(settings)
    server.run()
    if server.lifecycle.failure is not None:
        log.error("web.stopped", reason=server.lifecycle.step)
        sys.exit(1)
