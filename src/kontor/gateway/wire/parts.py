"""What the protocols other than OpenAI's have in common: how a call is taken apart, and what of it they cannot say."""

import base64
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import unquote_to_bytes

import orjson

from kontor.gateway.wire.losses import NOT_TAKEN, SCHEMA_IN_WORDS, Losses
from kontor.gateway.wire.port import JSON, AnswerSchema, Call, Endpoint, Feature, Quirks

Object = dict[str, JSON]

SYSTEM_ROLES: Final = frozenset({"system", "developer"})
EFFORTS: Final = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
LARGEST_COUNT: Final = 2**53


def count(value: JSON) -> int:
    """A number of tokens; what is none counts as nothing, so that a provider's slip is no credit for anybody."""
    return value if type(value) is int and 0 <= value < LARGEST_COUNT else 0


def text(value: JSON) -> str:
    """For what is shown: anything but text is an error of the provider, and never shown as if it were text."""
    if type(value) is not str:
        raise TypeError("text expected")
    return value


def name(value: JSON) -> str | None:
    """For what is only looked up; without it, the answer is as good."""
    return value if type(value) is str else None


# --- messages


def parts_of(content: JSON) -> list[Mapping[str, JSON]]:
    if content is None or content == "":
        return []
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    return [{"type": "text", "text": part} if isinstance(part, str) else part for part in content]


def say(turns: list[Object], role: str, said: list[Object], key: str) -> None:
    """Results of tools stand together and before what else the user says, so turns of one role are one turn."""
    if not said:
        return
    if turns and turns[-1]["role"] == role:
        turns[-1][key].extend(said)
    else:
        turns.append({"role": role, key: said})


def plain_text(content: JSON) -> str:
    """The text of all parts; who calls has seen to the other parts."""
    return "".join(part.get("text") or part.get("refusal") or "" for part in parts_of(content))


def turn_of(message: Mapping[str, JSON]) -> list[Mapping[str, JSON]]:
    """What a model said in a former turn, in its order. Calls of tools stand among the parts as
    `{"type": "tool_call", "id", "name", "arguments"}` or, without a place, behind them as OpenAI's `tool_calls`; here
    each is a part with its `call` as OpenAI writes it."""
    said: list[Mapping[str, JSON]] = [
        {"type": "tool_call", "call": call_in(part)} if part.get("type") == "tool_call" else part
        for part in parts_of(message.get("content") or message.get("refusal"))
    ]
    placed = {part["call"].get("id") for part in said if part.get("type") == "tool_call"}
    calls = [call for call in message.get("tool_calls") or () if call.get("id") not in placed]
    return [*said, *({"type": "tool_call", "call": call} for call in calls)]


def call_in(part: Mapping[str, JSON]) -> Mapping[str, JSON]:
    function = {"name": part.get("name"), "arguments": part.get("arguments") or ""}
    return {"id": part.get("id"), "type": "function", "function": function}


def with_calls_aside(message: Mapping[str, JSON]) -> Mapping[str, JSON]:
    """For protocols in which calls have no place among what is said."""
    content = message.get("content")
    if type(content) is not list or all(part.get("type") != "tool_call" for part in content):
        return message
    rest = [part for part in content if part.get("type") != "tool_call"]
    calls = [part["call"] for part in turn_of(message) if part.get("type") == "tool_call"]
    return {**message, "content": rest or None, "tool_calls": calls}


@dataclass(frozen=True, slots=True)
class Inline:
    """Content that came with the call instead of an address."""

    media_type: str
    data: str  # base64

    def words(self) -> str | None:
        """For what is text; None where it is none."""
        if not self.media_type.startswith("text/"):
            return None
        try:
            return base64.b64decode(self.data).decode("utf-8", "replace")
        except ValueError:
            return None


def inline(url: str) -> Inline | None:
    """What a data URL holds; None for an address."""
    if url[:5].lower() != "data:":
        return None
    head, _, data = url[5:].partition(",")
    media_type, *flags = head.split(";")
    if "base64" not in flags:
        data = base64.b64encode(unquote_to_bytes(data)).decode()
    return Inline(media_type.strip().lower() or "text/plain", data)


def image_of(part: Mapping[str, JSON], losses: Losses) -> str:
    """The address of an image part, which may be a data URL."""
    image = part.get("image_url")
    if isinstance(image, str):
        return image
    image = image or {}
    if image.get("detail") not in (None, "auto"):
        losses.changed(Feature.IMAGE, "the wanted detail of images is not known there")
    return str(image.get("url") or "")


@dataclass(frozen=True, slots=True)
class Document:
    name: str | None
    url: str | None  # an address, where it did not come with the call
    content: Inline | None


