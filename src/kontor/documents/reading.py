"""What the job does: fetch, read, cut into passages, index. Several short units, and never one while it waits.

It may be killed at any step and run again: a text is known by its digest, passages by their place in it, and whoever
indexes changes nothing the second time.
"""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from kontor.core.blobs import service as files
from kontor.core.blobs.errors import BlobNotFound, ContentMissing
from kontor.core.blobs.service import Blobs
from kontor.core.blobs.values import Blob, Received, clean_name
from kontor.core.database import Database
from kontor.core.errors import KontorError
from kontor.core.fetch import Bounds, Fetcher
from kontor.core.ids import BlobId, UserId, new_id
from kontor.core.jobs.kinds import is_passing
from kontor.core.jobs.running import PROGRESS_SECONDS, Running
from kontor.core.tenancy import Identity, Scope
from kontor.documents import news, repository
from kontor.documents.errors import Duplicate, ProjectFull
from kontor.documents.intake import Room
from kontor.documents.kinds import READ, ReadArgs
from kontor.documents.parsing import process
from kontor.documents.parsing.limits import Limits, Reason, Unreadable
from kontor.documents.parsing.model import Document as Read
from kontor.documents.parsing.packing import Malformed, unpack
from kontor.documents.parsing.process import First, Parsed
from kontor.documents.parsing.splitting import Passage, split
from kontor.documents.ports import Indexers, Readable
from kontor.documents.repository import Found, NewText
from kontor.documents.values import LARGEST_BYTES, Document, DocumentState, Origin, Problem, url_name

log = structlog.get_logger(__name__)

FETCHING = Bounds(max_bytes=64 << 20, total_seconds=60, max_redirects=5)
GONE = Problem("document.reading_failed", "Reading it failed for a reason of ours. Try again.")
LONGEST_DATE = 40
BATCH = 500  # passages in one statement


class Vanished(Exception):
    """The document was erased, or thrown away, while it was read."""


