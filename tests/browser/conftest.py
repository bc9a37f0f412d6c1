"""A real Kontor in processes of its own, and a real Chromium. What a page must never do is watched on every page."""

import asyncio
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Literal

import httpx
import pytest
from playwright.async_api import APIResponse, Browser, BrowserContext, ConsoleMessage, Page, Request, async_playwright

from tests.conftest import MASTER_KEY, scratch

ROOT = Path(__file__).resolve().parents[2]
AXE = ROOT / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
SHOTS = ROOT / "tests" / "browser" / "shots"
ADMIN = ("ada@example.org", "correct horse battery")
START_SECONDS = 300  # only a Kontor that hangs takes so long: one that cannot start ends, and that is seen at once

Theme = Literal["light", "dark"]
Language = Literal["de", "en"]

# The switches keep Chromium from calling home; there is no home to be reached in a test.
SWITCHES = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/browser" in str(item.path):
            item.add_marker(pytest.mark.browser)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Installation:
    url: str
    data: Path
    said: Path

    def login_link(self) -> str:
        found = re.findall(r"http://\S+/login/link#token=\S+", self.said.read_text())
        assert found, self.said.read_text()
        return str(found[-1])


@contextmanager
def running(kind: Literal["single", "multi"]) -> Iterator[Installation]:
    """Kontor as `kontor` starts it: supervisor, database, web and worker."""
    folder = scratch(f"kontor-{kind}-")
    port = free_port()
    said = folder / "said.txt"
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("KONTOR_", "PG"))} | {
        "KONTOR_KIND": kind,
        "KONTOR_MASTER_KEY": MASTER_KEY,
        "KONTOR_LOG_LEVEL": "warning",
        "ADMIN_EMAIL": ADMIN[0],
        "ADMIN_PASSWORD": ADMIN[1],
    }
    command = [sys.executable, "-m", "kontor.cli.main", "--no-browser", "--port", str(port), "--data", str(folder)]
    with said.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, env=environment, cwd=ROOT)
    try:
        url = f"http://127.0.0.1:{port}"
        wait_until_ready(url, process, said)
        yield Installation(url, folder, said)
    finally:
        process.terminate()
        process.wait(40)
        shutil.rmtree(folder, ignore_errors=True)


def wait_until_ready(url: str, process: "subprocess.Popen[bytes]", said: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, said.read_text()
        try:
            ready = httpx.get(f"{url}/health/ready", timeout=2, verify=False).status_code == 200  # plain HTTP
        except httpx.HTTPError:
            ready = False
        if ready and "Kontor is ready" in said.read_text():
            return
        time.sleep(0.1)
    raise AssertionError(f"Kontor was not ready in {START_SECONDS} s:\n{said.read_text()}")


@pytest.fixture(scope="session")
def single() -> Iterator[Installation]:
    with running("single") as made:
        yield made


@pytest.fixture(scope="session")
def multi() -> Iterator[Installation]:
    with running("multi") as made:
        yield made


@pytest.fixture(scope="session")
async def chromium() -> AsyncIterator[Browser]:
    executable = os.environ.get("KONTOR_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if executable is None:
        assert os.environ.get("KONTOR_BROWSER") != "required", "Chromium is required here and missing."
        pytest.skip("Chromium is not installed")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=executable, args=SWITCHES)
        yield browser
        await browser.close()


@dataclass
class Watch:
    """What the page did that it must not do."""

    origin: str
    complaints: list[str] = field(default_factory=list)

    def on_console(self, message: ConsoleMessage) -> None:
        # A refused request is part of some journeys; the browser's own line about it is not our mistake.
        if message.type in {"error", "warning"} and "Failed to load resource" not in message.text:
            self.complaints.append(f"console: {message.text}")

    def on_request(self, request: Request) -> None:
        if not request.url.startswith((self.origin, "data:", "blob:")):
            self.complaints.append(f"asked elsewhere: {request.url}")

    def attach(self, page: Page) -> None:
        page.on("console", self.on_console)
        page.on("request", self.on_request)
        page.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))


@cache
def axe_program() -> str:
    return AXE.read_text() + "; undefined"


