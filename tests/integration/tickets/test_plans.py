"""What every call asks is answered from an index, however many calls there have been."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event

from core.db import Database
from tests.integration.tickets.world import GIULIA, HOUR, NOON, World
from tickets import lists, reports
from tickets.callers import caller_by_number

CHIARA = "+393475550142"
GROWING = ("interaction", "interaction_leg", "ticket", "ticket_event", "ticket_note", "promise", "fact")


@contextmanager
def _statements(database: Database) -> Iterator[list[tuple[str, Any]]]:
    heard: list[tuple[str, Any]] = []

    def hear(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if statement.startswith(("SELECT", "WITH")):
            heard.append((statement, parameters))

    event.listen(database.engine.sync_engine, "before_cursor_execute", hear)
    yield heard
    event.remove(database.engine.sync_engine, "before_cursor_execute", hear)


async def _plans(database: Database, statements: list[tuple[str, Any]]) -> list[str]:
    async with database.engine.connect() as connection:
        return [
            row[3]
            for statement, parameters in statements
            for row in await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
        ]


async def test_what_a_call_asks_never_walks_through_a_table_that_grows(migrated_sqlite_world: World) -> None:
    world = migrated_sqlite_world
    await world.customer("Chiara", CHIARA)
    await world.call(CHIARA, NOON, outcome="call_back")
    facts = world.facts(CHIARA, NOON + HOUR)
    with _statements(world.database) as heard:
        await world.stories.pop(facts)
        await world.stories.open_ticket(facts, GIULIA.id, NOON + HOUR)
        async with world.database.reading() as session:
            await caller_by_number(session, CHIARA, "p-aura", NOON + HOUR)
            await reports.my_day(session, NOON + HOUR, GIULIA.id)
            await lists.page(session, "mine", GIULIA, NOON + HOUR)
    plans = await _plans(world.database, heard)
    assert len(plans) > 30
    assert [plan for plan in plans if plan.startswith(tuple(f"SCAN {table}" for table in GROWING))] == []
    assert [plan for plan in plans if plan.endswith("ix_interaction_programme_id_day (programme_id=?)")] == []
