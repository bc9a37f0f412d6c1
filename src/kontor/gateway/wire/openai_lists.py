"""What OpenAI's protocols answer at once: embeddings, and the list of models with all that providers add to it."""

import sys
from array import array
from base64 import b64decode
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal, InvalidOperation

import orjson

from kontor.billing.usage import Usage
from kontor.gateway.wire.openai_usage import usage_of
from kontor.gateway.wire.port import JSON, Embedded, Feature, Listed

MILLION = 1_000_000
MOST = 1 << 40

# As lists of models name what goes in and comes out.
MODALITIES = {
    "text": "text",
    "image": "image",
    "file": "document",
    "pdf": "document",
    "document": "document",
    "audio": "audio",
    "embedding": "vector",
    "embeddings": "vector",
}
# OpenRouter's names of parameters.
PARAMETERS = {
    "tools": Feature.TOOLS,
    "tool_choice": Feature.TOOL_CHOICE,
    "parallel_tool_calls": Feature.PARALLEL_TOOLS,
    "structured_outputs": Feature.SCHEMA,
    "max_tokens": Feature.MAX_OUTPUT,
    "max_completion_tokens": Feature.MAX_OUTPUT,
    "temperature": Feature.TEMPERATURE,
    "top_p": Feature.TOP_P,
    "stop": Feature.STOP,
    "seed": Feature.SEED,
    "reasoning": Feature.EFFORT,
    "reasoning_effort": Feature.EFFORT,
    "logprobs": Feature.LOGPROBS,
}
# What costs per token, in USD a token.
PRICES = {
    "prompt": "input",
    "input_cache_read": "cached",
    "input_cache_write": "cache_write",
    "completion": "output",
    "internal_reasoning": "reasoning",
    "audio": "audio_in",
}
# xAI's, in hundredths of a cent for a million.
TEN_THOUSANDTHS = {
    "prompt_text_token_price": "input",
    "cached_prompt_text_token_price": "cached",
    "prompt_image_token_price": "image",
    "completion_text_token_price": "output",
}


def read_embedding(body: bytes) -> Embedded:
    """Raises ValueError for what is no list of vectors."""
    document = orjson.loads(body)
    try:
        entries: list[JSON] = document["data"]
        if not isinstance(entries, list):
            raise TypeError("not a list")
        entries = sorted(entries, key=lambda entry: int(entry.get("index") or 0))
        vectors = [vector_of(entry["embedding"]) for entry in entries]
        usage = usage_of(document.get("usage") or {}) or Usage()
    except (AttributeError, KeyError, TypeError) as fault:
        raise ValueError("This is not a list of embeddings.") from fault
    return Embedded(vectors, usage)


def vector_of(given: JSON) -> Sequence[float]:
    if isinstance(given, str):
        vector = array("f", b64decode(given, validate=True))
        if sys.byteorder == "big":
            vector.byteswap()
        return vector
    if not isinstance(given, list) or not all(type(number) in (float, int) for number in given):
        raise TypeError("not a vector")
    return given


def read_models(body: bytes) -> Sequence[Listed]:
    """Raises ValueError for what is no list of models. An entry that cannot be read is left out, the others stay."""
    document = orjson.loads(body)
    if isinstance(document, dict):
        document = next((found for name in ("data", "models") if isinstance(found := document.get(name), list)), None)
    if not isinstance(document, list):
        raise ValueError("This is not a list of models.")
    listed: dict[str, Listed] = {}
    for entry in document:
        model = listed_model(entry) if isinstance(entry, dict) else None
        if model is not None:
            listed.setdefault(model.name, model)  # Mistral repeats a model for each of its aliases
    return list(listed.values())


