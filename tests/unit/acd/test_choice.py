"""Who is chosen: strategies, ties, blend, crossing, the agent asked for by name, reserves, capacity."""

from collections import Counter

import pytest

from acd.config import Blend, Channel, Plan, PlanStep, Strategy, Weights
from acd.events import (
    AgentBusy,
    AgentNotReady,
    AgentReady,
    AgentSignedIn,
    AgentSignedOut,
    InteractionLeft,
    TalkEnded,
)
from tests.unit.acd.world import World, agent, queue


def test_most_proficient_takes_the_highest_level_of_what_is_asked_for():
    people = [agent("anna", skills="tv=3 it=9"), agent("bea", skills="tv=8"), agent("carla", skills="tv=5")]
    world = World([queue(require="tv", strategy=Strategy.MOST_PROFICIENT)], people)
    chosen = []
    for number in range(3):
        world.call(number, f"c{number}")
        chosen.append(world.with_agent(f"c{number}"))
    assert chosen == ["bea", "carla", "anna"]


def test_least_flexible_keeps_those_who_serve_many_queues_free():
    people = [agent("anna", skills="tv=1 it=1 adsl=1"), agent("bea", skills="tv=1"), agent("carla", skills="tv=1 it=1")]
    lines = [queue(require="tv", strategy=Strategy.LEAST_FLEXIBLE), queue("it", "it"), queue("adsl", "adsl")]
    world = World(lines, people)
    chosen = []
    for number in range(3):
        world.call(number, f"c{number}")
        chosen.append(world.with_agent(f"c{number}"))
    assert chosen == ["bea", "carla", "anna"]


@pytest.mark.parametrize(
    ("weights", "chosen"),
    [
        (Weights(idle=1.0), "anna"),
        (Weights(idle=0.0, proficiency=1.0), "bea"),
        (Weights(idle=1.0, proficiency=30.0), "bea"),
        (Weights(idle=1.0, proficiency=10.0), "anna"),
        (Weights(idle=0.0, flexibility=1.0), "carla"),
        (Weights(idle=0.0, occupancy=1.0), "carla"),
    ],
)
def test_weighted_adds_up_what_its_weights_say(weights, chosen):
    people = [agent("anna", skills="tv=2 it=1"), agent("bea", skills="tv=7 it=1"), agent("carla", skills="tv=1")]
    lines = [queue(require="tv", strategy=Strategy.WEIGHTED, weights=weights), queue("it", "it")]
    world = World(lines, people, ready=False)
    for at, name in ((0, "anna"), (100, "bea"), (200, "carla")):
        world.tell(AgentSignedIn(at, name, ready=True))
    for name in ("anna", "bea"):
        world.tell(AgentBusy(200, name, f"by-hand-{name}"))
        world.tell(AgentReady(200, name))
    world.tell(TalkEnded(201, "by-hand-anna", "anna"))
    world.tell(TalkEnded(301, "by-hand-bea", "bea"))
    world.tell(AgentNotReady(302, "carla", "pause"))
    world.tell(AgentReady(303, "carla"))
    world.call(320, "c1")
    assert world.offers() == {"c1": chosen}


def test_most_idle_counts_the_whole_shift_and_longest_idle_the_present_pause():
    for strategy, chosen in ((Strategy.MOST_IDLE, "anna"), (Strategy.LONGEST_IDLE, "bea")):
        world = World([queue(strategy=strategy)], [agent("anna"), agent("bea")], ready=False)
        world.tell(AgentSignedIn(0, "anna", ready=True))
        world.tell(AgentSignedIn(100, "bea", ready=True))
        world.tell(AgentNotReady(101, "anna", "pause"))
        world.tell(AgentReady(110, "anna"))
        world.call(120, "c1")
        assert world.offers() == {"c1": chosen}


