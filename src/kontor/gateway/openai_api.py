"""/v1: OpenAI's protocol for any client of theirs. Plain routes, as this is the way that programs take all day.

A run belongs to the server here as everywhere: a client that leaves in the middle loses nothing but its own view of it.
"""

import base64
import struct
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from typing import Any

import orjson
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kontor.accounts.authentication import SignedIn
from kontor.core.clock import now
from kontor.core.errors import FieldProblem, Kind, KontorError
from kontor.core.http.actors import ScopeRequired, Unauthenticated
from kontor.core.http.problems import PROBLEM_TYPE
from kontor.core.http.streaming import Beat, Frame, Raw, streaming_of
from kontor.gateway.beginning import Beginning, failure_of, patience
from kontor.gateway.embedding import Wanted, embed
from kontor.gateway.llm_config import BUILT_IN
from kontor.gateway.openai import asked, errors
from kontor.gateway.openai.asked import Asked
from kontor.gateway.openai.chat import ChatStream, aside, completion
from kontor.gateway.openai.responses import ResponseStream
from kontor.gateway.openai.responses_asked import responses
from kontor.gateway.router import Router
from kontor.gateway.runs.answers import Answer, fold
from kontor.gateway.runs.events import Kind as Said
from kontor.gateway.runs.events import RunEvent, RunId
from kontor.gateway.runs.ports import Wish
from kontor.gateway.runs.service import Runs
from kontor.gateway.service import Gateway

JSON = Any

SCOPE = "llm:use"
LONGEST_KEY = 200


class NotJson(KontorError):
    kind, code = Kind.INVALID, "http.unreadable"

    def __init__(self) -> None:
        super().__init__("The body is not a JSON object.")


class NoSuchModel(KontorError):
    kind, code = Kind.NOT_FOUND, "llm.model_not_found"

    def __init__(self, name: str) -> None:
        super().__init__(f"There is no model “{name}” that you may use.", details={"model": name})


async def chat_completions(request: Request) -> Response:
    wanted = asked.chat(await body_of(request))
    wish = wish_of(request, wanted)

    def shape(run_id: RunId, model: str) -> ChatStream:
        return ChatStream(run_id, created(), model, with_usage=wanted.with_usage, ignored=wanted.ignored)

    if wanted.is_streamed:
        return await streamed(request, wish, shape)
    async with streaming_of(request).awaiting(request):
        run_id, answer = await runs_of(request).ask(user_of(request).actor, wish)
    if (failure := failure_of(answer)) is not None:
        return failed(failure, run_id)
    body = completion(run_id, created(), model_of(answer, wanted), answer, ignored=wanted.ignored)
    return answered(body, run_id)


async def create_response(request: Request) -> Response:
    wanted = responses(await body_of(request))
    wish = wish_of(request, wanted)

    def shape(run_id: RunId, model: str) -> ResponseStream:
        return ResponseStream(run_id, created(), model, echoed=wanted.echoed, ignored=wanted.ignored)

    if wanted.is_streamed:
        return await streamed(request, wish, shape)
    followed = runs_of(request).start_and_follow(user_of(request).actor, wish)
    async with streaming_of(request).awaiting(request), followed as (run_id, batches):
        heard = [event async for batch in batches for event in batch]
    answer = fold(heard)
    if (failure := failure_of(answer)) is not None:
        return failed(failure, run_id)
    return answered(shape(run_id, model_of(answer, wanted)).whole(heard), run_id)


Shape = Callable[[RunId, str], ChatStream | ResponseStream]


async def streamed(request: Request, wish: Wish, shape: Shape) -> Response:
    """The run begins before the answer does. What fails before its first word is an error with a status."""
    run = Beginning(runs_of(request), user_of(request).actor, wish)
    async with streaming_of(request).awaiting(request):
        await run.look()
    if run.failure is not None:
        return failed(run.failure, run.run_id)

    async def source() -> AsyncGenerator[Frame | Beat | Raw, None]:
        stream = shape(run.run_id, model_in(run.early) or wish.model or "")
        begin = stream.begin()
        async with aclosing(run.events()) as batches:
            async for batch in batches:
                if chunk := begin + stream.frames(batch):
                    yield Raw(chunk)
                begin = b""

    headers = {"x-kontor-run-id": str(run.run_id)}
    return streaming_of(request).answer(request, source, headers=headers, last=ended)


def model_in(events: Sequence[RunEvent]) -> str | None:
    return next((event.data["model"] for event in events if event.kind == Said.STATE and "model" in event.data), None)


def ended(reason: str) -> bytes:
    """We ended the stream, not the run: the program stops, or its reader may not read any more."""
    data = {"code": f"stream.{reason}", "message": f"This stream was ended here ({reason}). Its run goes on."}
    return b"data: " + orjson.dumps(errors.of_event(data)[1]) + b"\n\n"


async def embeddings(request: Request) -> Response:
    wanted = asked.vectors(await body_of(request))
    seen = user_of(request)
    asking = Wanted(
        wanted.texts,
        wanted.model,
        dimensions=wanted.dimensions,
        wish=Wish(messages=(), token_id=seen.token_id, idempotency_key=idempotency_key_of(request)),
    )
    router = Router(gateway_of(request), request.app.state.estimates)
    async with streaming_of(request).awaiting(request):
        found = await embed(runs_of(request), router, seen.actor, asking)
    if found.failure is not None:
        return failed(found.failure, found.run_ids[-1])
    packed = base64_of if wanted.is_base64 else list
    last = found.answers[-1]
    return answered(
        {
            "object": "list",
            "data": [
                {"object": "embedding", "index": index, "embedding": packed(vector)}
                for index, vector in enumerate(found.vectors)
            ],
            "model": (last.done or {}).get("model") or wanted.model,
            "usage": {"prompt_tokens": found.usage.read, "total_tokens": found.usage.read},
            "kontor": aside(found.run_ids[0], last.done or {}, last.losses, wanted.ignored),
        },
        found.run_ids[0],
    )


