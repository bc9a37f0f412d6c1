"""Keys: they go in, are tried, are bound to where they belong, and are never shown."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from kontor.core.database import Database
from kontor.core.ids import new_id
from kontor.core.settings import Settings
from kontor.core.tenancy import Role
from kontor.core.vault.errors import SealBroken
from kontor.gateway import keys, known
from kontor.gateway.errors import KeyRefused
from kontor.gateway.keys import NewKey
from kontor.gateway.known import KeyElsewhere, may_be_sent
from kontor.gateway.service import present_target
from kontor.gateway.tables import HOUSE, Provider, ProviderKey
from kontor.gateway.transport import Attempt, Outgoing
from tests.factories.house import House, Visitor, opened
from tests.gateway.house import add_provider, administrator, gateway_of, models_of
from tests.wire.llm_server import LlmServer

OTHER = "http://127.0.0.1:2"


@pytest.fixture
async def open_house(database: Database, settings: Settings, provider: LlmServer) -> AsyncIterator[House]:
    """Where the operator has opened the network in which the fake provider stands, and people may name addresses."""
    opening = {"kontor_fetch_allow": "127.0.0.0/8", "kontor_fetch_ports": f"80,443,{provider.port}"}
    async with opened(settings.model_copy(update=opening), database) as made:
        admin = await administrator(made)
        answer = await admin.put("/admin/llm-config", json={"own_addresses_allowed": True})
        assert answer.status_code == 200, answer.text
        gateway_of(made).knowledge.forget()
        yield made


async def add_own(visitor: Visitor, server: LlmServer, **more: object) -> dict[str, object]:
    body = {"provider": "openai", "base_url": server.url, "key": server.key, **more}
    answer = await visitor.post("/llm/keys", json=body)
    assert answer.status_code == 201, answer.text
    found: dict[str, object] = answer.json()
    return found


async def test_a_key_that_the_provider_refuses_is_not_kept(house: House, provider: LlmServer) -> None:
    admin = await administrator(house)
    added = await add_provider(admin, provider)
    answer = await admin.post(f"/admin/providers/{added['id']}/keys", json={"key": "sk-wrong-wrong-wrong"})
    assert answer.status_code == 422
    assert [(error["field"], error["code"]) for error in answer.json()["errors"]] == [("key", "refused")]
    kept = (await admin.get(f"/admin/providers/{added['id']}")).json()["keys"]
    assert [key["ending"] for key in kept] == [provider.key[-4:]]


async def test_nothing_is_kept_of_a_provider_whose_key_is_refused(house: House, provider: LlmServer) -> None:
    admin = await administrator(house)
    body = {"kind": "openai", "base_url": provider.url, "key": "sk-wrong-wrong-wrong"}
    assert (await admin.post("/admin/providers", json=body)).status_code == 422
    items = (await admin.get("/admin/providers")).json()["items"]
    assert [item["kind"] for item in items] == ["passages"]


async def test_a_key_is_never_in_an_answer_nor_readable_in_the_table(house: House, provider: LlmServer) -> None:
    admin, anna = await administrator(house), await house.visitor()
    added = await add_provider(admin, provider)
    for answer in (
        await admin.get("/admin/providers"),
        await admin.get(f"/admin/providers/{added['id']}"),
        await anna.get("/llm/models"),
        await anna.get("/llm/keys"),
    ):
        assert provider.key not in answer.text
    async with house.database.system("test") as unit:
        row = (await unit.scalars(select(ProviderKey))).one()
    assert provider.key.encode() not in row.sealed
    assert provider.key not in repr(await gateway_of(house).knowledge.house())


async def test_a_house_key_needs_a_proof(house: House, provider: LlmServer) -> None:
    admin = await administrator(house)
    added = await add_provider(admin, provider)
    async with house.database.system("test") as unit:
        await unit.execute(text("UPDATE session SET proved_at = NULL"))
    for answer in (
        await admin.post(f"/admin/providers/{added['id']}/keys", json={"key": provider.key}),
        await admin.post("/admin/providers", json={"kind": "openai", "base_url": provider.url, "key": provider.key}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (403, "auth.proof_needed")


async def test_people_do_not_see_keys_of_the_house(house: House, provider: LlmServer) -> None:
    admin, anna = await administrator(house), await house.visitor()
    added = await add_provider(admin, provider)
    key_id = added["keys"][0]["id"]
    assert (await anna.get("/llm/keys")).json()["items"] == []
    assert (await anna.delete(f"/llm/keys/{key_id}")).status_code == 404
    assert (await anna.post(f"/llm/keys/{key_id}/test")).status_code == 404
    async with house.database.unit(anna.actor) as unit:
        assert (await unit.scalars(select(ProviderKey))).all() == []


async def test_administrators_do_not_see_keys_of_people(open_house: House, provider: LlmServer) -> None:
    anna, admin = await open_house.visitor(), await administrator(open_house)
    key = await add_own(anna, provider)
    async with open_house.database.unit(admin.actor.as_admin()) as unit:
        assert (await unit.scalars(select(ProviderKey))).all() == []
        assert [row.kind for row in await unit.scalars(select(Provider))] == ["passages"]
    assert (await admin.delete(f"/llm/keys/{key['id']}")).status_code == 404


async def test_the_database_refuses_a_house_key_for_an_address_that_a_person_gave(
    open_house: House, provider: LlmServer
) -> None:
    """Also where the code would forget to: by the row's check, and by its foreign key. A stranger's key as well."""
    anna, berta = await open_house.visitor(), await open_house.visitor(name="Berta Beispiel")
    await add_own(anna, provider)
    for owner_id, holder in ((None, anna.id), (None, HOUSE), (berta.id, anna.id), (berta.id, HOUSE)):
        async with open_house.database.system("test") as unit:
            own = (await unit.scalars(select(Provider).where(Provider.owner_id == anna.id))).one()
            savepoint = await unit.begin_nested()
            unit.add(
                ProviderKey(
                    id=new_id(),
                    owner_id=owner_id,
                    provider_id=own.id,
                    provider_holder=holder,
                    origin=own.origin,
                    sealed=b"x" * 60,
                    ending="abcd",
                    state="ok",
                )
            )
            with pytest.raises(IntegrityError, match="provider_key_provider"):
                await unit.flush()
            await savepoint.rollback()


async def test_the_code_refuses_it_as_well(open_house: House, provider: LlmServer) -> None:
    anna, admin = await open_house.visitor(), await administrator(open_house)
    await add_own(anna, provider)
    async with open_house.database.system("test") as unit:
        own = (await unit.scalars(select(Provider).where(Provider.owner_id == anna.id))).one()
        with pytest.raises(KeyElsewhere):
            await keys.add(
                unit, open_house.kernel.vault, admin.actor, own, NewKey("sk-0123456789", is_tested=True),
                owner_id=None, address=None,
            )  # fmt: skip
    house_key = replace((await gateway_of(open_house).knowledge.view(anna.actor)).own.keys[own.id][0], owner_id=None)
    own_provider = known.known_provider(own)
    assert not may_be_sent(house_key, own_provider)
    with pytest.raises(KeyElsewhere):
        own_provider.endpoint(house_key)


async def test_another_address_takes_the_keys_away(house: House, provider: LlmServer) -> None:
    admin = await administrator(house)
    added = await add_provider(admin, provider)
    answer = await admin.patch(f"/admin/providers/{added['id']}", json={"base_url": f"{OTHER}/v1"})
    assert (answer.status_code, answer.json()["keys"]) == (200, [])
    # Another path at the same server is no other address.
    again = await add_provider(admin, provider)
    kept = await admin.patch(f"/admin/providers/{again['id']}", json={"base_url": f"{provider.url}/more"})
    assert len(kept.json()["keys"]) == 1


async def test_the_database_holds_an_address_by_its_keys(house: House, provider: LlmServer) -> None:
    admin = await administrator(house)
    added = await add_provider(admin, provider)
    async with house.database.system("test") as unit:
        savepoint = await unit.begin_nested()
        with pytest.raises(IntegrityError, match="provider_key_provider_fkey"):
            await unit.execute(
                text("UPDATE provider SET base_url = :url, origin = :url WHERE id = :id"),
                {"url": OTHER, "id": added["id"]},
            )
        await savepoint.rollback()


async def test_a_key_does_not_open_for_another_address(house: House, provider: LlmServer) -> None:
    """Whoever could write into the tables would still not get a key to where they want it."""
    admin = await administrator(house)
    await add_provider(admin, provider)
    async with house.database.system("vault") as unit:
        row = (await unit.scalars(select(ProviderKey))).one()
        assert await known.opened_key(unit, house.kernel.vault, row) is not None
        moved = ProviderKey(id=row.id, owner_id=None, provider_id=row.provider_id, origin=OTHER, sealed=row.sealed)
        with pytest.raises(SealBroken):
            await house.kernel.vault.open(unit, known.place_of(moved), row.sealed)


async def test_ones_own_key_brings_ones_own_models(open_house: House, provider: LlmServer) -> None:
    anna, berta = await open_house.visitor(), await open_house.visitor(name="Berta Beispiel")
    key = await add_own(anna, provider)
    assert (key["state"], key["problem"], key["base_url"]) == ("ok", None, provider.url)
    mine = await models_of(anna)
    assert mine["fake"]["is_own_key"] is True
    assert "fake" not in await models_of(berta)
    assert (await berta.delete(f"/llm/keys/{key['id']}")).status_code == 404
    assert (await anna.post(f"/llm/keys/{key['id']}/test")).json()["ok"] is True
    assert (await anna.delete(f"/llm/keys/{key['id']}")).status_code == 204
    gateway_of(open_house).knowledge.forget(anna.id)
    assert set(await models_of(anna)) == {"passages"}


async def test_a_test_of_ones_own_key_takes_in_new_models(open_house: House, provider: LlmServer) -> None:
    anna = await open_house.visitor()
    key = await add_own(anna, provider)
    provider.dialect.models = ("fake", "fake-n20")
    assert (await anna.post(f"/llm/keys/{key['id']}/test")).json()["models"] == 2
    assert set(await models_of(anna)) == {"passages", "fake", "fake-n20"}


async def test_what_is_not_allowed_any_more_is_out_of_use(open_house: House, provider: LlmServer) -> None:
    admin, anna = await administrator(open_house), await open_house.visitor()
    await add_own(anna, provider)
    assert "fake" in await models_of(anna)
    for config in ({"own_addresses_allowed": False}, {"own_keys_allowed": False, "own_addresses_allowed": True}):
        assert (await admin.put("/admin/llm-config", json=config)).status_code == 200
        assert set(await models_of(anna)) == {"passages"}
    await admin.put("/admin/llm-config", json={"own_addresses_allowed": True})
    assert "fake" in await models_of(anna)


async def test_ones_own_key_for_a_provider_of_the_house(house: House, provider: LlmServer) -> None:
    """The house's models, paid by oneself; and the house's list is not changed by what one person's key may see."""
    admin, anna, berta = await administrator(house), await house.visitor(), await house.visitor(name="Berta")
    added = await add_provider(admin, provider)
    answer = await anna.post("/llm/keys", json={"provider": added["id"], "key": provider.key})
    assert (answer.status_code, answer.json()["base_url"]) == (201, None)
    assert (await models_of(anna))["fake"]["is_own_key"] is True
    assert (await models_of(berta))["fake"]["is_own_key"] is False


