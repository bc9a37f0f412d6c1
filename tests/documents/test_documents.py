"""Documents from bringing them to throwing them away, over the interface."""

from typing import Any

from tests.documents.parsing.sample_pdf import Pdf
from tests.factories.documents import bring
from tests.factories.house import House, Visitor
from tests.factories.projects import made

LINES = ("Vertrag über die Lieferung von Äpfeln", "Der Käufer zahlt 1.250 Euro bis zum 3. März 2026.")


def contract() -> bytes:
    return (
        Pdf(info={"Title": "Kaufvertrag", "Author": "Kanzlei Muster"})
        .page()
        .lines(72, 100, LINES)
        .page()
        .text(72, 100, "Zweite Seite mit der Unterschrift des Verkäufers.")
        .bytes()
    )


async def test_a_file_is_read_and_its_words_stand_where_the_page_has_them(
    house: House, owner: Visitor, project: dict[str, Any]
) -> None:
    found = await bring(house, owner, project, "vertrag.pdf", contract())
    assert (found["state"], found["kind"], found["pages"], found["language"]) == ("ready", "pdf", 2, "de")
    assert (found["title"], found["author"], found["problem"]) == ("Kaufvertrag", "Kanzlei Muster", None)
    page = made(await owner.get(f"/documents/{found['id']}/pages/1"))
    start = page["start_at"]
    for line in LINES:
        assert line in page["text"]
    words = {page["text"][each["start_at"] - start : each["end_at"] - start]: each["box"] for each in page["words"]}
    left, top, _, bottom = words["Vertrag"]
    assert abs(left - 72 / 595) < 0.005
    assert top < 100 / 842 < bottom + 0.003
    assert all(0 <= side <= 1 for box in words.values() for side in box)
    outline = made(await owner.get(f"/documents/{found['id']}/text"))
    assert [each["number"] for each in outline["pages"]] == [1, 2]
    passages = made(await owner.get(f"/documents/{found['id']}/passages"))["items"]
    assert passages[0]["text"].startswith(LINES[0])
    assert passages[-1]["page_last"] == 2
