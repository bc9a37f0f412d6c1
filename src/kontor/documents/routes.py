"""Documents: finding, bringing, changing, throwing away."""

from collections.abc import AsyncIterator
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response, status

from kontor.core.blobs.errors import QuotaExceeded
from kontor.core.blobs.values import Received
from kontor.core.fetch import FetchRefused
from kontor.core.http.actors import Core, DocumentReader, DocumentWriter, ScopeRequired, Unauthenticated
from kontor.core.http.idempotency import KontorRoute
from kontor.core.http.paging import PageCursor, PageLimit
from kontor.core.http.problems import problems
from kontor.core.http.units import Unit
from kontor.core.http.versions import SeenVersion, StaleVersion, tagged
from kontor.core.paging import BadCursor, Page
from kontor.core.text import Line
from kontor.documents import service
from kontor.documents.current import CurrentDesk
from kontor.documents.errors import (
    DocumentInTrash,
    DocumentNotFound,
    Duplicate,
    NotFromAddress,
    ProjectFull,
    StillUnderWay,
    TooManyDocuments,
)
from kontor.documents.intake import Wanted
from kontor.documents.parsing.model import DocumentKind
from kontor.documents.repository import Filter, SortKey
from kontor.documents.schemas import DocumentChange, DocumentCounts, DocumentRead, TextCreate, UrlCreate
from kontor.documents.values import DocumentState, Origin
from kontor.projects.errors import InTrash, ProjectNotFound, ReadOnly
from kontor.projects.schemas import Tag

router = APIRouter(
    prefix="/documents", tags=["documents"], route_class=KontorRoute, responses=problems(Unauthenticated, ScopeRequired)
)
project_router = APIRouter(
    prefix="/projects/{project_id}/documents",
    tags=["documents"],
    route_class=KontorRoute,
    responses=problems(Unauthenticated, ScopeRequired),
)

CHANGING = (DocumentNotFound, ReadOnly)
ADDING = (ProjectNotFound, ReadOnly, InTrash, Duplicate, TooManyDocuments, ProjectFull, QuotaExceeded)

OfProject = Annotated[UUID | None, Query(description="Absent: of all that one sees")]
Kinds = Annotated[list[DocumentKind] | None, Query(alias="type", max_length=20, description="Any of these")]
States = Annotated[list[DocumentState] | None, Query(alias="state", max_length=10, description="Any of these")]
Tagged = Annotated[list[Tag] | None, Query(alias="tag", max_length=20, description="All of these")]
Words = Annotated[Line | None, Query(alias="text", max_length=200, description="Parts of name, title or author")]
Trashed = Annotated[bool, Query(description="What was thrown away, instead of what was not")]
Order = Annotated[SortKey, Query(description="With a minus: from the end")]


@router.get("", responses=problems(BadCursor, ProjectNotFound))
async def list_documents(
    actor: DocumentReader,
    unit: Unit,
    *,
    project_id: OfProject = None,
    kinds: Kinds = None,
    states: States = None,
    tags: Tagged = None,
    words: Words = None,
    trashed: Trashed = False,
    sort: Order = "-created_at",
    cursor: PageCursor = None,
    limit: PageLimit = 50,
) -> Page[DocumentRead]:
    """Of all projects that one sees, or of one. What lies in a project in the trash is not among them."""
    wanted = chosen(project_id, kinds, states, tags, words, trashed=trashed, sort=sort)
    return await service.list_page(unit, actor, wanted, limit=limit, cursor=cursor)


@project_router.get("", responses=problems(BadCursor, ProjectNotFound))
async def list_documents_of_project(
    project_id: UUID,
    actor: DocumentReader,
    unit: Unit,
    *,
    kinds: Kinds = None,
    states: States = None,
    tags: Tagged = None,
    words: Words = None,
    trashed: Trashed = False,
    sort: Order = "-created_at",
    cursor: PageCursor = None,
    limit: PageLimit = 50,
) -> Page[DocumentRead]:
    wanted = chosen(project_id, kinds, states, tags, words, trashed=trashed, sort=sort)
    return await service.list_page(unit, actor, wanted, limit=limit, cursor=cursor)


@router.get("/counts", responses=problems(ProjectNotFound))
async def count_documents(
    actor: DocumentReader,
    unit: Unit,
    *,
    project_id: OfProject = None,
    kinds: Kinds = None,
    states: States = None,
    tags: Tagged = None,
    words: Words = None,
    trashed: Trashed = False,
) -> DocumentCounts:
    """How many there are, by state, kind and tag, of what a filter leaves."""
    return await service.counts(unit, actor, chosen(project_id, kinds, states, tags, words, trashed=trashed))


