"""Every query on wallets, holds and the ledger. The caller is in a unit that keeps the books (`elevated`).

Locks are taken in one order everywhere, so that no two deeds wait for each other in a ring: wallets by their owner,
then holds, then budgets by their id. Grants and top-ups are guarded by their wallet's lock. Whoever ends a hold has the
wallet's lock and the hold's, and finds it ended or ends it: of two that settle one run, the second sees what the first
did.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from kontor.billing.budgets import ARE_TOUCHED, Spender, subjects
from kontor.billing.purse import Grant, Posting, Purse
from kontor.core.bulk import Bulk, Named, fetch
from kontor.core.clock import now
from kontor.core.ids import UserId, new_id
from kontor.core.units import Unit


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
class Means:
    """What somebody may promise to runs. Their wallet's row is locked."""

    currency: str
    available: int
    next_expiry: datetime | None


@dataclass(frozen=True, slots=True)
class Taken:
    """A hold as it is to be written."""

    run_id: UUID
    owner_id: UserId
    currency: str
    amount: int
    expires_at: datetime


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

_READ = f"SELECT {WALLET} FROM wallet w WHERE w.owner_id = $1"  # noqa: S608 - our own words
_LOCK = f"SELECT {WALLET} FROM wallet w WHERE w.owner_id = $1 FOR UPDATE"  # noqa: S608
# Both say in passing whether there are budgets to be asked: mostly there are none. So both answer a row, even where no
# wallet is found.
_LOCK_MEANS = f"""
    SELECT found.*, EXISTS (SELECT FROM credit_hold WHERE run_id = ANY($5::uuid[])) AS is_known,
        EXISTS (SELECT FROM budget WHERE {ARE_TOUCHED}) AS is_limited
    FROM (SELECT) AS one LEFT JOIN LATERAL (
        SELECT owner_id, currency, purchased_nano + granted_nano - held_nano - debt_nano AS available, next_expiry_at
        FROM wallet WHERE owner_id = ANY($4::uuid[]) ORDER BY owner_id FOR UPDATE
    ) AS found ON true
"""  # noqa: S608
_LOCK_FOR_RUNS = f"""
    SELECT found.*, EXISTS (SELECT FROM budget_hold WHERE run_id = ANY($1::uuid[])) AS is_limited
    FROM (SELECT) AS one LEFT JOIN LATERAL (
        SELECT {WALLET}, {HOLD} FROM credit_hold h JOIN wallet w ON w.owner_id = h.owner_id
        WHERE h.run_id = ANY($1::uuid[]) ORDER BY w.owner_id, h.run_id FOR UPDATE OF w, h
    ) AS found ON true
"""  # noqa: S608
_HOLDS = f"SELECT {HOLD}, h.owner_id FROM credit_hold h WHERE h.run_id = ANY($1::uuid[])"  # noqa: S608
_GRANTS = """
    SELECT id, owner_id, remaining_nano, expires_at FROM credit_grant
    WHERE owner_id = ANY($1::uuid[]) AND remaining_nano > 0
    ORDER BY expires_at NULLS LAST, created_at, id
"""
_OPEN = text("""
    INSERT INTO wallet (owner_id, currency, created_at, updated_at) VALUES (:owner, :currency, :at, :at)
    ON CONFLICT (owner_id) DO NOTHING
""")

