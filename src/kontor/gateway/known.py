"""What this process knows of providers, models and keys, so that no call has to ask the database for it.

The house's part is read once and again after every change; what belongs to one person is read when they come. Keys are
open in here: this is the memory of the process that sends them, and they are shown nowhere.
"""

import asyncio
import time
from collections import OrderedDict, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import structlog
from pydantic import TypeAdapter
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from kontor.accounts import preferences
from kontor.billing import configuration as billing
from kontor.billing.prices import PriceKey, find_all
from kontor.billing.rates import price_of
from kontor.core.clock import now
from kontor.core.database import Database
from kontor.core.events.listener import Listener
from kontor.core.events.publishing import CHANNEL, EVERYONE_TOPIC, person_topic, publish
from kontor.core.ids import UserId
from kontor.core.tenancy import Actor, Identity, Role, Scope
from kontor.core.vault.errors import MasterKeyMissing, SealBroken
from kontor.core.vault.sealing import Place
from kontor.core.vault.service import Vault
from kontor.gateway import llm_config
from kontor.gateway.addresses import parse
from kontor.gateway.facts import Facts, friendly, joined
from kontor.gateway.llm_config import LlmConfigRead
from kontor.gateway.tables import Model, Provider, ProviderKey
from kontor.gateway.wire.port import Endpoint, Quirks
from kontor.gateway.wire.quirks import KINDS

log = structlog.get_logger(__name__)

TOPIC = "models"
CHANGED = "models.changed"

# Events say what changes, and a new connection of the listener that something may have been missed. This is for what
# comes by the clock alone, such as a price that holds from a certain hour on.
FRESH_SECONDS = 600.0
MOST_PEOPLE = 2000
AT_ONCE = 100
SLOW_MS = 4000

PASSAGES = "passages"  # the kind and the protocol of the built-in answerer

# Events of one topic become visible in the order of their numbers, and with what they tell of.
_NEWS = text("""
    SELECT coalesce((SELECT max(id) FROM event WHERE topic = :models), 0) AS models,
        coalesce((SELECT max(id) FROM event WHERE topic = :billing), 0) AS billing,
        coalesce((SELECT max(id) FROM event WHERE topic = :own), 0) AS own
""")

QUIRKS: TypeAdapter[Quirks] = TypeAdapter(Quirks)


class Health(StrEnum):
    UNKNOWN = "unknown"
    OK = "ok"
    SLOW = "slow"
    DOWN = "down"


@dataclass(frozen=True, slots=True, eq=False)
class KnownKey:
    id: UUID
    owner_id: UserId | None
    provider_id: UUID
    origin: str
    secret: str = field(repr=False)
    ending: str
    state: str


@dataclass(frozen=True, slots=True, eq=False)
class KnownProvider:
    id: UUID
    owner_id: UserId | None
    kind: str
    label: str
    protocol: str
    base_url: str
    origin: str
    quirks: Quirks
    timeouts: Mapping[str, float]
    concurrency: int
    is_enabled: bool
    is_local: bool
    health: Health
    error_code: str | None
    latency_ms: int | None
    version: int
    created_at: datetime
    refreshed_at: datetime | None

    @property
    def is_guarded(self) -> bool:
        """Its address was given by a person: only public ones are connected to (`core.fetch`)."""
        return self.owner_id is not None

    @property
    def needs_key(self) -> bool:
        kind = KINDS.get(self.kind)
        # Servers of one's own may ask for a key or not; those of the trade all do.
        return not self.is_local and self.quirks.auth != "none" and kind is not None and bool(kind.keys)

    def endpoint(self, key: KnownKey | None) -> Endpoint:
        """The only place where a key and an address come together."""
        if key is not None and not may_be_sent(key, self):
            raise KeyElsewhere(key.id, self.id)
        return Endpoint(self.base_url, None if key is None else key.secret, self.quirks)


