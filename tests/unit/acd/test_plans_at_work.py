"""What a queue's plan and limits do with those who wait."""

from zoneinfo import ZoneInfo

import pytest

from acd.config import OpeningHours, Overflow, OverflowKind, Plan, PlanStep, Programme
from acd.effects import (
    Announce,
    Dequeued,
    NobodyQualified,
    Overflowed,
    PlanStepTaken,
    PriorityChanged,
    Queued,
    RequirementIgnored,
)
from acd.events import AgentReady, AgentSignedIn, InteractionAdopted, InteractionMoved, OfferRefused, TransferredToQueue
from tests.unit.acd.world import World, agent, queue

VOICEMAIL = Overflow(OverflowKind.VOICEMAIL, "box")
ZONES = {"rome": "Europe/Rome", "tokyo": "Asia/Tokyo"}


def plan(*steps: PlanStep) -> Plan:
    return Plan(steps)


def test_after_its_wait_a_step_lets_others_serve():
    wider = plan(PlanStep(require="tv>=5"), PlanStep(after=30, require="tv>=2"))
    world = World([queue(plan=wider)], [agent("anna", skills="tv=3")])
    world.call(10, "c1")
    assert world.place("c1") == "waiting"
    assert world.engine.next_due() == 40
    world.tick(40)
    assert world.of(PlanStepTaken)[0].step == 1
    assert world.offers() == {"c1": "anna"}


def test_those_of_the_first_step_still_come_first():
    wider = plan(PlanStep(require="tv>=5"), PlanStep(after=30, require="tv"))
    world = World([queue(plan=wider)], [agent("anna", skills="tv=2"), agent("bea", skills="tv=9")], ready=False)
    world.call(0, "c1")
    world.tick(30)
    world.tell(AgentSignedIn(31, "anna"))
    world.tell(AgentSignedIn(31, "bea"))
    world.tell(AgentReady(31, "anna"))
    assert world.offers() == {"c1": "anna"}
    world.call(32, "c2", waiting_since=0)
    world.tell(OfferRefused(33, world.fence("c1"), "no_answer"))
    world.tell(AgentReady(34, "bea"))
    world.accept(35, "c1")
    world.tell(AgentReady(36, "anna"))
    assert world.offers() == {"c2": "anna"}
    world.call(40, "c3", waiting_since=-100)
    assert world.place("c3") == "waiting"
    world.finish(50, "c1", "bea")
    assert world.offers() == {"c3": "bea"}


def test_with_both_ready_the_agent_of_the_first_step_is_chosen_though_less_idle():
    wider = plan(PlanStep(require="tv>=5"), PlanStep(require="tv"))
    world = World([queue(plan=wider)], [agent("anna", skills="tv=2"), agent("bea", skills="tv=9")], ready=False)
    world.tell(AgentSignedIn(0, "anna", ready=True))
    world.tell(AgentSignedIn(500, "bea", ready=True))
    world.call(600, "c1")
    assert world.offers() == {"c1": "bea"}


def test_preferred_skills_order_the_agents_inside_a_step():
    liked = plan(PlanStep(require="tv", prefer=("german", "gold")))
    people = [
        agent("anna", skills="tv=9"),
        agent("bea", skills="tv=2 german=1"),
        agent("carla", skills="tv=1 gold=1 german=1"),
    ]
    world = World([queue(plan=liked)], people)
    chosen = []
    for number in range(3):
        world.call(number + 1, f"c{number}")
        chosen.append(world.with_agent(f"c{number}"))
    assert chosen == ["carla", "bea", "anna"]


def test_a_step_that_is_not_cumulative_replaces_those_before():
    other = plan(PlanStep(require="tv"), PlanStep(after=30, require="gold", cumulative=False))
    world = World([queue(plan=other)], [agent("anna", skills="tv=9"), agent("bea", skills="gold=1")], ready=False)
    world.call(0, "c1")
    world.tick(30)
    world.tell(AgentSignedIn(31, "anna", ready=True))
    assert world.offers() == {}
    world.tell(AgentSignedIn(32, "bea", ready=True))
    assert world.offers() == {"c1": "bea"}


