"""The desk socket over a real server: desks out, commands in, cuts, take-over, ends. Each test on both buses."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import websockets
from websockets.asyncio.client import ClientConnection

from api.model import User
from api.sessions import Sessions
from core.bus import LocalBus, Message, RedisBus
from core.db import Database
from core.errors import Unavailable
from core.ids import new_id
from tests.integration.api.house import House, build, served, sign_in
from tests.integration.api.stub_acd import StubAcd
from tests.patience import PATIENCE


@dataclass(frozen=True, slots=True)
class Place:
    """A house and where it is served."""

    house: House
    at: str

    async def cookie(self, login: str) -> str:
        """The cookie header of a new session."""
        async with self.house.client() as client:
            await sign_in(client, login)
            return f"onecall_session={client.cookies['onecall_session']}"

    @contextlib.asynccontextmanager
    async def socket(self, cookie: str, path: str = "/api/desk", **headers: str) -> AsyncIterator["Window"]:
        """An open socket."""
        sent = {"Cookie": cookie, **headers}
        async with websockets.connect(f"ws://{self.at}{path}", additional_headers=sent) as socket:
            yield Window(socket)

    @contextlib.asynccontextmanager
    async def desk(self, login: str = "anna") -> AsyncIterator["Window"]:
        """A window that has said hello and been shown its desk."""
        async with self.socket(await self.cookie(login)) as window:
            await window.say({"type": "hello"})
            await window.until("desk")
            yield window


@dataclass(frozen=True, slots=True)
class Window:
    """A browser's side of a socket."""

    socket: ClientConnection

    async def say(self, message: dict[str, Any]) -> None:
        """Send one message."""
        await self.socket.send(json.dumps(message))

    async def command(self, command_id: str, name: str, **args: Any) -> None:
        """Send a command."""
        await self.say({"type": "cmd", "id": command_id, "cmd": name, "args": args})

    async def until(self, kind: str, within: float = PATIENCE) -> dict[str, Any]:
        """The next message of that type."""
        async with asyncio.timeout(within):
            while True:
                message: dict[str, Any] = json.loads(await self.socket.recv())
                if message["type"] == kind:
                    return message

    async def end(self, within: float = PATIENCE) -> tuple[list[str], int]:
        """Types of all messages until the server closes, and its close code."""
        kinds = []
        async with asyncio.timeout(within):
            with contextlib.suppress(websockets.ConnectionClosed):
                async for text in self.socket:
                    kinds.append(json.loads(text)["type"])
            await self.socket.wait_closed()
        assert self.socket.close_code is not None
        return kinds, self.socket.close_code


async def eventually(condition: Any, within: float = PATIENCE) -> None:
    """Wait until `condition()` is true."""
    async with asyncio.timeout(within):
        while not condition():
            await asyncio.sleep(0.01)


@pytest.fixture(params=["local", "redis"])
async def place(request: pytest.FixtureRequest, database: Database, tmp_path: Path) -> AsyncIterator[Place]:
    """The API served; on Redis, routing has a bus connection of its own, as in another process."""
    if request.param == "local":
        bus = acd_bus = LocalBus()
    else:
        url, prefix = request.getfixturevalue("redis_url"), new_id()
        bus, acd_bus = RedisBus(url, prefix), RedisBus(url, prefix)
    acd = StubAcd(acd_bus)
    await acd.start()
    house = await build(database, bus, acd, tmp_path, ping_seconds=0.5)
    async with served(house) as at:
        yield Place(house, at)
    await bus.close()
    await acd_bus.close()


@pytest.fixture
async def calm_place(database: Database, tmp_path: Path) -> AsyncIterator[Place]:
    """Beats are so far apart that nothing of a test can be owed to one."""
    bus = LocalBus()
    acd = StubAcd(bus)
    await acd.start()
    house = await build(database, bus, acd, tmp_path, ping_seconds=300)
    async with served(house) as at:
        yield Place(house, at)


