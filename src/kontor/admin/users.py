"""Looking after people: finding them, letting them in, changing and removing them. Units are of the scope `admin`.

Whoever may not see somebody is told that there is no such person, before anything else is looked at.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, func, literal, or_, select, text, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from kontor.accounts import configuration, full_access, links, mails, people, proof, repository, sessions
from kontor.accounts.audit import Action
from kontor.accounts.callers import Caller
from kontor.accounts.emails import Email, parse_email
from kontor.accounts.errors import PersonNotFound
from kontor.accounts.links import Purpose
from kontor.accounts.passwords import check_rule, hasher
from kontor.accounts.people import NewPerson, Person, State
from kontor.accounts.schemas import initials
from kontor.admin import erasure, policy
from kontor.admin.errors import DeedNotAllowed, NoAddress, NotInvited, NotToOneself
from kontor.admin.policy import Deed
from kontor.admin.schemas import (
    SortKey,
    UserChange,
    UserCreate,
    UserCreated,
    UserRead,
    UserSession,
    UserSessions,
    UserWrite,
)
from kontor.core.blobs import repository as blobs
from kontor.core.database import elevated
from kontor.core.errors import FieldProblem
from kontor.core.http.versions import refuse_stale
from kontor.core.ids import UserId
from kontor.core.kernel import Kernel
from kontor.core.paging import BadCursor, Cursor, CursorKey, Page
from kontor.core.tenancy import Actor, Role

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)

# What is sorted by, never null, and how a cursor keeps it.
SORTS: Mapping[str, tuple[ColumnElement[Any], CursorKey]] = {
    "name": (func.lower(Person.name), "str"),
    "email": (func.coalesce(Person.email_key, ""), "str"),
    "created_at": (Person.created_at.expression, "datetime"),
    "last_seen_at": (func.coalesce(Person.last_seen_at, LONG_AGO), "datetime"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    search: str | None = None
    role: Role | None = None
    state: State | None = None
    sort: SortKey = "name"


async def list_page(
    unit: AsyncSession, actor: Actor, wanted: Filter, *, limit: int, cursor: str | None
) -> Page[UserRead]:
    """By key: whoever comes or goes meanwhile, nobody is shown twice and nobody is left out."""
    query = matching(actor, wanted)
    total = await unit.scalar(select(func.count()).select_from(query.subquery()))
    is_falling = wanted.sort.startswith("-")
    key, kind = SORTS[wanted.sort.removeprefix("-")]
    position = tuple_(key, Person.id)
    if (after := Cursor.decode(cursor, "str", kind, "uuid")) is not None:
        if after[0] != wanted.sort:
            raise BadCursor
        place = tuple_(*(literal(value) for value in after[1:]))
        query = query.where(position < place if is_falling else position > place)
    order = (key.desc(), Person.id.desc()) if is_falling else (key, Person.id)
    found = (await unit.execute(query.add_columns(key.label("key")).order_by(*order).limit(limit + 1))).all()
    more = None
    if len(found) > limit:
        last = found[limit - 1]
        more = Cursor.encode((wanted.sort, last.key, last.Person.id))
    return Page(items=await as_reads(unit, [row.Person for row in found[:limit]]), next_cursor=more, total=total)


def visible_to(actor: Actor) -> Select[Person]:
    """Every look at people who are managed starts here."""
    return select(Person).where(Person.role.in_([role.value for role in policy.visible_roles(actor.role)]))


def matching(actor: Actor, wanted: Filter) -> Select[Person]:
    query = visible_to(actor)
    if wanted.role is not None:
        query = query.where(Person.role == wanted.role.value)
    if wanted.state is not None:
        query = query.where(Person.state == wanted.state.value)
    for word in (wanted.search or "").split():
        query = query.where(
            or_(
                Person.name.icontains(word, autoescape=True),
                Person.email.icontains(word, autoescape=True),
                Person.email_key.icontains(word, autoescape=True),
            )
        )
    return query


async def read(unit: AsyncSession, actor: Actor, user_id: UserId) -> UserRead:
    found = await unit.scalar(visible_to(actor).where(Person.id == user_id))
    if found is None:
        raise PersonNotFound
    return await as_read(unit, found)


async def list_sessions(unit: AsyncSession, actor: Actor, user_id: UserId) -> UserSessions:
    if await unit.scalar(visible_to(actor).where(Person.id == user_id)) is None:
        raise PersonNotFound
    alive = await sessions.list_alive(unit, user_id)
    return UserSessions(items=[UserSession.model_validate(session) for session in alive])


@dataclass(frozen=True, slots=True)
class Office:
    """Who does something to people, where, and from which device: what every deed below needs."""

    unit: AsyncSession
    kernel: Kernel
    actor: Actor
    caller: Caller

    async def lock(self, user_id: UserId, deed: Deed) -> Person:
        """The one gate of every deed done to somebody: visible to the actor, allowed to the actor, not the actor."""
        query = visible_to(self.actor).where(Person.id == user_id).with_for_update()
        found = await self.unit.scalar(query.execution_options(populate_existing=True))
        if found is None:
            raise PersonNotFound
        self.refuse(deed)
        if policy.is_to_oneself(self.actor, deed, user_id):
            raise NotToOneself
        return found

    def refuse(self, deed: Deed) -> None:
        if not policy.may(self.actor.role, deed):
            raise DeedNotAllowed

    async def prove_for_oneself(self, person: Person) -> None:
        """Through this office an administrator's own session must not do what it may not do by the front door."""
        if person.id == self.actor.user_id:
            await proof.require(self.unit, self.kernel.settings, self.actor)

    async def note(self, action: Action, person: Person, details: dict[str, object] | None = None) -> None:
        await people.note(self.unit, action, person, by=self.actor, address=self.caller.address, details=details)

    def shown(self, link: str | None) -> str | None:
        """A link that no mail brings is handed over by whoever made it."""
        return None if self.kernel.mailer.is_configured else link


