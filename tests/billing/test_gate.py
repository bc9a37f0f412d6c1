"""Each rule of the gate, and nothing that goes through it unseen."""

import pytest

from kontor.billing.feed import nano_of
from kontor.billing.gate import Finding, judge
from kontor.billing.rates import PriceSheet


def sheet(**prices: str) -> PriceSheet:
    return PriceSheet({name: nano_of(price) for name, price in prices.items()})


USUAL = sheet(input="3", output="15")


def reasons(*found: Finding) -> set[tuple[str, str]]:
    return {(finding.reason, finding.name) for finding in found if finding.holds}


def test_a_usual_price_goes_through() -> None:
    assert judge(USUAL, before=sheet(input="2.5", output="12"), second=USUAL) == []


@pytest.mark.parametrize(
    ("prices", "expected"),
    [
        (sheet(input="3", output="0"), {("not_positive", "output")}),
        (sheet(input="-1", output="15"), {("not_positive", "input")}),
        (sheet(input="3", output="15", cached="0"), {("not_positive", "cached")}),
        (sheet(input="3"), {("no_output", "output")}),
        (sheet(output="3"), {("no_input", "input")}),
        # For one token and for a thousand instead of a million, and the other way about.
        (sheet(input="0.000003", output="0.000015"), {("unit", "input"), ("unit", "output")}),
        (sheet(input="3000000", output="15"), {("unit", "input")}),
    ],
)
def test_what_cannot_be_right_is_held(prices: PriceSheet, expected: set[tuple[str, str]]) -> None:
    assert reasons(*judge(prices)) == expected


@pytest.mark.parametrize(
    ("price", "is_held"), [("15", False), ("15.000001", True), ("0.6", False), ("0.599999", True), ("3", False)]
)
def test_a_jump_of_more_than_five_times_is_held_in_both_directions(price: str, is_held: bool) -> None:
    found = judge(sheet(input=price, output="15"), before=USUAL)
    assert reasons(*found) == ({("jump", "input")} if is_held else set())


def test_tiers_and_hours_are_looked_at_as_well() -> None:
    tiered = PriceSheet.parse({**USUAL.stored(), "tiers": [{"above": 10, "prices": {"input": 0}}]})
    assert reasons(*judge(tiered)) == {("not_positive", "input")}
    hourly = PriceSheet.parse({**USUAL.stored(), "hours": [{"from": "01:00", "to": "02:00", "prices": {"output": -1}}]})
    assert reasons(*judge(hourly)) == {("not_positive", "output")}


def test_another_source_is_a_measure_for_what_is_new_and_a_hint_otherwise() -> None:
    other = sheet(input="0.003", output="0.015")
    assert reasons(*judge(USUAL, second=other)) == {("unit", "input"), ("unit", "output")}
    found = judge(USUAL, before=USUAL, second=sheet(input="3.1", output="15"))
    assert [(finding.reason, finding.holds) for finding in found] == [("disagrees", False)]


def test_what_answers_with_numbers_needs_no_price_of_output() -> None:
    assert judge(sheet(input="0.02"), is_input_only=True) == []
    assert judge(sheet(input="0.02", output="0"), is_input_only=True) == []
    assert reasons(*judge(sheet(input="0"), is_input_only=True)) == {("not_positive", "input")}
