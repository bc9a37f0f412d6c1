"""Signing in with a password, and with a code where one is switched on. Slow for whoever guesses, equal for unknown
addresses, and in short units: nobody waits for Argon2 with a transaction open."""

import asyncio
import hashlib
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from kontor.accounts import audit, configuration, links, notifications, repository, sessions, totp
from kontor.accounts.audit import Action
from kontor.accounts.callers import Caller
from kontor.accounts.emails import parse_email
from kontor.accounts.errors import CodeRefused, CodeRequired, InvalidCredentials, InvalidLink, NotActive
from kontor.accounts.links import Purpose
from kontor.accounts.notifications import Notice
from kontor.accounts.passwords import hasher
from kontor.accounts.people import State
from kontor.accounts.sessions import Opened, SessionKind
from kontor.accounts.tables import Person, Session
from kontor.core.clock import now
from kontor.core.ids import UserId
from kontor.core.kernel import Kernel
from kontor.core.limits.throttle import Attempt
from kontor.core.tenancy import Actor, Role

MOST_ACCOUNT_CHARACTERS = 320
# Sessions are forgotten after a while, and so is what address they came from.
KNOWN_FOR = timedelta(days=90)
STEADY_SECONDS = 0.06


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    email: str
    password: str
    code: str | None = None
    is_remembered: bool = True
    kind: SessionKind = SessionKind.API


@dataclass(frozen=True, slots=True)
class Candidate:
    """What is known of whoever is named, before the password is looked at. Nothing, if nobody is."""

    counted_as: str  # what the throttle counts by: the same for all spellings of one account
    person: Person | None = None
    password_hash: str | None = None
    has_totp: bool = False
    is_known_here: bool = False


async def sign_in(kernel: Kernel, given: Given, caller: Caller) -> Opened:
    async with kernel.database.system("sign-in") as unit:
        candidate = await _find(unit, kernel, given.email, caller)
    attempt = await kernel.throttle.begin(candidate.counted_as, caller.address, is_known=candidate.is_known_here)
    fits, fresh_hash = await hasher.verify(given.password, candidate.password_hash)
    person = candidate.person
    if person is None or candidate.password_hash is None or not fits:
        await _note_failure(kernel, person, caller)
        raise InvalidCredentials
    if person.state != State.ACTIVE.value:
        await kernel.throttle.succeeded(attempt)
        raise NotActive(person.state)
    if candidate.has_totp:
        await _ask_for_code(kernel, given, person, caller, attempt, is_known=candidate.is_known_here)
    async with kernel.database.system("sign-in") as unit:
        if fresh_hash is not None:
            await repository.refresh_hash(unit, person.id, old=candidate.password_hash, new=fresh_hash)
        person = await repository.lock(unit, person.id)
        # Everything was read before the slow part; what was changed meanwhile counts.
        if await repository.password_hash(unit, person.id) not in {candidate.password_hash, fresh_hash}:
            raise InvalidCredentials
        opened = await open_for(
            unit, person, caller, kind=given.kind, is_remembered=given.is_remembered, way="password"
        )
    await kernel.throttle.succeeded(attempt)
    return opened


async def _find(unit: AsyncSession, kernel: Kernel, typed: str, caller: Caller) -> Candidate:
    try:
        key = parse_email(typed).key
    except ValueError:
        # Nobody has it, and nothing that may stand in it is asked of the database.
        person, counted_as = None, typed.strip().casefold()[:MOST_ACCOUNT_CHARACTERS]
    else:
        person, counted_as = await repository.find_by_email(unit, key), key
    if person is None and not kernel.settings.is_multi:
        # Alone, the owner may have no address at all; then whatever is typed there means them, and counts as one.
        owner = await repository.oldest_admin(unit)
        if owner is not None and owner.email_key is None:
            person, counted_as = owner, str(owner.id)
    counted_as = f"password:{counted_as}"
    if person is None:
        return Candidate(counted_as)
    return Candidate(
        counted_as,
        person,
        await repository.password_hash(unit, person.id),
        has_totp=await totp.is_on(unit, person.id),
        is_known_here=await is_known_here(unit, person, caller),
    )


async def is_known_here(unit: AsyncSession, person: Person, caller: Caller) -> bool:
    if caller.address is None:
        return False
    seen = select(Session.id).where(
        Session.owner_id == person.id, Session.address == caller.address, Session.created_at > now() - KNOWN_FOR
    )
    return await unit.scalar(seen.limit(1)) is not None


