"""The time of day, always aware and in UTC, and movable by tests."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta


class Clock:
    """Real time plus an offset; only tests set the offset."""

    def __init__(self) -> None:
        self._offset = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self._offset

    def advance(self, by: timedelta) -> None:
        self._offset += by

    def set(self, at: datetime) -> None:
        self._offset = at - datetime.now(UTC)

    def reset(self) -> None:
        self._offset = timedelta()


clock = Clock()


def now() -> datetime:
    return clock.now()


@contextmanager
def moved(by: timedelta) -> Iterator[None]:
    """Run a block as if `by` had passed."""
    clock.advance(by)
    try:
        yield
    finally:
        clock.advance(-by)
