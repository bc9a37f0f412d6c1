"""What the gateway's neighbours keep for projects, and what goes with them."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from kontor.billing import budgets
from kontor.projects.ports import Copy, Count, belongings


@dataclass(frozen=True, slots=True)
class Budgets:
    """Erased with their projects, and never copied."""

    name: str = "budgets"
    is_copied: bool = False

    async def copy(self, unit: AsyncSession, copies: Sequence[Copy]) -> None:
        """A copy has spent nothing yet, and what it may cost is said anew."""

    async def count(self, unit: AsyncSession, project_id: UUID) -> Count | None:
        return None

    async def erase(self, unit: AsyncSession, project_ids: Sequence[UUID]) -> None:
        await budgets.forget(unit, "project", project_ids)


def register() -> None:
    """In every process that erases projects."""
    belongings.register(Budgets())
