"""What documents do in workers."""

from kontor.core.jobs.kinds import NoArgs
from kontor.core.jobs.running import Running
from kontor.core.kernel import Kernel
from kontor.documents import belonging, trash, uploads
from kontor.documents.intake import Room
from kontor.documents.kinds import COPY, READ, SWEEP, SWEEP_EVERY, CopyArgs, ReadArgs
from kontor.documents.ports import indexers
from kontor.documents.reading import Reader


def add(kernel: Kernel) -> None:
    belonging.register()
    reader = Reader(kernel.database, kernel.blobs, kernel.fetcher, indexers, room=Room.of(kernel.settings))

    @kernel.jobs.handler(READ)
    async def read(job: Running, args: ReadArgs) -> None:
        await reader.run(job, args)

    @kernel.jobs.handler(COPY)
    async def copy(job: Running, args: CopyArgs) -> None:
        assert job.owner_id is not None  # noqa: S101 - enqueued for somebody
        await belonging.copy(kernel.database, args, job.owner_id)

    @kernel.jobs.handler(SWEEP, every=SWEEP_EVERY)
    async def sweep(_job: Running, _args: NoArgs) -> None:
        await uploads.sweep(kernel.database)
        await trash.sweep(kernel.database)
