"""Customers, calls, tickets and promises over REST, on the real tickets room."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from sqlalchemy import select

from acd.ports import CallFacts
from core.clock import iso
from tests.integration.api.house import START, House
from tickets.model import Customer, RecallCause, Topic
from tickets.stories import TicketStories
from tickets.unit import Tickets

NUMBER = "+393475550142"


def _in(hours: float) -> str:
    return (datetime.fromtimestamp(START, UTC) + timedelta(hours=hours)).isoformat()


@pytest.fixture
async def anna(house: House) -> AsyncIterator[httpx.AsyncClient]:
    """Anna's browser; there are topics and causes."""
    async with house.database.session() as session:
        session.add_all(
            [
                Topic(id="to-bill", programme_id="p-aura", name_it="Bolletta", name_en="Bill"),
                Topic(id="to-other", programme_id="p-else", name_it="Altro", name_en="Other"),
                RecallCause(id="rc-late", name_it="In ritardo", name_en="Late"),
            ]
        )
    async with house.signed_in("anna") as client:
        yield client


async def _call(house: House, interaction_id: str = "i-1", number: str | None = NUMBER) -> str:
    """A call that Anna has answered; its ticket."""
    facts = CallFacts(
        interaction_id=interaction_id,
        arrived=START - 60,
        did="+390612345",
        number=number,
        programme_id="p-aura",
        queue_id="q-care",
        skills="",
        priority=0,
        queued_at=START - 40,
        customer_ids=(),
        language="it",
        preferred_agent_id=None,
        path="1",
    )
    stories = TicketStories(Tickets(house.database, house.bus, house.clock))
    return await stories.open_ticket(facts, "a-anna", START)


async def test_a_customer_is_made_found_changed_and_told_as_a_story(anna: httpx.AsyncClient) -> None:
    made = await anna.post("/api/customers", json={"name": "Èlena Rossi", "programme_id": "p-aura", "number": NUMBER})
    assert made.status_code == 201, made.text
    customer_id = made.json()["id"]
    assert made.json()["numbers"] == [{"number": NUMBER, "shared": False}]
    found = (await anna.get("/api/customers", params={"q": "elena"})).json()["items"]
    assert [customer["id"] for customer in found] == [customer_id]
    changed = await anna.patch(f"/api/customers/{customer_id}", json={"city": "Torino"})
    assert changed.json()["city"] == "Torino"
    numbered = await anna.post(f"/api/customers/{customer_id}/numbers", json={"number": "011 555 0199", "shared": True})
    assert {"number": "+390115550199", "shared": True} in numbered.json()["numbers"]
    story = (await anna.get(f"/api/customers/{customer_id}")).json()
    assert (story["customer"]["name"], story["tickets"]) == ("Èlena Rossi", [])


async def test_a_number_that_is_none_is_refused_with_the_value_and_the_remedy(anna: httpx.AsyncClient) -> None:
    made = (await anna.post("/api/customers", json={"name": "Elena"})).json()
    answer = await anna.post(f"/api/customers/{made['id']}/numbers", json={"number": "call me"})
    assert answer.status_code == 422
    assert "'call me'" in answer.json()["error"]["what"]
    assert "+39" in answer.json()["error"]["remedy"]


