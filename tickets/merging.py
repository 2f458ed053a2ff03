"""One case in two tickets, two cases in one, one customer twice: put right without losing history."""

from sqlalchemy import select, update

from core.errors import Conflict, Invalid
from core.ids import new_id
from tickets import customers, history, work
from tickets.confirming import confirm_callers_of, one_caller
from tickets.model import Customer, CustomerNumber, Interaction, Promise, Ticket, TicketDraft, TicketNote
from tickets.numbering import next_number
from tickets.sql import insert_if_absent
from tickets.unit import Unit


async def merge_tickets(unit: Unit, ticket_id: str, into_id: str) -> Ticket:
    """Everything of a ticket goes to another one of the same customer; the first stays as a signpost.

    The merged one no longer counts as opened; its calls are now calls about the survivor. Raises NotFound, Conflict,
    Invalid for a ticket merged into itself or into another customer's.
    """
    if ticket_id == into_id:
        raise Invalid("A ticket cannot be merged into itself.", "Choose another ticket.", code="same_ticket")
    # Always locked in one order, or two merges that cross would wait for each other for ever.
    held = {one: await work.load(unit, one) for one in sorted((ticket_id, into_id))}
    ticket, into = held[ticket_id], held[into_id]
    if None not in (ticket.customer_id, into.customer_id) and ticket.customer_id != into.customer_id:
        raise Invalid(
            f"{ticket.number} and {into.number} belong to different customers.",
            "Merge the customers first if they are one.",
            code="customer_differs",
        )
    if ticket.programme_id != into.programme_id:
        raise Conflict(
            f"{ticket.number} and {into.number} belong to different programmes.",
            "Work on each by itself.",
            code="programme_differs",
            values={"programme_id": into.programme_id, "name": ticket.number},
        )
    session = unit.session
    nameless = await session.scalar(
        select(Interaction.id).where(Interaction.subject.in_((ticket.id, into.id))).limit(1)
    )
    await session.execute(update(TicketNote).where(TicketNote.ticket_id == ticket.id).values(ticket_id=into.id))
    await session.execute(update(Promise).where(Promise.ticket_id == ticket.id).values(ticket_id=into.id))
    await session.execute(update(Interaction).where(Interaction.ticket_id == ticket.id).values(ticket_id=into.id))
    for draft in await session.scalars(select(TicketDraft).where(TicketDraft.ticket_id == ticket.id)):
        await insert_if_absent(
            session,
            TicketDraft,
            {"ticket_id": into.id, "by_id": draft.by_id, "text": draft.text, "at": draft.at},
        )
        await session.delete(draft)
    work.apply(unit, ticket, "merged", status="merged", merged_into=into.id)
    customer_id = into.customer_id or ticket.customer_id
    work.apply(unit, into, "absorbed", customer_id=customer_id, back_office_at=_first(ticket, into))
    if customer_id is not None:
        await confirm_callers_of(unit, into, await customers.require(session, customer_id))
    elif nameless is not None:
        await one_caller(unit, into)
    return into


def _first(ticket: Ticket, into: Ticket) -> float | None:
    return min((at for at in (ticket.back_office_at, into.back_office_at) if at is not None), default=None)


async def split_ticket(unit: Unit, ticket_id: str, title: str) -> Ticket:
    """A second case found in a ticket becomes one of its own, opened by the same call. Raises NotFound, Conflict."""
    ticket = await work.load(unit, ticket_id)
    if not title.strip():
        raise Invalid("The new ticket needs a title.", "Write what the second case is about.", code="title_missing")
    part = Ticket(
        id=f"t-{new_id()}",
        number=await next_number(unit.session),
        programme_id=ticket.programme_id,
        customer_id=ticket.customer_id,
        title=title.strip()[:200],
        priority=ticket.priority,
        channel=ticket.channel,
        owner_id=unit.actor.id,
        owner_name=unit.actor.name,
        opened_by=ticket.opened_by,
        opened_at=ticket.opened_at,
        changed_at=unit.at,
        split_from=ticket.id,
    )
    unit.session.add(part)
    await unit.session.flush()
    history.record(
        unit,
        "opened",
        ticket_id=part.id,
        customer_id=part.customer_id,
        interaction_id=part.opened_by,
        after={"number": part.number, "split_from": ticket.number},
    )
    unit.say("opened", ticket_id=part.id, customer_id=part.customer_id, version=1)
    work.apply(unit, ticket, "split")
    return part


async def merge_customers(unit: Unit, customer_id: str, into_id: str) -> Customer:
    """Two records of one customer become one: calls, tickets, promises and numbers follow the survivor.

    Recall and FCR of days that are not final change accordingly. Raises NotFound, Invalid.
    """
    session = unit.session
    customer = await customers.require(session, customer_id)
    into = await customers.require(session, into_id)
    if customer.id == into.id:
        raise Invalid("A customer cannot be merged into itself.", "Choose another customer.", code="same_customer")
    if None not in (customer.programme_id, into.programme_id) and customer.programme_id != into.programme_id:
        raise Conflict(
            f"{customer.name} and {into.name} are customers of different programmes.",
            "Keep them apart.",
            code="programme_differs",
            values={"programme_id": into.programme_id, "name": customer.name},
        )
    for table in (Ticket, Promise, Interaction):
        moved = update(table).where(table.customer_id == customer.id).values(customer_id=into.id)
        await session.execute(moved)
    await session.execute(update(Interaction).where(Interaction.subject == customer.id).values(subject=into.id))
    for number in await session.scalars(select(CustomerNumber).where(CustomerNumber.customer_id == customer.id)):
        values = {"number": number.number, "customer_id": into.id, "shared": number.shared}
        await insert_if_absent(session, CustomerNumber, values)
        await session.delete(number)
    customer.merged_into = into.id
    history.record(unit, "customer_merged", customer_id=customer.id, after={"into": into.id})
    history.record(unit, "customer_absorbed", customer_id=into.id, after={"from": customer.id})
    for changed in (customer.id, into.id):
        unit.say("customer_merged", ticket_id=None, customer_id=changed)
    return into
