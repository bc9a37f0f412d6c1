"""Bringing files, texts and addresses: what is taken, what is refused, and what a broken line costs."""

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import ClientDisconnect

from kontor.core.blobs.values import DEFAULT_QUOTA_BYTES
from kontor.core.database import Database
from kontor.core.settings import Settings
from kontor.documents import uploads
from kontor.documents.errors import BadForm
from kontor.documents.multipart import Form
from kontor.documents.values import LEAST_PART
from tests.factories.documents import bring, read_all, stored, upload
from tests.factories.house import House, Visitor, opened
from tests.factories.projects import made, make_project, share, verified


async def used(house: House, owner: Visitor) -> tuple[int, int]:
    """What somebody's files take, and what is reserved for those under way."""
    [row] = await stored(house, "SELECT used_bytes, reserved_bytes FROM blob_usage WHERE owner_id = :id", id=owner.id)
    return row.used_bytes, row.reserved_bytes


async def test_of_many_files_each_is_taken_or_refused_by_itself(
    house: House, owner: Visitor, project: dict[str, Any]
) -> None:
    first = await bring(house, owner, project, "one.txt", "The same words.")
    files = [("file", ("again.txt", b"The same words.")), ("file", ("two.txt", b"Other words.")), ("file", ("e", b""))]
    data = {"project_id": project["id"], "tags": "Offers"}
    answer = made(await owner.post("/documents/upload", data=data, files=files))
    assert [(each["name"], each["state"], each["tags"]) for each in answer["items"]] == [
        ("two.txt", "waiting", ["Offers"]),
        ("e", "waiting", ["Offers"]),
    ]
    [refused] = answer["refused"]
    assert (refused["name"], refused["code"], refused["document_id"]) == (
        "again.txt",
        "document.duplicate",
        first["id"],
    )
    assert "one.txt" in refused["detail"]
    alone = await upload(owner, project, "again.txt", b"The same words.")
    assert (alone.status_code, alone.json()["document_id"]) == (409, first["id"])
    twice = await upload(owner, project, "again.txt", b"The same words.", allow_duplicate=True)
    assert made(twice)["items"][0]["sha256"] == first["sha256"]
    # One content takes its room once, and what was refused takes none.
    assert await used(house, owner) == (len("The same words.") + len("Other words."), 0)


async def test_what_is_no_form_with_files_in_a_project_is_told(owner: Visitor, project: dict[str, Any]) -> None:
    path = f"/projects/{project['id']}/documents"
    for sent, code in (
        ({"json": {}}, "document.bad_form"),
        ({"data": {"a": "b"}, "files": {"file": ("", b"")}}, "document.nothing_sent"),
        (
            {"content": b"--x\r\n", "headers": {"Content-Type": "multipart/form-data; boundary=x"}},
            "document.nothing_sent",
        ),
    ):
        answer = await owner.post(path, **sent)
        assert answer.json()["code"] == code
    late = [("file", ("a.txt", b"a")), ("project_id", (None, project["id"]))]
    assert (await owner.post("/documents/upload", files=late)).json()["code"] == "document.bad_form"


FIELDS = st.lists(st.tuples(st.booleans(), st.binary(max_size=200)), max_size=5)


