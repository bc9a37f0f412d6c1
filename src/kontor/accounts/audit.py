"""The record of what was done: written in the transaction of the deed, never changed, read with care.

Lines name people by id only; names are looked up when they are read. So whoever is deleted is a pseudonym from then on,
although no line is ever touched. Only from where somebody called is forgotten after a while (docs/decisions/0008).
"""

import csv
import io
import re
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import orjson
import structlog
from pydantic import BaseModel
from sqlalchemy import ColumnElement, Select, String, cast, insert, or_, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from kontor.accounts.callers import came_from
from kontor.accounts.personal_tables import AuditLine
from kontor.accounts.tables import Person
from kontor.core.clock import now
from kontor.core.database import Database
from kontor.core.paging import Cursor, Page
from kontor.core.tenancy import Actor
from kontor.core.trail import Deed, Subject


class Action(StrEnum):
    """Every deed that leaves a line. The interface has a text for each in both languages."""

    SIGNED_IN = "sign_in.succeeded"
    SIGN_IN_FAILED = "sign_in.failed"
    SIGNED_OUT = "sign_in.ended"
    SESSION_ENDED = "session.ended"
    REFRESH_REUSED = "session.reuse_detected"
    REGISTERED = "person.registered"
    EMAIL_VERIFIED = "person.email_verified"
    INVITE_ACCEPTED = "person.invite_accepted"
    PROFILE_CHANGED = "person.profile_changed"
    SET_UP = "installation.set_up"
    PASSWORD_CHANGED = "password.changed"  # noqa: S105 - the name of a deed
    PASSWORD_RESET_ASKED = "password.reset_asked"  # noqa: S105 - the name of a deed
    PASSWORD_RESET = "password.reset"  # noqa: S105 - the name of a deed
    TOTP_ON = "totp.switched_on"
    TOTP_OFF = "totp.switched_off"
    RECOVERY_CODES_MADE = "totp.recovery_codes_made"
    RECOVERY_CODE_USED = "totp.recovery_code_used"
    PROOF_GIVEN = "proof.given"
    PROOF_REFUSED = "proof.refused"
    PASSKEY_ADDED = "passkey.added"
    PASSKEY_REMOVED = "passkey.removed"
    TOKEN_MADE = "token.made"  # noqa: S105 - the name of a deed
    TOKEN_REVOKED = "token.revoked"  # noqa: S105 - the name of a deed
    PROVIDER_LINKED = "provider.linked"
    PERSON_CREATED = "person.created"
    PERSON_INVITED = "person.invited"
    PERSON_CHANGED = "person.changed"
    PERSON_APPROVED = "person.approved"
    PERSON_SUSPENDED = "person.suspended"
    PERSON_RESTORED = "person.restored"
    PERSON_DELETED = "person.deleted"
    SESSIONS_ENDED = "person.sessions_ended"
    RESET_LINK_MADE = "person.reset_link_made"
    FULL_ACCESS_STARTED = "full_access.started"
    FULL_ACCESS_ENDED = "full_access.ended"
    CONTENT_READ = "full_access.content_read"
    CONFIGURATION_CHANGED = "installation.configuration_changed"
    RECORD_EXPORTED = "record.exported"
    JOB_RETRIED = "job.retried"
    JOB_CANCELLED = "job.cancelled"
    JOBS_PAUSED = "jobs.paused"
    JOBS_RESUMED = "jobs.resumed"
    MAIL_TESTED = "mail.tested"
    MAIL_RETRIED = "mail.retried"
    MAIL_READ = "mail.read"
    VAULT_ROTATED = "vault.rotated"
    BILLING_CHANGED = "billing.changed"
    BUDGETS_IMPOSED = "billing.budgets_imposed"
    CREDIT_GRANTED = "credit.granted"
    CREDIT_WITHDRAWN = "credit.withdrawn"
    CREDIT_GIVEN_BACK = "credit.given_back"
    PRICE_SET = "model_price.set"
    PRICE_DECIDED = "model_price.decided"
    EXCHANGE_RATES_SET = "exchange_rates.set"
    MODEL_PROVIDER_ADDED = "model_provider.added"
    MODEL_PROVIDER_CHANGED = "model_provider.changed"
    MODEL_PROVIDER_REMOVED = "model_provider.removed"
    MODEL_KEY_ADDED = "model_key.added"
    MODEL_KEY_REMOVED = "model_key.removed"
    MODEL_CHANGED = "model.changed"
    MODELS_CONFIGURED = "models.configured"
    SHARE_OFFERED = "share.offered"
    SHARE_ACCEPTED = "share.accepted"
    SHARE_DECLINED = "share.declined"
    SHARE_CHANGED = "share.changed"
    SHARE_REVOKED = "share.revoked"
    SHARE_LEFT = "share.left"
    TRASH_EMPTIED = "trash.emptied"
    PROJECT_BUDGETS_SET = "project.budgets_set"


