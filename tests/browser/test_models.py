"""Models, what they cost, and who may use them: in a real browser, against providers that speak the real protocols."""

import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

import pytest
from playwright.async_api import Browser, expect

from tests.browser.conftest import LOOKS, Installation, Look, Visit, visit
from tests.browser.test_screens import look_over
from tests.wire.fleet import all_serving
from tests.wire.llm_server import LlmServer, serving
from tests.wire.openai import OpenAi

SCREENS = (
    "/admin/overview",
    "/admin/providers",
    "/admin/models",
    "/admin/choice",
    "/admin/prices",
    "/admin/usage",
    "/admin/billing",
    "/settings/models",
    "/usage",
    "/receipts",
    "/prices",
    "/limits",
    "/balance",
)
# The fake provider answers to these names as well, because they have a price.
PRICED = ("claude-sonnet-4-5", "claude-haiku-4-5")


@dataclass(frozen=True)
class House:
    installation: Installation
    servers: Mapping[str, LlmServer]


@pytest.fixture(scope="module")
async def house(chromium: Browser, multi: Installation) -> AsyncIterator[House]:
    """Two providers, a free one and one with prices, and an answer of each."""
    async with all_serving() as servers, visit(chromium, multi) as ada:
        await ada.sign_in()
        await ada.finish_setup()
        anthropic, ollama = servers["anthropic"], servers["ollama"]
        anthropic.known.update(dict.fromkeys(PRICED, "fake"))
        anthropic.dialect.models = (*anthropic.dialect.models, *PRICED)
        await ada.post("/admin/providers", kind="anthropic", base_url=anthropic.url, key=anthropic.key)
        await ada.post("/admin/providers", kind="ollama", base_url=ollama.url)
        for model in ("anthropic/claude-sonnet-4-5", "ollama/fake:latest"):
            await ada.post("/llm/generate", model=model, prompt="Which bridges come first?")
        yield House(multi, servers)


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: look.name)
async def test_screens_of_models_and_usage(chromium: Browser, house: House, look: Look) -> None:
    async with visit(chromium, house.installation, look) as visitor:
        await visitor.sign_in()
        for path in SCREENS:
            await look_over(visitor, path)


async def choose(visitor: Visit, name: str) -> None:
    await visitor.page.get_by_role("button", name=name, exact=True).click()


async def test_a_provider_is_added_by_its_key_and_tested(chromium: Browser, house: House) -> None:
    openai = house.servers["openai"]
    async with visit(chromium, house.installation) as ada:
        page = ada.page
        await ada.sign_in()
        await ada.open("/admin/providers")
        await choose(ada, "Add provider")
        dialog = page.get_by_role("dialog", name="Add provider")
        await dialog.get_by_label("API key").fill(openai.key)
        await dialog.get_by_label("Address").fill(openai.url)
        # Left with the keyboard, the field tells whose key it is.
        await expect(dialog.get_by_role("combobox", name="Kind")).to_contain_text("OpenAI")
        await ada.axe()
        await dialog.get_by_role("button", name="Add provider").click()
        panel = page.get_by_role("region", name="Inspector: OpenAI")
        await panel.get_by_role("button", name="Test").click()
        await expect(panel.get_by_text(re.compile("Answers in .* and offers"))).to_be_visible()
        await expect(panel.get_by_text(f"…{openai.key[-4:]}")).to_be_visible()
        await ada.axe()
        await ada.shot("provider")


async def test_what_an_answer_cost_is_found_again_on_its_receipt(chromium: Browser, house: House) -> None:
    async with visit(chromium, house.installation) as ada:
        page = ada.page
        await ada.sign_in()
        await ada.open("/receipts")
        await page.get_by_role("row", name=re.compile("sonnet", re.IGNORECASE)).first.click()
        slip = page.get_by_role("article", name=re.compile("^Receipt"))
        await expect(slip.get_by_text("Input, new")).to_be_visible()
        await expect(slip.get_by_text(re.compile(r"1 USD = €0\.\d+"))).to_be_visible()
        await expect(slip.get_by_text("$3.00")).to_be_visible()
        await ada.axe()
        await ada.shot("receipt")
        # Paper as wide as a till's, one page as long as it needs, and nothing of the page around it.
        await page.evaluate("window.print = () => {}")
        await page.get_by_role("button", name="Print").click()
        await expect(page.locator("body > .paper article")).to_be_attached()
        printed = await page.pdf(prefer_css_page_size=True)
        [box] = re.findall(rb"/MediaBox ?\[ ?0 0 ([\d.]+) ([\d.]+) ?\]", printed)
        width, height = (float(number) * 25.4 / 72 for number in box)
        assert 79 < width < 81 and 80 < height < 297
        await page.evaluate("dispatchEvent(new Event('afterprint'))")
        await expect(page.locator("body > .paper")).to_have_count(0)
        # Where the price is from, an administrator can look up.
        await page.get_by_role("link", name=re.compile("^claude-sonnet-4-5")).click()
        await expect(page.get_by_role("region", name="Inspector: claude-sonnet-4-5")).to_be_visible()
        await page.go_back()
        # The free one says so, and costs nothing anywhere.
        await page.get_by_role("row", name=re.compile("free")).first.click()
        await expect(slip.get_by_text("free")).to_be_visible()


