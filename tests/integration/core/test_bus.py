"""One contract, two buses: in one process, and over a real Redis."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

import pytest
import redis.asyncio

from core.bus import GAP, Bus, LocalBus, RedisBus
from core.errors import Conflict, Unavailable
from tests.integration.conftest import RedisServer, redis_server
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


async def test_a_slow_subscriber_keeps_the_newest_and_is_told_that_it_missed_some(bus: Bus) -> None:
    async with await bus.subscribe("floor") as slow, await bus.subscribe("last") as last:
        for number in range(1200):
            await bus.publish("floor", {"n": number})
        await bus.publish("last", {})
        async with asyncio.timeout(PATIENCE):
            while len(slow._waiting) < 1000 or slow._waiting[-1][1]["n"] < 1199:
                await asyncio.sleep(0)
        assert await slow.next() == (GAP, {})
        assert [(await slow.next())[1]["n"] for _ in range(1000)] == list(range(200, 1200))
        assert (await asyncio.wait_for(last.next(), PATIENCE))[0] == "last"


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


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    """A Redis of this module's own, which may be stopped."""
    with redis_server() as server:
        yield server


@pytest.fixture
async def buses(server: RedisServer) -> AsyncIterator[list[RedisBus]]:
    """Two processes' buses on that server, which runs again at the end."""
    made = [RedisBus(server.url), RedisBus(server.url)]
    yield made
    for bus in made:
        await bus.close()
    server.start()


async def test_whoever_may_have_missed_something_while_redis_was_away_is_told_once_it_is_back(
    buses: list[RedisBus], server: RedisServer
) -> None:
    here, there = buses
    async with await here.subscribe("config", "desk.*") as heard:
        await there.publish("config", {"n": 1})
        assert await asyncio.wait_for(heard.next(), 5) == ("config", {"n": 1})
        server.stop()
        with pytest.raises(Unavailable):
            await there.publish("config", {"n": 2})
        server.start()
        assert await asyncio.wait_for(heard.next(), 10) == (GAP, {})
        await _ears(server, 2)
        await there.publish("config", {"n": 3})
        async with asyncio.timeout(PATIENCE):
            while (told := await heard.next()) == (GAP, {}):
                continue
        assert told == ("config", {"n": 3})


async def test_a_time_out_while_redis_is_away_leaves_no_second_ear_behind(
    buses: list[RedisBus], server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = buses
    asked = []

    async def handler(message: Mapping[str, Any]) -> Mapping[str, Any]:
        asked.append(message["n"])
        return {}

    server.stop()
    monkeypatch.setattr("core.bus._SUBSCRIBED_WITHIN", 0.2)
    for _ in range(3):
        with pytest.raises(Unavailable):
            await here.serve("acd", handler)
        with pytest.raises(Unavailable):
            await here.subscribe("config")
    monkeypatch.undo()
    server.start()
    await here.serve("acd", handler)
    async with await here.subscribe("config") as heard:
        await there.request("acd", {"n": 1})
        await there.publish("config", {"n": 1})
        await there.publish("config", {"n": 2})
        assert [(await asyncio.wait_for(heard.next(), 5))[1]["n"] for _ in range(2)] == [1, 2]
    assert asked == [1]
    await _ears(server, 3)  # the service, the topic, and the replies of `there`


async def test_a_request_gives_up_in_its_own_time_while_redis_is_away(
    buses: list[RedisBus], server: RedisServer
) -> None:
    server.stop()
    began = asyncio.get_running_loop().time()
    asked = [asyncio.create_task(buses[0].request("acd", {}, timeout=0.5)) for _ in range(3)]
    for one in asked:
        with pytest.raises(Unavailable):
            await one
    assert asyncio.get_running_loop().time() - began < 3
    async with asyncio.timeout(PATIENCE):
        while any("_keep_hearing" in repr(task.get_coro()) for task in asyncio.all_tasks()):
            await asyncio.sleep(0)


async def _ears(server: RedisServer, count: int) -> None:
    """Wait until Redis counts that many subscriptions; more would stay."""
    async with asyncio.timeout(10), redis.asyncio.from_url(server.url) as client:
        while await client.pubsub_numpat() != count:
            await asyncio.sleep(0.02)
