"""What retrieval does in the background: indexing when documents call, and tidying by the clock."""

from kontor.core.jobs.kinds import Every, Kind, NoArgs
from kontor.core.jobs.running import Running
from kontor.core.kernel import Kernel
from kontor.documents.ports import indexers
from kontor.gateway.estimates import Estimates
from kontor.gateway.router import Router
from kontor.gateway.service import Gateway
from kontor.retrieval import embedding, indexing, moving
from kontor.retrieval.asking import GatewayAsks, WorkersRuns
from kontor.retrieval.embedding import REEMBED, ReembedArgs
from kontor.retrieval.service import Indexer, Retrieval

TIDY = Kind(
    "retrieval.tidy", NoArgs, "Count words anew, forget vectors of what has gone", timeout_seconds=3600, at_once=1
)


def add(kernel: Kernel) -> None:
    gateway, estimates = Gateway.of(kernel), Estimates(kernel.database)
    asks = GatewayAsks(WorkersRuns(kernel, gateway, estimates), Router(gateway, estimates))
    retrieval = Retrieval.of(kernel, asks)
    indexers.register("retrieval", Indexer(retrieval))

    @kernel.jobs.handler(TIDY, every=Every(60, offset_seconds=30))
    async def tidy(_job: Running, _args: NoArgs) -> None:
        await indexing.recount_stale(kernel.database)
        await indexing.enlarge(kernel.database)
        await indexing.forget_orphans(kernel.database, retrieval.store)
        await moving.settle(kernel.database, retrieval.store, retrieval.embedder)

    @kernel.jobs.handler(REEMBED)
    async def reembed(job: Running, args: ReembedArgs) -> None:
        async def report(done: int, total: int) -> None:
            await job.progress(done, total)

        await embedding.reembed(kernel.database, retrieval.store, retrieval.embedder_of, args.project_id, report)
