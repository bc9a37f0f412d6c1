"""OpenAI's protocol, as its reference has it: chat completions, responses, embeddings, models."""

import base64
import struct
from collections.abc import Callable, Sequence

import orjson

from kontor.billing.usage import Usage
from tests.wire.behaviour import Behaviour
from tests.wire.llm_server import (
    JSON,
    Other,
    Question,
    Request,
    Spoken,
    Streamed,
    Whole,
    check_signature,
    count,
    signature_of,
    text_in,
    vector_of,
)

CREATED = 1_790_000_000
FINGERPRINT = "fp_practice01"
REASONS = {"stop": "stop", "length": "length", "tools": "tool_calls", "filter": "content_filter"}


class OpenAi:
    kind = "openai"
    base_path = "/v1"
    key = "sk-proj-practice-provider-0123456789"
    models: Sequence[str] = ("fake", "fake-n200-w20-t5", "fake-think40", "fake-tools", "fake-d256")

    def is_signed(self, request: Request, key: str) -> bool:
        return request.headers.get("authorization") == f"Bearer {key}"

    def question(self, request: Request) -> Question | None:
        if request.method != "POST":
            return None
        if request.path == "/v1/chat/completions":
            return chat_question(request.json)
        if request.path == "/v1/responses":
            return response_question(request.json)
        return None

    def other(self, request: Request, behave: Callable[[str], Behaviour | None]) -> Whole | Other | None:
        if request.path == "/v1/models":
            return as_json({"object": "list", "data": [listed(name) for name in self.models]})
        if request.path.startswith("/v1/models/"):
            name = request.path.removeprefix("/v1/models/")
            return as_json(listed(name)) if behave(name) else None
        if request.path == "/v1/embeddings":
            return embedded(request.json, behave)
        return None

    def identity(self, question: Question, number: int) -> str:
        return f"{'chatcmpl-' if 'messages' in question.body else 'resp_'}{number:08d}"

    def whole(self, question: Question, spoken: Spoken) -> Whole:
        return whole_chat(question, spoken) if "messages" in question.body else whole_response(question, spoken)

    def streamed(self, question: Question, spoken: Spoken) -> Streamed:
        return chat_stream(question, spoken) if "messages" in question.body else response_stream(question, spoken)

    def error(self, status: int, message: str, *, code: str = "") -> Whole:
        kind = "server_error" if status >= 500 else {403: "request_forbidden"}.get(status, "invalid_request_error")
        if status == 429:
            kind = code or "requests"
            code = code or "rate_limit_exceeded"
        return Whole(
            orjson.dumps({"error": {"message": message, "type": kind, "param": None, "code": code or None}}), status
        )

    def usage(self, spoken: Spoken, *, thoughts: int, words: int) -> Usage:
        return Usage(input=spoken.input - spoken.cached, cached=spoken.cached, output=words, reasoning=thoughts)


def as_json(document: JSON) -> Whole:
    return Whole(orjson.dumps(document))


def listed(name: str) -> JSON:
    return {"id": name, "object": "model", "created": CREATED, "owned_by": "practice"}


def embedded(body: JSON, behave: Callable[[str], Behaviour | None]) -> Other:
    model, texts = body["model"], body["input"]
    texts = [texts] if isinstance(texts, str) else texts
    behaviour = behave(model) or Behaviour()
    numbers = int(body.get("dimensions") or behaviour.d)
    tokens = sum(map(count, texts))
    vectors = [vector_of(text, numbers) for text in texts]
    answer: JSON = {
        "object": "list",
        "data": [
            {"object": "embedding", "index": place, "embedding": encoded(vector, body.get("encoding_format"))}
            for place, vector in enumerate(vectors)
        ],
        "model": model,
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
    }
    return Other(model, as_json(answer), tokens)


def encoded(vector: list[float], how: str | None) -> list[float] | str:
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode() if how == "base64" else vector


def served(body: JSON) -> str:
    """As it was asked for, where that was a decision."""
    asked = body.get("service_tier")
    return "default" if asked in {None, "auto"} else str(asked)


def last_text(messages: JSON) -> str:
    said = [text_in(message) for message in messages if message.get("role") == "user"]
    return said[-1] if said else ""


# Chat completions


