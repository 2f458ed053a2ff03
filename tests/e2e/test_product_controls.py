"""Call control on the whole product, from the page and from the desk of one who has a desk phone; who hears whom."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from playwright.async_api import Browser, expect

from phones.audio import tone
from phones.call import Call
from tests.e2e.product import Product
from tests.e2e.product_desktop import READY, TALKING, VOICE, Desktop
from tests.e2e.product_people import Refused, Seat, until
from tests.e2e.product_sound import until_heard, until_music

pytestmark = pytest.mark.asyncio(loop_scope="module")
SETTINGS = {"wrap_up_seconds": 600}
DESK_AGENTS = {"marta": "2101", "diego": "2102"}
CALLER, AGENT, EXPERT = 440.0, 700.0, 1000.0
OUTSIDE = "+390299999999"
TO_DIEGO = {"kind": "agent", "id": "a-2102"}


@dataclass(frozen=True, slots=True)
class Talk:
    """A caller in talk with Marta at her desk phone; Diego is ready with his."""

    call: Call
    leg: Call
    marta: Seat
    diego: Seat

    async def consult(self) -> Call:
        """Marta asks Diego: they hear each other, the caller has music."""
        await self.marta.desk.command("call.consult", to=TO_DIEGO)
        expert = await expert_answers(self.diego)
        await until_heard(self.leg, EXPERT)
        await until_heard(expert, AGENT)
        await until_music(self.call, AGENT, EXPERT)
        return expert


@contextlib.asynccontextmanager
async def talk(product: Product, number: str) -> AsyncIterator[Talk]:
    """Caller and Marta hear each other."""
    async with (
        product.seat("marta", "2101") as marta,
        product.seat("diego", "2102", ready=False) as diego,
        product.caller(number, hertz=CALLER) as call,
    ):
        leg = await marta.answer(AGENT)
        await until_heard(call, AGENT)
        await until_heard(leg, CALLER)
        await diego.be_ready()
        yield Talk(call, leg, marta, diego)


async def expert_answers(seat: Seat) -> Call:
    """The expert's phone rings and is answered."""
    leg = await seat.phone.next_call()
    leg.ring()
    await leg.answer()
    leg.media.loop_sound(tone(EXPERT))
    return leg


async def test_a_blind_transfer_to_a_queue_brings_the_caller_to_its_next_agent(product: Product) -> None:
    async with talk(product, "+34600000501") as now:
        interaction = now.marta.desk.call["interaction_id"]
        await now.marta.desk.command("call.transfer", to={"kind": "queue", "id": "q-tech"})
        await now.marta.desk.until_state("wrap_up")
        assert await now.leg.wait_until_ended() == "remote"
        leg = await now.diego.answer(EXPERT)
        assert (leg.header("X-OneCall-Id"), now.diego.desk.call["queue"]["id"]) == (interaction, "q-tech")
        await until_heard(now.call, EXPERT)
        await until_heard(leg, CALLER)
        await leg.hang_up()
        assert await now.call.wait_until_ended() == "remote"
        assert len(await product.stored("call.arrived", interaction)) == 1


async def test_a_blind_transfer_to_an_agent_takes_the_story_along(product: Product) -> None:
    async with talk(product, "+34600000502") as now:
        await now.marta.desk.until(lambda desk: desk["call"]["ticket_id"], "the ticket is there")
        before = now.marta.desk.call
        await now.marta.desk.command("call.transfer", to=TO_DIEGO)
        leg = await now.diego.answer(EXPERT)
        await until_heard(now.call, EXPERT)
        await until_heard(leg, CALLER)
        await now.diego.desk.until(lambda desk: desk["call"]["ticket_id"], "the ticket is there too")
        for kept in ("interaction_id", "ticket_id"):
            assert now.diego.desk.call[kept] == before[kept]
        await now.marta.finish()
        await now.call.hang_up()
        await now.diego.finish()


async def test_a_blind_transfer_to_a_number_leaves_the_agent_out(product: Product) -> None:
    async with talk(product, "+34600000503") as now, product.outside_phone(OUTSIDE) as outside:
        await now.marta.desk.command("call.transfer", to={"kind": "number", "id": OUTSIDE})
        other = await outside.next_call()
        assert OUTSIDE in other.request.start_line
        other.ring()
        await until_music(now.call, AGENT)
        await now.marta.finish()
        await other.answer()
        other.media.loop_sound(tone(EXPERT))
        await until_heard(now.call, EXPERT)
        await until_heard(other, CALLER)
        await now.call.hang_up()
        assert await other.wait_until_ended() == "remote"


async def test_a_consultation_completed_hands_the_caller_over(product: Product) -> None:
    async with talk(product, "+34600000504") as now:
        interaction = now.marta.desk.call["interaction_id"]
        expert = await now.consult()
        assert now.diego.desk.call["role"] == "expert"
        await now.marta.desk.command("call.consult_complete")
        await until_heard(now.call, EXPERT)
        await until_heard(expert, CALLER)
        assert await now.leg.wait_until_ended() == "remote"
        await now.marta.finish()
        await now.diego.desk.until(lambda desk: desk["call"]["role"] == "agent", "the call is Diego's")
        (told,) = await product.stored("call.transferred", interaction)
        assert (told["data"]["kind"], told["data"]["to"]) == ("consult", "a-2102")
        await expert.hang_up()
        assert await now.call.wait_until_ended() == "remote"
        await now.diego.finish()


