"""Every screen in a real browser, as each role has it: by keys and clicks, in both languages, light and dark."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Browser, expect

from tests.e2e.product import Product
from tests.e2e.product_desktop import READY, Desktop
from tests.e2e.product_sound import until_heard

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(240)]
SETTINGS = {"wrap_up_seconds": 60}
DESK_AGENTS = {"marta": "2101"}
CALLER, AGENT = 440.0, 700.0
PAGE = 50


async def test_the_agent_finds_keys_search_and_settings_without_the_mouse(product: Product, chromium: Browser) -> None:
    async with Desktop.opened(product, chromium, "giulia") as desk:
        await desk.be_ready()
        await desk.press("F7")
        await desk.until_state("Pausa")
        await desk.press("F7")
        await desk.until_state(READY)
        await desk.press("Control+.")
        await expect(desk.part("key-map")).to_contain_text("Pronto, non pronto")
        await desk.picture("screens-1-keys")
        await desk.press("Escape", "Control+k")
        (customer,) = product.rows("SELECT name FROM customer ORDER BY id LIMIT 1")
        await desk.part("search-palette").locator("input").fill(customer["name"])
        await expect(desk.part("search-palette").get_by_role("option").first).to_be_visible()
        await desk.picture("screens-2-search")
        await desk.press("ArrowDown", "Enter")
        await desk.page.wait_for_url(re.compile("/(customers|tickets)/"))
        await desk.part("open-settings").click()
        await desk.part("theme-dark").click()
        await desk.part("settings").get_by_role("button", name="English").click()
        await expect(desk.part("settings")).to_contain_text("Appearance")
        await desk.picture("screens-3-settings-dark-english")
        await desk.press("Escape")
        await desk.part("rail-desk").click()
        await desk.until_state("Ready")
        await desk.picture("screens-4-desk-dark-english")
        assert desk.problems == []


async def test_an_agent_changes_the_own_password_and_signs_in_with_it(product: Product, chromium: Browser) -> None:
    async with Desktop.opened(product, chromium, "marta") as desk:
        await desk.part("open-settings").click()
        await desk.part("password-open").click()
        await desk.part("password-current").fill("not this one")
        await desk.part("password-fresh").fill("marta-at-home")
        await desk.press("Enter")
        await expect(desk.part("password-problem")).to_be_visible()
        await desk.part("password-current").fill(product.password("marta"))
        await desk.press("Enter")
        await desk.part("password-open").wait_for()
        await desk.part("state-menu").wait_for()
    async with Desktop.opened(product, chromium, "marta", "marta-at-home") as desk:
        await expect(desk.part("call-bar")).to_be_visible()


async def test_back_office_works_through_its_tickets_by_keys(product: Product, chromium: Browser) -> None:
    async with Desktop.opened(product, chromium, "bruno") as desk:
        await expect(desk.part("ticket-row").first).to_be_visible()
        await expect(desk.part("rail-admin")).to_be_hidden()
        first = await desk.text("detail-number")
        await desk.press("j")
        await expect(desk.part("detail-number")).not_to_have_text(first)
        await desk.press("k")
        await expect(desk.part("detail-number")).to_have_text(first)
        await desk.press("t")
        await expect(desk.part("ticket-history")).to_contain_text("Preso in carico")
        await desk.picture("screens-5-back-office")
        await desk.press("e")
        await expect(desk.part("resolve-sure")).to_be_visible()
        await desk.press("t", "Escape")
        await expect(desk.part("resolve-sure")).to_be_hidden()
        assert product.rows("SELECT status FROM ticket WHERE number = ?", first)[0]["status"] != "resolved"
        await desk.press("e")
        await desk.part("resolve-sure").press("Enter")
        await expect(desk.part("ticket-history")).to_contain_text("Risolto")
        await desk.part("view-all").click()
        await load_by_keyboard(desk, "ticket-row", 5)
        await desk.picture("screens-16-more-tickets")
        await desk.part("rail-customers").click()
        await load_by_keyboard(desk, "customer-row", 2)
        await desk.picture("screens-17-more-customers")
        (customer,) = product.rows("SELECT name FROM customer ORDER BY id LIMIT 1")
        await desk.part("customers-search").fill(customer["name"])
        await desk.page.get_by_role("link").filter(has_text=customer["name"]).first.click()
        await expect(desk.part("customer-story")).to_contain_text("Contatti")
        await desk.picture("screens-6-customer")
        assert desk.problems == []


async def load_by_keyboard(desk: Desktop, row: str, pages: int) -> None:
    """Bring the next pages of a list by its button; each is announced, and the focus goes to its first row."""
    for page in range(1, pages + 1):
        await expect(desk.part(row)).to_have_count(page * PAGE)
        await desk.part("load-more").press("Enter")
        await expect(desk.part("load-told")).to_contain_text(re.compile(rf"\b{(page + 1) * PAGE}\b"))
        await expect(desk.part(row).nth(page * PAGE)).to_be_visible()
        focused = desk.page.locator("li:focus-within").get_by_test_id(row)
        assert await focused.inner_text() == await desk.part(row).nth(page * PAGE).inner_text()


async def test_the_leader_reads_every_figure_and_the_calls_behind_it(product: Product, chromium: Browser) -> None:
    async with Desktop.opened(product, chromium, "elena") as desk:
        await expect(desk.part("total-service_level")).to_be_visible()
        await desk.picture("screens-7-floor")
        await desk.part("rail-reports").click()
        for figure in ("report-net", "report-recall", "report-fcr-fresh", "report-all"):
            await expect(desk.part(figure)).to_contain_text("provv.")
        for row in ("same", "net", "redialled", "excluded"):
            await expect(desk.part(f"report-apart-{row}")).to_be_visible()
        await desk.picture("screens-8-report")
        await desk.part("report-pairs").click()
        await expect(desk.part("pairs")).to_be_visible()
        await desk.picture("screens-9-recall-pairs")
        # The calls of the demo's past have no recordings: none is offered.
        await expect(desk.part("pairs").get_by_test_id("listen")).to_have_count(0)
        await desk.press("Escape")
        assert desk.problems == []


async def test_the_leader_hears_a_recording_from_the_ticket(product: Product, chromium: Browser) -> None:
    number = "+393479300001"
    async with product.seat("luca", "2002") as luca:
        async with product.caller(number, hertz=CALLER) as call:
            leg = await luca.answer(AGENT)
            await until_heard(call, AGENT)
            await leg.hang_up()
        await luca.desk.until_state("wrap_up")
        interaction = await product.interaction_of(number)
        await product.recording(interaction)
        (row,) = product.rows("SELECT ticket_id FROM interaction WHERE id = ?", interaction)
        async with Desktop.opened(product, chromium, "elena") as desk:
            await desk.page.goto(f"{product.url}/tickets/all/{row['ticket_id']}")
            async with desk.page.expect_response(re.compile("/api/recordings/")) as heard:
                await desk.part("listen").first.click()
            assert (await heard.value).status in (200, 206)
            await expect(desk.page.locator("audio")).to_be_visible()


async def test_the_administrator_sees_only_what_the_server_allows_and_the_secret_of_a_desk_phone(
    product: Product, chromium: Browser
) -> None:
    async with product.signed_in("admin") as admin:
        given = {"id": "a-2777", "name": "Tullio Serra", "extension": "2777", "phone_kind": "sip"}
        await admin.post("/admin/agents", given)
        only = {"login": "ada-only", "name": "Sola Amministra", "password": "ada-only-at-work", "language": "it"}
        await admin.post("/admin/users", {**only, "roles": ["administrator"]})
    async with Desktop.opened(product, chromium, "ada-only", "ada-only-at-work") as desk:
        await expect(desk.part("admin-users")).to_be_visible()
        for hidden in ("rail-tickets", "rail-customers", "rail-desk"):
            await expect(desk.part(hidden)).to_be_hidden()
        await desk.picture("screens-10-admin")
        await desk.page.goto(f"{product.url}/admin/agents")
        await desk.part("admin-row-a-2777").click()
        await desk.part("phone-secret-show").click()
        (row,) = product.rows("SELECT phone_secret FROM agent WHERE id = 'a-2777'")
        await expect(desk.part("phone-secret")).to_contain_text(str(row["phone_secret"]))
        await desk.picture("screens-11-desk-phone-secret")
        await desk.part("phone-secret-new").click()
        await expect(desk.part("phone-secret")).not_to_contain_text(str(row["phone_secret"]))
        await desk.page.goto(f"{product.url}/admin/users")
        await desk.part("admin-row-elena").click()
        await expect(desk.part("user-team")).to_contain_text("Team A")
        await desk.picture("screens-15-team-led")
        assert desk.problems == []


async def test_the_wall_screen_names_nobody_and_leads_back(product: Product, chromium: Browser) -> None:
    async with Desktop.opened(product, chromium, "elena") as desk:
        await desk.part("tv").click()
        wall = desk.part("tv")
        await expect(wall.get_by_test_id(re.compile("tv-q-")).first).to_be_visible()
        text = await wall.inner_text()
        assert not [row["name"] for row in product.rows("SELECT name FROM agent") if row["name"] in text]
        await desk.picture("screens-12-tv")
        await desk.press("Escape")
        await expect(desk.part("floor")).to_be_visible()
        await desk.part("open-settings").click()
        await desk.part("theme-dark").click()
        await desk.part("settings").get_by_role("button", name="English").click()
        await desk.press("Escape")
        await expect(desk.part("floor")).to_contain_text("Live")
        await desk.picture("screens-13-floor-dark-english")
        await desk.part("rail-reports").click()
        await desk.part("report-figures").wait_for()
        await desk.picture("screens-14-report-dark-english")
