"""What callers leave behind without speaking to anybody: voicemail and wishes to be called back become tickets."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import select

from core.ids import new_id
from tickets import customers, history, people
from tickets.model import Interaction, Ticket, TicketNote
from tickets.numbering import next_number
from tickets.unit import Unit

_DUE = {"voicemail": 86_400.0, "call_back": 14_400.0}
"""Time (seconds) within which somebody should have called."""
_TITLES = {
    "voicemail": ("Messaggio in segreteria da {}", "Voicemail from {}"),
    "call_back": ("Richiamare {}", "Call back {}"),
}
_HIDDEN = ("numero nascosto", "a withheld number")


@dataclass(frozen=True, slots=True)
class Left:
    """What was left. `id` is the same whenever the same thing is told again; `at`: epoch seconds, UTC."""

    id: str
    kind: Literal["voicemail", "call_back"]
    at: float
    number: str | None
    programme_id: str | None
    customer_ids: Sequence[str]
    interaction_id: str | None
    language: str
    note: str
    priority: str = "normal"


async def take(unit: Unit, left: Left) -> str:
    """Make it a ticket for the back office, due within a day (voicemail) or four hours (call-back); returns its id.

    Told twice it is one ticket. It was not opened by an answered call and so is outside FCR.
    """
    key = f"left-{left.id}"[:64]
    known = await unit.session.scalar(select(Ticket.id).where(Ticket.origin_key == key))
    if known is not None:
        return known
    programme_id = left.programme_id or await _any_programme(unit)
    found = await customers.by_ids(unit.session, left.customer_ids, left.number, programme_id)
    customer = found.certain
    programme = await people.programme(unit.session, programme_id)
    tongue = 0 if programme.language == "it" else 1
    who = customer.name if customer else left.number or _HIDDEN[tongue]
    ticket = Ticket(
        id=f"t-{new_id()}",
        number=await next_number(unit.session),
        programme_id=programme_id,
        customer_id=customer.id if customer else None,
        title=_TITLES[left.kind][tongue].format(who)[:200],
        priority=left.priority,
        status="pending_call_back" if left.kind == "call_back" else "pending_back_office",
        due=max(left.at, unit.at) + _DUE[left.kind],
        origin_key=key,
        opened_at=left.at,
        changed_at=unit.at,
        back_office_at=unit.at,
    )
    unit.session.add(ticket)
    await unit.session.flush()
    _write(unit, ticket, left)
    await _join_call(unit, ticket, left.interaction_id)
    unit.say("opened", ticket_id=ticket.id, customer_id=ticket.customer_id, version=1)
    return ticket.id


def _write(unit: Unit, ticket: Ticket, left: Left) -> None:
    text = left.note if left.number is None else f"{left.number}: {left.note}"
    unit.session.add(
        TicketNote(
            id=f"n-{new_id()}",
            ticket_id=ticket.id,
            interaction_id=left.interaction_id,
            by_id=unit.actor.id,
            by_name=unit.actor.name,
            at=unit.at,
            text=text,
        )
    )
    history.record(
        unit,
        "opened",
        ticket_id=ticket.id,
        customer_id=ticket.customer_id,
        interaction_id=left.interaction_id,
        after={"number": ticket.number, "left": left.kind},
    )


async def _join_call(unit: Unit, ticket: Ticket, interaction_id: str | None) -> None:
    call = await unit.session.get(Interaction, interaction_id) if interaction_id else None
    if call is not None and call.ticket_id is None:
        call.ticket_id = ticket.id


async def _any_programme(unit: Unit) -> str:
    """A number that belongs to no programme any more still brought a caller: the first programme takes care."""
    known = await people.programmes(unit.session)
    return known[0].id if known else ""
