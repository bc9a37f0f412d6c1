"""Projects."""

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
from kontor.core.text import Line
from kontor.projects import service, tree
from kontor.projects.errors import (
    FolderNotFound,
    InTrash,
    MoveWouldShare,
    NotInTrash,
    OtherTree,
    OwnerOnly,
    ProjectNotFound,
    ReadOnly,
    TooManyThings,
)
from kontor.projects.repository import Filter, SortKey
from kontor.projects.schemas import (
    ProjectChange,
    ProjectCreate,
    ProjectDuplicate,
    ProjectMove,
    ProjectRead,
    ProjectWrite,
    Tag,
)
from kontor.projects.tree import Goal
from kontor.projects.values import Kind

router = APIRouter(
    prefix="/projects", tags=["projects"], route_class=KontorRoute, responses=problems(Unauthenticated, ScopeRequired)
)

CHANGING = (ProjectNotFound, ReadOnly, OwnerOnly, InTrash, StaleVersion)

# For folders too.
Words = Annotated[Line | None, Query(max_length=200, description="Parts of the name, all of them")]
Tagged = Annotated[Tag | None, Query()]
Pinned = Annotated[bool | None, Query()]
Whose = Annotated[Literal["mine", "others"] | None, Query(description="Absent: both")]
Archived = Annotated[
    Literal["no", "yes", "any"], Query(description="What stands in an archived folder counts as archived")
]
Order = Annotated[SortKey, Query(description="With a minus: from the end")]
ARCHIVED = {"no": False, "yes": True, "any": None}
MINE = {"mine": True, "others": False, None: None}


@router.get("", responses=problems(BadCursor, FolderNotFound))
async def list_projects(
    actor: ProjectReader,
    unit: Unit,
    *,
    folder_id: Annotated[
        UUID | Literal["none"] | None, Query(description="In this folder; `none`: in none that one sees")
    ] = None,
    kind: Annotated[Kind | None, Query()] = None,
    search: Words = None,
    tag: Tagged = None,
    pinned: Pinned = None,
    whose: Whose = None,
    archived: Archived = "no",
    sort: Order = "position",
    cursor: PageCursor = None,
    limit: PageLimit = 50,
) -> Page[ProjectRead]:
    """One's own and those that are shared with one. What is in the trash is not among them."""
    wanted = Filter(
        parent=folder_id, search=search, kind=kind, tag=tag, pinned=pinned, mine=MINE[whose],
        archived=ARCHIVED[archived], sort=sort,
    )  # fmt: skip
    return await service.list_page(unit, actor, wanted, limit=limit, cursor=cursor)


@router.post(
    "",
    status_code=status.HTTP_201_CREATED,
    responses=problems(FolderNotFound, ReadOnly, InTrash, TooManyThings, FieldProblem),
)
async def create_project(wanted: ProjectCreate, actor: ProjectWriter, unit: Unit, response: Response) -> ProjectRead:
    """In a shared folder it belongs to whom the folder belongs to."""
    return tagged(await service.create(unit, actor, wanted), response)


@router.get("/{project_id}", responses=problems(ProjectNotFound))
async def read_project(project_id: UUID, actor: ProjectReader, unit: Unit, response: Response) -> ProjectRead:
    return tagged(await service.read(unit, actor, project_id), response)


@router.put("/{project_id}", responses=problems(*CHANGING, FieldProblem))
async def replace_project(
    project_id: UUID, wanted: ProjectWrite, actor: ProjectWriter, unit: Unit, *, seen: SeenVersion, response: Response
) -> ProjectRead:
    return tagged(await service.replace(unit, actor, project_id, wanted, seen=seen), response)


@router.patch("/{project_id}", responses=problems(*CHANGING, FieldProblem))
async def change_project(
    project_id: UUID, wanted: ProjectChange, actor: ProjectWriter, unit: Unit, *, seen: SeenVersion, response: Response
) -> ProjectRead:
    """Only what is sent is changed. To archive it is its owner's to decide."""
    return tagged(await service.change(unit, actor, project_id, wanted, seen=seen), response)


@router.delete("/{project_id}", status_code=status.HTTP_204_NO_CONTENT, responses=problems(*CHANGING))
async def trash_project(project_id: UUID, actor: ProjectWriter, unit: Unit, *, seen: SeenVersion) -> None:
    """Into the trash, for thirty days. Those it is shared with do not see it from then on."""
    await tree.throw_away(unit, actor, "project", project_id, seen=seen)


@router.post(
    "/{project_id}/move",
    responses=problems(*CHANGING, FolderNotFound, OtherTree, MoveWouldShare, FieldProblem),
)
async def move_project(
    project_id: UUID, wanted: ProjectMove, actor: ProjectWriter, unit: Unit, *, seen: SeenVersion, response: Response
) -> ProjectRead:
    """Into another folder, to another place among its siblings, or both."""
    named = wanted.model_fields_set
    goal = Goal("folder_id" in named, wanted.folder_id, "after" in named, wanted.after)
    return tagged(
        await service.shown(unit, await tree.move(unit, actor, "project", project_id, goal, seen=seen)), response
    )


@router.post(
    "/{project_id}/duplicate",
    status_code=status.HTTP_201_CREATED,
    responses=problems(ProjectNotFound, FolderNotFound, ReadOnly, InTrash, TooManyThings, FieldProblem),
)
async def duplicate_project(
    project_id: UUID, wanted: ProjectDuplicate, actor: ProjectWriter, unit: Unit, response: Response
) -> ProjectRead:
    """Beside the original, or where one says. Whoever reads it may have one like it; shares and budgets stay behind."""
    return tagged(await service.duplicate(unit, actor, project_id, wanted), response)


@router.post("/{project_id}/restore", responses=problems(ProjectNotFound, OwnerOnly, ReadOnly, NotInTrash))
async def restore_project(project_id: UUID, actor: ProjectWriter, unit: Unit, response: Response) -> ProjectRead:
    """Out of the trash, with all shares. One that is not in there stays as it is."""
    return tagged(await service.shown(unit, await tree.restore(unit, actor, "project", project_id)), response)


@router.put("/{project_id}/pin", status_code=status.HTTP_204_NO_CONTENT, responses=problems(ProjectNotFound, InTrash))
async def pin_project(project_id: UUID, actor: ProjectWriter, unit: Unit) -> None:
    """For oneself: nobody else sees it."""
    await tree.pin(unit, actor, "project", project_id, is_pinned=True)


@router.delete(
    "/{project_id}/pin", status_code=status.HTTP_204_NO_CONTENT, responses=problems(ProjectNotFound, InTrash)
)
async def unpin_project(project_id: UUID, actor: ProjectWriter, unit: Unit) -> None:
    await tree.pin(unit, actor, "project", project_id, is_pinned=False)
