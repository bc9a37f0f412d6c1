"""Documents that are there: finding, changing, reading again, throwing away."""

from dataclasses import replace
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from kontor.core.blobs.errors import ContentMissing
from kontor.core.blobs.service import Blobs
from kontor.core.blobs.values import Blob
from kontor.core.database import elevated
from kontor.core.ids import BlobId, UserId
from kontor.core.jobs.enqueueing import enqueue
from kontor.core.paging import BadCursor, Cursor, Page
from kontor.core.tenancy import Actor
from kontor.core.versions import refuse_stale
from kontor.documents import news, repository
from kontor.documents.errors import (
    DocumentInTrash,
    DocumentNotFound,
    Duplicate,
    NotFromAddress,
    NotReadYet,
    StillUnderWay,
)
from kontor.documents.kinds import READ, ReadArgs
from kontor.documents.parsing.kinds import hint
from kontor.documents.repository import KEYS, Filter
from kontor.documents.schemas import DocumentChange, DocumentCounts, DocumentRead, NumberRead
from kontor.documents.values import UNDER_WAY, Document, DocumentState, Origin, Text
from kontor.projects import service as projects
from kontor.projects.errors import ReadOnly
from kontor.projects.policy import may_edit

# Of kinds that are not called like their files. An image tells its own by its content alone.
ENDINGS = {"markdown": "md", "text": "txt"}


async def require(unit: AsyncSession, actor: Actor, document_id: UUID) -> Document:
    """Everything that is done to a document begins here. What is not seen is not there."""
    found = await repository.find(unit, actor.user_id, document_id)
    if found is None:
        raise DocumentNotFound
    return found


async def lock(unit: AsyncSession, actor: Actor, document_id: UUID, *, seen: int | None = None) -> Document:
    """For an editor, as it is once nobody else can change it any more."""
    found = await require(unit, actor, document_id)
    if found.access is None or not may_edit(found.access):
        raise ReadOnly
    await repository.lock(unit, document_id)
    found = await require(unit, actor, document_id)
    refuse_stale(found.version, seen)
    return found


def refuse_trashed(found: Document) -> None:
    if found.trashed_at is not None:
        raise DocumentInTrash


async def read(unit: AsyncSession, actor: Actor, document_id: UUID) -> DocumentRead:
    return DocumentRead.of(await require(unit, actor, document_id))


async def list_page(
    unit: AsyncSession, actor: Actor, wanted: Filter, *, limit: int, cursor: str | None
) -> Page[DocumentRead]:
    if wanted.project is not None:
        await projects.require(unit, actor, wanted.project)
    after = Cursor.decode(cursor, "str", KEYS[wanted.sort.removeprefix("-")][1], "uuid")
    if after is not None and after[0] != wanted.sort:
        raise BadCursor
    found = await repository.page(
        unit, actor.user_id, wanted, after=None if after is None else after[1:], limit=limit + 1
    )
    more = None
    if len(found) > limit:
        last, key = found[limit - 1]
        more = Cursor.encode((wanted.sort, key, last.id))
    return Page(items=[DocumentRead.of(document) for document, _ in found[:limit]], next_cursor=more)


async def counts(unit: AsyncSession, actor: Actor, wanted: Filter) -> DocumentCounts:
    if wanted.project is not None:
        await projects.require(unit, actor, wanted.project)
    rows = await repository.counts(unit, actor.user_id, wanted)

    def of(field: str) -> list[NumberRead]:
        return [NumberRead(value=row.value, number=row.number) for row in rows if row.field == field]

    states = [row for row in rows if row.field == "state"]
    return DocumentCounts(
        total=sum(row.number for row in states),
        bytes=sum(int(row.bytes) for row in states),
        states=of("state"),
        kinds=of("kind"),
        tags=of("tag"),
    )


async def change(
    unit: AsyncSession, actor: Actor, document_id: UUID, wanted: DocumentChange, *, seen: int | None
) -> DocumentRead:
    found = await lock(unit, actor, document_id, seen=seen)
    refuse_trashed(found)
    sent = wanted.model_dump(include=wanted.model_fields_set)
    changed = {name: value for name, value in sent.items() if value != _plain(getattr(found, name))}
    if changed:
        await repository.change(unit, document_id, changed)
        await _tell(unit, found, found.state)
    return await read(unit, actor, document_id)


