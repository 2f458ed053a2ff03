"""Changes of the configuration while calls run, and what they may not disturb."""

import sys
from collections.abc import Callable
from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest

from acd.config import (
    Agent,
    Channel,
    OpeningHours,
    Overflow,
    OverflowKind,
    Plan,
    PlanStep,
    Programme,
    Strategy,
    Weights,
    WrapUp,
)
from acd.effects import (
    AgentStateChanged,
    NobodyQualified,
    Offer,
    OfferWithdrawn,
    Overflowed,
    PlanStepTaken,
    PriorityChanged,
    QualifiedAgain,
    Requeued,
)
from acd.events import (
    AgentReady,
    AgentSignedIn,
    AgentSignedOut,
    Event,
    InteractionLeft,
    InteractionMoved,
    OfferAccepted,
    TalkEnded,
)
from tests.unit.acd.world import World, agent, queue

CALL_BACK = Overflow(OverflowKind.CALL_BACK)


def test_an_offer_is_taken_back_when_its_agent_loses_the_skill():
    world = World([queue(require="tv")], [agent("anna", skills="tv=5")])
    world.call(0, "c1")
    stale = world.fence("c1")
    world.change(1, agents=[agent("anna")])
    assert world.of(OfferWithdrawn)[0].reason == "not_qualified"
    assert world.of(Requeued)[0].waiting_since == 0
    assert world.state("anna") == ("ready", "")
    assert world.place("c1") == "waiting"
    world.tell(OfferAccepted(2, stale))
    assert world.ignored()


def test_an_offer_is_taken_back_when_the_plan_asks_for_more():
    world = World([queue(require="tv")], [agent("anna", skills="tv=5"), agent("bea", skills="tv=9")], ready=False)
    world.tell(AgentSignedIn(0, "anna", ready=True))
    world.call(1, "c1")
    world.tell(AgentSignedIn(2, "bea", ready=True))
    world.change(3, queues=[queue(require="tv>=8")])
    assert world.offers() == {"c1": "bea"}


def test_an_offer_stands_when_its_agent_still_qualifies():
    world = World([queue(require="tv")], [agent("anna", skills="tv=5")])
    world.call(0, "c1")
    world.change(1, queues=[queue(require="tv>=2")], agents=[agent("anna", skills="tv=3")])
    assert world.of(OfferWithdrawn) == []
    assert world.place("c1") == "offered"


def steps(*more: PlanStep, require: str = "tv") -> Plan:
    return Plan((PlanStep(require=require), *more))


def test_an_edit_of_the_plan_runs_no_step_again():
    done = PlanStep(after=30, overflow=CALL_BACK, raise_priority=1, announce="busy")
    world = World([queue(plan=steps(done))])
    world.call(0, "c1")
    world.tick(30)
    assert len(world.of(Overflowed)) == 1
    for number in range(3):
        world.change(40 + number, queues=[queue(plan=steps(done, PlanStep(after=1000 + number)))])
        assert world.of(Overflowed) == world.of(PlanStepTaken) == world.of(PriorityChanged) == []
    world.change(50, queues=[queue(plan=steps(replace(done, require="latin")))])
    assert world.of(Overflowed) == []
    assert world.engine.interaction("c1").steps == (0, 1)
    assert world.engine.interaction("c1").priority == 1


def test_an_edit_of_the_plan_takes_the_new_steps_that_are_due_and_drops_what_is_gone():
    world = World([queue(plan=steps(PlanStep(after=10, raise_priority=3)))], [agent("anna", skills="it=1")])
    world.call(0, "c1")
    world.tick(20)
    assert world.engine.interaction("c1").priority == 3
    world.change(21, queues=[queue(plan=steps(PlanStep(after=15, require="it")))])
    assert world.offers() == {"c1": "anna"}
    assert world.engine.interaction("c1").priority == 0


def test_a_plan_that_changes_in_a_talk_holds_for_a_call_put_back():
    world = World([queue(require="tv")], [agent("anna", skills="tv=1")])
    world.call(0, "c1")
    world.accept(1, "c1")
    world.change(2, queues=[queue(plan=Plan((PlanStep(after=5, require="it"), PlanStep(require="tv"))))])
    assert world.engine.interaction("c1").steps == (1,)


def test_no_caller_overflows_into_a_queue_that_was_removed():
    away = Plan((PlanStep(require=""), PlanStep(after=30, overflow=Overflow(OverflowKind.QUEUE, "old"))))
    night = Plan((PlanStep(require=""), PlanStep(after=30, overflow=Overflow(OverflowKind.PROGRAMME, "night"))))
    programmes = {"night": Programme("night", overflow_queue="old")}
    lines = [queue(plan=away), queue("late", plan=night)]
    world = World([*lines, queue("old")], programmes=programmes)
    world.change(1, queues=lines)
    world.call(2, "c1")
    world.call(2, "c2", "late")
    world.tick(32)
    assert world.of(Overflowed) == []
    assert world.engine.interaction("c1").queue_id == "care"
    assert world.engine.interaction("c2").queue_id == "late"


