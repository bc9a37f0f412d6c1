"""Folders, in which projects and other folders stand."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Response, status

from kontor.core.errors import FieldProblem
from kontor.core.http.actors import ProjectReader, ProjectWriter, ScopeRequired, Unauthenticated
from kontor.core.http.idempotency import KontorRoute
from kontor.core.http.paging import PageCursor, PageLimit
from kontor.core.http.problems import problems
from kontor.core.http.units import Unit
from kontor.core.http.versions import SeenVersion, StaleVersion, tagged
from kontor.core.paging import BadCursor, Page
from kontor.projects import service, tree
from kontor.projects.errors import (
    FolderInItself,
    FolderNotFound,
    InTrash,
    MoveWouldShare,
    NotInTrash,
    OtherTree,
    OwnerOnly,
    ReadOnly,
    TooManyThings,
)
from kontor.projects.repository import Filter
from kontor.projects.routes import ARCHIVED, MINE, Archived, Order, Pinned, Tagged, Whose, Words
from kontor.projects.schemas import FolderChange, FolderCreate, FolderDuplicate, FolderMove, FolderRead, FolderWrite
from kontor.projects.tree import Goal

router = APIRouter(
    prefix="/folders", tags=["projects"], route_class=KontorRoute, responses=problems(Unauthenticated, ScopeRequired)
)

CHANGING = (FolderNotFound, ReadOnly, OwnerOnly, InTrash, StaleVersion)


@router.get("", responses=problems(BadCursor, FolderNotFound))
async def list_folders(
    actor: ProjectReader,
    unit: Unit,
    *,
    parent_id: Annotated[
        UUID | Literal["none"] | None, Query(description="In this folder; `none`: in none that one sees")
    ] = None,
    search: Words = None,
    tag: Tagged = None,
    pinned: Pinned = None,
    whose: Whose = None,
    archived: Archived = "no",
    sort: Order = "position",
    cursor: PageCursor = None,
    limit: PageLimit = 50,
) -> Page[FolderRead]:
    """One's own and those that are shared with one, as a flat list: `parent_id` makes the tree of it."""
    wanted = Filter(
        parent=parent_id, search=search, tag=tag, pinned=pinned, mine=MINE[whose], archived=ARCHIVED[archived],
        sort=sort,
    )  # fmt: skip
    return await service.list_folders(unit, actor, wanted, limit=limit, cursor=cursor)


@router.post(
    "",
    status_code=status.HTTP_201_CREATED,
    responses=problems(FolderNotFound, ReadOnly, InTrash, TooManyThings, FieldProblem),
)
async def create_folder(wanted: FolderCreate, actor: ProjectWriter, unit: Unit, response: Response) -> FolderRead:
    """In a shared folder it belongs to whom that one belongs to."""
    return tagged(await service.create_folder(unit, actor, wanted), response)


@router.get("/{folder_id}", responses=problems(FolderNotFound))
async def read_folder(folder_id: UUID, actor: ProjectReader, unit: Unit, response: Response) -> FolderRead:
    return tagged(await service.read_folder(unit, actor, folder_id), response)


@router.put("/{folder_id}", responses=problems(*CHANGING, FieldProblem))
async def replace_folder(
    folder_id: UUID, wanted: FolderWrite, actor: ProjectWriter, unit: Unit, *, seen: SeenVersion, response: Response
) -> FolderRead:
    return tagged(await service.change_folder(unit, actor, folder_id, wanted, seen=seen), response)


@router.patch("/{folder_id}", responses=problems(*CHANGING, FieldProblem))
async def change_folder(
    folder_id: UUID, wanted: FolderChange, actor: ProjectWriter, unit: Unit, *, seen: SeenVersion, response: Response
) -> FolderRead:
    """Only what is sent is changed. To archive it is its owner's to decide."""
    return tagged(await service.change_folder(unit, actor, folder_id, wanted, seen=seen), response)


@router.delete("/{folder_id}", status_code=status.HTTP_204_NO_CONTENT, responses=problems(*CHANGING))
async def trash_folder(folder_id: UUID, actor: ProjectWriter, unit: Unit, *, seen: SeenVersion) -> None:
    """Into the trash, with all that stands in it, for thirty days."""
    await tree.throw_away(unit, actor, "folder", folder_id, seen=seen)


@router.post(
    "/{folder_id}/move",
    responses=problems(*CHANGING, FolderInItself, OtherTree, MoveWouldShare, FieldProblem),
)
async def move_folder(
    folder_id: UUID, wanted: FolderMove, actor: ProjectWriter, unit: Unit, *, seen: SeenVersion, response: Response
) -> FolderRead:
    """Into another folder, to another place among its siblings, or both."""
    named = wanted.model_fields_set
    goal = Goal("parent_id" in named, wanted.parent_id, "after" in named, wanted.after)
    return tagged(
        await service.shown_folder(unit, await tree.move(unit, actor, "folder", folder_id, goal, seen=seen)), response
    )


@router.post(
    "/{folder_id}/duplicate",
    status_code=status.HTTP_201_CREATED,
    responses=problems(FolderNotFound, ReadOnly, InTrash, TooManyThings, FieldProblem),
)
async def duplicate_folder(
    folder_id: UUID, wanted: FolderDuplicate, actor: ProjectWriter, unit: Unit, response: Response
) -> FolderRead:
    """With all folders and projects in it."""
    return tagged(await service.duplicate_folder(unit, actor, folder_id, wanted), response)


@router.post("/{folder_id}/restore", responses=problems(FolderNotFound, OwnerOnly, ReadOnly, NotInTrash))
async def restore_folder(folder_id: UUID, actor: ProjectWriter, unit: Unit, response: Response) -> FolderRead:
    """Out of the trash, with all that went with it. One that is not in there stays as it is."""
    return tagged(await service.shown_folder(unit, await tree.restore(unit, actor, "folder", folder_id)), response)


@router.put("/{folder_id}/pin", status_code=status.HTTP_204_NO_CONTENT, responses=problems(FolderNotFound, InTrash))
async def pin_folder(folder_id: UUID, actor: ProjectWriter, unit: Unit) -> None:
    """For oneself: nobody else sees it."""
    await tree.pin(unit, actor, "folder", folder_id, is_pinned=True)


@router.delete("/{folder_id}/pin", status_code=status.HTTP_204_NO_CONTENT, responses=problems(FolderNotFound, InTrash))
async def unpin_folder(folder_id: UUID, actor: ProjectWriter, unit: Unit) -> None:
    await tree.pin(unit, actor, "folder", folder_id, is_pinned=False)
