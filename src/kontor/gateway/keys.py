"""Keys to providers: the house's, and each person's own. They go in and are never shown again.

Each is sealed for its row, its provider and its address. Before it is kept it is tried, by the cheapest thing that a
provider can be asked: its list of models.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from kontor.accounts import audit
from kontor.accounts.audit import Action
from kontor.core.clock import now
from kontor.core.errors import Kind, KontorError
from kontor.core.ids import UserId, new_id
from kontor.core.tenancy import Actor
from kontor.core.trail import Subject
from kontor.core.vault.service import Vault
from kontor.gateway import known
from kontor.gateway.tables import HOUSE, Provider, ProviderKey

MOST_KEYS = 10  # of one holder for one provider

STATES = ("ok", "untested", "refused")


class KeyNotFound(KontorError):
    kind, code = Kind.NOT_FOUND, "gateway.key_not_found"

    def __init__(self) -> None:
        super().__init__("There is no such key here.")


class OwnKeysNotAllowed(KontorError):
    kind, code = Kind.FORBIDDEN, "gateway.own_keys_not_allowed"

    def __init__(self) -> None:
        super().__init__("Keys of one's own are not allowed here. Ask the administrator.")


class OwnAddressesNotAllowed(KontorError):
    kind, code = Kind.FORBIDDEN, "gateway.own_addresses_not_allowed"

    def __init__(self) -> None:
        super().__init__("Addresses of one's own are not allowed here. Ask the administrator.")


class TooManyKeys(KontorError):
    kind, code = Kind.CONFLICT, "gateway.too_many_keys"

    def __init__(self) -> None:
        super().__init__(f"There are {MOST_KEYS} keys for this provider already. Remove one first.")


@dataclass(frozen=True, slots=True)
class NewKey:
    """`is_tested`: the provider took it."""

    secret: str
    is_tested: bool


async def add(
    unit: AsyncSession,
    vault: Vault,
    actor: Actor,
    provider: Provider,
    new: NewKey,
    *,
    owner_id: UserId | None,
    address: str | None,
) -> ProviderKey:
    """Under the identity of its holder: the person's own, or an administrator's for the house.

    A key of the house for a provider of a person is refused here, by the row's check and by its foreign key.
    """
    if provider.owner_id is not None and provider.owner_id != owner_id:
        raise known.KeyElsewhere(HOUSE, provider.id)
    mine = ProviderKey.owner_id.is_(None) if owner_id is None else ProviderKey.owner_id == owner_id
    count = select(func.count()).select_from(ProviderKey).where(ProviderKey.provider_id == provider.id, mine)
    if (await unit.scalar(count) or 0) >= MOST_KEYS:
        raise TooManyKeys
    row = ProviderKey(
        id=new_id(),
        owner_id=owner_id,
        provider_id=provider.id,
        provider_holder=provider.owner_id or HOUSE,
        origin=provider.origin,
        ending=new.secret[-4:],
        state="ok" if new.is_tested else "untested",
        tested_at=now() if new.is_tested else None,
    )
    row.sealed = await vault.seal(unit, known.place_of(row), new.secret)
    unit.add(row)
    await unit.flush()
    await note(unit, Action.MODEL_KEY_ADDED, actor, row, {"provider": provider.label}, address=address)
    return row


async def list_house(unit: AsyncSession) -> Mapping[UUID, Sequence[ProviderKey]]:
    """By provider."""
    rows = await unit.scalars(
        select(ProviderKey).where(ProviderKey.owner_id.is_(None)).order_by(ProviderKey.created_at.desc())
    )
    found: dict[UUID, list[ProviderKey]] = {}
    for row in rows:
        found.setdefault(row.provider_id, []).append(row)
    return found


async def list_mine(unit: AsyncSession, actor: Actor) -> Sequence[tuple[ProviderKey, Provider]]:
    query = (
        select(ProviderKey, Provider)
        .join(Provider, Provider.id == ProviderKey.provider_id)
        .where(ProviderKey.owner_id == actor.user_id)
        .order_by(ProviderKey.created_at.desc(), ProviderKey.id)
    )
    return [(key, provider) for key, provider in await unit.execute(query)]


async def find(unit: AsyncSession, key_id: UUID, *, owner_id: UserId | None) -> tuple[ProviderKey, Provider]:
    mine = ProviderKey.owner_id.is_(None) if owner_id is None else ProviderKey.owner_id == owner_id
    query = select(ProviderKey, Provider).join(Provider, Provider.id == ProviderKey.provider_id)
    row = (await unit.execute(query.where(ProviderKey.id == key_id, mine))).one_or_none()
    if row is None:
        raise KeyNotFound
    return row[0], row[1]


async def remove(
    unit: AsyncSession, actor: Actor, key_id: UUID, *, owner_id: UserId | None, address: str | None
) -> None:
    """A provider that was only there for one's own keys goes with the last of them."""
    key, provider = await find(unit, key_id, owner_id=owner_id)
    await note(unit, Action.MODEL_KEY_REMOVED, actor, key, {"provider": provider.label}, address=address)
    await unit.execute(delete(ProviderKey).where(ProviderKey.id == key.id))
    if provider.owner_id is not None:
        left = select(func.count()).select_from(ProviderKey).where(ProviderKey.provider_id == provider.id)
        if not await unit.scalar(left):
            await unit.execute(delete(Provider).where(Provider.id == provider.id))


async def set_state(unit: AsyncSession, key: ProviderKey, state: str) -> None:
    """After a test."""
    changed = key.state != state
    key.state = state
    key.tested_at = now()
    await unit.flush()
    if changed:
        await known.tell(unit, None if key.owner_id is None else UserId(key.owner_id))


async def note(
    unit: AsyncSession,
    action: Action,
    actor: Actor,
    row: ProviderKey,
    details: Mapping[str, Any],
    *,
    address: str | None,
) -> None:
    owner_id = None if row.owner_id is None else UserId(row.owner_id)
    await audit.write(
        unit,
        action=action,
        actor=actor,
        owner_id=owner_id,
        subject=Subject("model_key", str(row.id), f"…{row.ending}"),
        details=details,
        address=address,
    )
    await known.tell(unit, owner_id)
