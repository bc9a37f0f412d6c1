"""Google's Gemini API: what we send, what we make of what comes, and what its own client thinks of both."""

import json
import re
from base64 import b64decode
from collections.abc import Iterator
from typing import Any

import httpx
import orjson
import pytest
from google import genai
from google.genai import types

from kontor.billing.usage import Usage
from kontor.gateway.wire.gemini import QUIRKS, UNSIGNED, Gemini, GeminiReader
from kontor.gateway.wire.port import (
    AnswerSchema,
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
    Reason,
    Reasoning,
    Text,
    ToolCall,
    UsageSeen,
)
from tests.gateway.wire.calls import (
    ASK,
    CITY,
    PAPER,
    PIXEL,
    QUESTION,
    SOUND,
    TOOL_TURN,
    WEATHER,
    Sending,
    asking,
    showing,
)
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

AT = Endpoint("https://generativelanguage.googleapis.com/v1beta", "AIza-key", QUIRKS)
ADAPTER = Gemini()
NEWEST, BUDGETED, OLD, OPEN = "gemini-3.8-flash", "gemini-2.5-flash", "gemini-2.0-flash", "gemma-3-27b-it"
MODELS = (NEWEST, "gemini-3-pro-preview", BUDGETED, OLD, OPEN)
DROPPED, CHANGED = Deed.DROPPED, Deed.CHANGED
SENDING = Sending(ADAPTER, AT, NEWEST)
sent, lost, saying = SENDING.sent, SENDING.lost, SENDING.saying


class Judge:
    """Google's own client, at the other end of which nothing but our bytes is."""

    def __init__(self) -> None:
        self.answer = b""
        self.seen: list[httpx.Request] = []
        transport = httpx.MockTransport(self._respond)
        self.client = genai.Client(
            api_key="AIza-key",
            http_options=types.HttpOptions(api_version="v1beta", httpx_client=httpx.Client(transport=transport)),
        )

    def _respond(self, request: httpx.Request) -> httpx.Response:
        self.seen.append(request)
        is_stream = "alt=sse" in str(request.url)
        return httpx.Response(
            200,
            content=self.answer,
            headers={"content-type": "text/event-stream" if is_stream else "application/json"},
        )

    def reads(self, stream: bytes) -> list[types.GenerateContentResponse]:
        self.answer = stream
        return list(self.client.models.generate_content_stream(model=NEWEST, contents="?"))


@pytest.fixture(scope="module")
def judge() -> Iterator[Judge]:
    judge = Judge()
    yield judge
    judge.client.close()


# --- what is sent: each feature arrives, or is a loss


def generation(body: dict[str, Any]) -> dict[str, Any]:
    config: dict[str, Any] = body["generationConfig"]
    return config


def second_part(body: dict[str, Any]) -> Any:
    return body["contents"][0]["parts"][1]


EVERYWHERE: dict[Feature, Fate] = {
    Feature.STREAM: lambda body: body["contents"],  # the address says it
    Feature.SYSTEM: lambda body: body["systemInstruction"] == {"parts": [{"text": "Speak like a pirate."}]},
    Feature.IMAGE: lambda body: second_part(body) == {"inlineData": {"mimeType": "image/png", "data": PIXEL}},
    Feature.DOCUMENT: lambda body: second_part(body) == {"inlineData": {"mimeType": "application/pdf", "data": PAPER}},
    Feature.AUDIO: lambda body: second_part(body) == {"inlineData": {"mimeType": "audio/wav", "data": SOUND}},
    Feature.TOOLS: lambda body: body["tools"][0]["functionDeclarations"][0]["name"] == "weather_in",
    Feature.TOOL_CHOICE: lambda body: body["toolConfig"] == {"functionCallingConfig": {"mode": "ANY"}},
    Feature.PARALLEL_TOOLS: DROPPED,
    Feature.TOOL_RESULT: lambda body: (
        body["contents"][2]["parts"][0]["functionResponse"]
        == {"name": "weather_in", "response": {"output": "17 degrees and drizzle"}, "id": "call_a1b2c3d4e5f6"}
    ),
    Feature.SCHEMA: lambda body: (
        generation(body)["responseJsonSchema"] == CITY.schema
        and generation(body)["responseMimeType"] == "application/json"
    ),
    Feature.MAX_OUTPUT: lambda body: generation(body)["maxOutputTokens"] == 1234,
    Feature.TEMPERATURE: lambda body: generation(body)["temperature"] == 0.4217,
    Feature.TOP_P: lambda body: generation(body)["topP"] == 0.8713,
    Feature.STOP: lambda body: generation(body)["stopSequences"] == ["ENOUGH"],
    Feature.SEED: lambda body: generation(body)["seed"] == 48611,
    Feature.EFFORT: lambda body: (
        generation(body)["thinkingConfig"] == {"includeThoughts": True, "thinkingLevel": "HIGH"}
    ),
    Feature.REASONING_INPUT: lambda body: (
        body["contents"][1]["parts"] == [{"text": "Seine, so Paris.", "thought": True}, {"text": "Paris."}]
    ),
    Feature.LOGPROBS: lambda body: generation(body)["responseLogprobs"] is True and generation(body)["logprobs"] == 3,
    Feature.CACHE: DROPPED,
    Feature.EXTRA: lambda body: body["penalty_for_nothing"] == 0.1234,
}
# A call of a tool without the thought behind it is refused there unless this is said outright, and so it is noted.
FATES: dict[str, dict[Feature, Fate]] = {
    NEWEST: {**EVERYWHERE, Feature.TOOL_RESULT: lambda body: False},
    "gemini-3-pro-preview": {**EVERYWHERE, Feature.TOOL_RESULT: lambda body: False},
    BUDGETED: {
        **EVERYWHERE,
        Feature.EFFORT: lambda body: (
            generation(body)["thinkingConfig"] == {"includeThoughts": True, "thinkingBudget": 24_576}
        ),
    },
    OLD: {**EVERYWHERE, Feature.EFFORT: DROPPED},
    OPEN: {
        **EVERYWHERE,
        Feature.EFFORT: DROPPED,
        Feature.SYSTEM: CHANGED,
        Feature.SCHEMA: CHANGED,
        Feature.TOOLS: DROPPED,
    },
}
WITHOUT_TOOLS = (Feature.TOOL_CHOICE, Feature.PARALLEL_TOOLS, Feature.TOOL_RESULT)


