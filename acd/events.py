"""Everything that can happen to the routing engine.

Each event carries `at`: epoch seconds, UTC. Ids are strings. The engine never raises for an event: an unknown id or a
stale fence changes nothing and is answered by the effect `Ignored`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from acd.config import RoutingConfig

Refusal = Literal["rejected", "no_answer", "busy", "unreachable", "failed"]
AdoptedState = Literal["not_ready", "ready", "talking", "consulting", "wrap_up"]

NO_ATTRIBUTES: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class AgentSignedIn:
    """An agent of the configuration starts work, on Asterisk node `node` (empty: the configured one).

    The agent is not ready (reason `signed_in`) unless `ready`.
    """

    at: float
    agent_id: str
    node: str = ""
    ready: bool = False


@dataclass(frozen=True, slots=True)
class AgentSignedOut:
    """The agent leaves. A talk or wrap-up in progress is finished first; a ringing offer is withdrawn."""

    at: float
    agent_id: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class AgentReady:
    """The agent takes work again; during a talk or wrap-up it cancels a not-ready that was asked for later."""

    at: float
    agent_id: str


@dataclass(frozen=True, slots=True)
class AgentNotReady:
    """The agent stops taking work; during a talk or wrap-up this takes effect at its end."""

    at: float
    agent_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class AgentBusy:
    """The agent works on something that was not offered: a call dialled by hand, a direct call, a campaign call.

    Ends with `TalkEnded` of the same interaction.
    """

    at: float
    agent_id: str
    interaction_id: str
    queue_id: str = ""
    channel: str = "voice"
    direction: str = "outbound"


@dataclass(frozen=True, slots=True)
class InteractionQueued:
    """An interaction begins to wait.

    `waiting_since` (default: `at`) decides the place and survives everything. `priority` is added to the
    programme's, the segment's and the queue's. `require` is an expression added to every step of the plan that does
    not relax it. The preferred agent (last contact, ticket's owner) is waited
    for `preferred_wait` seconds, then anyone. `attributes` feed `$name` in expressions and conditions
    (`segment` also adds the programme's priority of that segment).
    """

    at: float
    interaction_id: str
    queue_id: str
    waiting_since: float | None = None
    priority: int = 0
    require: str = ""
    preferred_agent_id: str = ""
    preferred_wait: float = 0.0
    channel: str = "voice"
    direction: str = "inbound"
    node: str = ""
    attributes: Mapping[str, str] = field(default_factory=lambda: NO_ATTRIBUTES)


@dataclass(frozen=True, slots=True)
class InteractionAdopted:
    """A caller found waiting after a restart: as `InteractionQueued`, at its original place. Limits do not apply."""

    at: float
    interaction_id: str
    queue_id: str
    waiting_since: float | None = None
    priority: int = 0
    require: str = ""
    preferred_agent_id: str = ""
    preferred_wait: float = 0.0
    channel: str = "voice"
    direction: str = "inbound"
    node: str = ""
    attributes: Mapping[str, str] = field(default_factory=lambda: NO_ATTRIBUTES)


@dataclass(frozen=True, slots=True)
class InteractionLeft:
    """The interaction is over or gone elsewhere (caller hung up, diverted, ended), wherever it was.

    A pending offer is withdrawn and its agent is ready again without penalty; agents who talk go to wrap-up.
    A waiting call-back is not touched by reason `hung_up`: its caller hangs up by design.
    """

    at: float
    interaction_id: str
    reason: str = "hung_up"


@dataclass(frozen=True, slots=True)
class OfferAccepted:
    """The agent of this offer and the interaction are together."""

    at: float
    fence: int


@dataclass(frozen=True, slots=True)
class OfferRefused:
    """The offer came to nothing on the agent's side."""

    at: float
    fence: int
    reason: Refusal


@dataclass(frozen=True, slots=True)
class TalkEnded:
    """This agent's part of the interaction is over; when it was the last agent, so is the interaction."""

    at: float
    interaction_id: str
    agent_id: str
    wrap_up: bool = True


@dataclass(frozen=True, slots=True)
class TalkTransferred:
    """Agent A leaves the interaction (to wrap-up) and agent B has it. `from_agent_id` empty: A has left already."""

    at: float
    interaction_id: str
    from_agent_id: str
    to_agent_id: str


@dataclass(frozen=True, slots=True)
class TransferredToQueue:
    """An interaction in talk is put into a queue; agent A goes to wrap-up (`wrap_up` false: not, e.g. lost phone).

    `waiting_since` None: it waits from now on; else it keeps that place. `to_head`: as of the highest priority.
    """

    at: float
    interaction_id: str
    agent_id: str
    queue_id: str
    waiting_since: float | None = None
    to_head: bool = False
    priority: int | None = None
    require: str | None = None
    wrap_up: bool = True


@dataclass(frozen=True, slots=True)
class ConsultStarted:
    """An expert is busy with someone's interaction."""

    at: float
    interaction_id: str
    agent_id: str


@dataclass(frozen=True, slots=True)
class ConsultEnded:
    """The expert is free of it (no wrap-up)."""

    at: float
    interaction_id: str
    agent_id: str


@dataclass(frozen=True, slots=True)
class WrapUpExtended:
    """The agent asks for more wrap-up; `seconds` None: the queue's extension. Limited by the queue's rule."""

    at: float
    agent_id: str
    seconds: float | None = None
    interaction_id: str = ""


@dataclass(frozen=True, slots=True)
class WrapUpEnded:
    """The agent has finished wrap-up (of `interaction_id`, or all of it)."""

    at: float
    agent_id: str
    interaction_id: str = ""


@dataclass(frozen=True, slots=True)
class InteractionMoved:
    """A supervisor moves a waiting interaction to another queue, keeping its waiting time and a place at the front."""

    at: float
    interaction_id: str
    queue_id: str


@dataclass(frozen=True, slots=True)
class InteractionPrioritised:
    """A supervisor changes the interaction's own priority (None: leaves it) or moves it before all others."""

    at: float
    interaction_id: str
    priority: int | None = None
    to_front: bool = False


@dataclass(frozen=True, slots=True)
class CallBackRequested:
    """A waiting caller keeps the place and will hang up; `number` is dialled when the turn comes.

    `attempts`: how often it was dialled before a restart; what came of the last one is not known.
    """

    at: float
    interaction_id: str
    number: str
    attempts: int = 0


@dataclass(frozen=True, slots=True)
class CallBackAnswered:
    """The customer answered dialling attempt `attempt`."""

    at: float
    interaction_id: str
    attempt: int


@dataclass(frozen=True, slots=True)
class CallBackFailed:
    """Dialling attempt `attempt` did not reach the customer."""

    at: float
    interaction_id: str
    attempt: int
    reason: str = "no_answer"


@dataclass(frozen=True, slots=True)
class CallBackCancelled:
    """The call-back is no longer wanted."""

    at: float
    interaction_id: str
    reason: str = "cancelled"


@dataclass(frozen=True, slots=True)
class AgentAdopted:
    """An agent found at work after a restart, in the given state since the given instant.

    `talking`, `consulting` and `wrap_up` name the interaction and its queue; the interaction becomes known by this.
    """

    at: float
    agent_id: str
    state: AdoptedState
    since: float
    reason: str = ""
    until: float | None = None
    interaction_id: str = ""
    queue_id: str = ""
    channel: str = "voice"
    direction: str = "inbound"
    node: str = ""


@dataclass(frozen=True, slots=True)
class ConfigChanged:
    """Agents, skills, queues or plans are other from now on; those who wait keep their place."""

    at: float
    config: RoutingConfig


@dataclass(frozen=True, slots=True)
class Tick:
    """Time has passed: due when `Engine.next_due()` says so."""

    at: float


Event = (
    AgentSignedIn
    | AgentSignedOut
    | AgentReady
    | AgentNotReady
    | AgentBusy
    | AgentAdopted
    | InteractionQueued
    | InteractionAdopted
    | InteractionLeft
    | InteractionMoved
    | InteractionPrioritised
    | OfferAccepted
    | OfferRefused
    | TalkEnded
    | TalkTransferred
    | TransferredToQueue
    | ConsultStarted
    | ConsultEnded
    | WrapUpExtended
    | WrapUpEnded
    | CallBackRequested
    | CallBackAnswered
    | CallBackFailed
    | CallBackCancelled
    | ConfigChanged
    | Tick
)
