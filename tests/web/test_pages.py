"""The web app's files and its page."""

import gzip
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Receive, Scope, Send

from kontor.accounts import sessions
from kontor.accounts.callers import Caller
from kontor.accounts.cookies import session_cookie_name
from kontor.accounts.preferences import Appearance
from kontor.accounts.sessions import SessionKind
from kontor.accounts.tables import Person
from kontor.core.limits.buckets import MemoryBuckets
from kontor.core.limits.rates import Limiter
from kontor.core.tenancy import Role
from kontor.web.lifecycle import Lifecycle, Phase
from kontor.web.look import look_of
from kontor.web.static import Pages, dressed, preferred_language
from tests.factories.house import House

PAGE = '<!doctype html>\n<html lang="en" data-theme="system" data-text-size="100">\n<head></head><body></body></html>'
SCRIPT = "console.log('kontor');\n" * 200


@pytest.fixture
def build(tmp_path: Path) -> Path:
    folder = tmp_path / "ui"
    (folder / "assets").mkdir(parents=True)
    (folder / ".vite").mkdir()
    (folder / "index.html").write_text(PAGE)
    (folder / "theme.js").write_text("1;")
    (folder / "assets" / "main-abc123.js").write_text(SCRIPT)
    (folder / "assets" / "style-abc123.css").write_text("a{}")
    (folder / "assets" / "style-abc123.css.br").write_bytes(b"brotli")
    (folder / "assets" / "notes.exe").write_text("no")
    (folder / ".vite" / "manifest.json").write_text("{}")
    (folder / ".stamp").write_text("stamp")
    (tmp_path / "secret.txt").write_text("secret")
    return folder


class Looks:
    """How the person wants it, set by the test."""

    appearance = Appearance()

    async def __call__(self, _scope: Scope) -> Appearance:
        return self.appearance


@pytest.fixture
def looks() -> Looks:
    return Looks()


@pytest.fixture
def lifecycle() -> Lifecycle:
    return Lifecycle(phase=Phase.SERVING)


@pytest.fixture
async def client(build: Path, looks: Looks, lifecycle: Lifecycle) -> AsyncIterator[httpx.AsyncClient]:
    async def api(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 418, "headers": []})
        await send({"type": "http.response.body", "body": b"api"})

    pages = Pages(api, lifecycle=lifecycle, look=looks, folder=build)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=pages), base_url="http://localhost") as made:
        yield made


