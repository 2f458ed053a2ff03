"""What people do on a ticket: write, decide the outcome, hand over, take, resolve, open again."""

from collections.abc import Mapping
from typing import Any, Literal

from sqlalchemy import delete

from core.errors import Conflict, Forbidden, Invalid, NotFound
from core.ids import new_id
from tickets import history
from tickets.catalogue import require_topic
from tickets.model import Ticket, TicketDraft, TicketNote
from tickets.unit import Unit

Status = Literal["open", "pending_back_office", "pending_call_back", "resolved", "merged", "dropped"]
PRIORITIES = ("low", "normal", "high", "urgent")
UNDER_WAY = ("open", "pending_back_office", "pending_call_back")
CLOSED = ("resolved", "merged", "dropped")
GONE = ("merged", "dropped")
_EDITABLE = frozenset({"title", "topic_id", "priority", "due"})


async def load(unit: Unit, ticket_id: str) -> Ticket:
    """The ticket, held until the unit ends. Raises NotFound; Conflict for one merged into another or dropped."""
    await unit.session.flush()
    ticket = await unit.session.get(Ticket, ticket_id, with_for_update=True, populate_existing=True)
    if ticket is None:
        raise NotFound(f"The ticket {ticket_id!r} does not exist.", "Search for it by number.")
    if ticket.status in GONE:
        other = await unit.session.get(Ticket, ticket.merged_into) if ticket.merged_into else None
        raise Conflict(
            f"{ticket.number} was {'merged' if ticket.status == 'merged' else 'dropped when its call was linked'}.",
            f"Work on {other.number} instead." if other else "Open the ticket of that call instead.",
            code="ticket_gone",
            values={"number": ticket.number, "instead": other.id if other else None},
        )
    return ticket


def require_version(ticket: Ticket, version: int) -> None:
    """Conflict, with the current version, when somebody has changed the ticket meanwhile."""
    if ticket.version != version:
        raise Conflict(
            f"{ticket.number} was changed meanwhile: it is at version {ticket.version}, you have {version}.",
            "Load it again, then repeat your change.",
            code="version_old",
            values={"version": ticket.version, "yours": version, "ticket_id": ticket.id},
        )


def apply(unit: Unit, ticket: Ticket, kind: str, *, interaction_id: str | None = None, **fields: Any) -> None:
    """Set fields, count the version, write history, tell. Every change of a ticket passes here."""
    changed = {name: value for name, value in fields.items() if getattr(ticket, name) != value}
    before = {name: getattr(ticket, name) for name in changed}
    for name, value in changed.items():
        setattr(ticket, name, value)
    ticket.version += 1
    ticket.changed_at = unit.at
    history.record(
        unit,
        kind,
        ticket_id=ticket.id,
        customer_id=ticket.customer_id,
        interaction_id=interaction_id,
        before=before,
        after=changed,
    )
    unit.say(
        kind,
        ticket_id=ticket.id,
        customer_id=ticket.customer_id,
        version=ticket.version,
        interaction_id=interaction_id,
    )


async def edit(unit: Unit, ticket_id: str, version: int, fields: Mapping[str, Any]) -> Ticket:
    """Change title, topic_id, priority or due. Raises NotFound, Conflict with the current version, Invalid."""
    ticket = await load(unit, ticket_id)
    require_version(ticket, version)
    unknown = set(fields) - _EDITABLE
    if unknown:
        raise Invalid(
            f"Cannot be changed this way: {', '.join(sorted(unknown))}.", f"Send {', '.join(sorted(_EDITABLE))}."
        )
    if fields.get("priority", "normal") not in PRIORITIES:
        raise Invalid(
            f"The priority {fields['priority']!r} does not exist.",
            f"Send one of {', '.join(PRIORITIES)}.",
            code="priority_unknown",
        )
    if not (fields.get("title", "x") or "").strip():
        raise Invalid("A ticket needs a title.", "Write one.", code="title_missing")
    if fields.get("topic_id") is not None:
        await require_topic(unit.session, fields["topic_id"], ticket.programme_id)
    if any(getattr(ticket, name) != value for name, value in fields.items()):
        apply(unit, ticket, "edited", **fields)
    return ticket


async def add_note(unit: Unit, ticket_id: str, text: str, interaction_id: str | None = None) -> TicketNote:
    """Write a note; the author's draft is used up by it. Raises NotFound, Conflict, Invalid for an empty note."""
    ticket = await load(unit, ticket_id)
    if not text.strip():
        raise Invalid("The note is empty.", "Write something, or leave it.", code="note_empty")
    note = TicketNote(
        id=f"n-{new_id()}",
        ticket_id=ticket.id,
        interaction_id=interaction_id,
        by_id=unit.actor.id,
        by_name=unit.actor.name,
        at=unit.at,
        text=text.strip(),
    )
    unit.session.add(note)
    await _forget_draft(unit, ticket.id)
    apply(unit, ticket, "note_added", interaction_id=interaction_id)
    return note