def _plain(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value


async def _tell(unit: AsyncSession, found: Document, state: DocumentState | None) -> None:
    await news.tell(
        unit, owner_id=found.owner_id, project_id=found.project_id, document_id=found.id, state=state,
        done=found.done, total=found.total,
    )  # fmt: skip


# Reading again


async def put_down(unit: AsyncSession, owner_id: UUID, args: ReadArgs) -> None:
    """The job that reads it: its owner's, whose room and whose turn it takes."""
    await enqueue(unit, READ, args, owner_id=UserId(owner_id), key=str(args.document_id))


async def retry(unit: AsyncSession, actor: Actor, document_id: UUID) -> DocumentRead:
    """Also of what is ready: a newer reader, or one of images that was missing, may find more."""
    found = await lock(unit, actor, document_id)
    is_wanted_twice = found.problem is not None and found.problem.code == Duplicate.code
    source_id = None
    if found.blob_id is None and found.sha256 is not None and found.origin is not Origin.URL:
        # A copy whose file did not come along. The same content will do, wherever they may read it.
        source_id = await repository.same_elsewhere(unit, actor.user_id, found.sha256)
    args = ReadArgs(document_id=found.id, allow_duplicate=is_wanted_twice, copied_from=source_id)
    return await _again(unit, actor, found, args)


async def refresh(unit: AsyncSession, actor: Actor, document_id: UUID) -> DocumentRead:
    found = await lock(unit, actor, document_id)
    if found.origin is not Origin.URL:
        raise NotFromAddress
    return await _again(unit, actor, found, ReadArgs(document_id=found.id, fetches=True, allow_duplicate=True))


async def _again(unit: AsyncSession, actor: Actor, found: Document, args: ReadArgs) -> DocumentRead:
    refuse_trashed(found)
    if found.state in UNDER_WAY:
        raise StillUnderWay
    await repository.set_state(unit, found.id, DocumentState.WAITING)
    await put_down(unit, found.owner_id, args)
    await _tell(unit, found, DocumentState.WAITING)
    return await read(unit, actor, found.id)


# The trash


async def throw_away(unit: AsyncSession, actor: Actor, document_id: UUID, *, seen: int | None) -> None:
    """For thirty days. From then on it is found by no search, and seen by those who may bring it back."""
    found = await lock(unit, actor, document_id, seen=seen)
    refuse_trashed(found)
    await repository.trash(unit, found.id, actor.user_id)
    await _tell(unit, found, None)


async def restore(unit: AsyncSession, actor: Actor, document_id: UUID) -> DocumentRead:
    """With everything that was read out of it. One that is not in the trash stays as it is."""
    found = await lock(unit, actor, document_id)
    if found.trashed_at is not None:
        await repository.restore(unit, found.id)
        await _tell(unit, found, found.state)
    return await read(unit, actor, document_id)


# What it holds


async def content(
    unit: AsyncSession, actor: Actor, blobs: Blobs, document_id: UUID, text_id: UUID | None = None
) -> Blob:
    """The file as it came, or the one that an older text was read from."""
    found = await require(unit, actor, document_id)
    blob_id = found.blob_id
    if text_id is not None:
        blob_id = (await text_of(unit, found, text_id)).blob_id
    if blob_id is None:
        raise ContentMissing
    async with elevated(unit, "documents"):
        blob = await blobs.find(unit, UserId(found.owner_id), BlobId(blob_id))
    # By what it is, where that was looked at, and not by what it was sent as.
    media_type = "application/pdf" if found.kind == "pdf" and found.text_id is not None else blob.media_type
    return replace(blob, name=saved_as(found), media_type=media_type)


def saved_as(found: Document) -> str:
    """As it is called here, with an ending that tells what it is."""
    if found.kind in {None, "image"} or hint(found.name, "") is not None:
        return found.name
    return f"{found.name}.{ENDINGS.get(found.kind or '', found.kind)}"


async def text_of(unit: AsyncSession, found: Document, text_id: UUID | None) -> Text:
    """The one that it has now, or an older one that somebody cites."""
    wanted = text_id or found.text_id
    text = None if wanted is None else await repository.find_text(unit, found.id, wanted)
    if text is None:
        raise NotReadYet
    return text
