"""One contract, two buses: in one process, and over a real Redis."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest

from core.bus import Bus, LocalBus, RedisBus
from core.errors import Conflict, Unavailable
from tests.patience import PATIENCE


@pytest.fixture(params=["local", "redis"])
async def bus(request: pytest.FixtureRequest) -> AsyncIterator[Bus]:
    made: Bus = LocalBus() if request.param == "local" else RedisBus(request.getfixturevalue("redis_url"))
    yield made
    await made.close()


async def test_a_subscriber_hears_its_topics_in_order_and_no_others(bus: Bus) -> None:
    async with await bus.subscribe("desk.a1", "config*") as heard:
        for number in range(50):
            await bus.publish("desk.a1", {"seq": number})
            await bus.publish("desk.a2", {"seq": number})
        got = [await asyncio.wait_for(heard.next(), PATIENCE) for _ in range(50)]
        await bus.publish("config.agents", {"id": "x"})
        assert [message["seq"] for _, message in got] == list(range(50))
        assert await asyncio.wait_for(heard.next(), PATIENCE) == ("config.agents", {"id": "x"})


async def test_a_slow_subscriber_keeps_the_newest_and_knows_what_it_lost(bus: Bus) -> None:
    async with await bus.subscribe("floor") as slow:
        for number in range(1200):
            await bus.publish("floor", {"n": number})
        async with asyncio.timeout(PATIENCE):
            while slow.lost < 200:
                await asyncio.sleep(0)
        first = await slow.next()
        assert first[1]["n"] == 200 == slow.lost


async def test_a_request_is_answered_by_the_service(bus: Bus) -> None:
    async def handler(message: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"twice": message["n"] * 2}

    await bus.serve("acd", handler)
    replies = await asyncio.gather(*(bus.request("acd", {"n": number}) for number in range(20)))
    assert [reply["twice"] for reply in replies] == [number * 2 for number in range(20)]


async def test_an_error_of_the_service_is_raised_again_at_the_caller(bus: Bus) -> None:
    async def handler(_message: Mapping[str, Any]) -> Mapping[str, Any]:
        raise Conflict("Luca is not ready.", "Choose another.", code="agent_not_ready", values={"name": "Luca"})

    await bus.serve("acd", handler)
    with pytest.raises(Conflict) as caught:
        await bus.request("acd", {})
    assert (caught.value.code, caught.value.remedy, caught.value.values) == (
        "agent_not_ready",
        "Choose another.",
        {"name": "Luca"},
    )


async def test_a_service_that_nobody_serves_is_unavailable(bus: Bus) -> None:
    with pytest.raises(Unavailable):
        await bus.request("nobody", {}, timeout=0.3)
