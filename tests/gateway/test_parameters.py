"""Every parameter of every model is described, and checked before anything is sent."""

from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kontor.core.errors import FieldProblem
from kontor.gateway.facts import bundled
from kontor.gateway.known import KnownModel, KnownProvider
from kontor.gateway.parameters import FEATURES, read, schema_of
from kontor.gateway.wire.port import Deed, Feature
from kontor.gateway.wire.quirks import KINDS
from tests.gateway.samples import model, provider


def of(kind: str, name: str, **facts: Any) -> tuple[KnownModel, KnownProvider]:
    at = provider(kind)
    known = bundled(kind, name).known()
    return model(at, name, **{**known, **facts}), at


THINKER = of("openai", "gpt-5")
PLAIN = of("openai", "gpt-4o")
CLAUDE = of("anthropic", "claude-sonnet-4-5")
LOCAL = of("ollama", "qwen3:32b")
GEMINI = of("gemini", "gemini-3.8-flash")


@pytest.mark.parametrize("kind", list(KINDS))
def test_every_kind_has_a_schema_that_is_one(kind: str) -> None:
    schema = schema_of(*of(kind, "some-model"))
    assert jsonschema_rs.meta.is_valid(schema)
    assert {"max_output", "extra"} <= schema["properties"].keys()


def test_a_schema_has_what_the_model_takes_and_its_limits() -> None:
    thinker, plain = (schema_of(*each)["properties"] for each in (THINKER, PLAIN))
    assert thinker["max_output"]["maximum"] == 128_000
    assert thinker["effort"]["enum"] == ["minimal", "low", "medium", "high"]
    assert not {"temperature", "top_p", "stop", "frequency_penalty"} & thinker.keys()
    assert {"temperature", "top_p", "stop", "seed", "top_logprobs", "presence_penalty"} <= plain.keys()
    assert "effort" not in plain
    assert schema_of(*CLAUDE)["properties"]["temperature"]["maximum"] == 1
    assert {"num_ctx", "keep_alive"} <= schema_of(*LOCAL)["properties"].keys()


@pytest.mark.parametrize(
    ("which", "sent", "field", "reason"),
    [
        (PLAIN, {"temperature": 2.1}, "temperature", "maximum"),
        (PLAIN, {"temperature": -0.1}, "temperature", "minimum"),
        (PLAIN, {"temperature": "warm"}, "temperature", "type"),
        (PLAIN, {"temperature": True}, "temperature", "type"),
        (PLAIN, {"temperature": float("nan")}, "temperature", "type"),
        (PLAIN, {"max_output": 0}, "max_output", "minimum"),
        (PLAIN, {"max_output": 10**9}, "max_output", "maximum"),
        (PLAIN, {"max_output": 1.5}, "max_output", "type"),
        (PLAIN, {"stop": "end"}, "stop", "type"),
        (PLAIN, {"stop": ["a", "b", "c", "d", "e"]}, "stop", "too_long"),
        (PLAIN, {"stop": ["a", ""]}, "stop.1", "too_short"),
        (PLAIN, {"stop": ["a", 1]}, "stop.1", "type"),
        (PLAIN, {"verbosity": "chatty"}, "verbosity", "enum"),
        (PLAIN, {"effort": "low"}, "effort", "unsupported"),
        (THINKER, {"temperature": 1}, "temperature", "unsupported"),
        (THINKER, {"effort": "max"}, "effort", "enum"),
        (THINKER, {"creativity": 11}, "creativity", "unknown"),
        (LOCAL, {"num_ctx": 1}, "num_ctx", "minimum"),
        (
            GEMINI,
            {"safety_settings": [{"category": "HARM_CATEGORY_HARASSMENT"}]},
            "safety_settings.0.threshold",
            "missing",
        ),
        (
            GEMINI,
            {"safety_settings": [{"category": "RUDE", "threshold": "OFF"}]},
            "safety_settings.0.category",
            "enum",
        ),
        (PLAIN, {"extra": {"model": "another"}}, "extra.model", "reserved"),
        (PLAIN, {"extra": []}, "extra", "type"),
    ],
)
def test_a_problem_names_its_field(
    which: tuple[KnownModel, KnownProvider], sent: dict[str, Any], field: str, reason: str
) -> None:
    with pytest.raises(FieldProblem) as refused:
        read(*which, sent)
    assert (refused.value.field, refused.value.reason) == (field, reason)