def document_of(part: Mapping[str, JSON]) -> Document | None:
    """None for a file that only another provider holds."""
    file = part.get("file") or {}
    data = file.get("file_data") or file.get("url")
    if not isinstance(data, str) or not data:
        return None
    held = inline(data)
    if held is None and not data.lower().startswith(("http://", "https://")):
        held = Inline("application/pdf", data)  # some send the bare base64
    return Document(file.get("filename"), None if held else data, held)


def unsaid_fields(message: Mapping[str, JSON], losses: Losses, *, known: frozenset[str]) -> None:
    for key, value in message.items():
        if key not in known and value not in (None, "", [], {}):
            losses.dropped(Feature.EXTRA, f"the field {key} of a message")


def functions_of(call: Call, losses: Losses) -> Iterator[tuple[Mapping[str, JSON], Mapping[str, JSON]]]:
    """Each tool, and its function. What providers run themselves costs by the call, which no receipt of ours shows."""
    for tool in call.tools:
        if tool.get("type", "function") == "function" and isinstance(tool.get("function"), Mapping):
            yield tool, tool["function"]
        else:
            losses.dropped(Feature.TOOLS, f"a tool of the type {tool.get('type')}")


@dataclass(frozen=True, slots=True)
class Choice:
    """OpenAI's `tool_choice`, read: may, must or must not the model use tools, and which."""

    mode: str  # auto, none, required
    names: tuple[str, ...] = ()


def choice_of(tool_choice: JSON) -> Choice:
    if isinstance(tool_choice, str):
        return Choice(tool_choice if tool_choice in ("none", "required") else "auto")
    if not isinstance(tool_choice, Mapping):
        return Choice("auto")
    if tool_choice.get("type") == "allowed_tools":
        allowed = tool_choice.get("allowed_tools") or tool_choice
        tools = [tool for tool in allowed.get("tools") or () if isinstance(tool, Mapping)]
        names = tuple(str((tool.get("function") or tool).get("name")) for tool in tools)
        return Choice("required" if allowed.get("mode") == "required" else "auto", names)
    name = (tool_choice.get("function") or tool_choice).get("name")
    return Choice("required", (str(name),)) if name else Choice("auto")


# --- reasoning that goes back to who reasoned


@dataclass(frozen=True, slots=True)
class Seal:
    """A signature with where it comes from: no other protocol takes it, and often no other model either."""

    protocol: str
    model: str
    kind: str
    signature: str

    def __str__(self) -> str:
        return f"{self.protocol}|{self.model}|{self.kind}|{self.signature}"


def seal_of(signature: JSON) -> Seal | None:
    pieces = signature.split("|", 3) if isinstance(signature, str) else ()
    return Seal(*pieces) if len(pieces) == 4 else None


# --- what is wanted, and what there is


def effort_of(call: Call, efforts: Mapping[str, str | Mapping[str, JSON]] | None, losses: Losses) -> JSON:
    """What says the wished effort there, or the nearest that is offered. None: nothing to say."""
    if call.effort is None:
        return None
    if not efforts or call.effort not in EFFORTS:
        losses.dropped(Feature.EFFORT, call.effort)
        return None
    if call.effort in efforts:
        return efforts[call.effort]
    wished = EFFORTS.index(call.effort)
    offered = [index for index, name in enumerate(EFFORTS) if name in efforts and index > 0]
    if not offered:
        losses.dropped(Feature.EFFORT, call.effort)
        return None
    used = EFFORTS[min(offered, key=lambda index: (abs(index - wished), index))]
    losses.changed(Feature.EFFORT, f"{call.effort} is not offered, {used} is")
    return efforts[used]


_NEUTRAL: Final[Mapping[Feature, tuple[str, JSON]]] = {
    Feature.TOOLS: ("tools", ()),
    Feature.TOOL_CHOICE: ("tool_choice", None),
    Feature.PARALLEL_TOOLS: ("parallel_tool_calls", None),
    Feature.MAX_OUTPUT: ("max_output", None),
    Feature.TEMPERATURE: ("temperature", None),
    Feature.TOP_P: ("top_p", None),
    Feature.STOP: ("stop", ()),
    Feature.SEED: ("seed", None),
    Feature.EFFORT: ("effort", None),
    Feature.LOGPROBS: ("top_logprobs", None),
    Feature.EXTRA: ("extra", {}),
    Feature.STREAM: ("is_streamed", False),
}
_PARTS: Final[Mapping[str, Feature]] = {
    "image_url": Feature.IMAGE,
    "file": Feature.DOCUMENT,
    "input_audio": Feature.AUDIO,
    "reasoning": Feature.REASONING_INPUT,
}
_IN_MESSAGES: Final = frozenset({*_PARTS.values(), Feature.CACHE, Feature.SYSTEM, Feature.TOOL_RESULT})


