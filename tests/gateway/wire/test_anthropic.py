"""Anthropic's Messages API: what we send, what we make of what comes, and what its own client thinks of both."""

from collections.abc import Iterator
from functools import cache
from typing import Any

import anthropic
import httpx2
import orjson
import pytest
from anthropic.types import MessageParam, ParsedMessage
from anthropic.types.message_create_params import MessageCreateParamsNonStreaming, MessageCreateParamsStreaming
from pydantic import TypeAdapter

from kontor.billing.usage import Usage
from kontor.gateway.wire.anthropic import QUIRKS, Anthropic, AnthropicReader
from kontor.gateway.wire.port import (
    AnswerSchema,
    Cited,
    Deed,
    Endpoint,
    Failed,
    Feature,
    Finished,
    Loss,
    Named,
    NotOffered,
    Prepared,
    Quirks,
    Reason,
    Reasoning,
    Said,
    Text,
    ToolCall,
    UsageSeen,
)
from tests.gateway.wire.calls import CITY, PAPER, PIXEL, QUESTION, TOOL_TURN, WEATHER, Sending, asking, plain, showing
from tests.gateway.wire.reading import (
    Fate,
    calls_of,
    check_cut,
    check_fate,
    check_hostile,
    frames_of,
    last,
    odd_schemas,
    read,
    text_of,
    thoughts_of,
)

AT = Endpoint("https://api.anthropic.com/v1", "sk-ant-key", QUIRKS)
ADAPTER = Anthropic()
NEWEST, STEERED, BUDGETED, OLDEST = (
    "claude-opus-5-5",
    "claude-sonnet-4-6",
    "claude-haiku-4-5",
    "claude-3-5-haiku-latest",
)
OF_OTHERS = "MiniMax-M3"
MODELS = (NEWEST, "claude-sonnet-5-5", "claude-opus-5", "claude-opus-4-8", STEERED, BUDGETED, OLDEST, OF_OTHERS)
DROPPED, CHANGED = Deed.DROPPED, Deed.CHANGED
SENDING = Sending(ADAPTER, AT, STEERED)
sent, lost, saying = SENDING.sent, SENDING.lost, SENDING.saying


class Judge:
    """Anthropic's own client, at the other end of which nothing but our bytes is."""

    def __init__(self) -> None:
        self.answer = b""
        self.seen: list[httpx2.Request] = []
        transport = httpx2.MockTransport(self._respond)
        self.client = anthropic.Anthropic(
            api_key="sk-ant-key", base_url="https://api.anthropic.com", http_client=httpx2.Client(transport=transport)
        )

    def _respond(self, request: httpx2.Request) -> httpx2.Response:
        self.seen.append(request)
        return httpx2.Response(200, content=self.answer, headers={"content-type": "text/event-stream"})

    def sends(self, **arguments: Any) -> httpx2.Request:
        self.answer = b"event: ping\ndata: {}\n\n"
        self.client.messages.create(**arguments)
        return self.seen.pop()

    def reads(self, stream: bytes) -> ParsedMessage[Any]:
        self.answer = stream
        asked: MessageParam = {"role": "user", "content": "?"}
        with self.client.messages.stream(model=STEERED, max_tokens=10, messages=[asked]) as following:
            return following.get_final_message()


@pytest.fixture(scope="module")
def judge() -> Iterator[Judge]:
    judge = Judge()
    with judge.client:
        yield judge


@cache
def params(*, is_streamed: bool) -> TypeAdapter[Any]:
    return TypeAdapter(MessageCreateParamsStreaming if is_streamed else MessageCreateParamsNonStreaming)


# --- what is sent: each feature arrives, or is a loss

