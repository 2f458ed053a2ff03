"""Events about agents: presence, talk, consultation, wrap-up, adoption after a restart."""

from acd.config import WrapUpMode
from acd.effects import InteractionEnded
from acd.events import (
    AgentAdopted,
    AgentBusy,
    AgentNotReady,
    AgentReady,
    AgentSignedIn,
    AgentSignedOut,
    ConsultEnded,
    ConsultStarted,
    TalkEnded,
    TalkTransferred,
    WrapUpEnded,
    WrapUpExtended,
)
from acd.routing import agents, answers, entry, waiting
from acd.routing.state import AgentRecord, InteractionRecord, State, Work, put_load
from acd.routing.timers import WRAP_UP

_FIXED = WrapUpMode.FIXED


def find(state: State, event: object, agent_id: str, signed_in: bool = True) -> AgentRecord | None:
    """The agent; the event is ignored for one who is unknown or not signed in."""
    agent = state.agents.get(agent_id)
    if agent is None:
        state.ignore(type(event).__name__, agent_id, "unknown agent")
    elif signed_in and not agent.signed_in:
        state.ignore(type(event).__name__, agent_id, "not signed in")
        return None
    return agent


def signed_in(state: State, event: AgentSignedIn) -> None:
    """A shift begins."""
    agent = find(state, event, event.agent_id, signed_in=False)
    if agent is None:
        return
    if event.agent_id not in state.config.agents:
        state.ignore("AgentSignedIn", event.agent_id, "no longer configured")
        return
    if agent.signed_in and not agent.leaving:
        state.ignore("AgentSignedIn", event.agent_id, "signed in already")
        return
    agents.sign_in(state, agent, event.node, event.ready)
    agents.refresh(state, agent)


def signed_out(state: State, event: AgentSignedOut) -> None:
    """A shift ends."""
    agent = find(state, event, event.agent_id)
    if agent is not None:
        answers.withdraw_from(state, agent, "agent_signed_out")
        agents.sign_out(state, agent, event.reason)


def ready(state: State, event: AgentReady) -> None:
    """The agent takes work."""
    agent = find(state, event, event.agent_id)
    if agent is None:
        return
    if event.agent_id not in state.config.agents:
        state.ignore("AgentReady", event.agent_id, "no longer configured")
        return
    if agent.wants_ready and agent.pause_until is None and not agent.leaving:
        state.ignore("AgentReady", event.agent_id, "ready already")
        return
    agents.set_ready(state, agent)


def not_ready(state: State, event: AgentNotReady) -> None:
    """The agent stops taking work."""
    agent = find(state, event, event.agent_id)
    if agent is None:
        return
    if not agent.wants_ready and agent.reason == event.reason:
        state.ignore("AgentNotReady", event.agent_id, "not ready already")
        return
    answers.withdraw_from(state, agent, "agent_not_ready")
    agents.set_not_ready(state, agent, event.reason)


def busy(state: State, event: AgentBusy) -> None:
    """The agent works on something that was not offered."""
    agent = find(state, event, event.agent_id)
    if agent is None:
        return
    call = state.interactions.get(event.interaction_id)
    if event.interaction_id in agent.work or (call is not None and call.place != "talking"):
        state.ignore("AgentBusy", event.interaction_id, "the agent has it already, or it waits")
        return
    answers.withdraw_from(state, agent, "agent_busy")
    _give(state, agent, event.interaction_id, event.queue_id, event.channel, event.direction, "talking")
    agents.refresh(state, agent)


def _give(
    state: State, agent: AgentRecord, interaction_id: str, queue_id: str, channel: str, direction: str, phase: str
) -> None:
    call = state.interactions.get(interaction_id)
    if call is None:
        queue = state.queues.get(queue_id, state.no_queue)
        call = InteractionRecord(interaction_id, queue, state.now, state.draw(interaction_id))
        call.place, call.channel, call.direction = "talking", channel, direction
        state.interactions[interaction_id] = call
    if agent.agent_id not in call.agents:
        call.agents += (agent.agent_id,)
    agents.start_work(state, agent, interaction_id, channel, queue_id, phase)


def having(state: State, event: object, interaction_id: str, agent_id: str) -> InteractionRecord | None:
    """The interaction if this agent talks in it; else the event is ignored."""
    call = state.interactions.get(interaction_id)
    if call is None or agent_id not in call.agents:
        state.ignore(type(event).__name__, interaction_id, f"agent {agent_id} does not have it")
        return None
    return call


def talk_ended(state: State, event: TalkEnded) -> None:
    """One agent's part is over."""
    call = having(state, event, event.interaction_id, event.agent_id)
    if call is None:
        return
    if call.dialling and len(call.agents) == 1:
        # The agent has gone before the customer answered: the promise to call stands.
        waiting.not_reached(state, call, "agent_left")
        return
    agents.end_work(state, state.agents[event.agent_id], call, event.wrap_up)
    if not call.agents:
        _end(state, call)


def _end(state: State, call: InteractionRecord) -> None:
    state.out.append(InteractionEnded(call.interaction_id, call.queue.conf.queue_id))
    state.close(call)


