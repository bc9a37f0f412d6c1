"""OpenAI's own client as the judge: it sends what we send for the same wish, and reads what our tests hold as we do."""

from collections.abc import Callable, Sequence
from typing import Any

import httpx2
import orjson
import pytest
from openai import OpenAI
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.responses import (
    Response,
    ResponseCompletedEvent,
    ResponseFunctionToolCall,
    ResponseReasoningItem,
    ResponseStreamEvent,
)
from pydantic import TypeAdapter

from kontor.gateway.wire.openai_chat import OpenAIChat
from kontor.gateway.wire.openai_chat_reader import ChatReader
from kontor.gateway.wire.openai_lists import read_embedding, read_models
from kontor.gateway.wire.openai_responses import OpenAIResponses
from kontor.gateway.wire.openai_responses_reader import ResponsesReader
from kontor.gateway.wire.port import Call, Endpoint, Prepared, ToolCall, UsageSeen
from kontor.gateway.wire.quirks import KINDS
from tests.gateway.wire import response_streams, streams
from tests.gateway.wire.calls import CITY, QUESTION, TOOL_TURN, URL, WEATHER, showing
from tests.gateway.wire.streams import NO_QUIRKS, heard, text_of, thought_in

BASE = "https://api.openai.com/v1"
AT = Endpoint(BASE, "sk-judged", KINDS["openai"].quirks)
SCHEMA = {"name": CITY.name, "schema": dict(CITY.schema), "strict": True}
Ask = Callable[[OpenAI], object]


class Wire:
    """In place of the network: keeps what was sent, and answers with what it was given."""

    def __init__(self, answer: bytes = b"{}", content_type: str = "application/json") -> None:
        self.sent: list[httpx2.Request] = []
        self._answer = answer
        self._content_type = content_type

    def client(self) -> OpenAI:
        return OpenAI(
            api_key="sk-judged", base_url=BASE, http_client=httpx2.Client(transport=httpx2.MockTransport(self))
        )

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.sent.append(request)
        return httpx2.Response(200, headers={"content-type": self._content_type}, content=self._answer)


def sse(frames: Sequence[bytes]) -> Wire:
    return Wire(b"".join(b"data: " + frame + b"\n\n" for frame in frames), "text/event-stream")


def same(prepared: Prepared, ask: Ask) -> None:
    wire = Wire()
    with wire.client() as client:
        ask(client)
    (request,) = wire.sent
    assert (prepared.method, prepared.url) == (request.method, str(request.url))
    assert orjson.loads(prepared.body or b"null") == orjson.loads(request.content or b"null")
    assert prepared.headers["authorization"] == request.headers["authorization"]
    assert prepared.headers["content-type"] == request.headers.get("content-type", "application/json")


CHATS: list[tuple[Call, dict[str, Any]]] = [
    (
        Call("gpt-4.1", (QUESTION,), temperature=0.5, top_p=0.9, max_output=9, seed=3, stop=("a", "b")),
        {"temperature": 0.5, "top_p": 0.9, "max_tokens": 9, "seed": 3, "stop": ["a", "b"]},
    ),
    (
        Call("gpt-5.1", (QUESTION,), effort="low", max_output=9, schema=CITY),
        {
            "reasoning_effort": "low",
            "max_completion_tokens": 9,
            "response_format": {"type": "json_schema", "json_schema": SCHEMA},
        },
    ),
    (
        Call("gpt-4.1", TOOL_TURN, tools=(WEATHER,), tool_choice="required", parallel_tool_calls=False, top_logprobs=2),
        {
            "tools": [WEATHER],
            "tool_choice": "required",
            "parallel_tool_calls": False,
            "logprobs": True,
            "top_logprobs": 2,
        },
    ),
    (
        Call("gpt-4.1", showing(type="image_url", image_url={"url": URL})["messages"], extra={"user": "u"}),
        {"user": "u"},
    ),
]


@pytest.mark.parametrize("is_streamed", [True, False])
@pytest.mark.parametrize(("call", "asked"), CHATS)
def test_chat_completions_are_asked_for_alike(call: Call, asked: dict[str, Any], is_streamed: bool) -> None:
    call = Call(**{**{name: getattr(call, name) for name in call.__slots__}, "is_streamed": is_streamed})
    if is_streamed:
        asked = {**asked, "stream": True, "stream_options": {"include_usage": True}}
    asked = {"model": call.model, "messages": list(call.messages), **asked}
    same(OpenAIChat().chat(call, AT), lambda client: client.chat.completions.create(**asked))


