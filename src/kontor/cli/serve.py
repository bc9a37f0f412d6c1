"""The processes that do the work: web and worker, alone or under the supervisor."""

import asyncio
import os
import socket
from contextlib import suppress
from typing import TYPE_CHECKING

from kontor.cli.main import STAYING
from kontor.cli.up import LINK_FD, LISTEN_FD
from kontor.cli.words import FAILED, MISCONFIGURED, OK, complain
from kontor.core import memory
from kontor.core.errors import KontorError
from kontor.core.observability import configure_logging
from kontor.core.settings import load_settings

if TYPE_CHECKING:  # the worker does not load the web
    from fastapi import FastAPI

    from kontor.web.main import Server


def web() -> int:
    from kontor.web.main import make_server

    settings = load_settings()
    configure_logging(settings)
    server = make_server(settings)
    with asyncio.Runner(loop_factory=server.config.get_loop_factory()) as runner:
        runner.run(serve(server))
    return status_of(server.lifecycle.failure)


async def serve(server: "Server") -> None:
    app: FastAPI = server.config.app  # type: ignore[assignment]  # make_server gives it an application
    beginning = asyncio.create_task(begin(app))
    try:
        await server.serve(sockets=lent_sockets())
    finally:
        beginning.cancel()
        with suppress(asyncio.CancelledError):
            await beginning


def lent_sockets() -> list[socket.socket] | None:
    """The supervisor's socket, already bound: it stays its own, so a new web process takes over the same port."""
    number = os.environ.get(LISTEN_FD)
    return [socket.socket(fileno=int(number))] if number else None


async def begin(app: "FastAPI") -> None:
    """What is left to do once people can use it."""
    while not app.state.lifecycle.is_serving:  # noqa: ASYNC110 - a moment once at start needs no event
        await asyncio.sleep(0.02)
    memory.settle()
    await tell_link(app)


async def tell_link(app: "FastAPI") -> None:
    """Writes a link that signs the owner in to the pipe that the supervisor gave us."""
    from kontor.accounts.installation import create_login_link

    number = os.environ.pop(LINK_FD, None)
    if number is None:
        return
    with os.fdopen(int(number), "w") as pipe:
        link = await create_login_link(app.state.kernel)
        if link:
            pipe.write(link + "\n")


def worker() -> int:
    from kontor.worker.main import run

    settings = load_settings()
    configure_logging(settings)
    return run(settings)


def status_of(failure: BaseException | None) -> int:
    if failure is None:
        return OK
    if isinstance(failure, KontorError):
        complain(failure.message)
        return MISCONFIGURED if failure.code in STAYING else FAILED
    complain(f"{type(failure).__name__}: {failure}")
    return FAILED
