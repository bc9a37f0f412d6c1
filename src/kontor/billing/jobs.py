"""What billing does by the clock: prices and rates are fetched, what is over is swept, and the books are proved."""

from kontor.billing import holds, proofs, refreshing, wallets
from kontor.core.database import Database
from kontor.core.fetch import Fetcher
from kontor.core.jobs.kinds import ONCE, Every, Kind, NoArgs, Registry
from kontor.core.jobs.running import Running

REFRESH_PRICES = Kind("billing.refresh_prices", NoArgs, "Fetch the list of prices", retry=ONCE, timeout_seconds=300)
REFRESH_RATES = Kind("billing.refresh_rates", NoArgs, "Fetch the exchange rates", retry=ONCE, timeout_seconds=120)
SWEEP_BILLING = Kind("billing.sweep", NoArgs, "Release forgotten holds and expire credit", timeout_seconds=600)
PROVE_BILLING = Kind("billing.prove", NoArgs, "Prove the books", timeout_seconds=3600)

# The bank publishes at about 16:00 in Frankfurt; one of these four comes soon after it, in summer and in winter.
RATES_EVERY = Every(21_600, offset_seconds=12_600)


def register(registry: Registry, database: Database, fetcher: Fetcher) -> None:
    @registry.handler(REFRESH_PRICES, every=Every.day_at(4, 15))
    async def refresh_prices(_job: Running, _args: NoArgs) -> None:
        await refreshing.refresh_prices(database, fetcher)

    @registry.handler(REFRESH_RATES, every=RATES_EVERY)
    async def refresh_rates(_job: Running, _args: NoArgs) -> None:
        await refreshing.refresh_rates(database, fetcher)

    @registry.handler(SWEEP_BILLING, every=Every(600, offset_seconds=120))
    async def sweep(_job: Running, _args: NoArgs) -> None:
        await holds.release_forgotten(database)
        await wallets.sweep(database)

    @registry.handler(PROVE_BILLING, every=Every.day_at(2, 20))
    async def prove(_job: Running, _args: NoArgs) -> None:
        await proofs.prove(database)
