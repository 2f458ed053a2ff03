"""Several Asterisk nodes as one telephone exchange: each command goes to the node that holds the caller.

A caller stays at the node where the call came in, with its room and its recording; the leg of an agent whose phone is
registered elsewhere goes through that node (`Phones.dial`). What happens is told by each bridge for itself.
"""

import asyncio
from collections.abc import Mapping, Sequence

from acd.ports import CallEvents, CallFacts, Ring, Target
from core.errors import NotFound, OneCallError
from cti.bridge import Bridge


class Nodes:
    """`acd.ports.Telephony` and `ivr.ports.Transfers` on two bridges or more, which share one `Registrations`."""

    def __init__(self, bridges: Sequence[Bridge], patience: float = 10.0) -> None:
        """`patience`: seconds after which a node that has not been reached since the start is told as away."""
        self._patience = patience
        self._bridges = {bridge.node: bridge for bridge in bridges}

    @property
    def up(self) -> Mapping[str, bool]:
        """Which nodes can be reached."""
        return {node: bridge.manager.up for node, bridge in self._bridges.items()}

    def tell(self, events: CallEvents) -> None:
        """Who is told; set before `run`."""
        for bridge in self._bridges.values():
            bridge.tell(events)

    async def tell_unreached(self) -> None:
        """Once, after the start: a bridge tells only of a connection that it has had. Each of them runs by itself."""
        await asyncio.sleep(self._patience)
        for bridge in self._bridges.values():
            if not bridge.manager.up:
                bridge.down("it has not been reached since the start")

    async def reload_phones(self) -> None:
        """Have each node read its file of phones again; one that is away does so when it is back.

        Raises Refused and Unavailable.
        """
        for bridge in self._bridges.values():
            bridge.reload_when_back = not bridge.manager.up
        for bridge in self._bridges.values():
            if not bridge.reload_when_back:
                await bridge.reload_phones()

    def _holder(self, interaction_id: str) -> Bridge:
        held = [bridge for bridge in self._bridges.values() if bridge.holds(interaction_id)]
        if held:
            return next((bridge for bridge in held if bridge.manager.up), held[0])
        raise NotFound(f"There is no call {interaction_id}.", "The caller has hung up; nothing is to be done.")

    def _ringing(self, fence: int) -> Bridge | None:
        return next((bridge for bridge in self._bridges.values() if bridge.rings(fence)), None)

    # ---- acd.ports.Telephony ----

    def ring(self, ring: Ring) -> None:
        """Ring the agent's phone from the caller's node."""
        self._bridges[ring.node].ring(ring)

    def stop_ringing(self, fence: int) -> None:
        """Stop the phone of that offer."""
        if (bridge := self._ringing(fence)) is not None:
            bridge.stop_ringing(fence)

    async def answer(self, fence: int) -> None:
        """Make the phone pick up: asked for by the node that has it, since another one knows only its own leg."""
        for bridge in self._bridges.values():
            if await bridge.answer_guest(fence):
                return
        if (bridge_of_caller := self._ringing(fence)) is not None:
            await bridge_of_caller.answer(fence)

    async def hang_up(self, interaction_id: str, agent_id: str) -> None:
        """End the conversation."""
        await self._holder(interaction_id).hang_up(interaction_id, agent_id)

    async def hold(self, interaction_id: str, agent_id: str) -> None:
        """The caller rests with music."""
        await self._holder(interaction_id).hold(interaction_id, agent_id)

    async def resume(self, interaction_id: str, agent_id: str) -> None:
        """Back into the room."""
        await self._holder(interaction_id).resume(interaction_id, agent_id)

    async def mute(self, interaction_id: str, agent_id: str, muted: bool) -> None:
        """Let nobody hear the agent, or hear again."""
        await self._holder(interaction_id).mute(interaction_id, agent_id, muted)

    async def dtmf(self, interaction_id: str, agent_id: str, digits: str) -> None:
        """Play keys to the caller's side."""
        await self._holder(interaction_id).dtmf(interaction_id, agent_id, digits)

    async def transfer(self, interaction_id: str, agent_id: str, target: Target, extension: str | None) -> None:
        """Blind transfer."""
        await self._holder(interaction_id).transfer(interaction_id, agent_id, target, extension)

    async def release_to_queue(self, interaction_id: str, agent_id: str, facts: CallFacts) -> None:
        """Back to the waiting place."""
        await self._holder(interaction_id).release_to_queue(interaction_id, agent_id, facts)

    async def consult(self, interaction_id: str, agent_id: str, target: Target, extension: str) -> None:
        """The caller rests, the expert rings into the room."""
        await self._holder(interaction_id).consult(interaction_id, agent_id, target, extension)

    async def consult_complete(self, interaction_id: str, agent_id: str) -> None:
        """The caller joins the expert."""
        await self._holder(interaction_id).consult_complete(interaction_id, agent_id)

    async def consult_cancel(self, interaction_id: str, agent_id: str) -> None:
        """The expert's leg ends."""
        await self._holder(interaction_id).consult_cancel(interaction_id, agent_id)

    async def conference(self, interaction_id: str, agent_id: str) -> None:
        """Caller, agent and expert in one room."""
        await self._holder(interaction_id).conference(interaction_id, agent_id)

    async def record_pause(self, interaction_id: str, paused: bool) -> None:
        """Silence in the recording."""
        await self._holder(interaction_id).record_pause(interaction_id, paused)

    async def announce(self, interaction_id: str, prompts: Sequence[str]) -> None:
        """Say prompts to a waiting caller."""
        await self._holder(interaction_id).announce(interaction_id, prompts)

    async def promise_call_back(self, interaction_id: str, prompts: Sequence[str]) -> None:
        """Say that the place is kept, and hang up."""
        await self._holder(interaction_id).promise_call_back(interaction_id, prompts)

    async def dismiss(self, interaction_id: str, prompts: Sequence[str]) -> None:
        """Say prompts, and hang up."""
        await self._holder(interaction_id).dismiss(interaction_id, prompts)

    async def write_facts(self, interaction_id: str, facts: CallFacts) -> None:
        """New routing facts for a waiting caller."""
        await self._holder(interaction_id).write_facts(interaction_id, facts)

    async def dial_back(self, facts: CallFacts, number: str, attempt: int) -> None:
        """Dial the customer from the node where the agent waits in a room."""
        await self._holder(facts.interaction_id).dial_back(facts, number, attempt)

    async def divert(self, interaction_id: str, destination: str) -> None:
        """Send a waiting caller out of the queue."""
        await self._holder(interaction_id).divert(interaction_id, destination)

    # ---- ivr.ports.Transfers ----

    async def to_number(self, interaction_id: str, number: str, ring_seconds: float) -> bool:
        """Ring an outside number for a caller in the IVR, which does not say at which node: the one who has it does."""
        missing: OneCallError | None = None
        for bridge in self._bridges.values():
            try:
                return await bridge.to_number(interaction_id, number, ring_seconds)
            except OneCallError as error:
                missing = missing if isinstance(error, NotFound) and missing is not None else error
        assert missing is not None
        raise missing
