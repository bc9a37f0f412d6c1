"""What comes back from all who speak chat completions, the odd ones included."""

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kontor.billing.usage import Usage
from kontor.gateway.wire.faults import Fault
from kontor.gateway.wire.frames import ServerSentEvents
from kontor.gateway.wire.openai_chat_reader import ChatReader
from kontor.gateway.wire.port import (
    Cited,
    Failed,
    Finished,
    Logprobs,
    Named,
    Quirks,
    Reason,
    Reasoning,
    Said,
    Text,
    ToolCall,
    UsageSeen,
)
from kontor.gateway.wire.quirks import KINDS
from tests.gateway.wire.streams import (
    BASE,
    CALM,
    DONE,
    NO_QUIRKS,
    PLAIN,
    TOOLS,
    body,
    chunk,
    heard,
    text_of,
    thought_in,
)
from tests.gateway.wire.streams import usage_chunk as used

NAMED = Named("chatcmpl-8Xk2", "gpt-4.1-2025-04-14")


def read(*frames: bytes, quirks: Quirks = NO_QUIRKS) -> list[Said]:
    return heard(ChatReader(quirks), frames)


def only(kind: type[Said], said: list[Said]) -> list[Any]:
    return [one for one in said if isinstance(one, kind)]


def test_a_plain_stream() -> None:
    assert read(*PLAIN) == [
        NAMED,
        Text("Grüße"),
        Text(" aus "),
        Text("Köln 🏙️\n\n"),
        Finished(Reason.STOP),
        UsageSeen(Usage(input=12, output=3)),
    ]


odd_texts = st.one_of(
    st.text(max_size=12), st.sampled_from(["content", '","content":"', "stop", "0", "\n\ndata: ", "é", "m"])
)


@given(st.lists(odd_texts, max_size=30), st.booleans(), st.booleans(), st.booleans())
def test_pieces_that_differ_in_their_text_alone_are_read_like_all_others(
    texts: list[str], is_escaped: bool, is_spaced: bool, has_noise: bool
) -> None:
    def piece(number: int, text: str) -> bytes:
        noise = {"obfuscation": "x" * (number % 5)} if has_noise else {}
        choice = {"index": 0, "delta": {"content": text}, "logprobs": None, "finish_reason": None}
        whole = {"id": "content", "model": "m", "choices": [choice], "usage": None, **noise}
        separators = None if is_spaced else (",", ":")
        return json.dumps(whole, ensure_ascii=is_escaped, separators=separators).encode("utf-8", "surrogatepass")

    said = read(*(piece(number, text) for number, text in enumerate(texts)))
    assert [one.text for one in said if isinstance(one, Text)] == [text for text in texts if text]
    assert len([one for one in said if not isinstance(one, Text)]) == bool(texts)


def test_a_piece_with_more_than_text_is_read_whole_after_many_without() -> None:
    plain = [chunk({"content": word}) for word in ("a", "b", "c", "d")]
    for more, kind in (
        (chunk({"content": "e"}, finish="stop"), Finished),
        (chunk({"content": "e", "refusal": "f"}), Text),
        (b'{"error": {"message": "x"}}', Failed),
    ):
        assert isinstance(read(*plain, more)[-1], kind), more


def test_a_whole_body_says_the_same_as_the_stream() -> None:
    usage = {"prompt_tokens": 12, "completion_tokens": 3, "total_tokens": 15}
    said = read(body({"content": "Grüße aus Köln 🏙️\n\n", "refusal": None}, usage=usage))
    assert said == [
        NAMED,
        Text("Grüße aus Köln 🏙️\n\n"),
        Finished(Reason.STOP),
        UsageSeen(Usage(input=12, output=3)),
    ]


def test_tool_calls_in_pieces() -> None:
    assert only(ToolCall, read(*TOOLS)) == [
        ToolCall(0, "call_one", "weather_in"),
        ToolCall(0, arguments='{"place":'),
        ToolCall(0, arguments='"Paris"}'),
        ToolCall(1, "call_two", "weather_in"),
        ToolCall(1, arguments='{"place":"Köln"}'),
    ]
    assert read(*TOOLS)[-1] == Finished(Reason.TOOLS)


