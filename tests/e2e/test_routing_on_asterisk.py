"""What a routing plan promises, on a real Asterisk: who rings, who waits, who is called back."""

import asyncio
import hashlib
from pathlib import Path
from typing import Any

import pytest

from phones.audio import tone
from phones.phone import Phone
from tests.e2e.routing_house import DID, Floor, floor
from tests.ports import free_ports


async def test_a_waiting_caller_goes_to_the_agent_whose_skill_the_plan_asks_for_first() -> None:
    plan = {"plan": {"steps": [{"require": "roaming>=5"}]}}
    async with floor(plan, {"2001": {"roaming": 3}, "2002": {"roaming": 7}}) as here:
        other, expert = await here.agent("2001"), await here.agent("2002")
        await (await here.caller()).dial(DID)
        await expert.next_call()
        assert other.invites == []


async def test_a_plan_that_grows_wider_reaches_the_next_agents_after_its_wait() -> None:
    steps = [{"require": "roaming>=5"}, {"after": 2.0, "require": "roaming>=1"}]
    async with floor({"plan": {"steps": steps}}, {"2001": {"roaming": 3}, "2002": {"roaming": 7}}) as here:
        other = await here.agent("2001")
        await (await here.caller()).dial(DID)
        await here.waiting(1)
        queued = here.house._board.engine.waiting("q1")[0].waiting_since
        leg = await other.next_call()
        assert here.house._board.clock.now() - queued >= 2.0
        await leg.answer()
        facts = {fact.kind: fact for fact in await here.facts()}
        assert facts["call.answered"].data["waited"] >= 2.0


async def test_a_queue_that_is_full_sends_the_next_caller_to_voicemail() -> None:
    flow = """
flow: straight
start: identify
diverts: {voicemail: message}
steps:
  identify: {do: identify, next: wait}
  wait: {do: queue, queue: q1}
  message: {do: voicemail, next: end}
  end: {do: hang_up}
"""
    plan = {"max_waiting": 1, "on_full": {"kind": "voicemail"}}
    async with floor(plan, flow=flow) as here:
        first = await (await here.caller("+393470000001")).dial(DID)
        await first.answered()
        await here.waiting(1)
        second = await (await here.caller("+393470000002")).dial(DID)
        await second.answered()
        second.media.loop_sound(tone(440))
        voicemail = here.house._ground.settings.state.resolve() / "ivr" / "voicemail"
        await here.until(lambda: any(voicemail.glob("*.wav")))
        await second.hang_up()
        assert len(here.house._board.engine.waiting("q1")) == 1


async def test_a_waiting_caller_hears_the_place_in_line_between_the_music() -> None:
    plan = {"announcements": {"first_after": 1.0, "every": 60.0}}
    async with floor(plan) as here:
        call = await (await here.caller()).dial(DID)
        await call.answered()
        await here.waiting(1)
        (interaction,) = here.house._board.calls
        switch = here.house._bridge._switch
        await here.until(lambda: switch.calls.need(interaction).place.stage == "announce")
        await here.until(lambda: switch.calls.need(interaction).place.stage == "hold")
        await call.media.wait_for_sound()


async def test_a_supervisor_moves_a_caller_before_all_others() -> None:
    async with floor() as here:
        for number in ("+393470000001", "+393470000002"):
            await (await (await here.caller(number)).dial(DID)).answered()
            await here.until(lambda number=number: here.waits(number))
        later = here.waits("+393470000002")
        await here.ask("queue.move", interaction_id=later, front=True)
        agent = await here.agent("2001")
        assert (await agent.next_call()).header("X-OneCall-Id") == later


async def test_a_caller_put_before_all_others_stays_so_in_another_queue_and_through_a_restart() -> None:
    async with floor(agents={"2001": {}}, only_second=["2001"]) as here:
        for number in ("+393470000001", "+393470000002"):
            await (await (await here.caller(number)).dial(DID)).answered()
            await here.until(lambda number=number: here.waits(number))
        first, later = here.waits("+393470000001"), here.waits("+393470000002")
        await here.ask("queue.move", interaction_id=first, queue_id="q2")
        await here.ask("queue.move", interaction_id=later, front=True)
        await here.ask("queue.move", interaction_id=later, queue_id="q2")
        await here.restart()
        await here.until(lambda: len(here.house._board.engine.waiting("q2")) == 2)
        agent = await here.agent("2001")
        assert (await agent.next_call()).header("X-OneCall-Id") == later


