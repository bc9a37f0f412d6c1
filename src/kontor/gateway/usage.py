"""How much was used, by whom and for what: sums over usage lines, and the log of single requests."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from kontor.accounts import preferences
from kontor.billing.usage import NAMES, Usage
from kontor.core.clock import now
from kontor.core.errors import FieldProblem
from kontor.core.ids import UserId
from kontor.gateway.facts import friendly
from kontor.gateway.wire.quirks import KINDS

Grouping = Literal["day", "model", "project", "person", "provider"]

USUAL_DAYS = 30
MOST_DAYS = 3660
MOST_GROUPS = 1000
MOST_DAY_PARTS = 5000

READ = "input_tokens + cached_tokens + cache_write_tokens + cache_write_1h_tokens + image_tokens + audio_in_tokens"
WRITTEN = "output_tokens + reasoning_tokens + image_out_tokens + audio_out_tokens"
CLASSES = ", ".join(f"sum({name}_tokens)::bigint AS {name}" for name in NAMES)
KEYS: Mapping[Grouping, str] = {
    "day": "to_char({at} AT TIME ZONE :zone, 'YYYY-MM-DD')",
    "model": "model_name",
    "project": "coalesce(project_id::text, '')",
    "person": "owner_id::text",
    # Two servers of one kind are two providers; the kind stands in where nobody can say any more which it was.
    "provider": "coalesce(provider_id::text, provider_kind)",
}
# What somebody could have paid and nobody knows how much: the sum of such lines is no number.
KNOWN = "(is_free OR price_version_id IS NOT NULL OR charged_nano > 0 OR provider_usd_nano > 0)"
# On a key of one's own nothing is charged here, and the provider sends its own bill.
ON_OWN_KEY = "(NOT is_free AND charged_nano = 0 AND provider_usd_nano > 0)"
# The day helps to find the lines: it is in UTC, so a period touches a part of its first and last one.
IN_PERIOD = """
    finished_at >= :since AND finished_at < :until
    AND day BETWEEN CAST(:since AS timestamptz)::date - 1 AND CAST(:until AS timestamptz)::date + 1
"""

SUMMED = f"""
    count(*) AS runs, {CLASSES}, sum(charged_nano)::bigint AS nano,
    count(*) FILTER (WHERE NOT {KNOWN}) AS unknown_runs, count(*) FILTER (WHERE {ON_OWN_KEY}) AS own_key_runs,
    coalesce(sum(provider_usd_nano) FILTER (WHERE {ON_OWN_KEY}), 0)::bigint AS own_key_usd_nano,
    min(provider_kind) AS provider_kind
"""


def key_of(group: Grouping, at: str = "finished_at") -> str:
    return KEYS[group].format(at=at)


def sums_of(group: Grouping) -> str:
    return f"""
        SELECT {key_of(group)} AS key, currency, {SUMMED}
        FROM usage_line
        WHERE {IN_PERIOD} AND owner_id = CAST(:owner AS uuid)
        GROUP BY 1, 2 ORDER BY 1, 2 LIMIT :limit
    """  # noqa: S608 - expressions of our own


_SUMS = {group: text(sums_of(group)) for group in KEYS}
_OF_PROJECT = {
    group: text(f"""
        SELECT {key_of(group)} AS key, currency, {SUMMED}
        FROM usage_line
        WHERE {IN_PERIOD} AND project_id = CAST(:project AS uuid)
          AND (CAST(:owner AS uuid) IS NULL OR owner_id = CAST(:owner AS uuid))
        GROUP BY 1, 2 ORDER BY 1, 2 LIMIT :limit
    """)  # noqa: S608
    for group in KEYS
}
_DAYS_OF_MODELS = text(f"""
    SELECT {key_of("day")} AS day, model_name AS model, sum(charged_nano)::bigint AS nano
    FROM usage_line
    WHERE {IN_PERIOD} AND project_id = CAST(:project AS uuid) AND currency = :currency AND charged_nano > 0
      AND (CAST(:owner AS uuid) IS NULL OR owner_id = CAST(:owner AS uuid))
    GROUP BY 1, 2 ORDER BY 1, 3 DESC LIMIT :limit
