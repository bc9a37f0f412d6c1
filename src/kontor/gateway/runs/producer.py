"""One run from its first call to its last event: asks, passes on what comes, and ends in exactly one way.

It belongs to the process and to no reader. What ends it early is written into `Live.ending` first; a cancellation
without that is the end of the process itself, and the run is then found and closed by `recovery`.
"""

import asyncio
import math
from collections.abc import Mapping, Sequence
from contextlib import aclosing, suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any, assert_never

import structlog

from kontor.billing.rates import Quote
from kontor.billing.usage import Usage
from kontor.core.clock import now
from kontor.core.errors import KontorError
from kontor.gateway.errors import GatewayError
from kontor.gateway.runs.errors import NoModel, SchemaNotMet
from kontor.gateway.runs.events import Kind
from kontor.gateway.runs.journal import Closing, Journal
from kontor.gateway.runs.judging import CallFacts, End
from kontor.gateway.runs.live import Ending, Live
from kontor.gateway.runs.ports import Asks, Candidate, Estimates, Route
from kontor.gateway.runs.settling import Account, Answered, Outcome, State
from kontor.gateway.runs.structured import Checker, Fit, second_try
from kontor.gateway.wire.port import (
    Call,
    Cited,
    Failed,
    Feature,
    Finished,
    Logprobs,
    Loss,
    Named,
    Prepared,
    Reason,
    Reasoning,
    Said,
    Text,
    ToolCall,
    UsageSeen,
    Vector,
)

log = structlog.get_logger(__name__)

USAGE_EVERY_SECONDS = 1.0
DRAIN_SECONDS = 20.0
# How far the estimate may pass what a cost limit allows before the run is ended: the provider holds the limit itself.
LIMIT_SLACK = 2.0


@dataclass(frozen=True, slots=True)
class Plan:
    """What was decided when the run was accepted."""

    account: Account
    route: Route
    quotes: Sequence[Quote]  # one for each candidate
    estimated_input: int
    most_output: int | None = None  # by a cost limit
    max_seconds: float | None = None


@dataclass(slots=True)
class Tally:
    """What one call of a provider has come to so far."""

    is_sent: bool = False  # before that nobody can have billed anything
    characters: int = 0
    reasoning_characters: int = 0
    seen: Usage | None = None
    said_usd_nano: int | None = None
    service: str | None = None
    is_seen_whole: bool = False
    finished: Finished | None = None
    failed: Failed | None = None
    text: list[str] = field(default_factory=list)

    def went_out(self) -> None:
        self.is_sent = True


