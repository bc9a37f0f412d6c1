"""What retrieval does in the background: indexing when documents call, and tidying by the clock."""

from kontor.core.jobs.kinds import Every, Kind, NoArgs
from kontor.core.jobs.running import Running
from kontor.core.kernel import Kernel
from kontor.documents.ports import indexers
from kontor.retrieval import indexing
from kontor.retrieval.service import Indexer, Retrieval

TIDY = Kind(
    "retrieval.tidy", NoArgs, "Count words anew, forget vectors of what has gone", timeout_seconds=3600, at_once=1
)


def add(kernel: Kernel) -> None:
    retrieval = Retrieval.of(kernel)
    indexers.register("retrieval", Indexer(retrieval))

    @kernel.jobs.handler(TIDY, every=Every(60, offset_seconds=30))
    async def tidy(_job: Running, _args: NoArgs) -> None:
        await indexing.recount_stale(kernel.database)
        await indexing.enlarge(kernel.database)
        await indexing.forget_orphans(kernel.database, retrieval.store)