""")  # noqa: S608
_CHARGED_IN_PROJECT = text("""
    SELECT coalesce(sum(charged_nano), 0)::bigint FROM usage_line
    WHERE project_id = :project AND currency = :currency AND finished_at >= :since
""")
_MODELS = text("""
    SELECT DISTINCT ON (name) name, coalesce(edits->>'label', facts->>'label') AS label FROM model
    WHERE name = ANY(CAST(:names AS text[])) ORDER BY name, gone_at NULLS FIRST, created_at
""")
_PROVIDERS = text("SELECT id::text AS id, label FROM provider WHERE id::text = ANY(CAST(:ids AS text[]))")
# The line outlives the run.
_RUNS = text("""
    SELECT line.run_id, line.model_name, coalesce(model.edits->>'label', model.facts->>'label') AS label,
        run.id IS NOT NULL AS has_receipt
    FROM usage_line line
    LEFT JOIN run ON run.id = line.run_id
    LEFT JOIN model ON model.id = line.model_id
    WHERE line.run_id = ANY(CAST(:ids AS uuid[]))
""")
_LOG = text("""
    SELECT run.id, run.kind, run.state, run.model_name, run.provider_kind, run.provider_id, run.usage, run.cost,
        run.is_estimated, run.accepted_at, coalesce(provider.is_local, false) AS is_local,
        provider.label AS provider_label, coalesce(model.edits->>'label', model.facts->>'label') AS model_label
    FROM run
    LEFT JOIN provider ON provider.id = run.provider_id
    LEFT JOIN model ON model.id = run.model_id
    WHERE run.owner_id = :owner AND (CAST(:model AS text) IS NULL OR run.model_name = :model)
      AND (CAST(:provider AS text) IS NULL OR coalesce(run.provider_id::text, run.provider_kind) = :provider)
      AND (CAST(:project AS text) IS NULL OR coalesce(run.project_id::text, '') = :project)
      AND (CAST(:since AS timestamptz) IS NULL OR run.accepted_at >= :since)
      AND (CAST(:until AS timestamptz) IS NULL OR run.accepted_at < :until)
      AND (CAST(:at AS timestamptz) IS NULL OR (run.accepted_at, run.id) < (:at, CAST(:id AS uuid)))
    ORDER BY run.accepted_at DESC, run.id DESC LIMIT :limit
""")


@dataclass(frozen=True, slots=True)
class Period:
    """From the beginning of the first day to the end of the last one, as their person has them."""

    since: datetime
    until: datetime
    zone: str


@dataclass(frozen=True, slots=True)
class Sum:
    key: str
    runs: int = 0
    tokens: Usage = field(default_factory=Usage)
    costs: Mapping[str, int] = field(default_factory=dict)  # nano by currency; none where no price was known
    unknown_runs: int = 0  # that are in no cost
    own_key_runs: int = 0
    own_key_usd_nano: int = 0
    provider_kind: str = ""

    def __add__(self, other: "Sum") -> "Sum":
        currencies = dict.fromkeys([*self.costs, *other.costs])
        return Sum(
            self.key,
            self.runs + other.runs,
            self.tokens + other.tokens,
            {currency: self.costs.get(currency, 0) + other.costs.get(currency, 0) for currency in currencies},
            self.unknown_runs + other.unknown_runs,
            self.own_key_runs + other.own_key_runs,
            self.own_key_usd_nano + other.own_key_usd_nano,
            self.provider_kind,
        )


async def period_of(unit: AsyncSession, user_id: UserId, since: date | None, until: date | None) -> Period:
    name = (await preferences.read(unit, user_id)).timezone
    zone = ZoneInfo(name)
    last = until or now().astimezone(zone).date()
    first = since or last - timedelta(days=USUAL_DAYS - 1)
    if first > last:
        raise FieldProblem("since", "The period begins after its end.")
    if (last - first).days > MOST_DAYS or last.year >= date.max.year or first.year <= date.min.year:
        raise FieldProblem("since", f"Ask for {MOST_DAYS} days at most.")
    begins = datetime.combine(first, time(), zone).astimezone(UTC)
    ends = datetime.combine(last + timedelta(days=1), time(), zone).astimezone(UTC)
    return Period(begins, ends, name)


def values_of(period: Period, group: Grouping) -> dict[str, Any]:
    values: dict[str, Any] = {"since": period.since, "until": period.until, "limit": MOST_GROUPS}
    return values | {"zone": period.zone} if group == "day" else values


async def sums(unit: AsyncSession, period: Period, group: Grouping, owner_id: UserId) -> Sequence[Sum]:
    rows = await unit.execute(_SUMS[group], values_of(period, group) | {"owner": owner_id})
    return merged([as_sum(row) for row in rows])


async def project_sums(
    unit: AsyncSession, period: Period, group: Grouping, project_id: UUID, *, asked_by: UserId | None
) -> Sequence[Sum]:
    """What was asked in a project, by one person or by everybody; the latter needs a unit that sees everybody's."""
    values = values_of(period, group) | {"project": project_id, "owner": asked_by}
    return merged([as_sum(row) for row in await unit.execute(_OF_PROJECT[group], values)])


