"""Events about interactions that wait or are over: entry, supervisor's moves, leaving, call-backs."""

from acd.effects import (
    CallBackGivenUp,
    CallBackScheduled,
    Dequeued,
    InteractionEnded,
    Overflowed,
    PriorityChanged,
    RequirementIgnored,
)
from acd.events import (
    CallBackAnswered,
    CallBackCancelled,
    CallBackFailed,
    CallBackRequested,
    InteractionAdopted,
    InteractionLeft,
    InteractionMoved,
    InteractionPrioritised,
    InteractionQueued,
    TransferredToQueue,
)
from acd.expressions import ExpressionError, parse_requirement
from acd.routing import agents, entry, offers
from acd.routing.demands import step_out, weigh
from acd.routing.state import FRONT, NORMAL, RETURNED, InteractionRecord, State

_IN_LINE = ("waiting", "held", "offered")


def adopted(state: State, event: InteractionAdopted) -> None:
    """An interaction was found waiting after a restart."""
    queued(state, event, limits=False)


def queued(state: State, event: InteractionQueued | InteractionAdopted, limits: bool = True) -> None:
    """An interaction comes."""
    interaction_id = event.interaction_id
    if interaction_id in state.interactions:
        state.ignore(type(event).__name__, interaction_id, "it is known already")
        return
    closed = state.closed.get(interaction_id)
    if closed is not None and event.at <= closed:
        state.ignore(type(event).__name__, interaction_id, "it has left since")
        return
    since = event.at if event.waiting_since is None else event.waiting_since
    queue = state.queues.get(event.queue_id)
    if queue is None or queue.retired:
        queue = state.queues.get(state.config.fallback_queue)
    if queue is None:
        state.out.append(Overflowed(interaction_id, event.queue_id, "announcement", "unavailable", "unknown_queue"))
        state.out.append(Dequeued(interaction_id, event.queue_id, since, "overflow"))
        return
    call = InteractionRecord(interaction_id, queue, min(since, state.now), state.draw(interaction_id))
    call.channel, call.direction, call.node = event.channel, event.direction, event.node
    call.priority, call.attributes = event.priority, event.attributes
    call.preferred, call.preferred_wait = event.preferred_agent_id, event.preferred_wait
    if event.require:
        set_requirement(state, call, event.require)
    state.interactions[interaction_id] = call
    entry.enter(state, call, queue, limits)


def set_requirement(state: State, call: InteractionRecord, require: str) -> None:
    """The interaction's own expression; one that cannot be read is told and left out."""
    call.require = require
    if require:
        try:
            parse_requirement(require)
        except ExpressionError as error:
            call.require = ""
            state.out.append(RequirementIgnored(call.interaction_id, require, error.what))


def find(state: State, event: object, interaction_id: str, *places: str) -> InteractionRecord | None:
    """The interaction if it is in one of these places; else the event is ignored."""
    call = state.interactions.get(interaction_id)
    if call is None:
        state.ignore(type(event).__name__, interaction_id, "unknown interaction")
    elif call.place not in places:
        state.ignore(type(event).__name__, interaction_id, f"it is {call.place}")
        return None
    return call


def left(state: State, event: InteractionLeft) -> None:
    """The interaction is over or gone elsewhere."""
    call = find(state, event, event.interaction_id, *_IN_LINE, "talking")
    if call is None:
        return
    if call.number and event.reason == "hung_up" and (call.place != "talking" or call.dialling):
        state.ignore("InteractionLeft", event.interaction_id, "a call-back keeps its place without its caller")
        return
    queue_id = call.queue.conf.queue_id
    if call.place == "talking":
        for agent_id in call.agents:
            agents.end_work(state, state.agents[agent_id], call, wrap_up=True)
        state.out.append(InteractionEnded(call.interaction_id, queue_id))
    else:
        if call.fence:
            offers.withdraw(state, call, "left")
        entry.leave_line(state, call)
        state.out.append(Dequeued(call.interaction_id, queue_id, call.waiting_since, event.reason))
    state.close(call)


def moved(state: State, event: InteractionMoved) -> None:
    """A supervisor sends it to another queue. Who was put before all others is so there too."""
    queue = state.queues.get(event.queue_id)
    if queue is None or queue.retired:
        state.ignore("InteractionMoved", event.interaction_id, f"unknown queue {event.queue_id!r}")
        return
    call = find(state, event, event.interaction_id, *_IN_LINE)
    if call is not None:
        entry.leave_line(state, call)
        call.plan_since = state.now
        if call.rank != FRONT:
            call.rank = NORMAL
        entry.enter(state, call, queue, limits=False)


