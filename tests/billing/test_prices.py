"""Which price holds and from when; what is bundled, what is fetched, and what an administrator decides."""

from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta

import orjson
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from kontor.billing import feed, naming, prices, refreshing
from kontor.billing.errors import FeedUnreadable, PriceNotFound, PriceRefused
from kontor.billing.feed import SecondSource, Snapshot, nano_of, parse_published, read_published
from kontor.billing.prices import OwnPrice, PriceKey, Version
from kontor.billing.rates import PriceSheet, Service, Tier
from kontor.billing.refreshing import Known, what_is_new
from kontor.core.clock import clock, moved, now
from kontor.core.database import Database
from kontor.core.ids import UserId, new_id
from kontor.core.money import NANO
from kontor.gateway.wire.quirks import KINDS

GPT = PriceKey("openai", "gpt-x")
ADMIN = UserId(new_id())
NOTHING: Mapping[str, str] = {}


def published(*models: dict[str, object], provider: str = "openai") -> Snapshot:
    return parse_published(orjson.dumps([{"id": provider, "models": list(models)}]))


def model(prices: object, name: str = "gpt-x", **more: object) -> dict[str, object]:
    return {"id": name, "match": {"equals": name}, "prices": prices, **more}


async def take_in(database: Database, snapshot: Snapshot) -> refreshing.Taken:
    async with database.system("test") as unit:
        return await refreshing.take_in(unit, snapshot, source="feed")


async def holding(database: Database, key: PriceKey = GPT, at: datetime | None = None) -> Version | None:
    async with database.system("test") as unit:
        return await prices.find(unit, key, at or now())


async def set_own(database: Database, listed: Mapping[str, str] = NOTHING, **flags: bool) -> None:
    async with database.system("test") as unit:
        sheet = PriceSheet({name: nano_of(price) for name, price in listed.items()})
        own = OwnPrice(key=GPT, sheet=sheet, valid_from=now(), **flags)
        await prices.set_own(unit, own, by=ADMIN)


async def input_price(database: Database, at: datetime | None = None) -> int | None:
    found = await holding(database, at=at)
    return None if found is None else found.sheet.prices.get("input")


@pytest.fixture
async def listed(database: Database) -> AsyncIterator[Database]:
    await take_in(database, published(model({"input_mtok": 2, "output_mtok": 8})))
    yield database


async def test_a_new_price_holds_from_the_moment_at_which_it_came(listed: Database) -> None:
    before = now()
    assert await input_price(listed, datetime(2021, 1, 1, tzinfo=UTC)) == nano_of(2), "the first one explains the past"
    clock.advance(timedelta(days=1))
    taken = await take_in(listed, published(model({"input_mtok": 3, "output_mtok": 8})))
    assert (taken.added, taken.held) == (1, 0)
    assert await input_price(listed, before) == nano_of(2)
    assert await input_price(listed) == nano_of(3)


async def test_the_same_list_again_changes_nothing(listed: Database) -> None:
    for _ in range(2):
        assert (await take_in(listed, published(model({"input_mtok": 2.0, "output_mtok": 8})))).added == 0


async def test_a_jump_waits_for_somebody_and_is_heard_once(listed: Database) -> None:
    jumped = published(model({"input_mtok": 11, "output_mtok": 8}))
    assert (await take_in(listed, jumped)).held == 1
    assert (await take_in(listed, jumped)).held == 0
    assert await input_price(listed) == nano_of(2)
    async with listed.system("test") as unit:
        [(version, present)] = await prices.review(unit, limit=10)
        assert present is not None
        assert present.sheet.prices["input"] == nano_of(2)
        await prices.decide(unit, version.id, is_accepted=True, by=ADMIN)
        with pytest.raises(PriceNotFound):
            await prices.decide(unit, version.id, is_accepted=False, by=ADMIN)
    assert await input_price(listed, now() - timedelta(minutes=1)) == nano_of(2)
    assert await input_price(listed) == nano_of(11)
    assert (await take_in(listed, jumped)).held == 0


async def test_what_was_rejected_is_not_offered_again(listed: Database) -> None:
    jumped = published(model({"input_mtok": 11, "output_mtok": 8}))
    await take_in(listed, jumped)
    async with listed.system("test") as unit:
        [(version, _)] = await prices.review(unit, limit=10)
        await prices.decide(unit, version.id, is_accepted=False, by=ADMIN)
    assert (await take_in(listed, jumped)).held == 0
    assert await input_price(listed) == nano_of(2)


async def test_what_is_announced_holds_from_its_day_on(database: Database) -> None:
    day = (now() + timedelta(days=10)).date()
    snapshot = published(
        model(
            [
                {"prices": {"input_mtok": 2, "output_mtok": 8}},
                {"constraint": {"start_date": str(day)}, "prices": {"input_mtok": 1, "output_mtok": 4}},
            ]
        )
    )
    assert (await take_in(database, snapshot)).added == 2
    assert await input_price(database) == nano_of(2)
    assert await input_price(database, now() + timedelta(days=11)) == nano_of(1)
    with moved(timedelta(days=11)):
        assert (await take_in(database, snapshot)).added == 0