def test_a_step_waits_for_its_condition_and_looks_again():
    busy = plan(PlanStep(require="tv"), PlanStep(after=20, when="waiting>1", require=""))
    world = World([queue(plan=busy)], [agent("anna")], recheck=5.0)
    world.call(0, "c1")
    world.tick(20)
    world.tick(25)
    assert world.offers() == {}
    world.call(26, "c2")
    world.tick(30)
    assert world.offers() == {"c1": "anna"}


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ("waited>=20", True),
        ("waited>20", False),
        ("waiting=1 & position=1", True),
        ("ready=0 & signed_in=1", True),
        ("signed_in=0", False),
        ("expected_wait>5", False),
        ("hour=1", True),
        ("weekday=4", True),
        ("priority=3", True),
        ("segment=gold & programme=aura", True),
        ("segment=silver", False),
    ],
)
def test_conditions_know_the_state_of_the_queue(condition, holds):
    step = PlanStep(after=20, when=condition, raise_priority=1)
    line = queue(plan=plan(PlanStep(require="tv"), step), programme_id="aura")
    world = World([line], [agent("anna", skills="tv=1")], ready=False, zone=ZoneInfo("Europe/Rome"))
    world.tell(AgentSignedIn(0, "anna"))
    world.call(0, "c1", priority=3, attributes={"segment": "gold"})
    world.tick(20)
    assert bool(world.of(PlanStepTaken)) == holds


def test_hours_in_conditions_are_those_of_the_programme_whose_queue_it_is():
    helps = plan(PlanStep(require="tv"), PlanStep(after=20, when="hour=9 & weekday=4", raise_priority=1))
    lines = [queue(plan=helps, programme_id="rome"), queue("other", plan=helps, programme_id="tokyo")]
    clocks = {name: Programme(name, zone=ZoneInfo(zone)) for name, zone in ZONES.items()}
    world = World(lines, programmes=clocks, zone=ZoneInfo("Europe/Rome"))
    world.call(0, "c1")
    world.call(0, "c2", "other")
    world.tick(20)
    assert [taken.interaction_id for taken in world.of(PlanStepTaken)] == ["c2"]
    world.tell(InteractionMoved(30, "c1", "other"))
    world.tick(50)
    assert [taken.interaction_id for taken in world.of(PlanStepTaken)] == ["c1"]


def test_a_step_can_raise_the_priority_and_tell_the_caller():
    step = PlanStep(after=60, raise_priority=2, announce="we-hurry")
    world = World([queue(plan=plan(PlanStep(require="tv"), step))])
    world.call(0, "c1", priority=1)
    world.call(1, "c2", priority=2)
    assert world.engine.position("c1") == 2
    world.tick(60)
    assert world.of(PriorityChanged)[0].priority == 3
    assert world.of(Announce)[0].prompt == "we-hurry"
    assert world.engine.position("c1") == 1


def test_a_step_can_add_the_agents_of_another_queue():
    help_out = plan(PlanStep(require="tv"), PlanStep(after=30, add_queue="sales"))
    queues = [queue(plan=help_out), queue("sales", require="sales")]
    world = World(queues, [agent("anna", skills="sales=1")])
    world.call(0, "c1")
    world.tick(30)
    assert world.offers() == {"c1": "anna"}
    assert world.engine.interaction("c1").queue_id == "care"


def test_the_agents_of_another_queue_are_asked_for_by_each_callers_own_attributes():
    help_out = plan(PlanStep(require="latin"), PlanStep(add_queue="sales"))
    lines = [queue(plan=help_out), queue("sales", require="site=$site")]
    world = World(lines, [agent("anna", attributes={"site": "rome"}), agent("bea", attributes={"site": "milan"})])
    world.call(0, "c1", attributes={"site": "rome"})
    assert world.offers() == {"c1": "anna"}
    world.call(1, "c2", attributes={"site": "milan"})
    assert world.offers() == {"c2": "bea"}


def test_a_change_of_a_queue_counts_for_those_whose_plan_adds_its_agents():
    helped = queue(plan=plan(PlanStep(require="latin"), PlanStep(add_queue="sales")))
    world = World([helped, queue("sales", require="sales")], [agent("anna", skills="tv=1")])
    world.call(0, "c1")
    world.change(1, queues=[helped, queue("sales", require="tv")])
    assert world.offers() == {"c1": "anna"}