BLOCKS_OF_IMAGE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PIXEL}}
BLOCKS_OF_PAPER = {
    "type": "document",
    "source": {"type": "base64", "media_type": "application/pdf", "data": PAPER},
    "title": "paper.pdf",
}
EVERYWHERE: dict[Feature, Fate] = {
    Feature.STREAM: lambda body: body["stream"] is True,
    Feature.SYSTEM: lambda body: body["system"] == [{"type": "text", "text": "Speak like a pirate."}],
    Feature.IMAGE: lambda body: body["messages"][0]["content"][1] == BLOCKS_OF_IMAGE,
    Feature.DOCUMENT: lambda body: body["messages"][0]["content"][1] == BLOCKS_OF_PAPER,
    Feature.AUDIO: DROPPED,
    Feature.TOOLS: lambda body: body["tools"][0]["input_schema"] == WEATHER["function"]["parameters"],  # type: ignore[index]
    Feature.TOOL_CHOICE: lambda body: body["tool_choice"] == {"type": "any"},
    Feature.PARALLEL_TOOLS: lambda body: body["tool_choice"] == {"type": "auto", "disable_parallel_tool_use": True},
    Feature.TOOL_RESULT: lambda body: body["messages"][2]["content"][0]["tool_use_id"] == "call_a1b2c3d4e5f6",
    Feature.SCHEMA: lambda body: body["output_config"] == {"format": {"type": "json_schema", "schema": CITY.schema}},
    Feature.MAX_OUTPUT: lambda body: body["max_tokens"] == 1234,
    Feature.TEMPERATURE: lambda body: body["temperature"] == 0.4217,
    Feature.TOP_P: lambda body: body["top_p"] == 0.8713,
    Feature.STOP: lambda body: body["stop_sequences"] == ["ENOUGH"],
    Feature.SEED: DROPPED,
    Feature.EFFORT: lambda body: body["output_config"] == {"effort": "high"},
    Feature.REASONING_INPUT: DROPPED,  # unsigned; what is signed has a test of its own
    Feature.LOGPROBS: DROPPED,
    Feature.CACHE: lambda body: body["messages"][0]["content"][0]["cache_control"] == {"type": "ephemeral"},
    Feature.EXTRA: lambda body: body["penalty_for_nothing"] == 0.1234,
}
UNSTEERED: dict[Feature, Fate] = {Feature.TEMPERATURE: DROPPED, Feature.TOP_P: DROPPED}
FATES: dict[str, dict[Feature, Fate]] = {
    NEWEST: {**EVERYWHERE, **UNSTEERED, Feature.TOOL_CHOICE: CHANGED},
    "claude-sonnet-5-5": {**EVERYWHERE, **UNSTEERED, Feature.TOOL_CHOICE: CHANGED},
    "claude-opus-5": {**EVERYWHERE, **UNSTEERED},
    "claude-opus-4-8": {**EVERYWHERE, **UNSTEERED},
    STEERED: EVERYWHERE,
    # All that this limit of 2048 tokens leaves room for.
    BUDGETED: {**EVERYWHERE, Feature.EFFORT: CHANGED},
    OLDEST: {**EVERYWHERE, Feature.EFFORT: DROPPED, Feature.SCHEMA: CHANGED},
    OF_OTHERS: {**EVERYWHERE, Feature.EFFORT: CHANGED, Feature.SCHEMA: CHANGED},
}


@pytest.mark.parametrize("feature", list(Feature))
@pytest.mark.parametrize("model", MODELS)
def test_each_feature_arrives_or_is_noted_as_lost(model: str, feature: Feature) -> None:
    call, _ = asking(feature, model)
    check_fate(ADAPTER.chat(call, AT), feature, FATES[model][feature])


@pytest.mark.parametrize("feature", list(Feature))
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # it wants everybody on newer models
def test_its_own_client_sends_the_same(judge: Judge, model: str, feature: Feature) -> None:
    """With our body as its arguments it must send our body: the same address, version and fields."""
    call, _ = asking(feature, model)
    prepared = ADAPTER.chat(call, AT)
    body = orjson.loads(prepared.body)
    params(is_streamed=call.is_streamed).validate_python(body)  # raises where a block or a choice has another shape
    # The client of late 2026 has forgotten how to steer the models that still can be.
    forgotten = {"temperature", "top_p", "penalty_for_nothing"}
    request = judge.sends(
        **{key: value for key, value in body.items() if key not in forgotten},
        extra_body={key: value for key, value in body.items() if key in forgotten},
    )
    assert orjson.loads(request.content) == body
    assert str(request.url) == prepared.url
    assert request.headers["content-type"] == prepared.headers["content-type"]
    if not forgotten & body.keys() and model != OF_OTHERS:
        assert request.headers["anthropic-version"] == prepared.headers["anthropic-version"]


@pytest.mark.parametrize(
    ("model", "wishes", "version"),
    [
        (STEERED, {}, "2026-10-21"),
        (STEERED, {"temperature": 0.5}, "2023-06-01"),
        (STEERED, {"extra": {"top_k": 5}}, "2023-06-01"),
        (NEWEST, {"temperature": 0.5}, "2026-10-21"),
        (OF_OTHERS, {}, "2023-06-01"),
    ],
)
def test_the_newest_version_that_can_say_it(model: str, wishes: dict[str, Any], version: str) -> None:
    headers = ADAPTER.chat(saying(model=model, **wishes), AT).headers
    assert headers == {"anthropic-version": version, "x-api-key": "sk-ant-key", "content-type": "application/json"}


def test_a_limit_is_always_named() -> None:
    limits = {model: sent(saying(model=model))["max_tokens"] for model in MODELS}
    assert limits == {
        NEWEST: 64_000,
        **dict.fromkeys(MODELS[1:5], 64_000),
        BUDGETED: 32_000,
        OLDEST: 4096,
        OF_OTHERS: 4096,
    }


