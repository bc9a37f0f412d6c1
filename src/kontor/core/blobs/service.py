"""What can be done with files.

An upload is several short units, never one long transaction: room is reserved as bytes arrive, the bytes wait in a file
of this machine, go to the store under a key of their own, and become somebody's file in the caller's unit (`keep`).
Whatever ends it before, the room is given back: at once when the client leaves, by the sweep when we were killed.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import anyio
import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from kontor.core.blobs import repository
from kontor.core.blobs.errors import (
    BlobNotFound,
    BlobTooLarge,
    QuotaExceeded,
    StoreFull,
    TooManyUploads,
    UploadLost,
    UploadStalled,
)
from kontor.core.blobs.incoming import Incoming, free_bytes
from kontor.core.blobs.links import Links
from kontor.core.blobs.store import Store, open_store
from kontor.core.blobs.values import Blob, Received, Usage, clean_name, clean_type
from kontor.core.clock import now
from kontor.core.database import Database
from kontor.core.ids import BlobId, UserId, new_id
from kontor.core.secrets import Secrets
from kontor.core.settings import Settings
from kontor.core.tenancy import Actor, Identity

log = structlog.get_logger(__name__)

# How much is written and hashed at a time; many small chunks are gathered up to it.
BUFFER_BYTES = 1024 * 1024
# How much room is reserved ahead when nobody said how large it will be.
STEP_BYTES = 8 * 1024 * 1024
RELEASE_SECONDS = 10
# Several heartbeats, and so short that with the pause between two sweeps everything is free within a minute.
ABANDONED_AFTER = timedelta(seconds=35)


@dataclass(frozen=True, slots=True)
class UploadRules:
    idle_seconds: float = 25
    heartbeat_seconds: float = 10
    most_at_once: int = 16
    min_free_bytes: int = 0


class Blobs:
    """Made once at start. `close` has nothing to do: the store keeps no connections that need an end."""

    def __init__(self, database: Database, store: Store, links: Links, *, rules: UploadRules | None = None) -> None:
        self.store = store
        self.links = links
        self.rules = rules or UploadRules()
        self._database = database

    @classmethod
    def of(cls, settings: Settings, database: Database, secrets: Secrets) -> "Blobs":
        rules = UploadRules(min_free_bytes=settings.kontor_min_free_bytes)
        return cls(database, open_store(settings), Links(secrets, settings.public_url), rules=rules)

    async def put(
        self,
        who: Actor | Identity,
        chunks: AsyncIterator[bytes],
        *,
        name: str | None = None,
        media_type: str | None = None,
        announced: int | None = None,
        max_bytes: int | None = None,
    ) -> Blob:
        """Receive and keep, where nothing else has to happen in the same transaction."""
        received = await self.receive(
            who, chunks, name=name, media_type=media_type, announced=announced, max_bytes=max_bytes
        )
        async with self._database.unit(who) as unit:
            return await self.keep(unit, received)

    async def receive(
        self,
        who: Actor | Identity,
        chunks: AsyncIterator[bytes],
        *,
        name: str | None = None,
        media_type: str | None = None,
        announced: int | None = None,
        max_bytes: int | None = None,
    ) -> Received:
        """Take a stream in, with bounded memory, within the owner's quota. Call outside of any unit.

        `announced` is the length that the client gave: refused at once if there is no room for it.
        """
        identity = who.identity if isinstance(who, Actor) else who
        if identity.user_id is None:
            raise ValueError("A file belongs to somebody.")
        if max_bytes is not None and (announced or 0) > max_bytes:
            raise BlobTooLarge(max_bytes)
        upload = Upload(self, identity, identity.user_id, max_bytes=max_bytes)
        is_received = False
        try:
            await upload.begin(announced or 0)
            received = await upload.run(chunks, name=clean_name(name), media_type=clean_type(media_type))
            is_received = True
        finally:
            if not is_received:
                # Also when we are being cancelled because the client left: what it took up is given back first.
                with anyio.CancelScope(shield=True):
                    await self._release(identity, upload)
        return received

    async def _release(self, identity: Identity, upload: "Upload") -> None:
        try:
            async with asyncio.timeout(RELEASE_SECONDS), self._database.unit(identity) as unit:
                await give_up(unit, upload.id)
        except (SQLAlchemyError, OSError, TimeoutError) as reason:
            # The sweep does it, from the row that is still there.
            log.warning("blobs.release_failed", reason=type(reason).__name__)

    async def keep(self, unit: AsyncSession, received: Received, *, media_type: str | None = None) -> Blob:
        """Make what was received a file, in the caller's transaction: both happen, or neither."""
        key = received.key
        taken = await repository.take_upload(unit, received.upload_id)
        if taken is None:
            raise UploadLost
        is_new = await repository.add_object(unit, key, size=received.size)
        blob_id = BlobId(new_id())
        await repository.add_blob(
            unit,
            blob_id,
            key,
            name=received.name,
            media_type=clean_type(media_type) if media_type else received.media_type,
            at=now(),
        )
        if not is_new:
            # The owner has this content: one object is enough, and it is counted once.
            await repository.throw_away(unit, received.owner_id, [str(key)])
        await repository.move_reserved(
            unit, received.owner_id, reserved=taken.reserved_bytes, used=received.size if is_new else 0
        )
        return await self.find(unit, received.owner_id, blob_id)

    async def drop(self, who: Actor | Identity, received: Received) -> None:
        """Decide against something received, say because its content is not what its name said."""
        async with self._database.unit(who) as unit:
            await give_up(unit, received.upload_id)

    async def find(self, unit: AsyncSession, owner_id: UserId, blob_id: BlobId) -> Blob:
        """`owner_id` is whose files are looked through: the person's own, or what their rights were checked for."""
        found = await repository.find(unit, owner_id, blob_id)
        if found is None:
            raise BlobNotFound
        return found

    def read(self, blob: Blob, *, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """The bytes from `start` up to and without `end`, in pieces. Call outside of any unit."""
        stop = blob.size if end is None else min(end, blob.size)
        return self.store.read(blob.key, max(0, start), stop)

    async def url(self, blob: Blob, *, expires_in: timedelta = timedelta(minutes=5), inline: bool = False) -> str:
        """A link that works without signing in, for a while: the bucket's own where there is one, otherwise ours.

        Links into the bucket always download; `inline` ones are ours, because only we can send the safe headers.
        """
        native = None if inline else await self.store.sign(blob.key, expires_in=expires_in)
        return native or self.links.make(blob.owner_id, blob.id, expires_at=now() + expires_in, inline=inline)

    async def delete(self, unit: AsyncSession, owner_id: UserId, blob_id: BlobId) -> None:
        await delete(unit, owner_id, blob_id)

    async def usage(self, unit: AsyncSession, owner_id: UserId) -> Usage:
        return await repository.usage(unit, owner_id)

    async def set_quota(self, unit: AsyncSession, owner_id: UserId, quota_bytes: int | None) -> None:
        """Under an administrator's or the system's identity; None goes back to the installation's default."""
        await repository.set_quota(unit, owner_id, quota_bytes)

    async def forget(self, unit: AsyncSession, owner_id: UserId) -> None:
        """All files of somebody who is deleted, under the system's identity."""
        await repository.forget_owner(unit, owner_id)


class Upload:
    """One upload while it runs."""

    def __init__(self, blobs: Blobs, identity: Identity, owner_id: UserId, *, max_bytes: int | None) -> None:
        self.id = new_id()
        self._rules = blobs.rules
        self._store = blobs.store
        self._database = blobs._database
        self._identity = identity
        self._owner_id = owner_id
        self._max_bytes = max_bytes
        self._reserved = 0

    async def begin(self, announced: int) -> None:
        self._require_disk(announced)
        async with self._database.unit(self._identity) as unit:
            await repository.ensure_usage(unit, self._owner_id)
            await self._reserve(unit, announced)
            if await repository.count_uploads(unit, self._owner_id) >= self._rules.most_at_once:
                raise TooManyUploads(self._rules.most_at_once)
            await repository.add_upload(unit, self.id, self._owner_id, reserved=announced, at=now())
        self._reserved = announced

    async def run(self, chunks: AsyncIterator[bytes], *, name: str, media_type: str) -> Received:
        incoming = Incoming(self._store.incoming, self.id)
        beat = asyncio.create_task(self._beat())
        try:
            await self._take_in(chunks, incoming)
            sha256 = await incoming.finish()
            received = Received(self.id, self._owner_id, name, media_type, incoming.size, sha256)
            # The row names the key before the store has it: whatever happens now, somebody knows what to delete.
            async with self._database.unit(self._identity) as unit:
                if not await repository.touch_upload(unit, self.id, at=now(), key=str(received.key)):
                    raise UploadLost
            await self._store.place(str(received.key), incoming.path)
            return received
        finally:
            beat.cancel()
            with anyio.CancelScope(shield=True):
                await asyncio.wait([beat])
                await incoming.discard()

    async def _take_in(self, chunks: AsyncIterator[bytes], incoming: Incoming) -> None:
        buffer = bytearray()
        arrived = 0
        while (chunk := await self._next(chunks)) is not None:
            arrived += len(chunk)
            if self._max_bytes is not None and arrived > self._max_bytes:
                raise BlobTooLarge(self._max_bytes)
            buffer += chunk
            if len(buffer) >= BUFFER_BYTES:
                await self._flush(buffer, incoming)
        await self._flush(buffer, incoming)

    async def _next(self, chunks: AsyncIterator[bytes]) -> bytes | None:
        try:
            async with asyncio.timeout(self._rules.idle_seconds):
                return await anext(chunks, None)
        except TimeoutError as reason:
            raise UploadStalled(self._rules.idle_seconds) from reason

    async def _flush(self, buffer: bytearray, incoming: Incoming) -> None:
        """Room first, then bytes."""
        missing = incoming.size + len(buffer) - self._reserved
        if missing > 0:
            await self._reserve_more(missing)
        await incoming.write(buffer)
        buffer.clear()

    async def _reserve_more(self, missing: int) -> None:
        self._require_disk(missing)
        for more in (max(missing, STEP_BYTES), missing):
            # A step ahead if there is room for it; close to the quota, exactly what is needed.
            try:
                async with self._database.unit(self._identity) as unit:
                    # Upload first and usage second, the order that keeping and giving up take too.
                    if not await repository.touch_upload(unit, self.id, at=now(), more_reserved=more):
                        raise UploadLost
                    await self._reserve(unit, more)
            except QuotaExceeded:
                if more == missing:
                    raise
            else:
                self._reserved += more
                return

    async def _reserve(self, unit: AsyncSession, size: int) -> None:
        if not await repository.reserve(unit, self._owner_id, size):
            usage = await repository.usage(unit, self._owner_id)
            raise QuotaExceeded(used=usage.used_bytes, quota=usage.quota_bytes)

    def _require_disk(self, size: int) -> None:
        if free_bytes(self._store.incoming) - size < self._rules.min_free_bytes:
            raise StoreFull

    async def _beat(self) -> None:
        """Tell the sweep that we live, also while the store takes its time."""
        while True:
            await asyncio.sleep(self._rules.heartbeat_seconds)
            with contextlib.suppress(SQLAlchemyError, OSError):
                async with self._database.unit(self._identity) as unit:
                    await repository.touch_upload(unit, self.id, at=now())


async def delete(unit: AsyncSession, owner_id: UserId, blob_id: BlobId) -> None:
    """The object goes with its last file, after the commit, by the sweep `collect_garbage`."""
    sha256 = await repository.remove_blob(unit, owner_id, blob_id)
    if sha256 is None:
        raise BlobNotFound
    freed = await repository.remove_object_if_unused(unit, owner_id, sha256)
    await repository.move_reserved(unit, owner_id, reserved=0, used=-freed)


async def give_up(unit: AsyncSession, upload_id: UUID) -> bool:
    """End an upload that did not become a file. False when somebody else has ended it before."""
    taken = await repository.take_upload(unit, upload_id)
    if taken is None:
        return False
    await repository.move_reserved(unit, UserId(taken.owner_id), reserved=taken.reserved_bytes, used=0)
    if taken.key is not None:
        await repository.throw_away(unit, UserId(taken.owner_id), [taken.key])
    return True
