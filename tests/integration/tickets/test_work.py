"""What people do on tickets, promises and customers; what is told on the bus; what is refused, and how."""

import asyncio

import pytest

from core.errors import Conflict, Forbidden, Invalid, NotFound
from tests.integration.tickets.world import BRUNO, DAY, GIULIA, HOUR, MARCO, NOON, World
from tests.patience import PATIENCE
from tickets import calls, customers, intake, lists, merging, promises, work
from tickets.callers import caller_by_code, caller_by_number
from tickets.model import Ticket
from tickets.outcome import Outcome, save
from tickets.unit import CLOCK, Actor
from tickets.views import TicketView

CHIARA = "+393475550142"


async def _ticket(world: World, **call: object) -> str:
    made = await world.row(await world.call(CHIARA, NOON, **call))  # type: ignore[arg-type]
    assert made.ticket_id is not None
    return made.ticket_id


async def _shown(world: World, ticket_id: str, actor: Actor = GIULIA) -> TicketView:
    async with world.database.reading() as session:
        return await lists.ticket(session, ticket_id, actor)


async def _version(world: World, ticket_id: str) -> int:
    return (await _shown(world, ticket_id))["version"]


# --- changes --------------------------------------------------------------------------------------------------------


async def test_a_change_based_on_an_old_version_is_refused_with_the_present_one(world: World) -> None:
    ticket_id = await _ticket(world, outcome=None)
    version = await _version(world, ticket_id)
    async with world.tickets.unit(GIULIA) as unit:
        await work.edit(unit, ticket_id, version, {"priority": "high"})
    with pytest.raises(Conflict) as refused:
        async with world.tickets.unit(MARCO) as unit:
            await work.edit(unit, ticket_id, version, {"priority": "low"})
    assert refused.value.values["version"] == version + 1
    assert (await _shown(world, ticket_id))["priority"] == "high"


async def test_of_two_changes_at_the_same_moment_one_wins_and_the_other_is_told(world: World) -> None:
    ticket_id = await _ticket(world, outcome=None)
    version = await _version(world, ticket_id)

    async def change(actor: Actor, priority: str) -> str:
        try:
            async with world.tickets.unit(actor) as unit:
                await work.edit(unit, ticket_id, version, {"priority": priority})
        except Conflict:
            return "refused"
        return priority

    results = await asyncio.gather(change(GIULIA, "high"), change(MARCO, "low"))
    assert sorted(results, key=lambda result: result == "refused")[1] == "refused"
    assert (await _shown(world, ticket_id))["priority"] in results


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"priority": "enormous"}, "priority_unknown"),
        ({"title": "   "}, "title_missing"),
        ({"title": None}, "title_missing"),
        ({"priority": None}, "priority_unknown"),
        ({"topic_id": "gardening"}, "topic_unknown"),
        ({"status": "resolved"}, "invalid"),
    ],
)
async def test_a_wrong_value_is_refused_with_its_name_and_a_remedy(
    world: World, fields: dict[str, object], code: str
) -> None:
    ticket_id = await _ticket(world, outcome=None)
    with pytest.raises(Invalid) as refused:
        async with world.tickets.unit(GIULIA) as unit:
            await work.edit(unit, ticket_id, await _version(world, ticket_id), fields)
    assert (refused.value.code, bool(refused.value.remedy)) == (code, True)


async def test_history_says_who_changed_what_from_what_to_what(world: World) -> None:
    ticket_id = await _ticket(world, outcome=None)
    async with world.tickets.unit(MARCO) as unit:
        await work.edit(unit, ticket_id, await _version(world, ticket_id), {"priority": "urgent"})
    last = (await _shown(world, ticket_id))["history"][-1]
    assert (last["who"], last["kind"], last["field"]) == ("Marco De Santis", "edited", "priority")
    assert (last["before"], last["after"]) == ("normal", "urgent")


