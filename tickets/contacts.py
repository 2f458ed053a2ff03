"""What happened with a customer before: earlier contacts, and the call that a new one is the recall of."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Select, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from core.clock import iso
from tickets import paging
from tickets.catalogue import topic_names
from tickets.hearing import DEAF, Ears, audible
from tickets.model import Interaction, TicketNote
from tickets.people import agent_names
from tickets.policy import Policy
from tickets.views import ContactListView, ContactView

_SUMMARY = 160
_CHAIN = 20


@dataclass(frozen=True, slots=True)
class Trigger:
    """The answered call that this one is the recall of; `nth`: this is the customer's n-th call in the chain."""

    call: Interaction
    nth: int


async def trigger_of(
    session: AsyncSession, *, subject: str, programme_id: str, at: float, interaction_id: str, policy: Policy
) -> Trigger | None:
    """The last answered call of that subject, ended before `at` and inside the window; None: this is a first call."""
    calls = list(
        await session.scalars(
            _answered(subject, programme_id)
            # What ended before also arrived before: said so that the index on subject and arrival is the obvious one.
            .where(Interaction.arrived_at < at, Interaction.ended_at < at, Interaction.id != interaction_id)
            .order_by(Interaction.ended_at.desc())
            .limit(_CHAIN)
        )
    )
    nth, later = 1, at
    for call in calls:
        if call.ended_at is None or call.ended_at < later - policy.recall_window:
            break
        nth, later = nth + 1, call.arrived_at or call.ended_at
    return Trigger(calls[0], nth) if nth > 1 else None


def _answered(subject: str, programme_id: str) -> Select[Interaction]:
    return select(Interaction).where(
        Interaction.subject == subject,
        Interaction.programme_id == programme_id,
        Interaction.direction == "inbound",
        Interaction.disposition.is_(None),
        Interaction.queued_at.is_not(None),
        Interaction.answered_at.is_not(None),
    )


async def contacts_of_customer(
    session: AsyncSession,
    customer_id: str,
    language: str,
    limit: int = 8,
    but: str | None = None,
    programme_id: str | None = None,
) -> list[ContactView]:
    """Contacts of a customer, newest first, without the one named in `but`; with a programme, only its own."""
    query = (
        select(Interaction)
        .where(Interaction.customer_id == customer_id, Interaction.arrived_at.is_not(None))
        .order_by(Interaction.arrived_at.desc())
        .limit(limit)
    )
    if but is not None:
        query = query.where(Interaction.id != but)
    if programme_id is not None:
        query = query.where(Interaction.programme_id == programme_id)
    return await contact_views(session, list(await session.scalars(query)), language)


async def contact_page(
    session: AsyncSession,
    customer_id: str,
    language: str,
    *,
    limit: int = 50,
    after: str | None = None,
    ears: Ears = DEAF,
) -> ContactListView:
    """All contacts of a customer page by page, newest first. `after`: the `next` of the page before. Raises Invalid."""
    query = (
        select(Interaction)
        .where(Interaction.customer_id == customer_id, Interaction.arrived_at.is_not(None))
        .order_by(Interaction.arrived_at.desc(), Interaction.id)
        .limit(limit + 1)
    )
    if after is not None:
        at, interaction_id = paging.place(after, (float, str))
        query = query.where(
            Interaction.arrived_at <= at, or_(Interaction.arrived_at < at, Interaction.id > interaction_id)
        )
    calls, last = paging.split(list(await session.scalars(query)), limit)
    behind = paging.cursor((last.arrived_at, last.id)) if last is not None else None
    return {"items": await contact_views(session, calls, language, ears), "next": behind}


async def contacts_of_ticket(
    session: AsyncSession, ticket_id: str, language: str, ears: Ears = DEAF
) -> list[ContactView]:
    """Contacts about a ticket, newest first."""
    query = select(Interaction).where(Interaction.ticket_id == ticket_id).order_by(Interaction.arrived_at.desc())
    return await contact_views(session, list(await session.scalars(query.limit(50))), language, ears)


async def contact_views(
    session: AsyncSession, calls: Sequence[Interaction], language: str, ears: Ears = DEAF
) -> list[ContactView]:
    """These calls for people: names instead of ids, the last note as summary, whether `ears` may hear each."""
    agents = await agent_names(session, (call.agent_id for call in calls))
    topics = await topic_names(session, (call.topic_id for call in calls), language)
    notes = await _last_notes(session, [call.id for call in calls])
    heard = await audible(session, [call.id for call in calls], ears)
    return [
        {
            "at": iso(call.arrived_at or call.queued_at or 0.0),
            "channel": call.channel,
            "direction": call.direction,
            "agent_name": agents.get(call.agent_id or ""),
            "topic": topics.get(call.topic_id or ""),
            "outcome": call.outcome or ("abandoned" if call.abandoned else None),
            "summary": notes.get(call.id),
            "ticket_id": call.ticket_id,
            "interaction_id": call.id,
            "audible": call.id in heard,
        }
        for call in calls
    ]


async def _last_notes(session: AsyncSession, interaction_ids: Sequence[str]) -> dict[str, str]:
    if not interaction_ids:
        return {}
    query = (
        select(TicketNote.interaction_id, TicketNote.text)
        .where(TicketNote.interaction_id.in_(interaction_ids))
        .order_by(TicketNote.at)
    )
    rows = await session.execute(query)
    return {call_id: _short(text) for call_id, text in rows if call_id}


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _SUMMARY else line[: _SUMMARY - 1].rstrip() + "…"
