"""Every query about files. Policies are the second wall: each function names the owner as well.

Rows are locked in one order, so that no two deeds wait for each other: upload, file, content, usage.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, delete, func, select, text, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.engine import CursorResult
from sqlalchemy.ext.asyncio import AsyncSession

from kontor.core.blobs.store import Key
from kontor.core.blobs.tables import BlobGarbage, BlobObject, BlobRow, BlobUpload, BlobUsage
from kontor.core.blobs.values import DEFAULT_QUOTA_BYTES, NO_QUOTA, Blob, Usage
from kontor.core.ids import BlobId, UserId

# The person's own quota, else the installation's, read by the very statement that reserves. The installation may have
# set none at all (then ours counts), or that there shall be none.
QUOTA = func.coalesce(
    BlobUsage.quota_bytes,
    text("""(
        SELECT CASE WHEN jsonb_exists(configuration, 'default_quota_bytes')
            THEN coalesce((configuration ->> 'default_quota_bytes')::bigint, CAST(:no_quota AS bigint))
            ELSE CAST(:ours AS bigint) END
        FROM installation
    )""").bindparams(no_quota=NO_QUOTA, ours=DEFAULT_QUOTA_BYTES),
)


async def ensure_usage(unit: AsyncSession, owner_id: UserId) -> None:
    await unit.execute(insert(BlobUsage).values(owner_id=owner_id).on_conflict_do_nothing())


async def reserve(unit: AsyncSession, owner_id: UserId, size: int) -> bool:
    """The only way to room: one statement that looks and takes, so no two uploads get the same bytes."""
    taken = await unit.execute(
        update(BlobUsage)
        .where(BlobUsage.owner_id == owner_id, BlobUsage.used_bytes + BlobUsage.reserved_bytes + size <= QUOTA)
        .values(reserved_bytes=BlobUsage.reserved_bytes + size)
        .execution_options(synchronize_session=False)
    )
    return row_count(taken) == 1


async def usage(unit: AsyncSession, owner_id: UserId) -> Usage:
    await ensure_usage(unit, owner_id)
    row = (
        await unit.execute(
            select(BlobUsage.used_bytes, BlobUsage.reserved_bytes, QUOTA.label("quota")).where(
                BlobUsage.owner_id == owner_id
            )
        )
    ).one()
    return Usage(row.used_bytes, row.reserved_bytes, None if row.quota == NO_QUOTA else int(row.quota))


async def set_quota(unit: AsyncSession, owner_id: UserId, quota_bytes: int | None) -> None:
    made = insert(BlobUsage).values(owner_id=owner_id, quota_bytes=quota_bytes)
    await unit.execute(
        made.on_conflict_do_update(index_elements=["owner_id"], set_={"quota_bytes": made.excluded.quota_bytes})
    )


async def move_reserved(unit: AsyncSession, owner_id: UserId, *, reserved: int, used: int) -> None:
    """What was reserved becomes used, in part or not at all; also how used room is given back."""
    await unit.execute(
        update(BlobUsage)
        .where(BlobUsage.owner_id == owner_id)
        .values(
            reserved_bytes=BlobUsage.reserved_bytes - reserved,
            used_bytes=BlobUsage.used_bytes + used,
        )
        .execution_options(synchronize_session=False)
    )


async def count_uploads(unit: AsyncSession, owner_id: UserId) -> int:
    """Exact after `reserve`, which holds the usage row until the transaction ends."""
    return await unit.scalar(select(func.count()).where(BlobUpload.owner_id == owner_id)) or 0


async def add_upload(unit: AsyncSession, upload_id: UUID, owner_id: UserId, *, reserved: int, at: datetime) -> None:
    await unit.execute(
        insert(BlobUpload).values(id=upload_id, owner_id=owner_id, reserved_bytes=reserved, started_at=at, seen_at=at)
    )


async def touch_upload(
    unit: AsyncSession, upload_id: UUID, *, at: datetime, more_reserved: int = 0, key: str | None = None
) -> bool:
    values: dict[str, Any] = {"seen_at": at, "reserved_bytes": BlobUpload.reserved_bytes + more_reserved}
    if key is not None:
        values["key"] = key
    found = await unit.execute(
        update(BlobUpload)
        .where(BlobUpload.id == upload_id)
        .values(**values)
        .execution_options(synchronize_session=False)
    )
    return row_count(found) == 1


async def take_upload(unit: AsyncSession, upload_id: UUID) -> Row[UUID, int, str | None] | None:
    """Whoever gets the row has the upload: the one who keeps it, the one who gives it up, or the sweep."""
    taken = await unit.execute(
        delete(BlobUpload)
        .where(BlobUpload.id == upload_id)
        .returning(BlobUpload.owner_id, BlobUpload.reserved_bytes, BlobUpload.key)
        .execution_options(synchronize_session=False)
    )
    return taken.one_or_none()


async def abandoned_uploads(unit: AsyncSession, *, before: datetime, limit: int) -> Sequence[UUID]:
    wanted = select(BlobUpload.id).where(BlobUpload.seen_at < before).order_by(BlobUpload.seen_at).limit(limit)
    return (await unit.scalars(wanted)).all()


async def add_object(unit: AsyncSession, key: Key, *, size: int) -> bool:
    """False when the owner has this content already; then it is locked, so that nobody deletes it before we commit."""
    mine = (BlobObject.owner_id == key.owner_id) & (BlobObject.sha256 == key.sha256)
    while True:
        added = await unit.execute(
            insert(BlobObject)
            .values(owner_id=key.owner_id, sha256=key.sha256, size=size, generation=key.generation)
            .on_conflict_do_nothing()
        )
        if row_count(added) == 1:
            return True
        # Gone between the two statements: somebody deleted the last file with this content. Then ours is the first.
        if (
            await unit.scalar(select(BlobObject.size).where(mine).with_for_update(read=True, key_share=True))
            is not None
        ):
            return False


async def add_blob(unit: AsyncSession, blob_id: BlobId, key: Key, *, name: str, media_type: str, at: datetime) -> None:
    await unit.execute(
        insert(BlobRow).values(
            id=blob_id, owner_id=key.owner_id, sha256=key.sha256, name=name, media_type=media_type, created_at=at
        )
    )


def blobs_of(owner_id: UserId) -> Select[UUID, UUID, str, str, int, bytes, datetime, UUID]:
    """Every read of files starts here."""
    return (
        select(
            BlobRow.id,
            BlobRow.owner_id,
            BlobRow.name,
            BlobRow.media_type,
            BlobObject.size,
            BlobRow.sha256,
            BlobRow.created_at,
            BlobObject.generation,
        )
        .join(BlobObject, (BlobObject.owner_id == BlobRow.owner_id) & (BlobObject.sha256 == BlobRow.sha256))
        .where(BlobRow.owner_id == owner_id)
    )


async def find(unit: AsyncSession, owner_id: UserId, blob_id: BlobId) -> Blob | None:
    row = (await unit.execute(blobs_of(owner_id).where(BlobRow.id == blob_id))).one_or_none()
    if row is None:
        return None
    return Blob(
        id=BlobId(row.id),
        owner_id=UserId(row.owner_id),
        name=row.name,
        media_type=row.media_type,
        size=row.size,
        sha256=row.sha256,
        created_at=row.created_at,
        generation=row.generation,
    )


async def remove_blob(unit: AsyncSession, owner_id: UserId, blob_id: BlobId) -> bytes | None:
    """The hash of its content, or None when there was no such file."""
    removed = await unit.execute(
        delete(BlobRow)
        .where(BlobRow.owner_id == owner_id, BlobRow.id == blob_id)
        .returning(BlobRow.sha256)
        .execution_options(synchronize_session=False)
    )
    return removed.scalar_one_or_none()


async def remove_object_if_unused(unit: AsyncSession, owner_id: UserId, sha256: bytes) -> int:
    """How much room that gives back. Its key goes onto the list of garbage by itself.

    Locked first and looked at second: a file that is just being added to the content is waited for.
    """
    mine = (BlobObject.owner_id == owner_id) & (BlobObject.sha256 == sha256)
    await unit.execute(select(BlobObject.size).where(mine).with_for_update())
    still_used = select(BlobRow.id).where(BlobRow.owner_id == owner_id, BlobRow.sha256 == sha256).exists()
    removed = await unit.execute(
        delete(BlobObject)
        .where(mine, ~still_used)
        .returning(BlobObject.size)
        .execution_options(synchronize_session=False)
    )
    return removed.scalar_one_or_none() or 0


async def throw_away(unit: AsyncSession, owner_id: UserId, keys: Sequence[str]) -> None:
    if keys:
        await unit.execute(insert(BlobGarbage), [{"key": key, "owner_id": owner_id} for key in keys])


async def garbage(unit: AsyncSession, *, after: str, limit: int) -> Sequence[str]:
    wanted = select(BlobGarbage.key).where(BlobGarbage.key > after).order_by(BlobGarbage.key).limit(limit)
    return (await unit.scalars(wanted)).all()


async def forget_garbage(unit: AsyncSession, keys: Sequence[str]) -> None:
    await unit.execute(
        delete(BlobGarbage).where(BlobGarbage.key.in_(keys)).execution_options(synchronize_session=False)
    )


async def known_keys(unit: AsyncSession, keys: Sequence[Key]) -> set[str]:
    """Which of these keys a row needs: of an object, or of an upload under way."""
    columns = tuple_(BlobObject.owner_id, BlobObject.sha256, BlobObject.generation)
    wanted = [(key.owner_id, key.sha256, key.generation) for key in keys]
    rows = await unit.execute(
        select(BlobObject.owner_id, BlobObject.sha256, BlobObject.generation).where(columns.in_(wanted))
    )
    uploads = await unit.scalars(select(BlobUpload.key).where(BlobUpload.key.in_([str(key) for key in keys])))
    return {str(Key(*row)) for row in rows} | {key for key in uploads if key is not None}


async def objects_after(
    unit: AsyncSession, after: tuple[UUID, bytes] | None, *, limit: int
) -> Sequence[Row[UUID, bytes, UUID, int]]:
    wanted = select(BlobObject.owner_id, BlobObject.sha256, BlobObject.generation, BlobObject.size)
    if after is not None:
        wanted = wanted.where(tuple_(BlobObject.owner_id, BlobObject.sha256) > after)
    return (await unit.execute(wanted.order_by(BlobObject.owner_id, BlobObject.sha256).limit(limit))).all()


async def forget_owner(unit: AsyncSession, owner_id: UserId) -> None:
    """Everything of somebody who leaves; what is in the store goes with the next collection of garbage."""
    uploads = await unit.scalars(
        select(BlobUpload.key).where(BlobUpload.owner_id == owner_id, BlobUpload.key.is_not(None))
    )
    await throw_away(unit, owner_id, [key for key in uploads if key is not None])
    for table in (BlobUpload, BlobRow, BlobObject, BlobUsage):
        await unit.execute(delete(table).where(table.owner_id == owner_id).execution_options(synchronize_session=False))


def row_count(result: object) -> int:
    assert isinstance(result, CursorResult)  # noqa: S101 - what a DML statement gives
    return result.rowcount
