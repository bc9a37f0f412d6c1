"""Logs as events with fields, metrics in a registry of our own, traces when somebody asked for them.

What people wrote never gets in here: values of requests, statements and messages of the database are left out.
"""

import logging
import sys
import traceback
from collections.abc import Iterable, Mapping, MutableMapping
from functools import lru_cache
from types import TracebackType
from typing import TYPE_CHECKING, Any

import orjson
import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

from kontor.core.settings import Settings

if TYPE_CHECKING:  # the package belongs to the extra `telemetry` and is only there when it is wanted
    from opentelemetry.trace import Tracer

Event = MutableMapping[str, Any]
ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None]

HIDDEN = "[hidden]"
SECRET_WORDS = ("password", "secret", "token", "authorization", "cookie", "api_key", "master_key")

# Libraries that tell more than an operator wants to read, at levels that tell it anyway.
QUIET = {"uvicorn.error": logging.WARNING, "asyncio": logging.WARNING, "alembic": logging.WARNING}


class ToStream:
    """Where a finished line goes: past the standard library's loggers, whose records cost more than the line itself."""

    def write(self, line: str) -> None:
        sys.stderr.write(line + "\n")

    debug = info = warning = error = critical = write


def configure_logging(settings: Settings) -> None:
    """One stream, one format, for our events and for the standard library's."""
    level = getattr(logging, settings.kontor_log_level.upper())
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        add_trace_id,
        hide_secrets,
        render_exception,
    ]
    render = render_json if settings.kontor_log == "json" else render_text
    structlog.configure(
        processors=[from_level_on(level), *shared, render],
        logger_factory=lambda *_: ToStream(),
        wrapper_class=structlog.make_filtering_bound_logger(logging.NOTSET),
        cache_logger_on_first_use=True,
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[structlog.stdlib.add_logger_name, *shared],
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, render],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name, least in QUIET.items():
        logging.getLogger(name).setLevel(max(least, level))


def from_level_on(least: int) -> structlog.typing.Processor:
    names = logging.getLevelNamesMapping()
    kept = {name.lower() for name, level in names.items() if level >= least} | {"exception"}

    def drop_below(_logger: Any, method: str, event: Event) -> Event:
        if method not in kept:
            raise structlog.DropEvent
        return event

    return drop_below


@lru_cache(maxsize=1024)
def is_secret(name: str) -> bool:
    return any(word in name.lower() for word in SECRET_WORDS)


def hide_secrets(_logger: Any, _method: str, event: Event) -> Event:
    """A net under the rule that nobody logs a secret: by the name of the field."""
    for name in event:
        if is_secret(name):
            event[name] = HIDDEN
    return event


def add_trace_id(_logger: Any, _method: str, event: Event) -> Event:
    # Only looked up when the package is loaded, which happens when an endpoint is set.
    api = sys.modules.get("opentelemetry.trace")
    if api is not None:
        context = api.get_current_span().get_span_context()
        if context.is_valid:
            event["trace_id"] = format(context.trace_id, "032x")
    return event


def render_exception(_logger: Any, _method: str, event: Event) -> Event:
    found = event.pop("exc_info", None)
    if not found:
        return event
    exc_info = sys.exc_info() if found is True else found
    error = exc_info if isinstance(exc_info, BaseException) else exc_info[1]
    if error is not None:
        event["exception"] = describe_exception(error)
    return event


def describe_exception(error: BaseException) -> str:
    """Where it happened and what kind it was.

    Of each message only the first line: databases add the offending row below it, validators the offending input.
    """
    lines: list[str] = []
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        first = first_line(current)
        name = f"{type(current).__module__}.{type(current).__qualname__}".removeprefix("builtins.")
        frames = "".join(traceback.format_tb(current.__traceback__)).rstrip()
        lines.append(f"{name}: {first}\n{frames}".rstrip())
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)
    return "\ncaused by ".join(lines)


def first_line(error: BaseException) -> str:
    # Class 22: the message of the database (or of its driver) repeats the value that it did not like.
    state = str(getattr(error, "sqlstate", None) or getattr(getattr(error, "orig", None), "sqlstate", None) or "")
    return f"sqlstate {state}" if state.startswith("22") else (str(error).splitlines() or [""])[0][:300]


