"""The web process: uvicorn with our order of ending."""

import asyncio
import signal
import sys
from types import FrameType

import structlog
import uvicorn

from kontor.core.observability import configure_logging
from kontor.core.settings import Settings
from kontor.web.app import create_app
from kontor.web.lifecycle import Lifecycle

log = structlog.get_logger(__name__)

# Whoever asks for readiness must have had a chance to hear "no" before the door closes.
NOTICE_SECONDS = 3.0
BRIEF_NOTICE_SECONDS = 0.3


class Server(uvicorn.Server):
    """On SIGTERM: not ready, streams told to come back, then no new connections, then the rest is waited for."""

    def __init__(self, config: uvicorn.Config, lifecycle: Lifecycle, *, notice_seconds: float) -> None:
        super().__init__(config)
        self.lifecycle = lifecycle
        self.notice_seconds = notice_seconds
        self._loop: asyncio.AbstractEventLoop | None = None
        lifecycle.on_failure = self.stop

    def stop(self) -> None:
        self.should_exit = True

    async def startup(self, sockets: list[object] | None = None) -> None:  # type: ignore[override]
        self._loop = asyncio.get_running_loop()
        await super().startup(sockets)  # type: ignore[arg-type]  # sockets of our own, as the base takes them

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        # The signal is not raised again at the end, as the base would: a clean end is status 0.
        if self.lifecycle.draining.is_set() or self._loop is None or not self.started:
            self.force_exit = self.should_exit and sig == signal.SIGINT
            self.should_exit = True
            return
        log.info("web.draining", signal=signal.Signals(sig).name)
        self.lifecycle.drain()
        # Streams need a turn of the loop to say goodbye even when nobody else waits.
        pause = BRIEF_NOTICE_SECONDS if sig == signal.SIGINT else self.notice_seconds
        self._loop.call_soon_threadsafe(self._loop.call_later, pause, self.stop)


def make_server(settings: Settings) -> Server:
    app = create_app(settings)
    config = uvicorn.Config(
        app,
        host=settings.kontor_host,
        port=settings.kontor_port,
        loop="uvloop",
        http="httptools",
        ws="websockets-sansio",
        ws_max_size=1 << 20,
        ws_per_message_deflate=False,
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=True,
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
    failure = server.lifecycle.failure
    if failure is not None:
        log.error("web.stopped", reason=server.lifecycle.step)
        sys.exit(1)
