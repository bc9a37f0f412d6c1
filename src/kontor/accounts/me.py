"""What people do with their own account."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from kontor.accounts import (
    audit,
    configuration,
    links,
    mails,
    passkeys,
    people,
    preferences,
    repository,
    sessions,
    totp,
)
from kontor.accounts.audit import Action
from kontor.accounts.callers import Caller
from kontor.accounts.emails import Email
from kontor.accounts.errors import InvalidLink, PersonNotFound
from kontor.accounts.links import Purpose
from kontor.accounts.passwords import check_rule, hasher
from kontor.accounts.people import State
from kontor.accounts.preferences import SettingsRead
from kontor.accounts.sessions import EndReason
from kontor.accounts.tables import Person, Session
from kontor.accounts.totp import Enrolment
from kontor.core.errors import FieldProblem
from kontor.core.ids import UserId
from kontor.core.kernel import Kernel
from kontor.core.tenancy import Actor


@dataclass(frozen=True, slots=True)
class FullAccess:
    until: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Me:
    person: Person
    has_password: bool
    has_totp: bool
    passkeys: int
    settings: SettingsRead
    full_access: FullAccess | None


async def read(kernel: Kernel, actor: Actor) -> Me:
    async with kernel.database.system("sign-in") as unit:
        person = await repository.find(unit, actor.user_id)
        if person is None:
            raise PersonNotFound
        return Me(
            person=person,
            has_password=await repository.password_hash(unit, person.id) is not None,
            has_totp=await totp.is_on(unit, person.id),
            passkeys=await passkeys.count_mine(unit, person.id),
            settings=await preferences.read(unit, actor.user_id),
            full_access=await _full_access(unit, actor),
        )


async def _full_access(unit: AsyncSession, actor: Actor) -> FullAccess | None:
    if not actor.has_full_access or actor.session_id is None:
        return None
    granted = select(Session.full_access_until, Session.full_access_reason).where(Session.id == actor.session_id)
    found = (await unit.execute(granted)).one_or_none()
    if found is None or found.full_access_until is None or found.full_access_reason is None:
        return None
    return FullAccess(found.full_access_until, found.full_access_reason)


async def change(kernel: Kernel, actor: Actor, *, name: str | None, email: Email | None, address: str | None) -> None:
    """A new name is there at once; a new address once its own mailbox has said so."""
    async with kernel.database.system("sign-in") as unit:
        person = await repository.lock(unit, actor.user_id)
        changed = []
        if name is not None and name != person.name:
            person.name = name
            changed.append("name")
            await people.mark_changed(unit, person)
        if email is not None and email.key != person.email_key:
            # Never taken back: nobody has mails sent to all the world, with their name in them, as fast as they like.
            await kernel.throttle.begin(f"new-email:{person.id}", address, is_known=True)
            changed.append("email")
            # Whether somebody has it already is not said here either: their mailbox stays silent, and so do we.
            if await repository.find_by_email(unit, email.key) is None:
                await mails.send_verify(unit, kernel, person, email=email.written)
        if changed:
            await audit.write(
                unit,
                action=Action.PROFILE_CHANGED,
                actor=actor,
                owner_id=person.id,
                subject=audit.person(person.id),
                details={"changed": changed},
                address=address,
            )


async def change_password(kernel: Kernel, actor: Actor, *, current: str | None, new: str, address: str | None) -> None:
    async with kernel.database.system("sign-in") as unit:
        person = await repository.lock(unit, actor.user_id)
        email, stored = person.email, await repository.password_hash(unit, person.id)
    if stored is not None:
        await prove_password(kernel, actor, current, stored, address=address, field="current_password")
    check_rule(new, email=email, field="new_password")
    hashed = await hasher.hash(new)
    async with kernel.database.system("sign-in") as unit:
        person = await repository.lock(unit, actor.user_id)
        if await repository.password_hash(unit, person.id) != stored:
            raise FieldProblem("current_password", "The password was changed meanwhile.", reason="wrong")
        await _keep_new_password(unit, kernel, person, hashed)
        await sessions.end_all(unit, actor.user_id, EndReason.PASSWORD, but=actor.session_id)
        await _note(unit, Action.PASSWORD_CHANGED, actor, person, address)


async def prove_password(
    kernel: Kernel, actor: Actor, given: str | None, stored: str | None, *, address: str | None, field: str
) -> None:
    """Somebody at an unlocked machine guesses as slowly as anybody else."""
    attempt = await kernel.throttle.begin(f"own-password:{actor.user_id}", address, is_known=True)
    fits, _ = await hasher.verify(given or "", stored)
    if not fits:
        raise FieldProblem(field, "This is not your present password.", reason="wrong")
    await kernel.throttle.succeeded(attempt)


async def _keep_new_password(unit: AsyncSession, kernel: Kernel, person: Person, hashed: str) -> None:
    await repository.keep_password(unit, person.id, hashed)
    await links.forget(unit, UserId(person.id), Purpose.RESET, Purpose.LINK)
    await mails.send_password_changed(unit, kernel, person)
    await people.mark_changed(unit, person)


async def forgot_password(kernel: Kernel, email: Email, caller: Caller) -> None:
    """Says nothing to the caller, whoever they ask for."""
    # Never taken back: whoever has mails sent to somebody again and again waits longer and longer.
    await kernel.throttle.begin(f"forgot:{email.key}", caller.address, is_known=False)
    async with kernel.database.system("sign-in") as unit:
        person = await repository.find_by_email(unit, email.key)
        if person is None:
            return
        match State(person.state):
            case State.ACTIVE:
                await mails.send_reset(unit, kernel, person)
                await audit.write(
                    unit,
                    action=Action.PASSWORD_RESET_ASKED,
                    owner_id=person.id,
                    subject=audit.person(person.id),
                    address=caller.address,
                )
            case State.UNVERIFIED if person.email is not None:
                await mails.send_verify(unit, kernel, person, email=person.email)
            case State.INVITED:
                await mails.send_invite(unit, kernel, person)
            case _:
                pass


async def reset_password(kernel: Kernel, token: str | None, password: str, caller: Caller) -> None:
    """The link is used up only by a password that can be taken."""
    async with kernel.database.system("sign-in") as unit:
        found = None if not token else await links.look_at(unit, token, Purpose.RESET)
        person = None if found is None else await repository.find(unit, found.user_id)
        if person is None:
            raise InvalidLink
        email = person.email
    check_rule(password, email=email)
    hashed = await hasher.hash(password)
    async with kernel.database.system("sign-in") as unit:
        taken = await links.take(unit, token, Purpose.RESET)
        if taken is None:
            raise InvalidLink
        person = await repository.lock(unit, taken.user_id)
        await _keep_new_password(unit, kernel, person, hashed)
        await sessions.end_all(unit, taken.user_id, EndReason.PASSWORD)
        await audit.write(
            unit,
            action=Action.PASSWORD_RESET,
            owner_id=person.id,
            subject=audit.person(person.id),
            address=caller.address,
        )


async def begin_totp(kernel: Kernel, actor: Actor) -> Enrolment:
    async with kernel.database.system("sign-in") as unit:
        person = await repository.lock(unit, actor.user_id)
        known = await configuration.read(unit)
        return await totp.begin(unit, kernel, person.id, account=person.email or person.name, site=known.name)


async def confirm_totp(kernel: Kernel, actor: Actor, code: str, *, address: str | None) -> list[str]:
    attempt = await kernel.throttle.begin(f"code:{actor.user_id}", address, is_known=True)
    async with kernel.database.system("sign-in") as unit:
        person = await repository.lock(unit, actor.user_id)
        codes = await totp.confirm(unit, kernel, actor.user_id, code)
        if codes is not None:
            await _note(unit, Action.TOTP_ON, actor, person, address)
            await people.mark_changed(unit, person)
    if codes is None:
        raise wrong_code()
    await kernel.throttle.succeeded(attempt)
    return codes


async def turn_totp_off(
    kernel: Kernel, actor: Actor, *, password: str | None, code: str | None, address: str | None
) -> None:
    if code:
        await _prove_code(kernel, actor, code, address)
    else:
        async with kernel.database.system("sign-in") as unit:
            stored = await repository.password_hash(unit, actor.user_id)
        await prove_password(kernel, actor, password, stored, address=address, field="password")
    async with kernel.database.system("sign-in") as unit:
        person = await repository.lock(unit, actor.user_id)
        await totp.turn_off(unit, actor.user_id)
        await _note(unit, Action.TOTP_OFF, actor, person, address)
        await people.mark_changed(unit, person)


async def renew_recovery_codes(kernel: Kernel, actor: Actor, code: str, *, address: str | None) -> list[str]:
    await _prove_code(kernel, actor, code, address)
    async with kernel.database.system("sign-in") as unit:
        person = await repository.lock(unit, actor.user_id)
        codes = await totp.renew_recovery_codes(unit, actor.user_id)
        await _note(unit, Action.RECOVERY_CODES_MADE, actor, person, address)
        return codes


async def _prove_code(kernel: Kernel, actor: Actor, code: str, address: str | None) -> None:
    attempt = await kernel.throttle.begin(f"code:{actor.user_id}", address, is_known=True)
    async with kernel.database.system("sign-in") as unit:
        accepted = await totp.accept(unit, kernel, actor.user_id, code)
        accepted = accepted or await totp.accept_recovery(unit, actor.user_id, code)
    if not accepted:
        raise wrong_code()
    await kernel.throttle.succeeded(attempt)


def wrong_code() -> FieldProblem:
    return FieldProblem("code", "This code is wrong, or it was used already.", reason="wrong")


async def _note(unit: AsyncSession, action: Action, actor: Actor, person: Person, address: str | None) -> None:
    await audit.write(
        unit,
        action=action,
        actor=actor,
        owner_id=person.id,
        subject=audit.person(person.id),
        address=address,
    )
