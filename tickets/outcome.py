"""How the work on a call ended: resolved, handed over to back office, or to be called back; or it went on elsewhere."""

from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import select

from core.errors import Conflict, Invalid
from tickets import calls, parts, people, promises, work
from tickets.catalogue import require_topic
from tickets.model import Interaction, OutcomeSave, Promise, Ticket, TicketEvent, TicketNote, Topic
from tickets.sql import insert_if_absent
from tickets.unit import Unit

OutcomeKind = Literal["resolved", "hand_over", "call_back", "transferred"]
_BACK_OFFICE_TIME = 86_400.0
"""Due time (seconds from now) of a hand-over that names none: back office completes within a day."""
_CALL_BACK = {"it": "Richiamare il cliente", "en": "Call the customer back"}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the agent decided. `due`: epoch seconds; `reason`: why it is handed over, or what is promised.

    Only a call that went on elsewhere (`transferred`) may be without a topic. What comes with a `save_id` that was
    saved for this call before is not done again: a lost answer may be asked for twice.
    """

    kind: OutcomeKind
    topic_id: str | None
    cause_id: str | None = None
    note: str | None = None
    due: float | None = None
    reason: str | None = None
    save_id: str | None = None


async def save(unit: Unit, ticket_id: str, interaction_id: str, outcome: Outcome) -> Ticket:
    """Close the work on a call. The last word counts: an agent may correct the outcome until wrap-up ends.

    A recall needs its cause. A call-back needs `due` and becomes a promise. Who may say it, and until when:
    `tickets.parts`. Raises NotFound, Conflict, Invalid.
    """
    call = await calls.require(unit.session, interaction_id)
    ticket = await work.load(unit, ticket_id)
    if call.ticket_id != ticket.id:
        raise Conflict(
            f"{ticket.number} is not the ticket of this call.",
            "Link the call to this ticket first.",
            code="not_this_call",
            values={"ticket_id": call.ticket_id},
        )
    if outcome.save_id is not None and not await _first_time(unit, call, outcome.save_id):
        return ticket
    if outcome.kind == "transferred":
        await _transferred(unit, ticket, call, outcome)
        return ticket
    await parts.require_word(unit, call, ticket)
    await _check(unit, ticket, call, outcome)
    topic = await require_topic(unit.session, outcome.topic_id, ticket.programme_id)
    await _write_down(unit, ticket, call, outcome)
    call.topic_id, call.outcome = topic.id, outcome.kind
    fields = {"topic_id": topic.id, "title": await _title(unit, ticket, topic)}
    if outcome.kind == "hand_over":
        await _hand_over(unit, ticket, call, outcome, fields)
    else:
        fields |= await _back_office_step_taken_back(unit, ticket, call)
        act = _resolve if outcome.kind == "resolved" else _call_back
        await act(unit, ticket, call, outcome, fields)
    if outcome.kind != "call_back":
        await _withdraw_call_back(unit, call)
    return ticket


async def _first_time(unit: Unit, call: Interaction, save_id: str) -> bool:
    return await insert_if_absent(unit.session, OutcomeSave, {"interaction_id": call.id, "save_id": save_id}) == 1


async def _transferred(unit: Unit, ticket: Ticket, call: Interaction, outcome: Outcome) -> None:
    """The agent's part is over and the call went on: its outcome is left to whoever speaks last."""
    await parts.require_transfer(unit, call)
    fields = {}
    if outcome.topic_id is not None:
        topic = await require_topic(unit.session, outcome.topic_id, ticket.programme_id)
        fields = {"topic_id": topic.id, "title": await _title(unit, ticket, topic)} if call.outcome is None else {}
    await _write_down(unit, ticket, call, outcome)
    work.apply(unit, ticket, "transferred", interaction_id=call.id, **fields)


async def _write_down(unit: Unit, ticket: Ticket, call: Interaction, outcome: Outcome) -> None:
    """The cause, the note, and why it is handed over; what stands there already is not written again."""
    if outcome.cause_id is not None:
        await calls.set_cause(unit, call.id, outcome.cause_id)
    for text in (outcome.note, outcome.reason if outcome.kind == "hand_over" else None):
        if text is None or not text.strip():
            continue
        said = select(TicketNote.id).where(
            TicketNote.ticket_id == ticket.id,
            TicketNote.interaction_id == call.id,
            TicketNote.by_id == unit.actor.id,
            TicketNote.text == text.strip(),
        )
        if await unit.session.scalar(said.limit(1)) is None:
            await work.add_note(unit, ticket.id, text, call.id)


