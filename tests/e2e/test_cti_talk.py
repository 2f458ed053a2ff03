"""Call control on a real Asterisk: who hears whom, who is told what, and who goes when."""

import asyncio
from dataclasses import replace

import pytest

from acd.ports import Target
from core.errors import Conflict, Invalid
from phones.audio import tone
from phones.call import Call
from phones.phone import Phone
from tests.e2e.cti_house import AGENT, CALLER, EXPERT, CtiHouse
from tests.e2e.harness.server import TestAsterisk
from tests.patience import PATIENCE


class Three:
    """A caller in talk with agent 2001, and the phone of expert 2002."""

    def __init__(self, house: CtiHouse, call: Call, interaction_id: str, leg: Call, expert: Phone) -> None:
        self.house, self.call, self.interaction_id, self.leg, self.expert = house, call, interaction_id, leg, expert
        self.me = (interaction_id, "a-2001")

    async def consult(self) -> Call:
        """The expert has answered and talks with the agent."""
        await self.house.bridge.consult(*self.me, Target("agent", "a-2002"), "2002")
        await self.house.book.phase("consulting")
        leg = await self.expert.next_call()
        leg.ring()
        await leg.answer()
        leg.media.loop_sound(tone(EXPERT))
        await self.leg.media.wait_for_tone(EXPERT)
        return leg


async def three(house: CtiHouse) -> Three:
    phone, expert = await house.agent(0), await house.agent(1)
    call, interaction_id = await house.caller()
    leg = await house.talk(interaction_id, phone)
    await call.media.wait_for_tone(AGENT)
    await leg.media.wait_for_tone(CALLER)
    return Three(house, call, interaction_id, leg, expert)


async def test_hold_gives_the_caller_music_and_resume_brings_both_together_again(asterisk: TestAsterisk) -> None:
    async with CtiHouse(asterisk) as house:
        talk = await three(house)
        await house.bridge.hold(*talk.me)
        view = await house.book.phase("hold")
        assert view.held_since is not None
        await talk.call.media.wait_for_sound()
        await talk.leg.media.wait_for_silence()
        await talk.call.media.wait_for_no_tone(AGENT)
        await house.bridge.resume(*talk.me)
        view = await house.book.phase("talking")
        assert view.held_since is None
        assert view.hold_total > 0.1
        await talk.call.media.wait_for_tone(AGENT)
        await talk.leg.media.wait_for_tone(CALLER)
        assert [fact.kind for fact in house.book.facts] == ["call.hold", "call.resume"]
        assert {fact.agent_id for fact in house.book.facts} == {"a-2001"}


async def test_the_hold_key_of_a_desk_phone_is_our_hold(asterisk: TestAsterisk) -> None:
    async with CtiHouse(asterisk) as house:
        talk = await three(house)
        await talk.leg.hold()
        await house.book.phase("hold")
        await talk.call.media.wait_for_sound()
        await talk.leg.resume()
        await house.book.phase("talking")
        await talk.call.media.wait_for_tone(AGENT)


async def test_a_desk_phone_that_rings_picks_up_when_the_desk_says_so(asterisk: TestAsterisk) -> None:
    async with CtiHouse(asterisk) as house:
        phone = await house.agent()
        call, interaction_id = await house.caller()
        ring = house.offer(interaction_id)
        house.bridge.ring(ring)
        leg = await house.leg_of(phone, ring.fence)
        leg.ring()
        rung = house.bridge._switch.calls.ringing(ring.fence)
        async with asyncio.timeout(PATIENCE):
            while rung is not None and not rung.rang:
                await asyncio.sleep(0.01)
        await house.bridge.answer(ring.fence)
        await house.book.next("leg_answered", lambda told: told.values[0] == ring.fence)
        leg.media.loop_sound(tone(AGENT))
        await call.media.wait_for_tone(AGENT)
        await leg.media.wait_for_tone(CALLER)


