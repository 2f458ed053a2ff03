"""What is due when: a heap whose order depends on instants and names only, never on history."""

from heapq import heapify, heappop, heappush

# At one instant they run in this order.
OFFER, PAUSE, WRAP_UP, RELEASE, PLAN, CLOSING, ANNOUNCE = range(7)

Key = tuple[int, str, str]


class Timers:
    """At most one instant per key (kind, id, second id); setting a key again moves it."""

    __slots__ = ("due", "heap")

    def __init__(self) -> None:
        self.due: dict[Key, float] = {}
        self.heap: list[tuple[float, Key]] = []
        """Also holds instants that are no longer due; nothing is due before the first of them."""

    def set(self, key: Key, at: float) -> None:
        """This key is due at `at` (and at no other instant)."""
        self.due[key] = at
        heap = self.heap
        heappush(heap, (at, key))
        if len(heap) > 2 * len(self.due) + 64:
            heap[:] = [(due, key) for key, due in self.due.items()]
            heapify(heap)

    def cancel(self, key: Key) -> None:
        """This key is no longer due."""
        self.due.pop(key, None)

    def first(self) -> float | None:
        """The earliest instant, or None."""
        heap, due = self.heap, self.due
        while heap:
            at, key = heap[0]
            if due.get(key) == at:
                return at
            heappop(heap)
        return None

    def pop(self) -> Key:
        """Take the earliest key (there must be one: see `first`)."""
        key = heappop(self.heap)[1]
        del self.due[key]
        return key
