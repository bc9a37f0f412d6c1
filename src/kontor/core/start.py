"""From settings to a running core, in the one order that is safe. The web and the worker both begin here."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import structlog

from kontor.core import addresses, schema
from kontor.core.addresses import Addresses
from kontor.core.database import Database
from kontor.core.dump import dump_before_upgrade
from kontor.core.kernel import Kernel
from kontor.core.secrets import Secrets
from kontor.core.settings import Settings
from kontor.core.vault.service import check_canary, plant_canary

log = structlog.get_logger(__name__)


async def prepare_schema(settings: Settings, place: Addresses) -> schema.SchemaState:
    """Wait for the database and bring its schema to this program's head, with a dump before each upgrade."""
    await schema.wait_for_database(place.owner_url)

    async def dump(revision: str) -> Path | None:
        if settings.kontor_dump == "off":
            return None
        return await dump_before_upgrade(place.owner_url, settings.kontor_data, revision)

    return await schema.migrate(
        place.owner_url, app_role=settings.database_app_role, app_password=place.app_password, dump=dump
    )


@asynccontextmanager
async def open_kernel(settings: Settings, report: Callable[[str], None] = lambda step: None) -> AsyncIterator[Kernel]:
    """`report` is told in a word what the start is busy with."""
    async with AsyncExitStack() as stack:
        report("keys")
        settings.kontor_data.mkdir(mode=0o700, parents=True, exist_ok=True)
        secrets = Secrets.load(settings)
        report("database")
        place = addresses.find(settings, secrets)
        state = await prepare_schema(settings, place)
        database = Database.connect(place.app_url, pool_size=settings.database_pool)
        stack.push_async_callback(database.close)
        assert database.engine is not None  # noqa: S101 - connect() has made one
        async with database.engine.connect() as connection:
            await schema.check_role(connection)
        report("vault")
        await plant_canary(database, secrets)
        await check_canary(database, secrets)
        report("parts")
        kernel = Kernel(settings, database, secrets)
        stack.push_async_callback(kernel.close)
        await stack.enter_async_context(kernel.listener.running())
        log.info("kernel.open", schema=state.found, embedded=settings.database_url is None)
        yield kernel
