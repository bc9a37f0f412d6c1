"""What every request passes, outermost first. Pure ASGI: no request object is built and nothing is buffered."""

import asyncio
import re
import time
from collections.abc import Iterable
from contextlib import suppress
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from secrets import token_hex
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

import structlog
from prometheus_client import Counter, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kontor.accounts import cookies
from kontor.core.errors import Kind, KontorError
from kontor.core.http.problems import as_kontor_error, problem_of
from kontor.core.http.streaming import STRAIGHT
from kontor.core.limits.buckets import MemoryBuckets
from kontor.core.limits.middleware import RateLimit
from kontor.core.limits.rates import Limiter, RouteGroup
from kontor.core.loopback import is_loopback
from kontor.core.observability import Metrics
from kontor.core.settings import Settings
from kontor.web.lifecycle import Lifecycle, Phase, Starting

if TYPE_CHECKING:  # the package belongs to the extra `telemetry`
    from opentelemetry.trace import Tracer

log = structlog.get_logger(__name__)

Networks = tuple[IPv4Network | IPv6Network, ...]

OWN_COOKIES = frozenset(name.encode() for name in (cookies.PLAIN, cookies.SECURE, cookies.SIGN_IN_STATE))
COOKIE_VALUE = re.compile(rb"[A-Za-z0-9_-]{1,200}")
REQUEST_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{7,63}")

CONTENT_SECURITY_POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "font-src 'self'",
        "img-src 'self' blob: data:",
        "connect-src 'self'",
        "manifest-src 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "require-trusted-types-for 'script'",
    ]
)
PERMISSIONS_POLICY = ", ".join(
    f"{feature}=()"
    for feature in (
        "accelerometer", "camera", "display-capture", "geolocation", "gyroscope", "magnetometer", "microphone", "midi",
        "payment", "usb",
    )
)  # fmt: skip
SECURITY_HEADERS = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "permissions-policy": PERMISSIONS_POLICY,
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}
# A telephone on a bad line manages this; somebody who wants to occupy a place does not want to.
BODY_SECONDS = 20.0
BODY_BYTES_PER_SECOND = 2_000
LINGER_SECONDS = 1.0

STRICT_TRANSPORT = "max-age=31536000"


class UnknownHost(KontorError):
    kind, code = Kind.INVALID, "http.unknown_host"

    def __init__(self) -> None:
        super().__init__("Kontor is not served under this name. Open it by the address in KONTOR_URL.")


class BodyTooSlow(KontorError):
    kind, code = Kind.TOO_SLOW, "http.body_too_slow"

    def __init__(self) -> None:
        super().__init__("The request did not arrive in time.")


class InternalError(KontorError):
    """For the registry: the code of everything that nobody foresaw."""

    kind, code = Kind.INTERNAL, "http.internal_error"

    def __init__(self) -> None:
        super().__init__("That was our mistake. The log has it under this request id.")


def header(scope: Scope, name: bytes) -> str | None:
    for key, value in scope["headers"]:
        if key == name:
            return str(value, "latin-1")
    return None


def parse_networks(text: str) -> Networks:
    return tuple(ip_network(part.strip(), strict=False) for part in text.split(",") if part.strip())


def is_within(address: str | None, networks: Networks) -> bool:
    try:
        found = ip_address((address or "").split("%")[0])
    except ValueError:
        return False
    mapped = getattr(found, "ipv4_mapped", None)
    return any((mapped or found) in network for network in networks)


async def refuse(error: KontorError, scope: Scope, receive: Receive, send: Send) -> None:
    """The problem document of an error, for a request or for a socket that is not open yet."""
    response = problem_of(error, request_id=scope.get("kontor.request_id"))
    if scope["type"] == "http":
        await response(scope, receive, send)
    elif "websocket.http.response" in scope.get("extensions", {}):
        start = {"type": "websocket.http.response.start", "status": response.status_code}
        await send({**start, "headers": response.raw_headers})
        await send({"type": "websocket.http.response.body", "body": bytes(response.body)})
    else:
        await send({"type": "websocket.close", "code": 1008, "reason": error.code})