async def test_every_change_is_told_on_the_bus_after_the_commit_and_a_failed_one_is_not(world: World) -> None:
    ticket_id = await _ticket(world, outcome=None)
    version = await _version(world, ticket_id)
    async with await world.bus.subscribe("ticket") as heard:
        with pytest.raises(NotFound):
            await _take_both(world, ticket_id, "t-none")
        async with world.tickets.unit(MARCO) as unit:
            await work.take(unit, ticket_id, version)
        _, message = await asyncio.wait_for(heard.next(), PATIENCE)
    assert (message["ticket_id"], message["change"]) == (ticket_id, "taken")
    assert message["version"] == await _version(world, ticket_id)


async def _take_both(world: World, *ticket_ids: str) -> None:
    async with world.tickets.unit(GIULIA) as unit:
        for ticket_id in ticket_ids:
            await work.take(unit, ticket_id)


async def test_a_draft_survives_until_its_note_is_written_and_is_ones_own(world: World) -> None:
    ticket_id = await _ticket(world, outcome=None)
    version = await _version(world, ticket_id)
    for text in ("Customer says", "Customer says that the SMS"):
        async with world.tickets.unit(GIULIA) as unit:
            await work.save_draft(unit, ticket_id, text)
    shown = await _shown(world, ticket_id)
    assert (shown["draft"], shown["version"]) == ("Customer says that the SMS", version)
    assert (await _shown(world, ticket_id, MARCO))["draft"] is None
    async with world.tickets.unit(GIULIA) as unit:
        await work.add_note(unit, ticket_id, "Customer says that the SMS never came.")
    shown = await _shown(world, ticket_id)
    assert (shown["draft"], [note["text"] for note in shown["notes"]]) == (
        None,
        ["Customer says that the SMS never came."],
    )


async def test_an_empty_draft_is_forgotten_and_an_empty_note_refused(world: World) -> None:
    ticket_id = await _ticket(world, outcome=None)
    for text in ("something", " "):
        async with world.tickets.unit(GIULIA) as unit:
            await work.save_draft(unit, ticket_id, text)
    assert (await _shown(world, ticket_id))["draft"] is None
    with pytest.raises(Invalid, match="empty"):
        async with world.tickets.unit(GIULIA) as unit:
            await work.add_note(unit, ticket_id, "\n ")


async def test_what_does_not_exist_is_not_found(world: World) -> None:
    for act in (
        lambda unit: work.take(unit, "t-none"),
        lambda unit: work.save_draft(unit, "t-none", "x"),
        lambda unit: promises.settle(unit, "pr-none", "kept"),
        lambda unit: calls.choose_customer(unit, "call-none", "c-none"),
        lambda unit: customers.change(unit, "c-none", {"name": "X"}),
    ):
        with pytest.raises(NotFound):
            async with world.tickets.unit(GIULIA) as unit:
                await act(unit)  # type: ignore[no-untyped-call]


# --- outcome --------------------------------------------------------------------------------------------------------


async def test_a_hand_over_waits_for_back_office_with_a_due_time_of_a_day_and_its_reason(world: World) -> None:
    ticket_id = await _ticket(world, outcome=None)
    call = (await _shown(world, ticket_id))["opened_by_interaction"] or ""
    async with world.tickets.unit(GIULIA) as unit:
        await save(unit, ticket_id, call, Outcome("hand_over", "bill", note="Read it all", reason="Over my limit"))
        due = unit.at + DAY
    shown = await _shown(world, ticket_id)
    assert (shown["status"], shown["owner"], shown["topic"], shown["title"]) == (
        "pending_back_office",
        None,
        "Conto",
        "Conto",
    )
    assert [note["text"] for note in shown["notes"]] == ["Read it all", "Over my limit"]
    async with world.database.reading() as session:
        assert (await session.get_one(Ticket, ticket_id)).due == due


