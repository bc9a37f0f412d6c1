"""Units on a connection of the writer's own: the same promises as those of the pool."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest
from sqlalchemy import text

from kontor.core.bulk import fetch
from kontor.core.database import Database, elevated
from kontor.core.direct import OwnConnection
from kontor.core.events.publishing import person_topic, publish
from kontor.core.ids import UserId, new_id
from kontor.core.outage import DatabaseAway, is_outage
from kontor.core.units import Unit
from tests.conftest import Server

SEEN = "SELECT current_setting('kontor.scope', true) AS scope, current_setting('kontor.user_id', true) AS user_id"
BACKEND = "SELECT pg_backend_pid() AS pid"


@pytest.fixture
async def own(committed_database: Database) -> AsyncIterator[OwnConnection]:
    made = OwnConnection(committed_database, "test")
    yield made
    await made.close()


async def topics(database: Database) -> list[str]:
    async with database.system("test") as unit:
        return list((await unit.execute(text("SELECT topic FROM event ORDER BY topic"))).scalars())


async def told(unit: Unit, owner: UserId) -> None:
    await publish(unit, topic=person_topic(owner), kind="run.changed", data={})


async def test_it_is_the_systems_and_nobodys(own: OwnConnection) -> None:
    async with own.unit() as unit, elevated(unit, "billing"):
        (row,) = await fetch(unit, SEEN)
    assert (row["scope"], row["user_id"]) == ("system", "")
    async with own.unit() as unit:
        await fetch(unit, "SELECT set_config('kontor.scope', 'person', true)")
    async with own.unit() as unit:
        (row,) = await fetch(unit, SEEN)
    assert row["scope"] == "system"


async def test_what_it_publishes_is_written_with_the_rest_or_not_at_all(
    own: OwnConnection, committed_database: Database
) -> None:
    first, second = sorted([UserId(new_id()), UserId(new_id())])
    async with own.unit() as unit:
        await told(unit, second)
        await told(unit, first)
    with pytest.raises(asyncpg.DivisionByZeroError):
        async with own.unit() as unit:
            await told(unit, UserId(new_id()))
            await fetch(unit, "SELECT 1 / 0")
    assert await topics(committed_database) == [person_topic(first), person_topic(second)]


async def test_after_an_error_it_goes_on_with_the_same_connection(own: OwnConnection) -> None:
    async with own.unit() as unit:
        (before,) = await fetch(unit, BACKEND)
    with pytest.raises(ValueError, match="none of the database's"):
        async with own.unit() as unit:
            raise ValueError("none of the database's")
    async with own.unit() as unit:
        (after,) = await fetch(unit, BACKEND)
    assert before["pid"] == after["pid"]


async def test_an_error_that_nobody_mentions_is_not_taken_for_a_commit(own: OwnConnection) -> None:
    async def keep_quiet() -> None:
        async with own.unit() as unit:
            with pytest.raises(asyncpg.DivisionByZeroError):
                await fetch(unit, "SELECT 1 / 0")

    with pytest.raises(RuntimeError, match="nobody said so"):
        await keep_quiet()
    async with own.unit() as unit:
        assert await fetch(unit, "SELECT 1")


async def test_whoever_is_called_off_in_the_middle_leaves_nothing_behind(
    own: OwnConnection, committed_database: Database
) -> None:
    asked = asyncio.Event()

    async def ask() -> None:
        async with own.unit() as unit:
            await told(unit, UserId(new_id()))
            asked.set()
            await fetch(unit, "SELECT pg_sleep(60)")

    asking = asyncio.create_task(ask())
    await asked.wait()
    await asyncio.sleep(0.05)
    asking.cancel()
    await asyncio.wait({asking})
    async with asyncio.timeout(10), own.unit() as unit:
        assert await fetch(unit, "SELECT 1")
    assert await topics(committed_database) == []


async def test_a_connection_that_broke_unused_is_noticed_by_nobody(
    own: OwnConnection, server: Server, copy: str
) -> None:
    async with own.unit() as unit:
        (before,) = await fetch(unit, BACKEND)
    server.execute(
        f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{copy}'", as_superuser=True
    )
    async with own.unit() as unit:
        (after,) = await fetch(unit, BACKEND)
    assert before["pid"] != after["pid"]


async def test_one_that_breaks_in_the_middle_is_an_outage(own: OwnConnection) -> None:
    with pytest.raises(Exception) as caught:
        async with own.unit() as unit:
            await fetch(unit, "SELECT pg_terminate_backend(pg_backend_pid())")
    assert is_outage(caught.value)
    async with own.unit() as unit:
        assert await fetch(unit, "SELECT 1")


async def test_a_database_that_is_not_there_is_told_as_such() -> None:
    nowhere = Database.connect("postgresql://nobody@127.0.0.1:9/none")
    with pytest.raises(DatabaseAway):
        async with OwnConnection(nowhere, "test").unit():
            pass
    await nowhere.close()
