"""The bridge's commands on a fake line: what is sent to Asterisk, when, and what the agent is told of it."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from acd.ports import Ring
from core.errors import Invalid
from cti.bridge import Bridge
from cti.calls import ANNOUNCE, IVR, Call
from cti.manager import Refused
from tests.unit.cti.replay import SETTINGS, FakeLine, Recorder


class AskedManager:
    """A manager connection that is up; each question waits for its answer in `asked`."""

    up = True

    def __init__(self) -> None:
        self.asked: list[tuple[str, Mapping[str, Any], asyncio.Future[list[dict[str, str]]]]] = []
        self.news = asyncio.Event()

    async def ask(self, action: str, fields: Mapping[str, Any] | None = None) -> list[dict[str, str]]:
        answer: asyncio.Future[list[dict[str, str]]] = asyncio.get_running_loop().create_future()
        self.asked.append((action, fields or {}, answer))
        self.news.set()
        return await answer

    async def next(self, count: int) -> tuple[str, Mapping[str, Any], "asyncio.Future[list[dict[str, str]]]"]:
        """The question of that number, counted from one."""
        async with asyncio.timeout(5):
            while len(self.asked) < count:
                self.news.clear()
                await self.news.wait()
        return self.asked[count - 1]


class World:
    """The real bridge; its line and its manager connection are played."""

    def __init__(self) -> None:
        self.line, self.manager, self.book = FakeLine(), AskedManager(), Recorder()
        self.bridge = Bridge(SETTINGS, self)
        for name in ("send", "ask", "after", "doubt", "now"):
            setattr(self.bridge._line, name, getattr(self.line, name))
        self.bridge.manager = self.manager  # type: ignore[assignment]
        self.bridge.events = self.book  # type: ignore[assignment]
        self.switch = self.bridge._switch

    def append(self, fact: object) -> None:
        """Facts are not looked at."""

    def at(self, stage: str, **more: str) -> None:
        """Asterisk says where the caller is."""
        event = {"Event": "UserEvent", "UserEvent": "OcAt", "Ref": "i1", "Stage": stage, "Uniqueid": "c1"}
        self.bridge.event({**event, "OC_QUEUE": "q", **more})

    def waiting(self, **more: str) -> Call:
        """A caller at the waiting place."""
        self.at("hold", **more)
        return self.switch.calls.need("i1")

    @property
    def sent(self) -> list[tuple[str, str]]:
        return [(name, str(fields.get("Context", fields["Channel"]))) for name, fields in self.line.sent]


async def test_a_divert_waits_for_the_redirect_in_flight_and_no_old_one_follows_it() -> None:
    world = World()
    call = world.waiting()
    world.switch.moves.want(call, ANNOUNCE)
    await world.bridge.divert("i1", "voicemail")
    assert [where for name, where in world.sent if name == "Redirect"] == ["oc-announce"]
    world.at("announce")
    assert [where for name, where in world.sent if name == "Redirect"] == ["oc-announce", "oc-ivr"]
    world.at(IVR.stage)
    world.line.sent.clear()
    world.line.advance(60)
    assert world.sent == []
    assert world.switch.calls.get("i1") is None


async def test_a_pause_pressed_while_a_resume_is_under_way_is_a_pause_in_the_end() -> None:
    world = World()
    call = world.waiting(OC_RECORDING="2026/11/23/i1")
    call.recording.paused_since = world.line.time
    resume = asyncio.create_task(world.bridge.record_pause("i1", False))
    _, fields, answer = await world.manager.next(1)
    assert fields["State"] == "0"
    pause = asyncio.create_task(world.bridge.record_pause("i1", True))
    await asyncio.sleep(0)
    assert not pause.done()
    answer.set_result([])
    await resume
    _, fields, answer = await world.manager.next(2)
    assert fields["State"] == "1"
    answer.set_result([])
    await pause
    assert world.switch.calls.need("i1").recording.paused_since is not None


async def test_a_pause_that_asterisk_refuses_is_told_and_tried_again_when_pressed_again() -> None:
    world = World()
    call = world.waiting(OC_RECORDING="2026/11/23/i1")
    pause = asyncio.create_task(world.bridge.record_pause("i1", True))
    _, _, answer = await world.manager.next(1)
    answer.set_exception(Refused("Cannot set mute flag."))
    with pytest.raises(Refused):
        await pause
    assert call.recording.paused_since is None
    again = asyncio.create_task(world.bridge.record_pause("i1", True))
    _, _, answer = await world.manager.next(2)
    answer.set_result([])
    await again


async def test_a_pause_is_made_sure_of_even_when_it_is_believed_to_be_there() -> None:
    world = World()
    call = world.waiting(OC_RECORDING="2026/11/23/i1")
    call.recording.paused_since = since = world.line.time - 5
    pause = asyncio.create_task(world.bridge.record_pause("i1", True))
    _, fields, answer = await world.manager.next(1)
    assert fields["State"] == "1"
    answer.set_result([])
    await pause
    assert call.recording.paused_since == since


async def test_nobody_is_sent_to_a_number_that_earns_by_the_call() -> None:
    world = World()
    world.waiting()
    with pytest.raises(Invalid, match="special cost"):
        await world.bridge.divert("i1", "+39899123456")
    assert world.sent == []


async def test_the_answer_key_of_a_ringing_phone_is_pressed_by_notify_and_never_twice() -> None:
    world = World()
    world.waiting()
    world.switch.ringing.ring(Ring(7, "i1", "a-2001", "2001", 10, None, None))
    world.bridge.event({"Event": "DialBegin", "DestUniqueid": "oc-7-i1", "DestChannel": "PJSIP/2001-0001"})
    pressed = asyncio.create_task(world.bridge.answer(7))
    action, fields, answer = await world.manager.next(1)
    assert (action, dict(fields)) == ("PJSIPNotify", {"Channel": "PJSIP/2001-0001", "Variable": "Event=talk"})
    answer.set_result([])
    await pressed
    world.bridge.event({"Event": "ConfbridgeJoin", "Conference": "1", "Uniqueid": "oc-7-i1"})
    await world.bridge.answer(7)
    await world.bridge.answer(8)
    assert len(world.manager.asked) == 1


async def test_a_mute_is_shown_once_asterisk_has_done_it_and_a_refusal_is_told() -> None:
    world = World()
    world.waiting()
    world.switch.ringing.ring(Ring(7, "i1", "a-2001", "2001", 10, None, None))
    world.bridge.event({"Event": "ConfbridgeJoin", "Conference": "1", "Uniqueid": "oc-7-i1"})
    party = world.switch.calls.talk("i1", "a-2001")[1]
    mute = asyncio.create_task(world.bridge.mute("i1", "a-2001", True))
    action, fields, answer = await world.manager.next(1)
    assert (action, dict(fields)) == ("MuteAudio", {"Channel": "oc-7-i1", "Direction": "in", "State": "on"})
    answer.set_exception(Refused("No such channel."))
    with pytest.raises(Refused):
        await mute
    assert not party.muted
    mute = asyncio.create_task(world.bridge.mute("i1", "a-2001", True))
    (await world.manager.next(2))[2].set_result([])
    await mute
    assert party.muted
