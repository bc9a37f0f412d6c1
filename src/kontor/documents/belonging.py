"""Documents as what belongs to projects: copied, counted and erased with them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy.ext.asyncio import AsyncSession

from kontor.core.blobs import service as files
from kontor.core.database import Database
from kontor.core.ids import BlobId, UserId
from kontor.core.jobs.enqueueing import enqueue
from kontor.documents import repository, service, uploads
from kontor.documents.kinds import COPY, CopyArgs, ReadArgs
from kontor.documents.repository import New
from kontor.documents.values import Document
from kontor.projects.ports import Copy, Count, Thrown, belongings

BATCH = 200


@dataclass(frozen=True, slots=True)
class Documents:
    name: str = "documents"
    is_copied: bool = True

    async def copy(self, unit: AsyncSession, copies: Sequence[Copy]) -> None:
        """There may be thousands, so a job does it, as long as the source may be read by who asked for the copy."""
        for each in copies:
            args = CopyArgs(source_id=each.source_id, target_id=each.target_id, by=each.by)
            await enqueue(unit, COPY, args, owner_id=each.owner_id, key=str(each.target_id))

    async def count(self, unit: AsyncSession, project_id: UUID) -> Count | None:
        rows = await repository.count(unit, project_id)
        return Count({row.state: row.number for row in rows}, sum(row.bytes for row in rows))

    async def erase(self, unit: AsyncSession, project_ids: Sequence[UUID]) -> None:
        await uploads.forget(unit, await repository.uploads_of_projects(unit, project_ids))
        while ids := await repository.of_projects(unit, project_ids, limit=BATCH):
            await erase(unit, ids)


async def copy(database: Database, args: CopyArgs, owner_id: UserId) -> None:
    """Their files and what people wrote about them. The copies are read anew: what is found in them belongs to their
    own project alone. Done twice, it changes nothing the second time."""
    after: UUID | None = None
    while True:
        async with database.system("documents") as unit:
            if args.by is not None and not await repository.may_read(unit, args.by, args.source_id):
                return  # revoked, or thrown away, since it was asked for
            sources = await repository.of_project(unit, args.source_id, after=after, limit=BATCH)
            for source in sources:
                await copy_one(unit, source, args.target_id, owner_id)
        if len(sources) < BATCH:
            return
        after = sources[-1].id


async def copy_one(unit: AsyncSession, source: Document, target_id: UUID, owner_id: UserId) -> None:
    new = New(
        id=uuid5(target_id, str(source.id)), owner_id=owner_id, project_id=target_id, name=source.name,
        origin=source.origin, url=source.url, kind=source.kind, media_type=source.media_type, size=source.size,
        sha256=source.sha256, title=source.title, author=source.author, dated=source.dated, tags=source.tags,
        by=owner_id,
    )  # fmt: skip
    if await repository.load(unit, new.id) is None and await repository.insert_into_living(unit, new):
        await service.put_down(
            unit, owner_id, ReadArgs(document_id=new.id, copied_from=source.id, allow_duplicate=True)
        )


@dataclass(frozen=True, slots=True)
class DocumentBin:
    async def thrown(
        self, unit: AsyncSession, me: UserId, *, after: tuple[Any, ...] | None = None, limit: int | None = None
    ) -> Sequence[Thrown]:
        rows = await repository.thrown(unit, me, after=after, limit=limit)
        return [Thrown(row.id, "document", row.name, row.project_id, row.project, row.trashed_at) for row in rows]

    async def erase_thrown(self, unit: AsyncSession, ids: Sequence[UUID]) -> None:
        await erase(unit, await repository.lock_thrown(unit, ids))


async def erase(unit: AsyncSession, ids: Sequence[UUID]) -> None:
    """For good, in a unit of the system: texts, passages and whatever hangs on them, and then the files."""
    held = await repository.files(unit, ids)
    await repository.erase(unit, ids)
    for row in held:
        await files.delete(unit, UserId(row.owner_id), BlobId(row.blob_id))


def register() -> None:
    """In every process that shows, copies or erases projects."""
    belongings.register(Documents())
    belongings.register_bin("documents", DocumentBin())
