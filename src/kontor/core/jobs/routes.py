"""Jobs over HTTP: one's own, and all of them for administrators."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, status

from kontor.core.http.actors import AccountReader, AccountWriter, AdminReader, AdminWriter, Core
from kontor.core.http.idempotency import KontorRoute
from kontor.core.http.paging import PageCursor, PageLimit
from kontor.core.http.problems import problems
from kontor.core.http.units import AdminUnit, Unit
from kontor.core.jobs import service
from kontor.core.jobs.errors import JobAlreadyOpen, JobFinished, JobNotFound, JobNotRepeatable
from kontor.core.jobs.schemas import (
    AdminJobRead,
    JobRead,
    PauseList,
    PauseSubject,
    PeriodicList,
    SeenState,
    State,
)
from kontor.core.paging import BadCursor, Page

router = APIRouter(prefix="/jobs", tags=["jobs"], route_class=KontorRoute)
admin_router = APIRouter(prefix="/admin/jobs", tags=["admin"], route_class=KontorRoute)


@router.get("", responses=problems(BadCursor))
async def list_jobs(
    actor: AccountReader,
    unit: Unit,
    *,
    state: SeenState | None = None,
    cursor: PageCursor = None,
    limit: PageLimit = 50,
) -> Page[JobRead]:
    return await service.list_mine(unit, actor, state=state, limit=limit, cursor=cursor)


@router.post("/{job_id}/cancel", responses=problems(JobNotFound, JobFinished))
async def cancel_job(job_id: UUID, actor: AccountWriter, unit: Unit) -> JobRead:
    return await service.cancel_mine(unit, actor, job_id)


@admin_router.get("", responses=problems(BadCursor))
async def list_all_jobs(
    actor: AdminReader,
    unit: AdminUnit,
    *,
    state: State | None = None,
    kind: Annotated[str | None, Query(max_length=100)] = None,
    owner: UUID | None = None,
    cursor: PageCursor = None,
    limit: PageLimit = 50,
) -> Page[AdminJobRead]:
    return await service.list_all(unit, state=state, kind=kind, owner=owner, limit=limit, cursor=cursor)


@admin_router.get("/periodic")
async def list_periodic_jobs(actor: AdminReader, unit: AdminUnit) -> PeriodicList:
    return PeriodicList(items=await service.periodic(unit))


@admin_router.get("/paused")
async def list_pauses(actor: AdminReader, unit: AdminUnit) -> PauseList:
    return PauseList(items=await service.pauses(unit))


@admin_router.post("/pause", status_code=status.HTTP_204_NO_CONTENT)
async def pause_jobs(subject: PauseSubject, actor: AdminWriter, unit: AdminUnit, kernel: Core) -> None:
    await service.pause(unit, actor, kernel.trail, subject)


@admin_router.post("/resume", status_code=status.HTTP_204_NO_CONTENT)
async def resume_jobs(subject: PauseSubject, actor: AdminWriter, unit: AdminUnit, kernel: Core) -> None:
    await service.resume(unit, actor, kernel.trail, subject)


@admin_router.post("/{job_id}/retry", responses=problems(JobNotFound, JobNotRepeatable, JobAlreadyOpen))
async def retry_job(job_id: UUID, actor: AdminWriter, unit: AdminUnit, kernel: Core) -> AdminJobRead:
    return await service.retry(unit, actor, kernel.trail, job_id)


@admin_router.post("/{job_id}/cancel", responses=problems(JobNotFound, JobFinished))
async def cancel_any_job(job_id: UUID, actor: AdminWriter, unit: AdminUnit, kernel: Core) -> AdminJobRead:
    return await service.cancel_any(unit, actor, kernel.trail, job_id)