# The one statement by which money is promised to runs. Their wallets are locked, so there is as much as was found; that
# there is enough is checked by the rows themselves once more.
_TAKE = Bulk(
    """
    WITH held AS (
        INSERT INTO credit_hold (run_id, owner_id, currency, amount_nano, created_at, expires_at)
        SELECT run_id, owner_id, currency, amount, at, expires_at FROM {hold}
        RETURNING owner_id, amount_nano, created_at
    )
    UPDATE wallet SET held_nano = held_nano + wanted.amount, updated_at = wanted.at
    FROM (
        SELECT owner_id, CAST(sum(amount_nano) AS bigint) AS amount, max(created_at) AS at FROM held GROUP BY owner_id
    ) AS wanted
    WHERE wallet.owner_id = wanted.owner_id
    """,
    hold={
        "run_id": "uuid",
        "owner_id": "uuid",
        "currency": "text",
        "amount": "bigint",
        "at": "timestamptz",
        "expires_at": "timestamptz",
    },
)
_STORE = """
    UPDATE wallet SET purchased_nano = $2, granted_nano = $3, held_nano = $4, debt_nano = $5, next_expiry_at = $6,
        updated_at = $7
    WHERE owner_id = $1
"""
_STORE_GRANTS = """
    UPDATE credit_grant g SET remaining_nano = n.remaining
    FROM unnest($1::uuid[], $2::bigint[]) AS n (id, remaining) WHERE g.id = n.id
"""
_ADD_GRANT = text("""
    INSERT INTO credit_grant (id, owner_id, amount_nano, remaining_nano, expires_at, note, granted_by, created_at)
    VALUES (:id, :owner, :amount, :amount, :expires, :note, :by, :at)
""")
# All that the ends of runs change, in one statement: they are the busiest deeds of all, and hold the wallets' locks.
_END = Bulk(
    """
    WITH ended AS (
        UPDATE credit_hold SET state = hold.state, charged_nano = hold.charged, released_nano = hold.released,
            provider_usd_nano = hold.provider, is_estimated = hold.is_estimated, ended_at = hold.at
        FROM {hold} WHERE credit_hold.run_id = hold.run_id
    ), stored AS (
        UPDATE wallet SET purchased_nano = purse.purchased, granted_nano = purse.granted, held_nano = purse.held,
            debt_nano = purse.debt, next_expiry_at = purse.next, updated_at = purse.at
        FROM {purse} WHERE wallet.owner_id = purse.owner
    ), drawn AS (
        UPDATE credit_grant SET remaining_nano = grants.remaining FROM {grants} WHERE credit_grant.id = grants.id
    ), booked AS (
        INSERT INTO ledger_entry (id, owner_id, kind, source, source_id, currency, provider_usd_nano, at)
        SELECT id, owner, kind, source, source_id, currency, provider, at FROM {entry}
    )
    INSERT INTO ledger_posting (entry_id, number, owner_id, account, grant_id, amount_nano)
    SELECT entry_id, number, owner, account, grant_id, amount FROM {posting}
    """,
    hold={
        "run_id": "uuid",
        "state": "text",
        "charged": "bigint",
        "released": "bigint",
        "provider": "bigint",
        "is_estimated": "boolean",
        "at": "timestamptz",
    },
    purse={
        "owner": "uuid",
        "purchased": "bigint",
        "granted": "bigint",
        "held": "bigint",
        "debt": "bigint",
        "next": "timestamptz",
        "at": "timestamptz",
    },
    grants={"id": "uuid", "remaining": "bigint"},
    entry={
        "id": "uuid",
        "owner": "uuid",
        "kind": "text",
        "source": "text",
        "source_id": "text",
        "currency": "text",
        "provider": "bigint",
        "at": "timestamptz",
    },
    posting={
        "entry_id": "uuid",
        "number": "smallint",
        "owner": "uuid",
        "account": "text",
        "grant_id": "uuid",
        "amount": "bigint",
    },
)
# Looked up first: a second arrival is the rule with webhooks and jobs, and an error of the database ends the unit.
_KNOWN = text("SELECT id FROM ledger_entry WHERE source = :source AND source_id = :source_id AND kind = :kind")
_BOOK = """
    WITH entry AS (
        INSERT INTO ledger_entry
            (id, owner_id, kind, source, source_id, currency, provider_usd_nano, reverses_id, note, at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
        RETURNING id, owner_id
    )
    INSERT INTO ledger_posting (entry_id, number, owner_id, account, grant_id, amount_nano)
    SELECT entry.id, line.number, entry.owner_id, line.account, line.grant_id, line.amount
    FROM entry, unnest($11::text[], $12::uuid[], $13::bigint[])
        WITH ORDINALITY AS line (account, grant_id, amount, number)
"""


async def read(unit: Unit, owner: UserId) -> Wallet | None:
    rows = await fetch(unit, _READ, owner)
    return (await _wallets(unit, rows)).get(owner)


async def lock(unit: Unit, owner: UserId) -> Wallet | None:
    rows = await fetch(unit, _LOCK, owner)
    return (await _wallets(unit, rows)).get(owner)


async def open_wallet(unit: AsyncSession, owner: UserId, currency: str) -> Wallet:
    """Locked, and made when it is first needed. Its currency is that of the house on this day, and stays."""
    await unit.execute(_OPEN, {"owner": owner, "currency": currency, "at": now()})
    found = await lock(unit, owner)
    if found is None:
        raise LookupError("A wallet that was just made is not there.")
    return found


class LockedMeans(NamedTuple):
    of: dict[UserId, Means]  # those who have a wallet
    are_known: bool  # one of the runs has a hold already
    are_limited: bool  # one of the spenders has a budget


async def lock_means(
    unit: Unit, owners: Collection[UserId], runs: Collection[UUID], spenders: Collection[Spender]
) -> LockedMeans:
    rows = await fetch(unit, _LOCK_MEANS, *subjects(spenders), list(owners), list(runs))
    means = {
        UserId(row["owner_id"]): Means(row["currency"], row["available"], row["next_expiry_at"])
        for row in rows
        if row["owner_id"] is not None
    }
    return LockedMeans(means, rows[0]["is_known"], rows[0]["is_limited"])


class LockedRuns(NamedTuple):
    wallets: dict[UserId, Wallet]
    holds: dict[UUID, Hold]
    are_limited: bool  # one of them has reserved in a budget


async def lock_for_runs(unit: Unit, runs: Sequence[UUID]) -> LockedRuns:
    """All rows as they are once the locks are ours: PostgreSQL reads them anew if it had to wait."""
    rows = await fetch(unit, _LOCK_FOR_RUNS, runs)
    held = [row for row in rows if row["run_id"] is not None]
    return LockedRuns(await _wallets(unit, held), {row["run_id"]: _hold(row) for row in held}, rows[0]["is_limited"])


