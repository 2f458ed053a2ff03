"""Tickets, notes, outcomes, promises and the call's link to its ticket."""

from typing import Any, Literal

from pydantic import Field, model_validator

from api.schemas.common import Given, Id, Instant, Line, MaybeLine, Named, Prose, Told
from api.schemas.pop import Contact, Promise

TicketView = Literal["mine", "team", "handed_over", "due_today", "overdue", "open", "resolved", "all"]
Priority = Literal["low", "normal", "high", "urgent"]
Outcome = Literal["resolved", "hand_over", "call_back", "transferred"]
Disposition = Literal["internal", "test", "wrong_number"]


class TicketLine(Told):
    """One ticket in a list."""

    id: str
    number: str
    title: str
    topic: str | None = None
    topic_id: str | None = None
    priority: str
    status: str
    programme_id: str | None = None
    customer: Named | None = None
    owner: Named | None = None
    due: Instant | None = None
    opened: Instant
    updated: Instant
    version: int


class TicketList(Told):
    """A page of tickets and how many there are in each view. `next` is the `cursor` of the page after it, if any."""

    items: list[TicketLine]
    next: str | None = None
    total: int
    counts: dict[str, int] = {}


class Note(Told):
    """A note; notes are never changed."""

    id: str
    at: Instant
    author: str | None = None
    text: str
    interaction_id: str | None = None


class HistoryRow(Told):
    """One row of the append-only history: who changed what, from what to what."""

    at: Instant
    who: str | None = None
    kind: str
    field: str | None = None
    before: Any = None
    after: Any = None


class Ticket(TicketLine):
    """A ticket with all that belongs to it. `version` must come back with each change.

    `gone_into`: the ticket (its number as name) that took this one's place when it was merged or dropped.
    """

    notes: list[Note] = []
    history: list[HistoryRow] = []
    promises: list[Promise] = []
    contacts: list[Contact] = []
    draft: str | None = None
    opened_by_interaction: str | None = None
    resolved: Instant | None = None
    gone_into: Named | None = None


class TicketChange(Given):
    """What changes; absent fields stay. `version` is the one last seen: an older one is a conflict."""

    version: int = Field(ge=0)
    title: Line | None = None
    topic: Id | None = None
    priority: Priority | None = None
    due: Instant | None = None


class NoteGiven(Given):
    """A note on the ticket."""

    text: Prose = Field(min_length=1)
    interaction_id: Id | None = None


class Draft(Given):
    """The note being written; it survives reloads. Empty text removes it."""

    text: Prose


class OutcomeGiven(Given):
    """How the call's work ended. A call-back needs `due`; a hand-over may say why.

    `transferred`: the agent passed the caller on, and the outcome is left to whoever speaks last; only then the topic
    may be absent. `save_id`, made by the client, is carried out once for the call: safe to send again after a cut.
    """

    interaction_id: Id
    outcome: Outcome
    topic: Id | None = None
    cause: Id | None = None
    note: Prose | None = None
    due: Instant | None = None
    reason: MaybeLine | None = None
    save_id: Id | None = None

    @model_validator(mode="after")
    def _has_what_it_needs(self) -> "OutcomeGiven":
        if self.outcome == "call_back" and self.due is None:
            raise ValueError("a call-back needs its due time: add `due`")
        if self.outcome != "transferred" and self.topic is None:
            raise ValueError("an outcome needs what it was about: add `topic`")
        return self


class Seen(Given):
    """With the `version` last seen, a change made meanwhile is a conflict."""

    version: int | None = Field(default=None, ge=0)


class Resolution(Seen):
    """Why the ticket is closed or opened again."""

    note: Prose | None = None


class SplitGiven(Given):
    """What the second case found in the ticket is about."""

    title: Line


class DispositionGiven(Given):
    """Why the call counts in no figure; null puts it back."""

    disposition: Disposition | None


class PromiseGiven(Given):
    """What is promised and by when."""

    text: Line
    due: Instant
    interaction_id: Id | None = None


class PromiseChange(Given):
    """The promise was kept, or broken."""

    status: Literal["kept", "broken"]


class TicketChoice(Given):
    """The open ticket that this call belongs to."""

    ticket_id: Id


class CauseGiven(Given):
    """Why the customer had to call again."""

    cause: Id


class InteractionLeg(Told):
    """One agent's part of the call. Durations in seconds."""

    agent_id: str
    agent_name: str | None = None
    answered: Instant | None = None
    left: Instant | None = None
    talk: float | None = None
    hold: float | None = None
    wrap_up: float | None = None


class Interaction(Told):
    """One call from arrival to end; `confirmed`: an agent said who calls. `arrived` may be null for a moment."""

    id: str
    direction: Literal["inbound", "outbound"]
    number: str | None = None
    withheld: bool = False
    identification: str
    programme_id: str | None = None
    queue_id: str | None = None
    customer_id: str | None = None
    confirmed: bool = False
    ticket_id: str | None = None
    path: str | None = None
    language: str | None = None
    arrived: Instant | None = None
    queued: Instant | None = None
    answered: Instant | None = None
    ended: Instant | None = None
    ended_by: str | None = None
    abandoned: bool = False
    cause: str | None = None
    outcome: str | None = None
    disposition: str | None = None
    recording: bool = False
    legs: list[InteractionLeg] = []
