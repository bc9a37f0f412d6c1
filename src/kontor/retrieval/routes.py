"""Searching, and holding quotations and answers against their sources."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request

from kontor.core.http.actors import DocumentReader, ProjectReader, ProjectWriter, ScopeRequired, Unauthenticated
from kontor.core.http.idempotency import KontorRoute
from kontor.core.http.problems import problems
from kontor.core.http.units import Unit
from kontor.documents.current import CurrentDesk
from kontor.documents.errors import DocumentNotFound, NotReadYet
from kontor.documents.parsing.model import Kind as DocumentKind
from kontor.projects.errors import InTrash, ProjectNotFound, ReadOnly
from kontor.projects.schemas import Tag
from kontor.retrieval import embedding, proof
from kontor.retrieval.errors import EmbeddingFailed, ModelTooWide, UnknownKind
from kontor.retrieval.schemas import (
    MOST_IDS,
    ClaimsRead,
    ClaimsWanted,
    EmbeddingChange,
    EmbeddingRead,
    EvidencesRead,
    EvidenceWanted,
    Question,
    SearchRead,
    SearchWanted,
)
from kontor.retrieval.service import Retrieval

router = APIRouter(tags=["search"], route_class=KontorRoute, responses=problems(Unauthenticated, ScopeRequired))


async def current_retrieval(request: Request) -> Retrieval:
    found: Retrieval = request.app.state.retrieval
    return found


CurrentRetrieval = Annotated[Retrieval, Depends(current_retrieval)]
Ids = Annotated[list[UUID] | None, Query(max_length=MOST_IDS)]
PageNumber = Annotated[int | None, Query(ge=1, le=1_000_000)]


@router.post("/search", responses=problems(ProjectNotFound, UnknownKind))
async def search(wanted: SearchWanted, actor: DocumentReader, retrieval: CurrentRetrieval) -> SearchRead:
    """Everything that can be searched, by words and by meaning."""
    return await retrieval.search(actor, wanted)


@router.get("/documents/search", responses=problems(ProjectNotFound))
async def search_documents(
    actor: DocumentReader,
    retrieval: CurrentRetrieval,
    *,
    query: Annotated[Question, Query()],
    project_id: Ids = None,
    document_id: Ids = None,
    type: Annotated[list[DocumentKind] | None, Query(max_length=20)] = None,  # noqa: A002 - as people ask for it
    tag: Annotated[list[Tag] | None, Query(max_length=20, description="All of them")] = None,
    since: Annotated[date | None, Query(description="By the document's own date, else by when it came")] = None,
    until: date | None = None,
    page_from: PageNumber = None,
    page_to: PageNumber = None,
    limit: Annotated[int, Query(ge=1, le=50)] = 10,
    passages_each: Annotated[int, Query(ge=1, le=20, description="Passages of one document at most")] = 3,
    explain: Annotated[bool, Query(description="Tells what each stage found")] = False,
) -> SearchRead:
    """The same, over documents alone."""
    return await retrieval.search(
        actor,
        SearchWanted(
            query=query,
            kinds=["document"],
            project_ids=project_id,
            document_ids=document_id,
            types=type or [],
            tags=tag or [],
            since=since,
            until=until,
            page_from=page_from,
            page_to=page_to,
            limit=limit,
            passages_each=passages_each,
            explain=explain,
        ),
    )


@router.post("/documents/{document_id}/evidence", responses=problems(DocumentNotFound, NotReadYet))
async def find_evidence(
    document_id: UUID,
    wanted: EvidenceWanted,
    actor: DocumentReader,
    unit: Unit,
    *,
    desk: CurrentDesk,
    retrieval: CurrentRetrieval,
) -> EvidencesRead:
    """Where quotations stand in a document, how exactly, and in which rectangles of which page."""
    return await proof.quotations(unit, desk.texts, retrieval.readings, actor, document_id=document_id, wanted=wanted)


@router.post("/evidence")
async def judge_answer(wanted: ClaimsWanted, actor: DocumentReader, unit: Unit) -> ClaimsRead:
    """What an answer claims, and how far its passages bear that out. No model is asked."""
    return await proof.claims(unit, actor, wanted)


@router.get("/projects/{project_id}/embedding", responses=problems(ProjectNotFound))
async def read_embedding(project_id: UUID, actor: ProjectReader, unit: Unit) -> EmbeddingRead:
    """The model that reads this project's passages for search by meaning."""
    return await embedding.read(unit, actor, project_id)


@router.put(
    "/projects/{project_id}/embedding",
    responses=problems(ProjectNotFound, ReadOnly, InTrash, ModelTooWide, EmbeddingFailed),
)
async def choose_embedding(
    project_id: UUID, wanted: EmbeddingChange, actor: ProjectWriter, retrieval: CurrentRetrieval
) -> EmbeddingRead:
    """Another one answers as soon as it has read everything; until then the old one does. Whoever chooses pays."""
    return await embedding.choose(retrieval.database, retrieval.asks, actor, project_id, wanted)
