"""The table of prices: versions that hold from a time on, added, held at the gate or not, and never changed.

An administrator's own price comes before what a feed says, until they let the model follow the feed again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from kontor.billing import configuration, naming
from kontor.billing.errors import PriceNotFound, PriceRefused
from kontor.billing.gate import Finding, judge
from kontor.billing.rates import PriceSheet, Rate
from kontor.core.clock import now
from kontor.core.ids import UserId, new_id


@dataclass(frozen=True, slots=True)
class PriceKey:
    """Where a price is looked up: the kind of provider, such as `openai`, and the model as the provider names it."""

    provider: str
    model: str


@dataclass(frozen=True, slots=True)
class Version:
    id: UUID
    provider: str
    model: str
    source: str
    state: str
    valid_from: datetime
    is_free: bool
    follows_feed: bool
    sheet: PriceSheet
    findings: Sequence[dict[str, Any]]
    created_at: datetime
    decided_at: datetime | None

    def rate(self, at: datetime) -> Rate:
        prices, tiers = self.sheet.at(at)
        return Rate(prices, self.id, self.valid_from, self.source, tiers, self.sheet.services)


COLUMNS = """id, provider, model, source, state, valid_from, is_free, follows_feed, prices, findings, created_at,
    decided_at"""

# Of each model the newest of an administrator and the newest of the feeds; which of them counts is decided in `choose`.
_HOLDING = text(f"""
    SELECT DISTINCT ON (model, source = 'admin') {COLUMNS} FROM model_price
    WHERE state = 'valid' AND provider = :provider AND model = ANY(CAST(:models AS text[])) AND valid_from <= :at
    ORDER BY model, source = 'admin', valid_from DESC, created_at DESC
""")  # noqa: S608 - our own words
_ADD = text("""
    INSERT INTO model_price (id, provider, model, source, state, valid_from, is_free, follows_feed, prices, findings,
        created_by, created_at)
    VALUES (:id, :provider, :model, :source, :state, :from, :is_free, :follows, CAST(:prices AS jsonb),
        CAST(:findings AS jsonb), :by, :at)
""")
_REVIEW = text(f"""
    SELECT {COLUMNS} FROM model_price
    WHERE state = 'review' AND (CAST(:after_at AS timestamptz) IS NULL OR (created_at, id) > (:after_at, :after_id))
    ORDER BY created_at, id LIMIT :limit
""")  # noqa: S608
_ANNOUNCED = text("SELECT min(valid_from) FROM model_price WHERE state = 'valid' AND valid_from > :at")
_EDGES = text("""
    SELECT DISTINCT edge FROM model_price, jsonb_array_elements(prices->'hours') AS hours,
        LATERAL (VALUES (hours->>'from'), (hours->>'to')) AS both_ends (edge)
    WHERE state = 'valid' AND prices ? 'hours'
""")
_WAITING = text("SELECT count(*) FROM model_price WHERE state = 'review'")
_LOCK = text(f"SELECT {COLUMNS} FROM model_price WHERE id = :id AND state = 'review' FOR UPDATE")  # noqa: S608
_DECIDE = text("""
    UPDATE model_price SET state = :state, valid_from = greatest(valid_from, :at), decided_by = :by, decided_at = :at
    WHERE id = :id
""")
_LIST = text(f"""
    SELECT {COLUMNS} FROM (
        SELECT DISTINCT ON (provider, model) * FROM (
            SELECT DISTINCT ON (provider, model, source = 'admin') * FROM model_price
            WHERE state = 'valid' AND valid_from <= :at
                AND (CAST(:provider AS text) IS NULL OR provider = :provider)
                AND (CAST(:search AS text) IS NULL OR strpos(lower(model), lower(:search)) > 0)
                AND (CAST(:after_provider AS text) IS NULL OR (provider, model) > (:after_provider, :after_model))
            ORDER BY provider, model, source = 'admin', valid_from DESC, created_at DESC
        ) newest
        WHERE NOT (source = 'admin' AND follows_feed)
        ORDER BY provider, model, source = 'admin' DESC
    ) holding
    ORDER BY provider, model LIMIT :limit
