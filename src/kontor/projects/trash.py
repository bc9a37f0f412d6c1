"""What was thrown away: thirty days to take it back, then it is erased with everything that belongs to it."""

from datetime import datetime, timedelta
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from kontor.accounts import audit
from kontor.accounts.audit import Action
from kontor.core.clock import now
from kontor.core.database import Database, elevated
from kontor.core.ids import UserId
from kontor.core.paging import Cursor, Page
from kontor.core.tenancy import Actor
from kontor.projects import news, repository
from kontor.projects.errors import NotInTrash
from kontor.projects.ports import belongings
from kontor.projects.schemas import TrashRead
from kontor.projects.values import TRASH_KEPT

log = structlog.get_logger(__name__)

BATCH = 100


async def list_page(unit: AsyncSession, actor: Actor, *, limit: int, cursor: str | None) -> Page[TrashRead]:
    """Newest first, each with all that went with it."""
    after = Cursor.decode(cursor, "datetime", "uuid")
    rows = [TrashRead.of(row) for row in await repository.trash(unit, actor.user_id, after=after, limit=limit + 1)]
    for part in belongings.bins:
        found = await part.thrown(unit, actor.user_id, after=after, limit=limit + 1)
        rows += [TrashRead.of_thrown(each) for each in found]
    rows.sort(key=lambda row: (row.trashed_at, row.id), reverse=True)
    shown = rows[:limit]
    more = Cursor.encode((shown[-1].trashed_at, shown[-1].id)) if len(rows) > limit else None
    return Page(items=shown, next_cursor=more)


async def erase_one(unit: AsyncSession, actor: Actor, thing_id: UUID, *, address: str | None) -> None:
    await repository.lock_tree(unit, actor.user_id)
    found = [row.id for row in await repository.trash(unit, actor.user_id) if row.id == thing_id]
    things = [each for each in await _thrown(unit, actor) if each == thing_id]
    if not found and not things:
        raise NotInTrash
    await _erase_mine(unit, actor, found, things, address)


async def empty(unit: AsyncSession, actor: Actor, *, address: str | None) -> int:
    await repository.lock_tree(unit, actor.user_id)
    found = [row.id for row in await repository.trash(unit, actor.user_id)]
    things = await _thrown(unit, actor)
    await _erase_mine(unit, actor, found, things, address)
    return len(found) + len(things)


async def _thrown(unit: AsyncSession, actor: Actor) -> list[UUID]:
    """What lies in projects that are not in the trash themselves."""
    return [each.id for part in belongings.bins for each in await part.thrown(unit, actor.user_id)]


async def _erase_mine(
    unit: AsyncSession, actor: Actor, roots: list[UUID], things: list[UUID], address: str | None
) -> None:
    if not roots and not things:
        return
    async with elevated(unit, "projects"):
        for root in roots:
            await erase(unit, root)
        for part in belongings.bins:
            await part.erase_thrown(unit, things)
    erased = [*roots, *things]
    details = {"erased": [str(each) for each in erased[:20]], "number": len(erased)}
    await audit.write(
        unit, action=Action.TRASH_EMPTIED, actor=actor, owner_id=actor.user_id, details=details, address=address
    )
    await news.tell(unit, [actor.user_id], folders=roots[:20])


async def erase(unit: AsyncSession, root: UUID) -> None:
    """For good. In the system's scope, with the tree locked; what hangs on the projects goes first."""
    projects = await repository.thrown_projects(unit, root)
    if projects:
        for part in belongings:
            await part.erase(unit, projects)
    await repository.erase(unit, root)


async def forget_owner(unit: AsyncSession, owner: UserId) -> None:
    """Before a person is deleted: all their projects, whoever else took part in them. In a unit of the system."""
    await repository.lock_tree(unit, owner)
    projects = await repository.owned_projects(unit, owner)
    if projects:
        for part in belongings:
            await part.erase(unit, projects)
    await repository.forget(unit, owner)


async def sweep(database: Database, *, kept: timedelta = TRASH_KEPT) -> int:
    """What lay there for its time, each in a unit of its own, and invitations that nobody answered. Answers how many
    were erased; whatever fails is tried again at the next time and keeps nothing else."""
    before, erased = now() - kept, 0
    after: UUID | None = None
    async with database.system("projects") as unit:
        await repository.sweep_shares(unit, before=before)
    while True:
        async with database.system("projects") as unit:
            due = await repository.due(unit, before=before, after=after, batch=BATCH)
        if not due:
            return erased
        for row in due:
            after = row.id
            try:
                erased += await _erase_due(database, row.id, row.owner_id, before)
            except Exception as reason:
                log.exception("trash.not_erased", root=str(row.id), reason=type(reason).__name__)


async def _erase_due(database: Database, root: UUID, owner: UUID, before: datetime) -> bool:
    async with database.system("projects") as unit:
        await repository.lock_tree(unit, owner)
        # It may have been taken back a moment ago.
        if not await repository.is_thrown(unit, root, before=before):
            return False
        await erase(unit, root)
        await news.tell(unit, [owner], folders=[root])
    return True
