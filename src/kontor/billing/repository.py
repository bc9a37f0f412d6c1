"""Every query on wallets, holds and the ledger. The caller is in a unit that keeps the books (`elevated`).

Locks are taken in one order everywhere, so that no two deeds wait for each other in a ring: budgets by their id, then
the wallet, then the hold. Grants and top-ups are guarded by their wallet's lock. Whoever ends a hold has the wallet's
lock and the hold's, and finds it ended or ends it: of two that settle one run, the second sees what the first did.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from kontor.billing.purse import Grant, Posting, Purse
from kontor.core.clock import now
from kontor.core.ids import UserId, new_id


@dataclass(frozen=True, slots=True)
class Wallet:
    owner_id: UserId
    currency: str
    purse: Purse


@dataclass(frozen=True, slots=True)
class Hold:
    run_id: UUID
    owner_id: UserId
    currency: str
    amount: int
    state: str
    charged: int
    released: int


@dataclass(frozen=True, slots=True)
class Entry:
    kind: str
    source: str
    source_id: str
    postings: Sequence[Posting]
    provider_usd_nano: int = 0
    reverses_id: UUID | None = None
    note: str = ""


WALLET = "w.owner_id, w.currency, w.purchased_nano, w.granted_nano, w.held_nano, w.debt_nano"
HOLD = "h.run_id, h.state, h.currency AS hold_currency, h.amount_nano, h.charged_nano, h.released_nano"

_READ = text(f"SELECT {WALLET} FROM wallet w WHERE w.owner_id = :owner")  # noqa: S608 - our own words
_LOCK = text(f"SELECT {WALLET} FROM wallet w WHERE w.owner_id = :owner FOR UPDATE")  # noqa: S608
_LOCK_FOR_RUN = text(f"""
    SELECT {WALLET}, {HOLD} FROM credit_hold h JOIN wallet w ON w.owner_id = h.owner_id
    WHERE h.run_id = :run FOR UPDATE OF w, h
""")  # noqa: S608
_HOLD = text(f"SELECT {HOLD}, h.owner_id FROM credit_hold h WHERE h.run_id = :run")  # noqa: S608
_GRANTS = text("""
    SELECT id, remaining_nano, expires_at FROM credit_grant WHERE owner_id = :owner AND remaining_nano > 0
    ORDER BY expires_at NULLS LAST, created_at, id
""")
_OPEN = text("""
    INSERT INTO wallet (owner_id, currency, created_at, updated_at) VALUES (:owner, :currency, :at, :at)
    ON CONFLICT (owner_id) DO NOTHING
""")

# The one statement by which money is promised to a run. Whether there is enough is decided by the row itself, so it
# does not matter how many ask at the same time.
_TAKE = text("""
    WITH taken AS (
        UPDATE wallet SET held_nano = held_nano + :amount, updated_at = :at
        WHERE owner_id = :owner AND currency = :currency
            AND purchased_nano + granted_nano - held_nano - debt_nano >= :amount
            AND (:is_swept OR next_expiry_at IS NULL OR next_expiry_at > :at)
            AND NOT EXISTS (SELECT FROM credit_hold WHERE run_id = :run)
        RETURNING owner_id, currency
    )
    INSERT INTO credit_hold (run_id, owner_id, currency, amount_nano, created_at, expires_at)
    SELECT :run, owner_id, currency, :amount, :at, :expires FROM taken
    RETURNING run_id
""")
_STORE = text("""
    UPDATE wallet SET purchased_nano = :purchased, granted_nano = :granted, held_nano = :held, debt_nano = :debt,
        next_expiry_at = :next, updated_at = :at
    WHERE owner_id = :owner
""")
_STORE_GRANTS = text("""
    UPDATE credit_grant g SET remaining_nano = n.remaining
    FROM unnest(CAST(:ids AS uuid[]), CAST(:remaining AS bigint[])) AS n (id, remaining) WHERE g.id = n.id
""")
_ADD_GRANT = text("""
    INSERT INTO credit_grant (id, owner_id, amount_nano, remaining_nano, expires_at, note, granted_by, created_at)
    VALUES (:id, :owner, :amount, :amount, :expires, :note, :by, :at)
