"""A new master key takes over: every data key is wrapped anew. What the data keys sealed stays as it is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

import structlog
from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from kontor.core.clock import now
from kontor.core.database import Database
from kontor.core.secrets import Secrets
from kontor.core.vault import sealing
from kontor.core.vault.errors import SealBroken
from kontor.core.vault.service import unwrap_row
from kontor.core.vault.tables import VaultKey

log = structlog.get_logger(__name__)

BATCH = 200


@dataclass(frozen=True, slots=True)
class RotationReport:
    """`left` counts the data keys that are still under a former master key, by that key. At 0 it may be thrown away."""

    rewrapped: int
    total: int
    left: dict[str, int] = field(default_factory=dict)
    missing_masters: tuple[str, ...] = ()  # named by rows, and not among the keys that we were given
    broken: tuple[UUID, ...] = ()  # data keys that were tampered with, or moved to another owner

    @property
    def left_count(self) -> int:
        return sum(self.left.values())

    @property
    def is_complete(self) -> bool:
        return self.left_count == 0


async def rotate(
    database: Database,
    secrets: Secrets,
    *,
    batch: int = BATCH,
    on_progress: Callable[[int, int], None] = lambda done, of: None,
) -> RotationReport:
    """Rewrap, a batch per transaction. Cut off anywhere, it goes on where it was: the rows say what is left.

    Two at once share the work. Before it, the new key is the present one and the former ones are known
    (`secrets.replace_key_file`, or KONTOR_MASTER_KEY_OLD).
    """
    outstanding = (await count(database, secrets)).left_count
    rewrapped = 0
    broken: list[UUID] = []
    after: UUID | None = None
    while True:
        async with database.system("vault") as unit:
            rows = await claim(unit, secrets, after=after, batch=batch)
            for row in rows:
                try:
                    await rewrap(unit, row, secrets)
                    rewrapped += 1
                except SealBroken:
                    broken.append(row.id)
        if not rows:
            break
        after = rows[-1].id
        on_progress(rewrapped, outstanding)
    report = await count(database, secrets)
    log.info("vault.rotated", rewrapped=rewrapped, left=report.left_count, broken=len(broken))
    return RotationReport(rewrapped, report.total, report.left, report.missing_masters, tuple(broken))


async def count(database: Database, secrets: Secrets) -> RotationReport:
    """How far a rotation is, without doing anything."""
    async with database.system("vault") as unit:
        rows = await unit.execute(select(VaultKey.master_id, func.count()).group_by(VaultKey.master_id))
        by_master = {master_id: number for master_id, number in rows}  # noqa: C416 - rows are tuples only by chance
    left = {master_id: number for master_id, number in by_master.items() if master_id != secrets.current.id}
    missing = tuple(sorted(master_id for master_id in left if secrets.find(master_id) is None))
    return RotationReport(0, sum(by_master.values()), left, missing)


async def claim(unit: AsyncSession, secrets: Secrets, *, after: UUID | None, batch: int) -> Sequence[VaultKey]:
    wanted = select(VaultKey).where(VaultKey.master_id.in_([key.id for key in secrets.old]))
    if after is not None:
        wanted = wanted.where(VaultKey.id > after)
    locked = wanted.order_by(VaultKey.id).limit(batch).with_for_update(skip_locked=True)
    return (await unit.scalars(locked)).all()


async def rewrap(unit: AsyncSession, row: VaultKey, secrets: Secrets) -> None:
    key = unwrap_row(row.id, row.owner_id, row.master_id, row.wrapped, secrets)
    wrapped = sealing.wrap(key, secrets.current)
    await unit.execute(
        update(VaultKey)
        .where(VaultKey.id == row.id)
        .values(wrapped=wrapped, master_id=secrets.current.id, rewrapped_at=now())
        .execution_options(synchronize_session=False)
    )
