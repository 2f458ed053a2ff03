"""Asterisk's own queue application as a model, for comparison only; it speaks the words of the routing engine.

Read from the public sources of `app_queue` (apps/app_queue.c of Asterisk 16 to 22) and its sample configuration
(configs/samples/queues.conf.sample); what each rule was read from stands beside it. In short: every caller is a
thread of its own that looks once a second whether it is its turn in its queue; queues know nothing of each other but
that a member is busy; a caller whose turn it seemed, but who got nobody, sleeps `retry` seconds.

Kind to it: `autofill=yes`, `ringinuse=no`, `shared_lastcall=yes`, `autopause=all`; wrap-up is a pause that ends when
the agent ends it (the fixed `wrapuptime` would be longer); a ringing phone and a pause are known to all queues at once.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from heapq import heappop, heappush
from random import Random

from acd.effects import AgentStateChanged, AgentStateName, Effect, Offer, OfferEnded, OfferWithdrawn
from acd.events import (
    AgentNotReady,
    AgentReady,
    AgentSignedIn,
    AgentSignedOut,
    Event,
    InteractionLeft,
    InteractionQueued,
    OfferAccepted,
    TalkEnded,
    Tick,
    WrapUpEnded,
)


class Pick(StrEnum):
    """Queue option `strategy` (those that ring one member at a time)."""

    LEAST_RECENT = "leastrecent"
    FEWEST_CALLS = "fewestcalls"
    ROUND_ROBIN = "rrmemory"
    RANDOM = "random"
    LINEAR = "linear"


@dataclass(frozen=True, slots=True)
class Options:
    """Options of queues.conf, seconds; the defaults are those of the sample configuration."""

    strategy: Pick = Pick.LEAST_RECENT
    timeout: float = 15.0
    retry: float = 5.0
    recheck: float = 1.0
    """Not an option: the constant RECHECK of `wait_our_turn`."""
    force_longest_waiting_caller: bool = False
    """A member is not rung for a caller while another queue of that member has one who waits longer (from 20.4 on)."""
    weights: Mapping[str, int] = field(default_factory=dict)
    """`weight` of queues (default 0). A member is left to a heavier queue of his that has no fewer callers than
    available members (`compare_weight`)."""


class _Member:
    __slots__ = ("agent_id", "asked", "calls", "fence", "last_call", "order", "penalties", "reason", "state")

    def __init__(self, agent_id: str, order: int, penalties: Mapping[str, int]) -> None:
        self.agent_id = agent_id
        self.order = order
        self.penalties = penalties
        self.state: AgentStateName = "signed_out"
        self.asked: AgentStateName | None = None
        self.reason = ""
        self.last_call = 0.0
        self.calls = 0
        self.fence = 0


class _Caller:
    __slots__ = ("fence", "gone", "id", "member", "queue", "start")

    def __init__(self, interaction_id: str, queue: "_Queue", start: float) -> None:
        self.id = interaction_id
        self.queue = queue
        self.start = start
        self.fence = 0
        self.member: _Member | None = None
        self.gone = False


class _Queue:
    __slots__ = ("available", "callers", "last_order", "queue_id")

    def __init__(self, queue_id: str) -> None:
        self.queue_id = queue_id
        self.callers: list[_Caller] = []
        self.available: dict[str, _Member] = {}
        self.last_order = -1


class AppQueue:
    """The model. `memberships` gives each agent's queues and the penalty in each."""

    def __init__(
        self, memberships: Mapping[str, Mapping[str, int]], options: Options | None = None, seed: int = 0
    ) -> None:
        self._options = options or Options()
        self._chance = Random(f"{seed}/app_queue")
        self._members = {
            agent_id: _Member(agent_id, order, penalties)
            for order, (agent_id, penalties) in enumerate(memberships.items())
        }
        self._queues: dict[str, _Queue] = {}
        for penalties in memberships.values():
            for queue_id in penalties:
                self._queues.setdefault(queue_id, _Queue(queue_id))
        self._callers: dict[str, _Caller] = {}
        self._ringing: dict[int, _Caller] = {}
        self._due: list[tuple[float, int, _Caller, int]] = []
        self._fence = 0
        self._number = 0

    def next_due(self) -> float | None:
        """When the next caller looks up, or the next phone has rung for too long."""
        return self._due[0][0] if self._due else None

    def handle(self, event: Event) -> list[Effect]:
        """As `Engine.handle`, for the events of inbound calls; all others change nothing."""
        at, out = event.at, list[Effect]()
        match event:
            case Tick():
                self._tick(at, out)
            case InteractionQueued():
                self._join(at, event, out)
            case InteractionLeft():
                self._leave(at, event.interaction_id, out)
            case OfferAccepted():
                self._answered(at, event.fence, out)
            case TalkEnded():
                self._talk_ended(at, event, out)
            case WrapUpEnded() | AgentReady() | AgentSignedIn():
                self._come_back(at, event, out)
            case AgentNotReady():
                self._go(at, self._members[event.agent_id], "not_ready", event.reason, out)
            case AgentSignedOut():
                self._go(at, self._members[event.agent_id], "signed_out", event.reason, out)
            case _:
                pass
        return out

    # Callers: queue_exec, wait_our_turn, is_our_turn, try_calling.

    def _join(self, at: float, event: InteractionQueued, out: list[Effect]) -> None:
        queue = self._queues[event.queue_id]
        caller = _Caller(event.interaction_id, queue, at)
        queue.callers.append(caller)
        self._callers[caller.id] = caller
        self._look(at, caller, out)

    def _tick(self, at: float, out: list[Effect]) -> None:
        while self._due and self._due[0][0] <= at:
            _, _, caller, fence = heappop(self._due)
            if caller.gone or fence != caller.fence:
                continue
            if fence:
                self._rang_out(at, caller, out)
            else:
                self._look(at, caller, out)

    def _wait(self, until: float, caller: _Caller) -> None:
        self._number += 1
        heappush(self._due, (until, self._number, caller, caller.fence))

    def _look(self, at: float, caller: _Caller, out: list[Effect]) -> None:
        """`wait_our_turn`: look, else sleep RECHECK. A turn that finds nobody costs `retry` (`wait_a_bit`)."""
        if not _our_turn(caller):
            self._wait(at + self._options.recheck, caller)
            return
        member = self._best(at, caller)
        if member is None:
            self._wait(at + self._options.retry, caller)
            return
        self._fence += 1
        caller.fence, caller.member = self._fence, member
        member.fence = self._fence
        self._ringing[self._fence] = caller
        deadline = at + self._options.timeout
        self._wait(deadline, caller)
        self._become(at, member, "ringing", "", caller.id, out)
        out.append(Offer(self._fence, caller.id, member.agent_id, deadline))

    def _best(self, at: float, caller: _Caller) -> _Member | None:
        """`ring_one`: members by metric until one can be rung (`calc_metric`, `can_ring_entry`)."""
        queue_id = caller.queue.queue_id
        best, best_metric = None, (0, 0.0, 0)
        for member in caller.queue.available.values():
            if self._options.force_longest_waiting_caller and self._longer_waits(caller, member):
                continue
            if self._options.weights and self._heavier_waits(caller, member):
                continue
            metric = (member.penalties[queue_id], self._metric(at, member, caller.queue), member.order)
            if best is None or metric < best_metric:
                best, best_metric = member, metric
        if best is not None:
            caller.queue.last_order = best.order
        return best

    def _metric(self, at: float, member: _Member, queue: _Queue) -> float:
        match self._options.strategy:
            case Pick.LEAST_RECENT:
                return member.last_call
            case Pick.FEWEST_CALLS:
                return float(member.calls)
            case Pick.ROUND_ROBIN:
                return float(member.order <= queue.last_order)
            case Pick.RANDOM:
                return self._chance.random()
            case Pick.LINEAR:
                return 0.0

    def _longer_waits(self, caller: _Caller, member: _Member) -> bool:
        return any(
            other.start < caller.start
            for queue_id in member.penalties
            if (queue := self._queues[queue_id]) is not caller.queue
            for other in queue.callers[:1]
            if not other.fence
        )

    def _heavier_waits(self, caller: _Caller, member: _Member) -> bool:
        weights = self._options.weights
        own = weights.get(caller.queue.queue_id, 0)
        return any(
            weights.get(queue_id, 0) > own
            and (queue := self._queues[queue_id]).callers
            and len(queue.callers) >= len(queue.available)
            for queue_id in member.penalties
        )

    def _rang_out(self, at: float, caller: _Caller, out: list[Effect]) -> None:
        """`rna` with autopause: the member is paused everywhere; the caller sleeps `retry` and looks again."""
        member = self._unring(caller, "deadline", out)
        self._become(at, member, "not_ready", "rona", "", out)
        self._wait(at + self._options.retry, caller)

    def _unring(self, caller: _Caller, reason: str, out: list[Effect]) -> _Member:
        member = self._ringing.pop(caller.fence).member
        if member is None:
            raise LookupError(f"Caller {caller.id} rings nobody.")
        out.append(OfferWithdrawn(caller.fence, caller.id, member.agent_id, reason))
        caller.fence, caller.member, member.fence = 0, None, 0
        return member

    def _leave(self, at: float, interaction_id: str, out: list[Effect]) -> None:
        caller = self._callers.pop(interaction_id, None)
        if caller is None:
            return
        caller.gone = True
        caller.queue.callers.remove(caller)
        if caller.fence:
            self._settle(at, self._unring(caller, "left", out), out)

    # Members.

    def _answered(self, at: float, fence: int, out: list[Effect]) -> None:
        caller = self._ringing.pop(fence, None)
        if caller is None or caller.member is None:
            return
        caller.gone = True
        caller.queue.callers.remove(caller)
        del self._callers[caller.id]
        caller.member.fence = 0
        out.append(OfferEnded(fence, caller.id, caller.member.agent_id, "accepted"))
        self._become(at, caller.member, "talking", "", caller.id, out)

    def _talk_ended(self, at: float, event: TalkEnded, out: list[Effect]) -> None:
        member = self._members[event.agent_id]
        member.last_call = at
        member.calls += 1
        if event.wrap_up:
            self._become(at, member, "wrap_up", "", event.interaction_id, out)
        else:
            self._settle(at, member, out)

    def _come_back(self, at: float, event: WrapUpEnded | AgentReady | AgentSignedIn, out: list[Effect]) -> None:
        member = self._members[event.agent_id]
        if isinstance(event, WrapUpEnded):
            self._settle(at, member, out)
        elif isinstance(event, AgentSignedIn) or member.state == "not_ready":
            self._become(
                at, member, "ready" if not isinstance(event, AgentSignedIn) or event.ready else "not_ready", "", "", out
            )

    def _go(self, at: float, member: _Member, state: AgentStateName, reason: str, out: list[Effect]) -> None:
        """Pause or leave: at once when idle, after the talk or wrap-up otherwise (a ringing phone may still answer)."""
        if member.state in ("ready", "not_ready"):
            self._become(at, member, state, reason, "", out)
        elif member.state != "signed_out" and member.asked != "signed_out":
            member.asked, member.reason = state, reason

    def _settle(self, at: float, member: _Member, out: list[Effect]) -> None:
        state, reason = member.asked or "ready", member.reason
        member.asked, member.reason = None, ""
        self._become(at, member, state, reason, "", out)

    def _become(
        self, at: float, member: _Member, state: AgentStateName, reason: str, interaction_id: str, out: list[Effect]
    ) -> None:
        if member.state == "ready":
            for queue_id in member.penalties:
                del self._queues[queue_id].available[member.agent_id]
        if state == "ready":
            for queue_id in member.penalties:
                self._queues[queue_id].available[member.agent_id] = member
        member.state = state
        out.append(AgentStateChanged(member.agent_id, state, reason, at, None, interaction_id))


def _our_turn(caller: _Caller) -> bool:
    """`is_our_turn`: fewer callers who ring nobody stand before it than members are available in the queue."""
    available = len(caller.queue.available)
    before = 0
    for other in caller.queue.callers:
        if other is caller:
            return before < available
        if not other.fence:
            before += 1
            if before >= available:
                return False
    return False
