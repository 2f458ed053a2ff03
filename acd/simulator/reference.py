"""The reference day: 10,000 calls with strong peaks, six skill groups, agents in eight-hour shifts round the clock.

Made so that staffings can be compared: team N + 1 is team N and one agent more, with the same mix of shifts and
skills; callers are the same for every team and every router. Figures that are assumptions are marked as such in
docs/simulator.md.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import TypeVar

from acd.config import Agent, Plan, PlanStep, Queue, RoutingConfig, Strategy, WrapUp, WrapUpMode
from acd.simulator.distributions import Exponential, Fixed, LogNormal, Uniform
from acd.simulator.setup import Behaviour, Duty, Setup, Stream, Topic

K = TypeVar("K")

CALLS = 10_000.0
HOUR = 3600.0
DAY_HOURS = 24

_NIGHT_HOURS = (0.8, 0.5, 0.35, 0.3, 0.35, 0.6)
_MORNING = (1.2, 2.4, 5.0, 8.2, 9.6, 8.6)
_AFTERNOON = (6.6, 5.8, 6.6, 7.6, 7.2, 6.4)
_EVENING = (6.0, 5.2, 4.0, 3.0, 2.0, 1.3)
BY_HOUR = (*_NIGHT_HOURS, *_MORNING, *_AFTERNOON, *_EVENING)
"""The share of the day's calls in each hour (they are brought to a sum of one)."""


@dataclass(frozen=True, slots=True)
class Group:
    """A skill group: its share of calls, its mean talk and wrap-up, and the skills its agents learn next, in order."""

    share: float
    talk: float
    wrap_up: float
    next_skills: tuple[str, ...]


GROUPS: Mapping[str, Group] = {
    "services": Group(0.28, 260.0, 40.0, ("tariffs", "portability", "technical", "billing", "complaints")),
    "technical": Group(0.22, 380.0, 50.0, ("services", "billing", "portability", "tariffs", "complaints")),
    "billing": Group(0.18, 300.0, 50.0, ("complaints", "tariffs", "services", "technical", "portability")),
    "tariffs": Group(0.12, 220.0, 35.0, ("services", "billing", "portability", "complaints", "technical")),
    "portability": Group(0.12, 280.0, 50.0, ("services", "technical", "tariffs", "billing", "complaints")),
    "complaints": Group(0.08, 340.0, 70.0, ("billing", "services", "technical", "portability", "tariffs")),
}
"""Which skills lie near each other is an assumption; every skill can be reached from every other (a chain)."""

BREADTH: Mapping[int, float] = {1: 0.25, 2: 0.40, 3: 0.25, 4: 0.10}
"""How many skills the agents of the day have; the night is worked by agents who have all six."""
NIGHT = 22.0
SHIFTS = (6.0, 7.0, 8.0, 9.0, 10.0, 11.0, 12.0, 13.0, 14.0, 15.0, 16.0, NIGHT)
"""When the eight-hour shifts begin, hours of the day."""
SHIFT_HOURS = 8.0
_BREAKS = ((1.75, 900.0), (3.75, 1800.0), (6.0, 900.0))
"""Breaks after so many hours, and their length; agents take turns, up to an hour apart."""


@dataclass(frozen=True, slots=True)
class Seat:
    """One agent of the reference team: the first skill is the agent's own group."""

    agent_id: str
    shift: float
    skills: tuple[str, ...]
    turn: float
    """Where in the hour of turns its breaks lie (0–1)."""


def day(team: int, *, strategy: Strategy = Strategy.LEAST_FLEXIBLE, pooled: bool = False) -> Setup:
    """The reference day worked by the first `team` agents; `pooled`: one group in which everyone can do everything."""
    seats = roster(team)
    agents = {seat.agent_id: _agent(seat, pooled) for seat in seats}
    return Setup(
        name=f"Reference day, {team} agents",
        config=RoutingConfig(queues=_queues(strategy, pooled), agents=agents),
        topics={group_id: _topic(group_id, pooled) for group_id in GROUPS},
        streams=tuple(
            Stream(group_id, HOUR, tuple(CALLS * group.share * hour / sum(BY_HOUR) for hour in BY_HOUR))
            for group_id, group in GROUPS.items()
        ),
        duties=tuple(duty for seat in seats for duty in _duties(seat)),
        end=DAY_HOURS * HOUR,
        behaviour=Behaviour(connection=Fixed(0.02), pick_up=Uniform(1.5, 4.5), rona=0.005, rona_back=Fixed(60.0)),
    )


def with_queues(setup: Setup, queues: Mapping[str, Queue]) -> Setup:
    """The same day with other queues."""
    return replace(setup, config=replace(setup.config, queues=queues))


def penalties(setup: Setup, *, used: bool = True) -> Mapping[str, Mapping[str, int]]:
    """Who is in which queue of app_queue with which penalty: 0 in the own group, 1 in the next, and so on."""
    return {
        agent.agent_id: {skill: rank if used else 0 for rank, skill in enumerate(agent.skills)}
        for agent in setup.config.agents.values()
    }


def _queues(strategy: Strategy, pooled: bool) -> Mapping[str, Queue]:
    names = ("all",) if pooled else tuple(GROUPS)
    return {
        name: Queue(
            name,
            plan=Plan((PlanStep(require="" if pooled else name),)),
            strategy=Strategy.LONGEST_IDLE if pooled else strategy,
            wrap_up=WrapUp(WrapUpMode.MANUAL),
        )
        for name in names
    }


