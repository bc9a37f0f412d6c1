"""OpenAI's chat completions, which most providers speak: what is sent. What comes back is read in `openai_chat_reader`.

The common language of the gateway is this protocol, so a message that needs nothing is passed on as it came. What a
provider or a model takes otherwise stands in its `Quirks`; what cannot be said there is noted as a loss.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson

from kontor.gateway.wire import openai_lists
from kontor.gateway.wire.faults import failed_by_body
from kontor.gateway.wire.losses import SCHEMA_IN_WORDS, Losses
from kontor.gateway.wire.openai_chat_reader import ChatReader
from kontor.gateway.wire.parts import effort_of, with_calls_aside
from kontor.gateway.wire.port import (
    JSON,
    Call,
    Embedded,
    Endpoint,
    Failed,
    Feature,
    Listed,
    Prepared,
    Quirks,
    Reader,
)

Body = dict[str, Any]

# Never from `Call.extra`: what was checked, priced and reserved is what is sent.
OURS = frozenset(
    {"model", "messages", "input", "stream", "stream_options", "n"}
    | {"max_tokens", "max_completion_tokens", "max_output_tokens"}
)
Plain = Sequence[tuple[Feature, str, str]]  # what, its field in a call, its name in the body
PLAIN: Plain = (
    (Feature.MAX_OUTPUT, "max_output", "max_tokens"),
    (Feature.TEMPERATURE, "temperature", "temperature"),
    (Feature.TOP_P, "top_p", "top_p"),
    (Feature.SEED, "seed", "seed"),
)
SYSTEM_ROLES = frozenset({"system", "developer"})


class OpenAIChat:
    protocol = "openai_chat"

    def __init__(self, responses: "OpenAIChat | None" = None) -> None:
        self._responses = responses

    def chat(self, call: Call, at: Endpoint) -> Prepared:
        quirks = at.quirks.for_model(call.model)
        if self._responses is not None and goes_by_responses(call, quirks):
            return self._responses.chat(call, at)
        losses = Losses(quirks.refused)
        body: Body = {"model": call.model}
        words, answer_form, streams = said_schema(call, quirks, losses)
        body["messages"] = said_messages(call.messages, quirks, losses, words)
        if answer_form is not None:
            body["response_format"] = answer_form
        said_tools(call, quirks, losses, body)
        thinks = not said_effort(call, quirks, losses, body)
        said_parameters(call, quirks, losses, body, thinks=thinks)
        if call.stop and losses.takes(Feature.STOP):
            body[quirks.renamed.get("stop", "stop")] = said_stop(call.stop, quirks, losses)
        if streams:
            body["stream"] = True
            if quirks.usage_on_request:
                body["stream_options"] = {"include_usage": True}
        if quirks.prefill_by == "continue_final_message" and ends_with_prefill(body["messages"]):
            body |= {"continue_final_message": True, "add_generation_prompt": False}
        add_rest(call, quirks, losses, body)
        return Prepared(
            method="POST",
            url=at.base_url + quirks.chat_path,
            headers=headers(at, accept="text/event-stream" if streams else "application/json"),
            body=orjson.dumps(body),
            framing="sse" if streams else "json",
            losses=losses.noted,
        )

    def reader(self, call: Call, at: Endpoint) -> Reader:
        if self._responses is not None and goes_by_responses(call, at.quirks.for_model(call.model)):
            return self._responses.reader(call, at)
        return ChatReader(at.quirks)

    def embed(self, model: str, texts: Sequence[str], dimensions: int | None, at: Endpoint) -> Prepared:
        quirks = at.quirks.for_model(model)
        body: Body = {"model": model, "input": list(texts), "encoding_format": "float"}
        if dimensions is not None:
            body[quirks.renamed.get("dimensions", "dimensions")] = dimensions
        return Prepared("POST", at.base_url + quirks.embed_path, headers(at), orjson.dumps(body), "json")

    def read_embedding(self, body: bytes) -> Embedded:
        return openai_lists.read_embedding(body)

    def models(self, at: Endpoint) -> Prepared:
        return Prepared("GET", at.base_url + at.quirks.models_path, headers(at), b"", "json")

    def read_models(self, body: bytes) -> Sequence[Listed]:
        return openai_lists.read_models(body)

    def failure(self, status: int, body: bytes) -> Failed:
        return failed_by_body(status, body)


def headers(at: Endpoint, accept: str = "application/json") -> Mapping[str, str]:
    said = {"content-type": "application/json", "accept": accept}
    if at.key is not None and at.quirks.auth != "none":
        name = "authorization" if at.quirks.auth == "bearer" else at.quirks.auth
        said[name] = f"Bearer {at.key}" if name == "authorization" else at.key
    return {**said, **at.headers}


def goes_by_responses(call: Call, quirks: Quirks) -> bool:
    if not call.tools or quirks.tools_by_responses == "never" or call.effort == "none":
        return False
    return quirks.tools_by_responses == "unless_none" or call.effort is not None


# What is asked for beside the messages


def said_schema(call: Call, quirks: Quirks, losses: Losses) -> tuple[str | None, Body | None, bool]:
    """What has to be asked for in words, what is said in its field, and whether the answer comes in pieces."""
    streams = call.is_streamed and losses.takes(Feature.STREAM)
    if call.schema is None:
        return None, None, streams
    schema = call.schema.schema
    words = SCHEMA_IN_WORDS.format(schema=orjson.dumps(schema).decode())
    mode = quirks.schema_mode if Feature.SCHEMA not in losses.refused else "none"
    if call.tools and not quirks.schema_with_tools and Feature.TOOLS not in losses.refused:
        mode = "none"
    if mode == "none":
        losses.changed(Feature.SCHEMA, "asked for in words, enforced by nothing")
        return words, None, streams
    if streams and not quirks.schema_streams:
        losses.changed(Feature.STREAM, "comes in one piece, as answers by a schema do there")
        streams = False
    if mode == "json_object":
        losses.changed(Feature.SCHEMA, "asked for in words; only that it is JSON is enforced")
        return words, {"type": "json_object"}, streams
    is_strict = call.schema.is_strict and quirks.schema_strict
    if is_strict != call.schema.is_strict:
        losses.changed(Feature.SCHEMA, "followed where possible, enforced by nothing")
    named = {"name": call.schema.name, "schema": schema, "strict": is_strict}
    return None, {"type": "json_schema", "json_schema": named}, streams


def said_tools(call: Call, quirks: Quirks, losses: Losses, body: Body) -> bool:
    has_tools = bool(call.tools) and losses.takes(Feature.TOOLS)
    if has_tools:
        body["tools"] = list(call.tools)
    # A choice between no tools is an error to most, and whoever asked for tools knows that they were dropped.
    if call.tool_choice is not None and losses.takes(Feature.TOOL_CHOICE):
        if has_tools:
            said_choice(call.tool_choice, quirks, losses, body)
        else:
            losses.dropped(Feature.TOOL_CHOICE, "there are no tools")
    if call.parallel_tool_calls is not None and losses.takes(Feature.PARALLEL_TOOLS):
        if has_tools:
            body["parallel_tool_calls"] = call.parallel_tool_calls
        else:
            losses.dropped(Feature.PARALLEL_TOOLS, "there are no tools")
    return has_tools


def said_choice(choice: JSON, quirks: Quirks, losses: Losses, body: Body) -> None:
    body["tool_choice"] = choice
    if quirks.names_tools or not isinstance(choice, Mapping):
        return
    named = [tool for tool in body["tools"] if name_of(tool) == name_of(choice)]
    losses.changed(Feature.TOOL_CHOICE, "no other tool is offered, and one is required")
    body["tools"], body["tool_choice"] = named or body["tools"], "required"


def name_of(tool: Mapping[str, JSON]) -> JSON:
    inner = tool.get(str(tool.get("type")))
    return inner.get("name") if isinstance(inner, Mapping) else None


def said_parameters(
    call: Call, quirks: Quirks, losses: Losses, body: Body, *, thinks: bool, plain: Plain = PLAIN
) -> None:
    hindered = quirks.refused_with_effort if thinks else frozenset[Feature]()
    for feature, field, name in plain:
        value = getattr(call, field)
        if value is not None and takes(feature, losses, hindered):
            put(body, quirks.renamed.get(name, name), value)
    if call.top_logprobs is not None and takes(Feature.LOGPROBS, losses, hindered):
        body["logprobs"] = True
        if call.top_logprobs:
            body["top_logprobs"] = call.top_logprobs


def said_stop(stop: Sequence[str], quirks: Quirks, losses: Losses) -> list[str]:
    most = quirks.largest_stop
    if most is not None and len(stop) > most:
        losses.changed(Feature.STOP, f"only the first {most} of {len(stop)}")
    return list(stop[:most])


def takes(feature: Feature, losses: Losses, hindered: frozenset[Feature]) -> bool:
    if not losses.takes(feature):
        return False
    if feature in hindered:
        losses.dropped(feature, "taken only without thinking: effort “none”")
        return False
    return True


def said_effort(call: Call, quirks: Quirks, losses: Losses, body: Body, name: str = "reasoning_effort") -> bool:
    """Whether the model was told not to think."""
    if call.effort is None or not losses.takes(Feature.EFFORT):
        return False
    said = call.effort if quirks.efforts is None else effort_of(call, quirks.efforts, losses)
    if isinstance(said, Mapping):
        body.update(said)
    elif said is not None:
        if quirks.efforts is not None and said != call.effort and call.effort in quirks.efforts:
            losses.changed(Feature.EFFORT, f"said as {said}")
        put(body, quirks.renamed.get(name, name), said)
    return call.effort == "none" and "none" in (quirks.efforts or {"none"})


def add_rest(call: Call, quirks: Quirks, losses: Losses, body: Body) -> None:
    """What is always said there, and what the caller wants said as it is. Neither replaces what was checked."""
    for name, value in quirks.fixed.items():
        body.setdefault(name, value)
    if not call.extra or not losses.takes(Feature.EXTRA):
        return
    for name, value in call.extra.items():
        known = body.get(name)
        if name not in OURS and known is None:
            body[name] = value
        elif name not in OURS and isinstance(known, Mapping) and isinstance(value, Mapping):
            body[name] = {**value, **known}
        if body.get(name) != value and not (isinstance(known, Mapping) and body[name] == {**known, **value}):
            losses.dropped(Feature.EXTRA, f"“{name}” is set by the gateway")


def put(body: Body, path: str, value: JSON) -> None:
    *outer, name = path.split(".")
    for step in outer:
        body = body.setdefault(step, {})
    body[name] = value


# The messages


def said_messages(
    messages: Sequence[Mapping[str, JSON]], quirks: Quirks, losses: Losses, words: str | None
) -> list[Mapping[str, JSON]]:
    """`words` are added to the system text: what had to be said in words because there is no field for it."""
    said: list[Mapping[str, JSON]] = []
    homeless: list[str] = []  # system texts for a model that knows no system
    for message in messages:
        role, content = message.get("role"), message.get("content")
        if role in SYSTEM_ROLES:
            if Feature.SYSTEM in losses.refused:
                homeless.append(text_of(content))
                continue
            if role != quirks.system_role:
                message = {**message, "role": quirks.system_role}  # noqa: PLW2901
        if role == "assistant" and type(content) is list:
            message = with_calls_aside(message)  # noqa: PLW2901
            content = message.get("content")
        if role == "tool" or "tool_calls" in message:
            known = said_tool_turn(message, quirks, losses)
            if known is None:
                continue
            message = known  # noqa: PLW2901
        if type(content) is list:
            message = said_parts(message, content, quirks, losses)  # noqa: PLW2901
        said.append(message)
    if quirks.prefill_by == "prefix" and ends_with_prefill(said):
        said[-1] = {**said[-1], "prefix": True}
    if words is not None and Feature.SYSTEM not in losses.refused:
        add_to_system(said, words, quirks.system_role)
    elif words is not None:
        homeless.append(words)
    if homeless:
        losses.changed(Feature.SYSTEM, "stands before the first message instead")
        add_to_first(said, "\n\n".join(homeless))
    return said


def ends_with_prefill(messages: Sequence[Mapping[str, JSON]]) -> bool:
    """The beginning of the answer is given: the model goes on where it ends."""
    return bool(messages) and messages[-1].get("role") == "assistant"


def add_to_system(said: list[Mapping[str, JSON]], words: str, role: str) -> None:
    """Last in the first system text, so that what stands before it stays the same for the provider's cache."""
    if said and said[0].get("role") == role:
        said[0] = {**said[0], "content": joined(said[0].get("content"), words)}
    else:
        said.insert(0, {"role": role, "content": words})


