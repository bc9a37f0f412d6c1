"""Embeddings and lists of models, as different providers give them."""

from array import array
from base64 import b64encode
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kontor.billing.usage import Usage
from kontor.gateway.wire.openai_lists import read_embedding, read_models
from kontor.gateway.wire.port import Feature, Listed
from tests.gateway.wire.streams import CALM


def listed(*entries: dict[str, Any], name: str = "data") -> list[Listed]:
    return list(read_models(orjson.dumps({"object": "list", name: entries})))


def test_a_bare_list() -> None:
    assert listed({"id": "gpt-6", "object": "model", "created": 1, "owned_by": "openai"}) == [Listed("gpt-6")]


def test_openrouters() -> None:
    entry = {
        "id": "anthropic/claude-sonnet-5",
        "canonical_slug": "anthropic/claude-sonnet-5",
        "name": "Anthropic: Claude Sonnet 5",
        "description": "…",
        "context_length": 1_000_000,
        "architecture": {"input_modalities": ["text", "image", "file", "video"], "output_modalities": ["text"]},
        "pricing": {
            "prompt": "0.000003",
            "completion": "0.000015",
            "request": "0",
            "image": "0.0048",
            "web_search": "0.01",
            "internal_reasoning": "0",
            "input_cache_read": "0.0000003",
            "input_cache_write": "0.00000375",
        },
        "top_provider": {"context_length": 200_000, "max_completion_tokens": 64_000, "is_moderated": False},
        "supported_parameters": ["tools", "tool_choice", "reasoning", "structured_outputs", "stop", "max_tokens", "x"],
        "expiration_date": "2027-01-31",
    }
    assert listed(entry) == [
        Listed(
            name="anthropic/claude-sonnet-5",
            label="Anthropic: Claude Sonnet 5",
            context_total=1_000_000,
            max_output=64_000,
            takes=frozenset({"text", "image", "document"}),
            gives=frozenset({"text"}),
            features=frozenset(
                {
                    *(Feature.STREAM, Feature.SYSTEM, Feature.TOOLS, Feature.TOOL_CHOICE, Feature.EFFORT),
                    *(Feature.SCHEMA, Feature.STOP, Feature.MAX_OUTPUT),
                }
            ),
            usd_per_million={"input": "3", "output": "15", "cached": "0.3", "cache_write": "3.75"},
            deprecated_on="2027-01-31",
        )
    ]


def test_a_router_that_chooses_has_no_price() -> None:
    (auto,) = listed({"id": "openrouter/auto", "pricing": {"prompt": "-1", "completion": "-1"}})
    assert auto.usd_per_million is None
    (free,) = listed({"id": "a/b:free", "pricing": {"prompt": "0", "completion": "0"}})
    assert free.usd_per_million == {"input": "0", "output": "0"}


def test_mistrals_once_for_all_its_aliases() -> None:
    entry = {
        "id": "mistral-small-2603",
        "object": "model",
        "name": "mistral-small-2603",
        "capabilities": {
            "completion_chat": True,
            "function_calling": True,
            "reasoning": True,
            "vision": True,
            "audio": False,
        },
        "max_context_length": 262_144,
        "aliases": ["mistral-small-latest"],
        "deprecation": "2027-03-01T12:00:00Z",
    }
    embedding = {
        "id": "mistral-embed",
        "capabilities": {"completion_chat": False, "function_calling": False, "vision": False},
        "max_context_length": 8192,
    }
    small, again = listed(entry, entry, embedding)
    assert small == Listed(
        name="mistral-small-2603",
        context_total=262_144,
        takes=frozenset({"text", "image"}),
        gives=frozenset({"text"}),
        features=frozenset(
            {
                *(Feature.STREAM, Feature.SYSTEM, Feature.EFFORT),
                *(Feature.TOOLS, Feature.TOOL_CHOICE, Feature.TOOL_RESULT, Feature.PARALLEL_TOOLS),
            }
        ),
        deprecated_on="2027-03-01",
    )
    assert (again.name, again.gives) == ("mistral-embed", None)


def test_xais() -> None:
    entry = {
        "id": "grok-4.3",
        "input_modalities": ["text", "image"],
        "output_modalities": ["text"],
        "prompt_text_token_price": 12_500,
        "cached_prompt_text_token_price": 2_000,
        "prompt_image_token_price": 0,
        "completion_text_token_price": 25_000,
        "aliases": ["grok-latest"],
    }
    assert listed(entry, name="models") == [
        Listed(
            name="grok-4.3",
            takes=frozenset({"text", "image"}),
            gives=frozenset({"text"}),
            usd_per_million={"input": "1.25", "cached": "0.2", "image": "0", "output": "2.5"},
        )
    ]


def test_those_that_run_at_home() -> None:
    vllm = {"id": "Qwen/Qwen3-8B", "object": "model", "owned_by": "vllm", "root": "x", "max_model_len": 40_960}
    llama = {"id": "gemma.gguf", "meta": {"n_ctx_train": 131_072, "n_params": 4_300_000_000, "size": 2_489_757_696}}
    groq = {"id": "llama-3.3-70b", "active": True, "context_window": 131_072, "max_completion_tokens": 32_768}
    gone = {"id": "old", "active": False}
    assert listed(vllm, llama, groq, gone) == [
        Listed("Qwen/Qwen3-8B", context_total=40_960),
        Listed("gemma.gguf", context_total=131_072, size_bytes=2_489_757_696),
        Listed("llama-3.3-70b", context_total=131_072, max_output=32_768),
    ]


def test_a_list_without_anything_around_it() -> None:
    assert read_models(b'[{"id":"a"},{"id":5},"b",null]') == [Listed("a")]


@pytest.mark.parametrize("body", [b"<html>", b"{}", b'{"data":{}}', b"5", b'{"error":{"message":"no"}}'])
def test_what_is_no_list_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_models(body)
    with pytest.raises(ValueError, match=r"."):
        read_embedding(body)


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
FIELDS = (
    *("id", "name", "display_name", "active", "context_length", "max_context_length", "top_provider", "meta"),
    *("architecture", "capabilities", "pricing", "supported_parameters", "input_modalities", "deprecation"),
    *("prompt_text_token_price", "expiration_date"),
)


@CALM
@given(st.lists(st.fixed_dictionaries({}, optional=dict.fromkeys(FIELDS, JUNK)), max_size=4))
def test_an_odd_entry_harms_no_other(entries: list[dict[str, Any]]) -> None:
    names = [model.name for model in listed({"id": "good"}, *entries)]
    assert names[0] == "good"
    assert len(names) == len(set(names))


def test_embeddings_in_their_order() -> None:
    entries = [{"index": 1, "embedding": [3, 4.5]}, {"index": 0, "embedding": [1.0, 2.0]}]
    embedded = read_embedding(orjson.dumps({"data": entries, "usage": {"prompt_tokens": 6, "total_tokens": 6}}))
    assert embedded.vectors == [[1.0, 2.0], [3, 4.5]]
    assert embedded.usage == Usage(input=6)


def test_embeddings_packed_in_base64() -> None:
    packed = b64encode(array("f", [0.5, -2.0]).tobytes()).decode()
    embedded = read_embedding(orjson.dumps({"data": [{"index": 0, "embedding": packed}]}))
    assert list(embedded.vectors[0]) == [0.5, -2.0]
    assert embedded.usage == Usage()


@pytest.mark.parametrize("vector", [None, "§", {}, [[1]], ["a"], [True], 5])
def test_what_is_no_vector_is_refused(vector: object) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_embedding(orjson.dumps({"data": [{"index": 0, "embedding": vector}]}))
