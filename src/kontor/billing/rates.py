"""What tokens cost: prices by class with tiers and hours, and the sum of one run. Values and arithmetic alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

from kontor.billing.usage import Usage
from kontor.core.money import ceil_div

MILLION = 1_000_000
BASIS = 10_000  # basis points in one

CLASSES = ("input", "cached", "cache_write", "output", "reasoning", "image", "audio_in", "audio_out",
           "cache_write_1h", "image_out")  # fmt: skip

# Where a price names no class of its own, the class costs what it is a kind of: never less than was meant.
FALLBACK = {
    "cached": "input",
    "cache_write": "input",
    "cache_write_1h": "cache_write",
    "image": "input",
    "audio_in": "input",
    "reasoning": "output",
    "audio_out": "output",
    "image_out": "output",
}
# ... but these are sold for more everywhere. Without a price of their own, their cost is an estimate.
DEARER = frozenset({"cache_write_1h", "image_out"})

# Ways of serving that cost what is usual, as providers name them. Others have prices of their own, or nobody knows.
ORDINARY = frozenset({"auto", "default", "standard", "standard_only", "on_demand"})
LONGEST_SERVICE = 40

Prices = Mapping[str, int]  # class -> USD nano for a million tokens


@dataclass(frozen=True, slots=True)
class Tier:
    """From more than `above` tokens read on, all tokens of the run cost this."""

    above: int
    prices: Prices


@dataclass(frozen=True, slots=True)
class Service:
    """What another way of being served costs, such as `flex` or `priority`. What it does not name costs the usual."""

    prices: Prices
    tiers: tuple[Tier, ...] = ()

    def instead_of(self, prices: Prices, tiers: Sequence[Tier]) -> tuple[Prices, tuple[Tier, ...]]:
        """A class that it names has its tiers from here as well."""
        merged = {tier.above: {name: nano for name, nano in tier.prices.items() if name not in self.prices}
                  for tier in tiers}  # fmt: skip
        for tier in self.tiers:
            merged[tier.above] = {**merged.get(tier.above, {}), **tier.prices}
        return {**prices, **self.prices}, tuple(Tier(above, found) for above, found in sorted(merged.items()) if found)

    def every_price(self) -> Sequence[Prices]:
        return [self.prices, *(tier.prices for tier in self.tiers)]

    def stored(self) -> dict[str, Any]:
        return {"prices": dict(self.prices), **({"tiers": _stored_tiers(self.tiers)} if self.tiers else {})}

    @classmethod
    def parse(cls, stored: Mapping[str, Any]) -> "Service":
        return cls(_prices(stored["prices"]), _tiers(stored.get("tiers", ())))


Services = Mapping[str, Service]


@dataclass(frozen=True, slots=True)
class Hours:
    """Every day between two times (UTC), also across midnight, other prices hold."""

    begins: time
    ends: time
    prices: Prices
    tiers: tuple[Tier, ...] = ()

    def hold_at(self, at: datetime) -> bool:
        moment = at.astimezone(UTC).time()
        if self.ends < self.begins:
            return moment >= self.begins or moment < self.ends
        return self.begins <= moment < self.ends


@dataclass(frozen=True, slots=True)
class PriceSheet:
    """One version of a model's price, as it is stored."""

    prices: Prices
    tiers: tuple[Tier, ...] = ()
    hours: tuple[Hours, ...] = ()
    services: Services = field(default_factory=dict)

    def at(self, moment: datetime) -> "tuple[Prices, tuple[Tier, ...]]":
        """Of several hours that hold, the last one counts."""
        for hours in reversed(self.hours):
            if hours.hold_at(moment):
                return hours.prices, hours.tiers
        return self.prices, self.tiers

    def every_price(self) -> Sequence[Prices]:
        return [
            self.prices,
            *(tier.prices for tier in self.tiers),
            *(prices for hours in self.hours for prices in (hours.prices, *(tier.prices for tier in hours.tiers))),
            *(prices for each in self.services.values() for prices in each.every_price()),
        ]

    def stored(self) -> dict[str, Any]:
        found: dict[str, Any] = {"prices": dict(self.prices)}
        if self.tiers:
            found["tiers"] = _stored_tiers(self.tiers)
        if self.hours:
            found["hours"] = [
                {
                    "from": f"{each.begins:%H:%M}",
                    "to": f"{each.ends:%H:%M}",
                    "prices": dict(each.prices),
                    **({"tiers": _stored_tiers(each.tiers)} if each.tiers else {}),
                }
                for each in self.hours
            ]
        if self.services:
            found["services"] = {name: each.stored() for name, each in self.services.items()}
        return found

    @classmethod
    def parse(cls, stored: Mapping[str, Any]) -> "PriceSheet":
        return cls(
            prices=_prices(stored["prices"]),
            tiers=_tiers(stored.get("tiers", ())),
            hours=tuple(
                Hours(
                    time.fromisoformat(each["from"]),
                    time.fromisoformat(each["to"]),
                    _prices(each["prices"]),
                    _tiers(each.get("tiers", ())),
                )
                for each in stored.get("hours", ())
            ),
            services={name: Service.parse(each) for name, each in stored.get("services", {}).items()},
        )


