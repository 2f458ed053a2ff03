"""Tickets: list, detail, notes, outcome, promises."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query

from api.access import FOR_ANY, BackOffice, FrontLine, Reader, only_own
from api.ears import ears_of
from api.routes.shared import Work, actor
from api.schemas.common import Cursor, Done, Id, Search
from api.schemas.pop import Promise
from api.schemas.tickets import (
    Draft,
    Note,
    NoteGiven,
    OutcomeGiven,
    PromiseChange,
    PromiseGiven,
    Resolution,
    Seen,
    SplitGiven,
    Ticket,
    TicketChange,
    TicketList,
    TicketView,
)
from core.clock import utc
from tickets import lists, merging, outcome, promises
from tickets import work as cases
from tickets.views import promise_view

router = APIRouter(tags=["tickets"])
TicketId = Annotated[Id, Path()]


@router.get("/tickets")
async def list_tickets(
    caller: Reader,
    work: Work,
    view: TicketView = "mine",
    q: Search = "",
    topic: Id | None = None,
    programme: Id | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Cursor | None = None,
) -> TicketList:
    """Tickets of one view page by page, most urgent first, with the number in each view."""
    async with work.reading() as session:
        page = await lists.page(
            session,
            view,
            actor(caller),
            work.now(),
            text=q,
            topic=topic,
            programme=programme,
            limit=limit,
            after=cursor,
            language=caller.language,
        )
    return TicketList.model_validate(page)


@router.get("/tickets/{ticket_id}")
async def read_ticket(ticket_id: TicketId, caller: Reader, work: Work) -> Ticket:
    """A ticket with notes, history, promises, contacts and the caller's own draft."""
    async with work.reading() as session:
        ears = await ears_of(session, caller)
        return Ticket.model_validate(await lists.ticket(session, ticket_id, actor(caller), caller.language, ears))


@router.patch("/tickets/{ticket_id}")
async def change_ticket(ticket_id: TicketId, given: TicketChange, caller: FrontLine, work: Work) -> Ticket:
    """Change title, topic, priority or due time. 409 when `version` is not the present one."""
    async with work.unit(actor(caller)) as unit:
        await cases.edit(unit, ticket_id, given.version, _fields(given))
    return await read_ticket(ticket_id, caller, work)


@router.post("/tickets/{ticket_id}/notes", status_code=201)
async def add_note(ticket_id: TicketId, given: NoteGiven, caller: FrontLine, work: Work) -> Note:
    """Add a note; the draft is removed."""
    async with work.unit(actor(caller)) as unit:
        note = await cases.add_note(unit, ticket_id, given.text, given.interaction_id)
    return Note(id=note.id, at=utc(note.at), author=note.by_name, text=note.text, interaction_id=note.interaction_id)


@router.put("/tickets/{ticket_id}/draft")
async def save_draft(ticket_id: TicketId, given: Draft, caller: FrontLine, work: Work) -> Done:
    """Keep the note being written; empty text removes it."""
    async with work.unit(actor(caller)) as unit:
        await cases.save_draft(unit, ticket_id, given.text)
    return Done()


@router.post("/tickets/{ticket_id}/outcome")
async def set_outcome(ticket_id: TicketId, given: OutcomeGiven, caller: FrontLine, work: Work) -> Ticket:
    """End the call's work on the ticket: resolved, handed over to back office, to be called back, or transferred."""
    async with work.unit(actor(caller)) as unit:
        await outcome.save(unit, ticket_id, given.interaction_id, _outcome(given))
    return await read_ticket(ticket_id, caller, work)


@router.post("/tickets/{ticket_id}/resolve", openapi_extra=FOR_ANY)
async def resolve_ticket(ticket_id: TicketId, given: Resolution, caller: FrontLine, work: Work) -> Ticket:
    """It is solved: back office may say so of every ticket, an agent of what is theirs, like a call-back."""
    async with work.unit(actor(caller)) as unit:
        await cases.resolve(unit, ticket_id, given.note, given.version, only_own=only_own(caller))
    return await read_ticket(ticket_id, caller, work)


@router.post("/tickets/{ticket_id}/reopen")
async def reopen_ticket(ticket_id: TicketId, given: Resolution, caller: BackOffice, work: Work) -> Ticket:
    """It was not solved after all."""
    async with work.unit(actor(caller)) as unit:
        await cases.reopen(unit, ticket_id, given.note, given.version)
    return await read_ticket(ticket_id, caller, work)


@router.post("/tickets/{ticket_id}/take")
async def take_ticket(ticket_id: TicketId, caller: BackOffice, work: Work, given: Seen | None = None) -> Ticket:
    """Become the ticket's owner. Somebody else's is taken over only with the `version` last seen."""
    async with work.unit(actor(caller)) as unit:
        await cases.take(unit, ticket_id, given.version if given else None)
    return await read_ticket(ticket_id, caller, work)


@router.post("/tickets/{ticket_id}/split", status_code=201)
async def split_ticket(ticket_id: TicketId, given: SplitGiven, caller: BackOffice, work: Work) -> Ticket:
    """A second case found in a ticket becomes one of its own: the new ticket."""
    async with work.unit(actor(caller)) as unit:
        part = await merging.split_ticket(unit, ticket_id, given.title)
    return await read_ticket(part.id, caller, work)


@router.post("/tickets/{ticket_id}/promises", status_code=201)
async def make_promise(ticket_id: TicketId, given: PromiseGiven, caller: FrontLine, work: Work) -> Promise:
    """Promise the customer something by a time."""
    async with work.unit(actor(caller)) as unit:
        promise = await promises.make(unit, ticket_id, given.text, given.due.timestamp(), given.interaction_id)
    return Promise.model_validate(promise_view(promise))


@router.patch("/promises/{promise_id}")
async def settle_promise(
    promise_id: Annotated[Id, Path()], given: PromiseChange, caller: FrontLine, work: Work
) -> Promise:
    """Say that a promise was kept or broken."""
    async with work.unit(actor(caller)) as unit:
        promise = await promises.settle(unit, promise_id, given.status)
    return Promise.model_validate(promise_view(promise))


def _fields(given: TicketChange) -> dict[str, Any]:
    """The fields given, by the names and in the units of the tickets room."""
    fields = given.model_dump(exclude_unset=True, exclude={"version", "topic"})
    if "topic" in given.model_fields_set:
        fields["topic_id"] = given.topic
    if given.due is not None:
        fields["due"] = given.due.timestamp()
    return fields


def _outcome(given: OutcomeGiven) -> outcome.Outcome:
    return outcome.Outcome(
        kind=given.outcome,
        topic_id=given.topic,
        cause_id=given.cause,
        note=given.note,
        due=given.due.timestamp() if given.due else None,
        reason=given.reason,
        save_id=given.save_id,
    )
