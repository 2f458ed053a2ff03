"""What happens to callers and agents in a simulated day, with the real routing engine."""

from dataclasses import replace

import pytest

from acd.config import Overflow, OverflowKind, Queue, WrapUp, WrapUpMode
from acd.simulator.distributions import Fixed, PerLevel
from acd.simulator.figures import FIGURES, RunFigures, figures_of
from acd.simulator.run import Simulation
from acd.simulator.setup import Behaviour, CallAgain, Duty, RecordedCall, Setup, Stream
from tests.unit.simulator.days import HOUR, MANUAL, day, topic


def run(setup: Setup, seed: int = 1) -> tuple[Simulation, RunFigures]:
    simulation = Simulation(setup, seed)
    simulation.run()
    return simulation, figures_of(simulation)


def value(figures: RunFigures, name: str) -> float | None:
    return FIGURES[name](figures.total)


def test_a_second_caller_waits_until_the_agent_has_finished_talk_and_wrap_up() -> None:
    setup = day([RecordedCall(10.0, "care"), RecordedCall(20.0, "care")], topics=[topic(talk=100.0, wrap_up=30.0)])

    simulation, figures = run(setup)

    first, second = simulation.calls
    assert first.answered - setup.epoch == pytest.approx(10.0)
    assert second.answered - setup.epoch == pytest.approx(140.0)
    assert value(figures, "aht") == pytest.approx(130.0)
    assert value(figures, "asa") == pytest.approx(60.0)


@pytest.mark.parametrize(
    ("rule", "wrap_up"),
    [
        (WrapUp(WrapUpMode.MANUAL), 300.0),
        (WrapUp(WrapUpMode.CAPPED, 45.0), 45.0),
        (WrapUp(WrapUpMode.FIXED, 400.0), 400.0),
        (WrapUp(WrapUpMode.NONE), 0.0),
    ],
)
def test_the_queues_wrap_up_rule_decides_how_long_wrap_up_really_lasts(rule: WrapUp, wrap_up: float) -> None:
    setup = day(
        [RecordedCall(0.0, "care"), RecordedCall(1.0, "care")],
        topics=[topic(talk=100.0, wrap_up=300.0)],
        queues={"care": Queue("care", wrap_up=rule)},
    )

    simulation, figures = run(setup)

    assert simulation.calls[0].wrap_up == pytest.approx(wrap_up)
    assert simulation.calls[1].answered - setup.epoch == pytest.approx(100.0 + wrap_up)
    assert value(figures, "aht") == pytest.approx(100.0 + wrap_up)


@pytest.mark.parametrize(("level", "wrap_up"), [(2, 60.0), (5, 45.0), (8, 30.0)])
def test_wrap_up_lasts_by_the_level_of_the_agent_who_talked(level: int, wrap_up: float) -> None:
    kind = replace(topic(wrap_up=30.0), level_skill="care", wrap_up_factor=PerLevel({2: 2.0, 8: 1.0}))
    calls = [RecordedCall(0.0, "care"), RecordedCall(1.0, "care"), RecordedCall(2.0, "care", wrap_up=7.0)]
    setup = day(calls, topics=[kind], agents={"ada": {"care": level}})

    simulation, figures = run(setup)

    assert [call.wrap_up for call in simulation.calls] == pytest.approx([wrap_up, wrap_up, 7.0])
    assert simulation.calls[1].answered - setup.epoch == pytest.approx(100.0 + wrap_up)
    assert value(figures, "aht") == pytest.approx(100.0 + (2 * wrap_up + 7.0) / 3)


def test_what_a_recorded_day_knows_of_a_call_replaces_the_drawn_durations() -> None:
    setup = day([RecordedCall(10.0, "care", talk=55.0, wrap_up=5.0, patience=1000.0)], topics=[topic(talk=100.0)])

    simulation, _ = run(setup)

    assert simulation.calls[0].ended - simulation.calls[0].answered == pytest.approx(55.0)
    assert simulation.calls[0].wrap_up == pytest.approx(5.0)


def test_a_caller_whose_patience_ends_leaves_and_may_dial_again() -> None:
    again = CallAgain(1.0, Fixed(60.0), most=2)
    setup = day(
        [RecordedCall(0.0, "care", talk=600.0), RecordedCall(10.0, "care")],
        topics=[topic(patience=Fixed(30.0), redial=again)],
    )

    simulation, figures = run(setup)

    times = [(call.queued - setup.epoch, call.outcome) for call in simulation.calls]
    assert times == [(0.0, "answered"), (10.0, "abandoned"), (100.0, "abandoned"), (190.0, "abandoned")]
    assert value(figures, "repeat_share") == pytest.approx(0.5)
    assert value(figures, "redial_share") == pytest.approx(0.5)


