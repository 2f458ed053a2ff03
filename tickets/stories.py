"""The caller's story for the desk, and the ticket of a call: fulfils `acd.ports.Stories`."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from acd.model import Programme
from acd.ports import CallFacts, PopAndTicket
from core.clock import iso
from tickets import calls, customers, intake, people
from tickets.catalogue import topic_names
from tickets.contacts import Trigger, contacts_of_customer, trigger_of
from tickets.customers import Found
from tickets.model import Customer, Interaction, Promise, Ticket, Topic
from tickets.opening import Before, Scene, opening
from tickets.policy import policy_of
from tickets.unit import CLOCK, Actor, Tickets
from tickets.views import (
    CustomerView,
    OpeningView,
    PopView,
    RecallView,
    customer_view,
    open_ticket_view,
    promise_view,
)
from tickets.work import UNDER_WAY

_BROKEN_FOR = 30 * 86_400.0
"""How long (seconds) a broken promise is still shown to whoever answers."""


class TicketStories:
    """Answers the dispatcher's questions about callers."""

    def __init__(self, tickets: Tickets) -> None:
        self._tickets = tickets

    async def pop(self, facts: CallFacts) -> PopAndTicket:
        """The pop of this call, and its ticket if it has one already."""
        async with self._tickets.reading() as session:
            call = await session.get(Interaction, facts.interaction_id)
            found = await _who(session, facts, call)
            pop = await story_of_call(session, facts, found)
        return PopAndTicket(
            pop=dict(pop),
            ticket_id=call.ticket_id if call else None,
            caller_name=found.certain.name if found.certain else None,
        )

    async def open_ticket(self, facts: CallFacts, agent_id: str, at: float) -> str:
        """The ticket of this call: made at the first question, the same at every later one."""
        async with self._tickets.unit(Actor(agent_id, agent_id)) as unit:
            names = await people.agent_names(unit.session, [agent_id])
            unit.actor = Actor(agent_id, names.get(agent_id, agent_id))
            return await calls.open_ticket(unit, facts, at)

    async def call_back_given_up(self, facts: CallFacts, number: str, at: float) -> None:
        """A promised call-back reached nobody: a ticket for a person, one however often told."""
        it = facts.language == "it"
        note = "Richiamata promessa in coda: il cliente non ha risposto." if it else "Promised in line: no answer."
        left = intake.Left(
            f"given-up-{facts.interaction_id}",
            "call_back",
            at,
            number,
            facts.programme_id,
            facts.customer_ids,
            facts.interaction_id,
            facts.language,
            note,
            priority="high",
        )
        async with self._tickets.unit(CLOCK) as unit:
            await intake.take(unit, left)


async def _who(session: AsyncSession, facts: CallFacts, call: Interaction | None) -> Found:
    if call is not None and call.confirmed and call.customer_id is not None:
        customer = await customers.survivor(session, call.customer_id)
        if customer is not None:
            return Found("one", (customer,))
    return await customers.by_ids(session, facts.customer_ids, facts.number, facts.programme_id)


async def story_of_call(session: AsyncSession, facts: CallFacts, found: Found) -> PopView:
    """What the agent should know before saying hello. The story is told only of a customer who is certain."""
    programme = await people.programme(session, facts.programme_id)
    shared = found.identification == "shared"
    customer = found.certain
    views: list[CustomerView] = [customer_view(one, shared=shared) for one in found.customers]
    if customer is None:
        return _pop(views, found, _greeting(facts, programme))
    trigger = await trigger_of(
        session,
        subject=customer.id,
        programme_id=facts.programme_id,
        at=facts.arrived,
        interaction_id=facts.interaction_id,
        policy=policy_of(programme.recall_hours),
    )
    tickets = await _open_tickets(session, customer.id, facts)
    topics = await topic_names(session, (ticket.topic_id for ticket in tickets), facts.language)
    promises = await _promises(session, customer.id, facts)
    pop = _pop(views, found, _greeting(facts, programme, customer, tickets))
    pop["open_tickets"] = [open_ticket_view(ticket, topics.get(ticket.topic_id or "")) for ticket in tickets]
    pop["promises"] = [promise_view(promise) for promise in promises]
    pop["contacts"] = await contacts_of_customer(
        session, customer.id, facts.language, but=facts.interaction_id, programme_id=facts.programme_id
    )
    if trigger is not None:
        first = await _first_call(session, trigger)
        pop["recall"] = _recall(facts, first, tickets)
        pop["opening"] = _recall_opening(facts, programme, customer, first, promises)
    return pop


