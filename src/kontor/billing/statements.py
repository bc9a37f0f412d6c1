"""What people and administrators see of the books: entries, grants, and the state of the house's purse."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from kontor.core.clock import now
from kontor.core.ids import UserId

# Of each entry what it did to its owner: credit less debt. What takes a charge back is about the same run.
_ENTRIES = text("""
    SELECT e.id, e.at, e.kind, e.currency, e.note,
        CASE WHEN coalesce(r.source, e.source) = 'run' THEN coalesce(r.source_id, e.source_id) END AS run_id,
        coalesce((
            SELECT sum(p.amount_nano) FROM ledger_posting p
            WHERE p.entry_id = e.id AND p.account IN ('purchased', 'granted', 'debt')
        ), 0)::bigint AS nano,
        EXISTS (SELECT 1 FROM ledger_entry c WHERE c.reverses_id = e.id) AS is_given_back
    FROM ledger_entry e LEFT JOIN ledger_entry r ON r.id = e.reverses_id
    WHERE e.owner_id = :owner
        AND (CAST(:after_at AS timestamptz) IS NULL OR (e.at, e.id) < (:after_at, CAST(:after_id AS uuid)))
    ORDER BY e.at DESC, e.id DESC LIMIT :limit
""")
_SPENT = text("""
    SELECT coalesce(sum(p.amount_nano), 0)::bigint
    FROM ledger_entry e JOIN ledger_posting p ON p.entry_id = e.id AND p.account = 'revenue'
    WHERE e.owner_id = :owner AND e.at >= :since
""")
_GRANTS = text("""
    SELECT g.id, g.owner_id AS user_id, coalesce(nullif(person.name, ''), person.email, g.owner_id::text) AS person,
        w.currency, g.amount_nano AS nano, g.remaining_nano, g.expires_at, g.note, g.created_at
    FROM credit_grant g JOIN wallet w ON w.owner_id = g.owner_id LEFT JOIN person ON person.id = g.owner_id
    WHERE (CAST(:owner AS uuid) IS NULL OR g.owner_id = :owner)
        AND (CAST(:after_at AS timestamptz) IS NULL OR (g.created_at, g.id) < (:after_at, CAST(:after_id AS uuid)))
    ORDER BY g.created_at DESC, g.id DESC LIMIT :limit
""")
# Where the numbers of a receipt are from: what stands in a run itself are ids and sums.
_TRACES = text("""
    SELECT (SELECT source FROM exchange_day WHERE id = CAST(:rate AS uuid)) AS rate_source,
        (SELECT provider FROM model_price WHERE id = CAST(:price AS uuid)) AS price_provider,
        (SELECT model FROM model_price WHERE id = CAST(:price AS uuid)) AS price_model,
        (
            SELECT coalesce(-sum(p.amount_nano), 0) FROM ledger_entry e
            JOIN ledger_entry c ON c.reverses_id = e.id
            JOIN ledger_posting p ON p.entry_id = c.id AND p.account = 'revenue'
            WHERE e.source = 'run' AND e.source_id = CAST(:run AS text) AND e.kind = 'settle' AND e.owner_id = :reader
        )::bigint AS given_back
""")
_GIVEN_BACK = text("""
    SELECT e.currency, (-sum(p.amount_nano))::bigint AS nano
    FROM ledger_entry e JOIN ledger_posting p ON p.entry_id = e.id AND p.account = 'revenue'
    WHERE e.kind = 'correction' AND e.at >= :since AND e.at < :until GROUP BY e.currency
""")
_TOTALS = text("""
    SELECT currency, count(*) AS wallets, sum(purchased_nano)::bigint AS purchased,
        sum(granted_nano)::bigint AS granted, sum(held_nano)::bigint AS held, sum(debt_nano)::bigint AS debt
    FROM wallet GROUP BY currency ORDER BY currency
""")

AVERAGED = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Shown:
    id: UUID
    at: datetime
    kind: str
    nano: int
    currency: str
    note: str | None
    run_id: UUID | None
    is_given_back: bool


Place = tuple[datetime, UUID]


async def entries(unit: AsyncSession, owner: UserId, *, after: Place | None, limit: int) -> Sequence[Shown]:
    """Newest first."""
    values = {"owner": owner, "after_at": after and after[0], "after_id": after and after[1], "limit": limit}
    return [
        Shown(
            row.id,
            row.at,
            row.kind,
            row.nano,
            row.currency,
            row.note or None,
            None if row.run_id is None else UUID(row.run_id),
            row.is_given_back,
        )
        for row in await unit.execute(_ENTRIES, values)
    ]


async def spent_since(unit: AsyncSession, owner: UserId, since: datetime) -> int:
    """What runs were charged."""
    return int(await unit.scalar(_SPENT, {"owner": owner, "since": since}) or 0)


async def lasts_until(unit: AsyncSession, owner: UserId, available: int) -> datetime | None:
    """If it goes on as in the last thirty days; nothing where nothing was spent or no date is in sight."""
    spent = await spent_since(unit, owner, now() - AVERAGED)
    if spent <= 0 or available <= 0:
        return None
    lasting = AVERAGED * (available / spent)
    return now() + lasting if lasting < timedelta(days=3650) else None


async def grants(unit: AsyncSession, owner: UserId | None, *, after: Place | None, limit: int) -> Sequence[Any]:
    values = {"owner": owner, "after_at": after and after[0], "after_id": after and after[1], "limit": limit}
    return (await unit.execute(_GRANTS, values)).all()


@dataclass(frozen=True, slots=True)
class Traces:
    rate_source: str | None = None
    price_provider: str | None = None
    price_model: str | None = None
    given_back_nano: int = 0


async def traces(
    unit: AsyncSession, reader: UserId, *, run_id: UUID, price_id: UUID | None, rate_id: UUID | None
) -> Traces:
    values = {"reader": reader, "run": str(run_id), "price": price_id, "rate": rate_id}
    row = (await unit.execute(_TRACES, values)).one()
    return Traces(row.rate_source, row.price_provider, row.price_model, row.given_back)


async def given_back(unit: AsyncSession, since: datetime, until: datetime) -> Mapping[str, int]:
    """To everybody, by currency. Needs an administrator's unit."""
    rows = await unit.execute(_GIVEN_BACK, {"since": since, "until": until})
    return {row.currency: row.nano for row in rows}


@dataclass(frozen=True, slots=True)
class Total:
    currency: str
    wallets: int
    purchased: int
    granted: int
    held: int
    debt: int


async def totals(unit: AsyncSession) -> Sequence[Total]:
    """What the house owes its people and they it, by currency."""
    return [
        Total(row.currency, row.wallets, row.purchased, row.granted, row.held, row.debt)
        for row in await unit.execute(_TOTALS)
    ]
