"""Exchange rates: what the bank publishes, which day counts, and when a rate is too old."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from kontor.billing import exchange
from kontor.billing.errors import FeedUnreadable, RateTooOld
from kontor.billing.exchange import Published, read_ecb
from kontor.billing.refreshing import seed_rates
from kontor.core.database import Database

DAILY = b"""<?xml version="1.0" encoding="UTF-8"?>
<gesmes:Envelope xmlns:gesmes="http://www.gesmes.org/xml/2002-08-01"
    xmlns="http://www.ecb.int/vocabulary/2002-08-01/eurofxref">
  <gesmes:subject>Reference rates</gesmes:subject>
  <gesmes:Sender><gesmes:name>European Central Bank</gesmes:name></gesmes:Sender>
  <Cube>
    <Cube time='2026-04-01'><Cube currency='USD' rate='1.0800'/><Cube currency='JPY' rate='161.5'/></Cube>
    <Cube time='2026-04-02'><Cube currency='USD' rate='1.0850'/><Cube currency='CHF' rate='0.9765'/></Cube>
  </Cube>
</gesmes:Envelope>"""


def at(day: str, hour: int = 12) -> datetime:
    return datetime.combine(date.fromisoformat(day), datetime.min.time(), UTC).replace(hour=hour)


def test_the_file_of_the_bank_is_read_newest_first() -> None:
    newest, before = read_ecb(DAILY)
    assert (newest.day, newest.rates["CHF"]) == (date(2026, 4, 2), Decimal("0.9765"))
    assert before.rates == {"USD": Decimal("1.0800"), "JPY": Decimal("161.5")}


@pytest.mark.parametrize(
    "body",
    [
        b"not xml",
        b"<a/>",
        b"<Cube time='2026-04-01'/>",
        b"<Cube time='tomorrow'><Cube currency='USD' rate='1'/></Cube>",
        b"<Cube time='2026-04-01'><Cube currency='USD' rate='-1'/></Cube>",
        b"<Cube time='2026-04-01'><Cube currency='USD' rate='NaN'/></Cube>",
        b"<Cube time='2026-04-01'><Cube currency='USD' rate='1e30'/></Cube>",
        b"<Cube time='2026-04-01'><Cube currency='US$' rate='1'/></Cube>",
        b"<!DOCTYPE a [<!ENTITY b 'c'>]><Cube time='2026-04-01'><Cube currency='USD' rate='1'/></Cube>",
        b" " * (exchange.LARGEST + 1),
    ],
)
def test_anything_else_is_refused(body: bytes) -> None:
    with pytest.raises(FeedUnreadable):
        read_ecb(body)


async def publish(database: Database, day: str, source: str = "ecb", **rates: str) -> None:
    async with database.system("test") as unit:
        published = Published(date.fromisoformat(day), {code: Decimal(rate) for code, rate in rates.items()})
        await exchange.add(unit, published, source=source)


async def rate(database: Database, base: str, to: str, moment: datetime, *, is_binding: bool = True) -> Decimal:
    async with database.system("test") as unit:
        found = await exchange.exchange(unit, base, to, moment, is_binding=is_binding)
    assert found is not None
    return found.rate


async def test_on_days_without_rates_those_of_the_last_day_count(database: Database) -> None:
    """Maundy Thursday's until Easter Tuesday's are there, and each day its own even when it is asked for later."""
    await publish(database, "2026-04-02", USD="1.0000")
    await publish(database, "2026-04-07", USD="2.0000")
    for day in ("2026-04-02", "2026-04-03", "2026-04-05", "2026-04-06"):
        assert await rate(database, "USD", "EUR", at(day)) == 1
    assert await rate(database, "USD", "EUR", at("2026-04-07", 23)) == Decimal("0.5")


async def test_two_currencies_meet_by_way_of_the_euro(database: Database) -> None:
    await publish(database, "2026-04-02", USD="1.25", CHF="0.95", JPY="160")
    assert await rate(database, "USD", "CHF", at("2026-04-02")) == Decimal("0.76")
    assert await rate(database, "USD", "JPY", at("2026-04-02")) == Decimal("128")
    assert await rate(database, "EUR", "USD", at("2026-04-02")) == Decimal("1.25")
    assert await rate(database, "USD", "USD", at("1999-01-01")) == 1


@pytest.mark.parametrize(("day", "is_refused"), [("2026-04-16", False), ("2026-04-17", True)])
async def test_after_fourteen_days_nothing_is_booked_by_a_rate(database: Database, day: str, is_refused: bool) -> None:
    await publish(database, "2026-04-02", USD="1.25")
    assert await rate(database, "USD", "EUR", at(day), is_binding=False) == Decimal("0.8")
    if is_refused:
        with pytest.raises(RateTooOld):
            await rate(database, "USD", "EUR", at(day))
    else:
        assert await rate(database, "USD", "EUR", at(day)) == Decimal("0.8")


async def test_a_day_is_published_once_and_what_was_typed_in_stands_before_it(database: Database) -> None:
    await publish(database, "2026-04-02", USD="1.25")
    await publish(database, "2026-04-02", USD="9.99")
    assert await rate(database, "USD", "EUR", at("2026-04-02")) == Decimal("0.8")
    await publish(database, "2026-04-02", source="admin", USD="1.00")
    await publish(database, "2026-04-02", source="admin", USD="2.00")
    assert await rate(database, "USD", "EUR", at("2026-04-02")) == Decimal("0.5")


async def test_a_day_that_lacks_a_currency_leaves_it_to_the_one_before(database: Database) -> None:
    await publish(database, "2026-04-01", USD="1.25", CHF="0.95")
    await publish(database, "2026-04-02", USD="1.30")
    assert await rate(database, "USD", "CHF", at("2026-04-02")) == Decimal("0.76")


def test_what_is_bundled_for_a_first_start_can_be_used() -> None:
    seed = seed_rates()
    assert {"USD", "CHF", "GBP", "JPY"} <= set(seed.rates)
    assert Decimal("0.5") < seed.rates["USD"] < 2
