"""What is due when, in an order that depends on instants and names only, never on history.

Most timers are cancelled long before their instant: they are only thrown to the others of their second, and no more
than the first second that holds any is put in order.
"""

from heapq import heapify, heappop, heappush
from math import inf

# At one instant they run in this order.
OFFER, PAUSE, WRAP_UP, RELEASE, PLAN, CLOSING, ANNOUNCE = range(7)

Key = tuple[int, str, str]

_NEVER = 2.0**60  # the second of whatever is too far off to have one


class Timers:
    """At most one instant per key (kind, id, second id); setting a key again moves it.

    `next` is never later than the first instant.
    """

    __slots__ = ("_first", "_first_second", "_kept", "_later", "_seconds", "due", "next")

    def __init__(self) -> None:
        self.due: dict[Key, float] = {}
        self.next = inf
        # The rest also holds instants that are no longer due: `_kept` of them in all.
        self._first_second = -inf
        self._first: list[tuple[float, Key]] = []
        self._seconds: list[float] = []
        self._later: dict[float, list[Key]] = {}
        self._kept = 0

    def set(self, key: Key, at: float) -> None:
        """This key is due at `at` (and at no other instant)."""
        self.due[key] = at
        if at < self.next:
            self.next = at
        second = at // 1.0 if at < _NEVER else _NEVER
        if second > self._first_second:
            slot = self._later.get(second)
            if slot is not None:
                slot.append(key)
            else:
                self._later[second] = [key]
                heappush(self._seconds, second)
        else:
            self._set_early(key, at, second)
        self._kept += 1
        if self._kept > 2 * len(self.due) + 64:
            self._sweep()

    def cancel(self, key: Key) -> None:
        """This key is no longer due."""
        self.due.pop(key, None)

    def first(self) -> float | None:
        """The earliest instant, or None."""
        first, due = self._first, self.due
        while first or self._seconds:
            if not first:
                self._put_in_order()
                continue
            at, key = first[0]
            if due.get(key) == at:
                self.next = at
                return at
            heappop(first)
            self._kept -= 1
        self._first_second = -inf
        self.next = inf
        return None

    def pop(self) -> Key:
        """Take the earliest key (there must be one: see `first`)."""
        key = heappop(self._first)[1]
        self._kept -= 1
        del self.due[key]
        return key

    def _set_early(self, key: Key, at: float, second: float) -> None:
        if second < self._first_second:
            # Another second is the first now: the one in order goes back to the others.
            self._later[self._first_second] = [known for _, known in self._first]
            heappush(self._seconds, self._first_second)
            self._first.clear()
            self._first_second = second
        heappush(self._first, (at, key))

    def _put_in_order(self) -> None:
        self._first_second = second = heappop(self._seconds)
        keys, due = self._later.pop(second), self.due
        for key in keys:
            at = due.get(key)
            if at is not None and at // 1.0 == second:
                self._first.append((at, key))
        heapify(self._first)
        self._kept += len(self._first) - len(keys)

    def _sweep(self) -> None:
        """Keep nothing but what is due."""
        due = self.due.copy()
        self.due.clear()
        self._first.clear()
        self._later.clear()
        self._seconds.clear()
        self._first_second, self._kept = -inf, 0
        for key, at in due.items():
            self.set(key, at)
