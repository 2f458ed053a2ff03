"""What is due when, in an order that depends on instants and names only, never on history.

Most timers are cancelled long before their instant: they are only thrown to the others of their second, and no more
than the first second that holds any is put in order.
"""

from heapq import heapify, heappop, heappush
from math import inf, nan

# At one instant they run in this order.
OFFER, PAUSE, WRAP_UP, RELEASE, PLAN, CLOSING, ANNOUNCE = KINDS = range(7)

# An agent, interaction or queue; for a wrap-up the agent and the interaction. Names of one kind are alike.
Name = str | tuple[str, str]

_NEVER = 2.0**60  # the second of whatever is too far off to have one


class Timers:
    """At most one instant per kind and name; setting it again moves it.

    `next` is never later than the first instant. `due` is a dictionary for each kind: most are small.
    """

    __slots__ = ("_first", "_first_second", "_kept", "_later", "_room", "_seconds", "due", "next")

    def __init__(self) -> None:
        self.due: list[dict[Name, float]] = [{} for _ in KINDS]
        self.next = inf
        # The rest also holds instants that are no longer due: `_kept` of them in all, swept away beyond `_room`.
        self._first_second = -inf
        self._first: list[tuple[float, int, Name]] = []
        self._seconds: list[float] = []
        self._later: dict[float, list[tuple[int, Name]]] = {}
        self._kept = 0
        self._room = 64

    def set(self, kind: int, name: Name, at: float) -> None:
        """This is due at `at` (and at no other instant)."""
        self.due[kind][name] = at
        if at < self.next:
            self.next = at
        second = at // 1.0 if at < _NEVER else _NEVER
        if second > self._first_second:
            slot = self._later.get(second)
            if slot is not None:
                slot.append((kind, name))
            else:
                self._later[second] = [(kind, name)]
                heappush(self._seconds, second)
        else:
            self._set_early(kind, name, at, second)
        self._kept += 1
        if self._kept > self._room:
            self._sweep()

    def cancel(self, kind: int, name: Name) -> None:
        """This is no longer due."""
        self.due[kind].pop(name, None)

    def first(self) -> float | None:
        """The earliest instant, or None."""
        first, due = self._first, self.due
        while first or self._seconds:
            if not first:
                self._put_in_order()
                continue
            at, kind, name = first[0]
            if due[kind].get(name) == at:
                self.next = at
                return at
            heappop(first)
            self._kept -= 1
        self._first_second = -inf
        self.next = inf
        return None

    def pop(self) -> tuple[int, Name]:
        """Take the earliest (there must be one: see `first`)."""
        _, kind, name = heappop(self._first)
        self._kept -= 1
        del self.due[kind][name]
        return kind, name

    def all(self) -> list[tuple[int, Name, float]]:
        """All that is due, by kind and name."""
        return [(kind, name, at) for kind in KINDS for name, at in sorted(self.due[kind].items())]

    def _set_early(self, kind: int, name: Name, at: float, second: float) -> None:
        if second < self._first_second:
            # Another second is the first now: the one in order goes back to the others.
            self._later[self._first_second] = [known[1:] for known in self._first]
            heappush(self._seconds, self._first_second)
            self._first.clear()
            self._first_second = second
        heappush(self._first, (at, kind, name))

    def _put_in_order(self) -> None:
        self._first_second = second = heappop(self._seconds)
        kept, due = self._later.pop(second), self.due
        for kind, name in kept:
            at = due[kind].get(name, nan)
            if at // 1.0 == second:
                self._first.append((at, kind, name))
        heapify(self._first)
        self._kept += len(self._first) - len(kept)

    def _sweep(self) -> None:
        """Keep nothing but what is due. What lies in the first second goes by itself."""
        due = self.due
        for second, kept in list(self._later.items()):
            alive = [known for known in kept if due[known[0]].get(known[1], nan) // 1.0 == second]
            self._kept += len(alive) - len(kept)
            if alive:
                self._later[second] = alive
            else:
                del self._later[second]
        self._seconds = sorted(self._later)
        self._room = 2 * self._kept + 64
