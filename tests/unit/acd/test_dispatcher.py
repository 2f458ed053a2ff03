"""The dispatcher with the real engine and journal, and doubles where Asterisk, tickets and the browser are."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from acd import effects as fx
from acd import events as ev
from acd.config import WrapUp, WrapUpMode
from acd.ports import CallFacts, CallView, ConsultView, LiveCall, ReadBack, RecordingView, Ring, Target
from acd.presence import restore
from core.errors import Conflict, Invalid
from core.facts import facts_since
from tests.patience import PATIENCE
from tests.unit.acd.house import House


async def test_the_pop_is_sent_before_the_phone_is_told_to_ring(house: House) -> None:
    await house.ready()
    await house.cmd("desk.online", connection_id="c1")
    house.arrive()
    _, ring = await house.telephony.wait_for("ring")
    _, desk = house.sent[-1]
    assert (ring.extension, ring.interaction_id, ring.caller_name) == ("2001", "i1", "Chiara")
    assert desk["call"]["phase"] == "ringing"
    assert desk["call"]["recall"] is True


async def test_an_open_desk_is_waited_for_until_it_has_painted_the_pop(house: House) -> None:
    await house.ready()
    await house.cmd("desk.online", connection_id="c1")
    house.arrive()
    async with asyncio.timeout(PATIENCE):
        while not (house.sent and house.desk()["call"]):
            await asyncio.sleep(0)
    assert house.telephony.asked == []
    await house.cmd("desk.painted", seq=house.sent[-1][1]["seq"])
    await house.telephony.wait_for("ring")


async def test_a_desk_that_paints_too_late_does_not_keep_the_phone_from_ringing(house: House) -> None:
    await house.ready()
    await house.cmd("desk.online", connection_id="c1")
    house.arrive()
    await house.telephony.wait_for("ring")


async def test_the_phone_rings_with_an_empty_pop_when_the_story_does_not_come(house: House) -> None:
    house.stories.gate.clear()
    await house.ready()
    await house.cmd("desk.online", connection_id="c1")
    house.arrive()
    _, ring = await house.telephony.wait_for("ring")
    assert ring.caller_name is None
    house.stories.gate.set()
    async with asyncio.timeout(PATIENCE):
        while not house.desk("a1")["call"]["pop"]:
            await asyncio.sleep(0.005)


async def test_a_caller_who_leaves_while_the_phone_rings_stops_it_and_the_agent_is_ready_again(house: House) -> None:
    await house.ready()
    house.arrive()
    _, ring = await house.telephony.wait_for("ring")
    house.dispatcher.caller_gone(house.clock.advance(3), "i1", "caller", "hold", 16)
    assert await house.telephony.wait_for("stop_ringing") == ("stop_ringing", ring.fence)
    assert house.state() == ("ready", "")
    assert house.desk()["call"] is None
    assert house.board.statistics.count("q", house.clock.now()).short_abandoned == 1


async def test_a_phone_left_ringing_makes_the_agent_not_ready_and_the_caller_keeps_waiting_since(house: House) -> None:
    await house.ready()
    facts = house.arrive()
    await house.telephony.wait_for("ring")
    house.board.step(ev.Tick(house.clock.advance(20)))
    await house.telephony.wait_for("stop_ringing")
    assert house.state() == ("not_ready", "rona")
    (waiting,) = house.engine.waiting("q")
    assert waiting.waiting_since == facts.queued_at


async def test_a_phone_that_cannot_be_rung_gives_the_caller_back(house: House) -> None:
    house.telephony.fail = True
    await house.ready()
    house.arrive()
    async with asyncio.timeout(PATIENCE):
        while house.state()[0] in {"ready", "ringing"}:
            await asyncio.sleep(0)
    assert [view.interaction_id for view in house.engine.waiting("q")] == ["i1"]


async def test_an_answer_to_a_withdrawn_offer_changes_nothing(house: House) -> None:
    await house.ready()
    house.arrive()
    _, ring = await house.telephony.wait_for("ring")
    house.dispatcher.caller_gone(house.clock.advance(1), "i1", "caller", "hold", 16)
    house.dispatcher.leg_answered(house.clock.advance(1), ring.fence)
    assert house.state() == ("ready", "")


async def test_the_answer_opens_one_ticket_and_the_desk_shows_it(house: House) -> None:
    await house.talk()
    async with asyncio.timeout(PATIENCE):
        while not house.desk()["call"]["ticket_id"]:
            await asyncio.sleep(0)
    assert house.stories.opened == ["i1"]
    assert house.desk()["call"]["phase"] == "talking"


async def test_an_agent_who_hangs_up_wraps_up_and_is_ready_when_it_is_saved(house: House) -> None:
    await house.talk()
    house.dispatcher.agent_left(house.clock.advance(60), "i1", "a1", "agent", 10.0)
    house.dispatcher.caller_gone(house.clock.advance(1), "i1", "system", "after", 16)
    assert house.state()[0] == "wrap_up"
    house.clock.advance(12)
    await house.cmd("wrap_up.end", then="ready")
    assert house.state() == ("ready", "")
    assert house.desk()["call"] is None
    assert await house.kinds() == [
        "queue.entered",
        "offer.made",
        "offer.ended",
        "call.answered",
        "agent.left",
        "call.ended",
        "wrap_up.ended",
    ]
    count = house.board.statistics.count("q", house.clock.now())
    assert (count.answered, count.answered_in_target, count.handled) == (1, 1, 1)
    assert count.handling_ms == pytest.approx(73_000, abs=10)


async def test_when_the_timer_ends_first_the_agent_is_not_ready_and_the_open_ticket_stays_on_the_desk(
    house: House,
) -> None:
    await house.talk()
    house.dispatcher.agent_left(house.clock.advance(60), "i1", "a1", "agent", 0.0)
    house.dispatcher.caller_gone(house.clock.now(), "i1", "system", "after", 16)
    house.board.step(ev.Tick(house.clock.advance(31)))
    assert house.state() == ("not_ready", "wrap_up_unfinished")
    assert house.desk()["call"]["interaction_id"] == "i1"
    await house.cmd("agent.not_ready", reason="lunch")
    assert house.desk()["call"]["interaction_id"] == "i1"
    await house.cmd("agent.ready")
    assert house.desk()["call"] is None
    assert (await house.kinds()).count("wrap_up.ended") == 1


async def test_a_break_chosen_in_the_call_does_not_make_a_wrap_up_that_ran_out_a_saved_one(house: House) -> None:
    await house.talk()
    await house.cmd("agent.not_ready", reason="lunch")
    house.dispatcher.agent_left(house.clock.advance(60), "i1", "a1", "agent", 0.0)
    house.dispatcher.caller_gone(house.clock.now(), "i1", "system", "after", 16)
    house.board.step(ev.Tick(house.clock.advance(31)))
    assert house.state() == ("not_ready", "lunch")
    assert house.desk()["call"]["phase"] == "ended"
    assert [fact.data["how"] for fact in await house.facts("wrap_up.ended")] == ["timer"]
    await house.cmd("wrap_up.end", then="ready")
    assert house.state() == ("ready", "")
    assert house.desk()["call"] is None
    assert [fact.data["how"] for fact in await house.facts("wrap_up.ended")] == ["timer"]


async def test_asking_to_be_ready_in_wrap_up_leaves_the_unsaved_call_on_the_desk(house: House) -> None:
    await house.talk()
    house.dispatcher.agent_left(house.clock.advance(60), "i1", "a1", "agent", 0.0)
    await house.cmd("agent.ready")
    assert house.desk()["call"]["phase"] == "ended"
    house.board.step(ev.Tick(house.clock.advance(31)))
    assert [fact.data["how"] for fact in await house.facts("wrap_up.ended")] == ["timer"]
    assert house.desk()["call"] is None


async def test_a_wrap_up_of_fixed_length_ends_once_and_the_desk_shows_it_until_then(house: House) -> None:
    fixed = replace(house.board.config.queues["q"], wrap_up=WrapUp(WrapUpMode.FIXED, 30.0))
    house.board.step(ev.ConfigChanged(house.clock.now(), replace(house.board.config, queues={"q": fixed})))
    await house.talk()
    house.dispatcher.agent_left(house.clock.advance(60), "i1", "a1", "agent", 0.0)
    await house.cmd("wrap_up.end", then="ready")
    assert house.desk()["call"]["phase"] == "ended"
    house.board.step(ev.Tick(house.clock.advance(31)))
    assert house.state() == ("ready", "")
    assert house.desk()["call"] is None
    assert [fact.data["how"] for fact in await house.facts("wrap_up.ended")] == ["saved"]


async def test_a_caller_who_hangs_up_in_talk_ends_both_parts_once(house: House) -> None:
    await house.talk()
    house.dispatcher.caller_gone(house.clock.advance(30), "i1", "caller", "talk", 16)
    house.dispatcher.agent_left(house.clock.now(), "i1", "a1", "caller", 0.0)
    kinds = await house.kinds()
    assert (kinds.count("agent.left"), kinds.count("call.ended")) == (1, 1)
    assert house.state()[0] == "wrap_up"


async def test_a_command_for_a_call_that_is_not_there_says_so(house: House) -> None:
    await house.ready()
    with pytest.raises(Conflict, match="not in a call"):
        await house.cmd("call.hold")


async def test_nobody_becomes_ready_with_a_phone_that_cannot_ring(house: House) -> None:
    await house.cmd("agent.sign_in")
    with pytest.raises(Conflict, match="phone 2001 is not connected"):
        await house.cmd("agent.ready")


async def test_a_lost_phone_takes_the_agent_out_and_its_return_brings_the_agent_back(house: House) -> None:
    await house.ready()
    house.dispatcher.phone_changed(house.clock.advance(1), "2001", False)
    assert house.state() == ("not_ready", "phone_lost")
    house.dispatcher.phone_changed(house.clock.advance(1), "2001", True)
    assert house.state() == ("ready", "")


async def test_a_phone_lost_while_it_rings_is_stopped_and_its_return_brings_the_caller_again(house: House) -> None:
    await house.ready()
    house.arrive()
    ring: Ring = (await house.telephony.wait_for("ring"))[1]
    house.telephony.asked.clear()
    house.dispatcher.phone_changed(house.clock.advance(1), "2001", False)
    assert house.state() == ("not_ready", "phone_lost")
    assert [view.interaction_id for view in house.engine.waiting("q")] == ["i1"]
    assert (await house.telephony.wait_for("stop_ringing"))[1] == ring.fence
    house.dispatcher.phone_changed(house.clock.advance(1), "2001", True)
    again: Ring = (await house.telephony.wait_for("ring"))[1]
    assert (again.interaction_id, again.fence > ring.fence) == ("i1", True)


async def test_a_transfer_to_a_queue_puts_the_caller_there_and_the_agent_into_wrap_up(house: House) -> None:
    await house.talk()
    await house.cmd("call.transfer", to={"kind": "queue", "id": "q2"})
    _name, interaction, agent, facts = await house.telephony.wait_for("release_to_queue")
    assert (interaction, agent, facts.queue_id) == ("i1", "a1", "q2")
    assert [view.interaction_id for view in house.engine.waiting("q2")] == ["i1"]
    assert house.state()[0] == "wrap_up"
    assert house.desk()["call"]["passed_on"]


async def test_a_transfer_to_an_agent_who_does_not_answer_goes_back_to_everyone(house: House) -> None:
    await house.talk()
    await house.ready("a2")
    house.telephony.asked.clear()
    await house.cmd("call.transfer", to={"kind": "agent", "id": "a2"})
    _, ring = await house.telephony.wait_for("ring")
    assert ring.agent_id == "a2"
    house.dispatcher.leg_refused(house.clock.advance(1), ring.fence, "no_answer")
    await asyncio.sleep(0)
    await house.cmd("wrap_up.end", then="ready")
    async with asyncio.timeout(PATIENCE):
        while len([asked for asked in house.telephony.asked if asked[0] == "ring"]) < 2:
            await asyncio.sleep(0)
    assert house.telephony.asked[-1][1].agent_id == "a1"


async def test_an_expert_is_busy_while_asked_and_takes_the_call_over_when_it_is_handed_on(house: House) -> None:
    await house.talk()
    await house.ready("a2")
    await house.cmd("desk.online", connection_id="c1")
    await house.cmd("call.consult", to={"kind": "agent", "id": "a2"})
    asked = ConsultView(Target("agent", "a2"), "ringing")
    house.dispatcher.call_changed(
        house.clock.advance(1), CallView("i1", "a1", "consulting", None, 0.0, asked, RecordingView(True, False))
    )
    assert house.state("a2")[0] == "talking"
    shown = house.desk("a2")["call"]
    assert (shown["role"], shown["phase"], shown["pop"]) == ("expert", "ringing", house.desk("a1")["call"]["pop"])
    house.dispatcher.agent_joined(house.clock.advance(5), "i1", "a2")
    assert house.state("a2")[0] == "talking"
    assert house.state("a1")[0] == "wrap_up"
    assert house.board.calls["i1"].agent_id == "a2"
    former, taken = house.sent[-1][1]["call"], house.desk("a2")["call"]
    assert (former["phase"], former["passed_on"], taken["passed_on"]) == ("ended", True, False)
    assert (taken["role"], taken["phase"], taken["ticket_id"]) == ("agent", "talking", former["ticket_id"])
    assert taken["pop"] == former["pop"]


async def test_an_expert_who_was_only_asked_is_free_again_and_sees_the_call_no_more(house: House) -> None:
    await house.talk()
    await house.ready("a2")
    asked = ConsultView(Target("agent", "a2"), "talking")
    consulting = CallView("i1", "a1", "consulting", None, 0.0, asked, RecordingView(True, False))
    house.dispatcher.call_changed(house.clock.advance(1), consulting)
    assert house.desk("a2")["call"]["phase"] == "talking"
    house.dispatcher.call_changed(house.clock.advance(9), replace(consulting, phase="talking", consult=None))
    assert house.state("a2")[0] == "ready"
    assert house.desk("a2")["call"] is None


async def test_after_a_restart_callers_keep_their_place_and_talks_are_found_again(house: House) -> None:
    now = house.clock.now()
    waits = CallFacts("i9", now - 90, "+390116180100", None, "p", "q", "", 0, now - 80, (), "it", None, "")
    talks = replace(waits, interaction_id="i8")
    view = CallView("i8", "a1", "hold", now - 5, 2.0, None, RecordingView(True, False))
    house.dispatcher.bridge_up(now, ReadBack((waits,), (LiveCall(talks, view, now - 40),), {}, frozenset({"2001"})))
    restore(house.dispatcher, [])
    assert house.engine.waiting("q")[0].waiting_since == now - 80
    assert house.state("a1")[0] == "talking"
    async with asyncio.timeout(PATIENCE):
        while not house.stories.opened:
            await asyncio.sleep(0)
    assert house.desk()["call"]["phase"] == "hold"


async def test_what_ended_while_nobody_listened_is_ended_in_the_journal_and_wrapped_up(
    house: House, tmp_path: Path
) -> None:
    await house.talk()
    await house.journal.settled()
    past = await facts_since(house.database, 0)
    later = House(tmp_path / "later", house.database, house.clock)
    await later.journal.start()
    house.clock.advance(20)
    later.dispatcher.bridge_up(house.clock.now(), ReadBack((), (), {}, frozenset({"2001", "2002"})))
    restore(later.dispatcher, past)
    assert later.state()[0] == "wrap_up"
    later.board.step(ev.Tick(house.clock.advance(31)))
    assert later.state() == ("not_ready", "wrap_up_unfinished")
    assert later.desk()["call"]["phase"] == "ended"
    kinds = await later.kinds()
    assert (kinds.count("agent.left"), kinds.count("call.ended")) == (1, 1)
    await later.board.stop()
    await later.journal.stop()


async def test_a_ticket_left_open_by_the_timer_is_still_on_the_desk_after_a_restart(
    house: House, tmp_path: Path
) -> None:
    await house.talk()
    house.dispatcher.agent_left(house.clock.advance(60), "i1", "a1", "agent", 0.0)
    house.dispatcher.caller_gone(house.clock.now(), "i1", "system", "after", 16)
    house.board.step(ev.Tick(house.clock.advance(31)))
    await house.journal.settled()
    later = House(tmp_path / "later", house.database, house.clock)
    await later.journal.start()
    later.dispatcher.bridge_up(house.clock.now(), ReadBack((), (), {}, frozenset({"2001", "2002"})))
    restore(later.dispatcher, await facts_since(house.database, 0))
    assert later.state() == ("not_ready", "wrap_up_unfinished")
    assert later.desk()["call"]["phase"] == "ended"
    await later.cmd("wrap_up.end", then="ready")
    assert later.desk()["call"] is None
    assert (await later.kinds()).count("wrap_up.ended") == 1
    await later.board.stop()
    await later.journal.stop()


async def test_a_ready_agent_is_ready_after_a_restart(house: House, tmp_path: Path) -> None:
    await house.ready()
    await house.journal.settled()
    past = await facts_since(house.database, 0)
    later = House(tmp_path / "later", house.database, house.clock)
    later.dispatcher.bridge_up(house.clock.now(), ReadBack((), (), {}, frozenset({"2001"})))
    restore(later.dispatcher, past)
    assert later.state() == ("ready", "")
    await later.board.stop()
    await later.journal.stop()


async def test_the_same_waiting_caller_told_twice_waits_once(house: House) -> None:
    facts = house.arrive()
    house.dispatcher.caller_waiting(house.clock.advance(5), facts)
    assert len(house.engine.waiting("q")) == 1
    assert (await house.kinds()).count("queue.entered") == 1


async def test_a_command_brought_twice_under_one_id_is_carried_out_once(house: House) -> None:
    await house.talk()
    for _ in range(2):
        await house.cmd("call.dtmf", command_id="c1", digits="5")
    await house.cmd("call.dtmf", command_id="c2", digits="5")
    assert len([asked for asked in house.telephony.asked if asked[0] == "dtmf"]) == 2


async def test_a_desk_that_no_browser_shows_is_numbered_but_not_sent(house: House) -> None:
    await house.ready()
    numbered = house.desk()["seq"]
    assert numbered > 0
    assert house.sent == []
    told = await house.cmd("desk.online", connection_id="c1")
    assert told["seq"] == numbered


async def test_open_desks_are_told_when_the_line_of_their_queues_changes_and_only_then(house: House) -> None:
    await house.cmd("desk.online", connection_id="c1")
    house.desks.lines({"q": [5.0, 3.0]}, house.clock.now())
    assert [agent for agent, _ in house.sent] == ["a1"]
    assert house.sent[-1][1]["waiting"] == {"count": 2, "longest_since": "1970-01-01T00:00:03.000Z"}
    house.desks.lines({"q": [5.0, 3.0], "q2": [1.0]}, house.clock.now())
    assert len(house.sent) == 1


async def test_a_desk_phone_without_a_browser_does_not_wait_for_the_story(house: House) -> None:
    house.stories.gate.clear()
    await house.ready()
    house.arrive()
    _, ring = await house.telephony.wait_for("ring")
    assert ring.caller_name is None


@pytest.mark.parametrize(("number", "offered"), [("+393471234567", True), ("+39899123456", False), ("+3460000", False)])
async def test_only_a_caller_whose_number_may_be_dialled_is_offered_a_call_back(
    house: House, number: str, offered: bool
) -> None:
    house.arrive(number=number)
    house.dispatcher.call_backs.offered(fx.Overflowed("i1", "q", "call_back", "", "plan"))
    assert house.board.calls["i1"].may_call_back is offered
    house.dispatcher.key_pressed(house.clock.advance(1), "i1", "1")
    assert house.board.calls["i1"].promised is offered


async def test_a_not_ready_reason_is_one_that_agents_may_choose(house: House) -> None:
    await house.ready()
    for command in ({"cmd": "agent.not_ready"}, {"cmd": "wrap_up.end", "then": "not_ready"}):
        with pytest.raises(Invalid, match="'rona' is no reason"):
            await house.commands.handle({**command, "agent_id": "a1", "reason": "rona"})
    assert house.state() == ("ready", "")
    await house.commands.handle({"cmd": "agent.not_ready", "agent_id": "a1", "reason": "lunch"})
    assert house.state() == ("not_ready", "lunch")
