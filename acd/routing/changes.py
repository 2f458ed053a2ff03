"""A new configuration, taken over without disturbing those who wait: only what differs is touched."""

from acd.config import Agent, RoutingConfig, Strategy
from acd.routing import agents, answers, entry
from acd.routing.demands import step_out, targets_of_plan, tell_apart, weigh
from acd.routing.due import arm_closing
from acd.routing.queues import PlanRecord, QueueRecord
from acd.routing.state import AgentRecord, State
from acd.routing.timers import CLOSING

_BY_FLEXIBILITY = (Strategy.LEAST_FLEXIBLE, Strategy.WEIGHTED)


def load(state: State, config: RoutingConfig) -> None:
    """Take over a configuration. Raises `acd.expressions.ExpressionError` before anything has changed."""
    old = state.config
    changed = {
        name: QueueRecord(conf)
        for name, conf in config.queues.items()
        if name not in state.queues or state.queues[name].conf != conf
    }
    plans = {name: PlanRecord(conf) for name, conf in config.plans.items() if old.plans.get(name) != conf}
    affected = _affected(state, config, set(changed))
    state.config = config
    state.least_units = min((channel.units for channel in config.channels.values()), default=100)
    state.index.crossing_cost = config.crossing_cost
    state.plans = {name: plans.get(name) or state.plans[name] for name in config.plans}
    waiting = _clear(state, affected)
    _load_queues(state, changed)
    _load_agents(state)
    for name in waiting:
        _take_place(state, name)


def _affected(state: State, config: RoutingConfig, changed: set[str]) -> set[str]:
    """Queues whose demands or places may be other from now on."""
    old = state.config
    domain_wide = (old.programmes, old.plans, old.crossing_cost, old.seconds_per_priority, old.max_priority)
    if domain_wide != (
        config.programmes, config.plans, config.crossing_cost, config.seconds_per_priority, config.max_priority
    ):  # fmt: skip
        return set(state.queues) | changed
    if changed and any(conf.strategy in _BY_FLEXIBILITY for conf in config.queues.values()):
        return set(state.queues) | changed
    users = {
        name for name, queue in state.queues.items() if any(step.conf.add_queue in changed for step in queue.plan.steps)
    }
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
        for demand in queue.demands.values():
            if demand in state.index.demands:
                state.index.drop(demand)
        queue.demands.clear()
    return found


def _load_queues(state: State, changed: dict[str, QueueRecord]) -> None:
    for queue_id, fresh in changed.items():
        known = state.queues.get(queue_id)
        if known is None:
            state.queues[queue_id] = fresh
        else:
            if known.plan.conf != fresh.plan.conf:
                known.plan = fresh.plan
            known.conf = fresh.conf
        state.timers.cancel((CLOSING, queue_id, ""))
        arm_closing(state, queue_id)
    for queue_id, queue in state.queues.items():
        queue.retired = queue_id not in state.config.queues
    if changed:
        state.index.queue_targets = [
            targets_of_plan(queue) for name, queue in sorted(state.queues.items()) if not queue.retired
        ]
        for profile in state.index.profiles.values():
            profile.flexibility = None
        for targets in state.index.queue_targets:
            tell_apart(state, targets)


def _take_place(state: State, interaction_id: str) -> None:
    """Back into the line; under another plan, its steps begin anew at the waiting time reached."""
    call = state.interactions[interaction_id]
    plan = state.plans.get(call.plan_id) or call.queue.plan
    if plan is not call.plan:
        call.plan, call.mask, call.boost = plan, 0, 0
    weigh(state, call)
    if call.place != "offered" and entry.advance(state, call):
        state.loose_calls[interaction_id] = call


def _load_agents(state: State) -> None:
    for agent_id, conf in state.config.agents.items():
        agent = state.agents.get(agent_id)
        if agent is None:
            add_agent(state, conf)
        elif agent.conf != conf:
            _change(state, agent, conf)
    for agent_id in [name for name in state.agents if name not in state.config.agents]:
        _remove(state, state.agents[agent_id])


def add_agent(state: State, conf: Agent) -> None:
    """An agent becomes known, not signed in."""
    profile = state.index.enter(conf, conf.node)
    state.agents[conf.agent_id] = AgentRecord(conf, profile, state.draw(conf.agent_id))


def _change(state: State, agent: AgentRecord, conf: Agent) -> None:
    if agent.conf.node != conf.node:
        agent.node = conf.node
    agent.conf = conf
    agents.reprofile(state, agent)


def _remove(state: State, agent: AgentRecord) -> None:
    """An agent who still talks finishes first, and is forgotten by a later change."""
    if agent.signed_in:
        answers.withdraw_from(state, agent, "agent_signed_out")
        agents.sign_out(state, agent, "removed")
    if not agent.signed_in:
        state.loose_agents.pop(agent.agent_id, None)
        state.index.leave(agent.profile, agent.agent_id)
        del state.agents[agent.agent_id]
