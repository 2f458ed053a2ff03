"""`/api/desk`: one agent's window. The server's Desk goes out, painted offers and commands come in."""

import asyncio
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, WebSocket

from api.access import Gate, socket_for_roles
from api.errors import told
from api.hub import REFUSED, WINDOW_TOPIC, DeskWire, encode
from api.schemas.desk import Hello, Painted
from api.sessions import Caller
from api.sockets import Connection, enter
from core.errors import Forbidden, Invalid, OneCallError
from core.ids import new_id
from core.log import get_logger

router = APIRouter()
_log = get_logger(__name__)


@router.websocket("/desk")
async def desk(socket: WebSocket, entry: Annotated[Caller | OneCallError, socket_for_roles("agent")]) -> None:
    """The desk socket of docs/contracts.md."""
    caller = await enter(socket, entry)
    if caller is None:
        return
    if caller.agent_id is None:
        error = Forbidden("This user has no seat at the phone.", "An administrator links the user to an agent.")
        await socket.send_text(encode({"type": "refused", "error": told(error)}))
        await socket.close(REFUSED)
        return
    await DeskConnection(socket, caller, caller.agent_id).run()


class DeskConnection(Connection):
    """One window of one agent."""

    def __init__(self, socket: WebSocket, caller: Caller, agent_id: str) -> None:
        self.desk_wire = DeskWire(caller, agent_id, new_id())
        super().__init__(socket, self.desk_wire, Gate(frozenset({"agent"})))
        self._agent_id = agent_id
        self._greeted = self._claimed = False
        self._told_epoch = ""
        self._own = {"agent_id": agent_id, "connection_id": self.desk_wire.connection_id}

    async def refresh(self) -> None:
        """Claim the agent, read the desk; tell each new life of the routing process that this window shows it."""
        if not self._greeted:
            return
        if not self._claimed:
            claim = {"connection_id": self.desk_wire.connection_id}
            await self.deps.bus.publish(f"{WINDOW_TOPIC}.{self._agent_id}", claim)
            self._claimed = True
        desk = await self.ask({"cmd": "desk.get", "agent_id": self._agent_id})
        if desk["epoch"] != self._told_epoch:
            await self.ask({"cmd": "desk.online", **self._own})
            self._told_epoch = str(desk["epoch"])
            desk = await self.ask({"cmd": "desk.get", "agent_id": self._agent_id})
        self.desk_wire.desk(desk)

    async def hear(self, message: Mapping[str, Any]) -> None:
        """`hello` and `painted`."""
        kind = message.get("type")
        if kind == "painted":
            painted = Painted.model_validate(message)
            self.spawn(self._tell_painted(painted.seq))
        elif kind == "hello":
            Hello.model_validate(message)
            await self._greet()
        else:
            await super().hear(message)

    async def _greet(self) -> None:
        if self._greeted:
            raise Invalid("`hello` was said before.", "Say it once, first.")
        self._greeted = True
        if not await self.try_refresh():
            # The beat tries again each second from here on, instead of at its slow pace.
            self.wire.recheck.set()

    async def _tell_painted(self, seq: int) -> None:
        try:
            await self.ask({"cmd": "desk.painted", "agent_id": self._agent_id, "seq": seq})
        except OneCallError as error:
            _log.warning("painted offer could not be told", agent_id=self._agent_id, error=str(error))

    async def left(self) -> None:
        """The window is gone; another one of the same agent is not touched by that (it has its own connection id)."""
        if not self._greeted:
            return
        try:
            async with asyncio.timeout(self.deps.settings.command_timeout):
                await self.ask({"cmd": "desk.offline", **self._own})
        except (OneCallError, TimeoutError) as error:
            _log.warning("closed desk could not be told", agent_id=self._agent_id, error=str(error))
