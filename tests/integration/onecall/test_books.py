"""The bookkeeper's real process: it answers, and whatever becomes of it costs no fact and no ticket."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from acd.model import Agent, Programme, Queue
from acd.ports import CallFacts
from core.bus import LocalBus
from core.db import Database
from core.errors import Unavailable
from core.facts import FactRow
from core.journal import Fact, Journal
from onecall import background, books
from onecall.background import Background
from onecall.books import Books
from onecall.settings import Settings
from tickets.model import Interaction, Ticket

PATIENCE = 30.0
NOON = 1_790_000_000.0


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "_FIRST_PAUSE", 0.01)
    monkeypatch.setattr(background, "_LONGEST_PAUSE", 0.05)


@pytest.fixture
async def database(tmp_path: Path, migrated_sqlite: Path) -> AsyncIterator[Database]:
    shutil.copy(migrated_sqlite, tmp_path / "onecall.db")
    made = Database(f"sqlite+aiosqlite:///{tmp_path / 'onecall.db'}")
    async with made.session() as session:
        session.add(Programme(id="p1", name="Programme"))
        await session.flush()
        session.add(Queue(id="q1", programme_id="p1", name="First", plan={}))
        session.add(Agent(id="a-1", name="Anna", extension="2001", phone_kind="sip", phone_secret="x"))
    yield made
    await made.close()


@asynccontextmanager
async def open_books(database: Database, folder: Path) -> AsyncIterator[tuple[Books, LocalBus, list[str]]]:
    """Books that are kept, the bus on which they publish, and what was told of failures (empty: well again)."""
    bus, told = LocalBus(), list[str]()
    kept = Background(lambda work, why: told.append(why or ""))
    made = Books(database.url, Settings(state=folder, demo=False), bus)
    kept.keep("books", made.run)
    try:
        yield made, bus, told
    finally:
        await kept.stop()
        await bus.close()


def a_call(name: str) -> CallFacts:
    return CallFacts(name, NOON, "800", "+39347", "p1", "q1", "", 0, NOON, (), "it", None, "")


def entered(name: str) -> Fact:
    return Fact(NOON, "queue.entered", name, None, {"queue_id": "q1", "programme_id": "p1", "since": NOON})


async def until(holds: Callable[[], Any]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not holds():
            await asyncio.sleep(0.005)


async def count(database: Database, table: Any) -> int:
    async with database.reading() as session:
        return await session.scalar(select(func.count()).select_from(table)) or 0


async def test_facts_become_rows_and_a_call_has_its_story_and_one_ticket(tmp_path: Path, database: Database) -> None:
    async with open_books(database, tmp_path) as (kept, bus, _), await bus.subscribe("ticket") as changes:
        journal = Journal(tmp_path / "journal", kept)
        await journal.start()
        journal.append(entered("c1"))
        await journal.settled(PATIENCE)
        assert (await kept.pop(a_call("c1"))).pop["identification"] == "none"
        opened = await asyncio.gather(*(kept.open_ticket(a_call("c1"), "a-1", NOON + 9) for _ in range(3)))
        assert len(set(opened)) == 1
        async with asyncio.timeout(PATIENCE):
            _, change = await changes.next()
        assert (change["change"], change["ticket_id"]) == ("opened", opened[0])
        await kept.call_back_given_up(a_call("c2"), "+39347", NOON)
        await kept.break_promises()
        await kept.freeze_figures()
        await journal.stop()
    async with database.reading() as session:
        call = await session.get_one(Interaction, "c1")
        ticket = await session.get_one(Ticket, opened[0])
    assert (call.queue_id, call.ticket_id, ticket.owner_name) == ("q1", opened[0], "Anna")
    assert await count(database, Ticket) == 2


async def test_a_fact_longer_than_the_pipe_can_carry_is_set_aside_and_the_others_go_on(
    tmp_path: Path, database: Database
) -> None:
    async with open_books(database, tmp_path) as (kept, _, told):
        journal = Journal(tmp_path / "journal", kept)
        await journal.start()
        long = Fact(NOON, "queue.entered", "long", None, {"path": "x" * 65_000_000})
        for fact in (entered("c1"), long, entered("c2")):
            journal.append(fact)
        await journal.settled(PATIENCE)
        await journal.stop()
        assert told == []
    assert await count(database, FactRow) == 2
    assert (tmp_path / "journal" / f"{long.id}.refused").exists()


async def test_a_bookkeeper_that_dies_at_work_costs_no_fact_and_doubles_none(
    tmp_path: Path, database: Database
) -> None:
    async with open_books(database, tmp_path) as (kept, _, told):
        journal = Journal(tmp_path / "journal", kept)
        await journal.start()
        for round_ in range(3):
            await until(lambda: kept.pid)
            for number in range(200):
                journal.append(entered(f"c{round_}-{number}"))
            journal._hurry.set()
            await until(lambda: len(journal._queue) < 200)
            os.kill(kept.pid, signal.SIGKILL)
            await until(lambda count=round_ + 1: sum("has ended" in why for why in told) >= count)
            journal._hurry.clear()
        ticket = await kept.open_ticket(a_call("c0-0"), "a-1", NOON)
        await journal.settled(PATIENCE)
        assert ticket
        await until(lambda: told[-1] == "")
        await journal.stop()
    assert await count(database, FactRow) == await count(database, Interaction) == 600


async def test_a_bookkeeper_that_hangs_is_replaced(
    tmp_path: Path, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(books, "_PING_EVERY", 0.05)
    monkeypatch.setattr(books, "_PING_WITHIN", 4.0)
    monkeypatch.setattr(books, "END_WITHIN", 1.0)
    async with open_books(database, tmp_path) as (kept, _, _):
        await kept.pop(a_call("c1"))
        hanging = kept.pid
        os.kill(hanging, signal.SIGSTOP)
        await until(lambda: kept.pid not in (0, hanging))
        assert (await kept.pop(a_call("c1"))).pop["identification"] == "none"
        assert not Path(f"/proc/{hanging}").exists()


async def test_a_question_waits_for_the_bookkeeper_but_not_for_ever(
    tmp_path: Path, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(books, "_ASK_WITHIN", 0.05)
    nobody = Books(database.url, Settings(state=tmp_path, demo=False), LocalBus())
    with pytest.raises(Unavailable, match="bookkeeper"):
        await nobody.pop(a_call("c1"))


async def test_ctrl_c_is_for_the_house_and_not_for_its_bookkeeper(tmp_path: Path, database: Database) -> None:
    async with open_books(database, tmp_path) as (kept, _, told):
        await kept.pop(a_call("c1"))
        for number in (signal.SIGINT, signal.SIGTERM):
            os.kill(kept.pid, number)
            await kept.pop(a_call("c1"))
        assert told == []


_HOUSE = """
import asyncio, sys
from core.bus import LocalBus
from onecall.background import Background
from onecall.books import Books
from onecall.settings import Settings

async def main():
    books = Books(sys.argv[1], Settings(demo=False), LocalBus())
    Background(lambda work, why: None).keep("books", books.run)
    await books.break_promises()
    print(books.pid, flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


async def test_it_ends_with_a_house_that_was_killed(tmp_path: Path, database: Database) -> None:
    house = subprocess.Popen([sys.executable, "-c", _HOUSE, database.url], stdout=subprocess.PIPE)
    assert house.stdout is not None
    kept = int(await asyncio.to_thread(house.stdout.readline))
    assert Path(f"/proc/{kept}/cmdline").read_bytes().endswith(b"onecall.bookkeeper\0")
    house.kill()
    await asyncio.to_thread(house.wait)
    await until(lambda: not Path(f"/proc/{kept}").exists())
