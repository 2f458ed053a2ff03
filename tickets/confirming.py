"""An agent says who is calling: from then on the call counts under that customer."""

from sqlalchemy import select

from core.errors import Conflict
from tickets import history
from tickets.identity import subject_of
from tickets.model import Customer, Interaction, Ticket
from tickets.unit import Unit


def require_programme(call: Interaction, other: Customer | Ticket, name: str) -> None:
    """Conflict when a customer or ticket is another programme's than the call: clients do not share their customers."""
    if call.programme_id is not None and other.programme_id not in (None, call.programme_id):
        raise Conflict(
            f"{name} belongs to another programme than this call.",
            "Choose one of this programme, or make a new customer.",
            code="programme_differs",
            values={"programme_id": call.programme_id, "name": name},
        )


def confirm(unit: Unit, call: Interaction, customer: Customer) -> None:
    """This call is from that customer."""
    if call.confirmed and call.customer_id == customer.id:
        return
    history.record(
        unit,
        "customer_chosen",
        ticket_id=call.ticket_id,
        customer_id=customer.id,
        interaction_id=call.id,
        before={"customer_id": call.customer_id},
        after={"customer_id": customer.id},
    )
    call.customer_id, call.confirmed = customer.id, True
    call.subject = subject_of(customer.id, call.identification, confirmed=True)


async def confirm_callers_of(unit: Unit, ticket: Ticket, customer: Customer) -> None:
    """The calls about this ticket were this customer too, where nobody knew who it was."""
    unknown = select(Interaction).where(Interaction.ticket_id == ticket.id, Interaction.customer_id.is_(None))
    for other in await unit.session.scalars(unknown):
        confirm(unit, other, customer)


async def one_caller(unit: Unit, ticket: Ticket) -> None:
    """Nobody knows the name, but the calls about this ticket are from one and the same caller: it is the identity."""
    nameless = select(Interaction).where(Interaction.ticket_id == ticket.id, Interaction.customer_id.is_(None))
    for call in await unit.session.scalars(nameless):
        call.subject = ticket.id
