"""Prices and rates that come in: the bundle at the first start, then the lists that are fetched. What is known is left
alone; what is new goes through the gate, and holds from the moment at which it came, never for the past.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import structlog
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from kontor.billing import configuration, exchange, feed, prices
from kontor.billing.exchange import Published
from kontor.billing.feed import BEGINNING, Listed, SecondSource, Snapshot
from kontor.billing.gate import Finding, judge
from kontor.billing.prices import Version
from kontor.billing.rates import PriceSheet
from kontor.core.clock import now
from kontor.core.database import Database
from kontor.core.errors import KontorError
from kontor.core.events.publishing import ADMIN_TOPIC, publish
from kontor.core.fetch import Bounds, Fetcher
from kontor.core.ids import new_id

log = structlog.get_logger(__name__)

SEED = Path(__file__).with_name("exchange_seed.json")

PRICE_BOUNDS = Bounds(max_bytes=feed.LARGEST, total_seconds=60)
RATE_BOUNDS = Bounds(max_bytes=exchange.LARGEST, total_seconds=30)

# A bundle is older than what was fetched lately, and must not put old prices over new ones after an upgrade.
FETCHED_IS_NEWER = timedelta(days=14)

# Two processes that start at once plant one after the other.
PLANTING = text("SELECT pg_advisory_xact_lock(hashtextextended('kontor.billing.prices', 0))")

_KNOWN_DIGEST = text("SELECT 1 FROM price_feed WHERE digest = :digest LIMIT 1")
_FETCHED_SINCE = text("""
    SELECT 1 FROM price_feed WHERE source = 'feed' AND error IS NULL AND fetched_at > :since LIMIT 1
""")
_VERSIONS = text(f"""
    SELECT {prices.COLUMNS} FROM model_price WHERE source IN ('bundled', 'feed')
    ORDER BY provider, model, valid_from, created_at
""")  # noqa: S608 - our own words
_ADD = text("""
    INSERT INTO model_price
        (id, provider, model, source, state, valid_from, is_free, prices, findings, created_at)
    SELECT id, provider, model, source, state, valid_from, is_free, prices, findings, :at
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS n (
        id uuid, provider text, model text, source text, state text, valid_from timestamptz, is_free boolean,
        prices jsonb, findings jsonb)
""")
_NOTE = text("""
    INSERT INTO price_feed (id, source, fetched_at, digest, seen, added, held, error, names)
    VALUES (:id, :source, :at, :digest, :seen, :added, :held, :error, CAST(:names AS jsonb))
""")
_FORGET_NAMES = text("""
    UPDATE price_feed SET names = NULL WHERE names IS NOT NULL AND digest IS DISTINCT FROM :digest
""")
_FEEDS = text("""
    SELECT source, fetched_at, seen, added, held, error FROM price_feed
    WHERE (source = 'rates') = :is_of_rates ORDER BY fetched_at DESC, id LIMIT :limit
