"""Signed-in devices: opened by a sign-in, looked at on every request, ended at once. Refresh tokens hang on them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from kontor.accounts import access_tokens, audit
from kontor.accounts.audit import Action
from kontor.accounts.callers import Caller
from kontor.accounts.errors import SessionNotFound
from kontor.accounts.opaque import digest, new_token
from kontor.accounts.tables import Person, RefreshToken, Session
from kontor.core.clock import now
from kontor.core.events.publishing import person_topic, publish
from kontor.core.ids import SessionId, UserId, new_id
from kontor.core.secrets import Secrets
from kontor.core.tenancy import Actor
from kontor.core.trail import Subject

# Without "stay signed in": over night, not over the week.
SHORT_IDLE = timedelta(hours=12)
SHORT_LATEST = timedelta(days=7)
# However much it is used, a session ends after this many of its idle times.
LATEST_FACTOR = 3
# The second of two tabs that refresh at the same time is given what the first was given.
GRACE = timedelta(seconds=20)
TOUCH_EVERY = timedelta(seconds=60)
MOST_SESSIONS = 100
KEPT_AFTER_END = timedelta(days=30)


class SessionKind(StrEnum):
    BROWSER = "browser"
    API = "api"
    LINK = "link"


class EndReason(StrEnum):
    LOGOUT = "logout"
    ENDED = "ended"
    PASSWORD = "password"  # noqa: S105 - a reason, no password
    SUSPENDED = "suspended"
    ROLE = "role"
    REUSE = "reuse"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class Opened:
    """What the person who signed in is given; none of it is kept in clear."""

    user_id: UserId
    session_id: SessionId
    cookie: str | None = None
    cookie_lasts: timedelta | None = None  # None: as long as the browser is open
    refresh_token: str | None = None


@dataclass(frozen=True, slots=True)
class Rotated:
    user_id: UserId
    session_id: SessionId
    refresh_token: str


async def open_session(
    unit: AsyncSession,
    person: Person,
    caller: Caller,
    *,
    kind: SessionKind,
    days: int,
    is_remembered: bool = True,
    proved_at: datetime | None = None,
) -> Opened:
    at = now()
    idle = timedelta(days=days) if is_remembered else SHORT_IDLE
    latest = at + (LATEST_FACTOR * idle if is_remembered else SHORT_LATEST)
    token = new_token()
    is_api = kind is SessionKind.API
    session = Session(
        id=new_id(),
        owner_id=person.id,
        kind=kind.value,
        cookie_hash=None if is_api else digest(token),
        client=caller.client,
        address=caller.address,
        idle_seconds=int(idle.total_seconds()),
        created_at=at,
        last_seen_at=at,
        expires_at=min(at + idle, latest),
        expires_at_latest=latest,
        # Every way in is a proof, unless it is one of which another house says that it was given earlier.
        proved_at=at if proved_at is None else min(proved_at, at),
    )
    unit.add(session)
    await unit.flush()
    await end_oldest(unit, UserId(person.id))
    opened = (UserId(person.id), SessionId(session.id))
    if not is_api:
        # As long as the session can be at most: when it ends before that is decided here, at each request.
        return Opened(*opened, cookie=token, cookie_lasts=latest - at if is_remembered else None)
    await keep_refresh_token(unit, session, token)
    return Opened(*opened, refresh_token=token)


async def keep_refresh_token(unit: AsyncSession, session: Session, token: str) -> None:
    await unit.execute(
        insert(RefreshToken).values(
            hash=digest(token), owner_id=session.owner_id, session_id=session.id, created_at=now()
        )
    )


async def rotate(unit: AsyncSession, secrets: Secrets, token: str, caller: Caller) -> Rotated | None:
    """One token is followed by one other. Whoever comes with a used one after the grace ends the whole family: either
    they or the one who used it is a thief, and we cannot tell which."""
    locked = select(RefreshToken).where(RefreshToken.hash == digest(token)).with_for_update()
    found = await unit.scalar(locked.execution_options(populate_existing=True))
    if found is None:
        return None
    at = now()
    living = select(Session).join(Person, Person.id == Session.owner_id)
    session = await unit.scalar(
        living.where(
            Session.owner_id == found.owner_id, Session.id == found.session_id, is_alive(at), Person.state == "active"
        )
    )
    if session is None:
        return None
    given = (UserId(session.owner_id), SessionId(session.id))
    following = access_tokens.successors(secrets, token)
    if found.used_at is None:
        found.used_at = at
        await keep_refresh_token(unit, session, following[0])
        touch(session, at, caller)
        await unit.flush()
        return Rotated(*given, following[0])
    if at - found.used_at <= GRACE:
        kept = select(RefreshToken.hash).where(RefreshToken.hash.in_([digest(each) for each in following]))
        hashes = set((await unit.scalars(kept)).all())
        return next((Rotated(*given, each) for each in following if digest(each) in hashes), None)
    await end(unit, [SessionId(session.id)], EndReason.REUSE)
    await audit.write(
        unit,
        action=Action.REFRESH_REUSED,
        owner_id=session.owner_id,
        subject=Subject("session", str(session.id)),
        address=caller.address,
    )
    return None


def is_alive(at: datetime) -> ColumnElement[bool]:
    return Session.ended_at.is_(None) & (Session.expires_at > at)


def touch(session: Session, at: datetime, caller: Caller) -> None:
    session.last_seen_at = at
    session.expires_at = min(at + timedelta(seconds=session.idle_seconds), session.expires_at_latest)
    if caller.address is not None:
        session.address = caller.address


async def end(unit: AsyncSession, ids: Sequence[SessionId], reason: EndReason) -> int:
    return await _end(unit, Session.id.in_(ids), reason)


async def end_all(unit: AsyncSession, user_id: UserId, reason: EndReason, *, but: SessionId | None = None) -> int:
    condition = Session.owner_id == user_id
    return await _end(unit, condition & (Session.id != but) if but is not None else condition, reason)


async def end_oldest(unit: AsyncSession, user_id: UserId) -> None:
    """A script that signs in for every call would otherwise fill the list, and the table."""
    newest = (
        select(Session.id)
        .where(Session.owner_id == user_id, is_alive(now()))
        .order_by(Session.last_seen_at.desc(), Session.id)
        .offset(MOST_SESSIONS)
    )
    await _end(unit, Session.id.in_(newest), EndReason.ENDED)


async def _end(unit: AsyncSession, condition: ColumnElement[bool], reason: EndReason) -> int:
    ended = (
        await unit.execute(
            update(Session)
            .where(condition, Session.ended_at.is_(None))
            .values(ended_at=now(), ended_reason=reason.value, full_access_until=None, full_access_reason=None)
            .returning(Session.id, Session.owner_id, Session.expires_at)
            .execution_options(synchronize_session=False)
        )
    ).all()
    for row in ended:
        await announce_end(unit, UserId(row.owner_id), SessionId(row.id), reason)
    return sum(row.expires_at > now() for row in ended)


async def announce_end(unit: AsyncSession, user_id: UserId, session_id: SessionId, reason: EndReason) -> None:
    """Open streams of this session listen for it and close."""
    data = {"session_id": str(session_id), "reason": reason.value}
    await publish(unit, topic=person_topic(user_id), kind="session.ended", data=data)


async def list_alive(unit: AsyncSession, user_id: UserId) -> Sequence[Session]:
    """Last seen first. The policy of the table says whose: one's own, and anybody's for administrators."""
    alive = select(Session).where(Session.owner_id == user_id, is_alive(now()))
    return (await unit.scalars(alive.order_by(Session.last_seen_at.desc(), Session.id))).all()


async def end_mine(unit: AsyncSession, actor: Actor, session_id: SessionId) -> None:
    mine = (Session.id == session_id) & (Session.owner_id == actor.user_id)
    if not await _end(unit, mine, EndReason.ENDED):
        raise SessionNotFound


async def count_alive(unit: AsyncSession, user_ids: Sequence[UUID]) -> dict[UUID, int]:
    counted = (
        select(Session.owner_id, func.count())
        .where(Session.owner_id.in_(user_ids), is_alive(now()))
        .group_by(Session.owner_id)
    )
    return {row[0]: row[1] for row in await unit.execute(counted)}


async def sweep(unit: AsyncSession) -> int:
    """What is long over. The record keeps that it was."""
    before = now() - KEPT_AFTER_END
    over = delete(Session).where(or_(Session.expires_at < before, Session.ended_at < before))
    return len((await unit.execute(over.returning(Session.id))).all())
