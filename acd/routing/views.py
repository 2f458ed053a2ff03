"""Frozen copies of the engine's records."""

from acd.effects import AgentStateName
from acd.routing import agents
from acd.routing.state import AgentRecord, InteractionRecord, State
from acd.views import AgentView, InteractionView, WorkView


def of_agent(state: State, agent: AgentRecord) -> AgentView:
    """What an agent does, and what it has asked for next."""
    next_state: AgentStateName | None = None
    next_reason = ""
    if agent.work:
        if agent.leaving:
            next_state, next_reason = "signed_out", agent.leaving_reason
        elif not agent.wants_ready:
            next_state, next_reason = "not_ready", agent.reason
    left = 0
    for work in agent.work.values():
        if work.phase == "wrap_up" and work.until is not None:
            left = max(left, agents.wrap_up_rule(state, work.queue_id).max_extensions - work.extensions)
    return AgentView(
        agent.agent_id,
        agent.state,
        agent.shown_reason,
        agent.since,
        agent.until,
        next_state,
        next_reason,
        tuple(
            WorkView(
                name,
                work.queue_id,
                work.channel,
                "interrupted" if work.resting else work.phase,
                work.since,
                work.until,
            )
            for name, work in agent.work.items()
        ),
        None if agent.offer is None else agent.offer.fence,
        left,
    )


def of_interaction(call: InteractionRecord) -> InteractionView:
    """Where an interaction is."""
    return InteractionView(
        call.interaction_id,
        call.queue.conf.queue_id,
        call.place,
        call.waiting_since,
        call.level,
        call.channel,
        call.direction,
        (call.offered_to,) if call.offered_to else call.agents,
        call.fence or None,
        tuple(number for number in range(call.mask.bit_length()) if call.mask >> number & 1),
        call.number,
        call.attributes,
    )


def waiting(state: State, queue_id: str) -> tuple[InteractionView, ...]:
    """Who waits in this queue: those being offered first, then the line."""
    queue = state.queues.get(queue_id)
    if queue is None:
        return ()
    names = [*sorted(queue.offered), *(key[4] for key in queue.line)]
    return tuple(of_interaction(state.interactions[name]) for name in names)
