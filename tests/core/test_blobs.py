"""Files arrive whole or not at all, take no more room than there is, and are given out so that they can do no harm."""

import asyncio
import hashlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

import aiohttp
import httpx
import pytest
import uvicorn
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from kontor.core.blobs import sweeps
from kontor.core.blobs.downloads import INLINE_TYPES, disposition, part_of, respond, safe_headers
from kontor.core.blobs.errors import (
    BlobNotFound,
    BlobTooLarge,
    ContentMissing,
    LinkInvalid,
    QuotaExceeded,
    StoreAway,
    StoreFull,
    TooManyUploads,
    UploadLost,
    UploadStalled,
)
from kontor.core.blobs.incoming import Incoming, sweep_incoming
from kontor.core.blobs.links import Links
from kontor.core.blobs.service import Blobs, UploadRules
from kontor.core.blobs.store import Bucket, Key, LocalFiles, Store, open_store
from kontor.core.blobs.tables import BlobGarbage, BlobObject, BlobRow, BlobUpload, BlobUsage
from kontor.core.blobs.values import DEFAULT_QUOTA_BYTES, Blob, clean_name, clean_type
from kontor.core.clock import clock
from kontor.core.database import Database
from kontor.core.errors import KontorError
from kontor.core.ids import BlobId, UserId
from kontor.core.processes import Watchdog, dying_with_parent
from kontor.core.secrets import Secrets
from kontor.core.settings import Settings
from kontor.core.tenancy import Identity, Scope
from tests.conftest import MASTER_KEY, Server
from tests.factories.house import opened

MEGABYTE = 1024 * 1024
REGION = "eu-central-1"


