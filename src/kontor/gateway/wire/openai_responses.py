"""OpenAI's /responses: its newest models think and use tools in one answer only there, and tell what they think.

Nothing is kept at the provider (`store` is false), so what was thought travels with the conversation, encrypted. Stop
words, seeds and sound have no place in this protocol.
"""

from collections.abc import Mapping, Sequence

import orjson

from kontor.gateway.wire.losses import Losses
from kontor.gateway.wire.openai_chat import (
    SYSTEM_ROLES,
    Body,
    OpenAIChat,
    Plain,
    add_rest,
    headers,
    said_effort,
    said_parameters,
    said_schema,
    said_tools,
    text_of,
)
from kontor.gateway.wire.openai_responses_reader import ResponsesReader, pieces_of
from kontor.gateway.wire.parts import turn_of
from kontor.gateway.wire.port import JSON, Call, Endpoint, Feature, Prepared, Quirks, Reader

PATH = "/responses"
WITHOUT_PLACE = frozenset({Feature.STOP, Feature.SEED, Feature.AUDIO})
PLAIN: Plain = (
    (Feature.MAX_OUTPUT, "max_output", "max_output_tokens"),
    (Feature.TEMPERATURE, "temperature", "temperature"),
    (Feature.TOP_P, "top_p", "top_p"),
)


class OpenAIResponses(OpenAIChat):
    protocol = "openai_responses"

    def chat(self, call: Call, at: Endpoint) -> Prepared:
        quirks = at.quirks.for_model(call.model)
        losses = Losses(quirks.refused | WITHOUT_PLACE)
        words, answer_form, streams = said_schema(call, quirks, losses)
        instructions, items = said_items(call.messages, quirks, losses)
        instructions += [words] if words is not None else []
        body: Body = {"model": call.model, "input": items, "store": False}
        if instructions:
            said_instructions(body, instructions, losses)
        if answer_form is not None:
            body["text"] = {"format": {"type": answer_form["type"], **answer_form.get("json_schema", {})}}
        if said_tools(call, quirks, losses, body):
            body["tools"] = [flat(tool) for tool in body["tools"]]
            if isinstance(body.get("tool_choice"), Mapping):
                body["tool_choice"] = flat_choice(body["tool_choice"])
        is_told_not_to_think = said_effort(call, quirks, losses, body, name="reasoning.effort")
        include = []
        if quirks.summary is not None and not is_told_not_to_think:
            body.setdefault("reasoning", {})["summary"] = quirks.summary
            include.append("reasoning.encrypted_content")
        said_parameters(call, quirks, losses, body, thinks=not is_told_not_to_think, plain=PLAIN)
        if body.pop("logprobs", False):
            include.append("message.output_text.logprobs")
        if include:
            body["include"] = include
        if call.stop:
            losses.takes(Feature.STOP)
        if call.seed is not None:
            losses.takes(Feature.SEED)
        if streams:
            body["stream"] = True
        add_rest(call, quirks, losses, body)
        return Prepared(
            method="POST",
            url=at.base_url + PATH,
            headers=headers(at, accept="text/event-stream" if streams else "application/json"),
            body=orjson.dumps(body),
            framing="sse" if streams else "json",
            losses=losses.noted,
        )

    def reader(self, call: Call, at: Endpoint) -> Reader:
        return ResponsesReader(at.quirks)


def said_instructions(body: Body, instructions: Sequence[str], losses: Losses) -> None:
    text = "\n\n".join(instructions)
    if Feature.SYSTEM not in losses.refused:
        body["instructions"] = text
        return
    losses.changed(Feature.SYSTEM, "stands before the first message instead")
    body["input"] = [{"role": "user", "content": text}, *body["input"]]


def flat(tool: Mapping[str, JSON]) -> Mapping[str, JSON]:
    """What chat completions put into an object of its own stands beside the type here."""
    match tool.get("type"):
        case "function" if isinstance(tool.get("function"), Mapping):
            # Strict unless told otherwise, whereas chat completions are not.
            return {"type": "function", "strict": False, **tool["function"]}
        case "custom" if isinstance(tool.get("custom"), Mapping):
            said = {"type": "custom", **tool["custom"]}
            form = said.get("format")
            if isinstance(form, Mapping) and isinstance(form.get("grammar"), Mapping):
                said["format"] = {"type": "grammar", **form["grammar"]}
            return said
        case _:
            return tool


def flat_choice(choice: Mapping[str, JSON]) -> Mapping[str, JSON]:
    kind = choice.get("type")
    inner = choice.get(kind) if isinstance(kind, str) else None
    if not isinstance(inner, Mapping):
        return choice
    said = {"type": kind, **inner}
    if kind == "allowed_tools":
        said["tools"] = [flat_choice(tool) for tool in inner.get("tools", ())]
    return said


# The conversation as items