""")  # noqa: S608
_HISTORY = text(f"""
    SELECT {COLUMNS} FROM model_price
    WHERE (provider, model) = (SELECT provider, model FROM model_price WHERE id = :id)
    ORDER BY valid_from DESC, created_at DESC LIMIT 100
""")  # noqa: S608

_OFFERED = text(f"""
    SELECT {COLUMNS} FROM model_price WHERE provider = :provider AND model = :model AND source = :source
    ORDER BY valid_from DESC, created_at DESC LIMIT 100
""")  # noqa: S608


def as_version(row: Any) -> Version:
    return Version(
        id=row.id,
        provider=row.provider,
        model=row.model,
        source=row.source,
        state=row.state,
        valid_from=row.valid_from,
        is_free=row.is_free,
        follows_feed=row.follows_feed,
        sheet=PriceSheet.parse(row.prices),
        findings=row.findings,
        created_at=row.created_at,
        decided_at=row.decided_at,
    )


def choose(models: Sequence[str], holding: Sequence[Version]) -> Version | None:
    """The first name that has a price; an administrator's own before that of a feed."""
    for model in models:
        mine = [version for version in holding if version.model == model]
        own = next((version for version in mine if version.source == "admin" and not version.follows_feed), None)
        found = own or next((version for version in mine if version.source != "admin"), None)
        if found is not None:
            return found
    return None


async def find(unit: AsyncSession, key: PriceKey, at: datetime) -> Version | None:
    """The version that holds at a moment: under the very name, otherwise under that of which it is an edition."""
    found = await _holding(unit, key.provider, [key.model], at)
    chosen = choose([key.model], found)
    if chosen is not None:
        return chosen
    known = (await naming.current(unit)).resolve(key.provider, key.model)
    if known is None or known == key.model:
        return None
    return choose([known], await _holding(unit, key.provider, [known], at))


async def find_all(unit: AsyncSession, keys: Sequence[PriceKey], at: datetime) -> dict[PriceKey, Version]:
    """For lists: one question for each provider, however many models it has."""
    names = await naming.current(unit)
    found: dict[PriceKey, Version] = {}
    for provider in dict.fromkeys(key.provider for key in keys):
        wanted = {key: names.spellings(provider, key.model) for key in keys if key.provider == provider}
        models = list(dict.fromkeys(name for spellings in wanted.values() for name in spellings))
        by_model: dict[str, list[Version]] = {}
        for version in await _holding(unit, provider, models, at):
            by_model.setdefault(version.model, []).append(version)
        for key, spellings in wanted.items():
            chosen = choose(spellings, [version for name in spellings for version in by_model.get(name, ())])
            if chosen is not None:
                found[key] = chosen
    return found


async def _holding(unit: AsyncSession, provider: str, models: Sequence[str], at: datetime) -> Sequence[Version]:
    rows = await unit.execute(_HOLDING, {"provider": provider, "models": list(models), "at": at})
    return [as_version(row) for row in rows]


async def same_until(unit: AsyncSession, at: datetime) -> datetime:
    """When the clock alone changes what things cost: an announced price begins, or hours, or a day with its rates."""
    announced: datetime | None = await unit.scalar(_ANNOUNCED, {"at": at})
    here = at.astimezone(UTC)
    edges = [time.min, *(time.fromisoformat(edge) for edge in await unit.scalars(_EDGES))]
    next_edges = [datetime.combine(here.date() + timedelta(days=edge <= here.time()), edge, UTC) for edge in edges]
    return min(filter(None, [announced, *next_edges]))


async def add(
    unit: AsyncSession,
    key: PriceKey,
    sheet: PriceSheet,
    *,
    source: str,
    valid_from: datetime,
    findings: Sequence[Finding] = (),
    is_free: bool = False,
    follows_feed: bool = False,
    by: UserId | None = None,
) -> UUID:
    """What the gate holds does not count until somebody has decided."""
    is_held = any(finding.holds for finding in findings) and source != "admin"
    version_id = new_id()
    values = {
        "id": version_id,
        "provider": key.provider,
        "model": key.model,
        "source": source,
        "state": "review" if is_held else "valid",
        "from": valid_from,
        "is_free": is_free,
        "follows": follows_feed,
        "prices": orjson.dumps(sheet.stored()).decode(),
        "findings": orjson.dumps([finding.stored() for finding in findings]).decode(),
        "by": by,
        "at": now(),
    }
    await unit.execute(_ADD, values)
    await tell(unit)
    return version_id


