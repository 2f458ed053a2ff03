"""A house for each test: its own database, a bus, a stub of routing, the API."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from core.bus import LocalBus
from core.db import Database
from core.migrate import upgrade
from tests.integration.api.house import House, build, seed
from tests.integration.api.stub_acd import StubAcd


@pytest.fixture(scope="session", autouse=True)
def cheap_hashes() -> Iterator[None]:
    """Argon2id as ever, but with little work: these tests sign in some hundred times."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("core.security._hasher", PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))
        yield


@pytest.fixture(scope="session")
def seeded_file(cheap_hashes: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated and seeded SQLite file, copied for each test."""
    path = tmp_path_factory.mktemp("seed") / "seed.db"
    url = f"sqlite+aiosqlite:///{path}"

    async def prepare() -> None:
        await upgrade(url)
        database = Database(url)
        await seed(database)
        await database.close()

    asyncio.run(prepare())
    return path


@pytest.fixture
async def database(seeded_file: Path, tmp_path: Path) -> AsyncIterator[Database]:
    """A database of the test's own."""
    path = tmp_path / "onecall.db"
    path.write_bytes(seeded_file.read_bytes())
    database = Database(f"sqlite+aiosqlite:///{path}")
    yield database
    await database.close()


@pytest.fixture
async def house(database: Database, tmp_path: Path) -> AsyncIterator[House]:
    """The API on the in-process bus."""
    bus = LocalBus()
    acd = StubAcd(bus)
    await acd.start()
    yield await build(database, bus, acd, tmp_path)
    await bus.close()