FORGET_BATCH = 2000
FORGET = text("""
    UPDATE audit_line SET address = NULL
    WHERE id IN (SELECT id FROM audit_line WHERE at < :before AND address IS NOT NULL ORDER BY at LIMIT :batch)
""")


def person(user_id: UUID) -> Subject:
    return Subject("person", str(user_id))


async def write(
    unit: AsyncSession,
    *,
    action: str,
    actor: Actor | None = None,
    owner_id: UUID | None = None,
    subject: Subject | None = None,
    details: Mapping[str, Any] | None = None,
    address: str | None = None,
    is_owner_visible: bool = True,
) -> None:
    """One line, in the transaction of the deed: neither exists without the other.

    `owner_id` is whose affair it is: they find the line among their own, unless it is not `is_owner_visible`.
    `details` hold no name, no address of a person and nothing that somebody wrote (but for the reason of a full access,
    which is written for the record): they outlive them.
    """
    line = insert(AuditLine).values(
        at=now(),
        actor_id=actor.user_id if actor else None,
        actor_role=actor.role.value if actor else None,
        owner_id=owner_id,
        is_owner_visible=is_owner_visible,
        action=Action(action).value,
        subject_kind=subject.kind if subject else None,
        subject_id=subject.id if subject else None,
        subject_name=subject.name if subject else None,
        details=dict(details or {}),
        address=address,
        request_id=structlog.contextvars.get_contextvars().get("request_id"),
    )
    # Inline: nobody needs the number, and RETURNING would need the right to read the line.
    await unit.execute(line.inline())


class Trail:
    """The record as the core knows it (`core.trail.AuditTrail`)."""

    async def write(self, unit: AsyncSession, actor: Actor, deed: Deed) -> None:
        await write(
            unit,
            action=deed.action,
            actor=actor,
            owner_id=deed.owner_id,
            subject=deed.subject,
            address=came_from.get(),
        )


async def forget_addresses(database: Database, *, before: datetime) -> int:
    """In short transactions, oldest first; answers how many. The database lets go of nothing else, and of none that is
    younger than a week."""
    forgotten = 0
    while True:
        async with database.system("sweep") as unit:
            found = await unit.execute(FORGET, {"before": before, "batch": FORGET_BATCH})
            number: int = found.rowcount  # type: ignore[attr-defined]  # of an UPDATE
        forgotten += number
        if number < FORGET_BATCH:
            return forgotten


class AuditActor(BaseModel):
    """Null where the reader may not know who it was, or where they are deleted."""

    id: UUID | None
    name: str | None
    role: str | None


class AuditSubject(BaseModel):
    kind: str
    id: str
    name: str | None


class AuditRead(BaseModel):
    id: int
    at: datetime
    actor: AuditActor | None
    action: str
    subject: AuditSubject | None
    details: dict[str, Any]
    address: str | None
    request_id: str | None


@dataclass(frozen=True, slots=True)
class Filter:
    actor: UUID | None = None
    about: str | None = None  # a person or a thing: what they did, and what was done about them
    action: str | None = None  # one action, or a group of them such as `person`
    since: datetime | None = None
    until: datetime | None = None
    search: str | None = None


def selected(wanted: Filter) -> Select[AuditLine]:
    query = select(AuditLine)
    if wanted.actor is not None:
        query = query.where(AuditLine.actor_id == wanted.actor)
    if wanted.about is not None:
        query = query.where(or_(AuditLine.subject_id == wanted.about, *did(wanted.about)))
    if wanted.action is not None:
        is_one = AuditLine.action == wanted.action
        query = query.where(or_(is_one, AuditLine.action.startswith(f"{wanted.action}.", autoescape=True)))
    if wanted.since is not None:
        query = query.where(AuditLine.at >= wanted.since)
    if wanted.until is not None:
        query = query.where(AuditLine.at < wanted.until)
    if wanted.search:
        query = query.where(or_(*matches(wanted.search)))
    return query


def did(about: str) -> Sequence[ColumnElement[bool]]:
    """Things have ids of other kinds, and do nothing."""
    try:
        return (AuditLine.actor_id == UUID(about),)
    except ValueError:
        return ()


def matches(search: str) -> Sequence[ColumnElement[bool]]:
    """By the names of people as they are now, and by what stands in the line itself."""
    named = or_(Person.name.icontains(search, autoescape=True), Person.email_key.icontains(search, autoescape=True))
    return (
        AuditLine.actor_id.in_(select(Person.id).where(named)),
        AuditLine.subject_id.in_(select(cast(Person.id, String)).where(named)),
        AuditLine.subject_name.icontains(search, autoescape=True),
        AuditLine.action.icontains(search, autoescape=True),
        AuditLine.address == search,
        AuditLine.request_id == search,
    )


