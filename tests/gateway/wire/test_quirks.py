"""The table of providers: what a row promises, and which key is whose."""

import re

import pytest

from kontor.gateway.wire.port import Quirks
from kontor.gateway.wire.quirks import KINDS, ROWS, ProviderKind, recognise


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.kind)
def test_a_row_is_whole(row: ProviderKind) -> None:
    assert re.fullmatch(r"[a-z]+", row.kind)
    assert row.label
    assert row.base_url is None or (row.base_url.startswith("http") and not row.base_url.endswith("/"))
    assert row.is_local == (row.base_url or "").startswith("http://127.0.0.1")
    assert row.keys_at is None or row.keys_at.startswith("https://")
    assert row.is_local or row.kind == "compatible" or (row.keys and row.keys_at)
    assert row.says_cost == (row.kind in {"openrouter", "xai"})


def test_each_kind_is_there_once() -> None:
    assert len(KINDS) == len(ROWS)
    assert {"openai", "deepseek", "xai", "openrouter", "runpod", "mistral", "groq", "vllm"} <= set(KINDS)
    assert {"lmstudio", "llamacpp", "compatible", "anthropic", "gemini", "ollama"} <= set(KINDS)


@pytest.mark.parametrize(
    ("key", "kinds"),
    [
        ("sk-proj-" + "Ab3_-" * 10, {"openai"}),
        ("sk-" + "Ab3" * 16, {"openai"}),
        ("sk-" + "0123456789abcdef" * 2, {"openai", "deepseek"}),
        ("sk-ant-api03-" + "Ab3_-" * 18, {"anthropic"}),
        ("sk-or-v1-" + "0123456789abcdef" * 4, {"openrouter"}),
        ("xai-" + "Ab3" * 26, {"xai"}),
        ("gsk_" + "Ab3" * 17, {"groq"}),
        ("rpa_" + "AB3" * 14, {"runpod"}),
        ("AIza" + "Ab3_-" * 7, {"gemini"}),
        ("Ab3d" * 8, {"mistral"}),
        ("  gsk_" + "Ab3" * 17 + "\n", {"groq"}),
        ("", set()),
        ("password", set()),
        ("sk-", set()),
    ],
)
def test_a_key_is_recognised_by_its_shape(key: str, kinds: set[str]) -> None:
    assert set(recognise(key)) == kinds


def test_a_model_without_rows_of_its_own_has_its_providers_quirks() -> None:
    quirks = Quirks(largest_stop=3)
    assert quirks.for_model("anything") is quirks
    openai = KINDS["openai"].quirks
    assert openai.for_model("gpt-4.1") is openai
    assert openai.for_model("gpt-6.1-sol").system_role == "developer"


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.kind)
def test_rows_of_models_name_fields_that_there_are(row: ProviderKind) -> None:
    fields = set(Quirks.__slots__)
    for model in row.quirks.of_models:
        re.compile(model.pattern)
        assert set(model.changes) <= fields - {"renamed", "refused", "fixed", "of_models"}
