"""Providers: those of the house, kept by administrators, and those that people name for themselves."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from kontor.accounts import audit
from kontor.accounts.audit import Action
from kontor.core.clock import now
from kontor.core.database import elevated
from kontor.core.errors import FieldProblem, Kind, KontorError
from kontor.core.ids import UserId, new_id
from kontor.core.tenancy import Actor
from kontor.core.trail import Subject
from kontor.core.versions import refuse_stale
from kontor.gateway import addresses, known
from kontor.gateway.addresses import Address
from kontor.gateway.known import PASSAGES
from kontor.gateway.schemas import ProviderChange, ProviderCreate
from kontor.gateway.tables import Model, Provider, ProviderKey
from kontor.gateway.wire.quirks import KINDS, ProviderKind

MOST_PROVIDERS = 100
MOST_OWN = 20


class ProviderNotFound(KontorError):
    kind, code = Kind.NOT_FOUND, "gateway.provider_not_found"

    def __init__(self) -> None:
        super().__init__("There is no such provider here.")


class ProviderBuiltIn(KontorError):
    kind, code = Kind.CONFLICT, "gateway.provider_built_in"

    def __init__(self) -> None:
        super().__init__("This provider is part of Kontor. It can be named and switched off, and nothing else.")


class TooManyProviders(KontorError):
    kind, code = Kind.CONFLICT, "gateway.too_many_providers"

    def __init__(self, most: int) -> None:
        super().__init__(f"There are {most} providers already, which is the most there can be.")


async def find(unit: AsyncSession, provider_id: UUID, *, for_update: bool = False) -> Provider:
    """One of the house's."""
    query = select(Provider).where(Provider.id == provider_id, Provider.owner_id.is_(None))
    found = await unit.scalar(query.with_for_update() if for_update else query)
    if found is None:
        raise ProviderNotFound
    return found


async def list_all(unit: AsyncSession) -> Sequence[Provider]:
    """Of the house, the oldest first."""
    query = select(Provider).where(Provider.owner_id.is_(None)).order_by(Provider.created_at, Provider.id)
    return (await unit.scalars(query)).all()


async def list_down(unit: AsyncSession) -> Sequence[Provider]:
    """Those in use that are out of order, in the same order."""
    return [row for row in await list_all(unit) if row.is_enabled and known.health_of(row) is known.Health.DOWN]


def made(wish: ProviderCreate) -> Provider:
    """A row for the house, not yet added: it is asked for its models first."""
    kind = KINDS[wish.kind]
    place = addresses.parse(address_of(kind, wish.base_url))
    is_local = kind.is_local and place.is_in_house if wish.is_local is None else wish.is_local
    return Provider(
        id=new_id(),
        owner_id=None,
        kind=kind.kind,
        label=wish.label or kind.label,
        protocol=protocol_of(kind, wish.protocol),
        base_url=place.base_url,
        origin=place.origin,
        quirks=wish.quirks,
        timeouts=wish.timeouts.model_dump(exclude_none=True),
        concurrency=wish.concurrency,
        is_enabled=True,
        is_local=is_local,
        version=1,
        created_at=now(),
    )


async def add(unit: AsyncSession, actor: Actor, row: Provider, *, address: str | None) -> None:
    await refuse_too_many(unit, None)
    unit.add(row)
    await unit.flush()
    details = {"kind": row.kind, "origin": row.origin, "is_local": row.is_local}
    await note(unit, Action.MODEL_PROVIDER_ADDED, actor, row, details, address=address)


def made_own(actor: Actor, kind: ProviderKind, place: Address, *, label: str | None) -> Provider:
    """A row for a person, not yet added. Whoever calls has checked the address (`addresses.parse_public`)."""
    return Provider(
        id=new_id(),
        owner_id=actor.user_id,
        kind=kind.kind,
        label=label or kind.label,
        protocol=kind.protocol,
        base_url=place.base_url,
        origin=place.origin,
        quirks={},
        timeouts={},
        concurrency=16,
        is_enabled=True,
        # What is sent to a stranger's address leaves the house, whatever kind of server stands there.
        is_local=False,
        version=1,
        created_at=now(),
    )


async def add_own(unit: AsyncSession, actor: Actor, row: Provider) -> None:
    """In the person's own unit."""
    await refuse_too_many(unit, actor.user_id)
    unit.add(row)
    await unit.flush()