def test_least_occupied_takes_who_has_worked_the_smallest_share():
    world = World([queue(strategy=Strategy.LEAST_OCCUPIED)], [agent("anna"), agent("bea")])
    for name, until in (("anna", 60), ("bea", 20)):
        world.tell(AgentBusy(10, name, f"by-hand-{name}"))
        world.tell(AgentReady(10, name))
        world.tell(TalkEnded(until, f"by-hand-{name}", name))
    world.tell(AgentNotReady(61, "bea", "pause"))
    world.tell(AgentReady(62, "bea"))
    world.call(100, "c1")
    assert world.offers() == {"c1": "bea"}


def test_round_robin_takes_turns_whoever_is_idle_longest():
    world = World([queue(strategy=Strategy.ROUND_ROBIN)], [agent("anna"), agent("bea")])
    chosen = []
    for number in range(4):
        world.call(10 * number, f"c{number}")
        chosen.append(world.with_agent(f"c{number}"))
        world.tell(InteractionLeft(10 * number + 1, f"c{number}"))
    assert set(chosen[:2]) == {"anna", "bea"}
    assert chosen[:2] == chosen[2:]


@pytest.mark.parametrize("strategy", list(Strategy))
def test_equals_share_the_work_evenly(strategy):
    names = [f"a{number}" for number in range(5)]
    world = World([queue(strategy=strategy)], [agent(name) for name in names], ready=False)
    taken: Counter[str] = Counter()
    for name in names:
        world.tell(AgentSignedIn(0, name))
    for turn in range(50):
        for name in names:
            world.tell(AgentReady(10 * turn, name))
        world.call(10 * turn + 1, f"c{turn}")
        taken[world.with_agent(f"c{turn}")] += 1
        world.tell(InteractionLeft(10 * turn + 2, f"c{turn}"))
        for name in names:
            world.tell(AgentNotReady(10 * turn + 3, name, "pause"))
    assert taken == dict.fromkeys(names, 10)


def test_who_is_drawn_first_among_equals_depends_on_the_seed():
    first = {
        World(agents=[agent(f"a{n}") for n in range(5)], seed=seed).call(1, "c1")[1].agent_id for seed in range(20)
    }
    assert len(first) > 2


def test_inbound_first_takes_an_older_outbound_call_only_when_no_inbound_waits():
    for blend, order in ((Blend.INBOUND_FIRST, ["in", "out"]), (Blend.ALL, ["out", "in"])):
        world = World(agents=[agent("anna", blend=blend)], ready=False)
        world.call(0, "out", direction="outbound")
        world.call(50, "in")
        world.tell(AgentSignedIn(60, "anna", ready=True))
        taken = list(world.offers())
        world.accept(60, taken[0])
        world.finish(70, taken[0], "anna")
        assert [*taken, *world.offers()] == order


def test_an_agent_is_given_only_the_directions_of_its_blend():
    takes = {}
    for blend in Blend:
        world = World(agents=[agent("anna", blend=blend)])
        takes[blend] = []
        for at, direction in enumerate(("inbound", "outbound")):
            # By an agent who waits, and, once anna is back, by an agent who comes to those who wait.
            world.call(10 * at, direction, direction=direction)
            found = direction in world.offers()
            world.tell(AgentNotReady(10 * at + 1, "anna", "pause"))
            world.tell(AgentReady(10 * at + 2, "anna"))
            assert (direction in world.offers()) == found
            takes[blend] += [direction] * found
            world.tell(InteractionLeft(10 * at + 3, direction))
    both = ["inbound", "outbound"]
    assert takes == {
        Blend.ALL: both,
        Blend.INBOUND: ["inbound"],
        Blend.OUTBOUND: ["outbound"],
        Blend.INBOUND_FIRST: both,
    }


def test_an_agent_asked_for_by_name_is_not_given_what_its_blend_excludes():
    for blend, direction, given in (
        (Blend.INBOUND, "inbound", True),
        (Blend.INBOUND, "outbound", False),
        (Blend.OUTBOUND, "outbound", True),
        (Blend.OUTBOUND, "inbound", False),
    ):
        world = World(agents=[agent("anna", blend=blend)])
        world.call(0, "c1", direction=direction, preferred_agent_id="anna", preferred_wait=20.0)
        assert ("c1" in world.offers()) == given