def render_json(_logger: Any, _method: str, event: Event) -> str:
    return orjson.dumps(event, default=str, option=orjson.OPT_NON_STR_KEYS).decode()


def render_text(_logger: Any, _method: str, event: Event) -> str:
    """`11:02:03 info    http.request route=/api/v1/desk status=200`, the trace of an exception below it."""
    at = str(event.pop("timestamp", ""))[11:19]
    level = str(event.pop("level", ""))
    name = one_line(event.pop("event", ""))
    exception = event.pop("exception", None)
    fields = "".join(f" {key}={quote(value)}" for key, value in event.items())
    line = f"{at} {level:<7} {name}{fields}"
    return line if exception is None else f"{line}\n{exception}"


def one_line(value: object) -> str:
    """Whoever chooses a value must not be able to write a line of the log."""
    text = str(value)
    return text if text.isprintable() else "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def quote(value: object) -> str:
    text = one_line(value)
    return orjson.dumps(text).decode() if " " in text or '"' in text or text == "" else text


LATENCIES = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Metrics:
    """Every number we give away, in one place. One instance for each application, so that tests do not mix."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry(auto_describe=True)
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        self.requests = Counter(
            "kontor_http_requests", "Answered requests", ["method", "route", "status"], registry=self.registry
        )
        self.seconds = Histogram(
            "kontor_http_request_seconds",
            "Time until the answer was sent whole; streams are not counted",
            ["method", "route"],
            buckets=LATENCIES,
            registry=self.registry,
        )
        self.in_flight = Gauge("kontor_http_in_flight", "Requests being answered", registry=self.registry)
        self.streams = Gauge("kontor_open_streams", "Open event streams", ["kind"], registry=self.registry)
        self.stream_ends = Counter(
            "kontor_stream_ends", "Streams that we ended, by reason", ["reason"], registry=self.registry
        )
        self.pool = Gauge(
            "kontor_database_connections", "Connections of this process", ["state"], registry=self.registry
        )
        self.event_lag = Gauge(
            "kontor_event_lag_seconds", "From the commit of an event to its arrival here", registry=self.registry
        )
        self.jobs = Gauge("kontor_jobs", "Jobs in the database", ["state"], registry=self.registry)
        self.mails = Gauge("kontor_mails", "Mails that were not delivered", ["state"], registry=self.registry)

    def set_pool(self, *, used: int, idle: int) -> None:
        self.pool.labels("used").set(used)
        self.pool.labels("idle").set(idle)

    def set_jobs(self, counts: Iterable[tuple[str, int]]) -> None:
        self.jobs.clear()  # a state without jobs is not counted by the database
        for state, count in counts:
            self.jobs.labels(state).set(count)

    def set_mails(self, counts: Mapping[str, int]) -> None:
        self.mails.clear()
        for state, count in counts.items():
            self.mails.labels(state).set(count)


def configure_tracing(settings: Settings, *, service: str) -> "Tracer | None":
    """A tracer when an endpoint is set. The exporter reads the other OTEL_* variables itself."""
    if not settings.otel_exporter_otlp_endpoint:
        return None
    try:
        from opentelemetry import trace
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        structlog.get_logger(__name__).warning(
            "telemetry.missing", advice="OTEL_EXPORTER_OTLP_ENDPOINT is set; install kontor[telemetry] to send traces."
        )
        return None
    endpoint = settings.otel_exporter_otlp_endpoint.rstrip("/")
    provider = TracerProvider(resource=Resource.create({"service.name": service}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=f"{endpoint}/v1/traces", timeout=5)))
    trace.set_tracer_provider(provider)
    return provider.get_tracer("kontor")


def stop_tracing() -> None:
    """Send what is still waiting, for a moment at most."""
    api = sys.modules.get("opentelemetry.trace")
    provider = api.get_tracer_provider() if api is not None else None
    if provider is not None and hasattr(provider, "shutdown"):
        provider.force_flush(2000)
        provider.shutdown()
