"""Money over the wire: whole nano-units, as numbers. A browser counts exactly up to nine million units."""

from collections.abc import Mapping
from datetime import date, datetime, time
from decimal import Decimal
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

from kontor.billing.budgets import Budget
from kontor.billing.configuration import Billing, CurrencyCode, Markup
from kontor.billing.exchange import REFUSE_DAYS, WARN_DAYS, Day
from kontor.billing.prices import OwnPrice, PriceKey, Version
from kontor.billing.rates import CLASSES, Hours, PriceSheet, Tier
from kontor.billing.refreshing import FeedState
from kontor.core.clock import now
from kontor.core.text import Line

# A thousand million units: no sum of ours is larger, and every sum of such sums fits into its column.
MOST = 1_000_000_000_000_000_000
Nano = Annotated[int, Field(ge=0, le=MOST)]
PositiveNano = Annotated[int, Field(gt=0, le=MOST)]
Period = Literal["day", "month", "total"]
Note = Annotated[Line, StringConstraints(max_length=300)]


class ReadOf(BaseModel):
    """What is told of a value by the names that it has itself."""

    @classmethod
    def of(cls, value: object) -> Self:
        return cls.model_validate(value, from_attributes=True)


class GrantLeft(BaseModel):
    remaining_nano: int
    expires_at: datetime | None


class BalanceRead(BaseModel):
    is_on: bool = Field(description="Whether this installation is prepaid. If not, only the currency means something.")
    currency: str
    available: int = Field(description="Nano-units; below zero by what is owed.")
    held: int
    purchased: int
    granted: int
    grants: list[GrantLeft] = Field(description="What `granted` is made of, soonest to expire first")
    debt: int
    today: int
    lasts_until: datetime | None


class EntryRead(ReadOf):
    id: UUID
    at: datetime
    kind: str = Field(description="`settle`, `grant`, `expire`, `withdraw`, `topup`, `refund`, `correction`, `repay`")
    nano: int
    currency: str
    note: str | None
    run_id: UUID | None
    is_given_back: bool = Field(description="There is a correction that takes it back")


class BudgetRead(BaseModel):
    id: UUID
    subject: Literal["person", "project", "key"]
    subject_id: UUID
    period: Period
    currency: str
    limit_nano: int
    spent_nano: int
    held_nano: int = Field(description="By runs that are not over")
    warn_percent: int
    stops: bool
    is_imposed: bool = Field(description="Set by an administrator; its owner sees it and cannot change it.")
    period_from: datetime
    warned_at: datetime | None

    @classmethod
    def of(cls, budget: Budget) -> Self:
        return cls(
            id=budget.id,
            subject=budget.subject,
            subject_id=budget.subject_id,
            period=budget.period,
            currency=budget.currency,
            limit_nano=budget.limit,
            spent_nano=budget.spent,
            held_nano=budget.held,
            warn_percent=budget.warn_percent,
            stops=budget.is_stop,
            is_imposed=budget.is_by_admin,
            period_from=budget.period_from,
            warned_at=budget.warned_at,
        )


class BudgetsRead(BaseModel):
    items: list[BudgetRead]
    version: int
    currency: str


class BudgetWrite(BaseModel):
    model_config = ConfigDict(extra="forbid")

    period: Period
    limit_nano: Nano
    warn_percent: int = Field(80, ge=1, le=100)
    stops: bool = True


class BudgetsWrite(BaseModel):
    """All that there shall be of the subject. What is not named is removed, but for what administrators set."""

    model_config = ConfigDict(extra="forbid")

    items: list[BudgetWrite] = Field(max_length=3)

    @model_validator(mode="after")
    def each_period_once(self) -> Self:
        if len({item.period for item in self.items}) < len(self.items):
            raise ValueError("Set one budget for each period.")
        return self


class RatesState(BaseModel):
    day: date | None
    source: str | None
    state: Literal["fresh", "old", "too_old", "missing", "not_needed"]
    usd: str | None = Field(description="Units of the house's currency for one US dollar, without the spread")
    fetched_at: datetime | None = Field(description="When the bank's list was last asked for")
    error: str | None = Field(description="Why there was nothing to be had then. A rate can be typed in meanwhile.")

    @property
    def is_wanting(self) -> bool:
        return self.state in {"old", "too_old", "missing"}

    @classmethod
    def of(cls, found: Day | None, currency: str, fetched: FeedState | None) -> Self:
        rate = None if found is None else found.cross("USD", currency)
        told = {"fetched_at": fetched and fetched.fetched_at, "error": fetched and fetched.error}
        if currency == "USD":
            return cls(day=None, source=None, state="not_needed", usd="1", **told)
        if found is None or rate is None:
            return cls(day=None, source=None, state="missing", usd=None, **told)
        age = found.age_days(now())
        state: Literal["fresh", "old", "too_old"] = "fresh"
        if age > WARN_DAYS:
            state = "too_old" if age > REFUSE_DAYS else "old"
        return cls(day=found.day, source=found.source, state=state, usd=f"{rate.normalize():f}", **told)


