"""Budgets: how much a person, a project or a key may spend in a day, in a month, or at all. They count on every key,
also where nobody pays the house.

A run reserves its estimate in each budget that it touches, and its true cost replaces it. The rows are locked in the
order of their ids, those of all runs of a batch at once, so the counters are exact however many ask at the same time.
"""

import zlib
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from kontor.billing.errors import BudgetReached
from kontor.core.bulk import Bulk, Named, fetch
from kontor.core.clock import now
from kontor.core.database import elevated
from kontor.core.events.publishing import JSON, person_topic, publish
from kontor.core.ids import UserId, new_id
from kontor.core.money import MOST_NANO
from kontor.core.units import Record, Unit
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

# Of whom a spender is made, as three arguments: `subjects`.
ARE_TOUCHED = """
    (subject = 'person' AND subject_id = ANY($1::uuid[]))
    OR (subject = 'project' AND subject_id = ANY($2::uuid[]))
    OR (subject = 'key' AND subject_id = ANY($3::uuid[]))
"""
_TOUCHED = f"SELECT {COLUMNS} FROM budget WHERE {ARE_TOUCHED} ORDER BY id FOR UPDATE"  # noqa: S608 - our own words
_OF_RUNS = f"""
    SELECT {COLUMNS} FROM budget WHERE id IN (SELECT budget_id FROM budget_hold WHERE run_id = ANY($1::uuid[]))
    ORDER BY id FOR UPDATE
"""  # noqa: S608
_HELD = "SELECT DISTINCT run_id FROM budget_hold WHERE run_id = ANY($1::uuid[])"
_RELEASE = "DELETE FROM budget_hold WHERE run_id = ANY($1::uuid[]) RETURNING run_id, budget_id, amount_nano"
_STORE = Bulk(
    """
    WITH held AS (
        INSERT INTO budget_hold (run_id, budget_id, amount_nano, expires_at)
        SELECT run_id, budget_id, amount, expires_at FROM {hold}
    )
    UPDATE budget SET
        period_from = counter.period_from, spent_nano = counter.spent, held_nano = counter.held,
        warned_at = counter.warned_at
    FROM {counter} WHERE budget.id = counter.id
    """,
    hold={"run_id": "uuid", "budget_id": "uuid", "amount": "bigint", "expires_at": "timestamptz"},
    counter={
        "id": "uuid",
        "period_from": "timestamptz",
        "spent": "bigint",
        "held": "bigint",
        "warned_at": "timestamptz",
    },
)
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
_FORGET = text("DELETE FROM budget WHERE subject = :subject AND subject_id = ANY(CAST(:ids AS uuid[]))")


