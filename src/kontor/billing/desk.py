"""What the routes ask for: one's balance and budgets, and the house's state, put together from their parts."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from kontor.accounts import preferences
from kontor.billing import budgets, configuration, exchange, prices, proofs, refreshing, statements, wallets
from kontor.billing.budgets import Subject, Whose, Wish
from kontor.billing.errors import SubjectNotFound
from kontor.billing.schemas import (
    BalanceRead,
    BillingRead,
    BudgetRead,
    BudgetsRead,
    BudgetWrite,
    FeedRead,
    GrantLeft,
    ProofRead,
    RatesState,
    TotalRead,
)
from kontor.core.clock import now
from kontor.core.database import elevated
from kontor.core.ids import UserId
from kontor.core.money import USD

FEEDS_SHOWN = 5

SpentSince = Callable[[str, datetime], Awaitable[int]]

_MY_TOKEN = text("SELECT 1 FROM personal_token WHERE id = :id AND owner_id = :owner")


async def balance(unit: AsyncSession, owner: UserId) -> BalanceRead:
    house = await configuration.read(unit)
    wallet = await wallets.balance(unit, owner)
    if wallet is None:
        return BalanceRead(
            is_on=house.is_on,
            currency=house.currency,
            available=0,
            held=0,
            purchased=0,
            granted=0,
            grants=[],
            debt=0,
            today=0,
            lasts_until=None,
        )
    purse = wallet.purse
    midnight = budgets.period_start("day", now(), await timezone_of(unit, owner))
    return BalanceRead(
        is_on=house.is_on,
        currency=wallet.currency,
        available=purse.available,
        held=purse.held,
        purchased=purse.purchased,
        granted=purse.granted,
        grants=[GrantLeft(remaining_nano=each.remaining, expires_at=each.expires_at) for each in purse.grants],
        debt=purse.debt,
        today=await statements.spent_since(unit, owner, midnight),
        lasts_until=await statements.lasts_until(unit, owner, purse.available),
    )


async def timezone_of(unit: AsyncSession, owner: UserId) -> str:
    """Days and months are those of whoever spends."""
    async with elevated(unit, "billing"):
        return (await preferences.read(unit, owner)).timezone


async def currency_of(unit: AsyncSession, owner: UserId) -> str:
    wallet = await wallets.balance(unit, owner)
    return (await configuration.read(unit)).currency if wallet is None else wallet.currency


async def read_budgets(unit: AsyncSession, owner: UserId, *, is_by_admin: bool = False) -> BudgetsRead:
    """All that concern a person. The version is that of those which the reader may change: of the person themselves."""
    found = await budgets.list_of(unit, owner)
    mine = [each for each in found if each.subject == "person" and each.is_by_admin == is_by_admin]
    return BudgetsRead(
        items=[BudgetRead.of(each) for each in found],
        version=budgets.version_of(mine),
        currency=await currency_of(unit, owner),
    )


async def read_project_budgets(unit: AsyncSession, owner: UserId, project_id: UUID) -> BudgetsRead:
    """Of a project of one's own."""
    found = [
        each
        for each in await budgets.list_of(unit, owner)
        if (each.subject, each.subject_id) == ("project", project_id)
    ]
    return BudgetsRead(
        items=[BudgetRead.of(each) for each in found],
        version=budgets.version_of(found),
        currency=await currency_of(unit, owner),
    )


async def write_budgets(
    unit: AsyncSession,
    owner: UserId,
    items: list[BudgetWrite],
    *,
    subject: Subject = "person",
    subject_id: UUID | None = None,
    is_by_admin: bool = False,
    spent_since: SpentSince | None = None,
    seen: int | None,
) -> BudgetsRead:
    """`spent_since`: what was spent in the currency since a time, where it is not the person's own spending."""
    whose = Whose(owner, subject, subject_id or owner, is_by_admin)
    if subject == "key" and not await unit.scalar(_MY_TOKEN, {"id": whose.subject_id, "owner": owner}):
        raise SubjectNotFound
    timezone, currency = await timezone_of(unit, owner), await currency_of(unit, owner)
    wishes = []
    for item in items:
        wish = Wish(item.period, item.limit_nano, item.warn_percent, item.stops)
        since = budgets.period_start(item.period, now(), timezone)
        if subject == "person":
            wish = replace(wish, spent_before=await statements.spent_since(unit, owner, since))
        elif spent_since is not None:
            wish = replace(wish, spent_before=await spent_since(currency, since))
        wishes.append(wish)
    await budgets.replace_all(unit, whose, wishes, currency=currency, timezone=timezone, seen=seen)
    return await read_budgets(unit, owner, is_by_admin=is_by_admin)


async def house(unit: AsyncSession) -> BillingRead:
    """For administrators."""
    present = await configuration.read(unit)
    day = await exchange.find(unit, USD, present.currency, now())
    proof = await proofs.latest(unit, limit=1)
    return BillingRead.of(
        present,
        rates=RatesState.of(day, present.currency, await refreshing.last_of_rates(unit)),
        waiting=await prices.waiting(unit),
        feeds=[FeedRead.of(each) for each in await refreshing.feeds(unit, limit=FEEDS_SHOWN)],
        proof=ProofRead.of(proof[0]) if proof else None,
        totals=[TotalRead.of(each) for each in await statements.totals(unit)],
    )