@pytest.fixture(scope="session")
def s3_address() -> Iterator[str]:
    """A real S3 server process; nothing of it is in ours, but it does not outlive us, however we end."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    program = str(Path(sys.executable).with_name("moto_server"))
    with subprocess.Popen(
        [program, "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=dying_with_parent(signal.SIGKILL),  # noqa: PLW1509 - the kernel is told, nothing is locked
    ) as server:
        watchdog = None if sys.platform == "linux" else Watchdog(server.pid, signal.SIGKILL)
        try:
            wait_for_port(port)
            yield f"http://127.0.0.1:{port}"
        finally:
            if watchdog is not None:
                watchdog.dismiss()
            server.terminate()


def wait_for_port(port: int) -> None:
    for _ in range(600):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise TimeoutError("moto_server did not start")


@pytest.fixture
def bucket_settings(settings: Settings, s3_address: str) -> Settings:
    name = f"kontor-{uuid4().hex[:12]}"
    httpx.put(f"{s3_address}/{name}").raise_for_status()
    return settings.model_copy(
        update={
            "blob_url": f"s3://{name}/some/prefix",
            "blob_endpoint": s3_address,
            "blob_region": REGION,
            "blob_access_key": SecretStr("key"),
            "blob_secret_key": SecretStr("secret"),
        }
    )


@pytest.fixture(params=["files", "s3"])
def store(request: pytest.FixtureRequest, settings: Settings) -> Store:
    """Every test that takes this one runs on both, and both keep the same promises."""
    return open_store(settings if request.param == "files" else request.getfixturevalue("bucket_settings"))


@pytest.fixture
def local_store(settings: Settings) -> Store:
    return open_store(settings)


def links_of() -> Links:
    secrets = Secrets.load(Settings(kontor_data=Path("/nonexistent"), kontor_master_key=SecretStr(MASTER_KEY)))
    return Links(secrets, "http://kontor.test")


def blobs_of(database: Database, store: Store, **rules: Any) -> Blobs:
    return Blobs(database, store, links_of(), rules=UploadRules(**rules))


@pytest.fixture
def blobs(database: Database, store: Store) -> Blobs:
    return blobs_of(database, store)


@pytest.fixture
def local_blobs(database: Database, local_store: Store) -> Blobs:
    return blobs_of(database, local_store)


def person() -> tuple[UserId, Identity]:
    user_id = UserId(uuid4())
    return user_id, Identity(Scope.PERSON, user_id)


async def stream(data: bytes, *, size: int = 100_000) -> AsyncIterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


async def content(blobs: Blobs, blob: Blob, *, start: int = 0, end: int | None = None) -> bytes:
    return b"".join([piece async for piece in blobs.read(blob, start=start, end=end)])


async def stored(store: Store) -> list[str]:
    return sorted([one.key async for page in store.pages() for one in page])


async def counted(database: Database) -> dict[str, int]:
    async with database.system("test") as unit:
        tables = (BlobRow, BlobObject, BlobUpload, BlobGarbage)
        return {
            table.__tablename__: await unit.scalar(select(func.count()).select_from(table)) or 0 for table in tables
        }


async def room(database: Database, owner: UserId) -> tuple[int, int]:
    async with database.system("test") as unit:
        row = await unit.get(BlobUsage, owner)
        return (0, 0) if row is None else (row.used_bytes, row.reserved_bytes)


def names_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()] if folder.is_dir() else []


def waiting(store: Store) -> list[str]:
    return names_in(store.incoming)


async def until(question: Callable[[], Awaitable[bool]], *, seconds: float = 10) -> None:
    for _ in range(round(seconds / 0.02)):
        if await question():
            return
        await asyncio.sleep(0.02)
    raise TimeoutError


async def uploads_under_way(database: Database, count: int) -> None:
    async def are_there() -> bool:
        return (await counted(database))["blob_upload"] >= count

    await until(are_there)


async def nothing_left(database: Database, store: Store, owner: UserId) -> None:
    await sweeps.collect_garbage(database, store)
    assert await counted(database) == {"blob": 0, "blob_object": 0, "blob_upload": 0, "blob_garbage": 0}
    assert await room(database, owner) == (0, 0)
    assert await stored(store) == []
    assert waiting(store) == []


@pytest.mark.parametrize("size", [0, 1, 65_536, 3 * MEGABYTE + 7, 20 * MEGABYTE])
async def test_what_goes_in_comes_out(database: Database, blobs: Blobs, size: int) -> None:
    ada, as_ada = person()
    data = os.urandom(size)
    blob = await blobs.put(as_ada, stream(data), name="Bericht.pdf", media_type="application/pdf; x=y")
    assert (blob.name, blob.media_type, blob.size) == ("Bericht.pdf", "application/pdf", size)
    assert blob.sha256 == hashlib.sha256(data).digest()
    assert await content(blobs, blob) == data
    assert await room(database, ada) == (size, 0)
    assert waiting(blobs.store) == []
    assert await stored(blobs.store) == [blob.key]
    async with database.unit(as_ada) as unit:
        assert await blobs.find(unit, ada, blob.id) == blob


async def test_memory_stays_flat_both_ways(database: Database, blobs: Blobs) -> None:
    _ada, as_ada = person()
    block = os.urandom(MEGABYTE)

    async def many() -> AsyncIterator[bytes]:
        for _ in range(48):
            yield block

    tracemalloc.start()
    try:
        blob = await blobs.put(as_ada, many())
        size = 0
        async for piece in blobs.read(blob):
            size += len(piece)
        assert size == 48 * MEGABYTE
        # One buffer, its copy for the thread, and what a read brings.
        assert tracemalloc.get_traced_memory()[1] < 8 * MEGABYTE
    finally:
        tracemalloc.stop()


async def test_a_hundred_thousand_tiny_chunks_are_one_file(database: Database, local_blobs: Blobs) -> None:
    _, as_ada = person()
    data = os.urandom(100_000)
    began = time.process_time()
    blob = await local_blobs.put(as_ada, stream(data, size=1))
    assert time.process_time() - began < 10  # of the processor: others work here, too
    assert await content(local_blobs, blob) == data


async def test_parts_of_a_file(database: Database, blobs: Blobs) -> None:
    _, as_ada = person()
    data = os.urandom(MEGABYTE)
    blob = await blobs.put(as_ada, stream(data))
    for start, end in ((0, 1), (0, 10), (5, 5), (9, 3), (1000, 700_000), (MEGABYTE - 1, MEGABYTE), (10, 5 * MEGABYTE)):
        assert await content(blobs, blob, start=start, end=end) == data[start:end], (start, end)
    assert await content(blobs, blob, start=MEGABYTE) == b""
    assert await content(blobs, blob, start=-5, end=3) == data[:3]


async def test_the_same_content_of_one_owner_is_kept_and_counted_once(database: Database, blobs: Blobs) -> None:
    ada, as_ada = person()
    data = os.urandom(300_000)
    first = await blobs.put(as_ada, stream(data), name="a.txt", media_type="text/plain")
    second = await blobs.put(as_ada, stream(data), name="b.bin")
    assert first.id != second.id
    assert first.key == second.key
    assert (first.name, second.name) == ("a.txt", "b.bin")
    assert await room(database, ada) == (300_000, 0)
    await sweeps.collect_garbage(database, blobs.store)
    assert await stored(blobs.store) == [first.key]

    async with database.unit(as_ada) as unit:
        await blobs.delete(unit, ada, first.id)
    await sweeps.collect_garbage(database, blobs.store)
    assert await content(blobs, second) == data
    async with database.unit(as_ada) as unit:
        await blobs.delete(unit, ada, second.id)
    await nothing_left(database, blobs.store, ada)


async def test_nobody_can_tell_that_somebody_else_has_the_same_file(database: Database, blobs: Blobs) -> None:
    (ada, as_ada), (bob, as_bob) = person(), person()
    data = os.urandom(50_000)
    hers = await blobs.put(as_ada, stream(data))
    his = await blobs.put(as_bob, stream(data))
    assert hers.key != his.key
    assert await room(database, ada) == await room(database, bob) == (50_000, 0)
    async with database.unit(as_ada) as unit:
        await blobs.delete(unit, ada, hers.id)
    await sweeps.collect_garbage(database, blobs.store)
    assert await content(blobs, his) == data


async def test_a_stranger_and_a_missing_file_get_the_same_answer(database: Database, blobs: Blobs) -> None:
    (ada, as_ada), (bob, as_bob) = person(), person()
    blob = await blobs.put(as_ada, stream(b"x"))
    answers = set()
    for owner, blob_id in ((ada, blob.id), (bob, blob.id), (bob, BlobId(uuid4()))):
        async with database.unit(as_bob) as unit:
            with pytest.raises(BlobNotFound) as refusal:
                await blobs.find(unit, owner, blob_id)
            answers.add((refusal.value.message, refusal.value.code))
            with pytest.raises(BlobNotFound):
                await blobs.delete(unit, owner, blob_id)
    assert len(answers) == 1
    assert await content(blobs, blob) == b"x"


async def test_administrators_see_how_much_and_not_what(database: Database, local_blobs: Blobs) -> None:
    (ada, as_ada), (root, _) = person(), person()
    blob = await local_blobs.put(as_ada, stream(b"content"))
    async with database.unit(Identity(Scope.ADMIN, root)) as unit:
        assert (await local_blobs.usage(unit, ada)).used_bytes == 7
        with pytest.raises(BlobNotFound):
            await local_blobs.find(unit, ada, blob.id)
    async with database.unit(Identity(Scope.FULL, root)) as unit:
        assert (await local_blobs.find(unit, ada, blob.id)).size == 7
        with pytest.raises(BlobNotFound):
            await local_blobs.delete(unit, ada, blob.id)


async def test_the_content_of_a_row_cannot_be_exchanged(database: Database, local_blobs: Blobs) -> None:
    _, as_ada = person()
    await local_blobs.put(as_ada, stream(b"content"))
    with pytest.raises(DBAPIError, match="does not change"):
        async with database.unit(as_ada) as unit:
            await unit.execute(text("UPDATE blob_object SET generation = gen_random_uuid()"))


async def test_content_that_is_gone_is_said_so(database: Database, blobs: Blobs) -> None:
    _, as_ada = person()
    blob = await blobs.put(as_ada, stream(b"content"))
    await blobs.store.delete([blob.key])
    for start, end in ((0, None), (2, 4), (3, 3)):
        with pytest.raises(ContentMissing):
            await content(blobs, blob, start=start, end=end)


async def test_deleting_twice_and_deleting_strange_names_does_nothing(blobs: Blobs) -> None:
    absent = str(Key(uuid4(), hashlib.sha256(b"x").digest(), uuid4()))
    await blobs.store.delete([absent])
    await blobs.store.delete([absent, "../../etc/passwd", "incoming/x", ""])
    await blobs.store.delete([])
    await blobs.store.check()


async def test_a_store_that_is_away_is_named(bucket_settings: Settings) -> None:
    gone = open_store(bucket_settings.model_copy(update={"blob_endpoint": "http://127.0.0.1:9"}))
    assert isinstance(gone, Bucket)
    began = time.monotonic()
    with pytest.raises(StoreAway):
        await gone.check()
    assert time.monotonic() - began < 30


async def test_what_was_received_becomes_a_file_in_the_callers_unit_or_not_at_all(
    database: Database, blobs: Blobs
) -> None:
    ada, as_ada = person()
    received = await blobs.receive(as_ada, stream(b"x" * 1000), name="a.txt", announced=1000)
    assert await room(database, ada) == (0, 1000)
    with pytest.raises(ZeroDivisionError):
        async with database.unit(as_ada) as unit:
            await blobs.keep(unit, received)
            raise ZeroDivisionError
    assert await counted(database) == {"blob": 0, "blob_object": 0, "blob_upload": 1, "blob_garbage": 0}
    # A second try is possible as long as the upload is remembered.
    async with database.unit(as_ada) as unit:
        blob = await blobs.keep(unit, received, media_type="text/plain")
    assert blob.media_type == "text/plain"
    assert await room(database, ada) == (1000, 0)
    async with database.unit(as_ada) as unit:
        with pytest.raises(UploadLost):
            await blobs.keep(unit, received)


async def test_what_was_received_and_not_wanted_goes_again(database: Database, blobs: Blobs) -> None:
    ada, as_ada = person()
    received = await blobs.receive(as_ada, stream(b"x" * 1000))
    assert len(await stored(blobs.store)) == 1
    await blobs.drop(as_ada, received)
    await nothing_left(database, blobs.store, ada)


async def test_what_nobody_keeps_is_swept_within_a_minute(database: Database, blobs: Blobs) -> None:
    ada, as_ada = person()
    received = await blobs.receive(as_ada, stream(b"x" * 1000))
    assert await sweeps.release_abandoned_uploads(database) == 0
    clock.advance(timedelta(seconds=40))
    assert await sweeps.release_abandoned_uploads(database) == 1
    await nothing_left(database, blobs.store, ada)
    async with database.unit(as_ada) as unit:
        with pytest.raises(UploadLost):
            await blobs.keep(unit, received)


async def set_quota(database: Database, blobs: Blobs, owner: UserId, quota: int | None) -> None:
    async with database.unit(Identity(Scope.ADMIN, UserId(uuid4()))) as unit:
        await blobs.set_quota(unit, owner, quota)


async def test_a_file_that_announces_itself_too_large_is_refused_unread(database: Database, local_blobs: Blobs) -> None:
    ada, as_ada = person()
    await set_quota(database, local_blobs, ada, 1000)

    async def untouched() -> AsyncIterator[bytes]:
        raise AssertionError("nothing is read")
        yield b""

    with pytest.raises(QuotaExceeded) as refusal:
        await local_blobs.put(as_ada, untouched(), announced=1001)
    assert dict(refusal.value.details) == {"used_bytes": 0, "quota_bytes": 1000}
    with pytest.raises(BlobTooLarge):
        await local_blobs.put(as_ada, untouched(), announced=501, max_bytes=500)
    await nothing_left(database, local_blobs.store, ada)


async def test_the_quota_holds_to_the_byte(database: Database, local_blobs: Blobs) -> None:
    ada, as_ada = person()
    quota = 3 * MEGABYTE
    await set_quota(database, local_blobs, ada, quota)
    blob = await local_blobs.put(as_ada, stream(os.urandom(quota)))
    for announced in (None, 1):
        with pytest.raises(QuotaExceeded):
            await local_blobs.put(as_ada, stream(b"x"), announced=announced)
    assert await room(database, ada) == (quota, 0)
    async with database.unit(as_ada) as unit:
        await local_blobs.delete(unit, ada, blob.id)
    with pytest.raises(QuotaExceeded):
        await local_blobs.put(as_ada, stream(os.urandom(quota + 1)))
    await nothing_left(database, local_blobs.store, ada)


async def test_who_announces_less_than_comes_is_counted_by_what_comes(database: Database, local_blobs: Blobs) -> None:
    ada, as_ada = person()
    await set_quota(database, local_blobs, ada, 2 * MEGABYTE)
    blob = await local_blobs.put(as_ada, stream(os.urandom(MEGABYTE)), announced=10)
    assert await room(database, ada) == (blob.size, 0)
    with pytest.raises(QuotaExceeded):
        await local_blobs.put(as_ada, stream(os.urandom(2 * MEGABYTE)), announced=10)
    with pytest.raises(BlobTooLarge):
        await local_blobs.put(as_ada, stream(os.urandom(2000)), announced=10, max_bytes=1000)
    assert await room(database, ada) == (blob.size, 0)


async def set_default(database: Database, value: str) -> None:
    async with database.system("test") as unit:
        await unit.execute(
            text(
                "UPDATE installation SET configuration = configuration || jsonb_build_object('default_quota_bytes', "
                "CAST(:value AS jsonb))"
            ),
            {"value": value},
        )


async def test_the_installations_default_counts_where_nobody_set_another(
    committed_database: Database, local_store: Store
) -> None:
    blobs = blobs_of(committed_database, local_store)
    (ada, as_ada), (bob, as_bob) = person(), person()
    await set_default(committed_database, "100")
    await set_quota(committed_database, blobs, bob, 200)
    with pytest.raises(QuotaExceeded):
        await blobs.put(as_ada, stream(b"x" * 150))
    await blobs.put(as_bob, stream(b"x" * 150))
    await set_quota(committed_database, blobs, ada, 150)
    await blobs.put(as_ada, stream(b"x" * 150))
    await set_quota(committed_database, blobs, ada, None)
    async with committed_database.unit(as_ada) as unit:
        # Over a quota that was lowered, everything can still be read and nothing more can come.
        usage = await blobs.usage(unit, ada)
        assert (usage.used_bytes, usage.quota_bytes, usage.free_bytes) == (150, 100, 0)
    await set_default(committed_database, "null")
    await blobs.put(as_ada, stream(b"y" * 500))
    async with committed_database.unit(as_ada) as unit:
        usage = await blobs.usage(unit, ada)
        assert (usage.used_bytes, usage.quota_bytes, usage.free_bytes) == (650, None, None)


async def test_without_a_word_from_the_installation_there_is_a_quota_of_ours(
    database: Database, local_blobs: Blobs
) -> None:
    ada, as_ada = person()
    async with database.unit(as_ada) as unit:
        assert (await local_blobs.usage(unit, ada)).quota_bytes == DEFAULT_QUOTA_BYTES
    with pytest.raises(QuotaExceeded):
        await local_blobs.put(as_ada, stream(b"x"), announced=DEFAULT_QUOTA_BYTES + 1)


async def test_deleting_rows_by_any_way_deletes_their_objects(database: Database, blobs: Blobs) -> None:
    """The list of garbage is kept by the database, in the words that the store uses for its keys."""
    _, as_ada = person()
    blob = await blobs.put(as_ada, stream(b"content"))
    async with database.system("test") as unit:
        await unit.execute(text("DELETE FROM blob"))
        await unit.execute(text("DELETE FROM blob_object"))
        assert (await unit.scalars(select(BlobGarbage.key))).all() == [blob.key]
    assert await sweeps.collect_garbage(database, blobs.store) == 1
    assert await stored(blobs.store) == []


async def test_nobody_has_a_strangers_file_thrown_away(database: Database, blobs: Blobs) -> None:
    _, as_ada = person()
    bob, as_bob = person()
    blob = await blobs.put(as_ada, stream(b"content"))
    with pytest.raises(DBAPIError, match="row-level security"):
        async with database.unit(as_bob) as unit:
            await unit.execute(
                text("INSERT INTO blob_garbage (key, owner_id) VALUES (:key, :bob)"), {"key": str(blob.key), "bob": bob}
            )


async def test_people_do_not_set_their_own_quota(database: Database, local_blobs: Blobs) -> None:
    ada, as_ada = person()
    for statement in (
        "INSERT INTO blob_usage (owner_id, quota_bytes) VALUES (kontor_user(), 1000000000000)",
        "UPDATE blob_usage SET quota_bytes = 1000000000000",
    ):
        with pytest.raises(DBAPIError, match="own quota"):
            async with database.unit(as_ada) as unit:
                if statement.startswith("UPDATE"):
                    await local_blobs.usage(unit, ada)
                await unit.execute(text(statement))


async def test_uploads_at_the_same_time_never_get_the_same_room(
    committed_database: Database, local_store: Store
) -> None:
    blobs = blobs_of(committed_database, local_store, most_at_once=100)
    ada, as_ada = person()
    await set_quota(committed_database, blobs, ada, 5 * 100_000 + 50_000)
    numbers = iter(range(40))

    async def upload(number: int) -> bool:
        try:
            announced = 100_000 if number % 2 else None
            await blobs.put(as_ada, stream(os.urandom(100_000), size=9_000), announced=announced)
        except QuotaExceeded:
            return False
        return True

    async def upload_some() -> list[bool]:
        return [await upload(number) for number in numbers]

    # As many at the same time as there are connections: more would only wait for one, and on a slow machine too long.
    results = await asyncio.gather(*(upload_some() for _ in range(10)))
    used, reserved = await room(committed_database, ada)
    assert reserved == 0
    assert used == sum(map(sum, results)) * 100_000 <= 550_000
    # What fails only because another one held room for a moment may be tried again; then all of it is used.
    while await upload(0):
        pass
    assert await room(committed_database, ada) == (500_000, 0)


async def test_only_so_many_uploads_at_the_same_time(committed_database: Database, local_store: Store) -> None:
    blobs = blobs_of(committed_database, local_store, most_at_once=3)
    ada, as_ada = person()
    gate = asyncio.Event()

    async def held() -> AsyncIterator[bytes]:
        yield b"x"
        await gate.wait()

    running = [asyncio.create_task(blobs.put(as_ada, held())) for _ in range(3)]
    await uploads_under_way(committed_database, 3)
    with pytest.raises(TooManyUploads):
        await blobs.put(as_ada, stream(b"y"))
    _, as_bob = person()
    await blobs.put(as_bob, stream(b"y"))
    gate.set()
    await asyncio.gather(*running)
    await blobs.put(as_ada, stream(b"y"))
    assert await room(committed_database, ada) == (2, 0)


async def test_a_disk_without_room_refuses_before_it_is_full(database: Database, local_store: Store) -> None:
    blobs = blobs_of(database, local_store, min_free_bytes=1 << 60)
    ada, as_ada = person()
    with pytest.raises(StoreFull):
        await blobs.put(as_ada, stream(b"x"))
    await nothing_left(database, local_store, ada)


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "tiny"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("a disk of 8 MB can only be made by root")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


async def test_a_full_disk_leaves_no_half_files_and_recovers_by_itself(database: Database, tiny_disk: Path) -> None:
    store = LocalFiles(tiny_disk / "blobs")
    blobs = blobs_of(database, store)
    ada, as_ada = person()
    with pytest.raises(StoreFull):
        await blobs.put(as_ada, stream(os.urandom(20 * MEGABYTE)))
    await nothing_left(database, store, ada)
    blob = await blobs.put(as_ada, stream(os.urandom(5 * MEGABYTE)))
    assert len(await content(blobs, blob)) == 5 * MEGABYTE


class Broken(Exception):
    pass


async def breaking(data: bytes, error: BaseException) -> AsyncIterator[bytes]:
    yield data
    raise error


@pytest.mark.parametrize("error", [Broken(), ClientDisconnect(), ConnectionResetError()])
@pytest.mark.parametrize("announced", [None, 10 * MEGABYTE])
async def test_a_client_that_vanishes_leaves_nothing(
    database: Database, blobs: Blobs, error: BaseException, announced: int | None
) -> None:
    ada, as_ada = person()
    with pytest.raises(type(error)):
        await blobs.put(as_ada, breaking(os.urandom(5 * MEGABYTE), error), announced=announced)
    await nothing_left(database, blobs.store, ada)


async def test_a_cancelled_upload_leaves_nothing(committed_database: Database, store: Store) -> None:
    blobs = blobs_of(committed_database, store)
    ada, as_ada = person()

    async def forever() -> AsyncIterator[bytes]:
        while True:
            yield os.urandom(200_000)
            await asyncio.sleep(0.001)

    for pause in (0.0, 0.01, 0.05, 0.2, 0.4):
        task = asyncio.create_task(blobs.put(as_ada, forever()))
        await asyncio.sleep(pause)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        # A commit that was cancelled on its way may still have happened; that one is left to the sweep.
        await sweeps.release_abandoned_uploads(committed_database, older_than=timedelta(seconds=-1))
        await nothing_left(committed_database, store, ada)


async def test_hundreds_of_uploads_that_break_off_leave_nothing(
    committed_database: Database, local_store: Store
) -> None:
    blobs = blobs_of(committed_database, local_store, most_at_once=1000)
    ada, as_ada = person()
    gate = asyncio.Semaphore(8)

    async def upload() -> None:
        async with gate:
            with pytest.raises(Broken):
                await blobs.put(as_ada, breaking(b"half", Broken()), announced=1000)

    await asyncio.gather(*(upload() for _ in range(300)))
    await nothing_left(committed_database, local_store, ada)


async def test_silence_ends_an_upload(database: Database, local_store: Store) -> None:
    blobs = blobs_of(database, local_store, idle_seconds=0.1)
    ada, as_ada = person()

    async def silent() -> AsyncIterator[bytes]:
        yield b"x" * 2 * MEGABYTE
        await asyncio.sleep(30)

    with pytest.raises(UploadStalled):
        await blobs.put(as_ada, silent())
    await nothing_left(database, local_store, ada)


async def test_a_slow_upload_that_lives_is_not_swept(committed_database: Database, local_store: Store) -> None:
    blobs = blobs_of(committed_database, local_store, heartbeat_seconds=0.05)
    _ada, as_ada = person()
    gate = asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield b"x"
        await gate.wait()
        yield b"y"

    task = asyncio.create_task(blobs.put(as_ada, slow()))
    await uploads_under_way(committed_database, 1)
    clock.advance(timedelta(minutes=5))

    async def has_been_heard_of() -> bool:
        async with committed_database.system("test") as unit:
            seen_at = await unit.scalar(select(func.max(BlobUpload.seen_at)))
        return seen_at is not None and seen_at > clock.now() - timedelta(minutes=1)

    await until(has_been_heard_of)
    assert await sweeps.release_abandoned_uploads(committed_database) == 0
    gate.set()
    assert (await task).size == 2


async def test_an_upload_that_was_swept_while_it_ran_does_not_become_a_file(
    committed_database: Database, store: Store
) -> None:
    """Two owners of one truth: whoever takes the row first has decided."""
    blobs = blobs_of(committed_database, store)
    ada, as_ada = person()
    gate = asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield b"x"
        await gate.wait()

    task = asyncio.create_task(blobs.put(as_ada, slow()))
    await uploads_under_way(committed_database, 1)
    assert await sweeps.release_abandoned_uploads(committed_database, older_than=timedelta(seconds=-1)) == 1
    gate.set()
    with pytest.raises(UploadLost):
        await task
    await nothing_left(committed_database, store, ada)


VICTIM = """
import asyncio, os, sys
from pathlib import Path
from pydantic import SecretStr
from kontor.core.blobs.links import Links
from kontor.core.blobs.service import Blobs
from kontor.core.blobs.store import open_store
from kontor.core.database import Database
from kontor.core.ids import UserId
from kontor.core.secrets import Secrets
from kontor.core.settings import Settings
from kontor.core.tenancy import Identity, Scope
from uuid import UUID