async def _ask_for_code(
    kernel: Kernel, given: Given, person: Person, caller: Caller, attempt: Attempt, *, is_known: bool
) -> None:
    """The password was right. Codes are throttled by themselves, so that its success does not clear their count."""
    if not given.code:
        await kernel.throttle.succeeded(attempt)
        raise CodeRequired
    second = await kernel.throttle.begin(f"code:{person.id}", caller.address, is_known=is_known)
    async with kernel.database.system("sign-in") as unit:
        accepted = await totp.accept(unit, kernel, person.id, given.code)
        if not accepted and await totp.accept_recovery(unit, person.id, given.code):
            accepted = True
            await _note(unit, Action.RECOVERY_CODE_USED, person, caller)
    if not accepted:
        await _note_failure(kernel, person, caller)
        raise CodeRefused
    await kernel.throttle.succeeded(second)


async def open_for(
    unit: AsyncSession,
    person: Person,
    caller: Caller,
    *,
    kind: SessionKind,
    way: str,
    is_remembered: bool = True,
    proved_at: datetime | None = None,
) -> Opened:
    """The last step of every way in. The person is locked: nobody is let in while somebody else suspends them."""
    if person.state != State.ACTIVE.value:
        raise NotActive(person.state)
    await _notice_new_device(unit, person, caller)
    person.last_seen_at = now()
    known = await configuration.read(unit)
    opened = await sessions.open_session(
        unit,
        person,
        caller,
        kind=kind,
        days=known.session_days,
        is_remembered=is_remembered,
        proved_at=proved_at,
    )
    await _note(unit, Action.SIGNED_IN, person, caller, details={"way": way, "kind": kind.value})
    return opened


async def _notice_new_device(unit: AsyncSession, person: Person, caller: Caller) -> None:
    """Told in the app only when there was another device before: the first one is no news."""
    earlier = (
        (await unit.execute(select(Session.client).where(Session.owner_id == person.id).distinct())).scalars().all()
    )
    if earlier and caller.client not in earlier:
        data = {"client": caller.client, "address": caller.address}
        await notifications.notify(unit, UserId(person.id), Notice.NEW_DEVICE, data)


async def sign_in_by_link(kernel: Kernel, token: str | None, caller: Caller) -> Opened:
    attempt = await begin_with_token(kernel, "link", token, caller)
    async with kernel.database.system("sign-in") as unit:
        taken = await links.take(unit, token, Purpose.LINK)
        if taken is None:
            raise InvalidLink
        person = await repository.lock(unit, taken.user_id)
        opened = await open_for(unit, person, caller, kind=SessionKind.LINK, way="link")
    await kernel.throttle.succeeded(attempt)
    return opened


async def in_steady_time(work: Coroutine[object, object, None]) -> None:
    """A caller who waits for the answer learns nothing from how long it took: known addresses cost more work."""
    at_least = asyncio.create_task(asyncio.sleep(STEADY_SECONDS))
    try:
        await work
    finally:
        await at_least


async def begin_with_token(kernel: Kernel, what: str, token: str | None, caller: Caller) -> Attempt:
    """Counted by the token itself: no stranger's failures slow down the holder of the right one."""
    named = hashlib.sha256((token or "").encode("utf-8", "surrogatepass")).hexdigest()
    return await kernel.throttle.begin(f"{what}:{named}", caller.address, is_known=False)


async def _note_failure(kernel: Kernel, person: Person | None, caller: Caller) -> None:
    """One line for known and unknown addresses alike; what was typed stands in neither."""
    async with kernel.database.system("sign-in") as unit:
        await audit.write(
            unit,
            action=Action.SIGN_IN_FAILED,
            owner_id=None if person is None else person.id,
            subject=None if person is None else audit.person(person.id),
            address=caller.address,
        )


async def _note(
    unit: AsyncSession, action: Action, person: Person, caller: Caller, *, details: Mapping[str, object] | None = None
) -> None:
    await audit.write(
        unit,
        action=action,
        actor=Actor(UserId(person.id), Role(person.role)),
        owner_id=person.id,
        subject=audit.person(person.id),
        details=details,
        address=caller.address,
    )
