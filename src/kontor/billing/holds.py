"""What a run may cost is held before it begins, and what it did cost is booked when it is over. Each once.

Many runs are held or booked together, with a few statements for all of them; what comes of it is what would have come
of one after the other. Locks: wallets and holds, then budgets (`repository`). Nothing here waits for anything but
these rows.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Literal
from uuid import UUID

import structlog
from sqlalchemy import text

from kontor.billing import budgets, exchange, repository
from kontor.billing.budgets import Amounts, Spender
from kontor.billing.errors import InsufficientBalance, WrongCurrency
from kontor.billing.purse import Purse, difference
from kontor.billing.rates import Cost, Quote, affordable_output, cost
from kontor.billing.repository import Ended, Entry, Hold, Means, Taken, Wallet
from kontor.billing.usage import Usage
from kontor.core.clock import now
from kontor.core.database import Database, elevated
from kontor.core.errors import KontorError
from kontor.core.events.publishing import person_topic, publish
from kontor.core.ids import UserId, new_id
from kontor.core.money import ceil_nano
from kontor.core.units import Unit

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


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a run needs to be let in."""

    run_id: UUID
    payer: UserId
    quote: Quote
    upper: Usage
    ttl: timedelta
    project_id: UUID | None = None
    key_id: UUID | None = None

    @property
    def spender(self) -> Spender:
        return Spender(self.payer, self.project_id, self.key_id)


async def reserve_all(unit: Unit, wanted: Sequence[Wanted]) -> list[Reserved | KontorError]:
    """One answer for each, decided in their order. Who is refused (InsufficientBalance, BudgetReached) has changed
    nothing: neither for the others nor for the unit, which can go on."""
    at, spenders = now(), {each.spender for each in wanted}
    async with elevated(unit, "billing"):
        till, are_limited = await _open_till(unit, wanted, spenders, at)
        limits = await budgets.lock_touched(unit, spenders) if are_limited else budgets.NONE
        known = await budgets.held_before(unit, [each.run_id for each in wanted]) if limits else set()
        rates = Rates(unit)
        answers: list[Reserved | KontorError] = []
        for each in wanted:
            estimate, expires_at = cost(each.quote, each.upper), at + each.ttl
            touched = [] if each.run_id in known else limits.touched(each.spender)
            amounts = await rates.amounts(estimate, {counter.budget.currency for counter in touched})
            try:
                for counter in touched:
                    counter.refuse(amounts[counter.budget.currency])
                # Also the smallest question is let in by somebody's balance.
                amount = till.take(each, max(estimate.charged_nano, 1), expires_at) if each.quote.is_charged else 0
            except KontorError as refusal:
                answers.append(refusal)
                continue
            limits.reserve(touched, amounts, run_id=each.run_id, expires_at=expires_at)
            if touched:
                known.add(each.run_id)
            answers.append(Reserved(each.run_id if amount else None, amount, each.quote.currency))
        await repository.take(unit, till.taken, at)
        await limits.store(unit)
    return answers


async def reserve(
    unit: Unit,
    *,
    payer: UserId,
    quote: Quote,
    upper: Usage,
    run_id: UUID,
    project_id: UUID | None = None,
    key_id: UUID | None = None,
    ttl: timedelta,
) -> Reserved:
    """For one run. Raises what it is refused for."""
    (answer,) = await reserve_all(unit, [Wanted(run_id, payer, quote, upper, ttl, project_id, key_id)])
    if isinstance(answer, KontorError):
        raise answer
    return answer


class Till:
    """The locked wallets of a batch: what is left in each after those who came before."""

    def __init__(self, means: Mapping[UserId, Means], known: Mapping[UUID, Hold]) -> None:
        self._currencies = {owner: each.currency for owner, each in means.items()}
        self._available = {owner: each.available for owner, each in means.items()}
        self._known = {(hold.run_id, hold.owner_id): hold.amount for hold in known.values()}
        self.taken: list[Taken] = []

    def take(self, wanted: Wanted, amount: int, expires_at: datetime) -> int:
        """What is held for this run: as much as is asked for now, or as was held before."""
        if (known := self._known.get((wanted.run_id, wanted.payer))) is not None:
            return known
        currency = wanted.quote.currency
        if (own := self._currencies.get(wanted.payer, currency)) != currency:
            raise WrongCurrency(own, currency)
        available = self._available.get(wanted.payer, 0)
        if available < amount:
            raise InsufficientBalance(
                needed=amount,
                available=available,
                currency=currency,
                max_output=affordable_output(wanted.quote, wanted.upper, available) if available > 0 else None,
            )
        self._available[wanted.payer] = available - amount
        self._known[wanted.run_id, wanted.payer] = amount
        self.taken.append(Taken(wanted.run_id, wanted.payer, currency, amount, expires_at))
        return amount


async def _open_till(
    unit: Unit, wanted: Sequence[Wanted], spenders: Collection[Spender], at: datetime
) -> tuple[Till, bool]:
    """And whether one of the spenders has a budget."""
    charged = [each for each in wanted if each.quote.is_charged]
    runs = [each.run_id for each in charged]
    means, are_known, are_limited = await repository.lock_means(unit, {each.payer for each in charged}, runs, spenders)
    for owner, each in means.items():
        if each.next_expiry is not None and each.next_expiry <= at:
            # Grants are over that nobody has swept yet.
            wallet = await repository.lock(unit, owner)
            if wallet is not None:
                left = (await expire_grants(unit, wallet)).purse.available
                means[owner] = replace(each, available=left)
    return Till(means, await repository.find_holds(unit, runs) if are_known else {}), are_limited


