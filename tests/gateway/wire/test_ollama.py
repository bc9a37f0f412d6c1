"""Ollama's own API: what we send, what we make of what comes, and what its own client thinks of both."""

from collections.abc import Iterator
from typing import Any

import httpx
import ollama
import orjson
import pytest
from ollama import ChatResponse

from kontor.billing.usage import Usage
from kontor.gateway.wire.ollama import QUIRKS, Ollama, OllamaReader
from kontor.gateway.wire.port import (
    Call,
    Deed,
    Describing,
    Endpoint,
    Failed,
    Feature,
    Finished,
    Listed,
    Logprobs,
    Named,
    Quirks,
    Reason,
    Reasoning,
    Text,
    ToolCall,
    UsageSeen,
)
from tests.gateway.wire.calls import ASK, CITY, PIXEL, QUESTION, TOOL_TURN, WEATHER, Sending, asking, showing
from tests.gateway.wire.reading import (
    Fate,
    calls_of,
    check_cut,
    check_fate,
    check_hostile,
    frames_of,
    last,
    read,
    text_of,
    thoughts_of,
)

AT = Endpoint("http://127.0.0.1:11434", None, QUIRKS)
ADAPTER = Ollama()
SWITCHED, LEVELLED = "qwen3:8b", "gpt-oss:20b"
MODELS = (SWITCHED, LEVELLED)
DROPPED, CHANGED = Deed.DROPPED, Deed.CHANGED
SENDING = Sending(ADAPTER, AT, SWITCHED)
sent, lost, saying = SENDING.sent, SENDING.lost, SENDING.saying


class Judge:
    """Ollama's own client, at the other end of which nothing but our bytes is."""

    def __init__(self) -> None:
        self.answer = b'{"message":{"role":"assistant"},"done":true}'
        self.seen: list[httpx.Request] = []
        self.client = ollama.Client("http://127.0.0.1:11434", transport=httpx.MockTransport(self._respond))

    def _respond(self, request: httpx.Request) -> httpx.Response:
        self.seen.append(request)
        return httpx.Response(200, content=self.answer)

    def reads(self, stream: bytes) -> list[ChatResponse]:
        self.answer = stream
        return list(self.client.chat(SWITCHED, messages=[{"role": "user", "content": "?"}], stream=True))


@pytest.fixture
def judge() -> Iterator[Judge]:
    judge = Judge()
    yield judge
    judge.client.close()  # type: ignore[no-untyped-call]


# --- what is sent: each feature arrives, or is a loss

EVERYWHERE: dict[Feature, Fate] = {
    Feature.STREAM: lambda body: body["stream"] is True,
    Feature.SYSTEM: lambda body: body["messages"][0] == {"role": "system", "content": "Speak like a pirate."},
    Feature.IMAGE: lambda body: body["messages"][0] == {"role": "user", "content": ASK, "images": [PIXEL]},
    Feature.DOCUMENT: DROPPED,
    Feature.AUDIO: DROPPED,
    Feature.TOOLS: lambda body: body["tools"] == [WEATHER],
    Feature.TOOL_CHOICE: DROPPED,
    Feature.PARALLEL_TOOLS: DROPPED,
    Feature.TOOL_RESULT: lambda body: (
        body["messages"][2]
        == {
            "role": "tool",
            "content": "17 degrees and drizzle",
            "tool_name": "weather_in",
            "tool_call_id": "call_a1b2c3d4e5f6",
        }
    ),
    Feature.SCHEMA: lambda body: body["format"] == CITY.schema,
    Feature.MAX_OUTPUT: lambda body: body["options"]["num_predict"] == 1234,
    Feature.TEMPERATURE: lambda body: body["options"]["temperature"] == 0.4217,
    Feature.TOP_P: lambda body: body["options"]["top_p"] == 0.8713,
    Feature.STOP: lambda body: body["options"]["stop"] == ["ENOUGH"],
    Feature.SEED: lambda body: body["options"]["seed"] == 48611,
    Feature.EFFORT: CHANGED,  # it can be switched on, but has no levels
    Feature.REASONING_INPUT: lambda body: (
        body["messages"][1] == {"role": "assistant", "content": "Paris.", "thinking": "Seine, so Paris."}
    ),
    Feature.LOGPROBS: lambda body: (body["logprobs"], body["top_logprobs"]) == (True, 3),
    Feature.CACHE: DROPPED,
    Feature.EXTRA: lambda body: body["penalty_for_nothing"] == 0.1234,
}
FATES: dict[str, dict[Feature, Fate]] = {
    SWITCHED: EVERYWHERE,
    LEVELLED: {**EVERYWHERE, Feature.EFFORT: lambda body: body["think"] == "high"},
}


