"""Projects with their figures: the dashboard, and budgets."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from kontor.accounts import audit
from kontor.accounts.audit import Action
from kontor.accounts.current_caller import CurrentCaller
from kontor.billing import desk
from kontor.billing.schemas import BudgetsRead, BudgetsWrite
from kontor.core.errors import FieldProblem
from kontor.core.http.actors import ProjectReader, ProjectWriter, ScopeRequired, Unauthenticated
from kontor.core.http.idempotency import KontorRoute
from kontor.core.http.problems import problems
from kontor.core.http.units import Unit
from kontor.core.http.versions import SeenVersion, StaleVersion, tagged
from kontor.core.trail import Subject
from kontor.gateway import project_money, usage
from kontor.gateway.routes_usage import Since, Until, UsageGroup, UsageSum, foremost, numbers_of
from kontor.projects import service as projects
from kontor.projects.errors import InTrash, OwnerOnly, ProjectNotFound, ReadOnly
from kontor.projects.ports import belongings
from kontor.projects.values import Access

router = APIRouter(
    prefix="/projects/{project_id}",
    tags=["projects"],
    route_class=KontorRoute,
    responses=problems(Unauthenticated, ScopeRequired, ProjectNotFound),
)


class PartRead(BaseModel):
    name: str
    by_state: dict[str, int]
    bytes: int


class DayPart(BaseModel):
    """What one model cost on one day, in the currency of the total."""

    day: str
    model: str
    nano: int


class ProjectDashboard(BaseModel):
    is_everybody: bool = Field(description="Sums of all who asked in it, for its owner. False: of oneself")
    days: list[UsageGroup]
    day_parts: list[DayPart] = Field(description="The days by model, the dearest first; what cost nothing is left out")
    models: list[UsageGroup]
    total: UsageSum
    parts: list[PartRead] = Field(description="What is in it, such as documents, by state")


@router.get("/dashboard", responses=problems(FieldProblem))
async def read_project_dashboard(
    project_id: UUID, actor: ProjectReader, unit: Unit, since: Since = None, until: Until = None
) -> ProjectDashboard:
    project = await projects.require(unit, actor, project_id)
    period = await usage.period_of(unit, actor.user_id, since, until)
    days = await project_money.sums(unit, actor, project, period, "day")
    models = await project_money.sums(unit, actor, project, period, "model")
    labels = await usage.model_labels(unit, [each.key for each in models])
    total = usage.total_of(days)
    first = foremost(total.costs)
    dear = [] if first is None else await project_money.days(unit, actor, project, period, first)
    parts = []
    for part in belongings:
        count = await part.count(unit, project.id)
        if count is not None:
            parts.append(PartRead(name=part.name, by_state=dict(count.by_state), bytes=count.bytes))
    return ProjectDashboard(
        is_everybody=project.access is Access.OWNER,
        days=[UsageGroup(key=each.key, label=each.key, **numbers_of(each, first)) for each in days],
        day_parts=[DayPart(day=each.day, model=each.model, nano=each.nano) for each in dear],
        models=[UsageGroup(key=each.key, label=labels[each.key], **numbers_of(each, first)) for each in models],
        total=UsageSum(**numbers_of(total, first)),
        parts=parts,
    )


@router.get("/budgets", responses=problems(OwnerOnly, ReadOnly))
async def read_project_budgets(project_id: UUID, actor: ProjectReader, unit: Unit, response: Response) -> BudgetsRead:
    """How much may be spent in it, by whoever asks there. Its owner's to know and to say."""
    project = await projects.require(unit, actor, project_id, least=Access.OWNER)
    found = await desk.read_project_budgets(unit, actor.user_id, project.id)
    return tagged(found, response)


@router.put("/budgets", responses=problems(OwnerOnly, ReadOnly, InTrash, StaleVersion))
async def write_project_budgets(
    project_id: UUID,
    wanted: BudgetsWrite,
    actor: ProjectWriter,
    unit: Unit,
    *,
    seen: SeenVersion,
    caller: CurrentCaller,
    response: Response,
) -> BudgetsRead:
    """All of the project at once. What was spent in the present day or month still counts."""
    project = await projects.require(unit, actor, project_id, least=Access.OWNER, is_alive=True)
    saved = await project_money.write_budgets(unit, actor, project, wanted.items, seen=seen)
    details: dict[str, Any] = {"budgets": [item.model_dump(mode="json") for item in wanted.items]}
    await audit.write(
        unit,
        action=Action.PROJECT_BUDGETS_SET,
        actor=actor,
        owner_id=actor.user_id,
        subject=Subject("project", str(project.id)),
        details=details,
        address=caller.address,
    )
    return tagged(saved, response)
