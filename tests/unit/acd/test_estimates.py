"""What a waiting caller is told to expect."""

from random import Random

import pytest

from acd.config import Announcements, Overflow, OverflowKind
from acd.effects import Announce, Overflowed
from acd.events import AgentNotReady, AgentReady, InteractionLeft, OfferRefused
from acd.routing.estimates import Flow
from tests.unit.acd.world import World, agent, queue

VOICEMAIL = Overflow(OverflowKind.VOICEMAIL, "box")


def quiet_after_a_rush(**facts: object) -> World:
    """Two callers were served 10 s apart; then nobody came until 1000; the agent has one in hand since."""
    world = World([queue(**facts)], [agent("anna")])
    world.call(0, "c0")
    world.accept(0, "c0")
    world.call(10, "c1")
    world.finish(20, "c0", "anna")
    world.accept(20, "c1")
    world.finish(30, "c1", "anna")
    world.call(1000, "c2")
    world.accept(1000, "c2")
    return world


def test_time_in_which_nobody_came_does_not_count_as_waiting():
    world = quiet_after_a_rush()
    world.tick(1010)
    assert world.engine.estimate("care").expected_wait == 10


def test_a_line_that_stands_still_is_told():
    world = quiet_after_a_rush()
    world.call(1010, "c3")
    world.tick(1110)
    assert world.engine.estimate("care", 1).expected_wait == 110


def test_the_further_back_the_longer_the_wait():
    world = quiet_after_a_rush()
    world.call(1010, "c3")
    waits = [world.engine.estimate("care", place).expected_wait for place in (1, 2, 5)]
    assert waits == [10, 20, 50]


def test_a_caller_is_sent_elsewhere_only_when_the_wait_is_expected_to_be_too_long():
    world = quiet_after_a_rush(max_expected_wait=25.0, on_long_wait=VOICEMAIL)
    for number in range(3, 5):
        world.call(1010, f"c{number}")
        assert world.of(Overflowed) == []
    world.call(1010, "c5")
    assert world.of(Overflowed)[0].reason == "long_wait"


def test_a_long_line_of_others_does_not_turn_away_who_is_served_at_once():
    people = [agent("anna", skills="tv=1"), agent("bea", skills="it=1")]
    line = queue(max_expected_wait=25.0, on_long_wait=VOICEMAIL)
    world = World([line], people)
    world.tell(AgentNotReady(0, "bea", "pause"))
    world.call(0, "c0", require="tv")
    world.accept(0, "c0")
    for number in range(1, 5):
        world.call(10, f"c{number}", require="tv")
    world.finish(20, "c0", "anna")
    world.accept(20, world.said[-2].interaction_id)
    world.tell(AgentReady(21, "bea"))
    world.call(30, "c9", require="it")
    assert world.offers() == {"c9": "bea"}


def test_position_and_wait_are_told_again_and_again():
    world = World([queue(announcements=Announcements(first_after=20, every=45))])
    world.call(0, "c1")
    told = []
    for at in (20, 65, 110):
        assert world.engine.next_due() == at
        told += [effect.position for effect in world.tick(at) if isinstance(effect, Announce)]
    assert told == [1, 1, 1]


def test_an_offer_that_comes_to_nothing_is_no_service():
    world = World(agents=[agent("anna"), agent("bea")], ready=True)
    for name in ("anna", "bea"):
        world.call(0, f"by-{name}")
        world.accept(0, f"by-{name}")
    world.call(10, "c1")
    world.call(11, "c2")
    world.finish(100, "by-anna", "anna")
    world.tell(OfferRefused(105, world.fence("c1"), "rejected"))
    world.finish(150, "by-bea", "bea")
    world.accept(160, "c1")
    flow = world.engine._state.queues["care"].flow
    assert flow.samples == [(160, 150)]


def test_those_ahead_who_give_up_shorten_the_wait():
    flow = Flow()
    for number in range(20):
        flow.served(10.0 * (number + 1), 0.0)
        flow.waited_for(100.0, left=False)
    assert flow.expect(10, 200.0, 200.0, 1).expected_wait == pytest.approx(100)
    for _ in range(20):
        flow.waited_for(50.0, left=True)
    leaving = flow.leavers / flow.waited
    exact = sum(1 / (0.1 + ahead * leaving) for ahead in range(10))
    assert flow.expect(10, 200.0, 200.0, 1).expected_wait == pytest.approx(exact, rel=0.01)


def test_callers_who_leave_and_callers_who_are_answered_are_counted():
    world = World(agents=[agent("anna")])
    world.call(0, "c0")
    world.accept(0, "c0")
    world.call(10, "c1")
    world.call(10, "c2")
    world.tell(InteractionLeft(40, "c1"))
    world.finish(60, "c0", "anna")
    world.accept(60, "c2")
    flow = world.engine._state.queues["care"].flow
    assert flow.waited == pytest.approx(80, rel=0.02)
    assert flow.leavers == pytest.approx(1, rel=0.02)


@pytest.mark.parametrize("patience", [None, 100.0])
def test_eight_of_ten_waits_lie_in_the_band(patience):
    """A line of exponential services whose callers, with a patience, give up at random."""
    rng = Random(3)
    inside = 0
    for _ in range(600):
        flow = Flow()
        for number in range(32):
            flow.served((flow.last or 0.0) + rng.expovariate(0.1), 0.0)
            flow.waited_for(100.0, left=patience is not None and number % 2 == 0)
        leaving = flow.leavers / flow.waited
        real = sum(rng.expovariate(0.1 + ahead * leaving) for ahead in range(8))
        told = flow.expect(8, flow.last, flow.last, 1)
        inside += told.low <= real <= told.high
    assert 0.75 <= inside / 600 <= 0.87


@pytest.mark.parametrize("samples", [2, 4, 8])
def test_a_few_intervals_make_no_narrow_band(samples):
    rng = Random(5)
    inside = 0
    for _ in range(600):
        flow = Flow()
        for _ in range(samples):
            flow.served((flow.last or 0.0) + rng.expovariate(0.1), 0.0)
        real = sum(rng.expovariate(0.1) for _ in range(3))
        told = flow.expect(3, flow.last, flow.last, 1)
        inside += told.low <= real <= told.high
    assert inside / 600 >= 0.68
