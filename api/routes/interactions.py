"""Calls: their facts, whose they are, which ticket they belong to, and why the customer had to call again."""

from typing import Annotated

from fastapi import APIRouter, Path

from api.access import FOR_ANY, FrontLine, Reader, only_own
from api.routes.shared import Work, actor
from api.schemas.common import Id
from api.schemas.customers import CustomerChoice
from api.schemas.tickets import CauseGiven, DispositionGiven, Interaction, TicketChoice
from tickets import calls, interactions

router = APIRouter(prefix="/interactions", tags=["interactions"])
InteractionId = Annotated[Id, Path()]


@router.get("/{interaction_id}")
async def read_interaction(interaction_id: InteractionId, caller: Reader, work: Work) -> Interaction:
    """One call from arrival to end."""
    async with work.reading() as session:
        return Interaction.model_validate(await interactions.view(session, interaction_id))


@router.post("/{interaction_id}/customer")
async def choose_customer(
    interaction_id: InteractionId, given: CustomerChoice, caller: FrontLine, work: Work
) -> Interaction:
    """Say which customer is calling."""
    async with work.unit(actor(caller)) as unit:
        await calls.choose_customer(unit, interaction_id, given.customer_id)
    return await read_interaction(interaction_id, caller, work)


@router.post("/{interaction_id}/ticket")
async def link_ticket(interaction_id: InteractionId, given: TicketChoice, caller: FrontLine, work: Work) -> Interaction:
    """This call belongs to an open ticket of that customer; the new empty one is dropped."""
    async with work.unit(actor(caller)) as unit:
        await calls.link_ticket(unit, interaction_id, given.ticket_id)
    return await read_interaction(interaction_id, caller, work)


@router.post("/{interaction_id}/cause")
async def set_cause(interaction_id: InteractionId, given: CauseGiven, caller: FrontLine, work: Work) -> Interaction:
    """Say why the customer had to call again."""
    async with work.unit(actor(caller)) as unit:
        await calls.set_cause(unit, interaction_id, given.cause)
    return await read_interaction(interaction_id, caller, work)


@router.post("/{interaction_id}/disposition", openapi_extra=FOR_ANY)
async def set_disposition(
    interaction_id: InteractionId, given: DispositionGiven, caller: FrontLine, work: Work
) -> Interaction:
    """Take the call out of every figure, or put it back; an agent only their own, until wrap-up ends."""
    async with work.unit(actor(caller)) as unit:
        await calls.set_disposition(unit, interaction_id, given.disposition, only_own=only_own(caller))
    return await read_interaction(interaction_id, caller, work)
