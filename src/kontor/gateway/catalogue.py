"""Which models there are: taken from the provider's own list, described by data, set right by administrators."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Select, delete, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from kontor.accounts import audit
from kontor.accounts.audit import Action
from kontor.core.clock import now
from kontor.core.errors import Kind, KontorError
from kontor.core.ids import UserId, new_id
from kontor.core.paging import Cursor
from kontor.core.tenancy import Actor
from kontor.core.trail import Subject
from kontor.core.versions import refuse_stale
from kontor.gateway import known
from kontor.gateway.facts import Facts, bundled, is_edition, joined, of_list
from kontor.gateway.known import PASSAGES
from kontor.gateway.schemas import ModelChange, ModelCreate
from kontor.gateway.tables import Model, Provider
from kontor.gateway.wire.port import Listed

MOST_MODELS = 5000
LONGEST_NAME = 200


class ModelGone(KontorError):
    """No such row, or none that whoever asks may touch."""

    kind, code = Kind.NOT_FOUND, "gateway.model_not_listed"

    def __init__(self) -> None:
        super().__init__("There is no such model here.")


class ModelExists(KontorError):
    kind, code = Kind.CONFLICT, "gateway.model_exists"

    def __init__(self, name: str) -> None:
        super().__init__(f"This provider has a model “{name}” already.", details={"model": name})


class ModelBuiltIn(KontorError):
    kind, code = Kind.CONFLICT, "gateway.model_built_in"

    def __init__(self) -> None:
        super().__init__("This model comes from the provider's own list or is part of Kontor. Switch it off instead.")


@dataclass(frozen=True, slots=True)
class Refreshed:
    added: int
    changed: int
    gone: int
    total: int


async def refresh(
    unit: AsyncSession, provider: Provider, listed: Sequence[Listed], *, enabled: frozenset[str] | None = None
) -> Refreshed:
    """Bring the models of a locked provider up to its list. What administrators edited is not touched.

    `enabled` names those to switch on among the new ones; without it all that are of use.
    """
    rows = (await unit.scalars(select(Model).where(Model.provider_id == provider.id))).all()
    present = {row.name: row for row in rows}
    names = {each.name for each in listed}
    added = changed = 0
    for each in listed[:MOST_MODELS]:
        if not 0 < len(each.name) <= LONGEST_NAME or not each.name.isprintable():
            continue
        facts = joined(bundled(provider.kind, each.name), of_list(each))
        row = present.pop(each.name, None)
        if row is None:
            is_wanted = is_useful(each.name, facts, names) if enabled is None else each.name in enabled
            unit.add(made(provider, each.name, facts, source="listed", is_enabled=is_wanted))
            added += 1
        elif row.gone_at is not None or row.facts != facts.known():
            row.facts, row.gone_at, row.updated_at = facts.known(), None, now()
            changed += 1
    gone = 0
    for row in present.values():
        if row.source == "listed" and row.gone_at is None:
            row.gone_at = now()
            gone += 1
    provider.refreshed_at = now()
    await unit.flush()
    if added or changed or gone:
        await known.tell(unit, None if provider.owner_id is None else UserId(provider.owner_id))
    return Refreshed(added, changed, gone, len(names))


def made(provider: Provider, name: str, facts: Facts, *, source: str, is_enabled: bool) -> Model:
    return Model(
        id=new_id(),
        provider_id=provider.id,
        owner_id=provider.owner_id,
        name=name,
        source=source,
        facts=facts.known(),
        edits={},
        is_enabled=is_enabled,
    )


def is_useful(name: str, facts: Facts, names: set[str]) -> bool:
    """Writes text or embeds, is not on its way out, and is not a dated copy of another one in the list."""
    if facts.deprecated_on is not None and facts.deprecated_on <= now().date():
        return False
    if is_edition(name) and any(other != name and name.startswith(other) for other in names):
        return False
    return facts.gives is None or bool(facts.gives & {"text", "vector"})


def selected(*, provider_id: UUID | None, search: str | None, is_enabled: bool | None) -> Select[Model, Provider]:
    query = select(Model, Provider).join(Provider, Provider.id == Model.provider_id).where(Model.owner_id.is_(None))
    if provider_id is not None:
        query = query.where(Model.provider_id == provider_id)
    if search:
        label = func.coalesce(Model.edits["label"].astext, Model.facts["label"].astext, "")
        query = query.where(or_(*(each.icontains(search, autoescape=True) for each in (Model.name, label))))
    if is_enabled is not None:
        query = query.where(Model.is_enabled == is_enabled)
    return query


async def list_page(
    unit: AsyncSession, query: Select[Model, Provider], *, limit: int, cursor: str | None
) -> tuple[Sequence[tuple[Model, Provider]], str | None]:
    """By name."""
    if (after := Cursor.decode(cursor, "str", "uuid")) is not None:
        name, model_id = after
        query = query.where(or_(Model.name > name, (Model.name == name) & (Model.id > model_id)))
    rows = await unit.execute(query.order_by(Model.name, Model.id).limit(limit + 1))
    found = [(model, provider) for model, provider in rows]
    last = found[limit - 1][0] if len(found) > limit else None
    return found[:limit], None if last is None else Cursor.encode([last.name, last.id])


async def lock(unit: AsyncSession, model_id: UUID) -> Model:
    """One of the house's: people's own are theirs."""
    row = await unit.scalar(select(Model).where(Model.id == model_id, Model.owner_id.is_(None)).with_for_update())
    if row is None:
        raise ModelGone
    return row


async def add(unit: AsyncSession, actor: Actor, provider: Provider, wish: ModelCreate, *, address: str | None) -> Model:
    """For servers that list nothing."""
    taken = select(Model.id).where(Model.provider_id == provider.id, Model.name == wish.name)
    if await unit.scalar(taken) is not None:
        raise ModelExists(wish.name)
    row = made(provider, wish.name, bundled(provider.kind, wish.name), source="manual", is_enabled=True)
    unit.add(row)
    await unit.flush()
    await note(unit, actor, row, {"added": True}, address=address)
    return row


async def change(
    unit: AsyncSession, actor: Actor, model_id: UUID, wanted: ModelChange, *, seen: int | None, address: str | None
) -> Model:
    """A field that is sent as null is as the provider and the data have it again."""
    row = await lock(unit, model_id)
    refuse_stale(row.version, seen)
    sent = wanted.model_dump(mode="json", exclude_unset=True)
    changes: dict[str, Any] = {}
    if (is_enabled := sent.pop("is_enabled", None)) is not None and is_enabled != row.is_enabled:
        changes["is_enabled"] = row.is_enabled = is_enabled
    if (roles := sent.pop("enabled_roles", None)) is not None and sorted(roles) != sorted(row.enabled_roles):
        changes["enabled_roles"] = row.enabled_roles = sorted(roles)
    edits = {name: value for name, value in {**row.edits, **sent}.items() if value is not None}
    if edits != row.edits:
        changes |= {name: sent[name] for name in sent if sent[name] != row.edits.get(name)}
        row.edits = edits
    if not changes:
        return row
    row.version += 1
    row.updated_at = now()
    await unit.flush()
    # What somebody wrote stays out of the record; that they wrote it does not.
    told = {name: value for name, value in changes.items() if name not in {"label", "description"}}
    await note(unit, actor, row, {"fields": sorted(changes), **told}, address=address)
    return row


async def remove(unit: AsyncSession, actor: Actor, model_id: UUID, *, address: str | None) -> None:
    row = await lock(unit, model_id)
    provider = await unit.get_one(Provider, row.provider_id)
    if provider.protocol == PASSAGES or (row.source == "listed" and row.gone_at is None):
        raise ModelBuiltIn
    await note(unit, actor, row, {"removed": True}, address=address)
    await unit.execute(delete(Model).where(Model.id == row.id))


async def note(
    unit: AsyncSession, actor: Actor, row: Model, details: Mapping[str, Any], *, address: str | None
) -> None:
    subject = Subject("model", str(row.id), row.name)
    await audit.write(unit, action=Action.MODEL_CHANGED, actor=actor, subject=subject, details=details, address=address)
    await known.tell(unit, None)
