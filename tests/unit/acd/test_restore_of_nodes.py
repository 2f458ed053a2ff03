"""A node is restored while the other one serves: what happens meanwhile is neither told twice nor undone."""

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from core.db import Database
from core.facts import facts_since
from core.journal import Fact
from onecall import house as house_module
from onecall.house import RoutingHouse
from tests.unit.acd.house import House
from tests.unit.acd.test_sites import facts_of, ready_at, rung, two

__all__ = ["two"]


async def restore_milan(two: House, monkeypatch: pytest.MonkeyPatch, meanwhile: Callable[[], Any]) -> None:
    """Milan comes late; `meanwhile` happens right after the past has been read."""

    async def read(database: Database, at: float) -> list[Fact]:
        past = await facts_since(database, at)
        if (happening := meanwhile()) is not None:
            await happening
        return past

    monkeypatch.setattr(house_module, "facts_since", read)
    house = object.__new__(RoutingHouse)
    house._dispatcher, house._journal, house._board = two.dispatcher, two.journal, two.board
    house._ground = SimpleNamespace(database=two.database)  # type: ignore[assignment]
    house._clock, house._past, house._reading_past = two.clock, [], asyncio.Lock()
    await house._restore_node("milan", two.dispatcher.node_is_up["milan"])


async def test_a_caller_who_hangs_up_meanwhile_has_ended_once(two: House, monkeypatch: pytest.MonkeyPatch) -> None:
    two.arrive("i1", node="milan")

    def hang_up() -> None:
        two.dispatcher.caller_gone(two.clock.advance(1), "i1", "caller", "hold", 16)

    await restore_milan(two, monkeypatch, hang_up)
    (ended,) = [fact for fact in await facts_of(two) if fact.kind == "call.ended"]
    assert (ended.data["stage"], ended.data["ended_by"]) == ("hold", "caller")


async def test_an_agent_who_answers_meanwhile_has_answered_once(two: House, monkeypatch: pytest.MonkeyPatch) -> None:
    await ready_at(two, "milan")
    two.arrive("i1", node="milan")
    await rung(two)

    def answer() -> None:
        two.dispatcher.leg_answered(two.clock.advance(1), next(iter(two.board.offers)))

    await restore_milan(two, monkeypatch, answer)
    assert [fact.kind for fact in await facts_of(two)].count("call.answered") == 1


async def test_an_agent_who_signs_out_meanwhile_stays_signed_out(two: House, monkeypatch: pytest.MonkeyPatch) -> None:
    await ready_at(two, "milan")
    await restore_milan(two, monkeypatch, lambda: two.cmd("agent.sign_out"))
    assert two.state()[0] == "signed_out"
