"""What the whole house used, in numbers alone: for administrators, who never see a word of what was asked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from kontor.core.database import elevated
from kontor.gateway.usage import IN_PERIOD, KNOWN, ON_OWN_KEY, READ, WRITTEN, Grouping, Period, key_of, values_of

# What the house owes its providers, in the currency of each run and at the rate of its day, without spread and markup;
# and what wallets were charged for it. Who asks on a key of their own owes the provider, not the house.
LINES = f"""
    SELECT u.*, coalesce(h.charged_nano, 0) AS revenue_nano, h.run_id IS NOT NULL AS is_billed,
        u.provider_usd_nano * CASE u.currency
            WHEN 'USD' THEN 1
            WHEN 'EUR' THEN 1 / (d.rates->>'USD')::numeric
            ELSE (d.rates->>u.currency)::numeric / (d.rates->>'USD')::numeric
        END AS cost_nano
    FROM (
        SELECT *, {ON_OWN_KEY} AS is_on_own_key, {KNOWN} AS is_known FROM usage_line WHERE {IN_PERIOD}
    ) u
    LEFT JOIN exchange_day d ON d.id = u.fx_rate_id
    LEFT JOIN credit_hold h ON h.run_id = u.run_id
"""  # noqa: S608 - expressions of our own
SUMMED = f"""
    count(*) AS runs, sum({READ})::bigint AS tokens_in, sum({WRITTEN})::bigint AS tokens_out,
    count(*) FILTER (WHERE NOT is_known) AS unknown_runs, count(*) FILTER (WHERE is_on_own_key) AS own_key_runs,
    coalesce(sum(provider_usd_nano) FILTER (WHERE NOT is_on_own_key), 0)::bigint AS provider_usd_nano,
    coalesce(sum(cost_nano) FILTER (WHERE NOT is_on_own_key), 0)::bigint AS cost_nano,
    coalesce(sum(cost_nano) FILTER (WHERE NOT is_on_own_key AND NOT is_billed), 0)::bigint AS unbilled_nano,
    sum(revenue_nano)::bigint AS revenue_nano
"""
# A run that came to nothing has no line of usage, so the errors are counted where the runs are: by when they were asked
# for, which is what their index is in the order of.
ENDED = "run WHERE finished_at IS NOT NULL AND accepted_at >= :since AND accepted_at < :until"
FAILED = "count(*) AS requests, count(*) FILTER (WHERE state IN ('failed', 'interrupted')) AS failed"


def sums_of(group: Grouping) -> str:
    return f"""
        SELECT {key_of(group)} AS key, currency, min(provider_kind) AS provider_kind, {SUMMED}
        FROM ({LINES}) line GROUP BY 1, 2 ORDER BY 1, 2 LIMIT :limit
    """  # noqa: S608


def failures_of(group: Grouping) -> str:
    return f"""
        SELECT {key_of(group, "accepted_at")} AS key, min(provider_kind) AS provider_kind, {FAILED}
        FROM {ENDED} GROUP BY 1 ORDER BY 1 LIMIT :limit
    """  # noqa: S608


GROUPS: Sequence[Grouping] = ("day", "model", "project", "person", "provider")
_SUMS = {group: text(sums_of(group)) for group in GROUPS}
_FAILURES = {group: text(failures_of(group)) for group in GROUPS}
_PEOPLE = text("SELECT id, name, email FROM person WHERE id = ANY(CAST(:ids AS uuid[]))")

# For a sheet: whoever wants to, sums it up in another way.
_CELLS = text(f"""
    WITH used AS (
        SELECT {key_of("day")} AS day_here, owner_id, {key_of("provider")} AS provider_key, provider_kind, model_name,
            currency, {SUMMED}
        FROM ({LINES}) line GROUP BY 1, 2, 3, 4, 5, 6
    ), ended AS (
        SELECT {key_of("day", "accepted_at")} AS day_here, owner_id, {key_of("provider")} AS provider_key,
            provider_kind, model_name, {FAILED}
        FROM {ENDED} GROUP BY 1, 2, 3, 4, 5
    )
    SELECT coalesce(used.day_here, ended.day_here) AS day_here, coalesce(used.owner_id, ended.owner_id) AS owner_id,
        coalesce(used.provider_key, ended.provider_key) AS provider_key,
        coalesce(used.provider_kind, ended.provider_kind) AS provider_kind,
        coalesce(used.model_name, ended.model_name) AS model_name, currency, coalesce(runs, 0) AS runs,
        coalesce(failed, 0) AS failed, coalesce(tokens_in, 0) AS tokens_in, coalesce(tokens_out, 0) AS tokens_out,
        coalesce(unknown_runs, 0) AS unknown_runs, coalesce(provider_usd_nano, 0) AS provider_usd_nano,
        coalesce(cost_nano, 0) AS cost_nano, coalesce(unbilled_nano, 0) AS unbilled_nano,
        coalesce(revenue_nano, 0) AS revenue_nano
    FROM used FULL JOIN ended USING (day_here, owner_id, provider_key, provider_kind, model_name)
    ORDER BY 1, 2, 3, 5, currency
