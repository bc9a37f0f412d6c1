"""How this house handles money, as its administrators set it. One row, apart from the rest of the configuration."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints
from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from kontor.accounts.currencies import CURRENCIES
from kontor.core.clock import now
from kontor.core.events.publishing import EVERYONE_TOPIC, JSON, publish
from kontor.core.tenancy import Role
from kontor.core.text import Line
from kontor.core.versions import refuse_stale

TOPIC = "billing"
CHANGED = "billing.configuration_changed"

MOST_MARKUPS = 500

PRICES_URL = "https://raw.githubusercontent.com/pydantic/genai-prices/refs/heads/main/prices/new_data/v2/data.json"
EXCHANGE_URL = "https://www.ecb.europa.eu/stats/eurofxref/eurofxref-daily.xml"


def known_currency(value: str) -> str:
    if value not in CURRENCIES:
        raise ValueError("Name a currency by its three letters, such as EUR.")
    return value


CurrencyCode = Annotated[str, AfterValidator(known_currency)]
BasisPoints = Annotated[int, Field(ge=0, le=100_000)]
Url = Annotated[Line, StringConstraints(max_length=500, pattern=r"^(https?://\S+)?$")]


class Markup(BaseModel):
    """What is added to the provider's price, for whatever is named; the more is named, the more it counts."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    provider: Annotated[Line, StringConstraints(max_length=60)] | None = None
    model: Annotated[Line, StringConstraints(max_length=200)] | None = None
    role: Role | None = None
    basis_points: BasisPoints

    def applies(self, *, provider: str, model: str, role: Role) -> bool:
        return self.provider in {None, provider} and self.model in {None, model} and self.role in {None, role}

    @property
    def weight(self) -> int:
        """A model says more than a provider, and that more than a role."""
        return 4 * (self.model is not None) + 2 * (self.provider is not None) + (self.role is not None)


class Billing(BaseModel):
    """Off, costs are shown and nothing is blocked but by budgets. On, it is prepaid."""

    model_config = ConfigDict(frozen=True)

    is_on: bool = False
    currency: CurrencyCode = "EUR"
    markup_bp: BasisPoints = 0
    markups: Annotated[list[Markup], Field(max_length=MOST_MARKUPS)] = []
    spread_bp: Annotated[int, Field(ge=0, le=2000)] = 0
    refreshes_prices: bool = True
    prices_url: Url = PRICES_URL
    refreshes_rates: bool = True
    exchange_url: Url = EXCHANGE_URL
    version: int = 1

    @property
    def asks_for_roles(self) -> bool:
        """Whether it matters to anybody's price which role they have."""
        return self.is_on and any(each.role is not None for each in self.markups)

    def markup_for(self, *, provider: str, model: str, role: Role) -> int:
        """Of several that name as much, the later one counts."""
        found = [each for each in self.markups if each.applies(provider=provider, model=model, role=role)]
        return max(reversed(found), key=lambda each: each.weight).basis_points if found else self.markup_bp


class BillingChange(BaseModel):
    """Only what is sent is changed; `markups` replaces all of them."""

    model_config = ConfigDict(extra="forbid")

    is_on: bool | None = None
    currency: CurrencyCode | None = None
    markup_bp: BasisPoints | None = None
    markups: Annotated[list[Markup], Field(max_length=MOST_MARKUPS)] | None = None
    spread_bp: Annotated[int, Field(ge=0, le=2000)] | None = None
    refreshes_prices: bool | None = None
    prices_url: Url | None = None
    refreshes_rates: bool | None = None
    exchange_url: Url | None = None


def parsed(stored: dict[str, Any], version: int) -> Billing:
    """What cannot be used any more falls back to its default, field by field."""
    usable: dict[str, Any] = {}
    for name, value in stored.items():
        if name not in Billing.model_fields:
            continue
        try:
            Billing.model_validate({name: value})
        except ValueError:
            continue
        usable[name] = value
    return Billing.model_validate({**usable, "version": version})


_READ = text("SELECT configuration, version FROM billing_configuration")
_READ_LOCKED = text("SELECT configuration, version FROM billing_configuration FOR UPDATE")
_MERGE = text("""
    UPDATE billing_configuration SET configuration = configuration || :changes, version = version + 1, updated_at = :at
    RETURNING configuration, version
""").bindparams(bindparam("changes", type_=JSONB))


async def tell(unit: AsyncSession, kind: str, data: Mapping[str, JSON]) -> None:
    """In the unit of a change: every process forgets what it knew of terms, and open windows load anew."""
    await publish(unit, topic=TOPIC, kind=kind, data=data)
    await publish(unit, topic=EVERYONE_TOPIC, kind="prices.changed", data={})


async def read(unit: AsyncSession, *, for_update: bool = False) -> Billing:
    row = (await unit.execute(_READ_LOCKED if for_update else _READ)).one()
    return parsed(row.configuration, row.version)


async def change(unit: AsyncSession, wanted: BillingChange, *, seen: int | None) -> tuple[Billing, dict[str, Any]]:
    """Needs an administrator's unit. Answers what is in force now, and what was changed for the record."""
    present = await read(unit, for_update=True)
    refuse_stale(present.version, seen)
    before = present.model_dump(mode="json")
    sent = wanted.model_dump(mode="json", exclude_unset=True)
    changes = {name: value for name, value in sent.items() if value is not None and value != before[name]}
    if not changes:
        return present, {}
    row = (await unit.execute(_MERGE, {"changes": changes, "at": now()})).one()
    await tell(unit, CHANGED, {"version": row.version})
    details = {name: {"before": before[name], "after": value} for name, value in changes.items()}
    return parsed(row.configuration, row.version), details
