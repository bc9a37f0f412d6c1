"""Models and providers as a process knows them, without a database."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from kontor.core.clock import now
from kontor.core.ids import UserId, new_id
from kontor.core.tenancy import Role
from kontor.gateway.facts import Facts, friendly
from kontor.gateway.known import (
    PASSAGES,
    Health,
    House,
    KnownKey,
    KnownModel,
    KnownProvider,
    Own,
    Part,
    Price,
    View,
    names_of,
    quirks_of,
)
from kontor.gateway.llm_config import LlmConfigRead
from kontor.gateway.wire.quirks import KINDS

ANNA = UserId(new_id())


def provider(kind: str = "openai", **more: Any) -> KnownProvider:
    row = KINDS.get(kind)
    made = KnownProvider(
        id=new_id(),
        owner_id=None,
        kind=kind,
        label=row.label if row else kind,
        protocol=row.protocol if row else PASSAGES,
        base_url="https://api.example.org/v1",
        origin="https://api.example.org",
        quirks=quirks_of(kind, {}),
        timeouts={},
        concurrency=16,
        is_enabled=True,
        is_local=row.is_local if row else True,
        health=Health.OK,
        error_code=None,
        latency_ms=100,
        version=1,
        created_at=now(),
        refreshed_at=None,
    )
    return replace(made, **more)


def model(at: KnownProvider, name: str, **more: Any) -> KnownModel:
    known = {field: more.pop(field) for field in list(more) if field in Facts.model_fields}
    made = KnownModel(
        id=new_id(),
        provider=at,
        owner_id=at.owner_id,
        name=name,
        label=known.get("label") or friendly(name),
        facts=Facts.model_validate(known),
        is_enabled=True,
        enabled_roles=frozenset({"user", "manager", "admin"}),
        is_gone=False,
    )
    return replace(made, **more)


def key(at: KnownProvider, owner_id: UserId | None = None, state: str = "ok") -> KnownKey:
    return KnownKey(new_id(), owner_id, at.id, at.origin, "sk-0123456789", "6789", state)


def part(providers: Sequence[KnownProvider], models: Sequence[KnownModel], keys: Sequence[KnownKey] = ()) -> Part:
    by_id = {each.id: each for each in providers}
    known = {each.id: each for each in models}
    held: dict[UUID, tuple[KnownKey, ...]] = {}
    for each in keys:
        held[each.provider_id] = (*held.get(each.provider_id, ()), each)
    return Part(by_id, known, held, names_of(known))


def own(those: Part, preferred: str | None = None) -> Own:
    return Own(those.providers, those.models, those.keys, those.names, preferred)


def view(
    ours: Part,
    mine: Part | None = None,
    *,
    config: LlmConfigRead | None = None,
    prices: Mapping[UUID, Price] | None = None,
    is_billed: bool = False,
    role: Role = Role.USER,
) -> View:
    house = House(
        ours.providers,
        ours.models,
        ours.keys,
        ours.names,
        config or LlmConfigRead(version=1),
        prices or {},
        is_billed,
    )
    return View(house, own(mine or Part()), role)