async def main():
    settings = Settings()
    database = Database.connect(sys.argv[1], pool_size=2)
    blobs = Blobs(database, open_store(settings), Links(Secrets.load(settings), ""))
    async def endless():
        while True:
            yield os.urandom(1 << 20)
            print("sent", flush=True)
            await asyncio.sleep(0.02)
    await blobs.put(Identity(Scope.PERSON, UserId(UUID(sys.argv[2]))), endless())

asyncio.run(main())
"""


async def test_kill_9_in_the_middle_of_an_upload_leaves_nothing_visible_and_is_swept(
    server: Server, copy: str, committed_database: Database, settings: Settings, store: Store
) -> None:
    ada, _ = person()
    environment = {**os.environ, "KONTOR_DATA": str(settings.kontor_data), "KONTOR_MASTER_KEY": MASTER_KEY}
    if isinstance(store, LocalFiles):
        environment["BLOB_URL"] = f"file://{settings.kontor_data / 'blobs'}"
    victim = await asyncio.create_subprocess_exec(
        sys.executable, "-c", VICTIM, server.app_url(copy), str(ada), stdout=asyncio.subprocess.PIPE, env=environment
    )
    assert victim.stdout is not None
    for _ in range(6):
        assert await victim.stdout.readline() == b"sent\n"
    incoming = store if isinstance(store, LocalFiles) else open_store(settings)
    assert len(waiting(incoming)) == 1
    # While it lives, its file is not taken away.
    assert await sweeps.sweep_incoming(incoming) == 0
    victim.send_signal(signal.SIGKILL)
    await victim.wait()

    assert await stored(store) == []
    assert (await counted(committed_database))["blob"] == 0
    used, reserved = await room(committed_database, ada)
    assert used == 0
    assert reserved > 0
    assert await sweeps.sweep_incoming(incoming) == 1
    clock.advance(timedelta(seconds=60))
    assert await sweeps.release_abandoned_uploads(committed_database) == 1
    await nothing_left(committed_database, incoming, ada)


async def test_the_lock_of_an_incoming_file_is_its_life(tmp_path: Path) -> None:
    living = Incoming(tmp_path, uuid4())
    await living.write(b"x")
    (tmp_path / uuid4().hex).write_bytes(b"left by a process that is gone")
    assert sweep_incoming(tmp_path) == 1
    assert names_in(tmp_path) == [living.path.name]
    await living.discard()
    await living.discard()
    await living.write(b"after the end")
    assert names_in(tmp_path) == []
    assert sweep_incoming(tmp_path / "absent") == 0


def test_a_sweep_never_takes_a_file_that_is_just_being_made(tmp_path: Path) -> None:
    over = threading.Event()

    def sweep() -> None:
        while not over.is_set():
            sweep_incoming(tmp_path)

    sweeper = threading.Thread(target=sweep)
    sweeper.start()
    try:
        for _ in range(300):
            incoming = Incoming(tmp_path, uuid4())
            assert incoming.path.exists()
            incoming._discard()
    finally:
        over.set()
        sweeper.join()


async def test_objects_without_rows_go_and_rows_without_objects_are_reported(
    database: Database, store: Store, tmp_path: Path
) -> None:
    blobs = blobs_of(database, store)
    ada, as_ada = person()
    kept = await blobs.put(as_ada, stream(b"kept"))
    lost = await blobs.put(as_ada, stream(b"lost"))
    waiting_still = await blobs.receive(as_ada, stream(b"on its way"))
    orphan = str(Key(ada, hashlib.sha256(b"orphan").digest(), uuid4()))
    source = tmp_path / "orphan"
    source.write_bytes(b"orphan")
    await store.place(orphan, source)
    await store.delete([lost.key])

    young = await sweeps.sweep_orphans(database, store)
    assert (young.objects_seen, young.orphans_deleted) == (3, 0)
    assert (young.rows_seen, young.missing_count, young.missing) == (2, 1, (lost.key,))

    clock.advance(timedelta(hours=25))
    report = await sweeps.sweep_orphans(database, store)
    assert (report.orphans_deleted, report.orphan_bytes) == (1, 6)
    assert await stored(store) == sorted([kept.key, str(waiting_still.key)])
    again = await sweeps.sweep_orphans(database, store, check_rows=False)
    assert (again.orphans_deleted, again.rows_seen) == (0, 0)


async def test_strange_files_in_the_folder_are_left_alone(database: Database, settings: Settings) -> None:
    store = LocalFiles(settings.kontor_data / "blobs")
    strange = settings.kontor_data / "blobs" / "objects" / "notes.txt"
    strange.parent.mkdir(parents=True)
    strange.write_text("put here by the operator")
    clock.advance(timedelta(days=3))
    report = await sweeps.sweep_orphans(database, store)
    assert (report.objects_seen, report.orphans_deleted) == (1, 0)
    assert strange.exists()


async def test_who_leaves_leaves_nothing(database: Database, blobs: Blobs) -> None:
    (ada, as_ada), (_, as_bob) = person(), person()
    for number in range(3):
        await blobs.put(as_ada, stream(f"file {number}".encode()))
    await blobs.receive(as_ada, stream(b"on its way"))
    his = await blobs.put(as_bob, stream(b"of bob"))
    async with database.system("people") as unit:
        await blobs.forget(unit, ada)
    assert await sweeps.collect_garbage(database, blobs.store) == 4
    assert await stored(blobs.store) == [his.key]
    assert await room(database, ada) == (0, 0)


async def test_adding_and_deleting_the_same_content_at_once_never_loses_it(
    committed_database: Database, local_store: Store
) -> None:
    """Whoever ends up with a row has its bytes, and room is counted once."""
    blobs = blobs_of(committed_database, local_store, most_at_once=100)
    ada, as_ada = person()
    data = b"the same" * 1000
    over = asyncio.Event()

    async def churn() -> None:
        for _ in range(6):
            blob = await blobs.put(as_ada, stream(data))
            assert await content(blobs, blob) == data
            async with committed_database.unit(as_ada) as unit:
                await blobs.delete(unit, ada, blob.id)

    async def collect() -> None:
        while not over.is_set():
            await sweeps.collect_garbage(committed_database, local_store)
            await asyncio.sleep(0.002)

    collecting = asyncio.create_task(collect())
    try:
        await asyncio.gather(*(churn() for _ in range(6)))
    finally:
        over.set()
        await collecting
    await nothing_left(committed_database, local_store, ada)


async def test_a_process_tidies_by_itself_and_goes_on_when_the_store_was_away(
    committed_database: Database, store: Store
) -> None:
    blobs = blobs_of(committed_database, store)
    ada, as_ada = person()
    blob = await blobs.put(as_ada, stream(b"x"))

    class SometimesAway:
        incoming = store.incoming
        calls = 0

        async def delete(self, keys: Sequence[str]) -> None:
            self.calls += 1
            if self.calls == 1:
                raise StoreAway
            await store.delete(keys)

    async with committed_database.unit(as_ada) as unit:
        await blobs.delete(unit, ada, blob.id)
    await blobs.receive(as_ada, stream(b"never kept"))
    clock.advance(timedelta(seconds=40))

    async def all_is_gone() -> bool:
        return not await stored(store)

    away = SometimesAway()
    async with sweeps.tidying(committed_database, cast("Store", away), every_seconds=0.05):
        await until(all_is_gone)
    assert away.calls >= 2
    await nothing_left(committed_database, store, ada)


@given(st.integers(0, 300), st.one_of(st.none(), st.integers(0, 400)), st.one_of(st.none(), st.integers(0, 400)))
def test_a_range_is_a_slice(size: int, first: int | None, last: int | None) -> None:
    data = bytes(number % 251 for number in range(size))
    header = f"bytes={'' if first is None else first}-{'' if last is None else last}"
    part = part_of(size, header)
    if first is None and last is None:
        expected = data
    elif first is None:
        expected = data[-last:] if last else b""
    elif last is not None and last < first:
        expected = data  # not a range at all
    else:
        expected = data[first:] if last is None else data[first : last + 1]
    assert data[part.start : part.end] == expected
    headers = part.headers(size)
    if part.status == 206:
        assert 0 <= part.start < part.end <= size
        assert headers["Content-Range"] == f"bytes {part.start}-{part.end - 1}/{size}"
    assert headers["Content-Length"] == str(len(expected) if part.status != 416 else 0)
    assert (part.status == 416) == (expected == b"" and part.status != 200)


@given(st.text(max_size=60))
def test_no_range_header_breaks_anything(header: str) -> None:
    for wanted in (header, f"bytes={header}"):
        part = part_of(1000, wanted)
        assert 0 <= part.start <= part.end <= 1000


@pytest.mark.parametrize("header", ["bytes=0-1,5-6", "items=0-1", "bytes=", "bytes=-", "bytes=a-b", "0-1", ""])
def test_what_is_no_single_range_gets_the_whole(header: str) -> None:
    assert part_of(10, header).status == 200


def test_huge_numbers_are_out_of_range() -> None:
    assert part_of(10, "bytes=99999999999999999999-").status == 416


HOSTILE_NAMES = [
    'a"; filename=evil.exe',
    "a\r\nSet-Cookie: x=1",
    "a\nb",
    "a\0b",
    "../../etc/passwd",
    "C:\\Windows\\evil.exe",
    "\u202egpj.exe",
    "名前.pdf",
    "Übergrößenträger – Prüfung.pdf",
    "%0d%0aX: y",
    "a;b=c,d'e.txt",
    "x" * 5000 + ".pdf",
    "",
    ".",
    "..",
    "   ",
    "\ud800",
    None,
]


@pytest.mark.parametrize("given_name", HOSTILE_NAMES)
def test_no_name_breaks_out_of_its_header(given_name: str | None) -> None:
    name = clean_name(given_name)
    assert 1 <= len(name) <= 255
    assert "/" not in name
    assert "\\" not in name
    assert name not in {".", ".."}
    for header in (disposition(name, "attachment"), disposition(given_name or "x", "inline")):
        header.encode("ascii")
        assert header.isprintable()
        assert header.count('"') == 2
        assert header.split(";")[0] in {"attachment", "inline"}


def test_names_keep_what_tells_what_they_are() -> None:
    assert clean_name("Übung\u0308 1.pdf") == "Übung\u0308 1.pdf"
    assert clean_name("a\u0308.pdf") == "ä.pdf"
    assert clean_name("x" * 5000 + ".pdf").endswith(".pdf")
    assert clean_name("\u202egpj.exe") == "gpj.exe"
    assert clean_type("Text/HTML; charset=x") == "text/html"
    for wrong in (None, "", "text", "text/", "/x", "text/html\r\nX: y", "a" * 200 + "/b", "text/ä"):
        assert clean_type(wrong) == "application/octet-stream"


@pytest.mark.parametrize(
    "media_type",
    ["text/html", "image/svg+xml", "application/xml", "text/xml", "application/xhtml+xml", "text/javascript", "x/y"],
)
@pytest.mark.parametrize("inline", [True, False])
def test_what_could_act_is_always_a_download_of_unknown_type(media_type: str, inline: bool) -> None:
    headers = safe_headers(name="a.html", media_type=media_type, inline=inline)
    assert headers["Content-Disposition"].startswith("attachment;")
    assert headers["Content-Type"] == "application/octet-stream"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in headers["Content-Security-Policy"]
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "no-store" in headers["Cache-Control"]


def test_only_harmless_types_are_shown_in_place() -> None:
    assert safe_headers(name="a.png", media_type="image/png", inline=True)["Content-Disposition"].startswith("inline;")
    assert safe_headers(name="a.png", media_type="image/png")["Content-Disposition"].startswith("attachment;")
    assert not {kind for kind in INLINE_TYPES if "xml" in kind or "html" in kind or "script" in kind}


Get = Callable[..., Awaitable[httpx.Response]]


async def test_a_download_in_whole_and_in_part(database: Database, blobs: Blobs) -> None:
    _ada, as_ada = person()
    data = os.urandom(700_000)
    blob = await blobs.put(as_ada, stream(data), name="Prüfung.html", media_type="text/html")

    async def endpoint(request: Request) -> Response:
        return respond(blobs, blob, headers=request.headers, body=request.method == "GET")

    app = Starlette(routes=[Route("/file", endpoint, methods=["GET", "HEAD"])])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://kontor.test") as api:
        whole = await api.get("/file")
        assert (whole.status_code, whole.content) == (200, data)
        assert whole.headers["content-type"] == "application/octet-stream"
        assert whole.headers["accept-ranges"] == "bytes"
        assert "filename*=UTF-8''Pr%C3%BCfung.html" in whole.headers["content-disposition"]
        tag = whole.headers["etag"]

        part = await api.get("/file", headers={"range": "bytes=100-199"})
        assert (part.status_code, part.content) == (206, data[100:200])
        assert part.headers["content-range"] == f"bytes 100-199/{len(data)}"
        assert (await api.get("/file", headers={"range": "bytes=-5"})).content == data[-5:]
        beyond = await api.get("/file", headers={"range": "bytes=700000-"})
        assert (beyond.status_code, beyond.headers["content-range"]) == (416, f"bytes */{len(data)}")

        assert (await api.get("/file", headers={"if-none-match": f'"x", {tag}'})).status_code == 304
        same = {"range": "bytes=0-0", "if-range": tag}
        assert (await api.get("/file", headers=same)).status_code == 206
        assert (await api.get("/file", headers={**same, "if-range": '"other"'})).status_code == 200
        only_head = await api.head("/file")
        assert (only_head.content, only_head.headers["content-length"]) == (b"", str(len(data)))


async def test_a_link_leads_to_one_file_for_a_while(database: Database, settings: Settings) -> None:
    ada, as_ada = person()
    async with opened(settings, database) as house:
        blobs, api = house.kernel.blobs, house.client()
        blob = await blobs.put(as_ada, stream(b"<script>"), name="a.html", media_type="text/html")
        picture = await blobs.put(as_ada, stream(b"png"), name="a.png", media_type="image/png")
        url = await blobs.url(blob, expires_in=timedelta(minutes=1), inline=True)
        assert url.startswith(f"{settings.public_url}/api/v1/blobs/")
        answer = await api.get(url)
        assert (answer.status_code, answer.content) == (200, b"<script>")
        assert answer.headers["content-disposition"].startswith("attachment")
        shown = await api.get(await blobs.url(picture, inline=True))
        assert shown.headers["content-disposition"].startswith("inline")
        assert (await api.head(url)).headers["content-length"] == "8"
        assert (await api.post(url)).status_code == 405

        clock.advance(timedelta(seconds=61))
        expired = await api.get(url)
        clock.reset()
        async with database.unit(as_ada) as unit:
            await blobs.delete(unit, ada, blob.id)
        answers = [expired, *[await api.get(path) for path in (url, url[:-4] + "AAAA", "blobs/x")]]
        assert {answer.status_code for answer in answers} == {404}
        assert {answer.json()["code"] for answer in answers} == {"blobs.link_invalid"}
        assert len({answer.json()["detail"] for answer in answers}) == 1


@given(st.data())
def test_no_byte_of_a_link_can_be_changed(data: st.DataObject) -> None:
    links = links_of()
    link = (UserId(uuid4()), BlobId(uuid4()))
    url = links.make(*link, expires_at=clock.now() + timedelta(minutes=5), inline=True)
    token = url.rsplit("/", 1)[1]
    found = links.read(token)
    assert (found.owner_id, found.blob_id, found.inline) == (*link, True)
    at = data.draw(st.integers(0, len(token) - 2))
    letter = data.draw(st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"))
    bent = token[:at] + letter + token[at + 1 :]
    if bent != token:
        with pytest.raises(LinkInvalid):
            links.read(bent)
    for wrong in (token[:at], data.draw(st.text(max_size=40))):
        with pytest.raises(LinkInvalid):
            links.read(wrong)


async def test_a_link_survives_a_new_master_key(database: Database, local_blobs: Blobs) -> None:
    links = links_of()
    url = links.make(UserId(uuid4()), BlobId(uuid4()), expires_at=clock.now() + timedelta(minutes=5), inline=False)
    newer = Secrets(Secrets.load(Settings(kontor_data=Path("/nonexistent"), kontor_master_key=other_key())).current)
    token = url.rsplit("/", 1)[1]
    with pytest.raises(LinkInvalid):
        Links(newer, "").read(token)
    both = Secrets(newer.current, links._secrets.all)
    assert Links(both, "").read(token).inline is False


def other_key() -> SecretStr:
    return SecretStr(hashlib.sha256(b"another").hexdigest())


async def test_a_bucket_signs_links_of_its_own(database: Database, bucket_settings: Settings) -> None:
    blobs = blobs_of(database, open_store(bucket_settings))
    _, as_ada = person()
    blob = await blobs.put(as_ada, stream(b"<script>"), name="a.html", media_type="text/html")
    url = await blobs.url(blob)
    assert bucket_settings.blob_endpoint is not None
    assert url.startswith(bucket_settings.blob_endpoint)
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        assert (answer.status, await answer.read()) == (200, b"<script>")
        # The bucket does not know our headers; what it was told is that this is something to download.
        assert answer.headers["Content-Type"] == "application/octet-stream"
        assert answer.headers["Content-Disposition"] == "attachment"
    assert "/api/v1/blobs/" in await blobs.url(blob, inline=True)


async def test_an_upload_over_http_whose_client_goes_away(
    committed_database: Database, local_store: Store, free_server: Callable[[Starlette], Any]
) -> None:
    blobs = blobs_of(committed_database, local_store)
    ada, as_ada = person()

    async def upload(request: Request) -> Response:
        length = request.headers.get("content-length")
        blob = await blobs.put(as_ada, request.stream(), announced=int(length) if length else None)
        return PlainTextResponse(blob.sha256.hex())

    async with free_server(Starlette(routes=[Route("/upload", upload, methods=["POST"])])) as port:
        data = os.urandom(3 * MEGABYTE)
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as api:
            answer = await api.post("/upload", content=stream(data))
            assert answer.text == hashlib.sha256(data).hexdigest()
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 10000000\r\n\r\n" + b"x" * 5_000_000)
        await writer.drain()
        await uploads_under_way(committed_database, 1)
        writer.transport.abort()

        async def is_given_back() -> bool:
            return (await room(committed_database, ada))[1] == 0

        await until(is_given_back)
        assert waiting(local_store) == []
        assert await room(committed_database, ada) == (3 * MEGABYTE, 0)


@pytest.fixture
def free_server() -> Callable[[Starlette], Any]:
    @asynccontextmanager
    async def serve(app: Starlette) -> AsyncIterator[int]:
        config = uvicorn.Config(app, port=0, log_level="error", lifespan="off", ws="none")
        server = uvicorn.Server(config)
        server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]  # the tests' own stay
        task = asyncio.create_task(server.serve())

        async def is_started() -> bool:
            return server.started

        await until(is_started)
        try:
            yield int(server.servers[0].sockets[0].getsockname()[1])
        finally:
            server.should_exit = True
            await task

    return serve


def test_settings_name_the_store(settings: Settings, tmp_path: Path) -> None:
    assert isinstance(open_store(settings), LocalFiles)
    elsewhere = settings.model_copy(update={"blob_url": f"file://{tmp_path}/with%20space"})
    assert isinstance(open_store(elsewhere), LocalFiles)
    assert (tmp_path / "with space").is_dir()
    assert isinstance(open_store(settings.model_copy(update={"blob_url": "s3://bucket/a/b"})), Bucket)
    for wrong in ("http://x/y", "s3:///x", "file://host/x", "bucket", "memory://"):
        with pytest.raises(ValueError, match="BLOB_URL"):
            open_store(settings.model_copy(update={"blob_url": wrong}))


def test_every_error_has_words(settings: Settings) -> None:
    errors: list[KontorError] = [StoreAway(), StoreFull(), TooManyUploads(3), ContentMissing()]
    assert all(error.message for error in errors)
    assert replace(UploadRules(), idle_seconds=1).idle_seconds == 1