async def test_nobody_hears_a_muted_agent_who_hears_everybody(asterisk: TestAsterisk) -> None:
    async with CtiHouse(asterisk) as house:
        talk = await three(house)
        await house.bridge.mute(*talk.me, True)
        await house.book.next("call_changed", lambda told: told.values[0].muted)
        await talk.call.media.wait_for_no_tone(AGENT)
        await talk.leg.media.wait_for_tone(CALLER)
        await house.stop_bridge()
        state = await house.start_bridge()
        assert state.talking[0].view.muted
        await house.bridge.mute(*talk.me, False)
        await house.book.next("call_changed", lambda told: not told.values[0].muted)
        await talk.call.media.wait_for_tone(AGENT)


async def test_hold_and_resume_pressed_in_one_breath_end_where_the_last_key_says(asterisk: TestAsterisk) -> None:
    async with CtiHouse(asterisk) as house:
        talk = await three(house)
        for _ in range(20):
            await house.bridge.hold(*talk.me)
            await house.bridge.resume(*talk.me)
        await house.bridge.hold(*talk.me)
        await house.book.phase("hold")
        await house.bridge.resume(*talk.me)
        await house.book.phase("talking")
        await talk.call.media.wait_for_tone(AGENT)
        await talk.leg.media.wait_for_tone(CALLER)


async def test_keys_sent_by_the_agent_arrive_at_the_caller(asterisk: TestAsterisk) -> None:
    async with CtiHouse(asterisk) as house:
        talk = await three(house)
        await house.bridge.dtmf(*talk.me, "12#")
        await until_keys(talk.call, "12#")
        with pytest.raises(Invalid):
            await house.bridge.dtmf(*talk.me, "1\r\nAction: Logoff")


async def test_keys_being_played_do_not_hold_up_other_actions(asterisk: TestAsterisk) -> None:
    async with CtiHouse(asterisk) as house:
        talk = await three(house)
        keys = asyncio.create_task(house.bridge.dtmf(*talk.me, "1234567890"))
        await until_keys(talk.call, "12")
        await house.bridge.manager.ask("Ping")
        assert not keys.done()
        await keys


async def test_the_agent_hangs_up_while_the_caller_is_on_hold(asterisk: TestAsterisk) -> None:
    async with CtiHouse(asterisk) as house:
        talk = await three(house)
        await house.bridge.hold(*talk.me)
        await house.book.phase("hold")
        await talk.leg.hang_up()
        await talk.call.wait_until_ended()
        gone = await house.book.next("caller_gone")
        assert gone.values[1:3] == ("agent", "after")
        assert house.book.all("agent_left")[0].values[3] > 0


async def test_the_caller_hangs_up_on_hold(asterisk: TestAsterisk) -> None:
    async with CtiHouse(asterisk) as house:
        talk = await three(house)
        await house.bridge.hold(*talk.me)
        await house.book.phase("hold")
        await talk.call.hang_up()
        await talk.leg.wait_until_ended()
        gone = await house.book.next("caller_gone")
        assert gone.values[1:3] == ("caller", "rest")


async def test_in_a_consultation_agent_and_expert_talk_while_the_caller_hears_music(asterisk: TestAsterisk) -> None:
    async with CtiHouse(asterisk) as house:
        talk = await three(house)
        expert = await talk.consult()
        assert expert.header("X-OneCall-Id") == talk.interaction_id
        await expert.media.wait_for_tone(AGENT)
        await talk.call.media.wait_for_sound()
        await talk.call.media.wait_for_no_tone(AGENT)
        await talk.call.media.wait_for_no_tone(EXPERT)
        await expert.media.wait_for_no_tone(CALLER)
        view = await house.book.phase("consulting")
        assert view.consult is not None
        assert (view.consult.target, view.consult.state) == (Target("agent", "a-2002"), "talking")