async def test_after_hello_the_desk_comes_at_once_and_routing_knows_of_the_window(place: Place) -> None:
    async with place.socket(await place.cookie("anna")) as window:
        await window.say({"type": "hello", "epoch": None, "seq": None})
        told = await window.until("desk")
        assert told["desk"]["agent"]["id"] == "a-anna"
        assert "a-anna" in place.house.acd.online
    await eventually(lambda: "a-anna" not in place.house.acd.online)


async def test_each_change_of_the_own_desk_arrives_and_no_other_agents(place: Place) -> None:
    async with place.desk("anna") as anna:
        await place.house.acd.change("a-bice", "for bice")
        await place.house.acd.change("a-anna", "for anna")
        assert (await anna.until("desk"))["desk"]["notices"][0]["code"] == "for anna"


async def test_what_changed_during_a_cut_is_there_at_once_after_it(place: Place) -> None:
    cookie = await place.cookie("anna")
    async with place.socket(cookie) as window:
        await window.say({"type": "hello"})
        seen = (await window.until("desk"))["desk"]
        window.socket.transport.abort()
    for number in range(5):
        await place.house.acd.change("a-anna", f"change {number}")
    async with place.socket(cookie) as window:
        await window.say({"type": "hello", "epoch": seen["epoch"], "seq": seen["seq"]})
        desk = (await window.until("desk"))["desk"]
    assert (desk["seq"], desk["epoch"]) == (seen["seq"] + 5, seen["epoch"])


async def test_a_command_is_carried_out_for_the_own_agent_and_replied(place: Place) -> None:
    async with place.desk() as window:
        await window.command("c1", "agent.not_ready", reason="break")
        assert await window.until("reply") == {"type": "reply", "id": "c1"}
    [asked] = place.house.acd.commands("agent.not_ready")
    assert (asked["agent_id"], asked["reason"], asked["command_id"]) == ("a-anna", "break", "c1")


async def test_a_refused_command_is_replied_with_what_and_remedy(place: Place) -> None:
    async with place.desk() as window:
        await window.command("c1", "call.hold")
        error = (await window.until("reply"))["error"]
    assert (error["code"], error["remedy"]) == ("no_call", "The call may have ended.")


@pytest.mark.parametrize(
    ("name", "args", "code"),
    [
        ("call.fly", {}, "invalid"),
        ("agent.ready", {"agent_id": "a-bice"}, "invalid"),
        ("call.dtmf", {"digits": "1;hangup"}, "invalid"),
        ("call.transfer", {"to": {"kind": "planet", "id": "x"}}, "invalid"),
        ("wrap_up.extend", {"seconds": -5}, "invalid"),
        ("queue.move", {"interaction_id": "i-1", "front": True}, "forbidden"),
    ],
)
async def test_a_wrong_or_forbidden_command_never_reaches_routing(
    place: Place, name: str, args: dict[str, Any], code: str
) -> None:
    async with place.desk() as window:
        await window.command("c1", name, **args)
        assert (await window.until("reply"))["error"]["code"] == code
    assert place.house.acd.commands(name) == []


async def test_the_same_command_id_is_carried_out_once(place: Place) -> None:
    async with place.desk() as window:
        for _ in range(3):
            await window.command("c1", "call.dtmf", digits="5")
            assert "error" not in await window.until("reply")
    assert len(place.house.acd.commands("call.dtmf")) == 1


async def test_a_command_cut_in_the_middle_and_sent_again_is_carried_out_once_and_replied(place: Place) -> None:
    acd, cookie = place.house.acd, await place.cookie("anna")
    acd.slow["call.hang_up"] = asyncio.Event()
    async with place.socket(cookie) as window:
        await window.say({"type": "hello"})
        await window.until("desk")
        await window.command("c7", "call.hang_up")
        await eventually(lambda: acd.commands("call.hang_up"))
        window.socket.transport.abort()
    async with place.socket(cookie) as window:
        await window.say({"type": "hello"})
        await window.until("desk")
        await window.command("c7", "call.hang_up")
        acd.slow["call.hang_up"].set()
        assert await window.until("reply") == {"type": "reply", "id": "c7"}
    assert len(acd.commands("call.hang_up")) == 1