async def tell(unit: AsyncSession) -> None:
    await configuration.tell(unit, "billing.prices_changed", {})


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnPrice:
    """What an administrator sets. `is_meant` says that they saw what the gate found and mean it all the same."""

    key: PriceKey
    sheet: PriceSheet
    valid_from: datetime
    is_free: bool = False
    follows_feed: bool = False
    is_input_only: bool = False
    is_meant: bool = False


async def set_own(unit: AsyncSession, wish: OwnPrice, *, by: UserId) -> UUID:
    """Below or at zero there is no price, whoever means it: a model that costs nothing is marked as free."""
    sheet, findings = wish.sheet, list[Finding]()
    if wish.is_free or wish.follows_feed:
        sheet = PriceSheet({})
    else:
        present = await find(unit, wish.key, wish.valid_from)
        before = None if present is None or present.is_free else present.sheet
        findings = list(judge(sheet, is_input_only=wish.is_input_only, before=before))
        final = [finding for finding in findings if finding.reason in {"not_positive", "no_input", "no_output"}]
        if final or (findings and not wish.is_meant):
            raise PriceRefused([str(finding) for finding in final or findings])
    return await add(
        unit,
        wish.key,
        sheet,
        source="admin",
        valid_from=wish.valid_from,
        findings=findings,
        is_free=wish.is_free,
        follows_feed=wish.follows_feed,
        by=by,
    )


async def waiting(unit: AsyncSession) -> int:
    return int(await unit.scalar(_WAITING) or 0)


async def review(
    unit: AsyncSession, *, limit: int, after: tuple[datetime, UUID] | None = None
) -> Sequence[tuple[Version, Version | None]]:
    """What waits for a decision, oldest first, each with the price that holds meanwhile."""
    values = {"after_at": after and after[0], "after_id": after and after[1], "limit": limit}
    found = [as_version(row) for row in await unit.execute(_REVIEW, values)]
    present = await find_all(unit, [PriceKey(each.provider, each.model) for each in found], now())
    return [(each, present.get(PriceKey(each.provider, each.model))) for each in found]


async def decide(unit: AsyncSession, version_id: UUID, *, is_accepted: bool, by: UserId) -> Version:
    """Accepted, it holds from now on; what was charged before stays as it was."""
    row = (await unit.execute(_LOCK, {"id": version_id})).one_or_none()
    if row is None:
        raise PriceNotFound
    version = as_version(row)
    unusable = [finding for finding in judge(version.sheet) if finding.reason == "not_positive"]
    if is_accepted and unusable:
        raise PriceRefused([str(finding) for finding in unusable])
    values = {"id": version_id, "state": "valid" if is_accepted else "rejected", "by": by, "at": now()}
    await unit.execute(_DECIDE, values)
    await tell(unit)
    return version


async def list_page(
    unit: AsyncSession,
    *,
    provider: str | None = None,
    search: str | None = None,
    after: tuple[str, str] | None = None,
    limit: int,
) -> Sequence[Version]:
    """What holds now, by provider and model."""
    values = {
        "at": now(),
        "provider": provider,
        "search": search,
        "after_provider": after and after[0],
        "after_model": after and after[1],
        "limit": limit,
    }
    return [as_version(row) for row in await unit.execute(_LIST, values)]


async def history(unit: AsyncSession, version_id: UUID) -> Sequence[Version]:
    """Of the model that the version is of, newest first."""
    found = [as_version(row) for row in await unit.execute(_HISTORY, {"id": version_id})]
    if not found:
        raise PriceNotFound
    return found


async def offered(unit: AsyncSession, key: PriceKey, *, source: str) -> Sequence[Version]:
    """All that one source has said of a model, newest first: also what waits for a decision or was rejected."""
    values = {"provider": key.provider, "model": key.model, "source": source}
    return [as_version(row) for row in await unit.execute(_OFFERED, values)]
