"""Billing where every millisecond counts: what terms are made of is known in memory, and news of it is heard.

What is held and charged is asked of the database all the same, each time.
"""

import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from datetime import datetime
from typing import Any, TypeVar, cast

from sqlalchemy.ext.asyncio import AsyncSession

from kontor.billing import configuration, exchange, holds, prices, service
from kontor.billing.configuration import TOPIC, Billing
from kontor.billing.prices import PriceKey
from kontor.billing.rates import Quote
from kontor.billing.service import Asked, terms_of
from kontor.core.events.listener import Listener
from kontor.core.events.publishing import CHANNEL
from kontor.core.ids import UserId
from kontor.core.money import USD
from kontor.core.tenancy import Role

# How long a process may go on with what it knows when an event was lost on the way.
FRESH_SECONDS = 15.0
MOST = 20_000

T = TypeVar("T")


class KnownBilling:
    """As `billing.service`, for a process that serves many. Deaf, it asks each time."""

    reserve = staticmethod(holds.reserve)
    settle = staticmethod(holds.settle)
    void = staticmethod(holds.void)

    def __init__(self, listener: Listener, *, fresh_seconds: float = FRESH_SECONDS) -> None:
        self._listener = listener
        self._fresh_seconds = fresh_seconds
        self._known: OrderedDict[Hashable, tuple[float, Any]] = OrderedDict()
        self._changes = 0
        listener.on(CHANNEL, self.heard)

    async def quote(
        self,
        unit: AsyncSession,
        *,
        payer: UserId,
        key: PriceKey,
        is_own_key: bool,
        is_local: bool,
        role: Role,
        at: datetime,
    ) -> Quote:
        house = await self._house(unit)
        found = await self._remember(("price", key), lambda: prices.find(unit, key, at))
        currency = await self._currency(unit, payer, house)
        day = await self._remember(("rate", currency, at.date()), lambda: exchange.find(unit, USD, currency, at))
        return terms_of(house, found, currency, day, Asked(key, role, is_own_key=is_own_key, is_local=is_local), at)

    async def _house(self, unit: AsyncSession) -> Billing:
        return await self._remember("house", lambda: configuration.read(unit))

    async def _currency(self, unit: AsyncSession, payer: UserId, house: Billing) -> str:
        if not house.is_on:
            return house.currency
        return await self._remember(("wallet", payer), lambda: service.currency_of(unit, payer, house))

    async def _remember(self, key: Hashable, ask: Callable[[], Awaitable[T]]) -> T:
        until, known = self._known.get(key, (0.0, None))
        if time.monotonic() < until and self._listener.connected.is_set():
            return cast("T", known)
        changes = self._changes
        found = await ask()
        # What was changed while we asked may or may not be in the answer, so the next one asks again.
        if changes == self._changes:
            self._known[key] = time.monotonic() + self._fresh_seconds, found
            self._known.move_to_end(key)
            while len(self._known) > MOST:
                self._known.popitem(last=False)
        return found

    def heard(self, payload: str | None) -> None:
        """News of the topic, or a new connection before which anything may have been missed."""
        if payload is None or payload.endswith(f" {TOPIC}"):
            self._changes += 1
            self._known.clear()