@pytest.mark.parametrize("feature", list(Feature))
@pytest.mark.parametrize("model", MODELS)
def test_each_feature_arrives_or_is_noted_as_lost(model: str, feature: Feature) -> None:
    call, _ = asking(feature, model)
    prepared = ADAPTER.chat(call, AT)
    if feature is Feature.TOOL_RESULT and model.startswith("gemini-3"):
        assert {loss.feature for loss in prepared.losses} == {Feature.REASONING_INPUT}
        assert sent(call)["contents"][1]["parts"][0]["thoughtSignature"] == UNSIGNED
    elif model == OPEN and feature in WITHOUT_TOOLS:
        assert Feature.TOOLS in {loss.feature for loss in prepared.losses}
    else:
        check_fate(prepared, feature, FATES[model][feature])


def test_the_address_says_whether_it_streams() -> None:
    base = f"https://generativelanguage.googleapis.com/v1beta/models/{NEWEST}"
    streamed, whole = (ADAPTER.chat(saying(is_streamed=is_streamed), AT) for is_streamed in (True, False))
    assert (streamed.url, streamed.framing) == (f"{base}:streamGenerateContent?alt=sse", "sse")
    assert (whole.url, whole.framing) == (f"{base}:generateContent", "json")
    assert ADAPTER.chat(saying(model="tunedModels/a b"), AT).url.endswith(
        "/tunedModels/a%20b:streamGenerateContent?alt=sse"
    )


@pytest.mark.parametrize("feature", [*Feature])
@pytest.mark.parametrize("model", MODELS)
def test_its_own_types_take_each_body(model: str, feature: Feature) -> None:
    """They refuse what they do not know, so a field with another name or place shows here."""
    call, _ = asking(feature, model)
    body = sent(call)
    for content in (*body.pop("contents"), body.pop("systemInstruction", {})):
        types.Content.model_validate_json(orjson.dumps(content))
    types.GenerationConfig.model_validate_json(orjson.dumps(body.pop("generationConfig", {})))
    for tool in body.pop("tools", ()):
        types.Tool.model_validate_json(orjson.dumps(tool))
    types.ToolConfig.model_validate_json(orjson.dumps(body.pop("toolConfig", {})))
    body.pop("penalty_for_nothing", None)
    assert body == {}


