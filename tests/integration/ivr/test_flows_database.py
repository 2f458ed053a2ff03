"""Numbers, flows and calendars as administrators keep them: in a real database, and in files."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from sqlalchemy import make_url, update
from sqlalchemy.exc import SQLAlchemyError

from acd.model import Programme
from core.db import Base, Database
from ivr.flow_check import FlowInvalid
from ivr.flows import StoredFlows
from ivr.model import CalendarRow, DialledNumber, FlowRow
from tests.integration.conftest import postgres_database


@pytest.fixture
def migrated_postgres_copy(postgres_url: str, migrated_postgres_url: str) -> Iterator[str]:
    with postgres_database(postgres_url, migrated_postgres_url) as url:
        yield url


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = Database(f"sqlite+aiosqlite:///{tmp_path / 'ivr.db'}")
    tables = [Base.metadata.tables[name] for name in ("programme", "dialled_number", "flow", "calendar")]
    async with database.engine.begin() as connection:
        await connection.run_sync(lambda sync: Base.metadata.create_all(sync, tables=tables))
    async with database.session() as session:
        session.add(Programme(id="p-it", name="Italian", region="IT", language="it"))
        session.add(Programme(id="p-uk", name="British", region="GB", language="en", time_zone="Europe/London"))
        session.add(FlowRow(id="main", yaml="flow: main", version=3))
        session.add(CalendarRow(id="office", yaml="week: {}"))
        await session.flush()
        session.add(DialledNumber(did="+39061", programme_id="p-it", flow_id="main"))
        session.add(DialledNumber(did="44207", programme_id="p-uk", flow_id="from-file"))
    yield database
    await database.close()


async def test_a_number_leads_to_its_programme_flow_and_calendars(database: Database) -> None:
    plan = await StoredFlows(database).for_number("+39061")
    assert plan is not None
    assert (plan.programme_id, plan.region, plan.language, plan.flow_id) == ("p-it", "IT", "it", "main")
    assert (plan.flow_version, plan.flow_yaml, plan.calendars) == ("3", "flow: main", {"office": "week: {}"})


@pytest.mark.parametrize("did", ["39061", "+39061"])
async def test_a_plus_more_or_less_does_not_matter(database: Database, did: str) -> None:
    assert await StoredFlows(database).for_number(did) is not None


async def test_a_change_is_read_by_the_next_call(database: Database) -> None:
    flows = StoredFlows(database)
    await flows.for_number("+39061")
    async with database.session() as session:
        await session.execute(update(FlowRow).values(yaml="flow: other", version=4))
    plan = await flows.for_number("+39061")
    assert plan is not None
    assert (plan.flow_version, plan.flow_yaml) == ("4", "flow: other")


async def test_a_number_nobody_set_up_has_no_plan_unless_there_is_one_for_any(database: Database) -> None:
    flows = StoredFlows(database)
    assert await flows.for_number("+1555") is None
    async with database.session() as session:
        session.add(DialledNumber(did="*", programme_id="p-uk", flow_id="main"))
    plan = await flows.for_number("+1555")
    assert plan is not None
    assert plan.programme_id == "p-uk"
    exact = await flows.for_number("+39061")
    assert exact is not None
    assert exact.programme_id == "p-it"


async def test_a_flow_without_a_row_is_a_file_and_a_saved_file_is_a_new_version(
    database: Database, tmp_path: Path
) -> None:
    file = tmp_path / "flows" / "from-file.yaml"
    file.parent.mkdir()
    file.write_text("flow: a")
    flows = StoredFlows(database, file.parent)
    first = await flows.for_number("+44207")
    file.write_text("flow: b")
    os.utime(file, ns=(1, 2))
    second = await flows.for_number("+44207")
    assert first is not None
    assert second is not None
    assert (first.flow_yaml, second.flow_yaml) == ("flow: a", "flow: b")
    assert first.flow_version != second.flow_version


GOOD = "flow: x\nstart: care\nsteps:\n  care: {do: queue, queue: q-care}\n"


async def test_the_files_of_the_folder_are_checked_as_one_with_file_step_and_remedy(
    database: Database, tmp_path: Path
) -> None:
    flows = StoredFlows(database, tmp_path / "flows")
    await flows.check_files([], ["q-care"])  # no folder: no flow is a file
    (tmp_path / "flows").mkdir()
    for name, text in {
        "good": GOOD,
        "queue": GOOD.replace("q-care", "q-nowhere"),
        "step": GOOD.replace("do: queue", "do: qeue"),
        "main": "a row of the database has this name",
    }.items():
        (tmp_path / "flows" / f"{name}.yaml").write_text(text)
    (tmp_path / "flows" / "letters.yaml").write_bytes(GOOD.replace("x", "é").encode("latin-1"))
    with pytest.raises(FlowInvalid) as refused:
        await flows.check_files([], ["q-care"])
    told = {problem.source: str(problem) for problem in refused.value.problems}
    assert set(told) == {"letters.yaml", "queue.yaml", "step.yaml"}
    assert told["step.yaml"].startswith("step.yaml, step 'care'")
    assert "Use one of" in told["step.yaml"]
    assert "q-nowhere" in told["queue.yaml"]
    assert "UTF-8" in told["letters.yaml"]


async def test_while_the_database_is_away_the_last_plan_of_a_number_goes_on(database: Database, tmp_path: Path) -> None:
    flows = StoredFlows(database)
    before = await flows.for_number("+39061")
    await database.close()
    for path in tmp_path.glob("ivr.db*"):
        path.unlink()
    assert await flows.for_number("+39061") == before
    with pytest.raises(SQLAlchemyError):
        await flows.for_number("+44207")


class Link:
    """A TCP connection to the database that can fall silent, as behind a firewall that drops all packets."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._open = asyncio.Event()
        self._open.set()

    async def start(self) -> int:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    def fall_silent(self) -> None:
        self._open.clear()

    def speak(self) -> None:
        self._open.set()

    def close(self) -> None:
        self._open.set()
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._port)
        await asyncio.gather(self._pass(reader, far_writer), self._pass(far_reader, writer), return_exceptions=True)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            await self._open.wait()
            writer.write(data)
        writer.close()


async def test_while_the_database_says_nothing_at_all_a_caller_waits_two_seconds_for_the_last_plan(
    migrated_postgres_copy: str,
) -> None:
    address = make_url(migrated_postgres_copy)
    link = Link(address.port or 0)
    database = Database(address.set(port=await link.start()).render_as_string(hide_password=False))
    async with database.session() as session:
        session.add(Programme(id="p-it", name="Italian"))
        session.add(FlowRow(id="main", yaml="flow: main", version=3))
        await session.flush()
        session.add(DialledNumber(did="+39061", programme_id="p-it", flow_id="main"))
    flows = StoredFlows(database)
    before = await flows.for_number("+39061")
    link.fall_silent()
    for _ in range(2):  # on a connection of the pool, and on a new one
        began = asyncio.get_running_loop().time()
        assert await flows.for_number("+39061") == before
        assert asyncio.get_running_loop().time() - began < 3
    with pytest.raises(TimeoutError):
        await flows.for_number("+39062")
    link.speak()
    assert await flows.for_number("+39062") is None
    await database.close()
    link.close()
