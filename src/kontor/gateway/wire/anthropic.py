"""Anthropic's Messages API: blocks instead of messages, a limit that must be named, and thoughts that are signed.

What the models differ in (how they are told to think, whether a tool can be forced on them, whether their choice of
words can be steered) stands in `MODELS` as data, for `quirks.py`.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final, Literal

import orjson

from kontor.billing.usage import Usage
from kontor.gateway.wire import faults, parts
from kontor.gateway.wire.frames import DONE
from kontor.gateway.wire.losses import Losses
from kontor.gateway.wire.openai_usage import service_of
from kontor.gateway.wire.parts import Object, Seal, count
from kontor.gateway.wire.port import (
    JSON,
    AnswerSchema,
    Call,
    Cited,
    Embedded,
    Endpoint,
    Failed,
    Feature,
    Finished,
    Listed,
    ModelQuirks,
    Named,
    NotOffered,
    Prepared,
    Quirks,
    Reader,
    Reason,
    Reasoning,
    Said,
    Text,
    ToolCall,
    UsageSeen,
)

PROTOCOL: Final = "anthropic"
VERSION: Final = "2026-10-21"
STEERABLE: Final = "2023-06-01"  # the last in which models that still can be steered can be, and all that others know
STEERING: Final = frozenset({"temperature", "top_p", "top_k"})
OPENAI_PATH: Final = Quirks().chat_path
IMAGES: Final = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp"})
MOST_MARKS: Final = 4
SMALLEST_BUDGET: Final = 1024
OUTPUT_UNKNOWN: Final = 4096  # what every model takes

# --- how the models differ

ADAPTIVE: Final = {"type": "adaptive", "display": "summarized"}
OFF: Final = {"thinking": {"type": "disabled"}}
SAMPLING: Final = frozenset({Feature.TEMPERATURE, Feature.TOP_P})
FORCED: Final = frozenset({Feature.TOOL_CHOICE})


def _adaptive(*levels: str) -> dict[str, JSON]:
    return {level: {"thinking": ADAPTIVE, "output_config": {"effort": level}} for level in levels}


def _budgets(**tokens: int) -> dict[str, JSON]:
    return {level: {"thinking": {"type": "enabled", "budget_tokens": number}} for level, number in tokens.items()}


LEVELS: Final = _adaptive("low", "medium", "high", "xhigh", "max")
BUDGETS: Final = {"none": {}, **_budgets(minimal=1024, low=4096, medium=12_288, high=24_576, xhigh=32_768)}
# For models of others behind this protocol: they take no native schema that one could rely on.
OF_OTHERS: Final = {**BUDGETS, "none": OFF}
MODELS: Final = (
    # The newest, and so the ones to come: they think as they see fit, and nothing is forced on them or steered.
    ModelQuirks(
        "claude",
        refused=SAMPLING | FORCED,
        changes={"efforts": LEVELS, "schema_mode": "json_schema", "default_output": 64_000},
    ),
    # They think unasked, but without these words one would not see it.
    ModelQuirks(r"claude-(fable|mythos|(opus|sonnet|haiku)-[5-9])", fixed={"thinking": ADAPTIVE}),
    ModelQuirks(r"claude-sonnet-5-5", changes={"efforts": {**LEVELS, "none": {"thinking": {"type": "between_tools"}}}}),
    ModelQuirks(
        r"claude-(opus-5(?!-5)|sonnet-5(?!-5)|haiku-5)",
        taken=FORCED,
        changes={"efforts": {**LEVELS, "none": OFF}, "refused_with_effort": FORCED},
    ),
    ModelQuirks(
        r"claude-opus-4-[78]",
        taken=FORCED,
        changes={"efforts": {**LEVELS, "none": {}}, "refused_with_effort": FORCED},
    ),
    ModelQuirks(
        r"claude-(opus|sonnet)-4-6",
        taken=SAMPLING | FORCED,
        changes={
            "efforts": {**_adaptive("low", "medium", "high", "max"), "none": {}},
            "refused_with_effort": SAMPLING | FORCED,
        },
    ),
    ModelQuirks(
        r"claude-((opus|sonnet|haiku)-4-([015](?!\d)|20)|3-7)",
        taken=SAMPLING | FORCED,
        changes={
            "efforts": BUDGETS,
            "refused_with_effort": SAMPLING | FORCED,
            "default_output": 32_000,
            "takes_prefill": True,
        },
    ),
    ModelQuirks(
        r"claude-(3-(5|haiku|opus|sonnet)|2|instant)",
        taken=SAMPLING | FORCED,
        changes={"efforts": {}, "default_output": OUTPUT_UNKNOWN, "takes_prefill": True},
    ),
    ModelQuirks(r"claude-(3|2|instant|(opus|sonnet)-4-(0(?!\d)|20)\d*$)", changes={"schema_mode": "none"}),
)
QUIRKS: Final = Quirks(
    auth="x-api-key",
    chat_path="/messages",
    cache="cache_control",
    schema_mode="none",
    efforts=OF_OTHERS,
    refused=frozenset({Feature.SEED, Feature.LOGPROBS, Feature.AUDIO}),
    of_models=MODELS,
)

# --- what a schema may hold to

KEYWORDS: Final = frozenset(
    {
        *("type", "enum", "const", "anyOf", "allOf", "$ref", "$defs", "definitions", "default", "title", "description"),
        *("properties", "required", "additionalProperties", "items", "format", "pattern", "minItems"),
    }
)
SHAPES: Final = frozenset({"type", "enum", "const", "anyOf", "oneOf", "allOf", "$ref"})
FORMATS: Final = frozenset(
    {"date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid"}
)
BEYOND_PATTERNS: Final = re.compile(r"\\[bB1-9]|\(\?")


def _strict(level: Object, missed: set[str]) -> None:
    """One level of a schema as Anthropic takes it."""
    if "oneOf" in level:
        level.setdefault("anyOf", level.pop("oneOf"))
        missed.add("oneOf")
    if level.get("type") == "object" or "properties" in level:
        if level.get("additionalProperties", False) is not False:
            missed.add("additionalProperties")
        level["additionalProperties"] = False
    if level.get("minItems", 0) not in (0, 1):
        missed.add("minItems")
        level["minItems"] = 1
    if level.get("format", "date") not in FORMATS:
        missed.add("format")
        del level["format"]
    if BEYOND_PATTERNS.search(str(level.get("pattern", ""))):
        missed.add("pattern")
        del level["pattern"]


class Anthropic:
    protocol = PROTOCOL

    def chat(self, call: Call, at: Endpoint) -> Prepared:
        quirks = at.quirks.for_model(call.model)
        losses = Losses(quirks.refused)
        if call.schema is not None and _way(call.schema, quirks) == "words":
            call = parts.in_words(call, call.schema, losses)
        call = parts.without(call, quirks.refused - FORCED, losses)
        body = _Writer(call, quirks, losses).body()
        return Prepared(
            "POST",
            at.base_url + _path(quirks),
            _headers(at, VERSION if "claude" in call.model and not STEERING & body.keys() else STEERABLE),
            orjson.dumps(body),
            "sse" if body.get("stream") else "json",
            losses.noted,
        )

    def reader(self, call: Call, at: Endpoint) -> Reader:
        schema = call.schema
        if schema is None or _way(schema, at.quirks.for_model(call.model)) != "tool":
            return AnthropicReader(call.model)
        return AnthropicReader(call.model, schema.name)

    def embed(self, model: str, texts: Sequence[str], dimensions: int | None, at: Endpoint) -> Prepared:
        raise NotOffered("Anthropic has no embeddings.")

    def read_embedding(self, body: bytes) -> Embedded:
        raise NotOffered("Anthropic has no embeddings.")

    def models(self, at: Endpoint) -> Prepared:
        return Prepared("GET", at.base_url + "/models?limit=1000", _headers(at, STEERABLE), b"", "json")

    def read_models(self, body: bytes) -> Sequence[Listed]:
        return [_listed(model) for model in orjson.loads(body)["data"]]

    def failure(self, status: int, body: bytes) -> Failed:
        return faults.failed_by_body(status, body)


def _headers(at: Endpoint, version: str) -> Mapping[str, str]:
    return {"anthropic-version": version, **parts.headers_for(at)}


def _path(quirks: Quirks) -> str:
    """A row that names none means its protocol's own, and not OpenAI's."""
    return "/messages" if quirks.chat_path == OPENAI_PATH else quirks.chat_path


def _way(schema: AnswerSchema, quirks: Quirks) -> Literal["native", "tool", "words"]:
    """Where no such schema is taken, a tool is forced whose input is the answer; where none can be, words must do."""
    if Feature.SCHEMA in quirks.refused:
        return "words"
    if quirks.schema_mode == "json_schema" and not parts.is_recursive(schema.schema) and not _is_open(schema.schema):
        return "native"
    return "words" if Feature.TOOL_CHOICE in quirks.refused else "tool"


def _is_open(schema: JSON) -> bool:
    """Whether somewhere anything goes. There nothing would: objects have only the properties that are named."""
    return any(
        not level.get("properties") and level.get("additionalProperties") is not False
        if level.get("type") == "object"
        else not level.keys() & SHAPES
        for level in parts.levels(schema)
    )


class _Writer:
    """Writes one request. The steps lean on each other: what is forced decides what is thought."""

    def __init__(self, call: Call, quirks: Quirks, losses: Losses) -> None:
        self._call = call
        self._quirks = quirks
        self._losses = losses
        self._marked: list[Object] = []
        self._last_user = -1

    def body(self) -> Object:
        call, losses = self._call, self._losses
        body: Object = {
            "model": call.model,
            "max_tokens": call.max_output or self._quirks.default_output or OUTPUT_UNKNOWN,
        }
        parts.merge(body, self._quirks.fixed)
        tools = self._tools()
        system, messages = self._conversation()
        body["messages"] = messages
        if system:
            body["system"] = system
        choice = self._choice(tools)
        self._think(body, choice, messages)
        if tools:
            body["tools"] = tools
            body["tool_choice"] = choice
        elif call.tool_choice not in (None, "none", "auto"):
            losses.dropped(Feature.TOOL_CHOICE, "without tools there is nothing to choose")
        self._answer_by_schema(body)
        self._sampling(body)
        if stops := [stop for stop in parts.stops_of(call, self._quirks, losses) if stop.strip()]:
            body["stop_sequences"] = stops
        if len(stops) < len(call.stop):
            losses.changed(Feature.STOP, "only words that are more than space")
        if call.is_streamed:
            body["stream"] = True
        parts.rename(body, self._quirks.renamed)
        parts.add_extra(body, call, losses, decided=frozenset({"model", "messages", "max_tokens", "stream"}))
        self._steer_no_further(body)
        self._limit_marks()
        return body

    # --- tools

    def _tools(self) -> list[Object]:
        written = []
        for tool, function in parts.functions_of(self._call, self._losses):
            schema = function.get("parameters") or {"type": "object", "properties": {}}
            one: Object = {"name": function.get("name")}
            if function.get("description"):
                one["description"] = function["description"]
            if function.get("strict") and not parts.is_recursive(schema):
                schema, missed = parts.fitted(schema, known=KEYWORDS, rewrite=_strict)
                one["strict"] = True
                if missed:
                    self._losses.changed(Feature.TOOLS, f"schemas without {', '.join(missed)}")
            one["input_schema"] = schema
            self._mark(one, tool)
            written.append(one)
        schema_of_answer = self._call.schema
        if schema_of_answer is not None and _way(schema_of_answer, self._quirks) == "tool":
            written.append(
                {
                    "name": schema_of_answer.name,
                    "description": "Takes the answer. Call it once, with all of it.",
                    "input_schema": dict(schema_of_answer.schema),
                }
            )
            self._losses.changed(Feature.SCHEMA, "asked for by a tool")
        return written

    def _choice(self, tools: list[Object]) -> Object:
        call = self._call
        wish = parts.choice_of(call.tool_choice)
        choice: Object = {"type": {"required": "any", "none": "none"}.get(wish.mode, "auto")}
        if call.schema is not None and _way(call.schema, self._quirks) == "tool":
            choice = {"type": "tool", "name": call.schema.name} if len(tools) == 1 else {"type": "any"}
        elif wish.mode == "required" and len(wish.names) == 1:
            choice = {"type": "tool", "name": wish.names[0]}
        elif wish.names:
            self._losses.changed(Feature.TOOL_CHOICE, "tools can only be allowed all or singly")
        if call.parallel_tool_calls is False:
            if not tools:
                self._losses.dropped(Feature.PARALLEL_TOOLS, "there are no tools")
            elif choice["type"] != "none":
                choice["disable_parallel_tool_use"] = True
        return choice

    # --- thinking

    def _think(self, body: Object, choice: Object, messages: list[Object]) -> None:
        quirks, losses = self._quirks, self._losses
        efforts = quirks.efforts or {}
        said = parts.effort_of(self._call, efforts, losses)
        if isinstance(said, Mapping):
            if said == efforts.get("none"):
                body.pop("thinking", None)
            body.update(said)
        self._fit_budget(body, messages)
        is_forced = choice["type"] in ("any", "tool")
        if is_forced and Feature.TOOL_CHOICE in quirks.refused:
            self._leave_the_choice(choice)
        elif is_forced and self._thinks(body) and Feature.TOOL_CHOICE in quirks.refused_with_effort:
            if "none" in efforts and isinstance(efforts["none"], Mapping):
                body.pop("thinking")
                body.pop("output_config", None)
                body.update(efforts["none"])
                if self._call.effort is not None:
                    losses.dropped(Feature.EFFORT, "a tool can be forced only on who does not think")
            else:
                self._leave_the_choice(choice)

    def _leave_the_choice(self, choice: Object) -> None:
        choice.pop("name", None)
        choice["type"] = "auto"
        self._losses.changed(Feature.TOOL_CHOICE, "no tool can be forced on this model")

    @staticmethod
    def _thinks(body: Object) -> bool:
        thinking = body.get("thinking")
        return isinstance(thinking, Mapping) and thinking.get("type") in ("adaptive", "enabled")

    def _fit_budget(self, body: Object, messages: list[Object]) -> None:
        thinking = body.get("thinking")
        if not isinstance(thinking, Mapping) or thinking.get("type") != "enabled":
            return
        largest = body["max_tokens"] - 1
        if messages and messages[-1]["role"] == "assistant":
            del body["thinking"]
            self._losses.dropped(Feature.EFFORT, "an answer that is begun goes on without thought")
            return
        if _acts_without_thought(messages):
            del body["thinking"]
            self._losses.dropped(Feature.EFFORT, "the thoughts before the last tool call are missing")
        elif largest < SMALLEST_BUDGET:
            del body["thinking"]
            self._losses.dropped(Feature.EFFORT, f"the limit of the answer leaves less than {SMALLEST_BUDGET} tokens")
        elif thinking["budget_tokens"] > largest:
            budget = max(SMALLEST_BUDGET, body["max_tokens"] // 2)
            body["thinking"] = {**thinking, "budget_tokens": budget}
            self._losses.changed(Feature.EFFORT, f"no more than {budget} tokens, by the limit of the answer")

    def _answer_by_schema(self, body: Object) -> None:
        schema = self._call.schema
        if schema is None or _way(schema, self._quirks) != "native":
            return
        fitting, missed = parts.fitted(schema.schema, known=KEYWORDS, rewrite=_strict)
        if missed:
            self._losses.changed(Feature.SCHEMA, f"without {', '.join(missed)}")
        body["output_config"] = {
            **body.get("output_config", {}),
            "format": {"type": "json_schema", "schema": fitting},
        }

    def _sampling(self, body: Object) -> None:
        call, losses = self._call, self._losses
        refused = self._quirks.refused_with_effort if self._thinks(body) else frozenset()
        if call.temperature is not None:
            if Feature.TEMPERATURE in refused:
                losses.dropped(Feature.TEMPERATURE, "not while it thinks")
            else:
                body["temperature"] = min(call.temperature, 1.0)
                if call.temperature > 1:
                    losses.changed(Feature.TEMPERATURE, "1 at most")
        if call.top_p is not None:
            if Feature.TOP_P in refused:
                losses.dropped(Feature.TOP_P, "not while it thinks")
            elif "temperature" in body:
                losses.dropped(Feature.TOP_P, "not together with a temperature")
            else:
                body["top_p"] = call.top_p

    def _steer_no_further(self, body: Object) -> None:
        """What came in the bag and what was asked for by name are refused alike."""
        refused = self._quirks.refused | (self._quirks.refused_with_effort if self._thinks(body) else frozenset())
        for name in sorted(STEERING & body.keys()):
            if (Feature.TEMPERATURE if name == "temperature" else Feature.TOP_P) in refused:
                del body[name]
                self._losses.dropped(Feature.EXTRA, f"{name} is not taken by this model")

    # --- messages

    def _conversation(self) -> tuple[list[Object], list[Object]]:
        system: list[Object] = []
        messages: list[Object] = []
        for message in self._call.messages:
            role = message.get("role")
            if role in ("system", "developer"):
                if messages:
                    self._losses.changed(Feature.SYSTEM, "what came later stands at the beginning")
                for part in parts.parts_of(message.get("content")):
                    system.extend(self._block(part, role="system"))
            elif role == "assistant":
                parts.say(messages, "assistant", self._of_assistant(message), "content")
            elif role == "tool":
                parts.say(messages, "user", [self._tool_result(message)], "content")
            else:
                parts.unsaid_fields(message, self._losses, known=frozenset({"role", "content"}))
                blocks = [
                    block for part in parts.parts_of(message.get("content")) for block in self._block(part, role="user")
                ]
                parts.say(messages, "user", blocks, "content")
        return system, messages

    def _of_assistant(self, message: Mapping[str, JSON]) -> list[Object]:
        parts.unsaid_fields(message, self._losses, known=frozenset({"role", "content", "tool_calls", "refusal"}))
        blocks: list[Object] = []
        for part in parts.turn_of(message):
            if part.get("type") != "tool_call":
                blocks += self._block(part, role="assistant")
                continue
            called = part["call"]
            function = called.get("function") or {}
            blocks.append(
                {
                    "type": "tool_use",
                    "id": called.get("id"),
                    "name": function.get("name"),
                    "input": parts.arguments_of(function.get("arguments"), self._losses),
                }
            )
        return blocks

    def _tool_result(self, message: Mapping[str, JSON]) -> Object:
        parts.unsaid_fields(message, self._losses, known=frozenset({"role", "content", "tool_call_id", "name"}))
        blocks = [block for part in parts.parts_of(message.get("content")) for block in self._block(part, role="tool")]
        return {"type": "tool_result", "tool_use_id": message.get("tool_call_id"), "content": blocks}

    def _block(self, part: Mapping[str, JSON], *, role: str) -> list[Object]:
        block: Object | None = None
        match part.get("type"):
            case "text" | "refusal":
                words = part.get("text") or part.get("refusal") or ""
                block = {"type": "text", "text": words} if words.strip() else None  # space alone is refused
            case "image_url":
                block = self._image(part, role)
            case "file":
                block = self._document(part)
            case "reasoning":
                return self._thought(part)
            case kind:
                self._losses.dropped(Feature.EXTRA, f"a part of the type {kind}")
        if block is None:
            return []
        self._mark(block, part)
        return [block]

    def _image(self, part: Mapping[str, JSON], role: str) -> Object | None:
        if role == "system":
            self._losses.dropped(Feature.IMAGE, "not in the system text")
            return None
        url = parts.image_of(part, self._losses)
        held = parts.inline(url)
        if held is None:
            return {"type": "image", "source": {"type": "url", "url": url}}
        media_type = "image/jpeg" if held.media_type == "image/jpg" else held.media_type
        if media_type not in IMAGES:
            self._losses.dropped(Feature.IMAGE, f"{held.media_type} is not taken")
            return None
        return {"type": "image", "source": {"type": "base64", "media_type": media_type, "data": held.data}}

    def _document(self, part: Mapping[str, JSON]) -> Object | None:
        document = parts.document_of(part)
        if document is None:
            self._losses.dropped(Feature.DOCUMENT, "a file that another provider holds")
            return None
        held = document.content
        source: Object
        if held is None:
            source = {"type": "url", "url": document.url}
        elif held.media_type == "application/pdf":
            source = {"type": "base64", "media_type": "application/pdf", "data": held.data}
        elif (words := held.words()) is not None:
            source = {"type": "text", "media_type": "text/plain", "data": words}
        else:
            self._losses.dropped(Feature.DOCUMENT, f"{held.media_type} is not taken")
            return None
        block: Object = {"type": "document", "source": source}
        if document.name:
            block["title"] = document.name
        return block

    def _thought(self, part: Mapping[str, JSON]) -> list[Object]:
        """Thoughts go back only signed, unchanged, and to the model whose they are; all else would be refused."""
        seal = parts.seal_of(part.get("signature"))
        if seal is None or seal.protocol != PROTOCOL or seal.model != self._call.model:
            why = "not signed" if seal is None else "thoughts of another model"
            self._losses.dropped(Feature.REASONING_INPUT, why)
            return []
        if seal.kind == "redacted":
            return [{"type": "redacted_thinking", "data": seal.signature}]
        return [{"type": "thinking", "thinking": part.get("text") or "", "signature": seal.signature}]

    # --- marks for the cache

    def _mark(self, block: Object, part: Mapping[str, JSON]) -> None:
        if not part.get("cache"):
            return
        if self._quirks.cache != "cache_control":
            self._losses.dropped(Feature.CACHE)
            return
        block["cache_control"] = {"type": "ephemeral"}
        self._marked.append(block)

    def _limit_marks(self) -> None:
        for block in self._marked[:-MOST_MARKS]:
            del block["cache_control"]
            self._losses.changed(Feature.CACHE, f"only the last {MOST_MARKS} marks")


def _acts_without_thought(messages: list[Object]) -> bool:
    """Whether the last turn of the model called tools, and what it thought before is not there any more."""
    if len(messages) < 2 or messages[-1]["content"][0].get("type") != "tool_result":
        return False
    return messages[-2]["content"][0].get("type") not in ("thinking", "redacted_thinking")


# --- what comes back

_REASONS: Final = {
    "end_turn": Reason.STOP,
    "stop_sequence": Reason.STOP,
    "pause_turn": Reason.STOP,
    "max_tokens": Reason.LENGTH,
    "model_context_window_exceeded": Reason.LENGTH,
    "tool_use": Reason.TOOLS,
    "refusal": Reason.FILTERED,
}


class AnthropicReader:
    """Reads events as well as a whole message, by what comes: not all who are asked for a stream stream."""

    def __init__(self, model: str, answer_tool: str | None = None) -> None:
        self._model = model
        self._answer_tool = answer_tool
        self._calls: dict[JSON, int] = {}  # index of a block -> number of the call
        self._answers: set[JSON] = set()  # indices of blocks whose input is the answer
        self._silent: set[JSON] = set()  # calls that have no arguments yet
        self._usage: Object = {}

    def feed(self, frame: bytes) -> Sequence[Said]:
        said: list[Said] = []
        try:
            event = orjson.loads(frame)
            kind = event["type"]
            if kind == "content_block_delta":
                self._delta(event["index"], event["delta"], said)
            else:
                self._event(kind, event, said)
        except faults.Unreadable:
            if frame.strip() != DONE:  # some that imitate it end as OpenAI does
                said.append(faults.bad_answer("An event of the stream cannot be read."))
        return said

    def end(self) -> Sequence[Said]:
        return ()

    def _delta(self, index: JSON, delta: Object, said: list[Said]) -> None:
        match delta["type"]:
            case "text_delta":
                if words := parts.text(delta["text"]):
                    said.append(Text(words))
            case "thinking_delta":
                if words := parts.text(delta["thinking"]):
                    said.append(Reasoning(words))
            case "input_json_delta":
                self._arguments(index, parts.text(delta["partial_json"]), said)
            case "signature_delta":
                said.append(Reasoning("", self._sealed("thinking", delta["signature"])))
            case "citations_delta":
                _cite(delta["citation"], said)
            case _ if delta.get("text"):  # of a later day; text was paid for
                said.append(Text(parts.text(delta["text"])))

    def _event(self, kind: str, event: Object, said: list[Said]) -> None:
        match kind:
            case "message_start":
                self._named(event["message"], said)
                self._used(event["message"].get("usage"), said)
            case "content_block_start":
                self._block(event["index"], event["content_block"], said)
            case "content_block_stop":
                self._close(event["index"], said)
            case "message_delta":
                self._used(event.get("usage"), said)
                self._finished(event["delta"], said)
            case "message":
                self._named(event, said)
                for index, block in enumerate(event["content"]):
                    self._block(index, block, said)
                    self._close(index, said)
                self._used(event.get("usage"), said)
                self._finished(event, said)
            case "error":
                said.append(faults.failed_by(None, event["error"]))

    def _named(self, message: Object, said: list[Said]) -> None:
        said.append(Named(parts.name(message.get("id")), parts.name(message.get("model"))))

    def _block(self, index: JSON, block: Object, said: list[Said]) -> None:
        match block["type"]:
            case "tool_use":
                self._called(index, block, said)
            case "thinking":
                words, signature = block.get("thinking"), block.get("signature")
                if words or signature:
                    seal = self._sealed("thinking", signature) if signature else None
                    said.append(Reasoning(parts.text(words or ""), seal))
            case "redacted_thinking":
                said.append(Reasoning("", self._sealed("redacted", block["data"])))
            case _:
                if block.get("text"):
                    said.append(Text(parts.text(block["text"])))
                for citation in block.get("citations") or ():
                    _cite(citation, said)

    def _called(self, index: JSON, block: Object, said: list[Said]) -> None:
        if block["name"] == self._answer_tool:
            self._answers.add(index)
        else:
            number = self._calls.setdefault(index, len(self._calls))
            said.append(ToolCall(number, parts.text(block["id"]), parts.text(block["name"])))
        self._silent.add(index)
        if block.get("input"):
            self._arguments(index, orjson.dumps(block["input"]).decode(), said)

    def _arguments(self, index: JSON, piece: str, said: list[Said]) -> None:
        if not piece:
            return
        self._silent.discard(index)
        if index in self._answers:
            said.append(Text(piece))
        elif index in self._calls:  # else of a tool that runs at the provider
            said.append(ToolCall(self._calls[index], arguments=piece))

    def _close(self, index: JSON, said: list[Said]) -> None:
        if index in self._silent:
            self._arguments(index, "{}", said)

    def _finished(self, message: Object, said: list[Said]) -> None:
        reason = message.get("stop_reason")
        if reason is None:
            return
        details = message.get("stop_details") or {}
        detail = message.get("stop_sequence") or details.get("explanation") or details.get("category")
        meaning = _REASONS.get(reason, Reason.STOP)
        if meaning is Reason.TOOLS and self._answers and not self._calls:
            meaning = Reason.STOP
        if detail is None and reason not in ("end_turn", "tool_use", "max_tokens"):
            detail = reason
        said.append(Finished(meaning, str(detail or "")))

    def _used(self, usage: JSON, said: list[Said]) -> None:
        """Numbers are for the whole so far; what is left out has not changed."""
        if not usage:
            return
        self._usage.update({key: value for key, value in usage.items() if value is not None})
        speed, tier = self._usage.get("speed"), self._usage.get("service_tier")
        service = service_of(tier if speed in (None, "standard") else speed)
        said.append(UsageSeen(_usage_of(self._usage), service=service))

    def _sealed(self, kind: str, signature: JSON) -> str:
        return str(Seal(PROTOCOL, self._model, kind, parts.text(signature)))


def _usage_of(seen: Object) -> Usage:
    """What was read from and written to a cache is already not among the input here; thoughts are among the output."""
    written = count(seen.get("output_tokens"))
    details = seen.get("output_tokens_details")
    thought = min(written, count(details.get("thinking_tokens"))) if isinstance(details, dict) else 0
    cache_write, kept = count(seen.get("cache_creation_input_tokens")), seen.get("cache_creation")
    for_an_hour = min(cache_write, count(kept.get("ephemeral_1h_input_tokens"))) if isinstance(kept, dict) else 0
    return Usage(
        input=count(seen.get("input_tokens")),
        cached=count(seen.get("cache_read_input_tokens")),
        cache_write=cache_write - for_an_hour,
        cache_write_1h=for_an_hour,
        output=written - thought,
        reasoning=thought,
    )


def _cite(citation: Object, said: list[Said]) -> None:
    if url := citation.get("url"):
        said.append(Cited(parts.text(url), str(citation.get("title") or "")))


# --- the list of models


def _listed(model: Object) -> Listed:
    name = parts.text(model["id"])
    able = model.get("capabilities") or {}
    quirks = QUIRKS.for_model(name)
    takes = {"text"}
    features = {*Feature} - quirks.refused
    if not _can(able, "image_input"):
        features.discard(Feature.IMAGE)
    else:
        takes.add("image")
    if not _can(able, "pdf_input"):
        features.discard(Feature.DOCUMENT)
    else:
        takes.add("document")
    if not _can(able, "thinking"):
        features -= {Feature.EFFORT, Feature.REASONING_INPUT}
    ends = model.get("retires_at") or model.get("deprecated_at")
    return Listed(
        name=name,
        label=model.get("display_name"),
        context_total=count(model.get("max_input_tokens")) or None,
        max_output=count(model.get("max_tokens")) or None,
        takes=frozenset(takes) if able else None,
        gives=frozenset({"text"}),
        features=frozenset(features) if able else None,
        deprecated_on=str(ends)[:10] if ends else None,
    )


def _can(able: Object, name: str) -> bool:
    capability = able.get(name)
    return isinstance(capability, dict) and capability.get("supported") is True
