"""The legs of a call are the same whatever the order in which its facts came."""

from hypothesis import given, settings
from hypothesis import strategies as st

from acd.legs import Leg, handler, legs_of
from core.journal import Fact


def _fact(kind: str, at: float, agent: str, **data: object) -> Fact:
    return Fact(at, kind, "call-1", agent, data)


PLAIN = [
    _fact("call.answered", 100, "a-1", queue_id="q-1"),
    _fact("agent.left", 400, "a-1", talk=280.0, hold=20.0),
    _fact("wrap_up.ended", 430, "a-1", seconds=30.0),
]
TRANSFERRED = [
    *PLAIN,
    _fact("call.answered", 500, "a-2", queue_id="q-2"),
    _fact("agent.left", 600, "a-2", talk=100.0, hold=0.0),
    _fact("call.answered", 650, "a-1", queue_id="q-1"),
    _fact("agent.left", 700, "a-1", talk=50.0, hold=0.0),
    _fact("wrap_up.ended", 610, "a-2", seconds=10.0),
    _fact("wrap_up.ended", 715, "a-1", seconds=15.0),
]


def test_a_plain_call_is_one_leg() -> None:
    assert legs_of(PLAIN) == [Leg("a-1", "q-1", 100, 400, 280.0, 20.0, 30.0, 430)]


def test_a_call_that_comes_back_to_its_first_agent_has_three_legs() -> None:
    legs = legs_of(TRANSFERRED)
    assert [(leg.agent_id, leg.answered_at, leg.talk, leg.wrap_up) for leg in legs] == [
        ("a-1", 100, 280.0, 30.0),
        ("a-2", 500, 100.0, 10.0),
        ("a-1", 650, 50.0, 15.0),
    ]
    assert handler(legs) == "a-1"


def test_an_agent_who_took_over_from_a_consultation_is_known_by_the_end_of_the_part() -> None:
    legs = legs_of(
        [*PLAIN[:1], _fact("agent.left", 300, "a-1", talk=200.0), _fact("agent.left", 500, "a-9", talk=200.0)]
    )
    assert [(leg.agent_id, leg.answered_at, leg.left_at) for leg in legs] == [("a-1", 100, 300), ("a-9", 300, 500)]
    assert handler(legs) == "a-9"


def test_a_running_call_has_an_open_leg() -> None:
    assert legs_of(PLAIN[:1]) == [Leg("a-1", "q-1", 100)]


def test_wrap_up_of_a_leg_that_nobody_has_told_yet_waits_for_it() -> None:
    assert legs_of(PLAIN[2:]) == []


def test_no_leg_no_handler() -> None:
    assert handler([]) is None


def test_seconds_that_are_no_number_count_as_none() -> None:
    assert legs_of([_fact("agent.left", 400, "a-1", talk="long", hold=None)]) == [Leg("a-1", None, 400, 400)]


@settings(max_examples=60, derandomize=True, deadline=None)
@given(st.permutations(TRANSFERRED), st.lists(st.sampled_from(TRANSFERRED), max_size=4))
def test_order_and_repetition_of_facts_change_nothing(shuffled: list[Fact], again: list[Fact]) -> None:
    assert legs_of([*shuffled, *again]) == legs_of(TRANSFERRED)
