"""From the bus to the sockets: one subscription a process, handed to each open socket without queueing states.

A state (Desk, Floor) replaces the one before, so a socket that cannot keep up gets the latest and none of those
between; nothing piles up for it.
"""

import asyncio
import json
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from api.overtime import at_work
from api.sessions import TOPIC as SESSION_TOPIC
from api.sessions import Caller
from core.bus import GAP, Bus, Message
from core.ending import end
from core.errors import OneCallError
from core.log import get_logger
from core.metrics import Counter, Gauge

WINDOW_TOPIC = "window"
"""Bus topics `window.<agent_id>`: `{connection_id}` has become the agent's desk; every other one of that agent ends."""
_SAY_LIMIT = 256
_log = get_logger(__name__)
_open = Gauge("onecall_sockets_open", "Open websockets", ["kind"])
_skipped = Counter("onecall_socket_states_skipped_total", "States that a slow socket never saw", ["kind"])

GOING_AWAY, POLICY, OVERLOAD = 1001, 1008, 1013
SIGNED_OUT, REFUSED, REPLACED = 4401, 4403, 4409


class Wire:
    """The outgoing side of one socket: the latest state, the sayings in order, and at last a farewell."""

    def __init__(self, kind: str, caller: Caller) -> None:
        self.kind = kind
        self.caller = caller
        self.recheck = asyncio.Event()
        self._state: str | None = None
        self._sayings: deque[str] = deque()
        self._farewell: tuple[str | None, int] | None = None
        self._wake = asyncio.Event()

    def put(self, state: str) -> None:
        """The newest state (encoded); it takes the place of one not sent yet."""
        if self._state is not None:
            _skipped.labels(self.kind).inc()
        self._state = state
        self._wake.set()

    def say(self, message: Mapping[str, Any]) -> None:
        """A message that must arrive. A socket that lets too many pile up is closed."""
        if len(self._sayings) >= _SAY_LIMIT:
            self.end(None, OVERLOAD)
            return
        self._sayings.append(encode(message))
        self._wake.set()

    def end(self, message: Mapping[str, Any] | None, code: int) -> None:
        """Say this last, then close with `code`. The first end counts."""
        if self._farewell is None:
            self._farewell = (encode(message) if message is not None else None, code)
        self._wake.set()

    async def pump(self, send: Callable[[str], Awaitable[None]]) -> int:
        """Send until the farewell is said; its close code. `send` waits while the peer does not read."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._sayings:
                await send(self._sayings.popleft())
            if self._state is not None:
                state, self._state = self._state, None
                await send(state)
            if self._farewell is not None and not self._sayings:
                message, code = self._farewell
                if message is not None:
                    await send(message)
                return code


class DeskWire(Wire):
    """A desk socket's wire: it takes no desk older than one it has had, and ends when another window takes over."""

    def __init__(self, caller: Caller, agent_id: str, connection_id: str) -> None:
        super().__init__("desk", caller)
        self.agent_id = agent_id
        self.connection_id = connection_id
        self._owner = False
        self._last: tuple[str, int] = ("", -1)

    def desk(self, desk: Message, encoded: str | None = None) -> None:
        """A desk from the bus or read back. Epochs are time-ordered ids, so a late one of a former life is known."""
        order = (str(desk["epoch"]), int(desk["seq"]))
        if order <= self._last:
            return
        if self._last[0] not in ("", order[0]):
            self.recheck.set()  # routing restarted: it does not know yet that this desk is here
        self._last = order
        if self.caller.overtime and not at_work(desk):
            self.recheck.set()  # the call for which the session was let go on is over
        self.put(encoded or encode({"type": "desk", "desk": desk}))

    def window(self, connection_id: str) -> None:
        """Some connection claims the agent. All see claims in one order: whoever claimed after us takes over."""
        if connection_id == self.connection_id:
            self._owner = True
        elif self._owner:
            self.end({"type": "replaced"}, REPLACED)