def listed_model(entry: Mapping[str, JSON]) -> Listed | None:
    name = entry.get("id") or entry.get("name")
    if not isinstance(name, str) or entry.get("active") is False:
        return None
    best = mapping(entry.get("top_provider"))
    meta = mapping(entry.get("meta"))  # llama.cpp
    kind = mapping(entry.get("architecture")) or entry
    can = mapping(entry.get("capabilities"))
    return Listed(
        name=name,
        label=label_of(entry, name),
        context_total=number(
            entry.get("context_length"),
            entry.get("max_context_length"),
            entry.get("context_window"),
            entry.get("max_model_len"),
            entry.get("max_prompt_length"),
            best.get("context_length"),
            meta.get("n_ctx_train"),
        ),
        max_output=number(
            best.get("max_completion_tokens"), entry.get("max_completion_tokens"), entry.get("max_output_tokens")
        ),
        takes=modalities(kind.get("input_modalities")) or takes_of(can),
        gives=modalities(kind.get("output_modalities")) or gives_of(can),
        features=features_of(entry.get("supported_parameters"), can),
        size_bytes=number(meta.get("size")),
        usd_per_million=prices_of(entry),
        deprecated_on=day(entry.get("deprecation")) or day(entry.get("expiration_date")),
    )


def label_of(entry: Mapping[str, JSON], name: str) -> str | None:
    label = entry.get("display_name") or entry.get("name")
    return label if isinstance(label, str) and label != name else None


def mapping(given: JSON) -> Mapping[str, JSON]:
    return given if isinstance(given, dict) else {}


def number(*given: JSON) -> int | None:
    return next((found for found in given if type(found) is int and 0 < found < MOST), None)


def day(given: JSON) -> str | None:
    return given[:10] if isinstance(given, str) and given else None


def modalities(given: JSON) -> frozenset[str] | None:
    if not isinstance(given, list):
        return None
    return frozenset(MODALITIES[name] for name in given if isinstance(name, str) and name in MODALITIES) or None


def takes_of(can: Mapping[str, JSON]) -> frozenset[str] | None:
    """Mistral's list names abilities."""
    if "completion_chat" not in can:
        return None
    named = {"vision": "image", "audio": "audio", "ocr": "document"}
    return frozenset({"text"} | {takes for ability, takes in named.items() if can.get(ability) is True})


def gives_of(can: Mapping[str, JSON]) -> frozenset[str] | None:
    return frozenset({"text"}) if can.get("completion_chat") is True else None


def features_of(parameters: JSON, can: Mapping[str, JSON]) -> frozenset[Feature] | None:
    if isinstance(parameters, list):
        return frozenset(
            PARAMETERS[name] for name in parameters if isinstance(name, str) and name in PARAMETERS
        ) | frozenset({Feature.STREAM, Feature.SYSTEM})
    if "function_calling" in can:
        tools = {Feature.TOOLS, Feature.TOOL_CHOICE, Feature.TOOL_RESULT, Feature.PARALLEL_TOOLS}
        thinks = {Feature.EFFORT} if can.get("reasoning") is True else set[Feature]()
        return frozenset(
            {Feature.STREAM, Feature.SYSTEM} | thinks | (tools if can["function_calling"] is True else set())
        )
    return None


def prices_of(entry: Mapping[str, JSON]) -> Mapping[str, str] | None:
    pricing = mapping(entry.get("pricing"))
    found = dict(per_million(pricing, PRICES, Decimal(MILLION)))
    found.update(per_million(entry, TEN_THOUSANDTHS, 1 / Decimal(10_000)))
    if Decimal(found.get("reasoning", "1")) == 0 and Decimal(found.get("output", "0")) > 0:
        del found["reasoning"]  # "0" says here that thoughts have no price of their own, not that they are free
    return found or None


def per_million(pricing: Mapping[str, JSON], names: Mapping[str, str], factor: Decimal) -> Iterable[tuple[str, str]]:
    for name, kind in names.items():
        try:
            price = Decimal(str(pricing[name])) * factor
        except (InvalidOperation, KeyError):
            continue
        if price.is_finite() and price >= 0:  # -1 at OpenRouter: it depends on which model will be chosen
            yield kind, f"{price.normalize():f}"
