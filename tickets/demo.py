"""Fills an empty installation with the demo company's customers and three weeks of their calls. All of it is invented.

Calls and tickets are written as rows, not as facts: they are a past that no call of ours has had.
"""

import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from core.clock import Clock, SystemClock
from core.db import Base, Database
from core.facts import FactRow
from core.journal import Fact
from tickets import people
from tickets.customers import folded
from tickets.days import local_day
from tickets.demo_data import (
    CAUSES,
    COMPANIES,
    FIRST_NAMES,
    LAST_NAMES,
    NOTES,
    PEOPLE,
    PROMISES,
    TOPICS,
)
from tickets.model import (
    Counter,
    Customer,
    CustomerNumber,
    Interaction,
    InteractionLeg,
    Promise,
    RecallCause,
    Ticket,
    TicketEvent,
    TicketNote,
    Topic,
)
from tickets.numbering import FIRST, SERIES

_DAYS, _CALLS_A_DAY, _DAY = 21, 90, 86_400.0
_CROWD = 600
"""Customers beside the ones with a story: without them everybody would call again within three days."""
_QUEUES = {"p-mobile": ("q-care", "q-port", "q-tech"), "p-energy": ("q-bills",)}
_AGENTS = (
    ("a-2001", "Giulia Bassi"),
    ("a-2002", "Luca Ferrante"),
    ("a-2003", "Sara Colombo"),
    ("a-2101", "Marta Galli"),
    ("a-2102", "Diego Rinaldi"),
    ("a-2103", "Irene Vitali"),
    ("a-2104", "Paolo Serra"),
)
SWITCHBOARD = "+390115550190"
"""A company's switchboard: it identifies nobody."""
FAMILY = "+393475550099"
"""A number that two customers have: the agent chooses."""


@dataclass(slots=True)
class _Past:
    """What is being made up; `draw` is seeded, so that every demo is the same company."""

    now: float
    draw: random.Random = field(default_factory=lambda: random.Random(2026))
    rows: list[Base] = field(default_factory=list)
    tickets: int = FIRST


async def seed(database: Database, clock: Clock | None = None) -> None:
    """Fill an installation without customers; one that has some is left as it is."""
    async with database.session() as session:
        if await session.scalar(select(Customer.id).limit(1)) is not None:
            return
        await _write(session, _catalogue())
        customers = _customers()
        await _write(session, customers)
        await _write(session, _numbers(customers))
        past = _Past((clock or SystemClock()).now())
        await _calls(session, past, customers)
        # Each kind after those it refers to: ticket before note, promise and leg.
        for kind in (Ticket, Interaction, InteractionLeg, TicketNote, Promise, TicketEvent):
            await _write(session, [row for row in past.rows if isinstance(row, kind)])
        await _write(session, await _facts_of_today(session, past))
        session.add(Counter(name=SERIES, value=past.tickets))


async def _write(session: AsyncSession, rows: list[Base]) -> None:
    session.add_all(rows)
    await session.flush()


def _catalogue() -> list[Base]:
    topics = [
        Topic(
            id=key, parent_id=parent, programme_id=programme, name_it=it, name_en=en, front_line=front, position=place
        )
        for place, (key, parent, programme, it, en, front) in enumerate(TOPICS)
    ]
    causes = [RecallCause(id=key, name_it=it, name_en=en, position=at) for at, (key, it, en) in enumerate(CAUSES)]
    return [*topics, *causes]


def _customers() -> list[Base]:
    private = [(name, city, "consumer", language) for name, city, language in PEOPLE]
    business = [(name, city, segment, "it") for name, city, segment in COMPANIES]
    names = [f"{first} {last}" for first in FIRST_NAMES for last in LAST_NAMES][:_CROWD]
    crowd = [(name, PEOPLE[place % len(PEOPLE)][1], "consumer", "it") for place, name in enumerate(names)]
    return [
        Customer(
            id=f"c-demo-{place:02}",
            programme_id="p-energy" if place % 3 == 0 else "p-mobile",
            code=f"{'VE' if place % 3 == 0 else 'PM'}-{204_188 + 37 * place}",
            name=name,
            name_folded=folded(name),
            segment=segment,
            city=city,
            language=language,
            since=f"{2012 + place % 13}-{1 + place % 12:02}-{1 + place % 27:02}",
            notes="Preferisce essere chiamato la mattina." if place % 11 == 0 else "",
            flags=["vip"] if place % 17 == 0 else [],
            created_at=1_700_000_000.0,
        )
        for place, (name, city, segment, language) in enumerate(private + business + crowd, 1)
    ]


def _numbers(customers: list[Base]) -> list[Base]:
    rows: list[Base] = []
    for place, customer in enumerate(customers, 1):
        if isinstance(customer, Customer):
            rows.append(CustomerNumber(number=_number(place), customer_id=customer.id))
    rows += [CustomerNumber(number=FAMILY, customer_id=f"c-demo-{place:02}") for place in (1, 5)]
    rows += [CustomerNumber(number=SWITCHBOARD, customer_id=f"c-demo-{place}", shared=True) for place in (50, 52)]
    return rows


