"""A scenario under several seeds: each figure with its confidence interval, and two configurations side by side."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing import get_context

from acd.simulator.confidence import Interval, difference, interval
from acd.simulator.figures import FIGURES, RunFigures, Tally, figures_of
from acd.simulator.run import Router, Simulation
from acd.simulator.setup import Setup

RouterMaker = Callable[[Setup, int], Router]


@dataclass(frozen=True, slots=True)
class Study:
    """The runs of one setup. `seconds` is the processor's time per run, on one core."""

    setup: Setup
    seeds: tuple[int, ...]
    runs: tuple[RunFigures, ...]
    seconds: tuple[float, ...]
    confidence: float = 0.95

    def figure(self, name: str, of: Callable[[RunFigures], Tally]) -> Interval:
        """One figure over the runs."""
        return interval(self.values(name, of), self.confidence)

    def values(self, name: str, of: Callable[[RunFigures], Tally]) -> list[float | None]:
        """One figure, run by run."""
        return [FIGURES[name](of(run)) for run in self.runs]

    def places(self) -> Iterator[tuple[str, int | None, Callable[[RunFigures], Tally]]]:
        """Every (queue or "" for all, interval or None for the whole time) and how to find its tally in a run."""
        yield "", None, lambda run: run.total
        for queue_id in self.setup.config.queues:
            yield queue_id, None, lambda run, queue_id=queue_id: run.queues[queue_id]  # type: ignore[misc]
        for piece in range(len(self.runs[0].pieces)):
            yield "", piece, lambda run, piece=piece: run.pieces[piece]  # type: ignore[misc]
            for queue_id in self.setup.config.queues:
                yield (
                    queue_id,
                    piece,
                    lambda run, queue_id=queue_id, piece=piece: run.queue_pieces[queue_id][piece],  # type: ignore[misc]
                )


def difference_of(before: Study, after: Study, name: str, of: Callable[[RunFigures], Tally]) -> Interval:
    """How much a figure changes; both studies must have the same seeds."""
    return difference(before.values(name, of), after.values(name, of), before.confidence)


def study(
    setup: Setup,
    seeds: Sequence[int],
    *,
    router: RouterMaker | None = None,
    confidence: float = 0.95,
    jobs: int = 1,
) -> Study:
    """Run the setup once for each seed, in `jobs` processes; `router` replaces the routing engine by a model."""
    if jobs > 1 and len(seeds) > 1:
        with get_context("fork").Pool(min(jobs, len(seeds)), _inherit, (setup, router)) as pool:
            done = pool.map(_one_inherited, seeds, chunksize=1)
    else:
        done = [_one(setup, router, seed) for seed in seeds]
    runs = tuple(run for run, _ in done)
    return Study(setup, tuple(seeds), runs, tuple(seconds for _, seconds in done), confidence)


_inherited: list[tuple[Setup, RouterMaker | None]] = []
"""What a forked process was born with: a routing configuration cannot be sent through a pipe."""


def _inherit(setup: Setup, router: RouterMaker | None) -> None:
    _inherited[:] = [(setup, router)]


def _one_inherited(seed: int) -> tuple[RunFigures, float]:
    return _one(*_inherited[0], seed)


def _one(setup: Setup, router: RouterMaker | None, seed: int) -> tuple[RunFigures, float]:
    started = time.process_time()
    simulation = Simulation(setup, seed, router(setup, seed) if router else None)
    simulation.run()
    return figures_of(simulation), time.process_time() - started
