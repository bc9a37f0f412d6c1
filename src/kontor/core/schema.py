"""The schema's state and its migrations, run at start: one runner at a time, a dump before each upgrade."""

import asyncio
import hashlib
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import asyncpg
import structlog
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

import kontor.migrations
from kontor.core.database import async_url
from kontor.core.errors import Kind, KontorError

log = structlog.get_logger(__name__)

# Any fixed number; it keeps two programs from migrating at once.
MIGRATION_LOCK = 0x4B6F6E746F72
CONNECT_ATTEMPTS = 30

Dump = Callable[[str], Awaitable[Path | None]]


class SchemaNewer(KontorError):
    kind, code = Kind.UNAVAILABLE, "database.schema_newer"

    def __init__(self, found: str) -> None:
        super().__init__(
            f"The database was written by a newer Kontor (schema {found}). Start that version, or restore the dump "
            "that was taken before its upgrade."
        )


class SchemaBroken(KontorError):
    kind, code = Kind.UNAVAILABLE, "database.schema_half_migrated"


class DatabaseUnreachable(KontorError):
    kind, code = Kind.UNAVAILABLE, "database.unreachable"


class RoleTooStrong(KontorError):
    kind, code = Kind.UNAVAILABLE, "database.role_too_strong"

    def __init__(self, role: str) -> None:
        super().__init__(
            f"The application's role {role} could step around row-level security (it is a superuser, has BYPASSRLS or "
            "owns tables). Use a role of its own; `kontor doctor` says how."
        )


@dataclass(frozen=True)
class SchemaState:
    found: str | None
    head: str

    @property
    def is_current(self) -> bool:
        return self.found == self.head


@cache
def revisions() -> tuple[str, ...]:
    """All revisions that this program knows, oldest first: the numbers that the files' names begin with."""
    folder = Path(kontor.migrations.__file__).parent / "versions"
    return tuple(sorted(path.name.partition("_")[0] for path in folder.glob("[0-9]*_*.py")))


def head() -> str:
    return revisions()[-1]


def upgrade(connection: Connection, *, app_role: str, to: str) -> None:
    # Ten megabytes that only an upgrade needs; most starts find nothing to do.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(kontor.migrations.__file__).parent))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    config.attributes["app_role"] = app_role
    command.upgrade(config, to)


async def read_state(connection: AsyncConnection) -> SchemaState:
    if await connection.scalar(text("SELECT to_regclass('public.alembic_version')")) is None:
        return SchemaState(None, head())
    found = await connection.scalar(text("SELECT version_num FROM alembic_version"))
    return SchemaState(found, head())


def refuse_foreign(state: SchemaState) -> None:
    if state.found is not None and state.found not in revisions():
        raise SchemaNewer(state.found)


async def migrate(
    owner_url: str, *, app_role: str, app_password: str | None, dump: Dump | None = None, to: str = "head"
) -> SchemaState:
    """Bring the schema to this program's head. Safe to call from several processes at once."""
    engine = create_async_engine(async_url(owner_url), poolclass=NullPool)
    try:
        async with engine.connect() as connection:
            # A session lock: it survives the commits between migrations and dies with us.
            await connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": MIGRATION_LOCK})
            await connection.commit()
            state = await read_state(connection)
            refuse_foreign(state)
            await refuse_half_migrated(connection, state)
            await make_app_role(connection, app_role, app_password)
            if not state.is_current:
                if state.found is not None and dump is not None:
                    path = await dump(state.found)
                    log.info("schema.dumped", path=str(path), revision=state.found)
                log.info("schema.migrating", found=state.found, head=state.head)
                await connection.run_sync(lambda sync: upgrade(sync, app_role=app_role, to=to))
            await connection.commit()
            return await read_state(connection)
    finally:
        await engine.dispose()


