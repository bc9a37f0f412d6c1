"""Budgets: how much a person, a project or a key may spend in a day, in a month, or at all. They count on every key,
also where nobody pays the house.

A run reserves its estimate in each budget that it touches, and its true cost replaces it. The rows are locked in the
order of their ids, so the counters are exact however many ask at once.
"""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from kontor.billing.errors import BudgetReached
from kontor.core.clock import now
from kontor.core.database import elevated
from kontor.core.events.publishing import JSON, person_topic, publish
from kontor.core.ids import UserId, new_id
from kontor.core.money import MOST_NANO
from kontor.core.versions import refuse_stale

Subject = Literal["person", "project", "key"]
Period = Literal["day", "month", "total"]


@dataclass(frozen=True, slots=True)
class Budget:
    id: UUID
    owner_id: UserId
    subject: Subject
    subject_id: UUID
    period: Period
    currency: str
    limit: int
    is_stop: bool
    warn_percent: int
    is_by_admin: bool
    timezone: str
    period_from: datetime
    spent: int
    held: int
    warned_at: datetime | None
    version: int

    @property
    def left(self) -> int:
        return max(self.limit - self.spent - self.held, 0)

    @property
    def warns_at(self) -> int:
        return self.limit * self.warn_percent // 100


def period_start(period: Period, at: datetime, timezone: str) -> datetime:
    """Where the day or month began in whose time zone the budget is kept."""
    if period == "total":
        return datetime.min.replace(year=2000, tzinfo=at.tzinfo)
    here = at.astimezone(ZoneInfo(timezone))
    midnight = here.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    return midnight if period == "day" else midnight.replace(day=1)


def period_end(period: Period, start: datetime, timezone: str) -> datetime | None:
    if period == "total":
        return None
    here = start.astimezone(ZoneInfo(timezone))
    # Days are counted on the calendar: when clocks change, one has 23 hours and one 25.
    return here + timedelta(days=1) if period == "day" else (here + timedelta(days=32)).replace(day=1)


COLUMNS = """id, owner_id, subject, subject_id, period, currency, limit_nano, is_stop, warn_percent, is_by_admin,
    timezone, period_from, spent_nano, held_nano, warned_at, version"""

_TOUCHED = text(f"""
    SELECT {COLUMNS} FROM budget
    WHERE (subject = 'person' AND subject_id = :person)
        OR (subject = 'project' AND subject_id = CAST(:project AS uuid))
        OR (subject = 'key' AND subject_id = CAST(:key AS uuid))
    ORDER BY id FOR UPDATE
""")  # noqa: S608 - our own words
_OF_RUN = text(f"""
    SELECT {COLUMNS}, (SELECT amount_nano FROM budget_hold h WHERE h.run_id = :run AND h.budget_id = b.id) AS reserved
    FROM budget b WHERE id IN (SELECT budget_id FROM budget_hold WHERE run_id = :run)
    ORDER BY id FOR UPDATE OF b
""")  # noqa: S608
_STORE = text("""
    UPDATE budget SET period_from = :from, spent_nano = :spent, held_nano = :held, warned_at = :warned WHERE id = :id
""")
_RESERVE = text("""
    INSERT INTO budget_hold (run_id, budget_id, amount_nano, expires_at) VALUES (:run, :budget, :amount, :expires)
""")
_RELEASE = text("DELETE FROM budget_hold WHERE run_id = :run RETURNING budget_id, amount_nano")
_KNOWN = text("SELECT 1 FROM budget_hold WHERE run_id = :run LIMIT 1")
_EXPIRED = text("SELECT DISTINCT run_id FROM budget_hold WHERE expires_at < :before LIMIT :batch")
_MINE = text(f"""
    SELECT {COLUMNS} FROM budget WHERE owner_id = :owner ORDER BY subject, period, is_by_admin, id
""")  # noqa: S608
_OF_SUBJECT = text(f"""
    SELECT {COLUMNS} FROM budget
    WHERE subject = :subject AND subject_id = :subject_id AND is_by_admin = :by_admin ORDER BY id FOR UPDATE
""")  # noqa: S608
_PUT = text("""
    INSERT INTO budget (id, owner_id, subject, subject_id, period, currency, limit_nano, is_stop, warn_percent,
        is_by_admin, timezone, period_from, spent_nano)
    VALUES (:id, :owner, :subject, :subject_id, :period, :currency, :limit, :is_stop, :warn, :by_admin, :timezone,
        :from, :spent)
    ON CONFLICT (subject, subject_id, period, is_by_admin) DO UPDATE SET
        limit_nano = excluded.limit_nano, is_stop = excluded.is_stop, warn_percent = excluded.warn_percent,
        version = budget.version + 1, warned_at = NULL
    WHERE (budget.limit_nano, budget.is_stop, budget.warn_percent)
        IS DISTINCT FROM (excluded.limit_nano, excluded.is_stop, excluded.warn_percent)
""")
_DELETE = text("DELETE FROM budget WHERE id = :id")


