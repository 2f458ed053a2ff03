"""What a customer's next call finds: the open ticket that it joins by one click, a promise kept, a promise broken."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.async_api import Browser, Locator, expect

from tests.e2e.product import Product
from tests.e2e.product_desktop import READY, Desktop
from tests.e2e.product_people import Json, Person, until

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(240)]
SETTINGS = {"wrap_up_seconds": 600}
CALLER = 440.0
TOPIC = "Rifiutata dall'altro operatore"
KEPT, BROKEN = "Le mandiamo il modulo per posta", "La richiama il tecnico in giornata"
ENOUGH_TABS = 60
"""Presses of Tab that lead through the whole page."""


async def test_a_call_is_linked_by_one_click_to_the_customers_open_ticket(product: Product, chromium: Browser) -> None:
    number = "+393479400001"
    async with product.signed_in("bruno") as back_office, Desktop.opened(product, chromium, "giulia") as desk:
        customer = await new_customer(back_office, "Olga Ferraris", number)
        await desk.be_ready()
        async with product.caller(number, hertz=CALLER) as call:
            await desk.answer()
            first = await ticket_of_the_call(desk, product, number)
            await call.hang_up()
        await hand_over(desk)

        async with product.caller(number, hertz=CALLER) as call:
            await desk.until_mode("ringing")
            row = desk.part("open-ticket").filter(has_text=first["number"])
            await expect(row).to_be_visible()
            await desk.answer()
            own = await ticket_of_the_call(desk, product, number)
            assert own["id"] != first["id"]
            await desk.part(f"link-{first['id']}").click()
            await expect(desk.part("ticket-number")).to_have_text(first["number"])
            await expect(row).to_contain_text("Questa chiamata")
            await expect(desk.part("open-ticket").filter(has_text=own["number"])).to_have_count(0)
            await desk.picture("cases-1-linked")
            await desk.page.get_by_role("tab", name="Storia").click()
            await expect(desk.part("ticket-history")).to_contain_text("Chiamata collegata")
            await desk.picture("cases-2-linked-history")
            await call.hang_up()
        await close_recall(desk)
        (gone,) = product.rows("SELECT status, merged_into FROM ticket WHERE id = ?", own["id"])
        assert gone == {"status": "dropped", "merged_into": first["id"]}

        await desk.page.goto(f"{product.url}/customers/{customer['id']}")
        story = desk.part("customer-story")
        await expect(story).to_contain_text(first["number"])
        await expect(story).not_to_contain_text(own["number"])
        await desk.page.goto(f"{product.url}/tickets/all/{own['id']}")
        await expect(desk.part("ticket-gone")).to_contain_text(first["number"])
        await expect(desk.part("ticket-note")).to_have_count(0)
        await desk.picture("cases-3-dropped")
        await desk.part("ticket-gone").get_by_role("link").press("Enter")
        await expect(desk.part("detail-number")).to_have_text(first["number"])
        await expect(desk.part("ticket-history").get_by_role("article")).to_have_count(2)
        await expect(desk.part("ticket-history")).to_contain_text("Chiamata collegata")
        await desk.picture("cases-4-ticket-of-two-calls")
        assert desk.problems == []


async def test_a_promise_is_marked_kept_by_keyboard_in_the_next_call_and_one_past_its_time_breaks_by_the_clock(
    product: Product, chromium: Browser
) -> None:
    number = "+393479400002"
    async with product.signed_in("giulia") as giulia, Desktop.opened(product, chromium, "giulia") as desk:
        await new_customer(giulia, "Piero Valle", number)
        await desk.be_ready()
        async with product.caller(number, hertz=CALLER) as call:
            await desk.answer()
            await ticket_of_the_call(desk, product, number)
            await promise(desk, KEPT)
            await expect(desk.part("promise").filter(has_text=KEPT)).to_have_count(1)
            await call.hang_up()
        await desk.close_ticket(TOPIC)

        async with product.caller(number, hertz=CALLER) as call:
            await desk.until_mode("ringing")
            await expect(desk.part("recall-promise").filter(has_text=KEPT)).to_have_attribute(
                "data-standing", "pending"
            )
            await desk.picture("cases-5-promise-pending")
            await desk.answer()
            ticket = await ticket_of_the_call(desk, product, number)
            row = desk.part("promise").filter(has_text=KEPT)
            await tab_to(desk, row.get_by_test_id("promise-kept"))
            await desk.press("Enter")
            await expect(row).to_have_attribute("data-status", "kept")
            await expect(row).to_be_focused()
            await until(lambda: status(product, KEPT) == "kept", "the promise is kept")
            due = (datetime.now(UTC) + timedelta(seconds=2)).isoformat()
            told = {"text": BROKEN, "due": due, "interaction_id": await product.interaction_of(number)}
            await giulia.post(f"/tickets/{ticket['id']}/promises", told)
            late = desk.part("promise").filter(has_text=BROKEN)
            await expect(late).to_have_attribute("data-status", "open")
            await until(lambda: status(product, BROKEN) == "broken", "the clock has broken it", 60)
            await expect(late).to_have_attribute("data-status", "broken")
            await expect(row).to_have_attribute("data-status", "kept")
            await desk.picture("cases-6-kept-and-broken")
            await desk.page.get_by_role("tab", name="Richiamata").click()
            await expect(desk.part("recall-promise").filter(has_text=KEPT)).to_have_attribute("data-standing", "kept")
            await desk.picture("cases-7-recall-kept")
            await call.hang_up()
        await close_recall(desk)

        async with product.caller(number, hertz=CALLER) as call:
            await desk.until_mode("ringing")
            shown = desk.part("recall-promise").filter(has_text=BROKEN)
            await expect(shown).to_have_attribute("data-standing", "broken")
            await expect(shown).to_contain_text("Non mantenuta")
            await desk.picture("cases-8-promise-broken")
            await desk.answer()
            await expect(desk.part("promise").filter(has_text=BROKEN)).to_have_attribute("data-status", "broken")
            await call.hang_up()
        await desk.page.goto(f"{product.url}/tickets/all/{ticket['id']}")
        await expect(desk.part("ticket-history")).to_contain_text("Promessa non mantenuta")
        await expect(desk.part("promise").filter(has_text=BROKEN)).to_have_attribute("data-status", "broken")
        await desk.picture("cases-9-ticket-with-broken-promise")
        assert desk.problems == []


async def new_customer(person: Person, name: str, number: str) -> Json:
    """A customer with that number, whom nobody has heard of before."""
    given = {"name": name, "programme_id": "p-mobile", "number": number}
    return dict(await person.post("/customers", given))


async def ticket_of_the_call(desk: Desktop, product: Product, number: str) -> Json:
    """The ticket that the desk shows for the present call of that number."""
    await expect(desk.part("ticket-number")).to_have_text(re.compile(r"T-\d+"))
    shown = await desk.text("ticket-number")
    await product.interaction_of(number)
    (row,) = product.rows("SELECT id, number FROM ticket WHERE number = ?", shown)
    return row


async def hand_over(desk: Desktop) -> None:
    """Wrap up by keyboard: handed over to the back office."""
    await desk.until_mode("wrap_up")
    await desk.press("2")
    await desk.choose("topic", TOPIC)
    await desk.press("Control+Enter")
    await desk.until_state(READY)


async def close_recall(desk: Desktop) -> None:
    """Wrap up by keyboard: resolved, with the cause of the recall."""
    await desk.until_mode("wrap_up")
    await desk.choose("cause", "Problema non risolto")
    await desk.close_ticket(TOPIC)


async def promise(desk: Desktop, text: str) -> None:
    """Promise something within the hour, by keyboard."""
    await desk.part("promise-add").press("Enter")
    await desk.page.keyboard.type(text)
    await desk.part("due-in_one_hour").press("Enter")
    await desk.part("promise-save").press("Enter")


async def tab_to(desk: Desktop, place: Locator) -> None:
    """Go there by Tab alone."""
    for _ in range(ENOUGH_TABS):
        if await place.evaluate("place => place === document.activeElement"):
            return
        await desk.press("Tab")
    raise AssertionError(f"Tab does not lead to {place}")


def status(product: Product, text: str) -> str:
    """How the promise with these words stands."""
    (row,) = product.rows("SELECT status FROM promise WHERE text = ?", text)
    return str(row["status"])
