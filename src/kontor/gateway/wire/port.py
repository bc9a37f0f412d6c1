"""What every protocol of a provider is to the rest of the gateway: bytes to send, and a reader of the bytes that come.

Adapters do no input or output of their own. `Transport` connects, waits, repeats and cuts into frames; so an adapter is
tested with bytes alone, and what a provider's protocol means stands in one module.

The common language is OpenAI's chat JSON with a bag beside it (`Call.extra`), because most providers speak it and are
then sent what came in. Messages stay plain JSON: what is not looked at is not parsed, and what is unknown is not lost.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import lru_cache
from typing import Any, Literal, Protocol, runtime_checkable

from kontor.billing.usage import Usage

JSON = Any


@dataclass(frozen=True, slots=True)
class Call:
    """One question to a model, validated and with everything decided: which model, with which parameters.

    `messages` are OpenAI chat messages. Their content is text or a list of parts: `text`, `image_url`, `file`
    (`{"type": "file", "file": {"filename", "file_data": "data:application/pdf;base64,…"}}`), `input_audio`, and
    `reasoning` (`{"type": "reasoning", "text", "signature"?}`: what a model said to itself in a former turn) and
    `tool_call` (`{"type": "tool_call", "id", "name", "arguments"}`: a call of that turn, where its place matters).
    A part may carry `"cache": true`: everything up to here is worth caching.
    """

    model: str  # as the provider names it
    messages: Sequence[Mapping[str, JSON]]
    tools: Sequence[Mapping[str, JSON]] = ()
    tool_choice: JSON = None
    parallel_tool_calls: bool | None = None
    schema: "AnswerSchema | None" = None
    max_output: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    stop: Sequence[str] = ()
    seed: int | None = None
    effort: str | None = None  # none, minimal, low, medium, high
    top_logprobs: int | None = None  # 0: only of what was said
    is_streamed: bool = True
    extra: Mapping[str, JSON] = field(default_factory=dict)  # for the provider's own body, as it is


@dataclass(frozen=True, slots=True)
class AnswerSchema:
    name: str
    schema: Mapping[str, JSON]
    is_strict: bool = True


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a call goes, and what is particular about the provider there. `quirks` is data (`wire/quirks.py`)."""

    base_url: str  # without a slash at its end
    key: str | None
    quirks: "Quirks"
    headers: Mapping[str, str] = field(default_factory=dict)


class Deed(StrEnum):
    DROPPED = "dropped"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class Loss:
    """What could not be said to this model as it was asked. It stands in the run, in a header and at the answer."""

    feature: str  # a name from `Feature`
    deed: Deed
    detail: str = ""


class Feature(StrEnum):
    """What a call may ask for; the rows of the matrix that the tests hold, provider by provider."""

    STREAM = "stream"
    SYSTEM = "system"
    IMAGE = "image"
    DOCUMENT = "document"
    AUDIO = "audio"
    TOOLS = "tools"
    TOOL_CHOICE = "tool_choice"
    PARALLEL_TOOLS = "parallel_tools"
    TOOL_RESULT = "tool_result"
    SCHEMA = "schema"
    MAX_OUTPUT = "max_output"
    TEMPERATURE = "temperature"
    TOP_P = "top_p"
    STOP = "stop"
    SEED = "seed"
    EFFORT = "effort"
    REASONING_INPUT = "reasoning_input"
    LOGPROBS = "logprobs"
    CACHE = "cache"
    EXTRA = "extra"