async def test_a_kind_means_the_usual_address_and_no_other(house: House, provider: LlmServer) -> None:
    """The house's OpenAI stands elsewhere, so a key that was given for OpenAI does not go there."""
    admin, anna = await administrator(house), await house.visitor()
    await add_provider(admin, provider)
    async with house.database.unit(anna.actor) as unit:
        assert await present_target(unit, anna.actor, "openai") is None


async def test_own_addresses_are_public_ones(house: House, provider: LlmServer) -> None:
    admin, anna = await administrator(house), await house.visitor()
    body = {"provider": "openai", "base_url": provider.url, "key": provider.key}
    forbidden = await anna.post("/llm/keys", json=body)
    assert (forbidden.status_code, forbidden.json()["code"]) == (403, "gateway.own_addresses_not_allowed")
    await admin.put("/admin/llm-config", json={"own_addresses_allowed": True})
    gateway_of(house).knowledge.forget()
    refused = await anna.post("/llm/keys", json=body)
    assert (refused.status_code, refused.json()["code"]) == (422, "fetch.refused")
    plain = await anna.post("/llm/keys", json={**body, "base_url": "http://example.org/v1"})
    assert [error["field"] for error in plain.json()["errors"]] == ["base_url"]
    assert len(provider.requests) == 0


async def test_where_own_keys_are_not_allowed(house: House) -> None:
    admin, anna = await administrator(house), await house.visitor()
    await admin.put("/admin/llm-config", json={"own_keys_allowed": False})
    gateway_of(house).knowledge.forget()
    answer = await anna.post("/llm/keys", json={"provider": "openai", "key": "sk-0123456789"})
    assert (answer.status_code, answer.json()["code"]) == (403, "gateway.own_keys_not_allowed")
    assert (await anna.get("/llm/keys")).json()["own_keys_allowed"] is False