async def test_a_cancelled_consultation_brings_the_caller_back(asterisk: TestAsterisk) -> None:
    async with CtiHouse(asterisk) as house:
        talk = await three(house)
        expert = await talk.consult()
        await house.bridge.consult_cancel(*talk.me)
        await expert.wait_until_ended()
        view = await house.book.phase("talking")
        assert view.consult is None
        await talk.call.media.wait_for_tone(AGENT)
        await talk.leg.media.wait_for_tone(CALLER)


async def test_a_consultation_cancelled_while_ringing_stops_the_experts_phone(asterisk: TestAsterisk) -> None:
    async with CtiHouse(asterisk) as house:
        talk = await three(house)
        await house.bridge.consult(*talk.me, Target("agent", "a-2002"), "2002")
        expert = await talk.expert.next_call()
        expert.ring()
        await house.bridge.consult_cancel(*talk.me)
        assert await expert.wait_until_ended() == "cancelled"
        await house.book.phase("talking")
        await talk.call.media.wait_for_tone(AGENT)


async def test_a_completed_consultation_hands_the_caller_to_the_expert(asterisk: TestAsterisk) -> None:
    async with CtiHouse(asterisk) as house:
        talk = await three(house)
        expert = await talk.consult()
        await house.bridge.consult_complete(*talk.me)
        await talk.leg.wait_until_ended()
        await talk.call.media.wait_for_tone(EXPERT)
        await expert.media.wait_for_tone(CALLER)
        joined = await house.book.next("agent_joined")
        left = await house.book.next("agent_left")
        assert joined.values == (talk.interaction_id, "a-2002")
        assert left.values[:3] == (talk.interaction_id, "a-2001", "agent")
        assert house.book.names("call_changed")[-2:] == ["agent_joined", "agent_left"]
        await house.bridge.hold(talk.interaction_id, "a-2002")
        await house.book.phase("hold")
        await house.bridge.resume(talk.interaction_id, "a-2002")
        await talk.call.media.wait_for_tone(EXPERT)
        await expert.hang_up()
        gone = await house.book.next("caller_gone")
        assert gone.values[1:3] == ("agent", "after")


async def test_a_conference_has_all_three_hear_each_other(asterisk: TestAsterisk) -> None:
    async with CtiHouse(asterisk) as house:
        talk = await three(house)
        expert = await talk.consult()
        await house.bridge.conference(*talk.me)
        await house.book.phase("conference")
        for one, tones in ((talk.call, (AGENT, EXPERT)), (talk.leg, (CALLER, EXPERT)), (expert, (CALLER, AGENT))):
            for hertz in tones:
                await one.media.wait_for_tone(hertz)
        kinds = [fact.kind for fact in house.book.facts]
        assert sorted(kinds) == ["call.conference", "call.consult", "call.hold", "call.resume"]
        assert kinds[-1] == "call.conference"


async def test_the_expert_leaves_a_conference_and_the_others_talk_on(asterisk: TestAsterisk) -> None:
    async with CtiHouse(asterisk) as house:
        talk = await three(house)
        expert = await talk.consult()
        await house.bridge.conference(*talk.me)
        await talk.call.media.wait_for_tone(EXPERT)
        await expert.hang_up()
        await house.book.phase("talking")
        await talk.call.media.wait_for_no_tone(EXPERT)
        await talk.call.media.wait_for_tone(AGENT)


async def test_the_agent_leaves_a_conference_and_the_call_is_the_experts(asterisk: TestAsterisk) -> None:
    async with CtiHouse(asterisk) as house:
        talk = await three(house)
        expert = await talk.consult()
        await house.bridge.conference(*talk.me)
        await talk.call.media.wait_for_tone(EXPERT)
        await talk.leg.hang_up()
        await house.book.next("agent_joined")
        await house.book.next("agent_left")
        await talk.call.media.wait_for_no_tone(AGENT)
        await talk.call.media.wait_for_tone(EXPERT)
        await expert.media.wait_for_tone(CALLER)