def _budget(row: Any) -> Budget:
    return Budget(
        id=row.id,
        owner_id=UserId(row.owner_id),
        subject=row.subject,
        subject_id=row.subject_id,
        period=row.period,
        currency=row.currency,
        limit=row.limit_nano,
        is_stop=row.is_stop,
        warn_percent=row.warn_percent,
        is_by_admin=row.is_by_admin,
        timezone=row.timezone,
        period_from=row.period_from,
        spent=row.spent_nano,
        held=row.held_nano,
        warned_at=row.warned_at,
        version=row.version,
    )


@dataclass(slots=True)
class Counter:
    """A budget's row in our hands. A new day or month begins with nothing spent; what runs hold goes on."""

    budget: Budget
    period_from: datetime
    spent: int
    held: int
    warned_at: datetime | None

    @classmethod
    def at(cls, budget: Budget, moment: datetime) -> "Counter":
        start = period_start(budget.period, moment, budget.timezone)
        if start > budget.period_from:
            return cls(budget, start, 0, budget.held, None)
        return cls(budget, budget.period_from, budget.spent, budget.held, budget.warned_at)

    def refuse(self, amount: int) -> None:
        taken = self.spent + self.held
        # A run that costs nothing may go on even when everything is spent.
        if not self.budget.is_stop or amount == 0 or taken + amount <= self.budget.limit:
            return
        raise BudgetReached(
            self.budget.id,
            subject=self.budget.subject,
            period=self.budget.period,
            limit=self.budget.limit,
            left=max(self.budget.limit - taken, 0),
            needed=amount,
            currency=self.budget.currency,
            resets_at=period_end(self.budget.period, self.period_from, self.budget.timezone),
        )

    async def store(self, unit: AsyncSession) -> None:
        values = {
            "id": self.budget.id,
            "from": self.period_from,
            "spent": min(self.spent, MOST_NANO),
            "held": self.held,
            "warned": self.warned_at,
        }
        await unit.execute(_STORE, values)


Amounts = Mapping[str, int]  # currency -> the same amount in it


async def touched(
    unit: AsyncSession, *, payer: UserId, project_id: UUID | None, key_id: UUID | None
) -> Sequence[Budget]:
    """The budgets that a run touches, locked, so that the caller knows in which currencies its estimate is needed."""
    found = await unit.execute(_TOUCHED, {"person": payer, "project": project_id, "key": key_id})
    return [_budget(row) for row in found]


async def check(unit: AsyncSession, budgets: Sequence[Budget], amounts: Amounts, *, run_id: UUID) -> Sequence[Counter]:
    """Raises BudgetReached where one of them has too little left; writes nothing. `budgets` are the locked rows of
    `touched`. A run that has reserved before needs nothing more."""
    if not budgets or await unit.scalar(_KNOWN, {"run": run_id}):
        return []
    at = now()
    counters = [Counter.at(budget, at) for budget in budgets]
    for counter in counters:
        counter.refuse(amounts[counter.budget.currency])
    return counters


async def reserve(
    unit: AsyncSession, counters: Sequence[Counter], amounts: Amounts, *, run_id: UUID, expires_at: datetime
) -> None:
    for counter in counters:
        amount = amounts[counter.budget.currency]
        values = {"run": run_id, "budget": counter.budget.id, "amount": amount, "expires": expires_at}
        await unit.execute(_RESERVE, values)
        counter.held += amount
        await counter.store(unit)


async def of_run(unit: AsyncSession, run_id: UUID) -> Sequence[Budget]:
    """Locked, in the order of their ids."""
    return [_budget(row) for row in await unit.execute(_OF_RUN, {"run": run_id})]


