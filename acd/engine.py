"""The routing engine: events in, effects out. No I/O, no clock, no chance: the same events give the same effects."""

from collections.abc import Callable, Mapping
from typing import Any

from acd import events
from acd.config import RoutingConfig
from acd.effects import Effect
from acd.events import Event, Tick
from acd.expressions import ExpressionError
from acd.routing import answers, changes, due, shifts, snapshot, views, waiting
from acd.routing.entry import judge
from acd.routing.estimates import UNKNOWN
from acd.routing.figures import position_of, queue_estimate
from acd.routing.settle import settle
from acd.routing.state import State
from acd.views import AgentView, Estimate, InteractionView

_HANDLERS: Mapping[type, Callable[[State, Any], None]] = {
    events.AgentSignedIn: shifts.signed_in,
    events.AgentSignedOut: shifts.signed_out,
    events.AgentReady: shifts.ready,
    events.AgentNotReady: shifts.not_ready,
    events.AgentBusy: shifts.busy,
    events.AgentAdopted: shifts.adopted,
    events.OfferAccepted: answers.accepted,
    events.OfferRefused: answers.refused,
    events.TalkEnded: shifts.talk_ended,
    events.TalkTransferred: shifts.talk_transferred,
    events.ConsultStarted: shifts.consult_started,
    events.ConsultEnded: shifts.consult_ended,
    events.WrapUpExtended: shifts.wrap_up_extended,
    events.WrapUpEnded: shifts.wrap_up_ended,
    events.InteractionQueued: waiting.queued,
    events.InteractionAdopted: waiting.adopted,
    events.InteractionLeft: waiting.left,
    events.InteractionMoved: waiting.moved,
    events.InteractionPrioritised: waiting.prioritised,
    events.TransferredToQueue: waiting.transferred,
    events.CallBackRequested: waiting.call_back_requested,
    events.CallBackAnswered: waiting.call_back_answered,
    events.CallBackFailed: waiting.call_back_failed,
    events.CallBackCancelled: waiting.call_back_cancelled,
}


class Engine:
    """Decides who gets which interaction.

    `seed` breaks ties, always the same way. `first_fence` must be above every fence of an earlier life of the same
    process (epoch milliseconds at start will do).
    """

    def __init__(self, config: RoutingConfig, seed: int = 0, first_fence: int = 1) -> None:
        self._state = State(RoutingConfig(), seed, first_fence)
        changes.load(self._state, config)

    def handle(self, event: Event) -> list[Effect]:
        """Take one event and say what is to be done, in order. Never raises for what an event says.

        Time never runs back: an event older than the newest one seen is taken as happening now.
        """
        state = self._state
        out: list[Effect] = []
        state.out = out
        now = state.now
        if event.at > now:
            now = state.now = event.at
        kind = type(event)
        if state.timers.next <= now:
            self._run_due(now, including=kind is Tick)
        handler = _HANDLERS.get(kind)
        if handler is not None:
            handler(state, event)
        elif isinstance(event, events.ConfigChanged):
            self._reload(event.config)
        if state.loose_agents or state.loose_calls:
            settle(state)
        if state.index.stirred or state.unsure:
            judge(state)
        if state.vacated:
            changes.forget_queues(state)
        return out

    def _run_due(self, now: float, including: bool) -> None:
        state = self._state
        timers = state.timers
        while (first := timers.first()) is not None and (first < now or (including and first == now)):
            due.run(state, *timers.pop())
            settle(state)

    def _reload(self, config: RoutingConfig) -> None:
        try:
            changes.load(self._state, config)
        except ExpressionError as error:
            self._state.ignore("ConfigChanged", "", error.what)

    def next_due(self) -> float | None:
        """The instant (epoch seconds) at which a `Tick` is owed; None while nothing is timed."""
        return self._state.timers.first()

    def snapshot(self) -> dict[str, Any]:
        """The whole state as JSON-able data; `restore` with the same configuration decides on as this engine."""
        return snapshot.take(self._state)

    @classmethod
    def restore(cls, config: RoutingConfig, data: Mapping[str, Any]) -> "Engine":
        """An engine in the state of the snapshot. Raises `core.errors.Invalid` for a snapshot of another form."""
        engine = cls.__new__(cls)
        engine._state = snapshot.put_back(config, data)
        return engine

    def waiting(self, queue_id: str) -> tuple[InteractionView, ...]:
        """Who waits in this queue (held and offered ones included), in order of their place."""
        return views.waiting(self._state, queue_id)

    def waiting_count(self, queue_id: str) -> int:
        """How many wait in this queue; unlike `waiting`, it costs the same however many they are."""
        queue = self._state.queues.get(queue_id)
        return 0 if queue is None else len(queue.line) + len(queue.offered)

    def waiting_since(self, queue_id: str) -> list[float]:
        """Since when (epoch seconds) each of them waits, in order of their place."""
        queue, calls = self._state.queues.get(queue_id), self._state.interactions
        if queue is None:
            return []
        names = [*sorted(queue.offered), *(key[4] for key in queue.line)]
        return [calls[name].waiting_since for name in names]

    def agents(self) -> tuple[AgentView, ...]:
        """All configured agents, by id."""
        agents = self._state.agents
        return tuple(views.of_agent(self._state, agents[name]) for name in sorted(agents))

    def agent(self, agent_id: str) -> AgentView | None:
        """One agent, or None when unknown."""
        agent = self._state.agents.get(agent_id)
        return None if agent is None else views.of_agent(self._state, agent)

    def interaction(self, interaction_id: str) -> InteractionView | None:
        """One interaction in the engine's hands, or None."""
        call = self._state.interactions.get(interaction_id)
        return None if call is None else views.of_interaction(call)

    def interactions(self) -> tuple[InteractionView, ...]:
        """All interactions in the engine's hands, by id."""
        calls = self._state.interactions
        return tuple(views.of_interaction(calls[name]) for name in sorted(calls))

    def position(self, interaction_id: str) -> int | None:
        """The place in its queue's line (1 = next), or None when it does not wait."""
        call = self._state.interactions.get(interaction_id)
        return None if call is None or call.place == "talking" else position_of(call)

    def estimate(self, queue_id: str, position: int | None = None) -> Estimate:
        """The expected wait of someone at `position` (default: someone who came now) in this queue."""
        queue = self._state.queues.get(queue_id)
        return UNKNOWN if queue is None else queue_estimate(self._state, queue, position)