""")  # noqa: S608


@dataclass(frozen=True, slots=True)
class HouseSum:
    key: str
    runs: int = 0
    requests: int = 0  # also those that came to nothing
    failed: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    unknown_runs: int = 0
    own_key_runs: int = 0
    provider_usd_nano: int = 0
    costs: Mapping[str, int] = field(default_factory=dict)  # nano by currency; none where no price was known
    unbilled: Mapping[str, int] = field(default_factory=dict)  # of the costs, while nothing was charged
    revenues: Mapping[str, int] = field(default_factory=dict)
    provider_kind: str = ""

    def __add__(self, other: "HouseSum") -> "HouseSum":
        return HouseSum(
            self.key,
            self.runs + other.runs,
            self.requests + other.requests,
            self.failed + other.failed,
            self.tokens_in + other.tokens_in,
            self.tokens_out + other.tokens_out,
            self.unknown_runs + other.unknown_runs,
            self.own_key_runs + other.own_key_runs,
            self.provider_usd_nano + other.provider_usd_nano,
            _joined(self.costs, other.costs),
            _joined(self.unbilled, other.unbilled),
            _joined(self.revenues, other.revenues),
            self.provider_kind or other.provider_kind,
        )


def _joined(one: Mapping[str, int], other: Mapping[str, int]) -> Mapping[str, int]:
    return {currency: one.get(currency, 0) + other.get(currency, 0) for currency in dict.fromkeys([*one, *other])}


async def sums(unit: AsyncSession, period: Period, group: Grouping) -> Sequence[HouseSum]:
    """Needs an administrator's unit. Of the runs only their number and state are read."""
    values = values_of(period, group)
    found: dict[str, HouseSum] = {}
    for row in await unit.execute(_SUMS[group], values):
        found[row.key] = found.get(row.key, HouseSum(row.key)) + _used(row)
    async with elevated(unit, "billing"):
        ended = (await unit.execute(_FAILURES[group], values)).all()
    for row in ended:
        failures = HouseSum(row.key, requests=row.requests, failed=row.failed, provider_kind=row.provider_kind)
        found[row.key] = found.get(row.key, HouseSum(row.key)) + failures
    return list(found.values())


def _used(row: Row[Any]) -> HouseSum:
    is_known = row.unknown_runs < row.runs
    return HouseSum(
        row.key,
        runs=row.runs,
        tokens_in=row.tokens_in,
        tokens_out=row.tokens_out,
        unknown_runs=row.unknown_runs,
        own_key_runs=row.own_key_runs,
        provider_usd_nano=row.provider_usd_nano,
        costs={row.currency: row.cost_nano} if is_known else {},
        unbilled={row.currency: row.unbilled_nano} if row.unbilled_nano else {},
        revenues={row.currency: row.revenue_nano} if row.revenue_nano else {},
        provider_kind=row.provider_kind,
    )


def total_of(groups: Sequence[HouseSum]) -> HouseSum:
    return sum(groups, HouseSum(""))


@dataclass(frozen=True, slots=True)
class Named:
    name: str
    email: str | None


async def people(unit: AsyncSession, ids: Sequence[UUID]) -> Mapping[str, Named]:
    """Whoever is gone has no name any more."""
    rows = await unit.execute(_PEOPLE, {"ids": list(ids)})
    return {str(row.id): Named(row.name or row.email or str(row.id), row.email) for row in rows}


async def cells(unit: AsyncSession, period: Period) -> Sequence[Row[Any]]:
    """For each day, person, provider and model. Needs an administrator's unit."""
    values = {"since": period.since, "until": period.until, "zone": period.zone}
    async with elevated(unit, "billing"):
        return (await unit.execute(_CELLS, values)).all()
