"""Shares of folders and projects, and the trash."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Response, status

from kontor.accounts.current_caller import CurrentCaller
from kontor.core.http.actors import Core, ProjectReader, ProjectWriter, ScopeRequired, Unauthenticated
from kontor.core.http.idempotency import KontorRoute
from kontor.core.http.paging import PageCursor, PageLimit
from kontor.core.http.problems import problems
from kontor.core.http.units import Unit
from kontor.core.http.versions import SeenVersion, StaleVersion, tagged
from kontor.core.paging import BadCursor, Page
from kontor.projects import shares, trash
from kontor.projects.errors import (
    AlreadyShared,
    FolderNotFound,
    InTrash,
    NotInTrash,
    OwnerOnly,
    ProjectNotFound,
    ReadOnly,
    ShareNotFound,
    TooManyThings,
    WithOneself,
)
from kontor.projects.schemas import Emptied, ShareChange, ShareCreate, ShareRead, TrashRead
from kontor.projects.shares import Filter
from kontor.projects.values import ShareState

router = APIRouter(tags=["projects"], route_class=KontorRoute, responses=problems(Unauthenticated, ScopeRequired))


@router.get("/shares", responses=problems(BadCursor))
async def list_shares(
    actor: ProjectReader,
    unit: Unit,
    *,
    folder_id: Annotated[UUID | None, Query(description="Of this folder alone")] = None,
    project_id: Annotated[UUID | None, Query(description="Of this project alone")] = None,
    direction: Annotated[Literal["given", "received"] | None, Query(description="Absent: both")] = None,
    state: Annotated[ShareState | None, Query()] = None,
    cursor: PageCursor = None,
    limit: PageLimit = 50,
) -> Page[ShareRead]:
    """What one gave, what one takes part in and what one is invited to, newest first."""
    given = None if direction is None else direction == "given"
    wanted = Filter(folder=folder_id, project=project_id, state=state, is_given=given)
    return await shares.list_page(unit, actor, wanted, limit=limit, cursor=cursor)


@router.post(
    "/shares",
    status_code=status.HTTP_201_CREATED,
    responses=problems(
        FolderNotFound, ProjectNotFound, OwnerOnly, ReadOnly, InTrash, WithOneself, AlreadyShared, TooManyThings
    ),
)
async def create_share(
    wanted: ShareCreate,
    actor: ProjectWriter,
    unit: Unit,
    kernel: Core,
    caller: CurrentCaller,
    *,
    response: Response,
) -> ShareRead:
    """Invites whoever has the address. The answer is the same whether or not somebody here does."""
    return tagged(await shares.offer(unit, kernel, actor, wanted, address=caller.address), response)


@router.patch("/shares/{share_id}", responses=problems(ShareNotFound, OwnerOnly, StaleVersion))
async def change_share(
    share_id: UUID,
    wanted: ShareChange,
    actor: ProjectWriter,
    unit: Unit,
    *,
    seen: SeenVersion,
    caller: CurrentCaller,
    response: Response,
) -> ShareRead:
    changed = await shares.change_role(unit, actor, share_id, wanted.role, seen=seen, address=caller.address)
    return tagged(changed, response)


@router.delete("/shares/{share_id}", status_code=status.HTTP_204_NO_CONTENT, responses=problems(ShareNotFound))
async def end_share(share_id: UUID, actor: ProjectWriter, unit: Unit, caller: CurrentCaller) -> None:
    """Its owner takes it back, or who takes part leaves. It holds from the next request on, and open streams end."""
    await shares.end(unit, actor, share_id, address=caller.address)


@router.post("/shares/{share_id}/accept", responses=problems(ShareNotFound))
async def accept_share(share_id: UUID, actor: ProjectWriter, unit: Unit, caller: CurrentCaller) -> ShareRead:
    """By whom it is for: a person whose verified address it was sent to."""
    return await shares.answer(unit, actor, share_id, is_accepted=True, address=caller.address)


@router.post("/shares/{share_id}/decline", responses=problems(ShareNotFound))
async def decline_share(share_id: UUID, actor: ProjectWriter, unit: Unit, caller: CurrentCaller) -> ShareRead:
    return await shares.answer(unit, actor, share_id, is_accepted=False, address=caller.address)


@router.get("/trash", responses=problems(BadCursor))
async def list_trash(
    actor: ProjectReader, unit: Unit, cursor: PageCursor = None, limit: PageLimit = 50
) -> Page[TrashRead]:
    """What one threw away, newest first, and when it is erased for good."""
    return await trash.list_page(unit, actor, limit=limit, cursor=cursor)


@router.delete("/trash")
async def empty_trash(actor: ProjectWriter, unit: Unit, caller: CurrentCaller) -> Emptied:
    """Erases all of it, for good."""
    return Emptied(erased=await trash.empty(unit, actor, address=caller.address))


@router.delete("/trash/{thing_id}", status_code=status.HTTP_204_NO_CONTENT, responses=problems(NotInTrash))
async def erase_from_trash(thing_id: UUID, actor: ProjectWriter, unit: Unit, caller: CurrentCaller) -> None:
    """Erases one folder, project or document, and what was thrown away with it."""
    await trash.erase_one(unit, actor, thing_id, address=caller.address)
