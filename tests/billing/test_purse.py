"""The rules of a wallet, as values."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kontor.billing.purse import Grant, Posting, Purse, difference

SOON = datetime(2026, 12, 1, tzinfo=UTC)
LATER = SOON + timedelta(days=30)

ONE, TWO, THREE = UUID(int=1), UUID(int=2), UUID(int=3)


def test_what_expires_first_is_spent_first_and_what_was_bought_last() -> None:
    purse = (
        Purse(purchased=100)
        .add_grant(Grant(ONE, 10))
        .add_grant(Grant(TWO, 10, LATER))
        .add_grant(Grant(THREE, 10, SOON))
    )
    assert [grant.id for grant in purse.grants] == [THREE, TWO, ONE]
    spent = purse.hold(25).end_hold(25, 25)
    assert spent.grants == (Grant(ONE, 5),)
    assert spent.purchased == 100
    assert spent.hold(50).end_hold(50, 50).purchased == 55


def test_a_run_that_costs_more_than_it_held_is_paid_from_what_is_free() -> None:
    purse = Purse(purchased=100).hold(30).end_hold(30, 40)
    assert (purse.purchased, purse.debt, purse.held) == (60, 0, 0)


def test_a_run_never_takes_what_others_hold() -> None:
    """Thirty of a hundred are another run's: ninety cannot be paid, and the rest is owed."""
    purse = Purse(purchased=100).hold(30).hold(70).end_hold(70, 90)
    assert (purse.purchased, purse.held, purse.debt, purse.available) == (30, 30, 20, -20)
    over = purse.end_hold(30, 5)
    assert (over.purchased, over.held, over.debt, over.available) == (5, 0, 0, 5)


def test_debt_is_paid_before_anything_else() -> None:
    purse = Purse(debt=50).top_up(30)
    assert (purse.purchased, purse.debt) == (0, 20)
    assert (purse.top_up(30).purchased, purse.top_up(30).debt) == (10, 0)
    granted = purse.add_grant(Grant(ONE, 30))
    assert (granted.grants, granted.debt) == ((Grant(ONE, 10),), 0)


def test_what_runs_hold_does_not_expire_until_they_are_over() -> None:
    purse = Purse().add_grant(Grant(ONE, 100, SOON)).hold(40)
    expired = purse.expire(LATER)
    assert (expired.granted, expired.available) == (40, 0)
    assert expired.end_hold(40, 15).expire(LATER).credit == 0


def test_a_refund_takes_bought_credit_and_makes_debt_of_what_is_spent() -> None:
    purse = Purse(purchased=100).end_hold(0, 80).refund(50)
    assert (purse.purchased, purse.debt) == (0, 30)


def test_more_than_is_available_is_not_held() -> None:
    with pytest.raises(ValueError, match="More is held"):
        Purse(purchased=10).hold(11)


def test_what_is_booked_is_the_difference_and_its_counterpart() -> None:
    before = Purse(purchased=10, grants=(Grant(ONE, 5),))
    after = before.end_hold(0, 20)
    assert difference(before, after, "revenue") == (
        Posting("granted", -5, ONE),
        Posting("purchased", -10),
        Posting("debt", -5),
        Posting("revenue", 20),
    )
    assert difference(before, before, "revenue") == ()


deeds = st.one_of(
    st.tuples(st.just("hold"), st.integers(1, 50)),
    st.tuples(st.just("end"), st.integers(0, 5), st.integers(0, 120)),
    st.tuples(st.just("grant"), st.integers(1, 50), st.one_of(st.none(), st.integers(0, 9))),
    st.tuples(st.just("top_up"), st.integers(1, 50)),
    st.tuples(st.just("refund"), st.integers(1, 50)),
    st.tuples(st.just("expire"), st.integers(0, 9)),
)


@given(st.lists(deeds, max_size=40))
def test_whatever_is_done_in_whatever_order(history: list[tuple[str, int, int]]) -> None:
    """What is held is there, nobody owes who has, entries are balanced, and debt is what estimates missed."""
    purse, holds, missed = Purse(), list[int](), 0
    for number, (deed, *values) in enumerate(history):
        before = purse
        match deed, values:
            case "hold", [amount]:
                if amount <= purse.available:
                    purse = purse.hold(amount)
                    holds.append(amount)
            case "end", [which, charged]:
                if holds:
                    held = holds.pop(which % len(holds))
                    missed += max(charged - held, 0)
                    purse = purse.end_hold(held, charged)
            case "grant", [amount, days]:
                expires_at = None if days is None else SOON + timedelta(days=days)
                purse = purse.add_grant(Grant(UUID(int=number + 1), amount, expires_at))
            case "top_up", [amount]:
                purse = purse.top_up(amount)
            case "refund", [amount]:
                missed += amount
                purse = purse.refund(amount)
            case "expire", [days]:
                purse = purse.expire(SOON + timedelta(days=days))
        assert purse.held == sum(holds) <= purse.credit
        assert purse.debt == 0 or purse.free == 0
        assert purse.available >= -missed
        assert min(purse.purchased, purse.debt, *(grant.remaining for grant in purse.grants), 0) == 0
        assert sum(posting.amount for posting in difference(before, purse, "revenue")) == 0
