"""Models: from lists and data, set right by administrators, offered to whom they are meant for."""

from collections.abc import Mapping
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

from kontor.core.tenancy import Role
from kontor.gateway import catalogue
from kontor.gateway.facts import Facts, bundled, friendly, joined, of_list
from kontor.gateway.wire.port import Feature, Listed
from tests.factories.house import House
from tests.gateway.house import add_provider, admin_models, administrator, gateway_of, models_of
from tests.wire.llm_server import LlmServer


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("claude-opus-5-5", "Claude Opus 5.5"),
        ("claude-haiku-4-5-20251001", "Claude Haiku 4.5 (2025-10-01)"),
        ("gpt-5.4-mini", "GPT-5.4 mini"),
        ("gpt-4o-2024-08-06", "GPT-4o (2024-08-06)"),
        ("openai/gpt-oss-120b", "GPT-OSS 120B"),
        ("models/gemini-3.8-flash", "Gemini 3.8 Flash"),
        ("qwen3:32b", "Qwen3 32B"),
        ("llama3.1:latest", "Llama3.1"),
        ("-", "-"),
    ],
)
def test_names_are_made_friendly(name: str, label: str) -> None:
    assert friendly(name) == label


def test_data_describe_models_that_a_list_only_names() -> None:
    facts = bundled("openai", "gpt-5-2025-08-07")
    assert (facts.context_total, facts.max_input, facts.max_output) == (400_000, 272_000, 128_000)
    assert sorted(facts.takes or ()) == ["document", "image", "text"]
    assert facts.features is not None
    assert Feature.TEMPERATURE not in facts.features
    assert bundled("openrouter", "anthropic/claude-opus-5-5") == bundled("anthropic", "claude-opus-5-5")
    assert list(bundled("openai", "text-embedding-3-small").gives or ()) == ["vector"]
    assert bundled("openai", "no-such-model") == Facts()


def test_the_providers_own_word_comes_before_the_data() -> None:
    listed = of_list(Listed("gpt-5", label="Five", context_total=500_000))
    facts = joined(bundled("openai", "gpt-5"), listed)
    assert (facts.label, facts.context_total, facts.max_output) == ("Five", 500_000, 128_000)


def test_a_list_is_not_believed_where_it_cannot_be_right() -> None:
    facts = of_list(
        Listed("one", label="A\x00B", context_total=-1, max_output=10**30, deprecated_on="soon", size_bytes=5)
    )
    assert facts == Facts(size_bytes=5)


async def test_edits_survive_every_refresh_and_can_be_taken_back(house: House, provider: LlmServer) -> None:
    admin = await administrator(house)
    added = await add_provider(admin, provider)
    row = (await admin_models(admin))["fake"]
    path = f"/admin/models/{row['id']}"
    edit = {"label": "Unser Modell", "context_total": 12_345, "description": "Für alles", "takes": ["text", "image"]}
    changed = (await admin.patch(path, json=edit)).json()
    assert changed["edited"] == sorted(edit)
    assert (await admin.post(f"/admin/providers/{added['id']}/refresh")).status_code == 200
    gateway_of(house).knowledge.forget()
    seen = (await models_of(await house.visitor()))["fake"]
    assert (seen["label"], seen["context_total"], seen["takes"]) == ("Unser Modell", 12_345, ["image", "text"])
    back = (await admin.patch(path, json={"label": None})).json()
    assert (back["label"], "label" in back["edited"], back["context_total"]) == ("Fake", False, 12_345)


async def test_a_refresh_says_what_it_found(house: House, provider: LlmServer) -> None:
    admin = await administrator(house)
    added = await add_provider(admin, provider)
    path = f"/admin/providers/{added['id']}/refresh"
    assert (await admin.post(path)).json() == {"added": 0, "changed": 0, "gone": 0, "total": 5}
    provider.dialect.models = ("fake", "fake-n20")
    assert (await admin.post(path)).json() == {"added": 1, "changed": 0, "gone": 4, "total": 2}
    provider.dialect.models = ("fake", "fake-n20", "fake-tools")
    assert (await admin.post(path)).json() == {"added": 0, "changed": 1, "gone": 0, "total": 3}


async def test_a_refresh_that_fails_changes_nothing(house: House, provider: LlmServer) -> None:
    admin = await administrator(house)
    added = await add_provider(admin, provider)
    await provider.stop()
    answer = await admin.post(f"/admin/providers/{added['id']}/refresh")
    assert (answer.status_code, answer.json()["code"]) == (503, "gateway.provider_unreachable")
    assert all(item["gone_at"] is None for item in (await admin_models(admin)).values())


async def test_models_are_switched_on_per_role(house: House, provider: LlmServer) -> None:
    admin, anna = await administrator(house), await house.visitor()
    await add_provider(admin, provider)
    row = (await admin_models(admin))["fake"]
    await admin.patch(f"/admin/models/{row['id']}", json={"enabled_roles": ["manager", "admin"]})
    gateway_of(house).knowledge.forget()
    assert "fake" not in await models_of(anna)
    assert "fake" in await models_of(await house.visitor(Role.MANAGER))
    await admin.patch(f"/admin/models/{row['id']}", json={"is_enabled": False})
    gateway_of(house).knowledge.forget()
    assert "fake" not in await models_of(admin)


