"""The Floor: all queues and agents at this moment, and the messages of the floor socket."""

from typing import Any, Literal

from pydantic import Field

from api.schemas.common import Instant, Told
from api.schemas.desk import (
    AgentState,
    PingMessage,
    RefusedMessage,
    ReplyMessage,
    SignedOutMessage,
    UnavailableMessage,
)


class TodayFigures(Told):
    """Figures of the programme's day so far, by the definitions of docs; a share is null while it has no base."""

    offered: int
    answered: int
    answered_in_target: int
    abandoned: int
    short_abandoned: int
    service_level: float | None = None
    service_level_strict: float | None = None
    abandonment: float | None = None
    asa: float | None = None
    aht: float | None = None


class Target(Told):
    """What the programme has set: share answered within seconds, and the most that may abandon."""

    share: float
    seconds: float
    abandonment: float | None = None


class AgentCounts(Told):
    """Agents by state."""

    signed_out: int = 0
    ready: int = 0
    ringing: int = 0
    talking: int = 0
    wrap_up: int = 0
    not_ready: int = 0


class Totals(TodayFigures):
    """The whole floor: today's figures, who waits, agents by state."""

    waiting: int = 0
    agents: AgentCounts = AgentCounts()


class FloorQueue(Told):
    """One queue now."""

    id: str
    name: str
    programme: str | None = None
    waiting: int
    longest_since: Instant | None = None
    expected_wait: float | None = None
    oldest: list[Instant] = []
    today: TodayFigures
    target: Target
    agents: AgentCounts


class FloorAgent(Told):
    """One agent now."""

    id: str
    name: str
    state: AgentState
    reason: str | None = None
    since: Instant | None = None
    until: Instant | None = None
    queue: str | None = None
    queue_ids: list[str] = []
    held: bool = False
    team: str | None = None


class Alarm(Told):
    """Something an operator must know."""

    id: str
    severity: Literal["critical", "major", "notice"]
    code: str
    values: dict[str, Any] = {}
    since: Instant


class Floor(Told):
    """Snapshot of the whole floor; it replaces the one before."""

    at: Instant
    queues: list[FloorQueue] = []
    agents: list[FloorAgent] = []
    totals: Totals | None = None
    alarms: list[Alarm] = []


class FloorMessage(Told):
    """Server → browser: the Floor as it is now, at most 4 a second."""

    type: Literal["floor"]
    floor: Floor


class FromFloorSocket(Told):
    """All that the floor socket says; commands (`queue.move`) go the same way as on the desk socket."""

    message: FloorMessage | UnavailableMessage | ReplyMessage | PingMessage | SignedOutMessage | RefusedMessage = Field(
        discriminator="type"
    )
