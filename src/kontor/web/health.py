"""Is the process alive, and may it be given work? Answered quickly whatever state the database is in."""

import asyncio
import shutil
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Annotated, Literal

import asyncpg
from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel
from sqlalchemy import text

from kontor.accounts.authentication import Credentials, authenticate, key_of
from kontor.core import schema
from kontor.core.errors import Kind, KontorError
from kontor.core.http.actors import Allow, RoleRequired, ScopeRequired, Unauthenticated
from kontor.core.http.problems import ProblemResponse, problem_body, problems, request_id_of
from kontor.core.kernel import Kernel
from kontor.core.observability import Metrics
from kontor.core.settings import Settings
from kontor.core.tenancy import Role
from kontor.core.vault.service import check_canary
from kontor.web.gauges import Gauges
from kontor.web.lifecycle import Lifecycle, Phase
from kontor.web.middleware import is_within, parse_networks

PROBE_SECONDS = 2.0
FRESH_SECONDS = 1.0
STREAM_CHUNKS = 5
STREAM_PAUSE_SECONDS = 0.2

State = Literal["ok", "fail", "unknown"]


class NotReady(KontorError):
    """For the registry; the answer is made below, with a reason for each check."""

    kind, code = Kind.UNAVAILABLE, "health.not_ready"

    def __init__(self) -> None:
        super().__init__("Kontor is not ready for requests.")


class Check(BaseModel):
    name: str
    state: State
    detail: str


class HealthRead(BaseModel):
    status: Literal["ok", "starting", "draining", "unready"]
    version: str
    uptime_seconds: int
    checks: list[Check]


class Alive(BaseModel):
    status: Literal["alive"] = "alive"


class Probe:
    """The checks behind `ready`. Askers share one run, and its outcome for a moment, so that probes cost little."""

    def __init__(self, settings: Settings, lifecycle: Lifecycle) -> None:
        self.settings = settings
        self.lifecycle = lifecycle
        self.kernel: Kernel | None = None
        self.started_at = time.monotonic()
        self._running: asyncio.Task[list[Check]] | None = None
        self._last: list[Check] = []
        self._last_at = -FRESH_SECONDS

    async def run(self) -> list[Check]:
        # The phase is known without asking and must never be a moment old.
        return [check_phase(self.lifecycle), *await self._shared()]

    async def _shared(self) -> list[Check]:
        if time.monotonic() - self._last_at < FRESH_SECONDS:
            return self._last
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._run())
        # Shielded: one impatient asker must not take the outcome from the others.
        return await asyncio.shield(self._running)

    async def _run(self) -> list[Check]:
        kernel = self.kernel
        if kernel is None:
            return []
        database, revision = await check_database(kernel)
        checks = [
            database,
            check_schema(revision),
            await self._check_vault(kernel) if database.state == "ok" else unknown("vault"),
            await asyncio.to_thread(check_disk, self.settings),
        ]  # fmt: skip
        self._last, self._last_at = checks, time.monotonic()
        return checks

    async def _check_vault(self, kernel: Kernel) -> Check:
        try:
            async with asyncio.timeout(PROBE_SECONDS):
                await check_canary(kernel.database, kernel.secrets)
        except KontorError as error:
            return Check(name="vault", state="fail", detail=error.message)
        except Exception as error:  # the database again, or a pool that is busy: no word about the key
            return Check(name="vault", state="unknown", detail=f"Could not be asked ({type(error).__name__}).")
        return Check(name="vault", state="ok", detail="The master key opens the vault.")


def is_missing(check: Check) -> bool:
    """What is unknown because the database is away needs no second mention."""
    return check.state == "fail"


def unknown(name: str) -> Check:
    return Check(name=name, state="unknown", detail="Needs the database.")


def check_phase(lifecycle: Lifecycle) -> Check:
    if lifecycle.phase is Phase.STARTING:
        return Check(name="phase", state="fail", detail=f"Kontor is starting: {lifecycle.step}.")
    if lifecycle.phase is Phase.DRAINING:
        return Check(name="phase", state="fail", detail="Kontor is shutting down.")
    return Check(name="phase", state="ok", detail="Serving.")


async def check_database(kernel: Kernel) -> tuple[Check, str | None]:
    """On a connection of its own: a busy pool is not a dead database, and a hung one must not hang the probe."""
    try:
        async with asyncio.timeout(PROBE_SECONDS):
            revision = await read_revision(kernel)
    except TimeoutError:
        return Check(name="database", state="fail", detail=f"No answer within {PROBE_SECONDS:g} s."), None
    except Exception as error:  # drivers raise everything from OSError to their own
        return Check(name="database", state="fail", detail=f"Not reachable ({type(error).__name__})."), None
    return Check(name="database", state="ok", detail="Answers."), revision


