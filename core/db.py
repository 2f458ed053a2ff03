"""The database: one declarative base for all rooms' tables, sessions, and column types that hold on every engine."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, nullcontext
from datetime import UTC, datetime
from time import monotonic
from typing import Any

from sqlalchemy import JSON, BigInteger, Connection, DateTime, Dialect, Engine, Integer, MetaData, event, make_url, text
from sqlalchemy.exc import (
    DataError,
    DBAPIError,
    IntegrityError,
    NotSupportedError,
    OperationalError,
    PendingRollbackError,
    ProgrammingError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.types import TypeDecorator
from sqlalchemy.util import await_only

from core.sqlite_at_once import engine_at_once, sessions_at_once

_LOOK_AGAIN = 0.005
_NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """Base of every table. `dict[str, Any]` and `list[Any]` columns are JSON."""

    metadata = MetaData(naming_convention=_NAMES)
    type_annotation_map = {dict[str, Any]: JSON, list[Any]: JSON, list[str]: JSON}  # noqa: RUF012


class Utc(TypeDecorator[datetime]):
    """An instant: aware datetimes in and out, UTC in storage. A naive datetime is refused with ValueError."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """To storage: UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("an instant without a time zone cannot be stored")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """From storage: aware, also on engines that keep no zone."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


BigId = BigInteger().with_variant(Integer(), "sqlite")
"""An ascending 64-bit key (SQLite counts only in columns of type INTEGER)."""


class Database:
    """Engine and sessions of one database URL (`sqlite+aiosqlite:///...` or `postgresql+asyncpg://...`).

    `at_once`: statements on SQLite run in the event loop, not in threads (see `core.sqlite_at_once`).
    """

    def __init__(self, url: str, *, busy_timeout: float = 5.0, pool_size: int = 10, at_once: bool = False) -> None:
        self.url = url
        sqlite = url.startswith("sqlite")
        options: dict[str, Any] = {} if sqlite else {"pool_size": pool_size, "pool_pre_ping": True}
        self.engine: AsyncEngine = create_async_engine(url, **options)
        self._sessions = async_sessionmaker(self.engine, expire_on_commit=False)
        self._readings = async_sessionmaker(self.engine.execution_options(reading=True), expire_on_commit=False)
        self._writer: asyncio.Lock | None = asyncio.Lock() if sqlite else None
        self._at_once: Engine | None = None
        if sqlite:
            _prepare_sqlite(self.engine.sync_engine, busy_timeout, 0)
        if sqlite and at_once:
            self._at_once = engine_at_once(make_url(url).database or "")
            _prepare_sqlite(self._at_once, 0, busy_timeout)
            self._sessions = sessions_at_once(self._at_once)
            self._readings = sessions_at_once(self._at_once.execution_options(reading=True))

    @asynccontextmanager
    async def session(self) -> AsyncIterator[AsyncSession]:
        """One unit of work: commits at the end, rolls back on any exception.

        SQLite has one writer at a time: units of work of this process take turns, first come first served, instead of
        knocking at its lock. So one must not be opened inside another.
        """
        async with self._writer or nullcontext(), self._sessions() as session, session.begin():
            yield session

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncSession]:
        """A session that only reads: it never waits for a writer. What it changed is thrown away."""
        async with self._readings() as session:
            yield session

    async def ping(self) -> None:
        """Raises whatever the driver raises when the database does not answer."""
        async with self.engine.connect() as connection:
            await connection.execute(text("SELECT 1"))

    async def close(self) -> None:
        """Close all connections."""
        await self.engine.dispose()
        if self._at_once is not None:
            self._at_once.dispose()


_WRONG_DATA = (DataError, IntegrityError, NotSupportedError, ProgrammingError)
_WRONG_DATA_STATES = ("21", "22", "23", "42", "44", "54", "P0")
_NOT_ALLOWED = "42501"
"""SQLSTATE of a missing privilege: the administrator's to mend, no fault of the statement."""


def is_wrong_data(error: BaseException) -> bool:
    """Whether a unit of work failed by what it was to store or by its own code, so that trying again cannot help.

    False for everything that passes: the database away, stopped, locked, full, a deadlock, a switch-over. Classes of
    SQLSTATE: https://www.postgresql.org/docs/current/errcodes-appendix.html.
    """
    if isinstance(error, DBAPIError):
        state = getattr(error.orig, "sqlstate", None)
        if state:
            return str(state).startswith(_WRONG_DATA_STATES) and state != _NOT_ALLOWED
        # asyncpg says by a ValueError of its own that it cannot even send the value.
        refused_unsent = error.orig is not None and isinstance(error.orig.__cause__, ValueError)
        return isinstance(error, _WRONG_DATA) or refused_unsent
    return isinstance(error, Exception) and not isinstance(error, (OSError, PendingRollbackError, PoolTimeout))


def _prepare_sqlite(engine: Engine, driver_waits: float, we_wait: float) -> None:
    """For how long (seconds) the driver and we wait for a lock: the driver holds up its thread meanwhile."""
    event.listen(engine, "connect", _sqlite_pragmas(driver_waits))
    event.listen(engine, "begin", _sqlite_begin(we_wait))


def _sqlite_pragmas(busy_timeout: float) -> Any:
    def on_connect(connection: Any, _record: Any) -> None:
        # The driver's own implicit BEGIN would come too late for a read that is followed by a write.
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=NORMAL")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.execute(f"PRAGMA busy_timeout={int(busy_timeout * 1000)}")
        cursor.close()

    return on_connect


def _sqlite_begin(patience: float) -> Callable[[Connection], None]:
    """`patience`: seconds for which a lock that SQLite itself does not wait for is tried again."""

    def on_begin(connection: Connection) -> None:
        # IMMEDIATE takes the write lock at once, so that two units of work wait for each other instead of failing at
        # commit; a reading takes none.
        reading = connection.get_execution_options().get("reading", False)
        end = monotonic() + patience
        while True:
            try:
                connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")
                return
            except OperationalError as error:
                if "locked" not in str(error.orig) or monotonic() > end:
                    raise
            await_only(asyncio.sleep(_LOOK_AGAIN))

    return on_begin