@pytest.mark.parametrize("key", ["", "short", "with a space in it", "zwölfzwölfzwölf", "x" * 501, "line\nbreak-line"])
async def test_what_is_no_key_is_refused_and_not_repeated(house: House, key: str) -> None:
    anna = await house.visitor()
    answer = await anna.post("/llm/keys", json={"provider": "openai", "key": key})
    assert [error["field"] for error in answer.json()["errors"]] == ["key"]
    assert not key or key not in answer.text


async def test_a_key_is_recognised_by_its_shape(house: House, providers: dict[str, LlmServer]) -> None:
    anna = await house.visitor()
    for kind in ("openai", "anthropic", "gemini"):
        answer = await anna.post("/llm/keys/recognise", json={"key": providers[kind].key})
        assert kind in [each["kind"] for each in answer.json()["kinds"]]
        assert len(providers[kind].requests) == 0
    unknown = await anna.post("/llm/keys/recognise", json={"key": "nothing-of-any-shape"})
    assert unknown.json()["kinds"] == []


async def test_a_persons_bad_key_does_not_speak_against_the_provider(house: House, provider: LlmServer) -> None:
    admin, anna = await administrator(house), await house.visitor()
    added = await add_provider(admin, provider)
    mine = (await anna.post("/llm/keys", json={"provider": added["id"], "key": provider.key})).json()
    gateway = gateway_of(house)
    view = await gateway.knowledge.view(anna.actor)
    key = next(iter(view.own.keys.values()))[0]
    request = Outgoing(person=anna.id, provider=key.provider_id, label="OpenAI", key=key.id)
    gateway.recorder.note(Attempt(request, 1, KeyRefused("OpenAI", status=401), 0.1))
    await gateway.recorder.flush()
    assert (await admin.get(f"/admin/providers/{added['id']}")).json()["state"] == "ok"
    listed = (await anna.get("/llm/keys")).json()["items"]
    assert [(item["id"], item["state"]) for item in listed] == [(mine["id"], "refused")]


