"""The heart: while an interaction waits and an agent who can serve it is ready, bring them together.

Only those whose chance the event in hand has changed are looked at; for all others nothing has changed, so nobody
qualified and ready can be left beside someone they could serve.
"""

from acd.config import Blend
from acd.routing import offers
from acd.routing.agents import show
from acd.routing.demands import can_serve, demand_of, key_of, stand, step_out
from acd.routing.index import Demand, LineKey
from acd.routing.race import Race
from acd.routing.state import FRONT, AgentRecord, InteractionRecord, State, is_available, is_open

_INBOUND_FIRST = Blend.INBOUND_FIRST


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
    """Several have a new chance at once: the first in order goes first, and gets the best agent of all."""
    agents = [state.loose_agents[name] for name in sorted(state.loose_agents)]
    calls = [state.loose_calls[name] for name in sorted(state.loose_calls)]
    state.loose_agents.clear()
    state.loose_calls.clear()
    for agent in agents:
        show(state, agent)
        if is_available(agent):
            state.pool(agent)
    for call in calls:
        _stand(state, call)
    for agent in agents:
        if agent.reserved and is_available(agent):
            _serve_own(state, agent)
    race = _race(state, agents, calls)
    while (first := race.next()) is not None:
        demand, key = first
        call = state.interactions[key[4]]
        chosen = _agent_for(state, call) if call.place == "waiting" else None
        if chosen is not None and _is_for_inbound(state, chosen, call):
            chosen = _other_agent(state, demand)
            if chosen is None:
                race.put_off(demand)
                continue
        if chosen is not None and (key == demand.line[0] or chosen.agent_id == call.preferred):
            offers.make(state, call, chosen)
            race.goes_on(demand)


def _race(state: State, agents: list[AgentRecord], calls: list[InteractionRecord]) -> Race:
    """All lines in which these agents or these interactions may change something."""
    race = Race(state.config.crossing_cost)
    for call in calls:
        if call.place == "waiting":
            race.enter_call(call)
    active = state.index.active
    for profile in {agent.profile: None for agent in agents}:
        mine = profile.demands
        for demand in active if len(active) < len(mine) else mine:
            if demand.line and demand in mine:
                race.enter(demand)
    return race


def _serve_own(state: State, agent: AgentRecord) -> None:
    """Offer the agent those who wait for nobody else."""
    found = _call_for(state, agent)
    if found is not None and found.held_for:
        offers.make(state, found, agent)


def _is_for_inbound(state: State, agent: AgentRecord, call: InteractionRecord) -> bool:
    """Whether the agent, who serves inbound first, has one to serve before this outbound interaction."""
    if call.direction == "inbound" or agent.profile.blend is not _INBOUND_FIRST:
        return False
    found = _call_for(state, agent)
    return found is not None and found.direction == "inbound"


def _other_agent(state: State, demand: Demand) -> AgentRecord | None:
    """The best agent for this outbound demand who has no inbound interaction to serve first."""
    outbound = state.interactions[demand.line[0][4]]
    for name in demand.agents_in_order():
        if not _is_for_inbound(state, state.agents[name], outbound):
            return state.agents[name]
    return None


def _place(state: State, call: InteractionRecord) -> None:
    """Offer the interaction, or let it stand in line."""
    agent = _agent_for(state, call) if call.place == "waiting" else None
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
        return
    asked = demand_of(state, call) if call.place == "waiting" else None
    if key_of(state, call) != call.line_key or call.standing is not asked:
        step_out(state, call)
        stand(state, call)


def _serve_one(state: State, agent: AgentRecord) -> None:
    if not is_available(agent):
        show(state, agent)
        return
    if state.index.reserves:
        # One agent more may let a queue go beyond its reserve, and then it is the best of all whom it gets.
        state.loose_agents[agent.agent_id] = agent
        _settle_many(state)
        return
    found = _call_for(state, agent)
    if found is not None:
        offers.make(state, found, agent)
        return
    show(state, agent)
    state.pool(agent)


def _agent_for(state: State, call: InteractionRecord) -> AgentRecord | None:
    """The agent to be offered this waiting interaction now."""
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


def _call_for(state: State, agent: AgentRecord) -> InteractionRecord | None:
    """The interaction that this agent serves next: those who wait for this very agent, then the first in line."""
    for key in agent.reserved:
        call = state.interactions[key[4]]
        # Asked again: skills or plan may have changed since it was held for this agent.
        if is_open(state, agent, call.channel) and can_serve(state, agent, call):
            return call
    active, profile = state.index.active, agent.profile
    mine = profile.demands
    if len(active) < len(mine):
        mine = {demand: mine[demand] for demand in active if demand in mine}
    inbound_first = profile.blend is _INBOUND_FIRST
    free = not agent.work
    best: LineKey | None = None
    best_outbound: LineKey | None = None
    for demand, cost in mine.items():
        line = demand.line
        if not line or not (free or is_open(state, agent, demand.channel)):
            continue
        if demand.reserve and demand.ready() <= demand.reserve:
            continue
        key = line[0]
        if cost and key[0] != FRONT:
            key = (key[0], key[1] + cost, key[2], key[3], key[4])
        if inbound_first and demand.direction != "inbound":
            if best_outbound is None or key < best_outbound:
                best_outbound = key
        elif best is None or key < best:
            best = key
    first = best_outbound if best is None else best
    return None if first is None else state.interactions[first[4]]
