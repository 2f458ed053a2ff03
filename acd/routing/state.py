"""The engine's memory: agents, interactions, queues, what is due, and the effects of the event in hand."""

from collections import deque
from collections.abc import Mapping
from zlib import crc32

from acd.config import Agent, Channel, Queue, RoutingConfig, Strategy
from acd.effects import AgentStateName, Effect, Ignored
from acd.routing.index import Demand, Index, LineKey, Pool, PoolKey, PoolKind, Profile
from acd.routing.queues import PlanRecord, QueueRecord
from acd.routing.timers import Timers
from acd.views import Place

FRONT, RETURNED, NORMAL = range(3)
_REMEMBERED = 8192
_WHOLE_AGENT = Channel()
_LONGEST_IDLE = Strategy.LONGEST_IDLE


class Work:
    """One interaction an agent has. Phases: `talking`, `consulting`, `wrap_up`. `resting`: interrupted."""

    __slots__ = ("channel", "extensions", "phase", "queue_id", "resting", "since", "until")

    def __init__(self, channel: str, queue_id: str, phase: str, since: float) -> None:
        self.channel = channel
        self.queue_id = queue_id
        self.phase = phase
        self.since = since
        self.until: float | None = None
        self.extensions = 0
        self.resting = False


class AgentRecord:
    """One agent. `wants_ready` is what the agent asked for; the state shown follows from it and from the work.

    `pause_until` keeps a ready agent from offers for a while. `leaving` marks a sign-out that waits for the end of
    the present work. `idle` and `busy` are seconds of this shift, counted up to `counted`. `keys` are the agent's
    entries in pools, `reserved` the line of those who wait for this very agent.
    """

    __slots__ = (
        "agent_id", "busy", "capacity", "conf", "counted", "draw", "failures", "idle", "interaction_id", "keys",
        "last_offer", "leaving", "leaving_reason", "light_load", "load", "node", "offer", "pause_reason",
        "pause_until", "profile", "ready_since", "reason", "rejections", "reserved", "ronas", "shown_reason",
        "signed_in", "since", "state", "until", "wants_ready", "work",
    )  # fmt: skip

    def __init__(self, conf: Agent, profile: Profile, draw: int) -> None:
        self.agent_id = conf.agent_id
        self.conf = conf
        self.capacity = conf.capacity
        self.profile = profile
        self.draw = draw
        self.node = conf.node
        self.signed_in = False
        self.leaving = False
        self.leaving_reason = ""
        self.wants_ready = False
        self.reason = ""
        self.pause_until: float | None = None
        self.pause_reason = ""
        self.work: dict[str, Work] = {}
        self.load = 0
        self.light_load = 0
        self.offer: InteractionRecord | None = None
        self.state: AgentStateName = "signed_out"
        self.shown_reason = ""
        self.since = 0.0
        self.until: float | None = None
        self.interaction_id = ""
        self.ready_since = 0.0
        self.counted = 0.0
        self.idle = 0.0
        self.busy = 0.0
        self.last_offer = 0
        self.ronas = 0
        self.rejections = 0
        self.failures = 0
        # Most agents have none of these: an empty tuple is one for all of them.
        self.keys: tuple[tuple[Pool, PoolKey], ...] = ()
        self.reserved: tuple[LineKey, ...] = ()


class InteractionRecord:
    """One interaction. `place`: waiting, held, offered or talking.

    `place_since` is the instant its place in the line counts from, `plan_since` the one its plan counts from.
    `line_key` is set while it stands in its queue's line, `standing` while it stands in that demand's; `demand` is
    what it asks for, as far as it has been looked up. `level` is its whole priority. `held_for` is the agent it is
    held for. `stood_since`: since when its line had not been empty when it was first offered from there. `number` is
    set once it is a call-back; `dialling` while its customer is being called.
    """

    __slots__ = (
        "agents", "attempt", "attributes", "boost", "channel", "deadline", "demand", "dialling", "direction", "draw",
        "failures", "fence", "front", "held_for", "hops", "interaction_id", "level", "line_key", "mask", "node",
        "number", "offered_to", "place", "place_since", "plan", "plan_since", "preferred", "preferred_wait",
        "priority", "queue", "rank", "require", "retry_at", "standing", "stood_since", "waiting_since",
    )  # fmt: skip

    def __init__(self, interaction_id: str, queue: QueueRecord, waiting_since: float, draw: int) -> None:
        self.interaction_id = interaction_id
        self.queue = queue
        self.plan: PlanRecord = queue.plan
        self.waiting_since = waiting_since
        self.place_since = waiting_since
        self.plan_since = waiting_since
        self.draw = draw
        self.channel = "voice"
        self.direction = "inbound"
        self.node = ""
        self.require = ""
        self.attributes: Mapping[str, str] = {}
        self.priority = 0
        self.boost = 0
        self.level = 0
        self.rank = NORMAL
        self.front = 0
        self.mask = 0
        self.place: Place = "waiting"
        self.line_key: LineKey | None = None
        self.demand: Demand | None = None
        self.standing: Demand | None = None
        self.stood_since: float | None = None
        self.preferred = ""
        self.preferred_wait = 0.0
        self.held_for = ""
        self.retry_at = 0.0
        self.offered_to = ""
        self.fence = 0
        self.deadline = 0.0
        self.failures = 0
        self.hops = 0
        self.agents: tuple[str, ...] = ()
        self.number = ""
        self.attempt = 0
        self.dialling = False


