"""Calls that ask for one thing each, with a mark by which it is found again in what is sent."""

from dataclasses import dataclass, replace
from typing import Any

import orjson

from kontor.gateway.wire.port import Adapter, AnswerSchema, Call, Deed, Endpoint, Feature

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNkYAAAAAYAAjCB0C8AAAAASUVORK5CYII="
PAPER = "JVBERi0xLjQKJcOkw7zDtsOfCjIgMCBvYmoK"
SOUND = "UklGRiQAAABXQVZFZm10IBAAAAABAAEA"

ASK = "What is the capital of France?"
WEATHER = {
    "type": "function",
    "function": {
        "name": "weather_in",
        "description": "The weather of a place.",
        "parameters": {"type": "object", "properties": {"place": {"type": "string"}}, "required": ["place"]},
    },
}
CITY = AnswerSchema(
    "city_4711",
    {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
        "additionalProperties": False,
    },
)
TOOL_TURN = (
    {"role": "user", "content": ASK},
    {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            {
                "id": "call_a1b2c3d4e5f6",
                "type": "function",
                "function": {"name": "weather_in", "arguments": '{"place":"Paris"}'},
            }
        ],
    },
    {"role": "tool", "tool_call_id": "call_a1b2c3d4e5f6", "content": "17 degrees and drizzle"},
)


QUESTION = {"role": "user", "content": ASK}
THOUGHT = {"type": "reasoning", "text": "Seine, so Paris."}
URL = f"data:image/png;base64,{PIXEL}"
FILE = {"filename": "paper.pdf", "file_data": f"data:application/pdf;base64,{PAPER}"}


@dataclass(frozen=True)
class Sending:
    """What an adapter makes of calls to one endpoint."""

    adapter: Adapter
    at: Endpoint
    model: str

    def sent(self, call: Call, at: Endpoint | None = None) -> dict[str, Any]:
        body: dict[str, Any] = orjson.loads(self.adapter.chat(call, at or self.at).body)
        return body

    def lost(self, call: Call) -> dict[Feature, Deed]:
        return {Feature(loss.feature): loss.deed for loss in self.adapter.chat(call, self.at).losses}

    def saying(self, *messages: dict[str, Any], model: str | None = None, **wishes: Any) -> Call:
        return Call(model=model or self.model, messages=messages or (QUESTION,), **wishes)


def showing(**part: object) -> dict[str, Any]:
    return {"messages": ({"role": "user", "content": [{"type": "text", "text": ASK}, part]},)}


# What a call has to have, and what must be found in the body if it is said there.
WISHES: dict[Feature, tuple[dict[str, Any], str]] = {
    Feature.STREAM: ({}, ""),
    Feature.SYSTEM: ({"messages": ({"role": "system", "content": "Speak like a pirate."}, QUESTION)}, "like a pirate"),
    Feature.IMAGE: (showing(type="image_url", image_url={"url": URL}), PIXEL),
    Feature.DOCUMENT: (showing(type="file", file=FILE), PAPER),
    Feature.AUDIO: (showing(type="input_audio", input_audio={"data": SOUND, "format": "wav"}), SOUND),
    Feature.TOOLS: ({"tools": (WEATHER,)}, "weather_in"),
    Feature.TOOL_CHOICE: ({"tools": (WEATHER,), "tool_choice": "required"}, ""),
    Feature.PARALLEL_TOOLS: ({"tools": (WEATHER,), "parallel_tool_calls": False}, ""),
    Feature.TOOL_RESULT: ({"tools": (WEATHER,), "messages": TOOL_TURN}, "17 degrees and drizzle"),
    Feature.SCHEMA: ({"schema": CITY}, "additionalProperties"),
    Feature.MAX_OUTPUT: ({"max_output": 1234}, "1234"),
    Feature.TEMPERATURE: ({"temperature": 0.4217}, "0.4217"),
    Feature.TOP_P: ({"top_p": 0.8713}, "0.8713"),
    Feature.STOP: ({"stop": ("ENOUGH",)}, "ENOUGH"),
    Feature.SEED: ({"seed": 48611}, "48611"),
    Feature.EFFORT: ({"effort": "high"}, ""),
    Feature.REASONING_INPUT: (
        {
            "messages": (
                QUESTION,
                {"role": "assistant", "content": [THOUGHT, {"type": "text", "text": "Paris."}]},
                QUESTION,
            )
        },
        "Seine, so Paris.",
    ),
    Feature.LOGPROBS: ({"top_logprobs": 3}, ""),
    Feature.CACHE: ({"messages": ({"role": "user", "content": [{"type": "text", "text": ASK, "cache": True}]},)}, ""),
    Feature.EXTRA: ({"extra": {"penalty_for_nothing": 0.1234}}, "0.1234"),
}


def plain(model: str) -> Call:
    return Call(model=model, messages=(QUESTION,), max_output=2048)


def asking(feature: Feature, model: str) -> tuple[Call, str]:
    """A call that asks for the feature, and what must be found in the body if it is said there."""
    changes, mark = WISHES[feature]
    return replace(plain(model), **changes), mark


def without(feature: Feature, call: Call) -> Call:
    """The same call without asking for it."""
    match feature:
        case Feature.TOOL_CHOICE:
            return replace(call, tool_choice=None)
        case Feature.PARALLEL_TOOLS:
            return replace(call, parallel_tool_calls=None)
        case Feature.STREAM:
            return replace(call, is_streamed=False)
        case _:
            return plain(call.model)
