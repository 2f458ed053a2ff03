"""The reference day: 10,000 calls with strong peaks, six skill groups, agents in eight-hour shifts round the clock.

Made so that staffings can be compared: team N + 1 is team N and one agent more, with the same mix of shifts and
skills; callers are the same for every team and every router. Figures that are assumptions are marked as such in
docs/simulator.md.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TypeVar

from acd.config import Agent, Plan, PlanStep, Queue, RoutingConfig, Strategy, WrapUp, WrapUpMode
from acd.simulator.distributions import Exponential, Fixed, LogNormal, Uniform
from acd.simulator.setup import Behaviour, Duty, Setup, Stream, Topic

K = TypeVar("K")

CALLS = 10_000.0
HOUR = 3600.0
DAY_HOURS = 24

_NIGHT_HOURS = (0.6, 0.4, 0.3, 0.3, 0.35, 0.6)
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
NIGHT = (22.0, 8.0)
FULL_TIME = tuple((start, 8.0) for start in (6.0, 7.0, 8.0, 9.0, 10.0, 12.0, 14.0, 15.0, 16.0))
PART_TIME = tuple((start, 4.0) for start in (8.0, 9.0, 10.0, 14.0, 15.0, 16.0, 17.0, 18.0))
SHIFTS = (*FULL_TIME, *PART_TIME, NIGHT)
"""Shifts as (hour of the day at which they begin, hours)."""
BREAKS: Mapping[float, tuple[tuple[float, float], ...]] = {
    8.0: ((1.75, 900.0), (3.75, 1800.0), (6.0, 900.0)),
    4.0: ((2.0, 900.0),),
}
"""Breaks after so many hours, and their length, by the shift's length (agents take turns)."""
_TURNS = 1.5

Shift = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Seat:
    """One agent of the reference team: the first skill is the agent's own group."""

    agent_id: str
    shift: Shift
    skills: tuple[str, ...]
    turn: float
    """Where in the span of turns its breaks lie (0–1)."""


SCARCE: Mapping[str, int] = {"tariffs": 3, "complaints": 3, "portability": 2}
"""How dear each skill is (others: 1): an agent is spared for every skill the call does not need, by so much."""
HEAD_STARTS: Mapping[str, int] = {
    "services": 4,
    "technical": 0,
    "billing": 3,
    "tariffs": 11,
    "portability": 7,
    "complaints": 8,
}
"""Queue priorities in points of `SECONDS_PER_PRIORITY`, so that all groups are answered equally well.

Found by `python -m bench.staffing --tune` on seeds 1001 to 1024, which no comparison uses.
"""
SECONDS_PER_PRIORITY = 5.0


@dataclass(frozen=True, slots=True)
class Routing:
    """How the reference day is routed; the default is what won (docs/decisions/0121)."""

    strategy: Strategy = Strategy.LEAST_FLEXIBLE
    scarce: bool = True
    head_starts: Mapping[str, int] = field(default_factory=lambda: HEAD_STARTS)
    reserve: int = 0
    held_back: float = 0.0
    """Look-ahead: agents with a scarce skill are kept for it so many seconds."""


PLAIN = Routing(Strategy.LONGEST_IDLE, scarce=False, head_starts={})
POOLED = "all"


def day(
    team: int, routing: Routing | None = None, *, pooled: bool = False, breadth: Mapping[int, float] | None = None
) -> Setup:
    """The reference day worked by the first `team` agents; `pooled`: one group in which everyone can do everything."""
    seats = roster(team, breadth)
    agents = {
        seat.agent_id: Agent(seat.agent_id, skills={POOLED: 5} if pooled else dict.fromkeys(seat.skills, 5))
        for seat in seats
    }
    queues = (
        {POOLED: _queue(POOLED, PLAIN)} if pooled else {name: _queue(name, routing or Routing()) for name in GROUPS}
    )
    return Setup(
        name=f"Reference day, {team} agents",
        config=RoutingConfig(queues=queues, agents=agents, seconds_per_priority=SECONDS_PER_PRIORITY),
        topics={group_id: _topic(group_id, pooled) for group_id in GROUPS},
        streams=tuple(
            Stream(group_id, HOUR, tuple(CALLS * group.share * hour / sum(BY_HOUR) for hour in BY_HOUR))
            for group_id, group in GROUPS.items()
        ),
        duties=tuple(duty for seat in seats for duty in _duties(seat)),
        end=DAY_HOURS * HOUR,
        behaviour=Behaviour(connection=Fixed(0.02), pick_up=Uniform(1.5, 4.5), rona=0.005, rona_back=Fixed(60.0)),
    )


def penalties(setup: Setup, *, used: bool = True) -> Mapping[str, Mapping[str, int]]:
    """Who is in which queue of app_queue with which penalty: 0 in the own group, 1 in the next, and so on."""
    return {
        agent.agent_id: {skill: rank if used else 0 for rank, skill in enumerate(agent.skills)}
        for agent in setup.config.agents.values()
    }


def _queue(name: str, routing: Routing) -> Queue:
    others = [other for other in GROUPS if other != name]
    prefer = tuple(f"!{other}" for other in others for _ in range(SCARCE.get(other, 1))) if routing.scarce else ()
    steps = [PlanStep(require=name, prefer=prefer)]
    if routing.held_back and name not in SCARCE and name != POOLED:
        spared = " & ".join([name, *(f"!{other}" for other in SCARCE)])
        steps = [
            PlanStep(require=spared, prefer=prefer),
            PlanStep(after=routing.held_back, require=name, prefer=prefer),
        ]
    return Queue(
        name,
        plan=Plan(tuple(steps)),
        strategy=routing.strategy,
        priority=routing.head_starts.get(name, 0),
        reserve=routing.reserve,
        wrap_up=WrapUp(WrapUpMode.MANUAL),
    )


