"""A run's events folded into what was answered."""

from collections.abc import AsyncIterable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kontor.gateway.runs.events import Kind, RunEvent


@dataclass(slots=True)
class Answer:
    pieces: list[str] = field(default_factory=list)
    drafts: list[str] = field(default_factory=list)
    thoughts: list[str] = field(default_factory=list)
    signatures: list[str] = field(default_factory=list)
    tools: dict[int, dict[str, Any]] = field(default_factory=dict)
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
                "id": call.get("id"),
                "type": "function",
                "function": {"name": call.get("name"), "arguments": call.get("arguments", "")},
            }
            for _, call in sorted(self.tools.items())
        ]

    def take(self, event: RunEvent) -> None:
        data = event.data
        self.seq = event.seq
        match event.kind:
            case Kind.TEXT:
                self.pieces.append(data["text"])
            case Kind.DRAFT:
                self.drafts.append(data["text"])
            case Kind.REASONING:
                self.thoughts.append(data.get("text", ""))
                self.signatures += filter(None, [data.get("signature")])
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
            case _:
                pass

    def _take_tool_call(self, data: Mapping[str, Any]) -> None:
        call = self.tools.setdefault(data["index"], {"arguments": ""})
        call.update({name: data[name] for name in ("id", "name") if data.get(name)})
        call["arguments"] += data.get("arguments", "")


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
