"""What is sent to those who speak chat completions, to the letter."""

from dataclasses import replace
from typing import Any

import orjson
import pytest

from kontor.gateway.wire.adapters import ADAPTERS
from kontor.gateway.wire.losses import SCHEMA_IN_WORDS
from kontor.gateway.wire.openai_chat import OpenAIChat
from kontor.gateway.wire.openai_chat_reader import ChatReader
from kontor.gateway.wire.openai_responses_reader import ResponsesReader
from kontor.gateway.wire.port import (
    AnswerSchema,
    Call,
    Deed,
    Endpoint,
    Feature,
    Loss,
    ModelQuirks,
    Prepared,
    Quirks,
)
from kontor.gateway.wire.quirks import KINDS
from tests.gateway.wire.calls import ASK, CITY, FILE, PAPER, QUESTION, SOUND, TOOL_TURN, URL, WEATHER, showing

STREAMED = {"stream": True, "stream_options": {"include_usage": True}}
SYSTEM = {"role": "system", "content": "Be brief."}


def send(kind: str, model: str, **asked: Any) -> Prepared:
    row = KINDS[kind]
    call = Call(**{"model": model, "messages": (QUESTION,), **asked})
    return OpenAIChat().chat(call, Endpoint(row.base_url or "https://llm.example.org/v1", "a-key", row.quirks))


def sent(kind: str, model: str, **asked: Any) -> dict[str, Any]:
    document: dict[str, Any] = orjson.loads(send(kind, model, **asked).body)
    return document


def dropped(feature: Feature, detail: str = "not taken there") -> Loss:
    return Loss(feature, Deed.DROPPED, detail)


def changed(feature: Feature, detail: str) -> Loss:
    return Loss(feature, Deed.CHANGED, detail)


def test_a_question_as_bytes() -> None:
    prepared = send("openai", "gpt-4.1", temperature=0.5)
    assert prepared == Prepared(
        method="POST",
        url="https://api.openai.com/v1/chat/completions",
        headers={
            "content-type": "application/json",
            "accept": "text/event-stream",
            "authorization": "Bearer a-key",
        },
        body=b'{"model":"gpt-4.1","messages":[{"role":"user","content":"What is the capital of France?"}],'
        b'"temperature":0.5,"stream":true,"stream_options":{"include_usage":true}}',
        framing="sse",
    )


def test_a_question_for_a_whole_answer() -> None:
    prepared = send("openai", "gpt-4.1", is_streamed=False)
    assert prepared.framing == "json"
    assert prepared.headers["accept"] == "application/json"
    assert orjson.loads(prepared.body) == {"model": "gpt-4.1", "messages": [QUESTION]}


EVERYTHING = {
    "messages": (SYSTEM, QUESTION),
    "tools": (WEATHER,),
    "tool_choice": {"type": "function", "function": {"name": "weather_in"}},
    "parallel_tool_calls": False,
    "max_output": 100,
    "temperature": 0.2,
    "top_p": 0.9,
    "stop": ("END", "STOP"),
    "seed": 7,
    "effort": "high",
    "top_logprobs": 2,
    "extra": {"user": "somebody"},
}
COMMON = {
    "tools": [WEATHER],
    "tool_choice": {"type": "function", "function": {"name": "weather_in"}},
    "user": "somebody",
    "stream": True,
}
SAMPLING = {"temperature": 0.2, "top_p": 0.9}
LOGPROBS = {"logprobs": True, "top_logprobs": 2}


