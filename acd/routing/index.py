"""Who could serve whom: ready agents by distinct profile, waiting interactions by distinct demand.

A *profile* is what agents with the same skills share; a *demand* is what interactions of one queue, at one step of
its plan, ask for. Whether a profile meets a demand is worked out once. A *pool* holds the ready agents of one profile
for one channel in the order of one strategy; a demand keeps a heap with one entry a pool, each entry a lower bound of
the pool's present head, corrected only when it comes to the top.
"""

from bisect import bisect_left, insort
from collections.abc import Callable, Iterable
from heapq import heappop, heappush, heapreplace
from typing import NamedTuple

from acd.config import Agent, Strategy, Weights
from acd.routing.matching import ProfileKey, Target, Traits, profile_key, skills_needed, split_by

# An agent's order inside a pool: two figures of the strategy (smaller comes first), a draw, the id.
PoolKey = tuple[float, float, int, str]
# An interaction's order in a line: rank, effective instant, live before call-back, a draw, the id.
LineKey = tuple[int, float, int, int, str]
# How a demand orders pools: step and preferences, the strategy's figure of the profile, then the head's PoolKey; at the
# end the head itself.
HeadEntry = tuple[int, float, float, float, int, str, int, "Pool", PoolKey]

_STEP = 1000  # more than the preferences a step can have
_UNUSED_DEMANDS = 2048


class PoolKind(NamedTuple):
    """Pools differ by channel and by what the strategy orders agents by."""

    channel: str
    strategy: Strategy
    idle: float
    occupancy: float


class Rank(NamedTuple):
    """Where a pool stands for one demand, before its agents are compared."""

    tier: int
    figure: float
    shift: float


class Pool:
    """Ready agents of one profile and channel, best first."""

    __slots__ = ("entries", "kind", "listeners", "number")

    def __init__(self, number: int, kind: PoolKind) -> None:
        self.number = number
        self.kind = kind
        self.entries: list[PoolKey] = []
        self.listeners: dict[Demand, Rank] = {}

    def add(self, key: PoolKey) -> None:
        """An agent becomes available."""
        entries = self.entries
        if not entries or entries[-1] < key:
            entries.append(key)
        else:
            insort(entries, key)
        if entries[0] is key:
            for demand, rank in self.listeners.items():
                demand.note(self, rank, key)

    def remove(self, key: PoolKey) -> None:
        """An agent is no longer available."""
        entries = self.entries
        del entries[0 if entries[0] is key else bisect_left(entries, key)]


class Demand:
    """What some interactions of one queue ask for now, and their line."""

    __slots__ = ("alive", "channel", "direction", "forget", "heads", "kind", "known", "line", "node", "pools",
                 "queue_id", "reserve", "strategy", "targets", "weights")  # fmt: skip

    def __init__(
        self,
        queue_id: str,
        forget: Callable[[], object],
        targets: tuple[Target, ...],
        channel: str,
        direction: str,
        node: str,
        strategy: Strategy,
        weights: Weights,
        reserve: int,
    ) -> None:
        self.queue_id = queue_id
        self.forget = forget
        self.targets = targets
        self.channel = channel
        self.direction = direction
        self.node = node
        self.strategy = strategy
        self.weights = weights
        self.reserve = reserve
        self.kind = pool_kind(strategy, weights, channel)
        self.alive = True
        self.line: list[LineKey] = []
        self.heads: list[HeadEntry] = []
        self.known: dict[int, HeadEntry] = {}
        self.pools: dict[Pool, Profile] = {}

    def note(self, pool: Pool, rank: Rank, head: PoolKey) -> None:
        """The pool has a new head: keep it, unless what is kept is already a lower bound."""
        entry = _head_entry(pool, rank, head)
        kept = self.known.get(pool.number)
        if kept is None or entry < kept:
            self.known[pool.number] = entry
            heads = self.heads
            heappush(heads, entry)
            if len(heads) > 2 * len(self.known) + 16:
                heads[:] = sorted(self.known.values())

    def best_agent(self) -> str | None:
        """The agent to be chosen now, by step, preferences, strategy, then longest idle, then in turn."""
        heads, known = self.heads, self.known
        while heads:
            entry = heads[0]
            pool = entry[7]
            if known.get(pool.number) is not entry:
                heappop(heads)
            elif not pool.entries:
                heappop(heads)
                del known[pool.number]
            else:
                head = pool.entries[0]
                if head is entry[8]:
                    return entry[5]
                known[pool.number] = fresh = _head_entry(pool, pool.listeners[self], head)
                heapreplace(heads, fresh)
        return None

    def agents_in_order(self) -> list[str]:
        """All whom it could be given to now, the best first."""
        entries = [_head_entry(pool, pool.listeners[self], key) for pool in self.pools for key in pool.entries]
        return [entry[5] for entry in sorted(entries)]

    def ready(self) -> int:
        """How many agents could be given to it now."""
        return sum(len(pool.entries) for pool in self.pools)

    def signed_in(self) -> int:
        """How many agents who could serve it are signed in."""
        return sum(profile.signed_in for profile in self.pools.values())


