"""The statements that count recall and FCR agree with a slow, obviously right count on random worlds."""

import asyncio
from collections.abc import Iterator
from dataclasses import asdict
from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete

from core.clock import from_iso
from core.db import Database
from core.migrate import upgrade
from tests.integration.tickets import reference
from tests.integration.tickets.reference import Told
from tickets import fcr, recalls
from tickets.counting import Dimension, Scope
from tickets.model import Customer, Interaction, Ticket, Topic
from tickets.policy import Policy

BASE = from_iso("2026-11-02T08:00:00Z")
DAY = date(2026, 11, 2)
SCOPE = Scope("p-aura", DAY, DAY, Policy())
NOT_FRONT = frozenset({"fraud"})
TOPICS = ("bill", "fraud")
GROUPED: tuple[Dimension, ...] = ("topic", "agent")


@st.composite
def calls(draw: st.DrawFn, number: int) -> Told:
    """One call; instants lie on a grid of six hours, so that the window's edge is met often."""
    arrived = BASE + 21_600.0 * draw(st.integers(0, 20)) + draw(st.sampled_from([0.0, 0.0, 1.0]))
    over = draw(st.integers(0, 9)) > 0
    ended = arrived + draw(st.sampled_from([0.0, 300.0, 21_600.0])) if over else None
    answered = draw(st.integers(0, 4)) > 0
    opens = answered and draw(st.booleans())
    own = f"t-{number}" if opens else None
    return Told(
        id=f"call-{number}",
        subject=draw(st.sampled_from(["c-1", "c-1", "c-2", None])),
        arrived=arrived,
        inbound=draw(st.integers(0, 5)) > 0,
        queued=draw(st.integers(0, 5)) > 0,
        answered=answered,
        ended=ended,
        wrapped=ended + 30.0 if ended is not None and draw(st.booleans()) else None,
        disposition=draw(st.sampled_from([None, None, None, None, "test"])),
        topic=draw(st.sampled_from([None, *TOPICS])),
        ticket=own or draw(st.sampled_from([None, "t-0"])),
        returns_missed=draw(st.integers(0, 4)) == 0,
        survey=draw(st.sampled_from([None, None, True, False])),
        opens=opens,
        resolved=draw(st.sampled_from([None, arrived + 200.0, arrived + 330.0, arrived + 901.0])),
        back_office=draw(st.integers(0, 5)) == 0,
        reopened=draw(st.integers(0, 5)) == 0,
        gone=draw(st.integers(0, 7)) == 0,
        ticket_topic=draw(st.sampled_from([None, *TOPICS])),
    )


worlds = st.integers(1, 12).flatmap(lambda size: st.tuples(*(calls(number) for number in range(size))))


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def engine(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[asyncio.Runner, Database]]:
    """A migrated database with what calls refer to, on one event loop for all examples."""
    folder: Path = tmp_path_factory.mktemp("reference")
    url = f"sqlite+aiosqlite:///{folder / 'onecall.db'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("scratch_postgres_url")
    with asyncio.Runner() as runner:
        runner.run(upgrade(url))
        database = Database(url)
        runner.run(_furnish(database))
        yield runner, database
        runner.run(database.close())


async def _furnish(database: Database) -> None:
    async with database.session() as session:
        for topic in TOPICS:
            session.add(Topic(id=topic, name_it=topic, name_en=topic, front_line=topic not in NOT_FRONT))
        for customer in ("c-1", "c-2"):
            session.add(Customer(id=customer, code=customer, name=customer, name_folded=customer, created_at=0.0))


@settings(max_examples=25, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(world=worlds)
def test_the_statements_count_as_the_definitions_say(
    engine: tuple[asyncio.Runner, Database], world: tuple[Told, ...]
) -> None:
    runner, database = engine
    runner.run(_compare(database, world))


async def _compare(database: Database, world: tuple[Told, ...]) -> None:
    async with database.session() as session:
        await session.execute(delete(Ticket))
        await session.execute(delete(Interaction))
        session.add_all(_row(call) for call in world)
        session.add_all(_ticket(call) for call in world if call.opens)
    async with database.reading() as session:
        counted = await recalls.by_day(session, SCOPE)
        resolved = await fcr.by_day(session, SCOPE)
        assert asdict(counted.get(DAY, recalls.Recalls())) == reference.recall(world)
        assert asdict(resolved.get(DAY, fcr.Resolutions())) == reference.fcr(world, NOT_FRONT)
        for dimension in GROUPED:
            parts = (await recalls.by(session, SCOPE, dimension)).values()
            assert asdict(sum(parts, recalls.Recalls())) == reference.recall(world)
            tickets = (await fcr.by(session, SCOPE, dimension)).values()
            assert asdict(sum(tickets, fcr.Resolutions())) == reference.fcr(world, NOT_FRONT)
        spread = await recalls.count(session, SCOPE, "gap", "cause")
        for counts in spread.values():
            assert asdict(sum(counts.values(), recalls.Recalls())) == reference.recall(world)
        gaps = {key: count.recalled for (_, key), count in spread["gap"].items() if count.recalled}
        assert gaps == reference.gaps(world)
        assert len(await recalls.pairs(session, SCOPE)) == reference.recall(world)["recalled"]


def _row(call: Told) -> Interaction:
    return Interaction(
        id=call.id,
        programme_id="p-aura",
        queue_id="q-1" if call.queued else None,
        direction="inbound" if call.inbound else "outbound",
        subject=call.subject,
        customer_id=call.subject,
        confirmed=call.subject is not None,
        arrived_at=call.arrived,
        queued_at=call.arrived if call.queued else None,
        answered_at=call.arrived if call.answered else None,
        agent_id="a-1" if call.answered else None,
        abandoned=not call.answered,
        ended_at=call.ended,
        wrap_up_ended_at=call.wrapped,
        day=DAY,
        disposition=call.disposition,
        topic_id=call.topic,
        ticket_id=call.ticket,
        returns_missed=call.returns_missed,
        survey_resolved=call.survey,
    )


def _ticket(call: Told) -> Ticket:
    return Ticket(
        id=call.ticket,
        number=f"T-{call.id}",
        programme_id="p-aura",
        title="x",
        topic_id=call.ticket_topic,
        status="merged" if call.gone else "open",
        opened_by=call.id,
        opened_at=call.arrived,
        changed_at=call.arrived,
        first_resolved_at=call.resolved,
        back_office_at=call.arrived if call.back_office else None,
        reopened_count=int(call.reopened),
    )
