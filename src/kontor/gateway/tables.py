"""Providers, what they offer, the keys to them, and how they fare. No owner means the house."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Computed,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    LargeBinary,
    SmallInteger,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, INTEGER, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from kontor.core.clock import now
from kontor.core.database import Base

HOUSE = UUID(int=0)

Moment = Annotated[datetime, mapped_column(DateTime(timezone=True))]
Since = Annotated[datetime, mapped_column(DateTime(timezone=True), default=now, server_default=text("now()"))]
Version = Annotated[int, mapped_column(default=1, server_default=text("1"))]
Bag = Annotated[dict[str, Any], mapped_column(JSONB, default=dict, server_default=text("'{}'"))]
# Who holds the row, never null: so that composite foreign keys see the house as somebody too.
Holder = Annotated[UUID, mapped_column(Computed(f"coalesce(owner_id, '{HOUSE}'::uuid)", persisted=True))]


class Provider(Base):
    __tablename__ = "provider"
    __table_args__ = (
        UniqueConstraint("id", "holder"),
        UniqueConstraint("id", "holder", "origin", name="provider_id_holder_origin_key"),
        Index("provider_owner_id_idx", "owner_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    owner_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"))
    holder: Mapped[Holder]
    kind: Mapped[str] = mapped_column(Text)
    label: Mapped[str] = mapped_column(Text)
    protocol: Mapped[str] = mapped_column(Text)
    base_url: Mapped[str] = mapped_column(Text)
    origin: Mapped[str] = mapped_column(Text)
    quirks: Mapped[Bag]
    timeouts: Mapped[Bag]
    concurrency: Mapped[int] = mapped_column(default=16, server_default=text("16"))
    is_enabled: Mapped[bool] = mapped_column(default=True, server_default=text("true"))
    is_local: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    version: Mapped[Version]
    checked_at: Mapped[Moment | None]
    ok_at: Mapped[Moment | None]
    failed_at: Mapped[Moment | None]
    latency_ms: Mapped[int | None]
    error_code: Mapped[str | None] = mapped_column(Text)
    error: Mapped[str | None] = mapped_column(Text)
    refreshed_at: Mapped[Moment | None]
    created_at: Mapped[Since]
    updated_at: Mapped[Since]


class Model(Base):
    """`facts` is what data and the provider's list say, `edits` what an administrator says; the latter wins."""

    __tablename__ = "model"
    __table_args__ = (
        ForeignKeyConstraint(
            ["provider_id", "holder"],
            ["provider.id", "provider.holder"],
            name="model_provider_fkey",
            ondelete="CASCADE",
        ),
        UniqueConstraint("provider_id", "name", name="model_provider_id_name_key"),
        Index("model_owner_id_idx", "owner_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    provider_id: Mapped[UUID]
    owner_id: Mapped[UUID | None]
    holder: Mapped[Holder]
    name: Mapped[str] = mapped_column(Text)
    source: Mapped[str] = mapped_column(Text)
    facts: Mapped[Bag]
    edits: Mapped[Bag]
    is_enabled: Mapped[bool] = mapped_column(default=True, server_default=text("true"))
    enabled_roles: Mapped[list[str]] = mapped_column(
        ARRAY(Text), default=lambda: ["user", "manager", "admin"], server_default=text("'{user,manager,admin}'")
    )
    gone_at: Mapped[Moment | None]
    version: Mapped[Version]
    created_at: Mapped[Since]
    updated_at: Mapped[Since]


class ProviderKey(Base):
    """Bound to the address that it was entered for, by the foreign key and by its seal."""

    __tablename__ = "provider_key"
    __table_args__ = (
        ForeignKeyConstraint(
            ["provider_id", "provider_holder", "origin"],
            ["provider.id", "provider.holder", "provider.origin"],
            name="provider_key_provider_fkey",
            ondelete="CASCADE",
        ),
        Index("provider_key_provider_id_idx", "provider_id", "provider_holder", "origin"),
        Index("provider_key_owner_id_idx", "owner_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    owner_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"))
    holder: Mapped[Holder]
    provider_id: Mapped[UUID]
    provider_holder: Mapped[UUID]
    origin: Mapped[str] = mapped_column(Text)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    ending: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text)
    tested_at: Mapped[Moment | None]
    last_used_at: Mapped[Moment | None]
    created_at: Mapped[Since]


class ProviderCheck(Base):
    """One check by the clock, or what one process saw of real calls in a while."""

    __tablename__ = "provider_check"
    __table_args__ = (
        ForeignKeyConstraint(
            ["provider_id", "holder"],
            ["provider.id", "provider.holder"],
            name="provider_check_provider_fkey",
            ondelete="CASCADE",
        ),
        Index("provider_check_provider_id_at_idx", "provider_id", "at"),
        Index("provider_check_at_idx", "at"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    provider_id: Mapped[UUID]
    owner_id: Mapped[UUID | None]
    holder: Mapped[Holder]
    at: Mapped[Moment]
    source: Mapped[str] = mapped_column(Text)
    ok: Mapped[int]
    failed: Mapped[int]
    first_ms: Mapped[list[int]] = mapped_column(ARRAY(INTEGER), default=list, server_default=text("'{}'"))
    error_code: Mapped[str | None] = mapped_column(Text)
    error: Mapped[str | None] = mapped_column(Text)


class GatewayConfig(Base):
    __tablename__ = "gateway_config"

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, server_default=text("1"))
    configuration: Mapped[Bag]
    version: Mapped[Version]
    updated_at: Mapped[Since]
