"""The FastAGI server on a real socket: many calls at once, peers that misbehave, callers that vanish."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import pytest

from ivr.agi import Agi, AgiFault, CallerGone
from ivr.fastagi import FastAgiServer, Limits, Script
from tests.patience import PATIENCE
from tests.unit.ivr.peer import Channel, serve

HEADER = b"agi_network: yes\nagi_request: agi://127.0.0.1/call\nagi_callerid: 3471234567\n\n"
Start = Callable[..., Awaitable[FastAgiServer]]


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    async with AsyncExitStack() as stack:

        async def make(script: Script, limits: Limits | None = None) -> FastAgiServer:
            server = FastAgiServer(script, limits=limits)
            await server.start()
            stack.push_async_callback(server.close)
            return server

        yield make


async def call(server: FastAgiServer, channel: Channel, header: bytes = HEADER) -> None:
    """One call from Asterisk's side, until the server closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(header)
    await asyncio.wait_for(serve(channel, reader, writer), 30)


async def send(server: FastAgiServer, data: bytes) -> bytes:
    """What comes back for raw bytes, until the server closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    try:
        writer.write(data)
        await writer.drain()
        writer.write_eof()
        return await asyncio.wait_for(reader.read(), PATIENCE)
    except ConnectionError:
        return b""
    finally:
        writer.close()


async def greet(agi: Agi) -> None:
    await agi.answer()
    await agi.play("hello")
    await agi.set_variable("OC_DONE", "1")


async def test_five_hundred_calls_at_once_are_all_served(start: Start) -> None:
    together = asyncio.Barrier(500)

    async def script(agi: Agi) -> None:
        await agi.answer()
        await together.wait()  # passes only when all 500 calls are in hand at the same time
        await agi.set_variable("OC_WHO", agi.env["agi_callerid"])

    server = await start(script)
    channels = [Channel() for _ in range(500)]
    await asyncio.gather(
        *(call(server, channel, b"agi_callerid: %d\n\n" % number) for number, channel in enumerate(channels))
    )
    assert [channel.variables["OC_WHO"] for channel in channels] == [str(number) for number in range(500)]
    assert server.calls == 0


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n\n\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"agi_network: yes\n",
        b"agi_x: " + b"a" * 100_000 + b"\n\n",
        b"agi_x: 1\n" * 1000 + b"\n",
        bytes(range(256)) * 20,
        b"\x16\x03\x01\x02\x00\x01\x00",
        b"agi_network yes\n\n",
    ],
)
async def test_a_peer_that_does_not_speak_agi_is_closed_and_the_next_call_is_served(start: Start, data: bytes) -> None:
    server = await start(greet)
    await send(server, data)
    channel = Channel()
    await call(server, channel)
    assert channel.variables["OC_DONE"] == "1"


@pytest.mark.parametrize(
    "reply", [b"nonsense\n", b"200\n", b"200 result=x y\n" * 3, b"\xff\xfe\n", b"2" * 50_000 + b"\n"]
)
async def test_a_reply_that_is_none_ends_only_its_own_call(start: Start, reply: bytes) -> None:
    server = await start(greet)
    await send(server, HEADER + reply)
    channel = Channel()
    await call(server, channel)
    assert channel.variables["OC_DONE"] == "1"


async def test_a_peer_that_connects_and_says_nothing_is_let_go(start: Start) -> None:
    server = await start(greet, Limits(header_seconds=0.2))
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    assert await asyncio.wait_for(reader.read(), PATIENCE) == b""
    writer.close()


async def test_a_header_that_trickles_in_is_cut_off_in_time(start: Start) -> None:
    server = await start(greet, Limits(header_seconds=0.3))
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)

    async def trickle() -> None:
        while True:
            writer.write(b"agi_x: 1\n")
            await asyncio.sleep(0.05)

    trickling = asyncio.create_task(trickle())
    # What trickles in after the end is answered with a reset.
    with contextlib.suppress(ConnectionResetError):
        assert await asyncio.wait_for(reader.read(), PATIENCE) == b""
    trickling.cancel()
    writer.close()


async def _outcome(start: Start, channel: Channel) -> type[BaseException] | None:
    ended: asyncio.Future[type[BaseException] | None] = asyncio.get_running_loop().create_future()

    async def script(agi: Agi) -> None:
        try:
            await greet(agi)
        except BaseException as error:
            ended.set_result(type(error))
            raise
        ended.set_result(None)

    server = await start(script)
    await call(server, channel)
    return await asyncio.wait_for(ended, PATIENCE)


async def test_a_hang_up_or_redirect_ends_the_script_as_caller_gone(start: Start) -> None:
    channel = Channel()
    channel.hang_up_at = "STREAM FILE"
    assert await _outcome(start, channel) is CallerGone
    assert "OC_DONE" not in channel.variables


async def test_a_refused_command_ends_the_script_as_a_fault(start: Start) -> None:
    channel = Channel()
    channel._play = lambda *_: "520-Invalid command syntax.  Proper usage follows:\nUsage: x\n520 End of proper usage."  # type: ignore[method-assign]
    assert await _outcome(start, channel) is AgiFault


async def test_a_connection_that_breaks_in_mid_call_ends_the_script(start: Start) -> None:
    gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def script(agi: Agi) -> None:
        try:
            await agi.wait_for_digit(30)
        except CallerGone:
            gone.set_result(None)
            raise

    server = await start(script)
    _, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(HEADER)
    await writer.drain()
    writer.transport.abort()
    await asyncio.wait_for(gone, PATIENCE)


async def test_a_script_that_fails_does_not_take_others_with_it(start: Start) -> None:
    async def script(agi: Agi) -> None:
        if agi.env["agi_callerid"] == "bad":
            raise RuntimeError("a bug")
        await greet(agi)

    server = await start(script)
    good, bad = Channel(), Channel()
    await asyncio.gather(call(server, bad, b"agi_callerid: bad\n\n"), call(server, good))
    assert (bad.variables.get("OC_DONE"), good.variables["OC_DONE"]) == (None, "1")


async def test_closing_the_server_lets_go_of_calls_in_hand(start: Start) -> None:
    inside = asyncio.Event()

    async def script(agi: Agi) -> None:
        inside.set()
        await asyncio.Event().wait()

    server = await start(script)
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(HEADER)
    await asyncio.wait_for(inside.wait(), PATIENCE)
    await asyncio.wait_for(server.close(), PATIENCE)
    assert await asyncio.wait_for(reader.read(), PATIENCE) == b""
    writer.close()


async def test_a_call_that_lasts_too_long_is_ended(start: Start) -> None:
    async def script(agi: Agi) -> None:
        await asyncio.Event().wait()

    server = await start(script, Limits(call_seconds=0.1))
    await call(server, Channel())
    assert server.calls == 0
