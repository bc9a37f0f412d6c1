"""What belongs to a person and hangs on them by no foreign key, because the core knows no people.

Needs a system unit. A test asks the catalogue whether every table with an owner is either here, or goes with the
person, or is kept on purpose.
"""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from kontor.core.ids import UserId

# In the order of their references, so that what is pointed at goes last.
OWNED = (
    "idempotency_key",
    "job_pause",
    "job",
    "event",
    "mail",
    "blob",
    "blob_object",
    "blob_upload",
    "blob_usage",
    "vault_key",
)

# The record stays, and `blob_garbage` is the list by which the files themselves are removed from the store.
KEPT = frozenset({"audit_line", "blob_garbage"})


async def erase(unit: AsyncSession, user_id: UserId) -> None:
    """Without the person's data key, what was sealed for them cannot be opened again, not from a backup either."""
    for table in OWNED:
        await unit.execute(text(f"DELETE FROM {table} WHERE owner_id = :owner"), {"owner": user_id})  # noqa: S608
