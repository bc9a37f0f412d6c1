"""The runs of this process, for routes."""

from typing import Annotated

from fastapi import Depends, Request

from kontor.gateway.runs.service import Runs


async def current_runs(request: Request) -> Runs:
    found: Runs = request.app.state.runs
    return found


CurrentRuns = Annotated[Runs, Depends(current_runs)]
