"""The main job as a user sees it: from the dialled number to the closed ticket, and the recall after it."""

from __future__ import annotations

import hashlib
import json
import re

import pytest
from playwright.async_api import Browser, expect

from phones.audio import RATE, tone
from phones.call import Call
from tests.e2e.product import MOBILE, QUICK, Product
from tests.e2e.product_desktop import ON_HOLD, READY, TALKING, VOICE, Desktop
from tests.e2e.product_people import Json, until
from tests.e2e.product_sound import Listener, learn, seconds_of, until_heard, until_heard_long, until_music

pytestmark = pytest.mark.asyncio(loop_scope="module")
SETTINGS = {"paint_seconds": 10}
"""So that the phone rings late rather than before the pop; how soon the pop comes is what `make bench-pop` measures."""
CALLER, SECRET = 440.0, 1230.0
"""Pitches of the customer's voice, and of what is said while the recording is paused."""
PORTABILITY = "Rifiutata dall'altro operatore"
PROMISE = "La richiamiamo quando il numero è passato"
WELCOME = "Benvenuto in Ponente Mobile."
NOTICE = "La chiamata è registrata per garantire la qualità del servizio."
MENU = "Per la portabilità del numero prema 1. Per assistenza tecnica e configurazioni prema 2."


async def test_a_call_goes_from_the_menu_to_a_closed_ticket_and_comes_back_as_a_recall(
    product: Product, chromium: Browser
) -> None:
    await learn(WELCOME, NOTICE, MENU)
    customer = somebody_who_has_not_called_for_days(product)
    async with (
        Desktop.opened(product, chromium, "elena") as floor,
        Desktop.opened(product, chromium, "giulia") as desk,
    ):
        await floor.part("tile-q-port").wait_for()
        before = await figure(floor, "Risposte")
        async with product.caller(customer["number"], MOBILE, CALLER) as call:
            await through_the_menu(product, call, floor)
            interaction = await product.interaction_of(customer["number"])
            await pop_then_ring(desk, customer)
            await talk(desk, call, floor)
            await hold_and_resume(desk, call)
            await say_a_secret_off_the_record(product, desk, call, interaction)
            await write_and_promise(desk)
            await until_heard_long(call, VOICE, 5)
            await desk.press("Shift+F2")
            assert await call.wait_until_ended() == "remote"
        await wrap_up(desk, product, interaction)
        await until_floor_has_moved(floor, before)
        await recording_holds_both_sides(product, interaction)
        await call_again(product, desk, customer)
        assert desk.problems == []
        assert floor.problems == []


async def test_a_wrong_password_is_refused_in_the_users_language(product: Product, chromium: Browser) -> None:
    page = await chromium.new_page(locale="it-IT")
    await page.goto(product.url)
    await page.get_by_test_id("login").fill("giulia")
    await page.get_by_test_id("password").fill("not-her-password")
    await page.keyboard.press("Enter")
    await expect(page.get_by_test_id("sign-in-problem")).to_be_visible()
    assert "sign-in" in page.url
    await page.context.close()


def somebody_who_has_not_called_for_days(product: Product) -> Json:
    """A customer of the demo whose next call is no recall, known by the number alone."""
    (found,) = product.rows(
        """SELECT customer.id, customer.name, customer.segment, number.number FROM customer
           JOIN customer_number AS number ON number.customer_id = customer.id
           WHERE customer.programme_id = 'p-mobile' AND NOT number.shared
             AND (SELECT count(*) FROM customer_number AS other WHERE other.number = number.number) = 1
             AND NOT EXISTS (SELECT 1 FROM interaction AS past WHERE past.customer_id = customer.id
                             AND past.arrived_at > unixepoch() - 4 * 86400)
             AND NOT EXISTS (SELECT 1 FROM ticket WHERE ticket.customer_id = customer.id
                             AND ticket.status NOT IN ('resolved', 'closed'))
           ORDER BY customer.id LIMIT 1"""
    )
    return found


