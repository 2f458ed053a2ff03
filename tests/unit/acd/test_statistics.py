"""Live figures from facts, by the definitions of docs/kpi.md."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC
from zoneinfo import ZoneInfo

import pytest

from acd.statistics import Statistics, Target
from core.journal import Fact


@dataclass
class Day:
    """A queue's day told as facts; times are seconds since its start."""

    statistics: Statistics = field(
        default_factory=lambda: Statistics(
            {"q": Target(0.8, 20.0, 0.03, 5.0)}, {"q": UTC, "q2": ZoneInfo("Asia/Tokyo")}
        )
    )
    _ids: Iterator[int] = field(default_factory=itertools.count)

    def tell(self, kind: str, at: float, call: str | None, agent: str | None = None, **data: object) -> None:
        self.statistics.apply(Fact(at, kind, call, agent, data))

    def enters(self, at: float, queue: str = "q", **data: object) -> str:
        call = f"i{next(self._ids)}"
        self.tell("queue.entered", at, call, queue_id=queue, since=at, **data)
        return call

    def answered(self, at: float, after: float) -> str:
        call = self.enters(at)
        self.tell("call.answered", at + after, call, "a1")
        return call

    def abandoned(self, at: float, after: float, by: str = "caller") -> None:
        call = self.enters(at)
        self.tell("call.ended", at + after, call, None, abandoned=by == "caller", ended_by=by)

    def figures(self, queue: str = "q", at: float = 1000.0) -> dict[str, float | int | None]:
        return self.statistics.count(queue, at).figures()


def test_service_level_counts_answers_in_time_over_answers_and_abandons_after_the_target() -> None:
    day = Day()
    for after in (5.0, 20.0, 20.1):
        day.answered(100.0, after)
    day.abandoned(100.0, 30.0)
    day.abandoned(100.0, 10.0)  # abandoned before the target: outside of the normal variant
    day.abandoned(100.0, 2.0)  # short
    told = day.figures()
    assert told["service_level"] == pytest.approx(2 / 4)
    assert told["service_level_strict"] == pytest.approx(2 / 6)


def test_abandonment_leaves_short_abandons_out_of_both_sides() -> None:
    day = Day()
    for _ in range(8):
        day.answered(0.0, 1.0)
    day.abandoned(0.0, 6.0)
    day.abandoned(0.0, 4.9)
    assert day.figures()["abandonment"] == pytest.approx(1 / 9)


def test_a_share_without_a_base_is_no_figure_at_all() -> None:
    told = Day().figures()
    assert [told[name] for name in ("service_level", "service_level_strict", "abandonment", "asa", "aht")] == [None] * 5


def test_a_call_that_ended_by_the_system_is_no_abandon() -> None:
    day = Day()
    day.abandoned(0.0, 60.0, by="system")
    assert day.figures()["abandoned"] == 0


def test_a_call_with_a_transfer_is_one_call_of_the_queue_it_entered_first() -> None:
    day = Day()
    call = day.answered(0.0, 10.0)
    day.tell("queue.entered", 60.0, call, queue_id="q2", since=60.0)
    day.tell("call.answered", 90.0, call, "a2")
    assert (day.figures()["offered"], day.figures()["answered"], day.figures("q2")["offered"]) == (1, 1, 0)


def test_handling_time_is_talk_hold_and_wrap_up_of_every_part() -> None:
    day = Day()
    call = day.answered(0.0, 10.0)
    day.tell("agent.left", 110.0, call, "a1", talk=80.0, hold=20.0)
    day.tell("call.ended", 110.0, call)
    assert day.figures()["aht"] == pytest.approx(100.0)
    day.tell("wrap_up.ended", 140.0, call, "a1", seconds=30.0)
    assert day.figures()["aht"] == pytest.approx(130.0)


def test_handling_time_is_of_the_call_however_many_agents_it_had() -> None:
    day = Day()
    call = day.answered(0.0, 10.0)
    day.tell("agent.left", 110.0, call, "a1", talk=100.0, hold=0.0)
    day.tell("call.answered", 130.0, call, "a2")
    assert day.figures()["aht"] is None, "the call is not over"
    day.tell("agent.left", 330.0, call, "a2", talk=200.0, hold=0.0)
    day.tell("call.ended", 330.0, call)
    assert day.figures()["aht"] == pytest.approx(300.0)


def test_a_call_that_straddles_midnight_belongs_whole_to_the_day_it_entered_the_queue() -> None:
    day = Day()
    early, late = day.enters(86_390.0), day.enters(86_405.0)
    for call in (early, late):
        day.tell("call.answered", 86_420.0, call, "a1")
        day.tell("agent.left", 86_500.0, call, "a1", talk=80.0, hold=0.0)
        day.tell("call.ended", 86_500.0, call)
        day.tell("wrap_up.ended", 86_520.0, call, "a1", seconds=20.0)
    for at in (86_399.0, 86_400.0):
        told = day.figures(at=at)
        assert (told["offered"], told["answered"], told["aht"]) == (1, 1, pytest.approx(100.0))


def test_each_queue_has_the_midnight_of_its_programme() -> None:
    day = Day()
    noon_of_the_day_before = 43_200.0
    for queue in ("q", "q2"):
        day.enters(noon_of_the_day_before, queue)
    evening = noon_of_the_day_before + 6 * 3600  # past midnight in Tokyo only
    assert [day.figures(queue, evening)["offered"] for queue in ("q", "q2")] == [1, 0]
    assert day.statistics.total(evening).offered == 1


def test_other_targets_hold_also_for_what_is_counted_already() -> None:
    day = Day()
    day.answered(0.0, 30.0)
    assert day.figures()["answered_in_target"] == 0
    day.statistics.configure({"q": Target(0.8, 40.0)}, day.statistics.zones)
    assert day.figures()["answered_in_target"] == 1


def test_our_own_calls_are_not_counted() -> None:
    day = Day()
    day.enters(0.0, direction="outbound")
    assert day.figures()["offered"] == 0


def test_the_total_is_the_sum_of_the_queues_and_not_the_mean_of_their_shares() -> None:
    day = Day()
    for _ in range(9):
        day.answered(0.0, 1.0)
    call = day.enters(0.0, "q2")
    day.tell("call.answered", 100.0, call, "a1")
    assert day.statistics.total(1000.0).figures()["service_level"] == pytest.approx(0.9)


def test_facts_of_a_day_that_nobody_asks_about_do_not_pile_up(monkeypatch: pytest.MonkeyPatch) -> None:
    day, counted = Day(), 0
    count_in = Statistics._count_in

    def counting(statistics: Statistics, fact: Fact, interaction_id: str) -> None:
        nonlocal counted
        counted += 1
        count_in(statistics, fact, interaction_id)

    monkeypatch.setattr(Statistics, "_count_in", counting)
    for second in range(5000):
        day.enters(float(second))
    assert counted > 3000
    assert day.figures(at=6000.0)["offered"] == 5000


def test_a_fact_that_cannot_be_counted_costs_no_other_one() -> None:
    day = Day()
    day.tell("queue.entered", 1.0, "broken", queue_id="q")
    day.enters(2.0)
    with pytest.raises(KeyError):
        day.figures()
    assert day.figures()["offered"] == 1