async def read_revision(kernel: Kernel) -> str | None:
    engine = kernel.database.engine
    if engine is None:
        async with kernel.database.system("health") as unit:
            found = await unit.scalar(text("SELECT version_num FROM alembic_version"))
            return str(found)
    url = engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    connection = await asyncpg.connect(url, timeout=PROBE_SECONDS, command_timeout=PROBE_SECONDS)
    try:
        found = await connection.fetchval("SELECT version_num FROM alembic_version")
        with suppress(Exception):
            await connection.close(timeout=0.5)
    finally:
        connection.terminate()
    return str(found)


def check_schema(revision: str | None) -> Check:
    if revision is None:
        return unknown("schema")
    if revision != schema.head():
        return Check(name="schema", state="fail", detail=f"At {revision}, this program needs {schema.head()}.")
    return Check(name="schema", state="ok", detail=f"At {revision}.")


def check_disk(settings: Settings) -> Check:
    try:
        free = shutil.disk_usage(settings.kontor_data).free
    except OSError as error:
        return Check(name="disk", state="fail", detail=f"The data folder cannot be read ({type(error).__name__}).")
    if free < settings.kontor_min_free_bytes:
        return Check(
            name="disk",
            state="fail",
            detail=f"{free >> 20} MiB free, at least {settings.kontor_min_free_bytes >> 20} MiB are needed.",
        )
    return Check(name="disk", state="ok", detail=f"{free >> 20} MiB free.")


router = APIRouter(tags=["health"])


async def probe_of(request: Request) -> Probe:
    found: Probe = request.app.state.probe
    return found


Probing = Annotated[Probe, Depends(probe_of)]


@router.get("/health")
async def read_health(request: Request, probe: Probing) -> HealthRead:
    """A summary for people; always 200 while the process lives."""
    checks = await probe.run()
    status: Literal["ok", "starting", "draining", "unready"] = "ok"
    if probe.lifecycle.phase is Phase.STARTING:
        status = "starting"
    elif probe.lifecycle.phase is Phase.DRAINING:
        status = "draining"
    elif any(is_missing(check) for check in checks):
        status = "unready"
    uptime = int(time.monotonic() - probe.started_at)
    return HealthRead(status=status, version=request.app.version, uptime_seconds=uptime, checks=checks)


@router.get("/health/live")
async def read_live() -> Alive:
    """Restart the process when this does not answer; it asks nobody else."""
    return Alive()


@router.get("/health/ready", response_model=HealthRead, responses=problems(NotReady))
async def read_ready(request: Request, probe: Probing) -> Response | HealthRead:
    """200 when requests may be sent here, otherwise a problem that names what is missing."""
    checks = await probe.run()
    if probe.lifecycle.is_serving and not any(is_missing(check) for check in checks):
        uptime = int(time.monotonic() - probe.started_at)
        return HealthRead(status="ok", version=request.app.version, uptime_seconds=uptime, checks=checks)
    reasons = " ".join(check.detail for check in checks if check.state == "fail") or str(NotReady())
    body = problem_body(
        503,
        NotReady.code,
        reasons,
        request_id=request_id_of(request),
        extra={"checks": [check.model_dump() for check in checks]},
    )
    return ProblemResponse(body, headers={"Retry-After": "2"})


@router.get("/health/stream", response_class=StreamingResponse, responses={200: {"content": {"text/event-stream": {}}}})
async def stream_chunks() -> StreamingResponse:
    """A few chunks at known times, so that `kontor doctor` can tell whether a proxy holds streams back."""

    async def chunks() -> AsyncIterator[bytes]:
        started = time.monotonic()
        for number in range(STREAM_CHUNKS):
            if number:
                await asyncio.sleep(STREAM_PAUSE_SECONDS)
            passed = round((time.monotonic() - started) * 1000)
            yield f'event: tick\ndata: {{"number":{number},"ms":{passed}}}\n\n'.encode()

    return StreamingResponse(chunks(), media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})


@router.get("/metrics", responses=problems(Unauthenticated, RoleRequired, ScopeRequired), response_class=Response)
async def read_metrics(request: Request) -> Response:
    """Prometheus text, for KONTOR_METRICS_FROM and for administrators' tokens with `admin:read`."""
    from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

    await allow_metrics(request)
    metrics: Metrics = request.app.state.metrics
    gauges: Gauges | None = request.app.state.gauges
    if gauges is not None:
        await gauges.refresh()
    return Response(generate_latest(metrics.registry), media_type=CONTENT_TYPE_LATEST)


async def allow_metrics(request: Request) -> None:
    settings: Settings = request.app.state.settings
    # A proxy that is not on our list also comes from loopback; behind it could be anybody.
    is_direct = settings.kontor_trusted_proxies or not any(
        name in request.headers for name in ("x-forwarded-for", "forwarded", "via")
    )
    address = request.client.host if request.client else None
    if is_direct and is_within(address, parse_networks(settings.kontor_metrics_from)):
        return
    kernel: Kernel | None = request.app.state.kernel
    key = key_of(request.headers)
    seen = await authenticate(kernel, Credentials(key=key)) if kernel is not None and key is not None else None
    if seen is None:
        raise Unauthenticated
    await Allow("admin:read", role=Role.ADMIN)(seen.actor)