async def figure(floor: Desktop, word: str) -> int:
    """A figure of the portability queue's tile on the live page."""
    place = floor.part("tile-q-port").locator("dl > div").filter(has=floor.page.get_by_text(word, exact=True))
    return int(await place.locator("dd").inner_text())


async def through_the_menu(product: Product, call: Call, floor: Desktop) -> None:
    """The caller hears the welcome and the menu, presses 1, and waits with music; the live page shows it."""
    listener = Listener(call)
    for sentence in (WELCOME, NOTICE, MENU):
        await listener.until_said(sentence)
    await call.media.dial_digits("1")
    await expect(floor.part("tile-q-port").get_by_test_id("tile-waiting")).to_have_text("1")
    await until_music(call)
    await floor.picture("main-1-floor-waiting")


async def pop_then_ring(desk: Desktop, customer: Json) -> None:
    """The agent goes ready: who calls and why is on the screen before the phone's INVITE has come."""
    await desk.be_ready()
    await desk.until_mode("ringing")
    await expect(desk.part("customer-name")).to_have_text(customer["name"])
    await expect(desk.part("recall-mark")).to_have_count(0)
    for told in ("Ponente Mobile", "Portability", "italiano"):
        await expect(desk.part("assist")).to_contain_text(told)
    invites = await until(lambda: desk.seen("invites"), "the INVITE has come")
    pops = await desk.seen("pops")
    assert pops[0] < invites[0], f"pop at {pops[0]} ms, INVITE at {invites[0]} ms"
    await desk.picture("main-2-ringing")


async def talk(desk: Desktop, call: Call, floor: Desktop) -> None:
    """F2 answers; both hear each other; a ticket is there; the live page shows the agent talking."""
    await desk.press("F2")
    await desk.until_mode("talking")
    await until_heard(call, VOICE)
    await desk.hears(CALLER)
    await expect(desk.part("ticket-number")).to_have_text(re.compile(r"T-\d+"))
    await expect(floor.part("agent-a-2001")).to_have_attribute("data-state", "talking")
    await expect(floor.part("tile-q-port").get_by_test_id("tile-waiting")).to_have_text("0")
    await desk.picture("main-3-talking")


async def hold_and_resume(desk: Desktop, call: Call) -> None:
    """F8: the caller hears music, the agent nothing, a timer runs; F8 again: both hear each other."""
    await desk.press("F8")
    await desk.until_state(ON_HOLD)
    await until_music(call, VOICE)
    await desk.hears_nothing()
    await desk.until_timer(2)
    await desk.picture("main-4-hold")
    await desk.press("F8")
    await desk.until_state(TALKING)
    await until_heard(call, VOICE)
    await desk.hears(CALLER)


async def say_a_secret_off_the_record(product: Product, desk: Desktop, call: Call, interaction: str) -> None:
    """Shift+F8 pauses the recording while the customer says a card number."""
    recording = desk.part("recording")
    await desk.press("Shift+F8")
    await expect(recording).to_have_attribute("data-paused", "true")
    call.media.loop_sound(tone(SECRET))
    await desk.hears(SECRET)
    call.media.loop_sound(tone(CALLER))
    await desk.hears(CALLER)
    await until_recorded(product, interaction, 2.0)
    await desk.press("Shift+F8")
    await expect(recording).to_have_attribute("data-paused", "false")


async def until_recorded(product: Product, interaction: str, seconds: float) -> None:
    """Wait until so much more has been written: on a busy machine Asterisk writes what was said some time ago."""
    (file,) = product.recordings.glob(f"**/{interaction}-caller.wav")
    enough = file.stat().st_size + seconds * RATE * 2
    await until(lambda: file.stat().st_size >= enough, f"{seconds:.0f} s more are recorded")


async def write_and_promise(desk: Desktop) -> None:
    """A note and a promise with its due time, while the customer is on the line."""
    await desk.part("note").focus()
    await desk.page.keyboard.type("Il numero risulta rifiutato, pratica rifatta.")
    await desk.part("promise-add").focus()
    await desk.press("Enter")
    await desk.page.keyboard.type(PROMISE)
    await desk.part("due-in_one_hour").focus()
    await desk.press("Enter")
    await desk.part("promise-save").focus()
    await desk.press("Enter")
    await expect(desk.part("promise").filter(has_text=PROMISE).first).to_be_visible()