async def test_a_consultation_cancelled_brings_the_caller_back(product: Product) -> None:
    async with talk(product, "+34600000505") as now:
        expert = await now.consult()
        await now.marta.desk.command("call.consult_cancel")
        assert await expert.wait_until_ended() == "remote"
        await until_heard(now.call, AGENT)
        await until_heard(now.leg, CALLER)
        await now.diego.desk.until_state("ready")
        await now.leg.hang_up()
        await now.marta.finish()


async def test_in_a_conference_all_three_hear_each_other_and_two_go_on_when_one_leaves(product: Product) -> None:
    async with talk(product, "+34600000506") as now:
        expert = await now.consult()
        await now.marta.desk.command("call.conference")
        await now.marta.desk.until_phase("conference")
        for ear, voices in (
            (now.call, (AGENT, EXPERT)),
            (now.leg, (CALLER, EXPERT)),
            (expert, (CALLER, AGENT)),
        ):
            for hertz in voices:
                await ear.media.wait_for_tone(hertz)
        await expert.hang_up()
        await until_heard(now.call, AGENT)
        await until_heard(now.leg, CALLER)
        await now.leg.hang_up()
        await now.marta.finish()


async def test_keys_pressed_for_a_desk_phone_arrive_at_the_caller(product: Product) -> None:
    async with talk(product, "+34600000507") as now:
        await now.marta.desk.command("call.dtmf", digits="12#")
        await until(lambda: now.call.media.digits == "12#", "the keys have arrived")
        with pytest.raises(Refused):
            await now.marta.desk.command("call.dtmf", digits="1\r\nAction: Logoff")
        await now.leg.hang_up()
        await now.marta.finish()


@contextlib.asynccontextmanager
async def page_talk(product: Product, chromium: Browser, number: str) -> AsyncIterator[tuple[Desktop, Call, Seat]]:
    """A caller in talk with Giulia at her page; Diego is ready with his desk phone."""
    async with Desktop.opened(product, chromium, "giulia") as desk, product.seat("diego", "2102", ready=False) as diego:
        await desk.be_ready()
        async with product.caller(number, hertz=CALLER) as call:
            await desk.until_mode("ringing")
            await desk.press("F2")
            await desk.until_mode("talking")
            await until_heard(call, VOICE)
            await desk.hears(CALLER)
            await diego.be_ready()
            yield desk, call, diego
            assert desk.problems == []


async def choose_target(desk: Desktop, key: str, text: str) -> None:
    """Open the list of targets by its key, type a part of the name, and take it."""
    await desk.press(key)
    await desk.part("target-list").wait_for()
    await desk.page.keyboard.type(text)
    await expect(desk.page.locator("[role=option][data-highlighted]")).to_contain_text(text)
    await desk.picture(f"controls-{'transfer' if key == 'F9' else 'consult'}-list")
    await desk.press("Enter")


async def test_the_page_mutes_and_sends_keys(product: Product, chromium: Browser) -> None:
    async with page_talk(product, chromium, "+34600000511") as (desk, call, _):
        await desk.press("F4")
        await call.media.wait_for_silence()
        await desk.press("F4")
        await until_heard(call, VOICE)
        await desk.press("Shift+F4")
        await desk.part("keypad-panel").wait_for()
        await desk.press("1", "2")
        await until(lambda: call.media.digits == "12", "the keys have arrived")
        await desk.press("Escape", "Shift+F2")
        assert await call.wait_until_ended() == "remote"
        await desk.close_ticket()


async def test_the_page_transfers_to_a_queue(product: Product, chromium: Browser) -> None:
    async with page_talk(product, chromium, "+34600000512") as (desk, call, diego):
        await choose_target(desk, "F9", "Technical help")
        leg = await diego.answer(EXPERT)
        await until_heard(call, EXPERT)
        await until_heard(leg, CALLER)
        await desk.until_mode("wrap_up")
        await expect(desk.part("outcome-transferred")).to_have_attribute("aria-checked", "true")
        await desk.picture("controls-passed-on")
        await desk.press("Control+Enter")
        await desk.until_state(READY)
        await leg.hang_up()
        await diego.finish()


async def test_the_page_asks_a_colleague_confers_and_hands_over(product: Product, chromium: Browser) -> None:
    async with page_talk(product, chromium, "+34600000513") as (desk, call, diego):
        await choose_target(desk, "Shift+F9", "Diego")
        expert = await expert_answers(diego)
        await expect(desk.part("consult")).to_contain_text("Diego Rinaldi")
        await desk.hears(EXPERT)
        await until_heard(expert, VOICE)
        await until_music(call, VOICE, EXPERT)
        await desk.picture("controls-consulting")
        await desk.part("conference").click()
        await desk.until_state("Conferenza")
        await call.media.wait_for_tone(EXPERT)
        await expert.media.wait_for_tone(CALLER)
        await desk.press("F9")
        await desk.close_ticket()
        await until_heard(call, EXPERT)
        await until_heard(expert, CALLER)
        await expert.hang_up()
        assert await call.wait_until_ended() == "remote"
        await diego.finish()


async def test_the_page_takes_the_caller_back_from_a_consultation(product: Product, chromium: Browser) -> None:
    async with page_talk(product, chromium, "+34600000514") as (desk, call, diego):
        await choose_target(desk, "Shift+F9", "Diego")
        expert = await expert_answers(diego)
        await desk.hears(EXPERT)
        await desk.press("Shift+F9")
        assert await expert.wait_until_ended() == "remote"
        await desk.until_state(TALKING)
        await until_heard(call, VOICE)
        await desk.hears(CALLER)
        await desk.press("Shift+F2")
        await desk.close_ticket()
