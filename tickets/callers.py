"""What the IVR may know of a caller before any agent does."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from acd.model import Agent
from tickets import customers, people
from tickets.contacts import trigger_of
from tickets.identity import Identification
from tickets.model import Ticket
from tickets.policy import policy_of
from tickets.work import UNDER_WAY


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls. Language, ticket and last agent are told only of a customer who is certain.

    `last_agent_id`: who answered the call that this one is the recall of. `owner_id`: the agent who has the most urgent
    open ticket that is an agent's. `due`: epoch seconds, UTC, of the most urgent open ticket.
    """

    identification: Identification
    customer_ids: tuple[str, ...] = ()
    language: str | None = None
    segment: str | None = None
    last_agent_id: str | None = None
    owner_id: str | None = None
    ticket_number: str | None = None
    ticket_status: str | None = None
    due: float | None = None


async def caller_by_number(session: AsyncSession, number: str | None, programme_id: str, at: float) -> Caller:
    """By the caller's number (E.164, None when withheld); `at`: now, epoch seconds."""
    return await _told(session, await customers.by_number(session, number, programme_id), programme_id, at)


async def caller_by_code(session: AsyncSession, code: str, programme_id: str, at: float) -> Caller:
    """By a customer code that the caller keyed; an unknown code is nobody."""
    customer = await customers.by_code(session, code, programme_id)
    found = customers.Found("one", (customer,)) if customer else customers.Found("none", ())
    return await _told(session, found, programme_id, at)


async def _told(session: AsyncSession, found: customers.Found, programme_id: str, at: float) -> Caller:
    ids = tuple(customer.id for customer in found.customers)
    customer = found.certain
    if customer is None:
        return Caller(found.identification, ids)
    programme = await people.programme(session, programme_id)
    trigger = await trigger_of(
        session,
        subject=customer.id,
        programme_id=programme_id,
        at=at,
        interaction_id="",
        policy=policy_of(programme.recall_hours),
    )
    urgent = (
        select(Ticket)
        .where(Ticket.customer_id == customer.id, Ticket.programme_id == programme_id, Ticket.status.in_(UNDER_WAY))
        .order_by(Ticket.due.is_(None), Ticket.due, Ticket.opened_at.desc())
        .limit(1)
    )
    ticket = await session.scalar(urgent)
    owned = await session.scalar(urgent.join(Agent, (Agent.id == Ticket.owner_id) & Agent.disabled.is_(False)))
    return Caller(
        found.identification,
        ids,
        language=customer.language,
        segment=customer.segment,
        last_agent_id=trigger.call.agent_id if trigger else None,
        owner_id=owned.owner_id if owned else None,
        ticket_number=ticket.number if ticket else None,
        ticket_status=ticket.status if ticket else None,
        due=ticket.due if ticket else None,
    )
