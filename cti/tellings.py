"""What the bridge tells the dispatcher and the journal. Each telling is made outside of any command, in order."""

from collections import deque
from collections.abc import Callable, Mapping
from typing import Protocol

from acd.ports import CallEvents, CallFacts, CallPhase, CallView, ConsultView, EndedBy, ReadBack, RecordingView, Refusal
from core.journal import Fact
from core.log import get_logger
from cti.calls import REST, Call, Leg, Line, Party, set_variables

_log = get_logger(__name__)


class Facts(Protocol):
    """Where facts are told (`core.journal.Journal`)."""

    def append(self, fact: Fact) -> None:
        """Tell a fact."""


def phase_of(call: Call) -> CallPhase:
    """What the agent's desk calls it."""
    with_caller = call.place.stage == "talk"
    if call.expert is not None and not call.expert.succeeds:
        return "conference" if call.expert.joined and with_caller else "consulting"
    return "hold" if call.place == REST else "talking"


def view_of(call: Call, party: Party, now: float) -> CallView:
    """The conversation as the agent's desk shows it."""
    expert, recording = call.expert, call.recording
    consult = ConsultView(expert.target, "talking" if expert.joined else "ringing") if expert is not None else None
    return CallView(
        interaction_id=call.interaction_id,
        agent_id=party.agent_id,
        phase=phase_of(call),
        held_since=party.resting_since,
        hold_total=round(party.rested, 3),
        consult=consult,
        recording=RecordingView(bool(recording.path), recording.paused_since is not None, recording.problem),
        muted=party.muted,
    )


class Tellings:
    """Queues what is told, so that nobody is called back from inside its own command."""

    def __init__(
        self,
        line: Line,
        later: Callable[[Callable[[], None]], None],
        facts: Facts,
        node: str = "",
        unsaid: deque[Callable[[], None]] | None = None,
    ) -> None:
        """`unsaid`: shared by the bridges of several nodes; None where there is one."""
        self.node = node
        self._line = line
        self._later = later
        self._facts = facts
        self._unsaid: deque[Callable[[], None]] = deque() if unsaid is None else unsaid
        self._gathering = False
        self.events: CallEvents | None = None

    def _say(self, say: Callable[[CallEvents, float], None]) -> None:
        at = self._line.now()

        def tell() -> None:
            if self.events is not None:
                say(self.events, at)

        self._unsaid.append(tell)
        if not self._gathering and len(self._unsaid) == 1:
            self._later(self._say_all)

    def after(self, deed: Callable[[], None]) -> None:
        """Do what no command is, and say at once, when it is done, what it gave to say: callers wait for it."""
        self._gathering = True
        try:
            deed()
        finally:
            self._gathering = False
            self._say_all()

    def _say_all(self) -> None:
        while self._unsaid:
            try:
                self._unsaid.popleft()()
            except Exception:
                # What follows is news of other calls.
                _log.exception("a telling could not be taken")

    def waiting(self, facts: CallFacts) -> None:
        """A caller is at the waiting place."""
        self._say(lambda events, at: events.caller_waiting(at, facts))

    def gone(self, interaction_id: str, ended_by: EndedBy, stage: str, cause: int) -> None:
        """A caller's channel has ended."""
        self._say(lambda events, at: events.caller_gone(at, interaction_id, ended_by, stage, cause))

    def answered(self, leg: Leg) -> None:
        """The agent of an offer is in the room; unsaid when the offer was stopped before it could be said."""
        self._say(lambda events, at: None if leg.cancelled else events.leg_answered(at, leg.fence or 0))

    def refused(self, fence: int, reason: Refusal) -> None:
        """The phone did not take an offer."""
        self._say(lambda events, at: events.leg_refused(at, fence, reason))

    def left(self, call: Call, party: Party, ended_by: EndedBy) -> None:
        """An agent's part is over."""
        rest = round(party.rest(self._line.now()), 3)
        if rest:
            self._line.send(*set_variables(call.channel, {"OC_RESTED": ""}))
        if party.agent_id:
            self._say(lambda events, at: events.agent_left(at, call.interaction_id, party.agent_id, ended_by, rest))

    def joined(self, call: Call, agent_id: str) -> None:
        """The call is another agent's from now on."""
        if agent_id:
            self._say(lambda events, at: events.agent_joined(at, call.interaction_id, agent_id))

    def up(self, state: ReadBack) -> None:
        """Asterisk's whole state, after a read-back."""
        self._say(lambda events, at: events.bridge_up(at, state))

    def down(self, why: str) -> None:
        """Asterisk cannot be reached."""
        self._say(lambda events, at: events.bridge_down(at, why, self.node))

    def phone(self, extension: str, registered: bool, node: str) -> None:
        """A phone appeared, vanished or is at another node now."""
        self._say(lambda events, at: events.phone_changed(at, extension, registered, node))

    def key(self, interaction_id: str, key: str) -> None:
        """A waiting caller has pressed a key."""
        self._say(lambda events, at: events.key_pressed(at, interaction_id, key))

    def call_back_answered(self, interaction_id: str, attempt: int) -> None:
        """The customer dialled is in the agent's room."""
        self._say(lambda events, at: events.call_back_answered(at, interaction_id, attempt))

    def call_back_failed(self, interaction_id: str, attempt: int, reason: str) -> None:
        """The customer dialled was not reached."""
        self._say(lambda events, at: events.call_back_failed(at, interaction_id, attempt, reason))

    def alarm(self, alarm_id: str, severity: str, values: Mapping[str, str], raised: bool) -> None:
        """Something an operator must know."""
        if self.node:
            alarm_id, values = f"{alarm_id}:{self.node}", {**values, "node": self.node}
        self._say(lambda events, at: events.alarm(at, alarm_id, severity, values, raised))

    def fact(self, kind: str, call: Call, data: Mapping[str, object] | None = None) -> None:
        """A fact of this call, now."""
        agent_id = call.party.agent_id if call.party is not None else None
        self._facts.append(Fact(self._line.now(), kind, call.interaction_id, agent_id or None, data or {}))

    def view(self, call: Call) -> None:
        """The conversation, if it has changed since it was told; and the facts that the change is."""
        party = call.party
        if party is None:
            call.told = None
            return
        now = self._line.now()
        resting = call.place == REST
        if resting and party.resting_since is None:
            party.resting_since = now
            self.fact("call.hold", call)
            self._remember(call, party)
        elif not resting and party.resting_since is not None:
            party.rested, party.resting_since = party.rest(now), None
            self.fact("call.resume", call)
            self._remember(call, party)
        view = view_of(call, party, now)
        if view == call.told:
            return
        self._consultation(call, call.told, view)
        call.told = view
        if party.agent_id:
            self._say(lambda events, at: events.call_changed(at, view))

    def _remember(self, call: Call, party: Party) -> None:
        """The channel keeps the rest times for a read-back."""
        since = "" if party.resting_since is None else f"{party.resting_since:.3f}"
        values = {"OC_REST_SINCE": since, "OC_RESTED": f"{party.rested:.3f}"}
        self._line.send(*set_variables(call.channel, values))

    def _consultation(self, call: Call, before: CallView | None, view: CallView) -> None:
        if view.consult is None:
            return
        target = view.consult.target
        if before is None or before.consult is None or before.consult.target != target:
            self.fact("call.consult", call, {"to": target.id, "kind": target.kind})
        if view.phase == "conference" and (before is None or before.phase != "conference"):
            self.fact("call.conference", call, {"to": target.id, "kind": target.kind})