async def refuse_half_migrated(connection: AsyncConnection, state: SchemaState) -> None:
    """Each migration is one transaction, so a table without a revision was made by something else."""
    if state.found is not None:
        return
    stray = await connection.scalar(text("SELECT to_regclass('public.installation')"))
    if stray is not None:
        raise SchemaBroken(
            "The database holds Kontor's tables but no record of their revision. Restore a backup, or name an empty "
            "database in DATABASE_URL."
        )


async def make_app_role(connection: AsyncConnection, role: str, password: str | None) -> None:
    """The role that the application connects as: it owns nothing and cannot bypass row-level security."""
    exists = await connection.scalar(text("SELECT 1 FROM pg_roles WHERE rolname = :role"), {"role": role})
    if password is not None:
        secret = scram_verifier(password, salt=hashlib.sha256(f"{role}:{password}".encode()).digest()[:16])
        # Neither name nor verifier can be bound parameters; the settings checked the one, the other is base64.
        # An owner that is no superuser may set the password of a role it made, and none of the rest.
        options = "LOGIN" if exists else "LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOCREATEDB NOREPLICATION"
        verb = "ALTER" if exists else "CREATE"
        await connection.exec_driver_sql(f"{verb} ROLE {role} {options} PASSWORD '{secret}'")
    elif not exists:
        raise DatabaseUnreachable(f"The role {role}, named in DATABASE_APP_URL, does not exist.")
    database = await connection.scalar(text("SELECT quote_ident(current_database())"))
    await connection.exec_driver_sql(f"GRANT CONNECT ON DATABASE {database} TO {role}")
    await connection.commit()


def scram_verifier(password: str, *, salt: bytes, iterations: int = 4096) -> str:
    """What PostgreSQL stores for a SCRAM password, so that the password itself never stands in a statement or log."""
    import base64
    import hmac

    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, iterations)
    client_key = hmac.digest(salted, b"Client Key", "sha256")
    server_key = hmac.digest(salted, b"Server Key", "sha256")
    stored_key = hashlib.sha256(client_key).digest()

    def b64(raw: bytes) -> str:
        return base64.b64encode(raw).decode()

    return f"SCRAM-SHA-256${iterations}:{b64(salt)}${b64(stored_key)}:{b64(server_key)}"


ROLE_QUESTION = """
    SELECT current_user AS role, rolsuper OR rolbypassrls OR EXISTS (
        SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p')
          AND pg_has_role(current_user, c.relowner, 'USAGE')
    ) AS too_strong
    FROM pg_roles WHERE rolname = current_user
"""


async def check_role(connection: AsyncConnection) -> None:
    """Refuse to serve people as a role for which the second wall does not stand."""
    row = (await connection.execute(text(ROLE_QUESTION))).one()
    if row.too_strong:
        raise RoleTooStrong(row.role)


async def wait_for_database(url: str, *, attempts: int = CONNECT_ATTEMPTS, pause_seconds: float = 0.1) -> None:
    """Try until the database answers, with growing pauses; each failure is a line in the log."""
    dsn = "postgresql://" + async_url(url).split("://", 1)[1]
    for attempt in range(1, attempts + 1):
        try:
            connection = await asyncpg.connect(dsn, timeout=10)
        except (OSError, asyncpg.PostgresError, TimeoutError) as reason:
            if isinstance(reason, asyncpg.InvalidPasswordError | asyncpg.InvalidCatalogNameError):
                raise DatabaseUnreachable(f"The database refuses the connection: {reason}.") from reason
            if attempt == attempts:
                raise DatabaseUnreachable(f"The database did not answer in {attempts} attempts: {reason}.") from reason
            log.warning("database.waiting", attempt=attempt, of=attempts, reason=str(reason) or type(reason).__name__)
            await asyncio.sleep(min(5.0, pause_seconds * 2 ** (attempt - 1)))
        else:
            await connection.close()
            return


def dump_name(revision: str, *, stamp: str) -> str:
    return f"before-{revision}-{stamp}-{os.getpid()}.dump"
