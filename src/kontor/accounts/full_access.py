"""Breaking the glass: an administrator reads what is not theirs. For a time, with a reason, and never unrecorded.

It hangs on the session that switched it on. Nothing else of the administrator's carries it, no other device and no key.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from kontor.accounts import audit, configuration, notifications, proof
from kontor.accounts.audit import Action
from kontor.accounts.callers import Caller
from kontor.accounts.errors import SessionRequired
from kontor.accounts.notifications import Notice
from kontor.accounts.schemas import FullAccessRead
from kontor.accounts.tables import Session
from kontor.core.clock import now
from kontor.core.errors import Kind, KontorError
from kontor.core.events.publishing import person_topic, publish
from kontor.core.ids import SessionId, UserId
from kontor.core.kernel import Kernel
from kontor.core.tenancy import Actor
from kontor.core.text import Lines
from kontor.core.trail import Subject

LEAST_REASON_CHARACTERS = 10
MOST_REASON_CHARACTERS = 500
MOST_MINUTES = 480


class FullAccessRequired(KontorError):
    kind, code = Kind.FORBIDDEN, "full_access.required"

    def __init__(self) -> None:
        super().__init__("This is somebody's content. Switch on full access first, with a reason.")


class FullAccessWish(BaseModel):
    model_config = ConfigDict(extra="forbid")

    reason: Annotated[Lines, StringConstraints(min_length=LEAST_REASON_CHARACTERS, max_length=MOST_REASON_CHARACTERS)]
    minutes: int = Field(ge=1, le=MOST_MINUTES)


async def current(unit: AsyncSession, actor: Actor) -> FullAccessRead | None:
    if actor.session_id is None or not actor.is_admin:
        return None
    columns = (Session.full_access_until, Session.full_access_reason)
    row = (await unit.execute(select(*columns).where(Session.id == actor.session_id))).one_or_none()
    if row is None or row.full_access_until is None or row.full_access_until <= now():
        return None
    return FullAccessRead(until=row.full_access_until, reason=row.full_access_reason)


async def switch_on(kernel: Kernel, actor: Actor, wish: FullAccessWish, caller: Caller) -> FullAccessRead:
    """Whoever left their desk open has not left this open."""
    if actor.session_id is None:
        raise SessionRequired
    async with kernel.database.system("sign-in") as unit:
        await proof.require(unit, kernel.settings, actor)
    grant = FullAccessRead(until=now() + timedelta(minutes=wish.minutes), reason=wish.reason)
    async with kernel.database.unit(actor.as_admin()) as unit:
        await put(unit, actor.session_id, grant)
        details = {"reason": grant.reason, "minutes": wish.minutes}
        await note(unit, actor, Action.FULL_ACCESS_STARTED, caller, details=details)
        await tell(unit, actor, until=grant.until)
    return grant


async def switch_off(unit: AsyncSession, actor: Actor, caller: Caller) -> None:
    """Switching off what is not on is no mistake, and leaves no line."""
    if actor.session_id is None or await current(unit, actor) is None:
        return
    await put(unit, actor.session_id, None)
    await note(unit, actor, Action.FULL_ACCESS_ENDED, caller)
    await tell(unit, actor, until=None)


async def take_from(unit: AsyncSession, user_id: UserId) -> None:
    """From all sessions of somebody who is no administrator any more."""
    held = update(Session).where(Session.owner_id == user_id, Session.full_access_until.is_not(None))
    await unit.execute(held.values(full_access_until=None, full_access_reason=None))


async def put(unit: AsyncSession, session_id: SessionId, grant: FullAccessRead | None) -> None:
    values = {
        "full_access_until": grant.until if grant else None,
        "full_access_reason": grant.reason if grant else None,
    }
    await unit.execute(update(Session).where(Session.id == session_id, Session.ended_at.is_(None)).values(values))


async def note(
    unit: AsyncSession, actor: Actor, action: Action, caller: Caller, *, details: dict[str, object] | None = None
) -> None:
    await audit.write(
        unit,
        action=action,
        actor=actor,
        subject=Subject("session", str(actor.session_id)),
        details=details,
        address=caller.address,
    )


async def tell(unit: AsyncSession, actor: Actor, *, until: datetime | None) -> None:
    data = {"session_id": str(actor.session_id), "until": until.isoformat() if until else None}
    await publish(unit, topic=person_topic(actor.user_id), kind="full_access.changed", data=data)


@asynccontextmanager
async def reading(
    kernel: Kernel, actor: Actor, owner_id: UserId, subject: Subject, caller: Caller
) -> AsyncIterator[AsyncSession]:
    """The only way to a unit that reads somebody else's content. Its line and its reading are one transaction; whether
    the owner finds the line is for the installation to say, and is decided when the line is written."""
    if not actor.has_full_access:
        raise FullAccessRequired
    async with kernel.database.unit(actor.with_full_access()) as unit:
        known = await configuration.read(unit)
        await audit.write(
            unit,
            action=Action.CONTENT_READ,
            actor=actor,
            owner_id=owner_id,
            subject=subject,
            address=caller.address,
            is_owner_visible=known.owners_see_full_access,
        )
        if known.owners_see_full_access:
            until = actor.full_access_until
            data = {"subject_kind": subject.kind}
            # Once for each time that it is switched on; the record has every single reading.
            await notifications.notify(
                unit, owner_id, Notice.FULL_ACCESS, data, key=f"{actor.session_id}:{until and until.isoformat()}"
            )
        yield unit
