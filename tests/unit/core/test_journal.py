"""The journal: facts survive an absent database and a killed process, and are stored exactly once."""

import asyncio
import json
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from core.db import Base, Database
from core.errors import Unavailable
from core.facts import FactRow, FactStore, facts_since
from core.journal import Fact, Journal


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

    async def project(_session: AsyncSession, facts: Sequence[Fact]) -> None:
        seen.extend(fact.kind for fact in facts)

    journal = Journal(tmp_path / "journal", FactStore(database, [project]))
    await journal.start()
    journal.append(Fact(1.0, "call.arrived", "i1", None, {"did": "+39"}))
    await journal.settled()
    assert [fact.kind for fact in await facts_since(database, 0)] == ["call.arrived"] == seen
    await journal.stop()


async def test_facts_told_while_the_database_is_locked_are_stored_when_it_is_free(
    tmp_path: Path, database: Database
) -> None:
    journal = Journal(tmp_path / "journal", FactStore(database))
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
    first = Journal(tmp_path / "journal", FactStore(database))
    facts = [Fact(float(number), "queue.entered", f"i{number}") for number in range(3)]
    for fact in facts:
        first.append(fact)
    os.close(first._files._lock)  # the process is gone: the system releases its lock, nothing was drained
    with next((tmp_path / "journal").glob("*.facts")).open("ab") as file:
        file.write(b'["01cut')  # and the last line was cut
    async with database.session() as session:
        session.add(FactRow(id=facts[0].id, at=0.0, kind="queue.entered", interaction_id="i0", data={}))
    second = Journal(tmp_path / "journal", FactStore(database))
    await second.start()
    await second.settled()
    assert await _count(database) == 3
    await second.stop()
    assert len(list((tmp_path / "journal").glob("*.facts"))) == 1


async def test_a_projection_that_fails_stops_neither_its_fact_nor_the_next(tmp_path: Path, database: Database) -> None:
    async def project(_session: AsyncSession, facts: Sequence[Fact]) -> None:
        if any(fact.kind == "bad" for fact in facts):
            raise ValueError("cannot be read")

    journal = Journal(tmp_path / "journal", FactStore(database, [project]))
    await journal.start()
    journal.append(Fact(1.0, "bad"))
    journal.append(Fact(2.0, "good"))
    await journal.settled()
    assert [fact.kind for fact in await facts_since(database, 0)] == ["bad", "good"]
    await journal.stop()


async def test_a_second_process_is_kept_out_of_the_folder(tmp_path: Path, database: Database) -> None:
    journal = Journal(tmp_path / "journal", FactStore(database))
    with pytest.raises(Unavailable, match="in use by another OneCall process"):
        Journal(tmp_path / "journal", FactStore(database))
    await journal.stop()


async def test_a_journal_that_has_stopped_lets_the_next_in_though_a_child_still_has_its_handles(
    tmp_path: Path, database: Database
) -> None:
    first = Journal(tmp_path / "journal", FactStore(database))
    ready, go_on = os.pipe(), os.pipe()
    if (child := os.fork()) == 0:
        os.write(ready[1], b"1")
        os.read(go_on[0], 1)
        os._exit(0)
    try:
        os.read(ready[0], 1)
        await first.stop()
        await Journal(tmp_path / "journal", FactStore(database)).stop()
    finally:
        os.write(go_on[1], b"1")
        os.waitpid(child, 0)
        for handle in (*ready, *go_on):
            os.close(handle)


async def test_a_fact_is_on_disk_when_append_returns(tmp_path: Path, database: Database) -> None:
    journal = Journal(tmp_path / "journal", FactStore(database))
    journal.append(Fact(3.5, "agent.state", None, "a1", {"state": "ready", "nome": "è"}))
    line = next((tmp_path / "journal").glob("*.facts")).read_text(encoding="utf-8")
    assert json.loads(line)[1:] == [3.5, "agent.state", None, "a1", {"state": "ready", "nome": "è"}]
    await journal.stop()


def _lines(folder: Path) -> list[str]:
    """Kinds of the facts that are on disk."""
    [file] = (folder / "journal").glob("*.facts")
    return [json.loads(line)[2] for line in file.read_bytes().splitlines()]


@contextmanager
def full_disk(journal: Journal) -> Iterator[None]:
    """The system answers each write with "no space left on device"."""
    file = journal._files._file
    before, full = os.dup(file), os.open("/dev/full", os.O_WRONLY)
    os.dup2(full, file)
    yield
    os.dup2(before, file)
    os.close(before)
    os.close(full)


class Alarms:
    """What the journal tells, and a way to wait for it."""

    def __init__(self) -> None:
        self.up: dict[str, Mapping[str, str]] = {}
        self._news = asyncio.Event()

    def __call__(self, alarm_id: str, severity: str, values: Mapping[str, str], raised: bool) -> None:
        assert severity == "critical"
        if raised:
            self.up[alarm_id] = values
        else:
            del self.up[alarm_id]
        self._news.set()

    async def until(self, *ids: str) -> None:
        async with asyncio.timeout(10):
            while set(self.up) != set(ids):
                self._news.clear()
                await self._news.wait()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The journal looks after its disk every few milliseconds, and the test machine's own disk does not count."""
    monkeypatch.setattr("core.journal._LOOK", 0.01)
    monkeypatch.setattr("core.journal._LEAST_FREE", 0)


