"""What goes over the wire. Offsets count characters of the document's text, pages from 1, and boxes are left, top,
right and bottom as shares of the page, from 0 to 1."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, BaseModel, Field, StringConstraints, model_validator

from kontor.core.text import Line, prose
from kontor.documents.parsing.model import BlockKind, DocumentKind, Why
from kontor.documents.values import DATE, LARGEST_BYTES, Document, DocumentState, Origin, Text
from kontor.projects.schemas import Sent, Tags
from kontor.projects.values import Access

LONGEST_TEXT = 1_000_000

Language = Literal["de", "en", "other"]
Box = tuple[float, float, float, float]


def _date(value: str) -> str:
    if value and not DATE.fullmatch(value):
        raise ValueError("Write a date as 2026, 2026-03 or 2026-03-31.")
    return value


DocumentName = Annotated[Line, StringConstraints(min_length=1, max_length=255)]
Title = Annotated[Line, StringConstraints(max_length=500)]
Date = Annotated[Line, StringConstraints(max_length=40), AfterValidator(_date)]
MediaType = Annotated[Line, StringConstraints(max_length=130)]
Address = Annotated[Line, StringConstraints(min_length=1, max_length=2000)]
Written = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_TEXT), AfterValidator(prose)
]


class ProblemRead(BaseModel):
    code: str
    sentence: str


class NoticeRead(BaseModel):
    code: str = Field(description="Such as `ocr_missing`, `other_type`, `attachment`")
    sentence: str


class ProgressRead(BaseModel):
    """Pages while it is read, passages while it is indexed."""

    done: int
    total: int | None = Field(description="Null while nobody knows")


class DocumentRead(BaseModel):
    id: UUID
    project_id: UUID
    role: Access = Field(description="What one may do in its project")
    name: str
    origin: Origin
    url: str | None
    kind: DocumentKind | None = Field(description="By its content; null before it was looked at")
    media_type: str = Field(description="As it was sent")
    bytes: int
    sha256: str | None
    state: DocumentState
    problem: ProblemRead | None = Field(description="Why it failed")
    notices: list[NoticeRead] = Field(description="What to know of what could be read")
    progress: ProgressRead | None = Field(description="While it is read or indexed")
    title: str
    author: str
    dated: str = Field(description="ISO 8601, as exactly as is known; may be empty")
    language: Language | None
    pages: int
    characters: int
    text_id: UUID | None = Field(description="The text that it has now. Null before it was read for the first time")
    tags: list[str]
    created_at: datetime
    changed_at: datetime
    trashed_at: datetime | None
    version: int

    @classmethod
    def of(cls, document: Document) -> Self:
        assert document.access is not None  # noqa: S101 - somebody looks at it
        same = ("id", "project_id", "name", "origin", "url", "kind", "media_type", "state", "title", "author", "dated",
                "language", "pages", "characters", "text_id", "created_at", "changed_at", "trashed_at",
                "version")  # fmt: skip
        problem, is_moving = document.problem, document.state in {DocumentState.READING, DocumentState.INDEXING}
        return cls(
            **{name: getattr(document, name) for name in same},
            role=document.access,
            bytes=document.size,
            sha256=None if document.sha256 is None else document.sha256.hex(),
            problem=None if problem is None else ProblemRead(code=problem.code, sentence=problem.sentence),
            notices=[NoticeRead(code=each.code, sentence=each.sentence) for each in document.notices],
            progress=ProgressRead(done=document.done, total=document.total) if is_moving else None,
            tags=list(document.tags),
        )


class RefusedRead(BaseModel):
    name: str
    code: str
    detail: str
    document_id: UUID | None = Field(None, description="Of a duplicate: what is there already")


class UploadedRead(BaseModel):
    """Where nothing was taken, the answer is the problem of the first file."""

    items: list[DocumentRead]
    refused: list[RefusedRead]


class DocumentChange(Sent):
    """Only what is sent is changed."""

    name: DocumentName | None = None
    tags: Tags | None = None
    title: Title | None = None
    author: Title | None = None
    dated: Date | None = None

    @model_validator(mode="after")
    def takes_nothing_away(self) -> Self:
        for name in self.model_fields_set:
            if getattr(self, name) is None:
                raise ValueError(f"{name} cannot be null.")
        return self


class UrlCreate(Sent):
    project_id: UUID
    url: Address
    name: DocumentName | None = Field(None, description="Absent: the title of what is found there")
    tags: Tags = Field(default_factory=list)
    allow_duplicate: bool = False


class TextCreate(Sent):
    project_id: UUID
    text: Written
    name: DocumentName | None = Field(None, description="Absent: its first line")
    format: Literal["plain", "markdown"] = "plain"
    tags: Tags = Field(default_factory=list)
    allow_duplicate: bool = False


class UploadCreate(Sent):
    """Of a large file, whose parts follow."""

    project_id: UUID
    name: DocumentName
    bytes: int = Field(ge=1, le=LARGEST_BYTES)
    media_type: MediaType = "application/octet-stream"
    tags: Tags = Field(default_factory=list)
    allow_duplicate: bool = False


class UploadRead(BaseModel):
    id: UUID
    project_id: UUID
    name: str
    bytes: int
    received: int = Field(description="Where the next part begins")
    part_bytes: int = Field(description="The largest part that is taken")
    created_at: datetime
    expires_at: datetime = Field(description="Without another part until then it is given up")


class NumberRead(BaseModel):
    value: str
    number: int


class DocumentCounts(BaseModel):
    """Of all that a filter leaves, whatever a page shows of it."""

    total: int
    bytes: int
    states: list[NumberRead]
    kinds: list[NumberRead]
    tags: list[NumberRead]


# What a viewer shows


class TextPageRead(BaseModel):
    number: int
    name: str = Field(description="Of a sheet, a chapter, an attachment")
    start_at: int
    end_at: int
    width: float = Field(description="In points; 0 where there are no pages to look at")
    height: float
    is_scan: bool = Field(description="Its text, if any, was read off an image")


class HeadingRead(BaseModel):
    level: int
    text: str
    start_at: int
    page: int


class VersionRead(BaseModel):
    text_id: UUID
    parser: str
    characters: int
    created_at: datetime
    is_current: bool

    @classmethod
    def of(cls, text: Text, document: Document) -> Self:
        return cls(
            text_id=text.id, parser=text.parser, characters=text.characters, created_at=text.created_at,
            is_current=text.id == document.text_id,
        )  # fmt: skip


class TextRead(BaseModel):
    """The frame of a text: its pages with their offsets, and what an outline is made of."""

    document_id: UUID
    text_id: UUID
    parser: str
    language: Language
    characters: int
    pages: list[TextPageRead]
    headings: list[HeadingRead]
    versions: list[VersionRead] = Field(description="Every text that was read out of it, the newest first")


class BlockRead(BaseModel):
    kind: BlockKind
    level: int
    start_at: int
    end_at: int


class CellRead(BaseModel):
    row: int
    column: int
    start_at: int
    end_at: int


class TableRead(BaseModel):
    start_at: int
    end_at: int
    cells: list[CellRead]


class WordRead(BaseModel):
    start_at: int
    end_at: int
    box: Box


class HiddenRead(BaseModel):
    at: int
    text: str
    why: Why
    box: Box | None


class JoinRead(BaseModel):
    """Taken out of the text here, such as a hyphen at the end of a line."""

    at: int
    text: str


class PageRead(TextPageRead):
    document_id: UUID
    text_id: UUID
    pages: int
    text: str = Field(description="From `start_at` to `end_at`")
    blocks: Sequence[BlockRead]
    tables: Sequence[TableRead]
    words: Sequence[WordRead] = Field(description="Where there are pages to look at: each word, or its part on a line")
    hidden: Sequence[HiddenRead] = Field(description="What nobody sees who looks at the page; no part of the text")
    joins: Sequence[JoinRead]


class PassageRead(BaseModel):
    id: UUID
    ordinal: int
    start_at: int
    end_at: int
    fresh_at: int = Field(description="Where what no earlier passage has begins")
    page_first: int
    page_last: int
    heading: str
    language: Language
    text: str
