"""What a run needs, ready to run: topics, duties, behaviour and the routing configuration. No files, no parsing.

Instants are seconds since the start of the scenario; `Setup.epoch` is that start as epoch seconds, UTC.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from acd.config import RoutingConfig
from acd.simulator.distributions import Distribution, Fixed, Never, PerLevel

NO_ATTRIBUTES: Mapping[str, str] = {}
AT_ONCE, TWO_MINUTES, FOR_EVER = Fixed(0.0), Fixed(120.0), Never()


@dataclass(frozen=True, slots=True)
class CallAgain:
    """A customer calls again with probability `share`, `after` so many seconds, at most `most` times in a row."""

    share: float = 0.0
    after: Distribution = AT_ONCE
    most: int = 3
    same_topic: float = 1.0


@dataclass(frozen=True, slots=True)
class Topic:
    """Callers of one reason. `level_skill` names the skill whose proficiency scales talk, wrap-up and the unresolved
    share by their factors."""

    topic_id: str
    queue_id: str
    talk: Distribution
    wrap_up: Distribution = AT_ONCE
    patience: Distribution = FOR_EVER
    require: str = ""
    priority: int = 0
    attributes: Mapping[str, str] = field(default_factory=lambda: NO_ATTRIBUTES)
    level_skill: str = ""
    talk_factor: PerLevel | None = None
    wrap_up_factor: PerLevel | None = None
    unresolved_factor: PerLevel | None = None
    resolved: float = 1.0
    recall: CallAgain = CallAgain()
    redial: CallAgain = CallAgain()


@dataclass(frozen=True, slots=True)
class Stream:
    """Expected calls of one topic: `volumes[n]` fall into the n-th piece of `piece` seconds."""

    topic_id: str
    piece: float
    volumes: tuple[float, ...]
    steady: bool = False
    """Exactly the rounded volume of each piece instead of a Poisson number."""


@dataclass(frozen=True, slots=True)
class RecordedCall:
    """A call of a recorded day; what was not recorded is None and drawn."""

    at: float
    topic_id: str
    talk: float | None = None
    wrap_up: float | None = None
    patience: float | None = None


@dataclass(frozen=True, slots=True)
class Duty:
    """One agent's working time: signed in from `start` to `end`, with breaks (start, length)."""

    agent_id: str
    start: float
    end: float
    breaks: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What happens between an offer and a talk, and who is known.

    `connection`: offer → the phone rings. `pick_up`: the phone rings → the agent answers. `rona`: the share of
    offers nobody answers; the agent is back `rona_back` later. `withheld`: the share of callers without identity.
    `call_back`: the share of callers who accept an offered call-back, `call_back_answered`: of those reached.
    """

    connection: Distribution = AT_ONCE
    pick_up: Distribution = AT_ONCE
    rona: float = 0.0
    rona_back: Distribution = TWO_MINUTES
    withheld: float = 0.0
    call_back: float = 0.0
    call_back_answered: float = 0.8


@dataclass(frozen=True, slots=True)
class Setup:
    """Everything of a run but its seed. Figures cover calls queued from `warm_up` to `end`, by `interval` seconds."""

    name: str
    config: RoutingConfig
    topics: Mapping[str, Topic]
    streams: tuple[Stream, ...]
    duties: tuple[Duty, ...]
    end: float
    epoch: float = 0.0
    behaviour: Behaviour = Behaviour()
    recorded: tuple[RecordedCall, ...] = ()
    interval: float = 1800.0
    warm_up: float = 0.0
    drain: float = 7200.0
    """After the end nobody new calls; those who are in the system may still be served for so long."""
    day_variation: float = 0.0
    """Coefficient of variation of a whole day's volume around its forecast."""
    short_abandon: float = 5.0
    recall_window: float = 259_200.0
