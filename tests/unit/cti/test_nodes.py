"""Several nodes as one exchange: who carries out a command, where phones are, what a node that is away means."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from acd.ports import CallFacts, Ring, Target
from core.errors import Conflict, NotFound
from cti.bridge import Bridge
from cti.nodes import Nodes
from cti.registrations import Registrations
from tests.unit.cti.replay import SETTINGS, FakeLine, Recorder


class FakeManager:
    """A manager connection that answers everything at once."""

    def __init__(self) -> None:
        self.up = True
        self.asked: list[tuple[str, dict[str, Any]]] = []

    async def ask(self, action: str, fields: dict[str, Any] | None = None) -> dict[str, str]:
        self.asked.append((action, dict(fields or {})))
        return {}

    async def listing(self, action: str, fields: dict[str, Any] | None = None) -> list[dict[str, str]]:
        return []


class World:
    """Two real bridges, `rome` and `milan`; their lines and manager connections are played."""

    def __init__(self) -> None:
        self.book, self.registrations = Recorder(), Registrations()
        self.lines = {node: FakeLine() for node in ("rome", "milan")}
        self.managers = {node: FakeManager() for node in self.lines}
        self.bridges = {node: self._bridge(node) for node in self.lines}
        self.nodes = Nodes(list(self.bridges.values()), patience=0.0)
        self.nodes.tell(self.book)  # type: ignore[arg-type]

    def _bridge(self, node: str) -> Bridge:
        bridge = Bridge(replace(SETTINGS, node=node), self, None, self.registrations)
        for name in ("send", "ask", "after", "doubt", "now"):
            setattr(bridge._line, name, getattr(self.lines[node], name))
        bridge.manager = self.managers[node]  # type: ignore[assignment]
        return bridge

    def append(self, fact: object) -> None:
        """Facts are not looked at."""

    def phone(self, node: str, status: str = "NonQualified", extension: str = "2001", uri: str = "") -> None:
        uri = uri or f"sip:{extension}@{node}:5060"
        self.bridges[node].event({"Event": "ContactStatus", "AOR": extension, "URI": uri, "ContactStatus": status})

    def waiting(self, node: str, interaction_id: str = "i1") -> None:
        self.bridges[node].event(
            {
                "Event": "UserEvent", "UserEvent": "OcAt", "Ref": interaction_id, "Stage": "hold",
                "Uniqueid": f"c-{interaction_id}", "OC_QUEUE": "q",
            }
        )  # fmt: skip

    async def talk(self, node: str) -> None:
        """Caller i1 of that node with agent 2001."""
        self.waiting(node)
        self.nodes.ring(Ring(7, "i1", "a-2001", "2001", 10, None, None, node=node))
        room = self.lines[node].sent[-1][1]["Exten"]
        for channel in ("oc-7-i1", "c-i1"):
            self.bridges[node].event({"Event": "ConfbridgeJoin", "Conference": room, "Uniqueid": channel})
        self.lines[node].sent.clear()

    def sent(self, node: str, name: str = "Originate") -> list[dict[str, Any]]:
        return [fields for action, fields in self.lines[node].sent if action == name]

    async def told(self, name: str) -> Sequence[tuple[Any, ...]]:
        await asyncio.sleep(0)
        return [values for told, values in self.book.told if told == name]


async def test_news_of_a_phone_that_moves_while_its_node_is_lost_is_told_in_the_order_in_which_it_came() -> None:
    world = World()
    world.phone("milan")
    world.bridges["milan"].down("the line was cut")
    world.phone("rome")
    told = [(registered, node) for _, registered, node in await world.told("phone_changed")]
    assert told == [(True, "milan"), (False, ""), (True, "rome")]


async def test_a_phone_at_the_callers_node_is_rung_directly_and_one_elsewhere_through_its_node() -> None:
    world = World()
    world.phone("rome", extension="2001")
    world.phone("milan", extension="2002")
    for fence, extension in ((7, "2001"), (8, "2002")):
        world.waiting("rome", f"i{fence}")
        world.nodes.ring(Ring(fence, f"i{fence}", "a", extension, 10, None, None, node="rome"))
    assert [fields["Channel"] for fields in world.sent("rome")] == ["PJSIP/2001", "PJSIP/2002@node-milan"]
    assert world.sent("milan") == []


async def test_a_caller_is_told_with_its_node() -> None:
    world = World()
    world.waiting("milan")
    ((facts,),) = await world.told("caller_waiting")
    assert isinstance(facts, CallFacts)
    assert facts.node == "milan"


async def test_a_phone_is_where_it_was_registered_last_and_back_where_it_still_is_when_that_ends() -> None:
    world = World()
    world.phone("rome")
    world.phone("milan")
    world.phone("rome", "Reachable")
    world.phone("milan", "Removed")
    world.phone("rome", "Removed")
    assert await world.told("phone_changed") == [
        ("2001", True, "rome"),
        ("2001", True, "milan"),
        ("2001", True, "rome"),
        ("2001", False, ""),
    ]


async def test_each_command_goes_to_the_node_that_holds_the_caller() -> None:
    world = World()
    world.phone("rome")
    await world.talk("milan")
    await world.nodes.hold("i1", "a-2001")
    assert [fields["Context"] for fields in world.sent("milan", "Redirect")] == ["oc-rest"]
    await world.nodes.mute("i1", "a-2001", True)
    assert [name for name, _ in world.managers["milan"].asked] == ["MuteAudio"]
    await world.nodes.hang_up("i1", "a-2001")
    assert [fields["Channel"] for fields in world.sent("milan", "Hangup")] == ["oc-7-i1"]
    assert world.lines["rome"].sent == world.managers["rome"].asked == []


async def test_a_caller_whom_no_node_holds_is_told_as_gone() -> None:
    with pytest.raises(NotFound):
        await World().nodes.hang_up("i1", "a-2001")


async def test_an_offer_is_stopped_where_its_leg_begins_and_one_that_is_over_nowhere() -> None:
    world = World()
    world.waiting("milan")
    world.nodes.ring(Ring(7, "i1", "a-2001", "2001", 10, None, None, node="milan"))
    world.nodes.stop_ringing(8)
    world.nodes.stop_ringing(7)
    assert [fields["Channel"] for fields in world.sent("milan", "Hangup")] == ["oc-7-i1"]
    assert world.lines["rome"].sent == []


async def test_the_expert_of_another_node_is_rung_through_it() -> None:
    world = World()
    world.phone("rome", extension="2001")
    world.phone("milan", extension="2002")
    await world.talk("rome")
    await world.nodes.consult("i1", "a-2001", Target("agent", "a-2002"), "2002")
    world.bridges["rome"].event(
        {"Event": "UserEvent", "UserEvent": "OcAt", "Ref": "i1", "Stage": "rest", "Uniqueid": "c-i1"}
    )
    assert [fields["Channel"] for fields in world.sent("rome")] == ["PJSIP/2002@node-milan"]


async def test_a_phone_that_comes_back_at_another_node_is_rung_there_into_the_room_of_its_talk() -> None:
    world = World()
    world.phone("rome", uri="sip:t0k3n@rome:1")
    await world.talk("rome")
    world.phone("milan", uri="sip:0ther@milan:1")
    (again,) = world.sent("rome")
    assert again["Channel"] == "PJSIP/2001@node-milan"


async def test_a_desk_phone_elsewhere_is_made_to_pick_up_by_its_own_node() -> None:
    world = World()
    world.phone("milan")
    world.waiting("rome")
    world.nodes.ring(Ring(7, "i1", "a-2001", "2001", 10, None, None, node="rome"))
    guest = {"Ref": "i1", "Fence": "7", "Uniqueid": "milan-1.1", "Channel": "PJSIP/2001-0001"}
    world.bridges["milan"].event({"Event": "UserEvent", "UserEvent": "OcGuest", **guest})
    await world.nodes.answer(7)
    assert world.managers["milan"].asked == [("PJSIPNotify", {"Channel": "PJSIP/2001-0001", "Variable": "Event=talk"})]
    world.bridges["milan"].event({"Event": "Hangup", "Uniqueid": "milan-1.1", "Cause": "16"})
    world.bridges["rome"].event({"Event": "DialBegin", "DestUniqueid": "oc-7-i1", "DestChannel": "PJSIP/node-milan-1"})
    with pytest.raises(Conflict):
        await world.nodes.answer(7)


async def test_a_node_that_is_away_loses_its_phones_for_all_and_those_of_the_others_stay() -> None:
    world = World()
    world.phone("rome", extension="2001")
    world.phone("milan", extension="2002")
    world.bridges["milan"].down("cut")
    assert (await world.told("phone_changed"))[2:] == [("2002", False, "")]
    assert await world.told("bridge_down") == [("cut", "milan")]
    assert world.registrations.nodes == {"2001": "rome"}


async def test_where_there_is_one_node_a_cut_says_nothing_of_phones() -> None:
    registrations = Registrations()
    bridge = Bridge(SETTINGS, World(), None, registrations)
    bridge.events = book = Recorder()  # type: ignore[assignment]
    bridge.event({"Event": "ContactStatus", "AOR": "2001", "URI": "sip:2001@x", "ContactStatus": "NonQualified"})
    bridge.down("cut")
    await asyncio.sleep(0)
    assert [name for name, _ in book.told] == ["phone_changed", "bridge_down"]  # type: ignore[attr-defined]
    assert registrations.nodes == {"2001": ""}


async def test_phones_are_read_again_by_the_nodes_that_are_there_and_by_one_that_is_away_when_it_is_back() -> None:
    world = World()
    world.managers["milan"].up = False
    await world.nodes.reload_phones()
    reload = [("Reload", {"Module": "res_pjsip.so"})]
    assert (world.managers["rome"].asked, world.managers["milan"].asked) == (reload, [])
    world.managers["milan"].up = True
    for _ in range(2):
        await world.bridges["milan"].read_back()
    assert world.managers["milan"].asked == reload


async def test_a_node_that_is_not_reached_after_the_start_is_told_as_away() -> None:
    world = World()
    world.managers["milan"].up = False
    await world.nodes.tell_unreached()
    assert [values[1] for values in await world.told("bridge_down")] == ["milan"]


@pytest.mark.parametrize(("node", "other"), [("rome", "milan"), ("milan", "rome")])
async def test_a_call_back_rung_elsewhere_when_its_node_went_is_dialled_from_there(node: str, other: str) -> None:
    world = World()
    world.phone(other)
    world.nodes.ring(Ring(7, "i1", "a-2001", "2001", 10, None, None, call_back=True, node=node))
    world.managers[node].up = False
    world.bridges[node].down("cut")
    world.nodes.ring(Ring(8, "i1", "a-2001", "2001", 10, None, None, call_back=True, node=other))
    room = world.lines[other].sent[-1][1]["Exten"]
    world.bridges[other].event({"Event": "ConfbridgeJoin", "Conference": room, "Uniqueid": "oc-8-i1"})
    facts = CallFacts("i1", 0.0, "1", "+39347", "p", "q", "", 0, 0.0, (), "it", None, "", node=other)
    await world.nodes.dial_back(facts, "+393471234567", 1)
    assert len(world.sent(other)) == 2


async def test_phones_that_change_while_a_node_is_read_back_are_read_by_it_too() -> None:
    world = World()
    milan = world.managers["milan"]
    milan.up = False
    half, go = asyncio.Event(), asyncio.Event()

    async def listing(_action: str, _fields: object = None) -> list[object]:
        half.set()
        await go.wait()
        return []

    milan.listing = listing
    reading = asyncio.create_task(world.bridges["milan"].read_back())
    await half.wait()
    await world.nodes.reload_phones()
    go.set()
    await reading
    assert ("Reload", {"Module": "res_pjsip.so"}) in milan.asked
