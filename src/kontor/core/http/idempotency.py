"""Answers remembered by Idempotency-Key, in the same transaction as their effect."""

import hashlib
import os
from collections.abc import Callable, Coroutine
from typing import Any

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from fastapi import Request, Response
from fastapi.routing import APIRoute
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from kontor.core.errors import FieldProblem, Kind, KontorError
from kontor.core.kernel import Kernel
from kontor.core.tenancy import Actor


class IdempotencyMismatch(KontorError):
    kind, code = Kind.UNPROCESSABLE, "http.idempotency_mismatch"

    def __init__(self) -> None:
        super().__init__("This Idempotency-Key was used for another request.")


class IdempotencyRunning(KontorError):
    kind, code = Kind.CONFLICT, "http.idempotency_running"

    def __init__(self) -> None:
        super().__init__("The first request with this Idempotency-Key is still running.", retry_after=1)


class Replay(Exception):
    """Carries the first answer out of the unit; the route below catches it."""

    def __init__(self, response: Response) -> None:
        super().__init__("replay")
        self.response = response


async def recall(request: Request, unit: AsyncSession, actor: Actor, kernel: Kernel) -> None:
    """Inside the transaction of the effect: answer from memory, or claim the key for this request."""
    key = request.scope.get("kontor.idempotency_key")
    if key is None:
        return
    fingerprint = request.scope["kontor.fingerprint"]
    lock = int.from_bytes(hashlib.sha256(f"{actor.user_id}:{key}".encode()).digest()[:8], "big", signed=True)
    if not await unit.scalar(text("SELECT pg_try_advisory_xact_lock(:lock)"), {"lock": lock}):
        raise IdempotencyRunning
    found = (
        await unit.execute(
            text(
                "SELECT fingerprint, status, media_type, headers, body FROM idempotency_key "
                "WHERE owner_id = :o AND key = :k"
            ),
            {"o": actor.user_id, "k": key},
        )
    ).one_or_none()
    if found is None:
        request.scope["kontor.claim"] = (unit, actor, kernel)
        return
    if bytes(found.fingerprint) != fingerprint:
        raise IdempotencyMismatch
    body = unseal(kernel, f"{actor.user_id}:{key}", bytes(found.body))
    headers = {**found.headers, "Idempotency-Replayed": "true"}
    raise Replay(Response(body, status_code=found.status, media_type=found.media_type, headers=headers))


async def remember(request: Request, response: Response) -> None:
    claim = request.scope.pop("kontor.claim", None)
    if claim is None or response.status_code >= 400:
        return
    unit, actor, kernel = claim
    key = request.scope["kontor.idempotency_key"]
    kept = {name: response.headers[name] for name in ("etag", "location") if name in response.headers}
    await unit.execute(
        text("""
            INSERT INTO idempotency_key (owner_id, key, fingerprint, status, media_type, headers, body)
            VALUES (:owner, :key, :fingerprint, :status, :media_type, CAST(:headers AS jsonb), :body)
        """),
        {
            "owner": actor.user_id,
            "key": key,
            "fingerprint": request.scope["kontor.fingerprint"],
            "status": response.status_code,
            "media_type": response.headers.get("content-type"),
            "headers": orjson.dumps(kept).decode(),
            "body": seal(kernel, f"{actor.user_id}:{key}", bytes(response.body)),
        },
    )


def seal(kernel: Kernel, bound_to: str, body: bytes) -> bytes:
    """Answers may show a secret once (a new token); what is remembered of them is not readable in a dump."""
    nonce = os.urandom(12)
    return nonce + AESGCM(kernel.secrets.derive("idempotency")).encrypt(nonce, body, bound_to.encode())


def unseal(kernel: Kernel, bound_to: str, sealed: bytes) -> bytes:
    try:
        return AESGCM(kernel.secrets.derive("idempotency")).decrypt(sealed[:12], sealed[12:], bound_to.encode())
    except InvalidTag as reason:
        raise IdempotencyMismatch from reason


class KontorRoute(APIRoute):
    """A route whose POSTs may carry an Idempotency-Key. FastAPI calls it before the unit of work is committed."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def once(request: Request) -> Response:
            key = request.headers.get("idempotency-key")
            if key is None or request.method != "POST":
                return await handle(request)
            if not 1 <= len(key) <= 200 or not key.isprintable():
                raise FieldProblem("Idempotency-Key", "Use 1 to 200 printable characters.")
            body = await request.body()
            request.scope["kontor.idempotency_key"] = key
            request.scope["kontor.fingerprint"] = hashlib.sha256(
                f"{request.method} {request.url.path}?{request.url.query}\n".encode() + body
            ).digest()
            try:
                response = await handle(request)
            except Replay as first:
                return first.response
            await remember(request, response)
            return response

        return once
