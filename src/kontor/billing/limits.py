"""Which limit a month ends at, for many people at once: for those who look after them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from kontor.billing.budgets import period_start
from kontor.core.clock import now
from kontor.core.ids import UserId

_OF_MONTHS = text("""
    SELECT subject_id, currency, limit_nano, spent_nano, warn_percent, is_stop, is_by_admin, timezone, period_from
    FROM budget WHERE subject = 'person' AND period = 'month' AND subject_id = ANY(CAST(:people AS uuid[]))
    ORDER BY subject_id, is_by_admin
""")


@dataclass(frozen=True, slots=True)
class MonthLimit:
    """`spent_nano` is as the limit counts: on every key, and from the day on which it was set."""

    currency: str
    limit_nano: int
    spent_nano: int
    warn_percent: int
    stops: bool
    is_imposed: bool

    @property
    def share(self) -> float:
        return self.spent_nano / self.limit_nano if self.limit_nano else float("inf")


async def of_months(unit: AsyncSession, people: Sequence[UserId]) -> Mapping[UserId, MonthLimit]:
    """Of the house's limit and one's own the one that is nearer to its end. Needs an administrator's unit."""
    rows = await unit.execute(_OF_MONTHS, {"people": list(people)})
    return {UserId(owner): nearest(each) for owner, each in groupby(rows, key=lambda row: row.subject_id)}


def nearest(rows: Iterable[Row[Any]]) -> MonthLimit:
    return max(map(_limit, rows), key=lambda each: (each.share, -each.limit_nano))


def _limit(row: Row[Any]) -> MonthLimit:
    # Of whoever has asked for nothing yet in this month, the last one's sum still stands in the row.
    is_over = period_start("month", now(), row.timezone) > row.period_from
    return MonthLimit(
        currency=row.currency,
        limit_nano=row.limit_nano,
        spent_nano=0 if is_over else row.spent_nano,
        warn_percent=row.warn_percent,
        stops=row.is_stop,
        is_imposed=row.is_by_admin,
    )
