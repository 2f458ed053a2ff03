import math
from statistics import fmean

import pytest

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

EVEN = [(n + 0.5) / 20_000 for n in range(20_000)]


@pytest.mark.parametrize(
    "distribution",
    [
        Fixed(12.0),
        Exponential(180.0),
        Uniform(2.0, 6.0),
        LogNormal(300.0, 0.8),
        Weibull(90.0, 1.7),
        Empirical([1, 5, 6, 40]),
    ],
)
def test_quantiles_average_to_the_mean_and_never_fall(distribution: Distribution) -> None:
    values = [distribution.quantile(u) for u in EVEN]

    if not isinstance(distribution, Empirical):
        assert fmean(values) == pytest.approx(distribution.mean, rel=0.01)
    assert values == sorted(values)


def test_log_normal_has_the_variation_it_was_given() -> None:
    values = [LogNormal(300.0, 0.5).quantile(u) for u in EVEN]
    mean = fmean(values)

    assert math.sqrt(fmean((value - mean) ** 2 for value in values)) / mean == pytest.approx(0.5, rel=0.02)


def test_measured_durations_are_given_back_and_interpolated_between() -> None:
    measured = Empirical([30.0, 10.0, 20.0])

    assert [measured.quantile(u) for u in (0.0, 0.25, 0.5, 0.999999)] == pytest.approx([10, 15, 20, 30], abs=0.01)


def test_endless_patience_never_ends() -> None:
    assert Never().quantile(0.999) == math.inf


def test_a_factor_by_level_is_interpolated_inside_and_kept_outside() -> None:
    factor = PerLevel({3: 1.4, 7: 1.0}).factor

    assert [factor(level) for level in (0, 3, 5, 7, 10)] == pytest.approx([1.4, 1.4, 1.2, 1.0, 1.0])
