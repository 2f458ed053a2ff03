"""Tickets that no agent opened: wishes to be called back, voicemail. Each source is one ticket, however often told."""

import hashlib
from dataclasses import dataclass

from sqlalchemy import select

from acd.model import Programme
from core.errors import NotFound
from core.ids import new_id
from tickets import customers, history, people
from tickets.model import Ticket, TicketNote
from tickets.numbering import next_number
from tickets.unit import Unit


@dataclass(frozen=True, slots=True)
class Left:
    """What a caller left. `key` names it for ever; `kind`: `call_back` or `voicemail`; `at`: epoch seconds."""

    key: str
    kind: str
    at: float
    number: str | None
    programme_id: str | None
    customer_ids: tuple[str, ...]
    interaction_id: str | None
    language: str
    note: str
    priority: str = "normal"


_TITLES = {
    ("call_back", "it"): "Richiamare {number}",
    ("call_back", "en"): "Call back {number}",
    ("voicemail", "it"): "Messaggio in segreteria da {number}",
    ("voicemail", "en"): "Voicemail from {number}",
}
_KEY_LENGTH = 64
_UNKNOWN = {"it": "numero sconosciuto", "en": "unknown number"}


async def take(unit: Unit, left: Left) -> str:
    """Open the ticket for the back office, due within a day; the same key again gives the same ticket."""
    key = left.key if len(left.key) <= _KEY_LENGTH else hashlib.sha256(left.key.encode()).hexdigest()
    known = await unit.session.scalar(select(Ticket.id).where(Ticket.origin_key == key))
    if known is not None:
        return str(known)
    programme = await _programme(unit, left.programme_id)
    language = programme.language if programme.language in _UNKNOWN else "en"
    found = await customers.by_ids(unit.session, left.customer_ids, left.number, programme.id)
    customer = found.certain
    ticket = Ticket(
        id=f"t-{new_id()}",
        number=await next_number(unit.session),
        programme_id=programme.id,
        customer_id=customer.id if customer is not None else None,
        title=_TITLES[left.kind, language].format(number=left.number or _UNKNOWN[language]),
        priority=left.priority,
        status="pending_back_office",
        channel="voice",
        origin_key=key,
        opened_at=left.at,
        back_office_at=left.at,
        changed_at=unit.at,
        due=left.at + 86_400.0,
    )
    unit.session.add(ticket)
    await unit.session.flush()
    note = TicketNote(
        id=new_id(), ticket_id=ticket.id, by_id=unit.actor.id, by_name=unit.actor.name, at=unit.at, text=left.note
    )
    unit.session.add(note)
    after = {"number": ticket.number, "status": ticket.status, "kind": left.kind}
    history.record(
        unit,
        "opened",
        ticket_id=ticket.id,
        customer_id=ticket.customer_id,
        interaction_id=left.interaction_id,
        after=after,
    )
    unit.say("opened", ticket_id=ticket.id, customer_id=ticket.customer_id, version=1)
    return ticket.id


async def _programme(unit: Unit, programme_id: str | None) -> Programme:
    """The programme dialled; a wish from a number that nobody has set up goes to the first programme, not nowhere."""
    if programme_id is not None:
        return await people.programme(unit.session, programme_id)
    programme = await unit.session.scalar(select(Programme).order_by(Programme.id).limit(1))
    if programme is None:
        raise NotFound("There is no programme to hold the caller's wish.", "Set up a programme.")
    return programme
