"""Tickets as people look at them: views of the back office with counts, and one ticket with all that belongs to it."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Select, and_, case, func, or_, select, true, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from core.clock import iso
from core.errors import Invalid, NotFound
from tickets import paging, people
from tickets.catalogue import topic_names
from tickets.contacts import contacts_of_ticket
from tickets.customers import folded
from tickets.days import day_end, local_day
from tickets.hearing import DEAF, Ears
from tickets.model import Customer, Promise, Ticket, TicketDraft, TicketEvent, TicketNote
from tickets.unit import Actor
from tickets.views import (
    HistoryView,
    NamedView,
    NoteView,
    TicketLineView,
    TicketListView,
    TicketView,
    maybe_iso,
    promise_view,
)
from tickets.work import GONE, PRIORITIES, UNDER_WAY

VIEWS = ("mine", "team", "handed_over", "due_today", "overdue", "open", "resolved", "all")
# Named one by one, so that an index on the status answers; the closed ones are nearly all there are.
_UNDER_WAY = Ticket.status.in_(UNDER_WAY)
_RANKS = {name: rank for rank, name in enumerate(reversed(PRIORITIES))}
_NO_RANK = 9
_URGENCY = case(_RANKS, value=Ticket.priority, else_=_NO_RANK)


async def page(
    session: AsyncSession,
    view: str,
    actor: Actor,
    at: float,
    *,
    text: str = "",
    topic: str | None = None,
    programme: str | None = None,
    limit: int = 50,
    after: str | None = None,
    language: str = "it",
) -> TicketListView:
    """One page of a view, most urgent first, with the number of tickets in it and in every view. Raises Invalid.

    `after`: the `next` of the page before.
    """
    if view not in VIEWS:
        raise Invalid(f"The view {view!r} does not exist.", f"Choose one of {', '.join(VIEWS)}.", code="view_unknown")
    conditions = await _conditions(session, actor, at, programme)
    within = and_(conditions[view], _filters(text, topic, programme))
    total = await session.scalar(select(func.count()).select_from(Ticket).where(within))
    order = _CLOSED_TOO if view in ("resolved", "all") else _UNDER_WAY_ONLY
    query = order.pages(select(Ticket).where(within), after).limit(limit + 1)
    tickets, last = paging.split(list(await session.scalars(query)), limit)
    return {
        "items": await lines(session, tickets, language),
        "next": paging.cursor(order.key(last)) if last is not None else None,
        "total": total or 0,
        "counts": await _counts(session, conditions, _filters("", None, programme)),
    }


async def _conditions(
    session: AsyncSession, actor: Actor, at: float, programme_id: str | None
) -> dict[str, ColumnElement[bool]]:
    programme = await people.programme(session, programme_id)
    zone = people.zone(programme.time_zone)
    midnight = day_end(local_day(at, zone), zone)
    mates = await people.team_mates(session, actor.id)
    return {
        "mine": and_(_UNDER_WAY, Ticket.owner_id == actor.id),
        "team": and_(_UNDER_WAY, Ticket.owner_id.in_(mates)),
        "handed_over": Ticket.status == "pending_back_office",
        "due_today": and_(_UNDER_WAY, Ticket.due < midnight, Ticket.due >= at),
        "overdue": and_(_UNDER_WAY, Ticket.due < at),
        "open": _UNDER_WAY,
        # Inside coalesce it leaves the index on the latest change to the order: nearly every ticket is resolved.
        "resolved": func.coalesce(Ticket.status, "") == "resolved",
        "all": Ticket.status.not_in(GONE),
    }


def _filters(text: str, topic: str | None, programme: str | None) -> ColumnElement[bool]:
    wanted: list[ColumnElement[bool]] = [true()]
    if topic:
        wanted.append(Ticket.topic_id == topic)
    if programme:
        wanted.append(Ticket.programme_id == programme)
    if text.strip():
        named = select(Customer.id).where(Customer.name_folded.contains(folded(text), autoescape=True))
        wanted.append(
            or_(
                Ticket.number.startswith(text.strip().upper(), autoescape=True),
                func.lower(Ticket.title).contains(text.strip().lower(), autoescape=True),
                Ticket.customer_id.in_(named),
            )
        )
    return and_(*wanted)


class _LatestChangeFirst:
    """The order of views in which closed tickets are: what was changed last comes first."""

    def pages(self, query: Select[Ticket], after: str | None) -> Select[Ticket]:
        query = query.order_by(Ticket.changed_at.desc(), Ticket.id)
        if after is None:
            return query
        changed_at, ticket_id = paging.place(after, (float, str))
        # Said this way, the index on the latest change leads to the place.
        return query.where(Ticket.changed_at <= changed_at, or_(Ticket.changed_at < changed_at, Ticket.id > ticket_id))

    def key(self, ticket: Ticket) -> paging.Key:
        return ticket.changed_at, ticket.id


class _MostUrgentFirst:
    """The order of views of tickets under way: by due time, those without one last, then by priority and age."""

    def pages(self, query: Select[Ticket], after: str | None) -> Select[Ticket]:
        parts = case((Ticket.due.is_(None), 1), else_=0), func.coalesce(Ticket.due, 0.0), _URGENCY
        order = (*parts, Ticket.opened_at, Ticket.id)
        query = query.order_by(*order)
        if after is None:
            return query
        return query.where(tuple_(*order) > tuple_(*paging.place(after, (float, float, float, float, str))))

    def key(self, ticket: Ticket) -> paging.Key:
        none, due = (1, 0.0) if ticket.due is None else (0, ticket.due)
        return none, due, _RANKS.get(ticket.priority, _NO_RANK), ticket.opened_at, ticket.id


_CLOSED_TOO, _UNDER_WAY_ONLY = _LatestChangeFirst(), _MostUrgentFirst()


async def _counts(
    session: AsyncSession, conditions: dict[str, ColumnElement[bool]], within: ColumnElement[bool]
) -> dict[str, int]:
    """How many are under way in each view; closed ones are not counted, they only grow."""
    counted = {name: condition for name, condition in conditions.items() if name not in ("resolved", "all")}
    columns = [func.sum(case((condition, 1), else_=0)).label(name) for name, condition in counted.items()]
    row = (await session.execute(select(*columns).where(_UNDER_WAY, within))).one()
    return {name: int(count or 0) for name, count in zip(counted, row, strict=True)}


async def lines(session: AsyncSession, tickets: Sequence[Ticket], language: str) -> list[TicketLineView]:
    """These tickets as lines of a list."""
    topics = await topic_names(session, (ticket.topic_id for ticket in tickets), language)
    wanted = {ticket.customer_id for ticket in tickets if ticket.customer_id}
    rows = await session.execute(select(Customer.id, Customer.name).where(Customer.id.in_(wanted)))
    names = dict(rows.all())
    return [_line(ticket, topics.get(ticket.topic_id or ""), names) for ticket in tickets]


def _line(ticket: Ticket, topic: str | None, customers: dict[str, str]) -> TicketLineView:
    return {
        "id": ticket.id,
        "number": ticket.number,
        "title": ticket.title,
        "topic": topic,
        "topic_id": ticket.topic_id,
        "priority": ticket.priority,
        "status": ticket.status,
        "programme_id": ticket.programme_id,
        "customer": _named(ticket.customer_id, customers.get(ticket.customer_id or "")),
        "owner": _named(ticket.owner_id, ticket.owner_name),
        "due": maybe_iso(ticket.due),
        "opened": iso(ticket.opened_at),
        "updated": iso(ticket.changed_at),
        "version": ticket.version,
    }


def _named(thing_id: str | None, name: str | None) -> NamedView | None:
    return {"id": thing_id, "name": name or thing_id} if thing_id else None


async def ticket(
    session: AsyncSession, ticket_id: str, actor: Actor, language: str = "it", ears: Ears = DEAF
) -> TicketView:
    """A ticket with notes, history, promises, contacts and the reader's own draft. Raises NotFound."""
    found = await session.get(Ticket, ticket_id)
    if found is None:
        raise NotFound(f"The ticket {ticket_id!r} does not exist.", "Search for it by number.")
    draft = await session.get(TicketDraft, (ticket_id, actor.id))
    notes = await session.scalars(
        select(TicketNote).where(TicketNote.ticket_id == ticket_id).order_by(TicketNote.at, TicketNote.id)
    )
    promises = await session.scalars(select(Promise).where(Promise.ticket_id == ticket_id).order_by(Promise.due))
    other = await session.get(Ticket, found.merged_into) if found.merged_into else None
    return {
        **(await lines(session, [found], language))[0],
        "notes": [_note(note) for note in notes],
        "history": await history(session, ticket_id),
        "promises": [promise_view(promise) for promise in promises],
        "contacts": await contacts_of_ticket(session, ticket_id, language, ears),
        "draft": draft.text if draft else None,
        "opened_by_interaction": found.opened_by,
        "resolved": maybe_iso(found.resolved_at),
        "gone_into": _named(other.id, other.number) if other else None,
    }


def _note(note: TicketNote) -> NoteView:
    return {
        "id": note.id,
        "at": iso(note.at),
        "author": note.by_name,
        "text": note.text,
        "interaction_id": note.interaction_id,
    }


async def history(session: AsyncSession, ticket_id: str) -> list[HistoryView]:
    """The history of a ticket, oldest first: one row a field that changed, or one for an event without fields."""
    events = await session.scalars(
        select(TicketEvent).where(TicketEvent.ticket_id == ticket_id).order_by(TicketEvent.at, TicketEvent.id)
    )
    rows: list[HistoryView] = []
    for event in events:
        names: list[str | None] = [*sorted({*event.before, *event.after})]
        for name in names or [None]:
            rows.append(
                {
                    "at": iso(event.at),
                    "who": event.by_name,
                    "kind": event.kind,
                    "field": name,
                    "before": event.before.get(name) if name else None,
                    "after": event.after.get(name) if name else None,
                }
            )
    return rows