@dataclass(frozen=True, slots=True)
class Quirks:
    """How a provider differs from its protocol, as data: a new provider of a known protocol is a row, not code."""

    renamed: Mapping[str, str] = field(default_factory=dict)  # parameter -> its name there; a dot leads into an object
    refused: frozenset[Feature] = frozenset()  # never sent; noted as a loss
    fixed: Mapping[str, JSON] = field(default_factory=dict)  # always in the body
    auth: Literal["bearer", "x-api-key", "x-goog-api-key", "none"] = "bearer"
    chat_path: str = "/chat/completions"
    embed_path: str = "/embeddings"
    models_path: str = "/models"
    usage_on_request: bool = True  # wants stream_options.include_usage
    system_role: str = "system"  # `developer` for newer models of OpenAI
    reasoning_field: str = "reasoning_content"  # of a delta
    cost_field: str | None = None  # where the provider itself names what it charged, e.g. usage.cost
    largest_stop: int | None = None
    default_output: int | None = None  # where it must be named, and the call names none
    schema_mode: Literal["json_schema", "json_object", "none"] = "json_schema"
    schema_with_tools: bool = True  # both in one call
    schema_streams: bool = True
    schema_strict: bool = True  # takes a schema that is enforced, not only one that is followed where possible
    names_tools: bool = True  # a choice may name the tool; otherwise it is the only one that is sent
    costs_per_usd: int = 1  # the unit of `cost_field`
    reasoning_back: Literal["reasoning_content", "reasoning", "details", "parts"] | None = None  # in a later turn
    efforts: Mapping[str, str | Mapping[str, JSON]] | None = None  # wish -> what says it; None: each wish as it is
    refused_with_effort: frozenset[Feature] = frozenset()  # unless the effort is "none"
    # Some models of OpenAI use tools in chat completions only without thinking: a call for both goes by /responses.
    tools_by_responses: Literal["never", "with_effort", "unless_none"] = "never"
    summary: str | None = None  # of the reasoning, for who is asked for one
    cache: Literal["none", "automatic", "cache_control"] = "none"
    document_part: Literal["file", "document_url"] = "file"
    audio_part: Literal["object", "text"] = "object"
    takes_prefill: bool = False  # goes on with an assistant's last message where that ended
    prefill_by: Literal["nothing", "prefix", "continue_final_message"] = "nothing"  # besides, to have it so
    tool_id: str | None = None  # a regular expression; ids that do not match are written anew
    of_models: tuple["ModelQuirks", ...] = ()

    def for_model(self, name: str) -> "Quirks":
        """With what is particular about this model. All rows that fit count, in their order."""
        fitting = fitting_patterns(tuple(row.pattern for row in self.of_models), name)
        if not fitting:
            return self
        rows = [row for row in self.of_models if row.pattern in fitting]
        renamed, fixed, refused = dict(self.renamed), dict(self.fixed), self.refused
        changes: dict[str, JSON] = {}
        for row in rows:
            renamed.update(row.renamed)
            fixed.update(row.fixed)
            refused = (refused - row.taken) | row.refused
            changes.update(row.changes)
        return replace(self, renamed=renamed, fixed=fixed, refused=refused, **changes)


@lru_cache(maxsize=4096)
def fitting_patterns(patterns: tuple[str, ...], name: str) -> frozenset[str]:
    """Asked several times for each call; a search for every row was a tenth of what a call costs."""
    return frozenset(pattern for pattern in patterns if re.search(pattern, name, re.IGNORECASE))


@dataclass(frozen=True, slots=True)
class ModelQuirks:
    """How some models of a provider differ from its others."""

    pattern: str  # a regular expression for a part of the name, without regard to case
    refused: frozenset[Feature] = frozenset()  # besides those of the provider
    taken: frozenset[Feature] = frozenset()  # of those that the provider's others refuse
    renamed: Mapping[str, str] = field(default_factory=dict)
    fixed: Mapping[str, JSON] = field(default_factory=dict)
    changes: Mapping[str, JSON] = field(default_factory=dict)  # other fields of `Quirks`


@dataclass(frozen=True, slots=True)
class Prepared:
    """A request as it goes out."""

    method: Literal["GET", "POST"]
    url: str
    headers: Mapping[str, str]
    body: bytes
    framing: Literal["sse", "ndjson", "json"]
    losses: tuple[Loss, ...] = ()


# What a reader tells. Small on purpose: one of them is made for each piece of a stream.


