"""The runs of a process, plugged together with their neighbours."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

from kontor.billing import service as billing
from kontor.billing.known import KnownBilling
from kontor.core.database import Database
from kontor.core.kernel import Kernel
from kontor.core.tenancy import Actor
from kontor.gateway.estimates import Estimates
from kontor.gateway.router import Router
from kontor.gateway.runs import recovery
from kontor.gateway.runs.recovery import Recovery
from kontor.gateway.runs.service import Runs
from kontor.gateway.service import Gateway
from kontor.projects import service as projects
from kontor.projects.values import Terms


class KnownProjects:
    """Runs outside of requests ask in a transaction of their own, as the person."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def terms(self, actor: Actor, project_id: UUID) -> Terms:
        async with self._database.unit(actor) as unit:
            return await projects.terms(unit, actor, project_id)


def runs_of(kernel: Kernel, gateway: Gateway, estimates: Estimates) -> Runs:
    return Runs(
        kernel.database,
        kernel.listener,
        router=Router(gateway, estimates),
        books=KnownBilling(kernel.database, kernel.listener),
        asks=gateway.answerer,
        estimates=estimates,
        projects=KnownProjects(kernel.database),
    )


@asynccontextmanager
async def learning(estimates: Estimates) -> AsyncIterator[None]:
    task = asyncio.create_task(estimates.run(), name="estimates")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})


def add_recovery(kernel: Kernel) -> None:
    """For workers: they produce no runs, and look after those of whoever died."""
    recovery.register(kernel.jobs, Recovery(kernel.database, billing, Estimates(kernel.database)))
