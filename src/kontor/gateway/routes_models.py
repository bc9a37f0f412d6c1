"""What people may ask, and with which keys of their own."""

from uuid import UUID

from fastapi import APIRouter, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from kontor.accounts import preferences
from kontor.accounts.current_caller import CurrentCaller
from kontor.accounts.errors import ProofNeeded, SessionRequired
from kontor.accounts.guards import Proved
from kontor.accounts.preferences import SettingsRead
from kontor.accounts.windows import CurrentWindow
from kontor.core.errors import FieldProblem
from kontor.core.fetch import FetchRefused
from kontor.core.http import conditional
from kontor.core.http.actors import (
    AccountReader,
    AccountWriter,
    AdminReader,
    Core,
    CurrentActor,
    RoleRequired,
    ScopeRequired,
    Unauthenticated,
)
from kontor.core.http.conditional import NOT_MODIFIED, IfNoneMatch
from kontor.core.http.idempotency import KontorRoute
from kontor.core.http.problems import problems
from kontor.core.http.units import Unit
from kontor.core.tenancy import Actor
from kontor.gateway import keys, known, listing, service
from kontor.gateway.catalogue import ModelGone
from kontor.gateway.current import CurrentGateway
from kontor.gateway.facts import friendly, joined, of_list
from kontor.gateway.keys import KeyNotFound, OwnAddressesNotAllowed, OwnKeysNotAllowed, TooManyKeys
from kontor.gateway.providers import ProviderNotFound, TooManyProviders
from kontor.gateway.routing import Chooser, Need
from kontor.gateway.schemas import (
    DiscoveredRead,
    FoundModel,
    FoundServer,
    KeyBody,
    KeyCheckRead,
    KeyRead,
    KindRead,
    ModelDetail,
    ModelsRead,
    OwnKeyCreate,
    OwnKeyRead,
    OwnKeysRead,
    PreferredChange,
    ProviderRef,
    RecognisedRead,
    listed,
)
from kontor.gateway.service import Answered, Found, Gateway
from kontor.gateway.tables import Provider, ProviderKey
from kontor.gateway.wire.port import Listed
from kontor.gateway.wire.quirks import KINDS, recognise

router = APIRouter(
    prefix="/llm", tags=["models"], route_class=KontorRoute, responses=problems(Unauthenticated, ScopeRequired)
)


@router.get("/models", response_model=ModelsRead, responses=NOT_MODIFIED)
async def list_models(
    actor: CurrentActor, gateway: CurrentGateway, *, request: Request, if_none_match: IfNoneMatch = None
) -> Response:
    """Everything that may be asked, with its price and how it is doing, and the names of rules.

    The list can be long: whoever sends back the ETag it came with gets it again only when it has changed.
    """
    return conditional.answer(request, await gateway.lists.read(actor), seen=if_none_match)


@router.get("/models/{model_id}", responses=problems(ModelGone))
async def read_model(model_id: UUID, actor: CurrentActor, unit: Unit, gateway: CurrentGateway) -> ModelDetail:
    """One of the list, with a JSON schema of its parameters."""
    return await listing.detail_of(unit, await gateway.knowledge.view(actor), actor, model_id)


@router.put("/preferred", responses=problems(FieldProblem))
async def prefer_model(
    body: PreferredChange, actor: AccountWriter, unit: Unit, gateway: CurrentGateway, *, window: CurrentWindow
) -> SettingsRead:
    """What answers whenever this person names no model. It must be something that they may use."""
    if body.model is not None:
        chooser = Chooser(await gateway.knowledge.view(actor), Need())
        if not chooser.leads_somewhere(body.model):
            raise FieldProblem("model", f"There is no model, alias or rule “{body.model}” that you may use.")
    settings = await preferences.choose_model(unit, actor, body.model, client=window)
    await known.tell(unit, actor.user_id)
    return settings


@router.put("/favourites/{model_id}", responses=problems(ModelGone, FieldProblem))
async def mark_favourite(
    model_id: UUID, actor: AccountWriter, unit: Unit, gateway: CurrentGateway, window: CurrentWindow
) -> SettingsRead:
    """Favourites come first wherever a model is chosen."""
    view = await gateway.knowledge.view(actor)
    model = view.model(model_id)
    if model is None or not view.may_use(model):
        raise ModelGone
    return await preferences.mark_model(unit, actor, model_id, is_favourite=True, client=window)


