"""What must be true of an engine after every event, checked by looking at everybody."""

from collections import Counter
from collections.abc import Mapping

from acd.config import Agent, Blend, RoutingConfig
from acd.engine import Engine
from acd.routing.index import HeadEntry, Pool, Rank
from acd.routing.state import FRONT, AgentRecord, InteractionRecord, State
from acd.views import AgentView
from tests.property.expressions import Said

Meaning = Mapping[str, Said]


def check(engine: Engine, config: RoutingConfig, meaning: Meaning) -> None:
    """All of it."""
    state = engine._state
    everyone_is_in_one_place(state)
    nobody_has_two(state)
    nobody_is_idle_beside_someone_to_serve(engine, config, meaning)
    pools_hold_those_who_are_ready(state)
    index_is_a_lower_bound(state)
    removed_queues_are_kept_for_those_in_them(state)
    due = engine.next_due()
    assert due is None or due > state.now or due == state.now


def everyone_is_in_one_place(state: State) -> None:
    """Each interaction is in its queue's line, or offered, or talked with; in one demand's line only if for anyone."""
    assert not state.loose_agents
    assert not state.loose_calls
    lines = Counter(key[4] for queue in state.queues.values() for key in queue.line)
    demands = Counter(key[4] for demand in state.index.demands for key in demand.line)
    reserved = Counter(key[4] for agent in state.agents.values() for key in agent.reserved)
    offered = Counter(name for queue in state.queues.values() for name in queue.offered)
    for name, call in state.interactions.items():
        in_line = call.place in ("waiting", "held")
        assert lines.pop(name, 0) == in_line, f"{name} is {call.place}"
        assert demands.pop(name, 0) == (call.place == "waiting")
        assert reserved.pop(name, 0) == bool(call.held_for)
        assert offered.pop(name, 0) == (call.place == "offered")
        assert bool(call.agents) == (call.place == "talking")
    assert not any((lines, demands, reserved, offered)), "someone is in a line and unknown"
    for queue in state.queues.values():
        assert queue.line == sorted(queue.line)
    for demand in state.index.demands:
        assert demand.line == sorted(demand.line)
        assert bool(demand.line) == (demand in state.index.active)


def nobody_has_two(state: State) -> None:
    """No agent has two offers, no interaction two agents, and both sides say the same."""
    for fence, call in state.offers.items():
        assert call.fence == fence
        agent = state.agents[call.offered_to]
        assert agent.offer is call
        assert agent.state == "ringing"
        assert not agent.keys
    assert sum(agent.offer is not None for agent in state.agents.values()) == len(state.offers)
    for agent in state.agents.values():
        for name, work in agent.work.items():
            if work.phase != "wrap_up":
                assert agent.agent_id in state.interactions[name].agents
        urgent = any(not state.channel(work.channel).interruptible for work in agent.work.values())
        for work in agent.work.values():
            assert work.resting == (urgent and work.phase != "wrap_up" and state.channel(work.channel).interruptible)
    for name, call in state.interactions.items():
        for agent_id in call.agents:
            assert state.agents[agent_id].work[name].phase != "wrap_up"


def open_for(config: RoutingConfig, agent: Agent, view: AgentView, channel: str) -> bool:
    """Capacity, said again: what cannot be interrupted counts always, the rest only for what can be."""
    rules = config.channels[channel]
    used = sum(
        config.channels[work.channel].units
        for work in view.work
        if rules.interruptible or not config.channels[work.channel].interruptible
    )
    return used + rules.units <= agent.capacity


def takes_offers(view: AgentView) -> bool:
    return view.state not in ("signed_out", "not_ready", "ringing") and view.next_state is None


def nobody_is_idle_beside_someone_to_serve(engine: Engine, config: RoutingConfig, meaning: Meaning) -> None:
    """No one qualified, ready and with capacity is beside a waiting interaction (reserves apart)."""
    waiting = [view for view in engine.interactions() if view.place == "waiting"]
    for person in engine.agents():
        agent = config.agents.get(person.agent_id)
        if agent is None or not takes_offers(person):
            continue
        for call in waiting:
            queue = config.queues.get(call.queue_id)
            if queue is None or queue.reserve or engine._state.agents[person.agent_id].pause_until is not None:
                continue
            if open_for(config, agent, person, call.channel):
                known = engine._state.interactions[call.interaction_id]
                served = qualified(config, meaning, agent, known, call.steps)
                assert not served, f"{person.agent_id} is {person.state} beside {call.interaction_id}"


def qualified(
    config: RoutingConfig, meaning: Meaning, agent: Agent, call: InteractionRecord, steps: tuple[int, ...]
) -> bool:
    """Whether the agent meets one of these steps of the queue's plan, and the interaction's own requirement."""
    queue = config.queues[call.queue.conf.queue_id]
    if agent.programmes and queue.programme_id not in agent.programmes:
        return False
    if agent.channels and call.channel not in agent.channels:
        return False
    if agent.blend is (Blend.OUTBOUND if call.direction == "inbound" else Blend.INBOUND):
        return False
    return meaning[call.require].means(agent) and any(
        meaning[require].means(agent) for number in steps if (require := queue.plan.steps[number].require) is not None
    )


def pools_hold_those_who_are_ready(state: State) -> None:
    """An agent is in the pools of its profile, under its key, or in none."""
    found: Counter[str] = Counter()
    for profile in state.index.profiles.values():
        assert profile.members
        assert profile.signed_in == sum(state.agents[name].signed_in for name in profile.members)
        for pool in profile.pools.values():
            assert pool.entries == sorted(pool.entries)
            for key in pool.entries:
                agent = state.agents[key[3]]
                assert agent.profile is profile
                assert (pool, key) in agent.keys
                found[key[3]] += 1
    for agent in state.agents.values():
        assert found[agent.agent_id] == len(agent.keys)


def index_is_a_lower_bound(state: State) -> None:
    """What a demand keeps of each pool is never later than the pool's best agent."""
    for demand in state.index.demands:
        for pool in demand.pools:
            assert demand in pool.listeners
            if pool.entries:
                kept = demand.known[pool.number]
                assert kept in demand.heads
                assert kept <= entry(pool, pool.listeners[demand])


def removed_queues_are_kept_for_those_in_them(state: State) -> None:
    """A queue that is no longer configured is known for as long as someone waits in it or works for it."""
    used = {call.queue.conf.queue_id for call in state.interactions.values()}
    used |= {work.queue_id for agent in state.agents.values() for work in agent.work.values()}
    assert state.queues.keys() - state.config.queues.keys() <= used
    assert all(
        call.queue is state.queues[call.queue.conf.queue_id]
        for call in state.interactions.values()
        if call.queue is not state.no_queue
    )
    assert {demand.queue_id for demand in state.index.demands} <= state.queues.keys()


def entry(pool: Pool, rank: Rank) -> HeadEntry:
    head = pool.entries[0]
    return (rank.tier, rank.figure, head[0] + rank.shift, head[1], head[2], head[3], pool.number, pool, head)


def overtaken(state: State, call: InteractionRecord, agent: AgentRecord) -> list[InteractionRecord]:
    """Who waits, could have been served by this agent, and came more than the aging bound before `call`."""
    bound = 2 * state.config.max_priority * state.config.seconds_per_priority + state.config.crossing_cost
    return [
        other
        for other in state.interactions.values()
        if other.place == "waiting"
        and call.rank != FRONT
        and other.standing in agent.profile.demands
        and (other.direction, other.channel) == (call.direction, call.channel)
        and not other.queue.conf.reserve
        and call.place_since - other.place_since > bound
    ]
