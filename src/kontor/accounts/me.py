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
    proof,
    repository,
    sessions,
    totp,
)
from kontor.accounts.audit import Action
from kontor.accounts.callers import Caller
from kontor.accounts.emails import Email, parse_email
from kontor.accounts.errors import InvalidLink, PersonNotFound, TotpStateWrong
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
    pending_email: str | None
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
            pending_email=await _pending_email(unit, person),
            has_password=await repository.password_hash(unit, person.id) is not None,
            has_totp=await totp.is_on(unit, person.id),
            passkeys=await passkeys.count_mine(unit, person.id),
            settings=await preferences.read(unit, actor.user_id),
            full_access=await _full_access(unit, actor),
        )


async def _pending_email(unit: AsyncSession, person: Person) -> str | None:
    """The address that was asked for and has not answered yet."""
    awaited = await links.awaited_email(unit, UserId(person.id))
    return None if awaited is None or parse_email(awaited).key == person.email_key else awaited


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
            await proof.require(unit, kernel.settings, actor)
            changed.append("email")
            await _begin_to_ask(kernel, actor, address)
            await _ask_mailbox(unit, kernel, person, email)
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


async def send_confirmation_again(kernel: Kernel, actor: Actor, *, address: str | None) -> None:
    """To the address that waits for it. Says nothing, whether there is one or not."""
    await _begin_to_ask(kernel, actor, address)
    async with kernel.database.system("sign-in") as unit:
        person = await repository.lock(unit, actor.user_id)
        awaited = await links.awaited_email(unit, actor.user_id)
        if awaited is None and person.email_verified_at is None:
            awaited = person.email
        if awaited is not None:
            await _ask_mailbox(unit, kernel, person, parse_email(awaited))


async def _begin_to_ask(kernel: Kernel, actor: Actor, address: str | None) -> None:
    """Never taken back: nobody has mails sent to all the world, with their name in them, as fast as they like."""
    await kernel.throttle.begin(f"new-email:{actor.user_id}", address, is_known=True)


async def _ask_mailbox(unit: AsyncSession, kernel: Kernel, person: Person, email: Email) -> None:
    """Whether it is theirs. Whether somebody else has it already is not said here either: that mailbox stays silent,
    and to whoever asked it looks as if it was never opened."""
    holder = await repository.find_by_email(unit, email.key)
    if holder is None or holder.id == person.id:
        await mails.send_verify(unit, kernel, person, email=email.written)
    else:
        await links.make(unit, UserId(person.id), Purpose.VERIFY, email=email.written)


async def change_password(kernel: Kernel, actor: Actor, *, current: str | None, new: str, address: str | None) -> None:
    async with kernel.database.system("sign-in") as unit:
        person = await repository.lock(unit, actor.user_id)
        email, stored = person.email, await repository.password_hash(unit, person.id)
        if stored is None:
            await proof.require(unit, kernel.settings, actor)
    if stored is not None:
        await proof.check_password(kernel, actor, current, stored, address=address, field="current_password")
    check_rule(new, email=email, field="new_password")
    hashed = await hasher.hash(new)
    async with kernel.database.system("sign-in") as unit:
        person = await repository.lock(unit, actor.user_id)
        if await repository.password_hash(unit, person.id) != stored:
            raise FieldProblem("current_password", "The password was changed meanwhile.", reason="wrong")
        await _keep_new_password(unit, kernel, person, hashed)
        await sessions.end_all(unit, actor.user_id, EndReason.PASSWORD, but=actor.session_id)
        await _note(unit, Action.PASSWORD_CHANGED, actor, person, address)


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
        raise proof.wrong_code()
    await kernel.throttle.succeeded(attempt)
    return codes


async def turn_totp_off(kernel: Kernel, actor: Actor, *, address: str | None) -> None:
    async with kernel.database.system("sign-in") as unit:
        person = await repository.lock(unit, actor.user_id)
        await totp.turn_off(unit, actor.user_id)
        await _note(unit, Action.TOTP_OFF, actor, person, address)
        await people.mark_changed(unit, person)


async def renew_recovery_codes(kernel: Kernel, actor: Actor, *, address: str | None) -> list[str]:
    async with kernel.database.system("sign-in") as unit:
        person = await repository.lock(unit, actor.user_id)
        if not await totp.is_on(unit, actor.user_id):
            raise TotpStateWrong(is_on=False)
        codes = await totp.renew_recovery_codes(unit, actor.user_id)
        await _note(unit, Action.RECOVERY_CODES_MADE, actor, person, address)
        return codes


async def _note(unit: AsyncSession, action: Action, actor: Actor, person: Person, address: str | None) -> None:
    await audit.write(
        unit,
        action=action,
        actor=actor,
        owner_id=person.id,
        subject=audit.person(person.id),
        address=address,
    )