@dataclass(slots=True)
class Reader:
    """Made once for a worker."""

    database: Database
    blobs: Blobs
    fetcher: Fetcher
    indexers: Indexers
    limits: Limits = field(default_factory=Limits)
    room: Room = field(default_factory=lambda: Room(0, 0))

    async def run(self, job: Running, args: ReadArgs) -> None:
        try:
            await self._run(job, args)
        except Vanished:
            log.info("documents.vanished", document=str(args.document_id))
        except Unreadable as reason:
            await self._fail(args.document_id, Problem(f"document.{reason.code}", reason.sentence))
        except KontorError as reason:
            if is_passing(reason) and not self._is_last(job):
                raise
            await self._fail(args.document_id, Problem(reason.code, reason.message))
        except Exception:
            if self._is_last(job):
                await self._fail(args.document_id, GONE)
            raise

    @staticmethod
    def _is_last(job: Running) -> bool:
        return job.attempt >= READ.retry.attempts

    async def _run(self, job: Running, args: ReadArgs) -> None:
        document = await self._begin(args.document_id)
        steps = Steps(self.database, job, document)
        if args.copied_from is not None and document.blob_id is None:
            document = await self._copy(document, args.copied_from)
        if document.origin is Origin.URL and (args.fetches or document.blob_id is None):
            document = await self._fetch(document, args)
        parsed = await self._parse(document, steps)
        text_id = await self._keep(document, parsed)
        await self._index(document, text_id, steps)

    async def _begin(self, document_id: UUID) -> Document:
        async with self.database.system("documents") as unit:
            document = await self._load(unit, document_id)
            # Of a try that did not come to its end.
            await repository.forget_open_text(unit, document_id)
            document = await self._load(unit, document_id)
            await repository.set_state(unit, document_id, DocumentState.READING)
            await tell(unit, document, DocumentState.READING)
        return document

    async def _load(self, unit: AsyncSession, document_id: UUID) -> Document:
        """Locked: whoever throws it away waits, and whoever has thrown it away is heard."""
        await repository.lock(unit, document_id)
        document = await repository.load(unit, document_id)
        if document is None:
            raise Vanished
        return document

    # What is read

    async def _fetch(self, document: Document, args: ReadArgs) -> Document:
        """The page as it is now is kept as the document's file. What was read from an older one stays with that."""
        assert document.url is not None  # noqa: S101 - the table says so
        owner = Identity(Scope.PERSON, UserId(document.owner_id))
        async with self.fetcher.open(document.url, FETCHING) as fetched:
            charset = f"; charset={fetched.charset}" if fetched.charset else ""
            received = await self.blobs.receive(
                owner, fetched.pieces(), name=document.name, media_type=fetched.media_type, max_bytes=LARGEST_BYTES
            )
        if document.blob_id is not None and received.sha256 == document.sha256:
            await self.blobs.drop(owner, received)
            return document
        media_type = f"{received.media_type}{charset}"[:130]
        return await self._keep_file(document, owner, received, media_type, may_be_twice=args.allow_duplicate)

    async def _copy(self, document: Document, source_id: UUID) -> Document:
        """Of another project's file: the copy's owner has one of their own, in their own room."""
        async with self.database.system("documents") as unit:
            source = await repository.load(unit, source_id)
            if source is None or source.blob_id is None:
                if document.origin is Origin.URL:
                    return document  # which is fetched, then
                raise ContentMissing
            blob = await self.blobs.find(unit, UserId(source.owner_id), BlobId(source.blob_id))
        owner = Identity(Scope.PERSON, UserId(document.owner_id))
        received = await self.blobs.receive(
            owner, self.blobs.read(blob), name=blob.name, media_type=blob.media_type, announced=blob.size
        )
        return await self._keep_file(document, owner, received, blob.media_type)

    async def _keep_file(
        self, document: Document, owner: Identity, received: Received, media_type: str, *, may_be_twice: bool = True
    ) -> Document:
        is_kept = False
        try:
            async with self.database.system("documents") as unit:
                await repository.lock_project(unit, document.project_id)
                document = await self._load(unit, document.id)
                if not may_be_twice:
                    await refuse_duplicate(unit, document, received.sha256)
                await self._require_room(unit, document, received.size)
                before, blob = document.blob_id, await self.blobs.keep(unit, received)
                await repository.set_content(
                    unit, document.id, blob_id=blob.id, size=blob.size, sha256=blob.sha256, media_type=media_type
                )
                # What no text was read from is cited by nobody, and nothing would find it any more.
                if before is not None and not await repository.was_read_from(unit, document.id, before):
                    await files.delete(unit, UserId(document.owner_id), BlobId(before))
                document = await self._load(unit, document.id)
            is_kept = True
        finally:
            if not is_kept:
                await self.blobs.drop(owner, received)
        return document

    async def _require_room(self, unit: AsyncSession, document: Document, size: int) -> None:
        """How much an address holds is known only now. A copy's file was counted when the copy was made."""
        if not self.room.bytes or size <= document.size:
            return
        _, used = await repository.filled(unit, document.project_id)
        if used - document.size + size > self.room.bytes:
            raise ProjectFull(used, self.room.bytes)

    async def _parse(self, document: Document, steps: "Steps") -> Parsed:
        async with self.database.system("documents") as unit:
            if document.blob_id is None:
                raise ContentMissing
            try:
                blob = await self.blobs.find(unit, UserId(document.owner_id), BlobId(document.blob_id))
            except BlobNotFound as reason:
                raise ContentMissing from reason
        with tempfile.TemporaryDirectory(prefix="kontor-reading-") as folder:
            path = Path(folder) / "file"
            await self._write(blob, path)
            async with steps.counting(), self._first_pages(document, steps) as on_first:
                name, declared = name_of(document), document.media_type
                return await process.parse(path, name, declared, self.limits, steps.note, on_first=on_first)

    async def _write(self, blob: Blob, path: Path) -> None:
        with path.open("wb") as file:
            async with aclosing(self.blobs.read(blob)) as pieces:  # type: ignore[type-var]
                async for piece in pieces:
                    await asyncio.to_thread(file.write, piece)

    # What was read

    @asynccontextmanager
    async def _first_pages(self, document: Document, steps: "Steps") -> AsyncIterator[First]:
        """Those of a long file can be looked at and found by their words while the rest of it is read."""
        tasks: list[asyncio.Task[None]] = []

        def keep(packed: bytes) -> None:
            # Whoever has an older text is found by that one until the newer is whole.
            if document.text_id is None:
                tasks.append(asyncio.create_task(self._keep_first(document, packed, steps)))

        try:
            yield keep
        finally:
            await asyncio.gather(*tasks, return_exceptions=True)
        for task in tasks:
            task.result()

    async def _keep_first(self, document: Document, packed: bytes, steps: "Steps") -> None:
        async with steps.turn:
            await self._write_first(document, packed)

    async def _write_first(self, document: Document, packed: bytes) -> None:
        try:
            read = await asyncio.to_thread(unpack, packed)
        except Malformed as reason:
            raise Unreadable(Reason.READER_FAILED, process.FAILED) from reason
        # The last one may go on with what is still to come.
        passages = (await asyncio.to_thread(split, read))[:-1]
        async with self.database.system("documents") as unit:
            document = await self._load(unit, document.id)
            text_id = await repository.add_text(unit, new_text(document, read, packed, is_whole=False))
            await add_passages(unit, document, text_id, read, passages)
            await repository.set_current(unit, document.id, text_id)
            await tell(unit, document, DocumentState.READING)
        work = Readable(document.owner_id, document.project_id, document.id, text_id, is_whole=False)
        for indexer in self.indexers:
            await indexer.index(self.database, work, silent)

    async def _keep(self, document: Document, parsed: Parsed) -> UUID:
        """The text with all its passages, or nothing."""
        read = parsed.document
        passages = await asyncio.to_thread(split, read)
        async with self.database.system("documents") as unit:
            document = await self._load(unit, document.id)
            whole = new_text(document, read, parsed.packed)
            text_id = await repository.open_text(unit, document.id)
            if text_id is None:
                text_id = await repository.add_text(unit, whole)
            else:
                await repository.close_text(unit, replace(whole, id=text_id))
            if not await repository.has_passages(unit, text_id):
                await add_passages(unit, document, text_id, read, passages)
            await repository.set_read(unit, document.id, found_in(document, read))
            # An older text is searched until the newer one is indexed.
            if document.text_id is None:
                await repository.set_current(unit, document.id, text_id)
            await tell(unit, document, DocumentState.INDEXING)
        return text_id

    async def _index(self, document: Document, text_id: UUID, steps: "Steps") -> None:
        work = Readable(document.owner_id, document.project_id, document.id, text_id, is_whole=True)
        for indexer in self.indexers:
            await indexer.index(self.database, work, steps.tell)
        async with self.database.system("documents") as unit:
            document = await self._load(unit, document.id)
            if document.text_id != text_id:
                await repository.set_current(unit, document.id, text_id)
            await repository.forget_other_passages(unit, document, text_id)
            await repository.set_state(unit, document.id, DocumentState.READY)
            await tell(unit, document, DocumentState.READY)

    async def _fail(self, document_id: UUID, problem: Problem) -> None:
        async with self.database.system("documents") as unit:
            with suppress(Vanished):
                document = await self._load(unit, document_id)
                await repository.forget_open_text(unit, document_id)
                await repository.fail(unit, document_id, problem)
                await tell(unit, document, DocumentState.FAILED)


