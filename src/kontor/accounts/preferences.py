"""What a person sets for themselves. It lives here and never in a browser, so that it follows them everywhere."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Annotated, Any, Literal
from uuid import UUID
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
from kontor.core.errors import FieldProblem
from kontor.core.events.publishing import person_topic, publish
from kontor.core.ids import UserId
from kontor.core.tenancy import Actor
from kontor.core.versions import refuse_stale

MOST_BINDINGS = 200
MOST_FAVOURITES = 200

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
    shares: bool = True


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
    default_model: str | None = Field(
        None, description="What answers when no model is named; null: as the house has it"
    )
    favourite_models: list[UUID] = Field(default_factory=list)


class NotificationSettingsChange(BaseModel):
    model_config = ConfigDict(extra="forbid")

    approvals: bool | None = None
    sign_ins: bool | None = None
    jobs: bool | None = None
    shares: bool | None = None


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


async def timezones_of(unit: AsyncSession, people: Sequence[UserId]) -> Mapping[UserId, str]:
    """Where each of these people is, as far as they exist. Who has set nothing is where everybody begins."""
    query = (
        select(Person.id, PersonSettings.timezone)
        .outerjoin(PersonSettings, PersonSettings.owner_id == Person.id)
        .where(Person.id.in_(people))
    )
    usual = SettingsRead(version=0).timezone
    return {UserId(row.id): row.timezone or usual for row in await unit.execute(query)}


async def change(
    unit: AsyncSession, actor: Actor, wanted: SettingsChange, *, seen: int | None = None, client: str | None = None
) -> SettingsRead:
    settings = await lock(unit, actor.user_id)
    refuse_stale(settings.version, seen)
    changes = wanted.model_dump(exclude_none=True, exclude={"notifications"})
    if wanted.notifications is not None:
        changes["notifications"] = settings.notifications | wanted.notifications.model_dump(exclude_none=True)
    return await write(unit, settings, changes, client=client)


async def choose_model(unit: AsyncSession, actor: Actor, model: str | None, *, client: str | None) -> SettingsRead:
    """Which models there are, the gateway knows: it asks itself before it comes here."""
    return await write(unit, await lock(unit, actor.user_id), {"default_model": model}, client=client)


async def mark_model(
    unit: AsyncSession, actor: Actor, model_id: UUID, *, is_favourite: bool, client: str | None
) -> SettingsRead:
    settings = await lock(unit, actor.user_id)
    kept = [each for each in settings.favourite_models if each != str(model_id)]
    if is_favourite:
        if len(kept) >= MOST_FAVOURITES:
            raise FieldProblem("model_id", f"At most {MOST_FAVOURITES} models can be favourites.", reason="too_long")
        if len(kept) == len(settings.favourite_models):
            kept.append(str(model_id))
        else:
            kept = settings.favourite_models
    return await write(unit, settings, {"favourite_models": kept}, client=client)


async def write(
    unit: AsyncSession, settings: PersonSettings, wanted: Mapping[str, Any], *, client: str | None
) -> SettingsRead:
    changes = {name: value for name, value in wanted.items() if getattr(settings, name) != value}
    if not changes:
        return as_read(settings)
    for name, value in changes.items():
        setattr(settings, name, value)
    settings.version += 1
    settings.updated_at = now()
    if changes.get("language", "system") != "system":
        # Mails are written in the language that was chosen last; "system" says nothing about mails.
        await unit.execute(update(Person).where(Person.id == settings.owner_id).values(language=changes["language"]))
    await unit.flush()
    data = {"version": settings.version, "client": client}
    await publish(unit, topic=person_topic(settings.owner_id), kind="settings.changed", data=data)
    return as_read(settings)


async def lock(unit: AsyncSession, user_id: UserId) -> PersonSettings:
    """The row for writing, made when it is first needed. Nobody has seen it before, so it begins at version 0."""
    first = insert(PersonSettings).values(owner_id=user_id, version=0, updated_at=now())
    await unit.execute(first.on_conflict_do_nothing(index_elements=[PersonSettings.owner_id]))
    found = select(PersonSettings).where(PersonSettings.owner_id == user_id).with_for_update()
    return (await unit.scalars(found.execution_options(populate_existing=True))).one()


def as_read(settings: PersonSettings) -> SettingsRead:
    return SettingsRead.model_validate(settings, from_attributes=True)
