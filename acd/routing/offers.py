"""Offers: a reservation of one agent for one interaction, with a deadline and a fencing number."""

from acd.effects import Offer, OfferWithdrawn
from acd.routing import agents
from acd.routing.demands import step_out
from acd.routing.state import AgentRecord, InteractionRecord, State
from acd.routing.timers import ANNOUNCE, OFFER, PLAN, RELEASE


def make(state: State, call: InteractionRecord, agent: AgentRecord) -> None:
    """Reserve the agent for the interaction."""
    if call.line_key is not None:
        if call.stood_since is None and call.queue.filled_at < state.now:
            call.stood_since = call.queue.filled_at
        step_out(state, call)
    if call.held_for:
        call.held_for = ""
        state.timers.cancel(RELEASE, call.interaction_id)
    if agent.keys:
        state.unpool(agent)
    if agent.state != "ready" and agent.state != "ringing":
        agent.ready_since = state.now
    interaction_id, agent_id, queue = call.interaction_id, agent.agent_id, call.queue
    state.fence = fence = state.fence + 1
    deadline = state.now + queue.conf.ring_timeout
    call.fence, call.place, call.offered_to, call.deadline = fence, "offered", agent_id, deadline
    queue.offered[interaction_id] = None
    agent.offer, agent.last_offer = call, fence
    state.offers[fence] = call
    state.timers.set(OFFER, interaction_id, deadline)
    state.out.append(Offer(fence, interaction_id, agent_id, deadline))
    agents.show(state, agent)


def close(state: State, call: InteractionRecord) -> AgentRecord:
    """The offer is over, however it ended; its agent is returned with nothing else changed."""
    agent = state.agents[call.offered_to]
    agent.offer = None
    interaction_id = call.interaction_id
    del state.offers[call.fence]
    del call.queue.offered[interaction_id]
    state.timers.due[OFFER].pop(interaction_id, None)
    call.fence = 0
    call.offered_to = ""
    return agent


def withdraw(state: State, call: InteractionRecord, reason: str) -> AgentRecord:
    """Take the offer back without blame; what becomes of the interaction is the caller's part."""
    fence = call.fence
    agent = close(state, call)
    state.out.append(OfferWithdrawn(fence, call.interaction_id, agent.agent_id, reason))
    agents.refresh(state, agent)
    return agent


def hold(state: State, call: InteractionRecord, until: float) -> None:
    """Nobody is offered the interaction before then; it keeps its place."""
    call.place = "held"
    call.retry_at = until
    state.timers.set(RELEASE, call.interaction_id, until)


def doubled(state: State, times: int) -> float:
    """The pause after so many further failures in a row, in seconds."""
    rules = state.config.refusals
    return float(min(rules.failed_pause * 2 ** min(times, 20), rules.failed_pause_max))


def stop_waiting_timers(state: State, call: InteractionRecord) -> None:
    """The interaction waits no more."""
    # Written out: it is on the way of every call.
    interaction_id, due = call.interaction_id, state.timers.due
    due[RELEASE].pop(interaction_id, None)
    due[PLAN].pop(interaction_id, None)
    due[ANNOUNCE].pop(interaction_id, None)
