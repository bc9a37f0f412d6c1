"""What was used: one's own, and for administrators everybody's, in numbers alone."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from kontor.billing import configuration, statements
from kontor.billing.schemas import EntryRead
from kontor.billing.statements import Shown
from kontor.billing.usage import Usage
from kontor.core.clock import now
from kontor.core.errors import FieldProblem
from kontor.core.http.actors import AccountReader, AdminReader, Core, RoleRequired, ScopeRequired, Unauthenticated
from kontor.core.http.paging import PageCursor, PageLimit
from kontor.core.http.problems import problems
from kontor.core.http.units import AdminUnit, Unit
from kontor.core.ids import UserId
from kontor.core.money import USD
from kontor.core.paging import BadCursor, Cursor, Page
from kontor.gateway import house_usage, usage, usage_months, usage_sheets
from kontor.gateway.facts import friendly
from kontor.gateway.house_usage import HouseSum
from kontor.gateway.routes_llm import UsageRead
from kontor.gateway.routes_runs import State
from kontor.gateway.usage import Grouping, Period, RunName, Sum, Wanted
from kontor.gateway.usage_months import Month
from kontor.gateway.usage_sheets import Language
from kontor.projects import service as projects

router = APIRouter(tags=["usage"], responses=problems(Unauthenticated, ScopeRequired))

Since = Annotated[date | None, Query(description="The first day, in the zone of your settings. Absent: 30 days ago")]
Until = Annotated[date | None, Query(description="The last day, included. Absent: today")]
Written = Annotated[
    Language | None,
    Query(description="For spreadsheets of people who speak it: titles, separators, decimals. Absent: for programs"),
]
Key = Annotated[str | None, Query(max_length=300, description="The `key` of a group of sums")]
CSV: dict[int | str, dict[str, Any]] = {200: {"content": {"text/csv": {}}}}


class CostSum(BaseModel):
    nano: int
    currency: str


class UsageSum(BaseModel):
    runs: int
    tokens_in: int
    tokens_out: int
    tokens: UsageRead = Field(description="The same by class")
    cost: CostSum | None = Field(description="Null where no price was known of any")
    further_costs: list[CostSum] = Field(description="In other currencies, after a change of currency")
    unknown_runs: int = Field(description="Whose price nobody knows, so that they are in no cost")
    own_key_runs: int = Field(description="On keys of one's own: charged by their providers, and not here")
    own_key_cost: CostSum | None = Field(description="What those providers ask for them")


class UsageGroup(UsageSum):
    key: str
    label: str


class UsageSums(BaseModel):
    items: list[UsageGroup]
    total: UsageSum


class LogLine(BaseModel):
    run_id: UUID
    at: datetime
    kind: str
    title: str | None
    state: State
    model: str
    model_label: str
    provider: str
    provider_label: str
    is_local: bool
    tokens_in: int
    tokens_out: int
    tokens: UsageRead
    cost: CostSum | None
    is_free: bool
    is_own_key: bool
    is_estimated: bool


class StatementEntry(EntryRead):
    model: str | None = Field(description="That answered")
    model_label: str | None
    has_receipt: bool = Field(description="False where the answer was deleted: what it cost is kept")


class HouseUsageSum(BaseModel):
    runs: int
    requests: int = Field(description="Also those that came to nothing")
    failed: int
    tokens_in: int
    tokens_out: int
    unknown_runs: int
    own_key_runs: int = Field(description="On keys of people's own: they cost the house nothing")
    provider_cost: CostSum = Field(description="What providers ask the house for, as they ask it")
    cost: CostSum | None = Field(description="The same at the rate of each day. Null where no price was known of any")
    further_costs: list[CostSum]
    unbilled_costs: list[CostSum] = Field(description="Of the cost, what was asked while nothing was charged")
    revenues: list[CostSum] = Field(description="What wallets were charged")


class HouseUsageGroup(HouseUsageSum):
    key: str
    label: str
    detail: str | None = Field(description="The address of a person")


class HouseUsage(BaseModel):
    is_billed: bool
    items: list[HouseUsageGroup]
    total: HouseUsageSum
    given_back: list[CostSum] = Field(description="Of what was charged, whenever that was")


class MonthLimitRead(BaseModel):
    currency: str
    limit_nano: int
    spent_nano: int = Field(description="As the limit counts: on every key, and from the day on which it was set")
    warn_percent: int
    stops: bool
    is_imposed: bool


class PersonMonth(UsageSum):
    """The same sums as the person's own, so in the currency in which they pay."""

    person_id: UUID
    since: datetime = Field(description="Where the month began, in the person's own zone")
    limit: MonthLimitRead | None = Field(description="Of several the one that is nearest to its end")


class PersonMonths(BaseModel):
    items: list[PersonMonth]