async def test_the_caller_leaves_a_conference_and_no_leg_stays(asterisk: TestAsterisk) -> None:
    async with CtiHouse(asterisk) as house:
        talk = await three(house)
        expert = await talk.consult()
        await house.bridge.conference(*talk.me)
        await talk.call.media.wait_for_tone(EXPERT)
        await talk.call.hang_up()
        await talk.leg.wait_until_ended()
        await expert.wait_until_ended()
        await house.book.next("caller_gone")


async def test_the_caller_hangs_up_during_a_consultation_and_no_leg_stays(asterisk: TestAsterisk) -> None:
    async with CtiHouse(asterisk) as house:
        talk = await three(house)
        expert = await talk.consult()
        await talk.call.hang_up()
        await talk.leg.wait_until_ended()
        await expert.wait_until_ended()
        gone = await house.book.next("caller_gone")
        assert gone.values[1:3] == ("caller", "rest")


async def test_the_agent_hangs_up_during_a_consultation_and_the_caller_reaches_the_expert(
    asterisk: TestAsterisk,
) -> None:
    async with CtiHouse(asterisk) as house:
        talk = await three(house)
        expert = await talk.consult()
        await talk.leg.hang_up()
        await house.book.next("agent_joined", lambda told: told.values[1] == "a-2002")
        await talk.call.media.wait_for_tone(EXPERT)
        await expert.media.wait_for_tone(CALLER)


async def test_the_expert_hangs_up_during_a_consultation_and_the_caller_stays_on_hold(asterisk: TestAsterisk) -> None:
    async with CtiHouse(asterisk) as house:
        talk = await three(house)
        expert = await talk.consult()
        await expert.hang_up()
        view = await house.book.phase("hold")
        assert view.consult is None
        await talk.call.media.wait_for_sound()
        await house.bridge.resume(*talk.me)
        await talk.call.media.wait_for_tone(AGENT)


async def test_an_expert_who_refuses_leaves_the_caller_on_hold_with_the_agent(asterisk: TestAsterisk) -> None:
    async with CtiHouse(asterisk) as house:
        talk = await three(house)
        await house.bridge.consult(*talk.me, Target("agent", "a-2002"), "2002")
        (await talk.expert.next_call()).refuse(486)
        await house.book.phase("hold")
        await house.bridge.resume(*talk.me)
        await talk.call.media.wait_for_tone(AGENT)


async def test_the_agent_hangs_up_while_the_expert_rings_and_the_expert_takes_the_call(asterisk: TestAsterisk) -> None:
    async with CtiHouse(asterisk) as house:
        talk = await three(house)
        await house.bridge.consult(*talk.me, Target("agent", "a-2002"), "2002")
        expert = await talk.expert.next_call()
        expert.ring()
        await talk.leg.hang_up()
        await house.book.next("agent_left")
        await talk.call.media.wait_for_sound()
        await expert.answer()
        expert.media.loop_sound(tone(EXPERT))
        await house.book.next("agent_joined")
        await talk.call.media.wait_for_tone(EXPERT)


async def test_the_agent_hangs_up_while_the_expert_rings_who_refuses_and_the_line_takes_the_caller_back(
    asterisk: TestAsterisk,
) -> None:
    async with CtiHouse(asterisk) as house:
        talk = await three(house)
        await house.bridge.consult(*talk.me, Target("agent", "a-2002"), "2002")
        expert = await talk.expert.next_call()
        expert.ring()
        await talk.leg.hang_up()
        await house.book.next("agent_left")
        expert.refuse(603)
        await house.book.until(lambda: len(house.book.all("caller_waiting")) == 2)
        assert house.book.all("caller_waiting")[0].values == house.book.all("caller_waiting")[1].values


async def test_back_to_another_queue_with_new_facts(asterisk: TestAsterisk) -> None:
    async with CtiHouse(asterisk) as house:
        talk = await three(house)
        facts = replace(house.book.all("caller_waiting")[0].values[0], queue_id="q-port", skills="port>=7", priority=9)
        await house.bridge.release_to_queue(*talk.me, facts)
        await talk.leg.wait_until_ended()
        await house.book.until(lambda: len(house.book.all("caller_waiting")) == 2)
        assert house.book.all("caller_waiting")[1].values[0] == facts
        assert not house.book.all("agent_left")
        await talk.call.media.wait_for_sound()
        leg = await house.talk(talk.interaction_id, talk.expert, 1, EXPERT)
        await talk.call.media.wait_for_tone(EXPERT)
        await leg.media.wait_for_tone(CALLER)