async def save_draft(unit: Unit, ticket_id: str, text: str) -> None:
    """Keep what the author is writing; empty text forgets it. This is no change of the ticket: no history."""
    if await unit.session.get(Ticket, ticket_id) is None:
        raise NotFound(f"The ticket {ticket_id!r} does not exist.", "Copy your text and search for the ticket.")
    if not text.strip():
        await _forget_draft(unit, ticket_id)
        return
    draft = await unit.session.get(TicketDraft, (ticket_id, unit.actor.id))
    if draft is None:
        unit.session.add(TicketDraft(ticket_id=ticket_id, by_id=unit.actor.id, text=text, at=unit.at))
    else:
        draft.text, draft.at = text, unit.at


async def _forget_draft(unit: Unit, ticket_id: str) -> None:
    mine = (TicketDraft.ticket_id == ticket_id) & (TicketDraft.by_id == unit.actor.id)
    await unit.session.execute(delete(TicketDraft).where(mine))


async def take(unit: Unit, ticket_id: str, version: int | None = None) -> Ticket:
    """Make it mine. Taking what is mine already changes nothing.

    Whoever takes it from somebody else must have seen whose it is: they give the `version` they saw. Raises NotFound,
    Conflict when it is resolved, another's, or changed meanwhile.
    """
    ticket = await load(unit, ticket_id)
    _require_unresolved(ticket)
    if ticket.owner_id == unit.actor.id:
        return ticket
    if version is not None:
        require_version(ticket, version)
    elif ticket.owner_id is not None:
        raise Conflict(
            f"{ticket.number} is being worked on by {ticket.owner_name}.",
            "Ask them; to take it over, send the version of the ticket that you see.",
            code="owned",
            values={"number": ticket.number, "owner": ticket.owner_name, "version": ticket.version},
        )
    apply(unit, ticket, "taken", owner_id=unit.actor.id, owner_name=unit.actor.name)
    return ticket


async def resolve(
    unit: Unit, ticket_id: str, note: str | None = None, version: int | None = None, *, only_own: bool = False
) -> Ticket:
    """Close it outside of a call. `only_own`: the actor may close only what is theirs, like a call-back they promised.

    Raises NotFound, Forbidden, Conflict when it is resolved already or changed since `version`.
    """
    ticket = await load(unit, ticket_id)
    if only_own and ticket.owner_id != unit.actor.id:
        raise Forbidden(
            f"{ticket.number} is not yours to resolve.",
            "Write a note on it, or ask whoever owns it.",
            code="not_yours",
            values={"number": ticket.number, "owner": ticket.owner_name},
        )
    if version is not None:
        require_version(ticket, version)
    _require_unresolved(ticket)
    if note and note.strip():
        await add_note(unit, ticket.id, note)
    apply(
        unit,
        ticket,
        "resolved",
        status="resolved",
        resolved_at=unit.at,
        first_resolved_at=ticket.first_resolved_at or unit.at,
        owner_id=ticket.owner_id or unit.actor.id,
        owner_name=ticket.owner_name or unit.actor.name,
    )
    return ticket


async def reopen(unit: Unit, ticket_id: str, note: str | None = None, version: int | None = None) -> Ticket:
    """Open a resolved ticket again. Raises NotFound, Conflict when it is not resolved or changed since `version`."""
    ticket = await load(unit, ticket_id)
    if version is not None:
        require_version(ticket, version)
    if ticket.status != "resolved":
        raise Conflict(
            f"{ticket.number} is not resolved.",
            "Go on working on it: it is open.",
            code="not_resolved",
            values={"status": ticket.status, "version": ticket.version},
        )
    if note and note.strip():
        await add_note(unit, ticket.id, note)
    apply(
        unit,
        ticket,
        "reopened",
        status="open",
        resolved_at=None,
        reopened_at=ticket.reopened_at or unit.at,
        reopened_count=ticket.reopened_count + 1,
    )
    return ticket


def _require_unresolved(ticket: Ticket) -> None:
    if ticket.status == "resolved":
        raise Conflict(
            f"{ticket.number} is resolved already.",
            "Open it again if there is more to do.",
            code="already_resolved",
            values={"version": ticket.version},
        )
