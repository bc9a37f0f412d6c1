"""Billing as the rest of the house knows it: what a run will cost, who pays it, and that it is paid once.

`quote` when a run is accepted, `reserve_all` in the transaction in which runs are written down, `settle_all` when they
are over. Everything is the caller's transaction.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from kontor.accounts import repository as people
from kontor.billing import configuration, exchange, prices
from kontor.billing.configuration import Billing
from kontor.billing.errors import PriceMissing
from kontor.billing.exchange import Day
from kontor.billing.holds import (
    Due,
    Reserved,
    Settled,
    Wanted,
    hold_of,
    reserve,
    reserve_all,
    settle,
    settle_all,
    void,
)
from kontor.billing.prices import PriceKey, Version
from kontor.billing.rates import BASIS, Cost, Line, Quote, Rate, cost
from kontor.billing.wallets import close
from kontor.core.database import elevated
from kontor.core.ids import UserId
from kontor.core.money import USD
from kontor.core.tenancy import Role

__all__ = [
    "Cost",
    "Due",
    "Line",
    "Offer",
    "PriceKey",
    "Quote",
    "Rate",
    "Reserved",
    "Settled",
    "Wanted",
    "close",
    "cost",
    "hold_of",
    "offers",
    "quote",
    "reserve",
    "reserve_all",
    "settle",
    "settle_all",
    "void",
]

_CURRENCY = text("SELECT currency FROM wallet WHERE owner_id = :owner")


async def quote(
    unit: AsyncSession,
    *,
    payer: UserId,
    key: PriceKey,
    is_own_key: bool,
    is_local: bool,
    role: Role | None,
    at: datetime,
    service: str | None = None,
) -> Quote:
    """The terms of a run. `role` is the payer's; None has it looked up. Raises PriceMissing where somebody would
    have to pay and nobody knows how much, and RateTooOld where dollars cannot be turned into their currency."""
    house = await configuration.read(unit)
    found = await prices.find(unit, key, at)
    currency = await currency_of(unit, payer, house)
    day = await exchange.find(unit, USD, currency, at)
    role = role or await role_of(unit, payer, house)
    asked = Asked(key, role, is_own_key=is_own_key, is_local=is_local, service=service)
    return terms_of(house, found, currency, day, asked, at)


@dataclass(frozen=True, slots=True)
class Asked:
    key: PriceKey
    role: Role
    is_own_key: bool
    is_local: bool
    service: str | None = None


def terms_of(  # noqa: PLR0917 - everything that terms are made of
    house: Billing, found: Version | None, currency: str, day: Day | None, asked: Asked, at: datetime
) -> Quote:
    # On a machine of one's own nothing is charged, unless an administrator has set what it costs.
    is_free = found.is_free if found is not None else asked.is_local
    rate = None if found is None or found.is_free else replace(found.rate(at), service=asked.service)
    is_charged = house.is_on and not asked.is_own_key and not is_free
    if is_charged and rate is None:
        raise PriceMissing(asked.key.provider, asked.key.model)
    changed = exchange.exchanged(day, USD, currency, at, is_binding=is_charged)
    if changed is None:
        # Nothing is booked, so dollars say as much as can be said.
        currency, changed = USD, exchange.Exchanged(Decimal(1))
    spread = house.spread_bp if is_charged and changed.day_id is not None else 0
    markup = house.markup_for(provider=asked.key.provider, model=asked.key.model, role=asked.role)
    return Quote(
        is_free=is_free,
        is_own_key=asked.is_own_key,
        rate=rate,
        fx_rate_id=changed.day_id,
        fx=changed.rate * (BASIS + spread) / BASIS,
        markup_bp=markup if is_charged else 0,
        currency=currency,
        is_billed=house.is_on,
        fx_day=None if changed.day is None else changed.day.isoformat(),
        spread_bp=spread,
    )


async def currency_of(unit: AsyncSession, payer: UserId, house: Billing) -> str:
    """The wallet's own, once there is one, where wallets are asked at all."""
    if not house.is_on:
        return house.currency
    async with elevated(unit, "billing"):
        found: str | None = await unit.scalar(_CURRENCY, {"owner": payer})
    return found or house.currency


async def role_of(unit: AsyncSession, payer: UserId, house: Billing) -> Role:
    """Of whoever pays, which need not be whoever asks. Looked up only where a markup is a matter of roles."""
    if not house.asks_for_roles:
        return Role.USER
    async with elevated(unit, "billing"):
        return await people.role_of(unit, payer) or Role.USER


@dataclass(frozen=True, slots=True)
class Offer:
    """What a model costs whoever asks, for lists: nano-units for a million tokens, by class, markup included."""

    currency: str
    is_free: bool
    per_million: dict[str, int]
    version_id: UUID


async def offers(
    unit: AsyncSession, keys: dict[PriceKey, bool], *, payer: UserId, role: Role, at: datetime
) -> dict[PriceKey, Offer]:
    """`keys` with whether each is called with a key of one's own. What has no price is missing from the answer."""
    house = await configuration.read(unit)
    found = await prices.find_all(unit, list(keys), at)
    currency = await currency_of(unit, payer, house)
    changed = await exchange.exchange(unit, USD, currency, at, is_binding=False)
    if changed is None:
        currency, changed = USD, exchange.Exchanged(Decimal(1))
    made = {}
    for key, version in found.items():
        is_charged = house.is_on and not keys[key]
        factor = Fraction(changed.rate)
        if is_charged:
            factor *= Fraction(BASIS + house.spread_bp, BASIS) if changed.day_id is not None else 1
            factor *= Fraction(BASIS + house.markup_for(provider=key.provider, model=key.model, role=role), BASIS)
        prices_now, _ = version.sheet.at(at)
        per_million = {} if version.is_free else {name: round(nano * factor) for name, nano in prices_now.items()}
        made[key] = Offer(currency, version.is_free, per_million, version.id)
    return made