async def test_sums_say_what_is_missing_and_lead_to_their_receipts(chromium: Browser, house: House) -> None:
    async with visit(chromium, house.installation, Look(language="de")) as ada:
        page = ada.page
        await ada.sign_in()
        await ada.post("/llm/generate", model="anthropic/fake", prompt="What does this cost?")
        await ada.open("/usage")
        await expect(page.get_by_text(re.compile("1 Antwort ist der Preis nicht bekannt"))).to_be_visible()
        await expect(page.get_by_role("navigation", name="Verbrauch").get_by_text("unbekannt")).to_be_visible()
        await choose(ada, "CSV")
        async with page.expect_download() as downloading:
            await page.get_by_role("menuitem", name=re.compile("auf Deutsch")).click()
        sheet = (await (await downloading.value).path()).read_text(encoding="utf-8-sig")
        head, *lines = sheet.splitlines()
        assert head.startswith("Zeit;Anfrage;Beleg;")
        assert any(re.search(r";0,0\d+;EUR;", line) for line in lines)
        await page.get_by_role("table", name="Modell").get_by_role("link", name=re.compile("Belege: .*onnet")).click()
        await expect(page.get_by_role("list", name="Filter")).to_be_visible()
        await expect(page.get_by_role("row")).to_have_count(2)
        await ada.axe()


async def test_a_surcharge_is_made_and_told_in_its_place(chromium: Browser, house: House) -> None:
    async with visit(chromium, house.installation) as ada:
        page = ada.page
        await ada.sign_in()
        await ada.open("/admin/billing")
        rules = page.get_by_role("table", name="Surcharges of their own")
        await expect(rules.get_by_text("Everything")).to_be_visible()
        await page.locator("#markups").get_by_role("button", name="Add").click()
        dialog = page.get_by_role("dialog", name="Surcharge of its own")
        await dialog.get_by_role("combobox", name="Role").click()
        await page.get_by_role("option", name="Administrator").click()
        await dialog.get_by_role("textbox", name="Surcharge").fill("7.5")
        await ada.axe()
        await dialog.get_by_role("button", name="Save").click()
        await expect(rules.get_by_role("row", name=re.compile("for the role"))).to_contain_text("7.5%")
        await page.get_by_role("combobox", name="Choose a model").fill("haiku")
        await page.get_by_role("option").first.click()
        await expect(page.get_by_text("by the general surcharge")).to_be_visible()
        await page.locator("#books").get_by_role("button", name="Prove now").click()
        await expect(page.locator("#books").get_by_text("sound")).to_be_visible(timeout=15_000)
        await ada.axe()
        await page.get_by_role("button", name=re.compile("^Remove the surcharge")).click()
        await expect(rules.get_by_text("Everything", exact=True)).to_be_visible()


async def test_the_picker_takes_the_model_that_the_keyboard_finds(chromium: Browser, house: House) -> None:
    async with visit(chromium, house.installation) as ada:
        page = ada.page
        await ada.sign_in()
        await ada.open("/admin/choice")
        await choose(ada, "Choose a model")
        picker = page.get_by_role("dialog", name="Choose a model")
        await expect(picker.get_by_role("combobox", name="Search models")).to_be_focused()
        await ada.axe()
        await ada.shot("picker")
        await page.keyboard.type("haiku")
        await expect(picker.get_by_role("option")).to_have_count(1)
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("button", name=re.compile("^Model: .*haiku", re.IGNORECASE))).to_be_visible()
        # What can be taken back is what the message says.
        await expect(page.get_by_text(re.compile("^Default: .*haiku", re.IGNORECASE))).to_be_visible()
        await page.keyboard.press("Control+z")
        await expect(page.get_by_role("button", name="Choose a model")).to_be_visible()


