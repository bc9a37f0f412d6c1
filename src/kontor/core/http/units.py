"""The unit of work of a request: one transaction, committed after the route and before the answer leaves."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy.ext.asyncio import AsyncSession

from kontor.core.http.actors import AdminReader, Core, CurrentActor
from kontor.core.http.idempotency import recall


async def open_unit(request: Request, actor: CurrentActor, kernel: Core) -> AsyncIterator[AsyncSession]:
    async with kernel.database.unit(actor) as unit:
        await recall(request, unit, actor, kernel)
        yield unit


async def open_admin_unit(request: Request, actor: AdminReader, kernel: Core) -> AsyncIterator[AsyncSession]:
    async with kernel.database.unit(actor.as_admin()) as unit:
        await recall(request, unit, actor, kernel)
        yield unit


# The default scope of a dependency would commit only after the answer has left.
Unit = Annotated[AsyncSession, Depends(open_unit, scope="function")]
AdminUnit = Annotated[AsyncSession, Depends(open_admin_unit, scope="function")]
