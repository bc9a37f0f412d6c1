"""What was used: one's own, and for administrators everybody's, in numbers alone."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field
from sqlalchemy import Row

from kontor.billing.usage import Usage
from kontor.core.clock import now
from kontor.core.errors import FieldProblem
from kontor.core.http.actors import AccountReader, AdminReader, Core, ScopeRequired, Unauthenticated
from kontor.core.http.paging import PageCursor, PageLimit
from kontor.core.http.problems import problems
from kontor.core.http.units import AdminUnit, Unit
from kontor.core.paging import BadCursor, Cursor, Page
from kontor.gateway import usage
from kontor.gateway.facts import friendly
from kontor.gateway.routes_runs import State
from kontor.gateway.usage import Grouping, Sum
from kontor.gateway.wire.quirks import KINDS

router = APIRouter(tags=["usage"], responses=problems(Unauthenticated, ScopeRequired))

Since = Annotated[date | None, Query(description="The first day, in the zone of your settings. Absent: 30 days ago")]
Until = Annotated[date | None, Query(description="The last day, included. Absent: today")]


class CostSum(BaseModel):
    nano: int
    currency: str


class UsageSum(BaseModel):
    runs: int
    tokens_in: int
    tokens_out: int
    cost: CostSum | None = Field(description="Null where no price was known")
    further_costs: list[CostSum] = Field(description="In other currencies, after a change of currency")


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
    provider: str
    is_local: bool
    tokens_in: int
    tokens_out: int
    cost: CostSum | None
    is_free: bool
    is_estimated: bool


@router.get("/usage", responses=problems(FieldProblem))
async def read_usage(
    actor: AccountReader, unit: Unit, group: Grouping = "day", since: Since = None, until: Until = None
) -> UsageSums:
    """Sums of what you asked for, by day, model, project or provider."""
    period = await usage.period_of(unit, actor.user_id, since, until)
    found = await usage.sums(unit, period, group, owner_id=actor.user_id)
    return usage_read(group, found, {str(actor.user_id): ""})


@router.get("/usage/log", responses=problems(BadCursor))
async def list_usage_log(
    actor: AccountReader,
    unit: Unit,
    model: Annotated[str | None, Query(max_length=300)] = None,
    cursor: PageCursor = None,
    limit: PageLimit = 50,
) -> Page[LogLine]:
    """Every request, newest first."""
    after = Cursor.decode(cursor, "datetime", "uuid")
    rows = await usage.log_page(unit, actor.user_id, model=model, after=after, limit=limit + 1)
    shown = rows[:limit]
    following = Cursor.encode((shown[-1].accepted_at, shown[-1].id)) if len(rows) > limit else None
    return Page(items=[log_line(row) for row in shown], next_cursor=following)


@router.get("/usage.csv", response_class=StreamingResponse, responses={200: {"content": {"text/csv": {}}}})
async def export_usage(
    actor: AccountReader, kernel: Core, since: Since = None, until: Until = None
) -> StreamingResponse:
    """Every line of the period, oldest first."""
    async with kernel.database.unit(actor) as unit:
        period = await usage.period_of(unit, actor.user_id, since, until)
    name = f"kontor-usage-{now():%Y-%m-%d}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "X-Content-Type-Options": "nosniff"}
    rows = usage.export(kernel.database, actor, period)
    return StreamingResponse(rows, media_type="text/csv; charset=utf-8", headers=headers)


@router.get("/admin/usage", responses=problems(FieldProblem))
async def read_all_usage(
    actor: AdminReader, unit: AdminUnit, group: Grouping = "person", since: Since = None, until: Until = None
) -> UsageSums:
    """Everybody's sums. What was asked stands nowhere in them."""
    period = await usage.period_of(unit, actor.user_id, since, until)
    found = await usage.sums(unit, period, group, owner_id=None)
    names = await usage.names_of(unit, [each.key for each in found]) if group == "person" else {}
    return usage_read(group, found, names)


def usage_read(group: Grouping, found: Sequence[Sum], people: Mapping[str, str]) -> UsageSums:
    total = usage.total_of(found)
    # The currency that most of the whole is in comes first everywhere.
    first = max(total.costs or {}, key=lambda currency: (total.costs or {})[currency], default=None)
    return UsageSums(
        items=[
            UsageGroup(key=each.key, label=label_of(group, each.key, people), **numbers_of(each, first))
            for each in found
        ],
        total=UsageSum(**numbers_of(total, first)),
    )


def numbers_of(found: Sum, first: str | None) -> dict[str, Any]:
    costs = {currency: CostSum(nano=nano, currency=currency) for currency, nano in (found.costs or {}).items()}
    cost = costs.pop(first, None) if first is not None else None
    return {
        "runs": found.runs,
        "tokens_in": found.tokens_in,
        "tokens_out": found.tokens_out,
        "cost": cost,
        "further_costs": list(costs.values()),
    }


def label_of(group: Grouping, key: str, people: Mapping[str, str]) -> str:
    match group:
        case "model":
            return friendly(key)
        case "provider":
            return KINDS[key].label if key in KINDS else key
        case "person":
            return people.get(key, key)
        case _:
            return key


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
        provider=row.provider_kind,
        is_local=row.is_local,
        tokens_in=used.read,
        tokens_out=used.written,
        cost=CostSum(nano=cost["nano"], currency=cost["currency"]) if is_known else None,
        is_free=cost is not None and cost["is_free"],
        is_estimated=row.is_estimated,
    )
