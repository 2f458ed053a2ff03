"""Consultations as desks show them: who is asked sees the customer's story, and keeps it when the call is handed on."""

from acd import events as ev
from acd.desks import Desk, DeskCall
from acd.ports import CallView
from acd.sites import begins_at
from acd.storyteller import Storyteller
from acd.switchboard import Call, Switchboard


class Experts:
    """Keeps the desk of a consulted agent, and the engine's view of that agent, true while the consultation lasts."""

    def __init__(self, board: Switchboard, storyteller: Storyteller) -> None:
        self._b = board
        self._storyteller = storyteller
        self._asked: dict[str, set[str]] = {}
        """Who has been shown a call as its expert, by interaction, until its talk is over."""

    def changed(self, at: float, view: CallView, before: CallView | None) -> None:
        """A consultation began, went on, or ended: the expert is busy for the engine exactly while it lasts."""
        was, now = (state.consult.target if state and state.consult else None for state in (before, view))
        if was != now and was is not None and was.kind == "agent":
            self._b.step(ev.ConsultEnded(at, view.interaction_id, was.id))
            self._dismiss(at, was.id)
        if now is not None and now.kind == "agent":
            if was != now:
                self._b.step(ev.ConsultStarted(at, view.interaction_id, now.id))
            self._show(at, view, now.id)

    def adopted(self, at: float, view: CallView) -> None:
        """A consultation found on Asterisk: an expert of whom the engine knows nothing yet is at work in it."""
        asked, call = view.consult.target if view.consult else None, self._b.calls.get(view.interaction_id)
        if asked is None or asked.kind != "agent" or call is None:
            return
        expert = self._b.engine.agent(asked.id)
        if expert is None or expert.state != "signed_out":
            self.changed(at, view, None)
            return
        facts, desk = call.facts, self._b.desks.get(asked.id)
        self._b.step(
            ev.AgentAdopted(
                at,
                asked.id,
                "consulting",
                at,
                interaction_id=facts.interaction_id,
                queue_id=facts.queue_id,
                node=begins_at(desk) if desk is not None else "",
            )
        )
        self._show(at, view, asked.id)

    def over(self, at: float, interaction_id: str) -> None:
        """The caller is in no talk any more: no desk shows a consultation about this call."""
        for agent_id in self._asked.pop(interaction_id, ()):
            desk = self._b.desks.get(agent_id)
            if desk is not None and desk.call is not None and desk.call.facts.interaction_id == interaction_id:
                self._dismiss(at, agent_id)

    def take_over(self, at: float, call: Call, desk: Desk, former: Desk | None) -> None:
        """The call is this agent's from now on, with the ticket and the story that the former agent had."""
        if desk.call is None or desk.call.facts.interaction_id != call.facts.interaction_id:
            desk.call = DeskCall(call.facts, 0, "talking", at, None)
            self._hand_story(desk, desk.call, former)
        desk.call.role, desk.call.phase, desk.call.answered, desk.call.view = "agent", "talking", at, None

    def _show(self, at: float, view: CallView, agent_id: str) -> None:
        call, desk = self._b.calls.get(view.interaction_id), self._b.desks.get(agent_id)
        if call is None or desk is None or view.consult is None:
            return
        if desk.call is None:
            desk.call = DeskCall(call.facts, 0, "ringing", at, None, role="expert")
            self._asked.setdefault(view.interaction_id, set()).add(agent_id)
            self._hand_story(desk, desk.call, self._b.desks.get(view.agent_id))
        if desk.call.role != "expert" or desk.call.facts.interaction_id != view.interaction_id:
            return
        if view.consult.state == "talking":
            desk.call.phase = "conference" if view.phase == "conference" else "talking"
            desk.call.answered = desk.call.answered or at
        self._b.desks.changed(desk, at)

    def _dismiss(self, at: float, agent_id: str) -> None:
        desk = self._b.desks.get(agent_id)
        if desk is not None and desk.call is not None and desk.call.role == "expert":
            desk.call = None
            self._b.desks.changed(desk, at)

    def _hand_story(self, desk: Desk, call: DeskCall, owner: Desk | None) -> None:
        if owner is not None and owner.call is not None:
            call.pop, call.ticket_id = owner.call.pop, owner.call.ticket_id
        if not call.pop or owner is None or owner.online is None:
            # What an owner without a browser was given has not been read again since.
            self._storyteller.looked_at(desk)
