"""The people who work with the product: signed in over the API, at a desk by its socket, with a desk phone."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeVar, overload

import httpx
import websockets
from websockets.asyncio.client import ClientConnection

from core.ids import new_id
from phones.audio import tone
from phones.call import Call
from phones.phone import Phone
from tests.patience import PATIENCE

Json = dict[str, Any]
Found = TypeVar("Found")


@overload
async def until(
    look: Callable[[], Awaitable[Found]], what: str, timeout: float = PATIENCE, pause: float = 0.05
) -> Found: ...


@overload
async def until(look: Callable[[], Found], what: str, timeout: float = PATIENCE, pause: float = 0.05) -> Found: ...


async def until(look: Callable[[], Any], what: str, timeout: float = PATIENCE, pause: float = 0.05) -> Any:
    """Look again and again until what is found is true; raises AssertionError that says what was waited for."""
    give_up = time.monotonic() + timeout
    while True:
        late = time.monotonic() > give_up
        found = look()
        last = await found if inspect.isawaitable(found) else found
        if last:
            return last
        # The last look is one that began too late: a test that was held up has not looked in vain.
        if late:
            raise AssertionError(f"not within {timeout:.0f} s: {what}; last seen: {last!r}")
        await asyncio.sleep(pause)


class Person:
    """Somebody who is signed in, with the API at hand."""

    def __init__(self, client: httpx.AsyncClient, url: str) -> None:
        self.client = client
        self._url = url

    async def get(self, path: str, **query: Any) -> Any:
        return _good(await self.client.get(path, params=query))

    async def post(self, path: str, body: Json | None = None) -> Any:
        return _good(await self.client.post(path, json=body or {}))

    async def patch(self, path: str, body: Json) -> Any:
        return _good(await self.client.patch(path, json=body))

    async def floor(self) -> Json:
        """The live page's figures as they are now."""
        async with self._socket("/api/floor") as socket:
            while (message := json.loads(await asyncio.wait_for(socket.recv(), PATIENCE)))["type"] != "floor":
                pass
            return dict(message["floor"])

    @contextlib.asynccontextmanager
    async def open_desk(self) -> AsyncIterator[AgentDesk]:
        """The agent's desk, as the browser's socket shows it."""
        async with self._socket("/api/desk") as socket:
            desk = AgentDesk(socket)
            await desk.begin()
            try:
                yield desk
            finally:
                await desk.end()

    def _socket(self, path: str) -> websockets.connect:
        cookie = "; ".join(f"{name}={value}" for name, value in self.client.cookies.items())
        address = f"ws{self._url.removeprefix('http')}{path}"
        return websockets.connect(
            address,
            additional_headers={"Cookie": cookie},
            origin=websockets.Origin(self._url),
            max_size=None,
            open_timeout=PATIENCE,
        )


class Refused(Exception):
    """The server did not carry out a command; `code` tells why."""

    def __init__(self, error: Json) -> None:
        super().__init__(f"{error['what']} {error['remedy']}")
        self.code = error["code"]


class AgentDesk:
    """One agent's desk socket: `now` is the last Desk heard, `seen` all of them."""

    def __init__(self, socket: ClientConnection) -> None:
        self.now: Json = {}
        self.seen: list[Json] = []
        self._socket = socket
        self._replies: dict[str, asyncio.Future[Json]] = {}
        self._reader: asyncio.Task[None] | None = None

    async def begin(self) -> None:
        await self._socket.send(json.dumps({"type": "hello", "epoch": None, "seq": None}))
        self._reader = asyncio.create_task(self._read())
        await until(lambda: self.now, "the desk is shown")

    async def end(self) -> None:
        if self._reader is not None:
            self._reader.cancel()
            await asyncio.gather(self._reader, return_exceptions=True)

    @property
    def state(self) -> str:
        return str(self.now["agent"]["state"])

    @property
    def call(self) -> Json:
        """The present call; empty when there is none."""
        return self.now.get("call") or {}

    async def until(self, met: Callable[[Json], object], what: str, timeout: float = PATIENCE) -> Json:
        """Wait until the desk is so."""
        try:
            await until(lambda: bool(met(self.now)), what, timeout)
        except AssertionError as error:
            raise AssertionError(f"{error}; desk: {self.now}") from None
        return self.now

    async def until_phase(self, phase: str, timeout: float = PATIENCE) -> Json:
        """Wait for a phase of the call, and return the call."""
        await self.until(lambda now: (now.get("call") or {}).get("phase") == phase, f"phase {phase}", timeout)
        return self.call

    async def until_state(self, state: str, timeout: float = PATIENCE) -> None:
        await self.until(lambda now: now["agent"]["state"] == state, f"state {state}", timeout)

    async def leave(self) -> None:
        """End the shift, whatever was begun."""
        await self.command("agent.sign_out")
        if self.state == "wrap_up":
            await self.command("wrap_up.end", then="not_ready", reason="break")
            await self.command("agent.sign_out")

    async def command(self, name: str, **arguments: Any) -> None:
        """Carry out one command; raises Refused."""
        number = new_id()
        answer = self._replies[number] = asyncio.get_running_loop().create_future()
        await self._socket.send(json.dumps({"type": "cmd", "id": number, "cmd": name, "args": arguments}))
        reply = await asyncio.wait_for(answer, PATIENCE)
        if reply.get("error"):
            raise Refused(reply["error"])

    async def _read(self) -> None:
        with contextlib.suppress(websockets.ConnectionClosed):
            async for text in self._socket:
                await self._take(json.loads(text))

    async def _take(self, message: Json) -> None:
        if message["type"] == "desk":
            self.now = message["desk"]
            self.seen.append(self.now)
            if self.call.get("phase") == "ringing":
                await self._socket.send(json.dumps({"type": "painted", "seq": self.now["seq"]}))
        elif message["type"] == "reply" and (waiting := self._replies.pop(message["id"], None)) is not None:
            waiting.set_result(message)
        elif message["type"] == "ping":
            await self._socket.send(json.dumps({"type": "pong"}))


class Seat:
    """An agent with a desk phone."""

    def __init__(self, person: Person, desk: AgentDesk, phone: Phone) -> None:
        self.person, self.desk, self.phone = person, desk, phone

    @property
    def agent_id(self) -> str:
        return str(self.desk.now["agent"]["id"])

    async def be_ready(self) -> None:
        await self.desk.command("agent.ready")
        await self.desk.until_state("ready")

    async def be_ready_or_called(self) -> None:
        """Go ready where somebody waits: the next call may come at once."""
        await self.desk.command("agent.ready")

    async def answer(self, hertz: float, timeout: float = PATIENCE) -> Call:
        """Take the call that rings now, sounding like `hertz`; returns when the desk says that they talk."""
        leg = await self.phone.next_call(timeout)
        leg.ring()
        await leg.answer()
        leg.media.loop_sound(tone(hertz))
        await self.desk.until_phase("talking")
        return leg

    async def finish(self) -> None:
        """End the wrap-up and be ready again."""
        await self.desk.until_state("wrap_up")
        await self.desk.command("wrap_up.end", then="ready")
        await self.desk.until_state("ready")


def _good(answer: httpx.Response) -> Any:
    assert answer.status_code < 400, f"{answer.request.method} {answer.request.url}: {answer.status_code} {answer.text}"
    return answer.json()
