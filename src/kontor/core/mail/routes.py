"""The outbox for administrators: what left, what did not and why, and what the operator must pass on by hand."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from kontor.core.clock import now
from kontor.core.errors import FieldProblem
from kontor.core.http.actors import AdminReader, AdminWriter, Core, RoleRequired, ScopeRequired, Unauthenticated
from kontor.core.http.idempotency import KontorRoute
from kontor.core.http.paging import PageCursor, PageLimit
from kontor.core.http.problems import problems
from kontor.core.http.units import AdminUnit
from kontor.core.mail.messages import Trial
from kontor.core.mail.schemas import STATES, MailRead, MailReadWhole, MailTest, ShownState
from kontor.core.mail.service import MailNotConfigured, MailNotFound, MailNotRepeatable, MailUnreadable, page
from kontor.core.paging import BadCursor, Cursor, Page
from kontor.core.trail import Deed, Subject

REFUSALS = (Unauthenticated, RoleRequired, ScopeRequired)

router = APIRouter(prefix="/admin/mail", tags=["admin"], route_class=KontorRoute, responses=problems(*REFUSALS))


@router.get("", responses=problems(BadCursor))
async def list_mails(
    _actor: AdminReader,
    unit: AdminUnit,
    state: Annotated[ShownState | None, Query(description="Only mails in this state")] = None,
    cursor: PageCursor = None,
    limit: PageLimit = 50,
) -> Page[MailRead]:
    """Newest first."""
    after: tuple[datetime, UUID] | None = None
    if (decoded := Cursor.decode(cursor, "datetime", "uuid")) is not None:
        after = (decoded[0], decoded[1])
    found = await page(unit, states=STATES[state] if state else (), after=after, limit=limit)
    items, last = found[:limit], found[limit - 1] if len(found) > limit else None
    return Page(
        items=[MailRead.of(mail) for mail in items],
        next_cursor=Cursor.encode([last.created_at, last.id]) if last is not None else None,
    )


@router.post("/test", status_code=202, responses=problems(FieldProblem))
async def send_test_mail(wanted: MailTest, actor: AdminWriter, unit: AdminUnit, kernel: Core) -> MailRead:
    """A mail to see whether mail works. Without a mail server it is shown like any other."""
    mail_id = await kernel.mailer.queue(unit, Trial(at=now()), to=wanted.to, language=wanted.language)
    mail, _ = await kernel.mailer.find(unit, mail_id)
    await kernel.trail.write(unit, actor, Deed("mail.tested", Subject("mail", str(mail_id))))
    return MailRead.of(mail)


@router.get("/{mail_id}", responses=problems(MailNotFound, MailUnreadable))
async def read_mail(mail_id: UUID, actor: AdminReader, unit: AdminUnit, kernel: Core) -> MailReadWhole:
    """With its text: the operator passes on what could not be sent. Reading leaves a line in the record, and in that
    of whoever the mail is to. A token is shown no link that lets its holder in: it may only read."""
    mail, rendered = await kernel.mailer.find(unit, mail_id, with_secret=actor.token_scopes is None)
    await kernel.trail.write(unit, actor, Deed("mail.read", Subject("mail", str(mail_id)), owner_id=mail.owner_id))
    return MailReadWhole.whole(mail, rendered)


@router.post("/{mail_id}/retry", responses=problems(MailNotFound, MailNotRepeatable, MailNotConfigured))
async def retry_mail(mail_id: UUID, actor: AdminWriter, unit: AdminUnit, kernel: Core) -> MailRead:
    mail = await kernel.mailer.repeat(unit, mail_id)
    await kernel.trail.write(unit, actor, Deed("mail.retried", Subject("mail", str(mail_id))))
    return MailRead.of(mail)