def prioritised(state: State, event: InteractionPrioritised) -> None:
    """A supervisor gives it another priority or the first place."""
    call = find(state, event, event.interaction_id, *_IN_LINE)
    if call is None:
        return
    if event.priority is not None:
        call.priority = event.priority
        weigh(state, call)
        state.out.append(PriorityChanged(call.interaction_id, call.level, "supervisor"))
    if event.to_front:
        state.fronts += 1
        call.rank, call.front = FRONT, state.fronts
        state.out.append(PriorityChanged(call.interaction_id, call.level, "front"))
    restand(state, call)


def restand(state: State, call: InteractionRecord) -> None:
    """What its place depends on has changed: take it anew."""
    if call.line_key is not None:
        step_out(state, call)
        state.loose_calls[call.interaction_id] = call


def transferred(state: State, event: TransferredToQueue) -> None:
    """From a talk back into a line."""
    call = find(state, event, event.interaction_id, "talking")
    if call is None:
        return
    queue = state.queues.get(event.queue_id)
    if queue is None or queue.retired or event.agent_id not in call.agents:
        state.ignore("TransferredToQueue", event.interaction_id, "unknown queue, or not this agent's")
        return
    for agent_id in call.agents:
        wrap_up = event.wrap_up if agent_id == event.agent_id else False
        agents.end_work(state, state.agents[agent_id], call, wrap_up)
    since = event.waiting_since
    call.waiting_since = call.place_since = state.now if since is None else min(since, state.now)
    call.plan_since = call.waiting_since
    call.rank = RETURNED if event.to_head else NORMAL
    call.preferred, call.number, call.attempt, call.dialling = "", "", 0, False
    if event.priority is not None:
        call.priority = event.priority
    if event.require is not None:
        set_requirement(state, call, event.require)
    entry.enter(state, call, queue, limits=False)


def call_back_requested(state: State, event: CallBackRequested) -> None:
    """The caller keeps the place and hangs up."""
    call = find(state, event, event.interaction_id, "waiting", "held")
    if call is None:
        return
    if call.number:
        state.ignore("CallBackRequested", event.interaction_id, "it is a call-back already")
        return
    call.number, call.attempt = event.number, event.attempts
    if event.attempts:
        entry.leave_line(state, call)
        _dial_later(state, call, "failed")
        return
    state.out.append(CallBackScheduled(call.interaction_id, 1, state.now))
    restand(state, call)


def call_back_answered(state: State, event: CallBackAnswered) -> None:
    """The customer is on the line."""
    call = _dialled(state, event, event.interaction_id, event.attempt)
    if call is not None:
        call.dialling = False


def call_back_failed(state: State, event: CallBackFailed) -> None:
    """The customer was not reached: again later, behind those who wait by then; or given up."""
    call = _dialled(state, event, event.interaction_id, event.attempt)
    if call is None:
        return
    not_reached(state, call, event.reason)


def not_reached(state: State, call: InteractionRecord, reason: str) -> None:
    """An attempt has come to nothing: its agents are free, and it rests or is given up."""
    for agent_id in call.agents:
        agents.end_work(state, state.agents[agent_id], call, wrap_up=False)
    call.dialling = False
    _dial_later(state, call, reason)


def _dial_later(state: State, call: InteractionRecord, reason: str) -> None:
    rule = call.queue.conf.call_back
    if call.attempt >= rule.max_attempts:
        _give_up(state, call, reason)
        return
    call.place_since = state.now + rule.retry_after
    call.rank = NORMAL
    entry.rest(state, call)
    state.out.append(CallBackScheduled(call.interaction_id, call.attempt + 1, call.place_since))
    state.loose_calls[call.interaction_id] = call


def call_back_cancelled(state: State, event: CallBackCancelled) -> None:
    """The customer wants no call any more."""
    call = find(state, event, event.interaction_id, *_IN_LINE)
    if call is None:
        return
    if not call.number:
        state.ignore("CallBackCancelled", event.interaction_id, "it is not a call-back")
        return
    if call.fence:
        offers.withdraw(state, call, "call_back_cancelled")
    entry.leave_line(state, call)
    _give_up(state, call, event.reason)


def _dialled(
    state: State, event: CallBackAnswered | CallBackFailed, interaction_id: str, attempt: int
) -> InteractionRecord | None:
    call = find(state, event, interaction_id, "talking")
    if call is None:
        return None
    if not call.dialling or call.attempt != attempt:
        state.ignore(type(event).__name__, interaction_id, f"attempt {attempt} is not being dialled")
        return None
    return call


def _give_up(state: State, call: InteractionRecord, reason: str) -> None:
    state.out.append(CallBackGivenUp(call.interaction_id, call.number, call.attempt, reason))
    state.out.append(Dequeued(call.interaction_id, call.queue.conf.queue_id, call.waiting_since, "call_back_given_up"))
    state.close(call)
