"""A call and its ticket: opened at the answer, linked to an older one, attached to the right customer."""

from sqlalchemy import exists, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from acd.model import Programme
from acd.ports import CallFacts
from core.errors import Conflict, Invalid, NotFound
from core.ids import new_id
from tickets import customers, history, parts, people, work
from tickets.catalogue import require_cause
from tickets.confirming import confirm, confirm_callers_of, one_caller, require_programme
from tickets.contacts import Trigger, trigger_of
from tickets.days import local_day
from tickets.held import call_row
from tickets.identity import customer_by_number, subject_of
from tickets.merging import merge_tickets
from tickets.model import Customer, Interaction, Promise, Ticket, TicketNote
from tickets.numbering import next_number
from tickets.policy import policy_of
from tickets.unit import Unit

DISPOSITIONS = ("internal", "test", "wrong_number")


async def require(session: AsyncSession, interaction_id: str) -> Interaction:
    """The call's row, held until the transaction ends. Raises NotFound."""
    call = await session.get(Interaction, interaction_id, with_for_update=True)
    if call is None:
        raise NotFound(f"The call {interaction_id!r} is not known.", "Wait a moment if it has only just come in.")
    return call


async def open_ticket(unit: Unit, facts: CallFacts, at: float) -> str:
    """The ticket of a call; whoever asks again gets the same one. `at`: when it was answered (epoch seconds)."""
    call = await call_row(unit.session, facts.interaction_id)
    if call.ticket_id is not None:
        return call.ticket_id
    programme = await people.programme(unit.session, facts.programme_id)
    with unit.session.no_autoflush:  # one write of the call's row, at the end
        await _fill(unit.session, call, facts, programme)
        number = await next_number(unit.session)
    caller = facts.number or ("numero nascosto" if programme.language == "it" else "withheld number")
    title = f"Chiamata da {caller}" if programme.language == "it" else f"Call from {caller}"
    ticket = Ticket(
        id=f"t-{new_id()}",
        number=number,
        programme_id=facts.programme_id,
        customer_id=call.customer_id,
        title=title,
        owner_id=unit.actor.id,
        owner_name=unit.actor.name,
        opened_by=call.id,
        origin_key=call.id,
        opened_at=at,
        changed_at=at,
    )
    unit.session.add(ticket)
    call.ticket_id = ticket.id
    await unit.session.flush()
    history.record(
        unit,
        "opened",
        ticket_id=ticket.id,
        customer_id=ticket.customer_id,
        interaction_id=call.id,
        after={"number": ticket.number, "status": "open"},
    )
    unit.say("opened", ticket_id=ticket.id, customer_id=ticket.customer_id, version=1)
    return ticket.id


async def _fill(session: AsyncSession, call: Interaction, facts: CallFacts, programme: Programme) -> None:
    """What the channel says of a call whose facts are still on their way; what they have told already stays."""
    call.direction = facts.direction
    call.did = call.did or facts.did[:40]
    call.number = call.number or (facts.number or "")[:40] or None
    call.programme_id = call.programme_id or facts.programme_id
    call.queue_id = call.queue_id or facts.queue_id
    call.language = call.language or facts.language[:8]
    call.path = call.path or facts.path[:120]
    call.arrived_at = call.arrived_at or facts.arrived
    call.queued_at = call.queued_at or facts.queued_at
    call.day = call.day or local_day(facts.queued_at, people.zone(programme.time_zone))
    if call.customer_id is None and not call.confirmed:
        found = await customers.by_ids(session, facts.customer_ids, facts.number, facts.programme_id)
        identify(call, found, by="ivr" if facts.customer_ids else "number")


def identify(call: Interaction, found: customers.Found, *, by: str) -> None:
    """Take over what the number or the IVR says of the caller; a customer confirmed by an agent stays."""
    call.candidates = [customer.id for customer in found.customers]
    call.identification = found.identification
    call.identified_by = by
    if not call.confirmed:
        call.customer_id = customer_by_number(found.identification, call.candidates)
        call.subject = subject_of(call.customer_id, call.identification, confirmed=False)


async def choose_customer(unit: Unit, interaction_id: str, customer_id: str) -> Interaction:
    """The agent says who is calling; the call's own ticket and its promises follow. Raises NotFound, Conflict.

    From now on this call counts in recall and FCR, whatever the number was.
    """
    call = await require(unit.session, interaction_id)
    customer = await customers.require(unit.session, customer_id)
    require_programme(call, customer, customer.name)
    ticket = await work.load(unit, call.ticket_id) if call.ticket_id else None
    if ticket is not None and ticket.opened_by != call.id and ticket.customer_id not in (None, customer.id):
        raise Conflict(
            f"This call is linked to {ticket.number}, which belongs to another customer.",
            "Link the call to a ticket of the right customer first.",
            code="customer_differs",
            values={"ticket_id": ticket.id, "customer_id": ticket.customer_id},
        )
    confirm(unit, call, customer)
    if ticket is not None and ticket.customer_id != customer.id:
        await _give_ticket(unit, ticket, customer, call)
    unit.say("customer_chosen", ticket_id=call.ticket_id, customer_id=customer.id, interaction_id=call.id)
    return call