async def test_a_person_marks_compares_and_takes_a_model_of_their_own(chromium: Browser, house: House) -> None:
    async with visit(chromium, house.installation) as ada:
        page = ada.page
        await ada.sign_in()
        await ada.open("/settings/models")
        await choose(ada, "Choose a model")
        picker = page.get_by_role("dialog", name="Choose a model")
        await expect(picker.get_by_role("combobox", name="Search models")).to_be_focused()
        await page.keyboard.type("claude-haiku")
        await page.keyboard.press("Control+d")
        await expect(picker.get_by_role("option", name=re.compile("haiku.*favourite", re.IGNORECASE))).to_be_visible()
        await picker.get_by_role("combobox").fill("")
        await choose(ada, "Compare several")
        await picker.get_by_role("option", name=re.compile("sonnet", re.IGNORECASE)).click()
        await expect(picker.get_by_role("table", name="Comparison").get_by_role("columnheader")).to_have_count(2)
        await ada.shot("comparison")
        await picker.get_by_role("button", name=re.compile("^Use .*sonnet", re.IGNORECASE)).click()
        await expect(page.get_by_text(re.compile("^Your default: .*sonnet", re.IGNORECASE))).to_be_visible()
        answer = await ada.post("/llm/count", prompt="Hello")
        assert (await answer.json())["items"][0]["model"] == "claude-sonnet-4-5"
        # Kept where it follows one: another browser, and the favourite is first there.
        async with visit(chromium, house.installation, Look("dark", "de", 390, 844)) as phone:
            await phone.sign_in()
            await phone.open("/settings/models")
            await phone.page.get_by_role("button", name=re.compile("^Modell: .*sonnet", re.IGNORECASE)).click()
            first = phone.page.get_by_role("option").first
            await expect(first).to_have_accessible_name(re.compile("haiku.*Favorit", re.IGNORECASE))
            await phone.axe()
            await phone.shot("picker-sheet")
            await choose(phone, "Mehrere vergleichen")
            await first.click()
            await expect(phone.page.get_by_role("table", name="Vergleich")).to_be_attached()
            await phone.axe()
            # Names have the room that hidden columns leave.
            await phone.open("/admin/models")
            box = await phone.page.get_by_role("button", name=re.compile("claude-haiku")).bounding_box()
            assert box is not None and box["width"] > 120
        await page.keyboard.press("Control+z")
        # The phone has set the language for both.
        default = page.get_by_role("combobox", name="Ihr Modell als Vorgabe")
        await expect(default).to_contain_text("Wie im Haus")


async def test_a_provider_that_goes_down_is_named_wherever_one_works(chromium: Browser, house: House) -> None:
    async with visit(chromium, house.installation) as ada:
        page = ada.page
        await ada.sign_in()
        async with serving(OpenAi()) as server:
            wish = {"kind": "compatible", "label": "Campus gateway", "base_url": server.url, "key": server.key}
            added = await (await ada.post("/admin/providers", **wish)).json()
            await ada.open("/admin/overview")
            row = page.get_by_role("row", name=re.compile("Campus gateway"))
            await expect(row).to_contain_text("Healthy")
        named = page.get_by_role("link", name="1 provider down: Campus gateway")
        await expect(named).to_have_count(0)
        await ada.post(f"/admin/providers/{added['id']}/test")
        await expect(row).to_contain_text("Down")
        await ada.axe()
        await named.click()
        await expect(page.get_by_role("region", name="Inspector: Campus gateway")).to_be_visible()
        await ada.delete(f"/admin/providers/{added['id']}")
        await expect(named).to_have_count(0)


async def test_open_windows_of_others_follow_what_the_house_changes(chromium: Browser, house: House) -> None:
    email, password = "bert@example.org", "correct horse battery"
    async with visit(chromium, house.installation) as ada, visit(chromium, house.installation) as bert:
        await ada.sign_in()
        await ada.post("/admin/users", email=email, name="Bert", password=password)
        listed = await ada.context.request.get(f"{ada.url}/api/v1/admin/models?search=claude-haiku")
        model = (await listed.json())["items"][0]
        await bert.sign_in(email, password)
        await bert.open("/settings/models")
        await choose(bert, "Choose a model")
        haiku = bert.page.get_by_role("option", name=re.compile("haiku", re.IGNORECASE))
        await expect(haiku).to_be_visible()
        await ada.patch(f"/admin/models/{model['id']}", is_enabled=False)
        await expect(haiku).to_have_count(0)
        await ada.patch(f"/admin/models/{model['id']}", is_enabled=True)
        await expect(haiku).to_be_visible()
