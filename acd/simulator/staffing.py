"""The fewest agents that keep a promise, and the queue priorities that treat all queues alike."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, inf

from acd.simulator.figures import FIGURES, Tally
from acd.simulator.setup import Setup
from acd.simulator.study import RouterMaker, Study, study
from core.errors import Invalid

_SL_PER_AGENT, _ABANDONMENT_PER_AGENT = 0.009, 0.0012
"""What one agent more brings near the target, by experience: only the first guess of the next team's size."""


@dataclass(frozen=True, slots=True)
class Promise:
    """What each queue (or, `together`, all calls as one) must reach over all runs."""

    service_level: float = 0.8
    abandonment: float = 0.03
    together: bool = False


@dataclass(frozen=True, slots=True)
class Kept:
    """How far a team keeps a promise: the worst service level and abandonment, and in which queues."""

    team: int
    service_level: float
    abandonment: float
    worst: tuple[str, str]
    kept: bool
    missing: int
    """A guess of how many agents more it takes (negative: how many fewer would do)."""


def judge(team: int, found: Study, promise: Promise) -> Kept:
    """Judge the runs of one team; calls of all runs are taken together."""
    tallies = {"all": _sum(found, None)} if promise.together else queue_sums(found)
    levels = {queue_id: _figure(tally, "service_level", 1.0) for queue_id, tally in tallies.items()}
    leavers = {queue_id: _figure(tally, "abandonment", 0.0) for queue_id, tally in tallies.items()}
    low, high = min(levels, key=levels.__getitem__), max(leavers, key=leavers.__getitem__)
    short = max(
        (promise.service_level - levels[low]) / _SL_PER_AGENT,
        (leavers[high] - promise.abandonment) / _ABANDONMENT_PER_AGENT,
    )
    kept = levels[low] >= promise.service_level and leavers[high] < promise.abandonment
    return Kept(team, levels[low], leavers[high], (low, high), kept, ceil(short))


def fewest(
    make: Callable[[int], Setup],
    seeds: Sequence[int],
    *,
    start: int,
    promise: Promise | None = None,
    router: RouterMaker | None = None,
    jobs: int = 1,
) -> Kept:
    """The smallest team that keeps the promise while a team of one less does not. `make` builds the day of a team.

    Raises `Invalid` when no team between 1 and ten times `start` does.
    """
    judged: dict[int, Kept] = {}

    def ask(team: int) -> Kept:
        if team not in judged:
            found = study(make(team), seeds, router=router, jobs=jobs)
            judged[team] = judge(team, found, promise or Promise())
        return judged[team]

    failing, keeping, team = 0, inf, start
    while keeping - failing > 1:
        answer = ask(team)
        if answer.kept:
            keeping = min(keeping, team)
            step = min(answer.missing, -1)
        else:
            failing = max(failing, team)
            step = max(answer.missing, 1)
        if failing > 10 * start:
            raise Invalid(f"Not even {failing} agents keep the promise.", "Look at shifts, skills and patience.")
        team = int(min(max(team + step, failing + 1), keeping - 1))
    return judged[int(keeping)]


def balanced(
    make: Callable[[Mapping[str, int]], Setup], seeds: Sequence[int], *, rounds: int = 6, jobs: int = 1
) -> tuple[Mapping[str, int], float]:
    """Queue priorities that level the queues' service levels, and the lowest level then. `make` builds the day.

    Each round moves every queue against its distance from the mean; the best round is given.
    """
    head: dict[str, float] = dict.fromkeys(make({}).config.queues, 0.0)
    best: tuple[Mapping[str, int], float] = ({}, -1.0)
    for number in range(rounds):
        behind = min(head.values())
        setup = make({})
        point = setup.config.seconds_per_priority
        points = {queue_id: round((seconds - behind) / point) for queue_id, seconds in head.items()}
        found = study(make(points), seeds, jobs=jobs)
        levels = {queue_id: _figure(tally, "service_level", 1.0) for queue_id, tally in queue_sums(found).items()}
        if min(levels.values()) > best[1]:
            best = (points, min(levels.values()))
        gain = 300.0 if number < rounds / 2 else 150.0
        mean = sum(levels.values()) / len(levels)
        head = {queue_id: seconds + gain * (mean - levels[queue_id]) for queue_id, seconds in head.items()}
    return best


def queue_sums(found: Study) -> dict[str, Tally]:
    """Each queue's tally over all runs."""
    return {queue_id: _sum(found, queue_id) for queue_id in found.setup.config.queues}


def _sum(found: Study, queue_id: str | None) -> Tally:
    """One tally over all runs."""
    total = Tally()
    for run in found.runs:
        total.merge(run.total if queue_id is None else run.queues[queue_id])
    return total


def _figure(tally: Tally, name: str, without: float) -> float:
    value = FIGURES[name](tally)
    return without if value is None else value
