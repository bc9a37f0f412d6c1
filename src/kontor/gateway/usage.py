"""How much was used, by whom and for what: sums over usage lines, and the log of single requests."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from kontor.accounts import preferences
from kontor.accounts.audit import csv_lines
from kontor.core.clock import now
from kontor.core.database import Database
from kontor.core.errors import FieldProblem
from kontor.core.ids import UserId
from kontor.core.money import plain
from kontor.core.tenancy import Actor, Identity

Grouping = Literal["day", "model", "project", "person", "provider"]

USUAL_DAYS = 30
MOST_DAYS = 3660
MOST_GROUPS = 1000
EXPORT_PAGE = 1000

READ = "input_tokens + cached_tokens + cache_write_tokens + image_tokens + audio_in_tokens"
WRITTEN = "output_tokens + reasoning_tokens + audio_out_tokens"
KEYS: Mapping[Grouping, str] = {
    "day": "to_char(finished_at AT TIME ZONE :zone, 'YYYY-MM-DD')",
    "model": "model_name",
    "project": "coalesce(project_id::text, '')",
    "person": "owner_id::text",
    "provider": "provider_kind",
}
# What somebody could have paid and nobody knows how much: the sum of such lines is no number.
KNOWN = "is_free OR price_version_id IS NOT NULL OR charged_nano > 0"


def sums_of(group: Grouping) -> str:
    return f"""
        SELECT {KEYS[group]} AS key, currency, count(*) AS runs, sum({READ})::bigint AS tokens_in,
            sum({WRITTEN})::bigint AS tokens_out, sum(charged_nano)::bigint AS nano, bool_or({KNOWN}) AS is_known
        FROM usage_line
        WHERE finished_at >= :since AND finished_at < :until AND (:everybody OR owner_id = CAST(:owner AS uuid))
        GROUP BY 1, 2 ORDER BY 1, 2 LIMIT :limit
    """  # noqa: S608 - expressions of our own


_SUMS = {group: text(sums_of(group)) for group in KEYS}
_PEOPLE = text("SELECT id, name, email FROM person WHERE id = ANY(CAST(:ids AS uuid[]))")
_LOG = text("""
    SELECT run.id, run.kind, run.state, run.model_name, run.provider_kind, run.provider_id, run.usage, run.cost,
        run.is_estimated, run.accepted_at, coalesce(provider.is_local, false) AS is_local
    FROM run LEFT JOIN provider ON provider.id = run.provider_id
    WHERE run.owner_id = :owner AND (CAST(:model AS text) IS NULL OR run.model_name = :model)
      AND (CAST(:at AS timestamptz) IS NULL OR (run.accepted_at, run.id) < (:at, CAST(:id AS uuid)))
    ORDER BY run.accepted_at DESC, run.id DESC LIMIT :limit
""")
_LINES = text("""
    SELECT * FROM usage_line
    WHERE owner_id = :owner AND finished_at >= :since AND finished_at < :until
      AND (CAST(:at AS timestamptz) IS NULL OR (finished_at, run_id) > (:at, CAST(:id AS uuid)))
    ORDER BY finished_at, run_id LIMIT :limit
""")
COLUMNS = (
    "at", "run_id", "kind", "provider", "model", "input", "cached", "cache_write", "output", "reasoning", "image",
    "audio_in", "audio_out", "amount", "currency", "is_free", "is_estimated", "project_id", "provider_request_id",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Period:
    """From the beginning of the first day to the end of the last one, as their person has them."""

    since: datetime
    until: datetime
    zone: str


@dataclass(frozen=True, slots=True)
class Sum:
    key: str
    label: str
    runs: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    costs: Mapping[str, int] | None = None  # nano by currency; a currency is missing where no price was known


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


async def sums(unit: AsyncSession, period: Period, group: Grouping, *, owner_id: UserId | None) -> Sequence[Sum]:
    """Of one person, or of everybody for whoever may see that."""
    known = {"since": period.since, "until": period.until, "everybody": owner_id is None, "owner": owner_id,
             "limit": MOST_GROUPS}  # fmt: skip
    if group == "day":
        known["zone"] = period.zone
    rows = await unit.execute(_SUMS[group], known)
    return merged(rows.all())


def merged(rows: Sequence[Row[Any]]) -> Sequence[Sum]:
    """Lines of one key in several currencies are one group with several costs."""
    found: dict[str, Sum] = {}
    for row in rows:
        before = found.get(row.key) or Sum(row.key, row.key, costs={})
        found[row.key] = Sum(
            row.key,
            row.key,
            before.runs + row.runs,
            before.tokens_in + row.tokens_in,
            before.tokens_out + row.tokens_out,
            {**(before.costs or {}), row.currency: row.nano} if row.is_known else before.costs,
        )
    return list(found.values())


def total_of(groups: Sequence[Sum]) -> Sum:
    costs: dict[str, int] = {}
    for group in groups:
        for currency, nano in (group.costs or {}).items():
            costs[currency] = costs.get(currency, 0) + nano
    return Sum(
        "",
        "",
        sum(group.runs for group in groups),
        sum(group.tokens_in for group in groups),
        sum(group.tokens_out for group in groups),
        costs,
    )


async def names_of(unit: AsyncSession, ids: Sequence[str]) -> Mapping[str, str]:
    """Of people, for administrators. Whoever is gone has none."""
    rows = await unit.execute(_PEOPLE, {"ids": [UUID(each) for each in ids]})
    return {str(row.id): row.name or row.email or str(row.id) for row in rows}


async def log_page(
    unit: AsyncSession, owner_id: UserId, *, model: str | None, after: tuple[Any, ...] | None, limit: int
) -> Sequence[Row[Any]]:
    at, run_id = after or (None, None)
    known = {"owner": owner_id, "model": model, "at": at, "id": run_id, "limit": limit}
    return (await unit.execute(_LOG, known)).all()


async def export(database: Database, actor: Actor, period: Period) -> AsyncIterator[str]:
    """Every line of the period, oldest first, in short units of work."""
    # The mark tells spreadsheets that this is UTF-8.
    yield "\ufeff" + csv_lines([COLUMNS])
    after: tuple[datetime | None, UUID | None] = (None, None)
    while True:
        async with database.unit(Identity(actor.identity.scope, actor.user_id)) as unit:
            known = {"owner": actor.user_id, "since": period.since, "until": period.until,
                     "at": after[0], "id": after[1], "limit": EXPORT_PAGE}  # fmt: skip
            rows = (await unit.execute(_LINES, known)).all()
        if rows:
            yield csv_lines(map(csv_row, rows))
        if len(rows) < EXPORT_PAGE:
            return
        after = (rows[-1].finished_at, rows[-1].run_id)


def csv_row(line: Row[Any]) -> tuple[object, ...]:
    amount = plain(line.charged_nano) if line.is_free or line.price_version_id or line.charged_nano else ""
    return (
        line.finished_at.isoformat(), line.run_id, line.kind, line.provider_kind, line.model_name, line.input_tokens,
        line.cached_tokens, line.cache_write_tokens, line.output_tokens, line.reasoning_tokens, line.image_tokens,
        line.audio_in_tokens, line.audio_out_tokens, amount, line.currency, line.is_free, line.is_estimated,
        line.project_id, line.provider_request_id,
    )  # fmt: skip
