"""A new configuration, taken over without disturbing those who wait: only what differs is touched."""

from acd.config import Agent, RoutingConfig, Strategy
from acd.routing import agents, answers, entry
from acd.routing.demands import can_serve, meets, step_out, targets_of_plan, tell_apart, weigh
from acd.routing.due import arm_closing
from acd.routing.index import pool_kind
from acd.routing.queues import QueueRecord
from acd.routing.state import AgentRecord, InteractionRecord, State, put_load
from acd.routing.timers import CLOSING

_BY_FLEXIBILITY = (Strategy.LEAST_FLEXIBLE, Strategy.WEIGHTED)


def load(state: State, config: RoutingConfig) -> None:
    """Take over a configuration. Raises `acd.expressions.ExpressionError` before anything has changed."""
    old = state.config
    changed = {
        name: QueueRecord(conf)
        for name, conf in config.queues.items()
        if name not in state.queues or state.queues[name].retired or state.queues[name].conf != conf
    }
    removed = {name for name, queue in state.queues.items() if not queue.retired and name not in config.queues}
    affected = _affected(state, config, changed.keys() | removed)
    state.config = config
    state.least_units = min((channel.units for channel in config.channels.values()), default=100)
    state.index.crossing_cost = config.crossing_cost
    waiting = _clear(state, affected)
    _load_queues(state, changed, removed)
    _forget_pools(state)
    _load_agents(state)
    if old.channels != config.channels:
        _load_channels(state)
    for call in list(state.interactions.values()):
        if call.place == "talking" and call.queue.conf.queue_id in affected:
            entry.follow_plan(state, call)
    for name in waiting:
        _take_place(state, name)
    for fence in sorted(state.offers):
        _offer_holds(state, state.offers[fence])


def _affected(state: State, config: RoutingConfig, changed: set[str]) -> set[str]:
    """Queues whose demands or places may be other from now on; `changed` are those added, changed or removed."""
    old = state.config
    domain_wide = (old.programmes, old.crossing_cost, old.seconds_per_priority, old.max_priority)
    if domain_wide != (config.programmes, config.crossing_cost, config.seconds_per_priority, config.max_priority):
        return set(state.queues) | changed
    if changed and any(conf.strategy in _BY_FLEXIBILITY for conf in config.queues.values()):
        return set(state.queues) | changed
    users = {name for name, queue in state.queues.items() if not changed.isdisjoint(queue.plan.adds)}
    return changed | users


def _clear(state: State, affected: set[str]) -> list[str]:
    """Take those who wait in these queues out of the lines, and forget the queues' demands."""
    found: list[str] = []
    for queue_id in sorted(affected & state.queues.keys()):
        queue = state.queues[queue_id]
        for key in list(queue.line):
            step_out(state, state.interactions[key[4]])
            found.append(key[4])
        found += queue.offered
        for demand in list(queue.demands.values()):
            state.index.drop(demand)
    return found


def _load_queues(state: State, changed: dict[str, QueueRecord], removed: set[str]) -> None:
    for queue_id, fresh in changed.items():
        known = state.queues.get(queue_id)
        if known is None:
            state.queues[queue_id] = fresh
        else:
            if known.plan.conf != fresh.plan.conf:
                known.plan = fresh.plan
            known.conf = fresh.conf
        state.timers.cancel(CLOSING, queue_id)
        arm_closing(state, queue_id)
    for queue_id, queue in state.queues.items():
        queue.retired = queue_id not in state.config.queues
        state.vacated |= queue.retired
    if changed or removed:
        state.index.queue_targets = [
            targets_of_plan(queue) for name, queue in sorted(state.queues.items()) if not queue.retired
        ]
        for profile in state.index.profiles.values():
            profile.flexibility = None
        for targets in state.index.queue_targets:
            tell_apart(state, targets)


def forget_queues(state: State) -> None:
    """Removed queues for which nobody waits, talks or wraps up any more are not kept."""
    state.vacated = False
    empty = {name for name, queue in state.queues.items() if queue.retired}
    if not empty:
        return
    empty -= {call.queue.conf.queue_id for call in state.interactions.values()}
    empty -= {work.queue_id for agent in state.agents.values() for work in agent.work.values()}
    for queue_id in sorted(empty):
        for demand in list(state.queues.pop(queue_id).demands.values()):
            state.index.drop(demand)
        state.timers.cancel(CLOSING, queue_id)
    if empty:
        _forget_pools(state)


def _forget_pools(state: State) -> None:
    """Pools in an order that no queue asks for any more (of weights that have changed) are not kept up."""
    wanted = {pool_kind(queue.conf.strategy, queue.conf.weights, "") for queue in state.queues.values()}
    for profile in state.index.profiles.values():
        for kind, pool in list(profile.pools.items()):
            if pool.listeners or kind._replace(channel="") in wanted:
                continue
            del profile.pools[kind]
            for key in pool.entries:
                agent = state.agents[key[3]]
                agent.keys = tuple(entry for entry in agent.keys if entry[0] is not pool)


def _load_channels(state: State) -> None:
    """What one interaction takes has changed: count anew what those at work have."""
    for _, agent in sorted(state.agents.items()):
        if agent.work:
            put_load(state, agent)
            agents.rest(state, agent)
            agents.refresh(state, agent)


def _take_place(state: State, interaction_id: str) -> None:
    """Back into the line, under the plan as it is now."""
    call = state.interactions[interaction_id]
    entry.follow_plan(state, call)
    weigh(state, call)
    if call.place != "offered" and entry.stays(state, call) and entry.advance(state, call):
        state.loose_calls[interaction_id] = call


def _offer_holds(state: State, call: InteractionRecord) -> None:
    """Take the offer back when its agent could not be offered the interaction any more."""
    agent = state.agents[call.offered_to]
    # Whom it asks for by name need not wait for a later step.
    asked_for = call.preferred == agent.agent_id
    if not (can_serve(state, agent, call) if asked_for else meets(state, agent, call, call.mask)):
        answers.withdraw_from(state, agent, "not_qualified")


def _load_agents(state: State) -> None:
    for agent_id, conf in state.config.agents.items():
        agent = state.agents.get(agent_id)
        if agent is None:
            add_agent(state, conf)
        else:
            if agent.conf != conf:
                _change(state, agent, conf)
            agents.put_back(state, agent)
    for agent_id in sorted(state.agents.keys() - state.config.agents.keys()):
        _remove(state, state.agents[agent_id])


def add_agent(state: State, conf: Agent) -> None:
    """An agent becomes known, not signed in."""
    profile = state.index.enter(conf, conf.node)
    state.agents[conf.agent_id] = AgentRecord(conf, profile, state.draw(conf.agent_id))


def _change(state: State, agent: AgentRecord, conf: Agent) -> None:
    if agent.conf.node != conf.node:
        agent.node = conf.node
    agent.conf, agent.capacity = conf, conf.capacity
    agents.reprofile(state, agent)


def _remove(state: State, agent: AgentRecord) -> None:
    """An agent who still talks finishes first."""
    if agent.signed_in:
        answers.withdraw_from(state, agent, "agent_signed_out")
    agents.remove(state, agent)
