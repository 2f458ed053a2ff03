"""The routing engine: events in, effects out. No I/O, no clock, no chance: the same events give the same effects."""

from collections.abc import Mapping
from typing import Any

from acd.config import RoutingConfig
from acd.effects import Effect
from acd.events import Event
from acd.views import AgentView, Estimate, InteractionView


class Engine:
    """Decides who gets which interaction.

    `seed` breaks ties, always the same way. `first_fence` must be above every fence of an earlier life of the same
    process (epoch milliseconds at start will do).
    """

    def __init__(self, config: RoutingConfig, seed: int = 0, first_fence: int = 1) -> None:
        raise NotImplementedError

    def handle(self, event: Event) -> list[Effect]:
        """Take one event and say what is to be done, in order. Never raises for what an event says.

        Time never runs back: an event older than the newest one seen is taken as happening now.
        """
        raise NotImplementedError

    def next_due(self) -> float | None:
        """The instant (epoch seconds) at which a `Tick` is owed; None while nothing is timed."""
        raise NotImplementedError

    def snapshot(self) -> dict[str, Any]:
        """The whole state as JSON-able data; `restore` with the same configuration decides on as this engine."""
        raise NotImplementedError

    @classmethod
    def restore(cls, config: RoutingConfig, snapshot: Mapping[str, Any]) -> "Engine":
        """An engine in the state of the snapshot. Raises `core.errors.Invalid` for a snapshot of another form."""
        raise NotImplementedError

    def waiting(self, queue_id: str) -> tuple[InteractionView, ...]:
        """Who waits in this queue (held and offered ones included), in order of their place."""
        raise NotImplementedError

    def agents(self) -> tuple[AgentView, ...]:
        """All configured agents, by id."""
        raise NotImplementedError

    def agent(self, agent_id: str) -> AgentView | None:
        """One agent, or None when unknown."""
        raise NotImplementedError

    def interaction(self, interaction_id: str) -> InteractionView | None:
        """One interaction in the engine's hands, or None."""
        raise NotImplementedError

    def interactions(self) -> tuple[InteractionView, ...]:
        """All interactions in the engine's hands, by id."""
        raise NotImplementedError

    def position(self, interaction_id: str) -> int | None:
        """The place in its queue's line (1 = next), or None when it does not wait."""
        raise NotImplementedError

    def estimate(self, queue_id: str, position: int | None = None) -> Estimate:
        """The expected wait of someone at `position` (default: someone who came now) in this queue."""
        raise NotImplementedError
