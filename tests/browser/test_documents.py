"""From a file to the words on its page, in a real browser against the real program."""

import re

from playwright.async_api import Browser, expect

from tests.browser.conftest import Installation, Look, visit
from tests.documents.parsing.sample_pdf import Pdf

PATIENCE_MS = 60_000  # reading and indexing take their turn behind whatever else the worker does

# Where the words of a passage stand by the file itself, as pdf.js lays its letters over the picture.
LETTERS = """(words) => {
    const page = document.querySelector('.pdf-mark[data-look="current"]').closest("[data-page]");
    for (const span of page.querySelectorAll(".pdf-text span")) {
        const at = span.textContent.indexOf(words);
        if (at < 0) continue;
        const range = document.createRange();
        range.setStart(span.firstChild, at);
        range.setEnd(span.firstChild, at + words.length);
        const { left, top, right, bottom } = range.getBoundingClientRect();
        return { left, top, right, bottom };
    }
    return null;
}"""
INK = """() => {
    const page = document.querySelector('.pdf-mark[data-look="current"]').closest("[data-page]");
    const canvas = page.querySelector("canvas");
    const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
    let dark = 0;
    for (let at = 0; at < pixels.length; at += 4) if (pixels[at] < 100 && pixels[at + 3] > 200) dark += 1;
    return dark;
}"""


def report() -> bytes:
    pdf = Pdf(info={"Title": "Bridges of the harbour line"})
    for number in range(1, 13):
        pdf.page().text(70, 90, f"{number} Condition", size=16, bold=True)
        pdf.lines(70, 130, [f"Rails {number} to {number + 3} were looked at in summer.", "The sleepers are sound."])
        if number == 9:
            pdf.lines(70, 400, ["The drawbridge Kranich must be repaired", "before the winter of 2027."])
    return pdf.bytes()


async def test_from_a_file_to_the_words_on_its_page(chromium: Browser, multi: Installation) -> None:
    async with visit(chromium, multi) as ada:
        page = ada.page
        await ada.sign_in()
        await ada.finish_setup()
        project = await (await ada.post("/projects", name="Harbour line", kind="private_gpt")).json()
        await ada.open(f"/p/{project['id']}/documents")
        await page.get_by_role("heading", name="What shall be read here?").wait_for()

        # It comes in, and the row tells by itself how far it is.
        file = {"name": "bridges.pdf", "mimeType": "application/pdf", "buffer": report()}
        await page.locator('[data-intake="files"]').set_input_files(file)  # type: ignore[arg-type]
        row = page.get_by_role("row", name=re.compile("bridges.pdf"))
        await row.wait_for()
        await expect(row).to_contain_text("12", timeout=PATIENCE_MS)
        await expect(row).not_to_contain_text(re.compile("waits|is read|becomes"), timeout=PATIENCE_MS)
        await ada.axe()
        await ada.shot("documents")

        # The same file a second time is told, not taken.
        await page.locator('[data-intake="files"]').set_input_files(file)  # type: ignore[arg-type]
        await page.get_by_text("The same content is here already.").wait_for()
        await page.get_by_role("button", name="Clear list").click()

        await ada.open("/search")
        await page.get_by_role("searchbox", name="Search in all documents").fill("drawbridge Kranich")
        hit = page.get_by_role("link", name=re.compile("drawbridge Kranich must be repaired"))
        await hit.wait_for()
        await expect(hit).to_contain_text("Page 9")
        await ada.axe()
        await ada.shot("search")
        await hit.click()

        # The mark lies where the file itself says that these words are.
        mark = page.locator('.pdf-mark[data-look="current"]')
        await mark.wait_for(timeout=PATIENCE_MS)
        sheet = page.locator(".pdf-page").filter(has=mark)
        await sheet.get_by_text("drawbridge Kranich").wait_for(state="attached", timeout=PATIENCE_MS)
        letters = await page.evaluate(LETTERS, "drawbridge Kranich")
        box = await mark.bounding_box()
        assert box is not None and await mark.count() == 1
        assert abs(box["x"] - letters["left"]) < 4 and abs(box["x"] + box["width"] - letters["right"]) < 4, (
            box,
            letters,
        )
        middle = (letters["top"] + letters["bottom"]) / 2
        assert box["y"] < middle < box["y"] + box["height"] < letters["bottom"] + 6, (box, letters)
        # The picture comes whole or not at all.
        await sheet.locator("canvas").wait_for(timeout=PATIENCE_MS)
        assert await page.evaluate(INK) > 100
        await expect(page.get_by_role("textbox", name="Page")).to_have_value("9")

        # Found again within the document, by the keyboard.
        await page.get_by_role("region", name=re.compile("Pages of")).focus()
        await page.keyboard.press("Control+f")
        await page.keyboard.type("sleepers")
        await page.get_by_text("1 of 12").wait_for()
        await page.keyboard.press("Enter")
        await page.get_by_text("2 of 12").wait_for()
        await expect(page.get_by_role("textbox", name="Page")).to_have_value("2")
        await ada.axe()
        await ada.shot("viewer")
        # Only what is near exists.
        assert await page.locator(".pdf-page").count() <= 5
        viewer = page.url

    async with visit(chromium, multi, Look("dark", "de", 390, 844)) as ada:
        await ada.sign_in()
        await ada.open(viewer.removeprefix(multi.url))
        passage = ada.page.locator('mark[data-look="current"]')
        await expect(passage).to_contain_text("drawbridge Kranich", timeout=PATIENCE_MS)
        await ada.axe()
        await ada.shot("viewer")
        await ada.page.get_by_role("button", name="Seite zeigen").click()
        await ada.page.locator('.pdf-mark[data-look="current"]').wait_for(timeout=PATIENCE_MS)
        await ada.axe()
