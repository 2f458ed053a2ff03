"""Erlang's formulas against figures that others have printed."""

import pytest

from acd.simulator.erlang import (
    Impatient,
    answered_within_patient,
    erlang_b,
    erlang_c,
    queue_patient,
)
from core.errors import Invalid


@pytest.mark.parametrize(
    ("servers", "load", "lost"),
    [(10, 4.46, 0.01), (20, 12.03, 0.01), (100, 84.06, 0.01), (10, 5.08, 0.02), (20, 13.18, 0.02), (50, 40.26, 0.02)],
)
def test_erlang_b_gives_the_loads_of_the_printed_traffic_tables(servers: int, load: float, lost: float) -> None:
    assert erlang_b(servers, load) == pytest.approx(lost, rel=0.005)


def test_erlang_c_of_one_server_is_its_load_and_of_an_overload_is_one() -> None:
    assert erlang_c(1, 0.7) == pytest.approx(0.7)
    assert erlang_c(5, 3.0) == pytest.approx(0.2362, abs=5e-5)
    assert erlang_c(5, 5.0) == 1.0


def test_a_patient_queue_of_one_server_waits_as_the_textbook_says() -> None:
    queue = queue_patient(1, 0.8 / 60.0, 60.0)

    assert queue.mean_wait == pytest.approx(0.8 / 0.2 * 60.0)
    assert queue.occupancy == pytest.approx(0.8)


def test_an_overloaded_patient_queue_is_refused_with_a_remedy() -> None:
    with pytest.raises(Invalid, match="Give more servers"):
        queue_patient(4, 5.0 / 60.0, 60.0)


def test_fifty_agents_with_and_without_patience_are_as_garnett_mandelbaum_and_reiman_print_them() -> None:
    """Table 1 of "Designing a call center with impatient customers" (2002): 48 calls a minute, 2 min patience."""
    patient = queue_patient(50, 48 / 60, 60.0)
    impatient = Impatient(50, 48 / 60, 60.0, 120.0).steady()

    assert patient.mean_wait == pytest.approx(20.8, abs=0.05)
    assert patient.occupancy == pytest.approx(0.96)
    assert 1 - answered_within_patient(50, 48 / 60, 60.0, 58.1) == pytest.approx(0.10, abs=0.001)
    assert impatient.abandoned == pytest.approx(0.031, abs=0.0005)
    assert impatient.mean_wait == pytest.approx(3.7, abs=0.05)
    assert impatient.occupancy == pytest.approx(0.93, abs=0.005)
    assert Impatient(50, 48 / 60, 60.0, 120.0).waiting_longer(12.5) == pytest.approx(0.10, abs=0.002)


@pytest.mark.parametrize(("servers", "load", "patience"), [(3, 2.4, 1.0), (10, 12.0, 0.5), (30, 28.0, 2.0)])
def test_the_integrals_agree_with_the_birth_and_death_chain(servers: int, load: float, patience: float) -> None:
    """The same queue solved state by state: departures n/service, and (n − servers)/patience beyond the servers."""
    weights = [1.0]
    for n in range(1, servers + 600):
        weights.append(weights[-1] * load / (min(n, servers) + max(n - servers, 0) / patience))
    whole = sum(weights)
    waiting = sum(max(n - servers, 0) * weight for n, weight in enumerate(weights)) / whole
    delayed = sum(weight for n, weight in enumerate(weights) if n >= servers) / whole
    found = Impatient(servers, load / 60.0, 60.0, 60.0 * patience).steady()

    assert found.delayed == pytest.approx(delayed, rel=1e-6)
    assert found.mean_wait == pytest.approx(60.0 * waiting / load, rel=1e-6)
    assert found.abandoned == pytest.approx(waiting / patience / load, rel=1e-6)


def test_everyone_who_is_not_answered_in_time_waits_longer_or_has_left() -> None:
    queue = Impatient(12, 12 / 180.0, 180.0, 90.0)

    assert queue.answered_within(1e9) == pytest.approx(1.0 - queue.steady().abandoned, rel=1e-6)
    assert queue.answered_within(0.0) == pytest.approx(1.0 - queue.steady().delayed, rel=1e-6)
