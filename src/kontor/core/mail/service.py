"""Queueing mails, sending them, showing them to the operator. One row is handed to a mail server at most once."""

import os
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import and_, delete, event, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from kontor.core.clock import now
from kontor.core.database import Database
from kontor.core.errors import Kind, KontorError
from kontor.core.events.publishing import ADMIN_TOPIC, publish
from kontor.core.ids import UserId, new_id
from kontor.core.jobs.enqueueing import enqueue
from kontor.core.mail.compose import clean_address, compose, message_id, sender_of
from kontor.core.mail.jobs import SEND_MAIL, SendMail
from kontor.core.mail.messages import AnyMessage, Language, any_message, without_secret
from kontor.core.mail.ports import Carrier, Envelope, MailRefused, MailServerAway, MailUnclear
from kontor.core.mail.smtp import SmtpCarrier, SmtpServer
from kontor.core.mail.tables import Mail, MailState
from kontor.core.mail.templates import Rendered, render
from kontor.core.secrets import Secrets
from kontor.core.settings import Settings

log = structlog.get_logger(__name__)

# A worker that was killed while it talked to the server has left its mark; nobody talks for longer than this.
SENDING_LASTS = timedelta(minutes=3)
KEPT = timedelta(days=90)


class MailNotFound(KontorError):
    kind, code = Kind.NOT_FOUND, "mail.not_found"

    def __init__(self) -> None:
        super().__init__("There is no such mail.")


class MailNotRepeatable(KontorError):
    kind, code = Kind.CONFLICT, "mail.not_repeatable"

    def __init__(self, state: MailState) -> None:
        super().__init__("Only failed and shown mails can be sent again.", details={"state": state.value})


class MailUnreadable(KontorError):
    kind, code = Kind.CONFLICT, "mail.unreadable"

    def __init__(self) -> None:
        super().__init__("This mail was sealed with a master key that Kontor no longer has.")


class MailNotConfigured(KontorError):
    kind, code = Kind.CONFLICT, "mail.not_configured"

    def __init__(self) -> None:
        super().__init__("No mail server is configured. Set SMTP_URL and start Kontor again.")


def carrier_of(settings: Settings) -> Carrier | None:
    if settings.smtp_url is None:
        return None
    return SmtpCarrier(SmtpServer.parse(settings.smtp_url.get_secret_value()))


