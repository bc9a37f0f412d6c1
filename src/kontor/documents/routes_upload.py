"""Files on their way in. No unit is open while bytes come, and no answer is remembered: who sends the same file again
is told that it is there."""

from collections.abc import AsyncIterator
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Header, Query, Request, Response, status
from pydantic import TypeAdapter, ValidationError
from starlette.requests import ClientDisconnect

from kontor.core.blobs.errors import BlobTooLarge, QuotaExceeded, TooManyUploads, UploadStalled
from kontor.core.errors import FieldProblem, KontorError
from kontor.core.http.actors import DocumentReader, DocumentWriter, ScopeRequired, Unauthenticated
from kontor.core.http.idempotency import KontorRoute
from kontor.core.http.problems import problems
from kontor.core.http.units import Unit
from kontor.core.http.versions import tagged
from kontor.core.tenancy import Actor
from kontor.documents import uploads
from kontor.documents.current import CurrentDesk
from kontor.documents.errors import (
    BadForm,
    NothingSent,
    PartTooSmall,
    TooManyUnfinished,
    UploadBroken,
    UploadElsewhere,
    UploadIncomplete,
    UploadNotFound,
)
from kontor.documents.intake import Intake, Wanted
from kontor.documents.multipart import Form
from kontor.documents.routes import ADDING
from kontor.documents.schemas import DocumentRead, RefusedRead, UploadCreate, UploadedRead, UploadRead
from kontor.projects.schemas import Tags

router = APIRouter(tags=["documents"], responses=problems(Unauthenticated, ScopeRequired))
parts_router = APIRouter(
    prefix="/documents/uploads",
    tags=["documents"],
    route_class=KontorRoute,
    responses=problems(Unauthenticated, ScopeRequired),
)

RECEIVING = (BlobTooLarge, QuotaExceeded, TooManyUploads, UploadStalled)
TAGS: TypeAdapter[list[str]] = TypeAdapter(Tags)
MOST_FILES = 100

FORM: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "project_id": {
                            "type": "string",
                            "format": "uuid",
                            "description": "Before the files, if the address does not say it",
                        },
                        "allow_duplicate": {"type": "boolean"},
                        "tags": {"type": "array", "items": {"type": "string"}},
                        "file": {
                            "type": "array",
                            "items": {"type": "string", "contentMediaType": "application/octet-stream"},
                        },
                    },
                }
            }
        },
    }
}
BYTES: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}

AllowDuplicate = Annotated[bool, Query(description="Take it although the same content is there")]


@router.post(
    "/documents/upload",
    status_code=status.HTTP_201_CREATED,
    responses=problems(*ADDING, *RECEIVING, BadForm, NothingSent, FieldProblem),
    openapi_extra=FORM,
)
async def upload_documents(
    request: Request,
    actor: DocumentWriter,
    desk: CurrentDesk,
    project_id: Annotated[UUID | None, Query(description="Or a field of the form, before the files")] = None,
    allow_duplicate: AllowDuplicate = False,
) -> UploadedRead:
    """One file or many. Each is taken or refused by itself, and read afterwards: its state tells how far that is."""
    return await take_form(request, actor, desk.intake, project_id, allow_duplicate=allow_duplicate)


@router.post(
    "/projects/{project_id}/documents",
    status_code=status.HTTP_201_CREATED,
    responses=problems(*ADDING, *RECEIVING, BadForm, NothingSent, FieldProblem),
    openapi_extra=FORM,
)
async def upload_documents_to_project(
    project_id: UUID,
    request: Request,
    actor: DocumentWriter,
    desk: CurrentDesk,
    allow_duplicate: AllowDuplicate = False,
) -> UploadedRead:
    return await take_form(request, actor, desk.intake, project_id, allow_duplicate=allow_duplicate)


