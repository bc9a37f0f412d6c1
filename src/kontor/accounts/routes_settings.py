"""What a person sets for themselves."""

from fastapi import APIRouter, Response

from kontor.accounts import preferences
from kontor.accounts.preferences import SettingsChange, SettingsRead
from kontor.accounts.windows import CurrentWindow
from kontor.core.http.actors import AccountReader, AccountWriter
from kontor.core.http.idempotency import KontorRoute
from kontor.core.http.problems import problems
from kontor.core.http.units import Unit
from kontor.core.http.versions import SeenVersion, StaleVersion, etag

router = APIRouter(prefix="/settings", tags=["settings"], route_class=KontorRoute)


@router.get("")
async def read_settings(actor: AccountReader, unit: Unit, response: Response) -> SettingsRead:
    settings = await preferences.read(unit, actor.user_id)
    response.headers["ETag"] = etag(settings.version)
    return settings


@router.patch("", responses=problems(StaleVersion))
async def change_settings(
    change: SettingsChange,
    actor: AccountWriter,
    unit: Unit,
    *,
    seen: SeenVersion,
    window: CurrentWindow,
    response: Response,
) -> SettingsRead:
    settings = await preferences.change(unit, actor, change, seen=seen, client=window)
    response.headers["ETag"] = etag(settings.version)
    return settings