class Hub:
    """All sockets of this process and the subscription that feeds them."""

    def __init__(self, bus: Bus, forget_session: Callable[[Message], None]) -> None:
        self._bus = bus
        self._forget_session = forget_session
        self._desks: dict[str, set[DeskWire]] = defaultdict(set)
        self._floors: set[Wire] = set()
        self._task: asyncio.Task[None] | None = None
        self._subscribed = asyncio.Event()

    async def start(self) -> None:
        """Listen to the bus; returns once listening (or at once again and again trying when the bus is away)."""
        self._task = asyncio.create_task(self._listen())
        waiting = asyncio.create_task(self._subscribed.wait())
        await asyncio.wait({waiting}, timeout=2.0)
        waiting.cancel()

    async def stop(self) -> None:
        """Close every socket and stop listening."""
        for wire in self.wires():
            wire.end(None, GOING_AWAY)
        if self._task is not None:
            await end([self._task])

    def wires(self) -> list[Wire]:
        """Every open socket."""
        return [*self._floors, *(wire for wires in self._desks.values() for wire in wires)]

    def join(self, wire: Wire) -> None:
        """From now on this socket is fed."""
        if isinstance(wire, DeskWire):
            self._desks[wire.agent_id].add(wire)
        else:
            self._floors.add(wire)
        _open.labels(wire.kind).inc()

    def leave(self, wire: Wire) -> None:
        """The socket is gone."""
        if isinstance(wire, DeskWire):
            self._desks[wire.agent_id].discard(wire)
            if not self._desks[wire.agent_id]:
                del self._desks[wire.agent_id]
        else:
            self._floors.discard(wire)
        _open.labels(wire.kind).dec()

    async def _listen(self) -> None:
        pause = 0.2
        while True:
            try:
                topics = ("desk.*", f"{WINDOW_TOPIC}.*", SESSION_TOPIC, "floor")
                async with await self._bus.subscribe(*topics) as subscription:
                    self._subscribed.set()
                    pause = 0.2
                    async for topic, message in subscription:
                        self._hear(topic, message)
            except OneCallError as error:
                _log.warning("the bus is away; sockets wait for it", error=str(error), retry_in=pause)
            await asyncio.sleep(pause)
            pause = min(pause * 2, 5.0)

    def _hear(self, topic: str, message: Message) -> None:
        try:
            kind, _, agent_id = topic.partition(".")
            if kind == "desk":
                self._desk(agent_id, message)
            elif kind == WINDOW_TOPIC:
                for wire in tuple(self._desks.get(agent_id, ())):
                    wire.window(str(message["connection_id"]))
            elif kind == SESSION_TOPIC:
                self._session(message)
            elif kind == GAP:
                for each in self.wires():
                    each.recheck.set()
            else:
                self._floor(message)
        except (KeyError, TypeError, ValueError):
            _log.exception("bus message not understood", topic=topic)

    def _desk(self, agent_id: str, message: Message) -> None:
        wires = self._desks.get(agent_id)
        if wires:
            encoded = encode({"type": "desk", "desk": message})
            for wire in tuple(wires):
                wire.desk(message, encoded)

    def _floor(self, message: Message) -> None:
        if self._floors:
            encoded = encode({"type": "floor", "floor": message})
            for wire in tuple(self._floors):
                wire.put(encoded)

    def _session(self, message: Message) -> None:
        self._forget_session(message)
        ended, user_id = set(message.get("session_ids", ())), message.get("user_id")
        for wire in self.wires():
            if wire.caller.session_id in ended:
                wire.end({"type": "signed_out"}, SIGNED_OUT)
            elif wire.caller.user_id == user_id:
                wire.recheck.set()


def encode(message: Mapping[str, Any]) -> str:
    """JSON without spaces, letters as they are."""
    return json.dumps(message, ensure_ascii=False, separators=(",", ":"))
