"""Google's Gemini protocol, as its reference has it: generateContent, its stream, embeddings, counting, models."""

from collections.abc import Callable, Sequence

import orjson

from kontor.billing.usage import Usage
from tests.wire.behaviour import Behaviour
from tests.wire.llm_server import (
    JSON,
    Other,
    Question,
    Request,
    Spoken,
    Streamed,
    Whole,
    count,
    signature_of,
    text_in,
    vector_of,
)

REASONS = {"stop": "STOP", "length": "MAX_TOKENS", "tools": "STOP", "filter": "SAFETY"}
STATUSES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
EMBEDDING = {"batchEmbedContents", "embedContent"}


class Gemini:
    kind = "gemini"
    base_path = "/v1beta"
    key = "AIzaPracticeProviderPracticeProvider012"
    models: Sequence[str] = ("fake", "fake-n200-w20-t5", "fake-think40", "fake-tools", "fake-d256")

    def is_signed(self, request: Request, key: str) -> bool:
        return key in (request.headers.get("x-goog-api-key"), *request.query.get("key", ()))

    def question(self, request: Request) -> Question | None:
        model, deed = named(request.path)
        if request.method != "POST" or deed not in {"generateContent", "streamGenerateContent"}:
            return None
        body = request.json
        contents, options = body["contents"], body.get("generationConfig") or {}
        system = body.get("systemInstruction") or body.get("system_instruction") or {}
        declared = [each for tool in body.get("tools") or () for each in tool.get("functionDeclarations") or ()]
        return Question(
            model=model,
            text="\n".join(filter(None, [text_in(system), *map(text_in, contents)])),
            last=next((text_in(each) for each in reversed(contents) if each.get("role", "user") == "user"), ""),
            is_streamed=deed == "streamGenerateContent",
            max_output=options.get("maxOutputTokens"),
            tools=[
                (each["name"], each.get("parametersJsonSchema") or each.get("parameters") or {}) for each in declared
            ],
            schema=options.get("responseJsonSchema") or options.get("responseSchema"),
            has_tool_result=any("functionResponse" in part for part in contents[-1].get("parts", ())),
            tool_results=sum("functionResponse" in part for content in contents for part in content.get("parts", ())),
            body=body,
        )

    def other(self, request: Request, behave: Callable[[str], Behaviour | None]) -> Whole | Other | None:
        if request.path == "/v1beta/models":
            return as_json({"models": [listed(name) for name in self.models]})
        model, deed = named(request.path)
        if request.method == "GET" and not deed and model:
            return as_json(listed(model)) if behave(model) else None
        if deed == "countTokens":
            asked = request.json
            contents = asked.get("contents") or asked["generateContentRequest"]["contents"]
            return as_json({"totalTokens": count("\n".join(map(text_in, contents)))})
        return embedded(model, deed, request.json, behave) if deed in EMBEDDING else None

    def identity(self, question: Question, number: int) -> str:
        return f"practice{number:08d}"

    def whole(self, question: Question, spoken: Spoken) -> Whole:
        return as_json(answer_of(spoken, parts_of(spoken), is_last=True))

    def streamed(self, question: Question, spoken: Spoken) -> Streamed:
        return stream(spoken)

    def error(self, status: int, message: str, *, code: str = "") -> Whole:
        if code == "invalid_api_key":
            status, message = 400, "API key not valid. Please pass a valid API key."
        if code == "context_length_exceeded":
            message = "The input token count exceeds the maximum number of tokens allowed."
        return Whole(orjson.dumps({"error": error_of(status, message)}), status, "application/json; charset=UTF-8")

    def usage(self, spoken: Spoken, *, thoughts: int, words: int) -> Usage:
        return Usage(input=spoken.input - spoken.cached, cached=spoken.cached, output=words, reasoning=thoughts)


def as_json(document: JSON) -> Whole:
    return Whole(orjson.dumps(document), content_type="application/json; charset=UTF-8")


def named(path: str) -> tuple[str, str]:
    """`/v1beta/models/NAME:DEED`."""
    model, _, deed = path.removeprefix("/v1beta/models/").partition(":")
    return (model, deed) if path.startswith("/v1beta/models/") else ("", "")


def error_of(status: int, message: str) -> JSON:
    return {"code": status, "message": message, "status": STATUSES.get(status, "UNKNOWN")}


