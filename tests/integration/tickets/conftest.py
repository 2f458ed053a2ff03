"""Databases with the newest schema, one of each engine that is supported, empty at the start of every test."""

import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from core.db import Database
from tests.integration.conftest import postgres_database
from tests.integration.tickets.world import World


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """URL of a migrated, empty database: each test that needs it runs once on SQLite and once on PostgreSQL."""
    if request.param == "sqlite":
        path = tmp_path / "onecall.db"
        shutil.copy(request.getfixturevalue("migrated_sqlite"), path)
        yield f"sqlite+aiosqlite:///{path}"
        return
    server, template = (request.getfixturevalue(name) for name in ("postgres_url", "migrated_postgres_url"))
    with postgres_database(server, template) as url:
        yield url


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """That database, open."""
    database = Database(database_url, pool_size=5)
    yield database
    await database.close()


@pytest.fixture
async def migrated_sqlite_world(migrated_sqlite: Path, tmp_path: Path) -> AsyncIterator[World]:
    """A small operation on SQLite, for what is particular to that engine."""
    path = tmp_path / "onecall.db"
    shutil.copy(migrated_sqlite, path)
    database = Database(f"sqlite+aiosqlite:///{path}")
    world = World(database)
    await world.furnish()
    yield world
    await database.close()


@pytest.fixture
async def world(database: Database) -> World:
    """A small operation on that database."""
    world = World(database)
    await world.furnish()
    return world
