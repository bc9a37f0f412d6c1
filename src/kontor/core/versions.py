"""What two people may edit at once carries a version; whoever changes it says which one they saw."""

from kontor.core.errors import Kind, KontorError


class StaleVersion(KontorError):
    kind, code = Kind.STALE, "http.stale"

    def __init__(self, current: int) -> None:
        super().__init__(
            "It was changed meanwhile. Load it again and repeat your change.", details={"current": current}
        )


def refuse_stale(current: int, seen: int | None) -> None:
    if seen is not None and seen != current:
        raise StaleVersion(current)
