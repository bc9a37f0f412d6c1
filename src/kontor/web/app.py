"""The application: parts plugged together in order. What it does is decided elsewhere."""

import asyncio
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from importlib.metadata import version
from typing import Any

import structlog
from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.routing import Router
from starlette.types import Scope

from kontor.accounts.audit import Trail
from kontor.accounts.authentication import AuthenticationMiddleware
from kontor.accounts.installation import ensure_first_admin
from kontor.accounts.known_tokens import CHANNEL as RIGHTS
from kontor.accounts.preferences import Appearance
from kontor.billing.refreshing import plant as plant_prices
from kontor.core.blobs.downloads import LINK_ROUTE
from kontor.core.blobs.sweeps import tidying
from kontor.core.errors import KontorError
from kontor.core.http.problems import Problem, add_error_handlers
from kontor.core.jobs.news import AdminNews
from kontor.core.kernel import Kernel
from kontor.core.limits.middleware import BodyLimit
from kontor.core.observability import Metrics, configure_tracing, stop_tracing
from kontor.core.settings import Settings
from kontor.core.start import open_kernel
from kontor.documents import belonging
from kontor.documents.current import Desk
from kontor.gateway import openai_api, project_parts
from kontor.gateway.estimates import Estimates
from kontor.gateway.router import Router as ModelRouter
from kontor.gateway.runs.service import Runs
from kontor.gateway.runs.wiring import learning, runs_of
from kontor.gateway.service import Gateway
from kontor.retrieval.answering import PassageFinder
from kontor.retrieval.asking import GatewayAsks
from kontor.retrieval.service import Retrieval
from kontor.web import health, middleware, openapi
from kontor.web.dispatch import Application, Dispatch
from kontor.web.gauges import Gauges
from kontor.web.lifecycle import Lifecycle, Phase
from kontor.web.look import look_of
from kontor.web.routers import API, api_areas, api_routers, socket_routers
from kontor.web.static import Pages
from kontor.web.streams import Streams

log = structlog.get_logger(__name__)

BEGAN = time.monotonic()  # as near to the start of the process as this module comes

NOBODYS_BODY_BYTES = 65_536
LARGEST_QUESTION = 33_554_432  # of those who may ask: pictures and documents stand in it
QUESTIONS = frozenset(
    {"/v1/chat/completions", "/v1/responses", f"{API}/llm/generate", f"{API}/llm/count"},
)
ID = "[0-9a-fA-F-]{36}"
UPLOADS = re.compile(rf"{API}/(documents/upload|documents/uploads/{ID}|projects/{ID}/documents)")
RUNS_SHARE = 0.75  # of the time for draining

DESCRIPTION = "The interface of Kontor. Errors are problem documents (RFC 9457) with stable codes."


def create_app(settings: Settings, kernel: Kernel | None = None) -> FastAPI:
    """With a kernel the application serves at once (tests); without one its lifespan opens a kernel and closes it."""
    lifecycle = Lifecycle(phase=Phase.STARTING if kernel is None else Phase.SERVING)
    metrics = Metrics()
    app = Application(
        title="Kontor",
        version=version("kontor"),
        description=DESCRIPTION,
        openapi_url=f"{API}/openapi.json",
        docs_url=None,
        redoc_url=None,
        generate_unique_id_function=openapi.operation_id,
        lifespan=lifespan if kernel is None else None,
        redirect_slashes=False,
        telemetry={"tracing": False, "metrics": False, "logs": False},
        responses={"default": {"model": Problem}},
        middleware=stack(settings, lifecycle, metrics),
    )
    app.state.settings = settings
    app.state.lifecycle = lifecycle
    app.state.metrics = metrics
    app.state.probe = health.Probe(settings, lifecycle)
    app.state.streams = Streams(lifecycle, metrics)
    app.state.kernel = None
    app.state.ready_in_ms = None
    app.state.gauges = None
    app.openapi = lambda: openapi.document(app)  # type: ignore[method-assign]  # the documented way to shape it
    add_error_handlers(app)
    app.include_router(health.router)
    for router in api_routers():
        app.include_router(router, prefix=API)
    plain = {"v1": Router(openai_api.ROUTES, redirect_slashes=False)}
    app.dispatch = Dispatch(app.router, api_areas(), prefix=API, plain=plain)
    for router in socket_routers():
        app.include_router(router)
    app.router.routes.append(LINK_ROUTE)
    if kernel is not None:
        plug_in(app, kernel)
    return app


