"""OpenAI's /responses: what comes back, as events or as a whole."""

from collections.abc import Mapping, Sequence

import orjson

from kontor.gateway.wire.faults import Unreadable, bad_answer, error_in, failed_by
from kontor.gateway.wire.openai_chat_reader import DONE, text
from kontor.gateway.wire.openai_usage import usage_seen
from kontor.gateway.wire.port import (
    JSON,
    Cited,
    Finished,
    Logprobs,
    Named,
    Quirks,
    Reason,
    Reasoning,
    Said,
    Text,
    ToolCall,
)

CALLS = frozenset({"function_call", "custom_tool_call"})
ENDS = frozenset({"response.completed", "response.incomplete", "response.failed", "response.cancelled"})
ERRORS = frozenset({"error", "response.error"})
ARGUMENTS = frozenset({"response.function_call_arguments.delta", "response.custom_tool_call_input.delta"})
THOUGHTS = frozenset({"response.reasoning_summary_text.delta", "response.reasoning_text.delta"})


BETWEEN = "\n\n"  # stands between the summaries of one thought


def sealed(item: Mapping[str, JSON]) -> str:
    """The signature of a thought: its id, where it is cut into several summaries their lengths, and the seal."""
    lengths = [str(len(text(part["text"]))) for part in item.get("summary") or ()]
    cut = ";" + ",".join(lengths) if len(lengths) > 1 else ""
    return f"{text(item['id'])}{cut}:{text(item['encrypted_content'])}"


def pieces_of(thought: str, lengths: str) -> list[str]:
    """The summaries that were joined, or all of it where it is not what it was."""
    pieces, place = [], 0
    for length in lengths.split(",") if lengths else ():
        pieces.append(thought[place : place + int(length)] if length.isdecimal() else "")
        place += len(pieces[-1]) + len(BETWEEN)
    if BETWEEN.join(pieces) == thought:
        return pieces
    return [thought] if thought else []


