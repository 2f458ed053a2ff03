"""Live figures of the day, counted from facts only: what is shown live can be recomputed from the journal.

Definitions: docs/kpi.md, the same as in the report of the day (`tickets.service_level`), whatever the order of the
facts. Durations are seconds.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, tzinfo

from acd import legs
from acd.zones import zone
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
    """Calls: one, or those of a queue's day. Sums are whole milliseconds, so that taking out is exact."""

    offered: int = 0
    answered: int = 0
    answered_in_target: int = 0
    abandoned: int = 0
    abandoned_after_target: int = 0
    short_abandoned: int = 0
    handled: int = 0
    waited_ms: int = 0
    handling_ms: int = 0

    def add(self, other: "Count", times: int = 1) -> None:
        """Count another queue or call in; `times` -1 takes it out again."""
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + times * getattr(other, name))

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
            "asa": self.waited_ms / 1000 / self.answered if self.answered else None,
            "aht": self.handling_ms / 1000 / self.handled if self.handled else None,
        }


@dataclass(slots=True)
class _Call:
    """What the facts have told of a call so far, and as what it is counted now."""

    queue_id: str = ""
    since: float | None = None
    ended: float | None = None
    abandoned: bool = False
    legs: dict[str, Fact] = field(default_factory=dict)
    last: float = 0.0
    day: date | None = None
    counted: Count = field(default_factory=Count)


@dataclass(slots=True)
class Statistics:
    """Counts inbound calls that entered a queue. A call with transfers is one call of the queue that it entered first.

    `zones`: each queue's clock. A call belongs to the local day on which it entered; the figures shown are those of
    the queue's present day.
    """

    targets: Mapping[str, Target]
    zones: Mapping[str, tzinfo]
    _counts: dict[tuple[str, date], Count] = field(default_factory=dict)
    _calls: dict[str, _Call] = field(default_factory=dict)
    _latest: date = date.min
    _told: deque[Fact] = field(default_factory=deque)

    def count(self, queue_id: str, at: float) -> Count:
        """The queue's day so far. `at`: now, epoch seconds."""
        self._count_told()
        return self._counts.get((queue_id, self._day(queue_id, at)), Count())

    def total(self, at: float) -> Count:
        """All queues together, each of its own present day."""
        self._count_told()
        total = Count()
        for queue_id in {queue_id for queue_id, _ in self._counts}:
            total.add(self.count(queue_id, at))
        return total

    def configure(self, targets: Mapping[str, Target], zones: Mapping[str, tzinfo]) -> None:
        """Count by other targets or clocks from now on, also what is counted already."""
        self._count_told()
        if (targets, zones) == (self.targets, self.zones):
            return
        self.targets, self.zones = targets, zones
        for call in self._calls.values():
            self._count(call)

    def apply(self, fact: Fact) -> None:
        """Take a fact. It is counted when somebody asks, some times a second: whoever tells it has a phone to ring."""
        if fact.interaction_id is not None and fact.kind in _KINDS and fact.data.get("direction") != "outbound":
            self._told.append(fact)
            if len(self._told) >= _MOST_TOLD:
                self._count_told()

    def _count_told(self) -> None:
        while self._told:
            fact = self._told.popleft()
            self._count_in(fact, fact.interaction_id or "")

    def _count_in(self, fact: Fact, interaction_id: str) -> None:
        call = self._calls.setdefault(interaction_id, _Call())
        call.last = max(call.last, fact.at)
        if fact.kind == "queue.entered":
            since = float(fact.data["since"])
            if call.since is None or since <= call.since:
                self._uncount(call)
                call.queue_id, call.since = str(fact.data["queue_id"]), since
        elif fact.kind == "call.ended":
            call.ended, call.abandoned = fact.at, bool(fact.data.get("abandoned"))
        else:
            call.legs[fact.id] = fact
        self._count(call)

    def _count(self, call: _Call) -> None:
        self._uncount(call)
        if call.since is None:
            return
        call.day, call.counted = self._day(call.queue_id, call.since), self._figures(call, call.since)
        self._counts.setdefault((call.queue_id, call.day), Count()).add(call.counted)
        if call.day > self._latest:
            self._latest = call.day
            self._forget(call.day - timedelta(days=1), call.last - _TWO_DAYS)

    def _uncount(self, call: _Call) -> None:
        if call.day is not None:
            self._counts[call.queue_id, call.day].add(call.counted, -1)
            call.day = None

    def _figures(self, call: _Call, since: float) -> Count:
        """One call as it counts now."""
        target, parts = self.targets.get(call.queue_id, Target()), legs.legs_of(call.legs.values())
        if parts:
            waited = parts[0].answered_at - since
            handling = sum(part.talk + part.hold + part.wrap_up for part in parts)
            over = call.ended is not None
            return Count(
                offered=1,
                answered=1,
                answered_in_target=waited <= target.seconds,
                handled=over,
                waited_ms=round(waited * 1000),
                handling_ms=round(handling * 1000) if over else 0,
            )
        if call.ended is None or not call.abandoned:
            return Count(offered=1)
        patience = call.ended - since
        if patience < target.short_abandon:
            return Count(offered=1, short_abandoned=1)
        return Count(offered=1, abandoned=1, abandoned_after_target=patience > target.seconds)

    def _forget(self, first: date, since: float) -> None:
        """Days that are over on every clock are shown no more, nor do calls begin whose facts are that old."""
        self._calls = {
            call_id: call
            for call_id, call in self._calls.items()
            if (call.last >= since if call.day is None else call.day >= first)
        }
        self._counts = {key: count for key, count in self._counts.items() if key[1] >= first}

    def _day(self, queue_id: str, at: float) -> date:
        return datetime.fromtimestamp(at, self.zones.get(queue_id) or zone("")).date()


_MOST_TOLD = 1000
"""Facts that may wait to be counted: all at once, those of a day would hold up the calls for seconds."""
_TWO_DAYS = 2 * 86_400.0
_KINDS = frozenset({"queue.entered", "call.ended", *legs.KINDS})


def _share(part: int, base: int) -> float | None:
    return part / base if base > 0 else None