def _stored_tiers(tiers: Sequence[Tier]) -> list[dict[str, Any]]:
    return [{"above": tier.above, "prices": dict(tier.prices)} for tier in tiers]


def _prices(stored: Mapping[str, Any]) -> Prices:
    return {name: int(price) for name, price in stored.items() if name in CLASSES}


def _tiers(stored: Sequence[Mapping[str, Any]]) -> tuple[Tier, ...]:
    return tuple(sorted((Tier(int(each["above"]), _prices(each["prices"])) for each in stored), key=lambda t: t.above))


@dataclass(frozen=True, slots=True)
class Rate:
    """The version of a price that holds at a moment, its hours already chosen."""

    usd_nano_per_million: Prices
    version_id: UUID
    valid_from: datetime
    source: str
    tiers: tuple[Tier, ...] = ()
    services: Services = field(default_factory=dict)
    service: str | None = None  # that was asked for

    def for_usage(self, usage: Usage, service: str | None = None) -> Prices:
        """A tier is reached by what is read, and then counts for everything; it may name some classes only. `service`
        is how it was served in the end; without a word of that, as it was asked for."""
        prices, tiers = self.usd_nano_per_million, self.tiers
        served = self.services.get(service or self.service or "")
        if served is not None:
            prices, tiers = served.instead_of(prices, tiers)
        reached = [tier.prices for tier in tiers if usage.read > tier.above]
        return {**prices, **reached[-1]} if reached else prices

    def is_certain(self, service: str | None) -> bool:
        """Whether this is the price of how it was served."""
        if service is None:
            return self.service is None or self.service in ORDINARY
        return service in ORDINARY or service in self.services


def price_of(prices: Prices, name: str) -> int:
    """What a class costs that is used, or 0 where neither it nor what it is a kind of has a price."""
    return _price(prices, name) or 0


def has_price(prices: Prices, name: str) -> bool:
    return _price(prices, name) is not None


def _price(prices: Prices, name: str) -> int | None:
    """Nothing but output may cost nothing, for models that write nothing; another price of nothing is none."""
    known: str | None = name
    while known is not None:
        found = prices.get(known)
        if found is not None and (found > 0 or (found == 0 and known == "output")):
            return found
        known = FALLBACK.get(known)
    return None


@dataclass(frozen=True, slots=True)
class Quote:
    """On what terms a run is paid. Fixed when the run is accepted, and never priced anew."""

    is_free: bool
    is_own_key: bool
    rate: Rate | None  # None: nobody knows what it costs, which only matters to nobody who pays
    fx_rate_id: UUID | None
    fx: Decimal  # units of the payer's currency for one US dollar, the house's spread included
    markup_bp: int
    currency: str
    is_billed: bool = False  # whether the payer's wallet is asked at all
    fx_day: str | None = None
    spread_bp: int = 0

    @property
    def is_charged(self) -> bool:
        return self.is_billed and not self.is_free and not self.is_own_key

    def stored(self) -> dict[str, Any]:
        """For the run's row: everything that a receipt tells, whatever prices become."""
        rate = None
        if self.rate is not None:
            rate = {
                "prices": dict(self.rate.usd_nano_per_million),
                "tiers": _stored_tiers(self.rate.tiers),
                "version_id": str(self.rate.version_id),
                "valid_from": self.rate.valid_from.isoformat(),
                "source": self.rate.source,
            }
            # All other ways of being served are for the process that settles, and too much for each row.
            if (asked := self.rate.service) is not None:
                rate["service"] = asked
                if (served := self.rate.services.get(asked)) is not None:
                    rate["services"] = {asked: served.stored()}
        return {
            "is_free": self.is_free,
            "is_own_key": self.is_own_key,
            "is_billed": self.is_billed,
            "rate": rate,
            "fx_rate_id": None if self.fx_rate_id is None else str(self.fx_rate_id),
            "fx": str(self.fx),
            "fx_day": self.fx_day,
            "spread_bp": self.spread_bp,
            "markup_bp": self.markup_bp,
            "currency": self.currency,
        }

    @classmethod
    def parse(cls, stored: Mapping[str, Any]) -> "Quote":
        rate = None
        if (kept := stored["rate"]) is not None:
            rate = Rate(
                _prices(kept["prices"]),
                UUID(kept["version_id"]),
                datetime.fromisoformat(kept["valid_from"]),
                kept["source"],
                _tiers(kept["tiers"]),
                {name: Service.parse(each) for name, each in kept.get("services", {}).items()},
                kept.get("service"),
            )
        return cls(
            is_free=stored["is_free"],
            is_own_key=stored["is_own_key"],
            rate=rate,
            fx_rate_id=UUID(stored["fx_rate_id"]) if stored["fx_rate_id"] else None,
            fx=Decimal(stored["fx"]),
            markup_bp=stored["markup_bp"],
            currency=stored["currency"],
            is_billed=stored["is_billed"],
            fx_day=stored["fx_day"],
            spread_bp=stored["spread_bp"],
        )


