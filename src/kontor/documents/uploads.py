"""Large files in parts, so that a broken line costs a part and not the file.

Each part is a file of the project's owner until all are there; then they become one. Where the next one begins is in
the table, so whoever lost the line asks and goes on, at whichever process they reach.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from kontor.core.blobs import service as files
from kontor.core.blobs.service import Blobs
from kontor.core.blobs.values import Blob, Received, clean_name, clean_type
from kontor.core.clock import now
from kontor.core.database import Database, elevated
from kontor.core.ids import BlobId, UserId, new_id
from kontor.core.tenancy import Actor
from kontor.documents import intake, repository
from kontor.documents.errors import PartTooSmall, TooManyUnfinished, UploadElsewhere, UploadIncomplete, UploadNotFound
from kontor.documents.intake import Intake, Wanted
from kontor.documents.schemas import DocumentRead, UploadCreate, UploadRead
from kontor.documents.values import LARGEST_PART, LEAST_PART, UPLOAD_LASTS, Origin
from kontor.projects.values import Thing

MOST_UNFINISHED = 50  # of one person


@dataclass(frozen=True, slots=True)
class Uploads:
    intake: Intake

    @property
    def database(self) -> Database:
        return self.intake.database

    @property
    def blobs(self) -> Blobs:
        return self.intake.blobs

    async def begin(self, unit: AsyncSession, actor: Actor, wanted: UploadCreate) -> UploadRead:
        project = await intake.spot(unit, actor, wanted.project_id)
        await intake.require_room(unit, project, self.intake.room, size=wanted.bytes)
        if await repository.count_uploads(unit, actor.user_id) >= MOST_UNFINISHED:
            raise TooManyUnfinished(MOST_UNFINISHED)
        upload_id = new_id()
        values = {
            "id": upload_id, "owner": project.owner_id, "project": project.id, "name": clean_name(wanted.name),
            "media_type": clean_type(wanted.media_type), "bytes": wanted.bytes, "by": actor.user_id,
            "allow_duplicate": wanted.allow_duplicate, "tags": wanted.tags,
        }  # fmt: skip
        await repository.add_upload(unit, values)
        return as_read(await find(unit, actor, upload_id))

    async def add(self, actor: Actor, upload_id: UUID, start: int, chunks: AsyncIterator[bytes]) -> UploadRead:
        """One part. Of two that come at once the second is told where to go on."""
        async with self.database.unit(actor) as unit:
            upload = await find(unit, actor, upload_id)
            refuse_elsewhere(upload, start)
            project = await intake.spot(unit, actor, upload.project_id)
        most = min(LARGEST_PART, upload.bytes - start)
        received = await self.intake.receive(project, chunks, name="part", media_type=None, most=most)
        is_kept = False
        try:
            async with self.database.unit(actor) as unit:
                await self._keep(unit, actor, upload_id, start, received)
                upload = await find(unit, actor, upload_id)
            is_kept = True
        finally:
            if not is_kept:
                await self.intake.drop(project, received)
        return as_read(upload)

    async def _keep(self, unit: AsyncSession, actor: Actor, upload_id: UUID, start: int, received: Received) -> None:
        upload = await find(unit, actor, upload_id, is_locked=True)
        await intake.spot(unit, actor, upload.project_id)
        refuse_elsewhere(upload, start)
        if received.size < min(LEAST_PART, upload.bytes - start):
            raise PartTooSmall(LEAST_PART)
        async with elevated(unit, "documents"):
            blob = await self.blobs.keep(unit, received)
            await repository.add_part(unit, upload, size=blob.size, blob_id=blob.id)

    async def finish(self, actor: Actor, upload_id: UUID) -> DocumentRead:
        """The parts become one file, and the file a document."""
        async with self.database.unit(actor) as unit:
            upload = await find(unit, actor, upload_id)
            if upload.received < upload.bytes:
                raise UploadIncomplete(upload.received, upload.bytes)
            project = await intake.spot(unit, actor, upload.project_id)
            parts = await self._parts(unit, upload)
        received = await self._joined(project, upload, parts)
        is_kept = False
        try:
            async with self.database.unit(actor) as unit:
                # Whoever finishes it a second time finds nothing any more.
                await find(unit, actor, upload_id, is_locked=True)
                wanted = Wanted(
                    project_id=upload.project_id, tags=tuple(upload.tags), allow_duplicate=upload.allow_duplicate
                )
                made = await self.intake.keep(unit, actor, wanted, received, origin=Origin.UPLOAD)
                async with elevated(unit, "documents"):
                    await forget(unit, [upload_id])
            is_kept = True
        finally:
            if not is_kept:
                await self.intake.drop(project, received)
        return made

    async def _parts(self, unit: AsyncSession, upload: Row[Any]) -> list[Blob]:
        async with elevated(unit, "documents"):
            rows = await repository.parts(unit, upload.id)
            return [await self.blobs.find(unit, UserId(row.owner_id), BlobId(row.blob_id)) for row in rows]

    async def _joined(self, project: Thing, upload: Row[Any], parts: Sequence[Blob]) -> Received:
        async def chunks() -> AsyncIterator[bytes]:
            for part in parts:
                async with aclosing(self.blobs.read(part)) as stream:  # type: ignore[type-var]
                    async for piece in stream:
                        yield piece

        return await self.intake.receive(
            project, chunks(), name=upload.name, media_type=upload.media_type, announced=upload.bytes
        )

    async def end(self, unit: AsyncSession, actor: Actor, upload_id: UUID) -> None:
        upload = await find(unit, actor, upload_id, is_locked=True)
        async with elevated(unit, "documents"):
            await forget(unit, [upload.id])


async def find(unit: AsyncSession, actor: Actor, upload_id: UUID, *, is_locked: bool = False) -> Row[Any]:
    found = await repository.find_upload(unit, actor.user_id, upload_id, is_locked=is_locked)
    if found is None:
        raise UploadNotFound
    return found


async def list_all(unit: AsyncSession, actor: Actor, project_id: UUID | None) -> list[UploadRead]:
    return [as_read(row) for row in await repository.uploads(unit, actor.user_id, project_id)]


def refuse_elsewhere(upload: Row[Any], start: int) -> None:
    if start != upload.received or start >= upload.bytes:
        raise UploadElsewhere(upload.received)


def as_read(row: Row[Any]) -> UploadRead:
    return UploadRead(
        id=row.id, project_id=row.project_id, name=row.name, bytes=row.bytes, received=row.received,
        part_bytes=LARGEST_PART, created_at=row.created_at, expires_at=row.changed_at + UPLOAD_LASTS,
    )  # fmt: skip


async def forget(unit: AsyncSession, upload_ids: Sequence[UUID]) -> None:
    """In a unit of the system: the upload, and the files of its parts."""
    for upload_id in upload_ids:
        parts = await repository.parts(unit, upload_id)
        await repository.end_upload(unit, upload_id)
        for part in parts:
            await files.delete(unit, UserId(part.owner_id), BlobId(part.blob_id))


async def sweep(database: Database, *, kept: timedelta = UPLOAD_LASTS) -> None:
    while True:
        async with database.system("documents") as unit:
            old = await repository.old_uploads(unit, before=now() - kept, limit=20)
            await forget(unit, old)
        if not old:
            return
