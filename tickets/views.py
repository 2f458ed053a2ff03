"""What this room tells others, as JSON that docs/contracts.md describes: instants are ISO 8601 text in UTC."""

from typing import TypedDict

from core.clock import iso
from tickets.model import Customer, Promise, Ticket


class NamedView(TypedDict):
    """A reference for people."""

    id: str
    name: str


class CustomerView(TypedDict):
    """A customer as the pop shows it."""

    id: str
    name: str
    segment: str
    city: str
    language: str
    customer_since: str | None
    code: str
    notes: str
    flags: list[str]


class PromiseView(TypedDict):
    """A promise; `by` is who must do it."""

    id: str
    text: str
    due: str
    by: str | None
    status: str
    made: str
    made_by: str
    ticket_id: str


class OpenTicketView(TypedDict):
    """A line of a customer's tickets."""

    id: str
    number: str
    title: str
    topic: str | None
    topic_id: str | None
    priority: str
    status: str
    due: str | None
    opened: str


class ContactView(TypedDict):
    """One earlier contact."""

    at: str
    channel: str
    direction: str
    agent_name: str | None
    topic: str | None
    outcome: str | None
    summary: str | None
    ticket_id: str | None
    interaction_id: str
    audible: bool


class RecallView(TypedDict):
    """Which earlier call this one follows, and what was promised in it. `nth`: this is the n-th call in the chain."""

    of_interaction_id: str
    at: str
    agent_name: str | None
    topic: str | None
    same_topic_ticket_id: str | None
    nth: int
    promises: list[PromiseView]


class OpeningView(TypedDict):
    """A first sentence to say, in both languages."""

    it: str
    en: str


class PopView(TypedDict):
    """The caller's story in small."""

    customers: list[CustomerView]
    identification: str
    recall: RecallView | None
    open_tickets: list[OpenTicketView]
    promises: list[PromiseView]
    contacts: list[ContactView]
    opening: OpeningView


class NumberView(TypedDict):
    """A customer's number."""

    number: str
    shared: bool


class CustomerCardView(CustomerView):
    """A customer with numbers; `version` counts changes."""

    version: int
    numbers: list[NumberView]


class ContactListView(TypedDict):
    """A page of contacts, newest first, and the cursor of the next one."""

    items: list[ContactView]
    next: str | None


class CustomerListView(TypedDict):
    """A page of customers, and the cursor of the next one."""

    items: list[CustomerCardView]
    next: str | None


class StoryView(TypedDict):
    """All that is known of a customer. `contacts_next`: the cursor of the contacts before these."""

    customer: CustomerCardView
    contacts: list[ContactView]
    contacts_next: str | None
    tickets: list[OpenTicketView]
    promises: list[PromiseView]


class NoteView(TypedDict):
    """A note."""

    id: str
    at: str
    author: str
    text: str
    interaction_id: str | None


class HistoryView(TypedDict):
    """A row of history; one row a changed field."""

    at: str
    who: str
    kind: str
    field: str | None
    before: object
    after: object


class TicketLineView(TypedDict):
    """A ticket in a list."""

    id: str
    number: str
    title: str
    topic: str | None
    topic_id: str | None
    priority: str
    status: str
    programme_id: str
    customer: NamedView | None
    owner: NamedView | None
    due: str | None
    opened: str
    updated: str
    version: int


class TicketView(TicketLineView):
    """A ticket with all that belongs to it."""

    notes: list[NoteView]
    history: list[HistoryView]
    promises: list[PromiseView]
    contacts: list[ContactView]
    draft: str | None
    opened_by_interaction: str | None
    resolved: str | None
    gone_into: NamedView | None


class TicketListView(TypedDict):
    """A page of tickets, the cursor of the next one, how many the view has, and how many each view has."""

    items: list[TicketLineView]
    next: str | None
    total: int
    counts: dict[str, int]


def maybe_iso(at: float | None) -> str | None:
    """`at` as text, if there is one."""
    return None if at is None else iso(at)


def customer_view(customer: Customer, *, shared: bool = False) -> CustomerView:
    """A customer; `shared` marks that the number it was found by is a switchboard's."""
    flags = list(customer.flags)
    if shared and "shared" not in flags:
        flags.append("shared")
    return {
        "id": customer.id,
        "name": customer.name,
        "segment": customer.segment,
        "city": customer.city,
        "language": customer.language,
        "customer_since": customer.since,
        "code": customer.code,
        "notes": customer.notes,
        "flags": flags,
    }


def promise_view(promise: Promise) -> PromiseView:
    """A promise."""
    return {
        "id": promise.id,
        "text": promise.text,
        "due": iso(promise.due),
        "by": promise.owner_name,
        "status": promise.status,
        "made": iso(promise.made_at),
        "made_by": promise.made_by_name,
        "ticket_id": promise.ticket_id,
    }


def open_ticket_view(ticket: Ticket, topic: str | None) -> OpenTicketView:
    """A line of a customer's tickets; `topic` is the topic's name."""
    return {
        "id": ticket.id,
        "number": ticket.number,
        "title": ticket.title,
        "topic": topic,
        "topic_id": ticket.topic_id,
        "priority": ticket.priority,
        "status": ticket.status,
        "due": maybe_iso(ticket.due),
        "opened": iso(ticket.opened_at),
    }