class State:
    """Everything the engine knows. `loose_agents` and `loose_calls` are those whose chance has changed by the event in
    hand; they are settled at its end. `unsure` are those of whom it is to be told whether anybody could serve them.
    `vacated`: a queue that was removed may have lost its last interaction."""

    def __init__(self, config: RoutingConfig, seed: int, first_fence: int) -> None:
        self.config = config
        self.seed = seed
        self._seed_crc = crc32(f"{seed}:".encode())
        self.now = 0.0
        self.out: list[Effect] = []
        self.timers = Timers()
        self.fence = first_fence - 1
        self.fronts = 0
        self.index = Index(config.crossing_cost, self._fill)
        self.queues: dict[str, QueueRecord] = {}
        self.least_units = 0
        self.no_queue = QueueRecord(Queue(""))
        self.agents: dict[str, AgentRecord] = {}
        self.interactions: dict[str, InteractionRecord] = {}
        self.offers: dict[int, InteractionRecord] = {}
        self.closed: dict[str, float] = {}
        # Beside the dictionary: to find its oldest entry it would step over all that were taken out before.
        self.closed_order: deque[str] = deque()
        self.loose_agents: dict[str, AgentRecord] = {}
        self.loose_calls: dict[str, InteractionRecord] = {}
        self.unsure: dict[str, InteractionRecord] = {}
        self.vacated = False

    def draw(self, name: str) -> int:
        """A number that stands for chance: the same for the same seed and name."""
        return crc32(name.encode(), self._seed_crc)

    def ignore(self, event: str, subject: str, why: str) -> None:
        """Say that an event changed nothing."""
        self.out.append(Ignored(event, subject, why))

    def channel(self, name: str) -> Channel:
        """The rules of a channel; one that is not configured takes a whole agent."""
        return self.config.channels.get(name, _WHOLE_AGENT)

    def close(self, call: InteractionRecord) -> None:
        """The interaction is out of the engine's hands. A late duplicate of its entry is known by its instant."""
        interaction_id = call.interaction_id
        del self.interactions[interaction_id]
        self.loose_calls.pop(interaction_id, None)
        if call.queue.retired:
            self.vacated = True
        closed, order = self.closed, self.closed_order
        if interaction_id in closed:
            order.remove(interaction_id)
        closed[interaction_id] = self.now
        order.append(interaction_id)
        if len(order) > _REMEMBERED:
            del closed[order.popleft()]

    def pool_key(self, agent: AgentRecord, kind: PoolKind) -> PoolKey:
        """Where the agent stands among the ready of its profile; fixed for as long as it stays ready."""
        # Equals take turns: whoever had an offer longest ago, and by draw among those who had none.
        tie = agent.last_offer << 32 | agent.draw
        since = agent.ready_since
        strategy = kind.strategy
        if strategy is _LONGEST_IDLE:
            return (since, 0.0, tie, agent.agent_id)
        match strategy:
            case Strategy.MOST_IDLE:
                # Idle time grows alike for all who are ready, so the order at this instant stays.
                return (agent.counted - agent.idle, since, tie, agent.agent_id)
            case Strategy.LEAST_OCCUPIED:
                return (occupancy(agent), since, tie, agent.agent_id)
            case Strategy.ROUND_ROBIN:
                return (float(agent.last_offer), since, tie, agent.agent_id)
            case _:
                return (kind.idle * since + kind.occupancy * occupancy(agent), since, tie, agent.agent_id)

    def pool(self, agent: AgentRecord) -> None:
        """The agent is ready for all channels that are open: let demands find it."""
        if agent.keys:
            self.unpool(agent)
        free = not agent.work
        for kind, pool in agent.profile.pools.items():
            if free or is_open(self, agent, kind.channel):
                key = self.pool_key(agent, kind)
                pool.add(key)
                agent.keys += ((pool, key),)

    def unpool(self, agent: AgentRecord) -> None:
        """No demand may find the agent."""
        for pool, key in agent.keys:
            pool.remove(key)
        agent.keys = ()

    def _fill(self, profile: Profile, pool: Pool) -> None:
        for agent_id in profile.members:
            agent = self.agents.get(agent_id)
            if agent is not None and agent.state != "signed_out" and is_available(agent):
                if agent_id in self.loose_agents or not is_open(self, agent, pool.kind.channel):
                    continue
                key = self.pool_key(agent, pool.kind)
                pool.add(key)
                agent.keys += ((pool, key),)


def occupancy(agent: AgentRecord) -> float:
    """Share of this shift's working time spent handling, as at the last change of state."""
    total = agent.idle + agent.busy
    return agent.busy / total if total else 0.0


def is_available(agent: AgentRecord) -> bool:
    """Whether the agent takes offers at all now (capacity apart)."""
    return agent.wants_ready and agent.signed_in and not (agent.offer or agent.pause_until is not None or agent.leaving)


def is_open(state: State, agent: AgentRecord, channel: str) -> bool:
    """Whether the agent has capacity for one more interaction of this channel."""
    if not agent.work:
        return True
    rules = state.channel(channel)
    used = agent.load + agent.light_load if rules.interruptible else agent.load
    return used + rules.units <= agent.capacity


def has_room(state: State, agent: AgentRecord) -> bool:
    """Whether the agent could take an interaction of any channel."""
    return not agent.work or agent.load + state.least_units <= agent.capacity


def put_load(state: State, agent: AgentRecord) -> None:
    """Work out anew how much of the agent's capacity is taken."""
    agent.load = agent.light_load = 0
    channels = state.config.channels
    for work in agent.work.values():
        rules = channels.get(work.channel, _WHOLE_AGENT)
        if rules.interruptible:
            agent.light_load += rules.units
        else:
            agent.load += rules.units
