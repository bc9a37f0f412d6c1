"""Providers of the house: added, changed, looked after, removed."""

from collections.abc import Mapping
from datetime import timedelta

import pytest
from sqlalchemy import text

from kontor.core.clock import clock
from kontor.core.tenancy import Role
from kontor.gateway import service
from tests.factories.house import House
from tests.gateway.house import add_provider, admin_models, administrator, gateway_of, models_of
from tests.wire.llm_server import LlmServer

CLOSED = "http://127.0.0.1:1"


@pytest.mark.parametrize("kind", ["openai", "anthropic", "gemini", "ollama"])
async def test_a_provider_is_asked_for_its_models_when_it_is_added(
    house: House, providers: Mapping[str, LlmServer], kind: str
) -> None:
    admin = await administrator(house)
    added = await add_provider(admin, providers[kind])
    assert (added["state"], added["problem"], added["error"]) == ("ok", None, None)
    assert added["models"] == len(providers[kind].dialect.models)
    anna = await house.visitor()
    found = await models_of(anna)
    assert {"fake", "fake-tools"} <= {name.removeprefix("models/").removesuffix(":latest") for name in found}
    assert all(item["state"] == "ok" for item in found.values())


async def test_only_the_models_that_were_picked_are_switched_on(house: House, provider: LlmServer) -> None:
    admin = await administrator(house)
    await add_provider(admin, provider, models=["fake", "fake-tools"])
    assert {"fake", "fake-tools", "passages"} == set(await models_of(await house.visitor()))
    everything = await admin_models(admin)
    assert everything["fake-think40"]["is_enabled"] is False


async def test_a_provider_that_does_not_answer_is_kept_and_says_so(house: House) -> None:
    admin = await administrator(house)
    answer = await admin.post("/admin/providers", json={"kind": "ollama", "base_url": CLOSED})
    added = answer.json()
    assert (added["state"], added["problem"]) == ("down", "gateway.provider_unreachable")
    tested = await admin.post(f"/admin/providers/{added['id']}/test")
    assert (tested.json()["ok"], tested.json()["code"]) == (False, "gateway.provider_unreachable")
    health = (await admin.get(f"/admin/providers/{added['id']}/health")).json()
    assert [error["code"] for error in health["errors"]] == ["gateway.provider_unreachable"] * 2
    assert sum(tick["failed"] for tick in health["ticks"]) == 2
    assert len(health["ticks"]) == 48


async def test_a_provider_that_comes_back_is_well_again(house: House, provider: LlmServer) -> None:
    admin = await administrator(house)
    added = await add_provider(admin, provider)
    await admin.patch(f"/admin/providers/{added['id']}", json={"base_url": f"{CLOSED}/v1"})
    await admin.post(f"/admin/providers/{added['id']}/test")
    assert (await admin.get(f"/admin/providers/{added['id']}")).json()["state"] == "down"
    clock.advance(timedelta(seconds=1))
    await admin.patch(f"/admin/providers/{added['id']}", json={"base_url": provider.url})
    await admin.post(f"/admin/providers/{added['id']}/keys", json={"key": provider.key})
    assert (await admin.get(f"/admin/providers/{added['id']}")).json()["state"] == "ok"


async def test_whoever_is_in_use_and_down_is_named(house: House, provider: LlmServer) -> None:
    admin = await administrator(house)

    async def down() -> list[str]:
        return [each["label"] for each in (await admin.get("/admin/providers/down")).json()["items"]]

    added = await add_provider(admin, provider, label="Campus")
    assert await down() == []
    gone = (await admin.post("/admin/providers", json={"kind": "ollama", "base_url": CLOSED})).json()
    assert await down() == ["Ollama"]
    provider.dialect.key = "another one"
    clock.advance(timedelta(seconds=1))
    await admin.post(f"/admin/providers/{added['id']}/test")
    assert await down() == ["Campus", "Ollama"]
    await admin.patch(f"/admin/providers/{gone['id']}", json={"is_enabled": False})
    assert await down() == ["Campus"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"kind": "no-such"}, "kind"),
        ({"kind": "compatible"}, "base_url"),
        ({"kind": "ollama", "base_url": "ftp://127.0.0.1"}, "base_url"),
        ({"kind": "ollama", "base_url": "http://user:secret@127.0.0.1"}, "base_url"),
        ({"kind": "ollama", "base_url": "http://127.0.0.1/?key=secret"}, "base_url"),
        ({"kind": "ollama", "base_url": "http://127.0.0.1\\@example.org"}, "base_url"),
        ({"kind": "openai", "protocol": "gemini"}, "protocol"),
        ({"kind": "openai", "quirks": {"no_such": 1}}, "quirks"),
        ({"kind": "openai", "quirks": {"auth": "basic"}}, "quirks"),
        ({"kind": "openai", "quirks": {"chat_path": ".example.org/chat"}}, "quirks"),
        ({"kind": "openai", "quirks": {"chat_path": "//example.org/chat"}}, "quirks"),
        ({"kind": "openai", "quirks": {"models_path": "@example.org/"}}, "quirks"),
        ({"kind": "openai", "timeouts": {"connect": 0}}, "timeouts.connect"),
        ({"kind": "openai", "concurrency": 0}, "concurrency"),
    ],
)
async def test_what_cannot_be_is_named_by_its_field(house: House, body: dict[str, object], field: str) -> None:
    admin = await administrator(house)
    answer = await admin.post("/admin/providers", json=body)
    assert answer.status_code == 422, answer.text
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert "secret" not in answer.text


