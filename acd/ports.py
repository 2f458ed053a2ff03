"""What the dispatcher needs from other rooms, and what they tell it. `onecall.wiring` joins the two sides."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

Refusal = Literal["rejected", "no_answer", "busy", "unreachable", "failed"]
CallPhase = Literal["talking", "hold", "consulting", "conference"]
EndedBy = Literal["caller", "agent", "system"]
TargetKind = Literal["agent", "queue", "number"]


@dataclass(frozen=True, slots=True)
class CallFacts:
    """What the caller's channel says of the call (the `OC_*` variables). Instants are epoch seconds, UTC."""

    interaction_id: str
    arrived: float
    did: str
    number: str | None
    programme_id: str
    queue_id: str
    skills: str
    priority: int
    queued_at: float
    customer_ids: tuple[str, ...]
    language: str
    preferred_agent_id: str | None
    path: str
    direction: Literal["inbound", "outbound"] = "inbound"
    recorded: bool = False
    """The caller has agreed to be recorded (and is): a call-back of this call may be, too."""
    segment: str = ""
    node: str = ""
    """The Asterisk where the caller is, where there are several."""
    prefers_owner: bool = False
    """The preferred agent is the owner of the open ticket, not the agent of the last contact."""


@dataclass(frozen=True, slots=True)
class Ring:
    """One agent's phone to be rung for one caller. `fence` names the offer; an answer to another fence is stale."""

    fence: int
    interaction_id: str
    agent_id: str
    extension: str
    timeout: float
    caller_number: str | None
    caller_name: str | None
    call_back: bool = False
    """Nobody is on the line yet: the customer is dialled once the agent has answered (`dial_back`)."""
    node: str = ""
    """The Asterisk where the caller is, or from which the customer will be dialled."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a transfer or consultation goes: an agent id, a queue id or an E.164 number."""

    kind: TargetKind
    id: str


@dataclass(frozen=True, slots=True)
class ConsultView:
    """The expert asked during a consultation: who, and whether the phone still rings."""

    target: Target
    state: Literal["ringing", "talking"]


@dataclass(frozen=True, slots=True)
class RecordingView:
    """Whether the call is being recorded; `problem` says why not (disk full, no permission)."""

    on: bool
    paused: bool
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class CallView:
    """A conversation as the bridge sees it, whenever it changes."""

    interaction_id: str
    agent_id: str
    phase: CallPhase
    held_since: float | None
    hold_total: float
    consult: ConsultView | None
    recording: RecordingView
    muted: bool = False
    """Nobody hears the agent: muted by the server, not by the phone's own key."""


@dataclass(frozen=True, slots=True)
class LiveCall:
    """A conversation found on Asterisk at read-back: `answered` is when the agent joined (epoch seconds)."""

    facts: CallFacts
    view: CallView
    answered: float


@dataclass(frozen=True, slots=True)
class ReadBack:
    """The whole truth on an Asterisk after (re)connecting: it replaces what the dispatcher believed of that `node`.

    `ringing` maps the fence of each ringing agent leg to its interaction; `registered` are the extensions with a
    reachable contact, at whatever node, and `phones` names the node of each; `elsewhere` are callers who are there but
    neither wait nor talk (IVR, last words): their end is still to be told.
    """

    waiting: tuple[CallFacts, ...]
    talking: tuple[LiveCall, ...]
    ringing: Mapping[int, str]
    registered: frozenset[str]
    elsewhere: frozenset[str] = frozenset()
    node: str = ""
    phones: Mapping[str, str] = field(default_factory=dict)


class CallEvents(Protocol):
    """What the bridge tells, in order, from one task. `acd.dispatcher.Dispatcher` fulfils it; no method raises."""

    def bridge_up(self, at: float, state: ReadBack) -> None:
        """An Asterisk is reachable again and this is its state."""

    def bridge_down(self, at: float, why: str, node: str = "") -> None:
        """That Asterisk cannot be reached: no command to it will work; its calls go on without us."""

    def caller_waiting(self, at: float, facts: CallFacts) -> None:
        """A caller has reached the waiting place (also after an announcement: the same caller twice is one)."""

    def caller_gone(self, at: float, interaction_id: str, ended_by: EndedBy, stage: str, cause: int) -> None:
        """The caller's channel has ended, wherever it was (`stage`: ivr, hold, talk, rest, after, survival)."""

    def leg_answered(self, at: float, fence: int) -> None:
        """The agent of that offer is in the room and the caller is being moved there."""

    def leg_refused(self, at: float, fence: int, reason: Refusal) -> None:
        """The agent's phone did not take that offer."""

    def call_changed(self, at: float, view: CallView) -> None:
        """Hold, consultation, conference or recording changed."""

    def agent_left(self, at: float, interaction_id: str, agent_id: str, ended_by: EndedBy, hold: float) -> None:
        """That agent's part of the call is over (`hold`: seconds on hold in it); the caller may be elsewhere by now."""

    def agent_joined(self, at: float, interaction_id: str, agent_id: str) -> None:
        """Another agent took the call over (a completed consultation): from now on the call is theirs."""

    def phone_changed(self, at: float, extension: str, registered: bool, node: str = "") -> None:
        """A phone appeared or vanished, or is registered at another node than before."""

    def key_pressed(self, at: float, interaction_id: str, key: str) -> None:
        """A caller in the waiting place has pressed a key."""

    def call_back_answered(self, at: float, interaction_id: str, attempt: int) -> None:
        """The customer dialled by `dial_back` has answered and is in the agent's room."""

    def call_back_failed(self, at: float, interaction_id: str, attempt: int, reason: str) -> None:
        """That customer was not reached (`no_answer`, `busy`, `rejected`, `unreachable`, `failed`); the leg of the
        agent who waited has been hung up."""

    def alarm(self, at: float, alarm_id: str, severity: str, values: Mapping[str, str], raised: bool) -> None:
        """Something an operator must know (recording disk full, ...), raised or cleared."""