async def test_hashed_files_are_kept_for_good_and_others_asked_for_again(client: httpx.AsyncClient) -> None:
    hashed, plain = await client.get("/assets/main-abc123.js"), await client.get("/theme.js")
    assert hashed.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert hashed.headers["content-type"] == "text/javascript; charset=utf-8"
    assert plain.headers["cache-control"] == "no-cache"
    again = await client.get("/theme.js", headers={"If-None-Match": plain.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


async def test_only_the_worker_that_reads_pdfs_may_compile(build: Path, client: httpx.AsyncClient) -> None:
    (build / "assets" / "pdf.worker.min-abc123.mjs").write_text("1;")
    (build / "index.html").write_text(PAGE + " ")
    worker = await client.get("/assets/pdf.worker.min-abc123.mjs")
    assert worker.headers["content-type"].startswith("text/javascript")
    assert "'wasm-unsafe-eval'" in worker.headers["content-security-policy"]
    others = [await client.get(path) for path in ("/", "/assets/main-abc123.js")]
    assert not any("wasm" in answer.headers.get("content-security-policy", "") for answer in others)


async def test_files_travel_compressed_to_whoever_takes_that(client: httpx.AsyncClient) -> None:
    small = await client.get("/assets/main-abc123.js", headers={"Accept-Encoding": "gzip"})
    assert small.headers["content-encoding"] == "gzip"
    assert int(small.headers["content-length"]) < len(SCRIPT) / 10
    assert small.text == SCRIPT
    whole = await client.get("/assets/main-abc123.js", headers={"Accept-Encoding": "gzip;q=0"})
    assert "content-encoding" not in whole.headers and whole.text == SCRIPT
    assert whole.headers["vary"] == "Accept-Encoding"


async def test_what_the_build_has_compressed_is_used(build: Path, client: httpx.AsyncClient) -> None:
    (build / "assets" / "main-abc123.js.gz").write_bytes(gzip.compress(b"from the build"))
    small = await client.get("/assets/main-abc123.js", headers={"Accept-Encoding": "gzip"})
    assert small.text == "from the build"


@pytest.mark.parametrize(
    "path",
    ["/assets/old-999.js", "/.stamp", "/.vite/manifest.json", "/assets/notes.exe", "/assets/", "/../secret.txt",
     "/assets/..%2f..%2fsecret.txt", "/%2e%2e/secret.txt", "/assets/%00.js", "//secret.txt", "/assets/main-abc123.js/"],
)  # fmt: skip
async def test_nothing_but_the_build_is_ever_served(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)
    assert "secret" not in answer.text and answer.text != "no"
    assert answer.status_code == 404 or answer.text == PAGE
    if path.startswith("/assets/"):
        assert answer.status_code == 404


async def test_every_address_of_the_app_is_the_page_and_the_api_is_left_alone(client: httpx.AsyncClient) -> None:
    for path in ("/", "/login", "/settings/security", "/apiary", "/healthy", "/f/Bericht%202026"):
        answer = await client.get(path)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8"), path
    for path in ("/api", "/api/v1/desk", "/ws/events", "/v1/models", "/health", "/metrics", "/.well-known/x"):
        assert (await client.get(path)).status_code == 418, path


async def test_the_first_tag_is_as_the_person_wants_it(client: httpx.AsyncClient, looks: Looks) -> None:
    looks.appearance = Appearance(language="de", theme="dark", text_size=125)
    answer = await client.get("/", headers={"Accept-Language": "en"})
    assert '<html lang="de" data-theme="dark" data-text-size="125">' in answer.text
    assert answer.text.count("<html") == 1
    assert answer.headers["vary"] == "Cookie, Accept-Language"


async def test_nobody_in_particular_is_spoken_to_as_their_browser_asks(client: httpx.AsyncClient) -> None:
    german = await client.get("/", headers={"Accept-Language": "de-AT,de;q=0.9,en;q=0.8"})
    assert '<html lang="de" data-theme="system" data-text-size="100">' in german.text


@pytest.mark.parametrize(
    ("header", "language"),
    [("", "en"), ("fr", "en"), ("fr,de;q=0.5", "de"), ("en;q=0.4,de;q=0.5", "de"), ("de;q=0", "en"), ("DE-ch", "de"),
     ("de;q=x,en", "en"), ("en,de", "en")],
)  # fmt: skip
def test_the_language_that_is_wanted_most_wins(header: str, language: str) -> None:
    assert preferred_language(header) == language


@given(st.text(max_size=300))
def test_no_header_breaks_the_choice_of_the_language(header: str) -> None:
    assert preferred_language(header) in {"de", "en"}


def test_a_page_is_dressed_whatever_its_first_tag_says() -> None:
    assert dressed("<html>", language='x"><script>', theme="dark", text_size=100).count("<script") == 0


async def test_a_new_build_is_noticed(build: Path, client: httpx.AsyncClient) -> None:
    await client.get("/")
    (build / "assets" / "main-def456.js").write_text("2;")
    (build / "index.html").write_text(PAGE.replace("<body>", "<body>new"))
    assert (await client.get("/assets/main-def456.js")).text == "2;"
    assert "new" in (await client.get("/")).text


async def test_without_a_build_the_page_says_what_to_do(build: Path, client: httpx.AsyncClient) -> None:
    (build / "index.html").unlink()
    german = await client.get("/", headers={"Accept-Language": "de"})
    assert german.status_code == 503 and "./kontor" in german.text and "nicht gebaut" in german.text
    assert "is not built" in (await client.get("/settings")).text


async def test_while_it_starts_the_page_comes_back_by_itself(client: httpx.AsyncClient, lifecycle: Lifecycle) -> None:
    lifecycle.phase = Phase.STARTING
    answer = await client.get("/")
    assert (answer.status_code, answer.headers["refresh"]) == (503, "1")
    assert (await client.get("/theme.js")).status_code == 200


async def test_a_cookie_brings_its_persons_own_settings(house: House, build: Path) -> None:
    visitor = await house.visitor(Role.USER)
    await visitor.patch("/settings", json={"language": "de", "theme": "light", "text_size": 110})
    async with house.database.system("sign-in") as unit:
        person = await unit.get_one(Person, visitor.id)
        session = await sessions.open_session(
            unit, person, Caller("192.0.2.7", "test"), kind=SessionKind.BROWSER, days=1
        )

    async def look(scope: Scope) -> Appearance:
        return await look_of(house.kernel, scope)

    pages = Pages(house.app, lifecycle=Lifecycle(phase=Phase.SERVING), look=look, folder=build)
    name = session_cookie_name(house.kernel.settings, "http")
    transport = httpx.ASGITransport(app=pages)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        mine = await client.get("/", headers={"Cookie": f"{name}={session.cookie}"})
        strangers = await client.get("/", headers={"Cookie": f"{name}=nonsense"})
    assert '<html lang="de" data-theme="light" data-text-size="110">' in mine.text
    assert '<html lang="en" data-theme="system" data-text-size="100">' in strangers.text


async def test_pages_do_not_ask_the_database_more_often_than_the_api_does(house: House) -> None:
    visitor = await house.visitor(Role.USER)
    await visitor.patch("/settings", json={"theme": "light"})
    async with house.database.system("sign-in") as unit:
        person = await unit.get_one(Person, visitor.id)
        session = await sessions.open_session(unit, person, Caller(), kind=SessionKind.BROWSER, days=1)
    house.kernel.limiter = Limiter(MemoryBuckets(), factor=0.001)  # one request
    name = session_cookie_name(house.kernel.settings, "http")
    cookie = (b"cookie", f"{name}={session.cookie}".encode())
    scope = {"type": "http", "scheme": "http", "headers": [cookie], "client": ("192.0.2.9", 4711)}
    assert [(await look_of(house.kernel, scope)).theme for _ in range(2)] == ["light", "system"]
