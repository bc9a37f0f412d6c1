"""The list of models as one person may use them, with what each costs them and how it is doing."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from kontor.billing import prices
from kontor.billing import service as billing
from kontor.billing.service import Offer, PriceKey
from kontor.core.clock import now
from kontor.core.money import plain
from kontor.core.tenancy import Actor
from kontor.gateway.catalogue import ModelGone
from kontor.gateway.known import Health, KnownModel, KnownProvider, View
from kontor.gateway.llm_config import BUILT_IN
from kontor.gateway.parameters import schema_of
from kontor.gateway.routing import Chooser, Need
from kontor.gateway.schemas import (
    ModelDetail,
    ModelRead,
    ModelsRead,
    ModelState,
    PreferredRead,
    PriceRead,
    ProviderRef,
    RuleRead,
    listed,
)

# What a model without a word about it is taken to take and give.
PLAIN = ["text"]
# Asked for each model anew, the fields of a shape cost more than all the rest of its line.
PRICED = frozenset(PriceRead.model_fields)


async def models_of(unit: AsyncSession, view: View, actor: Actor, at: datetime) -> tuple[ModelsRead, datetime]:
    """With the moment until which it is true by the clock."""
    models = list(view.usable())
    offers = await offers_of(unit, view, actor, models, at)
    items = reads_of(view, models, offers)
    items.sort(key=lambda item: (item.provider.label.lower(), item.label.lower()))
    config = view.house.config
    rules = [RuleRead(name=name, strategy=strategy, is_built_in=True) for name, strategy in BUILT_IN.items()]
    rules += [RuleRead(name=rule.name, strategy=rule.strategy, is_built_in=False) for rule in config.rules]
    default = config.default_model or "auto"
    meant = model_meant(view, default)
    found = ModelsRead(
        items=items,
        rules=rules,
        default=default,
        default_model_id=None if meant is None else meant.id,
        preferred=preferred_of(view),
    )
    return found, await prices.same_until(unit, at)


def model_meant(view: View, ref: str) -> KnownModel | None:
    """The one that a name or an alias stands for; a rule looks anew each time."""
    config = view.house.config
    if ref in BUILT_IN or any(rule.name == ref for rule in config.rules):
        return None
    alias = next((each for each in config.aliases if each.name == ref), None)
    named = view.named(ref if alias is None else alias.model)
    return named[0] if named else None


def preferred_of(view: View) -> PreferredRead | None:
    ref = view.own.preferred
    if ref is None:
        return None
    model = model_meant(view, ref)
    # One that is gone is still called by its name; one that is kept from this person's role now is not.
    there = (each for part in (view.own, view.house) for each in part.names.get(ref.lower(), ()))
    known = model or next((each for each in there if each.owner_id or view.role in each.enabled_roles), None)
    return PreferredRead(
        name=ref,
        label=None if known is None else known.label,
        model_id=None if model is None else model.id,
        is_usable=Chooser(view, Need()).leads_somewhere(ref),
    )


async def detail_of(unit: AsyncSession, view: View, actor: Actor, model_id: UUID) -> ModelDetail:
    model = view.model(model_id)
    if model is None or not view.may_use(model):
        raise ModelGone
    (read,) = reads_of(view, [model], await offers_of(unit, view, actor, [model], now()))
    return ModelDetail(**dict(read), parameters=schema_of(model, model.provider))


async def offers_of(
    unit: AsyncSession, view: View, actor: Actor, models: Sequence[KnownModel], at: datetime
) -> Mapping[PriceKey, Offer]:
    keys = {price_key(model.provider, model): is_own(view, model.provider) for model in models}
    return await billing.offers(unit, keys, payer=actor.user_id, role=actor.role, at=at)


def reads_of(view: View, models: Sequence[KnownModel], offers: Mapping[PriceKey, Offer]) -> list[ModelRead]:
    names = aliases_of(view)
    return [as_read(view, model, offers.get(price_key(model.provider, model)), names[model.id]) for model in models]


def price_key(provider: KnownProvider, model: KnownModel) -> PriceKey:
    return PriceKey(provider.kind, model.name)


def is_own(view: View, provider: KnownProvider) -> bool:
    key = view.key(provider)
    return provider.owner_id is not None or (key is not None and key.owner_id is not None)


def aliases_of(view: View) -> defaultdict[UUID, list[str]]:
    found: defaultdict[UUID, list[str]] = defaultdict(list)
    for alias in view.house.config.aliases:
        for model in view.named(alias.model)[:1]:
            found[model.id].append(alias.name)
    return found


def as_read(view: View, model: KnownModel, offer: Offer | None, aliases: Sequence[str]) -> ModelRead:
    facts, provider = model.facts, model.provider
    return ModelRead(
        id=model.id,
        name=model.name,
        label=model.label,
        provider=ProviderRef(id=provider.id, kind=provider.kind, label=provider.label, is_local=provider.is_local),
        description=facts.description,
        context_total=facts.context_total,
        max_output=facts.max_output,
        takes=listed(facts.takes) or PLAIN,
        gives=listed(facts.gives) or PLAIN,
        features=listed(facts.features),
        price=price_of(offer, provider),
        state=state_of(view, provider, offer),
        is_own_key=is_own(view, provider),
        deprecated_on=facts.deprecated_on,
        aliases=list(aliases),
    )


def price_of(offer: Offer | None, provider: KnownProvider) -> PriceRead | None:
    if offer is None:
        return PriceRead(currency="USD", is_free=True) if provider.is_local else None
    classes = {name: plain(nano) for name, nano in offer.per_million.items() if name in PRICED}
    return PriceRead(currency=offer.currency, is_free=offer.is_free, **classes)


def state_of(view: View, provider: KnownProvider, offer: Offer | None) -> ModelState:
    if provider.needs_key and view.key(provider) is None:
        return "no_key"
    is_charged = view.house.is_billed and not is_own(view, provider)
    if is_charged and offer is None and not provider.is_local:
        return "unpriced"
    match provider.health:
        case Health.DOWN:
            return "down"
        case Health.SLOW:
            return "slow"
        case _:
            return "ok"
