"""The screen pop: the caller's story in small, as it travels inside the Desk."""

from typing import Literal

from api.schemas.common import Bilingual, Instant, Told

PromiseStatus = Literal["open", "kept", "broken"]
Identification = Literal["none", "one", "several", "withheld", "shared"]


class PopCustomer(Told):
    """A customer who may be the caller. `flags` holds `shared` for a switchboard number."""

    id: str
    name: str
    segment: str | None = None
    city: str | None = None
    language: str | None = None
    customer_since: str | None = None
    code: str | None = None
    notes: str | None = None
    flags: list[str] = []


class Promise(Told):
    """What was promised, by when, by whom; `by` is who must do it."""

    id: str
    text: str
    due: Instant
    by: str | None = None
    status: PromiseStatus
    made: Instant
    made_by: str | None = None
    ticket_id: str | None = None


class Recall(Told):
    """This call comes inside the recall window of an earlier one: which, when, about what, what was promised."""

    of_interaction_id: str
    at: Instant
    agent_name: str | None = None
    topic: str | None = None
    same_topic_ticket_id: str | None = None
    nth: int
    promises: list[Promise] = []


class OpenTicket(Told):
    """One line of the caller's open tickets."""

    id: str
    number: str
    title: str
    topic: str | None = None
    topic_id: str | None = None
    priority: str
    status: str
    due: Instant | None = None
    opened: Instant


class Contact(Told):
    """One earlier contact, newest first in lists.

    `audible`: on the page of a ticket or customer, it has a recording that the reader may hear.
    """

    at: Instant
    channel: str
    direction: Literal["inbound", "outbound"]
    agent_name: str | None = None
    topic: str | None = None
    outcome: str | None = None
    summary: str | None = None
    ticket_id: str | None = None
    interaction_id: str | None = None
    audible: bool = False


class Pop(Told):
    """All that the agent should know before saying hello."""

    customers: list[PopCustomer] = []
    identification: Identification = "none"
    recall: Recall | None = None
    open_tickets: list[OpenTicket] = []
    promises: list[Promise] = []
    contacts: list[Contact] = []
    opening: Bilingual | None = None
