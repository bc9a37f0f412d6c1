"""What a run costs: classes, tiers, hours, the one rounding, and the provider's own word."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from random import Random
from typing import Any
from uuid import UUID

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kontor.billing.feed import nano_of
from kontor.billing.rates import TOLD, PriceSheet, Quote, Rate, Service, Tier, affordable_output, cost
from kontor.billing.usage import Usage
from kontor.core.money import NANO
from tests.factories.billing import LONG_AGO, NANO_A_TOKEN, of_tokens

MILLION = 1_000_000


def quote_of(*tiers: Tier, fx: str = "1", markup_bp: int = 0, **prices: int) -> Quote:
    rate = Rate(prices, UUID(int=1), LONG_AGO, "feed", tiers)
    return replace(NANO_A_TOKEN, rate=rate, fx=Decimal(fx), markup_bp=markup_bp)


def test_each_class_has_its_own_price_and_falls_back_to_what_it_is_a_kind_of() -> None:
    priced = quote_of(input=nano_of("3"), cached=nano_of("0.3"), output=nano_of("15"))
    usage = Usage(input=MILLION, cached=MILLION, cache_write=MILLION, output=MILLION, reasoning=MILLION)
    found = cost(priced, usage)
    assert {line.name: line.nano for line in found.lines} == {
        "input": 3 * NANO,
        "cached": 300_000_000,
        "cache_write": 3 * NANO,  # no price of its own: never less than an ordinary token
        "output": 15 * NANO,
        "reasoning": 15 * NANO,
    }
    assert found.charged_nano == found.provider_usd_nano == 36 * NANO + 300_000_000


def test_what_has_no_price_of_its_own_is_never_free() -> None:
    """Pictures and sound are read as input and written as output, also where a list has nothing for them in a class."""
    usage = Usage(input=MILLION, image=MILLION, audio_in=MILLION, output=MILLION, audio_out=MILLION)
    for prices in ({}, {"image": 0, "audio_in": 0, "audio_out": 0}):
        more: dict[str, Any] = prices
        found = cost(quote_of(input=3 * NANO, output=5 * NANO, **more), usage)
        assert [line.nano // NANO for line in found.lines] == [3, 5, 3, 3, 5]
        assert found.is_known
    own = cost(quote_of(input=3 * NANO, output=5 * NANO, image=7 * NANO, audio_in=8 * NANO, audio_out=9 * NANO), usage)
    assert [line.nano // NANO for line in own.lines] == [3, 5, 7, 8, 9]


def test_what_nobody_has_a_price_for_is_not_said_to_be_known() -> None:
    embedding = quote_of(input=3 * NANO)
    assert cost(embedding, Usage(input=MILLION)).is_known
    assert cost(embedding, Usage(image=MILLION)).is_known, "read as input"
    assert not cost(embedding, Usage(input=MILLION, output=1)).is_known
    assert cost(quote_of(input=3 * NANO, output=0), Usage(input=MILLION, output=1)).is_known, "said to cost nothing"


SERVICES = {
    "flex": Service({"input": NANO // 2, "output": NANO}),
    "priority": Service({"input": 2 * NANO, "output": 4 * NANO}, (Tier(200_000, {"input": 3 * NANO}),)),
}


def served(asked: str | None = None) -> Quote:
    quote = quote_of(Tier(200_000, {"input": 5 * NANO, "output": 6 * NANO}), input=NANO, output=2 * NANO)
    assert quote.rate is not None
    return replace(quote, rate=replace(quote.rate, services=SERVICES, service=asked))


@pytest.mark.parametrize(
    ("asked", "told", "expected", "is_estimated"),
    [
        (None, None, 3, False),
        (None, "default", 3, False),
        ("flex", "flex", 1.5, False),
        ("flex", None, 1.5, True),  # nobody said that it was served like that
        ("priority", "default", 3, False),  # there was no room for it, and it was not charged
        ("auto", "priority", 6, False),  # as the account there has it
        (None, "scale", 3, True),
        ("gold", None, 3, True),
    ],
)
def test_another_way_of_being_served_has_its_own_price(
    asked: str | None, told: str | None, expected: float, is_estimated: bool
) -> None:
    found = cost(served(asked), Usage(input=MILLION // 10, output=MILLION // 10), service=told)
    assert (found.charged_nano, found.is_estimated) == (int(expected * NANO / 10), is_estimated)
    assert not cost(served(asked), Usage(), service=told).is_estimated
    believed = cost(served(asked), Usage(input=MILLION // 10, output=MILLION // 10), 300_000_000, service=told)
    assert (believed.charged_nano, believed.is_estimated) == (300_000_000, False), "the provider's own word"


def test_what_a_way_of_being_served_does_not_name_costs_the_usual() -> None:
    usage = Usage(input=MILLION, output=MILLION)
    assert cost(served(), usage, service="flex").charged_nano == NANO // 2 + NANO, "its own price has no tier"
    assert cost(served(), usage, service="priority").charged_nano == 3 * NANO + 4 * NANO
    part = replace(served(), rate=replace(served().rate, services={"flex": Service({"input": NANO})}))  # type: ignore[type-var]  # it has one
    assert cost(part, usage, service="flex").charged_nano == NANO + 6 * NANO


def test_what_is_kept_in_a_cache_for_an_hour_and_what_is_drawn_cost_more() -> None:
    usage = Usage(cache_write=MILLION, cache_write_1h=MILLION, output=MILLION, image_out=MILLION)
    known = quote_of(input=4, cache_write=5, cache_write_1h=8, output=20, image_out=120)
    found = cost(known, usage)
    assert [(line.name, line.nano) for line in found.lines] == [
        ("cache_write", 5),
        ("output", 20),
        ("cache_write_1h", 8),
        ("image_out", 120),
    ]
    assert not found.is_estimated
    for lacking in (quote_of(input=4, cache_write=5, output=20, image_out=120), quote_of(input=4, output=20)):
        found = cost(lacking, usage)
        assert found.is_estimated and found.is_known
    assert {line.nano for line in found.lines} == {4, 20}
    assert not cost(quote_of(input=4, output=20), Usage(input=5, cache_write=3, output=1)).is_estimated


def test_terms_outlive_a_crash_with_the_way_that_was_asked_for() -> None:
    usage = Usage(input=MILLION // 10)
    again = Quote.parse(orjson.loads(orjson.dumps(served("flex").stored())))
    assert cost(again, usage, service="flex").charged_nano == NANO // 20
    assert "services" not in served().stored()["rate"], "nor are they in every row"
    assert cost(Quote.parse(served().stored()), usage, service="flex").is_estimated


def test_a_tier_counts_for_all_tokens_once_more_is_read() -> None:
    priced = quote_of(Tier(200_000, {"input": 2 * NANO, "output": 4 * NANO}), input=NANO, output=NANO)
    assert cost(priced, Usage(input=200_000, output=1_000_000)).charged_nano == 1_200_000_000
    assert cost(priced, Usage(input=200_001, output=1_000_000)).charged_nano == 4_400_002_000
    assert cost(priced, Usage(input=100_001, cached=100_000, output=0)).charged_nano == 300_002_000 + 100_000_000


def test_exchange_and_markup_are_exact_and_rounded_up_once() -> None:
    priced = quote_of(fx="0.9", markup_bp=2_000, input=1)
    assert cost(priced, Usage(input=1)).charged_nano == 1, "the smallest sum there is"
    assert cost(priced, Usage(input=MILLION)).charged_nano == 2, "1.08 nano"
    assert cost(priced, Usage(input=100 * MILLION)).charged_nano == 108
    assert cost(priced, Usage()).charged_nano == 0


def test_a_hundred_thousand_tiny_calls_cost_what_one_large_one_does() -> None:
    """In millionths of a cent the same calls came out 3.3 per cent too dear."""
    random, priced = Random(3), quote_of(input=nano_of("0.075"))
    calls = [random.randint(1, 400) for _ in range(100_000)]
    charged = sum(cost(priced, Usage(input=tokens)).charged_nano for tokens in calls)
    exact = Fraction(sum(calls) * nano_of("0.075"), MILLION)
    assert exact <= charged <= exact + len(calls)
    assert charged / exact - 1 < Fraction(5, 100_000)
    in_micro = sum(-(-tokens * 75 // 1_000) for tokens in calls) * 1_000
    assert in_micro / exact - 1 > Fraction(3, 100), "what is avoided"


ROUNDINGS = [
    # USD for a million, tokens, fx, markup in basis points: nano
    ("0.075", 1, "1", 0, 75),
    ("0.0754", 1, "1", 0, 76),
    ("0.001", 1, "1", 0, 1),
    ("0.001", 3, "0.5", 0, 2),
    ("15", 1_000, "0.92", 1_000, 15_180_000),
    ("15", 1_000, "0.9200000001", 1_000, 15_180_001),
    ("0.000000001", 1, "1", 0, 1),
    ("600", 128_000, "1.1", 5_000, 126_720_000_000),
]


@pytest.mark.parametrize(("price", "tokens", "fx", "markup_bp", "expected"), ROUNDINGS)
def test_the_table_of_roundings(price: str, tokens: int, fx: str, markup_bp: int, expected: int) -> None:
    priced = quote_of(fx=fx, markup_bp=markup_bp, output=nano_of(price))
    assert cost(priced, of_tokens(tokens)).charged_nano == expected


classes = st.integers(0, 10**9)


@given(
    st.builds(Usage, input=classes, cached=classes, output=classes, reasoning=classes, image=classes),
    st.integers(0, 10**13),
    st.integers(0, 10**13),
    st.decimals("0.0001", "20000", places=6),
    st.integers(0, 20_000),
    st.one_of(st.none(), st.integers(0, 10**12)),
)
def test_the_lines_of_a_receipt_make_its_sum(  # noqa: PLR0917 - one for each thing that varies
    usage: Usage, input_price: int, output_price: int, fx: Decimal, markup_bp: int, said: int | None
) -> None:
    priced = quote_of(fx=str(fx), markup_bp=markup_bp, input=input_price, output=output_price)
    found = cost(priced, usage, said)
    assert sum(line.nano for line in found.lines) == found.spent_nano == found.charged_nano
    assert all(line.nano >= 0 for line in found.lines)


def test_no_price_makes_money() -> None:
    assert cost(quote_of(input=-MILLION, output=-MILLION), Usage(input=5, output=5)).charged_nano == 0
    assert cost(NANO_A_TOKEN, of_tokens(5), -3).charged_nano == 5


def test_what_is_free_and_what_goes_by_ones_own_key_is_not_charged() -> None:
    own = cost(replace(NANO_A_TOKEN, is_own_key=True, markup_bp=5_000), of_tokens(7))
    assert (own.charged_nano, own.spent_nano) == (0, 7), "budgets count it, and nobody adds to it"
    free = cost(replace(NANO_A_TOKEN, is_free=True), of_tokens(7), 12)
    assert (free.charged_nano, free.spent_nano, free.provider_usd_nano) == (0, 0, 0)


def test_a_provider_that_names_its_price_is_believed_within_reason() -> None:
    assert cost(NANO_A_TOKEN, of_tokens(100), 90).charged_nano == 90
    assert cost(NANO_A_TOKEN, of_tokens(100), 0).charged_nano == 100
    assert cost(NANO_A_TOKEN, of_tokens(100), 501).charged_nano == 100, (
        "more than five times is a mistake of somebody's"
    )
    unknown = cost(replace(NANO_A_TOKEN, rate=None), of_tokens(100), 42)
    assert [(line.name, line.nano) for line in unknown.lines if line.nano] == [(TOLD, 42)]
    assert unknown.is_known
    assert not cost(replace(NANO_A_TOKEN, rate=None), of_tokens(100)).is_known


def test_hours_are_those_of_the_day_in_utc_also_across_midnight() -> None:
    sheet = PriceSheet.parse(
        {
            "prices": {"input": 4},
            "hours": [{"from": "16:30", "to": "00:30", "prices": {"input": 2}}],
        }
    )
    at = {
        hour: sheet.at(datetime(2026, 3, 1, *hour, tzinfo=UTC))[0]["input"]
        for hour in [(16, 29), (16, 30), (0, 29), (0, 30)]
    }
    assert list(at.values()) == [4, 2, 2, 4]
    assert PriceSheet.parse(sheet.stored()) == sheet


def test_how_much_would_fit_is_the_most_that_does() -> None:
    priced = quote_of(input=NANO, output=2 * NANO)
    upper = Usage(input=1_000, output=5_000)
    found = affordable_output(priced, upper, 4_000_000)
    assert found == 1_500
    assert cost(priced, Usage(input=1_000, output=1_500)).charged_nano == 4_000_000
    assert affordable_output(priced, upper, 1_000_000) is None


def test_a_quote_is_the_same_after_it_was_stored() -> None:
    priced = quote_of(Tier(10, {"input": 3}), fx="0.912345678901", markup_bp=120, input=2, output=5)
    assert Quote.parse(priced.stored()) == priced
