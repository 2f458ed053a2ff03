"""Promises kept: done by their due time ÷ due; and the broken ones that a recall followed."""

from dataclasses import dataclass

from sqlalchemy import and_, exists, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from tickets import people
from tickets.counting import Counts, Scope, how_many
from tickets.days import day_end, day_start
from tickets.model import Interaction, Promise, Ticket


@dataclass(frozen=True, slots=True)
class PromiseCounts(Counts):
    """Promises whose due time lies in the scope and has passed."""

    due: int = 0
    kept: int = 0
    broken: int = 0
    broken_then_recall: int = 0


async def promises_due(session: AsyncSession, scope: Scope, at: float) -> PromiseCounts:
    """Promises that fell due on the scope's days, up to now (`at`). One still open past its time is broken.

    A broken one was followed by a recall when its customer called inside the recall window after the due time.
    """
    zone = people.zone((await people.programme(session, scope.programme_id)).time_zone)
    broken = or_(Promise.status == "broken", Promise.status == "open")
    called = exists().where(
        Interaction.subject == Promise.customer_id,
        Interaction.programme_id == scope.programme_id,
        Interaction.direction == "inbound",
        Interaction.disposition.is_(None),
        Interaction.arrived_at > Promise.due,
        Interaction.arrived_at <= Promise.due + scope.policy.recall_window,
    )
    columns = {
        "due": Promise.id.is_not(None),
        "kept": Promise.status == "kept",
        "broken": broken,
        "broken_then_recall": and_(broken, called),
    }
    query = (
        select(*(how_many(condition).label(name) for name, condition in columns.items()))
        .join(Ticket, Ticket.id == Promise.ticket_id)
        .where(
            Ticket.programme_id == scope.programme_id,
            # Named, so that the index on status and due answers.
            Promise.status.in_(("open", "kept", "broken")),
            Promise.due >= day_start(scope.first, zone),
            Promise.due < min(day_end(scope.last, zone), at),
        )
    )
    return PromiseCounts.of((await session.execute(query)).one())