async def project_days(
    unit: AsyncSession, period: Period, project_id: UUID, currency: str, *, asked_by: UserId | None
) -> Sequence[Row[Any]]:
    """What each model cost on each day, in one currency."""
    values = {"zone": period.zone, "since": period.since, "until": period.until, "project": project_id,
              "currency": currency, "owner": asked_by, "limit": MOST_DAY_PARTS}  # fmt: skip
    return (await unit.execute(_DAYS_OF_MODELS, values)).all()


async def charged_in_project(unit: AsyncSession, project_id: UUID, currency: str, since: datetime) -> int:
    values = {"project": project_id, "currency": currency, "since": since}
    return int(await unit.scalar(_CHARGED_IN_PROJECT, values) or 0)


def as_sum(row: Row[Any]) -> Sum:
    is_known = row.unknown_runs < row.runs
    return Sum(
        row.key,
        row.runs,
        Usage(**{name: getattr(row, name) for name in NAMES}),
        {row.currency: row.nano} if is_known else {},
        row.unknown_runs,
        row.own_key_runs,
        row.own_key_usd_nano,
        row.provider_kind,
    )


def merged(rows: Sequence[Sum]) -> Sequence[Sum]:
    """Lines of one key in several currencies are one group with several costs."""
    found: dict[str, Sum] = {}
    for row in rows:
        found[row.key] = found[row.key] + row if row.key in found else row
    return list(found.values())


def total_of(groups: Sequence[Sum]) -> Sum:
    return sum(groups, Sum(""))


async def model_labels(unit: AsyncSession, names: Sequence[str]) -> Mapping[str, str]:
    """As the catalogue calls them."""
    known = {row.name: row.label for row in await unit.execute(_MODELS, {"names": list(names)})}
    return {name: known.get(name) or friendly(name) for name in names}


async def provider_labels(unit: AsyncSession, kinds: Mapping[str, str]) -> Mapping[str, str]:
    """As they are named here; of what is gone the kind is left. `kinds` has it for each key of a group."""
    known = {row.id: row.label for row in await unit.execute(_PROVIDERS, {"ids": list(kinds)})}
    return {key: known.get(key) or kind_label(kind) for key, kind in kinds.items()}


def kind_label(kind: str) -> str:
    return KINDS[kind].label if kind in KINDS else kind


@dataclass(frozen=True, slots=True)
class RunName:
    model: str
    label: str
    has_receipt: bool


async def names_of_runs(unit: AsyncSession, ids: Sequence[UUID]) -> Mapping[UUID, RunName]:
    """Which model answered, also where the run itself was deleted."""
    rows = await unit.execute(_RUNS, {"ids": list(ids)})
    return {row.run_id: RunName(row.model_name, row.label or friendly(row.model_name), row.has_receipt) for row in rows}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which requests of the log."""

    model: str | None = None
    provider: str | None = None
    project: str | None = None
    period: Period | None = None


async def log_page(
    unit: AsyncSession, owner_id: UserId, wanted: Wanted, *, after: tuple[Any, ...] | None, limit: int
) -> Sequence[Row[Any]]:
    at, run_id = after or (None, None)
    period = wanted.period
    values = {
        "owner": owner_id, "model": wanted.model, "provider": wanted.provider, "project": wanted.project,
        "since": period and period.since, "until": period and period.until, "at": at, "id": run_id,
        "limit": limit,
    }  # fmt: skip
    return (await unit.execute(_LOG, values)).all()
