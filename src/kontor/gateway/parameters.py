"""Every parameter of every model, described by a JSON schema, and checked against it before anything is sent.

The schema of a model is put together from what is known of it: the limits from its facts, what it cannot be asked from
its facts and its provider's quirks, and what only its kind of provider takes. The interface draws its form from it.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from kontor.core.errors import FieldProblem
from kontor.gateway.facts import Facts
from kontor.gateway.known import KnownModel, KnownProvider
from kontor.gateway.wire.port import Deed, Feature, Loss, Quirks
from kontor.gateway.wire.quirks import KINDS

JSON = Any
Schema = dict[str, JSON]

EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
USUAL_EFFORTS = ("low", "medium", "high")
LARGEST_OUTPUT = 1_000_000
LARGEST_STOP = 4
LONGEST_STOP = 200
LARGEST_EXTRA = 64  # fields
# What is set by the call itself, never through the bag for the provider's own body.
RESERVED = frozenset(
    {"model", "messages", "contents", "input", "prompt", "stream", "stream_options", "tools", "system"}
)


def number(description: str, low: float, high: float, **more: JSON) -> Schema:
    return {"type": "number", "description": description, "minimum": low, "maximum": high, **more}


def whole(description: str, low: int, high: int, **more: JSON) -> Schema:
    return {"type": "integer", "description": description, "minimum": low, "maximum": high, **more}


def one_of(description: str, *values: str) -> Schema:
    return {"type": "string", "description": description, "enum": list(values)}


@dataclass(frozen=True, slots=True)
class Native:
    """A parameter that only some providers have: where it goes in their body, and what it may be."""

    path: tuple[str, ...]
    schema: Schema


PRESENCE = number("Above 0: fewer words that were used before.", -2, 2)
FREQUENCY = number("Above 0: fewer words the more often they were used.", -2, 2)
TOP_K = whole("Choose among this many of the likeliest tokens.", 1, 1000)
MIN_P = number("Leave out tokens below this share of the likeliest one.", 0, 1)
REPETITION = number("Above 1: less repetition.", 0.01, 2)
THRESHOLDS = ("OFF", "BLOCK_NONE", "BLOCK_ONLY_HIGH", "BLOCK_MEDIUM_AND_ABOVE", "BLOCK_LOW_AND_ABOVE")
HARMS = tuple(f"HARM_CATEGORY_{harm}" for harm in ("HARASSMENT", "HATE_SPEECH", "SEXUALLY_EXPLICIT",
                                                    "DANGEROUS_CONTENT", "CIVIC_INTEGRITY"))  # fmt: skip
SAFETY: Schema = {
    "type": "array",
    "description": "Where the provider's filters begin.",
    "maxItems": 10,
    "items": {
        "type": "object",
        "properties": {
            "category": one_of("Kind of harm.", *HARMS),
            "threshold": one_of("From where on to block.", *THRESHOLDS),
        },
        "required": ["category", "threshold"],
        "additionalProperties": False,
    },
}
BAG: Schema = {"type": "object", "description": "Passed on as it is.", "maxProperties": LARGEST_EXTRA}


def flat(**schemas: Schema) -> dict[str, Native]:
    return {name: Native((name,), schema) for name, schema in schemas.items()}


PENALTIES = flat(presence_penalty=PRESENCE, frequency_penalty=FREQUENCY)
OPEN_SERVER = {**PENALTIES, **flat(top_k=TOP_K, min_p=MIN_P, repetition_penalty=REPETITION)}
TIERS = ("auto", "default", "flex", "priority")

NATIVE: Mapping[str, Mapping[str, Native]] = {
    "openai": {
        **PENALTIES,
        **flat(
            service_tier=one_of("How soon, at which price.", *TIERS),
            verbosity=one_of("How much the answer says.", "low", "medium", "high"),
            prompt_cache_key={"type": "string", "description": "Calls with one key share a cache.", "maxLength": 64},
        ),
    },
    "anthropic": flat(
        top_k=TOP_K, service_tier=one_of("Whether reserved capacity may be used.", "auto", "standard_only")
    ),
    "gemini": {
        "top_k": Native(("generationConfig", "topK"), TOP_K),
        "safety_settings": Native(("safetySettings",), SAFETY),
    },
    "ollama": {
        "num_ctx": Native(("options", "num_ctx"), whole("Size of the window that is kept in memory.", 256, 10_000_000)),
        "top_k": Native(("options", "top_k"), TOP_K),
        "min_p": Native(("options", "min_p"), MIN_P),
        "repeat_penalty": Native(("options", "repeat_penalty"), REPETITION),
        "keep_alive": Native(
            ("keep_alive",), {"type": "string", "description": "How long the model stays loaded.", "maxLength": 20}
        ),
    },
    "deepseek": PENALTIES,
    "openrouter": {
        **OPEN_SERVER,
        **flat(provider={**BAG, "description": "Which of its providers, in which order."}),
    },
    "mistral": {
        **PENALTIES,
        **flat(safe_prompt={"type": "boolean", "description": "Put the provider's safety text first."}),
    },
    "groq": flat(service_tier=one_of("How soon.", "auto", "on_demand", "flex", "performance")),
    "runpod": OPEN_SERVER,
    "vllm": OPEN_SERVER,
    "lmstudio": OPEN_SERVER,
    "llamacpp": OPEN_SERVER,
    "compatible": OPEN_SERVER,
}

# Ours, by name: the feature that a model must have for them.
FEATURES: Mapping[str, Feature] = {
    "max_output": Feature.MAX_OUTPUT,
    "temperature": Feature.TEMPERATURE,
    "top_p": Feature.TOP_P,
    "stop": Feature.STOP,
    "seed": Feature.SEED,
    "effort": Feature.EFFORT,
    "top_logprobs": Feature.LOGPROBS,
    "parallel_tool_calls": Feature.PARALLEL_TOOLS,
}


@dataclass(frozen=True, slots=True)
class Parameters:
    """As `wire.port.Call` takes them."""

    max_output: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    stop: tuple[str, ...] = ()
    seed: int | None = None
    effort: str | None = None
    top_logprobs: int | None = None
    parallel_tool_calls: bool | None = None
    extra: Mapping[str, JSON] = field(default_factory=dict)
    losses: tuple[Loss, ...] = ()


def has(facts: Facts, quirks: Quirks, feature: Feature) -> bool:
    """Whether the model can be asked this, as far as anybody knows. `quirks` are those for the model."""
    if feature in quirks.refused:
        return False
    return facts.features is None or feature in facts.features


@lru_cache(maxsize=4096)
def quirks_of(model: KnownModel, provider: KnownProvider) -> Quirks:
    """Known models and providers are things that never change: what changes becomes new ones."""
    return provider.quirks.for_model(model.name)


@lru_cache(maxsize=4096)
def schema_of(model: KnownModel, provider: KnownProvider) -> Schema:
    """To be looked at only: it is made once for each model."""
    facts, quirks = model.facts, quirks_of(model, provider)
    ours = common(facts, quirks, is_cool=provider.protocol == "anthropic")
    properties = {name: schema for name, schema in ours.items() if has(facts, quirks, FEATURES[name])}
    native = NATIVE.get(provider.kind, {})
    # Whoever takes no temperature takes none of the other ways to choose words either.
    thinks_alone = not has(facts, quirks, Feature.TEMPERATURE)
    for name, parameter in native.items():
        if not (thinks_alone and name in {"top_k", "min_p", *PENALTIES}):
            properties[name] = parameter.schema
    if provider.kind in KINDS:
        properties["extra"] = {**BAG, "description": "Further fields of the provider's own request, as they are."}
    return {"type": "object", "properties": properties, "additionalProperties": False}


def common(facts: Facts, quirks: Quirks, *, is_cool: bool) -> dict[str, Schema]:
    most = facts.max_output or facts.context_total or LARGEST_OUTPUT
    efforts: Collection[str] = facts.efforts or quirks.efforts or USUAL_EFFORTS
    return {
        "max_output": whole("Most tokens that the answer may have.", 1, most),
        "temperature": number("0: the likeliest words. Higher: more variety.", 0, 1 if is_cool else 2),
        "top_p": number("Choose among the likeliest words that add up to this share.", 0, 1),
        "stop": {
            "type": "array",
            "description": "The answer ends before any of these.",
            "items": {"type": "string", "minLength": 1, "maxLength": LONGEST_STOP},
            "maxItems": quirks.largest_stop or LARGEST_STOP,
        },
        "seed": whole("The same seed makes similar answers likelier.", -(2**63), 2**63 - 1),
        "effort": one_of("How long the model thinks first.", *[each for each in EFFORTS if each in efforts]),
        "top_logprobs": whole("Probabilities of the words, and of this many others at each place.", 0, 20),
        "parallel_tool_calls": {"type": "boolean", "description": "Several tools may be called at once."},
    }


def read(
    model: KnownModel,
    provider: KnownProvider,
    given: Mapping[str, JSON],
    *,
    is_lenient: bool = False,
    prefix: str = "",
) -> Parameters:
    """Checked, and in the shape of a call; a problem names its field.

    Lenient is for clients of other interfaces and for models that stand in for another: what this model cannot be
    asked becomes a loss, what is unknown goes to the provider as it is. A value out of range is refused all the same.
    """
    schemas: dict[str, Schema] = schema_of(model, provider)["properties"]
    native = NATIVE.get(provider.kind, {})
    ours: dict[str, JSON] = {}
    extra: dict[str, JSON] = {}
    losses: list[Loss] = []
    for name, sent in given.items():
        if sent is None:
            continue
        at = f"{prefix}{name}"
        if name in schemas:
            value, changed = fitted(name, sent, schemas[name]) if is_lenient else (sent, [])
            losses += changed
            check(value, schemas[name], at)
            if name in FEATURES:
                ours[name] = as_call_takes_it(name, value)
            elif name in native:
                put(extra, native[name].path, value)
            else:
                merge(extra, free(value, at))
        elif not is_lenient:
            raise refusal(name, at, model, schemas, is_known=name in FEATURES or name in native)
        elif name in FEATURES or name in native:
            feature = FEATURES.get(name, Feature.EXTRA)
            losses.append(Loss(feature, Deed.DROPPED, f"{model.label} does not take {name}."))
        else:
            merge(extra, free({name: sent}, prefix.rstrip(".")))
    return Parameters(**ours, extra=extra, losses=tuple(losses))


def refusal(name: str, at: str, model: KnownModel, schemas: Mapping[str, Schema], *, is_known: bool) -> FieldProblem:
    if is_known:
        return FieldProblem(at, f"{model.label} does not take {name}.", reason="unsupported")
    has = ", ".join(sorted(schemas)) or "none"
    return FieldProblem(at, f"{model.label} has no such parameter. It has: {has}.", reason="unknown")


def as_call_takes_it(name: str, value: JSON) -> JSON:
    if name == "stop":
        return tuple(value)
    return int(value) if name in {"max_output", "seed", "top_logprobs"} else value


def fitted(name: str, value: JSON, schema: Schema) -> tuple[JSON, list[Loss]]:
    """Wishes that have a nearest one, for whoever could not know this model's limits."""
    if name == "effort" and value in EFFORTS and value not in schema["enum"]:
        wanted = EFFORTS.index(value)
        nearest = min(schema["enum"], key=lambda each: abs(EFFORTS.index(each) - wanted))
        return nearest, [Loss(Feature.EFFORT, Deed.CHANGED, f"{value} became {nearest}.")]
    bound = schema.get("maximum")
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if name in {"max_output", "temperature"} and is_number and bound is not None and value > bound:
        return bound, [Loss(FEATURES[name], Deed.CHANGED, f"{value} became {bound}, the most that is taken.")]
    if name == "stop" and isinstance(value, list) and len(value) > schema["maxItems"]:
        return value[: schema["maxItems"]], [Loss(Feature.STOP, Deed.CHANGED, f"Only {schema['maxItems']} are taken.")]
    return value, []


