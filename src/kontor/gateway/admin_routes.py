"""How administrators keep providers, their keys, the models, and how models are chosen."""

from collections.abc import Mapping, Sequence
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response
from sqlalchemy.ext.asyncio import AsyncSession

from kontor.accounts import audit, proof
from kontor.accounts.audit import Action
from kontor.accounts.current_caller import CurrentCaller
from kontor.accounts.errors import ProofNeeded, SessionRequired
from kontor.accounts.guards import Proved
from kontor.core.errors import FieldProblem
from kontor.core.http.actors import AdminReader, AdminWriter, Core, RoleRequired, ScopeRequired, Unauthenticated
from kontor.core.http.idempotency import KontorRoute
from kontor.core.http.paging import PageCursor, PageLimit
from kontor.core.http.problems import problems
from kontor.core.http.units import AdminUnit
from kontor.core.http.versions import SeenVersion, StaleVersion, etag
from kontor.core.paging import BadCursor, Page
from kontor.core.tenancy import Actor
from kontor.core.text import Line
from kontor.gateway import catalogue, health, keys, known, llm_config, providers, service
from kontor.gateway.catalogue import ModelBuiltIn, ModelExists, ModelGone
from kontor.gateway.current import CurrentGateway
from kontor.gateway.errors import KeyRefused, ProviderUnreachable
from kontor.gateway.keys import KeyNotFound, TooManyKeys
from kontor.gateway.known import House, View
from kontor.gateway.llm_config import BUILT_IN, LlmConfig, LlmConfigRead
from kontor.gateway.providers import ProviderBuiltIn, ProviderNotFound, TooManyProviders
from kontor.gateway.routes_models import as_check
from kontor.gateway.schemas import (
    HealthSummary,
    KeyBody,
    KeyCheckRead,
    KeyRead,
    KindRead,
    ModelAdminRead,
    ModelChange,
    ModelCreate,
    ProviderChange,
    ProviderCreate,
    ProviderHealth,
    ProviderRead,
    ProviderRef,
    ProvidersDown,
    ProvidersRead,
    RefreshRead,
)
from kontor.gateway.tables import Model, Provider
from kontor.gateway.wire.quirks import KINDS

router = APIRouter(
    prefix="/admin",
    tags=["models"],
    route_class=KontorRoute,
    responses=problems(Unauthenticated, RoleRequired, ScopeRequired),
)


@router.get("/llm-config")
async def read_llm_config(_actor: AdminReader, unit: AdminUnit, response: Response) -> LlmConfigRead:
    found = await llm_config.read(unit)
    response.headers["ETag"] = etag(found.version)
    return found


@router.put("/llm-config", responses=problems(StaleVersion, FieldProblem))
async def change_llm_config(
    body: LlmConfig,
    actor: AdminWriter,
    unit: AdminUnit,
    gateway: CurrentGateway,
    *,
    seen: SeenVersion,
    caller: CurrentCaller,
    response: Response,
) -> LlmConfigRead:
    """All of it at once. Every model that is named must be there."""
    refuse_unknown_names(await gateway.knowledge.house(), actor, body)
    before, after = await llm_config.write(unit, body, seen=seen)
    changed = [name for name in LlmConfig.model_fields if getattr(before, name) != getattr(after, name)]
    if changed:
        await audit.write(
            unit,
            action=Action.MODELS_CONFIGURED,
            actor=actor,
            details={"fields": changed},
            address=caller.address,
        )
        await known.tell(unit, None)
    response.headers["ETag"] = etag(after.version)
    return after


def refuse_unknown_names(house: House, actor: Actor, wanted: LlmConfig) -> None:
    """A name is a model of the house, also one that is switched off just now; the default may be an alias or a rule."""
    view = View(house, known.Own(), actor.role)
    names = {*BUILT_IN, *wanted.names()}

    def check(field: str, ref: str | None, *, also: set[str]) -> None:
        if ref is not None and ref not in also and ref.lower() not in view.house.names:
            raise FieldProblem(field, f"There is no model “{ref}”.", reason="unknown")

    check("default_model", wanted.default_model, also=names)
    check("embedding_model", wanted.embedding_model, also=set())
    for place, alias in enumerate(wanted.aliases):
        check(f"aliases.{place}.model", alias.model, also=set())
        for at, ref in enumerate(alias.fallbacks):
            check(f"aliases.{place}.fallbacks.{at}", ref, also=set())
    for place, rule in enumerate(wanted.rules):
        for at, ref in enumerate(rule.models):
            check(f"rules.{place}.models.{at}", ref, also=set())


