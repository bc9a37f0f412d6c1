"""What goes over the wire about people and signing in."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from kontor.accounts.configuration import Registration
from kontor.accounts.emails import EmailText
from kontor.accounts.me import Me
from kontor.accounts.preferences import Currency, SettingsRead, Theme, Timezone
from kontor.accounts.preferences import Language as LanguageChoice
from kontor.accounts.tables import Passkey, PersonalToken, Session
from kontor.core.text import Line

Name = Annotated[Line, StringConstraints(min_length=1, max_length=120)]
Language = Literal["de", "en"]
# The rule of a good password speaks for itself and names what is wrong; here only what nobody means is refused.
NewPassword = Annotated[str, StringConstraints(max_length=4096)]
# Anything may be typed as a present password or a code; it is compared and never kept.
Typed = Annotated[str, StringConstraints(max_length=4096)]
Code = Annotated[str, StringConstraints(max_length=40)]
LinkToken = Annotated[str, StringConstraints(max_length=1000)]
State = Literal["active", "invited", "unverified", "waiting", "suspended"]
RoleName = Literal["user", "manager", "admin"]
Scope = Literal[
    "account:read",
    "account:write",
    "projects:read",
    "projects:write",
    "documents:read",
    "documents:write",
    "llm:use",
    "admin:read",
    "admin:write",
]


class Sent(BaseModel):
    """A body whose unknown fields are no matter: nobody becomes an administrator by sending a field."""

    model_config = ConfigDict(extra="ignore")


class LoginBody(Sent):
    email: Typed
    password: Typed
    code: Code | None = Field(None, description="From the authenticator app, or a recovery code.")
    remember: bool = Field(True, description="Stay signed in on this device.")
    cookie: bool = Field(False, description="For the browser: an HttpOnly cookie instead of tokens.")


class LoginForm(Sent):
    """OAuth2's password form."""

    grant_type: str = "password"
    username: Typed
    password: Typed
    code: Code | None = None


class LinkBody(Sent):
    token: LinkToken | None = None


class RefreshBody(Sent):
    refresh_token: LinkToken


class RegisterBody(Sent):
    email: EmailText
    password: NewPassword
    name: Name
    language: Language | None = None


class ForgotPasswordBody(Sent):
    email: EmailText


class ResetPasswordBody(Sent):
    token: LinkToken | None = None
    password: NewPassword


class VerifyBody(Sent):
    token: LinkToken | None = None


class AcceptInvitation(Sent):
    name: Name
    password: NewPassword
    language: Language | None = None


class MeChange(Sent):
    name: Name | None = None
    email: EmailText | None = None


class ChangePasswordBody(Sent):
    current_password: Typed | None = None
    new_password: NewPassword


class CodeBody(Sent):
    code: Code


class ProofBody(Sent):
    """One of the two."""

    password: Typed | None = None
    code: Code | None = Field(None, description="From the authenticator app, or a recovery code.")


class PasskeyCreate(Sent):
    name: Name
    credential: dict[str, Any] = Field(description="What `navigator.credentials.create()` returned, as JSON.")


class PasskeyAnswer(Sent):
    credential: dict[str, Any] = Field(description="What `navigator.credentials.get()` returned, as JSON.")


class TokenCreate(Sent):
    name: Name
    scopes: Annotated[list[Scope], Field(min_length=1, max_length=20)]
    expires_in_days: Annotated[int, Field(ge=1, le=3650)] | None = None


class SetupBody(Sent):
    name: Name
    email: EmailText | None = None
    language: LanguageChoice = "system"
    timezone: Timezone = "UTC"
    currency: Currency = "EUR"
    theme: Theme = "system"
    password: NewPassword | None = None


class FullAccessRead(BaseModel):
    until: datetime
    reason: str


