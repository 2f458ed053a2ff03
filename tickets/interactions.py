"""One call as others may read it: its course, its customer and ticket, each agent's part."""

from typing import TypedDict

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from acd.model import Agent
from core.clock import iso
from core.errors import NotFound
from tickets.model import Interaction, InteractionLeg, Recording
from tickets.views import maybe_iso


class LegView(TypedDict):
    """One agent's part of a call; durations in seconds."""

    agent_id: str
    agent_name: str | None
    answered: str
    left: str | None
    talk: float
    hold: float
    wrap_up: float


class InteractionView(TypedDict):
    """A call from arrival to end. `arrived` is null while the facts of a new call are on their way."""

    id: str
    direction: str
    number: str | None
    withheld: bool
    identification: str
    programme_id: str | None
    queue_id: str | None
    customer_id: str | None
    confirmed: bool
    ticket_id: str | None
    path: str | None
    language: str | None
    arrived: str | None
    queued: str | None
    answered: str | None
    ended: str | None
    ended_by: str | None
    abandoned: bool
    cause: str | None
    outcome: str | None
    disposition: str | None
    recording: bool
    legs: list[LegView]


async def view(session: AsyncSession, interaction_id: str) -> InteractionView:
    """The call. Raises NotFound."""
    call = await session.get(Interaction, interaction_id)
    if call is None:
        raise NotFound(f"The call {interaction_id!r} is not known.", "Wait a moment if it has only just come in.")
    recording = await session.get(Recording, interaction_id)
    return {
        "id": call.id,
        "direction": call.direction,
        "number": call.number,
        "withheld": call.identification == "withheld",
        "identification": call.identification,
        "programme_id": call.programme_id,
        "queue_id": call.queue_id,
        "customer_id": call.customer_id,
        "confirmed": call.confirmed,
        "ticket_id": call.ticket_id,
        "path": call.path,
        "language": call.language,
        "arrived": maybe_iso(call.arrived_at),
        "queued": maybe_iso(call.queued_at),
        "answered": maybe_iso(call.answered_at),
        "ended": maybe_iso(call.ended_at),
        "ended_by": call.ended_by,
        "abandoned": call.abandoned,
        "cause": call.recall_cause_id,
        "outcome": call.outcome,
        "disposition": call.disposition,
        "recording": recording is not None and recording.problem is None,
        "legs": await _legs(session, interaction_id),
    }


async def _legs(session: AsyncSession, interaction_id: str) -> list[LegView]:
    rows = await session.execute(
        select(InteractionLeg, Agent.name)
        .outerjoin(Agent, Agent.id == InteractionLeg.agent_id)
        .where(InteractionLeg.interaction_id == interaction_id)
        .order_by(InteractionLeg.answered_at)
    )
    return [
        {
            "agent_id": leg.agent_id,
            "agent_name": name,
            "answered": iso(leg.answered_at),
            "left": maybe_iso(leg.left_at),
            "talk": leg.talk,
            "hold": leg.hold,
            "wrap_up": leg.wrap_up,
        }
        for leg, name in rows
    ]
