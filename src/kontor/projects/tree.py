"""What can be done with folders and projects alike: finding, moving, ordering, pinning, putting away.

Whoever changes a tree locks it first and looks again: so what was checked still holds when it is written, and two
moves at once cannot make a ring of folders.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from kontor.core.clock import now
from kontor.core.errors import FieldProblem
from kontor.core.ids import new_id
from kontor.core.paging import BadCursor, Cursor, Page
from kontor.core.tenancy import Actor
from kontor.core.versions import refuse_stale
from kontor.projects import news, policy, repository
from kontor.projects.errors import (
    FolderInItself,
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
from kontor.projects.repository import KEYS, Filter, New
from kontor.projects.schemas import OwnerRead
from kontor.projects.values import Access, Sort, Thing

MOST = 20_000  # folders, and as many projects, of one person

MISSING = {"folder": FolderNotFound, "project": ProjectNotFound}


async def require(unit: AsyncSession, actor: Actor, sort: Sort, thing_id: UUID) -> Thing:
    """Everything that is done to a folder or project begins here. What is not seen is not there."""
    found = await repository.find(unit, actor.user_id, sort, thing_id)
    if found is None:
        raise MISSING[sort]()
    return found


async def lock(
    unit: AsyncSession, actor: Actor, sort: Sort, thing_id: UUID, *, seen: int | None = None, least: Access
) -> Thing:
    """As it is once nobody else can change it any more."""
    found = await require(unit, actor, sort, thing_id)
    await repository.lock_tree(unit, found.owner_id)
    found = await require(unit, actor, sort, thing_id)
    refuse(found, least)
    refuse_stale(found.version, seen)
    return found


def refuse(found: Thing, least: Access) -> None:
    if least is Access.OWNER and not policy.may_own(found.access):
        raise OwnerOnly if policy.may_edit(found.access) else ReadOnly
    if least is Access.EDITOR and not policy.may_edit(found.access):
        raise ReadOnly


def refuse_trashed(found: Thing) -> None:
    if found.trashed_at is not None:
        raise InTrash


async def owners(unit: AsyncSession, things: list[Thing]) -> Mapping[UUID, OwnerRead | None]:
    """Whose each is, by its id; of one's own nothing has to be said."""
    theirs = {thing.owner_id for thing in things if thing.access is not Access.OWNER}
    names = await repository.people_names(unit, sorted(theirs)) if theirs else {}
    return {
        thing.id: OwnerRead(name=names.get(thing.owner_id)) if thing.owner_id in theirs else None for thing in things
    }


async def list_page(
    unit: AsyncSession, actor: Actor, sort: Sort, wanted: Filter, *, limit: int, cursor: str | None
) -> Page[Thing]:
    if isinstance(wanted.parent, UUID):
        await require(unit, actor, "folder", wanted.parent)
    after = Cursor.decode(cursor, "str", KEYS[wanted.sort.removeprefix("-")][1], "uuid")
    if after is not None and after[0] != wanted.sort:
        raise BadCursor
    found = await repository.page(
        unit, actor.user_id, sort, wanted, after=None if after is None else after[1:], limit=limit + 1
    )
    more = None
    if len(found) > limit:
        last, key = found[limit - 1]
        more = Cursor.encode((wanted.sort, key, last.id))
    return Page(items=[thing for thing, _ in found[:limit]], next_cursor=more)


# Where things stand


@dataclass(frozen=True, slots=True)
class Spot:
    """A folder, or the top of somebody's tree."""

    folder_id: UUID | None
    owner_id: UUID


async def spot(unit: AsyncSession, actor: Actor, folder_id: UUID | None) -> Spot:
    """Where something new may stand: at one's own top, or in a folder that one may edit. Locks the tree."""
    if folder_id is None:
        await repository.lock_tree(unit, actor.user_id)
        return Spot(None, actor.user_id)
    folder = await lock(unit, actor, "folder", folder_id, least=Access.EDITOR)
    refuse_trashed(folder)
    return Spot(folder.id, folder.owner_id)


async def add(unit: AsyncSession, actor: Actor, sort: Sort, at: Spot, values: Mapping[str, Any]) -> UUID:
    """In a tree that is locked. What stands in a folder is its owner's, whoever put it there."""
    if await repository.count_owned(unit, sort, at.owner_id) >= MOST:
        raise TooManyThings(f"{sort}s", MOST)
    position = await repository.next_position(unit, sort, at.owner_id, at.folder_id)
    new = New(
        id=new_id(), owner_id=at.owner_id, parent_id=at.folder_id, position=position, by=actor.user_id, values=values
    )
    await repository.insert(unit, sort, new)
    return new.id


async def tell(unit: AsyncSession, sort: Sort, thing_id: UUID, *also: set[UUID]) -> None:
    people = (await repository.people_of(unit, sort, thing_id)).union(*also)
    if sort == "folder":
        await news.tell(unit, people, folders=[thing_id])
    else:
        await news.tell(unit, people, projects=[thing_id])


