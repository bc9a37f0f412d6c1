"""What a process knows of prices without asking is what they are, a moment after they changed."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
from sqlalchemy import event

from kontor.accounts import people
from kontor.billing.errors import PriceMissing
from kontor.billing.known import KnownBilling
from kontor.billing.rates import Quote
from kontor.billing.service import PriceKey
from kontor.core.clock import now
from kontor.core.database import Database
from kontor.core.events.listener import Listener
from kontor.core.ids import UserId
from kontor.core.money import NANO
from kontor.core.tenancy import Role
from tests.conftest import Server
from tests.factories.billing import make_price, make_rates, make_wallet, switch_on

KEY = PriceKey("openai", "gpt-x")


@pytest.fixture
async def listener(server: Server, copy: str) -> AsyncIterator[Listener]:
    made = Listener(server.app_url(copy))
    async with made.running():
        async with asyncio.timeout(20):
            await made.connected.wait()
        yield made


async def quoted(books: KnownBilling, payer: UserId, *, role: Role | None = Role.USER) -> Quote:
    return await books.quote(payer=payer, key=KEY, is_own_key=False, is_local=False, role=role, at=now())


async def test_what_is_known_is_not_asked_for_and_news_of_it_is_heard(
    committed_database: Database, listener: Listener
) -> None:
    database, books = committed_database, KnownBilling(committed_database, listener)
    payer = await make_wallet(database, granted=NANO)
    await make_rates(database, usd="1.25")
    assert (await quoted(books, payer)).rate is None
    await make_price(database, "openai", "gpt-x", input=NANO, output=NANO)
    await eventually(books, payer, lambda quote: quote.rate is not None)
    assert database.engine is not None
    asked: list[str] = []
    event.listen(
        database.engine.sync_engine, "before_cursor_execute", lambda _c, _k, statement, *_: asked.append(statement)
    )
    for _ in range(3):
        await quoted(books, payer)
    assert asked == [], "not even a transaction"
    await switch_on(database, markup_bp=100)
    quote = await eventually(books, payer, lambda quote: quote.is_charged)
    assert quote.markup_bp == 100


async def eventually(
    books: KnownBilling,
    payer: UserId,
    is_there: Callable[[Quote], bool],
    *,
    role: Role | None = Role.USER,
) -> Quote:
    async with asyncio.timeout(20):
        while True:
            quote = await quoted(books, payer, role=role)
            if is_there(quote):
                return quote
            await asyncio.sleep(0.01)


async def test_the_markup_is_that_of_the_payers_role_as_it_is_now(
    committed_database: Database, listener: Listener
) -> None:
    """Somebody else asks here: whose role counts is not said, so it is looked up, and news of it is heard."""
    database, books = committed_database, KnownBilling(committed_database, listener)
    payer = await make_wallet(database, granted=NANO)
    await make_rates(database)
    await make_price(database, "openai", "gpt-x", input=NANO, output=NANO)
    await switch_on(database, markups=[{"role": "user", "basis_points": 500}, {"role": "manager", "basis_points": 700}])
    quote = await eventually(books, payer, lambda quote: quote.is_charged, role=None)
    assert quote.markup_bp == 500
    async with database.system("people") as unit:
        await people.set_role(unit, payer, Role.MANAGER)
    await eventually(books, payer, lambda quote: quote.markup_bp == 700, role=None)


async def test_deaf_it_asks_each_time(database: Database) -> None:
    books = KnownBilling(database, Listener(None))
    payer = await make_wallet(database, granted=NANO)
    await switch_on(database)
    await make_rates(database)
    with pytest.raises(PriceMissing):
        await quoted(books, payer)
    await make_price(database, "openai", "gpt-x", input=NANO, output=NANO)
    assert (await quoted(books, payer)).is_charged
