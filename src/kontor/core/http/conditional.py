"""Long answers that are asked for again and again: sent only when they are not what the reader has, and packed."""

import gzip
import re
from typing import Annotated, Any

from fastapi import Header, Request, Response

from kontor.core.http.prepared import Prepared

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


def answer(request: Request, found: Prepared, *, seen: str | None) -> Response:
    headers = {"ETag": found.tag, "Vary": "Accept-Encoding"}
    if is_seen(seen, found.tag):
        return Response(status_code=304, headers=headers)
    body = found.body
    if found.is_packed and accepts(request.headers.get("accept-encoding", ""), "gzip"):
        headers["Content-Encoding"] = "gzip"
    elif found.is_packed:
        body = gzip.decompress(body)
    return Response(body, media_type="application/json", headers=headers)
