"""Offers on a real Asterisk: what the caller, the agent's phone and the dispatcher see."""

import asyncio
import functools
from dataclasses import replace

import pytest

from acd.ports import Ring
from core.errors import Conflict, NotFound
from phones.audio import tone
from tests.e2e.cti_house import AGENT, CALLER, SINCE, CtiHouse
from tests.e2e.harness.server import TestAsterisk
from tests.patience import PATIENCE


async def test_a_waiting_caller_is_told_with_all_routing_facts(asterisk: TestAsterisk) -> None:
    async with CtiHouse(asterisk) as house:
        _, interaction_id = await house.caller()
        facts = house.book.all("caller_waiting")[0].values[0]
        assert facts.interaction_id == interaction_id
        assert facts.queued_at == SINCE
        assert (facts.queue_id, facts.skills, facts.priority) == ("q-care", "italian>=5 & care>=3", 4)
        assert (facts.number, facts.did) == ("+393471234567", "+390116180100")
        assert (facts.customer_ids, facts.language, facts.path) == (("c-1",), "it", "2 > 1")
        assert facts.preferred_agent_id is None


async def test_the_agent_answers_and_both_hear_each_other(asterisk: TestAsterisk) -> None:
    async with CtiHouse(asterisk) as house:
        phone = await house.agent()
        call, interaction_id = await house.caller()
        leg = await house.talk(interaction_id, phone)
        await call.media.wait_for_tone(AGENT)
        await leg.media.wait_for_tone(CALLER)
        assert leg.header("X-OneCall-Id") == interaction_id
        assert leg.header("X-OneCall-Fence") == str(house.book.all("leg_answered")[0].values[0])
        assert "Nicolò Bianchi" in leg.header("From")
        assert house.book.names() == ["bridge_up", "caller_waiting", "leg_answered", "call_changed"]


async def test_the_agent_hangs_up_and_the_caller_goes_to_the_after_call_step(asterisk: TestAsterisk) -> None:
    async with CtiHouse(asterisk) as house:
        phone = await house.agent()
        call, interaction_id = await house.caller()
        leg = await house.talk(interaction_id, phone)
        await call.media.wait_for_tone(AGENT)
        await leg.hang_up()
        left = await house.book.next("agent_left")
        assert left.values[:3] == (interaction_id, "a-2001", "agent")
        await call.wait_until_ended()
        gone = await house.book.next("caller_gone")
        assert gone.values[:3] == (interaction_id, "agent", "after")
        assert house.book.names("call_changed")[-2:] == ["agent_left", "caller_gone"]


async def test_the_hang_up_command_ends_both_sides(asterisk: TestAsterisk) -> None:
    async with CtiHouse(asterisk) as house:
        phone = await house.agent()
        call, interaction_id = await house.caller()
        leg = await house.talk(interaction_id, phone)
        await call.media.wait_for_tone(AGENT)
        await house.bridge.hang_up(interaction_id, "a-2001")
        await leg.wait_until_ended()
        await call.wait_until_ended()
        gone = await house.book.next("caller_gone")
        assert gone.values[1:3] == ("agent", "after")
        assert house.book.all("agent_left")[0].values[2] == "agent"


async def test_the_caller_hangs_up_in_the_talk_and_the_agents_leg_ends(asterisk: TestAsterisk) -> None:
    async with CtiHouse(asterisk) as house:
        phone = await house.agent()
        call, interaction_id = await house.caller()
        leg = await house.talk(interaction_id, phone)
        await call.media.wait_for_tone(AGENT)
        await call.hang_up()
        await leg.wait_until_ended()
        gone = await house.book.next("caller_gone")
        assert gone.values[1:3] == ("caller", "talk")
        assert house.book.all("agent_left")[0].values[:3] == (interaction_id, "a-2001", "caller")


@pytest.mark.parametrize(("status", "reason"), [(486, "busy"), (603, "rejected"), (480, "no_answer"), (503, "failed")])
async def test_a_refusal_is_told_once_with_its_reason(asterisk: TestAsterisk, status: int, reason: str) -> None:
    async with CtiHouse(asterisk) as house:
        phone = await house.agent()
        call, interaction_id = await house.caller()
        ring = house.offer(interaction_id)
        house.bridge.ring(ring)
        leg = await phone.next_call()
        leg.ring()
        leg.refuse(status)
        refused = await house.book.next("leg_refused")
        assert refused.values == (ring.fence, reason)
        second = await house.talk(interaction_id, phone)
        await call.media.wait_for_tone(AGENT)
        assert second.is_up
        assert len(house.book.all("leg_refused")) == 1


