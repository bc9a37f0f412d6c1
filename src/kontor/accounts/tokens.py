"""Personal access tokens: for programs that act for a person, with less than the person may do."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from kontor.accounts import audit, policy
from kontor.accounts.audit import Action
from kontor.accounts.errors import ScopeTooWide, TokenNotFound, TooMany
from kontor.accounts.known_tokens import tell_rights
from kontor.accounts.opaque import digest, new_personal_token
from kontor.accounts.tables import PersonalToken
from kontor.core.clock import now
from kontor.core.ids import new_id
from kontor.core.tenancy import Actor
from kontor.core.trail import Subject

MOST_TOKENS = 50


@dataclass(frozen=True, slots=True)
class Shown:
    """The only time that the token itself is seen."""

    row: PersonalToken
    token: str


async def make(
    unit: AsyncSession,
    actor: Actor,
    *,
    name: str,
    scopes: Sequence[str],
    expires_in_days: int | None,
    address: str | None = None,
) -> Shown:
    if wide := policy.too_wide(scopes, actor.role):
        raise ScopeTooWide(wide)
    mine = select(func.count()).select_from(PersonalToken).where(PersonalToken.owner_id == actor.user_id)
    if (await unit.scalar(mine) or 0) >= MOST_TOKENS:
        raise TooMany("tokens", MOST_TOKENS)
    token = new_personal_token()
    at = now()
    row = PersonalToken(
        id=new_id(),
        owner_id=actor.user_id,
        name=name,
        hash=digest(token),
        ending=token[-4:],
        scopes=sorted(set(scopes)),
        created_at=at,
        expires_at=None if expires_in_days is None else at + timedelta(days=expires_in_days),
    )
    unit.add(row)
    await unit.flush()
    details = {"scopes": row.scopes, "expires_in_days": expires_in_days}
    await _note(unit, Action.TOKEN_MADE, actor, row.id, address=address, details=details)
    return Shown(row, token)


async def list_mine(unit: AsyncSession, actor: Actor) -> Sequence[PersonalToken]:
    mine = select(PersonalToken).where(PersonalToken.owner_id == actor.user_id)
    return (await unit.scalars(mine.order_by(PersonalToken.created_at.desc(), PersonalToken.id))).all()


async def revoke(unit: AsyncSession, actor: Actor, token_id: UUID, *, address: str | None = None) -> None:
    mine = delete(PersonalToken).where(PersonalToken.id == token_id, PersonalToken.owner_id == actor.user_id)
    if (await unit.execute(mine.returning(PersonalToken.id))).one_or_none() is None:
        raise TokenNotFound
    tell_rights(unit, actor.user_id)
    await _note(unit, Action.TOKEN_REVOKED, actor, token_id, address=address)


async def _note(
    unit: AsyncSession,
    action: Action,
    actor: Actor,
    token_id: UUID,
    *,
    address: str | None,
    details: Mapping[str, object] | None = None,
) -> None:
    await audit.write(
        unit,
        action=action,
        actor=actor,
        owner_id=actor.user_id,
        subject=Subject("token", str(token_id)),
        details=details,
        address=address,
    )