def test_the_interactions_own_requirement_narrows_each_step_until_one_relaxes_it():
    relaxing = plan(PlanStep(require="tv"), PlanStep(after=30, require="tv", relax_own=True))
    world = World([queue(plan=relaxing)], [agent("anna", skills="tv=3")])
    world.call(0, "c1", require="german>=3")
    assert world.offers() == {}
    world.tick(30)
    assert world.offers() == {"c1": "anna"}


def test_an_own_requirement_that_cannot_be_read_is_told_and_left_out():
    world = World(agents=[agent("anna")])
    world.call(0, "c1", require="german>=")
    assert "character 9" in world.of(RequirementIgnored)[0].problem
    assert world.offers() == {"c1": "anna"}


def test_a_plan_can_ask_for_the_callers_language():
    own = queue(require="language=$language")
    world = World([own], [agent("anna", languages=frozenset({"it"})), agent("bea", languages=frozenset({"en"}))])
    world.call(1, "c1", attributes={"language": "en"})
    assert world.offers() == {"c1": "bea"}
    world.call(2, "c2", attributes={"language": "it"})
    assert world.offers() == {"c2": "anna"}


def test_it_is_said_when_nobody_could_ever_serve():
    world = World([queue(require="latin>=5")], [agent("anna")])
    world.call(0, "c1")
    assert world.of(NobodyQualified)[0].queue_id == "care"


def test_programme_and_segment_add_to_the_priority_within_the_limit():
    programme = Programme("aura", priority=2, segment_priority={"gold": 3})
    world = World([queue(programme_id="aura", priority=1)], programmes={"aura": programme}, max_priority=8)
    world.call(0, "c1", priority=1, attributes={"segment": "gold"})
    assert world.of(Queued)[0].priority == 7
    world.call(0, "c2", priority=100, attributes={"segment": "gold"})
    assert world.of(Queued)[0].priority == 8
    world.call(0, "c3", priority=-100)
    assert world.of(Queued)[0].priority == -8


def test_a_full_queue_sends_the_next_caller_elsewhere():
    world = World([queue(max_waiting=2, on_full=VOICEMAIL)])
    world.call(0, "c1")
    world.call(0, "c2")
    world.call(0, "c3")
    told = world.of(Overflowed)[0]
    assert (told.kind, told.target, told.reason) == ("voicemail", "box", "full")
    assert world.of(Dequeued)
    assert world.place("c3") == "gone"


def test_a_caller_found_waiting_after_a_restart_is_not_turned_away():
    world = World([queue(max_waiting=0, on_full=VOICEMAIL)])
    world.tell(InteractionAdopted(5, "c1", "care", 0))
    assert world.place("c1") == "waiting"


def test_overflow_to_another_queue_keeps_the_waiting_time():
    there = Overflow(OverflowKind.QUEUE, "sales")
    world = World([queue(plan=plan(PlanStep(require="tv"), PlanStep(after=30, overflow=there))), queue("sales")])
    world.call(0, "c1")
    world.call(10, "other", "sales")
    world.tick(30)
    assert world.kinds() == ["PlanStepTaken", "Overflowed", "QualifiedAgain", "Queued", "NobodyQualified"]
    assert world.of(Queued)[0].waiting_since == 0
    assert world.engine.position("c1") == 1


def test_overflow_to_a_programme_goes_to_its_queue():
    there = Overflow(OverflowKind.PROGRAMME, "night")
    world = World(
        [queue(max_waiting=0, on_full=there), queue("desk")],
        programmes={"night": Programme("night", overflow_queue="desk")},
    )
    world.call(0, "c1")
    assert world.engine.interaction("c1").queue_id == "desk"


def test_queues_that_overflow_into_each_other_keep_the_caller():
    queues = [
        queue("a", max_waiting=0, on_full=Overflow(OverflowKind.QUEUE, "b")),
        queue("b", max_waiting=0, on_full=Overflow(OverflowKind.QUEUE, "a")),
    ]
    world = World(queues)
    world.call(0, "c1", "a")
    assert world.place("c1") == "waiting"


def test_overflow_to_a_call_back_only_offers_it():
    offer = Overflow(OverflowKind.CALL_BACK)
    world = World([queue(plan=plan(PlanStep(require="tv"), PlanStep(after=30, overflow=offer)))])
    world.call(0, "c1")
    world.tick(30)
    assert world.of(Overflowed)[0].kind == "call_back"
    assert world.place("c1") == "waiting"


