"""A promised call-back: when it is promised, and that it is kept, over restarts too."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from acd import callbacks
from acd import effects as fx
from acd import events as ev
from acd.config import CallBackRule, Overflow, OverflowKind, Plan, PlanStep
from acd.ports import CallFacts, ReadBack, Ring
from acd.presence import restore
from core.errors import Unavailable
from core.facts import facts_since
from tests.patience import PATIENCE
from tests.unit.acd.house import House

_PLAN = Plan((PlanStep(require=""), PlanStep(after=1, overflow=Overflow(OverflowKind.CALL_BACK))))


@pytest.fixture
def house(house: House) -> House:
    """A house in which callers may be called back."""
    _may_be_called_back(house)
    return house


def _may_be_called_back(house: House) -> None:
    """Queue q lets a caller choose a call-back after a second."""
    board = house.board
    queue = replace(board.config.queues["q"], plan=_PLAN, call_back=CallBackRule(2, 600.0))
    board.config = replace(board.config, queues={**board.config.queues, "q": queue})
    board.step(ev.ConfigChanged(house.clock.now(), board.config))


def _caller(house: House) -> CallFacts:
    """A caller who waits and has been offered a call-back."""
    house.board.tell("call.arrived", house.clock.now(), "i1", None, did="+390116180100", number="+393471234567")
    facts = house.arrive()
    house.board.step(ev.Tick(house.clock.advance(2)))
    return facts


async def _ring(house: House) -> Ring:
    await house.ready()
    ring: Ring = (await house.telephony.wait_for("ring"))[1]
    return ring


@asynccontextmanager
async def _restarted(house: House, folder: Path, waiting: Iterable[CallFacts] = ()) -> AsyncIterator[House]:
    """The routing process after its death: what the facts say, and who waits on Asterisk."""
    await house.journal.settled()
    past = await facts_since(house.database, 0)
    later = House(folder / "later", house.database, house.clock)
    await later.journal.start()
    _may_be_called_back(later)
    later.dispatcher.bridge_up(house.clock.advance(1), ReadBack(tuple(waiting), (), {}, frozenset({"2001"})))
    restore(later.dispatcher, past)
    yield later
    await later.board.stop()
    await later.journal.stop()


async def test_who_presses_the_key_while_waiting_keeps_the_place_and_is_let_go(house: House) -> None:
    _caller(house)
    house.dispatcher.key_pressed(house.clock.advance(1), "i1", "1")
    await house.telephony.wait_for("promise_call_back")
    house.dispatcher.caller_gone(house.clock.advance(1), "i1", "caller", "promised", 16)
    view = house.engine.interaction("i1")
    assert view is not None
    assert (view.place, view.call_back_number) == ("waiting", "+393471234567")


async def test_a_key_pressed_while_an_agent_rings_promises_nothing(house: House) -> None:
    _caller(house)
    ring = await _ring(house)
    house.dispatcher.key_pressed(house.clock.advance(1), "i1", "1")
    house.dispatcher.leg_answered(house.clock.advance(1), ring.fence)
    assert house.board.calls["i1"].promised is False
    house.dispatcher.agent_left(house.clock.advance(60), "i1", "a1", "caller", 0.0)
    house.dispatcher.caller_gone(house.clock.now(), "i1", "caller", "talk", 16)
    kinds = await house.kinds()
    assert "call_back.promised" not in kinds
    assert "call.ended" in kinds
    assert house.board.calls == {}


async def test_who_hangs_up_after_the_key_while_an_agent_is_offered_is_not_dialled(house: House) -> None:
    _caller(house)
    await house.ready()
    house.dispatcher.key_pressed(house.clock.advance(0.1), "i1", "1")
    house.dispatcher.caller_gone(house.clock.advance(3), "i1", "caller", "hold", 16)
    assert house.state() == ("ready", "")


async def test_the_key_counts_again_once_that_agent_has_not_answered(house: House) -> None:
    _caller(house)
    await _ring(house)
    house.dispatcher.key_pressed(house.clock.advance(1), "i1", "1")
    house.board.step(ev.Tick(house.clock.advance(20)))
    house.dispatcher.key_pressed(house.clock.advance(1), "i1", "1")
    assert house.board.calls["i1"].promised is True


async def test_who_is_being_told_goodbye_at_a_restart_still_has_the_place(house: House, tmp_path: Path) -> None:
    facts = _caller(house)
    house.dispatcher.key_pressed(house.clock.advance(1), "i1", "1")
    async with _restarted(house, tmp_path, [facts]) as later:
        later.dispatcher.caller_gone(house.clock.advance(1), "i1", "caller", "promised", 16)
        view = later.engine.interaction("i1")
        assert view is not None
        assert (view.place, view.call_back_number) == ("waiting", "+393471234567")
        assert (await later.kinds()).count("call_back.promised") == 1


async def test_an_agent_who_leaves_before_the_customer_is_dialled_is_free_again(house: House) -> None:
    _caller(house)
    house.dispatcher.key_pressed(house.clock.advance(1), "i1", "1")
    house.dispatcher.caller_gone(house.clock.advance(1), "i1", "caller", "promised", 16)
    ring = await _ring(house)
    house.dispatcher.leg_answered(house.clock.advance(1), ring.fence)
    house.dispatcher.call_back_failed(house.clock.advance(1), "i1", 0, "failed")
    assert house.state() == ("ready", "")
    view = house.engine.interaction("i1")
    assert view is not None
    assert view.place == "held"


async def test_a_call_back_given_up_is_handed_over_until_somebody_has_it(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, done = list[str](), asyncio.Event()

    async def hand_over(facts: CallFacts, number: str, at: float) -> None:
        asked.append(number)
        if len(asked) == 1:
            raise Unavailable("The other process has gone.")
        done.set()

    monkeypatch.setattr(callbacks, "_AGAIN", 0.01)
    monkeypatch.setattr(house.stories, "call_back_given_up", hand_over, raising=False)
    house.arrive("i1")
    house.dispatcher.call_backs.given_up(fx.CallBackGivenUp("i1", "+39347", 3, "attempts"), house.clock.now())
    async with asyncio.timeout(PATIENCE):
        await done.wait()
    assert asked == ["+39347", "+39347"]