def test_its_own_client_sends_the_same(judge: Judge) -> None:
    picture = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}}
    settings = [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}]
    call = saying(
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": ASK}, picture]},
        tools=(WEATHER,),
        tool_choice={"type": "function", "function": {"name": "weather_in"}},
        schema=CITY,
        max_output=100,
        temperature=0.5,
        top_p=0.9,
        stop=("END",),
        seed=7,
        top_logprobs=2,
        effort="low",
        extra={"safetySettings": settings, "generationConfig": {"topK": 20.0}},
    )
    ours = ADAPTER.chat(call, AT)
    judge.answer = b""
    shown = types.Part.from_bytes(data=b64decode(PIXEL), mime_type="image/png")
    list(
        judge.client.models.generate_content_stream(
            model=NEWEST,
            contents=[types.Content(role="user", parts=[types.Part(text=ASK), shown])],
            config=types.GenerateContentConfig(
                system_instruction="Be brief.",
                tools=[types.Tool(function_declarations=[declared()])],
                tool_config=types.ToolConfig(
                    function_calling_config=types.FunctionCallingConfig(
                        mode=types.FunctionCallingConfigMode.ANY, allowed_function_names=["weather_in"]
                    )
                ),
                response_mime_type="application/json",
                response_json_schema=CITY.schema,
                max_output_tokens=100,
                temperature=0.5,
                top_p=0.9,
                top_k=20,
                stop_sequences=["END"],
                seed=7,
                response_logprobs=True,
                logprobs=2,
                thinking_config=types.ThinkingConfig(include_thoughts=True, thinking_level=types.ThinkingLevel.LOW),
                safety_settings=[types.SafetySetting.model_validate(one) for one in settings],
                automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
            ),
        )
    )
    theirs = judge.seen.pop()
    body = camel(orjson.loads(theirs.content))
    body["systemInstruction"].pop("role", None)  # it says "user", which is of no account
    assert orjson.loads(ours.body) == body
    assert str(theirs.url) == ours.url
    assert theirs.headers["x-goog-api-key"] == ours.headers["x-goog-api-key"]


def camel(document: Any) -> Any:
    """Google takes both spellings of a name, and its client mixes them."""
    if isinstance(document, dict):
        return {re.sub(r"_(.)", lambda at: at[1].upper(), key): camel(value) for key, value in document.items()}
    return [camel(one) for one in document] if isinstance(document, list) else document


def declared() -> types.FunctionDeclaration:
    function = WEATHER["function"]
    assert isinstance(function, dict)
    return types.FunctionDeclaration(
        name=function["name"], description=function["description"], parameters_json_schema=function["parameters"]
    )


@pytest.mark.parametrize(
    ("model", "effort", "thinking"),
    [
        (NEWEST, None, {"includeThoughts": True}),
        (NEWEST, "medium", {"includeThoughts": True, "thinkingLevel": "MEDIUM"}),
        ("gemini-3.6-flash", "minimal", {"includeThoughts": True, "thinkingLevel": "MINIMAL"}),
        ("gemini-3.1-flash-lite", "minimal", {"includeThoughts": True, "thinkingLevel": "MINIMAL"}),
        (BUDGETED, "none", {"includeThoughts": False, "thinkingBudget": 0}),
        ("gemini-2.5-pro", "low", {"includeThoughts": True, "thinkingBudget": 2048}),
        ("gemini-2.5-flash-image", None, None),
        ("gemini-3.1-flash-tts", None, None),
        (OLD, None, None),
    ],
)
def test_each_generation_is_told_to_think_in_its_own_way(
    model: str, effort: str | None, thinking: dict[str, Any] | None
) -> None:
    call = saying(model=model, effort=effort)
    assert sent(call).get("generationConfig", {}).get("thinkingConfig") == thinking
    assert lost(call) == {}


@pytest.mark.parametrize(
    ("model", "effort", "level"),
    [
        (NEWEST, "minimal", "LOW"),
        (NEWEST, "none", "LOW"),
        ("gemini-3-pro-preview", "medium", "LOW"),
        (NEWEST, "max", "HIGH"),
    ],
)
def test_an_effort_that_is_not_offered_is_the_nearest_that_is(model: str, effort: str, level: str) -> None:
    call = saying(model=model, effort=effort)
    assert generation(sent(call))["thinkingConfig"]["thinkingLevel"] == level
    assert lost(call) == {Feature.EFFORT: CHANGED}


@pytest.mark.parametrize(
    ("asked", "written"),
    [
        ("auto", {"mode": "AUTO"}),
        ("none", {"mode": "NONE"}),
        ("required", {"mode": "ANY"}),
        (
            {"type": "function", "function": {"name": "weather_in"}},
            {"mode": "ANY", "allowedFunctionNames": ["weather_in"]},
        ),
        (
            {
                "type": "allowed_tools",
                "allowed_tools": {"mode": "auto", "tools": [{"type": "function", "function": {"name": "weather_in"}}]},
            },
            {"mode": "VALIDATED", "allowedFunctionNames": ["weather_in"]},
        ),
    ],
)
def test_the_choice_of_tools(asked: object, written: dict[str, Any]) -> None:
    call = saying(tools=(WEATHER,), tool_choice=asked)
    assert sent(call)["toolConfig"]["functionCallingConfig"] == written
    assert lost(call) == {}


