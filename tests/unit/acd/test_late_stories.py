"""Stories that come late or are asked for late: read for those who can see them, and shown on no other call."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from acd import storyteller
from acd.desks import Desk
from acd.ports import CallFacts, CallView, ConsultView, LiveCall, PopAndTicket, ReadBack, RecordingView, Target
from acd.switchboard import NO_HURRY
from core.errors import Unavailable
from tests.patience import PATIENCE
from tests.unit.acd.house import House


async def until(holds: Callable[[], Any]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not holds():
            await asyncio.sleep(0.005)


@pytest.fixture
def asked(house: House, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Interactions whose stories were asked for; none is told before the gate is opened."""
    monkeypatch.setattr(storyteller, "_AGAIN", 0.05)
    house.stories.gate.clear()
    names, tell = list[str](), house.stories.pop

    async def pop(facts: CallFacts) -> PopAndTicket:
        names.append(facts.interaction_id)
        return await tell(facts)

    monkeypatch.setattr(house.stories, "pop", pop)
    return names


def consulted(house: House) -> None:
    """The first agent asks the second one."""
    consult = ConsultView(Target("agent", "a2"), "ringing")
    view = CallView("i1", "a1", "consulting", None, 0.0, consult, RecordingView(False, False))
    house.dispatcher.call_changed(house.clock.advance(1), view)


async def test_a_story_that_hangs_is_waited_for_and_not_asked_for_again(house: House, asked: list[str]) -> None:
    await house.cmd("desk.online", connection_id="c1")
    await house.talk("i1")
    await asyncio.sleep(3 * house.board.rules.pop_seconds)  # three times as long as anybody waits for one
    assert asked == ["i1"]
    house.stories.gate.set()
    await until(lambda: house.desk("a1")["call"]["pop"])
    assert asked == ["i1"]


async def test_a_story_is_shown_though_a_supervisor_changed_the_caller_meanwhile(
    house: House, asked: list[str]
) -> None:
    await house.cmd("desk.online", connection_id="c1")
    await house.ready()
    house.arrive("i1")
    await house.telephony.wait_for("ring")
    await house.cmd("queue.move", interaction_id="i1", priority=3)
    house.stories.gate.set()
    await until(lambda: house.desk("a1")["call"]["pop"])


async def test_a_story_that_is_late_after_a_restart_is_shown_in_the_talk(house: House, asked: list[str]) -> None:
    await house.cmd("desk.online", connection_id="c1")
    facts = house.arrive("i1")
    house.board.calls.clear()
    view = CallView("i1", "a1", "talking", None, 0.0, None, RecordingView(False, False))
    live = LiveCall(facts, view, house.clock.now())
    house.dispatcher.bridge_up(house.clock.advance(1), ReadBack((), (live,), {}, frozenset({"2001"})))
    await until(lambda: house.desk("a1")["call"]["ticket_id"])
    await asyncio.sleep(2 * house.board.rules.pop_seconds)  # nobody waits as long as that
    house.stories.gate.set()
    await until(lambda: house.desk("a1")["call"]["pop"])


async def test_a_story_that_nobody_can_see_is_not_read_before_a_browser_opens_the_desk(
    house: House, asked: list[str]
) -> None:
    house.stories.gate.set()
    await house.talk("i1")
    await until(lambda: house.stories.opened)
    await asyncio.sleep(2 * NO_HURRY)  # by then that of one who waits would have been asked for
    assert asked == []
    await house.cmd("desk.online", connection_id="c1")
    await until(lambda: house.desk("a1")["call"]["recall"])
    assert asked == ["i1"]


async def test_what_was_changed_while_no_browser_looked_is_read_again_by_the_one_that_does(
    house: House, asked: list[str]
) -> None:
    house.stories.gate.set()
    await house.cmd("desk.online", connection_id="c1")
    await house.talk("i1")
    await house.cmd("desk.offline", connection_id="c1")
    house.stories.told = {"identification": "one", "recall": {"nth": 3}}
    await house.cmd("desk.online", connection_id="c2")
    await until(lambda: house.desk("a1")["call"]["pop"]["recall"] == {"nth": 3})


