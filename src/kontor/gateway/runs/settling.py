"""The one place where a run is paid for: the ledger, the usage line and the final state in one transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from kontor.billing.rates import Cost, Quote, cost
from kontor.core.clock import now
from kontor.core.events.publishing import person_topic, publish
from kontor.core.ids import UserId
from kontor.core.money import plain
from kontor.gateway.runs.events import CHANNEL, SAID, Kind, RunEvent, RunId
from kontor.gateway.runs.judging import CallFacts, CutPolicy, How, Verdict, judge_all
from kontor.gateway.runs.ports import Ledger

SILENT_KIND = "api"  # nobody's screen waits for what a program asks
NO_QUOTE = Quote(
    is_free=False, is_own_key=False, rate=None, fx_rate_id=None, fx=Decimal(1), markup_bp=0, currency="USD"
)


class State(StrEnum):
    ACCEPTED = "accepted"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    STOPPED = "stopped"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True, slots=True)
class Account:
    """Whose run it is and on what terms: fixed when it was accepted, but for the candidate that answered."""

    run_id: RunId
    owner_id: UserId
    payer_id: UserId
    project_id: UUID | None
    kind: str
    hold_nano: int


@dataclass(frozen=True, slots=True)
class Answered:
    """Who answered at last, and at what price."""

    model_id: UUID | None
    provider_id: UUID | None
    key_id: UUID | None
    provider_kind: str
    model_name: str
    quote: Quote | None
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    state: State
    calls: Sequence[CallFacts]
    policy: CutPolicy
    answered: Answered
    finish_reason: str | None = None
    error: Mapping[str, Any] | None = None
    first_at: datetime | None = None
    losses: Sequence[Mapping[str, Any]] = ()
    tried: Sequence[Mapping[str, Any]] = ()  # candidates that failed before


@dataclass(frozen=True, slots=True)
class Bill:
    verdict: Verdict
    cost: Cost
    released_nano: int
    balance_after_nano: int | None
    is_free: bool

    @property
    def is_estimated(self) -> bool:
        """Either what was used, or what it costs."""
        return self.verdict.is_estimated or self.cost.is_estimated

    def told(self) -> dict[str, Any]:
        return {
            "amount": plain(self.cost.charged_nano),
            "nano": self.cost.charged_nano,
            "currency": self.cost.currency,
            "is_estimated": self.is_estimated,
            "is_free": self.is_free,
            "is_known": self.cost.is_known,
        }


class Booked(NamedTuple):
    bill: Bill
    last: Sequence[RunEvent]


# One statement, as there is one for each run: its end, its line of usage, its last events, and word of it to others.
_FINISH = text("""
    WITH ended AS (
        UPDATE run SET
            state = :state, model_id = :model_id, provider_id = :provider_id, key_id = :key_id,
            provider_kind = :provider_kind, model_name = :model_name, losses = CAST(:losses AS json),
            quote = CAST(:quote AS json), usage = CAST(:usage AS json), cost = CAST(:cost AS json),
            is_estimated = :is_estimated, settled_as = :how, finish_reason = :finish_reason,
            error = CAST(:error AS json), tried = CAST(:tried AS json), last_seq = :last_seq, first_at = :first_at,
            finished_at = :at
        WHERE id = :run_id
        RETURNING id, owner_id, payer_id, project_id, kind
    ), used AS (
        INSERT INTO usage_line (
            run_id, owner_id, payer_id, project_id, kind, key_id, provider_id, provider_kind, model_id, model_name, day,
            input_tokens, cached_tokens, cache_write_tokens, output_tokens, reasoning_tokens, image_tokens,
            audio_in_tokens, audio_out_tokens, provider_usd_nano, charged_nano, currency, price_version_id, fx_rate_id,
            markup_bp, is_estimated, is_free, provider_request_id, finished_at
        )
        SELECT id, owner_id, payer_id, project_id, kind, :key_id, :provider_id, :provider_kind, :model_id, :model_name,
               CAST(:day AS date), :input, :cached, :cache_write, :output, :reasoning, :image, :audio_in, :audio_out,
               :provider_usd_nano, :charged_nano, :currency, :price_version_id, :fx_rate_id, :markup_bp, :is_estimated,
               :is_free, :request_id, :at
        FROM ended WHERE :is_owed
        ON CONFLICT (run_id) DO NOTHING
    ), said AS (
        INSERT INTO run_event (run_id, seq, owner_id, kind, data)
        SELECT ended.id, said.seq, ended.owner_id, said.kind, CAST(said.data AS json)
        FROM ended, unnest(CAST(:seqs AS bigint[]), CAST(:kinds AS text[]), CAST(:data AS text[]))
            AS said (seq, kind, data)
        ON CONFLICT (run_id, seq) DO NOTHING
    )
    SELECT pg_notify(:channel, :notice)