def free(value: Mapping[str, JSON], field_name: str) -> Mapping[str, JSON]:
    taken = sorted(RESERVED & set(value))
    if taken:
        raise FieldProblem(
            f"{field_name}.{taken[0]}".lstrip("."), f"{taken[0]} is set by the call itself.", reason="reserved"
        )
    return value


def put(into: dict[str, JSON], path: Sequence[str], value: JSON) -> None:
    for step in path[:-1]:
        into = into.setdefault(step, {})
    into[path[-1]] = value


def merge(into: dict[str, JSON], more: Mapping[str, JSON]) -> None:
    for name, value in more.items():
        if isinstance(value, Mapping) and isinstance(into.get(name), dict):
            merge(into[name], value)
        else:
            into[name] = dict(value) if isinstance(value, Mapping) else value


TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "number": (int, float),
    "integer": (int, float),
    "boolean": (bool,),
    "array": (list, tuple),
    "object": (dict,),
}
SAID = {"string": "a text", "number": "a number", "integer": "a whole number", "boolean": "true or false",
        "array": "a list", "object": "an object"}  # fmt: skip


def check(value: JSON, schema: Schema, field_name: str) -> None:
    """As much of JSON Schema as the schemas above use. Raises at the first thing that is wrong."""
    kind = schema["type"]
    is_right = isinstance(value, TYPES[kind]) and (kind == "boolean" or not isinstance(value, bool))
    if is_right and isinstance(value, float):
        is_right = math.isfinite(value) and (kind != "integer" or value.is_integer())
    if not is_right:
        raise FieldProblem(field_name, f"Give {SAID[kind]}.", reason="type")
    if "enum" in schema and value not in schema["enum"]:
        raise FieldProblem(field_name, f"Give one of: {', '.join(schema['enum'])}.", reason="enum")
    if kind in {"number", "integer"}:
        check_range(value, schema, field_name)
    elif kind == "object":
        check_object(value, schema, field_name)
    elif kind in {"string", "array"}:
        check_length(value, schema, field_name)
        if kind == "array":
            for place, item in enumerate(value):
                check(item, schema["items"], f"{field_name}.{place}")


