"""What an administrator looks at and sets: numbers, checks, the configuration, the record, full access."""

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response, status
from fastapi.responses import StreamingResponse
from pydantic import AfterValidator, AwareDatetime, StringConstraints

from kontor.accounts import audit, configuration, full_access
from kontor.accounts.audit import Action, AuditRead, Filter
from kontor.accounts.configuration import ConfigurationChange, ConfigurationRead
from kontor.accounts.current_caller import CurrentCaller
from kontor.accounts.errors import ProofNeeded, SessionRequired
from kontor.accounts.full_access import FullAccessWish
from kontor.accounts.schemas import FullAccessRead
from kontor.admin import checks, stats
from kontor.admin.checks import ChecksRead
from kontor.admin.stats import StatsRead
from kontor.core.clock import now
from kontor.core.http.actors import AdminReader, AdminWriter, Core, RoleRequired, ScopeRequired, Unauthenticated
from kontor.core.http.idempotency import KontorRoute
from kontor.core.http.paging import PageCursor, PageLimit
from kontor.core.http.problems import problems
from kontor.core.http.units import AdminUnit
from kontor.core.http.versions import SeenVersion, StaleVersion, etag
from kontor.core.paging import BadCursor, Page
from kontor.core.text import Line

REFUSALS = problems(Unauthenticated, RoleRequired, ScopeRequired)

router = APIRouter(prefix="/admin", tags=["admin"], route_class=KontorRoute, responses=REFUSALS)
setup_router = APIRouter(prefix="/setup", tags=["setup"], route_class=KontorRoute, responses=REFUSALS)


@router.get("/stats")
async def read_stats(actor: AdminReader, kernel: Core) -> StatsRead:
    return await stats.read(kernel, actor)


@router.get("/checks")
async def read_checks(actor: AdminReader, kernel: Core, request: Request) -> ChecksRead:
    """What `kontor doctor` would say."""
    return await checks.run(kernel, actor, request)


@setup_router.get("/checks")
async def read_setup_checks(actor: AdminReader, kernel: Core, request: Request) -> ChecksRead:
    """The same, for the first screens: whoever sees them came by the printed link and is the administrator."""
    return await checks.run(kernel, actor, request)


@router.get("/configuration")
async def read_configuration(
    _actor: AdminReader, unit: AdminUnit, kernel: Core, response: Response
) -> ConfigurationRead:
    found = await configuration.read(unit)
    response.headers["ETag"] = etag(found.version)
    return configuration.as_read(found, kernel.settings)


@router.patch("/configuration", responses=problems(StaleVersion))
async def change_configuration(
    change: ConfigurationChange,
    actor: AdminWriter,
    unit: AdminUnit,
    kernel: Core,
    *,
    seen: SeenVersion,
    caller: CurrentCaller,
    response: Response,
) -> ConfigurationRead:
    changed = await configuration.change(unit, actor, change, seen=seen, address=caller.address)
    response.headers["ETag"] = etag(changed.version)
    return configuration.as_read(changed, kernel.settings)


def in_utc(moment: datetime) -> datetime:
    """The ends of time lie within the calendar in some zones only."""
    try:
        return moment.astimezone(UTC)
    except OverflowError as reason:
        raise ValueError("This is beyond the calendar.") from reason


Moment = Annotated[AwareDatetime, AfterValidator(in_utc)]
ActionFilter = Annotated[
    str | None,
    StringConstraints(pattern=r"^[a-z_]+([.][a-z_]+)*$", max_length=60),
    Query(description="One action, or a group of them such as `person`"),
]
Search = Annotated[Line | None, Query(max_length=200, description="A person, an address, a request id, a word")]


async def audit_filter(
    *,
    actor: Annotated[UUID | None, Query(description="Who did it")] = None,
    about: Annotated[Line | None, Query(max_length=200, description="The id of a person or a thing")] = None,
    action: ActionFilter = None,
    since: Moment | None = None,
    until: Moment | None = None,
    search: Search = None,
) -> Filter:
    return Filter(actor=actor, about=about, action=action, since=since, until=until, search=search)


AuditFilter = Annotated[Filter, Depends(audit_filter)]


@router.get("/audit", responses=problems(BadCursor))
async def list_audit(
    _actor: AdminReader, unit: AdminUnit, wanted: AuditFilter, cursor: PageCursor = None, limit: PageLimit = 50
) -> Page[AuditRead]:
    """Newest first."""
    return await audit.list_page(unit, wanted, limit=limit, cursor=cursor)


@router.get("/audit.csv", response_class=StreamingResponse, responses={200: {"content": {"text/csv": {}}}})
async def export_audit(
    actor: AdminReader, kernel: Core, wanted: AuditFilter, caller: CurrentCaller
) -> StreamingResponse:
    """Everything that the filter finds, newest first. The export stands in the record as well."""
    async with kernel.database.unit(actor.as_admin()) as unit:
        await audit.write(unit, action=Action.RECORD_EXPORTED, actor=actor, address=caller.address)
    name = f"kontor-audit-{now():%Y-%m-%d}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "X-Content-Type-Options": "nosniff"}
    rows = audit.export(kernel.database, actor, wanted)
    return StreamingResponse(rows, media_type="text/csv; charset=utf-8", headers=headers)


@router.get("/full-access")
async def read_full_access(actor: AdminReader, unit: AdminUnit) -> FullAccessRead | None:
    return await full_access.current(unit, actor)


@router.post(
    "/full-access",
    status_code=status.HTTP_201_CREATED,
    responses=problems(SessionRequired, ProofNeeded),
)
async def switch_full_access_on(
    wish: FullAccessWish, actor: AdminWriter, kernel: Core, caller: CurrentCaller
) -> FullAccessRead:
    """For this session, until then."""
    return await full_access.switch_on(kernel, actor, wish, caller)


@router.delete("/full-access", status_code=status.HTTP_204_NO_CONTENT)
async def switch_full_access_off(actor: AdminWriter, unit: AdminUnit, caller: CurrentCaller) -> None:
    await full_access.switch_off(unit, actor, caller)