def said_items(
    messages: Sequence[Mapping[str, JSON]], quirks: Quirks, losses: Losses
) -> tuple[list[str], list[Mapping[str, JSON]]]:
    """System texts at the head are the instructions; later ones keep their place."""
    instructions: list[str] = []
    items: list[Mapping[str, JSON]] = []
    custom: set[JSON] = set()  # calls whose answers have a type of their own
    for message in messages:
        content = message.get("content")
        match message.get("role"):
            case role if role in SYSTEM_ROLES:
                if items and Feature.SYSTEM not in losses.refused:
                    items.append({"role": "developer", "content": text_of(content)})
                else:
                    instructions.append(text_of(content))
            case "tool":
                if losses.takes(Feature.TOOL_RESULT):
                    items.append(said_result(message, custom, quirks, losses))
            case "assistant":
                items.extend(said_turn(message, custom, quirks, losses))
            case role:
                items.append({"role": role, "content": said_content(content, quirks, losses)})
    return instructions, items


def said_turn(
    message: Mapping[str, JSON], custom: set[JSON], quirks: Quirks, losses: Losses
) -> list[Mapping[str, JSON]]:
    """What the model thought, said and called in a former turn, each an item, in this order."""
    items: list[Mapping[str, JSON]] = []
    texts: list[str] = []

    def speak() -> None:
        if any(texts):
            items.append({"role": "assistant", "content": "".join(texts)})
        texts.clear()

    for part in turn_of(message):
        mark(part, quirks, losses)
        match part.get("type"):
            case "text" | "refusal":
                texts.append(part.get("text") or part.get("refusal") or "")
            case "reasoning":
                speak()
                items.extend(said_thought(part, losses))
            case "tool_call" if losses.takes(Feature.TOOL_RESULT):
                speak()
                items.append(said_call(part["call"], custom))
            case _:
                pass
    speak()
    return items


def said_thought(part: Mapping[str, JSON], losses: Losses) -> list[Mapping[str, JSON]]:
    """Only what came from here with its seal (`sealed` keeps id and seal as the signature) is taken back."""
    given, _, kept = (part.get("signature") or "").partition(":")
    if not losses.takes(Feature.REASONING_INPUT):
        return []
    if not given.startswith("rs_") or not kept:
        losses.dropped(Feature.REASONING_INPUT, "taken back only as it was sealed there")
        return []
    own_id, _, lengths = given.partition(";")
    texts = pieces_of(part.get("text") or "", lengths)
    summary = [{"type": "summary_text", "text": text} for text in texts]
    return [{"type": "reasoning", "id": own_id, "summary": summary, "encrypted_content": kept}]


def said_call(call: Mapping[str, JSON], custom: set[JSON]) -> Mapping[str, JSON]:
    if "custom" in call:
        custom.add(call.get("id"))
        return {"type": "custom_tool_call", "call_id": call.get("id"), **call["custom"]}
    function = call["function"]
    arguments = function.get("arguments") or "{}"
    return {"type": "function_call", "call_id": call.get("id"), "name": function.get("name"), "arguments": arguments}


def said_result(message: Mapping[str, JSON], custom: set[JSON], quirks: Quirks, losses: Losses) -> Mapping[str, JSON]:
    kind = "custom_tool_call_output" if message.get("tool_call_id") in custom else "function_call_output"
    output = said_content(message.get("content"), quirks, losses)
    return {"type": kind, "call_id": message.get("tool_call_id"), "output": output}


def said_content(content: JSON, quirks: Quirks, losses: Losses) -> JSON:
    if not isinstance(content, list):
        return content or ""
    parts = []
    for part in content:
        mark(part, quirks, losses)
        known = said_part(part, losses)
        if known is not None:
            parts.append(known)
    return parts or ""


def said_part(part: Mapping[str, JSON], losses: Losses) -> Mapping[str, JSON] | None:
    match part.get("type"):
        case "text":
            return {"type": "input_text", "text": part["text"]}
        case "image_url":
            image = part["image_url"]
            image = image if isinstance(image, Mapping) else {"url": image}
            said = {"type": "input_image", "image_url": image.get("url"), "detail": image.get("detail") or "auto"}
            return said if losses.takes(Feature.IMAGE) else None
        case "file":
            return {"type": "input_file", **part["file"]} if losses.takes(Feature.DOCUMENT) else None
        case "input_audio":
            return part if losses.takes(Feature.AUDIO) else None
        case "reasoning":
            losses.dropped(Feature.REASONING_INPUT, "only the model itself has thoughts there")
            return None
        case _:
            return {name: value for name, value in part.items() if name != "cache"}


def mark(part: Mapping[str, JSON], quirks: Quirks, losses: Losses) -> None:
    if part.get("cache"):
        if quirks.cache == "none":
            losses.dropped(Feature.CACHE)
        else:
            losses.changed(Feature.CACHE, "what is worth caching is decided there")