def call(index: int | None, given: str | None, name: str | None, arguments: Any) -> dict[str, Any]:
    function = {"name": name, "arguments": arguments}
    said = {"index": index, "id": given, "function": {k: v for k, v in function.items() if v is not None}}
    return {k: v for k, v in said.items() if v is not None}


@pytest.mark.parametrize(
    "deltas",
    [
        pytest.param([[call(0, "a", "f", "{}")], [call(1, "b", "g", "[]")]], id="by index"),
        pytest.param([[call(0, "a", "f", "{}"), call(1, "b", "g", "[]")]], id="all at once"),
        pytest.param([[call(None, "a", "f", "{}"), call(None, "b", "g", "[]")]], id="all at once without indexes"),
        pytest.param([[call(0, "a", "f", "{}")], [call(0, "b", "g", "[]")]], id="the same index for each"),
        pytest.param([[call(None, "a", "f", "{}")], [call(None, "b", "g", "[]")]], id="without any index"),
        pytest.param(
            [[call(0, "a", "f", "{")], [call(0, "a", None, "}")], [call(1, "b", "g", "[]")]], id="id repeated"
        ),
        pytest.param([[call(7, "a", "f", "{}")], [call(9, "b", "g", "[]")]], id="indexes with gaps"),
        pytest.param(
            [[call(None, "a", "f", "{")], [call(None, None, None, "}")], [call(None, "b", "g", "[]")]], id="no"
        ),
        pytest.param([[call(0, "a", "f", {})], [call(1, "b", "g", [])]], id="arguments as objects"),
    ],
)
def test_however_calls_are_told_apart(deltas: list[list[dict[str, Any]]]) -> None:
    told = only(ToolCall, read(*(chunk({"tool_calls": calls}) for calls in deltas), chunk({}, finish="tool_calls")))
    calls: dict[int, list[str]] = {}
    for one in told:
        known = calls.setdefault(one.index, [one.id, one.name, ""])
        assert one.id in (None, known[0]) and one.name in (None, known[1])
        known[2] += one.arguments
    assert calls == {0: ["a", "f", "{}"], 1: ["b", "g", "[]"]}


def test_a_call_without_an_id_gets_one_of_its_own() -> None:
    told = only(ToolCall, read(chunk({"tool_calls": [call(0, None, "f", "{}"), call(1, None, "g", "{}")]})))
    assert [one.index for one in told] == [0, 1]
    assert all(one.id for one in told) and told[0].id != told[1].id


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning", "thinking"])
def test_thoughts_are_found_whatever_their_field_is_called(field: str) -> None:
    said = read(chunk({field: "Hm. "}), chunk({field: "So.", "content": None}), chunk({"content": "Paris."}))
    assert said == [NAMED, Reasoning("Hm. "), Reasoning("So."), Text("Paris.")]


def test_thoughts_sent_under_two_names_are_told_once() -> None:
    assert thought_in(read(chunk({"reasoning": "Hm.", "reasoning_content": "Hm."}))) == "Hm."


def test_in_a_whole_answer_the_thought_comes_before_the_text() -> None:
    said = read(body({"content": "Paris.", "reasoning_content": "Hm."}))
    assert said[1:3] == [Reasoning("Hm."), Text("Paris.")]


def test_mistral_thinks_in_parts() -> None:
    said = read(
        chunk({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}]}),
        chunk({"content": [{"type": "text", "text": "Paris"}, {"type": "reference", "reference_ids": [1]}]}),
        chunk({"content": "."}),
    )
    assert said[1:] == [Reasoning("Hm."), Text("Paris"), Text(".")]


