"""Dependencies of routes that want more than somebody who is signed in."""

from typing import Annotated

from fastapi import Depends

from kontor.accounts import proof
from kontor.accounts.errors import SessionRequired
from kontor.core.http.actors import Core, CurrentActor
from kontor.core.tenancy import Actor


async def in_session(actor: CurrentActor) -> Actor:
    """What decides how somebody comes in is done by somebody who came in, never by a program's token."""
    if actor.session_id is None:
        raise SessionRequired
    return actor


InSession = Annotated[Actor, Depends(in_session)]


async def proved(actor: InSession, kernel: Core) -> Actor:
    async with kernel.database.system("sign-in") as unit:
        await proof.require(unit, kernel.settings, actor)
    return actor


Proved = Annotated[Actor, Depends(proved)]
