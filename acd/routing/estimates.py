"""Expected wait, from the queue's own recent flow.

While people stand in a line, the times between one going to an agent and the next are samples of how fast the line
moves. Someone at position p waits for p such intervals: with mean m and standard deviation s over n samples the wait
has mean p·m and variance p·s² + p²·s²/n (the spread of the intervals, and our ignorance of their mean). The band is
the 10 %–90 % range of a gamma distribution with those moments (Wilson and Hilferty's approximation, 1931); for
exponential intervals the wait *is* gamma distributed.
"""

from math import sqrt

from acd.effects import Confidence
from acd.views import Estimate

_SAMPLES = 32
_STALE = 1800.0
_Z90 = 1.2815515655446004
_GOOD, _FAIR = 16, 6
_SMOOTHING = 0.1

UNKNOWN = Estimate(None, None, None, "none")
AT_ONCE = Estimate(0.0, 0.0, 0.0, "good")


class Flow:
    """How a queue's line has moved lately: `samples` are (instant, interval), newest last."""

    __slots__ = ("handling", "last", "samples")

    def __init__(self) -> None:
        self.samples: list[tuple[float, float]] = []
        self.last = 0.0
        self.handling: float | None = None

    def served(self, now: float, filled_at: float) -> None:
        """Someone went from the line, which had not been empty since `filled_at`, to an agent."""
        self.samples.append((now, now - max(self.last, filled_at)))
        if len(self.samples) > _SAMPLES:
            del self.samples[0]
        self.last = now

    def handled(self, seconds: float) -> None:
        """An agent has finished an interaction of this queue, wrap-up included."""
        known = self.handling
        self.handling = seconds if known is None else known + _SMOOTHING * (seconds - known)

    def expect(self, position: int, now: float, filled_at: float, agents: int) -> Estimate:
        """The wait of someone at this position; `agents` are those signed in who could serve the queue."""
        recent = [interval for at, interval in self.samples if at > now - _STALE]
        if not recent:
            if not self.handling or not agents:
                return UNKNOWN
            mean = self.handling / agents
            return _band(position, mean, mean, 1, "low")
        count = len(recent)
        standing = now - max(self.last, filled_at)
        mean = sum(recent) / count
        if standing > mean:
            # Nobody has been served for longer than usual: agents may have left, and that is news.
            mean = (sum(recent) + standing) / count
        deviation = sqrt(sum((x - mean) ** 2 for x in recent) / count) if count > 1 else mean
        confidence: Confidence = "good" if count >= _GOOD else "fair" if count >= _FAIR else "low"
        return _band(position, mean, deviation, count, confidence)


def _band(position: int, mean: float, deviation: float, count: int, confidence: Confidence) -> Estimate:
    wait = position * mean
    variance = deviation**2 * (position + position**2 / count)
    if wait <= 0.0 or variance <= 0.0:
        return Estimate(wait, wait, wait, confidence)
    shape = wait**2 / variance
    edge = sqrt(1 / (9 * shape))

    def quantile(z: float) -> float:
        return wait * max(0.0, 1 - 1 / (9 * shape) + z * edge) ** 3

    return Estimate(wait, quantile(-_Z90), quantile(_Z90), confidence)
