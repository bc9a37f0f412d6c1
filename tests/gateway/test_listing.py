"""The list of models as a window holds it: light, sent again only when it has changed, and one model in full."""

from kontor.core.ids import new_id
from tests.factories.house import House
from tests.gateway.house import add_provider, admin_models, administrator, gateway_of, models_of
from tests.wire.llm_server import LlmServer

MANY = 400


async def test_the_list_is_sent_again_only_when_it_has_changed(house: House, provider: LlmServer) -> None:
    admin, anna = await administrator(house), await house.visitor()
    await add_provider(admin, provider)
    first = await anna.get("/llm/models")
    again = await anna.get("/llm/models", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
    model = (await admin_models(admin))["fake"]
    await admin.patch(f"/admin/models/{model['id']}", json={"label": "Another name"})
    gateway_of(house).knowledge.forget()
    changed = await anna.get("/llm/models", headers={"If-None-Match": first.headers["etag"]})
    assert changed.status_code == 200
    assert changed.headers["etag"] != first.headers["etag"]
    assert "Another name" in changed.text


async def test_the_list_is_no_less_private_for_having_a_tag(house: House, provider: LlmServer) -> None:
    await add_provider(await administrator(house), provider)
    answer = await (await house.visitor()).get("/llm/models")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["vary"] == "Accept-Encoding"


async def test_a_long_list_is_light(house: House, provider: LlmServer) -> None:
    admin, anna = await administrator(house), await house.visitor()
    provider.dialect.models = tuple(f"fake-n{number}" for number in range(1, MANY + 1))
    await add_provider(admin, provider)
    plain = await anna.get("/llm/models", headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert "parameters" not in plain.json()["items"][0]
    assert len(plain.content) < MANY * 700
    packed = await anna.get("/llm/models", headers={"Accept-Encoding": "br, gzip"})
    assert packed.headers["content-encoding"] == "gzip"
    assert int(packed.headers["content-length"]) < MANY * 80
    assert packed.json() == plain.json()


async def test_one_model_comes_with_the_schema_of_its_parameters(house: House, provider: LlmServer) -> None:
    anna = await house.visitor()
    await add_provider(await administrator(house), provider)
    listed = (await models_of(anna))["fake"]
    found = (await anna.get(f"/llm/models/{listed['id']}")).json()
    parameters = found.pop("parameters")
    assert found == listed
    assert parameters["properties"]["temperature"]["maximum"] == 2


async def test_a_model_that_may_not_be_used_is_like_none(house: House, provider: LlmServer) -> None:
    admin, anna = await administrator(house), await house.visitor()
    await add_provider(admin, provider)
    model = (await admin_models(admin))["fake"]
    await admin.patch(f"/admin/models/{model['id']}", json={"enabled_roles": ["admin"]})
    gateway_of(house).knowledge.forget()
    hidden, missing = await anna.get(f"/llm/models/{model['id']}"), await anna.get(f"/llm/models/{new_id()}")
    assert (hidden.status_code, hidden.json()["code"]) == (404, "gateway.model_not_listed")
    assert {**hidden.json(), "request_id": ""} == {**missing.json(), "request_id": ""}
    assert (await admin.get(f"/llm/models/{model['id']}")).status_code == 200
