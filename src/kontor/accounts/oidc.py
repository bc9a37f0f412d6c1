"""Sign-in by an OpenID Connect provider: authorization code with PKCE, state and nonce. The provider is the operator's
choice, so its addresses are not those that people give us."""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, Protocol
from urllib.parse import quote_plus, urlencode, urlsplit

import aiohttp
import orjson
import structlog
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from pydantic import BaseModel, ConfigDict, HttpUrl, ValidationError
from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from kontor.accounts import audit, challenges, configuration, people, registration, repository, signin
from kontor.accounts.audit import Action
from kontor.accounts.callers import Caller
from kontor.accounts.challenges import ChallengeKind
from kontor.accounts.emails import Email, is_same_mailbox, parse_email
from kontor.accounts.errors import EmailTaken, NotActive, ProviderAway, ProviderNotFound, RegistrationClosed
from kontor.accounts.opaque import new_token
from kontor.accounts.people import NewPerson, State
from kontor.accounts.sessions import Opened, SessionKind
from kontor.accounts.tables import OidcIdentity, Person
from kontor.core.clock import now
from kontor.core.errors import Kind, KontorError
from kontor.core.ids import UserId
from kontor.core.kernel import Kernel
from kontor.core.settings import Settings
from kontor.core.tenancy import Actor, Role

log = structlog.get_logger(__name__)

PROVIDER_ID = "oidc"
TIMEOUT = aiohttp.ClientTimeout(total=10, connect=5)
MOST_BYTES = 512 * 1024
MOST_NAME_CHARACTERS = 120
# Signatures by a key of the provider; nothing that we could have signed ourselves.
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "ES256", "ES384"]
CLOCK_LEEWAY_SECONDS = 60
LATEST_SECONDS = 2**37
DISCOVERED_FOR = timedelta(minutes=10)


class SignInRefused(KontorError):
    """What the provider sent back cannot be used. The log says more than the browser is told."""

    kind, code = Kind.INVALID, "auth.oidc_refused"

    def __init__(self) -> None:
        super().__init__("Signing in with the provider did not work. Try again.")