async def find_hold(unit: Unit, run_id: UUID) -> Hold | None:
    return (await find_holds(unit, [run_id])).get(run_id)


async def find_holds(unit: Unit, runs: Collection[UUID]) -> dict[UUID, Hold]:
    return {row["run_id"]: _hold(row) for row in await fetch(unit, _HOLDS, list(runs))}


async def _wallets(unit: Unit, rows: Sequence[Named]) -> dict[UserId, Wallet]:
    found = {UserId(row["owner_id"]): row for row in rows}
    granted = [owner for owner, row in found.items() if row["granted_nano"]]
    grants: dict[UserId, list[Grant]] = defaultdict(list)
    # Asked after the lock, in a statement of its own: one that had to wait for the wallet would show them as they were.
    for each in await fetch(unit, _GRANTS, granted) if granted else ():
        grants[UserId(each["owner_id"])].append(Grant(each["id"], each["remaining_nano"], each["expires_at"]))
    return {
        owner: Wallet(
            owner,
            row["currency"],
            Purse(
                purchased=row["purchased_nano"],
                held=row["held_nano"],
                debt=row["debt_nano"],
                grants=tuple(grants.get(owner, ())),
            ),
        )
        for owner, row in found.items()
    }


def _hold(row: Named) -> Hold:
    return Hold(
        run_id=row["run_id"],
        owner_id=UserId(row["owner_id"]),
        currency=row["hold_currency"],
        amount=row["amount_nano"],
        state=row["state"],
        charged=row["charged_nano"],
        released=row["released_nano"],
    )


async def take(unit: Unit, takings: Sequence[Taken], at: datetime) -> None:
    if takings:
        await _TAKE.run(
            unit,
            hold=[
                {
                    "run_id": each.run_id,
                    "owner_id": each.owner_id,
                    "currency": each.currency,
                    "amount": each.amount,
                    "at": at,
                    "expires_at": each.expires_at,
                }
                for each in takings
            ],
        )


async def store(unit: Unit, before: Wallet, after: Purse, *, made: Sequence[Grant] = ()) -> None:
    """What a deed made of a locked wallet. `made` are new grants: they have their rows already, with all of what was
    granted, and debt may have taken of it at once."""
    await fetch(unit, _STORE, *_purse(before, after).values())
    if changed := _changed((*before.purse.grants, *made), after):
        await fetch(unit, _STORE_GRANTS, list(changed), list(changed.values()))


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
    owner_id: UserId
    state: str
    entry: Entry
    charged: int = 0
    released: int = 0
    provider_usd_nano: int = 0
    is_estimated: bool = False


async def end_holds(
    unit: Unit, before: Mapping[UserId, Wallet], after: Mapping[UserId, Purse], ended: Sequence[Ended]
) -> None:
    """`after` is what all of these ends, one after the other, have made of the wallets."""
    at = now()
    changed = [item for owner, purse in after.items() for item in _changed(before[owner].purse.grants, purse).items()]
    booked = [(new_id(), each) for each in ended if each.entry.postings]
    await _END.run(
        unit,
        hold=[
            {
                "run_id": each.run_id,
                "state": each.state,
                "charged": each.charged,
                "released": each.released,
                "provider": each.provider_usd_nano,
                "is_estimated": each.is_estimated,
                "at": at,
            }
            for each in ended
        ],
        purse=[_purse(before[owner], purse) for owner, purse in after.items()],
        grants=[{"id": grant_id, "remaining": remaining} for grant_id, remaining in changed],
        entry=[
            {
                "id": entry_id,
                "owner": each.owner_id,
                "kind": each.entry.kind,
                "source": each.entry.source,
                "source_id": each.entry.source_id,
                "currency": before[each.owner_id].currency,
                "provider": each.provider_usd_nano,
                "at": at,
            }
            for entry_id, each in booked
        ],
        posting=[
            {
                "entry_id": entry_id,
                "number": number,
                "owner": each.owner_id,
                "account": posting.account,
                "grant_id": posting.grant_id,
                "amount": posting.amount,
            }
            for entry_id, each in booked
            for number, posting in enumerate(each.entry.postings, start=1)
        ],
    )


async def is_booked(unit: AsyncSession, *, source: str, source_id: str, kind: str) -> UUID | None:
    found: UUID | None = await unit.scalar(_KNOWN, {"source": source, "source_id": source_id, "kind": kind})
    return found


async def book(unit: Unit, wallet: Wallet, entry: Entry) -> UUID | None:
    """Nothing where nothing moved. The same source, number and kind a second time is refused by the database."""
    if not entry.postings:
        return None
    entry_id = new_id()
    await fetch(
        unit,
        _BOOK,
        entry_id,
        wallet.owner_id,
        entry.kind,
        entry.source,
        entry.source_id,
        wallet.currency,
        entry.provider_usd_nano,
        entry.reverses_id,
        entry.note,
        now(),
        [posting.account for posting in entry.postings],
        [posting.grant_id for posting in entry.postings],
        [posting.amount for posting in entry.postings],
    )
    return entry_id
