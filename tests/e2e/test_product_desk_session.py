"""A session whose time is over in mid-call: the agent works on to the end of the wrap-up, then signs in again."""

from __future__ import annotations

import re
import time

import pytest
from playwright.async_api import Browser, expect

from core.clock import from_iso
from tests.e2e.product import Product
from tests.e2e.product_desktop import READY, VOICE, Desktop
from tests.e2e.product_people import until
from tests.e2e.product_sound import until_heard

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(240)]
SESSION = 45.0
"""Seconds: enough to sign in and answer, and soon over."""
SETTINGS = {"wrap_up_seconds": 600, "session_hours": SESSION / 3600}
CALLER = 440.0
NOTE = "Scritto dopo la fine della sessione"


async def test_a_session_that_ends_in_mid_call_lasts_to_the_end_of_the_wrap_up(
    product: Product, chromium: Browser
) -> None:
    number = "+393479500001"
    async with Desktop.opened(product, chromium, "giulia") as desk:
        due = from_iso((await (await desk.page.request.get(f"{product.url}/api/session")).json())["expires"])
        await desk.be_ready()
        async with product.caller(number, hertz=CALLER) as call:
            await desk.answer()
            interaction = await product.interaction_of(number)
            assert time.time() < due, "the call was answered too late to tell anything"
            await until(lambda: time.time() > due + 1, "the session's time is over", SESSION + 5)
            await until_heard(call, VOICE)
            await desk.press("F8")
            await desk.until_state("In attesa")
            await desk.press("F8")
            await desk.part("note").focus()
            await desk.page.keyboard.type(NOTE)
            await expect(
                desk.page.get_by_text("Bozza salvata").or_(desk.page.get_by_text("Salvata alle"))
            ).to_be_visible()
            await call.hang_up()
        await desk.until_mode("wrap_up")
        await desk.press("F10", "1")
        await desk.choose("topic", "Roaming")
        await desk.press("Control+Enter")
        await desk.page.wait_for_url(re.compile("sign-in"))
        await desk.picture("session-1-over-after-the-wrap-up")
        (row,) = product.rows("SELECT outcome, ticket_id FROM interaction WHERE id = ?", interaction)
        assert row["outcome"] == "resolved"
        (note,) = product.rows("SELECT text FROM ticket_note WHERE ticket_id = ?", row["ticket_id"])
        assert note["text"] == NOTE
        await desk.part("login").fill("giulia")
        await desk.part("password").fill(product.password("giulia"))
        await desk.press("Enter")
        await desk.be_ready()
        await desk.until_state(READY)
        assert desk.problems == []