def without(call: Call, refused: frozenset[Feature], losses: Losses) -> Call:
    """The call without what this provider or model never takes."""
    changes: Object = {}
    for feature in sorted(refused & _NEUTRAL.keys()):
        name, neutral = _NEUTRAL[feature]
        if getattr(call, name) not in (None, neutral):
            changes[name] = neutral
            losses.dropped(feature)
    if refused & _IN_MESSAGES:
        changes["messages"] = [
            kept for message in call.messages if (kept := _message_without(message, refused, losses)) is not None
        ]
    return replace(call, **changes) if changes else call


def _message_without(
    message: Mapping[str, JSON], refused: frozenset[Feature], losses: Losses
) -> Mapping[str, JSON] | None:
    role = message.get("role")
    if role == "tool" and Feature.TOOL_RESULT in refused:
        losses.dropped(Feature.TOOL_RESULT)
        return None
    if role in SYSTEM_ROLES and Feature.SYSTEM in refused:
        losses.changed(Feature.SYSTEM, "said by the user instead")
        message = {**message, "role": "user"}
    content = message.get("content")
    if isinstance(content, str) or content is None:
        return message
    kept = []
    for part in content:
        feature = _PARTS.get(part.get("type", ""))
        if feature in refused:
            losses.dropped(feature)
            continue
        if part.get("cache") and Feature.CACHE in refused:
            losses.dropped(Feature.CACHE)
            part = {key: value for key, value in part.items() if key != "cache"}  # noqa: PLW2901 - the same part
        kept.append(part)
    return {**message, "content": kept}


def marks_unsaid(call: Call, quirks: Quirks, losses: Losses) -> None:
    """For protocols without marks for a cache."""
    marked = any(part.get("cache") for message in call.messages for part in parts_of(message.get("content")))
    if marked or any(tool.get("cache") for tool in call.tools):
        losses.dropped(Feature.CACHE, "what repeats is cached unasked" if quirks.cache == "automatic" else NOT_TAKEN)


def stops_of(call: Call, quirks: Quirks, losses: Losses) -> list[str]:
    stops = list(call.stop)
    if quirks.largest_stop is not None and len(stops) > quirks.largest_stop:
        losses.changed(Feature.STOP, f"only the first {quirks.largest_stop}")
        stops = stops[: quirks.largest_stop]
    return stops


# --- bodies


def merge(into: Object, what: Mapping[str, JSON]) -> None:
    """Objects within objects are joined, all else is replaced. Nothing of `what` is changed or shared."""
    for key, value in what.items():
        there = into.get(key)
        if isinstance(value, Mapping):
            joined = dict(there) if isinstance(there, Mapping) else {}
            merge(joined, value)
            into[key] = joined
        elif isinstance(value, list) and isinstance(there, list):
            into[key] = [*there, *value]
        else:
            into[key] = value


def add_extra(body: Object, call: Call, losses: Losses, *, decided: frozenset[str]) -> None:
    """The bag for the provider's own body. What rights and prices lean on is decided, and no bag changes it."""
    merge(body, _undecided(call.extra, "", losses, decided))


def _undecided(extra: Mapping[str, JSON], path: str, losses: Losses, decided: frozenset[str]) -> Object:
    kept: Object = {}
    for key, value in extra.items():
        here = path + key
        if here in decided:
            losses.dropped(Feature.EXTRA, here)
        elif isinstance(value, Mapping):
            kept[key] = _undecided(value, here + ".", losses, decided)
        else:
            kept[key] = value
    return kept


def rename(body: Object, renamed: Mapping[str, str]) -> None:
    for old, new in renamed.items():
        if old in body:
            *path, name = new.split(".")
            place = body
            for step in path:
                place = place.setdefault(step, {})
            place[name] = body.pop(old)


def headers_for(at: Endpoint) -> Object:
    headers: Object = {"content-type": "application/json"}
    if at.key is not None:
        match at.quirks.auth:
            case "bearer":
                headers["authorization"] = f"Bearer {at.key}"
            case "x-api-key" | "x-goog-api-key":
                headers[at.quirks.auth] = at.key
            case "none":
                pass
    headers.update(at.headers)
    return headers


# --- schemas

