"""What a run cost and why: every number with what it was made of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row

from kontor.core.money import plain

NOTES: Mapping[str, str] = {
    "reported": "The provider counted the tokens.",
    "estimated": "The provider counted nothing, so the tokens are estimated.",
    "delivered": "The answer ended early. What was delivered is estimated; what was not is not charged.",
    "input": "The answer ended before its first word. Only the question is charged, as estimated.",
    "waived": "The answer ended before its first word. Nothing is charged.",
    "nothing": "No answer came about. Nothing is charged.",
}


@dataclass(frozen=True, slots=True)
class ReceiptLine:
    name: str
    tokens: int
    rate_per_million: str  # in US dollars, as the provider asks
    amount: str


@dataclass(frozen=True, slots=True)
class Receipt:
    number: str
    at: datetime
    seconds: float
    model: str
    provider: str
    lines: Sequence[ReceiptLine]
    sum: str
    currency: str
    hold: str
    released: str
    balance_after: str | None
    price_version: Mapping[str, Any] | None
    fx: Mapping[str, Any] | None
    markup_percent: str
    is_estimated: bool
    is_free: bool
    is_own_key: bool
    is_known: bool
    note: str


def receipt_of(row: Row[Any]) -> Receipt:
    """Of a run that is over."""
    cost, quote = row.cost, row.quote or {}
    rate = quote.get("rate")
    is_converted = quote.get("fx_rate_id") is not None
    balance = cost.get("balance_after_nano")
    return Receipt(
        number=str(row.id).upper()[:8] + f"-{row.finished_at:%Y%m%d}",
        at=row.finished_at,
        seconds=round((row.finished_at - row.accepted_at).total_seconds(), 3),
        model=row.model_name,
        provider=row.provider_kind,
        lines=[
            ReceiptLine(line["name"], line["tokens"], plain(line["usd_nano_per_million"]), plain(line["nano"]))
            for line in cost["lines"]
        ],
        sum=plain(cost["nano"]),
        currency=cost["currency"],
        hold=plain(row.hold_nano),
        released=plain(cost["released_nano"]),
        balance_after=None if balance is None else plain(balance),
        price_version=None
        if rate is None
        else {"id": rate["version_id"], "valid_from": rate["valid_from"], "source": rate["source"]},
        fx={"rate": quote["fx"], "day": quote["fx_day"], "spread_percent": _percent(quote["spread_bp"])}
        if is_converted
        else None,
        markup_percent=_percent(quote.get("markup_bp", 0)),
        is_estimated=row.is_estimated,
        is_free=quote.get("is_free", False),
        is_own_key=quote.get("is_own_key", False),
        is_known=cost["is_known"],
        note=NOTES[row.settled_as],
    )


def _percent(basis_points: int) -> str:
    return plain(basis_points * 10_000_000)