async def test_a_call_back_is_a_promise_with_its_time_and_saying_it_twice_is_one(world: World) -> None:
    ticket_id = await _ticket(world, outcome=None)
    call = (await _shown(world, ticket_id))["opened_by_interaction"] or ""
    for hours in (2, 3):
        async with world.tickets.unit(GIULIA) as unit:
            await save(unit, ticket_id, call, Outcome("call_back", "bill", due=NOON + hours * HOUR))
    shown = await _shown(world, ticket_id)
    assert shown["status"] == "pending_call_back"
    assert [(one["text"], one["due"]) for one in shown["promises"]] == [
        ("Richiamare il cliente", "2026-11-23T14:00:00.000Z")
    ]


async def test_a_recall_is_not_saved_without_its_cause(world: World) -> None:
    await world.customer("Chiara", CHIARA)
    await world.call(CHIARA, NOON - HOUR)
    ticket_id = await _ticket(world, outcome=None)
    call = (await _shown(world, ticket_id))["opened_by_interaction"] or ""
    with pytest.raises(Invalid) as refused:
        async with world.tickets.unit(GIULIA) as unit:
            await save(unit, ticket_id, call, Outcome("resolved", "bill"))
    assert refused.value.code == "cause_missing"
    async with world.tickets.unit(GIULIA) as unit:
        await calls.set_cause(unit, call, "not-solved")
        await save(unit, ticket_id, call, Outcome("resolved", "bill"))
    assert (await world.row(call)).recall_cause_id == "not-solved"


@pytest.mark.parametrize(
    ("outcome", "code"),
    [
        (Outcome("call_back", "bill"), "due_missing"),
        (Outcome("call_back", "bill", due=NOON - HOUR), "due_past"),
        (Outcome("resolved", "gardening"), "topic_unknown"),
        (Outcome("resolved", "bill", cause_id="the weather"), "cause_unknown"),
    ],
)
async def test_an_outcome_with_a_wrong_part_is_refused_and_nothing_is_saved(
    world: World, outcome: Outcome, code: str
) -> None:
    ticket_id = await _ticket(world, outcome=None)
    before = await _shown(world, ticket_id)
    with pytest.raises(Invalid) as refused:
        async with world.tickets.unit(GIULIA) as unit:
            await save(unit, ticket_id, before["opened_by_interaction"] or "", outcome)
    assert refused.value.code == code
    assert await _shown(world, ticket_id) == before


async def test_an_outcome_on_the_ticket_of_another_call_is_refused(world: World) -> None:
    ticket_id = await _ticket(world, outcome=None)
    other = await world.call(CHIARA, NOON + HOUR, outcome=None)
    with pytest.raises(Conflict) as refused:
        async with world.tickets.unit(GIULIA) as unit:
            await save(unit, ticket_id, other, Outcome("resolved", "bill"))
    assert refused.value.code == "not_this_call"


async def test_back_office_takes_resolves_and_opens_again(world: World) -> None:
    ticket_id = await _ticket(world, outcome="hand_over")
    async with world.tickets.unit(BRUNO) as unit:
        await work.take(unit, ticket_id)
        await work.resolve(unit, ticket_id, "Credit approved.")
    shown = await _shown(world, ticket_id)
    assert (shown["status"], shown["owner"]) == ("resolved", {"id": "u-bruno", "name": "Bruno Sartori"})
    for again in (work.resolve, work.take):
        with pytest.raises(Conflict, match="resolved already"):
            async with world.tickets.unit(BRUNO) as unit:
                await again(unit, ticket_id)
    async with world.tickets.unit(BRUNO) as unit:
        await work.reopen(unit, ticket_id, "The credit never arrived.")
    shown = await _shown(world, ticket_id)
    assert (shown["status"], shown["resolved"]) == ("open", None)
    with pytest.raises(Conflict, match="not resolved"):
        async with world.tickets.unit(BRUNO) as unit:
            await work.reopen(unit, ticket_id)


# --- links and customers --------------------------------------------------------------------------------------------


