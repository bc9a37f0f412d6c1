"""OpenAI's protocol, judged by the types and the stream readers of OpenAI's own client."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any
from uuid import UUID

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai import omit
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.lib.streaming.responses._responses import ResponseStreamState
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

from kontor.billing.usage import Usage
from kontor.core.errors import FieldProblem, registry
from kontor.core.http.problems import STATUS
from kontor.gateway.beginning import failure_of
from kontor.gateway.openai import asked, errors
from kontor.gateway.openai.chat import DONE, ChatStream, completion, usage_of
from kontor.gateway.openai.responses import ResponseStream
from kontor.gateway.openai.responses_asked import responses
from kontor.gateway.runs.answers import fold
from kontor.gateway.runs.events import Kind, RunEvent, joined, weight
from kontor.gateway.wire.port import AnswerSchema

RUN = UUID(int=7)
EVENT: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)
USAGE = Usage(input=20, cached=5, output=7, reasoning=3)

Said = tuple[Kind, Mapping[str, Any]]


def done(reason: str | None = "stop", state: str = "done") -> Said:
    cost = {"amount": "0.0001", "nano": 100_000, "currency": "EUR", "is_estimated": False, "is_free": False}
    return Kind.DONE, {
        "state": state,
        "finish_reason": reason,
        "provider": "openai",
        "model": "gpt-test",
        "usage": asdict(USAGE),
        "cost": cost,
    }


def numbered(said: Iterable[Said]) -> list[RunEvent]:
    events, place = [], 0
    for kind, data in said:
        place += weight(kind, data)
        events.append(RunEvent(place, kind, data))
    return events


def token(text: str) -> dict[str, Any]:
    return {"token": text, "logprob": -0.5, "bytes": list(text.encode()), "top_logprobs": []}


words = st.text(min_size=1, max_size=20)
pieces = st.one_of(
    words.map(lambda text: (Kind.TEXT, {"text": text})),
    words.map(lambda text: (Kind.REASONING, {"text": text})),
    st.builds(lambda text: (Kind.LOGPROBS, {"items": [token(text)]}), words),
    st.builds(lambda url: (Kind.CITATION, {"url": f"https://example.org/{url}", "title": url}), words),
    st.just((Kind.REASONING, {"signature": "c2lnbmVk"})),
    st.just((Kind.STATE, {"state": "running", "provider": "openai", "model": "gpt-test"})),
    st.just((Kind.DRAFT, {"text": "not yet"})),
    st.just((Kind.LOSS, {"feature": "seed", "deed": "dropped", "detail": "unknown there"})),
    st.just((Kind.USAGE, {"usage": asdict(USAGE), "is_estimated": False})),
)


@st.composite
def runs(draw: st.DrawFn) -> list[RunEvent]:
    said = draw(st.lists(pieces, max_size=15))
    calls = draw(st.integers(0, 3))
    begun: list[Said] = [
        (Kind.TOOL_CALL, {"index": index, "id": f"call_{index}", "name": f"tool_{index}"}) for index in range(calls)
    ]
    parts = draw(st.lists(st.tuples(st.integers(0, 2), words), max_size=6 if calls else 0))
    grown: list[Said] = [
        (Kind.TOOL_CALL, {"index": index, "arguments": text}) for index, text in parts if index < calls
    ]
    return numbered([*said, *begun, *grown, done("tool_calls" if calls else "stop")])


def text_of(events: Sequence[RunEvent], kind: Kind, name: str = "text") -> str:
    return "".join(event.data.get(name, "") for event in events if event.kind == kind)


def arguments_of(events: Sequence[RunEvent], index: int) -> str:
    mine = (event.data for event in events if event.kind == Kind.TOOL_CALL and event.data["index"] == index)
    return "".join(data.get("arguments", "") for data in mine)


def data_of(frames: bytes) -> list[bytes]:
    assert frames.endswith(b"\n\n")
    found = []
    for frame in frames[:-2].split(b"\n\n"):
        (line,) = [line for line in frame.split(b"\n") if line.startswith(b"data: ")]
        found.append(line.removeprefix(b"data: "))
    return found


def chat_stream(*, with_usage: bool = True) -> ChatStream:
    return ChatStream(RUN, created=1_700_000_000, model="gpt-test", with_usage=with_usage)


@settings(deadline=None)
@given(runs(), st.booleans(), st.booleans())
def test_a_streamed_completion_is_what_their_client_reads(
    events: list[RunEvent], with_usage: bool, is_joined: bool
) -> None:
    stream = chat_stream(with_usage=with_usage)
    frames = stream.begin() + stream.frames(joined(events) if is_joined else events)
    *chunks, last = data_of(frames)
    assert last == b"[DONE]"
    state = ChatCompletionStreamState()
    for chunk in chunks:
        read = ChatCompletionChunk.model_validate(orjson.loads(chunk))
        assert read.usage is None or not read.choices
        state.handle_chunk(read)
    whole = state.get_final_completion()
    (choice,) = whole.choices
    assert (choice.message.content or "") == text_of(events, Kind.TEXT)
    for index, call in enumerate(choice.message.tool_calls or ()):
        assert call.type == "function"
        assert (call.id, call.function.name) == (f"call_{index}", f"tool_{index}")
        assert call.function.arguments == arguments_of(events, index)
    assert choice.finish_reason == ("tool_calls" if choice.message.tool_calls else "stop")
    tokens = [each.token for each in (choice.logprobs.content if choice.logprobs else None) or ()]
    said_tokens = [item["token"] for event in events if event.kind == Kind.LOGPROBS for item in event.data["items"]]
    assert tokens == said_tokens
    assert (whole.usage is not None) == with_usage
    if whole.usage is not None:
        assert (whole.usage.prompt_tokens, whole.usage.completion_tokens, whole.usage.total_tokens) == (25, 10, 35)


@settings(deadline=None)
@given(runs(), st.booleans())
def test_a_whole_completion_is_what_their_client_reads(events: list[RunEvent], is_joined: bool) -> None:
    body = completion(RUN, 1_700_000_000, "gpt-test", fold(joined(events) if is_joined else events))
    read = ChatCompletion.model_validate_json(orjson.dumps(body))
    message = read.choices[0].message
    assert (message.content or "") == text_of(events, Kind.TEXT)
    assert [call.function.arguments for call in message.tool_calls or () if call.type == "function"] == [
        arguments_of(events, index) for index in range(len(message.tool_calls or ()))
    ]
    assert read.usage is not None and read.usage.total_tokens == 35


@settings(deadline=None)
@given(runs(), st.booleans())
def test_streamed_responses_are_what_their_client_reads(events: list[RunEvent], is_joined: bool) -> None:
    stream = ResponseStream(RUN, created=1_700_000_000, model="gpt-test")
    frames = data_of(stream.begin() + stream.frames(joined(events) if is_joined else events))
    state: ResponseStreamState[Any] = ResponseStreamState(input_tools=[], text_format=omit)
    last: Response | None = None
    for number, frame in enumerate(frames):
        read = EVENT.validate_json(frame)
        assert read.sequence_number == number
        state.handle_event(read)
        if read.type == "response.completed":
            last = read.response
    assert last is not None
    assert last.output_text == text_of(events, Kind.TEXT)
    for item in last.output:
        assert item.type in {"message", "reasoning", "function_call"}
        assert getattr(item, "status", None) == "completed"
    calls = [item for item in last.output if item.type == "function_call"]
    assert [call.arguments for call in calls] == [arguments_of(events, index) for index in range(len(calls))]
    thoughts = [item for item in last.output if item.type == "reasoning"]
    thought = "".join(part.text for item in thoughts for part in item.content or ())
    assert thought == text_of(events, Kind.REASONING)
    assert last.usage is not None and last.usage.total_tokens == 35
    whole = ResponseStream(RUN, created=1_700_000_000, model="gpt-test").whole(joined(events))
    assert whole["output"] == orjson.loads(frames[-1])["response"]["output"]


def test_an_error_in_the_middle_ends_the_stream_without_the_sign_of_a_whole_answer() -> None:
    error = {"code": "gateway.cut", "message": "The provider broke off its answer.", "details": {}}
    events = numbered([(Kind.TEXT, {"text": "Once upon"}), (Kind.ERROR, error), done(None, "failed")])
    frames = chat_stream().frames(events)
    assert DONE not in frames
    last = orjson.loads(data_of(frames)[-1])["error"]
    assert (last["type"], last["kontor_code"]) == ("server_error", "gateway.cut")

    stream = ResponseStream(RUN, created=1, model="gpt-test")
    failed = EVENT.validate_json(data_of(stream.begin() + stream.frames(events))[-1])
    assert (failed.type, failed.response.status) == ("response.failed", "failed")
    assert failed.response.output[0].content[0].text == "Once upon"


@pytest.mark.parametrize(
    ("reason", "theirs", "status", "why"),
    [
        ("stop", "stop", "completed", None),
        ("length", "length", "incomplete", "max_output_tokens"),
        ("cost_limit", "length", "incomplete", "max_output_tokens"),
        ("time_limit", "length", "incomplete", "max_output_tokens"),
        ("content_filter", "content_filter", "incomplete", "content_filter"),
        ("stopped", "stop", "completed", None),
        (None, "stop", "completed", None),
    ],
)
def test_why_an_answer_ended(reason: str | None, theirs: str, status: str, why: str | None) -> None:
    events = numbered([(Kind.TEXT, {"text": "Hm"}), done(reason)])
    assert completion(RUN, 1, "m", fold(events))["choices"][0]["finish_reason"] == theirs
    body = ResponseStream(RUN, 1, "m").whole(events)
    assert body["status"] == status
    assert (body["incomplete_details"] or {}).get("reason") == why
    Response.model_validate(body)


def test_an_interrupted_run_is_a_failure_and_says_so() -> None:
    failure = failure_of(fold(numbered([(Kind.TEXT, {"text": "Half"}), done(None, "interrupted")])))
    assert failure is not None and failure["code"] == "run.interrupted"
    assert ResponseStream(RUN, 1, "m").whole(numbered([done(None, "interrupted")]))["status"] == "failed"


@given(st.builds(Usage, *[st.integers(0, 10**9)] * 8))
def test_no_token_is_lost_between_the_classes(usage: Usage) -> None:
    shown = usage_of(asdict(usage))
    assert shown["total_tokens"] == sum(asdict(usage).values())
    assert shown["completion_tokens_details"]["reasoning_tokens"] <= shown["completion_tokens"]
    assert shown["prompt_tokens_details"]["cached_tokens"] <= shown["prompt_tokens"]


def hello(**more: Any) -> dict[str, Any]:
    return {"model": "gpt-test", "messages": [{"role": "user", "content": "Hello"}], **more}


def test_parameters_of_theirs_are_called_as_ours() -> None:
    tool = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}
    schema = {"name": "answer", "schema": {"type": "object"}, "strict": True}
    found = asked.chat(
        hello(
            max_completion_tokens=100, max_tokens=5, reasoning_effort="low", logprobs=True, top_logprobs=3, stop="END",
            seed=1, temperature=0.5, top_p=None, tools=[tool], tool_choice="required", parallel_tool_calls=False,
            response_format={"type": "json_schema", "json_schema": schema}, logit_bias={"42": 1}, verbosity="low",
            stream=True, stream_options={"include_usage": True}, user="u", metadata={"a": "b"}, n=1, store=False,
        )
    )  # fmt: skip
    assert found.parameters == {
        "max_output": 100, "effort": "low", "top_logprobs": 3, "stop": ["END"], "seed": 1, "temperature": 0.5,
        "parallel_tool_calls": False, "logit_bias": {"42": 1}, "verbosity": "low",
    }  # fmt: skip
    assert (found.tools, found.tool_choice) == ([tool], "required")
    assert found.schema == AnswerSchema("answer", {"type": "object"})
    assert (found.is_streamed, found.with_usage) == (True, True)
    assert found.ignored == ("metadata", "store", "user")


@given(st.dictionaries(st.text(min_size=1, max_size=12), st.one_of(st.integers(), st.text(), st.booleans())))
def test_what_nobody_knows_is_kept(unknown: dict[str, Any]) -> None:
    strange = {f"x_{name}": value for name, value in unknown.items()}
    found = asked.chat(hello(**strange))
    assert {name: found.parameters[name] for name in strange} == strange


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
CHAT_FIELDS = ("messages", "tools", "tool_choice", "response_format", "stream_options", "n", "stop", "logprobs",
               "max_tokens", "stream", "model", "modalities", "functions", "metadata")  # fmt: skip
RESPONSE_FIELDS = ("input", "instructions", "tools", "tool_choice", "text", "reasoning", "include", "stream",
                   "model", "truncation", "metadata", "top_logprobs", "background")  # fmt: skip


@given(st.sampled_from(CHAT_FIELDS), json_values)
def test_a_completion_is_taken_or_the_field_at_fault_is_named(name: str, value: Any) -> None:
    try:
        asked.chat(hello(**{name: value}))
    except FieldProblem as problem:
        assert problem.field.startswith(name)


@given(st.sampled_from(RESPONSE_FIELDS), json_values)
def test_a_response_is_taken_or_the_field_at_fault_is_named(name: str, value: Any) -> None:
    try:
        responses({"model": "gpt-test", "input": "Hello", name: value})
    except FieldProblem as problem:
        assert problem.field.startswith(name)


items = st.fixed_dictionaries(
    {"type": st.sampled_from(["message", "function_call", "function_call_output", "reasoning", "item_reference"])},
    optional={
        "role": st.sampled_from(["user", "assistant", "system", "nobody"]),
        "content": json_values,
        "call_id": json_values,
        "name": json_values,
        "arguments": json_values,
        "output": json_values,
        "summary": json_values,
    },
)


@given(st.lists(items, max_size=4))
def test_whatever_items_are_sent_they_are_taken_or_refused(given_items: list[Any]) -> None:
    try:
        found = responses({"input": given_items})
    except FieldProblem as problem:
        assert problem.field.startswith("input")
    else:
        asked.messages_of(found.messages)


THOUGHT = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "c2VhbGVk"}
CALL = {"type": "function_call", "call_id": "c1", "name": "look", "arguments": "{}"}
OUTPUT = {"type": "function_call_output", "call_id": "c1", "output": "a boat"}


def spoken(text: str) -> dict[str, Any]:
    return {"role": "assistant", "content": text}


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        ([spoken("A."), CALL, OUTPUT], [("assistant", "A.", 1), ("tool", "a boat", 0)]),
        ([CALL, spoken("A.")], [("assistant", None, 1), ("assistant", "A.", 0)]),
        ([spoken("A."), spoken("B.")], [("assistant", "A.", 0), ("assistant", "B.", 0)]),
        ([CALL, CALL], [("assistant", None, 2)]),
        (
            [spoken("A."), THOUGHT, CALL, THOUGHT, spoken("B."), CALL, OUTPUT, THOUGHT],
            [
                ("assistant", ["text", "reasoning", "tool_call", "reasoning", "text", "tool_call"], 0),
                ("tool", "a boat", 0),
                ("assistant", ["reasoning"], 0),
            ],
        ),
    ],
)
def test_items_of_one_turn_are_one_message_and_thoughts_keep_their_place(
    items: list[Any], expected: list[tuple[str, Any, int]]
) -> None:
    def shown(message: Mapping[str, Any]) -> tuple[str, Any, int]:
        content = message["content"]
        kinds = [part["type"] for part in content] if isinstance(content, list) else content
        return message["role"], kinds, len(message.get("tool_calls", ()))

    assert [shown(message) for message in responses({"model": "gpt-test", "input": items}).messages] == expected


def test_each_signed_thought_is_an_item_of_its_own() -> None:
    said: list[Said] = [
        (Kind.REASONING, {"text": "First."}),
        (Kind.REASONING, {"signature": "one"}),
        (Kind.REASONING, {"text": "Second."}),
        (Kind.REASONING, {"signature": "two"}),
        (Kind.TEXT, {"text": "Paris."}),
        done(),
    ]
    whole = ResponseStream(RUN, 1, "gpt-test").whole(numbered(said))
    thoughts = [(item["content"][0]["text"], item["encrypted_content"]) for item in whole["output"][:2]]
    assert thoughts == [("First.", "one"), ("Second.", "two")]


def test_items_become_messages() -> None:
    found = responses(
        {
            "model": "gpt-test",
            "instructions": "Be brief.",
            "input": [
                {"role": "user", "content": [
                    {"type": "input_text", "text": "What is this?"},
                    {"type": "input_image", "image_url": "https://example.org/a.png", "detail": "low"},
                    {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,AAAA"},
                ]},
                {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "Let me look."}],
                 "encrypted_content": "c2VhbGVk"},
                {"type": "function_call", "call_id": "c1", "name": "look", "arguments": "{}"},
                {"type": "function_call", "call_id": "c2", "name": "look", "arguments": "{}"},
                {"type": "function_call_output", "call_id": "c1", "output": "a boat"},
                {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "A boat."}]},
            ],
            "tools": [{"type": "function", "name": "look", "parameters": {"type": "object"}, "strict": True}],
            "tool_choice": {"type": "function", "name": "look"},
            "text": {"format": {"type": "json_schema", "name": "boat", "schema": {"type": "object"}, "strict": True}},
            "reasoning": {"effort": "high"},
            "max_output_tokens": 50,
        }
    )  # fmt: skip
    system, user, called, result, answered = found.messages
    assert system == {"role": "system", "content": "Be brief."}
    assert [part["type"] for part in user["content"]] == ["text", "image_url", "file"]
    assert called["content"] == [
        {"type": "reasoning", "text": "Let me look.", "signature": "c2VhbGVk"},
        {"type": "tool_call", "id": "c1", "name": "look", "arguments": "{}"},
        {"type": "tool_call", "id": "c2", "name": "look", "arguments": "{}"},
    ]
    assert result == {"role": "tool", "tool_call_id": "c1", "content": "a boat"}
    assert answered["content"] == [{"type": "text", "text": "A boat."}]
    assert found.tools[0]["function"]["name"] == "look"
    assert found.tool_choice == {"type": "function", "function": {"name": "look"}}
    assert found.schema == AnswerSchema("boat", {"type": "object"})
    assert (found.parameters["effort"], found.parameters["max_output"]) == ("high", 50)


@pytest.mark.parametrize("code", sorted(registry))
def test_every_error_of_ours_has_a_shape_of_theirs(code: str) -> None:
    shape = errors.shown(code, STATUS[registry[code].kind])
    assert 400 <= shape.status < 600
    assert shape.type in {"invalid_request_error", "insufficient_quota", "requests", "server_error"}
    assert (shape.type == "server_error") == (shape.status >= 500)


def test_a_problem_with_a_field_names_it_as_param() -> None:
    field = {"field": "messages.0.role", "message": "Use one of these.", "code": "invalid"}
    problem = {"code": "http.invalid_field", "status": 422, "detail": "Use one of these.", "errors": [field]}
    status, body = errors.of_problem(problem)
    assert status == 400
    assert (body["error"]["param"], body["error"]["type"]) == ("messages.0.role", "invalid_request_error")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "input"),
        ({"input": []}, "input"),
        ({"input": [1, 2]}, "input"),
        ({"input": ["a", ""]}, "input"),
        ({"input": "a", "encoding_format": "hex"}, "encoding_format"),
        ({"input": "a", "dimensions": 0}, "dimensions"),
        ({"input": "a", "model": 3}, "model"),
    ],
)
def test_what_cannot_be_embedded_is_refused(body: dict[str, Any], field: str) -> None:
    with pytest.raises(FieldProblem) as caught:
        asked.vectors(body)
    assert caught.value.field == field
