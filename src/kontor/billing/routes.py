"""One's own money: what there is, what became of it, and how much may be spent."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Response

from kontor.billing import desk, statements
from kontor.billing.errors import SubjectNotFound
from kontor.billing.schemas import BalanceRead, BudgetsRead, BudgetsWrite, EntryRead
from kontor.core.errors import FieldProblem
from kontor.core.http.actors import AccountReader, AccountWriter, ScopeRequired, Unauthenticated
from kontor.core.http.idempotency import KontorRoute
from kontor.core.http.paging import PageCursor, PageLimit
from kontor.core.http.problems import problems
from kontor.core.http.units import Unit
from kontor.core.http.versions import SeenVersion, StaleVersion, etag
from kontor.core.paging import BadCursor, Cursor, Page

router = APIRouter(
    prefix="/billing", tags=["billing"], route_class=KontorRoute, responses=problems(Unauthenticated, ScopeRequired)
)


@router.get("/balance")
async def read_balance(actor: AccountReader, unit: Unit) -> BalanceRead:
    return await desk.balance(unit, actor.user_id)


@router.get("/entries", responses=problems(BadCursor))
async def list_entries(
    actor: AccountReader, unit: Unit, cursor: PageCursor = None, limit: PageLimit = 50
) -> Page[EntryRead]:
    """Newest first."""
    after: tuple[datetime, UUID] | None = None
    if (decoded := Cursor.decode(cursor, "datetime", "uuid")) is not None:
        after = (decoded[0], decoded[1])
    found = await statements.entries(unit, actor.user_id, after=after, limit=limit + 1)
    last = found[limit - 1] if len(found) > limit else None
    return Page(
        items=[EntryRead.of(each) for each in found[:limit]],
        next_cursor=None if last is None else Cursor.encode([last.at, last.id]),
    )


@router.get("/budgets")
async def read_budgets(actor: AccountReader, unit: Unit, response: Response) -> BudgetsRead:
    found = await desk.read_budgets(unit, actor.user_id)
    response.headers["ETag"] = etag(found.version)
    return found


@router.put("/budgets", responses=problems(StaleVersion, SubjectNotFound, FieldProblem))
async def write_budgets(
    wanted: BudgetsWrite,
    actor: AccountWriter,
    unit: Unit,
    *,
    subject: Annotated[
        Literal["person", "key"], Query(description="Oneself, or one of one's access tokens")
    ] = "person",
    subject_id: Annotated[UUID | None, Query(description="The token")] = None,
    seen: SeenVersion,
    response: Response,
) -> BudgetsRead:
    """All of one's own for the subject at once. What was spent in the present day or month still counts."""
    if (subject == "key") != (subject_id is not None):
        raise FieldProblem("subject_id", "Name the token, and only a token.")
    saved = await desk.write_budgets(
        unit,
        actor.user_id,
        wanted.items,
        subject=subject,
        subject_id=subject_id,
        seen=seen if subject == "person" else None,
    )
    response.headers["ETag"] = etag(saved.version)
    return saved
