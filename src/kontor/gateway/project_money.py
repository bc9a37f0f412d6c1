"""What projects cost: what was asked in them, and how much may be."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from kontor.billing import desk
from kontor.billing.schemas import BudgetsRead, BudgetWrite
from kontor.core.database import elevated
from kontor.core.tenancy import Actor
from kontor.gateway import usage
from kontor.gateway.usage import Grouping, Period, Sum
from kontor.projects.values import Access, Thing


async def sums(unit: AsyncSession, actor: Actor, project: Thing, period: Period, group: Grouping) -> Sequence[Sum]:
    """To its owner what everybody asked in it, which is sums and no words; to others what they asked themselves."""
    if project.access is not Access.OWNER:
        return await usage.project_sums(unit, period, group, project.id, asked_by=actor.user_id)
    async with elevated(unit, "projects"):
        return await usage.project_sums(unit, period, group, project.id, asked_by=None)


async def days(unit: AsyncSession, actor: Actor, project: Thing, period: Period, currency: str) -> Sequence[Row[Any]]:
    """The same, by day and model."""
    if project.access is not Access.OWNER:
        return await usage.project_days(unit, period, project.id, currency, asked_by=actor.user_id)
    async with elevated(unit, "projects"):
        return await usage.project_days(unit, period, project.id, currency, asked_by=None)


async def write_budgets(
    unit: AsyncSession, actor: Actor, project: Thing, items: list[BudgetWrite], *, seen: int | None
) -> BudgetsRead:
    """By the owner, whoever asks in the project and pays for it. What was spent in the present period counts."""

    async def spent_since(currency: str, since: datetime) -> int:
        async with elevated(unit, "projects"):
            return await usage.charged_in_project(unit, project.id, currency, since)

    await desk.write_budgets(
        unit, actor.user_id, items, subject="project", subject_id=project.id, spent_since=spent_since, seen=seen
    )
    return await desk.read_project_budgets(unit, actor.user_id, project.id)
