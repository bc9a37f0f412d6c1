"""Requests to OpenAI's `/v1/responses`, as questions of ours. Items become messages, flat shapes nested ones."""

from collections.abc import Mapping, Sequence
from typing import Any

from kontor.gateway.openai.asked import (
    ANY_OBJECT,
    MOST_MESSAGES,
    Asked,
    Body,
    boolean,
    choice_of,
    dropped,
    mapping,
    messages_of,
    model_of,
    named_schema,
    put,
    refuse,
    tools_of,
)
from kontor.gateway.wire.parts import call_in
from kontor.gateway.wire.port import AnswerSchema

JSON = Any

# What the provider would have to keep or do for us.
ELSEWHERE = {
    "background": "Every answer goes on without its reader here. Send stream or wait, and read the run by its id.",
    "conversation": "Conversations are not kept under an id here. Send the items themselves.",
    "previous_response_id": "Answers are not kept under an id for this. Send the items themselves.",
    "prompt": "Prompts are not kept under an id here. Send the text itself.",
}
LOGPROBS = "message.output_text.logprobs"
ECHOED = ("instructions", "max_output_tokens", "metadata", "parallel_tool_calls", "reasoning", "temperature", "text",
          "tool_choice", "tools", "top_p", "truncation", "user")  # fmt: skip


def responses(body: Body) -> Asked:
    rest = dict(body)
    model = model_of(rest)
    for name, why in ELSEWHERE.items():
        if rest.pop(name, None):
            refuse(name, why)
    messages = [*instructions_of(rest.pop("instructions", None)), *messages_from(rest.pop("input", None))]
    messages_of(messages, "input")
    is_streamed = boolean(rest, "stream")
    include = rest.pop("include", None) or []
    if not isinstance(include, list):
        refuse("include", "Use a list.")
    rest.pop("stream_options", None)
    metadata = rest.get("metadata")
    ignored = dropped(rest)
    if metadata is not None:  # the answer repeats it
        ignored = tuple(name for name in ignored if name != "metadata")
    parameters: dict[str, JSON] = {}
    put(parameters, "max_output", rest.pop("max_output_tokens", None))
    reasoning, text = mapping(rest, "reasoning"), mapping(rest, "text")
    put(parameters, "effort", reasoning.get("effort"))
    put(parameters, "verbosity", text.get("verbosity"))
    schema = schema_of(text.get("format"))
    tools, choice = tools_of(rest.pop("tools", None), flat_tool), choice_from(rest.pop("tool_choice", None))
    top = rest.pop("top_logprobs", None)
    if LOGPROBS in include or top is not None:
        parameters["top_logprobs"] = 0 if top is None else top
    if rest.pop("truncation", None) == "auto":
        ignored = (*ignored, "truncation")
    parameters.update((name, value) for name, value in rest.items() if value is not None)
    echoed = {name: body[name] for name in ECHOED if body.get(name) is not None}
    return Asked(
        model,
        messages,
        parameters,
        tools,
        choice,
        schema,
        is_streamed=is_streamed,
        with_usage=True,
        ignored=ignored,
        echoed=echoed,
    )


def instructions_of(given: JSON) -> Sequence[Mapping[str, JSON]]:
    if given is None:
        return ()
    if not isinstance(given, str):
        refuse("instructions", "Send instructions as a text.")
    return ({"role": "system", "content": given},)


def messages_from(given: JSON) -> Sequence[Mapping[str, JSON]]:
    if isinstance(given, str):
        return ({"role": "user", "content": given},)
    if not isinstance(given, list) or not 1 <= len(given) <= MOST_MESSAGES:
        refuse("input", f"Send a text or a list of 1 to {MOST_MESSAGES} items.")
    messages: list[dict[str, JSON]] = []
    turn: list[Mapping[str, JSON]] = []  # what the model thought, said and called, one after the other
    for index, item in enumerate(given):
        at = f"input.{index}"
        if not isinstance(item, dict):
            refuse(at, "An item is an object.")
        kind = item.get("type", "message")
        is_said = kind == "message" and item.get("role") == "assistant"
        is_of_turn = is_said or kind in {"reasoning", "function_call"}
        # What was said without a thought before it begins a turn of its own.
        if turn and (not is_of_turn or (is_said and not thinks(turn))):
            messages.append(message_of(turn))
            turn = []
        match kind:
            case "message":
                message = {"role": item.get("role"), "content": content_of(item.get("content"), f"{at}.content")}
                (turn if is_said else messages).append(message)
            case "function_call":
                turn.append(call_of(item, at))
            case "function_call_output":
                output = content_of(item.get("output"), f"{at}.output")
                messages.append({"role": "tool", "tool_call_id": item.get("call_id"), "content": output})
            case "reasoning":
                turn.append(thought_of(item, at))
            case _:
                refuse(f"{at}.type", "Use message, function_call, function_call_output or reasoning.")
    return [*messages, message_of(turn)] if turn else messages


