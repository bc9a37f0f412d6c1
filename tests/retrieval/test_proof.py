"""Quotations and answers held against their sources, over HTTP."""

from uuid import UUID

import pytest
from sqlalchemy import text

from kontor.core.database import Database
from kontor.documents.parsing.model import Box, Document, Kind, Page, Words
from kontor.documents.parsing.packing import pack
from kontor.retrieval import proof
from tests.factories.house import House
from tests.factories.passages import Made, make_document
from tests.factories.projects import make_project, person

LEASE = "Die Kündigungsfrist beträgt drei Monate zum Quartalsende."
RENT = "Die Miete ist bis zum dritten Werktag zu zahlen."


async def read_again_with_places(database: Database, made: Made) -> UUID:
    """A newer reader saw where each word stands, on a page of 600 by 800 points. The old text stays."""
    whole, words, at = f"Seite eins.\n{LEASE}\n", Words(), 0
    for number, word in enumerate(whole.split()):
        at = whole.index(word, at)
        words.add(at, at + len(word), Box(600 + 500 * (number % 8), 800, 600 + 500 * (number % 8) + 480, 920))
        at += len(word)
    page = Page(0, len(whole), 6000, 8000)
    packed = pack(Document(kind=Kind.PDF, parser="test 2", text=whole, pages=(page,), words=words))
    async with database.system("test") as unit:
        found: UUID = (
            await unit.execute(
                text("""
                    INSERT INTO document_text (id, owner_id, project_id, document_id, blob_id, parser, digest, packed,
                        language, pages, characters, created_at)
                    SELECT gen_random_uuid(), owner_id, project_id, document_id, NULL, 'test 2', sha256('2'), :packed,
                        'de', 1, :characters, now() FROM document_text WHERE id = :old RETURNING id
                """),
                {"packed": packed, "characters": len(whole), "old": made.text_id},
            )
        ).scalar_one()
        await unit.execute(text("UPDATE document SET text_id = :id WHERE id = :document"),
                           {"id": found, "document": made.document_id})  # fmt: skip
    return found


async def test_a_quotation_is_found_with_its_page_and_its_rectangles(house: House) -> None:
    owner = await house.visitor()
    project = UUID((await make_project(owner))["id"])
    made = await make_document(house.database, project, [RENT, LEASE])
    new = await read_again_with_places(house.database, made)
    path, asked = f"/documents/{made.document_id}/evidence", ["beträgt drei  Monate", "beträgt vier Monate zum", "Hund"]
    found = (await owner.post(path, json={"quotations": asked})).json()
    assert found["text_id"] == str(new)
    assert [item["kind"] for item in found["items"]] == ["normalised", "none", "none"]
    assert [item["reason"] for item in found["items"]] == [None, "number", None]
    [span] = found["items"][0]["spans"]
    begin = f"Seite eins.\n{LEASE}".index("beträgt")
    assert (span["start_at"], span["end_at"], span["page_first"]) == (begin, begin + len("beträgt drei Monate"), 1)
    # Words four to six of eight on the line; 50 points each, from 60 on.
    assert span["rectangles"] == [{"page": 1, "box": [0.43333, 0.1, 0.68, 0.115]}]
    # Citations of the text that was read before still hold.
    old = (await owner.post(path, json={"quotations": [LEASE], "text_id": str(made.text_id)})).json()["items"][0]
    assert (old["kind"], old["spans"][0]["page_first"], old["spans"][0]["rectangles"]) == ("verbatim", 2, [])


async def test_an_answer_is_split_and_held_against_passages_that_one_may_read(house: House) -> None:
    owner, guest = await house.visitor(), (await person(house, "Gast"))[0]
    project = UUID((await make_project(owner))["id"])
    made = await make_document(house.database, project, [RENT, LEASE])
    answer = f"{LEASE} [2] Die Kündigungsfrist beträgt vier Monate. [2] Der Mond ist aus Käse."
    wanted = {
        "answer": answer,
        "passages": [{"number": number, "passage_id": str(each)} for number, each in enumerate(made.passages, 1)],
    }
    first, second, third = (await owner.post("/evidence", json=wanted)).json()["claims"]
    assert (first["support"], first["passage_id"], first["document_id"]) == (
        "verbatim", str(made.passages[1]), str(made.document_id),
    )  # fmt: skip
    assert first["spans"][0]["start_at"] == len(RENT) + 1
    assert (second["support"], second["reason"]) == ("not_found", "number")
    assert (third["support"], third["number"]) == ("not_found", None)
    # Whose passages are named does not matter to who may not read them: they bear nothing out, as if they were none.
    hidden = (await guest.post("/evidence", json=wanted)).json()["claims"]
    assert {each["support"] for each in hidden} == {"not_found"}
    assert str(made.document_id) not in str(hidden)
    both = {"number": 1, "passage_id": str(made.passages[0]), "text": "x"}
    for passages in ([both], [{"number": 1}], [{"number": 1, "text": "x"}, {"number": 1, "text": "y"}]):
        refused = await owner.post("/evidence", json={"answer": answer, "passages": passages})
        assert refused.status_code == 422


async def test_what_would_take_a_core_for_long_is_refused(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    owner = await house.visitor()
    made = await make_document(house.database, UUID((await make_project(owner))["id"]), [RENT, LEASE])
    path, asked = f"/documents/{made.document_id}/evidence", {"quotations": [LEASE, RENT]}
    answer = {"answer": f"{LEASE} [1]", "passages": [{"number": 1, "text": LEASE}]}
    for seconds, status in ((proof.MOST_SECONDS, 200), (-1.0, 422)):
        monkeypatch.setattr(proof, "MOST_SECONDS", seconds)
        for answered in (await owner.post(path, json=asked), await owner.post("/evidence", json=answer)):
            assert answered.status_code == status
            assert status == 200 or answered.json()["reason"] == "too_much"
