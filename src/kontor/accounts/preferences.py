"""What a person sets for themselves. It lives here and never in a browser, so that it follows them everywhere."""

from functools import cache
from typing import Annotated, Literal
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from kontor.accounts.currencies import CURRENCIES
from kontor.accounts.keys import Action, Binding
from kontor.accounts.personal_tables import PersonSettings
from kontor.accounts.tables import Person
from kontor.core.clock import now
from kontor.core.events.publishing import person_topic, publish
from kontor.core.http.versions import refuse_stale
from kontor.core.ids import UserId
from kontor.core.tenancy import Actor

MOST_BINDINGS = 200

Language = Literal["de", "en", "system"]
Theme = Literal["light", "dark", "system"]
TextSize = Literal[90, 100, 110, 125]
Motion = Literal["system", "on"]
AddressForm = Literal["sie", "du"]


@cache
def timezones() -> frozenset[str]:
    return frozenset(available_timezones())


def known_timezone(value: str) -> str:
    if value not in timezones():
        raise ValueError("Name a time zone such as Europe/Berlin.")
    return value


def known_currency(value: str) -> str:
    if value not in CURRENCIES:
        raise ValueError("Name a currency by its three letters, such as EUR.")
    return value


Timezone = Annotated[str, AfterValidator(known_timezone)]
Currency = Annotated[str, AfterValidator(known_currency)]


class NotificationSettings(BaseModel):
    """What is brought to one's notice. That somebody looked into one's content cannot be silenced."""

    approvals: bool = True
    sign_ins: bool = True
    jobs: bool = True


class SettingsRead(BaseModel):
    version: int
    language: Language = "system"
    timezone: str = "UTC"
    currency: str = "EUR"
    theme: Theme = "system"
    text_size: TextSize = 100
    enter_sends: bool = True
    reduced_motion: Motion = "system"
    address_form: AddressForm = "sie"
    notifications: NotificationSettings = NotificationSettings()
    keys: dict[str, str] = Field(default_factory=dict)


class NotificationSettingsChange(BaseModel):
    model_config = ConfigDict(extra="forbid")

    approvals: bool | None = None
    sign_ins: bool | None = None
    jobs: bool | None = None


class SettingsChange(BaseModel):
    """Only what is sent is changed. `keys` replaces all bindings; an empty binding leaves an action without a key."""

    model_config = ConfigDict(extra="forbid")

    language: Language | None = None
    timezone: Timezone | None = None
    currency: Currency | None = None
    theme: Theme | None = None
    text_size: TextSize | None = None
    enter_sends: bool | None = None
    reduced_motion: Motion | None = None
    address_form: AddressForm | None = None
    notifications: NotificationSettingsChange | None = None
    keys: Annotated[dict[Action, Binding], Field(max_length=MOST_BINDINGS)] | None = None


class Appearance(BaseModel):
    """What the first byte of the page needs, so that it does not flash in other colours."""

    model_config = ConfigDict(frozen=True)

    language: Language = "system"
    theme: Theme = "system"
    text_size: TextSize = 100


async def appearance(unit: AsyncSession, user_id: UserId) -> Appearance:
    columns = (PersonSettings.language, PersonSettings.theme, PersonSettings.text_size)
    found = (await unit.execute(select(*columns).where(PersonSettings.owner_id == user_id))).one_or_none()
    return Appearance() if found is None else Appearance.model_validate(found._asdict())


async def read(unit: AsyncSession, user_id: UserId) -> SettingsRead:
    found = await unit.get(PersonSettings, user_id)
    return SettingsRead(version=0) if found is None else as_read(found)


async def change(
    unit: AsyncSession, actor: Actor, wanted: SettingsChange, *, seen: int | None = None, client: str | None = None
) -> SettingsRead:
    settings = await lock(unit, actor.user_id)
    refuse_stale(settings.version, seen)
    changes = wanted.model_dump(exclude_none=True, exclude={"notifications"})
    if wanted.notifications is not None:
        changes["notifications"] = settings.notifications | wanted.notifications.model_dump(exclude_none=True)
    changes = {name: value for name, value in changes.items() if getattr(settings, name) != value}
    if not changes:
        return as_read(settings)
    for name, value in changes.items():
        setattr(settings, name, value)
    settings.version += 1
    settings.updated_at = now()
    if changes.get("language", "system") != "system":
        # Mails are written in the language that was chosen last; "system" says nothing about mails.
        await unit.execute(update(Person).where(Person.id == actor.user_id).values(language=changes["language"]))
    await unit.flush()
    data = {"version": settings.version, "client": client}
    await publish(unit, topic=person_topic(actor.user_id), kind="settings.changed", data=data)
    return as_read(settings)


async def lock(unit: AsyncSession, user_id: UserId) -> PersonSettings:
    """The row for writing, made when it is first needed. Nobody has seen it before, so it begins at version 0."""
    first = insert(PersonSettings).values(owner_id=user_id, version=0, updated_at=now())
    await unit.execute(first.on_conflict_do_nothing(index_elements=[PersonSettings.owner_id]))
    found = select(PersonSettings).where(PersonSettings.owner_id == user_id).with_for_update()
    return (await unit.scalars(found.execution_options(populate_existing=True))).one()


def as_read(settings: PersonSettings) -> SettingsRead:
    return SettingsRead.model_validate(settings, from_attributes=True)