async def test_the_houses_bad_key_is_shown_and_the_next_one_used(house: House, provider: LlmServer) -> None:
    admin = await administrator(house)
    added = await add_provider(admin, provider)
    await admin.post(f"/admin/providers/{added['id']}/keys", json={"key": provider.key})
    gateway = gateway_of(house)
    first = next(iter((await gateway.knowledge.house()).keys.values()))[0]
    request = Outgoing(person=None, provider=first.provider_id, label="OpenAI", key=first.id)
    gateway.recorder.note(Attempt(request, 1, KeyRefused("OpenAI", status=401), 0.1))
    await gateway.recorder.flush()
    gateway.knowledge.forget()
    shown = (await admin.get(f"/admin/providers/{added['id']}")).json()
    assert (shown["state"], shown["error_code"]) == ("down", "gateway.key_refused")
    assert {key["state"] for key in shown["keys"]} == {"ok", "refused"}
    assert next(iter((await gateway.knowledge.house()).keys.values()))[0].id != first.id


async def test_keys_of_the_deleted_go_with_them(open_house: House, provider: LlmServer) -> None:
    anna, admin = await open_house.visitor(Role.USER), await administrator(open_house)
    await add_own(anna, provider)
    assert (await admin.delete(f"/admin/users/{anna.id}")).status_code == 204
    async with open_house.database.system("test") as unit:
        assert (await unit.scalars(select(ProviderKey).where(ProviderKey.owner_id == anna.id))).all() == []
        assert (await unit.scalars(select(Provider).where(Provider.owner_id == anna.id))).all() == []