class ProofRead(ReadOf):
    id: UUID
    at: datetime
    is_sound: bool
    checked: dict[str, int]
    findings: list[dict[str, str]]


class FeedRead(ReadOf):
    source: str
    fetched_at: datetime
    seen: int
    added: int
    held: int
    error: str | None


class TotalRead(ReadOf):
    currency: str
    wallets: int
    purchased: int
    granted: int
    held: int
    debt: int


class BillingRead(BaseModel):
    is_on: bool
    currency: str
    markup_bp: int
    markups: list[Markup]
    spread_bp: int
    refreshes_prices: bool
    prices_url: str
    refreshes_rates: bool
    exchange_url: str
    version: int
    rates: RatesState
    prices_waiting: int = Field(description="Prices that the gate holds for a decision")
    feeds: list[FeedRead] = Field(description="The last lists of prices, newest first")
    proof: ProofRead | None = Field(description="The last proof of the books")
    totals: list[TotalRead]

    @classmethod
    def of(
        cls,
        house: Billing,
        *,
        rates: RatesState,
        waiting: int,
        feeds: list[FeedRead],
        proof: ProofRead | None,
        totals: list[TotalRead],
    ) -> Self:
        return cls(**house.model_dump(), rates=rates, prices_waiting=waiting, feeds=feeds, proof=proof, totals=totals)


class GrantWrite(BaseModel):
    model_config = ConfigDict(extra="forbid")

    user_id: UUID
    nano: PositiveNano
    expires_at: AwareDatetime | None = None
    note: Note = ""

    @field_validator("expires_at")
    @classmethod
    def to_come(cls, value: datetime | None) -> datetime | None:
        if value is not None and value <= now():
            raise ValueError("It has to expire later than now.")
        return value


class GrantRead(ReadOf):
    id: UUID
    user_id: UUID
    person: str = Field(description="As they are called")
    currency: str
    nano: int
    remaining_nano: int
    expires_at: datetime | None
    note: str
    created_at: datetime


class GrantMade(BaseModel):
    id: UUID


class Withdrawn(BaseModel):
    withdrawn_nano: int


class GivenBack(BaseModel):
    entry_id: UUID


class Reason(BaseModel):
    model_config = ConfigDict(extra="forbid")

    note: Note = ""


PriceNano = Annotated[int, Field(ge=-MOST, le=MOST)]
Prices = Annotated[dict[str, PriceNano], Field(max_length=len(CLASSES))]


def known_classes(prices: Mapping[str, int]) -> None:
    if unknown := sorted(set(prices) - set(CLASSES)):
        raise ValueError(f"There is no class {unknown[0]!r}. There are: {', '.join(CLASSES)}.")


class TierWrite(BaseModel):
    model_config = ConfigDict(extra="forbid")

    above: int = Field(gt=0, le=1 << 40, description="From more tokens read than this on, all tokens cost this.")
    prices: Prices

    @field_validator("prices")
    @classmethod
    def of_classes(cls, value: dict[str, int]) -> dict[str, int]:
        known_classes(value)
        return value

    def tier(self) -> Tier:
        return Tier(self.above, self.prices)


class HoursWrite(BaseModel):
    model_config = ConfigDict(extra="forbid")

    begins: time
    ends: time
    prices: Prices
    tiers: list[TierWrite] = Field(default_factory=list, max_length=10)

    @field_validator("prices")
    @classmethod
    def of_classes(cls, value: dict[str, int]) -> dict[str, int]:
        known_classes(value)
        return value

    @field_validator("begins", "ends")
    @classmethod
    def in_utc(cls, value: time) -> time:
        if value.tzinfo is not None:
            raise ValueError("Hours are in UTC and need no zone.")
        return value.replace(second=0, microsecond=0)

    def hours(self) -> Hours:
        return Hours(self.begins, self.ends, self.prices, tuple(tier.tier() for tier in self.tiers))


