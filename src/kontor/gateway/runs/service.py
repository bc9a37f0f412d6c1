"""What can be done with runs. `Runs` is made once for a process, by `runs.wiring`.

A run is begun in one transaction with its hold, produced by a task of the process, and followed by whoever may see it.
It is over with its `done` event, which is written together with its price.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from kontor.billing.errors import InsufficientBalance
from kontor.billing.rates import Quote
from kontor.billing.service import PriceKey
from kontor.core.clock import now
from kontor.core.database import Database, elevated
from kontor.core.direct import OwnConnection
from kontor.core.errors import KontorError
from kontor.core.events.listener import Listener
from kontor.core.ids import UserId, new_id
from kontor.core.outage import is_outage
from kontor.core.paging import Cursor, Page
from kontor.core.tenancy import Actor, Identity
from kontor.gateway.runs import leases, receipts, repository
from kontor.gateway.runs.accepting import Accepting, entrant_of, fingerprint_of, wish_of
from kontor.gateway.runs.answers import Answer, fold, gathered
from kontor.gateway.runs.errors import (
    Closing,
    KeyReused,
    NoModel,
    NothingToContinue,
    RunNotFound,
    RunNotOver,
)
from kontor.gateway.runs.events import CHANNEL, STOP, RunEvent, RunId
from kontor.gateway.runs.follow import Readers
from kontor.gateway.runs.journal import Journal, tell
from kontor.gateway.runs.live import Ending, Live
from kontor.gateway.runs.ports import Asks, Books, Estimates, NoProjects, Projects, Route, Router, Wish
from kontor.gateway.runs.producer import DRAIN_SECONDS, Plan, Producer
from kontor.gateway.runs.receipts import Receipt
from kontor.gateway.runs.recovery import Recovery
from kontor.gateway.runs.settling import State
from kontor.gateway.runs.structured import Checker
from kontor.gateway.wire.openai_usage import service_of

log = structlog.get_logger(__name__)

PARTING_SECONDS = 5.0
CONTINUED_REASONS = frozenset({"length"})


@dataclass(frozen=True, slots=True)
class Started:
    """`is_new` is False where the idempotency key led to a run that was there already."""

    run_id: RunId
    is_new: bool


@dataclass(frozen=True, slots=True)
class RunRead:
    id: RunId
    kind: str
    state: str
    provider: str
    model: str
    model_id: UUID | None
    project_id: UUID | None
    continues_id: RunId | None
    accepted_at: datetime
    first_at: datetime | None
    finished_at: datetime | None
    finish_reason: str | None
    usage: Mapping[str, int] | None
    cost: Mapping[str, Any] | None
    routed: Mapping[str, Any]
    tried: Sequence[Mapping[str, Any]]
    losses: Sequence[Mapping[str, Any]]
    error: Mapping[str, Any] | None
    last_seq: int


class Runs:
    def __init__(
        self,
        database: Database,
        listener: Listener,
        *,
        router: Router,
        books: Books,
        asks: Asks,
        estimates: Estimates,
        projects: Projects | None = None,
        lease_seconds: float = leases.LEASE_SECONDS,
        renew_seconds: float = leases.RENEW_SECONDS,
    ) -> None:
        self.holder = new_id()
        self._database = database
        self._router = router
        self._books = books
        self._asks = asks
        self._estimates = estimates
        self._projects = projects or NoProjects()
        self._lease_seconds = lease_seconds
        self._renew_seconds = renew_seconds
        self._lives: dict[RunId, Live] = {}
        self._readers = Readers(database, self._lives.get)
        self._journal = Journal(database, self.holder, books)
        self._accepting = Accepting(database, OwnConnection(database, "runs"), books, self._produce)
        self._recovery = Recovery(database, books, estimates)
        self._is_closing = False
        self._empty = asyncio.Event()
        self._empty.set()
        self._poked = asyncio.Event()
        listener.on(CHANNEL, self._heard)

    # Begin

    async def start(self, actor: Actor, wish: Wish) -> RunId:
        return (await self.begin(actor, wish)).run_id

    async def begin(self, actor: Actor, wish: Wish, *, via: Router | None = None) -> Started:
        """Accepted, held and written when this returns; the producer is on its way. `via` routes this one alone."""
        if self._is_closing:
            raise Closing
        fingerprint = None
        if wish.idempotency_key is not None:
            fingerprint = fingerprint_of(wish)
            async with self._database.unit(actor) as unit:
                if (known := await self._known(unit, actor, wish.idempotency_key, fingerprint)) is not None:
                    return known
        if wish.project_id is not None:
            terms = await self._projects.terms(actor, wish.project_id)
            wish = replace(wish, model=wish.model or terms.default_model)
        if wish.schema is not None:
            Checker(wish.schema.schema)
        route = await (via or self._router).route(actor, wish)
        route, quotes = await self._quoted(actor, wish.payer_id or actor.user_id, route)
        entrant = entrant_of(
            actor, wish, route, quotes, estimates=self._estimates, holder=self.holder, fingerprint=fingerprint
        )
        try:
            is_new = await self._accepting.accept(entrant)
        except InsufficientBalance as error:
            shorter = entrant.shortened(error)
            if shorter is None:
                raise
            is_new = await self._accepting.accept(shorter)
        if is_new:
            return Started(entrant.run_id, is_new=True)
        async with self._database.unit(actor) as unit:
            known = await self._known(unit, actor, wish.idempotency_key or "", fingerprint)
        if known is None:
            raise RunNotFound
        return known

    @asynccontextmanager
    async def start_and_follow(
        self, actor: Actor, wish: Wish, *, via: Router | None = None
    ) -> AsyncIterator[tuple[RunId, AsyncGenerator[Sequence[RunEvent], None]]]:
        """The same run as any other, its words handed over from memory, as many at a time as there are. Leaving the
        block does not end the run."""
        started = await self.begin(actor, wish, via=via)
        batches = self._readers.follow(actor.identity, started.run_id, 0, is_allowed=started.is_new)
        async with aclosing(batches):
            yield started.run_id, batches

    async def ask(self, actor: Actor, wish: Wish, *, via: Router | None = None) -> tuple[RunId, Answer]:
        """The whole answer, when it is there."""
        async with self.start_and_follow(actor, wish, via=via) as (run_id, batches):
            return run_id, await gathered(batches)

    async def _known(self, unit: AsyncSession, actor: Actor, key: str, fingerprint: bytes | None) -> Started | None:
        row = await repository.by_key(unit, actor.user_id, key)
        if row is None:
            return None
        if row.fingerprint != fingerprint:
            raise KeyReused
        return Started(RunId(row.id), is_new=False)

    async def _quoted(self, actor: Actor, payer: UserId, route: Route) -> tuple[Route, list[Quote]]:
        """Stand-ins that cannot be paid for are left out; where that is everybody, the first one says why."""
        kept, quotes, refused = [], [], None
        for candidate in route.candidates:
            try:
                quote = await self._books.quote(
                    payer=payer,
                    key=PriceKey(candidate.provider_kind, candidate.model_name),
                    is_own_key=candidate.is_own_key,
                    is_local=candidate.is_local,
                    role=actor.role if payer == actor.user_id else None,
                    at=now(),
                    service=service_of(candidate.call.extra.get("service_tier")),
                )
            except KontorError as error:
                refused = refused or error
            else:
                kept.append(candidate)
                quotes.append(quote)
        if not kept:
            raise refused or NoModel()
        return replace(route, candidates=tuple(kept)), quotes

    def _produce(self, plan: Plan) -> None:
        account = plan.account
        live = Live(account.run_id, account.owner_id, dirty=self._journal.dirty, told=self._readers.wake)
        if plan.route.after_stop == "drain":
            live.drain_seconds = DRAIN_SECONDS
        self._lives[account.run_id] = live
        self._empty.clear()
        producer = Producer(plan, live, asks=self._asks, estimates=self._estimates, journal=self._journal)
        live.task = asyncio.create_task(producer.run(), name=f"run-{account.run_id}")
        live.task.add_done_callback(lambda _: self._ended(live))
        if self._is_closing:
            live.end(Ending.DRAINED)

    def _ended(self, live: Live) -> None:
        self._lives.pop(live.run_id, None)
        self._journal.forget(live)
        # Readers that have not seen all of it go on with the rows.
        self._readers.wake(live.run_id)
        if not self._lives:
            self._empty.set()

    # Follow and read

    def follow(
        self, actor: Actor, run_id: RunId, after: int = 0, *, who: Identity | None = None
    ) -> AsyncGenerator[Sequence[RunEvent], None]:
        """Everything after the place, then what comes, to the end; each time, all that is there. Raises `RunNotFound`
        for whoever may not see it, and within 5 s for whoever may not see it any more. Use it in `contextlib.aclosing`.

        `who` is for reading with full access; the caller has checked and recorded it.
        """
        return self._readers.follow(who or actor.identity, run_id, after)

    async def read(self, actor: Actor, run_id: RunId) -> RunRead:
        async with self._database.unit(actor) as unit:
            return as_read(await self._row(unit, run_id))

    async def answer(self, actor: Actor, run_id: RunId) -> Answer:
        """As far as it is written."""
        async with self._database.unit(actor) as unit:
            await self._row(unit, run_id)
            return fold(await all_events(unit, run_id))

    async def list(
        self,
        actor: Actor,
        *,
        state: str | None = None,
        model: str | None = None,
        project_id: UUID | None = None,
        cursor: str | None = None,
        limit: int = 50,
    ) -> Page[RunRead]:
        after = Cursor.decode(cursor, "datetime", "uuid")
        async with self._database.unit(actor) as unit:
            rows = await repository.page(
                unit, actor.user_id, state=state, model=model, project_id=project_id, after=after, limit=limit + 1
            )
        shown = [as_read(row) for row in rows[:limit]]
        following = Cursor.encode((shown[-1].accepted_at, shown[-1].id)) if len(rows) > limit else None
        return Page(items=shown, next_cursor=following)

    async def receipt(self, actor: Actor, run_id: RunId) -> Receipt:
        async with self._database.unit(actor) as unit:
            row = await self._row(unit, run_id)
            if row.finished_at is None:
                raise RunNotOver
            return await receipts.read(unit, actor.user_id, row)

    async def _row(self, unit: AsyncSession, run_id: RunId) -> Row[Any]:
        row = await repository.find(unit, run_id)
        if row is None:
            raise RunNotFound
        return row

    # Stop and continue

    async def stop(self, actor: Actor, run_id: RunId) -> None:
        """Wherever it is produced. A run that is over stays as it is."""
        async with self._database.unit(actor) as unit:
            row = await self._row(unit, run_id)
            if row.owner_id != actor.user_id:
                raise RunNotFound
            if row.finished_at is not None:
                return
            async with elevated(unit, "runs"):
                await repository.ask_to_stop(unit, run_id)
                await tell(unit, STOP, [run_id])
        if (live := self._lives.get(run_id)) is not None:
            live.end(Ending.STOPPED)

    async def continue_(self, actor: Actor, run_id: RunId, *, idempotency_key: str | None = None) -> RunId:
        """A new run with the same question that goes on where this one broke off."""
        async with self._database.unit(actor) as unit:
            row = await self._row(unit, run_id)
            if row.finished_at is None:
                raise RunNotOver
            if row.state == State.DONE and row.finish_reason not in CONTINUED_REASONS:
                raise NothingToContinue
            request = await repository.request_of(unit, run_id)
            answer = fold(await all_events(unit, run_id))
        wish = wish_of(request)
        wish = replace(
            wish,
            partial=wish.partial + (answer.text or answer.draft),
            kind=row.kind,
            payer_id=UserId(row.payer_id),
            project_id=row.project_id,
            continues_id=run_id,
            idempotency_key=idempotency_key,
        )
        return await self.start(actor, wish)

    # The process

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """As long as this process produces runs. At its end all of them are closed, or found by others."""
        async with self._database.system("runs") as unit:
            await leases.renew(unit, self.holder, seconds=self._lease_seconds)
        async with self._journal.running(), self._accepting.running(), self._readers.watched():
            ticking = asyncio.create_task(self._tick(), name="runs")
            try:
                yield
            finally:
                await self.drain(0.0)
                ticking.cancel()
                await asyncio.wait({ticking})
                self._readers.close()
                with suppress(Exception):
                    async with self._database.system("runs") as unit:
                        await leases.leave(unit, self.holder)

    async def drain(self, seconds: float) -> None:
        """Nothing new begins; what goes on may finish within the time, and is then closed with all it has said."""
        self._is_closing = True
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._empty.wait()
        for live in list(self._lives.values()):
            live.end(Ending.DRAINED)
        with suppress(TimeoutError):
            async with asyncio.timeout(PARTING_SECONDS):
                await self._empty.wait()
        for live in list(self._lives.values()):
            live.end(Ending.LOST)

    @property
    def count(self) -> int:
        return len(self._lives)

    @property
    def readers(self) -> int:
        return self._readers.count

    async def _tick(self) -> None:
        """Renew the lease, hear what NOTIFY may have lost, and look after runs that nobody has."""
        while True:
            try:
                await self._look()
            except Exception as reason:
                if not is_outage(reason):
                    log.exception("runs.tick_failed")
            self._poked.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(self._renew_seconds):
                    await self._poked.wait()

    async def _look(self) -> None:
        asked = set(self._lives)
        async with self._database.system("runs") as unit:
            await leases.renew(unit, self.holder, seconds=self._lease_seconds)
            found = await leases.held(unit, self.holder)
        for run_id in found.to_stop:
            if (live := self._lives.get(run_id)) is not None:
                live.end(Ending.STOPPED)
        for run_id in leases.lost(asked, found):
            live = self._lives.get(run_id)
            # One that is being closed at this moment is finished in its row before it is here.
            if live is not None and live.may_be_cancelled:
                live.end(Ending.LOST)
        await self._recovery.recover(holder=self.holder, live=self._lives)

    def _heard(self, payload: str | None) -> None:
        if payload is None:
            self._readers.wake_all()
            self._poked.set()
            return
        word, *ids = payload.split(" ")
        for written in ids:
            run_id = RunId(UUID(written))
            live = self._lives.get(run_id)
            if word == STOP:
                if live is not None:
                    live.end(Ending.STOPPED)
            elif live is None:
                self._readers.wake(run_id)


async def all_events(unit: AsyncSession, run_id: RunId) -> Sequence[RunEvent]:
    events: list[RunEvent] = []
    while page := await repository.events(unit, run_id, after=events[-1].seq if events else 0, limit=1000):
        events += page
    return events


def as_read(row: Row[Any]) -> RunRead:
    routed = {name: value for name, value in row.routed.items() if name not in {"candidates", "unanswered"}}
    shown = ("amount", "nano", "currency", "is_estimated", "is_free", "is_known")
    return RunRead(
        id=RunId(row.id),
        kind=row.kind,
        state=row.state,
        provider=row.provider_kind,
        model=row.model_name,
        model_id=row.model_id,
        project_id=row.project_id,
        continues_id=row.continues_id,
        accepted_at=row.accepted_at,
        first_at=row.first_at,
        finished_at=row.finished_at,
        finish_reason=row.finish_reason,
        usage=row.usage,
        cost=None if row.cost is None else {name: row.cost[name] for name in shown},
        routed=routed,
        tried=row.tried,
        losses=row.losses,
        error=row.error,
        last_seq=row.last_seq,
    )
