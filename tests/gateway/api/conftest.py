"""A running server, a practice provider behind it, and people with tokens before it."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from openai import AsyncOpenAI

from kontor.accounts import tokens
from kontor.core.settings import Settings
from kontor.core.tenancy import Actor, Role
from tests.conftest import MASTER_KEY
from tests.conftest import Server as PostgresServer
from tests.web.conftest import NO_CERTIFICATES, Live, SignedInPerson, opened_live
from tests.wire.llm_server import LlmServer, serving
from tests.wire.openai import OpenAi

MODELS = (
    "fake", "fake-n30", "fake-n30-t20", "fake-n400-t10", "fake-think9-n9", "fake-tools", "fake-d16", "fake-e503",
    "fake-broke-e429", "fake-n30-break9", "fake-n30-error9", "fake-context40", "fake-e429-after7-norepeat",
    "fake-w12000",
)  # fmt: skip


class Practice(OpenAi):
    models: Sequence[str] = MODELS


@dataclass(frozen=True, slots=True)
class Desk:
    """What the tests of this folder share."""

    live: Live
    provider: LlmServer
    admin: SignedInPerson

    async def token(self, person: SignedInPerson | None = None, *, scopes: Sequence[str] = ("llm:use",)) -> str:
        person = person or await self.live.sign_in()
        async with self.live.database.unit(Actor(person.id, Role.USER)) as unit:
            made = await tokens.make(
                unit, Actor(person.id, Role.USER), name="test", scopes=list(scopes), expires_in_days=None
            )
        return made.token

    async def client(self, person: SignedInPerson | None = None) -> AsyncOpenAI:
        """OpenAI's own client; nothing of it is told but the address and the key."""
        return AsyncOpenAI(api_key=await self.token(person), base_url=f"{self.live.url}/v1", max_retries=0, timeout=20)

    async def http(self, person: SignedInPerson | None = None) -> httpx.AsyncClient:
        headers = {"Authorization": f"Bearer {await self.token(person)}"}
        return httpx.AsyncClient(base_url=self.live.url, headers=headers, timeout=20, verify=NO_CERTIFICATES)


@asynccontextmanager
async def opened_desk(server: PostgresServer, data: Path) -> AsyncIterator[Desk]:
    settings = Settings(
        kontor_data=data,
        kontor_kind="multi",
        kontor_master_key=MASTER_KEY,
        kontor_rate_factor=0,
    )
    async with serving(Practice()) as provider, opened_live(settings, server) as live:
        admin = await live.sign_in(Role.ADMIN)
        made = Desk(live, provider, admin)
        await furnish(made)
        yield made


@pytest.fixture(scope="module")
async def desk(server: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Desk]:
    async with opened_desk(server, tmp_path_factory.mktemp("gateway-api")) as made:
        yield made


async def furnish(desk: Desk) -> None:
    async with desk.live.client(headers=desk.admin.headers) as http:
        body: dict[str, Any] = {
            "kind": "openai", "label": "Practice", "base_url": desk.provider.url, "key": desk.provider.key,
            "models": list(MODELS),
        }  # fmt: skip
        answer = await http.post("/api/v1/admin/providers", json=body)
        assert answer.status_code == 201, answer.text
        listed = (await http.get("/api/v1/admin/models", params={"limit": 100})).json()["items"]
        ids = {item["name"]: item["id"] for item in listed}
        changed = await http.patch(f"/api/v1/admin/models/{ids['fake-d16']}", json={"gives": ["vector"]})
        assert changed.status_code == 200, changed.text
