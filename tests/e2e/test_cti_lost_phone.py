"""An agent's phone vanishes in mid-call: the caller rests, and talks on or goes back to the line."""

from acd.ports import Target
from phones.audio import tone
from phones.call import Call
from phones.phone import Phone
from tests.e2e.cti_house import AGENT, CALLER, EXPERT, CtiHouse
from tests.e2e.harness.fixtures import AGENTS, MakeAsterisk
from tests.e2e.harness.server import TestAsterisk


async def impatient(make_asterisk: MakeAsterisk) -> TestAsterisk:
    """An Asterisk that notices within two seconds that a desk phone sends no sound any more."""
    server = await make_asterisk()
    agents = server.settings.agents_file
    agents.write_text(agents.read_text().replace("(oc-desk)\n", "(oc-desk)\nrtp_timeout = 2\n"))
    async with server.manager() as manager:
        await manager.reload_phones()
    return server


async def vanish(phone: Phone, leg: Call, *, unregister: bool = True) -> None:
    """As a browser page that is closed: its socket and with it the registration go, and nobody says goodbye."""
    if unregister:
        await phone.register(0)
    phone.calls.clear()
    leg.media.close()
    await phone.close()


async def come_back(house: CtiHouse, index: int = 0) -> Phone:
    """The page is loaded anew: a phone of the same name on another port."""
    phone = await house.asterisk.desk_phone(AGENTS[index])
    house.phones.append(phone)
    return phone


async def pick_up(phone: Phone, hertz: float = AGENT + 200) -> Call:
    """What a phone does that is told to answer by itself."""
    leg = await phone.next_call()
    assert "answer-after=0" in leg.header("Call-Info")
    await leg.answer()
    leg.media.loop_sound(tone(hertz))
    return leg


async def test_the_caller_rests_and_talks_on_when_the_phone_is_back(asterisk: TestAsterisk) -> None:
    async with CtiHouse(asterisk) as house:
        phone = await house.agent()
        call, interaction_id = await house.caller()
        leg = await house.talk(interaction_id, phone)
        await call.media.wait_for_tone(AGENT)
        await vanish(phone, leg)
        await house.book.phase("hold")
        await call.media.wait_for_sound()
        again = await pick_up(await come_back(house))
        assert again.header("X-OneCall-Id") == interaction_id
        await house.book.phase("talking")
        await call.media.wait_for_tone(AGENT + 200)
        await again.media.wait_for_tone(CALLER)
        assert not house.book.all("agent_left")
        await again.hang_up()
        gone = await house.book.next("caller_gone")
        assert gone.values[1:3] == ("agent", "after")
        assert len(house.book.all("leg_answered")) == 1


async def test_a_page_reload_brings_a_new_leg_into_the_room_and_takes_the_old_one_out(asterisk: TestAsterisk) -> None:
    async with CtiHouse(asterisk) as house:
        phone = await house.agent()
        call, interaction_id = await house.caller()
        leg = await house.talk(interaction_id, phone)
        await call.media.wait_for_tone(AGENT)
        again = await pick_up(await come_back(house))
        await leg.wait_until_ended()
        await call.media.wait_for_tone(AGENT + 200)
        await again.media.wait_for_tone(CALLER)
        assert not house.book.all("agent_left")
        assert not call.ended.done()


async def test_a_phone_that_loses_its_registration_but_talks_on_is_left_in_peace(asterisk: TestAsterisk) -> None:
    async with CtiHouse(asterisk) as house:
        phone = await house.agent()
        call, interaction_id = await house.caller()
        leg = await house.talk(interaction_id, phone)
        await call.media.wait_for_tone(AGENT)
        await phone.register(0)
        await house.book.next("phone_changed", lambda told: told.values == ("2001", False))
        await call.media.hear_tone(AGENT, 1.5)
        await phone.register()
        await house.book.until(lambda: house.registered("2001"))
        await call.media.hear_tone(AGENT, 0.5)
        assert leg.is_up
        assert len(phone.invites) == 1
        assert {told.values[0].phase for told in house.book.all("call_changed")} == {"talking"}


async def test_after_the_grace_time_the_caller_is_back_in_the_line_with_the_old_waiting_time(
    asterisk: TestAsterisk,
) -> None:
    async with CtiHouse(asterisk, grace=1.0) as house:
        phone = await house.agent()
        call, interaction_id = await house.caller()
        leg = await house.talk(interaction_id, phone)
        await call.media.wait_for_tone(AGENT)
        await vanish(phone, leg)
        left = await house.book.next("agent_left")
        assert left.values[:3] == (interaction_id, "a-2001", "system")
        await house.book.until(lambda: len(house.book.all("caller_waiting")) == 2)
        assert house.book.all("caller_waiting")[1].values == house.book.all("caller_waiting")[0].values
        assert house.book.names("call_changed")[-2:] == ["agent_left", "caller_waiting"]
        other = await house.agent(1)
        await house.talk(interaction_id, other, 1, EXPERT)
        await call.media.wait_for_tone(EXPERT)


async def test_the_caller_hangs_up_while_the_phone_is_waited_for(asterisk: TestAsterisk) -> None:
    async with CtiHouse(asterisk) as house:
        phone = await house.agent()
        call, interaction_id = await house.caller()
        leg = await house.talk(interaction_id, phone)
        await vanish(phone, leg)
        await house.book.phase("hold")
        await call.hang_up()
        gone = await house.book.next("caller_gone")
        assert gone.values[1:3] == ("caller", "rest")
        assert len(house.book.all("agent_left")) == 1
        back = await come_back(house)
        await house.book.until(lambda: house.registered("2001"))
        assert back.invites == []


async def test_the_agent_may_end_the_call_from_the_desk_while_the_phone_is_away(asterisk: TestAsterisk) -> None:
    async with CtiHouse(asterisk) as house:
        phone = await house.agent()
        call, interaction_id = await house.caller()
        leg = await house.talk(interaction_id, phone)
        await vanish(phone, leg)
        await house.book.phase("hold")
        await house.bridge.hang_up(interaction_id, "a-2001")
        await call.wait_until_ended()
        gone = await house.book.next("caller_gone")
        assert gone.values[1:3] == ("agent", "after")


async def test_an_agent_lost_in_a_consultation_leaves_the_caller_to_the_expert(asterisk: TestAsterisk) -> None:
    async with CtiHouse(asterisk) as house:
        phone, expert_phone = await house.agent(), await house.agent(1)
        call, interaction_id = await house.caller()
        leg = await house.talk(interaction_id, phone)
        await house.bridge.consult(interaction_id, "a-2001", Target("agent", "a-2002"), "2002")
        expert = await expert_phone.next_call()
        await expert.answer()
        expert.media.loop_sound(tone(EXPERT))
        await leg.media.wait_for_tone(EXPERT)
        await vanish(phone, leg)
        await house.book.next("agent_joined")
        await call.media.wait_for_tone(EXPERT)
        await expert.media.wait_for_tone(CALLER)


async def test_a_desk_phone_without_sound_is_lost_and_not_hung_up(make_asterisk: MakeAsterisk) -> None:
    async with CtiHouse(await impatient(make_asterisk)) as house:
        phone = await house.agent()
        call, interaction_id = await house.caller()
        leg = await house.talk(interaction_id, phone)
        await call.media.wait_for_tone(AGENT)
        leg.media.close()
        await house.book.phase("hold")
        await call.media.wait_for_sound()
        again = await pick_up(phone)
        await house.book.phase("talking")
        await call.media.wait_for_tone(AGENT + 200)
        await again.media.wait_for_tone(CALLER)
        assert not house.book.all("agent_left")
