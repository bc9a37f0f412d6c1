"""The walls in the database, asked of its own catalogue."""

import asyncio
import importlib
import pkgutil
from pathlib import Path
from uuid import uuid4

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

import kontor
import kontor.migrations
from kontor.core import schema
from kontor.core.database import IDENTIFY, Base
from tests.conftest import APP_ROLE, Server

# Tables that hold nothing of anybody's.
WITHOUT_POLICY = {
    "alembic_version",
    "installation",
    "job_schedule",  # what runs by the clock
    # The engine's own: numbers and kinds of jobs.
    "pgqueuer",
    "pgqueuer_log",
    "pgqueuer_schedules",
    "pgqueuer_statistics",
}

# Functions that see more than their caller.
DEFINER_FUNCTIONS = {"search_words", "search_vectors", "trashed_words"}


async def test_the_schema_is_at_the_head_of_the_migrations(owner_connection: AsyncConnection) -> None:
    state = await schema.read_state(owner_connection)
    assert state.is_current
    assert await owner_connection.scalar(text("SELECT count(*) FROM installation")) == 1


async def test_the_application_owns_nothing_and_cannot_bypass(engine: AsyncEngine) -> None:
    async with engine.connect() as connection:
        await schema.check_role(connection)


async def test_a_role_that_could_step_around_the_wall_is_refused(owner_connection: AsyncConnection) -> None:
    with pytest.raises(schema.RoleTooStrong):
        await schema.check_role(owner_connection)


async def test_every_table_has_a_forced_policy_or_stands_on_the_written_list(owner_connection: AsyncConnection) -> None:
    rows = await owner_connection.execute(
        text("""
            SELECT c.relname AS name, c.relrowsecurity AND c.relforcerowsecurity AS walled,
                   EXISTS (SELECT 1 FROM pg_policy p WHERE p.polrelid = c.oid) AS has_policy
            FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
              AND c.relkind IN ('r', 'p', 'm', 'v')
        """)
    )
    open_tables = {row.name for row in rows if not (row.walled and row.has_policy)}
    assert open_tables == WITHOUT_POLICY


async def test_no_function_runs_with_its_owners_rights_unless_listed(owner_connection: AsyncConnection) -> None:
    rows = await owner_connection.execute(
        text("""
            SELECT p.proname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
            WHERE n.nspname = 'public' AND p.prosecdef
        """)
    )
    assert {row.proname for row in rows} == DEFINER_FUNCTIONS


async def test_absent_identity_means_no_rows(engine: AsyncEngine, owner_connection: AsyncConnection) -> None:
    """Every walled table, asked by a connection that never said who it is, and by one whose transaction is over."""
    tables = (
        await owner_connection.execute(text("SELECT relname FROM pg_class WHERE relrowsecurity AND relkind = 'r'"))
    ).scalars()
    names = sorted(tables)
    assert names
    async with engine.connect() as connection:
        await connection.execute(IDENTIFY, {"user_id": str(uuid4()), "scope": "person"})
        await connection.commit()
        for name in names:
            assert await connection.scalar(text(f"SELECT count(*) FROM {name}")) == 0, name
        await connection.rollback()


async def test_the_tables_in_code_agree_with_the_migrations(owner_connection: AsyncConnection) -> None:
    for module in pkgutil.walk_packages(kontor.__path__, "kontor."):
        if module.name.endswith("tables"):
            importlib.import_module(module.name)

    def differences(sync: Connection) -> list[object]:
        context = MigrationContext.configure(sync, opts={"compare_type": True, "include_name": is_ours})
        return list(compare_metadata(context, Base.metadata))

    assert await owner_connection.run_sync(differences) == []


def is_ours(name: str | None, kind: str, _parents: object) -> bool:
    """Tables that only SQL touches have no class; all that have one are compared column by column. Asked before they
    are looked at, because of some columns' types SQLAlchemy has never heard."""
    return kind != "table" or name in Base.metadata.tables


async def test_a_newer_schema_is_refused(server: Server, copy: str, owner_connection: AsyncConnection) -> None:
    await owner_connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    await owner_connection.commit()
    with pytest.raises(schema.SchemaNewer, match="9999"):
        await schema.migrate(server.owner_url(copy), app_role=APP_ROLE, app_password=server.app_password)


async def test_tables_without_a_revision_are_refused(
    server: Server, copy: str, owner_connection: AsyncConnection
) -> None:
    await owner_connection.execute(text("DROP TABLE alembic_version"))
    await owner_connection.commit()
    with pytest.raises(schema.SchemaBroken):
        await schema.migrate(server.owner_url(copy), app_role=APP_ROLE, app_password=server.app_password)


async def test_an_upgrade_takes_a_dump_first_and_only_one_runner_migrates(server: Server) -> None:
    """Four programs start at once on an older schema: one dumps and upgrades, the others find it done."""
    dumps: list[str] = []

    async def dump(revision: str) -> Path | None:
        dumps.append(revision)
        return None

    name = "upgrade"
    server.execute(f"CREATE DATABASE {name}")
    url, password = server.owner_url(name), server.app_password
    try:
        await schema.migrate(url, app_role=APP_ROLE, app_password=password, dump=dump, to=schema.revisions()[0])
        assert dumps == []
        states = await asyncio.gather(
            *(schema.migrate(url, app_role=APP_ROLE, app_password=password, dump=dump) for _ in range(4))
        )
        assert all(state.is_current for state in states)
        assert dumps == [schema.revisions()[0]]
    finally:
        server.drop(name)


async def test_a_database_that_is_away_is_tried_again_and_then_named() -> None:
    with pytest.raises(schema.DatabaseUnreachable, match="3 attempts"):
        await schema.wait_for_database("postgresql://nobody@127.0.0.1:1/none", attempts=3, pause_seconds=0.001)


def test_the_files_of_the_migrations_are_named_for_their_revisions() -> None:
    script = ScriptDirectory(str(Path(kontor.migrations.__file__).parent))
    assert schema.revisions() == tuple(reversed([found.revision for found in script.walk_revisions()]))