class AddressUnproven(KontorError):
    kind, code = Kind.FORBIDDEN, "auth.oidc_email_unverified"

    def __init__(self) -> None:
        super().__init__("The address of this account is not verified on both sides, so the accounts stay apart.")


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the provider says it is."""

    issuer: str
    subject: str
    email: str | None
    is_email_verified: bool
    name: str | None
    proved_at: datetime | None  # when they last proved it there, if the provider says so


@dataclass(frozen=True, slots=True)
class Departure:
    """What is kept while the browser is away: the state is its name, the rest proves that the answer is to us."""

    state: str
    nonce: str
    verifier: str
    is_fresh: bool = False

    @property
    def challenge(self) -> str:
        return base64.urlsafe_b64encode(hashlib.sha256(self.verifier.encode()).digest()).rstrip(b"=").decode()


class Provider(Protocol):
    """The border to whoever knows people elsewhere."""

    async def address_for(self, departure: Departure, *, back_to: str) -> str: ...

    async def identify(self, code: str, departure: Departure, *, back_to: str) -> Identity: ...


class Discovery(BaseModel):
    model_config = ConfigDict(extra="ignore")

    issuer: str
    authorization_endpoint: HttpUrl
    token_endpoint: HttpUrl
    jwks_uri: HttpUrl
    token_endpoint_auth_methods_supported: list[str] = ["client_secret_basic"]


class TokenAnswer(BaseModel):
    model_config = ConfigDict(extra="ignore")

    id_token: str


class OidcProvider:
    """The real protocol over the real network."""

    def __init__(self, issuer: str, client_id: str, client_secret: str | None) -> None:
        self.issuer = issuer.rstrip("/")
        self.client_id = client_id
        self._client_secret = client_secret
        self._known: tuple[datetime, Discovery] | None = None

    @classmethod
    def of(cls, settings: Settings) -> "OidcProvider | None":
        if settings.oidc_issuer is None or settings.oidc_client_id is None:
            return None
        secret = settings.oidc_client_secret
        return _one_provider(
            settings.oidc_issuer, settings.oidc_client_id, secret.get_secret_value() if secret else None
        )

    async def address_for(self, departure: Departure, *, back_to: str) -> str:
        async with self._client() as client:
            found = await self._discover(client)
        query = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": back_to,
            "scope": "openid email profile",
            "state": departure.state,
            "nonce": departure.nonce,
            "code_challenge": departure.challenge,
            "code_challenge_method": "S256",
        }
        if departure.is_fresh:
            # The second makes the provider tell when it asked, so that leaving out the first in the browser is noticed.
            query |= {"prompt": "login", "max_age": "0"}
        address = str(found.authorization_endpoint)
        return address + ("&" if urlsplit(address).query else "?") + urlencode(query)

    async def identify(self, code: str, departure: Departure, *, back_to: str) -> Identity:
        async with self._client() as client:
            found = await self._discover(client)
            answer = await self._exchange(client, found, code, departure, back_to)
            keys = await self._get(client, str(found.jwks_uri))
        return self._read(answer.id_token, keys, departure)

    def _client(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(timeout=TIMEOUT, trust_env=False, cookie_jar=aiohttp.DummyCookieJar())

    async def _discover(self, client: aiohttp.ClientSession) -> Discovery:
        """Remembered for a while, or everybody who opens the sign-in page could make us ask the provider."""
        if self._known is not None and timedelta() <= now() - self._known[0] < DISCOVERED_FOR:
            return self._known[1]
        found = await self._ask_for_discovery(client)
        self._known = (now(), found)
        return found

    async def _ask_for_discovery(self, client: aiohttp.ClientSession) -> Discovery:
        try:
            found = Discovery.model_validate(await self._get(client, f"{self.issuer}/.well-known/openid-configuration"))
        except ValidationError as reason:
            log.warning("oidc.discovery_invalid", fields=[error["loc"] for error in reason.errors()])
            raise ProviderAway from reason
        if found.issuer.rstrip("/") != self.issuer:
            log.warning("oidc.issuer_differs", configured=self.issuer, found=found.issuer)
            raise ProviderAway
        return found

    async def _exchange(
        self, client: aiohttp.ClientSession, found: Discovery, code: str, departure: Departure, back_to: str
    ) -> TokenAnswer:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": back_to,
            "code_verifier": departure.verifier,
        }
        headers = {"Accept": "application/json"}
        if self._client_secret is None:
            form["client_id"] = self.client_id
        elif "client_secret_basic" in found.token_endpoint_auth_methods_supported:
            headers["Authorization"] = basic(self.client_id, self._client_secret)
        else:
            form |= {"client_id": self.client_id, "client_secret": self._client_secret}
        try:
            return TokenAnswer.model_validate(
                await self._ask(client, "POST", str(found.token_endpoint), data=form, headers=headers)
            )
        except ValidationError as reason:
            raise SignInRefused from reason

    async def _get(self, client: aiohttp.ClientSession, url: str) -> Mapping[str, Any]:
        return await self._ask(client, "GET", url, headers={"Accept": "application/json"})

    async def _ask(
        self,
        client: aiohttp.ClientSession,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        data: Mapping[str, str] | None = None,
    ) -> Mapping[str, Any]:
        """A JSON object within bounds, or a refusal. Redirects are none of these endpoints' business."""
        try:
            async with client.request(method, url, headers=headers, data=data, allow_redirects=False) as answer:
                body = await answer.content.read(MOST_BYTES + 1)
                while len(body) <= MOST_BYTES and not answer.content.at_eof():
                    body += await answer.content.read(MOST_BYTES + 1)
                if 400 <= answer.status < 500 and method == "POST":
                    log.warning("oidc.code_refused", status=answer.status)
                    raise SignInRefused
                if answer.status != 200 or len(body) > MOST_BYTES:
                    log.warning("oidc.unexpected_answer", status=answer.status, bytes=len(body))
                    raise ProviderAway
        except (aiohttp.ClientError, TimeoutError, OSError) as reason:
            log.warning("oidc.unreachable", reason=type(reason).__name__)
            raise ProviderAway from reason
        try:
            parsed = _json_object(body)
        except ValueError as reason:
            raise ProviderAway from reason
        return parsed

    def _read(self, id_token: str, keys: Mapping[str, Any], departure: Departure) -> Identity:
        try:
            token = jwt.decode(id_token, KeySet.import_key_set(dict(keys)), algorithms=ALGORITHMS)  # type: ignore[arg-type]  # read from JSON, checked by the call
            jwt.JWTClaimsRegistry(
                now=int(now().timestamp()),
                leeway=CLOCK_LEEWAY_SECONDS,
                iss={"essential": True, "value": self.issuer},
                aud={"essential": True, "value": self.client_id},
                sub={"essential": True},
                exp={"essential": True},
                iat={"essential": True},
                nonce={"essential": True, "value": departure.nonce},
            ).validate(_with_plain_issuer(token.claims))
        except (JoseError, ValueError, TypeError, KeyError) as reason:
            log.warning("oidc.id_token_refused", reason=type(reason).__name__)
            raise SignInRefused from reason
        claims = token.claims
        audience = claims["aud"]
        if isinstance(audience, list) and len(audience) > 1 and claims.get("azp") != self.client_id:
            raise SignInRefused
        subject = claims["sub"]
        if not isinstance(subject, str) or not 1 <= len(subject) <= 255 or not subject.isprintable():
            raise SignInRefused
        email, name = claims.get("email"), claims.get("name")
        return Identity(
            issuer=self.issuer,
            subject=subject,
            email=email if isinstance(email, str) else None,
            is_email_verified=claims.get("email_verified") is True,
            name=name if isinstance(name, str) else None,
            proved_at=_moment(claims.get("auth_time")),
        )


