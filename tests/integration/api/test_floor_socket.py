"""The floor socket over a real server."""

import asyncio
import random
from collections.abc import AsyncIterator

import pytest

from tests.integration.api.house import House, served
from tests.integration.api.test_desk_socket import Place, Window, eventually


@pytest.fixture
async def place(house: House) -> AsyncIterator[Place]:
    """The API served on the in-process bus."""
    async with served(house) as at:
        yield Place(house, at)


@pytest.mark.parametrize("login", ["team_leader", "supervisor", "administrator"])
async def test_the_floor_comes_at_once_and_on_each_change(place: Place, login: str) -> None:
    async with place.socket(await place.cookie(login), "/api/floor") as viewer:
        assert (await viewer.until("floor"))["floor"]["queues"][0]["waiting"] == 2
        floor = place.house.acd.floor()
        floor["queues"][0]["waiting"] = 9
        await place.house.bus.publish("floor", floor)
        assert (await viewer.until("floor"))["floor"]["queues"][0]["waiting"] == 9


@pytest.mark.parametrize("login", ["anna", "back_office", "quality"])
async def test_others_do_not_see_the_floor(place: Place, login: str) -> None:
    async with place.socket(await place.cookie(login), "/api/floor") as viewer:
        assert await viewer.end() == (["refused"], 4403)


async def test_a_supervisor_moves_a_caller_and_is_named_in_the_command(place: Place) -> None:
    async with place.socket(await place.cookie("supervisor"), "/api/floor") as viewer:
        await viewer.command("c1", "queue.move", interaction_id="i-1", front=True, priority=5)
        assert await viewer.until("reply") == {"type": "reply", "id": "c1"}
    [asked] = place.house.acd.commands("queue.move")
    assert (asked["interaction_id"], asked["front"], asked["priority"], asked["by"]) == ("i-1", True, 5, "u-supervisor")
    assert "agent_id" not in asked


async def test_a_viewer_cannot_give_an_agents_commands(place: Place) -> None:
    async with place.socket(await place.cookie("supervisor"), "/api/floor") as viewer:
        await viewer.command("c1", "agent.ready")
        assert (await viewer.until("reply"))["error"]["code"] == "forbidden"
    assert place.house.acd.commands("agent.ready") == []


async def test_a_viewer_that_reads_slowly_gets_the_latest_floor_and_not_every_one_between(place: Place) -> None:
    total = 400
    async with place.socket(await place.cookie("supervisor"), "/api/floor") as viewer:
        await viewer.until("floor")
        _stop_reading(viewer)
        ballast = random.Random(1).randbytes(50_000).hex()  # compression would make it small
        for number in range(total):
            await place.house.bus.publish("floor", {**place.house.acd.floor(), "number": number, "ballast": ballast})
            await asyncio.sleep(0)
        # While nobody reads, the kernel's buffers fill, and from then on only the newest state waits in the server.
        await asyncio.sleep(0.5)
        _read_again(viewer)
        seen = []
        while not seen or seen[-1] != total - 1:
            seen.append((await viewer.until("floor"))["floor"]["number"])
    assert seen == sorted(seen)
    assert len(seen) < total / 2, f"{len(seen)} of {total} were sent to a viewer that did not read"


async def test_two_viewers_are_fed_and_one_that_leaves_is_forgotten(place: Place) -> None:
    hub = place.house.app.state.hub
    cookie = await place.cookie("supervisor")
    async with place.socket(cookie, "/api/floor") as one, place.socket(cookie, "/api/floor") as two:
        await one.until("floor")
        await two.until("floor")
        assert len(hub.wires()) == 2
    await eventually(lambda: hub.wires() == [])


async def test_a_peer_that_answers_no_ping_is_let_go(house: House) -> None:
    async with served(house, ws_ping_interval=0.2, ws_ping_timeout=0.2) as at:
        place = Place(house, at)
        async with place.socket(await place.cookie("supervisor"), "/api/floor") as viewer:
            await viewer.until("floor")
            assert len(house.app.state.hub.wires()) == 1
            _stop_reading(viewer)
            await eventually(lambda: house.app.state.hub.wires() == [])
            viewer.socket.transport.abort()


def _stop_reading(viewer: Window) -> None:
    viewer.socket.transport.pause_reading()


def _read_again(viewer: Window) -> None:
    viewer.socket.transport.resume_reading()
