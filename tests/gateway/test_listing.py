"""The list of models as a window holds it: light, sent again only when it has changed, and one model in full."""

import gc
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncConnection

from kontor.billing import prices
from kontor.billing.prices import PriceKey
from kontor.billing.rates import PriceSheet
from kontor.core.clock import moved, now
from kontor.core.database import Database
from kontor.core.ids import new_id
from kontor.core.money import NANO
from kontor.core.tenancy import Role
from kontor.gateway import health, keys, known
from kontor.gateway.errors import ProviderUnreachable
from kontor.gateway.keys import NewKey
from kontor.gateway.known import Knowledge
from kontor.gateway.made_lists import MadeLists
from kontor.gateway.tables import Provider
from tests.factories.billing import LONG_AGO, make_price, make_rates, switch_on
from tests.factories.house import House, Visitor
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


@pytest.fixture
async def anna(house: House, provider: LlmServer) -> Visitor:
    """Of a house that charges, with two providers' models and a price."""
    admin = await administrator(house)
    await add_provider(admin, provider)
    await make_rates(house.database)
    await make_price(house.database, "openai", "fake", input=2 * NANO, output=8 * NANO)
    await switch_on(house.database)
    return await house.visitor(name="Anna")


@dataclass
class Change:
    """What can be changed of what the list shows."""

    house: House
    anna: Visitor
    admin: Visitor
    model: Mapping[str, Any]

    async def put(self, path: str, body: Mapping[str, Any]) -> None:
        assert (await self.admin.put(path, json=body)).status_code == 200

    async def patch(self, path: str, body: Mapping[str, Any]) -> None:
        answer = await self.admin.patch(path, json=body)
        assert answer.status_code == 200, answer.text

    async def label(self) -> None:
        await self.patch(f"/admin/models/{self.model['id']}", {"label": "Another name"})

    async def role(self) -> None:
        await self.patch(f"/admin/models/{self.model['id']}", {"enabled_roles": ["admin"]})

    async def enabled(self) -> None:
        await self.patch(f"/admin/models/{self.model['id']}", {"is_enabled": False})

    async def provider(self) -> None:
        await self.patch(f"/admin/providers/{self.model['provider']['id']}", {"label": "Another house"})

    async def provider_off(self) -> None:
        await self.patch(f"/admin/providers/{self.model['provider']['id']}", {"is_enabled": False})

    async def default(self) -> None:
        await self.put("/admin/llm-config", {"default_model": "fake-tools"})

    async def alias(self) -> None:
        await self.put("/admin/llm-config", {"aliases": [{"name": "quick", "model": "fake"}]})

    async def preferred(self) -> None:
        assert (await self.anna.put("/llm/preferred", json={"model": "fake"})).status_code == 200

    async def health(self) -> None:
        seen = health.Seen()
        for _ in range(health.FEWEST_FAILURES):
            seen.fail(ProviderUnreachable("OpenAI", reason="is away"))
        async with self.house.database.system("health") as unit:
            await health.write(unit, UUID(self.model["provider"]["id"]), seen, source="calls")

    async def own_key(self) -> None:
        async with self.house.database.system("test") as unit:
            row = await unit.get_one(Provider, UUID(self.model["provider"]["id"]))
            mine = NewKey("sk-0123456789", is_tested=True)
            await keys.add(
                unit, self.house.kernel.vault, self.anna.actor, row, mine, owner_id=self.anna.id, address=None
            )

    async def price(self) -> None:
        await make_price(self.house.database, "openai", "fake", source="admin", input=3 * NANO, output=8 * NANO)

    async def rate(self) -> None:
        await make_rates(self.house.database, usd="1.30")

    async def markup(self) -> None:
        await switch_on(self.house.database, markup_bp=2500)

    async def markup_of_a_role(self) -> None:
        await switch_on(self.house.database, markups=[{"role": "user", "basis_points": 900}])

    async def currency(self) -> None:
        await make_rates(self.house.database, CHF="0.95")
        await switch_on(self.house.database, currency="CHF")

    async def billing(self) -> None:
        await switch_on(self.house.database, is_on=False, spread_bp=100)