@pytest.mark.parametrize(
    ("kind", "model", "says", "loses"),
    [
        (
            "compatible",
            "some-model",
            {
                **SAMPLING,
                **LOGPROBS,
                **STREAMED,
                "parallel_tool_calls": False,
                "max_tokens": 100,
                "stop": ["END", "STOP"],
                "seed": 7,
                "reasoning_effort": "high",
            },
            [],
        ),
        (
            "openai",
            "gpt-4.1",
            {
                **SAMPLING,
                **LOGPROBS,
                **STREAMED,
                "parallel_tool_calls": False,
                "max_tokens": 100,
                "stop": ["END", "STOP"],
                "seed": 7,
            },
            [dropped(Feature.EFFORT)],
        ),
        (
            "openai",
            "gpt-5-mini",
            {
                **STREAMED,
                "messages": [{"role": "developer", "content": "Be brief."}, QUESTION],
                "parallel_tool_calls": False,
                "max_completion_tokens": 100,
                "seed": 7,
                "reasoning_effort": "high",
            },
            [dropped(feature) for feature in (Feature.TEMPERATURE, Feature.TOP_P, Feature.LOGPROBS, Feature.STOP)],
        ),
        (
            "openai",
            "o3",
            {
                **STREAMED,
                "messages": [{"role": "developer", "content": "Be brief."}, QUESTION],
                "max_completion_tokens": 100,
                "seed": 7,
                "reasoning_effort": "high",
            },
            [
                dropped(feature)
                for feature in (
                    *(Feature.PARALLEL_TOOLS, Feature.TEMPERATURE, Feature.TOP_P, Feature.LOGPROBS, Feature.STOP),
                )
            ],
        ),
        (
            "openai",
            "gpt-5.1",
            {
                **STREAMED,
                "messages": [{"role": "developer", "content": "Be brief."}, QUESTION],
                "parallel_tool_calls": False,
                "max_completion_tokens": 100,
                "seed": 7,
                "reasoning_effort": "high",
            },
            [
                dropped(Feature.TEMPERATURE, "taken only without thinking: effort “none”"),
                dropped(Feature.TOP_P, "taken only without thinking: effort “none”"),
                dropped(Feature.LOGPROBS, "taken only without thinking: effort “none”"),
                dropped(Feature.STOP),
            ],
        ),
        (
            "deepseek",
            "deepseek-flash",
            {
                **STREAMED,
                "max_tokens": 100,
                "top_p": 0.9,
                "stop": ["END", "STOP"],
                "reasoning_effort": "high",
            },
            [
                dropped(Feature.PARALLEL_TOOLS),
                dropped(Feature.TEMPERATURE, "taken only without thinking: effort “none”"),
                dropped(Feature.SEED),
                dropped(Feature.LOGPROBS, "taken only without thinking: effort “none”"),
            ],
        ),
        (
            "mistral",
            "magistral-medium-latest",
            {
                **SAMPLING,
                "parallel_tool_calls": False,
                "max_tokens": 100,
                "stop": ["END", "STOP"],
                "random_seed": 7,
                "reasoning_effort": "high",
            },
            [dropped(Feature.LOGPROBS)],
        ),
        (
            "openrouter",
            "anthropic/claude-sonnet-5",
            {
                **SAMPLING,
                **LOGPROBS,
                **STREAMED,
                "parallel_tool_calls": False,
                "max_tokens": 100,
                "stop": ["END", "STOP"],
                "seed": 7,
                "reasoning": {"effort": "high"},
            },
            [],
        ),
        (
            "groq",
            "qwen/qwen3-32b",
            {
                **SAMPLING,
                **STREAMED,
                "parallel_tool_calls": False,
                "max_completion_tokens": 100,
                "stop": ["END", "STOP"],
                "seed": 7,
                "reasoning_effort": "default",
                "reasoning_format": "parsed",
            },
            [changed(Feature.EFFORT, "high is not offered, medium is"), dropped(Feature.LOGPROBS)],
        ),
        (
            "llamacpp",
            "gemma-4",
            {
                **SAMPLING,
                **LOGPROBS,
                **STREAMED,
                "parallel_tool_calls": False,
                "max_tokens": 100,
                "stop": ["END", "STOP"],
                "seed": 7,
                "chat_template_kwargs": {"reasoning_effort": "high"},
                "tool_choice": "required",
            },
            [changed(Feature.TOOL_CHOICE, "no other tool is offered, and one is required")],
        ),
    ],
)
def test_everything_at_once(kind: str, model: str, says: dict[str, Any], loses: list[Loss]) -> None:
    prepared = send(kind, model, **EVERYTHING)
    expected = {"model": model, "messages": [SYSTEM, QUESTION], **COMMON, **says}
    assert orjson.loads(prepared.body) == expected
    assert list(prepared.losses) == loses


