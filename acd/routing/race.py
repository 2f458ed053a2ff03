"""Who comes first when many have a new chance at once. Its cost grows with lines and offers, not with agents."""

from bisect import bisect_left
from heapq import heappop, heappush

from acd.routing.index import Demand, LineKey
from acd.routing.state import FRONT, InteractionRecord


class Race:
    """The heads of lines in order. With a cost of crossing, a head stands twice: as the agents of its own node see it,
    and as the others do.

    While the race goes on agents only become fewer, so a line that has nobody ready drops out for good.
    """

    def __init__(self, crossing_cost: float) -> None:
        self._costs = (0.0, crossing_cost) if crossing_cost else (0.0,)
        self._heap: list[tuple[LineKey, int, LineKey, Demand, float | None]] = []
        self._entered: dict[Demand, None] = {}
        self._put_off: dict[Demand, None] = {}
        self._number = 0
        self._key: tuple[Demand, float | None] | None = None

    def enter(self, demand: Demand) -> None:
        """The head of this line runs (once, however often it is said)."""
        if demand not in self._entered:
            self._entered[demand] = None
            for cost in self._costs:
                self._push(demand, demand.line[0], cost)

    def enter_call(self, call: InteractionRecord) -> None:
        """The line of this interaction runs; itself too when it asks for an agent by name."""
        demand, key = call.standing, call.line_key
        if demand is None or key is None:
            return
        self.enter(demand)
        if call.preferred:
            self._push(demand, key, None)

    def next(self) -> tuple[Demand, LineKey] | None:
        """The first of all, with its line; None when the race is over."""
        while self._heap:
            _, _, key, demand, cost = heappop(self._heap)
            if cost is None:
                at = bisect_left(demand.line, key)
                if at < len(demand.line) and demand.line[at] == key:
                    self._key = (demand, None)
                    return demand, key
            elif demand.line and demand.line[0] != key:
                self._push(demand, demand.line[0], cost)
            elif demand.line and self._is_seen(demand, cost):
                self._key = (demand, cost)
                return demand, key
        return None

    def goes_on(self, demand: Demand) -> None:
        """An offer was made: the next of this line runs, and so do those that were put off."""
        if self._key is not None and self._key[1] is not None and demand.line:
            self._push(demand, demand.line[0], self._key[1])
        for other in self._put_off:
            for cost in self._costs:
                if other.line:
                    self._push(other, other.line[0], cost)
        self._put_off.clear()

    def put_off(self, demand: Demand) -> None:
        """All its agents have something to do first: it runs again after the next offer."""
        self._put_off[demand] = None

    def _push(self, demand: Demand, key: LineKey, cost: float | None) -> None:
        seen = (key[0], key[1] + cost, key[2], key[3], key[4]) if cost and key[0] != FRONT else key
        self._number += 1
        heappush(self._heap, (seen, self._number, key, demand, cost))

    def _is_seen(self, demand: Demand, cost: float) -> bool:
        """Whether an agent is ready who sees the line at this cost."""
        if len(self._costs) == 1:
            return True
        return any(pool.entries and profile.demands[demand] == cost for pool, profile in demand.pools.items())
