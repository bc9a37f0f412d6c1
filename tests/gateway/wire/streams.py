"""Streams as providers send them, as frames: the data of one event each."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson
from hypothesis import HealthCheck, settings

from kontor.gateway.wire.port import Quirks, Reader, Reasoning, Said, Text

BASE = {"id": "chatcmpl-8Xk2", "object": "chat.completion.chunk", "created": 1763000000, "model": "gpt-4.1-2025-04-14"}
DONE = b"[DONE]"


def chunk(delta: Mapping[str, Any] | None = None, *, finish: str | None = None, **beside: Any) -> bytes:
    choice = {"index": 0, "delta": delta or {}, "logprobs": None, "finish_reason": finish}
    return orjson.dumps({**BASE, "choices": [choice], **beside})


def usage_chunk(**usage: Any) -> bytes:
    return orjson.dumps({**BASE, "choices": [], "usage": usage})


def body(message: Mapping[str, Any], *, finish: str = "stop", **beside: Any) -> bytes:
    choice = {"index": 0, "message": {"role": "assistant", **message}, "logprobs": None, "finish_reason": finish}
    return orjson.dumps({**BASE, "object": "chat.completion", "choices": [choice], **beside})


PLAIN_USAGE = {"prompt_tokens": 12, "completion_tokens": 3, "total_tokens": 15}
PLAIN = (
    chunk({"role": "assistant", "content": "", "refusal": None}),
    chunk({"content": "Grüße"}),
    chunk({"content": " aus "}),
    chunk({"content": "Köln 🏙️\n\n"}),
    chunk({}, finish="stop"),
    usage_chunk(**PLAIN_USAGE),
    DONE,
)
TOOLS = (
    chunk(
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {"index": 0, "id": "call_one", "type": "function", "function": {"name": "weather_in", "arguments": ""}}
            ],
        }
    ),
    chunk({"tool_calls": [{"index": 0, "function": {"arguments": '{"place":'}}]}),
    chunk({"tool_calls": [{"index": 0, "function": {"arguments": '"Paris"}'}}]}),
    chunk(
        {
            "tool_calls": [
                {"index": 1, "id": "call_two", "type": "function", "function": {"name": "weather_in", "arguments": ""}}
            ]
        }
    ),
    chunk({"tool_calls": [{"index": 1, "function": {"arguments": '{"place":"Köln"}'}}]}),
    chunk({}, finish="tool_calls"),
    DONE,
)


def heard(reader: Reader, frames: Iterable[bytes]) -> list[Said]:
    said: list[Said] = []
    for frame in frames:
        said.extend(reader.feed(frame))
    said.extend(reader.end())
    return said


def text_of(said: Sequence[Said]) -> str:
    return "".join(one.text for one in said if isinstance(one, Text))


def thought_in(said: Sequence[Said]) -> str:
    return "".join(one.text for one in said if isinstance(one, Reasoning))


NO_QUIRKS = Quirks()

# A loaded machine is slow, which says nothing about the code.
CALM = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