@router.get("/usage", responses=problems(FieldProblem))
async def read_usage(
    actor: AccountReader, unit: Unit, group: Grouping = "day", since: Since = None, until: Until = None
) -> UsageSums:
    """Sums of what you asked for, by day, model, project or provider."""
    period = await usage.period_of(unit, actor.user_id, since, until)
    found = await usage.sums(unit, period, group, actor.user_id)
    labels = await labels_of(unit, group, found)
    if group == "project":
        ids = [UUID(each.key) for each in found if each.key]
        labels = {str(key): name for key, name in (await projects.project_names(unit, actor.user_id, ids)).items()}
    total = usage.total_of(found)
    # The currency that most of the whole is in comes first everywhere.
    first = foremost(total.costs)
    return UsageSums(
        items=[
            UsageGroup(key=each.key, label="" if group == "person" else labels.get(each.key, each.key),
                       **numbers_of(each, first))
            for each in found
        ],
        total=UsageSum(**numbers_of(total, first)),
    )  # fmt: skip


@router.get("/usage/log", responses=problems(BadCursor, FieldProblem))
async def list_usage_log(
    actor: AccountReader,
    unit: Unit,
    *,
    model: Key = None,
    provider: Key = None,
    project: Key = None,
    since: Annotated[date | None, Query(description="The first day. Absent: from the beginning")] = None,
    until: Until = None,
    cursor: PageCursor = None,
    limit: PageLimit = 50,
) -> Page[LogLine]:
    """Every request, newest first."""
    after = Cursor.decode(cursor, "datetime", "uuid")
    period = None if since is None else await usage.period_of(unit, actor.user_id, since, until)
    wanted = Wanted(model=model, provider=provider, project=project, period=period)
    rows = await usage.log_page(unit, actor.user_id, wanted, after=after, limit=limit + 1)
    shown = rows[:limit]
    following = Cursor.encode((shown[-1].accepted_at, shown[-1].id)) if len(rows) > limit else None
    return Page(items=[log_line(row) for row in shown], next_cursor=following)


@router.get("/billing/entries", tags=["billing"], responses=problems(BadCursor))
async def list_entries(
    actor: AccountReader, unit: Unit, cursor: PageCursor = None, limit: PageLimit = 50
) -> Page[StatementEntry]:
    """What moved the balance, newest first."""
    decoded = Cursor.decode(cursor, "datetime", "uuid")
    after = None if decoded is None else (decoded[0], decoded[1])
    found = await statements.entries(unit, actor.user_id, after=after, limit=limit + 1)
    shown, last = found[:limit], found[limit - 1] if len(found) > limit else None
    names = await usage.names_of_runs(unit, [each.run_id for each in shown if each.run_id is not None])
    return Page(
        items=[statement_entry(each, names) for each in shown],
        next_cursor=None if last is None else Cursor.encode([last.at, last.id]),
    )


def statement_entry(shown: Shown, names: Mapping[UUID, RunName]) -> StatementEntry:
    name = None if shown.run_id is None else names.get(shown.run_id)
    return StatementEntry(
        **EntryRead.of(shown).model_dump(),
        model=None if name is None else name.model,
        model_label=None if name is None else name.label,
        has_receipt=name is not None and name.has_receipt,
    )


@router.get("/usage.csv", response_class=StreamingResponse, responses={**CSV, **problems(FieldProblem)})
async def export_usage(
    actor: AccountReader, kernel: Core, since: Since = None, until: Until = None, language: Written = None
) -> StreamingResponse:
    """Every line of the period, oldest first."""
    async with kernel.database.unit(actor) as unit:
        period = await usage.period_of(unit, actor.user_id, since, until)
    return sheet("kontor-usage", period, usage_sheets.export(kernel.database, actor, period, language))


@router.get("/admin/usage", responses=problems(RoleRequired, FieldProblem))
async def read_all_usage(
    actor: AdminReader, unit: AdminUnit, group: Grouping = "person", since: Since = None, until: Until = None
) -> HouseUsage:
    """Everybody's sums. What was asked stands nowhere in them."""
    period = await usage.period_of(unit, actor.user_id, since, until)
    found = await house_usage.sums(unit, period, group)
    labels, details = await labels_of(unit, group, found), dict[str, str | None]()
    if group == "person":
        people = await house_usage.people(unit, [UUID(each.key) for each in found])
        labels = {key: named.name for key, named in people.items()}
        details = {key: named.email for key, named in people.items()}
    total = house_usage.total_of(found)
    first = foremost(total.costs)
    return HouseUsage(
        is_billed=(await configuration.read(unit)).is_on,
        items=[
            HouseUsageGroup(key=each.key, label=labels.get(each.key, each.key), detail=details.get(each.key),
                            **house_numbers_of(each, first))
            for each in found
        ],
        total=HouseUsageSum(**house_numbers_of(total, first)),
        given_back=costs_of(await statements.given_back(unit, period.since, period.until)),
    )  # fmt: skip


