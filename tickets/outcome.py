"""How the work on a call ended: resolved, handed over to back office, or to be called back."""

from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import select

from core.errors import Conflict, Invalid
from tickets import calls, people, promises, work
from tickets.catalogue import require_topic
from tickets.model import Interaction, Promise, Ticket, Topic
from tickets.unit import Unit

OutcomeKind = Literal["resolved", "hand_over", "call_back"]
_BACK_OFFICE_TIME = 86_400.0
"""Due time (seconds from now) of a hand-over that names none: back office completes within a day."""
_CALL_BACK = {"it": "Richiamare il cliente", "en": "Call the customer back"}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the agent decided. `due`: epoch seconds; `reason`: why it is handed over, or what is promised."""

    kind: OutcomeKind
    topic_id: str
    cause_id: str | None = None
    note: str | None = None
    due: float | None = None
    reason: str | None = None


async def save(unit: Unit, ticket_id: str, interaction_id: str, outcome: Outcome) -> Ticket:
    """Close the work on a call. The last word counts: an agent may correct the outcome until wrap-up ends.

    A recall needs its cause. A call-back needs `due` and becomes a promise. Raises NotFound, Conflict, Invalid.
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
    await _check(unit, ticket, call, outcome)
    topic = await require_topic(unit.session, outcome.topic_id, ticket.programme_id)
    if outcome.cause_id is not None:
        await calls.set_cause(unit, call.id, outcome.cause_id)
    if outcome.note and outcome.note.strip():
        await work.add_note(unit, ticket.id, outcome.note, call.id)
    before, call.topic_id, call.outcome = call.outcome, topic.id, outcome.kind
    fields = {"topic_id": topic.id, "title": await _title(unit, ticket, topic)}
    if outcome.kind == "resolved":
        _resolve(unit, ticket, call, before, fields)
    elif outcome.kind == "hand_over":
        await _hand_over(unit, ticket, call, outcome, fields)
    else:
        await _call_back(unit, ticket, call, outcome, fields)
    return ticket


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


def _resolve(unit: Unit, ticket: Ticket, call: Interaction, before: str | None, fields: dict[str, Any]) -> None:
    if before == "hand_over" and ticket.status == "pending_back_office" and ticket.owner_id is None:
        # The agent takes back the hand-over of this very call before anybody touched it: no back-office step was made.
        fields["back_office_at"] = None
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
    if outcome.reason and outcome.reason.strip():
        await work.add_note(unit, ticket.id, outcome.reason, call.id)
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
    said = await unit.session.scalar(
        select(Promise).where(Promise.made_in == call.id, Promise.status == "open", Promise.text == text)
    )
    if said is None:
        await promises.make(unit, ticket.id, text, outcome.due, call.id)
    else:
        said.due = outcome.due


def _unresolved(ticket: Ticket) -> dict[str, Any]:
    """A resolution by this very call that the agent corrects has never been one."""
    first = ticket.first_resolved_at if ticket.reopened_count else None
    return {"resolved_at": None, "first_resolved_at": first}
