"""An agent's part in a call, and until when its outcome is theirs to say."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from core.errors import Conflict
from core.facts import FactRow
from tickets.model import Interaction, InteractionLeg, Ticket, TicketEvent
from tickets.unit import Unit

_OUTCOMES = ("resolved", "handed_over", "call_back")
"""Changes of a ticket that are the outcome of a call, when made in one."""
_WORKED_ON = (*_OUTCOMES, "taken", "reopened")
"""Changes of a ticket by which somebody makes it theirs, or says how it stands."""


@dataclass(frozen=True, slots=True)
class Part:
    """One agent's part in a call, from the first answer on. Instants in epoch seconds.

    `left_at` is null while the agent talks, `over_at` until the end of wrap-up was told. `with_whom` are all agents
    of the call; `gone_on`: another one of them has spoken with the caller after this one had left.
    """

    since: float
    left_at: float | None
    over_at: float | None
    with_whom: frozenset[str]
    gone_on: bool


async def part_of(session: AsyncSession, call: Interaction, agent_id: str) -> Part | None:
    """The agent's part in the call; None for somebody who had none."""
    query = select(InteractionLeg).where(InteractionLeg.interaction_id == call.id).order_by(InteractionLeg.answered_at)
    legs = list(await session.scalars(query))
    mine = [leg for leg in legs if leg.agent_id == agent_id]
    with_whom = frozenset(leg.agent_id for leg in legs) | {agent_id}
    if mine:
        last = mine[-1]
        return Part(mine[0].answered_at, last.left_at, last.wrap_up_ended_at, with_whom, _gone_on(last, legs))
    # The facts of a call that was answered just now may still be on their way; its ticket is there already.
    opened = (
        select(TicketEvent.at)
        .join(Ticket, Ticket.id == TicketEvent.ticket_id)
        .where(Ticket.origin_key == call.id, TicketEvent.kind == "opened", TicketEvent.by_id == agent_id)
    )
    since = await session.scalar(opened)
    return Part(since, None, None, with_whom, False) if since is not None else None


def _gone_on(mine: InteractionLeg, legs: Sequence[InteractionLeg]) -> bool:
    left = mine.left_at
    return left is not None and any(
        leg.agent_id != mine.agent_id and (leg.left_at is None or leg.left_at > left) for leg in legs
    )


async def require_part(unit: Unit, call: Interaction) -> Part:
    """The actor's part in the call. Raises Conflict for somebody who had none."""
    part = await part_of(unit.session, call, unit.actor.id)
    if part is None:
        raise Conflict(
            "You had no part in this call.",
            "Ask the agent who spoke with the caller, or work on the ticket itself.",
            code="not_your_call",
            values={"interaction_id": call.id},
        )
    return part


async def require_time(unit: Unit, call: Interaction) -> Part:
    """The actor's part in the call, while their wrap-up runs. Raises Conflict."""
    part = await require_part(unit, call)
    if part.over_at is not None and part.over_at <= unit.at:
        raise Conflict(
            "Your wrap-up of this call is over.",
            "Ask your team leader to change it.",
            code="wrap_up_over",
            values={"interaction_id": call.id},
        )
    return part


async def require_word(unit: Unit, call: Interaction, ticket: Ticket) -> None:
    """Whether the actor may say (again) how the work on this call ended. Raises Conflict.

    Until the end of wrap-up, or later where they have said nothing yet; not after somebody outside of the call has
    worked on the ticket, nor after a colleague who has gone on with the caller has said how it ended.
    """
    query = select(TicketEvent.by_id).where(TicketEvent.interaction_id == call.id, TicketEvent.kind.in_(_OUTCOMES))
    said_by = set(await unit.session.scalars(query))
    part = await (require_time if unit.actor.id in said_by else require_part)(unit, call)
    if part.gone_on and said_by - {unit.actor.id}:
        raise Conflict(
            "A colleague has gone on with this caller and has said how the call ended.",
            "Save your part as transferred.",
            code="gone_on",
            values={"interaction_id": call.id},
        )
    worked_on = select(TicketEvent).where(
        TicketEvent.ticket_id == ticket.id,
        TicketEvent.at >= part.since,
        TicketEvent.kind.in_(_WORKED_ON),
        TicketEvent.by_id.not_in(part.with_whom),
    )
    by = await unit.session.scalar(worked_on.order_by(TicketEvent.id.desc()).limit(1))
    if by is not None:
        raise Conflict(
            f"{by.by_name} has worked on {ticket.number} since your call.",
            "Write a note on the ticket, or ask them.",
            code="worked_on",
            values={"number": ticket.number, "by": by.by_name, "version": ticket.version},
        )


async def require_transfer(unit: Unit, call: Interaction) -> None:
    """That the actor passed the caller on. Raises Conflict for a call that ended with them."""
    part = await require_part(unit, call)
    passed_on = select(FactRow.id).where(
        FactRow.interaction_id == call.id, FactRow.kind == "call.transferred", FactRow.agent_id == unit.actor.id
    )
    if not part.gone_on and await unit.session.scalar(passed_on.limit(1)) is None:
        raise Conflict(
            "This call was not transferred.",
            "Choose how it ended: resolved, handed over, or to be called back.",
            code="not_transferred",
            values={"interaction_id": call.id},
        )