async def test_linking_a_call_to_an_open_ticket_drops_the_empty_new_one(world: World) -> None:
    await world.customer("Chiara", CHIARA)
    old = await _ticket(world, outcome="hand_over")
    call = await world.call(CHIARA, NOON + HOUR, outcome=None)
    own = (await world.row(call)).ticket_id or ""
    for _ in range(2):
        async with world.tickets.unit(GIULIA) as unit:
            await calls.link_ticket(unit, call, old)
    assert (await world.row(call)).ticket_id == old
    assert (await _shown(world, own))["status"] == "dropped"
    assert len((await _shown(world, old))["contacts"]) == 2
    with pytest.raises(Conflict) as refused:
        async with world.tickets.unit(GIULIA) as unit:
            await work.add_note(unit, own, "Too late")
    assert refused.value.values["instead"] == old


async def test_linking_keeps_what_was_already_written_on_the_new_ticket(world: World) -> None:
    await world.customer("Chiara", CHIARA)
    old = await _ticket(world, outcome="hand_over")
    call = await world.call(CHIARA, NOON + HOUR, outcome=None)
    own = (await world.row(call)).ticket_id or ""
    async with world.tickets.unit(GIULIA) as unit:
        await work.add_note(unit, own, "Customer is angry", call)
        await promises.make(unit, own, "SMS", unit.at + HOUR, call)
    async with world.tickets.unit(GIULIA) as unit:
        await calls.link_ticket(unit, call, old)
    shown = await _shown(world, old)
    assert "Customer is angry" in [note["text"] for note in shown["notes"]]
    assert "SMS" in [promise["text"] for promise in shown["promises"]]
    assert (await _shown(world, own))["status"] == "merged"


async def test_a_call_is_not_linked_to_a_resolved_ticket_or_to_another_customers(world: World) -> None:
    chiara, anna = await world.customer("Chiara", CHIARA), await world.customer("Anna", "+393475550143")
    resolved = await _ticket(world)
    call = await world.call(CHIARA, NOON + HOUR, outcome=None, choose=chiara)
    theirs = (await world.row(await world.call("+393475550143", NOON, outcome="hand_over", choose=anna))).ticket_id
    for ticket_id, code in ((resolved, "already_resolved"), (theirs or "", "customer_differs")):
        with pytest.raises(Conflict) as refused:
            async with world.tickets.unit(GIULIA) as unit:
                await calls.link_ticket(unit, call, ticket_id)
        assert refused.value.code == code


async def test_choosing_the_customer_moves_the_calls_ticket_and_promises_along(world: World) -> None:
    chiara = await world.customer("Chiara")
    ticket_id = await _ticket(world, outcome="call_back", choose=chiara)
    assert (await _shown(world, ticket_id))["customer"] == {"id": chiara, "name": "Chiara"}
    async with world.database.reading() as session:
        story = await customers.story(session, chiara)
    assert len(story["promises"]) == 1


async def test_a_customers_code_is_its_own_and_a_number_must_be_one(world: World) -> None:
    async with world.tickets.unit(GIULIA) as unit:
        await customers.create(unit, name="Chiara", programme_id="p-aura", code="am-1")
    with pytest.raises(Conflict) as taken:
        async with world.tickets.unit(GIULIA) as unit:
            await customers.create(unit, name="Anna", programme_id="p-aura", code="AM-1 ")
    assert taken.value.code == "code_taken"
    async with world.tickets.unit(GIULIA) as unit:
        other = await customers.create(unit, name="Anna", programme_id="p-volt", code="AM-1")
        with pytest.raises(Invalid, match="not a phone number"):
            await customers.attach_number(unit, other.id, "call me")
        assert await customers.attach_number(unit, other.id, "347 555 0142") == CHIARA