def chosen(
    project_id: UUID | None,
    kinds: list[DocumentKind] | None,
    states: list[DocumentState] | None,
    tags: list[str] | None,
    words: str | None,
    **more: Any,
) -> Filter:
    return Filter(
        project=project_id,
        kinds=[each.value for each in kinds or ()],
        states=[each.value for each in states or ()],
        tags=tags or (),
        search=words,
        **more,
    )


@router.post("/url", status_code=status.HTTP_201_CREATED, responses=problems(*ADDING, FetchRefused))
async def add_url(
    wanted: UrlCreate, actor: DocumentWriter, unit: Unit, *, desk: CurrentDesk, kernel: Core, response: Response
) -> DocumentRead:
    """The main text of a page, with its title, author and date, or whatever file stands there. Kept as it is now."""
    return tagged(await desk.intake.take_url(unit, actor, wanted, kernel.fetcher), response)


async def receive_text(wanted: TextCreate, actor: DocumentWriter, desk: CurrentDesk) -> AsyncIterator[Received]:
    """Before the unit of the request begins. What has not become a document when that is over goes again."""
    project, received = await desk.intake.receive_text(actor, wanted)
    try:
        yield received
    finally:
        await desk.intake.drop(project, received)


@router.post("/text", status_code=status.HTTP_201_CREATED, responses=problems(*ADDING))
async def add_text(
    wanted: TextCreate,
    received: Annotated[Received, Depends(receive_text, scope="function")],
    actor: DocumentWriter,
    unit: Unit,
    *,
    desk: CurrentDesk,
    response: Response,
) -> DocumentRead:
    """A note, or what was pasted."""
    said = Wanted(project_id=wanted.project_id, tags=wanted.tags, allow_duplicate=wanted.allow_duplicate)
    return tagged(await desk.intake.keep(unit, actor, said, received, origin=Origin.TEXT), response)


@router.get("/{document_id}", responses=problems(DocumentNotFound))
async def read_document(document_id: UUID, actor: DocumentReader, unit: Unit, response: Response) -> DocumentRead:
    return tagged(await service.read(unit, actor, document_id), response)


@router.patch("/{document_id}", responses=problems(*CHANGING, DocumentInTrash, StaleVersion))
async def change_document(
    document_id: UUID,
    wanted: DocumentChange,
    actor: DocumentWriter,
    unit: Unit,
    *,
    seen: SeenVersion,
    response: Response,
) -> DocumentRead:
    """What it is called, and what is known about it. What people write stays when it is read again."""
    return tagged(await service.change(unit, actor, document_id, wanted, seen=seen), response)


@router.delete(
    "/{document_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problems(*CHANGING, DocumentInTrash, StaleVersion),
)
async def trash_document(document_id: UUID, actor: DocumentWriter, unit: Unit, *, seen: SeenVersion) -> None:
    """Into the trash, for thirty days. No search finds it from then on."""
    await service.throw_away(unit, actor, document_id, seen=seen)


@router.post("/{document_id}/restore", responses=problems(*CHANGING))
async def restore_document(document_id: UUID, actor: DocumentWriter, unit: Unit, response: Response) -> DocumentRead:
    """Out of the trash, with everything that was read out of it. One that is not in there stays as it is."""
    return tagged(await service.restore(unit, actor, document_id), response)


@router.post(
    "/{document_id}/retry",
    status_code=status.HTTP_202_ACCEPTED,
    responses=problems(*CHANGING, DocumentInTrash, StillUnderWay),
)
async def retry_document(document_id: UUID, actor: DocumentWriter, unit: Unit, response: Response) -> DocumentRead:
    """Reads the file once more: one that failed, or one that a newer reader may get more out of. What was read before
    stays for those who cite it."""
    return tagged(await service.retry(unit, actor, document_id), response)


@router.post(
    "/{document_id}/refresh",
    status_code=status.HTTP_202_ACCEPTED,
    responses=problems(*CHANGING, DocumentInTrash, StillUnderWay, NotFromAddress),
)
async def refresh_document(document_id: UUID, actor: DocumentWriter, unit: Unit, response: Response) -> DocumentRead:
    """Fetches its address once more. Only if something else stands there now, there is a new text."""
    return tagged(await service.refresh(unit, actor, document_id), response)
