"""What is fetched comes over a real socket and through the one door; what cannot be had changes nothing."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from ipaddress import ip_network
from typing import Any

import orjson
import pytest
from aiohttp import web
from sqlalchemy import text

from kontor.billing import configuration, exchange, prices, refreshing
from kontor.billing.configuration import BillingChange
from kontor.billing.errors import RateTooOld
from kontor.billing.exchange import Published
from kontor.billing.gate import judge
from kontor.billing.jobs import PROVE_BILLING, REFRESH_PRICES, REFRESH_RATES, SWEEP_BILLING, register
from kontor.billing.prices import PriceKey
from kontor.billing.rates import PriceSheet
from kontor.billing.service import quote
from kontor.core.clock import clock, now
from kontor.core.database import Database
from kontor.core.fetch import AddressRules, Fetcher
from kontor.core.ids import JobId, UserId, new_id
from kontor.core.jobs.kinds import NoArgs, Registry
from kontor.core.jobs.running import Progress, Running
from kontor.core.money import NANO
from kontor.core.tenancy import Role
from tests.factories.billing import hold, make_wallet, purse_of, wrong_in
from tests.factories.house import House, Visitor

MODEL = {"id": "gpt-x", "match": {"equals": "gpt-x"}, "prices": {"input_mtok": 2, "output_mtok": 8}}
GPT = PriceKey("openai", "gpt-x")
PRICES = [{"id": "openai", "models": [MODEL]}]
NAMESPACE = "http://www.ecb.int/vocabulary/2002-08-01/eurofxref"


@dataclass(slots=True)
class Publisher:
    """Both lists at one address each, as they are or as a test wants them to be."""

    url: str = ""
    answers: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append(request.path)
        status, body = self.answers.get(request.path, (404, b""))
        return web.Response(status=status, body=body, content_type="text/plain")


def of_today(usd: str = "1.25") -> bytes:
    cube = f"<Cube time='{now():%Y-%m-%d}'><Cube currency='USD' rate='{usd}'/></Cube>"
    return f"<Envelope xmlns='{NAMESPACE}'><Cube>{cube}</Cube></Envelope>".encode()


@pytest.fixture
async def publisher(database: Database) -> AsyncIterator[Publisher]:
    made = Publisher()
    application = web.Application()
    application.router.add_get("/{path:.*}", made.answer)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    made.answers = {"/prices": (200, orjson.dumps(PRICES)), "/rates": (200, of_today())}
    wanted = BillingChange(prices_url=f"{made.url}/prices", exchange_url=f"{made.url}/rates")
    async with database.system("test") as unit:
        await configuration.change(unit, wanted, seen=None)
    yield made
    await runner.cleanup()


@pytest.fixture
async def fetcher(publisher: Publisher) -> AsyncIterator[Fetcher]:
    rules = AddressRules(allowed=(ip_network("127.0.0.1"),))
    made = Fetcher(rules=rules, ports=frozenset({int(publisher.url.rpartition(":")[2])}))
    yield made
    await made.close()


Work = Callable[[str], Awaitable[None]]


@pytest.fixture
def work(database: Database, fetcher: Fetcher) -> Work:
    """The jobs as the worker has them."""
    registry = Registry()
    register(registry, database, fetcher)

    async def report(progress: Progress) -> None:
        return None

    async def run(kind: str) -> None:
        job = Running(
            job_id=JobId(new_id()), kind=kind, owner_id=None, attempt=1, key=None, database=database, report=report
        )
        await registry.entries[kind].handler(job, NoArgs())

    assert set(registry.schedules) == {REFRESH_PRICES.name, REFRESH_RATES.name, SWEEP_BILLING.name, PROVE_BILLING.name}
    return run


async def has_price(database: Database) -> bool:
    async with database.system("test") as unit:
        return await prices.find(unit, GPT, now()) is not None


async def test_prices_and_rates_come_by_the_clock(database: Database, publisher: Publisher, work: Work) -> None:
    await work(REFRESH_PRICES.name)
    await work(REFRESH_RATES.name)
    assert await has_price(database)
    async with database.system("test") as unit:
        [day] = await exchange.latest(unit)
        [state] = await refreshing.feeds(unit, limit=5)
    assert (day.source, str(day.rates["USD"])) == ("ecb", "1.25")
    assert (state.source, state.added, state.error) == ("feed", 1, None)


@pytest.mark.parametrize("answer", [(500, b""), (200, b"<html>"), (200, b"[]"), (200, b"x" * 25_000_000)])
async def test_what_cannot_be_had_is_noted_and_changes_nothing(
    database: Database, publisher: Publisher, work: Work, answer: tuple[int, bytes]
) -> None:
    await work(REFRESH_PRICES.name)
    publisher.answers = {"/prices": answer, "/rates": answer}
    clock.advance(timedelta(days=1))
    await work(REFRESH_PRICES.name)
    await work(REFRESH_RATES.name)
    assert await has_price(database)
    async with database.system("test") as unit:
        newest = (await refreshing.feeds(unit, limit=1))[0]
        assert await exchange.latest(unit) == []
    assert newest.error


async def jobs_of(database: Database, kind: str) -> int:
    async with database.system("test") as unit:
        return await unit.scalar(text("SELECT count(*) FROM job WHERE kind = :kind"), {"kind": kind}) or 0


async def rates_of(admin: Visitor) -> dict[str, Any]:
    found: dict[str, Any] = (await admin.get("/admin/billing")).json()["rates"]
    return found


async def is_paid_for(database: Database, payer: UserId) -> bool:
    async with database.system("test") as unit:
        try:
            await quote(unit, payer=payer, key=GPT, is_own_key=False, is_local=False, role=Role.USER, at=now())
        except RateTooOld:
            return False
    return True


async def test_whoever_switches_on_needs_a_rate_of_these_days_and_it_is_fetched_at_once(
    house: House, publisher: Publisher, work: Work
) -> None:
    """A fresh installation knows the rates of the day on which it was packed."""
    admin, payer = await house.visitor(Role.ADMIN), await make_wallet(house.database, granted=NANO)
    await work(REFRESH_PRICES.name)
    async with house.database.system("test") as unit:
        long_ago = Published(now().date() - timedelta(days=20), {"USD": Decimal("1.1")})
        await exchange.add(unit, long_ago, source="seed")
    await admin.put("/admin/billing", json={"markup_bp": 5})
    assert await jobs_of(house.database, REFRESH_RATES.name) == 0, "nothing is charged yet"
    answer = await admin.put("/admin/billing", json={"is_on": True})
    assert (answer.json()["rates"]["state"], answer.json()["rates"]["fetched_at"]) == ("too_old", None)
    assert await jobs_of(house.database, REFRESH_RATES.name) == 1
    assert not await is_paid_for(house.database, payer)
    await work(REFRESH_RATES.name)
    found = await rates_of(admin)
    assert (found["state"], found["source"], found["error"]) == ("fresh", "ecb", None)
    assert found["fetched_at"] is not None
    assert await is_paid_for(house.database, payer)
    await admin.put("/admin/billing", json={"markup_bp": 6})
    assert await jobs_of(house.database, REFRESH_RATES.name) == 1, "it is fresh"


async def test_where_no_rate_can_be_had_it_is_said_why_and_one_is_typed_in(
    house: House, publisher: Publisher, work: Work
) -> None:
    admin, payer = await house.visitor(Role.ADMIN), await make_wallet(house.database, granted=NANO)
    await work(REFRESH_PRICES.name)
    publisher.answers["/rates"] = (503, b"")
    await admin.put("/admin/billing", json={"is_on": True})
    await work(REFRESH_RATES.name)
    found = await rates_of(admin)
    assert found["state"] == "missing" and found["error"] and found["fetched_at"]
    assert not await is_paid_for(house.database, payer)
    told = [feed["source"] for feed in (await admin.get("/admin/billing")).json()["feeds"]]
    assert told == ["feed"], "the list of prices is another matter"
    await admin.post("/admin/exchange-rates", json={"rates": {"USD": "1.25"}})
    assert (await rates_of(admin))["state"] == "fresh"
    assert await is_paid_for(house.database, payer)


async def test_a_closed_address_is_not_asked(database: Database, publisher: Publisher) -> None:
    """The operator's rules for addresses hold for these as well."""
    strict = Fetcher()
    assert await refreshing.refresh_prices(database, strict) is None
    assert await refreshing.refresh_rates(database, strict) is None
    await strict.close()
    assert publisher.asked == []


