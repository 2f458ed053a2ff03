"""One Redirect in flight per caller, proved by the event of the place; and legs that nobody knows."""

import pytest

from acd.ports import Ring
from core.errors import Conflict
from cti.calls import HOLD, REST, Call, room_place, set_variables
from tests.unit.cti.replay import World


def waiting(world: World, number: int = 1) -> Call:
    world.event(
        Event="UserEvent", UserEvent="OcAt", Ref=f"i{number}", Stage="hold", Uniqueid=f"c{number}", OC_QUEUE="q"
    )
    world.line.sent.clear()
    return world.switch.calls.need(f"i{number}")


def at(world: World, stage: str, number: int = 1) -> None:
    world.event(Event="UserEvent", UserEvent="OcAt", Ref=f"i{number}", Stage=stage, Uniqueid=f"c{number}", OC_QUEUE="q")


def test_the_second_wish_waits_for_the_proof_of_the_first() -> None:
    world = World()
    world.switch.moves.settled = lambda call: None
    call = waiting(world)
    world.switch.moves.want(call, room_place("123"))
    world.switch.moves.want(call, REST)
    assert world.sent == [("Redirect", "oc-caller")]
    world.event(Event="ConfbridgeJoin", Conference="123", Uniqueid="c1")
    assert world.sent == [("Redirect", "oc-caller"), ("Redirect", "oc-rest")]
    at(world, "rest")
    assert call.place == REST
    assert call.wanted is None


def test_of_many_wishes_only_the_last_one_is_carried_out() -> None:
    world = World()
    world.switch.moves.settled = lambda call: None
    call = waiting(world)
    for place in (room_place("123"), REST, room_place("456"), REST, room_place("123")):
        world.switch.moves.want(call, place)
    world.event(Event="ConfbridgeJoin", Conference="123", Uniqueid="c1")
    assert world.sent == [("Redirect", "oc-caller")]


def test_a_join_of_another_room_proves_nothing() -> None:
    world = World()
    call = waiting(world)
    world.switch.moves.want(call, room_place("123"))
    world.event(Event="ConfbridgeJoin", Conference="999", Uniqueid="c1")
    assert call.moving == room_place("123")


def test_a_move_without_proof_is_tried_once_more_and_then_everything_is_read_back() -> None:
    world = World()
    call = waiting(world)
    world.switch.moves.want(call, REST)
    world.line.advance(2.1)
    assert world.sent == [("Redirect", "oc-rest")] * 2
    assert world.line.doubts == []
    world.line.advance(2.1)
    assert world.sent == [("Redirect", "oc-rest")] * 2
    assert world.line.doubts == ["the caller of i1 cannot be brought to Place(stage='rest', room='')"]


def test_a_caller_who_cannot_be_moved_even_after_a_read_back_is_let_go_and_the_floor_stays_connected() -> None:
    world = World()
    call = waiting(world)
    world.switch.moves.want(call, REST)
    world.line.advance(5)
    assert len(world.line.doubts) == 1
    entry = {"Uniqueid": "c1", "Context": "oc-hold", "Exten": "s", "Variable": "OC_ID=i1\nOC_QUEUE=q"}
    world.switch.reader.rebuild([entry], [])
    world.line.sent.clear()
    world.switch.moves.want(world.switch.calls.need("i1"), REST)
    world.line.advance(5)
    assert len(world.line.doubts) == 1
    assert world.sent == [("Redirect", "oc-rest"), ("Redirect", "oc-rest"), ("Hangup", "c1")]
    assert world.told[-1] == ("caller_gone", "i1", "system", "hold", 0)


def test_a_caller_who_was_moved_after_a_read_back_is_no_longer_doubted() -> None:
    world = World()
    world.switch.moves.settled = lambda call: None
    call = waiting(world)
    for doubts in (1, 2):
        world.switch.moves.want(call, REST)
        world.line.advance(5)
        assert len(world.line.doubts) == doubts
        world.switch.moves.forget(call)
        world.switch.moves.want(call, REST)
        at(world, "rest")
        world.switch.moves.want(call, HOLD)
        at(world, "hold")


def test_nobody_is_redirected_for_waiting_long_while_on_the_way_elsewhere() -> None:
    world = World()
    call = waiting(world)
    world.switch.moves.want(call, room_place("123"))
    world.event(Event="UserEvent", UserEvent="OcStale", Ref="i1", Uniqueid="c1")
    assert world.sent == [("Redirect", "oc-caller")]


