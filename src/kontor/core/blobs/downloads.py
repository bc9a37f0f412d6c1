"""Giving files out over HTTP: whole or in part, and so that no file can act in our name in somebody's browser."""

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from email.utils import formatdate
from typing import Literal
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from kontor.core.blobs.errors import BlobNotFound, ContentMissing, LinkInvalid
from kontor.core.blobs.links import PATH
from kontor.core.blobs.service import Blobs
from kontor.core.blobs.values import UNKNOWN_TYPE, Blob
from kontor.core.http.actors import kernel_of
from kontor.core.http.problems import problem_of, request_id_of
from kontor.core.tenancy import Identity, Scope

# What a browser may show in place: these cannot carry scripts, and the policy below takes them the possibility as well.
INLINE_TYPES = frozenset(
    {
        "image/png", "image/jpeg", "image/gif", "image/webp", "image/avif", "text/plain", "application/pdf",
        "audio/mpeg", "audio/ogg", "audio/wav", "video/mp4", "video/webm",
    }
)  # fmt: skip
SANDBOX = "default-src 'none'; sandbox"
RANGE = re.compile(r"bytes=\s*(\d*)\s*-\s*(\d*)\s*")


def safe_headers(*, name: str, media_type: str, inline: bool = False) -> dict[str, str]:
    """For every answer that carries what somebody uploaded."""
    is_shown = inline and media_type in INLINE_TYPES
    return {
        "Content-Type": shown_type(media_type),
        "Content-Disposition": disposition(name, "inline" if is_shown else "attachment"),
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": SANDBOX,
        "Cross-Origin-Resource-Policy": "same-origin",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "private, no-store",
    }


def shown_type(media_type: str) -> str:
    if media_type == "text/plain":
        return "text/plain; charset=utf-8"
    return media_type if media_type in INLINE_TYPES else UNKNOWN_TYPE


def disposition(name: str, kind: Literal["attachment", "inline"]) -> str:
    """RFC 6266: a plain name for old clients, the true one in the RFC 5987 form. Nothing of it can end the header."""
    plain = "".join(
        character if character.isascii() and character.isprintable() and character not in '"\\%' else "_"
        for character in name
    )
    exact = quote(name.encode("utf-8", "replace"), safe="!#$&+-.^_`|~")
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{exact}"


@dataclass(frozen=True, slots=True)
class Part:
    """What of a file is sent: from `start` up to and without `end`."""

    status: Literal[200, 206, 416]
    start: int
    end: int

    def headers(self, size: int) -> dict[str, str]:
        match self.status:
            case 200:
                return {"Content-Length": str(size)}
            case 206:
                length = {"Content-Length": str(self.end - self.start)}
                return {**length, "Content-Range": f"bytes {self.start}-{self.end - 1}/{size}"}
            case 416:
                return {"Content-Length": "0", "Content-Range": f"bytes */{size}"}


def part_of(size: int, wanted: str | None) -> Part:
    """RFC 9110 §14.2 for one range. What cannot be read, and several ranges at once, get the whole file."""
    whole = Part(200, 0, size)
    found = RANGE.fullmatch(wanted or "")
    if found is None or found.groups() == ("", ""):
        return whole
    first, last = found.groups()
    if len(first) > 18 or len(last) > 18:
        return Part(416, 0, 0)
    if not first:
        start, end = max(0, size - int(last)), size
    else:
        start, end = int(first), size if not last else min(int(last) + 1, size)
        if last and int(last) < start:
            return whole
    return Part(206, start, end) if start < end else Part(416, 0, 0)


def respond(
    blobs: Blobs, blob: Blob, *, headers: Mapping[str, str], inline: bool = False, body: bool = True
) -> Response:
    """The answer to a GET (or, without a body, to a HEAD). `headers` are the request's."""
    tag = f'"{blob.sha256.hex()}"'
    sent = safe_headers(name=blob.name, media_type=blob.media_type, inline=inline)
    sent |= {
        "ETag": tag,
        "Accept-Ranges": "bytes",
        "Last-Modified": formatdate(blob.created_at.timestamp(), usegmt=True),
    }
    if tag in [known.strip() for known in headers.get("if-none-match", "").split(",")]:
        return Response(status_code=304, headers=sent)
    # A part of another version is worse than the whole of this one.
    is_same = headers.get("if-range", tag) == tag
    part = part_of(blob.size, headers.get("range") if is_same else None)
    sent |= part.headers(blob.size)
    if part.status == 416 or not body:
        return Response(status_code=part.status, headers=sent)
    return StreamingResponse(pieces(blobs, blob, part), status_code=part.status, headers=sent)


async def pieces(blobs: Blobs, blob: Blob, part: Part) -> AsyncIterator[bytes]:
    async with aclosing(blobs.read(blob, start=part.start, end=part.end)) as stream:  # type: ignore[type-var]
        async for piece in stream:
            yield piece


async def download(request: Request) -> Response:
    """Where our own links lead. Whoever holds one may read that one file until it expires, as its owner would."""
    kernel = kernel_of(request)
    try:
        link = kernel.blobs.links.read(request.path_params["token"])
        async with kernel.database.unit(Identity(Scope.PERSON, link.owner_id)) as unit:
            blob = await kernel.blobs.find(unit, link.owner_id, link.blob_id)
        if await kernel.blobs.store.size(blob.key) is None:
            raise ContentMissing
    except (LinkInvalid, BlobNotFound):
        # A file that is gone and a link that never was are told alike.
        return problem_of(LinkInvalid(), request_id=request_id_of(request))
    return respond(kernel.blobs, blob, headers=request.headers, inline=link.inline, body=request.method == "GET")


# A plain route: it takes no session and no unit of a person's own, and streams.
LINK_ROUTE = Route(f"{PATH}{{token:str}}", download, methods=["GET", "HEAD"], include_in_schema=False)