@dataclass(frozen=True, slots=True)
class _FirstCall:
    """The call that this one is the recall of, for people: by whom, about what, with which promises."""

    trigger: Trigger
    agent_name: str | None
    topic: Topic | None
    promises: Sequence[Promise]


async def _first_call(session: AsyncSession, trigger: Trigger) -> _FirstCall:
    call = trigger.call
    names = await people.agent_names(session, [call.agent_id])
    topic = await session.get(Topic, call.topic_id) if call.topic_id else None
    promises = await session.scalars(select(Promise).where(Promise.made_in == call.id).order_by(Promise.due))
    return _FirstCall(trigger, names.get(call.agent_id or ""), topic, list(promises))


def _pop(views: list[CustomerView], found: Found, sentence: OpeningView) -> PopView:
    return {
        "customers": views,
        "identification": found.identification,
        "recall": None,
        "open_tickets": [],
        "promises": [],
        "contacts": [],
        "opening": sentence,
    }


def _greeting(
    facts: CallFacts, programme: Programme, customer: Customer | None = None, tickets: Sequence[Ticket] = ()
) -> OpeningView:
    title = tickets[0].title if len(tickets) == 1 else None
    name = customer.name if customer else None
    return opening(Scene(facts.arrived, people.zone(programme.time_zone), programme.name, name, open_title=title))


async def _open_tickets(session: AsyncSession, customer_id: str, facts: CallFacts) -> list[Ticket]:
    query = (
        select(Ticket)
        .where(
            Ticket.customer_id == customer_id,
            Ticket.programme_id == facts.programme_id,
            Ticket.status.in_(UNDER_WAY),
            or_(Ticket.opened_by.is_(None), Ticket.opened_by != facts.interaction_id),
        )
        .order_by(Ticket.due.is_(None), Ticket.due, Ticket.opened_at.desc())
        .limit(10)
    )
    return list(await session.scalars(query))


async def _promises(session: AsyncSession, customer_id: str, facts: CallFacts) -> list[Promise]:
    lately_broken = (Promise.status == "broken") & (Promise.due > facts.arrived - _BROKEN_FOR)
    # Who marks one kept in this call sees it kept, rather than gone.
    kept_in_call = (Promise.status == "kept") & (Promise.settled_at >= facts.arrived)
    query = (
        select(Promise)
        .join(Ticket, Ticket.id == Promise.ticket_id)
        .where(
            Promise.customer_id == customer_id,
            Ticket.programme_id == facts.programme_id,
            or_(Promise.status == "open", lately_broken, kept_in_call),
        )
        .order_by(Promise.due)
        .limit(10)
    )
    return list(await session.scalars(query))


def _recall(facts: CallFacts, first: _FirstCall, tickets: Sequence[Ticket]) -> RecallView:
    call, topic = first.trigger.call, first.topic
    return {
        "of_interaction_id": call.id,
        "at": iso(call.ended_at or facts.arrived),
        "agent_name": first.agent_name,
        "topic": (topic.name_it if facts.language == "it" else topic.name_en) if topic else None,
        "same_topic_ticket_id": next((ticket.id for ticket in tickets if ticket.id == call.ticket_id), None),
        "nth": first.trigger.nth,
        "promises": [promise_view(promise) for promise in first.promises],
    }


def _recall_opening(
    facts: CallFacts, programme: Programme, customer: Customer, first: _FirstCall, promises: Sequence[Promise]
) -> OpeningView:
    # A promise past its time is broken for the customer, whether or not our clock has passed over it yet.
    states = {
        "broken" if one.status == "open" and one.due < facts.arrived else one.status
        for one in [*first.promises, *promises]
    }
    before = Before(
        at=first.trigger.call.ended_at or facts.arrived,
        agent_name=first.agent_name,
        topic_it=first.topic.name_it if first.topic else None,
        topic_en=first.topic.name_en if first.topic else None,
        promise="broken" if "broken" in states else "open" if "open" in states else None,
    )
    zone = people.zone(programme.time_zone)
    return opening(Scene(facts.arrived, zone, programme.name, customer.name, before))
