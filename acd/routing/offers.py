"""Offers: a reservation of one agent for one interaction, with a deadline and a fencing number."""

from acd.effects import CallBackDue, Offer, OfferEnded, OfferWithdrawn, Requeued
from acd.routing import agents
from acd.routing.demands import step_out
from acd.routing.state import RETURNED, AgentRecord, InteractionRecord, State
from acd.routing.timers import ANNOUNCE, OFFER, PLAN, RELEASE


def make(state: State, call: InteractionRecord, agent: AgentRecord) -> None:
    """Reserve the agent for the interaction."""
    if call.line_key is not None:
        if call.queue.filled_at < state.now:
            call.queue.flow.served(state.now, call.queue.filled_at)
        step_out(state, call)
    if call.held_for:
        call.held_for = ""
        state.timers.cancel((RELEASE, call.interaction_id, ""))
    if agent.keys:
        state.unpool(agent)
    if agent.state != "ready" and agent.state != "ringing":
        agent.ready_since = state.now
    state.fence += 1
    call.fence = state.fence
    call.place = "offered"
    call.offered_to = agent.agent_id
    call.deadline = state.now + call.queue.conf.ring_timeout
    call.queue.offered[call.interaction_id] = None
    agent.offer = call
    agent.offers += 1
    agent.last_offer = state.fence
    state.offers[state.fence] = call
    state.timers.set((OFFER, call.interaction_id, ""), call.deadline)
    state.out.append(Offer(state.fence, call.interaction_id, agent.agent_id, call.deadline))
    agents.show(state, agent)


def close(state: State, call: InteractionRecord) -> AgentRecord:
    """The offer is over, however it ended; its agent is returned with nothing else changed."""
    agent = state.agents[call.offered_to]
    agent.offer = None
    del state.offers[call.fence]
    del call.queue.offered[call.interaction_id]
    state.timers.cancel((OFFER, call.interaction_id, ""))
    call.fence = 0
    call.offered_to = ""
    return agent


def accept(state: State, call: InteractionRecord) -> None:
    """Agent and interaction are together."""
    fence = call.fence
    agent = close(state, call)
    agent.ronas = agent.rejections = agent.failures = 0
    call.place = "talking"
    call.failures = 0
    call.agents[agent.agent_id] = None
    stop_waiting_timers(state, call)
    agents.start_work(state, agent, call.interaction_id, call.channel, call.queue.conf.queue_id, "talking")
    state.out.append(OfferEnded(fence, call.interaction_id, agent.agent_id, "accepted"))
    agents.refresh(state, agent)
    if call.number:
        call.attempt += 1
        call.dialling = True
        state.out.append(CallBackDue(call.interaction_id, agent.agent_id, call.number, call.attempt))


def refuse(state: State, call: InteractionRecord, reason: str) -> None:
    """The agent's side said no: the interaction goes back to the head of the line."""
    fence = call.fence
    agent = close(state, call)
    state.out.append(OfferEnded(fence, call.interaction_id, agent.agent_id, reason))
    penalise(state, agent, reason)
    requeue(state, call, reason)


def expire(state: State, call: InteractionRecord) -> None:
    """Nobody answered until the deadline."""
    fence = call.fence
    agent = close(state, call)
    state.out.append(OfferWithdrawn(fence, call.interaction_id, agent.agent_id, "deadline"))
    penalise(state, agent, "no_answer")
    requeue(state, call, "no_answer")


def withdraw(state: State, call: InteractionRecord, reason: str) -> AgentRecord:
    """Take the offer back without blame; what becomes of the interaction is the caller's part."""
    fence = call.fence
    agent = close(state, call)
    state.out.append(OfferWithdrawn(fence, call.interaction_id, agent.agent_id, reason))
    agents.refresh(state, agent)
    return agent


def withdraw_from(state: State, agent: AgentRecord, reason: str) -> None:
    """The agent can no longer take the offer it has, if any: its interaction goes back to the head of the line."""
    call = agent.offer
    if call is not None:
        withdraw(state, call, reason)
        requeue(state, call, reason)


def requeue(state: State, call: InteractionRecord, reason: str) -> None:
    """Back to the head of the line with the original waiting time."""
    call.rank = min(call.rank, RETURNED)
    call.place = "waiting"
    call.preferred_wait = 0.0
    rules = state.config.refusals
    if reason == "failed":
        call.failures += 1
        if call.failures >= rules.failed_limit:
            hold(state, call, state.now + doubled(state, call.failures - rules.failed_limit))
    state.out.append(Requeued(call.interaction_id, call.queue.conf.queue_id, call.waiting_since, reason))
    state.loose_calls[call.interaction_id] = call


def hold(state: State, call: InteractionRecord, until: float) -> None:
    """Nobody is offered the interaction before then; it keeps its place."""
    call.place = "held"
    call.retry_at = until
    state.timers.set((RELEASE, call.interaction_id, ""), until)


def doubled(state: State, times: int) -> float:
    """The pause after so many further failures in a row, in seconds."""
    rules = state.config.refusals
    return float(min(rules.failed_pause * 2 ** min(times, 20), rules.failed_pause_max))


def penalise(state: State, agent: AgentRecord, reason: str) -> None:
    """What an offer that came to nothing costs the agent (see `acd.config.Refusals`)."""
    rules = state.config.refusals
    if reason == "no_answer":
        agent.ronas += 1
        if agent.ronas >= rules.rona_limit:
            agents.sign_out(state, agent, "rona")
        else:
            agents.set_not_ready(state, agent, "rona")
    elif reason == "unreachable":
        agents.set_not_ready(state, agent, "phone_lost")
    elif reason == "rejected":
        agent.rejections += 1
        if agent.rejections >= rules.reject_limit:
            agents.set_not_ready(state, agent, "rejected")
        else:
            pause(state, agent, rules.reject_pause, "rejected")
    elif reason == "busy":
        pause(state, agent, rules.busy_pause, "phone_busy")
    else:
        agent.failures += 1
        pause(state, agent, doubled(state, agent.failures - 1), "retry")


def pause(state: State, agent: AgentRecord, seconds: float, reason: str) -> None:
    """Keep the agent from offers for so long; an offer must never be repeated at once."""
    agents.set_pause(state, agent, state.now + max(seconds, 0.1), reason)
    agents.refresh(state, agent)


def stop_waiting_timers(state: State, call: InteractionRecord) -> None:
    """The interaction waits no more."""
    cancel = state.timers.cancel
    for kind in (RELEASE, PLAN, ANNOUNCE):
        cancel((kind, call.interaction_id, ""))
