"""Codes from an authenticator app (RFC 6238) as a second step, and recovery codes for when the device is gone."""

import base64
import hashlib
import hmac
import io
import os
import secrets
import struct
from dataclasses import dataclass
from urllib.parse import quote, urlencode
from uuid import UUID

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from kontor.accounts.errors import TotpStateWrong
from kontor.accounts.tables import RecoveryCode, Totp
from kontor.core.clock import now
from kontor.core.ids import UserId
from kontor.core.kernel import Kernel
from kontor.core.vault.sealing import Place
from kontor.core.vault.service import Vault

SECRET_BYTES = 20
DIGITS = 6
STEP_SECONDS = 30
WINDOW = 1  # steps before and after, for clocks that go wrong
RECOVERY_CODES = 10
RECOVERY_LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"  # 32 of them, none that looks like another
RECOVERY_LENGTH = 16  # 80 bits
MOST_CODE_CHARACTERS = 40


@dataclass(frozen=True, slots=True)
class Enrolment:
    secret: str
    uri: str
    qr_svg: str


def step_at(seconds: float) -> int:
    return int(seconds // STEP_SECONDS)


def code_for(secret: bytes, step: int) -> str:
    mac = hmac.digest(secret, struct.pack(">Q", step), "sha1")
    offset = mac[-1] & 0x0F
    number = struct.unpack(">I", mac[offset : offset + 4])[0] & 0x7FFFFFFF
    return str(number % 10**DIGITS).zfill(DIGITS)


def matching_step(secret: bytes, code: str, *, at: float) -> int | None:
    """The step that the code belongs to. Every candidate is compared, so that the time does not tell which."""
    present = step_at(at)
    given = code.encode()
    found = None
    for step in range(present - WINDOW, present + WINDOW + 1):
        if hmac.compare_digest(code_for(secret, step).encode(), given):
            found = step
    return found


def plain(code: str) -> str:
    """As people type it: with blanks, hyphens and capitals."""
    return "".join(character for character in code.lower() if character.isascii() and character.isalnum())


def provisioning_uri(secret: bytes, *, account: str, site: str) -> str:
    label = quote(f"{site}:{account}", safe="")
    encoded = base64.b32encode(secret).decode()
    return f"otpauth://totp/{label}?{urlencode({'secret': encoded, 'issuer': site, 'digits': DIGITS, 'period': 30})}"


def qr_svg(uri: str) -> str:
    import segno  # few people turn this on, and each once

    buffer = io.BytesIO()
    segno.make(uri, error="m").save(buffer, kind="svg", scale=4, border=4, xmldecl=False, svgns=True, omitsize=True)
    return buffer.getvalue().decode()


async def begin(unit: AsyncSession, kernel: Kernel, user_id: UUID, *, account: str, site: str) -> Enrolment:
    """A new seed, which counts only once a code of it was shown. Until then nothing changes."""
    present = await _lock(unit, user_id)
    if present is not None and present.confirmed_at is not None:
        raise TotpStateWrong(is_on=True)
    secret = os.urandom(SECRET_BYTES)
    if present is not None:
        await unit.delete(present)
        await unit.flush()
    sealed = await seal(unit, kernel, user_id, secret)
    await unit.execute(insert(Totp).values(owner_id=user_id, secret=sealed, last_step=0, created_at=now()))
    uri = provisioning_uri(secret, account=account, site=site)
    return Enrolment(base64.b32encode(secret).decode(), uri, qr_svg(uri))


async def confirm(unit: AsyncSession, kernel: Kernel, user_id: UUID, code: str) -> list[str] | None:
    """The recovery codes, or nothing when the code is wrong."""
    present = await _lock(unit, user_id)
    if present is None or present.confirmed_at is not None:
        raise TotpStateWrong(is_on=present is not None)
    if not await _consume(unit, kernel, present, code):
        return None
    await unit.execute(update(Totp).where(Totp.owner_id == user_id).values(confirmed_at=now()))
    return await renew_recovery_codes(unit, user_id)


async def is_on(unit: AsyncSession, user_id: UUID) -> bool:
    confirmed = select(Totp.owner_id).where(Totp.owner_id == user_id, Totp.confirmed_at.is_not(None))
    return await unit.scalar(confirmed) is not None


async def accept(unit: AsyncSession, kernel: Kernel, user_id: UUID, code: str) -> bool:
    """Whether this code of the app opens the door, this once."""
    present = await _lock(unit, user_id)
    return present is not None and present.confirmed_at is not None and await _consume(unit, kernel, present, code)


async def accept_recovery(unit: AsyncSession, user_id: UUID, code: str) -> bool:
    used = (
        update(RecoveryCode)
        .where(
            RecoveryCode.owner_id == user_id,
            RecoveryCode.hash == recovery_digest(user_id, code),
            RecoveryCode.used_at.is_(None),
        )
        .values(used_at=now())
        .returning(RecoveryCode.hash)
    )
    return (await unit.execute(used)).one_or_none() is not None


async def turn_off(unit: AsyncSession, user_id: UUID) -> None:
    gone = delete(Totp).where(Totp.owner_id == user_id, Totp.confirmed_at.is_not(None)).returning(Totp.owner_id)
    if (await unit.execute(gone)).one_or_none() is None:
        raise TotpStateWrong(is_on=False)
    await unit.execute(delete(RecoveryCode).where(RecoveryCode.owner_id == user_id))


async def renew_recovery_codes(unit: AsyncSession, user_id: UUID) -> list[str]:
    codes = [new_recovery_code() for _ in range(RECOVERY_CODES)]
    await unit.execute(delete(RecoveryCode).where(RecoveryCode.owner_id == user_id))
    rows = [{"owner_id": user_id, "hash": recovery_digest(user_id, code)} for code in codes]
    await unit.execute(insert(RecoveryCode), rows)
    return codes


def new_recovery_code() -> str:
    letters = "".join(secrets.choice(RECOVERY_LETTERS) for _ in range(RECOVERY_LENGTH))
    return "-".join(letters[start : start + 4] for start in range(0, RECOVERY_LENGTH, 4))


def recovery_digest(user_id: UUID, code: str) -> bytes:
    return hashlib.sha256(user_id.bytes + plain(code).encode()).digest()


async def _lock(unit: AsyncSession, user_id: UUID) -> Totp | None:
    locked = select(Totp).where(Totp.owner_id == user_id).with_for_update()
    return await unit.scalar(locked.execution_options(populate_existing=True))


async def _consume(unit: AsyncSession, kernel: Kernel, totp: Totp, code: str) -> bool:
    """A code that somebody looked over a shoulder for is worth nothing: each step is taken once, and none before it."""
    secret = await unseal(unit, kernel, totp)
    step = matching_step(secret, plain(code), at=now().timestamp())
    if step is None or step <= totp.last_step:
        return False
    totp.last_step = step
    await unit.flush()
    return True


async def seal(unit: AsyncSession, kernel: Kernel, user_id: UUID, secret: bytes) -> bytes:
    return await Vault(kernel.secrets).seal(unit, place_of(user_id), secret)


async def unseal(unit: AsyncSession, kernel: Kernel, totp: Totp) -> bytes:
    return await Vault(kernel.secrets).open(unit, place_of(totp.owner_id), totp.secret)


def place_of(user_id: UUID) -> Place:
    return Place("totp", "secret", user_id, UserId(user_id))
