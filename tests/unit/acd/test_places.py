"""Where routing has a caller wait or go is known wherever it must survive: call, channel, journal."""

from dataclasses import replace
from pathlib import Path

import pytest

from acd import effects as fx
from acd import events as ev
from acd.config import Overflow, OverflowKind, Plan, PlanStep
from acd.ports import ReadBack
from acd.presence import restore
from core.errors import Invalid
from core.facts import facts_since
from tests.unit.acd.house import House


def _full(house: House, kind: OverflowKind, target: str = "") -> None:
    """Queue q keeps nobody."""
    board = house.board
    queue = replace(board.config.queues["q"], max_waiting=0, on_full=Overflow(kind, target))
    board.config = replace(board.config, queues={**board.config.queues, "q": queue})
    board.step(ev.ConfigChanged(house.clock.now(), board.config))


async def test_a_caller_moved_by_a_supervisor_carries_the_new_queue(house: House) -> None:
    house.arrive()
    await house.cmd("queue.move", interaction_id="i1", queue_id="q2")
    assert house.board.calls["i1"].facts.queue_id == "q2"
    _, interaction_id, written = await house.telephony.wait_for("write_facts")
    assert (interaction_id, written.queue_id) == ("i1", "q2")
    (moved,) = await house.facts("queue.moved")
    assert moved.data == {"queue_id": "q2", "from_queue_id": "q"}


async def test_a_caller_whom_a_full_queue_sends_to_another_is_known_to_wait_there(house: House) -> None:
    _full(house, OverflowKind.QUEUE, "q2")
    house.arrive()
    assert house.board.calls["i1"].facts.queue_id == "q2"
    (entered,), (moved,) = await house.facts("queue.entered"), await house.facts("queue.moved")
    assert (entered.data["queue_id"], moved.data["queue_id"]) == ("q", "q2")


@pytest.mark.parametrize("kind", [OverflowKind.VOICEMAIL, OverflowKind.HANG_UP, OverflowKind.ANNOUNCEMENT])
async def test_who_is_led_out_of_the_line_has_not_given_up(house: House, kind: OverflowKind) -> None:
    _full(house, kind, "full" if kind is OverflowKind.ANNOUNCEMENT else "")
    house.arrive()
    house.dispatcher.caller_gone(house.clock.advance(40), "i1", "caller", "ivr", 16)
    (ended,) = await house.facts("call.ended")
    assert ended.data["abandoned"] is False


async def test_who_speaks_to_the_voicemail_while_the_connection_is_cut_ends_once(house: House, tmp_path: Path) -> None:
    _full(house, OverflowKind.VOICEMAIL)
    house.arrive()
    read_back = ReadBack((), (), {}, frozenset(), elsewhere=frozenset({"i1"}))
    house.dispatcher.bridge_up(house.clock.advance(5), read_back)
    await house.journal.settled()
    later = House(tmp_path / "later", house.database, house.clock)
    await later.journal.start()
    later.dispatcher.bridge_up(house.clock.advance(5), read_back)
    restore(later.dispatcher, await facts_since(house.database, 0))
    later.dispatcher.caller_gone(house.clock.advance(9), "i1", "caller", "ivr", 16)
    (ended,) = await later.facts("call.ended")
    assert (ended.data["ended_by"], ended.data["abandoned"]) == ("caller", False)
    await later.board.stop()
    await later.journal.stop()


async def test_a_full_queue_that_announces_says_so_and_hangs_up(house: House) -> None:
    said: list[str] = []

    async def prompts(*asked: object) -> list[str]:
        said.append(str(asked[-1]))
        return ["full-1"]

    house.board.announcer.prompts = prompts  # type: ignore[method-assign]
    _full(house, OverflowKind.ANNOUNCEMENT, "all_lines_busy")
    house.arrive()
    assert await house.telephony.wait_for("dismiss") == ("dismiss", "i1", ["full-1"])
    assert said == ["all_lines_busy"]


async def test_a_queue_that_hangs_up_says_goodbye(house: House) -> None:
    _full(house, OverflowKind.HANG_UP)
    house.arrive()
    assert (await house.telephony.wait_for("dismiss"))[1] == "i1"


async def test_without_any_words_the_caller_goes_back_to_the_flow(house: House) -> None:
    async def silent(*_: object) -> list[str]:
        return []

    house.board.announcer.prompts = silent  # type: ignore[method-assign]
    _full(house, OverflowKind.HANG_UP)
    house.arrive()
    assert await house.telephony.wait_for("divert") == ("divert", "i1", "closed")


async def test_a_supervisors_priority_is_the_callers_from_then_on(house: House) -> None:
    house.arrive()
    await house.cmd("queue.move", interaction_id="i1", priority=7)
    view = house.engine.interaction("i1")
    assert view is not None
    assert view.priority == 7
    assert (await house.telephony.wait_for("write_facts"))[2].priority == 7
    with pytest.raises(Invalid, match="'high' is no priority"):
        await house.cmd("queue.move", interaction_id="i1", priority="high")


