"""Where the bytes are: a folder of this machine, or a bucket of any S3-compatible service.

Keys are made once and never used again, so an object never changes: it is there whole, or not at all.
"""

import asyncio
import os
import re
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit
from uuid import UUID

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, S3Store

from kontor.core.blobs.errors import ContentMissing, StoreAway, StoreFull
from kontor.core.blobs.incoming import NO_ROOM
from kontor.core.settings import Settings

PREFIX = "objects"
KEY = re.compile(rf"{PREFIX}/([0-9a-f]{{32}})/([0-9a-f]{{2}})/([0-9a-f]{{64}})\.([0-9a-f]{{32}})")
PIECE_BYTES = 262_144
PART_BYTES = 8 * 1024 * 1024

# The name and type that people see come from the database. A link straight to the bucket downloads, whatever is inside.
BUCKET_HEADERS = {"Content-Type": "application/octet-stream", "Content-Disposition": "attachment"}


@dataclass(frozen=True, slots=True)
class Key:
    """Owner first, so that all of somebody's objects stand together; then the hash, so that they can be checked."""

    owner_id: UUID
    sha256: bytes
    generation: UUID

    def __str__(self) -> str:
        digest = self.sha256.hex()
        return f"{PREFIX}/{self.owner_id.hex}/{digest[:2]}/{digest}.{self.generation.hex}"

    @classmethod
    def parse(cls, text: str) -> "Key | None":
        found = KEY.fullmatch(text)
        if found is None or found[2] != found[3][:2]:
            return None
        return cls(UUID(found[1]), bytes.fromhex(found[3]), UUID(found[4]))


@dataclass(frozen=True, slots=True)
class Stored:
    key: str
    size: int
    modified_at: datetime


class Store(Protocol):
    """What both places can do. `incoming` is the folder of this machine where uploads wait."""

    incoming: Path

    async def place(self, key: str, source: Path) -> None: ...

    def read(self, key: str, start: int, end: int) -> AsyncIterator[bytes]: ...

    async def size(self, key: str) -> int | None: ...

    async def delete(self, keys: Sequence[str]) -> None: ...

    def pages(self) -> AsyncIterator[list[Stored]]: ...

    async def sign(self, key: str, *, expires_in: timedelta) -> str | None: ...

    async def check(self) -> None: ...


@contextmanager
def translated() -> Iterator[None]:
    """The store's own errors in our words."""
    try:
        yield
    except FileNotFoundError as reason:
        raise ContentMissing from reason
    except OSError as reason:
        if reason.errno in NO_ROOM:
            raise StoreFull from reason
        raise StoreAway from reason
    except BaseError as reason:
        raise StoreAway from reason


class Objects:
    """What obstore does alike for both."""

    def __init__(self, objects: LocalStore | S3Store, incoming: Path) -> None:
        self._objects = objects
        self.incoming = incoming

    async def read(self, key: str, start: int, end: int) -> AsyncIterator[bytes]:
        """From `start` up to and without `end`."""
        if end <= start:
            if await self.size(key) is None:
                raise ContentMissing
            return
        with translated():
            found = await obstore.get_async(self._objects, key, options={"range": (start, end)})
            async for piece in found.stream(min_chunk_size=PIECE_BYTES):
                yield bytes(piece)

    async def size(self, key: str) -> int | None:
        try:
            with translated():
                return (await obstore.head_async(self._objects, key))["size"]
        except ContentMissing:
            return None

    async def pages(self) -> AsyncIterator[list[Stored]]:
        with translated():
            async for page in obstore.list(self._objects, prefix=PREFIX, chunk_size=1000):
                yield [Stored(str(one["path"]), int(one["size"]), one["last_modified"]) for one in page]


