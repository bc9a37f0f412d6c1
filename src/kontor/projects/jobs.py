"""What projects do by the clock."""

from kontor.core.jobs.kinds import Every, Kind, NoArgs
from kontor.core.jobs.running import Running
from kontor.core.kernel import Kernel
from kontor.projects import trash

SWEEP_TRASH = Kind("projects.sweep", NoArgs, "Erase what was in the trash for thirty days", timeout_seconds=3600)


def add(kernel: Kernel) -> None:
    @kernel.jobs.handler(SWEEP_TRASH, every=Every(3600, offset_seconds=2100))
    async def sweep(_job: Running, _args: NoArgs) -> None:
        await trash.sweep(kernel.database)
