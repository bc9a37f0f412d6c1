"""The estimator of one process: what it has learned about each model, kept in a table that all processes add to."""

import asyncio
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from kontor.billing.usage import Usage
from kontor.core.database import Database
from kontor.core.outage import is_outage
from kontor.gateway.estimator import (
    LARGEST_RATIO_TO_BELIEVE,
    LEAST_TOKENS_TO_LEARN_FROM,
    NOTHING_SEEN,
    Estimate,
    Measured,
    Ratio,
    Writing,
    estimate,
    lesson,
    measure,
)
from kontor.gateway.wire.port import Call

log = structlog.get_logger(__name__)

KEEP_SECONDS = 60.0
MOST_LESSONS = 20_000  # between two times of keeping; further ones are let go
LONGEST_NAME = 300
KEPT_DAYS = 180

ANSWERS = "answer"  # beside the sorts of writing: characters of an answer to its tokens
TOKENS_PER_CHARACTER = 0.26

Key = tuple[str, str]  # model, sort of writing

_ALL = text("SELECT model_name, writing, seen, mean, squares FROM token_ratio")
# One process at a time: a row that is not there yet cannot be locked, and this takes milliseconds once a minute.
_TURN = text("SELECT pg_advisory_xact_lock(hashtext('token_ratio'))")
_ONE = text("SELECT seen, mean, squares FROM token_ratio WHERE model_name = :model AND writing = :writing")
_PUT = text("""
    INSERT INTO token_ratio (model_name, writing, seen, mean, squares) VALUES (:model, :writing, :seen, :mean, :squares)
    ON CONFLICT (model_name, writing) DO UPDATE
    SET seen = excluded.seen, mean = excluded.mean, squares = excluded.squares, updated_at = clock_timestamp()
""")
_SWEEP = text("DELETE FROM token_ratio WHERE updated_at < clock_timestamp() - make_interval(days => :days)")


@dataclass(frozen=True, slots=True)
class Lesson:
    model: str
    writing: str
    value: float


class Estimates:
    """Asked without waiting; what it learns counts at once here, and for the other processes within minutes."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._ratios: dict[Key, Ratio] = {}
        self._lessons: list[Lesson] = []

    def question(
        self, model: str, messages: Sequence[Mapping[str, Any]], tools: Sequence[Mapping[str, Any]] = ()
    ) -> Estimate:
        return self.of(model, measure(messages, tools))

    def of(self, model: str, measured: Measured) -> Estimate:
        return estimate(measured, {sort: self._ratio(model, sort) for sort in measured.writing})

    def input_tokens(
        self, model: str, messages: Sequence[Mapping[str, Any]], tools: Sequence[Mapping[str, Any]]
    ) -> int:
        return max(1, self.question(model, messages, tools).likely)

    def output_tokens(self, model: str, characters: int) -> int:
        return math.ceil(characters * TOKENS_PER_CHARACTER * math.exp(self._ratio(model, ANSWERS).centre))

    def learn(self, model: str, call: Call, *, estimated: Usage, told: Usage) -> None:
        """After a run whose tokens its provider has counted."""
        if len(model) > LONGEST_NAME:
            return
        found = lesson(measure(call.messages, call.tools), told.read)
        # A schema is said in ways that differ from provider to provider, and is not in the messages.
        if found is not None and call.schema is None:
            self._take(Lesson(model, *found))
        if estimated.output >= LEAST_TOKENS_TO_LEARN_FROM and told.output:
            # What was estimated was drawn towards what is known already, so that is taken out again.
            value = math.log(told.output / estimated.output) + self._ratio(model, ANSWERS).centre
            if abs(value) <= LARGEST_RATIO_TO_BELIEVE:
                self._take(Lesson(model, ANSWERS, value))

    def _take(self, learned: Lesson) -> None:
        key = (learned.model, learned.writing)
        self._ratios[key] = self._ratios.get(key, NOTHING_SEEN).with_one(learned.value)
        if len(self._lessons) < MOST_LESSONS:
            self._lessons.append(learned)

    def _ratio(self, model: str, writing: Writing | str) -> Ratio:
        return self._ratios.get((model, str(writing)), NOTHING_SEEN)

    # Keeping

    async def run(self) -> None:
        """Until cancelled: read what all have learned, and add to it."""
        while True:
            try:
                await self.keep()
            except Exception as reason:
                if not is_outage(reason):
                    log.exception("estimates.not_kept")
            await asyncio.sleep(KEEP_SECONDS)

    async def keep(self) -> None:
        lessons, self._lessons = self._lessons, []
        try:
            async with self._database.system("runs") as unit:
                await add(unit, lessons)
                kept = await read(unit)
        except BaseException:
            self._lessons[:0] = lessons
            raise
        # What was learned meanwhile stands in the next lessons, and is put upon what all know.
        self._ratios = kept
        for learned in self._lessons:
            key = (learned.model, learned.writing)
            self._ratios[key] = self._ratios.get(key, NOTHING_SEEN).with_one(learned.value)


async def add(unit: AsyncSession, lessons: Sequence[Lesson]) -> None:
    by_key: dict[Key, list[float]] = defaultdict(list)
    for learned in lessons:
        by_key[learned.model, learned.writing].append(learned.value)
    if by_key:
        await unit.execute(_TURN)
    for (model, writing), values in by_key.items():
        row = (await unit.execute(_ONE, {"model": model, "writing": writing})).one_or_none()
        ratio = NOTHING_SEEN if row is None else Ratio(row.seen, row.mean, row.squares)
        for value in values:
            ratio = ratio.with_one(value)
        await unit.execute(
            _PUT,
            {
                "model": model,
                "writing": writing,
                "seen": ratio.seen,
                "mean": ratio.mean,
                "squares": max(0.0, ratio.squares),
            },
        )


async def read(unit: AsyncSession) -> dict[Key, Ratio]:
    rows = await unit.execute(_ALL)
    return {(row.model_name, row.writing): Ratio(row.seen, row.mean, row.squares) for row in rows}


async def sweep(unit: AsyncSession) -> None:
    """Models that nobody has asked for half a year."""
    await unit.execute(_SWEEP, {"days": KEPT_DAYS})