def test_openrouters_signed_thoughts_keep_what_is_wanted_back() -> None:
    text = {"type": "reasoning.text", "text": "Hm.", "format": "anthropic-claude-v1", "index": 0}
    seal = {"type": "reasoning.text", "signature": "c2ln", "format": "anthropic-claude-v1", "index": 0}
    said = read(
        chunk({"role": "assistant", "content": "", "reasoning": "Hm.", "reasoning_details": [text]}),
        chunk({"role": "assistant", "content": "", "reasoning": None, "reasoning_details": [seal]}),
        quirks=KINDS["openrouter"].quirks,
    )
    assert thought_in(said) == "Hm."
    signed = only(Reasoning, said)[-1]
    assert orjson.loads(signed.signature) == seal


def test_a_refusal_is_shown_and_ends_as_one() -> None:
    said = read(chunk({"refusal": "I cannot "}), chunk({"refusal": "do that."}), chunk({}, finish="stop"))
    assert text_of(said) == "I cannot do that."
    assert said[-1] == Finished(Reason.FILTERED, "refusal")


def test_sources_are_named_once() -> None:
    cited = {"type": "url_citation", "url_citation": {"url": "https://a.example", "title": "A", "start_index": 0}}
    said = read(
        chunk({"content": "x", "annotations": [cited]}),
        chunk({"content": "y", "annotations": [cited]}, citations=["https://a.example", "https://b.example"]),
    )
    assert only(Cited, said) == [Cited("https://a.example", "A"), Cited("https://b.example")]


def test_logprobs() -> None:
    item = {"token": "Hi", "logprob": -0.1, "bytes": [72, 105], "top_logprobs": []}
    frame = orjson.dumps(
        {**BASE, "choices": [{"index": 0, "delta": {"content": "Hi"}, "logprobs": {"content": [item]}}]}
    )
    assert read(frame) == [NAMED, Text("Hi"), Logprobs([item])]


def test_only_the_first_of_several_answers_is_read() -> None:
    choices = [{"index": 1, "delta": {"content": "other"}}, {"index": 0, "delta": {"content": "first"}}]
    assert text_of(read(orjson.dumps({**BASE, "choices": choices}))) == "first"


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ("stop", Reason.STOP),
        ("end_turn", Reason.STOP),
        ("length", Reason.LENGTH),
        ("model_length", Reason.LENGTH),
        ("max_tokens", Reason.LENGTH),
        ("tool_calls", Reason.TOOLS),
        ("function_call", Reason.TOOLS),
        ("content_filter", Reason.FILTERED),
        ("SAFETY", Reason.FILTERED),
    ],
)
def test_why_it_ended(given: str, reason: Reason) -> None:
    assert read(chunk({}, finish=given)) == [NAMED, Finished(reason)]


def test_an_unknown_end_is_one_with_its_word() -> None:
    assert read(chunk({}, finish="bored"))[-1] == Finished(Reason.STOP, "bored")


def test_the_end_is_told_once_though_it_is_said_twice() -> None:
    said = read(chunk({}, finish="stop"), chunk({"content": ""}, finish="stop"), DONE)
    assert only(Finished, said) == [Finished(Reason.STOP)]


def test_done_without_a_reason_is_an_end_too() -> None:
    assert read(chunk({"content": "x"}), DONE)[-1] == Finished(Reason.STOP)


def test_a_stream_that_just_stops_has_no_end() -> None:
    assert not only(Finished, read(*PLAIN[:4]))


# What was used

DETAILS = {
    "prompt_tokens": 1000,
    "completion_tokens": 500,
    "total_tokens": 1500,
    "prompt_tokens_details": {
        "cached_tokens": 400,
        "cache_write_tokens": 100,
        "audio_tokens": 50,
        "image_tokens": 20,
        "text_tokens": 930,
    },
    "completion_tokens_details": {"reasoning_tokens": 300, "audio_tokens": 40, "accepted_prediction_tokens": 0},
}


