"""What can be wrong with an installation, asked one thing at a time. `kontor doctor` prints it, two routes return it.

A check finds a fact and never mends anything. What a person reads about it stands in `doctor_texts`.
"""

import asyncio
import os
import re
import shutil
import ssl
import stat
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import asyncpg

from kontor.core import addresses, ports, schema
from kontor.core.doctor_texts import ADVICE, TITLES, Language
from kontor.core.errors import KontorError
from kontor.core.loopback import is_loopback
from kontor.core.secrets import FILE_NAME, MasterKeyUnusable, Secrets
from kontor.core.settings import Settings

State = Literal["ok", "warn", "fail", "skip"]

PATIENCE_SECONDS = 5.0
FEW_FILES, TOO_FEW_FILES = 4096, 1024
SKEW_SECONDS, GREAT_SKEW_SECONDS = 5.0, 60.0
LEAST_SERVER_VERSION = 160_000
STREAM_SPREAD_SECONDS = 0.4  # /health/stream takes 0.8 s; one that is held back arrives at once


@dataclass(frozen=True, slots=True)
class Check:
    """One answer. `value` is a fact without a language; `advice` is a key of the texts, with what to fill in."""

    id: str
    state: State
    value: str = ""
    advice: str | None = None
    filled_in: Mapping[str, str] = field(default_factory=dict)

    def title(self, language: Language) -> str:
        return TITLES[self.id][language]

    def advise(self, language: Language) -> str:
        return ADVICE[self.advice][language].format_map(self.filled_in) if self.advice else ""


def good(check_id: str, value: object = "") -> Check:
    return Check(check_id, "ok", str(value))


def bad(check_id: str, state: State, advice: str, value: object = "", **filled_in: object) -> Check:
    return Check(check_id, state, str(value), advice, {name: str(found) for name, found in filled_in.items()})


async def run_checks(settings: Settings, *, is_serving: bool = False) -> list[Check]:
    """All of them, in the order in which one would mend things. `is_serving`: asked from inside the web process."""
    first = [check_data_folder(settings), check_disk(settings), check_key(settings), check_web_app()]
    if not is_serving:
        first.append(await check_port(settings))
    rest = await asyncio.gather(
        check_database(settings),
        guarded("redis", check_redis(settings)),
        guarded("mail", check_mail(settings)),
        guarded("stream", check_stream(settings)),
    )
    last = [check_address(settings), check_files_limit()]
    return [*first, *rest[0], *rest[1:], *last]


async def guarded(check_id: str, work: Awaitable[Check]) -> Check:
    """Other people's libraries raise whatever they like; none of it may end the other checks."""
    try:
        async with asyncio.timeout(PATIENCE_SECONDS + 1):
            return await work
    except Exception as error:
        return bad(check_id, "fail", f"{check_id}.unreachable", name_of(error), reason=name_of(error))


def check_data_folder(settings: Settings) -> Check:
    folder = settings.kontor_data
    if not folder.exists():
        above = next(place for place in folder.parents if place.exists())
        if not above.is_dir() or not os.access(above, os.W_OK):
            return bad("data", "fail", "data.cannot_make", folder, folder=folder, above=above)
        return Check("data", "skip", str(folder))
    if not folder.is_dir() or not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        return bad("data", "fail", "data.no_access", folder, folder=folder)
    if folder.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH | stat.S_IWGRP | stat.S_IWOTH):
        return bad("data", "warn", "data.open", folder, folder=folder)
    return good("data", folder)


def check_disk(settings: Settings) -> Check:
    place = next(place for place in (settings.kontor_data, *settings.kontor_data.parents) if place.exists())
    usage = shutil.disk_usage(place)
    value = f"{size(usage.free)} / {size(usage.total)}"
    needed = size(settings.kontor_min_free_bytes)
    if usage.free < settings.kontor_min_free_bytes:
        return bad("disk", "fail", "disk.full", value, folder=place, needed=needed)
    if usage.free < 4 * settings.kontor_min_free_bytes:
        return bad("disk", "warn", "disk.nearly_full", value, folder=place, needed=needed)
    return good("disk", value)


def check_key(settings: Settings) -> Check:
    path = settings.kontor_data / FILE_NAME
    if settings.kontor_master_key is None and not path.exists():
        return Check("key", "skip")
    if settings.kontor_master_key is None:
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & 0o077:
            return bad("key", "fail", "key.open", f"{mode:04o}", path=path)
        if not os.access(path, os.R_OK):
            return bad("key", "fail", "key.unreadable", path, path=path)
    try:
        found = Secrets.load(settings)
    except MasterKeyUnusable as error:
        return bad("key", "fail", "key.unusable", error.message, reason=error.message)
    return good("key", found.source)


def check_web_app() -> Check:
    # The layer above serves it; whether it is there is a fact about the files of this package.
    page = Path(__file__).parent.parent / "_ui" / "index.html"
    return good("app") if page.exists() else bad("app", "fail", "app.missing", page)