async def test_a_phone_refused_at_once_is_busy_and_not_unreachable(asterisk: TestAsterisk) -> None:
    async with CtiHouse(asterisk) as house:
        phone = await house.agent()
        _, interaction_id = await house.caller()
        for _ in range(20):
            ring = house.offer(interaction_id)
            house.bridge.ring(ring)
            (await phone.next_call()).refuse(486)
            refused = await house.book.next("leg_refused", lambda told, ring=ring: told.values[0] == ring.fence)
            assert refused.values[1] == "busy"
        assert len(house.book.all("leg_refused")) == 20


async def test_a_phone_that_nobody_picks_up_is_told_as_no_answer(asterisk: TestAsterisk) -> None:
    async with CtiHouse(asterisk) as house:
        phone = await house.agent()
        _, interaction_id = await house.caller()
        ring = house.offer(interaction_id, timeout=3)
        house.bridge.ring(ring)
        leg = await phone.next_call()
        leg.ring()
        refused = await house.book.next("leg_refused")
        assert refused.values == (ring.fence, "no_answer")
        assert await leg.wait_until_ended() == "cancelled"


async def test_a_phone_that_is_not_registered_is_unreachable(asterisk: TestAsterisk) -> None:
    async with CtiHouse(asterisk) as house:
        _, interaction_id = await house.caller()
        ring = house.offer(interaction_id, index=5)
        house.bridge.ring(ring)
        refused = await house.book.next("leg_refused")
        assert refused.values == (ring.fence, "unreachable")


async def test_a_withdrawn_offer_stops_the_phone_and_nothing_is_told_of_it(asterisk: TestAsterisk) -> None:
    async with CtiHouse(asterisk) as house:
        phone = await house.agent()
        call, interaction_id = await house.caller()
        ring = house.offer(interaction_id)
        house.bridge.ring(ring)
        leg = await phone.next_call()
        leg.ring()
        house.bridge.stop_ringing(ring.fence)
        assert await leg.wait_until_ended() == "cancelled"
        house.bridge.stop_ringing(ring.fence)
        await house.talk(interaction_id, phone)
        await call.media.wait_for_tone(AGENT)
        assert not house.book.all("leg_refused")
        assert [told.values[0] for told in house.book.all("leg_answered")] != [ring.fence]


async def test_an_offer_withdrawn_before_the_phone_rings_never_leaves_it_ringing(asterisk: TestAsterisk) -> None:
    async with CtiHouse(asterisk) as house:
        phone = await house.agent()
        _, interaction_id = await house.caller()
        for _ in range(20):
            ring = house.offer(interaction_id)
            house.bridge.ring(ring)
            house.bridge.stop_ringing(ring.fence)
        leg = await house.talk(interaction_id, phone)
        for other in [other for other in phone.calls.values() if other is not leg]:
            assert await other.wait_until_ended() == "cancelled"
        assert not house.book.all("leg_refused")
        assert len(house.book.all("leg_answered")) == 1


async def test_the_phone_stops_ringing_when_the_caller_hangs_up(asterisk: TestAsterisk) -> None:
    async with CtiHouse(asterisk) as house:
        phone = await house.agent()
        call, interaction_id = await house.caller()
        house.bridge.ring(house.offer(interaction_id, timeout=10 * PATIENCE))
        leg = await phone.next_call()
        leg.ring()
        await call.hang_up()
        assert await leg.wait_until_ended() == "cancelled"
        gone = await house.book.next("caller_gone")
        assert gone.values[1:3] == ("caller", "hold")
        assert not house.book.all("leg_refused")


