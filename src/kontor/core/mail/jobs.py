"""Mail in the background: one job for each mail, and the sweep."""

from datetime import timedelta
from typing import Protocol
from uuid import UUID

from pydantic import BaseModel

from kontor.core.jobs.kinds import Every, Kind, NoArgs, Registry, Retry
from kontor.core.jobs.running import Running


class SendMail(BaseModel):
    mail_id: UUID


# About half a day of patience with a server that is away.
SEND_MAIL = Kind(
    "mail.send",
    SendMail,
    "Send a mail",
    retry=Retry(attempts=12, first=timedelta(seconds=20), longest=timedelta(hours=2)),
    timeout_seconds=180,
    at_once=3,
)
SWEEP_MAIL = Kind("mail.sweep", NoArgs, "Remove old mails", timeout_seconds=300)
SWEEP_AT = Every.day_at(3, 40)


def register(registry: Registry, mailer: "Sender") -> None:
    """For the worker: what it does with these kinds."""

    @registry.handler(SEND_MAIL)
    async def send(job: Running, args: SendMail) -> None:
        await mailer.send(args.mail_id, is_last_try=job.attempt >= SEND_MAIL.retry.attempts)

    @registry.handler(SWEEP_MAIL, every=SWEEP_AT)
    async def sweep(_job: Running, _args: NoArgs) -> None:
        await mailer.sweep()


class Sender(Protocol):
    async def send(self, mail_id: UUID, *, is_last_try: bool = False) -> None: ...

    async def sweep(self) -> int: ...
