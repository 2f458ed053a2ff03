"""The heart: while an interaction waits and an agent who can serve it is ready, bring them together.

Only those whose chance the event in hand has changed are looked at; for all others nothing has changed, so nobody
qualified and ready can be left beside someone they could serve.
"""

from acd.config import Blend
from acd.routing import offers
from acd.routing.agents import show
from acd.routing.demands import can_serve, demand_of, key_of, stand, step_out
from acd.routing.index import Demand, LineKey
from acd.routing.state import FRONT, AgentRecord, InteractionRecord, State, is_available, is_open


def settle(state: State) -> None:
    """Serve everyone who can be served."""
    agents, calls = state.loose_agents, state.loose_calls
    while agents or calls:
        if not agents and len(calls) == 1:
            _place(state, calls.popitem()[1])
        elif not calls and len(agents) == 1:
            _serve_one(state, agents.popitem()[1])
        else:
            _settle_many(state)


def _settle_many(state: State) -> None:
    """Several have a new chance at once: the first in order goes first, and gets the best agent of all.

    A call that nobody ready can serve stays without chance while this goes on, because agents only become fewer.
    """
    agents = [state.loose_agents[name] for name in sorted(state.loose_agents)]
    calls = sorted(state.loose_calls.values(), key=lambda call: key_of(state, call), reverse=True)
    state.loose_agents.clear()
    state.loose_calls.clear()
    for agent in agents:
        show(state, agent)
        if is_available(agent):
            state.pool(agent)
    picks: dict[str, InteractionRecord] = {}
    while True:
        while calls and (calls[-1].place != "waiting" or _agent_for(state, calls[-1]) is None):
            _stand(state, calls.pop())
        for agent in agents:
            pick = picks.get(agent.agent_id)
            if pick is None or pick.place == "offered" or agent.offer is not None:
                picks.pop(agent.agent_id, None)
                found = _call_for(state, agent, pooled=True) if is_available(agent) else None
                if found is not None:
                    picks[agent.agent_id] = found
        first = min([*picks.values(), *calls[-1:]], key=lambda call: key_of(state, call), default=None)
        if first is None:
            return
        agent_id = next((name for name, call in picks.items() if call is first), "")
        offers.make(state, first, _agent_for(state, first) or state.agents[agent_id])
        if calls and calls[-1] is first:
            calls.pop()


def _place(state: State, call: InteractionRecord) -> None:
    """Offer the interaction, or let it stand in line."""
    agent = _agent_for(state, call)
    if agent is not None:
        offers.make(state, call, agent)
    else:
        _stand(state, call)


def _stand(state: State, call: InteractionRecord) -> None:
    """Let it stand in line where it now belongs, if it does not already."""
    if call.place not in ("waiting", "held"):
        return
    if call.line_key is None:
        stand(state, call)
    elif key_of(state, call) != call.line_key or call.standing is not call.demand:
        step_out(state, call)
        stand(state, call)


def _serve_one(state: State, agent: AgentRecord) -> None:
    if not is_available(agent):
        show(state, agent)
        return
    found = _call_for(state, agent, pooled=False)
    if found is not None and not (found.standing is not None and found.standing.reserve):
        offers.make(state, found, agent)
        return
    show(state, agent)
    state.pool(agent)
    if found is not None:
        # The queue lets one agent go, and that is the best of all who are ready, not the one just freed.
        offers.make(state, found, _agent_for(state, found) or agent)
        if agent.offer is None:
            state.loose_agents[agent.agent_id] = agent


def _agent_for(state: State, call: InteractionRecord) -> AgentRecord | None:
    """The agent to be offered this interaction now."""
    if call.place != "waiting":
        return None
    preferred = state.agents.get(call.preferred) if call.preferred else None
    if preferred is not None and _suits(state, preferred, call):
        return preferred
    demand = demand_of(state, call)
    if demand.reserve and demand.ready() <= demand.reserve:
        return None
    agent_id = demand.best_agent()
    return None if agent_id is None else state.agents[agent_id]


def _suits(state: State, agent: AgentRecord, call: InteractionRecord) -> bool:
    return is_available(agent) and is_open(state, agent, call.channel) and can_serve(state, agent, call)


def _call_for(state: State, agent: AgentRecord, pooled: bool) -> InteractionRecord | None:
    """The interaction that this agent serves next: those who wait for this very agent, then the first in line."""
    for key in agent.reserved:
        call = state.interactions[key[4]]
        # Asked again: skills or plan may have changed since it was held for this agent.
        if is_open(state, agent, call.channel) and can_serve(state, agent, call):
            return call
    active, mine = state.index.active, agent.profile.demands
    if not active:
        return None
    first = _first(state, agent, active if len(active) < len(mine) else mine, pooled)
    return None if first is None else state.interactions[first[4]]


def _first(
    state: State, agent: AgentRecord, demands: dict[Demand, None] | dict[Demand, float], pooled: bool
) -> LineKey | None:
    mine = agent.profile.demands
    inbound_first = agent.profile.blend is Blend.INBOUND_FIRST
    free = not agent.work
    best: LineKey | None = None
    best_outbound: LineKey | None = None
    for demand in demands:
        line = demand.line
        if not line:
            continue
        cost = mine.get(demand)
        if cost is None or not (free or is_open(state, agent, demand.channel)):
            continue
        if demand.reserve and demand.ready() + (not pooled) <= demand.reserve:
            continue
        key = line[0]
        if cost and key[0] != FRONT:
            key = (key[0], key[1] + cost, key[2], key[3], key[4])
        if inbound_first and demand.direction != "inbound":
            if best_outbound is None or key < best_outbound:
                best_outbound = key
        elif best is None or key < best:
            best = key
    return best_outbound if best is None else best