async def refuse_duplicate(unit: AsyncSession, document: Document, sha256: bytes) -> None:
    known = await repository.same(unit, document.project_id, sha256, but=document.id)
    if known is not None:
        raise Duplicate(known.id, known.name)


class Steps:
    """How far a document is, twice a second at most, where people and jobs look for it."""

    def __init__(self, database: Database, job: Running, document: Document) -> None:
        self._database = database
        self._job = job
        self._document = document
        self._state = DocumentState.READING
        self._latest: tuple[int, int | None] = (0, None)
        self._told: tuple[int, int | None] = (0, None)
        self._told_at = float("-inf")
        self.turn = asyncio.Lock()
        """A job is in one unit at a time."""

    def note(self, done: int, of: int) -> None:
        self._latest = done, of or None

    @asynccontextmanager
    async def counting(self) -> AsyncIterator[None]:
        """Writes what a reader notes while it reads."""
        over = asyncio.Event()
        task = asyncio.create_task(self._write_until(over))
        try:
            yield
        finally:
            over.set()
            await asyncio.wait({task})

    async def _write_until(self, over: asyncio.Event) -> None:
        while not over.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(PROGRESS_SECONDS):
                    await over.wait()
                return
            await self.write()

    async def tell(self, done: int, total: int | None) -> None:
        """While it is indexed."""
        self._state = DocumentState.INDEXING
        self._latest = done, total
        await self.write()

    async def write(self) -> None:
        at = asyncio.get_running_loop().time()
        if self.turn.locked() or self._latest == self._told or at - self._told_at < PROGRESS_SECONDS:
            return
        async with self.turn:
            await self._write(at)

    async def _write(self, at: float) -> None:
        self._told, self._told_at = self._latest, at
        done, total = self._latest
        await self._job.progress(done, total)
        async with self._database.system("documents") as unit:
            await repository.set_state(unit, self._document.id, self._state, done=done, total=total)
            await tell(unit, self._document, self._state, done=done, total=total)