@pytest.mark.parametrize(
    ("model", "effort", "thinking", "level"),
    [
        (NEWEST, None, {"type": "adaptive", "display": "summarized"}, None),
        (NEWEST, "low", {"type": "adaptive", "display": "summarized"}, "low"),
        (NEWEST, "max", {"type": "adaptive", "display": "summarized"}, "max"),
        ("claude-sonnet-5-5", "none", {"type": "between_tools"}, None),
        ("claude-opus-5", "none", {"type": "disabled"}, None),
        ("claude-haiku-5-5", "none", {"type": "disabled"}, None),
        ("claude-opus-4-8", None, None, None),
        ("claude-opus-4-8", "none", None, None),
        (STEERED, "high", {"type": "adaptive", "display": "summarized"}, "high"),
        ("claude-sonnet-4-5-20250929", "low", {"type": "enabled", "budget_tokens": 4096}, None),
        ("claude-opus-4-1-20250805", "high", {"type": "enabled", "budget_tokens": 24_576}, None),
        ("claude-sonnet-4-20250514", "minimal", {"type": "enabled", "budget_tokens": 1024}, None),
        ("claude-3-7-sonnet-latest", "medium", {"type": "enabled", "budget_tokens": 12_288}, None),
        (OF_OTHERS, "none", {"type": "disabled"}, None),
    ],
)
def test_each_generation_is_told_to_think_in_its_own_way(
    model: str, effort: str | None, thinking: dict[str, Any] | None, level: str | None
) -> None:
    call = saying(model=model, effort=effort, max_output=50_000)
    body = sent(call)
    assert body.get("thinking") == thinking
    assert body.get("output_config", {}).get("effort") == level
    assert lost(call) == {}


@pytest.mark.parametrize(
    ("model", "effort", "deed"),
    [
        (NEWEST, "none", CHANGED),  # it cannot but think
        (NEWEST, "minimal", CHANGED),
        (STEERED, "xhigh", CHANGED),
        (BUDGETED, "max", CHANGED),
        (OLDEST, "low", DROPPED),
    ],
)
def test_an_effort_that_is_not_offered_is_the_nearest_that_is(model: str, effort: str, deed: Deed) -> None:
    call = saying(model=model, effort=effort, max_output=50_000)
    assert lost(call) == {Feature.EFFORT: deed}


def test_a_budget_stays_below_the_limit_of_the_answer() -> None:
    assert sent(saying(model=BUDGETED, effort="high", max_output=4000))["thinking"]["budget_tokens"] == 2000
    tight = saying(model=BUDGETED, effort="high", max_output=1024)
    assert "thinking" not in sent(tight)
    assert lost(tight) == {Feature.EFFORT: DROPPED}


def test_who_thinks_with_a_budget_is_not_steered_or_forced() -> None:
    call = saying(model=BUDGETED, effort="low", temperature=0.5, top_p=0.9, tools=(WEATHER,), tool_choice="required")
    # What is forced comes first: it was said outright, and a provider would refuse both together.
    assert lost(call) == {Feature.EFFORT: DROPPED, Feature.TOP_P: DROPPED}
    assert sent(call)["tool_choice"] == {"type": "any"}
    free = saying(model=BUDGETED, effort="low", temperature=0.5, top_p=0.9)
    assert lost(free) == {Feature.TEMPERATURE: DROPPED, Feature.TOP_P: DROPPED}


def test_who_thinks_unasked_stops_when_a_tool_is_forced() -> None:
    call = saying(model="claude-opus-5", tools=(WEATHER,), tool_choice="required")
    body = sent(call)
    assert body["thinking"] == {"type": "disabled"}
    assert lost(call) == {}


def test_an_answer_that_is_begun_goes_on_without_a_budget_to_think() -> None:
    call = saying(QUESTION, {"role": "assistant", "content": "Par"}, model=BUDGETED, effort="low")
    assert "thinking" not in sent(call)
    assert lost(call) == {Feature.EFFORT: DROPPED}
    taking = {model: QUIRKS.for_model(model).takes_prefill for model in MODELS}
    assert [model for model, takes in taking.items() if takes] == [BUDGETED, OLDEST]


def test_a_budget_needs_the_thoughts_before_the_last_call_of_a_tool() -> None:
    call = saying(*TOOL_TURN, model=BUDGETED, tools=(WEATHER,), effort="low")
    assert "thinking" not in sent(call)
    assert lost(call) == {Feature.EFFORT: DROPPED}


@pytest.mark.parametrize(
    ("asked", "written"),
    [
        ("auto", {"type": "auto"}),
        ("none", {"type": "none"}),
        ("required", {"type": "any"}),
        ({"type": "function", "function": {"name": "weather_in"}}, {"type": "tool", "name": "weather_in"}),
    ],
)
def test_the_choice_of_tools(asked: object, written: dict[str, str]) -> None:
    assert sent(saying(tools=(WEATHER,), tool_choice=asked))["tool_choice"] == written


def test_tools_of_the_provider_are_not_bought_unseen() -> None:
    call = saying(tools=({"type": "web_search_20260318", "name": "web_search"},))
    assert "tools" not in sent(call)
    assert lost(call) == {Feature.TOOLS: DROPPED}


