"""A personal token is remembered between requests, and forgotten the moment anything about it changes."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import asyncpg
import httpx
import pytest
from sqlalchemy import event, text

from kontor.accounts import people, tokens
from kontor.accounts.tokens import Shown
from kontor.core.clock import clock
from kontor.core.settings import Settings
from kontor.core.tenancy import Actor, Role
from tests.conftest import MASTER_KEY
from tests.conftest import Server as PostgresServer
from tests.web.conftest import Live, SignedInPerson, opened_live

ME = "/api/v1/auth/me"


@pytest.fixture(scope="module")
async def site(server: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Live]:
    folder = tmp_path_factory.mktemp("tokens")
    wanted = Settings(kontor_data=folder, kontor_kind="multi", kontor_rate_factor=0, kontor_master_key=MASTER_KEY)
    async with opened_live(wanted, server) as made:
        yield made


@pytest.fixture
async def http(site: Live) -> AsyncIterator[httpx.AsyncClient]:
    async with site.client() as made:
        yield made


async def token_of(
    site: Live, person: SignedInPerson, *, scopes: Sequence[str] = ("account:read",), days: int | None = None
) -> Shown:
    actor = Actor(person.id, Role.ADMIN)
    async with site.database.unit(actor) as unit:
        return await tokens.make(unit, actor, name="test", scopes=list(scopes), expires_in_days=days)


async def asks(http: httpx.AsyncClient, token: Shown, path: str = ME) -> int:
    return (await http.get(path, headers={"Authorization": f"Bearer {token.token}"})).status_code


@contextmanager
def statements(site: Live) -> Iterator[list[str]]:
    """What the server asks its database about tokens."""
    heard: list[str] = []

    def hear(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if "personal_token" in statement:
            heard.append(statement)

    engine = site.state.kernel.database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", hear)
    try:
        yield heard
    finally:
        event.remove(engine, "before_cursor_execute", hear)


async def test_the_database_is_asked_once(site: Live, http: httpx.AsyncClient) -> None:
    token = await token_of(site, await site.sign_in())
    # The very first one of a process may come before it listens.
    assert [await asks(http, token) for _ in range(2)] == [200] * 2
    with statements(site) as heard:
        assert [await asks(http, token) for _ in range(5)] == [200] * 5
    assert not heard


async def test_a_token_that_is_revoked_is_dead_at_the_next_request(site: Live, http: httpx.AsyncClient) -> None:
    person = await site.sign_in()
    token, other = await token_of(site, person), await token_of(site, person)
    assert await asks(http, token) == await asks(http, other) == 200
    gone = await http.delete(f"/api/v1/auth/tokens/{token.row.id}", headers=person.headers)
    assert gone.status_code == 204
    assert await asks(http, token) == 401
    assert await asks(http, other) == 200


@pytest.mark.parametrize(
    ("method", "path", "then"), [("POST", "/suspend", 401), ("DELETE", "", 401)], ids=["suspended", "deleted"]
)
async def test_whoever_is_put_out_is_out_at_the_next_request(
    site: Live, http: httpx.AsyncClient, method: str, path: str, then: int
) -> None:
    admin, person = await site.sign_in(Role.ADMIN), await site.sign_in()
    token = await token_of(site, person)
    assert await asks(http, token) == 200
    done = await http.request(method, f"/api/v1/admin/users/{person.id}{path}", headers=admin.headers)
    assert done.is_success, done.text
    assert await asks(http, token) == then


async def test_whoever_is_demoted_is_so_at_the_next_request(site: Live, http: httpx.AsyncClient) -> None:
    admin, person = await site.sign_in(Role.ADMIN), await site.sign_in(Role.ADMIN)
    token = await token_of(site, person, scopes=["admin:read"])
    assert await asks(http, token, "/api/v1/admin/users") == 200
    url = f"/api/v1/admin/users/{person.id}"
    version = (await http.get(url, headers=admin.headers)).headers["etag"]
    done = await http.patch(url, json={"role": "user"}, headers={**admin.headers, "If-Match": version})
    assert done.is_success, done.text
    assert await asks(http, token, "/api/v1/admin/users") == 403


async def test_other_processes_are_heard(site: Live, http: httpx.AsyncClient) -> None:
    person = await site.sign_in()
    token = await token_of(site, person)
    assert await asks(http, token) == 200
    # The test's own database is another process to the server.
    async with site.database.system("people") as unit:
        await people.suspend(unit, person.id)
    await until(http, token, 401)
    async with site.database.system("people") as unit:
        await people.restore(unit, person.id)
    await until(http, token, 200)


async def test_even_a_hand_in_the_tables_is_heard(site: Live, server: PostgresServer, http: httpx.AsyncClient) -> None:
    token = await token_of(site, await site.sign_in())
    assert await asks(http, token) == 200
    connection = await asyncpg.connect(server.superuser_url(site.copy))
    try:
        await connection.execute("UPDATE personal_token SET scopes = '{llm:use}' WHERE id = $1", token.row.id)
        await until(http, token, 403)
        await connection.execute("DELETE FROM personal_token WHERE id = $1", token.row.id)
        await until(http, token, 401)
    finally:
        await connection.close()


async def test_being_used_is_no_news(site: Live, http: httpx.AsyncClient) -> None:
    """Otherwise every process would forget a token each minute."""
    token = await token_of(site, await site.sign_in())
    assert await asks(http, token) == 200
    async with site.database.system("sign-in") as unit:
        await unit.execute(text("UPDATE personal_token SET last_used_at = now() WHERE id = :id"), {"id": token.row.id})
    await asyncio.sleep(0.1)
    with statements(site) as heard:
        assert await asks(http, token) == 200
    assert not heard


async def test_a_remembered_token_ends_in_time(site: Live, http: httpx.AsyncClient) -> None:
    token = await token_of(site, await site.sign_in(), days=1)
    assert await asks(http, token) == 200
    clock.advance(timedelta(days=2))
    try:
        assert await asks(http, token) == 401
    finally:
        clock.reset()


async def test_a_deaf_process_asks_each_time(site: Live, http: httpx.AsyncClient) -> None:
    token = await token_of(site, await site.sign_in())
    assert await asks(http, token) == 200
    listener = site.state.kernel.listener
    listener.connected.clear()
    try:
        with statements(site) as heard:
            assert await asks(http, token) == 200
        assert heard
    finally:
        listener.connected.set()


async def until(http: httpx.AsyncClient, token: Shown, status: int) -> None:
    async with asyncio.timeout(5):
        while await asks(http, token) != status:
            pass