@pytest.mark.parametrize("feature", list(Feature))
@pytest.mark.parametrize("model", MODELS)
def test_each_feature_arrives_or_is_noted_as_lost(model: str, feature: Feature) -> None:
    call, _ = asking(feature, model)
    check_fate(ADAPTER.chat(call, AT), feature, FATES[model][feature])


@pytest.mark.parametrize("feature", list(Feature))
@pytest.mark.parametrize("model", MODELS)
def test_its_own_client_sends_the_same(judge: Judge, model: str, feature: Feature) -> None:
    call, _ = asking(feature, model)
    prepared = ADAPTER.chat(call, AT)
    body = orjson.loads(prepared.body)
    body.pop("penalty_for_nothing", None)
    answer = judge.client.chat(**body)
    if call.is_streamed:
        list(answer)
    theirs = orjson.loads(judge.seen.pop().content)
    for message in (*body["messages"], *theirs["messages"]):  # it knows no ids of calls yet, other than the server
        message.pop("tool_call_id", None)
        for called in message.get("tool_calls", ()):
            called.pop("id", None)
    assert without_the_empty(theirs) == without_the_empty(body)


def without_the_empty(document: Any) -> Any:
    if isinstance(document, dict):
        return {key: without_the_empty(value) for key, value in document.items() if value not in ("", [], None)}
    return [without_the_empty(one) for one in document] if isinstance(document, list) else document


def test_the_address_and_the_framing() -> None:
    streamed, whole = (ADAPTER.chat(saying(is_streamed=is_streamed), AT) for is_streamed in (True, False))
    assert (streamed.url, streamed.framing) == ("http://127.0.0.1:11434/api/chat", "ndjson")
    assert whole.framing == "json"
    assert sent(saying(is_streamed=False))["stream"] is False  # it streams unless told not to
    cloud = Endpoint("https://ollama.com", "key", QUIRKS)
    assert ADAPTER.chat(saying(), cloud).headers["authorization"] == "Bearer key"
    assert "authorization" not in streamed.headers


@pytest.mark.parametrize(
    ("model", "effort", "think", "losses"),
    [
        (SWITCHED, "none", False, {}),
        (SWITCHED, "medium", True, {}),
        (SWITCHED, "minimal", True, {Feature.EFFORT: CHANGED}),
        (LEVELLED, "low", "low", {}),
        (LEVELLED, "none", "low", {Feature.EFFORT: CHANGED}),
        (LEVELLED, "max", "high", {Feature.EFFORT: CHANGED}),
    ],
)
def test_how_it_is_told_to_think(model: str, effort: str, think: bool | str, losses: dict[Feature, Deed]) -> None:
    call = saying(model=model, effort=effort)
    assert sent(call)["think"] == think
    assert lost(call) == losses


def test_tools_that_must_not_be_used_are_not_told_of() -> None:
    call = saying(tools=(WEATHER,), tool_choice="none")
    assert "tools" not in sent(call)
    assert lost(call) == {}