async def _give_ticket(unit: Unit, ticket: Ticket, customer: Customer, call: Interaction) -> None:
    work.apply(unit, ticket, "customer_chosen", interaction_id=call.id, customer_id=customer.id)
    for promise in await unit.session.scalars(select(Promise).where(Promise.ticket_id == ticket.id)):
        promise.customer_id = customer.id
    await confirm_callers_of(unit, ticket, customer)


async def link_ticket(unit: Unit, interaction_id: str, ticket_id: str) -> Ticket:
    """This call is about that open ticket: the call joins it, and the call's own new ticket goes.

    An own ticket without any content is dropped; one that was written on is merged, so that nothing is lost. The
    caller is then the ticket's customer. Raises NotFound, Conflict (resolved, or of another customer).
    """
    call = await require(unit.session, interaction_id)
    ticket = await work.load(unit, ticket_id)
    if call.ticket_id == ticket.id:
        return ticket
    if ticket.status == "resolved":
        raise Conflict(
            f"{ticket.number} is resolved.",
            "Open it again first, or go on with the call's own ticket.",
            code="already_resolved",
            values={"version": ticket.version},
        )
    require_programme(call, ticket, ticket.number)
    _require_same_customer(call, ticket)
    own = await unit.session.get(Ticket, call.ticket_id, with_for_update=True) if call.ticket_id else None
    call.ticket_id = ticket.id
    if own is not None and own.opened_by == call.id and own.status not in work.CLOSED:
        await _absorb(unit, own, ticket)
    await _same_caller(unit, call, ticket)
    work.apply(unit, ticket, "call_linked", interaction_id=call.id)
    return ticket


def _require_same_customer(call: Interaction, ticket: Ticket) -> None:
    certain = call.confirmed or call.subject == call.customer_id
    if certain and call.customer_id and ticket.customer_id not in (None, call.customer_id):
        raise Conflict(
            f"{ticket.number} belongs to another customer than the one of this call.",
            "Choose the right customer of the call first.",
            code="customer_differs",
            values={"ticket_id": ticket.id, "customer_id": ticket.customer_id},
        )


async def _same_caller(unit: Unit, call: Interaction, ticket: Ticket) -> None:
    """The same ticket is the same customer, also from a switchboard or a withheld number."""
    if ticket.customer_id is not None:
        confirm(unit, call, await customers.require(unit.session, ticket.customer_id))
    elif call.subject is not None and call.customer_id is not None:
        customer = await customers.require(unit.session, call.customer_id)
        await _give_ticket(unit, ticket, customer, call)
    else:
        await one_caller(unit, ticket)


async def _absorb(unit: Unit, own: Ticket, into: Ticket) -> None:
    if await _is_empty(unit.session, own):
        work.apply(unit, own, "dropped", status="dropped", merged_into=into.id)
        return
    await merge_tickets(unit, own.id, into.id)


async def _is_empty(session: AsyncSession, ticket: Ticket) -> bool:
    written = exists().where(TicketNote.ticket_id == ticket.id)
    promised = exists().where(Promise.ticket_id == ticket.id)
    return not await session.scalar(select(or_(written, promised)))


async def recall_trigger(session: AsyncSession, call: Interaction) -> Trigger | None:
    """The earlier call that this one is the recall of, if it is one."""
    if call.subject is None or call.direction != "inbound" or call.programme_id is None or call.arrived_at is None:
        return None
    programme = await people.programme(session, call.programme_id)
    return await trigger_of(
        session,
        subject=call.subject,
        programme_id=call.programme_id,
        at=call.arrived_at,
        interaction_id=call.id,
        policy=policy_of(programme.recall_hours),
    )


async def set_cause(unit: Unit, interaction_id: str, cause_id: str) -> Interaction:
    """Why the customer had to call again. Raises NotFound, Invalid."""
    call = await require(unit.session, interaction_id)
    await require_cause(unit.session, cause_id)
    if call.recall_cause_id != cause_id:
        history.record(
            unit,
            "recall_cause",
            ticket_id=call.ticket_id,
            customer_id=call.customer_id,
            interaction_id=call.id,
            before={"cause": call.recall_cause_id},
            after={"cause": cause_id},
        )
        call.recall_cause_id = cause_id
    return call


async def set_disposition(
    unit: Unit, interaction_id: str, disposition: str | None, *, only_own: bool = False
) -> Interaction:
    """Take a call out of all figures (internal, test, wrong_number); None puts it back.

    `only_own`: the actor may do so only with their own call, until wrap-up ends. Raises NotFound, Invalid, Conflict.
    """
    if disposition is not None and disposition not in DISPOSITIONS:
        raise Invalid(
            f"The disposition {disposition!r} does not exist.",
            f"Choose one of {', '.join(DISPOSITIONS)}.",
            code="disposition_unknown",
        )
    call = await require(unit.session, interaction_id)
    if only_own:
        await parts.require_time(unit, call)
    if call.disposition != disposition:
        history.record(
            unit,
            "disposition",
            ticket_id=call.ticket_id,
            interaction_id=call.id,
            before={"disposition": call.disposition},
            after={"disposition": disposition},
        )
        call.disposition = disposition
        unit.say("disposition", ticket_id=call.ticket_id, customer_id=call.customer_id, interaction_id=call.id)
    return call
