"""The worker process: jobs until it is told to stop, then what it holds is finished or handed back."""

import asyncio
import signal
from collections.abc import Callable

import structlog
import uvloop

from kontor.core.jobs.runner import Runner
from kontor.core.kernel import Kernel
from kontor.core.settings import Settings
from kontor.core.start import open_kernel
from kontor.worker.parts import add_all

log = structlog.get_logger(__name__)

# Whoever stops us waits 30 seconds. What is left after draining is for handing back and closing connections.
ENDING_SECONDS = 4.0
SIGNALS = (signal.SIGTERM, signal.SIGINT)


def run(settings: Settings, *, add: Callable[[Kernel], None] = add_all) -> int:
    """Until SIGTERM or SIGINT. Answers the process's status; an error of the start is the caller's to tell."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(work(settings, add=add))
    return 0


async def work(
    settings: Settings, *, add: Callable[[Kernel], None] = add_all, stop: asyncio.Event | None = None
) -> None:
    """`add` says what this worker can do."""
    stop = stop or asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in SIGNALS:
        loop.add_signal_handler(number, stop.set)
    opened = asyncio.Event()
    serving = asyncio.create_task(serve(settings, add, stop, opened))
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
        # A start that still waits for its database has nothing to finish.
        patience = settings.kontor_drain_seconds + ENDING_SECONDS if opened.is_set() else 0.0
        await asyncio.wait({serving}, timeout=patience)
    finally:
        for task in (serving, stopping):
            task.cancel()
        await asyncio.wait({serving, stopping})
        for number in SIGNALS:
            loop.remove_signal_handler(number)
    if not serving.cancelled():
        await serving


async def serve(settings: Settings, add: Callable[[Kernel], None], stop: asyncio.Event, opened: asyncio.Event) -> None:
    async with open_kernel(settings) as kernel:
        opened.set()
        add(kernel)
        engine = kernel.database.engine
        assert engine is not None  # noqa: S101 - open_kernel() connects
        runner = Runner(
            kernel.database,
            kernel.jobs,
            kernel.listener,
            url=engine.url.render_as_string(hide_password=False),
            concurrency=settings.kontor_worker_concurrency,
            per_person=settings.kontor_jobs_per_person,
        )
        log.info("worker.ready", kinds=len(kernel.jobs.entries), concurrency=settings.kontor_worker_concurrency)
        await runner.run(stop, drain_seconds=settings.kontor_drain_seconds)
        log.info("worker.stopped", finished=runner.finished)
