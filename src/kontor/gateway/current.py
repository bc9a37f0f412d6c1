"""The gateway of this process, for routes."""

from typing import Annotated

from fastapi import Depends, Request

from kontor.core.http.actors import Core
from kontor.gateway.service import Gateway


async def current_gateway(request: Request, kernel: Core) -> Gateway:
    """Made when the application is put together; one that was not is made by whoever asks first."""
    found = getattr(request.app.state, "gateway", None)
    if not isinstance(found, Gateway):
        found = request.app.state.gateway = Gateway.of(kernel)
    return found


CurrentGateway = Annotated[Gateway, Depends(current_gateway)]