""")
# All that the end of a run changes, in one statement: it is the busiest deed of all, and holds the wallet's lock.
_END = text("""
    WITH hold AS (
        UPDATE credit_hold SET state = :state, charged_nano = :charged, released_nano = :released,
            provider_usd_nano = :provider, is_estimated = :is_estimated, ended_at = :at
        WHERE run_id = :run
    ), purse AS (
        UPDATE wallet SET purchased_nano = :purchased, granted_nano = :granted, held_nano = :held, debt_nano = :debt,
            next_expiry_at = :next, updated_at = :at
        WHERE owner_id = :owner
    ), drawn AS (
        UPDATE credit_grant g SET remaining_nano = n.remaining
        FROM unnest(CAST(:ids AS uuid[]), CAST(:remaining AS bigint[])) AS n (id, remaining) WHERE g.id = n.id
    ), entry AS (
        INSERT INTO ledger_entry (id, owner_id, kind, source, source_id, currency, provider_usd_nano, at)
        SELECT :id, :owner, :kind, :source, :source_id, :currency, :provider, :at
        WHERE cardinality(CAST(:accounts AS text[])) > 0
        RETURNING id, owner_id
    )
    INSERT INTO ledger_posting (entry_id, number, owner_id, account, grant_id, amount_nano)
    SELECT entry.id, line.number, entry.owner_id, line.account, line.grant_id, line.amount
    FROM entry, unnest(CAST(:accounts AS text[]), CAST(:grants AS uuid[]), CAST(:amounts AS bigint[]))
        WITH ORDINALITY AS line (account, grant_id, amount, number)
""")
# Looked up first: a second arrival is the rule with webhooks and jobs, and an error of the database ends the unit.
_KNOWN = text("SELECT id FROM ledger_entry WHERE source = :source AND source_id = :source_id AND kind = :kind")
_BOOK = text("""
    WITH entry AS (
        INSERT INTO ledger_entry
            (id, owner_id, kind, source, source_id, currency, provider_usd_nano, reverses_id, note, at)
        VALUES (:id, :owner, :kind, :source, :source_id, :currency, :provider, :reverses, :note, :at)
        RETURNING id, owner_id
    )
    INSERT INTO ledger_posting (entry_id, number, owner_id, account, grant_id, amount_nano)
    SELECT entry.id, line.number, entry.owner_id, line.account, line.grant_id, line.amount
    FROM entry, unnest(CAST(:accounts AS text[]), CAST(:grants AS uuid[]), CAST(:amounts AS bigint[]))
        WITH ORDINALITY AS line (account, grant_id, amount, number)
