"""The gateway of one process, and the deeds that reach a provider: adding, testing, listing, finding.

No transaction stays open while a provider is waited for: what is needed is read, the provider is asked, and what came
of it is written.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from uuid import UUID

import structlog
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from kontor.core.clock import now
from kontor.core.database import Database
from kontor.core.errors import FieldProblem, KontorError
from kontor.core.fetch import Fetcher
from kontor.core.ids import UserId, new_id
from kontor.core.kernel import Kernel
from kontor.core.tenancy import Actor
from kontor.core.vault.service import Vault
from kontor.gateway import addresses, catalogue, health, keys, known, listed_prices, providers
from kontor.gateway.catalogue import Refreshed
from kontor.gateway.errors import BadAnswer, KeyRefused
from kontor.gateway.health import LISTS, Recorder
from kontor.gateway.keys import NewKey, OwnAddressesNotAllowed, OwnKeysNotAllowed
from kontor.gateway.known import PASSAGES, Knowledge, KnownKey, KnownProvider
from kontor.gateway.made_lists import MadeLists
from kontor.gateway.passages import Answerer, PassagesAdapter
from kontor.gateway.providers import ProviderBuiltIn
from kontor.gateway.resilience import Retry
from kontor.gateway.schemas import OwnKeyCreate, ProviderCreate
from kontor.gateway.tables import Provider, ProviderKey
from kontor.gateway.transport import Outgoing, Timeouts, Transport
from kontor.gateway.wire.adapters import ADAPTERS
from kontor.gateway.wire.faults import Unreadable
from kontor.gateway.wire.port import Adapter, Describing, Endpoint, Listed
from kontor.gateway.wire.quirks import KINDS

log = structlog.get_logger(__name__)

# Somebody waits for these, and whoever does not list its models in ten seconds will not answer well either.
LIST_TIMEOUTS = Timeouts(queue=5, connect=5, first_byte=10, idle=10, total=15)
LARGEST_LIST = 16 * 1024 * 1024
ONCE = Retry(attempts=1)
DESCRIBED_AT_ONCE = 4
MOST_DESCRIBED = 200
REFRESH_EVERY = timedelta(hours=24)

PASSAGES_ADAPTER: Adapter = PassagesAdapter()


@dataclass(frozen=True, slots=True)
class Answered:
    """What became of asking a provider for its models."""

    listed: Sequence[Listed] = ()
    ms: int | None = None
    error: KontorError | None = None


@dataclass(slots=True)
class Gateway:
    """Made once for a process. Others find in it what they share: what is known, the way out, the record of health."""

    database: Database
    vault: Vault
    fetcher: Fetcher
    knowledge: Knowledge
    transport: Transport
    recorder: Recorder
    answerer: Answerer = field(init=False)
    lists: MadeLists = field(init=False)

    def __post_init__(self) -> None:
        self.lists = MadeLists(self.database, self.knowledge)
        self.answerer = Answerer(self.transport)
        self.transport.watcher = self.recorder.note

    @classmethod
    def of(cls, kernel: Kernel) -> "Gateway":
        made = cls(
            kernel.database,
            kernel.vault,
            kernel.fetcher,
            Knowledge(kernel.database, kernel.vault, kernel.listener),
            Transport(kernel.fetcher),
            Recorder(kernel.database),
        )
        kernel.close_with(made.close)
        return made

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """What goes on beside the calls."""
        task = asyncio.create_task(self.recorder.run(), name="gateway-health")
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait({task})

    async def close(self) -> None:
        await self.transport.close()

    async def ask_models(
        self,
        provider: KnownProvider,
        key: KnownKey | None,
        *,
        person: UUID | None,
        is_described: bool = True,
        timeouts: Timeouts = LIST_TIMEOUTS,
    ) -> Answered:
        """The cheapest thing that a provider can be asked, and a test of the key at once. Errors are in the answer.

        `is_described`: where the list has names alone, each model is asked for as well.
        """
        adapter = ADAPTERS.get(provider.protocol)
        if adapter is None:
            return Answered(error=BadAnswer(provider.label, reason=f"speaks {provider.protocol}, which is not known"))
        at = provider.endpoint(key)
        request = Outgoing(
            person=person,
            provider=provider.id,
            label=provider.label,
            model=LISTS,
            key=None if key is None else key.id,
            is_guarded=provider.is_guarded,
            timeouts=timeouts,
            retry=ONCE,
            largest_answer=LARGEST_LIST,
        )
        began = time.monotonic()
        try:
            body = await self.transport.send(request, adapter, adapter.models(at), at)
        except KontorError as error:
            return Answered(error=error)
        ms = round((time.monotonic() - began) * 1000)
        try:
            listed = adapter.read_models(body)
        except Unreadable:
            return Answered(error=BadAnswer(provider.label, reason="sent no list of models"))
        if is_described and isinstance(adapter, Describing):
            listed = await self._described(request, adapter, listed, at)
        return Answered(listed, ms=ms)

    async def _described(
        self, request: Outgoing, adapter: Adapter, listed: Sequence[Listed], at: Endpoint
    ) -> Sequence[Listed]:
        """A few at a time. A model of which nothing can be learned stays as it was listed."""
        places = asyncio.Semaphore(DESCRIBED_AT_ONCE)

        async def one(each: Listed) -> Listed:
            if not isinstance(adapter, Describing):
                return each
            async with places:
                try:
                    body = await self.transport.send(request, adapter, adapter.describe(each.name, at), at)
                except KontorError:
                    return each
            try:
                return adapter.read_description(each, body)
            except Unreadable:
                return each

        described = await asyncio.gather(*(one(each) for each in listed[:MOST_DESCRIBED]))
        return [*described, *listed[MOST_DESCRIBED:]]


def adapter_of(provider: KnownProvider) -> Adapter:
    if provider.protocol == PASSAGES:
        return PASSAGES_ADAPTER
    found = ADAPTERS.get(provider.protocol)
    if found is None:
        raise BadAnswer(provider.label, reason=f"speaks {provider.protocol}, which is not known here")
    return found


def trial_key(provider: KnownProvider, secret: str, *, owner_id: UserId | None) -> KnownKey:
    """One that is not kept yet."""
    return KnownKey(new_id(), owner_id, provider.id, provider.origin, secret, secret[-4:], "untested")


async def add_provider(
    gateway: Gateway, actor: Actor, wish: ProviderCreate, *, address: str | None
) -> tuple[Provider, Answered]:
    """Asked for its models before it is kept; a key that it refuses is not kept, and neither is it."""
    row = providers.made(wish)
    secret = None if wish.key is None else wish.key.get_secret_value()
    provider = known.known_provider(row)
    key = None if secret is None else trial_key(provider, secret, owner_id=None)
    answered = Answered()
    if key is not None or not provider.needs_key:
        answered = await gateway.ask_models(provider, key, person=actor.user_id)
        if isinstance(answered.error, KeyRefused) and key is not None:
            raise refused(answered.error)
    async with gateway.database.unit(actor.as_admin()) as unit:
        await providers.add(unit, actor, row, address=address)
        if secret is not None:
            new = NewKey(secret, is_tested=answered.error is None)
            await keys.add(unit, gateway.vault, actor, row, new, owner_id=None, address=address)
        enabled = None if wish.models is None else frozenset(wish.models)
        if answered.listed:
            await catalogue.refresh(unit, row, answered.listed, enabled=enabled)
    gateway.knowledge.forget()
    await remember(gateway, row.id, answered, key_id=None)
    await take_prices(gateway, provider, answered.listed)
    return row, answered


async def take_prices(gateway: Gateway, provider: KnownProvider, listed: Sequence[Listed]) -> None:
    if not listed or not listed_prices.is_trusted(provider):
        return
    async with gateway.database.system("billing") as unit:
        if await listed_prices.take_in(unit, provider, listed):
            await known.tell(unit, None)
    gateway.knowledge.forget()


def refused(error: KontorError) -> KontorError:
    return FieldProblem("key", error.message, reason="refused")


async def add_house_key(
    gateway: Gateway, actor: Actor, provider_id: UUID, secret: str, *, address: str | None
) -> tuple[ProviderKey, Answered]:
    async with gateway.database.unit(actor.as_admin()) as unit:
        row = await providers.find(unit, provider_id)
        if row.protocol == PASSAGES:
            raise ProviderBuiltIn
        provider = known.known_provider(row)
    key = trial_key(provider, secret, owner_id=None)
    answered = await gateway.ask_models(provider, key, person=actor.user_id)
    if isinstance(answered.error, KeyRefused):
        raise refused(answered.error)
    async with gateway.database.unit(actor.as_admin()) as unit:
        row = await providers.find(unit, provider_id, for_update=True)
        refuse_moved(row, provider)
        new = NewKey(secret, is_tested=answered.error is None)
        added = await keys.add(unit, gateway.vault, actor, row, new, owner_id=None, address=address)
        if answered.listed:
            await catalogue.refresh(unit, row, answered.listed)
    gateway.knowledge.forget()
    await remember(gateway, provider_id, answered, key_id=added.id)
    await take_prices(gateway, provider, answered.listed)
    return added, answered


def refuse_moved(row: Provider, provider: KnownProvider) -> None:
    """Somebody changed the address while the key was being tried at the old one."""
    if row.origin != provider.origin:
        raise FieldProblem("base_url", "The address was changed meanwhile. Enter the key again.", reason="moved")


async def add_own_key(
    gateway: Gateway, actor: Actor, wish: OwnKeyCreate, *, address: str | None
) -> tuple[ProviderKey, Provider, Answered]:
    """For a provider of the house, or for one of one's own, which comes into being with its first key."""
    secret = wish.key.get_secret_value()
    async with gateway.database.unit(actor) as unit:
        row = await own_target(unit, gateway, actor, wish)
        provider = known.known_provider(row)
        is_new = row not in unit
    key = trial_key(provider, secret, owner_id=actor.user_id)
    answered = await gateway.ask_models(provider, key, person=actor.user_id)
    if isinstance(answered.error, KeyRefused):
        raise refused(answered.error)
    async with gateway.database.unit(actor) as unit:
        if is_new:
            await providers.add_own(unit, actor, row)
        else:
            present = await unit.scalar(select(Provider).where(Provider.id == provider.id))
            if present is None:
                raise providers.ProviderNotFound
            row = present
            refuse_moved(row, provider)
        new = NewKey(secret, is_tested=answered.error is None)
        added = await keys.add(unit, gateway.vault, actor, row, new, owner_id=actor.user_id, address=address)
        # What the house's provider offers is for administrators to say, whatever one person's key may list.
        if answered.listed and row.owner_id is not None:
            await catalogue.refresh(unit, row, answered.listed)
    gateway.knowledge.forget(actor.user_id)
    return added, row, answered


