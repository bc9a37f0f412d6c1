"""Runs that nobody produces any more: closed with all their text, and settled by what is known.

Any process does it, for any other. The row is locked and its lease asked for again in the same statement, so a run is
closed once; whoever produced it and was only slow finds it out at the next row that it wants to write.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from kontor.billing.rates import Quote
from kontor.billing.usage import Usage
from kontor.core.database import Database
from kontor.core.ids import UserId
from kontor.core.jobs.kinds import Every, Kind, NoArgs, Registry
from kontor.core.jobs.running import Running
from kontor.gateway.runs import repository
from kontor.gateway.runs.events import Kind as Said
from kontor.gateway.runs.events import RunEvent, RunId
from kontor.gateway.runs.judging import CallFacts, CutPolicy, End
from kontor.gateway.runs.ports import Estimates, Ledger
from kontor.gateway.runs.settling import Account, Answered, Ended, Outcome, State, book_all

log = structlog.get_logger(__name__)

RECOVER = Kind("runs.recover", NoArgs, "Close answers that nobody is writing any more")
EVERY_SECONDS = 60
BATCH = 100
# A run that its own process does not know: its acceptance was committed and the answer to that got lost.
FORGOTTEN_SECONDS = 20.0

# Readers in the lost process may have seen a little more than was written. The last event stands behind all of that,
# so that whoever comes back with such a place still learns how the run ended.
BEYOND = 1_000_000

_ORPHANS = text("""
    SELECT r.id FROM run r LEFT JOIN run_producer p ON p.id = r.lease_holder
    WHERE r.finished_at IS NULL AND (
        p.id IS NULL OR p.lease_until < clock_timestamp()
        OR (
            r.lease_holder = :holder AND NOT r.id = ANY(CAST(:live AS uuid[]))
            AND r.accepted_at < clock_timestamp() - make_interval(secs => :forgotten)
        )
    )
    ORDER BY r.accepted_at LIMIT :batch
""")
_TAKE = text(f"""
    SELECT {", ".join("r." + name.strip() for name in repository.COLUMNS.split(","))}, r.stop_requested_at
    FROM run r LEFT JOIN run_producer p ON p.id = r.lease_holder
    WHERE r.id = :id AND r.finished_at IS NULL
      AND (p.id IS NULL OR p.lease_until < clock_timestamp() OR r.lease_holder = :holder)
    FOR NO KEY UPDATE OF r SKIP LOCKED
""")  # noqa: S608 - names of our own
_ALL_EVENTS = text("SELECT seq, kind, data FROM run_event WHERE run_id = :id ORDER BY seq")


@dataclass(slots=True)
class Recovery:
    database: Database
    ledger: Ledger
    estimates: Estimates

    async def recover(self, *, holder: UUID | None = None, live: Iterable[RunId] = ()) -> int:
        """Answers how many were closed. `holder` and `live` are for a process that produces runs itself."""
        known = {"holder": holder, "live": list(live), "forgotten": FORGOTTEN_SECONDS, "batch": BATCH}
        async with self.database.system("runs") as unit:
            ids = list((await unit.execute(_ORPHANS, known)).scalars())
        closed = 0
        for run_id in ids:
            try:
                async with self.database.system("runs", is_by_key=True) as unit:
                    closed += await self._close(unit, RunId(run_id), holder)
            except Exception:
                # One that cannot be closed must not keep the others waiting; it is tried again.
                log.exception("runs.recovery_failed", run=str(run_id))
        if closed:
            log.warning("runs.recovered", count=closed)
        return closed

    async def _close(self, unit: AsyncSession, run_id: RunId, holder: UUID | None) -> bool:
        row = (await unit.execute(_TAKE, {"id": run_id, "holder": holder})).one_or_none()
        if row is None:
            return False
        found = await unit.execute(_ALL_EVENTS, {"id": run_id})
        events = [RunEvent(each.seq, each.kind, each.data) for each in found]
        place = (events[-1].seq if events else 0) + BEYOND
        await book_all(unit, self.ledger, [Ended(account_of(row), self._outcome(row, events), place)])
        return True

    def _outcome(self, row: Row[Any], events: Sequence[RunEvent]) -> Outcome:
        told = retold(events)
        candidate = row.routed["candidates"][told.candidate]
        calls = [
            CallFacts(
                end=End.WHOLE if number < len(told.calls) - 1 else End.CUT,
                estimated_input=row.upper.get("input", 0),
                estimated_output=self._tokens(candidate, call.characters),
                estimated_reasoning=self._tokens(candidate, call.reasoning_characters),
                seen=call.usage,
                is_seen_whole=call.is_usage_last,
                service=call.service,
                is_accepted=bool(events),
            )
            for number, call in enumerate(told.calls)
        ]
        return Outcome(
            state=State.INTERRUPTED if row.stop_requested_at is None else State.STOPPED,
            calls=calls,
            policy=CutPolicy(row.routed.get("unanswered", CutPolicy.INPUT)),
            answered=Answered(
                model_id=_id(candidate["model_id"]),
                provider_id=_id(candidate["provider_id"]),
                key_id=_id(candidate["key_id"]),
                provider_kind=candidate["provider_kind"],
                model_name=candidate["model_name"],
                quote=Quote.parse(candidate["quote"]),
            ),
            first_at=row.first_at,
            losses=told.losses,
            tried=row.tried,
        )

    def _tokens(self, candidate: Mapping[str, Any], characters: int) -> int:
        return self.estimates.output_tokens(candidate["model_name"], characters) if characters else 0


@dataclass(slots=True)
class RetoldCall:
    characters: int = 0
    reasoning_characters: int = 0
    usage: Usage | None = None
    is_usage_last: bool = False
    service: str | None = None


@dataclass(slots=True)
class Retold:
    candidate: int = 0
    calls: list[RetoldCall] = field(default_factory=lambda: [RetoldCall()])
    losses: list[Mapping[str, Any]] = field(default_factory=list)


def retold(events: Iterable[RunEvent]) -> Retold:
    """What the journal knows of the calls of a run."""
    told = Retold()
    for event in events:
        call, data = told.calls[-1], event.data
        match event.kind:
            case Said.TEXT | Said.DRAFT:
                call.characters += len(data["text"])
                call.is_usage_last = False
            case Said.REASONING:
                call.reasoning_characters += len(data.get("text", ""))
                call.is_usage_last = False
            case Said.TOOL_CALL:
                call.characters += len(data.get("arguments", "")) + len(data.get("name") or "")
                call.is_usage_last = False
            case Said.USAGE:
                call.usage, call.is_usage_last = Usage(**data["usage"]), True
                call.service = data.get("service")
            case Said.LOSS:
                told.losses.append(data)
            case Said.STATE if data["state"] == "running":
                told.candidate = data["candidate"]
            case Said.STATE if data["state"] == "trying_again":
                told.calls.append(RetoldCall())
            case _:
                pass
    return told


def account_of(row: Row[Any]) -> Account:
    return Account(
        run_id=RunId(row.id),
        owner_id=UserId(row.owner_id),
        payer_id=UserId(row.payer_id),
        project_id=row.project_id,
        kind=row.kind,
        hold_nano=row.hold_nano,
    )


def _id(written: str | None) -> UUID | None:
    return None if written is None else UUID(written)


def register(jobs: Registry, recovery: Recovery) -> None:
    @jobs.handler(RECOVER, every=Every(EVERY_SECONDS))
    async def recover(_job: Running, _args: NoArgs) -> None:
        await recovery.recover()
