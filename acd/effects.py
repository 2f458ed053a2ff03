"""Everything the routing engine decides. The dispatcher carries it out, in this order, or records it."""

from dataclasses import dataclass
from typing import Literal, dataclass_transform

AgentStateName = Literal["signed_out", "not_ready", "ready", "ringing", "talking", "wrap_up"]
Confidence = Literal["none", "low", "fair", "good"]
OverflowTarget = Literal["queue", "programme", "voicemail", "call_back", "announcement", "hang_up"]


@dataclass_transform(frozen_default=True)
def _effect(kind: type) -> type:
    """Frozen for the type checker, which is where it matters. At run time a frozen dataclass sets each field by a call,
    and the engine makes two effects an event."""
    return dataclass(slots=True, unsafe_hash=True)(kind)


@_effect
class Offer:
    """Ring this agent for this interaction; unanswered at `deadline` (epoch seconds) the engine withdraws it."""

    fence: int
    interaction_id: str
    agent_id: str
    deadline: float


@_effect
class OfferWithdrawn:
    """Stop ringing. Reasons: `left`, `moved`, `deadline`, `agent_not_ready`, `agent_signed_out`, `agent_busy`,
    `not_qualified` (skills or plan have changed), `call_back_cancelled`. The fence is dead: a later answer
    to it changes nothing."""

    fence: int
    interaction_id: str
    agent_id: str
    reason: str


@_effect
class OfferEnded:
    """The offer was answered (`accepted`) or refused by the agent's side (the reason given)."""

    fence: int
    interaction_id: str
    agent_id: str
    result: str


@_effect
class AgentStateChanged:
    """The agent is in `state` since then; timed states (wrap-up, a pause, ringing) say `until` when."""

    agent_id: str
    state: AgentStateName
    reason: str
    since: float
    until: float | None
    interaction_id: str = ""


@_effect
class Queued:
    """The interaction waits in this queue (entry, move, overflow, transfer to a queue)."""

    interaction_id: str
    queue_id: str
    waiting_since: float
    priority: int


@_effect
class Requeued:
    """After an offer that came to nothing: back to the head of the line, with the original waiting time."""

    interaction_id: str
    queue_id: str
    waiting_since: float
    reason: str


@_effect
class Dequeued:
    """The interaction no longer waits and no agent has it: it left or was diverted. Nothing ends silently."""

    interaction_id: str
    queue_id: str
    waiting_since: float
    reason: str


@_effect
class Announce:
    """Tell the waiting caller its place (1 = next) and the expected further wait in seconds.

    The wait lies between `low` and `high` eight times of ten; both figures are None when nothing is known yet.
    `prompt` names a recorded announcement of the plan, else empty.
    """

    interaction_id: str
    position: int
    expected_wait: float | None
    low: float | None
    high: float | None
    confidence: Confidence
    prompt: str = ""


@_effect
class PlanStepTaken:
    """The interaction's plan went a step on; more (or other) agents may now serve it."""

    interaction_id: str
    queue_id: str
    step: int


@_effect
class PriorityChanged:
    """The interaction's priority is now this, by `cause` (`plan`, `supervisor`)."""

    interaction_id: str
    priority: int
    cause: str


@_effect
class Overflowed:
    """The queue could not or should not keep it; `kind` and `target` say where it goes, `reason` why.

    `queue` and `programme`: the engine has moved it itself (a `Queued` follows). `call_back`: offer the caller a
    call-back, it still waits. All others: it has left the engine, the dispatcher takes the caller there.
    """

    interaction_id: str
    queue_id: str
    kind: OverflowTarget
    target: str
    reason: str


@_effect
class CallBackDue:
    """Dial the customer now for this agent. Each `attempt` is announced once and must be dialled at most once."""

    interaction_id: str
    agent_id: str
    number: str
    attempt: int


@_effect
class CallBackScheduled:
    """The call-back holds its place (first time) or will be tried again not before `not_before`."""

    interaction_id: str
    attempt: int
    not_before: float


@_effect
class CallBackGivenUp:
    """All attempts are used up (or it was cancelled): the promise to call needs a person."""

    interaction_id: str
    number: str
    attempts: int
    reason: str


@_effect
class InteractionEnded:
    """No agent has the interaction any more after a talk."""

    interaction_id: str
    queue_id: str


@_effect
class WorkInterrupted:
    """Interruptible work (an e-mail, a task) rests while the agent serves something more urgent."""

    agent_id: str
    interaction_id: str


@_effect
class WorkResumed:
    """The agent may go on with interrupted work."""

    agent_id: str
    interaction_id: str


@_effect
class RequirementIgnored:
    """The interaction's own expression cannot be read: it waits without it. `problem` points at the character."""

    interaction_id: str
    require: str
    problem: str


@_effect
class NobodyQualified:
    """No configured agent could ever serve this interaction at its present step: someone should know."""

    interaction_id: str
    queue_id: str


@_effect
class QualifiedAgain:
    """Nobody waits in this queue any more whom no configured agent could serve: what `NobodyQualified` told is over."""

    queue_id: str


@_effect
class Ignored:
    """An event that changed nothing: stale, duplicate or about something unknown."""

    event: str
    subject: str
    why: str


Effect = (
    Offer
    | OfferWithdrawn
    | OfferEnded
    | AgentStateChanged
    | Queued
    | Requeued
    | Dequeued
    | Announce
    | PlanStepTaken
    | PriorityChanged
    | Overflowed
    | CallBackDue
    | CallBackScheduled
    | CallBackGivenUp
    | InteractionEnded
    | WorkInterrupted
    | WorkResumed
    | RequirementIgnored
    | NobodyQualified
    | QualifiedAgain
    | Ignored
)