async def own_target(unit: AsyncSession, gateway: Gateway, actor: Actor, wish: OwnKeyCreate) -> Provider:
    """The row that a new key of one's own is for: one that is there, or one that is still to be added."""
    config = (await gateway.knowledge.house()).config
    if not config.own_keys_allowed:
        raise OwnKeysNotAllowed
    if wish.base_url is None and (found := await present_target(unit, actor, wish.provider)) is not None:
        return found
    kind = KINDS.get(wish.provider)
    if kind is None:
        raise FieldProblem("provider", "There is no such provider, and no such kind of one.", reason="unknown")
    if wish.base_url is not None and not config.own_addresses_allowed:
        raise OwnAddressesNotAllowed
    place = addresses.parse_public(providers.address_of(kind, wish.base_url), gateway.fetcher)
    await providers.refuse_too_many(unit, actor.user_id)
    return providers.made_own(actor, kind, place, label=wish.label)


async def present_target(unit: AsyncSession, actor: Actor, named: str) -> Provider | None:
    """By id, whatever it is. By kind only at the usual address of the kind: where else a key goes is for its owner to
    say, not to find out."""
    mine = (Provider.owner_id == actor.user_id) | Provider.owner_id.is_(None)
    query = select(Provider).where(mine, Provider.is_enabled, Provider.protocol != PASSAGES)
    try:
        wanted = UUID(named)
    except ValueError:
        kind = KINDS.get(named)
        if kind is None or kind.base_url is None:
            return None
        usual = addresses.parse(kind.base_url)
        ordered = query.where(Provider.kind == named, Provider.origin == usual.origin).order_by(
            Provider.owner_id.is_(None), Provider.created_at
        )
        return await unit.scalar(ordered.limit(1))
    found = await unit.scalar(query.where(Provider.id == wanted))
    if found is None:
        raise providers.ProviderNotFound
    return found