def test_a_queue_that_was_removed_lends_its_agents_no_more_until_it_is_back():
    helped = queue(plan=Plan((PlanStep(require="tv"), PlanStep(add_queue="sales"))))
    sales = queue("sales", "sales")
    world = World([helped, sales], [agent("anna", skills="sales=1")], ready=False)
    world.call(0, "c1")
    world.change(1, queues=[helped])
    world.tell(AgentSignedIn(2, "anna", ready=True))
    assert world.offers() == {}
    world.change(3, queues=[helped, sales])
    assert world.offers() == {"c1": "anna"}


def queues_known(world: World) -> list[str]:
    return list(world.engine.snapshot()["queues"])


def test_a_removed_queue_is_forgotten_once_nobody_talks_or_wraps_up_for_it():
    hours = OpeningHours(ZoneInfo("UTC"), ((3, 0, 50_000),))
    old = queue("old", "tv", hours=hours, at_close=Overflow(OverflowKind.VOICEMAIL), wrap_up=WrapUp(seconds=30))
    world = World([queue(), old], [agent("anna", skills="tv=1")])
    world.call(0, "c1", "old")
    world.accept(1, "c1")
    world.change(3, queues=[queue()])
    assert queues_known(world) == ["care", "old"]
    world.tell(TalkEnded(6, "c1", "anna"))
    assert queues_known(world) == ["care", "old"]
    assert world.engine.agent("anna").until == 36
    world.tick(36)
    assert queues_known(world) == ["care"]
    assert world.engine.next_due() is None


@pytest.mark.parametrize("last", [InteractionLeft(5, "c1"), InteractionMoved(5, "c1", "care")])
def test_a_removed_queue_is_forgotten_once_nobody_waits_in_it(last: Event):
    world = World([queue(), queue("old")])
    world.call(0, "c1", "old")
    world.call(0, "c2", "old")
    world.change(3, queues=[queue()])
    world.tell(InteractionLeft(4, "c2"))
    assert queues_known(world) == ["care", "old"]
    world.tell(last)
    assert queues_known(world) == ["care"]


def test_a_removed_queue_in_which_nobody_is_goes_at_once_and_may_come_back():
    world = World([queue(), queue("old", "tv")], [agent("anna", skills="tv=1")])
    world.call(0, "c1", "old")
    world.tell(InteractionLeft(1, "c1"))
    world.change(2, queues=[queue()])
    assert queues_known(world) == ["care"]
    world.change(3, queues=[queue(), queue("old", "tv")])
    world.call(4, "c2", "old")
    assert world.offers() == {"c2": "anna"}


def test_flexibility_is_counted_anew_when_a_queue_is_only_removed():
    lines = [queue("x", "x"), queue("y", "y"), queue("any", "x | z", strategy=Strategy.LEAST_FLEXIBLE)]
    people = [agent("anna", skills="x=1"), agent("bea", skills="z=1 y=1")]
    world = World([*lines, queue("y2", "y")], people)
    world.call(1, "c1", "any")
    assert world.offers() == {"c1": "anna"}
    world.tell(InteractionLeft(2, "c1"))
    world.change(3, queues=[lines[0], lines[2]])
    world.call(4, "c2", "any")
    assert world.offers() == {"c2": "bea"}


def test_it_is_said_when_a_change_takes_the_last_qualified_agent_away_and_when_it_is_over():
    world = World([queue(require="tv")], [agent("anna", skills="tv=3")], ready=False)
    world.call(0, "c1")
    world.call(0, "c2")
    world.change(1, agents=[agent("anna")])
    told = {(effect.interaction_id, effect.queue_id) for effect in world.of(NobodyQualified)}
    assert told == {("c1", "care"), ("c2", "care")}
    world.change(2, agents=[agent("anna"), agent("bea")])
    assert world.of(NobodyQualified) == world.of(QualifiedAgain) == []
    world.change(3, agents=[agent("anna"), agent("bea", skills="tv=1")])
    assert world.of(QualifiedAgain) == [QualifiedAgain("care")]


def test_it_is_said_when_a_plan_changes_or_steps_beyond_all_agents():
    narrow = Plan((PlanStep(require="tv"), PlanStep(after=30, require="latin", cumulative=False)))
    world = World([queue(plan=narrow)], [agent("anna", skills="tv=3")], ready=False)
    world.call(0, "c1")
    world.tick(30)
    assert world.of(NobodyQualified)
    world.change(31, queues=[queue(require="tv")])
    assert world.of(QualifiedAgain)
    world.change(32, queues=[queue(require="greek")])
    assert world.of(NobodyQualified)


