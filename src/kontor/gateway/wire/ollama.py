"""Ollama's own API: a line of JSON for each piece, options in an object of their own, models that describe themselves.

Its own rather than its imitation of OpenAI's, because only here can the size of the context be set, and thinking and
the time that a model stays loaded with it. A prompt that is longer than `options.num_ctx` is cut without a word, so
who calls should set it (`Call.extra`) by what the prompt needs.
"""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

import orjson

from kontor.billing.usage import Usage
from kontor.gateway.wire import faults, parts
from kontor.gateway.wire.losses import Losses
from kontor.gateway.wire.parts import Object, count
from kontor.gateway.wire.port import (
    JSON,
    Call,
    Embedded,
    Endpoint,
    Failed,
    Feature,
    Finished,
    Listed,
    Logprobs,
    ModelQuirks,
    Named,
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

PROTOCOL: Final = "ollama"
SWITCH: Final = {"none": {"think": False}, "medium": {"think": True}}
QUIRKS: Final = Quirks(
    cache="automatic",
    takes_prefill=True,
    efforts=SWITCH,
    refused=frozenset({Feature.AUDIO, Feature.PARALLEL_TOOLS}),
    of_models=(
        ModelQuirks("gpt-oss", changes={"efforts": {level: {"think": level} for level in ("low", "medium", "high")}}),
    ),
)


class Ollama:
    protocol = PROTOCOL

    def chat(self, call: Call, at: Endpoint) -> Prepared:
        quirks = at.quirks.for_model(call.model)
        losses = Losses(quirks.refused)
        form: JSON = None
        if call.schema is not None:
            is_json_held = quirks.schema_mode == "json_object" and Feature.SCHEMA not in quirks.refused
            if quirks.schema_mode == "json_schema" and Feature.SCHEMA not in quirks.refused:
                form = dict(call.schema.schema)
            else:
                call = parts.in_words(call, call.schema, losses, is_json_held=is_json_held)
                form = "json" if is_json_held else None
        call = parts.without(call, quirks.refused, losses)
        body = _body(call, form, quirks, losses)
        return Prepared(
            "POST",
            at.base_url + "/api/chat",
            parts.headers_for(at),
            orjson.dumps(body),
            "ndjson" if call.is_streamed else "json",
            losses.noted,
        )

    def reader(self, call: Call, at: Endpoint) -> Reader:
        return OllamaReader()

    def embed(self, model: str, texts: Sequence[str], dimensions: int | None, at: Endpoint) -> Prepared:
        # Otherwise a text that is too long is cut, and its vector is that of its beginning.
        body: Object = {"model": model, "input": list(texts), "truncate": False}
        if dimensions is not None:
            body["dimensions"] = dimensions
        return Prepared("POST", at.base_url + "/api/embed", parts.headers_for(at), orjson.dumps(body), "json")

    def read_embedding(self, body: bytes) -> Embedded:
        said = orjson.loads(body)
        return Embedded(said["embeddings"], Usage(input=count(said.get("prompt_eval_count"))))

    def models(self, at: Endpoint) -> Prepared:
        return Prepared("GET", at.base_url + "/api/tags", parts.headers_for(at), b"", "json")

    def read_models(self, body: bytes) -> Sequence[Listed]:
        return [
            Listed(
                name=parts.text(model.get("model") or model["name"]),
                label=_label(model),
                size_bytes=count(model.get("size")) or None,
            )
            for model in orjson.loads(body).get("models") or ()
        ]

    def describe(self, name: str, at: Endpoint) -> Prepared:
        body = orjson.dumps({"model": name})
        return Prepared("POST", at.base_url + "/api/show", parts.headers_for(at), body, "json")

    def read_description(self, listed: Listed, body: bytes) -> Listed:
        return _described(listed, orjson.loads(body))

    def failure(self, status: int, body: bytes) -> Failed:
        return faults.failed_by_body(status, body)


def _body(call: Call, form: JSON, quirks: Quirks, losses: Losses) -> Object:
    body: Object = {"model": call.model}
    parts.merge(body, quirks.fixed)
    body["messages"] = _messages(call, losses)
    body["stream"] = call.is_streamed  # it streams unless told not to
    tools = [{"type": "function", "function": dict(function)} for _, function in parts.functions_of(call, losses)]
    wish = parts.choice_of(call.tool_choice)
    if wish.mode == "required" or wish.names:
        losses.dropped(Feature.TOOL_CHOICE, "the model decides")
    if tools and wish.mode != "none":  # what is not told of cannot be called
        body["tools"] = tools
    if form is not None:
        body["format"] = form
    if (said := parts.effort_of(call, quirks.efforts, losses)) is not None:
        body.update(said)
    if call.top_logprobs is not None:
        body["logprobs"] = True
        body["top_logprobs"] = call.top_logprobs
    options: Object = {
        name: value
        for name, value in (
            ("num_predict", call.max_output),
            ("temperature", call.temperature),
            ("top_p", call.top_p),
            ("seed", call.seed),
            ("stop", parts.stops_of(call, quirks, losses) or None),
        )
        if value is not None
    }
    if options:
        body["options"] = {**body.get("options", {}), **options}
    parts.marks_unsaid(call, quirks, losses)
    parts.rename(body, quirks.renamed)
    decided = frozenset({"model", "messages", "stream", "options.num_predict"})
    parts.add_extra(body, call, losses, decided=decided)
    return body


# --- messages


def _messages(call: Call, losses: Losses) -> list[Object]:
    names: dict[JSON, JSON] = {}  # id of a call -> name of its function
    written = []
    for given in call.messages:
        message = parts.with_calls_aside(given)
        role = message.get("role")
        one: Object = {"role": "system" if role == "developer" else role, "content": ""}
        known = {"role", "content"}
        if role == "assistant":
            known |= {"tool_calls", "refusal"}
            if calls := [_former_call(called, names, losses) for called in message.get("tool_calls") or ()]:
                one["tool_calls"] = calls
        elif role == "tool":
            known |= {"tool_call_id", "name"}
            called_id = message.get("tool_call_id")
            if name := message.get("name") or names.get(called_id):
                one["tool_name"] = name
            if called_id:
                one["tool_call_id"] = called_id
        parts.unsaid_fields(message, losses, known=frozenset(known))
        _say(one, message.get("content") or message.get("refusal"), losses)
        written.append(one)
    return written


def _say(message: Object, content: JSON, losses: Losses) -> None:
    """Text is one piece there, with pictures and thoughts beside it."""
    words: list[str] = []
    thoughts: list[str] = []
    images: list[str] = []
    for part in parts.parts_of(content):
        match part.get("type"):
            case "text" | "refusal":
                words.append(part.get("text") or part.get("refusal") or "")
            case "image_url":
                held = parts.inline(parts.image_of(part, losses))
                if held is None:
                    losses.dropped(Feature.IMAGE, "only pictures that come with the call")
                else:
                    images.append(held.data)
            case "file":
                words.append(_document(part, losses))
            case "reasoning" if message["role"] == "assistant":
                thoughts.append(part.get("text") or "")
            case "reasoning":
                losses.dropped(Feature.REASONING_INPUT, "only the model has thoughts")
            case kind:
                losses.dropped(Feature.EXTRA, f"a part of the type {kind}")
    message["content"] = "\n\n".join(filter(None, words))
    if thought := "\n\n".join(filter(None, thoughts)):
        message["thinking"] = thought
    elif thoughts:
        losses.dropped(Feature.REASONING_INPUT, "thoughts that only another model can read")
    if images:
        message["images"] = images


def _document(part: Mapping[str, JSON], losses: Losses) -> str:
    document = parts.document_of(part)
    body = document.content.words() if document and document.content else None
    if document is None or body is None:
        losses.dropped(Feature.DOCUMENT, "only documents that are text")
        return ""
    losses.changed(Feature.DOCUMENT, "stands as text in the message")
    return f"{document.name}:\n\n{body}" if document.name else body


def _former_call(called: Mapping[str, JSON], names: dict[JSON, JSON], losses: Losses) -> Object:
    function = called.get("function") or {}
    names[called.get("id")] = function.get("name")
    try:
        arguments = orjson.loads(function.get("arguments") or "{}")
    except orjson.JSONDecodeError:
        arguments = None
    if not isinstance(arguments, dict):
        losses.changed(Feature.TOOLS, "arguments of a former call that are no object")
        arguments = {"arguments": function.get("arguments")}
    written: Object = {"function": {"name": function.get("name"), "arguments": arguments}}
    if called.get("id"):
        written["id"] = called["id"]
    return written


# --- what comes back


class OllamaReader:
    """A line for each piece, of which the last says `done`; unstreamed, the last is the only one."""

    def __init__(self) -> None:
        self._named = False
        self._calls = 0

    def feed(self, frame: bytes) -> Sequence[Said]:
        said: list[Said] = []
        try:
            self._read(orjson.loads(frame), said)
        except faults.Unreadable:
            said.append(faults.bad_answer("A line of the answer cannot be read."))
        return said

    def end(self) -> Sequence[Said]:
        return ()

    def _read(self, line: Object, said: list[Said]) -> None:
        if line.get("error"):
            said.append(faults.failed_by(None, faults.error_in(line)))
            return
        if not self._named:
            self._named = True
            if model := parts.name(line.get("model")):
                said.append(Named(None, model))
        if message := line.get("message"):
            if thought := message.get("thinking"):
                said.append(Reasoning(parts.text(thought)))
            if words := message.get("content"):
                said.append(Text(parts.text(words)))
            for called in message.get("tool_calls") or ():
                self._called(called, said)
        if logprobs := line.get("logprobs"):
            said.append(Logprobs([{"bytes": None, "top_logprobs": [], **one} for one in logprobs]))
        if line.get("done"):
            self._done(line, said)

    def _called(self, called: Object, said: list[Said]) -> None:
        """Calls come whole. Ids are of later versions only, and without one no result could name its call."""
        function = called["function"]
        number = self._calls
        self._calls += 1
        own_id = called.get("id") or f"call_{secrets.token_hex(8)}"
        arguments = orjson.dumps(function.get("arguments") or {}).decode()
        said.append(ToolCall(number, parts.text(own_id), parts.text(function["name"]), arguments))

    def _done(self, line: Object, said: list[Said]) -> None:
        if "prompt_eval_count" in line or "eval_count" in line:
            usage = Usage(input=count(line.get("prompt_eval_count")), output=count(line.get("eval_count")))
            said.append(UsageSeen(usage))
        name = line.get("done_reason") or "stop"
        if name == "length":
            said.append(Finished(Reason.LENGTH))
        else:
            reason = Reason.TOOLS if self._calls else Reason.STOP
            said.append(Finished(reason, "" if name == "stop" else str(name)))


# --- the list of models


def _label(model: Object) -> str | None:
    details = model.get("details") or {}
    size = details.get("parameter_size")
    name = parts.text(model.get("model") or model["name"]).removesuffix(":latest")
    return f"{name} ({size})" if size else name


def _described(listed: Listed, said: Object) -> Listed:
    able = said.get("capabilities")
    context = _context(said.get("model_info") or {})
    if not isinstance(able, list):  # of before they described themselves
        return replace(listed, context_total=context)
    takes = {"text"} | ({"image"} if "vision" in able else set())
    gives = {"text"} if "completion" in able else set()
    if "embedding" in able:
        gives.add("vector")
    features = {*Feature} - QUIRKS.for_model(listed.name).refused - {Feature.CACHE, Feature.TOOL_CHOICE}
    if "vision" not in able:
        features.discard(Feature.IMAGE)
    if "tools" not in able:
        features -= {Feature.TOOLS, Feature.TOOL_RESULT}
    if "thinking" not in able:
        features -= {Feature.EFFORT, Feature.REASONING_INPUT}
    return replace(
        listed,
        context_total=context,
        takes=frozenset(takes),
        gives=frozenset(gives),
        features=frozenset(features) if "completion" in able else None,
    )


def _context(info: Object) -> int | None:
    """Each architecture names it by itself: llama.context_length, gemma3.context_length…"""
    own = f"{info.get('general.architecture')}.context_length"
    return count(info.get(own)) or None