class MeRead(BaseModel):
    id: UUID
    email: str | None
    name: str
    role: RoleName
    initials: str
    state: State
    email_verified: bool
    pending_email: str | None = Field(description="Asked for, and not confirmed by its mailbox yet.")
    has_password: bool
    totp_enabled: bool
    passkeys: int
    settings: SettingsRead
    csrf_token: str | None = Field(description="For X-Kontor-CSRF. Null where no cookie is used.")
    full_access: FullAccessRead | None
    must_set_up: bool

    @classmethod
    def of(cls, me: Me, *, csrf_token: str | None) -> "MeRead":
        person = me.person
        full = me.full_access
        return cls.model_validate(
            {
                "id": person.id,
                "email": person.email,
                "name": person.name,
                "role": person.role,
                "initials": initials(person.name),
                "state": person.state,
                "email_verified": person.email_verified_at is not None,
                "pending_email": me.pending_email,
                "has_password": me.has_password,
                "totp_enabled": me.has_totp,
                "passkeys": me.passkeys,
                "settings": me.settings,
                "csrf_token": csrf_token,
                "full_access": None if full is None else {"until": full.until, "reason": full.reason},
                "must_set_up": person.must_set_up,
            }
        )


class SignedInRead(BaseModel):
    me: MeRead
    csrf_token: str


class TokensRead(BaseModel):
    access_token: str
    refresh_token: str
    token_type: Literal["bearer"] = "bearer"  # noqa: S105 - OAuth2's word
    expires_in: int


class RegisteredRead(BaseModel):
    state: Literal["verify", "approval"]


class InvitationRead(BaseModel):
    email: str
    name: str | None
    invited_by_name: None = None  # administrators are invisible
    expires_at: datetime


class SessionRead(BaseModel):
    id: UUID
    current: bool
    kind: Literal["browser", "api", "link"]
    client: str
    address: str | None
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime

    @classmethod
    def of(cls, session: Session, *, current: UUID | None) -> "SessionRead":
        fields = {name: getattr(session, name) for name in cls.model_fields if name != "current"}
        return cls.model_validate({**fields, "current": session.id == current})


class SessionsRead(BaseModel):
    items: list[SessionRead]


class EndedRead(BaseModel):
    ended: int


class TotpRead(BaseModel):
    secret: str
    uri: str
    qr_svg: str


class RecoveryCodesRead(BaseModel):
    recovery_codes: list[str]


class PasskeyRead(BaseModel):
    id: UUID
    name: str
    created_at: datetime
    last_used_at: datetime | None

    @classmethod
    def of(cls, passkey: Passkey) -> "PasskeyRead":
        return cls.model_validate(passkey, from_attributes=True)


class PasskeysRead(BaseModel):
    items: list[PasskeyRead]


class TokenRead(BaseModel):
    id: UUID
    name: str
    scopes: list[str]
    ending: str
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None

    @classmethod
    def of(cls, token: PersonalToken) -> "TokenRead":
        return cls.model_validate(token, from_attributes=True)


class TokenShown(TokenRead):
    token: str = Field(description="Shown this once.")


class PersonalTokensRead(BaseModel):
    items: list[TokenRead]


class OidcProviderRead(BaseModel):
    id: str
    label: str


class InstallationRead(BaseModel):
    name: str
    kind: Literal["single", "multi"]
    version: str
    registration: Registration
    setup_needed: bool
    password_sign_in: bool
    oidc: list[OidcProviderRead]
    languages: list[Language]
    mail_configured: bool
    passwordless_loopback: bool
    owners_see_full_access: bool = Field(description="Whether people are told when an administrator looks at theirs.")


class WebAuthnOptions(BaseModel):
    """Options for `navigator.credentials`, as the browser's own parser takes them."""

    model_config = ConfigDict(extra="allow")

    challenge: str

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> "WebAuthnOptions":
        return cls.model_validate(dict(options))


def initials(name: str) -> str:
    """First and last word, one letter each; letters that are two characters long stay whole."""
    words = [word for word in name.split() if any(character.isalnum() for character in word)]
    if not words:
        return name[:1].upper()
    ends = [words[0]] if len(words) == 1 else [words[0], words[-1]]
    return "".join(next(character for character in word if character.isalnum()) for word in ends).upper()
