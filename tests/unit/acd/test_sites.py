"""What the dispatcher makes of several nodes: what is at a node shares its fate, and nothing else does."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from acd import sites
from acd.config import Agent
from acd.ports import CallFacts, CallView, LiveCall, ReadBack, RecordingView
from acd.presence import restore
from core.facts import facts_since
from core.journal import Fact
from tests.patience import PATIENCE
from tests.unit.acd.house import House

NODES = ("rome", "milan")


@pytest.fixture
async def two(house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    """A dispatcher with two nodes, both up, without callers."""
    monkeypatch.setattr(sites, "_SETTLE", 0.0)
    made = House(tmp_path / "two", house.database, house.clock, NODES)
    await made.journal.start()
    for node in NODES:
        made.dispatcher.bridge_up(made.clock.now(), read_back(node))
    yield made
    await made.board.stop()
    await made.journal.stop()


def read_back(node: str, *waiting: CallFacts, talking: tuple[LiveCall, ...] = ()) -> ReadBack:
    return ReadBack(waiting, talking, {}, frozenset(), node=node)


def waiting(house: House) -> list[tuple[str, float]]:
    return [(view.interaction_id, view.waiting_since) for view in house.engine.waiting("q")]


async def ready_at(house: House, node: str, agent: str = "a1") -> None:
    house.dispatcher.phone_changed(house.clock.now(), {"a1": "2001", "a2": "2002"}[agent], True, node)
    await house.cmd("agent.sign_in", agent)
    await house.cmd("agent.ready", agent)


async def rung(house: House, count: int = 1) -> list[str]:
    """The interactions for which phones were rung, once there are so many."""
    async with asyncio.timeout(PATIENCE):
        while len(rings := [one[1] for one in house.telephony.asked if one[0] == "ring"]) < count:
            await asyncio.sleep(0)
    return [ring.interaction_id for ring in rings]


async def test_a_node_that_is_away_is_named_and_its_callers_are_offered_to_nobody(two: House) -> None:
    two.arrive("i1", node="milan")
    two.arrive("i2", node="rome")
    two.dispatcher.bridge_down(two.clock.advance(1), "cut", "milan")
    assert two.board.alarms["asterisk:milan"]["values"] == {"node": "milan", "why": "cut"}
    await ready_at(two, "rome")
    assert await rung(two) == ["i2"]
    assert [name for name, _ in waiting(two)] == ["i2"]


async def test_callers_of_a_node_that_is_back_have_their_old_places_and_one_who_is_gone_has_given_up(
    two: House,
) -> None:
    first, second, third = (two.arrive(name, node="milan") for name in ("i1", "i2", "i3"))
    places = waiting(two)
    two.dispatcher.bridge_down(two.clock.advance(1), "cut", "milan")
    two.dispatcher.bridge_up(two.clock.advance(60), read_back("milan", third, first))
    assert waiting(two) == [places[0], places[2]]
    assert "asterisk:milan" not in two.board.alarms
    (ended,) = [fact for fact in await facts_of(two) if fact.kind == "call.ended"]
    assert (ended.interaction_id, ended.data["abandoned"]) == (second.interaction_id, True)


async def test_who_was_put_first_is_first_again_when_the_node_is_back(two: House) -> None:
    callers = [two.arrive(name, node="milan") for name in ("i1", "i2", "i3")]
    for name in ("i3", "i2"):
        await two.cmd("queue.move", interaction_id=name, front=True)
    two.dispatcher.bridge_down(two.clock.advance(1), "cut", "milan")
    two.dispatcher.bridge_up(two.clock.advance(60), read_back("milan", *callers))
    assert [name for name, _ in waiting(two)] == ["i2", "i3", "i1"]


async def test_what_one_node_reads_back_says_nothing_of_the_callers_and_offers_of_another(two: House) -> None:
    two.arrive("i1", node="milan")
    await ready_at(two, "rome")
    assert await rung(two) == ["i1"]
    two.arrive("i2", node="milan")
    two.dispatcher.bridge_up(two.clock.advance(1), replace(read_back("rome"), registered=frozenset({"2001"})))
    assert set(two.board.calls) == {"i1", "i2"}
    assert len(two.board.offers) == 1


async def test_an_offer_for_a_caller_whose_node_goes_away_is_withdrawn_without_blame(two: House) -> None:
    two.arrive("i1", node="milan")
    await ready_at(two, "rome")
    await rung(two)
    two.dispatcher.bridge_down(two.clock.advance(1), "cut", "milan")
    assert two.state()[0] == "ready"
    assert [fact.data["result"] for fact in await facts_of(two) if fact.kind == "offer.ended"] == ["withdrawn"]
    assert not two.desk()["notices"]


async def test_a_talk_that_began_while_its_node_was_away_is_found(two: House) -> None:
    facts = two.arrive("i1", node="milan")
    await ready_at(two, "rome")
    await rung(two)
    two.dispatcher.bridge_down(two.clock.advance(1), "cut", "milan")
    view = CallView("i1", "a1", "talking", None, 0.0, None, RecordingView(False, False))
    live = LiveCall(facts, view, two.clock.now())
    found = replace(read_back("milan", talking=(live,)), registered=frozenset({"2001"}), phones={"2001": "rome"})
    two.dispatcher.bridge_up(two.clock.advance(5), found)
    assert two.state()[0] == "talking"
    assert not two.board.calls["i1"].away


async def test_a_caller_who_returns_to_the_line_of_a_node_that_was_away_is_queued(two: House) -> None:
    facts = two.arrive("i1", node="milan")
    two.dispatcher.bridge_down(two.clock.advance(1), "cut", "milan")
    elsewhere = replace(read_back("milan"), elsewhere=frozenset({"i1"}))
    two.dispatcher.bridge_up(two.clock.advance(1), elsewhere)
    assert waiting(two) == []
    two.dispatcher.caller_waiting(two.clock.advance(1), facts)
    assert [name for name, _ in waiting(two)] == ["i1"]


async def test_a_call_back_promised_at_a_node_that_is_away_goes_out_from_the_agents_node(two: House) -> None:
    two.arrive("i1", node="milan")
    call = two.board.calls["i1"]
    call.may_call_back = True
    two.dispatcher.key_pressed(two.clock.advance(1), "i1", "1")
    assert call.promised
    two.dispatcher.bridge_down(two.clock.advance(1), "cut", "milan")
    await ready_at(two, "rome")
    await rung(two)
    (ring,) = [one[1] for one in two.telephony.asked if one[0] == "ring"]
    assert (ring.call_back, ring.node) == (True, "rome")


async def test_an_agent_signs_in_where_the_phone_is_and_the_profile_says_only_the_default(two: House) -> None:
    with_nodes(two, {"a1": "milan"}, 60.0)
    await ready_at(two, "rome", "a1")
    two.clock.advance(5)
    await ready_at(two, "milan", "a2")
    two.clock.advance(5)
    two.arrive("i1", node="rome")
    two.arrive("i2", node="milan")
    assert await rung(two, 2) == ["i1", "i2"]
    assert [one[1].agent_id for one in two.telephony.asked if one[0] == "ring"] == ["a1", "a2"]


@pytest.mark.parametrize("profile", ["", "rome", "milan"])
async def test_an_agent_whose_phone_moves_is_at_its_new_node_for_routing(two: House, profile: str) -> None:
    with_nodes(two, {"a1": profile, "a2": "milan"}, 60.0)
    await ready_at(two, "milan", "a1")
    two.clock.advance(5)
    await ready_at(two, "milan", "a2")
    two.dispatcher.phone_changed(two.clock.advance(1), "2001", True, "rome")
    await settled(two)
    two.dispatcher.configure(two.board.config)
    two.clock.advance(5)
    two.arrive("i1", node="milan")
    await rung(two)
    assert [one[1].agent_id for one in two.telephony.asked if one[0] == "ring"] == ["a2"]
    two.arrive("i2", node="rome")
    await rung(two, 2)
    assert [one[1].agent_id for one in two.telephony.asked if one[0] == "ring"] == ["a2", "a1"]


async def test_after_a_restart_the_calls_of_a_node_that_is_late_are_not_taken_for_ended(
    two: House, tmp_path: Path
) -> None:
    await ready_at(two, "rome")
    facts = two.arrive("i1", node="milan")
    await rung(two)
    two.dispatcher.leg_answered(two.clock.advance(2), next(iter(two.board.offers)))
    past = await facts_of(two)
    later = House(tmp_path / "later", two.database, two.clock, NODES)
    await later.journal.start()
    rome = replace(read_back("rome"), registered=frozenset({"2001"}))
    later.dispatcher.bridge_up(two.clock.advance(1), rome)
    restore(later.dispatcher, past, "rome")
    assert later.state()[0] == "signed_out"
    view = CallView("i1", "a1", "talking", None, 0.0, None, RecordingView(False, False))
    talks = replace(read_back("milan", talking=(LiveCall(facts, view, two.clock.now()),)), phones={"2001": "rome"})
    later.dispatcher.bridge_up(two.clock.advance(1), replace(talks, registered=frozenset({"2001"})))
    restore(later.dispatcher, past, "milan")
    assert later.state()[0] == "talking"
    assert not [fact for fact in await facts_of(later) if fact.kind in {"call.ended", "agent.left"}]
    await later.board.stop()
    await later.journal.stop()


async def test_where_there_is_one_node_a_cut_leaves_its_callers_in_the_line(house: House) -> None:
    house.arrive("i1")
    house.dispatcher.bridge_down(house.clock.advance(1), "cut")
    assert [name for name, _ in waiting(house)] == ["i1"]
    assert "asterisk" in house.board.alarms


def with_nodes(house: House, nodes: dict[str, str], cost: float) -> None:
    """The agents' profiles name these nodes; crossing costs so many seconds."""
    agents = {name: Agent(name, node=nodes.get(name, "")) for name in ("a1", "a2")}
    house.dispatcher.configure(replace(house.board.config, agents=agents, crossing_cost=cost))


async def settled(house: House) -> None:
    """Wait until the engine has been told of the phones that moved."""
    async with asyncio.timeout(PATIENCE):
        while any(desk.phone_node != desk.told_node for desk in house.desks.all() if desk.phone_registered):
            await asyncio.sleep(0)


async def facts_of(house: House) -> list[Fact]:
    await house.journal.settled()
    return await facts_since(house.database, 0)
