"""Timers against the plainest thing that does the same: look at everything and take the smallest."""

from math import inf
from random import Random

import pytest

from acd.routing.timers import Name, Timers


class _Plain:
    def __init__(self) -> None:
        self.due: dict[tuple[int, Name], float] = {}

    def first(self) -> float | None:
        return min(self.due.values(), default=None)

    def pop(self) -> tuple[int, Name]:
        key = min(self.due, key=lambda name: (self.due[name], name))
        del self.due[key]
        return key


@pytest.mark.parametrize("start", [0.0, -5.0, 1.9e9])
@pytest.mark.parametrize("names", [3, 40])
def test_what_is_due_first_is_the_smallest_of_all(start: float, names: int) -> None:
    for seed in range(60):
        chance, timers, plain, now = Random(seed), Timers(), _Plain(), start
        for _ in range(300):
            key = (chance.randrange(3), f"n{chance.randrange(names)}")
            match chance.randrange(4):
                case 0 | 1:
                    # Within the same second, soon, at one instant with others, and hours away.
                    ahead = chance.choice([chance.random(), chance.random() * 90, chance.randrange(4), 8 * 3600.0])
                    timers.set(*key, now + ahead)
                    plain.due[key] = now + ahead
                case 2:
                    timers.cancel(*key)
                    plain.due.pop(key, None)
                case _:
                    now += chance.random() * chance.choice([0, 1, 10])
                    while (first := plain.first()) is not None and first <= now:
                        assert timers.next <= first == timers.first()
                        assert timers.pop() == plain.pop()
            assert timers.next <= min(plain.due.values(), default=inf)
            assert timers.all() == [(*key, at) for key, at in sorted(plain.due.items())]
        assert timers.first() == plain.first()


def test_what_is_cancelled_takes_no_room_for_long() -> None:
    timers = Timers()
    for number in range(10_000):
        timers.set(0, f"n{number}", 3600.0 + number)
        timers.cancel(0, f"n{number}")
    assert sum(map(len, timers._later.values())) <= 64
    assert timers.first() is None


def test_never_is_not_an_instant() -> None:
    timers = Timers()
    timers.set(0, "endless", inf)
    timers.set(0, "soon", 5.0)
    assert timers.first() == 5.0
    assert timers.pop() == (0, "soon")
    assert timers.first() is None