def test_a_schema_keeps_what_is_known_there_and_names_the_rest() -> None:
    schema = {
        "type": "object",
        "properties": {
            "name": {"type": "string", "maxLength": 40, "pattern": "^[A-Z]"},
            "age": {"type": "integer", "minimum": 0, "exclusiveMaximum": 150},
            "kind": {"const": "person"},
            "who": {"$ref": "#/definitions/person", "title": "Who"},
            "either": {"oneOf": [{"type": "string"}, {"type": "null"}]},
            "title": {"type": "string"},  # a property may have the name of a keyword
        },
        "definitions": {"person": {"type": "object", "properties": {"not": {"type": "string"}}, "not": {}}},
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "default": {},
    }
    call = saying(schema=AnswerSchema("form", schema))
    written = generation(sent(call))["responseJsonSchema"]
    assert written["properties"]["name"] == {"type": "string"}
    assert written["properties"]["age"] == {"type": "integer", "minimum": 0}
    assert written["properties"]["kind"] == {"enum": ["person"]}
    assert written["properties"]["who"] == {"$ref": "#/$defs/person"}
    assert written["properties"]["either"] == {"oneOf": [{"type": "string"}, {"type": "null"}]}
    assert written["properties"]["title"] == {"type": "string"}
    assert written["$defs"]["person"] == {"type": "object", "properties": {"not": {"type": "string"}}}
    detail = "without exclusiveMaximum, maxLength, not, pattern"
    assert ADAPTER.chat(call, AT).losses == (Loss(Feature.SCHEMA, CHANGED, detail),)


def test_a_schema_and_tools_are_together_only_in_newer_models() -> None:
    assert lost(saying(schema=CITY, tools=(WEATHER,))) == {}
    older = saying(model=BUDGETED, schema=CITY, tools=(WEATHER,))
    assert lost(older) == {Feature.SCHEMA: CHANGED}
    assert "responseMimeType" not in sent(older)["generationConfig"]
    assert orjson.dumps(CITY.schema).decode() in sent(older)["systemInstruction"]["parts"][0]["text"]


def test_signatures_go_back_on_the_part_that_they_came_with() -> None:
    said = read(GeminiReader(NEWEST), frames_of(SIGNED, "sse"))
    parts = [
        {"type": "reasoning", "text": one.text, "signature": one.signature}
        if isinstance(one, Reasoning)
        else {"type": "text", "text": one.text}
        for one in said
        if isinstance(one, Reasoning | Text)
    ]
    calls = [
        {"id": own_id, "type": "function", "function": {"name": name, "arguments": orjson.dumps(arguments).decode()}}
        for own_id, name, arguments in calls_of(said)
    ]
    results = [{"role": "tool", "tool_call_id": call["id"], "content": "12"} for call in calls]
    call = saying(QUESTION, {"role": "assistant", "content": parts, "tool_calls": calls}, *results, tools=(WEATHER,))
    assert sent(call)["contents"][1]["parts"] == [
        {"text": "Where is it?", "thought": True},
        {"text": "I look.", "thoughtSignature": "dGV4dA=="},
        {
            "functionCall": {"name": "weather_in", "args": {"place": "Paris"}, "id": "c1"},
            "thoughtSignature": "Y2FsbA==",
        },
        {"functionCall": {"name": "weather_in", "args": {"place": "Ulm"}, "id": "c2"}},
    ]
    assert lost(call) == {}
    elsewhere = Call(model="gemini-3.5-flash", messages=call.messages, tools=(WEATHER,))
    assert UNSIGNED in ADAPTER.chat(elsewhere, AT).body.decode()
    assert {loss.deed for loss in ADAPTER.chat(elsewhere, AT).losses} == {DROPPED, CHANGED}
    assert b"Y2FsbA==" not in ADAPTER.chat(elsewhere, AT).body


def test_calls_before_the_person_last_spoke_need_no_signature() -> None:
    answered = {"role": "assistant", "content": "17 degrees."}
    call = saying(*TOOL_TURN, answered, {"role": "user", "content": "And in Ulm?"}, tools=(WEATHER,))
    assert lost(call) == {}


def test_what_another_protocol_signed_is_not_shown_to_it() -> None:
    thought = {"type": "reasoning", "text": "Hm.", "signature": "anthropic|claude-opus-5|thinking|c2lnbmVk"}
    call = saying(QUESTION, {"role": "assistant", "content": [thought, {"type": "text", "text": "Paris."}]}, QUESTION)
    assert lost(call) == {Feature.REASONING_INPUT: DROPPED}
    assert sent(call)["contents"][1]["parts"] == [{"text": "Paris."}]


