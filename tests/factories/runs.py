"""Runs that are over, as the journal leaves them: paid by the books and settled like any other."""

from datetime import timedelta
from decimal import Decimal
from uuid import UUID

import orjson
from sqlalchemy import text

from kontor.billing import service as billing
from kontor.billing.rates import Quote, Rate
from kontor.billing.usage import Usage
from kontor.core.clock import now
from kontor.core.database import Database
from kontor.core.ids import UserId, new_id
from kontor.core.money import NANO
from kontor.gateway.runs.events import RunId
from kontor.gateway.runs.judging import CallFacts, CutPolicy, End
from kontor.gateway.runs.settling import Account, Answered, Ended, Outcome, State, book_all

_BEGIN = text("""
    INSERT INTO run (id, owner_id, payer_id, kind, state, provider_id, provider_kind, model_name, request, quote,
        hold_nano, lease_holder, accepted_at)
    VALUES (:id, :owner, :owner, 'api', 'running', :provider_id, :provider, :model, '{}', CAST(:quote AS json), :hold,
        :id, :at)
""")

# Three dollars for a million tokens read, fifteen for a million written.
SHEET = {"input": 3 * NANO, "output": 15 * NANO}
USED = Usage(input=1000, output=200)


def quote(**changes: object) -> Quote:
    """On the house's key, in euros, while nobody is charged."""
    given: dict[str, object] = {
        "is_free": False,
        "is_own_key": False,
        "rate": Rate(SHEET, UUID(int=1), now(), "feed"),
        "fx_rate_id": None,
        "fx": Decimal(1),
        "markup_bp": 0,
        "currency": "EUR",
    }
    return Quote(**{**given, **changes})  # type: ignore[arg-type]  # names and types are the caller's to get right


async def make_run(
    database: Database,
    owner: UserId,
    terms: Quote,
    *,
    usage: Usage = USED,
    provider: str = "anthropic",
    provider_id: UUID | None = None,
    model: str = "claude-sonnet-4-5",
    state: State = State.DONE,
    end: End = End.WHOLE,
    said_usd_nano: int | None = None,
) -> UUID:
    run_id = RunId(new_id())
    call = CallFacts(end, usage.read, seen=usage, is_seen_whole=True, said_usd_nano=said_usd_nano)
    async with database.system("test") as unit:
        held = await billing.reserve(
            unit,
            payer=owner,
            quote=terms,
            upper=Usage(input=10_000, output=1_000),
            run_id=run_id,
            ttl=timedelta(hours=1),
        )
        begun = {
            "id": run_id,
            "owner": owner,
            "provider_id": provider_id,
            "provider": provider,
            "model": model,
            "quote": orjson.dumps(terms.stored()).decode(),
            "hold": held.amount_nano,
            "at": now(),
        }
        await unit.execute(_BEGIN, begun)
        account = Account(run_id, owner, owner, None, "api", held.amount_nano)
        answered = Answered(None, provider_id, None, provider, model, terms)
        outcome = Outcome(state, [call], CutPolicy.INPUT, answered)
        await book_all(unit, billing, [Ended(account, outcome, 0)])
    return run_id