class Mailer:
    """One per process. `carrier` is None where no mail server is configured: mails are then shown to the operator."""

    def __init__(self, settings: Settings, secrets: Secrets, database: Database, carrier: Carrier | None) -> None:
        self._settings = settings
        self._secrets = secrets
        self._database = database
        self._carrier = carrier

    @property
    def is_configured(self) -> bool:
        return self._carrier is not None

    async def queue(
        self, unit: AsyncSession, message: AnyMessage, *, to: str, language: Language, owner_id: UserId | None = None
    ) -> UUID:
        """In the caller's transaction: the mail leaves when that is committed, and never otherwise."""
        to = clean_address(to)
        mail_id = new_id()
        rendered = render(message, language)
        await unit.execute(
            # Inline: RETURNING would need the right to read mails, which a person has not.
            insert(Mail)
            .values(
                id=mail_id,
                owner_id=owner_id,
                to_address=to,
                template=message.template,
                language=language,
                subject=rendered.subject,
                sealed=self._seal(mail_id, message),
                state=MailState.QUEUED if self.is_configured else MailState.SHOWN,
                message_id=message_id(mail_id, self._settings.mail_from),
                created_at=now(),
            )
            .inline()
        )
        if self.is_configured:
            await enqueue(unit, SEND_MAIL, SendMail(mail_id=mail_id), key=str(mail_id), priority=10)
        else:
            self._show_after_commit(unit, mail_id, message, to)
            await publish(unit, topic=ADMIN_TOPIC, kind="mail.shown", data={"id": str(mail_id)})
        return mail_id

    def _show_after_commit(self, unit: AsyncSession, mail_id: UUID, message: AnyMessage, to: str) -> None:
        """The operator reads the log of the machine that he sits at; collected logs (json) get no links."""
        facts: dict[str, Any] = {"mail": str(mail_id), "template": message.template}
        if self._settings.kontor_log == "text":
            facts.update(to=to, link=getattr(message, "link", None))
        else:
            facts["advice"] = "No SMTP_URL is set; administrators find the mail under Administration, Mail."

        def show(_session: Session) -> None:
            log.info("mail.shown", **facts)

        event.listen(unit.sync_session, "after_commit", show, once=True)

    async def send(self, mail_id: UUID, *, is_last_try: bool = False) -> None:
        """Called by the job; again after a crash. Raises what another try may mend; everything else ends in the row."""
        if self._carrier is None:
            await self._finish(mail_id, MailState.SHOWN)
            return
        envelope = await self._claim(mail_id)
        if envelope is None:
            return

        async def mark_handing_over() -> None:
            async with self._database.system("mail") as unit:
                await unit.execute(update(Mail).where(Mail.id == mail_id).values(handed_at=now()))

        try:
            await self._carrier.carry(envelope, before_handing_over=mark_handing_over)
        except MailServerAway as error:
            await self._finish(mail_id, MailState.FAILED if is_last_try else MailState.QUEUED, error)
            if not is_last_try:
                raise
        except (MailRefused, MailUnclear) as error:
            await self._finish(mail_id, MailState.FAILED, error)
        else:
            await self._finish(mail_id, MailState.SENT)

    async def _claim(self, mail_id: UUID) -> Envelope | None:
        """Take the row for this try, or None when there is nothing (more) to do."""
        async with self._database.system("mail") as unit:
            mail = await unit.scalar(select(Mail).where(Mail.id == mail_id).with_for_update())
            if mail is None or mail.state not in {MailState.QUEUED, MailState.SENDING}:
                return None
            if mail.state == MailState.SENDING:
                if mail.attempted_at is not None and now() - mail.attempted_at < SENDING_LASTS:
                    raise MailServerAway("Another worker talks to the mail server about this mail.")
                if mail.handed_at is not None:
                    # Killed between handing over and noting it: it may have arrived, so it is not repeated.
                    unclear = MailUnclear()
                    mail.state, mail.error_code, mail.error = MailState.FAILED, unclear.code, unclear.message
                    return None
            message = self._unseal(mail.id, mail.sealed)
            mail.state = MailState.SENDING
            mail.attempts += 1
            mail.attempted_at, mail.handed_at = now(), None
            return self._envelope(mail, message)

    def _envelope(self, mail: Mail, message: AnyMessage) -> Envelope:
        language: Language = "de" if mail.language == "de" else "en"
        composed = compose(
            render(message, language),
            mail_from=self._settings.mail_from,
            to=mail.to_address,
            message_id=mail.message_id,
            at=mail.created_at,
            language=language,
        )
        return Envelope(sender_of(self._settings.mail_from).addr_spec, mail.to_address, composed)

    async def _finish(self, mail_id: UUID, state: MailState, error: KontorError | None = None) -> None:
        async with self._database.system("mail") as unit:
            mail = await unit.scalar(select(Mail).where(Mail.id == mail_id).with_for_update())
            if mail is None or mail.state == MailState.SENT:
                return
            mail.state = state
            mail.error_code = error.code if error else None
            mail.error = error.message[:500] if error else None
            if state is MailState.SENT:
                mail.sent_at = now()
                # The link has reached its reader; nobody needs to find it here.
                mail.sealed = self._seal(mail.id, without_secret(self._unseal(mail.id, mail.sealed)))
        log.info("mail.finished", mail=str(mail_id), state=state.value, code=error.code if error else None)

    async def sweep(self) -> int:
        """Mails are kept for a while, so that an operator can answer "did it leave?"."""
        async with self._database.system("sweep") as unit:
            gone = await unit.execute(delete(Mail).where(Mail.created_at < now() - KEPT).returning(Mail.id))
            return len(gone.all())

    async def repeat(self, unit: AsyncSession, mail_id: UUID) -> Mail:
        if not self.is_configured:
            raise MailNotConfigured
        mail = await unit.scalar(select(Mail).where(Mail.id == mail_id).with_for_update())
        if mail is None:
            raise MailNotFound
        if mail.state not in {MailState.FAILED, MailState.SHOWN}:
            raise MailNotRepeatable(MailState(mail.state))
        mail.state, mail.error_code, mail.error, mail.handed_at = MailState.QUEUED, None, None, None
        await unit.flush()
        await enqueue(unit, SEND_MAIL, SendMail(mail_id=mail_id), key=str(mail_id), priority=10)
        return mail

    async def find(self, unit: AsyncSession, mail_id: UUID, *, with_secret: bool = True) -> tuple[Mail, Rendered]:
        mail = await unit.scalar(select(Mail).where(Mail.id == mail_id))
        if mail is None:
            raise MailNotFound
        message = self._unseal(mail.id, mail.sealed)
        shown = message if with_secret else without_secret(message)
        return mail, render(shown, "de" if mail.language == "de" else "en")

    def _seal(self, mail_id: UUID, message: AnyMessage) -> bytes:
        nonce = os.urandom(12)
        key = self._secrets.derive("mail")
        return nonce + AESGCM(key).encrypt(nonce, message.model_dump_json().encode(), mail_id.bytes)

    def _unseal(self, mail_id: UUID, sealed: bytes) -> AnyMessage:
        for key in self._secrets.derive_all("mail"):
            try:
                opened = AESGCM(key).decrypt(sealed[:12], sealed[12:], mail_id.bytes)
            except InvalidTag:
                continue
            return any_message.validate_json(opened)
        raise MailUnreadable


async def page(
    unit: AsyncSession, *, states: Sequence[MailState], after: tuple[datetime, UUID] | None, limit: int
) -> Sequence[Mail]:
    """Newest first, one more than asked for so that the caller knows whether there is a next page."""
    query = select(Mail).order_by(Mail.created_at.desc(), Mail.id.desc()).limit(limit + 1)
    if states:
        query = query.where(Mail.state.in_(states))
    if after is not None:
        at, mail_id = after
        query = query.where(or_(Mail.created_at < at, and_(Mail.created_at == at, Mail.id < mail_id)))
    return (await unit.scalars(query)).all()


async def counts(unit: AsyncSession) -> dict[str, int]:
    """By state, without the sent ones, which are many and of no concern."""
    rows = await unit.execute(select(Mail.state, func.count()).where(Mail.state != MailState.SENT).group_by(Mail.state))
    return {row[0]: row[1] for row in rows}
