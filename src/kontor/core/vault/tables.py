"""The wrapped data keys, and the one value that tells whether the master key is the right one."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import DateTime, Index, LargeBinary, SmallInteger, Text, UniqueConstraint, Uuid, func
from sqlalchemy.orm import Mapped, mapped_column

from kontor.core.database import Base


class VaultKey(Base):
    __tablename__ = "vault_key"
    __table_args__ = (
        UniqueConstraint("owner_id", postgresql_nulls_not_distinct=True),
        Index("vault_key_master_id_id_idx", "master_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    owner_id: Mapped[UUID | None] = mapped_column(Uuid)  # None: the installation's own secrets
    master_id: Mapped[str] = mapped_column(Text)
    wrapped: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    rewrapped_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class VaultCanary(Base):
    __tablename__ = "vault_canary"

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, server_default="1")
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