class Profile:
    """Agents with the same routing facts. `demands` are those it meets, with the seconds that crossing costs."""

    __slots__ = ("blend", "demands", "flexibility", "key", "members", "pools", "signed_in", "traits")

    def __init__(self, key: ProfileKey) -> None:
        self.key = key
        self.traits = Traits(key)
        self.blend = key.blend
        self.demands: dict[Demand, float] = {}
        self.pools: dict[PoolKind, Pool] = {}
        self.members: dict[str, None] = {}
        self.signed_in = 0
        self.flexibility: int | None = None


def pool_kind(strategy: Strategy, weights: Weights, channel: str) -> PoolKind:
    """The order that this strategy needs, for this channel."""
    if strategy is Strategy.WEIGHTED:
        return PoolKind(channel, strategy, weights.idle, weights.occupancy)
    if strategy in (Strategy.MOST_PROFICIENT, Strategy.LEAST_FLEXIBLE):
        strategy = Strategy.LONGEST_IDLE
    return PoolKind(channel, strategy, 0.0, 0.0)


def _head_entry(pool: Pool, rank: Rank, head: PoolKey) -> HeadEntry:
    return (rank[0], rank[1], head[0] + rank[2], head[1], head[2], head[3], pool.number, pool, head)


class Index:
    """All profiles and demands, kept matched. `fill` puts the agents who are ready into a new pool.

    `stirred`: demands with a line for which the first agent who could serve it was found, or the last one lost.
    `reserves`: how many demands with a line keep one.
    """

    def __init__(self, crossing_cost: float, fill: Callable[[Profile, Pool], None]) -> None:
        self.crossing_cost = crossing_cost
        self._fill = fill
        self.profiles: dict[ProfileKey, Profile] = {}
        self.demands: dict[Demand, None] = {}
        self.active: dict[Demand, None] = {}
        self.stirred: dict[Demand, None] = {}
        self.reserves = 0
        self.split: set[tuple[str, str]] = set()
        self.queue_targets: list[tuple[Target, ...]] = []
        self._by_skill: dict[str, set[Profile]] = {}
        self._pools = 0
        self._room = _UNUSED_DEMANDS

    def enter(self, agent: Agent, node: str) -> Profile:
        """The profile of an agent who now belongs to it."""
        key = profile_key(agent, node, self.split)
        profile = self.profiles.get(key)
        if profile is None:
            profile = self.profiles[key] = Profile(key)
            for skill, _ in key.skills:
                self._by_skill.setdefault(skill, set()).add(profile)
            for demand in self.demands:
                self._match(demand, profile)
        profile.members[agent.agent_id] = None
        return profile

    def leave(self, profile: Profile, agent_id: str) -> None:
        """An agent no longer belongs to it; a profile without agents is forgotten."""
        del profile.members[agent_id]
        if profile.members:
            return
        del self.profiles[profile.key]
        for skill, _ in profile.key.skills:
            self._by_skill[skill].discard(profile)
        for demand in profile.demands:
            pool = profile.pools[demand.kind]
            del demand.pools[pool]
            demand.known.pop(pool.number, None)
            if demand.line and not demand.pools:
                self.stirred[demand] = None

    def asks(self, targets: Iterable[Target]) -> set[tuple[str, str]]:
        """Facts that these targets tell agents apart by and that no profile shows yet."""
        nodes = [node for target in targets for node in (target.require, *target.prefer)]
        return set().union(*map(split_by, nodes)) - self.split if nodes else set()

    def add(self, demand: Demand) -> None:
        """A new demand: find who meets it."""
        if len(self.demands) >= self._room:
            for idle in [old for old in self.demands if not old.line]:
                self.drop(idle)
            self._room = max(_UNUSED_DEMANDS, 2 * len(self.demands))
        self.demands[demand] = None
        for profile in self._candidates(demand):
            self._match(demand, profile)

    def drop(self, demand: Demand) -> None:
        """Forget a demand: whoever still means it looks it up anew."""
        demand.alive = False
        demand.forget()
        del self.demands[demand]
        for pool, profile in demand.pools.items():
            del pool.listeners[demand]
            del profile.demands[demand]
        demand.pools.clear()

    def put(self, demand: Demand, key: LineKey) -> None:
        """An interaction stands in this demand's line."""
        line = demand.line
        if not line:
            self.active[demand] = None
            self.reserves += demand.reserve > 0
            line.append(key)
        elif line[-1] < key:
            line.append(key)
        else:
            insort(line, key)

    def take(self, demand: Demand, key: LineKey) -> None:
        """An interaction leaves this demand's line."""
        line = demand.line
        del line[0 if line[0] is key else bisect_left(line, key)]
        if not line:
            del self.active[demand]
            self.reserves -= demand.reserve > 0

    def _candidates(self, demand: Demand) -> Iterable[Profile]:
        found: set[Profile] = set()
        for target in demand.targets:
            skills = skills_needed(target.require)
            if skills is None:
                return list(self.profiles.values())
            for skill in skills:
                found |= self._by_skill.get(skill, set())
        return found

    def _match(self, demand: Demand, profile: Profile) -> None:
        traits = profile.traits
        tier = traits.tier(demand.targets) if traits.allows(demand.channel, demand.direction) else None
        if tier is None:
            return
        pool = profile.pools.get(demand.kind)
        if pool is None:
            self._pools += 1
            pool = profile.pools[demand.kind] = Pool(self._pools, demand.kind)
            self._fill(profile, pool)
        remote = bool(demand.node and profile.key.node and demand.node != profile.key.node)
        cost = self.crossing_cost if remote else 0.0
        rank = self._rank(demand, profile, tier, cost)
        if demand.line and not demand.pools:
            self.stirred[demand] = None
        profile.demands[demand] = cost
        demand.pools[pool] = profile
        pool.listeners[demand] = rank
        if pool.entries:
            demand.note(pool, rank, pool.entries[0])

    def _rank(self, demand: Demand, profile: Profile, tier: tuple[int, int], cost: float) -> Rank:
        step, missing = tier
        figure = shift = 0.0
        remote = 0
        match demand.strategy:
            case Strategy.LONGEST_IDLE | Strategy.MOST_IDLE:
                shift = cost
            case Strategy.WEIGHTED:
                weights, level = demand.weights, profile.traits.level(demand.targets[step].require)
                shift = cost * weights.idle - weights.proficiency * level
                if weights.flexibility:
                    shift += weights.flexibility * self._flexibility(profile)
            case Strategy.MOST_PROFICIENT:
                remote = cost > 0
                figure = -profile.traits.level(demand.targets[step].require)
            case Strategy.LEAST_FLEXIBLE:
                remote = cost > 0
                figure = self._flexibility(profile)
            case _:
                remote = cost > 0
        return Rank((step * _STEP + missing) * 2 + remote, figure, shift)

    def _flexibility(self, profile: Profile) -> int:
        if profile.flexibility is None:
            tiers = (profile.traits.tier(targets) for targets in self.queue_targets)
            profile.flexibility = sum(tier is not None for tier in tiers)
        return profile.flexibility