def listed(name: str) -> JSON:
    deeds = ["embedContent"] if "-d" in name else ["generateContent", "countTokens", "createCachedContent"]
    return {
        "name": f"models/{name}",
        "version": "001",
        "displayName": f"Practice {name}",
        "description": "Counts, waits and fails on request.",
        "inputTokenLimit": 1_048_576,
        "outputTokenLimit": 65_536,
        "supportedGenerationMethods": deeds,
        "temperature": 1,
        "topP": 0.95,
        "topK": 64,
        "maxTemperature": 2,
        "thinking": "think" in name,
    }


def embedded(model: str, deed: str, body: JSON, behave: Callable[[str], Behaviour | None]) -> Other:
    asked = body["requests"] if deed == "batchEmbedContents" else [body]
    behaviour = behave(model) or Behaviour()
    texts = [text_in(each["content"]) for each in asked]
    vectors = [
        {"values": vector_of(text, int(each.get("outputDimensionality") or behaviour.d))}
        for text, each in zip(texts, asked, strict=True)
    ]
    answer = {"embeddings": vectors} if deed == "batchEmbedContents" else {"embedding": vectors[0]}
    return Other(model, as_json(answer), sum(map(count, texts)))


def usage_of(spoken: Spoken, *, thoughts: int, words: int) -> JSON:
    said: JSON = {
        "promptTokenCount": spoken.input,
        "candidatesTokenCount": words,
        "totalTokenCount": spoken.input + words + thoughts,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": spoken.input}],
    }
    if spoken.cached:
        said["cachedContentTokenCount"] = spoken.cached
        said["cacheTokensDetails"] = [{"modality": "TEXT", "tokenCount": spoken.cached}]
    if thoughts:
        said["thoughtsTokenCount"] = thoughts
    return said


def call_part(spoken: Spoken) -> list[JSON]:
    if not spoken.tool:
        return []
    identity, name, pieces = spoken.tool
    call = {"id": identity, "name": name, "args": orjson.loads("".join(pieces))}
    return [{"functionCall": call, "thoughtSignature": signature_of(spoken.thought, spoken.id)}]


def parts_of(spoken: Spoken) -> list[JSON]:
    thoughts = [{"text": spoken.thought, "thought": True}] if spoken.thoughts else []
    words = [{"text": spoken.text}] if spoken.words or not spoken.tool else []
    return [*thoughts, *words, *call_part(spoken)]


def answer_of(spoken: Spoken, parts: list[JSON], *, is_last: bool, thoughts: int = -1, words: int = -1) -> JSON:
    candidate: JSON = {"content": {"parts": parts, "role": "model"}}
    if is_last:
        candidate["finishReason"] = REASONS[spoken.reason]
        thoughts, words = len(spoken.thoughts), spoken.output
    answer: JSON = {"candidates": [candidate | {"index": 0}]}
    if not spoken.behaviour.nousage:
        answer["usageMetadata"] = usage_of(spoken, thoughts=thoughts, words=words)
    return answer | {"modelVersion": spoken.model, "responseId": spoken.id}


def event(document: JSON) -> bytes:
    return b"data: %b\r\n\r\n" % orjson.dumps(document)


def stream(spoken: Spoken) -> Streamed:
    tokens, thoughts = [], len(spoken.thoughts)
    for number, word in enumerate(spoken.thoughts, 1):
        tokens.append(
            event(answer_of(spoken, [{"text": word, "thought": True}], is_last=False, thoughts=number, words=0))
        )
    for number, word in enumerate(spoken.words, 1):
        tokens.append(event(answer_of(spoken, [{"text": word}], is_last=False, thoughts=thoughts, words=number)))
    if spoken.tool:
        # A call comes in one piece there, whatever it cost to write.
        said = answer_of(spoken, call_part(spoken), is_last=False, thoughts=thoughts, words=spoken.output)
        tokens += [b""] * (len(spoken.tool[2]) - 1) + [event(said)]
    return Streamed(
        content_type="text/event-stream",
        opening=b"",
        tokens=tokens,
        closing=[event(answer_of(spoken, [{"text": ""}], is_last=True))],
        failing=event({"error": error_of(503, "The model is overloaded. Please try again later.")}),
    )
