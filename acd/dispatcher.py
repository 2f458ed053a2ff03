"""The dispatcher: turns what the bridge tells into engine events, and does what the engine decides.

One owner, one event loop: nothing here runs at the same time as anything else, so there are no locks. Whatever needs
waiting (the pop on screen, a command to Asterisk) runs as a task of its own and looks again, before it acts, whether
its offer still lives.
"""

import asyncio
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any

from acd import effects as fx
from acd import events as ev
from acd.config import RoutingConfig, WrapUpMode
from acd.desks import Desk, DeskCall, Desks
from acd.engine import Engine
from acd.ports import (
    Announcer,
    CallFacts,
    CallView,
    EndedBy,
    PopAndTicket,
    ReadBack,
    Refusal,
    Ring,
    Stories,
    Telephony,
)
from acd.statistics import Statistics
from core.clock import Clock, iso
from core.errors import OneCallError
from core.journal import Fact, Journal
from core.log import get_logger
from core.metrics import Counter

_log = get_logger(__name__)
_offers = Counter("onecall_offers_total", "Offers made to agents, by how they ended", ["result"])
_ignored = Counter("onecall_engine_ignored_total", "Events that changed nothing (stale, duplicate, unknown)", ["event"])

UNFINISHED = "wrap_up_unfinished"
PHONE_LOST = "phone_lost"
DESK_LOST = "desk_lost"


@dataclass(frozen=True, slots=True)
class DispatchRules:
    """`paint_seconds`: longest wait for the pop to be painted; `pop_seconds`: for the story to be read;
    `preferred_seconds`: how long a caller waits for the agent of the last contact; `desk_grace_seconds`: how long an
    agent stays ready without a browser."""

    paint_seconds: float = 0.15
    pop_seconds: float = 1.0
    preferred_seconds: float = 20.0
    desk_grace_seconds: float = 15.0


@dataclass(slots=True)
class Call:
    """A caller in the dispatcher's hands, from the waiting place to the end of the channel."""

    facts: CallFacts
    pop: "asyncio.Task[PopAndTicket] | None" = None
    agent_id: str | None = None
    answered: bool = False
    personal: bool = False
    since: float = 0.0
    moving: bool = False


@dataclass(slots=True)
class LiveOffer:
    """An offer that may still be answered. `ringing`: the command went out to Asterisk."""

    fence: int
    interaction_id: str
    agent_id: str
    deadline: float
    ringing: bool = False