@router.get("/providers")
async def list_providers(_actor: AdminReader, unit: AdminUnit) -> ProvidersRead:
    """In the order in which they were added, each with its last 24 hours."""
    rows = await providers.list_all(unit)
    told = await health.summaries(unit, rows)
    return ProvidersRead(
        items=await as_reads(unit, rows, health_of=told), kinds=[KindRead.of(kind) for kind in KINDS.values()]
    )


async def as_reads(
    unit: AsyncSession,
    rows: Sequence[Provider],
    *,
    health_of: Mapping[UUID, HealthSummary] | None = None,
    problem: str | None = None,
) -> list[ProviderRead]:
    by_provider = await keys.list_house(unit)
    counts = await providers.counts(unit)
    made = []
    for row in rows:
        models, enabled = counts.get(row.id, (0, 0))
        made.append(
            ProviderRead.of(
                row,
                keys=[KeyRead.of(key) for key in by_provider.get(row.id, ())],
                models=models,
                models_enabled=enabled,
                health=None if health_of is None else health_of.get(row.id),
                problem=problem,
            )
        )
    return made


@router.post(
    "/providers",
    status_code=201,
    responses=problems(FieldProblem, TooManyProviders, SessionRequired, ProofNeeded),
)
async def add_provider(
    body: ProviderCreate, actor: AdminWriter, gateway: CurrentGateway, kernel: Core, caller: CurrentCaller
) -> ProviderRead:
    """Asked for its models at once. With a key, whoever adds it proves who they are, and a key that the provider
    refuses is not kept; a provider that does not answer is kept, with the reason in `problem`."""
    if body.key is not None:
        async with kernel.database.system("sign-in") as unit:
            await proof.require(unit, kernel.settings, actor)
    row, answered = await service.add_provider(gateway, actor, body, address=caller.address)
    problem = None if answered.error is None else answered.error.code
    async with kernel.database.unit(actor.as_admin()) as unit:
        found = await providers.find(unit, row.id)
        return (await as_reads(unit, [found], problem=problem))[0]


@router.get("/providers/down")
async def list_providers_down(_actor: AdminReader, unit: AdminUnit) -> ProvidersDown:
    """Those in use that do not answer, or refuse the house's key. For a line that is always in sight, so it looks at no
    history."""
    return ProvidersDown(items=[provider_ref(row) for row in await providers.list_down(unit)])


@router.get("/providers/{provider_id}", responses=problems(ProviderNotFound))
async def read_provider(provider_id: UUID, _actor: AdminReader, unit: AdminUnit, response: Response) -> ProviderRead:
    row = await providers.find(unit, provider_id)
    response.headers["ETag"] = etag(row.version)
    return (await as_reads(unit, [row], health_of=await health.summaries(unit, [row])))[0]


@router.patch("/providers/{provider_id}", responses=problems(ProviderNotFound, ProviderBuiltIn, StaleVersion))
async def change_provider(
    provider_id: UUID,
    body: ProviderChange,
    actor: AdminWriter,
    unit: AdminUnit,
    *,
    seen: SeenVersion,
    caller: CurrentCaller,
    response: Response,
) -> ProviderRead:
    """With another address its keys are removed: each is bound to the one it was entered for."""
    row = await providers.change(unit, actor, provider_id, body, seen=seen, address=caller.address)
    response.headers["ETag"] = etag(row.version)
    return (await as_reads(unit, [row]))[0]


@router.delete("/providers/{provider_id}", status_code=204, responses=problems(ProviderNotFound, ProviderBuiltIn))
async def remove_provider(provider_id: UUID, actor: AdminWriter, unit: AdminUnit, caller: CurrentCaller) -> None:
    """With its models and all keys to it, also those of people."""
    await providers.remove(unit, actor, provider_id, address=caller.address)


@router.post("/providers/{provider_id}/test", responses=problems(ProviderNotFound, ProviderBuiltIn))
async def test_provider(provider_id: UUID, actor: AdminWriter, gateway: CurrentGateway) -> KeyCheckRead:
    return as_check(await service.test_provider(gateway, provider_id, person=actor.user_id))