async def take_form(
    request: Request, actor: Actor, intake: Intake, project_id: UUID | None, *, allow_duplicate: bool
) -> UploadedRead:
    form = Form(request.headers.get("content-type", ""), arriving(request))
    taken = UploadedRead(items=[], refused=[])
    first: KontorError | None = None
    tags: list[str] = []
    seen = 0
    async for part in form.parts():
        if part.filename is None:
            text = await part.text()
            match part.name:
                case "project_id" if project_id is None:
                    project_id = uuid_of(text)
                case "allow_duplicate":
                    allow_duplicate = text.strip().lower() in {"true", "1", "on"}
                case "tags" | "tag":
                    tags = tags_of([*tags, text])
                case _:
                    pass
            continue
        seen += 1
        if project_id is None or seen > MOST_FILES:
            raise BadForm
        wanted = Wanted(project_id=project_id, tags=tuple(tags), allow_duplicate=allow_duplicate)
        try:
            made = await intake.take(
                actor, wanted, part.chunks(), name=part.filename, media_type=part.media_type or None
            )
        except KontorError as error:
            if isinstance(error, BadForm | UploadBroken):
                raise
            first = first or error
            taken.refused.append(refused(part.filename, error))
        else:
            taken.items.append(made)
    if not taken.items:
        raise first or NothingSent()
    return taken


def refused(name: str, error: KontorError) -> RefusedRead:
    known = error.details.get("document_id")
    document_id = UUID(known) if isinstance(known, str) else None
    return RefusedRead(name=name[:255], code=error.code, detail=error.message, document_id=document_id)


def uuid_of(text: str) -> UUID:
    try:
        return UUID(text.strip())
    except ValueError as reason:
        raise FieldProblem("project_id", "This is no id of a project.") from reason


def tags_of(texts: list[str]) -> list[str]:
    try:
        return TAGS.validate_python(texts)
    except ValidationError as reason:
        raise FieldProblem("tags", "Tags are up to 20 short words.") from reason


@parts_router.post("", status_code=status.HTTP_201_CREATED, responses=problems(*ADDING, TooManyUnfinished))
async def begin_upload(wanted: UploadCreate, actor: DocumentWriter, unit: Unit, desk: CurrentDesk) -> UploadRead:
    """For a large file: its parts follow, one after the other, and a broken line costs one of them at most."""
    return await desk.uploads.begin(unit, actor, wanted)


@parts_router.get("")
async def list_uploads(
    actor: DocumentReader, unit: Unit, project_id: Annotated[UUID | None, Query()] = None
) -> list[UploadRead]:
    """One's own that are not finished."""
    return await uploads.list_all(unit, actor, project_id)


@parts_router.get("/{upload_id}", responses=problems(UploadNotFound))
async def read_upload(upload_id: UUID, actor: DocumentReader, unit: Unit) -> UploadRead:
    """How much has been received: whoever lost the line goes on from there."""
    return uploads.as_read(await uploads.find(unit, actor, upload_id))


@router.patch(
    "/documents/uploads/{upload_id}",
    responses=problems(*RECEIVING, *ADDING, UploadNotFound, UploadElsewhere, PartTooSmall),
    openapi_extra=BYTES,
)
async def add_part(
    upload_id: UUID,
    request: Request,
    actor: DocumentWriter,
    desk: CurrentDesk,
    *,
    upload_offset: Annotated[int, Header(ge=0, description="Where in the file this part begins")],
) -> UploadRead:
    """The next part, as plain bytes. One that breaks off leaves nothing behind."""
    return await desk.uploads.add(actor, upload_id, upload_offset, arriving(request))


async def arriving(request: Request) -> AsyncIterator[bytes]:
    try:
        async for chunk in request.stream():
            if chunk:
                yield chunk
    except ClientDisconnect as reason:
        raise UploadBroken from reason


@router.post(
    "/documents/uploads/{upload_id}/finish",
    status_code=status.HTTP_201_CREATED,
    responses=problems(*RECEIVING, *ADDING, UploadNotFound, UploadIncomplete),
)
async def finish_upload(upload_id: UUID, actor: DocumentWriter, desk: CurrentDesk, response: Response) -> DocumentRead:
    return tagged(await desk.uploads.finish(actor, upload_id), response)


@parts_router.delete("/{upload_id}", status_code=status.HTTP_204_NO_CONTENT, responses=problems(UploadNotFound))
async def end_upload(upload_id: UUID, actor: DocumentWriter, unit: Unit, desk: CurrentDesk) -> None:
    await desk.uploads.end(unit, actor, upload_id)