def _number(place: int) -> str:
    return f"+39347555{100 + place:04}"


async def _calls(session: AsyncSession, past: _Past, customers: list[Base]) -> None:
    callers = [customer for customer in customers if isinstance(customer, Customer)]
    zone = people.zone((await people.programme(session, "p-mobile")).time_zone)
    serial = 0
    crowd = itertools.cycle(past.draw.sample(callers[-_CROWD:], _CROWD))
    for first in _arrivals(past):
        # One call in eight is of a customer with a story.
        customer = past.draw.choice(callers[:-_CROWD]) if past.draw.random() < 0.12 else next(crowd)
        topic = past.draw.choice([row[0] for row in TOPICS if row[2] == customer.programme_id and row[1]])
        for at in _attempts(past, first):
            serial += 1
            call = _call(past, f"demo-{serial:05}", customer, topic, at)
            call.day = local_day(at, zone)
            if past.draw.random() > (0.11 if call.agent_id else 0.55):
                break
    _explain_recalls(past)


async def _facts_of_today(session: AsyncSession, past: _Past) -> list[Base]:
    """The facts of today's calls, from which the floor counts: it must say the same as the report of the day."""
    today = local_day(past.now, people.zone((await people.programme(session, "p-mobile")).time_zone))
    calls = [row for row in past.rows if isinstance(row, Interaction) and row.day == today]
    facts = sorted((fact for call in calls for fact in _facts(call)), key=lambda fact: fact.at)
    return [
        FactRow(
            id=fact.id,
            at=fact.at,
            kind=fact.kind,
            interaction_id=fact.interaction_id,
            agent_id=fact.agent_id,
            data=dict(fact.data),
        )
        for fact in facts
    ]


def _facts(call: Interaction) -> Iterator[Fact]:
    def fact(kind: str, at: float | None, agent_id: str | None = None, **data: object) -> Fact:
        return Fact(at or 0.0, kind, call.id, agent_id, data)

    about = {"programme_id": call.programme_id, "direction": "inbound"}
    yield fact("call.arrived", call.arrived_at, number=call.number, withheld=False, channel="voice", **about)
    yield fact("queue.entered", call.queued_at, queue_id=call.queue_id, since=call.queued_at, path="", **about)
    if call.agent_id is not None:
        yield fact("call.answered", call.answered_at, call.agent_id, queue_id=call.queue_id)
        yield fact("agent.left", call.ended_at, call.agent_id, talk=call.talk, hold=call.hold)
    yield fact("call.ended", call.ended_at, ended_by="caller", stage=call.stage, abandoned=call.abandoned)
    if call.agent_id is not None:
        yield fact("wrap_up.ended", call.wrap_up_ended_at, call.agent_id, seconds=call.wrap_up, how="saved")


def _explain_recalls(past: _Past) -> None:
    """Whoever answered a recall has chosen its cause."""
    calls = sorted((row for row in past.rows if isinstance(row, Interaction)), key=lambda row: row.arrived_at or 0.0)
    last: dict[str | None, float] = {}
    for call in calls:
        if call.agent_id and (call.arrived_at or 0.0) - last.get(call.subject, 0.0) < 3 * _DAY:
            call.recall_cause_id = past.draw.choices([row[0] for row in CAUSES], (30, 25, 12, 14, 9, 4, 3, 3))[0]
        if call.agent_id:
            last[call.subject] = call.ended_at or 0.0


def _attempts(past: _Past, first: float) -> Iterator[float]:
    """When this customer calls, and would call again about the same thing."""
    at = first
    for _ in range(3):
        if at > past.now - 900:
            return
        yield at
        at += past.draw.uniform(0.02, 2.8) * _DAY


def _arrivals(past: _Past) -> Iterator[float]:
    start = past.now - _DAYS * _DAY
    for _ in range(_DAYS * _CALLS_A_DAY):
        at = start + past.draw.random() * _DAYS * _DAY
        moment = datetime.fromtimestamp(at, people.zone("Europe/Rome"))
        if 8 <= moment.hour < 20 and past.draw.random() < (1.0 if moment.weekday() < 5 else 0.4):
            yield at


def _call(past: _Past, call_id: str, customer: Customer, topic: str, at: float) -> Interaction:
    draw, programme = past.draw, customer.programme_id or "p-mobile"
    number = _number(int(customer.id.rpartition("-")[2]))
    queued, abandoned = at + draw.uniform(20, 45), draw.random() < 0.05
    waited = draw.expovariate(1 / 25) if abandoned else min(90.0, draw.expovariate(1 / 11))
    call = Interaction(
        id=call_id,
        number=number,
        programme_id=programme,
        queue_id=draw.choice(_QUEUES[programme]),
        language=customer.language,
        identification="one",
        identified_by="number",
        candidates=[customer.id],
        customer_id=customer.id,
        subject=customer.id,
        arrived_at=at,
        queued_at=queued,
        ended_at=queued + waited,
        ended_by="caller",
        stage="hold",
        abandoned=abandoned,
        talk=0.0,
        hold=0.0,
        wrap_up=0.0,
    )
    past.rows.append(call)
    if not abandoned:
        _handle(past, call, topic, queued + waited)
    return call


