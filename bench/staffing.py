"""How many agents the reference day takes: with our router, with app_queue's behaviour, and if all were one group.

    python -m bench.staffing [--short] [--tune]

The day, the callers (common random numbers), the mix of shifts and skills and the promise are the same for all three:
80 % answered within 20 s and less than 3 % abandoned, in each of the six groups, over the day. Only the router differs,
and for the bound the skills. In full the three are asked again on twice as many other days: how far a result depends on
its days. The last line is one JSON object. docs/simulator.md explains the comparison.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from acd.config import Strategy
from acd.simulator import reference
from acd.simulator.app_queue import AppQueue, Options, Pick
from acd.simulator.report import change, number
from acd.simulator.setup import Setup
from acd.simulator.staffing import Kept, Promise, balanced, fewest
from acd.simulator.study import RouterMaker, Study, difference_of, study

SHORT_SEEDS = range(1, 4)
SEEDS = range(1, 17)
OTHER_SEEDS = range(17, 49)
TUNING_SEEDS, TUNING_TEAM, TUNING_ROUNDS = range(1001, 1025), 197, 10
"""Queue priorities were found on these, which no comparison uses."""
JOBS = os.cpu_count() or 1

WEIGHTS: Mapping[str, int] = {"tariffs": 1, "complaints": 1, "portability": 1}
"""Queue weights that helped app_queue most of those tried: the three small groups before the three large ones."""
APP_QUEUE: Mapping[str, tuple[bool, Options]] = {
    "penalties, leastrecent, weights": (True, Options(weights=WEIGHTS)),
    "penalties, leastrecent": (True, Options()),
    "penalties, fewestcalls": (True, Options(Pick.FEWEST_CALLS)),
    "penalties, rrmemory": (True, Options(Pick.ROUND_ROBIN)),
    "penalties, random": (True, Options(Pick.RANDOM)),
    "no penalties, leastrecent": (False, Options()),
    "penalties, leastrecent, force_longest_waiting_caller": (True, Options(force_longest_waiting_caller=True)),
}
BEST, PLAIN = "penalties, leastrecent, weights", "penalties, leastrecent"

TRAINED: Mapping[str, Mapping[int, float]] = {
    "if nobody had only one skill": {2: 0.65, 3: 0.25, 4: 0.10},
    "if everyone had three skills": {3: 1.0},
    "if everyone had four skills": {4: 1.0},
}
"""Teams with more skills, judged by all calls together: what the missing skills cost."""

_OURS = reference.Routing()
TRIED: Mapping[str, reference.Routing] = {
    "longest idle, nothing else": reference.PLAIN,
    "least flexible, nothing else": replace(reference.PLAIN, strategy=Strategy.LEAST_FLEXIBLE),
    "without head starts": replace(_OURS, head_starts={}),
    "without sparing scarce skills": replace(_OURS, scarce=False),
    "longest idle instead of least flexible": replace(_OURS, strategy=Strategy.LONGEST_IDLE),
    "most idle instead of least flexible": replace(_OURS, strategy=Strategy.MOST_IDLE),
    "least occupied instead of least flexible": replace(_OURS, strategy=Strategy.LEAST_OCCUPIED),
    "reserve threshold 1 in each queue": replace(_OURS, reserve=1),
    "look-ahead: scarce skills held back 2 s": replace(_OURS, held_back=2.0),
    "look-ahead: scarce skills held back 5 s": replace(_OURS, held_back=5.0),
}


def main() -> int:
    """Run the bench; 0 when done."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--short", action="store_true", help="three days instead of sixteen, the three figures only")
    parser.add_argument("--tune", action="store_true", help="only find the queue priorities again and print them")
    chosen = parser.parse_args()
    if chosen.tune:
        return _tune()
    started = time.monotonic()
    seeds = SHORT_SEEDS if chosen.short else SEEDS
    ours, theirs, result = _three(seeds)
    if not chosen.short:
        print(f"\nOn {len(OTHER_SEEDS)} other days")
        result["other_days"] = _three(OTHER_SEEDS)[2]
        result |= _rest(ours, theirs, seeds)
        _tried(ours.team, seeds)
    result["seconds"] = round(time.monotonic() - started, 1)
    print(json.dumps(result))
    return 0


