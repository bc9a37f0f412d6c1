"""How the person behind a cookie wants the page, asked before the page is sent."""

import structlog
from starlette.types import Scope

from kontor.accounts import preferences
from kontor.accounts.authentication import Credentials, authenticate, cookie_of
from kontor.accounts.preferences import Appearance
from kontor.core.kernel import Kernel
from kontor.core.limits.rates import RouteGroup
from kontor.core.outage import is_outage

log = structlog.get_logger(__name__)


async def look_of(kernel: Kernel, scope: Scope) -> Appearance:
    """Of nobody, and of everybody while the database is away: as the device prefers."""
    headers = {str(name, "latin-1").lower(): str(value, "latin-1") for name, value in scope["headers"]}
    cookie = cookie_of(headers, kernel.settings, scope["scheme"])
    if cookie is None:
        return Appearance()
    client = scope.get("client")
    verdict = await kernel.limiter.take_for_address(RouteGroup.READ, client[0] if client else None)
    if verdict is not None and not verdict.is_allowed:
        # The page is sent to everybody; the database is asked as often as it is for anything else.
        return Appearance()
    try:
        seen = await authenticate(kernel, Credentials(cookie=cookie))
        if seen is None:
            return Appearance()
        async with kernel.database.unit(seen.actor) as unit:
            return await preferences.appearance(unit, seen.actor.user_id)
    except Exception as error:
        if not is_outage(error):
            raise
        return Appearance()
