"""Asking a model, in our own words: one answer, whole or as it comes; vectors; and what a question would be."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import Annotated, Any, NoReturn
from uuid import UUID

from fastapi import APIRouter, Header, Request, Response
from pydantic import BaseModel, ConfigDict, Field, JsonValue

from kontor.billing import service as billing
from kontor.billing.errors import BudgetReached, InsufficientBalance, PriceMissing
from kontor.billing.service import Offer, PriceKey
from kontor.billing.usage import Usage
from kontor.core import money
from kontor.core.clock import now
from kontor.core.errors import FieldProblem, registry
from kontor.core.errors import Kind as ErrorKind
from kontor.core.http.actors import ModelUser, ScopeRequired, Unauthenticated
from kontor.core.http.problems import STATUS, ProblemResponse, problem_body, problems, request_id_of
from kontor.core.http.streaming import Beat, Frame, Raw, streaming_of
from kontor.core.http.units import Unit
from kontor.gateway import errors as gateway_errors
from kontor.gateway import routing
from kontor.gateway.beginning import Beginning, CurrentEstimates, CurrentRuns, failure_of, patience
from kontor.gateway.current import CurrentGateway
from kontor.gateway.embedding import Wanted, embed
from kontor.gateway.estimator import Estimate, Measured, measure
from kontor.gateway.listing import is_own, price_key
from kontor.gateway.openai.asked import messages_of, nested_tool, tools_of
from kontor.gateway.router import Router
from kontor.gateway.routing import Chooser, Chosen, Need
from kontor.gateway.runs.answers import Answer
from kontor.gateway.runs.errors import BadSchema, Closing, CostLimitTooLow, KeyReused, NoModel
from kontor.gateway.runs.events import RunId
from kontor.gateway.runs.ports import Wish
from kontor.gateway.wire.port import AnswerSchema
from kontor.projects.errors import InTrash, ProjectNotFound, ReadOnly

JSON = Any

router = APIRouter(prefix="/llm", tags=["models"], responses=problems(Unauthenticated, ScopeRequired))

REFUSED = (
    FieldProblem, routing.ModelUnknown, routing.ModelUnfit, routing.KeyMissing, routing.NothingFits, KeyReused,
    InsufficientBalance, BudgetReached, PriceMissing, CostLimitTooLow, BadSchema, NoModel, Closing,
    gateway_errors.ProviderUnreachable, gateway_errors.ProviderBusy, gateway_errors.ProviderFailed,
    gateway_errors.KeyRefused, gateway_errors.ContextTooLong, gateway_errors.RefusedByProvider, gateway_errors.TimedOut,
)  # fmt: skip
REFUSALS = problems(*REFUSED)

Words = Annotated[str, Field(min_length=1, max_length=300)]
IdempotencyKey = Annotated[
    str | None, Header(min_length=1, max_length=200, description="The same key and question: the same run")
]
USUAL_ANSWER = 1000
MOST_COUNTED = 20


class GenerateBody(BaseModel):
    """Further fields are parameters of the model: `GET /llm/models/{id}` has a schema of those that it takes."""

    model_config = ConfigDict(extra="allow", hide_input_in_errors=True)

    prompt: str | None = Field(None, min_length=1)
    messages: list[dict[str, JsonValue]] | None = Field(None, description="As OpenAI's chat has them, parts included")
    system: str | None = None
    model: Words | None = Field(None, description="A name, an alias or a rule. Absent: what the installation prefers")
    provider: Words | None = None
    answer_schema: dict[str, JsonValue] | None = Field(
        None, alias="schema", description="A JSON schema that the answer is to fit"
    )
    tools: list[dict[str, JsonValue]] = Field(default_factory=list)
    tool_choice: JsonValue = None
    stream: bool = False
    max_cost: str | None = Field(None, max_length=30, description="In your currency, such as 0.05")
    project_id: UUID | None = None


class CostRead(BaseModel):
    amount: str
    nano: int
    currency: str
    is_estimated: bool
    is_free: bool
    is_known: bool


class UsageRead(BaseModel):
    """Tokens. No class is counted in another."""

    input: int = 0
    cached: int = 0
    cache_write: int = 0
    output: int = 0
    reasoning: int = 0
    image: int = 0
    audio_in: int = 0
    audio_out: int = 0
    cache_write_1h: int = 0
    image_out: int = 0


class LossRead(BaseModel):
    feature: str
    deed: str
    detail: str


class CitationRead(BaseModel):
    url: str
    title: str = ""


class AnswerRead(BaseModel):
    response: str
    reasoning: str | None
    tool_calls: list[dict[str, JsonValue]]
    parts: list[dict[str, JsonValue]] = Field(
        description="All of it in its order: `text`, `reasoning` with its `signature`, `tool_call`. In a loop of tools "
        "this is the content of the assistant's message that goes back"
    )
    citations: list[CitationRead]
    logprobs: list[dict[str, JsonValue]]
    model: str
    provider: str
    usage: UsageRead
    cost: CostRead
    run_id: UUID
    losses: list[LossRead] = Field(description="What this model could not be asked as it was wished")
    finish_reason: str | None


class EmbedBody(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    text: str | None = Field(None, min_length=1)
    texts: list[Annotated[str, Field(min_length=1)]] | None = Field(None, min_length=1, max_length=2048)
    model: Words | None = None
    provider: Words | None = None
    dimensions: int | None = Field(None, ge=1, le=100_000)


class EmbeddedRead(BaseModel):
    embedding: list[float] | None = Field(description="For `text`")
    embeddings: list[list[float]] | None = Field(description="For `texts`, in their order")
    model: str
    provider: str
    dimensions: int
    usage: UsageRead
    cost: CostRead
    run_ids: list[UUID] = Field(description="One for each batch")


class CountBody(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    prompt: str | None = None
    messages: list[dict[str, JsonValue]] | None = None
    system: str | None = None
    tools: list[dict[str, JsonValue]] = Field(default_factory=list)
    model: Words | None = None
    models: list[Words] | None = Field(None, max_length=MOST_COUNTED)
    max_output: int | None = Field(None, ge=1, le=10_000_000)


class PriceRange(BaseModel):
    low: str = Field(description="The question alone, if it is as short as it may be")
    high: str = Field(description=f"With an answer of `max_output` tokens, or of {USUAL_ANSWER}")
    currency: str
    is_free: bool


class CountRead(BaseModel):
    model: str
    provider: str
    tokens: int
    tokens_low: int = Field(description="Nine of ten questions lie between this and `tokens_high`")
    tokens_high: int
    context_total: int | None
    fits: bool | None = Field(description="Null where nobody knows how much the model holds")
    price: PriceRange | None


class CountsRead(BaseModel):
    items: list[CountRead]


@router.post(
    "/generate",
    responses={
        200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}},
        **problems(*REFUSED, ProjectNotFound, ReadOnly, InTrash),
    },
    response_model=AnswerRead,
)
async def generate(
    body: GenerateBody, request: Request, actor: ModelUser, runs: CurrentRuns, idempotency_key: IdempotencyKey = None
) -> Response | AnswerRead:
    """With `stream` the run's events, as `GET /runs/{id}/events` has them. Whoever leaves does not stop the run."""
    wish = wish_of(body, token_id=token_of(request), idempotency_key=idempotency_key)
    if body.stream:
        run = Beginning(runs, actor, wish)
        async with streaming_of(request).awaiting(request):
            await run.look()
        if run.failure is not None:
            return refused(request, run.failure, run.run_id)
        return stream_of(request, run)
    async with streaming_of(request).awaiting(request):
        run_id, answer = await runs.ask(actor, wish)
    if (failure := failure_of(answer)) is not None:
        return refused(request, failure, run_id)
    return answer_read(run_id, answer)


