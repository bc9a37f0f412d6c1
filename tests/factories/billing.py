"""Wallets, prices and runs that cost a round sum."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from sqlalchemy import text

from kontor.accounts.emails import parse_email
from kontor.accounts.tables import Person
from kontor.billing import configuration, exchange, prices, proofs, repository, wallets
from kontor.billing.configuration import BillingChange
from kontor.billing.exchange import Published
from kontor.billing.holds import Reserved, Settled, reserve, settle
from kontor.billing.prices import PriceKey
from kontor.billing.purse import Purse
from kontor.billing.rates import MILLION, Cost, PriceSheet, Quote, Rate
from kontor.billing.usage import Usage
from kontor.core.clock import now
from kontor.core.database import Database
from kontor.core.ids import UserId, new_id
from kontor.core.money import NANO
from kontor.core.tenancy import Role

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)

# A token costs one nano: a run of a thousand tokens costs a thousand.
NANO_A_TOKEN = Quote(
    is_free=False,
    is_own_key=False,
    rate=Rate({"input": MILLION, "output": MILLION}, UUID(int=1), LONG_AGO, "admin"),
    fx_rate_id=None,
    fx=Decimal(1),
    markup_bp=0,
    currency="EUR",
    is_billed=True,
)


async def make_person(database: Database, *, role: Role = Role.USER) -> UserId:
    parsed = parse_email(f"{new_id().hex}@example.org")
    async with database.system("people") as unit:
        made = Person(
            id=new_id(), name="Anna", role=role.value, state="active", email=parsed.written, email_key=parsed.key
        )
        unit.add(made)
    return UserId(made.id)


async def switch_on(database: Database, **changes: object) -> None:
    async with database.system("test") as unit:
        await configuration.change(unit, BillingChange.model_validate({"is_on": True, **changes}), seen=None)


async def make_rates(database: Database, *, usd: str = "1.25", **others: str) -> None:
    """Of today, for one euro."""
    rates = {"USD": Decimal(usd), **{code: Decimal(rate) for code, rate in others.items()}}
    async with database.system("test") as unit:
        await exchange.add(unit, Published(now().date(), rates), source="admin")


async def make_price(
    database: Database, provider: str, model: str, *, is_free: bool = False, source: str = "feed", **per_million: int
) -> UUID:
    """USD nano for a million tokens, by class."""
    async with database.system("test") as unit:
        return await prices.add(
            unit,
            PriceKey(provider, model),
            PriceSheet(per_million),
            source=source,
            valid_from=LONG_AGO,
            is_free=is_free,
        )


async def make_wallet(
    database: Database, *, granted: int = 0, purchased: int = 0, expires_at: datetime | None = None
) -> UserId:
    owner = await make_person(database)
    if granted:
        async with database.system("billing") as unit:
            await wallets.grant(unit, owner, granted, expires_at=expires_at)
    if purchased:
        async with database.system("billing") as unit:
            await wallets.top_up(unit, owner, purchased, source="test", source_id=str(new_id()))
    return owner


def of_tokens(number: int) -> Usage:
    return Usage(output=number)


def costs(nano: int, *, currency: str = "EUR") -> Cost:
    return Cost(lines=(), provider_usd_nano=nano, charged_nano=nano, currency=currency, spent_nano=nano)


async def hold(
    database: Database, payer: UserId, nano: int, *, run_id: UUID | None = None, ttl: timedelta = timedelta(hours=1)
) -> Reserved:
    async with database.system("billing") as unit:
        return await reserve(
            unit, payer=payer, quote=NANO_A_TOKEN, upper=of_tokens(nano), run_id=run_id or new_id(), ttl=ttl
        )


async def charge(database: Database, run_id: UUID, nano: int) -> Settled:
    async with database.system("billing") as unit:
        return await settle(unit, run_id=run_id, cost=costs(nano), is_estimated=False)


async def purse_of(database: Database, owner: UserId) -> Purse:
    async with database.system("billing") as unit:
        found = await repository.read(unit, owner)
    return Purse() if found is None else found.purse


async def wrong_in(database: Database) -> Sequence[object]:
    """What the nightly proof would find."""
    async with database.system("billing") as unit:
        await unit.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
        return await proofs.findings(unit)


def euros(number: str) -> int:
    return int(Decimal(number) * NANO)
