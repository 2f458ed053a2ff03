"""Figures about a queue and one who waits in it: position, expected wait, and the conditions over them."""

from datetime import datetime

from acd.effects import Announce
from acd.expressions import Node, holds
from acd.routing.demands import demand_of
from acd.routing.estimates import AT_ONCE
from acd.routing.hours import local
from acd.routing.index import Demand
from acd.routing.queues import QueueRecord
from acd.routing.state import InteractionRecord, State
from acd.views import Estimate


def position_of(call: InteractionRecord) -> int:
    """1 = next. Who is being offered is next already."""
    return call.queue.position(call.line_key) if call.line_key is not None else 1


def estimate_for(state: State, queue: QueueRecord, position: int, demand: Demand | None) -> Estimate:
    """The wait of someone at this position, whose demand (if known) tells how many agents could serve it."""
    if demand is not None and not queue.line and demand.ready() > demand.reserve:
        return AT_ONCE
    agents = demand.signed_in() if demand is not None and not queue.flow.samples else 0
    # A line that is empty does not stand still, however long nobody has come.
    filled_at = queue.filled_at if queue.line else state.now
    return queue.flow.expect(position, state.now, filled_at, agents)


def queue_estimate(state: State, queue: QueueRecord, position: int | None) -> Estimate:
    """The wait of someone at this position, or of someone who came now."""
    someone = InteractionRecord("", queue, state.now, 0)
    someone.mask = queue.plan.first
    return estimate_for(state, queue, position or len(queue.line) + 1, demand_of(state, someone))


def announcement(state: State, call: InteractionRecord, prompt: str = "") -> Announce:
    """What the waiting caller is told."""
    position = position_of(call)
    wait = estimate_for(state, call.queue, position, demand_of(state, call))
    return Announce(call.interaction_id, position, wait.expected_wait, wait.low, wait.high, wait.confidence, prompt)


def condition_holds(state: State, call: InteractionRecord, condition: Node) -> bool:
    """Whether a plan step's condition holds for this interaction now."""
    return holds(condition, lambda name: _figure(state, call, name))


def _figure(state: State, call: InteractionRecord, name: str) -> float | str | None:
    match name:
        case "waited":
            return state.now - call.waiting_since
        case "waiting":
            return len(call.queue.line) + (call.line_key is None)
        case "position":
            return position_of(call)
        case "priority":
            return call.level
        case "hour":
            return _local_time(state, call).hour
        case "weekday":
            return _local_time(state, call).isoweekday()
        case "ready":
            return demand_of(state, call).ready()
        case "signed_in":
            return demand_of(state, call).signed_in()
        case "expected_wait":
            return estimate_for(state, call.queue, position_of(call), demand_of(state, call)).expected_wait
        case "programme":
            return call.queue.conf.programme_id
        case _:
            return call.attributes.get(name)


def _local_time(state: State, call: InteractionRecord) -> datetime:
    """The wall clock of the programme whose queue it waits in."""
    programme = state.config.programmes.get(call.queue.conf.programme_id)
    zone = programme.zone if programme is not None else None
    return local(state.now, zone or state.config.zone)
