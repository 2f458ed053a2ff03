"""The journal: facts survive an absent database and a killed process, and are stored exactly once."""

import json
import os
from pathlib import Path

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from core.db import Base, Database
from core.errors import Unavailable
from core.journal import Fact, FactRow, Journal, facts_since


@pytest.fixture
async def database(tmp_path: Path):
    database = Database(f"sqlite+aiosqlite:///{tmp_path / 'facts.db'}", busy_timeout=0.2)
    async with database.engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    yield database
    await database.close()


async def _count(database: Database) -> int:
    async with database.reading() as session:
        return await session.scalar(select(func.count()).select_from(FactRow)) or 0


async def test_a_fact_reaches_the_database_with_what_is_projected_from_it(tmp_path: Path, database: Database) -> None:
    seen: list[str] = []

    async def project(_session: AsyncSession, fact: Fact) -> None:
        seen.append(fact.kind)

    journal = Journal(tmp_path / "journal", database, [project])
    await journal.start()
    journal.append(Fact(1.0, "call.arrived", "i1", None, {"did": "+39"}))
    await journal.settled()
    assert [fact.kind for fact in await facts_since(database, 0)] == ["call.arrived"] == seen
    await journal.stop()


async def test_facts_told_while_the_database_is_locked_are_stored_when_it_is_free(
    tmp_path: Path, database: Database
) -> None:
    journal = Journal(tmp_path / "journal", database)
    await journal.start()
    async with database.session() as writer:
        await writer.execute(select(1))  # takes the write lock
        for number in range(20):
            journal.append(Fact(float(number), "call.arrived", f"i{number}"))
        with pytest.raises(TimeoutError):
            await journal.settled(timeout=0.6)
    await journal.settled()
    assert await _count(database) == 20
    await journal.stop()


async def test_what_a_killed_process_left_on_disk_is_stored_once_by_the_next(
    tmp_path: Path, database: Database
) -> None:
    first = Journal(tmp_path / "journal", database)
    facts = [Fact(float(number), "queue.entered", f"i{number}") for number in range(3)]
    for fact in facts:
        first.append(fact)
    os.close(first._lock)  # the process is gone: the system releases its lock, nothing was drained
    with next((tmp_path / "journal").glob("*.facts")).open("ab") as file:
        file.write(b'["01cut')  # and the last line was cut
    async with database.session() as session:
        session.add(FactRow(id=facts[0].id, at=0.0, kind="queue.entered", interaction_id="i0", data={}))
    second = Journal(tmp_path / "journal", database)
    await second.start()
    await second.settled()
    assert await _count(database) == 3
    await second.stop()
    assert len(list((tmp_path / "journal").glob("*.facts"))) == 1


async def test_a_projection_that_fails_stops_neither_its_fact_nor_the_next(tmp_path: Path, database: Database) -> None:
    async def project(_session: AsyncSession, fact: Fact) -> None:
        if fact.kind == "bad":
            raise ValueError("cannot be read")

    journal = Journal(tmp_path / "journal", database, [project])
    await journal.start()
    journal.append(Fact(1.0, "bad"))
    journal.append(Fact(2.0, "good"))
    await journal.settled()
    assert [fact.kind for fact in await facts_since(database, 0)] == ["bad", "good"]
    await journal.stop()


async def test_a_second_process_is_kept_out_of_the_folder(tmp_path: Path, database: Database) -> None:
    journal = Journal(tmp_path / "journal", database)
    with pytest.raises(Unavailable, match="in use by another OneCall process"):
        Journal(tmp_path / "journal", database)
    await journal.stop()


async def test_a_fact_is_on_disk_when_append_returns(tmp_path: Path, database: Database) -> None:
    journal = Journal(tmp_path / "journal", database)
    journal.append(Fact(3.5, "agent.state", None, "a1", {"state": "ready", "nome": "è"}))
    line = next((tmp_path / "journal").glob("*.facts")).read_text(encoding="utf-8")
    assert json.loads(line)[1:] == [3.5, "agent.state", None, "a1", {"state": "ready", "nome": "è"}]
    await journal.stop()
