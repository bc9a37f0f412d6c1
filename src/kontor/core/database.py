"""Sessions on PostgreSQL: one unit of work is one transaction, and its first statement says who is asking."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeVar

import orjson
import structlog
from sqlalchemy import MetaData, TextClause, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase

from kontor.core.outage import begun_in_time
from kontor.core.tenancy import Actor, Identity, Scope, SystemPurpose
from kontor.core.units import DirectUnit, Unit

log = structlog.get_logger(__name__)

NAMING = {
    "pk": "%(table_name)s_pkey",
    "uq": "%(table_name)s_%(column_0_N_name)s_key",
    "ix": "%(table_name)s_%(column_0_N_name)s_idx",
    "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
    "ck": "%(table_name)s_%(constraint_name)s_check",
}

# Both settings are local to the transaction; after its end PostgreSQL leaves '' behind, which policies read as nobody.
IDENTIFY = text("SELECT set_config('kontor.user_id', :user_id, true), set_config('kontor.scope', :scope, true)")

# For the few statements that every run goes through: they find their rows by keys, so they are planned once for each
# connection, and for tables that will be large, however empty they are at that moment.
BY_KEY = """
    set_config('plan_cache_mode', 'force_generic_plan', true), set_config('enable_seqscan', 'off', true),
    set_config('jit', 'off', true)
"""
IDENTIFY_BY_KEY = text(f"{IDENTIFY.text}, {BY_KEY}")

_AFTER_COMMIT = "kontor.after_commit"
_SCOPE = "kontor.scope"

CONNECT_SECONDS = 10.0
COMMAND_SECONDS = 60.0
CLOSE_SECONDS = 3.0


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMING)


Sessions = async_sessionmaker[AsyncSession]

F = TypeVar("F")


def _dumps(value: Any) -> str:
    return orjson.dumps(value).decode()


def async_url(url: str) -> str:
    """Accept the spelling that every other tool uses and name our driver."""
    for prefix in ("postgresql+asyncpg://", "postgresql://", "postgres://"):
        if url.startswith(prefix):
            return "postgresql+asyncpg://" + url[len(prefix) :]
    raise ValueError("DATABASE_URL must begin with postgresql://")


def plain_url(url: str) -> str:
    """As the driver itself wants it, without SQLAlchemy's name of the driver."""
    return "postgresql://" + async_url(url).split("://", 1)[1]


def make_engine(url: str, *, pool_size: int = 10) -> AsyncEngine:
    return create_async_engine(
        async_url(url),
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=15,
        pool_recycle=1800,
        hide_parameters=True,  # they are what people wrote, and errors end up in logs
        json_serializer=_dumps,
        json_deserializer=orjson.loads,
        connect_args={
            "timeout": CONNECT_SECONDS,
            "command_timeout": COMMAND_SECONDS,
            "server_settings": {"application_name": "kontor"},
        },
    )


class Database:
    """The only way to the tables. There is no session without an identity."""

    def __init__(self, sessions: Sessions, *, engine: AsyncEngine | None = None) -> None:
        self._sessions = sessions
        self._committed: dict[type[Any], list[Callable[[Any], None]]] = defaultdict(list)
        self.engine = engine

    @classmethod
    def connect(cls, url: str, *, pool_size: int = 10) -> "Database":
        engine = make_engine(url, pool_size=pool_size)
        return cls(async_sessionmaker(engine, expire_on_commit=False), engine=engine)

    @property
    def url(self) -> str:
        """For connections beside the pool."""
        if self.engine is None:
            raise RuntimeError("This database was built without an address.")
        return plain_url(self.engine.url.render_as_string(hide_password=False))

    @asynccontextmanager
    async def unit(self, who: Actor | Identity) -> AsyncIterator[AsyncSession]:
        """One transaction on somebody's behalf; committed when the block ends, rolled back when it raises."""
        identity = who.identity if isinstance(who, Actor) else who
        async with self._begun(identity) as session:
            yield session
        self._tell(session)

    @asynccontextmanager
    async def system(self, purpose: SystemPurpose, *, is_by_key: bool = False) -> AsyncIterator[AsyncSession]:
        """One transaction on nobody's behalf. The purpose is for the reader and for the statistics of slow queries.

        `is_by_key`: every statement in it finds its rows by an index, whatever the planner thinks of it.
        """
        async with self._begun(Identity(Scope.SYSTEM), IDENTIFY_BY_KEY if is_by_key else IDENTIFY) as session:
            session.info["purpose"] = purpose
            yield session
        self._tell(session)

    @asynccontextmanager
    async def _begun(self, identity: Identity, saying: TextClause = IDENTIFY) -> AsyncIterator[AsyncSession]:
        async with self._sessions() as session:
            await begun_in_time(lambda: identify(session, identity, saying), session.invalidate)
            try:
                yield session
            except BaseException:
                await session.rollback()
                raise
            await session.commit()

    def on_commit(self, fact: type[F], heard: Callable[[F], None]) -> None:
        """Called with what units of this process left by `tell_after_commit`."""
        self._committed[fact].append(heard)

    def _tell(self, session: AsyncSession) -> None:
        for fact in session.info.pop(_AFTER_COMMIT, ()):
            for heard in self._committed[type(fact)]:
                heard(fact)

    async def close(self) -> None:
        """A database that is silent is not taken leave of: that would take a minute for each connection."""
        if self.engine is None:
            return
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await self.engine.dispose()
        except TimeoutError:
            log.warning("database.left", reason="It did not answer when its connections were closed.")


def tell_after_commit(unit: AsyncSession, fact: object) -> None:
    """For this process alone, and lost with it: what must not be lost is published in the unit (`core.events`)."""
    unit.info.setdefault(_AFTER_COMMIT, []).append(fact)


async def identify(session: AsyncSession, identity: Identity, saying: TextClause = IDENTIFY) -> None:
    user_id = "" if identity.user_id is None else str(identity.user_id)
    await session.execute(saying, {"user_id": user_id, "scope": identity.scope.value})
    session.info[_SCOPE] = identity.scope


RAISE = text("SELECT current_setting('kontor.scope', true) AS before, set_config('kontor.scope', :scope, true)")
RESTORE = text("SELECT set_config('kontor.scope', :scope, true)")


@asynccontextmanager
async def elevated(unit: Unit, purpose: SystemPurpose) -> AsyncIterator[None]:
    """A few statements of a person's unit as the system, in the same transaction: what belongs to their deed and no
    statement of their own may write. Every value in them was checked before; nothing that a caller passed in is run.
    In a unit that is the system's already it costs nothing.
    """
    if isinstance(unit, DirectUnit) or unit.info.get(_SCOPE) is Scope.SYSTEM:
        yield
        return
    session = unit
    session.info["purpose"] = purpose
    before = (await session.execute(RAISE, {"scope": Scope.SYSTEM.value})).one().before or ""
    known, session.info[_SCOPE] = session.info.get(_SCOPE), Scope.SYSTEM
    try:
        yield
    except BaseException:
        session.info[_SCOPE] = known
        # After an error of the database, or without one, the transaction is over and the setting with it.
        with suppress(SQLAlchemyError):
            await session.execute(RESTORE, {"scope": before})
        raise
    session.info[_SCOPE] = known
    await session.execute(RESTORE, {"scope": before})