def test_results_of_tools_stand_together_before_what_else_is_said() -> None:
    two = {**TOOL_TURN[1], "tool_calls": [{**TOOL_TURN[1]["tool_calls"][0], "id": name} for name in ("a", "b")]}  # type: ignore[index, dict-item]
    picture = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}}
    body = sent(
        saying(
            QUESTION,
            two,
            {"role": "tool", "tool_call_id": "a", "content": "Rain"},
            {"role": "tool", "tool_call_id": "b", "content": [{"type": "text", "text": "See:"}, picture]},
            {"role": "user", "content": "Thanks"},
            tools=(WEATHER,),
        )
    )
    assert [message["role"] for message in body["messages"]] == ["user", "assistant", "user"]
    results = body["messages"][2]["content"]
    assert [block["type"] for block in results] == ["tool_result", "tool_result", "text"]
    assert results[1]["content"] == [{"type": "text", "text": "See:"}, BLOCKS_OF_IMAGE]


def test_thoughts_go_back_signed_to_the_model_that_thought_them_and_to_no_other() -> None:
    said = read(AnthropicReader(STEERED), frames_of(THINKING, "sse"))
    thought = "".join(one.text for one in said if isinstance(one, Reasoning))
    signatures = [one.signature for one in said if isinstance(one, Reasoning) and one.signature]
    turn = {
        "role": "assistant",
        "content": [
            {"type": "reasoning", "text": thought, "signature": signatures[0]},
            {"type": "reasoning", "text": "", "signature": signatures[1]},
            {"type": "text", "text": "Paris."},
        ],
    }
    call = saying(QUESTION, turn, QUESTION)
    assert sent(call)["messages"][1]["content"] == [
        {"type": "thinking", "thinking": "The Seine, so Paris.", "signature": "c2lnbmVk"},
        {"type": "redacted_thinking", "data": "aGlkZGVu"},
        {"type": "text", "text": "Paris."},
    ]
    assert lost(call) == {}
    assert lost(saying(QUESTION, turn, QUESTION, model=NEWEST)) == {Feature.REASONING_INPUT: DROPPED}


def test_later_system_texts_move_to_the_beginning() -> None:
    call = saying(QUESTION, {"role": "developer", "content": "Be brief."}, {"role": "user", "content": "Well?"})
    body = sent(call)
    assert body["system"] == [{"type": "text", "text": "Be brief."}]
    assert len(body["messages"]) == 1  # two turns of one role are one
    assert lost(call) == {Feature.SYSTEM: CHANGED}


def test_only_the_last_marks_for_the_cache_are_kept() -> None:
    marked = [{"type": "text", "text": str(number), "cache": True} for number in range(5)]
    call = saying({"role": "user", "content": marked}, tools=({**WEATHER, "cache": True},))
    body = sent(call)
    assert "cache_control" not in body["tools"][0]
    assert ["cache_control" in block for block in body["messages"][0]["content"]] == [False, True, True, True, True]
    assert lost(call) == {Feature.CACHE: CHANGED}


def test_a_schema_keeps_what_can_be_held_to_and_names_the_rest() -> None:
    schema = {
        "type": "object",
        "properties": {
            "age": {"type": "integer", "minimum": 0},
            "tags": {"type": "array", "items": {"type": "string", "maxLength": 9}, "minItems": 3},
            "when": {"type": "string", "format": "date"},
            "how": {"oneOf": [{"type": "string"}, {"type": "null"}]},
            "who": {"$ref": "#/$defs/person", "description": "The person."},
        },
        "$defs": {
            "person": {
                "type": "object",
                "properties": {"name": {"type": "string"}},
                "additionalProperties": {"type": "string"},
            }
        },
    }
    call = saying(schema=AnswerSchema("form", schema))
    written = sent(call)["output_config"]["format"]["schema"]
    assert written["properties"]["age"] == {"type": "integer"}
    assert written["properties"]["tags"] == {"type": "array", "items": {"type": "string"}, "minItems": 1}
    assert written["properties"]["when"]["format"] == "date"
    assert written["properties"]["how"] == {"anyOf": [{"type": "string"}, {"type": "null"}]}
    assert written["properties"]["who"] == {"$ref": "#/$defs/person"}
    assert written["$defs"]["person"]["additionalProperties"] is False
    detail = "without additionalProperties, maxLength, minItems, minimum, oneOf"
    assert ADAPTER.chat(call, AT).losses == (Loss(Feature.SCHEMA, CHANGED, detail),)
    assert schema["properties"]["age"] == {"type": "integer", "minimum": 0}  # type: ignore[index]  # the caller's own


TREE = {
    "$ref": "#/$defs/node",
    "$defs": {
        "node": {"type": "object", "properties": {"children": {"type": "array", "items": {"$ref": "#/$defs/node"}}}}
    },
}


ANYTHING = {"type": "object", "properties": {"notes": {"type": "object"}, "rest": {}}}