class TrustedProxies:
    """`X-Forwarded-*` count only when the peer is a listed proxy, and only what that proxy itself has added."""

    def __init__(self, app: ASGIApp, *, networks: str) -> None:
        self.app = app
        self.networks = parse_networks(networks)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope[STRAIGHT] = send  # whoever is outermost has it as the server gave it
        if self.networks and scope["type"] in {"http", "websocket"}:
            client = scope.get("client")
            if client is not None and is_within(client[0], self.networks):
                self.believe(scope)
        await self.app(scope, receive, send)

    def believe(self, scope: Scope) -> None:
        # Several headers of one name are one list; what stands left of the first stranger is the stranger's invention.
        hops = [
            hop.strip()
            for key, value in scope["headers"]
            if key == b"x-forwarded-for"
            for hop in str(value, "latin-1").split(",")
        ]
        for hop in reversed(hops):
            try:
                ip_address(hop)
            except ValueError:
                break
            scope["client"] = (hop, 0)
            if not is_within(hop, self.networks):
                break
        proto = (header(scope, b"x-forwarded-proto") or "").split(",")[-1].strip().lower()
        if proto in {"http", "https"}:
            is_socket = scope["type"] == "websocket"
            scope["scheme"] = {"http": "ws", "https": "wss"}[proto] if is_socket else proto
        host = (header(scope, b"x-forwarded-host") or "").split(",")[-1].strip()
        if host:
            kept = [(key, value) for key, value in scope["headers"] if key != b"host"]
            scope["headers"] = [*kept, (b"host", host.encode("latin-1"))]


class OwnCookies:
    """Browsers send the cookies of everything that is served under a name. Only ours go in, and only as we write them:
    the parsers behind, the framework's and the standard library's, need half a minute for some values of 64 KB.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in {"http", "websocket"} and header(scope, b"cookie") is not None:
            kept = [(key, value) for key, value in scope["headers"] if key != b"cookie"]
            own = own_cookies(value for key, value in scope["headers"] if key == b"cookie")
            scope["headers"] = [*kept, (b"cookie", own)] if own else kept
        await self.app(scope, receive, send)


def own_cookies(values: Iterable[bytes]) -> bytes:
    found: dict[bytes, bytes] = {}
    for part in b";".join(values).split(b";"):
        name, _, value = part.strip().partition(b"=")
        if name in OWN_COOKIES and COOKIE_VALUE.fullmatch(value):
            found[name] = value
    return b"; ".join(name + b"=" + value for name, value in found.items())


class Observe:
    """Request id, one log line and the counters of each request, labelled by the route's template."""

    def __init__(self, app: ASGIApp, *, metrics: Metrics, lifecycle: Lifecycle) -> None:
        self.app = app
        self.metrics = metrics
        self.lifecycle = lifecycle
        self._meters: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in {"http", "websocket"}:
            await self.app(scope, receive, send)
            return
        given = header(scope, b"x-request-id")
        request_id = given if given is not None and REQUEST_ID.fullmatch(given) else token_hex(16)
        scope["kontor.request_id"] = request_id
        structlog.contextvars.bind_contextvars(request_id=request_id)
        is_http = scope["type"] == "http"
        status = 0
        is_stream = False

        async def send_marked(message: Message) -> None:
            nonlocal status, is_stream
            kind = message["type"]
            if kind == "http.response.body":
                pass
            elif kind in {"http.response.start", "websocket.http.response.start"}:
                status = message["status"]
                headers = [*message.get("headers", ()), (b"x-request-id", request_id.encode())]
                is_stream = any(pair[0] == b"content-type" and pair[1].startswith(EVENT_STREAM) for pair in headers)
                if self.lifecycle.phase is Phase.DRAINING and is_http:
                    # No further request may come over this connection: it could meet the closing of the socket.
                    headers = [*(pair for pair in headers if pair[0] != b"connection"), (b"connection", b"close")]
                message = {**message, "headers": headers}
            elif kind == "websocket.accept":
                status = 101
            elif kind == "websocket.close" and status == 0:
                status = 403
            await send(message)

        started = time.perf_counter()
        self.metrics.in_flight.inc()
        try:
            await self.app(scope, receive, send_marked)
        finally:
            self.metrics.in_flight.dec()
            seconds = time.perf_counter() - started
            method = scope["method"] if is_http else "WEBSOCKET"
            route = template_of(scope)
            requests, duration = self._meters_of(method if method in METHODS else "OTHER", route, status)
            requests.inc()
            if is_http and not is_stream:
                duration.observe(seconds)
            line = log.debug if route in UNREMARKABLE and status < 400 else log.info
            line("http.request", method=method, route=route, status=status, ms=round(seconds * 1000, 1))

    def _meters_of(self, method: str, route: str, status: int) -> tuple[Counter, Histogram]:
        """Looked up once: finding them among their labels costs more than counting."""
        found = self._meters.get((method, route, status))
        if found is None:
            found = (
                self.metrics.requests.labels(method, route, str(status)),
                self.metrics.seconds.labels(method, route),
            )
            self._meters[method, route, status] = found
        return found


