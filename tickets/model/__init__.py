"""Tables of this room. Instants are epoch seconds, UTC, as in facts: windows are plain arithmetic on any engine."""

from tickets.model.catalogue import Counter, RecallCause, Topic
from tickets.model.customers import Customer, CustomerNumber
from tickets.model.figures import Figure
from tickets.model.interactions import Interaction, InteractionLeg, Recording
from tickets.model.promises import Promise
from tickets.model.tickets import OutcomeSave, Ticket, TicketDraft, TicketEvent, TicketNote

__all__ = [
    "Counter",
    "Customer",
    "CustomerNumber",
    "Figure",
    "Interaction",
    "InteractionLeg",
    "OutcomeSave",
    "Promise",
    "RecallCause",
    "Recording",
    "Ticket",
    "TicketDraft",
    "TicketEvent",
    "TicketNote",
    "Topic",
]
