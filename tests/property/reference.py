"""A second router, slow and obviously right, written from the rules and not from the engine.

It keeps plain lists and looks at everybody each time. It knows one channel, plans that widen with the waiting time,
preferences, all strategies, reserves, directions, priority, offers with their end, refusals, wrap-up, supervisor's
moves and changes of skills: what decides who gets whom.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from acd.config import Agent, Blend, Strategy
from tests.property.expressions import Said

SECONDS_PER_PRIORITY, MAX_PRIORITY = 30.0, 20
RING, WRAP_UP, REJECT_PAUSE = 15.0, 20.0, 10.0
RONA_LIMIT, REJECT_LIMIT = 3, 3
IDLE, PROFICIENCY, FLEXIBILITY, OCCUPANCY = 1.0, 4.0, 8.0, 30.0


@dataclass
class Rules:
    """A queue: who may serve it at once, who else after `wider_after` seconds, whom of them it likes better."""

    first: Said
    wider: Said
    wider_after: float
    strategy: Strategy = Strategy.LONGEST_IDLE
    prefer: tuple[Said, ...] = ()
    reserve: int = 0


@dataclass
class Person:
    agent: Agent
    state: str = "signed_out"
    ready_since: float = 0.0
    until: float | None = None
    wants: str = ""
    call: "Call | None" = None
    last_offer: int = 0
    idle: float = 0.0
    busy: float = 0.0
    counted: float = 0.0
    unanswered: int = 0
    rejected: int = 0


@dataclass
class Call:
    name: str
    queue: str
    since: float
    plan_since: float
    priority: int
    outbound: bool = False
    rank: tuple[int, float] = (2, 0.0)
    place: str = "waiting"
    person: Person | None = None
    fence: int = 0
    deadline: float = 0.0
    wider: bool = False


@dataclass
class Reference:
    """Tell it what happens; `log` collects (fence, interaction, agent) of each offer.

    Where the rules leave two choices equal, the engine draws; `drawn` are its decisions, followed only then.
    """

    queues: dict[str, Rules]
    people: dict[str, Person]
    now: float = 0.0
    fence: int = 0
    fronts: int = 0
    calls: dict[str, Call] = field(default_factory=dict)
    log: list[tuple[int, str, str]] = field(default_factory=list)
    drawn: dict[int, tuple[str, str]] = field(default_factory=dict)

    # --- who gets whom -----------------------------------------------------------------------------------------

    def order(self, call: Call) -> tuple[int, float]:
        level = max(-MAX_PRIORITY, min(MAX_PRIORITY, call.priority))
        if call.rank[0] == 0:
            return call.rank
        # Who is back counts as of the highest priority.
        return (2, call.since - (MAX_PRIORITY if call.rank[0] == 1 else level) * SECONDS_PER_PRIORITY)

    def step(self, call: Call, person: Person) -> int | None:
        if person.agent.blend is (Blend.INBOUND if call.outbound else Blend.OUTBOUND):
            return None
        rules = self.queues[call.queue]
        if rules.first.means(person.agent):
            return 0
        return 1 if call.wider and rules.wider.means(person.agent) else None

    def choice(self, call: Call, person: Person) -> tuple[float, ...]:
        rules, since = self.queues[call.queue], person.ready_since
        step = self.step(call, person)
        assert step is not None
        asked = rules.wider if step else rules.first
        missing = sum(not said.means(person.agent) for said in rules.prefer)
        level = asked.level(person.agent)
        serves = sum(q.first.means(person.agent) or q.wider.means(person.agent) for q in self.queues.values())
        occupied = person.busy / (person.busy + person.idle) if person.busy else 0.0
        figures: dict[Strategy, Callable[[], float]] = {
            Strategy.LONGEST_IDLE: lambda: since,
            Strategy.MOST_IDLE: lambda: -(person.idle + self.now - person.counted),
            Strategy.LEAST_OCCUPIED: lambda: occupied,
            Strategy.ROUND_ROBIN: lambda: person.last_offer,
            Strategy.MOST_PROFICIENT: lambda: -level,
            Strategy.LEAST_FLEXIBLE: lambda: serves,
            Strategy.WEIGHTED: lambda: (
                IDLE * since + OCCUPANCY * occupied + (FLEXIBILITY * serves - PROFICIENCY * level)
            ),
        }
        return (step, missing, figures[rules.strategy](), since, person.last_offer)

    def pairs(self) -> list[tuple[Call, Person]]:
        """Who could be given to whom now: beyond reserves, and inbound first for those who serve so."""
        ready = [person for person in self.people.values() if person.state == "ready"]
        found: list[tuple[Call, Person]] = []
        for call in self.calls.values():
            able = [person for person in ready if call.place == "waiting" and self.step(call, person) is not None]
            if len(able) > self.queues[call.queue].reserve:
                found += [(call, person) for person in able]
        bound = [person for call, person in found if not call.outbound and person.agent.blend is Blend.INBOUND_FIRST]
        return [(call, person) for call, person in found if not (call.outbound and person in bound)]

    def settle(self) -> None:
        """Connect the next agent with the next caller while a caller waits and an agent who can serve is there."""
        while True:
            pairs = [(self.order(call), self.choice(call, person), call, person) for call, person in self.pairs()]
            if not pairs:
                return
            first = min(order for order, *_ in pairs)
            equal = []
            for call in {id(pair[2]): pair[2] for pair in pairs if pair[0] == first}.values():
                best = min(choice for _, choice, one, _ in pairs if one is call)
                equal += [(call, person) for _, choice, one, person in pairs if one is call and choice == best]
            drawn = self.drawn.get(self.fence + 1)
            self.offer(*next((c for c in equal if (c[0].name, c[1].agent.agent_id) == drawn), equal[0]))

    def offer(self, call: Call, person: Person) -> None:
        self.fence += 1
        call.place, call.person, call.fence, call.deadline = "offered", person, self.fence, self.now + RING
        since = person.ready_since
        self.enter(person, "ringing")
        person.ready_since = since
        person.call, person.last_offer = call, self.fence
        self.log.append((self.fence, call.name, person.agent.agent_id))

    # --- agents ------------------------------------------------------------------------------------------------

    def enter(self, person: Person, state: str, until: float | None = None) -> None:
        if person.state == "ready":
            person.idle += self.now - person.counted
        elif person.state in ("ringing", "talking", "wrap_up"):
            person.busy += self.now - person.counted
        person.counted = self.now
        person.state, person.until = state, until
        if state == "ready":
            person.ready_since = self.now

    def sign_in(self, name: str) -> None:
        person = self.people[name]
        if person.state == "signed_out":
            person.counted, person.idle, person.busy = self.now, 0.0, 0.0
            person.unanswered = person.rejected = 0
            person.wants = ""
            self.enter(person, "ready")

    def ready(self, name: str) -> None:
        person = self.people[name]
        person.wants = ""
        if person.state in ("not_ready", "pause"):
            self.enter(person, "ready")

    def not_ready(self, name: str) -> None:
        person = self.people[name]
        if person.state == "signed_out":
            return
        person.wants = "not_ready"
        if person.state == "ringing":
            self.withdraw(person)
        if person.state in ("ready", "pause"):
            self.enter(person, "not_ready")

    def change(self, agent: Agent) -> None:
        """The agent is another: an offer stands only if it could still be made."""
        person = self.people[agent.agent_id]
        person.agent = agent
        if person.state == "ringing" and person.call is not None and self.step(person.call, person) is None:
            self.withdraw(person)

    def withdraw(self, person: Person) -> None:
        call = person.call
        assert call is not None
        since = person.ready_since
        self.enter(person, "ready")
        person.ready_since, person.call = since, None
        self.back(call)

    def back(self, call: Call) -> None:
        call.place, call.person = "waiting", None
        if call.rank[0] == 2:
            call.rank = (1, 0.0)
        if not call.wider and self.now >= call.plan_since + self.queues[call.queue].wider_after:
            call.wider = True

    # --- interactions ------------------------------------------------------------------------------------------

    def queue(self, name: str, queue: str, priority: int, outbound: bool) -> None:
        if name not in self.calls:
            wider = self.queues[queue].wider_after <= 0
            self.calls[name] = Call(name, queue, self.now, self.now, priority, outbound, wider=wider)

    def leave(self, name: str) -> None:
        call = self.calls.pop(name, None)
        if call is None:
            return
        if call.place == "offered" and call.person is not None:
            person, since = call.person, call.person.ready_since
            self.enter(person, "ready")
            person.ready_since, person.call = since, None
        elif call.place == "talking" and call.person is not None:
            self.enter(call.person, "wrap_up", self.now + WRAP_UP)
            call.person.call = None

    def accept(self, fence: int) -> None:
        for call in self.calls.values():
            if call.place == "offered" and call.fence == fence and call.person is not None:
                call.place = "talking"
                call.person.unanswered = call.person.rejected = 0
                self.enter(call.person, "talking")

    def refuse(self, fence: int, reason: str) -> None:
        for call in self.calls.values():
            if call.place == "offered" and call.fence == fence and call.person is not None:
                self.refused(call, call.person, reason)
                return

    def refused(self, call: Call, person: Person, reason: str) -> None:
        person.call = None
        self.back(call)
        if reason == "no_answer":
            person.unanswered += 1
            person.wants = "not_ready"
            self.enter(person, "signed_out" if person.unanswered >= RONA_LIMIT else "not_ready")
        else:
            person.rejected += 1
            if person.rejected >= REJECT_LIMIT:
                person.wants = "not_ready"
                self.enter(person, "not_ready")
            else:
                self.enter(person, "pause", self.now + REJECT_PAUSE)

    def end(self, name: str) -> None:
        if name in self.calls and self.calls[name].place == "talking":
            self.leave(name)

    def wrapped(self, name: str) -> None:
        person = self.people[name]
        if person.state == "wrap_up":
            self.enter(person, person.wants or "ready")

    def front(self, name: str) -> None:
        call = self.calls.get(name)
        if call is not None and call.place in ("waiting", "offered"):
            self.fronts += 1
            call.rank = (0, -float(self.fronts))

    def move(self, name: str, queue: str) -> None:
        call = self.calls.get(name)
        if call is None or call.place not in ("waiting", "offered"):
            return
        if call.person is not None:
            person, since = call.person, call.person.ready_since
            self.enter(person, "ready")
            person.ready_since, person.call = since, None
            call.person = None
        call.place, call.queue, call.plan_since = "waiting", queue, self.now
        if call.rank[0] != 0:
            call.rank = (2, 0.0)
        call.wider = self.queues[queue].wider_after <= 0

    # --- time --------------------------------------------------------------------------------------------------

    def due(self) -> list[tuple[float, int, str, Callable[[], None]]]:
        """Everything that falls due, in the order in which it does."""
        found: list[tuple[float, int, str, Callable[[], None]]] = []
        for call in self.calls.values():
            if call.place == "offered" and call.person is not None:
                found.append((call.deadline, 0, call.name, lambda c=call: self.refused(c, c.person, "no_answer")))
            if call.place == "waiting" and not call.wider:
                at = call.plan_since + self.queues[call.queue].wider_after
                found.append((at, 4, call.name, lambda c=call: setattr(c, "wider", True)))
        for person in self.people.values():
            if person.until is not None:
                rank = 1 if person.state == "pause" else 2
                found.append((person.until, rank, person.agent.agent_id, lambda p=person: self.over(p)))
        return sorted(found, key=lambda item: item[:3])

    def over(self, person: Person) -> None:
        self.enter(person, (person.wants or "ready") if person.state == "wrap_up" else "ready")

    def until(self, at: float) -> None:
        """Let time pass up to (and with) this instant."""
        while (due := self.due()) and due[0][0] <= at:
            self.now = due[0][0]
            due[0][3]()
            self.settle()
        self.now = at
