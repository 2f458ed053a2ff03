"""The pop and the ticket of a call, as the dispatcher asks for them."""

from typing import Any

import pytest

from acd.ports import CallFacts
from core.clock import ManualClock
from tests.integration.tickets.world import DAY, GIULIA, HOUR, MARCO, NOON, World
from tickets import calls, customers, promises
from tickets.lists import ticket as ticket_view
from tickets.merging import merge_customers

CHIARA = "+393475550142"


async def _pop(world: World, facts: CallFacts) -> dict[str, Any]:
    return dict((await world.stories.pop(facts)).pop)


async def test_an_unknown_number_gives_a_pop_without_story(world: World) -> None:
    pop = await _pop(world, world.facts("+393470000001", NOON))
    assert (pop["identification"], pop["customers"], pop["recall"]) == ("none", [], None)
    assert "Con chi parlo?" in pop["opening"]["it"]


async def test_a_withheld_number_is_said_to_be_withheld(world: World) -> None:
    assert (await _pop(world, world.facts(None, NOON)))["identification"] == "withheld"


async def test_a_number_of_two_customers_is_never_guessed(world: World) -> None:
    one, other = await world.customer("Chiara Ferrero", CHIARA), await world.customer("Anna Ferrero", CHIARA)
    pop = await _pop(world, world.facts(CHIARA, NOON))
    assert pop["identification"] == "several"
    assert {customer["id"] for customer in pop["customers"]} == {one, other}
    assert (pop["recall"], pop["contacts"]) == (None, [])


async def test_a_switchboard_names_its_customers_and_marks_them(world: World) -> None:
    await world.customer("Edil Nova", CHIARA, shared=True)
    pop = await _pop(world, world.facts(CHIARA, NOON))
    assert pop["identification"] == "shared"
    assert pop["customers"][0]["flags"] == ["shared"]
    assert pop["contacts"] == []


async def test_a_first_call_of_a_known_customer_is_no_recall(world: World) -> None:
    await world.customer("Chiara Ferrero", CHIARA)
    story = await world.stories.pop(world.facts(CHIARA, NOON))
    assert story.pop["recall"] is None
    assert story.caller_name == "Chiara Ferrero"
    assert story.pop["opening"]["it"].startswith("Buongiorno Chiara Ferrero")


async def test_a_recall_shows_who_when_what_and_what_was_promised(world: World) -> None:
    await world.customer("Chiara Ferrero", CHIARA)
    first = await world.call(CHIARA, NOON - 20 * HOUR, agent=MARCO, outcome="call_back")
    pop = await _pop(world, world.facts(CHIARA, NOON))
    recall = pop["recall"]
    assert (recall["of_interaction_id"], recall["agent_name"]) == (first, "Marco De Santis")
    assert (recall["topic"], recall["nth"]) == ("Portabilità", 2)
    assert recall["at"] == "2026-11-22T15:04:00.000Z"
    assert recall["same_topic_ticket_id"] == pop["open_tickets"][0]["id"]
    assert [promise["status"] for promise in recall["promises"]] == ["open"]
    assert "ieri alle 16:04" in pop["opening"]["it"]
    assert "yesterday at 16:04" in pop["opening"]["en"]
    assert pop["contacts"][0]["outcome"] == "call_back"


async def test_a_promise_past_its_time_is_apologised_for_before_the_clock_has_marked_it(world: World) -> None:
    await world.customer("Chiara Ferrero", CHIARA)
    await world.call(CHIARA, NOON - 40 * HOUR, outcome="call_back")
    pop = await _pop(world, world.facts(CHIARA, NOON))
    assert "Non abbiamo mantenuto" in pop["opening"]["it"]


async def test_the_chain_of_calls_is_counted(world: World) -> None:
    await world.customer("Chiara Ferrero", CHIARA)
    for days in (5, 3, 1):
        await world.call(CHIARA, NOON - days * DAY)
    assert (await _pop(world, world.facts(CHIARA, NOON)))["recall"]["nth"] == 4


async def test_a_call_after_the_window_is_no_recall(world: World) -> None:
    await world.customer("Chiara Ferrero", CHIARA)
    first = await world.row(await world.call(CHIARA, NOON - 80 * HOUR))
    assert first.ended_at is not None
    inside = world.facts(CHIARA, first.ended_at + 72 * HOUR)
    outside = world.facts(CHIARA, first.ended_at + 72 * HOUR + 0.001)
    assert (await _pop(world, inside))["recall"] is not None
    assert (await _pop(world, outside))["recall"] is None


async def test_an_abandoned_call_does_not_make_the_next_one_a_recall(world: World) -> None:
    await world.customer("Chiara Ferrero", CHIARA)
    await world.call(CHIARA, NOON - HOUR, agent=None)
    assert (await _pop(world, world.facts(CHIARA, NOON)))["recall"] is None