def test_what_is_good_becomes_part_of_the_call() -> None:
    found = read(*PLAIN, {"temperature": 0.2, "max_output": 100.0, "stop": ["END"], "seed": 7, "top_p": None})
    assert (found.temperature, found.max_output, found.stop, found.seed) == (0.2, 100, ("END",), 7)
    assert (type(found.max_output), found.top_p, found.losses) == (int, None, ())


def test_what_only_one_provider_has_goes_to_its_place_in_the_body() -> None:
    local = read(*LOCAL, {"num_ctx": 8192, "keep_alive": "5m", "extra": {"options": {"mirostat": 2}}})
    assert local.extra == {"options": {"num_ctx": 8192, "mirostat": 2}, "keep_alive": "5m"}
    safety = [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "OFF"}]
    assert read(*GEMINI, {"safety_settings": safety}).extra == {"safetySettings": safety}


def test_other_clients_lose_what_the_model_does_not_take_and_are_told() -> None:
    found = read(
        *THINKER, {"temperature": 0.7, "frequency_penalty": 1, "effort": "max", "new_thing": 1}, is_lenient=True
    )
    assert (found.temperature, found.effort, found.extra) == (None, "high", {"new_thing": 1})
    assert [(loss.feature, loss.deed) for loss in found.losses] == [
        (Feature.TEMPERATURE, Deed.DROPPED),
        (Feature.EXTRA, Deed.DROPPED),
        (Feature.EFFORT, Deed.CHANGED),
    ]


def test_lenient_is_not_careless() -> None:
    with pytest.raises(FieldProblem):
        read(*PLAIN, {"temperature": "warm"}, is_lenient=True)
    with pytest.raises(FieldProblem):
        read(*PLAIN, {"messages": []}, is_lenient=True)
    assert read(*CLAUDE, {"temperature": 1.5}, is_lenient=True).temperature == 1
    assert read(*PLAIN, {"max_output": 10**7}, is_lenient=True).max_output == PLAIN[0].facts.max_output


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
NAMES = st.sampled_from([*FEATURES, "extra", "top_k", "safety_settings", "verbosity", "num_ctx", "unknown"])


@given(st.dictionaries(NAMES, JSON, max_size=4), st.booleans())
def test_whatever_is_sent_is_taken_or_refused_by_name(sent: dict[str, Any], is_lenient: bool) -> None:
    for which in (PLAIN, GEMINI, LOCAL):
        try:
            found = read(*which, sent, is_lenient=is_lenient)
        except FieldProblem as problem:
            assert problem.field.partition(".")[0] in sent
            continue
        assert found.temperature is None or 0 <= found.temperature <= 2
        assert found.max_output is None or found.max_output >= 1


@given(
    st.dictionaries(NAMES.filter(lambda name: name != "extra"), JSON.filter(lambda each: each is not None), max_size=3)
)
def test_ours_agrees_with_a_validator_of_json_schema(sent: dict[str, Any]) -> None:
    """The schema is what clients see, so it must mean the same to them. Numbers that JSON has not are left out."""
    schema = schema_of(*GEMINI)
    judge = jsonschema_rs.Draft202012Validator(schema)
    try:
        read(*GEMINI, sent)
        is_good = True
    except FieldProblem:
        is_good = False
    if "nan" not in repr(sent) and "inf" not in repr(sent):
        assert is_good == judge.is_valid(sent)
