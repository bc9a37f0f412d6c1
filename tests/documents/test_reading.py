"""What becomes of a document while it is read: how it fails, is tried again, and what those keep who cite it."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from kontor.core.clock import clock
from kontor.core.database import Database
from kontor.core.errors import Kind, KontorError
from kontor.documents import trash
from kontor.documents.kinds import READ
from kontor.documents.parsing import ocr
from kontor.documents.parsing.packing import pack, unpack
from kontor.documents.ports import Readable, Tell
from kontor.projects.news import project_topic
from tests.documents.parsing.sample_pdf import Pdf
from tests.factories.documents import again, bring, of, read_all, stored, upload
from tests.factories.house import House, Visitor
from tests.factories.projects import made

DAMAGED = b"%PDF-1.7 and nothing of what should follow"


class Away(KontorError):
    kind, code = Kind.UNAVAILABLE, "test.away"

    def __init__(self) -> None:
        super().__init__("The index does not answer right now.")


class Index:
    """Does what it is told to, and sees what is committed."""

    def __init__(self, then: Callable[[], Awaitable[None]] | None = None) -> None:
        self.seen: list[tuple[UUID, int]] = []
        self._then = then

    async def index(self, database: Database, text: Readable, tell: Tell) -> None:
        async with database.system("test") as unit:
            connection = await unit.connection()
            rows = await connection.exec_driver_sql("SELECT count(*) FROM passage WHERE text_id = $1", (text.text_id,))
            self.seen.append((text.document_id, rows.scalar_one()))
        await tell(1, 1)
        if self._then is not None:
            await self._then()


async def test_a_file_that_cannot_be_read_says_why_and_can_be_tried_again(
    house: House, owner: Visitor, project: dict[str, Any]
) -> None:
    failed = await bring(house, owner, project, "broken.pdf", DAMAGED)
    path = f"/documents/{failed['id']}"
    assert (failed["state"], failed["problem"]["code"]) == ("failed", "document.damaged")
    assert failed["problem"]["sentence"].endswith(".")
    for part in ("text", "pages/1", "passages"):
        assert (await owner.get(f"{path}/{part}")).json()["code"] == "document.not_read"
    assert (await owner.get(f"{path}/content")).content == DAMAGED
    again = await owner.post(f"{path}/retry")
    assert (again.status_code, again.json()["state"], again.json()["problem"]) == (202, "waiting", None)
    assert (await owner.post(f"{path}/retry")).json()["code"] == "document.under_way"
    assert await read_all(house) == 1


async def test_a_scan_is_ready_without_its_text_and_says_what_is_missing(
    house: House, owner: Visitor, project: dict[str, Any]
) -> None:
    found = await bring(house, owner, project, "scan.pdf", Pdf().page().picture().bytes())
    assert (found["state"], found["pages"], found["characters"]) == ("ready", 1, 0)
    assert [each["code"] for each in found["notices"]] == ([] if ocr.is_there() else ["ocr_missing"])
    assert made(await owner.get(f"/documents/{found['id']}/pages/1"))["is_scan"]
    # Once there is a reader of images, asking again is all.
    assert (await owner.post(f"/documents/{found['id']}/retry")).status_code == 202


async def test_who_looks_on_is_told_how_far_it_is(house: House, owner: Visitor, project: dict[str, Any]) -> None:
    found = await bring(house, owner, project)
    topic = project_topic(UUID(project["id"]))
    rows = await stored(house, "SELECT data FROM event WHERE topic = :t ORDER BY id", t=topic)
    told = [row.data["state"] for row in rows if row.data.get("document_id") == found["id"]]
    assert told == ["waiting", "reading", "indexing", "ready"]
    mine = await house.events_of(owner.id, "document.changed")
    assert [each["state"] for each in mine] == told


async def test_it_is_ready_when_it_can_be_found_and_fails_when_that_fails_for_good(
    house: House, owner: Visitor, project: dict[str, Any]
) -> None:
    async def is_away() -> None:
        raise Away

    taken = made(await upload(owner, project, "a.txt", b"Some words to be found."))["items"][0]
    path = f"/documents/{taken['id']}"
    broken = Index(is_away)
    with pytest.raises(Away):
        await read_all(house, indexers=of(words=broken))
    under_way = made(await owner.get(path))
    # What was read can be looked at meanwhile.
    assert (under_way["state"], under_way["progress"]) == ("indexing", {"done": 1, "total": 1})
    assert made(await owner.get(f"{path}/pages/1"))["text"] == "Some words to be found."
    await again(house, READ.name)
    await read_all(house, indexers=of(words=broken), attempt=3)
    failed = made(await owner.get(path))
    assert (failed["state"], failed["problem"]) == (
        "failed", {"code": "test.away", "sentence": "The index does not answer right now."}
    )  # fmt: skip
    await owner.post(f"{path}/retry")
    working = Index()
    await read_all(house, indexers=of(words=working))
    assert working.seen == broken.seen[:1] == [(UUID(taken["id"]), 1)]
    assert made(await owner.get(path))["state"] == "ready"
    # Read three times, it is there once.
    [row] = await stored(house, "SELECT count(*) AS texts FROM document_text WHERE document_id = :id", id=taken["id"])
    assert row.texts == 1


def long_pdf() -> bytes:
    sample = Pdf()
    for number in range(1, 6):
        sample.page().lines(72, 100, [f"Seite {number} hat diese Zeile, und noch manche andere danach."] * 40)
    return sample.bytes()


async def test_the_first_pages_are_there_before_the_rest_and_stay_right(
    house: House, owner: Visitor, project: dict[str, Any]
) -> None:
    early: list[dict[str, Any]] = []
    taken = made(await upload(owner, project, "long.pdf", long_pdf()))["items"][0]
    path = f"/documents/{taken['id']}"

    async def look() -> None:
        if not early:
            early.extend([made(await owner.get(f"{path}{part}")) for part in ("", "/pages/1", "/passages")])

    index = Index(look)
    await read_all(house, indexers=of(words=index), first_seconds=0.0)
    document, page, passages = early
    assert (document["state"], document["pages"]) == ("reading", 0)
    assert "Seite 1 hat diese Zeile" in page["text"]
    assert (page["pages"], passages["items"][0]["page_first"]) == (1, 1)
    ready = made(await owner.get(path))
    assert (ready["state"], ready["pages"], ready["text_id"]) == ("ready", 5, document["text_id"])
    whole = made(await owner.get(f"{path}/pages/1"))
    assert whole["text"].startswith(page["text"])
    assert whole["words"] == page["words"]
    assert [number for _, number in index.seen] == [len(passages["items"]), index.seen[1][1]]
    last = made(await owner.get(f"{path}/passages", params={"page": 5}))["items"][-1]
    assert (last["page_last"], last["ordinal"]) == (5, index.seen[1][1] - 1)


async def test_first_pages_of_what_fails_later_do_not_stay(
    house: House, owner: Visitor, project: dict[str, Any]
) -> None:
    taken = made(await upload(owner, project, "long.pdf", long_pdf()))["items"][0]
    await read_all(house, first_seconds=0.0, characters=5000)
    failed = made(await owner.get(f"/documents/{taken['id']}"))
    assert (failed["state"], failed["problem"]["code"], failed["text_id"]) == ("failed", "document.too_large", None)
    assert await stored(house, "SELECT id FROM passage") == []


async def test_citations_survive_a_reader_that_reads_differently(
    house: House, owner: Visitor, project: dict[str, Any]
) -> None:
    """An older reader's text, in which somebody cites, is put in the place of today's; then it is read again."""
    found = await bring(house, owner, project, "a.txt", "Die Frist endet am 3. März.\n\nDas Ende.")
    path = f"/documents/{found['id']}"
    older = UUID("00000000-0000-4000-8000-0000000000aa")
    [row] = await stored(house, "SELECT packed FROM document_text WHERE document_id = :id", id=found["id"])
    today = unpack(row.packed)
    text = "Die  Frist endet am 3. März. | Das Ende."
    page = [type(today.pages[0])(0, len(text))]
    packed = pack(type(today)(kind=today.kind, parser="text-0", text=text, pages=tuple(page), language="de"))
    await stored(
        house,
        """
            INSERT INTO document_text (id, owner_id, project_id, document_id, parser, digest, packed, language, pages,
                characters, created_at)
            SELECT :older, owner_id, project_id, id, 'text-0', sha256('older'), :packed, 'de', 1, 40, now()
            FROM document WHERE id = :id RETURNING 1
        """,
        older=older, packed=packed, id=found["id"],
    )  # fmt: skip
    await stored(house, "UPDATE document SET text_id = :t WHERE id = :id RETURNING 1", t=older, id=found["id"])
    quoted = text.index("3. März")
    citation = {"text_id": str(older)}
    assert (await owner.post(f"{path}/retry")).status_code == 202
    await read_all(house)
    now = made(await owner.get(path))
    assert now["text_id"] == found["text_id"] != citation["text_id"]
    cited = made(await owner.get(f"{path}/pages/1", params=citation))
    assert cited["text"][quoted : quoted + len("3. März")] == "3. März"
    versions = made(await owner.get(f"{path}/text"))["versions"]
    assert {(each["parser"], each["is_current"]) for each in versions} == {("text-0", False), (today.parser, True)}
    with pytest.raises(Exception, match="never changed"):
        await stored(house, "UPDATE document_text SET parser = 'x' RETURNING 1")


async def test_an_older_text_is_found_until_the_newer_one_is(
    house: House, owner: Visitor, project: dict[str, Any]
) -> None:
    found = await bring(house, owner, project, "a.txt", "The old words.")
    seen: list[object] = []

    async def look() -> None:
        [row] = await stored(house, "SELECT text_id FROM document WHERE id = :id", id=found["id"])
        seen.append(str(row.text_id))

    # As if the file had become another one.
    taken = made(await upload(owner, project, "b.txt", b"The new words."))["items"][0]
    await read_all(house)
    await stored(
        house,
        "UPDATE document SET blob_id = (SELECT blob_id FROM document WHERE id = :other) WHERE id = :id RETURNING 1",
        id=found["id"], other=taken["id"],
    )  # fmt: skip
    await owner.post(f"/documents/{found['id']}/retry")
    await read_all(house, indexers=of(words=Index(look)))
    now = made(await owner.get(f"/documents/{found['id']}"))
    assert seen == [found["text_id"]] != [now["text_id"]]
    passages = await stored(house, "SELECT text FROM passage WHERE document_id = :id", id=found["id"])
    assert [row.text for row in passages] == ["The new words."]


async def test_what_nobody_reads_any_more_says_so(house: House, owner: Visitor, project: dict[str, Any]) -> None:
    open_one, lost = [
        made(await upload(owner, project, name, name.encode()))["items"][0]["id"] for name in ("open", "lost")
    ]
    await stored(house, "DELETE FROM job WHERE key = :key RETURNING 1", key=lost)
    clock.advance(timedelta(minutes=6))
    await trash.sweep(house.database)
    clock.reset()
    states = {each["id"]: each["state"] for each in made(await owner.get("/documents"))["items"]}
    assert states == {open_one: "waiting", lost: "failed"}