async def test_commands_are_carried_out_in_the_order_they_were_given(place: Place) -> None:
    async with place.desk() as window:
        for number in range(20):
            await window.command(f"c{number}", "call.dtmf", digits=str(number % 10))
        replies = [(await window.until("reply"))["id"] for _ in range(20)]
    assert replies == [f"c{number}" for number in range(20)]
    assert [asked["digits"] for asked in place.house.acd.commands("call.dtmf")] == [str(n % 10) for n in range(20)]


async def test_a_painted_offer_is_told_to_routing_even_while_a_command_is_slow(place: Place) -> None:
    acd = place.house.acd
    acd.slow["call.resume"] = asyncio.Event()
    async with place.desk() as window:
        await window.command("c1", "call.resume")
        await window.say({"type": "painted", "seq": 17})
        await eventually(lambda: acd.commands("desk.painted"))
        acd.slow["call.resume"].set()
        await window.until("reply")
    assert acd.commands("desk.painted")[0]["seq"] == 17


async def test_a_second_window_takes_over_and_the_first_is_told(place: Place) -> None:
    cookie, acd = await place.cookie("anna"), place.house.acd
    async with place.socket(cookie) as first:
        await first.say({"type": "hello"})
        await first.until("desk")
        async with place.socket(cookie) as second:
            await second.say({"type": "hello"})
            await second.until("desk")
            kinds, code = await first.end()
            assert (kinds[-1], code) == ("replaced", 4409)
            await eventually(lambda: acd.commands("desk.offline"))
            assert "a-anna" in acd.online, "the old window's end does not take the new one off"
            await acd.change("a-anna", "to the second")
            assert (await second.until("desk"))["desk"]["notices"][0]["code"] == "to the second"


async def test_of_windows_opened_at_once_exactly_one_remains(place: Place) -> None:
    cookie = await place.cookie("anna")
    async with contextlib.AsyncExitStack() as stack:
        windows = [await stack.enter_async_context(place.socket(cookie)) for _ in range(4)]
        await asyncio.gather(*(window.say({"type": "hello"}) for window in windows))
        ends = [asyncio.create_task(window.end(30)) for window in windows]
        await eventually(lambda: sum(end.done() for end in ends) == 3)
        [left] = [end for end in ends if not end.done()]
        await asyncio.sleep(0.3)
        assert not left.done(), "the last one stays open"
        left.cancel()
    assert all(end.result()[0][-1] == "replaced" for end in ends if end is not left)


async def test_a_page_of_another_site_cannot_open_the_socket(place: Place) -> None:
    cookie = await place.cookie("anna")
    with pytest.raises(websockets.InvalidStatus) as refused:
        async with place.socket(cookie, Origin="https://evil.example"):
            pass
    assert refused.value.response.status_code == 403
    async with place.socket(cookie, Origin=f"http://{place.at}") as window:
        await window.say({"type": "hello"})
        await window.until("desk")


async def test_without_a_session_the_socket_says_signed_out_and_closes(place: Place) -> None:
    async with place.socket("onecall_session=made-up") as window:
        assert await window.end() == (["signed_out"], 4401)


async def test_someone_who_is_no_agent_is_refused_with_a_reason(place: Place) -> None:
    async with place.socket(await place.cookie("supervisor")) as window:
        refused = await window.until("refused")
        assert refused["error"]["code"] == "forbidden"


async def test_signing_out_closes_the_sockets_of_that_session_at_once(calm_place: Place) -> None:
    async with contextlib.AsyncExitStack() as stack:
        client = await stack.enter_async_context(calm_place.house.signed_in("anna"))
        cookie = f"onecall_session={client.cookies['onecall_session']}"
        window = await stack.enter_async_context(calm_place.socket(cookie))
        await window.say({"type": "hello"})
        await window.until("desk")
        await client.delete("/api/session")
        kinds, code = await window.end(3)
    assert (kinds[-1], code) == ("signed_out", 4401)


