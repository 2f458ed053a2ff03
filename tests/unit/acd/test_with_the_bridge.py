"""Dispatcher and bridge together: consultations that end in the middle, cuts and restarts at the worst moment."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from acd import events as ev
from core.db import Base, Database
from tests.unit.acd.joint import Joint


@pytest.fixture
async def joint(tmp_path: Path) -> AsyncIterator[Joint]:
    database = Database(f"sqlite+aiosqlite:///{tmp_path / 'a.db'}")
    async with database.engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    made = Joint(tmp_path, database)
    await made.start()
    yield made
    await made.stop()
    await database.close()


@pytest.mark.parametrize("leaves", ["completes", "hangs up"])
@pytest.mark.parametrize("cause", ["21", "19"], ids=["refuses", "does not answer"])
async def test_a_caller_left_to_an_expert_who_does_not_take_it_is_offered_again(
    joint: Joint, leaves: str, cause: str
) -> None:
    await joint.ready("a1")
    await joint.talk()
    since = joint.house.board.calls["i1"].facts.queued_at
    await joint.ready("a2")
    expert = await joint.consult()
    await joint.house.cmd("call.consult_complete" if leaves == "completes" else "call.hang_up")
    await joint.until(lambda: joint.state("a1") == "wrap_up")
    joint.asterisk.refuse(expert, cause)
    again = await joint.leg_at("a2")
    view = joint.house.engine.interaction("i1")
    assert view is not None
    assert (view.place, view.waiting_since) == ("offered", since)
    assert joint.state("a1") == "wrap_up"
    joint.asterisk.answer(again)
    await joint.until(lambda: joint.caller.room)
    assert (joint.call("a2")["role"], joint.state("a2")) == ("agent", "talking")
    assert len(await joint.facts("agent.left")) == 1


async def test_an_expert_who_answers_after_the_agent_has_left_wraps_up_like_any_agent(joint: Joint) -> None:
    await joint.ready("a1")
    await joint.talk()
    await joint.ready("a2")
    expert = await joint.consult()
    await joint.house.cmd("call.hang_up")
    await joint.until(lambda: joint.state("a1") == "wrap_up")
    joint.asterisk.answer(expert)
    await joint.until(lambda: joint.caller.room)
    assert joint.call("a2")["role"] == "agent"
    joint.asterisk.goodbye(expert)
    await joint.until(lambda: joint.call("a2")["phase"] == "ended")
    await joint.until(lambda: joint.state("a2") == "wrap_up")


@pytest.mark.parametrize("answered", [False, True], ids=["ringing", "talking"])
async def test_a_caller_who_hangs_up_during_a_consultation_leaves_no_call_on_the_experts_desk(
    joint: Joint, answered: bool
) -> None:
    await joint.ready("a1")
    await joint.talk()
    await joint.ready("a2")
    await joint.consult(answered=answered)
    await joint.settle()
    joint.asterisk.goodbye(joint.caller)
    await joint.until(lambda: joint.state("a1") == "wrap_up")
    assert joint.call("a2") == {}
    assert joint.state("a2") == "ready"


async def test_an_agent_who_answers_while_the_connection_is_cut_has_the_call_and_nobody_else_is_offered_it(
    joint: Joint,
) -> None:
    await joint.ready("a1")
    joint.asterisk.arrive(1)
    leg = await joint.leg_at("a1")
    await joint.ready("a2")
    joint.cut()
    joint.asterisk.answer(leg)
    await joint.reconnect()
    assert (joint.state("a1"), joint.state("a2")) == ("talking", "ready")
    assert joint.call("a1")["phase"] == "talking"
    assert joint.house.board.offers == {}
    (answered,) = await joint.facts("call.answered")
    assert answered.agent_id == "a1"


async def test_an_answer_to_an_offer_that_was_taken_back_during_the_cut_is_a_talk_all_the_same(joint: Joint) -> None:
    await joint.ready("a1")
    joint.asterisk.arrive(1)
    leg = await joint.leg_at("a1")
    joint.cut()
    joint.house.board.step(ev.Tick(joint.house.clock.advance(20)))
    assert joint.state("a1") == "not_ready"
    for _ in range(5):
        await asyncio.sleep(0)  # the phone is to be stopped, and cannot be
    joint.asterisk.answer(leg)
    await joint.reconnect()
    assert joint.state("a1") == "talking"
    assert joint.place() == "talking"
    (answered,) = await joint.facts("call.answered")
    assert answered.agent_id == "a1"


async def test_an_answer_that_only_asterisk_heard_is_told_once_after_a_kill(joint: Joint) -> None:
    await joint.ready("a1")
    joint.asterisk.arrive(1)
    leg = await joint.leg_at("a1")
    joint.asterisk.answer(leg)
    for _ in range(2):
        joint = await joint.after_a_kill()
        assert joint.state("a1") == "talking"
    (answered,) = await joint.facts("call.answered")
    (offer,) = await joint.facts("offer.ended")
    assert (answered.agent_id, offer.data["result"]) == ("a1", "answered")
    await joint.stop()


async def test_a_consultation_goes_on_after_a_kill_with_the_right_call_on_the_experts_desk(joint: Joint) -> None:
    await joint.ready("a2")
    joint.asterisk.arrive(9)
    earlier = await joint.leg_at("a2")
    joint.asterisk.answer(earlier)
    await joint.until(lambda: joint.call("a2").get("phase") == "talking")
    joint.house.clock.advance(30)
    joint.asterisk.goodbye(earlier)
    await joint.until(lambda: joint.state("a2") == "wrap_up")
    await joint.house.cmd("agent.ready", "a2")
    await joint.house.cmd("wrap_up.end", "a2", then="not_ready")
    joint.house.clock.advance(5)
    await joint.ready("a1")
    await joint.talk()
    await joint.house.cmd("agent.ready", "a2")
    joint.house.clock.advance(5)
    expert = await joint.consult(answered=True)
    joint = await joint.after_a_kill()
    shown = joint.call("a2")
    assert (shown["interaction_id"], shown["role"], shown["phase"]) == ("i1", "expert", "talking")
    assert joint.state("a2") == "talking"
    joint.asterisk.goodbye(expert)
    await joint.until(lambda: joint.state("a2") == "ready")
    assert joint.call("a2") == {}
    await joint.stop()


async def test_an_expert_whose_consultation_ended_during_an_outage_is_ready_without_an_old_call(joint: Joint) -> None:
    await joint.ready("a2")
    joint.asterisk.arrive(9)
    earlier = await joint.leg_at("a2")
    joint.asterisk.answer(earlier)
    await joint.until(lambda: joint.call("a2").get("phase") == "talking")
    joint.house.clock.advance(30)
    joint.asterisk.goodbye(earlier)
    await joint.until(lambda: joint.state("a2") == "wrap_up")
    await joint.house.cmd("wrap_up.end", "a2", then="not_ready")
    await joint.ready("a1")
    await joint.talk()
    await joint.house.cmd("agent.ready", "a2")
    joint.house.clock.advance(5)
    expert = await joint.consult(answered=True)
    joint.asterisk.goodbye(expert)
    joint = await joint.after_a_kill()
    assert joint.call("a2") == {}
    assert joint.state("a2") == "ready"
    await joint.stop()


async def test_a_consultation_that_ends_while_the_connection_is_cut_frees_the_expert(joint: Joint) -> None:
    await joint.ready("a1")
    await joint.talk()
    await joint.ready("a2")
    expert = await joint.consult(answered=True)
    joint.cut()
    joint.asterisk.goodbye(expert)
    await joint.reconnect()
    assert joint.state("a2") == "ready"
    assert joint.call("a2") == {}
    assert joint.state("a1") == "talking"


@pytest.mark.parametrize("how", ["cut", "kill"])
async def test_a_caller_who_gives_up_while_nobody_listens_is_abandoned(joint: Joint, how: str) -> None:
    joint.asterisk.arrive(1)
    await joint.until(lambda: joint.place() == "waiting")
    if how == "cut":
        joint.cut()
        joint.asterisk.goodbye(joint.caller)
        await joint.reconnect()
    else:
        joint.asterisk.goodbye(joint.caller)
        joint = await joint.after_a_kill()
    (ended,) = await joint.facts("call.ended")
    assert (ended.data["ended_by"], ended.data["abandoned"]) == ("caller", True)
    await joint.stop()


async def test_a_customer_who_is_being_called_back_is_never_rung_twice_though_we_are_killed(joint: Joint) -> None:
    joint.asterisk.arrive(1, OC_FROM="+393471234567", OC_DID="+390116180100")
    await joint.until(lambda: joint.place() == "waiting")
    joint.house.board.calls["i1"].may_call_back = True
    joint.house.dispatcher.key_pressed(joint.house.clock.now(), "i1", "1")
    await joint.until(lambda: joint.caller.context == "oc-promised")
    joint.asterisk.goodbye(joint.caller)
    await joint.ready("a1")
    joint.asterisk.answer(await joint.leg_at("a1"))
    await joint.until(joint.customers)
    assert [name.split("-")[1] for name in joint.customers()] == ["1"]
    joint = await joint.after_a_kill()
    assert joint.customers() == []
    (failed,) = await joint.facts("call_back.failed")
    assert (failed.agent_id, failed.data["attempt"]) == ("a1", 1)
    retry = joint.house.board.config.queues["q"].call_back.retry_after
    await joint.until(lambda: joint.state("a1") == "ready")
    view = joint.house.engine.interaction("i1")
    assert view is not None
    assert (view.place, view.call_back_number) == ("held", "+393471234567")
    joint.house.board.step(ev.Tick(joint.house.clock.advance(retry + 1)))
    joint.asterisk.answer(await joint.leg_at("a1"))
    await joint.until(joint.customers)
    assert [name.split("-")[1] for name in joint.customers()] == ["2"]
    await joint.stop()


async def test_a_caller_who_hangs_up_as_soon_as_handed_to_a_queue_has_given_up_there(joint: Joint) -> None:
    await joint.ready("a1")
    await joint.talk()
    await joint.settle()
    handing = asyncio.create_task(joint.house.cmd("call.transfer", to={"kind": "queue", "id": "q2"}))
    await asyncio.sleep(0)
    joint.asterisk.move(joint.caller)
    joint.asterisk.goodbye(joint.caller)
    await joint.until(handing.done)
    (ended,) = await joint.facts("call.ended")
    assert ended.data["abandoned"] is True
    assert (joint.state("a1"), joint.place()) == ("wrap_up", "gone")
