"""What the bridge makes of real calls: traces recorded from Asterisk 22, and what must come out."""

import pytest

from tests.unit.cti.replay import TRACES, World, replay


def ids(world: World) -> str:
    """The interaction of the trace."""
    return next(values[0].interaction_id for name, values in world.book.told if name == "caller_waiting")


def names(world: World) -> list[str]:
    return [one[0] for one in world.told]


def test_the_agent_answers_and_hangs_up() -> None:
    world = replay("answered_and_agent_hangs_up")
    call = ids(world)
    assert world.told[1:] == [
        ("leg_answered", 1001),
        ("agent_left", call, "a-2001", "agent", 0),
        ("caller_gone", call, "agent", "after", 16),
    ]
    assert world.sent == [("Originate", f"oc-1001-{call}"), ("Redirect", "oc-caller")]
    assert not list(world.switch.calls)
    assert not world.switch.calls.legs


def test_the_agent_answers_and_the_caller_hangs_up() -> None:
    world = replay("answered_and_caller_hangs_up")
    call = ids(world)
    assert world.told[1:] == [
        ("leg_answered", 1001),
        ("agent_left", call, "a-2001", "caller", 0),
        ("caller_gone", call, "caller", "talk", 16),
    ]
    assert world.sent[-1] == ("Hangup", f"oc-1001-{call}")
    assert not world.switch.calls.legs


@pytest.mark.parametrize("reason", ["busy", "rejected", "no_answer"])
def test_a_refusal_has_its_reason_from_the_cause_of_the_hangup(reason: str) -> None:
    world = replay(reason)
    assert world.told[1:] == [("leg_refused", 1001, reason)]
    assert world.sent == [("Originate", f"oc-1001-{ids(world)}")]


def test_a_phone_without_contact_is_unreachable_by_the_originates_own_answer() -> None:
    world = replay("no_contact")
    assert names(world) == ["caller_waiting"]
    world.line.advance(1)
    assert world.told[1:] == [("leg_refused", 1001, "unreachable")]


def test_a_stopped_offer_ends_the_leg_and_is_never_told() -> None:
    world = replay("stopped")
    assert world.told[1:] == []
    assert world.sent[1:] == [("Hangup", f"oc-1001-{ids(world)}")]


def test_an_offer_stopped_before_its_channel_exists_is_hung_up_again_when_it_does() -> None:
    world = replay("stopped_before_the_channel_exists")
    assert world.told[1:] == []
    assert world.sent[1:] == [("Hangup", f"oc-1001-{ids(world)}")] * 2
    assert not world.switch.calls.legs


def test_the_caller_leaves_while_the_phone_rings() -> None:
    world = replay("caller_leaves_while_ringing")
    call = ids(world)
    assert world.told[1:] == [("caller_gone", call, "caller", "hold", 0)]
    assert world.sent[1:] == [("Hangup", f"oc-1001-{call}")]


def test_hold_and_resume() -> None:
    world = replay("hold_and_resume")
    call = ids(world)
    assert world.phases == ["talking", "hold", "talking"]
    assert [fact.kind for fact in world.facts] == ["call.hold", "call.resume"]
    assert [where for what, where in world.sent if what == "Redirect"] == ["oc-caller", "oc-rest", "oc-caller"]
    assert names(world) == ["caller_waiting", "leg_answered", "agent_left", "caller_gone"]
    assert world.told[-1] == ("caller_gone", call, "agent", "after", 16)


def test_a_completed_consultation() -> None:
    world = replay("consultation_completed")
    call = ids(world)
    assert world.phases == ["talking", "consulting", "talking"]
    assert world.told[1:] == [
        ("leg_answered", 1001),
        ("agent_joined", call, "a-2002"),
        ("agent_left", call, "a-2001", "agent", 0),
        ("agent_left", call, "a-2002", "agent", 0),
        ("caller_gone", call, "agent", "after", 16),
    ]
    assert ("Hangup", f"oc-1001-{call}") in world.sent


def test_a_lost_phone_is_rung_again_and_the_talk_goes_on() -> None:
    world = replay("phone_lost_and_found")
    call = ids(world)
    assert world.phases == ["talking", "hold", "talking"]
    assert names(world) == ["caller_waiting", "leg_answered", "agent_left", "caller_gone"]
    originated = [channel for what, channel in world.sent if what == "Originate"]
    assert originated[0] == f"oc-1001-{call}"
    assert originated[1].startswith(f"oc-1001-{call}-")
    again = next(fields for name, fields in world.line.sent if fields.get("ChannelId") == originated[1])
    assert any("answer-after=0" in variable for variable in again["Variable"])


@pytest.mark.parametrize("trace", sorted(path.stem for path in TRACES.glob("*.txt")))
def test_every_event_told_twice_as_after_a_read_back_changes_nothing(trace: str) -> None:
    once, twice = replay(trace), replay(trace, times=2)
    for world in (once, twice):
        world.line.advance(1)
    told_once = [one for one in once.told if one[0] != "caller_waiting"]
    told_twice = [one for one in twice.told if one[0] != "caller_waiting"]
    assert told_twice == told_once
    assert [name for name, _ in twice.sent].count("Originate") == [name for name, _ in once.sent].count("Originate")