async def test_a_call_goes_from_answer_to_resolved_ticket(house: House, anna: httpx.AsyncClient) -> None:
    ticket_id = await _call(house)
    customer = (await anna.post("/api/customers", json={"name": "Elena", "programme_id": "p-aura"})).json()
    call = (await anna.post("/api/interactions/i-1/customer", json={"customer_id": customer["id"]})).json()
    assert (call["customer_id"], call["confirmed"], call["ticket_id"]) == (customer["id"], True, ticket_id)
    assert (await anna.put(f"/api/tickets/{ticket_id}/draft", json={"text": "half a"})).status_code == 200
    assert (await anna.get(f"/api/tickets/{ticket_id}")).json()["draft"] == "half a"
    note = await anna.post(f"/api/tickets/{ticket_id}/notes", json={"text": "half a sentence", "interaction_id": "i-1"})
    assert (note.status_code, note.json()["author"]) == (201, "Anna")
    outcome = {"interaction_id": "i-1", "outcome": "resolved", "topic": "to-bill"}
    done = (await anna.post(f"/api/tickets/{ticket_id}/outcome", json=outcome)).json()
    assert (done["status"], done["topic_id"], done["draft"]) == ("resolved", "to-bill", None)
    assert [one["text"] for one in done["notes"]] == ["half a sentence"]
    assert {"opened", "note_added", "resolved"} <= {row["kind"] for row in done["history"]}


async def test_an_older_version_of_a_ticket_is_a_conflict_that_tells_the_present_one(
    house: House, anna: httpx.AsyncClient
) -> None:
    ticket_id = await _call(house)
    version = (await anna.get(f"/api/tickets/{ticket_id}")).json()["version"]
    first = await anna.patch(f"/api/tickets/{ticket_id}", json={"version": version, "title": "First", "due": _in(4)})
    second = await anna.patch(f"/api/tickets/{ticket_id}", json={"version": version, "title": "Second"})
    assert first.json()["title"] == "First"
    assert first.json()["due"] == iso(START + 4 * 3600)
    assert second.status_code == 409
    assert second.json()["error"]["values"]["version"] == first.json()["version"]


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"topic": "to-other"}, "to-other"),
        ({"outcome": "call_back"}, "due"),
        ({"outcome": "call_back", "due": "2020-01-01T00:00:00Z"}, "past"),
        ({"outcome": "vanish"}, "outcome"),
        ({"due": "2026-11-23T10:00:00"}, "due"),
    ],
)
async def test_a_faulty_outcome_is_refused_and_the_ticket_stays_open(
    house: House, anna: httpx.AsyncClient, change: dict[str, str], word: str
) -> None:
    ticket_id = await _call(house)
    outcome = {"interaction_id": "i-1", "outcome": "resolved", "topic": "to-bill", **change}
    answer = await anna.post(f"/api/tickets/{ticket_id}/outcome", json=outcome)
    assert answer.status_code == 422, answer.text
    assert word in answer.json()["error"]["what"]
    assert (await anna.get(f"/api/tickets/{ticket_id}")).json()["status"] == "open"


async def test_a_call_back_becomes_a_promise_that_is_kept(house: House, anna: httpx.AsyncClient) -> None:
    ticket_id = await _call(house)
    outcome = {
        "interaction_id": "i-1",
        "outcome": "call_back",
        "topic": "to-bill",
        "due": _in(2),
        "reason": "Call back about the credit",
    }
    done = (await anna.post(f"/api/tickets/{ticket_id}/outcome", json=outcome)).json()
    [promise] = done["promises"]
    assert (promise["text"], promise["due"]) == ("Call back about the credit", iso(START + 7200))
    kept = await anna.patch(f"/api/promises/{promise['id']}", json={"status": "kept"})
    assert kept.json()["status"] == "kept"
    more = await anna.post(f"/api/tickets/{ticket_id}/promises", json={"text": "Send the bill", "due": _in(24)})
    assert (more.status_code, more.json()["status"]) == (201, "open")


async def test_back_office_takes_resolves_and_reopens_what_an_agent_handed_over(
    house: House, anna: httpx.AsyncClient
) -> None:
    ticket_id = await _call(house)
    outcome = {"interaction_id": "i-1", "outcome": "hand_over", "topic": "to-bill", "reason": "Needs billing"}
    await anna.post(f"/api/tickets/{ticket_id}/outcome", json=outcome)
    async with house.signed_in("back_office") as client:
        listed = (await client.get("/api/tickets", params={"view": "handed_over"})).json()
        assert [line["id"] for line in listed["items"]] == [ticket_id]
        assert listed["counts"]["handed_over"] == 1
        assert (await client.post(f"/api/tickets/{ticket_id}/take")).json()["owner"]["name"] == "Back_Office"
        resolved = await client.post(f"/api/tickets/{ticket_id}/resolve", json={"note": "Credited"})
        assert resolved.json()["status"] == "resolved"
        again = await client.post(f"/api/tickets/{ticket_id}/resolve", json={})
        assert again.status_code == 409
        assert (await client.post(f"/api/tickets/{ticket_id}/reopen", json={})).json()["status"] == "open"