CALL_BACK: dict[str, Any] = {
    "plan": {"steps": [{"require": ""}, {"after": 0.5, "overflow": {"kind": "call_back"}}]},
    "call_back": {"max_attempts": 2, "retry_after": 1.0},
}


async def _promised(here: Floor, caller: Phone) -> str:
    """A caller who has chosen the call-back and hung up; returns the interaction."""
    call = await caller.dial(DID)
    await call.answered()
    await here.waiting(1)
    (interaction,) = here.house._board.calls
    switch = here.house._bridge._switch
    await here.until(lambda: switch.calls.need(interaction).place.stage == "announce")
    assert here.house._board.calls[interaction].may_call_back
    await call.media.dial_digits("1")
    await here.until(lambda: here.house._board.calls[interaction].promised)
    assert await call.wait_until_ended() == "remote"
    return interaction


async def test_a_caller_keeps_the_place_for_a_call_back_and_is_dialled_when_an_agent_is_there() -> None:
    (port,) = free_ports(1)
    async with floor(CALL_BACK, trunk_port=port) as here:
        customer = await here.asterisk.caller("+393471234567", port=port)
        here.phones.append(customer)
        interaction = await _promised(here, customer)
        assert [view.interaction_id for view in here.house._board.engine.waiting("q1")] == [interaction]
        agent = await here.agent("2001")
        leg = await agent.next_call()
        assert customer.invites == []
        await leg.answer()
        back = await customer.next_call()
        await back.answer()
        back.media.loop_sound(tone(440))
        leg.media.loop_sound(tone(700))
        await asyncio.gather(back.media.wait_for_tone(700), leg.media.wait_for_tone(440))
        assert here.desk("2001")["agent"]["state"] == "talking"
        await back.hang_up()
        await leg.wait_until_ended()
        await here.until(lambda: here.desk("2001")["agent"]["state"] == "ready")
        kinds = [fact.kind for fact in await here.facts() if fact.interaction_id == interaction]
        assert (kinds.count("call_back.promised"), kinds.count("call_back.answered"), kinds.count("call.ended")) == (
            1,
            1,
            1,
        )
        ended = next(fact for fact in await here.facts() if fact.kind == "call.ended")
        assert ended.data["abandoned"] is False


async def test_a_customer_who_is_not_reached_is_tried_again_and_then_handed_to_a_person() -> None:
    (port,) = free_ports(1)
    async with floor(CALL_BACK, trunk_port=port) as here:
        customer = await here.asterisk.caller("+393471234567", port=port)
        here.phones.append(customer)
        interaction = await _promised(here, customer)
        agent = await here.agent("2001")
        for _ in range(2):
            leg = await agent.next_call()
            await leg.answer()
            (await customer.next_call()).refuse(486)
            assert await leg.wait_until_ended() == "remote"
        await here.until(lambda: interaction not in here.house._board.calls)
        assert here.desk("2001")["agent"]["state"] == "ready"
        reasons = [fact.data["reason"] for fact in await here.facts() if fact.kind == "call_back.failed"]
        assert reasons == ["busy", "busy"]
        assert len(customer.invites) == 2


CONSENT = """
flow: straight
start: consent
steps:
  consent: {do: consent, next: wait}
  wait: {do: queue, queue: q1}
"""