async def test_marking_a_number_as_a_switchboard_holds_for_all_who_have_it(world: World) -> None:
    one = await world.customer("Edil Nova", CHIARA)
    other = await world.customer("Edil Vecchia", CHIARA, shared=True)
    async with world.database.reading() as session:
        cards = [await customers.card(session, customer_id) for customer_id in (one, other)]
    assert [card["numbers"][0]["shared"] for card in cards] == [True, True]


# --- promises -------------------------------------------------------------------------------------------------------


async def test_the_clock_breaks_promises_past_their_time_once(world: World) -> None:
    ticket_id = await _ticket(world, outcome="call_back")
    async with world.tickets.unit(CLOCK) as unit:
        assert await promises.break_overdue(unit) == 0
    world.clock.advance(2 * DAY)
    async with await world.bus.subscribe("ticket") as heard:
        for expected in (1, 0):
            async with world.tickets.unit(CLOCK) as unit:
                assert await promises.break_overdue(unit) == expected
        _, message = await asyncio.wait_for(heard.next(), PATIENCE)
    assert message["change"] == "promise_broken"
    shown = await _shown(world, ticket_id)
    assert [one["status"] for one in shown["promises"]] == ["broken"]
    assert ("OneCall", "promise_broken") in [(row["who"], row["kind"]) for row in shown["history"]]


async def test_a_promise_kept_in_time_stays_kept_and_one_done_late_is_broken(world: World) -> None:
    ticket_id = await _ticket(world, outcome=None)
    async with world.tickets.unit(GIULIA) as unit:
        made = [await promises.make(unit, ticket_id, text, unit.at + HOUR) for text in ("SMS", "Letter")]
    async with world.tickets.unit(BRUNO) as unit:
        assert (await promises.settle(unit, made[0].id, "kept")).status == "kept"
        with pytest.raises(Conflict, match="kept already"):
            await promises.settle(unit, made[0].id, "broken")
    world.clock.advance(2 * HOUR)
    async with world.tickets.unit(BRUNO) as unit:
        assert (await promises.settle(unit, made[1].id, "kept")).status == "broken"


async def test_a_promise_needs_words_and_a_time_to_come(world: World) -> None:
    ticket_id = await _ticket(world, outcome=None)
    for text, after, code in (("  ", HOUR, "promise_empty"), ("SMS", -1.0, "due_past")):
        with pytest.raises(Invalid) as refused:
            async with world.tickets.unit(GIULIA) as unit:
                await promises.make(unit, ticket_id, text, unit.at + after)
        assert refused.value.code == code


# --- lists, the IVR's questions, what callers leave -------------------------------------------------------------------


async def test_the_views_of_the_back_office_hold_what_their_names_say(world: World) -> None:
    await world.customer("Chiara Ferrero", CHIARA)
    mine = await _ticket(world, outcome="call_back")
    handed = (await world.row(await world.call(CHIARA, NOON + HOUR, agent=MARCO, outcome="hand_over"))).ticket_id
    marcos = (await world.row(await world.call(CHIARA, NOON + 2 * HOUR, agent=MARCO, outcome=None))).ticket_id
    done = (await world.row(await world.call(CHIARA, NOON + 3 * HOUR))).ticket_id
    at = NOON + DAY + 2 * HOUR

    async def ids(view: str, **filters: str) -> list[str]:
        async with world.database.reading() as session:
            page = await lists.page(session, view, GIULIA, at, **filters)  # type: ignore[arg-type]
        assert page["total"] == len(page["items"])
        return [line["id"] for line in page["items"]]

    assert await ids("mine") == [mine]
    assert await ids("team") == [mine, marcos]
    assert await ids("handed_over") == [handed]
    assert await ids("overdue") == [mine, handed]
    assert await ids("due_today") == []
    assert await ids("open") == [mine, handed, marcos]
    assert await ids("resolved") == [done]
    assert set(await ids("all")) == {mine, handed, marcos, done}
    assert set(await ids("all", text="FERR")) == {mine, handed, marcos, done}
    assert await ids("all", text="t-10002") == [handed]
    assert await ids("all", text="nobody") == []
    assert await ids("all", programme="p-volt") == []
    async with world.database.reading() as session:
        counts = (await lists.page(session, "mine", GIULIA, at))["counts"]
    assert counts == {"mine": 1, "team": 2, "handed_over": 1, "due_today": 0, "overdue": 2, "open": 3}