def _topic(group_id: str, pooled: bool) -> Topic:
    group = GROUPS[group_id]
    return Topic(
        group_id,
        POOLED if pooled else group_id,
        talk=LogNormal(group.talk, 0.8),
        wrap_up=Exponential(group.wrap_up),
        patience=Exponential(480.0),
    )


def _duties(seat: Seat) -> tuple[Duty, ...]:
    """The agent's shift in the day; a night shift is the end of last night's and the beginning of the next."""
    end = DAY_HOURS * HOUR
    start, hours = seat.shift
    duties = []
    for begins in (start * HOUR, start * HOUR - end):
        ends = begins + hours * HOUR
        if ends <= 0:
            continue
        breaks = [(begins + (after + (seat.turn - 0.5) * _TURNS) * HOUR, length) for after, length in BREAKS[hours]]
        duties.append(Duty(seat.agent_id, max(begins, 0.0), ends, tuple(b for b in breaks if 0 <= b[0] < end)))
    return tuple(duties)


def roster(team: int, breadth: Mapping[int, float] | None = None) -> tuple[Seat, ...]:
    """The first `team` agents. Each new agent goes where the shares of shifts and skills are most behind."""
    seats = list[Seat]()
    weights = shift_weights()
    work = {name: group.share * (group.talk + group.wrap_up) for name, group in GROUPS.items()}
    wanted = {name: share**0.5 for name, share in work.items()}
    shifts: dict[Shift, float] = dict.fromkeys(weights, 0.0)
    own: dict[Shift, dict[str, float]] = {shift: dict.fromkeys(GROUPS, 0.0) for shift in weights}
    further: dict[Shift, dict[str, float]] = {shift: dict.fromkeys(GROUPS, 0.0) for shift in weights}
    own_all, further_all = dict.fromkeys(GROUPS, 0.0), dict.fromkeys(GROUPS, 0.0)
    shares = breadth or BREADTH
    broad = {name: dict.fromkeys(shares, 0.0) for name in GROUPS}
    for number in range(team):
        shift = _most_behind(shifts, weights)
        group = _most_behind_twice(own[shift], own_all, work)
        skills = [group]
        if shift == NIGHT:
            skills += GROUPS[group].next_skills
        else:
            many = _most_behind(broad[group], shares)
            broad[group][many] += 1
            own_all[group] += 1
            while len(skills) < many:
                near = {name: wanted[name] for name in GROUPS[group].next_skills[:4] if name not in skills}
                skills.append(_most_behind_twice(further[shift], further_all, near))
                further[shift][skills[-1]] += 1
                further_all[skills[-1]] += 1
        turn = (shifts[shift] * 0.6180339887498949) % 1.0
        shifts[shift] += 1
        own[shift][group] += 1
        seats.append(Seat(f"a{number + 1:03d}", shift, tuple(skills), turn))
    return tuple(seats)


def _most_behind(have: dict[K, float], shares: Mapping[K, float]) -> K:
    """Webster's rule for handing out one more seat."""
    return max(shares, key=lambda one: shares[one] / (have[one] + 0.5))


def _most_behind_twice(here: dict[str, float], everywhere: dict[str, float], shares: Mapping[str, float]) -> str:
    """Webster's rule in the shift and over all shifts at once."""
    return max(shares, key=lambda one: shares[one] ** 2 / ((here[one] + 0.5) * (everywhere[one] + 0.5)))


@cache
def shift_weights() -> Mapping[Shift, float]:
    """The share of agents in each shift so that the staff on duty follows the need of the day as one group.

    The need is the load and four fifths of its square root, half-hour by half-hour; the shares are fitted by
    multiplicative updates (Richardson 1972, Lucy 1974), which keep them positive.
    """
    seconds = sum(group.share * (group.talk + group.wrap_up) for group in GROUPS.values())
    need = []
    for half in range(2 * DAY_HOURS):
        load = CALLS * BY_HOUR[half // 2] / sum(BY_HOUR) * seconds / HOUR
        need.append(load + 0.8 * load**0.5)
    cover = {shift: _cover(shift) for shift in SHIFTS}
    weights = dict.fromkeys(SHIFTS, sum(need) / sum(sum(row) for row in cover.values()))
    for _ in range(600):
        staffed = [sum(weights[shift] * cover[shift][half] for shift in SHIFTS) for half in range(2 * DAY_HOURS)]
        missing = [need[half] / max(staffed[half], 1e-9) for half in range(2 * DAY_HOURS)]
        for shift, row in cover.items():
            weights[shift] *= _dot(row, missing) / sum(row)
    whole = sum(weights.values())
    return {shift: weight / whole for shift, weight in weights.items()}


def _cover(shift: Shift) -> list[float]:
    """How much of an agent of this shift is there in each half-hour: breaks are spread over their turns."""
    start, hours = shift
    row = [0.0] * (2 * DAY_HOURS)
    for half in range(int(2 * hours)):
        row[(int(2 * start) + half) % len(row)] = 1.0
    for after, length in BREAKS[hours]:
        first = after - _TURNS / 2
        for part in range(12):
            half = int(2 * (start + first + (part + 0.5) * _TURNS / 12))
            row[half % len(row)] -= length / 1800.0 / 12
    return row


def _dot(first: Sequence[float], second: Sequence[float]) -> float:
    return sum(a * b for a, b in zip(first, second, strict=True))