@dataclass(slots=True)
class Dispatcher:
    """Fulfils `acd.ports.CallEvents`. Commands of agents and supervisors come through `acd.commands`."""

    engine: Engine
    config: RoutingConfig
    telephony: Telephony
    stories: Stories
    announcer: Announcer
    journal: Journal
    desks: Desks
    statistics: Statistics
    clock: Clock
    rules: DispatchRules = field(default_factory=DispatchRules)
    calls: dict[str, Call] = field(default_factory=dict)
    offers: dict[int, LiveOffer] = field(default_factory=dict)
    alarms: dict[str, dict[str, Any]] = field(default_factory=dict)
    floor_dirty: asyncio.Event = field(default_factory=asyncio.Event)
    on_bridge_up: "asyncio.Event" = field(default_factory=asyncio.Event)
    _timer: asyncio.TimerHandle | None = None
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    # --- engine in, effects out -------------------------------------------------------------------------------

    def step(self, event: ev.Event) -> list[fx.Effect]:
        """Give the engine one event and do what it decides."""
        effects = self.engine.handle(event)
        for effect in effects:
            self._do(effect, event.at)
        self._arm()
        self.floor_dirty.set()
        return effects

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        due = self.engine.next_due()
        if due is not None:
            delay = max(0.0, due - self.clock.now())
            self._timer = asyncio.get_running_loop().call_later(delay, self._tick)

    def _tick(self) -> None:
        self._timer = None
        self.step(ev.Tick(self.clock.now()))

    def _do(self, effect: fx.Effect, at: float) -> None:
        match effect:
            case fx.Offer():
                self._offer(effect, at)
            case fx.OfferWithdrawn():
                self._withdrawn(effect, at)
            case fx.OfferEnded():
                self._offer_ended(effect, at)
            case fx.AgentStateChanged():
                self._agent_changed(effect, at)
            case fx.Announce():
                self._announce(effect)
            case fx.Overflowed():
                self._overflowed(effect)
            case fx.RequirementIgnored():
                _log.warning("requirement cannot be read", interaction_id=effect.interaction_id, problem=effect.problem)
            case fx.NobodyQualified():
                self._raise_alarm(at, f"nobody:{effect.queue_id}", "major", {"queue": effect.queue_id})
            case fx.Ignored():
                _ignored.labels(effect.event).inc()
                _log.debug("engine ignored", engine_event=effect.event, subject=effect.subject, why=effect.why)
            case _:
                pass

    # --- effects ----------------------------------------------------------------------------------------------

    def _offer(self, effect: fx.Offer, at: float) -> None:
        call, desk = self.calls.get(effect.interaction_id), self.desks.get(effect.agent_id)
        offer = LiveOffer(effect.fence, effect.interaction_id, effect.agent_id, effect.deadline)
        self.offers[effect.fence] = offer
        if call is None or desk is None:
            self._later(self._refuse(offer, "failed"))
            return
        self.tell(
            "offer.made", at, effect.interaction_id, effect.agent_id, fence=effect.fence, queue_id=call.facts.queue_id
        )
        self._later(self._pop_then_ring(offer, call, desk, at))

    async def _pop_then_ring(self, offer: LiveOffer, call: Call, desk: Desk, at: float) -> None:
        story = await self._story(call)
        if offer.fence not in self.offers:
            return
        desk.call = DeskCall(
            call.facts, offer.fence, "ringing", at, offer.deadline, pop=story.pop, ticket_id=story.ticket_id
        )
        seq = self.desks.changed(desk, at)
        if desk.online is not None:
            await self.desks.painted(desk, seq, self.rules.paint_seconds)
            if offer.fence not in self.offers:
                return
        offer.ringing = True
        ring = Ring(
            offer.fence,
            offer.interaction_id,
            offer.agent_id,
            desk.seat.extension,
            max(1.0, offer.deadline - self.clock.now()),
            call.facts.number,
            story.caller_name,
        )
        try:
            await self.telephony.ring(ring)
        except OneCallError as error:
            _log.warning("phone cannot be rung", interaction_id=offer.interaction_id, fence=offer.fence, why=str(error))
            await self._refuse(offer, "failed")

    async def _story(self, call: Call) -> PopAndTicket:
        """The story fetched when the caller began to wait; a slow database must not keep the phone from ringing."""
        if call.pop is None:
            call.pop = asyncio.create_task(self.stories.pop(call.facts))
        if call.pop.done() and not call.pop.cancelled() and call.pop.exception() is None:
            return call.pop.result()
        try:
            return await asyncio.wait_for(asyncio.shield(call.pop), self.rules.pop_seconds)
        except Exception as error:
            _log.error("the caller's story is missing", interaction_id=call.facts.interaction_id, why=repr(error))
            call.pop = None
            return PopAndTicket()

    async def _refuse(self, offer: LiveOffer, reason: Refusal) -> None:
        self.leg_refused(self.clock.now(), offer.fence, reason)

    def _withdrawn(self, effect: fx.OfferWithdrawn, at: float) -> None:
        offer = self.offers.pop(effect.fence, None)
        result = {"deadline": "no_answer", "left": "caller_left"}.get(effect.reason, "withdrawn")
        self._offer_over(effect.fence, effect.interaction_id, effect.agent_id, result, at)
        if offer is not None and offer.ringing:
            self._later(self._stop_ringing(effect.fence))

    async def _stop_ringing(self, fence: int) -> None:
        try:
            await self.telephony.stop_ringing(fence)
        except OneCallError as error:
            _log.warning("phone could not be stopped", fence=fence, why=str(error))

    def _offer_ended(self, effect: fx.OfferEnded, at: float) -> None:
        self.offers.pop(effect.fence, None)
        if effect.result != "accepted":
            self._offer_over(effect.fence, effect.interaction_id, effect.agent_id, effect.result, at)
            return
        _offers.labels("answered").inc()
        call = self.calls.get(effect.interaction_id)
        self.tell("offer.ended", at, effect.interaction_id, effect.agent_id, fence=effect.fence, result="answered")
        if call is None:
            return
        call.agent_id, call.answered, call.since, call.personal = effect.agent_id, True, at, False
        self.tell(
            "call.answered",
            at,
            effect.interaction_id,
            effect.agent_id,
            fence=effect.fence,
            queue_id=call.facts.queue_id,
            waited=round(at - call.facts.queued_at, 3),
        )
        desk = self.desks.get(effect.agent_id)
        if desk is not None and desk.call is not None:
            desk.call.phase, desk.call.answered, desk.call.deadline = "talking", at, None
        self._later(self._open_ticket(call.facts, effect.agent_id, at))

    async def _open_ticket(self, facts: CallFacts, agent_id: str, at: float) -> None:
        pause = 0.2
        while True:
            try:
                ticket_id = await self.stories.open_ticket(facts, agent_id, at)
                break
            except Exception as error:
                # The database may be away; the call needs its ticket as soon as it is back.
                _log.error("ticket cannot be opened yet", interaction_id=facts.interaction_id, why=repr(error))
                await asyncio.sleep(pause)
                pause = min(pause * 2, 10.0)
        desk = self.desks.get(agent_id)
        if desk is not None and desk.call is not None and desk.call.facts.interaction_id == facts.interaction_id:
            desk.call.ticket_id = ticket_id
            self.desks.changed(desk, self.clock.now())

    def _offer_over(self, fence: int, interaction_id: str, agent_id: str, result: str, at: float) -> None:
        _offers.labels(result).inc()
        self.tell("offer.ended", at, interaction_id, agent_id, fence=fence, result=result)
        call, desk = self.calls.get(interaction_id), self.desks.get(agent_id)
        if desk is not None and desk.call is not None and desk.call.fence == fence:
            desk.call = None
            if result in {"no_answer", "unreachable", "busy", "failed", "caller_left"}:
                kind = "info" if result == "caller_left" else "warning"
                self.desks.notice(desk, kind, {"no_answer": "rona"}.get(result, result))
            self.desks.changed(desk, at)
        if call is not None and call.personal and result != "caller_left":
            call.personal = False
            self._later(self._back_to_everyone(call))

    async def _back_to_everyone(self, call: Call) -> None:
        """A call handed to one agent who did not take it waits for anyone, at its place."""
        now = self.clock.now()
        if self.engine.interaction(call.facts.interaction_id) is not None:
            self.step(ev.InteractionLeft(now, call.facts.interaction_id, "moved"))
            self.step(self.queued_event(now, call.facts))

    def _agent_changed(self, effect: fx.AgentStateChanged, at: float) -> None:
        desk = self.desks.get(effect.agent_id)
        self.tell(
            "agent.state", at, None, effect.agent_id, state=effect.state, reason=effect.reason or None,
            since=effect.since, until=effect.until,
        )  # fmt: skip
        if desk is None:
            return
        call = desk.call
        if call is not None and call.ended is not None and effect.state not in {"wrap_up", "talking"}:
            self._wrap_up_over(desk, call, at)
        self.desks.changed(desk, at)

    def _wrap_up_over(self, desk: Desk, call: DeskCall, at: float) -> None:
        how = "timer" if (view := self.engine.agent(desk.seat.agent_id)) and view.reason == UNFINISHED else "saved"
        seconds = round(at - (call.ended or at), 3)
        self.tell("wrap_up.ended", at, call.facts.interaction_id, desk.seat.agent_id, seconds=seconds, how=how)
        if how == "saved":
            desk.call = None

    def _announce(self, effect: fx.Announce) -> None:
        call = self.calls.get(effect.interaction_id)
        if call is not None and not call.answered:
            self._later(self._say(call, effect))

    async def _say(self, call: Call, effect: fx.Announce) -> None:
        prompts = await self.announcer.prompts(
            call.facts, effect.position, effect.expected_wait, effect.confidence, effect.prompt
        )
        view = self.engine.interaction(call.facts.interaction_id)
        if not prompts or view is None or view.place not in {"waiting", "held"}:
            return
        try:
            await self.telephony.announce(call.facts.interaction_id, prompts)
        except OneCallError as error:
            _log.info("announcement not said", interaction_id=call.facts.interaction_id, why=str(error))

    def _overflowed(self, effect: fx.Overflowed) -> None:
        if effect.kind not in {"queue", "programme"}:
            self._later(self._divert(effect))

    async def _divert(self, effect: fx.Overflowed) -> None:
        destination = f"{effect.kind}:{effect.target}" if effect.target else effect.kind
        try:
            await self.telephony.divert(effect.interaction_id, destination)
        except OneCallError as error:
            _log.error("caller could not be diverted", interaction_id=effect.interaction_id, why=str(error))

    # --- what the bridge tells --------------------------------------------------------------------------------

    def caller_waiting(self, at: float, facts: CallFacts) -> None:
        """A caller has reached the waiting place; one already known keeps its place."""
        known = self.calls.get(facts.interaction_id)
        if known is not None and (known.moving or self.engine.interaction(facts.interaction_id) is not None):
            return
        self.calls[facts.interaction_id] = call = Call(facts)
        call.pop = asyncio.create_task(self.stories.pop(facts))
        call.pop.add_done_callback(_retrieved)
        self._tell_entered(at, facts)
        self.step(self.queued_event(at, facts))

    def _tell_entered(self, at: float, facts: CallFacts) -> None:
        self.tell(
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
            direction=facts.direction,
        )

    def queued_event(self, at: float, facts: CallFacts) -> ev.InteractionQueued:
        """The engine's event for a caller with these facts."""
        return ev.InteractionQueued(at, **self._queued_fields(facts))

    def _queued_fields(self, facts: CallFacts) -> dict[str, Any]:
        return {
            "interaction_id": facts.interaction_id,
            "queue_id": facts.queue_id,
            "waiting_since": facts.queued_at,
            "priority": facts.priority,
            "require": facts.skills,
            "preferred_agent_id": facts.preferred_agent_id or "",
            "preferred_wait": self.rules.preferred_seconds if facts.preferred_agent_id else 0.0,
            "direction": facts.direction,
            "attributes": {"language": facts.language, "programme": facts.programme_id},
        }

    def caller_gone(self, at: float, interaction_id: str, ended_by: EndedBy, stage: str, cause: int) -> None:
        """The caller's channel has ended, wherever it was."""
        call = self.calls.pop(interaction_id, None)
        waiting = call is not None and not call.answered
        self.tell(
            "call.ended", at, interaction_id, call.agent_id if call else None,
            ended_by=ended_by, stage=stage, cause=cause, abandoned=waiting and ended_by == "caller",
        )  # fmt: skip
        if call is None:
            return
        if call.agent_id is not None:
            self._part_over(at, interaction_id, call.agent_id, ended_by, None)
        self.step(ev.InteractionLeft(at, interaction_id))

    def leg_answered(self, at: float, fence: int) -> None:
        """The agent of that offer is in the room with the caller."""
        self.step(ev.OfferAccepted(at, fence))

    def leg_refused(self, at: float, fence: int, reason: Refusal) -> None:
        """The agent's phone did not take that offer."""
        self.step(ev.OfferRefused(at, fence, reason))

    def call_changed(self, at: float, view: CallView) -> None:
        """Hold, consultation, conference or recording changed."""
        desk = self.desks.get(view.agent_id)
        if desk is None or desk.call is None or desk.call.facts.interaction_id != view.interaction_id:
            return
        before = desk.call.view
        self._expert(at, view, before)
        desk.call.view = view
        if desk.call.ended is None:
            desk.call.phase = view.phase
        self.desks.changed(desk, at)
        self.floor_dirty.set()

    def _expert(self, at: float, view: CallView, before: CallView | None) -> None:
        """Keep the expert of a consultation busy for the engine exactly while it lasts."""
        was, now = (state.consult.target if state and state.consult else None for state in (before, view))
        if was == now:
            return
        if was is not None and was.kind == "agent":
            self.step(ev.ConsultEnded(at, view.interaction_id, was.id))
            expert = self.desks.get(was.id)
            if expert is not None and expert.call is not None and expert.call.role == "expert":
                expert.call = None
                self.desks.changed(expert, at)
        if now is not None and now.kind == "agent":
            self.step(ev.ConsultStarted(at, view.interaction_id, now.id))

    def agent_left(self, at: float, interaction_id: str, agent_id: str, ended_by: EndedBy, hold: float) -> None:
        """That agent's part of the call is over."""
        call = self.calls.get(interaction_id)
        self._part_over(at, interaction_id, agent_id, ended_by, hold)
        if call is not None and call.agent_id == agent_id:
            call.agent_id = None
        self.step(ev.TalkEnded(at, interaction_id, agent_id))

    def _part_over(self, at: float, interaction_id: str, agent_id: str, ended_by: EndedBy, hold: float | None) -> None:
        """Close this agent's part once: the fact, the desk's call, and the promise of an unfinished wrap-up."""
        desk = self.desks.get(agent_id)
        if desk is None or desk.call is None or desk.call.facts.interaction_id != interaction_id or desk.call.ended:
            return
        call = desk.call
        if hold is None:
            hold = _hold_until(call.view, at)
        call.ended, call.ended_by, call.phase, call.hold = at, ended_by, "ended", hold
        talk = max(0.0, at - (call.answered or at) - hold)
        self.tell(
            "agent.left", at, interaction_id, agent_id, talk=round(talk, 3), hold=round(hold, 3), ended_by=ended_by
        )
        view, queue = self.engine.agent(agent_id), self.config.queues.get(call.facts.queue_id)
        timed = queue is None or queue.wrap_up.mode is not WrapUpMode.NONE
        if timed and view is not None and view.next_state is None:
            # When the timer ends before the agent has saved, no call may ring over the open ticket.
            self.step(ev.AgentNotReady(at, agent_id, UNFINISHED))

    def agent_joined(self, at: float, interaction_id: str, agent_id: str) -> None:
        """A completed consultation: from now on the call is this agent's."""
        call, desk = self.calls.get(interaction_id), self.desks.get(agent_id)
        if call is None or desk is None:
            return
        before = call.agent_id
        call.agent_id, call.since = agent_id, at
        desk.call = desk.call or DeskCall(call.facts, 0, "talking", at, None)
        desk.call.role, desk.call.phase, desk.call.answered, desk.call.view = "agent", "talking", at, None
        self.tell("call.transferred", at, interaction_id, before, kind="consult", to=agent_id)
        if before is not None:
            self.step(ev.TalkTransferred(at, interaction_id, before, agent_id))
            self._part_over(at, interaction_id, before, "agent", None)
        self.desks.changed(desk, at)

    def phone_changed(self, at: float, extension: str, registered: bool) -> None:
        """A phone appeared or vanished: nobody is offered a call on a phone that cannot ring."""
        desk = self.desks.by_extension(extension)
        if desk is None or desk.phone_registered == registered:
            return
        desk.phone_registered = registered
        view = self.engine.agent(desk.seat.agent_id)
        if view is not None and not registered and view.state == "ready":
            self.step(ev.AgentNotReady(at, desk.seat.agent_id, PHONE_LOST))
        elif view is not None and registered and view.state == "not_ready" and view.reason == PHONE_LOST:
            self.step(ev.AgentReady(at, desk.seat.agent_id))
        self.desks.changed(desk, at)

    def bridge_down(self, at: float, why: str) -> None:
        """Asterisk cannot be reached; calls go on without us."""
        self._raise_alarm(at, "asterisk", "critical", {"why": why})

    def bridge_up(self, at: float, state: ReadBack) -> None:
        """Make what we believe equal to what Asterisk says."""
        self._clear_alarm(at, "asterisk")
        for desk in self.desks.all():
            self.phone_changed(at, desk.seat.extension, desk.seat.extension in state.registered)
        on_asterisk = {facts.interaction_id for facts in state.waiting} | {
            live.facts.interaction_id for live in state.talking
        }
        for live in state.talking:
            self._adopt_talk(at, live.facts, live.view, live.answered)
        for facts in state.waiting:
            self._adopt_waiting(at, facts)
        for interaction_id in [known for known in self.calls if known not in on_asterisk]:
            self.caller_gone(at, interaction_id, "system", "unknown", 0)
        for fence in [fence for fence, offer in self.offers.items() if offer.ringing and fence not in state.ringing]:
            self.leg_refused(at, fence, "failed")
        for fence in state.ringing:
            if fence not in self.offers:
                self._later(self._stop_ringing(fence))
        self.on_bridge_up.set()

    def _adopt_waiting(self, at: float, facts: CallFacts) -> None:
        known = self.calls.get(facts.interaction_id)
        if known is not None and not known.answered:
            return
        if known is not None and known.agent_id is not None:
            self.agent_left(at, facts.interaction_id, known.agent_id, "system", 0.0)
        self.calls[facts.interaction_id] = call = Call(facts)
        call.pop = asyncio.create_task(self.stories.pop(facts))
        call.pop.add_done_callback(_retrieved)
        self.step(ev.InteractionAdopted(at, **self._queued_fields(facts)))

    def _adopt_talk(self, at: float, facts: CallFacts, view: CallView, answered: float) -> None:
        desk, known = self.desks.get(view.agent_id), self.calls.get(facts.interaction_id)
        if desk is None or (known is not None and known.agent_id == view.agent_id):
            return
        self.calls[facts.interaction_id] = call = Call(facts, agent_id=view.agent_id, answered=True, since=answered)
        desk.call = DeskCall(facts, 0, view.phase, answered, None, answered=answered, view=view)
        self.step(
            ev.AgentAdopted(
                at, view.agent_id, "talking", answered, interaction_id=facts.interaction_id, queue_id=facts.queue_id
            )
        )
        self._later(self._restore_desk(desk, call, answered))

    async def _restore_desk(self, desk: Desk, call: Call, answered: float) -> None:
        story = await self._story(call)
        if desk.call is not None and desk.call.facts.interaction_id == call.facts.interaction_id:
            desk.call.pop = story.pop
            self.desks.changed(desk, self.clock.now())
            await self._open_ticket(call.facts, desk.seat.agent_id, answered)

    def reread(self, desk: Desk, facts: CallFacts) -> None:
        """Fetch again what a desk shows of a call that is over but not wrapped up (after a restart)."""
        self._later(self._restore_desk(desk, Call(facts), desk.call.answered or 0.0 if desk.call else 0.0))

    async def moved_to_line(self, call: Call, facts: CallFacts, agent_id: str, require: str, personal: bool) -> None:
        """A call in talk has been put back to the waiting place: for everyone of its queue, or for one agent."""
        now = self.clock.now()
        call.facts, call.answered, call.agent_id, call.personal = facts, False, None, personal
        self._part_over(now, facts.interaction_id, agent_id, "agent", None)
        self.step(
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
        view = self.engine.agent(desk.seat.agent_id)
        if view is not None and view.state == "not_ready" and view.reason == DESK_LOST and desk.phone_registered:
            self.step(ev.AgentReady(self.clock.now(), desk.seat.agent_id))

    def desk_lost(self, desk: Desk) -> None:
        """The browser has gone: after a grace time nobody is offered a call that no screen can show."""
        asyncio.get_running_loop().call_later(self.rules.desk_grace_seconds, self._desk_still_lost, desk)

    def _desk_still_lost(self, desk: Desk) -> None:
        view = self.engine.agent(desk.seat.agent_id)
        if desk.online is None and view is not None and view.state == "ready":
            self.step(ev.AgentNotReady(self.clock.now(), desk.seat.agent_id, DESK_LOST))

    def alarm(self, at: float, alarm_id: str, severity: str, values: Mapping[str, str], raised: bool) -> None:
        """Something an operator must know, raised or cleared."""
        if raised:
            self._raise_alarm(at, alarm_id, severity, values)
        else:
            self._clear_alarm(at, alarm_id)

    # --- shared -----------------------------------------------------------------------------------------------

    def _raise_alarm(self, at: float, alarm_id: str, severity: str, values: Mapping[str, str]) -> None:
        if alarm_id not in self.alarms:
            self.tell("alarm.raised", at, None, None, alarm=alarm_id, severity=severity, values=dict(values))
        since = self.alarms.get(alarm_id, {}).get("since", iso(at))
        code = alarm_id.partition(":")[0]
        self.alarms[alarm_id] = {"severity": severity, "code": code, "values": dict(values), "since": since}
        self.floor_dirty.set()

    def _clear_alarm(self, at: float, alarm_id: str) -> None:
        if self.alarms.pop(alarm_id, None) is not None:
            self.tell("alarm.cleared", at, None, None, alarm=alarm_id)
            self.floor_dirty.set()

    def tell(self, kind: str, at: float, interaction_id: str | None, agent_id: str | None, /, **data: Any) -> None:
        """Tell a fact, and count it."""
        fact = Fact(at, kind, interaction_id, agent_id, data)
        self.journal.append(fact)
        self.statistics.apply(fact)

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("a task of the dispatcher failed", exc_info=error)

    async def stop(self) -> None:
        """Let go of timers and tasks; calls go on."""
        if self._timer is not None:
            self._timer.cancel()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def _hold_until(view: CallView | None, at: float) -> float:
    if view is None:
        return 0.0
    return view.hold_total + (at - view.held_since if view.held_since is not None else 0.0)


def _retrieved(task: "asyncio.Task[PopAndTicket]") -> None:
    """Mark a failure as seen: whoever needs the story asks again and logs."""
    if not task.cancelled():
        task.exception()