MOST_MONTHS = 100
Whose = Annotated[list[UUID], Query(max_length=MOST_MONTHS, description="Of these people; who is gone is left out")]
NOBODY: list[UUID] = []


@router.get("/admin/usage/months", responses=problems(RoleRequired))
async def read_months(_actor: AdminReader, unit: AdminUnit, person: Whose = NOBODY) -> PersonMonths:
    """What people have spent in this month, and the limit at which it ends."""
    asked = [UserId(each) for each in dict.fromkeys(person)]
    months = await usage_months.of_people(unit, asked)
    return PersonMonths(items=[month_of(owner, months[owner]) for owner in asked if owner in months])


@router.get("/admin/usage.csv", response_class=StreamingResponse, responses={**CSV, **problems(RoleRequired)})
async def export_all_usage(
    actor: AdminReader, kernel: Core, since: Since = None, until: Until = None, language: Written = None
) -> StreamingResponse:
    """A line for each day, person, provider and model."""
    async with kernel.database.unit(actor) as unit:
        period = await usage.period_of(unit, actor.user_id, since, until)
    return sheet("kontor-house", period, usage_sheets.export_house(kernel.database, actor, period, language))


def sheet(name: str, period: Period, rows: AsyncIterator[str]) -> StreamingResponse:
    file = f"{name}-{now():%Y-%m-%d}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{file}"', "X-Content-Type-Options": "nosniff"}
    return StreamingResponse(rows, media_type="text/csv; charset=utf-8", headers=headers)


async def labels_of(unit: AsyncSession, group: Grouping, found: Sequence[Sum | HouseSum]) -> Mapping[str, str]:
    match group:
        case "model":
            return await usage.model_labels(unit, [each.key for each in found])
        case "provider":
            return await usage.provider_labels(unit, {each.key: each.provider_kind for each in found})
        case _:
            return {}


def foremost(costs: Mapping[str, int]) -> str | None:
    return max(costs, key=lambda currency: costs[currency], default=None)


def costs_of(costs: Mapping[str, int]) -> list[CostSum]:
    return [CostSum(nano=nano, currency=currency) for currency, nano in costs.items()]


def parted(costs: Mapping[str, int], first: str | None) -> dict[str, Any]:
    return {
        "cost": None if first is None or first not in costs else CostSum(nano=costs[first], currency=first),
        "further_costs": costs_of({currency: nano for currency, nano in costs.items() if currency != first}),
    }


def numbers_of(found: Sum, first: str | None) -> dict[str, Any]:
    return {
        "runs": found.runs,
        "tokens_in": found.tokens.read,
        "tokens_out": found.tokens.written,
        "tokens": asdict(found.tokens),
        "unknown_runs": found.unknown_runs,
        "own_key_runs": found.own_key_runs,
        "own_key_cost": CostSum(nano=found.own_key_usd_nano, currency=USD) if found.own_key_runs else None,
        **parted(found.costs, first),
    }


def month_of(owner: UserId, month: Month) -> PersonMonth:
    return PersonMonth(
        person_id=owner,
        since=month.since,
        limit=None if month.limit is None else MonthLimitRead(**asdict(month.limit)),
        **numbers_of(month.used, foremost(month.used.costs)),
    )


def house_numbers_of(found: HouseSum, first: str | None) -> dict[str, Any]:
    return {
        "runs": found.runs,
        "requests": found.requests,
        "failed": found.failed,
        "tokens_in": found.tokens_in,
        "tokens_out": found.tokens_out,
        "unknown_runs": found.unknown_runs,
        "own_key_runs": found.own_key_runs,
        "provider_cost": CostSum(nano=found.provider_usd_nano, currency=USD),
        "unbilled_costs": costs_of(found.unbilled),
        "revenues": costs_of(found.revenues),
        **parted(found.costs, first),
    }


def log_line(row: Row[Any]) -> LogLine:
    used, cost = Usage(**(row.usage or {})), row.cost
    is_known = cost is not None and cost["is_known"]
    return LogLine(
        run_id=row.id,
        at=row.accepted_at,
        kind=row.kind,
        title=None,
        state=row.state,
        model=row.model_name,
        model_label=row.model_label or friendly(row.model_name),
        provider=row.provider_kind,
        provider_label=row.provider_label or usage.kind_label(row.provider_kind),
        is_local=row.is_local,
        tokens_in=used.read,
        tokens_out=used.written,
        tokens=UsageRead(**asdict(used)),
        cost=CostSum(nano=cost["nano"], currency=cost["currency"]) if is_known else None,
        is_free=cost is not None and cost["is_free"],
        is_own_key=is_known and cost["nano"] == 0 and cost.get("spent_nano", 0) > 0,
        is_estimated=row.is_estimated,
    )