async def test_the_agent_of_a_call_back_resolves_it_and_no_other_agent_does(
    house: House, anna: httpx.AsyncClient
) -> None:
    ticket_id = await _call(house)
    outcome = {"interaction_id": "i-1", "outcome": "call_back", "topic": "to-bill", "due": _in(2), "save_id": "s-1"}
    for _ in range(2):
        done = await anna.post(f"/api/tickets/{ticket_id}/outcome", json=outcome)
        assert (done.status_code, len(done.json()["promises"])) == (200, 1)
    async with house.signed_in("bice") as bice:
        refused = await bice.post(f"/api/tickets/{ticket_id}/resolve", json={})
        assert (refused.status_code, refused.json()["error"]["code"]) == (403, "not_yours")
    assert (await anna.post(f"/api/tickets/{ticket_id}/resolve", json={"note": "Called"})).json()[
        "status"
    ] == "resolved"
    described = (await anna.get("/api/openapi.json")).json()["paths"]["/api/tickets/{ticket_id}/resolve"]["post"]
    assert set(described["x-roles-any"]) < set(described["x-roles"])


async def test_a_wrong_number_a_second_case_and_a_customer_twice_are_put_right_over_rest(
    house: House, anna: httpx.AsyncClient
) -> None:
    ticket_id = await _call(house)
    call = await anna.post("/api/interactions/i-1/disposition", json={"disposition": "wrong_number"})
    assert (call.status_code, call.json()["disposition"]) == (200, "wrong_number")
    made = [
        (await anna.post("/api/customers", json={"name": name, "interaction_id": "i-1"})).json()["id"]
        for name in ("Elena", "Elena R.")
    ]
    async with house.signed_in("team_leader") as leader:
        part = await leader.post(f"/api/tickets/{ticket_id}/split", json={"title": "The modem"})
        assert (part.status_code, part.json()["title"]) == (201, "The modem")
        merged = await leader.post(f"/api/customers/{made[0]}/merge", json={"into": made[1]})
        assert (merged.status_code, merged.json()["id"]) == (200, made[1])
        assert (await leader.post("/api/interactions/i-1/disposition", json={"disposition": None})).status_code == 200
    for client_of in ("quality", "anna"):
        async with house.signed_in(client_of) as client:
            for path, body in ((f"tickets/{ticket_id}/split", {"title": "x"}), ("customers/c/merge", {"into": "c-2"})):
                assert (await client.post(f"/api/{path}", json=body)).status_code == 403
    async with house.database.reading() as session:
        assert {row.programme_id for row in await session.scalars(select(Customer))} == {"p-aura"}


@pytest.mark.parametrize("change", [{"title": None}, {"priority": None}])
async def test_what_a_ticket_must_have_is_not_emptied(
    house: House, anna: httpx.AsyncClient, change: dict[str, None]
) -> None:
    ticket_id = await _call(house)
    version = (await anna.get(f"/api/tickets/{ticket_id}")).json()["version"]
    answer = await anna.patch(f"/api/tickets/{ticket_id}", json={"version": version, **change})
    assert (answer.status_code, answer.json()["error"]["code"]) == (
        422,
        f"{next(iter(change))}_{'missing' if 'title' in change else 'unknown'}",
    )


