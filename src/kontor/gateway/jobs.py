"""What the gateway does by the clock."""

from kontor.core.jobs.kinds import ONCE, Every, Kind, NoArgs
from kontor.core.jobs.running import Running
from kontor.core.kernel import Kernel
from kontor.gateway import estimates, health, service
from kontor.gateway.service import Gateway

CHECK_PROVIDERS = Kind(
    "gateway.check", NoArgs, "Ask the providers of models how they are", retry=ONCE, timeout_seconds=120
)
SWEEP_CHECKS = Kind("gateway.sweep", NoArgs, "Remove old checks of providers, and what models no longer used taught")


def add(kernel: Kernel) -> None:
    gateway = Gateway.of(kernel)

    @kernel.jobs.handler(CHECK_PROVIDERS, every=Every(300, offset_seconds=60))
    async def check(_job: Running, _args: NoArgs) -> None:
        await service.check_all(gateway)

    @kernel.jobs.handler(SWEEP_CHECKS, every=Every(86_400, offset_seconds=14_400))
    async def sweep(_job: Running, _args: NoArgs) -> None:
        async with kernel.database.system("sweep") as unit:
            await health.sweep(unit)
            await estimates.sweep(unit)