def test_results_of_tools_keep_their_text_and_their_pictures() -> None:
    picture = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}}
    answer = {
        "role": "tool",
        "tool_call_id": "call_a1b2c3d4e5f6",
        "content": [{"type": "text", "text": "9007199254740993"}, picture],
    }
    response = sent(saying(*TOOL_TURN[:2], answer, tools=(WEATHER,)))["contents"][2]["parts"][0]["functionResponse"]
    assert response["response"] == {"output": "9007199254740993"}  # as a number it would be rounded there
    assert response["parts"] == [{"inlineData": {"mimeType": "image/png", "data": PIXEL}}]
    assert lost(saying(*TOOL_TURN[:2], answer, model=BUDGETED, tools=(WEATHER,))) == {Feature.TOOL_RESULT: DROPPED}


def test_no_schema_is_too_odd_to_be_sent() -> None:
    for schema in odd_schemas():
        assert ADAPTER.chat(saying(schema=AnswerSchema("odd", schema), tools=(WEATHER,)), AT).body


@pytest.mark.parametrize(
    ("part", "feature"),
    [
        ({"type": "image_url", "image_url": {"url": "data:image/gif;base64,R0lG"}}, Feature.IMAGE),
        ({"type": "file", "file": {"file_data": "data:application/zip;base64,UEsD"}}, Feature.DOCUMENT),
        ({"type": "file", "file": {"file_id": "file-of-another"}}, Feature.DOCUMENT),
        ({"type": "video_url", "video_url": {"url": "https://example.org/a.mp4"}}, Feature.EXTRA),
    ],
)
def test_what_it_cannot_look_at_is_noted(part: dict[str, Any], feature: Feature) -> None:
    assert lost(Call(model=NEWEST, **showing(**part))) == {feature: DROPPED}


def test_addresses_are_passed_on_with_their_kind() -> None:
    image = {"type": "image_url", "image_url": {"url": "https://example.org/a.webp?size=2"}}
    paper = {"type": "file", "file": {"file_data": "https://example.org/paper"}}
    parts = sent(saying({"role": "user", "content": [image, paper]}))["contents"][0]["parts"]
    assert parts == [
        {"fileData": {"fileUri": "https://example.org/a.webp?size=2", "mimeType": "image/webp"}},
        {"fileData": {"fileUri": "https://example.org/paper", "mimeType": "application/pdf"}},
    ]


def test_no_bag_changes_what_rights_and_prices_lean_on() -> None:
    bag = {"contents": [], "generationConfig": {"maxOutputTokens": 10**6, "candidateCount": 8, "topK": 3}}
    prepared = ADAPTER.chat(saying(max_output=10, extra=bag), AT)
    body = orjson.loads(prepared.body)
    assert body["contents"]
    assert (body["generationConfig"]["maxOutputTokens"], body["generationConfig"]["topK"]) == (10, 3)
    assert "candidateCount" not in body["generationConfig"]
    assert {loss.detail for loss in prepared.losses} == {
        "contents",
        "generationConfig.maxOutputTokens",
        "generationConfig.candidateCount",
    }


def test_only_so_many_stops() -> None:
    call = saying(stop=tuple("abcdef"))
    assert generation(sent(call))["stopSequences"] == list("abcde")
    assert lost(call) == {Feature.STOP: CHANGED}


# --- what comes


def pieces(*documents: dict[str, Any]) -> bytes:
    return b"".join(b"data: " + orjson.dumps(document) + b"\r\n\r\n" for document in documents)


def piece(*parts: dict[str, Any], **beside: Any) -> dict[str, Any]:
    usage = beside.pop("usageMetadata", None)
    candidate = {"content": {"parts": list(parts), "role": "model"}, "index": 0, **beside}
    document = {"candidates": [candidate], "modelVersion": NEWEST, "responseId": "r1"}
    return {**document, "usageMetadata": usage} if usage else document


FIRST = {"promptTokenCount": 1200, "totalTokenCount": 1200}
USED = {
    "promptTokenCount": 1200,
    "candidatesTokenCount": 30,
    "thoughtsTokenCount": 50,
    "cachedContentTokenCount": 1000,
    "toolUsePromptTokenCount": 5,
    "totalTokenCount": 1285,
    "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 800}, {"modality": "IMAGE", "tokenCount": 400}],
    "cacheTokensDetails": [{"modality": "TEXT", "tokenCount": 700}, {"modality": "IMAGE", "tokenCount": 300}],
}
PLAIN = pieces(
    piece({"text": "Par"}, usageMetadata=FIRST),
    piece({"text": "is – am Fluß."}, finishReason="STOP", usageMetadata=USED),
)
SIGNED = pieces(
    piece({"text": "Where is it?", "thought": True}),
    piece({"text": "I look.", "thoughtSignature": "dGV4dA=="}),
    piece(
        {
            "functionCall": {"id": "c1", "name": "weather_in", "args": {"place": "Paris"}},
            "thoughtSignature": "Y2FsbA==",
        },
        {"functionCall": {"id": "c2", "name": "weather_in", "args": {"place": "Ulm"}}},
    ),
    piece({"text": ""}, finishReason="STOP", usageMetadata=USED),
)


