"""What every process builds once at start and passes on: the parts of the core, plugged together."""

from dataclasses import dataclass

from kontor.core.database import Database
from kontor.core.secrets import Secrets
from kontor.core.settings import Settings


@dataclass(slots=True)
class Kernel:
    settings: Settings
    database: Database
    secrets: Secrets
