"""Vectors by way of the gateway: as runs, quoted and settled like all others."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from uuid import UUID

from kontor.core.kernel import Kernel
from kontor.core.tenancy import Actor
from kontor.gateway.embedding import Wanted, embed
from kontor.gateway.estimates import Estimates
from kontor.gateway.router import Router
from kontor.gateway.runs.ports import Wish
from kontor.gateway.runs.service import Runs
from kontor.gateway.runs.wiring import runs_of
from kontor.gateway.service import Gateway
from kontor.retrieval.embedding import Said
from kontor.retrieval.errors import EmbeddingFailed


class GatewayAsks:
    def __init__(self, runs: Callable[[], Awaitable[Runs]], router: Router) -> None:
        self._runs = runs
        self._router = router

    async def vectors(
        self, actor: Actor, texts: Sequence[str], *, model: str, provider: str | None, project_id: UUID | None
    ) -> Said:
        wanted = Wanted(texts, model, provider, None, Wish(messages=(), project_id=project_id))
        found = await embed(await self._runs(), self._router, actor, wanted)
        if found.failure is not None:
            raise EmbeddingFailed(model, str(found.failure.get("message") or found.failure.get("code")))
        last = found.answers[-1].done or {}
        return Said(str(last["provider"]), str(last["model"]), found.vectors)


class WorkersRuns:
    """For workers, which otherwise produce no runs: they begin to with the first text, and end with the process."""

    def __init__(self, kernel: Kernel, gateway: Gateway, estimates: Estimates) -> None:
        self._make = partial(runs_of, kernel, gateway, estimates)
        self._runs: Runs | None = None
        self._task: asyncio.Task[None] | None = None
        self._over = asyncio.Event()
        self._lock = asyncio.Lock()
        kernel.close_with(self.close)

    async def __call__(self) -> Runs:
        async with self._lock:
            if self._runs is None or self._task is None or self._task.done():
                made, ready = self._make(), asyncio.Event()
                self._task = asyncio.create_task(self._run(made, ready), name="embedding runs")
                waiting = asyncio.create_task(ready.wait())
                await asyncio.wait({waiting, self._task}, return_when=asyncio.FIRST_COMPLETED)
                waiting.cancel()
                if self._task.done():
                    self._task.result()
                self._runs = made
            return self._runs

    async def _run(self, runs: Runs, ready: asyncio.Event) -> None:
        async with runs.running():
            ready.set()
            await self._over.wait()

    async def close(self) -> None:
        self._over.set()
        if self._task is not None:
            await asyncio.wait({self._task})
