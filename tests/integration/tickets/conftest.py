"""Databases with the newest schema, one of each engine that is supported, empty at the start of every test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import text

from core.db import Database
from core.migrate import upgrade
from tests.integration.tickets.world import World


@pytest.fixture(params=["sqlite", "postgresql"])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    """A migrated, empty database: each test that takes it runs once on SQLite and once on PostgreSQL."""
    url = f"sqlite+aiosqlite:///{tmp_path / 'onecall.db'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres_url")
        await _empty(url)
    await upgrade(url)
    database = Database(url, pool_size=5)
    yield database
    await database.close()


@pytest.fixture
async def empty_postgres_url(postgres_url: str) -> str:
    """URL of a PostgreSQL database without any table."""
    await _empty(postgres_url)
    return postgres_url


async def _empty(url: str) -> None:
    """Throw away everything in a PostgreSQL database."""
    database = Database(url)
    async with database.engine.begin() as connection:
        await connection.execute(text("DROP SCHEMA public CASCADE"))
        await connection.execute(text("CREATE SCHEMA public"))
    await database.close()


@pytest.fixture
async def world(database: Database) -> World:
    """A small operation on that database."""
    world = World(database)
    await world.furnish()
    return world