async def test_switched_off_nothing_is_fetched(database: Database, publisher: Publisher, work: Work) -> None:
    async with database.system("test") as unit:
        await configuration.change(unit, BillingChange(refreshes_prices=False, exchange_url=""), seen=None)
    await work(REFRESH_PRICES.name)
    await work(REFRESH_RATES.name)
    assert publisher.asked == []


async def test_the_sweep_expires_credit_and_releases_what_nobody_settled(database: Database, work: Work) -> None:
    expires = now() + timedelta(days=1)
    owner: UserId = await make_wallet(database, granted=500, purchased=100, expires_at=expires)
    await hold(database, owner, 300, ttl=timedelta(minutes=5))
    clock.advance(timedelta(days=2))
    await work(SWEEP_BILLING.name)
    purse = await purse_of(database, owner)
    assert (purse.held, purse.granted, purse.purchased) == (0, 0, 100)
    await work(PROVE_BILLING.name)
    assert await wrong_in(database) == []


async def told(database: Database) -> int:
    """How often everybody was told that something may cost otherwise."""
    async with database.system("events") as unit:
        row = await unit.execute(
            text("SELECT count(*) FROM event WHERE topic = 'everyone' AND kind = 'prices.changed'")
        )
        return int(row.scalar_one())


async def test_everybody_hears_of_new_prices_decisions_rates_and_terms(database: Database) -> None:
    """Each in its own transaction, so that each is news."""
    at, by = now(), UserId(new_id())
    cheap, dear = (PriceSheet({"input": price * NANO, "output": price * NANO}) for price in (1, 900))
    async with database.system("test") as unit:
        await prices.add(unit, GPT, cheap, source="feed", valid_from=at)
    assert await told(database) == 1
    async with database.system("test") as unit:
        held = await prices.add(unit, GPT, dear, source="feed", valid_from=at, findings=judge(dear, before=cheap))
    assert await told(database) == 2
    async with database.system("test") as unit:
        await prices.decide(unit, held, is_accepted=True, by=by)
    assert await told(database) == 3
    async with database.system("test") as unit:
        await exchange.add(unit, Published(at.date(), {"USD": Decimal("1.25")}), source="ecb")
    assert await told(database) == 4
    async with database.system("test") as unit:
        await exchange.add(unit, Published(at.date(), {"USD": Decimal("1.25")}), source="ecb")
    assert await told(database) == 4, "a day that is known is no news"
    async with database.system("test") as unit:
        await configuration.change(unit, BillingChange(markup_bp=500), seen=None)
    assert await told(database) == 5


async def test_a_list_that_brings_nothing_new_tells_nobody(
    database: Database, publisher: Publisher, work: Work
) -> None:
    await work(REFRESH_PRICES.name)
    before = await told(database)
    await work(REFRESH_PRICES.name)
    assert before >= 1
    assert await told(database) == before
