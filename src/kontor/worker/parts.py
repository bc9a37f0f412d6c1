"""Every kind of job that a worker can do, in one list: what stands here runs, and nothing else does."""

from collections.abc import Callable
from datetime import timedelta

from sqlalchemy import text

from kontor.accounts import audit, challenges, links, notifications, sessions
from kontor.billing import jobs as billing
from kontor.core.blobs.sweeps import sweep_orphans
from kontor.core.clock import now
from kontor.core.events import retention
from kontor.core.events.bus import bus
from kontor.core.jobs import upkeep
from kontor.core.jobs.kinds import Every, Kind, NoArgs
from kontor.core.jobs.news import JobFailed
from kontor.core.jobs.running import Running
from kontor.core.kernel import Kernel
from kontor.core.mail import jobs as mail
from kontor.documents import jobs as documents
from kontor.gateway import jobs as gateway
from kontor.gateway import project_parts
from kontor.gateway.runs.wiring import add_recovery
from kontor.projects import jobs as projects
from kontor.retrieval import jobs as retrieval

ANSWERS_KEPT = timedelta(hours=48)

SWEEP_EVENTS = Kind("events.sweep", NoArgs, "Remove old events")
SWEEP_JOBS = Kind("jobs.sweep", NoArgs, "Remove old jobs")
SWEEP_ANSWERS = Kind("http.sweep_answers", NoArgs, "Forget answers remembered for repeated requests")
SWEEP_BLOBS = Kind("blobs.sweep", NoArgs, "Compare the stored files with the records of them")
SWEEP_ACCOUNTS = Kind("accounts.sweep", NoArgs, "Forget old sessions, links, notifications and addresses")


def add_events(kernel: Kernel) -> None:
    @kernel.jobs.handler(SWEEP_EVENTS, every=Every(3600, offset_seconds=420))
    async def sweep(_job: Running, _args: NoArgs) -> None:
        await retention.sweep(kernel.database)


def add_jobs(kernel: Kernel) -> None:
    @kernel.jobs.handler(SWEEP_JOBS, every=Every(3600, offset_seconds=840))
    async def sweep(_job: Running, _args: NoArgs) -> None:
        await upkeep.sweep(kernel.database)


def add_answers(kernel: Kernel) -> None:
    @kernel.jobs.handler(SWEEP_ANSWERS, every=Every(3600, offset_seconds=1260))
    async def sweep(_job: Running, _args: NoArgs) -> None:
        async with kernel.database.system("sweep") as unit:
            await unit.execute(
                text("DELETE FROM idempotency_key WHERE created_at < :before"), {"before": now() - ANSWERS_KEPT}
            )


def add_accounts(kernel: Kernel) -> None:
    bus.on(JobFailed, notifications.tell_of_failed_job)

    @kernel.jobs.handler(SWEEP_ACCOUNTS, every=Every(86_400, offset_seconds=12_600))
    async def sweep(_job: Running, _args: NoArgs) -> None:
        for part in (sessions, links, challenges, notifications):
            async with kernel.database.system("sweep") as unit:
                await part.sweep(unit)
        days = timedelta(days=kernel.settings.kontor_audit_address_days)
        await audit.forget_addresses(kernel.database, before=now() - days)


def add_blobs(kernel: Kernel) -> None:
    @kernel.jobs.handler(SWEEP_BLOBS, every=Every(86_400, offset_seconds=10_800))
    async def sweep(_job: Running, _args: NoArgs) -> None:
        await sweep_orphans(kernel.database, kernel.blobs.store)


def add_mail(kernel: Kernel) -> None:
    mail.register(kernel.jobs, kernel.mailer)


def add_billing(kernel: Kernel) -> None:
    billing.register(kernel.jobs, kernel.database, kernel.fetcher)


def add_projects(kernel: Kernel) -> None:
    project_parts.register()
    projects.add(kernel)


PARTS: tuple[Callable[[Kernel], None], ...] = (
    add_events,
    add_jobs,
    add_answers,
    add_accounts,
    add_blobs,
    add_mail,
    add_billing,
    add_projects,
    documents.add,
    retrieval.add,
    gateway.add,
    add_recovery,
)


def add_all(kernel: Kernel) -> None:
    for add in PARTS:
        add(kernel)
