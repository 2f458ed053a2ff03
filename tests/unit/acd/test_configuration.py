"""What is configured reaches the engine; what cannot be used harms nothing but itself."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from acd.config import Blend, Channel
from acd.configuration import Defaults, Operation, load
from acd.model import Agent, AgentQueue, Programme, Queue, Rules, Skill
from acd.profiles import RULES
from core.db import Base, Database


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    made = Database(f"sqlite+aiosqlite:///{tmp_path / 'a.db'}")
    async with made.engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    yield made
    await made.close()


async def operation(
    database: Database, *more: Base, plan: Any = None, agent: Any = None, **programme: Any
) -> Operation:
    """One programme with queues q and good, agent a in both."""
    async with database.session() as session:
        session.add(Programme(id="p", name="P", **programme))
        await session.flush()
        session.add_all(
            Queue(id=name, programme_id="p", name=name, plan=data) for name, data in (("q", plan or {}), ("good", {}))
        )
        session.add_all([Skill(id="preserves_food", name="Food"), *more])
        await session.flush()
        seats = [AgentQueue(queue_id="q")]
        session.add(Agent(id="a", name="A", extension="2001", phone_secret="s", queues=seats, routing=agent or {}))
    return await load(database, Defaults())


async def test_a_plan_that_cannot_be_used_is_named_and_its_queue_has_the_plain_one(database: Database) -> None:
    found = await operation(database, plan={"announcements": {"every": -5}})
    assert found.routing.queues["q"].announcements is None
    assert found.routing.queues["q"].plan.steps[0].require == "serves_q"
    assert list(found.unusable) == ["queue q"]
    assert "announcements.every = -5" in found.unusable["queue q"]


async def test_a_skill_whose_name_contains_serves_does_not_open_the_queue_to_everyone(database: Database) -> None:
    found = await operation(database, plan={"plan": {"steps": [{"require": "preserves_food>=3"}]}})
    assert found.routing.queues["q"].plan.steps[0].require == "serves_q & (preserves_food>=3)"


async def test_a_step_that_names_another_queues_agents_means_only_them(database: Database) -> None:
    found = await operation(database, plan={"plan": {"steps": [{"require": "serves_good"}]}})
    assert found.routing.queues["q"].plan.steps[0].require == "serves_good"


async def test_each_programme_has_its_own_clock(database: Database) -> None:
    other = Programme(id="a-first", name="A", time_zone="America/Lima")
    found = (await operation(database, other, time_zone="Asia/Tokyo")).routing.programmes
    assert [str(found[name].zone) for name in ("a-first", "p")] == ["America/Lima", "Asia/Tokyo"]


async def test_an_agent_speaks_the_language_of_the_programmes_served_unless_the_profile_says_which(
    database: Database,
) -> None:
    assert (await operation(database, language="en")).routing.agents["a"].languages == {"en"}


async def test_the_profile_of_an_agent_reaches_the_engine(database: Database) -> None:
    profile = {
        "languages": ["en", "it"],
        "programmes": ["p"],
        "segments": ["vip"],
        "channels": ["voice"],
        "capacity": 200,
        "blend": "inbound",
        "node": "milan",
        "attributes": {"site": "rome"},
    }
    agent = (await operation(database, agent=profile)).routing.agents["a"]
    assert (agent.languages, agent.programmes, agent.segments) == ({"en", "it"}, {"p"}, {"vip"})
    assert (agent.channels, agent.capacity, agent.blend) == ({"voice"}, 200, Blend.INBOUND)
    assert (agent.node, agent.attributes) == ("milan", {"site": "rome"})


async def test_a_profile_that_cannot_be_read_is_named_and_the_agent_works_by_skills_alone(database: Database) -> None:
    found = await operation(database, agent={"capacity": -1})
    assert found.routing.agents["a"].capacity == 100
    assert "capacity = -1" in found.unusable["agent a"]


async def test_priorities_of_programme_and_segments_reach_the_engine(database: Database) -> None:
    routing = {"priority": 2, "segment_priority": {"vip": 5}, "overflow_queue": "good"}
    programme = (await operation(database, routing=routing)).routing.programmes["p"]
    assert (programme.priority, programme.segment_priority, programme.overflow_queue) == (2, {"vip": 5}, "good")


async def test_the_rules_of_the_operation_reach_the_engine(database: Database) -> None:
    data = {
        "seconds_per_priority": 10,
        "crossing_cost": 30,
        "fallback_queue": "good",
        "refusals": {"rona_limit": 1},
        "channels": {"chat": {"units": 25}},
    }
    routing = (await operation(database, Rules(id=RULES, data=data))).routing
    assert (routing.seconds_per_priority, routing.crossing_cost, routing.fallback_queue) == (10, 30, "good")
    assert routing.refusals.rona_limit == 1
    assert (routing.channels["chat"], routing.channels["voice"]) == (Channel(25), Channel(100))
