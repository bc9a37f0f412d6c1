"""Who is calling: a cookie, an access token or a personal token becomes an Actor, anew for every request.

The session's row has the last word each time, and so has the token's, which is remembered only until news of it comes
(`known_tokens`): whoever was suspended, demoted or signed out elsewhere is so at the next request. A credential that
does not work makes its bearer nobody; it is never made up for by another one that came along.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from http.cookies import CookieError, SimpleCookie
from uuid import UUID

from sqlalchemy import ColumnElement, Row, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.types import ASGIApp, Receive, Scope, Send

from kontor.accounts import access_tokens, cookies
from kontor.accounts.callers import came_from, plain_address
from kontor.accounts.errors import CsrfRefused, ForeignOrigin, WrongContentType
from kontor.accounts.known_tokens import KnownToken, KnownTokens
from kontor.accounts.opaque import PERSONAL_PREFIX, digest, is_personal_token
from kontor.accounts.origins import origin_of
from kontor.accounts.policy import scopes_of
from kontor.accounts.sessions import TOUCH_EVERY, is_alive
from kontor.accounts.tables import Person, PersonalToken, Session
from kontor.core.clock import now
from kontor.core.errors import KontorError
from kontor.core.http.problems import problem_of
from kontor.core.ids import SessionId, TokenId, UserId
from kontor.core.kernel import Kernel
from kontor.core.settings import Settings
from kontor.core.tenancy import Actor, Role

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
GUARDED = ("/api/", "/ws/", "/v1/")
# Here people say who they are. A cookie that happens to be there says nothing, so it needs no CSRF token either;
# the origin is still checked, lest another site signs somebody in.
SIGN_IN = "/api/v1/auth/"
SIGN_IN_PATHS = frozenset(
    SIGN_IN + path
    for path in (
        "link",
        "login",
        "refresh",
        "register",
        "forgot-password",
        "reset-password",
        "verify",
        "passkeys/sign-in/options",
        "passkeys/sign-in",
    )
)
SIGN_IN_PREFIXES = (SIGN_IN + "invite/", SIGN_IN + "oidc/")
FORM_PATH = SIGN_IN + "login"
# The types that a form of another site can send without being asked first.
FORM_TYPES = frozenset({"text/plain", "application/x-www-form-urlencoded"})
MOST_CREDENTIAL_CHARACTERS = 2048

# id, owner, last seen, idle seconds, latest expiry, full access until, role
FoundSession = Row[UUID, UUID, datetime, int, datetime, datetime | None, str]
# id, owner, scopes, last used, expiry, role
FoundToken = Row[UUID, UUID, list[str], datetime | None, datetime | None, str]


class Door(StrEnum):
    COOKIE = "cookie"
    ACCESS_TOKEN = "access_token"  # noqa: S105 - the name of a door
    PERSONAL_TOKEN = "personal_token"  # noqa: S105 - the name of a door


@dataclass(frozen=True, slots=True)
class Credentials:
    """What came with the request; at most one of the two is looked at."""

    key: str | None = None  # Authorization: Bearer, or x-api-key
    cookie: str | None = None


@dataclass(frozen=True, slots=True)
class SignedIn:
    """An actor and the door they came by. Streams keep it and ask `still_signed_in` again."""

    actor: Actor
    door: Door
    token_id: TokenId | None = None


async def authenticate(
    kernel: Kernel, credentials: Credentials, *, address: str | None = None, tokens: KnownTokens | None = None
) -> SignedIn | None:
    """`tokens` is what this process remembers, where it remembers any."""
    if credentials.key is not None:
        if credentials.key.startswith(PERSONAL_PREFIX):
            return await _by_personal_token(kernel, credentials.key, tokens)
        claims = access_tokens.read(kernel.secrets, credentials.key)
        if claims is None:
            return None
        own = (Session.id == claims.session_id) & (Session.owner_id == claims.user_id)
        return await _by_session(kernel, own, Door.ACCESS_TOKEN, address)
    if credentials.cookie is not None:
        return await _by_session(kernel, Session.cookie_hash == digest(credentials.cookie), Door.COOKIE, address)
    return None


async def still_signed_in(kernel: Kernel, seen: SignedIn) -> SignedIn | None:
    """For streams: the same person by the same door, as they stand now. Using a stream keeps no session alive."""
    async with kernel.database.system("sign-in") as unit:
        if seen.token_id is not None:
            token = await _find_token(unit, PersonalToken.id == seen.token_id)
            return None if token is None else _as_token_bearer(_known(token))
        found = await _find_session(unit, Session.id == seen.actor.session_id)
        return None if found is None else _as_session_holder(found, seen.door)


async def _by_session(kernel: Kernel, which: ColumnElement[bool], door: Door, address: str | None) -> SignedIn | None:
    async with kernel.database.system("sign-in") as unit:
        found = await _find_session(unit, which)
        if found is None:
            return None
        at = now()
        if at - found.last_seen_at >= TOUCH_EVERY:
            await _touch_session(unit, found, at, address)
        return _as_session_holder(found, door)


async def _by_personal_token(kernel: Kernel, token: str, tokens: KnownTokens | None) -> SignedIn | None:
    hashed = digest(token)
    if tokens is not None and (known := tokens.find(hashed)) is not None:
        return _as_token_bearer(known)
    if not is_personal_token(token):
        return None
    changes = 0 if tokens is None else tokens.changes
    async with kernel.database.system("sign-in") as unit:
        found = await _find_token(unit, PersonalToken.hash == hashed)
        if found is None:
            return None
        at = now()
        if found.last_used_at is None or at - found.last_used_at >= TOUCH_EVERY:
            used = update(PersonalToken).where(PersonalToken.id == found.id).values(last_used_at=at)
            await unit.execute(used)
            await unit.execute(update(Person).where(Person.id == found.owner_id).values(last_seen_at=at))
    known = _known(found)
    if tokens is not None:
        tokens.keep(hashed, known, changes=changes)
    return _as_token_bearer(known)


async def _find_session(unit: AsyncSession, which: ColumnElement[bool]) -> FoundSession | None:
    columns = (
        Session.id,
        Session.owner_id,
        Session.last_seen_at,
        Session.idle_seconds,
        Session.expires_at_latest,
        Session.full_access_until,
        Person.role,
    )
    living = select(*columns).join(Person, Person.id == Session.owner_id)
    return (await unit.execute(living.where(which, is_alive(now()), Person.state == "active"))).one_or_none()


async def _find_token(unit: AsyncSession, which: ColumnElement[bool]) -> FoundToken | None:
    columns = (
        PersonalToken.id,
        PersonalToken.owner_id,
        PersonalToken.scopes,
        PersonalToken.last_used_at,
        PersonalToken.expires_at,
        Person.role,
    )
    valid = PersonalToken.expires_at.is_(None) | (PersonalToken.expires_at > now())
    living = select(*columns).join(Person, Person.id == PersonalToken.owner_id)
    return (await unit.execute(living.where(which, valid, Person.state == "active"))).one_or_none()


async def _touch_session(unit: AsyncSession, found: FoundSession, at: datetime, address: str | None) -> None:
    """At most once a minute, and only one of the requests that come together."""
    sliding = at + timedelta(seconds=found.idle_seconds)
    still = (Session.id == found.id) & (Session.last_seen_at == found.last_seen_at)
    await unit.execute(
        update(Session)
        .where(still)
        .values(
            last_seen_at=at,
            expires_at=min(sliding, found.expires_at_latest),
            address=func.coalesce(address, Session.address),
        )
    )
    await unit.execute(update(Person).where(Person.id == found.owner_id).values(last_seen_at=at))


def _as_session_holder(found: FoundSession, door: Door) -> SignedIn:
    role = Role(found.role)
    actor = Actor(
        user_id=UserId(found.owner_id),
        role=role,
        session_id=SessionId(found.id),
        full_access_until=found.full_access_until if role is Role.ADMIN else None,
    )
    return SignedIn(actor, door)


def _known(found: FoundToken) -> KnownToken:
    role, scopes = Role(found.role), frozenset(found.scopes)
    return KnownToken(TokenId(found.id), UserId(found.owner_id), role, scopes, found.expires_at)


def _as_token_bearer(token: KnownToken) -> SignedIn:
    # Cut down at each use: a token made by an administrator who is none any more is an ordinary person's token.
    scopes = token.scopes & scopes_of(token.role)
    actor = Actor(user_id=token.owner_id, role=token.role, token_scopes=scopes)
    return SignedIn(actor, Door.PERSONAL_TOKEN, token_id=token.id)


class AuthenticationMiddleware:
    """Puts `kontor.actor` and `kontor.session` into the scope. Whether a route needs them is the route's to say."""

    def __init__(self, app: ASGIApp, *, kernel: Kernel | None = None) -> None:
        self.app = app
        self._kernel = kernel
        self._tokens: KnownTokens | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in {"http", "websocket"} or not f"{scope['path']}/".startswith(GUARDED):
            await self.app(scope, receive, send)
            return
        kernel = self._kernel or scope["app"].state.kernel
        if self._tokens is None:
            self._tokens = KnownTokens(kernel.database, kernel.listener)
        came_from.set(_address(scope))
        try:
            seen = await admit(kernel, scope, self._tokens)
        except KontorError as error:
            await _refuse(error, scope, receive, send)
            return
        scope["kontor.session"] = seen
        scope["kontor.actor"] = None if seen is None else seen.actor
        await self.app(scope, receive, send)