def add_to_first(said: list[Mapping[str, JSON]], words: str) -> None:
    for index, message in enumerate(said):
        if message.get("role") == "user":
            said[index] = {**message, "content": joined(words, message.get("content"))}
            return
    said.append({"role": "user", "content": words})


def joined(before: JSON, after: JSON) -> JSON:
    if isinstance(before, list) or isinstance(after, list):
        return [*as_parts(before), *as_parts(after)]
    return f"{before}\n\n{after}" if before and after else before or after


def as_parts(content: JSON) -> list[JSON]:
    if isinstance(content, list):
        return content
    return [{"type": "text", "text": content}] if content else []


def text_of(content: JSON) -> str:
    if isinstance(content, str):
        return content
    return "\n\n".join(part["text"] for part in content or () if part.get("type") == "text")


def said_tool_turn(message: Mapping[str, JSON], quirks: Quirks, losses: Losses) -> Mapping[str, JSON] | None:
    """A turn in which tools were called, or one in which a tool answered."""
    is_answer = message.get("role") == "tool"
    if not losses.takes(Feature.TOOL_RESULT):
        return None if is_answer else {name: value for name, value in message.items() if name != "tool_calls"}
    if quirks.tool_id is None:
        return message
    if is_answer:
        return {**message, "tool_call_id": fitting_id(message.get("tool_call_id"), quirks.tool_id, losses)}
    calls = [{**call, "id": fitting_id(call.get("id"), quirks.tool_id, losses)} for call in message["tool_calls"]]
    return {**message, "tool_calls": calls}


