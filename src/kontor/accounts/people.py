"""People and their standing: who they are, what they may, whether they may come in. Units here are of a scope that
manages people (admin or system); `by` is the administrator, or nobody when it was the operator at the machine."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from kontor.accounts import audit, links, notifications, policy, repository, sessions
from kontor.accounts.audit import Action
from kontor.accounts.emails import Email, parse_email
from kontor.accounts.errors import EmailTaken, LastAdmin, PersonNotFound
from kontor.accounts.known_tokens import tell_rights
from kontor.accounts.links import Purpose
from kontor.accounts.passwords import check_rule, hasher
from kontor.accounts.repository import lock, sign_in_ways
from kontor.accounts.sessions import EndReason
from kontor.accounts.tables import Person
from kontor.core.clock import now
from kontor.core.database import Database
from kontor.core.errors import FieldProblem
from kontor.core.events import retention as event_retention
from kontor.core.events.publishing import ADMIN_TOPIC, MANAGER_TOPIC, person_topic, publish
from kontor.core.ids import UserId, new_id
from kontor.core.jobs import erasure as job_erasure
from kontor.core.settings import Settings
from kontor.core.tenancy import Actor, Role
from kontor.core.vault.service import Vault

__all__ = ["Person", "State", "lock", "sign_in_ways"]

MOST_NAME_CHARACTERS = 120


class State(StrEnum):
    ACTIVE = "active"
    INVITED = "invited"
    UNVERIFIED = "unverified"
    WAITING = "waiting"
    SUSPENDED = "suspended"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPerson:
    name: str
    email: Email | None
    role: Role = Role.USER
    state: State = State.ACTIVE
    language: str = "en"
    password_hash: str | None = None
    is_email_verified: bool = False
    must_set_up: bool = False


@dataclass(frozen=True, slots=True)
class PersonSummary:
    """What the operator sees on the command line."""

    id: UserId
    email: str | None
    name: str
    role: Role
    state: State
    created_at: datetime
    last_seen_at: datetime | None


async def add(unit: AsyncSession, new: NewPerson) -> Person:
    """Raises EmailTaken; the unit stays usable. A password needs a system unit, which alone may keep hashes."""
    at = now()
    person = Person(
        id=new_id(),
        email=new.email.written if new.email else None,
        email_key=new.email.key if new.email else None,
        name=new.name,
        role=new.role.value,
        state=new.state.value,
        language=new.language,
        must_set_up=new.must_set_up,
        email_verified_at=at if new.is_email_verified and new.email else None,
        created_at=at,
        updated_at=at,
    )
    try:
        async with unit.begin_nested():
            unit.add(person)
    except IntegrityError as reason:
        raise EmailTaken from reason
    if new.password_hash is not None:
        await repository.keep_password(unit, person.id, new.password_hash)
    await tell_managing(unit, person.id)
    return person


async def tell_managing(unit: AsyncSession, person_id: UUID) -> None:
    await publish(unit, topic=ADMIN_TOPIC, kind="people.changed", data={"id": str(person_id)})
    # Whoever it is about may be invisible to managers, so they hear only that they should look again.
    await publish(unit, topic=MANAGER_TOPIC, kind="people.changed", data={})


async def tell_person(unit: AsyncSession, person_id: UUID) -> None:
    """Their open streams ask anew who they are."""
    await publish(unit, topic=person_topic(UserId(person_id)), kind="people.changed", data={"id": str(person_id)})


async def ids_of_managers(unit: AsyncSession) -> Sequence[UserId]:
    """Who acts on waiting people, and is told about them."""
    return await repository.ids_of_active_admins(unit)


async def guard_last_admin(unit: AsyncSession, person: Person, *, role: Role | None, state: State | None) -> None:
    """Two administrators who remove each other at the same moment wait here, one behind the other."""
    if person.role != Role.ADMIN.value or person.state != State.ACTIVE.value:
        return
    await unit.execute(text("SELECT pg_advisory_xact_lock(hashtextextended('kontor.admins', 0))"))
    others = select(func.count()).select_from(Person).where(Person.role == Role.ADMIN.value, Person.state == "active")
    left = await unit.scalar(others.where(Person.id != person.id)) or 0
    if policy.leaves_no_admin(
        is_admin=True,
        is_active=True,
        stays_admin=role is Role.ADMIN,
        stays_active=state is State.ACTIVE,
        others=left,
    ):
        raise LastAdmin


async def mark_changed(unit: AsyncSession, person: Person) -> None:
    person.version += 1
    person.updated_at = now()
    await unit.flush()
    await tell_managing(unit, person.id)
    await tell_person(unit, person.id)
    tell_rights(unit, person.id)


async def set_role(
    unit: AsyncSession, person_id: UUID, role: Role, *, by: Actor | None = None, address: str | None = None
) -> Person:
    person = await lock(unit, person_id)
    if person.role == role.value:
        return person
    await guard_last_admin(unit, person, role=role, state=State(person.state))
    before, person.role = person.role, role.value
    await mark_changed(unit, person)
    details = {"role": {"before": before, "after": role.value}}
    await note(unit, Action.PERSON_CHANGED, person, by=by, address=address, details=details)
    return person


async def suspend(
    unit: AsyncSession,
    person_id: UUID,
    *,
    reason: str | None = None,
    by: Actor | None = None,
    address: str | None = None,
) -> Person:
    person = await lock(unit, person_id)
    if person.state == State.SUSPENDED.value:
        return person
    await guard_last_admin(unit, person, role=Role(person.role), state=State.SUSPENDED)
    person.state = State.SUSPENDED.value
    person.suspended_at = now()
    person.suspended_reason = reason
    await mark_changed(unit, person)
    await sessions.end_all(unit, UserId(person.id), EndReason.SUSPENDED)
    await note(unit, Action.PERSON_SUSPENDED, person, by=by, address=address)
    return person


async def restore(
    unit: AsyncSession, person_id: UUID, *, by: Actor | None = None, address: str | None = None
) -> Person:
    """Back to work. Old sessions stay ended; personal tokens work again, because nobody took them back."""
    person = await lock(unit, person_id)
    if person.state != State.SUSPENDED.value:
        return person
    await _activate(unit, person)
    await note(unit, Action.PERSON_RESTORED, person, by=by, address=address)
    return person


async def approve(
    unit: AsyncSession, person_id: UUID, *, by: Actor | None = None, address: str | None = None
) -> Person:
    """Whoever approves vouches for the person, not for the address: that stays unverified until its link is used."""
    person = await lock(unit, person_id)
    if person.state not in {State.WAITING.value, State.UNVERIFIED.value}:
        return person
    await _activate(unit, person)
    await note(unit, Action.PERSON_APPROVED, person, by=by, address=address)
    return person


async def _activate(unit: AsyncSession, person: Person) -> None:
    person.state = State.ACTIVE.value
    person.suspended_at = None
    person.suspended_reason = None
    await mark_changed(unit, person)


async def delete(
    unit: AsyncSession, vault: Vault, person_id: UUID, *, by: Actor | None = None, address: str | None = None
) -> None:
    """The person, all their ways in and the key to their secrets. The record keeps their id, which means nothing any
    more. Needs a system unit, which alone may throw keys away."""
    person = await lock(unit, person_id)
    await guard_last_admin(unit, person, role=None, state=None)
    await sessions.end_all(unit, UserId(person.id), EndReason.DELETED)
    await note(unit, Action.PERSON_DELETED, person, by=by, address=address)
    await vault.forget(unit, UserId(person.id))
    await job_erasure.forget(unit, UserId(person.id))
    await event_retention.forget(unit, UserId(person.id))
    await unit.delete(person)
    await unit.flush()
    await tell_managing(unit, person_id)
    tell_rights(unit, person_id)


async def end_sessions(
    unit: AsyncSession, person_id: UUID, *, by: Actor | None = None, address: str | None = None
) -> int:
    person = await lock(unit, person_id)
    ended = await sessions.end_all(unit, UserId(person.id), EndReason.ENDED)
    await note(unit, Action.SESSIONS_ENDED, person, by=by, address=address, details={"ended": ended})
    return ended


async def change_email(unit: AsyncSession, person: Person, email: Email, *, is_verified: bool) -> None:
    """Raises EmailTaken. Links to the old address die with it."""
    try:
        async with unit.begin_nested():
            # Inside: a savepoint flushes what was changed before it, and the failure would take the whole unit with it.
            person.email, person.email_key = email.written, email.key
            person.email_verified_at = now() if is_verified else None
            await unit.flush()
    except IntegrityError as reason:
        raise EmailTaken from reason


async def reset_link(
    unit: AsyncSession,
    settings: Settings,
    person_id: UUID,
    *,
    by: Actor | None = None,
    address: str | None = None,
) -> str:
    """For whoever cannot get mail: the administrator hands it over. Needs a system unit."""
    person = await lock(unit, person_id)
    await note(unit, Action.RESET_LINK_MADE, person, by=by, address=address)
    if person.state == State.INVITED.value:
        # Whoever has not come yet needs a way in, not a new password.
        return links.invite_url(settings, await links.make(unit, UserId(person.id), Purpose.INVITE, email=person.email))
    return links.reset_url(settings, await links.make(unit, UserId(person.id), Purpose.RESET))


async def note(
    unit: AsyncSession,
    action: Action,
    person: Person,
    *,
    by: Actor | None,
    address: str | None,
    details: Mapping[str, object] | None = None,
) -> None:
    await audit.write(
        unit,
        action=action,
        actor=by,
        owner_id=person.id,
        subject=audit.person(person.id),
        details=details,
        address=address,
    )


async def create_person(
    database: Database,
    *,
    email: str,
    name: str,
    role: Role = Role.USER,
    password: str | None = None,
    language: str = "en",
) -> UserId:
    """The operator vouches for the address. Without a password the person sets one by `reset_link`."""
    try:
        parsed = parse_email(email)
    except ValueError as reason:
        raise FieldProblem("email", str(reason)) from reason
    if not 1 <= len(name.strip()) <= MOST_NAME_CHARACTERS:
        raise FieldProblem("name", f"Use 1 to {MOST_NAME_CHARACTERS} characters.")
    hashed = None
    if password is not None:
        check_rule(password, email=parsed.written)
        hashed = await hasher.hash(password)
    async with database.system("people") as unit:
        new = NewPerson(
            name=name.strip(),
            email=parsed,
            role=role,
            language=language,
            password_hash=hashed,
            is_email_verified=True,
        )
        person = await add(unit, new)
        await note(unit, Action.PERSON_CREATED, person, by=None, address=None, details={"role": role.value})
        return UserId(person.id)


async def list_people(database: Database) -> list[PersonSummary]:
    async with database.system("people") as unit:
        everybody = await unit.scalars(select(Person).order_by(Person.created_at, Person.id))
        return [
            PersonSummary(
                UserId(person.id),
                person.email,
                person.name,
                Role(person.role),
                State(person.state),
                person.created_at,
                person.last_seen_at,
            )
            for person in everybody
        ]


async def find_person(unit: AsyncSession, named: str) -> Person:
    """By id or by address, as the operator types it."""
    try:
        found = await repository.find(unit, UUID(named))
    except ValueError:
        try:
            found = await repository.find_by_email(unit, parse_email(named).key)
        except ValueError:
            found = None
    if found is None:
        raise PersonNotFound
    return found


async def change_role_of(database: Database, named: str, role: Role) -> None:
    async with database.system("people") as unit:
        await set_role(unit, (await find_person(unit, named)).id, role)


async def suspend_person(database: Database, named: str, *, reason: str | None = None) -> None:
    async with database.system("people") as unit:
        await suspend(unit, (await find_person(unit, named)).id, reason=reason)


async def restore_person(database: Database, named: str) -> None:
    async with database.system("people") as unit:
        await restore(unit, (await find_person(unit, named)).id)


async def reset_link_for(database: Database, settings: Settings, named: str) -> str:
    async with database.system("people") as unit:
        return await reset_link(unit, settings, (await find_person(unit, named)).id)


async def notify_waiting(unit: AsyncSession, person: Person) -> None:
    await notifications.notify_managers(
        unit, notifications.Notice.APPROVAL_WAITING, {"user_id": str(person.id)}, key=str(person.id)
    )