@router.post(
    "/providers/{provider_id}/refresh",
    responses=problems(ProviderNotFound, ProviderBuiltIn, KeyRefused, ProviderUnreachable),
)
async def refresh_provider(provider_id: UUID, actor: AdminWriter, gateway: CurrentGateway) -> RefreshRead:
    """Its models as its own list has them now. What was edited here stays."""
    done = await service.refresh_provider(gateway, actor, provider_id)
    return RefreshRead(added=done.added, changed=done.changed, gone=done.gone, total=done.total)


@router.get("/providers/{provider_id}/health", responses=problems(ProviderNotFound))
async def read_provider_health(provider_id: UUID, _actor: AdminReader, unit: AdminUnit) -> ProviderHealth:
    return await health.read(unit, await providers.find(unit, provider_id))


@router.post(
    "/providers/{provider_id}/keys",
    status_code=201,
    responses=problems(FieldProblem, ProviderNotFound, ProviderBuiltIn, TooManyKeys, SessionRequired, ProofNeeded),
)
async def add_house_key(
    provider_id: UUID,
    body: KeyBody,
    actor: AdminWriter,
    _proved: Proved,
    gateway: CurrentGateway,
    caller: CurrentCaller,
) -> KeyRead:
    """Tried before it is kept."""
    secret = body.key.get_secret_value()
    row, _ = await service.add_house_key(gateway, actor, provider_id, secret, address=caller.address)
    return KeyRead.of(row)


@router.delete("/providers/{provider_id}/keys/{key_id}", status_code=204, responses=problems(KeyNotFound))
async def remove_house_key(
    provider_id: UUID, key_id: UUID, actor: AdminWriter, unit: AdminUnit, caller: CurrentCaller
) -> None:
    row, _ = await keys.find(unit, key_id, owner_id=None)
    if row.provider_id != provider_id:
        raise KeyNotFound
    await keys.remove(unit, actor, key_id, owner_id=None, address=caller.address)


Search = Annotated[Line | None, Query(max_length=200, description="A part of the name")]


@router.get("/models", responses=problems(BadCursor))
async def list_admin_models(
    _actor: AdminReader,
    unit: AdminUnit,
    *,
    provider: UUID | None = None,
    search: Search = None,
    enabled: bool | None = None,
    cursor: PageCursor = None,
    limit: PageLimit = 100,
) -> Page[ModelAdminRead]:
    """All of the house's, by name, also those that are switched off or gone from their provider's list."""
    query = catalogue.selected(provider_id=provider, search=search, is_enabled=enabled)
    found, more = await catalogue.list_page(unit, query, limit=limit, cursor=cursor)
    return Page(items=[as_model(model, row) for model, row in found], next_cursor=more)


def as_model(model: Model, provider: Provider) -> ModelAdminRead:
    return ModelAdminRead.of(model, provider_ref(provider))


def provider_ref(row: Provider) -> ProviderRef:
    return ProviderRef(id=row.id, kind=row.kind, label=row.label, is_local=row.is_local)


@router.post("/models", status_code=201, responses=problems(ProviderNotFound, ProviderBuiltIn, ModelExists))
async def add_model(body: ModelCreate, actor: AdminWriter, unit: AdminUnit, caller: CurrentCaller) -> ModelAdminRead:
    """For servers that do not list what they offer."""
    provider = await providers.find(unit, body.provider_id, for_update=True)
    if provider.protocol == known.PASSAGES:
        raise ProviderBuiltIn
    return as_model(await catalogue.add(unit, actor, provider, body, address=caller.address), provider)


@router.patch("/models/{model_id}", responses=problems(ModelGone, StaleVersion))
async def change_model(
    model_id: UUID,
    body: ModelChange,
    actor: AdminWriter,
    unit: AdminUnit,
    *,
    seen: SeenVersion,
    caller: CurrentCaller,
    response: Response,
) -> ModelAdminRead:
    """Null takes an edit back; what is set stays through every refresh."""
    row = await catalogue.change(unit, actor, model_id, body, seen=seen, address=caller.address)
    response.headers["ETag"] = etag(row.version)
    return as_model(row, await providers.find(unit, row.provider_id))


@router.delete("/models/{model_id}", status_code=204, responses=problems(ModelGone, ModelBuiltIn))
async def remove_model(model_id: UUID, actor: AdminWriter, unit: AdminUnit, caller: CurrentCaller) -> None:
    """One that was added by hand, or that its provider does not list any more."""
    await catalogue.remove(unit, actor, model_id, address=caller.address)