def fitting_id(given: JSON, pattern: str, losses: Losses) -> JSON:
    """The same id for the same id, so a call and its answer still belong together."""
    if not isinstance(given, str) or re.fullmatch(pattern, given):
        return given
    losses.changed(Feature.TOOL_RESULT, "the ids of calls are written anew")
    return hashlib.sha256(given.encode()).hexdigest()[:9]


def said_parts(
    message: Mapping[str, JSON], content: Iterable[Mapping[str, JSON]], quirks: Quirks, losses: Losses
) -> Mapping[str, JSON]:
    parts: list[Mapping[str, JSON]] = []
    thoughts: list[Mapping[str, JSON]] = []
    for part in content:
        if part.get("type") == "reasoning":
            thoughts.append(part)
            continue
        known = said_part(part, quirks, losses)
        if known is not None:
            parts.append(known)
    said = dict(message)
    if thoughts and quirks.reasoning_back is None:
        losses.dropped(Feature.REASONING_INPUT)
    elif thoughts and losses.takes(Feature.REASONING_INPUT):
        said_thoughts(said, parts, thoughts, quirks)
    if not parts:
        said["content"] = None if said.get("tool_calls") else ""
    elif len(parts) == 1 and len(parts[0]) == 2 and parts[0].get("type") == "text":
        said["content"] = parts[0]["text"]  # some take a list only where there is more than text
    else:
        said["content"] = parts
    return said