async def test_own_key(gateway: Gateway, actor: Actor, key_id: UUID) -> Answered:
    async with gateway.database.unit(actor) as unit:
        row, provider_row = await keys.find(unit, key_id, owner_id=actor.user_id)
        provider = known.known_provider(provider_row)
        key = await known.opened_key(unit, gateway.vault, row)
    if key is None:
        raise keys.KeyNotFound
    answered = await gateway.ask_models(provider, key, person=actor.user_id)
    state = "refused" if isinstance(answered.error, KeyRefused) else "ok" if answered.error is None else None
    if state is not None:
        async with gateway.database.unit(actor) as unit:
            row, provider_row = await keys.find(unit, key_id, owner_id=actor.user_id)
            await keys.set_state(unit, row, state)
            if answered.listed and provider_row.owner_id is not None:
                await catalogue.refresh(unit, provider_row, answered.listed)
        gateway.knowledge.forget(actor.user_id)
    return answered


async def test_provider(gateway: Gateway, provider_id: UUID, *, person: UUID | None) -> Answered:
    """With the house's best key; it stands in the provider's history like any other check."""
    provider, key = await house_provider(gateway, provider_id)
    answered = await gateway.ask_models(provider, key, person=person)
    await remember(gateway, provider_id, answered, key_id=None if key is None else key.id)
    return answered


