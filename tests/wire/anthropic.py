"""Anthropic's protocol, as its reference has it: messages, counting of tokens, models."""

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
)

REASONS = {"stop": "end_turn", "length": "max_tokens", "tools": "tool_use", "filter": "refusal"}
ERRORS = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}


class Anthropic:
    kind = "anthropic"
    base_path = "/v1"
    key = "sk-ant-practice-provider-0123456789"
    models: Sequence[str] = ("fake", "fake-n200-w20-t5", "fake-think40", "fake-tools", "fake-cached50")

    def is_signed(self, request: Request, key: str) -> bool:
        return request.headers.get("x-api-key") == key and "anthropic-version" in request.headers

    def question(self, request: Request) -> Question | None:
        if request.method != "POST" or request.path != "/v1/messages":
            return None
        body = request.json
        body["max_tokens"]  # required there, other than with everybody else
        messages = body["messages"]
        texts = [text_in(body.get("system") or ""), *map(text_in, messages)]
        blocks = [block for message in messages for block in message["content"] if isinstance(block, dict)]
        for block in blocks:
            if block["type"] == "thinking":
                check_signature(block["thinking"], block["signature"])
        shape = (body.get("output_config") or {}).get("format") or body.get("output_format") or {}
        return Question(
            model=body["model"],
            text="\n".join(filter(None, texts)),
            last=next((text_in(each) for each in reversed(messages) if each["role"] == "user"), ""),
            is_streamed=bool(body.get("stream")),
            max_output=body["max_tokens"],
            tools=[(tool["name"], tool.get("input_schema", {})) for tool in body.get("tools") or () if "name" in tool],
            schema=shape.get("schema"),
            has_tool_result=isinstance(messages[-1]["content"], list)
            and any(part.get("type") == "tool_result" for part in messages[-1]["content"]),
            tool_results=sum(block["type"] == "tool_result" for block in blocks),
            body=body,
        )

    def other(self, request: Request, behave: Callable[[str], Behaviour | None]) -> Whole | Other | None:
        if request.path == "/v1/models":
            return as_json(
                {
                    "data": [listed(name) for name in self.models],
                    "has_more": False,
                    "first_id": self.models[0],
                    "last_id": self.models[-1],
                }
            )
        if request.path.startswith("/v1/models/"):
            name = request.path.removeprefix("/v1/models/")
            return as_json(listed(name)) if behave(name) else None
        if request.path == "/v1/messages/count_tokens":
            body = request.json
            texts = [text_in(body.get("system") or ""), *map(text_in, body["messages"])]
            return as_json({"input_tokens": count("\n".join(filter(None, texts)))})
        return None

    def identity(self, question: Question, number: int) -> str:
        return f"msg_{number:08d}"

    def whole(self, question: Question, spoken: Spoken) -> Whole:
        message = {
            **message_of(spoken, blocks_of(spoken)),
            "stop_reason": REASONS[spoken.reason],
            "usage": usage_of(spoken, written=spoken.output + len(spoken.thoughts)),
        }
        if spoken.behaviour.nousage:
            del message["usage"]
        return as_json(message)

    def streamed(self, question: Question, spoken: Spoken) -> Streamed:
        return stream(spoken)

    def error(self, status: int, message: str, *, code: str = "") -> Whole:
        kind = ERRORS.get(status, "api_error" if status >= 500 else "invalid_request_error")
        if code == "insufficient_quota":
            status, kind, message = 400, "invalid_request_error", "Your credit balance is too low to access the API."
        if code == "context_length_exceeded":
            message = "prompt is too long: more tokens than the maximum"
        return Whole(orjson.dumps(error_of(kind, message)), status)

    def usage(self, spoken: Spoken, *, thoughts: int, words: int) -> Usage:
        # Thinking is billed as output there, and not told apart.
        return Usage(input=spoken.input - spoken.cached, cached=spoken.cached, output=thoughts + words)


def as_json(document: JSON) -> Whole:
    return Whole(orjson.dumps(document))


def error_of(kind: str, message: str) -> JSON:
    return {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_practice"}


def listed(name: str) -> JSON:
    return {
        "type": "model",
        "id": name,
        "display_name": f"Practice {name}",
        "created_at": "2026-09-01T00:00:00Z",
        "max_input_tokens": 200_000,
        "max_tokens": 64_000,
    }


def message_of(spoken: Spoken, content: JSON) -> JSON:
    return {
        "id": spoken.id,
        "type": "message",
        "role": "assistant",
        "model": spoken.model,
        "content": content,
        "stop_reason": None,
        "stop_sequence": None,
    }


def usage_of(spoken: Spoken, *, written: int) -> JSON:
    return {
        "input_tokens": spoken.input - spoken.cached,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": spoken.cached,
        "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
        "output_tokens": written,
        "service_tier": "standard",
    }


def blocks_of(spoken: Spoken) -> list[JSON]:
    blocks: list[JSON] = []
    if spoken.thoughts:
        signature = signature_of(spoken.thought, spoken.id)
        blocks.append({"type": "thinking", "thinking": spoken.thought, "signature": signature})
    if spoken.words or not spoken.tool:
        blocks.append({"type": "text", "text": spoken.text})
    if spoken.tool:
        identity, name, pieces = spoken.tool
        blocks.append({"type": "tool_use", "id": identity, "name": name, "input": orjson.loads("".join(pieces))})
    return blocks


def event(name: str, **said: JSON) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (name.encode(), orjson.dumps({"type": name, **said}))


def stream(spoken: Spoken) -> Streamed:
    message = message_of(spoken, [])
    if not spoken.behaviour.nousage:
        message["usage"] = usage_of(spoken, written=1)
    tokens: list[bytes] = []
    carried = b""
    for index, block in enumerate(blocks_of(spoken)):
        started, deltas, closing = parts_of(spoken, block)
        carried += event("content_block_start", index=index, content_block=started)
        if index == 0:
            carried += event("ping")
        for delta in deltas:
            tokens.append(carried + event("content_block_delta", index=index, delta=delta))
            carried = b""
        for delta in closing:
            carried += event("content_block_delta", index=index, delta=delta)
        carried += event("content_block_stop", index=index)
    ending: JSON = {"delta": {"stop_reason": REASONS[spoken.reason], "stop_sequence": None}}
    if not spoken.behaviour.nousage:
        ending["usage"] = usage_of(spoken, written=spoken.output + len(spoken.thoughts))
    return Streamed(
        content_type="text/event-stream; charset=utf-8",
        opening=event("message_start", message=message),
        tokens=tokens,
        closing=[carried, event("message_delta", **ending)],
        end_mark=event("message_stop"),
        failing=b"event: error\ndata: %b\n\n" % orjson.dumps(error_of("overloaded_error", "Overloaded")),
        keep_alive=event("ping"),
    )


def parts_of(spoken: Spoken, block: JSON) -> tuple[JSON, list[JSON], list[JSON]]:
    """A block as it begins, what is said in it token by token, and what comes before its end."""
    match block["type"]:
        case "thinking":
            deltas = [{"type": "thinking_delta", "thinking": word} for word in spoken.thoughts]
            return (
                {**block, "thinking": "", "signature": ""},
                deltas,
                [{"type": "signature_delta", "signature": block["signature"]}],
            )
        case "tool_use":
            pieces = spoken.tool[2] if spoken.tool else ()
            return {**block, "input": {}}, [{"type": "input_json_delta", "partial_json": piece} for piece in pieces], []
        case _:
            return {"type": "text", "text": ""}, [{"type": "text_delta", "text": word} for word in spoken.words], []
