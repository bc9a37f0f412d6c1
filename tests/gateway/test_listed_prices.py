"""Prices out of a provider's own list: for gaps alone, through the gate, and from those alone who may be believed."""

from dataclasses import replace

from kontor.billing import prices
from kontor.billing.prices import PriceKey
from kontor.billing.rates import PriceSheet
from kontor.core.clock import now
from kontor.core.database import Database
from kontor.gateway import listed_prices
from kontor.gateway.wire.port import Listed
from tests.gateway.samples import ANNA, provider

OPENROUTER = provider("openrouter", base_url="https://openrouter.ai/api/v1", origin="https://openrouter.ai")
NEW = Listed("maker/brand-new", usd_per_million={"input": "0.5", "output": "1.5"})
KEY = PriceKey("openrouter", NEW.name)


async def states(database: Database, key: PriceKey) -> list[tuple[str, str, int | None]]:
    async with database.system("test") as unit:
        found = await prices.offered(unit, key, source="provider")
        return [(each.source, each.state, each.sheet.prices.get("input")) for each in found]


async def take_in(database: Database, *listed: Listed) -> int:
    async with database.system("billing") as unit:
        return await listed_prices.take_in(unit, OPENROUTER, listed)


async def test_a_gap_is_filled_once(database: Database) -> None:
    assert await take_in(database, NEW) == 1
    assert await take_in(database, NEW) == 0
    assert await states(database, KEY) == [("provider", "valid", 500_000_000)]


async def test_a_small_change_holds_and_a_jump_waits_for_a_decision(database: Database) -> None:
    await take_in(database, NEW)
    cheaper = replace(NEW, usd_per_million={"input": "0.4", "output": "1.5"})
    assert await take_in(database, cheaper) == 1
    jump = replace(NEW, usd_per_million={"input": "40", "output": "1.5"})
    assert await take_in(database, jump) == 1
    # Told again every day, it is not asked about every day.
    assert await take_in(database, jump) == 0
    assert sorted(await states(database, KEY)) == [
        ("provider", "review", 40_000_000_000),
        ("provider", "valid", 400_000_000),
        ("provider", "valid", 500_000_000),
    ]


async def test_what_a_published_list_says_stays(database: Database) -> None:
    sheet = PriceSheet({"input": 1_000_000_000, "output": 2_000_000_000})
    async with database.system("test") as unit:
        await prices.add(unit, KEY, sheet, source="feed", valid_from=now())
    assert await take_in(database, NEW) == 0


async def test_what_cannot_be_read_or_costs_nothing_is_no_price_yet(database: Database) -> None:
    odd = Listed("maker/odd", usd_per_million={"input": "cheap", "output": "1"})
    free = Listed("maker/free", usd_per_million={"input": "0", "output": "0"})
    assert await take_in(database, odd, free, Listed("maker/silent")) == 1
    assert await states(database, PriceKey("openrouter", "maker/free")) == [("provider", "review", 0)]


def test_only_those_are_believed_who_charge_it() -> None:
    assert listed_prices.is_trusted(OPENROUTER)
    assert not listed_prices.is_trusted(replace(OPENROUTER, origin="https://example.org"))
    assert not listed_prices.is_trusted(replace(OPENROUTER, owner_id=ANNA))
    assert not listed_prices.is_trusted(provider("compatible"))