def check_range(value: float, schema: Schema, field_name: str) -> None:
    if value < schema.get("minimum", -math.inf):
        raise FieldProblem(field_name, f"The least is {schema['minimum']}.", reason="minimum")
    if value > schema.get("maximum", math.inf):
        raise FieldProblem(field_name, f"The most is {schema['maximum']}.", reason="maximum")


def check_length(value: Sequence[JSON], schema: Schema, field_name: str) -> None:
    least = schema.get("minLength") or 0
    most = schema.get("maxLength") or schema.get("maxItems") or math.inf
    if len(value) < least:
        raise FieldProblem(field_name, "This is empty.", reason="too_short")
    if len(value) > most:
        what = "characters" if isinstance(value, str) else "entries"
        raise FieldProblem(field_name, f"At most {most} {what} are taken.", reason="too_long")


def check_object(value: Mapping[str, JSON], schema: Schema, field_name: str) -> None:
    if len(value) > schema.get("maxProperties", math.inf):
        raise FieldProblem(field_name, f"At most {schema['maxProperties']} fields are taken.", reason="too_long")
    properties = schema.get("properties")
    if properties is None:
        return
    for name in schema.get("required", ()):
        if name not in value:
            raise FieldProblem(f"{field_name}.{name}", "This is missing.", reason="missing")
    for name, inner in value.items():
        if name not in properties:
            raise FieldProblem(f"{field_name}.{name}", "There is no such field.", reason="unknown")
        check(inner, properties[name], f"{field_name}.{name}")
