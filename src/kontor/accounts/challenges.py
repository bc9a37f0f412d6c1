"""What a sign-in in two steps remembers between them. Found by a secret that only the one who began it was given."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import delete, insert
from sqlalchemy.ext.asyncio import AsyncSession

from kontor.accounts.opaque import digest
from kontor.accounts.tables import Challenge
from kontor.core.clock import now

LIFETIME = timedelta(minutes=10)


class ChallengeKind(StrEnum):
    PASSKEY_NEW = "passkey_new"
    PASSKEY_SIGN_IN = "passkey_sign_in"
    PASSKEY_PROOF = "passkey_proof"
    OIDC = "oidc"


@dataclass(frozen=True, slots=True)
class Remembered:
    owner_id: UUID | None
    data: Mapping[str, Any]


async def remember(
    unit: AsyncSession,
    kind: ChallengeKind,
    secret: str,
    *,
    owner_id: UUID | None = None,
    data: Mapping[str, Any] | None = None,
) -> None:
    row = {"hash": digest(secret), "owner_id": owner_id, "purpose": kind.value, "data": dict(data or {})}
    await unit.execute(insert(Challenge).values(**row, expires_at=now() + LIFETIME))


async def recall(unit: AsyncSession, kind: ChallengeKind, secret: str) -> Remembered | None:
    """Once: whoever comes second with the same secret finds nothing."""
    taken = delete(Challenge).where(Challenge.hash == digest(secret), Challenge.purpose == kind.value)
    row = (await unit.execute(taken.returning(Challenge.owner_id, Challenge.data, Challenge.expires_at))).one_or_none()
    return None if row is None or row.expires_at <= now() else Remembered(row.owner_id, row.data)


async def sweep(unit: AsyncSession) -> int:
    over = delete(Challenge).where(Challenge.expires_at < now()).returning(Challenge.hash)
    return len((await unit.execute(over)).all())