def _handle(past: _Past, call: Interaction, topic: str, answered: float) -> None:
    draw = past.draw
    agent_id, agent = draw.choice(_AGENTS)
    talk, wrap_up = draw.gammavariate(3, 95), draw.uniform(12, 55)
    left = answered + talk
    call.answered_at, call.agent_id, call.stage = answered, agent_id, "talk"
    call.talk, call.wrap_up, call.ended_at, call.wrap_up_ended_at = talk, wrap_up, left, left + wrap_up
    call.topic_id = topic
    call.outcome = draw.choices(("resolved", "hand_over", "call_back"), (78, 15, 7))[0]
    past.rows.append(
        InteractionLeg(
            interaction_id=call.id,
            position=1,
            agent_id=agent_id,
            queue_id=call.queue_id,
            answered_at=answered,
            left_at=left,
            talk=talk,
            wrap_up=wrap_up,
            wrap_up_ended_at=left + wrap_up,
        )
    )
    _ticket(past, call, agent_id, agent)


def _ticket(past: _Past, call: Interaction, agent_id: str, agent: str) -> None:
    draw, done = past.draw, (call.wrap_up_ended_at or 0.0) - 2.0
    past.tickets += 1
    ticket = Ticket(
        id=f"t-demo-{past.tickets}",
        number=f"T-{past.tickets}",
        programme_id=call.programme_id or "",
        customer_id=call.customer_id,
        title=next(row[3] for row in TOPICS if row[0] == call.topic_id),
        topic_id=call.topic_id,
        priority=draw.choices(("low", "normal", "high", "urgent"), (10, 70, 17, 3))[0],
        status="resolved",
        owner_id=agent_id,
        owner_name=agent,
        opened_by=call.id,
        origin_key=call.id,
        opened_at=call.answered_at or 0.0,
        changed_at=done,
        first_resolved_at=done,
        resolved_at=done,
    )
    call.ticket_id = ticket.id
    past.rows.append(ticket)
    _write_on(past, ticket, call, agent_id, agent, done)
    if call.outcome == "hand_over":
        _hand_over(past, ticket, done)
    elif call.outcome == "call_back":
        _call_back(past, ticket, call, done)


def _write_on(past: _Past, ticket: Ticket, call: Interaction, agent_id: str, agent: str, at: float) -> None:
    text = past.draw.choice(NOTES[call.outcome or "resolved"])
    note_id = f"n-demo-{past.tickets}"
    past.rows.append(
        TicketNote(
            id=note_id, ticket_id=ticket.id, interaction_id=call.id, by_id=agent_id, by_name=agent, at=at, text=text
        )
    )
    past.rows.append(
        TicketEvent(
            at=ticket.opened_at,
            ticket_id=ticket.id,
            customer_id=ticket.customer_id,
            interaction_id=call.id,
            by_id=agent_id,
            by_name=agent,
            kind="opened",
            before={},
            after={"number": ticket.number, "status": "open"},
            system=False,
        )
    )


def _hand_over(past: _Past, ticket: Ticket, at: float) -> None:
    ticket.back_office_at, ticket.due = at, at + _DAY
    finished = at + past.draw.expovariate(1 / (1.1 * _DAY))
    if finished < past.now - 3600:
        ticket.first_resolved_at = ticket.resolved_at = ticket.changed_at = finished
        return
    ticket.status, ticket.first_resolved_at, ticket.resolved_at = "pending_back_office", None, None
    ticket.owner_id = ticket.owner_name = None


def _call_back(past: _Past, ticket: Ticket, call: Interaction, at: float) -> None:
    due = at + past.draw.uniform(0.2, 1.6) * _DAY
    status = "open" if due > past.now else "kept" if past.draw.random() < 0.8 else "broken"
    ticket.due = due
    ticket.first_resolved_at = ticket.resolved_at = due if status == "kept" else None
    ticket.status = "resolved" if status == "kept" else "pending_call_back"
    if status != "kept" and past.tickets % 2:
        # So that whoever sits at the first desk has something to do.
        ticket.owner_id, ticket.owner_name = _AGENTS[0]
    past.rows.append(
        Promise(
            id=f"pr-demo-{past.tickets}",
            ticket_id=ticket.id,
            customer_id=ticket.customer_id,
            text=past.draw.choice(PROMISES),
            due=due,
            made_at=at,
            made_by_id=ticket.owner_id or "",
            made_by_name=ticket.owner_name or "",
            made_in=call.id,
            owner_id=ticket.owner_id,
            owner_name=ticket.owner_name,
            status=status,
            settled_at=None if status == "open" else due,
        )
    )
