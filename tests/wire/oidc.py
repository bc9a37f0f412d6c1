"""An OpenID Connect provider that speaks the real protocol over a real socket, and lies on request."""

import asyncio
import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import unquote_plus, urlencode

from aiohttp import web
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from kontor.core.clock import now

CLIENT_ID = "kontor"
CLIENT_SECRET = "between us & them"
NOT_THERE = object()


@cache
def rsa_key(whose: str) -> RSAKey:
    """Made once: finding primes takes longer than all the rest of a test."""
    return RSAKey.generate_key(2048, {"kid": "one", "use": "sig"})


@dataclass(slots=True)
class Grant:
    nonce: str
    challenge: str
    redirect_uri: str


@dataclass(slots=True)
class OidcServer:
    """Whoever comes to `/authorize` is signed in at once as `claims`; `lies` are put over the ID token's claims."""

    url: str = ""
    claims: dict[str, Any] = field(default_factory=dict)
    lies: dict[str, Any] = field(default_factory=dict)
    discovery_lies: dict[str, Any] = field(default_factory=dict)
    algorithm: str = "RS256"
    key: RSAKey = field(default_factory=lambda: rsa_key("ours"))
    ec_key: ECKey = field(default_factory=lambda: ECKey.generate_key("P-256", {"kid": "two", "use": "sig"}))
    foreign_key: RSAKey = field(default_factory=lambda: rsa_key("a stranger's"))
    is_signed_by_stranger: bool = False
    auth_methods: list[str] = field(default_factory=lambda: ["client_secret_basic"])
    token_delay_seconds: float = 0
    token_status: int = 200
    token_padding_bytes: int = 0
    grants: dict[str, Grant] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)

    def application(self) -> web.Application:
        app = web.Application()
        app.add_routes(
            [
                web.get("/.well-known/openid-configuration", self.discovery),
                web.get("/authorize", self.authorize),
                web.post("/token", self.token),
                web.get("/keys", self.keys),
            ]
        )
        return app

    async def discovery(self, request: web.Request) -> web.Response:
        self.requests.append("discovery")
        document = {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/keys",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256", "ES256"],
            "token_endpoint_auth_methods_supported": self.auth_methods,
        }
        return web.json_response(without(document | self.discovery_lies))

    async def authorize(self, request: web.Request) -> web.Response:
        self.requests.append("authorize")
        query = request.query
        assert query["response_type"] == "code"
        assert query["client_id"] == CLIENT_ID
        assert query["code_challenge_method"] == "S256"
        assert "openid" in query["scope"].split()
        code = secrets.token_urlsafe(16)
        self.grants[code] = Grant(query["nonce"], query["code_challenge"], query["redirect_uri"])
        answer = urlencode({"code": code, "state": query["state"]})
        raise web.HTTPFound(f"{query['redirect_uri']}?{answer}")

    async def token(self, request: web.Request) -> web.Response:
        self.requests.append("token")
        form = await request.post()
        await asyncio.sleep(self.token_delay_seconds)
        if self.token_status != 200:
            return web.json_response({"error": "server_error"}, status=self.token_status)
        if not self.knows_client(request, dict(form)):
            return web.json_response({"error": "invalid_client"}, status=401)
        grant = self.grants.pop(str(form.get("code")), None)
        verifier = str(form.get("code_verifier"))
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        if grant is None or grant.challenge != challenge or grant.redirect_uri != form.get("redirect_uri"):
            return web.json_response({"error": "invalid_grant"}, status=400)
        body = {
            "access_token": secrets.token_urlsafe(16),
            "token_type": "Bearer",
            "expires_in": 300,
            "id_token": self.id_token(grant.nonce),
            "padding": "x" * self.token_padding_bytes,
        }
        return web.json_response(body)

    def knows_client(self, request: web.Request, form: dict[str, Any]) -> bool:
        if "client_secret_basic" in self.auth_methods:
            scheme, _, given = request.headers.get("Authorization", " ").partition(" ")
            pair = base64.b64decode(given).decode().split(":")
            return (scheme, [unquote_plus(half) for half in pair]) == ("Basic", [CLIENT_ID, CLIENT_SECRET])
        return (form.get("client_id"), form.get("client_secret")) == (CLIENT_ID, CLIENT_SECRET)

    def id_token(self, nonce: str) -> str:
        at = int(now().timestamp())
        claims = {"iss": self.url, "aud": CLIENT_ID, "iat": at, "exp": at + 300, "nonce": nonce, **self.claims}
        claims = without(claims | self.lies)
        if self.algorithm == "none":
            return ".".join([part({"alg": "none"}), part(claims), ""])
        if self.algorithm == "HS256":
            # The classic mix-up: the public key, used as if it were a shared secret.
            signed = f"{part({'alg': 'HS256', 'kid': 'one'})}.{part(claims)}"
            mac = hmac.digest(self.key.as_pem(private=False), signed.encode(), "sha256")
            return f"{signed}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"
        if self.algorithm == "ES256":
            return jwt.encode({"alg": "ES256", "kid": "two"}, claims, self.ec_key, algorithms=["ES256"])
        key_of = self.foreign_key if self.is_signed_by_stranger else self.key
        return jwt.encode({"alg": self.algorithm, "kid": "one"}, claims, key_of, algorithms=[self.algorithm])

    async def keys(self, request: web.Request) -> web.Response:
        self.requests.append("keys")
        return web.json_response({"keys": [self.key.as_dict(private=False), self.ec_key.as_dict(private=False)]})


def without(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not NOT_THERE}


def part(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


@asynccontextmanager
async def oidc_server() -> AsyncIterator[OidcServer]:
    made = OidcServer()
    runner = web.AppRunner(made.application(), shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        made.url = f"http://127.0.0.1:{port}"
        yield made
    finally:
        await runner.cleanup()
