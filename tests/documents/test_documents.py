"""Documents from bringing them to throwing them away, over the interface."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from kontor.admin import erasure
from kontor.core.clock import clock
from kontor.documents import belonging, trash
from kontor.documents.kinds import CopyArgs
from tests.documents.parsing.sample_pdf import Pdf
from tests.factories.documents import again, bring, read_all, stored, upload
from tests.factories.house import House, Visitor
from tests.factories.projects import made, make_project, names, share, verified

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


async def test_a_file_is_given_out_to_be_saved_and_never_to_be_run(
    house: House, owner: Visitor, project: dict[str, Any]
) -> None:
    page = b"<html><body><script>alert(1)</script><p>Some text of a page.</p></body></html>"
    found = await bring(house, owner, project, "page.html", page)
    path = f"/documents/{found['id']}/content"
    answer = await owner.get(path, params={"inline": "true"})
    assert answer.content == page
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"].startswith('attachment; filename="page.html"')
    assert "sandbox" in answer.headers["content-security-policy"]
    part = await owner.get(path, headers={"Range": "bytes=6-11"})
    assert (part.status_code, part.content) == (206, page[6:12])
    assert "alert" not in made(await owner.get(f"/documents/{found['id']}/pages/1"))["text"]
    nameless = await bring(house, owner, project, "Vertrag", contract())
    shown = await owner.get(f"/documents/{nameless['id']}/content", params={"inline": "true"})
    assert shown.headers["content-type"] == "application/pdf"
    assert shown.headers["content-disposition"].startswith('inline; filename="Vertrag.pdf"')


async def all_of(visitor: Visitor, **wanted: Any) -> list[str]:
    return await names(visitor, "/documents", **wanted)


async def test_lists_are_filtered_counted_and_read_page_by_page(
    house: House, owner: Visitor, project: dict[str, Any]
) -> None:
    other = await make_project(owner, "Other")
    for name, content, tags in (
        ("b.txt", "b", ["Red"]),
        ("A.txt", "aaaa", ["Red", "Blue"]),
        ("c.md", "# c", []),
        ("50%_d.csv", "a,b\n1,2", ["Blue"]),
    ):
        made(await upload_tagged(owner, project, name, content, tags))
    made(await upload(owner, other, "elsewhere.txt", b"elsewhere"))
    await stored(house, "UPDATE document SET state = 'ready' RETURNING 1")
    made(await upload(owner, project, "waiting.txt", b"still waiting"))
    here = {"project_id": project["id"], "limit": 2}
    assert await all_of(owner, **here, sort="name") == ["50%_d.csv", "A.txt", "b.txt", "c.md", "waiting.txt"]
    assert await all_of(owner, **here, sort="-bytes") == ["waiting.txt", "50%_d.csv", "A.txt", "c.md", "b.txt"]
    assert await all_of(owner, **here, sort="created_at") == ["b.txt", "A.txt", "c.md", "50%_d.csv", "waiting.txt"]
    assert await all_of(owner, **here, state=["waiting"]) == ["waiting.txt"]
    assert await all_of(owner, **here, tag=["Blue", "Red"]) == ["A.txt"]
    assert sorted(await all_of(owner, **here, type=["csv", "markdown"])) == ["50%_d.csv", "c.md"]
    assert await all_of(owner, **here, text="0%_ csv") == ["50%_d.csv"]
    assert len(await all_of(owner)) == 6
    assert await names(owner, f"/projects/{other['id']}/documents") == ["elsewhere.txt"]
    counts = made(await owner.get("/documents/counts", params={"project_id": project["id"], "state": "ready"}))
    assert (counts["total"], counts["states"]) == (4, [{"value": "ready", "number": 4}])
    assert counts["tags"] == [{"value": "Blue", "number": 2}, {"value": "Red", "number": 2}]
    assert {each["value"]: each["number"] for each in counts["kinds"]} == {"text": 2, "markdown": 1, "csv": 1}
    bad = await owner.get("/documents", params={"sort": "name", "cursor": "x"})
    assert bad.json()["code"] == "http.bad_cursor"


async def upload_tagged(visitor: Visitor, project: dict[str, Any], name: str, content: str, tags: Sequence[str]) -> Any:
    path = f"/projects/{project['id']}/documents"
    return await visitor.post(path, data={"tags": list(tags)}, files={"file": (name, content.encode())})


async def test_what_people_write_stays_when_it_is_read_again(
    house: House, owner: Visitor, project: dict[str, Any]
) -> None:
    found = await bring(house, owner, project, "vertrag.pdf", contract())
    path = f"/documents/{found['id']}"
    said = {"name": "Kauf.pdf", "title": "Kauf von Äpfeln", "dated": "2026-03", "tags": ["Kauf", "Kauf"]}
    changed = made(await owner.patch(path, json=said, headers={"If-Match": f'"{found["version"]}"'}))
    assert (changed["name"], changed["tags"], changed["version"]) == ("Kauf.pdf", ["Kauf"], found["version"] + 1)
    stale = await owner.patch(path, json={"name": "Late"}, headers={"If-Match": f'"{found["version"]}"'})
    assert stale.status_code == 412
    for wrong in ({"dated": "gestern"}, {"name": ""}, {"title": None}, {"state": "ready"}):
        assert (await owner.patch(path, json=wrong)).status_code == 422
    await owner.post(f"{path}/retry")
    await read_all(house)
    again = made(await owner.get(path))
    assert (again["name"], again["title"], again["author"]) == ("Kauf.pdf", "Kauf von Äpfeln", "Kanzlei Muster")
    assert again["text_id"] == found["text_id"]


async def test_the_trash_gives_everything_back_for_thirty_days(
    house: House, owner: Visitor, project: dict[str, Any]
) -> None:
    kept, erased, old = [await bring(house, owner, project, f"{n}.txt", f"Text {n}") for n in range(3)]
    before = made(await owner.get(f"/documents/{kept['id']}/passages"))
    for each in (kept, erased, old):
        assert (await owner.delete(f"/documents/{each['id']}")).status_code == 204
    assert await all_of(owner) == []
    assert sorted(await all_of(owner, trashed=True)) == ["0.txt", "1.txt", "2.txt"]
    assert (await owner.patch(f"/documents/{kept['id']}", json={"name": "x"})).json()["code"] == "document.in_trash"
    # What is thrown away stands in nobody's way.
    made(await upload(owner, project, "copy.txt", b"Text 1"))
    listed = made(await owner.get("/trash", params={"limit": 2}))
    assert [(each["name"], each["sort"], each["project"]) for each in listed["items"]] == [
        ("2.txt", "document", "Contracts"),
        ("1.txt", "document", "Contracts"),
    ]
    rest = made(await owner.get("/trash", params={"cursor": listed["next_cursor"]}))
    assert [each["id"] for each in rest["items"]] == [kept["id"]]
    restored = made(await owner.post(f"/documents/{kept['id']}/restore"))
    assert (restored["state"], restored["trashed_at"]) == ("ready", None)
    assert made(await owner.get(f"/documents/{kept['id']}/passages")) == before
    assert (await owner.delete(f"/trash/{erased['id']}")).status_code == 204
    clock.advance(timedelta(days=31))
    await trash.sweep(house.database)
    clock.reset()
    assert sorted(await all_of(owner)) == ["0.txt", "copy.txt"]
    assert made(await owner.get("/trash"))["items"] == []
    for table in ("document_text", "passage"):
        rows = await stored(house, f"SELECT DISTINCT document_id FROM {table}")
        assert {str(row.document_id) for row in rows} == {kept["id"]}
    [usage] = await stored(house, "SELECT used_bytes FROM blob_usage WHERE owner_id = :id", id=owner.id)
    assert usage.used_bytes == len("Text 0") + len("Text 1")


async def test_a_copied_project_has_its_documents_in_its_owners_room(
    house: House, owner: Visitor, project: dict[str, Any]
) -> None:
    viewer = await house.visitor(name="Vera Viewer")
    await share(owner, viewer, await verified(house, viewer), project_id=project["id"])
    found = await bring(house, owner, project, "vertrag.pdf", contract())
    mine, theirs = [
        made(await each.post(f"/projects/{project['id']}/duplicate", json={"include": ["documents"]}))
        for each in (owner, viewer)
    ]
    for _ in range(2):  # jobs may come twice
        await read_all(house)
        await again(house, "documents.copy")
    for visitor, copied in ((owner, mine), (viewer, theirs)):
        [item] = made(await visitor.get(f"/projects/{copied['id']}/documents"))["items"]
        assert (item["state"], item["role"], item["sha256"]) == ("ready", "owner", found["sha256"])
        assert item["id"] != found["id"]
        assert (await visitor.get(f"/documents/{item['id']}/content")).content == contract()
        parts = made(await visitor.get(f"/projects/{copied['id']}/dashboard"))["parts"]
        assert {"name": "documents", "by_state": {"ready": 1}, "bytes": found["bytes"]} in parts
    rows = await stored(house, "SELECT used_bytes FROM blob_usage")
    assert [row.used_bytes for row in rows] == [found["bytes"]] * 2
    # The one goes for good, and takes nothing of the other along.
    async with house.database.system("test") as unit:
        await erasure.erase(unit, owner.id)
    [left] = await stored(house, "SELECT owner_id, name FROM document")
    assert left.owner_id == viewer.id


async def test_a_copy_that_had_no_room_gets_its_file_when_it_is_tried_again(
    house: House, owner: Visitor, project: dict[str, Any]
) -> None:
    viewer = await house.visitor(name="Vera Viewer")
    shared = await share(owner, viewer, await verified(house, viewer), project_id=project["id"])
    found = await bring(house, owner, project)
    made(await upload(viewer, await make_project(viewer), "own.txt", b"1"))
    quota = "UPDATE blob_usage SET quota_bytes = :bytes WHERE owner_id = :id RETURNING 1"
    await stored(house, quota, bytes=2, id=viewer.id)
    copies = [
        made(await viewer.post(f"/projects/{project['id']}/duplicate", json={"include": ["documents"]}))["id"]
        for _ in range(2)
    ]
    # The second job is late: by then the share has gone, and with it the right to what would be copied.
    late = await stored(
        house, "DELETE FROM job WHERE kind = 'documents.copy' AND key = :key RETURNING args, owner_id", key=copies[1]
    )
    await read_all(house)
    [failed] = made(await viewer.get(f"/projects/{copies[0]}/documents"))["items"]
    assert (failed["state"], failed["problem"]["code"]) == ("failed", "blobs.quota_exceeded")
    await stored(house, quota, bytes=1000, id=viewer.id)
    assert (await viewer.post(f"/documents/{failed['id']}/retry")).status_code == 202
    await read_all(house)
    ready = made(await viewer.get(f"/documents/{failed['id']}"))
    assert (ready["state"], ready["sha256"]) == ("ready", found["sha256"])
    assert (await owner.delete(f"/shares/{shared['id']}")).status_code == 204
    await belonging.copy(house.database, CopyArgs.model_validate(late[0].args), late[0].owner_id)
    assert made(await viewer.get(f"/projects/{copies[1]}/documents"))["items"] == []


async def test_statements_past_the_service_meet_the_second_wall(
    house: House, owner: Visitor, project: dict[str, Any]
) -> None:
    found = await bring(house, owner, project)
    viewer, stranger = await house.visitor(), await house.visitor()
    await share(owner, viewer, await verified(house, viewer), project_id=project["id"])
    for visitor, rows in ((owner, 1), (viewer, 1), (stranger, 0)):
        async with house.database.unit(visitor.actor) as unit:
            for table in ("document", "document_text", "passage"):
                assert await unit.scalar(text(f"SELECT count(*) FROM {table}")) == rows
            changed = await unit.execute(text("UPDATE document SET name = 'x' RETURNING 1"))
            assert len(changed.all()) == (1 if visitor is owner else 0)
            for statement in ("DELETE FROM document RETURNING 1", "DELETE FROM passage RETURNING 1"):
                assert (await unit.execute(text(statement))).all() == []
    for statement in (
        "UPDATE document SET text_id = NULL",
        "UPDATE document SET blob_id = NULL",
        "UPDATE document SET project_id = gen_random_uuid()",
        "INSERT INTO passage SELECT * FROM passage",
    ):
        with pytest.raises(DBAPIError):
            async with house.database.unit(owner.actor) as unit:
                await unit.execute(text(statement))
    assert made(await owner.get(f"/documents/{found['id']}"))["text_id"] == found["text_id"]
