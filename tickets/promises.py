"""Promises: made in a call, kept or broken, and broken by the clock when nobody has kept them in time."""

from collections.abc import Mapping

from sqlalchemy import select

from core.errors import Conflict, Invalid, NotFound
from core.ids import new_id
from tickets import history, work
from tickets.model import Promise, Ticket
from tickets.unit import Unit


async def make(
    unit: Unit,
    ticket_id: str,
    text: str,
    due: float,
    interaction_id: str | None = None,
    *,
    by_outcome: bool = False,
) -> Promise:
    """Promise something to the ticket's customer, due at `due` (epoch seconds). Raises NotFound, Conflict, Invalid.

    `by_outcome`: it is the call-back that the outcome of the call consists of, and follows that outcome.
    """
    ticket = await work.load(unit, ticket_id)
    if not text.strip():
        raise Invalid("A promise needs words.", "Write what the customer was told.", code="promise_empty")
    if due <= unit.at:
        raise Invalid("A promise cannot be due in the past.", "Choose a later time.", code="due_past")
    promise = Promise(
        id=f"pr-{new_id()}",
        ticket_id=ticket.id,
        customer_id=ticket.customer_id,
        text=text.strip(),
        due=due,
        made_at=unit.at,
        made_by_id=unit.actor.id,
        made_by_name=unit.actor.name,
        made_in=interaction_id,
        owner_id=unit.actor.id,
        owner_name=unit.actor.name,
        status="open",
        by_outcome=by_outcome,
    )
    unit.session.add(promise)
    work.apply(unit, ticket, "promise_made", interaction_id=interaction_id)
    return promise


async def change(unit: Unit, promise: Promise, text: str, due: float) -> None:
    """Say an open promise otherwise: what is promised, and by when (epoch seconds)."""
    before, after = {"promise": promise.text, "due": promise.due}, {"promise": text, "due": due}
    if before == after:
        return
    promise.text, promise.due = text, due
    await _tell(unit, promise, "promise_changed", before, after)


async def withdraw(unit: Unit, promise: Promise) -> None:
    """An open promise that turned out to be none goes; the history keeps what it was."""
    await _tell(unit, promise, "promise_withdrawn", {"promise": promise.text, "due": promise.due}, {})
    await unit.session.delete(promise)


async def settle(unit: Unit, promise_id: str, status: str) -> Promise:
    """Say that a promise was kept or broken. Saying the same twice changes nothing; a kept one stays kept.

    A promise that the clock has marked broken can still be done, but late: it stays broken, because the figure is
    "done by the due time". Raises NotFound, Invalid, Conflict.
    """
    if status not in ("kept", "broken"):
        raise Invalid(f"A promise cannot become {status!r}.", "Send kept or broken.", code="promise_status")
    promise = await unit.session.get(Promise, promise_id, with_for_update=True)
    if promise is None:
        raise NotFound(f"The promise {promise_id!r} does not exist.", "Load the ticket again.")
    if promise.status == status:
        return promise
    if promise.status != "open":
        raise Conflict(
            f"The promise is {promise.status} already.",
            "Make a new promise if there is something new to do.",
            code="promise_settled",
            values={"status": promise.status},
        )
    if status == "kept" and unit.at > promise.due:
        status = "broken"
    await _settle(unit, promise, status)
    return promise


async def break_overdue(unit: Unit, limit: int = 500) -> int:
    """Mark open promises past their due time as broken; returns how many. To be called by the clock."""
    query = (
        select(Promise)
        .where(Promise.status == "open", Promise.due < unit.at)
        .order_by(Promise.due)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    overdue = list(await unit.session.scalars(query))
    for promise in overdue:
        await _settle(unit, promise, "broken")
    return len(overdue)


async def _settle(unit: Unit, promise: Promise, status: str) -> None:
    promise.status, promise.settled_at = status, unit.at
    after = {"status": status, "promise": promise.text, "due": promise.due}
    await _tell(unit, promise, f"promise_{status}", {"status": "open"}, after)


async def _tell(
    unit: Unit, promise: Promise, kind: str, before: Mapping[str, object], after: Mapping[str, object]
) -> None:
    history.record(unit, kind, ticket_id=promise.ticket_id, customer_id=promise.customer_id, before=before, after=after)
    ticket = await unit.session.get_one(Ticket, promise.ticket_id)
    unit.say(kind, ticket_id=ticket.id, customer_id=promise.customer_id, version=ticket.version)