class KeyElsewhere(Exception):
    """A mistake of ours: a key was about to be sent where it does not belong."""

    def __init__(self, key_id: UUID, provider_id: UUID) -> None:
        super().__init__(f"The key {key_id} does not belong to the provider {provider_id}.")


def may_be_sent(key: KnownKey, provider: KnownProvider) -> bool:
    """To the provider and address it was entered for; a key of the house never to an address that a person gave."""
    is_same = key.provider_id == provider.id and key.origin == provider.origin
    return is_same and (provider.owner_id is None or provider.owner_id == key.owner_id)


@dataclass(frozen=True, slots=True, eq=False)
class KnownModel:
    id: UUID
    provider: KnownProvider
    owner_id: UserId | None
    name: str
    label: str
    facts: Facts
    is_enabled: bool
    enabled_roles: frozenset[str]
    is_gone: bool

    @property
    def answers(self) -> bool:
        """Whether it writes text. What is not known to do otherwise is taken to."""
        return self.facts.gives is None or "text" in self.facts.gives

    @property
    def embeds(self) -> bool:
        return self.facts.gives is not None and "vector" in self.facts.gives


@dataclass(frozen=True, slots=True)
class Price:
    """To compare by: USD nano for a million tokens."""

    input: int
    output: int


@dataclass(frozen=True, slots=True)
class Part:
    """What belongs to one holder: the house, or a person. A person's keys may be for providers of the house."""

    providers: Mapping[UUID, KnownProvider] = field(default_factory=dict)
    models: Mapping[UUID, KnownModel] = field(default_factory=dict)
    keys: Mapping[UUID, tuple[KnownKey, ...]] = field(default_factory=dict)  # by provider, the best first
    names: Mapping[str, tuple[KnownModel, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Own(Part):
    preferred: str | None = None  # what answers this person when they name no model: a model, an alias or a rule
    news: int = 0  # as `News`


@dataclass(frozen=True, slots=True)
class House(Part):
    config: LlmConfigRead = field(default_factory=lambda: LlmConfigRead(version=0))
    prices: Mapping[UUID, Price] = field(default_factory=dict)  # by model; one without is not in here
    is_billed: bool = False  # whether the house charges for its keys
    news: tuple[int, int] = (0, 0)  # as `News`


@dataclass(frozen=True, slots=True)
class News:
    """The numbers of the last events that told of a change: of models and of billing in the house, and of a person."""

    house: tuple[int, int]
    own: int

    def has(self, house: House) -> bool:
        """Whether it was read after them."""
        return all(known >= last for known, last in zip(house.news, self.house, strict=True))


@dataclass(frozen=True, slots=True)
class View:
    """What one person may use."""

    house: House
    own: Own
    role: Role

    def model(self, model_id: UUID) -> KnownModel | None:
        """Whatever it is, also one that may not be used any more: old runs name it."""
        return self.own.models.get(model_id) or self.house.models.get(model_id)

    def key(self, provider: KnownProvider) -> KnownKey | None:
        """One's own before the house's, also when it was refused: nobody pays the house unawares."""
        if mine := self.own.keys.get(provider.id):
            return mine[0]
        ours = self.house.keys.get(provider.id) if provider.owner_id is None else None
        return ours[0] if ours else None

    def may_use(self, model: KnownModel) -> bool:
        if not (model.is_enabled and model.provider.is_enabled) or model.is_gone:
            return False
        return model.owner_id is not None or self.role in model.enabled_roles

    def usable(self) -> Iterator[KnownModel]:
        for part in (self.own, self.house):
            for model in part.models.values():
                if self.may_use(model):
                    yield model

    def named(self, ref: str) -> list[KnownModel]:
        """The models that these words may mean and that may be used, the person's own first."""
        found: list[KnownModel] = []
        for part in (self.own, self.house):
            found += [model for model in part.names.get(ref.lower(), ()) if self.may_use(model)]
        return found


class Knowledge:
    """One per process."""

    def __init__(
        self,
        database: Database,
        vault: Vault,
        listener: Listener | None = None,
        *,
        fresh_seconds: float = FRESH_SECONDS,
    ) -> None:
        self._database = database
        self._vault = vault
        self._listener = listener
        self._fresh_seconds = fresh_seconds
        self._house: House | None = None
        self._house_until = 0.0
        self._people: OrderedDict[UserId, tuple[float, Own]] = OrderedDict()
        self._changes = 0
        self._reading: defaultdict[UserId | None, asyncio.Lock] = defaultdict(asyncio.Lock)
        if listener is not None:
            listener.on(CHANNEL, self.heard)

    async def house(self, since: News | None = None) -> House:
        if (known := self._fresh_house(since)) is not None:
            return known
        async with self._reading[None]:
            if (known := self._fresh_house(since)) is not None:
                return known
            changes = self._changes
            async with self._database.system("configuration") as unit:
                found = await read_house(unit, self._vault)
            self._house = found
            self._house_until = self._until(changes)
            return found

    async def view(self, actor: Actor, *, since: News | None = None) -> View:
        """`since`: what the database says was changed last, so that it does not matter what was heard of it."""
        house = await self.house(since)
        return View(house, allowed(await self._part_of(actor.user_id, since), house.config), actor.role)

    async def _part_of(self, user_id: UserId, since: News | None) -> Own:
        if (known := self._fresh_part(user_id, since)) is not None:
            return known
        async with self._reading[user_id]:
            try:
                if (known := self._fresh_part(user_id, since)) is not None:
                    return known
                changes = self._changes
                async with self._database.unit(Identity(Scope.PERSON, user_id)) as unit:
                    found = await read_own(unit, self._vault, user_id)
                self._people[user_id] = (self._until(changes), found)
                self._people.move_to_end(user_id)
                while len(self._people) > MOST_PEOPLE:
                    self._people.popitem(last=False)
                return found
            finally:
                self._reading.pop(user_id, None)

    def heard(self, payload: str | None) -> None:
        """News of one of our topics, or a new connection before which anything may have been missed."""
        if payload is None:
            self.forget()
            self._people.clear()
            return
        topic = payload.rpartition(" ")[2]
        if topic in {TOPIC, billing.TOPIC}:
            self.forget()
        elif topic.startswith(f"{TOPIC}:"):
            self.forget(UserId(UUID(topic.removeprefix(f"{TOPIC}:"))))

    def forget(self, user_id: UserId | None = None) -> None:
        self._changes += 1
        if user_id is None:
            self._house_until = 0.0
        else:
            self._people.pop(user_id, None)

    def _until(self, changes: int) -> float:
        # What was changed while we asked may or may not be in the answer, so the next one asks again.
        return time.monotonic() + self._fresh_seconds if changes == self._changes else 0.0

    @property
    def _is_deaf(self) -> bool:
        return self._listener is not None and not self._listener.connected.is_set()

    def _fresh_house(self, since: News | None) -> House | None:
        found = self._house
        if found is None or time.monotonic() >= self._house_until:
            return None
        is_known = not self._is_deaf if since is None else since.has(found)
        return found if is_known else None

    def _fresh_part(self, user_id: UserId, since: News | None) -> Own | None:
        until, found = self._people.get(user_id, (0.0, None))
        if found is None or time.monotonic() >= until:
            return None
        is_known = not self._is_deaf if since is None else found.news >= since.own
        return found if is_known else None


def allowed(own: Own, config: LlmConfigRead) -> Own:
    """What was allowed once and is not any more stays where it is, and out of use."""
    if not own.keys or (config.own_keys_allowed and config.own_addresses_allowed):
        return own
    if not config.own_keys_allowed:
        return Own(preferred=own.preferred, news=own.news)
    models = {model.id: model for model in own.models.values() if is_usual(model.provider)}
    return replace(own, models=models, names=names_of(models)) if len(models) < len(own.models) else own


def is_usual(provider: KnownProvider) -> bool:
    """At the address of its kind, not at one that somebody named."""
    kind = KINDS.get(provider.kind)
    return kind is not None and kind.base_url is not None and parse(kind.base_url).origin == provider.origin


async def tell(unit: AsyncSession, owner_id: UserId | None) -> None:
    """In the unit of a change: every process forgets what it knew, and open windows load anew."""
    # As the driver hands it out it is of a class of its own, which cannot be written as JSON.
    owner_id = None if owner_id is None else UserId(UUID(int=owner_id.int))
    topic = TOPIC if owner_id is None else f"{TOPIC}:{owner_id}"
    await publish(unit, topic=topic, kind=CHANGED, data={}, owner_id=owner_id)
    await publish(unit, topic=EVERYONE_TOPIC if owner_id is None else person_topic(owner_id), kind=CHANGED, data={})


async def last_news(unit: AsyncSession, user_id: UserId | None) -> News:
    """A unit of the system sees all, and one of the person their own."""
    topics = {"models": TOPIC, "billing": billing.TOPIC, "own": f"{TOPIC}:{user_id}"}
    row = (await unit.execute(_NEWS, topics)).one()
    return News((row.models, row.billing), row.own)


async def read_house(unit: AsyncSession, vault: Vault) -> House:
    # Asked first: what is changed while we read is news to this.
    news = await last_news(unit, None)
    part = await read_part(unit, vault, None)
    return House(
        part.providers,
        part.models,
        part.keys,
        part.names,
        await llm_config.read(unit),
        await read_prices(unit, part),
        (await billing.read(unit)).is_on,
        news.house,
    )


async def read_prices(unit: AsyncSession, part: Part) -> Mapping[UUID, Price]:
    at = now()
    keys = {model.id: PriceKey(model.provider.kind, model.name) for model in part.models.values()}
    versions = await find_all(unit, list(dict.fromkeys(keys.values())), at)
    found = {}
    for model_id, key in keys.items():
        if (version := versions.get(key)) is not None:
            classes = {} if version.is_free else version.rate(at).usd_nano_per_million
            found[model_id] = Price(price_of(classes, "input"), price_of(classes, "output"))
    return found


async def read_part(unit: AsyncSession, vault: Vault, owner_id: UserId | None) -> Part:
    providers = await unit.scalars(select(Provider).where(_of(Provider, owner_id)).order_by(Provider.created_at))
    known = {row.id: known_provider(row) for row in providers}
    rows = await unit.scalars(select(Model).where(_of(Model, owner_id)).order_by(Model.name))
    models = {}
    for place, row in enumerate(rows):
        models[row.id] = known_model(row, known[row.provider_id])
        if place % AT_ONCE == AT_ONCE - 1:
            # Some lists are long, and streams go on meanwhile.
            await asyncio.sleep(0)
    keys = await unit.scalars(select(ProviderKey).where(_of(ProviderKey, owner_id)))
    opened = [key for row in keys if (key := await opened_key(unit, vault, row)) is not None]
    order = {"ok": 0, "untested": 1, "refused": 2}
    by_provider: dict[UUID, list[KnownKey]] = defaultdict(list)
    for key in sorted(opened, key=lambda key: order[key.state]):
        by_provider[key.provider_id].append(key)
    return Part(known, models, {id_: tuple(found) for id_, found in by_provider.items()}, names_of(models))


async def read_own(unit: AsyncSession, vault: Vault, user_id: UserId) -> Own:
    news = await last_news(unit, user_id)
    part = await read_part(unit, vault, user_id)
    preferred = (await preferences.read(unit, user_id)).default_model
    return Own(part.providers, part.models, part.keys, part.names, preferred, news.own)


def _of(table: Any, owner_id: UserId | None) -> Any:
    return table.owner_id.is_(None) if owner_id is None else table.owner_id == owner_id


def known_provider(row: Provider) -> KnownProvider:
    return KnownProvider(
        id=row.id,
        owner_id=None if row.owner_id is None else UserId(row.owner_id),
        kind=row.kind,
        label=row.label,
        protocol=row.protocol,
        base_url=row.base_url,
        origin=row.origin,
        quirks=quirks_of(row.kind, row.quirks),
        timeouts=row.timeouts,
        concurrency=row.concurrency,
        is_enabled=row.is_enabled,
        is_local=row.is_local,
        health=health_of(row),
        error_code=row.error_code,
        latency_ms=row.latency_ms,
        version=row.version,
        created_at=row.created_at,
        refreshed_at=row.refreshed_at,
    )


def quirks_of(kind: str, overrides: Mapping[str, Any]) -> Quirks:
    """Those of the kind, with what an administrator set for this one provider."""
    base = KINDS[kind].quirks if kind in KINDS else Quirks(auth="none")
    known = {name: value for name, value in overrides.items() if name in Quirks.__dataclass_fields__}
    if not known:
        return base
    try:
        said = QUIRKS.validate_python(known)
    except ValueError:
        # Written by another version of the program; what it cannot say here is not half said.
        log.warning("gateway.quirks_unusable", kind=kind, names=sorted(known))
        return base
    return replace(base, **{name: getattr(said, name) for name in known})


def health_of(row: Provider) -> Health:
    if row.protocol == PASSAGES:
        return Health.OK
    if row.failed_at is not None and (row.ok_at is None or row.failed_at > row.ok_at):
        return Health.DOWN
    if row.ok_at is None:
        return Health.UNKNOWN
    return Health.SLOW if (row.latency_ms or 0) > SLOW_MS else Health.OK


def known_model(row: Model, provider: KnownProvider) -> KnownModel:
    facts = facts_of(row)
    return KnownModel(
        id=row.id,
        provider=provider,
        owner_id=None if row.owner_id is None else UserId(row.owner_id),
        name=row.name,
        label=facts.label or friendly(row.name),
        facts=facts,
        is_enabled=row.is_enabled,
        enabled_roles=frozenset(row.enabled_roles),
        is_gone=row.gone_at is not None,
    )


def facts_of(row: Model) -> Facts:
    if not row.edits:
        return Facts.model_validate(row.facts)
    return joined(Facts.model_validate(row.facts), Facts.model_validate(row.edits))


def place_of(row: ProviderKey) -> Place:
    """The seal holds the address too: where a row is made to point elsewhere, its key does not open any more."""
    owner_id = None if row.owner_id is None else UserId(row.owner_id)
    return Place("provider_key", "sealed", f"{row.id} {row.provider_id} {row.origin}", owner_id)


async def opened_key(unit: AsyncSession, vault: Vault, row: ProviderKey) -> KnownKey | None:
    try:
        secret = await vault.open_text(unit, place_of(row), row.sealed)
    except (SealBroken, MasterKeyMissing) as reason:
        # One key that cannot be opened is no reason to have none.
        log.error("gateway.key_shut", key_id=str(row.id), reason=reason.code)
        return None
    owner_id = None if row.owner_id is None else UserId(row.owner_id)
    return KnownKey(row.id, owner_id, row.provider_id, row.origin, secret, row.ending, row.state)


def names_of(models: Mapping[UUID, KnownModel]) -> Mapping[str, tuple[KnownModel, ...]]:
    """All that a model may be called. The model of the older provider comes first where two have one name."""
    found: dict[str, list[KnownModel]] = defaultdict(list)
    for model in sorted(models.values(), key=lambda model: (model.provider.created_at, model.provider.id)):
        for name in spellings(model):
            found[name].append(model)
    return {name: tuple(those) for name, those in found.items()}


def spellings(model: KnownModel) -> Sequence[str]:
    provider = model.provider
    short = model.name.removeprefix("models/")
    plain: Iterable[str] = (
        str(model.id),
        model.name,
        short,
        f"{provider.kind}/{short}",
        f"{provider.label}/{short}",
        f"{provider.id}/{short}",
        short.removesuffix(":latest"),
        model.label,
    )
    return list(dict.fromkeys(name.lower() for name in plain))
