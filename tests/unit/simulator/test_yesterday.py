"""A real day from the journal becomes the recorded day of a scenario."""

from copy import deepcopy
from datetime import date
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

import acd.model  # noqa: F401 -- its tables belong to the database that is created
from acd.simulator.calls import first_calls
from acd.simulator.loading import scenario_from_dict
from acd.simulator.yesterday import calls_of, write_day
from core.db import Base, Database
from core.errors import NotFound, Unavailable
from core.facts import FactRow
from core.journal import Fact
from tests.unit.simulator.test_scenario import PLAIN

ROME = ZoneInfo("Europe/Rome")
NINE = 1_763_971_200.0
"""Monday 24 November 2025, 09:00 in Rome."""


def entered(at: float, call: str, queue: str = "care") -> Fact:
    return Fact(at, "queue.entered", call, data={"queue_id": queue})


def facts() -> list[Fact]:
    return [
        Fact(NINE - 5, "call.arrived", "c1", data={"direction": "inbound"}),
        entered(NINE, "c1"),
        entered(NINE + 100, "c1", "bills"),
        Fact(NINE + 160, "agent.left", "c1", "ada", {"talk": 50.0, "hold": 10.0}),
        Fact(NINE + 300, "agent.left", "c1", "bea", {"talk": 90.0, "hold": 0.0}),
        Fact(NINE + 330, "wrap_up.ended", "c1", "bea", {"seconds": 30.0, "how": "saved"}),
        entered(NINE + 10, "c2"),
        Fact(NINE + 55, "call.ended", "c2", data={"abandoned": True, "stage": "hold"}),
        Fact(NINE + 20, "call.arrived", "c3", data={"direction": "outbound"}),
        entered(NINE + 21, "c3"),
        entered(NINE + 90_000, "c4"),
        Fact(NINE, "agent.state", None, "ada", {"state": "ready"}),
    ]


def test_a_call_keeps_its_first_queue_and_the_sum_of_its_parts_and_an_abandoned_one_its_patience() -> None:
    first, second = calls_of(facts(), NINE - 3600, NINE + 3600)

    assert (first.at, first.topic_id, first.talk, first.wrap_up, first.patience) == (NINE, "care", 150.0, 30.0, None)
    assert (second.at, second.talk, second.patience) == (NINE + 10, None, 45.0)


async def _database(folder: Path, told: list[Fact]) -> Database:
    database = Database(f"sqlite+aiosqlite:///{folder / 'facts.db'}")
    async with database.engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    async with database.session() as session:
        for fact in told:
            session.add(
                FactRow(
                    id=fact.id,
                    at=fact.at,
                    kind=fact.kind,
                    interaction_id=fact.interaction_id,
                    agent_id=fact.agent_id,
                    data=dict(fact.data),
                )
            )
    return database


async def test_a_written_day_can_be_simulated_again(tmp_path: Path) -> None:
    database = await _database(tmp_path, facts())
    try:
        number = await write_day(database, date(2025, 11, 24), ROME, tmp_path / "monday.csv")
    finally:
        await database.close()
    data: dict[str, Any] = deepcopy(PLAIN) | {"start": "2025-11-24T00:00:00", "hours": 24}
    data["topics"] = {"care": {key: value for key, value in PLAIN["topics"]["tariff"].items() if key != "per_hour"}}
    data["arrivals"] = {"recorded": "monday.csv"}

    calls = first_calls(scenario_from_dict(data, tmp_path / "day.yaml").setup, 1)

    assert number == 2
    assert [call.queued for call in calls] == [NINE, NINE + 10]
    assert calls[0].talk == 150.0
    assert calls[1].patience == 45.0


async def test_a_day_without_calls_is_said(tmp_path: Path) -> None:
    database = await _database(tmp_path, [])
    try:
        with pytest.raises(NotFound, match="2025-11-25"):
            await write_day(database, date(2025, 11, 25), ROME, tmp_path / "none.csv")
    finally:
        await database.close()


async def test_a_database_that_was_never_set_up_is_said_with_a_remedy(tmp_path: Path) -> None:
    database = Database(f"sqlite+aiosqlite:///{tmp_path / 'empty.db'}")
    try:
        with pytest.raises(Unavailable, match="Start OneCall once"):
            await write_day(database, date(2025, 11, 25), ROME, tmp_path / "none.csv")
    finally:
        await database.close()
