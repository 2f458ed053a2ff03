"""What an interaction asks for at its present step, and where it stands in the lines."""

from collections.abc import Mapping
from functools import partial

from acd.expressions import ANYONE, All, Node, attributes_named, bind, parse
from acd.routing import agents
from acd.routing.index import Demand, LineKey
from acd.routing.matching import Target
from acd.routing.queues import DemandKey, QueueRecord
from acd.routing.state import FRONT, NORMAL, AgentRecord, InteractionRecord, State


def targets(state: State, call: InteractionRecord, mask: int) -> tuple[Target, ...]:
    """Who may serve the interaction once the steps of `mask` are taken, first choice first."""
    own = bind(parse(call.require), call.attributes) if call.require else ANYONE
    programme = call.queue.conf.programme_id
    found: list[Target] = []
    for number, step in enumerate(call.plan.steps):
        if not mask >> number & 1:
            continue
        mine = ANYONE if step.conf.relax_own else own
        if not step.conf.cumulative:
            found.clear()
        if step.require is not None:
            prefer = tuple(bind(node, call.attributes) for node in step.prefer)
            found.append(Target(_both(bind(step.require, call.attributes), mine), prefer, programme))
        other = state.queues.get(step.conf.add_queue)
        if other is not None and not other.retired:
            found += [
                Target(_both(target.require, mine), target.prefer, target.programme_id)
                for target in first_targets(other, call.attributes)
            ]
    return tuple(found)


def first_targets(queue: QueueRecord, attributes: Mapping[str, str]) -> list[Target]:
    """Whom the queue's own plan asks for at once."""
    return [
        Target(
            bind(step.require, attributes),
            tuple(bind(node, attributes) for node in step.prefer),
            queue.conf.programme_id,
        )
        for step in queue.plan.steps
        if step.require is not None and not step.conf.after and not step.conf.when
    ][:1]


def targets_of_plan(queue: QueueRecord) -> tuple[Target, ...]:
    """Whoever may serve the queue at some step of its plan."""
    return tuple(
        Target(bind(step.require, {}), (), queue.conf.programme_id)
        for step in queue.plan.steps
        if step.require is not None
    )


def _both(step: Node, own: Node) -> Node:
    if own is ANYONE:
        return step
    return own if step is ANYONE else All((step, own))


def demand_of(state: State, call: InteractionRecord) -> Demand:
    """The demand that the interaction now belongs to, made when it is the first of its kind."""
    demand = call.demand
    if demand is not None and demand.alive:
        return demand
    queue, plan, require, attributes = call.queue, call.plan, call.require, call.attributes
    names: tuple[str, ...] = plan.names
    for queue_id in plan.adds:
        other = state.queues.get(queue_id)
        names = names if other is None or other.retired else tuple(sorted({*names, *other.plan.names}))
    if "$" in require:
        names = tuple(sorted({*names, *attributes_named(parse(require))}))
    values = tuple(attributes.get(name, "") for name in names) if names else ()
    key = (plan, call.mask, require, call.channel, call.direction, call.node, values)
    demand = queue.demands.get(key)
    if demand is None or not demand.alive:
        demand = queue.demands[key] = _make(state, call, key)
    call.demand = demand
    return demand


def _make(state: State, call: InteractionRecord, key: DemandKey) -> Demand:
    conf, forget = call.queue.conf, partial(call.queue.demands.pop, key, None)
    found = targets(state, call, call.mask)
    demand = Demand(
        conf.queue_id, forget, found, call.channel, call.direction, call.node, conf.strategy, conf.weights, conf.reserve
    )
    tell_apart(state, found)
    state.index.add(demand)
    return demand


def tell_apart(state: State, found: tuple[Target, ...]) -> None:
    """When these targets name facts that profiles do not show yet, split the profiles by them."""
    asked = state.index.asks(found)
    if not asked:
        return
    state.index.split |= asked
    whole = {name for name, value in asked if not value}
    named = {value for name, value in asked if value}
    for agent in state.agents.values():
        if agent.agent_id in named or ("team" in whole and agent.conf.team) or whole & agent.conf.attributes.keys():
            agents.split(state, agent)


def can_serve(state: State, agent: AgentRecord, call: InteractionRecord) -> bool:
    """Whether the agent could serve the interaction now or at the end of its plan, capacity apart."""
    return meets(state, agent, call, call.plan.full) or meets(state, agent, call, call.mask)


def meets(state: State, agent: AgentRecord, call: InteractionRecord, mask: int) -> bool:
    """Whether the agent is among those whom the interaction asks for once the steps of `mask` are taken."""
    if not agent.profile.traits.allows(call.channel, call.direction):
        return False
    found = targets(state, call, mask)
    tell_apart(state, found)
    return agent.profile.traits.tier(found) is not None


def weigh(state: State, call: InteractionRecord) -> None:
    """Add up own, plan's, queue's, programme's and segment's priority, within the limits."""
    conf, config = call.queue.conf, state.config
    total = call.priority + call.boost + conf.priority
    programme = config.programmes.get(conf.programme_id)
    if programme is not None:
        total += programme.priority
        if programme.segment_priority:
            total += programme.segment_priority.get(call.attributes.get("segment", ""), 0)
    limit = config.max_priority
    call.level = -limit if total < -limit else limit if total > limit else total


def key_of(state: State, call: InteractionRecord) -> LineKey:
    """The interaction's order: one point of priority is worth a fixed number of seconds of waiting."""
    level, rank = call.level, call.rank
    if rank != NORMAL:
        if rank == FRONT:
            return (FRONT, float(-call.front), 1 if call.number else 0, call.draw, call.interaction_id)
        # Who is back counts as of the highest priority: before all who came later, and yet within the aging bound.
        level = state.config.max_priority
    instant = call.place_since - level * state.config.seconds_per_priority
    return (NORMAL, instant, 1 if call.number else 0, call.draw, call.interaction_id)


def stand(state: State, call: InteractionRecord) -> None:
    """The interaction waits in the lines (for its preferred agent alone when it is held for one)."""
    key = call.line_key = key_of(state, call)
    call.queue.put(key, state.now)
    if call.held_for:
        holder = state.agents[call.held_for]
        holder.reserved = tuple(sorted((*holder.reserved, key)))
    elif call.place == "waiting":
        demand = call.demand
        if demand is None or not demand.alive:
            demand = demand_of(state, call)
        call.standing = demand
        state.index.put(demand, key)
        unserved = call.queue.unserved
        if not demand.pools or (unserved and call.interaction_id in unserved):
            state.unsure[call.interaction_id] = call


def step_out(state: State, call: InteractionRecord) -> None:
    """The interaction stands in no line."""
    key = call.line_key
    if key is None:
        return
    call.line_key = None
    call.queue.take(key)
    if call.standing is not None:
        state.index.take(call.standing, key)
        call.standing = None
    elif call.held_for:
        holder = state.agents[call.held_for]
        holder.reserved = tuple(other for other in holder.reserved if other != key)
