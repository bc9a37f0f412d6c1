"""A project from its making to the moment when somebody loses it, in two people's browsers."""

import re

import pytest
from playwright.async_api import Browser, expect

from tests.browser.conftest import Installation, visit

PASSWORD = "nine quiet harbour lamps"
# For what comes by events, on a machine that has other work as well.
PATIENCE_MS = 30_000


@pytest.fixture(scope="module")
async def two_people(chromium: Browser, multi: Installation) -> Installation:
    async with visit(chromium, multi) as ada:
        await ada.sign_in()
        await ada.finish_setup()
        for name in ("Berta Lang", "Carl Otto"):
            email = f"{name.split()[0].lower()}@example.org"
            await ada.post("/admin/users", name=name, email=email, role="user", password=PASSWORD)
    return multi


async def test_a_project_is_made_shared_seen_and_lost(chromium: Browser, two_people: Installation) -> None:
    async with visit(chromium, two_people) as berta, visit(chromium, two_people) as carl:
        await berta.sign_in("berta@example.org", PASSWORD)
        await carl.sign_in("carl@example.org", PASSWORD)

        mine = berta.page
        await berta.open("/p")
        await mine.get_by_role("button", name="New folder").click()
        dialog = mine.get_by_role("dialog")
        await dialog.get_by_label("Name").fill("Survey")
        await dialog.get_by_role("button", name="Create").click()
        await mine.wait_for_url(re.compile(r"/p\?folder="))
        await mine.get_by_role("button", name="New project").click()
        await dialog.get_by_label("Name").fill("Harbour")
        await dialog.get_by_role("radio", name="Questions to documents").click()
        await dialog.get_by_role("button", name="Create").click()
        await mine.get_by_role("heading", name="Harbour", level=1).wait_for()
        await expect(mine.get_by_label("Way to the project")).to_have_text("Survey")

        await mine.get_by_role("button", name="Share", exact=True).click()
        await mine.get_by_label("E-mail address").fill("carl@example.org")
        await mine.get_by_role("button", name="Invite", exact=True).click()
        await mine.get_by_role("dialog").get_by_text("invited", exact=True).wait_for()
        await berta.axe()

        theirs = carl.page
        await carl.open("/")
        await theirs.get_by_role("link", name="Berta Lang would like to share “Harbour” with you").click()
        await theirs.get_by_role("button", name="Accept: Harbour").click()
        await theirs.get_by_role("table").get_by_role("link", name="Harbour").click()
        await theirs.get_by_text("Shared by Berta Lang").wait_for()
        await theirs.get_by_role("link", name="Settings", exact=True).click()
        await theirs.get_by_text("You may read this project and change nothing in it.").wait_for()

        # What others do is seen at once, and so is that one may not any more.
        await mine.get_by_role("dialog").get_by_text("Carl Otto").wait_for(timeout=PATIENCE_MS)
        await mine.get_by_role("button", name="Remove Carl Otto").click()
        await theirs.get_by_role("heading", name="This project is not there").wait_for(timeout=PATIENCE_MS)
        await carl.axe()


async def test_a_row_of_the_tree_is_dragged_and_put_back(chromium: Browser, two_people: Installation) -> None:
    async with visit(chromium, two_people) as berta:
        await berta.sign_in("berta@example.org", PASSWORD)
        folder = await (await berta.post("/folders", name="Plans", description="")).json()
        await berta.post("/projects", name="Lighthouse", description="", instructions="", folder_id=folder["id"])
        page = berta.page
        await berta.open("/p")
        await page.get_by_role("treeitem", name="Plans").press("ArrowRight")
        row = page.get_by_role("treeitem", name="Lighthouse")
        await expect(row).to_have_attribute("aria-level", "2")
        await row.drag_to(page.get_by_text("My own", exact=True).first)
        await expect(row).to_have_attribute("aria-level", "1")
        await page.get_by_role("button", name="Undo").click()
        await expect(row).to_have_attribute("aria-level", "2")
