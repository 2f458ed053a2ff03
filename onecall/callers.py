"""Answers the IVR's questions about callers, and takes in what they leave, with the services of `tickets`."""

import math

from core.clock import Clock
from core.db import Database
from ivr.ports import CallBackRequest, Identification, TicketState, TicketSummary, Voicemail
from tickets import intake
from tickets.callers import Caller, caller_by_code, caller_by_number
from tickets.unit import Actor, Tickets

_STATES: dict[str, TicketState] = {"pending_back_office": "back_office", "waiting_for_customer": "waiting_for_customer"}
_IVR = Actor("ivr", "IVR", system=True)
_WISHES = {
    "asked": ("Il cliente chiede di essere richiamato.", "The customer asks to be called back."),
    "partial": ("Ha riagganciato mentre digitava il numero.", "Hung up while keying the number."),
    "missed": ("Ha chiamato mentre il servizio non rispondeva.", "Called while the service did not answer."),
}


class TicketCallers:
    """Fulfils `ivr.ports.Callers`."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def identify(self, number: str, programme_id: str) -> Identification:
        """By the caller's number (E.164)."""
        async with self._database.reading() as session:
            return self._told(await caller_by_number(session, number, programme_id, self._clock.now()))

    async def identify_code(self, code: str, programme_id: str) -> Identification:
        """By a customer code that the caller keyed."""
        async with self._database.reading() as session:
            return self._told(await caller_by_code(session, code, programme_id, self._clock.now()))

    def _told(self, caller: Caller) -> Identification:
        ticket = None
        if caller.ticket_number is not None:
            days = None if caller.due is None else max(0, math.ceil((caller.due - self._clock.now()) / 86_400))
            ticket = TicketSummary(caller.ticket_number, _STATES.get(caller.ticket_status or "", "open"), days)
        return Identification(
            caller.identification,
            caller.customer_ids,
            language=caller.language,
            preferred_agent_id=caller.last_agent_id or caller.owner_id,
            prefers_owner=caller.owner_id is not None and caller.last_agent_id is None,
            segment=caller.segment,
            ticket=ticket,
        )


class TicketIntake:
    """Fulfils `ivr.ports.Messages` and `ivr.ports.CallBacks`."""

    def __init__(self, tickets: Tickets) -> None:
        self._tickets = tickets

    async def voicemail(self, message: Voicemail) -> None:
        """Make it a ticket; the same message told twice is one ticket."""
        note = f"{message.seconds:.0f} s: {message.file.name}"
        left = intake.Left(
            f"voicemail-{message.id}",
            "voicemail",
            message.at,
            message.number,
            message.programme_id,
            message.customer_ids,
            message.interaction_id,
            message.language,
            note,
        )
        async with self._tickets.unit(_IVR) as unit:
            await intake.take(unit, left)

    async def request(self, request: CallBackRequest) -> None:
        """Make it a call-back ticket; the same `id` told twice is one ticket."""
        italian, english = _WISHES[request.wish]
        left = intake.Left(
            request.id,
            "call_back",
            request.at,
            request.number,
            request.programme_id,
            (),
            request.interaction_id,
            request.language,
            italian if request.language == "it" else english,
            priority="high",
        )
        async with self._tickets.unit(_IVR) as unit:
            await intake.take(unit, left)
