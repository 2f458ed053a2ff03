"""Queueing formulas that the simulator is checked against.

Sources: A. K. Erlang, "Solution of some problems in the theory of probabilities of significance in automatic
telephone exchanges" (1917) for B and C; C. Palm, "Research on telephone traffic carried by full availability groups"
(1957) for A, in the integral form of S. Zeltyn and A. Mandelbaum, "Call centers with impatient customers: many-server
asymptotics of the M/M/n+G queue", Queueing Systems 51 (2005). All times are seconds, all rates are per second.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

from core.errors import Invalid

_TAIL = 40.0
"""The integrals are cut where the integrand has fallen below e to the minus this."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """What a caller meets in the steady state. `mean_wait` is over all callers, `asa` over the answered ones."""

    delayed: float
    abandoned: float
    mean_wait: float
    asa: float
    occupancy: float


def erlang_b(servers: int, load: float) -> float:
    """The share of calls lost by `servers` offered `load` erlang, none waiting (M/M/c/c)."""
    if servers < 0 or load < 0:
        raise Invalid(f"{servers} servers and {load} erlang are no loss system.", "Give figures of 0 or more.")
    lost = 1.0
    for n in range(1, servers + 1):
        lost = load * lost / (n + load * lost)
    return lost


def erlang_c(servers: int, load: float) -> float:
    """The share of callers who wait with `servers` offered `load` erlang, all patient (M/M/c); 1 when overloaded."""
    if load >= servers:
        return 1.0
    lost = erlang_b(servers, load)
    return servers * lost / (servers - load * (1.0 - lost))


def queue_patient(servers: int, arrivals: float, service: float) -> Waiting:
    """M/M/c: callers wait for ever. Raises `Invalid` when the queue has no steady state."""
    load = arrivals * service
    if load >= servers:
        raise Invalid(f"{load:.2f} erlang on {servers} servers grow without end.", "Give more servers or less load.")
    delayed = erlang_c(servers, load)
    wait = delayed * service / (servers - load)
    return Waiting(delayed, 0.0, wait, wait, load / servers)


def answered_within_patient(servers: int, arrivals: float, service: float, seconds: float) -> float:
    """M/M/c: the share of callers answered within `seconds`."""
    load = arrivals * service
    return 1.0 - erlang_c(servers, load) * math.exp(-(servers - load) * seconds / service)


class Impatient:
    """M/M/c+M (Erlang A): callers leave after an exponential patience of mean `patience` seconds."""

    def __init__(self, servers: int, arrivals: float, service: float, patience: float) -> None:
        if min(servers, arrivals, service, patience) <= 0:
            raise Invalid(
                f"{servers} servers, {arrivals} calls/s, {service} s service, {patience} s patience are no queue.",
                "Give figures above 0.",
            )
        self._servers = servers
        self._arrivals = arrivals
        self._service = service
        self._patience = patience
        self._horizon = self._cut()
        self._weight = 1.0 / erlang_b(servers - 1, arrivals * service) + arrivals * self._tail(0.0)

    def _log_density(self, wait: float) -> float:
        """The logarithm of the (unscaled) density of the offered wait."""
        left = self._patience * -math.expm1(-wait / self._patience)
        return self._arrivals * left - self._servers * wait / self._service

    def _cut(self) -> float:
        """Where the density has become negligible beside its peak."""
        peak = 0.0
        if self._arrivals * self._service > self._servers:
            peak = self._patience * math.log(self._arrivals * self._service / self._servers)
        top, end = self._log_density(peak), peak + self._patience
        while self._log_density(end) > min(top, 0.0) - _TAIL:
            end = peak + (end - peak) * 1.5
        return end

    def _tail(self, start: float) -> float:
        return (
            _simpson(lambda wait: math.exp(self._log_density(wait)), start, self._horizon)
            if (start < self._horizon)
            else 0.0
        )

    def steady(self) -> Waiting:
        """Delay, abandonment, waits and occupancy in the steady state."""
        delayed = self._arrivals * self._tail(0.0) / self._weight
        abandoned = (1.0 + (self._arrivals - self._servers / self._service) * self._tail(0.0)) / self._weight
        mean_wait = abandoned * self._patience
        offered = _simpson(self._answered_wait, 0.0, self._horizon) * self._arrivals / self._weight
        occupancy = self._arrivals * (1.0 - abandoned) * self._service / self._servers
        return Waiting(delayed, abandoned, mean_wait, offered / (1.0 - abandoned), occupancy)

    def _answered_wait(self, wait: float) -> float:
        return wait * math.exp(self._log_density(wait) - wait / self._patience)

    def answered_within(self, seconds: float) -> float:
        """The share of all callers who are answered within `seconds`."""
        waited = _simpson(
            lambda wait: math.exp(self._log_density(wait) - wait / self._patience), 0.0, min(seconds, self._horizon)
        )
        return 1.0 - self._arrivals * (self._tail(0.0) - waited) / self._weight

    def waiting_longer(self, seconds: float) -> float:
        """The share of all callers who wait longer than `seconds`, whatever became of them."""
        return self._arrivals * self._tail(seconds) / self._weight * math.exp(-seconds / self._patience)


def _simpson(f: Callable[[float], float], start: float, end: float, panels: int = 4000) -> float:
    """The integral of a smooth function by Simpson's rule."""
    if end <= start:
        return 0.0
    step = (end - start) / panels
    inner = math.fsum((4.0 if n % 2 else 2.0) * f(start + n * step) for n in range(1, panels))
    return (f(start) + inner + f(end)) * step / 3.0