def test_what_was_drawn_is_counted_apart_and_how_it_was_served_is_told() -> None:
    drawn = [{"modality": "TEXT", "tokenCount": 5}, {"modality": "IMAGE", "tokenCount": 1290}]
    used = {"promptTokenCount": 9, "candidatesTokenCount": 1295, "candidatesTokensDetails": drawn}
    for traffic, service in (("ON_DEMAND_FLEX", "flex"), ("ON_DEMAND", "standard"), ("NEW", None), (None, None)):
        body = pieces(piece({"text": "."}, finishReason="STOP", usageMetadata={**used, "trafficType": traffic}))
        seen = last(read(GeminiReader(NEWEST), frames_of(body, "sse")), UsageSeen)
        assert seen == UsageSeen(Usage(input=9, output=5, image_out=1290), service=service)


WEB = {"web": {"uri": "https://example.org/paris", "title": "Paris"}}
BESIDE = pieces(
    piece(
        {"text": "Paris"},
        logprobsResult={
            "chosenCandidates": [{"token": "Paris", "tokenId": 7, "logProbability": -0.1}],
            "topCandidates": [
                {"candidates": [{"token": "Paris", "logProbability": -0.1}, {"token": "Rome", "logProbability": -2.5}]}
            ],
        },
        groundingMetadata={"groundingChunks": [WEB, WEB]},
        citationMetadata={"citations": [{"uri": "https://example.org/seine", "startIndex": 0}]},
        finishReason="STOP",
    )
)
STREAMS = {"plain": PLAIN, "signed": SIGNED, "beside": BESIDE}


@pytest.mark.parametrize("stream", STREAMS.values(), ids=STREAMS)
def test_its_own_client_reads_our_streams_as_we_do(judge: Judge, stream: bytes) -> None:
    said = read(GeminiReader(NEWEST), frames_of(stream, "sse"))
    chunks = judge.reads(stream)
    parts = [
        part for chunk in chunks for one in chunk.candidates or () if one.content for part in one.content.parts or ()
    ]
    assert text_of(said) == "".join(part.text or "" for part in parts if not part.thought)
    assert thoughts_of(said) == "".join(part.text or "" for part in parts if part.thought)
    assert calls_of(said) == [
        (part.function_call.id, part.function_call.name, part.function_call.args)
        for part in parts
        if part.function_call
    ]
    assert last(said, Named) == Named(chunks[-1].response_id, chunks[-1].model_version)
    if used := chunks[-1].usage_metadata:
        usage = last(said, UsageSeen).usage
        assert usage.read + usage.written == used.total_token_count


def test_a_stream_as_said() -> None:
    assert read(GeminiReader(NEWEST), frames_of(PLAIN, "sse")) == [
        Named("r1", NEWEST),
        Text("Par"),
        UsageSeen(Usage(input=1200)),
        Text("is – am Fluß."),
        UsageSeen(Usage(input=105, cached=1000, image=100, output=30, reasoning=50)),
        Finished(Reason.STOP),
    ]


def test_calls_come_whole_and_each_is_signed_before() -> None:
    said = read(GeminiReader(NEWEST), frames_of(SIGNED, "sse"))
    calls = [one for one in said if isinstance(one, ToolCall)]
    assert calls == [
        ToolCall(0, "c1", "weather_in", '{"place":"Paris"}'),
        ToolCall(1, "c2", "weather_in", '{"place":"Ulm"}'),
    ]
    assert said[said.index(calls[0]) - 1] == Reasoning("", f"gemini|{NEWEST}|call0|Y2FsbA==")
    assert last(said, Finished) == Finished(Reason.TOOLS)


def test_calls_without_an_id_get_one_that_no_other_turn_has() -> None:
    frame = orjson.dumps({"candidates": [{"content": {"parts": [{"functionCall": {"name": "now"}}] * 2}}]})
    ids = [own_id for _ in range(2) for own_id, _, _ in calls_of(read(GeminiReader(OLD), [frame]))]
    assert len(set(ids)) == 4


def test_what_stands_beside_the_text() -> None:
    said = read(GeminiReader(NEWEST), frames_of(BESIDE, "sse"))
    (token,) = last(said, Logprobs).items
    assert token == {
        "token": "Paris",
        "logprob": -0.1,
        "bytes": list(b"Paris"),
        "top_logprobs": [
            {"token": "Paris", "logprob": -0.1, "bytes": list(b"Paris")},
            {"token": "Rome", "logprob": -2.5, "bytes": list(b"Rome")},
        ],
    }
    assert [one for one in said if isinstance(one, Cited)] == [
        Cited("https://example.org/paris", "Paris"),
        Cited("https://example.org/seine"),
    ]