@pytest.mark.parametrize(
    ("model", "schema"),
    [
        (OLDEST, CITY),
        (STEERED, AnswerSchema("tree", TREE)),
        (STEERED, AnswerSchema("any", {"type": "object"})),
        ("claude-opus-5", AnswerSchema("notes", ANYTHING)),
    ],
)
def test_what_cannot_be_held_to_natively_is_asked_for_by_a_tool(model: str, schema: AnswerSchema) -> None:
    call = saying(model=model, schema=schema)
    body = sent(call)
    assert body["tools"][0]["input_schema"] == schema.schema
    assert body["tool_choice"] == {"type": "tool", "name": schema.name}
    assert lost(call) == {Feature.SCHEMA: CHANGED}
    frames = frames_of(events(tool_block(0, "toolu_1", schema.name, '{"city":', '"Paris"}'), stop("tool_use")), "sse")
    said = read(ADAPTER.reader(call, AT), frames)
    assert text_of(said) == '{"city":"Paris"}'  # the answer, and no call of a tool
    assert last(said, Finished).reason is Reason.STOP
    assert calls_of(said) == []


@pytest.mark.parametrize("schema", [TREE, ANYTHING])
def test_where_no_tool_can_be_forced_words_must_do(schema: dict[str, Any]) -> None:
    call = saying({"role": "system", "content": "Be brief."}, QUESTION, model=NEWEST, schema=AnswerSchema("s", schema))
    body = sent(call)
    assert "tools" not in body
    assert "output_config" not in body
    assert [block["text"][:10] for block in body["system"]] == ["Be brief.", "Answer wit"]
    assert orjson.dumps(schema).decode() in body["system"][1]["text"]
    assert lost(call) == {Feature.SCHEMA: CHANGED}
    answer = frames_of(events(text_block(0, "{}"), stop("end_turn")), "sse")
    assert text_of(read(ADAPTER.reader(call, AT), answer)) == "{}"


def test_no_schema_is_too_odd_to_be_sent() -> None:
    for schema in odd_schemas():
        assert ADAPTER.chat(saying(schema=AnswerSchema("odd", schema), tools=(WEATHER,)), AT).body


@pytest.mark.parametrize(
    ("part", "feature"),
    [
        ({"type": "image_url", "image_url": {"url": "data:image/svg+xml;base64,PHN2Zy8+"}}, Feature.IMAGE),
        ({"type": "file", "file": {"file_data": "data:application/zip;base64,UEsD"}}, Feature.DOCUMENT),
        ({"type": "file", "file": {"file_id": "file-of-another"}}, Feature.DOCUMENT),
        ({"type": "file", "file": {"file_data": "data:text/plain;base64,R3L"}}, Feature.DOCUMENT),
        ({"type": "video_url", "video_url": {"url": "https://example.org/a.mp4"}}, Feature.EXTRA),
    ],
)
def test_what_it_cannot_look_at_is_noted(part: dict[str, Any], feature: Feature) -> None:
    assert lost(saying(*showing(**part)["messages"])) == {feature: DROPPED}


def test_addresses_and_plain_text_are_taken_as_they_are() -> None:
    address = {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}}
    notes = {"type": "file", "file": {"filename": "n.txt", "file_data": "data:text/plain;base64,R3LDvMOfZQ=="}}
    call = saying({"role": "user", "content": [address, notes]})
    image, document = sent(call)["messages"][0]["content"]
    assert image["source"] == {"type": "url", "url": "https://example.org/a.png"}
    assert document["source"] == {"type": "text", "media_type": "text/plain", "data": "Grüße"}


def test_no_bag_changes_what_rights_and_prices_lean_on() -> None:
    bag = {"model": "claude-dearer", "max_tokens": 10**6, "stream": True, "messages": [], "metadata": {"user_id": "u"}}
    prepared = ADAPTER.chat(saying(max_output=10, extra=bag, is_streamed=False), AT)
    body = orjson.loads(prepared.body)
    assert (body["model"], body["max_tokens"], body["metadata"]) == (STEERED, 10, {"user_id": "u"})
    assert "stream" not in body and body["messages"]
    assert {loss.detail for loss in prepared.losses} == {"model", "max_tokens", "stream", "messages"}


@pytest.mark.parametrize(
    ("model", "effort", "is_taken"), [(NEWEST, None, False), (STEERED, None, True), (STEERED, "low", False)]
)
def test_who_cannot_be_steered_is_not_steered_by_the_bag_either(model: str, effort: str | None, is_taken: bool) -> None:
    call = saying(model=model, effort=effort, extra={"top_k": 5})
    assert ("top_k" in sent(call)) is is_taken
    assert lost(call) == ({} if is_taken else {Feature.EXTRA: DROPPED})