async def change(
    unit: AsyncSession, actor: Actor, sort: Sort, thing_id: UUID, values: dict[str, Any], *, seen: int | None
) -> Thing:
    """`archived` among the values is the owner's to decide; the rest is columns."""
    found = await lock(unit, actor, sort, thing_id, seen=seen, least=Access.EDITOR)
    refuse_trashed(found)
    archived = values.pop("archived", None)
    if archived is not None:
        refuse(found, Access.OWNER)
        if archived != (found.archived_at is not None):
            values["archived_at"] = now() if archived else None
    changed = {name: value for name, value in values.items() if getattr(found, name) != value}
    if changed:
        await repository.change(unit, sort, found.id, changed)
        await tell(unit, sort, found.id)
        if sort == "project":
            await news.tell_project(unit, found.id, found.owner_id, found.version + 1)
    return await require(unit, actor, sort, thing_id)


@dataclass(frozen=True, slots=True)
class Goal:
    """Where something shall stand. What is not named stays as it is."""

    is_elsewhere: bool
    folder_id: UUID | None
    is_ordered: bool
    after: UUID | None


async def move(unit: AsyncSession, actor: Actor, sort: Sort, thing_id: UUID, goal: Goal, *, seen: int | None) -> Thing:
    found = await lock(unit, actor, sort, thing_id, seen=seen, least=Access.EDITOR)
    refuse_trashed(found)
    before = await repository.parent_of(unit, sort, found.id)
    parent = goal.folder_id if goal.is_elsewhere else before
    audience: set[UUID] = set()
    if parent != before:
        await _refuse_move(unit, actor, found, before, parent)
        audience = await repository.people_of(unit, sort, found.id)
        await repository.move(unit, sort, found.id, parent)
    elif before is None or found.parent_id is None:
        # The order of what stands at the top, or in a folder that one does not see, is its owner's.
        refuse(found, Access.OWNER)
    if goal.is_ordered or parent != before:
        others = await repository.siblings(unit, sort, found.owner_id, parent)
        await repository.order(unit, sort, _ordered(others, found.id, goal))
    await tell(unit, sort, found.id, audience)
    return await require(unit, actor, sort, thing_id)


async def _refuse_move(
    unit: AsyncSession, actor: Actor, found: Thing, before: UUID | None, parent: UUID | None
) -> None:
    if parent is None:
        refuse(found, Access.OWNER)
        return
    target = await require(unit, actor, "folder", parent)
    refuse(target, Access.EDITOR)
    refuse_trashed(target)
    if target.owner_id != found.owner_id:
        raise OtherTree
    if found.sort == "folder" and await repository.is_within(unit, target.id, found.id):
        raise FolderInItself
    # To move something to where others read is to share it with them.
    if not policy.may_own(found.access) and (
        found.parent_id is None or await repository.rights_in(unit, before) != await repository.rights_in(unit, parent)
    ):
        raise MoveWouldShare


def _ordered(siblings: list[UUID], moved: UUID, goal: Goal) -> list[UUID]:
    others = [each for each in siblings if each != moved]
    if not goal.is_ordered:
        return [*others, moved]
    if goal.after is None:
        return [moved, *others]
    if goal.after not in others:
        raise FieldProblem("after", "There is no such thing beside it.", reason="not_found")
    place = others.index(goal.after) + 1
    return [*others[:place], moved, *others[place:]]


async def pin(unit: AsyncSession, actor: Actor, sort: Sort, thing_id: UUID, *, is_pinned: bool) -> None:
    """A person's own: others do not see it, and need not be asked."""
    found = await require(unit, actor, sort, thing_id)
    refuse_trashed(found)
    if found.is_pinned != is_pinned:
        await repository.pin(unit, actor.user_id, sort, thing_id, now() if is_pinned else None)
        if sort == "folder":
            await news.tell(unit, [actor.user_id], folders=[thing_id])
        else:
            await news.tell(unit, [actor.user_id], projects=[thing_id])


# The trash


async def throw_away(unit: AsyncSession, actor: Actor, sort: Sort, thing_id: UUID, *, seen: int | None) -> None:
    """Into the trash, with all that stands in it. From then on only its owner sees it."""
    found = await lock(unit, actor, sort, thing_id, seen=seen, least=Access.OWNER)
    refuse_trashed(found)
    audience = await repository.people_of(unit, sort, found.id)
    if sort == "folder":
        await repository.trash_folder(unit, found.id)
    else:
        await repository.trash_project(unit, found.id)
    await tell(unit, sort, found.id, audience)


async def restore(unit: AsyncSession, actor: Actor, sort: Sort, thing_id: UUID) -> Thing:
    """What was thrown away with it comes back with it, and so do the rights of those it was shared with. Where its
    folder is gone, it stands at the top."""
    found = await lock(unit, actor, sort, thing_id, least=Access.OWNER)
    if found.trashed_at is None:
        return found
    if found.trashed_with != found.id:
        # It went with a folder, and comes back with it.
        raise NotInTrash
    parent = await repository.parent_of(unit, sort, found.id)
    if parent is not None and (await require(unit, actor, "folder", parent)).trashed_at is not None:
        await repository.move(unit, sort, found.id, None)
    await repository.restore(unit, found.id)
    await tell(unit, sort, found.id)
    return await require(unit, actor, sort, thing_id)
