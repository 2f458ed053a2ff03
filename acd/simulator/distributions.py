"""Durations as distributions, drawn by their quantile so that the same draw gives the same caller in every run.

All values are seconds. A distribution is a pure function of one uniform draw: two configurations that see the same
draws see the same day (common random numbers), and a longer mean makes every single duration longer.
"""

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Protocol

_NORMAL = NormalDist()
_LOWEST, _HIGHEST = 1e-12, 1.0 - 1e-12


class Distribution(Protocol):
    """A duration whose quantile at `u` (0 ≤ u < 1) is known."""

    @property
    def mean(self) -> float:
        """The mean, seconds; infinite for a duration that never ends."""

    def quantile(self, u: float) -> float:
        """The duration that a share `u` of all durations stays below."""


@dataclass(frozen=True, slots=True)
class Fixed:
    """Always the same."""

    mean: float

    def quantile(self, u: float) -> float:
        """The duration itself."""
        return self.mean


@dataclass(frozen=True, slots=True)
class Never:
    """Never ends: the patience of a caller who waits for ever."""

    mean: float = math.inf

    def quantile(self, u: float) -> float:
        """Infinite."""
        return math.inf


@dataclass(frozen=True, slots=True)
class Exponential:
    """Memoryless, by its mean."""

    mean: float

    def quantile(self, u: float) -> float:
        """−mean · ln(1 − u)."""
        return -self.mean * math.log1p(-u)


@dataclass(frozen=True, slots=True)
class Uniform:
    """Any value between two, all equally likely."""

    low: float
    high: float

    @property
    def mean(self) -> float:
        """Half-way."""
        return (self.low + self.high) / 2.0

    def quantile(self, u: float) -> float:
        """low + u · (high − low)."""
        return self.low + u * (self.high - self.low)


class LogNormal:
    """Skewed as talk times are, by its mean and its coefficient of variation (standard deviation ÷ mean)."""

    __slots__ = ("_mu", "_sigma", "mean")

    def __init__(self, mean: float, variation: float) -> None:
        self.mean = mean
        self._sigma = math.sqrt(math.log1p(variation * variation))
        self._mu = math.log(mean) - self._sigma**2 / 2.0

    def quantile(self, u: float) -> float:
        """exp(μ + σ · the normal quantile)."""
        return math.exp(self._mu + self._sigma * _NORMAL.inv_cdf(min(max(u, _LOWEST), _HIGHEST)))


class Weibull:
    """By its mean and shape: below 1 many leave at once and the rest are patient, above 1 all leave alike."""

    __slots__ = ("_power", "_scale", "mean")

    def __init__(self, mean: float, shape: float) -> None:
        self.mean = mean
        self._power = 1.0 / shape
        self._scale = mean / math.gamma(1.0 + self._power)

    def quantile(self, u: float) -> float:
        """scale · (−ln(1 − u)) to the power 1/shape."""
        return self._scale * math.pow(-math.log1p(-u), self._power)


class Empirical:
    """Measured durations; between two of them the quantile is interpolated."""

    __slots__ = ("_values", "mean")

    def __init__(self, values: Sequence[float]) -> None:
        self._values = sorted(values)
        self.mean = math.fsum(self._values) / len(self._values)

    def quantile(self, u: float) -> float:
        """The value at rank u · (n − 1) of the n in order."""
        rank = u * (len(self._values) - 1)
        below = int(rank)
        if below + 1 >= len(self._values):
            return self._values[-1]
        return self._values[below] + (rank - below) * (self._values[below + 1] - self._values[below])


class PerLevel:
    """A factor for each proficiency 1–10, interpolated between the given ones."""

    __slots__ = ("_factors",)

    def __init__(self, points: dict[int, float]) -> None:
        levels = sorted(points)
        self._factors = [_interpolate(levels, points, level) for level in range(11)]

    def factor(self, level: int) -> float:
        """The factor of this proficiency; outside 0–10 the nearest."""
        return self._factors[min(max(level, 0), 10)]


def _interpolate(levels: list[int], points: dict[int, float], level: int) -> float:
    if not levels:
        return 1.0
    above = bisect_right(levels, level)
    if above == 0:
        return points[levels[0]]
    if above == len(levels):
        return points[levels[-1]]
    low, high = levels[above - 1], levels[above]
    return points[low] + (points[high] - points[low]) * (level - low) / (high - low)
