"""The hub and its wires, without sockets."""

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.hub import OVERLOAD, REPLACED, DeskWire, Hub, Wire
from api.sessions import Caller
from core.bus import LocalBus
from core.clock import utc
from tests.patience import PATIENCE

CALLER = Caller("s-1", "u-1", "anna", "Anna", frozenset({"agent"}), "a-1", "it", "csrf", utc(2e9))


def _wire(connection_id: str = "one") -> DeskWire:
    return DeskWire(CALLER, "a-1", connection_id)


async def _said(wire: Wire) -> list[dict[str, Any]]:
    """All that the wire sends, once it is told to end."""
    heard: list[dict[str, Any]] = []

    async def send(text: str) -> None:
        heard.append(json.loads(text))

    wire.end(None, 1000)
    await asyncio.wait_for(wire.pump(send), PATIENCE)
    return heard


async def test_a_state_not_sent_yet_is_replaced_by_the_newer_one_and_sayings_all_arrive() -> None:
    wire = _wire()
    for number in range(3):
        wire.desk({"epoch": "e1", "seq": number})
        wire.say({"type": "reply", "id": str(number)})
    heard = await _said(wire)
    assert [message.get("id") for message in heard if message["type"] == "reply"] == ["0", "1", "2"]
    assert [message["desk"]["seq"] for message in heard if message["type"] == "desk"] == [2]


@given(st.lists(st.tuples(st.sampled_from(["e1", "e2", "e3"]), st.integers(0, 5))))
def test_desks_never_go_back_in_time_whatever_order_they_come_in(desks: list[tuple[str, int]]) -> None:
    async def run() -> None:
        wire = _wire()
        sent: list[tuple[str, int]] = []

        async def send(text: str) -> None:
            desk = json.loads(text)["desk"]
            sent.append((desk["epoch"], desk["seq"]))

        pump = asyncio.create_task(wire.pump(send))
        for epoch, seq in desks:
            wire.desk({"epoch": epoch, "seq": seq})
            for _ in range(3):
                await asyncio.sleep(0)
        pump.cancel()
        assert sent == sorted(set(sent))
        assert (not desks and not sent) or sent[-1] == max(desks)

    asyncio.run(run())


async def test_a_new_life_of_routing_makes_the_desk_announce_itself() -> None:
    wire = _wire()
    wire.desk({"epoch": "e1", "seq": 5})
    assert not wire.recheck.is_set(), "the first desk is no restart"
    wire.desk({"epoch": "e2", "seq": 0})
    assert wire.recheck.is_set()


@given(st.permutations(["one", "two", "three"]))
def test_whatever_the_order_of_claims_only_the_last_window_stays(claims: list[str]) -> None:
    async def run() -> None:
        wires = {name: _wire(name) for name in claims}
        for claim in claims:
            for wire in wires.values():
                wire.window(claim)
        stays = wires.pop(claims[-1])
        assert await _said(stays) == []
        for wire in wires.values():
            assert await _said(wire) == [{"type": "replaced"}]

    asyncio.run(run())


async def test_a_peer_that_lets_sayings_pile_up_is_let_go() -> None:
    wire = _wire()
    for number in range(1000):
        wire.say({"type": "reply", "id": str(number)})
    heard: list[str] = []

    async def send(text: str) -> None:
        heard.append(text)

    assert await wire.pump(send) == OVERLOAD
    assert len(heard) < 1000


async def test_the_first_farewell_counts() -> None:
    wire = _wire()
    wire.end({"type": "replaced"}, REPLACED)
    wire.end({"type": "signed_out"}, 4401)

    async def send(text: str) -> None:
        assert json.loads(text) == {"type": "replaced"}

    assert await wire.pump(send) == REPLACED


async def test_a_message_nobody_can_read_does_not_deafen_the_hub(caplog: pytest.LogCaptureFixture) -> None:
    bus = LocalBus()
    hub = Hub(bus, lambda _: None)
    await hub.start()
    wire = _wire()
    hub.join(wire)
    await bus.publish("desk.a-1", {"no": "desk"})
    await bus.publish("desk.a-1", {"epoch": "e1", "seq": 1})
    heard: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    async def send(text: str) -> None:
        heard.put_nowait(json.loads(text))

    pump = asyncio.create_task(wire.pump(send))
    first = await asyncio.wait_for(heard.get(), PATIENCE)
    assert first["desk"]["seq"] == 1
    wire.end(None, 1000)
    await asyncio.wait_for(pump, PATIENCE)
    assert heard.empty()
    hub.leave(wire)
    assert hub.wires() == []
    await hub.stop()


async def test_after_a_gap_in_the_bus_every_socket_reads_its_state_anew() -> None:
    bus = LocalBus()
    hub = Hub(bus, lambda _: None)
    await hub.start()
    desk, floor = _wire(), Wire("floor", CALLER)
    for wire in (desk, floor):
        hub.join(wire)
    bus.miss("desk.*")
    for wire in (desk, floor):
        await asyncio.wait_for(wire.recheck.wait(), 5)
        hub.leave(wire)
    await hub.stop()