def stack(settings: Settings, lifecycle: Lifecycle, metrics: Metrics) -> list[Middleware]:
    """Outermost first."""
    tracer = configure_tracing(settings, service="kontor-web")

    def largest_body(scope: Scope) -> int | None:
        # Of everything. A route that takes more is named here by its whole path: what a path ends in is written by
        # whoever asks. Who nobody is has little to say, and a body is read and parsed before a route asks who sends it.
        most = settings.kontor_max_body_bytes
        if UPLOADS.fullmatch(scope["path"]) and scope["method"] in {"POST", "PATCH"}:
            # They count for themselves, by the file.
            return NOBODYS_BODY_BYTES if scope.get("kontor.actor") is None else None
        if scope["path"] in QUESTIONS:
            most = max(most, LARGEST_QUESTION)
        return min(most, NOBODYS_BODY_BYTES) if scope.get("kontor.actor") is None else most

    return [
        Middleware(middleware.TrustedProxies, networks=settings.kontor_trusted_proxies),
        Middleware(middleware.OwnCookies),
        *([Middleware(middleware.Trace, tracer=tracer)] if tracer else []),
        Middleware(middleware.Observe, metrics=metrics, lifecycle=lifecycle),
        Middleware(middleware.SecurityHeaders),
        Middleware(openai_api.OpenAIErrors),
        Middleware(middleware.LastResort),
        Middleware(middleware.HostGuard, settings=settings),
        Middleware(Pages, lifecycle=lifecycle, look=look),
        Middleware(middleware.Gate, lifecycle=lifecycle),
        Middleware(middleware.KernelRates, by="address"),
        Middleware(middleware.PatientBody),
        Middleware(AuthenticationMiddleware),
        Middleware(BodyLimit, limit_of=largest_body),
        Middleware(middleware.KernelRates, by="person"),
    ]


async def look(scope: Scope) -> Appearance:
    kernel: Kernel = scope["app"].state.kernel
    return await look_of(kernel, scope)


def plug_in(app: FastAPI, kernel: Kernel) -> None:
    """What needs an open kernel."""
    app.state.kernel = kernel
    app.state.probe.kernel = kernel
    app.state.gauges = Gauges(app.state.metrics, kernel)
    app.state.gateway = Gateway.of(kernel)
    app.state.estimates = Estimates(kernel.database)
    app.state.runs = runs_of(kernel, app.state.gateway, app.state.estimates)
    kernel.trail = Trail()
    app.state.documents = Desk.of(kernel)
    app.state.retrieval = Retrieval.of(kernel, asks_of(app))
    app.state.gateway.answerer.retrieval = PassageFinder(app.state.retrieval)
    project_parts.register()
    belonging.register()
    kernel.listener.on(RIGHTS, app.state.streams.heard)


def asks_of(app: FastAPI) -> GatewayAsks:
    async def runs() -> Runs:
        found: Runs = app.state.runs
        return found

    return GatewayAsks(runs, ModelRouter(app.state.gateway, app.state.estimates))


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Returns at once, so that /health answers while the database is still being waited for and migrated."""
    closing = asyncio.Event()
    running = asyncio.create_task(run_kernel(app, closing))
    try:
        yield
    finally:
        app.state.lifecycle.drain()
        closing.set()
        if app.state.kernel is None:
            running.cancel()
        with suppress(asyncio.CancelledError):
            await running
        await asyncio.to_thread(stop_tracing)


async def run_kernel(app: FastAPI, closing: asyncio.Event) -> None:
    lifecycle: Lifecycle = app.state.lifecycle
    streams: Streams = app.state.streams

    def report(step: str) -> None:
        lifecycle.step = step

    try:
        async with (
            open_kernel(app.state.settings, report) as kernel,
            tidying(kernel.database, kernel.blobs.store),
            AdminNews(kernel.database).running(),
            asyncio.TaskGroup() as tasks,
        ):
            report("people")
            await ensure_first_admin(kernel)
            report("prices")
            await plant_prices(kernel.database)
            plug_in(app, kernel)
            tasks.create_task(streams.watch(kernel))
            tasks.create_task(streams.end_when_draining())
            async with app.state.gateway.running(), learning(app.state.estimates), app.state.runs.running():
                tasks.create_task(drain_runs(app))
                lifecycle.serve()
                app.state.ready_in_ms = round((time.monotonic() - BEGAN) * 1000)
                log.info("web.ready", ms=app.state.ready_in_ms)
                await closing.wait()
    except KontorError as error:
        # Said in plain words; `main` ends the process with it.
        lifecycle.fail(error)
    except Exception as error:
        log.error("web.failed", exc_info=error)
        lifecycle.fail(error)


async def drain_runs(app: FastAPI) -> None:
    """What models are saying may come to its end; what has not by then is closed with all that was said, while its
    readers are still connected."""
    await app.state.lifecycle.draining.wait()
    await app.state.runs.drain(app.state.settings.kontor_drain_seconds * RUNS_SHARE)


def openapi_document() -> dict[str, Any]:
    """For `kontor openapi`: the document without a database, keys or environment."""
    return create_app(Settings.model_construct()).openapi()
