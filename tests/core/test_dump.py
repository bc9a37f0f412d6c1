"""The dump before an upgrade, and the addresses that it and everybody else is given."""

import asyncio
import stat
import subprocess
from pathlib import Path

import asyncpg
import pytest
from pydantic import SecretStr

from kontor.core import addresses, dump, schema
from kontor.core.dump import DumpFailed, connection_environment, dump_before_upgrade
from kontor.core.postgres import find_binaries
from kontor.core.secrets import Secrets
from kontor.core.settings import Settings
from kontor.core.start import prepare_schema
from tests.conftest import Server


def content_of(written: Path) -> str:
    restore = find_binaries().pg_restore
    assert restore is not None
    return subprocess.run([restore, "--file=-", str(written)], capture_output=True, text=True, check=True).stdout


async def test_a_dump_can_be_restored_and_is_for_its_owner_only(server: Server, copy: str, tmp_path: Path) -> None:
    connection = await asyncpg.connect(server.owner_url(copy))
    await connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    await connection.close()
    written = await dump_before_upgrade(server.superuser_url(copy), tmp_path, "0001")
    assert stat.S_IMODE(written.stat().st_mode) == 0o600
    assert stat.S_IMODE(written.parent.stat().st_mode) == 0o700
    assert [file.name for file in written.parent.iterdir()] == [written.name]
    assert "COPY public.kept (answer) FROM stdin;\n42\n" in await asyncio.to_thread(content_of, written)


async def test_only_the_newest_dumps_are_kept(server: Server, copy: str, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()
    for number in range(dump.KEPT + 2):
        (folder / f"before-000{number}-x.dump").touch()
    written = await dump_before_upgrade(server.superuser_url(copy), tmp_path, "0009")
    left = {file.name for file in folder.iterdir()}
    assert len(left) == dump.KEPT
    assert written.name in left


async def test_a_dump_that_fails_leaves_nothing_and_says_so(server: Server, tmp_path: Path) -> None:
    with pytest.raises(DumpFailed, match="no_such_database"):
        await dump_before_upgrade(server.owner_url("no_such_database"), tmp_path, "0001")
    assert list((tmp_path / "backups").iterdir()) == []


async def test_an_upgrade_of_the_embedded_database_is_preceded_by_a_whole_dump(settings: Settings) -> None:
    with addresses.opened(settings) as reachable:
        place = addresses.find(reachable, Secrets.load(reachable))
        first = schema.revisions()[0]
        await schema.migrate(place.owner_url, app_role="kontor_app", app_password=place.app_password, to=first)
        assert (await prepare_schema(reachable, place)).is_current
        [written] = (settings.kontor_data / "backups").iterdir()
        assert written.name.startswith(f"before-{first}-")
        assert f"COPY public.alembic_version (version_num) FROM stdin;\n{first}\n" in await asyncio.to_thread(
            content_of, written
        )


async def test_an_external_owner_who_may_not_see_everything_is_told_and_nothing_changes(
    server: Server, settings: Settings
) -> None:
    server.execute("CREATE DATABASE old")
    try:
        place = addresses.Addresses(server.owner_url("old"), server.app_url("old"), server.app_password)
        first = schema.revisions()[0]
        await schema.migrate(place.owner_url, app_role="kontor_app", app_password=server.app_password, to=first)
        settings.kontor_data.mkdir()
        with pytest.raises(DumpFailed, match="ALTER ROLE kontor BYPASSRLS"):
            await prepare_schema(settings, place)
        connection = await asyncpg.connect(place.owner_url)
        assert await connection.fetchval("SELECT version_num FROM alembic_version") == first
        await connection.close()
        without = settings.model_copy(update={"kontor_dump": "off"})
        assert (await prepare_schema(without, place)).is_current
    finally:
        server.drop("old")


def test_programs_are_told_the_address_by_environment() -> None:
    url = "postgresql://me:p%40ss@db.example.org:6432/kontor?sslmode=require"
    assert connection_environment(url) == {
        "PGHOST": "db.example.org",
        "PGPORT": "6432",
        "PGUSER": "me",
        "PGPASSWORD": "p@ss",
        "PGDATABASE": "kontor",
        "PGSSLMODE": "require",
    }
    local = connection_environment("postgresql://me:x@/kontor?host=%2Frun%2Fkontor&port=5432")
    assert (local["PGHOST"], local["PGPORT"]) == ("/run/kontor", "5432")


def test_the_application_comes_in_by_its_own_role_with_a_password_from_the_master_key(settings: Settings) -> None:
    owner = "postgresql://owner:secret@db:5432/kontor?sslmode=require"
    external = settings.model_copy(update={"database_url": SecretStr(owner)})
    secrets = Secrets.load(external)
    place = addresses.find(external, secrets)
    assert place.owner_url == owner
    assert place.app_url == f"postgresql://kontor_app:{place.app_password}@db:5432/kontor?sslmode=require"
    assert addresses.find(external, secrets) == place, "every replica comes to the same one"
    named = external.model_copy(update={"database_app_url": SecretStr("postgresql://app:own@db/kontor")})
    assert addresses.find(named, secrets).app_password is None


def test_without_a_running_server_the_way_out_is_named(settings: Settings) -> None:
    with pytest.raises(addresses.NotRunning, match="--data"):
        addresses.owner_url(settings)


async def test_a_command_finds_a_database_and_leaves_none_running(settings: Settings) -> None:
    with addresses.opened(settings) as reachable:
        assert reachable.database_url is not None
        connection = await asyncpg.connect(reachable.database_url.get_secret_value())
        await connection.close()
    with pytest.raises(addresses.NotRunning):
        addresses.owner_url(settings)
