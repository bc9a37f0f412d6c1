"""Numbers that are looked up when somebody asks for the metrics."""

import time
from typing import Any

from kontor.core.jobs import service as jobs
from kontor.core.kernel import Kernel
from kontor.core.mail import service as mail
from kontor.core.observability import Metrics
from kontor.core.outage import is_outage

# Several collectors ask more often than the tables should be counted.
FRESH_SECONDS = 5.0


class Gauges:
    def __init__(self, metrics: Metrics, kernel: Kernel) -> None:
        self._metrics = metrics
        self._kernel = kernel
        self._counted_at = -FRESH_SECONDS

    async def refresh(self) -> None:
        kernel = self._kernel
        pool: Any = kernel.database.engine.pool if kernel.database.engine is not None else None
        if pool is not None:
            self._metrics.set_pool(used=pool.checkedout(), idle=pool.checkedin())
        self._metrics.event_lag.set(kernel.events.lag_seconds)
        if time.monotonic() - self._counted_at < FRESH_SECONDS:
            return
        try:
            async with kernel.database.system("health") as unit:
                self._metrics.set_jobs(await jobs.counts(unit))
                self._metrics.set_mails(await mail.counts(unit))
        except Exception as error:
            if not is_outage(error):
                raise
            return  # the other numbers are wanted all the more while the database is away
        self._counted_at = time.monotonic()
