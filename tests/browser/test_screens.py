"""Every screen in both languages and themes, wide and narrow: it stands, it fits, and axe finds nothing."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser

from tests.browser.conftest import LOOKS, Installation, Look, Visit, visit

PUBLIC = (
    "/login",
    "/login?verified=1",
    "/login/link",
    "/register",
    "/forgot",
    "/reset/no-such-token",
    "/invite/no-such-token",
)

INSIDE = (
    "/",
    "/settings/profile",
    "/settings/appearance",
    "/settings/language",
    "/settings/keys",
    "/settings/notifications",
    "/settings/security",
    "/settings/tokens",
    "/settings/privacy",
    "/admin/overview",
    "/admin/users",
    "/admin/sign-in",
    "/admin/installation",
    "/admin/audit",
    "/admin/jobs",
    "/admin/mail",
    "/admin/self-test",
    "/admin/full-access",
    "/nowhere",
)

PROJECT = ("", "/documents", "/instructions", "/members", "/settings")
MINUTES = "# Minutes\n\nThe drawbridge is closed at night.\n\n| Bridge | Grade |\n| --- | --- |\n| Kranich | 3.4 |\n"


@pytest.fixture(scope="module")
async def furnished(chromium: Browser, multi: Installation) -> AsyncIterator[Installation]:
    """A house in which somebody lives: set up, with people in every state."""
    async with visit(chromium, multi) as ada:
        await ada.sign_in()
        await ada.finish_setup()
        for name, role in (("Mira Olsen", "manager"), ("Jonas Seidel", "user"), ("Tessa Brandt", "user")):
            email = f"{name.split()[0].lower()}@example.org"
            await ada.post("/admin/users", name=name, email=email, role=role, password="a rather long one")
        await ada.post("/admin/users", name="Vera Lindt", email="vera@example.org", role="user", invite=True)
        folder = await (await ada.post("/folders", name="Research", description="")).json()
        values = {"description": "What the harbour needs.", "instructions": "Be brief.", "tags": ["rail"]}
        for name, kind, colour in (("Harbour", "private_gpt", "teal"), ("Job offers", "cv_matcher", None)):
            await ada.post("/projects", name=name, kind=kind, colour=colour, folder_id=folder["id"], **values)
        projects = await (await ada.context.request.get(f"{ada.url}/api/v1/projects?search=Harbour")).json()
        project_id = projects["items"][0]["id"]
        await ada.post("/documents/text", project_id=project_id, name="Minutes.md", text=MINUTES, format="markdown")
        thrown = await (await ada.post("/projects", name="Draft", description="", instructions="")).json()
        await ada.delete(f"/projects/{thrown['id']}")
    yield multi


async def look_over(visitor: Visit, path: str) -> None:
    if path in PUBLIC or visitor.page.url == "about:blank":
        await visitor.open(path)
    else:
        await visitor.go(path)
    await visitor.axe()
    wide = await visitor.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0, f"{path} is {wide} px wider than the window"
    name = path.strip("/").replace("/", "-").replace("?", "-").replace("=", "-") or "start"
    await visitor.shot(name)


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: look.name)
async def test_screens_before_signing_in(chromium: Browser, furnished: Installation, look: Look) -> None:
    async with visit(chromium, furnished, look) as visitor:
        for path in PUBLIC:
            await look_over(visitor, path)
        assert await visitor.page.evaluate("document.documentElement.lang") == look.language


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: look.name)
async def test_screens_inside(chromium: Browser, furnished: Installation, look: Look) -> None:
    async with visit(chromium, furnished, look) as visitor:
        await visitor.sign_in()
        for path in INSIDE:
            await look_over(visitor, path)
        html = visitor.page.locator("html")
        assert await html.get_attribute("lang") == look.language
        assert ("dark" in (await html.get_attribute("class") or "")) == (look.theme == "dark")


@pytest.mark.parametrize("look", LOOKS[1:3], ids=lambda look: look.name)
async def test_screens_of_projects(chromium: Browser, furnished: Installation, look: Look) -> None:
    """Wide and narrow, light and dark, in the language with the longer words."""
    async with visit(chromium, furnished, look) as visitor:
        await visitor.sign_in()
        found = await visitor.context.request.get(f"{furnished.url}/api/v1/projects?search=Harbour")
        project = (await found.json())["items"][0]
        await look_over(visitor, f"/p?folder={project['folder_id']}")
        for part in PROJECT:
            await look_over(visitor, f"/p/{project['id']}{part}")
        listed = await visitor.context.request.get(f"{furnished.url}/api/v1/documents?project_id={project['id']}")
        document = (await listed.json())["items"][0]
        viewer = f"/doc/{document['id']}?e=v15-25"
        for path in ("/p", "/trash", "/p?new=project", "/documents", "/search?q=drawbridge", viewer):
            await look_over(visitor, path)


async def test_a_user_is_told_that_administration_is_not_theirs(chromium: Browser, furnished: Installation) -> None:
    async with visit(chromium, furnished) as jonas:
        await jonas.sign_in("jonas@example.org", "a rather long one")
        await jonas.open("/admin/users")
        await jonas.page.get_by_role("heading", name="This area is for administrators.").wait_for()
        await jonas.axe()
        assert await jonas.page.get_by_role("link", name="Admin", exact=True).count() == 0
