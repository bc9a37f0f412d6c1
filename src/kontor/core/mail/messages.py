"""The mails that Kontor writes, as values. What stands in them is decided by whoever queues them."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

Language = Literal["de", "en"]


class Message(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    site: str = "Kontor"  # the installation's name


class ToPerson(Message):
    name: str | None = None  # for the greeting


class Verify(ToPerson):
    """Confirm an address after registering, or a new one."""

    template: Literal["verify"] = "verify"
    link: str
    hours: int


class Reset(ToPerson):
    template: Literal["reset"] = "reset"
    link: str
    minutes: int


class Invite(ToPerson):
    """Who invites stays unsaid: administrators are invisible."""

    template: Literal["invite"] = "invite"
    link: str
    days: int


class Approved(ToPerson):
    template: Literal["approved"] = "approved"
    link: str


class Waiting(Message):
    """To administrators: somebody has registered and waits for approval."""

    template: Literal["waiting"] = "waiting"
    applicant_name: str
    applicant_email: str
    link: str


class AlreadyRegistered(ToPerson):
    """Somebody registered with an address that has an account; the form itself must not say so."""

    template: Literal["already_registered"] = "already_registered"
    link: str


class PasswordChanged(ToPerson):
    template: Literal["password_changed"] = "password_changed"
    at: datetime
    link: str


class NewSignIn(ToPerson):
    template: Literal["new_sign_in"] = "new_sign_in"
    at: datetime
    client: str
    address: str | None = None
    link: str


class EmailChanged(ToPerson):
    """To the former address."""

    template: Literal["email_changed"] = "email_changed"
    at: datetime
    new_email: str
    link: str


class Shared(ToPerson):
    """Somebody of the house offers a folder or project. Administrators are named to nobody."""

    template: Literal["shared"] = "shared"
    sort: Literal["folder", "project"]
    thing: str
    by: str | None = None
    days: int
    link: str


class Trial(Message):
    template: Literal["test"] = "test"
    at: datetime


AnyMessage = Annotated[
    Verify
    | Reset
    | Invite
    | Approved
    | Waiting
    | AlreadyRegistered
    | PasswordChanged
    | NewSignIn
    | EmailChanged
    | Shared
    | Trial,
    Field(discriminator="template"),
]
any_message: TypeAdapter[AnyMessage] = TypeAdapter(AnyMessage)

# A message whose link lets its holder in. Once it is delivered we forget the link.
SECRET_LINKS = (Verify, Reset, Invite)
FORGOTTEN_LINK = "…"


def without_secret(message: AnyMessage) -> AnyMessage:
    return message.model_copy(update={"link": FORGOTTEN_LINK}) if isinstance(message, SECRET_LINKS) else message