class ResponsesReader:
    __slots__ = (
        "_calls",
        "_cited",
        "_has_refused",
        "_has_thought",
        "_is_named",
        "_is_over",
        "_quirks",
        "_with_arguments",
    )

    def __init__(self, quirks: Quirks) -> None:
        self._quirks = quirks
        self._calls: dict[JSON, int] = {}  # place in the output -> which call it is
        self._with_arguments: set[JSON] = set()
        self._cited: set[str] = set()
        self._is_named = False
        self._has_thought = False
        self._has_refused = False
        self._is_over = False

    def feed(self, frame: bytes) -> Sequence[Said]:
        if self._is_over:
            return ()
        try:
            said: list[Said] = []
            self._read(orjson.loads(frame), said)
        except Unreadable:
            if frame.strip() in (DONE, b""):
                return ()
            self._is_over = True
            return (bad_answer("It sent something that is not an event of a response."),)
        return said

    def end(self) -> Sequence[Said]:
        return ()

    def _read(self, event: Mapping[str, JSON], said: list[Said]) -> None:
        kind = event.get("type")
        if kind == "response.output_text.delta":
            if event["delta"]:
                said.append(Text(text(event["delta"])))
            if event.get("logprobs"):
                said.append(Logprobs(list(event["logprobs"])))
        elif kind in THOUGHTS:
            self._has_thought = True
            said.append(Reasoning(text(event["delta"])))
        elif kind in ARGUMENTS:
            self._with_arguments.add(event.get("output_index"))
            said.append(ToolCall(self._calls[event.get("output_index")], None, None, text(event["delta"])))
        elif kind == "response.refusal.delta":
            self._has_refused = True
            said.append(Text(text(event["delta"])))
        elif kind in ENDS:
            self._read_end(event["response"], said)
        else:
            self._read_rare(kind, event, said)

    def _read_rare(self, kind: JSON, event: Mapping[str, JSON], said: list[Said]) -> None:
        if kind == "response.output_item.added":
            self._read_added(event, said)
        elif kind == "response.output_item.done":
            self._read_done(event, said)
        elif kind == "response.reasoning_summary_part.added":
            if event.get("summary_index", self._has_thought):
                said.append(Reasoning(BETWEEN))
        elif kind == "response.output_text.annotation.added":
            self._cite(event["annotation"], said)
        elif isinstance(event.get("response"), dict):
            self._name(event["response"], said)
        elif kind is None and event.get("object") == "response":
            self._read_whole(event, said)
        elif kind in ERRORS or event.get("error") or kind is None:
            self._is_over = True
            said.append(failed_by(None, error_in(event)))

    def _name(self, response: Mapping[str, JSON], said: list[Said]) -> None:
        given, model = response.get("id"), response.get("model")
        if not self._is_named and isinstance(given, str):
            self._is_named = True
            said.append(Named(given, model if isinstance(model, str) else None))

    def _read_added(self, event: Mapping[str, JSON], said: list[Said]) -> None:
        item = event["item"]
        if item.get("type") in CALLS:
            place = self._calls.setdefault(event.get("output_index"), len(self._calls))
            said.append(ToolCall(place, text(item["call_id"]), text(item["name"])))

    def _read_done(self, event: Mapping[str, JSON], said: list[Said]) -> None:
        item, index = event["item"], event.get("output_index")
        kind = item.get("type")
        if kind in CALLS:
            if index not in self._calls:
                self._read_added(event, said)
            arguments = item.get("arguments") or item.get("input")
            if index not in self._with_arguments and arguments:
                self._with_arguments.add(index)
                said.append(ToolCall(self._calls[index], None, None, text(arguments)))
        elif kind == "reasoning" and item.get("encrypted_content"):
            said.append(Reasoning("", sealed(item)))

    def _cite(self, annotation: Mapping[str, JSON], said: list[Said]) -> None:
        url, title = annotation.get("url"), annotation.get("title")
        if isinstance(url, str) and url not in self._cited:
            self._cited.add(url)
            said.append(Cited(url, title if isinstance(title, str) else ""))

    def _read_whole(self, response: Mapping[str, JSON], said: list[Said]) -> None:
        self._name(response, said)
        for index, item in enumerate(response.get("output") or ()):
            event = {"item": item, "output_index": index}
            if item.get("type") == "message":
                for part in item["content"]:
                    self._read_part(part, said)
            elif item.get("type") == "reasoning":
                thoughts = [text(part["text"]) for part in item.get("summary") or item.get("content") or ()]
                if thoughts:
                    said.append(Reasoning(BETWEEN.join(thoughts)))
            self._read_done(event, said)
        self._read_end(response, said)

    def _read_part(self, part: Mapping[str, JSON], said: list[Said]) -> None:
        if part.get("type") == "refusal":
            self._has_refused = True
        words = part.get("text") or part.get("refusal")
        if words:
            said.append(Text(text(words)))
        if part.get("logprobs"):
            said.append(Logprobs(list(part["logprobs"])))
        for annotation in part.get("annotations") or ():
            self._cite(annotation, said)

    def _read_end(self, response: Mapping[str, JSON], said: list[Said]) -> None:
        self._name(response, said)
        usage = response.get("usage")
        seen = usage_seen(response, usage, self._quirks) if usage else None
        if seen is not None:
            said.append(seen)
        self._is_over = True
        status = response.get("status")
        if status in ("failed", "cancelled") or response.get("error"):
            said.append(failed_by(None, response.get("error") or {"code": status, "message": "It gave up."}))
        else:
            said.append(self._finished(status, response.get("incomplete_details") or {}))

    def _finished(self, status: JSON, details: Mapping[str, JSON]) -> Finished:
        if status == "incomplete":
            why = text(details.get("reason") or "")
            return Finished(Reason.FILTERED) if why == "content_filter" else Finished(Reason.LENGTH)
        if self._has_refused:
            return Finished(Reason.FILTERED, "refusal")
        return Finished(Reason.TOOLS if self._calls else Reason.STOP)