async def count(unit: AsyncSession, budgets: Sequence[Budget], amounts: Amounts, *, run_id: UUID) -> None:
    """What was reserved goes, what was spent is counted. The second time there is nothing reserved, and nothing
    happens. `budgets` are the locked rows of `of_run`."""
    if not budgets:
        return
    reserved = {row.budget_id: row.amount_nano for row in await unit.execute(_RELEASE, {"run": run_id})}
    at = now()
    for counter in (Counter.at(budget, at) for budget in budgets if budget.id in reserved):
        counter.held -= reserved[counter.budget.id]
        counter.spent += amounts.get(counter.budget.currency, 0)
        if counter.spent >= counter.budget.warns_at and counter.warned_at is None and counter.spent:
            counter.warned_at = at
            await _warn(unit, counter)
        await counter.store(unit)


async def _warn(unit: AsyncSession, counter: Counter) -> None:
    budget = counter.budget
    data: dict[str, JSON] = {
        "reason": "budget",
        "budget_id": str(budget.id),
        "percent": 100 if budget.limit == 0 else min(counter.spent * 100 // budget.limit, 999),
    }
    await publish(unit, topic=person_topic(budget.owner_id), kind="billing.changed", data=data)


async def expired(unit: AsyncSession, *, before: datetime, batch: int) -> Sequence[UUID]:
    return list((await unit.execute(_EXPIRED, {"before": before, "batch": batch})).scalars())


@dataclass(frozen=True, slots=True)
class Whose:
    """What a budget is for. The administrators' stands beside one's own, and its owner cannot change it."""

    owner: UserId
    subject: Subject
    subject_id: UUID
    is_by_admin: bool = False


@dataclass(frozen=True, slots=True)
class Wish:
    period: Period
    limit: int
    warn_percent: int
    is_stop: bool
    spent_before: int = 0  # in this period, before there was a budget


async def replace_all(
    unit: AsyncSession, whose: Whose, wishes: Sequence[Wish], *, currency: str, timezone: str, seen: int | None = None
) -> None:
    """One for each period, and no others. Those that stay go on counting."""
    async with elevated(unit, "billing"):
        values = {"subject": whose.subject, "subject_id": whose.subject_id, "by_admin": whose.is_by_admin}
        present = [_budget(row) for row in await unit.execute(_OF_SUBJECT, values)]
        refuse_stale(version_of(present), seen)
        wanted = {wish.period for wish in wishes}
        for budget in present:
            # A sum in another currency is another budget.
            if budget.period not in wanted or budget.currency != currency:
                await unit.execute(_DELETE, {"id": budget.id})
        for wish in wishes:
            await _put(unit, whose, wish, currency, timezone)
    await publish(unit, topic=person_topic(whose.owner), kind="billing.changed", data={"reason": "budgets"})


async def _put(unit: AsyncSession, whose: Whose, wish: Wish, currency: str, timezone: str) -> None:
    values = {
        "id": new_id(),
        "owner": whose.owner,
        "subject": whose.subject,
        "subject_id": whose.subject_id,
        "period": wish.period,
        "currency": currency,
        "limit": wish.limit,
        "is_stop": wish.is_stop,
        "warn": wish.warn_percent,
        "by_admin": whose.is_by_admin,
        "timezone": timezone,
        "from": period_start(wish.period, now(), timezone),
        "spent": wish.spent_before,
    }
    await unit.execute(_PUT, values)


def version_of(budgets: Sequence[Budget]) -> int:
    """Of a set: another number after each change of one of its own, so that two windows do not overwrite each other."""
    told = ",".join(sorted(f"{budget.id}:{budget.version}" for budget in budgets))
    return zlib.crc32(told.encode()) % 1_000_000_000


async def list_of(unit: AsyncSession, owner: UserId) -> Sequence[Budget]:
    """As they are now: a period that is over is shown as the new one, in which nothing is spent yet."""
    at = now()
    found = [_budget(row) for row in await unit.execute(_MINE, {"owner": owner})]
    return [current(budget, at) for budget in found]


def current(budget: Budget, at: datetime) -> Budget:
    counter = Counter.at(budget, at)
    return replace(budget, period_from=counter.period_from, spent=counter.spent, warned_at=counter.warned_at)