@pytest.mark.parametrize("consent", [True, False], ids=["recorded", "not recorded"])
async def test_a_call_back_is_recorded_beside_the_first_call_and_only_if_that_one_was(consent: bool) -> None:
    (port,) = free_ports(1)
    async with floor(CALL_BACK, trunk_port=port, **({"flow": CONSENT} if consent else {})) as here:
        customer = await here.asterisk.caller("+393471234567", port=port)
        here.phones.append(customer)
        interaction = await _promised(here, customer)
        agent = await here.agent("2001")
        leg = await agent.next_call(20)
        await leg.answer()
        back = await customer.next_call(20)
        await back.answer()
        back.media.loop_sound(tone(440))
        await leg.media.wait_for_tone(440)
        await here.until(lambda: here.desk("2001")["call"]["recording"]["on"] == consent)
        await back.hang_up()
        await leg.wait_until_ended(20)
        count = 2 if consent else 0
        root = here.house._ground.settings.recordings_folder
        await here.until(lambda: len(list(root.glob("*/*/*/*.closed"))) == count)
        closed = [fact.data for fact in await here.facts() if fact.kind == "recording.closed"]
        assert len(closed) == count
        assert {Path(data["path"]).stem for data in closed} == set([interaction, f"{interaction}-cb1"][:count])
        for data in closed:
            assert data["sha256"] == hashlib.sha256((root / data["path"]).read_bytes()).hexdigest()
        assert len(list(root.glob("*/*/*/*.wav"))) == 3 * count


async def test_a_promised_call_back_survives_the_death_of_the_routing_process() -> None:
    (port,) = free_ports(1)
    async with floor(CALL_BACK, trunk_port=port) as here:
        customer = await here.asterisk.caller("+393471234567", port=port)
        here.phones.append(customer)
        interaction = await _promised(here, customer)
        await here.restart()
        await here.until(lambda: interaction in here.house._board.calls)
        agent = await here.agent("2001")
        await (await agent.next_call()).answer()
        await (await customer.next_call()).answer()
        assert len(customer.invites) == 1


async def test_an_agent_who_does_not_answer_is_passed_over_and_the_caller_keeps_its_place() -> None:
    async with floor({"ring_timeout": 2.0}) as here:
        silent = await here.agent("2001")
        call = await (await here.caller()).dial(DID)
        await silent.next_call()
        other = await here.agent("2002")
        leg = await other.next_call()
        await leg.answer()
        assert here.desk("2001")["agent"]["reason"] == "rona"
        await call.hang_up()


TRANSFER = """
flow: straight
start: outside
steps:
  outside: {do: transfer, number: "+390655555", ring_seconds: 5, otherwise: wait}
  wait: {do: queue, queue: q1}
"""


@pytest.mark.parametrize("status", [486, None], ids=["busy", "not answered"])
async def test_a_number_that_does_not_take_a_caller_of_the_ivr_leads_on_in_the_flow(status: int | None) -> None:
    (port,) = free_ports(1)
    async with floor(flow=TRANSFER, trunk_port=port) as here:
        outside = await here.asterisk.caller("outside", port=port)
        here.phones.append(outside)
        call = await (await here.caller()).dial(DID)
        await call.answered()
        rung = await outside.next_call(20)
        rung.ring()
        await call.media.wait_for_sound()
        if status is not None:
            rung.refuse(status)
        else:
            assert await rung.wait_until_ended(20) == "cancelled"
        await here.waiting(1)
        agent = await here.agent("2001")
        leg = await agent.next_call(20)
        await leg.answer()
        leg.media.loop_sound(tone(700))
        await call.media.wait_for_tone(700)


async def test_a_number_that_answers_a_caller_of_the_ivr_talks_with_that_caller() -> None:
    (port,) = free_ports(1)
    async with floor(flow=TRANSFER, trunk_port=port) as here:
        outside = await here.asterisk.caller("outside", port=port)
        here.phones.append(outside)
        call = await (await here.caller()).dial(DID)
        await call.answered()
        call.media.loop_sound(tone(440))
        rung = await outside.next_call(20)
        await rung.answer()
        rung.media.loop_sound(tone(700))
        await asyncio.gather(call.media.wait_for_tone(700), rung.media.wait_for_tone(440))
        await rung.hang_up()
        assert await call.wait_until_ended(20) == "remote"
        assert not here.house._board.calls


async def test_a_caller_of_the_ivr_who_hangs_up_stops_the_number_that_rings() -> None:
    (port,) = free_ports(1)
    async with floor(flow=TRANSFER, trunk_port=port) as here:
        outside = await here.asterisk.caller("outside", port=port)
        here.phones.append(outside)
        call = await (await here.caller()).dial(DID)
        await call.answered()
        rung = await outside.next_call(20)
        rung.ring()
        await call.hang_up()
        assert await rung.wait_until_ended(20) == "cancelled"
        await here.until(lambda: here.house._rooms.ivr.calls == 0)
