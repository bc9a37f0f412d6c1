"""What a model thought, said and called keeps its order on the way through the journal and back to the model."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
import pytest

from kontor.gateway.runs.answers import Answer
from kontor.gateway.runs.events import Kind, RunEvent, joined, weight
from kontor.gateway.wire.anthropic import Anthropic, AnthropicReader
from kontor.gateway.wire.gemini import Gemini, GeminiReader
from kontor.gateway.wire.ollama import Ollama
from kontor.gateway.wire.openai_chat import OpenAIChat
from kontor.gateway.wire.openai_responses import OpenAIResponses
from kontor.gateway.wire.openai_responses_reader import ResponsesReader
from kontor.gateway.wire.port import Adapter, Call, Endpoint, Feature, Quirks, Reader, Reasoning, Said, Text, ToolCall
from kontor.gateway.wire.quirks import KINDS
from tests.gateway.wire.calls import QUESTION, WEATHER

CLAUDE, GEMINI, GPT = "claude-opus-4-5", "gemini-3.5-flash", "gpt-5.5"

CLAUDE_SAID = [
    {"type": "thinking", "thinking": "Two places, so two looks.", "signature": "Zmlyc3Q="},
    {"type": "text", "text": "I look at Paris"},
    {"type": "tool_use", "id": "toolu_1", "name": "weather_in", "input": {"place": "Paris"}},
    {"type": "thinking", "thinking": "Now the other.", "signature": "c2Vjb25k"},
    {"type": "redacted_thinking", "data": "aGlkZGVu"},
    {"type": "tool_use", "id": "toolu_2", "name": "weather_in", "input": {"place": "Ulm"}},
]
GEMINI_SAID = [
    {"text": "Two places,", "thought": True},
    {"text": "I look "},
    {"text": "at Paris.", "thoughtSignature": "d29yZHM="},
    {"functionCall": {"name": "weather_in", "args": {"place": "Paris"}, "id": "c1"}, "thoughtSignature": "b25l"},
    {"text": "Now the other.", "thought": True},
    {"functionCall": {"name": "weather_in", "args": {"place": "Ulm"}, "id": "c2"}},
    {"text": "", "thoughtSignature": "bGFzdA=="},
]
GPT_SAID: list[dict[str, Any]] = [
    {
        "type": "reasoning",
        "id": "rs_1",
        "summary": [
            {"type": "summary_text", "text": "**Two**\n\nplaces"},
            {"type": "summary_text", "text": "two looks"},
        ],
        "encrypted_content": "gAAAfirst",
    },
    {"role": "assistant", "content": "I look at Paris."},
    {"type": "function_call", "call_id": "call_1", "name": "weather_in", "arguments": '{"place":"Paris"}'},
    {"type": "reasoning", "id": "rs_2", "summary": [], "encrypted_content": "gAAAsecond"},
    {"type": "function_call", "call_id": "call_2", "name": "weather_in", "arguments": '{"place":"Ulm"}'},
]


def gpt_answer() -> dict[str, Any]:
    """As it comes: messages are longer than what is taken back."""
    message = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "I look at Paris."}]}
    output = [message if "role" in item else item for item in GPT_SAID]
    return {"object": "response", "id": "resp_1", "model": GPT, "status": "completed", "output": output}


def parts_of(said: Sequence[Said]) -> Sequence[Mapping[str, Any]]:
    """Through events as the producer says them, neighbours joined as the journal writes them."""
    events: list[RunEvent] = []

    def say(kind: Kind, data: Mapping[str, Any]) -> None:
        events.append(RunEvent((events[-1].seq if events else 0) + weight(kind, data), kind, data))

    for one in said:
        match one:
            case Text(text=text):
                say(Kind.TEXT, {"text": text})
            case Reasoning(text=text, signature=signature):
                if text:
                    say(Kind.REASONING, {"text": text})
                if signature:
                    say(Kind.REASONING, {"signature": signature})
            case ToolCall(index=index, id=call_id, name=name, arguments=arguments):
                if call_id is not None or name is not None:
                    say(Kind.TOOL_CALL, {"index": index, "id": call_id, "name": name})
                if arguments:
                    say(Kind.TOOL_CALL, {"index": index, "arguments": arguments})
    answer = Answer()
    for event in joined(events):
        answer.take(event)
    return answer.parts


def sent(adapter: Adapter, kind: str, model: str, parts: Sequence[Mapping[str, Any]]) -> tuple[Any, set[Feature]]:
    """A turn of the model with these parts, and the results of its calls."""
    calls = [part["id"] for part in parts if part["type"] == "tool_call"]
    results = [{"role": "tool", "tool_call_id": each, "content": "17 degrees"} for each in calls]
    messages: list[Any] = [QUESTION, {"role": "assistant", "content": list(parts)}, *results]
    at = Endpoint("https://models.example", "key", KINDS[kind].quirks)
    prepared = adapter.chat(Call(model=model, messages=messages, tools=(WEATHER,)), at)
    return orjson.loads(prepared.body), {Feature(loss.feature) for loss in prepared.losses}


WHOLE: list[tuple[Reader, Any, Adapter, str, str, Any]] = [
    (
        AnthropicReader(CLAUDE),
        {"type": "message", "id": "msg_1", "model": CLAUDE, "content": CLAUDE_SAID, "stop_reason": "tool_use"},
        Anthropic(),
        "anthropic",
        CLAUDE,
        lambda body: body["messages"][1]["content"],
    ),
    (
        GeminiReader(GEMINI),
        {"candidates": [{"content": {"role": "model", "parts": GEMINI_SAID}, "finishReason": "STOP"}]},
        Gemini(),
        "gemini",
        GEMINI,
        lambda body: body["contents"][1]["parts"],
    ),
    (
        ResponsesReader(Quirks()),
        gpt_answer(),
        OpenAIResponses(),
        "openai",
        GPT,
        lambda body: [item for item in body["input"][1:] if item.get("type") != "function_call_output"],
    ),
]


@pytest.mark.parametrize(
    ("reader", "answer", "adapter", "kind", "model", "turn_in"), WHOLE, ids=["anthropic", "gemini", "responses"]
)
def test_a_turn_with_thoughts_between_its_calls_goes_back_as_it_came(  # noqa: PLR0917 - one for each protocol
    reader: Reader, answer: Any, adapter: Adapter, kind: str, model: str, turn_in: Any
) -> None:
    parts = parts_of(reader.feed(orjson.dumps(answer)))
    body, losses = sent(adapter, kind, model, parts)
    expected = {"anthropic": CLAUDE_SAID, "gemini": GEMINI_SAID, "openai": GPT_SAID}[kind]
    assert turn_in(body) == expected
    assert not losses & {Feature.REASONING_INPUT, Feature.TOOLS, Feature.EXTRA}
    assert orjson.loads(orjson.dumps(parts)) == parts, "it travels as JSON"


def test_who_knows_no_order_is_told_the_calls_beside_what_was_said() -> None:
    parts = parts_of(AnthropicReader(CLAUDE).feed(orjson.dumps(WHOLE[0][1])))
    called = [
        {"id": "toolu_1", "type": "function", "function": {"name": "weather_in", "arguments": '{"place":"Paris"}'}},
        {"id": "toolu_2", "type": "function", "function": {"name": "weather_in", "arguments": '{"place":"Ulm"}'}},
    ]
    body, losses = sent(OpenAIChat(), "openai", "gpt-4o", parts)
    assert body["messages"][1] == {"role": "assistant", "content": "I look at Paris", "tool_calls": called}
    assert Feature.REASONING_INPUT in losses, "thoughts of another model"
    body, _ = sent(Ollama(), "ollama", "qwen3", parts)
    turn = body["messages"][1]
    assert [call["function"]["arguments"] for call in turn["tool_calls"]] == [{"place": "Paris"}, {"place": "Ulm"}]
    assert turn["content"] == "I look at Paris"


def test_calls_without_a_place_stand_behind_what_was_said() -> None:
    call = {"id": "toolu_1", "type": "function", "function": {"name": "weather_in", "arguments": "{}"}}
    placed = {"type": "tool_call", "id": "toolu_1", "name": "weather_in", "arguments": "{}"}
    at = Endpoint("https://models.example", "key", KINDS["anthropic"].quirks)
    for content in ("I look.", [{"type": "text", "text": "I look."}], [{"type": "text", "text": "I look."}, placed]):
        message = {"role": "assistant", "content": content, "tool_calls": [call]}
        result = {"role": "tool", "tool_call_id": "toolu_1", "content": "rain"}
        body = orjson.loads(Anthropic().chat(Call(model=CLAUDE, messages=[QUESTION, message, result]), at).body)
        assert [block["type"] for block in body["messages"][1]["content"]] == ["text", "tool_use"]


def test_a_signature_of_words_that_were_changed_is_not_put_on_others() -> None:
    seal = f"gemini|{GEMINI}|text9|d29yZHM="
    for words in ("short", "something else that is long"):
        parts = [{"type": "text", "text": words}, {"type": "reasoning", "text": "", "signature": seal}]
        body, _ = sent(Gemini(), "gemini", GEMINI, parts)
        said = body["contents"][1]["parts"]
        assert "".join(part.get("text", "") for part in said) == words
        assert said[-1]["thoughtSignature"] == "d29yZHM="
