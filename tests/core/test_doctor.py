"""Each trouble is brought about for real, and named with the way out."""

import asyncio
import os
import socket
import string
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import asyncpg
import pytest
from pydantic import SecretStr

from kontor.core import doctor, schema
from kontor.core.doctor import Check
from kontor.core.doctor_texts import ADVICE, STATES, TITLES
from kontor.core.settings import Settings
from tests.conftest import Server

Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def fields_of(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("key", ADVICE)
def test_every_advice_says_the_same_in_both_languages(key: str) -> None:
    english, german = ADVICE[key]["en"], ADVICE[key]["de"]
    assert fields_of(english) == fields_of(german)
    assert key.partition(".")[0] in TITLES
    assert key == "database.refused" or english != german


def test_every_text_has_two_languages() -> None:
    for texts in (*TITLES.values(), *STATES.values()):
        assert set(texts) == {"de", "en"}


@pytest.fixture
def here(settings: Settings) -> Settings:
    settings.kontor_data.mkdir(parents=True, mode=0o700)
    return settings


def external(settings: Settings, url: str) -> Settings:
    return settings.model_copy(update={"database_url": SecretStr(url)})


@asynccontextmanager
async def serving(answer: Answer) -> AsyncIterator[int]:
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


def found(checks: list[Check], check_id: str) -> Check:
    return next(check for check in checks if check.id == check_id)


def test_a_full_disk_is_wrong_and_a_filling_one_a_warning(here: Settings) -> None:
    assert doctor.check_disk(here).state == "ok"
    full = doctor.check_disk(here.model_copy(update={"kontor_min_free_bytes": 1 << 60}))
    assert (full.state, full.advice) == ("fail", "disk.full")
    stat = os.statvfs(here.kontor_data)
    filling = here.model_copy(update={"kontor_min_free_bytes": stat.f_bavail * stat.f_frsize // 2})
    assert doctor.check_disk(filling).advice == "disk.nearly_full"


def test_a_key_that_others_can_read_is_named_with_its_remedy(here: Settings) -> None:
    with_file = here.model_copy(update={"kontor_master_key": None})
    assert doctor.check_key(with_file).state == "skip"
    key = here.kontor_data / "master.key"
    key.write_text("not a key")
    key.chmod(0o644)
    check = doctor.check_key(with_file)
    assert check.advice == "key.open"
    assert f"chmod 600 {key}" in check.advise("de")
    key.chmod(0o600)
    assert doctor.check_key(with_file).advice == "key.unusable"
    assert doctor.check_key(here.model_copy(update={"kontor_master_key": None})).state == "fail"


def test_an_open_data_folder_is_a_warning(here: Settings) -> None:
    here.kontor_data.chmod(0o755)
    assert doctor.check_data_folder(here).advice == "data.open"
    here.kontor_data.chmod(0o711)
    assert doctor.check_data_folder(here).state == "ok"


async def test_a_taken_port_is_named_with_its_holder(here: Settings) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        port = holder.getsockname()[1]
        elsewhere = here.model_copy(update={"kontor_port": port})
        assert (await doctor.check_port(elsewhere)).state == "ok", "bound, but nobody listens"

    async def mumble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0\r\n")
        writer.close()
        await writer.wait_closed()

    async with serving(mumble) as port:
        check = await doctor.check_port(here.model_copy(update={"kontor_port": port}))
    assert check.advice == "port.taken"
    assert str(os.getpid()) in check.advise("en")
    assert f"--port {port + 1}" in check.advise("en")


@pytest.mark.parametrize(
    ("url", "host", "advice"),
    [
        (None, "127.0.0.1", None),
        (None, "0.0.0.0", "address.unnamed"),
        ("http://kontor.example.org", "127.0.0.1", "address.plain"),
        ("https://kontor.example.org", "0.0.0.0", None),
    ],
)
def test_an_unencrypted_public_address_is_a_warning(
    here: Settings, url: str | None, host: str, advice: str | None
) -> None:
    assert doctor.check_address(here.model_copy(update={"kontor_url": url, "kontor_host": host})).advice == advice


async def test_a_healthy_database_passes_every_question(here: Settings, server: Server, copy: str) -> None:
    role = server.app_url(copy)
    settings = external(here, server.owner_url(copy)).model_copy(update={"database_app_url": SecretStr(role)})
    checks = await doctor.check_database(settings)
    assert {check.id: check.state for check in checks} == dict.fromkeys(
        ("database", "vector", "schema", "clock", "connections", "dump", "role"), "ok"
    )
    assert found(checks, "role").value == "kontor_app"


async def test_a_role_that_could_step_around_the_wall_is_refused(here: Settings, server: Server, copy: str) -> None:
    owner = server.owner_url(copy)
    settings = external(here, owner).model_copy(update={"database_app_url": SecretStr(owner)})
    assert found(await doctor.check_database(settings), "role").advice == "role.too_strong"


async def test_a_schema_from_the_future_is_told(here: Settings, server: Server, copy: str) -> None:
    connection = await asyncpg.connect(server.owner_url(copy))
    try:
        await connection.execute("UPDATE alembic_version SET version_num = '9999'")
        check = await doctor.check_schema(connection)
        assert check.advice == "schema.newer"
        assert schema.head() in check.advise("de")
        await connection.execute("UPDATE alembic_version SET version_num = $1", schema.revisions()[0])
        assert (await doctor.check_schema(connection)).advice == "schema.older"
        await connection.execute("DROP TABLE alembic_version")
        assert (await doctor.check_schema(connection)).advice == "schema.broken"
    finally:
        await connection.close()


async def test_a_database_without_pgvector_is_told(server: Server) -> None:
    server.execute("CREATE DATABASE without_vector TEMPLATE template0")
    connection = await asyncpg.connect(server.owner_url("without_vector"))
    try:
        assert (await doctor.check_vector(connection)).advice == "vector.not_created"
    finally:
        await connection.close()
        server.drop("without_vector")


@pytest.mark.parametrize(
    ("url", "advice"),
    [
        ("postgresql://kontor:x@127.0.0.1:1/kontor", "database.unreachable"),
        ("mysql://kontor:x@127.0.0.1:1/kontor", "database.bad_url"),
    ],
)
async def test_a_database_that_is_not_there_is_told(here: Settings, url: str, advice: str) -> None:
    checks = await doctor.check_database(external(here, url))
    assert [(check.id, check.advice) for check in checks] == [("database", advice)]


async def test_a_wrong_password_and_a_wrong_name_are_told_apart(here: Settings, server: Server, copy: str) -> None:
    right = server.owner_url(copy)
    wrong_name = server.owner_url("no_such_database")
    assert (await doctor.check_database(external(here, wrong_name)))[0].advice == "database.no_such_database"
    user, _, place = right.removeprefix("postgresql://").partition("@")
    guessed = f"postgresql://{user.partition(':')[0]}:guessed@{place}"
    assert (await doctor.check_database(external(here, guessed)))[0].advice == "database.password"


def ticking(*, held_back: bool) -> Answer:
    """What stands behind the public address: an honest proxy, or one that waits until the answer is complete."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n")
        ticks = [b"event: tick\ndata: {}\n\n"] * 5
        for tick in ticks:
            await asyncio.sleep(0.2)
            if not held_back:
                writer.write(tick)
                await writer.drain()
        if held_back:
            writer.write(b"".join(ticks))
        writer.close()
        await writer.wait_closed()

    return answer


@pytest.mark.parametrize("held_back", [False, True])
async def test_a_proxy_that_holds_streams_back_is_found(here: Settings, held_back: bool) -> None:
    async with serving(ticking(held_back=held_back)) as port:
        check = await doctor.check_stream(here.model_copy(update={"kontor_url": f"http://127.0.0.1:{port}"}))
    assert check.advice == ("stream.held_back" if held_back else None)


async def test_neighbours_that_are_away_do_not_hide_the_other_answers(here: Settings) -> None:
    settings = external(here, "postgresql://kontor:x@127.0.0.1:1/kontor").model_copy(
        update={
            "redis_url": SecretStr("redis://127.0.0.1:1"),
            "smtp_url": SecretStr("smtp://127.0.0.1:1"),
            "kontor_url": "http://127.0.0.1:1",
        }
    )
    checks = await doctor.run_checks(settings, is_serving=True)
    for check_id in ("redis", "mail", "stream", "database"):
        check = found(checks, check_id)
        assert check.state == "fail"
        assert check.advise("de") != check.advise("en") != ""
    assert len({check.id for check in checks}) == len(checks)
    assert found(checks, "disk").state == "ok"


async def test_a_mail_server_greets_as_one(here: Settings) -> None:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example.org ESMTP\r\n")
        writer.close()
        await writer.wait_closed()

    async with serving(greet) as port:
        settings = here.model_copy(update={"smtp_url": SecretStr(f"smtp://127.0.0.1:{port}")})
        assert (await doctor.check_mail(settings)).state == "ok"


def test_a_folder_that_cannot_be_made_is_told(here: Settings) -> None:
    in_the_way = here.kontor_data / "file"
    in_the_way.touch()
    check = doctor.check_data_folder(here.model_copy(update={"kontor_data": in_the_way / "a" / "b"}))
    assert check.advice == "data.cannot_make"
