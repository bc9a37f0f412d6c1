"""Writing down what runs say: one writer for all runs of a process, so that two hundred streams are four transactions
a second.

Whoever writes holds the lease. The row of the run is locked while its events are added, and asked who holds it: so
nothing is ever added to a run that another process has taken over and closed.
"""

import asyncio
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from uuid import UUID

import orjson
import structlog

from kontor.core.bulk import fetch
from kontor.core.database import Database
from kontor.core.direct import OwnConnection
from kontor.core.gathering import Gathering
from kontor.core.outage import is_outage
from kontor.core.units import Unit
from kontor.gateway.runs.events import CHANNEL, SAID, RunEvent, RunId
from kontor.gateway.runs.live import ROW_SECONDS, Ending, Live
from kontor.gateway.runs.ports import Ledger
from kontor.gateway.runs.settling import Account, Ended, Outcome, book_all

log = structlog.get_logger(__name__)

IDS_PER_NOTICE = 200  # of 37 bytes each; PostgreSQL takes 8000

AWAY_PAUSE_SECONDS = 0.25
MOST_CLOSINGS = 64

_HOLD = """
    SELECT id, owner_id FROM run
    WHERE id = ANY($1::uuid[]) AND lease_holder = $2 AND finished_at IS NULL
    ORDER BY id FOR NO KEY UPDATE
"""
_APPEND = f"""
    WITH held AS ({_HOLD}), put AS (
        INSERT INTO run_event (run_id, seq, owner_id, kind, data)
        SELECT said.run_id, said.seq, held.owner_id, said.kind, CAST(said.data AS json)
        FROM unnest($3::uuid[], $4::bigint[], $5::text[], $6::text[]) AS said (run_id, seq, kind, data)
        JOIN held ON held.id = said.run_id
        ON CONFLICT (run_id, seq) DO NOTHING
    )
    SELECT id FROM held
"""  # noqa: S608 - no part of it comes from outside


@dataclass(eq=False, slots=True)
class Closing:
    live: Live
    account: Account
    outcome: Outcome
    closed: "asyncio.Future[bool]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class Journal:
    def __init__(self, database: Database, holder: UUID, ledger: Ledger) -> None:
        self._connection = OwnConnection(database, "runs")  # in the hands of whoever has the turn
        self._holder = holder
        self._ledger = ledger
        self._dirty: set[Live] = set()
        self._due = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._closings = Gathering[Closing](MOST_CLOSINGS)
        self._turn = asyncio.Lock()  # a run is either appended to or closed
        self.written = 0  # transactions, for the gauges

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        tasks = (
            asyncio.create_task(self._append_all(), name="journal"),
            asyncio.create_task(self._close_all(), name="journal-closings"),
        )
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
            if self._timer is not None:
                self._timer.cancel()
            await self._connection.close()

    def dirty(self, live: Live) -> None:
        self._dirty.add(live)
        if live.is_due:
            self._due.set()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(ROW_SECONDS, self._due.set)

    def forget(self, live: Live) -> None:
        self._dirty.discard(live)
        live.release()

    async def close(self, closing: Closing) -> bool:
        """What is left, the last events and the books in one transaction. False: the run is not ours any more."""
        self._closings.add(closing)
        return await closing.closed

    async def _append_all(self) -> None:
        while True:
            await self._due.wait()
            async with self._turn:
                self._due.clear()
                if self._timer is not None:
                    self._timer.cancel()
                    self._timer = None
                batch = [live for live in self._dirty if live.ending is not Ending.LOST]
                self._dirty.clear()
                is_away = not await self._append_or_keep(batch)
            if is_away:
                await asyncio.sleep(AWAY_PAUSE_SECONDS)
                self._due.set()

    async def _append_or_keep(self, batch: list[Live]) -> bool:
        """False: the database is away. What is in flight stays as it is, so nothing is written twice later."""
        try:
            await self._append(batch)
        except Exception as reason:
            if is_outage(reason):
                self._dirty.update(batch)
                return False
            log.exception("journal.append_failed", runs=[str(live.run_id) for live in batch])
            if len(batch) == 1:
                # Its words cannot be written: it is given up here, and closed with what is written of it.
                batch[0].end(Ending.LOST)
                return True
            for live in batch:
                if not await self._append_or_keep([live]):
                    self._dirty.update(batch)
                    return False
        return True

    async def _append(self, batch: Collection[Live]) -> None:
        rows = [(live.run_id, event) for live in batch for event in live.take()]
        if not rows:
            return
        async with self._connection.unit() as unit:
            ids = [live.run_id for live in batch]
            held = {row["id"] for row in await fetch(unit, _APPEND, ids, self._holder, *_columns(rows))}
            await tell(unit, SAID, held)
        self.written += 1
        for live in batch:
            if live.run_id in held:
                live.wrote()
            else:
                live.end(Ending.LOST)

    async def _close_all(self) -> None:
        while True:
            batch = await self._closings.take()
            async with self._turn:
                await self._close_together(batch)

    async def _close_together(self, batch: list[Closing]) -> None:
        try:
            await self._close(batch)
            self._closings.most = min(2 * self._closings.most, MOST_CLOSINGS)
        except Exception as reason:
            if is_outage(reason):
                # A connection that breaks again and again lets through what is short.
                self._closings.most = max(1, self._closings.most // 4)
                await asyncio.sleep(AWAY_PAUSE_SECONDS)
                self._closings.put_back(batch)
            elif len(batch) > 1:
                # One of them is at fault; it must not keep the others from their end.
                for closing in batch:
                    await self._close_together([closing])
            else:
                batch[0].closed.set_exception(reason)

    async def _close(self, batch: list[Closing]) -> None:
        batch.sort(key=lambda closing: (closing.account.payer_id, closing.account.run_id))
        finals: dict[RunId, Sequence[RunEvent]] = {}
        async with self._connection.unit() as unit:
            ids = [closing.live.run_id for closing in batch]
            held = {row["id"] for row in await fetch(unit, _HOLD, ids, self._holder)}
            ended = [
                Ended(closing.account, closing.outcome, closing.live.seq, closing.live.take_all())
                for closing in batch
                if closing.live.run_id in held
            ]
            if ended:
                booked = await book_all(unit, self._ledger, ended)
                finals = {run.account.run_id: books.last for run, books in zip(ended, booked, strict=True)}
        self.written += 1
        for closing in batch:
            live = closing.live
            self._dirty.discard(live)
            if live.run_id in finals:
                live.wrote()
                live.finish(finals[live.run_id])
            else:
                live.end(Ending.LOST)
            if not closing.closed.done():
                closing.closed.set_result(live.run_id in finals)


async def tell(unit: Unit, word: str, ids: Collection[UUID]) -> None:
    """Other processes hear, once the unit is committed, that these runs have more in their rows, or shall stop."""
    named = [str(run_id) for run_id in ids]
    for start in range(0, len(named), IDS_PER_NOTICE):
        payload = " ".join((word, *named[start : start + IDS_PER_NOTICE]))
        await fetch(unit, "SELECT pg_notify($1, $2)", CHANNEL, payload)


def _columns(rows: Sequence[tuple[RunId, RunEvent]]) -> tuple[list[object], ...]:
    return (
        [run_id for run_id, _ in rows],
        [event.seq for _, event in rows],
        [str(event.kind) for _, event in rows],
        [orjson.dumps(event.data).decode() for _, event in rows],
    )