def test_phones_that_ring_delay_the_answer_by_connection_and_pick_up() -> None:
    setup = day([RecordedCall(10.0, "care")], behaviour=Behaviour(connection=Fixed(0.5), pick_up=Fixed(3.0)))

    simulation, _ = run(setup)

    assert simulation.calls[0].answered - setup.epoch == pytest.approx(13.5)


def test_an_agent_who_does_not_answer_is_not_ready_for_a_while_and_the_caller_goes_to_the_next() -> None:
    setup = day(
        [RecordedCall(10.0, "care")],
        agents={"ada": {}, "bea": {}},
        behaviour=Behaviour(rona=0.5, rona_back=Fixed(100.0)),
    )
    refused = next(seed for seed in range(1, 40) if run(setup, seed)[0].calls[0].offers == 2)

    simulation, _ = run(setup, refused)

    assert simulation.calls[0].answered - setup.epoch == pytest.approx(25.0)
    assert sorted(seat.state for seat in simulation.agents.seats.values()) == ["ready", "ready"]


def test_a_break_waits_for_the_end_of_the_call_and_lasts_its_full_length() -> None:
    setup = day(
        [RecordedCall(10.0, "care"), RecordedCall(200.0, "care")],
        duties=[Duty("ada", 0.0, 10 * HOUR, ((50.0, 900.0),))],
    )

    simulation, _ = run(setup)

    assert [call.answered - setup.epoch for call in simulation.calls] == pytest.approx([10.0, 110.0 + 900.0])


def test_nobody_is_served_after_the_shift_but_the_call_in_hand_is_finished() -> None:
    setup = day(
        [RecordedCall(10.0, "care"), RecordedCall(50.0, "care", patience=500.0)], duties=[Duty("ada", 0.0, 60.0)]
    )

    simulation, figures = run(setup)

    assert [call.outcome for call in simulation.calls] == ["answered", "abandoned"]
    assert simulation.calls[0].ended - setup.epoch == pytest.approx(110.0)
    assert figures.total.abandoned == 1


def test_a_queue_that_is_full_sends_the_caller_elsewhere_and_counts_it_as_neither_answered_nor_abandoned() -> None:
    queue = Queue("care", wrap_up=MANUAL, max_waiting=1, on_full=Overflow(OverflowKind.VOICEMAIL, "box"))
    setup = day([RecordedCall(float(n), "care") for n in range(3)], queues={"care": queue})

    simulation, figures = run(setup)

    assert [call.outcome for call in simulation.calls] == ["answered", "answered", "diverted"]
    assert value(figures, "service_level") == pytest.approx(0.5)


def test_a_caller_who_accepts_a_call_back_is_called_when_the_turn_comes_and_has_not_abandoned() -> None:
    queue = Queue("care", wrap_up=MANUAL, max_waiting=0, on_full=Overflow(OverflowKind.CALL_BACK))
    setup = day(
        [RecordedCall(0.0, "care"), RecordedCall(1.0, "care", patience=20.0)],
        queues={"care": queue},
        behaviour=Behaviour(call_back=1.0, call_back_answered=1.0),
    )

    simulation, figures = run(setup)

    assert simulation.calls[1].outcome == "called_back"
    assert simulation.calls[1].answered - setup.epoch >= 100.0
    assert figures.total.abandoned == 0


def test_recalls_are_charged_to_the_first_call_also_when_they_come_after_the_end_of_the_day() -> None:
    soon = topic("care", resolved=0.0, recall=CallAgain(1.0, Fixed(600.0), most=1))
    late = topic("bills", resolved=0.0, recall=CallAgain(1.0, Fixed(200 * HOUR), most=1))
    next_day = topic("faults", resolved=0.0, recall=CallAgain(1.0, Fixed(20 * HOUR), most=1))
    setup = day(
        [RecordedCall(0.0, "care"), RecordedCall(0.0, "bills"), RecordedCall(0.0, "faults")],
        topics=[soon, late, next_day],
        agents={name: {} for name in ("ada", "bea", "cora")},
    )

    _, figures = run(setup)

    assert value(figures, "redial_share") == 0.0
    assert FIGURES["recall"](figures.queues["care"]) == pytest.approx(0.5), "two calls, the second has no successor"
    assert FIGURES["recall"](figures.queues["bills"]) == 0.0, "a call after the window is no recall"
    assert FIGURES["recall"](figures.queues["faults"]) == 1.0