def test_a_renewal_that_does_not_arrive_is_tried_once_more() -> None:
    world = World()
    waiting(world)
    world.event(Event="UserEvent", UserEvent="OcStale", Ref="i1", Uniqueid="c1")
    world.line.advance(2.1)
    assert world.sent == [("Redirect", "oc-hold")] * 2
    at(world, "hold")
    world.line.advance(10)
    assert world.line.doubts == []


def test_a_room_that_lets_nobody_in_gives_the_caller_back_to_the_line() -> None:
    world = World()
    call = waiting(world)
    told = len(world.told)
    world.switch.moves.want(call, room_place("123"))
    at(world, "hold")
    assert call.moving == room_place("123")
    world.line.advance(0.5)
    assert (call.place, call.moving) == (HOLD, None)
    assert [one[0] for one in world.told[told:]] == ["caller_waiting"]


def test_the_end_of_an_announcement_told_late_does_not_undo_a_move() -> None:
    world = World()
    call = waiting(world)
    world.switch.moves.want(call, room_place("123"))
    at(world, "hold")
    world.event(Event="ConfbridgeJoin", Conference="123", Uniqueid="c1")
    world.line.advance(0.2)
    assert call.place == room_place("123")


def test_whoever_waits_for_an_arrival_hears_of_it_and_of_its_failure() -> None:
    world = World()
    call = waiting(world)
    heard: list[bool] = []
    world.switch.moves.want(call, REST)
    world.switch.moves.when_there(call, REST, heard.append)
    world.switch.moves.when_there(call, HOLD, heard.append)
    at(world, "rest")
    assert heard == [True, False]
    world.switch.moves.want(call, HOLD)
    world.switch.moves.when_there(call, HOLD, heard.append)
    world.event(Event="UserEvent", UserEvent="OcBye", Ref="i1", Stage="rest", Cause="16", Uniqueid="c1")
    assert heard == [True, False, False]


def test_a_leg_that_nobody_knows_is_hung_up_when_it_joins_a_room() -> None:
    world = World()
    world.event(Event="ConfbridgeJoin", Conference="123", Uniqueid="oc-99-i9")
    world.event(Event="ConfbridgeJoin", Conference="123", Uniqueid="somebody")
    assert world.sent == [("Hangup", "oc-99-i9")]


def test_an_offer_for_a_caller_who_does_not_wait_is_a_conflict() -> None:
    world = World()
    waiting(world)
    at(world, "after")
    with pytest.raises(Conflict):
        world.switch.ringing.ring(Ring(1, "i1", "a-2001", "2001", 10, None, None))
    assert world.sent == []


def test_a_caller_for_whom_nobody_came_waits_on_while_we_are_alive() -> None:
    world = World()
    waiting(world)
    world.event(Event="UserEvent", UserEvent="OcStale", Ref="i1", Uniqueid="c1")
    assert world.sent == [("Redirect", "oc-hold")]


def test_a_caller_taken_by_the_survival_path_is_told_gone_once() -> None:
    world = World()
    waiting(world)
    world.event(Event="UserEvent", UserEvent="OcSurvival", Ref="i1", Uniqueid="c1")
    world.event(Event="UserEvent", UserEvent="OcBye", Ref="i1", Stage="survival", Cause="16", Uniqueid="c1")
    assert world.told[1:] == [("caller_gone", "i1", "system", "survival", 0)]


def test_a_caller_who_leaves_in_the_ivr_is_told_though_the_bridge_never_saw_the_call() -> None:
    world = World()
    world.event(Event="HangupRequest", Uniqueid="c1")
    world.event(Event="UserEvent", UserEvent="OcBye", Ref="i1", Stage="ivr", Cause="16", Uniqueid="c1")
    world.event(Event="UserEvent", UserEvent="OcBye", Ref="", Stage="", Cause="16", Uniqueid="c2")
    assert world.told == [("caller_gone", "i1", "caller", "ivr", 16)]


def test_a_leg_of_which_asterisk_tells_nothing_at_all_is_given_up() -> None:
    world = World()
    waiting(world)
    world.switch.ringing.ring(Ring(1, "i1", "a-2001", "2001", 10, None, None))
    world.line.advance(16)
    assert world.told[1:] == [("leg_refused", 1, "failed")]
    assert world.sent[-1] == ("Hangup", "oc-1-i1")


