"""A run's events folded into what was answered."""

from collections.abc import AsyncIterable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kontor.gateway.runs.events import Kind, RunEvent


@dataclass(slots=True)
class Part:
    """A stretch of one sort: what was thought until it was signed, what was said until something else came, a call."""

    kind: str
    pieces: list[str] = field(default_factory=list)
    more: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Answer:
    pieces: list[str] = field(default_factory=list)
    drafts: list[str] = field(default_factory=list)
    thoughts: list[str] = field(default_factory=list)
    order: list[Part] = field(default_factory=list)
    calls: dict[int, Part] = field(default_factory=dict)
    logprobs: list[Mapping[str, Any]] = field(default_factory=list)
    citations: list[Mapping[str, Any]] = field(default_factory=list)
    vectors: list[Mapping[str, Any]] = field(default_factory=list)  # packed, of runs that keep theirs
    losses: list[Mapping[str, Any]] = field(default_factory=list)
    error: Mapping[str, Any] | None = None
    done: Mapping[str, Any] | None = None
    seq: int = 0

    @property
    def text(self) -> str:
        return "".join(self.pieces)

    @property
    def draft(self) -> str:
        return "".join(self.drafts)

    @property
    def reasoning(self) -> str:
        return "".join(self.thoughts)

    @property
    def tool_calls(self) -> Sequence[Mapping[str, Any]]:
        """As OpenAI writes them."""
        return [
            {
                "id": call.more.get("id"),
                "type": "function",
                "function": {"name": call.more.get("name"), "arguments": "".join(call.pieces)},
            }
            for _, call in sorted(self.calls.items())
        ]

    @property
    def parts(self) -> Sequence[Mapping[str, Any]]:
        """All of it in its order, thoughts with their signatures. Sent back as the content of the assistant's message,
        providers get what they gave: models that think between their calls of tools want it so."""
        return [
            {"type": part.kind, "arguments" if part.kind == "tool_call" else "text": "".join(part.pieces), **part.more}
            for part in self.order
        ]

    def take(self, event: RunEvent) -> None:
        data = event.data
        self.seq = event.seq
        match event.kind:
            case Kind.TEXT:
                self.pieces.append(data["text"])
                self._part("text").pieces.append(data["text"])
            case Kind.DRAFT:
                self.drafts.append(data["text"])
            case Kind.REASONING:
                self._take_thought(data)
            case Kind.TOOL_CALL:
                self._take_tool_call(data)
            case Kind.LOGPROBS:
                self.logprobs += data["items"]
            case Kind.CITATION:
                self.citations.append(data)
            case Kind.VECTOR:
                self.vectors.append(data)
            case Kind.LOSS:
                self.losses.append(data)
            case Kind.ERROR:
                self.error = data
            case Kind.DONE:
                self.done = data
            case Kind.STATE if data["state"] == "trying_again":
                self.drafts.clear()
                self.order.clear()
            case _:
                pass

    def _part(self, kind: str) -> Part:
        """The last one, where it is of this sort and may grow."""
        last = self.order[-1] if self.order else None
        if last is None or last.kind != kind or "signature" in last.more:
            last = Part(kind)
            self.order.append(last)
        return last

    def _take_thought(self, data: Mapping[str, Any]) -> None:
        part = self._part("reasoning")
        if text := data.get("text"):
            if self.thoughts and not part.pieces:
                self.thoughts.append("\n\n")
            self.thoughts.append(text)
            part.pieces.append(text)
        if signature := data.get("signature"):
            part.more["signature"] = signature

    def _take_tool_call(self, data: Mapping[str, Any]) -> None:
        call = self.calls.get(data["index"])
        if call is None:
            call = self.calls[data["index"]] = Part("tool_call")
            self.order.append(call)
        call.more.update({name: data[name] for name in ("id", "name") if data.get(name)})
        call.pieces.append(data.get("arguments", ""))


def fold(events: Iterable[RunEvent]) -> Answer:
    answer = Answer()
    for event in events:
        answer.take(event)
    return answer


async def gathered(batches: AsyncIterable[Sequence[RunEvent]]) -> Answer:
    answer = Answer()
    async for batch in batches:
        for event in batch:
            answer.take(event)
    return answer
