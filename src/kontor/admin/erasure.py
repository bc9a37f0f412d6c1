"""What belongs to a person and hangs on them by no foreign key, because the core knows no people.

Needs a system unit. A test asks the catalogue whether every table with an owner is either here, or goes with the
person, or is kept on purpose.
"""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from kontor.billing import service as billing
from kontor.core.blobs import repository as blobs
from kontor.core.ids import UserId
from kontor.projects import trash as projects

OWNED = ("idempotency_key", "mail")
FILES = ("blob", "blob_object", "blob_upload", "blob_usage")

# What `people.delete` sees to itself: jobs, what was told, and the key without which nothing sealed can be opened.
ELSEWHERE = ("job", "job_pause", "event", "event_horizon", "vault_key")

# The record and the books stay, and `blob_garbage` is the list by which the files are removed from the store.
KEPT = frozenset({"audit_line", "blob_garbage", "credit_hold", "ledger_entry", "ledger_posting", "usage_line"})


async def erase(unit: AsyncSession, user_id: UserId) -> None:
    for table in OWNED:
        await unit.execute(text(f"DELETE FROM {table} WHERE owner_id = :owner"), {"owner": user_id})  # noqa: S608
    # What stands in projects names its files.
    await projects.forget_owner(unit, user_id)
    await blobs.forget_owner(unit, user_id)
    await billing.close(unit, user_id)