async def test_a_page_is_a_part_of_the_list(world: World) -> None:
    for hours in range(3):
        await world.call(None, NOON + hours * HOUR, outcome=None)
    async with world.database.reading() as session:
        first = await lists.page(session, "open", GIULIA, NOON, limit=2)
        page = await lists.page(session, "open", GIULIA, NOON, limit=2, after=first["next"])
        with pytest.raises(Invalid, match="does not exist"):
            await lists.page(session, "everything", GIULIA, NOON)
    assert [len(one["items"]) for one in (first, page)] == [2, 1]
    assert (page["next"], page["total"]) == (None, 3)


async def test_the_ivr_hears_who_calls_the_last_agent_and_the_open_ticket(world: World) -> None:
    chiara = await world.customer("Chiara", CHIARA)
    ticket_id = await _ticket(world, agent=MARCO, outcome="hand_over")
    async with world.database.reading() as session:
        caller = await caller_by_number(session, CHIARA, "p-aura", NOON + HOUR)
        code = (await customers.card(session, chiara))["code"]
        keyed = await caller_by_code(session, code.lower(), "p-aura", NOON + HOUR)
        stranger = await caller_by_code(session, "0000", "p-aura", NOON + HOUR)
        elsewhere = await caller_by_number(session, CHIARA, "p-volt", NOON + HOUR)
    assert (caller.identification, caller.customer_ids, caller.last_agent_id) == ("one", (chiara,), "a-marco")
    assert (caller.ticket_number, caller.ticket_status) == (
        (await _shown(world, ticket_id))["number"],
        "pending_back_office",
    )
    assert keyed == caller
    assert (stranger.identification, elsewhere.identification) == ("none", "none")


async def test_the_ivr_hears_the_agent_who_has_the_customers_open_ticket_and_the_segment(world: World) -> None:
    await world.customer("Chiara", CHIARA)
    ticket_id = await _ticket(world, agent=MARCO, outcome="hand_over")
    await _set_owner(world, ticket_id, "b-nobody-at-a-phone")
    async with world.database.reading() as session:
        nobody = await caller_by_number(session, CHIARA, "p-aura", NOON + HOUR)
    await _set_owner(world, ticket_id, "a-marco")
    async with world.database.reading() as session:
        owner = await caller_by_number(session, CHIARA, "p-aura", NOON + HOUR)
    assert (nobody.owner_id, owner.owner_id, owner.segment) == (None, "a-marco", "consumer")


async def _set_owner(world: World, ticket_id: str, owner_id: str) -> None:
    async with world.database.session() as session:
        (await session.get_one(Ticket, ticket_id)).owner_id = owner_id


async def test_what_a_caller_left_is_one_ticket_however_often_it_is_told(world: World) -> None:
    chiara = await world.customer("Chiara", CHIARA)
    left = intake.Left("x-1", "call_back", NOON, CHIARA, "p-aura", (), None, "it", "Chiede di essere richiamata.")
    made = []
    for _ in range(2):
        async with world.tickets.unit(CLOCK) as unit:
            made.append(await intake.take(unit, left))
    assert made[0] == made[1]
    shown = await _shown(world, made[0])
    assert (shown["customer"], shown["status"], shown["title"]) == (
        {"id": chiara, "name": "Chiara"},
        "pending_call_back",
        "Richiamare Chiara",
    )
    assert shown["notes"][0]["text"] == f"{CHIARA}: Chiede di essere richiamata."