@dataclass(frozen=True, slots=True)
class Line:
    """One class of one run on its receipt. The lines of a run make its sum, to the nano."""

    name: str
    tokens: int
    nano: int
    usd_nano_per_million: int


@dataclass(frozen=True, slots=True)
class Cost:
    """`charged_nano` is what the payer owes the house; `spent_nano` is what the run cost somebody, on whatever key,
    and what budgets count."""

    lines: Sequence[Line]
    provider_usd_nano: int
    charged_nano: int
    currency: str
    spent_nano: int = 0
    is_known: bool = True
    is_estimated: bool = False  # the price of something in it is not known, but that of something like it

    def nothing(self) -> bool:
        return self.charged_nano == 0 and self.spent_nano == 0


@dataclass(frozen=True, slots=True)
class _Share:
    name: str
    tokens: int
    price: int


# The line of a run whose price only the provider knows.
TOLD = "told_by_provider"

# How far a provider's own word may be from our price before we go by the price.
BELIEVED = 5


def cost(quote: Quote, usage: Usage, provider_said_usd_nano: int | None = None, *, service: str | None = None) -> Cost:
    """Exact to the end, then rounded up once, to the nano. `service` is how the provider says it served the run."""
    prices: Prices = {} if quote.rate is None or quote.is_free else quote.rate.for_usage(usage, service)
    used = {name: tokens for name, tokens in usage.by_class().items() if tokens > 0}
    shares = [_Share(name, tokens, price_of(prices, name)) for name, tokens in used.items()]
    # All of it in whole numbers: `ours` is in millionths of a nano-dollar, and one division rounds up at the end.
    ours = sum(share.tokens * share.price for share in shares)
    dollars, parts = (ours, MILLION) if (said := _believed(quote, ours, provider_said_usd_nano)) is None else (said, 1)
    over, under = quote.fx.as_integer_ratio()
    if quote.is_charged:
        over, under = over * (BASIS + quote.markup_bp), under * BASIS
    # A provider that names its price names one sum; the classes share in it as they would have in ours.
    lines, exact, told = [], 0, 0
    for share in shares:
        exact += share.tokens * share.price
        upto = ceil_div(exact * dollars * over, (ours or 1) * parts * under)
        lines.append(Line(share.name, share.tokens, upto - told, share.price))
        told = upto
    total = ceil_div(dollars * over, parts * under)
    if told < total:
        lines.append(Line(TOLD, 0, total - told, 0))
    return Cost(
        lines=lines,
        provider_usd_nano=ceil_div(dollars, parts),
        charged_nano=0 if quote.is_own_key or quote.is_free else total,
        currency=quote.currency,
        spent_nano=total,
        is_known=quote.is_free
        or provider_said_usd_nano is not None
        or (quote.rate is not None and all(has_price(prices, name) for name in used)),
        is_estimated=ours != 0
        and provider_said_usd_nano is None
        and not (
            quote.rate is not None and quote.rate.is_certain(service) and DEARER.isdisjoint(used.keys() - prices.keys())
        ),
    )


def _believed(quote: Quote, ours: int, said: int | None) -> int | None:
    """What the provider says that it costs, in nano-dollars, or None where our price counts."""
    if quote.is_free or said is None or said < 0:
        return None
    if ours == 0:
        return said if quote.rate is None else None
    return said if ours <= said * MILLION * BELIEVED and said * MILLION <= ours * BELIEVED else None


def affordable_output(quote: Quote, upper: Usage, available: int) -> int | None:
    """How much output would fit into what is available; None when not even the question does."""

    def fits(output: int) -> bool:
        asked = replace(upper, output=output, reasoning=0, audio_out=0, image_out=0)
        return cost(quote, asked).charged_nano <= available

    if not fits(1):
        return None
    low, high = 1, max(upper.written, 1)
    while low < high:
        middle = (low + high + 1) // 2
        if fits(middle):
            low = middle
        else:
            high = middle - 1
    return low