def test_responses_are_asked_for_alike() -> None:
    call = Call(
        "gpt-6.1-sol",
        ({"role": "system", "content": "Be brief."}, *showing(type="image_url", image_url={"url": URL})["messages"]),
        tools=(WEATHER,),
        tool_choice={"type": "function", "function": {"name": "weather_in"}},
        effort="low",
        schema=CITY,
        max_output=99,
    )
    content = [
        {"type": "input_text", "text": QUESTION["content"]},
        {"type": "input_image", "image_url": URL, "detail": "auto"},
    ]
    asked: dict[str, Any] = {
        "model": "gpt-6.1-sol",
        "instructions": "Be brief.",
        "input": [{"role": "user", "content": content}],
        "tools": [{"type": "function", "strict": False, **WEATHER["function"]}],  # type: ignore[dict-item]
        "tool_choice": {"type": "function", "name": "weather_in"},
        "reasoning": {"effort": "low", "summary": "auto"},
        "text": {"format": {"type": "json_schema", **SCHEMA}},
        "include": ["reasoning.encrypted_content"],
        "max_output_tokens": 99,
        "store": False,
        "stream": True,
    }
    same(OpenAIResponses().chat(call, AT), lambda client: client.responses.create(**asked))


def test_embeddings_and_models_are_asked_for_alike() -> None:
    same(
        OpenAIChat().embed("text-embedding-3-small", ["a", "b"], 64, AT),
        lambda client: client.embeddings.create(
            model="text-embedding-3-small", input=["a", "b"], dimensions=64, encoding_format="float"
        ),
    )
    same(OpenAIChat().models(AT), lambda client: client.models.list())


@pytest.mark.parametrize("frames", [streams.PLAIN, streams.TOOLS], ids=["text", "tools"])
def test_streams_of_chat_completions_are_read_alike(frames: Sequence[bytes]) -> None:
    with sse(frames).client() as client:
        chunks = list(client.chat.completions.create(model="m", messages=[], stream=True))
    said = heard(ChatReader(NO_QUIRKS), frames)
    deltas = [choice.delta for chunk in chunks for choice in chunk.choices]
    assert text_of(said) == "".join(delta.content or "" for delta in deltas)
    theirs = [
        (call.index, call.id, call.function and call.function.name, call.function and call.function.arguments)
        for delta in deltas
        for call in delta.tool_calls or ()
    ]
    assert [(one.index, one.id, one.name, one.arguments) for one in said if isinstance(one, ToolCall)] == theirs
    used = [chunk.usage for chunk in chunks if chunk.usage]
    seen = [one.usage for one in said if isinstance(one, UsageSeen)]
    assert [(one.read, one.written) for one in seen] == [(one.prompt_tokens, one.completion_tokens) for one in used]


def test_streams_of_responses_are_read_alike() -> None:
    with sse(response_streams.STREAM).client() as client:
        events = list(client.responses.create(model="m", input="x", stream=True))
    said = heard(ResponsesReader(NO_QUIRKS), response_streams.STREAM)
    ended = events[-1]
    assert isinstance(ended, ResponseCompletedEvent)
    whole = ended.response
    assert text_of(said) == whole.output_text
    calls = [item for item in whole.output if isinstance(item, ResponseFunctionToolCall)]
    assert "".join(one.arguments for one in said if isinstance(one, ToolCall)) == calls[0].arguments
    thoughts = [item for item in whole.output if isinstance(item, ResponseReasoningItem)]
    assert thought_in(said) == "\n\n".join(part.text for item in thoughts for part in item.summary)


def test_our_streams_are_as_they_document_them() -> None:
    for frame in (*streams.PLAIN, *streams.TOOLS):
        if frame != streams.DONE:
            ChatCompletionChunk.model_validate_json(frame)
    ChatCompletion.model_validate_json(streams.body({"content": "x", "refusal": None}, usage=streams.PLAIN_USAGE))
    event: TypeAdapter[ResponseStreamEvent] = TypeAdapter(ResponseStreamEvent)
    for frame in response_streams.STREAM:
        event.validate_json(frame)
    Response.model_validate(response_streams.COMPLETED)


def test_embeddings_are_read_alike() -> None:
    entries = [{"object": "embedding", "index": place, "embedding": [0.5, place + 0.25]} for place in (0, 1)]
    usage = {"prompt_tokens": 4, "total_tokens": 4}
    answer = orjson.dumps({"object": "list", "data": entries, "model": "m", "usage": usage})
    with Wire(answer).client() as client:
        theirs = client.embeddings.create(model="m", input=["a", "b"], encoding_format="float")
    ours = read_embedding(answer)
    assert [list(vector) for vector in ours.vectors] == [entry.embedding for entry in theirs.data]
    assert ours.usage.read == theirs.usage.prompt_tokens


def test_lists_of_models_are_read_alike() -> None:
    entries = [{"id": name, "object": "model", "created": 1, "owned_by": "openai"} for name in ("gpt-6", "gpt-5")]
    answer = orjson.dumps({"object": "list", "data": entries})
    with Wire(answer).client() as client:
        theirs = [model.id for model in client.models.list()]
    assert [model.name for model in read_models(answer)] == theirs
