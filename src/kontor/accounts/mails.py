"""The mails of this domain: who gets which one, with which link, in which language."""

from datetime import timedelta
from typing import Literal
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from kontor.accounts import configuration, links
from kontor.accounts.links import LIFETIMES, Purpose
from kontor.accounts.tables import Person
from kontor.core.clock import now
from kontor.core.ids import UserId
from kontor.core.kernel import Kernel
from kontor.core.mail.messages import (
    AlreadyRegistered,
    AnyMessage,
    Approved,
    EmailChanged,
    Invite,
    PasswordChanged,
    Reset,
    Shared,
    Verify,
)

HOUR = timedelta(hours=1)


async def send_verify(unit: AsyncSession, kernel: Kernel, person: Person, *, email: str) -> None:
    token = await links.make(unit, UserId(person.id), Purpose.VERIFY, email=email)
    link = links.verify_url(kernel.settings, token)
    hours = LIFETIMES[Purpose.VERIFY] // HOUR
    await send(unit, kernel, person, Verify(link=link, hours=hours, **await _about(unit, person)), to=email)


async def send_reset(unit: AsyncSession, kernel: Kernel, person: Person) -> None:
    token = await links.make(unit, UserId(person.id), Purpose.RESET)
    link = links.reset_url(kernel.settings, token)
    minutes = LIFETIMES[Purpose.RESET] // timedelta(minutes=1)
    await send(unit, kernel, person, Reset(link=link, minutes=minutes, **await _about(unit, person)))


async def send_invite(unit: AsyncSession, kernel: Kernel, person: Person) -> str:
    """Returns the link too: where no mail can be sent, the administrator hands it over."""
    token = await links.make(unit, UserId(person.id), Purpose.INVITE, email=person.email)
    link = links.invite_url(kernel.settings, token)
    days = LIFETIMES[Purpose.INVITE] // timedelta(days=1)
    await send(unit, kernel, person, Invite(link=link, days=days, **await _about(unit, person)))
    return link


async def send_already_registered(unit: AsyncSession, kernel: Kernel, person: Person) -> None:
    link = f"{kernel.settings.public_url}/login"
    await send(unit, kernel, person, AlreadyRegistered(link=link, **await _about(unit, person)))


async def send_approved(unit: AsyncSession, kernel: Kernel, person: Person) -> None:
    link = f"{kernel.settings.public_url}/login"
    await send(unit, kernel, person, Approved(link=link, **await _about(unit, person)))


async def send_password_changed(unit: AsyncSession, kernel: Kernel, person: Person) -> None:
    link = f"{kernel.settings.public_url}/login"
    await send(unit, kernel, person, PasswordChanged(at=now(), link=link, **await _about(unit, person)))


async def send_email_changed(unit: AsyncSession, kernel: Kernel, person: Person, *, former: str, new: str) -> None:
    """To the former address, whose owner may not have wanted it."""
    link = f"{kernel.settings.public_url}/login"
    about = await _about(unit, person)
    await send(unit, kernel, person, EmailChanged(at=now(), new_email=new, link=link, **about), to=former)


async def send_shared(
    unit: AsyncSession,
    kernel: Kernel,
    person_id: UUID,
    *,
    sort: Literal["folder", "project"],
    thing: str,
    by: str | None,
    lasts: timedelta,
) -> None:
    """In a unit that sees people."""
    person = await unit.get(Person, person_id)
    if person is None:
        return
    link, days = f"{kernel.settings.public_url}/p", lasts // timedelta(days=1)
    about = await _about(unit, person)
    await send(unit, kernel, person, Shared(sort=sort, thing=thing, by=by, days=days, link=link, **about))


async def send(
    unit: AsyncSession, kernel: Kernel, person: Person, message: AnyMessage, *, to: str | None = None
) -> None:
    address = to or person.email
    if address is None:
        return
    language: Literal["de", "en"] = "de" if person.language == "de" else "en"
    await kernel.mailer.queue(unit, message, to=address, language=language, owner_id=UserId(person.id))


async def _about(unit: AsyncSession, person: Person) -> dict[str, str]:
    known = await configuration.read(unit)
    return {"site": known.name, "name": person.name}
