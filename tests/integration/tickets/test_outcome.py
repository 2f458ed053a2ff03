"""Whose word the outcome of a call is, until when, and what is left when it is corrected or said twice."""

import pytest

from core.errors import Conflict
from core.journal import Fact
from tests.integration.tickets.world import BRUNO, DAY, GIULIA, HOUR, MARCO, NOON, World
from tickets import lists, promises, work
from tickets.model import Ticket
from tickets.outcome import Outcome, save
from tickets.unit import CLOCK, Actor
from tickets.views import TicketView

CHIARA = "+393475550142"


async def _talk(world: World, **call: object) -> tuple[str, str]:
    """A call that Giulia is closing: the call and its ticket."""
    call_id = await world.call(CHIARA, NOON, outcome=None, **call)  # type: ignore[arg-type]
    ticket_id = (await world.row(call_id)).ticket_id
    assert ticket_id is not None
    return call_id, ticket_id


async def _say(world: World, call: tuple[str, str], outcome: Outcome, actor: Actor = GIULIA) -> None:
    call_id, ticket_id = call
    async with world.tickets.unit(actor) as unit:
        await save(unit, ticket_id, call_id, outcome)


async def _refused(world: World, call: tuple[str, str], outcome: Outcome, actor: Actor = GIULIA) -> str:
    with pytest.raises(Conflict) as refused:
        await _say(world, call, outcome, actor)
    assert refused.value.remedy
    return refused.value.code


async def _shown(world: World, ticket_id: str) -> TicketView:
    async with world.database.reading() as session:
        return await lists.ticket(session, ticket_id, GIULIA)


async def _passed_on(world: World, call_id: str) -> None:
    await world.tell(Fact(NOON + 240, "call.transferred", call_id, GIULIA.id, {"kind": "blind_queue", "to": "q-port"}))


RESOLVED = Outcome("resolved", "bill")


async def test_the_outcome_is_the_word_of_the_agent_who_had_the_call(world: World) -> None:
    call = await _talk(world)
    assert await _refused(world, call, RESOLVED, MARCO) == "not_your_call"
    await _say(world, call, RESOLVED)


async def test_an_outcome_is_corrected_until_wrap_up_ends_and_not_later(world: World) -> None:
    call = await _talk(world)
    await _say(world, call, Outcome("hand_over", "bill"))
    await _say(world, call, RESOLVED)
    world.clock.advance(HOUR)
    assert await _refused(world, call, Outcome("hand_over", "bill")) == "wrap_up_over"
    assert (await _shown(world, call[1]))["status"] == "resolved"


async def test_what_the_timer_cut_off_is_still_closed_by_its_agent(world: World) -> None:
    call = await _talk(world)
    world.clock.advance(HOUR)
    await _say(world, call, RESOLVED)
    assert (await _shown(world, call[1]))["status"] == "resolved"


@pytest.mark.parametrize("said_before", [True, False])
async def test_nobody_overwrites_what_others_have_worked_on_since(world: World, said_before: bool) -> None:
    call = await _talk(world)
    if said_before:
        await _say(world, call, Outcome("hand_over", "bill"))
    async with world.tickets.unit(BRUNO) as unit:
        await work.take(unit, call[1], (await unit.session.get_one(Ticket, call[1])).version)
    assert await _refused(world, call, RESOLVED) == "worked_on"
    assert (await _shown(world, call[1]))["owner"] == {"id": BRUNO.id, "name": BRUNO.name}


async def test_a_call_about_an_older_ticket_is_closed_whoever_had_the_ticket_before(world: World) -> None:
    await world.customer("Chiara", CHIARA)
    _, ticket_id = await _talk(world)
    async with world.tickets.unit(BRUNO) as unit:
        await work.take(unit, ticket_id, (await unit.session.get_one(Ticket, ticket_id)).version)
    await world.call(CHIARA, NOON + 2 * HOUR, agent=MARCO, link=ticket_id)
    assert (await _shown(world, ticket_id))["status"] == "resolved"


async def test_a_call_back_that_is_corrected_takes_its_promise_along(world: World) -> None:
    call = await _talk(world)
    async with world.tickets.unit(GIULIA) as unit:
        await promises.make(unit, call[1], "SMS", unit.at + HOUR, call[0])
    for text in ("Call about the bill", "Call about the credit"):
        await _say(world, call, Outcome("call_back", "bill", due=NOON + DAY, reason=text))
    said = [promise["text"] for promise in (await _shown(world, call[1]))["promises"]]
    assert said == ["SMS", "Call about the credit"]
    await _say(world, call, RESOLVED)
    world.clock.advance(2 * DAY)
    async with world.tickets.unit(CLOCK) as unit:
        assert await promises.break_overdue(unit) == 1
    shown = await _shown(world, call[1])
    assert [(promise["text"], promise["status"]) for promise in shown["promises"]] == [("SMS", "broken")]
    assert "promise_withdrawn" in {row["kind"] for row in shown["history"]}


async def test_an_outcome_sent_again_is_saved_once_also_when_wrap_up_is_over_by_then(world: World) -> None:
    call = await _talk(world)
    outcome = Outcome("hand_over", "bill", note="Read it all", reason="Over my limit", save_id="s-1")
    await _say(world, call, outcome)
    once = await _shown(world, call[1])
    world.clock.advance(HOUR)
    await _say(world, call, outcome)
    assert await _shown(world, call[1]) == once


async def test_a_reason_or_note_that_stands_there_already_is_not_written_again(world: World) -> None:
    call = await _talk(world)
    for note in ("Read it all", "Read it all", "And the annex"):
        await _say(world, call, Outcome("hand_over", "bill", note=note, reason="Over my limit"))
    notes = [note["text"] for note in (await _shown(world, call[1]))["notes"]]
    assert notes == ["Read it all", "Over my limit", "And the annex"]


async def test_a_hand_over_taken_back_by_way_of_a_call_back_was_no_back_office_step(world: World) -> None:
    call = await _talk(world)
    await _say(world, call, Outcome("hand_over", "bill"))
    await _say(world, call, Outcome("call_back", "bill", due=NOON + DAY))
    await _say(world, call, RESOLVED)
    async with world.database.reading() as session:
        assert (await session.get_one(Ticket, call[1])).back_office_at is None


async def test_an_agent_who_passed_the_caller_on_leaves_the_outcome_to_the_next_one(world: World) -> None:
    call = await _talk(world)
    await _passed_on(world, call[0])
    await _say(world, call, Outcome("transferred", None, note="Wants the credit"))
    assert (await world.row(call[0])).outcome is None
    shown = await _shown(world, call[1])
    assert (shown["status"], [note["text"] for note in shown["notes"]]) == ("open", ["Wants the credit"])
    await world.tell(
        Fact(NOON + 260, "call.answered", call[0], MARCO.id, {"fence": 2, "queue_id": "q-port", "waited": 10})
    )
    await _say(world, call, Outcome("hand_over", "bill"))
    world.clock.advance(HOUR)
    await _say(world, call, RESOLVED, MARCO)
    assert await _refused(world, (call[0], call[1]), Outcome("hand_over", "bill")) == "wrap_up_over"
    world.clock.advance(-HOUR + 1)
    assert await _refused(world, call, Outcome("hand_over", "bill")) == "gone_on"
    assert (await world.row(call[0])).outcome == "resolved"


async def test_a_call_that_ended_with_its_agent_was_not_transferred(world: World) -> None:
    call = await _talk(world)
    assert await _refused(world, call, Outcome("transferred", None)) == "not_transferred"
