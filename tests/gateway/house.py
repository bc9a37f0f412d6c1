"""A running application, and a fake provider that it has been told of."""

from typing import Any

from kontor.core.tenancy import Role
from kontor.gateway.service import Gateway
from tests.factories.house import House, Visitor
from tests.wire.llm_server import LlmServer


def gateway_of(house: House) -> Gateway:
    found: Gateway = house.app.state.gateway
    return found


async def administrator(house: House) -> Visitor:
    return await house.visitor(Role.ADMIN, name="Ada Admin")


async def add_provider(admin: Visitor, server: LlmServer, **more: Any) -> dict[str, Any]:
    """As an administrator does it, with the key that the server takes."""
    body = {"kind": server.dialect.kind, "base_url": server.url, "key": server.key or None, **more}
    answer = await admin.post("/admin/providers", json=body)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def models_of(visitor: Visitor) -> dict[str, dict[str, Any]]:
    """What somebody may ask, by name."""
    answer = await visitor.get("/llm/models")
    assert answer.status_code == 200, answer.text
    return {item["name"]: item for item in answer.json()["items"]}


async def admin_models(admin: Visitor, **query: Any) -> dict[str, dict[str, Any]]:
    answer = await admin.get("/admin/models", params=query)
    assert answer.status_code == 200, answer.text
    return {item["name"]: item for item in answer.json()["items"]}
