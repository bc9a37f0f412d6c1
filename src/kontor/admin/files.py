"""A person's files, as an administrator with full access finds them."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from kontor.accounts import repository
from kontor.accounts.errors import PersonNotFound
from kontor.admin.schemas import FileRead
from kontor.core.http.paging import Cursor, Page
from kontor.core.ids import UserId

LIST = text("""
    SELECT b.id, b.name, b.media_type, o.size, b.created_at
    FROM blob b JOIN blob_object o ON o.owner_id = b.owner_id AND o.sha256 = b.sha256
    WHERE b.owner_id = :owner
      AND (CAST(:at AS timestamptz) IS NULL OR (b.created_at, b.id) < (CAST(:at AS timestamptz), CAST(:id AS uuid)))
    ORDER BY b.created_at DESC, b.id DESC LIMIT :limit
""")


async def list_page(unit: AsyncSession, owner_id: UserId, *, limit: int, cursor: str | None) -> Page[FileRead]:
    """Newest first."""
    if await repository.find(unit, owner_id) is None:
        raise PersonNotFound
    at, last_id = Cursor.decode(cursor, "datetime", "uuid") or (None, None)
    values = {"owner": owner_id, "at": at, "id": last_id, "limit": limit + 1}
    found = (await unit.execute(LIST, values)).all()
    items = [FileRead.model_validate(row, from_attributes=True) for row in found[:limit]]
    more = Cursor.encode((items[-1].created_at, items[-1].id)) if len(found) > limit else None
    return Page(items=items, next_cursor=more)
