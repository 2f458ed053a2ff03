import pytest

from acd.simulator.confidence import difference, interval, student_t


@pytest.mark.parametrize(
    ("probability", "freedom", "quantile"),
    [(0.975, 1, 12.7062), (0.975, 2, 4.3027), (0.975, 9, 2.2622), (0.995, 10, 3.1693), (0.95, 30, 1.6973)],
)
def test_student_t_gives_the_quantiles_of_the_printed_tables(probability: float, freedom: int, quantile: float) -> None:
    assert student_t(probability, freedom) == pytest.approx(quantile, abs=5e-5)
    assert student_t(1 - probability, freedom) == pytest.approx(-quantile, abs=5e-5)


def test_an_interval_is_the_mean_and_student_t_times_its_standard_error() -> None:
    found = interval([9.0, 10.0, 11.0, 14.0])

    assert found.mean == 11.0
    assert found.high == pytest.approx(11.0 + 3.1824 * (14.0 / 3 / 4) ** 0.5, abs=1e-3)
    assert found.holds(10.0)
    assert not found.holds(15.0)


def test_runs_without_the_figure_are_left_out_and_one_run_has_no_interval() -> None:
    assert interval([None, 3.0, 5.0]).runs == 2
    assert interval([None, 3.0]).low is None
    assert interval([None]).mean is None


def test_a_difference_is_taken_run_by_run_so_that_common_noise_cancels() -> None:
    noisy = [1.0, 50.0, 900.0, 7.0]

    found = difference(noisy, [value + 2.0 for value in noisy])

    assert found.mean == pytest.approx(2.0)
    assert found.low == pytest.approx(2.0)