@pytest.mark.parametrize(
    ("name", "message", "finished"),
    [
        ("STOP", None, Finished(Reason.STOP)),
        ("MAX_TOKENS", None, Finished(Reason.LENGTH)),
        ("SAFETY", None, Finished(Reason.FILTERED, "SAFETY")),
        ("RECITATION", "Too close to a source.", Finished(Reason.FILTERED, "RECITATION: Too close to a source.")),
        ("PROHIBITED_CONTENT", None, Finished(Reason.FILTERED, "PROHIBITED_CONTENT")),
        ("OF_A_LATER_DAY", None, Finished(Reason.STOP, "OF_A_LATER_DAY")),
    ],
)
def test_reasons_to_end(name: str, message: str | None, finished: Finished) -> None:
    said = read(
        GeminiReader(NEWEST), frames_of(pieces(piece({"text": "P"}, finishReason=name, finishMessage=message)), "sse")
    )
    assert last(said, Finished) == finished


def test_a_call_that_the_model_broke_is_a_failure_worth_another_try() -> None:
    stream = pieces(piece(finishReason="MALFORMED_FUNCTION_CALL", finishMessage="Malformed: weather_in("))
    failure = last(read(GeminiReader(NEWEST), frames_of(stream, "sse")), Failed)
    assert failure.is_passing
    assert "Malformed" in failure.message


def test_a_question_that_is_refused_has_an_end_and_a_reason() -> None:
    stream = pieces({"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": FIRST, "modelVersion": NEWEST})
    said = read(GeminiReader(NEWEST), frames_of(stream, "sse"))
    assert last(said, Finished) == Finished(Reason.FILTERED, "the question was refused: SAFETY")
    assert last(said, UsageSeen).usage == Usage(input=1200)


def test_an_error_in_mid_stream_is_a_failure_after_the_text() -> None:
    error = {"error": {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}}
    beside = json.dumps(error, indent=2).encode() + b"\n"  # how Google itself ends a stream that breaks
    for tail in (pieces(error), pieces([error]), beside):  # type: ignore[arg-type]
        said = read(GeminiReader(NEWEST), frames_of(pieces(piece({"text": "Par"})) + tail, "sse"))
        assert text_of(said) == "Par"
        failure = last(said, Failed)
        assert (failure.status, failure.is_passing) == (503, True)


def test_usage_may_be_missing_or_nonsense() -> None:
    without = read(GeminiReader(NEWEST), frames_of(pieces(piece({"text": "P"}, finishReason="STOP")), "sse"))
    assert not any(isinstance(one, UsageSeen) for one in without)
    nonsense = {
        "promptTokenCount": 10,
        "cachedContentTokenCount": 99,
        "candidatesTokenCount": -3,
        "promptTokensDetails": [{}],
    }
    strange = read(GeminiReader(NEWEST), frames_of(pieces(piece({"text": "P"}, usageMetadata=nonsense)), "sse"))
    assert last(strange, UsageSeen).usage == Usage(cached=10)  # never more than the prompt, and never less than nothing


def test_sound_has_classes_of_its_own() -> None:
    used = {
        "promptTokenCount": 100,
        "candidatesTokenCount": 40,
        "promptTokensDetails": [{"modality": "AUDIO", "tokenCount": 60}, {"modality": "TEXT", "tokenCount": 40}],
        "candidatesTokensDetails": [{"modality": "AUDIO", "tokenCount": 30}],
    }
    said = read(GeminiReader(NEWEST), frames_of(pieces(piece({"text": "P"}, usageMetadata=used)), "sse"))
    assert last(said, UsageSeen).usage == Usage(input=40, audio_in=60, output=10, audio_out=30)


def test_what_is_no_text_but_was_paid_for_is_not_lost() -> None:
    stream = pieces(
        piece({"inlineData": {"mimeType": "image/png", "data": PIXEL}}),
        piece({"executableCode": {"language": "PYTHON", "code": "print(1)"}}),
        piece({"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1"}}),
        piece({"hologram": {"depth": 3}}, finishReason="STOP"),
    )
    said = read(GeminiReader(NEWEST), frames_of(stream, "sse"))
    assert text_of(said) == f"![](data:image/png;base64,{PIXEL})\n```python\nprint(1)\n```\n\n```text\n1\n```\n"
    assert last(said, Finished).reason is Reason.STOP


@pytest.mark.parametrize("stream", STREAMS.values(), ids=STREAMS)
def test_no_frame_is_too_hostile(stream: bytes) -> None:
    check_hostile(lambda: GeminiReader(NEWEST), frames_of(stream, "sse"))


