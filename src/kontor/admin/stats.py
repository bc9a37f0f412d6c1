"""How the installation is doing, in a handful of numbers and three small queries."""

import asyncio
import shutil
import time
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from pydantic import BaseModel, Field
from sqlalchemy import text

from kontor.accounts import preferences
from kontor.accounts.audit import Action
from kontor.core.clock import now
from kontor.core.jobs import service as jobs
from kontor.core.jobs.schemas import JobStats
from kontor.core.kernel import Kernel
from kontor.core.mail import service as mails
from kontor.core.mail.tables import MailState
from kontor.core.tenancy import Actor
from kontor.core.version import __version__

STARTED_AT = time.monotonic()
DAYS = 30

# Sessions note at most once a minute that they are used.
SIGNED_IN_WITHIN = timedelta(minutes=5)


class PeopleStats(BaseModel):
    total: int
    active: int
    waiting: int = Field(description="For somebody to approve them")
    suspended: int
    signed_in: int = Field(description="Seen in the last minutes")


class DatabaseStats(BaseModel):
    bytes: int
    connections: int
    max_connections: int
    version: str


class StorageStats(BaseModel):
    used_bytes: int = Field(description="By people's files")
    free_bytes: int
    total_bytes: int
    objects: int


class MailStats(BaseModel):
    configured: bool
    queued: int
    failed: int


class EventStats(BaseModel):
    lag_seconds: float


class SignInDay(BaseModel):
    day: date
    count: int


class StatsRead(BaseModel):
    people: PeopleStats
    database: DatabaseStats
    jobs: JobStats
    storage: StorageStats
    mail: MailStats
    events: EventStats
    uptime_seconds: float
    version: str
    sign_ins: list[SignInDay] = Field(description="Of the last 30 days, by the reader's own calendar")


NUMBERS = text("""
    SELECT people.*, room.*, server.*
    FROM (
        SELECT count(*) AS total,
               count(*) FILTER (WHERE state = 'active') AS active,
               count(*) FILTER (WHERE state = 'waiting') AS waiting,
               count(*) FILTER (WHERE state = 'suspended') AS suspended,
               (SELECT count(DISTINCT owner_id) FROM session
                WHERE ended_at IS NULL AND expires_at > :now AND last_seen_at > :lately) AS signed_in
        FROM person
    ) people, (
        SELECT (SELECT coalesce(sum(used_bytes), 0)::bigint FROM blob_usage) AS used_bytes,
               (SELECT count(*) FROM blob_object) AS objects
    ) room, (
        SELECT pg_database_size(current_database()) AS bytes,
               (SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()) AS connections,
               current_setting('max_connections')::int AS max_connections,
               current_setting('server_version') AS version
    ) server
""")
SIGN_INS = text("""
    SELECT day::date AS day, coalesce(counted.number, 0) AS count
    FROM generate_series(CAST(:first AS timestamp), CAST(:last AS timestamp), interval '1 day') AS day
    LEFT JOIN (
        SELECT (at AT TIME ZONE :timezone)::date AS day, count(*) AS number FROM audit_line
        WHERE action = :action AND at >= :since GROUP BY 1
    ) counted USING (day)
    ORDER BY day
""")


async def read(kernel: Kernel, actor: Actor) -> StatsRead:
    at = now()
    disk = await asyncio.to_thread(shutil.disk_usage, kernel.settings.kontor_data)
    async with kernel.database.system("health") as unit:
        numbers = (await unit.execute(NUMBERS, {"now": at, "lately": at - SIGNED_IN_WITHIN})).one()._asdict()
        running = await jobs.stats(unit)
        outbox = await mails.counts(unit)
        timezone = ZoneInfo((await preferences.read(unit, actor.user_id)).timezone)
        today = at.astimezone(timezone).date()
        days = {
            "first": datetime.combine(today - timedelta(days=DAYS - 1), datetime.min.time()),
            "last": datetime.combine(today, datetime.min.time()),
            "timezone": timezone.key,
            "action": Action.SIGNED_IN.value,
            "since": at - timedelta(days=DAYS + 1),
        }
        sign_ins = (await unit.execute(SIGN_INS, days)).all()
    return StatsRead(
        people=PeopleStats.model_validate(numbers),
        database=DatabaseStats.model_validate(numbers),
        jobs=running,
        storage=StorageStats.model_validate({**numbers, "free_bytes": disk.free, "total_bytes": disk.total}),
        mail=MailStats(
            configured=kernel.mailer.is_configured,
            queued=outbox.get(MailState.QUEUED, 0) + outbox.get(MailState.SENDING, 0),
            failed=outbox.get(MailState.FAILED, 0),
        ),
        events=EventStats(lag_seconds=round(kernel.events.lag_seconds, 3)),
        uptime_seconds=round(time.monotonic() - STARTED_AT, 1),
        version=__version__,
        sign_ins=[SignInDay(day=row.day, count=row.count) for row in sign_ins],
    )
