"""Health and metrics."""

import asyncio
import base64
import os
import time
from pathlib import Path

import asyncpg
import httpx
import pytest
from pydantic import SecretStr

from kontor.core.kernel import Kernel
from kontor.core.secrets import Secrets
from kontor.core.settings import Settings
from kontor.core.tenancy import Role
from kontor.core.vault.service import plant_canary
from kontor.web.app import create_app
from tests.conftest import Server as PostgresServer
from tests.factories.house import House
from tests.web.conftest import Live
from tests.web.test_edge import client_of
from tests.web.test_streams import make_token


@pytest.fixture
async def ready(house: House) -> httpx.AsyncClient:
    """As after a start: the vault has its canary."""
    await plant_canary(house.database, house.kernel.secrets)
    return client_of(house.app, client=("127.0.0.1", 1))


def checks(answer: httpx.Response) -> dict[str, str]:
    return {check["name"]: check["state"] for check in answer.json()["checks"]}


async def test_a_healthy_process_says_so(ready: httpx.AsyncClient) -> None:
    answer = await ready.get("/health/ready")
    assert answer.status_code == 200
    assert checks(answer) == dict.fromkeys(("phase", "database", "schema", "vault", "disk"), "ok")
    assert (await ready.get("/health")).json()["status"] == "ok"


async def test_a_full_disk_is_told(ready: httpx.AsyncClient, house: House) -> None:
    house.app.state.probe.settings = house.kernel.settings.model_copy(update={"kontor_min_free_bytes": 1 << 60})
    answer = await ready.get("/health/ready")
    assert (answer.status_code, answer.json()["code"]) == (503, "health.not_ready")
    assert "MiB free" in answer.json()["detail"]
    assert (await ready.get("/health")).status_code == 200


async def test_a_schema_of_another_version_is_told(live: Live, server: PostgresServer) -> None:
    owner = await asyncpg.connect(server.owner_url(live.copy))
    await owner.execute("UPDATE alembic_version SET version_num = '0001'")
    await owner.close()
    await asyncio.sleep(1.1)
    async with live.client() as client:
        answer = await client.get("/health/ready")
    assert checks(answer)["schema"] == "fail"
    assert "At 0001, this program needs" in answer.json()["detail"]


async def test_another_master_key_is_told(house: House, settings: Settings, tmp_path: Path) -> None:
    await plant_canary(house.database, house.kernel.secrets)
    key = SecretStr(base64.b64encode(os.urandom(32)).decode())
    other = settings.model_copy(update={"kontor_master_key": key, "kontor_data": tmp_path})
    app = create_app(other, Kernel(other, house.database, Secrets.load(other)))
    async with client_of(app) as client:
        answer = await client.get("/health/ready")
    assert checks(answer)["vault"] == "fail"
    assert "master key" in answer.json()["detail"]


async def test_a_process_that_ends_is_not_ready_at_once(ready: httpx.AsyncClient, house: House) -> None:
    assert (await ready.get("/health/ready")).status_code == 200
    house.app.state.lifecycle.drain()
    answer = await ready.get("/health/ready")
    assert (answer.status_code, checks(answer)["phase"]) == (503, "fail")
    assert (await ready.get("/health")).json()["status"] == "draining"
    assert (await ready.get("/health/live")).status_code == 200


async def test_many_who_ask_at_once_share_one_answer(live: Live) -> None:
    async with live.client() as client:
        await client.get("/health/ready")
        await asyncio.sleep(1.1)
        began = time.monotonic()
        answers = await asyncio.gather(*(client.get("/health/ready") for _ in range(50)))
    assert {answer.status_code for answer in answers} == {200}
    assert time.monotonic() - began < 5


async def test_health_says_nothing_about_secrets_or_places(ready: httpx.AsyncClient, settings: Settings) -> None:
    shown = (await ready.get("/health")).text
    assert str(settings.kontor_data) not in shown
    assert "postgresql" not in shown


async def test_chunks_come_one_after_another(live: Live) -> None:
    arrived: list[float] = []
    async with live.client() as client, client.stream("GET", "/health/stream") as response:
        async for line in response.aiter_lines():
            if line.startswith("data"):
                arrived.append(time.monotonic())
    assert len(arrived) == 5
    assert arrived[-1] - arrived[0] > 0.5
    assert response.headers["x-accel-buffering"] == "no"


async def test_metrics_count_routes_by_their_template(ready: httpx.AsyncClient) -> None:
    await ready.get("/api/v1/admin/mail/00000000-0000-4000-8000-000000000000")
    await ready.get("/api/v1/unheard-of/by-anybody")
    shown = (await ready.get("/metrics")).text
    assert 'kontor_http_requests_total{method="GET",route="/api/v1/admin/mail/{mail_id}",status="401"} 1.0' in shown
    assert 'route="(none)",status="404"' in shown
    assert "unheard-of" not in shown
    for name in ("kontor_http_request_seconds_bucket", "kontor_http_in_flight", "kontor_event_lag_seconds",
                 "kontor_open_streams", "process_resident_memory_bytes"):  # fmt: skip
        assert name in shown


async def test_metrics_of_a_running_process_show_pool_jobs_and_streams(live: Live) -> None:
    ada = await live.sign_in()
    async with (
        live.client() as client,
        client.stream("GET", "/api/v1/events", headers=ada.headers) as response,
    ):
        lines = response.aiter_lines()
        await anext(lines)
        shown = (await client.get("/metrics")).text
    assert 'kontor_open_streams{kind="sse"} 1.0' in shown
    assert 'kontor_database_connections{state="idle"}' in shown
    assert "kontor_jobs" in shown


@pytest.mark.parametrize(
    ("address", "headers", "status"),
    [
        ("127.0.0.1", {}, 200),
        ("::1", {}, 200),
        ("192.0.2.7", {}, 401),
        # A proxy on this machine that is not on our list: the world stands behind it.
        ("127.0.0.1", {"X-Forwarded-For": "198.51.100.9"}, 401),
        ("127.0.0.1", {"Via": "1.1 proxy"}, 401),
        ("127.0.0.1", {"Forwarded": "for=198.51.100.9"}, 401),
    ],
)
async def test_metrics_are_for_the_machine_itself(
    house: House, address: str, headers: dict[str, str], status: int
) -> None:
    async with client_of(house.app, client=(address, 1)) as client:
        assert (await client.get("/metrics", headers=headers)).status_code == status


async def test_elsewhere_an_administrators_token_opens_them(live: Live) -> None:
    boss, ada = await live.sign_in(Role.ADMIN), await live.sign_in()
    cases = [
        (await make_token(live, boss, "admin:read"), 200),
        (await make_token(live, boss, "account:read"), 403),
        (await make_token(live, ada, "admin:read"), 403),
        ("nonsense", 401),
    ]
    async with live.client() as client:
        for token, status in cases:
            headers = {"Authorization": f"Bearer {token}", "Via": "1.1 proxy"}
            assert (await client.get("/metrics", headers=headers)).status_code == status
