"""How this installation behaves, as its administrators set it. One row; read from memory, refreshed by an event."""

import asyncio
import time
from datetime import datetime
from typing import Annotated, Any, Literal

import idna
from fastapi import Depends, Request
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints
from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from kontor.accounts import audit
from kontor.accounts.audit import Action
from kontor.core.clock import now
from kontor.core.database import Database
from kontor.core.events.listener import Listener
from kontor.core.events.publishing import CHANNEL, publish
from kontor.core.http.actors import Core
from kontor.core.http.versions import refuse_stale
from kontor.core.settings import Settings
from kontor.core.tenancy import Actor
from kontor.core.text import Line

GIB = 1 << 30
MOST_DOMAINS = 100

TOPIC = "installation"
CHANGED = "configuration.changed"

# Everywhere else null would say nothing, and is read as not sent.
MAY_BE_NULL = frozenset({"default_quota_bytes"})

# How long a process may go on with what it knows when an event was lost on the way.
FRESH_SECONDS = 30.0

Registration = Literal["closed", "approval", "open"]
InstallationLanguage = Literal["de", "en"]


def domain(value: str) -> str:
    """As addresses are compared: lower case, ASCII, without the at sign that people type in front of it."""
    try:
        name = idna.encode(value.strip().removeprefix("@").rstrip(".").lower(), uts46=True).decode()
    except (idna.IDNAError, UnicodeError) as reason:
        raise ValueError("Name a domain such as example.org.") from reason
    if "." not in name or len(name) > 253:
        raise ValueError("Name a domain such as example.org.")
    return name


def distinct(values: list[str]) -> list[str]:
    return list(dict.fromkeys(values))


InstallationName = Annotated[Line, StringConstraints(min_length=1, max_length=80)]
Domains = Annotated[
    list[Annotated[str, StringConstraints(max_length=260), AfterValidator(domain)]],
    Field(max_length=MOST_DOMAINS),
    AfterValidator(distinct),
]
QuotaBytes = Annotated[int, Field(ge=0, le=1 << 60)]
SessionDays = Annotated[int, Field(ge=1, le=365)]


class Configuration(BaseModel):
    """What the row holds. A field that an older program wrote and this one does not know is left alone in the row."""

    model_config = ConfigDict(frozen=True)

    name: InstallationName = "Kontor"
    registration: Registration = "closed"
    allowed_domains: Domains = []
    owners_see_full_access: bool = True
    default_language: InstallationLanguage = "en"
    default_quota_bytes: QuotaBytes | None = Field(10 * GIB, description="Room per person; null: as much as there is.")
    session_days: SessionDays = 30
    set_up_at: datetime | None = None
    version: int = 1


class ConfigurationChange(BaseModel):
    """Only what is sent is changed. `default_quota_bytes: null` means as much room as there is."""

    model_config = ConfigDict(extra="forbid")

    name: InstallationName | None = None
    registration: Registration | None = None
    allowed_domains: Domains | None = None
    owners_see_full_access: bool | None = None
    default_language: InstallationLanguage | None = None
    default_quota_bytes: QuotaBytes | None = None
    session_days: SessionDays | None = None


class MailSummary(BaseModel):
    configured: bool
    from_: str = Field(serialization_alias="from")
    source: Literal["environment", "none"]


class ConfigurationRead(BaseModel):
    version: int
    name: str
    registration: Registration
    allowed_domains: list[str]
    owners_see_full_access: bool
    default_language: InstallationLanguage
    default_quota_bytes: int | None
    session_days: int
    mail: MailSummary


def as_read(configuration: Configuration, settings: Settings) -> ConfigurationRead:
    configured = settings.smtp_url is not None
    mail = MailSummary(configured=configured, from_=settings.mail_from, source="environment" if configured else "none")
    return ConfigurationRead(**configuration.model_dump(exclude={"set_up_at"}), mail=mail)


