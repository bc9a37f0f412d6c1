"""OpenAI's /responses: what is sent, and what comes back."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kontor.billing.usage import Usage
from kontor.gateway.wire.faults import Fault
from kontor.gateway.wire.losses import SCHEMA_IN_WORDS
from kontor.gateway.wire.openai_responses import OpenAIResponses
from kontor.gateway.wire.openai_responses_reader import ResponsesReader
from kontor.gateway.wire.port import (
    Call,
    Cited,
    Deed,
    Endpoint,
    Failed,
    Feature,
    Finished,
    Logprobs,
    Loss,
    Named,
    Prepared,
    Quirks,
    Reason,
    Reasoning,
    Said,
    Text,
    ToolCall,
    UsageSeen,
)
from kontor.gateway.wire.quirks import KINDS
from tests.gateway.wire.calls import ASK, CITY, FILE, PAPER, QUESTION, SOUND, TOOL_TURN, URL, WEATHER, showing
from tests.gateway.wire.response_streams import (
    CALL,
    COMPLETED,
    LOGPROB,
    MESSAGE,
    STREAM,
    USAGE,
    frames,
    response,
)
from tests.gateway.wire.streams import CALM, NO_QUIRKS, heard, text_of

SYSTEM = {"role": "system", "content": "Be brief."}
NAMED = Named("resp_67cc", "gpt-6.1-sol")


def send(model: str = "gpt-4.1", quirks: Quirks | None = None, **asked: Any) -> Prepared:
    call = Call(**{"model": model, "messages": (QUESTION,), **asked})
    return OpenAIResponses().chat(call, Endpoint("https://api.openai.com/v1", "k", quirks or KINDS["openai"].quirks))


def sent(model: str = "gpt-4.1", **asked: Any) -> dict[str, Any]:
    document: dict[str, Any] = orjson.loads(send(model, **asked).body)
    return document


def read(*given_frames: bytes) -> list[Said]:
    return heard(ResponsesReader(NO_QUIRKS), given_frames)


def test_a_question_as_bytes() -> None:
    prepared = send(temperature=0.5)
    assert prepared.url == "https://api.openai.com/v1/responses"
    assert prepared.body == (
        b'{"model":"gpt-4.1","input":[{"role":"user","content":"What is the capital of France?"}],'
        b'"store":false,"temperature":0.5,"stream":true}'
    )
    assert prepared.framing == "sse"


def test_a_model_that_thinks_is_asked_for_its_thoughts() -> None:
    document = sent("gpt-6.1-sol", effort="high", tools=(WEATHER,))
    assert document["reasoning"] == {"effort": "high", "summary": "auto"}
    assert document["include"] == ["reasoning.encrypted_content"]
    unasked = sent("gpt-6.1-sol")
    assert unasked["reasoning"] == {"summary": "auto"}
    told_not_to = sent("gpt-6.1-sol", effort="none", temperature=0.3)
    assert told_not_to["reasoning"] == {"effort": "none"}
    assert told_not_to["temperature"] == 0.3
    assert "include" not in told_not_to


def test_what_has_no_place_there_is_lost() -> None:
    prepared = send(stop=("END",), seed=5, **showing(type="input_audio", input_audio={"data": SOUND, "format": "wav"}))
    assert SOUND not in prepared.body.decode()
    assert {loss.feature for loss in prepared.losses} == {Feature.STOP, Feature.SEED, Feature.AUDIO}


def test_the_conversation_becomes_items() -> None:
    custom = {"id": "call_c", "type": "custom", "custom": {"name": "shell", "input": "ls"}}
    image = {"type": "image_url", "image_url": {"url": URL, "detail": "low"}}
    messages = (
        SYSTEM,
        {"role": "developer", "content": [{"type": "text", "text": "In German."}]},
        *TOOL_TURN,
        {"role": "assistant", "content": "It drizzles."},
        {"role": "system", "content": "Now in French."},
        {"role": "user", "content": [{"type": "text", "text": ASK}, image, {"type": "file", "file": FILE}]},
        {"role": "assistant", "tool_calls": [custom]},
        {"role": "tool", "tool_call_id": "call_c", "content": [{"type": "text", "text": "a.txt"}]},
    )
    document = sent(messages=messages)
    assert document["instructions"] == "Be brief.\n\nIn German."
    assert document["input"] == [
        QUESTION,
        {
            "type": "function_call",
            "call_id": "call_a1b2c3d4e5f6",
            "name": "weather_in",
            "arguments": '{"place":"Paris"}',
        },
        {"type": "function_call_output", "call_id": "call_a1b2c3d4e5f6", "output": "17 degrees and drizzle"},
        {"role": "assistant", "content": "It drizzles."},
        {"role": "developer", "content": "Now in French."},
        {
            "role": "user",
            "content": [
                {"type": "input_text", "text": ASK},
                {"type": "input_image", "image_url": URL, "detail": "low"},
                {
                    "type": "input_file",
                    "filename": "paper.pdf",
                    "file_data": f"data:application/pdf;base64,{PAPER}",
                },
            ],
        },
        {"type": "custom_tool_call", "call_id": "call_c", "name": "shell", "input": "ls"},
        {
            "type": "custom_tool_call_output",
            "call_id": "call_c",
            "output": [{"type": "input_text", "text": "a.txt"}],
        },
    ]


def test_thoughts_go_back_only_with_their_seal() -> None:
    sealed = {"type": "reasoning", "text": "Hm.", "signature": "rs_1:gAAA"}
    foreign = {"type": "reasoning", "text": "Ho.", "signature": "c2ln"}
    messages = (QUESTION, {"role": "assistant", "content": [sealed, foreign, {"type": "text", "text": "Paris."}]})
    prepared = send("gpt-6.1-sol", messages=messages)
    assert orjson.loads(prepared.body)["input"][1:] == [
        {
            "type": "reasoning",
            "id": "rs_1",
            "summary": [{"type": "summary_text", "text": "Hm."}],
            "encrypted_content": "gAAA",
        },
        {"role": "assistant", "content": "Paris."},
    ]
    lost = Loss(Feature.REASONING_INPUT, Deed.DROPPED, "taken back only as it was sealed there")
    assert prepared.losses == (lost,)


def test_a_schema() -> None:
    named = {"type": "json_schema", "name": CITY.name, "schema": CITY.schema, "strict": True}
    assert sent(schema=CITY)["text"] == {"format": named}
    beside = send(schema=CITY, extra={"text": {"verbosity": "low"}})
    assert orjson.loads(beside.body)["text"] == {"format": named, "verbosity": "low"}
    assert beside.losses == ()
    old = send("gpt-4-turbo", schema=CITY, messages=(SYSTEM, QUESTION))
    document = orjson.loads(old.body)
    assert document["text"] == {"format": {"type": "json_object"}}
    words = SCHEMA_IN_WORDS.format(schema=orjson.dumps(CITY.schema).decode())
    assert document["instructions"] == f"Be brief.\n\n{words}"
    assert [loss.feature for loss in old.losses] == [Feature.SCHEMA]


def test_tools_and_choices_are_flat() -> None:
    grammar = {"type": "grammar", "grammar": {"syntax": "lark", "definition": "start: /a/"}}
    custom = {"type": "custom", "custom": {"name": "shell", "format": grammar}}
    one = {"type": "function", "function": {"name": "weather_in"}}
    allowed = {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [one]}}
    document = sent(tools=(WEATHER, custom, {"type": "web_search"}), tool_choice=allowed)
    function: Any = WEATHER["function"]
    assert document["tools"] == [
        {"type": "function", "strict": False, **function},
        {
            "type": "custom",
            "name": "shell",
            "format": {"type": "grammar", "syntax": "lark", "definition": "start: /a/"},
        },
        {"type": "web_search"},
    ]
    assert document["tool_choice"] == {
        "type": "allowed_tools",
        "mode": "auto",
        "tools": [{"type": "function", "name": "weather_in"}],
    }
    assert sent(tools=(WEATHER,), tool_choice=one)["tool_choice"] == {"type": "function", "name": "weather_in"}
    assert sent(tools=(WEATHER,), tool_choice="auto")["tool_choice"] == "auto"


def test_logprobs_are_asked_for_by_name() -> None:
    document = sent(top_logprobs=2)
    assert document["include"] == ["message.output_text.logprobs"]
    assert document["top_logprobs"] == 2
    assert "logprobs" not in document


def test_nothing_is_kept_there_whoever_wishes_it() -> None:
    prepared = send(extra={"store": True})
    assert orjson.loads(prepared.body)["store"] is False
    assert prepared.losses == (Loss(Feature.EXTRA, Deed.DROPPED, "“store” is set by the gateway"),)


# What comes back

SEAL = Reasoning("", "rs_1;13,16:gAAAAABo")  # of two summaries
USED = UsageSeen(Usage(input=36, cached=64, output=20, reasoning=30))


def test_a_stream() -> None:
    assert read(*STREAM) == [
        NAMED,
        Reasoning("**Geo"),
        Reasoning("graphy**"),
        Reasoning("\n\n"),
        Reasoning("Seine, so Paris."),
        SEAL,
        Text("Paris"),
        Logprobs([LOGPROB]),
        Text(", it is."),
        Cited("https://a.example", "A"),
        ToolCall(0, "call_one", "weather_in"),
        ToolCall(0, arguments='{"place":'),
        ToolCall(0, arguments='"Paris"}'),
        USED,
        Finished(Reason.TOOLS),
    ]


def test_a_whole_body_says_the_same() -> None:
    assert read(orjson.dumps(COMPLETED)) == [
        NAMED,
        Reasoning("**Geography**\n\nSeine, so Paris."),
        SEAL,
        Text("Paris, it is."),
        Logprobs([LOGPROB]),
        Cited("https://a.example", "A"),
        ToolCall(0, "call_one", "weather_in"),
        ToolCall(0, arguments='{"place":"Paris"}'),
        USED,
        Finished(Reason.TOOLS),
    ]


def test_a_call_that_comes_only_as_a_whole() -> None:
    said = read(*frames({"type": "response.output_item.done", "output_index": 0, "item": CALL}))
    assert said == [ToolCall(0, "call_one", "weather_in"), ToolCall(0, arguments='{"place":"Paris"}')]


def end(kind: str, **changes: Any) -> list[Said]:
    return read(*frames({"type": f"response.{kind}", "response": response(**changes)}))[1:]


def test_how_it_ends() -> None:
    assert end("completed", status="completed") == [Finished(Reason.STOP)]
    cut = {"reason": "max_output_tokens"}
    assert end("incomplete", status="incomplete", incomplete_details=cut) == [Finished(Reason.LENGTH)]
    cut = {"reason": "content_filter"}
    assert end("incomplete", status="incomplete", incomplete_details=cut) == [Finished(Reason.FILTERED)]


def test_a_refusal_is_shown_and_ends_as_one() -> None:
    said = read(
        *frames(
            {"type": "response.refusal.delta", "delta": "I cannot do that."},
            {"type": "response.completed", "response": response(status="completed")},
        )
    )
    assert text_of(said) == "I cannot do that."
    assert said[-1] == Finished(Reason.FILTERED, "refusal")
    refused = {**MESSAGE, "content": [{"type": "refusal", "refusal": "No."}]}
    said = read(orjson.dumps(response(status="completed", output=[refused])))
    assert text_of(said) == "No."
    assert said[-1] == Finished(Reason.FILTERED, "refusal")


@pytest.mark.parametrize(
    ("event", "fault"),
    [
        (
            {
                "type": "response.failed",
                "response": response(status="failed", error={"code": "server_error", "message": "The model died."}),
            },
            Fault.FAILED,
        ),
        (
            {"type": "error", "code": "rate_limit_exceeded", "message": "Slow down.", "param": None},
            Fault.BUSY,
        ),
        (
            {"type": "error", "error": {"code": "context_length_exceeded", "message": "Too much."}},
            Fault.CONTEXT_TOO_LONG,
        ),
        ({"error": {"type": "server_error", "message": "The model died."}}, Fault.FAILED),
        ({"type": "response.failed", "response": response(status="failed", error=None)}, Fault.FAILED),
        ({"type": "response.completed", "response": None}, Fault.BAD_ANSWER),
        ({"type": "response.function_call_arguments.delta", "output_index": 7, "delta": "x"}, Fault.BAD_ANSWER),
    ],
)
def test_a_failure_ends_the_stream(event: dict[str, Any], fault: Fault) -> None:
    said = read(*STREAM[:14], *frames(event), *STREAM[14:])
    assert text_of(said) == "Paris"
    assert isinstance(said[-1], Failed)
    assert said[-1].code == fault


def test_what_a_failed_answer_used_is_told() -> None:
    said = end("failed", status="failed", usage=USAGE, error={"code": "server_error", "message": "x"})
    assert said[0] == USED


@CALM
@given(
    st.lists(
        st.sampled_from(STREAM)
        | st.binary(max_size=40)
        | st.sampled_from(STREAM).flatmap(lambda frame: st.integers(0, len(frame)).map(lambda cut: frame[:cut]))
        | st.recursive(
            st.none() | st.integers(-9, 9) | st.text(max_size=5),
            lambda inner: (
                st.lists(inner, max_size=2)
                | st.dictionaries(
                    st.sampled_from(
                        [
                            *(
                                "type",
                                "response",
                                "item",
                                "delta",
                                "output_index",
                                "output",
                                "content",
                                "usage",
                                "error",
                            ),
                            *(
                                "id",
                                "call_id",
                                "name",
                                "summary",
                                "text",
                                "annotation",
                                "status",
                                "object",
                                "encrypted_content",
                            ),
                        ]
                    ),
                    inner
                    | st.sampled_from(["response", "message", "reasoning", "function_call", "response.completed"]),
                    max_size=4,
                )
            ),
            max_leaves=10,
        ).map(orjson.dumps),
        max_size=8,
    )
)
def test_hostile_frames_raise_nothing(given_frames: list[bytes]) -> None:
    said = read(*given_frames)
    failures = [place for place, one in enumerate(said) if isinstance(one, Failed)]
    assert not failures or failures == [len(said) - 1]
    assert all(type(one.text) is str for one in said if isinstance(one, Text | Reasoning))