# What is said in words where there is no field

JSON_WORDS = SCHEMA_IN_WORDS.format(schema=orjson.dumps(CITY.schema).decode())


def test_a_schema_where_it_is_offered() -> None:
    named = {"name": CITY.name, "schema": CITY.schema, "strict": True}
    prepared = send("openai", "gpt-4.1", schema=CITY)
    assert orjson.loads(prepared.body)["response_format"] == {"type": "json_schema", "json_schema": named}
    assert prepared.losses == ()
    loose = sent("openai", "gpt-4.1", schema=AnswerSchema("any", {"type": "object"}, is_strict=False))
    assert loose["response_format"]["json_schema"]["strict"] is False


def test_a_schema_where_only_json_is_offered() -> None:
    prepared = send("deepseek", "deepseek-flash", schema=CITY, messages=(SYSTEM, QUESTION))
    document = orjson.loads(prepared.body)
    assert document["response_format"] == {"type": "json_object"}
    assert document["messages"] == [{"role": "system", "content": f"Be brief.\n\n{JSON_WORDS}"}, QUESTION]
    assert prepared.losses == (changed(Feature.SCHEMA, "asked for in words; only that it is JSON is enforced"),)


def test_a_schema_where_nothing_is_offered() -> None:
    at = Endpoint("https://llm.example.org", None, Quirks(schema_mode="none"))
    prepared = OpenAIChat().chat(Call("m", (QUESTION,), schema=CITY), at)
    document = orjson.loads(prepared.body)
    assert "response_format" not in document
    assert document["messages"] == [{"role": "system", "content": JSON_WORDS}, QUESTION]
    assert prepared.losses == (changed(Feature.SCHEMA, "asked for in words, enforced by nothing"),)


def test_a_schema_that_does_not_go_with_streams_or_tools() -> None:
    prepared = send("groq", "openai/gpt-oss-120b", schema=CITY)
    assert prepared.framing == "json"
    assert "stream" not in orjson.loads(prepared.body)
    assert [loss.feature for loss in prepared.losses] == [Feature.STREAM]
    prepared = send("groq", "openai/gpt-oss-120b", schema=CITY, tools=(WEATHER,))
    assert prepared.framing == "sse"
    assert "response_format" not in orjson.loads(prepared.body)
    assert prepared.losses == (changed(Feature.SCHEMA, "asked for in words, enforced by nothing"),)


def test_a_system_text_where_there_is_no_system() -> None:
    prepared = send("openai", "o1-mini", messages=(SYSTEM, QUESTION))
    assert orjson.loads(prepared.body)["messages"] == [{"role": "user", "content": f"Be brief.\n\n{ASK}"}]
    assert prepared.losses == (changed(Feature.SYSTEM, "stands before the first message instead"),)
    parts = sent("openai", "o1-mini", messages=(SYSTEM, *showing(type="image_url", image_url={"url": URL})["messages"]))
    assert parts["messages"][0]["content"][0] == {"type": "text", "text": "Be brief."}
    alone = sent("openai", "o1-mini", messages=(SYSTEM,))
    assert alone["messages"] == [{"role": "user", "content": "Be brief."}]


def test_a_developer_is_called_system_where_only_that_is_known() -> None:
    developer = {"role": "developer", "content": "Be brief."}
    assert sent("vllm", "llama", messages=(developer, QUESTION))["messages"][0] == SYSTEM
    assert sent("openai", "gpt-5", messages=(SYSTEM, QUESTION))["messages"][0] == developer


# Parameters