@pytest.mark.parametrize(
    ("usage", "split"),
    [
        pytest.param({"prompt_tokens": 7, "completion_tokens": 2}, Usage(input=7, output=2), id="bare"),
        pytest.param(
            DETAILS,
            Usage(
                input=430, cached=400, cache_write=100, output=160, reasoning=300, image=20, audio_in=50, audio_out=40
            ),
            id="OpenAI",
        ),
        pytest.param(
            {
                "prompt_tokens": 100,
                "completion_tokens": 30,
                "total_tokens": 130,
                "prompt_cache_hit_tokens": 64,
                "prompt_cache_miss_tokens": 36,
                "completion_tokens_details": {"reasoning_tokens": 10},
            },
            Usage(input=36, cached=64, output=20, reasoning=10),
            id="DeepSeek",
        ),
        pytest.param(
            {
                "prompt_tokens": 32,
                "completion_tokens": 9,
                "total_tokens": 135,
                "prompt_tokens_details": {"text_tokens": 32, "audio_tokens": 0, "image_tokens": 0, "cached_tokens": 6},
                "completion_tokens_details": {"reasoning_tokens": 94},
            },
            Usage(input=26, cached=6, output=9, reasoning=94),
            id="xAI, which counts thoughts beside the answer",
        ),
        pytest.param(
            {"prompt_tokens": 5, "completion_tokens": 9, "completion_tokens_details": {"reasoning_tokens": 94}},
            Usage(input=5, output=9, reasoning=94),
            id="more thoughts than answer, without a total",
        ),
        pytest.param(
            {"prompt_tokens": 5, "completion_tokens": 9, "prompt_tokens_details": None},
            Usage(input=5, output=9),
            id="details without anything",
        ),
        pytest.param(
            {"prompt_tokens": 5, "completion_tokens": 9, "prompt_tokens_details": {"cached_tokens": 99}},
            Usage(cached=5, output=9),
            id="more cached than there was",
        ),
        pytest.param({"prompt_tokens": 5.0, "completion_tokens": -9}, Usage(input=5), id="no credit for negatives"),
        pytest.param({"input_tokens": 5, "output_tokens": 9}, Usage(input=5, output=9), id="other names"),
    ],
)
def test_each_token_is_in_one_class(usage: dict[str, Any], split: Usage) -> None:
    assert only(UsageSeen, read(used(**usage))) == [UsageSeen(split)]


@CALM
@given(st.tuples(*[st.integers(min_value=0, max_value=10_000)] * 6))
def test_the_classes_add_up_to_what_was_read_and_written(counts: tuple[int, ...]) -> None:
    prompt, completion, cached, written, audio, reasoning = counts
    usage = {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": cached, "cache_write_tokens": written, "audio_tokens": audio},
        "completion_tokens_details": {"reasoning_tokens": reasoning, "audio_tokens": audio},
    }
    seen: UsageSeen = only(UsageSeen, read(used(**usage)))[0]
    assert seen.usage.read == prompt
    beside = reasoning if reasoning > completion else 0
    assert seen.usage.written == completion + beside


def test_usage_that_names_no_number_is_missing() -> None:
    assert not only(UsageSeen, read(used(prompt_tokens=None), used(total_tokens=7), chunk({}, usage=None)))


