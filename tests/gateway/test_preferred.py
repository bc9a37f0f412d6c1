"""What answers a person who names no model, and the models they have marked."""

from typing import Any

import pytest

from kontor.core.ids import new_id
from tests.factories.house import House, Visitor
from tests.gateway.house import add_provider, admin_models, administrator, gateway_of, models_of
from tests.wire.llm_server import LlmServer


async def prefer(visitor: Visitor, house: House, model: str | None) -> dict[str, Any]:
    answer = await visitor.put("/llm/preferred", json={"model": model})
    assert answer.status_code == 200, answer.text
    # The fixture's house never commits, so nobody hears of it.
    gateway_of(house).knowledge.forget(visitor.id)
    found: dict[str, Any] = answer.json()
    return found


async def answering(visitor: Visitor) -> str:
    """Who would, without asking them: a run needs real commits."""
    answer = await visitor.post("/llm/count", json={"prompt": "Hello"})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["items"][0]["model"])


async def told(visitor: Visitor) -> dict[str, Any]:
    found: dict[str, Any] = (await visitor.get("/llm/models")).json()["preferred"]
    return found


async def test_ones_own_default_answers_oneself_and_nobody_else(house: House, provider: LlmServer) -> None:
    admin, anna, berta = await administrator(house), await house.visitor(), await house.visitor()
    await add_provider(admin, provider)
    await admin.put("/admin/llm-config", json={"default_model": "fake"})
    gateway_of(house).knowledge.forget()
    settings = await prefer(anna, house, "fake-tools")
    assert settings["default_model"] == "fake-tools"
    assert [await answering(anna), await answering(berta)] == ["fake-tools", "fake"]
    assert (await told(anna))["is_usable"] is True
    assert await told(berta) is None
    assert len(await house.events_of(anna.id, "settings.changed")) == 1
    assert len(await house.events_of(anna.id, "models.changed")) == 1
    await prefer(anna, house, None)
    assert await answering(anna) == "fake"


@pytest.mark.parametrize("model", ["nobody", "fake-d256", "", "x" * 300])
async def test_only_what_may_answer_can_be_ones_default(house: House, provider: LlmServer, model: str) -> None:
    anna = await house.visitor()
    await add_provider(await administrator(house), provider)
    await admin_gives_vectors(house, provider)
    answer = await anna.put("/llm/preferred", json={"model": model})
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == ["model"]
    assert (await anna.get("/settings")).json()["default_model"] is None


async def admin_gives_vectors(house: House, provider: LlmServer) -> None:
    admin = await administrator(house)
    model = (await admin_models(admin))["fake-d256"]
    assert (await admin.patch(f"/admin/models/{model['id']}", json={"gives": ["vector"]})).status_code == 200
    gateway_of(house).knowledge.forget()


async def test_when_it_is_gone_the_houses_answers_and_the_list_says_so(house: House, provider: LlmServer) -> None:
    admin, anna = await administrator(house), await house.visitor()
    await add_provider(admin, provider)
    await admin.put("/admin/llm-config", json={"default_model": "fake"})
    model = (await admin_models(admin))["fake-tools"]
    gateway_of(house).knowledge.forget()
    await prefer(anna, house, model["id"])
    await admin.patch(f"/admin/models/{model['id']}", json={"is_enabled": False})
    gateway_of(house).knowledge.forget()
    assert await answering(anna) == "fake"
    assert await told(anna) == {"name": model["id"], "label": model["label"], "model_id": None, "is_usable": False}
    await admin.patch(f"/admin/models/{model['id']}", json={"is_enabled": True})
    gateway_of(house).knowledge.forget()
    assert await answering(anna) == "fake-tools"


async def test_a_model_that_is_kept_from_ones_role_is_not_named_any_more(house: House, provider: LlmServer) -> None:
    admin, anna = await administrator(house), await house.visitor()
    await add_provider(admin, provider)
    model = (await admin_models(admin))["fake-tools"]
    await prefer(anna, house, model["id"])
    change = {"enabled_roles": ["admin"], "label": "For the board"}
    await admin.patch(f"/admin/models/{model['id']}", json=change)
    gateway_of(house).knowledge.forget()
    assert (await told(anna))["label"] is None
    assert "For the board" not in (await anna.get("/llm/models")).text


async def test_favourites_are_ones_own_and_marked_one_by_one(house: House, provider: LlmServer) -> None:
    anna, berta = await house.visitor(), await house.visitor()
    await add_provider(await administrator(house), provider)
    found = await models_of(anna)
    first, second = found["fake"]["id"], found["fake-tools"]["id"]
    for model_id in (first, second, first):
        answer = await anna.put(f"/llm/favourites/{model_id}", headers={"X-Kontor-Client": "w1"})
    assert answer.json()["favourite_models"] == [first, second]
    assert await house.events_of(anna.id, "settings.changed") == [
        {"version": 1, "client": "w1"},
        {"version": 2, "client": "w1"},
    ]
    answer = await anna.delete(f"/llm/favourites/{first}")
    assert answer.json()["favourite_models"] == [second]
    assert (await anna.delete(f"/llm/favourites/{first}")).json()["version"] == answer.json()["version"]
    assert (await berta.get("/settings")).json()["favourite_models"] == []
    assert (await anna.put(f"/llm/favourites/{new_id()}")).status_code == 404
