"""What a document holds: its file, its text, its pages and passages."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from kontor.core.blobs.downloads import respond
from kontor.core.blobs.errors import ContentMissing
from kontor.core.http.actors import Core, DocumentReader, ScopeRequired, Unauthenticated
from kontor.core.http.idempotency import KontorRoute
from kontor.core.http.paging import PageCursor, PageLimit
from kontor.core.http.problems import problems
from kontor.core.http.units import Unit
from kontor.core.paging import BadCursor, Page
from kontor.documents import service, texts
from kontor.documents.current import CurrentDesk
from kontor.documents.errors import DocumentNotFound, NotReadYet, PageNotFound
from kontor.documents.schemas import PageRead, PassageRead, TextRead

router = APIRouter(
    prefix="/documents/{document_id}",
    tags=["documents"],
    route_class=KontorRoute,
    responses=problems(Unauthenticated, ScopeRequired, DocumentNotFound),
)

OfText = Annotated[UUID | None, Query(description="An older text that is cited; absent: the present one")]


@router.get(
    "/content",
    responses={
        **problems(ContentMissing, NotReadYet),
        200: {"content": {"application/octet-stream": {}}, "description": "The file"},
        206: {"description": "A part of it, where `Range` asked for one"},
    },
    response_class=Response,
)
async def read_content(
    document_id: UUID,
    request: Request,
    actor: DocumentReader,
    kernel: Core,
    *,
    text_id: OfText = None,
    inline: Annotated[bool, Query(description="To be shown in place, where its kind allows that")] = False,
) -> Response:
    """The file as it came, or as it was found at its address, to be saved and never to be run."""
    async with kernel.database.unit(actor) as unit:
        blob = await service.content(unit, actor, kernel.blobs, document_id, text_id)
    # The store is asked without a unit: it may be far away.
    if await kernel.blobs.store.size(blob.key) is None:
        raise ContentMissing
    return respond(kernel.blobs, blob, headers=request.headers, inline=inline)


@router.get("/text", responses=problems(NotReadYet))
async def read_text(
    document_id: UUID, actor: DocumentReader, unit: Unit, desk: CurrentDesk, text_id: OfText = None
) -> TextRead:
    """Where its pages and headings are. The text itself comes page by page."""
    return await texts.outline(unit, desk.texts, actor, document_id, text_id)


@router.get("/pages/{number}", responses=problems(NotReadYet, PageNotFound))
async def read_page(
    document_id: UUID, number: int, actor: DocumentReader, unit: Unit, *, desk: CurrentDesk, text_id: OfText = None
) -> PageRead:
    """The text of a page, counted from 1, with its blocks and tables and, where it can be looked at, the place of each
    word."""
    return await texts.page(unit, desk.texts, actor, document_id, number, text_id=text_id)


@router.get("/passages", responses=problems(NotReadYet, BadCursor))
async def list_passages(
    document_id: UUID,
    actor: DocumentReader,
    unit: Unit,
    *,
    page: Annotated[int | None, Query(ge=1, le=2**31 - 1, description="Those that touch it")] = None,
    cursor: PageCursor = None,
    limit: PageLimit = 50,
) -> Page[PassageRead]:
    """What searches find, in the order of the text."""
    return await texts.passages(unit, actor, document_id, page=page, limit=limit, cursor=cursor)