""")


FREE = PriceSheet({})


@dataclass(frozen=True, slots=True)
class Taken:
    seen: int
    added: int
    held: int


@dataclass(frozen=True, slots=True)
class New:
    listed: Listed
    valid_from: datetime
    sheet: PriceSheet
    findings: Sequence[Finding]

    @property
    def is_held(self) -> bool:
        return any(finding.holds for finding in self.findings)

    def row(self, source: str) -> dict[str, Any]:
        return {
            "id": new_id(),
            "provider": self.listed.provider,
            "model": self.listed.model,
            "source": source,
            "state": "review" if self.is_held else "valid",
            "valid_from": self.valid_from,
            "is_free": self.listed.is_free,
            "prices": self.sheet.stored(),
            "findings": [finding.stored() for finding in self.findings],
        }


@dataclass(slots=True)
class Known:
    """The versions of one model that came from lists before."""

    versions: list[Version] = field(default_factory=list)

    def holding(self, at: datetime) -> Version | None:
        valid = [version for version in self.versions if version.state == "valid" and version.valid_from <= at]
        return valid[-1] if valid else None

    def has(self, sheet: PriceSheet, *, since: datetime, is_free: bool) -> bool:
        """Whether this was offered before and is waiting, rejected, or to come."""
        return any(
            version.sheet == sheet and version.is_free == is_free and version.created_at >= since
            for version in self.versions
            if version.state != "valid" or version.valid_from > now()
        )


def what_is_new(listed: Listed, known: Known, second: SecondSource, at: datetime) -> Sequence[New]:
    """The price that holds now where it differs from ours, and those that are announced."""
    if listed.is_free:
        present = known.holding(at)
        if present is not None and present.is_free:
            return []
        # From a price to none is a jump like no other.
        if known.has(FREE, since=BEGINNING, is_free=True):
            return []
        jump = [] if present is None else [Finding("not_positive", "input", 0, present.sheet.prices.get("input"))]
        return [New(listed, BEGINNING if present is None else at, FREE, jump)]
    found: list[New] = []
    findings: Sequence[Finding]
    holding = known.holding(at)
    before = None if holding is None or holding.is_free else holding.sheet
    begun = [version for version in listed.versions if version.valid_from <= at]
    current = begun[-1] if begun else None
    if current is not None and (holding is None or holding.is_free or holding.sheet != current.sheet):
        since = BEGINNING if holding is None else holding.created_at
        if not known.has(current.sheet, since=since, is_free=False):
            other = second.find(listed.provider, listed.model)
            findings = judge(current.sheet, is_input_only=is_input_only(listed, other), before=before, second=other)
            valid_from = current.valid_from if holding is None else at
            found.append(New(listed, valid_from, current.sheet, findings))
    reference = before if current is None else current.sheet
    for version in listed.versions:
        if version.valid_from > at and not known.has(version.sheet, since=BEGINNING, is_free=False):
            other = second.find(listed.provider, listed.model)
            findings = judge(version.sheet, is_input_only=is_input_only(listed, other), before=reference)
            found.append(New(listed, version.valid_from, version.sheet, findings))
    return found


def is_input_only(listed: Listed, second: PriceSheet | None) -> bool:
    """That there is no price of what a model writes is right where it writes nothing, or where two sources say so."""
    return listed.is_input_only or (second is not None and second.prices.get("output") == 0)


async def take_in(unit: AsyncSession, snapshot: Snapshot, *, source: str) -> Taken:
    """Needs a system unit."""
    await unit.execute(PLANTING)
    at, second = now(), SecondSource.bundled()
    known: dict[tuple[str, str], Known] = {}
    for row in await unit.execute(_VERSIONS):
        version = prices.as_version(row)
        known.setdefault((version.provider, version.model), Known()).versions.append(version)
    new: list[New] = []
    for listed in snapshot.models:
        new += what_is_new(listed, known.get((listed.provider, listed.model), Known()), second, at)
    if new:
        await unit.execute(_ADD, {"rows": orjson.dumps([each.row(source) for each in new]).decode(), "at": at})
    # Another list may also know other names of the same models.
    if new or not await unit.scalar(_KNOWN_DIGEST, {"digest": snapshot.digest}):
        await prices.tell(unit)
    held = sum(each.is_held for each in new)
    taken = Taken(len(snapshot.models), len(new) - held, held)
    await _note(unit, source, snapshot.digest, taken, names=snapshot.names().stored())
    await unit.execute(_FORGET_NAMES, {"digest": snapshot.digest})
    if held:
        await publish(unit, topic=ADMIN_TOPIC, kind="billing.prices_held", data={"held": held})
    log.info("billing.prices_taken_in", source=source, seen=taken.seen, added=taken.added, held=taken.held)
    return taken


async def _note(
    unit: AsyncSession,
    source: str,
    digest: str | None,
    taken: Taken,
    *,
    error: str | None = None,
    names: Mapping[str, Any] | None = None,
) -> None:
    values = {
        "id": new_id(),
        "source": source,
        "at": now(),
        "digest": digest,
        "seen": taken.seen,
        "added": taken.added,
        "held": taken.held,
        "error": error,
        "names": None if names is None else orjson.dumps(names).decode(),
    }
    await unit.execute(_NOTE, values)


async def plant(database: Database) -> bool:
    """At every start: what is bundled with this version of the program, once. True when something was planted."""
    digest = feed.bundled_digest()
    async with database.system("billing") as unit:
        if await unit.scalar(_KNOWN_DIGEST, {"digest": digest}):
            return False
    snapshot = feed.bundled()
    async with database.system("billing") as unit:
        await unit.execute(PLANTING)
        if await unit.scalar(_KNOWN_DIGEST, {"digest": digest}):
            return False
        await exchange.add(unit, seed_rates(), source="seed")
        if await unit.scalar(_FETCHED_SINCE, {"since": now() - FETCHED_IS_NEWER}):
            await _note(unit, "bundled", snapshot.digest, Taken(0, 0, 0))
        else:
            await take_in(unit, snapshot, source="bundled")
    return True


def seed_rates() -> Published:
    stored = orjson.loads(SEED.read_bytes())
    rates = {code: Decimal(rate) for code, rate in stored["rates"].items()}
    return Published(date.fromisoformat(stored["day"]), rates)


async def refresh_prices(database: Database, fetcher: Fetcher) -> Taken | None:
    """A list that cannot be had is noted, and nothing else happens: prices hold until there are others."""
    async with database.system("billing") as unit:
        house = await configuration.read(unit)
    if not house.refreshes_prices or not house.prices_url:
        return None
    try:
        page = await fetcher.read(house.prices_url, PRICE_BOUNDS)
        snapshot = feed.parse_published(page.body)
    except KontorError as reason:
        log.warning("billing.prices_not_refreshed", reason=reason.code)
        async with database.system("billing") as unit:
            await _note(unit, "feed", None, Taken(0, 0, 0), error=reason.message[:500])
        return None
    async with database.system("billing") as unit:
        return await take_in(unit, snapshot, source="feed")


async def refresh_rates(database: Database, fetcher: Fetcher) -> int | None:
    """How many days were new. Weekends and holidays of the bank bring none, and that is no error. Whether it worked is
    noted, because without a rate of these days nobody can pay in another currency than dollars."""
    async with database.system("billing") as unit:
        house = await configuration.read(unit)
    if not house.refreshes_rates or not house.exchange_url:
        return None
    try:
        page = await fetcher.read(house.exchange_url, RATE_BOUNDS)
        days = exchange.read_ecb(page.body)
    except KontorError as reason:
        log.warning("billing.rates_not_refreshed", reason=reason.code)
        async with database.system("billing") as unit:
            await _note_rates(unit, Taken(0, 0, 0), error=reason.message[:500])
        return None
    async with database.system("billing") as unit:
        new = sum([await exchange.add(unit, day, source="ecb") for day in days])
        await _note_rates(unit, Taken(len(days), new, 0))
    return new


async def _note_rates(unit: AsyncSession, taken: Taken, *, error: str | None = None) -> None:
    await _note(unit, "rates", None, taken, error=error)
    await publish(unit, topic=ADMIN_TOPIC, kind="billing.changed", data={"reason": "rates"})


@dataclass(frozen=True, slots=True)
class FeedState:
    source: str
    fetched_at: datetime
    seen: int
    added: int
    held: int
    error: str | None


async def feeds(unit: AsyncSession, *, limit: int) -> Sequence[FeedState]:
    """The last lists of prices, newest first."""
    return await _fetched(unit, is_of_rates=False, limit=limit)


async def last_of_rates(unit: AsyncSession) -> FeedState | None:
    """How it went when exchange rates were last fetched."""
    return next(iter(await _fetched(unit, is_of_rates=True, limit=1)), None)


async def _fetched(unit: AsyncSession, *, is_of_rates: bool, limit: int) -> Sequence[FeedState]:
    rows = await unit.execute(_FEEDS, {"is_of_rates": is_of_rates, "limit": limit})
    return [FeedState(row.source, row.fetched_at, row.seen, row.added, row.held, row.error) for row in rows]
