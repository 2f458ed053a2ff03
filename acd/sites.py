"""Several Asterisk nodes: which are away, what waits there, and at which node each agent's phone is.

Where there is one node, nothing here does anything.
"""

import asyncio
from dataclasses import replace

from acd import events as ev
from acd.config import RoutingConfig
from acd.desks import Desk
from acd.switchboard import Switchboard

_SETTLE = 0.5
"""Phones that move come in flocks (a node is away): the engine is told of all in one change of configuration."""


class Sites:
    """What the dispatcher knows of nodes."""

    def __init__(self, board: Switchboard) -> None:
        self._b = board
        self._moved: set[str] = set()

    @property
    def several(self) -> bool:
        """Whether there is more than one."""
        return len(self._b.nodes) > 1

    def of(self, node: str | None) -> str:
        """The node of that name; the first one for a name that there is not (any more)."""
        return node if node in self._b.nodes else self._b.nodes[0]

    def is_at(self, interaction_id: str, node: str) -> bool:
        """Whether a caller is at that node; one whom nobody knows may be anywhere."""
        call = self._b.calls.get(interaction_id)
        return not self.several or call is None or self.of(call.facts.node) == node

    # --- a node that is away ------------------------------------------------------------------------------------

    def away(self, at: float, node: str) -> None:
        """No command reaches that node: whoever waits there is offered to nobody until it is back."""
        if not self.several:
            return
        self._b.away.add(node)
        for interaction_id, call in list(self._b.calls.items()):
            view = self._b.engine.interaction(interaction_id)
            if view is None or view.place == "talking" or call.answered or call.promised or call.moving:
                continue
            if self.of(call.facts.node) == node:
                call.away, call.personal = True, False
                self._b.step(ev.InteractionLeft(at, interaction_id, "moved"))

    def back(self, node: str) -> None:
        """It can be reached again; the read-back says who still waits there."""
        self._b.away.discard(node)

    # --- phones -------------------------------------------------------------------------------------------------

    def phone_at(self, desk: Desk, node: str) -> None:
        """The phone is registered there now."""
        desk.phone_node, agent_id = node, desk.seat.agent_id
        view = self._b.engine.agent(agent_id)
        if not self.several or view is None or view.state == "signed_out":
            return
        if not self._moved:
            self._b.later(self._tell_moves())
        self._moved.add(agent_id)

    def configured(self, config: RoutingConfig) -> RoutingConfig:
        """The configuration with each agent at the node where the phone is: the profile's node is only the default."""
        told = {desk.seat.agent_id: desk.told_node for desk in self._b.desks.all() if desk.told_node}
        if not self.several or not told:
            return config
        agents = {
            agent_id: replace(agent, node=told.get(agent_id, agent.node)) for agent_id, agent in config.agents.items()
        }
        return replace(config, agents=agents)

    async def _tell_moves(self) -> None:
        """The engine takes a move only as a change of the agent's configured node: the old one is put there first."""
        await asyncio.sleep(_SETTLE)
        moved, self._moved = self._moved, set()
        desks = [desk for desk in map(self._b.desks.get, sorted(moved)) if desk is not None and _has_moved(desk)]
        if not desks:
            return
        self._configure()
        for desk in desks:
            desk.told_node = desk.phone_node
        self._configure()

    def _configure(self) -> None:
        self._b.config = self.configured(self._b.config)
        self._b.step(ev.ConfigChanged(self._b.clock.now(), self._b.config))


def begins_at(desk: Desk) -> str:
    """The node of the agent's phone, as the engine is told it with the beginning of a shift."""
    desk.told_node = desk.phone_node
    return desk.phone_node


def _has_moved(desk: Desk) -> bool:
    return desk.phone_node != desk.told_node
