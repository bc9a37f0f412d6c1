"""No silent loss: whatever is asked for is in what is sent, or is noted as dropped or changed."""

import orjson
import pytest

from kontor.gateway.wire.adapters import ADAPTERS
from kontor.gateway.wire.port import Deed, Endpoint, Feature, Prepared, Quirks
from kontor.gateway.wire.quirks import KINDS, ROWS, ProviderKind
from tests.gateway.wire.calls import asking, plain, without

# One or more of each provider's, so that each row of `of_models` is met.
MODELS = {
    "openai": (
        *("gpt-4.1", "gpt-4-turbo", "gpt-3.5-turbo", "o1-mini", "o3"),
        *("gpt-5", "gpt-5.1", "gpt-5.2", "gpt-6.1-sol", "gpt-5-chat-latest"),
    ),
    "deepseek": ("deepseek-flash",),
    "xai": ("grok-3-mini", "grok-4", "grok-4.3", "grok-4.7", "grok-4.20-non-reasoning"),
    "openrouter": ("anthropic/claude-sonnet-5",),
    "mistral": ("mistral-large-latest", "magistral-medium-latest"),
    "groq": ("llama-3.3-70b-versatile", "openai/gpt-oss-120b", "qwen/qwen3-32b"),
    "anthropic": ("claude-opus-5-5", "claude-haiku-4-5", "claude-3-5-haiku-latest"),
    "gemini": ("gemini-3.8-flash", "gemini-2.5-pro", "gemini-2.0-flash"),
    "ollama": ("llama3.2", "qwen3", "gpt-oss:20b"),
}
CASES = [
    pytest.param(row, protocol, model, id=f"{row.kind}-{protocol}-{model}")
    for row in ROWS
    for protocol in (row.protocol, *row.protocols)
    if protocol in ADAPTERS
    for model in MODELS.get(row.kind, ("some-model",))
]


def at(row: ProviderKind) -> Endpoint:
    return Endpoint(row.base_url or "https://llm.example.org/v1", "key-of-the-house", row.quirks)


def differs(one: Prepared, other: Prepared) -> bool:
    return orjson.loads(one.body) != orjson.loads(other.body) or one.url != other.url


@pytest.mark.parametrize("feature", list(Feature))
@pytest.mark.parametrize(("row", "protocol", "model"), CASES)
def test_each_feature_is_said_or_noted_as_lost(row: ProviderKind, protocol: str, model: str, feature: Feature) -> None:
    adapter = ADAPTERS[protocol]
    call, mark = asking(feature, model)
    sent = adapter.chat(call, at(row))
    dropped = [loss for loss in sent.losses if loss.feature == feature and loss.deed is Deed.DROPPED]
    changed = [loss for loss in sent.losses if loss.feature == feature and loss.deed is Deed.CHANGED]
    if dropped:
        assert not mark or mark not in sent.body.decode()
    else:
        assert mark in sent.body.decode()
        assert changed or differs(sent, adapter.chat(without(feature, call), at(row)))
    assert all(loss.detail for loss in (*dropped, *changed))


@pytest.mark.parametrize("feature", list(Feature))
@pytest.mark.parametrize("protocol", list(ADAPTERS))
def test_what_a_provider_refuses_is_never_sent_and_always_noted(protocol: str, feature: Feature) -> None:
    adapter = ADAPTERS[protocol]
    stubborn = Endpoint("https://llm.example.org/v1", None, Quirks(refused=frozenset({feature})))
    call, mark = asking(feature, "some-model")
    sent = adapter.chat(call, stubborn)
    assert feature in {loss.feature for loss in sent.losses}
    if mark and feature not in {Feature.SYSTEM, Feature.SCHEMA}:  # these are said in other words or elsewhere
        assert mark not in sent.body.decode()


@pytest.mark.parametrize(("row", "protocol", "model"), CASES)
def test_a_plain_question_loses_nothing(row: ProviderKind, protocol: str, model: str) -> None:
    sent = ADAPTERS[protocol].chat(plain(model), at(row))
    assert sent.losses == ()
    assert "2048" in sent.body.decode()


@pytest.mark.parametrize(("row", "protocol", "model"), CASES)
def test_a_key_goes_into_a_header_and_nowhere_else(row: ProviderKind, protocol: str, model: str) -> None:
    adapter = ADAPTERS[protocol]
    for sent in (adapter.chat(plain(model), at(row)), adapter.models(at(row))):
        assert sum("key-of-the-house" in value for value in sent.headers.values()) == 1
        assert "key-of-the-house" not in sent.url
        assert b"key-of-the-house" not in sent.body
        without_key = Endpoint(at(row).base_url, None, row.quirks)
        assert not any("None" in value for value in adapter.models(without_key).headers.values())


def test_each_row_speaks_a_protocol_that_somebody_speaks() -> None:
    assert {protocol for row in ROWS for protocol in (row.protocol, *row.protocols)} <= set(ADAPTERS)
    assert set(MODELS) <= set(KINDS)