def _agent(seat: Seat, pooled: bool) -> Agent:
    return Agent(seat.agent_id, skills={"all": 5} if pooled else dict.fromkeys(seat.skills, 5))


def _topic(group_id: str, pooled: bool) -> Topic:
    group = GROUPS[group_id]
    return Topic(
        group_id,
        "all" if pooled else group_id,
        talk=LogNormal(group.talk, 0.8),
        wrap_up=Exponential(group.wrap_up),
        patience=Exponential(480.0),
    )


def _duties(seat: Seat) -> tuple[Duty, ...]:
    """The agent's shift in the day; a night shift is the end of last night's and the beginning of the next."""
    end = DAY_HOURS * HOUR
    duties = []
    for begins in (seat.shift * HOUR, seat.shift * HOUR - end):
        ends = begins + SHIFT_HOURS * HOUR
        if ends <= 0:
            continue
        breaks = [(begins + (after + seat.turn - 0.5) * HOUR, length) for after, length in _BREAKS]
        duties.append(Duty(seat.agent_id, max(begins, 0.0), ends, tuple(b for b in breaks if 0 <= b[0] < end)))
    return tuple(duties)


def roster(team: int) -> tuple[Seat, ...]:
    """The first `team` agents. Each new agent goes where the shares of shifts and skills are most behind."""
    seats = list[Seat]()
    weights = shift_weights()
    work = {name: group.share * (group.talk + group.wrap_up) for name, group in GROUPS.items()}
    shifts: dict[float, float] = dict.fromkeys(SHIFTS, 0.0)
    own: dict[float, dict[str, float]] = {shift: dict.fromkeys(GROUPS, 0.0) for shift in SHIFTS}
    everywhere = dict.fromkeys(GROUPS, 0.0)
    breadth = {name: dict.fromkeys(BREADTH, 0.0) for name in GROUPS}
    learnt: dict[str, dict[int, int]] = {name: dict.fromkeys(BREADTH, 0) for name in GROUPS}
    for number in range(team):
        shift = _most_behind(shifts, weights)
        group = _most_behind_twice(own[shift], everywhere, work)
        if shift == NIGHT:
            skills = (group, *GROUPS[group].next_skills)
        else:
            many = _most_behind(breadth[group], BREADTH)
            skills = (group, *_further(group, many - 1, learnt[group][many]))
            learnt[group][many] += 1
            breadth[group][many] += 1
            everywhere[group] += 1
        turn = (shifts[shift] * 0.6180339887498949) % 1.0
        shifts[shift] += 1
        own[shift][group] += 1
        seats.append(Seat(f"a{number + 1:03d}", shift, skills, turn))
    return tuple(seats)


def _further(group: str, many: int, turn: int) -> tuple[str, ...]:
    """The next `many` skills of a group's agent; agents begin in turn at the first, second or third of them."""
    near = GROUPS[group].next_skills
    start = turn % 3
    return tuple(near[(start + n) % len(near)] for n in range(many))


def _most_behind(have: dict[K, float], shares: Mapping[K, float]) -> K:
    """Webster's rule for handing out one more seat."""
    return max(shares, key=lambda one: shares[one] / (have[one] + 0.5))


def _most_behind_twice(here: dict[str, float], everywhere: dict[str, float], shares: Mapping[str, float]) -> str:
    """Webster's rule in the shift and over all shifts at once."""
    return max(shares, key=lambda one: shares[one] ** 2 / ((here[one] + 0.5) * (everywhere[one] + 0.5)))


@cache
def shift_weights() -> Mapping[float, float]:
    """The share of agents in each shift so that the staff on duty follows the need of the day as one group.

    The need is the load plus a half of its square root, half-hour by half-hour; the shares are fitted by multiplicative
    updates (Richardson 1972, Lucy 1974), which keep them positive.
    """
    seconds = sum(group.share * (group.talk + group.wrap_up) for group in GROUPS.values())
    need = []
    for half in range(2 * DAY_HOURS):
        load = CALLS * BY_HOUR[half // 2] / sum(BY_HOUR) * seconds / HOUR
        need.append(load + 0.5 * load**0.5 + 0.5)
    cover = {shift: _cover(shift) for shift in SHIFTS}
    weights = dict.fromkeys(SHIFTS, sum(need) / sum(sum(row) for row in cover.values()))
    for _ in range(600):
        staffed = [sum(weights[shift] * cover[shift][half] for shift in SHIFTS) for half in range(2 * DAY_HOURS)]
        missing = [need[half] / max(staffed[half], 1e-9) for half in range(2 * DAY_HOURS)]
        for shift, row in cover.items():
            weights[shift] *= _dot(row, missing) / sum(row)
    whole = sum(weights.values())
    return {shift: weight / whole for shift, weight in weights.items()}


def _cover(shift: float) -> list[float]:
    """How much of an agent of this shift is there in each half-hour (breaks spread over their turns)."""
    row = [0.0] * (2 * DAY_HOURS)
    away = sum(length for _, length in _BREAKS) / (SHIFT_HOURS * HOUR)
    for half in range(int(2 * SHIFT_HOURS)):
        row[(int(2 * shift) + half) % len(row)] = 1.0 - away
    return row


def _dot(first: Sequence[float], second: Sequence[float]) -> float:
    return sum(a * b for a, b in zip(first, second, strict=True))
