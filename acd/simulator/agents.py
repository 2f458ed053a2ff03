"""The agents of a run: how long each was in which state, and by interval of the day.

Occupancy is handling ÷ (handling + ready). Handling is talk, hold and wrap-up; ready includes the seconds a phone
rings; breaks and every other not-ready time are outside.
"""

from acd.effects import AgentStateName
from acd.simulator.setup import Setup

_KIND: dict[AgentStateName, int] = {"talking": 0, "wrap_up": 0, "ready": 1, "ringing": 1}


class Seat:
    """One agent's clock. Times are seconds, `since` is an instant (epoch seconds)."""

    __slots__ = ("handling", "queues", "ready", "since", "state", "wrapping")

    def __init__(self) -> None:
        self.state: AgentStateName = "signed_out"
        self.since = 0.0
        self.handling = 0.0
        self.ready = 0.0
        self.queues: set[str] = set()
        self.wrapping: str = ""
        """The interaction whose wrap-up is going on."""


class Agents:
    """All seats, and the sums by interval."""

    def __init__(self, setup: Setup) -> None:
        pieces = int(-(-setup.end // setup.interval))
        self.seats = {agent_id: Seat() for agent_id in setup.config.agents}
        self.handling = [0.0] * pieces
        self.ready = [0.0] * pieces
        self._from = setup.epoch + setup.warm_up
        self._to = setup.epoch + setup.end
        self._start = setup.epoch
        self._interval = setup.interval

    def changed(self, agent_id: str, state: AgentStateName, at: float) -> Seat:
        """The agent is in `state` from now on."""
        seat = self.seats[agent_id]
        kind = _KIND.get(seat.state)
        if kind is not None:
            self._count(seat, kind, max(seat.since, self._from), min(at, self._to))
        seat.state = state
        seat.since = at
        return seat

    def close(self, at: float) -> None:
        """The run is over: count what is going on."""
        for agent_id, seat in self.seats.items():
            self.changed(agent_id, seat.state, at)

    def _count(self, seat: Seat, kind: int, start: float, end: float) -> None:
        if end <= start:
            return
        if kind == 0:
            seat.handling += end - start
            sums = self.handling
        else:
            seat.ready += end - start
            sums = self.ready
        piece = int((start - self._start) // self._interval)
        while start < end:
            border = min(end, self._start + (piece + 1) * self._interval)
            sums[piece] += border - start
            start = border
            piece += 1
