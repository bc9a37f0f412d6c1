"""A person's files, as an administrator with full access finds them."""

from sqlalchemy import literal, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from kontor.accounts import repository
from kontor.accounts.errors import PersonNotFound
from kontor.admin.schemas import FileRead
from kontor.core.blobs.repository import blobs_of
from kontor.core.blobs.tables import BlobRow
from kontor.core.ids import UserId
from kontor.core.paging import Cursor, Page


async def list_page(unit: AsyncSession, owner_id: UserId, *, limit: int, cursor: str | None) -> Page[FileRead]:
    """Newest first."""
    if await repository.find(unit, owner_id) is None:
        raise PersonNotFound
    query = blobs_of(owner_id)
    position = (BlobRow.created_at, BlobRow.id)
    if (after := Cursor.decode(cursor, "datetime", "uuid")) is not None:
        query = query.where(tuple_(*position) < tuple_(*map(literal, after)))
    found = (await unit.execute(query.order_by(*(column.desc() for column in position)).limit(limit + 1))).all()
    items = [FileRead.model_validate(row, from_attributes=True) for row in found[:limit]]
    more = Cursor.encode((items[-1].created_at, items[-1].id)) if len(found) > limit else None
    return Page(items=items, next_cursor=more)
