"""Routing facts beside skills and plans, as they are stored and edited: of agents, of programmes, of the operation.

Each is one JSON value with one schema, used by the admin API and by `acd.configuration`.
"""

from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from acd.config import DEFAULT_CHANNELS, Blend, Channel, Refusals, RoutingConfig

Word = Annotated[str, StringConstraints(pattern=r"^[\w][\w.-]{0,39}$")]
LanguageCode = Annotated[str, StringConstraints(pattern=r"^[a-z]{2}$")]
Priority = Annotated[int, Field(ge=-20, le=20)]
Pause = Annotated[float, Field(ge=0, le=3600, allow_inf_nan=False)]
Times = Annotated[int, Field(ge=1, le=100)]
_DEFAULT, _REFUSALS = RoutingConfig(), Refusals()


class _Data(BaseModel):
    model_config = ConfigDict(extra="forbid")


class AgentRouting(_Data):
    """What an agent's profile says beside skills and queues.

    `languages` None: those of the programmes whose queues the agent serves. Empty `programmes`, `segments` or
    `channels`: all of them. `capacity`: units of work at a time (a call takes 100). `attributes`: further facts for
    expressions (`site=rome`).
    """

    languages: list[LanguageCode] | None = None
    programmes: list[Word] = []
    segments: list[Word] = []
    channels: list[Word] = []
    capacity: Annotated[int, Field(ge=1, le=1000)] = 100
    blend: Blend = Blend.ALL
    node: Word | None = None
    attributes: dict[Word, Word] = {}


class ProgrammeRouting(_Data):
    """A programme's priority (points), those of customer segments in it, and the queue that takes its overflow."""

    priority: Priority = 0
    segment_priority: dict[Word, Priority] = {}
    overflow_queue: Word | None = None


class ChannelUnits(_Data):
    """How much of an agent's capacity one interaction takes; `interruptible` work yields to calls."""

    units: Annotated[int, Field(ge=1, le=1000)] = 100
    interruptible: bool = False


class RefusalRules(_Data):
    """What an offer that comes to nothing costs the agent (`acd.config.Refusals`; pauses in seconds)."""

    rona_limit: Times = _REFUSALS.rona_limit
    reject_pause: Pause = _REFUSALS.reject_pause
    reject_limit: Times = _REFUSALS.reject_limit
    busy_pause: Pause = _REFUSALS.busy_pause
    failed_pause: Annotated[float, Field(gt=0, le=3600, allow_inf_nan=False)] = _REFUSALS.failed_pause
    failed_pause_max: Annotated[float, Field(gt=0, le=3600, allow_inf_nan=False)] = _REFUSALS.failed_pause_max
    failed_limit: Times = _REFUSALS.failed_limit


class RoutingRules(_Data):
    """What holds for the whole operation (`acd.config.RoutingConfig`; durations in seconds).

    `channels` adds to, or replaces, those that there are by default. `fallback_queue` takes callers whose queue does
    not exist.
    """

    seconds_per_priority: Annotated[float, Field(ge=0, le=3600, allow_inf_nan=False)] = _DEFAULT.seconds_per_priority
    max_priority: Annotated[int, Field(ge=0, le=100)] = _DEFAULT.max_priority
    crossing_cost: Annotated[float, Field(ge=0, le=86_400, allow_inf_nan=False)] = _DEFAULT.crossing_cost
    recheck: Annotated[float, Field(ge=0.5, le=300, allow_inf_nan=False)] = _DEFAULT.recheck
    fallback_queue: Word | None = None
    refusals: RefusalRules = RefusalRules()
    channels: dict[Word, ChannelUnits] = {}

    def applied(self) -> dict[str, Any]:
        """The fields of a `RoutingConfig` that these rules set."""
        own = {name: Channel(**one.model_dump()) for name, one in self.channels.items()}
        return {
            "seconds_per_priority": self.seconds_per_priority,
            "max_priority": self.max_priority,
            "crossing_cost": self.crossing_cost,
            "recheck": self.recheck,
            "fallback_queue": self.fallback_queue or "",
            "refusals": Refusals(**self.refusals.model_dump()),
            "channels": {**DEFAULT_CHANNELS, **own},
        }


RULES = "operation"
"""The one row of `routing_rules`."""
Data = TypeVar("Data", bound=_Data)


def stored(schema: type[Data], data: Mapping[str, Any]) -> tuple[Data, str]:
    """What is stored, and an empty text; where it cannot be used, the defaults and what is wrong."""
    try:
        return schema.model_validate(data), ""
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        return schema(), f"{place} = {first['input']!r}: {first['msg']}."
