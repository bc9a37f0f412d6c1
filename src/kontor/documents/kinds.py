"""The jobs of documents, as whoever enqueues them names them."""

from uuid import UUID

from pydantic import BaseModel

from kontor.core.jobs.kinds import Every, Kind, NoArgs, Retry

SWEEP_EVERY = Every(600, offset_seconds=150)


class ReadArgs(BaseModel):
    document_id: UUID
    fetches: bool = False  # the address once more
    allow_duplicate: bool = False
    copied_from: UUID | None = None


class CopyArgs(BaseModel):
    source_id: UUID  # projects
    target_id: UUID
    by: UUID | None = None  # who asked for it, and has to be able to read the source still


READ = Kind("documents.read", ReadArgs, "Read a document", retry=Retry(attempts=3), timeout_seconds=1800)
COPY = Kind("documents.copy", CopyArgs, "Copy documents into a project that was duplicated", timeout_seconds=3600)
SWEEP = Kind("documents.sweep", NoArgs, "Erase old documents from the trash, and uploads that were given up")
