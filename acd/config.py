"""What the engine routes by: queues, plans, agents, programmes and rules. All durations are seconds.

Everything here is frozen data; `acd.plans` reads it from YAML or a database row with errors that name the place.
Expressions are text (see `acd.expressions`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

_NOTHING: Mapping[str, Any] = MappingProxyType({})


class Strategy(StrEnum):
    """Who is chosen among the ready agents of the same step; ties go to the longest idle, then to who had
    an offer longest ago."""

    LONGEST_IDLE = "longest_idle"
    MOST_IDLE = "most_idle"
    LEAST_OCCUPIED = "least_occupied"
    MOST_PROFICIENT = "most_proficient"
    LEAST_FLEXIBLE = "least_flexible"
    ROUND_ROBIN = "round_robin"
    WEIGHTED = "weighted"


class Blend(StrEnum):
    """Which directions an agent serves; `inbound_first` takes outbound only when no inbound waits for them."""

    ALL = "all"
    INBOUND = "inbound"
    OUTBOUND = "outbound"
    INBOUND_FIRST = "inbound_first"


class WrapUpMode(StrEnum):
    """`fixed`: exactly so long; `capped`: until the agent ends it, at most so long; `manual`: until ended."""

    NONE = "none"
    FIXED = "fixed"
    CAPPED = "capped"
    MANUAL = "manual"


class OverflowKind(StrEnum):
    """Where an interaction goes that its queue cannot or should not keep."""

    QUEUE = "queue"
    PROGRAMME = "programme"
    VOICEMAIL = "voicemail"
    CALL_BACK = "call_back"
    ANNOUNCEMENT = "announcement"
    HANG_UP = "hang_up"


@dataclass(frozen=True, slots=True)
class Weights:
    """Strategy `weighted`: score = idle·seconds idle + proficiency·level sum − flexibility·queues served
    − occupancy·occupancy (0–1). The highest score is chosen."""

    idle: float = 1.0
    proficiency: float = 0.0
    flexibility: float = 0.0
    occupancy: float = 0.0


@dataclass(frozen=True, slots=True)
class WrapUp:
    """The queue's wrap-up rule. The agent may add `extension` seconds up to `max_extensions` times."""

    mode: WrapUpMode = WrapUpMode.CAPPED
    seconds: float = 60.0
    extension: float = 60.0
    max_extensions: int = 1


@dataclass(frozen=True, slots=True)
class Overflow:
    """Where to: `target` is a queue id, a programme id or the name of what is said; the other kinds have none."""

    kind: OverflowKind
    target: str = ""


@dataclass(frozen=True, slots=True)
class PlanStep:
    """What changes once the interaction has waited `after` seconds and `when` holds (each step is taken once).

    `require`: who may serve it from now on, besides the agents of the steps before (`cumulative`), who still come
    first; not cumulative: instead of them. `prefer`: expressions that put agents first inside the step.
    `add_queue`: the agents of that queue's first step too. `relax_own`: the interaction's own requirement no longer
    counts in this step.
    """

    after: float = 0.0
    when: str = ""
    require: str | None = None
    prefer: tuple[str, ...] = ()
    cumulative: bool = True
    relax_own: bool = False
    add_queue: str = ""
    raise_priority: int = 0
    announce: str = ""
    overflow: Overflow | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """The steps of a queue, in order of `after`. The first applies at once."""

    steps: tuple[PlanStep, ...] = (PlanStep(require=""),)


@dataclass(frozen=True, slots=True)
class OpeningHours:
    """Weekly hours in the local time of `zone`: (weekday 0 = Monday, from second, to second of that day).

    `closed_days` are ISO dates.
    """

    zone: ZoneInfo
    weekly: tuple[tuple[int, int, int], ...]
    closed_days: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Announcements:
    """Position and expected wait are told `first_after` seconds after entry and then each `every` seconds."""

    first_after: float = 20.0
    every: float = 45.0


@dataclass(frozen=True, slots=True)
class CallBackRule:
    """A call-back in queue is dialled at most `max_attempts` times, `retry_after` seconds apart."""

    max_attempts: int = 3
    retry_after: float = 600.0