@pytest.mark.parametrize("stream", STREAMS.values(), ids=STREAMS)
def test_a_cut_stream_has_not_ended(stream: bytes) -> None:
    check_cut(lambda: GeminiReader(NEWEST), frames_of(stream, "sse"))


# --- embeddings, errors, models


def test_embeddings_are_asked_for_as_its_own_client_does(judge: Judge) -> None:
    judge.answer = orjson.dumps({"embeddings": [{"values": [0.5, 0.25]}, {"values": [0.0, 1.0]}]})
    theirs = judge.client.models.embed_content(
        model="gemini-embedding-001",
        contents=["one", "two"],
        config=types.EmbedContentConfig(output_dimensionality=2),
    )
    request = judge.seen.pop()
    ours = ADAPTER.embed("gemini-embedding-001", ["one", "two"], 2, AT)
    assert orjson.loads(ours.body) == orjson.loads(request.content)
    assert ours.url == str(request.url)
    read_by_us = ADAPTER.read_embedding(judge.answer)
    assert [list(vector) for vector in read_by_us.vectors] == [one.values for one in theirs.embeddings or ()]
    assert read_by_us.usage == Usage()
    used = orjson.dumps({"embeddings": [], "usageMetadata": {"promptTokenCount": 6}})
    assert ADAPTER.read_embedding(used).usage == Usage(input=6)


@pytest.mark.parametrize(
    ("status", "name", "message", "code", "is_passing"),
    [
        (400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.", "key_refused", False),
        (
            400,
            "INVALID_ARGUMENT",
            "The input token count (2000000) exceeds the maximum number of tokens allowed (1048576).",
            "context_too_long",
            False,
        ),
        (400, "INVALID_ARGUMENT", 'Unknown name "foo"', "refused_by_provider", False),
        (403, "PERMISSION_DENIED", "Permission denied", "key_refused", False),
        (404, "NOT_FOUND", "models/gemini-9 is not found for API version v1beta", "model_not_found", False),
        (429, "RESOURCE_EXHAUSTED", "Resource has been exhausted", "provider_busy", True),
        (500, "INTERNAL", "An internal error has occurred", "provider_failed", True),
        (503, "UNAVAILABLE", "The model is overloaded. Please try again later.", None, True),
    ],
)
def test_errors(status: int, name: str, message: str, code: str | None, is_passing: bool) -> None:
    error = {"error": {"code": status, "message": message, "status": name}}
    for body in (error, [error]):  # a stream's error comes as a list
        failure = ADAPTER.failure(status, orjson.dumps(body))
        assert (failure.status, failure.is_passing) == (status, is_passing)
        assert code in (None, failure.code)


@pytest.mark.parametrize(
    ("details", "seconds"),
    [
        ([{"@type": "QuotaFailure"}, {"@type": "RetryInfo", "retryDelay": "37s"}], 37.0),
        ([{"retryDelay": "0.5s"}], 0.5),
        ([{"retryDelay": "soon"}], None),
        ([{"retryDelay": "nan"}], None),
        ([{"retryDelay": "-1s"}], None),
        ([], None),
        ([{"retryDelay": 5}], None),
        ([7], None),
        (None, None),
    ],
)
def test_how_long_to_wait_stands_in_the_error(details: object, seconds: float | None) -> None:
    error = {"code": 429, "message": "Quota exceeded", "status": "RESOURCE_EXHAUSTED", "details": details}
    failure = ADAPTER.failure(429, orjson.dumps({"error": error}))
    assert (failure.retry_after, failure.is_passing) == (seconds, True)


def test_the_list_of_models() -> None:
    chat = {
        "name": f"models/{NEWEST}",
        "displayName": "Gemini 3.8 Flash",
        "inputTokenLimit": 1_048_576,
        "outputTokenLimit": 65_536,
        "supportedGenerationMethods": ["generateContent", "countTokens"],
        "thinking": True,
    }
    vectors = {
        "name": "models/gemini-embedding-001",
        "inputTokenLimit": 2048,
        "supportedGenerationMethods": ["embedContent", "countTextTokens"],
    }
    pictures = {"name": "models/imagen-4", "supportedGenerationMethods": ["predict"]}
    first, second = ADAPTER.read_models(orjson.dumps({"models": [chat, vectors, pictures]}))
    assert (first.name, first.label, first.context_total, first.max_output) == (
        NEWEST,
        "Gemini 3.8 Flash",
        1_048_576,
        65_536,
    )
    assert first.gives == frozenset({"text"})
    assert first.features is not None and Feature.EFFORT in first.features and Feature.CACHE not in first.features
    assert (second.name, second.takes, second.gives) == (
        "gemini-embedding-001",
        frozenset({"text"}),
        frozenset({"vector"}),
    )
    assert ADAPTER.read_models(b"{}") == []