""")


async def book(
    unit: AsyncSession,
    books: Ledger,
    account: Account,
    outcome: Outcome,
    *,
    place: int,
    pending: Sequence[RunEvent] = (),
) -> Booked:
    """The ledger, the usage line, the last events and the final state, in the unit that has locked the run and found
    it unfinished.

    `place` is how far the run's events go before its last ones; `pending` are those that are not written yet.
    """
    verdict = judge_all(outcome.calls, outcome.policy)
    answered, at = outcome.answered, now()
    quote = answered.quote or NO_QUOTE
    reckoned = cost(quote, verdict.usage, verdict.said_usd_nano, service=verdict.service)
    is_owed = verdict.how not in {How.NOTHING, How.WAIVED}
    released, balance = account.hold_nano, None
    if is_owed:
        settled = await books.settle(
            unit, run_id=account.run_id, cost=reckoned, is_estimated=verdict.is_estimated or reckoned.is_estimated
        )
        released, balance = settled.released_nano, settled.balance_after_nano
    else:
        await books.void(unit, run_id=account.run_id)
    bill = Bill(verdict, reckoned, released, balance, quote.is_free)
    last = [
        RunEvent(place + number, kind, data) for number, (kind, data) in enumerate(_last_events(outcome, bill), start=1)
    ]
    events = [*pending, *last]
    values = _finish(account, outcome, bill) | _usage_line(answered, bill)
    await unit.execute(
        _FINISH,
        values
        | {
            "at": at,
            "day": at.date(),
            "is_owed": is_owed,
            "last_seq": last[-1].seq,
            "seqs": [event.seq for event in events],
            "kinds": [str(event.kind) for event in events],
            "data": [_json(event.data) for event in events],
            "channel": CHANNEL,
            "notice": f"{SAID} {account.run_id}",
        },
    )
    if account.kind != SILENT_KIND:
        await publish(
            unit,
            topic=person_topic(account.owner_id),
            kind="run.changed",
            data={"run_id": str(account.run_id), "state": outcome.state.value},
        )
    return Booked(bill, last)


def _finish(account: Account, outcome: Outcome, bill: Bill) -> dict[str, Any]:
    answered, cost = outcome.answered, bill.cost
    kept = bill.told() | {
        "lines": [asdict(line) for line in cost.lines],
        "provider_usd_nano": cost.provider_usd_nano,
        "spent_nano": cost.spent_nano,
        "service": bill.verdict.service,
        "released_nano": bill.released_nano,
        "balance_after_nano": bill.balance_after_nano,
    }
    return {
        "run_id": account.run_id,
        "state": outcome.state.value,
        "model_id": answered.model_id,
        "provider_id": answered.provider_id,
        "key_id": answered.key_id,
        "provider_kind": answered.provider_kind,
        "model_name": answered.model_name,
        "losses": _json(outcome.losses),
        "quote": None if answered.quote is None else _json(answered.quote.stored()),
        "usage": _json(asdict(bill.verdict.usage)),
        "cost": _json(kept),
        "is_estimated": bill.is_estimated,
        "how": bill.verdict.how.value,
        "finish_reason": outcome.finish_reason,
        "error": None if outcome.error is None else _json(outcome.error),
        "tried": _json(outcome.tried),
        "first_at": outcome.first_at,
    }


def _last_events(outcome: Outcome, bill: Bill) -> list[tuple[Kind, dict[str, Any]]]:
    usage = asdict(bill.verdict.usage)
    events: list[tuple[Kind, dict[str, Any]]] = [
        (Kind.USAGE, {"usage": usage, "is_estimated": bill.verdict.is_estimated})
    ]
    if outcome.error is not None:
        events.append((Kind.ERROR, dict(outcome.error)))
    done = {
        "state": outcome.state.value,
        "finish_reason": outcome.finish_reason,
        "provider": outcome.answered.provider_kind,
        "model": outcome.answered.model_name,
        "usage": usage,
        "cost": bill.told(),
        "settled_as": bill.verdict.how.value,
        "balance_after_nano": bill.balance_after_nano,
    }
    return [*events, (Kind.DONE, done)]


def _usage_line(answered: Answered, bill: Bill) -> dict[str, Any]:
    quote = answered.quote or NO_QUOTE
    counted = asdict(bill.verdict.usage)
    # The line has a column for what they are a kind of; the run itself keeps them apart.
    counted["cache_write"] += counted.pop("cache_write_1h")
    counted["output"] += counted.pop("image_out")
    return counted | {
        "provider_usd_nano": bill.cost.provider_usd_nano,
        "charged_nano": bill.cost.charged_nano,
        "currency": bill.cost.currency,
        "price_version_id": None if quote.rate is None else quote.rate.version_id,
        "fx_rate_id": quote.fx_rate_id,
        "markup_bp": quote.markup_bp,
        "is_free": quote.is_free,
        "request_id": answered.request_id,
    }


def _json(value: object) -> str:
    return orjson.dumps(value).decode()
