"""What a study found, as plain data (the JSON form) and as a table for a terminal."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from acd.simulator.confidence import Interval
from acd.simulator.figures import FIGURES, OF_AGENTS
from acd.simulator.loading import Scenario
from acd.simulator.study import Study, difference_of

SHARES = frozenset(
    (
        "service_level",
        "service_level_strict",
        "abandonment",
        "occupancy",
        "recall",
        "recall_same_topic",
        "repeat_share",
        "redial_share",
    )
)
TITLES: Mapping[str, str] = {
    "offered": "Offered",
    "answered": "Answered",
    "abandoned": "Abandoned",
    "service_level": "Service level",
    "service_level_strict": "SL strict",
    "abandonment": "Abandonment",
    "asa": "ASA",
    "aht": "AHT",
    "occupancy": "Occupancy",
    "staffed_hours": "Hours at work",
    "recall": "Recall",
    "recall_same_topic": "Recall same",
    "repeat_share": "Repeat share",
    "redial_share": "Redial share",
}
TABLE = (
    "offered",
    "answered",
    "service_level",
    "service_level_strict",
    "abandonment",
    "asa",
    "aht",
    "occupancy",
    "recall",
)
_BY_INTERVAL = ("offered", "service_level", "service_level_strict", "abandonment", "asa", "occupancy", "recall")
DEFINITIONS = 1
"""Version of the definitions of the figures (see docs/simulator.md)."""


def as_data(scenario: Scenario, found: Study) -> dict[str, Any]:
    """Every figure of every place with its interval: the JSON form."""
    setup = found.setup
    data: dict[str, Any] = {
        "scenario": scenario.name,
        "description": scenario.description,
        "definitions": DEFINITIONS,
        "start": datetime.fromtimestamp(setup.epoch, scenario.zone).isoformat(),
        "hours": setup.end / 3600.0,
        "warm_up_hours": setup.warm_up / 3600.0,
        "interval_minutes": setup.interval / 60.0,
        "agents": len(setup.config.agents),
        "seeds": list(found.seeds),
        "confidence": found.confidence,
        "processor_seconds_per_run": round(sum(found.seconds) / len(found.seconds), 3),
        "events_per_run": round(sum(run.events for run in found.runs) / len(found.runs)),
        "unfinished_calls": sum(run.total.open for run in found.runs) / len(found.runs),
        "targets": dict(scenario.targets),
        "service_level_seconds": {
            queue_id: queue.service_level_seconds for queue_id, queue in setup.config.queues.items()
        },
        "total": {},
        "queues": {queue_id: {} for queue_id in setup.config.queues},
        "intervals": [
            {"start": starts, "total": {}, "queues": {queue_id: {} for queue_id in setup.config.queues}}
            for starts in interval_starts(scenario)
        ],
    }
    for queue_id, piece, tally in found.places():
        where = data if piece is None else data["intervals"][piece]
        place = where["queues"][queue_id] if queue_id else where["total"]
        for name in FIGURES:
            if name not in OF_AGENTS or piece is None or not queue_id:
                place[name] = found.figure(name, tally).as_dict()
    return data


def comparison_data(before: Study, after: Study) -> dict[str, Any]:
    """The differences after − before, with common random numbers, for the whole time."""
    places: dict[str, Any] = {"total": {}, "queues": {}}
    for queue_id, piece, tally in before.places():
        if piece is not None or (queue_id and queue_id not in after.setup.config.queues):
            continue
        place = places["queues"].setdefault(queue_id, {}) if queue_id else places["total"]
        for name in FIGURES:
            place[name] = difference_of(before, after, name, tally).as_dict()
    return places


def interval_starts(scenario: Scenario) -> list[str]:
    """The wall-clock start of each interval, ISO 8601 with offset."""
    setup = scenario.setup
    count = int(-(-setup.end // setup.interval))
    return [datetime.fromtimestamp(setup.epoch + n * setup.interval, scenario.zone).isoformat() for n in range(count)]


def number(name: str, value: float | None) -> str:
    """A figure as people read it: a percentage, seconds or a count; a dash when it is not known."""
    if value is None:
        return "–"
    if name in SHARES:
        return f"{100.0 * value:.1f} %"
    if name in ("asa", "aht"):
        return f"{value:.1f} s"
    return f"{value:,.0f}"


def change(name: str, found: Interval) -> str:
    """A difference with its sign and margin; of shares in percentage points."""
    if found.mean is None:
        return "–"
    scale, unit = (100.0, " points") if name in SHARES else (1.0, " s" if name in ("asa", "aht") else "")
    half = "" if found.high is None else f" ±{scale * (found.high - found.mean):,.1f}"
    return f"{scale * found.mean + 0.0:+,.1f}{half}{unit}"


def with_margin(name: str, found: Interval) -> str:
    """The mean and ± half the interval."""
    text = number(name, found.mean)
    if found.mean is None or found.high is None:
        return text
    half = found.high - found.mean
    return f"{text} ±{100.0 * half:.1f}" if name in SHARES else f"{text} ±{half:,.1f}"


def as_table(scenario: Scenario, found: Study) -> str:
    """Two tables for a terminal: the queues over the whole time, and the intervals of all queues together."""
    agents, seeds = len(found.setup.config.agents), len(found.seeds)
    lines = [
        f"{scenario.name}: {agents} agents, {found.setup.end / 3600.0:g} h, {seeds} runs, "
        f"± is the {100 * found.confidence:g} % confidence interval",
        "",
    ]
    rows = [["Queue", *(TITLES[name] for name in TABLE)]]
    slots: list[list[str]] = [["Interval", *(TITLES[name] for name in _BY_INTERVAL)]]
    starts = interval_starts(scenario)
    for queue_id, piece, tally in found.places():
        if piece is None:
            rows.append([queue_id or "all", *(with_margin(name, found.figure(name, tally)) for name in TABLE)])
        elif not queue_id:
            told = starts[piece][5:16].replace("T", " ")
            slots.append([told, *(with_margin(name, found.figure(name, tally)) for name in _BY_INTERVAL)])
    lines += [*_aligned(rows), "", *_aligned(slots)]
    left = sum(run.total.open for run in found.runs) / seeds
    if left:
        lines += ["", f"{left:g} calls a run were not over {found.setup.drain / 3600.0:g} h after the end."]
    return "\n".join(lines)


def comparison_table(first: Scenario, second: Scenario, before: Study, after: Study) -> str:
    """Both configurations side by side, with the difference and whether it is more than chance."""
    lines = [f"{first.name}  →  {second.name} (same callers in both, difference with its interval)", ""]
    rows = [["Queue", "Figure", first.name, second.name, "Difference", ""]]
    for queue_id, piece, tally in before.places():
        if piece is not None or (queue_id and queue_id not in after.setup.config.queues):
            continue
        for name in ("service_level", "service_level_strict", "abandonment", "asa", "occupancy", "recall"):
            found = difference_of(before, after, name, tally)
            rows.append(
                [
                    queue_id or "all",
                    TITLES[name],
                    number(name, before.figure(name, tally).mean),
                    number(name, after.figure(name, tally).mean),
                    change(name, found),
                    verdict(found),
                ]
            )
    return "\n".join(lines + _aligned(rows))


def verdict(found: Interval) -> str:
    """Whether the interval of a difference leaves out zero."""
    if found.low is None or found.high is None:
        return "one run: unknown" if found.mean is not None else ""
    return "within chance" if found.low <= 0.0 <= found.high else "more than chance"


def _aligned(rows: list[list[str]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [
        "  ".join(
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    return [lines[0], "-" * len(lines[0]), *lines[1:]]
