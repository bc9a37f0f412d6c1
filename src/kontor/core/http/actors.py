"""Who is asking, as dependencies of routes. The authentication middleware has put the actor into the scope."""

from typing import Annotated

from fastapi import Depends, Request

from kontor.core.errors import Kind, KontorError
from kontor.core.kernel import Kernel
from kontor.core.tenancy import Actor, Role


class Unauthenticated(KontorError):
    kind, code = Kind.UNAUTHENTICATED, "auth.required"

    def __init__(self) -> None:
        super().__init__("Sign in, or send a valid token.")


class RoleRequired(KontorError):
    kind, code = Kind.FORBIDDEN, "auth.role_required"

    def __init__(self, role: Role) -> None:
        super().__init__(f"This needs the role {role}.", details={"role": role.value})


class ScopeRequired(KontorError):
    kind, code = Kind.FORBIDDEN, "auth.scope_required"

    def __init__(self, scope: str) -> None:
        super().__init__(f"This token lacks the scope {scope}.", details={"scope": scope})


def kernel_of(request: Request) -> Kernel:
    kernel = request.app.state.kernel
    if not isinstance(kernel, Kernel):
        raise TypeError("The application was started without a kernel.")
    return kernel


# Dependencies are coroutines throughout, however little they do: the framework sends plain functions to a thread, and
# the way there and back costs more than all of them together.
async def core(request: Request) -> Kernel:
    return kernel_of(request)


Core = Annotated[Kernel, Depends(core)]


async def current_actor(request: Request) -> Actor:
    actor = request.scope.get("kontor.actor")
    if not isinstance(actor, Actor):
        raise Unauthenticated
    return actor


CurrentActor = Annotated[Actor, Depends(current_actor)]


class Allow:
    """`Depends(Allow("account:write"))`: the token's scope; a browser session has every scope of its person."""

    def __init__(self, scope: str, *, role: Role | None = None) -> None:
        self.scope = scope
        self.role = role

    async def __call__(self, actor: CurrentActor) -> Actor:
        if self.role is not None and actor.role is not self.role:
            raise RoleRequired(self.role)
        if actor.token_scopes is not None and self.scope not in actor.token_scopes:
            raise ScopeRequired(self.scope)
        return actor


AccountReader = Annotated[Actor, Depends(Allow("account:read"))]
AccountWriter = Annotated[Actor, Depends(Allow("account:write"))]
ProjectReader = Annotated[Actor, Depends(Allow("projects:read"))]
ProjectWriter = Annotated[Actor, Depends(Allow("projects:write"))]
DocumentReader = Annotated[Actor, Depends(Allow("documents:read"))]
DocumentWriter = Annotated[Actor, Depends(Allow("documents:write"))]
ModelUser = Annotated[Actor, Depends(Allow("llm:use"))]
AdminReader = Annotated[Actor, Depends(Allow("admin:read", role=Role.ADMIN))]
AdminWriter = Annotated[Actor, Depends(Allow("admin:write", role=Role.ADMIN))]
