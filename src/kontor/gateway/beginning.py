"""The beginning of a run, looked at before its reader is answered: as long as no header has left, what fails has a
status. `current` finds the runs of this process for routes."""

import asyncio
import math
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Annotated, Any

from fastapi import Depends, Request

from kontor.core.tenancy import Actor
from kontor.gateway.estimates import Estimates
from kontor.gateway.runs.answers import Answer, fold
from kontor.gateway.runs.events import Kind, RunEvent, RunId
from kontor.gateway.runs.ports import Wish
from kontor.gateway.runs.service import Runs

JSON = Any

FIRST_SECONDS = 25.0  # for the first word; proxies in between wait for a minute
SILENT = frozenset({Kind.STATE, Kind.LOSS, Kind.DRAFT, Kind.USAGE})
ENDED_BADLY = frozenset({"failed", "interrupted"})


async def current_runs(request: Request) -> Runs:
    found: Runs = request.app.state.runs
    return found


async def current_estimates(request: Request) -> Estimates:
    found: Estimates = request.app.state.estimates
    return found


CurrentRuns = Annotated[Runs, Depends(current_runs)]
CurrentEstimates = Annotated[Estimates, Depends(current_estimates)]


def failure_of(answer: Answer) -> Mapping[str, JSON] | None:
    """What stands in the way of passing an answer on as whole."""
    if answer.error is not None:
        return answer.error
    done = answer.done or {"state": "interrupted"}
    return interruption(done) if done.get("state") in ENDED_BADLY else None


def interruption(done: Mapping[str, JSON]) -> Mapping[str, JSON]:
    """A run that did not come to its own end, without an error of its own."""
    return {
        "code": "run.interrupted",
        "message": "This answer was interrupted here. What was said stands in the run, which can be continued.",
        "details": {"state": done.get("state")},
    }


def patience(failure: Mapping[str, JSON]) -> dict[str, str]:
    """When to come back, where the provider or the one who guards it named a time."""
    seconds = (failure.get("details") or {}).get("retry_after_seconds")
    return {} if seconds is None else {"retry-after": str(max(1, math.ceil(seconds)))}


class Beginning:
    """A run that was begun for a reader. Whoever makes one hands `events` to a stream, or closes it."""

    def __init__(self, runs: Runs, actor: Actor, wish: Wish) -> None:
        self._entered = runs.start_and_follow(actor, wish)
        self._next: asyncio.Task[Sequence[RunEvent]] | None = None
        self.early: list[RunEvent] = []
        self.run_id: RunId
        self.failure: Mapping[str, JSON] | None = None

    async def look(self) -> None:
        """Until the first word, the first error, or for a while."""
        self.run_id, self._batches = await self._entered.__aenter__()
        try:
            async with asyncio.timeout(FIRST_SECONDS):
                await self._look()
        except TimeoutError:
            return
        except BaseException:
            await self.close()
            raise
        if self.failure is not None:
            await self.close()

    async def _look(self) -> None:
        while True:
            # Shielded: what is waited for when the time is over is still wanted.
            self._next = asyncio.ensure_future(anext(self._batches))
            try:
                batch = await asyncio.shield(self._next)
            except StopAsyncIteration:
                self._next = None
                return
            self._next = None
            self.early += batch
            first = next((event for event in batch if event.kind not in SILENT), None)
            if first is None:
                continue
            if first.kind == Kind.ERROR:
                self.failure = first.data
            elif first.kind == Kind.DONE:
                self.failure = failure_of(fold([first]))
            return

    async def events(self) -> AsyncGenerator[Sequence[RunEvent], None]:
        """What has been looked at, in one piece, and then what comes, as many at a time as there are."""
        try:
            yield self.early
            if self._next is not None:
                waited_for, self._next = self._next, None
                yield await waited_for
            async for batch in self._batches:
                yield batch
        except StopAsyncIteration:
            return
        finally:
            await self.close()

    async def close(self) -> None:
        if self._next is not None:
            self._next.cancel()
            await asyncio.wait({self._next})
            self._next = None
        await self._entered.__aexit__(None, None, None)
