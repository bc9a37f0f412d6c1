"""Letting runs in: one writer for all that begin in this process, as the journal is for all that they say.

Whatever waits is held and written in one transaction, and what comes meanwhile is the next one: so there is no timer,
nobody waits longer than for the transaction that is under way, and two hundred at one stroke are a handful of
transactions on one connection. Each is decided by itself, in the order in which they came.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, fields, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import orjson
import structlog

from kontor.billing.errors import InsufficientBalance
from kontor.billing.rates import Quote, affordable_output, cost
from kontor.billing.service import Due, Wanted
from kontor.billing.usage import Usage
from kontor.core.database import Database
from kontor.core.direct import OwnConnection
from kontor.core.errors import KontorError
from kontor.core.events.publishing import person_topic, publish
from kontor.core.gathering import Gathering
from kontor.core.ids import UserId, new_id
from kontor.core.money import plain
from kontor.core.outage import DatabaseAway, is_outage
from kontor.core.tenancy import Actor
from kontor.gateway.runs import repository
from kontor.gateway.runs.errors import Closing, CostLimitTooLow
from kontor.gateway.runs.events import RunId
from kontor.gateway.runs.ports import Books, Estimates, Route, Wish
from kontor.gateway.runs.producer import Plan
from kontor.gateway.runs.settling import SILENT_KIND, Account, State
from kontor.gateway.wire.port import AnswerSchema

log = structlog.get_logger(__name__)

MOST_AT_ONCE = 64

HOLD_TTL = timedelta(hours=6)
# What an answer is taken to be as long as at most, where neither the question nor the model says.
USUAL_MOST_OUTPUT = 8192
LEAST_OUTPUT = 200  # an answer that is cut shorter is of no use to somebody who named no length

# What is not asked again when the same is asked again.
OF_ONE_TIME = frozenset({"idempotency_key", "payer_id", "project_id", "kind", "continues_id", "token_id"})


@dataclass(frozen=True, slots=True)
class Entrant:
    """A run that may be let in, on the terms that hold now. Its row is made before anything is locked for it."""

    run_id: RunId
    owner_id: UserId
    payer_id: UserId
    wish: Wish
    route: Route
    quotes: Sequence[Quote]  # one for each candidate
    estimated_input: int
    upper: Usage
    most_output: int | None  # by a cost limit
    row: Mapping[str, object]

    @property
    def wanted(self) -> Wanted:
        return Wanted(
            run_id=self.run_id,
            payer=self.payer_id,
            quote=held_on(self.quotes, self.upper),
            upper=self.upper,
            ttl=HOLD_TTL,
            project_id=self.wish.project_id,
            key_id=self.wish.token_id,
        )

    def plan(self, hold_nano: int) -> Plan:
        wish = self.wish
        account = Account(self.run_id, self.owner_id, self.payer_id, wish.project_id, wish.kind, hold_nano)
        return Plan(
            account,
            self.route,
            self.quotes,
            self.estimated_input,
            most_output=self.most_output,
            max_seconds=wish.max_seconds,
        )

    def shortened(self, refused: InsufficientBalance) -> "Entrant | None":
        """Who named no length gets the one that can be paid for, where an answer still fits into it."""
        most = (refused.max_output or 0) // _calls(self.route)
        if self.wish.parameters.get("max_output") is not None or most < LEAST_OUTPUT:
            return None
        upper = replace(self.upper, output=most * _calls(self.route))
        row = {**self.row, "upper": _upper(self.estimated_input, upper)}
        return replace(self, route=_with_most(self.route, most), upper=upper, row=row)


def entrant_of(
    actor: Actor,
    wish: Wish,
    route: Route,
    quotes: Sequence[Quote],
    *,
    estimates: Estimates,
    holder: UUID,
    fingerprint: bytes | None,
) -> Entrant:
    run_id, payer, first = RunId(new_id()), wish.payer_id or actor.user_id, route.candidates[0]
    estimated_input = estimates.input_tokens(first.model_name, first.call.messages, first.call.tools)
    most = max(candidate.call.max_output or candidate.max_output or USUAL_MOST_OUTPUT for candidate in route.candidates)
    calls = _calls(route)
    upper = Usage(input=estimated_input * calls, output=most * calls)
    most_output = None
    if wish.max_cost_nano is not None:
        dearest = max(quotes, key=lambda quote: cost(quote, upper).spent_nano)
        most_output = _within(dearest, upper, wish.max_cost_nano) // calls
        if most_output < most:
            route = _with_most(route, most_output)
            upper = replace(upper, output=most_output * calls)
    candidates = [
        {
            "model_id": each.model_id,
            "provider_id": each.provider_id,
            "key_id": each.key_id,
            "provider_kind": each.provider_kind,
            "model_name": each.model_name,
            "quote": quote.stored(),
        }
        for each, quote in zip(route.candidates, quotes, strict=True)
    ]
    row = {
        "id": run_id,
        "owner_id": actor.user_id,
        "payer_id": payer,
        "project_id": wish.project_id,
        "kind": wish.kind,
        "model_id": first.model_id,
        "provider_id": first.provider_id,
        "key_id": first.key_id,
        "provider_kind": first.provider_kind,
        "model_name": first.model_name,
        "routed": repository.as_json({**route.why, "candidates": candidates, "unanswered": route.unanswered.value}),
        "request": repository.as_json(stored(wish)),
        "fingerprint": fingerprint,
        "quote": repository.as_json(candidates[0]["quote"]),
        "upper": _upper(estimated_input, upper),
        "max_cost_nano": wish.max_cost_nano,
        "idempotency_key": wish.idempotency_key,
        "lease_holder": holder,
        "continues_id": wish.continues_id,
    }
    return Entrant(
        run_id, actor.user_id, payer, wish, route, quotes, estimated_input, upper, most_output=most_output, row=row
    )


def _calls(route: Route) -> int:
    """An answer that fits no schema is asked for once more."""
    return 1 if route.candidates[0].call.schema is None else 2


def _upper(estimated_input: int, upper: Usage) -> str:
    return repository.as_json({"input": estimated_input, "output": upper.output})


def held_on(quotes: Sequence[Quote], upper: Usage) -> Quote:
    """A hold covers whoever may answer and charges most: behind one's own key there may stand the house's."""

    def amounts(quote: Quote) -> tuple[int, int]:
        most = cost(quote, upper)
        return most.charged_nano, most.spent_nano

    return quotes[0] if len(quotes) == 1 else max(quotes, key=amounts)


def _within(quote: Quote, upper: Usage, limit: int) -> int:
    """How long the answer may be at most for the whole to cost no more than the limit."""
    # What one's own key or somebody else's wallet pays is money too.
    asked = replace(quote, is_own_key=False)
    found = affordable_output(asked, upper, limit)
    if found is None:
        needed = cost(asked, replace(upper, output=1)).charged_nano
        raise CostLimitTooLow(needed=f"{plain(needed)} {quote.currency}", limit=f"{plain(limit)} {quote.currency}")
    return found


def _with_most(route: Route, most: int) -> Route:
    return replace(
        route,
        candidates=tuple(
            replace(each, call=replace(each.call, max_output=min(each.call.max_output or most, most)))
            for each in route.candidates
        ),
    )


def stored(wish: Wish) -> dict[str, Any]:
    """What is needed to ask the same again."""
    return {each.name: getattr(wish, each.name) for each in fields(Wish) if each.name not in OF_ONE_TIME}


def wish_of(request: Mapping[str, Any]) -> Wish:
    schema = request["schema"]
    return Wish(**{**request, "schema": None if schema is None else AnswerSchema(**schema)})


def fingerprint_of(wish: Wish) -> bytes:
    return hashlib.sha256(orjson.dumps(stored(wish), option=orjson.OPT_SORT_KEYS)).digest()


@dataclass(eq=False, slots=True)
class Waiting:
    entrant: Entrant
    decided: "asyncio.Future[bool]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    held_nano: int | None = None  # once everything is written but the commit

    def fail(self, reason: BaseException) -> None:
        if not self.decided.done():
            self.decided.set_exception(reason)


class Accepting:
    def __init__(
        self, database: Database, connection: OwnConnection, books: Books, begin: Callable[[Plan], None]
    ) -> None:
        self._database = database
        self._connection = connection
        self._books = books
        self._begin = begin
        self._waiting = Gathering[Waiting](MOST_AT_ONCE)
        self.written = 0  # transactions, for the gauges

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self._accept_all(), name="accepting")
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait({task})
            for waiting in self._waiting.take_all():
                waiting.fail(Closing())
            await self._connection.close()

    async def accept(self, entrant: Entrant) -> bool:
        """Held, written and begun; False: its idempotency key has been used. Raises what it is refused for.

        Whoever leaves while it is being written has begun it all the same, as if they had left a moment later.
        """
        waiting = Waiting(entrant)
        self._waiting.add(waiting)
        try:
            return await waiting.decided
        except Exception as reason:
            # The connection may have broken at the very end, when everything was written.
            held = waiting.held_nano
            if held is None or not is_outage(reason) or not await self._is_written(entrant.run_id):
                raise
            self._begin(entrant.plan(held))
            return True

    async def _is_written(self, run_id: RunId) -> bool:
        async with self._database.system("runs") as unit:
            return await repository.is_finished(unit, run_id) is not None

    async def _accept_all(self) -> None:
        while True:
            batch = await self._waiting.take()
            if still_there := [waiting for waiting in batch if not waiting.decided.done()]:
                await self._accept_together(still_there)

    async def _accept_together(self, batch: list[Waiting]) -> None:
        try:
            await self._write(batch)
        except asyncio.CancelledError:
            for waiting in batch:
                waiting.fail(Closing())
            raise
        except Exception as reason:
            if len(batch) > 1 and not is_outage(reason):
                # One of them is at fault; it must not keep the others out.
                for waiting in batch:
                    await self._accept_together([waiting])
                return
            if isinstance(reason, DatabaseAway):
                # Those who came meanwhile would only wait as long for the same answer.
                batch = [*batch, *self._waiting.take_all()]
            for waiting in batch:
                waiting.fail(reason)

    async def _write(self, batch: list[Waiting]) -> None:
        for waiting in batch:
            waiting.held_nano = None
        # As the system: prices, wallets and budgets are asked as such anyway, and the batch is of many people. What is
        # written names its owner, who was told by the actor of each.
        async with self._connection.unit() as unit:
            answers = await self._books.reserve_all(unit, [waiting.entrant.wanted for waiting in batch])
            held = {
                waiting: answer.amount_nano
                for waiting, answer in zip(batch, answers, strict=True)
                if not isinstance(answer, KontorError)
            }
            rows = [{**waiting.entrant.row, "hold_nano": nano} for waiting, nano in held.items()]
            new = await repository.insert(unit, rows) if rows else frozenset()
            if late := [Due(waiting.entrant.run_id) for waiting in held if waiting.entrant.run_id not in new]:
                # Somebody was faster with the same key: what is held here is not wanted.
                await self._books.settle_all(unit, late)
            for waiting, nano in held.items():
                entrant = waiting.entrant
                if entrant.run_id in new:
                    waiting.held_nano = nano
                    if entrant.wish.kind != SILENT_KIND:
                        await publish(
                            unit,
                            topic=person_topic(entrant.owner_id),
                            kind="run.changed",
                            data={"run_id": str(entrant.run_id), "state": State.RUNNING.value},
                        )
        self.written += 1
        for waiting, answer in zip(batch, answers, strict=True):
            if isinstance(answer, KontorError):
                waiting.fail(answer)
                continue
            if waiting.held_nano is not None:
                self._begin(waiting.entrant.plan(waiting.held_nano))
            if not waiting.decided.done():
                waiting.decided.set_result(waiting.held_nano is not None)