def test_too_many_stop_words() -> None:
    words = tuple("abcdef")
    prepared = send("openai", "gpt-4.1", stop=words)
    assert orjson.loads(prepared.body)["stop"] == list("abcd")
    assert prepared.losses == (changed(Feature.STOP, "only the first 4 of 6"),)
    assert sent("vllm", "llama", stop=words)["stop"] == list("abcdef")


@pytest.mark.parametrize(
    ("kind", "model", "wish", "says", "loses"),
    [
        ("openai", "gpt-5", "minimal", {"reasoning_effort": "minimal"}, []),
        ("openai", "gpt-5.1", "none", {"reasoning_effort": "none"}, []),
        ("openai", "gpt-5.2", "max", {"reasoning_effort": "xhigh"}, [Deed.CHANGED]),
        ("openai", "gpt-6.1-sol", "xhigh", {"reasoning_effort": "xhigh"}, []),
        ("openai", "gpt-5", "none", {"reasoning_effort": "minimal"}, [Deed.CHANGED]),
        ("openai", "gpt-5-chat-latest", "low", {}, [Deed.DROPPED]),
        ("deepseek", "deepseek-flash", "none", {"thinking": {"type": "disabled"}}, []),
        ("deepseek", "deepseek-flash", "medium", {"reasoning_effort": "high"}, [Deed.CHANGED]),
        ("xai", "grok-4", "low", {}, [Deed.DROPPED]),
        ("xai", "grok-4.3", "none", {"reasoning_effort": "none"}, []),
        ("mistral", "mistral-small-latest", "low", {"reasoning_effort": "high"}, [Deed.CHANGED]),
        ("llamacpp", "qwen3", "none", {"chat_template_kwargs": {"enable_thinking": False}}, []),
        ("vllm", "gpt-oss", "whatever", {"reasoning_effort": "whatever"}, []),
    ],
)
def test_efforts(kind: str, model: str, wish: str, says: dict[str, Any], loses: list[Deed]) -> None:
    prepared = send(kind, model, effort=wish)
    document = orjson.loads(prepared.body)
    for name in ("model", "messages", "stream", "stream_options"):
        document.pop(name, None)
    assert document == says
    assert [(loss.feature, loss.deed) for loss in prepared.losses] == [(Feature.EFFORT, deed) for deed in loses]


def test_without_thinking_the_choice_of_words_can_be_steered() -> None:
    document = sent("openai", "gpt-5.1", effort="none", temperature=0.2, top_logprobs=0)
    assert document["temperature"] == 0.2
    assert document["logprobs"] is True
    assert "top_logprobs" not in document
    assert sent("deepseek", "deepseek-flash", effort="none", temperature=0.2)["temperature"] == 0.2


@pytest.mark.parametrize(
    ("model", "effort", "has_tools", "path"),
    [
        ("gpt-6.1-sol", None, True, "responses"),
        ("gpt-6.1-sol", "low", True, "responses"),
        ("gpt-6.1-sol", "none", True, "chat/completions"),
        ("gpt-6.1-sol", "low", False, "chat/completions"),
        ("gpt-5.4", None, True, "chat/completions"),
        ("gpt-5.4", "low", True, "responses"),
        ("gpt-5.1", "low", True, "chat/completions"),
        ("gpt-4.1", "low", True, "chat/completions"),
    ],
)
def test_models_that_think_or_use_tools_do_both_elsewhere(
    model: str, effort: str | None, has_tools: bool, path: str
) -> None:
    adapter = ADAPTERS["openai_chat"]
    at = Endpoint("https://api.openai.com/v1", "k", KINDS["openai"].quirks)
    call = Call(model, (QUESTION,), tools=(WEATHER,) if has_tools else (), effort=effort)
    assert adapter.chat(call, at).url == f"https://api.openai.com/v1/{path}"
    assert isinstance(adapter.reader(call, at), ResponsesReader if path == "responses" else ChatReader)


