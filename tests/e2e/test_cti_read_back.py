"""The bridge dies, is cut off, or Asterisk restarts: nobody is lost, and everything is found again."""

import asyncio
import time

from acd.ports import Target
from phones.audio import tone
from tests.e2e.cti_house import AGENT, CALLER, EXPERT, RECORDING_IVR, SINCE, CtiHouse
from tests.e2e.harness.fixtures import AGENTS, MakeAsterisk
from tests.e2e.harness.server import TestAsterisk
from tests.patience import PATIENCE


async def test_waiting_callers_are_found_with_their_old_waiting_time(asterisk: TestAsterisk) -> None:
    async with CtiHouse(asterisk) as house:
        calls = [await house.caller() for _ in range(3)]
        facts = {told.values[0] for told in house.book.all("caller_waiting")}
        await house.stop_bridge()
        state = await house.start_bridge()
        assert set(state.waiting) == facts
        assert {one.queued_at for one in state.waiting} == {SINCE}
        assert (state.talking, dict(state.ringing)) == ((), {})
        phone = await house.agent()
        await house.talk(calls[1][1], phone)
        await calls[1][0].media.wait_for_tone(AGENT)


async def test_a_live_talk_goes_on_is_found_and_can_be_controlled(asterisk: TestAsterisk) -> None:
    async with CtiHouse(asterisk, RECORDING_IVR) as house:
        phone = await house.agent()
        call, interaction_id = await house.caller()
        before = time.time()
        leg = await house.talk(interaction_id, phone)
        talking = time.time()
        await call.media.wait_for_tone(AGENT)
        await house.stop_bridge()
        await call.media.hear_tone(AGENT, 0.5)
        state = await house.start_bridge()
        (live,) = state.talking
        assert (live.facts.interaction_id, live.view.agent_id, live.view.phase) == (interaction_id, "a-2001", "talking")
        # Asterisk remembers whole seconds.
        assert int(before) <= live.answered <= talking
        assert live.view.recording.on
        assert "2001" in state.registered
        assert state.waiting == ()
        await house.bridge.hold(interaction_id, "a-2001")
        await house.book.phase("hold")
        await house.bridge.resume(interaction_id, "a-2001")
        await call.media.wait_for_tone(AGENT)
        await leg.hang_up()
        gone = await house.book.next("caller_gone")
        assert gone.values[:3] == (interaction_id, "agent", "after")


async def test_a_caller_on_hold_is_found_on_hold_since_then(asterisk: TestAsterisk) -> None:
    async with CtiHouse(asterisk) as house:
        phone = await house.agent()
        call, interaction_id = await house.caller()
        await house.talk(interaction_id, phone)
        await call.media.wait_for_tone(AGENT)
        await house.bridge.hold(interaction_id, "a-2001")
        before = await house.book.phase("hold")
        await house.stop_bridge()
        state = await house.start_bridge()
        (live,) = state.talking
        assert live.view.phase == "hold"
        assert live.view.held_since is not None
        assert before.held_since is not None
        assert abs(live.view.held_since - before.held_since) < 0.01
        await house.bridge.resume(interaction_id, "a-2001")
        await call.media.wait_for_tone(AGENT)


async def test_a_consultation_is_found_with_its_expert_and_can_be_completed(asterisk: TestAsterisk) -> None:
    async with CtiHouse(asterisk) as house:
        phone, expert_phone = await house.agent(0), await house.agent(1)
        call, interaction_id = await house.caller()
        leg = await house.talk(interaction_id, phone)
        await house.bridge.consult(interaction_id, "a-2001", Target("agent", "a-2002"), "2002")
        expert = await expert_phone.next_call()
        await expert.answer()
        expert.media.loop_sound(tone(EXPERT))
        await leg.media.wait_for_tone(EXPERT)
        await house.stop_bridge()
        state = await house.start_bridge()
        (live,) = state.talking
        assert live.view.phase == "consulting"
        assert live.view.consult is not None
        assert (live.view.consult.target, live.view.consult.state) == (Target("agent", "a-2002"), "talking")
        await house.bridge.consult_complete(interaction_id, "a-2001")
        await call.media.wait_for_tone(EXPERT)
        await leg.wait_until_ended()
        await house.stop_bridge()
        state = await house.start_bridge()
        assert [live.view.agent_id for live in state.talking] == ["a-2002"]
        assert state.talking[0].view.phase == "talking"


async def test_a_phone_that_rings_for_a_dead_life_is_stopped_and_its_caller_waits(asterisk: TestAsterisk) -> None:
    async with CtiHouse(asterisk) as house:
        phone = await house.agent()
        call, interaction_id = await house.caller()
        house.bridge.ring(house.offer(interaction_id))
        leg = await phone.next_call()
        leg.ring()
        await house.stop_bridge()
        state = await house.start_bridge()
        assert await leg.wait_until_ended() == "cancelled"
        assert [one.interaction_id for one in state.waiting] == [interaction_id]
        assert dict(state.ringing) == {}
        await house.talk(interaction_id, phone)
        await call.media.wait_for_tone(AGENT)


