"""Links to files that work without signing in, for a while: signed by us, and saying nothing but an id."""

import base64
import binascii
import hmac
import struct
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from kontor.core.blobs.errors import LinkInvalid
from kontor.core.clock import now
from kontor.core.ids import BlobId, UserId
from kontor.core.secrets import Secrets

PATH = "/api/v1/blobs/"
FORMAT = 1
BODY = struct.Struct(">B16s16sQB")
MAC_BYTES = 32


@dataclass(frozen=True, slots=True)
class Link:
    owner_id: UserId
    blob_id: BlobId
    inline: bool


class Links:
    def __init__(self, secrets: Secrets, base_url: str) -> None:
        self._secrets = secrets
        self._base_url = base_url

    def make(self, owner_id: UserId, blob_id: BlobId, *, expires_at: datetime, inline: bool) -> str:
        body = BODY.pack(FORMAT, owner_id.bytes, blob_id.bytes, int(expires_at.timestamp()), inline)
        token = base64.urlsafe_b64encode(body + sign(self._secrets.derive("signed-url"), body)).rstrip(b"=")
        return f"{self._base_url}{PATH}{token.decode()}"

    def read(self, token: str) -> Link:
        """Forged, bent and expired links get one answer."""
        try:
            raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError) as reason:
            raise LinkInvalid from reason
        body, mac = raw[: BODY.size], raw[BODY.size :]
        keys = self._secrets.derive_all("signed-url")
        if len(raw) != BODY.size + MAC_BYTES or not any(hmac.compare_digest(mac, sign(key, body)) for key in keys):
            raise LinkInvalid
        form, owner, blob, expires_at, inline = BODY.unpack(body)
        if form != FORMAT or now().timestamp() >= expires_at:
            raise LinkInvalid
        return Link(UserId(UUID(bytes=owner)), BlobId(UUID(bytes=blob)), bool(inline))


def sign(key: bytes, body: bytes) -> bytes:
    return hmac.digest(key, b"kontor/blob-link/" + body, "sha256")
