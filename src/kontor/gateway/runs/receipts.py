"""What a run cost and why: every number with what it was made of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from kontor.billing import statements
from kontor.billing.rates import BASIS, MILLION
from kontor.billing.statements import Traces
from kontor.core.ids import UserId
from kontor.core.money import ceil_nano, plain
from kontor.gateway.facts import friendly
from kontor.gateway.wire.quirks import KINDS

SettledAs = Literal["reported", "estimated", "delivered", "input", "waived", "nothing"]

NOTES: Mapping[str, str] = {
    "reported": "The provider counted the tokens.",
    "estimated": "The provider counted nothing, so the tokens are estimated.",
    "delivered": "The answer ended early. What was delivered is estimated; what was not is not charged.",
    "input": "The answer ended before its first word. Only the question is charged, as estimated.",
    "waived": "The answer ended before its first word. Nothing is charged.",
    "nothing": "No answer came about. Nothing is charged.",
}
PRICE_ESTIMATED = " For the way in which it was served no price is known, so it is that of something like it."

_LABELS = text("""
    SELECT (SELECT label FROM provider WHERE id = :provider) AS provider,
        (SELECT coalesce(edits->>'label', facts->>'label') FROM model WHERE id = :model) AS model
""")


@dataclass(frozen=True, slots=True)
class ReceiptLine:
    name: str
    tokens: int
    rate_per_million: str  # in US dollars, as the provider asks
    rate_in_currency: str  # with everything that the payer pays on top
    amount: str


@dataclass(frozen=True, slots=True)
class PriceVersion:
    id: UUID
    valid_from: datetime
    source: str
    provider: str | None  # under which names it stands: an edition of a model has the price of the model
    model: str | None


@dataclass(frozen=True, slots=True)
class Fx:
    rate: str
    reference: str
    day: str | None
    source: str | None
    spread_percent: str


@dataclass(frozen=True, slots=True)
class Receipt:
    number: str
    at: datetime
    seconds: float
    model: str
    model_label: str
    provider: str
    provider_label: str
    lines: Sequence[ReceiptLine]
    provider_usd: str
    provider_cost: str
    is_told_by_provider: bool
    markup: str
    spent: str
    sum: str
    currency: str
    hold: str
    released: str
    given_back: str | None
    balance_after: str | None
    price_version: PriceVersion | None
    fx: Fx | None
    markup_percent: str
    is_estimated: bool
    is_free: bool
    is_own_key: bool
    is_known: bool
    settled_as: SettledAs
    note: str


def number_of(run_id: UUID, finished_at: datetime) -> str:
    return f"{str(run_id).upper()[:8]}-{finished_at:%Y%m%d}"


async def read(unit: AsyncSession, reader: UserId, row: Row[Any]) -> Receipt:
    """Of a run that is over."""
    quote = row.quote or {}
    rate = quote.get("rate")
    traces = await statements.traces(
        unit,
        reader,
        run_id=row.id,
        price_id=None if rate is None else UUID(rate["version_id"]),
        rate_id=UUID(quote["fx_rate_id"]) if quote.get("fx_rate_id") else None,
    )
    labels = (await unit.execute(_LABELS, {"provider": row.provider_id, "model": row.model_id})).one()
    kind = KINDS.get(row.provider_kind)
    return receipt_of(
        row,
        traces,
        provider_label=labels.provider or (row.provider_kind if kind is None else kind.label),
        model_label=labels.model or friendly(row.model_name),
    )


def receipt_of(row: Row[Any], traces: Traces, *, provider_label: str, model_label: str) -> Receipt:
    cost, quote = row.cost, row.quote or {}
    balance = cost.get("balance_after_nano")
    usd, spent = cost.get("provider_usd_nano", 0), cost.get("spent_nano", cost["nano"])
    fx = Fraction(Decimal(quote.get("fx", "1")))
    factor = fx * Fraction(BASIS + quote.get("markup_bp", 0), BASIS)
    before_markup = min(ceil_nano(usd * fx), spent)
    ours = sum(
        (Fraction(line["tokens"] * line["usd_nano_per_million"], MILLION) for line in cost["lines"]), Fraction(0)
    )
    return Receipt(
        number=number_of(row.id, row.finished_at),
        at=row.finished_at,
        seconds=round((row.finished_at - row.accepted_at).total_seconds(), 3),
        model=row.model_name,
        model_label=model_label,
        provider=row.provider_kind,
        provider_label=provider_label,
        lines=[
            ReceiptLine(
                line["name"],
                line["tokens"],
                plain(line["usd_nano_per_million"]),
                plain(round(line["usd_nano_per_million"] * factor)),
                plain(line["nano"]),
            )
            for line in cost["lines"]
        ],
        provider_usd=plain(usd),
        provider_cost=plain(before_markup),
        is_told_by_provider=ceil_nano(ours) != usd,
        markup=plain(spent - before_markup),
        spent=plain(spent),
        sum=plain(cost["nano"]),
        currency=cost["currency"],
        hold=plain(row.hold_nano),
        released=plain(cost["released_nano"]),
        given_back=plain(traces.given_back_nano) if traces.given_back_nano else None,
        balance_after=None if balance is None else plain(balance),
        price_version=_price_version(quote, traces),
        fx=_fx(quote, traces),
        markup_percent=_percent(quote.get("markup_bp", 0)),
        is_estimated=row.is_estimated,
        is_free=quote.get("is_free", False),
        is_own_key=quote.get("is_own_key", False),
        is_known=cost["is_known"],
        settled_as=row.settled_as,
        note=NOTES[row.settled_as] + (PRICE_ESTIMATED if is_price_estimated(row) else ""),
    )


def is_price_estimated(row: Row[Any]) -> bool:
    """What was used is known, and what it costs is not."""
    return bool(row.is_estimated) and row.settled_as == "reported"


def _price_version(quote: Mapping[str, Any], traces: Traces) -> PriceVersion | None:
    rate = quote.get("rate")
    if rate is None:
        return None
    return PriceVersion(
        id=UUID(rate["version_id"]),
        valid_from=datetime.fromisoformat(rate["valid_from"]),
        source=rate["source"],
        provider=traces.price_provider,
        model=traces.price_model,
    )


def _fx(quote: Mapping[str, Any], traces: Traces) -> Fx | None:
    if quote.get("fx_rate_id") is None:
        return None
    reference = Decimal(quote["fx"]) * BASIS / (BASIS + quote["spread_bp"])
    return Fx(
        rate=quote["fx"],
        reference=f"{reference.quantize(Decimal('1e-9')).normalize():f}",
        day=quote["fx_day"],
        source=traces.rate_source,
        spread_percent=_percent(quote["spread_bp"]),
    )


def _percent(basis_points: int) -> str:
    return plain(basis_points * 10_000_000)
