"""Rows of runs: what is read of them, and how one begins."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from kontor.core.bulk import Bulk
from kontor.core.ids import UserId
from kontor.core.units import Unit
from kontor.gateway.runs.events import RunEvent, RunId

PAGE_OF_EVENTS = 200

# In one order everywhere, so that no two batches wait for each other's keys in a ring; of two with one key in a batch
# the first that came is written.
_INSERT = Bulk(
    """
    INSERT INTO run (
        id, owner_id, payer_id, project_id, kind, state, model_id, provider_id, key_id, provider_kind, model_name,
        routed, request, fingerprint, quote, upper, hold_nano, max_cost_nano, idempotency_key, lease_holder,
        continues_id
    )
    SELECT id, owner_id, payer_id, project_id, kind, 'running', model_id, provider_id, key_id, provider_kind,
        model_name, CAST(routed AS json), CAST(request AS json), fingerprint, CAST(quote AS json), CAST(upper AS json),
        hold_nano, max_cost_nano, idempotency_key, lease_holder, continues_id
    FROM {new} ORDER BY owner_id, idempotency_key, place
    ON CONFLICT (owner_id, idempotency_key) WHERE idempotency_key IS NOT NULL DO NOTHING
    RETURNING id
    """,
    new={
        "place": "integer",
        "id": "uuid",
        "owner_id": "uuid",
        "payer_id": "uuid",
        "project_id": "uuid",
        "kind": "text",
        "model_id": "uuid",
        "provider_id": "uuid",
        "key_id": "uuid",
        "provider_kind": "text",
        "model_name": "text",
        "routed": "text",
        "request": "text",
        "fingerprint": "bytea",
        "quote": "text",
        "upper": "text",
        "hold_nano": "bigint",
        "max_cost_nano": "bigint",
        "idempotency_key": "text",
        "lease_holder": "uuid",
        "continues_id": "uuid",
    },
)
_BY_KEY = text("SELECT id, fingerprint FROM run WHERE owner_id = :owner_id AND idempotency_key = :key")
COLUMNS = """
    id, owner_id, payer_id, project_id, kind, state, model_id, provider_id, key_id, provider_kind, model_name, routed,
    tried, losses, quote, upper, hold_nano, max_cost_nano, usage, cost, is_estimated, settled_as, finish_reason, error,
    last_seq, continues_id, accepted_at, first_at, finished_at
"""
_ONE = text(f"SELECT {COLUMNS} FROM run WHERE id = :id")  # noqa: S608 - names of our own
_REQUEST = text("SELECT request FROM run WHERE id = :id")
_LIST = text(f"""
    SELECT {COLUMNS} FROM run
    WHERE owner_id = :owner_id
      AND (CAST(:state AS text) IS NULL OR state = :state)
      AND (CAST(:model AS text) IS NULL OR model_name = :model)
      AND (CAST(:project_id AS uuid) IS NULL OR project_id = :project_id)
      AND (CAST(:at AS timestamptz) IS NULL OR (accepted_at, id) < (:at, CAST(:id AS uuid)))
    ORDER BY accepted_at DESC, id DESC LIMIT :limit
""")  # noqa: S608 - names of our own
_EVENTS = text("""
    SELECT seq, kind, data FROM run_event WHERE run_id = :id AND seq > :after ORDER BY seq LIMIT :limit
""")
_STATE = text("SELECT state, finished_at FROM run WHERE id = :id")
_VISIBLE = text("SELECT id FROM run WHERE id = ANY(CAST(:ids AS uuid[]))")
_ASK_TO_STOP = text("""
    UPDATE run SET stop_requested_at = clock_timestamp()
    WHERE id = :id AND finished_at IS NULL AND stop_requested_at IS NULL RETURNING id
""")


async def insert(unit: Unit, rows: Sequence[Mapping[str, object]]) -> set[RunId]:
    """Those that are new: of the others the idempotency key has been used."""
    placed = [{**row, "place": place} for place, row in enumerate(rows)]
    return {RunId(row["id"]) for row in await _INSERT.run(unit, new=placed)}


async def by_key(unit: AsyncSession, owner_id: UserId, key: str) -> Row[Any] | None:
    return (await unit.execute(_BY_KEY, {"owner_id": owner_id, "key": key})).one_or_none()


async def find(unit: AsyncSession, run_id: RunId) -> Row[Any] | None:
    return (await unit.execute(_ONE, {"id": run_id})).one_or_none()


async def request_of(unit: AsyncSession, run_id: RunId) -> Mapping[str, Any]:
    found: Mapping[str, Any] = (await unit.execute(_REQUEST, {"id": run_id})).scalar_one()
    return found


async def page(
    unit: AsyncSession,
    owner_id: UserId,
    *,
    state: str | None,
    model: str | None,
    project_id: UUID | None,
    after: tuple[Any, ...] | None,
    limit: int,
) -> Sequence[Row[Any]]:
    at, run_id = after or (None, None)
    rows = await unit.execute(
        _LIST,
        {
            "owner_id": owner_id,
            "state": state,
            "model": model,
            "project_id": project_id,
            "at": at,
            "id": run_id,
            "limit": limit,
        },
    )
    return rows.all()


async def events(unit: AsyncSession, run_id: RunId, *, after: int, limit: int = PAGE_OF_EVENTS) -> list[RunEvent]:
    rows = await unit.execute(_EVENTS, {"id": run_id, "after": after, "limit": limit})
    return [RunEvent(row.seq, row.kind, row.data) for row in rows]


async def is_finished(unit: AsyncSession, run_id: RunId) -> bool | None:
    """None: no such run, as far as this unit sees."""
    row = (await unit.execute(_STATE, {"id": run_id})).one_or_none()
    return None if row is None else row.finished_at is not None


async def visible(unit: AsyncSession, ids: Sequence[RunId]) -> set[RunId]:
    return set((await unit.execute(_VISIBLE, {"ids": list(ids)})).scalars())


async def ask_to_stop(unit: AsyncSession, run_id: RunId) -> bool:
    return await unit.scalar(_ASK_TO_STOP, {"id": run_id}) is not None


def as_json(value: object) -> str:
    return orjson.dumps(value, default=_plain).decode()


def _plain(value: object) -> str:
    # The database's driver has a UUID of its own, which is one to everybody but the encoder.
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(type(value).__name__)