@dataclass(frozen=True, slots=True)
class Text:
    text: str


@dataclass(frozen=True, slots=True)
class Reasoning:
    text: str
    signature: str | None = None  # what some providers want back in the next turn


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A piece of one call: the first piece of an index has its id and name, all pieces may have arguments."""

    index: int
    id: str | None = None
    name: str | None = None
    arguments: str = ""


@dataclass(frozen=True, slots=True)
class Logprobs:
    items: Sequence[Mapping[str, JSON]]  # OpenAI's shape


@dataclass(frozen=True, slots=True)
class Cited:
    """A source that the provider itself names."""

    url: str
    title: str = ""


@dataclass(frozen=True, slots=True)
class Vector:
    """One of those that were asked for, packed as `gateway.embedding` does it, where it is to be kept with its run."""

    index: int
    packed: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class UsageSeen:
    """The whole so far; the last one counts."""

    usage: Usage
    charged_usd_nano: int | None = None  # what the provider says it cost
    service: str | None = None  # how it says it served, where there is more than one way: `flex`, `priority` …


@dataclass(frozen=True, slots=True)
class Named:
    """What the provider calls this answer, and which model it says it used."""

    request_id: str | None = None
    model: str | None = None


class Reason(StrEnum):
    STOP = "stop"
    LENGTH = "length"
    TOOLS = "tool_calls"
    FILTERED = "content_filter"


@dataclass(frozen=True, slots=True)
class Finished:
    reason: Reason
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Failed:
    """The provider ended its own stream with an error."""

    status: int | None
    code: str
    message: str
    is_passing: bool  # worth a repetition, where nothing was said yet
    retry_after: float | None = None  # seconds, where the error itself names them and not a header


Said = Text | Reasoning | ToolCall | Logprobs | Cited | Vector | UsageSeen | Named | Finished | Failed


class Reader(Protocol):
    def feed(self, frame: bytes) -> Sequence[Said]:
        """One frame: the data of one SSE event, one line of NDJSON, or one whole JSON body."""

    def end(self) -> Sequence[Said]:
        """The stream is over as far as the connection goes. Without a `Finished` before it, it was cut."""


@dataclass(frozen=True, slots=True)
class Embedded:
    vectors: Sequence[Sequence[float]]
    usage: Usage
    losses: tuple[Loss, ...] = ()


@dataclass(frozen=True, slots=True)
class Listed:
    """A model as the provider's own list describes it; None where the list is silent."""

    name: str
    label: str | None = None
    context_total: int | None = None
    max_output: int | None = None
    takes: frozenset[str] | None = None  # text, image, document, audio
    gives: frozenset[str] | None = None  # text, image, audio, vector
    features: frozenset[Feature] | None = None
    size_bytes: int | None = None
    usd_per_million: Mapping[str, str] | None = None  # class of usage -> decimal text
    deprecated_on: str | None = None


class NotOffered(Exception):
    """This protocol has no such call, e.g. no embeddings. Who asks should have read the catalogue."""


class Adapter(Protocol):
    protocol: str

    def chat(self, call: Call, at: Endpoint) -> Prepared: ...

    def reader(self, call: Call, at: Endpoint) -> Reader: ...

    def embed(self, model: str, texts: Sequence[str], dimensions: int | None, at: Endpoint) -> Prepared: ...

    def read_embedding(self, body: bytes) -> Embedded: ...

    def models(self, at: Endpoint) -> Prepared: ...

    def read_models(self, body: bytes) -> Sequence[Listed]: ...

    def failure(self, status: int, body: bytes) -> Failed:
        """What an answer other than 2xx means."""


@runtime_checkable
class Describing(Protocol):
    """An adapter whose list of models is so short that each model is to be asked for."""

    def describe(self, name: str, at: Endpoint) -> Prepared: ...

    def read_description(self, listed: Listed, body: bytes) -> Listed:
        """What the list said, and what the model says of itself."""