async def test_a_second_call_is_linked_to_the_open_ticket_and_given_a_cause(
    house: House, anna: httpx.AsyncClient
) -> None:
    first = await _call(house, "i-1")
    customer = (await anna.post("/api/customers", json={"name": "Elena", "programme_id": "p-aura"})).json()
    await anna.post("/api/interactions/i-1/customer", json={"customer_id": customer["id"]})
    second = await _call(house, "i-2")
    linked = (await anna.post("/api/interactions/i-2/ticket", json={"ticket_id": first})).json()
    assert (linked["ticket_id"], linked["customer_id"]) == (first, customer["id"])
    own = (await anna.get(f"/api/tickets/{second}")).json()
    assert (own["status"], own["gone_into"]["id"]) == ("dropped", first)
    caused = (await anna.post("/api/interactions/i-2/cause", json={"cause": "rc-late"})).json()
    assert caused["cause"] == "rc-late"
    unknown = await anna.post("/api/interactions/i-2/cause", json={"cause": "rc-none"})
    assert unknown.status_code == 422


async def test_what_does_not_exist_is_404_with_a_remedy(anna: httpx.AsyncClient) -> None:
    for path in ("/api/tickets/t-none", "/api/customers/c-none", "/api/interactions/i-none"):
        answer = await anna.get(path)
        assert answer.status_code == 404, path
        assert answer.json()["error"]["remedy"]


async def test_topics_and_causes_are_told_in_both_languages(anna: httpx.AsyncClient) -> None:
    topics = (await anna.get("/api/topics", params={"programme": "p-aura"})).json()["items"]
    assert [(topic["id"], topic["name"]["it"]) for topic in topics] == [("to-bill", "Bolletta")]
    assert (await anna.get("/api/causes")).json()["items"][0]["name"] == {"it": "In ritardo", "en": "Late"}


async def test_reports_answer_for_leaders_and_agents_see_their_own_day(house: House, anna: httpx.AsyncClient) -> None:
    await _call(house)
    assert (await anna.get("/api/me/day")).json()["maturity"] == "provisional"
    async with house.signed_in("team_leader") as leader:
        today = (await leader.get("/api/reports/today")).json()
        assert today["figures"]["offered"] >= 0
        days = {"from": "2026-09-20", "to": "2026-09-22"}
        report = (await leader.get("/api/reports/recall", params=days)).json()
        assert (report["from"], report["to"], report["window_hours"]) == ("2026-09-20", "2026-09-22", 72)
        pairs = await leader.get("/api/reports/recall/pairs", params=days)
        assert pairs.json() == {"items": []}
        backwards = await leader.get("/api/reports/recall", params={"from": "2026-09-22", "to": "2026-09-20"})
        assert (backwards.status_code, backwards.json()["error"]["code"]) == (422, "period_wrong")


async def test_long_lists_go_on_where_their_cursor_says(house: House, anna: httpx.AsyncClient) -> None:
    for number in range(3):
        await _call(house, f"i-{number}")
        made = {"name": f"Ada {number}", "programme_id": "p-aura"}
        customer = (await anna.post("/api/customers", json=made)).json()["id"]
        assert (
            await anna.post(f"/api/interactions/i-{number}/customer", json={"customer_id": customer})
        ).status_code == 200
    for path, field in (
        ("/api/tickets", "number"),
        ("/api/customers", "id"),
        (f"/api/customers/{customer}/contacts", "interaction_id"),
    ):
        whole = (await anna.get(path)).json()
        assert whole["next"] is None
        rows, after = [], None
        while after is not None or not rows:
            page = (await anna.get(path, params={"limit": 1, **({"cursor": after} if after else {})})).json()
            rows, after = rows + page["items"], page["next"]
        assert [row[field] for row in rows] == [row[field] for row in whole["items"]]
        for wrong in ("AAAA", "not a cursor"):
            refused = await anna.get(path, params={"cursor": wrong})
            assert refused.status_code == 422
            assert refused.json()["error"]["remedy"]
