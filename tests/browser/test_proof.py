"""Somebody at a browser that was left open does not get at what decides who comes in."""

import re

import asyncpg
import pytest
from playwright.async_api import Browser, expect

from kontor.core.postgres import attach
from tests.browser.conftest import ADMIN, DESKTOP, Installation, Look, visit

WORDS = {
    "en": {
        "make": "Make token",
        "title": "Confirm that it is you",
        "password": "Your password",
        "confirm": "Confirm",
        "wrong": "This is not your password.",
        "for": "What is it for?",
    },
    "de": {
        "make": "Token erzeugen",
        "title": "Bestätigen Sie, dass Sie es sind",
        "password": "Ihr Passwort",
        "confirm": "Bestätigen",
        "wrong": "Das ist nicht Ihr Passwort.",
        "for": "Wofür ist es?",
    },
}


async def let_proofs_grow_old(installation: Installation) -> None:
    server = attach(installation.data)
    assert server is not None
    connection = await asyncpg.connect(server.url())
    try:
        await connection.execute("SELECT set_config('kontor.scope', 'system', false)")
        await connection.execute("UPDATE session SET proved_at = now() - interval '1 hour' WHERE ended_at IS NULL")
    finally:
        await connection.close()


@pytest.mark.parametrize("look", [DESKTOP, Look("dark", "de", 390, 844)], ids=lambda look: look.name)
async def test_a_token_is_made_after_saying_once_more_who_one_is(
    chromium: Browser, multi: Installation, look: Look
) -> None:
    words = WORDS[look.language]
    async with visit(chromium, multi, look) as ada:
        await ada.sign_in()
        await ada.finish_setup()
        await ada.open("/settings/tokens")
        await let_proofs_grow_old(multi)
        page = ada.page
        await page.get_by_role("button", name=words["make"]).first.click()
        below = page.get_by_role("dialog", name=words["make"])
        await below.get_by_label(words["for"]).fill(f"Script {look.name}")
        await below.get_by_role("button", name=words["make"]).click()

        question = page.get_by_role("dialog", name=words["title"])
        password = question.get_by_label(words["password"], exact=True)
        await expect(password).to_be_focused()
        await ada.axe()
        await ada.shot("proof")
        # The keyboard stays in the question, and leaves the form below it as it was.
        for _ in range(7):
            await page.keyboard.press("Tab")
            await expect(question.locator(":focus")).to_have_count(1)
        await page.keyboard.press("Escape")
        await expect(question).to_have_count(0)
        await expect(below.get_by_label(words["for"])).to_have_value(f"Script {look.name}")

        await below.get_by_role("button", name=words["make"]).click()
        await password.fill("not the password")
        await page.keyboard.press("Enter")
        await expect(question.get_by_text(words["wrong"])).to_be_visible()
        await password.fill(ADMIN[1])
        await question.get_by_role("button", name=words["confirm"]).click()
        await expect(question).to_have_count(0)
        await expect(page.get_by_text(re.compile("^ktr_[A-Za-z0-9_-]{20}"))).to_be_visible()
        await page.keyboard.press("Escape")
        await expect(page.get_by_role("dialog")).to_have_count(0)
