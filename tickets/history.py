"""Writes the history: append only, there is no other way to touch it."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from tickets.model import TicketEvent
from tickets.unit import Unit


def record(
    unit: Unit,
    kind: str,
    *,
    ticket_id: str | None = None,
    customer_id: str | None = None,
    interaction_id: str | None = None,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    """Add one row: what (`kind`), on what, from what to what; who and when come from the unit."""
    unit.session.add(
        TicketEvent(
            at=unit.at,
            ticket_id=ticket_id,
            customer_id=customer_id,
            interaction_id=interaction_id,
            by_id=unit.actor.id,
            by_name=unit.actor.name,
            system=unit.actor.system,
            kind=kind,
            before=dict(before or {}),
            after=dict(after or {}),
        )
    )


def recording_heard(unit: Unit, interaction_id: str, address: str) -> None:
    """Somebody listens to a recording from a network address."""
    record(unit, "recording_heard", interaction_id=interaction_id, after={"address": address})


async def heard_lately(session: AsyncSession, actor_id: str, interaction_id: str, since: float) -> bool:
    """Whether this person began to listen to that recording after `since` (epoch seconds): players ask in parts."""
    row = select(TicketEvent.id).where(
        TicketEvent.interaction_id == interaction_id,
        TicketEvent.at >= since,
        TicketEvent.by_id == actor_id,
        TicketEvent.kind == "recording_heard",
    )
    return await session.scalar(row.limit(1)) is not None
