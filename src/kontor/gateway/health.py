"""How providers fare: from checks by the clock, and from what real calls meet."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from uuid import UUID

import structlog
from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from kontor.core.clock import now
from kontor.core.database import Database
from kontor.core.errors import KontorError
from kontor.core.ids import UserId
from kontor.gateway import known
from kontor.gateway.errors import AccountEmpty, GatewayError, KeyRefused, ProviderUnreachable, TimedOut
from kontor.gateway.schemas import HealthSummary, ProviderHealth, TickRead, TroubleRead
from kontor.gateway.tables import Provider, ProviderCheck, ProviderKey
from kontor.gateway.transport import Attempt

log = structlog.get_logger(__name__)

FLUSH_SECONDS = 15.0
SHOWN = timedelta(hours=24)
TICK = timedelta(minutes=30)
KEPT = timedelta(days=8)
SAMPLES = 64
LONGEST_ERROR = 500
# So many calls must fail, and more than succeed, before a provider counts as down; one alone may have been bad luck.
FEWEST_FAILURES = 3
# Errors of calls whose words are all our own. The others quote the provider, and it may quote what a person wrote.
PLAIN = (KeyRefused, AccountEmpty, ProviderUnreachable, TimedOut)
MOST_ERRORS = 20
# Stands for a model where a provider is asked for its list: who asks remembers what came of it.
LISTS = "(models)"


@dataclass(slots=True)
class Seen:
    """Of one provider, since it was last written down."""

    ok: int = 0
    failed: int = 0
    samples: list[int] = field(default_factory=list)
    error: KontorError | None = None
    error_at: datetime | None = None
    ok_at: datetime | None = None
    ok_keys: set[UUID] = field(default_factory=set)
    bad_keys: dict[UUID, KontorError] = field(default_factory=dict)
    has_bad_house_key: bool = False

    def fail(self, error: KontorError) -> None:
        self.failed += 1
        self.error, self.error_at = error, now()


class Recorder:
    """Of one process. Taking note costs nothing worth mentioning; it is written down every while."""

    def __init__(self, database: Database, *, chance: Random | None = None) -> None:
        self._database = database
        self._chance = chance or Random()  # noqa: S311 - picks samples
        self._seen: defaultdict[UUID, Seen] = defaultdict(Seen)

    def note(self, attempt: Attempt) -> None:
        """What the transport tells of every try. What the caller did wrong says nothing about the provider."""
        error, request = attempt.error, attempt.request
        if request.model == LISTS:
            return
        if error is None:
            seen = self._seen[request.provider]
            seen.ok += 1
            seen.ok_at = now()
            self._sample(seen, round(attempt.seconds * 1000))
            if request.key is not None:
                seen.ok_keys.add(request.key)
                seen.bad_keys.pop(request.key, None)
        elif isinstance(error, KeyRefused | AccountEmpty) and request.key is not None:
            self._seen[request.provider].bad_keys[request.key] = error
        elif isinstance(error, GatewayError) and (error.counts or isinstance(error, KeyRefused)):
            self._seen[request.provider].fail(error)

    def _sample(self, seen: Seen, ms: int) -> None:
        """A fair sample of however many there are."""
        if len(seen.samples) < SAMPLES:
            seen.samples.append(ms)
        elif (place := self._chance.randrange(seen.ok)) < SAMPLES:
            seen.samples[place] = ms

    async def flush(self) -> None:
        if not self._seen:
            return
        seen, self._seen = self._seen, defaultdict(Seen)
        async with self._database.system("health") as unit:
            for provider_id, each in sorted(seen.items()):
                await write(unit, provider_id, each, source="calls")

    async def run(self) -> None:
        """Until cancelled; what is left is written down then."""
        try:
            while True:
                await asyncio.sleep(FLUSH_SECONDS)
                await self._flush_or_log()
        finally:
            await asyncio.shield(asyncio.ensure_future(self._flush_or_log()))

    async def _flush_or_log(self) -> None:
        try:
            await self.flush()
        except Exception as reason:
            # Numbers of a while are lost, and nothing else.
            log.warning("gateway.health_lost", reason=type(reason).__name__)


async def write(unit: AsyncSession, provider_id: UUID, seen: Seen, *, source: str) -> None:
    """A line of the history, the provider's state, and what became of its keys. In a unit of the system."""
    provider = await unit.scalar(select(Provider).where(Provider.id == provider_id).with_for_update())
    if provider is None:
        return
    before = known.health_of(provider)
    at = now()
    has_key_news = await judge_keys(unit, provider, seen, at)
    unit.add(
        ProviderCheck(
            provider_id=provider_id,
            owner_id=provider.owner_id,
            at=at,
            source=source,
            ok=seen.ok,
            failed=seen.failed,
            first_ms=seen.samples,
            error_code=seen.error.code if seen.error else None,
            error=words_of(seen.error, source),
        )
    )
    provider.checked_at = at
    if seen.ok_at is not None:
        provider.ok_at = max(filter(None, (provider.ok_at, seen.ok_at)))
        provider.latency_ms = middle(seen.samples, 0.5) or provider.latency_ms
    if seen.error is not None and seen.error_at is not None and is_down(seen, source):
        provider.failed_at = max(filter(None, (provider.failed_at, seen.error_at)))
        provider.error_code, provider.error = seen.error.code, words_of(seen.error, source)
    elif seen.ok:
        provider.error_code = provider.error = None
    await unit.flush()
    if known.health_of(provider) is not before or has_key_news:
        await known.tell(unit, None if provider.owner_id is None else UserId(provider.owner_id))


