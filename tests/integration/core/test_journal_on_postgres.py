"""The journal on a real PostgreSQL: what passes (a restart, a deadlock, a lost connection) costs no projection."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from core.db import Base, Database
from core.facts import FactStore, facts_since
from core.journal import Fact, Journal
from tests.integration.conftest import PostgresServer, postgres_database, postgres_server


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """A server of this module's own, which may be stopped."""
    with postgres_server() as server:
        yield server


@pytest.fixture
def database_url(server: PostgresServer) -> Iterator[str]:
    with postgres_database(server.url) as url:
        yield url


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = Database(database_url)
    async with database.engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
        await connection.execute(text("CREATE TABLE seen (kind text)"))
    yield database
    await database.close()


async def see(session: AsyncSession, facts: Sequence[Fact]) -> None:
    """A projection: one row a fact."""
    for fact in facts:
        await session.execute(text("INSERT INTO seen VALUES (:kind)"), {"kind": fact.kind})


async def seen(database: Database) -> list[str]:
    async with database.reading() as session:
        return sorted(await session.scalars(text("SELECT kind FROM seen")))


class Once:
    """A projection that fails in its own way the first `times` times it comes to the fact `bad`."""

    def __init__(self, times: int = 2) -> None:
        self.left = times

    async def __call__(self, session: AsyncSession, facts: Sequence[Fact]) -> None:
        for fact in facts:
            if fact.kind == "bad" and self.left:
                self.left -= 1
                await self.fail(session)
            await see(session, [fact])

    async def fail(self, session: AsyncSession) -> None:
        raise NotImplementedError


class Raised(Once):
    """The server raises an error of that SQLSTATE."""

    def __init__(self, state: str) -> None:
        super().__init__()
        self._state = state

    async def fail(self, session: AsyncSession) -> None:
        await session.execute(text(f"DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '{self._state}'; END $$"))


class Terminated(Once):
    """An administrator ends the connection in the middle of the batch."""

    async def fail(self, session: AsyncSession) -> None:
        await session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))


PASSING = ["40P01", "40001", "53100", "53200", "53300", "55P03", "57014", "57P01", "57P03", "25006", "58030", "42501"]


@pytest.mark.parametrize("failing", [*map(Raised, PASSING), Terminated()], ids=[*PASSING, "terminated"])
async def test_an_error_that_passes_costs_no_projection(tmp_path: Path, database: Database, failing: Once) -> None:
    journal = Journal(tmp_path / "journal", FactStore(database, [failing]))
    await journal.start()
    for kind in ("first", "bad", "last"):
        journal.append(Fact(1.0, kind))
    await journal.settled(20)
    assert await seen(database) == ["bad", "first", "last"]
    await journal.stop()


async def test_a_server_restarted_in_the_middle_costs_nothing(
    tmp_path: Path, database: Database, server: PostgresServer
) -> None:
    reached, go_on = asyncio.Event(), asyncio.Event()

    async def project(session: AsyncSession, facts: Sequence[Fact]) -> None:
        await see(session, facts)
        reached.set()
        await go_on.wait()

    journal = Journal(tmp_path / "journal", FactStore(database, [project]))
    await journal.start()
    for number in range(30):
        journal.append(Fact(1.0, f"{number:02}"))
    await asyncio.wait_for(reached.wait(), 10)
    await asyncio.to_thread(server.stop)
    go_on.set()
    journal.append(Fact(2.0, "while it was away"))
    with pytest.raises(TimeoutError):
        await journal.settled(1)
    await asyncio.to_thread(server.start)
    await journal.settled(20)
    kinds = [*(f"{number:02}" for number in range(30)), "while it was away"]
    assert [fact.kind for fact in await facts_since(database, 0)] == kinds == await seen(database)
    await journal.stop()


@pytest.mark.parametrize(
    "bad", [Fact(1.0, "x" * 41), Fact(1.0, "n\0l"), Fact(1.0, "b", None, None, {"n": float("nan")})]
)
async def test_a_fact_that_the_database_refuses_is_set_aside_and_the_others_go_on(
    tmp_path: Path, database: Database, bad: Fact
) -> None:
    journal = Journal(tmp_path / "journal", FactStore(database, [see]))
    await journal.start()
    for fact in (Fact(1.0, "first"), bad, Fact(1.0, "last")):
        journal.append(fact)
    await journal.settled(20)
    assert await seen(database) == ["first", "last"]
    await journal.stop()
    refused = tmp_path / "journal" / f"{bad.id}.refused"
    # Once what was wrong is mended, the file's ending brings it back.
    refused.write_bytes(refused.read_bytes().replace(b"x" * 41, b"x").replace(b"\\u0000", b"").replace(b"NaN", b"0"))
    refused.rename(refused.with_suffix(".facts"))
    after = Journal(tmp_path / "journal", FactStore(database, [see]))
    await after.start()
    await after.settled(20)
    assert len(await seen(database)) == 3
    await after.stop()


async def test_wrong_data_in_a_projection_costs_that_projection_only(tmp_path: Path, database: Database) -> None:
    journal = Journal(tmp_path / "journal", FactStore(database, [Raised("22012"), see]))
    await journal.start()
    for kind in ("first", "bad", "last"):
        journal.append(Fact(1.0, kind))
    await journal.settled(20)
    assert [fact.kind for fact in await facts_since(database, 0)] == ["first", "bad", "last"]
    assert await seen(database) == sorted(["first", "last", "first", "bad", "last"])
    await journal.stop()