async def test_tickets_of_two_customers_are_not_merged(world: World) -> None:
    one, other = await world.customer("Chiara", CHIARA), await world.customer("Anna", "+393475550143")
    tickets = [
        (await world.row(await world.call(None, NOON + place, choose=customer, outcome=None))).ticket_id or ""
        for place, customer in enumerate((one, other))
    ]
    with pytest.raises(Invalid) as refused:
        async with world.tickets.unit(BRUNO) as unit:
            await merging.merge_tickets(unit, *tickets)
    assert refused.value.code == "customer_differs"


async def test_numbers_of_tickets_opened_at_once_are_all_different(world: World) -> None:
    facts = [world.facts(None, NOON + place) for place in range(6)]
    opened = await asyncio.gather(*(world.stories.open_ticket(one, GIULIA.id, NOON + 60) for one in facts))
    numbers = {(await _shown(world, ticket_id))["number"] for ticket_id in opened}
    assert numbers == {f"T-{10_001 + place}" for place in range(6)}


async def test_a_call_asked_for_its_ticket_twice_at_once_has_one(world: World) -> None:
    facts = world.facts(CHIARA, NOON)
    opened = await asyncio.gather(*(world.stories.open_ticket(facts, who.id, NOON) for who in (GIULIA, MARCO)))
    assert opened[0] == opened[1]


# --- programmes, versions, numbers ----------------------------------------------------------------------------------


async def _of_volt(world: World, name: str) -> str:
    async with world.tickets.unit(GIULIA) as unit:
        return (await customers.create(unit, name=name, programme_id="p-volt")).id


async def test_a_call_is_given_no_customer_and_no_ticket_of_another_programme(world: World) -> None:
    anna = await _of_volt(world, "Anna")
    theirs = await world.row(await world.call(None, NOON, outcome=None, programme_id="p-volt"))
    call = await world.call(CHIARA, NOON + HOUR, outcome=None)
    for act in (
        lambda unit: calls.choose_customer(unit, call, anna),
        lambda unit: calls.link_ticket(unit, call, theirs.ticket_id or ""),
    ):
        with pytest.raises(Conflict) as refused:
            async with world.tickets.unit(GIULIA) as unit:
                await act(unit)  # type: ignore[no-untyped-call]
        assert refused.value.code == "programme_differs"


async def test_a_caller_certain_by_number_does_not_become_the_customer_of_a_ticket(world: World) -> None:
    chiara, anna = await world.customer("Chiara", CHIARA), await world.customer("Anna", "+393475550143")
    theirs = (await world.row(await world.call("+393475550143", NOON, outcome="hand_over"))).ticket_id or ""
    call = await world.call(CHIARA, NOON + HOUR, outcome=None)
    with pytest.raises(Conflict) as refused:
        async with world.tickets.unit(GIULIA) as unit:
            await calls.link_ticket(unit, call, theirs)
    assert refused.value.code == "customer_differs"
    assert (await world.row(call)).subject == chiara
    async with world.tickets.unit(GIULIA) as unit:
        await calls.choose_customer(unit, call, anna)
        await calls.link_ticket(unit, call, theirs)
    assert (await world.row(call)).subject == anna


async def test_a_number_attached_to_one_more_customer_stays_a_switchboards(world: World) -> None:
    await world.customer("Ufficio", CHIARA, shared=True)
    other = await world.customer("Bianchi", CHIARA)
    async with world.database.reading() as session:
        assert (await customers.by_number(session, CHIARA, "p-aura")).identification == "shared"
    async with world.tickets.unit(GIULIA) as unit:
        await customers.attach_number(unit, other, CHIARA, shared=False)
    async with world.database.reading() as session:
        assert (await customers.by_number(session, CHIARA, "p-aura")).identification == "several"


