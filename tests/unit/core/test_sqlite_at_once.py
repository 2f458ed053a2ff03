"""SQLite without threads: the same results, and a lock of another process holds up nobody else."""

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import URL, func, select
from sqlalchemy.exc import IntegrityError, OperationalError

from core.db import Base, Database
from core.facts import FactRow

ROW = {"at": 1.0, "kind": "call.arrived", "data": {"n": 1}}


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    made = Database(f"sqlite+aiosqlite:///{tmp_path / 'facts.db'}", busy_timeout=5.0, at_once=True)
    async with made.engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    yield made
    await made.close()


async def add(database: Database, row_id: str) -> None:
    async with database.session() as session:
        session.add(FactRow(id=row_id, **ROW))


async def add_and_fail(database: Database) -> None:
    async with database.session() as session:
        session.add(FactRow(id="two", **ROW))
        await session.flush()
        raise RuntimeError


async def count(database: Database) -> int:
    async with database.reading() as session:
        return await session.scalar(select(func.count()).select_from(FactRow)) or 0


async def test_units_of_work_commit_and_roll_back_and_no_thread_is_begun(database: Database) -> None:
    threads = set(threading.enumerate())
    await add(database, "one")
    with pytest.raises(IntegrityError):
        await add(database, "one")
    with pytest.raises(RuntimeError):
        await add_and_fail(database)
    await add(database, "three")
    assert await count(database) == 2
    assert set(threading.enumerate()) <= threads


async def test_a_lock_of_another_process_is_waited_for_while_others_go_on(tmp_path: Path, database: Database) -> None:
    other = sqlite3.connect(tmp_path / "facts.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    writing = asyncio.create_task(add(database, "one"))
    for _ in range(20):
        assert await count(database) == 0
        await asyncio.sleep(0.002)
    assert not writing.done()
    other.execute("COMMIT")
    await writing
    assert await count(database) == 1
    other.close()


async def test_a_lock_that_is_never_given_back_is_an_error_as_ever(tmp_path: Path) -> None:
    database = Database(f"sqlite+aiosqlite:///{tmp_path / 'facts.db'}", busy_timeout=0.05, at_once=True)
    async with database.engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    other = sqlite3.connect(tmp_path / "facts.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(OperationalError, match="locked"):
        await add(database, "one")
    other.execute("COMMIT")
    await add(database, "two")
    assert await count(database) == 1
    other.close()
    await database.close()


async def test_any_name_of_a_file_is_taken_as_it_is(tmp_path: Path) -> None:
    folder = tmp_path / "50%41 more?"
    folder.mkdir()
    url = URL.create("sqlite+aiosqlite", database=str(folder / "facts.db")).render_as_string()
    database = Database(url, at_once=True)
    async with database.engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    await add(database, "one")
    assert await count(database) == 1
    await database.close()
