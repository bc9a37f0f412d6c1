"""Tables of what a person sets and finds again, and of the record of what was done."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Boolean, DateTime, ForeignKey, Identity, Index, Integer, SmallInteger, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from kontor.accounts.tables import OwnerKey, Since
from kontor.core.database import Base


class PersonSettings(Base):
    __tablename__ = "person_settings"

    owner_id: Mapped[OwnerKey]
    language: Mapped[str] = mapped_column(Text, server_default=text("'system'"))
    timezone: Mapped[str] = mapped_column(Text, server_default=text("'UTC'"))
    currency: Mapped[str] = mapped_column(Text, server_default=text("'EUR'"))
    theme: Mapped[str] = mapped_column(Text, server_default=text("'system'"))
    text_size: Mapped[int] = mapped_column(SmallInteger, server_default=text("100"))
    enter_sends: Mapped[bool] = mapped_column(Boolean, server_default=text("true"))
    reduced_motion: Mapped[str] = mapped_column(Text, server_default=text("'system'"))
    address_form: Mapped[str] = mapped_column(Text, server_default=text("'sie'"))
    notifications: Mapped[dict[str, bool]] = mapped_column(JSONB, server_default=text("'{}'"))
    keys: Mapped[dict[str, str]] = mapped_column(JSONB, server_default=text("'{}'"))
    default_model: Mapped[str | None] = mapped_column(Text)
    favourite_models: Mapped[list[str]] = mapped_column(JSONB, server_default=text("'[]'"))
    version: Mapped[int] = mapped_column(Integer, server_default=text("1"))
    updated_at: Mapped[Since]


class Desk(Base):
    __tablename__ = "desk"

    owner_id: Mapped[OwnerKey]
    layout: Mapped[dict[str, Any]] = mapped_column(JSONB)
    version: Mapped[int] = mapped_column(Integer, server_default=text("1"))
    updated_at: Mapped[Since]


class Notification(Base):
    __tablename__ = "notification"
    __table_args__ = (
        Index("notification_owner_id_created_at_id_idx", "owner_id", "created_at", "id"),
        Index("notification_created_at_idx", "created_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    owner_id: Mapped[UUID] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(Text)
    data: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'"))
    created_at: Mapped[Since]
    read_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class AuditLine(Base):
    """Never changed and never taken back. It names nobody by a foreign key, because it outlives them."""

    __tablename__ = "audit_line"
    __table_args__ = (
        Index("audit_line_owner_id_id_idx", "owner_id", "id"),
        Index("audit_line_actor_id_id_idx", "actor_id", "id"),
        Index("audit_line_action_id_idx", "action", "id"),
        Index("audit_line_subject_id_id_idx", "subject_id", "id", postgresql_where=text("subject_id IS NOT NULL")),
        Index("audit_line_at_idx", "at"),
        Index("audit_line_address_idx", "at", postgresql_where=text("address IS NOT NULL")),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    at: Mapped[Since]
    actor_id: Mapped[UUID | None]
    actor_name: Mapped[str | None] = mapped_column(Text)
    actor_role: Mapped[str | None] = mapped_column(Text)
    owner_id: Mapped[UUID | None]
    is_owner_visible: Mapped[bool] = mapped_column(Boolean, server_default=text("true"))
    action: Mapped[str] = mapped_column(Text)
    subject_kind: Mapped[str | None] = mapped_column(Text)
    subject_id: Mapped[str | None] = mapped_column(Text)
    subject_name: Mapped[str | None] = mapped_column(Text)
    details: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'"))
    address: Mapped[str | None] = mapped_column(Text)
    request_id: Mapped[str | None] = mapped_column(Text)
