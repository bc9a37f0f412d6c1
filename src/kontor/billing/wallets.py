"""Credit that comes and goes otherwise than by runs: grants, payments, refunds, corrections, and the end of a wallet.

Each deed has a number of its own where it is from, and books once under it.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from kontor.billing import configuration, holds, repository
from kontor.billing.errors import EntryNotReversible, GrantNotFound, PayerNotFound
from kontor.billing.purse import Account, Grant, Posting, Purse, difference
from kontor.billing.repository import Entry, Wallet
from kontor.core.clock import now
from kontor.core.database import Database, elevated
from kontor.core.ids import UserId, new_id

SWEEP_BATCH = 200

# Given back from a grant that has expired meanwhile.
GIVEN_BACK_FOR = timedelta(days=30)

_TOP_UP = text("""
    INSERT INTO top_up (id, owner_id, amount_nano, source, source_id, created_at)
    VALUES (:id, :owner, :amount, :source, :source_id, :at)
    ON CONFLICT (source, source_id) DO NOTHING RETURNING id
""")
_LOCK_TOP_UP = text("""
    SELECT id, owner_id, amount_nano, refunded_nano FROM top_up WHERE source = :source AND source_id = :source_id
""")
_REFUNDED = text("""
    UPDATE top_up SET refunded_nano = :refunded WHERE id = :id AND refunded_nano = :before RETURNING id
""")
_REFUNDED_NOW = text("SELECT refunded_nano FROM top_up WHERE id = :id")
_GRANT = text("SELECT owner_id FROM credit_grant WHERE id = :id")
_GRANT_EXPIRY = text("SELECT id, expires_at FROM credit_grant WHERE id = ANY(CAST(:ids AS uuid[]))")
_DUE = text("""
    SELECT owner_id FROM wallet w WHERE next_expiry_at <= :at AND held_nano < purchased_nano + granted_nano
    ORDER BY next_expiry_at LIMIT :batch
""")
_POSTINGS = text("""
    SELECT p.account, p.amount_nano, p.grant_id FROM ledger_posting p WHERE p.entry_id = :entry ORDER BY p.number
""")
_ENTRY = text("SELECT owner_id, kind FROM ledger_entry WHERE id = :id")
_PERSON = text("SELECT 1 FROM person WHERE id = :id")
_END_HOLDS = text("""
    UPDATE credit_hold SET state = 'voided', released_nano = amount_nano, ended_at = :at
    WHERE owner_id = :owner AND state = 'open'
