"""What people do, in a real browser against the real program."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.async_api import Browser, Page, Route, expect

from tests.browser.conftest import ADMIN, Installation, Look, Visit, visit
from tests.wire.llm_server import serving
from tests.wire.openai import OpenAi

PASSWORD = "nine quiet harbour lamps"

# For what the app decides by its own clock, on a machine that has other work as well.
PATIENCE_MS = 30_000


async def test_the_first_run_from_the_printed_link(chromium: Browser, single: Installation) -> None:
    """The link signs in once; four steps later Kontor is open, in the language and theme that were chosen."""
    async with visit(chromium, single, Look(language="de")) as owner:
        page = owner.page
        await page.goto(single.login_link())
        await page.wait_for_url("**/setup")
        await page.get_by_role("heading", name="Willkommen bei Kontor").wait_for()
        await owner.axe()
        await owner.shot("first-run")
        await page.get_by_label("Ihr Name").fill("Rosa Kern")
        await page.get_by_role("button", name="Weiter").click()
        await page.get_by_role("heading", name="Wie soll Kontor antworten?").wait_for()
        await owner.axe()
        await owner.shot("first-run-model")
        async with serving(OpenAi()) as provider:
            await page.get_by_role("radio", name="Mit einer anderen Adresse").click()
            await page.get_by_label("Adresse", exact=True).fill(provider.url)
            await page.get_by_label("Schlüssel, falls nötig").fill(provider.key)
            await page.get_by_role("button", name="Testen").last.click()
            await page.get_by_role("button", name=re.compile(r"[1-9]\d* Modelle? verwenden")).click()
        await page.get_by_role("radio", name="Dunkel").click()
        await expect(page.locator("html")).to_have_class(re.compile("dark"))
        await page.get_by_role("button", name=re.compile("Fertig|Weiter|Abschließen")).click()
        await page.get_by_role("heading", name="Alles ist bereit").wait_for()
        await owner.axe()
        await page.get_by_role("button", name="Kontor öffnen").click()
        await page.get_by_role("heading", name="Start").wait_for()
        await page.reload()
        await expect(page.locator("html")).to_have_class(re.compile("dark"))

        # The same link does not work a second time.
        await page.goto(single.login_link())
        await page.get_by_text("funktioniert nicht mehr").or_(page.get_by_text("gilt nicht mehr")).first.wait_for()


async def sign_in(page: Page, url: str, email: str, password: str) -> None:
    await page.goto(f"{url}/login")
    await page.get_by_label("E-mail address").fill(email)
    await page.get_by_label("Password", exact=True).fill(password)
    await page.get_by_role("button", name="Sign in", exact=True).click()


async def test_signing_in_and_out(chromium: Browser, multi: Installation) -> None:
    async with visit(chromium, multi) as ada:
        page = ada.page
        await page.goto(f"{multi.url}/settings/appearance")
        await page.wait_for_url("**/login**")
        await page.get_by_label("E-mail address").fill(ADMIN[0])
        await page.get_by_label("Password", exact=True).fill("not the password")
        await page.get_by_role("button", name="Sign in", exact=True).click()
        await page.get_by_role("alert").first.wait_for()
        await page.get_by_label("Password", exact=True).fill(ADMIN[1])
        await page.get_by_role("button", name="Sign in", exact=True).click()
        # Back where they wanted to go, or the first run before it.
        await page.wait_for_url(re.compile("/settings/appearance|/setup"))
        cookies = {cookie["name"]: cookie for cookie in await ada.context.cookies()}
        assert cookies["kontor"]["httpOnly"] and cookies["kontor"]["sameSite"] == "Lax"


async def until_saved(visitor: Visit, holds: Callable[[dict[str, Any]], bool]) -> None:
    """The desk is saved a moment after the last change to it."""
    for _ in range(100):
        desk = await (await visitor.context.request.get(f"{visitor.url}/api/v1/desk")).json()
        if holds(desk):
            return
        await visitor.page.wait_for_timeout(100)
    raise AssertionError(desk)


async def test_tabs_and_sheets_are_the_same_on_another_device(chromium: Browser, multi: Installation) -> None:
    async with visit(chromium, multi) as first, visit(chromium, multi) as second:
        await first.sign_in()
        await first.finish_setup()
        await first.open("/settings/keys")
        await first.open("/admin/users")
        page, other = first.page, second.page
        tabs = page.get_by_role("navigation", name="Open tabs")
        await expect(tabs.get_by_role("link", name="Keys")).to_be_visible()
        await expect(tabs.get_by_role("link", name="Users")).to_be_visible()
        await tabs.get_by_role("link", name="Keys").click(button="right")
        await page.get_by_role("menuitem", name="Open beside").click()
        await expect(page.get_by_role("heading", level=1)).to_have_text(["Users", "Keys"])
        line = page.get_by_role("separator", name="Share of the left sheet")
        await line.press("ArrowRight")
        await first.axe()
        await until_saved(first, lambda desk: desk["split"] == {"second": "settings", "share": 55, "front": "second"})
        await page.reload()
        await expect(page.get_by_role("heading", level=1)).to_have_text(["Users", "Keys"])
        await expect(line).to_have_attribute("aria-valuenow", "55")

        await second.sign_in()
        await second.open("/admin/users")
        await expect(other.get_by_role("heading", level=1)).to_have_text(["Users", "Keys"])
        left, right = [await sheet.bounding_box() for sheet in await other.get_by_role("heading", level=1).all()]
        assert left and right and left["x"] < right["x"]
        await expect(other.get_by_role("separator", name="Share of the left sheet")).to_have_attribute(
            "aria-valuenow", "55"
        )
        # What is closed here closes there, and the sheet that is left has the window to itself.
        await other.get_by_role("button", name="Close tab “Keys”").click(force=True)
        await expect(tabs.get_by_role("link", name="Keys")).to_have_count(0, timeout=PATIENCE_MS)
        await expect(page.get_by_role("heading", level=1)).to_have_text(["Users"])


async def test_the_palette_finds_places_and_commands_by_keyboard(chromium: Browser, multi: Installation) -> None:
    async with visit(chromium, multi) as ada:
        await ada.sign_in()
        await ada.finish_setup()
        await ada.open("/")
        page = ada.page
        await page.keyboard.press("Control+k")
        await page.get_by_role("dialog", name="Commands and search").wait_for()
        await ada.axe()
        await ada.shot("palette")
        await page.keyboard.type("security")
        await page.get_by_role("option", name=re.compile("Security")).first.wait_for()
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/settings/security**")
        await page.get_by_role("heading", name="Security").wait_for()
        await expect(page.get_by_role("dialog")).to_have_count(0)
        await page.keyboard.press("?")
        await page.get_by_role("dialog", name="Keys").wait_for()
        await ada.axe()
        await page.keyboard.press("Escape")
        await expect(page.get_by_role("dialog")).to_have_count(0)


async def test_a_switch_saves_at_once_and_can_be_undone(chromium: Browser, multi: Installation) -> None:
    async with visit(chromium, multi) as ada:
        await ada.sign_in()
        await ada.finish_setup()
        await ada.open("/settings/appearance")
        page, html = ada.page, ada.page.locator("html")
        await page.get_by_role("radio", name="Dark").click()
        await expect(html).to_have_class(re.compile("dark"))
        await page.get_by_role("button", name="Undo").click()
        await expect(html).not_to_have_class(re.compile("dark"))


async def test_registration_by_mail_that_the_operator_hands_on(chromium: Browser, multi: Installation) -> None:
    """Without a mail server the administrator finds the message and its link; the person verifies and comes in."""
    async with visit(chromium, multi) as ada, visit(chromium, multi) as nora:
        await ada.sign_in()
        await ada.finish_setup()
        await ada.patch("/admin/configuration", registration="open")
        page = nora.page
        await nora.open("/register")
        await page.get_by_label("Your name").fill("Nora Vogt")
        await page.get_by_label("E-mail address").fill("nora@example.org")
        await page.get_by_label("Password").first.fill(PASSWORD)
        await page.get_by_role("button", name="Register").click()
        await page.get_by_role("heading", name="Please check your mail").wait_for()
        await nora.axe()

        link = await ada.link_mailed_to("nora@example.org")
        await page.goto(link)
        await page.get_by_text("Your address is confirmed").wait_for()
        await sign_in(page, multi.url, "nora@example.org", PASSWORD)
        await page.get_by_role("heading", name=re.compile("Welcome|Start")).first.wait_for()

        # Forgotten, reset by link, and the old password is history.
        await nora.open("/forgot")
        await page.get_by_label("E-mail address").fill("nora@example.org")
        await page.get_by_role("button", name="Send link").click()
        await page.goto(await ada.link_mailed_to("nora@example.org", containing="/reset/"))
        await page.get_by_label("New password").first.fill("another long evening walk")
        await page.get_by_role("button", name="Set password").click()
        await page.get_by_text("Your new password is set").wait_for()
        await ada.patch("/admin/configuration", registration="closed")


async def test_an_ended_session_closes_the_page_within_seconds(chromium: Browser, multi: Installation) -> None:
    async with visit(chromium, multi) as here, visit(chromium, multi) as there:
        await here.sign_in()
        await here.finish_setup()
        await there.sign_in()
        await there.open("/")
        await here.delete("/auth/sessions")
        await there.page.wait_for_url("**/login**", timeout=PATIENCE_MS)


async def test_a_lost_line_is_told_and_mended(chromium: Browser, multi: Installation) -> None:
    async with visit(chromium, multi) as ada:
        await ada.sign_in()
        await ada.finish_setup()
        page = ada.page
        await page.clock.install()
        await ada.open("/settings/profile")
        lost, connected = page.get_by_text("Not connected since"), page.get_by_text("Connected", exact=True)
        await ada.context.set_offline(True)
        await lost.wait_for(timeout=PATIENCE_MS)
        await ada.axe()
        await ada.shot("offline")
        await ada.context.set_offline(False)
        await connected.wait_for(timeout=PATIENCE_MS)

        # The network stands and the server is away, so long that the next try of its own is far off.
        tries = 0

        async def refuse(route: Route) -> None:
            nonlocal tries
            tries += route.request.url.endswith("/events")
            await route.abort()

        await ada.context.route("**/api/**", refuse)
        await page.evaluate("window.dispatchEvent(new Event('offline'))")
        await lost.wait_for(timeout=PATIENCE_MS)
        while tries < 8:
            await page.clock.fast_forward(31_000)
            await page.wait_for_timeout(20)
        # From here on no time passes: whatever mends the line is the button. (Only forward can the clock be set.)
        await page.clock.pause_at(await page.evaluate("Date.now() / 1000 + 600"))
        await page.get_by_text("next try in").wait_for(timeout=PATIENCE_MS)
        await ada.context.unroute("**/api/**", refuse)
        await page.get_by_role("button", name="Try now").click()
        await connected.wait_for(timeout=PATIENCE_MS)
        ada.watch.complaints[:] = [line for line in ada.watch.complaints if "ERR_INTERNET_DISCONNECTED" not in line]


@pytest.mark.parametrize("path", ["/", "/settings/security"])
async def test_everything_is_reached_by_the_tab_key(chromium: Browser, multi: Installation, path: str) -> None:
    """No trap: from the skip link through all controls and round again, the focus always to be seen."""
    async with visit(chromium, multi) as ada:
        await ada.sign_in()
        await ada.finish_setup()
        await ada.open(path)
        seen: list[str] = []
        for _ in range(80):
            await ada.page.keyboard.press("Tab")
            name = await ada.page.evaluate(
                """() => { const e = document.activeElement;
                    return e === document.body ? "" : `${e.tagName} ${e.getAttribute("aria-label") || e.innerText}` }"""
            )
            if not name or (seen and name == seen[0] and len(seen) > 5):
                break
            seen.append(name)
        assert len(seen) > 8
        assert "Skip to content" in seen[0]
