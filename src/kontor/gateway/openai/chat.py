"""What a run says, as OpenAI's chat completions: in pieces or whole.

Pieces of text are most of a stream, so their frames are put together from bytes that stay the same.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import orjson

from kontor.billing.usage import Usage
from kontor.gateway.beginning import ENDED_BADLY, interruption
from kontor.gateway.openai import errors
from kontor.gateway.runs.answers import Answer
from kontor.gateway.runs.events import Kind, RunEvent

JSON = Any

DONE = b"data: [DONE]\n\n"
# Reasons of ours that theirs has no word for: the answer was cut at a length that somebody set.
REASONS = {"cost_limit": "length", "time_limit": "length", "stopped": "stop"}


def answer_id(run_id: UUID) -> str:
    return f"chatcmpl-{run_id.hex}"


def reason_of(done: Mapping[str, JSON]) -> str:
    reason = done.get("finish_reason") or "stop"
    return REASONS.get(reason, reason)


def usage_of(counted: Mapping[str, int]) -> dict[str, JSON]:
    usage = Usage(**counted)
    return {
        "prompt_tokens": usage.read,
        "completion_tokens": usage.written,
        "total_tokens": usage.read + usage.written,
        "prompt_tokens_details": {
            "cached_tokens": usage.cached,
            "cache_write_tokens": usage.cache_write + usage.cache_write_1h,
            "audio_tokens": usage.audio_in,
            "image_tokens": usage.image,
        },
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning, "audio_tokens": usage.audio_out},
    }


def aside(
    run_id: UUID, done: Mapping[str, JSON], losses: Sequence[Mapping[str, JSON]], ignored: Sequence[str]
) -> dict[str, JSON]:
    """What is ours, under one name that theirs does not have."""
    return {
        "run_id": str(run_id),
        "provider": done.get("provider"),
        "cost": done.get("cost"),
        "losses": list(losses),
        "ignored": list(ignored),
    }


@dataclass(slots=True)
class ChatStream:
    """Events to frames. After an error there is no [DONE]: a broken answer must not look like a whole one."""

    run_id: UUID
    created: int
    model: str
    with_usage: bool = False
    ignored: Sequence[str] = ()
    is_over: bool = False
    _losses: list[Mapping[str, JSON]] = field(default_factory=list)
    _error: Mapping[str, JSON] | None = None
    _cited: int = 0
    _head: bytes = b""
    _tail: bytes = b""
    _before_text: bytes = b""
    _after_text: bytes = b""

    def __post_init__(self) -> None:
        head = {
            "id": answer_id(self.run_id),
            "object": "chat.completion.chunk",
            "created": self.created,
            "model": self.model,
        }
        self._head = b"data: " + orjson.dumps(head)[:-1] + b',"choices":[{"index":0,"delta":'
        self._tail = b',"usage":null}\n\n' if self.with_usage else b"}\n\n"
        self._before_text = self._head + b'{"content":'
        self._after_text = b'},"logprobs":null,"finish_reason":null}]' + self._tail

    def begin(self) -> bytes:
        return self._frame({"role": "assistant", "content": ""})

    def frames(self, events: Iterable[RunEvent]) -> bytes:
        frames: list[bytes] = []
        for event in events:
            if event.kind == Kind.TEXT:
                frames += (self._before_text, orjson.dumps(event.data["text"]), self._after_text)
            else:
                frames.append(self._said(event))
        return b"".join(frames)

    def _said(self, event: RunEvent) -> bytes:
        data, said = event.data, b""
        match event.kind:
            case Kind.REASONING if "text" in data:
                said = self._frame({"reasoning_content": data["text"]})
            case Kind.TOOL_CALL:
                said = self._frame({"tool_calls": [call_piece(data)]})
            case Kind.LOGPROBS:
                said = self._frame({}, logprobs={"content": data["items"], "refusal": None})
            case Kind.CITATION:
                # Their client puts lists of objects together by an index, and fails where there is none.
                said = self._frame({"annotations": [{"index": self._cited, **annotation(data)}]})
                self._cited += 1
            case Kind.LOSS:
                self._losses.append(data)
            case Kind.ERROR:
                self._error = data
            case Kind.DONE:
                said = self._end(data)
        return said

    def _end(self, done: Mapping[str, JSON]) -> bytes:
        self.is_over = True
        if self._error is not None or done.get("state") in ENDED_BADLY:
            _, body = errors.of_event(self._error or interruption(done))
            return b"data: " + orjson.dumps(body) + b"\n\n"
        ours = aside(self.run_id, done, self._losses, self.ignored)
        last = self._frame({}, reason=reason_of(done), more={} if self.with_usage else {"kontor": ours})
        if not self.with_usage:
            return last + DONE
        frame = {
            "id": answer_id(self.run_id),
            "object": "chat.completion.chunk",
            "created": self.created,
            "model": self.model,
            "choices": [],
            "usage": usage_of(done["usage"]),
            "kontor": ours,
        }
        return last + b"data: " + orjson.dumps(frame) + b"\n\n" + DONE

    def _frame(
        self,
        delta: Mapping[str, JSON],
        *,
        logprobs: JSON = None,
        reason: str | None = None,
        more: Mapping[str, JSON] | None = None,
    ) -> bytes:
        choice = b',"logprobs":' + orjson.dumps(logprobs) + b',"finish_reason":' + orjson.dumps(reason) + b"}]"
        rest = b"," + orjson.dumps(more)[1:-1] if more else b""
        return self._head + orjson.dumps(delta) + choice + rest + self._tail


def call_piece(data: Mapping[str, JSON]) -> dict[str, JSON]:
    piece: dict[str, JSON] = {"index": data["index"]}
    if data.get("id") is not None or data.get("name") is not None:
        function = {"name": data.get("name"), "arguments": data.get("arguments", "")}
        return piece | {"id": data.get("id"), "type": "function", "function": function}
    return piece | {"function": {"arguments": data.get("arguments", "")}}


def annotation(data: Mapping[str, JSON]) -> dict[str, JSON]:
    """Where in the text a source belongs is not told by all, so it stands at its beginning."""
    cited = {"url": data["url"], "title": data.get("title", ""), "start_index": 0, "end_index": 0}
    return {"type": "url_citation", "url_citation": cited}


def completion(
    run_id: UUID, created: int, model: str, answer: Answer, *, ignored: Sequence[str] = ()
) -> dict[str, JSON]:
    """The whole answer of a run that came to an end."""
    done = answer.done or {}
    calls, text = answer.tool_calls, answer.text
    message: dict[str, JSON] = {"role": "assistant", "content": text if text or not calls else None, "refusal": None}
    if calls:
        message["tool_calls"] = calls
    if answer.reasoning:
        message["reasoning_content"] = answer.reasoning
    if answer.citations:
        message["annotations"] = [annotation(each) for each in answer.citations]
    choice = {
        "index": 0,
        "message": message,
        "logprobs": {"content": answer.logprobs, "refusal": None} if answer.logprobs else None,
        "finish_reason": reason_of(done),
    }
    return {
        "id": answer_id(run_id),
        "object": "chat.completion",
        "created": created,
        "model": model,
        "choices": [choice],
        "usage": usage_of(done.get("usage", {})),
        "kontor": aside(run_id, done, answer.losses, ignored),
    }