async def wrap_up(desk: Desktop, product: Product, interaction: str) -> None:
    """Nothing is saved without a topic; with it the ticket is resolved and the agent is ready again."""
    await desk.until_mode("wrap_up")
    await desk.picture("main-5-wrap-up")
    await desk.press("F10", "1", "Control+Enter")
    await expect(desk.page.get_by_text("Scegli un tema per salvare")).to_be_visible()
    await desk.choose("topic", PORTABILITY)
    await desk.press("Control+Enter")
    await desk.until_state(READY)
    await product.stored("wrap_up.ended", interaction)
    (row,) = product.rows("SELECT * FROM interaction WHERE id = ?", interaction)
    assert (row["outcome"], row["topic_id"], row["agent_id"]) == ("resolved", "m-port-rejected", "a-2001")
    (ticket,) = product.rows("SELECT * FROM ticket WHERE id = ?", row["ticket_id"])
    assert ticket["status"] == "resolved"
    (note,) = product.rows("SELECT * FROM ticket_note WHERE ticket_id = ?", ticket["id"])
    assert note["text"].startswith("Il numero risulta rifiutato")
    (promise,) = product.rows("SELECT * FROM promise WHERE ticket_id = ?", ticket["id"])
    assert (promise["text"], promise["status"]) == (PROMISE, "open")


async def until_floor_has_moved(floor: Desktop, before: int) -> None:
    """The live page counts the answered call and shows the agent ready."""
    await expect(floor.part("agent-a-2001")).to_have_attribute("data-state", "ready")

    async def counted() -> bool:
        return await figure(floor, "Risposte") == before + 1

    await until(counted, "the live page counts the call")
    await floor.picture("main-6-floor-after")


async def recording_holds_both_sides(product: Product, interaction: str) -> None:
    """The recording is closed with its hash; both sides are in it, apart too; the secret and only it is missing."""
    row = await product.recording(interaction)
    file = product.recordings / row["path"]
    assert row["problem"] is None
    assert row["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()
    assert len(json.loads(row["pauses"])) == 1
    caller, heard = (file.with_name(f"{file.stem}-{side}.wav") for side in ("caller", "heard"))
    assert seconds_of(caller, CALLER) > 3
    assert seconds_of(caller, VOICE) == 0
    assert seconds_of(heard, VOICE) > 3
    assert seconds_of(file, CALLER) > 3
    assert seconds_of(file, VOICE) > 3
    assert [seconds_of(each, SECRET) for each in (file, caller, heard)] == [0, 0, 0]


async def call_again(product: Product, desk: Desktop, customer: Json) -> None:
    """The same customer calls: a recall with whom, when, what about, what was promised; it must get a cause."""
    async with product.caller(customer["number"], QUICK, CALLER) as call:
        await desk.until_mode("ringing")
        await expect(desk.part("recall-mark").first).to_be_visible()
        card = desk.part("recall-card")
        for told in ("Giulia Bassi", PORTABILITY, PROMISE, "Richiamata dopo", "Quando"):
            await expect(card).to_contain_text(told)
        await expect(desk.part("opening")).to_contain_text(customer["name"])
        await desk.picture("main-7-recall-ringing")
        await desk.press("F2")
        await desk.until_mode("talking")
        await desk.hears(CALLER)
        interaction = await product.interaction_of(customer["number"])
        await call.hang_up()
    await desk.until_mode("wrap_up")
    await desk.press("1")
    await desk.choose("topic", PORTABILITY)
    await desk.press("Control+Enter")
    await expect(desk.page.get_by_text("Scegli una causa per salvare")).to_be_visible()
    await desk.picture("main-8-recall-wants-a-cause")
    await desk.choose("cause", "Problema non risolto")
    await desk.press("Control+Enter")
    await desk.until_state(READY)
    (row,) = product.rows("SELECT * FROM interaction WHERE id = ?", interaction)
    assert (row["outcome"], row["recall_cause_id"]) == ("resolved", "not-solved")
