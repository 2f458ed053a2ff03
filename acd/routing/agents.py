"""What agents do: sign in, be ready or not, talk, wrap up. The state that others see follows from the record."""

from acd.config import WrapUp, WrapUpMode
from acd.effects import AgentStateChanged, AgentStateName, WorkInterrupted, WorkResumed
from acd.routing.state import AgentRecord, InteractionRecord, State, Work, has_room, is_available, put_load
from acd.routing.timers import PAUSE, RELEASE, WRAP_UP

_NONE, _MANUAL = WrapUpMode.NONE, WrapUpMode.MANUAL
_NO_WRAP_UP = WrapUp(_NONE)
REMOVED = "removed"
_BUSY: frozenset[AgentStateName] = frozenset({"ringing", "talking", "wrap_up"})


def show(state: State, agent: AgentRecord, since: float | None = None) -> None:
    """Work out the agent's state and tell it when it has changed. `since` is for states found after a restart."""
    offer = agent.offer
    name: AgentStateName = "ready"
    reason = interaction_id = ""
    until: float | None = None
    if offer is not None:
        name, interaction_id, until = "ringing", offer.interaction_id, offer.deadline
    else:
        for other_id, work in agent.work.items():
            if work.phase == "wrap_up":
                if name == "ready":
                    name, interaction_id, until = "wrap_up", other_id, work.until
            elif not work.resting or name != "talking":
                name, interaction_id, until = "talking", other_id, None
        if name == "ready":
            if not agent.signed_in:
                name, reason = "signed_out", agent.leaving_reason
            elif not agent.wants_ready:
                name, reason = "not_ready", agent.reason
            elif agent.pause_until is not None:
                name, reason, until = "not_ready", agent.pause_reason, agent.pause_until
    before, same = agent.state, False
    if name == before and interaction_id == agent.interaction_id and reason == agent.shown_reason:
        if until == agent.until:
            return
        same = True
    now = state.now
    # The time since the last count was idle or busy, as the state was.
    if before == "ready":
        agent.idle += now - agent.counted
    elif before in _BUSY:
        agent.busy += now - agent.counted
    agent.counted = now
    if name == "ready":
        if before != "ringing":
            agent.ready_since = now if since is None else since
        agent.since = agent.ready_since
    elif not same:
        agent.since = now if since is None else since
    agent.state, agent.shown_reason = name, reason
    agent.interaction_id, agent.until = interaction_id, until
    state.out.append(AgentStateChanged(agent.agent_id, name, reason, agent.since, until, interaction_id))


def refresh(state: State, agent: AgentRecord) -> None:
    """The agent's record has changed: out of the pools, and back by `settle` if it takes offers."""
    if agent.keys:
        state.unpool(agent)
    # Room first: most agents whose record changes are at work, and have none.
    if (not agent.work or agent.load + state.least_units <= agent.capacity) and is_available(agent):
        state.loose_agents[agent.agent_id] = agent
    else:
        state.loose_agents.pop(agent.agent_id, None)
        show(state, agent)


def release_reserved(state: State, agent: AgentRecord) -> None:
    """Those who wait for this agent need wait for it no more: anyone may serve them."""
    for key in agent.reserved:
        call = state.interactions[key[4]]
        call.held_for = ""
        call.place = "waiting"
        call.preferred_wait = 0.0
        state.timers.cancel(RELEASE, call.interaction_id)
        state.loose_calls[call.interaction_id] = call
    agent.reserved = ()


def sign_in(state: State, agent: AgentRecord, node: str, ready: bool) -> None:
    """A shift begins; `refresh` is the caller's part."""
    if not agent.signed_in:
        agent.signed_in = True
        agent.profile.signed_in += 1
        agent.idle = agent.busy = 0.0
        agent.counted = state.now
        agent.ronas = agent.rejections = agent.failures = 0
    agent.leaving = False
    agent.leaving_reason = ""
    agent.wants_ready = ready
    agent.reason = "" if ready else "signed_in"
    move_to_node(state, agent, node or agent.conf.node)


def move_to_node(state: State, agent: AgentRecord, node: str) -> None:
    """The agent's phone is registered on this Asterisk node."""
    if node != agent.node:
        agent.node = node
        reprofile(state, agent)


def reprofile(state: State, agent: AgentRecord) -> None:
    """Agent's routing facts have changed: move it to the profile that it now has."""
    state.unpool(agent)
    _change_profile(state, agent)
    if is_available(agent) and has_room(state, agent):
        state.loose_agents[agent.agent_id] = agent


def split(state: State, agent: AgentRecord) -> None:
    """The agent's profile shows more from now on. Nothing else changes: it stays in the pools if it was there."""
    state.unpool(agent)
    _change_profile(state, agent)
    # Not by its keys: the former profile may have had no pools for it to be in.
    if is_available(agent) and agent.agent_id not in state.loose_agents:
        state.pool(agent)


def _change_profile(state: State, agent: AgentRecord) -> None:
    old = agent.profile
    state.index.leave(old, agent.agent_id)
    old.signed_in -= agent.signed_in
    agent.profile = state.index.enter(agent.conf, agent.node)
    agent.profile.signed_in += agent.signed_in


def sign_out(state: State, agent: AgentRecord, reason: str) -> None:
    """The shift ends, after the work in hand."""
    release_reserved(state, agent)
    agent.leaving_reason = reason
    agent.wants_ready = False
    agent.reason = "signing_out"
    set_pause(state, agent, None, "")
    if agent.work:
        agent.leaving = True
    else:
        _leave(agent)
    refresh(state, agent)