async def test_an_agent_whose_role_is_taken_away_loses_the_socket(calm_place: Place) -> None:
    async with calm_place.desk() as window:
        async with calm_place.house.database.session() as session:
            (await session.get_one(User, "u-anna")).roles = ["quality"]
        sessions: Sessions = calm_place.house.app.state.sessions
        await sessions.announce_change("u-anna")
        kinds, code = await window.end(3)
    assert (kinds[-1], code) == ("refused", 4403)


async def test_a_session_that_ends_by_time_ends_the_socket(place: Place) -> None:
    async with place.desk() as window:
        place.house.clock.advance(15 * 3600)
        kinds, code = await window.end()
    assert (kinds[-1], code) == ("signed_out", 4401)


async def test_while_routing_is_away_the_window_is_told_and_recovers_by_itself(calm_place: Place) -> None:
    acd = calm_place.house.acd
    acd.fail = Unavailable("The service 'acd' does not answer.", "It may be restarting.")
    async with calm_place.socket(await calm_place.cookie("anna")) as window:
        await window.say({"type": "hello"})
        assert (await window.until("unavailable"))["error"]["code"] == "unavailable"
        acd.fail = None
        assert (await window.until("desk"))["desk"]["agent"]["id"] == "a-anna"
        assert "a-anna" in acd.online


async def test_a_window_that_opens_while_the_bus_is_away_takes_over_once_it_is_back(
    calm_place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    bus = calm_place.house.bus
    publish, back = bus.publish, asyncio.Event()

    async def perhaps(topic: str, message: Message) -> None:
        if not back.is_set():
            raise Unavailable("The bus does not answer.")
        await publish(topic, message)

    async with calm_place.desk() as first:
        monkeypatch.setattr(bus, "publish", perhaps)
        async with calm_place.socket(await calm_place.cookie("anna")) as second:
            await second.say({"type": "hello"})
            await second.until("unavailable")
            back.set()
            await second.until("desk")
            assert (await first.end())[0][-1] == "replaced"


async def test_a_restarted_routing_process_learns_again_which_desks_are_open(calm_place: Place) -> None:
    acd = calm_place.house.acd
    async with calm_place.desk() as window:
        acd.restart()
        assert acd.online == {}
        await acd.change("a-anna", "new life")
        assert (await window.until("desk"))["desk"]["epoch"] == acd.epoch
        await eventually(lambda: "a-anna" in acd.online)


async def test_a_change_that_the_bus_lost_is_made_up_for_at_the_next_beat(place: Place) -> None:
    acd = place.house.acd
    async with place.desk() as window:
        acd.seq["a-anna"] = 99
        assert (await window.until("desk"))["desk"]["seq"] == 99


@pytest.mark.parametrize("text", ["not json", "[1, 2]", '{"type": "dance"}', '{"type": "painted"}', '{"type":"cmd"}'])
async def test_a_malformed_message_is_refused_and_the_socket_lives_on(place: Place, text: str) -> None:
    async with place.desk() as window:
        await window.socket.send(text)
        assert (await window.until("refused"))["error"]["code"] == "invalid"
        await window.command("c1", "agent.ready")
        assert await window.until("reply") == {"type": "reply", "id": "c1"}


async def test_the_server_pings_so_that_the_page_notices_a_dead_connection(place: Place) -> None:
    async with place.desk() as window:
        for _ in range(2):
            # Sooner than the 10 s between pings where the setting says nothing.
            await window.until("ping", within=8)
            await window.say({"type": "pong"})


async def test_a_flood_of_commands_closes_the_socket_instead_of_filling_memory(place: Place) -> None:
    acd = place.house.acd
    acd.slow["call.resume"] = asyncio.Event()
    async with place.desk() as window:
        for number in range(100):
            await window.command(f"c{number}", "call.resume")
        _, code = await window.end()
    acd.slow["call.resume"].set()
    assert code == 1013
