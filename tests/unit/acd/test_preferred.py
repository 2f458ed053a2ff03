"""How long a caller waits for the agent who is preferred: one time for recalls, one for owners of open tickets."""

from dataclasses import replace

import pytest

from acd.presence import call_facts, read
from acd.ringing import queued_fields
from core.facts import facts_since
from cti.facts import read_facts, write_facts
from tests.unit.acd.house import House


@pytest.mark.parametrize(
    ("agent_id", "owner", "owner_wait", "seconds"),
    [
        ("a1", False, 5.0, 20.0),
        ("a1", True, 5.0, 5.0),
        ("a1", True, 0.0, 0.0),
        ("a1", True, None, 20.0),
        (None, True, 5.0, 0.0),
    ],
)
async def test_a_queue_may_wait_otherwise_for_the_owner_than_for_the_agent_of_the_last_contact(
    house: House, agent_id: str | None, owner: bool, owner_wait: float | None, seconds: float
) -> None:
    queue = replace(house.board.config.queues["q"], owner_wait=owner_wait)
    config = replace(house.board.config, queues={**house.board.config.queues, "q": queue})
    facts = replace(house.arrive(), preferred_agent_id=agent_id, prefers_owner=owner)
    assert queued_fields(facts, config)["preferred_wait"] == seconds


@pytest.mark.parametrize("owner", [True, False])
async def test_as_what_the_agent_is_preferred_survives_on_the_channel_and_in_the_journal(
    house: House, owner: bool
) -> None:
    facts = house.arrive(preferred_agent_id="a1", prefers_owner=owner)
    assert read_facts("i1", write_facts(facts), 0.0).prefers_owner == owner
    await house.journal.settled()
    found = call_facts("i1", read(await facts_since(house.database, 0)).calls["i1"])
    assert found is not None
    assert found.prefers_owner == owner