def stream_of(request: Request, run: Beginning) -> Response:
    async def source() -> AsyncGenerator[Frame | Beat | Raw, None]:
        async with aclosing(run.events()) as batches:
            async for batch in batches:
                for event in batch:
                    yield Frame(event.kind, event.data, str(event.seq))

    return streaming_of(request).answer(request, source, headers={"x-kontor-run-id": str(run.run_id)})


@router.post("/embed", responses=REFUSALS)
async def embed_texts(
    body: EmbedBody,
    request: Request,
    actor: ModelUser,
    *,
    runs: CurrentRuns,
    gateway: CurrentGateway,
    estimates: CurrentEstimates,
    idempotency_key: IdempotencyKey = None,
) -> EmbeddedRead:
    """With an Idempotency-Key the vectors are kept with the run, and given again at no cost."""
    texts = one_of("text", "texts", None if body.text is None else [body.text], body.texts)
    wanted = Wanted(
        texts,
        body.model,
        body.provider,
        body.dimensions,
        Wish(messages=(), token_id=token_of(request), idempotency_key=idempotency_key),
    )
    async with streaming_of(request).awaiting(request):
        found = await embed(runs, Router(gateway, estimates), actor, wanted)
    if found.failure is not None:
        return refused(request, found.failure, found.run_ids[-1])  # type: ignore[return-value]  # a response as it is
    vectors = [list(vector) for vector in found.vectors]
    last = found.answers[-1].done or {}
    return EmbeddedRead(
        embedding=None if body.text is None else vectors[0],
        embeddings=None if body.text is not None else vectors,
        model=last["model"],
        provider=last["provider"],
        dimensions=len(vectors[0]),
        usage=usage_read(found.usage),
        cost=sum_of([(answer.done or {})["cost"] for answer in found.answers]),
        run_ids=[UUID(str(run_id)) for run_id in found.run_ids],
    )


