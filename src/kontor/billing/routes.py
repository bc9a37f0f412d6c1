"""One's own money: what there is, and how much may be spent."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Response

from kontor.billing import desk
from kontor.billing.errors import SubjectNotFound
from kontor.billing.schemas import BalanceRead, BudgetsRead, BudgetsWrite
from kontor.core.errors import FieldProblem
from kontor.core.http.actors import AccountReader, AccountWriter, ScopeRequired, Unauthenticated
from kontor.core.http.idempotency import KontorRoute
from kontor.core.http.problems import problems
from kontor.core.http.units import Unit
from kontor.core.http.versions import SeenVersion, StaleVersion, etag

router = APIRouter(
    prefix="/billing", tags=["billing"], route_class=KontorRoute, responses=problems(Unauthenticated, ScopeRequired)
)


@router.get("/balance")
async def read_balance(actor: AccountReader, unit: Unit) -> BalanceRead:
    return await desk.balance(unit, actor.user_id)


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