def budget_of(row: Named) -> Budget:
    return Budget(
        id=row["id"],
        owner_id=UserId(row["owner_id"]),
        subject=row["subject"],
        subject_id=row["subject_id"],
        period=row["period"],
        currency=row["currency"],
        limit=row["limit_nano"],
        is_stop=row["is_stop"],
        warn_percent=row["warn_percent"],
        is_by_admin=row["is_by_admin"],
        timezone=row["timezone"],
        period_from=row["period_from"],
        spent=row["spent_nano"],
        held=row["held_nano"],
        warned_at=row["warned_at"],
        version=row["version"],
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


Amounts = Mapping[str, int]  # currency -> the same amount in it


@dataclass(frozen=True, slots=True)
class Spender:
    """Whose budgets a run touches."""

    payer: UserId
    project_id: UUID | None
    key_id: UUID | None


def subjects(spenders: Collection[Spender]) -> tuple[list[UUID], list[UUID], list[UUID]]:
    """The arguments of `ARE_TOUCHED`."""
    return (
        list({each.payer for each in spenders}),
        list({each.project_id for each in spenders if each.project_id is not None}),
        list({each.key_id for each in spenders if each.key_id is not None}),
    )


class Counters:
    """The locked budgets of a batch of runs. What is decided here counts for the next run at once, and is written for
    all of them by `store`."""

    def __init__(self, found: Sequence[Budget], at: datetime) -> None:
        self._at = at
        self._all = {budget.id: Counter.at(budget, at) for budget in found}
        self._by_subject: dict[tuple[str, UUID], list[Counter]] = defaultdict(list)
        for counter in self._all.values():
            self._by_subject[counter.budget.subject, counter.budget.subject_id].append(counter)
        self._holds: list[dict[str, object]] = []
        self._changed: dict[UUID, Counter] = {}

    def __bool__(self) -> bool:
        return bool(self._all)

    @property
    def currencies(self) -> set[str]:
        return {counter.budget.currency for counter in self._all.values()}

    def touched(self, spender: Spender) -> list[Counter]:
        subjects = (("person", spender.payer), ("project", spender.project_id), ("key", spender.key_id))
        return [
            counter
            for name, subject in subjects
            if subject is not None
            for counter in self._by_subject.get((name, subject), ())
        ]

    def of(self, budget_id: UUID) -> Counter:
        return self._all[budget_id]

    def reserve(self, touched: Sequence[Counter], amounts: Amounts, *, run_id: UUID, expires_at: datetime) -> None:
        for counter in touched:
            amount = amounts[counter.budget.currency]
            counter.held += amount
            self._changed[counter.budget.id] = counter
            self._holds.append(
                {"run_id": run_id, "budget_id": counter.budget.id, "amount": amount, "expires_at": expires_at}
            )

    def count(self, counter: Counter, *, reserved: int, spent: int) -> bool:
        """Whether its owner is to be warned now."""
        counter.held -= reserved
        counter.spent += spent
        self._changed[counter.budget.id] = counter
        if counter.spent >= counter.budget.warns_at and counter.warned_at is None and counter.spent:
            counter.warned_at = self._at
            return True
        return False

    async def store(self, unit: Unit) -> None:
        if not self._changed:
            return
        counters = [
            {
                "id": counter.budget.id,
                "period_from": counter.period_from,
                "spent": min(counter.spent, MOST_NANO),
                "held": counter.held,
                "warned_at": counter.warned_at,
            }
            for counter in self._changed.values()
        ]
        await _STORE.run(unit, hold=self._holds, counter=counters)


NONE = Counters([], datetime.min.replace(tzinfo=UTC))


async def lock_touched(unit: Unit, spenders: Collection[Spender]) -> Counters:
    """Locked, in the order of their ids."""
    return Counters([budget_of(row) for row in await fetch(unit, _TOUCHED, *subjects(spenders))], now())


async def held_before(unit: Unit, runs: Sequence[UUID]) -> set[UUID]:
    """A run that has reserved before needs nothing more."""
    return {row["run_id"] for row in await fetch(unit, _HELD, runs)}


async def lock_of_runs(unit: Unit, runs: Sequence[UUID]) -> Counters:
    return Counters([budget_of(row) for row in await fetch(unit, _OF_RUNS, runs)], now())


async def count(unit: Unit, counters: Counters, spent: Mapping[UUID, Amounts]) -> None:
    """What was reserved goes, what was spent is counted, run by run. The second time there is nothing reserved, and
    nothing happens. `counters` are those of `lock_of_runs`."""
    if not counters:
        return
    reserved: dict[UUID, list[Record]] = defaultdict(list)
    for row in await fetch(unit, _RELEASE, list(spent)):
        reserved[row["run_id"]].append(row)
    for run_id, amounts in spent.items():
        for row in reserved[run_id]:
            counter = counters.of(row["budget_id"])
            amount = amounts.get(counter.budget.currency, 0)
            if counters.count(counter, reserved=row["amount_nano"], spent=amount):
                await _warn(unit, counter)
    await counters.store(unit)


async def _warn(unit: Unit, counter: Counter) -> None:
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
        present = [budget_of(row) for row in (await unit.execute(_OF_SUBJECT, values)).mappings()]
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


async def forget(unit: AsyncSession, subject: Subject, ids: Sequence[UUID]) -> None:
    """With what they were for."""
    async with elevated(unit, "billing"):
        await unit.execute(_FORGET, {"subject": subject, "ids": list(ids)})


def version_of(budgets: Sequence[Budget]) -> int:
    """Of a set: another number after each change of one of its own, so that two windows do not overwrite each other."""
    told = ",".join(sorted(f"{budget.id}:{budget.version}" for budget in budgets))
    return zlib.crc32(told.encode()) % 1_000_000_000


async def list_of(unit: AsyncSession, owner: UserId) -> Sequence[Budget]:
    """As they are now: a period that is over is shown as the new one, in which nothing is spent yet."""
    at = now()
    found = [budget_of(row) for row in (await unit.execute(_MINE, {"owner": owner})).mappings()]
    return [current(budget, at) for budget in found]


def current(budget: Budget, at: datetime) -> Budget:
    counter = Counter.at(budget, at)
    return replace(budget, period_from=counter.period_from, spent=counter.spent, warned_at=counter.warned_at)
