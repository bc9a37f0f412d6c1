"""The nightly proof: what is written in one place is compared with what the other places make of it.

Each question is one statement and sees one moment, so deeds that happen meanwhile cannot make it wrong.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
import structlog
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from kontor.core.clock import now
from kontor.core.database import Database
from kontor.core.events.publishing import ADMIN_TOPIC, publish
from kontor.core.ids import new_id

log = structlog.get_logger(__name__)

MOST_FINDINGS = 100
KEPT = timedelta(days=400)

# Each answers the rows that are wrong: whose they are, what was expected and what was found.
CHECKS: Mapping[str, str] = {
    # What stands in a wallet is what was ever booked into it.
    "postings_make_wallets": """
        SELECT w.owner_id::text AS subject,
            format('%s %s %s', p.purchased, p.granted, p.debt) AS expected,
            format('%s %s %s', w.purchased_nano, w.granted_nano, w.debt_nano) AS found
        FROM wallet w LEFT JOIN LATERAL (
            SELECT coalesce(sum(amount_nano) FILTER (WHERE account = 'purchased'), 0) AS purchased,
                coalesce(sum(amount_nano) FILTER (WHERE account = 'granted'), 0) AS granted,
                coalesce(-sum(amount_nano) FILTER (WHERE account = 'debt'), 0) AS debt
            FROM ledger_posting WHERE owner_id = w.owner_id AND account IN ('purchased', 'granted', 'debt')
        ) p ON true
        WHERE (p.purchased, p.granted, p.debt) IS DISTINCT FROM (w.purchased_nano, w.granted_nano, w.debt_nano)
    """,
    "holds_make_held": """
        SELECT w.owner_id::text AS subject, h.held::text AS expected, w.held_nano::text AS found
        FROM wallet w LEFT JOIN LATERAL (
            SELECT coalesce(sum(amount_nano), 0) AS held FROM credit_hold
            WHERE owner_id = w.owner_id AND state = 'open'
        ) h ON true
        WHERE h.held <> w.held_nano
    """,
    "grants_make_granted": """
        SELECT w.owner_id::text AS subject, g.granted::text AS expected, w.granted_nano::text AS found
        FROM wallet w LEFT JOIN LATERAL (
            SELECT coalesce(sum(remaining_nano), 0) AS granted FROM credit_grant WHERE owner_id = w.owner_id
        ) g ON true
        WHERE g.granted <> w.granted_nano
    """,
    "postings_make_grants": """
        SELECT g.id::text AS subject, coalesce(p.remaining, 0)::text AS expected, g.remaining_nano::text AS found
        FROM credit_grant g LEFT JOIN (
            SELECT grant_id, sum(amount_nano) AS remaining FROM ledger_posting WHERE account = 'granted'
            GROUP BY grant_id
        ) p ON p.grant_id = g.id
        WHERE coalesce(p.remaining, 0) <> g.remaining_nano
    """,
    "entries_are_balanced": """
        SELECT e.id::text AS subject, '0' AS expected, coalesce(sum(p.amount_nano), 0)::text AS found
        FROM ledger_entry e LEFT JOIN ledger_posting p ON p.entry_id = e.id
        GROUP BY e.id HAVING coalesce(sum(p.amount_nano), 0) <> 0 OR count(p.number) < 2
    """,
    # Each run that was charged has one entry of that sum, and no entry is without its run.
    "runs_make_revenue": """
        SELECT coalesce(h.run_id::text, e.source_id) AS subject, coalesce(h.charged_nano, 0)::text AS expected,
            coalesce(e.revenue, 0)::text AS found
        FROM (SELECT run_id, charged_nano FROM credit_hold WHERE charged_nano > 0) h
        FULL JOIN (
            SELECT e.source_id, sum(p.amount_nano) AS revenue
            FROM ledger_entry e JOIN ledger_posting p ON p.entry_id = e.id AND p.account = 'revenue'
            WHERE e.source = 'run' AND e.kind = 'settle' GROUP BY e.source_id
        ) e ON e.source_id = h.run_id::text
        WHERE h.charged_nano IS DISTINCT FROM e.revenue
    """,
    "runs_make_provider_cost": """
        SELECT h.run_id::text AS subject, h.provider_usd_nano::text AS expected, e.provider_usd_nano::text AS found
        FROM credit_hold h JOIN ledger_entry e
            ON e.source = 'run' AND e.kind = 'settle' AND e.source_id = h.run_id::text
        WHERE h.provider_usd_nano <> e.provider_usd_nano
    """,
    "holds_make_budgets": """
        SELECT b.id::text AS subject, coalesce(h.held, 0)::text AS expected, b.held_nano::text AS found
        FROM budget b LEFT JOIN (
            SELECT budget_id, sum(amount_nano) AS held FROM budget_hold GROUP BY budget_id
        ) h ON h.budget_id = b.id
        WHERE coalesce(h.held, 0) <> b.held_nano
    """,
    "refunds_are_booked": """
        SELECT t.id::text AS subject, t.refunded_nano::text AS expected, coalesce(e.refunded, 0)::text AS found
        FROM top_up t LEFT JOIN LATERAL (
            SELECT sum(p.amount_nano) AS refunded
            FROM ledger_entry e JOIN ledger_posting p ON p.entry_id = e.id AND p.account = 'clearing'
            WHERE e.owner_id = t.owner_id AND e.kind = 'refund' AND e.source = t.source
                AND starts_with(e.source_id, t.source_id || '@')
        ) e ON true
        WHERE coalesce(e.refunded, 0) <> t.refunded_nano
    """,
}

COUNTS: Mapping[str, str] = {
    "wallets": "SELECT count(*) FROM wallet",
    "entries": "SELECT count(*) FROM ledger_entry",
    "postings": "SELECT count(*) FROM ledger_posting",
    "open_holds": "SELECT count(*) FROM credit_hold WHERE state = 'open'",
    "debt_nano": "SELECT coalesce(sum(debt_nano), 0) FROM wallet",
    "provider_usd_nano": "SELECT coalesce(sum(provider_usd_nano), 0) FROM ledger_entry",
}


@dataclass(frozen=True, slots=True)
class Proof:
    id: UUID
    at: datetime
    is_sound: bool
    checked: Mapping[str, int]
    findings: Sequence[Mapping[str, Any]]


_ADD = text("""
    INSERT INTO billing_proof (id, at, is_sound, checked, findings)
    VALUES (:id, :at, :is_sound, CAST(:checked AS jsonb), CAST(:findings AS jsonb))
