"""Which limit a month ends at, for many people at once: for those who look after them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from operator import itemgetter

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncSession

from kontor.billing.budgets import COLUMNS, Budget, budget_of, current
from kontor.core.clock import now
from kontor.core.ids import UserId

_OF_MONTHS = text(f"""
    SELECT {COLUMNS} FROM budget
    WHERE subject = 'person' AND period = 'month' AND subject_id = ANY(CAST(:people AS uuid[]))
    ORDER BY subject_id, is_by_admin
""")  # noqa: S608 - our own words


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
    rows = (await unit.execute(_OF_MONTHS, {"people": list(people)})).mappings()
    at = now()
    return {UserId(owner): nearest(each, at) for owner, each in groupby(rows, key=itemgetter("subject_id"))}


def nearest(rows: Iterable[RowMapping], at: datetime) -> MonthLimit:
    return max((_limit(current(budget_of(row), at)) for row in rows), key=lambda each: (each.share, -each.limit_nano))


def _limit(budget: Budget) -> MonthLimit:
    return MonthLimit(
        currency=budget.currency,
        limit_nano=budget.limit,
        spent_nano=budget.spent,
        warn_percent=budget.warn_percent,
        stops=budget.is_stop,
        is_imposed=budget.is_by_admin,
    )