def test_usage_where_groq_and_moonshot_put_it() -> None:
    usage = {"prompt_tokens": 7, "completion_tokens": 2}
    within = orjson.dumps({**BASE, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop", "usage": usage}]})
    for frame in (chunk({}, finish="stop", x_groq={"id": "req_1", "usage": usage}), within):
        assert only(UsageSeen, read(frame)) == [UsageSeen(Usage(input=7, output=2))]


@pytest.mark.parametrize(
    ("kind", "usage", "nano"),
    [
        ("openrouter", {"cost": 0.000129}, 129_000),
        ("openrouter", {"cost": 0}, 0),
        ("openrouter", {"cost": 1.5e-10}, 1),  # rounded up
        ("openrouter", {"cost": 0.0001, "is_byok": True}, None),  # the router's fee alone
        ("openrouter", {"cost": -1}, None),
        ("openrouter", {"cost": "free"}, None),
        ("openrouter", {}, None),
        ("xai", {"cost_in_usd_ticks": 158_500}, 15_850),
        ("openai", {"cost": 3}, None),
    ],
)
def test_what_the_provider_says_it_cost(kind: str, usage: dict[str, Any], nano: int | None) -> None:
    seen = only(UsageSeen, read(used(prompt_tokens=1, completion_tokens=1, **usage), quirks=KINDS[kind].quirks))
    assert [one.charged_usd_nano for one in seen] == [nano]


# Errors in the middle of a stream

OPENROUTER_END = {
    **BASE,
    "provider": "openai",
    "error": {"code": "server_error", "message": "Provider disconnected unexpectedly"},
    "choices": [{"index": 0, "delta": {"content": ""}, "finish_reason": "error"}],
}


@pytest.mark.parametrize(
    ("document", "status", "fault", "words"),
    [
        pytest.param(
            {"error": {"message": "The server had an error", "type": "server_error", "param": None, "code": None}},
            None,
            Fault.FAILED,
            "The server had an error",
            id="OpenAI",
        ),
        pytest.param(OPENROUTER_END, None, Fault.FAILED, "Provider disconnected unexpectedly", id="OpenRouter"),
        pytest.param(
            {
                **BASE,
                "choices": [],
                "error": {
                    "code": 502,
                    "message": "Provider returned error",
                    "metadata": {"raw": "upstream died", "provider_name": "X"},
                },
            },
            502,
            Fault.FAILED,
            "Provider returned error: upstream died",
            id="OpenRouter with what lies behind",
        ),
        pytest.param(
            {**BASE, "choices": [{"index": 0, "delta": {}, "finish_reason": "error", "error": {"code": 429}}]},
            429,
            Fault.BUSY,
            "",
            id="within the choice",
        ),
        pytest.param(
            {"object": "error", "message": "CUDA error", "type": "InternalServerError", "param": None, "code": 500},
            500,
            Fault.FAILED,
            "CUDA error",
            id="vLLM of old",
        ),
        pytest.param(
            {"error": {"object": "error", "message": "engine died", "type": "InternalServerError", "code": 500}},
            500,
            Fault.FAILED,
            "engine died",
            id="vLLM",
        ),
        pytest.param(
            {"error": "context size exceeded"}, None, Fault.CONTEXT_TOO_LONG, "context size exceeded", id="text"
        ),
        pytest.param({"type": "error", "message": "oh no"}, None, Fault.FAILED, "oh no", id="an event of this type"),
        pytest.param(
            {"detail": [{"loc": ["body"], "msg": "field required"}]}, None, Fault.FAILED, "field required", id="FastAPI"
        ),
        pytest.param([{"error": {"code": 503, "message": "busy"}}], None, Fault.BAD_ANSWER, None, id="a list"),
        pytest.param(
            {**BASE, "choices": [{"index": 0, "delta": {}, "finish_reason": "insufficient_system_resource"}]},
            None,
            Fault.FAILED,
            "It gave up.",
            id="DeepSeek gave up",
        ),
        pytest.param(
            {"error": {"message": "rate limited", "code": "rate_limit_exceeded"}},
            None,
            Fault.BUSY,
            "rate limited",
            id="a limit",
        ),
    ],
)
def test_an_error_in_the_middle_ends_the_stream(
    document: Any, status: int | None, fault: Fault, words: str | None
) -> None:
    said = read(chunk({"content": "So far"}), orjson.dumps(document), chunk({"content": " never"}), DONE)
    assert text_of(said) == "So far"
    ended = said[-1]
    assert isinstance(ended, Failed)
    assert (ended.status, ended.code) == (status, fault)
    assert words is None or ended.message == words
    assert ended.is_passing is (fault in (Fault.FAILED, Fault.BUSY))
    assert not only(Finished, said)


def test_what_was_used_is_told_before_the_failure() -> None:
    document = {**OPENROUTER_END, "usage": {"prompt_tokens": 4, "completion_tokens": 2}}
    said = read(orjson.dumps(document))
    assert said[-2] == UsageSeen(Usage(input=4, output=2))
    assert isinstance(said[-1], Failed)


@pytest.mark.parametrize("frame", [b"{}", b"", b"  ", b'{"choices":[]}', b'{"choices":null}', b'{"ping":1}'])
def test_an_empty_piece_says_nothing(frame: bytes) -> None:
    assert read(frame, *PLAIN) == read(*PLAIN)


# Anything may come

PIECES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    *(
                        "id",
                        "model",
                        "object",
                        "choices",
                        "delta",
                        "message",
                        "content",
                        "index",
                        "type",
                        "text",
                        "thinking",
                    ),
                    *("tool_calls", "function", "function_call", "name", "arguments", "finish_reason", "error", "code"),
                    *("usage", "prompt_tokens", "completion_tokens", "prompt_tokens_details", "cached_tokens", "cost"),
                    *("logprobs", "annotations", "url_citation", "url", "reasoning", "reasoning_details", "signature"),
                    *("citations", "x_groq", "detail", "audio", "transcript", "refusal", "metadata", "raw", "status"),
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=24,
)
HOSTILE = (
    st.binary(max_size=60)
    | PIECES.map(orjson.dumps)
    | PIECES.map(lambda inner: orjson.dumps({**BASE, "choices": [{"index": 0, "delta": inner}]}))
    | PIECES.map(lambda inner: orjson.dumps({**BASE, "choices": inner}))
    | PIECES.map(lambda inner: orjson.dumps({**BASE, "choices": [], "usage": inner}))
)


@CALM
@given(st.lists(HOSTILE, max_size=5), st.sampled_from(["openai", "openrouter", "xai", "mistral", "groq"]))
def test_hostile_frames_raise_nothing_and_end_in_a_failure(frames: list[bytes], kind: str) -> None:
    said = read(chunk({"content": "x"}), *frames, quirks=KINDS[kind].quirks)
    failures = [place for place, one in enumerate(said) if isinstance(one, Failed)]
    assert len(failures) <= 1
    assert not failures or failures[0] == len(said) - 1
    for one in said:
        match one:
            case Text(text) | Reasoning(text):
                assert type(text) is str
            case ToolCall(index, given, name, arguments):
                assert type(index) is int and type(arguments) is str
                assert isinstance(given, str | None) and isinstance(name, str | None)
            case UsageSeen(usage, charged):
                assert all(number >= 0 for number in usage.by_class().values())
                assert charged is None or charged >= 0
            case Failed(_, code, message):
                assert code in set(Fault) and len(message) <= 500
            case _:
                pass


@pytest.mark.parametrize(
    "frame", [b"<html>", b"null", b"[]", b'"x"', b"5", b"{", b'{"choices":[{"delta":{"content":5}}]}', b"\xff\xfe"]
)
def test_what_is_no_piece_is_a_bad_answer(frame: bytes) -> None:
    assert [type(one) for one in read(frame)] == [Failed]
    assert read(frame)[0] == read(frame, *PLAIN)[0]
    assert only(Failed, read(frame))[0].code == Fault.BAD_ANSWER


@CALM
@given(st.data())
def test_however_the_network_splits_the_bytes_the_same_is_said(data: st.DataObject) -> None:
    frames = data.draw(st.sampled_from([PLAIN, TOOLS]))
    end = data.draw(st.sampled_from([b"\n\n", b"\r\n\r\n", b"\r\r"]))
    sent = b"".join(b": keep-alive" + end + b"data: " + frame + end for frame in frames)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(sent)), max_size=12)))
    framer, reader = ServerSentEvents(), ChatReader(NO_QUIRKS)
    said: list[Said] = []
    for start, stop in zip([0, *cuts], [*cuts, len(sent)], strict=True):
        for frame in framer.feed(sent[start:stop]):
            said.extend(reader.feed(frame))
    for frame in framer.end():
        said.extend(reader.feed(frame))
    said.extend(reader.end())
    assert said == read(*frames)
