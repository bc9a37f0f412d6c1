"""Where the database is: an external one by DATABASE_URL, otherwise the embedded one of the data folder."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

from pydantic import SecretStr

from kontor.core.errors import Kind, KontorError
from kontor.core.postgres import EmbeddedPostgres, last_known
from kontor.core.secrets import Secrets
from kontor.core.settings import Settings


class NotRunning(KontorError):
    kind, code = Kind.UNAVAILABLE, "postgres.not_running"

    def __init__(self, data_dir: Path) -> None:
        super().__init__(
            f"No Kontor runs on {data_dir}. Start it with `kontor` (or name its folder with --data), "
            "or set DATABASE_URL to a PostgreSQL of your own."
        )


@dataclass(frozen=True, slots=True)
class Addresses:
    owner_url: str  # for migrations and dumps
    app_url: str  # for everything else
    app_password: str | None  # None: DATABASE_APP_URL names a role that somebody else looks after


def find(settings: Settings, secrets: Secrets) -> Addresses:
    """For a process that does not run the server itself. The server may be restarting: the caller tries again."""
    owner = owner_url(settings)
    if settings.database_app_url is not None:
        return Addresses(owner, settings.database_app_url.get_secret_value(), None)
    # Every replica derives the same password from the key that all of them have.
    password = secrets.derive("app-role-password").hex()
    return Addresses(owner, as_role(owner, settings.database_app_role, password), password)


def owner_url(settings: Settings) -> str:
    if settings.database_url is not None:
        return settings.database_url.get_secret_value()
    server = last_known(settings.kontor_data)
    if server is None:
        raise NotRunning(settings.kontor_data)
    return server.url()


def as_role(url: str, role: str, password: str) -> str:
    """The same database by another role; host, port and options stay."""
    parts = urlsplit(url)
    place = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{quote(role, safe='')}:{quote(password, safe='')}@{place}"))


@contextmanager
def opened(settings: Settings, report: Callable[[str], None] = lambda line: None) -> Iterator[Settings]:
    """For a single command: settings that name a running database. The embedded server is started when none runs."""
    if settings.database_url is not None:
        yield settings
        return
    with EmbeddedPostgres(settings.kontor_data, report=report).running() as server:
        yield settings.model_copy(update={"database_url": SecretStr(server.url())})
