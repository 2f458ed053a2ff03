"""The demo's robots: one that fails begins again, and a company that is not the demo's is left alone."""

import asyncio
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from core.bus import LocalBus
from core.db import Database
from core.errors import Unavailable
from onecall import demo, robots
from onecall.background import Well
from onecall.settings import Settings


async def test_a_robot_that_fails_begins_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tries: dict[str, int] = {}
    all_again = asyncio.Event()

    async def agent(_crowd: object, extension: str, _well: Well) -> None:
        tries[extension] = tries.get(extension, 0) + 1
        if tries[extension] == 1:
            raise OperationalError("SELECT", {}, OSError("the database is away"))
        if len(tries) == len(demo.ROBOTS) and min(tries.values()) == 2:
            all_again.set()
        await asyncio.Event().wait()

    async def caller(_crowd: object, _place: int, _well: Well) -> None:
        await asyncio.Event().wait()

    async def prepare(_crowd: object) -> None:
        return

    for name, work in (("agent", agent), ("caller", caller), ("prepare", prepare)):
        monkeypatch.setattr(robots._Crowd, name, work)
    database = Database(f"sqlite+aiosqlite:///{tmp_path / 'onecall.db'}")
    async with robots.moving(Settings(state=tmp_path), LocalBus(), database), asyncio.timeout(20):
        await all_again.wait()
    await database.close()


async def test_another_companys_database_is_refused_with_the_remedy(
    tmp_path: Path, migrated_sqlite: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(robots, "_SENTENCES", {})
    database = Database(f"sqlite+aiosqlite:///{migrated_sqlite}")
    with pytest.raises(Unavailable, match=r"another company is.*ONECALL_STATE"):
        async with robots.moving(Settings(state=tmp_path), LocalBus(), database):
            pass
    await database.close()