def words_of(error: KontorError | None, source: str) -> str | None:
    if error is None or (source == "calls" and not isinstance(error, PLAIN)):
        return None
    return error.message[:LONGEST_ERROR]


def is_down(seen: Seen, source: str) -> bool:
    return source == "check" or seen.has_bad_house_key or (seen.failed >= FEWEST_FAILURES and seen.failed > seen.ok)


async def judge_keys(unit: AsyncSession, provider: Provider, seen: Seen, at: datetime) -> bool:
    """Whether a key of the provider's own holder was refused that was good before, or the other way round.

    A key that a person brought to a provider of the house speaks against that key alone, never against the provider.
    """
    rows = await unit.scalars(select(ProviderKey).where(ProviderKey.id.in_({*seen.ok_keys, *seen.bad_keys})))
    has_news = False
    for row in rows:
        error = seen.bad_keys.get(row.id)
        if error is None:
            row.last_used_at = at
        elif row.owner_id == provider.owner_id:
            seen.fail(error)
            seen.has_bad_house_key = True
        state = "refused" if isinstance(error, KeyRefused) else "ok"
        if row.state != state:
            row.state, row.tested_at = state, at
            if row.owner_id == provider.owner_id:
                has_news = True
            elif row.owner_id is not None:
                await known.tell(unit, UserId(row.owner_id))
    return has_news


def of_check(*, ms: int | None, error: KontorError | None, key_id: UUID | None) -> Seen:
    if error is None:
        return Seen(ok=1, samples=[ms or 0], ok_at=now(), ok_keys=set() if key_id is None else {key_id})
    if isinstance(error, KeyRefused | AccountEmpty) and key_id is not None:
        return Seen(bad_keys={key_id: error})
    seen = Seen()
    seen.fail(error)
    return seen


async def sweep(unit: AsyncSession) -> None:
    await unit.execute(delete(ProviderCheck).where(ProviderCheck.at < now() - KEPT))


async def summaries(unit: AsyncSession, providers: Sequence[Provider]) -> Mapping[UUID, HealthSummary]:
    until = now()
    lines = await unit.scalars(
        select(ProviderCheck)
        .where(
            ProviderCheck.provider_id.in_([row.id for row in providers]),
            ProviderCheck.at >= first_tick(until),
        )
        .order_by(ProviderCheck.at)
    )
    by_provider: defaultdict[UUID, list[ProviderCheck]] = defaultdict(list)
    for line in lines:
        by_provider[line.provider_id].append(line)
    return {row.id: summary(row, by_provider[row.id], until) for row in providers}


async def read(unit: AsyncSession, provider: Provider) -> ProviderHealth:
    told = (await summaries(unit, [provider]))[provider.id]
    troubles = await unit.scalars(
        select(ProviderCheck)
        .where(ProviderCheck.provider_id == provider.id, ProviderCheck.error_code.is_not(None))
        .order_by(ProviderCheck.at.desc())
        .limit(MOST_ERRORS)
    )
    errors = [
        TroubleRead(at=line.at, code=line.error_code or "", text=line.error, count=line.failed) for line in troubles
    ]
    return ProviderHealth(
        **told.model_dump(),
        checked_at=provider.checked_at,
        ok_at=provider.ok_at,
        failed_at=provider.failed_at,
        latency_ms=provider.latency_ms,
        error_code=provider.error_code,
        error=provider.error,
        errors=errors,
    )


def first_tick(until: datetime) -> datetime:
    return tick_of(until) - SHOWN + TICK


def tick_of(at: datetime) -> datetime:
    seconds = TICK.total_seconds()
    return datetime.fromtimestamp(at.timestamp() // seconds * seconds, at.tzinfo)


def summary(provider: Provider, lines: Sequence[ProviderCheck], until: datetime) -> HealthSummary:
    """Half hours in which nothing was asked have no tick of their own in the data; the list is whole all the same."""
    ok, failed = Counter[datetime](), Counter[datetime]()
    samples: defaultdict[datetime, list[int]] = defaultdict(list)
    for line in lines:
        at = tick_of(line.at)
        ok[at] += line.ok
        failed[at] += line.failed
        samples[at] += line.first_ms
    begin = first_tick(until)
    ticks = [begin + TICK * place for place in range(SHOWN // TICK)]
    # The list of models is answered faster than any question, so checks do not count among the times of answers.
    calls = [ms for line in lines if line.source == "calls" for ms in line.first_ms]
    return HealthSummary(
        state=known.health_of(provider),
        ticks=[TickRead(at=at, ok=ok[at], failed=failed[at], first_ms=middle(samples[at], 0.5)) for at in ticks],
        first_ms_p50=middle(calls, 0.5),
        first_ms_p95=middle(calls, 0.95),
        requests=sum(line.ok + line.failed for line in lines if line.source == "calls"),
        failed=sum(line.failed for line in lines if line.source == "calls"),
    )


def middle(samples: Sequence[int], share: float) -> int | None:
    ordered = sorted(samples)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else None