def test_inbound_first_holds_when_many_have_a_chance_at_once():
    people = [agent("anna", skills="tv=1", blend=Blend.INBOUND_FIRST), agent("bea", skills="it=1")]
    world = World([queue(require="tv"), queue("both", "tv | it")], [agent("anna"), agent("bea")])
    world.call(0, "out", "both", direction="outbound")
    world.call(5, "in", "care")
    world.change(9, agents=people)
    assert world.offers() == {"out": "bea", "in": "anna"}


def test_inbound_first_serves_outbound_when_many_have_a_chance_at_once_and_no_inbound_waits():
    world = World([queue(require="tv")], [agent("anna"), agent("bea")])
    world.call(0, "c1", direction="outbound")
    world.call(5, "c2", direction="outbound")
    world.change(9, agents=[agent(name, skills="tv=1", blend=Blend.INBOUND_FIRST) for name in ("anna", "bea")])
    assert set(world.offers()) == {"c1", "c2"}


def test_an_agent_prefers_callers_of_its_own_node_up_to_the_cost_of_crossing():
    for older, first in ((9, "near"), (11, "far")):
        world = World(agents=[agent("anna", node="rome")], ready=False, crossing_cost=10.0)
        world.call(100 - older, "far", node="milan")
        world.call(100, "near", node="rome")
        world.tell(AgentSignedIn(200, "anna", ready=True))
        assert list(world.offers()) == [first]


@pytest.mark.parametrize("strategy", list(Strategy))
def test_a_caller_prefers_agents_of_its_own_node(strategy):
    people = [agent("anna", node="milan"), agent("bea", node="rome")]
    world = World([queue(strategy=strategy)], people, ready=False, crossing_cost=10.0)
    world.tell(AgentSignedIn(0, "anna", ready=True))
    world.tell(AgentSignedIn(5, "bea", ready=True))
    world.call(20, "c1", node="rome")
    assert world.offers() == {"c1": "bea"}


def test_much_longer_idle_outweighs_the_cost_of_crossing():
    world = World(agents=[agent("anna", node="milan"), agent("bea", node="rome")], ready=False, crossing_cost=10.0)
    world.tell(AgentSignedIn(0, "anna", ready=True))
    world.tell(AgentSignedIn(15, "bea", ready=True))
    world.call(20, "c1", node="rome")
    assert world.offers() == {"c1": "anna"}


def test_the_agent_asked_for_is_chosen_before_one_idle_longer():
    world = World(agents=[agent("anna"), agent("bea")], ready=False)
    world.tell(AgentSignedIn(0, "anna", ready=True))
    world.tell(AgentSignedIn(50, "bea", ready=True))
    world.call(60, "c1", preferred_agent_id="bea", preferred_wait=20.0)
    assert world.offers() == {"c1": "bea"}


def test_the_agent_asked_for_is_waited_for_and_then_anyone():
    for freed, chosen in ((70, "bea"), (90, "anna")):
        world = World(agents=[agent("anna"), agent("bea")])
        world.tell(AgentBusy(50, "bea", "by-hand"))
        world.tell(AgentReady(50, "bea"))
        world.call(60, "c1", preferred_agent_id="bea", preferred_wait=20.0)
        assert world.place("c1") == "held"
        if freed > 80:
            world.tick(80)
        else:
            world.tell(TalkEnded(freed, "by-hand", "bea"))
        assert world.offers() == {"c1": chosen}


def test_a_caller_held_for_an_agent_who_signs_out_is_anyones():
    world = World(agents=[agent("anna"), agent("bea")])
    world.tell(AgentBusy(50, "bea", "by-hand"))
    world.call(60, "c1", preferred_agent_id="bea", preferred_wait=20.0)
    world.tell(AgentSignedOut(61, "bea"))
    assert world.offers() == {"c1": "anna"}


def test_a_caller_held_for_an_agent_who_leaves_another_waits_for_everyone():
    world = World([queue(), queue("tv", "tv")], [agent("anna", skills="tv=1"), agent("bea")])
    world.tell(AgentNotReady(50, "bea", "pause"))
    world.call(55, "ringing", "tv")
    world.call(60, "c1", preferred_agent_id="anna", preferred_wait=20.0)
    assert world.place("c1") == "held"
    world.tell(AgentSignedOut(61, "anna"))
    world.tell(AgentReady(62, "bea"))
    assert world.offers() == {"c1": "bea"}