async def refuse_too_many(unit: AsyncSession, owner_id: UserId | None) -> None:
    most = MOST_PROVIDERS if owner_id is None else MOST_OWN
    mine = Provider.owner_id.is_(None) if owner_id is None else Provider.owner_id == owner_id
    if (await unit.scalar(select(func.count()).select_from(Provider).where(mine)) or 0) >= most:
        raise TooManyProviders(most)


def address_of(kind: ProviderKind, given: str | None) -> str:
    if given is not None:
        return given
    if kind.base_url is None:
        raise FieldProblem("base_url", f"{kind.label} has no usual address. Give the one of yours.", reason="missing")
    return kind.base_url


def protocol_of(kind: ProviderKind, given: str | None) -> str:
    if given is None:
        return kind.protocol
    if given not in {kind.protocol, *kind.protocols}:
        spoken = ", ".join((kind.protocol, *kind.protocols))
        raise FieldProblem("protocol", f"{kind.label} speaks: {spoken}.", reason="protocol")
    return given


async def change(
    unit: AsyncSession,
    actor: Actor,
    provider_id: UUID,
    wanted: ProviderChange,
    *,
    seen: int | None,
    address: str | None,
) -> Provider:
    """A key is bound to the address it was entered for: with another one, keys are removed and entered anew."""
    row = await find(unit, provider_id, for_update=True)
    refuse_stale(row.version, seen)
    sent = {name: value for name, value in wanted.model_dump(exclude_unset=True).items() if value is not None}
    if row.protocol == PASSAGES and set(sent) - {"label", "is_enabled"}:
        raise ProviderBuiltIn
    if (protocol := sent.get("protocol")) is not None:
        protocol_of(KINDS[row.kind], protocol)
    if (timeouts := sent.get("timeouts")) is not None:
        sent["timeouts"] = {name: seconds for name, seconds in timeouts.items() if seconds is not None}
    keys_removed = 0
    if (base_url := sent.pop("base_url", None)) is not None:
        place = addresses.parse(base_url)
        if place.origin != row.origin:
            keys_removed = await forget_keys(unit, row)
            sent["origin"] = place.origin
        sent["base_url"] = place.base_url
    changes = {name: value for name, value in sent.items() if value != getattr(row, name)}
    if not changes:
        return row
    for name, value in changes.items():
        setattr(row, name, value)
    row.version += 1
    row.updated_at = now()
    await unit.flush()
    told: dict[str, Any] = {"fields": sorted(changes)}
    told |= {name: changes[name] for name in ("is_enabled", "is_local", "origin", "concurrency") if name in changes}
    if keys_removed:
        told["keys_removed"] = keys_removed
    await note(unit, Action.MODEL_PROVIDER_CHANGED, actor, row, told, address=address)
    return row


async def forget_keys(unit: AsyncSession, row: Provider) -> int:
    """Also those of people, which nobody but they and the system may touch: in a unit of the system."""
    async with elevated(unit, "vault"):
        gone = await unit.execute(
            delete(ProviderKey).where(ProviderKey.provider_id == row.id).returning(ProviderKey.owner_id)
        )
        owners = [owner_id for (owner_id,) in gone]
    for owner_id in {owner_id for owner_id in owners if owner_id is not None}:
        await known.tell(unit, UserId(owner_id))
    return len(owners)


async def remove(unit: AsyncSession, actor: Actor, provider_id: UUID, *, address: str | None) -> None:
    row = await find(unit, provider_id, for_update=True)
    if row.protocol == PASSAGES:
        raise ProviderBuiltIn
    await forget_keys(unit, row)
    await note(unit, Action.MODEL_PROVIDER_REMOVED, actor, row, {"kind": row.kind}, address=address)
    await unit.execute(delete(Provider).where(Provider.id == row.id))


async def counts(unit: AsyncSession) -> Mapping[UUID, tuple[int, int]]:
    """Models, and enabled ones, by provider of the house."""
    query = (
        select(Model.provider_id, func.count(), func.count().filter(Model.is_enabled))
        .where(Model.owner_id.is_(None), Model.gone_at.is_(None))
        .group_by(Model.provider_id)
    )
    return {row[0]: (row[1], row[2]) for row in await unit.execute(query)}


async def note(
    unit: AsyncSession,
    action: Action,
    actor: Actor,
    row: Provider,
    details: Mapping[str, Any],
    *,
    address: str | None,
) -> None:
    subject = Subject("model_provider", str(row.id), row.label)
    await audit.write(unit, action=action, actor=actor, subject=subject, details=details, address=address)
    await known.tell(unit, None)
