"""Documents with passages, as a reader leaves them, without a reader."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import text

from kontor.accounts.tables import Person
from kontor.core.database import Database
from kontor.core.ids import UserId, new_id
from kontor.core.tenancy import Actor, Role
from kontor.documents.parsing.model import Document, Kind, Page
from kontor.documents.parsing.packing import pack

Text = str | tuple[str, str]  # with its language


@dataclass(frozen=True, slots=True)
class Owner:
    """Somebody with a project."""

    actor: Actor
    project_id: UUID


@dataclass(frozen=True, slots=True)
class Made:
    project_id: UUID
    document_id: UUID
    text_id: UUID
    passages: Sequence[UUID]


async def make_owner(database: Database, *, project_id: UUID | None = None) -> Owner:
    user, project = UserId(new_id()), project_id or new_id()
    async with database.system("people") as unit:
        email = f"{user.hex}@example.org"
        unit.add(Person(id=user, name="Anna Muster", role="user", state="active", email=email, email_key=email))
    await make_project_of(database, user, project)
    return Owner(Actor(user, Role.USER), project)


async def make_project_of(database: Database, owner: UUID, project_id: UUID | None = None) -> UUID:
    project = project_id or new_id()
    async with database.system("test") as unit:
        await unit.execute(
            text("""
                INSERT INTO project (id, owner_id, kind, config, name, position, created_by, created_at, updated_at)
                VALUES (:id, :owner, 'chat', '{"kind": "chat"}', 'Project', 0, :owner, now(), now())
            """),
            {"id": project, "owner": owner},
        )
    return project


async def make_document(
    database: Database, project_id: UUID, texts: Sequence[Text], *, ids: Sequence[UUID] = (), **columns: Any
) -> Made:
    """One passage for each text, each on a page of its own."""
    made = Made(project_id, new_id(), new_id(), list(ids) or [new_id() for _ in texts])
    pieces = [each if isinstance(each, str) else each[0] for each in texts]
    languages = ["de" if isinstance(each, str) else each[1] for each in texts]
    whole, pages, at = "", [], 0
    for piece in pieces:
        whole += piece + "\n"
        pages.append(Page(at, len(whole), 5950, 8420))
        at = len(whole)
    document = Document(kind=Kind.TEXT, parser="test 1", text=whole, pages=tuple(pages))
    values = {"kind": "text", "name": "Document", "dated": "", "tags": [], "title": ""} | columns
    async with database.system("test") as unit:
        owner = await unit.scalar(text("SELECT owner_id FROM project WHERE id = :id"), {"id": project_id})
        await unit.execute(
            text("""
                INSERT INTO document (id, owner_id, project_id, name, origin, kind, media_type, state, pages,
                    characters, language, dated, tags, title, created_at, changed_at)
                VALUES (:id, :owner, :project, :name, 'text', :kind, 'text/plain', 'ready', :pages, :characters,
                    'de', :dated, :tags, :title, now(), now())
            """),
            values
            | {"id": made.document_id, "owner": owner, "project": project_id, "pages": len(pages),
               "characters": len(whole)},
        )  # fmt: skip
        await unit.execute(
            text("""
                INSERT INTO document_text (id, owner_id, project_id, document_id, parser, digest, packed, language,
                    pages, characters, created_at)
                VALUES (:id, :owner, :project, :document, 'test 1', :digest, :packed, 'de', :pages, :characters, now())
            """),
            {
                "id": made.text_id, "owner": owner, "project": project_id, "document": made.document_id,
                "digest": hashlib.sha256(whole.encode()).digest(), "packed": pack(document), "pages": len(pages),
                "characters": len(whole),
            },
        )  # fmt: skip
        await unit.execute(
            text("UPDATE document SET text_id = :text WHERE id = :id"), {"text": made.text_id, "id": made.document_id}
        )
        rows: list[Mapping[str, object]] = [
            {
                "project": project_id, "id": made.passages[number], "document": made.document_id, "text": made.text_id,
                "ordinal": number, "start": pages[number].start, "end": pages[number].start + len(piece),
                "page": number + 1, "language": languages[number], "words": piece,
            }
            for number, piece in enumerate(pieces)
        ]  # fmt: skip
        await unit.execute(
            text("""
                INSERT INTO passage (project_id, id, document_id, text_id, ordinal, start_at, end_at, fresh_at,
                    page_first, page_last, language, text)
                VALUES (:project, :id, :document, :text, :ordinal, :start, :end, :start, :page, :page, :language,
                    :words)
            """),
            rows,
        )
    return made