def test_an_overflow_to_nowhere_leaves_the_caller_in_place():
    lost = Overflow(OverflowKind.QUEUE, "none")
    world = World([queue(plan=plan(PlanStep(require="tv"), PlanStep(after=30, overflow=lost)))])
    world.call(0, "c1")
    world.tick(30)
    assert world.of(Overflowed) == []
    assert world.place("c1") == "waiting"


def test_an_unknown_queue_ends_in_words_not_in_silence():
    world = World()
    world.call(0, "c1", "nowhere")
    assert world.of(Overflowed)[0].reason == "unknown_queue"
    assert world.of(Dequeued)
    fallback = World([queue("desk")], fallback_queue="desk")
    fallback.call(0, "c1", "nowhere")
    assert fallback.engine.interaction("c1").queue_id == "desk"


# 1970-01-01 was a Thursday (weekday 3); Rome was one hour ahead of UTC.
HOURS = OpeningHours(ZoneInfo("Europe/Rome"), ((3, 9 * 3600, 18 * 3600),))
NINE_ROME, SIX_ROME = 8 * 3600.0, 17 * 3600.0


def test_outside_the_hours_callers_go_where_the_queue_says():
    world = World([queue(hours=HOURS, on_closed=VOICEMAIL)])
    world.call(NINE_ROME - 1, "early")
    assert world.of(Overflowed)[0].reason == "closed"
    world.call(NINE_ROME, "c1")
    assert world.place("c1") == "waiting"
    world.call(SIX_ROME, "late")
    assert world.place("late") == "gone"


def test_those_who_wait_at_closing_go_where_the_queue_says_or_are_still_served():
    world = World([queue(hours=HOURS, at_close=VOICEMAIL), queue("patient", hours=HOURS)])
    world.call(SIX_ROME - 10, "c1")
    world.call(SIX_ROME - 10, "c2", "patient")
    assert world.engine.next_due() == SIX_ROME
    world.tick(SIX_ROME)
    assert world.of(Overflowed)[0].reason == "closing"
    assert world.place("c1") == "gone"
    assert world.place("c2") == "waiting"


def test_a_plan_step_does_not_take_a_caller_away_from_a_ringing_agent():
    away = plan(PlanStep(require=""), PlanStep(after=10, overflow=VOICEMAIL))
    world = World([queue(plan=away)], [agent("anna")])
    world.call(0, "c1")
    world.tick(10)
    assert world.place("c1") == "offered"
    world.tell(OfferRefused(11, world.fence("c1"), "no_answer"))
    assert world.of(Overflowed)[0].kind == "voicemail"


def test_a_caller_whose_offer_comes_to_nothing_after_closing_goes_where_the_queue_says():
    world = World([queue(hours=HOURS, at_close=VOICEMAIL)], [agent("anna")])
    world.call(SIX_ROME - 5, "c1")
    world.tick(SIX_ROME)
    assert world.place("c1") == "offered"
    world.tick(SIX_ROME + 10)
    assert world.of(Overflowed)[0].reason == "closing"
    assert world.place("c1") == "gone"


def test_nobody_comes_to_wait_in_a_queue_that_is_closed_and_keeps_no_one():
    for come in ("moved", "transferred", "adopted", "changed"):
        world = World([queue(hours=HOURS, at_close=VOICEMAIL), queue("other", require="latin")], [agent("anna")])
        world.call(SIX_ROME - 5, "c1", "other" if come == "moved" else "care")
        match come:
            case "moved":
                world.tell(InteractionMoved(SIX_ROME + 1, "c1", "care"))
            case "transferred":
                world.accept(SIX_ROME - 4, "c1")
                world.tell(TransferredToQueue(SIX_ROME + 1, "c1", "anna", "care"))
            case "adopted":
                world = World([queue(hours=HOURS, at_close=VOICEMAIL)])
                world.tell(InteractionAdopted(SIX_ROME + 1, "c1", "care", SIX_ROME - 5))
            case "changed":
                world.tell(OfferRefused(SIX_ROME - 4, world.fence("c1"), "no_answer"))
                closed = OpeningHours(HOURS.zone, ((3, 9 * 3600, 10 * 3600),))
                world.change(SIX_ROME - 2, queues=[queue(hours=closed, at_close=VOICEMAIL), queue("other")])
        assert world.of(Overflowed)[0].reason == "closing", come
        assert world.place("c1") == "gone"
