"""Sharing a folder or project with people of this house, by invitation to their address.

Nobody learns from it who is here: an invitation to an address that nobody has is kept, shown and answered like any
other that is not answered. What an accepted one means for everything below is reckoned by the database, in the same
transaction (migration 0022).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from kontor.accounts import audit, mails, notifications
from kontor.accounts.audit import Action
from kontor.accounts.emails import parse_email
from kontor.accounts.notifications import Notice
from kontor.core.clock import now
from kontor.core.database import elevated
from kontor.core.ids import UserId, new_id
from kontor.core.kernel import Kernel
from kontor.core.paging import Cursor, Page
from kontor.core.tenancy import Actor
from kontor.core.trail import Subject
from kontor.core.versions import refuse_stale
from kontor.projects import news, repository, tree
from kontor.projects.errors import AlreadyShared, OwnerOnly, ShareNotFound, TooManyThings, WithOneself
from kontor.projects.schemas import ShareCreate, ShareRead
from kontor.projects.values import INVITATION_LASTS, Access, ShareState, Sort

MOST = 200  # for one folder or project


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    folder: UUID | None = None
    project: UUID | None = None
    state: ShareState | None = None
    is_given: bool | None = None


async def list_page(
    unit: AsyncSession, actor: Actor, wanted: Filter, *, limit: int, cursor: str | None
) -> Page[ShareRead]:
    """What I gave and what was offered to me, newest first."""
    rows = await repository.shares(
        unit, actor.user_id, folder=wanted.folder, project=wanted.project,
        state=wanted.state and wanted.state.value, given=wanted.is_given,
        after=Cursor.decode(cursor, "datetime", "uuid"), limit=limit + 1,
    )  # fmt: skip
    shown = rows[:limit]
    more = Cursor.encode((shown[-1].created_at, shown[-1].id)) if len(rows) > limit else None
    return Page(items=await as_reads(unit, actor, shown), next_cursor=more)


async def as_reads(unit: AsyncSession, actor: Actor, rows: Sequence[Row[Any]]) -> list[ShareRead]:
    if not rows:
        return []
    names = await repository.names_of(unit, [row.folder_id or row.project_id for row in rows])
    others = {row.id: row.user_id if row.owner_id == actor.user_id else row.owner_id for row in rows}
    people = await repository.people_names(unit, sorted({each for each in others.values() if each is not None}))
    return [
        ShareRead(
            id=row.id,
            direction="given" if row.owner_id == actor.user_id else "received",
            folder_id=row.folder_id,
            project_id=row.project_id,
            name=names[row.folder_id or row.project_id],
            email=row.email,
            person=None if others[row.id] is None else people.get(others[row.id]),
            role=row.role,
            state=row.state,
            version=row.version,
            created_at=row.created_at,
            expires_at=row.expires_at if row.state == ShareState.PENDING else None,
            answered_at=row.answered_at,
        )
        for row in rows
    ]


def subject_of(row: Row[Any]) -> tuple[Sort, UUID]:
    return ("project", row.project_id) if row.folder_id is None else ("folder", row.folder_id)


async def _note(unit: AsyncSession, actor: Actor, action: Action, row: Row[Any], address: str | None) -> None:
    """The record is read by administrators, so neither name nor address of anybody stands in it."""
    sort, thing_id = subject_of(row)
    await audit.write(
        unit,
        action=action,
        actor=actor,
        owner_id=row.owner_id,
        subject=Subject(sort, str(thing_id)),
        details={"share_id": str(row.id), "role": row.role},
        address=address,
    )


async def offer(
    unit: AsyncSession, kernel: Kernel, actor: Actor, wanted: ShareCreate, *, address: str | None
) -> ShareRead:
    """Invites, and brings it to the notice of whoever has the address."""
    made = await invite(unit, actor, wanted, address=address)
    guest = await repository.at_address(unit, parse_email(wanted.email).key)
    if guest is not None:
        await _bring_to_notice(unit, kernel, actor, made, guest)
    return made


async def invite(unit: AsyncSession, actor: Actor, wanted: ShareCreate, *, address: str | None) -> ShareRead:
    """Asking the same address anew begins its time anew, with the role that is named now."""
    sort: Sort = "folder" if wanted.folder_id is not None else "project"
    thing = await tree.lock(unit, actor, sort, wanted.folder_id or wanted.project_id or new_id(), least=Access.OWNER)
    tree.refuse_trashed(thing)
    email = parse_email(wanted.email)
    if email.key == await repository.my_address(unit, actor.user_id):
        raise WithOneself
    at = now()
    values = {"role": wanted.role, "email": email.written, "at": at, "expires": at + INVITATION_LASTS}
    present = await repository.share_of(unit, sort, thing.id, email.key)
    if present is None:
        if await repository.count_shares(unit, sort, thing.id) >= MOST:
            raise TooManyThings("people", MOST)
        share_id = new_id()
        await repository.invite(
            unit,
            values | {"id": share_id, "owner": actor.user_id, "key": email.key, "folder": wanted.folder_id,
                      "project": wanted.project_id},
        )  # fmt: skip
    elif present.state == ShareState.ACCEPTED:
        raise AlreadyShared
    else:
        share_id = present.id
        await repository.invite_again(unit, values | {"id": share_id})
    row = await _require(unit, share_id)
    await _note(unit, actor, Action.SHARE_OFFERED, row, address)
    found = await repository.at_address(unit, email.key)
    await news.tell_shares(unit, {actor.user_id} if found is None else {actor.user_id, found})
    return (await as_reads(unit, actor, [row]))[0]


async def _bring_to_notice(unit: AsyncSession, kernel: Kernel, actor: Actor, made: ShareRead, guest: UUID) -> None:
    """In their box, and by mail if they want it there. Once a day for one thing, however often they are asked."""
    sort: Sort = "project" if made.folder_id is None else "folder"
    by = (await repository.people_names(unit, [actor.user_id])).get(actor.user_id)
    async with elevated(unit, "people"):
        is_new = await notifications.notify(
            unit,
            UserId(guest),
            Notice.SHARE_OFFERED,
            {"share_id": str(made.id), "sort": sort, "name": made.name, "person": by},
            key=f"{made.folder_id or made.project_id}:{now():%Y-%m-%d}",
        )
        if is_new:
            await mails.send_shared(unit, kernel, guest, sort=sort, thing=made.name, by=by, lasts=INVITATION_LASTS)


async def _require(unit: AsyncSession, share_id: UUID) -> Row[Any]:
    found = await repository.find_share(unit, share_id)
    if found is None:
        raise ShareNotFound
    return found


async def _lock(unit: AsyncSession, share_id: UUID) -> Row[Any]:
    """As it is once nobody else can change it, nor the tree that it opens."""
    found = await _require(unit, share_id)
    await repository.lock_tree(unit, found.owner_id)
    return await _require(unit, share_id)


async def _tell(unit: AsyncSession, actor: Actor, row: Row[Any], audience: set[UUID]) -> None:
    sort, thing_id = subject_of(row)
    await tree.tell(unit, sort, thing_id, audience)
    others = {row.owner_id, actor.user_id} | ({row.user_id} if row.user_id else set())
    await news.tell_shares(unit, others)


async def answer(
    unit: AsyncSession, actor: Actor, share_id: UUID, *, is_accepted: bool, address: str | None
) -> ShareRead:
    row = await _lock(unit, share_id)
    if row.owner_id == actor.user_id or row.state != ShareState.PENDING:
        raise ShareNotFound
    state = ShareState.ACCEPTED if is_accepted else ShareState.DECLINED
    async with elevated(unit, "projects"):
        done = await repository.answer(unit, share_id, state=state.value, user=actor.user_id if is_accepted else None)
        # Whoever declines does not see it any more, and is told what they did all the same.
        answered = await repository.find_share(unit, share_id)
    if not done or answered is None:
        raise ShareNotFound
    await _note(unit, actor, Action.SHARE_ACCEPTED if is_accepted else Action.SHARE_DECLINED, answered, address)
    await _tell(unit, actor, answered, set())
    return (await as_reads(unit, actor, [answered]))[0]


async def change_role(
    unit: AsyncSession, actor: Actor, share_id: UUID, role: str, *, seen: int | None, address: str | None
) -> ShareRead:
    row = await _lock(unit, share_id)
    if row.owner_id != actor.user_id:
        raise OwnerOnly
    refuse_stale(row.version, seen)
    if row.role != role:
        await repository.set_role(unit, share_id, role)
        row = await _require(unit, share_id)
        await _note(unit, actor, Action.SHARE_CHANGED, row, address)
        await _tell(unit, actor, row, set())
    return (await as_reads(unit, actor, [row]))[0]


async def end(unit: AsyncSession, actor: Actor, share_id: UUID, *, address: str | None) -> None:
    """The owner takes it back, or whoever takes part leaves. An invitation is declined, not ended, by its guest."""
    row = await _lock(unit, share_id)
    is_mine = row.owner_id == actor.user_id
    if not is_mine and row.user_id != actor.user_id:
        raise ShareNotFound
    sort, thing_id = subject_of(row)
    audience = await repository.people_of(unit, sort, thing_id)
    await repository.end_share(unit, share_id)
    await _note(unit, actor, Action.SHARE_REVOKED if is_mine else Action.SHARE_LEFT, row, address)
    await _tell(unit, actor, row, audience)
    if row.state == ShareState.PENDING and (found := await repository.at_address(unit, row.email_key)) is not None:
        await news.tell_shares(unit, {found})
