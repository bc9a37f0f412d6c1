"""Exchange rates: one row for a day's reference rates, all against the euro. What was booked by a row is never booked
anew by another one, so the rows are only ever added to.

The European Central Bank publishes at about 16:00 CET on its working days, "for information only": nobody can buy at
these rates, hence the house's spread.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from uuid import UUID
from xml.etree import ElementTree

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from kontor.billing import configuration
from kontor.billing.errors import FeedUnreadable, RateTooOld
from kontor.core.bulk import fetch
from kontor.core.clock import now
from kontor.core.ids import new_id
from kontor.core.units import Unit

WARN_DAYS = 5  # four days lie between the rates before and after Easter
REFUSE_DAYS = 14

LARGEST = 2_000_000
EURO = "EUR"
DIGITS = Decimal("1e-12")

_CODE = re.compile(r"[A-Z]{3}")


@dataclass(frozen=True, slots=True)
class Day:
    id: UUID
    day: date
    source: str
    rates: Mapping[str, Decimal]  # units for one euro

    def cross(self, base: str, to: str) -> Decimal | None:
        """Units of `to` for one of `base`, by way of the euro."""
        if base == to:
            return Decimal(1)
        first, second = self._rate(base), self._rate(to)
        return None if first is None or second is None else (second / first).quantize(DIGITS)

    def _rate(self, currency: str) -> Decimal | None:
        return Decimal(1) if currency == EURO else self.rates.get(currency)

    def age_days(self, at: datetime) -> int:
        return (at.date() - self.day).days


@dataclass(frozen=True, slots=True)
class Exchanged:
    """A cross rate and where it is from; with no row where none was needed."""

    rate: Decimal
    day_id: UUID | None = None
    day: date | None = None


@dataclass(frozen=True, slots=True)
class Published:
    day: date
    rates: Mapping[str, Decimal]


def read_ecb(body: bytes) -> Sequence[Published]:
    """The daily file, or the one of ninety days: `Cube[@time]` holding `Cube[@currency, @rate]`, newest first."""
    what = "a list of reference rates"
    if len(body) > LARGEST:
        raise FeedUnreadable(what, "it is too large")
    if b"<!DOCTYPE" in body or b"<!ENTITY" in body:
        raise FeedUnreadable(what, "it declares entities, which such a list has no need of")
    try:
        root = ElementTree.fromstring(body)  # noqa: S314 - bounded, and without entities
    except ElementTree.ParseError as reason:
        raise FeedUnreadable(what, "it is no XML") from reason
    days = [_published(cube) for cube in root.iter() if _is_cube(cube) and "time" in cube.attrib]
    if not days:
        raise FeedUnreadable(what, "it names no day")
    return sorted(days, key=lambda each: each.day, reverse=True)


def _is_cube(element: ElementTree.Element) -> bool:
    return element.tag.rpartition("}")[2] == "Cube"


def _published(cube: ElementTree.Element) -> Published:
    what = "a list of reference rates"
    try:
        day = date.fromisoformat(cube.attrib["time"])
        rates = {
            each.attrib["currency"]: Decimal(each.attrib["rate"])
            for each in cube
            if _is_cube(each) and "currency" in each.attrib and "rate" in each.attrib
        }
    except (ValueError, InvalidOperation) as reason:
        raise FeedUnreadable(what, "a day or a rate in it is none") from reason
    refuse_impossible(rates, what)
    if "USD" not in rates:
        raise FeedUnreadable(what, f"it has no rate of the US dollar on {day}")
    return Published(day, rates)


def refuse_impossible(rates: Mapping[str, Decimal], what: str) -> None:
    for code, rate in rates.items():
        if not _CODE.fullmatch(code) or not rate.is_finite() or not 0 < rate < 10_000_000:
            raise FeedUnreadable(what, f"the rate of {code[:3]} in it is impossible")


_ADD = text("""
    INSERT INTO exchange_day (id, day, source, rates, created_at)
    VALUES (:id, :day, :source, CAST(:rates AS jsonb), :at)
    ON CONFLICT (day, source) WHERE source <> 'admin' DO NOTHING RETURNING id
""")
# What an administrator typed in for a day stands before what was published for it.
_FIND = """
    SELECT id, day, source, CAST(rates AS text) AS rates FROM exchange_day
    WHERE day <= $1 AND (rates ? $2 OR $2 = 'EUR') AND (rates ? $3 OR $3 = 'EUR')
    ORDER BY day DESC, source = 'admin' DESC, created_at DESC LIMIT 1
"""
_LATEST = text("""
    SELECT id, day, source, rates FROM exchange_day
    ORDER BY day DESC, source = 'admin' DESC, created_at DESC LIMIT :limit
""")


async def add(unit: AsyncSession, published: Published, *, source: str) -> bool:
    """Needs a unit of an administrator or the system. A day that is known already stays as it is."""
    rates = {code: str(rate) for code, rate in sorted(published.rates.items())}
    values = {
        "id": new_id(),
        "day": published.day,
        "source": source,
        "rates": orjson.dumps(rates).decode(),
        "at": now(),
    }
    is_new = (await unit.execute(_ADD, values)).one_or_none() is not None
    if is_new:
        await configuration.tell(unit, "billing.rates_changed", {"day": published.day.isoformat()})
    return is_new


async def find(unit: Unit, base: str, to: str, at: datetime) -> Day | None:
    """The last rates on or before the day: on Good Friday those of Thursday. None where none are needed, or known."""
    if base == to:
        return None
    found = await fetch(unit, _FIND, at.date(), base, to)
    return next(
        (Day(row["id"], row["day"], row["source"], _decimals(orjson.loads(row["rates"]))) for row in found), None
    )


async def latest(unit: AsyncSession, limit: int = 1) -> Sequence[Day]:
    rows = await unit.execute(_LATEST, {"limit": limit})
    return [Day(row.id, row.day, row.source, _decimals(row.rates)) for row in rows]


def _decimals(stored: Mapping[str, str]) -> Mapping[str, Decimal]:
    return {code: Decimal(rate) for code, rate in stored.items()}


async def exchange(unit: Unit, base: str, to: str, at: datetime, *, is_binding: bool) -> Exchanged | None:
    return exchanged(await find(unit, base, to, at), base, to, at, is_binding=is_binding)


def exchanged(found: Day | None, base: str, to: str, at: datetime, *, is_binding: bool) -> Exchanged | None:
    """How many of `to` one of `base` is. Binding, an old rate is refused; otherwise it is better than none."""
    if base == to:
        return Exchanged(Decimal(1))
    rate = None if found is None else found.cross(base, to)
    if found is None or rate is None:
        if is_binding:
            raise RateTooOld(to, None)
        return None
    if is_binding and found.age_days(at) > REFUSE_DAYS:
        raise RateTooOld(to, found.day.isoformat())
    return Exchanged(rate, found.id, found.day)