async def admit(kernel: Kernel, scope: Scope, tokens: KnownTokens) -> SignedIn | None:
    """The rules of the door, in the order in which they are asked."""
    headers = _headers(scope)
    key = key_of(headers)
    if key is not None:
        # Somebody who sends a key by hand is no browser that was tricked: no cookie counts, no origin matters.
        return await authenticate(kernel, Credentials(key=key), address=_address(scope), tokens=tokens)
    is_socket = scope["type"] == "websocket"
    is_unsafe = is_socket or scope["method"] not in SAFE_METHODS
    if is_unsafe:
        refuse_foreign_origin(kernel.settings, headers, scope["scheme"])
    if is_sign_in_path(scope["path"]) and is_unsafe:
        refuse_forms(headers, scope["path"])
        return None
    cookie = cookie_of(headers, kernel.settings, scope["scheme"])
    if cookie is None:
        seen = None
    elif is_socket and "origin" not in headers:
        # Browsers always say where a socket comes from; the cookie of a caller who does not is not believed.
        raise ForeignOrigin
    else:
        seen = await authenticate(kernel, Credentials(cookie=cookie), address=_address(scope))
    if is_unsafe and not is_socket:
        if seen is not None:
            refuse_without_csrf_token(kernel, seen, headers)
        refuse_forms(headers, scope["path"])
    return seen