async def test_a_blind_transfer_to_a_number_moves_the_caller_first_and_rings_the_trunk(asterisk: TestAsterisk) -> None:
    async with CtiHouse(asterisk) as house:
        talk = await three(house)
        outside = await trunk_phone(house)
        await house.bridge.transfer(*talk.me, Target("number", "+390699999"), None)
        await talk.leg.wait_until_ended()
        left = await house.book.next("agent_left")
        assert left.values[2] == "agent"
        await talk.call.media.wait_for_sound()
        other = await outside.next_call()
        assert "+390699999" in other.request.start_line
        other.ring()
        await other.answer()
        other.media.loop_sound(tone(EXPERT))
        await talk.call.media.wait_for_tone(EXPERT)
        await other.media.wait_for_tone(CALLER)
        await other.hang_up()
        await talk.call.wait_until_ended()
        gone = await house.book.next("caller_gone")
        assert gone.values[2] == "after"


async def test_a_number_that_refuses_a_transfer_gives_the_caller_back_to_the_line(asterisk: TestAsterisk) -> None:
    async with CtiHouse(asterisk) as house:
        talk = await three(house)
        outside = await trunk_phone(house)
        await house.bridge.transfer(*talk.me, Target("number", "+390699999"), None)
        (await outside.next_call()).refuse(486)
        await house.book.until(lambda: len(house.book.all("caller_waiting")) == 2)
        await talk.call.media.wait_for_sound()
        with pytest.raises(Invalid):
            await house.bridge.divert(talk.interaction_id, "PJSIP/trunk")


async def test_commands_of_an_agent_who_is_not_in_the_call_are_a_conflict(asterisk: TestAsterisk) -> None:
    async with CtiHouse(asterisk) as house:
        talk = await three(house)
        stranger = (talk.interaction_id, "a-2002")
        for command in (house.bridge.hold, house.bridge.resume, house.bridge.hang_up, house.bridge.conference):
            with pytest.raises(Conflict):
                await command(*stranger)
        with pytest.raises(Conflict):
            await house.bridge.consult_complete(*talk.me)
        await talk.call.media.wait_for_tone(AGENT)


async def test_an_announcement_is_heard_in_the_line_and_an_offer_may_interrupt_it(asterisk: TestAsterisk) -> None:
    async with CtiHouse(asterisk) as house:
        phone = await house.agent()
        call, interaction_id = await house.caller()
        await house.bridge.announce(interaction_id, ["im-sorry", "please-try-call-later"])
        leg = await house.talk(interaction_id, phone)
        await call.media.wait_for_tone(AGENT)
        await leg.media.wait_for_tone(CALLER)


async def test_after_an_announcement_the_caller_waits_on(asterisk: TestAsterisk) -> None:
    async with CtiHouse(asterisk) as house:
        call, interaction_id = await house.caller()
        await house.bridge.announce(interaction_id, ["im-sorry"])
        await house.book.until(lambda: len(house.book.all("caller_waiting")) == 2)
        await call.media.wait_for_sound()
        assert not call.ended.done()


async def until_keys(call: Call, keys: str) -> None:
    """Wait until that phone has heard these keys."""
    async with asyncio.timeout(PATIENCE):
        while not call.media.digits.startswith(keys):
            await asyncio.sleep(0.02)


async def trunk_phone(house: CtiHouse) -> Phone:
    """The outside world's phone: where the trunk sends its calls."""
    port = int(house.asterisk.settings.trunk_contact.rpartition(":")[2])
    phone = await house.asterisk.caller("outside", port=port)
    house.phones.append(phone)
    return phone
