"""Random floors that use everything a configuration can say, and what may happen on them."""

from random import Random
from zoneinfo import ZoneInfo

from acd.config import (
    Agent,
    Announcements,
    Blend,
    CallBackRule,
    Channel,
    OpeningHours,
    Overflow,
    OverflowKind,
    Plan,
    PlanStep,
    Programme,
    Queue,
    RoutingConfig,
    Strategy,
    Weights,
    WrapUp,
    WrapUpMode,
)

SKILLS = ("it", "tv", "adsl")
PEOPLE, QUEUES = tuple(f"a{n}" for n in range(6)), ("q0", "q1", "q2")
CHANNELS = {"voice": Channel(100), "chat": Channel(40), "email": Channel(60, interruptible=True)}
REQUIREMENTS = (
    "", "tv", "it>=4", "team=red", "team!=blue", "language=$language", "site=$site | tv", "agent=a0 | it", "!tv",
    "node=n1 | adsl", "segment=$segment", "it & !site=rome", "adsl<3",
)  # fmt: skip
CONDITIONS = ("", "waiting>1", "ready<1", "expected_wait>20", "segment=gold", "position=1")


def some(rng: Random, values: tuple[str, ...], share: float) -> frozenset[str]:
    return frozenset(value for value in values if rng.random() < share)


def an_agent(rng: Random, name: str) -> Agent:
    return Agent(
        name,
        {skill: rng.randint(1, 9) for skill in SKILLS if rng.random() < 0.6},
        languages=some(rng, ("it", "en"), 0.6),
        programmes=some(rng, ("p0",), 0.2),
        segments=some(rng, ("gold",), 0.2),
        team=rng.choice(["red", "blue", ""]),
        node=rng.choice(["", "n1", "n2"]),
        channels=rng.choice([frozenset(), frozenset(), frozenset({"voice"})]),
        capacity=rng.choice([100, 100, 80, 160]),
        blend=rng.choice([Blend.ALL, Blend.ALL, Blend.INBOUND, Blend.INBOUND_FIRST, Blend.OUTBOUND]),
        attributes={"site": rng.choice(["rome", "milan"])} if rng.random() < 0.5 else {},
    )


def an_overflow(rng: Random) -> Overflow | None:
    return rng.choice(
        [
            None,
            None,
            Overflow(OverflowKind.QUEUE, rng.choice([*QUEUES, "unknown"])),
            Overflow(OverflowKind.VOICEMAIL),
            Overflow(OverflowKind.CALL_BACK),
            Overflow(OverflowKind.PROGRAMME, rng.choice(["p0", "p1"])),
        ]
    )


def preferences(rng: Random, most: int) -> tuple[str, ...]:
    return tuple(rng.choice(REQUIREMENTS) or "tv" for _ in range(rng.randint(0, most)))


def a_plan(rng: Random) -> Plan:
    steps = [PlanStep(require=rng.choice(REQUIREMENTS), prefer=preferences(rng, 2), after=rng.choice([0, 0, 0, 5]))]
    for _ in range(rng.randint(0, 3)):
        steps.append(
            PlanStep(
                after=rng.choice([0, 10, 45, 90]),
                when=rng.choice(CONDITIONS),
                require=rng.choice([None, rng.choice(REQUIREMENTS)]),
                prefer=preferences(rng, 1),
                cumulative=rng.random() < 0.7,
                relax_own=rng.random() < 0.3,
                add_queue=rng.choice(["", "", *QUEUES]),
                raise_priority=rng.randint(0, 2),
                announce=rng.choice(["", "soon"]),
                overflow=an_overflow(rng) if rng.random() < 0.3 else None,
            )
        )
    return Plan(tuple(sorted(steps, key=lambda step: step.after)))


def a_queue(rng: Random, name: str) -> Queue:
    wrap_ups = [WrapUp(seconds=20), WrapUp(WrapUpMode.FIXED, 10), WrapUp(WrapUpMode.MANUAL), WrapUp(WrapUpMode.NONE)]
    # 1970-01-01, where these floors begin, was a Thursday.
    hours = OpeningHours(ZoneInfo("UTC"), ((3, 0, rng.choice([300, 900])),))
    return Queue(
        name,
        programme_id=rng.choice(["p0", "p1", ""]),
        plan=a_plan(rng),
        strategy=rng.choice(list(Strategy)),
        weights=Weights(1.0, 2.0, rng.choice([0.5, 4.0]), 30.0),
        priority=rng.randint(-1, 1),
        wrap_up=rng.choice(wrap_ups),
        reserve=rng.choice([0, 0, 1]),
        max_waiting=rng.choice([None, None, 4]),
        on_full=an_overflow(rng),
        max_expected_wait=rng.choice([None, 60]),
        on_long_wait=an_overflow(rng),
        hours=rng.choice([None, None, hours]),
        on_closed=an_overflow(rng),
        at_close=an_overflow(rng),
        announcements=rng.choice([None, Announcements(5, 20)]),
        call_back=CallBackRule(2, 30),
    )


def a_configuration(rng: Random) -> RoutingConfig:
    return RoutingConfig(
        {name: a_queue(rng, name) for name in QUEUES},
        {name: an_agent(rng, name) for name in PEOPLE},
        programmes={"p0": Programme("p0", 1, {"gold": 2}, "q1"), "p1": Programme("p1", 0, {}, "q2")},
        channels=CHANNELS,
        seconds_per_priority=10.0,
        max_priority=4,
        crossing_cost=rng.choice([0.0, 5.0]),
        fallback_queue=rng.choice(["", "q0"]),
    )
