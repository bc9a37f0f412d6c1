"""How people come in by themselves: registering, verifying an address, accepting an invitation.

What is answered never depends on whether an address is known. What differs goes to the mailbox, whose owner may know.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy.ext.asyncio import AsyncSession

from kontor.accounts import audit, configuration, links, mails, people, repository, sessions
from kontor.accounts.audit import Action
from kontor.accounts.callers import Caller
from kontor.accounts.configuration import Configuration
from kontor.accounts.emails import Email, parse_email
from kontor.accounts.errors import EmailTaken, InvalidLink, RegistrationClosed
from kontor.accounts.links import Purpose
from kontor.accounts.passwords import check_rule, hasher
from kontor.accounts.people import NewPerson, State
from kontor.accounts.sessions import Opened, SessionKind
from kontor.accounts.tables import Person
from kontor.core.clock import now
from kontor.core.errors import FieldProblem
from kontor.core.ids import UserId
from kontor.core.kernel import Kernel
from kontor.core.settings import Settings
from kontor.core.tenancy import Actor, Role


class NextStep(StrEnum):
    VERIFY = "verify"
    APPROVAL = "approval"


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    email: Email
    password: str
    name: str
    language: str | None


def is_open(settings: Settings, known: Configuration) -> bool:
    return settings.is_multi and known.registration != "closed"


async def register(kernel: Kernel, application: Application, caller: Caller) -> NextStep:
    async with kernel.database.system("sign-in") as unit:
        known = await configuration.read(unit)
        stored = await _unproven_password(unit, application.email)
    if not is_open(kernel.settings, known):
        raise RegistrationClosed
    if known.allowed_domains and application.email.domain not in known.allowed_domains:
        raise FieldProblem("email", "People of this domain cannot register here.", reason="email.domain")
    check_rule(application.password, email=application.email.written)
    # Both in any case, so that the time is the same for an address that has an account.
    hashed = await hasher.hash(application.password)
    is_same, _ = await hasher.verify(application.password, stored)
    async with kernel.database.system("sign-in") as unit:
        present = await repository.find_by_email(unit, application.email.key)
        if present is None:
            try:
                await _add_applicant(unit, kernel, application, caller, hashed=hashed, known=known)
            except EmailTaken:
                # Somebody was faster by a moment. The answer is the same; their mail is on its way.
                present = await repository.find_by_email(unit, application.email.key)
        if present is not None:
            await _answer_by_mail(unit, kernel, present, same_as=stored if is_same else None)
    return NextStep.APPROVAL if known.registration == "approval" else NextStep.VERIFY


async def _add_applicant(
    unit: AsyncSession,
    kernel: Kernel,
    application: Application,
    caller: Caller,
    *,
    hashed: str,
    known: Configuration,
) -> None:
    new = NewPerson(
        name=application.name,
        email=application.email,
        state=State.UNVERIFIED,
        language=application.language or known.default_language,
        password_hash=hashed,
    )
    person = await people.add(unit, new)
    await mails.send_verify(unit, kernel, person, email=application.email.written)
    await _note(unit, Action.REGISTERED, person, caller)


async def _unproven_password(unit: AsyncSession, email: Email) -> str | None:
    person = await repository.find_by_email(unit, email.key)
    if person is None or person.state != State.UNVERIFIED.value:
        return None
    return await repository.password_hash(unit, person.id)


async def _answer_by_mail(unit: AsyncSession, kernel: Kernel, found: Person, *, same_as: str | None) -> None:
    # Locked: whoever was verified a moment ago is answered as somebody who has an account.
    person = await repository.lock(unit, found.id)
    if person.state == State.UNVERIFIED.value and person.email is not None:
        # Who registered first has shown as little as who registers now, and the mailbox gets a mail for each of them.
        # So neither password counts, else somebody could lay theirs in the way of the other, before or after; the
        # link in the mail leads to a new one.
        if same_as is None or await repository.password_hash(unit, person.id) != same_as:
            await repository.forget_password(unit, person.id)
        await mails.send_verify(unit, kernel, person, email=person.email)
    elif person.state == State.INVITED.value:
        await mails.send_invite(unit, kernel, person)
    else:
        await mails.send_already_registered(unit, kernel, person)


async def verify(kernel: Kernel, token: str | None, caller: Caller) -> str | None:
    """For new people and for new addresses alike: the link names the address that it proves. Returns where to choose
    a password, for new people whose password does not count."""
    async with kernel.database.system("sign-in") as unit:
        taken = await links.take(unit, token, Purpose.VERIFY)
        if taken is None or taken.email is None:
            raise InvalidLink
        person = await repository.lock(unit, taken.user_id)
        email = parse_email(taken.email)
        former = person.email
        if person.email_key != email.key:
            try:
                await people.change_email(unit, person, email, is_verified=True)
            except EmailTaken as reason:
                raise InvalidLink from reason
            await links.forget(unit, UserId(person.id), Purpose.RESET, Purpose.VERIFY)
            if former is not None:
                await mails.send_email_changed(unit, kernel, person, former=former, new=email.written)
        person.email_verified_at = now()
        is_new = person.state == State.UNVERIFIED.value
        if is_new:
            await _let_in(unit, person)
        await people.mark_changed(unit, person)
        await _note(unit, Action.EMAIL_VERIFIED, person, caller)
        if not is_new or await repository.password_hash(unit, person.id) is not None:
            return None
        return links.reset_path(await links.make(unit, UserId(person.id), Purpose.RESET))


async def _let_in(unit: AsyncSession, person: Person) -> None:
    known = await configuration.read(unit)
    if known.registration == "approval":
        person.state = State.WAITING.value
        await people.notify_waiting(unit, person)
    else:
        person.state = State.ACTIVE.value


@dataclass(frozen=True, slots=True)
class Invitation:
    email: str
    name: str
    expires_at: datetime


async def read_invitation(kernel: Kernel, token: str) -> Invitation:
    async with kernel.database.system("sign-in") as unit:
        found = await links.look_at(unit, token, Purpose.INVITE)
        person = None if found is None else await repository.find(unit, found.user_id)
        if found is None or person is None or person.state != State.INVITED.value or person.email is None:
            raise InvalidLink
        return Invitation(person.email, person.name, found.expires_at)


async def accept_invitation(
    kernel: Kernel, token: str, *, name: str, password: str, language: str | None, caller: Caller
) -> Opened:
    invitation = await read_invitation(kernel, token)
    check_rule(password, email=invitation.email)
    hashed = await hasher.hash(password)
    async with kernel.database.system("sign-in") as unit:
        taken = await links.take(unit, token, Purpose.INVITE)
        if taken is None:
            raise InvalidLink
        person = await repository.lock(unit, taken.user_id)
        if person.state != State.INVITED.value:
            raise InvalidLink
        person.name = name
        person.language = language or person.language
        person.state = State.ACTIVE.value
        # The link came by mail to this address, or from an administrator who vouches for it.
        person.email_verified_at = now()
        await repository.keep_password(unit, person.id, hashed)
        await people.mark_changed(unit, person)
        await _note(unit, Action.INVITE_ACCEPTED, person, caller)
        known = await configuration.read(unit)
        return await sessions.open_session(unit, person, caller, kind=SessionKind.BROWSER, days=known.session_days)


async def _note(unit: AsyncSession, action: Action, person: Person, caller: Caller) -> None:
    await audit.write(
        unit,
        action=action,
        actor=Actor(UserId(person.id), Role(person.role)),
        owner_id=person.id,
        subject=audit.person(person.id),
        address=caller.address,
    )