def test_what_is_of_no_use_is_not_switched_on_by_itself() -> None:
    names = {"gpt-5", "gpt-5-2025-08-07", "dall-e", "alone-2025-08-07"}
    useful = {name for name in names if catalogue.is_useful(name, Facts(), names)}
    assert useful == {"gpt-5", "dall-e", "alone-2025-08-07"}
    assert not catalogue.is_useful("dall-e", Facts(gives=frozenset({"image"})), names)
    assert not catalogue.is_useful("old", Facts.model_validate({"deprecated_on": "2020-01-01"}), names)


async def test_models_that_no_list_has_are_added_by_hand(house: House, provider: LlmServer) -> None:
    admin = await administrator(house)
    added = await add_provider(admin, provider)
    body = {"provider_id": added["id"], "name": "fake-n5"}
    made = await admin.post("/admin/models", json=body)
    assert made.status_code == 201
    assert (await admin.post("/admin/models", json=body)).json()["code"] == "gateway.model_exists"
    await admin.post(f"/admin/providers/{added['id']}/refresh")
    gateway_of(house).knowledge.forget()
    assert "fake-n5" in await models_of(await house.visitor())
    listed = (await admin_models(admin))["fake"]
    assert (await admin.delete(f"/admin/models/{listed['id']}")).json()["code"] == "gateway.model_built_in"
    assert (await admin.delete(f"/admin/models/{made.json()['id']}")).status_code == 204


async def test_the_list_is_paged_and_searched(house: House, provider: LlmServer) -> None:
    admin = await administrator(house)
    added = await add_provider(admin, provider)
    found: list[str] = []
    cursor = None
    while True:
        query = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = (await admin.get("/admin/models", params=query)).json()
        found += [item["name"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert found == sorted(found)
    assert len(found) == 6
    assert set(await admin_models(admin, search="THINK")) == {"fake-think40"}
    assert "passages" not in await admin_models(admin, provider=added["id"])
    assert len(await admin_models(admin, enabled=False)) == 0


async def test_aliases_rules_and_a_default(house: House, provider: LlmServer) -> None:
    admin, anna = await administrator(house), await house.visitor()
    await add_provider(admin, provider)
    wanted = {
        "default_model": "good",
        "aliases": [{"name": "good", "model": "fake", "fallbacks": ["fake-tools"]}],
        "rules": [{"name": "quick", "strategy": "first_healthy", "models": ["fake"]}],
    }
    changed = await admin.put("/admin/llm-config", json=wanted)
    assert changed.status_code == 200, changed.text
    gateway_of(house).knowledge.forget()
    told = (await anna.get("/llm/models")).json()
    assert told["default"] == "good"
    assert {rule["name"]: rule["is_built_in"] for rule in told["rules"]} == {
        "auto": True,
        "cheapest": True,
        "local": True,
        "quick": False,
    }
    assert next(item for item in told["items"] if item["name"] == "fake")["aliases"] == ["good"]
    stale = await admin.put("/admin/llm-config", json={}, headers={"If-Match": '"1"'})
    assert stale.status_code == 412


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        ({"default_model": "nobody"}, "default_model"),
        ({"aliases": [{"name": "good", "model": "nobody"}]}, "aliases.0.model"),
        ({"aliases": [{"name": "good", "model": "passages", "fallbacks": ["nobody"]}]}, "aliases.0.fallbacks.0"),
        ({"rules": [{"name": "quick", "strategy": "local", "models": ["nobody"]}]}, "rules.0.models.0"),
        ({"aliases": [{"name": "auto", "model": "passages"}]}, "aliases.0.name"),
        ({"aliases": [{"name": "Good Model", "model": "passages"}]}, "aliases.0.name"),
        ({"cut_stream_policy": "panic"}, "cut_stream_policy"),
        ({"unknown": 1}, "unknown"),
    ],
)
async def test_a_configuration_names_what_is_wrong_with_it(
    house: House, wanted: Mapping[str, object], field: str
) -> None:
    admin = await administrator(house)
    answer = await admin.put("/admin/llm-config", json=wanted)
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]


async def test_a_long_list_costs_no_more_questions_than_a_short_one(
    house: House, provider: LlmServer, engine: AsyncEngine
) -> None:
    admin, anna = await administrator(house), await house.visitor()
    added = await add_provider(admin, provider)
    asked: list[str] = []

    def note(*given: Any) -> None:
        asked.append(given[2])

    event.listen(engine.sync_engine, "before_cursor_execute", note)
    try:
        await models_of(anna)
        short = len(asked)
        provider.dialect.models = tuple(f"fake-n{number}" for number in range(1, 60))
        await admin.post(f"/admin/providers/{added['id']}/refresh")
        asked.clear()
        assert len(await models_of(anna)) == 60
    finally:
        event.remove(engine.sync_engine, "before_cursor_execute", note)
    # What is the reader's own was known by then.
    assert len(asked) <= short
