"""What the engine shows of itself: frozen copies for live statistics, desks and tests."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from acd.effects import AgentStateName, Confidence

Place = Literal["waiting", "held", "offered", "talking"]


@dataclass(frozen=True, slots=True)
class WorkView:
    """One interaction an agent has: `talking`, `consulting`, `wrap_up` or `interrupted`."""

    interaction_id: str
    queue_id: str
    channel: str
    phase: str
    since: float
    until: float | None


@dataclass(frozen=True, slots=True)
class AgentView:
    """An agent's state since then; `next_state` and `next_reason` say what was asked for after the present work."""

    agent_id: str
    state: AgentStateName
    reason: str
    since: float
    until: float | None
    next_state: AgentStateName | None
    next_reason: str
    work: tuple[WorkView, ...]
    fence: int | None
    extensions_left: int


@dataclass(frozen=True, slots=True)
class InteractionView:
    """Where an interaction is. `held`: it waits, but not for everyone yet (preferred agent, back-off, retry)."""

    interaction_id: str
    queue_id: str
    place: Place
    waiting_since: float
    priority: int
    channel: str
    direction: str
    agent_ids: tuple[str, ...]
    fence: int | None
    steps: tuple[int, ...]
    call_back_number: str
    attributes: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Estimate:
    """Expected further wait in seconds; it lies between `low` and `high` eight times of ten."""

    expected_wait: float | None
    low: float | None
    high: float | None
    confidence: Confidence
