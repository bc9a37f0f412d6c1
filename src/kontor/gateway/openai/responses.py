"""What a run says, as OpenAI's responses: items that begin, grow and end, told event by event, or the whole of it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import orjson

from kontor.billing.usage import Usage
from kontor.gateway.beginning import ENDED_BADLY, interruption
from kontor.gateway.openai import errors
from kontor.gateway.openai.chat import aside
from kontor.gateway.runs.events import Kind, RunEvent

JSON = Any
Item = dict[str, JSON]

INCOMPLETE = {
    "length": "max_output_tokens",
    "cost_limit": "max_output_tokens",
    "time_limit": "max_output_tokens",
    "content_filter": "content_filter",
}
DEFAULTS: Mapping[str, JSON] = {
    "instructions": None,
    "max_output_tokens": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "previous_response_id": None,
    "reasoning": {"effort": None, "summary": None},
    "store": False,
    "temperature": None,
    "text": {"format": {"type": "text"}},
    "tool_choice": "auto",
    "tools": [],
    "top_p": None,
    "truncation": "disabled",
    "user": None,
}


def answer_id(run_id: UUID) -> str:
    return f"resp_{run_id.hex}"


def usage_of(counted: Mapping[str, int]) -> dict[str, JSON]:
    usage = Usage(**counted)
    return {
        "input_tokens": usage.read,
        "input_tokens_details": {
            "cached_tokens": usage.cached,
            "cache_write_tokens": usage.cache_write + usage.cache_write_1h,
        },
        "output_tokens": usage.written,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning},
        "total_tokens": usage.read + usage.written,
    }


def item_id(prefix: str, run_id: UUID, index: int) -> str:
    return f"{prefix}_{run_id.hex}{index:04d}"


@dataclass(slots=True)
class Growing:
    """An item that more may come to."""

    index: int
    item: Item
    pieces: list[str] = field(default_factory=list)
    logprobs: list[JSON] = field(default_factory=list)


@dataclass(slots=True)
class ResponseStream:
    """Events to frames, and the items that they add up to. Reading a run whole goes the same way, unseen."""

    run_id: UUID
    created: int
    model: str
    echoed: Mapping[str, JSON] = field(default_factory=dict)
    ignored: Sequence[str] = ()
    is_over: bool = False
    items: list[Item] = field(default_factory=list)
    error: Mapping[str, JSON] | None = None
    _losses: list[Mapping[str, JSON]] = field(default_factory=list)
    _number: int = 0
    # Calls may grow side by side, by their index; a text or a thought ends when something else begins.
    _open: dict[str | int, Growing] = field(default_factory=dict)
    _result: dict[str, JSON] = field(default_factory=dict)

    def begin(self) -> bytes:
        whole = self.body("in_progress")
        return self._event("response.created", response=whole) + self._event("response.in_progress", response=whole)

    def frames(self, events: Iterable[RunEvent]) -> bytes:
        return b"".join(self._said(event) for event in events)

    def _said(self, event: RunEvent) -> bytes:
        data, said = event.data, b""
        match event.kind:
            case Kind.TEXT:
                said = self._message()
                growing = self._open["message"]
                growing.pieces.append(data["text"])
                said += self._of_part(growing, "response.output_text.delta", delta=data["text"], logprobs=[])
            case Kind.LOGPROBS:
                said = self._message()
                self._open["message"].logprobs += data["items"]
            case Kind.REASONING:
                said = self._think(data)
            case Kind.TOOL_CALL:
                said = self._call(data)
            case Kind.CITATION:
                said = self._cite(data)
            case Kind.LOSS:
                self._losses.append(data)
            case Kind.ERROR:
                self.error = data
            case Kind.DONE:
                said = self._end(data)
        return said

    def _message(self) -> bytes:
        if "message" in self._open:
            return b""
        before = self._close()
        item: Item = {"type": "message", "role": "assistant", "content": [], "status": "in_progress"}
        opened = self._begin("message", "msg", item)
        part = {"type": "output_text", "text": "", "annotations": [], "logprobs": []}
        item["content"].append(part)
        return before + opened + self._of_part(self._open["message"], "response.content_part.added", part=part)

    def _cite(self, data: Mapping[str, JSON]) -> bytes:
        opened = self._message()
        growing = self._open["message"]
        known = growing.item["content"][0]["annotations"]
        cited = {"type": "url_citation", "url": data["url"], "title": data.get("title", ""), "start_index": 0,
                 "end_index": 0}  # fmt: skip
        known.append(cited)
        return opened + self._of_part(
            growing, "response.output_text.annotation.added", annotation=cited, annotation_index=len(known) - 1
        )

    def _think(self, data: Mapping[str, JSON]) -> bytes:
        before = b""
        growing = self._open.get("reasoning")
        if growing is None or "encrypted_content" in growing.item:  # what is signed is whole
            item: Item = {"type": "reasoning", "summary": [], "content": [], "status": "in_progress"}
            before = self._close() + self._begin("reasoning", "rs", item)
            growing = self._open["reasoning"]
        if "text" not in data:
            growing.item["encrypted_content"] = data.get("signature")
            return before
        growing.pieces.append(data["text"])
        return before + self._of_part(growing, "response.reasoning_text.delta", delta=data["text"])

    def _call(self, data: Mapping[str, JSON]) -> bytes:
        before = b""
        place: int = data["index"]
        if place not in self._open:
            item: Item = {
                "type": "function_call",
                "call_id": data.get("id") or item_id("call", self.run_id, len(self.items)),
                "name": data.get("name") or "",
                "arguments": "",
                "status": "in_progress",
            }
            before = self._close(but_calls=True) + self._begin(place, "fc", item)
        arguments = data.get("arguments") or ""
        if not arguments:
            return before
        growing = self._open[place]
        growing.pieces.append(arguments)
        return before + self._of_item(growing, "response.function_call_arguments.delta", delta=arguments)

    def _begin(self, name: str | int, prefix: str, item: Item) -> bytes:
        index = len(self.items)
        item["id"] = item_id(prefix, self.run_id, index)
        self.items.append(item)
        self._open[name] = Growing(index, item)
        return self._event("response.output_item.added", output_index=index, item=item)

    def _close(self, status: str = "completed", *, but_calls: bool = False) -> bytes:
        ended = [name for name in self._open if not (but_calls and isinstance(name, int))]
        return b"".join(self._close_one(self._open.pop(name), status) for name in ended)

    def _close_one(self, growing: Growing, status: str) -> bytes:
        item, text = growing.item, "".join(growing.pieces)
        match item["type"]:
            case "message":
                part = item["content"][0]
                part["text"], part["logprobs"] = text, growing.logprobs
                last = self._of_part(growing, "response.output_text.done", text=text, logprobs=growing.logprobs)
                last += self._of_part(growing, "response.content_part.done", part=part)
            case "reasoning":
                item["content"] = [{"type": "reasoning_text", "text": text}]
                last = self._of_part(growing, "response.reasoning_text.done", text=text)
            case _:
                item["arguments"] = text
                last = self._of_item(
                    growing, "response.function_call_arguments.done", arguments=text, name=item["name"]
                )
        item["status"] = status
        return last + self._event("response.output_item.done", output_index=growing.index, item=item)

    def _end(self, done: Mapping[str, JSON]) -> bytes:
        self.is_over = True
        if self.error is None and done.get("state") in ENDED_BADLY:
            self.error = interruption(done)
        incomplete = INCOMPLETE.get(done.get("finish_reason") or "")
        is_whole = self.error is None and incomplete is None
        last = self._close("completed" if is_whole else "incomplete")
        status = "failed" if self.error is not None else "completed" if is_whole else "incomplete"
        self._result = {
            "usage": usage_of(done.get("usage") or {}),
            "incomplete_details": None if incomplete is None or self.error is not None else {"reason": incomplete},
            "kontor": aside(self.run_id, done, self._losses, self.ignored),
        }
        return last + self._event(f"response.{status}", response=self.body(status))

    def body(self, status: str) -> dict[str, JSON]:
        error = None
        if self.error is not None:
            told = errors.of_event(self.error)[1]["error"]
            is_busy = told["code"] == "rate_limit_exceeded"
            error = {"code": "rate_limit_exceeded" if is_busy else "server_error", "message": told["message"]}
            error["kontor_code"] = told["kontor_code"]
        return {
            "id": answer_id(self.run_id),
            "object": "response",
            "created_at": self.created,
            "status": status,
            "background": False,
            "error": error,
            "incomplete_details": None,
            "model": self.model,
            "output": self.items,
            "usage": None,
            **DEFAULTS,
            **self.echoed,
            **self._result,
        }

    def whole(self, gathered: Iterable[RunEvent]) -> dict[str, JSON]:
        self.frames(gathered)
        return self.body(self.status)

    @property
    def status(self) -> str:
        if self.error is not None:
            return "failed"
        return "incomplete" if self._result.get("incomplete_details") else "completed"

    def _of_part(self, growing: Growing, kind: str, **more: JSON) -> bytes:
        return self._of_item(growing, kind, content_index=0, **more)

    def _of_item(self, growing: Growing, kind: str, **more: JSON) -> bytes:
        return self._event(kind, item_id=growing.item["id"], output_index=growing.index, **more)

    def _event(self, kind: str, **more: JSON) -> bytes:
        body = {"type": kind, "sequence_number": self._number, **more}
        self._number += 1
        return b"event: " + kind.encode() + b"\ndata: " + orjson.dumps(body) + b"\n\n"