def test_what_was_checked_is_not_replaced_by_what_is_said_beside() -> None:
    extra = {
        "model": "dearer",
        "messages": [],
        "max_tokens": 1_000_000,
        "n": 9,
        "stream": False,
        "temperature": 2,
        "presence_penalty": 0.5,
    }
    prepared = send("openai", "gpt-4.1", max_output=10, temperature=0.5, extra=extra)
    assert orjson.loads(prepared.body) == {
        "model": "gpt-4.1",
        "messages": [QUESTION],
        "max_tokens": 10,
        "temperature": 0.5,
        "presence_penalty": 0.5,
        **STREAMED,
    }
    refused = ("model", "messages", "max_tokens", "n", "stream", "temperature")
    assert prepared.losses == tuple(dropped(Feature.EXTRA, f"“{name}” is set by the gateway") for name in refused)
    assert send("openai", "gpt-4.1", extra={"max_completion_tokens": 5}).losses != ()


def test_what_is_said_beside_is_added_within_objects() -> None:
    prepared = send("openrouter", "a/b", effort="low", extra={"reasoning": {"exclude": True}})
    assert orjson.loads(prepared.body)["reasoning"] == {"effort": "low", "exclude": True}
    assert prepared.losses == ()
    prepared = send("openrouter", "a/b", effort="low", extra={"reasoning": {"effort": "high"}})
    assert orjson.loads(prepared.body)["reasoning"] == {"effort": "low"}
    assert prepared.losses == (dropped(Feature.EXTRA, "“reasoning” is set by the gateway"),)
    assert sent("groq", "qwen/qwen3-32b", extra={"reasoning_format": "raw"})["reasoning_format"] == "parsed"


def test_a_choice_between_no_tools_is_not_sent() -> None:
    prepared = send("openai", "gpt-4.1", tool_choice="auto", parallel_tool_calls=True)
    assert orjson.loads(prepared.body) == {"model": "gpt-4.1", "messages": [QUESTION], **STREAMED}
    assert [loss.feature for loss in prepared.losses] == [Feature.TOOL_CHOICE, Feature.PARALLEL_TOOLS]


def test_a_named_tool_where_a_choice_cannot_name_one() -> None:
    clock = {"type": "function", "function": {"name": "time_in", "parameters": {"type": "object"}}}
    choice = {"type": "function", "function": {"name": "weather_in"}}
    document = sent("llamacpp", "gemma-4", tools=(clock, WEATHER), tool_choice=choice)
    assert (document["tools"], document["tool_choice"]) == ([WEATHER], "required")
    document = sent("llamacpp", "gemma-4", tools=(clock, WEATHER), tool_choice="auto")
    assert (document["tools"], document["tool_choice"]) == ([clock, WEATHER], "auto")


def test_a_schema_that_can_only_be_followed() -> None:
    prepared = send("groq", "meta-llama/llama-4-scout", schema=CITY, is_streamed=False)
    assert orjson.loads(prepared.body)["response_format"]["json_schema"]["strict"] is False
    assert prepared.losses == (changed(Feature.SCHEMA, "followed where possible, enforced by nothing"),)


# Messages


@pytest.mark.parametrize(
    ("kind", "message", "body"),
    [
        ("openrouter", {}, {}),
        ("mistral", {"prefix": True}, {}),
        ("vllm", {}, {"continue_final_message": True, "add_generation_prompt": False}),
    ],
)
def test_an_answer_that_has_begun_is_gone_on_with(kind: str, message: dict[str, Any], body: dict[str, Any]) -> None:
    begun = {"role": "assistant", "content": "Par"}
    document = sent(kind, "some-model", messages=(QUESTION, begun), is_streamed=False)
    assert document == {"model": "some-model", "messages": [QUESTION, {**begun, **message}], **body}
    assert "prefix" not in sent(kind, "some-model", messages=(begun, QUESTION))["messages"][0]
    assert KINDS[kind].quirks.takes_prefill


def test_messages_that_need_nothing_stay_as_they_came() -> None:
    messages = (SYSTEM, *TOOL_TURN, {"role": "assistant", "content": "Paris.", "name": "bot", "unheard_of": {"a": 1}})
    assert sent("openai", "gpt-4.1", messages=messages)["messages"] == list(messages)