async def test_a_stop_that_races_the_answer_leaves_no_leg_up_and_the_caller_in_the_line(asterisk: TestAsterisk) -> None:
    async with CtiHouse(asterisk) as house:
        phone = await house.agent()
        call, interaction_id = await house.caller()
        stopped: dict[int, int] = {}
        for lap in range(40):
            ring = house.offer(interaction_id)
            house.bridge.ring(ring)
            leg = await house.leg_of(phone, ring.fence)
            leg.ring()
            answering = asyncio.create_task(leg.answer())
            await asyncio.sleep((lap % 10) / 1000)
            house.bridge.stop_ringing(ring.fence)
            stopped[ring.fence] = len(house.book.told)
            await leg.wait_until_ended()
            await asyncio.gather(answering, return_exceptions=True)
        await house.talk(interaction_id, phone)
        await call.media.wait_for_tone(AGENT)
        for fence, told_before in stopped.items():
            after = [told.what for told in house.book.told[told_before:] if told.values and told.values[0] == fence]
            assert after == []
        assert not house.book.all("agent_left")
        assert not house.book.all("caller_gone")


async def test_two_offers_for_one_caller_are_a_conflict_and_an_unknown_caller_is_not_found(
    asterisk: TestAsterisk,
) -> None:
    async with CtiHouse(asterisk) as house:
        phone = await house.agent()
        _, interaction_id = await house.caller()
        ring = house.offer(interaction_id)
        house.bridge.ring(ring)
        with pytest.raises(Conflict):
            house.bridge.ring(house.offer(interaction_id, 1))
        with pytest.raises(NotFound):
            house.bridge.ring(replace(ring, interaction_id="nobody"))
        (await phone.next_call()).refuse(486)


async def test_a_callers_name_cannot_break_out_of_its_header(asterisk: TestAsterisk) -> None:
    async with CtiHouse(asterisk) as house:
        phone = await house.agent()
        _, interaction_id = await house.caller()
        evil = 'x" <999>\r\nVariable: OC_EVIL=1\r\n\r\nAction: Hangup'
        house.bridge.ring(replace(house.offer(interaction_id), caller_name=evil, caller_number="1\r\n2"))
        leg = await phone.next_call()
        assert "sip:12@" in leg.header("From")
        leg.refuse(486)


async def test_an_answer_followed_at_once_by_a_goodbye_leaves_the_caller_cared_for(asterisk: TestAsterisk) -> None:
    async with CtiHouse(asterisk) as house:
        phone = await house.agent()
        for _ in range(10):
            call, interaction_id = await house.caller()
            ring = house.offer(interaction_id)
            house.bridge.ring(ring)
            leg = await house.leg_of(phone, ring.fence)
            await leg.answer()
            await leg.hang_up()
            await house.book.until(functools.partial(settled, house, ring))
            if not any(told.values[0] == interaction_id for told in house.book.all("caller_gone")):
                await house.talk(interaction_id, phone)
                await call.media.wait_for_tone(AGENT)
                await call.hang_up()
            await house.book.next("caller_gone", lambda told, gone=interaction_id: told.values[0] == gone)


def settled(house: CtiHouse, ring: Ring) -> bool:
    """The offer is over, and the caller is at the end or in the line again."""
    book, interaction_id = house.book, ring.interaction_id
    if any(told.values == (ring.fence, "rejected") for told in book.all("leg_refused")):
        return True
    left = any(told.values[0] == interaction_id for told in book.all("agent_left"))
    waits = [told for told in book.all("caller_waiting") if told.values[0].interaction_id == interaction_id]
    gone = any(told.values[0] == interaction_id for told in book.all("caller_gone"))
    return left and (gone or len(waits) > 1)


async def test_the_callers_tone_is_heard_only_by_the_agent_who_answered(asterisk: TestAsterisk) -> None:
    async with CtiHouse(asterisk) as house:
        phones = [await house.agent(index) for index in range(2)]
        calls = [await house.caller(hertz) for hertz in (CALLER, 520.0)]
        legs = [
            await house.talk(interaction_id, phones[index], index, AGENT + 150 * index)
            for index, (_, interaction_id) in enumerate(calls)
        ]
        await legs[0].media.wait_for_tone(CALLER)
        await legs[1].media.wait_for_tone(520.0)
        await calls[0][0].media.wait_for_tone(AGENT)
        await calls[1][0].media.wait_for_tone(AGENT + 150)
        assert tone(CALLER)