async def test_the_story_of_one_who_has_waited_is_read_again_when_the_phone_rings(
    house: House, asked: list[str]
) -> None:
    house.stories.gate.set()
    await house.cmd("desk.online", connection_id="c1")
    house.arrive("i1")
    await until(lambda: asked)
    house.stories.told = {"identification": "one", "recall": {"nth": 3}}
    house.clock.advance(60)
    await house.ready()
    await house.telephony.wait_for("ring")
    await until(lambda: house.desk("a1")["call"]["pop"]["recall"] == {"nth": 3})
    assert asked == ["i1", "i1"]


async def test_an_expert_with_a_browser_sees_the_story_also_when_the_asking_agent_has_none(
    house: House, asked: list[str]
) -> None:
    house.stories.gate.set()
    await house.cmd("desk.online", "a2", connection_id="c2")
    await house.talk("i1")
    await house.cmd("agent.sign_in", "a2")
    consulted(house)
    await until(lambda: house.desk("a2")["call"]["recall"])


async def test_an_expert_sees_what_was_changed_since_an_agent_without_a_browser_was_given_the_story(
    house: House, asked: list[str]
) -> None:
    house.stories.gate.set()
    await house.cmd("desk.online", "a2", connection_id="c2")
    house.arrive("i1")
    await until(lambda: asked)
    await house.ready()
    ring = (await house.telephony.wait_for("ring"))[1]
    house.dispatcher.leg_answered(house.clock.advance(2), ring.fence)
    house.stories.told = {"identification": "one", "recall": {"nth": 3}}
    await house.cmd("agent.sign_in", "a2")
    consulted(house)
    await until(lambda: house.desk("a2")["call"]["pop"]["recall"] == {"nth": 3})


class Readings:
    """Each reading has a gate of its own, and tells its number; one without a gate fails."""

    def __init__(self, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
        self.gates: list[asyncio.Event | None] = []
        self.begun = 0
        monkeypatch.setattr(house.stories, "pop", self._pop)

    async def _pop(self, facts: CallFacts) -> PopAndTicket:
        number = self.begun
        self.begun += 1
        gate = self.gates[number]
        if gate is None:
            raise Unavailable("The other process has gone.")
        await gate.wait()
        return PopAndTicket({"number": number})


async def shown_in_talk(house: House) -> Desk:
    """A desk in talk whose browser shows the story."""
    await house.cmd("desk.online", connection_id="c1")
    await house.talk("i1")
    desk = house.desks.get("a1")
    assert desk is not None
    return desk


async def test_what_cannot_be_read_again_at_once_is_read_later(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = await shown_in_talk(house)
    readings = Readings(house, monkeypatch)
    open_gate = asyncio.Event()
    open_gate.set()
    readings.gates = [None, None, open_gate]
    house.dispatcher.storyteller.looked_at(desk)
    await until(lambda: house.desk("a1")["call"]["pop"] == {"number": 2})


async def test_an_older_reading_that_ends_later_does_not_replace_a_newer_one(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = await shown_in_talk(house)
    readings = Readings(house, monkeypatch)
    older, newer = readings.gates = [asyncio.Event(), asyncio.Event()]
    tasks = [asyncio.create_task(house.dispatcher.storyteller.refresh(desk)) for _ in range(2)]
    await until(lambda: readings.begun == 2)
    newer.set()
    await tasks[1]
    older.set()
    await tasks[0]
    assert house.desk("a1")["call"]["pop"] == {"number": 1}


async def test_a_story_that_hung_does_not_replace_what_was_read_meanwhile(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    readings = Readings(house, monkeypatch)
    older, newer = readings.gates = [asyncio.Event(), asyncio.Event()]
    desk = await shown_in_talk(house)
    showing = asyncio.create_task(house.dispatcher.storyteller.show(desk, house.board.calls["i1"]))
    await asyncio.sleep(0)  # it waits for the story now
    newer.set()
    await house.dispatcher.storyteller.refresh(desk)
    older.set()
    await showing
    assert house.desk("a1")["call"]["pop"] == {"number": 1}


async def test_who_waits_again_after_a_phone_without_a_browser_has_the_story_read_before_the_next_one_rings(
    house: House, asked: list[str]
) -> None:
    await house.ready()
    house.arrive("i1")
    ring = (await house.telephony.wait_for("ring"))[1]
    await asyncio.sleep(2 * NO_HURRY)
    assert asked == []
    house.dispatcher.leg_refused(house.clock.advance(1), ring.fence, "busy")
    await until(lambda: asked == ["i1"])