async def expire_grants(unit: Unit, wallet: Wallet) -> Wallet:
    """The locked wallet without what has expired by now, as far as no run holds it."""
    after = wallet.purse.expire(now())
    postings = difference(wallet.purse, after, "promotion")
    if not postings:
        return wallet
    await repository.store(unit, wallet, after)
    await repository.book(unit, wallet, Entry("expire", "expiry", str(new_id()), postings))
    await tell(unit, wallet.owner_id, "expire")
    return Wallet(wallet.owner_id, wallet.currency, after)


@dataclass(frozen=True, slots=True)
class Due:
    """How a run ended for the books. Without a cost nothing was used."""

    run_id: UUID
    cost: Cost | None = None
    is_estimated: bool = False


async def settle_all(unit: Unit, dues: Sequence[Due]) -> list[Settled]:
    """By the number of the run: the second time answers what the first one booked."""
    return await _settle(unit, dues, unused="voided")


async def settle(unit: Unit, *, run_id: UUID, cost: Cost, is_estimated: bool) -> Settled:
    (settled,) = await settle_all(unit, [Due(run_id, cost, is_estimated)])
    return settled


async def void(unit: Unit, *, run_id: UUID) -> Settled:
    """Nothing was used."""
    (settled,) = await settle_all(unit, [Due(run_id)])
    return settled


async def _settle(unit: Unit, dues: Sequence[Due], *, unused: Literal["voided", "expired"]) -> list[Settled]:
    runs = [due.run_id for due in dues]
    async with elevated(unit, "billing"):
        wallets, holds, are_limited = await repository.lock_for_runs(unit, runs)
        limits, rates = await budgets.lock_of_runs(unit, runs) if are_limited else budgets.NONE, Rates(unit)
        # Of one that is named twice the first counts, as it does for its hold.
        first = {due.run_id: due for due in reversed(dues)} if limits else {}
        spent = {run_id: await rates.amounts(due.cost, limits.currencies) for run_id, due in first.items()}
        ends = Ends(wallets, holds)
        settled = [ends.settle(due, unused) for due in dues]
        if ends.ended:
            await repository.end_holds(unit, wallets, ends.purses, ends.ended)
        await budgets.count(unit, limits, spent)
        for owner, state in {each.owner_id: each.state for each in ends.ended}.items():
            await tell(unit, owner, state)
    return settled


# It began when nobody paid, or on somebody's own key, and ends so.
NOTHING = Settled(0, 0, None)


class Ends:
    """The locked wallets and holds of a batch, as one end after the other leaves them."""

    def __init__(self, wallets: Mapping[UserId, Wallet], holds: Mapping[UUID, Hold]) -> None:
        self._wallets = wallets
        self._holds = dict(holds)
        self.purses: dict[UserId, Purse] = {}  # of those that have changed
        self.ended: list[Ended] = []

    def settle(self, due: Due, unused: str) -> Settled:
        hold = self._holds.get(due.run_id)
        if hold is None:
            return NOTHING
        if due.cost is not None and due.cost.currency != hold.currency:
            raise WrongCurrency(hold.currency, due.cost.currency)
        before = self.purses.get(hold.owner_id) or self._wallets[hold.owner_id].purse
        # What was released for its age may still be settled: it was used all the same.
        if hold.state not in {"open", "expired"} or (hold.state == "expired" and due.cost is None):
            return Settled(hold.charged, hold.released, before.available)
        held = hold.amount if hold.state == "open" else 0
        state, charged, provider = unused, 0, 0
        if due.cost is not None:
            state, charged = "settled", max(due.cost.charged_nano, 0)
            provider = due.cost.provider_usd_nano if charged else 0
        after = before.end_hold(held, charged)
        released = max(hold.amount - charged, 0)
        entry = Entry("settle" if charged else "repay", RUN, str(hold.run_id), difference(before, after, "revenue"))
        self.purses[hold.owner_id] = after
        self._holds[hold.run_id] = replace(hold, state=state, charged=charged, released=released)
        self.ended.append(
            Ended(
                hold.run_id,
                hold.owner_id,
                state,
                entry,
                charged=charged,
                released=released,
                provider_usd_nano=provider,
                is_estimated=due.is_estimated,
            )
        )
        return Settled(charged, released, after.available)


async def tell(unit: Unit, owner: UserId, reason: str) -> None:
    await publish(unit, topic=person_topic(owner), kind="billing.changed", data={"reason": reason})


class Rates:
    """For the budgets that are kept in another currency than the run is paid in. Where no rate is known, one for one
    is a better limit than none."""

    def __init__(self, unit: Unit) -> None:
        self._unit = unit
        self._known: dict[tuple[str, str], Fraction] = {}

    async def amounts(self, cost: Cost | None, currencies: Collection[str]) -> Amounts:
        """What was spent, in each of them."""
        if cost is None:
            return {}
        return {other: ceil_nano(cost.spent_nano * await self._rate(cost.currency, other)) for other in currencies}

    async def _rate(self, currency: str, other: str) -> Fraction:
        if currency == other:
            return Fraction(1)
        if (currency, other) not in self._known:
            found = await exchange.exchange(self._unit, currency, other, now(), is_binding=False)
            self._known[currency, other] = Fraction(1) if found is None else Fraction(found.rate)
        return self._known[currency, other]


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
            async with database.system("billing", is_by_key=True) as unit:
                await _settle(unit, [Due(run_id)], unused="expired")
            released += 1
        if len(runs) < BATCH:
            break
    if released:
        log.warning("billing.holds_forgotten", count=released)
    return released


async def hold_of(unit: Unit, run_id: UUID) -> Hold | None:
    """For receipts: what was held, charged and released."""
    return await repository.find_hold(unit, run_id)