async def check_port(settings: Settings) -> Check:
    place = f"{settings.kontor_host}:{settings.kontor_port}"
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.kontor_host, settings.kontor_host)  # noqa: S104 - compared
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            reader, writer = await asyncio.open_connection(host, settings.kontor_port)
            writer.write(f"GET /health/ready HTTP/1.0\r\nHost: {host}:{settings.kontor_port}\r\n\r\n".encode())
            answer = await reader.readline()
            body = await reader.read(65536)
            writer.close()
    except ConnectionRefusedError:
        return good("port", place)
    except (OSError, TimeoutError):
        answer, body = b"", b""
    if b" 200 " in answer and b'"checks"' in body:
        return Check("port", "ok", f"{place}, Kontor")
    if b" 503 " in answer and b'"checks"' in body:
        return bad("port", "warn", "port.not_ready", place)
    holder = ports.holder_of(settings.kontor_port)
    name = f"{holder.name}, {holder.pid}" if holder else "?"
    return bad("port", "fail", "port.taken", f"{place}: {name}", port=settings.kontor_port, holder=name,
               other=settings.kontor_port + 1)  # fmt: skip


def check_files_limit() -> Check:
    import resource

    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= FEW_FILES:
        return good("files", "∞" if soft == resource.RLIM_INFINITY else soft)
    return bad("files", "fail" if soft < TOO_FEW_FILES else "warn", "files.few", soft, wanted=FEW_FILES)


def check_address(settings: Settings) -> Check:
    url = settings.public_url
    if settings.is_loopback and settings.kontor_url is None:
        return good("address", url)
    if settings.kontor_url is None:
        return bad("address", "warn", "address.unnamed", url)
    if not url.startswith("https://") and not is_loopback(urlsplit(url).hostname):
        return bad("address", "warn", "address.plain", url)
    return good("address", url)


Question = Callable[[asyncpg.Connection], Awaitable[Check]]


async def check_database(settings: Settings) -> list[Check]:
    """As its owner first, because that tells most; then as the application's role."""
    try:
        owner_url = addresses.owner_url(settings)
    except KontorError as error:
        return [bad("database", "fail", "database.refused", error.code, reason=error.message)]
    found: list[Check] = []
    try:
        async with connected(owner_url) as connection:
            began = time.perf_counter()
            await connection.fetchval("SELECT 1")
            took = milliseconds(time.perf_counter() - began)
            version = str(await connection.fetchval("SHOW server_version")).split()[0]
            number = int(await connection.fetchval("SHOW server_version_num"))
            value = f"PostgreSQL {version}, {took}"
            if number < LEAST_SERVER_VERSION:
                found.append(bad("database", "fail", "database.old", value))
            else:
                found.append(good("database", value))
            questions: tuple[Question, ...] = (check_vector, check_schema, check_clock, check_connections)
            found += [await question(connection) for question in questions]
            if settings.database_url is not None and settings.kontor_dump == "on":
                found.append(await check_dump(connection))
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, ValueError) as error:
        return [*found, bad("database", "fail", why_unreachable(error), name_of(error), reason=name_of(error))]
    found.append(await check_role(settings))
    return found


async def check_vector(connection: asyncpg.Connection) -> Check:
    installed = await connection.fetchval("SELECT extversion FROM pg_extension WHERE extname = 'vector'")
    if installed is not None:
        return good("vector", installed)
    available = await connection.fetchval("SELECT default_version FROM pg_available_extensions WHERE name = 'vector'")
    return bad("vector", "fail", "vector.not_created" if available else "vector.missing", available or "")


async def check_schema(connection: asyncpg.Connection) -> Check:
    if await connection.fetchval("SELECT to_regclass('public.alembic_version')") is None:
        if await connection.fetchval("SELECT to_regclass('public.installation')") is not None:
            return bad("schema", "fail", "schema.broken")
        return Check("schema", "skip")
    found = await connection.fetchval("SELECT version_num FROM alembic_version")
    if found not in schema.revisions():
        return bad("schema", "fail", "schema.newer", found, found=found, head=schema.head())
    if found != schema.head():
        return bad("schema", "warn", "schema.older", f"{found} < {schema.head()}", found=found, head=schema.head())
    return good("schema", found)


async def check_clock(connection: asyncpg.Connection) -> Check:
    before = datetime.now(UTC)
    theirs: datetime = await connection.fetchval("SELECT clock_timestamp()")
    after = datetime.now(UTC)
    seconds = (theirs - (before + (after - before) / 2)).total_seconds()
    value = f"{seconds:+.1f} s"
    if abs(seconds) < SKEW_SECONDS:
        return good("clock", value)
    return bad("clock", "fail" if abs(seconds) > GREAT_SKEW_SECONDS else "warn", "clock.skew", value)


async def check_connections(connection: asyncpg.Connection) -> Check:
    most = int(await connection.fetchval("SHOW max_connections"))
    used = int(await connection.fetchval("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'"))
    value = f"{used} / {most}"
    return good("connections", value) if used < most * 0.9 else bad("connections", "warn", "connections.few", value)


