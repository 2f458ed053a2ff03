"""What the IVR needs from other rooms. `onecall.wiring` joins the two sides.

Every method may be slow or raise: the IVR waits a short time and goes on without the answer, so that no caller stands
in silence because a database is away.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from core.journal import Fact

IdentificationKind = Literal["none", "one", "several", "withheld", "shared"]
TicketState = Literal["open", "back_office", "waiting_for_customer", "resolved"]
Wish = Literal["asked", "partial", "missed"]


@dataclass(frozen=True, slots=True)
class TicketSummary:
    """What may be said on the phone of the caller's ticket. `due_days`: whole days until it is due, if promised."""

    number: str
    state: TicketState
    due_days: int | None = None


@dataclass(frozen=True, slots=True)
class Identification:
    """Who calls, as far as the number (or a keyed code) tells.

    `several` is never resolved by a guess: the agent chooses. `preferred_agent_id` is set when this is a recall whose
    last agent should be tried first, or when an agent has the open ticket (then `prefers_owner`). `priority` is added
    to the call's; `segment` is that of the one customer who is certain.
    """

    kind: IdentificationKind
    customer_ids: tuple[str, ...] = ()
    language: str | None = None
    preferred_agent_id: str | None = None
    priority: int = 0
    ticket: TicketSummary | None = None
    segment: str | None = None
    prefers_owner: bool = False


@dataclass(frozen=True, slots=True)
class QueueOutlook:
    """What a caller joining now may be told. `expected_wait`: seconds, None when nothing sensible can be said."""

    position: int
    expected_wait: float | None


@dataclass(frozen=True, slots=True)
class Voicemail:
    """A message a caller left: `file` is a WAV under the voicemail folder, `seconds` its length.

    `id` is the same whenever the same message is told again; a caller may leave several.
    """

    id: str
    interaction_id: str
    at: float
    programme_id: str
    number: str | None
    customer_ids: tuple[str, ...]
    language: str
    file: Path
    seconds: float


@dataclass(frozen=True, slots=True)
class CallBackRequest:
    """A caller wants to be called back, or was lost before saying so.

    `id` is the same whenever the same wish is told again. `wish`: `asked` (confirmed by the caller), `partial` (hung up
    while keying), `missed` (said nothing). `number` is E.164 when it could be read, else as keyed; None when neither
    keyed nor shown.
    """

    id: str
    at: float
    number: str | None
    did: str
    programme_id: str | None
    interaction_id: str | None
    language: str
    wish: Wish
    source: Literal["ivr", "survival"]


@dataclass(frozen=True, slots=True)
class NumberPlan:
    """What a dialled number means: whose it is, how numbers and hours are read, and the flow's text to run."""

    programme_id: str
    region: str
    time_zone: str
    language: str
    flow_id: str
    flow_version: str
    flow_yaml: str
    calendars: dict[str, str] = field(default_factory=dict)
    flow_file: str = ""
    """Name of the file that the flow is, for messages; empty for a row of the database."""


class Facts(Protocol):
    """Fulfilled by `core.journal.Journal`."""

    def append(self, fact: Fact) -> None:
        """Tell a fact."""


class Callers(Protocol):
    """Who is calling; fulfilled by tickets."""

    async def identify(self, number: str, programme_id: str) -> Identification:
        """By the caller's number (E.164)."""

    async def identify_code(self, code: str, programme_id: str) -> Identification:
        """By a customer code that the caller keyed."""


class QueueInfo(Protocol):
    """The lines as they stand; fulfilled by the dispatcher."""

    async def outlook(self, queue_id: str, priority: int) -> QueueOutlook:
        """Position and expected wait of a caller who joined now with that priority."""


class Messages(Protocol):
    """Where voicemail goes; fulfilled by tickets."""

    async def voicemail(self, message: Voicemail) -> None:
        """Make it a ticket; the same `id` told twice is one ticket. Raises when it could not be stored."""


class CallBacks(Protocol):
    """Where wishes to be called back go; fulfilled by tickets."""

    async def request(self, request: CallBackRequest) -> None:
        """Make it a call-back ticket; the same `id` told twice is one ticket. Raises when it could not be stored."""


class Transfers(Protocol):
    """Sends a caller in the IVR to an outside number; fulfilled by the bridge, which alone dials outside."""

    async def to_number(self, interaction_id: str, number: str, ring_seconds: float) -> bool:
        """Ring the number for so long. True: it has answered and takes the channel. False: the caller is still here.

        Raises when it cannot be tried.
        """


class Flows(Protocol):
    """What to do for a dialled number."""

    async def for_number(self, did: str) -> NumberPlan | None:
        """The plan in force now, or None for a number that nobody has set up."""
