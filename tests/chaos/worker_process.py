"""A worker as `kontor worker` runs it, with jobs whose effects a test can count. Run as a process and killed as one."""

import asyncio
import os

from pydantic import BaseModel
from sqlalchemy import text

from kontor.core.jobs.kinds import Kind, Retry
from kontor.core.jobs.running import Running
from kontor.core.kernel import Kernel
from kontor.core.observability import configure_logging
from kontor.core.settings import load_settings
from kontor.worker.main import run


class Chore(BaseModel):
    number: int = 0
    seconds: float = 0.0


CHORE = Kind("chaos.chore", Chore, "Chore", retry=Retry(attempts=8))

# What the handler leaves behind. The key makes a second run harmless; `attempt` shows that there was one.
EFFECTS = """
    CREATE TABLE chaos_effect (job_id uuid PRIMARY KEY, number integer, attempt integer, worker integer);
    CREATE TABLE chaos_start (
        job_id uuid, attempt integer, worker integer, at timestamptz DEFAULT clock_timestamp()
    );
    GRANT SELECT, INSERT ON chaos_effect, chaos_start TO kontor_app;
"""


def add(kernel: Kernel) -> None:
    @kernel.jobs.handler(CHORE)
    async def do(job: Running, args: Chore) -> None:
        named = {"job": job.id, "attempt": job.attempt, "worker": os.getpid()}
        async with job.unit() as unit:
            await unit.execute(
                text("INSERT INTO chaos_start (job_id, attempt, worker) VALUES (:job, :attempt, :worker)"), named
            )
        await asyncio.sleep(args.seconds)
        async with job.unit() as unit:
            await unit.execute(
                text(
                    "INSERT INTO chaos_effect (job_id, number, attempt, worker) "
                    "VALUES (:job, :number, :attempt, :worker) ON CONFLICT DO NOTHING"
                ),
                named | {"number": args.number},
            )


if __name__ == "__main__":
    settings = load_settings()
    configure_logging(settings)
    raise SystemExit(run(settings, add=add))