def test_arguments_that_are_no_object_are_not_lost() -> None:
    turn = {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": "a", "function": {"name": "f", "arguments": "[1"}}],
    }
    call = saying(QUESTION, turn, {"role": "tool", "tool_call_id": "a", "content": ""})
    assert sent(call)["messages"][1]["content"][0]["input"] == {"arguments": "[1"}
    assert lost(call) == {Feature.TOOLS: CHANGED}


# --- what comes


def event(kind: str, **fields: Any) -> bytes:
    return b"event: " + kind.encode() + b"\ndata: " + orjson.dumps({"type": kind, **fields}) + b"\n\n"


USAGE = {"input_tokens": 25, "cache_creation_input_tokens": 100, "cache_read_input_tokens": 1000, "output_tokens": 1}


def start(usage: dict[str, Any] | None = USAGE) -> bytes:
    message: dict[str, Any] = {
        "id": "msg_01",
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-4-6",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": usage,
    }
    return event("message_start", message={key: value for key, value in message.items() if key != "usage" or usage})


def block(index: int, first: dict[str, Any], *deltas: dict[str, Any]) -> bytes:
    return b"".join(
        (
            event("content_block_start", index=index, content_block=first),
            *(event("content_block_delta", index=index, delta=delta) for delta in deltas),
            event("content_block_stop", index=index),
        )
    )


def text_block(index: int, *pieces: str) -> bytes:
    return block(index, {"type": "text", "text": ""}, *({"type": "text_delta", "text": piece} for piece in pieces))


def tool_block(index: int, own_id: str, name: str, *pieces: str) -> bytes:
    first = {"type": "tool_use", "id": own_id, "name": name, "input": {}}
    return block(index, first, *({"type": "input_json_delta", "partial_json": piece} for piece in pieces))


def stop(reason: str, usage: dict[str, Any] | None = None, **more: Any) -> bytes:
    used = {"output_tokens": 42} if usage is None else usage
    ended = event("message_delta", delta={"stop_reason": reason, "stop_sequence": None, **more}, usage=used)
    return ended + event("message_stop")


def events(*pieces: bytes) -> bytes:
    return start() + event("ping") + b"".join(pieces)


PLAIN = events(text_block(0, "Par", "is ", "– am Fluß."), stop("end_turn"))
THINKING = events(
    block(
        0,
        {"type": "thinking", "thinking": "", "signature": ""},
        {"type": "thinking_delta", "thinking": "The Seine, "},
        {"type": "thinking_delta", "thinking": "so Paris."},
        {"type": "signature_delta", "signature": "c2lnbmVk"},
    ),
    block(1, {"type": "redacted_thinking", "data": "aGlkZGVu"}),
    text_block(2, "Paris."),
    stop("end_turn", {"output_tokens": 42, "output_tokens_details": {"thinking_tokens": 30}}),
)
TOOLS = events(
    text_block(0, "I look."),
    tool_block(1, "toolu_1", "weather_in", "", '{"pl', 'ace":"Paris"}'),
    tool_block(2, "toolu_2", "now"),
    stop("tool_use"),
)
WEB = {
    "type": "web_search_result_location",
    "url": "https://example.org/paris",
    "title": "Paris",
    "cited_text": "Paris is",
    "encrypted_index": "x",
}
CITED = events(
    block(
        0,
        {"type": "text", "text": ""},
        {"type": "text_delta", "text": "Paris."},
        {"type": "citations_delta", "citation": WEB},
    ),
    stop("end_turn"),
)
STREAMS = {"plain": PLAIN, "thinking": THINKING, "tools": TOOLS, "cited": CITED}


@pytest.mark.parametrize("stream", STREAMS.values(), ids=STREAMS)
def test_its_own_client_reads_our_streams_as_we_do(judge: Judge, stream: bytes) -> None:
    said = read(AnthropicReader(STEERED), frames_of(stream, "sse"))
    message = judge.reads(stream)
    assert text_of(said) == "".join(part.text for part in message.content if part.type == "text")
    assert thoughts_of(said) == "".join(part.thinking for part in message.content if part.type == "thinking")
    assert calls_of(said) == [(part.id, part.name, part.input) for part in message.content if part.type == "tool_use"]
    assert last(said, Named) == Named(message.id, str(message.model))
    used = last(said, UsageSeen).usage
    assert used.written == message.usage.output_tokens == 42
    assert used.read == 25 + 100 + 1000


def test_a_stream_as_said() -> None:
    assert read(AnthropicReader(STEERED), frames_of(PLAIN, "sse")) == [
        Named("msg_01", "claude-sonnet-4-6"),
        UsageSeen(Usage(input=25, cached=1000, cache_write=100, output=1)),
        Text("Par"),
        Text("is "),
        Text("– am Fluß."),
        UsageSeen(Usage(input=25, cached=1000, cache_write=100, output=42)),
        Finished(Reason.STOP),
    ]


def test_thoughts_are_no_answer_and_have_a_price_of_their_own() -> None:
    said = read(AnthropicReader(STEERED), frames_of(THINKING, "sse"))
    assert thoughts_of(said) == "The Seine, so Paris."
    assert text_of(said) == "Paris."
    assert last(said, UsageSeen).usage == Usage(input=25, cached=1000, cache_write=100, output=12, reasoning=30)


def test_calls_come_in_pieces_and_never_without_arguments() -> None:
    said = read(AnthropicReader(STEERED), frames_of(TOOLS, "sse"))
    assert [one for one in said if isinstance(one, ToolCall)] == [
        ToolCall(0, "toolu_1", "weather_in"),
        ToolCall(0, arguments='{"pl'),
        ToolCall(0, arguments='ace":"Paris"}'),
        ToolCall(1, "toolu_2", "now"),
        ToolCall(1, arguments="{}"),
    ]
    assert last(said, Finished).reason is Reason.TOOLS


def test_sources_are_named() -> None:
    said = read(AnthropicReader(STEERED), frames_of(CITED, "sse"))
    assert last(said, Cited) == Cited("https://example.org/paris", "Paris")


@pytest.mark.parametrize("stream", STREAMS.values(), ids=STREAMS)
def test_a_whole_message_says_the_same_as_its_stream(judge: Judge, stream: bytes) -> None:
    whole = judge.reads(stream).to_json().encode()
    streamed = read(AnthropicReader(STEERED), frames_of(stream, "sse"))
    at_once = read(AnthropicReader(STEERED), [whole])
    for view in (text_of, thoughts_of, calls_of):
        assert view(at_once) == view(streamed)
    assert last(at_once, Finished) == last(streamed, Finished)
    assert last(at_once, UsageSeen) == last(streamed, UsageSeen)
    assert [one.signature for one in at_once if isinstance(one, Reasoning) and one.signature] == [
        one.signature for one in streamed if isinstance(one, Reasoning) and one.signature
    ]


@pytest.mark.parametrize(
    ("reason", "more", "finished"),
    [
        ("end_turn", {}, Finished(Reason.STOP)),
        ("stop_sequence", {"stop_sequence": "ENOUGH"}, Finished(Reason.STOP, "ENOUGH")),
        ("max_tokens", {}, Finished(Reason.LENGTH)),
        ("model_context_window_exceeded", {}, Finished(Reason.LENGTH, "model_context_window_exceeded")),
        ("pause_turn", {}, Finished(Reason.STOP, "pause_turn")),
        (
            "refusal",
            {"stop_details": {"type": "refusal", "category": "bio", "explanation": None}},
            Finished(Reason.FILTERED, "bio"),
        ),
        ("of_a_later_day", {}, Finished(Reason.STOP, "of_a_later_day")),
    ],
)
def test_reasons_to_end(reason: str, more: dict[str, Any], finished: Finished) -> None:
    assert last(read(AnthropicReader(STEERED), frames_of(events(stop(reason, **more)), "sse")), Finished) == finished


def test_an_error_in_mid_stream_is_a_failure_after_the_text() -> None:
    broken = events(
        event("content_block_start", index=0, content_block={"type": "text", "text": ""}),
        event("content_block_delta", index=0, delta={"type": "text_delta", "text": "Par"}),
        event("error", error={"type": "overloaded_error", "message": "Overloaded"}),
    )
    said = read(AnthropicReader(STEERED), frames_of(broken, "sse"))
    assert text_of(said) == "Par"
    assert last(said, Failed).is_passing
    assert not any(isinstance(one, Finished) for one in said)


@pytest.mark.parametrize(
    ("told", "service"),
    [
        ({"service_tier": "standard"}, "standard"),
        ({"service_tier": "priority", "speed": "standard"}, "priority"),
        ({"service_tier": "standard", "speed": "fast"}, "fast"),
        ({}, None),
        ({"service_tier": 7}, None),
    ],
)
def test_what_is_kept_for_an_hour_is_counted_apart_and_how_it_was_served_is_told(
    told: dict[str, Any], service: str | None
) -> None:
    kept = {"ephemeral_5m_input_tokens": 40, "ephemeral_1h_input_tokens": 60}
    said = read(
        AnthropicReader(STEERED), frames_of(start({**USAGE, "cache_creation": kept, **told}) + stop("end_turn"), "sse")
    )
    seen = last(said, UsageSeen)
    assert seen.usage == Usage(input=25, cached=1000, cache_write=40, cache_write_1h=60, output=42)
    assert seen.service == service


def test_usage_may_be_missing_or_come_late_or_be_nonsense() -> None:
    without = start(None) + text_block(0, "Paris") + stop("end_turn", {})
    assert not any(isinstance(one, UsageSeen) for one in read(AnthropicReader(STEERED), frames_of(without, "sse")))
    late = start(None) + text_block(0, "Paris") + stop("end_turn", {"input_tokens": 3, "output_tokens": 2})
    assert last(read(AnthropicReader(STEERED), frames_of(late, "sse")), UsageSeen).usage == Usage(input=3, output=2)
    nonsense = {
        "input_tokens": -5,
        "output_tokens": "many",
        "cache_read_input_tokens": None,
        "output_tokens_details": 3,
    }
    strange = start(nonsense) + stop("end_turn", {"output_tokens": 2**80 // 2**20})
    assert last(read(AnthropicReader(STEERED), frames_of(strange, "sse")), UsageSeen).usage == Usage()


def test_what_is_of_a_later_day_is_passed_over_but_not_its_text() -> None:
    later = events(
        event("content_block_weather", index=0),
        block(0, {"type": "poem", "text": "Roses "}, {"type": "verse_delta", "text": "are red"}),
        block(1, {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"query": "x"}}),
        stop("end_turn"),
    )
    said = read(AnthropicReader(STEERED), frames_of(later, "sse"))
    assert text_of(said) == "Roses are red"
    assert calls_of(said) == []
    assert not any(isinstance(one, Failed) for one in said)


def test_who_imitates_it_may_end_as_openai_does() -> None:
    assert read(AnthropicReader(STEERED), frames_of(PLAIN + b"data: [DONE]\n\n", "sse"))[-1] == Finished(Reason.STOP)


@pytest.mark.parametrize("stream", STREAMS.values(), ids=STREAMS)
def test_no_frame_is_too_hostile(stream: bytes) -> None:
    check_hostile(lambda: AnthropicReader(STEERED, "weather_in"), frames_of(stream, "sse"))


@pytest.mark.parametrize("stream", STREAMS.values(), ids=STREAMS)
def test_a_cut_stream_has_not_ended(stream: bytes) -> None:
    check_cut(lambda: AnthropicReader(STEERED), frames_of(stream, "sse"))


# --- errors, models, and what there is not


@pytest.mark.parametrize(
    ("status", "kind", "message", "code", "is_passing"),
    [
        (400, "invalid_request_error", "prompt is too long: 210000 tokens > 200000 maximum", "context_too_long", False),
        (400, "invalid_request_error", "messages: roles must alternate", "refused_by_provider", False),
        (401, "authentication_error", "invalid x-api-key", "key_refused", False),
        (400, "invalid_request_error", "Your credit balance is too low", "account_empty", False),
        (404, "not_found_error", "model: claude-nope", "model_not_found", False),
        (429, "rate_limit_error", "This request would exceed your rate limit", "provider_busy", True),
        (500, "api_error", "Internal server error", "provider_failed", True),
        (529, "overloaded_error", "Overloaded", None, True),
    ],
)
def test_errors(status: int, kind: str, message: str, code: str | None, is_passing: bool) -> None:
    body = orjson.dumps({"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_1"})
    failure = ADAPTER.failure(status, body)
    assert (failure.status, failure.is_passing) == (status, is_passing)
    assert code in (None, failure.code)


def capabilities(*names: str) -> dict[str, Any]:
    able = ("image_input", "pdf_input", "thinking", "structured_outputs")
    return {name: {"supported": name in names} for name in able}


def test_the_list_of_models() -> None:
    listed = orjson.dumps(
        {
            "data": [
                {
                    "type": "model",
                    "id": "claude-opus-5-5",
                    "display_name": "Claude Opus 5.5",
                    "created_at": "2026-09-22T00:00:00Z",
                    "lifecycle": "active",
                    "max_input_tokens": 1_000_000,
                    "max_tokens": 128_000,
                    "capabilities": capabilities("image_input", "pdf_input", "thinking"),
                },
                {
                    "type": "model",
                    "id": "claude-3-5-haiku-latest",
                    "display_name": "Claude Haiku 3.5",
                    "lifecycle": "deprecated",
                    "retires_at": "2027-02-01T00:00:00Z",
                    "capabilities": capabilities(),
                },
                {"type": "model", "id": "claude-silent"},
            ],
            "has_more": False,
        }
    )
    newest, old, silent = ADAPTER.read_models(listed)
    assert (newest.name, newest.label, newest.context_total, newest.max_output) == (
        "claude-opus-5-5",
        "Claude Opus 5.5",
        1_000_000,
        128_000,
    )
    assert newest.takes == frozenset({"text", "image", "document"})
    assert newest.features is not None and Feature.EFFORT in newest.features
    assert Feature.TEMPERATURE not in newest.features
    assert old.takes == frozenset({"text"})
    assert old.deprecated_on == "2027-02-01"
    assert old.features is not None and not {Feature.IMAGE, Feature.DOCUMENT, Feature.EFFORT} & old.features
    assert (silent.takes, silent.features, silent.context_total) == (None, None, None)
    assert ADAPTER.models(AT).url == "https://api.anthropic.com/v1/models?limit=1000"


def test_there_are_no_embeddings() -> None:
    with pytest.raises(NotOffered):
        ADAPTER.embed("claude-opus-5-5", ["text"], None, AT)


def test_a_provider_may_speak_it_with_another_key_and_path() -> None:
    other = Endpoint("https://llm.example.org", "k", Quirks(chat_path="/anthropic/messages", fixed={"tier": "x"}))
    prepared: Prepared = ADAPTER.chat(saying(model="kimi"), other)
    assert prepared.url == "https://llm.example.org/anthropic/messages"
    assert prepared.headers["authorization"] == "Bearer k"
    assert orjson.loads(prepared.body)["tier"] == "x"


def test_readers_share_nothing() -> None:
    first: list[Said] = read(ADAPTER.reader(plain(STEERED), AT), frames_of(TOOLS, "sse"))
    assert read(ADAPTER.reader(plain(STEERED), AT), frames_of(TOOLS, "sse")) == first
