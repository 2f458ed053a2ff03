"""The simulator against queueing theory: M/M/c (Erlang C) and M/M/c+M (Erlang A) over a grid of loads."""

from dataclasses import replace

import pytest

from acd.config import Agent, Queue, RoutingConfig, WrapUp, WrapUpMode
from acd.simulator.confidence import Interval, interval
from acd.simulator.distributions import Distribution, Exponential, Fixed, Never, PerLevel
from acd.simulator.erlang import Impatient, answered_within_patient, queue_patient
from acd.simulator.figures import FIGURES
from acd.simulator.setup import Duty, Setup, Stream, Topic
from acd.simulator.study import Study, study

SERVICE = 180.0
SEEDS = range(1, 17)
CONFIDENCE = 0.99
HOUR = 3600.0
CALLS = 2000


def steady_day(servers: int, rate: float, patience: Distribution, calls: int = CALLS) -> Setup:
    """About `calls` calls at `rate` calls a second, measured once the queue has settled."""
    warm_up = 1.5 * HOUR
    end = warm_up + calls / rate
    agents = {f"a{n}": Agent(f"a{n}") for n in range(servers)}
    return Setup(
        "theory",
        RoutingConfig(queues={"q": Queue("q")}, agents=agents),
        {"any": Topic("any", "q", talk=Exponential(SERVICE), patience=patience)},
        (Stream("any", HOUR, (rate * HOUR,) * (int(end // HOUR) + 1)),),
        tuple(Duty(agent_id, 0.0, 2 * end) for agent_id in agents),
        end,
        warm_up=warm_up,
        short_abandon=0.0,
        interval=end,
    )


def _found(done: Study, name: str) -> Interval:
    return interval([FIGURES[name](run.total) for run in done.runs], CONFIDENCE)


def _agree(done: Study, name: str, truth: float, narrow: float) -> None:
    """The interval holds the truth and is narrow enough (absolute half-width) for this to mean something."""
    found = _found(done, name)
    assert found.high is not None
    assert found.low is not None
    assert found.holds(truth), f"{name}: {truth:.4f} is outside {found.low:.4f} to {found.high:.4f}"
    assert (found.high - found.low) / 2 <= narrow, f"{name}: {found.low:.4f} to {found.high:.4f} says too little"


@pytest.mark.parametrize(
    ("servers", "load"), [(1, 0.5), (4, 0.6), (4, 0.8), (12, 0.75), (12, 0.85), (40, 0.8), (40, 0.9)]
)
def test_patient_callers_wait_as_erlang_c_says(servers: int, load: float) -> None:
    rate = load * servers / SERVICE
    done = study(steady_day(servers, rate, Never()), SEEDS)
    truth = queue_patient(servers, rate, SERVICE)

    _agree(done, "service_level", answered_within_patient(servers, rate, SERVICE, 20.0), 0.09)
    _agree(done, "asa", truth.asa, max(0.55 * truth.asa, 1.0))
    _agree(done, "occupancy", truth.occupancy, 0.05)
    assert _found(done, "abandonment").mean == 0.0


def test_wrap_up_by_level_keeps_agents_as_long_as_theory_says() -> None:
    """Calls that are all wrap-up: the half of it drawn for everyone is the whole service time at this level."""
    servers, load, patience = 12, 1.0, 180.0
    rate = load * servers / SERVICE
    patient = _all_wrap_up(steady_day(servers, 0.8 * rate, Never()))
    impatient = _all_wrap_up(steady_day(servers, rate, Exponential(patience)))

    done, truth = study(patient, SEEDS), queue_patient(servers, 0.8 * rate, SERVICE)
    _agree(done, "service_level", answered_within_patient(servers, 0.8 * rate, SERVICE, 20.0), 0.09)
    _agree(done, "asa", truth.asa, max(0.55 * truth.asa, 1.0))
    _agree(done, "occupancy", truth.occupancy, 0.05)
    _agree(done, "aht", SERVICE, 8.0)

    done, theory = study(impatient, SEEDS), Impatient(servers, rate, SERVICE, patience)
    _agree(done, "abandonment", theory.steady().abandoned, 0.04)
    _agree(done, "service_level_strict", theory.answered_within(20.0), 0.09)
    _agree(done, "occupancy", theory.steady().occupancy, 0.05)


def _all_wrap_up(setup: Setup) -> Setup:
    slow = replace(
        setup.topics["any"],
        talk=Fixed(0.0),
        wrap_up=Exponential(SERVICE / 2),
        level_skill="care",
        wrap_up_factor=PerLevel({3: 2.0, 8: 1.0}),
    )
    agents = {agent_id: Agent(agent_id, skills={"care": 3}) for agent_id in setup.config.agents}
    queues = {"q": Queue("q", wrap_up=WrapUp(WrapUpMode.MANUAL))}
    return replace(setup, topics={"any": slow}, config=RoutingConfig(queues=queues, agents=agents))


@pytest.mark.parametrize(
    ("servers", "load", "patience"),
    [(1, 0.8, 180.0), (5, 1.0, 120.0), (12, 0.9, 300.0), (12, 1.3, 90.0), (40, 0.95, 120.0), (40, 1.1, 120.0)],
)
def test_impatient_callers_wait_and_leave_as_erlang_a_says(servers: int, load: float, patience: float) -> None:
    rate = load * servers / SERVICE
    done = study(steady_day(servers, rate, Exponential(patience)), SEEDS)
    theory = Impatient(servers, rate, SERVICE, patience)
    truth = theory.steady()

    _agree(done, "abandonment", truth.abandoned, 0.04)
    _agree(done, "service_level_strict", theory.answered_within(20.0), 0.09)
    _agree(done, "asa", truth.asa, max(0.35 * truth.asa, 1.0))
    _agree(done, "occupancy", truth.occupancy, 0.05)