async def test_the_ticket_of_a_call_is_opened_once_whoever_asks(world: World) -> None:
    await world.customer("Chiara Ferrero", CHIARA)
    facts = world.facts(CHIARA, NOON)
    first = await world.stories.open_ticket(facts, GIULIA.id, NOON + 40)
    again = await world.stories.open_ticket(facts, MARCO.id, NOON + 90)
    assert first == again
    async with world.database.reading() as session:
        shown = await ticket_view(session, first, GIULIA)
    assert shown["owner"] == {"id": "a-giulia", "name": "Giulia Conti"}
    assert shown["number"] == "T-10001"
    assert [row["kind"] for row in shown["history"]] == ["opened", "opened"]
    assert (await world.stories.pop(facts)).ticket_id == first


async def test_the_facts_of_a_call_that_arrive_after_its_ticket_keep_it(world: World) -> None:
    await world.customer("Chiara Ferrero", CHIARA)
    call = await world.call(CHIARA, NOON)
    row = await world.row(call)
    assert row.ticket_id is not None
    assert (row.outcome, row.talk, row.agent_id) == ("resolved", 200.0, "a-giulia")


async def test_once_the_agent_has_chosen_the_pop_tells_that_customers_story(world: World) -> None:
    chosen = await world.customer("Chiara Ferrero", CHIARA)
    await world.customer("Anna Ferrero", CHIARA)
    await world.call(CHIARA, NOON - 20 * HOUR, choose=chosen)
    facts = world.facts(CHIARA, NOON)
    ticket = await world.stories.open_ticket(facts, GIULIA.id, NOON + 40)
    async with world.tickets.unit(GIULIA) as unit:
        await calls.choose_customer(unit, facts.interaction_id, chosen)
        promise = await promises.make(unit, ticket, "SMS con la data", unit.at + HOUR, facts.interaction_id)
    pop = await _pop(world, facts)
    assert (pop["identification"], pop["recall"]["nth"]) == ("one", 2)
    assert [one["id"] for one in pop["promises"]] == [promise.id]
    assert promise.customer_id == chosen


async def test_a_promise_kept_in_this_call_stays_on_its_pop_and_on_no_later_one(world: World) -> None:
    customer = await world.customer("Chiara Ferrero", CHIARA)
    first = await world.call(CHIARA, NOON - 20 * HOUR, choose=customer, outcome="call_back")
    (promise,) = (await _pop(world, world.facts(CHIARA, NOON)))["promises"]
    facts = world.facts(CHIARA, NOON)
    world.clock = ManualClock(NOON + 60)
    async with world.tickets.unit(GIULIA) as unit:
        await promises.settle(unit, promise["id"], "kept")
    assert [one["status"] for one in (await _pop(world, facts))["promises"]] == ["kept"]
    later = await _pop(world, world.facts(CHIARA, NOON + HOUR))
    assert (later["promises"], later["recall"]["of_interaction_id"]) == ([], first)


async def test_a_merged_customer_that_the_channel_still_names_is_shown_as_the_survivor(world: World) -> None:
    old, new = await world.customer("C. Ferrero"), await world.customer("Chiara Ferrero")
    async with world.tickets.unit(GIULIA) as unit:
        await merge_customers(unit, old, new)
    pop = await _pop(world, world.facts(CHIARA, NOON, customer_ids=(old,)))
    assert [customer["id"] for customer in pop["customers"]] == [new]


@pytest.mark.parametrize("text", ["ferrero", "FERRÈRO", "  chiara   ferr", "5550142", "+39 347 555 0142"])
async def test_customers_are_found_by_name_or_number_however_written(world: World, text: str) -> None:
    wanted = await world.customer("Chiara Ferrero", CHIARA)
    await world.customer("Omar Bianchi", "+393475550143")
    async with world.database.reading() as session:
        assert [found["id"] for found in (await customers.search(session, text))["items"]] == [wanted]


async def test_a_customer_of_all_programmes_is_shown_only_what_belongs_to_the_programme_called(world: World) -> None:
    async with world.tickets.unit(GIULIA) as unit:
        everywhere = (await customers.create(unit, name="Comune", programme_id=None)).id
        await customers.attach_number(unit, everywhere, CHIARA)
    for programme in ("p-volt", "p-aura"):
        call = await world.row(await world.call(CHIARA, NOON, outcome=None, programme_id=programme))
        async with world.tickets.unit(GIULIA) as unit:
            await promises.make(unit, call.ticket_id or "", f"SMS of {programme}", unit.at + DAY, call.id)
    pop = (await world.stories.pop(world.facts(CHIARA, NOON + HOUR))).pop
    assert [len(pop[part]) for part in ("open_tickets", "promises", "contacts")] == [1, 1, 1]
    assert pop["promises"][0]["text"] == "SMS of p-aura"
