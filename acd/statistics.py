"""Live figures of the day, counted from facts only: what is shown live can be recomputed from the journal.

Definitions: docs/kpi.md. Durations are seconds.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from core.journal import Fact


@dataclass(frozen=True, slots=True)
class Target:
    """A queue's goal: `share` of the calls answered within `seconds`; short abandons do not count."""

    share: float = 0.8
    seconds: float = 20.0
    abandonment: float = 0.03
    short_abandon: float = 5.0


@dataclass(slots=True)
class Count:
    """One queue's calls of the day."""

    offered: int = 0
    answered: int = 0
    answered_in_target: int = 0
    abandoned: int = 0
    abandoned_after_target: int = 0
    short_abandoned: int = 0
    waited: float = 0.0
    handled: int = 0
    handling: float = 0.0

    def add(self, other: "Count") -> None:
        """Count another queue in."""
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))

    def figures(self) -> dict[str, float | int | None]:
        """The figures of docs/contracts.md; a share without a base is None, never 0 or 1."""
        return {
            "offered": self.offered,
            "answered": self.answered,
            "answered_in_target": self.answered_in_target,
            "abandoned": self.abandoned,
            "short_abandoned": self.short_abandoned,
            "service_level": _share(self.answered_in_target, self.answered + self.abandoned_after_target),
            "service_level_strict": _share(
                self.answered_in_target, self.answered + self.abandoned + self.short_abandoned
            ),
            "abandonment": _share(self.abandoned, self.offered - self.short_abandoned),
            "asa": self.waited / self.answered if self.answered else None,
            "aht": self.handling / self.handled if self.handled else None,
        }


@dataclass(slots=True)
class _Call:
    queue_id: str
    since: float
    counted: bool
    answered: bool = False


@dataclass(slots=True)
class Statistics:
    """Counts facts of calls that entered a queue since `day_start` (epoch seconds)."""

    targets: Mapping[str, Target]
    day_start: float
    counts: dict[str, Count] = field(default_factory=dict)
    _calls: dict[str, _Call] = field(default_factory=dict)
    _wrap_up_of: dict[str, str] = field(default_factory=dict)

    def count(self, queue_id: str) -> Count:
        """The queue's count, made at first use."""
        return self.counts.setdefault(queue_id, Count())

    def total(self) -> Count:
        """All queues together."""
        total = Count()
        for count in self.counts.values():
            total.add(count)
        return total

    def new_day(self, day_start: float) -> None:
        """Begin another day; calls in progress belong to the day in which they entered their queue."""
        self.day_start = day_start
        self.counts.clear()
        for call in self._calls.values():
            call.counted = call.since >= day_start

    def apply(self, fact: Fact) -> None:
        """Count one fact; facts of other kinds change nothing."""
        if fact.kind == "queue.entered":
            self._entered(fact.interaction_id or "", fact.data)
        elif fact.kind == "call.answered":
            self._answered(fact)
        elif fact.kind == "agent.left":
            self._agent_left(fact)
        elif fact.kind == "wrap_up.ended":
            self._wrap_up_ended(fact)
        elif fact.kind == "call.ended":
            self._ended(fact)

    def _entered(self, interaction_id: str, data: Mapping[str, Any]) -> None:
        if interaction_id in self._calls or data.get("direction") == "outbound":
            return  # a call with transfers is one call, counted where it first waited
        since = float(data["since"])
        call = self._calls[interaction_id] = _Call(str(data["queue_id"]), since, since >= self.day_start)
        if call.counted:
            self.count(call.queue_id).offered += 1

    def _answered(self, fact: Fact) -> None:
        call = self._calls.get(fact.interaction_id or "")
        if call is None or call.answered:
            return
        call.answered = True
        if not call.counted:
            return
        count = self.count(call.queue_id)
        waited = max(0.0, fact.at - call.since)
        count.answered += 1
        count.waited += waited
        count.answered_in_target += waited <= self._target(call.queue_id).seconds

    def _agent_left(self, fact: Fact) -> None:
        call = self._calls.get(fact.interaction_id or "")
        if call is None or not call.counted:
            return
        count = self.count(call.queue_id)
        count.handled += 1
        count.handling += float(fact.data.get("talk", 0.0)) + float(fact.data.get("hold", 0.0))
        if fact.agent_id:
            self._wrap_up_of[fact.agent_id] = call.queue_id

    def _wrap_up_ended(self, fact: Fact) -> None:
        queue_id = self._wrap_up_of.pop(fact.agent_id or "", None)
        if queue_id is not None:
            self.count(queue_id).handling += float(fact.data.get("seconds", 0.0))

    def _ended(self, fact: Fact) -> None:
        call = self._calls.pop(fact.interaction_id or "", None)
        if call is None or call.answered or not call.counted or not fact.data.get("abandoned"):
            return
        count, target = self.count(call.queue_id), self._target(call.queue_id)
        waited = max(0.0, fact.at - call.since)
        if waited < target.short_abandon:
            count.short_abandoned += 1
        else:
            count.abandoned += 1
            count.abandoned_after_target += waited > target.seconds

    def _target(self, queue_id: str) -> Target:
        return self.targets.get(queue_id, Target())


def _share(part: int, base: int) -> float | None:
    return part / base if base > 0 else None