def chat_question(body: JSON) -> Question:
    messages, shape = body["messages"], body.get("response_format") or {}
    schema = shape.get("json_schema", {}).get("schema", {}) if shape.get("type") == "json_schema" else None
    return Question(
        model=body["model"],
        text="\n".join(map(text_in, messages)),
        last=last_text(messages),
        is_streamed=bool(body.get("stream")),
        max_output=body.get("max_completion_tokens") or body.get("max_tokens"),
        tools=[
            (tool["function"]["name"], tool["function"].get("parameters", {}))
            for tool in body.get("tools") or ()
            if tool["type"] == "function"
        ],
        schema={} if shape.get("type") == "json_object" else schema,
        has_tool_result=messages[-1].get("role") == "tool",
        tool_results=sum(message.get("role") == "tool" for message in messages),
        body=body,
    )


def chat_usage(spoken: Spoken) -> JSON:
    written = spoken.output + len(spoken.thoughts)
    return {
        "prompt_tokens": spoken.input,
        "completion_tokens": written,
        "total_tokens": spoken.input + written,
        "prompt_tokens_details": {"cached_tokens": spoken.cached, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": len(spoken.thoughts),
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def logprobs(words: Sequence[str], top: int) -> JSON:
    return {
        "content": [{**logprob(word), "top_logprobs": [logprob(word)] * min(top, 1)} for word in words],
        "refusal": None,
    }


def logprob(word: str) -> JSON:
    return {"token": word, "logprob": -0.1, "bytes": list(word.encode())}


def whole_chat(question: Question, spoken: Spoken) -> Whole:
    message: JSON = {
        "role": "assistant",
        "content": (spoken.text or None) if spoken.tool else spoken.text,
        "refusal": None,
        "annotations": [],
    }
    if spoken.thoughts:
        message["reasoning_content"] = spoken.thought
    if spoken.tool:
        identity, name, pieces = spoken.tool
        message["tool_calls"] = [
            {"id": identity, "type": "function", "function": {"name": name, "arguments": "".join(pieces)}}
        ]
    body = question.body
    answer: JSON = {
        "id": spoken.id,
        "object": "chat.completion",
        "created": CREATED,
        "model": spoken.model,
        "choices": [
            {
                "index": 0,
                "message": message,
                "logprobs": logprobs(spoken.words, body.get("top_logprobs") or 0) if body.get("logprobs") else None,
                "finish_reason": REASONS[spoken.reason],
            }
        ],
        "usage": chat_usage(spoken),
        "service_tier": served(body),
        "system_fingerprint": FINGERPRINT,
    }
    if spoken.behaviour.nousage:
        del answer["usage"]
    return as_json(answer)


def chat_stream(question: Question, spoken: Spoken) -> Streamed:
    body = question.body
    wants_usage = bool((body.get("stream_options") or {}).get("include_usage"))
    head = orjson.dumps(
        {
            "id": spoken.id,
            "object": "chat.completion.chunk",
            "created": CREATED,
            "model": spoken.model,
            "service_tier": served(body),
            "system_fingerprint": FINGERPRINT,
        }
    )[:-1]
    # With `include_usage` every chunk names it, and all but the last one leave it empty.
    tail = b',"usage":null}\n\n' if wants_usage else b"}\n\n"

    def event(delta: JSON, reason: str | None = None, probabilities: JSON = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": probabilities, "finish_reason": reason}
        return b"data: %b,%b%b" % (head, b'"choices":[' + orjson.dumps(choice) + b"]", tail)

    top = (body.get("top_logprobs") or 0) if body.get("logprobs") else None
    tokens = [event({"reasoning_content": word}) for word in spoken.thoughts]
    tokens += [
        event({"content": word}, probabilities=None if top is None else logprobs([word], top)) for word in spoken.words
    ]
    if spoken.tool:
        identity, name, pieces = spoken.tool
        opening = {"index": 0, "id": identity, "type": "function", "function": {"name": name, "arguments": ""}}
        calls = [event({"tool_calls": [{"index": 0, "function": {"arguments": piece}}]}) for piece in pieces]
        calls[0] = event({"tool_calls": [opening]}) + calls[0]
        tokens += calls
    closing = [event({}, REASONS[spoken.reason])]
    if wants_usage and not spoken.behaviour.nousage:
        closing.append(b'data: %b,"choices":[],"usage":%b}\n\n' % (head, orjson.dumps(chat_usage(spoken))))
    failure = {"message": "The server had an error.", "type": "server_error", "param": None, "code": None}
    return Streamed(
        content_type="text/event-stream; charset=utf-8",
        opening=event({"role": "assistant", "content": None if spoken.tool else "", "refusal": None}),
        tokens=tokens,
        closing=closing,
        end_mark=b"data: [DONE]\n\n",
        failing=b"data: " + orjson.dumps({"error": failure}) + b"\n\n",
    )


# Responses


def response_question(body: JSON) -> Question:
    asked = body["input"]
    messages: list[JSON] = [{"role": "user", "content": asked}] if isinstance(asked, str) else asked
    for item in messages:
        if item.get("type") == "reasoning" and "encrypted_content" in item:
            check_signature("".join(part["text"] for part in item["summary"]), item["encrypted_content"])
    shape = (body.get("text") or {}).get("format") or {}
    schema = shape.get("schema", {}) if shape.get("type") in {"json_schema", "json_object"} else None
    return Question(
        model=body["model"],
        text="\n".join([body.get("instructions") or "", *map(text_in, messages)]),
        last=last_text(messages),
        is_streamed=bool(body.get("stream")),
        max_output=body.get("max_output_tokens"),
        tools=[
            (tool["name"], tool.get("parameters") or {})
            for tool in body.get("tools") or ()
            if tool.get("type") == "function"
        ],
        schema=schema,
        has_tool_result=messages[-1].get("type") == "function_call_output",
        tool_results=sum(item.get("type") == "function_call_output" for item in messages),
        body=body,
    )


def response_usage(spoken: Spoken) -> JSON:
    written = spoken.output + len(spoken.thoughts)
    return {
        "input_tokens": spoken.input,
        "input_tokens_details": {"cached_tokens": spoken.cached},
        "output_tokens": written,
        "output_tokens_details": {"reasoning_tokens": len(spoken.thoughts)},
        "total_tokens": spoken.input + written,
    }


def response_of(question: Question, spoken: Spoken, status: str, output: list[JSON]) -> JSON:
    body, incomplete = question.body, {"length": "max_output_tokens", "filter": "content_filter"}.get(spoken.reason)
    is_over = status == "completed"
    return {
        "id": spoken.id,
        "object": "response",
        "created_at": CREATED,
        "status": "incomplete" if is_over and incomplete else status,
        "background": False,
        "error": None,
        "incomplete_details": {"reason": incomplete} if is_over and incomplete else None,
        "instructions": body.get("instructions"),
        "max_output_tokens": body.get("max_output_tokens"),
        "model": spoken.model,
        "output": output,
        "parallel_tool_calls": body.get("parallel_tool_calls", True),
        "previous_response_id": None,
        "reasoning": {"effort": (body.get("reasoning") or {}).get("effort"), "summary": None},
        "service_tier": served(body),
        "store": body.get("store", True),
        "temperature": body.get("temperature", 1.0),
        "text": body.get("text") or {"format": {"type": "text"}},
        "tool_choice": body.get("tool_choice", "auto"),
        "tools": body.get("tools") or [],
        "top_p": body.get("top_p", 1.0),
        "truncation": "disabled",
        "usage": response_usage(spoken) if is_over and not spoken.behaviour.nousage else None,
        "user": None,
        "metadata": body.get("metadata") or {},
    }


def text_part(text: str) -> JSON:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def output_of(question: Question, spoken: Spoken) -> list[JSON]:
    items: list[JSON] = []
    if spoken.thoughts:
        summary = [{"type": "summary_text", "text": spoken.thought}]
        thought: JSON = {"id": f"rs_{spoken.id}", "type": "reasoning", "summary": summary}
        if "reasoning.encrypted_content" in (question.body.get("include") or ()):
            thought["encrypted_content"] = signature_of(spoken.thought, spoken.id)
        items.append(thought)
    if spoken.words or not spoken.tool:
        status = "incomplete" if spoken.reason in {"length", "filter"} else "completed"
        items.append(
            {
                "id": f"msg_{spoken.id}",
                "type": "message",
                "status": status,
                "role": "assistant",
                "content": [text_part(spoken.text)],
            }
        )
    if spoken.tool:
        identity, name, pieces = spoken.tool
        items.append(
            {
                "id": f"fc_{spoken.id}",
                "type": "function_call",
                "status": "completed",
                "call_id": identity,
                "name": name,
                "arguments": "".join(pieces),
            }
        )
    return items


def whole_response(question: Question, spoken: Spoken) -> Whole:
    return as_json(response_of(question, spoken, "completed", output_of(question, spoken)))


class Events:
    """Named and counted, as the responses protocol has them."""

    def __init__(self) -> None:
        self._number = 0

    def __call__(self, name: str, **said: JSON) -> bytes:
        event = {"type": name, "sequence_number": self._number, **said}
        self._number += 1
        return b"event: %b\ndata: %b\n\n" % (name.encode(), orjson.dumps(event))


class Responding:
    """Puts the events of a stream together: one piece for each token, with whatever surrounds it."""

    def __init__(self, spoken: Spoken) -> None:
        self.tokens: list[bytes] = []
        self.carried = b""  # what comes before the next token, or after the last one
        self._spoken = spoken
        self._event = Events()

    def event(self, name: str, **said: JSON) -> bytes:
        return self._event(name, **said)

    def add(self, name: str, **said: JSON) -> None:
        self.carried += self._event(name, **said)

    def say(self, name: str, pieces: Sequence[str], **said: JSON) -> None:
        for piece in pieces:
            self.tokens.append(self.carried + self._event(name, **said, delta=piece))
            self.carried = b""

    def item(self, place: int, item: JSON) -> None:
        spoken, at = self._spoken, {"item_id": item["id"], "output_index": place}
        self.add("response.output_item.added", output_index=place, item=begun_item(item))
        match item["type"]:
            case "reasoning":
                part = {"type": "summary_text", "text": spoken.thought}
                self.add("response.reasoning_summary_part.added", **at, summary_index=0, part={**part, "text": ""})
                self.say("response.reasoning_summary_text.delta", spoken.thoughts, **at, summary_index=0)
                self.add("response.reasoning_summary_text.done", **at, summary_index=0, text=spoken.thought)
                self.add("response.reasoning_summary_part.done", **at, summary_index=0, part=part)
            case "function_call":
                self.say("response.function_call_arguments.delta", spoken.tool[2] if spoken.tool else (), **at)
                self.add("response.function_call_arguments.done", **at, arguments=item["arguments"])
            case _:
                self.add("response.content_part.added", **at, content_index=0, part=text_part(""))
                self.say("response.output_text.delta", spoken.words, **at, content_index=0, logprobs=[])
                self.add("response.output_text.done", **at, content_index=0, text=spoken.text, logprobs=[])
                self.add("response.content_part.done", **at, content_index=0, part=text_part(spoken.text))
        self.add("response.output_item.done", output_index=place, item=item)


def response_stream(question: Question, spoken: Spoken) -> Streamed:
    responding, items = Responding(spoken), output_of(question, spoken)
    begun = response_of(question, spoken, "in_progress", [])
    opening = responding.event("response.created", response=begun)
    opening += responding.event("response.in_progress", response=begun)
    for place, item in enumerate(items):
        responding.item(place, item)
    whole = response_of(question, spoken, "completed", items)
    responding.add("response.completed" if whole["status"] == "completed" else "response.incomplete", response=whole)
    broken = response_of(question, spoken, "failed", [])
    broken["error"] = {"code": "server_error", "message": "The server had an error."}
    return Streamed(
        content_type="text/event-stream; charset=utf-8",
        opening=opening,
        tokens=responding.tokens,
        closing=[responding.carried],
        failing=responding.event("error", code="server_error", message="The server had an error.", param=None)
        + responding.event("response.failed", response=broken),
    )


def begun_item(item: JSON) -> JSON:
    emptied: dict[str, JSON] = {
        "message": {"content": []},
        "reasoning": {"summary": []},
        "function_call": {"arguments": ""},
    }
    status = {} if item["type"] == "reasoning" else {"status": "in_progress"}
    return {**item, **emptied[item["type"]], **status}
