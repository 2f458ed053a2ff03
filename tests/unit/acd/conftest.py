"""What the dispatcher's tests share."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from core.clock import ManualClock
from core.db import Base, Database
from tests.unit.acd.house import House


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """A dispatcher's house on a clock that stands still, journal running."""
    database = Database(f"sqlite+aiosqlite:///{tmp_path / 'a.db'}")
    async with database.engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    made = House(tmp_path, database, ManualClock())
    await made.journal.start()
    yield made
    await made.board.stop()
    await made.journal.stop()
    await database.close()