async def _check(unit: Unit, ticket: Ticket, call: Interaction, outcome: Outcome) -> None:
    if outcome.due is not None and outcome.due <= unit.at:
        raise Invalid("It cannot be due in the past.", "Choose a later time.", code="due_past")
    if outcome.cause_id is None and call.recall_cause_id is None:
        trigger = await calls.recall_trigger(unit.session, call)
        if trigger is not None:
            raise Invalid(
                "This call is a recall: its cause is missing.",
                "Choose a cause to save.",
                code="cause_missing",
                values={"ticket_id": ticket.id, "of_interaction_id": trigger.call.id},
            )


async def _title(unit: Unit, ticket: Ticket, topic: Topic) -> str:
    """A ticket that still has the title it was born with is named after its topic."""
    if not ticket.title.startswith(("Chiamata da ", "Call from ")):
        return ticket.title
    programme = await people.programme(unit.session, ticket.programme_id)
    return topic.name_it if programme.language == "it" else topic.name_en


async def _back_office_step_taken_back(unit: Unit, ticket: Ticket, call: Interaction) -> dict[str, Any]:
    """A hand-over said in this very call that is taken back before anybody worked on it was no back-office step."""
    here = select(TicketEvent.id).where(
        TicketEvent.ticket_id == ticket.id,
        TicketEvent.at == ticket.back_office_at,
        TicketEvent.kind == "handed_over",
        TicketEvent.interaction_id == call.id,
    )
    return {"back_office_at": None} if await unit.session.scalar(here.limit(1)) is not None else {}


async def _resolve(unit: Unit, ticket: Ticket, call: Interaction, outcome: Outcome, fields: dict[str, Any]) -> None:
    work.apply(
        unit,
        ticket,
        "resolved",
        interaction_id=call.id,
        status="resolved",
        resolved_at=unit.at,
        first_resolved_at=ticket.first_resolved_at or unit.at,
        owner_id=unit.actor.id,
        owner_name=unit.actor.name,
        **fields,
    )


async def _hand_over(unit: Unit, ticket: Ticket, call: Interaction, outcome: Outcome, fields: dict[str, Any]) -> None:
    work.apply(
        unit,
        ticket,
        "handed_over",
        interaction_id=call.id,
        status="pending_back_office",
        due=outcome.due or unit.at + _BACK_OFFICE_TIME,
        back_office_at=ticket.back_office_at or unit.at,
        owner_id=None,
        owner_name=None,
        **_unresolved(ticket),
        **fields,
    )


async def _call_back(unit: Unit, ticket: Ticket, call: Interaction, outcome: Outcome, fields: dict[str, Any]) -> None:
    if outcome.due is None:
        raise Invalid("A call-back needs a time.", "Choose until when we call back.", code="due_missing")
    programme = await people.programme(unit.session, ticket.programme_id)
    text = (outcome.reason or "").strip() or _CALL_BACK["it" if programme.language == "it" else "en"]
    work.apply(
        unit,
        ticket,
        "call_back",
        interaction_id=call.id,
        status="pending_call_back",
        due=outcome.due,
        owner_id=unit.actor.id,
        owner_name=unit.actor.name,
        **_unresolved(ticket),
        **fields,
    )
    said = await _call_back_said_in(unit, call)
    if said is None:
        await promises.make(unit, ticket.id, text, outcome.due, call.id, by_outcome=True)
    else:
        await promises.change(unit, said, text, outcome.due)


async def _call_back_said_in(unit: Unit, call: Interaction) -> Promise | None:
    said = select(Promise).where(Promise.made_in == call.id, Promise.by_outcome, Promise.status == "open")
    return await unit.session.scalar(said.limit(1))


async def _withdraw_call_back(unit: Unit, call: Interaction) -> None:
    said = await _call_back_said_in(unit, call)
    if said is not None:
        await promises.withdraw(unit, said)


def _unresolved(ticket: Ticket) -> dict[str, Any]:
    """A resolution by this very call that the agent corrects has never been one."""
    first = ticket.first_resolved_at if ticket.reopened_count else None
    return {"resolved_at": None, "first_resolved_at": first}