async def test_tiers_and_hours_come_along(database: Database) -> None:
    snapshot = published(
        model(
            [
                {
                    "prices": {
                        "input_mtok": {"base": 2, "tiers": [{"start": 200_000, "price": 4}]},
                        "output_mtok": 8,
                        "cache_write_1h_mtok": 9,
                    }
                },
                {
                    "constraint": {"start_time": "18:30:00+02:00", "end_time": "00:30:00Z"},
                    "prices": {"input_mtok": 1, "output_mtok": 4},
                },
            ]
        )
    )
    await take_in(database, snapshot)
    found = await holding(database)
    assert found is not None
    by_day = found.rate(datetime(2026, 1, 1, 12, tzinfo=UTC))
    assert (by_day.usd_nano_per_million["input"], by_day.tiers[0].above) == (nano_of(2), 200_000)
    by_night = found.rate(datetime(2026, 1, 1, 16, 30, tzinfo=UTC))
    assert (by_night.usd_nano_per_million, by_night.tiers) == ({"input": nano_of(1), "output": nano_of(4)}, ())


async def test_an_administrators_price_comes_first_until_the_model_follows_the_list_again(listed: Database) -> None:
    await set_own(listed, {"input": "2.5", "output": "9"})
    assert await input_price(listed) == nano_of("2.5")
    await take_in(listed, published(model({"input_mtok": 3, "output_mtok": 8})))
    assert await input_price(listed) == nano_of("2.5")
    clock.advance(timedelta(seconds=1))
    await set_own(listed, follows_feed=True)
    assert await input_price(listed) == nano_of(3)


async def test_nobody_sets_a_price_of_nothing_whatever_they_mean(listed: Database) -> None:
    for wrong in ({"input": "0", "output": "8"}, {"input": "-2", "output": "8"}, {"input": "2"}):
        with pytest.raises(PriceRefused):
            await set_own(listed, wrong, is_meant=True)
    with pytest.raises(PriceRefused):
        await set_own(listed, {"input": "20", "output": "8"})
    await set_own(listed, {"input": "20", "output": "8"}, is_meant=True)
    assert await input_price(listed) == nano_of(20)
    clock.advance(timedelta(seconds=1))
    await set_own(listed, is_free=True)
    found = await holding(listed)
    assert found is not None
    assert found.is_free


async def test_editions_cost_what_their_model_does_unless_they_have_a_price(database: Database) -> None:
    snapshot = published(
        model({"input_mtok": 2, "output_mtok": 8}, match={"or": [{"equals": "gpt-x"}, {"starts_with": "gpt-x-2026"}]}),
        model({"input_mtok": 1, "output_mtok": 4}, "gpt-x-2026-02-02"),
    )
    await take_in(database, snapshot)
    prices_of = {}
    for name in ("gpt-x", "gpt-x-2026-01-01", "GPT-X-20260101", "gpt-x-2026-02-02", "gpt-xx"):
        found = await holding(database, PriceKey("openai", name))
        prices_of[name] = found and found.sheet.prices["input"]
    assert prices_of == {
        "gpt-x": nano_of(2),
        "gpt-x-2026-01-01": nano_of(2),
        "GPT-X-20260101": nano_of(2),
        "gpt-x-2026-02-02": nano_of(1),
        "gpt-xx": None,
    }
    async with database.system("test") as unit:
        keys = [PriceKey("openai", name) for name in prices_of]
        together = await prices.find_all(unit, keys, now())
    assert {key.model: version.sheet.prices["input"] for key, version in together.items()} == {
        name: price for name, price in prices_of.items() if price is not None
    }


async def test_a_version_is_never_changed_and_never_removed(listed: Database) -> None:
    for statement in (
        'UPDATE model_price SET prices = \'{"prices": {"input": 1}}\'',
        "UPDATE model_price SET valid_from = now()",
        "DELETE FROM model_price",
    ):
        with pytest.raises(DBAPIError):
            async with listed.system("test") as unit:
                await unit.execute(text(statement))
    assert await input_price(listed) == nano_of(2)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[]",
        b"[1]",
        b'[{"id": "openai"}]',
        b'[{"id": "openai", "models": [{"id": "m", "prices": {"input_mtok": "many"}}]}]',
        b'[{"id": "openai", "models": [{"id": "m", "prices": {"input_mtok": 1e400}}]}]',
        b'[{"id": "openai", "models": [{"id": "m", "prices": [{"constraint": {"start_date": "x"}, "prices": {}}]}]}]',
    ],
)
def test_what_is_no_list_of_prices_is_refused(body: bytes) -> None:
    with pytest.raises(FeedUnreadable):
        parse_published(body)


