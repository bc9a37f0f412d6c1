"""The one place where a run is paid for: the ledger, the usage line and the final state in one transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID

import orjson

from kontor.billing.rates import Cost, Line, Quote, cost
from kontor.billing.service import Due, Settled
from kontor.billing.usage import Usage
from kontor.core.bulk import Bulk
from kontor.core.clock import now
from kontor.core.events.publishing import person_topic, publish
from kontor.core.ids import UserId
from kontor.core.money import plain
from kontor.core.units import Unit
from kontor.gateway.runs.events import CHANNEL, SAID, Kind, RunEvent, RunId
from kontor.gateway.runs.judging import CallFacts, CutPolicy, How, Verdict, judge_all
from kontor.gateway.runs.ports import Ledger

SILENT_KIND = "api"  # nobody's screen waits for what a program asks
NO_QUOTE = Quote(
    is_free=False, is_own_key=False, rate=None, fx_rate_id=None, fx=Decimal(1), markup_bp=0, currency="USD"
)


COUNTED = tuple(each.name for each in fields(Usage))
LINE = tuple(each.name for each in fields(Line))


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


@dataclass(frozen=True, slots=True)
class Ended:
    """A run that is over. `place` is how far its events go before the last ones; `pending` are those that are not
    written yet."""

    account: Account
    outcome: Outcome
    place: int
    pending: Sequence[RunEvent] = ()


# One statement for all runs that end together: their ends, their lines of usage, their last events, and word of it to
# others.
_FINISH = Bulk(
    f"""
    WITH ended AS (
        UPDATE run SET
            state = n.state, model_id = n.model_id, provider_id = n.provider_id, key_id = n.key_id,
            provider_kind = n.provider_kind, model_name = n.model_name, losses = CAST(n.losses AS json),
            quote = CAST(n.quote AS json), usage = CAST(n.usage AS json), cost = CAST(n.cost AS json),
            is_estimated = n.is_estimated, settled_as = n.how, finish_reason = n.finish_reason,
            error = CAST(n.error AS json), tried = CAST(n.tried AS json), last_seq = n.last_seq, first_at = n.first_at,
            finished_at = n.at
        FROM {{n}} WHERE run.id = n.run_id
        RETURNING run.id, run.owner_id, run.payer_id, run.project_id, run.kind, n.*
    ), used AS (
        INSERT INTO usage_line (
            run_id, owner_id, payer_id, project_id, kind, key_id, provider_id, provider_kind, model_id, model_name, day,
            input_tokens, cached_tokens, cache_write_tokens, cache_write_1h_tokens, output_tokens, reasoning_tokens,
            image_tokens, image_out_tokens, audio_in_tokens, audio_out_tokens, provider_usd_nano, charged_nano,
            currency, price_version_id, fx_rate_id, markup_bp, is_estimated, is_free, provider_request_id, finished_at
        )
        SELECT run_id, owner_id, payer_id, project_id, kind, key_id, provider_id, provider_kind, model_id, model_name,
               day, input, cached, cache_write, cache_write_1h, output, reasoning, image, image_out, audio_in,
               audio_out, provider_usd_nano, charged_nano, currency, price_version_id, fx_rate_id, markup_bp,
               is_estimated, is_free, request_id, at
        FROM ended WHERE is_owed
        ON CONFLICT (run_id) DO NOTHING
    ), said AS (
        INSERT INTO run_event (run_id, seq, owner_id, kind, data)
        SELECT ended.id, said.seq, ended.owner_id, said.kind, CAST(said.data AS json)
        FROM {{said}} JOIN ended ON ended.id = said.run_id
        ON CONFLICT (run_id, seq) DO NOTHING
    )
    SELECT pg_notify('{CHANNEL}', '{SAID} ' || string_agg(CAST(id AS text), ' ')) FROM ended HAVING count(*) > 0
    """,  # noqa: S608 - words of our own
    n={
        "run_id": "uuid",
        "state": "text",
        "model_id": "uuid",
        "provider_id": "uuid",
        "key_id": "uuid",
        "provider_kind": "text",
        "model_name": "text",
        "losses": "text",
        "quote": "text",
        "usage": "text",
        "cost": "text",
        "is_estimated": "boolean",
        "how": "text",
        "finish_reason": "text",
        "error": "text",
        "tried": "text",
        "last_seq": "bigint",
        "first_at": "timestamptz",
        "at": "timestamptz",
        "day": "date",
        "is_owed": "boolean",
        "input": "bigint",
        "cached": "bigint",
        "cache_write": "bigint",
        "cache_write_1h": "bigint",
        "output": "bigint",
        "reasoning": "bigint",
        "image": "bigint",
        "image_out": "bigint",
        "audio_in": "bigint",
        "audio_out": "bigint",
        "provider_usd_nano": "bigint",
        "charged_nano": "bigint",
        "currency": "text",
        "price_version_id": "uuid",
        "fx_rate_id": "uuid",
        "markup_bp": "integer",
        "is_free": "boolean",
        "request_id": "text",
    },
    said={"run_id": "uuid", "seq": "bigint", "kind": "text", "data": "text"},
)


async def book_all(unit: Unit, ledger: Ledger, ended: Sequence[Ended]) -> list[Booked]:
    """The ledger, the usage lines, the last events and the final states, in the unit that has locked the runs and
    found them unfinished. At most as many as one notice can name (`journal.IDS_PER_NOTICE`)."""
    judged = [Judged.of(each.outcome) for each in ended]
    settled = await ledger.settle_all(
        unit, [each.due(run.account.run_id) for each, run in zip(judged, ended, strict=True)]
    )
    at, booked, rows, said = now(), [], [], []
    for run, each, books in zip(ended, judged, settled, strict=True):
        account = run.account
        bill = each.bill(account, books)
        usage = {name: getattr(bill.verdict.usage, name) for name in COUNTED}
        last = [
            RunEvent(run.place + number, kind, data)
            for number, (kind, data) in enumerate(_last_events(run.outcome, bill, usage), start=1)
        ]
        booked.append(Booked(bill, last))
        rows.append(
            {
                **_finish(account, run.outcome, bill, usage),
                **_usage_line(run.outcome.answered, bill, usage),
                "at": at,
                "day": at.date(),
                "is_owed": each.is_owed,
                "last_seq": last[-1].seq,
            }
        )
        said += [
            {"run_id": account.run_id, "seq": event.seq, "kind": str(event.kind), "data": _json(event.data)}
            for event in (*run.pending, *last)
        ]
        if account.kind != SILENT_KIND:
            await publish(
                unit,
                topic=person_topic(account.owner_id),
                kind="run.changed",
                data={"run_id": str(account.run_id), "state": run.outcome.state.value},
            )
    await _FINISH.run(unit, n=rows, said=said)
    return booked


@dataclass(frozen=True, slots=True)
class Judged:
    """What an outcome comes to, before anything is booked."""

    verdict: Verdict
    cost: Cost
    is_free: bool

    @classmethod
    def of(cls, outcome: Outcome) -> "Judged":
        verdict = judge_all(outcome.calls, outcome.policy)
        quote = outcome.answered.quote or NO_QUOTE
        reckoned = cost(quote, verdict.usage, verdict.said_usd_nano, service=verdict.service)
        return cls(verdict, reckoned, quote.is_free)

    @property
    def is_owed(self) -> bool:
        return self.verdict.how not in {How.NOTHING, How.WAIVED}

    def due(self, run_id: RunId) -> Due:
        if not self.is_owed:
            return Due(run_id)
        return Due(run_id, self.cost, self.verdict.is_estimated or self.cost.is_estimated)

    def bill(self, account: Account, books: Settled) -> Bill:
        released, balance = account.hold_nano, None
        if self.is_owed:
            released, balance = books.released_nano, books.balance_after_nano
        return Bill(self.verdict, self.cost, released, balance, self.is_free)


def _finish(account: Account, outcome: Outcome, bill: Bill, usage: Mapping[str, int]) -> dict[str, Any]:
    answered, cost = outcome.answered, bill.cost
    kept = bill.told() | {
        "lines": [{name: getattr(line, name) for name in LINE} for line in cost.lines],
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
        "usage": _json(usage),
        "cost": _json(kept),
        "is_estimated": bill.is_estimated,
        "how": bill.verdict.how.value,
        "finish_reason": outcome.finish_reason,
        "error": None if outcome.error is None else _json(outcome.error),
        "tried": _json(outcome.tried),
        "first_at": outcome.first_at,
    }


def _last_events(outcome: Outcome, bill: Bill, usage: Mapping[str, int]) -> list[tuple[Kind, dict[str, Any]]]:
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


def _usage_line(answered: Answered, bill: Bill, usage: Mapping[str, int]) -> dict[str, Any]:
    quote = answered.quote or NO_QUOTE
    return {
        **usage,
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
