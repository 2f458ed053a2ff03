"""How the benches read their figures off the wire, told with packets written by hand."""

import pytest

from bench.connect import connects
from bench.handoff import hand_offs
from bench.wire import Packet, Place, callers, percentile, talked_to

SERVER, ANNA, BEA = ("127.0.0.1", 5060), ("127.0.0.1", 4001), ("127.0.0.1", 4002)
OUTSIDE = ("127.0.2.1", 4001)  # an agent's port, at another address
AGENTS = {ANNA, BEA}


def packet(at: float, source: Place, target: Place, method: str, caller: str, *, again: bool = False) -> Packet:
    cseq = "1 INVITE" if method in ("INVITE", "200") else f"2 {method}"
    return Packet(at, source, target, method, cseq, f"{caller}-{target if target in AGENTS else source}", caller, again)


def call(at: float, caller: str, agent: Place, after: float) -> list[Packet]:
    """A caller dials at that moment; that agent's phone is rung so much later, and answers."""
    rung = at + after
    return [
        packet(at, OUTSIDE, SERVER, "INVITE", caller),
        packet(rung, SERVER, agent, "INVITE", caller),
        packet(rung + 0.01, agent, SERVER, "200", caller),
    ]


def test_a_connect_is_the_time_from_the_callers_invite_to_the_first_at_an_agent():
    packets = [*call(1.0, "391", ANNA, 0.006), packet(1.5, SERVER, BEA, "INVITE", "391")]
    assert connects(packets, SERVER, AGENTS) == pytest.approx([6.0])


def test_a_repeated_invite_is_not_the_first_one():
    packets = [packet(1.0, OUTSIDE, SERVER, "INVITE", "391"), packet(1.4, OUTSIDE, SERVER, "INVITE", "391", again=True)]
    assert connects([*packets, packet(1.5, SERVER, ANNA, "INVITE", "391")], SERVER, AGENTS) == pytest.approx([500.0])


def test_a_hand_off_counts_when_the_caller_had_dialled_before_the_agent_was_free():
    waited = packet(0.5, OUTSIDE, SERVER, "INVITE", "392")
    packets = [*call(0.0, "391", ANNA, 0.01), waited, packet(3.0, ANNA, SERVER, "BYE", "391")]
    assert hand_offs([*packets, packet(3.007, SERVER, ANNA, "INVITE", "392")], SERVER, AGENTS) == pytest.approx([7.0])


def test_a_caller_who_came_after_the_agent_was_free_is_no_hand_off():
    freed = [*call(0.0, "391", ANNA, 0.01), packet(3.0, ANNA, SERVER, "BYE", "391")]
    assert hand_offs([*freed, *call(4.0, "392", ANNA, 0.006)], SERVER, AGENTS) == []


def test_a_caller_is_lost_when_nobody_was_rung_or_nobody_answered():
    rung_only = call(2.0, "392", BEA, 0.006)[:2]
    never_rung = [packet(3.0, OUTSIDE, SERVER, "INVITE", "393"), packet(3.1, SERVER, OUTSIDE, "200", "393")]
    packets = [*call(1.0, "391", ANNA, 0.006), *rung_only, *never_rung]
    assert callers(packets, SERVER, AGENTS) - talked_to(packets, AGENTS) == {"392", "393"}


def test_percentiles_are_values_that_were_measured_and_none_is_an_error():
    assert percentile([3.0, 1.0, 2.0], 0.5) == 2.0
    assert percentile([1.0, 2.0], 0.99) == 2.0
    with pytest.raises(RuntimeError, match="Nothing was measured"):
        percentile([], 0.5)
