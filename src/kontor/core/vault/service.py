"""Secrets of people and of the installation, sealed in their rows.

Each owner has a data key, wrapped by the master key. Data keys are read in the caller's own transaction, under the
caller's identity: a transaction of somebody else finds no key, whatever ciphertext it got hold of. They are not kept in
memory; unwrapping one costs microseconds.
"""

from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from kontor.core.database import Database
from kontor.core.ids import UserId, new_id
from kontor.core.secrets import MasterKey, Secrets
from kontor.core.vault import sealing
from kontor.core.vault.errors import CanaryMissing, MasterKeyMissing, SealBroken
from kontor.core.vault.sealing import DataKey, Place, Sealed
from kontor.core.vault.tables import VaultCanary, VaultKey

CANARY_PLACE = Place("vault_canary", "sealed", "1", None)
CANARY = b"this key opens this house"


class Vault:
    """Made once at start from the master keys; holds nothing else."""

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets

    async def seal(self, unit: AsyncSession, place: Place, plain: bytes | str) -> Sealed:
        """Under the identity of the place's owner, the system's, or an administrator's for the installation."""
        key = await self._key_of_owner(unit, place.owner_id)
        return sealing.seal(plain.encode() if isinstance(plain, str) else plain, place, key)

    async def open(self, unit: AsyncSession, place: Place, sealed: bytes) -> bytes:
        row = await unit.scalar(select(VaultKey).where(VaultKey.id == sealing.key_id_of(sealed)))
        # A key that is not there and a key that is not ours read the same.
        if row is None or row.owner_id != place.owner_id:
            raise SealBroken
        return sealing.unseal(sealed, place, self._unwrap(row))

    async def open_text(self, unit: AsyncSession, place: Place, sealed: bytes) -> str:
        return (await self.open(unit, place, sealed)).decode()

    async def forget(self, unit: AsyncSession, owner_id: UserId) -> None:
        """Throw an owner's data key away: whatever was sealed with it, here or in a backup's rows, stays shut."""
        await unit.execute(delete(VaultKey).where(VaultKey.owner_id == owner_id))

    async def _key_of_owner(self, unit: AsyncSession, owner_id: UserId | None) -> DataKey:
        wanted = select(VaultKey).where(VaultKey.owner_id == owner_id if owner_id else VaultKey.owner_id.is_(None))
        row = await unit.scalar(wanted)
        if row is not None:
            return self._unwrap(row)
        made = sealing.new_data_key(new_id(), owner_id)
        wrapped = sealing.wrap(made, self._secrets.current)
        values = {"id": made.id, "owner_id": owner_id, "master_id": self._secrets.current.id, "wrapped": wrapped}
        await unit.execute(insert(VaultKey).values(values).on_conflict_do_nothing(index_elements=["owner_id"]))
        # Somebody may have been faster; what the row says is the key.
        row = await unit.scalar(wanted)
        if row is None:
            raise SealBroken
        return self._unwrap(row)

    def _unwrap(self, row: VaultKey) -> DataKey:
        return unwrap_row(row.id, row.owner_id, row.master_id, row.wrapped, self._secrets)


def unwrap_row(key_id: UUID, owner_id: UUID | None, master_id: str, wrapped: bytes, secrets: Secrets) -> DataKey:
    master: MasterKey | None = secrets.find(master_id)
    if master is None:
        raise MasterKeyMissing(master_id, present=secrets.current.id, source=secrets.source)
    return sealing.unwrap(key_id, None if owner_id is None else UserId(owner_id), wrapped, master)


async def plant_canary(database: Database, secrets: Secrets) -> None:
    """At every start: the first one seals a known value, every later one must be able to open it."""
    async with database.system("vault") as unit:
        if await unit.scalar(select(VaultCanary.id)) is None:
            sealed = await Vault(secrets).seal(unit, CANARY_PLACE, CANARY)
            await unit.execute(insert(VaultCanary).values(sealed=sealed).on_conflict_do_nothing())
    await check_canary(database, secrets)


async def check_canary(database: Database, secrets: Secrets) -> None:
    """Whether the master key is the one that this database was sealed under. Raises, in words for the operator."""
    async with database.system("vault") as unit:
        sealed = await unit.scalar(select(VaultCanary.sealed))
        if sealed is None:
            raise CanaryMissing
        if await Vault(secrets).open(unit, CANARY_PLACE, sealed) != CANARY:
            raise SealBroken
