"""The chain of revisions and the models of all rooms are one and the same schema."""

import asyncio
import importlib.util
import warnings
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import produce_migrations, render_python_code
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from core.db import Base, Database
from core.migrate import config, newest, revision, upgrade

TABLES = ["core.journal", *(f"{room}.model" for room in ("acd", "cti", "ivr", "tickets", "api"))]


def _missing(connection: Connection) -> str:
    """What a new revision would have to do, as code to start it from."""
    for module in TABLES:
        if importlib.util.find_spec(module):
            importlib.import_module(module)
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        steps = produce_migrations(context, Base.metadata).upgrade_ops
    return "" if steps is None or steps.is_empty() else render_python_code(steps, migration_context=context)


async def test_the_migrated_schema_is_exactly_what_the_models_say(database: Database) -> None:
    async with database.engine.connect() as connection:
        assert await connection.run_sync(_missing) == "", "the chain needs a revision with these steps"


async def test_migrating_twice_changes_nothing_and_the_revision_is_the_newest(database: Database) -> None:
    await upgrade(database.url)
    assert await revision(database.url) == newest()


async def test_processes_that_start_together_migrate_once(scratch_postgres_url: str) -> None:
    await asyncio.gather(*(upgrade(scratch_postgres_url) for _ in range(4)))
    assert await revision(scratch_postgres_url) == newest()


async def test_every_revision_can_be_taken_back(database: Database) -> None:
    def back(connection: Connection) -> None:
        settings = config()
        settings.attributes["connection"] = connection
        command.downgrade(settings, "base")

    async with database.engine.begin() as connection:
        await connection.run_sync(back)
    await upgrade(database.url)
    assert await revision(database.url) == newest()


async def test_history_can_neither_be_changed_nor_deleted(database: Database) -> None:
    async with database.session() as session:
        await session.execute(
            text(
                "INSERT INTO ticket_event (at, by_id, by_name, kind, before, after, system) "
                "VALUES (1, 'a', 'A', 'opened', '{}', '{}', false)"
            )
        )
    for forbidden in ("UPDATE ticket_event SET by_name = 'B'", "DELETE FROM ticket_event"):
        with pytest.raises(DBAPIError, match="history is append only"):
            async with database.session() as session:
                await session.execute(text(forbidden))


async def test_an_empty_database_has_no_revision(tmp_path: Path) -> None:
    assert await revision(f"sqlite+aiosqlite:///{tmp_path / 'new.db'}") is None
