"""Documents that were thrown away, and those that nobody reads on: thirty days, and five minutes."""

from datetime import timedelta

from kontor.core.clock import now
from kontor.core.database import Database
from kontor.documents import belonging, news, repository
from kontor.documents.kinds import READ
from kontor.documents.values import DocumentState, Problem
from kontor.projects.values import TRASH_KEPT

BATCH = 100
STRANDED_AFTER = timedelta(minutes=5)
STOPPED = Problem("document.stopped", "Reading it was stopped before it was through. Try again.")


async def sweep(database: Database, *, kept: timedelta = TRASH_KEPT) -> None:
    while True:
        async with database.system("documents") as unit:
            due = await repository.due(unit, before=now() - kept, limit=BATCH)
            await belonging.erase(unit, due)
        if not due:
            break
    await tell_stranded(database)


async def tell_stranded(database: Database) -> None:
    """Whose job somebody ended, or was lost: it can be tried again, and does not look as if somebody still worked."""
    while True:
        async with database.system("documents") as unit:
            found = await repository.stranded(unit, kind=READ.name, before=now() - STRANDED_AFTER, limit=BATCH)
            for row in found:
                await repository.fail(unit, row.id, STOPPED)
                await news.tell(
                    unit,
                    owner_id=row.owner_id,
                    project_id=row.project_id,
                    document_id=row.id,
                    state=DocumentState.FAILED,
                )
        if not found:
            return
