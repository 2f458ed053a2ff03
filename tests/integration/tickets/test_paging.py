"""Long lists page by page: every row once, in the list's order, whatever is added between two pages."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from core.errors import Invalid
from tests.integration.tickets.world import DAY, GIULIA, HOUR, NOON, World
from tickets import customers, lists, paging
from tickets.contacts import contact_page
from tickets.model import Ticket

CHIARA = "+393475550142"
PAGE = 3
Fetch = Callable[[str | None], Awaitable[Any]]


async def _all(fetch: Fetch) -> list[Any]:
    """The rows of all pages, followed to the end."""
    rows, after = [], None
    while True:
        page = await fetch(after)
        assert len(page["items"]) <= PAGE
        rows += page["items"]
        if page["next"] is None:
            return rows
        assert len(page["items"]) == PAGE, "only the last page is short"
        after = page["next"]


async def _tickets(world: World) -> None:
    """Tickets of every priority, with and without a due time, several alike in all but their id."""
    async with world.database.session() as session:
        for number in range(16):
            session.add(
                Ticket(
                    id=f"t-{number:02}",
                    number=f"T-{number}",
                    programme_id="p-aura",
                    title="Bill",
                    priority=("low", "normal", "high", "urgent", "odd")[number % 5],
                    status="resolved" if number % 4 == 0 else "open",
                    due=None if number % 3 == 0 else NOON + number // 6 * HOUR,
                    opened_at=NOON + number // 8,
                    changed_at=NOON + number // 5,
                )
            )


@pytest.mark.parametrize("view", ["open", "all", "resolved", "overdue"])
async def test_the_pages_of_a_view_make_up_its_list(world: World, view: str) -> None:
    await _tickets(world)
    async with world.database.reading() as session:
        at = NOON + DAY
        whole = await lists.page(session, view, GIULIA, at, limit=200)
        paged = await _all(lambda after: lists.page(session, view, GIULIA, at, limit=PAGE, after=after))
    assert whole["next"] is None
    assert len(paged) == whole["total"] > PAGE
    assert [one["id"] for one in paged] == [one["id"] for one in whole["items"]]


async def test_a_ticket_that_comes_between_two_pages_moves_nothing(world: World) -> None:
    await _tickets(world)
    async with world.database.reading() as session:
        first = await lists.page(session, "all", GIULIA, NOON, limit=PAGE)
        second = await lists.page(session, "all", GIULIA, NOON, limit=PAGE, after=first["next"])
    await world.call(None, NOON + DAY, outcome=None)
    async with world.database.reading() as session:
        again = await lists.page(session, "all", GIULIA, NOON, limit=PAGE, after=first["next"])
        newest = await lists.page(session, "all", GIULIA, NOON, limit=PAGE)
    assert [one["id"] for one in again["items"]] == [one["id"] for one in second["items"]]
    assert newest["items"][0]["id"] not in {one["id"] for one in [*first["items"], *second["items"]]}


async def test_customers_are_found_page_by_page_those_that_begin_with_the_text_first(world: World) -> None:
    for name in ("Rossi Ada", "Ada Rossi", "Rossi Ada", "Èmma Rossi", "Rossini Bea", "Bea Verdi", "Ugo De Rossi"):
        await world.customer(name)
    async with world.database.reading() as session:
        found = await _all(lambda after: customers.search(session, "rossi", limit=PAGE, after=after))
        everyone = await _all(lambda after: customers.search(session, "", limit=PAGE, after=after))
    names = ["Rossi Ada", "Rossi Ada", "Rossini Bea", "Ada Rossi", "Èmma Rossi", "Ugo De Rossi"]
    assert [one["name"] for one in found] == names
    assert len({one["id"] for one in everyone}) == len(everyone) == 7


async def test_the_contacts_of_a_customer_go_back_to_the_first_one(world: World) -> None:
    customer = await world.customer("Chiara Ferrero", CHIARA)
    calls = [await world.call(CHIARA, NOON - number * HOUR) for number in range(7)]
    async with world.database.reading() as session:
        paged = await _all(lambda after: contact_page(session, customer, "it", limit=PAGE, after=after))
        story = await customers.story(session, customer)
    assert [one["interaction_id"] for one in paged] == calls
    assert (len(story["contacts"]), story["contacts_next"]) == (7, None)


@pytest.mark.parametrize(
    "given",
    [
        "x",
        "bm9uc2Vuc2U",
        paging.cursor((1.0,)),
        paging.cursor((1.0, 2.0)),
        paging.cursor(("1", "t-1")),
        paging.cursor((True, "t-1")),
        paging.cursor((float("inf"), "t-1")),
        paging.cursor((1e300, "t-1")),
        paging.cursor((1.0, "t\0")),
        "WzEuMCwiXHVkODAwIl0",
    ],
)
async def test_a_cursor_that_is_none_of_ours_is_refused(world: World, given: str) -> None:
    async with world.database.reading() as session:
        with pytest.raises(Invalid) as refused:
            await lists.page(session, "all", GIULIA, NOON, after=given)
    assert refused.value.code == "cursor_wrong"
    assert "without a cursor" in refused.value.remedy


async def test_a_place_with_numbers_of_any_size_is_looked_for_and_not_stumbled_over(world: World) -> None:
    await _tickets(world)
    async with world.database.reading() as session:
        page = await lists.page(session, "open", GIULIA, NOON, after=paging.cursor((9e11, 0.0, 7.5, -1, "t-1")))
    assert page["items"] == []
