"""Reads a scenario file and makes of it what a run needs. Errors name the file, the place and the remedy."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import yaml
from pydantic import ValidationError

from acd.config import Agent, Queue, RoutingConfig
from acd.plans import queue_from_dict
from acd.simulator import scenario as form
from acd.simulator.distributions import (
    Distribution,
    Empirical,
    Exponential,
    Fixed,
    LogNormal,
    Never,
    PerLevel,
    Uniform,
    Weibull,
)
from acd.simulator.setup import Behaviour, CallAgain, RecordedCall, Setup, Topic
from acd.simulator.shifts import duties_of
from acd.simulator.volumes import streams_of
from core.errors import Invalid


@dataclass(frozen=True, slots=True)
class Scenario:
    """A scenario read and ready: `against` is the other configuration of a what-if."""

    name: str
    description: str
    setup: Setup
    seeds: tuple[int, ...]
    confidence: float
    zone: ZoneInfo
    targets: Mapping[str, float]
    against: "Scenario | None" = None


def load(path: Path) -> Scenario:
    """Read a scenario. Raises `Invalid` for a file that cannot be read or used."""
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise Invalid(f"{path} cannot be read: {error.strerror}.", "Check the name and the access rights.") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise Invalid(f"{path} is not valid YAML: {error}", "Correct the file at that line.") from error
    if not isinstance(data, dict):
        raise Invalid(f"{path} holds no scenario.", "Start from one of the examples beside the simulator's page.")
    return scenario_from_dict(data, path)


def scenario_from_dict(data: Mapping[str, Any], path: Path) -> Scenario:
    """A scenario from plain data; `path` names it in errors and is where a recorded day is looked for."""
    checked = _checked(data, path)
    against = None
    if checked.what_if is not None:
        changed = _laid_over({key: value for key, value in data.items() if key != "what_if"}, checked.what_if.changes)
        against = _built(_checked(changed | {"name": checked.what_if.name}, path), path)
    return _built(checked, path, against)


def _checked(data: Mapping[str, Any], path: Path) -> form.ScenarioForm:
    try:
        return form.ScenarioForm.model_validate(data)
    except ValidationError as error:
        raise Invalid(
            f"{path} is no valid scenario: {_explained(error)}",
            "Correct these places; docs/simulator.md lists them all.",
        ) from error


def _explained(error: ValidationError) -> str:
    """Every fault in one line: place, what is wrong, the value."""
    faults = []
    for fault in error.errors():
        place = ".".join(str(part) for part in fault["loc"]) or "the whole"
        given = "" if fault["type"] in ("missing", "value_error") else f" (given: {fault['input']!r:.60})"
        faults.append(f"{place}: {fault['msg'].removeprefix('Value error, ')}{given}")
    return "; ".join(faults)


def _laid_over(under: Any, over: Any) -> Any:
    """`over` laid over `under`: mappings are merged (null takes a key away), everything else is replaced."""
    if not isinstance(under, Mapping) or not isinstance(over, Mapping):
        return over
    merged = {**under, **{key: _laid_over(under.get(key), value) for key, value in over.items()}}
    return {key: value for key, value in merged.items() if value is not None}


def _built(checked: form.ScenarioForm, path: Path, against: Scenario | None = None) -> Scenario:
    zone = ZoneInfo(checked.zone)
    start = checked.start.replace(tzinfo=zone)
    agents, duties = duties_of(checked)
    recorded = _recorded(checked, path)
    setup = Setup(
        name=checked.name,
        config=_routing(checked, agents, path),
        topics={topic_id: _topic(topic_id, topic) for topic_id, topic in checked.topics.items()},
        streams=streams_of(checked),
        duties=duties,
        end=checked.hours * 3600.0,
        epoch=start.timestamp(),
        behaviour=_behaviour(checked.behaviour),
        recorded=recorded,
        interval=checked.interval_minutes * 60.0,
        warm_up=checked.warm_up_hours * 3600.0,
        day_variation=checked.arrivals.day_variation,
        short_abandon=checked.short_abandon_seconds,
        recall_window=checked.recall_hours * 3600.0,
    )
    if not setup.streams and not recorded:
        raise Invalid(
            f"{path} has no calls.", "Give a topic volumes, per_hour or share, or name a recorded day in arrivals."
        )
    seeds = tuple(range(checked.first_seed, checked.first_seed + checked.seeds))
    targets = checked.targets.model_dump()
    return Scenario(checked.name, checked.description, setup, seeds, checked.confidence, zone, targets, against)


def _routing(checked: form.ScenarioForm, agents: Mapping[str, Agent], path: Path) -> RoutingConfig:
    return RoutingConfig(
        queues={queue_id: _queue(queue_id, data, path) for queue_id, data in checked.queues.items()},
        agents=agents,
        seconds_per_priority=checked.routing.seconds_per_priority,
        max_priority=checked.routing.max_priority,
        fallback_queue=checked.routing.fallback_queue,
        zone=ZoneInfo(checked.zone),
    )


def _queue(queue_id: str, data: Mapping[str, Any], path: Path) -> Queue:
    """The queue as the live product reads it; unless told otherwise wrap-up lasts as long as the topic says."""
    try:
        return queue_from_dict(queue_id, {"wrap_up": {"mode": "manual"}, **data})
    except Invalid as error:
        raise Invalid(f"{path}, queues.{queue_id}: {error.what}", error.remedy) from error


def _topic(topic_id: str, topic: form.TopicForm) -> Topic:
    return Topic(
        topic_id,
        topic.queue,
        talk=_distribution(topic.talk),
        wrap_up=_distribution(topic.wrap_up),
        patience=_distribution(topic.patience),
        require=topic.require,
        priority=topic.priority,
        attributes=topic.attributes,
        level_skill=topic.skill,
        talk_factor=PerLevel(topic.talk_by_level) if topic.talk_by_level else None,
        wrap_up_factor=PerLevel(topic.wrap_up_by_level) if topic.wrap_up_by_level else None,
        unresolved_factor=PerLevel(topic.unresolved_by_level) if topic.unresolved_by_level else None,
        resolved=topic.resolved,
        recall=_again(topic.recall),
        redial=_again(topic.redial),
    )


def _again(rule: form.CallAgainForm | None) -> CallAgain:
    if rule is None:
        return CallAgain()
    return CallAgain(rule.share, _distribution(rule.after), rule.most, rule.same_topic)


def _behaviour(told: form.BehaviourForm) -> Behaviour:
    return Behaviour(
        connection=_distribution(told.connection),
        pick_up=_distribution(told.pick_up),
        rona=told.rona,
        rona_back=_distribution(told.rona_back),
        withheld=told.withheld,
        call_back=told.call_back,
        call_back_answered=told.call_back_answered,
    )


def _distribution(told: form.DistributionForm) -> Distribution:
    match told:
        case form.FixedForm():
            return Fixed(told.seconds)
        case form.ExponentialForm():
            return Exponential(told.mean)
        case form.LogNormalForm():
            return LogNormal(told.mean, told.variation)
        case form.UniformForm():
            return Uniform(told.low, told.high)
        case form.WeibullForm():
            return Weibull(told.mean, told.shape)
        case form.EmpiricalForm():
            return Empirical(told.values)
        case form.NoneForm():
            return Never()


def _recorded(checked: form.ScenarioForm, path: Path) -> tuple[RecordedCall, ...]:
    """The calls of the recorded day that fall into the scenario."""
    if checked.arrivals.recorded is None:
        return ()
    file = path.parent / checked.arrivals.recorded
    try:
        with file.open(newline="", encoding="utf-8") as lines:
            rows = list(csv.DictReader(lines))
    except OSError as error:
        raise Invalid(
            f"{path}, arrivals.recorded: {file} cannot be read: {error.strerror}.", "Name a file beside the scenario."
        ) from error
    calls = [_recorded_call(row, number, checked, file) for number, row in enumerate(rows, 2)]
    return tuple(call for call in calls if 0 <= call.at < checked.hours * 3600)


def _recorded_call(row: Mapping[str, str | None], line: int, checked: form.ScenarioForm, file: Path) -> RecordedCall:
    topic = (row.get("topic") or "").strip()
    if topic not in checked.topics:
        raise Invalid(
            f"{file}, line {line}: the topic {topic!r} is not among {sorted(checked.topics)}.",
            "Add the topic to the scenario, or correct the line.",
        )
    try:
        told = (row.get("at") or "").strip()
        at = datetime.fromisoformat(told) if "-" in told else _on_first_day(told, checked.start)
        zone = ZoneInfo(checked.zone)
        at = at if at.tzinfo else at.replace(tzinfo=zone)
        known = {name: _seconds(row.get(name)) for name in ("talk", "wrap_up", "patience")}
    except ValueError as error:
        raise Invalid(
            f"{file}, line {line}: {error}", "Give `at` as 2026-11-23T09:15:00 or 09:15:00, durations as seconds."
        ) from error
    return RecordedCall((at - checked.start.replace(tzinfo=zone)).total_seconds(), topic, **known)


def _on_first_day(told: str, start: datetime) -> datetime:
    clock = datetime.strptime(told, "%H:%M:%S" if told.count(":") == 2 else "%H:%M")  # noqa: DTZ007
    at = datetime.combine(start.date(), clock.time())
    return at if at >= start else at + timedelta(days=1)


def _seconds(told: str | None) -> float | None:
    if told is None or not told.strip():
        return None
    value = float(told)
    if value < 0:
        raise ValueError(f"{value} seconds is less than nothing")
    return value