async def tell(
    unit: AsyncSession, document: Document, state: DocumentState, *, done: int = 0, total: int | None = None
) -> None:
    await news.tell(
        unit, owner_id=document.owner_id, project_id=document.project_id, document_id=document.id, state=state,
        done=done, total=total,
    )  # fmt: skip


def name_of(document: Document) -> str:
    """An address says nothing of what stands there; what the server declared does."""
    return "" if document.origin is Origin.URL else document.name


async def silent(_done: int, _total: int | None) -> None:
    """Of the first pages nobody is told twice."""


def new_text(document: Document, read: Read, packed: bytes, *, is_whole: bool = True) -> NewText:
    return NewText(
        id=new_id(), owner_id=document.owner_id, project_id=document.project_id, document_id=document.id,
        blob_id=document.blob_id, parser=read.parser, digest=bytes.fromhex(read.digest), packed=packed,
        language=read.language, pages=len(read.pages), characters=len(read.text), is_whole=is_whole,
    )  # fmt: skip


async def add_passages(
    unit: AsyncSession, document: Document, text_id: UUID, read: Read, passages: Sequence[Passage]
) -> None:
    for start in range(0, len(passages), BATCH):
        rows = passage_rows(document, text_id, read, passages[start : start + BATCH], start)
        await repository.add_passages(unit, rows)


def found_in(document: Document, read: Read) -> Found:
    return Found(
        name=called(document, read), kind=read.kind.value, language=read.language, pages=len(read.pages),
        characters=len(read.text), notices=read.notices, title=read.title, author=read.author,
        dated=read.date[:LONGEST_DATE],
    )  # fmt: skip


def called(document: Document, read: Read) -> str:
    """A page that nobody gave a name is called what it calls itself."""
    is_named = document.url is None or document.name != url_name(document.url)
    return document.name if is_named or not read.title else clean_name(read.title)


def passage_rows(
    document: Document, text_id: UUID, read: Read, passages: Sequence[Passage], first: int
) -> list[dict[str, object]]:
    return [
        {
            "project_id": document.project_id,
            "id": new_id(),
            "document_id": document.id,
            "text_id": text_id,
            "ordinal": ordinal,
            "start_at": each.start,
            "end_at": each.end,
            "fresh_at": each.fresh,
            "page_first": each.first_page + 1,
            "page_last": each.last_page + 1,
            "heading": " › ".join(each.headings),
            "language": read.language,
            "text": read.text[each.start : each.end],
        }
        for ordinal, each in enumerate(passages, first)
    ]
