"""With real commits: whatever administrators do to each other at the same moment, one is left who can undo it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from sqlalchemy import text

from kontor.core.database import Database
from kontor.core.settings import Settings
from kontor.core.tenancy import Role
from tests.factories.house import House, Visitor, opened

Deed = Callable[[Visitor, Visitor], Awaitable[int]]


@pytest.fixture
async def house(committed_database: Database, settings: Settings) -> AsyncIterator[House]:
    async with opened(settings, committed_database) as made:
        yield made


async def admins_left(house: House) -> int:
    async with house.database.system("test") as unit:
        found = await unit.scalar(text("SELECT count(*) FROM person WHERE role = 'admin' AND state = 'active'"))
        return int(found or 0)


async def demote(actor: Visitor, subject: Visitor) -> int:
    return (await actor.patch(f"/admin/users/{subject.id}", json={"role": "user"})).status_code


async def suspend(actor: Visitor, subject: Visitor) -> int:
    return (await actor.post(f"/admin/users/{subject.id}/suspend")).status_code


async def delete(actor: Visitor, subject: Visitor) -> int:
    return (await actor.delete(f"/admin/users/{subject.id}")).status_code


@pytest.mark.parametrize("first", [demote, suspend, delete])
@pytest.mark.parametrize("second", [demote, suspend, delete])
async def test_of_two_who_remove_each_other_one_survives(house: House, first: Deed, second: Deed) -> None:
    one, two = await house.visitor(Role.ADMIN), await house.visitor(Role.ADMIN)
    await asyncio.gather(first(one, two), second(two, one))
    assert await admins_left(house) == 1


async def test_of_a_ring_of_administrators_at_least_one_survives(house: House) -> None:
    ring = [await house.visitor(Role.ADMIN) for _ in range(6)]
    deeds = [demote, suspend, delete]
    await asyncio.gather(*(deeds[index % 3](actor, ring[(index + 1) % len(ring)]) for index, actor in enumerate(ring)))
    assert await admins_left(house) >= 1


async def test_all_who_step_down_at_once_cannot_all(house: House) -> None:
    ring = [await house.visitor(Role.ADMIN) for _ in range(4)]
    answers = await asyncio.gather(*(demote(each, each) for each in ring))
    assert sorted(answers) == [200, 200, 200, 409]
    assert await admins_left(house) == 1