async def test_telling_facts_on_a_full_disk_costs_each_time_the_same(tmp_path: Path, database: Database) -> None:
    journal = Journal(tmp_path / "journal", FactStore(database))
    data = {"text": "x" * 200}
    with full_disk(journal):
        began = time.process_time()
        for _ in range(20_000):
            journal.append(Fact(1.0, "call.arrived", None, None, data))
        assert time.process_time() - began < 5  # joining all that waits each time takes minutes
    await journal.stop()


async def test_facts_told_on_a_full_disk_are_written_in_order_when_there_is_room_and_it_is_said(
    tmp_path: Path, database: Database, quick: None
) -> None:
    journal, alarms = Journal(tmp_path / "journal", FactStore(database)), Alarms()
    watching = asyncio.create_task(journal.watch(alarms))
    journal.append(Fact(1.0, "before"))
    with full_disk(journal):
        for number in range(1200):
            journal.append(Fact(2.0, f"during-{number}"))
        await alarms.until("journal")
        assert alarms.up["journal"] == {"problem": "No space left on device"}
        assert _lines(tmp_path) == ["before"]
    await alarms.until()
    journal.append(Fact(3.0, "after"))
    assert _lines(tmp_path) == ["before", *(f"during-{number}" for number in range(1200)), "after"]
    watching.cancel()
    await journal.stop()


async def test_a_line_that_the_disk_took_half_is_written_whole(
    tmp_path: Path, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal(tmp_path / "journal", FactStore(database))
    journal.append(Fact(1.0, "before"))
    write = os.write
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", lambda file, data: write(file, data[:10]))
        journal.append(Fact(2.0, "half"))
    assert _lines(tmp_path) == ["before"]
    await journal.start()
    journal.append(Fact(3.0, "after"))
    await journal.stop()
    assert [fact.kind for fact in await facts_since(database, 0)] == ["before", "half", "after"]


async def test_what_the_database_has_is_not_kept_in_memory_for_a_full_disk(tmp_path: Path, database: Database) -> None:
    journal = Journal(tmp_path / "journal", FactStore(database))
    await journal.start()
    with full_disk(journal):
        for number in range(250):
            journal.append(Fact(float(number), "call.arrived"))
        await journal.settled()
        assert (journal._files.waiting, journal._files.problem) == (0, "")
    assert await _count(database) == 250
    await journal.stop()


async def test_the_stop_writes_what_waited_for_a_disk_that_has_room_again(tmp_path: Path, database: Database) -> None:
    journal = Journal(tmp_path / "journal", FactStore(database))
    with full_disk(journal):
        journal.append(Fact(1.0, "call.arrived"))
    async with database.session() as writer:
        await writer.execute(select(1))  # the database takes nothing
        journal._database = Database(database.url, busy_timeout=0.05)
        await journal.stop()
        await journal._database.close()
    assert _lines(tmp_path) == ["call.arrived"]


@pytest.mark.parametrize(
    "line",
    [
        "17",
        "null",
        "{}",
        "[]",
        '["a","b"]',
        "[1,2,3,4,5,6]",
        '["01k", 1.0, "k", null, null, {}]',
        "[" * 100_000,
        "\xff",
    ],
)
async def test_a_file_with_a_line_that_is_no_fact_is_kept_aside_and_its_facts_are_stored(
    tmp_path: Path, database: Database, quick: None, line: str
) -> None:
    folder = tmp_path / "journal"
    first = Journal(folder, FactStore(database))
    first.append(Fact(1.0, "good"))
    os.close(first._files._lock)
    [file] = folder.glob("*.facts")
    with file.open("ab") as told:
        told.write(line.encode("latin-1") + b"\n")
    text = file.read_bytes()
    journal, alarms = Journal(folder, FactStore(database)), Alarms()
    await journal.start()
    await journal.settled()
    watching = asyncio.create_task(journal.watch(alarms))
    await alarms.until("journal_aside")
    aside = file.with_suffix(".unreadable")
    assert alarms.up["journal_aside"] == {"files": aside.name}
    assert aside.read_bytes() == text
    assert [fact.kind for fact in await facts_since(database, 0)] == ["good"]
    aside.unlink()
    await alarms.until()
    watching.cancel()
    await journal.stop()


async def test_too_little_room_is_said_before_the_disk_is_full(
    tmp_path: Path, database: Database, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.journal._LEAST_FREE", 1 << 60)
    journal, alarms = Journal(tmp_path / "journal", FactStore(database)), Alarms()
    watching = asyncio.create_task(journal.watch(alarms))
    await alarms.until("journal")
    monkeypatch.setattr("core.journal._LEAST_FREE", 0)
    await alarms.until()
    watching.cancel()
    await journal.stop()


async def test_what_is_overheard_for_somebody_who_does_not_come_is_let_go(
    tmp_path: Path, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.journal._OVERHEARD", 2)
    journal = Journal(tmp_path / "journal", FactStore(database))
    journal.overheard = heard = []
    for kind in ("first", "second"):
        journal.append(Fact(1.0, kind))
    assert journal.overheard is heard
    assert [fact.kind for fact in heard] == ["first", "second"]
    journal.append(Fact(1.0, "third"))
    assert journal.overheard is None
    await journal.stop()
