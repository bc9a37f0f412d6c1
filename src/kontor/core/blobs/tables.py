"""Files: what a person calls them, what they contain, how much room they take, and what is to be thrown away."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    DateTime,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    Text,
    UniqueConstraint,
    Uuid,
    func,
)
from sqlalchemy.orm import Mapped, mapped_column

from kontor.core.database import Base


class BlobUsage(Base):
    """One row per owner; `quota_bytes` of None means the installation's default."""

    __tablename__ = "blob_usage"

    owner_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    used_bytes: Mapped[int] = mapped_column(BigInteger, server_default="0")
    reserved_bytes: Mapped[int] = mapped_column(BigInteger, server_default="0")
    quota_bytes: Mapped[int | None] = mapped_column(BigInteger)


class BlobUpload(Base):
    """An upload under way. `key` is set once its bytes may be in the store."""

    __tablename__ = "blob_upload"
    __table_args__ = (
        ForeignKeyConstraint(["owner_id"], ["blob_usage.owner_id"]),
        Index("blob_upload_owner_id_idx", "owner_id"),
        Index("blob_upload_seen_at_idx", "seen_at"),
    )

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    owner_id: Mapped[UUID] = mapped_column(Uuid)
    key: Mapped[str | None] = mapped_column(Text)
    reserved_bytes: Mapped[int] = mapped_column(BigInteger)
    started_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    seen_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())


class BlobObject(Base):
    """A content of an owner. `generation` makes its key in the store unique, so that a key is never used twice."""

    __tablename__ = "blob_object"
    __table_args__ = (ForeignKeyConstraint(["owner_id"], ["blob_usage.owner_id"]),)

    owner_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    sha256: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    size: Mapped[int] = mapped_column(BigInteger)
    generation: Mapped[UUID] = mapped_column(Uuid)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())


class BlobRow(Base):
    """A file as its owner sees it."""

    __tablename__ = "blob"
    __table_args__ = (
        UniqueConstraint("owner_id", "id"),
        ForeignKeyConstraint(["owner_id", "sha256"], ["blob_object.owner_id", "blob_object.sha256"]),
        Index("blob_owner_id_sha256_idx", "owner_id", "sha256"),
    )

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    owner_id: Mapped[UUID] = mapped_column(Uuid)
    sha256: Mapped[bytes] = mapped_column(LargeBinary)
    name: Mapped[str] = mapped_column(Text)
    media_type: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())


class BlobGarbage(Base):
    """A key of the store that nothing needs any more, written in the transaction that made it so."""

    __tablename__ = "blob_garbage"
    __table_args__ = (Index("blob_garbage_created_at_idx", "created_at"),)

    key: Mapped[str] = mapped_column(Text, primary_key=True)
    owner_id: Mapped[UUID] = mapped_column(Uuid)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