EVENT_STREAM = b"text/event-stream"
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "WEBSOCKET"})
UNREMARKABLE = frozenset({"/health", "/health/live", "/health/ready", "/metrics", "(static)"})


def template_of(scope: Scope) -> str:
    """`/api/v1/admin/users/{id}`, never the path itself: paths name people and things."""
    named = scope.get("kontor.route")
    if isinstance(named, str):
        return named
    # FastAPI keeps the route as it was written; with the prefixes of its routers it stands in the context.
    route = scope.get("fastapi", {}).get("effective_route_context") or scope.get("route")
    path = getattr(route, "path_format", None) or getattr(route, "path", None)
    return path if isinstance(path, str) else "(none)"


class Trace:
    """One span for each request. Only in the stack when an endpoint for traces is set."""

    def __init__(self, app: ASGIApp, *, tracer: "Tracer") -> None:
        from opentelemetry import propagate, trace

        self.app = app
        self.tracer = tracer
        self.kind = trace.SpanKind.SERVER
        self.extract = propagate.extract
        self.error = trace.Status(trace.StatusCode.ERROR)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        carrier = {str(key, "latin-1"): str(value, "latin-1") for key, value in scope["headers"]}
        context = self.extract({name: carrier[name] for name in ("traceparent", "tracestate") if name in carrier})
        method = scope["method"] if scope["method"] in METHODS else "_OTHER"
        with self.tracer.start_as_current_span(method, context=context, kind=self.kind) as span:

            async def send_marked(message: Message) -> None:
                if message["type"] == "http.response.start":
                    span.set_attribute("http.response.status_code", message["status"])
                    if message["status"] >= 500:
                        span.set_status(self.error)
                await send(message)

            try:
                await self.app(scope, receive, send_marked)
            finally:
                route = template_of(scope)
                span.update_name(f"{method} {route}")
                span.set_attribute("http.request.method", method)
                span.set_attribute("http.route", route)
                span.set_attribute("kontor.request_id", scope.get("kontor.request_id", ""))


class SecurityHeaders:
    """The same walls around every answer. A route that needs another wall sets its own header first."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.headers = [(name.encode(), value.encode()) for name, value in SECURITY_HEADERS.items()]
        self.strict = (b"strict-transport-security", STRICT_TRANSPORT.encode())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in {"http", "websocket"}:
            await self.app(scope, receive, send)
            return
        added = [*self.headers, self.strict] if scope["scheme"] in {"https", "wss"} else self.headers

        async def send_guarded(message: Message) -> None:
            if message["type"].endswith("http.response.start"):
                present = list(message.get("headers", []))
                names = {name.lower() for name, _ in present}
                message = {**message, "headers": present + [pair for pair in added if pair[0] not in names]}
            await send(message)

        await self.app(scope, receive, send_guarded)


class LastResort:
    """The outermost catch: what nobody foresaw becomes a problem document without trace, statement or value."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_started = False

        async def send_noted(message: Message) -> None:
            nonlocal is_started
            is_started = is_started or message["type"] in {
                "http.response.start", "websocket.accept", "websocket.http.response.start", "websocket.close",
            }  # fmt: skip
            await send(message)

        try:
            await self.app(scope, receive, send_noted)
        except Exception as error:
            if scope["type"] not in {"http", "websocket"}:
                raise
            answer = self.answer(error)
            if not is_started:
                await refuse(answer, scope, receive, send)
            elif scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1011, "reason": answer.code})
            else:
                # Half an answer has left; only a closed connection tells the reader that it is half.
                raise

    @staticmethod
    def answer(error: Exception) -> KontorError:
        known = as_kontor_error(error)
        if known is None:
            log.error("http.unforeseen", exc_info=error)
            return InternalError()
        return known