async def create(office: Office, wanted: UserCreate) -> UserCreated:
    office.refuse(Deed.INVITE if wanted.invite else Deed.CREATE)
    if not policy.may_give(office.actor.role, wanted.role):
        raise DeedNotAllowed
    email = parse_email(wanted.email)
    hashed = None
    if wanted.password is not None:
        check_rule(wanted.password, email=email.written)
        hashed = await hasher.hash(wanted.password)
    language = wanted.language or (await configuration.read(office.unit)).default_language
    new = NewPerson(
        name=wanted.name,
        email=email,
        role=wanted.role,
        state=State.INVITED if wanted.invite else State.ACTIVE,
        language=language,
        password_hash=hashed,
        # Whoever types somebody's address in vouches for it; an invitation proves it by arriving.
        is_email_verified=not wanted.invite,
    )
    async with elevated(office.unit, "people"):
        person = await people.add(office.unit, new)
        link = await mails.send_invite(office.unit, office.kernel, person) if wanted.invite else None
    action = Action.PERSON_INVITED if wanted.invite else Action.PERSON_CREATED
    await office.note(action, person, {"role": person.role})
    made = await as_read(office.unit, person)
    return UserCreated(**made.model_dump(), invite_url=office.shown(link))


async def invite_again(office: Office, user_id: UserId) -> UserCreated:
    """The link before is worthless from then on."""
    person = await office.lock(user_id, Deed.INVITE)
    if person.state != State.INVITED.value:
        raise NotInvited
    async with elevated(office.unit, "people"):
        link = await mails.send_invite(office.unit, office.kernel, person)
    await office.note(Action.PERSON_INVITED, person)
    made = await as_read(office.unit, person)
    return UserCreated(**made.model_dump(), invite_url=office.shown(link))


async def change(office: Office, user_id: UserId, wanted: UserChange, *, seen: int | None) -> UserRead:
    person = await office.lock(user_id, Deed.CHANGE)
    refuse_stale(person.version, seen)
    changed = await change_profile(office, person, wanted)
    if changed:
        await people.mark_changed(office.unit, person)
        await office.note(Action.PERSON_CHANGED, person, changed)
    if wanted.role is not None and wanted.role.value != person.role:
        await set_role(office, user_id, wanted.role)
    return await as_read(office.unit, person)


async def replace(office: Office, user_id: UserId, wanted: UserWrite, *, seen: int | None) -> UserRead:
    if wanted.email is None and (await office.lock(user_id, Deed.CHANGE)).email is not None:
        raise FieldProblem("email", "An address is replaced by another one, not taken away.", reason="required")
    return await change(office, user_id, UserChange(**wanted.model_dump()), seen=seen)


async def change_profile(office: Office, person: Person, wanted: UserChange) -> dict[str, object]:
    """What the record is told. Of names and addresses only that they changed: it outlives them."""
    changed: dict[str, object] = {}
    if wanted.name is not None and wanted.name != person.name:
        person.name, changed["name"] = wanted.name, True
    if wanted.language is not None and wanted.language != person.language:
        changed["language"] = {"before": person.language, "after": wanted.language}
        person.language = wanted.language
    if "quota_bytes" in wanted.model_fields_set:
        before = (await as_read(office.unit, person)).quota_bytes
        if wanted.quota_bytes != before:
            changed["quota_bytes"] = {"before": before, "after": wanted.quota_bytes}
            await blobs.set_quota(office.unit, UserId(person.id), wanted.quota_bytes)
    if wanted.email is not None and wanted.email != person.email:
        await change_address(office, person, parse_email(wanted.email))
        changed["email"] = True
    return changed


