"""Requests that nobody honest sends, over real sockets: a 4xx, soon, and the server lives on."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest

from kontor.core.settings import Settings
from kontor.core.tenancy import Role
from kontor.web import main, middleware
from tests.conftest import MASTER_KEY
from tests.conftest import Server as PostgresServer
from tests.web.conftest import Live, eventually, opened_live

LOGIN = "/api/v1/auth/login"
APPLICANT = {"email": "otto@example.org", "password": "seven brown hens", "name": "Otto"}


@pytest.fixture(scope="module")
async def live(server: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Live]:
    """One for all of them: what one request breaks, the next one finds broken."""
    settings = Settings(
        kontor_data=tmp_path_factory.mktemp("hostile"),
        kontor_kind="multi",
        kontor_master_key=MASTER_KEY,
        kontor_rate_factor=0,
    )
    async with opened_live(settings, server) as made:
        yield made


async def talk(live: Live, raw: bytes, *, seconds: float = 10) -> bytes:
    """Send bytes as they are and read to the end."""
    reader, writer = await asyncio.open_connection("127.0.0.1", live.port)
    answer = b""
    try:
        with suppress(ConnectionError):
            writer.write(raw)
            await writer.drain()
        with suppress(ConnectionError, TimeoutError):
            async with asyncio.timeout(seconds):
                answer = await reader.read()
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
    return answer


def head_of(line: str) -> bytes:
    lines = [f"POST {LOGIN} HTTP/1.1", "Host: localhost", "Content-Type: application/json", line]
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


def status_of(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


async def lives(live: Live) -> None:
    async with live.client() as client:
        assert (await client.get("/health/live")).status_code == 200


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"[" * 100_000 + b"]" * 100_000, {400, 422}),
        (b'{"a":' * 50_000 + b"1" + b"}" * 50_000, {400, 422}),
        (b'{"email": "' + b"x" * 1_000_000 + b'", "password": "y"}', {401, 422}),
        (b"\xff\xfe\x00", {400, 422}),
        (b"", {422}),
        (b"null", {422}),
        (b'{"email": "a\\u0000b@example.org", "password": "x\\u0000"}', {401, 422}),
        (b'{"email": "\\ud800@example.org", "password": "\\udfff"}', {401, 422}),
        (b'{"email": NaN, "password": Infinity}', {400, 422}),
        (b'{"email": 1' + b"0" * 100_000 + b', "password": "x"}', {400, 422}),
    ],
)
async def test_bodies_that_are_no_requests(live: Live, body: bytes, status: set[int]) -> None:
    ada = await live.sign_in()  # from nobody the large ones would not be read
    async with live.client(headers=ada.headers | {"Content-Type": "application/json"}) as client:
        answer = await client.post(LOGIN, content=body)
    assert answer.status_code in status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    await lives(live)


async def test_large_bodies_are_refused_before_they_are_read(live: Live) -> None:
    head = head_of("Content-Length: 10485760")
    answer = await talk(live, head)  # not one byte of the body
    assert status_of(answer) == 413
    assert b"connection: close" in answer.lower()


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/api/v1/auth/invite/upload"), ("PATCH", "/api/v1/admin/users/upload")]
)
async def test_no_spelling_of_a_path_lets_a_large_body_in(live: Live, method: str, path: str) -> None:
    head = head_of("Content-Length: 10485760").replace(b"POST " + LOGIN.encode(), f"{method} {path}".encode())
    assert path.encode() in head
    assert status_of(await talk(live, head)) == 413


async def test_large_bodies_without_a_length_are_refused_as_they_grow(live: Live) -> None:
    head = head_of("Transfer-Encoding: chunked")
    chunk = b"10000\r\n" + b" " * 65_536 + b"\r\n"
    ada = await live.sign_in()
    known = head.replace(b"Host:", f"Authorization: Bearer {ada.token}\r\nHost:".encode())
    for request, chunks in ((head, 2), (known, 40)):
        answer = await talk(live, request + chunk * chunks)
        assert status_of(answer) == 413
        assert json.loads(answer.split(b"\r\n\r\n", 1)[1])["code"] == "http.body_too_large"


@pytest.mark.parametrize(
    "credential",
    ["X-None: 1", "Authorization: Bearer nonsense", "X-API-Key: ktr_nonsense", "Cookie: kontor_session=nonsense"],
)
async def test_from_nobody_only_a_small_body_is_read(live: Live, credential: str) -> None:
    """Naming a credential is not having one."""
    head = head_of(f"Content-Length: 65537\r\n{credential}")
    answer = await talk(live, head)
    assert status_of(answer) == 413
    assert json.loads(answer.split(b"\r\n\r\n", 1)[1])["limit_bytes"] == 65_536


async def test_whoever_is_signed_in_may_send_more(live: Live) -> None:
    ada = await live.sign_in()
    large = {"name": "x" * 100_000}
    async with live.client() as client:
        answer = await client.patch("/api/v1/auth/me", json=large, headers=ada.headers)
        assert answer.status_code == 422, answer.text
        answer = await client.patch("/api/v1/auth/me", json=large)
        assert (answer.status_code, answer.json()["code"]) == (413, "http.body_too_large")


async def test_a_body_that_never_arrives_is_given_up(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(middleware, "BODY_SECONDS", 1.0)
    head = head_of("Content-Length: 100")
    answer = await talk(live, head + b'{"email"', seconds=6)
    assert status_of(answer) == 408
    assert json.loads(answer.split(b"\r\n\r\n", 1)[1])["code"] == "http.body_too_slow"


async def test_a_body_that_drips_is_given_up_however_patiently_it_drips(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(middleware, "BODY_SECONDS", 1.0)
    reader, writer = await asyncio.open_connection("127.0.0.1", live.port)
    head = head_of("Content-Length: 500")
    writer.write(head)
    with suppress(ConnectionError):
        for _ in range(40):
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.1)
    async with asyncio.timeout(5):
        with suppress(ConnectionError):
            assert b"408" in await reader.readline()
    writer.close()


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"".join(b"X-%d: y\r\n" % n for n in range(10_000)) + b"\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"y" * 200_000 + b"\r\n\r\n",
        b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"y" * 2_000_000,  # and never an end
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",  # TLS on a plain port
        b"GET / HTTP/9.9\r\n\r\n",
        b"NONSENSE\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
    ],
    ids=["10000-headers", "long-header", "long-path", "endless-header", "tls", "version", "nonsense", "smuggle",
         "two-lengths"],
)  # fmt: skip
async def test_heads_that_are_no_heads(live: Live, head: bytes) -> None:
    answer = await talk(live, head)
    assert answer == b"" or status_of(answer) == 400, answer[:200]
    await lives(live)


async def test_a_hundred_headers_are_still_honest(live: Live) -> None:
    async with live.client() as client:
        answer = await client.get("/health/live", headers={f"X-{n}": "y" * 300 for n in range(100)})
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "sent", [b"", b"GET / HTTP/1.1\r\nHost:", b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\nGET /"]
)
async def test_whoever_connects_and_says_nothing_is_let_go(
    live: Live, monkeypatch: pytest.MonkeyPatch, sent: bytes
) -> None:
    monkeypatch.setattr(main, "HEAD_SECONDS", 0.5)
    reader, writer = await asyncio.open_connection("127.0.0.1", live.port)
    writer.write(sent)
    async with asyncio.timeout(8):
        await reader.read()
    writer.close()
    await eventually(lambda: not live.server.server_state.connections)


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/admin/users?search=%00",
        "/api/v1/admin/users?cursor=%00%ff",
        "/api/v1/admin/users?limit=99999999999999999999",
        "/api/v1/admin/users/%00",
        "/api/v1/admin/users/00000000-0000-0000-0000-00000000000g",
        "/api/v1/admin/audit?since=9999-12-31T23:59:59-23:59",
        "/api/v1/admin/audit?since=0001-01-01T00:00:00%2B23:59",
        "/api/v1/admin/audit?cursor=WyI5OTk5OTk5OTk5OTk5OTk5OTk5OTk5Il0",
        "/api/v1/admin/mail?cursor=WyJ4IiwieSJd",
        "/api/v1/admin/jobs?kind=%00&owner=%00",
        "/api/v1/events?after=%00",
        "/api/v1/notifications?cursor=" + "A" * 900,
        "/api/v1/%2e%2e/%2e%2e/etc/passwd",
        "/api/v1/desk?" + "&".join(f"a{n}=b" for n in range(2000)),
    ],
)
async def test_addresses_that_are_no_addresses(live: Live, path: str) -> None:
    boss = await live.sign_in(Role.ADMIN)
    async with (
        live.client() as client,
        client.stream("GET", path, headers=boss.headers) as answer,
    ):
        assert answer.status_code < 500, (await answer.aread())[:500]


@pytest.mark.parametrize("path", ["/health/live", "/api/v1/auth/me", "/"])
@pytest.mark.parametrize("value", [b'kontor="' + b"\\" * 60_000 + b'"', b'x="' + b'\\"' * 30_000 + b'"; ;=;'])
async def test_no_cookie_takes_long_to_read(live: Live, path: str, value: bytes) -> None:
    began = time.monotonic()
    head = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nCookie: ".encode() + value + b"\r\nConnection: close\r\n\r\n"
    assert status_of(await talk(live, head)) in {200, 401, 503}
    assert time.monotonic() - began < 2


async def test_no_text_takes_long_to_compose(live: Live) -> None:
    """Marks in the wrong order are sorted by whoever composes them."""
    marks = "\u0315" * 150_000 + "\u0300" * 150_000
    ada = await live.sign_in()  # from nobody so long a text would not be read
    began = time.monotonic()
    async with live.client(headers=ada.headers) as client:
        for body in ({"name": marks}, {"email": marks + "@example.org"}, {"password": marks}):
            answer = await client.post("/api/v1/auth/register", json=APPLICANT | body)
            assert answer.status_code in {403, 422}, answer.text
            answer = await client.post(LOGIN, json=APPLICANT | body)
            assert answer.status_code in {401, 422}, answer.text
    assert time.monotonic() - began < 5


async def test_a_cookie_from_another_site_opens_nothing(live: Live) -> None:
    headers = {"Cookie": "kontor=x", "Origin": "https://evil.example", "Content-Type": "text/plain"}
    async with live.client() as client:
        answer = await client.put("/api/v1/desk", headers=headers, content="{}")
    assert answer.status_code == 403


async def test_a_thousand_idle_connections_cost_little_and_hinder_nobody(live: Live) -> None:
    writers = [(await asyncio.open_connection("127.0.0.1", live.port))[1] for _ in range(1000)]
    try:
        await lives(live)
    finally:
        for writer in writers:
            writer.transport.abort()
    await eventually(lambda: len(live.server.server_state.connections) < 10)