def thinks(turn: Sequence[Mapping[str, JSON]]) -> bool:
    return any(part.get("type") == "reasoning" for part in turn)


def message_of(turn: Sequence[Mapping[str, JSON]]) -> dict[str, JSON]:
    """Where there were thoughts, everything keeps its place among them. Otherwise calls stand beside what was said."""
    if thinks(turn):
        parts = [part for each in turn for part in (as_parts(each["content"]) if "role" in each else [each])]
        return {"role": "assistant", "content": parts}
    message: dict[str, JSON] = {"role": "assistant", "content": None}
    message |= next((each for each in turn if "role" in each), {})
    if calls := [call_in(each) for each in turn if "role" not in each]:
        message["tool_calls"] = calls
    return message


def as_parts(content: JSON) -> list[JSON]:
    return content if isinstance(content, list) else [{"type": "text", "text": content}]


def content_of(given: JSON, at: str) -> JSON:
    if not isinstance(given, list):
        return given
    parts: list[Mapping[str, JSON]] = []
    for index, part in enumerate(given):
        match part:
            case {"type": "input_text" | "output_text" | "text", "text": str(text)}:
                parts.append({"type": "text", "text": text})
            case {"type": "refusal", "refusal": str(text)}:
                parts.append({"type": "text", "text": text})
            case {"type": "input_image", "image_url": str(url)}:
                detail = {"detail": part["detail"]} if isinstance(part.get("detail"), str) else {}
                parts.append({"type": "image_url", "image_url": {"url": url, **detail}})
            case {"type": "input_file", "file_data": str(data)}:
                named = {"filename": part["filename"]} if isinstance(part.get("filename"), str) else {}
                parts.append({"type": "file", "file": {"file_data": data, **named}})
            case {"type": "input_audio", "input_audio": dict(sound)}:
                parts.append({"type": "input_audio", "input_audio": sound})
            case _:
                refuse(
                    f"{at}.{index}",
                    "Use input_text, input_image with image_url, input_file with file_data, or input_audio.",
                )
    return parts


def call_of(item: Mapping[str, JSON], at: str) -> Mapping[str, JSON]:
    call_id, name, arguments = item.get("call_id"), item.get("name"), item.get("arguments", "")
    if not (isinstance(call_id, str) and isinstance(name, str) and isinstance(arguments, str)):
        refuse(at, "A call has call_id, name and arguments.")
    return {"type": "tool_call", "id": call_id, "name": name, "arguments": arguments}


def thought_of(item: Mapping[str, JSON], at: str) -> Mapping[str, JSON]:
    said = []
    for name in ("content", "summary"):
        parts = item.get(name) or ()
        if not isinstance(parts, list | tuple):
            refuse(f"{at}.{name}", "Reasoning has a list of parts.")
        for part in parts:
            if not isinstance(part, dict) or not isinstance(part.get("text"), str):
                refuse(f"{at}.{name}", "Reasoning has parts with text.")
            said.append(part["text"])
        if said:
            break
    sealed = item.get("encrypted_content")
    signature = {"signature": sealed} if isinstance(sealed, str) else {}
    return {"type": "reasoning", "text": "\n\n".join(said), **signature}


def schema_of(form: JSON) -> AnswerSchema | None:
    if form is None:
        return None
    if not isinstance(form, dict):
        refuse("text.format", "Use an object.")
    match form.get("type"):
        case "text":
            return None
        case "json_object":
            return ANY_OBJECT
        case "json_schema":
            return named_schema(form, "text.format")
        case _:
            return refuse("text.format.type", "Use text, json_object or json_schema.")


def flat_tool(tool: Mapping[str, JSON], at: str) -> Mapping[str, JSON]:
    if not isinstance(tool.get("name"), str):
        refuse(f"{at}.name", "A function needs a name.")
    if not isinstance(tool.get("parameters") or {}, dict):
        refuse(f"{at}.parameters", "The parameters of a function are a JSON schema.")
    function = {
        name: tool[name] for name in ("name", "description", "parameters", "strict") if tool.get(name) is not None
    }
    return {"type": "function", "function": function}


def choice_from(given: JSON) -> JSON:
    if isinstance(given, dict) and given.get("type") == "function" and isinstance(given.get("name"), str):
        return {"type": "function", "function": {"name": given["name"]}}
    return choice_of(given)