@dataclass(frozen=True, slots=True)
class Queue:
    """A line of interactions with one plan and one way to choose agents.

    `reserve`: the queue takes an agent only while more than so many agents who could serve it are ready (keeps
    capacity for others). `max_expected_wait` is judged at entry. `on_closed` is for those who come outside `hours`,
    `at_close` for those who wait when it closes (None: they are still served). `preferred_wait`: how long a caller
    waits for the agent of the last contact; `owner_wait`: for the owner of the open ticket (None: as long).
    """

    queue_id: str
    name: str = ""
    programme_id: str = ""
    plan: Plan = Plan()
    strategy: Strategy = Strategy.LONGEST_IDLE
    weights: Weights = Weights()
    priority: int = 0
    ring_timeout: float = 15.0
    wrap_up: WrapUp = WrapUp()
    service_level_seconds: float = 20.0
    reserve: int = 0
    max_waiting: int | None = None
    on_full: Overflow | None = None
    max_expected_wait: float | None = None
    on_long_wait: Overflow | None = None
    hours: OpeningHours | None = None
    on_closed: Overflow | None = None
    at_close: Overflow | None = None
    announcements: Announcements | None = None
    call_back: CallBackRule = CallBackRule()
    preferred_wait: float = 20.0
    owner_wait: float | None = None

    def wait_for(self, *, owner: bool) -> float:
        """Seconds that a caller waits for the preferred agent: the owner of the open ticket, or of the last contact."""
        return self.owner_wait if owner and self.owner_wait is not None else self.preferred_wait


@dataclass(frozen=True, slots=True)
class Agent:
    """An agent's routing profile. `skills` map to proficiency 1–10.

    Empty `programmes` or `channels` mean all. `attributes` are further facts for expressions (`site=rome`).
    """

    agent_id: str
    skills: Mapping[str, int] = field(default_factory=lambda: _NOTHING)
    languages: frozenset[str] = frozenset()
    programmes: frozenset[str] = frozenset()
    segments: frozenset[str] = frozenset()
    team: str = ""
    node: str = ""
    channels: frozenset[str] = frozenset()
    capacity: int = 100
    blend: Blend = Blend.ALL
    attributes: Mapping[str, str] = field(default_factory=lambda: _NOTHING)


@dataclass(frozen=True, slots=True)
class Programme:
    """One client's service: its priority, its segments' priorities, the queue that takes its overflow, its clock.

    `zone` None: the one of the routing domain.
    """

    programme_id: str
    priority: int = 0
    segment_priority: Mapping[str, int] = field(default_factory=lambda: _NOTHING)
    overflow_queue: str = ""
    zone: ZoneInfo | None = None


@dataclass(frozen=True, slots=True)
class Channel:
    """How much of an agent's capacity (100) one interaction of this kind takes.

    `interruptible` work does not keep the agent from channels that are not.
    """

    units: int = 100
    interruptible: bool = False


DEFAULT_CHANNELS: Mapping[str, Channel] = MappingProxyType(
    {
        "voice": Channel(100),
        "call_back": Channel(100),
        "chat": Channel(34),
        "email": Channel(50, interruptible=True),
        "task": Channel(100, interruptible=True),
    }
)


@dataclass(frozen=True, slots=True)
class Refusals:
    """What an offer that comes to nothing costs the agent.

    No answer: not ready (`rona`); after `rona_limit` in a row signed out. Rejected: a pause of `reject_pause`
    seconds, and not ready (`rejected`) after `reject_limit` in a row. Busy: a pause of `busy_pause` (`phone_busy`).
    Unreachable: not ready (`phone_lost`). Failed: a pause (`retry`) that doubles from `failed_pause` to
    `failed_pause_max`, for the agent and, after `failed_limit` failures in a row, for the interaction.
    """

    rona_limit: int = 3
    reject_pause: float = 10.0
    reject_limit: int = 3
    busy_pause: float = 15.0
    failed_pause: float = 1.0
    failed_pause_max: float = 30.0
    failed_limit: int = 3


@dataclass(frozen=True, slots=True)
class RoutingConfig:
    """One routing domain: programmes that share agents.

    `seconds_per_priority`: one point of priority is worth so many seconds of waiting. Priorities are held within
    ±`max_priority`, so nobody is overtaken by anyone who came more than 2·max_priority·seconds_per_priority later.
    `crossing_cost`: an agent on another node counts as so many seconds less idle, a caller of another node as
    having waited so many seconds less. `recheck`: how often, in seconds, a plan step whose condition does not hold
    is looked at again. `fallback_queue` takes what names an unknown queue. `zone`: the clock of queues whose programme
    has none.
    """

    queues: Mapping[str, Queue] = field(default_factory=lambda: _NOTHING)
    agents: Mapping[str, Agent] = field(default_factory=lambda: _NOTHING)
    programmes: Mapping[str, Programme] = field(default_factory=lambda: _NOTHING)
    channels: Mapping[str, Channel] = field(default_factory=lambda: DEFAULT_CHANNELS)
    refusals: Refusals = Refusals()
    seconds_per_priority: float = 30.0
    max_priority: int = 20
    crossing_cost: float = 0.0
    recheck: float = 5.0
    fallback_queue: str = ""
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