async def test_linking_to_a_second_ticket_tells_whose_call_it_is(world: World) -> None:
    await world.customer("Chiara", CHIARA)
    first, second = await _ticket(world, outcome="hand_over"), await _ticket(world, outcome="hand_over")
    call = await world.call(CHIARA, NOON + HOUR, outcome=None)
    async with world.tickets.unit(GIULIA) as unit:
        await calls.link_ticket(unit, call, first)
    async with await world.bus.subscribe("ticket") as heard:
        async with world.tickets.unit(GIULIA) as unit:
            await calls.link_ticket(unit, call, second)
        _, message = await asyncio.wait_for(heard.next(), PATIENCE)
    assert (message["ticket_id"], message["interaction_id"]) == (second, call)


async def test_somebody_elses_ticket_is_taken_only_by_who_has_seen_whose_it_is(world: World) -> None:
    ticket_id = await _ticket(world, outcome=None)
    for version, code in ((None, "owned"), (1_000, "version_old")):
        with pytest.raises(Conflict) as refused:
            async with world.tickets.unit(BRUNO) as unit:
                await work.take(unit, ticket_id, version)
        assert refused.value.code == code
    seen = await _version(world, ticket_id)
    async with world.tickets.unit(BRUNO) as unit:
        await work.take(unit, ticket_id, seen)
    row = next(row for row in (await _shown(world, ticket_id))["history"] if row["kind"] == "taken")
    assert (row["before"], row["after"]) == (GIULIA.id, BRUNO.id)
    for act in (work.resolve, work.reopen):
        with pytest.raises(Conflict, match="changed meanwhile"):
            async with world.tickets.unit(BRUNO) as unit:
                await act(unit, ticket_id, None, seen)


async def test_of_two_changes_of_a_customer_the_later_one_is_told_of_the_first(world: World) -> None:
    chiara = await world.customer("Chiara", CHIARA)
    async with world.tickets.unit(GIULIA) as unit:
        assert (await customers.change(unit, chiara, {"city": "Torino"}, 1)).version == 2
    with pytest.raises(Conflict) as refused:
        async with world.tickets.unit(MARCO) as unit:
            await customers.change(unit, chiara, {"city": "Milano"}, 1)
    assert refused.value.values["version"] == 2


async def test_an_agent_resolves_what_is_theirs_and_nothing_else(world: World) -> None:
    ticket_id = await _ticket(world, outcome="call_back")
    with pytest.raises(Forbidden) as refused:
        async with world.tickets.unit(MARCO) as unit:
            await work.resolve(unit, ticket_id, only_own=True)
    assert refused.value.code == "not_yours"
    async with world.tickets.unit(GIULIA) as unit:
        await work.resolve(unit, ticket_id, only_own=True)
    assert (await _shown(world, ticket_id))["status"] == "resolved"


async def test_tickets_without_a_name_that_are_merged_are_one_caller(world: World) -> None:
    tickets, made = [], []
    for place in range(2):
        first = await world.call(None, NOON + place * DAY, outcome="hand_over")
        ticket_id = (await world.row(first)).ticket_id or ""
        again = await world.call(None, NOON + place * DAY + HOUR, outcome=None, link=ticket_id)
        tickets.append(ticket_id)
        made += [first, again]
    async with world.tickets.unit(BRUNO) as unit:
        await merging.merge_tickets(unit, *tickets)
    assert {(await world.row(call)).subject for call in made} == {tickets[1]}


async def test_a_wrong_number_is_taken_out_by_its_agent_until_wrap_up_ends_and_by_leaders_later(world: World) -> None:
    call = await world.call(CHIARA, NOON, outcome=None)
    async with world.tickets.unit(GIULIA) as unit:
        await calls.set_disposition(unit, call, "wrong_number", only_own=True)
    world.clock.advance(HOUR)
    for actor, code in ((GIULIA, "wrap_up_over"), (MARCO, "not_your_call")):
        with pytest.raises(Conflict) as refused:
            async with world.tickets.unit(actor) as unit:
                await calls.set_disposition(unit, call, None, only_own=True)
        assert refused.value.code == code
    async with world.tickets.unit(BRUNO) as unit:
        await calls.set_disposition(unit, call, None)
    assert (await world.row(call)).disposition is None
