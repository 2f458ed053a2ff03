"""How sure a figure is: the mean over independent runs and its interval (Student's t)."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean over `runs` runs; the true one lies between `low` and `high` with the given confidence.

    All three are None when no run had the figure; `low` and `high` are None when only one had it.
    """

    mean: float | None
    low: float | None
    high: float | None
    runs: int

    def holds(self, value: float) -> bool:
        """Whether `value` lies inside (False while the interval is unknown)."""
        return self.low is not None and self.high is not None and self.low <= value <= self.high

    def as_dict(self) -> dict[str, float | int | None]:
        """The JSON form."""
        return {"mean": self.mean, "low": self.low, "high": self.high, "runs": self.runs}


def interval(values: Sequence[float | None], confidence: float = 0.95) -> Interval:
    """The mean and its interval; runs that lack the figure (None) are left out."""
    known = [value for value in values if value is not None]
    runs = len(known)
    if not runs:
        return Interval(None, None, None, 0)
    mean = math.fsum(known) / runs
    if runs == 1:
        return Interval(mean, None, None, 1)
    spread = math.sqrt(math.fsum((value - mean) ** 2 for value in known) / (runs - 1) / runs)
    half = student_t(0.5 + confidence / 2.0, runs - 1) * spread
    return Interval(mean, mean - half, mean + half, runs)


def difference(first: Sequence[float | None], second: Sequence[float | None], confidence: float = 0.95) -> Interval:
    """The mean of second − first, run by run: with common random numbers most of the noise cancels."""
    return interval(
        [b - a if a is not None and b is not None else None for a, b in zip(first, second, strict=True)], confidence
    )


def student_t(probability: float, freedom: int) -> float:
    """The quantile of Student's t. The distribution function is inverted by bisection; exact to 1e-9."""
    if probability == 0.5:
        return 0.0
    if probability < 0.5:
        return -student_t(1.0 - probability, freedom)
    if freedom > 1000:
        return NormalDist().inv_cdf(probability)
    low, high = 0.0, 1.0
    while _t_cdf(high, freedom) < probability:
        high *= 2.0
    while high - low > 1e-10 * high:
        middle = (low + high) / 2.0
        if _t_cdf(middle, freedom) < probability:
            low = middle
        else:
            high = middle
    return (low + high) / 2.0


def _t_cdf(t: float, freedom: int) -> float:
    """P(T ≤ t) for whole degrees of freedom: the finite series of Abramowitz and Stegun, 26.7.3 and 26.7.4."""
    angle = math.atan2(t, math.sqrt(freedom))
    sine, cosine = math.sin(angle), math.cos(angle)
    square, start = cosine * cosine, 1 + freedom % 2
    term = total = 1.0 if start == 1 else cosine
    for n in range(start, freedom - 1, 2):
        term *= square * n / (n + 1)
        total += term
    if start == 1:
        return 0.5 + sine * total / 2.0
    return 0.5 + (angle + (sine * total if freedom > 1 else 0.0)) / math.pi