def test_patterns_from_outside_are_only_taken_as_we_know_them() -> None:
    evil = model({"input_mtok": 1, "output_mtok": 1}, match={"or": [{"regex": "(a+)+$"}, {"equals": "gpt-x"}]})
    [listed] = published(evil).models
    assert list(listed.clause) == ["or", ["is", "gpt-x"]]
    known = sorted(feed.bundled_patterns())[0]
    [listed] = published(model({"input_mtok": 1}, match={"regex": known})).models
    assert list(listed.clause) == ["regex", known]


async def test_what_is_bundled_is_planted_once_and_prices_the_models_of_today(database: Database) -> None:
    assert await refreshing.plant(database)
    assert not await refreshing.plant(database)
    async with database.system("test") as unit:
        for provider, name in (
            ("openai", "gpt-4o-mini-2024-07-18"),
            ("anthropic", "claude-3-5-sonnet-20241022"),
            ("gemini", "gemini-2.5-pro"),
            ("deepseek", "deepseek-chat"),
            ("openai", "text-embedding-3-small"),
        ):
            assert await prices.find(unit, PriceKey(provider, name), now()), name
        assert await prices.find(unit, PriceKey("ollama", "llama3"), now()) is None
        held = await prices.review(unit, limit=50)
    # Those that a person has to decide on: nobody but one list says that their output is free.
    assert {(each.provider, each.model) for each, _ in held} == {
        ("openrouter", "typesafe/jev-1.13"),
        ("openrouter", "typesafe/jev-1.14"),
    }


def test_only_prices_are_taken_in_that_somebody_could_use() -> None:
    without_list = {"compatible", "llamacpp", "lmstudio", "ollama", "runpod", "vllm"}
    assert set(KINDS) - without_list == feed.PROVIDERS == {listed.provider for listed in feed.bundled().models}
    other = {"id": "azure", "models": [model({"input_mtok": 1})]}
    mine = {"id": "openai", "models": [model({"input_mtok": 1})]}
    assert [listed.provider for listed in read_published([mine, other]).models] == ["openai"]
    with pytest.raises(FeedUnreadable):
        read_published([other])


def test_other_ways_of_being_served_are_read_with_their_prices() -> None:
    later = {"start_date": f"{now() + timedelta(days=9):%Y-%m-%d}"}
    variants = [
        {"when": {"service_tier": "default"}, "prices": {"input_mtok": 9}},
        {"when": {"service_tier": "flex"}, "prices": {"input_mtok": {"base": 1, "tiers": [{"start": 5, "price": 2}]}}},
        {"when": {"service_tier": "flex"}, "prices": {"input_mtok": 7}},
        {"when": {"processing": "batch"}, "prices": {"input_mtok": 3}, "constraint": {"start_date": "2026-01-01"}},
        {"when": {"speed": "fast"}, "prices": {"input_mtok": 4}, "constraint": later},
        {"when": {"route": "eu"}, "prices": {"input_mtok": 5}},
        {"when": {"service_tier": "priority", "route": "eu"}, "prices": {"input_mtok": 6}},
        {"when": {"service_tier": "scale"}},
    ]
    prices_of = {"input_mtok": 2, "output_mtok": 8, "cache_write_1h_mtok": 4, "output_image_mtok": 30}
    [listed] = published(model(prices_of, price_variants=variants)).models
    sheet = listed.versions[0].sheet
    assert (sheet.prices["cache_write_1h"], sheet.prices["image_out"]) == (4 * NANO, 30 * NANO)
    assert sheet.services == {
        "flex": Service({"input": NANO}, (Tier(5, {"input": 2 * NANO}),)),
        "batch": Service({"input": 3 * NANO}),
    }
    assert PriceSheet.parse(orjson.loads(orjson.dumps(sheet.stored()))) == sheet


def test_two_sources_may_say_that_output_is_free() -> None:
    [listed] = published(model({"input_mtok": 1})).models
    silent, agreeing = SecondSource({}), SecondSource({"openai": {"gpt-x": {"input": NANO, "output": 0}}})
    [alone] = what_is_new(listed, Known(), silent, now())
    [agreed] = what_is_new(listed, Known(), agreeing, now())
    assert (alone.is_held, agreed.is_held) == (True, False)


async def test_a_bundle_does_not_put_old_prices_over_what_was_fetched_lately(listed: Database) -> None:
    await refreshing.plant(listed)
    assert await holding(listed, PriceKey("openai", "gpt-4o")) is None


def test_the_bundle_survives_being_shortened() -> None:
    bundled = feed.bundled()
    again = feed.parse_bundled(orjson.dumps(feed.shortened(bundled, source="test")))
    assert again.models == bundled.models


def test_a_clause_says_which_names_are_meant() -> None:
    clause = ["and", ["starts", "gpt"], ["or", ["contains", "mini"], ["ends", "nano"]]]
    assert [naming.matches(clause, name) for name in ("gpt-mini-2", "gpt-nano", "gpt-4", "o-mini")] == [
        True,
        True,
        False,
        False,
    ]