@router.post("/count", responses=problems(FieldProblem, routing.ModelUnknown))
async def count_tokens(
    body: CountBody, actor: ModelUser, unit: Unit, gateway: CurrentGateway, estimates: CurrentEstimates
) -> CountsRead:
    """Before anything is sent: how many tokens, how sure that is, whether it fits, and what it may cost."""
    messages = question_of(body.prompt, body.messages, body.system)
    measured = measure(messages, tools_of(body.tools or None, nested_tool))
    chooser = Chooser(await gateway.knowledge.view(actor), Need())
    refs: Sequence[str | None] = body.models or [body.model]
    chosen = [chooser.choose(ref).chosen[0] for ref in refs]
    keys = {price_key(each.provider, each.model): is_own(chooser.view, each.provider) for each in chosen}
    offers = await billing.offers(unit, keys, payer=actor.user_id, role=actor.role, at=now())
    return CountsRead(
        items=[
            counted(each, estimates.of(each.model.name, measured), offers, body.max_output, measured) for each in chosen
        ]
    )


def counted(
    chosen: Chosen, found: Estimate, offers: Mapping[PriceKey, Offer], max_output: int | None, measured: Measured
) -> CountRead:
    model, provider = chosen.model, chosen.provider
    holds = model.facts.max_input or model.facts.context_total
    offer = offers.get(price_key(provider, model))
    price = None
    if offer is not None:
        answer = max_output or min(USUAL_ANSWER, model.facts.max_output or USUAL_ANSWER)
        rate_in, rate_out = offer.per_million.get("input", 0), offer.per_million.get("output", 0)
        low, high = found.low * rate_in, found.high * rate_in + answer * rate_out
        price = PriceRange(
            low=money.plain(low // 1_000_000),
            high=money.plain(money.ceil_div(high, 1_000_000)),
            currency=offer.currency,
            is_free=offer.is_free,
        )
    elif provider.is_local:
        price = PriceRange(low="0", high="0", currency="USD", is_free=True)
    return CountRead(
        model=model.name,
        provider=provider.kind,
        tokens=found.likely,
        tokens_low=found.low,
        tokens_high=found.high,
        context_total=model.facts.context_total,
        fits=None if holds is None else found.likely + (max_output or 1) <= holds,
        price=price,
    )


# What comes in


def wish_of(body: GenerateBody, *, token_id: UUID | None, idempotency_key: str | None) -> Wish:
    schema = None
    if body.answer_schema is not None:
        schema = AnswerSchema("answer", body.answer_schema, is_strict=is_strict(body.answer_schema))
    return Wish(
        messages=question_of(body.prompt, body.messages, body.system),
        model=body.model,
        provider=body.provider,
        parameters={name: value for name, value in (body.model_extra or {}).items() if value is not None},
        tools=tools_of(body.tools or None, nested_tool),
        tool_choice=body.tool_choice,
        schema=schema,
        is_streamed=body.stream,
        project_id=body.project_id,
        idempotency_key=idempotency_key,
        max_cost_nano=nano_of(body.max_cost),
        token_id=token_id,
    )


def is_strict(schema: JSON) -> bool:
    """Whether providers that hold a schema word by word would take it: every field named, and all of them required."""
    if isinstance(schema, list):
        return all(is_strict(each) for each in schema)
    if not isinstance(schema, dict):
        return True
    fields = schema.get("properties")
    if isinstance(fields, dict):
        needed = schema.get("required") or []
        if schema.get("additionalProperties") is not False or set(fields) != set(needed):
            return False
    return all(is_strict(each) for each in schema.values())


def question_of(
    prompt: str | None, messages: Sequence[Mapping[str, JSON]] | None, system: str | None
) -> Sequence[Mapping[str, JSON]]:
    asked = one_of("prompt", "messages", None if prompt is None else [{"role": "user", "content": prompt}], messages)
    checked = messages_of(list(asked))
    return [{"role": "system", "content": system}, *checked] if system else checked


def one_of(one: str, other: str, first: Sequence[JSON] | None, second: Sequence[JSON] | None) -> Sequence[JSON]:
    if first is not None and second is not None:
        raise FieldProblem(other, f"Send {one} or {other}, not both.")
    found = first if first is not None else second
    return missing(one, other) if found is None else found


def missing(one: str, other: str) -> NoReturn:
    raise FieldProblem(one, f"Send {one} or {other}.", reason="missing")


def nano_of(amount: str | None) -> int | None:
    if amount is None:
        return None
    try:
        nano = money.parse(amount)
    except ValueError as reason:
        raise FieldProblem("max_cost", str(reason)) from reason
    if nano <= 0:
        raise FieldProblem("max_cost", "Use an amount above 0.")
    return nano


def token_of(request: Request) -> UUID | None:
    seen = request.scope.get("kontor.session")
    token_id: UUID | None = getattr(seen, "token_id", None)
    return token_id


# What goes out


def refused(request: Request, failure: Mapping[str, JSON], run_id: RunId) -> ProblemResponse:
    """The error of a run, which is no exception any more."""
    code = str(failure.get("code", ""))
    known = registry.get(code)
    extra = {**(failure.get("details") or {}), "run_id": str(run_id)}
    status = STATUS[ErrorKind.INTERNAL if known is None else known.kind]
    body = problem_body(status, code, str(failure.get("message", "")), request_id=request_id_of(request), extra=extra)
    return ProblemResponse(body, headers={"x-kontor-run-id": str(run_id), **patience(failure)})


def answer_read(run_id: RunId, answer: Answer) -> AnswerRead:
    done = answer.done or {}
    return AnswerRead(
        response=answer.text,
        reasoning=answer.reasoning or None,
        tool_calls=[dict(call) for call in answer.tool_calls],
        parts=[dict(part) for part in answer.parts],
        citations=[CitationRead.model_validate(each) for each in answer.citations],
        logprobs=[dict(each) for each in answer.logprobs],
        model=done["model"],
        provider=done["provider"],
        usage=UsageRead.model_validate(done["usage"]),
        cost=CostRead.model_validate(done["cost"]),
        run_id=run_id,
        losses=[LossRead.model_validate(each) for each in answer.losses],
        finish_reason=done.get("finish_reason"),
    )


def usage_read(usage: Usage) -> UsageRead:
    return UsageRead(**usage.by_class())


def sum_of(costs: Sequence[Mapping[str, JSON]]) -> CostRead:
    nano = sum(cost["nano"] for cost in costs)
    return CostRead(
        amount=money.plain(nano),
        nano=nano,
        currency=costs[0]["currency"],
        is_estimated=any(cost["is_estimated"] for cost in costs),
        is_free=all(cost["is_free"] for cost in costs),
        is_known=all(cost["is_known"] for cost in costs),
    )
