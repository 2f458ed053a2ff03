"""Who is calling, for the IVR: identity, language, the agent of the last contact, the ticket that may be spoken of."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from tickets import customers, people
from tickets.contacts import trigger_of
from tickets.customers import Found
from tickets.identity import Identification
from tickets.model import Customer, Ticket
from tickets.policy import policy_of
from tickets.work import CLOSED


@dataclass(frozen=True, slots=True)
class Caller:
    """What may be known before anyone speaks. `due`: epoch seconds by which the ticket is promised."""

    identification: Identification
    customer_ids: tuple[str, ...] = ()
    language: str | None = None
    last_agent_id: str | None = None
    ticket_number: str | None = None
    ticket_status: str | None = None
    due: float | None = None


async def caller_by_number(session: AsyncSession, number: str | None, programme_id: str, at: float) -> Caller:
    """By the number shown (E.164, None when withheld)."""
    return await _caller(session, await customers.by_number(session, number, programme_id), programme_id, at)


async def caller_by_code(session: AsyncSession, code: str, programme_id: str, at: float) -> Caller:
    """By a customer code that was keyed; an unknown code tells nothing."""
    customer = await customers.by_code(session, code, programme_id)
    found = Found("one", (customer,)) if customer is not None else Found("none", ())
    return await _caller(session, found, programme_id, at)


async def _caller(session: AsyncSession, found: Found, programme_id: str, at: float) -> Caller:
    ids = tuple(customer.id for customer in found.customers)
    if found.certain is None:
        return Caller(found.identification, ids)
    customer = found.certain
    ticket = await _open_ticket(session, customer)
    programme = await people.programme(session, programme_id)
    trigger = await trigger_of(
        session,
        subject=customer.id,
        programme_id=programme_id,
        at=at,
        interaction_id="",
        policy=policy_of(programme.recall_hours),
    )
    return Caller(
        found.identification,
        ids,
        language=customer.language,
        last_agent_id=trigger.call.agent_id if trigger is not None else None,
        ticket_number=ticket.number if ticket is not None else None,
        ticket_status=ticket.status if ticket is not None else None,
        due=ticket.due if ticket is not None else None,
    )


async def _open_ticket(session: AsyncSession, customer: Customer) -> Ticket | None:
    query = select(Ticket).where(Ticket.customer_id == customer.id, Ticket.status.not_in(CLOSED))
    found: Ticket | None = await session.scalar(query.order_by(Ticket.opened_at.desc()).limit(1))
    return found