async def test_a_phone_that_answered_while_nobody_was_there_gets_its_caller_at_the_return(
    asterisk: TestAsterisk,
) -> None:
    async with CtiHouse(asterisk) as house:
        phone = await house.agent()
        call, interaction_id = await house.caller()
        house.bridge.ring(house.offer(interaction_id))
        leg = await phone.next_call()
        leg.ring()
        await house.stop_bridge()
        await leg.answer()
        leg.media.loop_sound(tone(AGENT))
        await until_in_a_room(house)
        state = await house.start_bridge()
        assert [live.view.agent_id for live in state.talking] == ["a-2001"]
        await call.media.wait_for_tone(AGENT)
        await leg.media.wait_for_tone(CALLER)


async def test_a_cut_of_the_connection_keeps_ringing_what_rings_and_its_answer_is_still_told(
    asterisk: TestAsterisk,
) -> None:
    async with CtiHouse(asterisk) as house:
        phone = await house.agent()
        call, interaction_id = await house.caller()
        ring = house.offer(interaction_id)
        house.bridge.ring(ring)
        leg = await phone.next_call()
        leg.ring()
        house.bridge.manager.reconnect("cut for a test")
        await house.book.until(lambda: len(house.book.all("bridge_up")) == 2)
        assert dict(house.book.all("bridge_up")[-1].values[0].ringing) == {ring.fence: interaction_id}
        await leg.answer()
        leg.media.loop_sound(tone(AGENT))
        await house.book.next("leg_answered", lambda told: told.values[0] == ring.fence)
        await call.media.wait_for_tone(AGENT)
        assert house.book.names()[:4] == ["bridge_up", "caller_waiting", "bridge_down", "bridge_up"]


async def test_what_happened_during_a_cut_is_in_the_read_back(make_asterisk: MakeAsterisk) -> None:
    asterisk = await make_asterisk()
    async with CtiHouse(asterisk) as house:
        phone = await house.agent()
        _, staying = await house.caller()
        leaving, left_id = await house.caller()
        talking, talk_id = await house.caller()
        leg = await house.talk(talk_id, phone)
        await talking.media.wait_for_tone(AGENT)
        await house.stop_bridge()
        await leaving.hang_up()
        await leg.hang_up()
        await talking.wait_until_ended()
        state = await house.start_bridge()
        assert [one.interaction_id for one in state.waiting] == [staying]
        assert state.talking == ()
        assert left_id not in {one.interaction_id for one in state.waiting}


async def test_asterisk_killed_and_started_again_is_noticed_and_read_back_empty(make_asterisk: MakeAsterisk) -> None:
    asterisk = await make_asterisk()
    async with CtiHouse(asterisk) as house:
        await house.caller()
        asterisk.instance.kill()
        await house.book.next("bridge_down")
        await asterisk.start(AGENTS)
        await house.book.until(lambda: len(house.book.all("bridge_up")) == 2, 30)
        state = house.book.all("bridge_up")[-1].values[0]
        assert (state.waiting, state.talking, dict(state.ringing)) == ((), (), {})
        phone = await house.agent()
        call, interaction_id = await house.caller()
        await house.talk(interaction_id, phone)
        await call.media.wait_for_tone(AGENT)


async def test_twenty_cuts_in_a_row_lose_nobody(asterisk: TestAsterisk) -> None:
    async with CtiHouse(asterisk) as house:
        phone = await house.agent()
        waiting, waits_id = await house.caller()
        call, interaction_id = await house.caller()
        await house.talk(interaction_id, phone)
        for lap in range(20):
            if lap % 2:
                await house.bridge.hold(interaction_id, "a-2001")
            else:
                await house.bridge.resume(interaction_id, "a-2001")
            house.bridge.manager.reconnect("cut for a test")
            await house.book.until(lambda lap=lap: len(house.book.all("bridge_up")) == lap + 2)  # type: ignore[misc]
            state = house.book.all("bridge_up")[-1].values[0]
            assert [one.interaction_id for one in state.waiting] == [waits_id]
            assert [live.facts.interaction_id for live in state.talking] == [interaction_id]
        await house.bridge.resume(interaction_id, "a-2001")
        await call.media.wait_for_tone(AGENT)
        await waiting.media.wait_for_sound()


async def until_in_a_room(house: CtiHouse) -> None:
    """Wait until Asterisk has somebody in a room."""
    async with house.asterisk.manager() as manager, asyncio.timeout(PATIENCE):
        while (await manager.action("ConfbridgeListRooms"))["Response"] != "Success":
            await asyncio.sleep(0.02)
