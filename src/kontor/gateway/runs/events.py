"""What the journal of a run holds, and how places in it are counted.

A place is not the number of an event but how much was said: a piece of text moves it by its length, everything else
by one. So pieces may be joined when they are written, and cut again for a reader who stopped in the middle of what is
one row by now: whoever goes on from a place gets the rest, never less and never twice.
"""

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any, NamedTuple, NewType
from uuid import UUID

RunId = NewType("RunId", UUID)

# What processes tell each other: a word, and the runs that it is about.
CHANNEL = "kontor_runs"
SAID = "said"
STOP = "stop"


class Kind(StrEnum):
    TEXT = "text"
    DRAFT = "draft"  # text of an answer that is still to become what was asked for, see `structured`
    REASONING = "reasoning"
    TOOL_CALL = "tool_call"
    CITATION = "citation"
    LOGPROBS = "logprobs"
    VECTOR = "vector"
    USAGE = "usage"
    LOSS = "loss"
    STATE = "state"
    ERROR = "error"
    DONE = "done"  # the last one of every run


# Where the part of an event stands that grows piece by piece.
GROWING: Mapping[str, str] = {
    Kind.TEXT: "text",
    Kind.DRAFT: "text",
    Kind.REASONING: "text",
    Kind.TOOL_CALL: "arguments",
    Kind.LOGPROBS: "items",
}


class RunEvent(NamedTuple):
    """`seq` is the place after it: what a reader hands back to go on. One is made for each piece of every answer."""

    seq: int
    kind: str
    data: Mapping[str, Any]

    @property
    def begins(self) -> int:
        return self.seq - weight(self.kind, self.data)


def weight(kind: str, data: Mapping[str, Any]) -> int:
    grown = data.get(GROWING.get(kind, ""))
    return len(grown) if grown else 1


def joined(events: Iterable[RunEvent]) -> list[RunEvent]:
    """The same in fewer events: neighbours that differ only in the part that grows become one."""
    whole: list[RunEvent] = []
    pieces: list[Any] = []
    seq = 0

    def close() -> None:
        if len(pieces) > 1:
            first = whole[-1]
            name = GROWING[first.kind]
            grown = "".join(pieces) if isinstance(pieces[0], str) else [each for piece in pieces for each in piece]
            whole[-1] = RunEvent(seq, first.kind, {**first.data, name: grown})

    for event in events:
        name = GROWING.get(event.kind)
        grown = event.data.get(name) if name else None
        if grown and pieces and whole[-1].kind == event.kind and _differ_only_in(name, whole[-1].data, event.data):
            seq = event.seq
            pieces.append(grown)
            continue
        close()
        whole.append(event)
        pieces = [grown] if grown else []
    close()
    return whole


def _differ_only_in(name: str | None, one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    if len(one) == 1:
        return len(other) == 1
    return one.keys() == other.keys() and all(one[key] == other[key] for key in one if key != name)


def after(place: int, events: Sequence[RunEvent]) -> list[RunEvent]:
    """What follows the place; an event that it lies in is cut."""
    following = [event for event in events if event.seq > place]
    if following and place > following[0].begins:
        first = following[0]
        name = GROWING[first.kind]
        rest = first.data[name][place - first.begins :]
        following[0] = RunEvent(first.seq, first.kind, {**first.data, name: rest})
    return following
