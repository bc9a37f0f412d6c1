"""Links that work once: to sign in, to verify an address, to set a new password, to accept an invitation."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from urllib.parse import quote

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from kontor.accounts.opaque import digest, new_token
from kontor.accounts.tables import OneTimeToken
from kontor.core.clock import now
from kontor.core.ids import UserId
from kontor.core.settings import Settings

MOST_CHARACTERS = 200
KEPT_AFTER_END = timedelta(days=1)


class Purpose(StrEnum):
    LINK = "link"
    VERIFY = "verify"
    RESET = "reset"
    INVITE = "invite"


LIFETIMES = {
    Purpose.LINK: timedelta(hours=1),
    Purpose.VERIFY: timedelta(days=2),
    Purpose.RESET: timedelta(hours=1),
    Purpose.INVITE: timedelta(days=7),
}


@dataclass(frozen=True, slots=True)
class Taken:
    user_id: UserId
    email: str | None
    expires_at: datetime


async def make(unit: AsyncSession, user_id: UserId, purpose: Purpose, *, email: str | None = None) -> str:
    """The newest link is the only one: whoever asks again makes the one before worthless."""
    await forget(unit, user_id, purpose)
    token = new_token()
    at = now()
    row = {"hash": digest(token), "owner_id": user_id, "purpose": purpose.value, "email": email, "created_at": at}
    await unit.execute(insert(OneTimeToken).values(**row, expires_at=at + LIFETIMES[purpose]))
    return token


async def take(unit: AsyncSession, token: str | None, purpose: Purpose) -> Taken | None:
    """The check and the use are one statement, so that of many tries at once only one finds it unused."""
    if not token or len(token) > MOST_CHARACTERS:
        return None
    used = (
        update(OneTimeToken)
        .where(
            OneTimeToken.hash == digest(token),
            OneTimeToken.purpose == purpose.value,
            OneTimeToken.used_at.is_(None),
            OneTimeToken.expires_at > now(),
        )
        .values(used_at=now())
        .returning(OneTimeToken.owner_id, OneTimeToken.email, OneTimeToken.expires_at)
    )
    row = (await unit.execute(used)).one_or_none()
    return None if row is None else Taken(UserId(row.owner_id), row.email, row.expires_at)


async def look_at(unit: AsyncSession, token: str, purpose: Purpose) -> Taken | None:
    if len(token) > MOST_CHARACTERS:
        return None
    unused = select(OneTimeToken).where(
        OneTimeToken.hash == digest(token),
        OneTimeToken.purpose == purpose.value,
        OneTimeToken.used_at.is_(None),
        OneTimeToken.expires_at > now(),
    )
    row = await unit.scalar(unused)
    return None if row is None else Taken(UserId(row.owner_id), row.email, row.expires_at)


async def awaited_email(unit: AsyncSession, user_id: UserId) -> str | None:
    """The address that a link which still works would confirm."""
    unused = select(OneTimeToken.email).where(
        OneTimeToken.owner_id == user_id,
        OneTimeToken.purpose == Purpose.VERIFY.value,
        OneTimeToken.used_at.is_(None),
        OneTimeToken.expires_at > now(),
    )
    return await unit.scalar(unused.limit(1))


async def forget(unit: AsyncSession, user_id: UserId, *purposes: Purpose) -> None:
    mine = delete(OneTimeToken).where(OneTimeToken.owner_id == user_id)
    await unit.execute(mine.where(OneTimeToken.purpose.in_([purpose.value for purpose in purposes])))


async def sweep(unit: AsyncSession) -> int:
    over = delete(OneTimeToken).where(OneTimeToken.expires_at < now() - KEPT_AFTER_END)
    return len((await unit.execute(over.returning(OneTimeToken.hash))).all())


def sign_in_url(settings: Settings, token: str) -> str:
    # After the #, so that the token is in no log of a proxy and in no Referer.
    return f"{settings.public_url}/login/link#token={quote(token)}"


def verify_url(settings: Settings, token: str) -> str:
    return f"{settings.public_url}/api/v1/auth/verify?token={quote(token)}"


def reset_url(settings: Settings, token: str) -> str:
    return settings.public_url + reset_path(token)


def reset_path(token: str) -> str:
    return f"/reset/{quote(token)}"


def invite_url(settings: Settings, token: str) -> str:
    return f"{settings.public_url}/invite/{quote(token)}"