def _leave(agent: AgentRecord) -> None:
    agent.leaving = False
    if agent.signed_in:
        agent.signed_in = False
        agent.profile.signed_in -= 1


def set_ready(state: State, agent: AgentRecord) -> None:
    """The agent takes work; a pause is over."""
    agent.wants_ready = True
    agent.leaving = False
    agent.reason = ""
    set_pause(state, agent, None, "")
    refresh(state, agent)


def set_not_ready(state: State, agent: AgentRecord, reason: str) -> None:
    """The agent takes no work. Those who wait for this very agent go on waiting, for as long as they would."""
    agent.wants_ready = False
    agent.reason = reason
    set_pause(state, agent, None, "")
    refresh(state, agent)


def set_pause(state: State, agent: AgentRecord, until: float | None, reason: str) -> None:
    """Keep a ready agent from offers until then (None: no pause)."""
    if until is None:
        if agent.pause_until is not None:
            state.timers.cancel(PAUSE, agent.agent_id)
    else:
        state.timers.set(PAUSE, agent.agent_id, until)
    agent.pause_until, agent.pause_reason = until, reason


def start_work(state: State, agent: AgentRecord, call_id: str, channel: str, queue_id: str, phase: str) -> None:
    """The agent has this interaction from now on; interruptible work rests meanwhile."""
    works = agent.work
    if call_id in works:
        # The agent was still wrapping up an earlier part of the same interaction.
        state.timers.cancel(WRAP_UP, (agent.agent_id, call_id))
        state.vacated = True
    works[call_id] = Work(channel, queue_id, phase, state.now)
    put_load(state, agent)
    if len(works) > 1:
        rest(state, agent)


def rest(state: State, agent: AgentRecord) -> None:
    """Interrupt or resume interruptible work, as the other work asks."""
    urgent = any(not state.channel(work.channel).interruptible for work in agent.work.values())
    for interaction_id, work in agent.work.items():
        resting = urgent and work.phase != "wrap_up" and state.channel(work.channel).interruptible
        if resting != work.resting:
            work.resting = resting
            effect = WorkInterrupted if resting else WorkResumed
            state.out.append(effect(agent.agent_id, interaction_id))


def wrap_up_rule(state: State, queue_id: str) -> WrapUp:
    """The queue's rule; work without a queue has no wrap-up."""
    queue = state.queues.get(queue_id)
    return queue.conf.wrap_up if queue is not None else _NO_WRAP_UP


def end_work(state: State, agent: AgentRecord, call: InteractionRecord, wrap_up: bool) -> None:
    """This agent's part of the interaction is over; wrap-up begins if its queue has any."""
    work = agent.work[call.interaction_id]
    call.agents = tuple(other for other in call.agents if other != agent.agent_id) if len(call.agents) > 1 else ()
    queue = state.queues.get(work.queue_id)
    rule = _NO_WRAP_UP if queue is None else queue.conf.wrap_up
    mode = rule.mode
    wants = wrap_up and work.phase == "talking" and mode is not _NONE
    if wants and (mode is _MANUAL or rule.seconds > 0):
        work.phase = "wrap_up"
        work.resting = False
        if mode is not _MANUAL:
            work.until = state.now + rule.seconds
            state.timers.set(WRAP_UP, (agent.agent_id, call.interaction_id), work.until)
        refresh(state, agent)
    else:
        finish(state, agent, call.interaction_id)


def finish(state: State, agent: AgentRecord, interaction_id: str) -> None:
    """The agent is through with this interaction, wrap-up included."""
    work = agent.work.pop(interaction_id)
    if work.until is not None:
        state.timers.due[WRAP_UP].pop((agent.agent_id, interaction_id), None)
    queue = state.queues.get(work.queue_id)
    if queue is not None:
        if work.phase != "consulting":
            queue.flow.handled(state.now - work.since)
        if queue.retired:
            state.vacated = True
    if agent.work:
        put_load(state, agent)
        rest(state, agent)
    else:
        agent.load = agent.light_load = 0
        if agent.leaving:
            _leave(agent)
    refresh(state, agent)
    if not agent.signed_in and agent.agent_id not in state.config.agents:
        forget(state, agent)


def remove(state: State, agent: AgentRecord) -> None:
    """The agent is no longer configured: forgotten now, or after the work in hand."""
    if agent.work:
        # What the agent has asked for is kept: it holds again when the agent is put back meanwhile.
        release_reserved(state, agent)
        agent.leaving, agent.leaving_reason = True, REMOVED
        refresh(state, agent)
        return
    if agent.signed_in:
        sign_out(state, agent, REMOVED)
    forget(state, agent)


def put_back(state: State, agent: AgentRecord) -> None:
    """An agent who was removed in mid-work is configured again."""
    if agent.leaving and agent.leaving_reason == REMOVED:
        agent.leaving, agent.leaving_reason = False, ""
        refresh(state, agent)


def forget(state: State, agent: AgentRecord) -> None:
    """Nothing is known of the agent any more."""
    set_pause(state, agent, None, "")
    state.loose_agents.pop(agent.agent_id, None)
    state.index.leave(agent.profile, agent.agent_id)
    del state.agents[agent.agent_id]