def talk_transferred(state: State, event: TalkTransferred) -> None:
    """Agent A leaves the interaction to agent B."""
    call = _transferred_call(state, event)
    other = find(state, event, event.to_agent_id)
    if call is None or other is None or event.from_agent_id == event.to_agent_id:
        return
    work = other.work.get(call.interaction_id)
    if work is None or work.phase == "wrap_up":
        answers.withdraw_from(state, other, "agent_busy")
        queue_id = call.queue.conf.queue_id
        _give(state, other, call.interaction_id, queue_id, call.channel, call.direction, "talking")
    else:
        work.phase = "talking"
    agents.refresh(state, other)
    if event.from_agent_id:
        agents.end_work(state, state.agents[event.from_agent_id], call, wrap_up=True)


def _transferred_call(state: State, event: TalkTransferred) -> InteractionRecord | None:
    if event.from_agent_id:
        return having(state, event, event.interaction_id, event.from_agent_id)
    call = state.interactions.get(event.interaction_id)
    if call is None or call.place != "talking":
        state.ignore("TalkTransferred", event.interaction_id, "it is not in talk")
        return None
    return call


def consult_started(state: State, event: ConsultStarted) -> None:
    """An expert is asked."""
    agent = find(state, event, event.agent_id)
    call = state.interactions.get(event.interaction_id)
    if agent is None or call is None or call.place != "talking" or event.interaction_id in agent.work:
        state.ignore("ConsultStarted", event.interaction_id, "not in talk, or the expert is in it already")
        return
    answers.withdraw_from(state, agent, "agent_busy")
    _give(state, agent, call.interaction_id, call.queue.conf.queue_id, call.channel, call.direction, "consulting")
    agents.refresh(state, agent)


def consult_ended(state: State, event: ConsultEnded) -> None:
    """The expert is free of it."""
    call = having(state, event, event.interaction_id, event.agent_id)
    if call is None:
        return
    agent = state.agents[event.agent_id]
    if agent.work[event.interaction_id].phase != "consulting":
        state.ignore("ConsultEnded", event.interaction_id, f"agent {event.agent_id} is not consulted")
        return
    agents.end_work(state, agent, call, wrap_up=False)
    if not call.agents:
        _end(state, call)


def wrapping(state: State, event: WrapUpExtended | WrapUpEnded) -> tuple[AgentRecord, list[tuple[str, Work]]] | None:
    """The agent and its works in wrap-up that the event means; without any it is ignored."""
    agent = find(state, event, event.agent_id)
    if agent is None:
        return None
    asked, found = event.interaction_id, []
    for name, work in agent.work.items():
        if work.phase == "wrap_up" and (not asked or asked == name):
            found.append((name, work))
    if not found:
        state.ignore(type(event).__name__, event.agent_id, "no such wrap-up")
        return None
    return agent, found


def wrap_up_extended(state: State, event: WrapUpExtended) -> None:
    """More time, as far as the queue's rule allows; a fixed wrap-up has none."""
    found = wrapping(state, event)
    if found is None:
        return
    agent, works = found
    interaction_id, work = works[0]
    rule = agents.wrap_up_rule(state, work.queue_id)
    if rule.mode is not WrapUpMode.CAPPED or work.until is None or work.extensions >= rule.max_extensions:
        state.ignore("WrapUpExtended", event.agent_id, "no extension left")
        return
    work.extensions += 1
    seconds = rule.extension if event.seconds is None else min(event.seconds, rule.extension)
    work.until += max(seconds, 0.0)
    state.timers.set(WRAP_UP, (agent.agent_id, interaction_id), work.until)
    agents.show(state, agent)


def wrap_up_ended(state: State, event: WrapUpEnded) -> None:
    """The agent is done; a fixed wrap-up lasts to its end."""
    found = wrapping(state, event)
    if found is None:
        return
    agent, works = found
    for interaction_id, work in works:
        if agents.wrap_up_rule(state, work.queue_id).mode is _FIXED:
            state.ignore("WrapUpEnded", event.agent_id, "this wrap-up has a fixed length")
        else:
            agents.finish(state, agent, interaction_id)


def adopted(state: State, event: AgentAdopted) -> None:
    """An agent found at work after a restart."""
    agent = find(state, event, event.agent_id, signed_in=False)
    if agent is None:
        return
    if event.state in {"talking", "consulting"}:
        answers.withdraw_from(state, agent, "agent_busy")
    if agent.work or agent.offer is not None:
        state.ignore("AgentAdopted", event.agent_id, "the agent is at work already")
        return
    agents.sign_in(state, agent, event.node, ready=event.state != "not_ready")
    if event.state == "not_ready":
        agent.reason = event.reason
    elif event.state in {"talking", "consulting"}:
        _adopt_talk(state, agent, event)
    elif event.state == "wrap_up":
        _adopt_wrap_up(state, agent, event)
    agents.show(state, agent, min(event.since, state.now))
    agents.refresh(state, agent)


def _adopt_talk(state: State, agent: AgentRecord, event: AgentAdopted) -> None:
    call = state.interactions.get(event.interaction_id)
    if call is not None and call.place != "talking":
        entry.leave_line(state, call)
        call.place = "talking"
    _give(state, agent, event.interaction_id, event.queue_id, event.channel, event.direction, event.state)
    agent.work[event.interaction_id].since = min(event.since, state.now)


def _adopt_wrap_up(state: State, agent: AgentRecord, event: AgentAdopted) -> None:
    work = Work(event.channel, event.queue_id, "wrap_up", min(event.since, state.now))
    agent.work[event.interaction_id] = work
    put_load(state, agent)
    if event.until is not None:
        work.until = max(event.until, state.now)
        state.timers.set(WRAP_UP, (agent.agent_id, event.interaction_id), work.until)