def test_an_originate_that_asterisk_refuses_is_a_failed_offer() -> None:
    world = World()
    waiting(world)
    world.switch.ringing.ring(Ring(1, "i1", "a-2001", "2001", 10, None, None))
    refused = world.line.refusals[-1]
    assert refused is not None
    refused("Extension does not exist")
    refused("Extension does not exist")
    assert world.told[1:] == [("leg_refused", 1, "failed")]


def test_values_that_asterisk_would_split_reach_the_leg_whole() -> None:
    world = World()
    waiting(world)
    world.switch.ringing.ring(Ring(1, "i1", 'a,"2\\', "2001", 10, None, None))
    assert 'OC_AGENT_ID=a\\,\\"2\\\\' in world.line.sent[-1][1]["Variable"]


def test_facts_that_cannot_be_read_never_lose_the_caller() -> None:
    world = World()
    world.event(
        Event="UserEvent", UserEvent="OcAt", Ref="i1", Stage="hold", Uniqueid="c1", OC_PRIORITY="high", OC_SINCE="?"
    )
    facts = world.told[0][1]
    assert (facts.priority, facts.queued_at, facts.arrived) == (0, world.line.time, world.line.time)


def test_a_stopped_offer_that_was_picked_up_during_a_cut_is_put_down_and_not_taken_for_a_talk() -> None:
    world = World()
    waiting(world)
    world.switch.ringing.ring(Ring(1, "i1", "a-2001", "2001", 10, None, None))
    world.switch.ringing.stop(1)
    world.line.sent.clear()
    caller = {"Uniqueid": "c1", "Context": "oc-hold", "Exten": "s", "Variable": "OC_ID=i1\nOC_QUEUE=q"}
    leg = {"Uniqueid": "oc-1-i1", "Context": "oc-leg", "Exten": "123", "BridgeID": "b", "Application": "ConfBridge"}
    state = world.switch.reader.rebuild([caller, leg | {"Variable": "OC_LEG=agent\nOC_REF=i1\nOC_FENCE=1"}], [])
    assert (state.talking, [facts.interaction_id for facts in state.waiting]) == ((), ["i1"])
    assert world.sent == [("Hangup", "oc-1-i1")]


def words(call: Call, text: str) -> list[tuple[str, dict[str, str]]]:
    return list(set_variables(call.channel, {"OC_ANNOUNCE": text}))


def said(world: World) -> list[str]:
    return [str(fields["Value"]) for name, fields in world.line.sent if name == "Setvar"]


def test_what_is_to_be_said_during_an_announcement_is_said_after_it() -> None:
    world = World()
    call = waiting(world)
    world.switch.moves.say(call, *words(call, "place"))
    at(world, "announce")
    world.switch.moves.say(call, *words(call, "offer"))
    assert said(world) == ["place"]
    at(world, "hold")
    assert said(world) == ["place", "offer"]
    assert world.sent == [("Redirect", "oc-announce")] * 2


def test_what_was_still_to_be_said_is_forgotten_when_an_agent_takes_the_caller() -> None:
    world = World()
    world.switch.moves.settled = lambda call: None
    call = waiting(world)
    world.switch.moves.say(call, *words(call, "place"))
    at(world, "announce")
    world.switch.moves.say(call, *words(call, "offer"))
    world.switch.moves.want(call, room_place("123"))
    world.event(Event="ConfbridgeJoin", Conference="123", Uniqueid="c1")
    world.switch.moves.want(call, HOLD)
    at(world, "hold")
    assert said(world) == ["place"]


def test_a_read_back_tells_who_is_there_but_neither_waits_nor_talks() -> None:
    world = World()
    channels = [
        {"Uniqueid": f"c{number}", "Context": context, "Exten": "s", "Variable": f"OC_ID=i{number}\nOC_QUEUE=q"}
        for number, context in enumerate(("oc-hold", "oc-ivr", "oc-after", "oc-survival"), 1)
    ]
    state = world.switch.reader.rebuild(channels, [])
    assert [facts.interaction_id for facts in state.waiting] == ["i1"]
    assert state.elsewhere == {"i2", "i3", "i4"}
