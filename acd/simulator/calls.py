"""The callers of a run: who calls when, and the draws that fix what each of them will do.

Every draw belongs to the caller, not to the moment it is used. So the same seed gives the same callers under any
configuration: common random numbers.
"""

from collections.abc import Iterator
from math import inf
from random import Random

from acd.simulator.setup import Setup, Stream, Topic

DAY = 86_400.0


class Call:
    """One inbound call. `draws`: talk, wrap-up, patience, pick-up, refusal, resolution, again, when, which topic."""

    __slots__ = (
        "agent_id",
        "answered",
        "call_back",
        "customer",
        "draws",
        "ended",
        "fence",
        "id",
        "identified",
        "nth",
        "offers",
        "outcome",
        "patience",
        "queue_id",
        "queued",
        "redial",
        "resolved",
        "talk",
        "topic",
        "wrap_up",
    )

    def __init__(self, customer: int, nth: int, queued: float, topic: Topic, draws: tuple[float, ...]) -> None:
        self.id = f"{customer}.{nth}"
        self.customer = customer
        self.nth = nth
        self.queued = queued
        self.topic = topic
        self.queue_id = topic.queue_id
        self.draws = draws
        self.identified = True
        self.patience = topic.patience.quantile(draws[2])
        self.fence = 0
        self.offers = 0
        self.outcome = "open"
        """`open` (not over when the run ended), `answered`, `called_back`, `abandoned`, `diverted`."""
        self.answered = inf
        self.ended = inf
        self.agent_id = ""
        self.talk = -1.0
        self.wrap_up = -1.0
        self.resolved = False
        self.call_back = False
        self.redial = False
        """The customer's call before this one was abandoned."""


DRAWS = 9
(TALK, WRAP_UP, PATIENCE, PICK_UP, RONA, RESOLUTION, AGAIN, WHEN, WHICH) = range(DRAWS)


def first_calls(setup: Setup, seed: int) -> list[Call]:
    """The callers who do not come because of an earlier call, in order of arrival."""
    arrivals: list[tuple[float, str, int]] = []
    for stream in setup.streams:
        chance = Random(f"{seed}/arrivals/{stream.topic_id}")
        times = _steady(stream, chance, setup.end) if stream.steady else _poisson(stream, chance, setup, seed)
        arrivals += [(at, stream.topic_id, nth) for nth, at in enumerate(times)]
    arrivals += [(one.at, one.topic_id, -1 - nth) for nth, one in enumerate(setup.recorded)]
    arrivals.sort()
    chances = {topic_id: Random(f"{seed}/callers/{topic_id}") for topic_id in setup.topics}
    withheld = Random(f"{seed}/withheld")
    calls = []
    for customer, (at, topic_id, nth) in enumerate(arrivals):
        draw = chances[topic_id].random
        call = Call(customer, 0, setup.epoch + at, setup.topics[topic_id], tuple([draw() for _ in range(DRAWS)]))
        call.identified = withheld.random() >= setup.behaviour.withheld
        if nth < 0:
            _as_recorded(call, setup, -1 - nth)
        calls.append(call)
    return calls


def next_call(before: Call, at: float, topic: Topic, seed: int) -> Call:
    """The same customer calling again."""
    chance = Random(f"{seed}/again/{before.customer}/{before.nth}")
    call = Call(before.customer, before.nth + 1, at, topic, tuple([chance.random() for _ in range(DRAWS)]))
    call.identified = before.identified
    call.redial = before.outcome == "abandoned"
    return call


def _as_recorded(call: Call, setup: Setup, nth: int) -> None:
    recorded = setup.recorded[nth]
    if recorded.talk is not None:
        call.talk = recorded.talk
    if recorded.wrap_up is not None:
        call.wrap_up = recorded.wrap_up
    if recorded.patience is not None:
        call.patience = recorded.patience


def _poisson(stream: Stream, chance: Random, setup: Setup, seed: int) -> Iterator[float]:
    """Arrivals of a Poisson process whose rate is constant in each piece: unit gaps on the cumulated volume."""
    factor, day = 1.0, -1
    due = chance.expovariate(1.0)
    for nth, volume in enumerate(stream.volumes):
        start = nth * stream.piece
        if setup.day_variation and int(start // DAY) != day:
            day = int(start // DAY)
            shape = 1.0 / setup.day_variation**2
            factor = Random(f"{seed}/day/{day}").gammavariate(shape, 1.0 / shape)
        expected = volume * factor
        while due < expected:
            at = start + stream.piece * due / expected
            if at >= setup.end:
                return
            yield at
            due += chance.expovariate(1.0)
        due -= expected


def _steady(stream: Stream, chance: Random, end: float) -> Iterator[float]:
    """Exactly the volume of each piece (fractions carried over), at random instants of it."""
    carried = 0.0
    for nth, volume in enumerate(stream.volumes):
        carried += volume
        number = int(carried)
        carried -= number
        times = sorted(stream.piece * (nth + chance.random()) for _ in range(number))
        yield from (at for at in times if at < end)