class Telephony(Protocol):
    """Commands to Asterisk. Each raises `core.errors.OneCallError` (Unavailable, NotFound, Conflict) when it cannot."""

    def ring(self, ring: Ring) -> None:
        """Start ringing, in one write; `leg_answered` or `leg_refused` of that fence follows, exactly one of them."""

    def stop_ringing(self, fence: int) -> None:
        """Stop the phone of that offer, in one write; nothing to do is not an error. No `leg_refused` follows."""

    async def answer(self, fence: int) -> None:
        """Make a phone that supports it pick up (NOTIFY talk)."""

    async def hang_up(self, interaction_id: str, agent_id: str) -> None:
        """End the conversation: the caller falls to the after-call step, the agent's leg ends."""

    async def hold(self, interaction_id: str, agent_id: str) -> None:
        """The caller rests with music."""

    async def resume(self, interaction_id: str, agent_id: str) -> None:
        """Back into the room."""

    async def mute(self, interaction_id: str, agent_id: str, muted: bool) -> None:
        """Let nobody hear the agent, or hear again: for phones that the desk cannot mute by itself."""

    async def dtmf(self, interaction_id: str, agent_id: str, digits: str) -> None:
        """Play keys to the caller's side."""

    async def transfer(self, interaction_id: str, agent_id: str, target: Target, extension: str | None) -> None:
        """Blind transfer to a number: the caller first moves, then the agent's leg ends (`agent_left` follows)."""

    async def release_to_queue(self, interaction_id: str, agent_id: str, facts: CallFacts) -> None:
        """Write new routing facts and put the caller back to the waiting place; `caller_waiting` follows."""

    async def consult(self, interaction_id: str, agent_id: str, target: Target, extension: str) -> None:
        """The caller rests, the expert rings into the room. `extension`: the agent's, or the number to dial."""

    async def consult_complete(self, interaction_id: str, agent_id: str) -> None:
        """The caller joins the expert, the first agent leaves (`agent_joined` follows when the expert is an agent)."""

    async def consult_cancel(self, interaction_id: str, agent_id: str) -> None:
        """The expert's leg ends; the caller comes back to the agent."""

    async def conference(self, interaction_id: str, agent_id: str) -> None:
        """Caller, agent and expert in one room."""

    async def record_pause(self, interaction_id: str, paused: bool) -> None:
        """Silence in the recording (timeline kept) while card digits are spoken."""

    async def announce(self, interaction_id: str, prompts: Sequence[str]) -> None:
        """Say these prompt names to a waiting caller, who then returns to hold by itself."""

    async def promise_call_back(self, interaction_id: str, prompts: Sequence[str]) -> None:
        """Say these prompts to the waiting caller, whose place is kept, and hang up; `caller_gone` follows."""

    async def dismiss(self, interaction_id: str, prompts: Sequence[str]) -> None:
        """Say these prompts to a caller whom the queue does not keep, and hang up; `caller_gone` follows."""

    async def write_facts(self, interaction_id: str, facts: CallFacts) -> None:
        """Write new routing facts on the channel of a waiting caller, who stays where it is."""

    async def dial_back(self, facts: CallFacts, number: str, attempt: int) -> None:
        """Dial the customer into the room of the agent who has answered `ring` of this interaction.

        `call_back_answered` or `call_back_failed` of this attempt follows, exactly one.
        """

    async def divert(self, interaction_id: str, destination: str) -> None:
        """Send a waiting caller out of the queue: `voicemail`, `call_back`, `closed` or a number."""


@dataclass(frozen=True, slots=True)
class PopAndTicket:
    """What the desk shows of the caller (`pop`: docs/contracts.md), and the call's ticket once there is one."""

    pop: Mapping[str, Any] = field(default_factory=dict)
    ticket_id: str | None = None
    caller_name: str | None = None


class Stories(Protocol):
    """The caller's story, fulfilled by tickets."""

    async def pop(self, facts: CallFacts) -> PopAndTicket:
        """The pop of this call; never raises for an unknown customer."""

    async def open_ticket(self, facts: CallFacts, agent_id: str, at: float) -> str:
        """The ticket of this call (made once; the same id when asked again)."""

    async def call_back_given_up(self, facts: CallFacts, number: str, at: float) -> None:
        """A promised call-back reached nobody: a person must see to it (one ticket, however often told)."""


class Announcer(Protocol):
    """What is said to a waiting caller, fulfilled by ivr."""

    async def prompts(
        self, facts: CallFacts, position: int, expected_wait: float | None, confidence: str, prompt: str
    ) -> Sequence[str]:
        """Sound names, in order, for the caller's language; empty: better say nothing. `expected_wait` in seconds."""