@router.delete("/favourites/{model_id}")
async def unmark_favourite(model_id: UUID, actor: AccountWriter, unit: Unit, window: CurrentWindow) -> SettingsRead:
    return await preferences.mark_model(unit, actor, model_id, is_favourite=False, client=window)


@router.get("/keys")
async def list_keys(actor: AccountReader, unit: Unit, gateway: CurrentGateway) -> OwnKeysRead:
    return await own_keys(unit, actor, gateway)


async def own_keys(unit: AsyncSession, actor: Actor, gateway: Gateway) -> OwnKeysRead:
    config = (await gateway.knowledge.house()).config
    found = await keys.list_mine(unit, actor)
    return OwnKeysRead(
        items=[own_key(key, provider) for key, provider in found],
        kinds=[KindRead.of(kind) for kind in KINDS.values()],
        own_keys_allowed=config.own_keys_allowed,
        own_addresses_allowed=config.own_addresses_allowed,
    )


def own_key(row: ProviderKey, provider: Provider, answered: Answered | None = None) -> OwnKeyRead:
    return OwnKeyRead(
        **KeyRead.of(row).model_dump(),
        provider=ProviderRef(id=provider.id, kind=provider.kind, label=provider.label, is_local=provider.is_local),
        # Where the house's own providers stand is its administrators' business.
        base_url=None if provider.owner_id is None else provider.base_url,
        problem=None if answered is None or answered.error is None else answered.error.code,
    )


@router.post("/keys/recognise")
async def recognise_key(body: KeyBody, actor: AccountReader) -> RecognisedRead:
    """Whose key it may be, by its shape alone. Nothing is kept, and nothing is sent anywhere."""
    return RecognisedRead(kinds=[KindRead.of(KINDS[kind]) for kind in recognise(body.key.get_secret_value())])


@router.post(
    "/keys",
    status_code=201,
    responses=problems(
        FieldProblem,
        FetchRefused,
        OwnKeysNotAllowed,
        OwnAddressesNotAllowed,
        ProviderNotFound,
        TooManyKeys,
        TooManyProviders,
        SessionRequired,
        ProofNeeded,
    ),
)
async def add_key(body: OwnKeyCreate, actor: Proved, gateway: CurrentGateway, caller: CurrentCaller) -> OwnKeyRead:
    """Tried before it is kept. One that could not be tried is kept, with the reason in `problem`."""
    row, provider, answered = await service.add_own_key(gateway, actor, body, address=caller.address)
    return own_key(row, provider, answered)


@router.post("/keys/{key_id}/test", responses=problems(KeyNotFound))
async def test_key(key_id: UUID, actor: AccountWriter, gateway: CurrentGateway) -> KeyCheckRead:
    return as_check(await service.test_own_key(gateway, actor, key_id))


def as_check(answered: Answered) -> KeyCheckRead:
    if answered.error is not None:
        return KeyCheckRead(ok=False, code=answered.error.code, text=answered.error.message)
    return KeyCheckRead(ok=True, ms=answered.ms, models=len(answered.listed))


@router.delete("/keys/{key_id}", status_code=204, responses=problems(KeyNotFound))
async def remove_key(key_id: UUID, actor: AccountWriter, unit: Unit, caller: CurrentCaller) -> None:
    await keys.remove(unit, actor, key_id, owner_id=actor.user_id, address=caller.address)


@router.get("/discover", responses=problems(RoleRequired))
async def discover_servers(actor: AdminReader, gateway: CurrentGateway, kernel: Core) -> DiscoveredRead:
    """Model servers on the machine that Kontor runs on, with what they offer."""
    found = await service.discover(gateway, own_port=kernel.settings.kontor_port)
    return DiscoveredRead(items=[found_server(each) for each in found])


def found_server(found: Found) -> FoundServer:
    return FoundServer(
        kind=found.kind,
        label=KINDS[found.kind].label,
        base_url=found.base_url,
        models=[found_model(each) for each in found.listed],
        provider_id=found.provider_id,
    )


def found_model(found: Listed) -> FoundModel:
    facts = joined(of_list(found))
    return FoundModel(
        name=found.name,
        label=facts.label or friendly(found.name),
        size_bytes=facts.size_bytes,
        context_total=facts.context_total,
        takes=listed(facts.takes),
        gives=listed(facts.gives),
    )