def _moment(seconds: object) -> datetime | None:
    if not isinstance(seconds, int | float) or not 0 <= seconds <= LATEST_SECONDS:
        return None
    return datetime.fromtimestamp(seconds, UTC)


@cache
def _one_provider(issuer: str, client_id: str, client_secret: str | None) -> OidcProvider:
    return OidcProvider(issuer, client_id, client_secret)


def basic(client_id: str, client_secret: str) -> str:
    """Both halves are form-encoded first (RFC 6749, 2.3.1), so that a colon in them is none between them."""
    pair = f"{quote_plus(client_id)}:{quote_plus(client_secret)}"
    return "Basic " + base64.b64encode(pair.encode()).decode()


def _with_plain_issuer(claims: Mapping[str, Any]) -> dict[str, Any]:
    issuer = claims.get("iss")
    return {**claims, "iss": issuer.rstrip("/") if isinstance(issuer, str) else issuer}


def _json_object(body: bytes) -> Mapping[str, Any]:
    parsed = orjson.loads(body)
    if not isinstance(parsed, dict):
        raise ValueError("not an object")
    return parsed


def provider_of(settings: Settings, provider_id: str) -> Provider:
    found = OidcProvider.of(settings)
    if found is None or provider_id != PROVIDER_ID:
        raise ProviderNotFound
    return found


def back_to(settings: Settings, provider_id: str) -> str:
    return f"{settings.public_url}/api/v1/auth/oidc/{provider_id}/callback"


@dataclass(frozen=True, slots=True)
class Leaving:
    address: str
    state: str


@dataclass(frozen=True, slots=True)
class Arrived:
    opened: Opened
    page: str


async def begin(kernel: Kernel, provider_id: str, *, back_on: str, is_fresh: bool) -> Leaving:
    """`back_on` is the page to arrive on; `is_fresh` asks for a proof, whomever the provider still knows."""
    provider = provider_of(kernel.settings, provider_id)
    departure = Departure(state=new_token(), nonce=new_token(), verifier=new_token(), is_fresh=is_fresh)
    address = await provider.address_for(departure, back_to=back_to(kernel.settings, provider_id))
    data = {"nonce": departure.nonce, "verifier": departure.verifier, "provider": provider_id, "page": back_on}
    async with kernel.database.system("sign-in") as unit:
        await challenges.remember(unit, ChallengeKind.OIDC, departure.state, data=data)
    return Leaving(address, departure.state)


