"""Personal tokens that were used lately, kept in memory: a program's thousandth request asks the database nothing.

The database says whenever a token or its owner's standing changes (migration 0014), to every process; this process
itself forgets before its own change is answered. Deaf, or after a while, it asks again.
"""

import time
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from kontor.core.clock import now
from kontor.core.database import Database, tell_after_commit
from kontor.core.events.listener import Listener
from kontor.core.ids import TokenId, UserId
from kontor.core.tenancy import Role

CHANNEL = "kontor_rights"
FRESH_SECONDS = 10.0
MOST = 10_000


@dataclass(frozen=True, slots=True)
class KnownToken:
    id: TokenId
    owner_id: UserId
    role: Role
    scopes: frozenset[str]
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class RightsChanged:
    """In a unit that changes who somebody is: see `tell_rights`."""

    owner_id: UUID


def tell_rights(unit: AsyncSession, owner_id: UUID) -> None:
    """For this process, so that the very next request knows. The others hear it from the database."""
    tell_after_commit(unit, RightsChanged(owner_id))


class KnownTokens:
    """One per process."""

    def __init__(self, database: Database, listener: Listener, *, fresh_seconds: float = FRESH_SECONDS) -> None:
        self._listener = listener
        self._fresh_seconds = fresh_seconds
        self._known: OrderedDict[bytes, tuple[float, KnownToken]] = OrderedDict()
        self.changes = 0
        listener.on(CHANNEL, self._heard)
        database.on_commit(RightsChanged, lambda fact: self._forget(fact.owner_id))

    def find(self, digest: bytes) -> KnownToken | None:
        until, token = self._known.get(digest, (0.0, None))
        if token is None or time.monotonic() >= until or not self._listener.connected.is_set():
            return None
        return token if token.expires_at is None or token.expires_at > now() else None

    def keep(self, digest: bytes, token: KnownToken, *, changes: int) -> None:
        """`changes` is from before it was read: what changed meanwhile may or may not be in it."""
        if changes != self.changes:
            return
        self._known[digest] = (time.monotonic() + self._fresh_seconds, token)
        self._known.move_to_end(digest)
        while len(self._known) > MOST:
            self._known.popitem(last=False)

    def _heard(self, payload: str | None) -> None:
        """With nothing: the connection is new, and anything may have been missed."""
        if payload is None:
            self.changes += 1
            self._known.clear()
        else:
            self._forget(UUID(payload))

    def _forget(self, owner_id: UUID) -> None:
        self.changes += 1
        for digest in [digest for digest, (_, token) in self._known.items() if token.owner_id == owner_id]:
            del self._known[digest]
