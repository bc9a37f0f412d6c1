"""Runs, as their owners see them: the list, one of them, its events, its end and its receipt."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field, JsonValue

from kontor.core.errors import FieldProblem
from kontor.core.http.actors import CurrentActor, ModelUser, ScopeRequired, Unauthenticated
from kontor.core.http.paging import PageCursor, PageLimit
from kontor.core.http.problems import problems
from kontor.core.http.streaming import Beat, Frame, Raw, streaming_of
from kontor.core.paging import BadCursor, Page
from kontor.core.tenancy import Actor
from kontor.gateway.beginning import CurrentRuns
from kontor.gateway.embedding import KIND as EMBED
from kontor.gateway.routes_llm import (
    REFUSALS,
    CitationRead,
    CostRead,
    IdempotencyKey,
    LossRead,
    UsageRead,
)
from kontor.gateway.runs.errors import NothingToContinue, RunNotFound, RunNotOver
from kontor.gateway.runs.events import RunId
from kontor.gateway.runs.receipts import Receipt, SettledAs
from kontor.gateway.runs.service import RunRead as Read

READING = frozenset({"account:read", "llm:use"})
MOST_PLACE = 2**62

State = Literal["accepted", "running", "done", "failed", "stopped", "interrupted"]


async def run_reader(actor: CurrentActor) -> Actor:
    """Whoever may ask may read what came of it; so may whoever may read the account."""
    if actor.token_scopes is not None and not READING & actor.token_scopes:
        raise ScopeRequired("llm:use")
    return actor


RunReader = Annotated[Actor, Depends(run_reader)]

router = APIRouter(prefix="/runs", tags=["runs"], responses=problems(Unauthenticated, ScopeRequired))


class ErrorRead(BaseModel):
    code: str
    message: str


class RunRead(BaseModel):
    id: UUID
    kind: str
    state: State
    provider: str
    model: str
    model_id: UUID | None
    project_id: UUID | None
    continues_id: UUID | None
    accepted_at: datetime
    first_at: datetime | None
    finished_at: datetime | None
    finish_reason: str | None
    usage: UsageRead | None
    cost: CostRead | None
    routed: dict[str, JsonValue] = Field(description="How the model was chosen")
    tried: list[dict[str, JsonValue]] = Field(description="Who was asked before, and what came of it")
    losses: list[LossRead]
    error: ErrorRead | None

    @classmethod
    def of(cls, run: Read) -> "RunRead":
        return cls.model_validate(run, from_attributes=True)


class RunWhole(RunRead):
    response: str = Field(description="As far as it is written")
    reasoning: str | None
    tool_calls: list[dict[str, JsonValue]]
    parts: list[dict[str, JsonValue]] = Field(description="All of it in its order, as `/llm/generate` gives it")
    citations: list[CitationRead]
    position: int = Field(description="The events go on after this")


class Continued(BaseModel):
    run_id: UUID


class ReceiptLineRead(BaseModel):
    token_class: str = Field(serialization_alias="class")
    tokens: int
    rate_per_million: str | None = Field(description="In US dollars, as the provider asks")
    rate_in_currency: str | None = Field(description="The same for the payer, with the surcharge")
    amount: str | None


class PriceVersionRead(BaseModel):
    id: UUID
    valid_from: datetime
    source: str
    provider: str | None = Field(description="Under which names it stands in the table of prices")
    model: str | None


class FxRead(BaseModel):
    rate: str = Field(description="How much of the currency one US dollar was, the house's margin included")
    reference: str = Field(description="The same without the margin, as it was published")
    day: str | None
    source: str | None = Field(description="`ecb`, `seed` or `admin`")
    spread_percent: str


class ReceiptRead(BaseModel):
    number: str
    at: datetime
    seconds: float
    model: str
    model_label: str
    provider: str
    provider_label: str
    title: str | None
    lines: list[ReceiptLineRead]
    provider_usd: str | None = Field(description="What the provider asks for all of it, in US dollars")
    provider_cost: str | None = Field(description="The same in the currency, before the surcharge")
    is_told_by_provider: bool = Field(description="The provider named its price, and the lines share in it")
    markup: str = Field(description="What the surcharge comes to")
    spent: str | None = Field(
        description="What it cost, whoever is owed it: on a key of one's own that is the provider"
    )
    sum: str | None = Field(description="What is charged here. Null where nobody knows the price")
    currency: str
    hold: str
    released: str
    given_back: str | None = Field(description="What was given back of it later")
    balance_after: str | None
    price_version: PriceVersionRead | None
    fx: FxRead | None
    markup_percent: str
    is_estimated: bool
    is_free: bool
    is_own_key: bool
    settled_as: SettledAs
    note: str

    @classmethod
    def of(cls, receipt: Receipt) -> "ReceiptRead":
        is_known = receipt.is_known
        return cls(
            number=receipt.number,
            at=receipt.at,
            seconds=receipt.seconds,
            model=receipt.model,
            model_label=receipt.model_label,
            provider=receipt.provider,
            provider_label=receipt.provider_label,
            title=None,
            lines=[
                ReceiptLineRead(
                    token_class=line.name,
                    tokens=line.tokens,
                    rate_per_million=line.rate_per_million if is_known else None,
                    rate_in_currency=line.rate_in_currency if is_known else None,
                    amount=line.amount if is_known else None,
                )
                for line in receipt.lines
            ],
            provider_usd=receipt.provider_usd if is_known else None,
            provider_cost=receipt.provider_cost if is_known else None,
            is_told_by_provider=receipt.is_told_by_provider,
            markup=receipt.markup,
            spent=receipt.spent if is_known else None,
            sum=receipt.sum if is_known else None,
            currency=receipt.currency,
            hold=receipt.hold,
            released=receipt.released,
            given_back=receipt.given_back,
            balance_after=receipt.balance_after,
            price_version=None
            if receipt.price_version is None
            else PriceVersionRead.model_validate(receipt.price_version, from_attributes=True),
            fx=None if receipt.fx is None else FxRead.model_validate(receipt.fx, from_attributes=True),
            markup_percent=receipt.markup_percent,
            is_estimated=receipt.is_estimated,
            is_free=receipt.is_free,
            is_own_key=receipt.is_own_key,
            settled_as=receipt.settled_as,
            note=receipt.note,
        )


@router.get("", responses=problems(BadCursor))
async def list_runs(
    actor: RunReader,
    runs: CurrentRuns,
    *,
    state: State | None = None,
    model: Annotated[str | None, Query(max_length=300)] = None,
    project: UUID | None = None,
    cursor: PageCursor = None,
    limit: PageLimit = 50,
) -> Page[RunRead]:
    """Newest first."""
    page = await runs.list(actor, state=state, model=model, project_id=project, cursor=cursor, limit=limit)
    return Page(items=[RunRead.of(each) for each in page.items], next_cursor=page.next_cursor)


@router.get("/{run_id}", responses=problems(RunNotFound))
async def read_run(run_id: UUID, actor: RunReader, runs: CurrentRuns) -> RunWhole:
    run = await runs.read(actor, RunId(run_id))
    answer = await runs.answer(actor, RunId(run_id))
    return RunWhole(
        **RunRead.of(run).model_dump(),
        response=answer.text or answer.draft,
        reasoning=answer.reasoning or None,
        tool_calls=[dict(call) for call in answer.tool_calls],
        parts=[dict(part) for part in answer.parts],
        citations=[CitationRead.model_validate(each) for each in answer.citations],
        position=answer.seq,
    )


@router.get(
    "/{run_id}/events",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "All events after the position, then those to come; ends with `done`",
            "content": {"text/event-stream": {"schema": {"type": "string"}}},
        },
        **problems(RunNotFound, FieldProblem),
    },
)
async def follow_run(
    run_id: UUID,
    request: Request,
    actor: RunReader,
    runs: CurrentRuns,
    *,
    after: Annotated[int, Query(ge=0, le=MOST_PLACE, description="Go on after this position")] = 0,
    last_event_id: Annotated[str | None, Header(max_length=40)] = None,
) -> Response:
    """Server-sent events: `event` is the kind, `data` what belongs to it, `id` the position to go on after.

    Kinds: state, text, draft, reasoning, tool_call, citation, logprobs, usage, loss, error, done.
    """
    place = after if last_event_id is None else place_of(last_event_id)
    await runs.read(actor, RunId(run_id))  # whoever may not see it is told so before any header has left

    async def source() -> AsyncGenerator[Frame | Beat | Raw, None]:
        async with aclosing(runs.follow(actor, RunId(run_id), place)) as batches:
            async for batch in batches:
                for event in batch:
                    yield Frame(event.kind, event.data, str(event.seq))

    return streaming_of(request).answer(request, source)


def place_of(given: str) -> int:
    if not (given.isascii() and given.isdigit()) or int(given) > MOST_PLACE:
        raise FieldProblem("Last-Event-ID", "Send the id of the last event as it was received.")
    return int(given)


@router.post("/{run_id}/stop", status_code=204, responses=problems(RunNotFound))
async def stop_run(run_id: UUID, actor: ModelUser, runs: CurrentRuns) -> None:
    """What was said and used until then stays, and is paid for. Nothing happens to a run that is over."""
    await runs.stop(actor, RunId(run_id))


@router.post("/{run_id}/continue", responses={**REFUSALS, **problems(RunNotFound, RunNotOver, NothingToContinue)})
async def continue_run(
    run_id: UUID, actor: ModelUser, runs: CurrentRuns, idempotency_key: IdempotencyKey = None
) -> Continued:
    """A new run that goes on where this one broke off."""
    if (await runs.read(actor, RunId(run_id))).kind == EMBED:
        raise NothingToContinue
    return Continued(run_id=await runs.continue_(actor, RunId(run_id), idempotency_key=idempotency_key))


@router.get("/{run_id}/receipt", responses=problems(RunNotFound, RunNotOver))
async def read_receipt(run_id: UUID, actor: RunReader, runs: CurrentRuns) -> ReceiptRead:
    return ReceiptRead.of(await runs.receipt(actor, RunId(run_id)))
