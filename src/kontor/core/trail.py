"""The record of deeds as the core needs it. Accounts keeps it; `web` plugs it in."""

from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from kontor.core.tenancy import Actor


@dataclass(frozen=True, slots=True)
class Subject:
    """What was done something to. A name is for things; people are named by their id alone."""

    kind: str
    id: str
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Deed:
    """`owner_id` is whose affair it is: they find the line among their own."""

    action: str
    subject: Subject
    owner_id: UUID | None = None


class AuditTrail(Protocol):
    async def write(self, unit: AsyncSession, actor: Actor, deed: Deed) -> None:
        """One line, in the transaction of the deed. Whoever keeps the record knows where the request came from."""


class NoTrail:
    """For processes in which nobody can do what would have to be recorded."""

    async def write(self, unit: AsyncSession, actor: Actor, deed: Deed) -> None:
        raise LookupError(f"The deed {deed.action} must be recorded, and this process keeps no record.")
