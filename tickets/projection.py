"""Facts become rows: one a call, one a leg, one a recording. The journal applies them in its own transaction.

Facts may come late and in any order, and of kinds unknown here; each is applied exactly once. What people decided on a
call (customer, ticket, outcome) is never overwritten by a fact.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from acd.legs import Leg, handler, legs_of
from core.clock import Clock, SystemClock
from core.journal import Fact
from tickets import calls, customers
from tickets.days import local_day
from tickets.held import call_row, hold_together, legs_and_facts, zone_of
from tickets.missed_calls import mark_returns
from tickets.model import Figure, Interaction, InteractionLeg, Recording

_CHANNELS = ("voice", "email", "chat", "web", "sms")


async def project(session: AsyncSession, facts: Sequence[Fact]) -> None:
    """Apply facts (a `core.facts.Project`)."""
    await Projection(SystemClock())(session, facts)


class Projection:
    """The projection with its clock, which only decides whether a fact is late for its day's final figure."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def __call__(self, session: AsyncSession, facts: Sequence[Fact]) -> None:
        """Apply facts in order."""
        ours = [fact for fact in facts if fact.kind in _APPLY and fact.interaction_id is not None]
        await hold_together(session, ours)
        for fact in ours:
            await self._apply(session, fact)

    async def _apply(self, session: AsyncSession, fact: Fact) -> None:
        call = await call_row(session, fact.interaction_id or "")
        await _APPLY[fact.kind](session, call, fact)
        if call.day is not None and call.programme_id is not None:
            # However short the programme's window is, a day becomes final only once it is over.
            today = local_day(self._clock.now(), await zone_of(session, call.programme_id))
            if call.day < today:
                await _count_late(session, call)


async def _arrived(session: AsyncSession, call: Interaction, fact: Fact) -> None:
    data = fact.data
    call.arrived_at = fact.at
    call.direction = "outbound" if data.get("direction") == "outbound" else "inbound"
    channel = data.get("channel")
    call.channel = channel if channel in _CHANNELS else "voice"
    call.did = _text(data, "did", 40)
    call.number = _text(data, "number", 40)
    call.programme_id = _text(data, "programme_id", 40) or call.programme_id
    await _set_day(session, call)
    if call.identified_by is None:
        with session.no_autoflush:
            found = await customers.by_number(session, call.number, call.programme_id or "")
        if call.number is None and not data.get("withheld"):
            found = customers.Found("none", ())
        calls.identify(call, found, by="number")
    await mark_returns(session, call)


async def _identified(session: AsyncSession, call: Interaction, fact: Fact) -> None:
    call.language = _text(fact.data, "language", 8) or call.language
    ids = [str(one) for one in fact.data.get("customer_ids") or []]
    if ids and (call.identified_by is None or ids != call.candidates):
        if call.programme_id is None:
            call.programme_id = _text(fact.data, "programme_id", 40)
        found = await customers.by_ids(session, ids, call.number, call.programme_id or "")
        calls.identify(call, found, by="ivr")
        await mark_returns(session, call)


async def _queued(session: AsyncSession, call: Interaction, fact: Fact) -> None:
    since = fact.data.get("since")
    at = float(since) if isinstance(since, int | float) else fact.at
    call.programme_id = call.programme_id or _text(fact.data, "programme_id", 40)
    if call.queued_at is None or at <= call.queued_at:
        # A call with transfers is one call: it belongs to the line it entered first.
        call.queued_at = at
        call.queue_id = _text(fact.data, "queue_id", 40)
        call.path = _text(fact.data, "path", 120) or call.path
    await _set_day(session, call)


async def _legs_changed(session: AsyncSession, call: Interaction, fact: Fact) -> None:
    rows, facts = await legs_and_facts(session, fact, call.id)
    legs = legs_of(facts.values())
    _store_legs(session, call.id, legs, rows)
    call.answered_at = min((leg.answered_at for leg in legs), default=None)
    call.agent_id = handler(legs)
    call.talk = sum(leg.talk for leg in legs)
    call.hold = sum(leg.hold for leg in legs)
    call.wrap_up = sum(leg.wrap_up for leg in legs)
    call.wrap_up_ended_at = legs[-1].wrap_up_ended_at if legs else None
    if call.direction == "outbound":
        await mark_returns(session, call)


def _store_legs(session: AsyncSession, interaction_id: str, legs: list[Leg], rows: dict[int, InteractionLeg]) -> None:
    """A fact can only add a leg or change one: the leg's place may move, but there are never fewer than before."""
    for position, leg in enumerate(legs, 1):
        row = rows.get(position)
        if row is None:
            row = rows[position] = InteractionLeg(interaction_id=interaction_id, position=position)
            session.add(row)
        row.agent_id, row.queue_id = leg.agent_id, leg.queue_id
        row.answered_at, row.left_at = leg.answered_at, leg.left_at
        row.talk, row.hold, row.wrap_up = leg.talk, leg.hold, leg.wrap_up
        row.wrap_up_ended_at = leg.wrap_up_ended_at


async def _ended(session: AsyncSession, call: Interaction, fact: Fact) -> None:
    call.ended_at = fact.at
    call.ended_by = _text(fact.data, "ended_by", 10)
    call.stage = _text(fact.data, "stage", 16)
    cause = fact.data.get("cause")
    call.hang_up_cause = cause if isinstance(cause, int) else None
    call.abandoned = bool(fact.data.get("abandoned"))
    if call.direction == "outbound":
        await mark_returns(session, call)


async def _surveyed(session: AsyncSession, call: Interaction, fact: Fact) -> None:
    resolved = fact.data.get("resolved")
    call.survey_resolved = resolved if isinstance(resolved, bool) else None


async def _recorded(session: AsyncSession, call: Interaction, fact: Fact) -> None:
    recording = await session.get(Recording, call.id)
    if recording is None:
        recording = Recording(interaction_id=call.id)
        session.add(recording)
    data = fact.data
    recording.path = _text(data, "path", 300) or ""
    recording.sha256 = _text(data, "sha256", 64)
    recording.seconds = data.get("seconds")
    recording.bytes = data.get("bytes")
    recording.pauses = list(data.get("pauses") or [])
    recording.problem = data.get("problem")
    recording.closed_at = fact.at


async def _set_day(session: AsyncSession, call: Interaction) -> None:
    at = call.queued_at or call.arrived_at
    if at is not None and call.programme_id is not None:
        call.day = local_day(at, await zone_of(session, call.programme_id))


async def _count_late(session: AsyncSession, call: Interaction) -> None:
    await session.execute(
        update(Figure)
        .where(
            Figure.programme_id == call.programme_id,
            Figure.day == call.day,
            Figure.dimension == "all",
        )
        .values(late=Figure.late + 1)
    )


def _text(data: Mapping[str, Any], name: str, limit: int) -> str | None:
    value = data.get(name)
    return str(value)[:limit] if value else None


_APPLY: Mapping[str, Callable[[AsyncSession, Interaction, Fact], Awaitable[None]]] = {
    "call.arrived": _arrived,
    "call.identified": _identified,
    "queue.entered": _queued,
    "call.answered": _legs_changed,
    "agent.left": _legs_changed,
    "wrap_up.ended": _legs_changed,
    "call.ended": _ended,
    "survey.answered": _surveyed,
    "recording.closed": _recorded,
}