class Producer:
    def __init__(self, plan: Plan, live: Live, *, asks: Asks, estimates: Estimates, journal: Journal) -> None:
        self.plan = plan
        self.live = live
        self._asks = asks
        self._estimates = estimates
        self._journal = journal
        self._calls: list[CallFacts] = []
        self._asked: list[Call] = []  # one for each of them
        self._place = 0
        self._candidate: Candidate = plan.route.candidates[0]
        self._quote: Quote = plan.quotes[0]
        self._tried: list[Mapping[str, Any]] = []
        self._losses: list[Mapping[str, Any]] = []
        self._error: Mapping[str, Any] | None = None
        self._reason: str | None = None
        self._request_id: str | None = None
        self._first_at: datetime | None = None
        self._usage_told_at = -math.inf
        self._has_spoken = False

    async def run(self) -> None:
        live = self.live
        live.may_be_cancelled = True
        try:
            if live.ending is None:
                async with asyncio.timeout(self.plan.max_seconds):
                    await self._produce()
        except asyncio.CancelledError:
            if live.ending is None:
                raise
        except TimeoutError:
            live.ending = live.ending or Ending.TIME_LIMIT
        except KontorError as error:
            self._error = told(error, has_spoken=self._has_spoken)
        except Exception:
            log.exception("run.failed", run=str(live.run_id))
            self._error = {"code": "run.failed", "message": "Something went wrong here. It has been logged."}
        live.may_be_cancelled = False
        await cancellation_over()
        if live.ending is not Ending.LOST:
            await self._close()

    async def _produce(self) -> None:
        last: KontorError = NoModel()
        for place, candidate in enumerate(self.plan.route.candidates):
            self._place, self._candidate, self._quote = place, candidate, self.plan.quotes[place]
            try:
                await self._answer(candidate)
                return
            except KontorError as error:
                last = error
                self._tried.append(
                    {
                        "provider": candidate.provider_kind,
                        "model": candidate.model_name,
                        "code": error.code,
                        "message": error.message,
                    }
                )
                if self._has_spoken or not (isinstance(error, GatewayError) and error.can_fall_back):
                    break
        raise last

    async def _answer(self, candidate: Candidate) -> None:
        """The call, and where the answer is to fit a schema the check, the repair and the one second try."""
        call = candidate.call
        prepared = candidate.adapter.chat(call, candidate.at)
        if call.schema is None:
            await self._ask(candidate, call, prepared, as_draft=False)
            return
        checker = Checker(call.schema.schema)
        # Where the provider itself holds the whole schema, its text is the answer; elsewhere, also where a part of the
        # schema could not be said to it, the text is a draft until it fits.
        is_held = all(loss.feature != Feature.SCHEMA for loss in prepared.losses)
        tally = await self._ask(candidate, call, prepared, as_draft=not is_held)
        if tally.finished is None or tally.finished.reason is not Reason.STOP:
            return
        answer = "".join(tally.text)
        found = checker.look(answer)
        if isinstance(found, Fit):
            if not is_held:
                self.live.say(Kind.TEXT, {"text": found.text})
            return
        if is_held:
            self._error = told(SchemaNotMet(found.problem), has_spoken=True)
            return
        self.live.say(Kind.STATE, {"state": "trying_again", "problem": found.problem})
        again = replace(call, messages=second_try(call.messages, answer, found.problem, call.schema.schema))
        tally = await self._ask(candidate, again, candidate.adapter.chat(again, candidate.at), as_draft=True)
        found = checker.look("".join(tally.text))
        if isinstance(found, Fit):
            self.live.say(Kind.TEXT, {"text": found.text})
        elif tally.finished is not None:
            self._error = told(SchemaNotMet(found.problem), has_spoken=True)

    async def _ask(self, candidate: Candidate, call: Call, prepared: Prepared, *, as_draft: bool) -> Tally:
        tally = Tally()
        outgoing = replace(candidate.outgoing, went_out=tally.went_out)
        end = End.CUT
        text_kind = Kind.DRAFT if as_draft else Kind.TEXT
        estimated_input = self.plan.estimated_input
        if call is not candidate.call:
            estimated_input = self._estimates.input_tokens(candidate.model_name, call.messages, call.tools)
        try:
            async with aclosing(self._asks.stream(outgoing, candidate.adapter, call, candidate.at, prepared)) as stream:
                async for batch in stream:
                    if not self._has_spoken:
                        self._begin(candidate, (*candidate.losses, *prepared.losses))
                    seen_before = tally.seen
                    for said in batch:
                        self._take(said, tally, text_kind)
                    # With the end comes the last count of all, so this one would be said twice.
                    if tally.seen is not None and tally.seen is not seen_before and tally.finished is None:
                        self._tell_usage(tally.seen, tally.service)
                    if self.live.is_behind:
                        await self.live.room()
            end = End.WHOLE if tally.finished is not None else End.CUT
        except KontorError:
            end = End.CUT if tally.characters or tally.reasoning_characters else End.REFUSED
            raise
        finally:
            self._calls.append(self._facts(candidate, tally, end, estimated_input))
            self._asked.append(call)
        if tally.failed is not None:
            code = tally.failed.code if "." in tally.failed.code else f"gateway.{tally.failed.code}"
            self._error = {"code": code, "message": tally.failed.message}
        elif tally.finished is None and self.live.ending is None:
            self._error = {"code": "gateway.cut", "message": "The provider broke off its answer. It can be continued."}
        return tally

    def _begin(self, candidate: Candidate, losses: Sequence[Loss]) -> None:
        self._has_spoken = True
        self._first_at = now()
        self.live.say(
            Kind.STATE,
            {
                "state": "running",
                "provider": candidate.provider_kind,
                "model": candidate.model_name,
                "candidate": self._place,
            },
        )
        for loss in losses:
            told_loss = {"feature": str(loss.feature), "deed": loss.deed.value, "detail": loss.detail}
            self._losses.append(told_loss)
            self.live.say(Kind.LOSS, told_loss)

    def _take(self, said: Said, tally: Tally, text_kind: Kind) -> None:
        live = self.live
        if live.ending is Ending.STOPPED:
            # Only read on for the count: what comes after the stop is nobody's text any more.
            self._take_count(said, tally)
            return
        match said:
            case Text(text=piece):
                self._take_text(piece, tally, text_kind)
            case Reasoning():
                self._take_reasoning(said, tally)
            case ToolCall():
                self._take_tool_call(said, tally)
            case Logprobs(items=items):
                live.say(Kind.LOGPROBS, {"items": list(items)})
            case Cited(url=url, title=title):
                live.say(Kind.CITATION, {"url": url, "title": title})
            case Vector(index=index, packed=packed):
                live.say(Kind.VECTOR, {"index": index, **packed})
            case UsageSeen() | Named() | Finished() | Failed():
                self._take_count(said, tally)
            case _:
                assert_never(said)

    def _take_text(self, piece: str, tally: Tally, kind: Kind) -> None:
        if not piece:
            return
        tally.characters += len(piece)
        tally.is_seen_whole = False
        if self._candidate.call.schema is not None:
            tally.text.append(piece)
        self.live.say_text(kind, piece)
        if self.plan.most_output is not None:
            self._watch_cost(tally)

    def _take_reasoning(self, said: Reasoning, tally: Tally) -> None:
        if said.text:
            tally.reasoning_characters += len(said.text)
            tally.is_seen_whole = False
            self.live.say(Kind.REASONING, {"text": said.text})
            self._watch_cost(tally)
        if said.signature:
            self.live.say(Kind.REASONING, {"signature": said.signature})

    def _take_tool_call(self, said: ToolCall, tally: Tally) -> None:
        tally.characters += len(said.arguments) + len(said.name or "")
        tally.is_seen_whole = False
        if said.id is not None or said.name is not None:
            self.live.say(Kind.TOOL_CALL, {"index": said.index, "id": said.id, "name": said.name})
        if said.arguments:
            self.live.say(Kind.TOOL_CALL, {"index": said.index, "arguments": said.arguments})

    def _take_count(self, said: Said, tally: Tally) -> None:
        match said:
            case UsageSeen(usage=usage, charged_usd_nano=charged, service=service):
                tally.seen, tally.said_usd_nano, tally.is_seen_whole = usage, charged, True
                tally.service = service or tally.service
            case Named(request_id=request_id):
                self._request_id = request_id or self._request_id
            case Finished():
                tally.finished = said
                self._reason = said.reason.value
            case Failed():
                tally.failed = said
            case _:
                pass

    def _tell_usage(self, usage: Usage, service: str | None) -> None:
        """For a crash: what is known then. Some providers tell it with every piece, which would be too many rows."""
        at = asyncio.get_running_loop().time()
        if at - self._usage_told_at >= USAGE_EVERY_SECONDS:
            self._usage_told_at = at
            served = {} if service is None else {"service": service}
            self.live.say(Kind.USAGE, {"usage": asdict(usage), "is_estimated": False, **served})

    def _watch_cost(self, tally: Tally) -> None:
        most = self.plan.most_output
        if most is None:
            return
        characters = tally.characters + tally.reasoning_characters
        if self._estimates.output_tokens(self._candidate.model_name, characters) > most * LIMIT_SLACK:
            self.live.end(Ending.COST_LIMIT)

    def _facts(self, candidate: Candidate, tally: Tally, end: End, estimated_input: int) -> CallFacts:
        def tokens(characters: int) -> int:
            return self._estimates.output_tokens(candidate.model_name, characters) if characters else 0

        return CallFacts(
            end=end,
            estimated_input=estimated_input,
            estimated_output=tokens(tally.characters),
            estimated_reasoning=tokens(tally.reasoning_characters),
            seen=tally.seen,
            is_seen_whole=tally.is_seen_whole,
            said_usd_nano=tally.said_usd_nano,
            service=tally.service,
            is_accepted=tally.is_sent,
        )

    async def _close(self) -> None:
        live, account = self.live, self.plan.account
        try:
            is_closed = await self._journal.close(Closing(live, account, self._outcome()))
        except Exception:
            # Whoever looks after lost runs finds it unfinished and tries again.
            log.exception("run.not_closed", run=str(live.run_id))
            live.end(Ending.LOST)
            return
        if not is_closed:
            log.warning("run.lost", run=str(live.run_id))
            return
        self._learn()

    def _learn(self) -> None:
        # Whoever brings an address of their own could have it count what they like, for everybody.
        if self._candidate.outgoing.is_guarded:
            return
        for facts, call in zip(self._calls, self._asked, strict=True):
            if facts.end is End.WHOLE and facts.seen is not None and facts.has_delivered:
                estimated = Usage(
                    input=facts.estimated_input, output=facts.estimated_output, reasoning=facts.estimated_reasoning
                )
                self._estimates.learn(self._candidate.model_name, call, estimated=estimated, told=facts.seen)

    def _outcome(self) -> Outcome:
        state, reason = State.DONE, self._reason
        match self.live.ending:
            case Ending.STOPPED:
                state, reason = State.STOPPED, "stopped"
            case Ending.COST_LIMIT | Ending.TIME_LIMIT:
                state, reason = State.STOPPED, self.live.ending.value
            case Ending.DRAINED:
                state, reason = State.INTERRUPTED, None
            case None:
                if self._error is not None:
                    state = State.FAILED
            case Ending.LOST:
                raise AssertionError("a lost run is closed by whoever has it")
            case other:
                assert_never(other)
        candidate = self._candidate
        return Outcome(
            state=state,
            calls=tuple(self._calls),
            policy=self.plan.route.unanswered,
            answered=Answered(
                model_id=candidate.model_id,
                provider_id=candidate.provider_id,
                key_id=candidate.key_id,
                provider_kind=candidate.provider_kind,
                model_name=candidate.model_name,
                quote=self._quote,
                request_id=self._request_id,
            ),
            finish_reason=reason,
            error=self._error if state is State.FAILED else None,
            first_at=self._first_at,
            losses=self._losses,
            tried=self._tried,
        )


async def cancellation_over() -> None:
    """One that was asked for in the run's last moment would otherwise strike while it is being closed."""
    task = asyncio.current_task()
    if task is None or not task.cancelling():
        return
    with suppress(asyncio.CancelledError):
        await asyncio.sleep(0)
    while task.cancelling():
        task.uncancel()


def told(error: KontorError, *, has_spoken: bool) -> dict[str, Any]:
    """An error as it stands in a run. That nothing was charged is only said where it is so."""
    message = error.bare_message if has_spoken and isinstance(error, GatewayError) else error.message
    return {"code": error.code, "message": message, "details": dict(error.details)}