class HostGuard:
    """A page of another site that made its own name point here (DNS rebinding) is met by its name.

    Asked where the name is known: on loopback, and wherever KONTOR_URL is set. Health checks come by address.
    """

    def __init__(self, app: ASGIApp, *, settings: Settings) -> None:
        self.app = app
        self.named = urlsplit(settings.kontor_url or "").hostname
        self.is_strict = self.named is not None or settings.is_loopback

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in {"http", "websocket"}:
            await self.app(scope, receive, send)
            return
        host = host_name(header(scope, b"host"))
        is_known = is_loopback(host) or (host is not None and host == self.named)
        if self.is_strict and not is_known and not is_probe(scope["path"]):
            await refuse(UnknownHost(), scope, receive, send)
            return
        await self.app(scope, receive, send)


def host_name(given: str | None) -> str | None:
    try:
        return urlsplit(f"//{given or ''}").hostname
    except ValueError:
        return None


def is_probe(path: str) -> bool:
    return path in {"/metrics", "/health"} or path.startswith("/health/")


class Gate:
    """Before the start is done only the probes are answered."""

    def __init__(self, app: ASGIApp, *, lifecycle: Lifecycle) -> None:
        self.app = app
        self.lifecycle = lifecycle

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_early = self.lifecycle.phase is Phase.STARTING and scope["type"] in {"http", "websocket"}
        if is_early and not is_probe(scope["path"]):
            await refuse(Starting(), scope, receive, send)
            return
        await self.app(scope, receive, send)


class PatientBody:
    """A body may take its time, but not for ever: a start-up allowance, and then a least speed.

    An answer that comes before the body has been read whole must reach its reader: a connection that is closed with
    something unread is reset, and the answer is lost. So what still comes is thrown away for a moment first.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in {"GET", "HEAD"}:
            await self.app(scope, receive, send)
            return
        body = Arriving(receive)

        async def send_and_linger(message: Message) -> None:
            if message["type"] == "http.response.start" and body.is_late:
                body.is_closing = True
                message = {**message, "headers": [*message["headers"], (b"connection", b"close")]}
            elif message["type"] == "http.response.start":
                body.is_closing = (b"connection", b"close") in message["headers"]
            elif body.is_closing and not body.is_whole and not message.get("more_body", False):
                await send({**message, "more_body": True})
                await body.discard()
                message = {"type": "http.response.body"}
            await send(message)

        await self.app(scope, body.receive, send_and_linger)


class Arriving:
    """How much of a body has come, and when the rest must."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._loop = asyncio.get_running_loop()
        self._began = self._loop.time()
        self._arrived = 0
        self.is_whole = self.is_late = self.is_closing = False

    async def receive(self) -> Message:
        if self.is_whole:
            return await self._receive()
        try:
            async with asyncio.timeout_at(self._began + BODY_SECONDS + self._arrived / BODY_BYTES_PER_SECOND):
                message = await self._receive()
        except TimeoutError as error:
            self.is_late = True
            raise BodyTooSlow from error
        self._arrived += len(message.get("body", b""))
        self.is_whole = message["type"] != "http.request" or not message.get("more_body", False)
        return message

    async def discard(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(LINGER_SECONDS):
                while (message := await self._receive())["type"] == "http.request" and message.get("more_body"):
                    pass


class KernelRates(RateLimit):
    """The rates of the kernel, which is only there once the process has started."""

    def __init__(self, app: ASGIApp, *, by: Literal["address", "person"]) -> None:
        super().__init__(app, limiter=Limiter(MemoryBuckets(), factor=0), by=by)

    async def take(self, scope: Scope, group: RouteGroup) -> None:
        self.limiter = scope["app"].state.kernel.limiter
        await super().take(scope, group)