""")


async def grant(
    unit: AsyncSession,
    owner: UserId,
    amount: int,
    *,
    expires_at: datetime | None = None,
    note: str = "",
    by: UserId | None = None,
    grant_id: UUID | None = None,
) -> UUID:
    """Credit from the house. It expires, is spent before what was bought, and is never paid out."""
    if amount <= 0:
        raise ValueError("A grant is above zero.")
    made = Grant(grant_id or new_id(), amount, expires_at)
    async with elevated(unit, "billing"):
        wallet = await _wallet(unit, owner)
        if await repository.is_booked(unit, source="grant", source_id=str(made.id), kind="grant"):
            return made.id
        await repository.add_grant(unit, owner, made, note=note, by=by)
        entry = Entry("grant", "grant", str(made.id), ())
        await _apply(unit, wallet, wallet.purse.add_grant(made), "promotion", entry, made=[made])
    return made.id


async def withdraw(unit: AsyncSession, grant_id: UUID) -> tuple[UserId, int]:
    """As far as it is neither spent nor held. Answers whose it was, and how much."""
    async with elevated(unit, "billing"):
        owner = await unit.scalar(_GRANT, {"id": grant_id})
        wallet = None if owner is None else await repository.lock(unit, UserId(owner))
        if wallet is None:
            raise GrantNotFound
        after = wallet.purse.withdraw(grant_id)
        await _apply(unit, wallet, after, "promotion", Entry("withdraw", "withdrawal", str(new_id()), ()))
        return wallet.owner_id, wallet.purse.granted - after.granted


async def top_up(unit: AsyncSession, owner: UserId, amount: int, *, source: str, source_id: str) -> bool:
    """Bought credit; debt is paid from it first. False when this payment was booked before."""
    if amount <= 0:
        raise ValueError("A payment is above zero.")
    async with elevated(unit, "billing"):
        wallet = await _wallet(unit, owner)
        values = {"owner": owner, "amount": amount, "source": source, "source_id": source_id, "at": now()}
        if (await unit.execute(_TOP_UP, {**values, "id": new_id()})).one_or_none() is None:
            return False
        await _apply(unit, wallet, wallet.purse.top_up(amount), "clearing", Entry("topup", source, source_id, ()))
    return True


async def refund(unit: AsyncSession, *, source: str, source_id: str, refunded_in_all: int) -> int:
    """The provider of payments says how much of a payment went back since its beginning; what is new of it is booked.
    So events that come twice, late or out of order book nothing twice. Answers what was booked."""
    async with elevated(unit, "billing"):
        row = (await unit.execute(_LOCK_TOP_UP, {"source": source, "source_id": source_id})).one_or_none()
        if row is None:
            raise LookupError("There is no such payment.")
        wallet = await repository.lock(unit, UserId(row.owner_id))
        if wallet is None:
            raise PayerNotFound
        # Read again: the wallet's lock is what two events of one payment wait for.
        before = int(await unit.scalar(_REFUNDED_NOW, {"id": row.id}) or 0)
        upto = min(refunded_in_all, row.amount_nano)
        if upto <= before:
            return 0
        await unit.execute(_REFUNDED, {"id": row.id, "refunded": upto, "before": before})
        entry = Entry("refund", source, f"{source_id}@{upto}", ())
        await _apply(unit, wallet, wallet.purse.refund(upto - before), "clearing", entry)
        return int(upto - before)


async def reverse(unit: AsyncSession, entry_id: UUID, *, note: str = "") -> UUID:
    """Gives back what a run was charged, to where it was taken from. The entry itself stays as it is."""
    async with elevated(unit, "billing"):
        row = (await unit.execute(_ENTRY, {"id": entry_id})).one_or_none()
        if row is None or row.kind != "settle":
            raise EntryNotReversible
        wallet = await repository.lock(unit, UserId(row.owner_id))
        if wallet is None or await repository.is_booked(
            unit, source="entry", source_id=str(entry_id), kind="correction"
        ):
            raise EntryNotReversible
        postings = [
            Posting(each.account, each.amount_nano, each.grant_id)
            for each in await unit.execute(_POSTINGS, {"entry": entry_id})
        ]
        after, made = await _given_back(unit, wallet, postings)
        entry = Entry("correction", "entry", str(entry_id), (), reverses_id=entry_id, note=note)
        booked = await _apply(unit, wallet, after, "revenue", entry, made=made)
        if booked is None:
            raise EntryNotReversible
        return booked


async def _given_back(unit: AsyncSession, wallet: Wallet, postings: Sequence[Posting]) -> tuple[Purse, Sequence[Grant]]:
    """To grants that hold still, otherwise as a new grant for a while; debt that was made shrinks."""
    at = now()
    ids = [posting.grant_id for posting in postings if posting.grant_id]
    expiries = {row.id: row.expires_at for row in await unit.execute(_GRANT_EXPIRY, {"ids": ids})}
    purse, bought, made = wallet.purse, 0, list[Grant]()
    for posting in postings:
        match posting.account:
            case "granted" if posting.grant_id is not None:
                expires_at = expiries.get(posting.grant_id)
                if expires_at is not None and expires_at <= at:
                    fresh = Grant(new_id(), -posting.amount, at + GIVEN_BACK_FOR)
                    await repository.add_grant(unit, wallet.owner_id, fresh)
                    made.append(fresh)
                    purse = purse.add_grant(fresh)
                else:
                    purse = purse.give_back(posting.grant_id, -posting.amount, expires_at)
            case "purchased" | "debt":
                # Debt of this run may be paid by now: what is given back pays what is left of it, and is credit else.
                bought -= posting.amount
            case _:
                pass
    return purse.top_up(bought), made


async def sweep(database: Database) -> int:
    """Grants whose time is over, each wallet in a unit of its own; answers in how many something expired."""
    swept, at = 0, now()
    async with database.system("billing") as unit:
        owners = list((await unit.execute(_DUE, {"at": at, "batch": SWEEP_BATCH})).scalars())
    for owner in owners:
        async with database.system("billing") as unit:
            wallet = await repository.lock(unit, UserId(owner))
            if wallet is not None:
                swept += (await holds.expire_grants(unit, wallet)) is not wallet
    return swept


async def close(unit: AsyncSession, owner: UserId) -> None:
    """Before a person is deleted: what they had is written off, so that the books are whole without them."""
    async with elevated(unit, "billing"):
        wallet = await repository.lock(unit, owner)
        if wallet is None:
            return
        await unit.execute(_END_HOLDS, {"owner": owner, "at": now()})
        await _apply(unit, wallet, Purse(), "write_off", Entry("close", "person", str(owner), ()))


async def require_person(unit: AsyncSession, owner: UserId) -> None:
    if not await unit.scalar(_PERSON, {"id": owner}):
        raise PayerNotFound


async def _wallet(unit: AsyncSession, owner: UserId) -> Wallet:
    house = await configuration.read(unit)
    try:
        async with unit.begin_nested():
            return await repository.open_wallet(unit, owner, house.currency)
    except IntegrityError as reason:
        raise PayerNotFound from reason


async def _apply(
    unit: AsyncSession, wallet: Wallet, after: Purse, counter: Account, entry: Entry, *, made: Sequence[Grant] = ()
) -> UUID | None:
    await repository.store(unit, wallet, after, made=made)
    postings = difference(wallet.purse, after, counter)
    booked = await repository.book(
        unit,
        wallet,
        Entry(entry.kind, entry.source, entry.source_id, postings, reverses_id=entry.reverses_id, note=entry.note),
    )
    await holds.tell(unit, wallet.owner_id, entry.kind)
    return booked


async def balance(unit: AsyncSession, owner: UserId) -> Wallet | None:
    """Grants that are over count no more, whether or not they were swept."""
    wallet = await repository.read(unit, owner)
    return None if wallet is None else Wallet(wallet.owner_id, wallet.currency, wallet.purse.expire(now()))
