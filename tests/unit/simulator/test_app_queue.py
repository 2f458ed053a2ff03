"""The model of app_queue does what was read in its sources."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from acd.effects import AgentStateChanged, Effect, Offer, OfferWithdrawn
from acd.events import (
    AgentNotReady,
    AgentSignedIn,
    Event,
    InteractionLeft,
    InteractionQueued,
    OfferAccepted,
    TalkEnded,
    Tick,
    WrapUpEnded,
)
from acd.simulator.app_queue import AppQueue, Options, Pick


@dataclass
class Floor:
    """The model with its clock: `until` lets time pass, offers are kept with the instant they were made."""

    memberships: Mapping[str, Mapping[str, int]]
    options: Options = field(default_factory=Options)
    offers: list[tuple[float, str, str]] = field(default_factory=list)
    effects: list[Effect] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.model = AppQueue(self.memberships, self.options)
        for agent_id in self.memberships:
            self.tell(AgentSignedIn(0.0, agent_id, ready=True))

    def tell(self, event: Event) -> None:
        for effect in self.model.handle(event):
            self.effects.append(effect)
            if isinstance(effect, Offer):
                self.offers.append((event.at, effect.interaction_id, effect.agent_id))

    def until(self, at: float) -> None:
        while (due := self.model.next_due()) is not None and due <= at:
            self.tell(Tick(due))

    def call(self, at: float, interaction_id: str, queue_id: str) -> None:
        self.until(at)
        self.tell(InteractionQueued(at, interaction_id, queue_id))

    def answer(self, at: float, fence: int) -> None:
        self.until(at)
        self.tell(OfferAccepted(at, fence))

    def free(self, at: float, agent_id: str, interaction_id: str) -> None:
        self.until(at)
        self.tell(TalkEnded(at, interaction_id, agent_id, wrap_up=False))


def test_a_caller_finds_a_free_member_at_once() -> None:
    floor = Floor({"ada": {"care": 0}})

    floor.call(10.0, "c1", "care")

    assert floor.offers == [(10.0, "c1", "ada")]


def test_a_waiting_caller_notices_a_free_member_only_at_the_next_look_a_second_apart() -> None:
    floor = Floor({"ada": {"care": 0}})
    floor.call(10.0, "c1", "care")
    floor.answer(12.0, 1)
    floor.call(20.4, "c2", "care")

    floor.free(100.0, "ada", "c1")
    floor.until(101.0)

    assert floor.offers[1:] == [(pytest.approx(100.4), "c2", "ada")]


def test_who_loses_the_race_for_a_shared_member_sleeps_for_the_retry_time() -> None:
    """Both heads see nobody; when ada is back the first to look rings her, the other goes on looking each second."""
    floor = Floor({"ada": {"care": 0, "bills": 0}, "bea": {"bills": 0}}, Options(force_longest_waiting_caller=True))
    floor.call(0.0, "c1", "care")
    floor.answer(1.0, 1)
    floor.call(1.5, "c2", "bills")
    floor.answer(2.0, 2)
    floor.call(10.2, "old", "care")
    floor.call(10.6, "young", "bills")

    floor.free(20.5, "ada", "c1")
    floor.until(20.9)

    assert floor.offers[2:] == [], "young saw ada free but must leave her to old, and now sleeps five seconds"
    floor.until(21.3)
    assert floor.offers[2:] == [(pytest.approx(21.2), "old", "ada")]
    floor.free(22.0, "bea", "c2")
    floor.until(30.0)
    assert floor.offers[3:] == [(pytest.approx(25.6), "young", "bea")]


def test_a_member_of_lower_penalty_is_rung_before_one_who_is_idle_for_longer() -> None:
    floor = Floor({"ada": {"care": 1}, "bea": {"care": 0}})
    floor.call(0.0, "c1", "care")
    floor.answer(1.0, 1)
    floor.free(50.0, "bea", "c1")

    floor.call(60.0, "c2", "care")
    floor.call(61.0, "c3", "care")

    assert [agent for _, _, agent in floor.offers] == ["bea", "bea", "ada"]


def test_least_recent_rings_the_member_whose_last_call_is_longest_ago_and_linear_the_first() -> None:
    for pick, chosen in ((Pick.LEAST_RECENT, "bea"), (Pick.LINEAR, "ada"), (Pick.FEWEST_CALLS, "bea")):
        floor = Floor({"ada": {"care": 0}, "bea": {"care": 0}}, Options(pick))
        floor.call(0.0, "c1", "care")
        floor.answer(1.0, 1)
        floor.free(50.0, "ada", "c1")
        floor.call(60.0, "c2", "care")
        assert floor.offers[-1][2] == chosen


def test_round_robin_goes_on_after_the_member_rung_last() -> None:
    floor = Floor({name: {"care": 0} for name in ("ada", "bea", "cora")}, Options(Pick.ROUND_ROBIN))
    for n in range(4):
        floor.call(10.0 * n, f"c{n}", "care")
        floor.answer(10.0 * n + 1, n + 1)
        floor.free(10.0 * n + 5, floor.offers[-1][2], f"c{n}")

    assert [agent for _, _, agent in floor.offers] == ["ada", "bea", "cora", "ada"]


def test_only_as_many_callers_try_as_members_are_available_in_order_of_the_line() -> None:
    floor = Floor({"ada": {"care": 0}})
    floor.call(0.0, "c1", "care")
    floor.answer(1.0, 1)
    floor.call(10.9, "first", "care")
    floor.call(11.1, "second", "care")

    floor.free(50.0, "ada", "c1")
    floor.until(55.0)

    assert floor.offers[1:] == [(pytest.approx(50.9), "first", "ada")], "second looked earlier, at 50.1, in vain"


def test_an_unanswered_phone_pauses_the_member_and_the_caller_tries_again_after_the_retry_time() -> None:
    floor = Floor({"ada": {"care": 0}, "bea": {"care": 1}})
    floor.call(0.0, "c1", "care")

    floor.until(30.0)

    assert floor.offers == [(0.0, "c1", "ada"), (20.0, "c1", "bea")]
    assert any(isinstance(effect, AgentStateChanged) and effect.reason == "rona" for effect in floor.effects)


def test_a_caller_who_hangs_up_while_a_phone_rings_frees_the_member_without_penalty() -> None:
    floor = Floor({"ada": {"care": 0}})
    floor.call(0.0, "c1", "care")

    floor.tell(InteractionLeft(3.0, "c1"))
    floor.call(4.0, "c2", "care")

    assert any(isinstance(effect, OfferWithdrawn) and effect.reason == "left" for effect in floor.effects)
    assert floor.offers[-1] == (4.0, "c2", "ada")


def test_wrap_up_keeps_a_member_away_from_all_queues_and_a_pause_asked_for_meanwhile_follows_it() -> None:
    floor = Floor({"ada": {"care": 0, "bills": 0}})
    floor.call(0.0, "c1", "care")
    floor.answer(1.0, 1)
    floor.tell(AgentNotReady(2.0, "ada", "break"))
    floor.tell(TalkEnded(50.0, "c1", "ada"))
    floor.call(55.0, "c2", "bills")
    floor.tell(WrapUpEnded(60.0, "ada", "c1"))
    floor.until(80.0)

    states = [effect.state for effect in floor.effects if isinstance(effect, AgentStateChanged)]
    assert states == ["ready", "ringing", "talking", "wrap_up", "not_ready"]
    assert len(floor.offers) == 1


def test_a_heavier_queue_with_more_callers_than_members_is_served_first() -> None:
    floor = Floor({"ada": {"care": 0, "bills": 0}}, Options(weights={"bills": 1}))
    floor.call(0.0, "c1", "care")
    floor.answer(1.0, 1)
    floor.call(10.2, "light", "care")
    floor.call(10.6, "heavy", "bills")

    floor.free(20.0, "ada", "c1")
    floor.until(21.0)

    assert floor.offers[1:] == [(pytest.approx(20.6), "heavy", "ada")]
