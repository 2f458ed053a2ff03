"""Brings a database to the newest schema. All rooms' tables are in one chain of revisions (core/migrations)."""

import sqlite3
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from core.db import Database
from core.errors import Unavailable

_FOLDER = Path(__file__).with_name("migrations")
_LOCK = 7_214_806
"""Number of the advisory lock on PostgreSQL under which only one process migrates."""


def config() -> Config:
    """Alembic's configuration: only where the revisions are."""
    settings = Config()
    settings.set_main_option("script_location", str(_FOLDER))
    return settings


def newest() -> str:
    """The revision that this code expects."""
    head = ScriptDirectory.from_config(config()).get_current_head()
    if head is None:
        raise RuntimeError(f"no revision in {_FOLDER.name}/versions: the installation is incomplete")
    return head


async def upgrade(database_url: str) -> None:
    """Make the schema the newest one, in one transaction; nothing to do is not an error.

    Several processes may start at once: one migrates, the others wait for it. Raises Unavailable when the database
    cannot be opened, and what the driver raises when it then refuses.
    """
    database = Database(database_url)
    try:
        await _open(database)
        async with database.engine.begin() as connection:
            await connection.run_sync(_upgrade)
    finally:
        await database.close()


async def _open(database: Database) -> None:
    url = database.engine.url
    try:
        if url.get_backend_name() == "sqlite" and url.database:
            # Its driver's thread outlives a failed opening, and then complains to a loop that has ended.
            sqlite3.connect(url.database).close()
        await database.ping()
    except Exception as error:  # whatever the driver raises; asyncpg's own errors have no common base with others
        where = url.render_as_string()
        why = (str(getattr(error, "orig", None) or error) or type(error).__name__).splitlines()[0]
        raise Unavailable(
            f"The database {where} cannot be opened: {why}.",
            "Check that it runs, that ONECALL_DATABASE_URL or ONECALL_STATE is right, and who may write there.",
        ) from error


async def revision(database_url: str) -> str | None:
    """The revision a database is at; None for an empty one."""
    database = Database(database_url)
    try:
        async with database.engine.connect() as connection:
            return await connection.run_sync(lambda plain: MigrationContext.configure(plain).get_current_revision())
    finally:
        await database.close()


def _upgrade(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    settings = config()
    settings.attributes["connection"] = connection
    command.upgrade(settings, "head")
