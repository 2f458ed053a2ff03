"""The form of a scenario file: what may stand where. All durations are seconds unless the name says otherwise."""

from datetime import datetime, time
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, model_validator

from acd.config import Blend

Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]
Seconds = Annotated[float, Field(ge=0)]
Level = Annotated[int, Field(ge=1, le=10)]
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


class Form(BaseModel):
    """A part of a scenario: an unknown word is an error, not a silence."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


class FixedForm(Form):
    """Always `seconds`."""

    kind: Literal["fixed"]
    seconds: Seconds


class ExponentialForm(Form):
    """Exponential of mean `mean`."""

    kind: Literal["exponential"]
    mean: Positive


class LogNormalForm(Form):
    """Log-normal of mean `mean`; `variation` is standard deviation ÷ mean."""

    kind: Literal["lognormal"]
    mean: Positive
    variation: Positive = 0.8


class UniformForm(Form):
    """Anything between `low` and `high`."""

    kind: Literal["uniform"]
    low: Seconds
    high: Seconds

    @model_validator(mode="after")
    def _ordered(self) -> "UniformForm":
        if self.high < self.low:
            raise ValueError("high is below low: swap them")
        return self


class WeibullForm(Form):
    """Weibull of mean `mean` and `shape`."""

    kind: Literal["weibull"]
    mean: Positive
    shape: Positive


class EmpiricalForm(Form):
    """Measured durations, given here."""

    kind: Literal["empirical"]
    values: Annotated[tuple[Seconds, ...], Field(min_length=1)]


class NoneForm(Form):
    """It never happens: a caller who waits for ever."""

    kind: Literal["none"]


DistributionForm = Annotated[
    FixedForm | ExponentialForm | LogNormalForm | UniformForm | WeibullForm | EmpiricalForm | NoneForm,
    Field(discriminator="kind"),
]


class CallAgainForm(Form):
    """A share of customers calls again `after` some time, at most `most` times."""

    share: Share
    after: DistributionForm
    most: Annotated[int, Field(ge=1, le=20)] = 3
    same_topic: Share = 1.0


class TopicForm(Form):
    """Callers of one reason.

    Calls come from `volumes` (expected calls of each interval of the day), from `per_hour` (a constant rate), from
    `share` (of the scenario's volumes) or only from the recorded day. The `..._by_level`
    tables give factors per proficiency in `skill`.
    """

    queue: str
    volumes: tuple[Seconds, ...] | None = None
    per_hour: Positive | None = None
    share: Share | None = None
    talk: DistributionForm
    wrap_up: DistributionForm = FixedForm(kind="fixed", seconds=0)
    patience: DistributionForm = NoneForm(kind="none")
    require: str = ""
    priority: int = 0
    attributes: dict[str, str] = {}
    skill: str = ""
    talk_by_level: dict[Level, Positive] = {}
    wrap_up_by_level: dict[Level, Positive] = {}
    unresolved_by_level: dict[Level, Positive] = {}
    resolved: Share = 1.0
    recall: CallAgainForm | None = None
    redial: CallAgainForm | None = None

    @model_validator(mode="after")
    def _one_source(self) -> "TopicForm":
        if sum(source is not None for source in (self.volumes, self.per_hour, self.share)) > 1:
            raise ValueError("give only one of volumes, per_hour and share")
        if (self.talk_by_level or self.wrap_up_by_level or self.unresolved_by_level) and not self.skill:
            raise ValueError("factors by level need the skill whose level counts: add `skill`")
        return self


class PeakForm(Form):
    """Between two times of day (on these days, of these topics; default: all) calls are multiplied by `factor`."""

    start: time
    end: time
    factor: Seconds
    days: tuple[Day, ...] = ()
    topics: tuple[str, ...] = ()


class ArrivalsForm(Form):
    """What holds for the calls of all topics.

    `volumes` are shared out by the topics' `share`; `every_minutes` is the length of each piece of all volumes.
    `process` `poisson`: the number of calls varies by chance; `steady`: exactly the volume. `recorded`: a CSV file
    beside the scenario with the columns at, topic and, where known, talk, wrap_up, patience.
    """

    every_minutes: Annotated[float, Field(gt=0, le=1440)] = 30
    volumes: tuple[Seconds, ...] | None = None
    process: Literal["poisson", "steady"] = "poisson"
    scale: Positive = 1.0
    day_variation: Annotated[float, Field(ge=0, le=2)] = 0.0
    peaks: tuple[PeakForm, ...] = ()
    recorded: str | None = None


class BreakForm(Form):
    """A break, `after_hours` into the shift. The agents go in so many `turns`, one after the other."""

    after_hours: Seconds
    minutes: Positive
    turns: Annotated[int, Field(ge=1, le=20)] = 1


class ShiftForm(Form):
    """A shift that `agents` of the group work (default: all that no other shift names)."""

    start: time
    hours: Annotated[float, Field(gt=0, le=24)]
    agents: Annotated[int, Field(ge=1)] | None = None
    days: tuple[Day, ...] = ()
    breaks: tuple[BreakForm, ...] = ()


class GroupForm(Form):
    """Agents of one profile."""

    agents: Annotated[int, Field(ge=1, le=20_000)]
    skills: dict[str, Level] = {}
    languages: frozenset[str] = frozenset()
    programmes: frozenset[str] = frozenset()
    segments: frozenset[str] = frozenset()
    team: str = ""
    node: str = ""
    blend: Blend = Blend.ALL
    attributes: dict[str, str] = {}
    shifts: Annotated[tuple[ShiftForm, ...], Field(min_length=1)] = (ShiftForm(start=time(0), hours=24),)


class BehaviourForm(Form):
    """What happens between offer and talk; see `acd.simulator.setup.Behaviour`."""

    connection: DistributionForm = FixedForm(kind="fixed", seconds=0)
    pick_up: DistributionForm = FixedForm(kind="fixed", seconds=0)
    rona: Share = 0.0
    rona_back: DistributionForm = FixedForm(kind="fixed", seconds=120)
    withheld: Share = 0.0
    call_back: Share = 0.0
    call_back_answered: Share = 0.8


class RoutingForm(Form):
    """What holds for all queues; see `acd.config.RoutingConfig`."""

    seconds_per_priority: Positive = 30.0
    max_priority: Annotated[int, Field(ge=0)] = 20
    fallback_queue: str = ""


class TargetsForm(Form):
    """What the operation promises; drawn beside the figures."""

    service_level: Share = 0.8
    abandonment: Share = 0.03
    recall: Share = 0.2


class WhatIfForm(Form):
    """The same scenario with `changes` laid over it (mappings are merged, everything else is replaced)."""

    name: str
    changes: dict[str, Any]


class ScenarioForm(Form):
    """A whole scenario. `start` is wall-clock time in `zone`."""

    name: str
    description: str = ""
    zone: str = "Europe/Rome"
    start: datetime = datetime(2026, 11, 23)  # noqa: DTZ001 -- the zone stands in its own field
    hours: Annotated[float, Field(gt=0, le=24 * 366)] = 24
    warm_up_hours: Seconds = 0
    interval_minutes: Annotated[float, Field(gt=0, le=1440)] = 30
    seeds: Annotated[int, Field(ge=1, le=1000)] = 10
    first_seed: int = 1
    confidence: Annotated[float, Field(gt=0.5, lt=1)] = 0.95
    short_abandon_seconds: Seconds = 5
    recall_hours: Positive = 72
    routing: RoutingForm = RoutingForm()
    queues: Annotated[dict[str, dict[str, Any]], Field(min_length=1)]
    topics: Annotated[dict[str, TopicForm], Field(min_length=1)]
    arrivals: ArrivalsForm = ArrivalsForm()
    agents: Annotated[dict[str, GroupForm], Field(min_length=1)]
    behaviour: BehaviourForm = BehaviourForm()
    targets: TargetsForm = TargetsForm()
    what_if: WhatIfForm | None = None

    @model_validator(mode="after")
    def _fits(self) -> "ScenarioForm":
        for topic_id, topic in self.topics.items():
            if topic.queue not in self.queues:
                raise ValueError(
                    f"topic {topic_id!r} names the queue {topic.queue!r}, which is not among {sorted(self.queues)}"
                )
            if topic.skill and not any(topic.skill in group.skills for group in self.agents.values()):
                raise ValueError(f"topic {topic_id!r}: no agent has the skill {topic.skill!r}; give it to a group")
            if topic.share is not None and self.arrivals.volumes is None:
                raise ValueError(f"topic {topic_id!r} has a share of nothing: give arrivals.volumes")
        if self.warm_up_hours >= self.hours:
            raise ValueError("warm_up_hours leaves nothing to measure: give fewer than hours")
        try:
            ZoneInfo(self.zone)
        except (KeyError, ValueError, OSError):
            raise ValueError(f"{self.zone!r} is no time zone: use a name such as Europe/Rome") from None
        return self
