"""The reference day and the search for the fewest agents."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

import pytest

from acd.config import Agent, Plan, PlanStep, Queue, RoutingConfig
from acd.simulator import reference
from acd.simulator.distributions import Exponential
from acd.simulator.erlang import Impatient
from acd.simulator.setup import Duty, Setup, Stream, Topic
from acd.simulator.staffing import Promise, balanced, fewest, judge
from acd.simulator.study import study
from core.errors import Invalid
from tests.unit.simulator.days import HOUR, MANUAL
from tests.unit.simulator.test_against_theory import steady_day


def test_a_larger_team_is_the_smaller_one_and_one_agent_more() -> None:
    assert reference.roster(201)[:200] == reference.roster(200)


def test_shifts_and_own_groups_follow_their_shares_and_the_night_knows_everything() -> None:
    team = reference.roster(400)
    shifts = Counter(seat.shift for seat in team)
    work = {name: group.share * (group.talk + group.wrap_up) for name, group in reference.GROUPS.items()}
    own = Counter(seat.skills[0] for seat in team)

    for shift, share in reference.shift_weights().items():
        assert shifts[shift] == pytest.approx(400 * share, abs=1.0)
    for name, share in work.items():
        assert own[name] == pytest.approx(400 * share / sum(work.values()), abs=6)
    assert all(len(seat.skills) == 6 for seat in team if seat.shift == reference.NIGHT)
    breadth = Counter(len(seat.skills) for seat in team if seat.shift != reference.NIGHT)
    for many, share in reference.BREADTH.items():
        assert breadth[many] / breadth.total() == pytest.approx(share, abs=0.02)


def test_the_reference_day_has_ten_thousand_calls_under_any_routing_and_pooling() -> None:
    for setup in (reference.day(20), reference.day(20, reference.PLAIN), reference.day(20, pooled=True)):
        assert sum(sum(stream.volumes) for stream in setup.streams) == pytest.approx(10_000.0)


def test_pooling_changes_who_can_serve_and_nothing_of_the_callers() -> None:
    apart, pooled = (study(small(reference.day(12, pooled=kind)), [3]) for kind in (False, True))

    assert apart.runs[0].total.offered == pooled.runs[0].total.offered
    assert pooled.runs[0].total.answered >= apart.runs[0].total.answered


def small(setup: Setup) -> Setup:
    """A twentieth of the calls, until noon."""
    streams = tuple(replace(one, volumes=tuple(volume / 20 for volume in one.volumes)) for one in setup.streams)
    return replace(setup, streams=streams, end=12 * 3600.0)


def test_the_search_finds_the_team_that_theory_names() -> None:
    """A constant load of 8 erlang with impatient callers: Erlang A says what each team reaches."""
    rate, patience, wanted = 8 / 180.0, 240.0, 10
    fewer, enough = (Impatient(team, rate, 180.0, patience).answered_within(20.0) for team in (wanted - 1, wanted))
    promise = Promise((fewer + enough) / 2, 1.0, together=True)

    def make(team: int) -> Setup:
        return steady_day(team, rate, Exponential(patience), calls=1500)

    for start in (wanted - 3, wanted + 4):
        assert fewest(make, range(1, 4), start=start, promise=promise).team == wanted


def test_a_promise_is_judged_by_the_worst_queue_unless_all_calls_count_together() -> None:
    found = study(small(reference.day(14)), range(1, 3))

    apart, together = judge(14, found, Promise()), judge(14, found, Promise(together=True))

    assert apart.service_level < together.service_level
    assert apart.worst[0] in reference.GROUPS


def test_a_promise_that_nobody_can_keep_is_refused() -> None:
    def make(team: int) -> Setup:
        return steady_day(team, 1 / 180.0, Exponential(1.0), calls=50)

    with pytest.raises(Invalid, match="Not even"):
        fewest(make, [1], start=1, promise=Promise(1.01, 1.0, together=True))


def two_queues(points: Mapping[str, int]) -> Setup:
    """Four agents for care, one more who also serves bills: care crowds bills out unless bills has a head start."""
    topics = {
        name: Topic(name, name, talk=Exponential(180.0), patience=Exponential(300.0)) for name in ("care", "bills")
    }
    queues = {
        name: Queue(name, plan=Plan((PlanStep(require=name),)), wrap_up=MANUAL, priority=points.get(name, 0))
        for name in topics
    }
    agents = {f"c{n}": Agent(f"c{n}", skills={"care": 5}) for n in range(4)}
    agents |= {"both": Agent("both", skills={"care": 5, "bills": 5})}
    return Setup(
        "two queues",
        RoutingConfig(queues=queues, agents=agents, seconds_per_priority=5.0),
        topics,
        (Stream("care", HOUR, (90.0,) * 12), Stream("bills", HOUR, (8.0,) * 12)),
        tuple(Duty(agent_id, 0.0, 20 * HOUR) for agent_id in agents),
        12 * HOUR,
    )


def test_levelling_gives_the_worst_queue_a_head_start_and_raises_it() -> None:
    before = judge(5, study(two_queues({}), range(1, 5)), Promise())
    points, level = balanced(two_queues, range(1, 5), rounds=4)

    assert before.worst[0] == "bills"
    assert points["bills"] > 0 == points["care"]
    assert level > before.service_level + 0.02
