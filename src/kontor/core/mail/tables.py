"""The outbox. A row is a mail; its values are sealed, because some of them open a door."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from sqlalchemy import CheckConstraint, DateTime, Index, Integer, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from kontor.core.database import Base

Moment = Annotated[datetime, mapped_column(DateTime(timezone=True))]
Words = Annotated[str, mapped_column(Text)]


class MailState(StrEnum):
    QUEUED = "queued"
    SENDING = "sending"  # a worker talks to the server; `handed_at` tells whether it has begun to hand over
    SENT = "sent"
    FAILED = "failed"
    SHOWN = "shown"  # no server is configured: the operator passes it on


class Mail(Base):
    __tablename__ = "mail"
    __table_args__ = (
        UniqueConstraint("message_id"),
        CheckConstraint("(state = 'sent') = (sent_at IS NOT NULL)", name="sent"),
        Index("mail_created_at_id_idx", text("created_at DESC"), text("id DESC")),
        Index("mail_state_idx", "state", text("created_at DESC"), postgresql_where=text("state <> 'sent'")),
        Index("mail_owner_id_idx", "owner_id", postgresql_where=text("owner_id IS NOT NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    owner_id: Mapped[UUID | None]
    to_address: Mapped[Words]
    template: Mapped[Words]
    language: Mapped[Words]
    subject: Mapped[Words]
    sealed: Mapped[bytes]
    state: Mapped[Words]
    attempts: Mapped[int] = mapped_column(Integer, default=0, server_default=text("0"))
    error_code: Mapped[Words | None]
    error: Mapped[Words | None]
    message_id: Mapped[Words]
    created_at: Mapped[Moment] = mapped_column(server_default=text("now()"))
    attempted_at: Mapped[Moment | None]
    handed_at: Mapped[Moment | None]
    sent_at: Mapped[Moment | None]
