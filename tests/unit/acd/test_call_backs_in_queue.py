"""Call-backs that keep their place in the queue: dialled in turn, tried again, given up, never lost."""

from zoneinfo import ZoneInfo

import pytest

from acd.config import CallBackRule, OpeningHours, Overflow, OverflowKind, Plan, PlanStep
from acd.effects import CallBackDue, CallBackGivenUp, CallBackScheduled, Dequeued, Overflowed
from acd.events import (
    AgentNotReady,
    AgentReady,
    AgentSignedIn,
    CallBackAnswered,
    CallBackFailed,
    CallBackRequested,
    ConsultStarted,
    InteractionMoved,
    TalkEnded,
    TransferredToQueue,
    WrapUpEnded,
)
from tests.unit.acd.world import World, agent, queue

VOICEMAIL = Overflow(OverflowKind.VOICEMAIL, "box")


def dialling(*lines: object, **facts: object) -> World:
    """The first attempt of the call-back `c1` is being dialled for anna since 3."""
    facts.setdefault("call_back", CallBackRule(3, 600))
    world = World([queue(**facts), *lines], [agent("anna", skills="tv=9")], ready=False)
    world.call(0, "c1")
    world.tell(CallBackRequested(1, "c1", "+39"))
    world.tell(AgentSignedIn(2, "anna", ready=True))
    world.accept(3, "c1")
    assert world.of(CallBackDue)[0].attempt == 1
    return world


def test_of_two_who_came_together_the_one_on_the_line_goes_before_the_call_back():
    for first, second in (("c1", "c2"), ("c2", "c1")):
        world = World(agents=[agent("anna")], ready=False)
        world.call(0, first)
        world.call(0, second)
        world.tell(CallBackRequested(1, "c1", "+39"))
        assert world.engine.position("c2") == 1
        world.tell(AgentSignedIn(2, "anna", ready=True))
        assert world.offers() == {"c2": "anna"}


def test_a_customer_who_is_not_reached_is_tried_again_after_the_rest_and_not_before():
    world = dialling()
    world.tell(CallBackFailed(4, "c1", 1))
    assert world.of(CallBackScheduled) == [CallBackScheduled("c1", 2, 604)]
    assert world.place("c1") == "held"
    assert world.state("anna") == ("ready", "")
    world.tick(603)
    assert world.offers() == {}
    world.tick(604)
    assert world.offers() == {"c1": "anna"}
    world.accept(605, "c1")
    assert world.of(CallBackDue)[0].attempt == 2


def test_after_the_last_attempt_the_call_back_is_given_up_in_words():
    world = dialling(call_back=CallBackRule(2, 600))
    world.tell(CallBackFailed(4, "c1", 1))
    world.tick(604)
    world.accept(604, "c1")
    world.tell(CallBackFailed(605, "c1", 2, "busy"))
    assert world.of(CallBackGivenUp) == [CallBackGivenUp("c1", "+39", 2, "busy")]
    assert world.of(Dequeued)[0].reason == "call_back_given_up"
    assert world.place("c1") == "gone"


@pytest.mark.parametrize("kind", [CallBackAnswered, CallBackFailed])
def test_an_answer_to_another_attempt_changes_nothing(kind):
    world = dialling()
    for attempt in (0, 2):
        world.tell(kind(4, "c1", attempt))
        assert world.ignored()
    world.tell(kind(4, "c1", 1))
    assert not world.ignored()
    world.tell(kind(5, "c1", 1))
    assert world.ignored()


def test_an_agent_who_goes_while_the_customer_is_dialled_does_not_end_the_promise():
    world = dialling()
    world.tell(TalkEnded(4, "c1", "anna"))
    assert world.of(CallBackScheduled) == [CallBackScheduled("c1", 2, 604)]
    assert world.place("c1") == "held"
    last = dialling(call_back=CallBackRule(1, 600))
    last.tell(TalkEnded(4, "c1", "anna"))
    assert last.of(CallBackGivenUp)[0].reason == "agent_left"


def test_a_talk_after_the_customer_answered_ends_as_any_other():
    world = dialling()
    world.tell(CallBackAnswered(4, "c1", 1))
    world.tell(TalkEnded(60, "c1", "anna"))
    assert world.place("c1") == "gone"
    assert world.of(CallBackScheduled) == []


