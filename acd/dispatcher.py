"""The dispatcher: turns what the bridge tells into engine events, and has done what the engine decides."""

import asyncio
import math
from collections.abc import Mapping

from acd import effects as fx
from acd import events as ev
from acd.adoption import Adoption
from acd.callbacks import CallBacks
from acd.config import RoutingConfig, WrapUpMode
from acd.desks import Desk, DeskCall
from acd.experts import Experts
from acd.places import Places
from acd.ports import CallFacts, CallView, EndedBy, ReadBack, Refusal
from acd.ringing import Ringing, queued_fields
from acd.sites import Sites
from acd.storyteller import Storyteller
from acd.switchboard import Call, Switchboard
from core.errors import OneCallError
from core.log import get_logger
from core.metrics import Counter

_log = get_logger(__name__)
_ignored = Counter("onecall_engine_ignored_total", "Events that changed nothing (stale, duplicate, unknown)", ["event"])

UNFINISHED = "wrap_up_unfinished"
PHONE_LOST = "phone_lost"
DESK_LOST = "desk_lost"


class Dispatcher:
    """Fulfils `acd.ports.CallEvents`. Commands of agents and supervisors come through `acd.commands`."""

    def __init__(self, board: Switchboard) -> None:
        self.board = board
        self.storyteller = Storyteller(board)
        self.ringing = Ringing(board, self.storyteller)
        self.call_backs = CallBacks(board)
        self.experts = Experts(board, self.storyteller)
        self.places = Places(board)
        self.sites = Sites(board)
        self.adoption = Adoption(self)
        self.bridge_is_up = asyncio.Event()
        alone = len(board.nodes) == 1
        self.node_is_up = {node: self.bridge_is_up if alone else asyncio.Event() for node in board.nodes}
        """Set once that node has been read back for the first time; `bridge_is_up`: any of them."""
        board.do = self._do

    # --- what the engine decides ------------------------------------------------------------------------------

    def _do(self, effect: fx.Effect, at: float) -> None:
        match effect:
            case fx.Offer():
                self.ringing.offer(effect, at)
            case fx.OfferWithdrawn():
                self.ringing.withdrawn(effect, at)
            case fx.OfferEnded():
                self.ringing.ended(effect, at)
            case fx.AgentStateChanged():
                self._agent_changed(effect, at)
            case fx.Announce():
                self._announce(effect)
            case fx.Overflowed() if effect.kind == "call_back":
                self.call_backs.offered(effect)
            case fx.CallBackDue():
                self.call_backs.due(effect)
            case fx.CallBackScheduled():
                self.call_backs.scheduled(effect, at)
            case fx.CallBackGivenUp():
                self.call_backs.given_up(effect, at)
            case fx.Overflowed() if effect.kind not in {"queue", "programme"}:
                self.places.diverted(effect, at)
            case fx.Queued():
                self.places.queued(effect, at)
            case fx.RequirementIgnored():
                _log.warning("requirement cannot be read", interaction_id=effect.interaction_id, problem=effect.problem)
            case fx.NobodyQualified():
                self.board.raise_alarm(at, f"nobody_qualified:{effect.queue_id}", "major", {"queue": effect.queue_id})
            case fx.QualifiedAgain():
                self.board.clear_alarm(at, f"nobody_qualified:{effect.queue_id}")
            case fx.Ignored():
                _ignored.labels(effect.event).inc()
                _log.debug("engine ignored", engine_event=effect.event, subject=effect.subject, why=effect.why)
            case _:
                pass

    def _agent_changed(self, effect: fx.AgentStateChanged, at: float) -> None:
        desk = self.board.desks.get(effect.agent_id)
        self.board.tell(
            "agent.state", at, None, effect.agent_id, state=effect.state, reason=effect.reason or None,
            since=effect.since, until=effect.until,
        )  # fmt: skip
        if desk is None:
            return
        call = desk.call
        if call is not None and call.ended is not None and effect.state not in {"wrap_up", "talking"}:
            self._wrap_up_over(desk, call, at, effect.state)
        self.board.changed(desk)

    def _wrap_up_over(self, desk: Desk, call: DeskCall, at: float, state: str) -> None:
        """Tell it once. What the timer ended unsaved stays on the desk until the agent closes it or goes ready."""
        if not call.wrapped_up:
            seconds, how = round(at - (call.ended or at), 3), "saved" if call.saved else "timer"
            self.board.tell(
                "wrap_up.ended", at, call.facts.interaction_id, desk.seat.agent_id, seconds=seconds, how=how
            )
        call.wrapped_up = True
        if call.saved or state == "ready":
            desk.call = None

    def _announce(self, effect: fx.Announce) -> None:
        call = self.board.calls.get(effect.interaction_id)
        if call is not None and not call.answered:
            self.board.later(self._say(call, effect))

    async def _say(self, call: Call, effect: fx.Announce) -> None:
        prompts = await self.board.announcer.prompts(
            call.facts, effect.position, effect.expected_wait, effect.confidence, effect.prompt
        )
        view = self.board.engine.interaction(call.facts.interaction_id)
        if not prompts or view is None or view.place not in {"waiting", "held"}:
            return
        try:
            await self.board.telephony.announce(call.facts.interaction_id, prompts)
        except OneCallError as error:
            _log.info("announcement not said", interaction_id=call.facts.interaction_id, why=str(error))

    # --- what the bridge tells --------------------------------------------------------------------------------

    def caller_waiting(self, at: float, facts: CallFacts) -> None:
        """A caller has reached the waiting place; one who waits already keeps its place."""
        known = self.board.calls.get(facts.interaction_id)
        back = known is not None and known.answered
        waits = known is not None and not back and self.board.engine.interaction(facts.interaction_id) is not None
        if waits or (known is not None and known.moving):
            return
        if known is not None and back:
            self._talk_over(at, known)
        self.board.new_call(facts)
        self._tell_entered(at, facts)
        # A full or closed queue turns away who comes, not who comes back. And the engine takes an arrival no later
        # than a departure for a late echo of it.
        arrival, when = (ev.InteractionAdopted, math.nextafter(at, math.inf)) if back else (ev.InteractionQueued, at)
        self.board.step(arrival(when, **queued_fields(facts, self.board.config)))

    def _talk_over(self, at: float, call: Call) -> None:
        """Asterisk has a caller in the line whom we believe in talk: whoever was in that talk is not in it now."""
        interaction_id = call.facts.interaction_id
        if call.agent_id is not None:
            self._part_over(at, interaction_id, call.agent_id, "system", None)
        self.experts.over(at, interaction_id)
        self.board.step(ev.InteractionLeft(at, interaction_id, "moved"))

    def _tell_entered(self, at: float, facts: CallFacts) -> None:
        self.board.tell(
            "queue.entered",
            at,
            facts.interaction_id,
            None,
            queue_id=facts.queue_id,
            programme_id=facts.programme_id,
            priority=facts.priority,
            skills=facts.skills,
            since=facts.queued_at,
            path=facts.path,
            customer_id=facts.customer_ids[0] if len(facts.customer_ids) == 1 else None,
            preferred_agent_id=facts.preferred_agent_id,
            prefers_owner=facts.prefers_owner,
            direction=facts.direction,
            segment=facts.segment or None,
            **({"node": facts.node} if facts.node else {}),
        )

    def caller_gone(self, at: float, interaction_id: str, ended_by: EndedBy, stage: str, cause: int) -> None:
        """The caller's channel has ended, wherever it was."""
        call = self.board.calls.get(interaction_id)
        if call is not None and call.promised:
            # The place is kept: this caller hung up by design. An agent who waited for the customer is let go.
            if call.answered:
                self.call_backs.failed(at, interaction_id, call.attempt, "failed")
            return
        self.board.calls.pop(interaction_id, None)
        waiting = call is not None and not call.answered and not call.diverted
        self.board.tell(
            "call.ended", at, interaction_id, call.agent_id if call else None,
            ended_by=ended_by, stage=stage, cause=cause, abandoned=waiting and ended_by == "caller",
        )  # fmt: skip
        if call is None:
            return
        if call.agent_id is not None:
            self._part_over(at, interaction_id, call.agent_id, ended_by, None)
        self.experts.over(at, interaction_id)
        self.board.step(ev.InteractionLeft(at, interaction_id))

    def leg_answered(self, at: float, fence: int) -> None:
        """The agent of that offer is in the room with the caller."""
        self.board.step(ev.OfferAccepted(at, fence))

    def leg_refused(self, at: float, fence: int, reason: Refusal) -> None:
        """The agent's phone did not take that offer."""
        self.board.step(ev.OfferRefused(at, fence, reason))

    def call_changed(self, at: float, view: CallView) -> None:
        """Hold, consultation, conference or recording changed."""
        desk = self.board.desks.get(view.agent_id)
        if desk is None or desk.call is None or desk.call.facts.interaction_id != view.interaction_id:
            return
        before = desk.call.view
        self.experts.changed(at, view, before)
        desk.call.view = view
        if desk.call.ended is None:
            desk.call.phase = view.phase
        self.board.changed(desk)
        self.board.floor_dirty.set()

    def agent_left(self, at: float, interaction_id: str, agent_id: str, ended_by: EndedBy, hold: float) -> None:
        """That agent's part of the call is over."""
        call = self.board.calls.get(interaction_id)
        self._part_over(at, interaction_id, agent_id, ended_by, hold)
        if call is not None and call.agent_id == agent_id:
            call.agent_id = None
        self.board.step(ev.TalkEnded(at, interaction_id, agent_id))

    def _part_over(self, at: float, interaction_id: str, agent_id: str, ended_by: EndedBy, hold: float | None) -> None:
        """Close this agent's part once: the fact, the desk's call, and the promise of an unfinished wrap-up."""
        desk = self.board.desks.get(agent_id)
        if desk is None or desk.call is None or desk.call.facts.interaction_id != interaction_id or desk.call.ended:
            return
        call = desk.call
        if hold is None:
            hold = _hold_until(call.view, at)
        call.ended, call.ended_by, call.phase, call.hold = at, ended_by, "ended", hold
        talk = max(0.0, at - (call.answered or at) - hold)
        self.board.tell(
            "agent.left", at, interaction_id, agent_id, talk=round(talk, 3), hold=round(hold, 3), ended_by=ended_by
        )
        view, queue = self.board.engine.agent(agent_id), self.board.config.queues.get(call.facts.queue_id)
        timed = queue is None or queue.wrap_up.mode is not WrapUpMode.NONE
        if timed and view is not None and view.next_state is None:
            # When the timer ends before the agent has saved, no call may ring over the open ticket.
            self.board.step(ev.AgentNotReady(at, agent_id, UNFINISHED))

    def agent_joined(self, at: float, interaction_id: str, agent_id: str) -> None:
        """A completed consultation: from now on the call is this agent's."""
        call, desk = self.board.calls.get(interaction_id), self.board.desks.get(agent_id)
        if call is None or desk is None:
            return
        before = call.agent_id
        call.agent_id = agent_id
        former = self.board.desks.get(before) if before is not None else None
        self.experts.take_over(at, call, desk, former)
        self.board.tell("call.transferred", at, interaction_id, before, kind="consult", to=agent_id)
        self.board.step(ev.TalkTransferred(at, interaction_id, before or "", agent_id))
        if before is not None:
            self._part_over(at, interaction_id, before, "agent", None)
        if former is not None:
            self.passed_on(former, interaction_id)
        self.board.changed(desk)

    def passed_on(self, desk: Desk, interaction_id: str) -> None:
        """This agent's part is over and the call goes on with somebody else of ours: that one says how it ended."""
        if desk.call is not None and desk.call.facts.interaction_id == interaction_id:
            desk.call.passed_on = True
        self.board.changed(desk)

    def phone_changed(self, at: float, extension: str, registered: bool, node: str = "") -> None:
        """A phone appeared, vanished or moved: nobody is offered a call on a phone that cannot ring."""
        desk = self.board.desks.by_extension(extension)
        if desk is None:
            return
        if registered and desk.phone_node != node:
            self.sites.phone_at(desk, node)
        if desk.phone_registered == registered:
            return
        desk.phone_registered = registered
        view = self.board.engine.agent(desk.seat.agent_id)
        if view is not None and not registered and view.state == "ready":
            self.board.step(ev.AgentNotReady(at, desk.seat.agent_id, PHONE_LOST))
        elif view is not None and registered and view.state == "not_ready" and view.reason == PHONE_LOST:
            self.board.step(ev.AgentReady(at, desk.seat.agent_id))
        if not registered:
            self._stop_lost_phone(at, desk.seat.agent_id)
        self.board.changed(desk)

    def _stop_lost_phone(self, at: float, agent_id: str) -> None:
        """A phone that lost its registration while it rang cannot be answered: the caller need not wait for it."""
        lost = [offer.fence for offer in self.board.offers.values() if offer.agent_id == agent_id and offer.ringing]
        for fence in lost:
            self.ringing.stop(fence)
            self.leg_refused(at, fence, "unreachable")

    def bridge_down(self, at: float, why: str, node: str = "") -> None:
        """An Asterisk cannot be reached; its calls go on without us, and the other nodes are served on."""
        self.board.raise_alarm(at, _asterisk_alarm(node), "critical", {"node": node, "why": why})
        self.sites.away(at, node)

    def bridge_up(self, at: float, state: ReadBack) -> None:
        """Make what we believe of that node equal to what it says."""
        self.board.clear_alarm(at, _asterisk_alarm(state.node))
        self.sites.back(state.node)
        self.adoption.take(at, state)
        self.bridge_is_up.set()
        self.node_is_up[self.sites.of(state.node)].set()

    def configure(self, config: RoutingConfig) -> None:
        """Route by this configuration from now on."""
        self.board.config = config = self.sites.configured(config)
        self.board.step(ev.ConfigChanged(self.board.clock.now(), config))

    async def moved_to_line(self, call: Call, facts: CallFacts, agent_id: str, require: str, personal: bool) -> None:
        """A call in talk has been put back to the waiting place: for everyone of its queue, or for one agent."""
        now = self.board.clock.now()
        call.facts, call.answered, call.agent_id, call.personal, call.fronted = facts, False, None, personal, 0
        self._part_over(now, facts.interaction_id, agent_id, "agent", None)
        self.board.step(
            ev.TransferredToQueue(
                now,
                facts.interaction_id,
                agent_id,
                facts.queue_id,
                waiting_since=facts.queued_at,
                to_head=personal,
                require=require or None,
            )
        )

    def desk_back(self, desk: Desk) -> None:
        """A browser shows this desk again: who was taken out of ready for its absence is ready again."""
        view = self.board.engine.agent(desk.seat.agent_id)
        if view is not None and view.state == "not_ready" and view.reason == DESK_LOST and desk.phone_registered:
            self.board.step(ev.AgentReady(self.board.clock.now(), desk.seat.agent_id))

    def desk_lost(self, desk: Desk) -> None:
        """The browser has gone: after a grace time nobody is offered a call that no screen can show."""
        asyncio.get_running_loop().call_later(self.board.rules.desk_grace_seconds, self._desk_still_lost, desk)

    def _desk_still_lost(self, desk: Desk) -> None:
        view = self.board.engine.agent(desk.seat.agent_id)
        if desk.online is None and view is not None and view.state == "ready":
            self.board.step(ev.AgentNotReady(self.board.clock.now(), desk.seat.agent_id, DESK_LOST))

    def key_pressed(self, at: float, interaction_id: str, key: str) -> None:
        """A caller in the waiting place has pressed a key."""
        self.call_backs.key_pressed(at, interaction_id, key)

    def call_back_answered(self, at: float, interaction_id: str, attempt: int) -> None:
        """The customer dialled has answered and is in the agent's room."""
        self.call_backs.answered(at, interaction_id, attempt)

    def call_back_failed(self, at: float, interaction_id: str, attempt: int, reason: str) -> None:
        """That customer was not reached."""
        self.call_backs.failed(at, interaction_id, attempt, reason)

    def alarm(self, at: float, alarm_id: str, severity: str, values: Mapping[str, str], raised: bool) -> None:
        """Something an operator must know, raised or cleared."""
        if raised:
            self.board.raise_alarm(at, alarm_id, severity, values)
        else:
            self.board.clear_alarm(at, alarm_id)


def _asterisk_alarm(node: str) -> str:
    alarm_id = f"asterisk:{node}"
    return alarm_id if node else "asterisk"


def _hold_until(view: CallView | None, at: float) -> float:
    if view is None:
        return 0.0
    return view.hold_total + (at - view.held_since if view.held_since is not None else 0.0)
