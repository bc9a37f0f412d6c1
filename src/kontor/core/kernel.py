"""What every process builds once at start and passes on: the parts of the core, plugged together."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from kontor.core.blobs.service import Blobs
from kontor.core.database import Database
from kontor.core.events.listener import Listener
from kontor.core.events.stream import EventStream
from kontor.core.fetch import Fetcher
from kontor.core.jobs.kinds import Registry
from kontor.core.limits.rates import Limiter
from kontor.core.limits.throttle import SignInThrottle
from kontor.core.mail.service import Mailer, carrier_of
from kontor.core.secrets import Secrets
from kontor.core.settings import Settings
from kontor.core.trail import AuditTrail, NoTrail
from kontor.core.vault.service import Vault


@dataclass(slots=True)
class Kernel:
    settings: Settings
    database: Database
    secrets: Secrets
    trail: AuditTrail = field(default_factory=NoTrail)
    vault: Vault = field(init=False)
    listener: Listener = field(init=False)
    events: EventStream = field(init=False)
    jobs: Registry = field(init=False, default_factory=Registry)
    blobs: Blobs = field(init=False)
    fetcher: Fetcher = field(init=False)
    mailer: Mailer = field(init=False)
    limiter: Limiter = field(init=False)
    throttle: SignInThrottle = field(init=False)
    _closers: list[Callable[[], Awaitable[None]]] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        self.vault = Vault(self.secrets)
        engine = self.database.engine
        self.listener = Listener(None if engine is None else engine.url.render_as_string(hide_password=False))
        self.events = EventStream(self.database, self.listener)
        self.blobs = Blobs.of(self.settings, self.database, self.secrets)
        self.fetcher = Fetcher.of(self.settings)
        self.mailer = Mailer(self.settings, self.secrets, self.database, carrier_of(self.settings))
        self.limiter = Limiter.of(self.settings)
        self.throttle = SignInThrottle.of(self.settings)

    def close_with(self, close: Callable[[], Awaitable[None]]) -> None:
        """For what a domain has built upon this kernel and holds connections."""
        self._closers.append(close)

    async def close(self) -> None:
        """What holds connections of its own, the database and the listener excepted: they end with their owners."""
        for close in reversed(self._closers):
            await close()
        await self.fetcher.close()
        await self.limiter.close()
        await self.throttle.close()