def test_callers_without_identity_are_outside_numerator_and_denominator_of_recall() -> None:
    again = topic("care", resolved=0.0, recall=CallAgain(1.0, Fixed(60.0), most=1))
    setup = day([RecordedCall(0.0, "care")], topics=[again], behaviour=Behaviour(withheld=1.0))

    _, figures = run(setup)

    assert value(figures, "recall") is None
    assert figures.total.offered == 2


def test_recall_is_unknown_where_the_scenario_says_nothing_of_calls_that_come_back() -> None:
    _, figures = run(day([RecordedCall(0.0, "care")]))

    assert value(figures, "recall") is None


def test_a_recall_may_have_another_reason_and_then_only_counts_for_any_reason() -> None:
    first = topic("care", resolved=0.0, recall=CallAgain(1.0, Fixed(60.0), most=1, same_topic=0.0))
    setup = day([RecordedCall(0.0, "care")], topics=[first, topic("bills")])

    _, figures = run(setup)

    assert FIGURES["recall"](figures.queues["care"]) == 1.0
    assert FIGURES["recall_same_topic"](figures.queues["care"]) == 0.0
    assert figures.queues["bills"].offered == 1


def test_occupancy_is_handling_over_handling_and_ready_with_breaks_outside() -> None:
    setup = day(
        [RecordedCall(0.0, "care", talk=600.0)],
        topics=[topic(wrap_up=300.0)],
        duties=[Duty("ada", 0.0, HOUR, ((1000.0, 900.0),))],
    )

    _, figures = run(setup)

    assert figures.total.seat_handling == pytest.approx(900.0)
    assert value(figures, "occupancy") == pytest.approx(900.0 / (3600.0 - 900.0))
    assert figures.pieces[0].seat_handling + figures.pieces[1].seat_handling == pytest.approx(900.0)


def test_a_call_belongs_to_the_interval_in_which_it_entered_the_queue() -> None:
    setup = day([RecordedCall(1799.0, "care", talk=300.0), RecordedCall(1799.5, "care")])

    _, figures = run(setup)

    assert [piece.offered for piece in figures.pieces] == [2, 0]
    assert figures.queue_pieces["care"][0].answered == 2


def test_service_level_leaves_out_early_leavers_and_its_strict_variant_does_not() -> None:
    calls = [
        RecordedCall(0.0, "care", talk=100.0),
        RecordedCall(1.0, "care", patience=3.0),
        RecordedCall(2.0, "care", patience=12.0),
        RecordedCall(3.0, "care", patience=40.0),
        RecordedCall(4.0, "care", talk=10.0),
    ]
    _, figures = run(day(calls))

    assert value(figures, "service_level") == pytest.approx(1 / 3), "answered within, answered late, left late"
    assert value(figures, "service_level_strict") == pytest.approx(1 / 5)
    assert value(figures, "abandonment") == pytest.approx(2 / 4), "who left within 5 s does not count"


def test_the_same_seed_gives_the_same_day_and_another_seed_another() -> None:
    setup = day([], topics=[topic(patience=Fixed(60.0))])
    setup = _with_stream(setup, 60.0)

    again = [[(call.id, call.queued, call.answered) for call in run(setup, seed)[0].calls] for seed in (1, 1, 2)]

    assert again[0] == again[1]
    assert again[0] != again[2]


def test_a_better_staffed_day_sees_the_very_same_callers() -> None:
    alone = _with_stream(day([], topics=[topic(patience=Fixed(60.0))]), 60.0)
    staffed = _with_stream(
        day([], topics=[topic(patience=Fixed(60.0))], agents={name: {} for name in ("ada", "bea", "cora")}), 60.0
    )

    first, second = run(alone)[0], run(staffed)[0]

    assert [(call.queued, call.draws) for call in first.calls] == [(call.queued, call.draws) for call in second.calls]
    assert sum(call.outcome == "answered" for call in first.calls) < sum(
        call.outcome == "answered" for call in second.calls
    )


def _with_stream(setup: Setup, calls: float) -> Setup:
    return replace(setup, streams=(Stream("care", HOUR, (calls,)),))


def test_a_router_that_never_lets_time_pass_is_found_out() -> None:
    class Stuck:
        def handle(self, event: object) -> list[object]:
            return []

        def next_due(self) -> float | None:
            return 5.0

    with pytest.raises(RuntimeError, match="again and again"):
        Simulation(day([RecordedCall(10.0, "care")]), 1, Stuck()).run()  # type: ignore[arg-type]
