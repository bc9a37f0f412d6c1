"""What a run may cost is held before it begins, and what it did cost is booked when it is over. Each once.

Locks: budgets by id, then wallet and hold (`repository`). Nothing here waits for anything but these rows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from uuid import UUID

import structlog
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from kontor.billing import budgets, exchange, repository
from kontor.billing.budgets import Budget
from kontor.billing.errors import InsufficientBalance, WrongCurrency
from kontor.billing.purse import difference
from kontor.billing.rates import Cost, Quote, affordable_output, cost
from kontor.billing.repository import Ended, Entry, Hold, Wallet
from kontor.billing.usage import Usage
from kontor.core.clock import now
from kontor.core.database import Database, elevated
from kontor.core.events.publishing import person_topic, publish
from kontor.core.ids import UserId, new_id
from kontor.core.money import ceil_nano

log = structlog.get_logger(__name__)

RUN = "run"

# A hold outlives its run's lease. Who recovers runs settles them by what is known; only what nobody knows any more is
# released, a good while later.
GRACE = timedelta(hours=1)
BATCH = 200


@dataclass(frozen=True, slots=True)
class Reserved:
    hold_id: UUID | None  # none where nobody pays the house
    amount_nano: int
    currency: str


@dataclass(frozen=True, slots=True)
class Settled:
    charged_nano: int
    released_nano: int
    balance_after_nano: int | None  # none where no wallet was asked


async def reserve(
    unit: AsyncSession,
    *,
    payer: UserId,
    quote: Quote,
    upper: Usage,
    run_id: UUID,
    project_id: UUID | None = None,
    key_id: UUID | None = None,
    ttl: timedelta,
) -> Reserved:
    """Raises InsufficientBalance or BudgetReached, and then has changed nothing: the unit can go on."""
    estimate = cost(quote, upper)
    expires_at = now() + ttl
    async with elevated(unit, "billing"):
        touched = await budgets.touched(unit, payer=payer, project_id=project_id, key_id=key_id)
        amounts = await _in_currencies(unit, estimate.spent_nano, quote.currency, touched)
        reservation = await budgets.check(unit, touched, amounts, run_id=run_id)
        amount = 0
        if quote.is_charged:
            # Also the smallest question is let in by somebody's balance.
            wanted = Wanted(payer, quote, upper, max(estimate.charged_nano, 1), run_id, expires_at)
            amount = await _hold(unit, wanted)
        await budgets.reserve(unit, reservation, amounts, run_id=run_id, expires_at=expires_at)
    return Reserved(run_id if amount else None, amount, quote.currency)


@dataclass(frozen=True, slots=True)
class Wanted:
    payer: UserId
    quote: Quote
    upper: Usage
    amount: int
    run_id: UUID
    expires_at: datetime


async def _take(unit: AsyncSession, wanted: Wanted, *, is_swept: bool = False) -> bool:
    return await repository.take(
        unit,
        run_id=wanted.run_id,
        owner=wanted.payer,
        currency=wanted.quote.currency,
        amount=wanted.amount,
        at=now(),
        expires_at=wanted.expires_at,
        is_swept=is_swept,
    )


async def _hold(unit: AsyncSession, wanted: Wanted) -> int:
    if await _take(unit, wanted):
        return wanted.amount
    known = await repository.find_hold(unit, wanted.run_id)
    if known is not None and known.owner_id == wanted.payer:
        return known.amount
    wallet, currency = await repository.lock(unit, wanted.payer), wanted.quote.currency
    available = 0
    if wallet is not None:
        if wallet.currency != currency:
            raise WrongCurrency(wallet.currency, currency)
        # Perhaps grants are over that nobody has swept yet; perhaps there is more by now. From here on the row is ours.
        available = (await expire_grants(unit, wallet)).purse.available
        if available >= wanted.amount and await _take(unit, wanted, is_swept=True):
            return wanted.amount
    raise InsufficientBalance(
        needed=wanted.amount,
        available=available,
        currency=currency,
        max_output=affordable_output(wanted.quote, wanted.upper, available) if available > 0 else None,
    )


async def expire_grants(unit: AsyncSession, wallet: Wallet) -> Wallet:
    """The locked wallet without what has expired by now, as far as no run holds it."""
    after = wallet.purse.expire(now())
    postings = difference(wallet.purse, after, "promotion")
    if not postings:
        return wallet
    await repository.store(unit, wallet, after)
    await repository.book(unit, wallet, Entry("expire", "expiry", str(new_id()), postings))
    await tell(unit, wallet.owner_id, "expire")
    return Wallet(wallet.owner_id, wallet.currency, after)


async def settle(unit: AsyncSession, *, run_id: UUID, cost: Cost, is_estimated: bool) -> Settled:
    """By the number of the run: the second time answers what the first one booked."""
    async with elevated(unit, "billing"):
        touched = await budgets.of_run(unit, run_id)
        amounts = await _in_currencies(unit, cost.spent_nano, cost.currency, touched)
        settled = await _end(unit, run_id, cost=cost, is_estimated=is_estimated)
        await budgets.count(unit, touched, amounts, run_id=run_id)
    return settled


async def void(unit: AsyncSession, *, run_id: UUID) -> Settled:
    """Nothing was used."""
    async with elevated(unit, "billing"):
        touched = await budgets.of_run(unit, run_id)
        settled = await _end(unit, run_id, state="voided")
        await budgets.count(unit, touched, {}, run_id=run_id)
    return settled


NOTHING = Settled(0, 0, None)


async def _end(
    unit: AsyncSession, run_id: UUID, *, cost: Cost | None = None, state: str = "settled", is_estimated: bool = False
) -> Settled:
    found = await repository.lock_for_run(unit, run_id)
    if found is None:
        # It began when nobody paid, or on somebody's own key, and ends so.
        return NOTHING
    wallet, hold = found
    if cost is not None and cost.currency != hold.currency:
        raise WrongCurrency(hold.currency, cost.currency)
    # What was released for its age may still be settled: it was used all the same.
    if hold.state not in {"open", "expired"} or (hold.state == "expired" and cost is None):
        return Settled(hold.charged, hold.released, wallet.purse.available)
    held = hold.amount if hold.state == "open" else 0
    charged = 0 if cost is None else max(cost.charged_nano, 0)
    after = wallet.purse.end_hold(held, charged)
    released = max(hold.amount - charged, 0)
    provider_usd_nano = cost.provider_usd_nano if cost is not None and charged else 0
    ended = Ended(run_id, state, charged, released, provider_usd_nano, is_estimated)
    postings = difference(wallet.purse, after, "revenue")
    entry = Entry("settle" if charged else "repay", RUN, str(run_id), postings)
    await repository.end_hold(unit, wallet, after, ended, entry)
    await tell(unit, wallet.owner_id, state)
    return Settled(charged, released, after.available)


async def tell(unit: AsyncSession, owner: UserId, reason: str) -> None:
    await publish(unit, topic=person_topic(owner), kind="billing.changed", data={"reason": reason})


async def _in_currencies(unit: AsyncSession, nano: int, currency: str, touched: Sequence[Budget]) -> Mapping[str, int]:
    """For the budgets that are kept in another currency than the run is paid in. Where no rate is known, one for one
    is a better limit than none."""
    amounts = {currency: nano}
    for other in dict.fromkeys(budget.currency for budget in touched):
        if other not in amounts:
            found = await exchange.exchange(unit, currency, other, now(), is_binding=False)
            rate = Decimal(1) if found is None else found.rate
            amounts[other] = ceil_nano(nano * Fraction(rate))
    return amounts


_FORGOTTEN = text("""
    SELECT run_id FROM credit_hold WHERE state = 'open' AND expires_at < :before ORDER BY expires_at LIMIT :batch
""")


async def release_forgotten(database: Database) -> int:
    """Holds that nobody settled, long after their run must have been over. Each in a unit of its own."""
    released = 0
    before = now() - GRACE
    while True:
        async with database.system("billing") as unit:
            found = list((await unit.execute(_FORGOTTEN, {"before": before, "batch": BATCH})).scalars())
            of_budgets = await budgets.expired(unit, before=before, batch=BATCH)
        runs = list(dict.fromkeys([*found, *of_budgets]))
        for run_id in runs:
            async with database.system("billing") as unit:
                touched = await budgets.of_run(unit, run_id)
                await _end(unit, run_id, state="expired")
                await budgets.count(unit, touched, {}, run_id=run_id)
            released += 1
        if len(runs) < BATCH:
            break
    if released:
        log.warning("billing.holds_forgotten", count=released)
    return released


async def hold_of(unit: AsyncSession, run_id: UUID) -> Hold | None:
    """For receipts: what was held, charged and released."""
    return await repository.find_hold(unit, run_id)
