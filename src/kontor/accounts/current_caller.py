"""The caller of a request, for routes."""

from typing import Annotated

from fastapi import Depends, Request

from kontor.accounts.callers import Caller, plain_address, plain_client


async def caller_of(request: Request) -> Caller:
    return Caller(
        address=plain_address(request.client.host if request.client else None),
        client=plain_client(request.headers.get("user-agent", "")),
    )


CurrentCaller = Annotated[Caller, Depends(caller_of)]
