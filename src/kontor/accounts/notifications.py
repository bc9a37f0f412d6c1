"""What is brought to a person's notice. Anybody's unit may put something into the box; only its owner reads it."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Self
from uuid import UUID, uuid5

from pydantic import BaseModel, Field, model_validator
from sqlalchemy import CursorResult, Executable, cast, delete, func, literal, select, tuple_, update
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.ext.asyncio import AsyncSession

from kontor.accounts.personal_tables import Notification, PersonSettings
from kontor.accounts.tables import Person
from kontor.core.clock import now
from kontor.core.events.publishing import person_topic, publish
from kontor.core.ids import UserId, new_id
from kontor.core.jobs.news import JobFailed
from kontor.core.paging import Cursor, Page
from kontor.core.tenancy import Actor, Role

KEPT = timedelta(days=90)


class Notice(StrEnum):
    """The kinds, whose texts the interface keys by the word; and the switch in the settings that silences each."""

    APPROVAL_WAITING = "approval.waiting"
    NEW_DEVICE = "sign_in.new_device"
    FULL_ACCESS = "full_access.used"
    JOB_FAILED = "job.failed"
    SHARE_OFFERED = "share.offered"


class Switch(StrEnum):
    """What can be turned off in the settings. That somebody looked into one's content is not among them."""

    APPROVALS = "approvals"
    SIGN_INS = "sign_ins"
    JOBS = "jobs"
    SHARES = "shares"


SWITCHES: Mapping[Notice, Switch | None] = {
    Notice.APPROVAL_WAITING: Switch.APPROVALS,
    Notice.NEW_DEVICE: Switch.SIGN_INS,
    Notice.FULL_ACCESS: None,
    Notice.JOB_FAILED: Switch.JOBS,
    Notice.SHARE_OFFERED: Switch.SHARES,
}


class NotificationRead(BaseModel):
    id: UUID
    kind: Notice
    data: dict[str, Any]
    created_at: datetime
    read_at: datetime | None


class NotificationsSeen(BaseModel):
    ids: list[UUID] = Field(default_factory=list, max_length=200)
    all: bool = False

    @model_validator(mode="after")
    def says_which(self) -> Self:
        if self.all == bool(self.ids):
            raise ValueError("Name the notifications, or say `all`.")
        return self


async def notify(
    unit: AsyncSession,
    owner_id: UserId,
    kind: Notice,
    data: Mapping[str, Any] | None = None,
    *,
    key: str | None = None,
) -> bool:
    """Put it into the box, unless the owner silenced the kind. With a key, the second arrival changes nothing.

    The switch is read by a subquery: a unit that may not see somebody's settings puts the notice in regardless,
    which is the safe side of the mistake.
    """
    switch = SWITCHES[kind]
    notice_id = new_id() if key is None else uuid5(owner_id, f"{kind}:{key}")
    row = select(
        literal(notice_id), literal(owner_id), literal(kind.value), cast(dict(data or {}), JSONB), literal(now())
    )
    if switch is not None:
        silenced = select(PersonSettings.owner_id).where(
            PersonSettings.owner_id == owner_id, PersonSettings.notifications[switch.value] == cast(False, JSONB)
        )
        row = row.where(~silenced.exists())
    # Somebody may have been deleted while what concerns them was still going on.
    row = row.where(select(Person.id).where(Person.id == owner_id).exists())
    columns = ["id", "owner_id", "kind", "data", "created_at"]
    # Without naming the index: an arbiter would need the right to read the owner's box.
    put = insert(Notification).from_select(columns, row).on_conflict_do_nothing()
    if not await count(unit, put):
        return False
    await publish(
        unit,
        topic=person_topic(owner_id),
        kind="notification.created",
        data={"id": str(notice_id), "kind": kind.value},
    )
    return True


async def notify_managers(unit: AsyncSession, kind: Notice, data: Mapping[str, Any], *, key: str | None = None) -> None:
    """To everybody who may act on it. The unit's scope is one that sees people: system or admin."""
    may_act = Person.role.in_([Role.ADMIN.value, Role.MANAGER.value]) & (Person.state == "active")
    for person_id in (await unit.scalars(select(Person.id).where(may_act).order_by(Person.id))).all():
        await notify(unit, UserId(person_id), kind, data, key=key)


async def tell_of_failed_job(unit: AsyncSession, fact: JobFailed) -> None:
    data = {"job_id": str(fact.job_id), "kind": fact.kind, "title": fact.title}
    await notify(unit, fact.owner_id, Notice.JOB_FAILED, data, key=f"{fact.job_id}:{fact.version}")


async def list_page(
    unit: AsyncSession, actor: Actor, *, unread: bool = False, limit: int, cursor: str | None
) -> Page[NotificationRead]:
    """Newest first. The total is of those that were not read, for the mark on the bell."""
    mine = Notification.owner_id == actor.user_id
    waiting = await unit.scalar(
        select(func.count()).select_from(Notification).where(mine, Notification.read_at.is_(None))
    )
    query = select(Notification).where(mine)
    if unread:
        query = query.where(Notification.read_at.is_(None))
    position = (Notification.created_at, Notification.id)
    if (after := Cursor.decode(cursor, "datetime", "uuid")) is not None:
        query = query.where(tuple_(*position) < tuple_(*map(literal, after)))
    query = query.order_by(*(column.desc() for column in position)).limit(limit + 1)
    found = (await unit.scalars(query)).all()
    items = [NotificationRead.model_validate(one, from_attributes=True) for one in found[:limit]]
    more = Cursor.encode((items[-1].created_at, items[-1].id)) if len(found) > limit else None
    return Page(items=items, next_cursor=more, total=waiting)


async def mark_read(unit: AsyncSession, actor: Actor, seen: NotificationsSeen) -> int:
    query = update(Notification).where(Notification.owner_id == actor.user_id, Notification.read_at.is_(None))
    if not seen.all:
        query = query.where(Notification.id.in_(seen.ids))
    return await count(unit, query.values(read_at=now()))


async def sweep(unit: AsyncSession) -> int:
    """What nobody will look at any more. Runs daily in a system unit."""
    return await count(unit, delete(Notification).where(Notification.created_at < now() - KEPT))


async def count(unit: AsyncSession, statement: Executable) -> int:
    """How many rows it touched."""
    result = await unit.execute(statement, execution_options={"synchronize_session": False})
    return result.rowcount if isinstance(result, CursorResult) else 0