@pytest.mark.parametrize("kind", ["openai", "openrouter", "compatible"])
def test_parts_pass_through(kind: str) -> None:
    parts = [
        {"type": "image_url", "image_url": {"url": URL, "detail": "low"}},
        {"type": "file", "file": FILE},
        {"type": "input_audio", "input_audio": {"data": SOUND, "format": "wav"}},
        {"type": "text", "text": ASK},
    ]
    messages = ({"role": "user", "content": parts},)
    prepared = send(kind, "gpt-4.1", messages=messages)
    assert orjson.loads(prepared.body)["messages"] == list(messages)
    assert prepared.losses == ()


def test_mistral_wants_its_own_parts() -> None:
    document = sent("mistral", "mistral-large-latest", **showing(type="file", file=FILE))
    assert document["messages"][0]["content"][1] == {
        "type": "document_url",
        "document_url": f"data:application/pdf;base64,{PAPER}",
        "document_name": "paper.pdf",
    }
    audio = showing(type="input_audio", input_audio={"data": SOUND, "format": "wav"})
    assert sent("mistral", "voxtral", **audio)["messages"][0]["content"][1]["input_audio"] == SOUND


def test_mistral_wants_ids_of_nine_letters() -> None:
    prepared = send("mistral", "mistral-large-latest", messages=TOOL_TURN)
    _, asked, answered = orjson.loads(prepared.body)["messages"]
    assert len(asked["tool_calls"][0]["id"]) == 9
    assert asked["tool_calls"][0]["id"] == answered["tool_call_id"]
    assert [loss.feature for loss in prepared.losses] == [Feature.TOOL_RESULT]
    fitting = ({"role": "tool", "tool_call_id": "abcDEF123", "content": "x"},)
    assert send("mistral", "mistral-large-latest", messages=fitting).losses == ()


def test_parts_that_are_not_taken_are_left_out() -> None:
    prepared = send("deepseek", "deepseek-flash", **showing(type="image_url", image_url={"url": URL}))
    assert orjson.loads(prepared.body)["messages"] == [QUESTION]  # a text alone is sent as one
    assert prepared.losses == (dropped(Feature.IMAGE),)


def test_marks_for_the_cache() -> None:
    messages = ({"role": "user", "content": [{"type": "text", "text": ASK, "cache": True}]},)
    prepared = send("openrouter", "anthropic/claude-sonnet-5", messages=messages)
    marked = {"type": "text", "text": ASK, "cache_control": {"type": "ephemeral"}}
    assert orjson.loads(prepared.body)["messages"] == [{"role": "user", "content": [marked]}]
    assert prepared.losses == ()
    for kind, deed in (("openai", Deed.CHANGED), ("compatible", Deed.DROPPED)):
        prepared = send(kind, "gpt-4.1", messages=messages)
        assert orjson.loads(prepared.body)["messages"] == [QUESTION]
        assert [(loss.feature, loss.deed) for loss in prepared.losses] == [(Feature.CACHE, deed)]
    unmarked = ({"role": "user", "content": [{"type": "text", "text": ASK, "cache": False}]},)
    assert send("compatible", "m", messages=unmarked).losses == ()


SEAL = '{"type":"reasoning.text","signature":"c2ln","index":0}'
TURN = {
    "role": "assistant",
    "content": [{"type": "reasoning", "text": "Hm.", "signature": SEAL}, {"type": "text", "text": "Paris."}],
}


