"""Offers: the pop on screen, then the phone rings, and whatever becomes of it."""

import math
from dataclasses import replace
from typing import Any

from acd import effects as fx
from acd import events as ev
from acd.config import RoutingConfig
from acd.desks import Desk, DeskCall
from acd.ports import CallFacts, PopAndTicket, Refusal, Ring
from acd.storyteller import Storyteller
from acd.switchboard import Call, LiveOffer, Switchboard
from core.errors import OneCallError
from core.log import get_logger
from core.metrics import Counter

_log = get_logger(__name__)
_ended = Counter("onecall_offers_total", "Offers made to agents, by how they ended", ["result"])
_NOTICES = {
    "no_answer": "rona",
    "unreachable": "unreachable",
    "busy": "busy",
    "failed": "failed",
    "caller_left": "caller_left",
}


class Ringing:
    """Carries out the engine's offers."""

    def __init__(self, board: Switchboard, storyteller: Storyteller) -> None:
        self._b = board
        self._storyteller = storyteller

    def offer(self, effect: fx.Offer, at: float) -> None:
        """Begin an offer."""
        board = self._b
        call, desk = board.calls.get(effect.interaction_id), board.desks.get(effect.agent_id)
        offer = LiveOffer(effect.fence, effect.interaction_id, effect.agent_id, effect.deadline)
        board.offers[effect.fence] = offer
        if call is None or desk is None:
            board.later(self._refuse(offer, "failed"))
            return
        queue_id = call.facts.queue_id
        if call.promised and call.facts.node in board.away:
            # The customer is dialled from where the agent is, as the node of the call that asked for it cannot.
            call.facts = replace(call.facts, node=desk.phone_node)
        board.tell("offer.made", at, effect.interaction_id, effect.agent_id, fence=effect.fence, queue_id=queue_id)
        if desk.online is None:
            # There is nobody to show the pop to: the phone need not wait for it, and nobody need read it.
            story = board.story_so_far(call) or PopAndTicket()
            self._ring(offer, call, desk, story)
            self._show(offer, call, desk, at, story)
        else:
            board.later(self._pop_then_ring(offer, call, desk, at))

    async def _pop_then_ring(self, offer: LiveOffer, call: Call, desk: Desk, at: float) -> None:
        board = self._b
        story = await board.story(call)
        if offer.fence not in board.offers:
            return
        seq = self._show(offer, call, desk, at, story)
        if desk.online is not None:
            await board.desks.painted(desk, seq, board.rules.paint_seconds)
            if offer.fence not in board.offers:
                return
        self._ring(offer, call, desk, story)
        await self._storyteller.shown(desk, call)

    def _show(self, offer: LiveOffer, call: Call, desk: Desk, at: float, story: PopAndTicket) -> int:
        desk.call = DeskCall(
            call.facts, offer.fence, "ringing", at, offer.deadline, pop=story.pop, ticket_id=story.ticket_id
        )
        return self._b.changed(desk)

    def _ring(self, offer: LiveOffer, call: Call, desk: Desk, story: PopAndTicket) -> None:
        offer.ringing = True
        ring = Ring(
            offer.fence,
            offer.interaction_id,
            desk.seat.agent_id,
            desk.seat.extension,
            max(1.0, offer.deadline - self._b.clock.now()),
            call.facts.number,
            story.caller_name,
            call_back=call.promised,
            node=call.facts.node,
        )
        try:
            self._b.telephony.ring(ring)
        except OneCallError as error:
            _log.warning("phone cannot be rung", interaction_id=offer.interaction_id, fence=offer.fence, why=str(error))
            self._b.later(self._refuse(offer, "failed"))

    async def _refuse(self, offer: LiveOffer, reason: Refusal) -> None:
        self._b.step(ev.OfferRefused(self._b.clock.now(), offer.fence, reason))

    def withdrawn(self, effect: fx.OfferWithdrawn, at: float) -> None:
        """The engine takes an offer back: stop the phone."""
        offer = self._b.offers.pop(effect.fence, None)
        result = {"deadline": "no_answer", "left": "caller_left"}.get(effect.reason, "withdrawn")
        call = self._b.calls.get(effect.interaction_id)
        if call is not None and call.away:
            result = "withdrawn"  # the caller is there still, where no command reaches
        self._over(effect.fence, effect.interaction_id, effect.agent_id, result, at)
        if offer is not None and offer.ringing:
            self.stop(effect.fence)

    def stop(self, fence: int) -> None:
        """Stop a phone that rings for this offer: before the caller is offered to the next one."""
        try:
            self._b.telephony.stop_ringing(fence)
        except OneCallError as error:
            _log.warning("phone could not be stopped", fence=fence, why=str(error))

    def ended(self, effect: fx.OfferEnded, at: float) -> None:
        """The offer was answered, or the agent's side refused it."""
        self._b.offers.pop(effect.fence, None)
        if effect.result == "accepted":
            self._answered(effect, at)
        else:
            self._over(effect.fence, effect.interaction_id, effect.agent_id, effect.result, at)

    def _answered(self, effect: fx.OfferEnded, at: float) -> None:
        board, interaction_id, agent_id = self._b, effect.interaction_id, effect.agent_id
        _ended.labels("answered").inc()
        board.tell("offer.ended", at, interaction_id, agent_id, fence=effect.fence, result="answered")
        call, desk = board.calls.get(interaction_id), board.desks.get(agent_id)
        if call is None:
            return
        call.agent_id, call.answered, call.personal = agent_id, True, False
        facts: CallFacts = call.facts
        waited = round(at - facts.queued_at, 3)
        board.tell(
            "call.answered", at, interaction_id, agent_id, fence=effect.fence, queue_id=facts.queue_id, waited=waited
        )
        if desk is not None and desk.call is not None:
            desk.call.phase, desk.call.answered, desk.call.deadline = "talking", at, None
        board.later(board.open_ticket(facts, agent_id, at))

    def _over(self, fence: int, interaction_id: str, agent_id: str, result: str, at: float) -> None:
        board = self._b
        _ended.labels(result).inc()
        board.tell("offer.ended", at, interaction_id, agent_id, fence=fence, result=result)
        call, desk = board.calls.get(interaction_id), board.desks.get(agent_id)
        if desk is not None and desk.call is not None and desk.call.fence == fence:
            desk.call = None
            if result in _NOTICES:
                board.desks.notice(desk, "info" if result == "caller_left" else "warning", _NOTICES[result])
            board.changed(desk)
        if call is not None and call.story is None:
            board.read_early(call)
        if call is not None and call.personal and result != "caller_left":
            call.personal = False
            board.later(self._back_to_everyone(call))

    async def _back_to_everyone(self, call: Call) -> None:
        """A call handed to one agent who did not take it waits for anyone, at its place."""
        now = self._b.clock.now()
        if self._b.engine.interaction(call.facts.interaction_id) is not None:
            self._b.step(ev.InteractionLeft(now, call.facts.interaction_id, "moved"))
            # The engine takes an arrival no later than a departure for a late echo of it.
            again = math.nextafter(now, math.inf)
            self._b.step(ev.InteractionQueued(again, **queued_fields(call.facts, self._b.config)))


def queued_fields(facts: CallFacts, config: RoutingConfig) -> dict[str, Any]:
    """What the engine is told of a caller who waits (all but the time)."""
    queue = config.queues.get(facts.queue_id) if facts.preferred_agent_id else None
    attributes = {"language": facts.language, "programme": facts.programme_id, "segment": facts.segment}
    return {
        "interaction_id": facts.interaction_id,
        "queue_id": facts.queue_id,
        "waiting_since": facts.queued_at,
        "priority": facts.priority,
        "require": facts.skills,
        "preferred_agent_id": facts.preferred_agent_id or "",
        "preferred_wait": queue.wait_for(owner=facts.prefers_owner) if queue is not None else 0.0,
        "direction": facts.direction,
        "node": facts.node,
        "attributes": {name: value for name, value in attributes.items() if value},
    }