async def change_address(office: Office, person: Person, email: Email) -> None:
    """The new address proves itself by a link; the old one is told, because its owner may know nothing of it."""
    former = person.email
    if email.key == person.email_key:
        person.email = email.written  # the same mailbox, written otherwise
        return
    async with elevated(office.unit, "people"):
        await office.prove_for_oneself(person)
        await people.change_email(office.unit, person, email, is_verified=False)
        await links.forget(office.unit, UserId(person.id), Purpose.RESET, Purpose.VERIFY, Purpose.INVITE)
        if person.state == State.INVITED.value:
            await mails.send_invite(office.unit, office.kernel, person)
            return
        await mails.send_verify(office.unit, office.kernel, person, email=email.written)
        if former is not None:
            await mails.send_email_changed(office.unit, office.kernel, person, former=former, new=email.written)


async def set_role(office: Office, user_id: UserId, role: Role) -> None:
    await people.set_role(office.unit, user_id, role, by=office.actor, address=office.caller.address)
    if role is not Role.ADMIN:
        # Otherwise it would come back with the role, should that be given again in time.
        await full_access.take_from(office.unit, user_id)


async def suspend(office: Office, user_id: UserId, *, reason: str | None) -> UserRead:
    await office.lock(user_id, Deed.SUSPEND)
    person = await people.suspend(office.unit, user_id, reason=reason, by=office.actor, address=office.caller.address)
    return await as_read(office.unit, person)


async def restore(office: Office, user_id: UserId) -> UserRead:
    await office.lock(user_id, Deed.RESTORE)
    person = await people.restore(office.unit, user_id, by=office.actor, address=office.caller.address)
    return await as_read(office.unit, person)


async def approve(office: Office, user_id: UserId) -> UserRead:
    before = (await office.lock(user_id, Deed.APPROVE)).state
    person = await people.approve(office.unit, user_id, by=office.actor, address=office.caller.address)
    if person.state != before:
        await mails.send_approved(office.unit, office.kernel, person)
    return await as_read(office.unit, person)


async def end_sessions(office: Office, user_id: UserId) -> int:
    await office.lock(user_id, Deed.END_SESSIONS)
    return await people.end_sessions(office.unit, user_id, by=office.actor, address=office.caller.address)


async def reset_link(office: Office, user_id: UserId) -> str:
    person = await office.lock(user_id, Deed.RESET_LINK)
    if person.email is None:
        raise NoAddress
    async with elevated(office.unit, "people"):
        await office.prove_for_oneself(person)
        return await people.reset_link(
            office.unit, office.kernel.settings, user_id, by=office.actor, address=office.caller.address
        )


async def delete(office: Office, user_id: UserId, *, seen: int | None) -> None:
    """The person, all that is theirs, and all their ways in. The record keeps an id that means nothing any more."""
    person = await office.lock(user_id, Deed.DELETE)
    refuse_stale(person.version, seen)
    async with elevated(office.unit, "people"):
        await erasure.erase(office.unit, user_id)
        await people.delete(office.unit, office.kernel.vault, user_id, by=office.actor, address=office.caller.address)


USAGE = text("SELECT owner_id, used_bytes, quota_bytes FROM blob_usage WHERE owner_id = ANY(:ids)")


async def as_read(unit: AsyncSession, person: Person) -> UserRead:
    return (await as_reads(unit, [person]))[0]


async def as_reads(unit: AsyncSession, found: Sequence[Person]) -> list[UserRead]:
    """As many queries for a hundred people as for one."""
    ids = [person.id for person in found]
    async with elevated(unit, "people"):
        ways = await repository.sign_in_ways(unit, ids)
    alive = await sessions.count_alive(unit, ids)
    usage = {row.owner_id: row for row in await unit.execute(USAGE, {"ids": ids})}
    return [
        UserRead.model_validate(
            {
                "id": person.id,
                "email": person.email,
                "name": person.name,
                "initials": initials(person.name),
                "role": person.role,
                "state": person.state,
                "language": person.language,
                "email_verified": person.email_verified_at is not None,
                "suspended_reason": person.suspended_reason,
                "created_at": person.created_at,
                "last_seen_at": person.last_seen_at,
                "sign_in": ways[person.id],
                "sessions": alive.get(person.id, 0),
                "quota_bytes": usage[person.id].quota_bytes if person.id in usage else None,
                "used_bytes": usage[person.id].used_bytes if person.id in usage else 0,
                "version": person.version,
            }
        )
        for person in found
    ]