@dataclass
class Visit:
    """One person's browser: a context with its own cookies, in one theme, language and size."""

    context: BrowserContext
    page: Page
    url: str
    name: str
    theme: Theme
    language: Language
    watch: Watch

    async def open(self, path: str) -> None:
        await self.page.goto(self.url + path)
        await self.settle()

    async def go(self, path: str) -> None:
        """To another screen of the page that is there, as a link leads to it: it loads only what the screen needs."""
        async with asyncio.timeout(30):
            await self.page.evaluate(
                """path => new Promise(done => {
                    const named = () => (document.title ? done() : requestAnimationFrame(named));
                    document.title = "";
                    history.pushState(null, "", path);
                    named();
                })""",
                path,
            )
        await self.settle()

    async def settle(self) -> None:
        await self.page.locator("h1, [role=heading]").first.wait_for()

    async def sign_in(self, email: str = ADMIN[0], password: str = ADMIN[1]) -> None:
        """By the interface, as the browser does it; the screens of signing in have tests of their own."""
        answer = await self.context.request.post(
            f"{self.url}/api/v1/auth/login",
            data={"email": email, "password": password, "cookie": True},
            headers={"Origin": self.url},
        )
        assert answer.ok, await answer.text()
        await self.patch_settings(theme=self.theme, language=self.language)

    async def patch_settings(self, **values: object) -> None:
        await self.patch("/settings", **values)

    async def finish_setup(self) -> None:
        """Most journeys begin after the first run."""
        me = await (await self.context.request.get(f"{self.url}/api/v1/auth/me")).json()
        if me["must_set_up"]:
            await self.post("/setup", name="Ada Lovelace", email=ADMIN[0], timezone="Europe/Berlin")
            await self.patch_settings(theme=self.theme, language=self.language)

    async def post(self, path: str, **values: object) -> APIResponse:
        return await self.call("POST", path, values)

    async def patch(self, path: str, **values: object) -> APIResponse:
        return await self.call("PATCH", path, values)

    async def delete(self, path: str) -> APIResponse:
        return await self.call("DELETE", path, None)

    async def call(self, method: str, path: str, values: dict[str, object] | None) -> APIResponse:
        me = await (await self.context.request.get(f"{self.url}/api/v1/auth/me")).json()
        answer = await self.context.request.fetch(
            f"{self.url}/api/v1{path}",
            method=method,
            data=values,
            headers={"Origin": self.url, "X-Kontor-CSRF": me["csrf_token"]},
        )
        assert answer.ok, await answer.text()
        return answer

    async def link_mailed_to(self, address: str, *, containing: str = "/") -> str:
        """As the operator finds it in the administration, where no mail server is set."""
        for _ in range(50):
            mails = await (await self.context.request.get(f"{self.url}/api/v1/admin/mail")).json()
            for mail in mails["items"]:
                if mail["to"] == address:
                    body = await (await self.context.request.get(f"{self.url}/api/v1/admin/mail/{mail['id']}")).json()
                    found = re.search(r"https?://\S+", body["text"] or "")
                    if found and containing in found[0]:
                        return str(found[0])
            await self.page.wait_for_timeout(200)
        raise AssertionError(f"No mail to {address} with {containing}")

    async def shot(self, name: str) -> None:
        """For eyes, with SHOTS=1 in the environment; nothing is compared with them."""
        if os.environ.get("SHOTS") is None:
            return
        SHOTS.mkdir(exist_ok=True)
        await self.page.screenshot(path=SHOTS / f"{name}-{self.name}.png")

    async def axe(self) -> None:
        """Nothing that axe knows to be wrong, by WCAG 2.2 AA and best practices."""
        await self.page.evaluate(axe_program())
        found = await self.page.evaluate(
            """async () => {
                // What comes or goes stands at its end meanwhile: half faded, nothing has the contrast that it has.
                const still = new CSSStyleSheet();
                still.replaceSync("*, ::before, ::after { transition: none !important; animation: none !important }");
                document.adoptedStyleSheets = [...document.adoptedStyleSheets, still];
                const { violations } = await axe.run(document, {
                    runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
                    resultTypes: ["violations"]
                });
                document.adoptedStyleSheets = document.adoptedStyleSheets.filter(sheet => sheet !== still);
                return violations.map(v => `${v.id}: ${v.nodes.map(n => n.target.join(" ")).join(", ")}`);
            }"""
        )
        assert found == [], (self.page.url, found)

    async def assert_stores_nothing(self) -> None:
        kept = await self.page.evaluate(
            """async () => ({
                local: Object.keys(localStorage), session: Object.keys(sessionStorage),
                databases: (await indexedDB.databases()).map(d => d.name), caches: await caches.keys(),
                workers: (await navigator.serviceWorker.getRegistrations()).length, readable: document.cookie,
            })"""
        )
        assert kept == {"local": [], "session": [], "databases": [], "caches": [], "workers": 0, "readable": ""}


@dataclass(frozen=True)
class Look:
    theme: Theme = "light"
    language: Language = "en"
    width: int = 1440
    height: int = 900

    @property
    def name(self) -> str:
        return f"{self.language}-{self.theme}-{self.width}"


DESKTOP = Look()
LOOKS = (
    Look("light", "en"),
    Look("dark", "de"),
    Look("light", "de", 390, 844),
    Look("dark", "en", 390, 844),
)


@asynccontextmanager
async def visit(browser: Browser, installation: Installation, look: Look = DESKTOP) -> AsyncIterator[Visit]:
    context = await browser.new_context(
        viewport={"width": look.width, "height": look.height},
        locale={"de": "de-DE", "en": "en-GB"}[look.language],
        color_scheme=look.theme,
        timezone_id="Europe/Berlin",
        has_touch=look.width < 768,
        is_mobile=look.width < 768,
        reduced_motion="reduce",
    )
    page = await context.new_page()
    watch = Watch(installation.url)
    watch.attach(page)
    context.on("page", watch.attach)
    made = Visit(context, page, installation.url, look.name, look.theme, look.language, watch)
    try:
        yield made
        if page.url != "about:blank":
            await made.assert_stores_nothing()
        assert watch.complaints == []
    finally:
        await context.close()
