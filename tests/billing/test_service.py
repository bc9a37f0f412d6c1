"""The terms of a run: what is quoted, what is held, what is refused, and what a budget says to it."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from kontor.billing import budgets, service
from kontor.billing.budgets import Budget, Whose, Wish
from kontor.billing.configuration import Billing, Markup
from kontor.billing.errors import BudgetReached, InsufficientBalance, PriceMissing, RateTooOld, WrongCurrency
from kontor.billing.rates import Quote
from kontor.billing.service import PriceKey
from kontor.billing.usage import Usage
from kontor.core.clock import clock, moved, now
from kontor.core.database import Database
from kontor.core.ids import UserId, new_id
from kontor.core.money import NANO
from kontor.core.tenancy import Identity, Role, Scope
from tests.factories.billing import (
    NANO_A_TOKEN,
    charge,
    costs,
    hold,
    make_person,
    make_price,
    make_rates,
    make_wallet,
    of_tokens,
    purse_of,
    switch_on,
    wrong_in,
)

KEY = PriceKey("openai", "gpt-x")


async def quoted(
    database: Database, payer: UserId, key: PriceKey = KEY, *, is_own_key: bool = False, is_local: bool = False
) -> Quote:
    async with database.unit(Identity(Scope.PERSON, payer)) as unit:
        return await service.quote(
            unit, payer=payer, key=key, is_own_key=is_own_key, is_local=is_local, role=Role.USER, at=now()
        )


async def test_off_costs_are_shown_and_nothing_is_booked(database: Database) -> None:
    payer = await make_person(database)
    await make_rates(database, usd="1.25")
    await make_price(database, "openai", "gpt-x", input=2 * NANO, output=8 * NANO)
    quote = await quoted(database, payer)
    assert (quote.currency, quote.fx, quote.markup_bp, quote.is_charged) == ("EUR", Decimal("0.8"), 0, False)
    shown = service.cost(quote, Usage(input=1_000_000))
    assert shown.charged_nano == 1_600_000_000
    async with database.system("billing") as unit:
        run = new_id()
        reserved = await service.reserve(
            unit, payer=payer, quote=quote, upper=Usage(input=9**9), run_id=run, ttl=timedelta(hours=1)
        )
        settled = await service.settle(unit, run_id=run, cost=shown, is_estimated=False)
    assert (reserved.hold_id, reserved.amount_nano, settled.charged_nano, settled.balance_after_nano) == (
        None,
        0,
        0,
        None,
    )


async def test_without_any_rate_costs_are_shown_in_dollars(database: Database) -> None:
    payer = await make_person(database)
    await make_price(database, "openai", "gpt-x", input=NANO, output=NANO)
    quote = await quoted(database, payer)
    assert (quote.currency, quote.fx, quote.fx_rate_id) == ("USD", Decimal(1), None)


async def test_off_a_model_without_a_price_costs_nobody_knows_what(database: Database) -> None:
    quote = await quoted(database, await make_person(database))
    assert quote.rate is None
    assert not service.cost(quote, Usage(input=5)).is_known


async def test_on_a_model_without_a_price_is_unusable_for_those_who_pay(database: Database) -> None:
    payer = await make_wallet(database, granted=NANO)
    await switch_on(database)
    await make_rates(database)
    with pytest.raises(PriceMissing):
        await quoted(database, payer)
    assert (await quoted(database, payer, is_own_key=True)).rate is None
    assert (await quoted(database, payer, PriceKey("ollama", "llama"), is_local=True)).is_free
    await make_price(database, "openai", "gpt-x", is_free=True)
    assert (await quoted(database, payer)).is_free


async def test_on_the_houses_key_costs_price_and_spread_and_markup(database: Database) -> None:
    payer = await make_wallet(database, granted=10 * NANO)
    markups = [
        {"role": "user", "basis_points": 100},
        {"provider": "openai", "basis_points": 2_000},
        {"provider": "anthropic", "model": "gpt-x", "basis_points": 9_000},
    ]
    await switch_on(database, spread_bp=200, markup_bp=50, markups=markups)
    await make_rates(database, usd="1.25")
    await make_price(database, "openai", "gpt-x", input=NANO, output=NANO)
    quote = await quoted(database, payer)
    assert (quote.fx, quote.markup_bp, quote.is_charged) == (Decimal("0.816"), 2_000, True)
    assert service.cost(quote, Usage(output=1_000_000)).charged_nano == 979_200_000
    own = await quoted(database, payer, is_own_key=True)
    assert (own.fx, own.markup_bp, own.is_charged) == (Decimal("0.8"), 0, False)


def test_the_more_a_markup_names_the_more_it_counts() -> None:
    house = Billing(
        markup_bp=1,
        markups=[
            Markup(model="m", basis_points=5),
            Markup(provider="p", role=Role.USER, basis_points=4),
            Markup(provider="p", basis_points=3),
            Markup(role=Role.USER, basis_points=2),
            Markup(role=Role.USER, basis_points=20),
        ],
    )

    def found(provider: str, model: str, role: Role) -> int:
        return house.markup_for(provider=provider, model=model, role=role)

    assert found("p", "m", Role.USER) == 5
    assert found("p", "n", Role.USER) == 4
    assert found("p", "n", Role.ADMIN) == 3
    assert found("q", "n", Role.USER) == 20, "of two that say the same, the later one"
    assert found("q", "n", Role.ADMIN) == 1


async def test_an_old_rate_stops_what_would_be_charged_by_it(database: Database) -> None:
    payer = await make_wallet(database, granted=NANO)
    await switch_on(database)
    await make_rates(database)
    await make_price(database, "openai", "gpt-x", input=NANO, output=NANO)
    with moved(timedelta(days=15)):
        with pytest.raises(RateTooOld):
            await quoted(database, payer)
        assert (await quoted(database, payer, is_own_key=True)).currency == "EUR"


async def test_a_wallet_keeps_its_currency_whatever_the_house_takes_now(database: Database) -> None:
    payer = await make_wallet(database, granted=NANO)
    await switch_on(database, currency="CHF")
    await make_rates(database, usd="1.25", CHF="0.95")
    await make_price(database, "openai", "gpt-x", input=NANO, output=NANO)
    assert (await quoted(database, payer)).currency == "EUR"
    assert (await quoted(database, await make_person(database))).fx == Decimal("0.76")


async def test_who_has_too_little_is_told_how_much_would_fit(database: Database) -> None:
    payer = await make_wallet(database, purchased=100)
    with pytest.raises(InsufficientBalance) as refused:
        await hold(database, payer, 101)
    assert refused.value.max_output == 100
    assert refused.value.details["available"] == "0.0000001"
    nobody = await make_person(database)
    with pytest.raises(InsufficientBalance) as refused:
        await hold(database, nobody, 1)
    assert refused.value.max_output is None


async def test_a_refusal_leaves_the_unit_usable_and_no_budget_reserved(database: Database) -> None:
    """Somebody may try the next model in the same transaction."""
    payer = await make_wallet(database, purchased=100)
    await limit(database, payer, Wish("day", 1_000, 80, True))
    async with database.unit(Identity(Scope.PERSON, payer)) as unit:
        for tokens in (500, 50):
            try:
                await service.reserve(
                    unit,
                    payer=payer,
                    quote=NANO_A_TOKEN,
                    upper=of_tokens(tokens),
                    run_id=new_id(),
                    ttl=timedelta(hours=1),
                )
            except InsufficientBalance:
                continue
    assert (await purse_of(database, payer)).held == 50
    assert (await budget_of(database, payer)).held == 50
    assert await wrong_in(database) == []


async def test_the_second_settlement_answers_what_the_first_one_booked(database: Database) -> None:
    payer, run = await make_wallet(database, purchased=1_000), new_id()
    await hold(database, payer, 300, run_id=run)
    first, second = await charge(database, run, 200), await charge(database, run, 250)
    assert (first.charged_nano, first.released_nano, first.balance_after_nano) == (200, 100, 800)
    assert second == first


async def test_what_was_voided_is_charged_by_nobody_later(database: Database) -> None:
    payer, run = await make_wallet(database, purchased=1_000), new_id()
    await hold(database, payer, 300, run_id=run)
    async with database.system("billing") as unit:
        await service.void(unit, run_id=run)
    assert (await charge(database, run, 200)).charged_nano == 0
    assert (await purse_of(database, payer)).available == 1_000


async def limit(database: Database, owner: UserId, *wishes: Wish, timezone: str = "UTC") -> None:
    async with database.system("billing") as unit:
        whose = Whose(owner, "person", owner)
        await budgets.replace_all(unit, whose, list(wishes), currency="EUR", timezone=timezone)


async def budget_of(database: Database, owner: UserId) -> Budget:
    async with database.system("billing") as unit:
        return (await budgets.list_of(unit, owner))[0]


async def test_a_budget_stops_what_would_go_over_it_and_begins_anew(database: Database) -> None:
    payer = await make_wallet(database, purchased=10_000)
    clock.set(now().replace(hour=12, minute=0))
    await limit(database, payer, Wish("day", 500, 80, True))
    run = new_id()
    await hold(database, payer, 400, run_id=run)
    with pytest.raises(BudgetReached) as refused:
        await hold(database, payer, 101)
    assert (refused.value.details["left"], refused.value.details["period"]) == ("0.0000001", "day")
    await charge(database, run, 450)
    found = await budget_of(database, payer)
    assert (found.spent, found.held) == (450, 0)
    assert found.warned_at is not None
    clock.advance(timedelta(days=1))
    assert (await budget_of(database, payer)).spent == 0
    await hold(database, payer, 500)
    assert await wrong_in(database) == []


async def test_a_budget_that_only_warns_stops_nothing(database: Database) -> None:
    payer, run = await make_wallet(database, purchased=10_000), new_id()
    await limit(database, payer, Wish("total", 100, 50, False))
    await hold(database, payer, 400, run_id=run)
    await charge(database, run, 400)
    assert (await budget_of(database, payer)).warned_at is not None


async def test_a_run_over_midnight_counts_on_the_day_on_which_it_ends(database: Database) -> None:
    payer, run = await make_wallet(database, purchased=10_000), new_id()
    await limit(database, payer, Wish("day", 500, 80, True))
    await hold(database, payer, 400, run_id=run)
    clock.advance(timedelta(days=1))
    with pytest.raises(BudgetReached):
        await hold(database, payer, 200)
    await charge(database, run, 100)
    assert (await budget_of(database, payer)).spent == 100


async def test_a_budget_that_is_changed_goes_on_counting(database: Database) -> None:
    payer, run = await make_wallet(database, purchased=10_000), new_id()
    await limit(database, payer, Wish("day", 500, 80, True))
    await hold(database, payer, 400, run_id=run)
    await charge(database, run, 300)
    await limit(database, payer, Wish("day", 350, 80, True))
    assert (await budget_of(database, payer)).spent == 300
    await limit(database, payer)
    async with database.system("billing") as unit:
        assert await budgets.list_of(unit, payer) == []


@pytest.mark.parametrize(
    ("timezone", "moment", "starts"),
    [
        ("UTC", "2026-03-29T00:30:00+00:00", "2026-03-29T00:00:00+00:00"),
        ("Europe/Berlin", "2026-03-28T23:30:00+00:00", "2026-03-28T23:00:00+00:00"),
        ("Europe/Berlin", "2026-03-29T22:30:00+00:00", "2026-03-29T22:00:00+00:00"),
        ("America/New_York", "2026-03-29T03:00:00+00:00", "2026-03-28T04:00:00+00:00"),
    ],
)
def test_days_are_those_of_whoever_spends(timezone: str, moment: str, starts: str) -> None:
    found = budgets.period_start("day", datetime.fromisoformat(moment), timezone)
    assert found == datetime.fromisoformat(starts)


async def test_costs_of_another_currency_than_the_wallets_are_never_booked(database: Database) -> None:
    payer, run = await make_wallet(database, purchased=10_000), new_id()
    await hold(database, payer, 400, run_id=run)
    with pytest.raises(WrongCurrency):
        async with database.system("billing") as unit:
            await service.settle(unit, run_id=run, cost=costs(10, currency="USD"), is_estimated=False)
    assert (await purse_of(database, payer)).held == 400