async def list_page(unit: AsyncSession, wanted: Filter, *, limit: int, cursor: str | None) -> Page[AuditRead]:
    """Newest first, for administrators."""
    lines, more = await page_of(unit, selected(wanted), limit=limit, cursor=cursor)
    names = await names_of(unit, lines)
    return Page(items=[as_read(line, names) for line in lines], next_cursor=more)


async def list_mine(unit: AsyncSession, actor: Actor, *, limit: int, cursor: str | None) -> Page[AuditRead]:
    """What I did and what was done about me. Who manages this installation stays unnamed."""
    mine = or_(AuditLine.actor_id == actor.user_id, (AuditLine.owner_id == actor.user_id) & AuditLine.is_owner_visible)
    lines, more = await page_of(unit, select(AuditLine).where(mine), limit=limit, cursor=cursor)
    names = await names_of(unit, lines)
    items = [without_stranger(as_read(line, names), actor) for line in lines]
    return Page(items=items, next_cursor=more)


async def page_of(
    unit: AsyncSession, query: Select[AuditLine], *, limit: int, cursor: str | None
) -> tuple[Sequence[AuditLine], str | None]:
    if (after := Cursor.decode(cursor, "int")) is not None:
        query = query.where(AuditLine.id < after[0])
    found = (await unit.scalars(query.order_by(AuditLine.id.desc()).limit(limit + 1))).all()
    return found[:limit], Cursor.encode([found[limit - 1].id]) if len(found) > limit else None


async def names_of(unit: AsyncSession, lines: Sequence[AuditLine]) -> Mapping[UUID, str]:
    wanted = {line.actor_id for line in lines if line.actor_id is not None}
    wanted |= {UUID(line.subject_id) for line in lines if line.subject_kind == "person" and line.subject_id}
    found = await unit.execute(select(Person.id, Person.name).where(Person.id.in_(wanted)))
    return {row.id: row.name for row in found}


def as_read(line: AuditLine, names: Mapping[UUID, str]) -> AuditRead:
    actor = subject = None
    if line.actor_id is not None:
        actor = AuditActor(id=line.actor_id, name=names.get(line.actor_id), role=line.actor_role)
    if line.subject_kind is not None and line.subject_id is not None:
        name = names.get(UUID(line.subject_id)) if line.subject_kind == "person" else line.subject_name
        subject = AuditSubject(kind=line.subject_kind, id=line.subject_id, name=name)
    return AuditRead(
        id=line.id,
        at=line.at,
        actor=actor,
        action=line.action,
        subject=subject,
        details=line.details,
        address=line.address,
        request_id=line.request_id,
    )


def without_stranger(line: AuditRead, actor: Actor) -> AuditRead:
    if line.actor is None or line.actor.id == actor.user_id:
        return line
    return line.model_copy(
        update={"actor": AuditActor(id=None, name=None, role=line.actor.role), "address": None, "request_id": None}
    )


EXPORT_COLUMNS = ("id", "at", "actor_id", "actor", "actor_role", "action", "subject_kind", "subject_id", "subject",
                  "details", "address", "request_id")  # fmt: skip
EXPORT_PAGE = 500

# What spreadsheets take for the beginning of a formula, in the full-width spelling as well.
# Where lists are written with semicolons, as in German, a cell begins behind each of them too.
FORMULA = re.compile('(^|;)(?=[ "]*[=+\\-@\t\r\n＝＋－＠])')


def harmless(cell: object) -> str:
    return FORMULA.sub(r"\1'", "" if cell is None else str(cell))


def csv_lines(rows: Iterable[Iterable[object]], *, delimiter: str = ",") -> str:
    buffer = io.StringIO()
    csv.writer(buffer, delimiter=delimiter).writerows([harmless(cell) for cell in row] for row in rows)
    return buffer.getvalue()


def csv_row(line: AuditRead) -> tuple[object, ...]:
    actor = line.actor or AuditActor(id=None, name=None, role=None)
    subject = line.subject or AuditSubject(kind="", id="", name=None)
    details = orjson.dumps(line.details).decode() if line.details else ""
    return (line.id, line.at.isoformat(), actor.id, actor.name, actor.role, line.action, subject.kind, subject.id,
            subject.name, details, line.address, line.request_id)  # fmt: skip


async def export(database: Database, actor: Actor, wanted: Filter) -> AsyncIterator[str]:
    """The whole record, page by page in short units, so that nobody's slow line keeps a transaction open."""
    # The mark tells spreadsheets that this is UTF-8.
    yield "\ufeff" + csv_lines([EXPORT_COLUMNS])
    cursor: str | None = None
    while True:
        async with database.unit(actor.as_admin()) as unit:
            page = await list_page(unit, wanted, limit=EXPORT_PAGE, cursor=cursor)
        yield csv_lines(map(csv_row, page.items))
        cursor = page.next_cursor
        if cursor is None:
            return