_MANY: Final = frozenset({"properties", "$defs", "definitions", "patternProperties", "dependentSchemas"})
_LISTS: Final = frozenset({"anyOf", "oneOf", "allOf", "prefixItems"})
_ONE: Final = frozenset(
    {"items", "additionalProperties", "not", "if", "then", "else", "contains", "propertyNames", "unevaluatedProperties"}
)
# What only describes: without it, the same documents fit.
_SILENT: Final = frozenset(
    {"$schema", "$comment", "title", "description", "default", "examples", "deprecated", "readOnly"}
)
Rewrite = Callable[[Object, set[str]], None]


def fitted(schema: JSON, *, known: frozenset[str], rewrite: Rewrite | None = None) -> tuple[JSON, list[str]]:
    """The schema with only the keywords that are known there, and the names of those that others would have held to.

    `rewrite` puts one level right, before its unknown keywords go, and adds to the names what it had to give up.
    """
    missed: set[str] = set()
    return _fit(schema, known, rewrite, missed), sorted(missed)


def _fit(schema: JSON, known: frozenset[str], rewrite: Rewrite | None, missed: set[str]) -> JSON:
    if not isinstance(schema, Mapping):
        return schema
    level = dict(schema)
    if "$ref" in level:  # may have no neighbours there
        missed.update(key for key in level if not key.startswith("$") and key not in _SILENT)
        level = {key: value for key, value in level.items() if key.startswith("$")}
    if rewrite is not None:
        rewrite(level, missed)
    kept: Object = {}
    for key, value in level.items():
        if key not in known:
            if key not in _SILENT:
                missed.add(key)
        elif key in _MANY and isinstance(value, Mapping):
            kept[key] = {name: _fit(inner, known, rewrite, missed) for name, inner in value.items()}
        elif key in _LISTS and isinstance(value, list):
            kept[key] = [_fit(inner, known, rewrite, missed) for inner in value]
        elif key in _ONE:
            kept[key] = _fit(value, known, rewrite, missed)
        else:
            kept[key] = value
    return kept


def in_words(call: Call, schema: AnswerSchema, losses: Losses, *, is_json_held: bool = False) -> Call:
    """The call with its schema told to the model: for where none is taken, or none like this."""
    held = "asked for in words; only that it is JSON is enforced" if is_json_held else "asked for in words"
    losses.changed(Feature.SCHEMA, held)
    words = SCHEMA_IN_WORDS.format(schema=orjson.dumps(schema.schema).decode())
    first = next((place for place, each in enumerate(call.messages) if each.get("role") not in SYSTEM_ROLES), 0)
    told = {"role": "user" if Feature.SYSTEM in losses.refused else "system", "content": words}
    return replace(call, messages=[*call.messages[:first], told, *call.messages[first:]], schema=None)


def levels(schema: JSON) -> Iterator[Mapping[str, JSON]]:
    """Each schema within the schema, itself first."""
    if not isinstance(schema, Mapping):
        return
    yield schema
    for key, value in schema.items():
        if key in _MANY and isinstance(value, Mapping):
            inner = list(value.values())
        elif key in _LISTS and isinstance(value, list):
            inner = value
        else:
            inner = [value] if key in _ONE else []
        for one in inner:
            yield from levels(one)


def is_recursive(schema: JSON) -> bool:
    """Whether a definition leads back to itself."""
    defined = schema.get("$defs") or schema.get("definitions") if isinstance(schema, Mapping) else None
    names = defined if isinstance(defined, Mapping) else {}
    leads_to = {name: _references(inner) for name, inner in names.items()}
    leads_to["#"] = _references({key: value for key, value in schema.items() if key not in ("$defs", "definitions")})
    return any(name in _reached(leads_to, name) for name in leads_to)


def _reached(leads_to: Mapping[str, set[str]], start: str) -> set[str]:
    reached: set[str] = set()
    waiting = list(leads_to.get(start, ()))
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting.extend(leads_to.get(name, ()))
    return reached


def _references(schema: JSON) -> set[str]:
    if isinstance(schema, Mapping):
        found = {name for inner in schema.values() for name in _references(inner)}
        target = schema.get("$ref")
        if isinstance(target, str):
            found.add(re.sub(r"^#/(\$defs|definitions)/", "", target))
        return found
    if isinstance(schema, Sequence) and not isinstance(schema, str | bytes):
        return {name for inner in schema for name in _references(inner)}
    return set()


def arguments_of(written: JSON, losses: Losses) -> JSON:
    """What a former call was given, for providers that take an object and not its text."""
    try:
        read = orjson.loads(written or "{}")
    except orjson.JSONDecodeError:
        read = None
    if isinstance(read, dict):
        return read
    losses.changed(Feature.TOOLS, "arguments of a former call that are no object")
    return {"arguments": written}
