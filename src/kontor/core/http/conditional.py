"""Long answers that are asked for again and again: sent only when they are not what the reader has, and packed."""

import gzip
import hashlib
import re
from typing import Annotated, Any

from fastapi import Header, Request, Response
from pydantic import BaseModel

# Below this, packing saves less than the network sends anyway.
WORTH_PACKING_BYTES = 4096
# The quick end of the scale: some thousand lines take milliseconds, and it happens between streams.
PACKING = 4

IfNoneMatch = Annotated[str | None, Header(max_length=500, description="ETags that the reader has")]

NOT_MODIFIED: dict[int | str, dict[str, Any]] = {304: {"description": "What the reader has is what there is"}}


def accepts(header: str, encoding: str) -> bool:
    for part in header.split(","):
        name, _, weight = part.strip().lower().partition(";")
        if name == encoding:
            return not re.fullmatch(r"q=0(\.0*)?", weight.strip())
    return False


def is_seen(header: str | None, tag: str) -> bool:
    """Weakly compared, as readings are."""
    return tag.removeprefix("W/") in {part.strip().removeprefix("W/") for part in (header or "").split(",")}


def answer(request: Request, found: BaseModel, *, seen: str | None) -> Response:
    body = found.model_dump_json().encode()
    # Weak, because the same words may come packed or not.
    tag = f'W/"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
    headers = {"ETag": tag, "Vary": "Accept-Encoding"}
    if is_seen(seen, tag):
        return Response(status_code=304, headers=headers)
    if len(body) >= WORTH_PACKING_BYTES and accepts(request.headers.get("accept-encoding", ""), "gzip"):
        body = gzip.compress(body, PACKING, mtime=0)
        headers["Content-Encoding"] = "gzip"
    return Response(body, media_type="application/json", headers=headers)
