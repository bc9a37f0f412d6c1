"""What the month of many people has cost them so far, by the same lines and rules as their own sums."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from kontor.accounts import preferences
from kontor.billing import limits
from kontor.billing.budgets import period_start
from kontor.billing.limits import MonthLimit
from kontor.core.clock import now
from kontor.core.database import elevated
from kontor.core.ids import UserId
from kontor.gateway.usage import SUMMED, Sum, as_sum, merged, total_of

# A few lines of one person each, by the index of their lines in the order of time.
_SUMS = text(f"""
    SELECT month.owner_id, used.* FROM unnest(CAST(:people AS uuid[]), CAST(:since AS timestamptz[]))
        AS month (owner_id, since)
    CROSS JOIN LATERAL (
        SELECT month.owner_id::text AS key, currency, {SUMMED} FROM usage_line
        WHERE owner_id = month.owner_id AND finished_at >= month.since GROUP BY currency
    ) used
    ORDER BY month.owner_id, used.currency
""")  # noqa: S608 - expressions of our own


@dataclass(frozen=True, slots=True)
class Month:
    since: datetime
    used: Sum
    limit: MonthLimit | None


async def of_people(unit: AsyncSession, people: Sequence[UserId]) -> Mapping[UserId, Month]:
    """Months are those of whoever spends. Needs an administrator's unit; who is not there any more is left out."""
    async with elevated(unit, "billing"):
        zones = await preferences.timezones_of(unit, people)
    since = {owner: period_start("month", now(), zone) for owner, zone in zones.items()}
    found: defaultdict[UserId, list[Sum]] = defaultdict(list)
    for row in await unit.execute(_SUMS, {"people": list(since), "since": list(since.values())}):
        found[UserId(row.owner_id)].append(as_sum(row))
    limited = await limits.of_months(unit, list(since))
    return {owner: Month(begins, total_of(merged(found[owner])), limited.get(owner)) for owner, begins in since.items()}