def base64_of(vector: Sequence[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()


async def list_models(request: Request) -> Response:
    found = await models_of(request)
    return Response(orjson.dumps({"object": "list", "data": list(found.values())}), media_type="application/json")


async def read_model(request: Request) -> Response:
    name = request.path_params["name"]
    found = (await models_of(request)).get(name)
    if found is None:
        raise NoSuchModel(name)
    return Response(orjson.dumps(found), media_type="application/json")


async def models_of(request: Request) -> Mapping[str, Mapping[str, JSON]]:
    """Everything that `model` may name: models, the aliases of this house, and its rules."""
    seen = user_of(request)
    view = await gateway_of(request).knowledge.view(seen.actor)
    found: dict[str, Mapping[str, JSON]] = {}
    for model in view.usable():
        since = int(model.provider.created_at.timestamp())
        found.setdefault(
            model.name, {"id": model.name, "object": "model", "created": since, "owned_by": model.provider.kind}
        )
    config = view.house.config
    for name in (*(alias.name for alias in config.aliases), *(rule.name for rule in config.rules), *BUILT_IN):
        found.setdefault(name, {"id": name, "object": "model", "created": 0, "owned_by": "kontor"})
    return found


# What all of them need


def user_of(request: Request) -> SignedIn:
    seen = request.scope.get("kontor.session")
    if not isinstance(seen, SignedIn):
        raise Unauthenticated
    if seen.actor.token_scopes is not None and SCOPE not in seen.actor.token_scopes:
        raise ScopeRequired(SCOPE)
    return seen


async def body_of(request: Request) -> dict[str, JSON]:
    user_of(request)  # before anything is read of what a stranger sends
    try:
        body = orjson.loads(await request.body())
    except orjson.JSONDecodeError as reason:
        raise NotJson from reason
    if not isinstance(body, dict):
        raise NotJson
    return body


def idempotency_key_of(request: Request) -> str | None:
    key = request.headers.get("idempotency-key")
    if key is not None and not (1 <= len(key) <= LONGEST_KEY and key.isprintable()):
        raise FieldProblem("Idempotency-Key", f"Use 1 to {LONGEST_KEY} printable characters.")
    return key


def wish_of(request: Request, wanted: Asked) -> Wish:
    return wanted.wish(token_id=user_of(request).token_id, idempotency_key=idempotency_key_of(request))


def runs_of(request: Request) -> Runs:
    found: Runs = request.app.state.runs
    return found


def gateway_of(request: Request) -> Gateway:
    found: Gateway = request.app.state.gateway
    return found


def created() -> int:
    return int(now().timestamp())


def model_of(answer: Answer, wanted: Asked) -> str:
    return (answer.done or {}).get("model") or wanted.model or ""


def answered(body: Mapping[str, JSON], run_id: RunId) -> Response:
    return Response(orjson.dumps(body), media_type="application/json", headers={"x-kontor-run-id": str(run_id)})


def failed(failure: Mapping[str, JSON], run_id: RunId) -> Response:
    status, body = errors.of_event(failure)
    body["error"]["run_id"] = str(run_id)
    headers = {"x-kontor-run-id": str(run_id), **patience(failure), **retry_headers(status, body["error"]["type"])}
    return Response(orjson.dumps(body), status_code=status, media_type="application/json", headers=headers)


def retry_headers(status: int, type_: str) -> dict[str, str]:
    return {"x-should-retry": "true" if errors.is_worth_a_retry(status, type_) else "false"}


class Plain:
    """A route without the framework's ways: the function, and its name for the counters."""

    def __init__(self, template: str, answer: Callable[[Request], Awaitable[Response]]) -> None:
        self._template = template
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["kontor.route"] = self._template
        response = await self._answer(Request(scope, receive, send))
        await response(scope, receive, send)


def route(path: str, method: str, answer: Callable[[Request], Awaitable[Response]]) -> Route:
    return Route(path, Plain(path, answer), methods=[method])


ROUTES = [
    route("/v1/chat/completions", "POST", chat_completions),
    route("/v1/responses", "POST", create_response),
    route("/v1/embeddings", "POST", embeddings),
    route("/v1/models", "GET", list_models),
    route("/v1/models/{name:path}", "GET", read_model),
]


class OpenAIErrors:
    """Whatever stands before the routes or in them answers with our problem documents. Below /v1 they are put in
    their shape, on their way out."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith("/v1/"):
            await self.app(scope, receive, send)
            return
        start: Message | None = None
        problem = b""

        async def send_shaped(message: Message) -> None:
            nonlocal start, problem
            if message["type"] == "http.response.start" and is_problem(message):
                start = message
            elif start is None:
                await send(message)
            else:
                problem += message.get("body", b"")
                if not message.get("more_body", False):
                    await send_error(start, problem, send)

        await self.app(scope, receive, send_shaped)


def is_problem(message: Message) -> bool:
    return any(
        name == b"content-type" and value.startswith(PROBLEM_TYPE.encode()) for name, value in message["headers"]
    )


async def send_error(start: Message, problem: bytes, send: Send) -> None:
    status, shown = errors.of_problem(orjson.loads(problem))
    body = orjson.dumps(shown)
    headers = MutableHeaders(raw=list(start["headers"]))
    headers["content-type"] = "application/json"
    headers["content-length"] = str(len(body))
    headers.update(retry_headers(status, shown["error"]["type"]))
    await send({**start, "status": status, "headers": headers.raw})
    await send({"type": "http.response.body", "body": body})