def test_a_reserve_keeps_its_agents_whoever_is_freed():
    world = World([queue(reserve=1), queue("open")], [agent("anna"), agent("bea")], ready=False)
    world.tell(AgentSignedIn(0, "anna", ready=True))
    world.call(1, "c1")
    world.call(2, "c2")
    assert world.place("c1") == world.place("c2") == "waiting"
    world.tell(AgentSignedIn(3, "bea", ready=True))
    assert len(world.offers()) == 1
    assert world.place("c2") == "waiting"
    world.call(4, "urgent", "open")
    assert "urgent" in world.offers()


def test_a_returned_offer_still_leaves_the_reserve():
    world = World([queue(reserve=1)], [agent("anna"), agent("bea")])
    world.call(1, "c1")
    world.call(2, "c2")
    world.tell(InteractionLeft(3, "c1"))
    assert len(world.offers()) == 1
    assert world.place("c2") == "offered"
    world.call(4, "c3")
    assert world.place("c3") == "waiting"


def test_interruptible_work_keeps_an_agent_from_more_of_its_kind_only():
    world = World(agents=[agent("anna")], channels={"voice": Channel(100), "email": Channel(60, interruptible=True)})
    world.call(0, "mail", channel="email")
    world.accept(1, "mail")
    world.call(2, "mail-2", channel="email")
    assert world.place("mail-2") == "waiting"
    world.call(3, "call", channel="voice")
    assert world.offers() == {"call": "anna"}


def test_an_agent_has_as_many_at_once_as_their_units_allow():
    world = World(agents=[agent("anna")], channels={"chat": Channel(40)})
    for number in range(3):
        world.call(number, f"c{number}", channel="chat")
        if number < 2:
            world.accept(number, f"c{number}")
    assert world.place("c2") == "waiting"


def test_whoever_first_names_a_fact_gets_the_right_agent():
    plan = Plan((PlanStep(require="latin"), PlanStep(after=30, require="", prefer=("team=red",))))
    for red in ("anna", "bea"):
        people = [agent(name, team="red" if name == red else "") for name in ("anna", "bea")]
        world = World([queue(plan=plan)], people)
        world.call(1, "c1")
        world.tick(31)
        assert world.offers() == {"c1": red}


def test_whoever_first_names_an_attribute_finds_all_who_are_ready():
    plan = Plan((PlanStep(require="latin"), PlanStep(after=30, require="site=$site | tv")))
    people = [agent("anna", attributes={"site": "rome"}), agent("bea", skills="tv=1")]
    world = World([queue(plan=plan)], people, ready=False)
    world.tell(AgentSignedIn(0, "anna", ready=True))
    world.tell(AgentSignedIn(10, "bea", ready=True))
    world.call(20, "c1", attributes={"site": "rome"})
    world.tick(50)
    assert world.offers() == {"c1": "anna"}


def test_nobody_is_overtaken_beyond_the_aging_bound_by_one_who_is_back():
    people = [agent("anna", skills="x=1"), agent("bea", skills="x=1 y=1")]
    for later, first in ((5000, "old"), (500, "new")):
        world = World([queue("a", "x"), queue("b", "y")], people, ready=False)
        world.call(0, "old", "b")
        world.tell(AgentSignedIn(later, "anna", ready=True))
        world.call(later, "new", "a")
        world.tick(later + 15)
        assert world.place("new") == "waiting"
        world.tell(AgentSignedIn(later + 16, "bea", ready=True))
        assert world.offers() == {first: "bea"}


def test_a_returned_caller_is_behind_nobody_who_came_later():
    world = World(agents=[agent("anna")])
    world.call(1, "c1")
    for number in range(5):
        world.call(2 + number, f"vip{number}", priority=20)
    world.tick(16)
    assert world.engine.position("c1") == 1