def test_former_calls_have_arguments_as_an_object() -> None:
    assert sent(saying(*TOOL_TURN, tools=(WEATHER,)))["messages"][1] == {
        "role": "assistant",
        "content": "",
        "tool_calls": [
            {"function": {"name": "weather_in", "arguments": {"place": "Paris"}}, "id": "call_a1b2c3d4e5f6"},
        ],
    }
    broken = {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": "a", "function": {"name": "f", "arguments": "[1"}}],
    }
    call = saying(QUESTION, broken)
    assert sent(call)["messages"][1]["tool_calls"][0]["function"]["arguments"] == {"arguments": "[1"}
    assert lost(call) == {Feature.TOOLS: CHANGED}


def test_a_document_that_is_text_stands_in_the_message() -> None:
    file = {"filename": "n.txt", "file_data": "data:text/plain;base64,R3LDvMOfZQ=="}
    call = saying({"role": "user", "content": [{"type": "text", "text": "Read."}, {"type": "file", "file": file}]})
    assert sent(call)["messages"][0]["content"] == "Read.\n\nn.txt:\n\nGrüße"
    assert lost(call) == {Feature.DOCUMENT: CHANGED}


@pytest.mark.parametrize(
    ("part", "feature"),
    [
        ({"type": "image_url", "image_url": {"url": "https://example.org/a.png"}}, Feature.IMAGE),
        ({"type": "file", "file": {"file_id": "file-of-another"}}, Feature.DOCUMENT),
        ({"type": "file", "file": {"file_data": "data:text/plain;base64,R3L"}}, Feature.DOCUMENT),
        ({"type": "video_url", "video_url": {"url": "https://example.org/a.mp4"}}, Feature.EXTRA),
        ({"type": "reasoning", "text": "I think."}, Feature.REASONING_INPUT),
    ],
)
def test_what_it_cannot_look_at_is_noted(part: dict[str, Any], feature: Feature) -> None:
    assert lost(Call(model=SWITCHED, **showing(**part))) == {feature: DROPPED}


def test_thoughts_that_only_their_author_can_read_are_noted() -> None:
    sealed = {"type": "reasoning", "text": "", "signature": "anthropic|claude-opus-5|redacted|aGlkZGVu"}
    call = saying(QUESTION, {"role": "assistant", "content": [sealed, {"type": "text", "text": "Paris."}]})
    assert lost(call) == {Feature.REASONING_INPUT: DROPPED}


def test_the_bag_reaches_the_options_but_not_what_is_decided() -> None:
    bag = {
        "keep_alive": "10m",
        "model": "another",
        "options": {"num_ctx": 32_768, "top_k": 20, "num_predict": -1, "temperature": 0.9},
    }
    prepared = ADAPTER.chat(saying(max_output=10, temperature=0.1, extra=bag), AT)
    body = orjson.loads(prepared.body)
    assert (body["model"], body["keep_alive"]) == (SWITCHED, "10m")
    assert body["options"] == {"num_predict": 10, "temperature": 0.9, "num_ctx": 32_768, "top_k": 20}
    assert {loss.detail for loss in prepared.losses} == {"model", "options.num_predict"}


def test_an_admin_can_set_options_for_all() -> None:
    at = Endpoint(AT.base_url, None, Quirks(fixed={"keep_alive": -1, "options": {"num_ctx": 8192}}))
    body = sent(saying(seed=3), at)
    assert (body["keep_alive"], body["options"]) == (-1, {"num_ctx": 8192, "seed": 3})


@pytest.mark.parametrize(
    ("mode", "written", "deed"),
    [("json_schema", CITY.schema, None), ("json_object", "json", CHANGED), ("none", None, CHANGED)],
)
def test_schemas_as_far_as_the_version_goes(mode: Any, written: object, deed: Deed | None) -> None:
    at = Endpoint(AT.base_url, None, Quirks(schema_mode=mode))
    prepared = ADAPTER.chat(saying(schema=CITY), at)
    assert orjson.loads(prepared.body).get("format") == written
    assert [loss.deed for loss in prepared.losses] == ([deed] if deed else [])
    assert (orjson.loads(prepared.body)["messages"][0]["role"] == "system") is (deed is not None)  # said in words


# --- what comes


def line(**fields: Any) -> bytes:
    return orjson.dumps({"model": SWITCHED, "created_at": "2026-11-21T15:00:00.123456789Z", **fields}) + b"\n"


def said_piece(content: str = "", **more: Any) -> bytes:
    beside = {key: more.pop(key) for key in ("logprobs",) if key in more}
    return line(message={"role": "assistant", "content": content, **more}, done=False, **beside)


def done(reason: str = "stop", **counts: Any) -> bytes:
    used = counts or {"prompt_eval_count": 26, "eval_count": 42}
    return line(
        message={"role": "assistant", "content": ""},
        done=True,
        done_reason=reason,
        total_duration=4_883_583_458,
        load_duration=1_334_875,
        **used,
    )


PLAIN = said_piece("Par") + said_piece("is – am Fluß.") + done()
THINKING = said_piece(thinking="The Seine, ") + said_piece(thinking="so Paris.") + said_piece("Paris.") + done()
CALLS = (
    said_piece("I look.")
    + said_piece(
        tool_calls=[{"id": "call_x", "function": {"index": 0, "name": "weather_in", "arguments": {"place": "Paris"}}}]
    )
    + said_piece(tool_calls=[{"id": "call_y", "function": {"name": "now", "arguments": {}}}])
    + done()
)
LIKELY = [{"token": "Paris", "logprob": -0.1, "top_logprobs": [{"token": "Paris", "logprob": -0.1}]}]
LOGPROBS = said_piece("Paris", logprobs=LIKELY) + done()
STREAMS = {"plain": PLAIN, "thinking": THINKING, "calls": CALLS, "logprobs": LOGPROBS}


@pytest.mark.parametrize("stream", STREAMS.values(), ids=STREAMS)
def test_its_own_client_reads_our_streams_as_we_do(judge: Judge, stream: bytes) -> None:
    said = read(OllamaReader(), frames_of(stream, "ndjson"))
    lines = judge.reads(stream)
    assert text_of(said) == "".join(one.message.content or "" for one in lines)
    assert thoughts_of(said) == "".join(one.message.thinking or "" for one in lines)
    assert [(name, arguments) for _, name, arguments in calls_of(said)] == [
        (called.function.name, called.function.arguments) for one in lines for called in one.message.tool_calls or ()
    ]
    assert last(said, Named).model == lines[-1].model
    usage = last(said, UsageSeen).usage
    assert (usage.input, usage.output) == (lines[-1].prompt_eval_count, lines[-1].eval_count)


def test_a_stream_as_said() -> None:
    assert read(OllamaReader(), frames_of(PLAIN, "ndjson")) == [
        Named(None, SWITCHED),
        Text("Par"),
        Text("is – am Fluß."),
        UsageSeen(Usage(input=26, output=42)),
        Finished(Reason.STOP),
    ]


def test_thoughts_and_calls() -> None:
    thought = read(OllamaReader(), frames_of(THINKING, "ndjson"))
    assert [one for one in thought if isinstance(one, Reasoning)] == [Reasoning("The Seine, "), Reasoning("so Paris.")]
    called = read(OllamaReader(), frames_of(CALLS, "ndjson"))
    assert [one for one in called if isinstance(one, ToolCall)] == [
        ToolCall(0, "call_x", "weather_in", '{"place":"Paris"}'),
        ToolCall(1, "call_y", "now", "{}"),
    ]
    assert last(called, Finished) == Finished(Reason.TOOLS)


def test_calls_without_an_id_get_one_that_no_other_turn_has() -> None:
    frame = said_piece(tool_calls=[{"function": {"name": "now", "arguments": {}}}] * 2)
    ids = [own_id for _ in range(2) for own_id, _, _ in calls_of(read(OllamaReader(), [frame]))]
    assert len(set(ids)) == 4


def test_likelihoods_have_the_shape_that_everybody_knows() -> None:
    said = read(OllamaReader(), frames_of(LOGPROBS, "ndjson"))
    assert list(last(said, Logprobs).items) == [{**LIKELY[0], "bytes": None}]


def test_a_whole_answer_is_one_line() -> None:
    whole = line(
        message={"role": "assistant", "content": "Paris.", "thinking": "The Seine."},
        done=True,
        done_reason="length",
        prompt_eval_count=5,
        eval_count=7,
    )
    assert read(OllamaReader(), frames_of(whole, "json")) == [
        Named(None, SWITCHED),
        Reasoning("The Seine."),
        Text("Paris."),
        UsageSeen(Usage(input=5, output=7)),
        Finished(Reason.LENGTH),
    ]


def test_an_error_in_mid_stream_is_a_line_of_its_own() -> None:
    stream = said_piece("Par") + b'{"error":"an error was encountered while running the model: unexpected EOF"}\n'
    said = read(OllamaReader(), frames_of(stream, "ndjson"))
    assert text_of(said) == "Par"
    failure = last(said, Failed)
    assert failure.is_passing
    assert "running the model" in failure.message
    assert not any(isinstance(one, Finished) for one in said)


def test_usage_may_be_missing_or_nonsense() -> None:
    without = read(OllamaReader(), frames_of(said_piece("P") + line(message={}, done=True), "ndjson"))
    assert not any(isinstance(one, UsageSeen) for one in without)
    assert last(without, Finished) == Finished(Reason.STOP)
    cached = read(OllamaReader(), frames_of(done(eval_count=7), "ndjson"))  # a prompt from its cache is not counted
    assert last(cached, UsageSeen).usage == Usage(output=7)
    strange = read(OllamaReader(), frames_of(done(prompt_eval_count="many", eval_count=-1), "ndjson"))
    assert last(strange, UsageSeen).usage == Usage()


def test_what_is_of_a_later_day_is_passed_over() -> None:
    later = said_piece("P", holograms=[1]) + line(progress=0.5) + done("of_a_later_day")
    said = read(OllamaReader(), frames_of(later, "ndjson"))
    assert text_of(said) == "P"
    assert last(said, Finished) == Finished(Reason.STOP, "of_a_later_day")
    assert not any(isinstance(one, Failed) for one in said)


@pytest.mark.parametrize("stream", STREAMS.values(), ids=STREAMS)
def test_no_line_is_too_hostile(stream: bytes) -> None:
    check_hostile(OllamaReader, frames_of(stream, "ndjson"))


@pytest.mark.parametrize("stream", STREAMS.values(), ids=STREAMS)
def test_a_cut_stream_has_not_ended(stream: bytes) -> None:
    check_cut(OllamaReader, frames_of(stream, "ndjson"))


# --- embeddings, errors, models


def test_embeddings_are_asked_for_as_its_own_client_does(judge: Judge) -> None:
    judge.answer = orjson.dumps({"model": "m", "embeddings": [[0.5, 0.25], [0.0, 1.0]], "prompt_eval_count": 6})
    theirs = judge.client.embed("nomic-embed-text", ["one", "two"], truncate=False, dimensions=2)
    ours = ADAPTER.embed("nomic-embed-text", ["one", "two"], 2, AT)
    request = judge.seen.pop()
    assert orjson.loads(ours.body) == orjson.loads(request.content)
    assert ours.url == str(request.url)
    embedded = ADAPTER.read_embedding(judge.answer)
    assert embedded.vectors == theirs.embeddings
    assert embedded.usage == Usage(input=6)
    assert "dimensions" not in orjson.loads(ADAPTER.embed("m", ["one"], None, AT).body)


@pytest.mark.parametrize(
    ("status", "message", "code", "is_passing"),
    [
        (404, "model 'llama9' not found", "model_not_found", False),
        (400, "registry.ollama.ai/library/gemma:2b does not support tools", "refused_by_provider", False),
        (401, "unauthorized", "key_refused", False),
        (500, "llama runner process has terminated: exit status 2", "provider_failed", True),
        (503, "server busy, please try again. maximum pending requests exceeded", "provider_failed", True),
    ],
)
def test_errors(status: int, message: str, code: str, is_passing: bool) -> None:
    failure = ADAPTER.failure(status, orjson.dumps({"error": message}))
    assert (failure.status, failure.code, failure.is_passing) == (status, code, is_passing)


TAGS = {
    "models": [
        {
            "name": "qwen3:8b",
            "model": "qwen3:8b",
            "modified_at": "2026-11-01T10:00:00Z",
            "size": 5_225_388_164,
            "digest": "500a1f067a9f",
            "details": {"format": "gguf", "family": "qwen3", "parameter_size": "8.2B", "quantization_level": "Q4_K_M"},
        },
        {"name": "nomic-embed-text:latest", "model": "nomic-embed-text:latest", "size": 274_302_450},
    ]
}


def test_the_list_of_models(judge: Judge) -> None:
    judge.answer = orjson.dumps(TAGS)
    theirs = judge.client.list()
    assert str(judge.seen.pop().url) == ADAPTER.models(AT).url
    ours = ADAPTER.read_models(judge.answer)
    assert [(one.name, one.size_bytes) for one in ours] == [(one.model, one.size) for one in theirs.models]
    assert [one.label for one in ours] == ["qwen3:8b (8.2B)", "nomic-embed-text"]
    assert ADAPTER.read_models(b'{"models":null}') == []


def described(judge: Judge, architecture: str, context: int, capabilities: list[str] | None) -> Listed:
    info = {"general.architecture": architecture, f"{architecture}.context_length": context}
    judge.answer = orjson.dumps({"model_info": info, **({"capabilities": capabilities} if capabilities else {})})
    return ADAPTER.read_description(Listed("m:latest", "m", size_bytes=9), judge.answer)


def test_models_describe_themselves(judge: Judge) -> None:
    assert isinstance(ADAPTER, Describing)
    thinker = described(judge, "qwen3", 40_960, ["completion", "tools", "thinking"])
    assert (thinker.name, thinker.label, thinker.size_bytes, thinker.context_total) == ("m:latest", "m", 9, 40_960)
    assert (thinker.takes, thinker.gives) == (frozenset({"text"}), frozenset({"text"}))
    assert thinker.features is not None
    assert {Feature.TOOLS, Feature.EFFORT} <= thinker.features
    assert not {Feature.IMAGE, Feature.AUDIO, Feature.TOOL_CHOICE} & thinker.features

    seer = described(judge, "gemma3", 131_072, ["completion", "vision"])
    assert seer.takes == frozenset({"text", "image"})
    assert seer.features is not None
    assert not {Feature.TOOLS, Feature.EFFORT, Feature.REASONING_INPUT} & seer.features

    vectors = described(judge, "nomic-bert", 2048, ["embedding"])
    assert (vectors.gives, vectors.features, vectors.context_total) == (frozenset({"vector"}), None, 2048)

    old = described(judge, "llama", 8192, None)
    assert (old.context_total, old.takes, old.gives, old.features) == (8192, None, None, None)


def test_a_description_is_asked_for_as_its_own_client_does(judge: Judge) -> None:
    judge.answer = b'{"model_info":{}}'
    judge.client.show("m:latest")
    request = judge.seen.pop()
    asked = ADAPTER.describe("m:latest", AT)
    assert (asked.url, orjson.loads(asked.body)) == (str(request.url), orjson.loads(request.content))
