"""Where the database is: an external one by DATABASE_URL, otherwise the embedded one of the data folder."""

import hashlib
import hmac
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from pydantic import SecretStr

from kontor.core.errors import Kind, KontorError
from kontor.core.postgres import EmbeddedPostgres, PostgresServer, last_known
from kontor.core.settings import Settings


class NotRunning(KontorError):
    kind, code = Kind.UNAVAILABLE, "postgres.not_running"

    def __init__(self, data_dir: Path) -> None:
        super().__init__(
            f"No Kontor runs on {data_dir}. Start it with `kontor` (or name its folder with --data), "
            "or set DATABASE_URL to a PostgreSQL of your own."
        )


class NoApplicationPassword(KontorError):
    kind, code = Kind.UNAVAILABLE, "database.no_application_password"

    def __init__(self) -> None:
        super().__init__(
            "DATABASE_URL holds no password, so none can be derived for the application's own role. "
            "Set DATABASE_APP_URL as well; docs/operations says how to make the role."
        )


@dataclass(frozen=True, slots=True)
class Addresses:
    owner_url: str
    app_url: str
    app_password: str | None  # None: the role and its password are looked after elsewhere (DATABASE_APP_URL)
    embedded: bool


def find(settings: Settings) -> Addresses:
    """For a process that does not run the server itself."""
    if settings.database_url is not None:
        return _external(settings, settings.database_url.get_secret_value())
    server = last_known(settings.kontor_data)
    if server is None:
        raise NotRunning(settings.kontor_data)
    return of_server(settings, server)


@contextmanager
def opened(settings: Settings, report: Callable[[str], None] = lambda line: None) -> Iterator[Addresses]:
    """For a single command: the running server, or one that runs only as long as the command."""
    if settings.database_url is not None:
        yield find(settings)
        return
    with EmbeddedPostgres(settings.kontor_data, report=report).running() as server:
        yield of_server(settings, server)


def of_server(settings: Settings, server: PostgresServer) -> Addresses:
    role = settings.database_app_role
    return Addresses(server.url(), server.url(user=role), server.password(role), embedded=True)


def filled_in(settings: Settings, addresses: Addresses) -> Settings:
    """The same settings with both addresses set, so that nobody below asks again where the database is."""
    found = {"database_url": SecretStr(addresses.owner_url), "database_app_url": SecretStr(addresses.app_url)}
    return settings.model_copy(update=found)


def _external(settings: Settings, owner_url: str) -> Addresses:
    if settings.database_app_url is not None:
        return Addresses(owner_url, settings.database_app_url.get_secret_value(), None, embedded=False)
    parts = urlsplit(owner_url)
    if not parts.password:
        raise NoApplicationPassword
    # Every replica derives the same password from what it already has; nothing more has to be handed around.
    role = settings.database_app_role
    password = hmac.new(unquote(parts.password).encode(), f"kontor:{role}".encode(), hashlib.sha256).hexdigest()
    place = parts.netloc.rpartition("@")[2]
    app_url = urlunsplit(parts._replace(netloc=f"{quote(role, safe='')}:{password}@{place}"))
    return Addresses(owner_url, app_url, password, embedded=False)
