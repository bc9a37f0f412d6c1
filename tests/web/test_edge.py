"""What every request passes: ids, headers, hosts, proxies, the log, and the last catch."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
import structlog
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from kontor.core.database import Database
from kontor.core.kernel import Kernel
from kontor.core.secrets import Secrets
from kontor.core.settings import Settings
from kontor.core.tenancy import Role
from kontor.web import middleware
from kontor.web.app import create_app
from kontor.web.middleware import TrustedProxies, is_within, parse_networks
from tests.factories.house import House

PAGES = ["/", "/login", "/api/v1/installation", "/api/v1/nothing", "/health/live", "/assets/none.js", "/api/v1/desk"]


@pytest.fixture
async def visitor(house: House) -> httpx.AsyncClient:
    return client_of(house.app)


def client_of(app: FastAPI, *, host: str = "localhost:8000", scheme: str = "http", **options: Any) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app=app, client=options.pop("client", ("192.0.2.7", 4711)), **options)
    return httpx.AsyncClient(transport=transport, base_url=f"{scheme}://{host}")


async def test_an_id_that_is_given_is_kept_and_stands_in_the_answer_and_the_problem(visitor: httpx.AsyncClient) -> None:
    answer = await visitor.get("/api/v1/desk", headers={"X-Request-ID": "proxy-0001.abc"})
    assert answer.headers["x-request-id"] == answer.json()["request_id"] == "proxy-0001.abc"


@pytest.mark.parametrize("given_id", ["short", "x" * 65, "with space!", "a\x7fbcdefgh", "{}{}{}{}", "ü" * 10])
async def test_an_id_that_could_do_harm_in_a_log_is_replaced(visitor: httpx.AsyncClient, given_id: str) -> None:
    answer = await visitor.get("/api/v1/desk", headers={b"x-request-id": given_id.encode()})
    assert len(answer.headers["x-request-id"]) == 32


@pytest.mark.parametrize("path", PAGES)
async def test_every_answer_has_the_same_walls(visitor: httpx.AsyncClient, path: str) -> None:
    headers = (await visitor.get(path)).headers
    policy = headers["content-security-policy"]
    for rule in ("default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "base-uri 'none'",
                 "require-trusted-types-for 'script'"):  # fmt: skip
        assert rule in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cross-origin-opener-policy"] == headers["cross-origin-resource-policy"] == "same-origin"
    assert headers["cache-control"] == "no-store"
    assert "strict-transport-security" not in headers
    assert "server" not in headers


async def test_over_https_browsers_are_told_to_stay_there(house: House) -> None:
    async with client_of(house.app, scheme="https") as client:
        assert "max-age" in (await client.get("/health/live")).headers["strict-transport-security"]


async def test_no_other_site_is_ever_let_in(visitor: httpx.AsyncClient) -> None:
    headers = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    for answer in (
        await visitor.options("/api/v1/auth/login", headers=headers),
        await visitor.get("/api/v1/installation", headers=headers),
    ):
        assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost:8000", 200),
        ("127.0.0.1", 200),
        ("[::1]:8000", 200),
        ("127.0.0.2:8000", 200),
        ("[::ffff:127.0.0.1]:8000", 200),
        ("0.0.0.0:8000", 400),
        ("[::]:8000", 400),
        ("evil.example", 400),
        ("localhost.evil.example:8000", 400),
        ("127.0.0.1.nip.example", 400),
    ],
)
async def test_on_loopback_only_loopback_names_are_answered(house: House, host: str, status: int) -> None:
    async with client_of(house.app) as client:
        answer = await client.get("/api/v1/installation", headers={"Host": host})
        assert answer.status_code == status
        assert (await client.get("/health", headers={"Host": host})).status_code == 200


@pytest.mark.parametrize(("host", "status"), [("kontor.example", 200), ("localhost", 200), ("evil.example", 400)])
async def test_with_a_public_address_its_name_counts(
    database: Database, settings: Settings, host: str, status: int
) -> None:
    public = settings.model_copy(update={"kontor_host": "0.0.0.0", "kontor_url": "https://kontor.example"})
    async with client_of(create_app(public, Kernel(public, database, Secrets.load(public))), host=host) as client:
        assert (await client.get("/api/v1/installation")).status_code == status


def proxied(scope: dict[str, Any], *, networks: str) -> dict[str, Any]:
    seen: dict[str, Any] = {}

    async def app(scope: Any, _receive: Any, _send: Any) -> None:
        seen.update(scope)

    asyncio.run(TrustedProxies(app, networks=networks)(scope, None, None))  # type: ignore[arg-type]
    return seen


def scope_with(client: str, *headers: tuple[str, str], kind: str = "http") -> dict[str, Any]:
    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers]
    return {"type": kind, "client": (client, 1), "scheme": "ws" if kind == "websocket" else "http", "headers": raw}


def test_what_a_listed_proxy_says_is_believed() -> None:
    forwarded = [("host", "inner"), ("x-forwarded-for", "198.51.100.9"), ("x-forwarded-proto", "https"),
                 ("x-forwarded-host", "kontor.example")]  # fmt: skip
    seen = proxied(scope_with("10.0.0.2", *forwarded), networks="10.0.0.0/8")
    assert (seen["client"][0], seen["scheme"], dict(seen["headers"])[b"host"]) == (
        "198.51.100.9", "https", b"kontor.example",
    )  # fmt: skip
    assert proxied(scope_with("10.0.0.2", *forwarded, kind="websocket"), networks="10.0.0.0/8")["scheme"] == "wss"


def test_what_a_stranger_says_about_themselves_is_not() -> None:
    forwarded = [("host", "inner"), ("x-forwarded-for", "127.0.0.1"), ("x-forwarded-proto", "https")]
    seen = proxied(scope_with("198.51.100.9", *forwarded), networks="10.0.0.0/8")
    assert (seen["client"][0], seen["scheme"]) == ("198.51.100.9", "http")


@pytest.mark.parametrize(
    ("chain", "client"),
    [
        ("1.1.1.1, 198.51.100.9", "198.51.100.9"),  # the first was invented by the client
        ("1.1.1.1, 198.51.100.9, 10.0.0.7", "198.51.100.9"),  # two proxies of ours
        ("10.0.0.9", "10.0.0.9"),
        ("nonsense, 198.51.100.9", "198.51.100.9"),
        ("198.51.100.9, nonsense", "10.0.0.2"),
        ("", "10.0.0.2"),
    ],
)
def test_the_client_is_the_last_who_is_none_of_ours(chain: str, client: str) -> None:
    seen = proxied(scope_with("10.0.0.2", ("x-forwarded-for", chain)), networks="10.0.0.0/8")
    assert seen["client"][0] == client


@given(st.text(alphabet=st.characters(max_codepoint=255), max_size=100))
def test_no_header_of_a_proxy_breaks_anything(written: str) -> None:
    headers = [(name, written) for name in ("x-forwarded-for", "x-forwarded-proto", "x-forwarded-host")]
    assert proxied(scope_with("10.0.0.2", *headers), networks="10.0.0.0/8")["client"]


def test_addresses_written_in_another_way_are_in_the_same_network() -> None:
    networks = parse_networks("127.0.0.0/8, ::1, fe80::/10")
    assert is_within("::ffff:127.0.0.1", networks)
    assert is_within("fe80::1%eth0", networks)
    assert not is_within("8.8.8.8", networks)
    assert not is_within(None, networks)


async def test_the_log_names_the_route_and_nothing_that_people_wrote(house: House) -> None:
    admin = await house.visitor(Role.ADMIN)
    with structlog.testing.capture_logs() as lines:
        await admin.get(
            f"/admin/mail/{'0' * 8}-0000-4000-8000-000000000000?secret=geheim", headers={"Cookie": "x=geheim"}
        )
        await admin.post("/admin/mail/test", json={"to": "geheim"})
        await client_of(house.app).get("/geheim/page")
    requests = [line for line in lines if line["event"] == "http.request"]
    assert [(line["method"], line["route"]) for line in requests] == [
        ("GET", "/api/v1/admin/mail/{mail_id}"),
        ("POST", "/api/v1/admin/mail/test"),
        ("GET", "(page)"),
    ]
    assert "geheim" not in str(lines)


async def test_health_checks_do_not_fill_the_log(visitor: httpx.AsyncClient) -> None:
    with structlog.testing.capture_logs() as lines:
        await visitor.get("/health/live")
    assert [line["log_level"] for line in lines] == ["debug"]


@pytest.fixture
async def broken(database: Database, settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(settings, Kernel(settings, database, Secrets.load(settings)))

    @app.get("/api/v1/broken")
    async def broken() -> None:
        raise LookupError("SELECT password FROM person")

    @app.get("/api/v1/halfway")
    async def halfway() -> Any:
        from fastapi.responses import StreamingResponse

        async def chunks() -> AsyncIterator[bytes]:
            yield b"half"
            raise LookupError("secret")

        return StreamingResponse(chunks())

    @app.get("/api/v1/values")
    async def values(value: str, kind: str, _actor: Any = None) -> None:
        async with app.state.kernel.database.system("test") as unit:
            number = int(value) if kind == "int8" else value
            await unit.execute(text(f"SELECT CAST(:value AS {kind})"), {"value": number})

    async with client_of(app, raise_app_exceptions=False) as client:
        yield client


async def test_a_mistake_of_ours_says_nothing_but_its_id(broken: httpx.AsyncClient) -> None:
    with structlog.testing.capture_logs() as lines:
        answer = await broken.get("/api/v1/broken")
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "http.internal_error"
    assert "SELECT" not in answer.text and "Traceback" not in answer.text
    (line,) = [line for line in lines if line["event"] == "http.unforeseen"]
    assert isinstance(line["exc_info"], LookupError)


@pytest.mark.parametrize(
    ("kind", "value"),
    [("text", "a\x00b"), ("jsonb", '"\\u0000"'), ("int8", str(2**70)), ("jsonb", '{"a":'), ("text", "a\x00")],
)
async def test_a_value_that_cannot_be_kept_is_the_requests_fault(
    broken: httpx.AsyncClient, kind: str, value: str
) -> None:
    answer = await broken.get("/api/v1/values", params={"value": value, "kind": kind})
    assert (answer.status_code, answer.json()["code"]) == (422, "http.invalid_value")


async def test_the_walls_stand_around_mistakes_too(broken: httpx.AsyncClient) -> None:
    answer = await broken.get("/api/v1/broken")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-request-id"] == answer.json()["request_id"]


async def test_methods_and_addresses_that_do_not_exist_are_problems(visitor: httpx.AsyncClient) -> None:
    for method, path, status in (
        ("GET", "/api/v1/none", 404),
        ("GET", "/api", 404),
        ("GET", "/.well-known/none", 404),
        ("DELETE", "/api/v1/installation", 405),
        ("POST", "/", 405),
        ("TRACE", "/login", 405),
    ):
        answer = await visitor.request(method, path)
        assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), path


async def test_every_error_code_of_the_edge_is_registered() -> None:
    from kontor.core.errors import registry

    for code in ("http.unknown_host", "http.starting", "http.internal_error", "http.body_too_slow", "web.not_found"):
        assert code in registry
    assert middleware.InternalError().code == "http.internal_error"


@contextmanager
def no_logging() -> Iterator[None]:
    logging.disable()
    yield
    logging.disable(logging.NOTSET)


async def test_the_whole_way_in_costs_less_than_two_milliseconds(house: House) -> None:
    """A wide margin over the measured 0.3 ms, so that only a mistake trips it."""
    scope = {
        "type": "http", "method": "GET", "path": "/health/live", "raw_path": b"/health/live", "query_string": b"",
        "root_path": "", "scheme": "http", "server": ("localhost", 80), "client": ("127.0.0.1", 1),
        "http_version": "1.1", "headers": [(b"host", b"localhost")], "state": {},
    }  # fmt: skip

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(_message: Any) -> None:
        return None

    loop = asyncio.get_running_loop()
    with no_logging():
        await house.app(dict(scope), receive, send)
        began = loop.time()
        for _ in range(200):
            await house.app(dict(scope), receive, send)
        each = (loop.time() - began) / 200
    assert each < 0.002