@pytest.mark.parametrize(
    ("kind", "says", "loses"),
    [
        ("openai", {"content": "Paris."}, [dropped(Feature.REASONING_INPUT)]),
        ("deepseek", {"content": "Paris.", "reasoning_content": "Hm."}, []),
        ("vllm", {"content": "Paris.", "reasoning": "Hm."}, []),
        (
            "openrouter",
            {
                "content": "Paris.",
                "reasoning": "Hm.",
                "reasoning_details": [{"type": "reasoning.text", "signature": "c2ln", "index": 0, "text": "Hm."}],
            },
            [],
        ),
        (
            "mistral",
            {
                "content": [
                    {"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]},
                    {"type": "text", "text": "Paris."},
                ]
            },
            [],
        ),
    ],
)
def test_thoughts_of_former_turns(kind: str, says: dict[str, Any], loses: list[Loss]) -> None:
    prepared = send(kind, "some-model", messages=(QUESTION, TURN, QUESTION))
    assert orjson.loads(prepared.body)["messages"][1] == {"role": "assistant", **says}
    assert list(prepared.losses) == loses


def test_a_turn_of_thoughts_and_calls_alone() -> None:
    turn = {**TOOL_TURN[1], "content": [{"type": "reasoning", "text": "Hm."}]}
    messages = sent("deepseek", "deepseek-flash", messages=(QUESTION, turn, TOOL_TURN[2]))["messages"]
    assert messages[1] == {**TOOL_TURN[1], "content": None, "reasoning_content": "Hm."}


@pytest.mark.parametrize(
    ("signature", "details"),
    [
        (None, [{"type": "reasoning.text", "text": "Hm."}]),
        ("not ours", [{"type": "reasoning.text", "text": "Hm."}]),
        (
            '{"type":"reasoning.encrypted","data":"eA==","id":"rs_1"}',
            [
                {"type": "reasoning.summary", "summary": "Hm."},
                {"type": "reasoning.encrypted", "data": "eA==", "id": "rs_1"},
            ],
        ),
    ],
)
def test_seals_go_back_as_they_came(signature: str | None, details: list[dict[str, Any]]) -> None:
    thought = {"type": "reasoning", "text": "Hm.", "signature": signature}
    messages = (QUESTION, {"role": "assistant", "content": [thought, {"type": "text", "text": "x"}]}, QUESTION)
    assert sent("openrouter", "a/b", messages=messages)["messages"][1]["reasoning_details"] == details


# Quirks


def test_a_models_own_quirks_come_on_top_of_its_providers() -> None:
    quirks = Quirks(
        refused=frozenset({Feature.SEED}),
        renamed={"max_tokens": "limit"},
        of_models=(
            ModelQuirks("^small", refused=frozenset({Feature.TOP_P}), taken=frozenset({Feature.SEED})),
            ModelQuirks("tiny$", renamed={"seed": "dice"}, fixed={"a": 1}, changes={"largest_stop": 1}),
        ),
    )
    call = Call("small-tiny", (QUESTION,), max_output=5, seed=4, top_p=0.5, stop=("a", "b"), is_streamed=False)
    prepared = OpenAIChat().chat(call, Endpoint("https://llm.example.org", None, quirks))
    assert orjson.loads(prepared.body) == {
        "model": "small-tiny",
        "messages": [QUESTION],
        "limit": 5,
        "dice": 4,
        "stop": ["a"],
        "a": 1,
    }
    other = OpenAIChat().chat(replace(call, model="large"), Endpoint("https://llm.example.org", None, quirks))
    assert dropped(Feature.SEED) in other.losses


def test_embeddings_and_the_list_of_models() -> None:
    at = Endpoint("https://api.mistral.ai/v1", "a-key", KINDS["mistral"].quirks, headers={"x-tag": "kontor"})
    asked = OpenAIChat().embed("mistral-embed", ["a", "b"], 256, at)
    assert (asked.method, asked.url, asked.framing) == ("POST", "https://api.mistral.ai/v1/embeddings", "json")
    assert asked.headers["x-tag"] == "kontor"
    assert orjson.loads(asked.body) == {
        "model": "mistral-embed",
        "input": ["a", "b"],
        "encoding_format": "float",
        "output_dimension": 256,
    }
    listed = OpenAIChat().models(at)
    assert (listed.method, listed.url, listed.body) == ("GET", "https://api.mistral.ai/v1/models", b"")
    assert listed.headers["authorization"] == "Bearer a-key"