@given(FIELDS, st.lists(st.integers(1, 40), max_size=30), st.booleans())
async def test_a_form_is_the_same_in_whatever_pieces_it_comes(
    fields: list[tuple[bool, bytes]], sizes: list[int], is_cut: bool
) -> None:
    boundary = b"a-boundary-that-nobody-writes"
    body = b""
    for number, (is_file, content) in enumerate(fields):
        name = f'name="part{number}"' + (f'; filename="ä{number}.txt"' if is_file else "")
        body += b"--%s\r\nContent-Disposition: form-data; %s\r\n\r\n%s\r\n" % (boundary, name.encode(), content)
    body += b"--%s--\r\n" % boundary
    whole = body[: len(body) // 2] if is_cut else body

    async def stream() -> AsyncIterator[bytes]:
        at = 0
        for size in [*sizes, len(whole)]:
            yield whole[at : at + size]
            at += size

    found: list[tuple[str, str | None, bytes]] = []
    try:
        form = Form(f"multipart/form-data; boundary={boundary.decode()}", stream())
        async for part in form.parts():
            found.append((part.name, part.filename, b"".join([chunk async for chunk in part.chunks()])))
    except BadForm:
        assert is_cut
    expected = [
        (f"part{number}", f"ä{number}.txt" if is_file else None, content)
        for number, (is_file, content) in enumerate(fields)
    ]
    assert found == expected[: len(found)]
    assert is_cut or found == expected


async def begin(visitor: Visitor, project: dict[str, Any], content: bytes, **more: Any) -> str:
    said = {"project_id": project["id"], "name": "large.txt", "bytes": len(content), "media_type": "text/plain"}
    begun: str = made(await visitor.post("/documents/uploads", json=said | more))["id"]
    return begun


async def add(visitor: Visitor, upload_id: str, start: int, content: bytes | AsyncIterator[bytes]) -> Any:
    headers = {"Upload-Offset": str(start)}
    return await visitor.patch(f"/documents/uploads/{upload_id}", content=content, headers=headers)


async def test_a_large_file_comes_in_parts_and_goes_on_after_a_broken_line(
    house: House, owner: Visitor, project: dict[str, Any]
) -> None:
    content = hashlib.shake_256(b"large").hexdigest(LEAST_PART).encode()  # two parts
    half = len(content) // 2

    async def broken() -> AsyncIterator[bytes]:
        yield content[half : half + 1000]
        raise ClientDisconnect

    upload_id = await begin(owner, project, content, tags=["Large"])
    assert made(await add(owner, upload_id, 0, content[:half]))["received"] == half
    assert (await add(owner, upload_id, half, broken())).json()["code"] == "document.upload_broken"
    elsewhere = await add(owner, upload_id, 0, content[:half])
    assert (elsewhere.status_code, elsewhere.json()["received"]) == (409, half)
    assert (await add(owner, upload_id, half, content[half : half + 5])).json()["code"] == "document.part_too_small"
    early = await owner.post(f"/documents/uploads/{upload_id}/finish")
    assert (early.status_code, early.json()["received"]) == (409, half)
    [listed] = (await owner.get("/documents/uploads")).json()
    assert (listed["received"], listed["bytes"]) == (half, len(content))
    assert await used(house, owner) == (half, 0)

    assert made(await add(owner, upload_id, half, content[half:]))["received"] == len(content)
    finished = made(await owner.post(f"/documents/uploads/{upload_id}/finish"))
    assert (finished["name"], finished["bytes"], finished["tags"]) == ("large.txt", len(content), ["Large"])
    assert finished["sha256"] == hashlib.sha256(content).hexdigest()
    assert (await owner.get(f"/documents/{finished['id']}/content")).content == content
    # Its parts are gone with it, and with their room; nobody finishes it twice.
    assert await used(house, owner) == (len(content), 0)
    assert (await owner.post(f"/documents/uploads/{upload_id}/finish")).status_code == 404


async def test_an_upload_that_is_ended_or_forgotten_gives_its_room_back(
    house: House, owner: Visitor, project: dict[str, Any]
) -> None:
    ended, left = [await begin(owner, project, b"x" * (LEAST_PART + 1)) for _ in range(2)]
    for each in (ended, left):
        made(await add(owner, each, 0, each.encode().ljust(LEAST_PART)))
    assert (await owner.delete(f"/documents/uploads/{ended}")).status_code == 204
    await stored(house, "UPDATE document_upload SET changed_at = now() - interval '25 hours' RETURNING id")
    await uploads.sweep(house.database)
    assert (await owner.get("/documents/uploads")).json() == []
    assert await used(house, owner) == (0, 0)


async def test_what_an_editor_brings_is_the_owners_and_takes_the_owners_room(
    house: House, owner: Visitor, project: dict[str, Any]
) -> None:
    editor = await house.visitor(name="Emil Editor")
    await share(owner, editor, await verified(house, editor), "editor", project_id=project["id"])
    found = await bring(house, editor, project, "by-editor.txt", "Brought by somebody else.")
    assert (found["role"], found["state"]) == ("editor", "ready")
    assert await used(house, owner) == (len("Brought by somebody else."), 0)
    assert (await owner.get(f"/documents/{found['id']}/content")).text == "Brought by somebody else."


async def test_a_project_and_a_person_have_so_much_room(
    house: House, owner: Visitor, settings: Settings, database: Database
) -> None:
    small = settings.model_copy(update={"kontor_project_documents": 2, "kontor_project_bytes": 10})
    async with opened(small, database) as narrow:
        person = await narrow.visitor()
        project = await make_project(person)
        made(await upload(person, project, "a.txt", b"12345"))
        full = await upload(person, project, "b.txt", b"1234567")
        assert (full.status_code, full.json()["code"], full.json()["used_bytes"]) == (413, "document.project_full", 5)
        announced = {"project_id": project["id"], "name": "b.txt", "bytes": 7}
        assert (await person.post("/documents/uploads", json=announced)).json()["code"] == "document.project_full"
        made(await upload(person, project, "b.txt", b"1234"))
        many = await upload(person, project, "c.txt", b"1")
        assert (many.status_code, many.json()["code"]) == (409, "document.too_many")
        other = await make_project(person)
        await stored(narrow, "UPDATE blob_usage SET quota_bytes = 12 WHERE owner_id = :id RETURNING 1", id=person.id)
        refused = await upload(person, other, "d.txt", b"1234")
        assert (refused.status_code, refused.json()["code"]) == (413, "blobs.quota_exceeded")
        assert await used(narrow, person) == (9, 0)
    assert DEFAULT_QUOTA_BYTES > 12


async def test_a_text_is_kept_once_for_one_key(house: House, owner: Visitor, project: dict[str, Any]) -> None:
    said = {"project_id": project["id"], "text": "# Notiz\n\nDer Termin ist am Montag.", "format": "markdown"}
    first, second = [
        await owner.post("/documents/text", json=said, headers={"Idempotency-Key": "once"}) for _ in range(2)
    ]
    assert made(first) == made(second)
    assert (first.json()["name"], first.json()["origin"]) == ("Notiz.md", "text")
    assert (await owner.post("/documents/text", json=said)).json()["code"] == "document.duplicate"
    await read_all(house)
    found = made(await owner.get(f"/documents/{first.json()['id']}"))
    assert (found["state"], found["kind"]) == ("ready", "markdown")
    assert await used(house, owner) == (found["bytes"], 0)


PAGE = """
<html><head><title>Preise {year}</title><meta name="author" content="Redaktion">
<meta property="article:published_time" content="{year}-03-01"></head>
<body><nav>Start Über uns</nav><article><h1>Preise {year}</h1>
<p>Ein Kilo Äpfel kostet {price} Euro, und das ist der ganze Preis im Laden.</p></article></body></html>
"""


@asynccontextmanager
async def site(answers: dict[str, tuple[int, str]]) -> AsyncIterator[str]:
    async def answer(request: web.Request) -> web.Response:
        status, body = answers[request.path]
        return web.Response(status=status, text=body, content_type="text/html")

    application = web.Application()
    application.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    place = web.TCPSite(runner, "127.0.0.1", 0)
    await place.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def test_a_page_is_kept_as_it_was_and_fetched_again(settings: Settings, database: Database) -> None:
    pages = {"/preise": (200, PAGE.format(year=2025, price="3,20")), "/gone": (404, "Nothing")}
    async with site(pages) as url:
        port = url.rpartition(":")[2]
        opening = {"kontor_fetch_allow": "127.0.0.0/8", "kontor_fetch_ports": f"80,443,{port}"}
        async with opened(settings.model_copy(update=opening), database) as house:
            owner = await house.visitor()
            project = await make_project(owner)
            said = {"project_id": project["id"], "url": f"{url}/preise"}
            begun = made(await owner.post("/documents/url", json=said))
            assert (begun["state"], begun["bytes"], begun["name"]) == ("waiting", 0, f"127.0.0.1:{port} › preise")
            assert (await owner.post("/documents/url", json=said)).json()["code"] == "document.duplicate"
            await read_all(house)
            path = f"/documents/{begun['id']}"
            first = made(await owner.get(path))
            assert (first["state"], first["name"], first["author"], first["dated"]) == (
                "ready", "Preise 2025", "Redaktion", "2025-03-01",
            )  # fmt: skip
            old = made(await owner.get(f"{path}/pages/1"))
            assert "3,20 Euro" in old["text"]
            assert "Über uns" not in old["text"]

            made202 = await owner.post(f"{path}/refresh")
            assert made202.status_code == 202
            await read_all(house)
            assert made(await owner.get(path))["text_id"] == first["text_id"]

            pages["/preise"] = (200, PAGE.format(year=2026, price="3,50"))
            await owner.post(f"{path}/refresh")
            await read_all(house)
            second = made(await owner.get(path))
            assert second["text_id"] != first["text_id"]
            assert "3,50 Euro" in made(await owner.get(f"{path}/pages/1"))["text"]
            # Who cited the page as it was still finds it, and the file that it was.
            assert made(await owner.get(f"{path}/pages/1", params={"text_id": first["text_id"]})) == old
            content = await owner.get(f"{path}/content", params={"text_id": first["text_id"]})
            assert "3,20 Euro" in content.text
            texts = await stored(house, "SELECT DISTINCT text_id FROM passage")
            assert [str(row.text_id) for row in texts] == [second["text_id"]]

            gone = made(await owner.post("/documents/url", json=said | {"url": f"{url}/gone"}))
            await read_all(house)
            failed = made(await owner.get(f"/documents/{gone['id']}"))
            assert (failed["state"], failed["problem"]["code"]) == ("failed", "fetch.bad_answer")
            inside = await owner.post("/documents/url", json=said | {"url": "http://10.0.0.1/"})
            assert inside.json()["code"] == "fetch.refused"


async def test_what_an_address_holds_has_to_fit_and_leaves_no_file_behind(
    settings: Settings, database: Database
) -> None:
    pages = {"/": (200, "%PDF-1.7 and nothing of what should follow")}
    async with site(pages) as url:
        opening = {
            "kontor_fetch_allow": "127.0.0.0/8",
            "kontor_fetch_ports": f"80,443,{url.rpartition(':')[2]}",
            "kontor_project_bytes": 1000,
        }
        async with opened(settings.model_copy(update=opening), database) as house:
            owner = await house.visitor()
            project = await make_project(owner)
            said = {"project_id": project["id"], "url": f"{url}/"}
            path = f"/documents/{made(await owner.post('/documents/url', json=said))['id']}"
            await read_all(house)
            assert made(await owner.get(path))["problem"]["code"] == "document.damaged"
            # Nothing was read from that file, so nobody cites it: the next one takes its place and its room.
            pages["/"] = (200, PAGE.format(year=2026, price="3,50"))
            await owner.post(f"{path}/refresh")
            await read_all(house)
            ready = made(await owner.get(path))
            assert ready["state"] == "ready"
            assert await used(house, owner) == (ready["bytes"], 0)
            pages["/"] = (200, PAGE.format(year=2027, price="9" * 1000))
            await owner.post(f"{path}/refresh")
            await read_all(house)
            full = made(await owner.get(path))
            assert (full["state"], full["problem"]["code"]) == ("failed", "document.project_full")
            assert (full["sha256"], full["text_id"]) == (ready["sha256"], ready["text_id"])
            assert await used(house, owner) == (ready["bytes"], 0)
