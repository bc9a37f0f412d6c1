"""What every process builds once at start and passes on: the parts of the core, plugged together."""

from dataclasses import dataclass, field

from kontor.core.database import Database
from kontor.core.mail.service import Mailer, carrier_of
from kontor.core.secrets import Secrets
from kontor.core.settings import Settings
from kontor.core.trail import AuditTrail, NoTrail


@dataclass(slots=True)
class Kernel:
    settings: Settings
    database: Database
    secrets: Secrets
    trail: AuditTrail = field(default_factory=NoTrail)
    mailer: Mailer = field(init=False)

    def __post_init__(self) -> None:
        self.mailer = Mailer(self.settings, self.secrets, self.database, carrier_of(self.settings))
