"""Offers, their answers, RONA, rejection, wrap-up."""

import pytest

from acd.config import Refusals, WrapUp, WrapUpMode
from acd.effects import Dequeued, Offer, OfferEnded, OfferWithdrawn, Requeued
from acd.events import (
    AgentNotReady,
    AgentReady,
    AgentSignedIn,
    AgentSignedOut,
    InteractionLeft,
    OfferAccepted,
    OfferRefused,
    TalkEnded,
    Tick,
    WrapUpEnded,
    WrapUpExtended,
)
from tests.unit.acd.world import World, agent, queue


def test_a_caller_gets_the_agent_who_has_been_idle_longest():
    world = World(agents=[agent("anna"), agent("bea"), agent("carla")])
    world.call(1, "c1")
    world.accept(1, "c1")
    world.finish(5, "c1", world.with_agent("c1") or "anna")
    first = world.engine.agents()
    fresh = [view.agent_id for view in first if view.since == 5]
    world.call(6, "c2")
    assert world.with_agent("c2") not in fresh


def test_an_agent_below_the_level_is_not_offered_the_caller():
    world = World([queue(require="tv>=5")], [agent("anna", skills="tv=4")])
    world.call(1, "c1")
    assert world.offers() == {}
    assert world.place("c1") == "waiting"


def test_a_freed_agent_takes_the_first_in_line():
    world = World(agents=[agent("anna")])
    world.call(1, "c1")
    world.accept(1, "c1")
    world.call(2, "c2")
    world.call(3, "c3")
    world.finish(9, "c1", "anna")
    assert world.offers() == {"c2": "anna"}


def test_priority_is_worth_waiting_time_and_no_more():
    world = World(agents=[agent("anna")], seconds_per_priority=30.0)
    world.call(0, "busy")
    world.accept(0, "busy")
    world.call(100, "early")
    world.call(125, "urgent", priority=1)
    world.call(135, "late", priority=1)
    world.finish(200, "busy", "anna")
    assert world.offers() == {"urgent": "anna"}
    world.accept(200, "urgent")
    world.finish(210, "urgent", "anna")
    assert world.offers() == {"early": "anna"}


def test_an_unanswered_offer_costs_the_agent_ready_and_not_the_caller_its_place():
    world = World(agents=[agent("anna")])
    world.call(1, "c1")
    world.call(2, "c2")
    world.tick(16)
    assert world.state("anna") == ("not_ready", "rona")
    assert world.of(OfferWithdrawn)[0].reason == "deadline"
    assert world.of(Requeued)[0].waiting_since == 1
    world.tell(AgentReady(20, "anna"))
    assert world.offers() == {"c1": "anna"}


def test_a_returned_caller_goes_before_a_newer_caller_of_higher_priority():
    world = World(agents=[agent("anna")])
    world.call(1, "c1")
    world.call(2, "vip", priority=20)
    world.tell(OfferRefused(3, world.fence("c1"), "no_answer"))
    world.tell(AgentReady(4, "anna"))
    assert world.offers() == {"c1": "anna"}


def test_after_an_unanswered_offer_the_next_agent_rings_at_once():
    world = World(agents=[agent("anna"), agent("bea")])
    world.call(1, "c1")
    first = world.with_agent("c1")
    world.tick(16)
    assert world.offers() == {"c1": ({"anna", "bea"} - {first}).pop()}


def test_three_unanswered_offers_in_a_row_sign_the_agent_out():
    world = World(agents=[agent("anna")], refusals=Refusals(rona_limit=3))
    world.call(0, "c1")
    for attempt in range(3):
        world.tick(100 * attempt + 50)
        world.tell(AgentReady(100 * attempt + 100, "anna"))
    assert world.state("anna") == ("signed_out", "rona")


def test_a_rejected_offer_pauses_the_agent_and_three_in_a_row_end_ready():
    world = World(agents=[agent("anna")], refusals=Refusals(reject_pause=10, reject_limit=3))
    world.call(0, "c1")
    world.tell(OfferRefused(1, world.fence("c1"), "rejected"))
    assert world.state("anna") == ("not_ready", "rejected")
    assert world.engine.next_due() == 11
    world.tick(11)
    assert world.offers() == {"c1": "anna"}
    world.tell(OfferRefused(12, world.fence("c1"), "rejected"))
    world.tick(22)
    world.tell(OfferRefused(23, world.fence("c1"), "rejected"))
    world.tick(1000)
    assert world.state("anna") == ("not_ready", "rejected")


@pytest.mark.parametrize(("refusal", "reason"), [("unreachable", "phone_lost"), ("no_answer", "rona")])
def test_a_lost_or_unanswered_phone_waits_for_its_agent(refusal, reason):
    world = World(agents=[agent("anna")])
    world.call(0, "c1")
    world.tell(OfferRefused(1, world.fence("c1"), refusal))
    world.tick(10_000)
    assert world.state("anna") == ("not_ready", reason)


def test_failed_offers_back_off_further_each_time():
    world = World(agents=[agent("anna")], refusals=Refusals(failed_pause=1, failed_limit=99))
    world.call(0, "c1")
    at, gaps = 0.0, []
    for _ in range(4):
        world.tell(OfferRefused(at, world.fence("c1"), "failed"))
        due = world.engine.next_due()
        gaps.append(due - at)
        at = due
        world.tick(at)
    assert gaps == [1, 2, 4, 8]


def test_an_interaction_that_fails_with_everyone_rests_instead_of_wearing_out_the_floor():
    world = World(agents=[agent(f"a{n}") for n in range(10)], refusals=Refusals(failed_limit=3))
    world.call(0, "bad")
    for _ in range(3):
        world.tell(OfferRefused(0, world.fence("bad"), "failed"))
    assert world.place("bad") == "held"
    assert world.offers() == {}
    world.tick(1)
    assert "bad" in world.offers()


