"""Registrations of agents' phones, and what a phone that comes and goes means for its talk."""

import pytest

from acd.ports import Ring
from cti.registrations import identity
from tests.unit.cti.replay import World

CALL, LEG = "i1", "oc-7-i1"
WS = ";transport=ws;x-ast-orig-host=x.invalid:0"


def contact(world: World, uri: str, status: str = "NonQualified") -> None:
    world.event(Event="ContactStatus", AOR="2001", EndpointName="2001", URI=uri, ContactStatus=status)


def in_talk(uri: str) -> World:
    """Caller i1 in a room with agent 2001, whose phone has that contact."""
    world = World()
    contact(world, uri)
    world.event(Event="UserEvent", UserEvent="OcAt", Ref=CALL, Stage="hold", Uniqueid="c1", OC_QUEUE="q")
    world.switch.ringing.ring(Ring(7, CALL, "a-2001", "2001", 10, None, None))
    room = world.line.sent[-1][1]["Exten"]
    world.event(Event="DialBegin", DestUniqueid=LEG)
    world.event(Event="ConfbridgeJoin", Conference=room, Uniqueid=LEG)
    world.event(Event="ConfbridgeJoin", Conference=room, Uniqueid="c1")
    world.line.sent.clear()
    return world


def originated(world: World) -> list[str]:
    return [fields["ChannelId"] for name, fields in world.line.sent if name == "Originate"]


@pytest.mark.parametrize(
    ("extension", "one", "other", "same"),
    [
        ("2001", f"sip:t0k3n@127.0.0.1:100{WS}", f"sip:t0k3n@127.0.0.1:200{WS}", True),
        ("2001", f"sip:t0k3n@127.0.0.1:100{WS}", f"sip:0ther@127.0.0.1:100{WS}", False),
        ("2001", "sip:2001@10.0.0.1:5060", "sip:2001@10.0.0.1:5060;ob", True),
        ("2001", "sip:2001@10.0.0.1:5060", "sip:2001@10.0.0.2:5060", False),
        ("2001", "unreadable", "unreadable", True),
    ],
)
def test_a_contact_is_the_same_phone_while_its_page_or_device_lives(
    extension: str, one: str, other: str, same: bool
) -> None:
    assert (identity(extension, one) == identity(extension, other)) is same


def test_a_page_that_only_lost_its_socket_is_not_rung_again() -> None:
    world = in_talk(f"sip:t0k3n@127.0.0.1:100{WS}")
    contact(world, f"sip:t0k3n@127.0.0.1:100{WS}", "Removed")
    contact(world, f"sip:t0k3n@127.0.0.1:200{WS}")
    world.line.advance(5)
    assert originated(world) == []
    assert world.phases == ["talking"]


def test_a_page_loaded_anew_is_rung_into_the_same_room_once() -> None:
    world = in_talk(f"sip:t0k3n@127.0.0.1:100{WS}")
    contact(world, f"sip:n3w@127.0.0.1:200{WS}")
    contact(world, f"sip:t0k3n@127.0.0.1:100{WS}", "Removed")
    contact(world, f"sip:n3w@127.0.0.1:200{WS}", "Reachable")
    (again,) = originated(world)
    assert again.startswith(f"{LEG}-")
    room = world.switch.calls.need(CALL).room
    assert [fields["Exten"] for name, fields in world.line.sent if name == "Originate"] == [room]
    world.event(Event="ConfbridgeJoin", Conference=room, Uniqueid=again)
    assert world.sent[-1] == ("Hangup", LEG)
    assert world.phases == ["talking"]


def test_sound_that_goes_on_without_a_registration_is_listened_to_until_it_stops() -> None:
    world = in_talk(f"sip:t0k3n@127.0.0.1:100{WS}")
    contact(world, f"sip:t0k3n@127.0.0.1:100{WS}", "Removed")
    for packets in ("10", "45", "80", "81"):
        world.line.asked.pop()(packets)
        assert world.phases == ["talking"]
        world.line.advance(1)
    world.line.asked.pop()("81")
    assert ("Redirect", "oc-rest") in world.sent
    assert ("Hangup", LEG) not in world.sent
    world.event(Event="UserEvent", UserEvent="OcAt", Ref=CALL, Stage="rest", Uniqueid="c1")
    assert world.sent[-1] == ("Hangup", LEG)


def test_a_phone_that_comes_back_ends_the_listening() -> None:
    world = in_talk(f"sip:t0k3n@127.0.0.1:100{WS}")
    contact(world, f"sip:t0k3n@127.0.0.1:100{WS}", "Removed")
    world.line.asked.pop()("10")
    contact(world, f"sip:t0k3n@127.0.0.1:300{WS}")
    world.line.advance(1)
    world.line.asked.pop()("10")
    assert world.sent == []


def test_a_phone_is_told_once_when_it_appears_and_once_when_its_last_contact_goes() -> None:
    world = World()
    for uri, status in (("sip:a@x", "NonQualified"), ("sip:a@x", "Reachable"), ("sip:b@x", "NonQualified")):
        contact(world, uri, status)
    contact(world, "sip:a@x", "Removed")
    contact(world, "sip:b@x", "Unreachable")
    contact(world, "sip:b@x", "Removed")
    assert world.book.told == [("phone_changed", ("2001", True, "")), ("phone_changed", ("2001", False, ""))]


def test_a_phone_that_refuses_to_come_back_is_tried_until_the_grace_time_is_over() -> None:
    world = in_talk("sip:2001@10.0.0.1:5060")
    world.event(Event="Hangup", Uniqueid=LEG, Cause="44")
    world.event(Event="UserEvent", UserEvent="OcAt", Ref=CALL, Stage="rest", Uniqueid="c1")
    for _ in range(3):
        world.event(Event="Hangup", Uniqueid=originated(world)[-1], Cause="17")
        world.line.advance(1.1)
    assert len(originated(world)) == 4
    world.line.advance(17)
    assert world.told[-1][:4] == ("agent_left", CALL, "a-2001", "system")
    assert world.sent[-1] == ("Redirect", "oc-hold")
    world.event(Event="UserEvent", UserEvent="OcAt", Ref=CALL, Stage="hold", Uniqueid="c1", OC_QUEUE="q")
    assert world.told[-1][0] == "caller_waiting"


def test_a_recording_told_after_the_join_is_shown() -> None:
    world = in_talk("sip:2001@127.0.0.1:4000")
    ref = next(iter(world.switch.calls)).interaction_id
    world.event(Event="UserEvent", UserEvent="OcAt", Ref=ref, Stage="talk", OC_RECORDING="2026/11/26/i-cb1")
    name, (view,) = world.book.told[-1]
    assert (name, view.recording.on) == ("call_changed", True)
