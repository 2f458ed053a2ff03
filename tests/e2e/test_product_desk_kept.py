"""What the desk must never lose: the ticket after the timer, call and note after the session, the phone."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Browser, Route, expect

from tests.e2e.product import Product
from tests.e2e.product_desktop import READY, TALKING, VOICE, Desktop
from tests.e2e.product_people import until
from tests.e2e.product_sound import until_heard

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(240)]
SETTINGS = {"wrap_up_seconds": 3}
CALLER = 440.0
TOPIC = "Rifiutata dall'altro operatore"
NOTE = "Promesso un controllo della fattura"


async def test_a_ticket_whose_wrap_up_timer_ran_out_is_closed_by_keyboard(product: Product, chromium: Browser) -> None:
    async with Desktop.opened(product, chromium, "giulia") as desk:
        await desk.be_ready()
        async with product.caller("+393479200001", hertz=CALLER) as call:
            await desk.answer()
            interaction = await product.interaction_of("+393479200001")
            await desk.part("note").focus()
            await desk.page.keyboard.type(NOTE)
            await call.hang_up()
        await desk.until_state("Chiusura aperta")
        await desk.until_mode("wrap_up")
        (over,) = await product.stored("wrap_up.ended", interaction)
        assert over["data"]["how"] == "timer"
        await expect(desk.part("note")).to_have_value(NOTE)
        await desk.picture("kept-1-unfinished")

        await desk.press("F7")
        await expect(desk.part("leave-dialog")).to_be_visible()
        await desk.picture("kept-2-ask-before-leaving")
        await desk.part("leave-back").press("Enter")
        await expect(desk.part("leave-dialog")).to_be_hidden()

        await desk.press("F10", "1")
        await desk.choose("topic", TOPIC)
        await desk.press("Control+Enter")
        await desk.until_state(READY)
        (row,) = product.rows("SELECT * FROM interaction WHERE id = ?", interaction)
        assert row["outcome"] == "resolved"
        (ticket,) = product.rows("SELECT * FROM ticket WHERE id = ?", row["ticket_id"])
        assert ticket["status"] == "resolved"
        (note,) = product.rows("SELECT * FROM ticket_note WHERE ticket_id = ?", ticket["id"])
        assert note["text"] == NOTE
        assert desk.problems == []


async def test_the_end_of_the_session_cuts_no_call_and_loses_no_note(product: Product, chromium: Browser) -> None:
    async with Desktop.opened(product, chromium, "giulia") as desk:
        await desk.be_ready()
        async with product.caller("+393479200002", hertz=CALLER) as call:
            await desk.answer()
            await until_heard(call, VOICE)
            interaction = await product.interaction_of("+393479200002")
            await desk.page.route("**/draft", refused)
            await desk.part("note").focus()
            await desk.page.keyboard.type(NOTE)
            async with product.signed_in("giulia") as elsewhere:
                await elsewhere.client.delete("/session", params={"everywhere": True})
            await expect(desk.part("call-goes-on")).to_be_visible(timeout=30_000)
            await desk.picture("kept-3-session-over-in-mid-call")
            await until_heard(call, VOICE)
            await desk.page.unroute("**/draft", refused)
            await desk.part("login").fill("giulia")
            await desk.part("password").fill(product.password("giulia"))
            await desk.press("Enter")
            await desk.until_mode("talking")
            await expect(desk.part("note")).to_have_value(NOTE)
            await until_heard(call, VOICE)
            await desk.hears(CALLER)
            await desk.press("F8")
            await desk.until_state("In attesa")
            await desk.press("F8")
            await desk.until_state(TALKING)
            await desk.press("Shift+F2")
            assert await call.wait_until_ended() == "remote"
        assert len(await product.stored("call.answered", interaction)) == 1
        await leave_unfinished(desk)


async def test_a_desk_taken_back_from_a_second_window_has_its_phone_again(product: Product, chromium: Browser) -> None:
    async with Desktop.opened(product, chromium, "giulia") as desk:
        await desk.be_ready()
        other = Desktop(product, await desk.page.context.new_page())
        await other.page.goto(product.url)
        await other.page.locator("[data-testid=line][data-registration=registered]").wait_for()
        await expect(desk.part("replaced")).to_be_visible()
        await desk.picture("kept-4-replaced")
        await desk.part("replaced").get_by_role("button").click()
        await expect(other.part("replaced")).to_be_visible()
        await desk.be_ready()
        async with product.caller("+393479200003", hertz=CALLER) as call:
            await desk.answer()
            await until_heard(call, VOICE)
            await desk.hears(CALLER)
            await call.hang_up()
        await leave_unfinished(desk)


async def test_a_phone_whose_credentials_failed_once_is_started_again(product: Product, chromium: Browser) -> None:
    async with Desktop.opened(product, chromium, "giulia") as desk:
        asked: list[str] = []

        async def fail_twice(route: Route) -> None:
            asked.append(route.request.url)
            await (route.abort() if len(asked) <= 2 else route.continue_())

        await desk.page.route("**/api/phone", fail_twice)
        await desk.page.reload()
        await desk.page.locator("[data-testid=line][data-registration=registered]").wait_for()
        assert len(asked) == 3


async def test_a_note_that_could_not_be_sent_reaches_its_ticket_after_the_call_has_left_the_desk(
    product: Product, chromium: Browser
) -> None:
    async with Desktop.opened(product, chromium, "giulia") as desk:
        await desk.be_ready()
        async with product.caller("+393479200004", hertz=CALLER) as call:
            await desk.answer()
            interaction = await product.interaction_of("+393479200004")
            await expect(desk.part("ticket-number")).to_have_text(re.compile(r"T-\d+"), timeout=20_000)
            await desk.page.route("**/draft", refused)
            await desk.part("note").focus()
            await desk.page.keyboard.type(NOTE)
            await call.hang_up()
        await leave_unfinished(desk)
        await desk.page.unroute("**/draft", refused)

        def drafts() -> list[dict[str, object]]:
            query = "SELECT text FROM ticket_draft JOIN interaction USING (ticket_id) WHERE interaction.id = ?"
            return [row for row in product.rows(query, interaction) if row["text"] == NOTE]

        await until(drafts, "the note is the ticket's draft")


async def test_a_new_customer_is_written_for_an_unknown_number_in_the_programme_of_the_call(
    product: Product, chromium: Browser
) -> None:
    async with Desktop.opened(product, chromium, "giulia") as desk:
        await desk.be_ready()
        async with product.caller("+393479200005", hertz=CALLER) as call:
            await desk.answer()
            await desk.part("new-customer").click()
            await desk.part("new-customer-name").fill("Ines Marchetti")
            # A number that is remembered names the customer at once; without it, only attaching does.
            await desk.part("customer-chooser").get_by_role("checkbox").uncheck()
            await desk.page.route("**/customer", refused)
            await desk.part("new-customer-save").click()
            await expect(desk.part("customer-chooser").get_by_role("alert")).to_be_visible()
            await desk.page.unroute("**/customer", refused)
            await desk.part("new-customer-save").click()
            await expect(desk.part("customer-name")).to_have_text("Ines Marchetti")
            await desk.picture("kept-5-new-customer")
            found = product.rows("SELECT * FROM customer WHERE name = 'Ines Marchetti'")
            assert [row["programme_id"] for row in found] == ["p-mobile"]
            await call.hang_up()
        await leave_unfinished(desk)


async def leave_unfinished(desk: Desktop) -> None:
    """Let the timer end, and go ready over the open ticket."""
    await desk.until_state("Chiusura aperta")
    await desk.part("finish-later").click()
    await desk.part("leave-ready").click()
    await desk.until_state(READY)


async def refused(route: Route) -> None:
    """The network eats this request."""
    await route.abort()