def parsed(stored: dict[str, Any], version: int) -> Configuration:
    """What cannot be used any more (a stricter program, a hand in the database) falls back to its default."""
    known = {name: value for name, value in stored.items() if name in Configuration.model_fields}
    usable = {}
    for name, value in known.items():
        try:
            Configuration.model_validate({name: value})
        except ValueError:
            continue
        usable[name] = value
    return Configuration.model_validate({**usable, "version": version})


READ = text("SELECT configuration, version FROM installation")
READ_LOCKED = text("SELECT configuration, version FROM installation FOR UPDATE")
MERGE = text("""
    UPDATE installation SET configuration = configuration || :changes, version = version + 1, updated_at = :at
    RETURNING configuration, version
""").bindparams(bindparam("changes", type_=JSONB))


async def read(unit: AsyncSession, *, for_update: bool = False) -> Configuration:
    row = (await unit.execute(READ_LOCKED if for_update else READ)).one()
    return parsed(row.configuration, row.version)


async def write(unit: AsyncSession, changes: dict[str, Any]) -> Configuration:
    """Only the changed fields are written, so that what another version of the program keeps there survives."""
    row = (await unit.execute(MERGE, {"changes": changes, "at": now()})).one()
    await publish(unit, topic=TOPIC, kind=CHANGED, data={"version": row.version})
    return parsed(row.configuration, row.version)


async def change(
    unit: AsyncSession, actor: Actor, wanted: ConfigurationChange, *, seen: int | None, address: str | None = None
) -> Configuration:
    present = await read(unit, for_update=True)
    refuse_stale(present.version, seen)
    sent = wanted.model_dump(mode="json", exclude_unset=True)
    before = present.model_dump(mode="json")
    changes = {
        name: value
        for name, value in sent.items()
        if value != before[name] and (value is not None or name in MAY_BE_NULL)
    }
    if not changes:
        return present
    changed = await write(unit, changes)
    details = {name: {"before": before[name], "after": value} for name, value in changes.items()}
    await audit.write(unit, action=Action.CONFIGURATION_CHANGED, actor=actor, details=details, address=address)
    return changed


async def mark_set_up(unit: AsyncSession, *, name: str | None = None) -> Configuration:
    """The first-run screens are done with. Whoever calls has checked that it is the owner."""
    changes: dict[str, Any] = {"set_up_at": now().isoformat()}
    return await write(unit, changes if name is None else {**changes, "name": name})


class Known:
    """What this process knows of the configuration, for reading on every request without asking the database."""

    def __init__(
        self, database: Database, listener: Listener | None = None, *, fresh_seconds: float = FRESH_SECONDS
    ) -> None:
        self._database = database
        self._fresh_seconds = fresh_seconds
        self._known: Configuration | None = None
        self._fresh_until = 0.0
        self._changes = 0
        self._reading = asyncio.Lock()
        self._listener = listener
        if listener is not None:
            listener.on(CHANNEL, self.heard)

    async def current(self) -> Configuration:
        if (known := self._fresh()) is not None:
            return known
        async with self._reading:
            if (known := self._fresh()) is not None:
                return known
            changes = self._changes
            async with self._database.system("configuration") as unit:
                found = await read(unit)
            self._known = found
            # What was changed while we asked may or may not be in the answer, so the next one asks again.
            self._fresh_until = time.monotonic() + self._fresh_seconds if changes == self._changes else 0.0
            return found

    def heard(self, payload: str | None) -> None:
        """News of the topic, or a new connection before which anything may have been missed."""
        if payload is None or payload.endswith(f" {TOPIC}"):
            self.forget()

    def forget(self) -> None:
        self._changes += 1
        self._fresh_until = 0.0

    def _fresh(self) -> Configuration | None:
        if self._listener is not None and not self._listener.connected.is_set():
            return None  # Deaf: nobody would tell us.
        return self._known if time.monotonic() < self._fresh_until else None


async def known_configuration(request: Request, kernel: Core) -> Known:
    """One per application, made when it is first asked for. The listener hears this channel for the streams anyway."""
    known = getattr(request.app.state, "configuration", None)
    if not isinstance(known, Known):
        known = request.app.state.configuration = Known(kernel.database, kernel.listener)
    return known


KnownConfiguration = Annotated[Known, Depends(known_configuration)]
