"""What a process knows, and how soon it knows better. With real commits and a real listener."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from uuid import UUID

import pytest
from sqlalchemy import event

from kontor.core.clock import now
from kontor.core.database import Database
from kontor.core.events.listener import Listener
from kontor.core.events.publishing import CHANNEL
from kontor.core.ids import UserId, new_id
from kontor.core.secrets import Secrets
from kontor.core.settings import Settings
from kontor.core.tenancy import Actor, Role
from kontor.core.vault.service import Vault
from kontor.gateway import keys, known
from kontor.gateway.keys import NewKey
from kontor.gateway.known import Knowledge
from kontor.gateway.tables import Model, Provider
from tests.conftest import Server
from tests.factories.house import House as RunningHouse
from tests.factories.house import opened

ADDRESS = "https://api.example.org"


@dataclass
class Replica:
    """Another process, as far as memory goes."""

    knowledge: Knowledge
    database: Database
    vault: Vault
    asked: list[str]
    heard: asyncio.Event

    async def until(self, is_so: Callable[[known.House], bool]) -> known.House:
        async with asyncio.timeout(10):
            while True:
                self.heard.clear()
                if is_so(found := await self.knowledge.house()):
                    return found
                await self.heard.wait()


@pytest.fixture
async def replica(
    server: Server, copy: str, committed_database: Database, settings: Settings
) -> AsyncIterator[Replica]:
    settings.kontor_data.mkdir(parents=True, exist_ok=True)
    listener = Listener(server.app_url(copy))
    database = Database.connect(server.app_url(copy), pool_size=4)
    vault = Vault(Secrets.load(settings))
    asked: list[str] = []
    assert database.engine is not None
    event.listen(database.engine.sync_engine, "before_cursor_execute", lambda *given: asked.append(given[2]))
    knowledge, heard = Knowledge(database, vault, listener, fresh_seconds=3600), asyncio.Event()
    made = Replica(knowledge, committed_database, vault, asked, heard)
    # After the one above, so that it has forgotten by then.
    listener.on(CHANNEL, lambda _payload: heard.set())
    async with listener.running():
        async with asyncio.timeout(10):
            await listener.connected.wait()
        yield made
    await database.close()


def provider(owner_id: UUID | None = None) -> Provider:
    return Provider(id=new_id(), owner_id=owner_id, kind="openai", label="One", protocol="openai_chat",
                    base_url=ADDRESS, origin=ADDRESS, created_at=now())  # fmt: skip


async def add_provider(replica: Replica, row: Provider) -> None:
    async with replica.database.system("test") as unit:
        unit.add(row)
        await unit.flush()
        unit.add(Model(id=new_id(), provider_id=row.id, owner_id=row.owner_id, name="one", source="manual"))
        await known.tell(unit, None if row.owner_id is None else UserId(row.owner_id))


async def test_what_another_process_changes_is_known_here(replica: Replica) -> None:
    before = await replica.knowledge.house()
    assert "one" not in before.names
    row = provider()
    await add_provider(replica, row)
    found = await replica.until(lambda house: "one" in house.names)
    assert found.keys == {}
    admin = Actor(UserId(new_id()), Role.ADMIN)
    async with replica.database.system("test") as unit:
        added = await keys.add(
            unit, replica.vault, admin, row, NewKey("sk-0123456789", is_tested=True), owner_id=None, address=None
        )
    (key,) = (await replica.until(lambda house: row.id in house.keys)).keys[row.id]
    assert (key.secret, key.id) == ("sk-0123456789", added.id)
    async with replica.database.system("test") as unit:
        await keys.remove(unit, admin, added.id, owner_id=None, address=None)
    await replica.until(lambda house: row.id not in house.keys)


async def test_the_database_is_not_asked_while_nothing_changes(replica: Replica) -> None:
    anna = Actor(UserId(new_id()), Role.USER)
    await replica.knowledge.view(anna)
    replica.asked.clear()
    for _ in range(50):
        await replica.knowledge.view(anna)
    assert replica.asked == []


async def test_what_one_person_changes_leaves_the_others_memory_alone(replica: Replica, settings: Settings) -> None:
    async with opened(settings, replica.database) as house:
        anna, berta = Actor(await person(house), Role.USER), Actor(await person(house), Role.USER)
        assert "one" not in (await replica.knowledge.view(anna)).own.names
        await replica.knowledge.view(berta)
        house_before = await replica.knowledge.house()
        replica.heard.clear()
        await add_provider(replica, provider(anna.user_id))
        async with asyncio.timeout(10):
            await replica.heard.wait()
        assert "one" in (await replica.knowledge.view(anna)).own.names
        assert await replica.knowledge.house() is house_before
        replica.asked.clear()
        assert "one" not in (await replica.knowledge.view(berta)).own.names
        assert replica.asked == []


async def person(house: RunningHouse) -> UserId:
    return await house.person()


async def test_many_who_ask_at_once_are_answered_by_one_reading(replica: Replica) -> None:
    await asyncio.gather(*(replica.knowledge.house() for _ in range(20)))
    once = len(replica.asked)
    replica.knowledge.forget()
    replica.asked.clear()
    await asyncio.gather(*(replica.knowledge.house() for _ in range(20)))
    assert len(replica.asked) == once


async def test_one_key_that_cannot_be_opened_is_no_reason_to_have_none(replica: Replica) -> None:
    row = provider()
    await add_provider(replica, row)
    admin = Actor(UserId(new_id()), Role.ADMIN)
    async with replica.database.system("test") as unit:
        for secret in ("sk-first-one-0", "sk-second-one"):
            new = NewKey(secret, is_tested=True)
            last = await keys.add(unit, replica.vault, admin, row, new, owner_id=None, address=None)
        last.sealed = last.sealed[:-1] + bytes([last.sealed[-1] ^ 1])
    found = await replica.until(lambda house: row.id in house.keys)
    assert [key.secret for key in found.keys[row.id]] == ["sk-first-one-0"]
