"""Telling what has happened, in the transaction in which it happens.

What is published is written when the unit commits, all topics in one order. So the lock that keeps a topic's numbers in
order is held for the moment of the commit only, and two units that tell two topics never wait for each other in a ring.
A savepoint that is rolled back takes its events with it.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import event as orm_events
from sqlalchemy import text
from sqlalchemy.orm import Session, SessionTransaction

from kontor.core.bulk import fetch
from kontor.core.ids import UserId
from kontor.core.units import DirectUnit, Unit

CHANNEL = "kontor_events"
ADMIN_TOPIC = "admin"
MANAGER_TOPIC = "managers"
# Heard by everybody who is signed in, so its events carry nothing: the table refuses any that does.
EVERYONE_TOPIC = "everyone"
PERSON_PREFIX = "person:"

# An event says that something changed and how to find it. Whoever needs more reads it where it is kept.
DATA_LIMIT_BYTES = 32_768

JSON = str | int | float | bool | None | list[Any] | Mapping[str, Any]

_PENDING = "kontor.events"
_PUBLISH = text("SELECT kontor_publish(CAST(:batch AS jsonb))")
_PUBLISH_DIRECTLY = "SELECT kontor_publish(CAST($1::text AS jsonb))"


def person_topic(user_id: UUID) -> str:
    return f"{PERSON_PREFIX}{user_id}"


async def publish(
    unit: Unit, *, topic: str, kind: str, data: Mapping[str, JSON], owner_id: UserId | None = None
) -> None:
    """Readers of the topic hear of it once this unit is committed, and never if it is not.

    The owner of a person's topic is that person; `owner_id` is for topics that are named otherwise.
    """
    if owner_id is None and topic.startswith(PERSON_PREFIX):
        owner_id = UserId(UUID(topic.removeprefix(PERSON_PREFIX)))
    encoded = orjson.dumps(data)
    if len(encoded) > DATA_LIMIT_BYTES:
        raise ValueError(f"The event {kind} carries {len(encoded)} bytes; {DATA_LIMIT_BYTES} is the limit.")
    item = {"topic": topic, "owner_id": owner_id, "kind": kind, "data": orjson.Fragment(encoded)}
    pending: list[tuple[SessionTransaction | None, dict[str, Any]]] = unit.info.setdefault(_PENDING, [])
    if isinstance(unit, DirectUnit):
        pending.append((None, item))
    else:
        session = unit.sync_session
        pending.append((session.get_nested_transaction() or session.get_transaction(), item))


async def write_pending(unit: DirectUnit) -> None:
    """The last that its owner does before it commits. A session sees to that by itself."""
    if pending := unit.info.pop(_PENDING, None):
        await fetch(unit, _PUBLISH_DIRECTLY, _batch(pending))


def _batch(pending: Sequence[tuple[object, dict[str, Any]]]) -> str:
    return orjson.dumps(sorted((item for _, item in pending), key=lambda item: str(item["topic"]))).decode()


@orm_events.listens_for(Session, "before_commit")
def _write(session: Session) -> None:
    pending = session.info.get(_PENDING)
    if not pending:
        return
    nested = session.get_nested_transaction()
    if nested is not None:
        # A savepoint is released: its events belong to what surrounds it from now on.
        session.info[_PENDING] = [(nested.parent if at is nested else at, item) for at, item in pending]
        return
    session.flush()
    del session.info[_PENDING]
    session.connection().execute(_PUBLISH, {"batch": _batch(pending)})


@orm_events.listens_for(Session, "after_soft_rollback")
def _forget(session: Session, rolled_back: SessionTransaction) -> None:
    pending = session.info.get(_PENDING)
    if pending:
        session.info[_PENDING] = [(at, item) for at, item in pending if at is not rolled_back]