def test_nobody_qualified_is_over_when_the_last_such_caller_has_gone():
    world = World([queue(require="latin")], [agent("anna")])
    world.call(0, "c1")
    world.call(1, "c2")
    world.tell(InteractionLeft(2, "c1"))
    assert world.of(QualifiedAgain) == []
    world.tell(InteractionLeft(3, "c2"))
    assert world.of(QualifiedAgain) == [QualifiedAgain("care")]


def test_a_change_of_units_counts_for_those_at_work():
    world = World(agents=[agent("anna")], channels={"chat": Channel(50)})
    for number in range(2):
        world.call(number, f"c{number}", channel="chat")
        world.accept(number, f"c{number}")
    world.call(3, "c3", channel="chat")
    assert world.place("c3") == "waiting"
    world.change(4, channels={"chat": Channel(30)})
    assert world.offers() == {"c3": "anna"}
    world.accept(5, "c3")
    world.change(6, channels={"chat": Channel(50)})
    world.call(7, "c4", channel="chat")
    assert world.place("c4") == "waiting"


def test_an_agent_removed_and_put_back_in_a_talk_goes_on_as_if_nothing_had_been():
    world = World(agents=[agent("anna")])
    world.call(0, "c1")
    world.accept(1, "c1")
    world.change(2, agents=[])
    world.call(3, "c2")
    world.change(4, agents=[agent("anna")])
    world.finish(10, "c1", "anna")
    assert world.offers() == {"c2": "anna"}


def test_an_agent_who_signs_out_while_removed_is_not_signed_in_by_being_put_back():
    world = World(agents=[agent("anna")])
    world.call(0, "c1")
    world.accept(1, "c1")
    world.change(2, agents=[])
    world.tell(AgentReady(3, "anna"))
    assert world.ignored()
    world.tell(AgentSignedOut(3, "anna", "end of shift"))
    world.change(4, agents=[agent("anna")])
    world.finish(10, "c1", "anna")
    assert world.state("anna") == ("signed_out", "end of shift")


def test_a_removed_agent_is_forgotten_at_the_end_of_the_work():
    world = World(agents=[agent("anna")])
    world.call(0, "c1")
    world.accept(1, "c1")
    world.change(2, agents=[])
    world.tell(TalkEnded(3, "c1", "anna"))
    assert world.state("anna")[0] == "wrap_up"
    world.tick(100)
    assert world.of(AgentStateChanged)[-1].state == "signed_out"
    assert world.engine.agent("anna") is None
    world.call(101, "c2")
    assert world.offers() == {}


@pytest.mark.parametrize("waiting", [1000, 4000])
def test_a_skill_given_to_many_beside_a_long_line_serves_them_all_in_order(waiting):
    names = [f"a{number}" for number in range(waiting)]
    world = World([queue(require="tv")], [agent(name) for name in names])
    for number in range(waiting):
        world.call(number, f"c{number}")
    world.change(waiting, agents=[agent(name, skills="tv=3") for name in names])
    assert [effect.interaction_id for effect in world.of(Offer)] == [f"c{number}" for number in range(waiting)]


def steps_of(world: World, act: Callable[[], object]) -> int:
    """How many functions are called: a measure of work that no busy machine changes."""
    count = 0

    def see(frame: object, event: str, arg: object) -> None:
        nonlocal count
        count += event == "call"

    sys.setprofile(see)
    try:
        act()
    finally:
        sys.setprofile(None)
    return count


def test_serving_many_at_once_costs_as_much_for_each_on_a_large_floor_as_on_a_small_one():
    costs = []
    for size in (50, 400):
        names = [f"a{number}" for number in range(size)]
        world = World([queue(require="tv")], [agent(name) for name in names])
        for number in range(size):
            world.call(number, f"c{number}")
        skilled: list[Agent] = [agent(name, skills="tv=3") for name in names]
        costs.append(steps_of(world, lambda w=world, s=skilled: w.change(1000, agents=s)) / size)
    assert costs[1] < 1.5 * costs[0]


def test_what_distinct_requirements_need_is_forgotten_with_their_callers():
    world = World()
    for number in range(5000):
        world.call(number, f"c{number}", require=f"tv & !s{number}")
        world.tell(InteractionLeft(number, f"c{number}"))
    state = world.engine._state
    assert len(state.queues["care"].demands) == len(state.index.demands) <= 2048


def test_pools_of_former_weights_are_not_kept():
    world = World([queue(strategy=Strategy.WEIGHTED)], [agent("anna")])
    for number in range(20):
        world.call(number, f"c{number}")
        world.tell(InteractionLeft(number, f"c{number}"))
        weights = Weights(occupancy=float(number))
        world.change(number, queues=[queue(strategy=Strategy.WEIGHTED, weights=weights)])
    record = world.engine._state.agents["anna"]
    assert len(record.profile.pools) <= 2
    assert len(record.keys) <= 2
    world.call(50, "last")
    assert world.offers() == {"last": "anna"}