@pytest.mark.parametrize(
    "what", [name for name in vars(Change) if not name.startswith("_") and name not in {"put", "patch"}]
)
async def test_every_change_of_what_it_shows_is_a_new_list(house: House, anna: Visitor, what: str) -> None:
    """In a process that hears nothing of it: what the database says is enough."""
    admin = await administrator(house)
    change = Change(house, anna, admin, (await admin_models(admin))["fake"])
    first = await anna.get("/llm/models")
    tag = {"If-None-Match": first.headers["etag"]}
    assert (await anna.get("/llm/models", headers=tag)).status_code == 304
    await getattr(change, what)()
    again = await anna.get("/llm/models", headers=tag)
    assert again.status_code == 200
    assert again.headers["etag"] != first.headers["etag"]
    fresh = await MadeLists(house.database, Knowledge(house.database, house.kernel.vault)).read(anna.actor)
    assert again.headers["etag"] == fresh.tag


async def test_the_clock_alone_makes_a_new_list(house: House, anna: Visitor) -> None:
    async with house.database.system("test") as unit:
        for hours, price in ((timedelta(minutes=2), 3), (timedelta(minutes=4), 4)):
            key, sheet = PriceKey("openai", "fake"), PriceSheet({"input": price * NANO, "output": 8 * NANO})
            await prices.add(unit, key, sheet, source="feed", valid_from=now() + hours)

    async def input_price() -> str:
        items = (await anna.get("/llm/models")).json()["items"]
        return str(next(item for item in items if item["name"] == "fake")["price"]["input"])

    assert [await input_price(), await input_price()] == ["1.6", "1.6"]
    with moved(timedelta(minutes=3)):
        assert await input_price() == "2.4"
        with moved(timedelta(minutes=3)):
            assert await input_price() == "3.2"
    assert await input_price() == "1.6"


async def test_prices_by_the_hour_hold_until_their_hours_end(database: Database) -> None:
    hours = {"from": "16:30", "to": "00:30", "prices": {"input": 1}}
    async with database.system("test") as unit:
        sheet = PriceSheet.parse({"prices": {"input": 2}, "hours": [hours]})
        await prices.add(unit, PriceKey("deepseek", "v3"), sheet, source="feed", valid_from=LONG_AGO)
        for at, until in (("12:00", "16:30"), ("16:30", "00:00"), ("00:00", "00:30"), ("23:59", "00:00")):
            here = datetime.combine(LONG_AGO.date(), time.fromisoformat(at), UTC)
            assert f"{await prices.same_until(unit, here):%H:%M}" == until
            assert timedelta(0) < await prices.same_until(unit, here) - here <= timedelta(days=1)


async def test_an_unchanged_list_is_not_made_again(house: House, anna: Visitor, connection: AsyncConnection) -> None:
    berta, admin = await house.visitor(name="Berta"), await administrator(house)
    first = await anna.get("/llm/models")
    made, asked = gateway_of(house).lists, list[str]()
    sync = connection.sync_connection
    assert sync is not None
    event.listen(sync, "before_cursor_execute", lambda _c, _k, statement, *_: asked.append(statement))
    again = await anna.get("/llm/models", headers={"If-None-Match": first.headers["etag"]})
    other = await berta.get("/llm/models")
    assert (again.status_code, other.content) == (304, first.content)
    assert not [statement for statement in asked if "model_price" in statement]
    assert await made.read(anna.actor) is await made.read(berta.actor)
    assert (await admin.get("/llm/models")).status_code == 200
    assert [statement for statement in asked if "model_price" in statement]


async def test_lists_of_a_house_that_has_changed_do_not_keep_it_in_memory(house: House, anna: Visitor) -> None:
    admin = await administrator(house)
    readers = [anna, admin, await house.visitor(Role.MANAGER)]
    model = (await admin_models(admin))["fake"]
    before = houses()
    for number, reader in enumerate(readers * 2):
        assert (await admin.patch(f"/admin/models/{model['id']}", json={"label": f"Name {number}"})).status_code == 200
        assert f"Name {number}" in (await reader.get("/llm/models")).text
    assert houses() <= before + 1


def houses() -> int:
    gc.collect()
    return sum(type(each) is known.House for each in gc.get_objects())