Word = Annotated[Line, StringConstraints(min_length=1, max_length=60)]
ModelName = Annotated[Line, StringConstraints(min_length=1, max_length=200)]


class PriceWrite(BaseModel):
    """USD nano for a million tokens, by class: 0.075 dollars are 75000000. Or free, or as the list of prices says."""

    model_config = ConfigDict(extra="forbid")

    provider: Word
    model: ModelName
    prices: Prices = Field(default_factory=dict)
    tiers: list[TierWrite] = Field(default_factory=list, max_length=10)
    hours: list[HoursWrite] = Field(default_factory=list, max_length=10)
    is_free: bool = False
    follows_feed: bool = False
    is_input_only: bool = Field(False, description="For models whose output costs nothing, such as embeddings")
    is_meant: bool = Field(False, description="I saw what is unusual about this price, and mean it.")
    valid_from: AwareDatetime | None = Field(None, description="Not before now, which is what null means")

    @field_validator("prices")
    @classmethod
    def of_classes(cls, value: dict[str, int]) -> dict[str, int]:
        known_classes(value)
        return value

    def wish(self) -> OwnPrice:
        at = now()
        sheet = PriceSheet(
            self.prices,
            tuple(sorted((tier.tier() for tier in self.tiers), key=lambda tier: tier.above)),
            tuple(each.hours() for each in self.hours),
        )
        return OwnPrice(
            key=PriceKey(self.provider, self.model),
            sheet=sheet,
            valid_from=at if self.valid_from is None else max(self.valid_from, at),
            is_free=self.is_free,
            follows_feed=self.follows_feed,
            is_input_only=self.is_input_only,
            is_meant=self.is_meant,
        )


class ModelPriceRead(BaseModel):
    id: UUID
    provider: str
    model: str
    source: Literal["bundled", "feed", "admin", "provider"]
    state: Literal["valid", "review", "rejected"]
    valid_from: datetime
    is_free: bool
    follows_feed: bool
    prices: dict[str, int]
    tiers: list[dict[str, Any]]
    hours: list[dict[str, Any]]
    services: dict[str, dict[str, Any]] = Field(description="Other ways of being served, such as `flex`")
    findings: list[dict[str, Any]]
    created_at: datetime

    @classmethod
    def of(cls, version: Version) -> Self:
        stored = version.sheet.stored()
        return cls(
            id=version.id,
            provider=version.provider,
            model=version.model,
            source=version.source,
            state=version.state,
            valid_from=version.valid_from,
            is_free=version.is_free,
            follows_feed=version.follows_feed,
            prices=stored["prices"],
            tiers=stored.get("tiers", []),
            hours=stored.get("hours", []),
            services=stored.get("services", {}),
            findings=list(version.findings),
            created_at=version.created_at,
        )


class PriceMade(BaseModel):
    id: UUID


class PriceHistory(BaseModel):
    items: list[ModelPriceRead]


class PriceInReview(ModelPriceRead):
    present: ModelPriceRead | None = Field(description="What holds until there is a decision")


class Decision(BaseModel):
    model_config = ConfigDict(extra="forbid")

    decision: Literal["accept", "reject"]


class ExchangeDayRead(BaseModel):
    id: UUID
    day: date
    source: str
    rates: dict[str, str] = Field(description="Units for one euro")

    @classmethod
    def of(cls, found: Day) -> Self:
        return cls(
            id=found.id,
            day=found.day,
            source=found.source,
            rates={code: str(rate) for code, rate in found.rates.items()},
        )


class ExchangeDays(BaseModel):
    items: list[ExchangeDayRead]


class ExchangeWrite(BaseModel):
    """Rates of today, typed in: for where nothing is fetched. They hold until there are newer ones."""

    model_config = ConfigDict(extra="forbid")

    rates: Annotated[dict[CurrencyCode, Decimal], Field(min_length=1, max_length=200)]

    @field_validator("rates")
    @classmethod
    def possible(cls, value: dict[str, Decimal]) -> dict[str, Decimal]:
        if any(not rate.is_finite() or not 0 < rate < 10_000_000 for rate in value.values()):
            raise ValueError("A rate is above zero, in units for one euro.")
        if "USD" not in value:
            raise ValueError("Prices are in US dollars: name their rate, too.")
        return value


class PersonBilling(BaseModel):
    balance: BalanceRead
    budgets: BudgetsRead


class Queued(BaseModel):
    job_id: UUID
