"""When the agent's browser fails: socket lost while ringing, page reloaded or closed in mid-call."""

from __future__ import annotations

import functools
import re

import pytest
from playwright.async_api import Browser, BrowserContext, expect

from tests.e2e.product import Product
from tests.e2e.product_desktop import TALKING, VOICE, Desktop
from tests.e2e.product_people import Person, until
from tests.e2e.product_sound import seconds_of, until_heard, until_heard_long, until_music

pytestmark = pytest.mark.asyncio(loop_scope="module")
SETTINGS = {"offer_seconds": 20, "wrap_up_seconds": 600}
CALLER = 440.0
NOTE = "Prima della ricarica"


async def test_a_reload_in_mid_call_loses_neither_the_talk_nor_the_note(product: Product, chromium: Browser) -> None:
    async with Desktop.opened(product, chromium, "giulia") as desk:
        await desk.be_ready()
        async with product.caller("+393479100001", hertz=CALLER) as call:
            await answer(desk)
            await until_heard(call, VOICE)
            interaction = await product.interaction_of("+393479100001")
            await expect(desk.part("ticket-number")).to_have_text(re.compile(r"T-\d+"))
            number = await desk.text("ticket-number")
            await desk.part("note").focus()
            await desk.page.keyboard.type(NOTE)
            await desk.page.reload()
            await desk.until_mode("talking")
            await desk.until_state(TALKING)
            await until_heard(call, VOICE)
            await desk.hears(CALLER)
            await expect(desk.part("note")).to_have_value(NOTE)
            await expect(desk.part("ticket-number")).to_have_text(number)
            await desk.picture("faults-1-after-reload")
            await desk.press("F8")
            await until_music(call, VOICE)
            await desk.press("F8")
            await until_heard_long(call, VOICE, 4)
            await desk.press("Shift+F2")
            assert await call.wait_until_ended() == "remote"
        await desk.close_ticket()
        file = product.recordings / (await product.recording(interaction))["path"]
        assert seconds_of(file, CALLER) > 3
        assert len(await product.stored("call.answered", interaction)) == 1
        assert (await product.stored("call.ended", interaction))[0]["data"]["ended_by"] == "agent"
        assert desk.problems == []


async def test_a_closed_browser_leaves_the_caller_with_music_until_the_agent_is_back(
    product: Product, chromium: Browser
) -> None:
    async with Desktop.opened(product, chromium, "giulia") as desk:
        await desk.be_ready()
        async with product.caller("+393479100002", hertz=CALLER) as call:
            await answer(desk)
            await until_heard(call, VOICE)
            context = desk.page.context
            await desk.page.close()
            await until_music(call, VOICE)
            back = await again(product, context)
            await back.until_mode("talking")
            await until_heard(call, VOICE)
            await back.hears(CALLER)
            await expect(back.part("caller-name")).not_to_be_empty()
            interaction = await product.interaction_of("+393479100002")
            assert not product.facts("call.ended", interaction)
            await call.hang_up()
            await back.close_ticket()
            await product.recording(interaction)
            assert len(await product.stored("call.answered", interaction)) == 1


async def test_sockets_lost_while_the_phone_rings_cost_the_caller_nothing(product: Product, chromium: Browser) -> None:
    async with Desktop.opened(product, chromium, "giulia") as desk, product.signed_in("elena") as leader:
        await desk.be_ready()
        async with product.caller("+393479100003", hertz=CALLER) as call:
            await desk.until_mode("ringing")
            await until(lambda: desk.seen("invites"), "the INVITE has come")
            await desk.page.evaluate("window.seen.sockets.forEach(socket => socket.close())")
            interaction = await product.interaction_of("+393479100003")
            await until(lambda: answered_at_last(desk, product, interaction), "they talk", timeout=60, pause=0.3)
            await until_heard(call, VOICE)
            await desk.hears(CALLER)
            (answered,) = await product.stored("call.answered", interaction)
            since = (await product.stored("queue.entered", interaction))[0]["data"]["since"]
            assert answered["data"]["waited"] == pytest.approx(answered["at"] - since, abs=0.01)
            await until(functools.partial(nobody_waits, leader), "nobody waits on the live page")
            await desk.press("Shift+F2")
            assert await call.wait_until_ended() == "remote"
        await desk.close_ticket()


async def test_a_desk_socket_lost_in_mid_call_says_so_and_the_talk_goes_on(product: Product, chromium: Browser) -> None:
    async with Desktop.opened(product, chromium, "giulia") as desk:
        await desk.be_ready()
        async with product.caller("+393479100004", hertz=CALLER) as call:
            await answer(desk)
            await until_heard(call, VOICE)
            await desk.page.context.set_offline(True)
            await expect(desk.part("connection-lost")).to_be_visible(timeout=60_000)
            await until_heard(call, VOICE)
            await desk.picture("faults-2-connection-lost")
            await desk.page.context.set_offline(False)
            await expect(desk.part("connection-lost")).to_be_hidden(timeout=60_000)
            await until_heard(call, VOICE)
            await desk.hears(CALLER)
            await desk.press("Shift+F2")
            assert await call.wait_until_ended() == "remote"
        await desk.close_ticket()


async def nobody_waits(leader: Person) -> bool:
    """Whether every queue of the live page is empty."""
    return all(queue["waiting"] == 0 for queue in (await leader.floor())["queues"])


async def answer(desk: Desktop) -> None:
    """Press F2 when it rings, and wait for the talk."""
    await desk.until_mode("ringing")
    await desk.press("F2")
    await desk.until_mode("talking")


async def again(product: Product, context: BrowserContext) -> Desktop:
    """A new window in the browser in which the agent is still signed in."""
    page = await context.new_page()
    await page.goto(product.url)
    return Desktop(product, page)


async def answered_at_last(desk: Desktop, product: Product, interaction: str) -> bool:
    """Do what an agent would: press F2 while it rings, go ready when put out of it; true once they talk."""
    if product.facts("call.answered", interaction):
        return True
    if await desk.page.locator("[data-testid=desk][data-mode=ringing]").count():
        await desk.press("F2")
    else:
        await desk.press_ready()
    return False