class LocalFiles(Objects):
    """A folder. Whole files appear under their name by a rename, and survive a power cut after it."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder
        # On the same file system, so that arriving is a rename.
        super().__init__(LocalStore(folder, mkdir=True), folder / "incoming")

    async def place(self, key: str, source: Path) -> None:
        with translated():
            await asyncio.to_thread(self._place, self._folder / key, source)

    def _place(self, target: Path, source: Path) -> None:
        made = [folder for folder in (target.parent, *target.parent.parents) if not folder.exists()]
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        source.replace(target)
        for folder in {target.parent, *(folder.parent for folder in made)}:
            sync_folder(folder)

    async def delete(self, keys: Sequence[str]) -> None:
        with translated():
            await asyncio.to_thread(self._delete, keys)

    def _delete(self, keys: Sequence[str]) -> None:
        for key in keys:
            if KEY.fullmatch(key):
                (self._folder / key).unlink(missing_ok=True)

    async def sign(self, key: str, *, expires_in: timedelta) -> str | None:
        return None

    async def check(self) -> None:
        with translated():
            await asyncio.to_thread(os.stat, self._folder)


class Bucket(Objects):
    """S3 and what speaks like it. Uploads wait on this machine first: a client that vanishes never touches the bucket.

    A process that is killed while it hands a large file over leaves an unfinished multipart upload, which no listing
    shows. Buckets throw these away by a lifecycle rule (AbortIncompleteMultipartUpload), see decision 4.
    """

    async def place(self, key: str, source: Path) -> None:
        with translated():
            await obstore.put_async(
                self._objects,
                key,
                source,
                attributes=dict(BUCKET_HEADERS),
                chunk_size=PART_BYTES,
                max_concurrency=4,
            )

    async def delete(self, keys: Sequence[str]) -> None:
        wanted = [key for key in keys if KEY.fullmatch(key)]
        if wanted:
            with translated():
                await obstore.delete_async(self._objects, wanted)

    async def sign(self, key: str, *, expires_in: timedelta) -> str | None:
        assert isinstance(self._objects, S3Store)  # noqa: S101 - made so in open_store
        with translated():
            return await obstore.sign_async(self._objects, "GET", key, expires_in)

    async def check(self) -> None:
        """A question that needs the right to read; that the object is not there is a fine answer."""
        await self.size(f"{PREFIX}/check")


def open_store(settings: Settings) -> Store:
    if settings.blob_url is None:
        return LocalFiles(settings.kontor_data / "blobs")
    url = urlsplit(settings.blob_url)
    if url.scheme == "file" and not url.netloc and url.path:
        return LocalFiles(Path(unquote(url.path)))
    if url.scheme == "s3" and url.netloc:
        return Bucket(open_bucket(settings, url.netloc, url.path.strip("/")), settings.kontor_data / "incoming")
    raise ValueError("BLOB_URL must be file:///folder or s3://bucket/prefix")


def open_bucket(settings: Settings, bucket: str, prefix: str) -> S3Store:
    """Without keys in the settings the environment's own way counts: roles, profiles, instance metadata."""
    keys: dict[str, str] = {}
    if settings.blob_access_key is not None and settings.blob_secret_key is not None:
        keys["access_key_id"] = settings.blob_access_key.get_secret_value()
        keys["secret_access_key"] = settings.blob_secret_key.get_secret_value()
    if settings.blob_endpoint is not None:
        keys["endpoint"] = settings.blob_endpoint
    return S3Store(
        bucket,
        prefix=prefix or None,
        region=settings.blob_region,
        # Paths instead of names of hosts: what other services than Amazon's can do without a wildcard certificate.
        virtual_hosted_style_request=settings.blob_endpoint is None,
        client_options={
            "allow_http": (settings.blob_endpoint or "").startswith("http://"),
            "connect_timeout": timedelta(seconds=5),
            # Each read may take so long; a whole transfer takes as long as its reader.
            "read_timeout": timedelta(seconds=30),
            "timeout": timedelta(hours=12),
        },
        retry_config={"max_retries": 3, "retry_timeout": timedelta(seconds=30)},
        **keys,  # type: ignore[arg-type]  # named as S3Config names them
    )


def sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