async def refresh_provider(gateway: Gateway, actor: Actor, provider_id: UUID) -> Refreshed:
    provider, key = await house_provider(gateway, provider_id)
    answered = await gateway.ask_models(provider, key, person=actor.user_id)
    await remember(gateway, provider_id, answered, key_id=None if key is None else key.id)
    if answered.error is not None:
        raise answered.error
    async with gateway.database.unit(actor.as_admin()) as unit:
        row = await providers.find(unit, provider_id, for_update=True)
        refreshed = await catalogue.refresh(unit, row, answered.listed)
    gateway.knowledge.forget()
    await take_prices(gateway, provider, answered.listed)
    return refreshed


async def house_provider(gateway: Gateway, provider_id: UUID) -> tuple[KnownProvider, KnownKey | None]:
    gateway.knowledge.forget()
    house = await gateway.knowledge.house()
    provider = house.providers.get(provider_id)
    if provider is None:
        raise providers.ProviderNotFound
    if provider.protocol == PASSAGES:
        raise ProviderBuiltIn
    found = house.keys.get(provider_id)
    return provider, found[0] if found else None


async def remember(gateway: Gateway, provider_id: UUID, answered: Answered, *, key_id: UUID | None) -> None:
    """What a check found out. Where nobody was asked there is nothing to remember."""
    if answered.error is None and answered.ms is None:
        return
    seen = health.of_check(ms=answered.ms, error=answered.error, key_id=key_id)
    async with gateway.database.system("health") as unit:
        await health.write(unit, provider_id, seen, source="check")
    gateway.knowledge.forget()


async def check_all(gateway: Gateway) -> int:
    """By the clock: every provider of the house that is switched on, side by side; answers how many."""
    house = await gateway.knowledge.house()
    wanted = [
        provider
        for provider in house.providers.values()
        if provider.is_enabled
        and provider.protocol != PASSAGES
        and (house.keys.get(provider.id) or not provider.needs_key)
    ]

    async def check(provider: KnownProvider) -> Answered:
        found = house.keys.get(provider.id)
        is_due = provider.refreshed_at is None or now() - provider.refreshed_at > REFRESH_EVERY
        return await gateway.ask_models(provider, found[0] if found else None, person=None, is_described=is_due)

    for provider, answered in zip(wanted, await asyncio.gather(*map(check, wanted)), strict=True):
        found = house.keys.get(provider.id)
        await remember(gateway, provider.id, answered, key_id=found[0].id if found else None)
        if answered.listed:
            await refresh_if_due(gateway, provider, answered.listed)
    return len(wanted)


async def refresh_if_due(gateway: Gateway, provider: KnownProvider, listed: Sequence[Listed]) -> None:
    """The list came anyway. Once a day is enough to take it in."""
    async with gateway.database.system("configuration") as unit:
        row = await unit.scalar(select(Provider).where(Provider.id == provider.id).with_for_update())
        if row is None or (row.refreshed_at is not None and now() - row.refreshed_at <= REFRESH_EVERY):
            return
        await catalogue.refresh(unit, row, listed)
    gateway.knowledge.forget()
    await take_prices(gateway, provider, listed)


@dataclass(frozen=True, slots=True)
class Found:
    """A model server on this machine."""

    kind: str
    base_url: str
    listed: Sequence[Listed]
    provider_id: UUID | None


DISCOVERED = ("ollama", "lmstudio", "llamacpp", "vllm")
DISCOVER_TIMEOUTS = replace(LIST_TIMEOUTS, queue=1, connect=0.5, first_byte=2, idle=2, total=3)


async def discover(
    gateway: Gateway, *, own_port: int, places: Sequence[tuple[str, str]] | None = None
) -> Sequence[Found]:
    """Who answers on loopback, where such servers usually listen. Nothing beyond this machine is asked."""
    house = await gateway.knowledge.house()
    usual = [(kind, KINDS[kind].base_url or "") for kind in DISCOVERED] if places is None else places
    asked = [(kind, place) for kind, base_url in usual if (place := addresses.parse(base_url)).origin != ours(own_port)]

    async def look(kind: str, place: addresses.Address) -> Found | None:
        row = providers.made(ProviderCreate(kind=kind, base_url=place.base_url))
        provider = known.known_provider(row)
        answered = await gateway.ask_models(provider, None, person=None, timeouts=DISCOVER_TIMEOUTS)
        if answered.error is not None:
            return None
        there = next((each.id for each in house.providers.values() if each.base_url == place.base_url), None)
        return Found(kind, place.base_url, answered.listed, there)

    found = await asyncio.gather(*(look(kind, place) for kind, place in asked))
    return [each for each in found if each is not None]


def ours(port: int) -> str:
    return f"http://127.0.0.1:{port}"
