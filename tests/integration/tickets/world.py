"""A small operation for tests: two programmes, three agents, a few topics; calls told as facts, moved by hand."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from acd.model import Agent, Programme, Queue, Team
from acd.ports import CallFacts
from core.bus import LocalBus
from core.clock import ManualClock, from_iso
from core.db import Database
from core.facts import FactRow
from core.journal import Fact
from tickets import calls, customers
from tickets.model import Interaction, RecallCause, Topic
from tickets.outcome import Outcome, save
from tickets.projection import Projection
from tickets.stories import TicketStories
from tickets.unit import Actor, Tickets

GIULIA = Actor("a-giulia", "Giulia Conti")
MARCO = Actor("a-marco", "Marco De Santis")
BRUNO = Actor("u-bruno", "Bruno Sartori")
NOON = from_iso("2026-11-23T11:00:00Z")
HOUR, DAY = 3600.0, 86_400.0


@dataclass(slots=True)
class World:
    """Everything a test needs to tell a story."""

    database: Database
    bus: LocalBus = field(default_factory=LocalBus)
    clock: ManualClock = field(default_factory=lambda: ManualClock(NOON))
    count: int = 0

    @property
    def tickets(self) -> Tickets:
        """The room's front door."""
        return Tickets(self.database, self.bus, self.clock)

    @property
    def stories(self) -> TicketStories:
        """What the dispatcher asks."""
        return TicketStories(self.tickets)

    async def furnish(self) -> None:
        """Programmes, queue, agents, topics, causes."""
        async with self.database.session() as session:
            session.add_all([Programme(id="p-aura", name="Aura Mobile"), Programme(id="p-volt", name="Volt")])
            session.add(Team(id="tm-a", name="Team A"))
            await session.flush()
            session.add(Queue(id="q-port", programme_id="p-aura", name="Portability"))
            for place, (who, team) in enumerate(((GIULIA, "tm-a"), (MARCO, "tm-a")), 2001):
                session.add(
                    Agent(id=who.id, name=who.name, team_id=team, extension=str(place), phone_secret="not used here")
                )
            for topic, it, en, front in (
                ("portability", "Portabilità", "Portability", True),
                ("bill", "Conto", "Bill", True),
                ("fraud", "Frode", "Fraud", False),
            ):
                session.add(Topic(id=topic, programme_id="p-aura", name_it=it, name_en=en, front_line=front))
            session.add(RecallCause(id="not-solved", name_it="Non risolto", name_en="Not solved"))

    async def customer(self, name: str, number: str | None = None, *, shared: bool | None = None) -> str:
        """A new customer of Aura, with a number."""
        async with self.tickets.unit(GIULIA) as unit:
            made = await customers.create(unit, name=name, programme_id="p-aura")
            if number is not None:
                await customers.attach_number(unit, made.id, number, shared=shared)
        return made.id

    def facts(self, number: str | None, at: float, **fields: Any) -> CallFacts:
        """What the channel of a new call says."""
        self.count += 1
        plain = CallFacts(
            interaction_id=f"call-{self.count:04}",
            arrived=at,
            did="+390116180100",
            number=number,
            programme_id="p-aura",
            queue_id="q-port",
            skills="",
            priority=0,
            queued_at=at + 30,
            customer_ids=(),
            language="it",
            preferred_agent_id=None,
            path="2 > 1",
        )
        return replace(plain, **fields)

    async def tell(self, *facts: Fact) -> None:
        """Store and project facts, as the journal does."""
        projection = Projection(self.clock)
        async with self.database.session() as session:
            for fact in facts:
                session.add(
                    FactRow(
                        id=fact.id,
                        at=fact.at,
                        kind=fact.kind,
                        interaction_id=fact.interaction_id,
                        agent_id=fact.agent_id,
                        data=dict(fact.data),
                    )
                )
                await projection(session, [fact])

    async def call(
        self,
        number: str | None,
        at: float,
        *,
        agent: Actor | None = GIULIA,
        outcome: str | None = "resolved",
        topic: str = "portability",
        talk: float = 200.0,
        link: str | None = None,
        choose: str | None = None,
        **fields: Any,
    ) -> str:
        """A whole call: answered by `agent` (None: nobody), its ticket closed with `outcome` in wrap-up."""
        facts = self.facts(number, at, **fields)
        await self.tell(*call_facts(facts, agent.id if agent else None, talk=talk))
        if agent is not None and facts.direction == "inbound":
            answered = facts.queued_at + 10
            self.clock = ManualClock(answered)
            ticket_id = await self.stories.open_ticket(facts, agent.id, answered)
            self.clock.advance(talk + 5)
            async with self.tickets.unit(agent) as unit:
                if choose is not None:
                    await calls.choose_customer(unit, facts.interaction_id, choose)
                if link is not None:
                    ticket_id = (await calls.link_ticket(unit, facts.interaction_id, link)).id
                if outcome is not None:
                    due = unit.at + DAY if outcome != "resolved" else None
                    decided = Outcome(outcome, topic, cause_id="not-solved", due=due)  # type: ignore[arg-type]
                    await save(unit, ticket_id, facts.interaction_id, decided)
        return facts.interaction_id

    async def row(self, interaction_id: str) -> Interaction:
        """The call's row."""
        async with self.database.reading() as session:
            return await session.get_one(Interaction, interaction_id)


def call_facts(facts: CallFacts, agent_id: str | None, *, talk: float = 200.0, wrap_up: float = 20.0) -> list[Fact]:
    """The facts of a whole call in their order; without an agent the caller gives up after 10 s in the queue."""
    answered = facts.queued_at + 10
    left = answered + talk
    call_id = facts.interaction_id

    def fact(kind: str, at: float, agent: str | None = None, **data: Any) -> Fact:
        return Fact(at, kind, call_id, agent, data)

    told = [
        fact("call.arrived", facts.arrived, **_arrival(facts)),
        fact(
            "queue.entered",
            facts.queued_at,
            queue_id=facts.queue_id,
            programme_id=facts.programme_id,
            since=facts.queued_at,
            path=facts.path,
        ),
    ]
    if facts.customer_ids:
        told.append(fact("call.identified", facts.arrived + 1, customer_ids=list(facts.customer_ids)))
    if agent_id is None:
        return [*told, fact("call.ended", answered, ended_by="caller", stage="hold", cause=16, abandoned=True)]
    return [
        *told,
        fact("call.answered", answered, agent_id, fence=1, queue_id=facts.queue_id, waited=10),
        fact("agent.left", left, agent_id, talk=talk, hold=0.0),
        fact("call.ended", left, ended_by="caller", stage="talk", cause=16, abandoned=False),
        fact("wrap_up.ended", left + wrap_up, agent_id, seconds=wrap_up, how="saved"),
    ]


def _arrival(facts: CallFacts) -> Mapping[str, Any]:
    return {
        "did": facts.did,
        "number": facts.number,
        "withheld": facts.number is None,
        "channel": "voice",
        "direction": facts.direction,
        "programme_id": facts.programme_id,
    }
