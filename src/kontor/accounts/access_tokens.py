"""Short-lived access tokens (JWT) and CSRF tokens: signed, never stored. The session's row has the last word."""

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from kontor.core.clock import now
from kontor.core.ids import SessionId, UserId
from kontor.core.secrets import Secrets

ISSUER = "kontor"
AUDIENCE = "kontor-api"
ALGORITHM = "HS256"
TYPE = "at+jwt"
LIFETIME = timedelta(minutes=10)
MOST_CHARACTERS = 1024


@dataclass(frozen=True, slots=True)
class AccessClaims:
    user_id: UserId
    session_id: SessionId


def issue(secrets: Secrets, *, user_id: UUID, session_id: UUID, at: datetime | None = None) -> str:
    issued = int((at or now()).timestamp())
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": str(user_id),
        "sid": str(session_id),
        "iat": issued,
        "nbf": issued,
        "exp": issued + int(LIFETIME.total_seconds()),
    }
    key = OctKey.import_key(secrets.derive("jwt"))
    return jwt.encode({"alg": ALGORITHM, "typ": TYPE}, claims, key, algorithms=[ALGORITHM])


def read(secrets: Secrets, token: str) -> AccessClaims | None:
    """One algorithm, one type, one spelling; anything else is nobody."""
    if len(token) > MOST_CHARACTERS or not _is_canonical(token):
        return None
    found = (_read_with(OctKey.import_key(key), token) for key in secrets.derive_all("jwt"))
    return next(filter(None, found), None)


def _read_with(key: OctKey, token: str) -> AccessClaims | None:
    try:
        parsed = jwt.decode(token, key, algorithms=[ALGORITHM])
        if parsed.header != {"alg": ALGORITHM, "typ": TYPE}:
            return None
        rules = jwt.JWTClaimsRegistry(
            now=int(now().timestamp()),
            leeway=0,
            iss={"essential": True, "value": ISSUER},
            aud={"essential": True, "value": AUDIENCE},
            sub={"essential": True},
            sid={"essential": True},
            iat={"essential": True},
            nbf={"essential": True},
            exp={"essential": True},
        )
        rules.validate(parsed.claims)
        return AccessClaims(UserId(UUID(parsed.claims["sub"])), SessionId(UUID(parsed.claims["sid"])))
    except (JoseError, ValueError, TypeError, AttributeError, RecursionError):
        return None


def csrf_token(secrets: Secrets, session_id: UUID) -> str:
    return _csrf(secrets.derive("csrf"), session_id)


def is_csrf_token(secrets: Secrets, session_id: UUID, given: str) -> bool:
    raw = given.encode("utf-8", "surrogatepass")
    return any(hmac.compare_digest(_csrf(key, session_id).encode(), raw) for key in secrets.derive_all("csrf"))


def _csrf(key: bytes, session_id: UUID) -> str:
    return _base64url(hmac.digest(key, session_id.bytes, "sha256"))


def successors(secrets: Secrets, refresh_token: str) -> list[str]:
    """The refresh token that follows another, by the present key first and then by the former ones. It is derived, so
    that the second of two tabs can be given the same one although only its hash is kept."""
    seen = hashlib.sha256(refresh_token.encode("utf-8", "surrogatepass")).digest()
    return [_base64url(hmac.digest(key, b"refresh" + seen, "sha256")) for key in secrets.derive_all("token")]


def _is_canonical(token: str) -> bool:
    """Base64 leaves bits at the end that decoders ignore; a token with other bits there is not the one we gave."""
    parts = token.split(".")
    if len(parts) != 3:
        return False
    try:
        return all(_base64url(base64.b64decode(part + "=" * (-len(part) % 4), b"-_", True)) == part for part in parts)
    except (ValueError, binascii.Error):
        return False


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
