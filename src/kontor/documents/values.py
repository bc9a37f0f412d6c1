"""What documents are called, and how far they are."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from kontor.core.blobs.values import clean_name
from kontor.documents.parsing.model import Notice
from kontor.projects.values import Access

UPLOAD_LASTS = timedelta(hours=24)
LARGEST_BYTES = 256 << 20  # what a reader takes
LARGEST_PART = 16 << 20
LEAST_PART = 256 << 10  # but for the last one

# As exactly as somebody knows it.
DATE = re.compile(r"\d{4}(-\d{2}(-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2})?)?)?)?")


class DocumentState(StrEnum):
    WAITING = "waiting"
    READING = "reading"
    INDEXING = "indexing"
    READY = "ready"
    FAILED = "failed"


UNDER_WAY = frozenset({DocumentState.WAITING, DocumentState.READING, DocumentState.INDEXING})


class Origin(StrEnum):
    UPLOAD = "upload"
    URL = "url"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class Problem:
    """Why nothing could be made of a file: a code that screens know, and a sentence for who brought it."""

    code: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Document:
    """As one person sees it. `access` is None in a unit of the system."""

    id: UUID
    owner_id: UUID
    project_id: UUID
    access: Access | None
    name: str
    origin: Origin
    url: str | None
    kind: str | None
    media_type: str
    blob_id: UUID | None
    size: int
    sha256: bytes | None
    state: DocumentState
    problem: Problem | None
    notices: Sequence[Notice]
    done: int
    total: int | None
    title: str
    author: str
    dated: str
    language: str | None
    pages: int
    characters: int
    text_id: UUID | None
    tags: Sequence[str]
    created_by: UUID | None
    created_at: datetime
    changed_at: datetime
    trashed_at: datetime | None
    version: int

    @classmethod
    def of(cls, row: Any) -> "Document":
        return cls(
            row.id, row.owner_id, row.project_id, None if row.role is None else Access(row.role), row.name,
            Origin(row.origin), row.url, row.kind, row.media_type, row.blob_id, row.bytes, row.sha256,
            DocumentState(row.state), None if row.problem_code is None else Problem(row.problem_code, row.problem),
            tuple(Notice(each["code"], each["sentence"]) for each in row.notices), row.done, row.total, row.title,
            row.author, row.dated, row.language, row.pages, row.characters, row.text_id, tuple(row.tags),
            row.created_by, row.created_at, row.changed_at, row.trashed_at, row.version,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Text:
    """What was once read out of a document. Citations name it, so it outlives what is read later."""

    id: UUID
    document_id: UUID
    project_id: UUID
    parser: str
    language: str
    pages: int
    characters: int
    created_at: datetime
    blob_id: UUID | None
    is_whole: bool


def url_name(url: str) -> str:
    """What a page is called until its title is known."""
    return clean_name(url.split("://", 1)[-1].strip("/").replace("/", " › "))
