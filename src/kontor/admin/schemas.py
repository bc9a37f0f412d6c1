"""People as those see them who manage them."""

from datetime import datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from kontor.accounts.configuration import QuotaBytes
from kontor.accounts.emails import EmailText
from kontor.accounts.people import MOST_NAME_CHARACTERS, State
from kontor.core.tenancy import Role
from kontor.core.text import Line, Lines

PersonName = Annotated[Line, StringConstraints(min_length=1, max_length=MOST_NAME_CHARACTERS)]
Reason = Annotated[Lines, StringConstraints(min_length=1, max_length=500)]
MailLanguage = Literal["de", "en"]

SortKey = Literal[
    "name", "-name", "email", "-email", "created_at", "-created_at", "last_seen_at", "-last_seen_at"
]  # fmt: skip


class UserRead(BaseModel):
    id: UUID
    email: str | None
    name: str
    initials: str
    role: Role
    state: State
    language: MailLanguage
    email_verified: bool
    suspended_reason: str | None
    created_at: datetime
    last_seen_at: datetime | None
    sign_in: list[str]
    sessions: int
    quota_bytes: int | None = Field(description="Null: what the installation gives everybody.")
    used_bytes: int
    version: int


class UserCreated(UserRead):
    invite_url: str | None = Field(None, description="To hand over where no mail can be sent.")


class UserCreate(BaseModel):
    """With a password that is told to the person, or invited to choose their own."""

    model_config = ConfigDict(extra="forbid")

    email: EmailText
    name: PersonName
    role: Role = Role.USER
    language: MailLanguage | None = None
    password: Annotated[str, StringConstraints(max_length=1024)] | None = None
    invite: bool = False

    @model_validator(mode="after")
    def one_way_in(self) -> Self:
        if self.invite == (self.password is not None):
            raise ValueError("Send a password, or `invite: true`.")
        return self


class UserChange(BaseModel):
    """Only what is sent is changed. `quota_bytes: null` means what the installation gives everybody."""

    model_config = ConfigDict(extra="forbid")

    name: PersonName | None = None
    email: EmailText | None = None
    role: Role | None = None
    language: MailLanguage | None = None
    quota_bytes: QuotaBytes | None = None


class UserWrite(BaseModel):
    """All that can be changed, as it shall be."""

    model_config = ConfigDict(extra="forbid")

    name: PersonName
    email: EmailText | None
    role: Role
    language: MailLanguage
    quota_bytes: QuotaBytes | None = None


class Suspension(BaseModel):
    model_config = ConfigDict(extra="forbid")

    reason: Reason | None = None


class ResetLink(BaseModel):
    url: str


class UserSession(BaseModel):
    """A device that is signed in, as far as it concerns others: from where it calls stays with the person."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    kind: Literal["browser", "api", "link"]
    client: str
    created_at: datetime
    last_seen_at: datetime


class UserSessions(BaseModel):
    items: list[UserSession]


class SessionsEnded(BaseModel):
    ended: int


class FileRead(BaseModel):
    id: UUID
    name: str
    media_type: str
    size: int
    created_at: datetime