async def finish(
    kernel: Kernel, provider_id: str, *, code: str | None, state: str | None, browser_state: str | None, caller: Caller
) -> Arrived:
    """The same browser that began it, with an answer that was not used before."""
    provider = provider_of(kernel.settings, provider_id)
    if not code or not state or state != browser_state:
        raise SignInRefused
    async with kernel.database.system("sign-in") as unit:
        remembered = await challenges.recall(unit, ChallengeKind.OIDC, state)
    if remembered is None or remembered.data.get("provider") != provider_id:
        raise SignInRefused
    departure = Departure(state, str(remembered.data["nonce"]), str(remembered.data["verifier"]))
    identity = await provider.identify(code, departure, back_to=back_to(kernel.settings, provider_id))
    async with kernel.database.system("sign-in") as unit:
        person = await _person_for(unit, kernel, identity, caller)
        if person.state == State.ACTIVE.value:
            opened = await signin.open_for(
                unit, person, caller, kind=SessionKind.BROWSER, way="oidc", proved_at=identity.proved_at
            )
            return Arrived(opened, str(remembered.data["page"]))
    # Whoever has just applied is kept, although they are not let in yet.
    raise NotActive(person.state)


async def _person_for(unit: AsyncSession, kernel: Kernel, identity: Identity, caller: Caller) -> Person:
    bound = select(OidcIdentity.owner_id).where(
        OidcIdentity.issuer == identity.issuer, OidcIdentity.subject == identity.subject
    )
    owner_id = await unit.scalar(bound)
    if owner_id is not None:
        used = (OidcIdentity.issuer == identity.issuer) & (OidcIdentity.subject == identity.subject)
        await unit.execute(update(OidcIdentity).where(used).values(last_used_at=now()))
        return await repository.lock(unit, owner_id)
    email = _proven_email(identity)
    present = await repository.find_by_email(unit, email.key)
    if present is None:
        person = await _apply(unit, kernel, identity, email)
    elif present.email_verified_at is None or not is_same_mailbox(present.email or "", email.written):
        # Somebody may have laid this account in the way of the one who owns the address.
        raise AddressUnproven
    else:
        person = await repository.lock(unit, present.id)
    await unit.execute(
        insert(OidcIdentity).values(
            issuer=identity.issuer, subject=identity.subject, owner_id=person.id, created_at=now(), last_used_at=now()
        )
    )
    await audit.write(
        unit,
        action=Action.PROVIDER_LINKED,
        actor=Actor(UserId(person.id), Role(person.role)),
        owner_id=person.id,
        subject=audit.person(person.id),
        address=caller.address,
    )
    return person


def _proven_email(identity: Identity) -> Email:
    if identity.email is None or not identity.is_email_verified:
        raise AddressUnproven
    try:
        return parse_email(identity.email)
    except ValueError as reason:
        raise AddressUnproven from reason


async def _apply(unit: AsyncSession, kernel: Kernel, identity: Identity, email: Email) -> Person:
    known = await configuration.read(unit)
    is_foreign = bool(known.allowed_domains) and email.domain not in known.allowed_domains
    if not registration.is_open(kernel.settings, known) or is_foreign:
        raise RegistrationClosed
    name = "".join(character for character in identity.name or "" if character.isprintable()).strip()
    new = NewPerson(
        name=(name or email.written.partition("@")[0])[:MOST_NAME_CHARACTERS],
        email=email,
        state=State.WAITING if known.registration == "approval" else State.ACTIVE,
        language=known.default_language,
        is_email_verified=True,
    )
    try:
        person = await people.add(unit, new)
    except EmailTaken as reason:
        raise SignInRefused from reason
    if person.state == State.WAITING.value:
        await people.notify_waiting(unit, person)
    return person