""")
_SWEEP = text("DELETE FROM billing_proof WHERE at < :before AND is_sound")
_LIST = text("SELECT id, at, is_sound, checked, findings FROM billing_proof ORDER BY at DESC, id LIMIT :limit")


async def findings(unit: AsyncSession) -> Sequence[Mapping[str, str]]:
    """What is wrong, with the check that found it. Nothing, unless somebody has been at the tables."""
    found: list[Mapping[str, str]] = []
    for name, question in CHECKS.items():
        rows = await unit.execute(text(f"{question} LIMIT :most"), {"most": MOST_FINDINGS - len(found)})
        found += [{"check": name, "subject": row.subject, "expected": row.expected, "found": row.found} for row in rows]
        if len(found) >= MOST_FINDINGS:
            break
    return found


async def prove(database: Database) -> Proof:
    async with database.system("billing") as unit:
        wrong = await findings(unit)
        checked = {name: int(await unit.scalar(text(question)) or 0) for name, question in COUNTS.items()}
        proof = Proof(new_id(), now(), not wrong, checked, wrong)
        values = {
            "id": proof.id,
            "at": proof.at,
            "is_sound": proof.is_sound,
            "checked": orjson.dumps(checked).decode(),
            "findings": orjson.dumps(wrong).decode(),
        }
        await unit.execute(_ADD, values)
        await unit.execute(_SWEEP, {"before": proof.at - KEPT})
        await publish(unit, topic=ADMIN_TOPIC, kind="billing.proved", data={"is_sound": proof.is_sound})
    if wrong:
        log.error("billing.unsound", findings=wrong[:10])
    return proof


async def latest(unit: AsyncSession, *, limit: int) -> Sequence[Proof]:
    rows = await unit.execute(_LIST, {"limit": limit})
    return [Proof(row.id, row.at, row.is_sound, row.checked, row.findings) for row in rows]
