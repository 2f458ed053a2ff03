"""One run: the routing engine fed with a simulated day, event by event."""

from collections.abc import Callable
from heapq import heapify, heappop, heappush
from math import inf
from typing import Any, Protocol

from acd.effects import AgentStateChanged, CallBackDue, Effect, Offer, OfferWithdrawn, Overflowed
from acd.engine import Engine
from acd.events import (
    AgentNotReady,
    AgentReady,
    AgentSignedIn,
    AgentSignedOut,
    CallBackAnswered,
    CallBackFailed,
    CallBackRequested,
    Event,
    InteractionLeft,
    InteractionQueued,
    OfferAccepted,
    TalkEnded,
    Tick,
    WrapUpEnded,
)
from acd.simulator.agents import Agents
from acd.simulator.calls import (
    AGAIN,
    PICK_UP,
    RESOLUTION,
    RONA,
    TALK,
    WHEN,
    WHICH,
    WRAP_UP,
    Call,
    first_calls,
    next_call,
)
from acd.simulator.distributions import PerLevel
from acd.simulator.setup import CallAgain, Setup, Topic

_STUCK = 10_000
"""So many ticks at one instant mean a router that asks for time that never passes."""
_GOLDEN = 0.6180339887498949
"""Adding it (modulo 1) makes further draws out of one, evenly spread."""

Action = Callable[[float, Any], None]


class Router(Protocol):
    """What decides: `acd.engine.Engine`, or a model of another system with the same words."""

    def handle(self, event: Event) -> list[Effect]:
        """Take one event and say what is to be done."""

    def next_due(self) -> float | None:
        """The instant at which a `Tick` is owed."""