def test_the_plan_goes_on_after_an_attempt_that_failed():
    wider = Plan((PlanStep(require="tv>=5"), PlanStep(after=100, require="tv")))
    world = dialling(plan=wider, call_back=CallBackRule(3, 30))
    world.tell(CallBackFailed(4, "c1", 1))
    world.tell(AgentNotReady(5, "anna", "pause"))
    world.change(6, agents=[agent("anna", skills="tv=9"), agent("bea", skills="tv=1")])
    world.tell(AgentSignedIn(7, "bea", ready=True))
    world.tick(34)
    assert world.place("c1") == "waiting"
    world.tick(100)
    assert world.offers() == {"c1": "bea"}


def test_the_plan_is_the_one_that_holds_when_the_attempt_has_failed():
    world = dialling(require="tv>=5")
    world.change(3.5, queues=[queue(require="it", call_back=CallBackRule(3, 30))])
    world.tell(CallBackFailed(4, "c1", 1))
    world.change(5, agents=[agent("anna", skills="tv=9"), agent("bea", skills="it=1")])
    world.tell(AgentSignedIn(6, "bea", ready=True))
    world.tick(34)
    assert world.offers() == {"c1": "bea"}


def test_a_resting_call_back_keeps_its_rest_in_another_queue():
    world = dialling(queue("other"))
    world.tell(CallBackFailed(4, "c1", 1))
    for target in ("care", "other"):
        world.tell(InteractionMoved(5, "c1", target))
        assert world.offers() == {}
        assert world.place("c1") == "held"
    world.tick(604)
    assert world.offers() == {"c1": "anna"}


def test_resting_call_backs_take_nobodys_place_in_a_full_queue():
    world = dialling(max_waiting=1, on_full=VOICEMAIL)
    world.tell(CallBackFailed(4, "c1", 1))
    world.tell(AgentNotReady(5, "anna", "pause"))
    world.call(6, "live")
    assert world.place("live") == "waiting"
    world.call(7, "more")
    assert world.place("more") == "gone"
    world.tick(604)
    world.tell(AgentReady(605, "anna"))
    assert world.offers() == {"live": "anna"}


def test_a_queue_where_nobody_may_wait_still_serves_who_need_not_wait():
    world = World([queue(max_waiting=0, on_full=VOICEMAIL)], [agent("anna")])
    world.call(0, "c1")
    assert world.offers() == {"c1": "anna"}
    world.call(1, "c2")
    assert world.of(Overflowed)[0].reason == "full"


def test_after_a_transfer_the_next_call_back_begins_at_its_first_attempt():
    world = dialling(queue("other"))
    world.tell(CallBackAnswered(4, "c1", 1))
    world.tell(AgentNotReady(5, "anna", "pause"))
    world.tell(TransferredToQueue(6, "c1", "anna", "other"))
    world.tell(CallBackRequested(7, "c1", "+39"))
    world.tell(WrapUpEnded(8, "anna"))
    world.tell(AgentReady(9, "anna"))
    world.accept(10, "c1")
    assert world.of(CallBackDue)[0].attempt == 1


def test_a_call_back_is_not_sent_to_where_only_a_caller_can_go():
    hours = OpeningHours(ZoneInfo("UTC"), ((3, 0, 500),))
    away = Plan((PlanStep(require=""), PlanStep(after=90, overflow=VOICEMAIL)))
    world = World([queue(plan=away, hours=hours, at_close=VOICEMAIL)])
    world.call(0, "c1")
    world.tell(CallBackRequested(1, "c1", "+39"))
    for at in (90, 500):
        world.tick(at)
        assert world.of(Overflowed) == world.of(Dequeued) == []
        assert world.place("c1") == "waiting"


def test_an_expert_in_the_dialled_call_does_not_end_the_attempt_for_the_agent_left():
    world = dialling()
    world.change(4, agents=[agent("anna"), agent("bea")])
    world.tell(AgentSignedIn(5, "bea"))
    world.tell(ConsultStarted(6, "c1", "bea"))
    world.tell(TalkEnded(7, "c1", "anna"))
    assert world.place("c1") == "talking"
    world.tell(CallBackAnswered(8, "c1", 1))
    assert not world.ignored()
