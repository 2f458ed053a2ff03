"""The floor's picture: what it counts, and that a large floor does not hold up the calls."""

import pytest

from acd import events as ev
from acd.config import Agent, RoutingConfig
from acd.desks import DeskCall, Desks, Seat
from acd.engine import Engine
from acd.floor import floor
from acd.ports import CallFacts
from acd.statistics import Statistics
from tests.unit.acd.world import queue


class Floor:
    """So many queues, agents (each in two queues) and callers, who wait for a skill that nobody has."""

    def __init__(self, queues: int, agents: int, callers: int) -> None:
        self.queues = {f"q{n}": (f"Q{n}", "P") for n in range(queues)}
        self.engine = Engine(
            RoutingConfig(
                queues={name: queue(name, "rare") for name in self.queues},
                agents={f"a{n}": Agent(f"a{n}") for n in range(agents)},
            )
        )
        self.desks = Desks(lambda *_: None, self.engine.agent, lambda _, name: name)
        self.desks.seats(
            {
                f"a{n}": Seat(f"a{n}", "A", str(2000 + n), "sip", {f"q{(n + k) % queues}": "Q" for k in range(2)})
                for n in range(agents)
            }
        )
        for n in range(callers):
            self.engine.handle(ev.InteractionQueued(float(n), f"c{n}", f"q{n % queues}"))

    def picture(self) -> dict:
        statistics = Statistics({}, {})
        return floor(self.engine, statistics, self.desks.all(), self.queues, {}, lambda _, name: name, 10_000.0)


def test_the_floor_counts_callers_and_agents_of_each_queue() -> None:
    here = Floor(queues=2, agents=3, callers=25)
    here.engine.handle(ev.AgentSignedIn(30.0, "a0", ready=True))
    first, second = here.picture()["queues"]
    assert (first["waiting"], second["waiting"]) == (13, 12)
    assert first["longest_since"] == "1970-01-01T00:00:00.000Z"
    assert first["oldest"] == [f"1970-01-01T00:00:{2 * n:02}.000Z" for n in range(10)]
    assert (first["agents"]["ready"], first["agents"]["signed_out"]) == (1, 2)
    totals = here.picture()["totals"]
    assert (totals["waiting"], totals["agents"]["ready"], totals["agents"]["signed_out"]) == (25, 1, 2)


def test_the_picture_of_a_floor_looks_at_no_caller_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    here = Floor(queues=2, agents=3, callers=25)
    monkeypatch.setattr(Engine, "waiting", lambda *_: pytest.fail("views of all callers are made"))
    assert here.picture()["totals"]["waiting"] == 25


def test_a_phone_is_found_by_its_extension_also_when_that_passes_to_another_agent() -> None:
    desks = Floor(queues=1, agents=2, callers=0).desks
    found = desks.by_extension("2001")
    assert found is not None
    assert found.seat.agent_id == "a1"
    talking = desks.get("a0")
    assert talking is not None
    facts = CallFacts("c", 0.0, "", None, "p", "q0", "", 0, 0.0, (), "it", None, "")
    talking.call = DeskCall(facts, 1, "talking", 0.0, None)
    desks.seats({"a1": Seat("a1", "A", "2001", "sip", {}), "a2": Seat("a2", "A", "2000", "sip", {})})
    passed = desks.by_extension("2000")
    assert passed is not None
    assert passed.seat.agent_id == "a2"
    desks.seats({"a1": Seat("a1", "A", "2009", "sip", {})})
    assert desks.by_extension("2001") is None
