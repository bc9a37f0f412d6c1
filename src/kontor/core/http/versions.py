"""What two people may edit at once carries a version, sent as ETag and expected back as If-Match."""

from typing import Annotated

from fastapi import Depends, Header

from kontor.core.errors import FieldProblem, Kind, KontorError


class StaleVersion(KontorError):
    kind, code = Kind.STALE, "http.stale"

    def __init__(self, current: int) -> None:
        super().__init__(
            "It was changed meanwhile. Load it again and repeat your change.", details={"current": current}
        )


def etag(version: int) -> str:
    return f'"{version}"'


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


def refuse_stale(current: int, seen: int | None) -> None:
    if seen is not None and seen != current:
        raise StaleVersion(current)
