"""Facts become calls: through the real journal, in any order, late, twice, damaged or unknown."""

import random
from pathlib import Path

import pytest
from sqlalchemy import func, inspect, select

from core.db import Database
from core.facts import FactStore
from core.journal import Fact, Journal
from tests.integration.tickets.world import GIULIA, HOUR, MARCO, NOON, World, call_facts
from tickets import calls, interactions
from tickets.model import Interaction, InteractionLeg, Recording
from tickets.projection import project

CHIARA = "+393475550142"


def _columns(call: Interaction) -> dict[str, object]:
    return {column.key: getattr(call, column.key) for column in inspect(Interaction).column_attrs if column.key != "id"}


async def test_a_whole_call_is_one_row_with_its_leg(world: World) -> None:
    chiara = await world.customer("Chiara", CHIARA)
    facts = world.facts(CHIARA, NOON)
    await world.tell(*call_facts(facts, GIULIA.id, talk=100.0))
    row = await world.row(facts.interaction_id)
    assert (row.customer_id, row.subject, row.identification) == (chiara, chiara, "one")
    assert (row.arrived_at, row.queued_at, row.answered_at) == (NOON, NOON + 30, NOON + 40)
    assert (row.ended_at, row.wrap_up_ended_at) == (NOON + 140, NOON + 160)
    assert (row.agent_id, row.talk, row.wrap_up, row.queue_id) == ("a-giulia", 100.0, 20.0, "q-port")
    assert (row.ended_by, row.stage, row.hang_up_cause, row.abandoned) == ("caller", "talk", 16, False)
    async with world.database.reading() as session:
        shown = await interactions.view(session, facts.interaction_id)
    assert [(leg["agent_name"], leg["talk"]) for leg in shown["legs"]] == [("Giulia Conti", 100.0)]


@pytest.mark.parametrize("seed", range(6))
async def test_the_order_of_the_facts_does_not_matter(world: World, seed: int) -> None:
    await world.customer("Chiara", CHIARA)
    straight, shuffled = world.facts(CHIARA, NOON), world.facts(CHIARA, NOON)
    await world.tell(*call_facts(straight, GIULIA.id))
    told = call_facts(shuffled, GIULIA.id)
    random.Random(seed).shuffle(told)
    for fact in told:
        await world.tell(fact)
    one, other = await world.row(straight.interaction_id), await world.row(shuffled.interaction_id)
    assert _columns(one) == _columns(other)


async def test_the_journal_applies_each_fact_exactly_once(database: Database, tmp_path: Path) -> None:
    world = World(database)
    await world.furnish()
    facts = call_facts(world.facts(CHIARA, NOON), GIULIA.id)
    journal = Journal(tmp_path / "journal", FactStore(database, [project]))
    await journal.start()
    for fact in [*facts, *facts]:
        journal.append(fact)
    await journal.settled()
    await journal.stop()
    async with database.reading() as session:
        assert await session.scalar(select(func.count()).select_from(Interaction)) == 1
        legs = list(await session.scalars(select(InteractionLeg)))
    assert [(leg.agent_id, leg.talk, leg.wrap_up) for leg in legs] == [("a-giulia", 200.0, 20.0)]


async def test_unknown_kinds_and_damaged_data_change_nothing_and_break_nothing(world: World) -> None:
    facts = world.facts(CHIARA, NOON)
    call = facts.interaction_id
    await world.tell(
        Fact(NOON, "call.danced", call, None, {"style": "tango"}),
        Fact(NOON, "agent.state", None, GIULIA.id, {"state": "ready"}),
        Fact(NOON, "call.identified", call, None, {"customer_ids": None}),
        Fact(NOON, "queue.entered", call, None, {"since": "early"}),
        Fact(NOON, "call.ended", call, None, {"cause": "many", "stage": "x" * 99}),
        Fact(NOON, "agent.left", call, None, {}),
    )
    row = await world.row(call)
    assert (row.queued_at, row.hang_up_cause, row.stage) == (NOON, None, "x" * 16)


async def test_what_an_agent_decided_is_not_overwritten_by_a_late_fact(world: World) -> None:
    chiara, anna = await world.customer("Chiara", CHIARA), await world.customer("Anna")
    facts = world.facts(CHIARA, NOON)
    await world.stories.open_ticket(facts, GIULIA.id, NOON + 40)
    async with world.tickets.unit(GIULIA) as unit:
        await calls.choose_customer(unit, facts.interaction_id, anna)
    await world.tell(*call_facts(facts, GIULIA.id))
    await world.tell(Fact(NOON + 1, "call.identified", facts.interaction_id, None, {"customer_ids": [chiara]}))
    row = await world.row(facts.interaction_id)
    assert (row.customer_id, row.subject, row.confirmed) == (anna, anna, True)


async def test_a_keyed_customer_code_identifies_a_caller_who_hides_the_number(world: World) -> None:
    chiara = await world.customer("Chiara", CHIARA)
    facts = world.facts(None, NOON, customer_ids=(chiara,))
    await world.tell(*call_facts(facts, GIULIA.id))
    row = await world.row(facts.interaction_id)
    assert (row.identification, row.subject) == ("one", chiara)


async def test_a_number_that_cannot_be_read_is_nobody_but_not_withheld(world: World) -> None:
    facts = world.facts(None, NOON)
    arrived = Fact(NOON, "call.arrived", facts.interaction_id, None, {"withheld": False, "programme_id": "p-aura"})
    await world.tell(arrived)
    assert (await world.row(facts.interaction_id)).identification == "none"


async def test_a_closed_recording_is_kept_with_its_hash(world: World) -> None:
    facts = world.facts(CHIARA, NOON)
    closed = {
        "path": "2026/11/23/x.wav",
        "sha256": "ab" * 32,
        "seconds": 12.5,
        "bytes": 200_044,
        "pauses": [[1.0, 2.0]],
    }
    await world.tell(Fact(NOON + HOUR, "recording.closed", facts.interaction_id, None, {**closed, "problem": None}))
    async with world.database.reading() as session:
        recording = await session.get_one(Recording, facts.interaction_id)
    assert (recording.path, recording.sha256, recording.pauses) == (closed["path"], closed["sha256"], [[1.0, 2.0]])


async def test_a_call_that_two_agents_had_is_answered_for_by_the_last(world: World) -> None:
    facts = world.facts(CHIARA, NOON)
    await world.tell(*call_facts(facts, MARCO.id))
    await world.tell(
        Fact(NOON + 500, "call.answered", facts.interaction_id, GIULIA.id, {"queue_id": "q-port"}),
    )
    row = await world.row(facts.interaction_id)
    assert (row.agent_id, row.answered_at, row.wrap_up_ended_at) == (GIULIA.id, NOON + 40, None)