async def check_dump(connection: asyncpg.Connection) -> Check:
    """An external owner must see every row, or the dump before an upgrade is refused. The embedded one has a way."""
    row = await connection.fetchrow(
        "SELECT rolname, rolsuper OR rolbypassrls AS sees_all FROM pg_roles WHERE rolname = current_user"
    )
    if row is None or row["sees_all"] or await owns_embedded(connection):
        return good("dump")
    return bad("dump", "warn", "dump.filtered", row["rolname"], owner=row["rolname"])


async def owns_embedded(connection: asyncpg.Connection) -> bool:
    """Commands reach the embedded server by an address too; it listens on no network."""
    return not await connection.fetchval("SHOW listen_addresses")


async def check_role(settings: Settings) -> Check:
    """Whether the second wall stands for the role that the application really uses."""
    try:
        place = addresses.find(settings, Secrets.load(settings))
    except KontorError as error:
        return bad("role", "fail", "role.unreachable", error.code, reason=error.message)
    try:
        async with connected(place.app_url) as connection:
            row = await connection.fetchrow(schema.ROLE_QUESTION)
    except asyncpg.InvalidPasswordError:
        # Made by the first migration; with a URL of its own it should be there.
        is_made_later = place.app_password is not None
        return Check("role", "skip") if is_made_later else bad("role", "fail", "role.refused")
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        return bad("role", "fail", "role.unreachable", name_of(error), reason=name_of(error))
    if row is not None and row["too_strong"]:
        return bad("role", "fail", "role.too_strong", row["role"], role=row["role"])
    return good("role", row["role"] if row is not None else "")


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[asyncpg.Connection]:
    plain = re.sub(r"^postgres(ql)?(\+asyncpg)?://", "postgresql://", url)
    connection = await asyncpg.connect(plain, timeout=PATIENCE_SECONDS, command_timeout=PATIENCE_SECONDS)
    try:
        yield connection
    finally:
        connection.terminate()


def why_unreachable(error: Exception) -> str:
    match error:
        case asyncpg.InvalidPasswordError() | asyncpg.InvalidAuthorizationSpecificationError():
            return "database.password"
        case asyncpg.InvalidCatalogNameError():
            return "database.no_such_database"
        case asyncpg.TooManyConnectionsError():
            return "database.too_many"
        case asyncpg.CannotConnectNowError():
            return "database.starting"
        case ValueError():
            return "database.bad_url"
    return "database.unreachable"


async def check_redis(settings: Settings) -> Check:
    if settings.redis_url is None:
        return Check("redis", "skip")
    from redis.asyncio import Redis

    client = Redis.from_url(settings.redis_url.get_secret_value(), socket_timeout=PATIENCE_SECONDS)
    try:
        began = time.perf_counter()
        await client.ping()
        return good("redis", milliseconds(time.perf_counter() - began))
    finally:
        await client.aclose()


async def check_mail(settings: Settings) -> Check:
    """Until the server's greeting: whether it takes our mail is told by the test mail in the administration."""
    if settings.smtp_url is None:
        return bad("mail", "warn", "mail.none") if settings.is_multi else Check("mail", "skip")
    parts = urlsplit(settings.smtp_url.get_secret_value())
    is_tls = parts.scheme == "smtps"
    port = parts.port or (465 if is_tls else 587)
    async with asyncio.timeout(PATIENCE_SECONDS):
        context = ssl.create_default_context() if is_tls else None
        reader, writer = await asyncio.open_connection(parts.hostname, port, ssl=context)
        greeting = await reader.readline()
        writer.close()
    if not greeting.startswith(b"220"):
        return bad("mail", "fail", "mail.unreachable", parts.hostname, reason=greeting.decode("ascii", "replace")[:80])
    return good("mail", f"{parts.hostname}:{port}")


async def check_stream(settings: Settings) -> Check:
    """Through the public address, as browsers come: whether a proxy keeps streams back until they are over."""
    if settings.kontor_url is None:
        return Check("stream", "skip")
    import aiohttp

    arrivals: list[float] = []
    async with (
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=PATIENCE_SECONDS)) as client,
        client.get(f"{settings.public_url}/health/stream", allow_redirects=False) as answer,
    ):
        if answer.status != 200:
            return bad("stream", "fail", "stream.unreachable", answer.status, reason=f"HTTP {answer.status}")
        async for _ in answer.content.iter_any():
            arrivals.append(time.monotonic())
    spread = arrivals[-1] - arrivals[0] if arrivals else 0.0
    if spread < STREAM_SPREAD_SECONDS:
        return bad("stream", "fail", "stream.held_back", milliseconds(spread))
    return good("stream", milliseconds(spread))


def name_of(error: Exception) -> str:
    """The first line of what it says: the rest may hold anything."""
    said = (str(error).splitlines() or [""])[0][:200]
    return said or type(error).__name__


def size(count: int) -> str:
    """In whole numbers: a point or comma would be wrong in one of the languages."""
    return f"{count / 1e9:.0f} GB" if count >= 1e10 else f"{count / 1e6:.0f} MB"


def milliseconds(seconds: float) -> str:
    return f"{max(1, round(seconds * 1000))} ms"