class Simulation:
    """A day of `setup` under one seed.

    After `run`: `calls` are all who entered a queue, `beyond` those who will call again after the end of the day,
    `agents` how the agents spent their time, `events` how many events the router has handled.
    """

    def __init__(self, setup: Setup, seed: int, router: Router | None = None) -> None:
        self.setup = setup
        self.seed = seed
        self.calls: list[Call] = []
        self.beyond: list[Call] = []
        self.agents = Agents(setup)
        self.events = 0
        self._router: Router = router or Engine(setup.config, seed)
        self._by_id: dict[str, Call] = {}
        self._heap: list[tuple[float, int, Action, Any]] = []
        self._number = 0
        self._end = setup.epoch + setup.end
        self._break_length: dict[str, float] = {}
        self._doing: dict[type, Action] = {
            Offer: self._on_offer,
            OfferWithdrawn: self._on_withdrawn,
            AgentStateChanged: self._on_state,
            Overflowed: self._on_overflowed,
            CallBackDue: self._on_call_back_due,
        }

    def run(self) -> None:
        """Run to the end of the day and of what it left."""
        self._plan()
        heap, router = self._heap, self._router
        now, ticks, stop = self.setup.epoch, 0, self._end + self.setup.drain
        while True:
            due, first = router.next_due(), heap[0][0] if heap else inf
            if due is not None and due <= first:
                if due > stop:
                    break
                ticks = ticks + 1 if due <= now else 0
                if ticks > _STUCK:
                    raise RuntimeError(f"The router asks for a tick at {due} again and again.")
                now = max(due, now)
                self._tell(now, Tick(now))
            elif first > stop:
                break
            else:
                now, _, action, subject = heappop(heap)
                action(now, subject)
        self.agents.close(now)

    def _plan(self) -> None:
        setup, heap = self.setup, self._heap
        self.calls = first_calls(setup, self.seed)
        for duty in setup.duties:
            heap.append((setup.epoch + duty.start, self._next(), self._sign_in, duty.agent_id))
            heap.append((setup.epoch + duty.end, self._next(), self._sign_out, duty.agent_id))
            for start, length in duty.breaks:
                heap.append((setup.epoch + start, self._next(), self._break, (duty.agent_id, length)))
        heap += [(call.queued, self._next(), self._arrive, call) for call in self.calls]
        heapify(heap)

    def _next(self) -> int:
        self._number += 1
        return self._number

    def _at(self, at: float, action: Action, subject: Any) -> None:
        self._number += 1
        heappush(self._heap, (at, self._number, action, subject))

    def _tell(self, at: float, event: Event) -> None:
        self.events += 1
        doing = self._doing
        for effect in self._router.handle(event):
            act = doing.get(type(effect))
            if act is not None:
                act(at, effect)

    # What happens in the world.

    def _sign_in(self, at: float, agent_id: str) -> None:
        self._tell(at, AgentSignedIn(at, agent_id, ready=True))

    def _sign_out(self, at: float, agent_id: str) -> None:
        self._tell(at, AgentSignedOut(at, agent_id, "shift"))

    def _break(self, at: float, who: tuple[str, float]) -> None:
        agent_id, self._break_length[agent_id] = who
        self._tell(at, AgentNotReady(at, agent_id, "break"))

    def _back(self, at: float, agent_id: str) -> None:
        if self.agents.seats[agent_id].state == "not_ready":
            self._tell(at, AgentReady(at, agent_id))

    def _arrive(self, at: float, call: Call) -> None:
        topic = call.topic
        self._by_id[call.id] = call
        if call.patience < 1e15:
            self._at(at + call.patience, self._give_up, call)
        event = InteractionQueued(
            at,
            call.id,
            call.queue_id,
            priority=topic.priority,
            require=topic.require,
            attributes=topic.attributes,
        )
        self._tell(at, event)

    def _give_up(self, at: float, call: Call) -> None:
        if call.outcome != "open" or call.call_back:
            return
        call.outcome = "abandoned"
        call.ended = at
        call.fence = 0
        self._tell(at, InteractionLeft(at, call.id))
        self._again(at, call, call.topic.redial)

    def _answer(self, at: float, taken: tuple[Call, int, str]) -> None:
        call, fence, agent_id = taken
        if call.fence != fence:
            return
        call.fence = 0
        self._talk(at, call, agent_id)
        self._tell(at, OfferAccepted(at, fence))

    def _talk(self, at: float, call: Call, agent_id: str) -> None:
        topic = call.topic
        if call.talk < 0:
            call.talk = self._factor(topic, topic.talk_factor, agent_id) * topic.talk.quantile(call.draws[TALK])
        unresolved = min((1.0 - topic.resolved) * self._factor(topic, topic.unresolved_factor, agent_id), 1.0)
        call.resolved = call.draws[RESOLUTION] >= unresolved
        call.outcome = "called_back" if call.call_back else "answered"
        call.answered = at
        call.agent_id = agent_id
        self.agents.seats[agent_id].queues.add(call.queue_id)
        self._at(at + call.talk, self._hang_up, call)

    def _factor(self, topic: Topic, by_level: PerLevel | None, agent_id: str) -> float:
        """What this agent's level in the topic's skill makes of a figure."""
        if by_level is None:
            return 1.0
        return by_level.factor(self.setup.config.agents[agent_id].skills.get(topic.level_skill, 0))

    def _hang_up(self, at: float, call: Call) -> None:
        call.ended = at
        if call.wrap_up < 0:
            factor = self._factor(call.topic, call.topic.wrap_up_factor, call.agent_id)
            call.wrap_up = factor * call.topic.wrap_up.quantile(call.draws[WRAP_UP])
        self._tell(at, TalkEnded(at, call.id, call.agent_id, wrap_up=call.wrap_up > 0))
        if self.agents.seats[call.agent_id].wrapping != call.id:
            call.wrap_up = 0.0
        if not call.resolved:
            self._again(at, call, call.topic.recall)

    def _wrapped_up(self, at: float, call: Call) -> None:
        if self.agents.seats[call.agent_id].wrapping == call.id:
            self._tell(at, WrapUpEnded(at, call.agent_id, call.id))

    def _again(self, at: float, call: Call, rule: CallAgain) -> None:
        if call.nth >= rule.most or call.draws[AGAIN] >= rule.share:
            return
        again = next_call(call, at + rule.after.quantile(call.draws[WHEN]), self._topic_again(call, rule), self.seed)
        if again.queued >= self._end:
            self.beyond.append(again)
        else:
            self.calls.append(again)
            self._at(again.queued, self._arrive, again)

    def _topic_again(self, call: Call, rule: CallAgain) -> Topic:
        others = [topic for topic in self.setup.topics.values() if topic is not call.topic]
        draw = call.draws[WHICH]
        if draw < rule.same_topic or not others:
            return call.topic
        return others[int((draw - rule.same_topic) / (1.0 - rule.same_topic) * len(others))]

    # What the router wants done.

    def _on_offer(self, at: float, offer: Offer) -> None:
        call = self._by_id[offer.interaction_id]
        behaviour = self.setup.behaviour
        call.fence = offer.fence
        turn = call.offers * _GOLDEN
        call.offers += 1
        if behaviour.rona and (call.draws[RONA] + turn) % 1.0 < behaviour.rona:
            return
        delay = behaviour.connection.mean + behaviour.pick_up.quantile((call.draws[PICK_UP] + turn) % 1.0)
        self._at(at + delay, self._answer, (call, offer.fence, offer.agent_id))

    def _on_withdrawn(self, at: float, withdrawn: OfferWithdrawn) -> None:
        self._by_id[withdrawn.interaction_id].fence = 0

    def _on_state(self, at: float, change: AgentStateChanged) -> None:
        seat = self.agents.seats[change.agent_id]
        before, since = seat.state, seat.since
        self.agents.changed(change.agent_id, change.state, change.since)
        if before == "wrap_up" and change.interaction_id != seat.wrapping:
            self._by_id[seat.wrapping].wrap_up = change.since - since
            seat.wrapping = ""
        if change.state == "wrap_up":
            if seat.wrapping != change.interaction_id:
                seat.wrapping = change.interaction_id
                call = self._by_id[change.interaction_id]
                self._at(change.since + call.wrap_up, self._wrapped_up, call)
        elif change.state == "not_ready" and change.until is None:
            self._pause(at, change)

    def _pause(self, at: float, change: AgentStateChanged) -> None:
        if change.reason == "break":
            self._at(at + self._break_length[change.agent_id], self._back, change.agent_id)
        elif change.reason == "rona":
            self._at(at + self.setup.behaviour.rona_back.mean, self._back, change.agent_id)

    def _on_overflowed(self, at: float, overflow: Overflowed) -> None:
        call = self._by_id[overflow.interaction_id]
        if overflow.kind in ("queue", "programme"):
            return
        if overflow.kind != "call_back":
            call.outcome = "diverted"
            call.ended = at
        elif not call.call_back and (call.draws[RONA] + _GOLDEN / 2) % 1.0 < self.setup.behaviour.call_back:
            call.call_back = True
            self._at(at, self._accept_call_back, call)

    def _accept_call_back(self, at: float, call: Call) -> None:
        if call.outcome == "open":
            self._tell(at, CallBackRequested(at, call.id, f"+39{call.customer:010d}"))

    def _on_call_back_due(self, at: float, due: CallBackDue) -> None:
        call = self._by_id[due.interaction_id]
        reached = (call.draws[RONA] + due.attempt * _GOLDEN) % 1.0 < self.setup.behaviour.call_back_answered
        delay = self.setup.behaviour.pick_up.mean
        self._at(at + delay, self._called_back, (call, due.attempt, due.agent_id, reached))

    def _called_back(self, at: float, dialled: tuple[Call, int, str, bool]) -> None:
        call, attempt, agent_id, reached = dialled
        if not reached:
            self._tell(at, CallBackFailed(at, call.id, attempt))
            return
        self._talk(at, call, agent_id)
        self._tell(at, CallBackAnswered(at, call.id, attempt))
