"""The desk, and what is brought to a person's notice."""

from typing import Annotated

from fastapi import APIRouter, Query, Response, status

from kontor.accounts import audit, desk, notifications
from kontor.accounts.audit import AuditRead
from kontor.accounts.desk import DeskChange, DeskRead
from kontor.accounts.notifications import NotificationRead, NotificationsSeen
from kontor.accounts.windows import CurrentWindow
from kontor.core.http.actors import AccountReader, AccountWriter
from kontor.core.http.idempotency import KontorRoute
from kontor.core.http.paging import PageCursor, PageLimit
from kontor.core.http.problems import problems
from kontor.core.http.units import Unit
from kontor.core.http.versions import SeenVersion, StaleVersion, etag
from kontor.core.paging import BadCursor, Page

router = APIRouter(route_class=KontorRoute)


@router.get("/desk", tags=["desk"])
async def read_desk(actor: AccountReader, unit: Unit, response: Response) -> DeskRead:
    found = await desk.read(unit, actor)
    response.headers["ETag"] = etag(found.version)
    return found


@router.put("/desk", tags=["desk"], responses=problems(StaleVersion))
async def save_desk(
    change: DeskChange,
    actor: AccountWriter,
    unit: Unit,
    *,
    seen: SeenVersion,
    window: CurrentWindow,
    response: Response,
) -> DeskRead:
    saved = await desk.save(unit, actor, change, seen=seen, client=window)
    response.headers["ETag"] = etag(saved.version)
    return saved


@router.get("/notifications", tags=["notifications"], responses=problems(BadCursor))
async def list_notifications(
    actor: AccountReader,
    unit: Unit,
    unread: Annotated[bool, Query(description="Only those that were not read yet")] = False,
    cursor: PageCursor = None,
    limit: PageLimit = 50,
) -> Page[NotificationRead]:
    return await notifications.list_page(unit, actor, unread=unread, limit=limit, cursor=cursor)


@router.post("/notifications/read", tags=["notifications"], status_code=status.HTTP_204_NO_CONTENT)
async def mark_notifications_read(seen: NotificationsSeen, actor: AccountWriter, unit: Unit) -> None:
    await notifications.mark_read(unit, actor, seen)


@router.get("/audit/mine", tags=["audit"], responses=problems(BadCursor))
async def list_my_audit(
    actor: AccountReader, unit: Unit, cursor: PageCursor = None, limit: PageLimit = 50
) -> Page[AuditRead]:
    return await audit.list_mine(unit, actor, limit=limit, cursor=cursor)
