"""What Asterisk says after a cut or a restart becomes what we believe (`Dispatcher.bridge_up`).

The order matters: answers that nobody heard come first, so that no caller in talk is taken for one who waits.
"""

from typing import TYPE_CHECKING

from acd import events as ev
from acd.desks import Desk, DeskCall
from acd.ports import CallFacts, LiveCall, ReadBack
from acd.ringing import queued_fields
from acd.sites import begins_at
from acd.switchboard import Call

if TYPE_CHECKING:
    from acd.dispatcher import Dispatcher


class Adoption:
    """Makes the engine, the desks and the journal equal to a read-back."""

    def __init__(self, dispatcher: "Dispatcher") -> None:
        self._d, self._b = dispatcher, dispatcher.board
        self._elsewhere: dict[str, frozenset[str]] = {}

    @property
    def elsewhere(self) -> frozenset[str]:
        """Callers who, at the last read-back of their node, were there but neither waited nor talked."""
        return frozenset().union(*self._elsewhere.values())

    def take(self, at: float, state: ReadBack) -> None:
        """All of it, once for each (re)connection."""
        self._elsewhere[state.node] = state.elsewhere
        for desk in self._b.desks.all():
            extension = desk.seat.extension
            self._d.phone_changed(at, extension, extension in state.registered, state.phones.get(extension, state.node))
        self._settle_offers(at, state)
        for live in state.talking:
            self._talk(at, live)
        known = [
            self._b.calls[facts.interaction_id] for facts in state.waiting if facts.interaction_id in self._b.calls
        ]
        fronted = sorted((call for call in known if call.away and call.fronted), key=lambda call: call.fronted)
        for facts in state.waiting:
            self._waiting(at, facts)
        for call in fronted:
            self._d.places.first_again(at, call)
        self._end_the_gone(at, state)
        for fence in state.ringing:
            if fence not in self._b.offers:
                self._d.ringing.stop(fence)

    def _settle_offers(self, at: float, state: ReadBack) -> None:
        """Offers whose outcome was told while nobody listened."""
        talking = {live.facts.interaction_id: live for live in state.talking}
        for fence, offer in list(self._b.offers.items()):
            if not self._d.sites.is_at(offer.interaction_id, state.node):
                continue
            live = talking.get(offer.interaction_id)
            if live is not None and live.view.agent_id == offer.agent_id:
                self._d.leg_answered(live.answered, fence)
            elif live is None and offer.ringing and fence not in state.ringing:
                self._d.leg_refused(at, fence, "failed")

    def _talk(self, at: float, live: LiveCall) -> None:
        facts, view = live.facts, live.view
        desk, known = self._b.desks.get(view.agent_id), self._b.calls.get(facts.interaction_id)
        if desk is None:
            return
        if known is not None and known.answered:
            if known.agent_id != view.agent_id:
                self._d.agent_joined(at, facts.interaction_id, view.agent_id)
            self._d.call_changed(at, view)
            return
        self._b.calls[facts.interaction_id] = call = Call(facts, agent_id=view.agent_id, answered=True)
        desk.call = DeskCall(facts, 0, view.phase, live.answered, None, answered=live.answered, view=view)
        self._b.step(
            ev.AgentAdopted(
                at,
                view.agent_id,
                "talking",
                live.answered,
                interaction_id=facts.interaction_id,
                queue_id=facts.queue_id,
                node=begins_at(desk),
            )
        )
        if known is not None:
            # We lived through the cut, so the journal has no word of this answer: the offer was taken back before it.
            waited = round(live.answered - facts.queued_at, 3)
            self._b.tell(
                "call.answered", live.answered, facts.interaction_id, view.agent_id, fence=None,
                queue_id=facts.queue_id, waited=waited,
            )  # fmt: skip
        self._d.experts.adopted(at, view)
        self._b.later(self._restore_desk(desk, call, live.answered))

    def _waiting(self, at: float, facts: CallFacts) -> None:
        known = self._b.calls.get(facts.interaction_id)
        if known is not None and known.answered:
            known.moving = False  # whoever moved it learns from the command that the connection was cut
            self._d.caller_waiting(at, facts)
        elif known is None or known.away:
            if known is None:
                self._b.new_call(facts)
            else:
                known.away, known.facts = False, facts
            self._b.step(ev.InteractionAdopted(at, **queued_fields(facts, self._b.config)))

    def _end_the_gone(self, at: float, state: ReadBack) -> None:
        """Who waited when we last looked and is gone has given up; who ended a talk unheard, nobody can say."""
        there = {facts.interaction_id for facts in state.waiting} | {one.facts.interaction_id for one in state.talking}
        there |= state.elsewhere
        gone = [known for known in self._b.calls if known not in there and self._d.sites.is_at(known, state.node)]
        for interaction_id in gone:
            view = self._b.engine.interaction(interaction_id)
            waited = self._b.calls[interaction_id].away or (view is not None and view.place != "talking")
            self._d.caller_gone(at, interaction_id, "caller" if waited else "system", "unknown", 0)

    async def _restore_desk(self, desk: Desk, call: Call, answered: float) -> None:
        await self._b.open_ticket(call.facts, desk.seat.agent_id, answered)
        if desk.call is not None and desk.call.facts.interaction_id == call.facts.interaction_id:
            await self._d.storyteller.show(desk, call)

    def reread(self, desk: Desk, facts: CallFacts) -> None:
        """Fetch again what a desk shows of a call that is over but not wrapped up (after a restart)."""
        self._b.later(self._restore_desk(desk, Call(facts), desk.call.answered or 0.0 if desk.call else 0.0))
