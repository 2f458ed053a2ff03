"""Expected wait, from the queue's own recent flow.

While people stand in a line, the times between one being answered and the next are samples of how fast the line
moves; mean m, standard deviation s, n samples. Those ahead also give up, each at the rate θ = leavers ÷ time waited.
With k people ahead the next step forward therefore takes 1 / (1/m + k·θ) on average, and someone at position p waits
for the sum of these over k = 0 … p−1 (as in Erlang A; without leavers: p·m). Its variance is (s/m)² times the sum of
their squares, and (s/m)²/n times the square of the wait for our ignorance of the mean. The band is the 10 %–90 % range
of a gamma distribution with those moments (Wilson and Hilferty's approximation, 1931); for exponential intervals and
without leavers the wait *is* gamma distributed. The sums are taken as integrals (midpoint rule): one cost for any line.
"""

from math import log, sqrt

from acd.effects import Confidence
from acd.views import Estimate

_SAMPLES = 32
_STALE = 1800.0
_Z90 = 1.2815515655446004
_GOOD, _FAIR = 16, 6
_SMOOTHING = 0.1
_FORGET = 1 - 1 / 64

UNKNOWN = Estimate(None, None, None, "none")
AT_ONCE = Estimate(0.0, 0.0, 0.0, "good")


class Flow:
    """How a queue's line has moved lately: `samples` are (instant, interval), newest last.

    `leavers` of those who stood in the line for `waited` seconds in all gave up or were sent elsewhere; both fade.
    """

    __slots__ = ("handling", "last", "leavers", "samples", "waited")

    def __init__(self) -> None:
        self.samples: list[tuple[float, float]] = []
        self.last = 0.0
        self.handling: float | None = None
        self.leavers = 0.0
        self.waited = 0.0

    def served(self, now: float, filled_at: float) -> None:
        """An agent has answered someone from the line, which had not been empty since `filled_at`."""
        samples, since = self.samples, self.last
        samples.append((now, now - (since if since > filled_at else filled_at)))
        if len(samples) > _SAMPLES:
            del samples[0]
        self.last = now

    def waited_for(self, seconds: float, left: bool) -> None:
        """Someone waits no more, after so long: answered, or `left` without an agent."""
        self.waited = self.waited * _FORGET + (seconds if seconds > 0.0 else 0.0)
        self.leavers = self.leavers * _FORGET + left

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
            return _band(position, mean, mean, 1, 0.0, "low")
        count = len(recent)
        standing = now - max(self.last, filled_at)
        mean = sum(recent) / count
        if standing > mean:
            # Nobody has been served for longer than usual: agents may have left, and that is news.
            mean = (sum(recent) + standing) / count
        deviation = sqrt(sum((x - mean) ** 2 for x in recent) / (count - 1)) if count > 1 else mean
        if count < _FAIR:
            # Few intervals look more alike than they are: take them for exponential at least.
            deviation = max(deviation, mean)
        confidence: Confidence = "good" if count >= _GOOD else "fair" if count >= _FAIR else "low"
        leaving = self.leavers / self.waited if self.waited else 0.0
        return _band(position, mean, deviation, count, leaving, confidence)


def _band(position: int, mean: float, deviation: float, count: int, leaving: float, confidence: Confidence) -> Estimate:
    wait, squares = _sums(position, mean, leaving)
    variance = (deviation / mean) ** 2 * (squares + wait**2 / count) if mean else 0.0
    if wait <= 0.0 or variance <= 0.0:
        return Estimate(wait, wait, wait, confidence)
    shape = wait**2 / variance
    edge = sqrt(1 / (9 * shape))

    def quantile(z: float) -> float:
        return wait * max(0.0, 1 - 1 / (9 * shape) + z * edge) ** 3

    return Estimate(wait, quantile(-_Z90), quantile(_Z90), confidence)


def _sums(position: int, mean: float, leaving: float) -> tuple[float, float]:
    """The sums of 1 / (1/mean + k·leaving) and of its square over k = 0 … position − 1."""
    ahead = position - 1
    if not mean or not ahead or leaving * mean * ahead < 1e-6:
        return position * mean, position * mean**2
    first, last = 1 / mean + leaving / 2, 1 / mean + leaving * (ahead + 0.5)
    return mean + log(last / first) / leaving, mean**2 + (1 / first - 1 / last) / leaving