def test_a_caller_who_hangs_up_while_ringing_leaves_the_agent_ready_without_penalty():
    world = World(agents=[agent("anna")])
    world.call(5, "c1")
    world.tell(InteractionLeft(6, "c1"))
    assert world.of(OfferWithdrawn)[0].reason == "left"
    assert world.of(Dequeued)[0].reason == "hung_up"
    assert world.state("anna") == ("ready", "")
    assert world.engine.agent("anna").since == 0


def test_an_answer_to_a_dead_offer_changes_nothing():
    world = World(agents=[agent("anna"), agent("bea")])
    world.call(1, "c1")
    stale = world.fence("c1")
    world.tick(16)
    before = world.engine.interactions(), world.engine.agents()
    world.tell(OfferAccepted(17, stale))
    assert world.ignored()
    world.tell(OfferRefused(17, stale, "rejected"))
    assert world.ignored()
    assert (world.engine.interactions(), world.engine.agents()) == before


def test_signing_out_or_going_not_ready_while_ringing_sends_the_caller_to_the_next_agent():
    for event in (AgentSignedOut(2, "anna"), AgentNotReady(2, "anna", "pause")):
        world = World(agents=[agent("anna")])
        world.call(1, "c1")
        world.tell(AgentSignedIn(1, "x"))
        world.tell(event)
        assert [type(e) for e in world.said[:2]] == [OfferWithdrawn, type(world.said[1])]
        assert world.place("c1") == "waiting"
        assert world.offers() == {}


def test_wrap_up_ends_by_itself_and_the_agent_is_ready_again():
    world = World([queue(wrap_up=WrapUp(WrapUpMode.CAPPED, 30))], [agent("anna")])
    world.call(1, "c1")
    world.accept(2, "c1")
    world.tell(TalkEnded(60, "c1", "anna"))
    assert world.engine.agent("anna").until == 90
    world.tick(89.9)
    assert world.state("anna")[0] == "wrap_up"
    world.tick(90)
    assert world.state("anna")[0] == "ready"


def test_capped_wrap_up_can_be_extended_as_often_as_the_queue_allows():
    rule = WrapUp(WrapUpMode.CAPPED, 30, extension=20, max_extensions=1)
    world = World([queue(wrap_up=rule)], [agent("anna")])
    world.call(1, "c1")
    world.accept(2, "c1")
    world.tell(TalkEnded(60, "c1", "anna"))
    assert world.engine.agent("anna").extensions_left == 1
    world.tell(WrapUpExtended(70, "anna"))
    assert world.engine.agent("anna").until == 110
    world.tell(WrapUpExtended(71, "anna"))
    assert world.ignored()
    assert world.engine.agent("anna").until == 110


def test_fixed_wrap_up_cannot_be_cut_short_and_manual_wrap_up_does_not_end_by_itself():
    world = World([queue(wrap_up=WrapUp(WrapUpMode.FIXED, 30))], [agent("anna")])
    world.call(1, "c1")
    world.accept(2, "c1")
    world.tell(TalkEnded(10, "c1", "anna"))
    world.tell(WrapUpEnded(11, "anna"))
    assert world.state("anna")[0] == "wrap_up"
    world = World([queue(wrap_up=WrapUp(WrapUpMode.MANUAL))], [agent("anna")])
    world.call(1, "c1")
    world.accept(2, "c1")
    world.tell(TalkEnded(10, "c1", "anna"))
    world.tick(100_000)
    assert world.state("anna")[0] == "wrap_up"
    world.tell(WrapUpEnded(100_001, "anna"))
    assert world.state("anna")[0] == "ready"


def test_not_ready_asked_for_in_a_talk_takes_effect_after_wrap_up():
    world = World(agents=[agent("anna")])
    world.call(1, "c1")
    world.accept(2, "c1")
    world.tell(AgentNotReady(5, "anna", "lunch"))
    assert world.state("anna")[0] == "talking"
    assert world.engine.agent("anna").next_reason == "lunch"
    world.call(6, "c2")
    world.finish(10, "c1", "anna")
    assert world.state("anna") == ("not_ready", "lunch")
    assert world.place("c2") == "waiting"


def test_signing_out_in_a_talk_takes_effect_after_it():
    world = World(agents=[agent("anna")])
    world.call(1, "c1")
    world.accept(2, "c1")
    world.tell(AgentSignedOut(5, "anna", "end of shift"))
    assert world.state("anna")[0] == "talking"
    world.finish(10, "c1", "anna")
    assert world.state("anna") == ("signed_out", "end of shift")


def test_an_event_about_something_unknown_is_ignored_and_never_raises():
    world = World()
    for event in (
        AgentSignedIn(1, "nobody"),
        AgentReady(1, "nobody"),
        InteractionLeft(1, "nothing"),
        TalkEnded(1, "nothing", "nobody"),
        WrapUpEnded(1, "nobody"),
        OfferAccepted(1, 77),
    ):
        world.tell(event)
        assert world.ignored()


def test_the_fence_rises_with_each_offer():
    world = World(agents=[agent(f"a{n}") for n in range(5)])
    fences = [world.call(n, f"c{n}")[1].fence for n in range(5)]
    assert fences == sorted(set(fences))


def test_the_deadline_is_the_queues_ring_time():
    world = World([queue(ring_timeout=22)], [agent("anna")])
    world.call(1, "c1")
    assert world.of(Offer)[0].deadline == 23
    assert world.engine.next_due() == 23
    world.tell(Tick(5))
    assert world.said == []
    world.accept(6, "c1")
    assert world.of(OfferEnded)[0].result == "accepted"
