"""Stories that come late: asked for once, shown when they are there, and on no other call."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from acd import ringing
from acd.ports import CallFacts, CallView, LiveCall, PopAndTicket, ReadBack, RecordingView
from tests.patience import PATIENCE
from tests.unit.acd.house import House


async def until(holds: Callable[[], Any]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not holds():
            await asyncio.sleep(0.005)


@pytest.fixture
def asked(house: House, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Interactions whose stories were asked for; none is told before the gate is opened."""
    monkeypatch.setattr(ringing, "_STORY_AGAIN", 0.05)
    house.stories.gate.clear()
    names, tell = list[str](), house.stories.pop

    async def pop(facts: CallFacts) -> PopAndTicket:
        names.append(facts.interaction_id)
        return await tell(facts)

    monkeypatch.setattr(house.stories, "pop", pop)
    return names


async def test_a_story_that_hangs_is_waited_for_and_not_asked_for_again(house: House, asked: list[str]) -> None:
    await house.talk("i1")
    await asyncio.sleep(3 * house.board.rules.pop_seconds)  # three times as long as anybody waits for one
    assert asked == ["i1"]
    house.stories.gate.set()
    await until(lambda: house.desk("a1")["call"]["pop"])
    assert asked == ["i1"]


async def test_a_story_is_shown_though_a_supervisor_changed_the_caller_meanwhile(
    house: House, asked: list[str]
) -> None:
    await house.ready()
    house.arrive("i1")
    await house.telephony.wait_for("ring")
    await house.cmd("queue.move", interaction_id="i1", priority=3)
    house.stories.gate.set()
    await until(lambda: house.desk("a1")["call"]["pop"])


async def test_a_story_that_is_late_after_a_restart_is_shown_in_the_talk(house: House, asked: list[str]) -> None:
    facts = house.arrive("i1")
    house.board.calls.clear()
    view = CallView("i1", "a1", "talking", None, 0.0, None, RecordingView(False, False))
    live = LiveCall(facts, view, house.clock.now())
    house.dispatcher.bridge_up(house.clock.advance(1), ReadBack((), (live,), {}, frozenset({"2001"})))
    await until(lambda: house.desk("a1")["call"]["ticket_id"])
    await asyncio.sleep(2 * house.board.rules.pop_seconds)  # nobody waits as long as that
    house.stories.gate.set()
    await until(lambda: house.desk("a1")["call"]["pop"])
