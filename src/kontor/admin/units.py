"""Units of work for managing people: for administrators and, within their bounds, for managers."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy.ext.asyncio import AsyncSession

from kontor.accounts.current_caller import CurrentCaller
from kontor.admin import policy
from kontor.admin.users import Office
from kontor.core.http.actors import Core, CurrentActor, RoleRequired, ScopeRequired
from kontor.core.http.idempotency import recall
from kontor.core.tenancy import Actor, Role


class Manages:
    """Whoever finds anybody at all. A token needs the scope, which only an administrator's can carry."""

    def __init__(self, scope: str) -> None:
        self.scope = scope

    async def __call__(self, actor: CurrentActor) -> Actor:
        if not policy.visible_roles(actor.role):
            raise RoleRequired(Role.MANAGER)
        if actor.token_scopes is not None and self.scope not in actor.token_scopes:
            raise ScopeRequired(self.scope)
        return actor


PeopleReader = Annotated[Actor, Depends(Manages("admin:read"))]
PeopleWriter = Annotated[Actor, Depends(Manages("admin:write"))]


async def open_people_unit(request: Request, actor: PeopleReader, kernel: Core) -> AsyncIterator[AsyncSession]:
    async with kernel.database.unit(actor.as_admin()) as unit:
        await recall(request, unit, actor, kernel)
        yield unit


PeopleUnit = Annotated[AsyncSession, Depends(open_people_unit, scope="function")]


async def open_office(actor: PeopleWriter, unit: PeopleUnit, kernel: Core, caller: CurrentCaller) -> Office:
    return Office(unit, kernel, actor, caller)


CurrentOffice = Annotated[Office, Depends(open_office)]
