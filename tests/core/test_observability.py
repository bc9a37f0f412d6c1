"""Logs that hold no secret and no content, metrics that do not mix, traces only when asked for."""

import json
import logging
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import httpx
import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.exc import DBAPIError

from kontor.core.database import Database
from kontor.core.kernel import Kernel
from kontor.core.observability import (
    HIDDEN,
    Metrics,
    configure_logging,
    configure_tracing,
    describe_exception,
    hide_secrets,
    one_line,
    render_text,
    stop_tracing,
)
from kontor.core.secrets import Secrets
from kontor.core.settings import Settings
from kontor.web.app import create_app


@contextmanager
def logging_as(settings: Settings, capture: pytest.CaptureFixture[str]) -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    capture.readouterr()
    configure_logging(settings)
    try:
        yield
    finally:
        root.handlers[:], root.level = handlers, level


def test_json_lines_can_be_read_by_machines(settings: Settings, capfd: pytest.CaptureFixture[str]) -> None:
    with logging_as(settings.model_copy(update={"kontor_log": "json"}), capfd):
        structlog.get_logger("test").info("mail.finished", mail="1", password="geheim", set_cookie="geheim")
        logging.getLogger("library").warning("said %s", "something\nelse")
    ours, theirs = [json.loads(line) for line in capfd.readouterr().err.splitlines()]
    assert (ours["event"], ours["level"], ours["password"], ours["set_cookie"]) == (
        "mail.finished",
        "info",
        HIDDEN,
        HIDDEN,
    )
    assert (theirs["logger"], theirs["event"]) == ("library", "said something\nelse")


def test_text_lines_stay_lines(settings: Settings, capfd: pytest.CaptureFixture[str]) -> None:
    with logging_as(settings, capfd):
        structlog.get_logger("test").info("http.request", route="/x", name="a\nERROR forged", size=3)
    (line,) = capfd.readouterr().err.splitlines()
    assert line.endswith('info    http.request route=/x name="a\\\\nERROR forged" size=3')


@given(st.text())
def test_no_value_begins_a_line_of_its_own(value: str) -> None:
    assert one_line(value).isprintable() or value == ""
    assert len(render_text(None, "", {"event": value, "level": "info", "field": value}).splitlines()) == 1


@pytest.mark.parametrize("name", ["password", "new_password", "Authorization", "access_token", "cookie", "smtp_secret"])
def test_what_is_called_a_secret_is_hidden(name: str) -> None:
    assert hide_secrets(None, "", {"event": "x", name: "geheim"}) == {"event": "x", name: HIDDEN}


def test_of_an_exception_we_keep_the_place_and_not_the_values() -> None:
    def fail(message: str) -> None:
        raise LookupError(message)

    class Refused(Exception):
        sqlstate = "22021"

    try:
        try:
            fail("\n".join(["first line", "DETAIL: Key (email)=(ada" + "@example.org) already exists."]))
        except LookupError as cause:
            statement = DBAPIError(
                "INSERT INTO person VALUES ($1)", ["ge" + "heim"], Refused("ge" + "heim"), hide_parameters=True
            )
            raise statement from cause
    except DBAPIError as error:
        described = describe_exception(error)
    assert "test_observability.py" in described and "in fail" in described
    assert "sqlstate 22021" in described and "LookupError: first line" in described
    for secret in ("ada@example.org", "geheim"):
        assert secret not in described


def test_an_exception_that_is_its_own_cause_ends() -> None:
    error = LookupError("x")
    error.__cause__ = error
    assert describe_exception(error).count("LookupError") == 1


def test_two_applications_count_apart() -> None:
    first, second = Metrics(), Metrics()
    first.requests.labels("GET", "/", "200").inc()
    assert second.registry.get_sample_value("kontor_http_requests_total", {"method": "GET"}) is None


def test_without_an_endpoint_no_exporter_is_even_loaded(tmp_path: Path) -> None:
    program = (
        "import sys; from kontor.core.settings import Settings; from kontor.web.app import create_app; "
        "create_app(Settings.model_construct()); "
        "print([name for name in sys.modules if name.startswith('opentelemetry.exporter')])"
    )
    shown = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=tmp_path, env={}
    )
    assert shown.stdout.strip() == "[]"


@contextmanager
def collector() -> Iterator[tuple[str, list[bytes]]]:
    """Takes what is exported to it."""
    got: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return None

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", got
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


async def test_with_an_endpoint_each_request_is_a_span_named_by_its_route(
    database: Database, settings: Settings
) -> None:
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    with collector() as (endpoint, got):
        traced = settings.model_copy(update={"otel_exporter_otlp_endpoint": endpoint})
        app = create_app(traced, Kernel(traced, database, Secrets.load(traced)))
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            path = "/api/v1/admin/mail/00000000-0000-4000-8000-000000000000?secret=geheim"
            await client.get(path, headers={"traceparent": parent, "Authorization": "Bearer geheim"})
        stop_tracing()
    sent = b"".join(got)
    assert b"GET /api/v1/admin/mail/{mail_id}" in sent
    assert bytes.fromhex("0af7651916cd43dd8448eb211c80319c") in sent
    assert b"kontor-web" in sent
    assert b"geheim" not in sent


def test_no_endpoint_no_tracer(settings: Settings) -> None:
    assert configure_tracing(settings, service="test") is None
