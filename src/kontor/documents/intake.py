"""Bringing something into a project: files, addresses, texts. It answers at once; reading is a job.

A file is one unit to look whether it may come, then its bytes without any unit, then one unit that makes it a document:
rights are asked again there, because sending may take an hour.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from kontor.core.blobs.service import Blobs
from kontor.core.blobs.values import Received, clean_name
from kontor.core.database import Database, elevated
from kontor.core.fetch import Fetcher
from kontor.core.ids import UserId, new_id
from kontor.core.settings import Settings
from kontor.core.tenancy import Actor, Identity, Scope
from kontor.documents import news, repository, service
from kontor.documents.errors import Duplicate, ProjectFull, TooManyDocuments
from kontor.documents.kinds import ReadArgs
from kontor.documents.parsing.kinds import hint
from kontor.documents.repository import New
from kontor.documents.schemas import DocumentRead, TextCreate, UrlCreate
from kontor.documents.values import LARGEST_BYTES, DocumentState, Origin, url_name
from kontor.projects import service as projects
from kontor.projects.values import Access, Thing

TEXT_TYPES = {"plain": "text/plain", "markdown": "text/markdown"}
ENDINGS = {"plain": "txt", "markdown": "md"}
LONGEST_FIRST_LINE = 80


@dataclass(frozen=True, slots=True)
class Room:
    """How much one project may hold; 0 is no limit of its own."""

    documents: int
    bytes: int

    @classmethod
    def of(cls, settings: Settings) -> "Room":
        return cls(settings.kontor_project_documents, settings.kontor_project_bytes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What somebody says of a file beside sending it."""

    project_id: UUID
    tags: Sequence[str] = ()
    allow_duplicate: bool = False


@dataclass(frozen=True, slots=True)
class Intake:
    """What taking files in needs, made once for a process."""

    database: Database
    blobs: Blobs
    room: Room

    async def take(
        self,
        actor: Actor,
        wanted: Wanted,
        chunks: AsyncIterator[bytes],
        *,
        name: str | None,
        media_type: str | None,
        announced: int | None = None,
        origin: Origin = Origin.UPLOAD,
    ) -> DocumentRead:
        """One file. Call outside of any unit."""
        async with self.database.unit(actor) as unit:
            project = await spot(unit, actor, wanted.project_id)
            await require_room(unit, project, self.room, size=announced or 0)
        received = await self.receive(project, chunks, name=name, media_type=media_type, announced=announced)
        is_kept = False
        try:
            async with self.database.unit(actor) as unit:
                made = await self.keep(unit, actor, wanted, received, origin=origin)
            is_kept = True
        finally:
            if not is_kept:
                await self.drop(project, received)
        return made

    async def receive(
        self,
        project: Thing,
        chunks: AsyncIterator[bytes],
        *,
        name: str | None,
        media_type: str | None,
        announced: int | None = None,
        most: int = LARGEST_BYTES,
    ) -> Received:
        """What stands in a project is its owner's, and so is the room that it takes."""
        return await self.blobs.receive(
            owner_of(project), chunks, name=name, media_type=media_type, announced=announced, max_bytes=most
        )

    async def drop(self, project: Thing, received: Received) -> None:
        """If it has not become a file."""
        await self.blobs.drop(owner_of(project), received)

    async def keep(
        self, unit: AsyncSession, actor: Actor, wanted: Wanted, received: Received, *, origin: Origin
    ) -> DocumentRead:
        project = await spot(unit, actor, wanted.project_id)
        await repository.lock_project(unit, project.id)
        if not wanted.allow_duplicate:
            await refuse_duplicate(unit, project.id, received.sha256)
        await require_room(unit, project, self.room, size=received.size)
        async with elevated(unit, "documents"):
            blob = await self.blobs.keep(unit, received)
        kind = hint(blob.name, blob.media_type)
        new = New(
            id=new_id(), owner_id=project.owner_id, project_id=project.id, name=blob.name, origin=origin,
            kind=kind and kind.value, media_type=blob.media_type, blob_id=blob.id, size=blob.size,
            sha256=blob.sha256, tags=wanted.tags, by=actor.user_id,
        )  # fmt: skip
        return await self.add(unit, actor, new, ReadArgs(document_id=new.id))

    async def add(self, unit: AsyncSession, actor: Actor, new: New, args: ReadArgs) -> DocumentRead:
        await repository.insert(unit, new)
        await service.put_down(unit, new.owner_id, args)
        await news.tell(
            unit, owner_id=new.owner_id, project_id=new.project_id, document_id=new.id, state=DocumentState.WAITING
        )
        return await service.read(unit, actor, new.id)

    async def receive_text(self, actor: Actor, wanted: TextCreate) -> tuple[Thing, Received]:
        """What was written, as a file like any other."""

        async def chunks() -> AsyncIterator[bytes]:
            yield content

        content = wanted.text.encode()
        name = wanted.name or first_line(wanted.text)
        if "." not in name[-10:]:
            name = f"{name}.{ENDINGS[wanted.format]}"
        async with self.database.unit(actor) as unit:
            project = await spot(unit, actor, wanted.project_id)
        received = await self.receive(
            project, chunks(), name=name, media_type=TEXT_TYPES[wanted.format], announced=len(content)
        )
        return project, received

    async def take_url(self, unit: AsyncSession, actor: Actor, wanted: UrlCreate, fetcher: Fetcher) -> DocumentRead:
        """The address is looked at here and fetched by the job; whether it is a duplicate is known only then, so here
        the same address is enough."""
        url = str(fetcher.check(wanted.url))
        project = await spot(unit, actor, wanted.project_id)
        await repository.lock_project(unit, project.id)
        if not wanted.allow_duplicate and (known := await repository.same_url(unit, project.id, url)) is not None:
            raise Duplicate(known.id, known.name)
        await require_room(unit, project, self.room)
        new = New(
            id=new_id(), owner_id=project.owner_id, project_id=project.id, name=wanted.name or url_name(url),
            origin=Origin.URL, url=url, media_type="", tags=wanted.tags, by=actor.user_id,
        )  # fmt: skip
        return await self.add(unit, actor, new, ReadArgs(document_id=new.id, allow_duplicate=wanted.allow_duplicate))


def owner_of(project: Thing) -> Identity:
    """In whose name files of a project are kept, once an editor's right to add to it was asked."""
    return Identity(Scope.PERSON, UserId(project.owner_id))


async def spot(unit: AsyncSession, actor: Actor, project_id: UUID) -> Thing:
    return await projects.require(unit, actor, project_id, least=Access.EDITOR, is_alive=True)


async def require_room(unit: AsyncSession, project: Thing, room: Room, *, size: int = 0) -> None:
    number, used = await repository.filled(unit, project.id)
    if room.documents and number >= room.documents:
        raise TooManyDocuments(room.documents)
    if room.bytes and used + size > room.bytes:
        raise ProjectFull(used, room.bytes)


async def refuse_duplicate(unit: AsyncSession, project_id: UUID, sha256: bytes) -> None:
    known = await repository.same(unit, project_id, sha256)
    if known is not None:
        raise Duplicate(known.id, known.name)


def first_line(text: str) -> str:
    line = " ".join(text.split("\n", 1)[0].strip("# \t").split())
    return clean_name(line[:LONGEST_FIRST_LINE].rstrip(" .") or "text")
