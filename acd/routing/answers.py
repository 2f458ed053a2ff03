"""What becomes of an offer: accepted, refused, out of time; and what a refusal costs whom."""

from acd.effects import CallBackDue, OfferEnded, OfferWithdrawn, Requeued
from acd.events import OfferAccepted, OfferRefused
from acd.routing import agents, entry
from acd.routing.offers import close, doubled, hold, stop_waiting_timers, withdraw
from acd.routing.state import RETURNED, AgentRecord, InteractionRecord, State


def accepted(state: State, event: OfferAccepted) -> None:
    """Agent and interaction are together."""
    fence = event.fence
    call = state.offers.get(fence)
    if call is None:
        state.ignore("OfferAccepted", str(fence), "stale fence")
        return
    agent = close(state, call)
    agent.ronas = agent.rejections = agent.failures = 0
    call.place = "talking"
    call.failures = 0
    if call.stood_since is not None:
        flow = call.queue.flow
        flow.served(state.now, call.stood_since)
        flow.waited_for(state.now - call.plan_since, left=False)
        call.stood_since = None
    if call.queue.unserved:
        entry.settled(state, call)
    call.agents = (agent.agent_id,)
    stop_waiting_timers(state, call)
    agents.start_work(state, agent, call.interaction_id, call.channel, call.queue.conf.queue_id, "talking")
    state.out.append(OfferEnded(fence, call.interaction_id, agent.agent_id, "accepted"))
    agents.refresh(state, agent)
    if call.number:
        call.attempt += 1
        call.dialling = True
        state.out.append(CallBackDue(call.interaction_id, agent.agent_id, call.number, call.attempt))


def refused(state: State, event: OfferRefused) -> None:
    """The agent's side said no: the interaction goes back to the head of the line."""
    fence = event.fence
    call = state.offers.get(fence)
    if call is None:
        state.ignore("OfferRefused", str(fence), "stale fence")
        return
    agent = close(state, call)
    state.out.append(OfferEnded(fence, call.interaction_id, agent.agent_id, event.reason))
    penalise(state, agent, event.reason)
    requeue(state, call, event.reason)


def expire(state: State, call: InteractionRecord) -> None:
    """Nobody answered until the deadline."""
    fence = call.fence
    agent = close(state, call)
    state.out.append(OfferWithdrawn(fence, call.interaction_id, agent.agent_id, "deadline"))
    penalise(state, agent, "no_answer")
    requeue(state, call, "no_answer")


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
    if entry.stays(state, call) and entry.advance(state, call):
        state.loose_calls[call.interaction_id] = call


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