def key_of(headers: Mapping[str, str]) -> str | None:
    """Every spelling of a key ends at the same check. Other schemes belong to a proxy in front of us."""
    scheme, _, value = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    return headers.get("x-api-key")


def cookie_of(headers: Mapping[str, str], settings: Settings, scheme: str) -> str | None:
    try:
        jar = SimpleCookie(headers.get("cookie", ""))
    except CookieError:
        return None
    found = jar.get(cookies.session_cookie_name(settings, scheme))
    return None if found is None or len(found.value) > MOST_CREDENTIAL_CHARACTERS else found.value


def refuse_foreign_origin(settings: Settings, headers: Mapping[str, str], scheme: str) -> None:
    site = headers.get("sec-fetch-site")
    if site is not None and site not in {"same-origin", "none"}:
        raise ForeignOrigin
    origin = headers.get("origin")
    if origin is not None and not is_own_origin(settings, origin, headers.get("host", ""), scheme):
        raise ForeignOrigin


def is_own_origin(settings: Settings, origin: str, host: str, scheme: str) -> bool:
    if origin == origin_of(settings.public_url):
        return True
    plain = {"ws": "http", "wss": "https"}.get(scheme, scheme)
    return bool(host) and origin.lower() == f"{plain}://{host}".lower()


def refuse_without_csrf_token(kernel: Kernel, seen: SignedIn, headers: Mapping[str, str]) -> None:
    given = headers.get("x-kontor-csrf", "")
    session_id = seen.actor.session_id
    if session_id is None or not access_tokens.is_csrf_token(kernel.secrets, UUID(str(session_id)), given):
        raise CsrfRefused


def refuse_forms(headers: Mapping[str, str], path: str) -> None:
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind in FORM_TYPES and not (path == FORM_PATH and kind != "text/plain"):
        raise WrongContentType


def is_sign_in_path(path: str) -> bool:
    return path in SIGN_IN_PATHS or path.startswith(SIGN_IN_PREFIXES)


def _headers(scope: Scope) -> Mapping[str, str]:
    """Of two headers of one name the first counts here, except for cookies, which browsers may send in parts."""
    found: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        if name == "cookie" and name in found:
            found[name] += f"; {value}"
        else:
            found.setdefault(name, value)
    return found


def _address(scope: Scope) -> str | None:
    client = scope.get("client")
    return plain_address(client[0] if client else None)


async def _refuse(error: KontorError, scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008, "reason": error.code})
        return
    await problem_of(error, request_id=scope.get("kontor.request_id"))(scope, receive, send)
