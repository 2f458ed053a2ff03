"""Each edge case of the definitions of recall and first-call resolution, told as calls and looked at as figures."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from acd.model import Programme
from core.clock import ManualClock, from_iso
from core.errors import Invalid
from core.journal import Fact
from tests.integration.tickets.world import BRUNO, DAY, GIULIA, HOUR, MARCO, NOON, World, call_facts
from tickets import calls, customers, fcr, figures, merging, recalls, reports, work
from tickets.counting import Scope
from tickets.fcr import Resolutions
from tickets.figures import DayFigure
from tickets.policy import Policy
from tickets.recalls import Recalls

CHIARA = "+393475550142"
SWITCHBOARD = "+390115550100"
MONDAY, POLICY = date(2026, 11, 23), Policy()


def _scope(first: date = MONDAY - timedelta(days=30), last: date = MONDAY + timedelta(days=10)) -> Scope:
    return Scope("p-aura", first, last, POLICY)


async def _recall(world: World, scope: Scope | None = None) -> Recalls:
    async with world.database.reading() as session:
        return sum((await recalls.by_day(session, scope or _scope())).values(), Recalls())


async def _fcr(world: World, scope: Scope | None = None) -> Resolutions:
    async with world.database.reading() as session:
        return sum((await fcr.by_day(session, scope or _scope())).values(), Resolutions())


async def _days(world: World, at: float) -> dict[date, DayFigure]:
    async with world.database.reading() as session:
        return {figure.day: figure for figure in (await figures.figures_of(session, _scope(), at)).days}


# --- recall ---------------------------------------------------------------------------------------------------------


async def test_a_second_call_within_72_hours_is_charged_to_the_first_agent_and_topic(world: World) -> None:
    await world.customer("Chiara", CHIARA)
    await world.call(CHIARA, NOON, agent=MARCO, topic="bill")
    await world.call(CHIARA, NOON + 30 * HOUR, agent=GIULIA)
    async with world.database.reading() as session:
        by_agent = await recalls.by(session, _scope(), "agent")
        by_topic = await recalls.by(session, _scope(), "topic")
    assert (by_agent["a-marco"].recalled, by_agent["a-giulia"].recalled) == (1, 0)
    assert (by_topic["bill"].recalled, by_topic["portability"].recalled) == (1, 0)


async def test_any_reason_and_the_same_reason_are_two_figures(world: World) -> None:
    await world.customer("Chiara", CHIARA)
    await world.call(CHIARA, NOON, topic="bill")
    await world.call(CHIARA, NOON + 10 * HOUR, topic="portability")
    await world.call(CHIARA, NOON + 20 * HOUR, topic="bill")
    counts = await _recall(world)
    assert (counts.identified, counts.recalled, counts.recalled_same) == (3, 2, 1)


async def test_a_chain_of_three_calls_is_two_recalls(world: World) -> None:
    await world.customer("Chiara", CHIARA)
    for hours in (0, 24, 48):
        await world.call(CHIARA, NOON + hours * HOUR)
    assert (await _recall(world)).recalled == 2


async def test_a_withheld_number_is_outside_both_sides_and_shown_as_coverage(world: World) -> None:
    await world.call(None, NOON)
    await world.call(None, NOON + HOUR)
    await world.customer("Chiara", CHIARA)
    await world.call(CHIARA, NOON + 2 * HOUR)
    counts = await _recall(world)
    assert (counts.answered, counts.identified, counts.recalled) == (3, 1, 0)
    assert counts.coverage == pytest.approx(1 / 3)


async def test_a_number_nobody_knows_is_outside_too(world: World) -> None:
    await world.call("+393470000009", NOON)
    await world.call("+393470000009", NOON + HOUR)
    assert (await _recall(world)).identified == 0


async def test_a_withheld_caller_whom_the_agent_has_identified_counts(world: World) -> None:
    chiara = await world.customer("Chiara", CHIARA)
    await world.call(None, NOON, choose=chiara)
    await world.call(CHIARA, NOON + HOUR)
    counts = await _recall(world)
    assert (counts.identified, counts.recalled) == (2, 1)


async def test_a_switchboard_counts_only_with_a_confirmed_customer(world: World) -> None:
    firm = await world.customer("Edil Nova", SWITCHBOARD, shared=True)
    await world.call(SWITCHBOARD, NOON)
    await world.call(SWITCHBOARD, NOON + HOUR)
    assert (await _recall(world)).identified == 0
    await world.call(SWITCHBOARD, NOON + 2 * HOUR, choose=firm)
    await world.call(SWITCHBOARD, NOON + 3 * HOUR, choose=firm)
    counts = await _recall(world)
    assert (counts.identified, counts.recalled) == (2, 1)


async def test_a_switchboard_counts_when_both_calls_are_about_the_same_ticket(world: World) -> None:
    await world.customer("Edil Nova", SWITCHBOARD, shared=True)
    await world.customer("Edil Vecchia", SWITCHBOARD, shared=True)
    first = await world.call(SWITCHBOARD, NOON, outcome="hand_over")
    await world.call(SWITCHBOARD, NOON + HOUR)
    ticket_id = (await world.row(first)).ticket_id
    assert ticket_id is not None
    await world.call(SWITCHBOARD, NOON + 2 * HOUR, link=ticket_id, outcome=None)
    counts = await _recall(world)
    assert (counts.identified, counts.recalled, counts.recalled_same) == (2, 1, 1)


async def test_our_own_outbound_calls_are_never_recalls_and_never_triggers(world: World) -> None:
    await world.customer("Chiara", CHIARA)
    await world.call(CHIARA, NOON)
    await world.call(CHIARA, NOON + HOUR, direction="outbound")
    assert (await _recall(world)).recalled == 0
    await world.call(CHIARA, NOON + 2 * HOUR)
    counts = await _recall(world)
    assert (counts.calls, counts.identified, counts.recalled) == (2, 2, 1)


async def test_a_customer_who_returns_our_missed_call_is_left_out_of_net_recall(world: World) -> None:
    await world.customer("Chiara", CHIARA)
    await world.call(CHIARA, NOON)
    await world.call(CHIARA, NOON + HOUR, agent=None, direction="outbound")
    back = await world.call(CHIARA, NOON + 2 * HOUR)
    assert (await world.row(back)).returns_missed
    counts = await _recall(world)
    assert (counts.recalled, counts.recalled_net) == (1, 0)


async def test_an_outbound_call_that_was_answered_is_no_missed_call(world: World) -> None:
    await world.customer("Chiara", CHIARA)
    await world.call(CHIARA, NOON)
    await world.call(CHIARA, NOON + HOUR, direction="outbound")
    back = await world.call(CHIARA, NOON + 2 * HOUR)
    assert not (await world.row(back)).returns_missed


async def test_a_missed_call_whose_facts_come_late_still_marks_the_call_that_returned_it(world: World) -> None:
    await world.customer("Chiara", CHIARA)
    outbound = world.facts(CHIARA, NOON, direction="outbound")
    back = await world.call(CHIARA, NOON + HOUR)
    assert not (await world.row(back)).returns_missed
    await world.tell(*call_facts(outbound, None))
    assert (await world.row(back)).returns_missed


async def test_an_abandoned_call_can_be_a_recall(world: World) -> None:
    await world.customer("Chiara", CHIARA)
    await world.call(CHIARA, NOON)
    await world.call(CHIARA, NOON + HOUR, agent=None)
    counts = await _recall(world)
    assert (counts.recalled, counts.abandoned, counts.redialled) == (1, 1, 0)


async def test_an_abandoned_call_cannot_trigger_one_its_redial_is_reported_apart(world: World) -> None:
    await world.customer("Chiara", CHIARA)
    await world.call(CHIARA, NOON, agent=None)
    await world.call(CHIARA, NOON + HOUR)
    counts = await _recall(world)
    assert (counts.identified, counts.recalled) == (1, 0)
    assert (counts.abandoned, counts.redialled) == (1, 1)


async def test_test_and_wrong_number_calls_are_excluded_and_counted_apart(world: World) -> None:
    await world.customer("Chiara", CHIARA)
    await world.call(CHIARA, NOON)
    wrong = await world.call(CHIARA, NOON + HOUR)
    async with world.tickets.unit(GIULIA) as unit:
        await calls.set_disposition(unit, wrong, "wrong_number")
    counts = await _recall(world)
    assert (counts.calls, counts.excluded, counts.identified, counts.recalled) == (1, 1, 1, 0)
    assert (await _fcr(world)).opened == 1


async def test_a_disposition_that_does_not_exist_is_refused(world: World) -> None:
    call = await world.call(CHIARA, NOON)
    with pytest.raises(Invalid, match="internal, test, wrong_number"):
        async with world.tickets.unit(GIULIA) as unit:
            await calls.set_disposition(unit, call, "boring")


async def test_a_call_to_another_programme_is_no_recall(world: World) -> None:
    async with world.tickets.unit(GIULIA) as unit:
        everywhere = await customers.create(unit, name="Chiara", programme_id=None)
        await customers.attach_number(unit, everywhere.id, CHIARA)
    await world.call(CHIARA, NOON)
    await world.call(CHIARA, NOON + HOUR, outcome=None, programme_id="p-volt")
    assert (await _recall(world)).recalled == 0


async def test_a_call_that_straddles_midnight_belongs_to_the_day_it_entered_the_queue(world: World) -> None:
    await world.customer("Chiara", CHIARA)
    before_midnight = from_iso("2026-11-22T22:59:00Z")
    call = await world.call(CHIARA, before_midnight, talk=600.0)
    assert (await world.row(call)).day == date(2026, 11, 22)
    last_second = await world.call(CHIARA, before_midnight + 59, talk=1.0)
    assert (await world.row(last_second)).day == MONDAY, "it arrived before midnight but entered the queue after it"


async def test_a_call_in_the_hour_that_comes_twice_belongs_to_that_day(world: World) -> None:
    await world.customer("Chiara", CHIARA)
    for instant in ("2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"):
        call = await world.call(CHIARA, from_iso(instant))
        assert (await world.row(call)).day == date(2026, 10, 25)
    counts = await _recall(world, _scope(date(2026, 10, 25), date(2026, 10, 25)))
    assert (counts.identified, counts.recalled) == (2, 1)


async def test_72_hours_are_72_hours_also_when_the_clocks_change(world: World) -> None:
    await world.customer("Chiara", CHIARA)
    first = await world.row(await world.call(CHIARA, from_iso("2026-10-23T10:00:00Z")))
    assert first.ended_at is not None
    await world.call(CHIARA, first.ended_at + 72 * HOUR)
    assert (await _recall(world, _scope(date(2026, 10, 23), date(2026, 10, 23)))).recalled == 1


async def test_merging_two_customers_makes_their_calls_each_others_recalls(world: World) -> None:
    one, other = await world.customer("Chiara", CHIARA), await world.customer("C. Ferrero", "+393475550143")
    await world.call(CHIARA, NOON)
    await world.call("+393475550143", NOON + HOUR)
    assert (await _recall(world)).recalled == 0
    async with world.tickets.unit(BRUNO) as unit:
        await merging.merge_customers(unit, other, one)
    assert (await _recall(world)).recalled == 1
    async with world.database.reading() as session:
        story = await customers.story(session, other)
        found = await customers.by_number(session, "+393475550143", "p-aura")
    assert (story["customer"]["id"], len(story["contacts"]), len(story["tickets"])) == (one, 2, 2)
    assert found.certain is not None
    assert found.certain.id == one


async def test_a_transfer_is_one_call(world: World) -> None:
    await world.customer("Chiara", CHIARA)
    facts = world.facts(CHIARA, NOON)
    await world.tell(*call_facts(facts, MARCO.id))
    end = NOON + 240

    def later(kind: str, at: float, agent: str | None = None, **data: object) -> Fact:
        return Fact(at, kind, facts.interaction_id, agent, data)

    await world.tell(
        later("queue.entered", end, queue_id="q-other", programme_id="p-aura", since=end),
        later("call.answered", end + 20, GIULIA.id, fence=2, queue_id="q-other", waited=20),
        later("agent.left", end + 120, GIULIA.id, talk=100.0, hold=0.0),
        later("call.ended", end + 120, ended_by="caller", stage="talk", cause=16, abandoned=False),
    )
    counts, row = await _recall(world), await world.row(facts.interaction_id)
    assert (counts.calls, counts.answered) == (1, 1)
    assert (row.queue_id, row.agent_id, row.talk) == ("q-port", "a-giulia", 300.0)


# --- maturity -------------------------------------------------------------------------------------------------------


async def test_a_late_recall_changes_the_day_while_it_is_provisional_and_never_once_it_is_final(world: World) -> None:
    await world.customer("Chiara", CHIARA)
    first = await world.row(await world.call(CHIARA, NOON))
    assert first.ended_at is not None
    assert (await _days(world, NOON + DAY))[MONDAY].recall.recalled == 0
    late = world.facts(CHIARA, first.ended_at + 71 * HOUR)
    ripe = first.ended_at + 72 * HOUR
    assert (await _days(world, ripe - 1))[MONDAY].maturity == "provisional"
    await world.tell(*call_facts(late, GIULIA.id))
    assert (await _days(world, ripe - 1))[MONDAY].recall.recalled == 1
    world.clock = ManualClock(ripe + 1)
    assert await figures.freeze_ripe_days(world.tickets) == 1
    assert (await _days(world, ripe + 1))[MONDAY].maturity == "final"

    world.clock = ManualClock(ripe + 5 * DAY)
    much_later = world.facts(CHIARA, NOON + HOUR)
    await world.tell(*call_facts(much_later, GIULIA.id))
    day = (await _days(world, ripe + 5 * DAY))[MONDAY]
    assert (day.recall.calls, day.recall.recalled) == (1, 1)
    assert day.late == 6, "each fact of the call that came too late is counted as such"


async def test_days_that_are_final_are_stored_once_with_the_policy_that_counted_them(world: World) -> None:
    await world.customer("Chiara", CHIARA)
    await world.call(CHIARA, NOON)
    world.clock = ManualClock(NOON + 10 * DAY)
    assert await figures.freeze_ripe_days(world.tickets) == 1
    assert await figures.freeze_ripe_days(world.tickets) == 0
    async with world.database.reading() as session:
        by_agent = (await figures.figures_of(session, _scope(), NOON + 10 * DAY, "agent")).groups["agent"]
        other_window = replace(_scope(), policy=Policy(recall_window=48 * HOUR))
        recounted = (await figures.figures_of(session, other_window, NOON + 10 * DAY)).days
    assert [(group.key, group.maturity, group.recall.answered) for group in by_agent] == [("a-giulia", "final", 1)]
    assert len(recounted) == 1, "a day stored under another definition is counted again, not mixed in"


async def test_groups_add_up_to_the_days_across_stored_and_live_ones(world: World) -> None:
    await world.customer("Chiara", CHIARA)
    for days in (0, 1, 2, 6, 7):
        await world.call(CHIARA, NOON + days * DAY, agent=(GIULIA, MARCO)[days % 2])
    at = NOON + 8 * DAY
    world.clock = ManualClock(at)
    assert await figures.freeze_ripe_days(world.tickets) == 3
    async with world.database.reading() as session:
        found = await figures.figures_of(session, _scope(), at, "agent", "topic", "queue")
    by_day = found.days
    for groups in found.groups.values():
        assert sum((one.recall for one in groups), Recalls()) == sum((one.recall for one in by_day), Recalls())
        assert sum((one.fcr for one in groups), Resolutions()) == sum((one.fcr for one in by_day), Resolutions())
    recalled = sum(one.recall.recalled for one in by_day)
    assert (sum(found.gaps.values()), sum(found.causes.values()), recalled) == (3, 3, 3)
    assert [one.maturity for one in by_day] == ["final"] * 3 + ["provisional"] * 2


# --- first-call resolution ------------------------------------------------------------------------------------------


async def test_a_ticket_resolved_in_its_call_is_first_call_resolution(world: World) -> None:
    await world.customer("Chiara", CHIARA)
    await world.call(CHIARA, NOON)
    counts = await _fcr(world)
    assert (counts.opened, counts.resolved_in_call, counts.fcr, counts.gross) == (1, 1, 1, 1.0)


async def test_resolving_after_wrap_up_is_not_in_the_call(world: World) -> None:
    await world.customer("Chiara", CHIARA)
    call = await world.row(await world.call(CHIARA, NOON, outcome=None))
    assert call.ticket_id is not None
    world.clock = ManualClock((call.wrap_up_ended_at or 0.0) + 1)
    async with world.tickets.unit(GIULIA) as unit:
        await work.resolve(unit, call.ticket_id)
    counts = await _fcr(world)
    assert (counts.opened, counts.resolved_in_call, counts.fcr) == (1, 0, 0)


async def test_a_back_office_step_takes_a_ticket_out(world: World) -> None:
    await world.customer("Chiara", CHIARA)
    call = await world.row(await world.call(CHIARA, NOON, outcome="hand_over"))
    assert call.ticket_id is not None
    async with world.tickets.unit(BRUNO) as unit:
        await work.resolve(unit, call.ticket_id)
    counts = await _fcr(world)
    assert (counts.back_office, counts.fcr) == (1, 0)


async def test_a_reopened_ticket_is_out(world: World) -> None:
    await world.customer("Chiara", CHIARA)
    call = await world.row(await world.call(CHIARA, NOON))
    assert call.ticket_id is not None
    async with world.tickets.unit(BRUNO) as unit:
        await work.reopen(unit, call.ticket_id)
    counts = await _fcr(world)
    assert (counts.resolved_in_call, counts.reopened, counts.fcr) == (1, 1, 0)


async def test_a_contact_for_the_same_reason_takes_it_out_and_one_for_another_reason_does_not(world: World) -> None:
    await world.customer("Chiara", CHIARA)
    await world.call(CHIARA, NOON, topic="bill")
    await world.call(CHIARA, NOON + HOUR, topic="portability")
    counts = await _fcr(world)
    assert (counts.contact_again, counts.fcr) == (0, 2)
    await world.call(CHIARA, NOON + 2 * HOUR, topic="bill")
    counts = await _fcr(world)
    assert (counts.opened, counts.contact_again, counts.fcr) == (3, 1, 2)


async def test_a_customer_who_says_no_in_the_survey_takes_it_out_and_one_who_says_yes_does_not(world: World) -> None:
    await world.customer("Chiara", CHIARA)
    for hours, answer in ((0, False), (100, True)):
        call = await world.call(CHIARA, NOON + hours * HOUR)
        await world.tell(Fact(NOON + hours * HOUR + 300, "survey.answered", call, None, {"resolved": answer}))
    counts = await _fcr(world)
    assert (counts.opened, counts.survey_no, counts.fcr) == (2, 1, 1)


async def test_net_fcr_leaves_out_what_the_front_line_may_not_resolve(world: World) -> None:
    await world.customer("Chiara", CHIARA)
    await world.call(CHIARA, NOON, topic="fraud", outcome="hand_over")
    await world.call(CHIARA, NOON + HOUR, topic="bill")
    counts = await _fcr(world)
    assert (counts.gross, counts.net) == (0.5, 1.0)


async def test_a_call_linked_to_an_older_ticket_opens_none(world: World) -> None:
    await world.customer("Chiara", CHIARA)
    first = await world.row(await world.call(CHIARA, NOON, outcome="hand_over"))
    assert first.ticket_id is not None
    await world.call(CHIARA, NOON + HOUR, link=first.ticket_id)
    counts = await _fcr(world)
    assert (counts.opened, counts.contact_again) == (1, 1)


async def test_merged_tickets_count_once_and_split_ones_twice(world: World) -> None:
    await world.customer("Chiara", CHIARA)
    first = await world.row(await world.call(CHIARA, NOON))
    second = await world.row(await world.call(CHIARA, NOON + 200 * HOUR))
    assert first.ticket_id is not None
    assert second.ticket_id is not None
    async with world.tickets.unit(BRUNO) as unit:
        await merging.merge_tickets(unit, second.ticket_id, first.ticket_id)
    assert (await _fcr(world)).opened == 1
    async with world.tickets.unit(BRUNO) as unit:
        await merging.split_ticket(unit, first.ticket_id, "Another matter")
    counts = await _fcr(world)
    assert (counts.opened, counts.fcr) == (2, 1)


async def test_a_correction_of_the_outcome_in_wrap_up_is_neither_a_reopening_nor_a_back_office_step(
    world: World,
) -> None:
    from tickets.outcome import Outcome, save

    await world.customer("Chiara", CHIARA)
    call = await world.row(await world.call(CHIARA, NOON, outcome="hand_over"))
    assert call.ticket_id is not None
    async with world.tickets.unit(GIULIA) as unit:
        await save(unit, call.ticket_id, call.id, Outcome("resolved", "bill"))
    counts = await _fcr(world)
    assert (counts.back_office, counts.reopened, counts.fcr) == (0, 0, 1)
    async with world.tickets.unit(GIULIA) as unit:
        await save(unit, call.ticket_id, call.id, Outcome("hand_over", "bill"))
    counts = await _fcr(world)
    assert (counts.resolved_in_call, counts.back_office, counts.fcr) == (0, 1, 0)


# --- the report -----------------------------------------------------------------------------------------------------


async def test_the_report_carries_policy_coverage_maturity_components_causes_and_promises(world: World) -> None:
    await world.customer("Chiara", CHIARA)
    await world.call(CHIARA, NOON - 5 * DAY, outcome="call_back")
    await world.call(CHIARA, NOON - 3 * DAY + HOUR)
    await world.call(None, NOON)
    async with world.database.reading() as session:
        report = await reports.recall(session, NOON + HOUR, MONDAY - timedelta(days=7), MONDAY, "p-aura")
    assert (report["policy_version"], report["window_hours"], report["maturity"]) == ("kpi-1/72h", 72, "provisional")
    assert [(row["day"], row["maturity"]) for row in report["days"]] == [
        (MONDAY - timedelta(days=5), "final"),
        (MONDAY - timedelta(days=3), "provisional"),
        (MONDAY, "provisional"),
    ]
    assert (report["recall"]["base"], report["recall"]["recalled"]) == (2, 1)
    assert report["recall"]["coverage"] == pytest.approx(2 / 3)
    assert report["causes"] == [{"id": "not-solved", "recalls": 1}]
    assert report["promises"] == {
        "due": 1,
        "kept": 0,
        "broken": 1,
        "broken_then_recall": 1,
        "share_kept": 0.0,
    }
    assert report["gaps"] == [0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0]
    assert [(row["name"], row["recall"]["base"]) for row in report["agents"]] == [("Giulia Conti", 2)]
    assert report["topics"][0]["name"] == "Portabilità"


async def test_a_period_that_ends_before_it_begins_is_refused(world: World) -> None:
    with pytest.raises(Invalid, match="no period"):
        async with world.database.reading() as session:
            await reports.recall(session, NOON, MONDAY, MONDAY - timedelta(days=1))


async def test_programmes_with_different_windows_are_never_added(world: World) -> None:
    from acd.model import Programme

    async with world.database.session() as session:
        (await session.get_one(Programme, "p-volt")).recall_hours = 48
    with pytest.raises(Invalid, match="Choose one programme"):
        async with world.database.reading() as session:
            await reports.recall(session, NOON, MONDAY, MONDAY)


async def test_pairs_name_both_calls_and_the_time_between(world: World) -> None:
    await world.customer("Chiara", CHIARA)
    first = await world.row(await world.call(CHIARA, NOON, agent=MARCO))
    second = await world.call(CHIARA, NOON + 5 * HOUR)
    async with world.database.reading() as session:
        pair = (await reports.recall_pairs(session, MONDAY, MONDAY, "p-aura"))[0]
    assert (pair["first_interaction_id"], pair["then_interaction_id"]) == (first.id, second)
    assert (pair["first_agent"], pair["then_agent"]) == ("Marco De Santis", "Giulia Conti")
    assert pair["gap"] == pytest.approx(NOON + 5 * HOUR - (first.ended_at or 0.0))


async def test_today_counts_service_by_the_definitions(world: World) -> None:
    for place, patience in enumerate((2.0, 8.0, 30.0)):
        facts = world.facts(f"+39347000000{place}", NOON)
        told = call_facts(facts, None)
        gone = replace(told[-1], at=facts.queued_at + patience)
        await world.tell(*told[:-1], gone)
    await world.call(None, NOON + 60)
    async with world.database.reading() as session:
        figures_today = (await reports.today(session, NOON + HOUR, "p-aura"))["figures"]
    assert figures_today == {
        "offered": 4,
        "answered": 1,
        "answered_in_target": 1,
        "abandoned": 2,
        "short_abandoned": 1,
        "service_level": 0.5,
        "service_level_strict": 0.25,
        "abandonment": pytest.approx(2 / 3),
        "asa": 10.0,
        "aht": 220.0,
    }


async def test_an_agents_day_shows_own_calls_and_the_recalls_on_them(world: World) -> None:
    await world.customer("Chiara", CHIARA)
    await world.call(CHIARA, NOON - DAY, agent=MARCO)
    await world.call(CHIARA, NOON, agent=GIULIA, talk=100.0)
    await world.call(None, NOON + HOUR, agent=GIULIA, talk=300.0, outcome="hand_over")
    async with world.database.reading() as session:
        giulia = await reports.my_day(session, NOON + 2 * HOUR, GIULIA.id)
        marco = await reports.my_day(session, NOON + 2 * HOUR, MARCO.id)
    assert (giulia["calls"], giulia["mean_talk"], giulia["fcr"], giulia["recalls"]) == (2, 200.0, 0.5, 0)
    assert (marco["calls"], marco["mean_talk"], marco["fcr"], marco["recalls"]) == (0, None, None, 1)


async def test_a_period_that_ends_today_is_provisional_also_before_the_first_call(world: World) -> None:
    await world.customer("Chiara", CHIARA)
    await world.call(CHIARA, NOON - 10 * DAY)
    for at, maturity in ((NOON, "provisional"), (NOON + 10 * DAY, "final")):
        async with world.database.reading() as session:
            report = await reports.recall(session, at, MONDAY - timedelta(days=14), MONDAY, "p-aura")
        assert report["maturity"] == maturity


async def test_facts_that_come_after_a_short_window_are_counted_as_late(world: World) -> None:
    async with world.database.session() as session:
        (await session.get_one(Programme, "p-aura")).recall_hours = 24
    first = await world.row(await world.call(CHIARA, NOON))
    world.clock = ManualClock((first.ended_at or 0.0) + 26 * HOUR)
    assert await figures.freeze_ripe_days(world.tickets) == 1
    await world.tell(*call_facts(world.facts(CHIARA, NOON + HOUR), GIULIA.id))
    async with world.database.reading() as session:
        report = await reports.recall(session, world.clock.now(), MONDAY, MONDAY, "p-aura")
    assert [row["late"] for row in report["days"]] == [6]


async def test_the_day_so_far_names_its_policy_and_adds_no_different_windows(world: World) -> None:
    async with world.database.reading() as session:
        report = await reports.today(session, NOON)
    assert (report["policy_version"], report["window_hours"]) == ("kpi-1/72h", 72)
    async with world.database.session() as session:
        (await session.get_one(Programme, "p-aura")).recall_hours = 24
    async with world.database.reading() as session:
        with pytest.raises(Invalid, match="different recall windows"):
            await reports.today(session, NOON)
        assert (await reports.today(session, NOON, "p-aura"))["policy_version"] == "kpi-1/24h"
