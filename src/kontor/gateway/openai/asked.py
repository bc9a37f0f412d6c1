"""What OpenAI's clients send, as questions of ours: chat completions and embeddings. `responses_asked` has the other.

Unknown fields are neither lost nor checked here: they become parameters, which the model's schema takes, refuses or
passes on. What could mean nothing here (who the end user of the provider's customer is) is dropped and named.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn
from uuid import UUID

from kontor.core.errors import FieldProblem
from kontor.gateway.runs.ports import Wish
from kontor.gateway.wire.port import AnswerSchema

JSON = Any
Body = Mapping[str, JSON]

MOST_MESSAGES = 10_000
MOST_TOOLS = 512
MOST_TEXTS = 2048
ROLES = frozenset({"system", "developer", "user", "assistant", "tool"})

# About the account at the provider, which is not the caller's, or about what is kept there, which is nothing.
MEANINGLESS = frozenset(
    {
        "metadata", "moderation", "prompt_cache_retention", "safety_identifier", "store", "user",
    }
)  # fmt: skip
NEEDS_OTHER_ANSWERS = {
    "audio": "Answers are text here.",
    "function_call": "Use tool_choice instead, which has replaced it.",
    "functions": "Use tools instead, which have replaced them.",
}

ANY_OBJECT = AnswerSchema("answer", {"type": "object"}, is_strict=False)


@dataclass(frozen=True, slots=True)
class Asked:
    """A question in our words, and how it is to be answered in theirs."""

    model: str | None
    messages: Sequence[Mapping[str, JSON]]
    parameters: Mapping[str, JSON]
    tools: Sequence[Mapping[str, JSON]] = ()
    tool_choice: JSON = None
    schema: AnswerSchema | None = None
    is_streamed: bool = False
    with_usage: bool = False  # a stream that ends with what it used
    ignored: Sequence[str] = ()
    echoed: Mapping[str, JSON] = field(default_factory=dict)  # what the answer repeats of the question

    def wish(self, *, token_id: UUID | None, idempotency_key: str | None) -> Wish:
        return Wish(
            messages=self.messages,
            model=self.model,
            parameters=self.parameters,
            tools=self.tools,
            tool_choice=self.tool_choice,
            schema=self.schema,
            is_streamed=self.is_streamed,
            is_lenient=True,
            idempotency_key=idempotency_key,
            token_id=token_id,
        )


@dataclass(frozen=True, slots=True)
class AskedVectors:
    model: str | None
    texts: Sequence[str]
    dimensions: int | None
    is_base64: bool
    ignored: Sequence[str] = ()


def chat(body: Body) -> Asked:
    rest = dict(body)
    model = model_of(rest)
    messages = messages_of(rest.pop("messages", None))
    is_streamed, options = boolean(rest, "stream"), mapping(rest, "stream_options")
    if rest.pop("n", None) not in (None, 1):  # whatever was sent, also what no set could hold
        refuse("n", "One answer to one request. Ask again for another.")
    if rest.pop("modalities", None) not in (None, ["text"]):
        refuse("modalities", "Answers are text here.")
    for name, why in NEEDS_OTHER_ANSWERS.items():
        if rest.pop(name, None) is not None:
            refuse(name, why)
    ignored = dropped(rest)
    parameters: dict[str, JSON] = {}
    most = [rest.pop(name, None) for name in ("max_completion_tokens", "max_tokens")]
    put(parameters, "max_output", next((each for each in most if each is not None), None))
    put(parameters, "effort", rest.pop("reasoning_effort", None))
    put(parameters, "top_logprobs", logprobs_of(boolean(rest, "logprobs"), rest.pop("top_logprobs", None)))
    stop = rest.pop("stop", None)
    put(parameters, "stop", [stop] if isinstance(stop, str) else stop)
    schema = schema_of(mapping(rest, "response_format"), "response_format")
    tools = tools_of(rest.pop("tools", None), nested_tool)
    choice = choice_of(rest.pop("tool_choice", None))
    parameters.update((name, value) for name, value in rest.items() if value is not None)
    return Asked(
        model,
        messages,
        parameters,
        tools,
        choice,
        schema,
        is_streamed=is_streamed,
        with_usage=bool(options.get("include_usage")),
        ignored=ignored,
    )


def vectors(body: Body) -> AskedVectors:
    rest = dict(body)
    model = model_of(rest)
    given = rest.pop("input", None)
    texts = [given] if isinstance(given, str) else given
    if not isinstance(texts, list) or not texts or len(texts) > MOST_TEXTS:
        refuse("input", f"Send a text, or a list of 1 to {MOST_TEXTS} texts.")
    if not all(isinstance(text, str) for text in texts):
        refuse("input", "Send texts: tokens of one model mean nothing to another.")
    if not all(texts):
        refuse("input", "An empty text has no place among the others.")
    form = rest.pop("encoding_format", None) or "float"
    if form not in {"float", "base64"}:
        refuse("encoding_format", "Use float or base64.")
    dimensions = rest.pop("dimensions", None)
    if dimensions is not None and (not is_whole(dimensions) or not 1 <= dimensions <= 100_000):
        refuse("dimensions", "Use a whole number above 0.")
    return AskedVectors(model, texts, dimensions, form == "base64", tuple(sorted(rest)))


def refuse(name: str, why: str) -> NoReturn:
    raise FieldProblem(name, why)


def is_whole(value: JSON) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def model_of(rest: dict[str, JSON]) -> str | None:
    model = rest.pop("model", None)
    if model is not None and (not isinstance(model, str) or not 1 <= len(model) <= 300):
        refuse("model", "Name the model.")
    found: str | None = model
    return found


def boolean(rest: dict[str, JSON], name: str) -> bool:
    value = rest.pop(name, None)
    if value is None:
        return False
    if not isinstance(value, bool):
        refuse(name, "Use true or false.")
    return value


def mapping(rest: dict[str, JSON], name: str) -> Mapping[str, JSON]:
    value = rest.pop(name, None)
    if value is None:
        return {}
    if not isinstance(value, dict):
        refuse(name, "Use an object.")
    found: Mapping[str, JSON] = value
    return found


def dropped(rest: dict[str, JSON]) -> tuple[str, ...]:
    named = tuple(sorted(name for name in MEANINGLESS if rest.get(name) is not None))
    for name in MEANINGLESS:
        rest.pop(name, None)
    return named


def put(into: dict[str, JSON], name: str, value: JSON) -> None:
    if value is not None:
        into[name] = value


def logprobs_of(is_wanted: bool, top: JSON) -> JSON:
    if top is not None and not is_wanted:
        refuse("top_logprobs", "Ask for logprobs as well.")
    return (0 if top is None else top) if is_wanted else None


def messages_of(given: JSON, name: str = "messages") -> Sequence[Mapping[str, JSON]]:
    """As they came, once they have the shape that adapters lean on."""
    if not isinstance(given, list) or not 1 <= len(given) <= MOST_MESSAGES:
        refuse(name, f"Send a list of 1 to {MOST_MESSAGES} messages.")
    for index, message in enumerate(given):
        check_message(message, f"{name}.{index}")
    return given


def check_message(message: JSON, at: str) -> None:
    if not isinstance(message, dict):
        refuse(at, "A message is an object with role and content.")
    role, content = message.get("role"), message.get("content")
    if role not in ROLES:
        refuse(f"{at}.role", f"Use one of {', '.join(sorted(ROLES))}.")
    calls = message.get("tool_calls")
    if calls is not None:
        check_calls(calls, f"{at}.tool_calls")
    if role == "tool" and not isinstance(message.get("tool_call_id"), str):
        refuse(f"{at}.tool_call_id", "Name the call that this answers.")
    if content is None:
        # Only a model may say nothing: when it calls tools, or refuses.
        if role != "assistant":
            refuse(f"{at}.content", "A message needs content.")
    elif isinstance(content, list):
        for index, part in enumerate(content):
            check_part(part, f"{at}.content.{index}")
            if part["type"] == "tool_call" and role != "assistant":
                refuse(f"{at}.content.{index}.type", "Only a model calls tools.")
    elif not isinstance(content, str):
        refuse(f"{at}.content", "Content is a text or a list of parts.")


def check_calls(calls: JSON, at: str) -> None:
    if not isinstance(calls, list):
        refuse(at, "Send a list of calls.")
    for index, call in enumerate(calls):
        function = call.get("function") if isinstance(call, dict) else None
        is_right = (
            isinstance(function, dict)
            and isinstance(call.get("id"), str)
            and isinstance(function.get("name"), str)
            and isinstance(function.get("arguments", ""), str)
        )
        if not is_right:
            refuse(f"{at}.{index}", "A call has an id and a function with name and arguments, the latter as text.")


# What a part must have beside its type; of other types nothing is known, and adapters name them as a loss.
PARTS: Mapping[str, tuple[str, type]] = {
    "text": ("text", str),
    "refusal": ("refusal", str),
    "reasoning": ("text", str),
    "image_url": ("image_url", dict),
    "file": ("file", dict),
    "input_audio": ("input_audio", dict),
    "tool_call": ("name", str),
}
OF_TEXT = {"reasoning": ("signature",), "tool_call": ("id", "arguments")}


def check_part(part: JSON, at: str) -> None:
    kind = part.get("type") if isinstance(part, dict) else None
    if not isinstance(kind, str):
        refuse(at, "A part is an object with a type.")
    needed = PARTS.get(kind)
    if needed is None:
        refuse(f"{at}.type", f"Use one of {', '.join(PARTS)}.")
    name, shape = needed
    if not isinstance(part.get(name), shape):
        refuse(f"{at}.{name}", f"A part of type {kind} needs {name}.")
    for field_name in OF_TEXT.get(kind, ()):
        if not isinstance(part.get(field_name), str | None):
            refuse(f"{at}.{field_name}", "Use text.")
    if kind == "image_url" and not isinstance(part["image_url"].get("url"), str):
        refuse(f"{at}.image_url.url", "Send the image as an address or as a data URL.")
    if kind == "file" and not isinstance(part["file"].get("file_data"), str):
        refuse(f"{at}.file.file_data", "Send the file itself as a data URL: nothing is stored under an id here.")


def schema_of(form: Mapping[str, JSON], at: str) -> AnswerSchema | None:
    match form.get("type"):
        case None | "text":
            return None
        case "json_object":
            return ANY_OBJECT
        case "json_schema":
            inner = form.get("json_schema")
            return named_schema(inner, f"{at}.json_schema")
        case _:
            return refuse(f"{at}.type", "Use text, json_object or json_schema.")


def named_schema(inner: JSON, at: str) -> AnswerSchema:
    if not isinstance(inner, dict) or not isinstance(inner.get("schema"), dict):
        refuse(f"{at}.schema", "Send the schema as an object.")
    name = inner.get("name", "answer")
    if not isinstance(name, str) or not 1 <= len(name) <= 64:
        refuse(f"{at}.name", "Give the schema a name of 1 to 64 characters.")
    return AnswerSchema(name, inner["schema"], is_strict=bool(inner.get("strict")))


Read = Callable[[Mapping[str, JSON], str], Mapping[str, JSON]]


def tools_of(given: JSON, read: Read) -> Sequence[Mapping[str, JSON]]:
    if given is None:
        return ()
    if not isinstance(given, list) or len(given) > MOST_TOOLS:
        refuse("tools", f"Send a list of at most {MOST_TOOLS} tools.")
    tools = []
    for index, tool in enumerate(given):
        if not isinstance(tool, dict) or tool.get("type") != "function":
            refuse(f"tools.{index}.type", "Only functions of your own can be called here.")
        tools.append(read(tool, f"tools.{index}"))
    return tools


def nested_tool(tool: Mapping[str, JSON], at: str) -> Mapping[str, JSON]:
    function = tool.get("function")
    if not isinstance(function, dict) or not isinstance(function.get("name"), str):
        refuse(f"{at}.function.name", "A function needs a name.")
    if not isinstance(function.get("parameters", {}), dict):
        refuse(f"{at}.function.parameters", "The parameters of a function are a JSON schema.")
    return tool


def choice_of(given: JSON) -> JSON:
    if given is None or given in ("auto", "none", "required"):
        return given
    if isinstance(given, dict) and given.get("type") == "function" and isinstance(given.get("function"), dict):
        return given
    return refuse("tool_choice", "Use auto, none, required or a function by its name.")
