"""People and how they sign in. The record and the settings per person stand in `audit.py` and `settings.py`."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from kontor.core.clock import now
from kontor.core.database import Base

Moment = Annotated[datetime, mapped_column(DateTime(timezone=True))]
Since = Annotated[datetime, mapped_column(DateTime(timezone=True), default=now, server_default=text("now()"))]
Owner = Annotated[UUID, mapped_column(ForeignKey("person.id", ondelete="CASCADE"))]
OwnerKey = Annotated[UUID, mapped_column(ForeignKey("person.id", ondelete="CASCADE"), primary_key=True)]
Digest = Annotated[bytes, mapped_column(LargeBinary, primary_key=True)]


class Person(Base):
    __tablename__ = "person"
    __table_args__ = (
        UniqueConstraint("email_key"),
        CheckConstraint("(email IS NULL) = (email_key IS NULL)", name="email_pair"),
        Index("person_created_at_id_idx", "created_at", "id"),
        Index("person_role_idx", "role", postgresql_where=text("role <> 'user'")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    email: Mapped[str | None] = mapped_column(Text)
    email_key: Mapped[str | None] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)
    role: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text)
    language: Mapped[str] = mapped_column(Text, server_default="en")
    must_set_up: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    email_verified_at: Mapped[Moment | None]
    suspended_at: Mapped[Moment | None]
    suspended_reason: Mapped[str | None] = mapped_column(Text)
    last_seen_at: Mapped[Moment | None]
    version: Mapped[int] = mapped_column(Integer, default=1, server_default=text("1"))
    created_at: Mapped[Since]
    updated_at: Mapped[Since]


class Password(Base):
    """Apart from the person, so that managing people never reads a hash."""

    __tablename__ = "password"

    owner_id: Mapped[OwnerKey]
    hash: Mapped[str] = mapped_column(Text)
    changed_at: Mapped[Since]


class Session(Base):
    """A signed-in device, and the family of the refresh tokens that were given to it."""

    __tablename__ = "session"
    __table_args__ = (
        UniqueConstraint("owner_id", "id"),
        UniqueConstraint("cookie_hash"),
        Index("session_owner_id_last_seen_at_idx", "owner_id", "last_seen_at"),
        Index("session_expires_at_idx", "expires_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    owner_id: Mapped[Owner]
    kind: Mapped[str] = mapped_column(Text)
    cookie_hash: Mapped[bytes | None] = mapped_column(LargeBinary)
    client: Mapped[str] = mapped_column(Text, server_default="")
    address: Mapped[str | None] = mapped_column(Text)
    idle_seconds: Mapped[int] = mapped_column(Integer)
    created_at: Mapped[Since]
    last_seen_at: Mapped[Since]
    expires_at: Mapped[Moment]
    expires_at_latest: Mapped[Moment]
    proved_at: Mapped[Moment | None]
    ended_at: Mapped[Moment | None]
    ended_reason: Mapped[str | None] = mapped_column(Text)
    full_access_until: Mapped[Moment | None]
    full_access_reason: Mapped[str | None] = mapped_column(Text)


class RefreshToken(Base):
    __tablename__ = "refresh_token"
    __table_args__ = (
        ForeignKeyConstraint(["owner_id", "session_id"], ["session.owner_id", "session.id"], ondelete="CASCADE"),
        Index("refresh_token_session_id_idx", "owner_id", "session_id"),
    )

    hash: Mapped[Digest]
    owner_id: Mapped[UUID]
    session_id: Mapped[UUID]
    created_at: Mapped[Since]
    used_at: Mapped[Moment | None]


class OneTimeToken(Base):
    """A link that works once: to sign in, to verify an address, to set a new password, to accept an invitation."""

    __tablename__ = "one_time_token"
    __table_args__ = (
        Index("one_time_token_owner_id_purpose_idx", "owner_id", "purpose"),
        Index("one_time_token_expires_at_idx", "expires_at"),
    )

    hash: Mapped[Digest]
    owner_id: Mapped[Owner]
    purpose: Mapped[str] = mapped_column(Text)
    email: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[Since]
    expires_at: Mapped[Moment]
    used_at: Mapped[Moment | None]


class Challenge(Base):
    """What a sign-in in two steps remembers between them."""

    __tablename__ = "challenge"
    __table_args__ = (
        Index("challenge_owner_id_idx", "owner_id", postgresql_where=text("owner_id IS NOT NULL")),
        Index("challenge_expires_at_idx", "expires_at"),
    )

    hash: Mapped[Digest]
    owner_id: Mapped[Owner | None]
    purpose: Mapped[str] = mapped_column(Text)
    data: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'"))
    expires_at: Mapped[Moment]


class PersonalToken(Base):
    __tablename__ = "personal_token"
    __table_args__ = (UniqueConstraint("hash"), Index("personal_token_owner_id_idx", "owner_id", "created_at"))

    id: Mapped[UUID] = mapped_column(primary_key=True)
    owner_id: Mapped[Owner]
    name: Mapped[str] = mapped_column(Text)
    hash: Mapped[bytes] = mapped_column(LargeBinary)
    ending: Mapped[str] = mapped_column(Text)
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text))
    created_at: Mapped[Since]
    expires_at: Mapped[Moment | None]
    last_used_at: Mapped[Moment | None]


class Totp(Base):
    """The seed of a person's one-time codes, sealed by the vault; `last_step` is the last one that was taken."""

    __tablename__ = "totp"

    owner_id: Mapped[OwnerKey]
    secret: Mapped[bytes] = mapped_column(LargeBinary)
    last_step: Mapped[int] = mapped_column(BigInteger, default=0, server_default=text("0"))
    created_at: Mapped[Since]
    confirmed_at: Mapped[Moment | None]


class RecoveryCode(Base):
    __tablename__ = "recovery_code"

    owner_id: Mapped[OwnerKey]
    hash: Mapped[Digest]
    used_at: Mapped[Moment | None]


class Passkey(Base):
    __tablename__ = "passkey"
    __table_args__ = (UniqueConstraint("credential_id"), Index("passkey_owner_id_idx", "owner_id"))

    id: Mapped[UUID] = mapped_column(primary_key=True)
    owner_id: Mapped[Owner]
    name: Mapped[str] = mapped_column(Text)
    credential_id: Mapped[bytes] = mapped_column(LargeBinary)
    public_key: Mapped[bytes] = mapped_column(LargeBinary)
    sign_count: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    transports: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    created_at: Mapped[Since]
    last_used_at: Mapped[Moment | None]


class OidcIdentity(Base):
    """Who a person is at a provider: issuer and subject, never the address alone."""

    __tablename__ = "oidc_identity"
    __table_args__ = (Index("oidc_identity_owner_id_idx", "owner_id"),)

    issuer: Mapped[str] = mapped_column(Text, primary_key=True)
    subject: Mapped[str] = mapped_column(Text, primary_key=True)
    owner_id: Mapped[Owner]
    created_at: Mapped[Since]
    last_used_at: Mapped[Moment | None]