def said_part(part: Mapping[str, JSON], quirks: Quirks, losses: Losses) -> Mapping[str, JSON] | None:
    if "cache" in part:
        is_marked = part["cache"]
        part = {name: value for name, value in part.items() if name != "cache"}
        if is_marked and losses.takes(Feature.CACHE):
            part = marked(part, quirks, losses)
    match part.get("type"):
        case "image_url":
            return part if losses.takes(Feature.IMAGE) else None
        case "file":
            return said_document(part, quirks) if losses.takes(Feature.DOCUMENT) else None
        case "input_audio":
            if not losses.takes(Feature.AUDIO):
                return None
            return {**part, "input_audio": part["input_audio"]["data"]} if quirks.audio_part == "text" else part
        case _:
            return part


def marked(part: Mapping[str, JSON], quirks: Quirks, losses: Losses) -> Mapping[str, JSON]:
    match quirks.cache:
        case "cache_control":
            return {**part, "cache_control": {"type": "ephemeral"}}
        case "automatic":
            losses.changed(Feature.CACHE, "what is worth caching is decided there")
        case "none":
            losses.dropped(Feature.CACHE)
    return part


def said_document(part: Mapping[str, JSON], quirks: Quirks) -> Mapping[str, JSON]:
    file = part["file"]
    if quirks.document_part == "file" or "file_data" not in file:
        return part
    return {"type": "document_url", "document_url": file["file_data"], "document_name": file.get("filename")}


def said_thoughts(
    said: Body, parts: list[Mapping[str, JSON]], thoughts: Sequence[Mapping[str, JSON]], quirks: Quirks
) -> None:
    """What the model said to itself in a former turn, where the provider wants it back."""
    text = "\n\n".join(thought["text"] for thought in thoughts if thought.get("text"))
    match quirks.reasoning_back:
        case "parts":
            parts.insert(0, {"type": "thinking", "thinking": [{"type": "text", "text": text}]})
        case "details":
            said["reasoning"] = text
            said["reasoning_details"] = [detail for thought in thoughts for detail in details_of(thought)]
        case name if name is not None:
            said[name] = text


def details_of(thought: Mapping[str, JSON]) -> list[Mapping[str, JSON]]:
    """As they came (`ChatReader` keeps them as the signature), unless they came from elsewhere."""
    text = thought.get("text") or ""
    try:
        kept = orjson.loads(thought.get("signature") or b"null")
    except orjson.JSONDecodeError:
        kept = None
    if not isinstance(kept, dict):
        return [{"type": "reasoning.text", "text": text}] if text else []
    if kept.get("type") == "reasoning.text":
        return [{**kept, "text": text}]
    return [{"type": "reasoning.summary", "summary": text}, kept] if text else [kept]
