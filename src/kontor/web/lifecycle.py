"""Where the process stands in its life. Health tells it, streams listen to it, the gate acts on it."""

import asyncio
from collections.abc import Callable
from enum import StrEnum

from kontor.core.errors import Kind, KontorError


class Phase(StrEnum):
    STARTING = "starting"
    SERVING = "serving"
    DRAINING = "draining"


class Starting(KontorError):
    kind, code = Kind.UNAVAILABLE, "http.starting"

    def __init__(self) -> None:
        super().__init__("Kontor is starting. Try again in a moment.", retry_after=1)


class Lifecycle:
    def __init__(self, *, phase: Phase = Phase.STARTING) -> None:
        self.phase = phase
        self.step = "settings"  # what the start is busy with, in a word
        self.draining = asyncio.Event()
        self.failure: Exception | None = None
        self.on_failure: Callable[[], None] = lambda: None

    @property
    def is_serving(self) -> bool:
        return self.phase is Phase.SERVING

    def serve(self) -> None:
        if self.phase is Phase.STARTING:
            self.phase = Phase.SERVING

    def drain(self) -> None:
        """From now on: not ready, streams end, connections are closed after their answer."""
        self.phase = Phase.DRAINING
        self.draining.set()

    def fail(self, error: Exception) -> None:
        """The start did not succeed; whoever runs the server ends it."""
        self.failure = error
        self.step = str(error) if isinstance(error, KontorError) else type(error).__name__
        self.on_failure()
