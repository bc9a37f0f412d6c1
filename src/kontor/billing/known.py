"""Billing where every millisecond counts: what terms are made of is known in memory, and news of it is heard.

What is held and charged is asked of the database all the same, each time.
"""

import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar, cast
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from kontor.billing import configuration, exchange, holds, prices, service
from kontor.billing.configuration import TOPIC, Billing
from kontor.billing.prices import PriceKey
from kontor.billing.rates import Quote
from kontor.billing.service import Asked, terms_of
from kontor.core.database import Database
from kontor.core.events.listener import Listener
from kontor.core.events.publishing import CHANNEL, PERSON_PREFIX
from kontor.core.ids import UserId
from kontor.core.money import USD
from kontor.core.tenancy import Role

# How long a process may go on with what it knows when an event was lost on the way.
FRESH_SECONDS = 15.0
MOST = 20_000

T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """Until it is answered, a question stands for its answer: news takes either away."""

    value: Any = None
    until: float = 0.0


class NotKnown(Exception):
    """Something has to be asked for, and there is no transaction to ask in."""


class KnownBilling:
    """As `billing.service`, for a process that serves many. Deaf, it asks each time."""

    reserve_all = staticmethod(holds.reserve_all)
    settle_all = staticmethod(holds.settle_all)

    def __init__(self, database: Database, listener: Listener, *, fresh_seconds: float = FRESH_SECONDS) -> None:
        self._database = database
        self._listener = listener
        self._fresh_seconds = fresh_seconds
        self._known: OrderedDict[Hashable, Known] = OrderedDict()
        listener.on(CHANNEL, self.heard)

    async def quote(
        self,
        *,
        payer: UserId,
        key: PriceKey,
        is_own_key: bool,
        is_local: bool,
        role: Role | None,
        at: datetime,
        service: str | None = None,
    ) -> Quote:
        """Without a transaction where everything is known, and otherwise in one of its own."""

        async def made(unit: AsyncSession | None) -> Quote:
            house: Billing = await self._remember(unit, "house", configuration.read)
            found = await self._remember(unit, ("price", key), lambda unit: prices.find(unit, key, at))
            currency = await self._currency(unit, payer, house)
            rate = ("rate", currency, at.date())
            day = await self._remember(unit, rate, lambda unit: exchange.find(unit, USD, currency, at))
            whose = role or await self._role(unit, payer, house)
            asked = Asked(key, whose, is_own_key=is_own_key, is_local=is_local, service=service)
            return terms_of(house, found, currency, day, asked, at)

        try:
            return await made(None)
        except NotKnown:
            async with self._database.system("billing") as unit:
                return await made(unit)

    async def _currency(self, unit: AsyncSession | None, payer: UserId, house: Billing) -> str:
        if not house.is_on:
            return house.currency
        return await self._remember(unit, ("wallet", payer), lambda unit: service.currency_of(unit, payer, house))

    async def _role(self, unit: AsyncSession | None, payer: UserId, house: Billing) -> Role:
        if not house.asks_for_roles:
            return Role.USER
        return await self._remember(unit, ("role", payer), lambda unit: service.role_of(unit, payer, house))

    async def _remember(
        self, unit: AsyncSession | None, key: Hashable, ask: Callable[[AsyncSession], Awaitable[T]]
    ) -> T:
        known = self._known.get(key)
        if known is not None and time.monotonic() < known.until and self._listener.connected.is_set():
            return cast("T", known.value)
        if unit is None:
            raise NotKnown
        asking = self._known[key] = Known()
        found = await ask(unit)
        # What was changed while we asked may or may not be in the answer, so the next one asks again.
        if self._known.get(key) is asking:
            self._known[key] = Known(found, time.monotonic() + self._fresh_seconds)
            self._known.move_to_end(key)
            while len(self._known) > MOST:
                self._known.popitem(last=False)
        return found

    def heard(self, payload: str | None) -> None:
        """News of the topic or of a person, or a new connection before which anything may have been missed."""
        if payload is None or payload.endswith(f" {TOPIC}"):
            self._known.clear()
            return
        _, _, topic = payload.partition(" ")
        if topic.startswith(PERSON_PREFIX):
            with suppress(ValueError):
                self._known.pop(("role", UUID(topic.removeprefix(PERSON_PREFIX))), None)