def _three(seeds: Sequence[int]) -> tuple[Kept, Kept, dict[str, object]]:
    """OneCall, app_queue at its best, and both beside the bound: on the same days, with the same promise."""
    bound = _fewest("bound: one pooled group", lambda team: reference.day(team, pooled=True), seeds, 193)
    ours = _fewest("OneCall", reference.day, seeds, 197)
    theirs = _app_queue(BEST, seeds, 199)
    return (
        ours,
        theirs,
        {
            "onecall_agents": ours.team,
            "app_queue_agents": theirs.team,
            "pooled_bound_agents": bound.team,
            "excess_over_bound_pct": round(100.0 * (ours.team / bound.team - 1.0), 2),
            "app_queue_excess_pct": round(100.0 * (theirs.team / bound.team - 1.0), 2),
            "days": len(seeds),
        },
    )


def _fewest(
    what: str,
    make: Callable[[int], Setup],
    seeds: Sequence[int],
    start: int,
    promise: Promise | None = None,
    router: RouterMaker | None = None,
) -> Kept:
    began = time.monotonic()
    kept = fewest(make, seeds, start=start, promise=promise, router=router, jobs=JOBS)
    low, high = kept.worst
    print(
        f"{kept.team:4d} agents  {what}: lowest service level {number('service_level', kept.service_level)} ({low}), "
        f"highest abandonment {number('abandonment', kept.abandonment)} ({high}); {time.monotonic() - began:.0f} s",
        flush=True,
    )
    return kept


def _app_queue(name: str, seeds: Sequence[int], start: int) -> Kept:
    used, options = APP_QUEUE[name]

    def router(setup: Setup, seed: int) -> AppQueue:
        return AppQueue(reference.penalties(setup, used=used), options, seed)

    def make(team: int) -> Setup:
        return reference.day(team, reference.PLAIN)

    return _fewest(f"app_queue: {name}", make, seeds, start, router=router)


def _rest(ours: Kept, theirs: Kept, seeds: Sequence[int]) -> dict[str, object]:
    """Where the agents above the bound go: one restriction after the other."""
    print("\nWhere the rest goes")
    together = _fewest(
        "OneCall, promise only for all calls together", reference.day, seeds, ours.team, Promise(together=True)
    )
    trained = {name: _trained(name, breadth, seeds).team for name, breadth in TRAINED.items()}
    level = {name: _app_queue(name, seeds, 203).team for name in APP_QUEUE if name != BEST}
    naive = _fewest(
        "OneCall routed plainly (longest idle, no head starts)",
        lambda team: reference.day(team, reference.PLAIN),
        seeds,
        204,
    )
    return {
        "onecall_together_agents": together.team,
        "onecall_plain_agents": naive.team,
        "onecall_trained_agents": trained,
        "app_queue_plain_agents": level[PLAIN],
        "app_queue_variants": {BEST: theirs.team, **level},
    }


def _trained(name: str, breadth: Mapping[int, float], seeds: Sequence[int]) -> Kept:
    def make(team: int) -> Setup:
        return reference.day(team, breadth=breadth)

    return _fewest(f"the same, {name}", make, seeds, 195, Promise(together=True))


def _tried(team: int, seeds: Sequence[int]) -> None:
    """What each choice is worth, with the same team and callers: differences to what is used, with intervals."""
    print(f"\nWhat was tried, {team} agents, difference to what is used (95 % interval over {len(seeds)} days)")
    base = study(reference.day(team), seeds, jobs=JOBS)
    _line("used", base, None)
    for name, routing in TRIED.items():
        _line(name, study(reference.day(team, routing), seeds, jobs=JOBS), base)


def _line(name: str, found: Study, base: Study | None) -> None:
    cells = []
    for figure in ("service_level", "abandonment", "asa"):
        if base is None:
            cells.append(f"{figure} {number(figure, found.figure(figure, lambda run: run.total).mean)}")
        else:
            cells.append(f"{figure} {change(figure, difference_of(base, found, figure, lambda run: run.total))}")
    levels = [found.figure("service_level", lambda run, q=q: run.queues[q]).mean for q in reference.GROUPS]  # type: ignore[misc]
    lowest = min(level for level in levels if level is not None)
    print(f"  {name:42} {'; '.join(cells)}; lowest group {number('service_level', lowest)}", flush=True)


def _tune() -> int:
    points, level = balanced(
        lambda found: reference.day(TUNING_TEAM, replace(_OURS, head_starts=found)),
        TUNING_SEEDS,
        rounds=TUNING_ROUNDS,
        jobs=JOBS,
    )
    print(json.dumps({"team": TUNING_TEAM, "head_starts": dict(points), "lowest_service_level": round(level, 4)}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
