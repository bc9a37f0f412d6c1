"""The record of deeds as the core needs it. Accounts keeps it; `web` plugs it in."""

from collections.abc import Mapping
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from kontor.core.tenancy import Actor


class AuditTrail(Protocol):
    async def write(
        self,
        unit: AsyncSession,
        actor: Actor,
        action: str,
        *,
        subject_kind: str | None = None,
        subject_id: str | None = None,
        subject_name: str | None = None,
        details: Mapping[str, Any] | None = None,
        owner_id: UUID | None = None,
    ) -> None:
        """One line, in the transaction of the deed. Whoever keeps the record knows where the request came from.

        `owner_id` is whose affair it is: they find the line among their own.
        """


class NoTrail:
    """For processes in which nobody can do what would have to be recorded."""

    async def write(
        self,
        unit: AsyncSession,
        actor: Actor,
        action: str,
        *,
        subject_kind: str | None = None,
        subject_id: str | None = None,
        subject_name: str | None = None,
        details: Mapping[str, Any] | None = None,
        owner_id: UUID | None = None,
    ) -> None:
        raise LookupError(f"The deed {action} must be recorded, and this process keeps no record.")