async def test_who_was_put_first_is_first_again_after_a_restart(house: House, tmp_path: Path) -> None:
    waiting = [house.arrive(name) for name in ("i1", "i2", "i3")]
    await house.cmd("queue.move", interaction_id="i2", front=True)
    await house.cmd("queue.move", interaction_id="i3", front=True)
    before = [view.interaction_id for view in house.engine.waiting("q")]
    await house.journal.settled()
    later = House(tmp_path / "later", house.database, house.clock)
    await later.journal.start()
    later.dispatcher.bridge_up(house.clock.advance(1), ReadBack(tuple(waiting), (), {}, frozenset()))
    restore(later.dispatcher, await facts_since(house.database, 0))
    assert before == ["i3", "i2", "i1"]
    assert [view.interaction_id for view in later.engine.waiting("q")] == before
    await later.board.stop()
    await later.journal.stop()


async def test_what_the_channel_was_not_told_before_a_restart_is_known_by_the_facts(
    house: House, tmp_path: Path
) -> None:
    untold = house.arrive("i1")
    await house.cmd("queue.move", interaction_id="i1", queue_id="q2", priority=7)
    await house.journal.settled()
    later = House(tmp_path / "later", house.database, house.clock)
    await later.journal.start()
    later.dispatcher.bridge_up(house.clock.advance(1), ReadBack((untold,), (), {}, frozenset()))
    restore(later.dispatcher, await facts_since(house.database, 0))
    (view,) = later.engine.waiting("q2")
    assert (view.interaction_id, view.priority, view.waiting_since) == ("i1", 7, untold.queued_at)
    written = (await later.telephony.wait_for("write_facts"))[2]
    assert (written.queue_id, written.priority) == ("q2", 7)
    assert len(await later.facts("queue.moved")) == 1
    await later.board.stop()
    await later.journal.stop()


@pytest.mark.parametrize("moved_by", ["supervisor", "plan"])
async def test_who_was_put_first_and_came_to_another_queue_is_first_there_also_after_a_restart(
    house: House, tmp_path: Path, moved_by: str
) -> None:
    away = PlanStep(after=30, when="priority=7", overflow=Overflow(OverflowKind.QUEUE, "q2"))
    queue = replace(house.board.config.queues["q"], plan=Plan((PlanStep(require=""), away)))
    house.dispatcher.configure(replace(house.board.config, queues={**house.board.config.queues, "q": queue}))
    waiting = [house.arrive("i1", queue_id="q2"), house.arrive("i2"), house.arrive("i3")]
    await house.cmd("queue.move", interaction_id="i2", front=True)
    await house.cmd("queue.move", interaction_id="i3", front=True)
    if moved_by == "plan":
        for name in ("i3", "i2"):
            await house.cmd("queue.move", interaction_id=name, priority=7)
        house.board.step(ev.Tick(house.clock.advance(30)))
    else:
        for name in ("i3", "i2"):
            await house.cmd("queue.move", interaction_id=name, queue_id="q2")
    before = [view.interaction_id for view in house.engine.waiting("q2")]
    await house.journal.settled()
    later = House(tmp_path / "later", house.database, house.clock)
    await later.journal.start()
    back = tuple(replace(house.board.calls[facts.interaction_id].facts) for facts in waiting)
    later.dispatcher.bridge_up(house.clock.advance(1), ReadBack(back, (), {}, frozenset()))
    restore(later.dispatcher, await facts_since(house.database, 0))
    assert before == ["i3", "i2", "i1"]
    assert [view.interaction_id for view in later.engine.waiting("q2")] == before
    await later.board.stop()
    await later.journal.stop()


async def test_who_was_put_first_and_then_answered_is_first_no_more(house: House, tmp_path: Path) -> None:
    waiting = [house.arrive("i1"), house.arrive("i2")]
    await house.cmd("queue.move", interaction_id="i2", front=True)
    house.board.tell("call.answered", house.clock.now(), "i2", "a1", fence=1, queue_id="q", waited=1.0)
    house.board.tell("agent.left", house.clock.now(), "i2", "a1", talk=1.0, hold=0.0, ended_by="agent")
    await house.journal.settled()
    later = House(tmp_path / "later", house.database, house.clock)
    await later.journal.start()
    later.dispatcher.bridge_up(house.clock.advance(1), ReadBack(tuple(waiting), (), {}, frozenset()))
    restore(later.dispatcher, await facts_since(house.database, 0))
    assert [view.interaction_id for view in later.engine.waiting("q")] == ["i1", "i2"]
    await later.board.stop()
    await later.journal.stop()


async def test_the_alarm_that_nobody_is_qualified_ends_when_somebody_is(house: House) -> None:
    house.board.do(fx.NobodyQualified("i1", "q"), 1.0)
    assert "nobody_qualified:q" in house.board.alarms
    house.board.do(fx.QualifiedAgain("q"), 2.0)
    assert house.board.alarms == {}
