"""The figures of one run, by queue and by interval, as defined for the live product (version 1 of the definitions).

A call belongs to the interval in which it entered the queue. Answered within T counts as service level against
answered plus abandoned after T; the strict variant against answered plus all abandoned. Abandonment leaves out short
abandons. Recall is charged to the first call and counts callers whose next call starts within the window after its
end; calls that the scenario foresees after the end of the simulated time are counted, so the figure is final.
"""

from bisect import bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from math import inf

from acd.simulator.calls import Call
from acd.simulator.run import Simulation
from acd.simulator.setup import Setup


@dataclass(slots=True)
class Tally:
    """Counts and sums (seconds) that add up over intervals, queues and runs."""

    offered: int = 0
    answered: int = 0
    within: int = 0
    abandoned: int = 0
    abandoned_late: int = 0
    short: int = 0
    diverted: int = 0
    called_back: int = 0
    open: int = 0
    wait: float = 0.0
    handled: int = 0
    handling: float = 0.0
    identified: int = 0
    recalled: int = 0
    recalled_same: int = 0
    repeats: int = 0
    redials: int = 0
    seat_handling: float = 0.0
    seat_ready: float = 0.0

    def add(self, call: Call, target: float, short: float) -> None:
        """Count one call; `target` and `short` are the thresholds of service level and short abandon."""
        self.offered += 1
        self.repeats += call.nth > 0
        self.redials += call.redial
        waited = min(call.answered, call.ended) - call.queued
        if call.outcome == "answered":
            self.answered += 1
            self.within += waited <= target
            self.wait += waited
        elif call.outcome == "abandoned":
            self.abandoned += 1
            self.short += waited < short
            self.abandoned_late += waited > target
        elif call.outcome == "diverted":
            self.diverted += 1
        elif call.outcome == "called_back":
            self.called_back += 1
        else:
            self.open += 1
        if call.answered < inf and call.ended < inf:
            self.handled += 1
            self.handling += call.talk + max(call.wrap_up, 0.0)

    def merge(self, other: "Tally") -> None:
        """Add another tally to this one."""
        for item in fields(self):
            setattr(self, item.name, getattr(self, item.name) + getattr(other, item.name))


Figure = Callable[[Tally], float | None]


def _share(part: float, whole: float) -> float | None:
    return part / whole if whole > 0 else None


FIGURES: Mapping[str, Figure] = {
    "offered": lambda t: float(t.offered),
    "answered": lambda t: float(t.answered),
    "abandoned": lambda t: float(t.abandoned),
    "service_level": lambda t: _share(t.within, t.answered + t.abandoned_late),
    "service_level_strict": lambda t: _share(t.within, t.answered + t.abandoned),
    "abandonment": lambda t: _share(t.abandoned - t.short, t.offered - t.short),
    "asa": lambda t: _share(t.wait, t.answered),
    "aht": lambda t: _share(t.handling, t.handled),
    "occupancy": lambda t: _share(t.seat_handling, t.seat_handling + t.seat_ready),
    "staffed_hours": lambda t: (t.seat_handling + t.seat_ready) / 3600.0,
    "recall": lambda t: _share(t.recalled, t.identified),
    "recall_same_topic": lambda t: _share(t.recalled_same, t.identified),
    "repeat_share": lambda t: _share(t.repeats, t.offered),
    "redial_share": lambda t: _share(t.redials, t.offered),
}
"""Every published figure by name; None where its denominator is empty."""
OF_AGENTS = frozenset(("occupancy", "staffed_hours"))
"""Figures of the agents: known by interval for all queues together, and for each queue over the whole time."""


@dataclass(slots=True)
class RunFigures:
    """The figures of one run. The occupancy of a queue is that of all agents who took one of its calls."""

    total: Tally = field(default_factory=Tally)
    queues: dict[str, Tally] = field(default_factory=dict)
    pieces: list[Tally] = field(default_factory=list)
    queue_pieces: dict[str, list[Tally]] = field(default_factory=dict)
    events: int = 0


def figures_of(simulation: Simulation) -> RunFigures:
    """Count a finished run."""
    setup, agents = simulation.setup, simulation.agents
    count = len(agents.handling)
    run = RunFigures(events=simulation.events, pieces=[Tally() for _ in range(count)])
    for queue_id in setup.config.queues:
        run.queues[queue_id] = Tally()
        run.queue_pieces[queue_id] = [Tally() for _ in range(count)]
    starts = _starts(simulation)
    first, last = setup.epoch + setup.warm_up, setup.epoch + setup.end
    for call in simulation.calls:
        if first <= call.queued < last:
            _count(run, setup, call, starts.get(call.customer))
    for piece, (handling, ready) in enumerate(zip(agents.handling, agents.ready, strict=True)):
        run.pieces[piece].seat_handling = handling
        run.pieces[piece].seat_ready = ready
    for seat in agents.seats.values():
        for tally in (run.total, *(run.queues[queue_id] for queue_id in seat.queues)):
            tally.seat_handling += seat.handling
            tally.seat_ready += seat.ready
    return run


def _count(run: RunFigures, setup: Setup, call: Call, starts: list[tuple[float, str]] | None) -> None:
    piece = int((call.queued - setup.epoch) // setup.interval)
    tallies = (
        run.total,
        run.queues[call.queue_id],
        run.pieces[piece],
        run.queue_pieces[call.queue_id][piece],
    )
    target = setup.config.queues[call.queue_id].service_level_seconds
    for tally in tallies:
        tally.add(call, target, setup.short_abandon)
    if not call.identified or call.answered == inf or call.ended == inf or not _call_again(setup):
        return
    recalled = same = False
    if starts is not None:
        after = bisect_right(starts, (call.ended, ""))
        inside = [topic for at, topic in starts[after:] if at <= call.ended + setup.recall_window]
        recalled, same = bool(inside), call.topic.topic_id in inside
    for tally in tallies:
        tally.identified += 1
        tally.recalled += recalled
        tally.recalled_same += same


def _call_again(setup: Setup) -> bool:
    """Whether the scenario says anything of calls that come back; if not, recall is unknown and not zero."""
    return any(topic.recall.share or topic.redial.share for topic in setup.topics.values())


def _starts(simulation: Simulation) -> dict[int, list[tuple[float, str]]]:
    """When each customer who called more than once called again, and why; in order."""
    starts: dict[int, list[tuple[float, str]]] = {}
    for call in (*simulation.calls, *simulation.beyond):
        if call.nth:
            starts.setdefault(call.customer, []).append((call.queued, call.topic.topic_id))
    for times in starts.values():
        times.sort()
    return starts
