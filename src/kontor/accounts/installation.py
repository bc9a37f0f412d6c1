"""The first person of an installation: made at start, signed in by a printed link, set up on the first screens."""

from dataclasses import dataclass

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from kontor.accounts import audit, configuration, links, mails, people, preferences, proof, repository
from kontor.accounts.audit import Action
from kontor.accounts.configuration import Configuration
from kontor.accounts.emails import Email, parse_email
from kontor.accounts.errors import SetupDone
from kontor.accounts.links import Purpose
from kontor.accounts.passwords import check_rule, hasher
from kontor.accounts.people import NewPerson
from kontor.accounts.preferences import SettingsChange
from kontor.accounts.tables import Person
from kontor.core.errors import FieldProblem, Kind, KontorError
from kontor.core.ids import UserId
from kontor.core.kernel import Kernel
from kontor.core.settings import Settings
from kontor.core.tenancy import Actor, Role

OWNER_NAME = "Owner"
FIRST_ADMIN = text("SELECT pg_advisory_xact_lock(hashtextextended('kontor.first_admin', 0))")


class FirstAdminInvalid(KontorError):
    """Said at start, in the place where other wrong settings are said."""

    kind, code = Kind.UNAVAILABLE, "settings.first_admin_invalid"

    def __init__(self, reason: str) -> None:
        super().__init__(f"ADMIN_EMAIL or ADMIN_PASSWORD cannot be used: {reason}")


async def ensure_first_admin(kernel: Kernel) -> None:
    """Call at every start, by every process: once there is an administrator, nothing happens.

    Alone there is one owner, who is also the administrator; with people the first one comes from the environment, or is
    whoever opens the printed link.
    """
    async with kernel.database.system("people") as unit:
        if await _any_admin(unit) is not None:
            return
    new = await _first_admin(kernel.settings)
    async with kernel.database.system("people") as unit:
        await unit.execute(FIRST_ADMIN)
        if await _any_admin(unit) is None:
            person = await people.add(unit, new)
            await people.note(unit, Action.PERSON_CREATED, person, by=None, address=None)


async def _first_admin(settings: Settings) -> NewPerson:
    if not settings.is_multi or settings.admin_email is None:
        return NewPerson(name=OWNER_NAME, email=None, role=Role.ADMIN, must_set_up=True)
    try:
        email = parse_email(settings.admin_email)
    except ValueError as reason:
        raise FirstAdminInvalid(str(reason)) from reason
    hashed = None
    if settings.admin_password is not None:
        password = settings.admin_password.get_secret_value()
        try:
            check_rule(password, email=email.written)
        except FieldProblem as reason:
            raise FirstAdminInvalid(reason.message) from reason
        hashed = await hasher.hash(password)
    return NewPerson(
        name=email.written.partition("@")[0],
        email=email,
        role=Role.ADMIN,
        password_hash=hashed,
        is_email_verified=True,
        must_set_up=True,
    )


async def _any_admin(unit: AsyncSession) -> Person | None:
    """In whatever state: a suspended administrator is no reason to make a new one."""
    return await unit.scalar(select(Person).where(Person.role == Role.ADMIN.value).limit(1))


async def create_login_link(kernel: Kernel) -> str | None:
    """A new link for the owner; nothing where people sign in with accounts of their own. It makes the one before
    worthless."""
    await ensure_first_admin(kernel)
    async with kernel.database.system("people") as unit:
        owner = await repository.oldest_admin(unit)
        if owner is None:
            return None
        if kernel.settings.is_multi:
            hashed = await repository.password_hash(unit, owner.id)
            if hashed is not None or not owner.must_set_up:
                return None
        token = await links.make(unit, UserId(owner.id), Purpose.LINK)
        return links.sign_in_url(kernel.settings, token)


@dataclass(frozen=True, slots=True)
class Facts:
    """What anybody may know before they sign in."""

    configuration: Configuration
    has_password_sign_in: bool


async def facts(kernel: Kernel, known: Configuration) -> Facts:
    if kernel.settings.is_multi:
        return Facts(known, has_password_sign_in=True)
    async with kernel.database.system("sign-in") as unit:
        owner = await repository.oldest_admin(unit)
        hashed = None if owner is None else await repository.password_hash(unit, owner.id)
        return Facts(known, has_password_sign_in=hashed is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    name: str
    email: Email | None
    password: str | None
    settings: SettingsChange


async def set_up(kernel: Kernel, actor: Actor, wanted: Setup, *, address: str | None) -> None:
    hashed = None
    if wanted.password is not None:
        check_rule(wanted.password, email=wanted.email.written if wanted.email else None)
        hashed = await hasher.hash(wanted.password)
    async with kernel.database.system("people") as unit:
        person = await repository.lock(unit, actor.user_id)
        if not person.must_set_up:
            raise SetupDone
        await _refuse_no_way_back(unit, kernel.settings, person, wanted)
        new_email = wanted.email if wanted.email is not None and wanted.email.key != person.email_key else None
        if hashed is not None or new_email is not None:
            await proof.require(unit, kernel.settings, actor)
        person.name = wanted.name
        person.must_set_up = False
        if new_email is not None:
            await people.change_email(unit, person, new_email, is_verified=False)
            await mails.send_verify(unit, kernel, person, email=new_email.written)
        if hashed is not None:
            await repository.keep_password(unit, person.id, hashed)
        await people.mark_changed(unit, person)
        await preferences.change(unit, actor, wanted.settings)
        if (await configuration.read(unit)).set_up_at is None:
            await configuration.mark_set_up(unit)
        await audit.write(
            unit,
            action=Action.SET_UP,
            actor=actor,
            owner_id=person.id,
            subject=audit.person(person.id),
            address=address,
        )


async def _refuse_no_way_back(unit: AsyncSession, settings: Settings, person: Person, wanted: Setup) -> None:
    """Where no link is printed at the next start, somebody without address and password could not come back."""
    if not settings.is_multi:
        return
    if wanted.email is None and person.email is None:
        raise FieldProblem("email", "Give the address to sign in with.", reason="required")
    if wanted.password is None and await repository.password_hash(unit, person.id) is None:
        raise FieldProblem("password", "Choose a password to sign in with.", reason="required")
