"""Projects: making, changing, copying them, and what neighbours ask about them."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from kontor.core.database import Database
from kontor.core.errors import FieldProblem
from kontor.core.ids import UserId
from kontor.core.paging import Page
from kontor.core.tenancy import Actor
from kontor.projects import configs, repository, tree
from kontor.projects.configs import AnyConfig
from kontor.projects.errors import TooManyThings
from kontor.projects.ports import Copy, belongings
from kontor.projects.repository import Filter, project_names
from kontor.projects.schemas import (
    FolderChange,
    FolderCreate,
    FolderDuplicate,
    FolderRead,
    FolderWrite,
    ProjectChange,
    ProjectCreate,
    ProjectDuplicate,
    ProjectRead,
    ProjectWrite,
)
from kontor.projects.tree import Spot
from kontor.projects.values import Access, Kind, Terms, Thing

__all__ = ["project_names"]

MOST_COPIED = 1000


# Projects


async def create(unit: AsyncSession, actor: Actor, wanted: ProjectCreate) -> ProjectRead:
    at = await tree.spot(unit, actor, wanted.folder_id)
    config = wanted.config or configs.usual(wanted.kind)
    made = await tree.add(unit, actor, "project", at, {**written(wanted, config), "kind": wanted.kind.value})
    await tree.tell(unit, "project", made)
    return await read(unit, actor, made)


def written(wanted: ProjectWrite, config: AnyConfig) -> dict[str, Any]:
    return {**wanted.model_dump(include=set(PLAIN)), "config": configs.stored(config)}


PLAIN = ("name", "description", "instructions", "default_model", "colour", "tags")


async def read(unit: AsyncSession, actor: Actor, project_id: UUID) -> ProjectRead:
    return await shown(unit, await tree.require(unit, actor, "project", project_id))


async def shown(unit: AsyncSession, project: Thing) -> ProjectRead:
    return ProjectRead.of(project, (await tree.owners(unit, [project]))[project.id])


async def list_page(
    unit: AsyncSession, actor: Actor, wanted: Filter, *, limit: int, cursor: str | None
) -> Page[ProjectRead]:
    page = await tree.list_page(unit, actor, "project", wanted, limit=limit, cursor=cursor)
    owners = await tree.owners(unit, page.items)
    return Page(items=[ProjectRead.of(each, owners[each.id]) for each in page.items], next_cursor=page.next_cursor)


async def replace(
    unit: AsyncSession, actor: Actor, project_id: UUID, wanted: ProjectWrite, *, seen: int | None
) -> ProjectRead:
    kind = kind_of(await tree.require(unit, actor, "project", project_id))
    config = wanted.config or configs.usual(kind)
    refuse_other_kind(config, kind)
    return await shown(unit, await tree.change(unit, actor, "project", project_id, written(wanted, config), seen=seen))


async def change(
    unit: AsyncSession, actor: Actor, project_id: UUID, wanted: ProjectChange, *, seen: int | None
) -> ProjectRead:
    values = wanted.model_dump(include=wanted.model_fields_set)
    if wanted.config is not None:
        refuse_other_kind(wanted.config, kind_of(await tree.require(unit, actor, "project", project_id)))
        values["config"] = configs.stored(wanted.config)
    return await shown(unit, await tree.change(unit, actor, "project", project_id, values, seen=seen))


def kind_of(project: Thing) -> Kind:
    assert project.kind is not None  # noqa: S101 - only folders have none
    return project.kind


def refuse_other_kind(config: AnyConfig, kind: Kind) -> None:
    if config.kind != kind:
        raise FieldProblem("config", f"This project is of the kind {kind}, and stays so.", reason="other_kind")


# Folders


async def create_folder(unit: AsyncSession, actor: Actor, wanted: FolderCreate) -> FolderRead:
    at = await tree.spot(unit, actor, wanted.parent_id)
    made = await tree.add(unit, actor, "folder", at, wanted.model_dump(exclude={"parent_id"}))
    await tree.tell(unit, "folder", made)
    return await read_folder(unit, actor, made)


async def read_folder(unit: AsyncSession, actor: Actor, folder_id: UUID) -> FolderRead:
    return await shown_folder(unit, await tree.require(unit, actor, "folder", folder_id))


async def shown_folder(unit: AsyncSession, folder: Thing) -> FolderRead:
    return FolderRead.of(folder, (await tree.owners(unit, [folder]))[folder.id])


async def list_folders(
    unit: AsyncSession, actor: Actor, wanted: Filter, *, limit: int, cursor: str | None
) -> Page[FolderRead]:
    page = await tree.list_page(unit, actor, "folder", wanted, limit=limit, cursor=cursor)
    owners = await tree.owners(unit, page.items)
    return Page(items=[FolderRead.of(each, owners[each.id]) for each in page.items], next_cursor=page.next_cursor)


async def change_folder(
    unit: AsyncSession, actor: Actor, folder_id: UUID, wanted: FolderChange | FolderWrite, *, seen: int | None
) -> FolderRead:
    """All of it, or only what was sent."""
    fields = wanted.model_fields_set if isinstance(wanted, FolderChange) else set(FolderWrite.model_fields)
    values = wanted.model_dump(include=set(fields))
    return await shown_folder(unit, await tree.change(unit, actor, "folder", folder_id, values, seen=seen))


# Copies


async def duplicate(unit: AsyncSession, actor: Actor, project_id: UUID, wanted: ProjectDuplicate) -> ProjectRead:
    """Whoever may read a project may have one like it; shares, budgets and what was spent stay with the original."""
    parts = known_parts(wanted.include)
    source = await tree.require(unit, actor, "project", project_id)
    tree.refuse_trashed(source)
    at = await _copy_spot(unit, actor, source, "folder_id" in wanted.model_fields_set, wanted.folder_id)
    copy = await _copy_project(unit, actor, source, at, name=wanted.name)
    for name in parts:
        await belongings.copied()[name].copy(unit, [copy])
    await tree.tell(unit, "project", copy.target_id)
    return await read(unit, actor, copy.target_id)


async def duplicate_folder(unit: AsyncSession, actor: Actor, folder_id: UUID, wanted: FolderDuplicate) -> FolderRead:
    parts = known_parts(wanted.include)
    source = await tree.require(unit, actor, "folder", folder_id)
    tree.refuse_trashed(source)
    # Found before anything is made: a folder may be copied into itself, and that once.
    at = await _copy_spot(unit, actor, source, "parent_id" in wanted.model_fields_set, wanted.parent_id)
    folders, projects = await _alive_below(unit, actor, source)
    if len(folders) + len(projects) > MOST_COPIED:
        raise TooManyThings("folders and projects in one copy", MOST_COPIED)
    made: dict[UUID, Spot] = {}
    for folder in folders:
        above = at if folder.id == source.id else made[folder.parent_id or source.id]
        values = {name: getattr(folder, name) for name in ("name", "description", "colour", "tags")}
        if folder.id == source.id and wanted.name is not None:
            values["name"] = wanted.name
        made[folder.id] = Spot(await tree.add(unit, actor, "folder", above, values), at.owner_id)
    copies = [await _copy_project(unit, actor, project, made[project.parent_id or source.id]) for project in projects]
    for name in parts:
        await belongings.copied()[name].copy(unit, copies)
    copied = made[source.id].folder_id
    assert copied is not None  # noqa: S101 - a folder was made for each
    await tree.tell(unit, "folder", copied)
    return await read_folder(unit, actor, copied)


async def _alive_below(unit: AsyncSession, actor: Actor, source: Thing) -> tuple[list[Thing], list[Thing]]:
    """Folders from above to below, each in the order in which they stand, and then the projects."""
    within = await repository.folders_below(unit, source.id)
    folders = await repository.alive(unit, actor.user_id, "folder", within)
    inside = await repository.projects_below(unit, source.id)
    projects = await repository.alive(unit, actor.user_id, "project", inside)
    return by_depth(folders, source.id), sorted(projects, key=lambda each: (each.position, each.id))


def by_depth(folders: Sequence[Thing], root: UUID) -> list[Thing]:
    """Each behind the one that it stands in. What stands in one that is not among them is left out."""
    within: dict[UUID | None, list[Thing]] = {}
    for each in folders:
        if each.id != root:
            within.setdefault(each.parent_id, []).append(each)
    ordered = [each for each in folders if each.id == root]
    for each in ordered:  # grows while it is read
        ordered += sorted(within.get(each.id, ()), key=lambda below: (below.position, below.id))
    return ordered


async def _copy_spot(unit: AsyncSession, actor: Actor, source: Thing, is_named: bool, folder_id: UUID | None) -> Spot:
    if is_named:
        return await tree.spot(unit, actor, folder_id)
    if source.parent_id is not None:
        above = await tree.require(unit, actor, "folder", source.parent_id)
        if above.access is not Access.VIEWER:
            return await tree.spot(unit, actor, above.id)
    return await tree.spot(unit, actor, None)


async def _copy_project(unit: AsyncSession, actor: Actor, source: Thing, at: Spot, *, name: str | None = None) -> Copy:
    values = {each: getattr(source, each) for each in PLAIN}
    values |= {"kind": kind_of(source).value, "config": configs.stored(configs.read(source.config or {}))}
    if name is not None:
        values["name"] = name
    target = await tree.add(unit, actor, "project", at, values)
    return Copy(source.id, target, UserId(at.owner_id), actor.user_id)


def known_parts(include: Sequence[str]) -> list[str]:
    known = belongings.copied()
    for name in include:
        if name not in known:
            raise FieldProblem("include", f"A project has no {name} that could be taken along.", reason="unknown")
    return list(dict.fromkeys(include))


# For neighbours


async def require(
    unit: AsyncSession, actor: Actor, project_id: UUID, *, least: Access = Access.VIEWER, is_alive: bool = False
) -> Thing:
    """The project, for whoever has this right in it. What is in the trash is its owner's to look at, and no more."""
    found = await tree.require(unit, actor, "project", project_id)
    tree.refuse(found, least)
    if is_alive:
        tree.refuse_trashed(found)
    return found


async def terms(unit: AsyncSession, actor: Actor, project_id: UUID) -> Terms:
    """For a question that is asked in a project: an editor may, a viewer may read what was answered."""
    found = await require(unit, actor, project_id, least=Access.EDITOR, is_alive=True)
    return Terms(found.id, found.default_model)


async def readable(database: Database, user_id: UserId, project_ids: Sequence[UUID]) -> set[UUID]:
    """Which of them somebody may still read."""
    async with database.system("projects") as unit:
        return await repository.readable(unit, user_id, project_ids)