async def test_quirks_and_timeouts_of_one_provider_reach_its_calls(house: House, provider: LlmServer) -> None:
    admin = await administrator(house)
    added = await add_provider(
        admin, provider, quirks={"renamed": {"max_tokens": "most"}, "refused": ["seed"]}, timeouts={"idle": 7}
    )
    known = (await gateway_of(house).knowledge.house()).providers
    found = next(each for each in known.values() if str(each.id) == added["id"])
    assert (found.quirks.renamed, found.quirks.refused) == ({"max_tokens": "most"}, frozenset({"seed"}))
    assert found.timeouts == {"idle": 7}
    # What is not set stays as it is for the kind.
    assert found.quirks.cache == "automatic"


async def test_two_who_edit_at_once_do_not_overwrite_each_other(house: House, provider: LlmServer) -> None:
    admin = await administrator(house)
    added = await add_provider(admin, provider)
    path = f"/admin/providers/{added['id']}"
    seen = (await admin.get(path)).headers["etag"]
    assert (await admin.patch(path, json={"label": "One"}, headers={"If-Match": seen})).status_code == 200
    assert (await admin.patch(path, json={"label": "Two"}, headers={"If-Match": seen})).status_code == 412


async def test_what_is_switched_off_is_offered_to_nobody(house: House, provider: LlmServer) -> None:
    admin, anna = await administrator(house), await house.visitor()
    added = await add_provider(admin, provider)
    assert "fake" in await models_of(anna)
    await admin.patch(f"/admin/providers/{added['id']}", json={"is_enabled": False})
    gateway_of(house).knowledge.forget()
    assert set(await models_of(anna)) == {"passages"}


async def test_a_provider_goes_with_its_models_and_keys(house: House, provider: LlmServer) -> None:
    admin = await administrator(house)
    added = await add_provider(admin, provider)
    assert (await admin.delete(f"/admin/providers/{added['id']}")).status_code == 204
    assert (await admin.get(f"/admin/providers/{added['id']}")).status_code == 404
    async with house.database.system("test") as unit:
        for table in ("model", "provider_key", "provider_check"):
            left = await unit.scalar(text(f"SELECT count(*) FROM {table} WHERE provider_id = :id"), {"id": added["id"]})
            assert left == 0, table


async def test_passages_are_part_of_the_house(house: House) -> None:
    admin = await administrator(house)
    items = (await admin.get("/admin/providers")).json()["items"]
    built_in = next(item for item in items if item["is_built_in"])
    path = f"/admin/providers/{built_in['id']}"
    for refused in (
        await admin.delete(path),
        await admin.patch(path, json={"base_url": CLOSED}),
        await admin.post(f"{path}/keys", json={"key": "sk-0123456789"}),
        await admin.post(f"{path}/test"),
    ):
        assert (refused.status_code, refused.json()["code"]) == (409, "gateway.provider_built_in")
    assert (await admin.patch(path, json={"is_enabled": False})).status_code == 200


async def test_deeds_stand_in_the_record_without_secrets(house: House, provider: LlmServer) -> None:
    admin = await administrator(house)
    added = await add_provider(admin, provider)
    await admin.patch(f"/admin/providers/{added['id']}", json={"concurrency": 3})
    await admin.delete(f"/admin/providers/{added['id']}")
    lines = (await admin.get("/admin/audit", params={"limit": 100})).json()["items"]
    actions = [line["action"] for line in lines]
    assert {"model_provider.added", "model_provider.changed", "model_provider.removed", "model_key.added"} <= set(
        actions
    )
    assert all(provider.key not in str(line) for line in lines)


async def test_every_provider_is_checked_by_the_clock(house: House, providers: Mapping[str, LlmServer]) -> None:
    admin = await administrator(house)
    added = [await add_provider(admin, providers[kind]) for kind in ("openai", "ollama")]
    await providers["ollama"].stop()
    clock.advance(timedelta(minutes=5))
    assert await service.check_all(gateway_of(house)) == 2
    states = {item["kind"]: item["state"] for item in (await admin.get("/admin/providers")).json()["items"]}
    assert (states["openai"], states["ollama"]) == ("ok", "down")
    anna = await house.visitor(Role.USER)
    found = (await anna.get("/llm/models")).json()["items"]
    down = {item["provider"]["id"] for item in found if item["state"] == "down"}
    assert down == {added[1]["id"]}


async def test_models_are_taken_in_once_a_day(house: House, provider: LlmServer) -> None:
    admin = await administrator(house)
    await add_provider(admin, provider)
    provider.dialect.models = ("fake", "fake-d256", "fake-n20")
    await service.check_all(gateway_of(house))
    assert "fake-n20" not in await admin_models(admin)
    clock.advance(timedelta(hours=25))
    await service.check_all(gateway_of(house))
    admin = await house.sign_in(admin.id)
    found = await admin_models(admin)
    assert "fake-n20" in found
    assert found["fake-think40"]["gone_at"] is not None
    assert "fake-think40" not in await models_of(admin)
