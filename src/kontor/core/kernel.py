"""What every process builds once at start and passes on: the parts of the core, plugged together."""

from dataclasses import dataclass, field

from kontor.core.database import Database
from kontor.core.events.listener import Listener
from kontor.core.events.stream import EventStream
from kontor.core.jobs.kinds import Registry
from kontor.core.secrets import Secrets
from kontor.core.settings import Settings


@dataclass(slots=True)
class Kernel:
    settings: Settings
    database: Database
    secrets: Secrets
    listener: Listener = field(init=False)
    events: EventStream = field(init=False)
    jobs: Registry = field(init=False, default_factory=Registry)

    def __post_init__(self) -> None:
        engine = self.database.engine
        self.listener = Listener(None if engine is None else engine.url.render_as_string(hide_password=False))
        self.events = EventStream(self.database, self.listener)