""")


async def read(unit: AsyncSession, owner: UserId) -> Wallet | None:
    row = (await unit.execute(_READ, {"owner": owner})).one_or_none()
    return None if row is None else await _wallet(unit, row)


async def lock(unit: AsyncSession, owner: UserId) -> Wallet | None:
    row = (await unit.execute(_LOCK, {"owner": owner})).one_or_none()
    return None if row is None else await _wallet(unit, row)


async def open_wallet(unit: AsyncSession, owner: UserId, currency: str) -> Wallet:
    """Locked, and made when it is first needed. Its currency is that of the house on this day, and stays."""
    await unit.execute(_OPEN, {"owner": owner, "currency": currency, "at": now()})
    found = await lock(unit, owner)
    if found is None:
        raise LookupError("A wallet that was just made is not there.")
    return found


async def lock_for_run(unit: AsyncSession, run_id: UUID) -> tuple[Wallet, Hold] | None:
    """Both rows as they are once the locks are ours: PostgreSQL reads them anew if it had to wait."""
    row = (await unit.execute(_LOCK_FOR_RUN, {"run": run_id})).one_or_none()
    return None if row is None else (await _wallet(unit, row), _hold(row))


async def find_hold(unit: AsyncSession, run_id: UUID) -> Hold | None:
    row = (await unit.execute(_HOLD, {"run": run_id})).one_or_none()
    return None if row is None else _hold(row)


async def _wallet(unit: AsyncSession, row: Any) -> Wallet:
    grants: tuple[Grant, ...] = ()
    if row.granted_nano:
        found = await unit.execute(_GRANTS, {"owner": row.owner_id})
        grants = tuple(Grant(each.id, each.remaining_nano, each.expires_at) for each in found)
    purse = Purse(purchased=row.purchased_nano, held=row.held_nano, debt=row.debt_nano, grants=grants)
    return Wallet(UserId(row.owner_id), row.currency, purse)


def _hold(row: Any) -> Hold:
    return Hold(
        run_id=row.run_id,
        owner_id=UserId(row.owner_id),
        currency=row.hold_currency,
        amount=row.amount_nano,
        state=row.state,
        charged=row.charged_nano,
        released=row.released_nano,
    )


async def take(
    unit: AsyncSession,
    *,
    run_id: UUID,
    owner: UserId,
    currency: str,
    amount: int,
    at: datetime,
    expires_at: datetime,
    is_swept: bool = False,
) -> bool:
    values = {
        "run": run_id,
        "owner": owner,
        "currency": currency,
        "amount": amount,
        "at": at,
        "expires": expires_at,
        "is_swept": is_swept,
    }
    return (await unit.execute(_TAKE, values)).one_or_none() is not None


async def store(unit: AsyncSession, before: Wallet, after: Purse, *, made: Sequence[Grant] = ()) -> None:
    """What a deed made of a locked wallet. `made` are new grants: they have their rows already, with all of what was
    granted, and debt may have taken of it at once."""
    await unit.execute(_STORE, _purse(before, after))
    if changed := _changed((*before.purse.grants, *made), after):
        await unit.execute(_STORE_GRANTS, {"ids": list(changed), "remaining": list(changed.values())})


def _purse(before: Wallet, after: Purse) -> dict[str, Any]:
    return {
        "owner": before.owner_id,
        "purchased": after.purchased,
        "granted": after.granted,
        "held": after.held,
        "debt": after.debt,
        "next": after.next_expiry,
        "at": now(),
    }


def _changed(before: Sequence[Grant], after: Purse) -> dict[UUID, int]:
    was = {grant.id: grant.remaining for grant in before}
    remains = {**dict.fromkeys(was, 0), **{grant.id: grant.remaining for grant in after.grants}}
    return {grant_id: left for grant_id, left in remains.items() if was.get(grant_id) != left}


async def add_grant(
    unit: AsyncSession, owner: UserId, grant: Grant, *, note: str = "", by: UserId | None = None
) -> None:
    values = {
        "id": grant.id,
        "owner": owner,
        "amount": grant.remaining,
        "expires": grant.expires_at,
        "note": note,
        "by": by,
        "at": now(),
    }
    await unit.execute(_ADD_GRANT, values)


@dataclass(frozen=True, slots=True)
class Ended:
    """How a run's hold ends. Both of its rows are locked, and it was found open, or expired."""

    run_id: UUID
    state: str
    charged: int = 0
    released: int = 0
    provider_usd_nano: int = 0
    is_estimated: bool = False


async def end_hold(unit: AsyncSession, before: Wallet, after: Purse, ended: Ended, entry: Entry) -> None:
    changed = _changed(before.purse.grants, after)
    values = {
        **_purse(before, after),
        "run": ended.run_id,
        "state": ended.state,
        "charged": ended.charged,
        "released": ended.released,
        "provider": ended.provider_usd_nano,
        "is_estimated": ended.is_estimated,
        "ids": list(changed),
        "remaining": list(changed.values()),
        "id": new_id(),
        "kind": entry.kind,
        "source": entry.source,
        "source_id": entry.source_id,
        "currency": before.currency,
        **_lines(entry),
    }
    await unit.execute(_END, values)


async def is_booked(unit: AsyncSession, *, source: str, source_id: str, kind: str) -> UUID | None:
    found: UUID | None = await unit.scalar(_KNOWN, {"source": source, "source_id": source_id, "kind": kind})
    return found


async def book(unit: AsyncSession, wallet: Wallet, entry: Entry) -> UUID | None:
    """Nothing where nothing moved. The same source, number and kind a second time is refused by the database."""
    if not entry.postings:
        return None
    entry_id = new_id()
    values = {
        "id": entry_id,
        "owner": wallet.owner_id,
        "kind": entry.kind,
        "source": entry.source,
        "source_id": entry.source_id,
        "currency": wallet.currency,
        "provider": entry.provider_usd_nano,
        "reverses": entry.reverses_id,
        "note": entry.note,
        "at": now(),
        **_lines(entry),
    }
    await unit.execute(_BOOK, values)
    return entry_id


def _lines(entry: Entry) -> dict[str, Any]:
    return {
        "accounts": [posting.account for posting in entry.postings],
        "grants": [posting.grant_id for posting in entry.postings],
        "amounts": [posting.amount for posting in entry.postings],
    }
