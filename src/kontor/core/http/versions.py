"""Versions over HTTP: sent as ETag and expected back as If-Match."""

from typing import Annotated, Protocol, TypeVar

from fastapi import Depends, Header, Response

from kontor.core.errors import FieldProblem
from kontor.core.versions import StaleVersion, refuse_stale

__all__ = ["SeenVersion", "StaleVersion", "etag", "refuse_stale", "seen_version", "tagged"]


def etag(version: int) -> str:
    return f'"{version}"'


class Versioned(Protocol):
    @property
    def version(self) -> int: ...


V = TypeVar("V", bound=Versioned)


def tagged(found: V, response: Response) -> V:
    """What is answered, with the ETag of its version."""
    response.headers["ETag"] = etag(found.version)
    return found


async def seen_version(
    if_match: Annotated[str | None, Header(description="The ETag that was seen")] = None,
) -> int | None:
    if if_match is None or if_match.strip() == "*":
        return None
    raw = if_match.strip().removeprefix("W/").strip('"')
    if not raw.isascii() or not raw.isdigit() or len(raw) > 9:
        raise FieldProblem("If-Match", "Send the ETag as it was received.")
    return int(raw)


SeenVersion = Annotated[int | None, Depends(seen_version)]
